/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virt/anon_vma.h - which VMAs may map an anonymous page
 *
 *	vma ---- avc ---- anon_vma	an avc lies in the VMA's list (newest
 *	  \----- avc ---- anon_vma	first) and in the anon_vma's interval tree
 *
 *	vma ------------- anon_vma	one that never had another VMA, and is the VMA's only one, has no avc
 *
 * A page keeps the id of its anon_vma; rmap walks that anon_vma's avcs.  Ids
 * are never reused in a run.  Source: Linux 6.6 include/linux/rmap.h, mm/rmap.c.
 */
#ifndef VIRT_ANON_VMA_H
#define VIRT_ANON_VMA_H

#include "virt/mm.h"

/* One VMA on one anon_vma. */
struct mm_anon_vma_chain {
	struct mm_vma *vma;
	struct mm_anon_vma *anon_vma;
	struct mm_anon_vma_chain *same_next, *same_prev;	/* same_vma: of one VMA, head vma->anon_vma_chain */
	struct mm_interval_node rb;				/* in the anon_vma's rb_root */
	uint16_t payer;						/* mm_memcg_obj_alloc() */
};

/* What only an anon_vma with avcs has. */
struct mm_anon_vma_kin {
	struct mm_interval_root rb_root;	/* its avcs, by the page offsets that their VMAs cover */
	struct mm_anon_vma *root, *parent;
	uint32_t num_children, num_active_vmas;
};

struct mm_anon_vma {
	uint32_t id;			/* in struct mm_page.mapping; never 0 */
	uint32_t refcount : 31;
	bool alone : 1;			/* one VMA without an avc */
	uint16_t payer, avc_payer;	/* mm_memcg_obj_alloc(): of it; of the avc that one alone is spared */
	union {
		struct mm_vma *only;
		struct mm_anon_vma_kin *kin;	/* NULL: it was alone, and that VMA has gone */
	};
	struct mm_anon_vma *hash_next;
};

static inline struct mm_anon_vma *mm_anon_vma_root(struct mm_anon_vma *av)
{
	return av->alone || !av->kin ? av : av->kin->root;
}

/* All of a machine, by their ids. */
struct mm_anon_vma_table {
	struct mm_anon_vma **bucket;
	size_t nr_buckets, nr;
	uint32_t next_id;
};

/* The anon_vma of a page's mapping id; NULL: it has gone. */
static inline struct mm_anon_vma *mm_anon_vma_of(const struct mm_virt *virt, uint32_t id)
{
	const struct mm_anon_vma_table *t = virt->anon_vmas;
	struct mm_anon_vma *av = t->bucket[id & (t->nr_buckets - 1)];

	while (av && av->id != id)
		av = av->hash_next;
	return av;
}

/* Go through the VMAs that cover a page offset of [first, last]; NULL at the end. *@at is where it stands. */
struct mm_vma *mm_anon_vma_kin_iter_first(const struct mm_anon_vma *av, uint64_t first, uint64_t last, struct mm_anon_vma_chain **at);
static inline struct mm_vma *mm_anon_vma_interval_tree_iter_first(const struct mm_anon_vma *av, uint64_t first, uint64_t last,
								  struct mm_anon_vma_chain **at)
{
	if (!av->alone)
		return mm_anon_vma_kin_iter_first(av, first, last, at);
	*at = NULL;
	return av->only->vm_pgoff <= last && av->only->vm_pgoff + mm_vma_pages(av->only) > first ? av->only : NULL;
}
struct mm_vma *mm_anon_vma_interval_tree_iter_next(struct mm_anon_vma_chain **at, uint64_t first, uint64_t last);

/* Out of the trees of all its anon_vmas while its borders or its offset change, and in again. */
void mm_anon_vma_interval_tree_pre_update_vma(struct mm_vma *vma);
void mm_anon_vma_interval_tree_post_update_vma(struct mm_vma *vma);

/* Give @vma an anon_vma: a neighbour's when find_mergeable_anon_vma() has one.  0 or -ENOMEM. */
int mm_anon_vma_prepare(struct mm_vma *vma);
int mm_anon_vma_clone(struct mm_vma *dst, struct mm_vma *src);
int mm_anon_vma_fork(struct mm_vma *vma, struct mm_vma *pvma);
void mm_unlink_anon_vmas(struct mm_vma *vma);

/* get/put: a reference beside those of VMAs (KSM, migration). */
void mm_put_anon_vma(struct mm_virt *virt, struct mm_anon_vma *av);

/* It and its anon_vma have only each other. */
static inline bool mm_vma_is_alone(const struct mm_vma *vma)
{
	return vma->anon_vma && vma->anon_vma->alone && vma->anon_vma->only == vma;
}

static inline bool mm_anon_vma_chain_is_singular(const struct mm_vma *vma)
{
	return vma->anon_vma_chain ? !vma->anon_vma_chain->same_next : mm_vma_is_alone(vma);
}

#endif /* VIRT_ANON_VMA_H */
