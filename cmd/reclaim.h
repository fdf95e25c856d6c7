/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reclaim.h - between the files of mm-reclaim */
#ifndef RECLAIM_H
#define RECLAIM_H

#include <libmm/oom.h>

#include "cmd.h"

extern const struct mm_table reclaim_curve_table, reclaim_oom_table, reclaim_policy_table;

/* --explain-oom=FILE, with other settings of some tasks; the tasks of a captured machine. 0 or -errno with a->err. */
int reclaim_explain_oom(struct cmd_args *a, const char *file, const struct mm_oom_adj *adjs, size_t nr_adjs);
int reclaim_inspect_oom(struct cmd_args *a);
/* The memory cgroups of a captured machine, or of this one. 0 or -errno with a->err. */
int reclaim_inspect_memcg(struct cmd_args *a);

/*
 * --policy: @policies has a bit by enum mm_policy_kind; in the size of --memory-max or those of @sweep (NULL none);
 * @rate of 2^32 pages are looked at. 0 or -errno with a->err.
 */
int reclaim_policies(struct cmd_args *a, unsigned int policies, const char *sweep, uint64_t rate);

/* A bar of @n where @most is RECLAIM_BAR characters, for a terminal. */
enum { RECLAIM_BAR = 32, RECLAIM_BAR_BYTES = 3 * RECLAIM_BAR + 4 };
void reclaim_bar(char *text, uint64_t n, uint64_t most);

/* --sweep=TEXT, @nr of them: run the points and print the curve. 0 or -errno with a->err. */
int reclaim_sweep(struct cmd_args *a, const char *const *texts, size_t nr);

#endif /* RECLAIM_H */
