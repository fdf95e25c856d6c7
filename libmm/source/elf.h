/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source/elf.h - what a program loader needs of an ELF file
 */
#ifndef SOURCE_ELF_H
#define SOURCE_ELF_H

#include <libmm/types.h>

enum { MM_ELF_MAX_SEGMENTS = 64, MM_ELF_EXEC = 2, MM_ELF_DYN = 3, MM_ELF_X = 1, MM_ELF_W = 2, MM_ELF_R = 4 };

struct mm_elf_segment {		/* PT_LOAD */
	uint64_t offset, vaddr, filesz, memsz, align;
	uint32_t flags;			/* MM_ELF_R | W | X */
};

struct mm_elf {
	uint16_t type;			/* MM_ELF_EXEC or MM_ELF_DYN */
	uint32_t nr;
	struct mm_elf_segment seg[MM_ELF_MAX_SEGMENTS];
	uint64_t relro_vaddr, relro_size;	/* PT_GNU_RELRO; 0 none */
	uint64_t file_size;
	bool has_interp;
	char interp[256];
};

/* An x86-64 program or shared object.  0; -errno of opening or reading; -ENOEXEC when it is no such file. */
int mm_elf_read(const char *path, struct mm_elf *elf);
/* The interpreter that a script names in its first line, NUL-terminated.  0; -ENOEXEC: no script; -errno. */
int mm_script_read(const char *path, char *interp, size_t size);

#endif /* SOURCE_ELF_H */
