/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmm/cgroup.h - memory cgroups as their files tell of them, of cgroup v2 and v1
 */
#ifndef LIBMM_CGROUP_H
#define LIBMM_CGROUP_H

#include <libmm/error.h>
#include <libmm/source.h>
#include <libmm/table.h>
#include <libmm/types.h>

/* What stands for "max" of v2, and for v1's largest number: no limit. */
#define MM_CGROUP_NO_LIMIT	(UINT64_MAX - 1)
enum { MM_CGROUP_NR_LISTS = 5 };	/* inactive_anon, active_anon, inactive_file, active_file, unevictable */

/*
 * One memory cgroup: a row of table memcg (<libmm/tables.h>).  Bytes, of it and those below; what no file tells is
 * MM_MISSING_U64.  Names are those of cgroup v2; what v1 calls otherwise is beside them.
 */
struct mm_cgroup_row {
	const char *memcg;		/* path, / for the root; of a list, which owns it */
	size_t parent;			/* in a list: the nearest above it that is there too; SIZE_MAX: none is */
	uint64_t current;		/* memory.current, memory.usage_in_bytes */
	uint64_t swap_current;		/* memory.swap.current; total_swap of memory.stat */
	uint64_t max, high, low, min;	/* max: memory.limit_in_bytes */
	uint64_t swap_max, swap_high;
	uint64_t peak;			/* memory.peak, memory.max_usage_in_bytes */
	uint64_t soft_limit;		/* memory.soft_limit_in_bytes */
	uint64_t memsw, memsw_max;	/* memory.memsw.usage_in_bytes, .limit_in_bytes */
	uint64_t swappiness;		/* memory.swappiness of v1, 0 .. 200 */
	uint64_t oom_group;		/* memory.oom.group, 0 or 1 */
	/* memory.stat; v1's total_ lines */
	uint64_t anon, file;		/* rss, cache */
	uint64_t kernel;		/* memory.kmem.usage_in_bytes; before Linux 5.18 its parts */
	uint64_t kernel_stack, pagetables, percpu, sock, slab, slab_reclaimable;
	uint64_t shmem, swapcached, file_dirty;
	uint64_t lists[MM_CGROUP_NR_LISTS];
	/* memory.events; the last of memory.oom_control too */
	uint64_t events_low, events_high, events_max, events_oom, events_oom_kill;
	uint64_t throttled_ns;		/* of a simulated one alone */
	int64_t used_centi;		/* current in hundredths of a percent of max; MM_MISSING_I64: no limit, or not told */
	uint64_t headroom;		/* what it may still be charged before a limit of it or of one above is met */
};

struct mm_cgroup_list {
	struct mm_cgroup_row *v;	/* each behind its parent and that one's elder children (by name) with all that is below them */
	size_t nr, cap;
	uint64_t unreadable;		/* files that cannot be read, lines that are not as they should be */
};

/**
 * mm_cgroups_read() - the memory cgroups of a sysroot
 * @l: zeroed by the caller; mm_cgroups_free() it afterwards, also after an error
 *
 * Of v1 the hierarchy of the memory controller, sys/fs/cgroup/memory, where there is one; else that of v2, sys/fs/cgroup.
 * A directory without files of the controller is no row; what is below it is looked at.
 *
 * Return: 0; -ENOENT with @err: there is none; -ENOMEM.
 * Source: Linux 6.6 mm/memcontrol.c memory_files[], swap_files[], mem_cgroup_legacy_files[], memsw_files[].
 */
int mm_cgroups_read(struct mm_cgroup_list *l, const struct mm_sysroot *root, struct mm_error *err);
void mm_cgroups_free(struct mm_cgroup_list *l);

/*
 * The cgroup @path ("/a/b", shorter than 4096 bytes, which leads nowhere out of the tree) alone, into @row, whose .memcg is left
 * NULL: of v2 and v1, whichever has files of that path.  Number of files and lines that are unreadable.
 */
uint64_t mm_cgroup_read(struct mm_cgroup_row *row, const struct mm_sysroot *root, const char *path);

/*
 * Does the capture tell of a memory cgroup below the root: by files of its own, or by a task that is in one (proc/PID/cgroup)?
 * 1, 0 or -ENOMEM.
 */
int mm_sysroot_has_cgroups(const struct mm_sysroot *root);

#endif /* LIBMM_CGROUP_H */
