/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How many are logged in, as the first of these tells:
 *
 *	run/utmp		records of one size, their type in the first two bytes
 *	run/systemd/sessions	a file a session, with a line CLASS: systems without utmp
 *	uptime			what uptime(1) printed, of a sosreport
 *
 * A record is of 384 bytes where its time has stayed at 32 bits (x86, powerpc), of 400 elsewhere (arm64, riscv, s390).  Of a capture's
 * file that either divides, the size is right that finds more types of records that are in use.  Source: glibc bits/types/struct_utmp.h.
 */
#include <errno.h>
#include <stdio.h>

#include "source/folder.h"
#include "source/proc.h"
#include "source/scan.h"

enum { USER_PROCESS = 7, LAST_TYPE = 9 };

/* Records of @size: those of users, and in *@in_use all that are not empty; false: they have types that there are not. */
static bool count_records(struct mm_str text, size_t size, uint32_t *users, uint32_t *in_use)
{
	*users = *in_use = 0;
	for (size_t i = 0; i + size <= text.len; i += size) {
		unsigned char a = (unsigned char)text.p[i], b = (unsigned char)text.p[i + 1];

		if ((a && b) || (a | b) > LAST_TYPE)	/* of either byte order */
			return false;
		*users += (a | b) == USER_PROCESS;
		*in_use += (a | b) != 0;
	}
	return text.len % size == 0;
}

static uint32_t of_utmp(struct mm_str text)
{
	static const size_t sizes[] = { 384, 400 };
	uint32_t users = 0, most = 0;

	for (size_t i = 0; i < 2; i++) {
		uint32_t found, in_use;

		if (!count_records(text, sizes[i], &found, &in_use) || in_use <= most)
			continue;
		most = in_use;
		users = found;
	}
	return users;
}

/* Sessions of users, not of their greeter or service manager. */
static bool of_sessions(struct mm_proc *p, uint32_t *users)
{
	static const char folder[] = "run/systemd/sessions";
	struct mm_names names = { 0 };
	bool found = !mm_names_read(&names, p->root_fd, folder, false);

	for (size_t i = 0; found && i < names.nr; i++) {
		struct mm_str text, line;
		char path[300];

		if (snprintf(path, sizeof(path), "%s/%s", folder, names.v[i]) >= (int)sizeof(path) || mm_proc_read(p, path, &text, NULL))
			continue;
		while (scan_line(&text, &line))
			*users += scan_word(&line, "CLASS=user") && !line.len;
	}
	mm_names_free(&names);
	return found;
}

uint32_t mm_proc_logins(struct mm_proc *p)
{
	struct mm_str text;
	uint32_t users = 0;

	if (!mm_proc_read(p, "run/utmp", &text, NULL))
		return of_utmp(text);
	if (!of_sessions(p, &users))
		mm_proc_uptime_users(p, &users);
	return users;
}
