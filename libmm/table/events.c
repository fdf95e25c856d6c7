/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Words of the trace's vocabulary, from events.def.
 */
#include <libmm/trace.h>
#include "base/str.h"
#include "table/trace_row.h"

const struct mm_str mm_event_texts[MM_NR_EVENTS] = {
	[MM_EV_NONE] = { "", 0 },
#define X(sym, word, class, help) [MM_EV_##sym] = { #word, sizeof(#word) - 1 },
#include <libmm/events.def>
#undef X
};

const struct mm_event_wide mm_event_wides[MM_NR_EVENTS] = {
#define X(sym, word, class, help) [MM_EV_##sym] = { #word, sizeof(#word) - 1 },
#include <libmm/events.def>
#undef X
};

const char *const mm_trace_column_names[MM_NR_TRACE_COLUMNS] = {
	"time_s", "cpu", "pid", "event", "addr", "size", "flags", "name", "offset", "addr2", "size2", "result", "by",
};

const uint8_t mm_event_classes[MM_NR_EVENTS] = {
#define X(sym, word, class, help) [MM_EV_##sym] = MM_CLASS_##class,
#include <libmm/events.def>
#undef X
};

const struct mm_by_wide mm_by_wides[MM_NR_BY] = {
	[MM_BY_BUDDY] = { "buddy", 5 }, [MM_BY_SLAB] = { "slab", 4 }, [MM_BY_VMA] = { "vma", 3 }, [MM_BY_FAULT] = { "fault", 5 },
	[MM_BY_RECLAIM] = { "reclaim", 7 }, [MM_BY_OOM] = { "oom", 3 },
};

const char *mm_event_word(enum mm_event_type type) { return mm_event_texts[type].p; }
enum mm_event_class mm_event_class(enum mm_event_type type) { return (enum mm_event_class)mm_event_classes[type]; }
const char *mm_by_word(enum mm_by by) { return mm_by_wides[by].text; }

bool mm_event_is_recorded_fault(const struct mm_event *ev)
{
	return ev->present & MM_TC_BIT(FLAGS) && mm_has_word(ev->flags, "FAULT");
}

const char *mm_trace_lacks_accesses(const struct mm_trace_told *told, uint64_t *n)
{
	if (told->accesses > told->recorded_faults)
		return NULL;
	*n = told->recorded_faults;
	if (*n)
		return "page faults, and no other access is recorded: with less memory there would be more than are told here";
	*n = told->calls;
	return *n ? "calls, and no access is recorded: the memory that programs use between their calls is not told here" : NULL;
}
