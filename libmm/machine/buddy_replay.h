/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* machine/buddy_replay.h - page frames of a recording and those of the machine */
#ifndef MACHINE_BUDDY_REPLAY_H
#define MACHINE_BUDDY_REPLAY_H

#include <libmm/buddyinfo.h>
#include <libmm/source.h>
#include "machine/machine.h"

struct mm_page_entry {
	uint64_t recorded;		/* PFN in the recording */
	mm_pfn_t pfn;			/* ours; MM_PFN_NONE: the slot is empty */
	uint8_t order;
};

struct mm_page_replay {
	bool recorded;			/* the free pages are those of kpageflags: recorded frames are ours */
	uint32_t pcp_orders;		/* bit by order: the recording's kernel has per-CPU lists for it */
	/* by CPU: its per-CPU lists of this zone were in use at its last event, NULL: of none */
	const struct mm_zone *pcp_locked[MM_MAX_CPUS];
	struct mm_page_entry *v;	/* live allocations by recorded PFN, open addressing */
	size_t nr, size;
};

/* made when first asked for; NULL: host memory */
struct mm_page_replay *mm_page_replay_get(struct mm_machine *m);
void mm_page_replay_free(struct mm_page_replay *r);
/* 0 or -ENOMEM */
int mm_page_replay_add(struct mm_page_replay *r, uint64_t recorded, mm_pfn_t pfn, unsigned int order);
struct mm_page_entry *mm_page_replay_find(const struct mm_page_replay *r, uint64_t recorded);
void mm_page_replay_del(struct mm_page_replay *r, struct mm_page_entry *e);

/* @size bytes as an order; -EINVAL with @err when they are none. */
int mm_page_order_of_size(const struct mm_event *ev, uint64_t size, unsigned int *order, struct mm_error *err);
/* buddy_follow.c: the free lists do what the recording says */
void mm_follow_page_alloc(struct mm_machine *m, const struct mm_event *ev, unsigned int order);
void mm_follow_page_free(struct mm_machine *m, const struct mm_event *ev, unsigned int order);

#endif /* MACHINE_BUDDY_REPLAY_H */
