/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * buddy.h - between the files of mm-buddy
 */
#ifndef CMD_BUDDY_H
#define CMD_BUDDY_H

#include <libmm/pages.h>

#include "cmd.h"

/* -t pages or -t pageflags? */
bool buddy_wants_pages(const struct cmd_args *a);
/* Of a sysroot or the live system; of an open kpageflags file. 0 or -errno with a->err. */
int buddy_pages_of_sysroot(struct cmd_args *a, const struct mm_pages_select *select);
int buddy_pages_of_file(struct cmd_args *a, const struct mm_pages_select *select, struct mm_input *in);

#endif /* CMD_BUDDY_H */
