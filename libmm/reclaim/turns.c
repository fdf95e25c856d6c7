/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * reclaim/turns.c - whose turn on the CPU it is: the task that is replayed, kswapd, or another
 *
 *   task    |fault|..... read .....|fault|... read ...|fault fault fault|    |fault|          |
 *   kswapd        |folio|folio|fol.|     |f|folio|fol.|                   |folio|      |folio|
 *   other                                                               |..|         |..|
 *             wakes it              woken by the end of the read        wakes: the next one is chosen
 *
 * With one CPU they have it by turns, as the scheduler says (eevdf.h).  It is asked when one wakes or sleeps, when a tick finds
 * that a slice is over, and after other tasks ran (by default there are none): one that sleeps cost.other_sleep_ns and runs
 * cost.other_run_ns stands for them all, and the worker that gives a read to the disk has the CPU for a moment too.  Kswapd leaves
 * the CPU after any folio, the task when its access is done, or after a folio of its own reclaim.  With more CPUs kswapd runs beside
 * the task.  Time is simulated: each access, call, fault and read, and each page that reclaim looks at, writes or frees, takes what the
 * tunables cost.* say; where rows have times, it is at least the time between them.  What a call does beyond faults, reads and copies
 * takes none.
 *
 * The defaults were measured in an emulated guest of 6.6.87 with one CPU: the CPU clocks of the task, kswapd and the block layer's
 * worker over runs of ten access patterns, and its switches between them.
 *
 * Source: Linux 6.6 kernel/sched/core.c __schedule() with PREEMPT_VOLUNTARY; mm/vmscan.c cond_resched() in shrink_folio_list(),
 * throttle_direct_reclaim(); block/blk-mq.c blk_mq_submit_bio() with an I/O scheduler (run_hw_queue, async).
 * Left out: what the worker takes (it is part of cost.read_ns); turns of two kswapds (each has all the time there is).
 */
#include "base/minmax.h"
#include "reclaim/internal.h"

#define NEVER UINT64_MAX

static uint64_t cost(const struct mm_reclaim *r, enum mm_sysctl_id id) { return (uint64_t)mm_sysctl(r->ctx, id); }

static void elapse(struct mm_reclaim *r, uint64_t ns) { mm_swap_io_elapse(r->cache, ns); }

static bool is_allowed(struct mm_reclaim *r, uint32_t node)
{
	const struct mm_kswapd *k = &r->kswapd[node];

	return !k->woken || (k->at != MM_KSWAPD_SHRINKS && mm_allow_direct_reclaim(r, node));
}

/* The others have nothing to do, whatever the task does. */
static bool is_alone(const struct mm_reclaim *r)
{
	return !r->turns.rq.se[MM_RUNS_KSWAPD].on_rq && !r->turns.wants_bio[MM_RUNS_KSWAPD];
}

/* 0: there are none; no timer of the kernel wakes anybody sooner than every few microseconds */
static uint64_t other_sleep(const struct mm_reclaim *r)
{
	enum { LEAST_NS = 10000 };
	uint64_t sleep = cost(r, MM_SYSCTL_COST_OTHER_SLEEP);

	return sleep && sleep < LEAST_NS ? LEAST_NS : sleep;
}

static void begin_other(struct mm_reclaim *r)
{
	uint64_t sleep = other_sleep(r);

	r->turns.other_at = sleep ? r->turns.now + sleep : NEVER;
}

/* What is due; false: nothing. */
static bool wake_one(struct mm_turns *t)
{
	if (t->tick_at <= t->now) {
		mm_rq_update(&t->rq);
		t->tick_at += MM_SCHED_TICK_NS;
	} else if (t->other_at <= t->now) {
		mm_rq_enqueue(&t->rq, MM_RUNS_OTHER);
		t->other_at = NEVER;
	} else if (t->read_done_at <= t->now) {
		mm_rq_enqueue(&t->rq, MM_RUNS_TASK);
		t->read_done_at = NEVER;
	} else {
		return false;
	}
	return true;
}

/* Ticks before @until find nobody on the CPU. */
static void pass_idle_ticks(struct mm_turns *t, uint64_t until)
{
	if (t->rq.curr == MM_RUNS_NOBODY && until > t->tick_at)
		t->tick_at += (until - t->tick_at) / MM_SCHED_TICK_NS * MM_SCHED_TICK_NS;
}

/* The clock has gone on: who has the CPU is charged, and wakes whoever is to wake meanwhile. */
static void catch_up(struct mm_reclaim *r)
{
	struct mm_turns *t = &r->turns;
	uint64_t clock = mm_swap_io_clock(r->cache);

	do {
		uint64_t next = mm_min_u64(mm_min_u64(t->read_done_at, t->other_at), clock);

		pass_idle_ticks(t, next);
		next = mm_min_u64(t->tick_at, next);
		if (next > t->now) {
			mm_rq_charge(&t->rq, next - t->now);
			t->now = next;
		}
	} while (wake_one(t) || t->now < clock);
	for (enum mm_runs i = MM_RUNS_TASK; i <= MM_RUNS_KSWAPD; i++)
		if (t->wants_bio[i] && mm_swap_bio_is_back(r->cache)) {
			t->wants_bio[i] = false;
			mm_rq_enqueue(&t->rq, i);
		}
}

static void run_kswapd(struct mm_reclaim *r)
{
	struct mm_turns *t = &r->turns;

	if (mm_kswapd_is_woken(r)) {
		t->kswapd_by_turns = true;
		mm_kswapd_step(r);
		t->kswapd_by_turns = false;
		catch_up(r);
		if (t->throttled && is_allowed(r, t->throttled_by)) {
			t->throttled = false;
			mm_rq_enqueue(&t->rq, MM_RUNS_TASK);
		}
	}
	if (!mm_kswapd_is_woken(r) || t->wants_bio[MM_RUNS_KSWAPD]) {
		mm_rq_dequeue(&t->rq, MM_RUNS_KSWAPD);
		t->rq.need_resched = true;
	}
	if (t->rq.need_resched)
		mm_rq_schedule(&t->rq);
}

static void run_other(struct mm_reclaim *r)
{
	elapse(r, cost(r, MM_SYSCTL_COST_OTHER_RUN));
	catch_up(r);
	mm_rq_dequeue(&r->turns.rq, MM_RUNS_OTHER);
	begin_other(r);
	mm_rq_schedule(&r->turns.rq);
}

/* Much time until @until, in which the other alone wakes and sleeps: but for the last of it that is as if it had not been. */
static void pass_others_turns(struct mm_reclaim *r, uint64_t until)
{
	const uint64_t rest = 1000000000, turn = other_sleep(r) + cost(r, MM_SYSCTL_COST_OTHER_RUN);
	struct mm_turns *t = &r->turns;
	uint64_t whole;

	if (t->other_at == NEVER || t->wants_bio[MM_RUNS_TASK] || t->wants_bio[MM_RUNS_KSWAPD] || until - t->now <= rest)
		return;
	whole = (until - t->now - rest) / turn * turn;
	t->other_at += whole;
	elapse(r, whole);
	catch_up(r);
}

/* Nobody wants the CPU until the task's read or a write to swap is done, or the other wakes. */
static void idle(struct mm_reclaim *r)
{
	const struct mm_turns *t = &r->turns;
	uint64_t until;

	if (t->read_done_at != NEVER)
		pass_others_turns(r, t->read_done_at);
	until = mm_min_u64(t->other_at, t->read_done_at);
	if ((t->wants_bio[MM_RUNS_TASK] || t->wants_bio[MM_RUNS_KSWAPD]) && r->cache->swap_due_ns < until)
		until = r->cache->swap_due_ns;
	if (until == NEVER)	/* what they wait for is in the plug of one of them */
		mm_swap_io_finish(r->cache);
	else
		elapse(r, until > t->now ? until - t->now : 0);
	catch_up(r);
	mm_rq_schedule(&r->turns.rq);
}

/* The others have the CPU until the task is chosen. */
static void run_others(struct mm_reclaim *r)
{
	for (;;) {
		switch (r->turns.rq.curr) {
		case MM_RUNS_TASK:
			return;
		case MM_RUNS_KSWAPD:
			run_kswapd(r);
			break;
		case MM_RUNS_OTHER:
			run_other(r);
			break;
		default:
			idle(r);
		}
	}
}

/* The task may leave the CPU here. */
static void cond_resched(struct mm_reclaim *r)
{
	catch_up(r);
	if (!r->turns.rq.need_resched)
		return;
	mm_rq_schedule(&r->turns.rq);
	run_others(r);
}

/* It sleeps until somebody enqueues it. */
static void sleep_task(struct mm_reclaim *r)
{
	mm_rq_dequeue(&r->turns.rq, MM_RUNS_TASK);
	mm_rq_schedule(&r->turns.rq);
	run_others(r);
}

/* In the midst of the task's reclaim, that goes on now. */
static void took_turns(struct mm_reclaim *r, uint64_t start)
{
	r->clock_seen = mm_swap_io_clock(r->cache);
	r->resched_ns += r->clock_seen - start;
}

/* Without turns: time passes until the first write is done. */
static void wait_alone(struct mm_reclaim *r)
{
	if (r->cache->swap_due_ns == NEVER)
		mm_swap_io_finish(r->cache);
	else
		elapse(r, r->cache->swap_due_ns - mm_swap_io_clock(r->cache));
}

/* A read that takes @ns. */
static void wait_for_read(struct mm_reclaim *r, uint64_t ns)
{
	r->turns.read_done_at = r->turns.now + ns;
	sleep_task(r);
}

/* A fault's read.  The worker that gives it to the disk is at once the next one: it preempts a task that has not its slice, or is ahead. */
static void wait_for_fault(struct mm_reclaim *r)
{
	struct mm_turns *t = &r->turns;
	uint64_t read_ns = cost(r, MM_SYSCTL_COST_READ), done_at;
	bool sleeps;

	mm_rq_update(&t->rq);
	sleeps = t->rq.keeps && mm_rq_is_eligible(&t->rq, MM_RUNS_TASK);
	if (sleeps)
		mm_rq_dequeue(&t->rq, MM_RUNS_TASK);
	t->rq.curr = MM_RUNS_NOBODY;
	elapse(r, cost(r, MM_SYSCTL_COST_DISPATCH));
	catch_up(r);
	done_at = t->now + read_ns;
	if (sleeps)
		t->read_done_at = done_at;
	mm_rq_schedule(&t->rq);
	run_others(r);
	if (!sleeps && t->now < done_at)
		wait_for_read(r, done_at - t->now);
}

/* With more CPUs: kswapd has @ns on its own. */
static void run_beside(struct mm_reclaim *r, uint64_t ns)
{
	uint64_t start = mm_swap_io_clock(r->cache), used = mm_min_u64(r->turns.ahead_ns, ns);

	r->turns.ahead_ns -= used;
	while (used < ns && mm_kswapd_is_woken(r)) {
		uint64_t before = mm_swap_io_clock(r->cache);

		mm_kswapd_step(r);
		used += mm_swap_io_clock(r->cache) - before;
	}
	if (used > ns)
		r->turns.ahead_ns = used - ns;
	if (mm_swap_io_clock(r->cache) - start < ns)
		elapse(r, ns - (mm_swap_io_clock(r->cache) - start));
}

/* Nobody but the task: its slice begins anew with each wait. */
static void run_alone(struct mm_reclaim *r, uint64_t ran, uint64_t waited)
{
	struct mm_turns *t = &r->turns;
	struct mm_sched_entity *se = &t->rq.se[MM_RUNS_TASK];

	se->vruntime += (int64_t)ran;
	if (waited) {
		elapse(r, waited);
		se->deadline = se->vruntime + t->rq.slice;
	}
	t->now = mm_swap_io_clock(r->cache);
}

/* It was alone until now: where its slice, the tick and the other stand. */
static void was_alone(struct mm_reclaim *r)
{
	struct mm_turns *t = &r->turns;
	struct mm_sched_entity *se = &t->rq.se[MM_RUNS_TASK];
	uint64_t sleep = other_sleep(r);

	t->rq.slice = (int64_t)cost(r, MM_SYSCTL_COST_SCHED_SLICE);
	if (se->vruntime >= se->deadline)
		se->deadline = t->rq.slice ? se->vruntime + t->rq.slice - (se->vruntime - se->deadline) % t->rq.slice : se->vruntime;
	t->rq.keeps = true;
	t->tick_at = (t->now / MM_SCHED_TICK_NS + 1) * MM_SCHED_TICK_NS;
	if (!sleep)
		t->other_at = NEVER;
	else if (t->other_at <= t->now || t->other_at == NEVER)
		t->other_at = t->now + sleep - (t->other_at == NEVER ? 0 : (t->now - t->other_at) % sleep);
}

void mm_turns_wake_kswapd(struct mm_reclaim *r)
{
	struct mm_turns *t = &r->turns;

	if (r->ctx->nr_cpus > 1 || !is_alone(r))
		return;
	if (t->rq.curr == MM_RUNS_TASK && !t->rq.se[MM_RUNS_OTHER].on_rq)
		was_alone(r);
	mm_rq_enqueue(&t->rq, MM_RUNS_KSWAPD);
}

void mm_turns_wait_for_bio(struct mm_reclaim *r)
{
	struct mm_turns *t = &r->turns;
	uint64_t start = r->clock_seen;

	mm_swap_io_unplug(r->cache);
	if (r->cache->is_kswapd ? !t->kswapd_by_turns : is_alone(r) || r->ctx->nr_cpus > 1) {
		wait_alone(r);
	} else if (r->cache->is_kswapd) {
		t->wants_bio[MM_RUNS_KSWAPD] = true;
	} else {
		catch_up(r);
		t->wants_bio[MM_RUNS_TASK] = true;
		r->reclaiming = false;
		sleep_task(r);
		r->reclaiming = true;
		took_turns(r, start);
	}
}

void mm_turns_throttle(struct mm_reclaim *r, uint32_t node)
{
	if (r->ctx->nr_cpus > 1) {
		do
			mm_kswapd_step(r);
		while (!is_allowed(r, node));
		return;
	}
	catch_up(r);
	r->turns.throttled = true;
	r->turns.throttled_by = node;
	sleep_task(r);
}

/* What the task's own reclaim took since the clock was last looked at. */
static uint64_t reclaim_took(const struct mm_reclaim *r) { return mm_swap_io_clock(r->cache) - r->clock_seen; }

void mm_reclaim_cond_resched(struct mm_reclaim *r)
{
	uint64_t start = r->clock_seen;

	if (!r->kswapd_woken || r->cache->is_kswapd)
		return;
	r->reclaiming = false;
	if (r->ctx->nr_cpus > 1)
		run_beside(r, reclaim_took(r));
	else
		cond_resched(r);
	r->reclaiming = true;
	took_turns(r, start);
}

/* What the task read since the last time. */
struct reads {
	uint64_t majors;
	uint64_t cpu_ns, fault_ns, more_ns;	/* its own time; waits of major faults; of read(2), and for what is read ahead */
};

static bool has_read(const struct mm_reclaim *r)
{
	const struct mm_cache *c = r->cache;

	return r->ctx->stat.v[MM_PGPGIN] != r->pgpgin_seen || r->ctx->stat.v[MM_PGMAJFAULT] != r->majors_seen ||
	       (c->read_waits | c->ahead_wait_ns | c->copied);
}

static __attribute__((noinline)) struct reads reads_of(const struct mm_reclaim *r)
{
	uint64_t majors = (uint64_t)(r->ctx->stat.v[MM_PGMAJFAULT] - r->majors_seen), reads = r->cache->read_waits;
	uint64_t pages = (uint64_t)(r->ctx->stat.v[MM_PGPGIN] - r->pgpgin_seen) / (MM_PAGE_SIZE >> 10);

	return (struct reads){
		.majors = majors,
		.cpu_ns = (majors + reads) * cost(r, MM_SYSCTL_COST_IO) + pages * cost(r, MM_SYSCTL_COST_FILL) +
			  r->cache->copied * cost(r, MM_SYSCTL_COST_COPY),
		.fault_ns = majors * (cost(r, MM_SYSCTL_COST_DISPATCH) + cost(r, MM_SYSCTL_COST_READ)),
		.more_ns = reads * cost(r, MM_SYSCTL_COST_READ) + r->cache->ahead_wait_ns,
	};
}

static void reads_seen(struct mm_reclaim *r)
{
	r->majors_seen = r->ctx->stat.v[MM_PGMAJFAULT];
	r->pgpgin_seen = r->ctx->stat.v[MM_PGPGIN];
	r->cache->read_waits = r->cache->ahead_wait_ns = r->cache->copied = 0;
}

static void seen(struct mm_reclaim *r)
{
	r->faults_seen = r->ctx->stat.v[MM_PGFAULT];
	r->cache->hits = 0;
	r->clock_seen = mm_swap_io_clock(r->cache);
	r->resched_ns = 0;
	r->now_seen = r->ctx->now_ns;
}

/* What the row took beyond @past, where rows have times. */
static uint64_t beyond(const struct mm_reclaim *r, uint64_t past)
{
	uint64_t row = r->ctx->now_ns > r->now_seen ? r->ctx->now_ns - r->now_seen : 0;

	return row > past ? row - past : 0;
}

static void wait_by_turns(struct mm_reclaim *r, uint64_t majors, uint64_t fault_ns, uint64_t more)
{
	cond_resched(r);
	for (; majors && fault_ns; majors--)
		wait_for_fault(r);
	if (more)
		wait_for_read(r, more);
}

void mm_reclaim_elapse(struct mm_reclaim *r)
{
	uint64_t faults = (uint64_t)(r->ctx->stat.v[MM_PGFAULT] - r->faults_seen), ran = reclaim_took(r);
	uint64_t unseen = (r->cache->hits + 1) * cost(r, MM_SYSCTL_COST_ACCESS) + faults * cost(r, MM_SYSCTL_COST_FAULT);
	struct reads reads = { 0 };

	if (has_read(r)) {
		reads = reads_of(r);
		unseen += reads.cpu_ns;
		reads_seen(r);
	}
	ran += unseen;
	reads.more_ns += beyond(r, r->resched_ns + ran + reads.fault_ns + reads.more_ns);
	elapse(r, unseen);
	if (r->ctx->nr_cpus > 1) {
		run_beside(r, ran);
		run_beside(r, reads.fault_ns + reads.more_ns);
	} else if (is_alone(r)) {
		run_alone(r, ran, reads.fault_ns + reads.more_ns);
	} else {
		wait_by_turns(r, reads.majors, reads.fault_ns, reads.more_ns);
	}
	seen(r);
}

void mm_reclaim_elapse_hits(struct mm_reclaim *r)
{
	r->cache->hits--;		/* the last of them is the access that mm_reclaim_elapse() counts */
	mm_reclaim_elapse(r);
}

void mm_reclaim_settle(struct mm_reclaim *r)
{
	struct mm_turns *t = &r->turns;

	mm_kswapd_run(r);
	mm_swap_io_finish(r->cache);
	mm_memcg_stats_settle(r->cache);
	elapse(r, beyond(r, r->resched_ns + reclaim_took(r)));
	r->cache->ra_ahead.as = NULL;
	t->rq.se[MM_RUNS_KSWAPD].on_rq = t->rq.se[MM_RUNS_OTHER].on_rq = false;
	t->wants_bio[MM_RUNS_KSWAPD] = t->rq.need_resched = false;
	t->now = mm_swap_io_clock(r->cache);
	begin_other(r);
	t->ahead_ns = 0;
	reads_seen(r);
	seen(r);
}

void mm_turns_init(struct mm_reclaim *r)
{
	struct mm_turns *t = &r->turns;

	t->rq.curr = MM_RUNS_TASK;
	t->rq.se[MM_RUNS_TASK].on_rq = true;
	t->other_at = t->read_done_at = NEVER;
}
