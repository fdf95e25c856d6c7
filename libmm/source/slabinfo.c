/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /proc/slabinfo: one line a cache, in groups that a colon and a word begin.
 *
 *   slabinfo - version: 2.1
 *   # name      <active_objs> <num_objs> <objsize> ... : tunables <limit> ... : slabdata <active_slabs> ...
 *   dentry         1000   1050    192   21    1 : tunables    0    0    0 : slabdata     50     50      0
 *
 * The header tells where each column stands; a kernel that has more of them, or
 * more groups (statistics), is read as well.  Version 2.0 named limit and
 * batchcount in the wrong order; there the place counts.  A name may hold blanks.
 *
 * Version 1.1 (Linux 2.4) has no header, and no words before its groups:
 *
 *   slabinfo - version: 1.1 (SMP)
 *   dentry_cache      1000   1050    128   34   35    1 :  252  126
 *
 * with the slabs in use and all slabs before the pages of one, then limit and batchcount.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/slabinfo.h>
#include "base/grow.h"
#include "source/scan.h"
#include "source/slabinfo.h"

enum { MAX_COLUMNS = 64, MAX_GROUPS = 16 };

/* Columns of the file that we know; pagesperslab becomes the order. */
#define FIELDS(X) \
	X(active_objs, active_objects) X(num_objs, objects) X(objsize, slab_size) X(objperslab, objects_per_slab) \
	X(pagesperslab, size_bytes) X(limit, limit) X(batchcount, batchcount) X(sharedfactor, shared_factor) \
	X(active_slabs, active_slabs) X(num_slabs, slabs) X(sharedavail, shared_avail)

static const struct {
	const char *word;
	size_t offset;
} fields[] = {
#define X(word, field) { #word, offsetof(struct mm_cache_row, field) },
	FIELDS(X)
#undef X
};
enum { NR_FIELDS = sizeof(fields) / sizeof(fields[0]), PAGES_PER_SLAB = 4, NR_REQUIRED = 5 };

/* Where columns stand: column[g][i] is the field of the i-th number of group g, -1 one we do not know. */
struct layout {
	struct {
		int8_t field[MAX_COLUMNS];
		uint32_t nr;
	} group[MAX_GROUPS];
	uint32_t nr_groups;
	bool wordless;			/* version 1.1 */
};

static const char known_header[] =
	"# name <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit> <batchcount> <sharedfactor>"
	" : slabdata <active_slabs> <num_slabs> <sharedavail>";

/* Version 1.1: with statistics five numbers come before the limits, which a kernel for one processor lacks, and four after. */
static const char header_11[] = "# name <active_objs> <num_objs> <objsize> <active_slabs> <num_slabs> <pagesperslab>";
static const char limits_11[] = " : - <limit> <batchcount>";

static bool take_word(struct mm_str *s, struct mm_str *word)
{
	scan_blanks(s);
	word->p = s->p;
	while (s->len && *s->p != ' ' && *s->p != '\t') {
		s->p++;
		s->len--;
	}
	word->len = (size_t)(s->p - word->p);
	return word->len != 0;
}

static int field_of(struct mm_str word)
{
	if (word.len < 3 || word.p[0] != '<' || word.p[word.len - 1] != '>')
		return -1;
	for (int i = 0; i < NR_FIELDS; i++)
		if (strlen(fields[i].word) == word.len - 2 && !memcmp(fields[i].word, word.p + 1, word.len - 2))
			return i;
	return -1;
}

static void read_header(struct layout *l, struct mm_str line)
{
	struct mm_str word;

	*l = (struct layout){ .nr_groups = 1 };
	take_word(&line, &word);				/* # */
	take_word(&line, &word);				/* name */
	while (take_word(&line, &word)) {
		if (word.len == 1 && *word.p == ':') {
			if (l->nr_groups == MAX_GROUPS)
				return;
			l->nr_groups++;
			take_word(&line, &word);		/* the group's own word */
		} else if (l->group[l->nr_groups - 1].nr < MAX_COLUMNS) {
			uint32_t g = l->nr_groups - 1;

			l->group[g].field[l->group[g].nr++] = (int8_t)field_of(word);
		}
	}
}

static void header_of_11(struct layout *l, struct mm_str version)
{
	bool smp = memmem(version.p, version.len, "(SMP)", 5), statistics = memmem(version.p, version.len, "(statistics)", 12);
	char text[256];
	int n = snprintf(text, sizeof(text), "%s%s%s", header_11, statistics ? " : -" : "", smp ? limits_11 : "");

	read_header(l, (struct mm_str){ text, (size_t)n });
	l->wordless = true;
}

/* Does the header name every column that a cache cannot be without? */
static bool header_is_complete(const struct layout *l)
{
	uint32_t seen = 0;

	for (uint32_t g = 0; g < l->nr_groups; g++)
		for (uint32_t i = 0; i < l->group[g].nr; i++)
			if (l->group[g].field[i] >= 0)
				seen |= 1u << l->group[g].field[i];
	return (seen & ((1u << NR_REQUIRED) - 1)) == (1u << NR_REQUIRED) - 1;
}

static uint64_t *field_at(struct mm_cache_row *row, int field)
{
	return (uint64_t *)(void *)((char *)row + fields[field].offset);
}

static const struct mm_cache_row no_row = {
	.object_size = MM_MISSING_U64, .slab_size = MM_MISSING_U64, .align = MM_MISSING_U64, .order = MM_MISSING_U64,
	.objects_per_slab = MM_MISSING_U64, .active_objects = MM_MISSING_U64, .objects = MM_MISSING_U64,
	.active_slabs = MM_MISSING_U64, .slabs = MM_MISSING_U64, .size_bytes = MM_MISSING_U64, .limit = MM_MISSING_U64,
	.batchcount = MM_MISSING_U64, .shared_factor = MM_MISSING_U64, .shared_avail = MM_MISSING_U64,
	.min_partial = MM_MISSING_U64, .cpu_partial = MM_MISSING_U64, .aliases = MM_MISSING_U64,
	.allocs = MM_MISSING_U64,
	.frees = MM_MISSING_U64, .live_objects = MM_MISSING_U64, .failed = MM_MISSING_U64,
	.fast_allocs = MM_MISSING_U64,
	.fast_frees = MM_MISSING_U64, .useroffset = MM_MISSING_U64, .usersize = MM_MISSING_U64,
};

int mm_slabinfo_add(struct mm_slabinfo *info, struct mm_str name, struct mm_cache_row **rowp)
{
	char *copy = mm_grow(&info->v, info->nr, &info->cap, sizeof(*info->v)) ? NULL : strndup(name.p, name.len);

	if (!copy)
		return -ENOMEM;
	*rowp = &info->v[info->nr++];
	**rowp = no_row;
	(*rowp)->name = copy;
	return 0;
}

void mm_slabinfo_free(struct mm_slabinfo *info)
{
	for (size_t i = 0; i < info->nr; i++) {
		free((char *)(uintptr_t)info->v[i].name);
		free((char *)(uintptr_t)info->v[i].flags.p);
		free((char *)(uintptr_t)info->v[i].unique_id.p);
		free((char *)(uintptr_t)info->v[i].alias_names.p);
	}
	free(info->v);
	*info = (struct mm_slabinfo){ 0 };
}

/* The numbers of one group; too few is false, more than the header names is fine. */
static bool read_group(struct mm_cache_row *row, const struct layout *l, uint32_t g, struct mm_str s)
{
	for (uint32_t i = 0; i < l->group[g].nr; i++) {
		int field = l->group[g].field[i];
		uint64_t v;

		if (!scan_u64(&s, &v) || (s.len && *s.p != ' ' && *s.p != '\t'))
			return false;
		if (field >= 0)
			*field_at(row, field) = v;
	}
	return true;
}

/* Cut the name off a line: what stands before its first group's numbers. */
static bool split_name(struct mm_str group, uint32_t nr, struct mm_str *name, struct mm_str *numbers)
{
	const char *p = group.p + group.len;

	for (uint32_t i = 0; i < nr; i++) {
		while (p > group.p && (p[-1] == ' ' || p[-1] == '\t'))
			p--;
		while (p > group.p && p[-1] != ' ' && p[-1] != '\t')
			p--;
	}
	*numbers = (struct mm_str){ p, (size_t)(group.p + group.len - p) };
	while (p > group.p && (p[-1] == ' ' || p[-1] == '\t'))
		p--;
	*name = (struct mm_str){ group.p, (size_t)(p - group.p) };
	return name->len;
}

/* pagesperslab was put into size_bytes: make it the order. */
static bool set_order(struct mm_cache_row *row)
{
	uint64_t pages = row->size_bytes;

	if (!pages || (pages & (pages - 1)) || pages >> 32)
		return false;
	row->order = (uint64_t)__builtin_ctzll(pages);
	row->size_bytes = MM_MISSING_U64;
	return true;
}

/* What version 1.1 leaves to be divided. */
static void set_objects_per_slab(struct mm_cache_row *row)
{
	if (row->objects_per_slab == MM_MISSING_U64 && row->slabs != MM_MISSING_U64 && row->slabs)
		row->objects_per_slab = row->objects / row->slabs;
}

/*
 * The smallest page in which every slab holds its objects: of kmalloc's powers of two they fill it exactly.  A row whose objects are
 * more than a slab of the largest pages holds is none that a kernel wrote, and says nothing.
 */
static uint32_t page_size_of(const struct mm_slabinfo *info)
{
	uint32_t size = MM_PAGE_SIZE;

	for (size_t i = 0; i < info->nr; i++) {
		const struct mm_cache_row *row = &info->v[i];
		uint64_t bytes;

		if (row->order > 20 || row->slab_size == MM_MISSING_U64 || row->objects_per_slab == MM_MISSING_U64 ||
		    __builtin_mul_overflow(row->slab_size, row->objects_per_slab, &bytes) ||
		    bytes > (uint64_t)MM_SLABINFO_MAX_PAGE << row->order)
			continue;
		while (bytes > (uint64_t)size << row->order)
			size *= 2;
	}
	return size;
}

void mm_slabinfo_sizes(struct mm_slabinfo *info)
{
	if (!info->page_size)
		info->page_size = page_size_of(info);
	for (size_t i = 0; i < info->nr; i++) {
		struct mm_cache_row *row = &info->v[i];
		uint64_t bytes;

		if (row->size_bytes == MM_MISSING_U64 && row->slabs != MM_MISSING_U64 && row->order <= 32 &&
		    !__builtin_mul_overflow(row->slabs, (uint64_t)info->page_size << row->order, &bytes))
			row->size_bytes = bytes;
	}
}

static int read_line(struct mm_slabinfo *info, const struct layout *l, struct mm_str line, const struct mm_input *in,
		     struct mm_error *err)
{
	static const char tunables[] = " : tunables";
	const char *end = memmem(line.p, line.len, tunables, sizeof(tunables) - 1);
	const char *colon = end ? end + 1 : memchr(line.p, ':', line.len);
	struct mm_str first = { line.p, colon ? (size_t)(colon - line.p) : line.len }, name, numbers, word;
	struct mm_str rest = { line.p + first.len, line.len - first.len };
	struct mm_cache_row row = no_row, *place;

	if (!split_name(first, l->group[0].nr, &name, &numbers) || !read_group(&row, l, 0, numbers))
		return mm_input_error(in, err, -EINVAL, "expected the name of a cache and %u numbers, found '%.*s'",
				      l->group[0].nr, (int)(line.len < 60 ? line.len : 60), line.p);
	for (uint32_t g = 1; g < l->nr_groups && rest.len; g++) {
		const char *next;
		struct mm_str group;

		rest.p++;					/* the colon */
		rest.len--;
		next = rest.len ? memchr(rest.p, ':', rest.len) : NULL;
		group = (struct mm_str){ rest.p, next ? (size_t)(next - rest.p) : rest.len };
		rest = (struct mm_str){ group.p + group.len, rest.len - group.len };
		if ((!l->wordless && !take_word(&group, &word)) || !read_group(&row, l, g, group))
			return mm_input_error(in, err, -EINVAL, "expected %u numbers in group %u of the line",
					      l->group[g].nr, g + 1);
	}
	if (!set_order(&row))
		return mm_input_error(in, err, -EINVAL, "expected pages per slab to be a power of two");
	set_objects_per_slab(&row);
	if (mm_slabinfo_add(info, name, &place))
		return mm_error_set(err, -ENOMEM, "out of memory");
	row.name = place->name;
	*place = row;
	return 0;
}

static int read_version(struct mm_slabinfo *info, struct mm_str line, const struct mm_input *in, struct mm_error *err)
{
	uint64_t major, minor;

	if (!scan_word(&line, "slabinfo - version: ") || !scan_u64(&line, &major) || !scan_word(&line, ".") ||
	    !scan_u64(&line, &minor))
		return mm_input_error(in, err, -EINVAL, "expected 'slabinfo - version: 2.1'");
	if (major != 2 && (major != 1 || minor != 1))
		return mm_input_error(in, err, -EINVAL, "expected version 1.1, 2.0 or 2.1 of slabinfo, found %llu.%llu",
				      (unsigned long long)major, (unsigned long long)minor);
	info->major = (unsigned int)major;
	info->minor = minor > 1000 ? 1000 : (unsigned int)minor;
	return 0;
}

int mm_slabinfo_read(struct mm_slabinfo *info, struct mm_input *in, struct mm_error *err)
{
	struct layout l;
	struct mm_str line;
	int e = mm_input_line(in, &line, err);

	if (e <= 0)
		return e ? e : mm_input_error(in, err, -EINVAL, "expected 'slabinfo - version: 2.1', found nothing");
	e = read_version(info, line, in, err);
	if (!e && info->major == 1)
		header_of_11(&l, line);
	else
		read_header(&l, (struct mm_str){ known_header, sizeof(known_header) - 1 });
	while (!e && (e = mm_input_line(in, &line, err)) > 0) {
		e = 0;
		if (!line.len)
			continue;
		if (*line.p != '#') {
			e = read_line(info, &l, line, in, err);
		} else if (info->major == 2 && info->minor) {	/* 2.0 misnamed two columns */
			read_header(&l, line);
			if (!header_is_complete(&l))
				e = mm_input_error(in, err, -EINVAL,
						   "expected columns up to <pagesperslab> in the header");
		}
	}
	if (!e)
		mm_slabinfo_sizes(info);
	return e;
}
