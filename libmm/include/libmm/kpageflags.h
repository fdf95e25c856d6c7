/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmm/kpageflags.h - /proc/kpageflags: a 64-bit word of flags for each page frame, PFN 0 first, in the host's
 * byte order
 */
#ifndef LIBMM_KPAGEFLAGS_H
#define LIBMM_KPAGEFLAGS_H

#include <libmm/error.h>
#include <libmm/input.h>
#include <libmm/types.h>

/* X(suffix, bit, letter as tools/mm/page-types prints it, name): Linux 6.6 include/uapi/linux/kernel-page-flags.h */
#define MM_KPF_FLAGS(X) \
	X(LOCKED, 0, 'L', "locked") X(ERROR, 1, 'E', "error") X(REFERENCED, 2, 'R', "referenced") \
	X(UPTODATE, 3, 'U', "uptodate") X(DIRTY, 4, 'D', "dirty") X(LRU, 5, 'l', "lru") X(ACTIVE, 6, 'A', "active") \
	X(SLAB, 7, 'S', "slab") X(WRITEBACK, 8, 'W', "writeback") X(RECLAIM, 9, 'I', "reclaim") \
	X(BUDDY, 10, 'B', "buddy") \
	X(MMAP, 11, 'M', "mmap") X(ANON, 12, 'a', "anonymous") X(SWAPCACHE, 13, 's', "swapcache") \
	X(SWAPBACKED, 14, 'b', "swapbacked") X(COMPOUND_HEAD, 15, 'H', "compound_head") \
	X(COMPOUND_TAIL, 16, 'T', "compound_tail") X(HUGE, 17, 'G', "huge") X(UNEVICTABLE, 18, 'u', "unevictable") \
	X(HWPOISON, 19, 'X', "hwpoison") X(NOPAGE, 20, 'n', "nopage") X(KSM, 21, 'x', "ksm") X(THP, 22, 't', "thp") \
	X(OFFLINE, 23, 'o', "offline") X(ZERO_PAGE, 24, 'z', "zero_page") X(IDLE, 25, 'i', "idle_page") \
	X(PGTABLE, 26, 'g', "pgtable")

enum mm_kpf {
#define X(sym, bit, letter, name) MM_KPF_##sym = bit,
	MM_KPF_FLAGS(X)
#undef X
};

/**
 * mm_kpageflags_read() - every word of a file, in order
 * @fn:	called with the PFN of the first of @nr words; not 0 ends the reading and is returned
 *
 * Return: 0; -EINVAL with @err when the file is empty or ends within a word; a read error; what @fn returned.
 */
int mm_kpageflags_read(struct mm_input *in, int (*fn)(void *arg, uint64_t pfn, const uint64_t *words, size_t nr),
		       void *arg, struct mm_error *err);

#endif /* LIBMM_KPAGEFLAGS_H */
