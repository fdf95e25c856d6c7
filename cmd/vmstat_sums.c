/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sums since boot: -s memory and counters one a line, -f forks, and
 * --table=counters every key of /proc/vmstat with what it moved.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmstat.h"

struct sum_row {
	const char *statistic, *unit;
	uint64_t value;
};

static const struct mm_column sum_columns[] = {
	MM_COLUMN(struct sum_row, statistic, MM_COL_STR, "what is counted"),
	MM_COLUMN(struct sum_row, value, MM_COL_U64, "how many, since boot or now"),
	MM_COLUMN(struct sum_row, unit, MM_COL_STR, "KiB, ticks, pages, or empty"),
};
const struct mm_table vmstat_sum_table = MM_TABLE("sums", sum_columns, "memory and counters, one a line (-s, -D, -f)");

enum source { FROM_MEM, FROM_TICKS, FROM_VM, FROM_STAT };
#define MEM(field, text) { FROM_MEM, offsetof(struct mm_proc_meminfo, field), "KiB", NULL, text }
#define TICKS(field, text) \
	{ FROM_STAT, offsetof(struct mm_proc_stat, all) + offsetof(struct mm_proc_ticks, field), "ticks", NULL, text }
#define VM(field, unit, prefix, text) { FROM_VM, offsetof(struct mm_proc_vmstat, field), unit, prefix, text }
#define STAT(field, text) { FROM_STAT, offsetof(struct mm_proc_stat, field), "", NULL, text }
static const struct sum {
	enum source from;
	size_t offset;
	const char *unit;		/* of the CSV row */
	const char *prefix;		/* before the text when it is not in the unit of -S */
	const char *text;
} sums[] = {
	MEM(total_kib, "total memory"), MEM(used_kib, "used memory"), MEM(active_kib, "active memory"),
	MEM(inactive_kib, "inactive memory"), MEM(free_kib, "free memory"), MEM(buffers_kib, "buffer memory"),
	MEM(cache_kib, "swap cache"), MEM(swap_total_kib, "total swap"), MEM(swap_used_kib, "used swap"),
	MEM(swap_free_kib, "free swap"),
	TICKS(user, "non-nice user cpu ticks"), TICKS(nice, "nice user cpu ticks"), TICKS(system, "system cpu ticks"),
	TICKS(idle, "idle cpu ticks"), TICKS(iowait, "IO-wait cpu ticks"), TICKS(irq, "IRQ cpu ticks"),
	TICKS(softirq, "softirq cpu ticks"), TICKS(steal, "stolen cpu ticks"),
	TICKS(guest, "non-nice guest cpu ticks"), TICKS(guest_nice, "nice guest cpu ticks"),
	VM(pgpgin, "KiB", "K ", "paged in"), VM(pgpgout, "KiB", "K ", "paged out"),
	VM(pswpin, "pages", "", "pages swapped in"), VM(pswpout, "pages", "", "pages swapped out"),
	STAT(intr, "interrupts"), STAT(ctxt, "CPU context switches"), STAT(btime, "boot time"),
	STAT(processes, "forks"),
};

static void print_sum(struct cmd_args *a, const struct vmstat_args *v, const struct sum *s, uint64_t value,
		      struct mm_table_writer *w)
{
	bool kib = v->bytes && !strcmp(s->unit, "KiB");		/* in bytes, then; too many stay the most that can be told */
	uint64_t most = MM_MISSING_U64 >> 10;
	struct sum_row row = { s->text, kib ? "bytes" : s->unit, value };

	if (kib && value != MM_MISSING_U64)
		row.value = (value < most ? value : most) << 10;
	if (w)
		mm_table_writer_row(w, &row);
	else if (value == MM_MISSING_U64)
		mm_output_printf(&a->out, "%13s %s%s\n", "-", s->prefix ? s->prefix : "", s->text);
	else if (s->from == FROM_MEM)
		mm_output_printf(&a->out, "%13llu %c %s\n", (unsigned long long)vmstat_unit(v, value), v->unit_letter,
				 s->text);
	else
		mm_output_printf(&a->out, "%13llu %s%s\n", (unsigned long long)row.value,
				 kib ? "B " : s->prefix ? s->prefix : "", s->text);
}

int vmstat_sums(struct cmd_args *a, struct vmstat_args *v)
{
	struct mm_table_writer *w = NULL;
	struct mm_proc_meminfo mem;
	struct mm_proc_vmstat vm = { 0 };
	struct mm_proc_stat stat = { 0 };
	const void *const from[] = { [FROM_MEM] = &mem, [FROM_VM] = &vm, [FROM_STAT] = &stat };
	int err = mm_proc_stat(v->proc, &stat, &a->err);

	if (!err)
		err = mm_proc_vmstat_io(v->proc, &vm, &a->err);
	if (!err)
		err = mm_proc_meminfo(v->proc, &mem, &a->err);
	if (!err && !cmd_is_human(a))
		err = cmd_table(a, &vmstat_sum_table, &w);
	for (size_t i = 0; !err && i < sizeof(sums) / sizeof(sums[0]); i++) {
		uint64_t value;

		memcpy(&value, (const char *)from[sums[i].from] + sums[i].offset, sizeof(value));
		print_sum(a, v, &sums[i], value, w);
	}
	mm_proc_stat_free(&stat);
	return w ? cmd_table_end(a, w, err) : err;
}

int vmstat_forks(struct cmd_args *a, struct vmstat_args *v)
{
	static const struct sum forks = STAT(processes, "forks");
	struct mm_table_writer *w = NULL;
	struct mm_proc_stat stat = { 0 };
	int err = mm_proc_stat(v->proc, &stat, &a->err);

	if (!err && !cmd_is_human(a))
		err = cmd_table(a, &vmstat_sum_table, &w);
	if (!err)
		print_sum(a, v, &forks, stat.processes, w);
	mm_proc_stat_free(&stat);
	return w ? cmd_table_end(a, w, err) : err;
}

/* ---- -D ------------------------------------------------------------------ */

int vmstat_disk_sums(struct cmd_args *a, struct vmstat_args *v)
{
	enum { DISKS, PARTITIONS, FIRST, IN_FLIGHT = 10 };
	/* the text's numbers of the last three lines are divided by 1000, as procps 4.0.2 has them */
	static const struct { const char *text, *unit; unsigned int divide; } lines[] = {
		{ "disks", "", 1 }, { "partitions", "", 1 }, { "total reads", "", 1 }, { "merged reads", "", 1 },
		{ "read sectors", "", 1 }, { "milli reading", "ms", 1 }, { "writes", "", 1 },
		{ "merged writes", "", 1 },
		{ "written sectors", "", 1 }, { "milli writing", "ms", 1 }, { "inprogress IO", "", 1000 },
		{ "milli spent IO", "ms", 1000 }, { "milli weighted IO", "ms", 1000 },
	};
	enum { NR = sizeof(lines) / sizeof(lines[0]) };
	uint64_t raw[NR] = { 0 }, text[NR] = { 0 };
	struct mm_table_writer *w = NULL;
	struct mm_proc_disks ds = { 0 };
	int err = mm_proc_disks(v->proc, &ds, &a->err);

	for (size_t i = 0; !err && i < ds.nr; i++) {
		const struct mm_proc_disk *d = &ds.v[i];
		size_t n = FIRST;

		raw[d->whole ? DISKS : PARTITIONS]++;
		if (!d->whole)
			continue;
#define X(field) raw[n] += d->field; text[n] += n == IN_FLIGHT ? (uint64_t)vmstat_in_flight(d) : d->field / lines[n].divide; n++;
		MM_DISK_FIELDS(X)
#undef X
	}
	text[DISKS] = raw[DISKS];
	text[PARTITIONS] = raw[PARTITIONS];
	if (!err && !cmd_is_human(a))
		err = cmd_table(a, &vmstat_sum_table, &w);
	for (size_t i = 0; !err && i < NR; i++) {
		struct sum_row row = { lines[i].text, lines[i].unit, raw[i] };

		if (w)
			mm_table_writer_row(w, &row);
		else
			mm_output_printf(&a->out, "%13llu %s\n", (unsigned long long)text[i], lines[i].text);
	}
	mm_proc_disks_free(&ds);
	return w ? cmd_table_end(a, w, err) : err;
}

/* ---- --table=counters ------------------------------------------------------ */

struct counter_row {
	const char *counter, *time;
	uint64_t value, delta;
};

enum { COL_TIME = 3 };
static const struct mm_column counter_columns[] = {
	MM_COLUMN(struct counter_row, counter, MM_COL_STR, "key of /proc/vmstat"),
	MM_COLUMN(struct counter_row, value, MM_COL_U64, "as the kernel gives it"),
	MM_COLUMN(struct counter_row, delta, MM_COL_I64, "moved since the sample before; empty in the first"),
	MM_COLUMN(struct counter_row, time, MM_COL_STR, "local time of the sample (with a delay or -t)"),
};
const struct mm_table vmstat_counter_table = MM_TABLE("counters", counter_columns, "every key of /proc/vmstat");

/* The counter @name of the sample before: nearly always at the same place. */
static const struct mm_proc_counter *before(const struct mm_proc_vmstat *old, const char *name, size_t i)
{
	if (i < old->nr && !strcmp(old->v[i].name, name))
		return &old->v[i];
	for (size_t k = 0; k < old->nr; k++)
		if (!strcmp(old->v[k].name, name))
			return &old->v[k];
	return NULL;
}

static void counter_rows(const struct mm_proc_vmstat *now, const struct mm_proc_vmstat *old, const char *stamp,
			 struct mm_table_writer *w)
{
	for (size_t i = 0; i < now->nr; i++) {
		const struct mm_proc_counter *c = &now->v[i], *o = before(old, c->name, i);
		struct counter_row row = { .counter = c->name, .time = stamp, .value = c->value };

		/* gauges such as nr_free_pages fall as well as rise: a signed difference */
		row.delta = o ? c->value - o->value : (uint64_t)MM_MISSING_I64;
		mm_table_writer_row(w, &row);
	}
}

int vmstat_counters(struct cmd_args *a, struct vmstat_args *v)
{
	bool timed = v->timestamp || v->count != 1;
	struct mm_proc_vmstat s[2] = { 0 };
	struct mm_table_writer *w = NULL;
	struct vmstat_columns c;
	uint64_t n = 0, shown = 0;
	char stamp[VMSTAT_STAMP];
	int err = 0;

	vmstat_pick_columns(&c, &vmstat_counter_table, timed ? 0 : 1u << COL_TIME);
	for (;; n++) {
		err = mm_proc_vmstat(v->proc, &s[n & 1], &a->err);
		if (!err && !w)		/* a terminal gets an aligned block a sample, a pipe one table */
			err = cmd_table(a, &c.table, &w);
		if (err)
			break;
		vmstat_stamp(stamp);
		if (n || !v->no_first) {
			counter_rows(&s[n & 1], &s[~n & 1], stamp, w);
			shown++;
		}
		if (cmd_is_human(a)) {
			err = cmd_table_end(a, w, 0);
			w = NULL;
		}
		if (err || !vmstat_next(a, v, shown))
			break;
	}
	err = cmd_table_end(a, w, err);
	mm_proc_vmstat_free(&s[0]);
	mm_proc_vmstat_free(&s[1]);
	return err;
}
