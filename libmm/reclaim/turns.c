/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * reclaim/turns.c - whose turn on the CPU it is: the task that is replayed, or kswapd
 *
 *   task    |fault|..... read .....|fault|... read ...|fault fault fault fault fault|        |fault
 *   kswapd        |batch|batch|batc|     |h|batch|batc|                             |h|batch|
 *             wakes it                                      a slice is over, kswapd is behind
 *
 * kswapd works in batches (kswapd.c, one step each).  With one CPU it has the CPU while the task waits for a read,
 * and by turns otherwise: both weigh the same, and the one that had less goes on when the other's slice is over, or at once when
 * it wakes.  A batch is not cut, what it takes beyond the turn is charged to the next ones.  With more CPUs
 * kswapd runs beside the task.  Time is simulated: each access, fault and read, and each page that reclaim looks at, writes or
 * frees, takes what the tunables cost.* say; where rows have times, it is at least the time between them.
 *
 * Source: Linux 6.6 kernel/sched/fair.c for two tasks of one weight: entity_eligible(), place_entity(), update_deadline().
 * Left out: all other tasks; turns of two kswapds (each has all the time there is).
 */
#include "reclaim/internal.h"

enum { LAG_LIMIT_NS = 4000000 };	/* entity_lag(): a tick */

static uint64_t cost(const struct mm_reclaim *r, enum mm_sysctl_id id) { return (uint64_t)mm_sysctl(r->ctx, id); }

static void elapse(struct mm_reclaim *r, uint64_t ns) { mm_swap_io_elapse(r->cache, ns); }

/* kswapd has the CPU for @ns, or until it sleeps: the time it took. */
static uint64_t run_kswapd(struct mm_reclaim *r, uint64_t ns)
{
	uint64_t used = r->ahead_ns < ns ? r->ahead_ns : ns;

	r->ahead_ns -= used;
	while (used < ns && mm_kswapd_is_woken(r)) {
		uint64_t start = mm_swap_io_clock(r->cache), took;

		mm_kswapd_step(r);
		took = mm_swap_io_clock(r->cache) - start;
		if (took > ns - used)
			r->ahead_ns = took - (ns - used);
		used += took - r->ahead_ns;
	}
	return used;
}

/* The task waits: kswapd has the CPU, and when it is behind it keeps it a while after the read is done. */
static void wait(struct mm_reclaim *r, uint64_t ns)
{
	uint64_t used = run_kswapd(r, ns);

	r->ran_ns = 0;
	if (used < ns) {
		elapse(r, ns - used);
		return;
	}
	if (r->lag_ns < 0 && r->ctx->nr_cpus == 1)
		r->lag_ns += (int64_t)run_kswapd(r, (uint64_t)-r->lag_ns);
}

/* The task ran for @ns; is its slice over, and kswapd behind? */
static void run_task(struct mm_reclaim *r, uint64_t ns)
{
	uint64_t slice = cost(r, MM_SYSCTL_COST_SCHED_SLICE);

	if (!mm_kswapd_is_woken(r)) {
		r->ran_ns = 0;
		return;
	}
	if (r->ctx->nr_cpus > 1) {
		run_kswapd(r, ns);
		return;
	}
	r->ran_ns += ns;
	r->lag_ns -= (int64_t)(ns < LAG_LIMIT_NS ? ns : LAG_LIMIT_NS);
	if (r->lag_ns < -LAG_LIMIT_NS)
		r->lag_ns = -LAG_LIMIT_NS;
	if (r->ran_ns < slice || r->lag_ns >= 0)
		return;
	r->lag_ns += (int64_t)run_kswapd(r, slice);
	r->ran_ns = 0;
}

/* What the task's own reclaim took since the clock was last looked at. */
static uint64_t reclaim_took(const struct mm_reclaim *r) { return mm_swap_io_clock(r->cache) - r->clock_seen; }

void mm_reclaim_cond_resched(struct mm_reclaim *r)
{
	uint64_t start = r->clock_seen;

	if (!r->kswapd_woken || r->cache->is_kswapd)
		return;
	r->reclaiming = false;
	run_task(r, reclaim_took(r));
	r->reclaiming = true;
	r->clock_seen = mm_swap_io_clock(r->cache);
	r->resched_ns += r->clock_seen - start;
}

static void seen(struct mm_reclaim *r)
{
	r->faults_seen = r->ctx->stat.v[MM_PGFAULT];
	r->majors_seen = r->ctx->stat.v[MM_PGMAJFAULT];
	r->cache->read_waits = r->cache->ahead_wait_ns = r->cache->copied = r->cache->hits = 0;
	r->clock_seen = mm_swap_io_clock(r->cache);
	r->resched_ns = 0;
	r->now_seen = r->ctx->now_ns;
}

void mm_reclaim_elapse(struct mm_reclaim *r)
{
	uint64_t faults = (uint64_t)(r->ctx->stat.v[MM_PGFAULT] - r->faults_seen);
	uint64_t reads = (uint64_t)(r->ctx->stat.v[MM_PGMAJFAULT] - r->majors_seen) + r->cache->read_waits;
	uint64_t unseen = (r->cache->hits + 1) * cost(r, MM_SYSCTL_COST_ACCESS) + faults * cost(r, MM_SYSCTL_COST_FAULT) +
			  r->cache->copied * cost(r, MM_SYSCTL_COST_COPY);
	uint64_t ran = reclaim_took(r) + unseen, past = r->resched_ns + ran;
	uint64_t waited = reads * cost(r, MM_SYSCTL_COST_READ) + r->cache->ahead_wait_ns, row = r->ctx->now_ns - r->now_seen;

	if (r->ctx->now_ns > r->now_seen && row > past && row - past > waited)
		waited = row - past;
	elapse(r, unseen);
	run_task(r, ran);
	if (waited)
		wait(r, waited);
	seen(r);
}

void mm_reclaim_settle(struct mm_reclaim *r)
{
	mm_kswapd_run(r);
	mm_swap_io_finish(r->cache);
	r->cache->ra_ahead.as = NULL;
	r->ahead_ns = r->ran_ns = 0;
	seen(r);
}
