/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a recording, replayed on a small machine with swap and a limit;
 * every structure is verified as it goes.  A crash, a hang or a broken invariant is a finding.
 */
#include <errno.h>
#include <stdlib.h>

#include <libmm/machine.h>

enum { CHECK_EVERY = 32, MAX_EVENTS = 600, SMALL = 16384 };

static struct mm_machine *small_machine(void)
{
	const struct mm_region r[] = { { .start = 0x1000, .end = 0x9fbff },
		{ .start = 1 << 20, .end = (12 << 20) - 1 } };
	struct mm_machine_config cfg;
	struct mm_machine *m = NULL;

	mm_machine_config_init(&cfg);
	cfg.swap_bytes = 4 << 20;
	cfg.memory_max_bytes = 2 << 20;
	cfg.effects = true;
	for (size_t i = 0; i < 2; i++)
		if (mm_region_list_add(&cfg.regions, &r[i], MM_STR("System RAM")))
			abort();
	if (mm_machine_new(&m, &cfg, NULL))
		m = NULL;
	mm_region_list_free(&cfg.regions);
	return m;
}

static void verify(struct mm_machine *m)
{
	struct mm_error err;

	if (!mm_machine_start(m, &err) && mm_machine_check(m, &err))
		abort();
}

/* Rows that make a large machine would take the fuzzer's time for booting it. */
static bool describes_machine(const struct mm_event *ev)
{
	if ((ev->type == MM_EV_ZONE || ev->type == MM_EV_BOOT) && ev->result <= SMALL)
		return ev->by != MM_BY_NONE;
	return mm_event_class((enum mm_event_type)ev->type) == MM_CLASS_MACHINE || ev->by != MM_BY_NONE;
}

static void replay(struct mm_trace_reader *r, struct mm_machine *m)
{
	struct mm_event ev[16];
	struct mm_error err;
	unsigned int nr = 0;
	long n;

	while (nr < MAX_EVENTS && (n = mm_trace_read(r, ev, 16, &err)) > 0)
		for (long i = 0; i < n; i++) {
			if (describes_machine(&ev[i]))
				continue;
			if (mm_machine_event(m, &ev[i], &err))
				return;
			if (++nr % CHECK_EVERY == 0)
				verify(m);
		}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct mm_trace_options opt = { .from = NULL };
	struct mm_trace_reader *r;
	struct mm_input *in;
	struct mm_machine *m;
	struct mm_error err;

	if (mm_input_open_memory(&in, "fuzz", data, size))
		return 0;
	m = small_machine();
	if (m && !mm_trace_reader_new(&r, in, &opt, &err)) {
		replay(r, m);
		mm_trace_reader_free(r);
		verify(m);
	}
	mm_machine_free(m);
	mm_input_free(in);
	return 0;
}
