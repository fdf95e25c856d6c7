/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events of memory policies and of pages that move between nodes.
 *
 * Nodes stand in name, in the kernel's form of a list (0-1,3) or as one hex word; size2 is maxnode where a recording has
 * it.  The name "?" is a mask that the call could not read.  migrate_pages has both lists, OLD:NEW.
 * What get_mempolicy found is its result: a node, nodes:LIST, or the policy as numa_maps writes it.
 */
#include <errno.h>
#include <string.h>

#include <libmm/csv.h>

#include "base/str.h"
#include "fault/fault.h"
#include "machine/machine.h"
#include "machine/vma_call.h"
#include "table/numbers.h"
#include "virt/mempolicy.h"
#include "virt/numab.h"

enum { MAX_MAXNODE = MM_PAGE_SIZE * 8 };

static int bad_nodes(const struct mm_event *ev, struct mm_error *err)
{
	return mm_error_set(err, -EINVAL, "%s: expected nodes as name, as 0-1,3 or 0x3, found '%.*s'",
			    mm_event_word((enum mm_event_type)ev->type), (int)ev->name.len, ev->name.p);
}

/* A list of nodes into the mask; *@last the highest.  False: it is none. */
static bool parse_list(struct mm_str text, struct mm_nodemask *m, uint64_t *last)
{
	uint64_t from, to;
	int more;

	while ((more = mm_next_range(&text, &from, &to)) > 0) {
		if (to > UINT32_MAX)
			return false;
		for (uint64_t n = from; n <= to && n < MM_MAX_NUMNODES; n++)
			mm_node_set(m, n);
		*last = to > *last ? to : *last;
	}
	return !more;
}

bool mm_nodes_of_list(struct mm_str list, mm_nodes_t *nodes)
{
	struct mm_nodemask mask = { { 0 } };
	uint64_t last = 0;

	while (list.len && (list.p[list.len - 1] == '\n' || list.p[list.len - 1] == ' '))
		list.len--;
	if (list.len && (!parse_list(list, &mask, &last) || last >= MM_MAX_NODES))
		return false;
	*nodes = mask.w[0];
	return true;
}

/*
 * The mask of a call, as get_nodes() has it: 0, -EINVAL, -EFAULT; another number with @err: the row is wrong.
 * Bits from maxnode - 1 on are not looked at; those beyond what a kernel may have must not be set.
 */
static int get_nodes(const struct mm_event *ev, struct mm_str text, struct mm_nodemask *m, struct mm_error *err)
{
	uint64_t maxnode = ev->present & MM_TC_BIT(SIZE2) ? ev->size2 - 1 : MAX_MAXNODE, last = 0, bits;

	*m = (struct mm_nodemask){ { 0 } };
	if (!maxnode || !text.len)
		return 0;
	if (maxnode > MAX_MAXNODE)
		return -EINVAL;
	if (mm_str_is(text, "?"))
		return -EFAULT;
	if (text.len > 2 && text.p[0] == '0' && text.p[1] == 'x') {
		if (mm_parse_u64(text, &bits))
			return bad_nodes(ev, err);
		m->w[0] = bits;
	} else if (!parse_list(text, m, &last)) {
		return bad_nodes(ev, err);
	}
	if (last >= MM_MAX_NUMNODES && last < maxnode)
		return -EINVAL;
	for (uint64_t n = maxnode; n < MM_MAX_NUMNODES; n++)
		mm_node_clear(m, n);
	return 0;
}

static struct mm_str name_of(const struct mm_event *ev)
{
	return ev->present & MM_TC_BIT(NAME) ? ev->name : (struct mm_str){ NULL, 0 };
}

/* Mode words, and behind them those of @more, into one number each; a number behind the mode's word counts for @more. */
static void mode_words(struct mm_machine *m, struct mm_str words, enum mm_flag_kind more, uint32_t *mode, uint64_t *flags)
{
	bool have_mode = false;
	uint64_t v, all = 0;
	struct mm_str w;

	*flags = 0;
	while (mm_next_word(&words, &w)) {
		bool number = w.len && w.p[0] >= '0' && w.p[0] <= '9';

		if (!(number && have_mode) && !mm_flags_parse(MM_FLAG_MPOL, w, &v, NULL)) {
			all |= v;
			have_mode = true;
		} else if (more != MM_NR_FLAG_KINDS && !mm_flags_parse(more, w, &v, NULL)) {
			*flags |= v;
		} else {
			mm_machine_loss(m, "flag words that are not known");
		}
	}
	*mode = all > UINT32_MAX ? UINT32_MAX : (uint32_t)all;
}

/* What set_mempolicy() and mbind() are given. */
struct mpol_call {
	uint32_t mode;
	uint64_t flags;
	struct mm_nodemask nodes;
	int e;				/* the call fails with it */
};

/* 0, or -errno with @err: the row cannot be read. */
static int read_mpol_call(struct mm_machine *m, const struct mm_event *ev, enum mm_flag_kind more, struct mpol_call *c,
			  struct mm_error *err)
{
	mode_words(m, ev->flags, more, &c->mode, &c->flags);
	err->code = 0;
	c->e = get_nodes(ev, name_of(ev), &c->nodes, err);
	if (!mm_mpol_flags_are_sane(c->mode))
		c->e = -EINVAL;
	return err->code;
}

int mm_ev_set_mempolicy(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);
	struct mpol_call c;

	if (!mm)
		return -ENOMEM;
	if (read_mpol_call(m, ev, MM_NR_FLAG_KINDS, &c, err))
		return err->code;
	if (!c.e)
		c.e = mm_sys_set_mempolicy(&m->ctx, &task->numa, c.mode, &c.nodes);
	return mm_vma_call_end(m, task, ev, c.e, err);
}

int mm_ev_mbind(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);
	struct mpol_call c;

	if (!mm)
		return -ENOMEM;
	if (read_mpol_call(m, ev, MM_FLAG_MPOL_MF, &c, err))
		return err->code;
	if (!c.e)
		c.e = mm_sys_mbind(mm, ev->addr, ev->size, c.mode, &c.nodes, c.flags);
	return mm_vma_call_end(m, task, ev, c.e, err);
}

int mm_ev_set_mempolicy_home_node(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);
	uint64_t flags = 0;

	if (!mm)
		return -ENOMEM;
	if (ev->flags.len && mm_parse_u64(ev->flags, &flags))
		flags = 1;		/* none is known */
	return mm_vma_call_end(m, task, ev, mm_sys_set_mempolicy_home_node(mm, ev->addr, ev->size, ev->offset, flags), err);
}

/* The words that a call found become the row's result, or are compared with a recording's. */
static int found(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_recorded rec = mm_vma_recorded(ev);
	size_t len = strlen(m->result_text);

	if (!rec.there)
		mm_event_set_word(ev, m->result_text, len);
	else if (rec.word.len != len || memcmp(rec.word.p, m->result_text, len))
		return mm_vma_mismatch_words(m, task, ev, rec.word, (struct mm_str){ m->result_text, len }) ? mm_no_memory(err) : 0;
	return 0;
}

/* The node of the page at an address, which is read for it; -EFAULT. */
static int lookup_node(struct mm_machine *m, struct mm_struct *mm, uint64_t vaddr)
{
	uint64_t page = vaddr & ~(uint64_t)(MM_PAGE_SIZE - 1);
	const struct mm_zone *z;
	struct mm_walk_record rec;

	if (!m->fault || mm_faultin_page(m->fault, mm, page))
		return -EFAULT;
	mm_walk_explain(mm, page, &rec);
	if (rec.end == MM_WALK_PROTNONE)		/* a hint fault waits there: the page is there all the same */
		rec.pfn = mm_pte_pfn(rec.level[rec.nr_levels - 1].entry);
	z = rec.pfn != MM_PFN_NONE ? mm_page_zone(m->phys, rec.pfn) : NULL;
	return z ? (int)z->node : -EFAULT;
}

/* A number of a node, or -errno, as the row's result. */
static int node_result(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, int node, struct mm_error *err)
{
	struct mm_recorded rec = mm_vma_recorded(ev);

	if (mm_vma_result(m, task, ev, node < 0 ? node : 0, node < 0 ? 0 : (uint64_t)node, true) || mm_vma_report_end(m, task, ev))
		return mm_no_memory(err);
	if (!rec.there && node >= 0)
		mm_event_set_result(ev, MM_RESULT_DEC, (uint64_t)node);
	return 0;
}

int mm_ev_get_mempolicy(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);
	uint64_t flags = mm_vma_flags(m, MM_FLAG_MPOL_GET, ev->flags), known = MM_MPOL_F_NODE | MM_MPOL_F_ADDR | MM_MPOL_F_MEMS_ALLOWED;
	const struct mm_mempolicy *pol = task->numa.mempolicy;
	const struct mm_vma *vma;

	if (!mm)
		return -ENOMEM;
	if (flags & ~known || (flags & MM_MPOL_F_MEMS_ALLOWED && flags & (MM_MPOL_F_NODE | MM_MPOL_F_ADDR)))
		return mm_vma_call_end(m, task, ev, -EINVAL, err);
	if (flags & MM_MPOL_F_MEMS_ALLOWED) {
		memcpy(m->result_text, "nodes:", 6);
		mm_nodes_to_str(mm_mems_allowed(&m->ctx), m->result_text + 6, sizeof(m->result_text) - 6);
		return found(m, task, ev, err);
	}
	if (flags & MM_MPOL_F_ADDR) {
		vma = mm_vma_lookup(mm, ev->addr);
		if (!vma)
			return mm_vma_call_end(m, task, ev, -EFAULT, err);
		pol = mm_vma_policy_at(vma, ev->addr);
	} else if (ev->addr) {
		return mm_vma_call_end(m, task, ev, -EINVAL, err);
	}
	if (flags & MM_MPOL_F_NODE) {
		if (flags & MM_MPOL_F_ADDR)
			return node_result(m, task, ev, lookup_node(m, mm, ev->addr), err);
		if (!pol || pol->mode != MM_MPOL_INTERLEAVE)
			return mm_vma_call_end(m, task, ev, -EINVAL, err);
		return node_result(m, task, ev, (int)mm_interleave_next(&task->numa, pol), err);
	}
	mm_mpol_to_str(pol, true, m->result_text, sizeof(m->result_text));
	return found(m, task, ev, err);
}

/* The address space that a call is about: offset is its pid, 0 or none the task's own.  NULL: no such task. */
static struct mm_struct *target_mm(struct mm_machine *m, struct mm_task *task, uint64_t pid)
{
	const struct mm_task *t = pid && pid <= MM_PID_MAX ? mm_task_find(m, (uint32_t)pid) : task;

	return pid && (pid > MM_PID_MAX || !t) ? NULL : t->mm;
}

int mm_ev_migrate_pages(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_str name = name_of(ev), from = name, to = { NULL, 0 };
	const char *colon = name.len ? memchr(name.p, ':', name.len) : NULL;
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);
	struct mm_nodemask old, new;
	long moved = 0;
	int e;

	if (!mm)
		return -ENOMEM;
	if (colon) {
		from.len = (size_t)(colon - name.p);
		to = (struct mm_str){ colon + 1, name.len - from.len - 1 };
	}
	err->code = 0;
	e = get_nodes(ev, from, &old, err);
	if (!e)
		e = get_nodes(ev, to, &new, err);
	if (err->code)
		return err->code;
	mm = target_mm(m, task, ev->offset);
	if (!e && !mm)
		e = -ESRCH;
	new.w[0] &= mm_mems_allowed(&m->ctx);
	memset(&new.w[1], 0, sizeof(new.w) - sizeof(new.w[0]));
	if (!e && !new.w[0])
		e = -EINVAL;
	if (!e)
		moved = mm_do_migrate_pages(mm, &old, &new);
	return node_result(m, task, ev, e ? e : (int)moved, err);
}

int mm_ev_move_pages(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);
	uint64_t flags = mm_vma_flags(m, MM_FLAG_MPOL_MF, ev->flags), pid = ev->present & MM_TC_BIT(SIZE2) ? ev->size2 : 0;
	int64_t nid = ev->present & MM_TC_BIT(OFFSET) ? (int64_t)(ev->offset > INT32_MAX ? INT32_MAX : ev->offset) : -1;
	const struct mm_task *of;

	if (!mm)
		return -ENOMEM;
	if (flags & ~(uint64_t)(MM_MPOL_MF_MOVE | MM_MPOL_MF_MOVE_ALL))
		return mm_vma_call_end(m, task, ev, -EINVAL, err);
	mm = target_mm(m, task, pid);
	if (!mm)
		return mm_vma_call_end(m, task, ev, -ESRCH, err);
	of = pid ? mm_task_find(m, (uint32_t)pid) : task;
	if (nid >= 0 && nid < MM_MAX_NODES && of->numa.mems_allowed &&
	    m->ctx.numa.memory & ~of->numa.mems_allowed & mm_node_bit((uint64_t)nid))
		return mm_vma_call_end(m, task, ev, -EACCES, err);
	return node_result(m, task, ev, m->phys ? mm_move_page(mm, ev->addr, nid, flags) : -ENOENT, err);
}

int mm_ev_numa_scan(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);

	if (!mm)
		return -ENOMEM;
	if (!m->phys)
		return 0;
	if (!mm_numa_balancing(&m->ctx)) {
		mm_machine_loss(m, "numa_scan rows where NUMA balancing is off (-S kernel.numa_balancing=1)");
		return 0;
	}
	mm_event_set_result(ev, MM_RESULT_DEC, mm_task_numa_scan(mm, &task->numa, ev->present & MM_TC_BIT(SIZE) ? ev->size : 0));
	return 0;
}
