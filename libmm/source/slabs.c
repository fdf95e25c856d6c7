/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /proc/slabinfo 2.x, of SLUB and SLAB alike:
 *
 *	name  active_objs num_objs objsize objperslab pagesperslab
 *	      : tunables limit batchcount shared : slabdata active_slabs num_slabs sharedavail
 *
 * What follows these numbers (statistics of CONFIG_DEBUG_SLAB) is not looked at.
 * Source: Linux 6.6 mm/slab_common.c print_slabinfo_header(), cache_show().
 */
#include <errno.h>
#include <stdlib.h>

#include "source/proc.h"
#include "source/scan.h"

enum { MAX_SLABS = 1 << 20 };

/* Blanks, a colon, blanks and @word: the marks between the three groups. */
static bool scan_mark(struct mm_str *s, const char *word, size_t len)
{
	scan_blanks(s);
	if (!scan_word(s, ":"))
		return false;
	scan_blanks(s);
	return scan_prefix(s, word, len);
}

static bool scan_numbers(struct mm_str *s, uint64_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!scan_u64(s, &v[i]))
			return false;
	return true;
}

static bool parse_line(struct mm_str line, struct mm_proc_slab *c)
{
	uint64_t v[10];
	size_t len = 0, n = 0;

	while (len < line.len && line.p[len] != ' ')
		len++;
	if (!len || len >= sizeof(c->name))
		return false;
	memcpy(c->name, line.p, len);
	c->name[len] = 0;
	line.p += len;
	line.len -= len;
	if (!scan_numbers(&line, v, 5) || !scan_mark(&line, "tunables", 8) || !scan_numbers(&line, v + 5, 3) ||
	    !scan_mark(&line, "slabdata", 8) || !scan_numbers(&line, v + 8, 2))
		return false;
#define X(field) c->field = v[n++];
	MM_SLABINFO_FIELDS(X)
#undef X
	return true;
}

int mm_proc_slabs_parse(struct mm_str text, const char *name, struct mm_proc_slabs *s, struct mm_error *err)
{
	struct mm_str line;

	s->nr = 0;
	s->nr_bad = 0;
	if (!scan_line(&text, &line) || !scan_word(&line, "slabinfo - version: 2."))
		return mm_error_set(err, -EINVAL, "%s:1: expected \"slabinfo - version: 2.\", found \"%.*s\"", name,
				    line.len < 40 ? (int)line.len : 40, line.p ? line.p : "");
	while (scan_line(&text, &line)) {
		if (!line.len || line.p[0] == '#')
			continue;
		if (s->nr >= MAX_SLABS || mm_proc_grow(&s->v, s->nr, &s->cap, sizeof(*s->v)))
			return mm_error_set(err, -ENOMEM, "out of memory");
		if (parse_line(line, &s->v[s->nr]))
			s->nr++;
		else
			s->nr_bad++;
	}
	return 0;
}

int mm_proc_slabs(struct mm_proc *p, struct mm_proc_slabs *s, struct mm_error *err)
{
	struct mm_str text;
	char name[300] = "";
	int code = mm_proc_read(p, "proc/slabinfo", &text, err);

	if (code)
		return code;
	strcat(strcat(name, p->name), "/proc/slabinfo");
	return mm_proc_slabs_parse(text, name, s, err);
}

void mm_proc_slabs_free(struct mm_proc_slabs *s)
{
	free(s->v);
	*s = (struct mm_proc_slabs){ 0 };
}
