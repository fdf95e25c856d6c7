/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/str.h: lists of words.  By hand; against a walk letter by letter on random lists; and where the lists are read,
 * in slub_debug= and cgroup.memory=.
 */
#include <check.h>
#include <stdlib.h>
#include <libmm/slab.h>

#include "base/rng.h"
#include "base/str.h"
#include "source/cmdline.h"

START_TEST(words_of_a_list)
{
	struct mm_str text = MM_STR("a,, b ,"), w;
	const char *const want[] = { "a", "", " b ", "" };

	for (size_t i = 0; i < 4; i++) {
		ck_assert(mm_next_item(&text, ',', &w));
		ck_assert(mm_str_is(w, want[i]));
	}
	ck_assert(!mm_next_item(&text, ',', &w));
	ck_assert(!text.p);

	ck_assert(mm_has_item(MM_STR("nosocket,nokmem"), ',', "nokmem"));
	ck_assert(!mm_has_item(MM_STR("nosocket, nokmem"), ',', "nokmem"));
	ck_assert(!mm_has_item(MM_STR("nokmem2,nokme"), ',', "nokmem"));
	ck_assert(!mm_has_item(MM_STR("a|b"), ',', "a"));
	ck_assert(mm_has_word(MM_STR("A | B"), "A"));	/* words have no blanks at their ends */
	ck_assert(mm_has_word(MM_STR("A | B"), "B"));
}
END_TEST

/* The i-th word, found letter by letter. */
static bool word_at(const char *s, size_t len, char sep, size_t i, size_t *from, size_t *to)
{
	size_t nr = 0;

	*from = 0;
	for (size_t k = 0; k <= len; k++) {
		if (k < len && s[k] != sep)
			continue;
		*to = k;
		if (nr++ == i)
			return true;
		*from = k + 1;
	}
	return false;
}

START_TEST(words_of_random_lists)
{
	struct mm_rng rng = { 4 };

	for (int round = 0; round < 20000; round++) {
		char s[12];
		size_t len = mm_rng_below(&rng, sizeof(s)), from, to, i = 0;
		struct mm_str text = { s, len }, w;

		for (size_t k = 0; k < len; k++)
			s[k] = "ab,| "[mm_rng_below(&rng, 5)];
		for (; mm_next_item(&text, ',', &w); i++) {
			ck_assert(word_at(s, len, ',', i, &from, &to));
			ck_assert_ptr_eq(w.p, s + from);
			ck_assert_uint_eq(w.len, to - from);
		}
		ck_assert(!word_at(s, len, ',', i, &from, &to));
	}
}
END_TEST

static uint32_t flags_of(const char *list, const char *name)
{
	struct mm_slab_request r = { .kind = MM_SLAB_SLUB, .object_size = 64, .name = { name, strlen(name) } };
	struct mm_slab_tuning t;
	struct mm_slab_layout l;

	mm_slab_tuning_init(&t, NULL);
	t.slub_debug = (struct mm_str){ list, strlen(list) };
	r.tuning = &t;
	ck_assert_int_eq(mm_slab_layout_of(&l, &r), 0);
	return l.flags & MM_SLAB_DEBUG_FLAGS;
}

START_TEST(lists_of_the_command_line)
{
	struct mm_sysctls s = { .set = { false } };

	ck_assert_uint_eq(flags_of("P,dentry,inode*", "dentry"), MM_SLAB_POISON);
	ck_assert_uint_eq(flags_of("P,dentry,inode*", "inode_cache"), MM_SLAB_POISON);
	ck_assert_uint_eq(flags_of("P,dentry,inode*", "inode"), MM_SLAB_POISON);
	ck_assert_uint_eq(flags_of("P,dentry,inode*", "inod"), 0);
	ck_assert_uint_eq(flags_of("P,dentry,inode*", "dentry2"), 0);
	ck_assert_uint_eq(flags_of("P,dentry,,", "dent"), 0);
	ck_assert_uint_eq(flags_of("P,*", "dent"), MM_SLAB_POISON);

	mm_cmdline_sysctls(MM_STR("cgroup.memory=nosocket,nokmemory quiet"), &s);
	ck_assert(!s.set[MM_SYSCTL_CGROUP_MEMORY]);
	mm_cmdline_sysctls(MM_STR("cgroup.memory=nosocket,nokmem quiet"), &s);
	ck_assert(s.set[MM_SYSCTL_CGROUP_MEMORY]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("str");
	TCase *tc = tcase_create("lists");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, words_of_a_list);
	tcase_add_test(tc, words_of_random_lists);
	tcase_add_test(tc, lists_of_the_command_line);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
