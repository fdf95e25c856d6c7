/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mm-slab -t diff: two captures, cache by cache.
 * mm-slab -t compare: one trace through SLUB, SLAB and SLOB, each on a machine of its own.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/slab.h>

#include "cmd_internal.h"
#include "slab_tables.h"

/* ---- diff ---- */

struct diff_row {
	const char *name, *change;
	uint64_t active_objects;
	int64_t active_objects_diff, objects_diff, slabs_diff, bytes_diff, waste_diff;
	struct mm_str unique_id, alias_names;
};

static const struct mm_column diff_columns[] = {
	MM_COLUMN(struct diff_row, name, MM_COL_STR, "name of the cache"),
	MM_COLUMN(struct diff_row, change, MM_COL_STR, "grown, shrunk, same, new or gone, by bytes of slabs"),
	MM_COLUMN(struct diff_row, active_objects, MM_COL_U64, "objects in use afterwards"),
	MM_COLUMN(struct diff_row, active_objects_diff, MM_COL_I64, "objects in use: after less before"),
	MM_COLUMN(struct diff_row, objects_diff, MM_COL_I64, "room for objects: after less before"),
	MM_COLUMN(struct diff_row, slabs_diff, MM_COL_I64, "slabs: after less before"),
	MM_COLUMN(struct diff_row, bytes_diff, MM_COL_I64, "bytes of slabs: after less before"),
	MM_COLUMN(struct diff_row, waste_diff, MM_COL_I64, "bytes of slabs not in objects in use: after less before"),
	MM_COLUMN(struct diff_row, alias_names, MM_COL_SLICE,
		  "further names of the cache, joined by | (of a system, not of a slabinfo alone)"),
	MM_COLUMN_HIDDEN(struct diff_row, unique_id, MM_COL_SLICE, "its folder in /sys/kernel/slab"),
};
const struct mm_table slab_diff_table =
	MM_TABLE("diff", diff_columns,
		 "what changed between two captures (--before=FILE or DIR), cache by cache, largest growth first");

static int by_name(const void *a, const void *b)
{
	return strcmp((*(const struct mm_cache_row *const *)a)->name, (*(const struct mm_cache_row *const *)b)->name);
}

static const struct mm_cache_row **sorted(const struct mm_slabinfo *info)
{
	const struct mm_cache_row **v = malloc((info->nr + 1) * sizeof(*v));

	for (size_t i = 0; v && i < info->nr; i++)
		v[i] = &info->v[i];
	if (v)
		qsort(v, info->nr, sizeof(*v), by_name);
	return v;
}

/* Numbers of a capture are anything; what does not fit is cut. */
static int64_t known(uint64_t v) { return v == MM_MISSING_U64 ? 0 : v > INT64_MAX ? INT64_MAX : (int64_t)v; }

static int64_t minus(int64_t a, int64_t b)
{
	int64_t d;

	return __builtin_sub_overflow(a, b, &d) ? (a > b ? INT64_MAX : -INT64_MAX) : d;
}

static int64_t waste(const struct mm_cache_row *c)
{
	uint64_t used = 0;

	if (__builtin_mul_overflow(mm_or_else(c->active_objects, 0), mm_or_else(c->slab_size, 0), &used))
		used = INT64_MAX;
	return minus(known(c->size_bytes), known(used));
}

static struct diff_row diff_of(const struct mm_cache_row *b, const struct mm_cache_row *a)
{
	static const struct mm_cache_row none = { 0 };
	struct diff_row d = { .name = a ? a->name : b->name, .change = !b ? "new" : !a ? "gone" : NULL,
			      .alias_names = a ? a->alias_names : b->alias_names, .unique_id = a ? a->unique_id : b->unique_id };

	b = b ? b : &none;
	a = a ? a : &none;
	d.active_objects = a->active_objects;
	d.active_objects_diff = minus(known(a->active_objects), known(b->active_objects));
	d.objects_diff = minus(known(a->objects), known(b->objects));
	d.slabs_diff = minus(known(a->slabs), known(b->slabs));
	d.bytes_diff = minus(known(a->size_bytes), known(b->size_bytes));
	d.waste_diff = minus(waste(a), waste(b));
	if (!d.change)
		d.change = d.bytes_diff > 0 ? "grown" : d.bytes_diff < 0 ? "shrunk" : "same";
	return d;
}

static int by_growth(const void *x, const void *y)
{
	const struct diff_row *a = x, *b = y;

	if (a->bytes_diff != b->bytes_diff)
		return a->bytes_diff < b->bytes_diff ? 1 : -1;
	if (a->active_objects_diff != b->active_objects_diff)
		return a->active_objects_diff < b->active_objects_diff ? 1 : -1;
	return strcmp(a->name, b->name);
}

/* Whether @name is one of the cache's further names. */
static bool has_alias(const struct mm_cache_row *c, const char *name)
{
	struct mm_str words = c->alias_names;
	size_t n = strlen(name);

	while (words.len) {
		const char *bar = memchr(words.p, '|', words.len);
		size_t len = bar ? (size_t)(bar - words.p) : words.len;

		if (len == n && !memcmp(words.p, name, n))
			return true;
		words = (struct mm_str){ words.p + len + !!bar, words.len - len - !!bar };
	}
	return false;
}

struct pair {
	const struct mm_cache_row *before, *after;
};

/* A merged cache goes by the name that came first, which may be another one after a boot: join what is new and what is gone. */
static size_t join_aliases(struct pair *v, size_t nr)
{
	size_t kept = 0;
	bool any = false;

	for (size_t i = 0; i < nr && !any; i++)
		any = (v[i].before && v[i].before->alias_names.len) || (v[i].after && v[i].after->alias_names.len);
	for (size_t i = 0; i < nr && any; i++)
		for (size_t j = 0; j < nr && v[i].after && !v[i].before; j++)
			if (v[j].before && !v[j].after &&
			    (has_alias(v[i].after, v[j].before->name) || has_alias(v[j].before, v[i].after->name))) {
				v[i].before = v[j].before;
				v[j].before = NULL;
			}
	for (size_t i = 0; i < nr; i++)
		if (v[i].before || v[i].after)
			v[kept++] = v[i];
	return kept;
}

/* Both sorted: the pairs of equal names, and those of one side alone. */
static size_t pair_by_name(const struct mm_cache_row **b, size_t nr_b, const struct mm_cache_row **a, size_t nr_a, struct pair *v)
{
	size_t i = 0, j = 0, n = 0;

	while (i < nr_b || j < nr_a) {
		int c = i == nr_b ? 1 : j == nr_a ? -1 : strcmp(b[i]->name, a[j]->name);

		v[n++] = (struct pair){ c <= 0 ? b[i] : NULL, c >= 0 ? a[j] : NULL };
		i += c <= 0;
		j += c >= 0;
	}
	return n;
}

int slab_diff_rows(const struct mm_slabinfo *before, const struct mm_slabinfo *after, struct mm_table_writer *w)
{
	const struct mm_cache_row **b = sorted(before), **a = sorted(after);
	struct diff_row *rows = malloc((before->nr + after->nr + 1) * sizeof(*rows));
	struct pair *v = malloc((before->nr + after->nr + 1) * sizeof(*v));
	bool ok = a && b && rows && v;
	size_t n = ok ? join_aliases(v, pair_by_name(b, before->nr, a, after->nr, v)) : 0;

	for (size_t k = 0; k < n; k++)
		rows[k] = diff_of(v[k].before, v[k].after);
	if (n)
		qsort(rows, n, sizeof(*rows), by_growth);
	for (size_t k = 0; k < n; k++)
		mm_table_writer_row(w, &rows[k]);
	free(a);
	free(b);
	free(v);
	free(rows);
	return ok ? 0 : -ENOMEM;
}

/* ---- compare ---- */

struct compare_row {
	const char *allocator;
	uint64_t pages, pages_peak, live_objects, requested_bytes, internal_waste_bytes, external_waste_bytes;
	uint64_t allocs, frees, slow_allocs, slow_frees, failed;
};

static const struct mm_column compare_columns[] = {
	MM_COLUMN(struct compare_row, allocator, MM_COL_STR, "slub, slab or slob"),
	MM_COLUMN(struct compare_row, pages, MM_COL_U64, "pages held now"),
	MM_COLUMN(struct compare_row, pages_peak, MM_COL_U64, "pages held at most"),
	MM_COLUMN(struct compare_row, live_objects, MM_COL_U64, "objects allocated and not freed"),
	MM_COLUMN(struct compare_row, requested_bytes, MM_COL_BYTES, "bytes of these as asked for"),
	MM_COLUMN(struct compare_row, internal_waste_bytes, MM_COL_BYTES,
		  "bytes that these take beyond what was asked for"),
	MM_COLUMN(struct compare_row, external_waste_bytes, MM_COL_BYTES,
		  "bytes of the pages that are in no live object"),
	MM_COLUMN(struct compare_row, allocs, MM_COL_U64, "allocations"),
	MM_COLUMN(struct compare_row, frees, MM_COL_U64, "frees"),
	MM_COLUMN(struct compare_row, slow_allocs, MM_COL_U64, "allocations that left the fast path"),
	MM_COLUMN(struct compare_row, slow_frees, MM_COL_U64, "frees that left the fast path"),
	MM_COLUMN(struct compare_row, failed, MM_COL_U64, "allocations that got no page"),
};
const struct mm_table slab_compare_table =
	MM_TABLE("compare", compare_columns, "one trace through all three allocators: pages, waste, slow operations");

enum { BATCH = 256 };

struct compare {
	struct cmd_args *a;
	struct mm_input *in;
	struct mm_trace_reader *reader;
	struct mm_machine *m[MM_NR_SLAB_KINDS];
	struct mm_table_writer *w;
	uint64_t seq, next_ns;
	char *mark;			/* of the step that runs; NULL: none yet */
	bool unprinted;
};

static int write_block(struct compare *c, const char *lead)
{
	static const char *const names[MM_NR_SLAB_KINDS] = { "slub", "slab", "slob" };

	if (c->a->every != CMD_EVERY_END)
		mm_table_writer_lead(c->w, (struct mm_str){ lead, strlen(lead) });
	c->unprinted = false;
	for (int k = 0; k < MM_NR_SLAB_KINDS; k++) {
		struct mm_slab_use u;
		int e = mm_machine_slab_use(c->m[k], &u);

		if (e)
			return e;
		mm_table_writer_row(c->w, &(struct compare_row){
			.allocator = names[k], .pages = u.pages, .pages_peak = u.pages_peak,
			.live_objects = u.live_objects,
			.requested_bytes = u.requested_bytes,
			.internal_waste_bytes = u.laid_out_bytes - u.requested_bytes,
			.external_waste_bytes = u.pages * MM_PAGE_SIZE - u.laid_out_bytes, .allocs = u.allocs,
			.frees = u.frees,
			.slow_allocs = u.slow_allocs, .slow_frees = u.slow_frees, .failed = u.failed });
	}
	return 0;
}

static int write_block_at(struct compare *c, uint64_t ns)
{
	char text[CMD_SECONDS_TEXT];

	cmd_seconds_text(text, ns);
	return write_block(c, text);
}

/* Before a row: the block of the step or the time that ends here. */
static int block_before(struct compare *c, const struct mm_event *ev)
{
	const struct cmd_args *a = c->a;
	uint64_t ends = c->next_ns;
	int e;

	if (a->every == CMD_EVERY_MARK && ev->type == MM_EV_MARK) {
		e = c->mark ? write_block(c, c->mark) : 0;
		free(c->mark);
		c->mark = strndup(ev->name.p ? ev->name.p : "", ev->name.len);
		return c->mark ? e : -ENOMEM;
	}
	if (a->every != CMD_EVERY_SECONDS || !(ev->present & MM_TC_BIT(TIME_S)))
		return 0;
	if (!ends) {
		c->next_ns = ev->time_ns + a->interval;
		return 0;
	}
	if (ev->time_ns < ends)
		return 0;
	c->next_ns += ((ev->time_ns - ends) / a->interval + 1) * a->interval;
	return write_block_at(c, ends);
}

static int block_after(struct compare *c)
{
	char lead[24];

	c->unprinted = true;
	if (c->a->every != CMD_EVERY_EVENTS || (c->seq + 1) % c->a->interval)
		return 0;
	snprintf(lead, sizeof(lead), "%llu", (unsigned long long)c->seq);
	return write_block(c, lead);
}

static int block_at_end(struct compare *c)
{
	char lead[24] = "";

	if (c->a->every == CMD_EVERY_MARK)
		return c->mark ? write_block(c, c->mark) : 0;
	if (c->a->every != CMD_EVERY_END && !c->unprinted)
		return 0;
	if (c->a->every == CMD_EVERY_SECONDS)
		return write_block_at(c, c->next_ns);
	snprintf(lead, sizeof(lead), "%llu", (unsigned long long)(c->seq ? c->seq - 1 : 0));
	return write_block(c, lead);
}

static int on_each(struct compare *c, const struct mm_event *ev)
{
	int e = 0;

	for (int k = 0; k < MM_NR_SLAB_KINDS && !e; k++) {
		struct mm_event copy = *ev;

		e = mm_machine_event(c->m[k], &copy, &c->a->err);
	}
	return e;
}

static int replay_event(struct compare *c, const struct mm_event *ev, size_t row)
{
	int e;

	if (ev->by != MM_BY_NONE || cmd_overrides(c->a, ev))
		return 0;
	e = block_before(c, ev);
	if (!e && ev->type == MM_EV_SYSCTL && ev->name.len == 4 && !memcmp(ev->name.p, "slab", 4))
		return 0;
	if (!e)
		e = on_each(c, ev);
	if (e) {
		struct mm_error inner = c->a->err;

		return mm_error_set(&c->a->err, e, "%s:%llu: %s", c->in->name,
				    (unsigned long long)mm_trace_line(c->reader, row), inner.code ? inner.text : strerror(-e));
	}
	e = block_after(c);
	c->seq++;
	return e;
}

static int replay_all(struct compare *c)
{
	struct mm_event ev[BATCH], cpus;
	bool first = true;
	long n;
	int e = 0;

	while (!e && (n = mm_trace_read(c->reader, ev, BATCH, &c->a->err)) != 0) {
		if (n < 0)
			return (int)n;
		if (first && cmd_first_cpus(c->a, c->in->name, ev, (size_t)n, &cpus))
			e = on_each(c, &cpus);
		first = false;
		for (long i = 0; i < n && !e; i++)
			e = replay_event(c, &ev[i], (size_t)i);
	}
	return e ? e : block_at_end(c);
}

static int tell_skips(struct compare *c)
{
	const struct mm_skip *s;
	size_t nr;
	int e;

	s = mm_trace_skips(c->reader, &nr);
	e = cmd_tell_skips(c->a, c->in->name, s, nr);
	s = mm_machine_skips(c->m[0], &nr);
	return e ? e : cmd_tell_skips(c->a, c->in->name, s, nr);
}

int slab_compare_run(struct cmd_args *a, struct mm_input *in)
{
	struct compare c = { .a = a, .in = in };
	struct mm_trace_options opt = { .from = a->from, .strict = a->strict };
	struct mm_table_options table_opt = cmd_table_options(a);
	bool machine_only;
	int e = 0;

	if (a->config.sysctl.set[MM_SYSCTL_SLAB])
		cmd_usage(a, "table compare is that of all allocators: found --sysctl slab= too");
	table_opt.lead = a->every == CMD_EVERY_EVENTS ? "seq" : a->every == CMD_EVERY_SECONDS ? "time_s"
			 : a->every == CMD_EVERY_MARK ? "mark" : NULL;
	for (int k = 0; k < MM_NR_SLAB_KINDS && !e; k++) {
		a->config.sysctl.v[MM_SYSCTL_SLAB] = k;
		e = cmd_machine(a, NULL, &machine_only, &c.m[k]);
	}
	if (!e)
		cmd_uses(a, CMD_FORM | CMD_BIT(EVERY) | CMD_BIT(FROM) | CMD_BIT(MACHINE) |
			 (a->config.sysroot ? CMD_BIT(PAGE_SIZE) : 0), "table compare");
	if (!e)
		e = mm_trace_reader_new(&c.reader, in, &opt, &a->err);
	if (!e)
		e = cmd_writer(a, &a->out, &slab_compare_table, &table_opt, &c.w);
	if (!e)
		e = replay_all(&c);
	if (!e)
		e = tell_skips(&c);
	e = cmd_table_end(a, c.w, e);
	mm_trace_reader_free(c.reader);
	free(c.mark);
	for (int k = 0; k < MM_NR_SLAB_KINDS; k++)
		mm_machine_free(c.m[k]);
	return e;
}
