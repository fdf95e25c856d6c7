/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The report that mm-vmstat is known for: processes, memory, swap, I/O, system, CPU.
 *
 * Two samples of /proc/stat and /proc/vmstat make a line; before the first
 * line the older one is all zeros at boot, and time is the CPU seconds of all
 * CPUs together, as procps has it.  Guest time is part of user time, so it is
 * taken out of "us" and shown as "gu".
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <libmm/wide.h>

#include "vmstat.h"

struct sample {
	struct mm_proc_stat stat;
	struct mm_proc_vmstat vm;
	struct mm_proc_meminfo mem;
	uint64_t ns;
};

struct report_row {
	uint64_t r, b, swpd_kib, free_kib, buff_kib, cache_kib, inact_kib, active_kib;
	uint64_t si_kib_s, so_kib_s, bi_kib_s, bo_kib_s, in_s, cs_s;
	uint64_t us_pct, sy_pct, id_pct, wa_pct, st_pct, gu_pct;
	const char *time;
};

enum { COL_BUFF = 4, COL_CACHE, COL_INACT, COL_ACTIVE, COL_TIME = 20 };
#define COL(field, help) MM_COLUMN(struct report_row, field, MM_COL_U64, help)
#define KIB(field, help) MM_COLUMN(struct report_row, field, MM_COL_KIB, help)
static const struct mm_column columns[] = {
	COL(r, "runnable processes"),
	COL(b, "processes in uninterruptible sleep"),
	KIB(swpd_kib, "swap in use"),
	KIB(free_kib, "idle memory"),
	KIB(buff_kib, "buffers (without -a)"),
	KIB(cache_kib, "page cache and reclaimable slab (without -a)"),
	KIB(inact_kib, "inactive memory (with -a)"),
	KIB(active_kib, "active memory (with -a)"),
	KIB(si_kib_s, "swapped in, a second"),
	KIB(so_kib_s, "swapped out, a second"),
	KIB(bi_kib_s, "read from block devices, a second"),
	KIB(bo_kib_s, "written to block devices, a second"),
	COL(in_s, "interrupts a second"),
	COL(cs_s, "context switches a second"),
	COL(us_pct, "CPU time in user space, nice included, guests not"),
	COL(sy_pct, "CPU time in the kernel"),
	COL(id_pct, "CPU time idle"),
	COL(wa_pct, "CPU time waiting for I/O"),
	COL(st_pct, "CPU time stolen by the hypervisor"),
	COL(gu_pct, "CPU time running guests"),
	MM_COLUMN(struct report_row, time, MM_COL_STR, "local time of the sample (with -t)"),
};
const struct mm_table vmstat_report_table = MM_TABLE("vmstat", columns, "processes, memory, swap, I/O, system, CPU");

static int take(struct cmd_args *a, struct vmstat_args *v, struct sample *s)
{
	int err = mm_proc_vmstat_io(v->proc, &s->vm, &a->err);

	if (!err)
		err = mm_proc_meminfo(v->proc, &s->mem, &a->err);
	if (!err)
		err = mm_proc_stat(v->proc, &s->stat, &a->err);
	s->ns = vmstat_clock_ns();
	return err;
}

/* round(x * num / den), saturated; what is missing stays so. */
static uint64_t rate(uint64_t x, uint64_t num, uint64_t den)
{
	return x == MM_MISSING_U64 ? x : mm_mul_div(x, num, den / 2, den);
}

static void fill_memory(struct report_row *row, const struct sample *s)
{
	row->r = s->stat.procs_running;
	row->b = s->stat.procs_blocked;
	row->swpd_kib = s->mem.swap_used_kib;
	row->free_kib = s->mem.free_kib;
	row->buff_kib = s->mem.buffers_kib;
	row->cache_kib = s->mem.cache_kib;
	row->inact_kib = s->mem.inactive_kib;
	row->active_kib = s->mem.active_kib;
}

static struct mm_proc_ticks ticks_between(const struct mm_proc_ticks *now, const struct mm_proc_ticks *before)
{
	struct mm_proc_ticks t;

	/* a counter of ticks may run backwards for a moment: nothing passed then */
#define X(field) t.field = now->field > before->field ? now->field - before->field : 0;
	MM_TICK_FIELDS(X)
#undef X
	return t;
}

/* So that sums of ten cannot wrap. */
static struct mm_proc_ticks bounded(const struct mm_proc_ticks *t)
{
	struct mm_proc_ticks b;

#define X(field) b.field = t->field < UINT64_MAX / 16 ? t->field : UINT64_MAX / 16;
	MM_TICK_FIELDS(X)
#undef X
	return b;
}

/* Shares of CPU time; returns all ticks, 1 when none passed (then all is idle). */
static uint64_t fill_cpu(struct report_row *row, const struct mm_proc_ticks *ticks)
{
	const struct mm_proc_ticks b = bounded(ticks), *t = &b;
	uint64_t use = t->user + t->nice, sys = t->system + t->irq + t->softirq, guest = t->guest + t->guest_nice;
	uint64_t all = use + sys + t->idle + t->iowait + t->steal, idle = t->idle;

	if (!all)
		all = idle = 1;
	use = use > guest ? use - guest : 0;
	row->us_pct = rate(use, 100, all);
	row->sy_pct = rate(sys, 100, all);
	row->id_pct = rate(idle, 100, all);
	row->wa_pct = rate(t->iowait, 100, all);
	row->st_pct = rate(t->steal, 100, all);
	row->gu_pct = rate(guest, 100, all);
	return all;
}

struct flow {	/* what moved between two samples, in time num/den seconds^-1 */
	uint64_t pswpin, pswpout, pgpgin, pgpgout, intr, ctxt;
	uint64_t num, den;
};

/* What -S is not for, but --bytes is; CSV has the table writer for that. */
static uint64_t blocks(const struct vmstat_args *v, uint64_t kib, bool human)
{
	return human && v->bytes ? vmstat_unit(v, kib) : kib;
}

/* Of swap, @human: in the unit of -S. */
static void fill_flow(struct report_row *row, const struct vmstat_args *v, const struct flow *f, bool human)
{
	uint64_t page_kib = mm_proc_page_size(v->proc) / 1024;
	uint64_t in = mm_mul_div(f->pswpin, page_kib, 0, 1), out = mm_mul_div(f->pswpout, page_kib, 0, 1);

	row->si_kib_s = rate(human ? vmstat_unit(v, in) : in, f->num, f->den);
	row->so_kib_s = rate(human ? vmstat_unit(v, out) : out, f->num, f->den);
	row->bi_kib_s = rate(blocks(v, f->pgpgin, human), f->num, f->den);
	row->bo_kib_s = rate(blocks(v, f->pgpgout, human), f->num, f->den);
	row->in_s = rate(f->intr, f->num, f->den);
	row->cs_s = rate(f->ctxt, f->num, f->den);
}

static void since_boot(struct report_row *row, const struct vmstat_args *v, const struct sample *s, bool human)
{
	struct flow f = { s->vm.pswpin, s->vm.pswpout, s->vm.pgpgin, s->vm.pgpgout, s->stat.intr, s->stat.ctxt,
			  .num = (uint64_t)sysconf(_SC_CLK_TCK) };

	fill_memory(row, s);
	f.den = fill_cpu(row, &s->stat.all);
	fill_flow(row, v, &f, human);
}

static void between(struct report_row *row, const struct vmstat_args *v, const struct sample *now,
		    const struct sample *before, bool human)
{
	struct mm_proc_ticks t = ticks_between(&now->stat.all, &before->stat.all);
	struct flow f = { .num = 1000000000, .den = now->ns > before->ns ? now->ns - before->ns : 1 };

#define X(field, where) f.field = vmstat_delta(now->where.field, before->where.field);
	X(pswpin, vm) X(pswpout, vm) X(pgpgin, vm) X(pgpgout, vm) X(intr, stat) X(ctxt, stat)
#undef X
	fill_memory(row, now);
	fill_cpu(row, &t);
	fill_flow(row, v, &f, human);
}

static void header(struct cmd_args *a, const struct vmstat_args *v)
{
	const char *buff = v->active ? "inact" : "buff", *cache = v->active ? "active" : "cache";

	if (a->noheadings)
		return;
	if (v->wide)
		mm_output_printf(&a->out, "--procs-- -----------------------memory---------------------- ---swap-- "
				 "-----io---- -system-- ----------cpu----------%s\n"
				 "%4s %4s %12s %12s %12s %12s %4s %4s %5s %5s %4s %4s %3s %3s %3s %3s %3s %3s",
				 v->timestamp ? VMSTAT_STAMP_HEADER : "", "r", "b", "swpd", "free", buff, cache, "si",
				 "so",
				 "bi", "bo", "in", "cs", "us", "sy", "id", "wa", "st", "gu");
	else
		mm_output_printf(&a->out, "procs -----------memory---------- ---swap-- -----io---- -system-- "
				 "------cpu-----%s\n"
				 "%2s %2s %6s %6s %6s %6s %4s %4s %5s %5s %4s %4s %2s %2s %2s %2s %2s",
				 v->timestamp ? VMSTAT_STAMP_HEADER : "", "r", "b", "swpd", "free", buff, cache, "si",
				 "so",
				 "bi", "bo", "in", "cs", "us", "sy", "id", "wa", "st");
	vmstat_end_header(a, v);
}

static void line(struct cmd_args *a, const struct vmstat_args *v, const struct report_row *row)
{
	enum { SI = 6, CS = 11 };
	static const uint8_t widths[2][18] = {
		{ 2, 2, 6, 6, 6, 6, 4, 4, 5, 5, 4, 4, 2, 2, 2, 2, 2 },
		{ 4, 4, 12, 12, 12, 12, 4, 4, 5, 5, 4, 4, 3, 3, 3, 3, 3, 3 },
	};
	uint64_t values[] = {
		row->r, row->b, vmstat_unit(v, row->swpd_kib), vmstat_unit(v, row->free_kib),
		vmstat_unit(v, v->active ? row->inact_kib : row->buff_kib),
		vmstat_unit(v, v->active ? row->active_kib : row->cache_kib),
		row->si_kib_s, row->so_kib_s, row->bi_kib_s, row->bo_kib_s, row->in_s, row->cs_s,
		row->us_pct, row->sy_pct, row->id_pct, row->wa_pct, row->st_pct, row->gu_pct,
	};

	for (size_t i = 0; i < 18 && widths[v->wide][i]; i++) {
		if (i)
			mm_output_bytes(&a->out, " ", 1);
		if (values[i] == MM_MISSING_U64)
			mm_output_printf(&a->out, "%*s", widths[v->wide][i], "-");
		else		/* 32 bits of what flows, as procps 4.0.2 has it */
			mm_output_printf(&a->out, "%*llu", widths[v->wide][i],
					 (unsigned long long)(i < SI || i > CS ? values[i] : (uint32_t)values[i]));
	}
	mm_output_printf(&a->out, v->timestamp ? " %s\n" : "\n", row->time);
}

static uint32_t unused_columns(const struct vmstat_args *v)
{
	uint32_t without = v->active ? 1u << COL_BUFF | 1u << COL_CACHE : 1u << COL_INACT | 1u << COL_ACTIVE;

	return v->timestamp ? without : without | 1u << COL_TIME;
}

static int samples(struct cmd_args *a, struct vmstat_args *v, struct sample *s, struct mm_table_writer *w)
{
	uint64_t n = 0, lines = 0;
	int err = take(a, v, &s[0]);
	char stamp[VMSTAT_STAMP];

	if (!err && !w)
		header(a, v);
	while (!err) {
		struct report_row row = { .time = stamp };

		if (v->timestamp)
			vmstat_stamp(stamp);
		if (!n)
			since_boot(&row, v, &s[0], !w);
		else
			between(&row, v, &s[n & 1], &s[~n & 1], !w);
		if (!w && n && v->height && n % v->height == 0)
			header(a, v);
		if (n || !v->no_first) {
			if (w)
				mm_table_writer_row(w, &row);
			else
				line(a, v, &row);
			lines++;
		}
		if (!vmstat_next(a, v, lines))
			break;
		n++;
		err = take(a, v, &s[n & 1]);
	}
	return err;
}

int vmstat_report(struct cmd_args *a, struct vmstat_args *v)
{
	struct mm_table_writer *w = NULL;
	struct sample s[2] = { 0 };
	struct vmstat_columns c;
	int err = 0;

	vmstat_pick_columns(&c, &vmstat_report_table, unused_columns(v));
	if (!cmd_is_human(a))
		err = cmd_table(a, &c.table, &w);
	if (!err)
		err = samples(a, v, s, w);
	for (size_t i = 0; i < 2; i++) {
		mm_proc_stat_free(&s[i].stat);
		mm_proc_vmstat_free(&s[i].vm);
	}
	return w ? cmd_table_end(a, w, err) : err;
}
