/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GFP words.  Masks and spellings are the kernel's own: recordings of 6.1, 6.6
 * and 6.12 kernels, and the bits of include/linux/gfp_types.h worked out by hand.
 */
#include <errno.h>
#include <string.h>

#include "small_phys.h"

static const struct spelling {
	const char *text;
	mm_gfp_t mask;
	const char *again;	/* how 6.6 prints it; NULL: the same */
} spellings[] = {
	/* as recorded */
	{ "GFP_KERNEL", 0xcc0, NULL },
	{ "GFP_KERNEL_ACCOUNT|__GFP_ZERO", 0x400dc0, NULL },
	{ "GFP_HIGHUSER_MOVABLE|__GFP_COMP|__GFP_ZERO", 0x140dca, NULL },
	{ "GFP_NOWAIT|__GFP_NOWARN", 0x2800, NULL },
	{ "GFP_ATOMIC|__GFP_COMP", 0x40820, "GFP_ATOMIC|__GFP_COMP" },
	{ "__GFP_IO|__GFP_FS|__GFP_NOWARN|__GFP_NORETRY|__GFP_COMP|__GFP_NOMEMALLOC|__GFP_RECLAIMABLE", 0xd20d0, NULL },
	/* compound names that hold each other: the first that fits is printed */
	{ "GFP_USER", 0x100cc0, NULL },
	{ "GFP_HIGHUSER", 0x100cc2, NULL },
	{ "GFP_TRANSHUGE", 0x1c24ca, NULL },
	{ "GFP_TRANSHUGE_LIGHT", 0x1c20ca, NULL },
	{ "__GFP_RECLAIM|__GFP_FS|__GFP_IO", 0xcc0, "GFP_KERNEL" },
	{ "GFP_NOIO", 0xc00, NULL },
	{ "GFP_NOFS", 0xc40, NULL },
	{ "__GFP_DMA32", 0x4, "GFP_DMA32" },
	{ "__GFP_DIRECT_RECLAIM", 0x400, NULL },
	/* nothing, and bits without a name */
	{ "none", 0, NULL },
	{ "0", 0, "none" },
	{ "0x0", 0, "none" },
	{ "GFP_KERNEL|0x2000000", 0x2000cc0, NULL },
	{ "0xffffffff", 0xffffffff, NULL },
	/* words of other kernels */
	{ "__GFP_ATOMIC|__GFP_HIGH|__GFP_KSWAPD_RECLAIM", 0x820, "GFP_ATOMIC" },
	{ "GFP_KERNEL|__GFP_REPEAT", 0x4cc0, "GFP_KERNEL|__GFP_RETRY_MAYFAIL" },
	{ "GFP_KERNEL|GFP_ZERO", 0xdc0, "GFP_KERNEL|__GFP_ZERO" },
};

static const char *format(mm_gfp_t mask, struct mm_output *out)
{
	ck_assert_int_eq(mm_output_init(out, -1), 0);
	mm_gfp_format(out, mask);
	mm_output_bytes(out, "", 1);
	return out->buf;
}

START_TEST(words)
{
	const struct spelling *c = &spellings[_i];
	mm_gfp_t mask = 0x12345;
	struct mm_output out;

	ck_assert_msg(!mm_gfp_parse((struct mm_str){ c->text, strlen(c->text) }, &mask), "%s is refused", c->text);
	ck_assert_msg(mask == c->mask, "%s: expected %#x, got %#x", c->text, c->mask, mask);
	format(mask, &out);
	if (mask != 0xffffffff)		/* whose single bits would fill a line */
		ck_assert_str_eq(out.buf, c->again ? c->again : c->text);
	mm_output_finish(&out);
}
END_TEST

START_TEST(every_mask_comes_back)
{
	struct mm_rng rng = { 7 };

	for (int i = 0; i < 20000; i++) {
		mm_gfp_t mask = (mm_gfp_t)mm_rng_u64(&rng) & (i & 1 ? 0xffffff : 0xffffffff), again;
		struct mm_output out;
		const char *text = format(mask, &out);

		ck_assert_int_eq(mm_gfp_parse((struct mm_str){ text, strlen(text) }, &again), 0);
		ck_assert_msg(again == mask, "%#x printed as %s read as %#x", mask, text, again);
		mm_output_finish(&out);
	}
}
END_TEST

static const char *const bad[] = {
	"", "|", "GFP_KERNEL|", "|GFP_KERNEL", "GFP_KERNE", "GFP_KERNELL", "gfp_kernel", "0x", "0xg", "0x123456789", "12", "-1",
	"GFP_KERNEL GFP_USER", "GFP_KERNEL,__GFP_ZERO",
};
START_TEST(bad_words)
{
	mm_gfp_t mask = 0x55;

	ck_assert_msg(mm_gfp_parse((struct mm_str){ bad[_i], strlen(bad[_i]) }, &mask) == -EINVAL, "\"%s\" is read",
		      bad[_i]);
	ck_assert_uint_eq(mask, 0x55);
}
END_TEST

/* include/linux/gfp.h GFP_ZONE_TABLE on x86-64, where HIGHMEM is Normal; mobility: bits 3 and 4. */
static const struct zone_case {
	mm_gfp_t gfp;
	enum mm_zone_type zone;
	enum mm_migratetype mt;
} zone_cases[] = {
	{ MM_GFP_KERNEL, MM_ZONE_NORMAL, MM_MIGRATE_UNMOVABLE },
	{ MM_GFP_HIGHUSER, MM_ZONE_NORMAL, MM_MIGRATE_UNMOVABLE },
	{ MM_GFP_HIGHUSER_MOVABLE, MM_ZONE_MOVABLE, MM_MIGRATE_MOVABLE },
	{ MM_GFP_KERNEL | __MM_GFP_MOVABLE, MM_ZONE_NORMAL, MM_MIGRATE_MOVABLE },
	{ MM_GFP_KERNEL | __MM_GFP_RECLAIMABLE, MM_ZONE_NORMAL, MM_MIGRATE_RECLAIMABLE },
	{ __MM_GFP_DMA, MM_ZONE_DMA, MM_MIGRATE_UNMOVABLE },
	{ __MM_GFP_DMA32 | __MM_GFP_MOVABLE, MM_ZONE_DMA32, MM_MIGRATE_MOVABLE },
	{ __MM_GFP_DMA | __MM_GFP_MOVABLE, MM_ZONE_DMA, MM_MIGRATE_MOVABLE },
	{ __MM_GFP_DMA | __MM_GFP_DMA32, MM_ZONE_DMA, MM_MIGRATE_UNMOVABLE },		/* undefined: 0 */
};
START_TEST(zones_and_mobility)
{
	ck_assert_int_eq(mm_gfp_zone(zone_cases[_i].gfp), zone_cases[_i].zone);
	ck_assert_int_eq(mm_gfp_migratetype(zone_cases[_i].gfp), zone_cases[_i].mt);
}
END_TEST

#define NR(a) ((int)(sizeof(a) / sizeof((a)[0])))
int main(void)
{
	Suite *suite = suite_create("gfp");
	TCase *tc = tcase_create("words");
	SRunner *sr = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tc, words, 0, NR(spellings));
	tcase_add_test(tc, every_mask_comes_back);
	tcase_add_loop_test(tc, bad_words, 0, NR(bad));
	tcase_add_loop_test(tc, zones_and_mobility, 0, NR(zone_cases));
	suite_add_tcase(suite, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
