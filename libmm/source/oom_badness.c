/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source/oom_badness.c - the OOM killer's arithmetic, for reports, captures and the simulated killer alike
 *
 * Source: Linux 6.6 mm/oom_kill.c oom_badness(), fs/proc/base.c proc_oom_score().
 */
#include <libmm/oom.h>

int64_t mm_oom_badness(uint64_t rss_pages, uint64_t swap_pages, uint64_t pgtables_bytes, int32_t oom_score_adj,
		       uint64_t total_pages)
{
	if (oom_score_adj <= MM_OOM_SCORE_ADJ_MIN)
		return MM_OOM_UNKILLABLE;
	return (int64_t)(rss_pages + swap_pages + pgtables_bytes / MM_PAGE_SIZE) +
	       (int64_t)oom_score_adj * (int64_t)(total_pages / 1000);
}

int64_t mm_oom_score(int64_t points, uint64_t total_pages)
{
	if (points == MM_OOM_UNKILLABLE || !total_pages)
		return 0;
	return (1000 + points * 1000 / (int64_t)total_pages) * 2 / 3;
}

const char *mm_oom_constraint_word(enum mm_oom_constraint c)
{
	static const char *const words[] = {
		[MM_OOM_NONE] = "CONSTRAINT_NONE", [MM_OOM_CPUSET] = "CONSTRAINT_CPUSET",
		[MM_OOM_MEMORY_POLICY] = "CONSTRAINT_MEMORY_POLICY", [MM_OOM_MEMCG] = "CONSTRAINT_MEMCG",
	};

	return words[c];
}
