/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source/trace_source.h - what one format of recording gives the trace reader
 *
 * Each format is one file with one struct mm_trace_ops, declared at the end
 * of this header and listed in trace.c.  The reader asks every sniff() about
 * the first bytes, opens the surest, and then calls read() for batches.
 */
#ifndef SOURCE_TRACE_SOURCE_H
#define SOURCE_TRACE_SOURCE_H

#include <libmm/trace.h>

enum {
	MM_TRACE_BATCH = 1024,		/* most rows of one read() */
	MM_TRACE_LINE_ROWS = 16,	/* most rows one line of a recording may become */
	MM_TRACE_TARGETS = 64,
};

struct mm_trace_arena;

/* What the reader and the format share; the format keeps the rest in its own state. */
struct mm_trace_source {
	struct mm_input *in;
	bool strict;
	bool hashed_keys;		/* struct mm_trace_options */
	uint32_t seeded;		/* the same */
	const char *tool;		/* who wrote it, where the format's name is another's; NULL: that */
	uint32_t columns;		/* set by open(): MM_TC_BIT()s the rows may have */
	struct mm_skip skips[MM_MAX_SKIPS];
	size_t nr_skips;
	struct mm_trace_arena *arena;	/* see mm_trace_keep() */
	uint64_t targets[MM_TRACE_TARGETS];	/* DAMON's, in order of appearance */
	size_t nr_targets;
};

/* The rows of one read(): at least MM_TRACE_LINE_ROWS of room at its beginning. */
struct mm_trace_batch {
	struct mm_event *ev;
	uint64_t *line;			/* line of the recording that each row comes from */
	size_t nr, max;
};

struct mm_trace_ops {
	const char *name;		/* as in --from=NAME */
	const char *help;		/* one line */

	/* How sure the first bytes (up to MM_INPUT_SNIFF) are of this format: 0 not at all .. 100. */
	int (*sniff)(struct mm_str head);

	/* Make *@state; @src->in stands at its first byte.  0 or -errno with @err, nothing kept. */
	int (*open)(void **state, struct mm_trace_source *src, struct mm_error *err);

	/*
	 * Add rows to the empty @b until it has no room for another line
	 * (mm_trace_batch_is_full()) or as soon as waiting would be needed.
	 * 1 more may come, 0 the end, -errno with @err: rows added before an
	 * error count and are given out first; it is not called again after 0
	 * or an error.  Returning 1 without a row is fine.
	 * Slices in the rows stay valid until the next call.
	 */
	int (*read)(void *state, struct mm_trace_batch *b, struct mm_error *err);

	void (*close)(void *state);	/* not called when open() failed */
};

static inline bool mm_trace_batch_is_full(const struct mm_trace_batch *b)
{
	return b->max - b->nr < MM_TRACE_LINE_ROWS;
}

/* The next row of @b, empty but for its type. */
static inline struct mm_event *mm_trace_add(struct mm_trace_batch *b, enum mm_event_type type, uint64_t line)
{
	struct mm_event *ev = &b->ev[b->nr];

	mm_event_clear(ev);
	ev->type = (uint16_t)type;
	ev->present = MM_TC_BIT(EVENT);
	b->line[b->nr++] = line;
	return ev;
}

/* Fill a column and tell that it is there: mm_event_put(ev, ADDR, addr, x). */
#define mm_event_put(evp, col, field, value) \
	((evp)->field = (value), (evp)->present |= MM_TC_BIT(col))

/* A copy of @s that lives until the next read(); *@kept is empty on -ENOMEM: its row may be looked at all the same. */
int mm_trace_keep(struct mm_trace_source *src, struct mm_str s, struct mm_str *kept);

/*
 * Count something that no row can be made of: @what in the plural and static, "syscalls that do not touch memory", in line @line.  A note
 * changes nothing that is simulated: 0, for callers to return.  A loss may: 0, or -EINVAL with @err when the reader is strict.
 */
int mm_trace_note(struct mm_trace_source *src, const char *what, uint64_t line);
int mm_trace_loss(struct mm_trace_source *src, const char *what, uint64_t line, struct mm_error *err);
/* Whether the line given out last has no end. Who asks tells it: mm_input.truncated, which users look at, is false from then on. */
static inline bool mm_trace_is_cut(struct mm_trace_source *src)
{
	bool cut = src->in->truncated;

	src->in->truncated = false;
	return cut;
}
/* The last line has no end and may have lost more than that: it is not used. */
static inline int mm_trace_skip_cut(struct mm_trace_source *src, uint64_t line, struct mm_error *err)
{
	return mm_trace_loss(src, "lines cut short at the end of the file", line, err);
}

/* The formats; each is listed in trace.c too. */
extern const struct mm_trace_ops mm_trace_csv;		/* trace_csv.c: the trace itself */
extern const struct mm_trace_ops mm_trace_lackey;	/* lackey.c: valgrind's lackey tool */

extern const struct mm_trace_ops mm_trace_damo;		/* damon.c: damo report raw */
extern const struct mm_trace_ops mm_trace_refs;		/* refs.c: references to blocks and keys */
extern const struct mm_trace_ops mm_trace_ftrace;	/* ftrace.c: tracepoints as text, ftrace or perf script */
extern const struct mm_trace_ops mm_trace_strace;	/* strace.c */
extern const struct mm_trace_ops mm_trace_perf;		/* the same under another name */

#endif /* SOURCE_TRACE_SOURCE_H */
