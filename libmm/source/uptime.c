/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one-line files: /proc/uptime and /proc/loadavg hold decimals with two
 * places, /proc/sys/kernel/pid_max one number.  A sosreport has what uptime(1) prints instead:
 *
 *	 14:05:00 up 3 days,  4:05,  2 users,  load average: 0.10, 0.20, 0.30
 *
 * with "4:05" or "5 min" or nothing behind the days.
 */
#include <errno.h>

#include "source/folder.h"
#include "source/proc.h"
#include "source/scan.h"

/* "12.34" as 1234; false when no number stands there. */
static bool scan_centi(struct mm_str *s, uint64_t *out)
{
	uint64_t whole, part = 0;
	size_t digits = 0;

	if (!scan_u64(s, &whole))
		return false;
	if (s->len && *s->p == '.') {
		for (s->p++, s->len--; s->len && (unsigned char)(*s->p - '0') < 10; s->p++, s->len--)
			if (digits++ < 2)
				part = part * 10 + (unsigned char)(*s->p - '0');
	}
	if (digits == 1)
		part *= 10;
	*out = whole > UINT64_MAX / 200 ? UINT64_MAX / 2 : whole * 100 + part;
	return true;
}

/* What uptime(1) printed, in an unpacked sosreport; false: this is none, or lacks it. */
static bool read_uptime_text(struct mm_proc *p, struct mm_str *text)
{
	static const char *const files[] = { "sos_commands/host/uptime", "sos_commands/general/uptime", "uptime" };

	for (size_t i = 0; !p->live && i < sizeof(files) / sizeof(files[0]); i++)
		if (!mm_proc_read(p, files[i], text, NULL) && text->len)
			return true;
	return false;
}

/* Cut @s behind @words; false: they are not in it. */
static bool skip_to(struct mm_str *s, const char *words)
{
	const char *found = memmem(s->p, s->len, words, strlen(words));

	if (!found)
		return false;
	found += strlen(words);
	s->len -= (size_t)(found - s->p);
	s->p = found;
	return true;
}

static bool uptime_of_text(struct mm_str s, uint64_t *centiseconds)
{
	uint64_t n, minutes = 0;
	bool any = false;

	if (!skip_to(&s, " up "))
		return false;
	while (scan_u64(&s, &n) && n < 1000000) {
		uint64_t more;

		if (scan_word(&s, " day")) {
			minutes += n * 24 * 60;
			scan_word(&s, "s");
		} else if (scan_word(&s, " min")) {
			minutes += n;
		} else if (scan_word(&s, ":") && scan_u64(&s, &more) && more < 60) {
			minutes += n * 60 + more;
		} else {
			break;			/* the users */
		}
		any = true;
		if (!scan_word(&s, ","))
			break;
	}
	*centiseconds = any ? minutes * 6000 : *centiseconds;
	return any;
}

int mm_proc_uptime(struct mm_proc *p, uint64_t *centiseconds, struct mm_error *err)
{
	struct mm_str text;
	int code = mm_proc_read(p, "proc/uptime", &text, err);

	if (code == -ENOENT && read_uptime_text(p, &text) && uptime_of_text(text, centiseconds))
		return 0;
	if (code)
		return code;
	return scan_centi(&text, centiseconds) ? 0
		: mm_error_set(err, -EINVAL, "%s/proc/uptime:1: expected seconds", p->name);
}

int mm_proc_loadavg(struct mm_proc *p, uint32_t centi[3], struct mm_error *err)
{
	struct mm_str text;
	uint64_t v[3];
	int code = mm_proc_read(p, "proc/loadavg", &text, err);

	if (code == -ENOENT && read_uptime_text(p, &text) && skip_to(&text, "load average:"))
		code = 0;
	if (code)
		return code;
	for (size_t i = 0; i < 3; i++)
		if (!scan_centi(&text, &v[i]) || (text.len && !scan_word(&text, ",") && i < 2 && *text.p != ' '))
			return mm_error_set(err, -EINVAL, "%s/proc/loadavg:1: expected three numbers", p->name);
	for (size_t i = 0; i < 3; i++)
		centi[i] = v[i] > UINT32_MAX ? UINT32_MAX : (uint32_t)v[i];
	return 0;
}

bool mm_proc_uptime_users(struct mm_proc *p, uint32_t *users)
{
	struct mm_str text, line, before;
	const char *word;
	uint64_t n;

	if (!read_uptime_text(p, &text) || !scan_line(&text, &line))
		return false;
	word = memmem(line.p, line.len, " user", 5);
	before = (struct mm_str){ line.p, word ? (size_t)(word - line.p) : 0 };
	while (before.len && (unsigned char)(before.p[before.len - 1] - '0') < 10)
		before.len--;
	before = (struct mm_str){ line.p + before.len, word ? (size_t)(word - line.p) - before.len : 0 };
	if (!scan_u64(&before, &n) || n > UINT32_MAX)
		return false;
	*users = (uint32_t)n;
	return true;
}

/* The most digits of a process that the folder of files has: what a capture without pid_max tells. */
static uint32_t digits_of_folders(const struct mm_proc *p)
{
	DIR *dir = mm_folder_open(p->root_fd, "proc");
	const char *name;
	size_t digits = 5;

	while (dir && (name = mm_folder_next(dir))) {
		size_t n = strlen(name);

		if (n > digits && n <= 10 && strspn(name, "0123456789") == n)
			digits = n;
	}
	if (dir)
		closedir(dir);
	return (uint32_t)digits;
}

uint32_t mm_proc_pid_digits(struct mm_proc *p)
{
	struct mm_str text;
	uint64_t max = 0;
	uint32_t digits = 0;

	if (mm_proc_read(p, "proc/sys/kernel/pid_max", &text, NULL) || !scan_u64(&text, &max))
		return digits_of_folders(p);
	for (; max; max /= 10)
		digits++;
	return digits < 5 ? 5 : digits > 10 ? 10 : digits;
}
