/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one-line files: /proc/uptime and /proc/loadavg hold decimals with two
 * places, /proc/sys/kernel/pid_max one number.
 */
#include <errno.h>

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

int mm_proc_uptime(struct mm_proc *p, uint64_t *centiseconds, struct mm_error *err)
{
	struct mm_str text;
	int code = mm_proc_read(p, "proc/uptime", &text, err);

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

	if (code)
		return code;
	for (size_t i = 0; i < 3; i++)
		if (!scan_centi(&text, &v[i]))
			return mm_error_set(err, -EINVAL, "%s/proc/loadavg:1: expected three numbers", p->name);
	for (size_t i = 0; i < 3; i++)
		centi[i] = v[i] > UINT32_MAX ? UINT32_MAX : (uint32_t)v[i];
	return 0;
}

uint32_t mm_proc_pid_digits(struct mm_proc *p)
{
	struct mm_str text;
	uint64_t max = 0;
	uint32_t digits = 0;

	if (mm_proc_read(p, "proc/sys/kernel/pid_max", &text, NULL) || !scan_u64(&text, &max))
		return 5;
	for (; max; max /= 10)
		digits++;
	return digits < 5 ? 5 : digits > 10 ? 10 : digits;
}
