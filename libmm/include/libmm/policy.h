/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmm/policy.h - the textbook replacement policies on a string of page references
 *
 * For learning, and as the bracket that the kernel's policy lies in: opt is
 * the least number of faults any policy can have (Belady 1966).
 */
#ifndef LIBMM_POLICY_H
#define LIBMM_POLICY_H

#include <libmm/types.h>

/* X(suffix, word, help) */
#define MM_POLICIES(X) \
	X(LRU,	"lru",	"the page not used for longest goes") \
	X(FIFO,	"fifo",	"the page that came first goes") \
	X(CLOCK, "clock", "a hand goes round the frames and takes the first without a reference bit, clearing bits") \
	X(SECOND_CHANCE, "second-chance", \
	  "fifo, but a page with its reference bit set goes to the end of the queue once") \
	X(OPT,	"opt",	"the page used again latest goes (needs the whole string)")

enum mm_policy_kind {
#define X(sym, word, help) MM_POLICY_##sym,
	MM_POLICIES(X)
#undef X
	MM_NR_POLICIES
};
const char *mm_policy_word(enum mm_policy_kind k);
int mm_policy_parse(struct mm_str word);	/* enum or -EINVAL */

struct mm_policy;

/**
 * mm_policy_new() - @frames empty page frames under a policy
 * @kind:	not MM_POLICY_OPT, which sees no future here
 * @frames:	1 .. 2^31
 *
 * Host memory grows with the pages held, at most 40 bytes a frame.  Return: 0, -EINVAL or -ENOMEM.
 */
int mm_policy_new(struct mm_policy **pp, enum mm_policy_kind kind, uint32_t frames);
void mm_policy_free(struct mm_policy *p);
/* One reference: 1 a fault, 0 a hit, -ENOMEM. */
int mm_policy_reference(struct mm_policy *p, uint64_t page);
bool mm_policy_is_consistent(const struct mm_policy *p);

/* Faults of @n references under any policy, opt too.  0, -EINVAL or -ENOMEM. */
int mm_policy_run(enum mm_policy_kind kind, const uint64_t *refs, size_t n, uint32_t frames, uint64_t *faults);

/* ---- lru in memories of all sizes, in one pass ---- */

struct mm_mrc;

/* 0 or -ENOMEM; at most 48 bytes of host memory for each page that is referred to, of 2^30. */
int mm_mrc_new(struct mm_mrc **mp);
void mm_mrc_free(struct mm_mrc *m);
int mm_mrc_reference(struct mm_mrc *m, uint64_t page);		/* 0; -ENOMEM, -EFBIG: too many pages */
uint64_t mm_mrc_faults(const struct mm_mrc *m, uint64_t frames);	/* so far, had lru that many frames */
uint64_t mm_mrc_pages(const struct mm_mrc *m);			/* different pages so far */
bool mm_mrc_is_consistent(const struct mm_mrc *m);

/*
 * A hash of a page that says nothing about its neighbours: to sample pages by (all references to a page are taken, or
 * none), 64 well mixed bits.
 */
uint64_t mm_page_hash(uint64_t page);

#endif /* LIBMM_POLICY_H */
