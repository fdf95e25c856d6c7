/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reclaim.h - between the files of mm-reclaim */
#ifndef RECLAIM_H
#define RECLAIM_H

#include "cmd.h"

extern const struct mm_table reclaim_curve_table;

/* --sweep=TEXT: run the points and print the curve. 0 or -errno with a->err. */
int reclaim_sweep(struct cmd_args *a, const char *text);

#endif /* RECLAIM_H */
