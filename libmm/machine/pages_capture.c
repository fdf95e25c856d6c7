/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The frames of /proc/kpageflags, with the counts of /proc/kpagecount beside
 * them: both are read in step, block by block, from the first frame that is wanted to the last.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/minmax.h"
#include "machine/pages.h"

struct capture {
	struct mm_pages_list *l;
	struct mm_input *counts;	/* NULL: none */
	struct mm_str block;		/* of counts, not yet used */
	uint64_t next_pfn;		/* whose count comes next */
	uint64_t end_pfn;		/* no more are wanted */
	struct mm_error *err;
};

static int more_counts(struct capture *c)
{
	int more = mm_input_block(c->counts, c->block.len, &c->block, c->err);

	if (more > 0)
		return 0;
	return more ? more : mm_error_set(c->err, -EINVAL, "%s: expected a count for each page of kpageflags,"
					  " found the end at page frame %" PRIu64, c->counts->name, c->next_pfn);
}

/* Counts of frames that kpageflags was not read for. */
static int skip_counts(struct capture *c, uint64_t pfn)
{
	uint64_t bytes = (pfn - c->next_pfn) * sizeof(uint64_t);

	while (bytes) {
		uint64_t n = mm_min_u64(bytes, c->block.len);
		int e;

		c->block.p += n;
		c->block.len -= (size_t)n;
		bytes -= n;
		if (!bytes || mm_input_skip(c->counts, bytes))
			break;
		e = more_counts(c);
		if (e)
			return e;
	}
	c->next_pfn = pfn;
	return 0;
}

/* The next word of kpagecount. A count has less than 32 bits, which tells the byte order of the machine it is of. */
static int next_count(struct capture *c, uint64_t pfn, uint64_t *count)
{
	int e = pfn > c->next_pfn ? skip_counts(c, pfn) : 0;

	while (!e && c->block.len < sizeof(*count))
		e = more_counts(c);
	if (e)
		return e;
	memcpy(count, c->block.p, sizeof(*count));
	if (*count >> 32 && !(__builtin_bswap64(*count) >> 32))
		*count = __builtin_bswap64(*count);
	c->block.p += sizeof(*count);
	c->block.len -= sizeof(*count);
	c->next_pfn++;
	return 0;
}

static int add_words(void *arg, uint64_t pfn, const uint64_t *words, size_t nr)
{
	struct capture *c = arg;

	for (size_t i = 0; i < nr && pfn + i < c->end_pfn; i++) {
		struct mm_pages_row row = {
			.pfn = pfn + i, .pages = 1, .flags = words[i], .mapcount = MM_MISSING_U64, .node = MM_MISSING_U64,
			.section = MM_MISSING_U64, .refcount = MM_MISSING_U64, .order = MM_MISSING_U64,
			.page_flags = MM_MISSING_U64, .index = MM_MISSING_U64, .mapping = MM_MISSING_U64,
		};
		int e = c->counts ? next_count(c, pfn + i, &row.mapcount) : 0;

		if (!e && mm_pages_list_add(c->l, &row))
			e = mm_error_set(c->err, -ENOMEM, "out of memory");
		if (e)
			return e;
	}
	return pfn + nr >= c->end_pfn;
}

int mm_pages_of_capture(struct mm_pages_list *l, struct mm_input *flags, struct mm_input *counts, struct mm_error *err)
{
	const struct mm_pages_select *select = mm_pages_list_select(l);
	struct capture c = { .l = l, .counts = counts, .end_pfn = select->end_pfn, .err = err };
	int e = mm_kpageflags_read(flags, select->start_pfn, add_words, &c, err);

	return e < 0 ? e : 0;
}
