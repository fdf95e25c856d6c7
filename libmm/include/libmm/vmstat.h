/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmm/vmstat.h - the counters of a machine under /proc/vmstat's names
 *
 * STATE counters are kept as they change, in pages (or bytes where the kernel
 * has bytes); EVENT counters only grow.
 */
#ifndef LIBMM_VMSTAT_H
#define LIBMM_VMSTAT_H

#include <libmm/types.h>

enum mm_counter {
#define X(sym, name, kind) MM_##sym,
#include <libmm/counters.def>
#undef X
	MM_NR_COUNTERS
};

struct mm_vmstat {
	int64_t v[MM_NR_COUNTERS];
};

/* Its name in /proc/vmstat, static text; whether it only grows; whether anything here counts it, else it stays 0. */
const char *mm_counter_name(enum mm_counter c);
bool mm_counter_is_event(enum mm_counter c);
bool mm_counter_is_modelled(enum mm_counter c);
int mm_counter_parse(struct mm_str name);	/* enum or -EINVAL */

#endif /* LIBMM_VMSTAT_H */
