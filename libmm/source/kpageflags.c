/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /proc/kpageflags, block by block: nothing of it is kept.
 * Source: Linux 6.6 fs/proc/page.c kpageflags_read().
 */
#include <errno.h>
#include <string.h>

#include <libmm/kpageflags.h>

enum { WORDS = 512 };

static int give_out(struct mm_str block, uint64_t *pfn, int (*fn)(void *, uint64_t, const uint64_t *, size_t),
		    void *arg)
{
	uint64_t words[WORDS];

	while (block.len >= sizeof(words[0])) {
		size_t n = block.len / sizeof(words[0]) < WORDS ? block.len / sizeof(words[0]) : WORDS;
		int e;

		memcpy(words, block.p, n * sizeof(words[0]));	/* the block need not be aligned */
		e = fn(arg, *pfn, words, n);
		if (e)
			return e;
		*pfn += n;
		block.p += n * sizeof(words[0]);
		block.len -= n * sizeof(words[0]);
	}
	return 0;
}

int mm_kpageflags_read(struct mm_input *in, int (*fn)(void *arg, uint64_t pfn, const uint64_t *words, size_t nr),
		       void *arg, struct mm_error *err)
{
	uint64_t pfn = 0;
	size_t keep = 0;
	int e;

	for (;;) {
		struct mm_str block;
		int more = mm_input_block(in, keep, &block, err);

		if (more < 0)
			return more;
		keep = block.len % sizeof(uint64_t);
		if (!more)
			break;
		e = give_out(block, &pfn, fn, arg);
		if (e)
			return e;
	}
	if (keep)
		return mm_error_set(err, -EINVAL, "%s: expected words of 8 bytes, found %zu bytes more", in->name,
				    keep);
	if (!pfn)
		return mm_error_set(err, -EINVAL, "%s: expected a word of 8 bytes for each page, found an empty file",
				    in->name);
	return 0;
}
