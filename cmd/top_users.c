/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of users: etc/passwd first, which for a capture is all there is.  On
 * this machine others may come from elsewhere (NSS: LDAP, systemd), so a uid
 * that is not in the file is asked of the C library, once.
 */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "top.h"

struct top_user {
	uint32_t uid;
	char name[44];			/* "" where nobody has it */
};

static struct top_user *find(struct top *t, uint32_t uid, size_t *at)
{
	size_t lo = 0, hi = t->nr_asked;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (t->asked[mid].uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	*at = lo;
	return lo < t->nr_asked && t->asked[lo].uid == uid ? &t->asked[lo] : NULL;
}

const char *top_user_name(struct top *t, uint32_t uid)
{
	const char *name = mm_users_name(t->users, uid);
	struct top_user *u;
	struct passwd *pw;
	size_t at;

	if (name || !top_is_live(t))
		return name;
	u = find(t, uid, &at);
	if (!u) {
		if (t->nr_asked == t->cap_asked) {
			u = realloc(t->asked, (t->cap_asked * 2 + 16) * sizeof(*u));
			if (!u)
				return NULL;
			t->asked = u;
			t->cap_asked = t->cap_asked * 2 + 16;
		}
		u = &t->asked[at];
		memmove(u + 1, u, (t->nr_asked++ - at) * sizeof(*u));
		*u = (struct top_user){ .uid = uid };
		pw = getpwuid(uid);
		if (pw && strlen(pw->pw_name) < sizeof(u->name))
			strcpy(u->name, pw->pw_name);
	}
	return *u->name ? u->name : NULL;
}

int top_user_id(struct top *t, const char *name, uint32_t *uid)
{
	struct passwd *pw;

	if (!mm_users_uid(t->users, name, uid))
		return 0;
	pw = top_is_live(t) ? getpwnam(name) : NULL;
	if (!pw)
		return -ENOENT;
	*uid = pw->pw_uid;
	return 0;
}
