/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The lines of an strace log, and a look at those ahead.
 *
 * With -z and -e status=successful strace writes a call when it has succeeded, and nothing of a clone before.  Its child speaks earlier:
 *
 *   13 brk(NULL)                            = 0x5593e186b000
 *   12 clone(child_stack=NULL, flags=SIGCHLD) = 13
 *
 * Who asks for the clone that made a task makes lines wait in a queue, each looked at once; it has an end in lines and bytes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "source/scan.h"
#include "source/strace.h"

enum { MAX_LINES = 4096, MAX_BYTES = 4 << 20 };

/* A last line without its line feed: its end tells whether more is missing. A number may be the beginning of a longer one. */
static bool is_whole(struct mm_str line)
{
	static const char *const ends[] = { "+++", "---", " = ?", " <unfinished ...>" };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		size_t n = strlen(ends[i]);

		if (line.len >= n && !memcmp(line.p + line.len - n, ends[i], n))
			return true;
	}
	return line.len && line.p[line.len - 1] == ')' && memmem(line.p, line.len, " = -1 E", 7);
}

/*
 * On standard error strace tells of new tasks even in the middle of a line:
 *
 *	clone(child_stack=NULL, flags=SIGCHLDstrace: Process 13 attached
 *	) = 13
 *
 * (before 4.10 without "strace: ")
 * @line becomes the whole one; empty: the rest is yet to come. 0 or -ENOMEM.
 */
static int glue(struct strace_lines *l, struct mm_str *line)
{
	const char *notice = strace_attached(*line);
	size_t n = l->begun ? strlen(l->begun) : 0, len = notice ? (size_t)(notice - line->p) : line->len;
	char *text;

	if (notice ? !len && !n : !n)
		return 0;
	if (!notice && strace_is_notice(*line)) {
		line->len = 0;
		return 0;
	}
	text = malloc(n + len + 1);
	if (!text)
		return -ENOMEM;
	if (n)
		memcpy(text, l->begun, n);
	memcpy(text + n, line->p, len);
	text[n + len] = '\0';
	free(l->begun);
	l->begun = NULL;
	if (notice) {
		l->begun = text;
		*line = (struct mm_str){ NULL, 0 };
	} else {
		free(l->glued);
		l->glued = text;
		*line = (struct mm_str){ text, n + len };
	}
	return 0;
}

/* The next line of the input: 1, 0 the end, -errno with @err. */
static int read_line(struct strace_lines *l, struct strace_line *line, struct mm_error *err)
{
	struct mm_str text;
	int e = mm_input_line(l->src->in, &text, err);

	if (e <= 0)
		return e;
	*line = (struct strace_line){ .nr = l->src->in->line };
	line->cut = mm_trace_is_cut(l->src) && !is_whole(text);
	if (!line->cut && glue(l, &text))
		return mm_error_set(err, -ENOMEM, "out of memory");
	line->text = text;
	return 1;
}

/* ---- ahead ------------------------------------------------------------------------- */

/* Is it the line of a clone that has returned? Then whose, and where its child's number is told. */
static void find_birth(struct strace_line *line)
{
	static const char resumed[] = " resumed>";
	struct strace_clock clock = { 0 };
	struct strace_call call = { 0 };
	struct mm_str s = line->text, name, rest;
	const char *end;

	if (!strace_find(s, "clone") && !strace_find(s, "fork"))
		return;
	line->has_pid = strace_cut_head(&clock, &s, &line->pid, &call);
	line->call = s;
	name = s;
	if (scan_word(&name, "<... ")) {
		end = strace_find(name, resumed);
		line->call.len = 0;
	} else {
		end = memchr(name.p, '(', name.len);
	}
	name.len = end ? (size_t)(end - name.p) : 0;
	if (!strace_is_clone(name))
		return;
	for (end = NULL; mm_str_after(s, ")", &s);) {
		rest = s;
		scan_blanks(&rest);
		end = scan_word(&rest, "= ") ? rest.p : end;
	}
	if (!end || !strace_number(rest = (struct mm_str){ end, (size_t)(line->text.p + line->text.len - end) }, &line->child) ||
	    line->child > INT32_MAX)
		line->child = 0;
}

/* One more line into the queue; false: there is none, or no room. */
static bool queue_line(struct strace_lines *l)
{
	struct strace_line line, *slot;
	size_t place, other;
	char *copy;

	if (l->ended || l->nr == MAX_LINES || l->nr_bytes >= MAX_BYTES)
		return false;
	if (!l->queue)
		l->queue = calloc(MAX_LINES, sizeof(*l->queue));
	l->end = l->queue ? read_line(l, &line, &l->err) : mm_error_set(&l->err, -ENOMEM, "out of memory");
	l->ended = l->end <= 0;
	if (l->ended)
		return false;
	copy = malloc(line.text.len + 1);
	place = (l->first + l->nr) % MAX_LINES;
	slot = &l->queue[place];
	if (copy && line.text.len)
		memcpy(copy, line.text.p, line.text.len);
	*slot = line;
	slot->text.p = slot->copy = copy;
	if (copy && !line.cut)
		find_birth(slot);
	if (!copy || (slot->child && !strace_pids_find(&l->named, (uint32_t)slot->child, &other) &&
		      strace_pids_add(&l->named, (uint32_t)slot->child, place))) {
		free(copy);
		l->end = mm_error_set(&l->err, -ENOMEM, "out of memory");
		l->ended = true;
		return false;
	}
	l->nr++;
	l->nr_bytes += line.text.len;
	return true;
}

struct strace_line *strace_lines_birth(struct strace_lines *l, uint64_t child)
{
	size_t place;

	if (!child || child > INT32_MAX)
		return NULL;
	while (!strace_pids_find(&l->named, (uint32_t)child, &place))
		if (!queue_line(l))
			return NULL;
	return &l->queue[place];
}

/* What the input or the glue holds moves with the next line. 1 or -ENOMEM. */
static int keep_line(struct strace_lines *l, struct strace_line *line, struct mm_error *err)
{
	if (line->text.len > l->kept_room || !l->kept) {
		char *p = realloc(l->kept, 2 * line->text.len + 256);

		if (!p)
			return mm_error_set(err, -ENOMEM, "out of memory");
		l->kept = p;
		l->kept_room = 2 * line->text.len + 256;
	}
	if (line->text.len)
		memcpy(l->kept, line->text.p, line->text.len);
	line->text.p = l->kept;
	return 1;
}

int strace_lines_next(struct strace_lines *l, struct strace_line *line, struct mm_error *err)
{
	size_t place;

	free(l->copy);
	l->copy = NULL;
	if (!l->nr && !l->ended) {
		int e = read_line(l, line, err);

		return e > 0 ? keep_line(l, line, err) : e;
	}
	if (!l->nr) {
		if (l->end < 0)
			*err = l->err;
		return l->end;
	}
	*line = l->queue[l->first];
	l->copy = line->copy;
	if (line->child && strace_pids_find(&l->named, (uint32_t)line->child, &place) && place == l->first)
		strace_pids_del(&l->named, (uint32_t)line->child);
	l->first = (l->first + 1) % MAX_LINES;
	l->nr--;
	l->nr_bytes -= line->text.len;
	return 1;
}

void strace_lines_free(struct strace_lines *l)
{
	for (; l->nr; l->nr--, l->first = (l->first + 1) % MAX_LINES)
		free(l->queue[l->first].copy);
	free(l->queue);
	free(l->copy);
	free(l->kept);
	free(l->begun);
	free(l->glued);
	strace_pids_free(&l->named);
}
