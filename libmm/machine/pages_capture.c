/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The frames of /proc/kpageflags, with the counts of /proc/kpagecount beside
 * them: both are read in step, block by block.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <libmm/pages.h>

struct capture {
	struct mm_pages_list *l;
	struct mm_input *counts;	/* NULL: none */
	struct mm_str block;		/* of counts, not yet used */
	struct mm_error *err;
};

/* The next word of kpagecount. A count has less than 32 bits, which tells the byte order of the machine it is of. */
static int next_count(struct capture *c, uint64_t pfn, uint64_t *count)
{
	while (c->block.len < sizeof(*count)) {
		int more = mm_input_block(c->counts, c->block.len, &c->block, c->err);

		if (more < 0)
			return more;
		if (!more)
			return mm_error_set(c->err, -EINVAL, "%s: expected a count for each page of kpageflags,"
					    " found the end at page frame %" PRIu64, c->counts->name, pfn);
	}
	memcpy(count, c->block.p, sizeof(*count));
	if (*count >> 32 && !(__builtin_bswap64(*count) >> 32))
		*count = __builtin_bswap64(*count);
	c->block.p += sizeof(*count);
	c->block.len -= sizeof(*count);
	return 0;
}

static int add_words(void *arg, uint64_t pfn, const uint64_t *words, size_t nr)
{
	struct capture *c = arg;

	for (size_t i = 0; i < nr; i++) {
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
	return 0;
}

int mm_pages_of_capture(struct mm_pages_list *l, struct mm_input *flags, struct mm_input *counts, struct mm_error *err)
{
	struct capture c = { .l = l, .counts = counts, .err = err };

	return mm_kpageflags_read(flags, add_words, &c, err);
}
