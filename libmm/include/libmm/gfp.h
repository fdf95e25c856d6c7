/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libmm/gfp.h - allocation flags with the bits and names of Linux 6.6 */
#ifndef LIBMM_GFP_H
#define LIBMM_GFP_H

#include <libmm/output.h>
#include <libmm/types.h>

enum mm_gfp_bits {
#define X(name, value) __MM_GFP_##name = value,
#include <libmm/gfp.def>
#undef X
};
typedef uint32_t mm_gfp_t;

#define MM_GFP_RECLAIM	(__MM_GFP_DIRECT_RECLAIM | __MM_GFP_KSWAPD_RECLAIM)
#define MM_GFP_ATOMIC	(__MM_GFP_HIGH | __MM_GFP_KSWAPD_RECLAIM)
#define MM_GFP_KERNEL	(MM_GFP_RECLAIM | __MM_GFP_IO | __MM_GFP_FS)
#define MM_GFP_KERNEL_ACCOUNT (MM_GFP_KERNEL | __MM_GFP_ACCOUNT)
#define MM_GFP_NOWAIT	(__MM_GFP_KSWAPD_RECLAIM)
#define MM_GFP_NOIO	(MM_GFP_RECLAIM)
#define MM_GFP_NOFS	(MM_GFP_RECLAIM | __MM_GFP_IO)
#define MM_GFP_USER	(MM_GFP_KERNEL | __MM_GFP_HARDWALL)
#define MM_GFP_DMA	__MM_GFP_DMA
#define MM_GFP_DMA32	__MM_GFP_DMA32
#define MM_GFP_HIGHUSER	(MM_GFP_USER | __MM_GFP_HIGHMEM)
#define MM_GFP_HIGHUSER_MOVABLE (MM_GFP_HIGHUSER | __MM_GFP_MOVABLE)
#define MM_GFP_TRANSHUGE_LIGHT \
	((MM_GFP_HIGHUSER_MOVABLE | __MM_GFP_COMP | __MM_GFP_NOMEMALLOC | __MM_GFP_NOWARN) & ~MM_GFP_RECLAIM)
#define MM_GFP_TRANSHUGE (MM_GFP_TRANSHUGE_LIGHT | __MM_GFP_DIRECT_RECLAIM)

/* "GFP_KERNEL|__GFP_ZERO" (compound names, single bits, one 0x word); 0 or -EINVAL. */
int mm_gfp_parse(struct mm_str text, mm_gfp_t *gfp);
/* The kernel's own spelling (%pGg): the longest compound name first, then single bits. */
void mm_gfp_format(struct mm_output *out, mm_gfp_t gfp);

#endif /* LIBMM_GFP_H */
