/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /proc/zoneinfo.
 *
 *   Node 0, zone    DMA32			begins a zone
 *     pages free     504121			watermarks and sizes: "  pages NAME N", then "        NAME N"
 *           min      11315
 *           protection: (0, 0, 2010, 2010, 2010)
 *         nr_zone_inactive_anon 458		counters: those of the LRU lists and nr_slab_reclaimable, others are passed over
 *     pagesets					per CPU: "cpu:", "count:", "high:", "batch:"; before 2.6.25 two lists each, "cpu: 0 pcp: 1"
 *     start_pfn:           4096
 *     free_highatomic:     2081		of kernels after 6.18
 *
 * A name followed by a colon and one without are different names ("high" is a
 * watermark, "high:" a per-CPU limit). Lines may be missing or unknown.
 */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "source/scan.h"
#include "source/zoneinfo.h"

enum { MAX_ZONES = MM_MAX_NODES * 16 };

/* Every number a zone tells by name. */
static const struct {
	const char *name;
	size_t offset;
	enum { ONCE, FIRST, SUM } of;	/* the zone's; of the first CPU; of all CPUs */
} fields[] = {
#define FIELD(word, member) { word, offsetof(struct mm_zoneinfo_row, member), ONCE }
#define CPU_FIELD(word, member) { word, offsetof(struct mm_zoneinfo_row, member), FIRST }
#define CPU_SUM(word, member) { word, offsetof(struct mm_zoneinfo_row, member), SUM }
	FIELD("pages free", free_pages), FIELD("boost", boost_pages), FIELD("min", min_pages), FIELD("low", low_pages),
	FIELD("high", high_pages), FIELD("promo", promo_pages), FIELD("spanned", spanned_pages),
	FIELD("present", present_pages), FIELD("managed", managed_pages), FIELD("cma", cma_pages),
	FIELD("start_pfn:", start_pfn), FIELD("free_highatomic:", free_highatomic_pages),
	CPU_FIELD("high:", pcp_high), CPU_FIELD("batch:", pcp_batch), CPU_SUM("count:", pcp_count),
	FIELD("nr_slab_reclaimable", slab_reclaimable_pages),
	FIELD("nr_zone_inactive_anon", lru_pages[0]), FIELD("nr_zone_active_anon", lru_pages[1]),
	FIELD("nr_zone_inactive_file", lru_pages[2]), FIELD("nr_zone_active_file", lru_pages[3]),
	FIELD("nr_zone_unevictable", lru_pages[4]),
#undef FIELD
#undef CPU_FIELD
#undef CPU_SUM
};

struct mm_zoneinfo_row *mm_zoneinfo_add(struct mm_zoneinfo *zi, uint32_t node, struct mm_str zone, int *e)
{
	struct mm_zoneinfo_row row = { .node = node };

	*e = zi->nr == MAX_ZONES ? -EFBIG : mm_grow(&zi->v, zi->nr, &zi->cap, sizeof(*zi->v));
	if (*e)
		return NULL;
	memcpy(row.zone, zone.p, zone.len);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		*(uint64_t *)(void *)((char *)&row + fields[i].offset) = MM_MISSING_U64;
	zi->v[zi->nr] = row;
	return &zi->v[zi->nr++];
}

/* The rest of "Node 0, zone   DMA32". */
static int begin_zone(struct mm_zoneinfo *zi, struct mm_input *in, struct mm_str line, struct mm_error *err)
{
	char name[MM_ZONEINFO_NAME] = "";
	struct mm_zoneinfo_row *row;
	struct mm_str s = line;
	uint64_t node;
	int e;

	if (!scan_word(&s, "Node") || !scan_u64(&s, &node) || !scan_word(&s, ", zone"))
		return scan_bad_line(in, err, "'Node N, zone NAME'", line);
	scan_blanks(&s);
	if (!s.len || s.len >= sizeof(name) || memchr(s.p, ' ', s.len))
		return scan_bad_line(in, err, "'Node N, zone NAME'", line);
	if (node >= MM_MAX_NODES)
		return mm_input_error(in, err, -EINVAL, "expected a node below %d, found %" PRIu64, (int)MM_MAX_NODES,
				      node);
	memcpy(name, s.p, s.len);
	if (mm_zoneinfo_find(zi, (uint32_t)node, name))
		return scan_bad_line(in, err, "each zone once", line);
	row = mm_zoneinfo_add(zi, (uint32_t)node, s, &e);
	if (!row)
		return e == -ENOMEM ? mm_input_error(in, err, e, "out of memory")
				    : mm_input_error(in, err, e, "expected at most %d zones", (int)MAX_ZONES);
	row->line = in->line;
	return 0;
}

/* "protection: (0, 1983, 1983)" */
static int protection(struct mm_zoneinfo_row *row, struct mm_input *in, struct mm_str line, struct mm_str s,
		      struct mm_error *err)
{
	scan_blanks(&s);
	if (!scan_word(&s, "("))
		return scan_bad_line(in, err, "'protection: (N, N, ...)'", line);
	for (row->nr_protection = 0; ; row->nr_protection++) {
		if (row->nr_protection == MM_ZONEINFO_PROTECTIONS)
			return scan_bad_line(in, err, "at most eight numbers of protection", line);
		if (!scan_u64(&s, &row->protection[row->nr_protection]))
			return scan_bad_line(in, err, "'protection: (N, N, ...)'", line);
		if (scan_word(&s, ","))
			continue;
		row->nr_protection++;
		return scan_word(&s, ")") ? 0 : scan_bad_line(in, err, "')' after the numbers of protection", line);
	}
}

/* "cpu: 0", or "cpu: 0 pcp: 1", the second of its lists. */
static void next_cpu(struct mm_zoneinfo_row *row, struct mm_str s)
{
	uint64_t cpu, list = 0;

	if (scan_u64(&s, &cpu) && scan_word(&s, " pcp:"))
		(void)scan_u64(&s, &list);
	row->nr_pagesets += !list;
}

/* Cut @s at its last word; true when that is a number and something stands before it. */
static bool split_number(struct mm_str s, struct mm_str *name, struct mm_str *number)
{
	size_t n = s.len;

	while (n && s.p[n - 1] != ' ' && s.p[n - 1] != '\t')
		n--;
	*number = (struct mm_str){ s.p + n, s.len - n };
	while (n && (s.p[n - 1] == ' ' || s.p[n - 1] == '\t'))
		n--;
	*name = (struct mm_str){ s.p, n };
	return n && number->len && (unsigned char)(number->p[0] - '0') < 10;
}

static int zone_line(struct mm_zoneinfo *zi, struct mm_input *in, struct mm_str line, struct mm_error *err)
{
	struct mm_zoneinfo_row *row = &zi->v[zi->nr - 1];
	struct mm_str s = line, name, number;
	uint64_t value, *field;

	scan_blanks(&s);
	if (scan_word(&s, "protection:"))
		return protection(row, in, line, s, err);
	if (scan_word(&s, "cpu:")) {
		next_cpu(row, s);
		return 0;
	}
	if (!split_number(s, &name, &number)) {
		zi->unknown_lines += s.len && !scan_word(&s, "pagesets") && !scan_word(&s, "per-node stats");
		return 0;
	}
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (strlen(fields[i].name) != name.len || memcmp(fields[i].name, name.p, name.len))
			continue;
		field = (uint64_t *)(void *)((char *)row + fields[i].offset);
		if (!scan_u64(&number, &value) || number.len || value == UINT64_MAX)
			return scan_bad_line(in, err, "a number of pages", line);
		if (*field == MM_MISSING_U64)
			*field = value;
		else if (fields[i].of == SUM && value < MM_MISSING_U64 - *field)
			*field += value;
		else if (fields[i].of == SUM || (fields[i].of == ONCE && *field != value))
			return scan_bad_line(in, err, "each number of a zone once", line);
		return 0;
	}
	return 0;
}

int mm_zoneinfo_read(struct mm_zoneinfo *zi, struct mm_input *in, struct mm_error *err)
{
	struct mm_str line;
	int e;

	while ((e = mm_input_line(in, &line, err)) > 0) {
		if (line.len >= 5 && !memcmp(line.p, "Node ", 5))
			e = begin_zone(zi, in, line, err);
		else if (zi->nr)
			e = zone_line(zi, in, line, err);
		else
			e = line.len ? scan_bad_line(in, err, "'Node N, zone NAME'", line) : 0;
		if (e)
			return e;
	}
	if (e < 0)
		return e;
	if (!zi->nr)
		return mm_error_set(err, -EINVAL, "%s: expected 'Node N, zone NAME', found no zone", in->name);
	return 0;
}

void mm_zoneinfo_free(struct mm_zoneinfo *zi)
{
	free(zi->v);
	*zi = (struct mm_zoneinfo){ 0 };
}

const struct mm_zoneinfo_row *mm_zoneinfo_find(const struct mm_zoneinfo *zi, uint32_t node, const char *zone)
{
	for (size_t i = 0; i < zi->nr; i++)
		if (zi->v[i].node == node && !strcmp(zi->v[i].zone, zone))
			return &zi->v[i];
	return NULL;
}
