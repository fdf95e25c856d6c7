/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mm-slab - SLUB, SLAB and SLOB: replay kmem traces, compute layouts, compare captures and allocators
 *
 * A trace is replayed on a machine.  A capture (slabinfo), a sysroot and the
 * live system are shown as they are, or compared with one taken before.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <libmm/slabinfo.h>
#include <libmm/source.h>

#include "cmd.h"
#include "slab_tables.h"

static const struct mm_machine_table *const machine_tables[] = {
	&mm_table_caches, &mm_table_slabs, &mm_table_slub_stats, &mm_table_counters,
};
static const struct mm_table *const tables[] = { &slab_layout_table, &slab_diff_table, &slab_compare_table };

static bool table_is(const struct cmd_args *a, const char *name) { return a->table && !strcmp(a->table, name); }

/* ---- captures ---- */

static int read_input(struct cmd_args *a, struct mm_input *in, struct mm_slabinfo *info)
{
	info->page_size = a->page_size;
	return mm_slabinfo_read(info, in, &a->err);
}

static int read_file(struct cmd_args *a, const char *path, struct mm_slabinfo *info)
{
	struct mm_input *in;
	int e = mm_input_open(&in, path, &a->err);

	if (e)
		return e;
	e = read_input(a, in, info);
	return cmd_close_input(a, in, e);
}

/* --live and --sysroot: slabinfo, which is for root alone, or what /sys tells everybody. */
static int read_sysroot(struct cmd_args *a, const char *dir, struct mm_slabinfo *info)
{
	struct mm_sysroot *root;
	bool denied;
	int e = mm_sysroot_open(&root, dir, &a->err);

	if (e)
		return e;
	info->page_size = a->page_size;
	e = mm_sysroot_slabinfo(info, root, &denied, &a->err);
	if (!e && denied)
		cmd_note(a, "%s/proc/slabinfo: permission denied (it is for root alone); the rows are those of %s/sys/kernel/slab",
			 mm_sysroot_name(root), mm_sysroot_name(root));
	return cmd_close_sysroot(a, root, e);
}

/* A slabinfo, or a folder with a captured system. */
static int read_before(struct cmd_args *a, const char *path, struct mm_slabinfo *info)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode) ? read_sysroot(a, path, info) : read_file(a, path, info);
}

/* The table of a capture; with --before what changed since, which is read here. */
static int begin_capture(struct cmd_args *a, struct mm_slabinfo *before, const struct mm_table **tablep)
{
	const struct slab_args *own = a->own;

	*tablep = own->before ? &slab_diff_table : &mm_table_caches.table;
	if (own->before)
		return read_before(a, own->before, before);
	if (a->table && !table_is(a, "caches"))
		return mm_error_set(&a->err, -EINVAL, "table %s: expected a trace to replay, found a capture", a->table);
	if (cmd_is_human(a) && !a->columns)	/* without those that only a replay counts */
		a->columns = "name,active_objects,objects,object_size,slab_size,objects_per_slab,order,active_slabs,slabs,size_bytes";
	return 0;
}

static int capture_rows(const struct cmd_args *a, const struct mm_slabinfo *before, const struct mm_slabinfo *info,
			struct mm_table_writer *w)
{
	const struct slab_args *own = a->own;

	if (own->before)
		return slab_diff_rows(before, info, w);
	for (size_t i = 0; i < info->nr; i++)
		mm_table_writer_row(w, &info->v[i]);
	return 0;
}

static int show_capture(struct cmd_args *a, const struct mm_slabinfo *info)
{
	struct mm_slabinfo before = { 0 };
	struct mm_table_writer *w = NULL;
	const struct mm_table *table;
	int e = begin_capture(a, &before, &table);

	if (!e)
		e = cmd_table(a, table, &w);
	if (!e)
		e = capture_rows(a, &before, info, w);
	e = cmd_table_end(a, w, e);
	mm_slabinfo_free(&before);
	return e;
}

static int sysroot_rows(struct cmd_args *a, struct mm_table_writer *w, void *before)
{
	struct mm_slabinfo info = { 0 };
	int e = read_sysroot(a, a->sysroot, &info);

	if (!e)
		e = capture_rows(a, before, &info, w);
	mm_slabinfo_free(&info);
	return e;
}

static int show_sysroot(struct cmd_args *a)
{
	struct mm_slabinfo before = { 0 };
	const struct mm_table *table;
	int e = begin_capture(a, &before, &table);

	if (!e)
		e = cmd_show(a, table, sysroot_rows, &before);
	mm_slabinfo_free(&before);
	return e;
}

/* ---- entry ---- */

static int run_input(struct cmd_args *a, struct mm_input *in)
{
	struct mm_slabinfo info = { 0 };
	struct mm_str head;
	int e = mm_input_peek(in, &head, &a->err);

	if (e)
		return e;
	if (table_is(a, "layout"))
		return slab_layout_run(a, in);
	if (table_is(a, "compare"))
		return slab_compare_run(a, in);
	if (!(a->from ? !strcmp(a->from, "slabinfo") : mm_source_sniff(head) == MM_SOURCE_SLABINFO))
		return table_is(a, "diff") ? mm_error_set(&a->err, -EINVAL, "%s: table diff: expected a slabinfo",
							  in->name)
					   : cmd_replay_input(a, in);
	cmd_uses(a, CMD_FORM | CMD_BIT(PAGE_SIZE) | CMD_BIT(FROM), "a slabinfo");
	e = read_input(a, in, &info);
	if (!e)
		e = show_capture(a, &info);
	mm_slabinfo_free(&info);
	return e;
}

static int run(struct cmd_args *a)
{
	const struct slab_args *own = a->own;
	struct mm_input *in;
	int e;

	cmd_one_table(a, "--before=FILE", own->before, slab_diff_table.name);
	if (a->live || a->sysroot) {
		cmd_uses(a, CMD_FORM | CMD_OF_SYSTEM | CMD_BIT(PAGE_SIZE) | CMD_BIT(EVERY), "a running or captured system");
		return show_sysroot(a);
	}
	e = cmd_open_input(a, &in);
	if (e)
		return e;
	e = run_input(a, in);
	return cmd_close_input(a, in, e);
}

enum { OPT_BEFORE = 0x400 };
static const struct argp_option options[] = {
	{ "before", OPT_BEFORE, "FILE", 0, "A slabinfo or a captured system taken before: print what changed since (table diff)", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *st)
{
	struct slab_args *own = ((struct cmd_args *)st->input)->own;

	if (key != OPT_BEFORE)
		return ARGP_ERR_UNKNOWN;
	own->before = arg;
	return 0;
}

static const struct cmd mm_slab = {
	.name = "mm-slab",
	.args_doc = "[FILE]",
	.doc = "The slab allocators SLUB, SLAB and SLOB: caches, their layout, and what a workload makes of them.\v"
	       "FILE is a trace (CSV, ftrace or perf script text of kmem events), which is replayed on the machine of -M with the "
	       "allocator of -S slab=slub|slab|slob; or a capture of /proc/slabinfo, which is shown; or with -t layout a CSV of "
	       "name, object_size, align and flags, whose layout is computed for --cpus CPUs.",
	.options = options,
	.parse = parse,
	.tables = tables,
	.nr_tables = sizeof(tables) / sizeof(tables[0]),
	.machine_tables = machine_tables,
	.nr_machine_tables = sizeof(machine_tables) / sizeof(machine_tables[0]),
	.depth = MM_DEPTH_SLAB,
	.effect_columns = MM_TC_BIT(EVENT) | MM_TC_BIT(ADDR) | MM_TC_BIT(SIZE) | MM_TC_BIT(FLAGS) | MM_TC_BIT(NAME) |
			  MM_TC_BIT(RESULT) | MM_TC_BIT(BY),
	.computes = 1u << MM_BY_SLAB | 1u << MM_BY_BUDDY,
	.default_table = "caches",
	.captures = 1u << MM_SOURCE_SLABINFO,
	.run = run,
};

int main(int argc, char **argv)
{
	struct slab_args own = { 0 };

	return cmd_main(&mm_slab, argc, argv, &own);
}
