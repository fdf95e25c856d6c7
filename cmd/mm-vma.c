/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mm-vma - address spaces: what is mapped where, and what calls make of it
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/maps.h>
#include <libmm/source.h>

#include "cmd.h"

enum { OPT_PID = 0x300, OPT_FIND };

static const struct argp_option options[] = {
	CMD_SEED_OPTIONS,
	{ "pid", OPT_PID, "PID", 0, "Only this process; with --live or --sysroot its /proc/PID/maps", 0 },
	{ "find", OPT_FIND, "ADDR", 0, "Only the mapping that holds this address", 0 },
	{ 0 }
};

struct vma_args {
	bool pid_given, find;
	uint64_t pid, addr;
};

static const struct mm_machine_table *const tables[] = {
	&mm_table_maps, &mm_table_mm, &mm_table_merges, &mm_table_maple, &mm_table_limits, &mm_table_mismatches,
};
enum { NR_TABLES = sizeof(tables) / sizeof(tables[0]) };

static error_t parse(int key, char *arg, struct argp_state *st)
{
	struct cmd_args *a = st->input;
	struct vma_args *own = a->own;

	switch (key) {
	case OPT_PID:
		own->pid = cmd_u64(st, "--pid", arg, 0, INT32_MAX);
		own->pid_given = true;
		return 0;
	case OPT_FIND:
		own->addr = cmd_u64(st, "--find", arg, 0, UINT64_MAX);
		own->find = true;
		return 0;
	default:
		return cmd_parse_seed(key, arg, st);
	}
}

/* ---- the kernel's own maps ------------------------------------------------- */

struct print {
	struct mm_table_writer *w;
	const struct vma_args *own;
	uint64_t pid;
	uint64_t nr_read;		/* processes whose file was opened */
};

static int print_row(const struct mm_maps_row *r, void *arg)
{
	struct print *p = arg;
	char dev[32], name[8192];
	struct mm_maps_table_row row = {
		.pid = p->pid, .start = r->start, .end = r->end, .offset = r->offset, .inode = r->inode,
		.perms = r->perms, .dev = dev, .name = name,
	};

	if (p->own->find && (p->own->addr < r->start || p->own->addr >= r->end))
		return 0;
	snprintf(dev, sizeof(dev), "%02x:%02x", r->dev_major, r->dev_minor);
	snprintf(name, sizeof(name), "%.*s%s", (int)r->name.len, r->name.p, r->deleted ? " (deleted)" : "");
	mm_table_writer_row(p->w, &row);
	return 0;
}

struct pids {
	uint64_t *v;
	size_t nr, cap;
};

static int add_pid(void *arg, const char *name)
{
	struct pids *p = arg;
	char *end;
	unsigned long pid = strtoul(name, &end, 10);

	if (*end || end == name || !pid || pid > INT32_MAX)
		return 0;
	if (p->nr == p->cap) {
		size_t cap = p->cap ? 2 * p->cap : 256;
		uint64_t *v = realloc(p->v, cap * sizeof(*v));

		if (!v)
			return -ENOMEM;
		p->v = v;
		p->cap = cap;
	}
	p->v[p->nr++] = pid;
	return 0;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* A capture may hold smaps and no maps: it tells the same and more. */
static int print_pid(struct cmd_args *a, struct mm_sysroot *root, struct print *p, bool must)
{
	struct mm_error ignored;
	struct mm_input *in;
	char path[64];
	int e;

	snprintf(path, sizeof(path), "proc/%" PRIu64 "/maps", p->pid);
	e = mm_sysroot_input(root, path, &in, must ? &a->err : &ignored);
	if (e == -ENOENT && a->sysroot) {
		snprintf(path, sizeof(path), "proc/%" PRIu64 "/smaps", p->pid);
		e = mm_sysroot_input(root, path, &in, &ignored);
	}
	if (e == -ENOMEM)
		return mm_error_set(&a->err, e, "out of memory");
	if (e)
		return must ? e : 0;	/* it ended, or is another user's */
	p->nr_read++;
	e = mm_maps_read(in, print_row, p, &a->err);
	return cmd_close_input(a, in, e);
}

static int print_live(struct cmd_args *a)
{
	struct vma_args *own = a->own;
	struct print p = { .own = own };
	struct pids pids = { 0 };
	struct mm_sysroot *root;
	int e;

	cmd_uses(a, CMD_FORM | CMD_OF_SYSTEM, "the maps of running or captured processes");
	if (a->table && strcmp(a->table, "maps")) {
		return mm_error_set(&a->err, -EINVAL, "-t %s: a machine is needed; of a capture there is only maps",
				    a->table);
	}
	e = mm_sysroot_open(&root, a->sysroot, &a->err);
	if (e)
		return e;
	if (own->pid_given)
		e = add_pid(&pids, "1");
	else
		e = mm_sysroot_each(root, "proc", add_pid, &pids);
	if (e)
		mm_error_set(&a->err, e, "%s/proc: %s", mm_sysroot_name(root), strerror(-e));
	if (!e && own->pid_given)
		pids.v[0] = own->pid;
	if (pids.nr)
		qsort(pids.v, pids.nr, sizeof(*pids.v), by_number);
	if (!e)
		e = cmd_table(a, &mm_maps_table, &p.w);
	for (size_t i = 0; !e && i < pids.nr; i++) {
		p.pid = pids.v[i];
		e = print_pid(a, root, &p, own->pid_given);
	}
	if (!e && !p.nr_read)
		e = mm_error_set(&a->err, -ENOENT, "%s/proc: expected maps or smaps of a process, found none that can be read",
				 mm_sysroot_name(root));
	e = cmd_table_end(a, p.w, e);
	free(pids.v);
	return cmd_close_sysroot(a, root, e);
}

static int run(struct cmd_args *a)
{
	struct vma_args *own = a->own;

	if (!a->file && !a->nr_seeds && (a->live || a->sysroot))
		return print_live(a);
	a->config.only_pid = own->pid_given;
	a->config.keep_ended = a->table && !strcmp(a->table, "maps") && a->every == CMD_EVERY_END;
	a->config.maps_pid = (uint32_t)own->pid;
	a->config.find = own->find;
	a->config.find_vaddr = own->addr;
	return cmd_replay(a);
}

static const struct cmd cmd = {
	.name = "mm-vma",
	.doc = "Address spaces as Linux 6.6 keeps them: replay the calls of programs, see the maps after each\v"
	       "FILE is a trace or an strace log; with --live or --sysroot the maps of running processes are shown.",
	.args_doc = "[FILE]",
	.options = options,
	.parse = parse,
	.machine_tables = tables,
	.nr_machine_tables = NR_TABLES,
	.depth = MM_DEPTH_VMA,
	.effect_columns = MM_TC_BIT(PID) | MM_TC_BIT(EVENT) | MM_TC_BIT(ADDR) | MM_TC_BIT(SIZE) | MM_TC_BIT(RESULT) |
			  MM_TC_BIT(BY),
	.computes = 1u << MM_BY_VMA,
	.run = run,
};

int main(int argc, char **argv)
{
	struct vma_args own = { 0 };

	return cmd_main(&cmd, argc, argv, &own);
}
