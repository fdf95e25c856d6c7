/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Allocation flags as words, both ways.
 *
 * The kernel prints a mask by walking one list of names: compound names with
 * most bits first, then single bits; each name whose bits are all still there
 * is printed and its bits are taken away; what remains is one 0x word.
 * Reading knows those names, and words of older and newer kernels whose bits
 * 6.6 does not have: they mean nothing here and are dropped.
 *
 * Source: Linux 6.6 include/trace/events/mmflags.h, lib/vsprintf.c format_flags().
 */
#include <errno.h>

#include <libmm/csv.h>
#include "base/str.h"
#include "phys/internal.h"

struct gfp_name {
	const char *name;
	mm_gfp_t mask;
};

#define WORD(name) { #name, MM_##name }
#define BIT(name) { "__GFP_" #name, __MM_GFP_##name }

/* In the order of printing. */
static const struct gfp_name gfp_names[] = {
	WORD(GFP_TRANSHUGE), WORD(GFP_TRANSHUGE_LIGHT), WORD(GFP_HIGHUSER_MOVABLE), WORD(GFP_HIGHUSER), WORD(GFP_USER),
	WORD(GFP_KERNEL_ACCOUNT), WORD(GFP_KERNEL), WORD(GFP_NOFS), WORD(GFP_ATOMIC), WORD(GFP_NOIO), WORD(GFP_NOWAIT),
	WORD(GFP_DMA), BIT(HIGHMEM), WORD(GFP_DMA32), BIT(HIGH), BIT(IO), BIT(FS), BIT(NOWARN), BIT(RETRY_MAYFAIL),
	BIT(NOFAIL), BIT(NORETRY), BIT(COMP), BIT(ZERO), BIT(NOMEMALLOC), BIT(MEMALLOC), BIT(HARDWALL), BIT(THISNODE),
	BIT(RECLAIMABLE), BIT(MOVABLE), BIT(ACCOUNT), BIT(WRITE), { "__GFP_RECLAIM", MM_GFP_RECLAIM },
	BIT(DIRECT_RECLAIM), BIT(KSWAPD_RECLAIM), BIT(ZEROTAGS),
};

/* Only read: other spellings, and words of kernels 3.x to 6.12 with the 6.6 bits that mean the same, if any. */
static const struct gfp_name other_names[] = {
	{ "none", 0 }, { "GFP_NOIO", MM_GFP_NOIO }, { "GFP_TEMPORARY", MM_GFP_KERNEL | __MM_GFP_RECLAIMABLE },
	{ "__GFP_DMA", __MM_GFP_DMA }, { "__GFP_DMA32", __MM_GFP_DMA32 }, { "__GFP_WAIT", MM_GFP_RECLAIM },
	{ "GFP_WAIT", MM_GFP_RECLAIM }, { "GFP_IO", __MM_GFP_IO }, { "GFP_FS", __MM_GFP_FS },
	{ "GFP_HIGH", __MM_GFP_HIGH }, { "GFP_HIGHMEM", __MM_GFP_HIGHMEM }, { "GFP_ZERO", __MM_GFP_ZERO },
	{ "GFP_COMP", __MM_GFP_COMP }, { "GFP_NOWARN", __MM_GFP_NOWARN }, { "GFP_REPEAT", __MM_GFP_RETRY_MAYFAIL },
	{ "GFP_NOFAIL", __MM_GFP_NOFAIL }, { "GFP_NORETRY", __MM_GFP_NORETRY },
	{ "GFP_NOMEMALLOC", __MM_GFP_NOMEMALLOC }, { "GFP_MEMALLOC", __MM_GFP_MEMALLOC },
	{ "GFP_HARDWALL", __MM_GFP_HARDWALL }, { "GFP_THISNODE", __MM_GFP_THISNODE },
	{ "GFP_RECLAIMABLE", __MM_GFP_RECLAIMABLE }, { "GFP_MOVABLE", __MM_GFP_MOVABLE },
	{ "__GFP_REPEAT", __MM_GFP_RETRY_MAYFAIL },
	{ "__GFP_ATOMIC", 0 }, { "__GFP_COLD", 0 }, { "__GFP_NOTRACK", 0 }, { "__GFP_NOTRACK_FALSE_POSITIVE", 0 },
	{ "__GFP_OTHER_NODE", 0 }, { "__GFP_NO_KSWAPD", 0 }, { "__GFP_NOACCOUNT", 0 }, { "__GFP_NOLOCKDEP", 0 },
	{ "__GFP_SKIP_ZERO", 0 }, { "__GFP_SKIP_KASAN", 0 }, { "__GFP_SKIP_KASAN_POISON", 0 },
	{ "__GFP_SKIP_KASAN_UNPOISON", 0 }, { "__GFP_NO_OBJ_EXT", 0 },
};

#define NR_NAMES(table) (sizeof(table) / sizeof((table)[0]))

static bool find_name(const struct gfp_name *table, size_t n, struct mm_str word, mm_gfp_t *mask)
{
	for (size_t i = 0; i < n; i++)
		if (mm_str_is(word, table[i].name)) {
			*mask |= table[i].mask;
			return true;
		}
	return false;
}

static int parse_hex(struct mm_str word, mm_gfp_t *mask)
{
	uint64_t v;

	if (word.len < 3 || word.len > 10 || word.p[0] != '0' || (word.p[1] | 0x20) != 'x' || mm_parse_u64(word, &v))
		return -EINVAL;
	*mask |= (mm_gfp_t)v;
	return 0;
}

static int parse_word(struct mm_str word, mm_gfp_t *mask)
{
	if (find_name(gfp_names, NR_NAMES(gfp_names), word, mask) ||
	    find_name(other_names, NR_NAMES(other_names), word, mask))
		return 0;
	if (word.len == 1 && word.p[0] == '0')
		return 0;
	return parse_hex(word, mask);
}

int mm_gfp_parse(struct mm_str text, mm_gfp_t *gfp)
{
	struct mm_str word;
	mm_gfp_t mask = 0;

	if (!text.len)
		return -EINVAL;
	while (mm_next_word(&text, &word)) {
		int e = parse_word(word, &mask);

		if (e)
			return e;
	}
	*gfp = mask;
	return 0;
}

void mm_gfp_format(struct mm_output *out, mm_gfp_t gfp)
{
	const char *bar = "";

	if (!gfp)
		mm_output_bytes(out, "none", 4);
	for (size_t i = 0; i < NR_NAMES(gfp_names) && gfp; i++) {
		if ((gfp & gfp_names[i].mask) != gfp_names[i].mask)
			continue;
		mm_output_printf(out, "%s%s", bar, gfp_names[i].name);
		gfp &= ~gfp_names[i].mask;
		bar = "|";
	}
	if (gfp)
		mm_output_printf(out, "%s0x%x", bar, gfp);
}
