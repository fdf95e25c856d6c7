/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mm-buddy - the page allocator: replay kmem traces, show free blocks and fragmentation of a machine or a capture
 *
 * A trace is replayed on a machine. A capture (buddyinfo, pagetypeinfo), a
 * sysroot and the live system are shown as they are.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <libmm/buddyinfo.h>
#include <libmm/explain.h>
#include <libmm/source.h>

#include "buddy.h"

static const struct mm_machine_table *const machine_tables[] = {
	&mm_table_free, &mm_table_orders, &mm_table_frag, &mm_table_types, &mm_table_pageblocks, &mm_table_pcp, &mm_table_zones,
	&mm_table_explain, &mm_table_counters, &mm_table_pages, &mm_table_pageflags,
};

enum { OPT_EXPLAIN = 0x1000, OPT_REPORT, OPT_PFN, OPT_RAW };

struct own {
	bool explain, request_given;
	struct mm_explain_request request;
	uint32_t report;
	struct mm_pages_select pages;
};

static const struct argp_option options[] = {
	{ "explain", OPT_EXPLAIN, "ORDER[,GFP]", OPTION_ARG_OPTIONAL,
	  "Zone by zone, the check that lets a request of 2^ORDER pages through or stops it; without ORDER the request of the "
	  "page allocation failure or OOM report in FILE", 0 },
	{ "report", OPT_REPORT, "N", 0, "With --explain: the Nth report of the log, from 0", 0 },
	{ "pfn", OPT_PFN, "N|N+M|N..M", 0, "Tables pages and pageflags: only this page frame, M from N on, or N to before M", 0 },
	{ "raw", OPT_RAW, NULL, 0, "Tables pages and pageflags: all flags, those for kernel hackers too", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *st)
{
	struct cmd_args *a = st->input;
	struct own *own = a->own;

	switch (key) {
	case OPT_EXPLAIN:
		own->explain = true;
		own->request_given = arg != NULL;
		if (arg && mm_explain_request_parse((struct mm_str){ arg, strlen(arg) }, &own->request))
			argp_error(st, "--explain: expected ORDER or ORDER,GFP_WORDS with an order up to %d, found '%s'", MM_MAX_ORDER,
				   arg);
		return 0;
	case OPT_REPORT:
		own->report = (uint32_t)cmd_u64(st, "--report", arg, 0, UINT32_MAX - 1);
		return 0;
	case OPT_PFN:
		if (mm_pages_select_parse((struct mm_str){ arg, strlen(arg) }, &own->pages))
			argp_error(st, "--pfn: expected N, N+M or N..M, found '%s'", arg);
		a->config.pages_start_pfn = own->pages.start_pfn;
		a->config.pages_end_pfn = own->pages.end_pfn;
		return 0;
	case OPT_RAW:
		own->pages.raw = a->config.pages_raw = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* ---- tables of a capture ---- */

/* A capture may tell of any number of blocks: beyond 2^64 it is the largest that is no missing value. */
static uint64_t bytes_of(uint64_t blocks, uint64_t block_size)
{
	uint64_t bytes;

	return __builtin_mul_overflow(blocks, block_size, &bytes) ? MM_MISSING_U64 - 1 : bytes;
}

static void free_rows(const struct mm_buddyinfo *bi, uint64_t page_size, struct mm_table_writer *w)
{
	for (size_t i = 0; i < bi->nr; i++) {
		const struct mm_buddyinfo_row *r = &bi->v[i];

		for (uint32_t o = 0; o < r->nr_orders; o++)
			mm_table_writer_row(w, &(struct mm_free_row){
				r->node, r->zone, r->migratetype[0] ? r->migratetype : NULL, o, r->blocks[o],
				bytes_of(r->blocks[o], page_size << o), r->capped >> o & 1 });
	}
}

/* One row a list that has anything, as the table of a machine. */
static int orders_rows(struct cmd_args *a, const struct mm_buddyinfo *bi, uint64_t page_size, struct mm_table_writer *w)
{
	for (size_t i = 0; i < bi->nr; i++) {
		const struct mm_buddyinfo_row *r = &bi->v[i];
		struct mm_orders_row row = { r->node, r->zone, r->migratetype[0] ? r->migratetype : NULL, { 0 }, 0 };

		if (r->nr_orders > MM_ORDERS_ROW)
			return mm_error_set(&a->err, -EINVAL, "table orders has %d orders, found %u: -t free shows them", MM_ORDERS_ROW,
					    r->nr_orders);
		for (uint32_t o = 0; o < r->nr_orders; o++) {
			row.blocks[o] = r->blocks[o];
			if (__builtin_add_overflow(row.free_bytes, bytes_of(r->blocks[o], page_size << o), &row.free_bytes))
				row.free_bytes = MM_MISSING_U64 - 1;
		}
		for (uint32_t o = r->nr_orders; o < MM_ORDERS_ROW; o++)
			row.blocks[o] = MM_MISSING_U64;
		if (row.free_bytes || !row.migratetype)
			mm_table_writer_row(w, &row);
	}
	return 0;
}

/* fragmentation_score_node(): by the present pages of its zones, which zoneinfo (NULL: not there) tells. */
static uint64_t node_score(const struct mm_buddyinfo *bi, const struct mm_zoneinfo *zi, uint64_t node)
{
	uint64_t present = 0, score = 0;

	for (size_t i = 0; zi && i < zi->nr; i++)
		if (zi->v[i].node == node && zi->v[i].present_pages < UINT64_C(1) << 52)
			present += zi->v[i].present_pages;
	if (!present)
		return MM_MISSING_U64;
	for (size_t i = 0; i < bi->nr; i++) {
		const struct mm_buddyinfo_row *r = &bi->v[i];
		const struct mm_zoneinfo_row *z = r->node == node ? mm_zoneinfo_find(zi, r->node, r->zone) : NULL;

		if (z && z->present_pages < UINT64_C(1) << 52)
			score += z->present_pages * mm_extfrag_for_order(r->blocks, r->nr_orders, bi->pageblock_order) / (present + 1);
	}
	return score;
}

static void frag_rows(const struct mm_buddyinfo *bi, const struct mm_zoneinfo *zi, struct mm_table_writer *w)
{
	for (size_t i = 0; i < bi->nr; i++) {
		const struct mm_buddyinfo_row *r = &bi->v[i];
		uint64_t zone = mm_extfrag_for_order(r->blocks, r->nr_orders, bi->pageblock_order), node = node_score(bi, zi, r->node);

		for (uint32_t o = 0; o < r->nr_orders; o++)
			mm_table_writer_row(w, &(struct mm_frag_row){
				r->node, r->zone, o, mm_unusable_free_index(r->blocks, r->nr_orders, o),
				mm_fragmentation_index(r->blocks, r->nr_orders, o), zone, node });
	}
}

static void types_rows(const struct mm_buddyinfo *bi, uint64_t page_size, struct mm_table_writer *w)
{
	for (size_t i = 0; i < bi->nr_types; i++) {
		const struct mm_pageblock_row *t = &bi->types[i];

		mm_table_writer_row(w, &(struct mm_types_row){ t->node, t->zone, t->migratetype, t->pageblocks,
			bytes_of(t->pageblocks, page_size << bi->pageblock_order) });
	}
}

/* @bi: NULL where it is not read yet and -t names the table. */
static const struct mm_table *capture_table(const struct cmd_args *a, const struct mm_buddyinfo *bi)
{
	bool people = !a->table && cmd_is_human(a) && !a->columns;

	for (size_t i = 0; people && bi && i < bi->nr; i++)
		people = bi->v[i].nr_orders <= MM_ORDERS_ROW;
	if (people || (a->table && !strcmp(a->table, "orders")))
		return &mm_table_orders.table;
	if (!a->table || !strcmp(a->table, "free"))
		return &mm_table_free.table;
	if (!strcmp(a->table, "frag"))
		return &mm_table_frag.table;
	return !strcmp(a->table, "types") ? &mm_table_types.table : NULL;
}

/* A count that the kernel gave up at is a lower bound: said once. */
static void tell_capped(const struct cmd_args *a, const struct mm_buddyinfo *bi)
{
	unsigned int nr = 0;

	for (size_t i = 0; i < bi->nr; i++)
		nr += (unsigned int)__builtin_popcount(bi->v[i].capped);
	if (nr)
		cmd_note(a, "%u counts are lower bounds: the kernel stops at 100000 (column capped)", nr);
}

/* @zi, @root: of the same machine, NULL: not known. */
static int print_capture(struct cmd_args *a, const struct mm_buddyinfo *bi, const struct mm_zoneinfo *zi,
			 const struct mm_sysroot *root, struct mm_table_writer *w)
{
	const struct mm_table *table = capture_table(a, bi);
	struct mm_buddyinfo zones = { 0 };
	bool sized = table != &mm_table_frag.table && (table != &mm_table_types.table || bi->nr_types);
	uint32_t nr_orders = bi->v[0].nr_orders, page_size;
	int e;

	/* Pageblocks of 2^9 pages where blocks can be larger are huge pages of 2 MiB: pages of 4 KiB (include/linux/pageblock-flags.h). */
	if (bi->pageblock_order == MM_PAGEBLOCK_ORDER && bi->pageblock_order + 1 < nr_orders && bi->nr_types)
		nr_orders = 0;
	e = sized ? cmd_page_size(a, root, nr_orders, &page_size) : 0;
	if (e)
		return e;
	if (table == &mm_table_free.table) {
		free_rows(bi, page_size, w);
	} else if (table == &mm_table_orders.table) {
		e = orders_rows(a, bi, page_size, w);
	} else if (table == &mm_table_frag.table) {
		if (mm_buddyinfo_sum(bi, &zones))
			e = mm_error_set(&a->err, -ENOMEM, "out of memory");
		else
			frag_rows(&zones, zi, w);
		mm_buddyinfo_free(&zones);
	} else if (!bi->nr_types) {
		e = mm_error_set(&a->err, -EINVAL, "table types: expected a pagetypeinfo, found none");
	} else {
		types_rows(bi, page_size, w);
	}
	return e;
}

static int table_of(struct cmd_args *a, const struct mm_buddyinfo *bi, const struct mm_table **tablep)
{
	*tablep = capture_table(a, bi);
	return *tablep ? 0 : mm_error_set(&a->err, -EINVAL, "table %s: expected a machine to replay on, found a capture", a->table);
}

static int show_file(struct cmd_args *a, struct mm_input *in, enum mm_source_kind kind)
{
	struct mm_buddyinfo bi = { 0 };
	const struct mm_table *table = NULL;
	struct mm_table_writer *w = NULL;
	int e;

	cmd_uses(a, CMD_FORM | CMD_BIT(PAGE_SIZE) | CMD_BIT(FROM), "a capture of free blocks");
	e = kind == MM_SOURCE_PAGETYPEINFO ? mm_pagetypeinfo_read(&bi, in, &a->err) : mm_buddyinfo_read(&bi, in, &a->err);
	if (!e)
		e = table_of(a, &bi, &table);
	if (!e)
		e = cmd_table(a, table, &w);
	if (!e)
		e = print_capture(a, &bi, NULL, NULL, w);
	e = cmd_table_end(a, w, e);
	if (!e)
		tell_capped(a, &bi);
	mm_buddyinfo_free(&bi);
	return e;
}

/* ---- a sysroot or the live system ---- */

/* pagetypeinfo, which may be root's alone, or else buddyinfo. */
static int read_sysroot(struct cmd_args *a, const struct mm_sysroot *root, struct mm_buddyinfo *bi)
{
	struct mm_input *in;
	bool types = mm_sysroot_has(root, "proc/pagetypeinfo");
	int e = -ENOENT;

	if (types)
		e = mm_sysroot_input(root, "proc/pagetypeinfo", &in, &a->err);
	if (e && e != -ENOMEM) {
		types = false;
		e = mm_sysroot_input(root, "proc/buddyinfo", &in, &a->err);
	}
	if (e)
		return e;
	e = types ? mm_pagetypeinfo_read(bi, in, &a->err) : mm_buddyinfo_read(bi, in, &a->err);
	e = cmd_close_input(a, in, e);
	if (types && (e == -EACCES || e == -EPERM)) {
		mm_buddyinfo_free(bi);
		e = mm_sysroot_input(root, "proc/buddyinfo", &in, &a->err);
		if (e)
			return e;
		e = cmd_close_input(a, in, mm_buddyinfo_read(bi, in, &a->err));
	}
	return e;
}

struct shown {
	const struct mm_sysroot *root;
	bool told;			/* what the first block's counts are worth */
};

static int sysroot_rows(struct cmd_args *a, struct mm_table_writer *w, void *arg)
{
	struct shown *s = arg;
	struct mm_buddyinfo bi = { 0 };
	struct mm_zoneinfo zi = { 0 };
	int e = read_sysroot(a, s->root, &bi);

	if (!e && a->columns && strstr(a->columns, "score") && mm_sysroot_has(s->root, "proc/zoneinfo"))
		e = cmd_zoneinfo(a, s->root, &zi);
	if (!e)
		e = print_capture(a, &bi, zi.nr ? &zi : NULL, s->root, w);
	if (!e && !s->told)
		tell_capped(a, &bi);
	s->told = true;
	mm_buddyinfo_free(&bi);
	mm_zoneinfo_free(&zi);
	return e;
}

static int show_sysroot(struct cmd_args *a)
{
	struct mm_buddyinfo first = { 0 };	/* its orders choose the table */
	const struct mm_table *table = NULL;
	struct mm_sysroot *root;
	struct shown shown;
	int e;

	cmd_uses(a, CMD_FORM | CMD_OF_SYSTEM | CMD_BIT(PAGE_SIZE) | CMD_BIT(EVERY), "a running or captured system");
	e = mm_sysroot_open(&root, a->sysroot, &a->err);
	if (e)
		return e;
	if (!a->table)
		e = read_sysroot(a, root, &first);
	if (!e)
		e = table_of(a, &first, &table);
	mm_buddyinfo_free(&first);
	shown = (struct shown){ .root = root };
	if (!e)
		e = cmd_show(a, table, sysroot_rows, &shown);
	return cmd_close_sysroot(a, root, e);
}

/* ---- --explain ---- */

static int print_explain(struct cmd_args *a, const struct mm_explain_list *l, const struct mm_explain_request *rq)
{
	struct mm_table_writer *w = NULL;
	int e = cmd_table(a, &mm_explain_table, &w);

	if (!e && l->highatomic == MM_HIGHATOMIC_RESERVED)
		cmd_note(a, "no kernel version is told: HighAtomic pageblocks count whole as unusable, as before Linux 6.12; "
			 "in later ones what is free in them does");
	else if (!e && l->highatomic == MM_HIGHATOMIC_AT_MOST)
		cmd_note(a, "how much of HighAtomic pageblocks is free is not told: what it is at most counts as unusable");
	if (!e)
		mm_explain_rows(l, rq, w);
	return cmd_table_end(a, w, e);
}

static int explain_report(struct cmd_args *a, struct mm_input *in)
{
	struct own *own = a->own;
	struct mm_explain_request rq = own->request;
	struct mm_explain_list l = { .page_size = a->page_size };
	struct mm_output words;
	int e;

	cmd_uses(a, CMD_FORM | CMD_BIT(PAGE_SIZE) | CMD_BIT(FROM), "a kernel's report");
	e = mm_explain_of_report(&l, &rq, in, own->report, &a->err);
	if (!e && own->request_given)
		rq = own->request;
	if (!e && !mm_output_init(&words, -1)) {
		mm_gfp_format(&words, rq.gfp);
		if (l.page_size > MM_PAGE_SIZE)
			mm_output_printf(&words, "; pages of %u KiB", l.page_size / 1024);
		if (l.nr_reports > 1)
			mm_output_printf(&words, "; report %u of %u in the log, from 0 (--report)", own->report, l.nr_reports);
		cmd_note(a, "request: order %u, %.*s", rq.order, (int)words.len, words.buf);
		mm_output_finish(&words);
	}
	if (!e && rq.vmalloc_bytes)
		cmd_note(a, "%s: it is vmalloc()'s for %" PRIu64 " bytes, %s", in->name, rq.vmalloc_bytes, rq.no_page_asked ?
			 "which failed before a page was asked for: no zone stopped it" : "page by page: zones are asked for one of them");
	if (!e && l.lost_zones)
		cmd_note(a, "%s: the report is cut off or lacks lines: zones may be missing", in->name);
	if (!e)
		e = print_explain(a, &l, &rq);
	mm_explain_free(&l);
	return e;
}

static int explain_sysroot(struct cmd_args *a)
{
	struct own *own = a->own;
	struct mm_explain_list l = { 0 };
	struct mm_buddyinfo bi = { 0 };
	struct mm_zoneinfo zi = { 0 };
	struct mm_sysroot *root;
	int e;

	cmd_uses(a, CMD_FORM | CMD_OF_SYSTEM, "a running or captured system");
	e = mm_sysroot_open(&root, a->sysroot, &a->err);
	if (e)
		return e;
	e = cmd_zoneinfo(a, root, &zi);
	cmd_tell_zoneinfo(a, &zi);
	if (!e)
		e = read_sysroot(a, root, &bi);
	mm_explain_kernel_of(&l, root);
	if (!e && mm_explain_of_capture(&l, &zi, &bi))
		e = mm_error_set(&a->err, -ENOMEM, "out of memory");
	if (!e)
		e = print_explain(a, &l, &own->request);
	mm_explain_free(&l);
	mm_buddyinfo_free(&bi);
	mm_zoneinfo_free(&zi);
	return cmd_close_sysroot(a, root, e);
}

/* A table of the machine of -M as it boots. */
static int boot_and_print(struct cmd_args *a, const struct mm_machine_table *t)
{
	struct mm_table_writer *w = NULL;
	struct mm_machine *m = NULL;
	bool machine_only;
	int e = cmd_machine(a, NULL, &machine_only, &m);

	if (!e)
		cmd_uses_machine(a);
	if (!e)
		e = mm_machine_start(m, &a->err);
	e = cmd_tell_cut(a, m ? mm_machine_cut(m) : NULL, e);
	if (!e)
		e = cmd_table(a, &t->table, &w);
	if (!e)
		e = t->rows(m, w);
	e = cmd_table_end(a, w, e);
	mm_machine_free(m);
	return e;
}

static int explain_file(struct cmd_args *a, struct mm_input *in, enum mm_source_kind kind)
{
	struct own *own = a->own;

	if (kind == MM_SOURCE_BUDDYINFO || kind == MM_SOURCE_PAGETYPEINFO)
		return mm_error_set(&a->err, -EINVAL,
				    "%s: free blocks alone do not tell watermarks: expected a sysroot with proc/zoneinfo too", in->name);
	if (kind == MM_SOURCE_DMESG || kind == MM_SOURCE_UNKNOWN)
		return explain_report(a, in);
	if (!own->request_given)
		return mm_error_set(&a->err, -EINVAL, "--explain: expected ORDER[,GFP] for a machine or a trace");
	return cmd_replay_input(a, in);
}

/* ---- a machine without a trace ---- */

static int show_machine(struct cmd_args *a)
{
	const char *name = a->table ? a->table : cmd_is_human(a) ? a->cmd->human_table : a->cmd->default_table;

	for (size_t i = 0; i < a->cmd->nr_machine_tables; i++)
		if (!strcmp(a->cmd->machine_tables[i]->table.name, name))
			return boot_and_print(a, a->cmd->machine_tables[i]);
	return mm_error_set(&a->err, -EINVAL, "table %s: expected a trace, found only a machine", name);
}

/* -M and no FILE: is there anything on standard input?  A terminal is not waited for, an empty file is nothing. */
static bool shows_machine(const struct cmd_args *a)
{
	struct stat st;

	if (a->table && !strcmp(a->table, "trace"))
		return false;
	if (isatty(STDIN_FILENO) || fstat(STDIN_FILENO, &st))
		return true;
	return S_ISCHR(st.st_mode) || (S_ISREG(st.st_mode) && lseek(STDIN_FILENO, 0, SEEK_CUR) >= st.st_size);
}

/* ---- entry ---- */

/* An input of any kind, by its content. */
static int show_input(struct cmd_args *a, struct mm_input *in)
{
	struct own *own = a->own;
	enum mm_source_kind kind;
	struct mm_str head;
	int e = mm_input_peek(in, &head, &a->err);

	if (e)
		return e;
	if (!head.len && a->machine && !own->explain && !(a->table && !strcmp(a->table, "trace")))
		return show_machine(a);
	kind = a->from ? (enum mm_source_kind)mm_source_kind_parse((struct mm_str){ a->from, strlen(a->from) })
		: mm_source_sniff(head);
	if (own->explain)
		return explain_file(a, in, kind);
	if (buddy_wants_pages(a) && kind == MM_SOURCE_UNKNOWN && head.len && memchr(head.p, 0, head.len))
		return buddy_pages_of_file(a, &own->pages, in);
	if (kind == MM_SOURCE_PAGETYPEINFO || kind == MM_SOURCE_BUDDYINFO)
		return show_file(a, in, kind);
	return cmd_replay_input(a, in);
}

static int run(struct cmd_args *a)
{
	struct own *own = a->own;
	struct mm_input *in;
	int e;

	if (own->explain) {
		cmd_one_table(a, "--explain", true, mm_table_explain.table.name);
		if (cmd_is_human(a) && !a->columns)	/* the words, rather than all that they were made of */
			a->columns = "path,node,zone,verdict,why";
		a->config.explain_gfp = own->request.gfp;
		a->config.explain_order = own->request.order;
		if (!own->request_given && !a->file)
			return mm_error_set(&a->err, -EINVAL,
					    "--explain: expected ORDER[,GFP], or a FILE with a kernel's report");
		if ((a->live || a->sysroot) && own->request_given)
			return explain_sysroot(a);
		if (!a->file)
			return boot_and_print(a, &mm_table_explain);
	}
	if (a->live || a->sysroot)
		return buddy_wants_pages(a) ? buddy_pages_of_sysroot(a, &own->pages) : show_sysroot(a);
	if (!a->file && a->machine && shows_machine(a))
		return show_machine(a);
	e = cmd_open_input(a, &in);
	if (e)
		return e;
	e = show_input(a, in);
	return cmd_close_input(a, in, e);
}

static const struct cmd mm_buddy = {
	.name = "mm-buddy",
	.args_doc = "[FILE]",
	.doc = "The page allocator: free blocks by zone, migrate type and order, per-CPU lists, fragmentation.\v"
	       "FILE is a trace (CSV, ftrace or perf script text of kmem events), which is replayed on the machine of -M, or a "
	       "capture of /proc/buddyinfo or /proc/pagetypeinfo, which is shown. A machine whose sysroot has proc/kpageflags "
	       "starts with those free pages, and recorded page frames are the ones that move.",
	.options = options,
	.parse = parse,
	.machine_tables = machine_tables,
	.nr_machine_tables = sizeof(machine_tables) / sizeof(machine_tables[0]),
	.depth = MM_DEPTH_PHYS,
	.effect_columns = MM_TC_BIT(EVENT) | MM_TC_BIT(SIZE) | MM_TC_BIT(FLAGS) | MM_TC_BIT(SIZE2) | MM_TC_BIT(RESULT) | MM_TC_BIT(BY),
	.computes = 1u << MM_BY_BUDDY,
	.default_table = "free",
	.captures = 1u << MM_SOURCE_BUDDYINFO | 1u << MM_SOURCE_PAGETYPEINFO | 1u << MM_SOURCE_DMESG,
	.human_table = "orders",
	.run = run,
};

int main(int argc, char **argv)
{
	struct own own = { .request = { MM_GFP_KERNEL, 0 }, .pages = { .end_pfn = UINT64_MAX } };

	return cmd_main(&mm_buddy, argc, argv, &own);
}
