/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmm/slabinfo.h - slab caches as a kernel shows them: /proc/slabinfo and /sys/kernel/slab
 */
#ifndef LIBMM_SLABINFO_H
#define LIBMM_SLABINFO_H

#include <libmm/error.h>
#include <libmm/input.h>
#include <libmm/source.h>
#include <libmm/table.h>
#include <libmm/types.h>

/*
 * One cache: a row of table caches (<libmm/tables.h>).  What a source does not tell is MM_MISSING_U64, NULL or
 * empty.
 */
struct mm_cache_row {
	const char *name;
	uint64_t object_size;		/* bytes asked for */
	uint64_t slab_size;		/* bytes from one object to the next; slabinfo's objsize */
	uint64_t align, order, objects_per_slab;
	uint64_t active_objects, objects;
	uint64_t active_slabs, slabs, size_bytes;	/* size_bytes: of all slabs */
	uint64_t limit, batchcount, shared_factor, shared_avail;	/* tunables of SLAB; 0 with SLUB */
	uint64_t min_partial, cpu_partial, aliases;
	uint64_t useroffset, usersize;	/* bytes that may be copied from and to user space; sysfs tells the second alone */
	uint64_t allocs, frees, live_objects, failed;	/* of a replay */
	uint64_t fast_allocs, fast_frees;
	struct mm_str flags;
	struct mm_str unique_id;	/* ":A-0000192", or the name of a cache that does not merge: its folder in /sys/kernel/slab */
	struct mm_str alias_names;	/* further names, joined by | */
};

struct mm_slabinfo {
	unsigned int major, minor;	/* version of the format */
	struct mm_cache_row *v;		/* in the order of the file; their texts are owned */
	size_t nr, cap;
	/*
	 * Bytes of a page of that machine.  0 before reading: found out, as a sysroot tells (mm_sysroot_page_size()), else as the
	 * smallest in which every slab holds its objects; else the caller's word is taken.
	 */
	uint32_t page_size;
};

/**
 * mm_slabinfo_read() - the caches of a /proc/slabinfo
 * @info:	zeroed by the caller; mm_slabinfo_free() it afterwards, also after an error
 *
 * Versions 2.0, 2.1 and later ones of major version 2: columns are found by
 * the names in the header, those not known are ignored.  Version 1.1 (Linux 2.4) too.
 *
 * Return: 0; -EINVAL with @err naming file and line; -ENOMEM.
 * Source: Linux 6.6 mm/slab_common.c print_slabinfo_header(), cache_show().
 */
int mm_slabinfo_read(struct mm_slabinfo *info, struct mm_input *in, struct mm_error *err);
void mm_slabinfo_free(struct mm_slabinfo *info);

/*
 * Fill in what /sys/kernel/slab tells of caches that @info has; without any rows, add every cache found there.
 * 0 or -ENOMEM.
 */
int mm_slab_sysfs_read(struct mm_slabinfo *info, const struct mm_sysroot *root);

/*
 * What a sysroot tells: proc/slabinfo and sys/kernel/slab.  *@denied (may be
 * NULL) tells that slabinfo is there but not readable (it is for root alone)
 * and the rows are those of /sys.  0; -errno with @err when neither is there.
 */
int mm_sysroot_slabinfo(struct mm_slabinfo *info, const struct mm_sysroot *root, bool *denied, struct mm_error *err);

#endif /* LIBMM_SLABINFO_H */
