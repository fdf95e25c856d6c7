/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Words of the mmap family, as strace spells them, to their numbers; and errno names.
 */
#include <errno.h>
#include <string.h>

#include <libmm/csv.h>

#include "machine/vma_call.h"

struct word {
	const char *name;
	uint64_t value;
};

static const struct word prot_words[] = {
	{ "PROT_NONE", 0 }, { "PROT_READ", MM_PROT_READ }, { "PROT_WRITE", MM_PROT_WRITE }, { "PROT_EXEC", MM_PROT_EXEC },
	{ "PROT_SEM", MM_PROT_SEM }, { "PROT_GROWSDOWN", MM_PROT_GROWSDOWN }, { "PROT_GROWSUP", MM_PROT_GROWSUP }, { 0 },
};

static const struct word map_words[] = {
	{ "MAP_SHARED", MM_MAP_SHARED }, { "MAP_PRIVATE", MM_MAP_PRIVATE }, { "MAP_ANONYMOUS", MM_MAP_ANONYMOUS },
	{ "MAP_FIXED", MM_MAP_FIXED }, { "MAP_FIXED_NOREPLACE", MM_MAP_FIXED_NOREPLACE }, { "MAP_NORESERVE", MM_MAP_NORESERVE },
	{ "MAP_STACK", MM_MAP_STACK }, { "MAP_DENYWRITE", MM_MAP_DENYWRITE }, { "MAP_POPULATE", MM_MAP_POPULATE },
	{ "MAP_LOCKED", MM_MAP_LOCKED }, { "MAP_GROWSDOWN", MM_MAP_GROWSDOWN }, { "MAP_32BIT", MM_MAP_32BIT },
	{ "MAP_HUGETLB", MM_MAP_HUGETLB }, { "MAP_EXECUTABLE", MM_MAP_EXECUTABLE }, { "MAP_NONBLOCK", MM_MAP_NONBLOCK },
	{ "MAP_SHARED_VALIDATE", MM_MAP_SHARED_VALIDATE }, { "MAP_SYNC", MM_MAP_SYNC }, { "MAP_ABOVE4G", MM_MAP_ABOVE4G },
	{ "MAP_ANON", MM_MAP_ANONYMOUS }, { "MAP_FILE", 0 }, { "MAP_HUGE_2MB", UINT64_C(21) << MM_MAP_HUGE_SHIFT },
	{ "MAP_HUGE_1GB", UINT64_C(30) << MM_MAP_HUGE_SHIFT }, { 0 },
};

static const struct word mremap_words[] = {
	{ "MREMAP_MAYMOVE", MM_MREMAP_MAYMOVE }, { "MREMAP_FIXED", MM_MREMAP_FIXED },
	{ "MREMAP_DONTUNMAP", MM_MREMAP_DONTUNMAP }, { 0 },
};

static const struct word madv_words[] = {
#define MADV(x) { "MADV_" #x, MM_MADV_##x }
	MADV(NORMAL), MADV(RANDOM), MADV(SEQUENTIAL), MADV(WILLNEED), MADV(DONTNEED), MADV(FREE), MADV(REMOVE), MADV(DONTFORK),
	MADV(DOFORK), MADV(MERGEABLE), MADV(UNMERGEABLE), MADV(HUGEPAGE), MADV(NOHUGEPAGE), MADV(DONTDUMP), MADV(DODUMP),
	MADV(WIPEONFORK), MADV(KEEPONFORK), MADV(COLD), MADV(PAGEOUT), MADV(POPULATE_READ), MADV(POPULATE_WRITE),
	MADV(DONTNEED_LOCKED), MADV(COLLAPSE), MADV(HWPOISON), MADV(SOFT_OFFLINE),
#undef MADV
	{ "MADV_GUARD_INSTALL", 102 }, { "MADV_GUARD_REMOVE", 103 }, { 0 },
};

static const struct word mlock_words[] = { { "MLOCK_ONFAULT", MM_MLOCK_ONFAULT }, { 0 } };

static const struct word mcl_words[] = {
	{ "MCL_CURRENT", MM_MCL_CURRENT }, { "MCL_FUTURE", MM_MCL_FUTURE }, { "MCL_ONFAULT", MM_MCL_ONFAULT }, { 0 },
};

static const struct word ms_words[] = {
	{ "MS_ASYNC", MM_MS_ASYNC }, { "MS_INVALIDATE", MM_MS_INVALIDATE }, { "MS_SYNC", MM_MS_SYNC }, { 0 },
};

static const struct word shm_words[] = {
	{ "SHM_RDONLY", MM_SHM_RDONLY }, { "SHM_RND", MM_SHM_RND }, { "SHM_REMAP", MM_SHM_REMAP }, { "SHM_EXEC", MM_SHM_EXEC },
	{ 0 },
};

static const struct word *const sets[MM_NR_VMA_FLAG_SETS] = {
	[MM_FLAGS_PROT] = prot_words, [MM_FLAGS_MAP] = map_words, [MM_FLAGS_MREMAP] = mremap_words,
	[MM_FLAGS_MADV] = madv_words, [MM_FLAGS_MLOCK] = mlock_words, [MM_FLAGS_MCL] = mcl_words,
	[MM_FLAGS_MS] = ms_words, [MM_FLAGS_SHM] = shm_words,
};

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

static bool is_word(struct mm_str s, const char *word)
{
	return strlen(word) == s.len && !memcmp(s.p, word, s.len);
}

static bool find_word(const struct word *w, struct mm_str s, uint64_t *value)
{
	for (; w->name; w++)
		if (is_word(s, w->name)) {
			*value = w->value;
			return true;
		}
	return false;
}

/* 21<<MAP_HUGE_SHIFT, as strace writes it */
static bool huge_shift(struct mm_str s, uint64_t *value)
{
	static const char tail[] = "<<MAP_HUGE_SHIFT";
	size_t n = sizeof(tail) - 1;

	if (s.len <= n || memcmp(s.p + s.len - n, tail, n))
		return false;
	if (mm_parse_u64((struct mm_str){ s.p, s.len - n }, value) || *value > MM_MAP_HUGE_MASK)
		return false;
	*value <<= MM_MAP_HUGE_SHIFT;
	return true;
}

static void unknown(struct mm_machine *m)
{
	mm_machine_skip(m, "flag words that are not known", false);
}

uint64_t mm_vma_flags(struct mm_machine *m, enum mm_vma_flag_set set, struct mm_str words)
{
	uint64_t all = 0, value;
	struct mm_str w;

	while (next_word(&words, &w)) {
		if (find_word(sets[set], w, &value) || !mm_parse_u64(w, &value))
			all |= value;
		else
			unknown(m);
	}
	return all;
}

void mm_vma_mmap_flags(struct mm_machine *m, struct mm_str words, uint64_t *prot, uint64_t *flags)
{
	uint64_t value;
	struct mm_str w;

	*prot = *flags = 0;
	while (next_word(&words, &w)) {
		if (find_word(prot_words, w, &value))
			*prot |= value;
		else if (find_word(map_words, w, &value) || huge_shift(w, &value) || !mm_parse_u64(w, &value))
			*flags |= value;
		else
			unknown(m);
	}
}

bool mm_vma_has_word(struct mm_str words, const char *word)
{
	struct mm_str w;

	while (next_word(&words, &w))
		if (is_word(w, word))
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
