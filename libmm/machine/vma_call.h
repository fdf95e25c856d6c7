/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * machine/vma_call.h - rows of address spaces as calls: words to numbers, results, what is reported about them
 *
 * A result in a row is a recording's: where the kernel put things, and what it
 * refused.  It is followed; where the model says otherwise the call is counted
 * and kept for the table mismatches.  A row without result is predicted.
 */
#ifndef MACHINE_VMA_CALL_H
#define MACHINE_VMA_CALL_H

#include <libmm/flags.h>
#include <libmm/tables.h>

#include "machine/machine.h"
#include "virt/vma.h"

/* vma_flags.c: flag words to numbers.  Words that no table knows are counted as skipped. */
uint64_t mm_vma_flags(struct mm_machine *m, enum mm_flag_kind kind, struct mm_str words);
/* mmap: protection and map flags stand in one field; a number belongs to the map flags. */
void mm_vma_mmap_flags(struct mm_machine *m, struct mm_str words, uint64_t *prot, uint64_t *flags);

/* vma_report.c: what the tables merges and mismatches show */
enum mm_mismatch_kind {
	MM_MISMATCH_RESULT,		/* another error, or success against an error */
	MM_MISMATCH_ADDRESS,		/* 6.6 would have put it elsewhere */
	MM_MISMATCH_OCCUPIED,		/* something lay where it was put */
	MM_MISMATCH_FAULT,		/* a recorded page fault is none, or one with another error code */
	MM_NR_MISMATCH_KINDS
};

struct mm_vma_mismatch {
	uint64_t seq, pid, addr, size;
	char recorded[20], model[20];
	uint16_t event;
	uint8_t kind;
};

struct mm_vma_merge_sum {		/* alike notes of one process and call, summed up */
	uint32_t pid;
	uint16_t event;
	struct mm_vma_note last;
	uint64_t count, pages;
};

/* table_vma.c: rows of the table maps of a process that has ended. */
struct mm_ended_maps {
	struct mm_maps_table_row *v;
	char **text;			/* what v[i] points to */
	size_t nr;
};
int mm_ended_maps_keep(struct mm_ended_maps **ep, const struct mm_task *task);	/* in place of *ep.  0 or -ENOMEM */
void mm_ended_maps_free(struct mm_ended_maps *ended);

enum { MM_MAX_MISMATCHES = 10000 };
struct mm_vma_report {
	struct mm_vma_journal journal;
	struct mm_vma_merge_sum *merges;
	size_t nr_merges, cap_merges;
	uint32_t *merge_slots;		/* place in merges + 1 by what is alike; twice cap_merges */
	struct mm_vma_mismatch *mismatches;	/* the first MM_MAX_MISMATCHES */
	size_t nr_mismatches, cap_mismatches;
	struct mm_ended_maps *ended;		/* of the process that cfg.keep_ended asks for; NULL: it lives */
	uint64_t count[MM_NR_MISMATCH_KINDS];
};
int mm_vma_report_new(struct mm_machine *m);		/* 0 or -ENOMEM */
void mm_vma_report_free(struct mm_vma_report *r);
void mm_vma_report_begin(struct mm_machine *m);		/* a call begins: its journal is empty */
int mm_vma_report_end(struct mm_machine *m, const struct mm_task *task, const struct mm_event *ev);
/* A call of @task begins: its address space, or NULL with @err (host memory). */
struct mm_struct *mm_vma_call_begin(struct mm_machine *m, struct mm_task *task, struct mm_error *err);
/* It ends with @e, 0 or -errno, which becomes the row's result.  0 or -ENOMEM with @err. */
int mm_vma_call_end(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, int e, struct mm_error *err);
/*
 * ev_vma.c: all of a munmap, mprotect, pkey_mprotect (with @key, else -1), madvise, mlock or mlockall, @flags being
 * its flags.  0 or -ENOMEM with @err.
 */
int mm_vma_call(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, uint64_t flags, int64_t key, struct mm_error *err);

/* What the recording said, set aside before the call fills in the row's result. */
struct mm_recorded {
	bool there;			/* the row had a result */
	bool failed;			/* an errno name */
	uint64_t value;
	struct mm_str word;
};
struct mm_recorded mm_vma_recorded(const struct mm_event *ev);

/*
 * The model says @e (0 or -errno) and on success @value: into the row when it
 * had no result, compared when it had.  @value_matters: success is not just 0.
 */
int mm_vma_result(struct mm_machine *m, const struct mm_task *task, struct mm_event *ev, int e, uint64_t value,
		  bool value_matters);
/* A call that would have mapped something got ENOMEM: counted, told at the end. */
void mm_vma_refused(struct mm_machine *m, struct mm_struct *mm);
int mm_vma_mismatch(struct mm_machine *m, const struct mm_task *task, const struct mm_event *ev,
		    enum mm_mismatch_kind kind,
		    int e, uint64_t value);

/* The same for an access: texts of at most 19 bytes, static. */
int mm_fault_mismatch(struct mm_machine *m, const struct mm_task *task, const struct mm_event *ev,
		      struct mm_str recorded, struct mm_str model);
/* A call whose result is words, likewise. */
int mm_vma_mismatch_words(struct mm_machine *m, const struct mm_task *task, const struct mm_event *ev, struct mm_str recorded,
			  struct mm_str model);

/*
 * vma_exec.c: lay out the program at @path. 0; -ENOENT, -ENOEXEC, ... what there is does not become a program;
 * -ENOMEM.
 */
int mm_vma_exec(struct mm_machine *m, struct mm_struct *mm, struct mm_str path);

/*
 * vma_learn.c: where a recording's addresses come from.  The first mapping of an address space that names no
 * address, @len bytes, was put at @addr: mmap_base goes where the search finds that.
 */
void mm_vma_learn_base(struct mm_struct *mm, uint64_t addr, uint64_t len);
/* A recording made [addr, addr + len) read-only where the model has nothing: an image of a program lies there. */
void mm_vma_learn_image(struct mm_struct *mm, uint64_t addr, uint64_t len);

/* vma_exec.c: what setup_arg_pages() makes a stack larger by, in bytes; pages of arguments and environment, in [start, end). */
enum { MM_STACK_EXPAND = 131072 };
void mm_vma_fill_arg_pages(struct mm_struct *mm, uint64_t start, uint64_t end);
/*
 * vma_exec.c: the kernel reads the beginning of a program, or of its interpreter, before it maps any of it: with the first read-ahead.
 * Source: fs/exec.c prepare_binprm(), fs/binfmt_elf.c elf_read().
 */
void mm_vma_read_head(struct mm_machine *m, struct mm_struct *mm, struct mm_file *f);
/* vma_exec.c: [vvar] from @start and [vdso] up to @end. 0 or -ENOMEM. */
int mm_vma_install_vdso(struct mm_struct *mm, uint64_t start, uint64_t end);

/* vma_access.c: --automap */
/* Map the pages of [addr, addr + size) that no VMA covers: anonymous, rwx, joined with neighbours. 0 or -ENOMEM. */
int mm_vma_automap(struct mm_machine *m, struct mm_task *task, uint64_t addr, uint64_t size);

enum { MM_IMAGE_WINDOW = 65536 };		/* bytes of an image that are mapped at once */

/*
 * vma_image.c: of a task with an image. Pages that are accessed as @kind says (MM_VMA_*) come from its files, if they can have come from
 * nowhere else. 1: all of it is mapped; 0: not all, which is left to mm_vma_automap(); -errno.
 */
int mm_vma_image(struct mm_machine *m, struct mm_task *task, uint64_t addr, uint64_t size, uint32_t kind);
/* A file turns out to be no longer than @size bytes, of whole pages: what was read of it behind that is not there. */
void mm_vma_cut_file(struct mm_machine *m, struct mm_inode *inode, uint64_t size);
/* The recording says that something else is at [start, start + len): the image is not there. */
void mm_vma_image_give_way(struct mm_task *task, uint64_t start, uint64_t len);
/* The task's first break is at @brk: nothing of the image is there, and the file that lies below it ends. */
void mm_vma_image_break(struct mm_machine *m, struct mm_task *task, uint64_t brk);
/* The task makes [addr, addr + len) read-only. */
void mm_vma_image_relro(struct mm_machine *m, struct mm_task *task, uint64_t addr, uint64_t len);

#endif /* MACHINE_VMA_CALL_H */
