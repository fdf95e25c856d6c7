/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Records of perf as perf script prints them.
 *
 *	PERF_RECORD_MMAP2 31735/31735: [0x5619da7fa000(0x16000) @ 0x4000 fe:00 247728 0]: r-xp /usr/bin/ls
 *	PERF_RECORD_MMAP2 31735/31735: [0x5619da7fa000(0x16000) @ 0x4000 <c89156eb>]: r-xp /usr/bin/ls	(--buildid-mmap)
 *	PERF_RECORD_MMAP 31735/31735: [0x5619da7fa000(0x16000) @ 0x4000]: x /usr/bin/ls			(before 3.12)
 *	PERF_RECORD_COMM exec: ls:31735/31735
 *	PERF_RECORD_FORK(21778:21843):(21778:21778)		child's process and thread, parent's
 *	PERF_RECORD_EXIT(21778:21843):(21655:21655)
 *
 * Source: Linux 6.6 tools/perf/util/event.c perf_event__fprintf_mmap2(), _mmap(), _comm(), _task().
 */
#include "base/str.h"
#include "source/perf.h"
#include "source/scan.h"
#include "table/numbers.h"

static bool scan_pid(struct mm_str *s, uint32_t *pid)
{
	uint64_t v;

	if (!scan_u64(s, &v) || v > UINT32_MAX)
		return false;
	*pid = (uint32_t)v;
	return true;
}

/* "fe:00 247728 0" or "<c89156eb>": what tells one file of a name from another goes into *@file. */
static bool scan_file(struct mm_str *s, struct mm_perf_mmap *r, uint64_t *file)
{
	uint64_t major, minor, generation;
	struct mm_str id = *s;

	if (scan_word(s, "<")) {
		const char *end = memchr(s->p, '>', s->len);

		if (!end)
			return false;
		id = (struct mm_str){ s->p, (size_t)(end - s->p) };
		*s = (struct mm_str){ end + 1, s->len - id.len - 1 };
		*file = mm_str_fnv1a(id);
		return true;
	}
	if (!scan_hex(s, &major) || !scan_word(s, ":") || !scan_hex(s, &minor) || !scan_u64(s, &r->ino) || !scan_u64(s, &generation))
		return false;
	r->major = (uint32_t)major;
	r->minor = (uint32_t)minor;
	*file = mm_str_fnv1a((struct mm_str){ id.p, id.len - s->len });
	return true;
}

static bool scan_perms(struct mm_str *s, bool old, struct mm_perf_mmap *r)
{
	if (old) {		/* no more is told than whether it is a program's text */
		if (!s->len || (*s->p != 'x' && *s->p != 'r'))
			return false;
		memcpy(r->perms, *s->p == 'x' ? "r-xp" : "rw-p", 4);
		*s = (struct mm_str){ s->p + 1, s->len - 1 };
		return true;
	}
	for (size_t i = 0; i < 4; i++)
		if (s->len < 4 || !memchr(&"r-w-x-ps"[2 * i], s->p[i], 2))
			return false;
	memcpy(r->perms, s->p, 4);
	*s = (struct mm_str){ s->p + 4, s->len - 4 };
	return true;
}

static bool is_anonymous(struct mm_str name) { return !name.len || name.p[0] == '[' || mm_str_starts(name, "//"); }

bool mm_perf_mmap_parse(struct mm_str text, bool old, struct mm_perf_mmap *r, bool *kernel)
{
	uint64_t len, file = 0;

	*r = (struct mm_perf_mmap){ 0 };
	*kernel = scan_word(&text, " -1/") || scan_word(&text, " 0/");
	if (*kernel)
		return true;
	if (!scan_pid(&text, &r->pid) || !scan_word(&text, "/") || !scan_pid(&text, &r->tid) || !scan_word(&text, ": [") ||
	    !scan_hex(&text, &r->start) || !scan_word(&text, "(") || !scan_hex(&text, &len) || !scan_word(&text, ") @ ") ||
	    !scan_hex(&text, &r->offset) || __builtin_add_overflow(r->start, len, &r->end))
		return false;
	if (!old && (!scan_word(&text, " ") || !scan_file(&text, r, &file)))
		return false;
	if (!scan_word(&text, "]: ") || !scan_perms(&text, old, r) || !scan_word(&text, " "))
		return false;
	if (!len || (r->start | len | r->offset) & (MM_PAGE_SIZE - 1))
		return false;
	r->name = text;
	if (!is_anonymous(text))
		r->file = (file ^ mm_str_fnv1a(text)) | 1;
	return true;
}

bool mm_perf_task_parse(struct mm_str s, struct mm_perf_task *r)
{
	return scan_word(&s, "(") && scan_pid(&s, &r->pid) && scan_word(&s, ":") && scan_pid(&s, &r->tid) && scan_word(&s, "):(") &&
	       scan_pid(&s, &r->parent_pid) && scan_word(&s, ":") && scan_pid(&s, &r->parent_tid);
}

/* A name may hold blanks, colons and digits: the numbers are behind the last colon. */
bool mm_perf_comm_parse(struct mm_str s, struct mm_str *name, uint32_t *pid, uint32_t *tid, bool *exec)
{
	struct mm_str numbers;
	const char *colon;

	*exec = scan_word(&s, " exec");
	if (!scan_word(&s, ": ") || !s.len)
		return false;
	colon = memrchr(s.p, ':', s.len);
	if (!colon)
		return false;
	*name = (struct mm_str){ s.p, (size_t)(colon - s.p) };
	numbers = (struct mm_str){ colon + 1, s.len - name->len - 1 };
	return scan_pid(&numbers, pid) && scan_word(&numbers, "/") && scan_pid(&numbers, tid);
}
