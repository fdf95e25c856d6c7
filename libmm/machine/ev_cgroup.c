/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cgroup rows: who is in which memory cgroup, and what is written to its files
 *
 * A row with a pid moves the task to the cgroup of that name, which comes to
 * be with its parents ("/a/b" is below "/a"); the flags name the file that
 * result is written to (cpuset.mems: one node, or nodes:0-1,3), memory.max
 * without flags, or say rmdir: the cgroup is removed.  A row with neither pid
 * nor flags is memory.max of the workload, of which every task is a member.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cache/memcg_v1.h"
#include "machine/machine.h"
#include "reclaim/reclaim.h"

static uint64_t pages_of(uint64_t bytes) { return bytes == UINT64_MAX ? MM_MEMCG_MAX : bytes >> MM_PAGE_SHIFT; }

static void write_max(struct mm_machine *m, struct mm_memcg *g, uint64_t v) { mm_memory_max_write(m->cache, g, pages_of(v)); }
static void write_high(struct mm_machine *m, struct mm_memcg *g, uint64_t v) { mm_memory_high_write(m->cache, g, pages_of(v)); }
static void write_low(struct mm_machine *m, struct mm_memcg *g, uint64_t v) { (void)m, g->low = pages_of(v); }
static void write_min(struct mm_machine *m, struct mm_memcg *g, uint64_t v) { (void)m, g->min = pages_of(v); }
static void write_swap_max(struct mm_machine *m, struct mm_memcg *g, uint64_t v) { (void)m, g->swap_max = pages_of(v); }
static void write_swap_high(struct mm_machine *m, struct mm_memcg *g, uint64_t v) { (void)m, g->swap_high = pages_of(v); }
static void write_swappiness(struct mm_machine *m, struct mm_memcg *g, uint64_t v) { (void)m, g->swappiness = (int16_t)v; }
static void write_oom_group(struct mm_machine *m, struct mm_memcg *g, uint64_t v) { (void)m, g->oom_group = v != 0; }
static void write_reclaim(struct mm_machine *m, struct mm_memcg *g, uint64_t v)
{
	mm_memory_reclaim(m->reclaim, g, v >> MM_PAGE_SHIFT);
}

/* The kernel refuses some: the file keeps what it had. */
static void write_v1_limit(struct mm_machine *m, struct mm_memcg *g, uint64_t v, bool memsw)
{
	int e = mm_memcg_set_v1(m->cache);

	if (!e)
		e = mm_mem_cgroup_resize_max(m->cache, g, pages_of(v), memsw);
	if (e == -EINVAL)
		mm_machine_loss(m, "limits of cgroup v1 refused (EINVAL): memory.limit_in_bytes above memory.memsw.limit_in_bytes");
	else if (e)
		mm_machine_loss(m, "limits of cgroup v1 refused (EBUSY): reclaim could not bring the cgroup below them");
}

static void write_limit(struct mm_machine *m, struct mm_memcg *g, uint64_t v) { write_v1_limit(m, g, v, false); }
static void write_memsw_limit(struct mm_machine *m, struct mm_memcg *g, uint64_t v) { write_v1_limit(m, g, v, true); }
static void write_soft_limit(struct mm_machine *m, struct mm_memcg *g, uint64_t v)
{
	if (!mm_memcg_set_v1(m->cache))
		g->soft_limit = pages_of(v);
}

static const struct cgroup_file {
	const char *name;
	void (*write)(struct mm_machine *m, struct mm_memcg *g, uint64_t value);
	uint64_t most;			/* 0: any number, and max */
} files[] = {
	{ "memory.max", write_max, 0 }, { "memory.high", write_high, 0 }, { "memory.low", write_low, 0 },
	{ "memory.min", write_min, 0 }, { "memory.swap.max", write_swap_max, 0 }, { "memory.oom.group", write_oom_group, 0 },
	{ "memory.reclaim", write_reclaim, 0 }, { "memory.swap.high", write_swap_high, 0 }, { "memory.swappiness", write_swappiness, 200 },
	{ "memory.limit_in_bytes", write_limit, 0 }, { "memory.memsw.limit_in_bytes", write_memsw_limit, 0 },
	{ "memory.soft_limit_in_bytes", write_soft_limit, 0 },
};

static const struct cgroup_file *file_of(struct mm_str word)
{
	if (!word.len)
		return &files[0];
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (mm_str_is(word, files[i].name))
			return &files[i];
	return NULL;
}

static struct mm_str without_slashes(struct mm_str path)
{
	while (path.len > 1 && path.p[path.len - 1] == '/')
		path.len--;
	return path;
}

int mm_cgroup_find_or_make(struct mm_machine *m, struct mm_str path, struct mm_memcg **gp)
{
	struct mm_memcg *g = m->cache->root_mem_cgroup;
	size_t at = path.len && path.p[0] == '/';

	path = without_slashes(path);
	if (m->workload_memcg && (!path.len || mm_str_is(path, "workload") || mm_str_is(path, "/workload"))) {
		*gp = m->workload_memcg;
		return 0;
	}
	while (at < path.len) {
		const char *slash = memchr(path.p + at, '/', path.len - at);
		size_t n = slash ? (size_t)(slash - path.p) : path.len;
		struct mm_str name = { path.p, n };
		struct mm_memcg *child = mm_memcg_find(m->cache, name);
		bool known = child;
		int e = known ? 0 : mm_memcg_new(m->cache, g, name, &child);

		if (e)
			return e;
		if (!known)
			mm_captured_limits(m, child);
		g = child;
		at = n + 1;
	}
	*gp = g;
	return 0;
}

static void join(struct mm_machine *m, struct mm_task *task, struct mm_memcg *g)
{
	if (task->memcg != g)
		task->joined = ++m->nr_joins;
	task->memcg = g;
	if (task->mm)
		task->mm->memcg = g;
}

/* memory.max of the workload: before the boot part of the machine. */
static void limit_workload(struct mm_machine *m, uint64_t bytes)
{
	if (!m->booted)
		m->cfg.memory_max_bytes = bytes;
	else if (m->workload_memcg)
		mm_memory_max_write(m->cache, m->workload_memcg, bytes >> MM_PAGE_SHIFT);
	else
		mm_machine_row_is_late(m);
}

/* rmdir(2): no task may be in it, nor a cgroup below it. */
static int remove_cgroup(struct mm_machine *m, struct mm_str path, struct mm_error *err)
{
	struct mm_memcg *g = mm_memcg_find(m->cache, without_slashes(path));
	int e = g ? 0 : -ENOENT;

	for (size_t i = 0; !e && i < m->tasks.nr; i++)
		e = m->tasks.v[i]->memcg == g && m->tasks.v[i]->state == MM_TASK_RUNNING ? -EBUSY : 0;
	if (!e && g == m->workload_memcg)
		e = -EBUSY;
	if (!e)
		e = mm_memcg_rmdir(m->cache, g);
	if (e)
		return mm_error_set(err, e, "cgroup: rmdir %.*s: %s", (int)path.len, path.p,
				    e == -EBUSY ? "it has tasks or cgroups in it" : "no such cgroup");
	return 0;
}

/* A node, or as nodes:0-1,3; nothing: as the parent. */
static int write_mems(struct mm_machine *m, struct mm_memcg *g, const struct mm_event *ev, struct mm_error *err)
{
	struct mm_str list = ev->result_word;
	mm_nodes_t mems = 0;
	char number[24];

	if (ev->result_kind != MM_RESULT_WORD) {
		list.p = number;
		list.len = (size_t)snprintf(number, sizeof(number), "%" PRIu64, ev->result);
	} else if (mm_str_starts(list, "nodes:")) {
		list = (struct mm_str){ list.p + 6, list.len - 6 };
	}
	if (!g->parent || !mm_nodes_of_list(list, &mems) || mm_cpuset_write_mems(m, g, mems))
		return mm_error_set(err, -EINVAL, g->parent ? "cgroup: expected nodes of the machine as cpuset.mems, found '%.*s'" :
				    "cgroup: the root has no cpuset.mems of its own", (int)list.len, list.p);
	return 0;
}

/* The number that the row writes to @file, UINT64_MAX for "max"; 0 or -EINVAL with @err. */
static int value_of(const struct cgroup_file *file, const struct mm_event *ev, uint64_t *value, struct mm_error *err)
{
	bool is_word = ev->result_kind == MM_RESULT_WORD && ev->result_word.len;

	*value = ev->result;
	if (!(ev->present & MM_TC_BIT(RESULT)))
		return 0;
	if (is_word && !mm_str_is(ev->result_word, "max"))
		return mm_error_set(err, -EINVAL, "cgroup: expected %s in bytes or max, found '%.*s'", file->name,
				    (int)ev->result_word.len, ev->result_word.p);
	if (is_word)
		*value = UINT64_MAX;
	if (file->most && *value > file->most)
		return mm_error_set(err, -EINVAL, "cgroup: expected %s from 0 to %" PRIu64 ", found %" PRIu64, file->name, file->most,
				    *value);
	return 0;
}

int mm_ev_cgroup(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	bool is_mems = mm_str_is(ev->flags, "cpuset.mems"), has_value = ev->present & MM_TC_BIT(RESULT);
	const struct cgroup_file *file = is_mems ? &files[0] : file_of(ev->flags);
	struct mm_memcg *g;
	uint64_t value;
	int e;

	if (mm_str_is(ev->flags, "rmdir"))
		return m->cache ? remove_cgroup(m, ev->name, err) : 0;
	if (!file)
		return mm_error_set(err, -EINVAL, "cgroup: expected memory.max, high, low, min, swap.max, swap.high, oom.group, reclaim, "
				    "swappiness, limit_in_bytes, memsw.limit_in_bytes, soft_limit_in_bytes, cpuset.mems or rmdir as flags, "
				    "found '%.*s'", (int)ev->flags.len, ev->flags.p);
	e = is_mems ? 0 : value_of(file, ev, &value, err);
	if (e)
		return e;
	if (mm_event_limits_workload(ev)) {
		limit_workload(m, value);
		return 0;
	}
	if (!m->cache)
		return 0;
	e = mm_cgroup_find_or_make(m, ev->name, &g);
	if (e)
		return mm_error_set(err, e, "cgroup %.*s: %s", (int)ev->name.len, ev->name.p, strerror(-e));
	if (task)
		join(m, task, g);
	if (task && mm_cpuset_update_task(m, task))
		return mm_error_set(err, -ENOMEM, "out of memory");
	if (is_mems)
		return has_value ? write_mems(m, g, ev, err) : 0;
	if (has_value && (g->parent || file->write == write_reclaim))	/* the root has that one alone */
		file->write(m, g, value);
	else if (has_value)
		return mm_error_set(err, -EINVAL, "cgroup: the root has no %s", file->name);
	return 0;
}
