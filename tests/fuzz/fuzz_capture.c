/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libFuzzer target: any bytes as each kind of capture: buddyinfo, pagetypeinfo, slabinfo, maps and smaps, kpageflags,
 * OOM and allocation failure reports, and a PID/stat line. What fails must say why.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/buddyinfo.h>
#include <libmm/explain.h>
#include <libmm/input.h>
#include <libmm/kpageflags.h>
#include <libmm/maps.h>
#include <libmm/oom.h>
#include <libmm/proc.h>
#include <libmm/slabinfo.h>
#include <libmm/source.h>

int LLVMFuzzerTestOneInput(const unsigned char *p, size_t n);

static void told(int e, const struct mm_error *err)
{
	if (e && e != -ENOMEM && !err->text[0])
		abort();
}

static void as_buddyinfo(struct mm_input *in, struct mm_error *err)
{
	struct mm_buddyinfo bi = { 0 };

	told(mm_buddyinfo_read(&bi, in, err), err);
	for (size_t i = 0; i < bi.nr; i++)
		for (uint32_t o = 0; o < bi.v[i].nr_orders; o++) {
			(void)mm_unusable_free_index(bi.v[i].blocks, bi.v[i].nr_orders, o);
			(void)mm_fragmentation_index(bi.v[i].blocks, bi.v[i].nr_orders, o);
		}
	mm_buddyinfo_free(&bi);
}

static void as_pagetypeinfo(struct mm_input *in, struct mm_error *err)
{
	struct mm_buddyinfo bi = { 0 }, zones = { 0 };
	int e = mm_pagetypeinfo_read(&bi, in, err);

	told(e, err);
	if (!e && mm_buddyinfo_sum(&bi, &zones))
		abort();
	mm_buddyinfo_free(&zones);
	mm_buddyinfo_free(&bi);
}

static void as_slabinfo(struct mm_input *in, struct mm_error *err)
{
	struct mm_slabinfo si = { 0 };

	told(mm_slabinfo_read(&si, in, err), err);
	mm_slabinfo_free(&si);
}

static int ordered(const struct mm_maps_row *row, void *arg)
{
	uint64_t *end = arg;

	if (row->start >= row->end || row->start < *end)
		abort();
	*end = row->end;
	return 0;
}

static void as_maps(struct mm_input *in, struct mm_error *err)
{
	uint64_t end = 0;

	told(mm_maps_read(in, ordered, &end, err), err);
}

static int count_words(void *arg, uint64_t pfn, const uint64_t *words, size_t nr)
{
	uint64_t *next = arg;

	if (pfn != *next || !nr)
		abort();
	*next += nr;
	return words[nr - 1] == 0xdeadbeef;
}

static void as_kpageflags(struct mm_input *in, struct mm_error *err)
{
	uint64_t next = 0;

	(void)mm_kpageflags_read(in, 0, count_words, &next, err);
}

static void as_oom(struct mm_input *in, struct mm_error *err)
{
	struct mm_oom_log log = { 0 };

	told(mm_oom_log_read(&log, in, NULL, err), err);
	for (size_t i = 0; i < log.nr && i < 4; i++)
		for (size_t row = 0; row < log.v[i].nr_rows && row < 8; row++) {
			int32_t adj;

			if (mm_oom_adj_flips(&log.v[i], row, &adj) && (adj < -1000 || adj > 1000))
				abort();
		}
	mm_oom_log_free(&log);
}

static void as_failure(struct mm_input *in, struct mm_error *err)
{
	struct mm_explain_request rq = { 0 };
	struct mm_explain_list l = { 0 };

	told(mm_explain_of_report(&l, &rq, in, 0, err), err);
	mm_explain_free(&l);
}

int LLVMFuzzerTestOneInput(const unsigned char *p, size_t n)
{
	static void (*const kinds[])(struct mm_input *, struct mm_error *) = {
		as_buddyinfo, as_pagetypeinfo, as_slabinfo, as_maps, as_kpageflags, as_oom, as_failure,
	};
	struct mm_error err;
	struct mm_input *in;
	struct mm_pid_row row;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		err = (struct mm_error){ 0 };
		if (mm_input_open_memory(&in, "input", p, n))
			return 0;
		kinds[i](in, &err);
		mm_input_free(in);
	}
	if (!mm_pid_parse_stat((struct mm_str){ (const char *)p, n }, 4, &row) && memchr(row.comm, 0, sizeof(row.comm)) == NULL)
		abort();
	return 0;
}
