/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tunables, from sysctl.def.  A value is kept as a number; the few that the
 * kernel spells as words (transparent_hugepage/enabled, the slab allocator)
 * take the words too.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/sysctl.h>
#include "base/str.h"
#include "base/nearest.h"

static const struct mm_sysctl_info tunables[] = {
#define X(sym, tname, tdef, tmin, tmax, thelp) { tname, thelp, tdef, tmin, tmax },
#include <libmm/sysctl.def>
#undef X
};

enum { NR_TUNABLES = sizeof(tunables) / sizeof(tunables[0]) };

static const struct {
	enum mm_sysctl_id id;
	const char *word;
	int64_t value;
} words[] = {
	{ MM_SYSCTL_THP, "never", 0 }, { MM_SYSCTL_THP, "madvise", 1 }, { MM_SYSCTL_THP, "always", 2 },
	{ MM_SYSCTL_THP_DEFRAG, "never", 0 }, { MM_SYSCTL_THP_DEFRAG, "madvise", 1 },
	{ MM_SYSCTL_THP_DEFRAG, "defer", 2 },
	{ MM_SYSCTL_THP_DEFRAG, "defer+madvise", 3 }, { MM_SYSCTL_THP_DEFRAG, "always", 4 },
	{ MM_SYSCTL_SHMEM_ENABLED, "never", 0 }, { MM_SYSCTL_SHMEM_ENABLED, "always", 1 },
	{ MM_SYSCTL_SHMEM_ENABLED, "within_size", 2 }, { MM_SYSCTL_SHMEM_ENABLED, "advise", 3 },
	{ MM_SYSCTL_SHMEM_ENABLED, "deny", 4 }, { MM_SYSCTL_SHMEM_ENABLED, "force", 5 },
	{ MM_SYSCTL_DEV_SHM_HUGE, "never", 0 }, { MM_SYSCTL_DEV_SHM_HUGE, "always", 1 },
	{ MM_SYSCTL_DEV_SHM_HUGE, "within_size", 2 }, { MM_SYSCTL_DEV_SHM_HUGE, "advise", 3 },
	{ MM_SYSCTL_SLAB, "slub", 0 }, { MM_SYSCTL_SLAB, "slab", 1 }, { MM_SYSCTL_SLAB, "slob", 2 },
	{ MM_SYSCTL_CGROUP_MEMORY, "nokmem", 1 },
};

/* Those that are no numbers, from the first on. */
static const char *const texts[] = { "vm.lowmem_reserve_ratio", "slub_debug" };
enum { FIRST_TEXT = MM_SYSCTL_LOWMEM_RESERVE_RATIO };
_Static_assert((int)MM_NR_SYSCTLS - FIRST_TEXT == (int)(sizeof(texts) / sizeof(texts[0])), "texts");

void mm_sysctls_init(struct mm_sysctls *s)
{
	static const int32_t ratio[4] = { 256, 256, 32, 0 };	/* sysctl_lowmem_reserve_ratio[] */

	*s = (struct mm_sysctls){ 0 };
	for (int i = 0; i < NR_TUNABLES; i++)
		s->v[i] = tunables[i].def;
	memcpy(s->lowmem_reserve_ratio, ratio, sizeof(ratio));
}

const char *mm_sysctl_name(enum mm_sysctl_id id)
{
	return (int)id >= FIRST_TEXT ? texts[(int)id - FIRST_TEXT] : tunables[id].name;
}

bool mm_sysctl_info(size_t i, struct mm_sysctl_info *info)
{
	if (i >= NR_TUNABLES)
		return false;
	*info = tunables[i];
	return true;
}

static bool same_name(const char *full, struct mm_str name)
{
	return mm_str_is(name, full) || (!strncmp(full, "vm.", 3) && mm_str_is(name, full + 3));
}

int mm_sysctl_find(struct mm_str name)
{
	for (int i = 0; i < MM_NR_SYSCTLS; i++)
		if (same_name(mm_sysctl_name((enum mm_sysctl_id)i), name))
			return i;
	return mm_str_is(name, "slub_nomerge") ? MM_SYSCTL_SLAB_NOMERGE : -ENOENT;
}

bool mm_sysctl_is_boot(enum mm_sysctl_id id)
{
	return id == MM_SYSCTL_SLUB_DEBUG || (id >= MM_SYSCTL_SLAB && id <= MM_SYSCTL_RANDOM_KMALLOC);
}

/* "256 256 32 0", also with commas or tabs; missing ones keep their value. */
static int set_lowmem_ratio(struct mm_sysctls *s, struct mm_str value, struct mm_error *err)
{
	char text[128];
	char *p = text;

	if (value.len >= sizeof(text))
		return mm_error_set(err, -EINVAL, "%s: expected up to four numbers", texts[0]);
	memcpy(text, value.p, value.len);
	text[value.len] = 0;
	for (int i = 0; i < 4; i++) {
		char *end;
		long v;

		p += strspn(p, " \t,");
		if (!*p)
			break;
		v = strtol(p, &end, 10);
		if (end == p || v < 0 || v > INT32_MAX)
			return mm_error_set(err, -EINVAL, "%s: expected up to four numbers, found '%s'", texts[0], p);
		s->lowmem_reserve_ratio[i] = (int32_t)v;
		p = end;
	}
	s->set[MM_SYSCTL_LOWMEM_RESERVE_RATIO] = true;
	return 0;
}

/* Blocks of letters and a list of caches: "FZ,dentry,kmalloc-*;U"; nothing is full debugging. */
static int set_slub_debug(struct mm_sysctls *s, struct mm_str value, struct mm_error *err)
{
	bool letters = true;

	while (value.len && (value.p[value.len - 1] == '\n' || value.p[value.len - 1] == ' '))
		value.len--;
	if (!value.len)
		value = MM_STR("FZPU");
	if (value.len >= sizeof(s->slub_debug))
		return mm_error_set(err, -EINVAL, "slub_debug: expected up to %zu bytes", sizeof(s->slub_debug) - 1);
	for (size_t i = 0; i < value.len; i++) {
		char c = value.p[i];

		if (c == ';' || c == ',')
			letters = c == ';';
		else if (!c || (letters && !strchr("FZPUTAOfzputao-", c)))
			return mm_error_set(err, -EINVAL,
					    "slub_debug: expected letters of FZPUTAO or -, then a comma and caches, found '%.*s'",
					    (int)(value.len - i < 40 ? value.len - i : 40), value.p + i);
	}
	memcpy(s->slub_debug, value.p, value.len);
	s->slub_debug[value.len] = 0;
	s->set[MM_SYSCTL_SLUB_DEBUG] = true;
	return 0;
}

static int parse_value(int id, struct mm_str value, int64_t *out)
{
	char text[32], *end;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if ((int)words[i].id == id && strlen(words[i].word) == value.len &&
		    !memcmp(words[i].word, value.p, value.len)) {
			*out = words[i].value;
			return 0;
		}
	if (!value.len || value.len >= sizeof(text))
		return -EINVAL;
	memcpy(text, value.p, value.len);
	text[value.len] = 0;
	errno = 0;
	*out = strtoll(text, &end, 0);
	if (*end || errno)
		return -EINVAL;
	return *out < tunables[id].min || *out > tunables[id].max ? -ERANGE : 0;
}

int mm_sysctls_set(struct mm_sysctls *s, struct mm_str name, struct mm_str value, struct mm_error *err)
{
	int id = mm_sysctl_find(name);
	int64_t v;

	if (id < 0) {
		const char *names[MM_NR_SYSCTLS];

		for (int i = 0; i < MM_NR_SYSCTLS; i++)
			names[i] = mm_sysctl_name((enum mm_sysctl_id)i);
		return mm_error_set(err, -EINVAL, "no tunable is called '%.*s'; the nearest is '%s'", (int)name.len,
				    name.p, mm_nearest(name, names, MM_NR_SYSCTLS));
	}
	if (id == MM_SYSCTL_LOWMEM_RESERVE_RATIO)
		return set_lowmem_ratio(s, value, err);
	if (id == MM_SYSCTL_SLUB_DEBUG)
		return set_slub_debug(s, value, err);
	if (parse_value(id, value, &v))
		return mm_error_set(err, -EINVAL, "%s: expected a number in %" PRId64 "..%" PRId64 ", found '%.*s'",
				    tunables[id].name, tunables[id].min, tunables[id].max, (int)value.len, value.p);
	s->v[id] = v;
	s->set[id] = true;
	if (id == MM_SYSCTL_SHMEM_ENABLED && v <= 3)
		s->shm_mnt_huge = (int32_t)v;
	return 0;
}
