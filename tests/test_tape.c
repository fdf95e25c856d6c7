/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tape: what two players hear is what was recorded, whatever the rows; and sweeps do not depend on how much of the trace has room. */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libmm/sweep.h>

#include "base/rng.h"
#include "machine/tape.h"

enum { ROWS = 60000, MAX = 100 };

static const char text[] = "a text of some length that rows quote a part of";

/* Mostly accesses near the one before, now and then a row with anything in it. */
static struct mm_event random_row(struct mm_rng *rng, uint64_t *line)
{
	static const uint64_t sizes[] = { 1, 4, 8, UINT64_MAX };
	struct mm_event ev = { .type = (uint16_t)(MM_EV_LOAD + mm_rng_below(rng, 2)), .present = MM_TC_BIT(EVENT) | MM_TC_BIT(ADDR) };
	uint64_t dice = mm_rng_below(rng, 100);

	*line += dice % 7 ? 1 : mm_rng_below(rng, 1000);
	ev.addr = dice < 90 ? 0x10000000 + mm_rng_below(rng, 1 << 20) : mm_rng_u64(rng);
	ev.pid = (uint32_t)(dice < 80 ? 7 : mm_rng_u64(rng));
	ev.cpu = (uint32_t)(dice < 95 ? 0 : mm_rng_u64(rng));
	ev.size = sizes[mm_rng_below(rng, 4)];
	if (dice % 3) {
		ev.present |= MM_TC_BIT(TIME_S) | MM_TC_BIT(SIZE) | MM_TC_BIT(PID);
		ev.time_ns = dice < 97 ? *line * 1000 : mm_rng_u64(rng);
	}
	if (dice == 98) {
		ev.type = (uint16_t)mm_rng_below(rng, MM_NR_EVENTS);
		ev.name = (struct mm_str){ text, mm_rng_below(rng, sizeof(text)) };
		ev.flags = (struct mm_str){ text + 3, mm_rng_below(rng, 5) };
		ev.present |= MM_TC_BIT(NAME) | MM_TC_BIT(FLAGS) | MM_TC_BIT(OFFSET);
		ev.offset = mm_rng_u64(rng);
		ev.addr2 = mm_rng_u64(rng);
		ev.size2 = mm_rng_u64(rng);
	}
	if (dice == 99)
		mm_event_set_word(&ev, text + 5, mm_rng_below(rng, 9));
	return ev;
}

static bool same_text(struct mm_str a, struct mm_str b) { return a.len == b.len && (!a.len || !memcmp(a.p, b.p, a.len)); }

static bool same_row(const struct mm_event *a, const struct mm_event *b)
{
	return a->time_ns == b->time_ns && a->addr == b->addr && a->size == b->size && a->addr2 == b->addr2 && a->size2 == b->size2 &&
	       a->offset == b->offset && a->result == b->result && a->pid == b->pid && a->cpu == b->cpu && a->type == b->type &&
	       a->by == b->by && a->result_kind == b->result_kind && a->present == b->present && same_text(a->flags, b->flags) &&
	       same_text(a->name, b->name) && same_text(a->result_word, b->result_word);
}

struct listener {
	struct mm_tape *tape;
	uint64_t seed;
	long rows, wrong;
	int code;
	struct mm_error err;
};

/* The same random rows again, beside what the tape plays. */
static void *listen(void *arg)
{
	struct listener *l = arg;
	struct mm_tape_player p = { .tape = l->tape };
	struct mm_rng rng = { l->seed };
	struct mm_event ev[MAX];
	uint64_t line[MAX], want = 1;
	long n;

	while ((n = mm_tape_play(&p, ev, line, 1 + (size_t)l->rows % MAX, &l->code, &l->err)) > 0)
		for (long i = 0; i < n; i++, l->rows++) {
			struct mm_event row = random_row(&rng, &want);

			l->wrong += line[i] != want || !same_row(&ev[i], &row);
		}
	return NULL;
}

START_TEST(two_players)
{
	static const struct mm_skip skip = { .what = "nothing", .count = 5 };
	struct listener l[2];
	struct mm_tape *tape;
	pthread_t thread[2];
	struct mm_rng rng = { (uint64_t)_i };
	struct mm_error err = { .text = "a bad row" };
	uint64_t line = 1;
	size_t nr;

	ck_assert_int_eq(mm_tape_new(&tape, (size_t)1 << 30), 0);
	for (int k = 0; k < 2; k++) {
		l[k] = (struct listener){ .tape = tape, .seed = (uint64_t)_i };
		ck_assert_int_eq(pthread_create(&thread[k], NULL, listen, &l[k]), 0);
	}
	for (int i = 0; i < ROWS; i++) {
		struct mm_event ev = random_row(&rng, &line);

		ck_assert_int_eq(mm_tape_record(tape, &ev, line), 0);
	}
	mm_tape_end(tape, -EINVAL, ROWS, &skip, 1, &err);
	for (int k = 0; k < 2; k++) {
		pthread_join(thread[k], NULL);
		ck_assert_int_eq(l[k].rows, ROWS);
		ck_assert_int_eq(l[k].wrong, 0);
		ck_assert_int_eq(l[k].code, -EINVAL);
		ck_assert_str_eq(l[k].err.text, "a bad row");
	}
	ck_assert_uint_eq(mm_tape_skips(tape, &nr)->count, 5);
	ck_assert_uint_eq(nr, 1);
	mm_tape_free(tape);
}
END_TEST

START_TEST(a_full_tape)
{
	struct mm_event ev = { .type = MM_EV_LOAD, .present = MM_TC_BIT(EVENT) | MM_TC_BIT(ADDR) };
	struct mm_tape_player p = { 0 };
	struct mm_event back[MAX];
	uint64_t line[MAX], recorded = 0, played = 0;
	struct mm_error err;
	int code;
	long n;

	ck_assert_int_eq(mm_tape_new(&p.tape, 1 << 20), 0);
	for (; recorded < 1 << 22; recorded++, ev.addr += 4096)
		if (mm_tape_record(p.tape, &ev, recorded + 1))
			break;
	ck_assert_uint_lt(recorded, 1 << 20);			/* a byte a row would not do */
	ck_assert_uint_gt(recorded, (1 << 20) / 5);		/* a tag, three bytes of difference */
	mm_tape_end(p.tape, 1, recorded, NULL, 0, NULL);
	while ((n = mm_tape_play(&p, back, line, MAX, &code, &err)) > 0)
		for (long i = 0; i < n; i++, played++)
			ck_assert_uint_eq(back[i].addr, played * 4096);
	ck_assert_int_eq(code, 1);
	ck_assert_uint_eq(played, recorded);
	ck_assert_uint_eq(mm_tape_rows(p.tape), recorded);
	mm_tape_free(p.tape);
}
END_TEST

static void sweep(const char *path, size_t tape_bytes, uint32_t threads, struct mm_sweep *s)
{
	struct mm_error err = { 0 };

	*s = (struct mm_sweep){ .path = path, .name = "t", .tape_bytes = tape_bytes, .nr_threads = threads };
	mm_machine_config_init(&s->config);
	s->config.automap = true;
	s->config.ram_bytes = 64 << 20;
	s->config.swap_bytes = 16 << 20;
	ck_assert_int_eq(mm_sweep_parse(s, "memory-max=256K..4M:5", &err), 0);
	ck_assert_msg(!mm_sweep_run(s, &err), "%s", err.text);
}

/* No room at all, room for a part, room for all; one thread, and more threads than points. */
START_TEST(sweeps_agree)
{
	static const struct { size_t bytes; uint32_t threads; } ways[] = { { 1, 1 }, { 1 << 18, 3 }, { 1 << 19, 1 }, { 1 << 28, 9 } };
	char path[] = "/tmp/test_tape_XXXXXX";
	FILE *f = fdopen(mkstemp(path), "w");
	struct mm_sweep want, got;
	struct mm_rng rng = { 4 };

	ck_assert_ptr_nonnull(f);
	fputs("cpu,pid,event,addr,size,flags\n0,1,exec,,,AUTOMAP\n", f);
	for (int i = 0; i < 150000; i++) {
		uint64_t r = mm_rng_below(&rng, 1000);

		fprintf(f, "%d,1,%s,%llu,8,\n", i & 1, i % 3 ? "load" : "store", (unsigned long long)(0x100000000 + (r * r / 1000 << 12)));
	}
	ck_assert_int_eq(fclose(f), 0);
	sweep(path, 0, 2, &want);
	ck_assert_int_gt(want.points[0].stat.v[MM_PSWPIN], want.points[4].stat.v[MM_PSWPIN]);
	for (size_t w = 0; w < sizeof(ways) / sizeof(ways[0]); w++) {
		sweep(path, ways[w].bytes, ways[w].threads, &got);
		for (size_t i = 0; i < want.nr_points; i++)
			ck_assert_msg(!memcmp(&want.points[i].stat, &got.points[i].stat, sizeof(got.points[i].stat)), "way %zu, point %zu",
				      w, i);
		ck_assert_uint_eq(want.nr_skips, got.nr_skips);
		ck_assert_uint_eq(got.first_cpus, 2);
		free(got.points);
	}
	free(want.points);
	unlink(path);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tape");
	TCase *c = tcase_create("tape");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_set_timeout(c, 120);
	tcase_add_loop_test(c, two_players, 0, 6);
	tcase_add_test(c, a_full_tape);
	tcase_add_test(c, sweeps_agree);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
