/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * top.h - the parts of mm-top
 *
 *	top_sample.c	reads the machine: processes, ticks, memory; selects and sorts
 *	top_fields.c	the columns: widths, texts, sort order
 *	top_lines.c	the lines of the table
 *	top_summary.c	the lines above the table
 *	top_batch.c	a frame as text or CSV
 *	top_config.c	what is kept between runs
 *	top_keys.c	what each key does
 *	top_screen.c	the terminal (ncurses lives there alone)
 *	top_trace.c	the tasks of a simulated machine, step by step
 *	top_users.c	names of users
 */
#ifndef TOP_H
#define TOP_H

#include <libmm/proc.h>

#include "cmd.h"

/* X(sym, heading, width, kind, files it needs, help); width 0 is by pid_max, or the rest of the line */
#define TOP_FIELDS(X) \
	X(PID,	"PID",	   0, NUM,  0,			"Process Id") \
	X(PPID,	"PPID",	   0, NUM,  0,			"Parent Process pid") \
	X(UID,	"UID",	   5, NUM,  MM_PID_STATUS,	"Effective User Id") \
	X(USER,	"USER",	   8, USER_NAME, MM_PID_STATUS,	"Effective User Name") \
	X(RUID,	"RUID",	   5, NUM,  MM_PID_STATUS,	"Real User Id") \
	X(RUSER, "RUSER",  8, USER_NAME, MM_PID_STATUS,	"Real User Name") \
	X(SUID,	"SUID",	   5, NUM,  MM_PID_STATUS,	"Saved User Id") \
	X(SUSER, "SUSER",  8, USER_NAME, MM_PID_STATUS,	"Saved User Name") \
	X(PR,	"PR",	   3, PRI,  0,			"Priority") \
	X(NI,	"NI",	   3, NUM,  0,			"Nice Value") \
	X(NTH,	"nTH",	   3, NUM,  0,			"Number of Threads") \
	X(CPU,	"%CPU",	   5, PCT,  0,			"CPU Usage") \
	X(TIME,	"TIME",	   6, TICS, 0,			"CPU Time") \
	X(TIME2, "TIME+",  9, TICS, 0,			"CPU Time, hundredths") \
	X(MEM,	"%MEM",	   5, PCT,  MM_PID_STATUS,	"Memory Usage (RES)") \
	X(VIRT,	"VIRT",	   7, KIB,  0,			"Virtual Image (KiB)") \
	X(SWAP,	"SWAP",	   6, KIB,  MM_PID_STATUS,	"Swapped Size (KiB)") \
	X(RES,	"RES",	   6, KIB,  0,			"Resident Size (KiB)") \
	X(CODE,	"CODE",	   6, KIB,  MM_PID_STATM,	"Code Size (KiB)") \
	X(DATA,	"DATA",	   7, KIB,  MM_PID_STATM,	"Data+Stack (KiB)") \
	X(SHR,	"SHR",	   6, KIB,  MM_PID_STATUS,	"Shared Memory (KiB)") \
	X(NMAJ,	"nMaj",	   4, CNT,  0,			"Major Page Faults") \
	X(NMIN,	"nMin",	   4, CNT,  0,			"Minor Page Faults") \
	X(S,	"S",	   1, CHR,  0,			"Process Status") \
	X(COMMAND, "COMMAND", 0, CMD, 0,		"Command Name/Line") \
	X(TGID,	"TGID",	   0, NUM,  0,			"Thread Group Id") \
	X(OOMA,	"OOMa",	   5, NUM,  MM_PID_OOM,		"OOMEM Adjustment") \
	X(OOMS,	"OOMs",	   4, NUM,  MM_PID_OOM,		"OOMEM Score current") \
	X(VMJ,	"vMj",	   3, CNT,  0,			"Major Faults delta") \
	X(VMN,	"vMn",	   3, CNT,  0,			"Minor Faults delta") \
	X(USED,	"USED",	   6, KIB,  MM_PID_STATUS,	"Res+Swap Size (KiB)") \
	X(RSAN,	"RSan",	   6, KIB,  MM_PID_STATUS,	"RES Anonymous (KiB)") \
	X(RSFD,	"RSfd",	   6, KIB,  MM_PID_STATUS,	"RES File-based (KiB)") \
	X(RSLK,	"RSlk",	   6, KIB,  MM_PID_STATUS,	"RES Locked (KiB)") \
	X(RSSH,	"RSsh",	   6, KIB,  MM_PID_STATUS,	"RES Shared (KiB)") \
	X(PSS,	"PSS",	   6, KIB,  TOP_WANT_SMAPS,	"Proportion RSS (KiB)") \
	X(USS,	"USS",	   6, KIB,  TOP_WANT_SMAPS,	"Unique RSS (KiB)") \
	X(RSS,	"RSS",	   6, KIB,  TOP_WANT_SMAPS,	"Res Mem (smaps), KiB") \
	X(PSAN,	"PSan",	   6, KIB,  TOP_WANT_SMAPS,	"Proportion Anon, KiB") \
	X(PSFD,	"PSfd",	   6, KIB,  TOP_WANT_SMAPS,	"Proportion File, KiB") \
	X(PSSH,	"PSsh",	   6, KIB,  TOP_WANT_SMAPS,	"Proportion Shrd, KiB") \
	X(CGROUPS, "CGROUPS", 0, LINE, 0,		"Control Groups") \
	X(CGNAME, "CGNAME", 0, LINE, 0,			"Control Group name") \
	X(EXE,	"EXE",	   0, LINE, 0,			"Executable Path") \
	X(ENVIRON, "ENVIRON", 0, LINE, 0,		"Environment vars") \
	X(WCHAN, "WCHAN",  10, LINE, 0,			"Sleeping in Function") \
	X(ACCP,	"%ACC",	   5, PCT,  0,			"Share of the Accesses (of a trace)") \
	X(ACC,	"ACCESSES", 8, CNT, 0,			"Accesses so far (of a trace)") \
	X(ACCD,	"dACC",	   6, CNT,  0,			"Accesses delta (of a trace)")

enum { TOP_WANT_SMAPS = 1 << 16 };

enum top_field {
#define X(sym, heading, width, kind, want, help) TOP_##sym,
	TOP_FIELDS(X)
#undef X
	TOP_NR_FIELDS
};

enum top_kind { TOP_NUM, TOP_USER_NAME, TOP_PRI, TOP_PCT, TOP_TICS, TOP_KIB, TOP_CNT, TOP_CHR, TOP_CMD, TOP_LINE };

struct top_field_def {
	const char *heading;
	uint8_t width, kind;
	uint32_t want;
	const char *help;
};
extern const struct top_field_def top_fields[TOP_NR_FIELDS];

enum { TOP_MAX_LINE = 4096, TOP_SUMMARY_LINE = 256, TOP_MAX_FILTERS = 16, TOP_MAX_PIDS = 20, TOP_MAX_COLLAPSED = 64 };

struct top_config {			/* kept between runs */
	uint8_t shown[TOP_NR_FIELDS];	/* fields in their order */
	size_t nr_shown;
	enum top_field sort;
	bool ascending;
	uint64_t delay_ms;
	int scale_summary, scale_tasks;	/* 0 KiB .. 5 EiB */
	bool cmdline, forest, hide_idle, cumulative, irix, threads;
	bool load_line, per_cpu, highlight_sort, bold_running, colour, reverse, no_zeros, left_numbers, right_texts;
	int cpu_mode, mem_mode;		/* 0 numbers, 1 bars, 2 blocks, 3 off */
	uint32_t max_tasks;
};

enum top_filter_op { TOP_EQ, TOP_LT, TOP_GT };
struct top_filter {			/* 'o': FIELD=text, FIELD<n, FIELD>n, ! before */
	enum top_field field;
	enum top_filter_op op;
	bool exclude, any_case;
	char text[64];
};

struct top_select {			/* which processes */
	uint32_t pids[TOP_MAX_PIDS];
	size_t nr_pids;
	bool by_user, any_user, not_user;	/* -u, -U, '!' */
	uint32_t uid;
	struct top_filter filters[TOP_MAX_FILTERS];
	size_t nr_filters;
	uint32_t collapsed[TOP_MAX_COLLAPSED];	/* forest: children of these are not shown */
	size_t nr_collapsed;
};

struct top_item {			/* a row of the table */
	struct mm_pid_row *row;
	uint16_t level;			/* in the forest */
	bool collapsed;			/* its children are not shown */
	double cpu_pct;
	size_t key;			/* in top.keys, if top_sorts_by_text(): what it is sorted by */
};

/* What moves on a simulated machine: X(field) */
#define TOP_MOVED(X) X(accesses) X(faults) X(major) X(swapin) X(swapout) X(scanned) X(reclaimed) X(oom_kills)
struct top_moved {
#define X(field) uint64_t field;
	TOP_MOVED(X)
#undef X
};

enum top_step { TOP_STEP_NONE, TOP_STEP_FORWARD, TOP_STEP_BACK, TOP_STEP_BEGIN, TOP_STEP_END };

struct top_trace {			/* stepping through a trace: top_trace.c */
	struct top_frame *v;		/* kept frames */
	size_t nr, cap, at, bytes;	/* at: the one shown */
	bool ended, playing, to_end, screen;
	enum top_step step;		/* what the last key asked for */
	struct top_moved moved;		/* between the frame before and this one */
	struct mm_pid_row *rows;	/* of the frame shown */
	size_t nr_rows, cap_rows;
};

struct top {
	struct cmd_args *a;
	struct top_trace *trace;	/* NULL: processes of this machine or a capture */
	struct top_config c;
	int config_err;			/* of loading it */
	struct top_select select;
	bool batch, secure, iterations_given, delay_given, width_given, sort_given;
	uint64_t iterations;		/* 0: endless */
	uint32_t width;			/* columns of a line, 0: as wide as it gets */
	uint32_t pid_width;
	size_t nr_fit, wide_share;	/* by top_layout() */
	bool utf8;
	struct mm_proc *proc;
	struct mm_pid_table *table;
	struct mm_users *users;
	struct top_user *asked;		/* users that are not in etc/passwd: top_users.c */
	size_t nr_asked, cap_asked;
	/* of the last sample */
	struct mm_proc_stat stat[2];
	struct mm_proc_meminfo mem;
	size_t now;			/* which stat is the newer */
	uint32_t wanted;		/* top_wants() then */
	bool of_threads;		/* c.threads and select.nr_pids then */
	size_t of_pids;
	uint64_t ns, elapsed_ns, uptime_cs, nr_samples;
	uint32_t load_centi[3], nr_users;
	bool no_uptime, no_load, no_stat;	/* the capture does not tell */
	size_t nr_tasks, nr_running, nr_sleeping, nr_stopped, nr_zombie;
	struct top_item *items;
	size_t nr_items, cap_items;
	char (*summary)[TOP_SUMMARY_LINE];	/* by top_summary(); there is room for a line each CPU */
	size_t cap_summary;
	char *keys;			/* texts that the items are sorted by */
	size_t nr_keys, cap_keys;
	uint32_t smaps_at;		/* pid the next round of smaps begins with */
	void *forest;			/* scratch of top_forest() */
	size_t cap_forest;
};

void top_config_default(struct top_config *c);
int top_config_load(struct top_config *c);	/* -ENOMEM: it is there, but not read */
int top_config_save(const struct top_config *c, struct mm_error *err);

int top_open(struct top *t);		/* 0 or -errno with t->a->err */
void top_close(struct top *t);
/* Read the machine, select, sort.  @budget_ns bounds the reading of smaps; 0: no bound. */
int top_sample(struct top *t, uint64_t budget_ns);
int top_select_again(struct top *t, uint64_t budget_ns);	/* the same without reading the processes */
int top_prime(struct top *t);		/* the first sample, which the next one's rates count from */
bool top_lists_others(const struct top *t);	/* than the last sample: threads, or all again; that needs priming anew */
uint64_t top_clock_ns(void);
int top_forest(struct top *t);		/* put t->items into the order of a tree; 0 or -ENOMEM */
bool top_selected(struct top *t, const struct mm_pid_row *r);
int top_parse_filter(struct top_filter *f, const char *text, bool any_case);	/* 0 or -EINVAL */

uint32_t top_wants(const struct top *t);
bool top_field_shown(const struct top_config *c, enum top_field f);
int top_field_find(const char *name);	/* enum or -1; case matters first, then not */
/* Order of two items by the sort field, as qsort() wants it. */
int top_compare(struct top *t, const struct top_item *a, const struct top_item *b);
/* The text of one column without padding; @buf of TOP_MAX_LINE bytes. */
void top_field_text(struct top *t, const struct top_item *it, enum top_field f, char *buf);
/* The command line, or "[name]"; @buf of TOP_MAX_LINE bytes, not cleaned. */
void top_command_line(struct top *t, const struct mm_pid_row *r, char *buf);
/* A field of TOP_LINE as the process's file has it, "" where there is none; @buf of TOP_MAX_LINE bytes, not cleaned. */
void top_file_text(struct top *t, const struct mm_pid_row *r, enum top_field f, char *buf);
/* Is the table sorted by texts?  By which one of @r then: clean, up to TOP_MAX_LINE bytes; its length. */
bool top_sorts_by_text(const struct top *t);
size_t top_sort_text(struct top *t, const struct mm_pid_row *r, char *buf);
/* Header line (first, it lays the columns out) and task lines, cut to t->width; length. */
void top_layout(struct top *t);
size_t top_header(struct top *t, char *buf);
size_t top_task_line(struct top *t, const struct top_item *it, char *buf);
uint64_t top_add(uint64_t a, uint64_t b);	/* saturated */
uint64_t top_ticks(const struct top *t, const struct mm_pid_row *r);	/* of CPU time; with those of its children after S */
uint32_t top_field_width(const struct top *t, enum top_field f);

/*
 * @src without anything that could drive a terminal, cut to @columns of the screen (0: not cut); @dst of
 * TOP_MAX_LINE.
 */
size_t top_clean(const struct top *t, char *dst, const char *src, size_t columns);
size_t top_put_u64(char *p, uint64_t v);	/* decimal with a NUL behind it; length */
size_t top_columns(const char *s);	/* columns that clean text takes */

/* Put the lines above the table into t->summary, @room at most; returns how many. */
size_t top_summary(struct top *t, size_t room);

int top_batch(struct top *t);
int top_screen(struct top *t);
int top_trace(struct top *t);		/* a->file on the screen */
/* Where in the trace: the first line of the summary. */
void top_trace_where(const struct top *t, char *line, size_t size);
int top_trace_interval(struct top *t, const char *text);	/* "0.5", "100ev": from now on; 0 or -EINVAL */
const char *top_user_name(struct top *t, uint32_t uid);		/* NULL: unknown */
int top_user_id(struct top *t, const char *name, uint32_t *uid);	/* 0 or -ENOENT */
bool top_is_live(const struct top *t);
/* PID/status told it, or what ps printed. */
static inline bool top_euid_known(const struct mm_pid_row *r)
{
	return r->status_seen || (r->from_ps && !(r->unknown & MM_PID_NO_EUID));
}
/* Is the field known of what is shown: of a trace, of processes? */
bool top_field_known(const struct top *t, enum top_field f);

extern const struct mm_table top_table;

/* ---- keys ---- */

enum top_action { TOP_REDRAW, TOP_RESAMPLE, TOP_QUIT, TOP_DUE };
enum top_mode { TOP_TABLE, TOP_HELP, TOP_FIELD_LIST };

struct top_view {			/* what is seen, and what is asked */
	enum top_mode mode;
	size_t first;			/* item of the first line */
	size_t left;			/* columns scrolled to the right */
	bool coordinates;		/* tell where the table is scrolled to */
	char locate[64];		/* L, & */
	size_t page;			/* task lines on the screen */
	size_t cursor;			/* field in TOP_FIELD_LIST */
	char message[256];		/* shown until the next key */
	int asking;			/* the key whose question stands; 0 none */
	char question[256];
	uint32_t pid;			/* that the question is about */
	int number;			/* signal or nice value */
};

enum { TOP_KEY_UP = 0x10000, TOP_KEY_DOWN, TOP_KEY_LEFT, TOP_KEY_RIGHT, TOP_KEY_PGUP, TOP_KEY_PGDN, TOP_KEY_HOME,
	TOP_KEY_END,
       TOP_KEY_ESC };

/* The terminal: open it, show t->items until a key asks for more than drawing or @due_ns has come, close it. */
int top_screen_open(struct top *t);
enum top_action top_screen_keys(struct top *t, uint64_t due_ns);
void top_screen_close(struct top *t);

/* "3", "0.5" or ".5" seconds in nanoseconds; 0, -EINVAL or -ERANGE. */
int top_parse_delay(const char *text, uint64_t *ns);

/* One key while no question stands. */
enum top_action top_key(struct top *t, struct top_view *v, int key);
/* The answer to v->question; NULL: given up. */
enum top_action top_answer(struct top *t, struct top_view *v, const char *text);
extern const char *const top_help_lines[];	/* ends with NULL */

#endif /* TOP_H */
