/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names of the counters, from counters.def.
 */
#include <errno.h>

#include <libmm/vmstat.h>
#include "base/str.h"

enum kind { STATE, EVENT, NO_STATE, NO_EVENT };

static const struct {
	const char *name;
	enum kind kind;
} counters[MM_NR_COUNTERS] = {
#define X(sym, cname, ckind) [MM_##sym] = { #cname, ckind },
#include <libmm/counters.def>
#undef X
};

const char *mm_counter_name(enum mm_counter c) { return counters[c].name; }
bool mm_counter_is_event(enum mm_counter c) { return counters[c].kind == EVENT || counters[c].kind == NO_EVENT; }
bool mm_counter_is_modelled(enum mm_counter c) { return counters[c].kind == STATE || counters[c].kind == EVENT; }

int mm_counter_parse(struct mm_str name)
{
	for (int c = 0; c < MM_NR_COUNTERS; c++)
		if (mm_str_is(name, counters[c].name))
			return c;
	return -EINVAL;
}
