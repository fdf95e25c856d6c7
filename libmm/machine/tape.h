/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * machine/tape.h - rows of a trace, read once and played by several machines in as many threads
 */
#ifndef MACHINE_TAPE_H
#define MACHINE_TAPE_H

#include <libmm/error.h>
#include <libmm/trace.h>

struct mm_tape;
struct mm_tape_chunk;

/* @max_bytes: room for rows; one thread records. 0 or -ENOMEM. */
int mm_tape_new(struct mm_tape **tp, size_t max_bytes);
void mm_tape_free(struct mm_tape *t);	/* nobody plays it any more */

/* 0; -ENOSPC: there is no more room (or host memory), and nothing was recorded. */
int mm_tape_record(struct mm_tape *t, const struct mm_event *ev, uint64_t line);

/*
 * No more rows come. @code: 0, 1 (there are more than had room) or -errno with @err, which players get after the last row.
 * @rows: of the trace that were heard or passed over so far; @skips: what reading left out (at most MM_MAX_SKIPS, copied).
 */
void mm_tape_end(struct mm_tape *t, int code, uint64_t rows, const struct mm_skip *skips, size_t nr_skips, const struct mm_error *err);
/* Once a player has come to the end. */
uint64_t mm_tape_rows(const struct mm_tape *t);
const struct mm_skip *mm_tape_skips(const struct mm_tape *t, size_t *nr);

/* Where one player is; zeroed but for @tape at the beginning. */
struct mm_tape_player {
	struct mm_tape *tape;
	const struct mm_tape_chunk *chunk;	/* NULL: before the first */
	size_t pos;				/* in it */
	struct mm_event last;			/* row, and its line, that the next tells the difference to */
	uint64_t line;
};

/**
 * mm_tape_play() - the next rows, as soon as they are recorded
 * @ev, @line:	room for @max of each; slices stay valid as long as the tape
 *
 * Return: their number, 0 when all were given out, -errno with @err; *@code is what mm_tape_end() was told, once it is 0.
 */
long mm_tape_play(struct mm_tape_player *p, struct mm_event *ev, uint64_t *line, size_t max, int *code, struct mm_error *err);

#endif /* MACHINE_TAPE_H */
