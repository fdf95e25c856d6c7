/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * reclaim/reclaim.h - page reclaim and the OOM killer of one machine
 *
 * mm_reclaim_new() installs itself as the hooks of phys/ (allocation slow path)
 * and cache/ (memcg limits): the one place where lower floors reach up.
 */
#ifndef RECLAIM_RECLAIM_H
#define RECLAIM_RECLAIM_H

#include "cache/memcg.h"
#include "virt/mm.h"

struct mm_reclaim;

/* A task as the OOM killer sees it. */
struct mm_oom_task {
	uint32_t pid, tgid, uid;
	const char *comm;
	struct mm_struct *mm;		/* NULL: a kernel thread, or already gone */
	struct mm_memcg *memcg;
	int32_t oom_score_adj;		/* -1000 .. 1000 */
	uint64_t cookie;		/* the machine's own */
};

/* What the machine tells reclaim about tasks; NULL members: no tasks, nobody can be killed. */
struct mm_oom_ops {
	void *arg;
	/* The living task number @i in order of creation (thread-group leaders only); false: no more. */
	bool (*task)(void *arg, size_t i, struct mm_oom_task *t);
	/*
	 * SIGKILL for every task that shares the victim's mm, its memory given back at
	 * once (the OOM reaper) unless it is the running one: that dies after its event.
	 */
	void (*kill)(void *arg, const struct mm_oom_task *t);
};

int mm_reclaim_new(struct mm_reclaim **rp, struct mm_ctx *ctx, struct mm_phys *phys, struct mm_cache *cache, struct mm_virt *virt);
void mm_reclaim_free(struct mm_reclaim *r);
void mm_reclaim_set_oom_ops(struct mm_reclaim *r, const struct mm_oom_ops *ops);

/**
 * mm_kswapd_run() - let every node's kswapd that was woken run until it sleeps
 *
 * The machine calls it after each event: that is when the simulated kswapd gets the CPU.
 */
void mm_kswapd_run(struct mm_reclaim *r);
bool mm_kswapd_is_woken(const struct mm_reclaim *r);	/* it has something to do; @r NULL: false */

/*
 * reclaim_pages(): reclaim the folios of @list, isolated, from its tail; what stays is left in it. @r is a
 * struct mm_reclaim: the shape is that of struct mm_fault's hook for MADV_PAGEOUT.
 */
void mm_reclaim_pages(void *r, struct mm_page_list *list);

/* memory.reclaim: pages reclaimed. */
uint64_t mm_memory_reclaim(struct mm_reclaim *r, struct mm_memcg *m, uint64_t nr_pages);

bool mm_reclaim_is_consistent(const struct mm_reclaim *r);

#endif /* RECLAIM_RECLAIM_H */
