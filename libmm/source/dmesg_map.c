/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The firmware's map out of a kernel log, with or without time stamps or a
 * log daemon's prefix: what counts is what stands before and after "[mem A-B]".
 *
 *   BIOS-e820: [mem 0x0-0x9fbff] usable		an entry; "user:", "modified:", "reserve setup_data:": the
 *							map as it is after mem= or setup data,
 *							in the place of the one before
 *   e820: update [mem 0x0-0xfff] usable ==> reserved	applied to the map so far
 *   e820: remove [mem 0xa0000-0xfffff] usable		likewise
 *   ACPI: SRAT: Node 0 PXM 0 [mem 0x0-0x9ffff]		node of a range
 *     node   0: [mem 0x1000-0x9efff]			"Early memory node ranges": where there is no SRAT; RAM
 *							where no e820
 *   Faking node 1 at [mem 0x2c000000-0x7ffdcfff]	numa=fake=: in the place of SRAT
 *    memory[0x0]	[0x1000-0x9efff], 0x9e000 bytes on node 0	memblock=debug: RAM where nothing else tells
 *
 * Kernels before 3.5 wrote ranges without "[mem", up to the first byte behind them:
 *
 *   BIOS-e820: 0000000000000000 - 000000000009fc00 (usable)
 *   e820 update range: 0000000000000000 - 0000000000010000 (usable) ==> (reserved)
 *   SRAT: Node 0 PXM 0 100000-d0000000
 *   early_node_map[2] active PFN ranges			page frames, of 4 KiB where there is an e820:
 *     0: 0x00000010 -> 0x0000009f			nodes where there is no SRAT
 *
 * "Linux version" begins a new boot: the last one in the log counts.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/csv.h>

#include "base/str.h"
#include "source/dmesg_facts.h"
#include "source/e820.h"
#include "source/log_plain.h"
#include "source/scan.h"

enum { LABEL_ROOM = 24 };

struct boot_log {
	struct mm_e820 map;
	struct mm_srat srat, early, memblock;
	struct mm_srat pfns;		/* early_node_map[] */
	bool in_pfns;			/* its lines are being read */
	struct mm_srat hotplug;		/* blocks of srat that the firmware calls hotpluggable */
	struct mm_boot_facts *facts;	/* of the list that is read */
	char label[LABEL_ROOM];		/* of the map being read */
	bool faking;			/* srat holds "Faking node N" */
};

static const struct mm_str usable = { "usable", 6 };

static void reset(struct boot_log *b)
{
	b->map.nr = b->srat.nr = b->early.nr = b->memblock.nr = b->hotplug.nr = b->pfns.nr = 0;
	b->in_pfns = false;
	*b->facts = (struct mm_boot_facts){ 0 };
	b->label[0] = 0;
	b->faking = false;
}

static bool ends_with(struct mm_str s, const char *tail)
{
	size_t n = strlen(tail);

	return s.len >= n && !memcmp(s.p + s.len - n, tail, n);
}

static void trim_end(struct mm_str *s)
{
	while (s->len && (s->p[s->len - 1] == ' ' || s->p[s->len - 1] == '\t'))
		s->len--;
}

static const char *const labels[] = {
	"BIOS-e820:", "BIOS-e801:", "BIOS-88:", "Xen:", "user:", "modified:", "extended:", "reserve setup_data:",
};

/* A hexadecimal number of @digits, 0: any. */
static bool hex_of(struct mm_str *s, ptrdiff_t digits, uint64_t *v)
{
	const char *p;

	scan_blanks(s);
	p = s->p;
	return scan_hex(s, v) && (!digits || s->p - p == digits);
}

/* "A - B" or "A-B" behind @lead, B being the first byte behind the range. */
static bool range_behind(struct mm_str line, const char *lead, ptrdiff_t digits, struct mm_str *before, uint64_t *start,
			 uint64_t *end, struct mm_str *after)
{
	const char *p = line.len ? memmem(line.p, line.len, lead, strlen(lead)) : NULL;
	struct mm_str s;

	if (!p)
		return false;
	p += strlen(lead);
	s = (struct mm_str){ p, line.len - (size_t)(p - line.p) };
	if (!hex_of(&s, digits, start))
		return false;
	scan_blanks(&s);
	if (!scan_word(&s, "-") || !hex_of(&s, digits, end) || *end == *start)
		return false;
	--*end;
	*before = (struct mm_str){ line.p, (size_t)(p - line.p) };
	scan_blanks(&s);
	trim_end(&s);
	*after = s;
	return true;
}

/* A range as kernels before 3.5 wrote it. */
static bool find_old_range(struct mm_str line, struct mm_str *before, uint64_t *start, uint64_t *end, struct mm_str *after)
{
	static const char *const leads[] = { "e820 update range:", "e820 remove range:", "Faking a node at" };
	struct mm_str s = line;
	uint64_t pxm;

	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
		if (range_behind(line, labels[i], 16, before, start, end, after))
			return true;
	for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++)
		if (range_behind(line, leads[i], 16, before, start, end, after))
			return true;
	if (!mm_str_after(line, "SRAT: Node ", &s) || !mm_str_after(s, "PXM ", &s) || !scan_u64(&s, &pxm) ||
	    !range_behind(s, " ", 0, before, start, end, after))
		return false;
	*before = (struct mm_str){ line.p, (size_t)(s.p - line.p) };
	return true;
}

/* Cut @line at "[mem A-B]"; false when there is none. */
static bool find_range(struct mm_str line, struct mm_str *before, uint64_t *start, uint64_t *end, struct mm_str *after)
{
	static const char open[] = "[mem ";
	const char *p = memmem(line.p, line.len, open, sizeof(open) - 1);
	struct mm_str s;

	if (!p)
		return find_old_range(line, before, start, end, after);
	*before = (struct mm_str){ line.p, (size_t)(p - line.p) };
	s = (struct mm_str){ p, line.len - before->len };
	scan_word(&s, "[mem ");
	if (!scan_hex(&s, start) || !scan_word(&s, "-") || !scan_hex(&s, end) || !scan_word(&s, "]"))
		return false;
	trim_end(before);
	scan_blanks(&s);
	trim_end(&s);
	*after = s;
	return true;
}

/* "... Node 3 PXM 3" or "... node   0:": the number after the last @word. */
static bool node_number(struct mm_str before, const char *word, uint32_t *node)
{
	size_t n = strlen(word);
	uint64_t v;

	for (size_t i = before.len; i-- > 0; ) {
		struct mm_str s = { before.p + i, before.len - i };

		if (s.len <= n || memcmp(s.p, word, n))
			continue;
		s.p += n;
		s.len -= n;
		if (!scan_u64(&s, &v) || v >= MM_MAX_NODES)
			return false;
		*node = (uint32_t)v;
		return true;
	}
	return false;
}

/* The label of a whole map that the line belongs to, "" none. */
static const char *map_label(struct mm_str before)
{
	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
		if (ends_with(before, labels[i]))
			return labels[i];
	return "";
}

/* "(usable)" of kernels before 3.5 is usable. */
static struct mm_str type_word(struct mm_str s)
{
	trim_end(&s);
	if (s.len > 2 && s.p[0] == '(' && s.p[s.len - 1] == ')')
		s = (struct mm_str){ s.p + 1, s.len - 2 };
	return s;
}

static int change_line(struct boot_log *b, uint64_t start, uint64_t end, struct mm_str after, bool remove)
{
	static const char arrow[] = " ==> ";
	const char *p = memmem(after.p, after.len, arrow, sizeof(arrow) - 1);
	struct mm_str from = after, to = { "", 0 };

	if (remove)
		return mm_e820_change(&b->map, start, end, type_word(from), to);
	if (!p)
		return 0;
	from.len = (size_t)(p - after.p);
	to.p = p + sizeof(arrow) - 1;
	to.len = after.len - from.len - (sizeof(arrow) - 1);
	from = type_word(from);
	to = type_word(to);
	if (from.len == to.len && !memcmp(from.p, to.p, to.len))
		return 0;	/* usable ==> usable: RAM with setup data in it */
	return mm_e820_change(&b->map, start, end, from, to);
}

/* " memory[0x0]\t[A-B], N bytes on node 0 flags: 0x0" */
static int memblock_line(struct boot_log *b, struct mm_str line)
{
	static const char word[] = " memory[";
	const char *p = memmem(line.p, line.len, word, sizeof(word) - 1);
	struct mm_str s;
	uint64_t index, start, end;
	uint32_t node = 0;

	if (!p)
		return 0;
	s = (struct mm_str){ p + sizeof(word) - 1, (size_t)(line.p + line.len - p) - (sizeof(word) - 1) };
	if (!scan_hex(&s, &index) || !scan_word(&s, "]"))
		return 0;
	scan_blanks(&s);
	if (!scan_word(&s, "[") || !scan_hex(&s, &start) || !scan_word(&s, "-") || !scan_hex(&s, &end) || end < start)
		return 0;
	if (!index)
		b->memblock.nr = 0;
	(void)node_number(s, "on node ", &node);
	return mm_srat_add(&b->memblock, start, end, node);
}

static int srat_line(struct boot_log *b, uint64_t start, uint64_t end, uint32_t node, struct mm_str after)
{
	int e = mm_srat_add(&b->srat, start, end, node);

	return e || !mm_str_starts(after, "hotplug") ? e : mm_srat_add(&b->hotplug, start, end, node);
}

/* numa=fake=: its nodes instead of the firmware's. */
static int fake_line(struct boot_log *b, uint64_t start, uint64_t end, uint32_t node)
{
	if (!b->faking)
		b->srat.nr = b->hotplug.nr = 0;
	b->faking = true;
	return mm_srat_add(&b->srat, start, end, node);
}

static int range_line(struct boot_log *b, struct mm_str before, uint64_t start, uint64_t end, struct mm_str after)
{
	const char *label = map_label(before);
	uint32_t node;

	if (*label) {
		if (strcmp(label, b->label))
			b->map.nr = 0;
		strcpy(b->label, label);
		return mm_e820_add(&b->map, start, end, type_word(after));
	}
	if (ends_with(before, "e820: update") || ends_with(before, "e820 update range:"))
		return change_line(b, start, end, after, false);
	if (ends_with(before, "e820: remove") || ends_with(before, "e820 remove range:"))
		return change_line(b, start, end, after, true);
	if (memmem(before.p, before.len, "SRAT: Node ", 11) && node_number(before, "SRAT: Node ", &node))
		return srat_line(b, start, end, node, after);
	if (memmem(before.p, before.len, "Faking node ", 12) && node_number(before, "Faking node ", &node))
		return fake_line(b, start, end, node);
	if (memmem(before.p, before.len, "Faking a node at", 16))
		b->srat.nr = b->hotplug.nr = 0;		/* there are no nodes, whatever the firmware says */
	if (ends_with(before, ":") && node_number(before, " node ", &node) &&
	    !memmem(before.p, before.len, "Initmem", 7))
		return mm_srat_add(&b->early, start, end, node);
	return 0;
}

/* "early_node_map[2] active PFN ranges" */
static bool begins_pfns(struct boot_log *b, struct mm_str line)
{
	if (!memmem(line.p, line.len, "early_node_map[", 15))
		return false;
	b->in_pfns = true;
	b->pfns.nr = 0;
	return true;
}

/* "    0: 0x00000010 -> 0x0000009f" below it. */
static int pfn_line(struct boot_log *b, struct mm_str line)
{
	const uint64_t max = UINT64_MAX / MM_PAGE_SIZE;
	struct mm_str s = line, end;
	uint64_t node, first, past;

	if (s.len && *s.p == '[')	/* the time */
		(void)mm_str_after(s, "]", &s);
	b->in_pfns = scan_u64(&s, &node) && scan_word(&s, ":") && node < MM_MAX_NODES && mm_str_after(s, "-> ", &end);
	if (!b->in_pfns)
		return 0;
	scan_blanks(&s);
	s.len = (size_t)(end.p - s.p) - 3;
	trim_end(&s);
	scan_blanks(&end);
	trim_end(&end);
	if (mm_parse_u64(s, &first) || mm_parse_u64(end, &past) || past <= first || past > max)
		return 0;
	return mm_srat_add(&b->pfns, first * MM_PAGE_SIZE, past * MM_PAGE_SIZE - 1, (uint32_t)node);
}

static int log_line(struct boot_log *b, struct mm_input *in, struct mm_str line, struct mm_error *err)
{
	struct mm_str before, after;
	uint64_t start, end;
	int e;

	if (memmem(line.p, line.len, "Linux version ", 14))
		reset(b);
	mm_dmesg_facts_line(b->facts, line);
	if (!find_range(line, &before, &start, &end, &after))
		e = begins_pfns(b, line) ? 0 : b->in_pfns ? pfn_line(b, line) : memblock_line(b, line);
	else if (end < start)
		return mm_input_error(in, err, -EINVAL, "expected a range that ends after it begins, found '%.*s'",
				      (int)(line.len < 120 ? line.len : 120), line.p);
	else
		e = range_line(b, before, start, end, after);
	if (e == -EFBIG)
		return mm_input_error(in, err, e, "expected at most %d ranges of memory", (int)MM_E820_MAX);
	return e ? mm_input_error(in, err, e, "out of memory") : 0;
}

/* RAM from another list of ranges, when the log has no e820 lines. */
static int ram_of(struct mm_e820 *map, const struct mm_srat *ranges)
{
	int e = 0;

	for (size_t i = 0; i < ranges->nr && !e; i++)
		e = mm_e820_add(map, ranges->v[i].start, ranges->v[i].end, usable);
	return e;
}

static int finish(struct boot_log *b, struct mm_region_list *l, const struct mm_input *in, struct mm_error *err)
{
	struct mm_srat *nodes = b->srat.nr ? &b->srat : b->early.nr ? &b->early : &b->memblock;
	int e = 0;

	if (b->map.nr && !b->srat.nr && !b->early.nr && b->pfns.nr)
		nodes = &b->pfns;
	if (!b->map.nr)
		e = ram_of(&b->map, b->early.nr ? &b->early : &b->memblock);
	if (!e && !b->map.nr)
		return mm_error_set(err, -EINVAL, "%s: expected lines 'BIOS-e820: [mem START-END] TYPE', found none "
				    "(does the log reach back to the boot?)", in->name);
	mm_e820_merge(&b->map);
	if (!mm_srat_cleanup(nodes, &b->map))
		nodes->nr = b->hotplug.nr = 0;
	if (!e)
		e = mm_e820_regions(&b->map, nodes, &b->hotplug, l);
	return e ? mm_error_set(err, e, "%s: out of memory", in->name) : 0;
}

int mm_dmesg_regions_read(struct mm_region_list *l, struct mm_input *in, struct mm_error *err)
{
	struct boot_log b = { .facts = mm_region_list_boot(l) };
	struct mm_log_plain plain = { 0 };
	struct mm_str line;
	int e;

	if (!b.facts)
		return mm_input_error(in, err, -ENOMEM, "out of memory");
	while ((e = mm_log_plain_next(&plain, in, &line, err)) > 0) {
		e = log_line(&b, in, line, err);
		if (e)
			break;
	}
	if (!e)
		e = finish(&b, l, in, err);
	mm_log_plain_free(&plain);
	free(b.map.v);
	free(b.srat.v);
	free(b.hotplug.v);
	free(b.early.v);
	free(b.pfns.v);
	free(b.memblock.v);
	return e;
}
