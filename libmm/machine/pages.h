/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * machine/pages.h - between the files that decode page frames
 */
#ifndef MACHINE_PAGES_H
#define MACHINE_PAGES_H

#include <libmm/pages.h>

/* Rows of a machine's frames (pages_machine.c). 0 or -errno. */
int mm_pages_rows(struct mm_machine *m, struct mm_table_writer *w);
int mm_pageflags_rows(struct mm_machine *m, struct mm_table_writer *w);

/* The frames that a list takes. */
const struct mm_pages_select *mm_pages_list_select(const struct mm_pages_list *l);

#endif /* MACHINE_PAGES_H */
