/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libFuzzer target: any bytes as a trace or recording of every format, and what was read written out.  What rows of captured
 * machines tell is told again by the rows that are made of it.
 */
#include <errno.h>
#include <stdlib.h>

#include <libmm/captured.h>
#include <libmm/trace.h>

int LLVMFuzzerTestOneInput(const unsigned char *p, size_t n);

struct machine {
	struct mm_captured captured;
	struct mm_boot_facts boot;
	bool no_memory;
};

static void add(const struct mm_event *ev, void *arg)
{
	struct machine *m = arg;
	struct mm_error err = { 0 };
	int e = 0;

	if (ev->type == MM_EV_ZONE)
		e = mm_captured_add(&m->captured, ev, &err);
	else if (ev->type == MM_EV_BOOT)
		e = mm_captured_add_boot(&m->boot, ev, &err);
	m->no_memory |= e == -ENOMEM;
	if (e < 0 && !err.text[0])
		abort();
}

/* Without zones nothing of blocks is told. */
static bool is_same(const struct machine *a, const struct machine *b)
{
	const struct mm_captured *x = &a->captured, *y = &b->captured;

	if (a->boot.nr_cpus != b->boot.nr_cpus || a->boot.nr_distance != b->boot.nr_distance || x->zones.nr != y->zones.nr)
		return false;
	return !x->zones.nr || (x->types.nr == y->types.nr && x->blocks.nr == y->blocks.nr && x->types.nr_types == y->types.nr_types);
}

static void tell_again(const struct machine *m)
{
	static struct machine again;

	again = (struct machine){ 0 };
	mm_captured_rows(&m->captured, add, &again);
	mm_captured_boot_rows(&m->boot, add, &again);
	if (!m->no_memory && !again.no_memory && !is_same(m, &again))
		abort();
	mm_captured_free(&again.captured);
}

int LLVMFuzzerTestOneInput(const unsigned char *p, size_t n)
{
	static struct machine m;
	struct mm_trace_options opt = { 0 };
	struct mm_event ev[100];
	struct mm_trace_reader *r;
	struct mm_trace_writer w;
	struct mm_output out;
	struct mm_error err;
	struct mm_input *in;
	long k;

	if (!n)
		return 0;
	m = (struct machine){ 0 };
	opt.from = mm_trace_format_name(p[0] & 7, NULL);	/* NULL past the last: by content */
	opt.strict = p[0] & 8;
	if (mm_input_open_memory(&in, "input", p + 1, n - 1) || mm_output_init(&out, -1))
		return 0;
	if (!mm_trace_reader_new(&r, in, &opt, &err)) {
		w = (struct mm_trace_writer){ &out, mm_trace_columns(r) };
		while ((k = mm_trace_read(r, ev, 1 + (p[0] >> 4) * 6u, &err)) > 0)
			for (long i = 0; i < k; i++) {
				mm_trace_writer_row(&w, &ev[i]);
				add(&ev[i], &m);
			}
		mm_trace_reader_free(r);
		tell_again(&m);
		mm_captured_free(&m.captured);
	}
	mm_output_finish(&out);
	mm_input_free(in);
	return 0;
}
