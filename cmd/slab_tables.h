/* SPDX-License-Identifier: GPL-2.0-or-later */
/* slab_tables.h - the tables of mm-slab that no machine has: layout, diff, compare */
#ifndef CMD_SLAB_TABLES_H
#define CMD_SLAB_TABLES_H

#include <libmm/slabinfo.h>

#include "cmd.h"

struct slab_args {
	const char *before;		/* --before=FILE */
};

extern const struct mm_table slab_layout_table, slab_diff_table, slab_compare_table;

int slab_layout_run(struct cmd_args *a, struct mm_input *in);	/* the layout of every cache of a CSV */
int slab_diff_rows(const struct mm_slabinfo *before, const struct mm_slabinfo *after, struct mm_table_writer *w);
int slab_compare_run(struct cmd_args *a, struct mm_input *in);	/* one trace through all three allocators */

#endif /* CMD_SLAB_TABLES_H */
