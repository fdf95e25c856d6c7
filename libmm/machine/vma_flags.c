/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Words of the mmap family to their numbers, word by word: those that no table knows are counted, not lost with
 * the rest.
 */
#include "base/str.h"
#include "machine/vma_call.h"

static void unknown(struct mm_machine *m)
{
	mm_machine_loss(m, "flag words that are not known");
}

uint64_t mm_vma_flags(struct mm_machine *m, enum mm_flag_kind kind, struct mm_str words)
{
	uint64_t all = 0, value;
	struct mm_str w;

	if (!mm_flags_parse(kind, words, &value, NULL))
		return value;
	if (kind == MM_FLAG_MADV) {
		unknown(m);
		return UINT64_MAX;	/* newer than 6.6: no advice it knows */
	}
	while (mm_next_word(&words, &w)) {
		if (!mm_flags_parse(kind, w, &value, NULL))
			all |= value;
		else
			unknown(m);
	}
	return all;
}

void mm_vma_mmap_flags(struct mm_machine *m, struct mm_str words, uint64_t *prot, uint64_t *flags)
{
	uint64_t p, f;
	struct mm_str w;

	if (!mm_flags_parse_mmap(words, prot, flags, NULL))
		return;
	*prot = *flags = 0;
	while (mm_next_word(&words, &w)) {
		if (mm_flags_parse_mmap(w, &p, &f, NULL)) {
			unknown(m);
			continue;
		}
		*prot |= p;
		*flags |= f;
	}
}
