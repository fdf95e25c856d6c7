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

/* --policy: @policies has a bit by enum mm_policy_kind. 0 or -errno with a->err. */
int reclaim_policies(struct cmd_args *a, unsigned int policies);

/* --sweep=TEXT: run the points and print the curve. 0 or -errno with a->err. */
int reclaim_sweep(struct cmd_args *a, const char *text);

#endif /* RECLAIM_H */
