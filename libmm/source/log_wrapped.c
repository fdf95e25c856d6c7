/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source/log_wrapped.c - lines of a kernel's report that a mail or a bug tracker has broken at blanks, at 72 to 80 columns
 *
 *	> [    5.156675] eater invoked oom-killer:
 *	> gfp_mask=0x140dca(GFP_HIGHUSER_MOVABLE|__GFP_COMP|__GFP_ZERO), order=0,
 *	> oom_score_adj=0
 *
 * What a line of a report goes on with is known: a line that lacks it goes on in the next one if that begins with it.  Where such a
 * line was found and lines have time stamps, one without a stamp whose first word had no room in the line before belongs to it.
 */
#include <string.h>

#include "base/str.h"
#include "source/log_plain.h"
#include "source/oom.h"
#include "source/scan.h"

enum { NARROWEST = 60 };	/* columns of a mail */

static bool ends_with(struct mm_str s, const char *tail)
{
	size_t n = strlen(tail);

	while (s.len && s.p[s.len - 1] == ' ')
		s.len--;
	return s.len >= n && !memcmp(s.p + s.len - n, tail, n);
}

static bool has(struct mm_str s, const char *word) { return s.len && memmem(s.p, s.len, word, strlen(word)); }

/* The line without the marks of a quotation and blanks. */
static struct mm_str unquoted(struct mm_str s)
{
	while (s.len && (*s.p == '>' || *s.p == ' ' || *s.p == '\t'))
		s = mm_oom_skip(s, 1);
	return s;
}

bool mm_log_is_stamped(struct mm_str s)
{
	const char *open = s.len ? memchr(s.p, '[', s.len < 80 ? s.len : 80) : NULL;
	uint64_t v;

	if (!open)
		return false;
	s = mm_oom_skip(s, (size_t)(open - s.p) + 1);
	return scan_u64(&s, &v) && scan_word(&s, ".") && scan_u64(&s, &v) && scan_word(&s, "]");
}

static bool begins(struct mm_str s, const char *const *words)
{
	while (*words && !mm_str_starts(s, *words))
		words++;
	return *words;
}

/* "free:892kB", "all_unreclaimable? no" */
static bool is_size(struct mm_str s)
{
	uint64_t v;
	size_t n = 0;

	if (mm_str_starts(s, "all_unreclaimable? "))
		return true;
	while (n < s.len && ((s.p[n] >= 'a' && s.p[n] <= 'z') || s.p[n] == '_' || s.p[n] == '-' || s.p[n] == '(' || s.p[n] == ')'))
		n++;
	if (!n || n == s.len || s.p[n] != ':')
		return mm_str_starts(s, "UID:") || mm_str_starts(s, "UID ");
	if (mm_str_starts(s, "oom_score_adj:"))
		return true;
	s = mm_oom_skip(s, n + 1);
	return scan_u64(&s, &v) && (mm_str_starts(s, "kB") || mm_str_starts(s, "KB"));
}

/* "12*64kB", "(UME)", "= 892kB" */
static bool is_blocks(struct mm_str s)
{
	uint64_t v;

	if (mm_str_starts(s, "= "))
		return true;
	return s.len > 1 && *s.p == '(' ? strchr("UMEHCI", s.p[1]) != NULL : scan_u64(&s, &v) && mm_str_starts(s, "*");
}

static bool is_request(struct mm_str s)
{
	static const char *const words[] = { "gfp_mask=", "order=", "oom_score_adj=", "oom_adj=", "oomkilladj=", "nodemask=", "mode:",
		"order:", NULL };

	return begins(s, words);
}

/* The type of a range of the firmware's map, and what it becomes */
static bool is_type(struct mm_str s)
{
	static const char *const words[] = { "usable", "reserved", "ACPI ", "unusable", "persistent ", "type ", "soft ", "device ", "==> ",
		"(", "data", "NVS", "memory", NULL };

	return begins(s, words);
}

/* "kernel code, 2749K rwdata, ..." of the line "Memory: " */
static bool is_memory(struct mm_str s)
{
	static const char *const words[] = { "kernel ", "code,", "rwdata,", "rodata,", "init,", "bss,", "reserved", "cma-reserved",
		"highmem)", NULL };
	uint64_t v;

	return begins(s, words) || (scan_u64(&s, &v) && mm_str_starts(s, "K"));
}

static bool is_column(struct mm_str s)
{
	static const char *const words[] = { "uid", "tgid", "total_vm", "rss", "rss_anon", "rss_file", "rss_shmem", "pgtables_bytes",
		"nr_ptes", "nr_pmds", "nr_puds", "swapents", "cpu", "oom_adj", "oom_score_adj", "name" };
	struct mm_str word;

	if (!scan_next_word(&s, &word))
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (mm_str_is(word, words[i]))
			return true;
	return false;
}

/* "[  pid  ]   uid  tgid total_vm ...": what is behind "pid ]" */
static bool is_header(struct mm_str line, struct mm_str *columns)
{
	return mm_str_after(line, "pid", columns) && (scan_blanks(columns), scan_word(columns, "]")) && is_column(*columns);
}

static size_t words_of(struct mm_str s)
{
	struct mm_str word;
	size_t n = 0;

	while (scan_next_word(&s, &word))
		n++;
	return n;
}

/* "[    105]     0   105 ...": how many words there are behind it, SIZE_MAX: it is none */
static size_t words_of_row(struct mm_str line)
{
	struct mm_str s = mm_oom_payload(line);
	uint64_t pid;

	if (!scan_word(&s, "[") || !scan_u64(&s, &pid) || (scan_blanks(&s), !scan_word(&s, "]")))
		return SIZE_MAX;
	return words_of(s);
}

/* Does a line of the firmware's map lack a type? */
static bool lacks_type(struct mm_str e820)
{
	static const char *const tails[] = { "]", "==>", "] ACPI", "] persistent", "] soft", "] device" };
	bool lacks = has(e820, "update ") && !has(e820, "==>");

	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++)
		lacks |= ends_with(e820, tails[i]);
	return lacks;
}

/* What a line is, by what it lacks. */
enum kind { NONE, REQUEST, SIZES, BLOCKS, TASK, RANGE, TYPE, MEMORY, HEADER, ROW };

static enum kind kind_of(struct mm_log_plain *p, struct mm_str line)
{
	struct mm_str columns;

	if (has(line, " invoked oom-killer:") || has(line, "page allocation failure"))
		return ends_with(line, ",") || ends_with(line, ":") ? REQUEST : NONE;
	if (has(line, "Killed process "))
		return SIZES;
	if (has(line, "kB") && has(line, ":") && has(line, "Node "))
		return has(line, "*") || has(line, ": 0*") ? has(line, " = ") ? NONE : BLOCKS : SIZES;
	if (has(line, "ainted") && (has(line, "PID: ") || has(line, "Pid: ")))
		return has(line, " #") ? NONE : TASK;
	if (has(line, "e820: ") || has(line, "SRAT: ") || has(line, "[mem "))
		return ends_with(line, "[mem") ? RANGE : has(line, "e820: ") && lacks_type(line) ? TYPE : NONE;
	if (has(line, "Memory: ") && has(line, "K available ("))
		return ends_with(line, ")") ? NONE : MEMORY;
	if (is_header(line, &columns)) {
		p->columns = words_of(columns);
		return ends_with(line, " name") ? NONE : HEADER;
	}
	return p->wrapped && p->columns && words_of_row(line) < p->columns ? ROW : NONE;
}

bool mm_log_may_go_on(struct mm_log_plain *p, struct mm_str line)
{
	return kind_of(p, line) != NONE || (p->wrapped && mm_log_is_stamped(line));
}

bool mm_log_goes_on(struct mm_log_plain *p, struct mm_str line, struct mm_str next, struct mm_str *part)
{
	const enum kind kind = kind_of(p, line);
	bool goes_on = false;

	*part = unquoted(next);
	switch (kind) {
	case REQUEST: goes_on = is_request(*part); break;
	case SIZES: goes_on = is_size(*part); break;
	case BLOCKS: goes_on = is_blocks(*part); break;
	case TASK: goes_on = part->len && *part->p >= '1' && *part->p <= '9' && has(*part, " #"); break;
	case RANGE: goes_on = mm_str_starts(*part, "0x"); break;
	case TYPE: goes_on = is_type(*part); break;
	case MEMORY: goes_on = is_memory(*part); break;
	case HEADER: goes_on = is_column(*part); break;
	case ROW: goes_on = part->len && *part->p != '[' && *part->p != '<' && !has(*part, ":"); break;
	case NONE: break;
	}
	p->wrapped |= goes_on;
	if (!goes_on && p->wrapped && part->len && mm_log_is_stamped(line) && !mm_log_is_stamped(next)) {
		struct mm_str rest = *part, word;

		goes_on = scan_next_word(&rest, &word) && p->part + 1 + word.len > NARROWEST;
	}
	return goes_on;
}
