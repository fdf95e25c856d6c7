/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmm/kpageflags.h - /proc/kpageflags: a 64-bit word of flags for each page frame, PFN 0 first, in either
 * byte order
 */
#ifndef LIBMM_KPAGEFLAGS_H
#define LIBMM_KPAGEFLAGS_H

#include <libmm/error.h>
#include <libmm/input.h>
#include <libmm/types.h>

/*
 * X(suffix, bit, letter, name) by bit, as tools/mm/page-types prints them.
 * Bits from 32 on are for kernel hackers; those from 47 on are no words of the
 * file, but what a reader makes of bits that mean two things (mm_kpageflags_raw()).
 * Source: Linux 6.6 include/uapi/linux/kernel-page-flags.h, include/linux/kernel-page-flags.h, tools/mm/page-types.c.
 */
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
	X(PGTABLE, 26, 'g', "pgtable") \
	X(RESERVED, 32, 'r', "reserved") X(MLOCKED, 33, 'm', "mlocked") X(MAPPEDTODISK, 34, 'd', "mappedtodisk") \
	X(PRIVATE, 35, 'P', "private") X(PRIVATE_2, 36, 'p', "private_2") X(OWNER_PRIVATE, 37, 'O', "owner_private") \
	X(ARCH, 38, 'h', "arch") X(UNCACHED, 39, 'c', "uncached") X(SOFTDIRTY, 40, 'f', "softdirty") \
	X(ARCH_2, 41, 'H', "arch_2") \
	X(ANON_EXCLUSIVE, 47, 'd', "anon_exclusive") X(READAHEAD, 48, 'I', "readahead") \
	X(SLUB_FROZEN, 50, 'A', "slub_frozen") X(SLUB_DEBUG, 51, 'E', "slub_debug") \
	X(FILE, 61, 'F', "file") X(SWAP, 62, 'w', "swap") X(MMAP_EXCLUSIVE, 63, '1', "mmap_exclusive")

enum mm_kpf {
#define X(sym, bit, letter, name) MM_KPF_##sym = bit,
	MM_KPF_FLAGS(X)
#undef X
};

/* Flags for people (page-types without -r): those of kernel hackers, and compound pages but hugetlb's, are hidden. */
uint64_t mm_kpageflags_well_known(uint64_t flags);
/* All flags, those told apart that share a bit (page-types -r). */
uint64_t mm_kpageflags_raw(uint64_t flags);

enum { MM_KPF_SYMBOLIC = 48, MM_KPF_NAMES = 640 };	/* room for the texts */
/* A letter for each flag that is set, _ for each that is not. */
void mm_kpageflags_symbolic(uint64_t flags, char text[MM_KPF_SYMBOLIC]);
/* Names with bars between them; bits without a name as one 0x word at the end. */
void mm_kpageflags_names(uint64_t flags, char text[MM_KPF_NAMES]);

/**
 * mm_kpageflags_read() - every word of a file from a page frame on, in order
 * @first:	that page frame; words before it may be given out, too
 * @fn:	called with the PFN of the first of @nr words, in the host's byte order; not 0 ends the reading and is returned
 *
 * Return: 0; -EINVAL with @err when the file is empty, ends within a word, or shows only late that it is of the other byte order;
 * a read error; what @fn returned.
 */
int mm_kpageflags_read(struct mm_input *in, uint64_t first, int (*fn)(void *arg, uint64_t pfn, const uint64_t *words, size_t nr),
		       void *arg, struct mm_error *err);

#endif /* LIBMM_KPAGEFLAGS_H */
