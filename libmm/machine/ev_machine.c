/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rows that describe the machine, and those of tasks that touch no memory.
 * Before the boot they configure it; afterwards only tunables may change.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <libmm/csv.h>

#include "base/str.h"
#include "machine/machine.h"
#include "phys/compaction.h"
#include "phys/mempolicy.h"
#include "virt/hugetlb.h"

enum { MAX_DEPTH = 1024 };	/* of regions in regions */

static bool name_is(const struct mm_event *ev, const char *word)
{
	return mm_str_is(ev->name, word);
}

int mm_ev_region(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_region r = { .start = ev->addr, .end = ev->addr + ev->size - 1 };
	struct mm_str word = { NULL, 0 }, words = ev->flags;
	int kind = mm_next_word(&words, &word) ? mm_region_kind_parse(word) : -EINVAL;

	(void)task;
	if (mm_machine_row_is_late(m))
		return 0;
	if (!ev->size || r.end < r.start)
		return mm_error_set(err, -EINVAL,
				    "region: expected a size that ends below 2^64, found 0x%" PRIx64 " at 0x%" PRIx64,
				    ev->size, ev->addr);
	if (kind < 0)
		return mm_error_set(err, -EINVAL, "region: no kind is called '%.*s'", (int)ev->flags.len, ev->flags.p);
	if (ev->offset >= MAX_DEPTH)
		return mm_error_set(err, -EINVAL, "region: expected a depth below %d, found %" PRIu64, (int)MAX_DEPTH, ev->offset);
	r.kind = (uint8_t)kind;
	r.depth = (uint32_t)ev->offset;
	r.hotplug = mm_has_word(words, "hotplug");
	r.node = (uint32_t)ev->result;
	if (mm_region_list_add(&m->cfg.regions, &r, ev->name))
		return mm_error_set(err, -ENOMEM, "out of memory");
	return 0;
}

/* ram and swap travel as tunables of the machine, in bytes; of swap in use size. */
static uint64_t *size_tunable(struct mm_machine *m, const struct mm_event *ev)
{
	if (name_is(ev, "ram"))
		return &m->cfg.ram_bytes;
	if (name_is(ev, "swap"))
		return &m->cfg.swap_bytes;
	return NULL;
}

static int set_sysctl(struct mm_machine *m, const struct mm_event *ev, struct mm_error *err)
{
	struct mm_str value = ev->result_word;
	char text[32];
	int id = mm_sysctl_find(ev->name), e;

	if (id >= 0 && mm_sysctl_is_boot((enum mm_sysctl_id)id) && mm_machine_row_is_late(m))
		return 0;
	if (ev->result_kind != MM_RESULT_WORD) {
		value.p = text;
		value.len = (size_t)snprintf(text, sizeof(text), "%" PRIu64, ev->result);
	}
	e = mm_sysctls_set(&m->cfg.sysctl, ev->name, value, err);
	if (!e && m->booted)
		mm_machine_sysctl_changed(m, id);
	return e;
}

/* Not a tunable but a deed. */
static int compact_memory(struct mm_machine *m, const struct mm_event *ev, struct mm_error *err)
{
	if (ev->result_kind == MM_RESULT_WORD || ev->result != 1)
		return mm_error_set(err, -EINVAL, "sysctl vm.compact_memory: expected 1");
	if (m->phys)
		mm_compact_nodes(m->phys);
	return 0;
}

/*
 * A pool of huge pages by node: vm.nr_hugepages_mempolicy as the policy of the row's task says, nodeN.hugepages-2048kB.nr_hugepages that
 * node alone. 1: it is none of them. Source: mm/hugetlb.c __nr_hugepages_store_common(), mm/mempolicy.c init_nodemask_of_mempolicy().
 */
static int pool_by_node(struct mm_machine *m, const struct mm_event *ev, struct mm_error *err)
{
	enum { ORDER_2M = 9, ORDER_1G = 18 };
	static const struct { const char *name; unsigned int order; bool of_node; } files[] = {
		{ "hugepages-2048kB.nr_hugepages", ORDER_2M, true }, { "hugepages-1048576kB.nr_hugepages", ORDER_1G, true },
		{ "hugepages-2048kB.nr_hugepages_mempolicy", ORDER_2M, false },
		{ "hugepages-1048576kB.nr_hugepages_mempolicy", ORDER_1G, false }, { "vm.nr_hugepages_mempolicy", ORDER_2M, false },
	};
	const size_t nr = sizeof(files) / sizeof(files[0]);
	const struct mm_task *task = ev->pid && ev->pid <= MM_PID_MAX ? mm_task_find(m, ev->pid) : NULL;
	const struct mm_mempolicy *pol = task ? task->numa.mempolicy : NULL;
	struct mm_str name = ev->name;
	uint64_t nid = MM_MAX_NODES;
	bool of_node = false;
	size_t i = 0;
	int e;

	if (mm_str_starts(name, "node") && memchr(name.p, '.', name.len)) {
		size_t dot = (size_t)((const char *)memchr(name.p, '.', name.len) - name.p);

		of_node = !mm_parse_u64((struct mm_str){ name.p + 4, dot - 4 }, &nid);
		name = (struct mm_str){ name.p + dot + 1, name.len - dot - 1 };
	}
	while (i < nr && !(mm_str_is(name, files[i].name) && of_node == files[i].of_node))
		i++;
	if (i == nr)
		return 1;
	if (ev->result_kind == MM_RESULT_WORD || ev->result > INT32_MAX)
		return mm_error_set(err, -EINVAL, "sysctl %.*s: expected a number of pages", (int)ev->name.len, ev->name.p);
	e = mm_machine_start(m, err);
	if (e)
		return e;
	if (of_node && (nid >= MM_MAX_NODES || !(m->ctx.numa.memory >> nid & 1)))
		return mm_error_set(err, -EINVAL, "sysctl %.*s: the machine has no memory on this node", (int)ev->name.len, ev->name.p);
	if (!m->virt.hugetlb)
		return 0;
	if (of_node)
		mm_hugetlb_set_node(&m->virt, files[i].order, ev->result, (uint32_t)nid);
	else
		mm_hugetlb_set_pool(&m->virt, files[i].order, ev->result, !pol ? MM_NODES_ALL : pol->mode == MM_MPOL_LOCAL && m->phys ?
				    mm_node_bit(m->phys->cpu_node[m->ctx.cpu]) : pol->nodes);
	return 0;
}

int mm_ev_sysctl(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	uint64_t *bytes = size_tunable(m, ev);
	int e;

	(void)task;
	if (name_is(ev, "vm.compact_memory"))
		return compact_memory(m, ev, err);
	e = pool_by_node(m, ev, err);
	if (e <= 0)
		return e;
	if (!bytes)
		return set_sysctl(m, ev, err);
	if (ev->result_kind == MM_RESULT_WORD)
		return mm_error_set(err, -EINVAL, "sysctl %.*s: expected bytes, found '%.*s'", (int)ev->name.len,
				    ev->name.p,
				    (int)ev->result_word.len, ev->result_word.p);
	if (mm_machine_row_is_late(m))
		return 0;
	*bytes = ev->result;
	if (bytes != &m->cfg.swap_bytes)
		return 0;
	if (ev->size > ev->result)
		return mm_error_set(err, -EINVAL, "sysctl swap: expected no more than its %" PRIu64 " bytes in use, found %" PRIu64,
				    ev->result, ev->size);
	m->cfg.swap_used_bytes = ev->size;	/* of this one, not of what the capture tells of */
	return 0;
}

int mm_ev_cpus(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	(void)task;
	if (ev->result_kind == MM_RESULT_WORD || !ev->result || ev->result > MM_MAX_CPUS)
		return mm_error_set(err, -ERANGE, "cpus: expected a number in 1..%d", (int)MM_MAX_CPUS);
	if (!mm_machine_row_is_late(m))
		m->cfg.nr_cpus = (uint32_t)ev->result;
	return 0;
}

/* A node owns the regions inside its range. */
int mm_ev_node(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	(void)task;
	if (ev->result_kind == MM_RESULT_WORD || ev->result >= MM_MAX_NODES)
		return mm_error_set(err, -ERANGE, "node: expected a number below %d", (int)MM_MAX_NODES);
	if (mm_machine_row_is_late(m))
		return 0;
	for (size_t i = 0; i < m->cfg.regions.nr; i++) {
		struct mm_region *r = &m->cfg.regions.v[i];

		if (r->start >= ev->addr && r->end - ev->addr < ev->size)
			r->node = (uint32_t)ev->result;
	}
	return 0;
}

/* A machine without a capture's files has the zones that a capture had. */
int mm_ev_zone(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	size_t nr = m->captured.zones.nr;
	int e;

	(void)task;
	if (mm_machine_row_is_late(m))
		return 0;
	if (m->cfg.sysroot) {
		mm_machine_loss(m, "rows of zones beside files of a captured machine");
		return 0;
	}
	e = mm_captured_add(&m->captured, ev, err);
	if (e > 0)
		mm_machine_loss(m, "numbers of captured zones that are not known");
	if (e || m->captured.zones.nr == nr)
		return e < 0 ? e : 0;
	if (mm_zone_type_of_name(m->captured.zones.v[nr].zone) >= 0)
		return 0;
	return mm_error_set(err, -EINVAL, "zone: expected zone DMA, DMA32, Normal, Movable or Device, found '%s'",
			    m->captured.zones.v[nr].zone);
}

int mm_ev_boot(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_boot_facts *facts;
	int e;

	(void)task;
	if (mm_machine_row_is_late(m))
		return 0;
	facts = mm_region_list_boot(&m->cfg.regions);
	if (!facts)
		return mm_error_set(err, -ENOMEM, "out of memory");
	e = mm_captured_add_boot(facts, ev, err);
	if (e > 0)
		mm_machine_loss(m, "facts of the boot that are not known");
	return e < 0 ? e : 0;
}

int mm_ev_mark(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	(void)m, (void)task, (void)ev, (void)err;
	return 0;
}

/* Threads have their process's; processes that share its memory follow, but those of a vfork() (__set_oom_adj()). */
int mm_ev_oom_score_adj(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	int64_t adj = (int64_t)ev->result;

	if (ev->result_kind == MM_RESULT_WORD || adj < -1000 || adj > 1000)
		return mm_error_set(err, -ERANGE, "oom_score_adj: expected a number in -1000..1000");
	for (size_t i = 0; i < m->tasks.nr; i++) {
		struct mm_task *t = m->tasks.v[i];

		if (t->tgid == task->tgid ||
		    (task->mm && t->mm == task->mm && !task->in_vfork && !t->in_vfork && t->tgid != 1))
			t->oom_score_adj = (int32_t)adj;
	}
	return 0;
}

/* The named task (result, else the row's own) dies of a signal: what it held goes as at exit. */
int mm_ev_kill(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_task *victim = task;

	if (ev->result_kind == MM_RESULT_DEC || ev->result_kind == MM_RESULT_HEX)
		victim = ev->result <= MM_PID_MAX ? mm_task_find(m, (uint32_t)ev->result) : NULL;
	if (!victim) {
		mm_machine_loss(m, "kills of unknown tasks");
		return 0;
	}
	return mm_ev_exit(m, victim, ev, err);
}
