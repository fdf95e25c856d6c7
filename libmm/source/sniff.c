/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which capture a file is, told by its first lines. Each kind has one test,
 * is_KIND(); they are tried in the order of MM_SOURCE_KINDS. A test looks at whole
 * lines of the head, of which the last may be cut.
 */
#include <errno.h>
#include <string.h>

#include <libmm/source.h>
#include "base/str.h"
#include "source/scan.h"
#include "source/strace.h"

static bool has(struct mm_str s, const char *word) { return s.len && memmem(s.p, s.len, word, strlen(word)); }

/* First line that is not blank. */
static struct mm_str first_line(struct mm_str head)
{
	struct mm_str line = { head.p, 0 };

	while (!line.len && scan_line(&head, &line))
		;
	if (line.len && line.p[line.len - 1] == '\r')
		line.len--;
	return line;
}

/* How many lines of the head pass @test, and how many there are (at most 64, the first). */
static size_t count_lines(struct mm_str head, bool (*test)(struct mm_str line), size_t *nr)
{
	struct mm_str line;
	size_t passed = 0;

	for (*nr = 0; *nr < 64 && scan_line(&head, &line); ) {
		if (!line.len)
			continue;
		passed += test(line);
		++*nr;
	}
	return passed;
}

static bool most_lines(struct mm_str head, bool (*test)(struct mm_str line))
{
	size_t nr, passed = count_lines(head, test, &nr);

	return passed && 2 * passed > nr;
}

static bool any_line(struct mm_str head, bool (*test)(struct mm_str line))
{
	size_t nr;

	return count_lines(head, test, &nr);
}

static bool is_node_zone(struct mm_str line)
{
	uint64_t n;

	return scan_word(&line, "Node") && scan_u64(&line, &n) && scan_word(&line, ", zone");
}

static bool is_zoneinfo(struct mm_str head)
{
	return is_node_zone(first_line(head)) && (has(head, "pages free") || has(head, "per-node stats"));
}
static bool is_pagetypeinfo(struct mm_str head) { return has(first_line(head), "Page block order:"); }
static bool is_buddyinfo(struct mm_str head) { return is_node_zone(first_line(head)); }
static bool is_slabinfo(struct mm_str head) { return has(first_line(head), "slabinfo - version"); }

static bool is_range(struct mm_str *line)
{
	uint64_t v;

	return scan_hex(line, &v) && scan_word(line, "-") && scan_hex(line, &v);
}

static bool is_iomem_line(struct mm_str line)
{
	scan_blanks(&line);
	return is_range(&line) && scan_word(&line, " :");
}

static bool is_iomem(struct mm_str head) { return is_iomem_line(first_line(head)); }

static bool is_maps_line(struct mm_str line)
{
	return is_range(&line) && scan_word(&line, " ") && line.len > 4 && (*line.p == 'r' || *line.p == '-') &&
	       (line.p[3] == 'p' || line.p[3] == 's') && line.p[4] == ' ';
}

static bool is_maps(struct mm_str head) { return is_maps_line(first_line(head)); }
static bool is_smaps(struct mm_str head) { return is_maps(head) && has(head, "\nRss:"); }

static bool is_diskstats_line(struct mm_str line)
{
	uint64_t major, minor;
	struct mm_str s = line;

	if (!scan_u64(&s, &major) || !scan_u64(&s, &minor) || !scan_word(&s, " "))
		return false;
	while (s.len && *s.p != ' ') {
		s.p++;
		s.len--;
	}
	for (int i = 0; i < 11; i++)
		if (!scan_u64(&s, &major))
			return false;
	return true;
}

static bool is_diskstats(struct mm_str head) { return is_diskstats_line(first_line(head)); }
static bool is_meminfo(struct mm_str head) { struct mm_str l = first_line(head); return scan_word(&l, "MemTotal:"); }
static bool is_vmstat(struct mm_str head)
{
	struct mm_str l = first_line(head);
	return scan_word(&l, "nr_free_pages ");
}

/* "task-123   [001] ....   12.345678: event: fields", the flags are missing in perf script's text */
static bool is_event_line(struct mm_str line)
{
	const char *p = line.len ? memchr(line.p, '[', line.len) : NULL;
	struct mm_str s;
	uint64_t cpu;

	if (!p || p == line.p)
		return false;
	s = (struct mm_str){ p + 1, line.len - (size_t)(p + 1 - line.p) };
	return scan_u64(&s, &cpu) && scan_word(&s, "]") && has(s, ": ") && has(s, ".");
}

static bool is_ftrace_flags(struct mm_str line)
{
	const char *p = line.len ? memchr(line.p, ']', line.len) : NULL;
	size_t left = p ? line.len - (size_t)(p + 1 - line.p) : 0;

	return is_event_line(line) && left > 6 && p[1] == ' ' &&
		(p[2] == '.' || p[2] == 'd' || p[2] == 'D' || p[2] == 'b') &&
	       (unsigned char)(p[3] - '0') > 9;
}

static bool is_ftrace(struct mm_str head)
{
	struct mm_str l = first_line(head);

	return scan_word(&l, "# tracer:") || any_line(head, is_ftrace_flags);
}

static bool is_perf(struct mm_str head)
{
	struct mm_str l = first_line(head);

	return l.len && *l.p != '[' && *l.p != '<' && most_lines(head, is_event_line);
}

static bool is_strace(struct mm_str head) { return strace_sniff(head); }

static bool is_lackey_line(struct mm_str line)
{
	uint64_t addr, size;

	if (line.len < 5 || !(line.p[0] == ' ' || line.p[0] == 'I') || !memchr("ILSM ", line.p[1], 5) ||
	    line.p[2] != ' ')
		return false;
	line.p += 3;
	line.len -= 3;
	return scan_hex(&line, &addr) && scan_word(&line, ",") && scan_u64(&line, &size);
}

static bool is_lackey(struct mm_str head) { return has(head, "== Lackey") || any_line(head, is_lackey_line); }

/* A kernel log: a time stamp in brackets, a syslog level, or words that only it has. */
static bool is_log_line(struct mm_str line)
{
	uint64_t n;

	if (scan_word(&line, "<") && scan_u64(&line, &n) && scan_word(&line, ">"))
		return true;
	if (scan_word(&line, "[") && scan_u64(&line, &n) && scan_word(&line, ".") && scan_u64(&line, &n) && line.len &&
	    *line.p == ']')
		return true;
	return has(line, "kernel: [") || has(line, "BIOS-e820: ") || has(line, "Linux version ") ||
		has(line, "Mem-Info:") ||
	       has(line, "invoked oom-killer:") || has(line, "oom-killer: gfp_mask=") || has(line, "page allocation failure:") ||
	       has(line, "page allocation failure. order:") || has(line, "SRAT: Node ") || has(line, "Early memory node ranges");
}

static bool is_dmesg(struct mm_str head) { return any_line(head, is_log_line); }

/* A header row: names of lower-case letters, digits and _, more than one, joined by commas. */
static bool is_csv(struct mm_str head)
{
	struct mm_str l;
	size_t commas = 0;

	if (head.len >= 3 && !memcmp(head.p, "\xef\xbb\xbf", 3)) {
		head.p += 3;
		head.len -= 3;
	}
	l = first_line(head);
	for (size_t i = 0; i < l.len; i++) {
		unsigned char c = (unsigned char)l.p[i];

		if (c == ',')
			commas++;
		else if (!((c | 0x20) >= 'a' && (c | 0x20) <= 'z') && !(c >= '0' && c <= '9') && !memchr("_-\" ", c, 4))
			return false;
	}
	return l.len && (commas || !memchr(l.p, ' ', l.len)) && (unsigned char)(*l.p - '0') > 9;
}

static bool (*const tests[MM_NR_SOURCE_KINDS])(struct mm_str head) = {
	[MM_SOURCE_ZONEINFO] = is_zoneinfo, [MM_SOURCE_PAGETYPEINFO] = is_pagetypeinfo,
	[MM_SOURCE_BUDDYINFO] = is_buddyinfo,
	[MM_SOURCE_SLABINFO] = is_slabinfo, [MM_SOURCE_IOMEM] = is_iomem, [MM_SOURCE_SMAPS] = is_smaps,
	[MM_SOURCE_MAPS] = is_maps, [MM_SOURCE_DISKSTATS] = is_diskstats, [MM_SOURCE_MEMINFO] = is_meminfo,
	[MM_SOURCE_VMSTAT] = is_vmstat, [MM_SOURCE_FTRACE] = is_ftrace, [MM_SOURCE_PERF] = is_perf,
	[MM_SOURCE_STRACE] = is_strace, [MM_SOURCE_LACKEY] = is_lackey, [MM_SOURCE_DMESG] = is_dmesg,
	[MM_SOURCE_CSV] = is_csv,
};

static const char *const words[MM_NR_SOURCE_KINDS] = {
	"unknown",
#define X(sym, word, help) word,
	MM_SOURCE_KINDS(X)
#undef X
};

enum mm_source_kind mm_source_sniff(struct mm_str head)
{
	for (int i = 1; i < MM_NR_SOURCE_KINDS; i++)
		if (tests[i] && tests[i](head))
			return (enum mm_source_kind)i;
	return MM_SOURCE_UNKNOWN;
}

const char *mm_source_kind_word(enum mm_source_kind kind)
{
	return (unsigned int)kind < MM_NR_SOURCE_KINDS ? words[kind] : words[MM_SOURCE_UNKNOWN];
}

int mm_source_kind_parse(struct mm_str word)
{
	for (int i = 1; i < MM_NR_SOURCE_KINDS; i++)
		if (mm_str_is(word, words[i]))
			return i;
	return -EINVAL;
}
