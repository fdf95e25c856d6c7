/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virt/maple.h - the maple tree that holds an address space's VMAs
 *
 * Model: Linux 6.6 lib/maple_tree.c: range nodes of 16 slots, allocation nodes
 * of 10 slots with gaps, without RCU.
 */
#ifndef VIRT_MAPLE_H
#define VIRT_MAPLE_H

#include <libmm/types.h>

struct mm_maple_tree {
	void *ma_root;
	uint32_t ma_flags;
	uint32_t height;
};

#endif /* VIRT_MAPLE_H */
