/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mm-buddy -t pages, -t pageflags: page frames decoded, of proc/kpageflags
 */
#include <errno.h>
#include <string.h>

#include <libmm/source.h>

#include "buddy.h"

static bool is_summary(const struct cmd_args *a) { return a->table && !strcmp(a->table, mm_table_pageflags.table.name); }

bool buddy_wants_pages(const struct cmd_args *a)
{
	return is_summary(a) || (a->table && !strcmp(a->table, mm_table_pages.table.name));
}

/* The columns that only a simulated machine fills are left out of a capture's rows. */
static const char capture_columns[] = "pfn,pages,flags,symbolic,names,mapcount";

static int begin(struct cmd_args *a, const struct mm_pages_select *select, struct mm_table_writer **w,
		 struct mm_pages_list **l)
{
	struct mm_pages_select s = *select;
	int e;

	if (!a->columns && !is_summary(a))
		a->columns = capture_columns;
	s.summary = is_summary(a);
	e = cmd_table(a, s.summary ? &mm_table_pageflags.table : &mm_table_pages.table, w);
	if (!e && mm_pages_list_new(l, &s, *w))
		e = mm_error_set(&a->err, -ENOMEM, "out of memory");
	return e;
}

static int show_capture(struct cmd_args *a, const struct mm_pages_select *select, struct mm_input *flags,
			struct mm_input *counts)
{
	struct mm_pages_list *l = NULL;
	struct mm_table_writer *w = NULL;
	int e = begin(a, select, &w, &l);

	if (!e)
		e = mm_pages_of_capture(l, flags, counts, &a->err);
	mm_pages_list_end(l);
	return cmd_table_end(a, w, e);
}

int buddy_pages_of_file(struct cmd_args *a, const struct mm_pages_select *select, struct mm_input *in)
{
	cmd_uses(a, CMD_FORM | CMD_BIT(FROM), "a capture of page flags");
	return show_capture(a, select, in, NULL);
}

int buddy_pages_of_sysroot(struct cmd_args *a, const struct mm_pages_select *select)
{
	struct mm_input *flags = NULL, *counts = NULL;
	struct mm_sysroot *root;
	int e;

	cmd_uses(a, CMD_FORM | CMD_OF_SYSTEM, "the page flags of a running or captured system");
	e = mm_sysroot_open(&root, a->sysroot, &a->err);
	if (e)
		return e;
	e = mm_sysroot_input(root, "proc/kpageflags", &flags, &a->err);
	if (e == -EACCES || e == -EPERM)
		mm_error_set(&a->err, e, "%s/proc/kpageflags: only root may read it", mm_sysroot_name(root));
	if (!e && mm_sysroot_has(root, "proc/kpagecount"))
		e = mm_sysroot_input(root, "proc/kpagecount", &counts, &a->err);
	if (!e)
		e = show_capture(a, select, flags, counts);
	mm_input_free(flags);
	mm_input_free(counts);
	return cmd_close_sysroot(a, root, e);
}
