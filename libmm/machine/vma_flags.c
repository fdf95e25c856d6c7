/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Words of the mmap family to their numbers, word by word: those that no table knows are counted, not lost with
 * the rest; and errno names.
 */
#include <errno.h>
#include <string.h>

#include "machine/vma_call.h"

/* The next word up to '|'; false at the end. */
static bool next_word(struct mm_str *rest, struct mm_str *word)
{
	const char *bar;

	if (!rest->len)
		return false;
	bar = memchr(rest->p, '|', rest->len);
	*word = (struct mm_str){ rest->p, bar ? (size_t)(bar - rest->p) : rest->len };
	rest->p += word->len + (bar != NULL);
	rest->len -= word->len + (bar != NULL);
	return true;
}

static void unknown(struct mm_machine *m)
{
	mm_machine_skip(m, "flag words that are not known", false);
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
	while (next_word(&words, &w)) {
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
	while (next_word(&words, &w)) {
		if (mm_flags_parse_mmap(w, &p, &f, NULL)) {
			unknown(m);
			continue;
		}
		*prot |= p;
		*flags |= f;
	}
}

bool mm_vma_has_word(struct mm_str words, const char *word)
{
	struct mm_str w;

	while (next_word(&words, &w))
		if (strlen(word) == w.len && !memcmp(w.p, word, w.len))
			return true;
	return false;
}

const char *mm_errno_word(int e)
{
	static const struct { int e; const char *word; } names[] = {
#define E(x) { x, #x }
		E(EPERM), E(ENOENT), E(EINTR), E(EIO), E(EBADF), E(EAGAIN), E(ENOMEM), E(EACCES), E(EFAULT), E(EBUSY), E(EEXIST),
		E(ENODEV), E(EINVAL), E(ETXTBSY), E(ENOSPC), E(ENOSYS), E(EOPNOTSUPP), E(EOVERFLOW), E(ESRCH), E(EIDRM),
#undef E
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].e == (e < 0 ? -e : e))
			return names[i].word;
	return NULL;
}
