/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmm/maps.h - /proc/PID/maps and smaps as rows
 */
#ifndef LIBMM_MAPS_H
#define LIBMM_MAPS_H

#include <libmm/error.h>
#include <libmm/input.h>
#include <libmm/types.h>

/* One mapping.  @name points into the reader's buffer: valid during the call that gives the row. */
struct mm_maps_row {
	uint64_t start, end, offset, inode;	/* [start, end) */
	uint32_t dev_major, dev_minor;
	char perms[5];				/* "rw-p" */
	struct mm_str name;			/* without " (deleted)"; newlines stay \012 as the kernel writes them */
	bool deleted;
	/* only smaps has these */
	uint64_t anonymous_kib, vm_flags;	/* vm_flags with 6.6's bits, 0 when there is no VmFlags line */
};

/**
 * mm_maps_read() - every mapping of a maps or smaps text, in the file's order
 * @fn:	called with each; its return other than 0 ends the reading and is returned
 *
 * Return: 0; -EINVAL with @err (file, line) for a line that is neither, for
 * ranges that are empty or not in ascending order; what @fn returned.
 */
int mm_maps_read(struct mm_input *in, int (*fn)(const struct mm_maps_row *row, void *arg), void *arg,
		 struct mm_error *err);

#endif /* LIBMM_MAPS_H */
