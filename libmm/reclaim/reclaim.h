/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * reclaim/reclaim.h - page reclaim and the OOM killer of one machine
 *
 * mm_reclaim_new() installs itself as the hooks of phys/ (allocation slow path)
 * and cache/ (memcg limits): the one place where lower floors reach up.
 */
#ifndef RECLAIM_RECLAIM_H
#define RECLAIM_RECLAIM_H

#include <libmm/oom.h>

#include "cache/memcg.h"
#include "virt/mm.h"

struct mm_reclaim;

/* A task as the OOM killer sees it. */
struct mm_oom_task {
	uint32_t pid, tgid, uid;
	const char *comm;
	struct mm_struct *mm;		/* NULL: a kernel thread, or already gone */
	struct mm_memcg *memcg;
	uint64_t joined;		/* the later it joined its memcg, the larger */
	int32_t oom_score_adj;		/* -1000 .. 1000 */
	bool is_current;		/* the row that is replayed is its, or a thread's of it */
	bool in_vfork;			/* it borrows its parent's mm until it runs a program */
	uint64_t cookie;		/* the machine's own */
};

/* Memory that ran out: what dump_header() is told. */
struct mm_oom_ops;
struct mm_oom_case {
	const struct mm_oom_ops *ops;
	mm_gfp_t gfp;
	unsigned int order;
	enum mm_oom_constraint constraint;
	mm_nodes_t nodes;		/* with MM_OOM_MEMORY_POLICY: the only ones that the request may use; else 0 */
	mm_nodes_t mems;		/* without: those of the cpuset of who asks */
	struct mm_memcg *memcg;		/* NULL: the machine's */
	int32_t kswapd_node;		/* kswapd of this node asks (MGLRU's min_ttl), -1: the task that runs */
	const struct mm_oom_task *victim;	/* NULL: nobody was chosen */
};

/* What the machine tells reclaim about tasks; NULL members: no tasks, nobody can be killed, nothing is reported. */
struct mm_oom_ops {
	void *arg;
	/*
	 * The next living process in order of creation, each once: its leader, or another thread when that is gone.
	 * @pos begins with 0 and is the machine's; false: no more.
	 */
	bool (*task)(void *arg, size_t *pos, struct mm_oom_task *t);
	/* Nodes that some thread of the process may use by its own policy, MM_NODES_ALL: one is not bound; NULL: nobody is. */
	mm_nodes_t (*bound_nodes)(void *arg, const struct mm_oom_task *t);
	mm_nodes_t (*mems_allowed)(void *arg, const struct mm_oom_task *t);	/* the same of its cpuset; NULL: all */
	/*
	 * SIGKILL for every task that shares the victim's mm (but init), its memory given back at
	 * once (the OOM reaper) unless it is the running one: that dies after its event.
	 */
	void (*kill)(void *arg, const struct mm_oom_task *t);
	/* vm.panic_on_oom, or nobody may be killed: the machine stops. */
	void (*panic)(void *arg);
	/* The kernel's log. */
	void (*dump_header)(void *arg, const struct mm_oom_case *oc);
	void (*printk)(void *arg, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
};

int mm_reclaim_new(struct mm_reclaim **rp, struct mm_ctx *ctx, struct mm_phys *phys, struct mm_cache *cache, struct mm_virt *virt);
void mm_reclaim_free(struct mm_reclaim *r);
void mm_reclaim_set_oom_ops(struct mm_reclaim *r, const struct mm_oom_ops *ops);
/*
 * May the death of @t help: is it in the memcg that ran out, or not bound to other nodes than the request?
 * Source: mm/oom_kill.c oom_cpuset_eligible().
 */
bool mm_oom_is_eligible(const struct mm_oom_case *oc, const struct mm_oom_task *t);

/**
 * mm_reclaim_elapse() - the time that an access or call took passes, with what kswapd does in it
 *
 * It counts for what happened since the last call, hits (struct mm_cache) too.  kswapd may then stand in the middle
 * of its work.
 */
void mm_reclaim_elapse(struct mm_reclaim *r);
/* Only that of the hits, of which there are some: what they let the disk end is over before the next access faults. */
void mm_reclaim_elapse_hits(struct mm_reclaim *r);
/* Much time passes: kswapd works until it sleeps, writes to swap are done, memcgs' counters are gathered. */
void mm_reclaim_settle(struct mm_reclaim *r);
void mm_kswapd_run(struct mm_reclaim *r);	/* every node's kswapd that was woken runs until it sleeps */
bool mm_kswapd_is_woken(const struct mm_reclaim *r);	/* it has something to do; @r NULL: false */

/*
 * reclaim_pages(): reclaim the folios of @list, isolated, from its tail; what stays is left in it. @r is a
 * struct mm_reclaim: the shape is that of struct mm_fault's hook for MADV_PAGEOUT.
 */
void mm_reclaim_pages(void *r, struct mm_page_list *list);

/* Everything that shrinkers can give back: drop_caches with bit 1. */
void mm_drop_slab(struct mm_reclaim *r);

/* memory.reclaim: pages reclaimed. */
uint64_t mm_memory_reclaim(struct mm_reclaim *r, struct mm_memcg *m, uint64_t nr_pages);

bool mm_reclaim_is_consistent(const struct mm_reclaim *r);

#endif /* RECLAIM_RECLAIM_H */
