/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Perf's records of mappings and tasks as rows of a trace.
 *
 *	FORK, of another process	fork		result = child, with a copy of what its parent has mapped
 *	FORK, within a process		thread		result = tid
 *	COMM exec			exec		flags AUTOMAP, name = the task's name: what is mapped follows
 *	MMAP2 of a program that begins	seed		as in maps, by vma: up to [vdso], what the kernel maps
 *	MMAP2 with the time 0		seed		perf's own: of processes that ran when it started
 *	MMAP2				mmap, mprotect, shmat or brk
 *	EXIT				exit
 *
 * A record of a mapping is not a call: the kernel tells what a VMA is after mmap(), mprotect() and brk(), joined with its neighbours,
 * and when a stack has grown.  munmap(), mremap() and madvise() are not told.  So a VMA is compared with what is known of its
 * addresses: bytes of other files and unknown addresses were mapped, other rights are those of mprotect(); what was known already
 * stays.  One that is told as it is known was unmapped and is mapped anew; where it may be a part of it only, that is counted.
 * A stack grows by itself.  The break begins with the first private memory behind the program's image.
 *
 * Source: Linux 6.6 kernel/events/core.c perf_event_mmap_event(), and who calls perf_event_mmap() in mm/;
 * tools/perf/util/synthetic-events.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/page.h"
#include "base/str.h"
#include "source/perf.h"
#include "source/scan.h"
#include "source/strace.h"

#define MAX_BRK_OFFSET	(UINT64_C(1) << 30)	/* bytes: arch_randomize_brk() of x86, and some */

int mm_perf_new(struct mm_perf **pp, struct mm_trace_source *src)
{
	struct mm_perf *p = calloc(1, sizeof(*p));

	if (!p || strace_files_new(&p->files)) {
		free(p);
		return -ENOMEM;
	}
	p->src = src;
	p->pending.at = UINT64_MAX;
	*pp = p;
	return 0;
}

void mm_perf_free(struct mm_perf *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->nr; i++)
		free(p->v[i].maps.v);
	free(p->v);
	free(p->pending.name);
	strace_pids_free(&p->pids);
	strace_files_free(p->files);
	mm_perf_calls_free(p->calls);
	free(p);
}

struct mm_event *mm_perf_row(struct mm_trace_batch *b, const struct mm_ftrace_line *t, uint32_t tid, enum mm_event_type type)
{
	struct mm_event *ev = mm_trace_add(b, type, t->line);

	mm_event_put(ev, TIME_S, time_ns, t->time_ns);
	mm_event_put(ev, CPU, cpu, t->cpu);
	mm_event_put(ev, PID, pid, tid);
	return ev;
}

/* ---- programs ---- */

/* @process runs a program of this name: nothing is mapped. */
static int on_exec(struct mm_perf *p, struct mm_trace_batch *b, const struct mm_ftrace_line *t, struct mm_perf_process *process,
		   struct mm_str name)
{
	struct mm_event *ev = mm_perf_row(b, t, process->pid, MM_EV_EXEC);

	mm_event_put(ev, FLAGS, flags, MM_STR("AUTOMAP"));
	free(process->maps.v);
	*process = (struct mm_perf_process){ .pid = process->pid, .nr_threads = process->nr_threads, .told = true, .young = true };
	if (!name.len)
		return 0;
	ev->present |= MM_TC_BIT(NAME);
	return mm_trace_keep(p->src, name, &ev->name);
}

static int on_comm(struct mm_perf *p, struct mm_trace_batch *b, const struct mm_ftrace_line *t, struct mm_error *err)
{
	struct mm_perf_process *process;
	struct mm_str name;
	uint32_t pid, tid;
	bool exec;

	if (!mm_perf_comm_parse(t->args, &name, &pid, &tid, &exec))
		return mm_trace_loss(p->src, "records of perf that cannot be read", t->line, err);
	if (!pid)
		return 0;		/* an idle task */
	if (!exec && t->time_ns)
		return mm_trace_note(p->src, "new names of tasks", t->line);
	if (exec) {
		int e = mm_perf_begin_program(p, b, t, pid, &process);

		return e ? e : on_exec(p, b, t, process, name);
	}
	process = mm_perf_process_of(p, pid);
	if (!process)
		return -ENOMEM;
	return tid == pid ? 0 : mm_perf_meet_thread(p, b, t, process, pid, tid);
}

/* ---- mappings ---- */

/* "PROT_READ|PROT_WRITE|MAP_PRIVATE" and @more */
static int put_flags(struct mm_perf *p, struct mm_event *ev, const char *perms, bool prot_only, const char *more)
{
	char text[128];
	int n = snprintf(text, sizeof(text), "%s%s%s%s", perms[0] == 'r' ? "|PROT_READ" : "", perms[1] == 'w' ? "|PROT_WRITE" : "",
			 perms[2] == 'x' ? "|PROT_EXEC" : "", memcmp(perms, "---", 3) ? "" : "|PROT_NONE");

	if (!prot_only)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "%s%s", perms[3] == 's' ? "|MAP_SHARED" : "|MAP_PRIVATE", more);
	ev->present |= MM_TC_BIT(FLAGS);
	return mm_trace_keep(p->src, (struct mm_str){ text + 1, (size_t)n - 1 }, &ev->flags);
}

static int put_name(struct mm_perf *p, struct mm_event *ev, struct mm_str name)
{
	ev->present |= MM_TC_BIT(NAME);
	return mm_trace_keep(p->src, name, &ev->name);
}

static struct mm_perf_range range_of(const struct mm_perf_mmap *r)
{
	struct mm_perf_range range = { .start = r->start, .end = r->end, .offset = r->offset, .file = r->file };

	memcpy(range.perms, r->perms, sizeof(range.perms));
	return range;
}

static int seed_row(struct mm_perf *p, struct mm_trace_batch *b, const struct mm_ftrace_line *t, const struct mm_perf_mmap *r)
{
	struct mm_event *ev = mm_perf_row(b, t, r->pid, MM_EV_SEED);
	int e = put_flags(p, ev, r->perms, false, "");

	mm_event_put(ev, ADDR, addr, r->start);
	mm_event_put(ev, SIZE, size, r->end - r->start);
	mm_event_put(ev, BY, by, MM_BY_VMA);
	if (r->file) {
		mm_event_put(ev, OFFSET, offset, r->offset);
		mm_event_put(ev, ADDR2, addr2, (uint64_t)r->major << 20 | r->minor);
		if (r->ino)
			mm_event_set_result(ev, MM_RESULT_DEC, r->ino);
	}
	if (!e && r->name.len && !mm_str_starts(r->name, "//"))
		e = put_name(p, ev, r->name);
	return e;
}

/* A mapping that the process began with. */
static int on_seed(struct mm_perf *p, struct mm_trace_batch *b, const struct mm_ftrace_line *t, struct mm_perf_process *process,
		   const struct mm_perf_mmap *r)
{
	struct mm_perf_range range = range_of(r);
	int e = seed_row(p, b, t, r);

	process->vdso |= mm_str_is(r->name, "[vdso]");
	if (!process->program)
		process->program = r->file;
	if (r->file && r->file == process->program && r->end > process->image_end)
		process->image_end = r->end;
	if (mm_str_is(r->name, "[heap]")) {
		process->start_brk = process->brk ? process->start_brk : r->start;
		process->brk = r->end;
	}
	return e ? e : mm_perf_maps_set(&process->maps, &range);
}

static int map_row(struct mm_perf *p, struct mm_trace_batch *b, const struct mm_ftrace_line *t, const struct mm_perf_mmap *r,
		   uint64_t start, uint64_t end)
{
	static const struct { const char *name, *flags; } memory[] = {
		{ "//", "|MAP_FIXED|MAP_ANONYMOUS" }, { "[", "|MAP_FIXED|MAP_ANONYMOUS" },
		{ "/dev/zero (deleted)", "|MAP_FIXED|MAP_ANONYMOUS" },
		{ "/anon_hugepage (deleted)", "|MAP_FIXED|MAP_ANONYMOUS|MAP_HUGETLB" },
	};
	uint64_t offset = r->offset + (start - r->start);
	const char *flags = r->name.len ? NULL : memory[0].flags;
	bool segment = mm_str_starts(r->name, "/SYSV");
	struct strace_call call = { .pid = r->tid, .time_ns = t->time_ns, .line = t->line, .has_time = true };
	struct strace_file *file = NULL;
	char name[64];
	struct mm_event *ev;
	int n, e = 0;

	for (size_t i = 0; !flags && i < sizeof(memory) / sizeof(memory[0]); i++)
		if (mm_str_starts(r->name, memory[i].name))
			flags = memory[i].flags;
	if (!flags && !segment) {
		struct mm_str path = r->name;

		if (mm_str_starts(path, "/memfd:") && path.len > 17)
			path.len -= memcmp(path.p + path.len - 10, " (deleted)", 10) ? 0 : 10;
		file = strace_path(p->files, path);
		if (!file)
			return -ENOMEM;
		strace_tell_file(b, &call, file, 2, offset + (end - start));
	}
	ev = mm_perf_row(b, t, r->tid, segment ? MM_EV_SHMAT : MM_EV_MMAP);
	mm_event_put(ev, ADDR, addr, start);
	mm_event_put(ev, SIZE, size, end - start);
	mm_event_set_result(ev, MM_RESULT_HEX, start);
	if (segment) {
		mm_event_put(ev, FLAGS, flags, r->perms[1] == 'w' ? MM_STR("SHM_REMAP") : MM_STR("SHM_RDONLY|SHM_REMAP"));
		n = snprintf(name, sizeof(name), "%.*s (id %llu)", r->name.len < 13 ? (int)r->name.len : 13, r->name.p,
			     (unsigned long long)r->ino);	/* "/SYSV" and the key */
		return put_name(p, ev, (struct mm_str){ name, (size_t)n });
	}
	e = put_flags(p, ev, r->perms, false, flags ? flags : "|MAP_FIXED");
	if (e || !file)
		return e;
	mm_event_put(ev, NAME, name, ((struct mm_str){ file->path, strlen(file->path) }));
	mm_event_put(ev, OFFSET, offset, offset);
	return 0;
}

static int protect_row(struct mm_perf *p, struct mm_trace_batch *b, const struct mm_ftrace_line *t, const struct mm_perf_mmap *r,
		       uint64_t start, uint64_t end)
{
	struct mm_event *ev = mm_perf_row(b, t, r->tid, MM_EV_MPROTECT);

	mm_event_put(ev, ADDR, addr, start);
	mm_event_put(ev, SIZE, size, end - start);
	mm_event_set_result(ev, MM_RESULT_DEC, 0);
	return put_flags(p, ev, r->perms, true, "");
}

/* What a record says of the addresses from one on. */
enum news { SAME, RIGHTS, MAPPED };

/* Up to *@end it says the same kind of thing. */
static enum news news_at(const struct mm_perf_maps *maps, const struct mm_perf_mmap *r, uint64_t at, uint64_t *end)
{
	enum news news = MAPPED;
	bool first = true;

	for (size_t i = mm_perf_maps_find(maps, at); at < r->end; first = false) {
		const struct mm_perf_range *k = i < maps->nr && maps->v[i].start < r->end ? &maps->v[i] : NULL;
		bool known = k && k->start <= at;
		enum news here = !known || !mm_perf_is_same_memory(k, r) ? MAPPED : memcmp(k->perms, r->perms, 3) ? RIGHTS : SAME;

		if (!first && here != news)
			break;
		news = here;
		at = known ? k->end : k ? k->start : r->end;
		i += known;
	}
	*end = at < r->end ? at : r->end;
	return news;
}

/*
 * All of it is known, and known so.  Was it unmapped before?  Surely where it is a part of what is known, or one mapping alone.
 * Of a file it is what a loader maps over the first mapping of all of it.
 */
static bool was_unmapped(const struct mm_perf_maps *maps, const struct mm_perf_mmap *r)
{
	const struct mm_perf_range *k = &maps->v[mm_perf_maps_find(maps, r->start)];

	if (r->file)
		return true;
	if (k->start == r->start && k->end == r->end)
		return k->whole;
	return k->start <= r->start && k->end >= r->end;
}

static int pending_rows(struct mm_perf *p, struct mm_trace_batch *b, struct mm_perf_process *process)
{
	struct pending *w = &p->pending;
	const struct mm_perf_mmap *r = &w->vma;
	struct mm_perf_range range = range_of(r);
	int e = 0;

	while (!e && w->at < r->end && b->max - b->nr >= 4) {
		uint64_t start = w->at;
		enum news news = news_at(&process->maps, r, start, &w->at);

		if (news == RIGHTS)
			e = protect_row(p, b, &w->t, r, start, w->at);
		else if (news == MAPPED)
			e = map_row(p, b, &w->t, r, start, w->at);
	}
	if (e || w->at < r->end)
		return e;
	range.whole = w->whole;
	w->at = UINT64_MAX;
	return mm_perf_maps_set(&process->maps, &range);
}

int mm_perf_more(struct mm_perf *p, struct mm_trace_batch *b, struct mm_error *err)
{
	struct mm_perf_process *process = p->pending.at == UINT64_MAX ? NULL : mm_perf_process_of_task(p, p->pending.vma.pid);

	if (!process)
		return 0;
	return pending_rows(p, b, process) ? mm_error_set(err, -ENOMEM, "out of memory") : 1;
}

static void brk_row(struct mm_trace_batch *b, const struct mm_ftrace_line *t, uint32_t tid, uint64_t asked, uint64_t brk)
{
	struct mm_event *ev = mm_perf_row(b, t, tid, MM_EV_BRK);

	mm_event_put(ev, ADDR, addr, asked);
	mm_event_set_result(ev, MM_RESULT_HEX, brk);
}

/* The break, which is known, is at @brk now: its row, and what is known of the memory below it. */
static int move_brk(struct mm_trace_batch *b, const struct mm_ftrace_line *t, uint32_t tid, struct mm_perf_process *process, uint64_t brk)
{
	uint64_t old = mm_page_align(process->brk), new = mm_page_align(brk);
	struct mm_perf_range heap = { .start = old, .end = new, .perms = { 'r', 'w', '-', 'p' } };

	brk_row(b, t, tid, brk, brk);
	process->brk = brk;
	return new < old ? mm_perf_maps_clear(&process->maps, new, old) : new > old ? mm_perf_maps_set(&process->maps, &heap) : 0;
}

/* The break is where @r ends, if that is the memory between it and where it began. */
static int follow_brk(struct mm_trace_batch *b, const struct mm_ftrace_line *t,
		    struct mm_perf_process *process, const struct mm_perf_mmap *r)
{
	bool heap = mm_str_is(r->name, "[heap]");
	uint64_t brk = mm_page_align(process->brk);

	if (r->file || r->perms[1] != 'w' || r->perms[3] != 'p')
		return 0;
	if (!brk && (heap || (process->image_end && r->start >= process->image_end && r->start - process->image_end <= MAX_BRK_OFFSET))) {
		size_t i = mm_perf_maps_find(&process->maps, r->start);

		brk = i < process->maps.nr && process->maps.v[i].start <= r->start ? process->maps.v[i].end : r->start;
		brk_row(b, t, r->tid, 0, brk);
		process->start_brk = process->brk = brk;
		heap = true;
	}
	if (!brk || r->end == brk || r->end <= process->start_brk || r->start > brk || (r->start < process->start_brk && !heap))
		return 0;
	if (r->end < brk && !heap && r->start != mm_page_align(process->start_brk))
		return 0;		/* a part of it */
	return move_brk(b, t, r->tid, process, r->end);
}

/* What a process that runs has mapped, or changed. */
static int on_vma(struct mm_perf *p, struct mm_trace_batch *b, const struct mm_ftrace_line *t, struct mm_perf_process *process,
		  struct mm_perf_mmap *r, struct mm_error *err)
{
	struct pending *w = &p->pending;
	struct mm_perf_range range = range_of(r);
	uint64_t end, brk = process->brk;
	enum news news;
	char *name;
	int e;

	if (r->name.len && r->name.p[0] == '[' && !mm_str_is(r->name, "[heap]"))
		return mm_perf_maps_set(&process->maps, &range);	/* a stack, which grew by itself */
	e = follow_brk(b, t, process, r);
	if (e)
		return e;
	news = news_at(&process->maps, r, r->start, &end);
	if (news == SAME && end == r->end) {
		if (brk != process->brk || r->end == brk)
			return mm_perf_maps_set(&process->maps, &range);
		if (!was_unmapped(&process->maps, r))
			return mm_trace_loss(p->src, "mappings told as they were: a part may have been unmapped and is new", t->line, err);
		e = mm_perf_maps_clear(&process->maps, r->start, r->end);
		if (e)
			return e;
		news = MAPPED;
	}
	name = realloc(w->name, r->name.len + 1);
	if (!name)
		return -ENOMEM;
	memcpy(name, r->name.p, r->name.len);
	w->name = name;
	w->vma = *r;
	w->vma.name.p = name;
	w->t = *t;
	w->at = r->start;
	w->whole = news == MAPPED && end == r->end;
	return pending_rows(p, b, process);
}

/* A stack that was there before. */
static bool has_grown(const struct mm_perf_process *process, const struct mm_perf_mmap *r)
{
	size_t i = mm_perf_maps_find(&process->maps, r->end - 1);

	return mm_str_is(r->name, "[stack]") && i < process->maps.nr && process->maps.v[i].start < r->end;
}

static int on_mmap(struct mm_perf *p, struct mm_trace_batch *b, const struct mm_ftrace_line *t, struct mm_error *err)
{
	bool kernel, first;
	struct mm_perf_process *process;
	struct mm_perf_mmap r;
	int e = 0;

	if (!mm_perf_mmap_parse(t->args, t->event.p[t->event.len - 1] == 'P', &r, &kernel))
		return mm_trace_loss(p->src, "records of perf that cannot be read", t->line, err);
	if (kernel)
		return 0;
	process = mm_perf_process_of(p, r.pid);
	if (!process)
		return -ENOMEM;
	first = !process->told;
	process->told = true;
	if (!t->time_ns && (first || !process->young))
		return on_seed(p, b, t, process, &r);
	if (r.tid != r.pid)
		e = mm_perf_meet_thread(p, b, t, process, r.pid, r.tid);
	if (!e && first)		/* its beginning was not shown: there are no lines COMM */
		e = on_exec(p, b, t, process, (struct mm_str){ NULL, 0 });
	if (e)
		return e;
	if (process->young && process->vdso && (!r.name.len || r.name.p[0] != '['))
		process->young = false;
	return process->young && !has_grown(process, &r) ? on_seed(p, b, t, process, &r) : on_vma(p, b, t, process, &r, err);
}

struct mm_perf_maps *mm_perf_maps_of(struct mm_perf *p, uint32_t tid, bool *told)
{
	struct mm_perf_process *process = mm_perf_process_of_task(p, tid);

	*told = process && process->told;
	return *told ? &process->maps : NULL;
}

int mm_perf_brk(struct mm_perf *p, struct mm_trace_batch *b, const struct mm_ftrace_line *t, uint64_t value)
{
	struct mm_perf_process *process = mm_perf_process_of_task(p, t->pid);

	if (!process->brk) {
		brk_row(b, t, t->pid, 0, value);
		process->start_brk = process->brk = value;
		return 0;
	}
	return value == process->brk ? 0 : move_brk(b, t, t->pid, process, value);
}

int mm_perf_record(struct mm_perf *p, struct mm_trace_batch *b, const struct mm_ftrace_line *t, struct mm_error *err)
{
	struct mm_str what = { t->event.p + 12, t->event.len - 12 };
	struct mm_perf_task task;
	int e;

	if (mm_perf_is_call(t->event))
		e = mm_perf_call(p, &p->calls, p->src, b, t, err);
	else if (mm_str_is(what, "MMAP2") || mm_str_is(what, "MMAP"))
		e = on_mmap(p, b, t, err);
	else if (mm_str_is(what, "COMM"))
		e = on_comm(p, b, t, err);
	else if (mm_str_starts(what, "LOST"))
		e = mm_trace_loss(p->src, "gaps where the recording lost events", t->line, err);
	else if (!mm_str_is(what, "FORK") && !mm_str_is(what, "EXIT"))
		e = mm_trace_note(p->src, "records of perf that are of no task or mapping", t->line);
	else if (!mm_perf_task_parse(t->args, &task) || !task.pid || !task.tid)
		e = mm_trace_loss(p->src, "records of perf that cannot be read", t->line, err);
	else
		e = what.p[0] == 'F' ? mm_perf_fork(p, b, t, &task) : mm_perf_end(p, b, t, &task);
	return e == -ENOMEM ? mm_error_set(err, e, "out of memory") : e;
}
