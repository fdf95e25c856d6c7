/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scheduler of turns.c against the kernel's own formulas (weights of 1024, keys from min_vruntime, kernel/sched/fair.c), over random
 * wakes, sleeps and runs; then what follows from them, by hand.
 */
#include <check.h>
#include <stdlib.h>

#include "reclaim/eevdf.h"

enum { WEIGHT = 1024, SLICE = 750000, STEPS = 200000 };

static uint64_t seed = 7;

static uint64_t next_random(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return seed >> 33;
}

/* cfs_rq->avg_vruntime and avg_load with the one that runs */
static int64_t naive_sum(const struct mm_rq *rq, int64_t *total)
{
	int64_t sum = 0;

	*total = 0;
	for (int i = 0; i < MM_NR_RUNS; i++)
		if (rq->se[i].on_rq) {
			sum += (rq->se[i].vruntime - rq->min_vruntime) * WEIGHT;
			*total += WEIGHT;
		}
	return sum;
}

static bool naive_is_eligible(const struct mm_rq *rq, enum mm_runs who)
{
	int64_t total, sum = naive_sum(rq, &total);

	return sum >= (rq->se[who].vruntime - rq->min_vruntime) * total;
}

static bool naive_is_best(const struct mm_rq *rq, enum mm_runs who)
{
	if (who == MM_RUNS_NOBODY) {
		for (enum mm_runs i = 0; i < MM_NR_RUNS; i++)
			if (rq->se[i].on_rq)
				return false;
		return true;
	}
	for (enum mm_runs i = 0; i < MM_NR_RUNS; i++)
		if (rq->se[i].on_rq && naive_is_eligible(rq, i) && rq->se[i].deadline < rq->se[who].deadline)
			return false;
	return rq->se[who].on_rq && naive_is_eligible(rq, who);
}

/* Somebody else has the same deadline: who is first then is left to the tree. */
static bool is_tied(const struct mm_rq *rq, enum mm_runs who)
{
	for (enum mm_runs i = 0; i < MM_NR_RUNS; i++)
		if (i != who && rq->se[i].on_rq && rq->se[i].deadline == rq->se[who].deadline)
			return true;
	return false;
}

static int64_t difference(int64_t a, int64_t b) { return a > b ? a - b : b - a; }

/* place_entity() by its formula; division there rounds once more, a few nanoseconds. */
static void wake(struct mm_rq *rq, enum mm_runs who)
{
	struct mm_rq before;
	int64_t total, sum, avg, lag = 0;
	bool keeps;

	mm_rq_update(rq);		/* update_curr() comes first there too, and twice changes nothing */
	before = *rq;
	sum = naive_sum(&before, &total);
	avg = total ? before.min_vruntime + sum / total : before.min_vruntime;
	if (total)
		lag = before.se[who].vlag * (total + WEIGHT) / total;
	mm_rq_enqueue(rq, who);
	ck_assert(rq->se[who].on_rq);
	ck_assert_int_le(difference(rq->se[who].vruntime, avg - lag), 2);
	ck_assert_int_eq(rq->se[who].deadline, rq->se[who].vruntime + SLICE);
	if (before.curr == MM_RUNS_NOBODY) {
		ck_assert(rq->need_resched);
		return;
	}
	keeps = before.keeps && naive_is_eligible(rq, before.curr);
	if (is_tied(rq, who))
		return;
	ck_assert_int_eq(rq->need_resched, before.need_resched || (!keeps && naive_is_best(rq, who)));
}

static void sleep_now(struct mm_rq *rq, enum mm_runs who)
{
	int64_t total, sum, lag;

	mm_rq_update(rq);
	sum = naive_sum(rq, &total);
	lag = rq->min_vruntime + sum / total - rq->se[who].vruntime;
	lag = lag > MM_SCHED_TICK_NS ? MM_SCHED_TICK_NS : lag < -MM_SCHED_TICK_NS ? -MM_SCHED_TICK_NS : lag;
	mm_rq_dequeue(rq, who);
	ck_assert_int_le(difference(rq->se[who].vlag, lag), 1);
	mm_rq_schedule(rq);
}

START_TEST(random_turns)
{
	struct mm_rq rq = { .slice = SLICE, .curr = MM_RUNS_NOBODY };
	uint64_t chosen = 0;

	for (int step = 0; step < STEPS; step++) {
		enum mm_runs who = (enum mm_runs)(next_random() % MM_NR_RUNS);

		mm_rq_charge(&rq, next_random() % (next_random() % 8 ? 200000 : 5000000));
		if (!rq.se[who].on_rq)
			wake(&rq, who);
		else if (rq.curr == who && next_random() % 2)
			sleep_now(&rq, who);
		else
			mm_rq_update(&rq);
		if (!rq.need_resched)
			continue;
		mm_rq_schedule(&rq);
		ck_assert_msg(naive_is_best(&rq, rq.curr), "step %d: %d was chosen", step, (int)rq.curr);
		ck_assert(rq.keeps && !rq.need_resched);
		chosen++;
	}
	ck_assert_uint_gt(chosen, STEPS / 10);
}
END_TEST

static struct mm_rq two(void)
{
	struct mm_rq rq = { .slice = SLICE, .curr = MM_RUNS_NOBODY };

	mm_rq_enqueue(&rq, MM_RUNS_TASK);
	mm_rq_schedule(&rq);
	mm_rq_enqueue(&rq, MM_RUNS_KSWAPD);
	ck_assert(!rq.need_resched);		/* nobody is ahead, and the task has its slice */
	return rq;
}

/* Both want the CPU all the time and there are ticks only: they have it tick by tick. */
START_TEST(halves)
{
	struct mm_rq rq = two();

	for (int i = 0; i < 1000; i++) {
		ck_assert_int_eq(rq.curr, i % 2);
		mm_rq_charge(&rq, MM_SCHED_TICK_NS);
		mm_rq_update(&rq);
		ck_assert(rq.need_resched);
		mm_rq_schedule(&rq);
	}
	ck_assert_int_eq(rq.se[0].vruntime, rq.se[1].vruntime);
}
END_TEST

/* Who sleeps keeps what it had more or less than the other, as far as the lag's limit. */
START_TEST(lag_is_kept)
{
	static const int64_t ahead[] = { 0, 100000, 3000000, 8000000, 20000000 };

	for (size_t i = 0; i < sizeof(ahead) / sizeof(ahead[0]); i++) {
		struct mm_rq rq = two();
		int64_t limit = 2 * MM_SCHED_TICK_NS;

		mm_rq_charge(&rq, (uint64_t)ahead[i]);
		sleep_now(&rq, MM_RUNS_TASK);
		ck_assert_int_eq(rq.curr, MM_RUNS_KSWAPD);
		mm_rq_charge(&rq, 50000000);
		wake(&rq, MM_RUNS_TASK);
		ck_assert_int_le(difference(rq.se[MM_RUNS_TASK].vruntime - rq.se[MM_RUNS_KSWAPD].vruntime,
					    ahead[i] < limit ? ahead[i] : limit), 2);
	}
}
END_TEST

/* A third one wakes: who has its slice and is not ahead keeps the CPU; who is ahead does not, and then the other is next. */
START_TEST(others_wake)
{
	struct mm_rq rq = two();

	rq.se[MM_RUNS_KSWAPD].vruntime += 1000000;
	rq.se[MM_RUNS_KSWAPD].deadline += 1000000;
	mm_rq_charge(&rq, 100000);
	mm_rq_enqueue(&rq, MM_RUNS_OTHER);
	ck_assert(!rq.need_resched);

	rq = two();
	mm_rq_charge(&rq, 100000);
	mm_rq_enqueue(&rq, MM_RUNS_OTHER);
	ck_assert(!rq.need_resched);		/* kswapd has an earlier deadline than the one that woke */
	rq = two();
	rq.se[MM_RUNS_OTHER].vlag = 200000;
	mm_rq_charge(&rq, 100000);
	rq.se[MM_RUNS_KSWAPD].deadline += SLICE;
	mm_rq_enqueue(&rq, MM_RUNS_OTHER);
	ck_assert(rq.need_resched);
	mm_rq_schedule(&rq);
	ck_assert_int_eq(rq.curr, MM_RUNS_OTHER);
	mm_rq_charge(&rq, 10000);
	sleep_now(&rq, MM_RUNS_OTHER);
	ck_assert_int_eq(rq.curr, MM_RUNS_KSWAPD);	/* the task is ahead of it */
}
END_TEST

int main(void)
{
	Suite *s = suite_create("eevdf");
	TCase *t = tcase_create("eevdf");
	SRunner *r;
	int failed;

	tcase_add_test(t, random_turns);
	tcase_add_test(t, halves);
	tcase_add_test(t, lag_is_kept);
	tcase_add_test(t, others_wake);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
