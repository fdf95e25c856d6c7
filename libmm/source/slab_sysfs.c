/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /sys/kernel/slab: a directory a cache, a file a number.  SLUB alone has it.
 *
 * A merged cache is a directory with a name such as :0000192 (or its flags in
 * letters before the size), and a symbolic link for each name it has; slabinfo
 * shows it under the first of these names, so both lead to the same files.
 * Until Linux 5.8 each memory cgroup had caches of its own, in folders NAME/cgroup/NAME(ID:CGROUP); slabinfo counts them with NAME.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libmm/slabinfo.h>
#include "base/grow.h"
#include "source/scan.h"
#include "source/slabinfo.h"

#define SYSFS_SLAB "sys/kernel/slab"

static const struct {
	const char *file;
	size_t offset;
	bool if_missing;		/* slabinfo's value stands */
} numbers[] = {
#define N(file, field, if_missing) { file, offsetof(struct mm_cache_row, field), if_missing }
	N("object_size", object_size, false), N("slab_size", slab_size, true), N("align", align, false),
	N("order", order, true), N("objs_per_slab", objects_per_slab, true), N("min_partial", min_partial, false),
	N("cpu_partial", cpu_partial, false), N("aliases", aliases, false), N("objects", active_objects, true),
	N("total_objects", objects, true), N("slabs", slabs, true), N("usersize", usersize, false),
#undef N
};

static const struct {
	const char *file, *word;
} flag_files[] = {
	{ "hwcache_align", "SLAB_HWCACHE_ALIGN" }, { "cache_dma", "SLAB_CACHE_DMA" },
	{ "reclaim_account", "SLAB_RECLAIM_ACCOUNT" }, { "destroy_by_rcu", "SLAB_TYPESAFE_BY_RCU" },
	{ "red_zone", "SLAB_RED_ZONE" }, { "poison", "SLAB_POISON" }, { "store_user", "SLAB_STORE_USER" },
	{ "sanity_checks", "SLAB_CONSISTENCY_CHECKS" }, { "trace", "SLAB_TRACE" },
};

/* The first number of a file ("120 N0=120"); MM_MISSING_U64 when there is none. */
static uint64_t number_in(const struct mm_sysroot *root, const char *cache, const char *file)
{
	char path[512], text[256];
	struct mm_str s;
	uint64_t v;
	long n;

	if (snprintf(path, sizeof(path), SYSFS_SLAB "/%s/%s", cache, file) >= (int)sizeof(path))
		return MM_MISSING_U64;
	n = mm_sysroot_text(root, path, text, sizeof(text));
	s = (struct mm_str){ text, n > 0 ? (size_t)n : 0 };
	return scan_u64(&s, &v) ? v : MM_MISSING_U64;
}

static int read_flags(struct mm_cache_row *row, const struct mm_sysroot *root)
{
	char text[512] = "", path[512], ctor[64];
	size_t n = 0;

	for (size_t i = 0; i < sizeof(flag_files) / sizeof(flag_files[0]); i++)
		if (number_in(root, row->name, flag_files[i].file) == 1)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n ? "|" : "", flag_files[i].word);
	snprintf(path, sizeof(path), SYSFS_SLAB "/%s/ctor", row->name);
	if (mm_sysroot_text(root, path, ctor, sizeof(ctor)) > 0)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%sctor", n ? "|" : "");
	row->flags.p = strdup(text);
	row->flags.len = n;
	return row->flags.p ? 0 : -ENOMEM;
}

/* What is added up over a cache and those that memory cgroups have of it (Linux 3.15 to 5.8: NAME/cgroup/NAME(ID:CGROUP)). */
struct with_cgroups {
	const struct mm_sysroot *root;
	const char *cache;
	struct mm_cache_row *row;
};

static void add_number(uint64_t *field, uint64_t v)
{
	if (*field != MM_MISSING_U64 && v != MM_MISSING_U64)
		*field = v < MM_MISSING_U64 - *field ? *field + v : MM_MISSING_U64 - 1;
}

static int add_cgroup(void *arg, const char *name)
{
	struct with_cgroups *w = arg;
	char cache[400];

	if (snprintf(cache, sizeof(cache), "%s/cgroup/%s", w->cache, name) >= (int)sizeof(cache))
		return 0;
	add_number(&w->row->active_objects, number_in(w->root, cache, "objects"));
	add_number(&w->row->objects, number_in(w->root, cache, "total_objects"));
	add_number(&w->row->slabs, number_in(w->root, cache, "slabs"));
	return 0;
}

/* As slabinfo does: a row of it has them in it already. */
static int add_cgroups(struct mm_cache_row *row, const struct mm_sysroot *root)
{
	struct with_cgroups w = { .root = root, .cache = row->name, .row = row };
	char path[512];
	int e = 0;

	if (snprintf(path, sizeof(path), SYSFS_SLAB "/%s/cgroup", row->name) < (int)sizeof(path))
		e = mm_sysroot_each(root, path, add_cgroup, &w);
	return e == -ENOMEM ? e : 0;
}

static int read_cache(struct mm_cache_row *row, const struct mm_sysroot *root)
{
	bool counted = row->slabs != MM_MISSING_U64;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		uint64_t *field = (uint64_t *)(void *)((char *)row + numbers[i].offset);

		if (!numbers[i].if_missing || *field == MM_MISSING_U64)
			*field = number_in(root, row->name, numbers[i].file);
	}
	if (!counted && add_cgroups(row, root))
		return -ENOMEM;
	if (row->active_slabs == MM_MISSING_U64)
		row->active_slabs = row->slabs;		/* as SLUB's slabinfo has it */
	return row->object_size == MM_MISSING_U64 ? 0 : read_flags(row, root);
}

/* ---- names: links to the folders of caches, which merged caches share ---- */

struct link {
	char *name, *target;
};

struct found {
	struct mm_slabinfo *info;
	const struct mm_sysroot *root;
	struct link *v;
	size_t nr, cap;
};

static int add_link(struct found *f, const char *name, const char *target)
{
	if (mm_grow(&f->v, f->nr, &f->cap, sizeof(*f->v)))
		return -ENOMEM;
	f->v[f->nr] = (struct link){ strdup(name), strdup(target) };
	if (!f->v[f->nr].name || !f->v[f->nr].target) {
		free(f->v[f->nr].name);
		free(f->v[f->nr].target);
		return -ENOMEM;
	}
	f->nr++;
	return 0;
}

/* Folders are caches, unless slabinfo has told of them already; a link is another name of one. */
static int add_entry(void *arg, const char *name)
{
	struct found *f = arg;
	struct mm_cache_row *row;
	char path[512], target[256];
	struct stat st;
	ssize_t n;

	if (snprintf(path, sizeof(path), SYSFS_SLAB "/%s", name) >= (int)sizeof(path) ||
	    fstatat(mm_sysroot_dirfd(f->root), path, &st, AT_SYMLINK_NOFOLLOW))
		return 0;
	if (S_ISLNK(st.st_mode)) {
		n = readlinkat(mm_sysroot_dirfd(f->root), path, target, sizeof(target) - 1);
		if (n <= 0 || n >= (ssize_t)sizeof(target) - 1)
			return 0;
		target[n] = 0;
		return add_link(f, name, target);
	}
	if (!S_ISDIR(st.st_mode) || !f->info)
		return 0;
	return mm_slabinfo_add(f->info, (struct mm_str){ name, strlen(name) }, &row);
}

static const char *target_of(const struct found *f, const char *name)
{
	for (size_t i = 0; i < f->nr; i++)
		if (!strcmp(f->v[i].name, name))
			return f->v[i].target;
	return name;
}

/* The row's folder, and what else leads there. */
static int read_names(struct mm_cache_row *row, const struct found *f)
{
	const char *id = target_of(f, row->name);
	char *text;
	size_t n = 0;

	for (size_t i = 0; i < f->nr; i++)
		if (!strcmp(f->v[i].target, id) && strcmp(f->v[i].name, row->name))
			n += strlen(f->v[i].name) + 1;
	text = malloc(n + 1);
	row->unique_id.p = strdup(id);
	if (!text || !row->unique_id.p) {
		free(text);
		return -ENOMEM;
	}
	row->unique_id.len = strlen(id);
	n = 0;
	for (size_t i = 0; i < f->nr; i++)
		if (!strcmp(f->v[i].target, id) && strcmp(f->v[i].name, row->name))
			n += (size_t)sprintf(text + n, "%s%s", n ? "|" : "", f->v[i].name);
	row->alias_names = (struct mm_str){ text, n };
	return 0;
}

static void free_links(struct found *f)
{
	for (size_t i = 0; i < f->nr; i++) {
		free(f->v[i].name);
		free(f->v[i].target);
	}
	free(f->v);
}

static int link_by_name(const void *a, const void *b)
{
	return strcmp(((const struct link *)a)->name, ((const struct link *)b)->name);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct mm_cache_row *)a)->name, ((const struct mm_cache_row *)b)->name);
}

int mm_slab_sysfs_read(struct mm_slabinfo *info, const struct mm_sysroot *root)
{
	struct found f = { .info = info->nr ? NULL : info, .root = root };
	int e = mm_sysroot_each(root, SYSFS_SLAB, add_entry, &f);

	if (e && e != -ENOMEM) {
		free_links(&f);
		return 0;		/* there is none, or it may not be read */
	}
	if (!e && f.info && info->nr)
		qsort(info->v, info->nr, sizeof(info->v[0]), by_name);
	if (!e && f.nr)
		qsort(f.v, f.nr, sizeof(f.v[0]), link_by_name);
	for (size_t i = 0; i < info->nr && !e; i++) {
		e = strchr(info->v[i].name, '/') ? 0 : read_cache(&info->v[i], root);
		if (!e)
			e = read_names(&info->v[i], &f);
	}
	free_links(&f);
	if (!e)
		mm_slabinfo_sizes(info);
	return e;
}

/* Is there a cache of which more is known than its name?  The files of /sys/kernel/slab are root's alone since Linux 3.2. */
static bool has_numbers(const struct mm_slabinfo *info)
{
	for (size_t i = 0; i < info->nr; i++)
		if (info->v[i].object_size != MM_MISSING_U64 || info->v[i].slab_size != MM_MISSING_U64 ||
		    info->v[i].objects != MM_MISSING_U64)
			return true;
	return false;
}

int mm_sysroot_slabinfo(struct mm_slabinfo *info, const struct mm_sysroot *root, bool *denied, struct mm_error *err)
{
	struct mm_error first = { 0 };
	struct mm_input *in;
	int e = info->page_size ? 0 : mm_sysroot_page_size(root, &info->page_size);

	if (!e)
		e = mm_sysroot_input(root, "proc/slabinfo", &in, &first);
	if (e == -ENOMEM)
		return mm_error_set(err, e, "out of memory");
	if (denied)
		*denied = e == -EACCES || e == -EPERM;
	if (!e) {
		e = mm_slabinfo_read(info, in, err);
		mm_input_free(in);
		if (e)
			return e;
	}
	if (mm_slab_sysfs_read(info, root))
		return mm_error_set(err, -ENOMEM, "out of memory");
	if (!first.code || has_numbers(info))
		return 0;
	return mm_error_set(err, first.code, "%s; %s/" SYSFS_SLAB " %s", first.text, mm_sysroot_name(root),
			    info->nr ? "tells names alone" : "has no cache either");
}
