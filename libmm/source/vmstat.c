/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /proc/vmstat: lines "key number".  Keys come and go between kernels and
 * configurations, so all are kept by name in the file's order.
 * Source: Linux 6.6 mm/vmstat.c vmstat_show().
 */
#include <errno.h>
#include <stdlib.h>

#include "base/grow.h"
#include "source/proc.h"
#include "source/scan.h"

enum { MAX_COUNTERS = 1 << 16 };

static bool split(struct mm_str line, struct mm_str *name, uint64_t *value)
{
	const char *blank = memchr(line.p, ' ', line.len);

	if (!blank || blank == line.p)
		return false;
	*name = (struct mm_str){ line.p, (size_t)(blank - line.p) };
	line.p = blank;
	line.len -= name->len;
	return scan_u64(&line, value);
}

static void note_io(struct mm_proc_vmstat *vs, struct mm_str name, uint64_t value)
{
	if (name.p[0] != 'p' || name.len > 7)
		return;
#define X(key) if (name.len == sizeof(#key) - 1 && !memcmp(name.p, #key, name.len)) vs->key = value;
	X(pgpgin) X(pgpgout) X(pswpin) X(pswpout)
#undef X
}

static int add(struct mm_proc_vmstat *vs, struct mm_str name, uint64_t value)
{
	struct mm_proc_counter *c;

	if (vs->nr >= MAX_COUNTERS || name.len >= sizeof(c->name))
		return 0;
	if (mm_grow(&vs->v, vs->nr, &vs->cap, sizeof(*vs->v)))
		return -ENOMEM;
	c = &vs->v[vs->nr++];
	memcpy(c->name, name.p, name.len);
	c->name[name.len] = 0;
	c->value = value;
	return 0;
}

static int read_counters(struct mm_proc *p, struct mm_proc_vmstat *vs, bool list, struct mm_error *err)
{
	struct mm_str text, line, name;
	uint64_t value;
	bool any = false;
	int code = mm_proc_read(p, "proc/vmstat", &text, err);

	if (code)
		return code;
	vs->nr = 0;
	vs->pgpgin = vs->pgpgout = vs->pswpin = vs->pswpout = UINT64_MAX;
	while (scan_whole_line(&text, &line)) {
		if (!split(line, &name, &value))
			continue;
		any = true;
		note_io(vs, name, value);
		if (list && add(vs, name, value))
			return mm_error_set(err, -ENOMEM, "out of memory");
	}
	return any ? 0 : mm_error_set(err, -EINVAL, "%s/proc/vmstat: no line \"name number\"", p->name);
}

int mm_proc_vmstat(struct mm_proc *p, struct mm_proc_vmstat *vs, struct mm_error *err)
{
	return read_counters(p, vs, true, err);
}

int mm_proc_vmstat_io(struct mm_proc *p, struct mm_proc_vmstat *vs, struct mm_error *err)
{
	return read_counters(p, vs, false, err);
}

void mm_proc_vmstat_free(struct mm_proc_vmstat *vs)
{
	free(vs->v);
	*vs = (struct mm_proc_vmstat){ 0 };
}
