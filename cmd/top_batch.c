/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Batch mode: frames as text, or one CSV table of all samples, flushed a sample.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <libmm/wide.h>

#include "top.h"

/* ---- CSV ------------------------------------------------------------------ */

struct csv_row {
	uint64_t pid, ppid, tgid, uid, threads;
	int64_t ni, cpu_pct, mem_pct, time_s;
	uint64_t virt_kib, res_kib, shr_kib, swap_kib, used_kib, code_kib, data_kib;
	uint64_t rss_anon_kib, rss_file_kib, rss_shmem_kib, locked_kib, pss_kib, uss_kib;
	uint64_t smaps_rss_kib, pss_anon_kib, pss_file_kib, pss_shmem_kib;
	uint64_t maj_faults, min_faults, maj_faults_delta, min_faults_delta;
	int64_t oom_score, oom_score_adj;
	const char *user, *ruser, *pr, *state, *command, *time;
	const char *cgroups, *cgname, *exe, *environ, *wchan;
	char file_text[5][TOP_MAX_LINE];
	char user_text[24], ruser_text[24], pr_text[24], state_text[2], command_text[TOP_MAX_LINE];
};

#define SHOWN(field, type, help) MM_COLUMN(struct csv_row, field, type, help)
#define HIDDEN(field, type, help) MM_COLUMN_HIDDEN(struct csv_row, field, type, help)
static const struct mm_column columns[] = {
	SHOWN(pid, MM_COL_U64, "process, or thread with -H"),
	SHOWN(user, MM_COL_STR, "effective user"),
	SHOWN(pr, MM_COL_STR, "priority; rt: real-time"),
	SHOWN(ni, MM_COL_I64, "nice value"),
	SHOWN(virt_kib, MM_COL_KIB, "address space"),
	SHOWN(res_kib, MM_COL_KIB, "resident memory"),
	SHOWN(shr_kib, MM_COL_KIB, "resident memory of files and shared memory"),
	SHOWN(state, MM_COL_STR, "R running, S sleeping, D uninterruptible, I idle, T stopped, t traced, Z zombie"),
	SHOWN(cpu_pct, MM_COL_CENTI, "CPU time since the last sample, of one CPU"),
	SHOWN(mem_pct, MM_COL_MILLI, "resident memory of all memory"),
	SHOWN(time_s, MM_COL_CENTI, "CPU time"),
	SHOWN(command, MM_COL_STR, "name, or command line with -c"),
	HIDDEN(time, MM_COL_STR, "local time of the sample"),
	HIDDEN(ppid, MM_COL_U64, "parent"),
	HIDDEN(tgid, MM_COL_U64, "process of a thread"),
	HIDDEN(uid, MM_COL_U64, "effective user id"),
	HIDDEN(ruser, MM_COL_STR, "real user"),
	HIDDEN(threads, MM_COL_U64, "number of threads"),
	HIDDEN(swap_kib, MM_COL_KIB, "in swap"),
	HIDDEN(used_kib, MM_COL_KIB, "resident and in swap"),
	HIDDEN(code_kib, MM_COL_KIB, "code"),
	HIDDEN(data_kib, MM_COL_KIB, "data and stack"),
	HIDDEN(rss_anon_kib, MM_COL_KIB, "resident anonymous memory"),
	HIDDEN(rss_file_kib, MM_COL_KIB, "resident file pages"),
	HIDDEN(rss_shmem_kib, MM_COL_KIB, "resident shared memory"),
	HIDDEN(locked_kib, MM_COL_KIB, "locked memory"),
	HIDDEN(pss_kib, MM_COL_KIB, "proportional set size (smaps_rollup)"),
	HIDDEN(uss_kib, MM_COL_KIB, "unique set size: private clean and dirty (smaps_rollup)"),
	HIDDEN(smaps_rss_kib, MM_COL_KIB, "resident memory (smaps_rollup)"),
	HIDDEN(pss_anon_kib, MM_COL_KIB, "anonymous part of pss_kib"),
	HIDDEN(pss_file_kib, MM_COL_KIB, "file part of pss_kib"),
	HIDDEN(pss_shmem_kib, MM_COL_KIB, "shared-memory part of pss_kib"),
	HIDDEN(maj_faults, MM_COL_U64, "major page faults"),
	HIDDEN(min_faults, MM_COL_U64, "minor page faults"),
	HIDDEN(maj_faults_delta, MM_COL_U64, "major page faults since the last sample"),
	HIDDEN(min_faults_delta, MM_COL_U64, "minor page faults since the last sample"),
	HIDDEN(oom_score, MM_COL_I64, "badness for the OOM killer"),
	HIDDEN(oom_score_adj, MM_COL_I64, "its adjustment"),
	HIDDEN(cgroups, MM_COL_STR, "control groups but roots, ID:CONTROLLERS:PATH, by commas"),
	HIDDEN(cgname, MM_COL_STR, "the same from the name of a named hierarchy on, where there is one"),
	HIDDEN(exe, MM_COL_STR, "program (PID/exe)"),
	HIDDEN(environ, MM_COL_STR, "environment"),
	HIDDEN(wchan, MM_COL_STR, "kernel function it sleeps in"),
};
const struct mm_table top_table = MM_TABLE("tasks", columns, "one row a process (a thread with -H)");

/* Fields behind CSV columns that need more than PID/stat, so that the files are read. */
static const struct { const char *column; enum top_field field; } needs[] = {
	{ "code_kib", TOP_CODE }, { "data_kib", TOP_DATA }, { "pss_kib", TOP_PSS }, { "uss_kib", TOP_USS },
	{ "smaps_rss_kib", TOP_PSS }, { "pss_anon_kib", TOP_PSS }, { "pss_file_kib", TOP_PSS }, { "pss_shmem_kib", TOP_PSS },
	{ "oom_score", TOP_OOMS }, { "oom_score_adj", TOP_OOMA },
	{ "cgroups", TOP_CGROUPS }, { "cgname", TOP_CGNAME }, { "exe", TOP_EXE }, { "environ", TOP_ENVIRON }, { "wchan", TOP_WCHAN },
};

/* Is @name one word of the comma list, in either case? */
static bool is_word(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = list; p && (p = strcasestr(p, name)); p += n)
		if ((p == list || p[-1] == ',' || p[-1] == '+') && (!p[n] || p[n] == ','))
			return true;
	return false;
}

/* With --bytes a column has another name too. */
static bool listed(const char *list, const char *name)
{
	const char *unit = strstr(name, "_kib");
	char in_bytes[32];

	snprintf(in_bytes, sizeof(in_bytes), "%.*s_bytes", (int)(unit ? unit - name : 0), name);
	return is_word(list, name) || (unit && is_word(list, in_bytes));
}

/* The columns chosen become the fields shown: what they need is read, nothing else. */
static void choose_fields(struct top *t)
{
	struct top_config *c = &t->c;

	c->nr_shown = 0;
	c->shown[c->nr_shown++] = TOP_USER;	/* status: users, sizes by kind */
	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
		if (listed(t->a->columns, needs[i].column))
			c->shown[c->nr_shown++] = (uint8_t)needs[i].field;
}

static const char *user_name(struct top *t, uint32_t uid, char *buf)
{
	const char *name = top_user_name(t, uid);

	if (!name)
		top_put_u64(buf, uid);
	return name ? name : buf;
}

static void fill_sizes(struct csv_row *c, const struct top *t, const struct mm_pid_row *r)
{
	double share;

	c->virt_kib = r->virt_kib;
	c->res_kib = r->res_kib;
	c->shr_kib = r->shr_kib;
	c->swap_kib = r->swap_kib;
	c->used_kib = top_add(r->res_kib, r->swap_kib);
	c->code_kib = r->code_kib;
	c->data_kib = r->data_kib;
	c->rss_anon_kib = r->rss_anon_kib;
	c->rss_file_kib = r->rss_file_kib;
	c->rss_shmem_kib = r->rss_shmem_kib;
	c->locked_kib = r->locked_kib;
	c->pss_kib = r->pss_kib;
	c->uss_kib = r->uss_kib;
	c->smaps_rss_kib = r->smaps_rss_kib;
	c->pss_anon_kib = r->pss_anon_kib;
	c->pss_file_kib = r->pss_file_kib;
	c->pss_shmem_kib = r->pss_shmem_kib;
	share = t->mem.total_kib ? (double)r->res_kib * 100000 / (double)t->mem.total_kib + 0.5 : 0;
	c->mem_pct = share < 9e18 ? (int64_t)share : MM_MISSING_I64;
}

static void put_number(char *p, int32_t v)
{
	if (v < 0)
		*p++ = '-';
	top_put_u64(p, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

static void fill_times(struct csv_row *c, const struct top *t, const struct top_item *it)
{
	const struct mm_pid_row *r = it->row;
	uint64_t centi = mm_mul_div(top_ticks(t, r), 100, 0, (uint64_t)sysconf(_SC_CLK_TCK));

	c->ni = r->nice;
	c->cpu_pct = (int64_t)(it->cpu_pct * 100 + 0.5);
	c->time_s = centi <= INT64_MAX ? (int64_t)centi : MM_MISSING_I64;
	c->maj_faults = r->maj_flt;
	c->min_faults = r->min_flt;
	c->maj_faults_delta = r->maj_flt_delta;
	c->min_faults_delta = r->min_flt_delta;
}

/* What a capture did not tell of this process is empty. */
static void leave_out(struct csv_row *c, uint32_t unknown)
{
	if (unknown & MM_PID_NO_PPID)
		c->ppid = MM_MISSING_U64;
	if (unknown & MM_PID_NO_THREADS)
		c->threads = MM_MISSING_U64;
	if (unknown & MM_PID_NO_NICE)
		c->ni = MM_MISSING_I64;
	if (unknown & MM_PID_NO_PRIORITY)
		c->pr = NULL;
	if (unknown & MM_PID_NO_CPU)
		c->cpu_pct = MM_MISSING_I64;
	if (unknown & MM_PID_NO_TIME)
		c->time_s = MM_MISSING_I64;
	if (unknown & MM_PID_NO_FAULTS)
		c->maj_faults = c->min_faults = c->maj_faults_delta = c->min_faults_delta = MM_MISSING_U64;
	if (unknown & MM_PID_NO_STATE)
		c->state = NULL;
	if (unknown & MM_PID_NO_VIRT)
		c->virt_kib = MM_MISSING_U64;
	if (unknown & MM_PID_NO_RES) {
		c->res_kib = MM_MISSING_U64;
		c->mem_pct = MM_MISSING_I64;
	}
	if (unknown & MM_PID_NO_SHARED)
		c->shr_kib = MM_MISSING_U64;
	if (unknown & MM_PID_NO_CODE)
		c->code_kib = c->data_kib = MM_MISSING_U64;
	if (unknown & MM_PID_NO_SWAP)
		c->swap_kib = c->used_kib = MM_MISSING_U64;
	if (unknown & MM_PID_NO_KINDS)
		c->rss_anon_kib = c->rss_file_kib = c->rss_shmem_kib = MM_MISSING_U64;
	if (unknown & MM_PID_NO_LOCKED)
		c->locked_kib = MM_MISSING_U64;
	if (unknown & MM_PID_NO_OOM_SCORE)
		c->oom_score = MM_MISSING_I64;
	if (unknown & MM_PID_NO_OOM_ADJ)
		c->oom_score_adj = MM_MISSING_I64;
}

/* Texts of files are read where their column is chosen: a file each. */
static void fill_texts(struct csv_row *c, struct top *t, const struct mm_pid_row *r)
{
	static const uint8_t fields[] = { TOP_CGROUPS, TOP_CGNAME, TOP_EXE, TOP_ENVIRON, TOP_WCHAN };
	const char **const to[] = { &c->cgroups, &c->cgname, &c->exe, &c->environ, &c->wchan };

	for (size_t i = 0; i < sizeof(fields); i++) {
		*to[i] = NULL;
		if (!top_field_shown(&t->c, (enum top_field)fields[i]))
			continue;
		top_file_text(t, r, (enum top_field)fields[i], c->file_text[i]);
		*to[i] = c->file_text[i][0] ? c->file_text[i] : NULL;
	}
}

static void csv_row(struct top *t, const struct top_item *it, struct csv_row *c, struct mm_table_writer *w)
{
	const struct mm_pid_row *r = it->row;

	fill_sizes(c, t, r);
	c->pid = r->pid;
	c->ppid = r->ppid;
	c->tgid = r->tgid;
	c->uid = r->status_seen ? r->euid : MM_MISSING_U64;
	c->threads = r->nr_threads;
	fill_times(c, t, it);
	fill_texts(c, t, r);
	c->oom_score = r->oom_score;
	c->oom_score_adj = r->oom_score_adj;
	c->user = c->ruser = NULL;
	if (r->status_seen) {
		c->user = user_name(t, r->euid, c->user_text);
		c->ruser = user_name(t, r->ruid, c->ruser_text);
	} else if (top_euid_known(r)) {
		c->uid = r->euid;
		c->user = top_user_name(t, r->euid);
		if (!c->user)
			c->user = r->ps_user ? r->ps_user : user_name(t, r->euid, c->user_text);
	} else {
		c->user = r->ps_user;
	}
	if (r->priority < -99 || r->priority > 999)
		strcpy(c->pr_text, "rt");
	else
		put_number(c->pr_text, r->priority);
	c->pr = c->pr_text;
	c->state_text[0] = r->state;
	c->state_text[1] = 0;
	c->state = c->state_text;
	c->command = r->comm;
	if (t->c.cmdline) {
		c->command = c->command_text;
		top_command_line(t, r, c->command_text);
	}
	if (r->unknown)
		leave_out(c, r->unknown);
	mm_table_writer_row(w, c);
}

static void csv_frame(struct top *t, struct mm_table_writer *w)
{
	struct csv_row c = { 0 };
	time_t now = time(NULL);
	char stamp[32] = "";
	struct tm tm;

	if (localtime_r(&now, &tm))
		strftime(stamp, sizeof(stamp), "%Y-%m-%d %H:%M:%S", &tm);
	c.time = stamp;
	for (size_t i = 0; i < t->nr_items && (!t->c.max_tasks || i < t->c.max_tasks); i++)
		csv_row(t, &t->items[i], &c, w);
}

/* ---- text ------------------------------------------------------------------ */

static void text_frame(struct top *t)
{
	size_t nr = top_summary(t, SIZE_MAX), len;
	char line[TOP_MAX_LINE];

	if (t->nr_samples > 2)
		mm_output_bytes(&t->a->out, "\n", 1);
	for (size_t i = 0; i < nr; i++) {
		len = top_clean(t, line, t->summary[i], t->width);
		mm_output_bytes(&t->a->out, line, len);
		mm_output_bytes(&t->a->out, "\n", 1);
	}
	len = top_header(t, line);
	if (!t->a->noheadings) {
		mm_output_bytes(&t->a->out, "\n", 1);
		mm_output_bytes(&t->a->out, line, len);
		mm_output_bytes(&t->a->out, "\n", 1);
	}
	for (size_t i = 0; i < t->nr_items && (!t->c.max_tasks || i < t->c.max_tasks); i++) {
		len = top_task_line(t, &t->items[i], line);
		mm_output_bytes(&t->a->out, line, len);
		mm_output_bytes(&t->a->out, "\n", 1);
	}
}

static void sleep_ms(uint64_t ms)
{
	struct timespec pause = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };

	while (nanosleep(&pause, &pause) && errno == EINTR)
		;
}

/* With several samples in one CSV table each row tells its time. */
static int csv_begin(struct top *t, struct mm_table_writer **wp)
{
	struct mm_table_options opt = cmd_table_options(t->a);

	if (t->iterations != 1 && !opt.columns)
		opt.columns = "+time";
	return cmd_writer(t->a, &t->a->out, &top_table, &opt, wp);
}

/*
 * Does anything shown count between two samples?  Chosen columns of one sample without a rate need one look alone;
 * then the order is that of all CPU time since the processes began.
 */
static bool rates_wanted(const struct top *t, bool human)
{
	static const char *const rates[] = { "cpu_pct", "maj_faults_delta", "min_faults_delta" };
	const char *list = t->a->columns;

	if (human || !list || *list == '+' || t->iterations != 1 || t->sort_given || t->c.hide_idle ||
	    t->c.sort != TOP_CPU || t->select.nr_filters)
		return true;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
		if (listed(list, rates[i]))
			return true;
	return false;
}

/* What is not among the rows, and where they came from. */
static int notes(const struct top *t, int err)
{
	uint64_t bad = mm_pid_table_bad(t->table), denied;
	int why;

	err = cmd_tell_cut_off(t->a, mm_proc_cut_off(t->proc), err);
	if (mm_pid_table_ps(t->table))
		cmd_note(t->a, "processes as ps told, too: %s", mm_pid_table_ps(t->table));
	if (bad)
		cmd_note(t->a, "%llu processes have a stat file or a line of ps that cannot be understood", (unsigned long long)bad);
	denied = mm_pid_table_denied(t->table, &why);
	if (denied)
		cmd_note(t->a, "%llu processes are left out: %s", (unsigned long long)denied, strerror(-why));
	return err;
}

int top_batch(struct top *t)
{
	bool human = cmd_is_human(t->a), rates = rates_wanted(t, human);
	struct mm_table_writer *w = NULL;
	int err = 0;

	if (!human) {
		choose_fields(t);
		err = csv_begin(t, &w);
	}
	if (!err)
		err = rates ? top_prime(t) : 0;
	t->nr_samples = 1;		/* not primed: what follows is no first look for the rates' sake */
	if (!err && top_is_live(t) && rates)
		sleep_ms(100);		/* so that the first %CPU has something to count */
	for (uint64_t n = 1; !err; n++) {
		err = top_sample(t, 0);
		if (err)
			break;
		if (w)
			csv_frame(t, w);
		else
			text_frame(t);
		if (mm_output_flush(&t->a->out) || (t->iterations && n >= t->iterations))
			break;
		sleep_ms(t->c.delay_ms);
	}
	err = notes(t, err);
	return w ? cmd_table_end(t->a, w, err) : err;
}
