/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libFuzzer target: the rows of the vector scan against those of bare libcsv, for any bytes.
 */
#include "../csv_oracle.h"

int LLVMFuzzerTestOneInput(const unsigned char *p, size_t n);

int LLVMFuzzerTestOneInput(const unsigned char *p, size_t n)
{
	struct rows_text want = { 0 }, got = { 0 };
	struct mm_input *in;

	if (mm_input_open_memory(&in, "input", p, n))
		return 0;
	oracle_rows(&want, (const char *)p, n);
	reader_rows(&got, in);
	if (want.len != got.len || (want.len && memcmp(want.p, got.p, want.len)))
		abort();
	mm_input_free(in);
	free(want.p);
	free(got.p);
	return 0;
}
