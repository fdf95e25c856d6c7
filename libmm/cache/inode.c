/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/inode.c - the files of a machine by name
 *
 * One entry a file: an inode and the one open file of it.  Entries lie in an
 * array of pointers in order of creation (an address space's id is its place
 * + 1); an open-addressing hash of those places finds the named ones.
 */
#include "cache/inode.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/host_memory.h"
#include "base/str.h"

struct entry {
	struct mm_inode inode;
	struct mm_file file;
	size_t name_len;
	uint64_t hash;
	bool named;			/* the hash knows it */
};

struct mm_inode_table {
	struct entry **v;
	size_t nr, cap;
	uint32_t *holes;		/* places of evicted inodes, for the next ones; as many as v has room for */
	size_t nr_holes;
	uint32_t *slots;		/* place + 1, 0 empty */
	size_t nr_slots;		/* a power of two, at least twice nr */
	/* the last inode numbers of the kernel's own tmpfs and of /dev/shm; 1 is the root's */
	uint64_t shmem_inodes[2];
};

int mm_inode_table_new(struct mm_inode_table **tp)
{
	struct mm_inode_table *t = mm_host_calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->nr_slots = 64;
	t->shmem_inodes[0] = t->shmem_inodes[1] = 1;
	t->slots = mm_host_calloc(t->nr_slots, sizeof(*t->slots));
	if (!t->slots) {
		free(t);
		return -ENOMEM;
	}
	*tp = t;
	return 0;
}

void mm_inode_table_free(struct mm_inode_table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->nr; i++) {
		if (!t->v[i])
			continue;
		mm_xa_destroy(&t->v[i]->inode.mapping.i_pages);
		mm_xa_destroy(&t->v[i]->inode.mapping.written);
		free(t->v[i]->inode.policies);
		free(t->v[i]->inode.disk_runs);
		free(t->v[i]->inode.name);
		free(t->v[i]);
	}
	free(t->v);
	free(t->holes);
	free(t->slots);
	free(t);
}

/* The slot that holds @name, or the empty one where it belongs. */
static size_t slot_of(const struct mm_inode_table *t, struct mm_str name, uint64_t hash)
{
	size_t i = (size_t)hash & (t->nr_slots - 1);

	for (; t->slots[i]; i = (i + 1) & (t->nr_slots - 1)) {
		const struct entry *e = t->v[t->slots[i] - 1];

		if (e->hash == hash && e->name_len == name.len && !memcmp(e->inode.name, name.p, name.len))
			break;
	}
	return i;
}

struct mm_file *mm_file_lookup(struct mm_inode_table *t, struct mm_str name)
{
	size_t i = slot_of(t, name, mm_str_hash(name));

	return t->slots[i] ? &t->v[t->slots[i] - 1]->file : NULL;
}

/* What was put behind a taken slot moves up, so that no search ends before it. */
static void empty_slot(struct mm_inode_table *t, size_t hole)
{
	size_t mask = t->nr_slots - 1;

	for (size_t i = (hole + 1) & mask; t->slots[i]; i = (i + 1) & mask) {
		size_t home = (size_t)t->v[t->slots[i] - 1]->hash & mask;

		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		t->slots[hole] = t->slots[i];
		hole = i;
	}
	t->slots[hole] = 0;
}

void mm_file_unlink(struct mm_inode_table *t, struct mm_inode *inode)
{
	struct entry *e = t->v[inode->mapping.id - 1];

	if (!e->named)
		return;
	empty_slot(t, slot_of(t, (struct mm_str){ e->inode.name, e->name_len }, e->hash));
	e->named = false;
}

static int make_room(struct mm_inode_table *t)
{
	if (t->nr == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 32;
		struct entry **v = mm_host_realloc(t->v, cap * sizeof(*v));
		uint32_t *holes;

		if (!v)
			return -ENOMEM;
		t->v = v;
		holes = mm_host_realloc(t->holes, cap * sizeof(*holes));
		if (!holes)
			return -ENOMEM;
		t->holes = holes;
		t->cap = cap;
	}
	if ((t->nr + 1) * 2 > t->nr_slots) {
		size_t n = t->nr_slots * 2;
		uint32_t *slots = mm_host_calloc(n, sizeof(*slots));

		if (!slots)
			return -ENOMEM;
		for (size_t k = 0; k < t->nr; k++) {
			size_t i = t->v[k] ? (size_t)t->v[k]->hash & (n - 1) : 0;

			if (!t->v[k] || !t->v[k]->named)
				continue;
			while (slots[i])
				i = (i + 1) & (n - 1);
			slots[i] = (uint32_t)k + 1;
		}
		free(t->slots);
		t->slots = slots;
		t->nr_slots = n;
	}
	return 0;
}

static struct entry *entry_new(struct mm_str name, uint64_t hash, enum mm_inode_type type, uint64_t size, uint32_t f_mode)
{
	struct entry *e = mm_host_calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->inode.name = mm_host_malloc(name.len + 1);
	if (!e->inode.name) {
		free(e);
		return NULL;
	}
	memcpy(e->inode.name, name.p, name.len);
	e->inode.name[name.len] = '\0';
	e->name_len = name.len;
	e->inode.shown_len = (uint32_t)name.len;
	e->hash = hash;
	e->inode.size = e->inode.blocks_end = e->inode.disk_end = size;
	e->inode.type = (uint8_t)type;
	e->inode.dev_zero = name.len == 9 && !memcmp(name.p, "/dev/zero", 9);
	e->inode.mapping.host = &e->inode;
	e->file.inode = &e->inode;
	e->file.f_mode = f_mode;
	e->file.ra.prev_pos = -1;
	e->file.ra.ra_pages = UINT32_MAX;
	return e;
}

/* In a hole or at the end of the array; NULL: no host memory. */
static struct entry *append(struct mm_inode_table *t, struct mm_str name, enum mm_inode_type type, uint64_t size,
			    uint32_t f_mode)
{
	struct entry *e;
	size_t place;

	if (!t->nr_holes && (t->nr >= UINT32_MAX - 1 || make_room(t)))
		return NULL;
	e = entry_new(name, mm_str_hash(name), type, size, f_mode);
	if (!e)
		return NULL;
	place = t->nr_holes ? t->holes[--t->nr_holes] : t->nr++;
	t->v[place] = e;
	e->inode.ino = place + 1;
	if (mm_inode_is_shmem(&e->inode))
		e->inode.il_bias = ++t->shmem_inodes[type == MM_INODE_TMPFS];
	e->inode.dev_major = mm_inode_is_internal(type) ? 0 : 8;
	e->inode.dev_minor = 1;
	e->inode.mapping.id = (uint32_t)place + 1;
	return e;
}

/* What is before " (2)" and so on in the name of another file of a path, if that is a file too; else all. */
static size_t shown_len(struct mm_inode_table *t, struct mm_str name)
{
	size_t n = name.len;

	if (!n || name.p[n - 1] != ')')
		return name.len;
	for (n--; n && name.p[n - 1] >= '0' && name.p[n - 1] <= '9';)
		n--;
	if (n < 3 || n == name.len - 1 || name.p[n - 1] != '(' || name.p[n - 2] != ' ')
		return name.len;
	return mm_file_lookup(t, (struct mm_str){ name.p, n - 2 }) ? n - 2 : name.len;
}

struct mm_file *mm_file_create(struct mm_inode_table *t, struct mm_str name, enum mm_inode_type type,
			       uint64_t size, uint32_t f_mode)
{
	struct mm_file *f = mm_file_lookup(t, name);
	struct entry *e = f ? NULL : append(t, name, type, size, f_mode);

	if (!e)
		return f;
	e->named = true;
	e->inode.shown_len = (uint32_t)shown_len(t, name);
	t->slots[slot_of(t, name, e->hash)] = e->inode.mapping.id;
	return &e->file;
}

struct mm_file *mm_file_create_unlinked(struct mm_inode_table *t, struct mm_str name, enum mm_inode_type type,
					uint64_t size, uint32_t f_mode)
{
	struct entry *e = append(t, name, type, size, f_mode);

	return e ? &e->file : NULL;
}

struct mm_file *mm_file_attach(const struct mm_file *seg, uint32_t f_mode)
{
	struct mm_file *f = mm_host_malloc(sizeof(*f));

	if (!f)
		return NULL;
	*f = *seg;
	f->f_mode = f_mode;
	f->nr_vmas = 0;
	f->attachment = true;
	return f;
}

void mm_file_get_vma(struct mm_file *f) { f->nr_vmas++; }

void mm_file_put_vma(struct mm_file *f)
{
	if (--f->nr_vmas == 0 && f->attachment)
		free(f);
}

static struct entry *entry_of(const struct mm_file *f)
{
	return (struct entry *)(void *)((char *)(uintptr_t)f - offsetof(struct entry, file));
}

enum mm_inode_type mm_inode_type_of_name(struct mm_str name)
{
	if (mm_str_starts(name, "/memfd:"))
		return MM_INODE_MEMFD;
	return mm_str_starts(name, "/dev/shm/") ? MM_INODE_TMPFS : MM_INODE_REG;
}

bool mm_file_is_orphan(const struct mm_file *f)
{
	return !f->attachment && !f->nr_vmas && !entry_of(f)->named;
}

void mm_inode_evict(struct mm_inode_table *t, struct mm_file *f)
{
	struct entry *e = entry_of(f);
	uint32_t place = e->inode.mapping.id - 1;

	mm_xa_destroy(&e->inode.mapping.i_pages);
	mm_xa_destroy(&e->inode.mapping.written);
	free(e->inode.policies);
	free(e->inode.disk_runs);
	free(e->inode.name);
	free(e);
	t->v[place] = NULL;
	t->holes[t->nr_holes++] = place;
}

struct mm_address_space *mm_address_space_of(struct mm_inode_table *t, uint32_t id)
{
	return id && id <= t->nr && t->v[id - 1] ? &t->v[id - 1]->inode.mapping : NULL;
}

size_t mm_inode_table_nr(const struct mm_inode_table *t) { return t->nr; }
