/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* source/lackey.h - what reading lackey's lines and turning its system calls into rows share */
#ifndef SOURCE_LACKEY_H
#define SOURCE_LACKEY_H

#include "source/fds.h"
#include "source/trace_source.h"

enum { MM_LACKEY_ARGS = 6, MM_LACKEY_CALL_TEXT = 8192 };

/* How much of a call its lines have told so far. */
enum mm_lackey_state { MM_LACKEY_FREE, MM_LACKEY_NO_NAME, MM_LACKEY_NO_RESULT, MM_LACKEY_ASYNC };

struct mm_lackey_call {
	uint32_t pid, slot;		/* process; valgrind's own number of the thread, from 1 */
	uint32_t number;
	uint8_t state;			/* enum mm_lackey_state */
	bool failed;
	uint64_t result;		/* value or errno */
	uint64_t line;			/* where it began */
	char *text;			/* "sys_brk ( 0x0 )", owned */
	size_t len;
	struct mm_str name;		/* in text: "brk" */
	uint64_t arg[MM_LACKEY_ARGS];
	struct mm_str arg_text[MM_LACKEY_ARGS];
	size_t nr_args;
	struct mm_str path;		/* the argument in parentheses */
};

struct mm_lackey_thread {
	uint32_t pid, slot, tid;	/* slot 0: not seen yet */
};

struct mm_lackey {
	struct mm_trace_source *src;
	const char *p, *end;		/* bytes not read yet */
	uint64_t line;			/* of the line being read */
	uint32_t pid;			/* whose accesses these are */
	bool began;			/* a process is known */
	bool eof;
	struct mm_fds *fds;
	unsigned nr_memfds;
	uint32_t *processes;		/* alive */
	size_t nr_processes, cap_processes;
	uint32_t unnamed;		/* whose child came back from clone() before the parent told its number; 0: nobody's */
	uint32_t early[8];		/* children that were met so: their parents tell of them later */
	size_t nr_early;
	struct mm_lackey_thread *threads;
	size_t nr_threads, cap_threads;
	struct mm_lackey_call *calls;	/* unfinished */
	size_t nr_calls, cap_calls;
};

/* lackey_calls.c: the rows of a finished call. 0 or -errno with @err. */
int mm_lackey_call_rows(struct mm_lackey *l, struct mm_lackey_call *c, struct mm_trace_batch *b, struct mm_error *err);
/* A child @child of @parent came to be. */
int mm_lackey_fork(struct mm_lackey *l, uint32_t parent, uint32_t child, struct mm_trace_batch *b, struct mm_error *err);
/* A process makes a call: it may be the child that has no number yet. */
int mm_lackey_met(struct mm_lackey *l, uint32_t pid, struct mm_trace_batch *b, struct mm_error *err);
/* @pid runs the program @name. */
int mm_lackey_exec(struct mm_lackey *l, uint32_t pid, struct mm_str name, struct mm_trace_batch *b, struct mm_error *err);
void mm_lackey_exit(struct mm_lackey *l, uint32_t pid, struct mm_trace_batch *b);
int mm_lackey_no_memory(struct mm_lackey *l, struct mm_error *err);

/* lackey_lines.c: everything but accesses.  The line [p, end) without its line feed. */
int mm_lackey_line(struct mm_lackey *l, const char *p, const char *end, struct mm_trace_batch *b, struct mm_error *err);
/* "I  addr,size" and the like into a row of @b; the end of it, or NULL when it is none. Reads [p, end) only. */
const char *mm_lackey_access(struct mm_lackey *l, const char *p, const char *end, struct mm_trace_batch *b);

#endif /* SOURCE_LACKEY_H */
