/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * reclaim/eevdf.c - the fair scheduler for the few that turns.c knows
 */
#include "reclaim/eevdf.h"

/* Those on the queue: how many, and the sum of their vruntimes. */
static int load(const struct mm_rq *rq, int64_t *sum)
{
	int n = 0;

	*sum = 0;
	for (int i = 0; i < MM_NR_RUNS; i++)
		if (rq->se[i].on_rq) {
			*sum += rq->se[i].vruntime;
			n++;
		}
	return n;
}

static int64_t avg_vruntime(const struct mm_rq *rq)
{
	int64_t sum;
	int n = load(rq, &sum);

	return n ? sum / n : rq->min_vruntime;
}

bool mm_rq_is_eligible(const struct mm_rq *rq, enum mm_runs who)
{
	int64_t sum;
	int n = load(rq, &sum);

	return sum >= rq->se[who].vruntime * n;
}

static enum mm_runs pick(const struct mm_rq *rq)
{
	enum mm_runs best = MM_RUNS_NOBODY;

	for (enum mm_runs i = 0; i < MM_NR_RUNS; i++)
		if (rq->se[i].on_rq && mm_rq_is_eligible(rq, i) && (best == MM_RUNS_NOBODY || rq->se[i].deadline < rq->se[best].deadline))
			best = i;
	return best;
}

static void update_min_vruntime(struct mm_rq *rq)
{
	int64_t least = INT64_MAX;

	for (int i = 0; i < MM_NR_RUNS; i++)
		if (rq->se[i].on_rq && rq->se[i].vruntime < least)
			least = rq->se[i].vruntime;
	if (least != INT64_MAX && least > rq->min_vruntime)
		rq->min_vruntime = least;
}

void mm_rq_charge(struct mm_rq *rq, uint64_t ns)
{
	if (rq->curr != MM_RUNS_NOBODY)
		rq->se[rq->curr].vruntime += (int64_t)ns;
}

void mm_rq_update(struct mm_rq *rq)
{
	struct mm_sched_entity *se;
	int64_t sum;

	if (rq->curr == MM_RUNS_NOBODY)
		return;
	se = &rq->se[rq->curr];
	if (se->vruntime >= se->deadline) {
		se->deadline = se->vruntime + rq->slice;
		rq->keeps = false;
		if (load(rq, &sum) > 1)
			rq->need_resched = true;
	}
	update_min_vruntime(rq);
}

/* place_entity(): the lag is made larger by what joining the average takes of it. */
static void place(struct mm_rq *rq, struct mm_sched_entity *se)
{
	int64_t sum, lag = 0;
	int n = load(rq, &sum);

	if (n)
		lag = se->vlag * (n + 1) / n;
	se->vruntime = avg_vruntime(rq) - lag;
	se->deadline = se->vruntime + rq->slice;
}

void mm_rq_enqueue(struct mm_rq *rq, enum mm_runs who)
{
	mm_rq_update(rq);
	place(rq, &rq->se[who]);
	rq->se[who].on_rq = true;
	if (rq->curr == MM_RUNS_NOBODY) {
		rq->need_resched = true;
		return;
	}
	if (rq->need_resched || (rq->keeps && mm_rq_is_eligible(rq, rq->curr)))
		return;
	rq->need_resched = pick(rq) == who;
}

void mm_rq_dequeue(struct mm_rq *rq, enum mm_runs who)
{
	int64_t limit = 2 * rq->slice > MM_SCHED_TICK_NS ? 2 * rq->slice : MM_SCHED_TICK_NS, lag;

	mm_rq_update(rq);
	lag = avg_vruntime(rq) - rq->se[who].vruntime;
	rq->se[who].vlag = lag > limit ? limit : lag < -limit ? -limit : lag;
	rq->se[who].on_rq = false;
	update_min_vruntime(rq);
}

void mm_rq_schedule(struct mm_rq *rq)
{
	if (rq->curr != MM_RUNS_NOBODY && rq->se[rq->curr].on_rq)
		mm_rq_update(rq);
	rq->curr = pick(rq);
	rq->keeps = true;
	rq->need_resched = false;
}
