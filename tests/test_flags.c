/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flag words: numbers from Linux 6.6's headers, there and back.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/flags.h>

static const struct word_case {
	enum mm_flag_kind kind;
	uint64_t bits;
	const char *text;
} word_cases[] = {
	{ MM_FLAG_PROT, 0, "PROT_NONE" },
	{ MM_FLAG_PROT, 7, "PROT_READ|PROT_WRITE|PROT_EXEC" },
	{ MM_FLAG_PROT, 0x01000003, "PROT_READ|PROT_WRITE|PROT_GROWSDOWN" },
	{ MM_FLAG_PROT, 0x11, "PROT_READ|0x10" },
	{ MM_FLAG_MAP, 34, "MAP_PRIVATE|MAP_ANONYMOUS" },	/* numbers as lackey prints them */
	{ MM_FLAG_MAP, 2050, "MAP_PRIVATE|MAP_DENYWRITE" },
	{ MM_FLAG_MAP, 2066, "MAP_PRIVATE|MAP_FIXED|MAP_DENYWRITE" },
	{ MM_FLAG_MAP, 1, "MAP_SHARED" },
	{ MM_FLAG_MAP, 3, "MAP_SHARED_VALIDATE" },
	{ MM_FLAG_MAP, 0x22 | 0x20000 | 0x4000, "MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE|MAP_STACK" },
	{ MM_FLAG_MAP, 0x40022 | 21u << 26, "MAP_PRIVATE|MAP_ANONYMOUS|MAP_HUGETLB|MAP_HUGE_2MB" },
	{ MM_FLAG_MAP, 0x100022, "MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED_NOREPLACE" },
	{ MM_FLAG_MAP, 0x80000000200u, "0x80000000200" },
	{ MM_FLAG_MREMAP, 0, "" },
	{ MM_FLAG_MREMAP, 7, "MREMAP_MAYMOVE|MREMAP_FIXED|MREMAP_DONTUNMAP" },
	{ MM_FLAG_MADV, 0, "MADV_NORMAL" },
	{ MM_FLAG_MADV, 4, "MADV_DONTNEED" },
	{ MM_FLAG_MADV, 25, "MADV_COLLAPSE" },
	{ MM_FLAG_MADV, 99, "0x63" },
	{ MM_FLAG_MS, 4, "MS_SYNC" },
	{ MM_FLAG_FILE, 0100002, "O_RDWR|S_IFREG" },
	{ MM_FLAG_FILE, 0020000, "O_RDONLY|S_IFCHR" },
	{ MM_FLAG_RLIMIT, 9, "RLIMIT_AS" },
};

START_TEST(there_and_back)
{
	const struct word_case *c = &word_cases[_i];
	char buf[MM_FLAGS_TEXT];
	uint64_t bits = 1;

	ck_assert_uint_eq(mm_flags_format(c->kind, c->bits, buf, sizeof(buf)), strlen(c->text));
	ck_assert_str_eq(buf, c->text);
	ck_assert_int_eq(mm_flags_parse(c->kind, (struct mm_str){ buf, strlen(buf) }, &bits, NULL), 0);
	ck_assert_uint_eq(bits, c->bits);
}
END_TEST

START_TEST(odd_words)
{
	struct mm_str bad = { "", 0 };
	uint64_t bits = 5, prot = 5, map = 5;
	char buf[MM_FLAGS_TEXT];

	ck_assert_int_eq(mm_flags_parse(MM_FLAG_MAP, MM_STR("MAP_PRIVATE|MAP_HUGETLB|21<<MAP_HUGE_SHIFT"), &bits, NULL),
			 0);
	ck_assert_uint_eq(bits, 0x40002 | 21u << 26);
	ck_assert_int_eq(mm_flags_parse(MM_FLAG_MAP, MM_STR("MAP_FILE|MAP_SHARED | 0x10"), &bits, NULL), 0);
	ck_assert_uint_eq(bits, 0x11);
	ck_assert_int_eq(mm_flags_parse(MM_FLAG_SHM, MM_STR("010000|SHM_EXEC"), &bits, NULL), 0);
	ck_assert_uint_eq(bits, 0110000);
	bits = 5;
	ck_assert_int_eq(mm_flags_parse(MM_FLAG_PROT, MM_STR("PROT_READ|PROT_WRIT"), &bits, &bad), -EINVAL);
	ck_assert_uint_eq(bits, 5);
	ck_assert(bad.len == 9 && !memcmp(bad.p, "PROT_WRIT", 9));
	ck_assert_str_eq(mm_flags_nearest(MM_FLAG_PROT, bad), "PROT_WRITE");
	ck_assert_int_eq(mm_flags_parse(MM_FLAG_PROT, MM_STR("PROT_READ|"), &bits, NULL), -EINVAL);
	ck_assert_int_eq(mm_flags_parse(MM_FLAG_PROT, MM_STR("MAP_PRIVATE"), &bits, NULL), -EINVAL);
	ck_assert_int_eq(mm_flags_parse_mmap(MM_STR("MAP_PRIVATE|PROT_READ|0x10|PROT_EXEC"), &prot, &map, NULL), 0);
	ck_assert_uint_eq(prot, 5);
	ck_assert_uint_eq(map, 0x12);
	ck_assert_uint_eq(mm_flags_format_mmap(3, 0x22, buf, sizeof(buf)), 46);
	ck_assert_str_eq(buf, "PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS");
	ck_assert_uint_lt(mm_flags_format_mmap(UINT64_MAX, UINT64_MAX, buf, sizeof(buf)), sizeof(buf) - 1);
	ck_assert_uint_eq(mm_flags_format(MM_FLAG_PROT, 7, buf, 12), 9);	/* what does not fit is left out */
}
END_TEST

int main(void)
{
	Suite *s = suite_create("flags");
	TCase *tc = tcase_create("words");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_add_loop_test(tc, there_and_back, 0, sizeof(word_cases) / sizeof(word_cases[0]));
	tcase_add_test(tc, odd_words);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
