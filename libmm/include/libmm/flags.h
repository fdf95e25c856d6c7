/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmm/flags.h - the words of system call flags and their bits, from one table
 *
 * The column "flags" of a trace holds words joined by '|' in the spelling of
 * the kernel's headers and of strace; bits without a word are one 0x word.
 */
#ifndef LIBMM_FLAGS_H
#define LIBMM_FLAGS_H

#include <libmm/types.h>

enum mm_flag_kind {
	MM_FLAG_PROT,			/* mmap, mprotect */
	MM_FLAG_MAP,
	MM_FLAG_MREMAP,
	MM_FLAG_MADV,			/* a value: one word */
	MM_FLAG_MLOCK,			/* mlock2 */
	MM_FLAG_MCL,			/* mlockall */
	MM_FLAG_MS,			/* msync */
	MM_FLAG_SHM,			/* shmat */
	MM_FLAG_FADV,			/* a value */
	MM_FLAG_FILE,			/* access (O_RDWR) and type (S_IFREG) of a file row */
	MM_FLAG_PRCTL,			/* a value */
	MM_FLAG_RLIMIT,			/* a value: the name of a limit */
	MM_FLAG_MPOL,			/* a mode of memory policies and its flags */
	MM_FLAG_MPOL_MF,		/* mbind, move_pages */
	MM_FLAG_MPOL_GET,		/* get_mempolicy */
	MM_FLAG_FALLOC,			/* fallocate */
	MM_FLAG_UFFD_FEATURE,		/* UFFDIO_API */
	MM_FLAG_UFFD_REGISTER,		/* its mode */
	MM_FLAG_UFFD_FILL,		/* UFFDIO_COPY and others that fill pages */
	MM_FLAG_UFFD_WRITEPROTECT,
	MM_NR_FLAG_KINDS
};

enum { MM_FLAGS_TEXT = 512 };		/* room that any text of mm_flags_format() fits, NUL included */

/**
 * mm_flags_parse() - words to bits
 * @text:	"PROT_READ|PROT_WRITE"; numbers (0x1, 4096, 0644, 21<<MAP_HUGE_SHIFT) are
 *		taken too; the empty text is 0
 * @bits:	the bits of all words
 * @bad:	on -EINVAL the word that is none of this kind; may be NULL
 *
 * Return: 0 or -EINVAL, then @bits is as it was.
 */
int mm_flags_parse(enum mm_flag_kind kind, struct mm_str text, uint64_t *bits, struct mm_str *bad);

/* The flags of an mmap row: PROT and MAP words in any order; a bare number counts for @map. */
int mm_flags_parse_mmap(struct mm_str text, uint64_t *prot, uint64_t *map, struct mm_str *bad);

/* Bits to words at @buf[@room]: bytes written (a NUL follows).  0 without a word for it is "". */
size_t mm_flags_format(enum mm_flag_kind kind, uint64_t bits, char *buf, size_t room);
/* The same of both kinds: "PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS". */
size_t mm_flags_format_mmap(uint64_t prot, uint64_t map, char *buf, size_t room);

/* The word of this kind that is most like @word: for the text of an error. */
const char *mm_flags_nearest(enum mm_flag_kind kind, struct mm_str word);

/* "ENOMEM" of 12, by the numbers of x86-64 Linux; NULL: no such error. */
const char *mm_errno_name(unsigned number);

#endif /* LIBMM_FLAGS_H */
