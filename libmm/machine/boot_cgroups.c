/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The memory cgroups of a captured machine: whom a task belongs to (proc/PID/cgroup), and what the cgroup's files say of its limits.
 *
 *	cgroup v2	0::/a/b			sys/fs/cgroup/a/b/memory.max, cpuset.mems ...
 *	cgroup v1	5:memory:/a/b		sys/fs/cgroup/memory/a/b/memory.limit_in_bytes ...
 *
 * The nodes of a task's cpuset, whose cgroup may be another in v1, are in proc/PID/status (Mems_allowed_list).
 * Nothing is read before it is needed: a task's cgroup when its first row comes, a cgroup's files when it comes to be.  With a limit of
 * the command line all tasks are in the workload's cgroup instead.
 * What the cgroups held when they were captured is made by boot_memcg.c, if it is wanted.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <libmm/cgroup.h>
#include <libmm/source.h>

#include "base/str.h"
#include "cache/memcg_v1.h"
#include "machine/machine.h"

enum { MAX_PATH = 4096 };

const char mm_captured_unreadable[] = "files of captured cgroups that cannot be read";

/* cpuset.mems; nodes that the machine does not have are no matter. */
static void captured_mems(struct mm_machine *m, const struct mm_sysroot *root, struct mm_memcg *g)
{
	char path[MAX_PATH + 64], text[256];
	mm_nodes_t mems;
	long n;

	snprintf(path, sizeof(path), "sys/fs/cgroup/%s/cpuset.mems", g->name + (g->name[0] == '/'));
	n = mm_sysroot_text(root, path, text, sizeof(text));
	if (n <= 0)
		return;
	if (mm_nodes_of_list((struct mm_str){ text, (size_t)n }, &mems))
		g->mems = mems & m->ctx.numa.memory;
	else
		mm_machine_loss(m, mm_captured_unreadable);
}

mm_nodes_t mm_captured_mems(struct mm_machine *m, uint32_t pid)
{
	static const char key[] = "\nMems_allowed_list:\t";
	char path[64], text[2 * MAX_PATH];
	struct mm_error ignored;
	struct mm_sysroot *root;
	mm_nodes_t mems = 0;
	const char *at;
	long n;

	if (!m->cfg.sysroot || mm_sysroot_open(&root, m->cfg.sysroot, &ignored))
		return 0;
	snprintf(path, sizeof(path), "proc/%u/status", pid);
	n = mm_sysroot_text(root, path, text, sizeof(text));
	mm_machine_close_root(m, root);
	at = n > 0 ? memmem(text, (size_t)n, key, sizeof(key) - 1) : NULL;
	if (!at)
		return 0;
	at += sizeof(key) - 1;
	if (!mm_nodes_of_list((struct mm_str){ at, strcspn(at, "\n") }, &mems))
		mm_machine_loss(m, mm_captured_unreadable);
	mems &= m->ctx.numa.memory;
	return mems == m->ctx.numa.memory ? 0 : mems;
}

/* What a file tells takes the place of @limit. */
static void take_limit(uint64_t *limit, uint64_t bytes)
{
	if (bytes != MM_MISSING_U64)
		*limit = bytes == MM_CGROUP_NO_LIMIT ? MM_MEMCG_MAX : bytes >> MM_PAGE_SHIFT;
}

void mm_captured_limits_of(struct mm_machine *m, struct mm_memcg *g, const struct mm_cgroup_row *row)
{
	struct mm_error ignored;
	struct mm_sysroot *root;

	take_limit(&g->max, row->max);
	take_limit(&g->high, row->high);
	take_limit(&g->low, row->low);
	take_limit(&g->min, row->min);
	take_limit(&g->swap_max, row->swap_max);
	take_limit(&g->swap_high, row->swap_high);
	if (row->oom_group != MM_MISSING_U64)
		g->oom_group = row->oom_group;
	if (row->swappiness != MM_MISSING_U64)
		g->swappiness = (int16_t)row->swappiness;
	if ((row->memsw_max != MM_MISSING_U64 || row->soft_limit != MM_MISSING_U64) && !mm_memcg_set_v1(m->cache)) {
		take_limit(&g->memsw_max, row->memsw_max);
		take_limit(&g->soft_limit, row->soft_limit);
	}
	if (mm_sysroot_open(&root, m->cfg.sysroot, &ignored))
		return;
	captured_mems(m, root, g);
	mm_machine_close_root(m, root);
}

void mm_captured_limits(struct mm_machine *m, struct mm_memcg *g)
{
	struct mm_cgroup_row row;
	struct mm_error ignored;
	struct mm_sysroot *root;

	if (!m->cfg.sysroot || strlen(g->name) >= MAX_PATH || strstr(g->name, "..") || mm_sysroot_open(&root, m->cfg.sysroot, &ignored))
		return;
	mm_machine_losses(m, mm_captured_unreadable, mm_cgroup_read(&row, root, g->name));
	mm_machine_close_root(m, root);
	mm_captured_limits_of(m, g, &row);
}

/* The path of the memory controller in a line of /proc/PID/cgroup: 2 of v1, 1 of v2, 0 neither. */
static int memory_path(struct mm_str line, struct mm_str *path)
{
	const char *list = memchr(line.p, ':', line.len), *end = line.p + line.len, *colon;

	colon = list ? memchr(list + 1, ':', (size_t)(end - list - 1)) : NULL;
	if (!colon)
		return 0;
	*path = (struct mm_str){ colon + 1, (size_t)(end - colon - 1) };
	if (colon == list + 1)
		return 1;
	for (const char *p = list + 1, *comma; p < colon; p = comma + 1) {
		comma = memchr(p, ',', (size_t)(colon - p));
		comma = comma ? comma : colon;
		if (mm_str_is((struct mm_str){ p, (size_t)(comma - p) }, "memory"))
			return 2;
	}
	return 0;
}

/* A path that leads out of the tree would be of another cgroup namespace, or of somebody who wants us elsewhere. */
static bool is_below_root(struct mm_str path)
{
	return path.len > 1 && path.p[0] == '/' && path.len < MAX_PATH && !memmem(path.p, path.len, "..", 2) &&
	       !memchr(path.p, '\0', path.len);
}

struct mm_memcg *mm_captured_cgroup(struct mm_machine *m, uint32_t pid)
{
	struct mm_str path = { NULL, 0 }, at;
	struct mm_memcg *g = NULL;
	struct mm_error ignored;
	struct mm_sysroot *root;
	char name[64], text[2 * MAX_PATH];
	int best = 0;
	long n;

	if (!m->cfg.sysroot || !m->cache || mm_sysroot_open(&root, m->cfg.sysroot, &ignored))
		return NULL;
	snprintf(name, sizeof(name), "proc/%u/cgroup", pid);
	n = mm_sysroot_text(root, name, text, sizeof(text));
	mm_machine_close_root(m, root);
	for (char *p = text, *nl; n > 0 && p < text + n; p = nl + 1) {
		int kind;

		nl = memchr(p, '\n', (size_t)(text + n - p));
		nl = nl ? nl : text + n;
		kind = memory_path((struct mm_str){ p, (size_t)(nl - p) }, &at);
		if (kind > best) {
			best = kind;
			path = at;
		}
	}
	if (!best || mm_str_is(path, "/"))
		return NULL;
	if (!is_below_root(path) || mm_cgroup_find_or_make(m, path, &g))
		mm_machine_loss(m, mm_captured_unreadable);
	else
		mm_machine_note(m, "tasks put into the memory cgroups that the captured machine has them in");
	return g;
}
