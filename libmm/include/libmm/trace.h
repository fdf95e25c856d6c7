/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmm/trace.h - the trace: one row per event, read from any source, written as CSV
 *
 * A row with empty "by" is a cause; a row with "by" is an effect and stands
 * right after its cause.  Readers exist for the trace CSV itself and for each
 * recording that libmm/source knows (strace, lackey, ftrace, ...).
 */
#ifndef LIBMM_TRACE_H
#define LIBMM_TRACE_H

#include <libmm/error.h>
#include <libmm/input.h>
#include <libmm/output.h>
#include <libmm/types.h>

enum mm_event_type {
	MM_EV_NONE,
#define X(sym, word, class, help) MM_EV_##sym,
#include <libmm/events.def>
#undef X
	MM_NR_EVENTS
};

enum mm_event_class {
	MM_CLASS_NONE, MM_CLASS_MACHINE, MM_CLASS_TASK, MM_CLASS_VMA, MM_CLASS_ACCESS,
	MM_CLASS_FILE, MM_CLASS_KERNEL, MM_CLASS_STEP, MM_CLASS_EFFECT,
};

enum mm_by { MM_BY_NONE, MM_BY_BUDDY, MM_BY_SLAB, MM_BY_VMA, MM_BY_FAULT, MM_BY_RECLAIM, MM_BY_OOM, MM_NR_BY };

/* Columns of a trace, in the order they are written. */
enum mm_trace_column {
	MM_TC_TIME_S, MM_TC_CPU, MM_TC_PID, MM_TC_EVENT, MM_TC_ADDR, MM_TC_SIZE, MM_TC_FLAGS, MM_TC_NAME,
	MM_TC_OFFSET, MM_TC_ADDR2, MM_TC_SIZE2, MM_TC_RESULT, MM_TC_BY, MM_NR_TRACE_COLUMNS
};
#define MM_TC_BIT(col) (1u << MM_TC_##col)

enum mm_result_kind {
	MM_RESULT_NONE, MM_RESULT_DEC, MM_RESULT_HEX,	/* in .result */
	MM_RESULT_WORD,					/* in .result_word: ENOMEM, ok, segv, ... */
	MM_RESULT_MINUS,				/* a negative decimal: (int64_t).result */
};

/**
 * struct mm_event - one row
 *
 * @present tells which columns hold a value; a field whose bit is clear is 0.
 * Slices point into the reader (valid until its next read) or to static text.
 */
struct mm_event {
	uint64_t time_ns;
	uint64_t addr, size, addr2, size2, offset;
	uint64_t result;
	uint32_t pid, cpu;
	uint16_t type;			/* enum mm_event_type */
	uint8_t by;			/* enum mm_by */
	uint8_t result_kind;		/* enum mm_result_kind */
	uint32_t present;		/* MM_TC_BIT() of each column that is not empty */
	struct mm_str flags, name, result_word;
};

/* The words of the columns event and by: static text. */
const char *mm_event_word(enum mm_event_type type);
enum mm_event_class mm_event_class(enum mm_event_type type);
const char *mm_by_word(enum mm_by by);

/* An empty row, member by member: faster than the string instructions that compilers make of clearing it whole. */
static inline void mm_event_clear(struct mm_event *ev)
{
	_Static_assert(sizeof(void *) != 8 || sizeof(*ev) == 15 * sizeof(uint64_t), "every member is named below");
	ev->time_ns = ev->addr = 0;
	ev->size = ev->addr2 = 0;
	ev->size2 = ev->offset = 0;
	ev->result = 0;
	ev->pid = ev->cpu = 0;
	ev->type = 0;
	ev->by = ev->result_kind = 0;
	ev->present = 0;
	ev->flags = ev->name = ev->result_word = (struct mm_str){ NULL, 0 };
}

static inline void mm_event_set_result(struct mm_event *ev, enum mm_result_kind kind, uint64_t value)
{
	ev->result_kind = (uint8_t)kind;
	ev->result = value;
	ev->present |= MM_TC_BIT(RESULT);
}

static inline void mm_event_set_word(struct mm_event *ev, const char *word, size_t len)
{
	ev->result_kind = MM_RESULT_WORD;
	ev->result_word = (struct mm_str){ word, len };
	ev->present |= MM_TC_BIT(RESULT);
}

/* What a recording left out or held beyond our vocabulary: reported at the end, one line each. */
struct mm_skip {
	const char *what;		/* "syscalls that do not touch memory" */
	uint64_t count;
	uint64_t first_line;
	bool harmless;			/* not an error under --strict */
};
enum { MM_MAX_SKIPS = 24 };

struct mm_trace_reader;

struct mm_trace_options {
	const char *from;		/* --from=NAME or NULL: tell by content */
	bool strict;			/* what would be skipped is an error */
	bool hashed_keys;		/* references: keys that are no page numbers are hashed, not numbered; no memory for them */
	uint32_t seeded;		/* the process that began before the recording: tasks that nobody made are its threads; 0: none */
	uint32_t captures;		/* bit by enum mm_source_kind: what the caller reads as well, which messages then name */
};

/**
 * mm_trace_reader_new() - read events from @in, whatever its format
 *
 * @in must outlive the reader.  Return: 0; -EINVAL with @err when the content
 * is none that carries events (the nearest known header is named); -ENOMEM.
 */
int mm_trace_reader_new(struct mm_trace_reader **rp, struct mm_input *in,
			const struct mm_trace_options *opt, struct mm_error *err);
void mm_trace_reader_free(struct mm_trace_reader *r);

/**
 * mm_trace_read() - the next rows
 * @ev:	room for @max rows
 *
 * Return: number of rows (fewer than @max says nothing about the end), 0 at
 * the end, -errno with @err; rows before the one at fault are given out first.
 */
long mm_trace_read(struct mm_trace_reader *r, struct mm_event *ev, size_t max, struct mm_error *err);
/**
 * mm_trace_first_cpus() - how many CPUs the first rows of a trace name
 * @ev:	the @n rows that the first mm_trace_read() gave
 * @row:	set to the row cpus that says so, unless it is 0
 *
 * A recording does not always say how many CPUs its machine had; rows of CPUs beyond the machine's take turns on those
 * that it has.  Return: their number; 0 where no row names another than the first one, one names more than a machine can
 * have (MM_MAX_CPUS), or a row cpus says it.
 */
uint32_t mm_trace_first_cpus(const struct mm_event *ev, size_t n, struct mm_event *row);
uint32_t mm_trace_columns(const struct mm_trace_reader *r);	/* MM_TC_BIT()s the rows may have */
const char *mm_trace_format(const struct mm_trace_reader *r);	/* "trace", "strace", "lackey", ... */
uint64_t mm_trace_line(const struct mm_trace_reader *r, size_t i);	/* line of row @i of the last read */
const struct mm_skip *mm_trace_skips(const struct mm_trace_reader *r, size_t *nr);

/* The formats by number, for "--from=help"; NULL past the last one.  @help may be NULL. */
const char *mm_trace_format_name(size_t i, const char **help);

struct mm_trace_writer {
	struct mm_output *out;
	uint32_t columns;		/* MM_TC_BIT()s, written in enum order */
};

/* The header with the writer's columns, and a row below it; errors stick to the output (<libmm/output.h>). */
void mm_trace_writer_header(struct mm_trace_writer *w);
void mm_trace_writer_row(struct mm_trace_writer *w, const struct mm_event *ev);

/* A cgroup row that names no task and no file of the cgroup is memory.max of the whole workload: part of the machine. */
static inline bool mm_event_limits_workload(const struct mm_event *ev)
{
	return ev->type == MM_EV_CGROUP && !(ev->present & MM_TC_BIT(PID)) && !ev->flags.len;
}

/* An access that is a page fault of a recording: "FAULT|PROT|WRITE|USER|INSTR", or "FAULT" alone where no code is known. */
bool mm_event_is_recorded_fault(const struct mm_event *ev);

/* What causes of a trace tell of how much memory programs need: their number so far. */
struct mm_trace_told {
	uint64_t calls;			/* for address spaces and files */
	uint64_t accesses, recorded_faults;	/* the latter are among the former */
};
/* One more, in line because traces have many.  Return: its class. */
static inline enum mm_event_class mm_trace_tell(struct mm_trace_told *told, const struct mm_event *cause)
{
	enum mm_event_class kind = mm_event_class((enum mm_event_type)cause->type);

	if (kind == MM_CLASS_ACCESS) {
		told->accesses++;
		if (cause->present & MM_TC_BIT(FLAGS))
			told->recorded_faults += mm_event_is_recorded_fault(cause);
	} else if (kind == MM_CLASS_VMA || kind == MM_CLASS_FILE) {
		told->calls++;
	}
	return kind;
}
/*
 * How much memory a program needs is told by all of its accesses, of which its calls and page faults are a few.  Return: the words for a
 * trace that has no more than these, with their number in *@n; NULL: it has others, or no program.  Static text.
 */
const char *mm_trace_lacks_accesses(const struct mm_trace_told *told, uint64_t *n);

#endif /* LIBMM_TRACE_H */
