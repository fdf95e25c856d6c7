/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sys/firmware/memmap: the map as the firmware gave it, one directory an
 * entry with files start, end and type. Everybody may read it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/source.h>

enum { MAX_ENTRIES = 1 << 14 };
static const char dir[] = "sys/firmware/memmap";

struct entry {
	uint64_t start, end;
	char type[64];
};

struct entries {
	const struct mm_sysroot *root;
	struct mm_error *err;
	struct entry *v;
	size_t nr, cap;
};

static int read_entry(struct entries *es, const char *name, struct entry *e)
{
	char path[sizeof(dir) + 64 + 8];
	int err;

	snprintf(path, sizeof(path), "%s/%s/start", dir, name);
	err = mm_sysroot_u64(es->root, path, &e->start);
	if (!err) {
		snprintf(path, sizeof(path), "%s/%s/end", dir, name);
		err = mm_sysroot_u64(es->root, path, &e->end);
	}
	if (err)
		return mm_error_set(es->err, err, "%s/%s: expected a number, found %s", mm_sysroot_name(es->root), path,
				    err == -EINVAL ? "something else" : strerror(-err));
	snprintf(path, sizeof(path), "%s/%s/type", dir, name);
	if (mm_sysroot_text(es->root, path, e->type, sizeof(e->type)) < 0)
		return mm_error_set(es->err, -EINVAL, "%s/%s: expected the type of a region, found none",
				    mm_sysroot_name(es->root), path);
	if (e->end < e->start)
		return mm_error_set(es->err, -EINVAL, "%s/%s/%s: expected a region that ends after it begins",
				    mm_sysroot_name(es->root), dir, name);
	return 0;
}

static int add_entry(void *arg, const char *name)
{
	struct entries *es = arg;

	if (name[strspn(name, "0123456789")] || strlen(name) > 64)
		return 0;
	if (es->nr == MAX_ENTRIES)
		return mm_error_set(es->err, -EFBIG, "%s/%s: expected at most %d entries", mm_sysroot_name(es->root),
				    dir, (int)MAX_ENTRIES);
	if (es->nr == es->cap) {
		size_t cap = es->cap ? 2 * es->cap : 32;
		struct entry *v = realloc(es->v, cap * sizeof(*v));

		if (!v)
			return mm_error_set(es->err, -ENOMEM, "out of memory");
		es->v = v;
		es->cap = cap;
	}
	return read_entry(es, name, &es->v[es->nr++]);
}

static int by_start(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start ? 1 : x->end < y->end ? -1 : x->end > y->end;
}

int mm_firmware_memmap_read(struct mm_region_list *l, const struct mm_sysroot *r, struct mm_error *err)
{
	struct entries es = { .root = r, .err = err };
	int e = mm_sysroot_each(r, dir, add_entry, &es);

	if (e < 0 && !es.nr)
		mm_error_set(err, e, "%s/%s: %s", mm_sysroot_name(r), dir, strerror(-e));
	if (!e && !es.nr)
		e = mm_error_set(err, -EINVAL, "%s/%s: expected a directory for each region, found none",
				 mm_sysroot_name(r), dir);
	if (!e)
		qsort(es.v, es.nr, sizeof(es.v[0]), by_start);
	for (size_t i = 0; i < es.nr && !e; i++) {
		struct mm_str name = { es.v[i].type, strlen(es.v[i].type) };
		struct mm_region region = { .start = es.v[i].start, .end = es.v[i].end,
					    .kind = (uint8_t)mm_region_kind_of_name(name) };

		if (mm_region_list_add(l, &region, name))
			e = mm_error_set(err, -ENOMEM, "out of memory");
	}
	free(es.v);
	return e;
}
