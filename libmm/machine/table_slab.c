/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables of the slab allocators: caches, slabs, slub_stats.
 *
 * Caches are those that hold something, served the trace or were created by
 * it.  A recorded cache whose objects lie in another one (an alias, or a cache
 * that the recording named late) has a row of its own without slabs.
 */
#include <errno.h>
#include <string.h>

#include <libmm/slabinfo.h>
#include <libmm/tables.h>

#include "machine/slab_replay.h"
#include "slab/slab.h"

/* Boot the machine if no row did; its slab allocator, or NULL with *@e. */
static struct mm_slab *slab_of(struct mm_machine *m, int *e)
{
	*e = mm_machine_start(m, NULL);
	if (!*e && (!m->slab || !mm_slab_replay_get(m)))
		*e = m->slab ? -ENOMEM : -EINVAL;
	return *e ? NULL : m->slab;
}

/* ---- caches ---- */

static const struct mm_column cache_columns[] = {
	MM_COLUMN(struct mm_cache_row, name, MM_COL_STR, "name of the cache (of a merged one, the first)"),
	MM_COLUMN(struct mm_cache_row, active_objects, MM_COL_U64, "objects in use, as slabinfo counts them"),
	MM_COLUMN(struct mm_cache_row, objects, MM_COL_U64, "objects that the slabs have room for"),
	MM_COLUMN(struct mm_cache_row, object_size, MM_COL_U64, "bytes of an object as asked for"),
	MM_COLUMN(struct mm_cache_row, slab_size, MM_COL_U64, "bytes from one object to the next (slabinfo's objsize)"),
	MM_COLUMN(struct mm_cache_row, objects_per_slab, MM_COL_U64, "objects of one slab"),
	MM_COLUMN(struct mm_cache_row, order, MM_COL_U64, "pages of a slab as a power of two"),
	MM_COLUMN(struct mm_cache_row, active_slabs, MM_COL_U64, "slabs in use, as slabinfo counts them"),
	MM_COLUMN(struct mm_cache_row, slabs, MM_COL_U64, "slabs"),
	MM_COLUMN(struct mm_cache_row, size_bytes, MM_COL_BYTES, "bytes of all slabs"),
	MM_COLUMN(struct mm_cache_row, allocs, MM_COL_U64, "allocations of the replay"),
	MM_COLUMN(struct mm_cache_row, frees, MM_COL_U64, "frees of objects that the replay allocated"),
	MM_COLUMN(struct mm_cache_row, live_objects, MM_COL_U64, "objects allocated and not freed"),
	MM_COLUMN_HIDDEN(struct mm_cache_row, failed, MM_COL_U64, "allocations that got no page"),
	MM_COLUMN_HIDDEN(struct mm_cache_row, fast_allocs, MM_COL_U64, "allocations that a CPU's own list served"),
	MM_COLUMN_HIDDEN(struct mm_cache_row, fast_frees, MM_COL_U64, "frees into a CPU's own list"),
	MM_COLUMN_HIDDEN(struct mm_cache_row, align, MM_COL_U64, "alignment of objects in bytes"),
	MM_COLUMN_HIDDEN(struct mm_cache_row, min_partial, MM_COL_U64, "slabs that a node keeps (SLUB)"),
	MM_COLUMN_HIDDEN(struct mm_cache_row, cpu_partial, MM_COL_U64, "free objects that a CPU may keep (SLUB)"),
	MM_COLUMN_HIDDEN(struct mm_cache_row, aliases, MM_COL_U64, "further names of the cache"),
	MM_COLUMN_HIDDEN(struct mm_cache_row, useroffset, MM_COL_U64,
			 "where in an object the bytes begin that may be copied from and to user space"),
	MM_COLUMN_HIDDEN(struct mm_cache_row, usersize, MM_COL_U64, "how many these are"),
	MM_COLUMN_HIDDEN(struct mm_cache_row, limit, MM_COL_U64, "objects that a CPU's array holds (SLAB)"),
	MM_COLUMN_HIDDEN(struct mm_cache_row, batchcount, MM_COL_U64, "objects that move at once (SLAB)"),
	MM_COLUMN_HIDDEN(struct mm_cache_row, shared_factor, MM_COL_U64, "batches that the shared array holds (SLAB)"),
	MM_COLUMN_HIDDEN(struct mm_cache_row, shared_avail, MM_COL_U64, "objects in the shared arrays (SLAB)"),
	MM_COLUMN_HIDDEN(struct mm_cache_row, flags, MM_COL_SLICE, "SLAB_ flags of the cache"),
	MM_COLUMN_HIDDEN(struct mm_cache_row, unique_id, MM_COL_SLICE,
			 "its folder in /sys/kernel/slab: what merges into one goes by flags and size"),
	MM_COLUMN_HIDDEN(struct mm_cache_row, alias_names, MM_COL_SLICE, "its further names, joined by |"),
};
static void set_layout(struct mm_cache_row *row, const struct mm_slab_layout *l)
{
	row->object_size = l->object_size;
	row->slab_size = l->slab_size;
	row->align = l->align;
	row->order = l->order;
	row->objects_per_slab = l->objects_per_slab;
	row->min_partial = l->min_partial;
	row->cpu_partial = l->cpu_partial;
	row->useroffset = l->useroffset;
	row->usersize = l->usersize;
	row->limit = l->num_limit;
	row->batchcount = l->batchcount;
	row->shared_factor = l->shared;
}

static void set_counts(struct mm_cache_row *row, const struct mm_recorded_cache *rc)
{
	row->allocs = rc->allocs;
	row->frees = rc->frees;
	row->live_objects = rc->live;
}

static uint64_t shared_avail(const struct mm_kmem_cache *s)
{
	uint64_t nr = 0;

	for (uint32_t i = 0; i < s->nr_nodes; i++)
		nr += s->node[i].shared ? s->node[i].shared->avail : 0;
	return nr;
}

/* The end of @text from @start on. */
static struct mm_str from(const struct mm_output *text, size_t start) { return (struct mm_str){ text->buf + start, text->len - start }; }

/* Flags, folder and further names, all three in @text (which holds them in one piece, as it is larger than they are). */
static void set_texts(struct mm_cache_row *row, const struct mm_kmem_cache *s, struct mm_output *text)
{
	const char *name = row->name;
	size_t start = 0;

	text->len = 0;
	mm_slab_flags_format(text, s->layout.flags & ~(uint32_t)MM_SLAB_KMALLOC);
	row->flags = from(text, start);
	start = text->len;
	mm_kmem_cache_unique_id(s, text);
	row->unique_id = from(text, start);
	start = text->len;
	for (uint32_t i = 0; i < s->nr_names && text->len < MM_OUTPUT_BUFFER / 2; i++)
		if (strcmp(s->names[i], name))
			mm_output_printf(text, "%s%s", text->len > start ? "|" : "", s->names[i]);
	row->alias_names = from(text, start);
}

static int write_cache(const struct mm_slab_replay *r, const struct mm_kmem_cache *s, struct mm_output *text,
		       struct mm_table_writer *w)
{
	const struct mm_recorded_cache *rc = s->cookie ? &r->caches[s->cookie - 1] : NULL;
	struct mm_kmem_cache_info i;
	struct mm_cache_row row = { 0 };

	mm_kmem_cache_info(s, &i);
	if (s->boot && !rc && !i.allocs)
		return 0;
	row.name = rc && rc->name ? rc->name : i.name;
	set_layout(&row, &i.layout);
	row.active_objects = i.active_objects;
	row.objects = i.objects;
	row.active_slabs = i.active_slabs;
	row.slabs = i.slabs;
	row.size_bytes = i.pages * MM_PAGE_SIZE;
	row.shared_avail = shared_avail(s);
	row.aliases = i.aliases;
	row.failed = i.failed;
	row.fast_allocs = i.fast_allocs;
	row.fast_frees = i.fast_frees;
	if (rc)
		set_counts(&row, rc);
	else
		row.allocs = i.allocs, row.frees = i.frees, row.live_objects = i.live_objects;
	set_texts(&row, s, text);
	mm_table_writer_row(w, &row);
	return text->err;
}

/* A recorded cache whose objects lie elsewhere: what is known of it, no slabs. */
static void write_recorded(const struct mm_slab *sl, const struct mm_recorded_cache *rc, struct mm_table_writer *w)
{
	struct mm_slab_request req = { .kind = sl->kind, .object_size = rc->object_size, .nr_cpus = sl->ctx->nr_cpus,
				       .fixed_size = sl->kind == MM_SLAB_SLUB ? rc->slab_size : 0 };
	struct mm_cache_row row;
	struct mm_slab_layout l;

	memset(&row, 0xff, sizeof(row));		/* MM_MISSING_U64 everywhere */
	row.name = rc->name;
	row.flags = row.unique_id = row.alias_names = (struct mm_str){ "", 0 };
	if (rc->cache)
		set_layout(&row, &rc->cache->layout);
	else if (!mm_slab_layout_of(&l, &req))
		set_layout(&row, &l);
	if (rc->large)
		row.size_bytes = sl->large_pages * MM_PAGE_SIZE;
	set_counts(&row, rc);
	mm_table_writer_row(w, &row);
}

static int cache_rows(struct mm_machine *m, struct mm_table_writer *w)
{
	struct mm_output text;
	int e;
	struct mm_slab *sl = slab_of(m, &e);
	const struct mm_slab_replay *r = m->slab_replay;

	if (e || (e = mm_output_init(&text, -1)))
		return e;
	for (const struct mm_kmem_cache *s = sl->first; s && !e; s = s->next)
		e = write_cache(r, s, &text, w);
	for (uint32_t i = 0; i < r->nr_caches && !e; i++) {
		const struct mm_recorded_cache *rc = &r->caches[i];

		if ((rc->cache && rc->cache->cookie == i + 1) || !rc->name)
			continue;
		write_recorded(sl, rc, w);
	}
	mm_output_finish(&text);
	return e;
}

const struct mm_machine_table mm_table_caches = {
	MM_TABLE("caches", cache_columns, "one row a slab cache: size, layout, use"), .rows = cache_rows,
};

/* ---- slabs ---- */

struct slab_row {
	const char *cache;
	uint64_t addr, pfn, order, objects, inuse, node, cpu;
	const char *state;
};

static const struct mm_column slab_columns[] = {
	MM_COLUMN(struct slab_row, cache, MM_COL_STR, "cache the slab is of"),
	MM_COLUMN(struct slab_row, addr, MM_COL_HEX, "address of the slab in the direct map"),
	MM_COLUMN(struct slab_row, pfn, MM_COL_U64, "first page frame"),
	MM_COLUMN(struct slab_row, order, MM_COL_U64, "pages as a power of two"),
	MM_COLUMN(struct slab_row, objects, MM_COL_U64, "objects it has room for"),
	MM_COLUMN(struct slab_row, inuse, MM_COL_U64, "objects handed out"),
	MM_COLUMN(struct slab_row, state, MM_COL_STR, "cpu, cpu_partial (SLUB), partial, full, empty"),
	MM_COLUMN(struct slab_row, cpu, MM_COL_U64, "CPU it belongs to, if any"),
	MM_COLUMN_HIDDEN(struct slab_row, node, MM_COL_U64, "NUMA node of its pages"),
};

struct slab_writer {
	struct mm_table_writer *w;
	const char *cache;
};

static int write_slab(void *arg, const struct mm_slab_page_info *i)
{
	static const char *const states[] = {
		[MM_SLAB_ON_CPU] = "cpu", [MM_SLAB_CPU_PARTIAL] = "cpu_partial", [MM_SLAB_PARTIAL] = "partial",
		[MM_SLAB_FULL] = "full", [MM_SLAB_EMPTY] = "empty",
	};
	const struct slab_writer *to = arg;
	bool of_cpu = i->state == MM_SLAB_ON_CPU || i->state == MM_SLAB_CPU_PARTIAL;

	mm_table_writer_row(to->w, &(struct slab_row){ to->cache, mm_slab_address(i->pfn), i->pfn, i->order,
						       i->objects ? i->objects : MM_MISSING_U64,
						       i->inuse, i->node, of_cpu ? i->cpu : MM_MISSING_U64, states[i->state] });
	return 0;
}

static int slab_rows(struct mm_machine *m, struct mm_table_writer *w)
{
	int e;
	struct mm_slab *sl = slab_of(m, &e);

	for (const struct mm_kmem_cache *s = e ? NULL : sl->first; s && !e; s = s->next) {
		struct slab_writer to = { w, mm_kmem_cache_alias(s, 0) };

		e = mm_kmem_cache_slabs(s, write_slab, &to);
	}
	if (!e && sl->kind == MM_SLAB_SLOB) {
		struct slab_writer to = { w, NULL };

		e = mm_slob_pages(sl, write_slab, &to);
	}
	return e;
}

const struct mm_machine_table mm_table_slabs = {
	MM_TABLE("slabs", slab_columns, "one row a slab: where it lies, how full it is, which list it is on"),
	.rows = slab_rows,
};

/* ---- slub_stats ---- */

struct stat_row {
	const char *name, *counter;
	uint64_t value;
};

static const struct mm_column stat_columns[] = {
	MM_COLUMN(struct stat_row, name, MM_COL_STR, "cache"),
	MM_COLUMN(struct stat_row, counter, MM_COL_STR, "as /sys/kernel/slab/CACHE names it with CONFIG_SLUB_STATS"),
	MM_COLUMN(struct stat_row, value, MM_COL_U64, "how often"),
};

static int stat_rows(struct mm_machine *m, struct mm_table_writer *w)
{
	int e;
	struct mm_slab *sl = slab_of(m, &e);

	for (const struct mm_kmem_cache *s = e || sl->kind != MM_SLAB_SLUB ? NULL : sl->first; s; s = s->next)
		for (int i = 0; i < MM_NR_SLUB_STATS; i++) {
			uint64_t n = mm_slub_stat(s, (enum mm_slub_stat)i);

			if (n)
				mm_table_writer_row(w, &(struct stat_row){ mm_kmem_cache_alias(s, 0),
						    mm_slub_stat_name((enum mm_slub_stat)i), n });
		}
	return e;
}

const struct mm_machine_table mm_table_slub_stats = {
	MM_TABLE("slub_stats", stat_columns, "counters of SLUB's paths, those that are not 0"), .rows = stat_rows,
};
