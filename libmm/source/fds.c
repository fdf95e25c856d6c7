/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Descriptors: one hash table of (pid, fd), linear probing, entries moved back
 * on removal; and one of file names.  What fork copies and exit drops is found
 * by a walk over the table, which is as large as the descriptors that are open.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/str.h"
#include "source/fds.h"

enum { FIRST_SLOTS = 256, MAX_FDS = 1 << 20, NR_BUCKETS = 4096 };
enum { OPEN_ACCMODE = 3, OPEN_TRUNC = 01000, OPEN_APPEND = 02000, OPEN_DIRECTORY = 0200000, OPEN_CLOEXEC = 02000000 };

struct entry {
	uint32_t pid, fd;
	struct mm_fd_open *open;	/* NULL: free slot */
	bool cloexec;
};

struct mm_fds {
	struct entry *slots;
	size_t nr_slots, used;
	struct mm_fd_file *buckets[NR_BUCKETS];
};

struct mm_fds *mm_fds_new(void)
{
	struct mm_fds *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->nr_slots = FIRST_SLOTS;
	t->slots = calloc(t->nr_slots, sizeof(*t->slots));
	if (!t->slots) {
		free(t);
		return NULL;
	}
	return t;
}

static void put_open(struct mm_fd_open *o)
{
	if (!--o->refs)
		free(o);
}

void mm_fds_free(struct mm_fds *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->nr_slots; i++)
		if (t->slots[i].open)
			put_open(t->slots[i].open);
	for (size_t i = 0; i < NR_BUCKETS; i++) {
		while (t->buckets[i]) {
			struct mm_fd_file *next = t->buckets[i]->next;

			free(t->buckets[i]);
			t->buckets[i] = next;
		}
	}
	free(t->slots);
	free(t);
}

/* ---- names ---- */

static enum mm_fd_kind kind_of(struct mm_str name)
{
	if (mm_str_starts(name, "/dev/shm/"))
		return MM_FD_REG;
	if (mm_str_starts(name, "/dev/"))
		return MM_FD_CHR;
	return mm_str_starts(name, "/proc/") || mm_str_starts(name, "/sys/") ? MM_FD_OTHER : MM_FD_REG;
}

struct mm_fd_file *mm_fds_file(struct mm_fds *t, struct mm_str name)
{
	struct mm_fd_file **link = &t->buckets[mm_str_fnv1a(name) >> 32 & (NR_BUCKETS - 1)], *f;

	if (!name.len)
		name.p = "";	/* an empty path, never NULL */
	for (; *link; link = &(*link)->next)
		if ((*link)->name.len == name.len && !memcmp((*link)->name.p, name.p, name.len))
			return *link;
	f = malloc(sizeof(*f) + name.len);
	if (!f)
		return NULL;
	memcpy(f + 1, name.p, name.len);
	*f = (struct mm_fd_file){ .name = { (const char *)(f + 1), name.len }, .kind = (uint8_t)kind_of(name) };
	*link = f;
	return f;
}

/* ---- descriptors ---- */

static size_t home(const struct mm_fds *t, uint32_t pid, uint32_t fd)
{
	return mm_hash_slot((uint64_t)pid << 32 | fd, t->nr_slots);
}

/* The slot of (pid, fd), or the free one where it would go. */
static size_t slot(const struct mm_fds *t, uint32_t pid, uint32_t fd)
{
	size_t i = home(t, pid, fd);

	while (t->slots[i].open && (t->slots[i].pid != pid || t->slots[i].fd != fd))
		i = (i + 1) & (t->nr_slots - 1);
	return i;
}

static int make_room(struct mm_fds *t)
{
	struct mm_fds old = *t;

	if (t->used >= MAX_FDS)
		return -EMFILE;
	if (2 * t->used < t->nr_slots)
		return 0;
	t->slots = calloc(2 * old.nr_slots, sizeof(*t->slots));
	if (!t->slots) {
		t->slots = old.slots;
		return -ENOMEM;
	}
	t->nr_slots = 2 * old.nr_slots;
	for (size_t i = 0; i < old.nr_slots; i++)
		if (old.slots[i].open)
			t->slots[slot(t, old.slots[i].pid, old.slots[i].fd)] = old.slots[i];
	free(old.slots);
	return 0;
}

/* Slot @i becomes free; later ones of its run move back over it. */
static void remove_slot(struct mm_fds *t, size_t i)
{
	size_t mask = t->nr_slots - 1;

	put_open(t->slots[i].open);
	t->slots[i].open = NULL;
	t->used--;
	for (size_t j = (i + 1) & mask; t->slots[j].open; j = (j + 1) & mask) {
		size_t h = home(t, t->slots[j].pid, t->slots[j].fd);

		if (((j - h) & mask) < ((j - i) & mask))
			continue;
		t->slots[i] = t->slots[j];
		t->slots[j].open = NULL;
		i = j;
	}
}

/* Takes over the caller's reference of @o. */
static int set(struct mm_fds *t, uint32_t pid, uint32_t fd, struct mm_fd_open *o, bool cloexec)
{
	int e;

	mm_fds_close(t, pid, fd);
	e = make_room(t);
	if (e) {
		put_open(o);
		return e;
	}
	t->slots[slot(t, pid, fd)] = (struct entry){ pid, fd, o, cloexec };
	t->used++;
	return 0;
}

int mm_fds_open(struct mm_fds *t, uint32_t pid, uint32_t fd, struct mm_str name, uint64_t flags)
{
	struct mm_fd_file *f = mm_fds_file(t, name);
	struct mm_fd_open *o = f ? malloc(sizeof(*o)) : NULL;

	if (!o)
		return -ENOMEM;
	*o = (struct mm_fd_open){ .file = f, .refs = 1, .append = flags & OPEN_APPEND };
	if (flags & OPEN_DIRECTORY)
		f->kind = MM_FD_DIR;
	if (flags & OPEN_ACCMODE)
		f->writable = true;
	if (flags & OPEN_TRUNC) {
		f->size = 0;
		f->exact = true;
	}
	return set(t, pid, fd, o, flags & OPEN_CLOEXEC);
}

struct mm_fd_open *mm_fds_get(struct mm_fds *t, uint32_t pid, uint32_t fd)
{
	return t->slots[slot(t, pid, fd)].open;
}

int mm_fds_dup(struct mm_fds *t, uint32_t pid, uint32_t old, uint32_t fd, bool cloexec)
{
	struct mm_fd_open *o = mm_fds_get(t, pid, old);

	if (old == fd)
		return 0;
	if (!o) {
		mm_fds_close(t, pid, fd);
		return 0;
	}
	o->refs++;
	return set(t, pid, fd, o, cloexec);
}

void mm_fds_close(struct mm_fds *t, uint32_t pid, uint32_t fd)
{
	size_t i = slot(t, pid, fd);

	if (t->slots[i].open)
		remove_slot(t, i);
}

/* The descriptors of @pid in one array; *@nr of them.  NULL with *@nr set: host memory. */
static struct entry *all_of(const struct mm_fds *t, uint32_t pid, size_t *nr)
{
	struct entry *v;
	size_t n = 0;

	for (size_t i = 0; i < t->nr_slots; i++)
		n += t->slots[i].open && t->slots[i].pid == pid;
	*nr = n;
	v = n ? malloc(n * sizeof(*v)) : NULL;
	if (!v)
		return NULL;
	n = 0;
	for (size_t i = 0; i < t->nr_slots; i++)
		if (t->slots[i].open && t->slots[i].pid == pid)
			v[n++] = t->slots[i];
	return v;
}

int mm_fds_fork(struct mm_fds *t, uint32_t parent, uint32_t child)
{
	struct entry *v;
	size_t nr;
	int e = 0;

	mm_fds_exit(t, child);
	v = all_of(t, parent, &nr);
	if (nr && !v)
		return -ENOMEM;
	for (size_t i = 0; !e && i < nr; i++) {
		v[i].open->refs++;
		e = set(t, child, v[i].fd, v[i].open, v[i].cloexec);
	}
	free(v);
	return e;
}

static void drop(struct mm_fds *t, uint32_t pid, bool only_cloexec)
{
	for (size_t i = 0; i < t->nr_slots; ) {
		struct entry *s = &t->slots[i];

		if (s->open && s->pid == pid && (s->cloexec || !only_cloexec))
			remove_slot(t, i);	/* another may have moved here */
		else
			i++;
	}
}

void mm_fds_exec(struct mm_fds *t, uint32_t pid) { drop(t, pid, true); }
void mm_fds_exit(struct mm_fds *t, uint32_t pid) { drop(t, pid, false); }
