/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source/strace.h - the parts of the strace reader
 *
 * strace.c cuts lines and joins calls that were interrupted in the log;
 * strace_head.c knows what stands before a call, strace_tasks.c who speaks;
 * strace_calls.c makes rows of finished calls; strace_files.c knows what
 * descriptors stand for.
 */
#ifndef SOURCE_STRACE_H
#define SOURCE_STRACE_H

#include <libmm/flags.h>
#include "source/trace_source.h"

enum { STRACE_MAX_ARGS = 8, STRACE_PATH = 4096 };

/* A call that has returned. */
struct strace_call {
	uint32_t pid;
	uint64_t time_ns, line;
	bool has_time;
	struct mm_str name;
	struct mm_str arg[STRACE_MAX_ARGS];
	uint32_t nr_args;
	bool failed, no_result;		/* an errno; "= ?" */
	uint64_t result;
	struct mm_str error;		/* "ENOMEM" */
	struct mm_str path;		/* of "= 3</path>" */
};

static inline bool strace_is_digit(char c) { return c >= '0' && c <= '9'; }

/* ---- what stands before a call (strace_head.c) ---- */
struct strace_clock {
	bool has_time, relative;
	uint64_t first_ns, last_ns, days_ns;
};
/* Take pid, time and what else stands there off @line, the time to @call; false: no pid does, *@pid is not set. */
bool strace_cut_head(struct strace_clock *clock, struct mm_str *line, uint64_t *pid, struct strace_call *call);
bool strace_is_notice(struct mm_str line);	/* what strace says of itself and of tasks */
const char *strace_attached(struct mm_str line);	/* where such a notice of a new task ends @line; NULL: it does not */
bool strace_is_below_a_call(struct mm_str line);	/* its stack (-k) or what it read and wrote */
bool strace_is_event(struct mm_str text);	/* behind the head: a call, a signal, an end */
int strace_sniff(struct mm_str head);		/* struct mm_trace_ops */

/* ---- records of tasks by pid (strace_pids.c) ---- */
struct strace_pids {
	struct { uint32_t pid, place; } *slot;	/* place + 1, 0 empty */
	size_t nr_slots, nr;
};
bool strace_pids_find(const struct strace_pids *p, uint32_t pid, size_t *place);
int strace_pids_add(struct strace_pids *p, uint32_t pid, size_t place);		/* 0 or -ENOMEM */
void strace_pids_del(struct strace_pids *p, uint32_t pid);
void strace_pids_free(struct strace_pids *p);

/* ---- lines, and those ahead (strace_lines.c) ---- */
struct strace_line {
	struct mm_str text;
	uint64_t nr;
	bool cut;			/* the last one, which has no end */
	bool born;			/* its clone's child was made at that one's first line */
	/* of a clone that has returned, as far as it was looked for: */
	uint64_t child;			/* 0: no such line */
	bool has_pid;
	uint64_t pid;			/* of the parent, as the log has it */
	struct mm_str call;		/* name(args) = result; empty: its beginning is in another line */
	char *copy;
};
struct strace_lines {
	struct mm_trace_source *src;
	char *begun;			/* a line up to "strace: Process 13 attached", which came between; NULL: none */
	char *glued;			/* it and the next line */
	char *copy;			/* of the line that was given out last: a look ahead moves what the input holds */
	char *kept;			/* the same, of one that did not wait in the queue */
	size_t kept_room;
	struct strace_line *queue;	/* a ring */
	size_t first, nr, nr_bytes;
	struct strace_pids named;	/* places in the queue of clones, by child */
	bool ended;			/* behind the queue: */
	int end;			/* 0, or -errno with .err */
	struct mm_error err;
};
int strace_lines_next(struct strace_lines *l, struct strace_line *line, struct mm_error *err);	/* 1, 0 the end, -errno with @err */
/* The line ahead of the clone that made @child; NULL: none, as far as is looked. Valid until the next line is asked for. */
struct strace_line *strace_lines_birth(struct strace_lines *l, uint64_t child);
void strace_lines_free(struct strace_lines *l);

/* strace_cut.c: "name(args) = result" into its parts, slices of @text; false: it is not whole. */
bool strace_cut_call(struct mm_str text, struct strace_call *call);

/* ---- who speaks (strace_tasks.c) ---- */
enum { STRACE_NOBODY = UINT32_MAX, STRACE_MAX_ENDED = 1 << 16 };
struct strace_task {
	uint32_t pid;
	uint32_t child;			/* already told of: the unfinished clone made it */
	uint32_t next, prev;		/* places of other threads of its process */
	bool alive;
	bool remembered;		/* not alive, but strace may still tell of its end */
	bool orphan;			/* no clone was seen to make it */
	bool early;			/* the row of the unfinished call was given out already */
	char *unfinished;		/* text of a call up to <unfinished ...>; NULL none */
	uint64_t order;			/* of the unfinished call */
};
struct strace_tasks {
	struct strace_task *v;
	size_t nr, cap, last;
	size_t nr_dead, dead_hint;	/* places that can be used again */
	size_t nr_unfinished;
	uint32_t ended[STRACE_MAX_ENDED];	/* pids of those that are remembered, the oldest goes first */
	size_t nr_ended;
	struct strace_pids pids;
};
/* A task moves when another one is added. */
struct strace_task *strace_task_find(struct strace_tasks *ts, uint32_t pid);	/* alive or not; NULL: none */
struct strace_task *strace_task_add(struct strace_tasks *ts, uint32_t pid);	/* new, alone; NULL: host memory */
void strace_task_join(struct strace_tasks *ts, struct strace_task *t, struct strace_task *with);	/* as its thread */
struct strace_task *strace_task_next(struct strace_tasks *ts, const struct strace_task *t);	/* thread; itself: no other */
void strace_task_end(struct strace_tasks *ts, struct strace_task *t, bool remember);	/* it may have ended already */
void strace_task_forget(struct strace_tasks *ts, struct strace_task *t);	/* what ended */
void strace_task_forget_call(struct strace_tasks *ts, struct strace_task *t);	/* what is unfinished */
/* In a clone, for longest, whose child has not spoken; NULL: none. @only (or NULL): no other one is. */
struct strace_task *strace_giving_birth(struct strace_tasks *ts, bool *only);
void strace_tasks_free(struct strace_tasks *ts);

/* ---- descriptors ---- */
struct strace_files;
struct strace_file {			/* one path */
	char *path;
	uint64_t size;			/* known, or as far as it was used */
	uint8_t mode;			/* 0 O_RDONLY, 1 O_WRONLY, 2 O_RDWR: of the last open */
	uint8_t told_mode;
	bool size_known, told;
	bool opened;			/* it was, or stands for one that was */
	struct strace_file *now;	/* the file that the path names now; NULL: none, it was removed */
	struct strace_file *first;	/* the one whose path it had when it was made; NULL: it has its own */
	uint32_t key;			/* of a System V segment; 0: none, or not known */
	uint32_t nr_alike;		/* files of this path but the first */
	bool user_mode_only;		/* of a userfaultfd */
	uint64_t told_size;
	uint64_t hash;
};

int strace_files_new(struct strace_files **fp);
void strace_files_free(struct strace_files *f);
struct strace_file *strace_path(struct strace_files *f, struct mm_str path);	/* escaped; NULL: host memory */
struct strace_file *strace_path_known(struct strace_files *f, struct mm_str path);	/* the same; NULL: no call named it */
/*
 * Another file of the path of @first, which names it from now on: "PATH (2)" and so on in rows; @first itself if nobody had
 * opened that. NULL: host memory.
 */
struct strace_file *strace_file_anew(struct strace_files *f, struct strace_file *first);
struct mm_str strace_unescape(struct mm_str escaped, char text[STRACE_PATH]);	/* cut at STRACE_PATH bytes */
bool strace_is_absolute(struct mm_str escaped);
/* Descriptor tables: a task's own, copied or shared at clone, gone at exit. */
int strace_task_clone(struct strace_files *f, uint32_t parent, uint32_t child, bool share);
void strace_task_exit(struct strace_files *f, uint32_t pid);
int strace_fd_set(struct strace_files *f, uint32_t pid, uint64_t fd, struct strace_file *file, uint8_t mode);
void strace_fd_close(struct strace_files *f, uint32_t pid, uint64_t fd);
int strace_fd_dup(struct strace_files *f, uint32_t pid, uint64_t old, uint64_t fd);
struct strace_fd {			/* an open file description */
	struct strace_file *file;
	uint64_t pos;
	uint32_t users;
	uint8_t mode;
	bool append;
};
struct strace_fd *strace_fd(struct strace_files *f, uint32_t pid, uint64_t fd);	/* NULL: not known */

/* ---- calls ---- */
struct strace_calls {
	struct mm_trace_source *src;
	struct strace_files *files;
	struct strace_rest {		/* rows of one call that the batch had no room for (strace_numa.c) */
		struct mm_event *ev;	/* .flags are to be filled in; other words live as long as the program */
		size_t nr, next, cap;
		uint64_t line;
		char flags[128];
	} rest;
};
/* Those rows into @b. 0: none is left; 1: there is still no room for all; -ENOMEM with @err. */
int strace_rest_rows(struct strace_calls *c, struct mm_trace_batch *b, struct mm_error *err);
/* Rows of one finished call into @b.  0 or -errno with @err. */
bool strace_is_mmap(struct mm_str name);	/* or mmap2, or old_mmap */
int strace_call_rows(struct strace_calls *c, struct mm_trace_batch *b, const struct strace_call *call,
		     struct mm_error *err);

/* strace_numa.c: descriptor @fd of @of's is the process @pid. 0 or -ENOMEM. */
int strace_set_pidfd(struct strace_calls *c, uint32_t of, uint64_t fd, uint64_t pid);
/* strace_numa.c: memory policies and moves between nodes; likewise. */
int strace_numa_call(struct strace_calls *c, struct mm_trace_batch *b, const struct strace_call *call, bool *known);
/* strace_uffd.c: userfaultfd and its ioctls; the descriptor @fd of @call's process is about to be closed. Likewise, or -errno with @err. */
int strace_uffd_call(struct strace_calls *c, struct mm_trace_batch *b, const struct strace_call *call, bool *known, struct mm_error *err);
void strace_uffd_close(struct mm_trace_batch *b, const struct strace_call *call, const struct strace_fd *fd);
/* strace_io.c: those of files; *@known false: not one of them.  0 or -ENOMEM. */
int strace_file_call(struct strace_calls *c, struct mm_trace_batch *b, const struct strace_call *call, bool *known);
/* The file that a descriptor stands for, *@fdp when the log showed its open; NULL: none known (*@e 0) or -ENOMEM. */
struct strace_file *strace_file_of(struct strace_calls *c, const struct strace_call *call, struct mm_str arg,
				   struct strace_fd **fdp, int *e);
/* Before a file's use: tell of it, or that it is larger than was told. */
void strace_tell_file(struct mm_trace_batch *b, const struct strace_call *call, struct strace_file *f, uint8_t mode,
		      uint64_t need);
bool strace_quoted(struct mm_str arg, struct mm_str *text);	/* "\"text\"": without the quotes, escapes as they are */
struct mm_event *strace_add_row(struct mm_trace_batch *b, const struct strace_call *call, enum mm_event_type type);
void strace_put_result(struct mm_event *ev, const struct strace_call *call, bool hex);
/* What the row says in words outlives the line: flags, name, result. 0 or -ENOMEM. */
int strace_keep_slices(struct strace_calls *c, struct mm_event *ev);

bool strace_is_clone(struct mm_str name);
bool strace_makes_thread(struct mm_str name, struct mm_str text);	/* this clone */
/* A clone that has returned may have a descriptor of its child (CLONE_PIDFD). 0 or -ENOMEM. */
int strace_clone_pidfd(struct strace_calls *c, const struct strace_call *call, uint32_t child, struct mm_str text);
/* The row of the parent: the child @child of the clone @name was seen; @text: the call as far as the log has it. 0 or -errno with @err. */
int strace_child_row(struct strace_calls *c, struct mm_trace_batch *b, const struct strace_call *call, uint32_t child,
		     struct mm_str name, struct mm_str text, struct mm_error *err);

/*
 * An argument of words: without what strace explains, "0x3 /" + "* PROT_READ|PROT_WRITE *" + "/" (-X verbose) as words,
 * and numbers alone (-X raw, -e raw) as the words of @kind (MM_NR_FLAG_KINDS: as they are), for which @text is the room.
 */
struct mm_str strace_words(struct mm_str arg, enum mm_flag_kind kind, char text[MM_FLAGS_TEXT]);
/* Is @word, or in place of words a number with all of @bits (0: that is 0), in this argument? */
bool strace_has_flag(struct mm_str arg, const char *word, uint64_t bits);

/* "0x1000", "4096", "NULL", "3</path>": a number at the beginning; false: none. */
bool strace_number(struct mm_str s, uint64_t *value);
const char *strace_find(struct mm_str s, const char *word);	/* NULL: not there */
bool strace_has(struct mm_str s, const char *word);	/* as a part of it */

#endif /* SOURCE_STRACE_H */
