/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /proc/PID/maps and smaps: rows, names of any bytes, and texts that are neither.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <libmm/maps.h>

struct seen {
	char text[2048];
};

static int row(const struct mm_maps_row *r, void *arg)
{
	struct seen *s = arg;
	size_t n = strlen(s->text);

	snprintf(s->text + n, sizeof(s->text) - n, "%llx-%llx %s %llx %x:%x %llu %.*s%s %llu %llx\n",
		 (unsigned long long)r->start, (unsigned long long)r->end, r->perms, (unsigned long long)r->offset,
		 r->dev_major, r->dev_minor, (unsigned long long)r->inode, (int)r->name.len, r->name.p,
		 r->deleted ? " D" : "", (unsigned long long)r->anonymous_kib, (unsigned long long)r->vm_flags);
	return r->start == 0xdead000 ? -ECANCELED : 0;
}

static const struct {
	const char *what, *text, *want;
	int e;
} rows[] = {
	{ "a file", "7f2a69ec6000-7f2a69eec000 r--p 00001000 fe:00 332835                     /usr/lib/libc.so.6\n",
	  "7f2a69ec6000-7f2a69eec000 r--p 1000 fe:0 332835 /usr/lib/libc.so.6 0 0\n", 0 },
	{ "anonymous, the last line cut before its LF", "1000-2000 rw-p 00000000 00:00 0 ", "1000-2000 rw-p 0 0:0 0  0 0\n", 0 },
	{ "blanks, Latin-1 and (deleted) in a name", "1000-2000 rw-s 0 08:01 5      /a b\344 (deleted)\n",
	  "1000-2000 rw-s 0 8:1 5 /a b\344 D 0 0\n", 0 },
	{ "the highest page", "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n",
	  "ffffffffff600000-ffffffffff601000 --xp 0 0:0 0 [vsyscall] 0 0\n", 0 },
	{ "smaps: rd wr mr mw me gd ac is 0x1|0x2|0x10|0x20|0x40|0x100|0x100000",
	  "1000-2000 rw-p 0 00:00 0   [stack]\nSize:                  4 kB\nAnonymous:             12 kB\nNewKey:    1 kB\n"
	  "VmFlags: rd wr mr mw me gd ac \n3000-4000 r--p 0 00:00 0\n",
	  "1000-2000 rw-p 0 0:0 0 [stack] 12 100173\n3000-4000 r--p 0 0:0 0  0 0\n", 0 },
	{ "nothing", "", "", 0 },
	{ "the caller ends it", "dead000-deae000 rw-p 0 00:00 0\ndeae000-deaf000 rw-p 0 00:00 0\n",
	  "dead000-deae000 rw-p 0 0:0 0  0 0\n", -ECANCELED },
	{ "cut in a row", "1000-2000 rw", "", -EINVAL },
	{ "a key before any row", "Size: 4 kB\n", "", -EINVAL },
	{ "an empty range", "2000-2000 rw-p 0 00:00 0\n", "", -EINVAL },
	{ "not in order", "2000-3000 rw-p 0 00:00 0\n1000-2000 rw-p 0 00:00 0\n", "2000-3000 rw-p 0 0:0 0  0 0\n", -EINVAL },
	{ "overlapping", "1000-3000 rw-p 0 00:00 0\n2000-4000 rw-p 0 00:00 0\n", "1000-3000 rw-p 0 0:0 0  0 0\n", -EINVAL },
	{ "more than 64 bits", "10000000000000000-20000000000000000 rw-p 0 00:00 0\n", "", -EINVAL },
	{ "other letters", "1000-2000 rwqp 0 00:00 0\n", "", -EINVAL },
};

START_TEST(texts)
{
	struct seen seen = { "" };
	struct mm_error err = { 0 };
	struct mm_input *in;

	ck_assert_int_eq(mm_input_open_memory(&in, "maps", rows[_i].text, strlen(rows[_i].text)), 0);
	ck_assert_msg(mm_maps_read(in, row, &seen, &err) == rows[_i].e, "%s", rows[_i].what);
	ck_assert_msg(!strcmp(seen.text, rows[_i].want), "%s:\n%s", rows[_i].what, seen.text);
	if (rows[_i].e == -EINVAL)
		ck_assert_msg(strstr(err.text, "maps:") != NULL, "%s: file and line are named", rows[_i].what);
	mm_input_free(in);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("maps");
	TCase *t = tcase_create("maps");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_loop_test(t, texts, 0, (int)(sizeof(rows) / sizeof(rows[0])));
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
