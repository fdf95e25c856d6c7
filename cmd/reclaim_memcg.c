/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mm-reclaim -t memcg --sysroot=DIR: the memory cgroups of a captured machine, or of this one, as their files have them.
 */
#include <errno.h>
#include <inttypes.h>

#include <libmm/cgroup.h>

#include "cmd.h"
#include "reclaim.h"

/* No limit is the empty field, as in the rows of a simulated cgroup. */
static void print_row(struct mm_table_writer *w, const struct mm_cgroup_row *from)
{
	struct mm_cgroup_row row = *from;
	uint64_t *limits[] = { &row.max, &row.high, &row.low, &row.min, &row.swap_max, &row.swap_high, &row.soft_limit, &row.memsw_max };

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (*limits[i] == MM_CGROUP_NO_LIMIT)
			*limits[i] = MM_MISSING_U64;
	mm_table_writer_row(w, &row);
}

int reclaim_inspect_memcg(struct cmd_args *a)
{
	struct mm_cgroup_list l = { 0 };
	struct mm_table_writer *w = NULL;
	struct mm_sysroot *root;
	int e;

	cmd_uses(a, CMD_FORM | CMD_OF_SYSTEM, "the cgroups of a running or captured system");
	e = mm_sysroot_open(&root, a->sysroot, &a->err);
	if (e)
		return e;
	e = mm_cgroups_read(&l, root, &a->err);
	if (!e && l.unreadable && a->strict)
		e = mm_error_set(&a->err, -EINVAL, "%s: expected none of these under --strict, found %" PRIu64
				 " files and lines of cgroups that cannot be read", mm_sysroot_name(root), l.unreadable);
	else if (!e && l.unreadable)
		cmd_note(a, "%s: left out %" PRIu64 " files and lines of cgroups that cannot be read", mm_sysroot_name(root), l.unreadable);
	e = cmd_close_sysroot(a, root, e);
	if (!e)
		e = cmd_table(a, &mm_table_memcg.table, &w);
	for (size_t i = 0; !e && i < l.nr; i++)
		print_row(w, &l.v[i]);
	mm_cgroups_free(&l);
	return cmd_table_end(a, w, e);
}
