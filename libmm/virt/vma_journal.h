/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virt/vma_journal.h - what one call did to VMAs: merged, split, or which field forbade a merge
 *
 * Filled anew for each call; the machine sums it up for the table merges.
 */
#ifndef VIRT_VMA_JOURNAL_H
#define VIRT_VMA_JOURNAL_H

#include <libmm/types.h>

/* Why a VMA and a range beside it stay apart. */
enum mm_vma_obstacle {
	MM_VMA_MERGES,			/* nothing: they become one */
	MM_VMA_NO_NEIGHBOUR,		/* none, or a hole between */
	MM_VMA_PERMS,			/* read, write, execute or shared differ */
	MM_VMA_FLAGS,			/* another vm_flag differs (locked, advice, accounted, grows down) */
	MM_VMA_FILE,			/* another file, or a file and none */
	MM_VMA_OFFSET,			/* the offsets do not go on */
	MM_VMA_ANON_VMA,		/* pages belong to different or shared anon_vmas */
	MM_VMA_NAME,			/* another PR_SET_VMA_ANON_NAME */
	MM_VMA_CLOSE,			/* the mapping has a close hook */
	MM_VMA_UFFD,			/* another userfaultfd */
	MM_VMA_POLICY,			/* another memory policy */
	MM_VMA_SPECIAL_FLAGS,		/* a mapping of a driver */
	MM_NR_VMA_OBSTACLES
};

enum mm_vma_deed {
	MM_VMA_DID_NEW,			/* a VMA of its own */
	MM_VMA_DID_MERGE_PREV, MM_VMA_DID_MERGE_NEXT, MM_VMA_DID_MERGE_BOTH,
	MM_VMA_DID_SPLIT,
	MM_VMA_DID_STAY,		/* not merged where it lies (mprotect, madvise, mlock) */
	MM_NR_VMA_DEEDS
};

struct mm_vma_note {
	uint64_t start, end;
	uint8_t deed;			/* enum mm_vma_deed */
	uint8_t merge_case;		/* vma_merge()'s 1..8, 0 none */
	uint8_t prev, next;		/* enum mm_vma_obstacle */
};

enum { MM_VMA_MAX_NOTES = 32 };
struct mm_vma_journal {
	struct mm_vma_note v[MM_VMA_MAX_NOTES];
	uint32_t nr;			/* those beyond the room are counted only */
};

static inline void mm_vma_note(struct mm_vma_journal *j, struct mm_vma_note note)
{
	if (!j)
		return;
	if (j->nr < MM_VMA_MAX_NOTES)
		j->v[j->nr] = note;
	j->nr++;
}

#endif /* VIRT_VMA_JOURNAL_H */
