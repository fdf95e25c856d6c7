/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What all allocators share about layout: alignment, size classes, the words of flags.
 */
#include <errno.h>
#include <string.h>

#include <libmm/csv.h>
#include "base/str.h"
#include "slab/slab.h"

enum { CACHE_LINE = 64, WORD = 8 };

static const struct { const char *word; uint32_t flag; } flag_words[] = {
#define X(name, value) { #name, value },
#include <libmm/slab_flags.def>
#undef X
};
enum { NR_FLAG_WORDS = sizeof(flag_words) / sizeof(flag_words[0]) };

/* One word: SLAB_NAME, NAME, ctor, or a number. */
static int parse_word(struct mm_str w, uint32_t *flags)
{
	uint64_t bits;

	if (mm_str_is(w, "ctor")) {
		*flags |= MM_SLAB_CTOR;
		return 0;
	}
	if (w.len > 2 && w.p[0] == '0' && (w.p[1] == 'x' || w.p[1] == 'X')) {
		if (mm_parse_u64(w, &bits) || bits > UINT32_MAX)
			return -EINVAL;
		*flags |= (uint32_t)bits;
		return 0;
	}
	if (w.len > 5 && !memcmp(w.p, "SLAB_", 5))
		w = (struct mm_str){ w.p + 5, w.len - 5 };
	for (size_t i = 0; i < NR_FLAG_WORDS; i++)
		if (mm_str_is(w, flag_words[i].word)) {
			*flags |= flag_words[i].flag;
			return 0;
		}
	return -EINVAL;
}

int mm_slab_flags_parse(struct mm_str text, uint32_t *flags)
{
	struct mm_str word;
	uint32_t bits = 0;

	while (mm_next_word(&text, &word))
		if (word.len && parse_word(word, &bits))
			return -EINVAL;
	*flags = bits;
	return 0;
}

void mm_slab_flags_format(struct mm_output *out, uint32_t flags)
{
	const char *sep = "";

	for (size_t i = 0; i < NR_FLAG_WORDS; i++)
		if (flags & flag_words[i].flag && flag_words[i].flag != MM_SLAB_CTOR) {
			mm_output_printf(out, "%sSLAB_%s", sep, flag_words[i].word);
			flags &= ~flag_words[i].flag;
			sep = "|";
		}
	if (flags & MM_SLAB_CTOR) {
		mm_output_printf(out, "%sctor", sep);
		flags &= ~(uint32_t)MM_SLAB_CTOR;
		sep = "|";
	}
	if (flags)
		mm_output_printf(out, "%s0x%x", sep, flags);
}

unsigned int mm_get_order(uint64_t size)
{
	unsigned int order = 0;

	while (((uint64_t)MM_PAGE_SIZE << order) < size)
		order++;
	return order;
}

/* kmalloc-96 and -192 are classes 1 and 2; all others are named by the logarithm of their size. */
unsigned int mm_kmalloc_index(uint64_t size, bool slab)
{
	unsigned int lowest = slab ? 5 : 3;

	if (size <= 1u << lowest)
		return lowest;
	if (size > 64 && size <= 96)
		return 1;
	if (size > 128 && size <= 192)
		return 2;
	return 64 - (unsigned int)__builtin_clzll(size - 1);
}

uint32_t mm_kmalloc_class_size(unsigned int index) { return index == 1 ? 96 : index == 2 ? 192 : 1u << index; }

/*
 * A hardware-aligned object shares its cache line with no other, unless it is
 * so small that two or more fit into one.
 */
static uint32_t calculate_alignment(uint32_t flags, uint32_t align, uint32_t size)
{
	if (flags & MM_SLAB_HWCACHE_ALIGN) {
		uint32_t ralign = CACHE_LINE;

		while (size <= ralign / 2)
			ralign /= 2;
		if (ralign > align)
			align = ralign;
	}
	return align < WORD ? WORD : align;
}

/* What kmem_cache_create_usercopy() and create_kmalloc_cache() make of the request. */
static void set_usercopy(struct mm_slab_layout *l, const struct mm_slab_request *req)
{
	uint32_t size = req->object_size;

	if (!req->tuning->hardened_usercopy)
		return;
	if (req->flags & MM_SLAB_KMALLOC) {
		l->usersize = size;
	} else if (req->usersize && req->usersize <= size && req->useroffset <= size - req->usersize) {
		l->useroffset = req->useroffset;
		l->usersize = req->usersize;
	}
}

int mm_slab_layout_of(struct mm_slab_layout *out, const struct mm_slab_request *req)
{
	static int (*const layouts[MM_NR_SLAB_KINDS])(struct mm_slab_layout *, const struct mm_slab_request *) = {
		[MM_SLAB_SLUB] = mm_slub_layout, [MM_SLAB_SLAB] = mm_slab_layout, [MM_SLAB_SLOB] = mm_slob_layout,
	};
	struct mm_slab_layout l = { .object_size = req->object_size };
	struct mm_slab_request own = *req;
	struct mm_slab_tuning untold;
	uint64_t block, used;
	int err;

	if ((unsigned int)req->kind >= MM_NR_SLAB_KINDS || !req->object_size ||
	    req->object_size > MM_KMALLOC_MAX_SIZE ||
	    (req->align & (req->align - 1)) || req->align > MM_KMALLOC_MAX_SIZE)
		return -EINVAL;
	if (req->fixed_size && (req->fixed_size < req->object_size || req->fixed_size < WORD ||
				req->fixed_size > MM_KMALLOC_MAX_SIZE))
		return -EINVAL;
	if (!own.tuning) {
		mm_slab_tuning_init(&untold, NULL);
		own.tuning = &untold;
	}
	set_usercopy(&l, &own);
	l.flags = mm_slab_user_flags(own.tuning, req->kind, req->name, req->flags);
	l.align = calculate_alignment(req->flags, req->align, req->object_size);
	if (req->fixed_size)	/* the recorded distance of objects bounds their alignment */
		l.align = req->fixed_size & -req->fixed_size;
	err = layouts[req->kind](&l, &own);
	if (err)
		return err;
	block = (uint64_t)MM_PAGE_SIZE << l.order;
	used = (uint64_t)l.objects_per_slab * l.object_size;
	l.waste_bytes = (uint32_t)(block - used);
	*out = l;
	return 0;
}
