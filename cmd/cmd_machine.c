/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the command line to a machine: -M, --ram, --swap, --memory-max, --cpus,
 * -S; and back into the trace, so that a trace is a whole experiment.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include <libmm/captured.h>
#include <libmm/cgroup.h>
#include <libmm/source.h>
#include <libmm/zoneinfo.h>

#include "cmd.h"
#include "cmd_internal.h"

int cmd_zoneinfo(struct cmd_args *a, const struct mm_sysroot *root, struct mm_zoneinfo *zi)
{
	struct mm_input *in;
	int e = mm_sysroot_input(root, "proc/zoneinfo", &in, &a->err);

	if (e)
		return e;
	e = mm_zoneinfo_read(zi, in, &a->err);
	return cmd_close_input(a, in, e);
}

void cmd_tell_zoneinfo(const struct cmd_args *a, const struct mm_zoneinfo *zi)
{
	if (zi->unknown_lines)
		cmd_note(a, "zoneinfo: left out %" PRIu64 " lines of a kind that is not known", zi->unknown_lines);
}

bool cmd_cpus_of_zones(struct cmd_args *a, const struct mm_zoneinfo *zi)
{
	uint32_t nr = 0;

	for (size_t i = 0; i < zi->nr; i++)	/* a zone without pages lists none */
		nr = zi->v[i].nr_pagesets > nr ? zi->v[i].nr_pagesets : nr;
	if (a->cpus_given || !nr || nr > MM_MAX_CPUS)
		return false;
	a->config.nr_cpus = nr;
	return true;
}

static int cpus_of_sysroot(struct cmd_args *a, const struct mm_sysroot *root)
{
	struct mm_zoneinfo zi = { 0 };
	int e = cmd_zoneinfo(a, root, &zi);

	if (!e)
		a->cpus_given |= cmd_cpus_of_zones(a, &zi);
	mm_zoneinfo_free(&zi);
	return e;
}

int cmd_page_size(struct cmd_args *a, const struct mm_sysroot *root, uint32_t nr_orders, uint32_t *size)
{
	*size = a->page_size;
	if (!*size && root && mm_sysroot_page_size(root, size))
		return mm_error_set(&a->err, -ENOMEM, "out of memory");
	if (*size)
		return 0;
	*size = mm_orders_page_size(nr_orders);
	if (*size)
		cmd_note(a, "%u orders: pages of %u KiB, it seems (--page-size tells)", nr_orders, *size / 1024);
	else
		*size = MM_PAGE_SIZE;
	return 0;
}

/* As a machine to drive: only pages of 4096 bytes are modelled. 0, -EINVAL or -ENOMEM. */
static int check_page_size(struct cmd_args *a, const struct mm_sysroot *root)
{
	uint32_t size;
	int e = cmd_page_size(a, root, 0, &size);

	return e || size == MM_PAGE_SIZE ? e
		: mm_error_set(&a->err, -EINVAL, "%s: a machine with pages of %u KiB: only one with pages of 4 KiB can be driven",
			       mm_sysroot_name(root), size / 1024);
}

/* Without it a command that only writes it into the trace goes on, unless it is to be --strict. */
static int swap_of_sysroot(struct cmd_args *a, const struct mm_sysroot *root)
{
	bool used = a->config.depth >= MM_DEPTH_VMA, written = a->config.effects;
	struct mm_captured_swap swap = { 0 };
	int e;

	if (a->swap_given || (!used && !written))
		return 0;
	e = mm_sysroot_swap(root, &swap, &a->err);
	if (!e) {
		a->config.swap_bytes = swap.bytes;
		a->config.swap_used_bytes = swap.used_bytes;
	}
	if (swap.synchronous && !a->config.sysctl.set[MM_SYSCTL_SWAP_SYNCHRONOUS]) {
		a->config.sysctl.v[MM_SYSCTL_SWAP_SYNCHRONOUS] = 1;
		a->config.sysctl.set[MM_SYSCTL_SWAP_SYNCHRONOUS] = true;
		cmd_note(a, "%s: swap in memory (zram): what it takes there for pages that go out is not told (-S swap.synchronous=1)",
			 mm_sysroot_name(root));
	}
	if (!e || e == -ENOMEM || used || a->strict)
		return e;
	cmd_note(a, "%s; the machine's swap is left out of the trace", a->err.text);
	return 0;
}

static int regions_of_sysroot(struct cmd_args *a, const char *dir)
{
	struct mm_sysroot *root;
	int e = mm_sysroot_open(&root, dir, &a->err);

	if (e)
		return e;
	e = check_page_size(a, root);
	if (e) {
		mm_sysroot_free(root);
		return e;
	}
	/* A capture without a readable map still has its zones. */
	e = mm_sysroot_regions(root, &a->config.regions, NULL, &a->err);
	if (e && mm_sysroot_has(root, "proc/zoneinfo"))
		e = 0;
	if (!e && !a->cpus_given && mm_sysroot_has(root, "proc/zoneinfo"))
		e = cpus_of_sysroot(a, root);
	if (!e)
		e = mm_sysroot_sysctls(root, &a->config.sysctl, &a->err);
	if (!e)
		e = swap_of_sysroot(a, root);
	a->config.sysroot = dir;
	return cmd_close_sysroot(a, root, e);
}

int cmd_builtin_machine(struct cmd_args *a, const char *name, struct mm_region_list *l)
{
	int e = mm_builtin_machine(name, l);

	return e && e != -ENOENT ? mm_error_set(&a->err, e, "%s: %s", name, strerror(-e)) : e;
}

static int regions_of_source(struct cmd_args *a, const char *src)
{
	struct mm_input *in;
	struct stat st;
	int e;

	e = cmd_builtin_machine(a, src, &a->config.regions);
	if (e != -ENOENT)
		return e;
	if (!strcmp(src, "live"))
		return regions_of_sysroot(a, "/");
	if (!stat(src, &st) && S_ISDIR(st.st_mode))
		return regions_of_sysroot(a, src);
	e = mm_input_open(&in, src, &a->err);
	if (e)
		return mm_error_set(&a->err, e,
				    "--machine: expected a built-in name, a file or a directory, found '%s': %s",
				    src, strerror(-e));
	e = mm_regions_read(&a->config.regions, in, &a->err);
	return cmd_close_input(a, in, e);
}

/* One of the comma-separated names of a CSV header. */
static bool has_column(struct mm_str line, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i + n <= line.len; i++)
		if (!memcmp(line.p + i, name, n) && (i == 0 || line.p[i - 1] == ',') &&
		    (i + n == line.len || line.p[i + n] == ','))
			return true;
	return false;
}

/* Does @in begin as the description of a machine rather than as a trace?  *@yes, or -errno with a->err. */
static int holds_machine(struct cmd_args *a, struct mm_input *in, bool *yes)
{
	struct mm_str head;
	const char *nl;
	int e = mm_input_peek(in, &head, &a->err);

	if (e)
		return e;
	switch (mm_source_sniff(head)) {
	case MM_SOURCE_IOMEM:
	case MM_SOURCE_DMESG:
		*yes = true;
		return 0;
	case MM_SOURCE_CSV:
		nl = memchr(head.p, '\n', head.len);
		head.len = nl ? (size_t)(nl - head.p) : head.len;
		if (head.len && head.p[head.len - 1] == '\r')
			head.len--;
		*yes = has_column(head, "start") && has_column(head, "end") && !has_column(head, "event");
		return 0;
	default:
		*yes = false;
		return 0;
	}
}

int cmd_configure(struct cmd_args *a)
{
	return a->machine ? regions_of_source(a, a->machine) : 0;
}

int cmd_machine(struct cmd_args *a, struct mm_input *in, bool *machine_only, struct mm_machine **mp)
{
	int e = 0;

	*machine_only = false;
	if (in && !a->from)
		e = holds_machine(a, in, machine_only);
	if (!e && *machine_only)
		e = mm_regions_read(&a->config.regions, in, &a->err);
	else if (!e)
		e = cmd_configure(a);
	return e ? e : mm_machine_new(mp, &a->config, &a->err);
}

/* ---- the machine as rows of the trace ----------------------------------- */

static void sysctl_row(struct mm_trace_writer *w, const char *name, uint64_t value)
{
	struct mm_event ev = { .type = MM_EV_SYSCTL, .name = { name, strlen(name) },
			       .present = MM_TC_BIT(EVENT) | MM_TC_BIT(NAME) };

	mm_event_set_result(&ev, MM_RESULT_DEC, value);
	mm_trace_writer_row(w, &ev);
}

static void swap_row(struct mm_trace_writer *w, const struct mm_machine_config *cfg)
{
	struct mm_event ev = { .type = MM_EV_SYSCTL, .name = MM_STR("swap"), .size = cfg->swap_used_bytes,
			       .present = MM_TC_BIT(EVENT) | MM_TC_BIT(NAME) | (cfg->swap_used_bytes ? MM_TC_BIT(SIZE) : 0) };

	mm_event_set_result(&ev, MM_RESULT_DEC, cfg->swap_bytes);
	mm_trace_writer_row(w, &ev);
}

static void text_row(struct mm_trace_writer *w, enum mm_sysctl_id id, const char *text)
{
	const char *name = mm_sysctl_name(id);
	struct mm_event ev = { .type = MM_EV_SYSCTL, .name = { name, strlen(name) },
			       .present = MM_TC_BIT(EVENT) | MM_TC_BIT(NAME) };

	mm_event_set_word(&ev, text, strlen(text));
	mm_trace_writer_row(w, &ev);
}

static void lowmem_row(struct mm_trace_writer *w, const struct mm_sysctls *s)
{
	char text[64];

	snprintf(text, sizeof(text), "%d %d %d %d", s->lowmem_reserve_ratio[0], s->lowmem_reserve_ratio[1],
		 s->lowmem_reserve_ratio[2], s->lowmem_reserve_ratio[3]);
	text_row(w, MM_SYSCTL_LOWMEM_RESERVE_RATIO, text);
}

static void region_row(struct mm_trace_writer *w, const struct mm_region *r)
{
	char kind[32];
	int len = snprintf(kind, sizeof(kind), "%s%s", mm_region_kind_word((enum mm_region_kind)r->kind), r->hotplug ? "|hotplug" : "");
	struct mm_event ev = {
		.type = MM_EV_REGION, .addr = r->start, .size = r->end - r->start + 1, .offset = r->depth,
		.flags = { kind, (size_t)len }, .name = { r->name, r->name ? strlen(r->name) : 0 },
		.present = MM_TC_BIT(EVENT) | MM_TC_BIT(ADDR) | MM_TC_BIT(SIZE) | MM_TC_BIT(FLAGS) | MM_TC_BIT(NAME) |
			   (r->depth ? MM_TC_BIT(OFFSET) : 0),
	};

	if (r->node)
		mm_event_set_result(&ev, MM_RESULT_DEC, r->node);
	mm_trace_writer_row(w, &ev);
}

static void cpus_row(struct mm_trace_writer *w, uint64_t nr_cpus)
{
	struct mm_event ev = { .type = MM_EV_CPUS, .present = MM_TC_BIT(EVENT) };

	mm_event_set_result(&ev, MM_RESULT_DEC, nr_cpus);
	mm_trace_writer_row(w, &ev);
}

static void memory_max_row(struct mm_trace_writer *w, uint64_t bytes)
{
	struct mm_event ev = { .type = MM_EV_CGROUP, .name = MM_STR("workload"),
			       .present = MM_TC_BIT(EVENT) | MM_TC_BIT(NAME) };

	mm_event_set_result(&ev, MM_RESULT_DEC, bytes);
	mm_trace_writer_row(w, &ev);
}

/* Does the command line say anything that later commands of a pipe must know? */
static bool travels(const struct cmd_args *a)
{
	for (int i = 0; i < MM_NR_SYSCTLS; i++)
		if (a->config.sysctl.set[i])
			return true;
	return a->machine || a->cpus_given || a->ram_given || a->swap_given || a->memory_max_given;
}

uint32_t cmd_machine_columns(const struct cmd_args *a)
{
	uint32_t seeds = MM_TC_BIT(PID) | MM_TC_BIT(ADDR) | MM_TC_BIT(SIZE) | MM_TC_BIT(FLAGS) | MM_TC_BIT(NAME) | MM_TC_BIT(OFFSET) |
			 MM_TC_BIT(ADDR2) | MM_TC_BIT(SIZE2) | MM_TC_BIT(RESULT);

	bool nested = false;

	if (!travels(a))
		return a->nr_seeds ? seeds : 0;
	for (size_t i = 0; a->machine && i < a->config.regions.nr; i++)
		nested |= a->config.regions.v[i].depth > 0;
	return MM_TC_BIT(NAME) | MM_TC_BIT(RESULT) | (a->nr_seeds ? seeds : 0) | (nested ? MM_TC_BIT(OFFSET) : 0) |
	       (a->machine ? MM_TC_BIT(ADDR) | MM_TC_BIT(SIZE) | MM_TC_BIT(FLAGS) : 0);
}

static void write_row(const struct mm_event *ev, void *arg) { mm_trace_writer_row(arg, ev); }

/* What of a captured machine is not in the trace. */
static int tell_left_behind(struct cmd_args *a)
{
	const char *dir = a->config.sysroot;
	struct mm_sysroot *root;
	bool pages;
	int cgroups, e = mm_sysroot_open(&root, dir, &a->err);

	if (e)
		return e;
	pages = mm_sysroot_has(root, "proc/kpageflags");
	cgroups = mm_sysroot_has_cgroups(root);
	mm_sysroot_free(root);
	if (cgroups < 0)
		return mm_error_set(&a->err, cgroups, "out of memory");
	if (pages || cgroups)
		cmd_note(a, "%s: %s%s%s not in the trace: commands that read it need --machine=%s too", dir, cgroups ? "its cgroups" : "",
			 pages && cgroups ? " and " : "", !pages ? " are" : cgroups ? "which pages are free (kpageflags) are" :
			 "which pages are free (kpageflags) is", dir);
	return 0;
}

int cmd_trace_machine_rows(struct cmd_args *a, struct mm_machine *m, struct mm_trace_writer *w)
{
	const struct mm_machine_config *cfg = &a->config;
	int e;

	for (size_t i = 0; a->machine && i < cfg->regions.nr; i++)
		region_row(w, &cfg->regions.v[i]);
	if (a->machine && cfg->regions.boot)
		mm_captured_boot_rows(cfg->regions.boot, write_row, w);
	if (a->cpus_given)
		cpus_row(w, cfg->nr_cpus);
	if (a->ram_given)
		sysctl_row(w, "ram", cfg->ram_bytes);
	if (a->swap_given || cfg->swap_bytes)
		swap_row(w, cfg);
	for (int i = 0; i < MM_SYSCTL_LOWMEM_RESERVE_RATIO; i++)
		if (cfg->sysctl.set[i])
			sysctl_row(w, mm_sysctl_name((enum mm_sysctl_id)i), (uint64_t)cfg->sysctl.v[i]);
	if (cfg->sysctl.set[MM_SYSCTL_LOWMEM_RESERVE_RATIO])
		lowmem_row(w, &cfg->sysctl);
	if (cfg->sysctl.set[MM_SYSCTL_SLUB_DEBUG])
		text_row(w, MM_SYSCTL_SLUB_DEBUG, cfg->sysctl.slub_debug);
	if (a->memory_max_given)
		memory_max_row(w, cfg->memory_max_bytes);
	if (!cfg->sysroot)
		return 0;
	e = mm_machine_captured_rows(m, write_row, w, &a->err);
	return e ? e : tell_left_behind(a);
}
