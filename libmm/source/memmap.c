/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sys/firmware/memmap: the map as the firmware gave it, one directory an
 * entry with files start, end and type. Everybody may read it. What the kernel's
 * command line (proc/cmdline) made of it is not in there: mem= and memmap= are applied here.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/source.h>
#include "base/grow.h"
#include "source/cmdline.h"

enum { MAX_ENTRIES = MM_E820_MAX };
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
	if (mm_grow(&es->v, es->nr, &es->cap, sizeof(*es->v)))
		return mm_error_set(es->err, -ENOMEM, "out of memory");
	return read_entry(es, name, &es->v[es->nr++]);
}

/* The word of the kernel's log for a type that memmap spells as /proc/iomem does. */
static struct mm_str e820_word(const char *type)
{
	static const struct {
		const char *type, *word;
	} words[] = {
		{ "System RAM", "usable" }, { "Reserved", "reserved" }, { "Soft Reserved", "soft reserved" },
		{ "ACPI Tables", "ACPI data" }, { "ACPI Non-volatile Storage", "ACPI NVS" },
		{ "Unusable memory", "unusable" }, { "Persistent Memory (legacy)", "persistent (type 12)" },
		{ "Persistent Memory", "persistent (type 7)" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(words[i].type, type))
			return (struct mm_str){ words[i].word, strlen(words[i].word) };
	return (struct mm_str){ type, strlen(type) };
}

static int add_regions(struct mm_region_list *l, const struct entries *es)
{
	static const struct mm_srat no_nodes;
	struct mm_e820 map = { 0 };
	char cmdline[4096];
	long n;
	int e = 0;

	for (size_t i = 0; i < es->nr && !e; i++)
		e = mm_e820_add(&map, es->v[i].start, es->v[i].end, e820_word(es->v[i].type));
	n = mm_sysroot_text(es->root, "proc/cmdline", cmdline, sizeof(cmdline));
	if (!e && n > 0)
		e = mm_cmdline_e820((struct mm_str){ cmdline, (size_t)n }, &map);
	if (!e) {
		mm_e820_merge(&map);
		e = mm_e820_regions(&map, &no_nodes, &no_nodes, l);
	}
	free(map.v);
	return e;
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
	if (!e) {
		e = add_regions(l, &es);
		if (e == -EFBIG)
			mm_error_set(err, e, "%s/%s: expected at most %d entries", mm_sysroot_name(r), dir,
				     (int)MM_E820_MAX);
		else if (e)
			mm_error_set(err, e, "out of memory");
	}
	free(es.v);
	return e;
}
