/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory cgroups of a sysroot: the files of each, and the tree that they lie in.
 *
 *	cgroup v2	sys/fs/cgroup/a/b/memory.current, memory.max, memory.stat, memory.events ...
 *	cgroup v1	sys/fs/cgroup/memory/a/b/memory.usage_in_bytes, memory.limit_in_bytes, memory.stat ...
 *
 * A file holds one value (limit_files[]) or lines of a name and a value (the stat_lines[] of three files).
 * Figures of v1's memory.stat are those of the cgroup and what is below it (total_) where it has them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/cgroup.h>
#include <libmm/csv.h>
#include <libmm/wide.h>

#include "base/grow.h"
#include "base/minmax.h"
#include "base/str.h"
#include "source/folder.h"
#include "source/scan.h"

enum { MAX_PATH = 4096, MAX_TEXT = 65536 };
static const char v2_root[] = "sys/fs/cgroup", v1_root[] = "sys/fs/cgroup/memory";

enum what { USED, LIMIT, FLAG, PERCENT };	/* bytes; bytes or max; 0 or 1; 0 .. 200 */
static const struct value_file {
	const char *name;
	size_t member;
	enum what what;
} v2_files[] = {
#define FILE_OF(name, member, what) { name, offsetof(struct mm_cgroup_row, member), what }
	FILE_OF("memory.current", current, USED), FILE_OF("memory.peak", peak, USED),
	FILE_OF("memory.max", max, LIMIT), FILE_OF("memory.high", high, LIMIT), FILE_OF("memory.low", low, LIMIT),
	FILE_OF("memory.min", min, LIMIT), FILE_OF("memory.swap.current", swap_current, USED), FILE_OF("memory.swap.max", swap_max, LIMIT),
	FILE_OF("memory.swap.high", swap_high, LIMIT), FILE_OF("memory.oom.group", oom_group, FLAG),
}, v1_files[] = {
	FILE_OF("memory.usage_in_bytes", current, USED), FILE_OF("memory.max_usage_in_bytes", peak, USED),
	FILE_OF("memory.limit_in_bytes", max, LIMIT), FILE_OF("memory.soft_limit_in_bytes", soft_limit, LIMIT),
	FILE_OF("memory.memsw.usage_in_bytes", memsw, USED), FILE_OF("memory.memsw.limit_in_bytes", memsw_max, LIMIT),
	FILE_OF("memory.kmem.usage_in_bytes", kernel, USED), FILE_OF("memory.swappiness", swappiness, PERCENT),
#undef FILE_OF
};

static const struct stat_line {
	const char *file, *name;
	size_t member;
} v2_lines[] = {
#define LINE(file, name, member) { file, name, offsetof(struct mm_cgroup_row, member) }
#define STAT(name, member) LINE("memory.stat", name, member)
	STAT("anon", anon), STAT("file", file), STAT("kernel", kernel), STAT("kernel_stack", kernel_stack), STAT("pagetables", pagetables),
	STAT("percpu", percpu), STAT("sock", sock), STAT("slab", slab), STAT("slab_reclaimable", slab_reclaimable), STAT("shmem", shmem),
	STAT("swapcached", swapcached), STAT("file_dirty", file_dirty),
	STAT("inactive_anon", lists[0]), STAT("active_anon", lists[1]), STAT("inactive_file", lists[2]), STAT("active_file", lists[3]),
	STAT("unevictable", lists[4]),
	LINE("memory.events", "low", events_low), LINE("memory.events", "high", events_high), LINE("memory.events", "max", events_max),
	LINE("memory.events", "oom", events_oom), LINE("memory.events", "oom_kill", events_oom_kill),
}, v1_lines[] = {
	/* kernels without hierarchy have the first of each alone */
	STAT("rss", anon), STAT("cache", file), STAT("shmem", shmem), STAT("dirty", file_dirty), STAT("swap", swap_current),
	STAT("inactive_anon", lists[0]), STAT("active_anon", lists[1]), STAT("inactive_file", lists[2]), STAT("active_file", lists[3]),
	STAT("unevictable", lists[4]),
	STAT("total_rss", anon), STAT("total_cache", file), STAT("total_shmem", shmem), STAT("total_dirty", file_dirty),
	STAT("total_swap", swap_current),
	STAT("total_inactive_anon", lists[0]), STAT("total_active_anon", lists[1]), STAT("total_inactive_file", lists[2]),
	STAT("total_active_file", lists[3]), STAT("total_unevictable", lists[4]),
	LINE("memory.oom_control", "oom_kill", events_oom_kill),
#undef STAT
#undef LINE
};

/* One hierarchy: where it lies and what its files are called. */
struct layout {
	const char *dir;
	const struct value_file *files;
	const struct stat_line *lines;
	size_t nr_files, nr_lines;
};
#define NR(array) (sizeof(array) / sizeof((array)[0]))
static const struct layout v2 = { v2_root, v2_files, v2_lines, NR(v2_files), NR(v2_lines) };
static const struct layout v1 = { v1_root, v1_files, v1_lines, NR(v1_files), NR(v1_lines) };

static uint64_t *member_of(struct mm_cgroup_row *row, size_t member) { return (uint64_t *)(void *)((char *)row + member); }

static bool parse_value(struct mm_str text, enum what what, uint64_t *value)
{
	/* PAGE_COUNTER_MAX pages in bytes is v1's word for no limit */
	const uint64_t none = (UINT64_C(1) << 63) - MM_PAGE_SIZE;
	uint64_t n;

	while (text.len && (text.p[text.len - 1] == '\n' || text.p[text.len - 1] == '\r'))
		text.len--;
	if (what == LIMIT && mm_str_is(text, "max")) {
		*value = MM_CGROUP_NO_LIMIT;
		return true;
	}
	if (mm_parse_u64(text, &n) || (what == USED && n >= none) || (what == FLAG && n > 1) || (what == PERCENT && n > 200))
		return false;
	*value = what == LIMIT && n >= none ? MM_CGROUP_NO_LIMIT : n;
	return true;
}

/* The lines of @file that are known; one that is cut off, or holds no number, counts as unreadable. */
static uint64_t parse_lines(struct mm_cgroup_row *row, const struct layout *l, const char *file, struct mm_str text)
{
	uint64_t unreadable = 0;
	struct mm_str line, name;

	while (scan_line(&text, &line)) {
		uint64_t value;

		if (!scan_next_word(&line, &name))
			continue;
		scan_blanks(&line);
		if (line.len && line.p[line.len - 1] == '\r')
			line.len--;
		for (size_t i = 0; i < l->nr_lines; i++) {
			if (strcmp(l->lines[i].file, file) || !mm_str_is(name, l->lines[i].name))
				continue;
			if (mm_parse_u64(line, &value) || value >= UINT64_C(1) << 63)
				unreadable++;
			else
				*member_of(row, l->lines[i].member) = value;
		}
	}
	return unreadable;
}

/* Length of the text, 0 there is no such file, or -errno. */
static long text_of(const struct mm_sysroot *root, const struct layout *l, const char *path, const char *file, char *text, size_t size)
{
	char name[MAX_PATH + 128];
	long n;

	snprintf(name, sizeof(name), "%s/%s/%s", l->dir, path + (path[0] == '/'), file);
	n = mm_sysroot_text(root, name, text, size);
	return n == -ENOENT || n == -ENOTDIR ? 0 : n ? n : -EINVAL;
}

/* @any: a file was there */
static uint64_t read_layout(struct mm_cgroup_row *row, const struct mm_sysroot *root, const struct layout *l, const char *path, bool *any)
{
	static const char *const line_files[] = { "memory.stat", "memory.events", "memory.oom_control" };
	char small[64], *text = NULL;
	uint64_t unreadable = 0;

	for (size_t i = 0; i < l->nr_files; i++) {
		long n = text_of(root, l, path, l->files[i].name, small, sizeof(small));

		*any |= n != 0;
		if (n < 0 || (n && !parse_value((struct mm_str){ small, (size_t)n }, l->files[i].what, member_of(row, l->files[i].member))))
			unreadable++;
	}
	for (size_t i = 0; i < NR(line_files); i++) {
		long n;

		text = text ? text : malloc(MAX_TEXT);
		n = text ? text_of(root, l, path, line_files[i], text, MAX_TEXT) : -ENOMEM;
		*any |= n != 0;
		unreadable += n < 0 ? 1 : parse_lines(row, l, line_files[i], (struct mm_str){ text, (size_t)n });
	}
	free(text);
	return unreadable;
}

static void no_row(struct mm_cgroup_row *row)
{
	for (size_t at = offsetof(struct mm_cgroup_row, current); at < offsetof(struct mm_cgroup_row, used_centi); at += sizeof(uint64_t))
		*member_of(row, at) = MM_MISSING_U64;
	row->used_centi = MM_MISSING_I64;
	row->headroom = MM_MISSING_U64;
}

static bool is_known(uint64_t bytes) { return bytes < MM_CGROUP_NO_LIMIT; }

/* Kernels before 5.18 tell the parts alone: whole pages of objects are more than the objects. */
static void sum_kernel(struct mm_cgroup_row *row)
{
	const uint64_t parts[] = { row->kernel_stack, row->pagetables, row->percpu, row->slab };
	uint64_t sum = 0;

	if (row->kernel != MM_MISSING_U64 || !is_known(row->slab))
		return;
	for (size_t i = 0; i < NR(parts); i++)
		sum += is_known(parts[i]) ? parts[i] : 0;
	row->kernel = sum;
}

uint64_t mm_cgroup_read(struct mm_cgroup_row *row, const struct mm_sysroot *root, const char *path)
{
	uint64_t unreadable;
	bool any = false;

	row->memcg = NULL;
	no_row(row);
	unreadable = read_layout(row, root, &v2, path, &any);
	unreadable += read_layout(row, root, &v1, path, &any);
	sum_kernel(row);
	return unreadable;
}

/* ---- the tree ---------------------------------------------------------- */

struct walk {
	struct mm_cgroup_list *l;
	const struct mm_sysroot *root;
	const struct layout *lay;
	size_t most;			/* rows: those found first are enough */
};

static int add_row(const struct walk *w, const char *path, size_t *parent)
{
	struct mm_cgroup_list *l = w->l;
	struct mm_cgroup_row row = { .memcg = NULL };
	bool any = false;

	no_row(&row);
	l->unreadable += read_layout(&row, w->root, w->lay, path, &any);
	if (!any)
		return 0;
	sum_kernel(&row);
	row.parent = *parent;
	if (mm_grow(&l->v, l->nr, &l->cap, sizeof(*l->v)))
		return -ENOMEM;
	row.memcg = strdup(path);
	if (!row.memcg)
		return -ENOMEM;
	*parent = l->nr;
	l->v[l->nr++] = row;
	return 0;
}

/* @path is a buffer of MAX_PATH bytes; deeper ones count as unreadable. */
static int walk(const struct walk *w, char *path, size_t parent)
{
	size_t len = strlen(path), below = len > 1 ? len : 0;
	struct mm_names n = { 0 };
	int e = add_row(w, path, &parent);
	char *dir = NULL;

	if (e || asprintf(&dir, "%s%s", w->lay->dir, len > 1 ? path : "") < 0)
		return -ENOMEM;
	e = mm_names_read(&n, mm_sysroot_dirfd(w->root), dir, true);
	free(dir);
	if (e && e != -ENOMEM) {		/* unreadable, but no more than that; without the topmost there are none */
		w->l->unreadable += e != -ENOENT || len > 1;
		e = 0;
	}
	for (size_t i = 0; !e && i < n.nr && w->l->nr < w->most; i++) {
		if (below + strlen(n.v[i]) + 2 > MAX_PATH) {
			w->l->unreadable++;
			continue;
		}
		sprintf(path + below, "/%s", n.v[i]);
		e = walk(w, path, parent);
		path[len] = '\0';
	}
	mm_names_free(&n);
	return e;
}

static uint64_t room(uint64_t limit, uint64_t used)
{
	if (!is_known(limit) || !is_known(used))
		return MM_MISSING_U64;
	return used < limit ? limit - used : 0;
}

static void set_headroom(const struct mm_cgroup_list *l, struct mm_cgroup_row *row)
{
	if (is_known(row->max) && row->max && is_known(row->current)) {
		uint64_t share = mm_mul_div(row->current, 10000, 0, row->max);

		row->used_centi = share < INT64_MAX ? (int64_t)share : INT64_MAX;
	}
	row->headroom = mm_min_u64(room(row->max, row->current), room(row->memsw_max, row->memsw));
	if (row->parent != SIZE_MAX)
		row->headroom = mm_min_u64(row->headroom, l->v[row->parent].headroom);
}

/* @most of them, as the walk finds them. */
static int read_some(struct mm_cgroup_list *l, const struct mm_sysroot *root, size_t most, struct mm_error *err)
{
	/* a cgroup of v2 may be called memory */
	bool is_v1 = mm_sysroot_has(root, v1_root) && !mm_sysroot_has(root, "sys/fs/cgroup/memory/memory.current") &&
		     !mm_sysroot_has(root, "sys/fs/cgroup/memory/cgroup.controllers");
	const struct walk w = { l, root, is_v1 ? &v1 : &v2, most };
	char *path = malloc(MAX_PATH);
	int e = -ENOMEM;

	if (path) {
		strcpy(path, "/");
		e = walk(&w, path, SIZE_MAX);
	}
	free(path);
	if (e)
		return mm_error_set(err, e, "out of memory");
	if (!l->nr)
		return mm_error_set(err, -ENOENT, "%s/%s: expected files of memory cgroups, found none", mm_sysroot_name(root),
				    is_v1 ? v1_root : v2_root);
	return 0;
}

int mm_cgroups_read(struct mm_cgroup_list *l, const struct mm_sysroot *root, struct mm_error *err)
{
	int e = read_some(l, root, SIZE_MAX, err);

	for (size_t i = 0; !e && i < l->nr; i++)
		set_headroom(l, &l->v[i]);
	return e;
}

/* 1: the process @name is below the root of the hierarchy of v2, or of v1's memory. */
static int is_in_cgroup(void *arg, const char *name)
{
	char path[64], text[2 * MAX_PATH];
	struct mm_str all, line, word;
	long n;

	if (name[0] < '1' || name[0] > '9' || strlen(name) > 10)
		return 0;
	snprintf(path, sizeof(path), "proc/%s/cgroup", name);
	n = mm_sysroot_text(arg, path, text, sizeof(text));
	all = (struct mm_str){ text, n > 0 ? (size_t)n : 0 };
	while (scan_line(&all, &line))
		if (mm_next_item(&line, ':', &word) && mm_next_item(&line, ':', &word) && line.len > 1 &&
		    (!word.len || mm_has_item(word, ',', "memory")))
			return 1;
	return 0;
}

int mm_sysroot_has_cgroups(const struct mm_sysroot *root)
{
	struct mm_cgroup_list l = { 0 };
	int e = read_some(&l, root, 2, NULL);	/* the root, if it has files, and another */
	bool any = !e && l.nr > !strcmp(l.v[0].memcg, "/");

	mm_cgroups_free(&l);
	if (any || e == -ENOMEM)
		return any ? 1 : e;
	e = mm_sysroot_each(root, "proc", is_in_cgroup, (void *)(uintptr_t)root);
	return e == 1 || e == -ENOMEM ? e : 0;
}

void mm_cgroups_free(struct mm_cgroup_list *l)
{
	for (size_t i = 0; i < l->nr; i++)
		free((char *)(uintptr_t)l->v[i].memcg);
	free(l->v);
	*l = (struct mm_cgroup_list){ 0 };
}
