/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libFuzzer target: any bytes as a trace or recording of every format, and what was read written out.
 */
#include <stdlib.h>

#include <libmm/trace.h>

int LLVMFuzzerTestOneInput(const unsigned char *p, size_t n);

int LLVMFuzzerTestOneInput(const unsigned char *p, size_t n)
{
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
	opt.from = mm_trace_format_name(p[0] & 7, NULL);	/* NULL past the last: by content */
	opt.strict = p[0] & 8;
	if (mm_input_open_memory(&in, "input", p + 1, n - 1) || mm_output_init(&out, -1))
		return 0;
	if (!mm_trace_reader_new(&r, in, &opt, &err)) {
		w = (struct mm_trace_writer){ &out, mm_trace_columns(r) };
		while ((k = mm_trace_read(r, ev, 1 + (p[0] >> 4) * 6u, &err)) > 0)
			for (long i = 0; i < k; i++)
				mm_trace_writer_row(&w, &ev[i]);
		mm_trace_reader_free(r);
	}
	mm_output_finish(&out);
	mm_input_free(in);
	return 0;
}
