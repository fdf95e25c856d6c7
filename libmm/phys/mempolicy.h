/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * phys/mempolicy.h - memory policies: which nodes a page may come from, and pages by policy
 *
 * A policy is a value: equal ones are one object (mpol_equal() is ==), which lives as long as the machine.
 * NULL is the default policy: near the CPU that runs.
 *
 * Model: Linux 6.6 mm/mempolicy.c, include/uapi/linux/mempolicy.h.
 */
#ifndef PHYS_MEMPOLICY_H
#define PHYS_MEMPOLICY_H

#include "phys/phys.h"

struct mm_numa_faults;

enum {
	MM_MPOL_DEFAULT, MM_MPOL_PREFERRED, MM_MPOL_BIND, MM_MPOL_INTERLEAVE, MM_MPOL_LOCAL, MM_MPOL_PREFERRED_MANY,
	MM_MPOL_MAX,
};
enum {
	MM_MPOL_F_MOF = 1 << 3, MM_MPOL_F_MORON = 1 << 4,	/* move pages on hint faults; to the CPU that faults */
	MM_MPOL_F_NUMA_BALANCING = 1 << 13, MM_MPOL_F_RELATIVE_NODES = 1 << 14, MM_MPOL_F_STATIC_NODES = 1 << 15,
	MM_MPOL_USER_NODEMASK_FLAGS = MM_MPOL_F_RELATIVE_NODES | MM_MPOL_F_STATIC_NODES,
	MM_MPOL_MODE_FLAGS = MM_MPOL_USER_NODEMASK_FLAGS | MM_MPOL_F_NUMA_BALANCING,
};
/* get_mempolicy(), mbind() */
enum { MM_MPOL_F_NODE = 1, MM_MPOL_F_ADDR = 2, MM_MPOL_F_MEMS_ALLOWED = 4 };
enum { MM_MPOL_MF_STRICT = 1, MM_MPOL_MF_MOVE = 2, MM_MPOL_MF_MOVE_ALL = 4, MM_MPOL_MF_VALID = 7 };

/* Nodes as a program names them: more than a machine has here (CONFIG_NODES_SHIFT=10, as distributions build it). */
enum { MM_MAX_NUMNODES = 1024 };
struct mm_nodemask {
	uint64_t w[MM_MAX_NUMNODES / 64];
};

struct mm_mempolicy {
	uint16_t mode, flags;
	int32_t home_node;		/* -1 none */
	mm_nodes_t nodes;		/* that the machine has memory in */
	mm_nodes_t mems;		/* w.cpuset_mems_allowed: those that the task was allowed, without MM_MPOL_USER_NODEMASK_FLAGS */
	struct mm_nodemask user_nodemask;	/* as it was asked for; with MM_MPOL_USER_NODEMASK_FLAGS only, else 0 */
	struct mm_mempolicy *next;	/* in the table */
};

/* What one task has of it (struct task_struct). */
struct mm_task_numa {
	const struct mm_mempolicy *mempolicy;	/* NULL: the default */
	mm_nodes_t mems_allowed;	/* of its cpuset; 0: all */
	uint32_t il_prev;		/* node of the page before, by interleaving */
	/* NUMA balancing (virt/numab.h) */
	uint32_t pid;
	bool started;			/* the clocks below run */
	uint64_t start_ns, node_stamp_ns;	/* by ctx->now_ns, and since then */
	uint64_t migrate_retry_ms;
	uint32_t scan_seq;		/* of the address space, when faults were last counted up */
	uint32_t scan_period_ms, scan_period_max_ms;
	int32_t preferred_nid;		/* + 1; 0 none */
	struct mm_numa_faults *faults;	/* NULL: none yet */
};

static inline mm_nodes_t mm_node_bit(uint64_t nid) { return (mm_nodes_t)1 << nid; }
static inline uint32_t mm_first_node(mm_nodes_t nodes) { return (uint32_t)__builtin_ctzll(nodes); }
static inline bool mm_node_isset(const struct mm_nodemask *m, uint32_t n) { return m->w[n / 64] >> n % 64 & 1; }
static inline void mm_node_set(struct mm_nodemask *m, uint64_t n) { m->w[n / 64] |= mm_node_bit(n % 64); }
static inline void mm_node_clear(struct mm_nodemask *m, uint64_t n) { m->w[n / 64] &= ~mm_node_bit(n % 64); }
static inline bool mm_nodemask_is_empty(const struct mm_nodemask *m)
{
	for (int i = 0; i < MM_MAX_NUMNODES / 64; i++)
		if (m->w[i])
			return false;
	return true;
}

/**
 * mm_mpol_new() - the policy that a call asks for
 * @mode:	MM_MPOL_*, with MM_MPOL_MODE_FLAGS
 * @nodes:	as the program gave them
 * @polp:	receives it; NULL is the default policy
 *
 * Return: 0, -EINVAL as the kernel has it, -ENOMEM.
 * Source: mm/mempolicy.c sanitize_mpol_flags(), mpol_new(), mpol_set_nodemask().
 */
int mm_mpol_new(struct mm_ctx *ctx, uint32_t mode, const struct mm_nodemask *nodes, const struct mm_mempolicy **polp);
/* Mode and flags make sense together, before anything else is looked at (sanitize_mpol_flags()). */
bool mm_mpol_flags_are_sane(uint32_t mode);
/* The same with another home node.  NULL: no host memory. */
const struct mm_mempolicy *mm_mpol_with_home_node(struct mm_ctx *ctx, const struct mm_mempolicy *pol, int32_t home_node);
/*
 * The policy as it is when its cpuset has @mems now. NULL: no host memory. Deviation: where @mems were inherited from above, the kernel
 * has no nodes left for MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES. Source: mm/mempolicy.c mpol_rebind_policy().
 */
const struct mm_mempolicy *mm_mpol_rebind(struct mm_ctx *ctx, const struct mm_mempolicy *pol, mm_nodes_t mems);
void mm_mpol_free_all(struct mm_ctx *ctx);

/* set_mempolicy() of a task: 0 or -errno. */
int mm_sys_set_mempolicy(struct mm_ctx *ctx, struct mm_task_numa *task, uint32_t mode, const struct mm_nodemask *nodes);
/* From here on the running task's policy counts; NULL: a kernel thread's, which is the default. */
static inline void mm_mpol_run_task(struct mm_ctx *ctx, struct mm_task_numa *task)
{
	ctx->task_numa = task;
	ctx->mempolicy = task ? task->mempolicy : NULL;
	ctx->mems_allowed = task ? task->mems_allowed : 0;
}
/* Nodes that the running task may have memory of, by its cpuset (cpuset_current_mems_allowed). */
static inline mm_nodes_t mm_mems_allowed(const struct mm_ctx *ctx) { return ctx->mems_allowed ? ctx->mems_allowed : ctx->numa.memory; }

/* The n-th node of an interleaving policy (offset_il_node()). */
uint32_t mm_offset_il_node(const struct mm_mempolicy *pol, uint64_t n);
/* The node that interleaving by the task's counter takes next (next_node_in()). */
uint32_t mm_interleave_next(const struct mm_task_numa *task, const struct mm_mempolicy *pol);

#define MM_MPOL_BY_TASK UINT64_MAX
/* Which policy decides about a page, and its place among the interleaved ones, MM_MPOL_BY_TASK: by the task's counter. */
struct mm_mpol_place {
	const struct mm_mempolicy *pol;
	uint64_t off;
};

/**
 * mm_alloc_pages_placed() - a block by policy
 * @place:	.pol NULL: the default policy
 * @hugepage:	a huge page, which is not worth having from afar (see below)
 *
 * Source: mm/mempolicy.c vma_alloc_folio(), alloc_pages(), alloc_pages_preferred_many().
 */
mm_pfn_t mm_alloc_pages_placed(struct mm_phys *phys, mm_gfp_t gfp, unsigned int order, struct mm_mpol_place place, bool hugepage);
/* alloc_pages() of a task with a policy: what mm_alloc_pages() does then. */
mm_pfn_t mm_alloc_pages_task_policy(struct mm_phys *phys, mm_gfp_t gfp, unsigned int order);
/* Nodes that a request under @pol is confined to, MM_NODES_ALL: none (policy_nodemask()). */
mm_nodes_t mm_policy_nodemask(const struct mm_mempolicy *pol);
/* Where it begins: @nid, or what the policy prefers (policy_node()). */
uint32_t mm_policy_node(const struct mm_mempolicy *pol, uint32_t nid);
/* Node that slab takes an object of, when it looks around for one (mempolicy_slab_node()). */
uint32_t mm_mempolicy_slab_node(struct mm_phys *phys);

enum { MM_NODES_TEXT = 256, MM_MPOL_TEXT = 320 };	/* room for any of these texts */
/* "0-1,3" at @buf[@room]: bytes. */
size_t mm_nodes_to_str(mm_nodes_t nodes, char *buf, size_t room);
/*
 * "bind=static:0-1" as numa_maps has it (mpol_to_str()), at @buf[@room]: bytes.  NULL: "default".  @asked: the nodes that
 * the program named, where the policy keeps them, as far as a machine has room for nodes (get_mempolicy()).
 */
size_t mm_mpol_to_str(const struct mm_mempolicy *pol, bool asked, char *buf, size_t room);

#endif /* PHYS_MEMPOLICY_H */
