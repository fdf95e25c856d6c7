/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mm-iomem - the physical address space: what is where, and where the RAM went
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include <libmm/physmap.h>
#include <libmm/source.h>

#include "cmd.h"

enum { OPT_LOOKUP = 0x300, OPT_MAP, OPT_DIMM, OPT_INTERLEAVE, OPT_KERNELCORE, OPT_MOVABLECORE,
	OPT_MOVABLE_NODE };

static const struct argp_option options[] = {
	{ "lookup", OPT_LOOKUP, "ADDR", 0, "Name everything at this physical address", 0 },
	{ "map", OPT_MAP, NULL, 0, "Draw the address space", 0 },
	{ "dimm", OPT_DIMM, "SIZE", 0, "A DIMM of this size; repeat for each (table dimms, --lookup)", 0 },
	{ "interleave", OPT_INTERLEAVE, "SIZE", OPTION_ARG_OPTIONAL,
	  "The DIMMs serve addresses by turns of SIZE, a power of two (default: 256)", 0 },
	{ "kernelcore", OPT_KERNELCORE, "SIZE|N%", 0, "As the kernel's kernelcore=: RAM above it is ZONE_MOVABLE", 0 },
	{ "movablecore", OPT_MOVABLECORE, "SIZE|N%", 0, "As the kernel's movablecore=: so much RAM is ZONE_MOVABLE", 0 },
	{ "movable-node", OPT_MOVABLE_NODE, NULL, 0, "As the kernel's movable_node: removable RAM is ZONE_MOVABLE", 0 },
	{ 0 }
};

struct iomem_args {
	bool lookup, map;
	uint64_t addr;
	struct mm_physmap_config cfg;
};

/* What was found: kept until the tables are printed. */
struct capture {
	struct mm_region_list *regions;		/* in the arguments, whose list cmd_main() frees */
	struct mm_zoneinfo zi;
	uint32_t page_size;
	bool of_kernel;				/* the map is a kernel's list or log, not a table */
};

static const struct mm_physmap_table *const tables[] = {
	&mm_physmap_regions, &mm_physmap_ram, &mm_physmap_holes, &mm_physmap_zones, &mm_physmap_nodes,
	&mm_physmap_summary, &mm_physmap_dimms,
};
enum { NR_TABLES = sizeof(tables) / sizeof(tables[0]) };

/* SIZE, or a share of RAM: "30%". */
static void parse_core(struct argp_state *st, const char *option, char *arg, uint64_t *bytes, uint64_t *percent)
{
	size_t len = strlen(arg);

	*bytes = *percent = 0;
	if (len > 1 && arg[len - 1] == '%') {
		arg[len - 1] = 0;
		*percent = cmd_u64(st, option, arg, 1, 100);
	} else {
		*bytes = cmd_size(st, option, arg);
	}
}

static error_t parse(int key, char *arg, struct argp_state *st)
{
	struct cmd_args *a = st->input;
	struct iomem_args *own = a->own;

	switch (key) {
	case OPT_LOOKUP:
		own->lookup = true;
		own->addr = cmd_u64(st, "--lookup", arg, 0, UINT64_MAX);
		return 0;
	case OPT_MAP:
		own->map = true;
		return 0;
	case OPT_DIMM:
		if (own->cfg.nr_dimms == MM_PHYSMAP_MAX_DIMMS)
			argp_error(st, "--dimm: expected at most %d", (int)MM_PHYSMAP_MAX_DIMMS);
		own->cfg.dimm_bytes[own->cfg.nr_dimms++] = cmd_size(st, "--dimm", arg);
		return 0;
	case OPT_INTERLEAVE:
		own->cfg.interleave_bytes = arg ? cmd_size(st, "--interleave", arg) : 256;
		if (!own->cfg.interleave_bytes || own->cfg.interleave_bytes & (own->cfg.interleave_bytes - 1))
			argp_error(st, "--interleave: expected a power of two, found '%s'", arg);
		return 0;
	case OPT_KERNELCORE:
		parse_core(st, "--kernelcore", arg, &own->cfg.kernelcore_bytes, &own->cfg.kernelcore_percent);
		return 0;
	case OPT_MOVABLECORE:
		parse_core(st, "--movablecore", arg, &own->cfg.movablecore_bytes, &own->cfg.movablecore_percent);
		return 0;
	case OPT_MOVABLE_NODE:
		own->cfg.movable_node = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int read_zoneinfo(struct cmd_args *a, struct capture *c, struct mm_input *in)
{
	int e = mm_zoneinfo_read(&c->zi, in, &a->err);

	if (!e)
		cmd_cpus_of_zones(a, &c->zi);
	cmd_tell_zoneinfo(a, &c->zi);
	return e;
}

/* Map, zones and tunables of a directory, as far as it has them; one of map and zones it must have. */
static int of_sysroot(struct cmd_args *a, struct capture *c, const char *dir)
{
	struct mm_sysroot *root;
	bool hidden, zones;
	int e = mm_sysroot_open(&root, dir, &a->err);

	if (e)
		return e;
	zones = mm_sysroot_has(root, "proc/zoneinfo");
	e = mm_sysroot_regions(root, c->regions, &hidden, &a->err);
	c->of_kernel = true;
	if (!e && hidden)
		cmd_note(a,
			 "%s/proc/iomem hides its addresses from all but root; the map is that of sys/firmware/memmap",
			 mm_sysroot_name(root));
	if (zones && (e == -ENOENT || e == -EPERM))
		e = 0;
	if (!e && zones) {
		e = cmd_zoneinfo(a, root, &c->zi);
		if (!e)
			cmd_cpus_of_zones(a, &c->zi);
	}
	if (!e)
		e = mm_sysroot_sysctls(root, &a->config.sysctl, &a->err);
	if (!e)
		e = cmd_page_size(a, root, 0, &c->page_size);
	return cmd_close_sysroot(a, root, e);
}

static int of_file(struct cmd_args *a, struct capture *c, const char *path)
{
	struct mm_input *in;
	struct mm_str head;
	struct stat st;
	int e;

	if (path && strcmp(path, "-") && !stat(path, &st) && S_ISDIR(st.st_mode))
		return of_sysroot(a, c, path);
	a->file = path;
	e = cmd_open_input(a, &in);
	if (e)
		return e;
	e = mm_input_peek(in, &head, &a->err);
	c->of_kernel = !e && (mm_source_sniff(head) == MM_SOURCE_IOMEM || mm_source_sniff(head) == MM_SOURCE_DMESG);
	if (!e && mm_source_sniff(head) == MM_SOURCE_ZONEINFO)
		e = read_zoneinfo(a, c, in);
	else if (!e)
		e = mm_regions_read(c->regions, in, &a->err);
	return cmd_close_input(a, in, e);
}

/* FILE or -M; else --sysroot; else this machine. */
static int load(struct cmd_args *a, struct capture *c)
{
	const char *src = a->file ? a->file : a->machine;
	int e;

	if (a->file && a->machine)
		return mm_error_set(&a->err, -EINVAL, "expected FILE or --machine, found both");
	if (!src || !strcmp(src, "live"))
		return of_sysroot(a, c, a->sysroot ? a->sysroot : "/");
	e = src == a->machine ? cmd_builtin_machine(a, src, c->regions) : -ENOENT;
	return e == -ENOENT ? of_file(a, c, src) : e;
}

static int print_table(struct cmd_args *a, const struct mm_physmap *pm)
{
	const struct mm_physmap_table *t = tables[0];
	struct mm_table_writer *w;
	int e;

	for (size_t i = 0; a->table && i < NR_TABLES; i++)
		if (!strcmp(tables[i]->table.name, a->table))
			t = tables[i];
	if (t != &mm_physmap_zones && t != &mm_physmap_nodes && t != &mm_physmap_summary && !a->config.regions.nr)
		return mm_error_set(&a->err, -EINVAL,
				    "expected a map (proc/iomem or sys/firmware/memmap), found only zones");
	e = cmd_table(a, &t->table, &w);
	if (e)
		return e;
	return cmd_table_end(a, w, t->rows(pm, w, &a->err));
}

static int print_lookup(struct cmd_args *a, const struct mm_physmap *pm, uint64_t addr)
{
	struct mm_table_writer *w;
	int e = cmd_table(a, &mm_physmap_lookup_table, &w);

	if (e)
		return e;
	return cmd_table_end(a, w, mm_physmap_lookup(pm, addr, w, &a->err));
}

static int print(struct cmd_args *a, const struct iomem_args *own, const struct mm_physmap *pm)
{
	if (own->lookup)
		return print_lookup(a, pm, own->addr);
	if (own->map)
		return mm_physmap_draw(pm, &a->out, cmd_table_options(a).width);
	return print_table(a, pm);
}

/* In a kernel's own list neighbours never overlap and what is nested lies inside its parent: a list of other make is told. */
static void tell_overlaps(const struct cmd_args *a, const struct mm_region_list *l)
{
	enum { DEPTHS = 64 };
	const struct mm_region *before[DEPTHS] = { NULL };	/* at each depth the last one */
	uint64_t nr = 0;

	for (size_t i = 0; i < l->nr; i++) {
		const struct mm_region *r = &l->v[i], *prev, *parent;

		if (r->depth >= DEPTHS)
			continue;
		prev = before[r->depth];
		parent = r->depth ? before[r->depth - 1] : NULL;
		if ((prev && r->start <= prev->end && r->end >= prev->start) ||
		    (parent && (r->start < parent->start || r->end > parent->end))) {
			const struct mm_region *other = prev && r->start <= prev->end && r->end >= prev->start ? prev : parent;

			if (!nr++)
				cmd_note(a, "region 0x%" PRIx64 "-0x%" PRIx64 " (%s) overlaps 0x%" PRIx64 "-0x%" PRIx64
					 " (%s): each byte of RAM counts once", r->start, r->end, r->name, other->start,
					 other->end, other->name);
		}
		before[r->depth] = r;
		for (uint32_t d = r->depth + 1; d < DEPTHS; d++)
			before[d] = NULL;
	}
	if (nr > 1)
		cmd_note(a, "%" PRIu64 " regions overlap", nr);
}

/* A PC has RAM below 640 KiB and none from there to 1 MiB; of other maps zones and what is made of them are guesses, which is told. */
static void tell_foreign(const struct cmd_args *a, const struct capture *c)
{
	enum { VGA = 0xa0000, MIB = 0x100000 };
	bool of_zones = a->table && (!strcmp(a->table, mm_physmap_zones.table.name) || !strcmp(a->table, mm_physmap_summary.table.name));
	bool low = false, hole = true, ram = false;

	if (!of_zones || c->zi.nr || !c->of_kernel)
		return;
	for (size_t i = 0; i < c->regions->nr; i++) {
		const struct mm_region *r = &c->regions->v[i];

		if (r->kind != MM_REGION_RAM)
			continue;
		ram = true;
		low |= r->start < MIB;
		hole &= r->start > VGA || r->end < VGA;
	}
	if (ram && (!low || !hole))
		cmd_note(a, "expected a map of x86-64, found %s: zones and what is managed are as x86-64 would have them",
			 low ? "RAM at 0xa0000" : "no RAM below 1 MiB");
}

static int run(struct cmd_args *a)
{
	const uint32_t looks_at = CMD_FORM | CMD_OF_SYSTEM | CMD_BIT(PAGE_SIZE) | CMD_BIT(MACHINE);
	struct iomem_args *own = a->own;
	struct capture c = { .regions = &a->config.regions };
	struct mm_physmap *pm = NULL;
	int e;

	cmd_one_table(a, "--lookup=ADDR", own->lookup, mm_physmap_lookup_table.name);
	if (own->map && a->table)
		cmd_usage(a, "--map draws the address space, without a table: found --table=%s", a->table);
	if (own->map && own->lookup)
		cmd_usage(a, "--map draws the address space and --lookup tells of one address: choose one");
	if (own->map)
		cmd_uses(a, looks_at & ~(CMD_FORM & ~CMD_BIT(HUMAN)), "the picture of --map");
	cmd_uses(a, looks_at, "the physical address space");
	e = load(a, &c);
	if (!e && !a->cpus_given && !c.zi.nr && c.regions->boot && c.regions->boot->nr_cpus)
		a->config.nr_cpus = c.regions->boot->nr_cpus;
	if (!e) {
		tell_overlaps(a, c.regions);
		tell_foreign(a, &c);
		own->cfg.regions = c.regions;
		own->cfg.zoneinfo = c.zi.nr ? &c.zi : NULL;
		own->cfg.page_size = c.page_size ? c.page_size : a->page_size;
		own->cfg.sysctl = a->config.sysctl;
		own->cfg.mem_limit_bytes = a->config.ram_bytes;
		own->cfg.indent_names = cmd_is_human(a);
		own->cfg.nr_cpus = a->config.nr_cpus ? a->config.nr_cpus : 1;
		e = mm_physmap_new(&pm, &own->cfg, &a->err);
	}
	if (!e)
		e = print(a, own, pm);
	mm_physmap_free(pm);
	mm_zoneinfo_free(&c.zi);
	return e;
}

int main(int argc, char **argv)
{
	static const struct mm_table *const help[] = {
		&mm_physmap_regions.table, &mm_physmap_ram.table, &mm_physmap_holes.table, &mm_physmap_zones.table, &mm_physmap_nodes.table,
		&mm_physmap_summary.table, &mm_physmap_dimms.table, &mm_physmap_lookup_table,
	};
	static const struct cmd cmd = {
		.name = "mm-iomem", .args_doc = "[FILE]", .options = options, .parse = parse,
		.doc = "Show the physical address space of this machine, of a sysroot, or of FILE (/proc/iomem, a kernel log,"
		       " a regions table, zoneinfo; - is standard input)."
		       "\vTables: regions (default), ram, holes, zones, nodes, summary, dimms; '-t help' lists their columns."
		       " mm-iomem FILE -t regions | mm-buddy gives a machine to another command.",
		.tables = help, .nr_tables = sizeof(help) / sizeof(help[0]), .depth = MM_DEPTH_PHYS,
		.default_table = "regions", .no_formats = true,
		.run = run,
	};
	struct iomem_args own = { 0 };

	return cmd_main(&cmd, argc, argv, &own);
}
