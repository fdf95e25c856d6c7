/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Outputs of ps(1), as a sosreport has them in sos_commands/process:
 *
 *	USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND	ps auxwwwm
 *	root           1  0.0  1.0 100000 10240 ?        -    Nov01   0:05 /sbin/init
 *	root           -  0.0    -      -     - -        Ss   Nov01   0:05 -		its threads, for the m
 *
 * The line of headings tells the columns.  Each but the last is one word (STARTED of lstart is five); where COMMAND is not the
 * last, the last is one word and the name is what lies between.  Several outputs of one machine tell different things: a
 * process is the sum of its lines, and where two tell the same, the first counts: those of "ps aux..." come first, then by name.
 *
 * PRI is three things: behind C (ps -l) it is 60 more than the kernel's priority, between PPID and NI of "ps l" that priority itself,
 * beside CLS (ps -o pri) it counts the other way and is left out.  %CPU is the share of the process's whole life.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/grow.h"
#include "base/str.h"
#include "source/folder.h"
#include "source/ps.h"
#include "source/scan.h"

enum ps_column { OTHER, PID, PPID, USER, UID, PCPU, VSZ, RSS, STATE, TIME, PRI, NI, NLWP, LSTART, COMMAND, CGROUP };
enum { MAX_COLUMNS = 32, MAX_ROWS = 1 << 23, MAX_FILES = 32 };

struct ps_layout {
	enum ps_column v[MAX_COLUMNS];
	size_t nr;
	int32_t pri_base;		/* PRI less this is the priority; INT32_MAX: it tells none */
};

static const struct { const char *heading; enum ps_column column; } headings[] = {
	{ "PID", PID }, { "PPID", PPID }, { "USER", USER }, { "UID", UID }, { "%CPU", PCPU }, { "VSZ", VSZ }, { "RSS", RSS },
	{ "STAT", STATE }, { "S", STATE }, { "TIME", TIME }, { "PRI", PRI }, { "NI", NI }, { "NLWP", NLWP }, { "STARTED", LSTART },
	{ "COMMAND", COMMAND }, { "CMD", COMMAND }, { "CGROUP", CGROUP },
};

/* The columns of a line of headings; false: it is none. */
static bool read_headings(struct ps_layout *l, struct mm_str line)
{
	bool pid = false, command = false, classes = false, c = false;
	struct mm_str word;

	*l = (struct ps_layout){ .pri_base = 0 };
	while (scan_next_word(&line, &word)) {
		enum ps_column column = OTHER;

		for (size_t i = 0; i < sizeof(headings) / sizeof(headings[0]); i++)
			if (mm_str_is(word, headings[i].heading))
				column = headings[i].column;
		if (l->nr == MAX_COLUMNS)
			return false;
		l->v[l->nr++] = column;
		pid |= column == PID;
		command |= column == COMMAND;
		classes |= mm_str_is(word, "CLS");
		c |= mm_str_is(word, "C");
	}
	l->pri_base = classes ? INT32_MAX : c ? 60 : 0;
	return pid && command;
}

/* "[[DD-]HH:]MM:SS" or "MMM:SS" */
static bool scan_time(struct mm_str s, uint64_t *seconds)
{
	uint64_t days = 0, v, sum = 0;
	bool any = false;

	while (scan_u64(&s, &v) && v < UINT32_MAX && sum < UINT32_MAX) {
		if (!any && scan_word(&s, "-")) {
			days = v;
			continue;
		}
		sum = sum * 60 + v;
		any = true;
		if (!scan_word(&s, ":"))
			break;
	}
	*seconds = days * 86400 + sum;
	return any && !s.len;
}

static bool scan_whole(struct mm_str s, uint64_t *v)
{
	return scan_u64(&s, v) && !s.len;
}

/* A number of at most 31 bits for @to; then @bit is known. */
static void number(struct mm_ps_row *r, struct mm_str word, uint32_t *to, uint32_t bit)
{
	uint64_t v;

	if (!scan_whole(word, &v) || v > INT32_MAX)
		return;
	*to = (uint32_t)v;
	r->known |= bit;
}

static void kib(struct mm_ps_row *r, struct mm_str word, uint64_t *to, uint32_t bit)
{
	r->known |= scan_whole(word, to) ? bit : 0;
}

static void small(struct mm_ps_row *r, struct mm_str word, int32_t base, int32_t *to, uint32_t bit)
{
	int64_t v;

	if (base == INT32_MAX || !scan_i64(&word, &v) || word.len || v < -1000 || v > 1000)
		return;
	*to = (int32_t)v - base;
	r->known |= bit;
}

static void share(struct mm_ps_row *r, struct mm_str word)
{
	uint64_t whole, part = 0;

	if (!scan_u64(&word, &whole) || whole > 1000000)
		return;
	if (scan_word(&word, ".") && (!scan_u64(&word, &part) || part > 9))
		return;
	r->cpu_tenths = (uint32_t)(whole * 10 + part);
	r->known |= MM_PID_NO_CPU;
}

static int keep(char **to, struct mm_str text)
{
	if (*to || !text.len)
		return 0;
	*to = strndup(text.p, text.len);
	return *to ? 0 : -ENOMEM;
}

static int take(struct mm_ps_row *r, const struct ps_layout *l, enum ps_column column, struct mm_str word)
{
	switch (column) {
	case PID: number(r, word, &r->pid, 0); return 0;
	case PPID: number(r, word, &r->ppid, MM_PID_NO_PPID); return 0;
	case UID:
		number(r, word, &r->euid, MM_PID_NO_EUID);
		return r->known & MM_PID_NO_EUID ? 0 : keep(&r->user, word);
	case USER: return keep(&r->user, word);
	case CGROUP: return mm_str_is(word, "-") ? 0 : keep(&r->cgroup, word);
	case PCPU: share(r, word); return 0;
	case VSZ: kib(r, word, &r->virt_kib, MM_PID_NO_VIRT); return 0;
	case RSS: kib(r, word, &r->res_kib, MM_PID_NO_RES); return 0;
	case TIME: r->known |= scan_time(word, &r->seconds) ? MM_PID_NO_TIME : 0; return 0;
	case PRI: small(r, word, l->pri_base, &r->priority, MM_PID_NO_PRIORITY); return 0;
	case NI: small(r, word, 0, &r->nice, MM_PID_NO_NICE); return 0;
	case NLWP: number(r, word, &r->nr_threads, MM_PID_NO_THREADS); return 0;
	case STATE:
		r->state = *word.p;
		r->known |= *word.p != '-' ? MM_PID_NO_STATE : 0;
		return 0;
	default: return 0;
	}
}

/* The branches that "ps f" draws before a command */
static struct mm_str without_tree(struct mm_str s)
{
	scan_blanks(&s);
	for (;;) {
		if (scan_word(&s, "\\_ "))
			return s;
		if (!s.len || *s.p != '|')
			return s;
		s.p++;
		s.len--;
		scan_blanks(&s);
	}
}

/* The command in its column @at, and the words after it. */
static int take_command(struct mm_ps_row *r, const struct ps_layout *l, size_t at, struct mm_str rest)
{
	bool name_alone = at + 1 < l->nr;
	int err = 0;

	while (rest.len && (rest.p[rest.len - 1] == ' ' || rest.p[rest.len - 1] == '\r'))
		rest.len--;
	for (size_t i = l->nr - 1; i > at && !err; i--) {
		size_t end = rest.len;

		while (rest.len && rest.p[rest.len - 1] != ' ')
			rest.len--;
		if (l->v[i] == CGROUP)
			err = take(r, l, CGROUP, (struct mm_str){ rest.p + rest.len, end - rest.len });
		while (rest.len && rest.p[rest.len - 1] == ' ')
			rest.len--;
	}
	if (err)
		return err;
	if (name_alone) {
		scan_blanks(&rest);
		return keep(&r->comm, rest);
	}
	return keep(&r->args, without_tree(rest));
}

/* A line of "ps m" for a thread of the process before it: the first one's state is the process's. */
static void take_thread(struct mm_ps *ps, const struct mm_ps_row *thread, size_t file)
{
	struct mm_ps_row *r = ps->nr ? &ps->v[ps->nr - 1] : NULL;

	if (!r || r->file != file)
		return;
	r->nr_threads++;
	r->known |= MM_PID_NO_THREADS;
	if (!(r->known & MM_PID_NO_STATE) && thread->known & MM_PID_NO_STATE) {
		r->state = thread->state;
		r->known |= MM_PID_NO_STATE;
	}
}

static void free_row(struct mm_ps_row *r)
{
	free(r->user);
	free(r->args);
	free(r->comm);
	free(r->cgroup);
}

static int read_row(struct mm_ps *ps, const struct ps_layout *l, struct mm_str line, size_t file)
{
	struct mm_ps_row r = { .file = file, .seq = ps->nr };
	bool thread = false, cut = false;
	struct mm_str word;
	int err = 0;

	for (size_t i = 0; i < l->nr && !err; i++) {
		if (l->v[i] == COMMAND) {
			err = take_command(&r, l, i, line);
			break;
		}
		for (size_t n = l->v[i] == LSTART ? 5 : 1; n; n--)
			cut |= !scan_next_word(&line, &word);
		if (cut)
			break;
		thread |= l->v[i] == PID && mm_str_is(word, "-");
		err = take(&r, l, l->v[i], word);
	}
	if (!err && !cut && r.pid) {
		err = ps->nr >= MAX_ROWS ? -ENOMEM : mm_grow(&ps->v, ps->nr, &ps->cap, sizeof(*ps->v));
		if (!err) {
			ps->v[ps->nr++] = r;
			return 0;
		}
	} else if (!err && !cut && thread) {
		take_thread(ps, &r, file);
	} else if (!err) {
		ps->nr_bad++;
	}
	free_row(&r);
	return err;
}

/* One output.  0 (a text of another kind has no rows) or -ENOMEM. */
static int parse(struct mm_ps *ps, struct mm_str text, size_t file)
{
	struct ps_layout l;
	struct mm_str line;
	int err = 0;

	if (!scan_line(&text, &line) || !read_headings(&l, line))
		return 0;
	while (!err && scan_line(&text, &line))
		if (line.len)
			err = read_row(ps, &l, line, file);
	return err;
}

static int by_pid(const void *a, const void *b)
{
	const struct mm_ps_row *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* The words of two lines of one process: @from's where @to has none. */
static void join(struct mm_ps_row *to, struct mm_ps_row *from)
{
	char **const texts[][2] = { { &to->user, &from->user }, { &to->args, &from->args }, { &to->comm, &from->comm },
				     { &to->cgroup, &from->cgroup } };
	uint32_t more = from->known & ~to->known;

#define TAKE(bit, field) to->field = more & (bit) ? from->field : to->field
	TAKE(MM_PID_NO_PPID, ppid);
	TAKE(MM_PID_NO_EUID, euid);
	TAKE(MM_PID_NO_CPU, cpu_tenths);
	TAKE(MM_PID_NO_VIRT, virt_kib);
	TAKE(MM_PID_NO_RES, res_kib);
	TAKE(MM_PID_NO_TIME, seconds);
	TAKE(MM_PID_NO_PRIORITY, priority);
	TAKE(MM_PID_NO_NICE, nice);
	TAKE(MM_PID_NO_THREADS, nr_threads);
	TAKE(MM_PID_NO_STATE, state);
#undef TAKE
	to->known |= more;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (!*texts[i][0]) {
			*texts[i][0] = *texts[i][1];
			*texts[i][1] = NULL;
		}
	free_row(from);
}

/* After the last output: a row a pid; what several told is of the first. */
static void sort(struct mm_ps *ps)
{
	size_t n = 0;

	if (!ps->nr)
		return;
	qsort(ps->v, ps->nr, sizeof(*ps->v), by_pid);
	for (size_t i = 1; i < ps->nr; i++)
		if (ps->v[i].pid == ps->v[n].pid)
			join(&ps->v[n], &ps->v[i]);
		else
			ps->v[++n] = ps->v[i];
	ps->nr = n + 1;
}

void mm_ps_free(struct mm_ps *ps)
{
	for (size_t i = 0; i < ps->nr; i++)
		free_row(&ps->v[i]);
	free(ps->v);
	*ps = (struct mm_ps){ 0 };
}

static int read_output(struct mm_ps *ps, struct mm_proc *p, const char *path, size_t file)
{
	size_t before = ps->nr;
	struct mm_str text;
	int err = mm_proc_read(p, path, &text, NULL);

	if (err)
		return err == -ENOMEM ? err : 0;
	err = parse(ps, text, file);
	if (ps->nr > before && !ps->nr_outputs++)
		snprintf(ps->first, sizeof(ps->first), "%s", path);
	return err;
}

/* ps tells names, and cuts long ones ("systemd+"): the number of those that etc/passwd has */
static int find_uids(struct mm_ps *ps, struct mm_proc *p)
{
	struct mm_users *users;

	if (!ps->nr)
		return 0;
	if (mm_users_new(&users, p))
		return -ENOMEM;
	for (size_t i = 0; i < ps->nr; i++)
		if (ps->v[i].user && !(ps->v[i].known & MM_PID_NO_EUID) && !mm_users_uid(users, ps->v[i].user, &ps->v[i].euid))
			ps->v[i].known |= MM_PID_NO_EUID;
	mm_users_free(users);
	return 0;
}

int mm_ps_read(struct mm_ps *ps, struct mm_proc *p)
{
	static const char dir[] = "sos_commands/process";
	char path[sizeof(dir) + 257];
	struct mm_names names = { 0 };
	int err = mm_names_read(&names, p->root_fd, dir, false);
	size_t file = 0;

	err = err == -ENOMEM ? err : 0;
	for (int rest = 0; rest < 2; rest++)		/* "ps_aux..." first: it has the most */
		for (size_t i = 0; !err && i < names.nr && file < MAX_FILES; i++) {
			const char *name = names.v[i];

			if (strncmp(name, "ps_", 3) || (strncmp(name, "ps_aux", 6) != 0) != rest)
				continue;
			snprintf(path, sizeof(path), "%s/%s", dir, name);
			err = read_output(ps, p, path, file++);
		}
	mm_names_free(&names);
	if (!err && !ps->nr)
		err = read_output(ps, p, "ps", 0);	/* the link that a sosreport has at its top */
	sort(ps);
	if (ps->nr_outputs > 1)
		snprintf(ps->from, sizeof(ps->from), "%s and %zu more", ps->first, ps->nr_outputs - 1);
	else
		strcpy(ps->from, ps->first);
	return err ? err : find_uids(ps, p);
}

const struct mm_ps_row *mm_ps_find(const struct mm_ps *ps, uint32_t pid)
{
	struct mm_ps_row key = { .pid = pid };
	size_t lo = 0, hi = ps->nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (ps->v[mid].pid < key.pid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < ps->nr && ps->v[lo].pid == pid ? &ps->v[lo] : NULL;
}

/*
 * The name of a process of which only the command line is known: its program's, what stands in brackets, or what it calls itself
 * ("sshd: ...", a login shell's "-bash").
 */
static void name_of(const struct mm_ps_row *ps, struct mm_pid_row *r)
{
	enum { COMM = 15 };		/* TASK_COMM_LEN less the NUL */
	struct mm_str s = { ps->args ? ps->args : "", 0 };
	const char *slash;
	size_t n;

	s.len = strcspn(s.p, " ");
	slash = memrchr(s.p, '/', s.len);
	if (ps->comm) {
		s = (struct mm_str){ ps->comm, strlen(ps->comm) };
	} else if (s.len > 2 && s.p[0] == '[' && s.p[s.len - 1] == ']') {
		s = (struct mm_str){ s.p + 1, s.len - 2 };
	} else {
		if (slash && slash + 1 < s.p + s.len)
			s = (struct mm_str){ slash + 1, (size_t)(s.p + s.len - slash - 1) };
		scan_word(&s, "-");
		s.len -= s.len > 1 && s.p[s.len - 1] == ':';
		s.len = s.len < COMM ? s.len : COMM;
	}
	n = s.len < sizeof(r->comm) - 1 ? s.len : sizeof(r->comm) - 1;
	memcpy(r->comm, s.p, n);
	r->comm[n] = 0;
}

void mm_ps_fill(const struct mm_ps_row *ps, struct mm_pid_row *r)
{
	uint32_t more = ps->known & r->unknown;

	r->from_ps = true;
	r->ps_user = ps->user;
	r->ps_args = ps->args;
	r->ps_cgroup = ps->cgroup;
	if (!r->comm[0])
		name_of(ps, r);
#define TAKE(bit, to, from) r->to = more & (bit) ? (from) : r->to
	TAKE(MM_PID_NO_PPID, ppid, ps->ppid);
	TAKE(MM_PID_NO_EUID, euid, ps->euid);
	TAKE(MM_PID_NO_CPU, life_cpu_tenths, ps->cpu_tenths);
	TAKE(MM_PID_NO_VIRT, virt_kib, ps->virt_kib);
	TAKE(MM_PID_NO_RES, res_kib, ps->res_kib);
	TAKE(MM_PID_NO_TIME, ticks, ps->seconds * (uint64_t)sysconf(_SC_CLK_TCK));
	TAKE(MM_PID_NO_PRIORITY, priority, ps->priority);
	TAKE(MM_PID_NO_NICE, nice, ps->nice);
	TAKE(MM_PID_NO_THREADS, nr_threads, ps->nr_threads);
	TAKE(MM_PID_NO_STATE, state, ps->state);
#undef TAKE
	r->unknown &= ~more;
}
