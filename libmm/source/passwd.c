/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names of users: etc/passwd below the sysroot, "name:x:uid:...", read once
 * into an array sorted by uid.  Of two names for one uid the first line wins,
 * as getpwuid() has it.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/grow.h"
#include "source/proc.h"
#include "source/scan.h"

struct user {
	uint32_t uid, line;
	char *name;
};

struct mm_users {
	struct user *v;
	size_t nr, cap;
};

enum { MAX_USERS = 1 << 20 };

static int by_uid(const void *a, const void *b)
{
	const struct user *x = a, *y = b;

	if (x->uid != y->uid)
		return x->uid < y->uid ? -1 : 1;
	return x->line < y->line ? -1 : x->line > y->line;
}

static int add_line(struct mm_users *u, struct mm_str line)
{
	const char *colon = memchr(line.p, ':', line.len);
	size_t len = colon ? (size_t)(colon - line.p) : 0;
	struct mm_str rest;
	uint64_t uid;

	if (!len || u->nr >= MAX_USERS)
		return 0;
	rest = (struct mm_str){ colon + 1, line.len - len - 1 };
	colon = memchr(rest.p, ':', rest.len);
	if (!colon)
		return 0;
	rest = (struct mm_str){ colon + 1, (size_t)(rest.p + rest.len - colon - 1) };
	if (!scan_u64(&rest, &uid) || uid > UINT32_MAX)
		return 0;
	if (mm_grow(&u->v, u->nr, &u->cap, sizeof(*u->v)))
		return -ENOMEM;
	u->v[u->nr] = (struct user){ (uint32_t)uid, (uint32_t)u->nr, strndup(line.p, len) };
	return u->v[u->nr].name ? (u->nr++, 0) : -ENOMEM;
}

int mm_users_new(struct mm_users **up, struct mm_proc *p)
{
	struct mm_users *u = calloc(1, sizeof(*u));
	struct mm_str text, line;

	if (!u)
		return -ENOMEM;
	if (!mm_proc_read(p, "etc/passwd", &text, NULL))
		while (scan_line(&text, &line))
			if (add_line(u, line)) {
				mm_users_free(u);
				return -ENOMEM;
			}
	if (u->nr)
		qsort(u->v, u->nr, sizeof(*u->v), by_uid);
	*up = u;
	return 0;
}

void mm_users_free(struct mm_users *u)
{
	if (!u)
		return;
	for (size_t i = 0; i < u->nr; i++)
		free(u->v[i].name);
	free(u->v);
	free(u);
}

const char *mm_users_name(const struct mm_users *u, uint32_t uid)
{
	size_t lo = 0, hi = u->nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (u->v[mid].uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < u->nr && u->v[lo].uid == uid ? u->v[lo].name : NULL;
}

int mm_users_uid(const struct mm_users *u, const char *name, uint32_t *uid)
{
	for (size_t i = 0; i < u->nr; i++)
		if (!strcmp(u->v[i].name, name)) {
			*uid = u->v[i].uid;
			return 0;
		}
	return -ENOENT;
}
