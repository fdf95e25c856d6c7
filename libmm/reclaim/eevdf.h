/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * reclaim/eevdf.h - who has the one CPU: entities of equal weight, chosen as the kernel's fair scheduler does
 *
 * An entity's vruntime is the time on the CPU that it was charged, its lag how far that is behind the average of all that
 * want the CPU.  Of those that are not ahead (eligible) the one with the earliest deadline is next; a deadline is
 * a slice away when an entity wakes, and again each time it has passed.  Nobody is asked while the one
 * that runs has its slice, except when somebody wakes: who was chosen keeps the CPU as long as it is eligible and has not
 * come to its deadline.
 *
 * Source: Linux 6.6 kernel/sched/fair.c with the features PLACE_LAG and RUN_TO_PARITY, without groups of tasks.
 */
#ifndef RECLAIM_EEVDF_H
#define RECLAIM_EEVDF_H

#include <stdbool.h>
#include <stdint.h>

#include "phys/ctx.h"

enum mm_runs { MM_RUNS_TASK, MM_RUNS_KSWAPD, MM_RUNS_OTHER, MM_NR_RUNS, MM_RUNS_NOBODY = MM_NR_RUNS };

struct mm_rq {				/* struct cfs_rq; times in nanoseconds */
	struct mm_sched_entity {
		int64_t vruntime, deadline;
		int64_t vlag;		/* of one that sleeps */
		bool on_rq;		/* wants the CPU or has it */
	} se[MM_NR_RUNS];
	int64_t min_vruntime;		/* never less than it was */
	int64_t slice;			/* sysctl_sched_base_slice */
	enum mm_runs curr;
	bool keeps;			/* curr's deadline is the one that it was chosen with */
	bool need_resched;
};

enum { MM_SCHED_TICK_NS = MM_JIFFY_NS };

bool mm_rq_is_eligible(const struct mm_rq *rq, enum mm_runs who);
void mm_rq_charge(struct mm_rq *rq, uint64_t ns);	/* curr ran that long */
void mm_rq_update(struct mm_rq *rq);			/* update_curr(): has it come to its deadline? */
void mm_rq_enqueue(struct mm_rq *rq, enum mm_runs who);	/* it wakes; it may preempt (need_resched) */
void mm_rq_dequeue(struct mm_rq *rq, enum mm_runs who);	/* it sleeps */
void mm_rq_schedule(struct mm_rq *rq);			/* the next one; MM_RUNS_NOBODY: all sleep */

#endif /* RECLAIM_EEVDF_H */
