/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /proc/PID/maps, and the headers of /proc/PID/smaps.
 *
 *   7f2a69ec6000-7f2a69eec000 r--p 00000000 fe:00 332835                     /usr/lib/libc.so.6
 *   Anonymous:            12 kB		smaps: "Key: value" lines belong to the mapping
 *   VmFlags: rd mr mw me sd			above them; unknown keys are passed over
 *
 * A path is the rest of its line, blanks and all, in whatever bytes it has.
 */
#include <errno.h>
#include <string.h>

#include <libmm/maps.h>

#include "base/str.h"
#include "source/scan.h"

struct reader {
	struct mm_maps_row row;
	char name[4096 + 64];		/* of the row: the line is gone when its keys were read */
	bool there;
	uint64_t last_end;
};

/* VmFlags words to 6.6's bits (fs/proc/task_mmu.c show_smap_vma_flags()). */
static const struct {
	char word[3];
	uint64_t bit;
} vm_flag_words[] = {
	{ "rd", 0x1 }, { "wr", 0x2 }, { "ex", 0x4 }, { "sh", 0x8 }, { "mr", 0x10 }, { "mw", 0x20 }, { "me", 0x40 },
	{ "ms", 0x80 }, { "gd", 0x100 }, { "pf", 0x400 }, { "lo", 0x2000 }, { "io", 0x4000 }, { "sr", 0x8000 },
	{ "rr", 0x10000 }, { "dc", 0x20000 }, { "de", 0x40000 }, { "lf", 0x80000 }, { "ac", 0x100000 },
	{ "nr", 0x200000 }, { "ht", 0x400000 }, { "sf", 0x800000 }, { "wf", 0x2000000 }, { "dd", 0x4000000 },
	{ "sd", 0x8000000 }, { "mm", 0x10000000 }, { "hg", 0x20000000 }, { "nh", 0x40000000 }, { "mg", 0x80000000 },
};

static uint64_t vm_flags_of(struct mm_str s)
{
	uint64_t flags = 0;

	for (size_t i = 0; i + 1 < s.len; i++) {
		if (s.p[i] == ' ')
			continue;
		for (size_t k = 0; k < sizeof(vm_flag_words) / sizeof(vm_flag_words[0]); k++)
			if (!memcmp(vm_flag_words[k].word, s.p + i, 2))
				flags |= vm_flag_words[k].bit;
		i += 2;
	}
	return flags;
}

static bool is_perms(struct mm_str s)
{
	static const char *const letters[4] = { "r-", "w-", "x-", "ps" };

	if (s.len < 4)
		return false;
	for (int i = 0; i < 4; i++)
		if (!s.p[i] || !strchr(letters[i], s.p[i]))
			return false;
	return true;
}

/* A header line; false: it is none. */
static bool parse_header(struct mm_str line, struct mm_maps_row *row, struct mm_str *name)
{
	uint64_t major, minor;

	*row = (struct mm_maps_row){ 0 };
	if (!scan_hex(&line, &row->start) || !scan_word(&line, "-") || !scan_hex(&line, &row->end) ||
	    !scan_word(&line, " "))
		return false;
	if (!is_perms(line))
		return false;
	memcpy(row->perms, line.p, 4);
	line.p += 4;
	line.len -= 4;
	if (!scan_word(&line, " ") || !scan_hex(&line, &row->offset) || !scan_word(&line, " ") ||
	    !scan_hex(&line, &major) ||
	    !scan_word(&line, ":") || !scan_hex(&line, &minor) || !scan_word(&line, " ") ||
	    !scan_u64(&line, &row->inode))
		return false;
	row->dev_major = (uint32_t)major;
	row->dev_minor = (uint32_t)minor;
	scan_blanks(&line);
	*name = line;
	return true;
}

static void set_name(struct reader *r, struct mm_str name)
{
	r->row.deleted = mm_str_cut_end(&name, " (deleted)");
	if (name.len >= sizeof(r->name))
		name.len = sizeof(r->name) - 1;
	if (name.len)
		memcpy(r->name, name.p, name.len);
	r->name[name.len] = 0;
	r->row.name = (struct mm_str){ r->name, name.len };
}

/* "Key:   value": true when it is such a line. */
static bool parse_key(struct reader *r, struct mm_str line)
{
	const char *colon = line.len ? memchr(line.p, ':', line.len) : NULL;
	struct mm_str value;

	if (!colon || colon == line.p || memchr(line.p, '-', (size_t)(colon - line.p)))
		return false;
	value = (struct mm_str){ colon + 1, line.len - (size_t)(colon + 1 - line.p) };
	scan_blanks(&value);
	if (scan_word(&line, "Anonymous:"))
		scan_u64(&value, &r->row.anonymous_kib);
	else if (scan_word(&line, "VmFlags:"))
		r->row.vm_flags = vm_flags_of(value);
	return true;
}

static int give(struct reader *r, int (*fn)(const struct mm_maps_row *row, void *arg), void *arg)
{
	bool there = r->there;

	r->there = false;
	return there ? fn(&r->row, arg) : 0;
}

int mm_maps_read(struct mm_input *in, int (*fn)(const struct mm_maps_row *row, void *arg), void *arg,
		 struct mm_error *err)
{
	struct reader r = { .there = false };
	struct mm_str line, name;
	int more, e;

	while ((more = mm_input_line(in, &line, err)) > 0) {
		struct mm_maps_row row;

		if (!line.len)
			continue;
		if (!parse_header(line, &row, &name)) {
			if (r.there && parse_key(&r, line))
				continue;
			return scan_bad_line(in, err, "'START-END PERMS OFFSET DEV INODE NAME'", line);
		}
		e = give(&r, fn, arg);
		if (e)
			return e;
		if (row.end <= row.start || row.start < r.last_end)
			return scan_bad_line(in, err, "a mapping above the one before", line);
		r.last_end = row.end;
		r.row = row;
		set_name(&r, name);
		r.there = true;
	}
	e = give(&r, fn, arg);
	return e ? e : more;
}
