/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What descriptors of an strace log stand for.
 *
 * With -y each use names its file; without, opens and dups are followed task by
 * task.  Paths are kept once, found by hash; a descriptor table belongs to a
 * group of tasks that share it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/str.h"
#include "source/strace.h"

enum { MAX_FD = 1 << 20 };

struct table {
	struct strace_fd **fd;		/* open file descriptions: dup and fork share them */
	size_t nr;
	uint32_t users;
};

struct task {
	uint32_t pid;
	struct table *table;		/* NULL: gone */
};

struct strace_files {
	struct strace_file **v;
	size_t nr, cap;
	uint32_t *slots;
	size_t nr_slots;
	struct task *tasks;
	size_t nr_tasks, cap_tasks;
	size_t last;			/* index of the task asked for last */
	size_t nr_gone, gone_hint;	/* places that can be used again */
	struct strace_pids pids;
};

int strace_files_new(struct strace_files **fp)
{
	struct strace_files *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->nr_slots = 256;
	f->slots = calloc(f->nr_slots, sizeof(*f->slots));
	if (!f->slots) {
		free(f);
		return -ENOMEM;
	}
	*fp = f;
	return 0;
}

static void put_fd(struct strace_fd *fd)
{
	if (fd && !--fd->users)
		free(fd);
}

static void put_table(struct table *t)
{
	if (!t || --t->users)
		return;
	for (size_t i = 0; i < t->nr; i++)
		put_fd(t->fd[i]);
	free(t->fd);
	free(t);
}

void strace_files_free(struct strace_files *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->nr; i++) {
		free(f->v[i]->path);
		free(f->v[i]);
	}
	for (size_t i = 0; i < f->nr_tasks; i++)
		put_table(f->tasks[i].table);
	free(f->v);
	free(f->slots);
	free(f->tasks);
	strace_pids_free(&f->pids);
	free(f);
}

static int grow(struct strace_files *f)
{
	size_t cap = f->cap ? 2 * f->cap : 64, nr_slots = 4 * cap;
	struct strace_file **v = realloc(f->v, cap * sizeof(*v));
	uint32_t *slots;

	if (!v)
		return -ENOMEM;
	f->v = v;
	slots = calloc(nr_slots, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (size_t k = 0; k < f->nr; k++) {
		size_t i = (size_t)f->v[k]->hash & (nr_slots - 1);

		while (slots[i])
			i = (i + 1) & (nr_slots - 1);
		slots[i] = (uint32_t)k + 1;
	}
	free(f->slots);
	f->slots = slots;
	f->nr_slots = nr_slots;
	f->cap = cap;
	return 0;
}

static int hex_digit(char c)
{
	return strace_is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

/* One byte of a path as strace escapes it: \303, \x1b, \n, \", \\. */
static char unescape(const char **p, const char *end)
{
	static const char letters[] = "n\nt\tr\rv\vf\f";
	const char *s = *p + 1;
	int v = 0, n = 0;

	if (**p != '\\' || s == end)
		return *(*p)++;
	while (n < 3 && s + n < end && s[n] >= '0' && s[n] <= '7')
		v = v * 8 + (s[n++] - '0');
	if (!n && *s == 'x')
		for (n = 1; n < 3 && s + n < end && hex_digit(s[n]) < 16; n++)
			v = v * 16 + hex_digit(s[n]);
	if (n) {
		*p = s + n;
		return (char)v;
	}
	*p = s + 1;
	for (size_t i = 0; letters[i]; i += 2)
		if (letters[i] == *s)
			return letters[i + 1];
	return *s;
}

struct mm_str strace_unescape(struct mm_str escaped, char text[STRACE_PATH])
{
	size_t n = 0;

	for (const char *p = escaped.p, *end = p + escaped.len; p < end && n < STRACE_PATH;)
		text[n++] = unescape(&p, end);
	return (struct mm_str){ text, n };
}

bool strace_is_absolute(struct mm_str escaped)
{
	const char *p = escaped.p;

	return escaped.len && unescape(&p, p + escaped.len) == '/';
}

/* The slot of @path, without escapes, or the empty one where it would be. */
static size_t slot_of(const struct strace_files *f, struct mm_str path, uint64_t hash)
{
	size_t i = (size_t)hash & (f->nr_slots - 1);

	for (; f->slots[i]; i = (i + 1) & (f->nr_slots - 1)) {
		const struct strace_file *file = f->v[f->slots[i] - 1];

		if (file->hash == hash && mm_str_is(path, file->path))
			break;
	}
	return i;
}

static struct strace_file *find_or_add(struct strace_files *f, struct mm_str path)
{
	uint64_t h = mm_str_hash(path);
	struct strace_file *file;
	size_t i;

	if (f->nr == f->cap && grow(f))
		return NULL;
	i = slot_of(f, path, h);
	if (f->slots[i])
		return f->v[f->slots[i] - 1];
	file = calloc(1, sizeof(*file));
	if (!file)
		return NULL;
	file->path = strndup(path.p, path.len);
	if (!file->path) {
		free(file);
		return NULL;
	}
	file->hash = h;
	file->mode = 2;
	file->now = file;
	f->v[f->nr++] = file;
	f->slots[i] = (uint32_t)f->nr;
	return file;
}

struct strace_file *strace_path(struct strace_files *f, struct mm_str path)
{
	char text[STRACE_PATH];

	return find_or_add(f, strace_unescape(path, text));
}

struct strace_file *strace_path_known(struct strace_files *f, struct mm_str path)
{
	char text[STRACE_PATH];
	size_t i;

	if (!f->nr)
		return NULL;
	path = strace_unescape(path, text);
	i = slot_of(f, path, mm_str_hash(path));
	return f->slots[i] ? f->v[f->slots[i] - 1] : NULL;
}

struct strace_file *strace_file_anew(struct strace_files *f, struct strace_file *first)
{
	char path[STRACE_PATH + 16];
	struct strace_file *file = first;

	while (file && file->opened) {
		int n = snprintf(path, sizeof(path), "%s (%" PRIu32 ")", first->path, ++first->nr_alike + 1);

		file = find_or_add(f, (struct mm_str){ path, (size_t)n });
	}
	if (!file)
		return NULL;
	if (file != first)
		file->first = first;
	file->opened = first->opened = true;
	first->now = file;
	return file;
}

static struct task *find_task(struct strace_files *f, uint32_t pid)
{
	if (f->last < f->nr_tasks && f->tasks[f->last].pid == pid)
		return &f->tasks[f->last];
	return strace_pids_find(&f->pids, pid, &f->last) ? &f->tasks[f->last] : NULL;
}

/* The task, with a table; a place of one that has gone is used again. */
static struct task *get_task(struct strace_files *f, uint32_t pid)
{
	struct task *t = find_task(f, pid);

	if (t)
		f->nr_gone -= !t->table;
	for (; !t && f->nr_gone; f->gone_hint = (f->gone_hint + 1) % f->nr_tasks)
		if (!f->tasks[f->gone_hint].table) {
			t = &f->tasks[f->gone_hint];
			strace_pids_del(&f->pids, t->pid);
			f->nr_gone--;
		}
	if (!t) {
		if (mm_grow(&f->tasks, f->nr_tasks, &f->cap_tasks, sizeof(*t)))
			return NULL;
		t = &f->tasks[f->nr_tasks++];
		t->table = NULL;
	}
	t->pid = pid;
	if (strace_pids_add(&f->pids, pid, (size_t)(t - f->tasks)))
		return NULL;
	if (!t->table) {
		t->table = calloc(1, sizeof(*t->table));
		if (!t->table)
			return NULL;
		t->table->users = 1;
	}
	return t;
}

int strace_task_clone(struct strace_files *f, uint32_t parent, uint32_t child, bool share)
{
	struct task *p = get_task(f, parent), *c;
	struct table *t, *from;

	if (!p)
		return -ENOMEM;
	from = p->table;
	c = get_task(f, child);		/* may move p */
	if (!c)
		return -ENOMEM;
	if (share) {
		from->users++;
		put_table(c->table);
		c->table = from;
		return 0;
	}
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->users = 1;
	t->fd = from->nr ? malloc(from->nr * sizeof(*t->fd)) : NULL;
	if (from->nr && !t->fd) {
		free(t);
		return -ENOMEM;
	}
	for (size_t i = 0; i < from->nr; i++) {
		t->fd[i] = from->fd[i];
		if (t->fd[i])
			t->fd[i]->users++;
	}
	t->nr = from->nr;
	put_table(c->table);
	c->table = t;
	return 0;
}

void strace_task_exit(struct strace_files *f, uint32_t pid)
{
	struct task *t = find_task(f, pid);

	if (!t)
		return;
	f->nr_gone += t->table != NULL;
	put_table(t->table);
	t->table = NULL;
}

/* The place of @fd in the table of @pid; NULL in *@place: a number that no process has. */
static int place_of(struct strace_files *f, uint32_t pid, uint64_t fd, struct strace_fd ***place)
{
	struct task *t = get_task(f, pid);

	*place = NULL;
	if (!t)
		return -ENOMEM;
	if (fd >= MAX_FD)
		return 0;
	if (fd >= t->table->nr) {
		size_t nr = (size_t)fd + 16;
		struct strace_fd **v = realloc(t->table->fd, nr * sizeof(*v));

		if (!v)
			return -ENOMEM;
		memset(v + t->table->nr, 0, (nr - t->table->nr) * sizeof(*v));
		t->table->fd = v;
		t->table->nr = nr;
	}
	*place = &t->table->fd[fd];
	return 0;
}

int strace_fd_set(struct strace_files *f, uint32_t pid, uint64_t fd, struct strace_file *file, uint8_t mode)
{
	struct strace_fd **place, *made;
	int e = place_of(f, pid, fd, &place);

	if (e || !place)
		return e;
	made = malloc(sizeof(*made));
	if (!made)
		return -ENOMEM;
	*made = (struct strace_fd){ .file = file, .mode = mode, .users = 1 };
	put_fd(*place);
	*place = made;
	return 0;
}

int strace_fd_dup(struct strace_files *f, uint32_t pid, uint64_t old, uint64_t fd)
{
	struct strace_fd **place, *from;
	int e = place_of(f, pid, fd, &place);

	from = strace_fd(f, pid, old);
	if (e || !place || !from || from == *place)
		return e;
	from->users++;
	put_fd(*place);
	*place = from;
	return 0;
}

struct strace_fd *strace_fd(struct strace_files *f, uint32_t pid, uint64_t fd)
{
	struct task *t = find_task(f, pid);

	return t && t->table && fd < t->table->nr ? t->table->fd[fd] : NULL;
}

void strace_fd_close(struct strace_files *f, uint32_t pid, uint64_t fd)
{
	struct task *t = find_task(f, pid);

	if (!t || !t->table || fd >= t->table->nr)
		return;
	put_fd(t->table->fd[fd]);
	t->table->fd[fd] = NULL;
}
