/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * anon_vma: the objects that tell which VMAs may map an anonymous page.
 *
 * A VMA gets its anon_vma at the first fault that needs one.  VMAs that are
 * cut from it share it; a fork gives the child one of its own below it, and
 * links of the child's VMA to all of the parent's, so that pages from before
 * the fork are found in both.  An anon_vma lives as long as a VMA is linked to it
 * or a child refers to it (refcount of its root).
 *
 * The VMAs of an anon_vma are in an interval tree by the page offsets they cover:
 * a walk for a page meets only those that may map it.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/host_memory.h"
#include "virt/anon_vma.h"
#include "virt/vma.h"

int mm_anon_vma_table_new(struct mm_anon_vma_table **tp)
{
	struct mm_anon_vma_table *t = mm_host_calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->nr_buckets = 64;
	t->next_id = 1;
	t->bucket = mm_host_calloc(t->nr_buckets, sizeof(struct mm_anon_vma *));
	if (!t->bucket) {
		free(t);
		return -ENOMEM;
	}
	*tp = t;
	return 0;
}

void mm_anon_vma_table_free(struct mm_anon_vma_table *t)
{
	if (t)
		free(t->bucket);
	free(t);
}

static void grow_table(struct mm_anon_vma_table *t)
{
	size_t nr = 2 * t->nr_buckets;
	struct mm_anon_vma **bucket = mm_host_calloc(nr, sizeof(struct mm_anon_vma *));

	if (!bucket)
		return;		/* slower, not wrong */
	for (size_t i = 0; i < t->nr_buckets; i++) {
		struct mm_anon_vma *av = t->bucket[i], *next;

		for (; av; av = next) {
			next = av->hash_next;
			av->hash_next = bucket[av->id & (nr - 1)];
			bucket[av->id & (nr - 1)] = av;
		}
	}
	free(t->bucket);
	t->bucket = bucket;
	t->nr_buckets = nr;
}

/* Charged to @memcg, as those that follow. */
static struct mm_anon_vma *anon_vma_alloc(struct mm_virt *virt, struct mm_memcg *memcg)
{
	struct mm_anon_vma_table *t = virt->anon_vmas;
	struct mm_anon_vma *av = mm_pool_alloc(&virt->anon_vma_pool, sizeof(*av)), **slot;
	uint16_t payer;

	if (!av || mm_memcg_obj_alloc(virt->cache, memcg, MM_CHARGE_ANON_VMA, MM_GFP_KERNEL, &payer)) {
		mm_pool_free(&virt->anon_vma_pool, av, sizeof(*av));
		return NULL;
	}
	if (t->nr >= t->nr_buckets)
		grow_table(t);
	*av = (struct mm_anon_vma){ .id = t->next_id++, .refcount = 1, .payer = payer };
	slot = &t->bucket[av->id & (t->nr_buckets - 1)];
	av->hash_next = *slot;
	*slot = av;
	t->nr++;
	return av;
}

void mm_put_anon_vma(struct mm_virt *virt, struct mm_anon_vma *av)
{
	struct mm_anon_vma_table *t = virt->anon_vmas;
	struct mm_anon_vma *root = mm_anon_vma_root(av), **slot = &t->bucket[av->id & (t->nr_buckets - 1)];

	if (--av->refcount)
		return;
	while (*slot != av)
		slot = &(*slot)->hash_next;
	*slot = av->hash_next;
	t->nr--;
	mm_pool_free(&virt->anon_vma_kin_pool, av->kin, sizeof(*av->kin));
	mm_virt_uncharge(virt, av->payer, MM_CHARGE_ANON_VMA);
	mm_pool_free(&virt->anon_vma_pool, av, sizeof(*av));
	if (root != av)
		mm_put_anon_vma(virt, root);
}

/* As anon_vma_chain_alloc() with GFP_KERNEL; @gfp of a first try may be less. */
static struct mm_anon_vma_chain *avc_alloc(struct mm_virt *virt, struct mm_memcg *memcg, mm_gfp_t gfp)
{
	struct mm_anon_vma_chain *avc = mm_pool_alloc(&virt->avc_pool, sizeof(*avc));

	if (avc && mm_memcg_obj_alloc(virt->cache, memcg, MM_CHARGE_AVC, gfp, &avc->payer)) {
		mm_pool_free(&virt->avc_pool, avc, sizeof(*avc));
		return NULL;
	}
	return avc;
}

static void avc_free(struct mm_virt *virt, struct mm_anon_vma_chain *avc)
{
	if (avc)
		mm_virt_uncharge(virt, avc->payer, MM_CHARGE_AVC);
	mm_pool_free(&virt->avc_pool, avc, sizeof(*avc));
}

static void rb_insert(struct mm_anon_vma_chain *avc)
{
	uint64_t first = avc->vma->vm_pgoff;

	mm_interval_tree_insert(&avc->anon_vma->kin->rb_root, &avc->rb, first, first + mm_vma_pages(avc->vma) - 1);
}

static void anon_vma_chain_link(struct mm_vma *vma, struct mm_anon_vma_chain *avc, struct mm_anon_vma *av)
{
	avc->vma = vma;
	avc->anon_vma = av;
	avc->same_prev = NULL;
	avc->same_next = vma->anon_vma_chain;
	if (avc->same_next)
		avc->same_next->same_prev = avc;
	vma->anon_vma_chain = avc;
	rb_insert(avc);
}

/* The two who had only each other get an avc, for there is to be a third.  0 or -ENOMEM. */
static int spell_out(struct mm_virt *virt, struct mm_anon_vma *av)
{
	struct mm_anon_vma_kin *kin = mm_pool_alloc(&virt->anon_vma_kin_pool, sizeof(*kin));
	struct mm_anon_vma_chain *avc = kin ? mm_pool_alloc(&virt->avc_pool, sizeof(*avc)) : NULL;
	struct mm_vma *vma = av->only;

	if (!avc) {
		mm_pool_free(&virt->anon_vma_kin_pool, kin, sizeof(*kin));
		return -ENOMEM;
	}
	/* a root is its own parent */
	*kin = (struct mm_anon_vma_kin){ .root = av, .parent = av, .num_children = 1, .num_active_vmas = 1 };
	av->alone = false;
	av->kin = kin;
	avc->payer = av->avc_payer;
	av->avc_payer = 0;
	anon_vma_chain_link(vma, avc, av);
	return 0;
}

static struct mm_anon_vma_chain *avc_of(struct mm_interval_node *n)
{
	return n ? (struct mm_anon_vma_chain *)(void *)((char *)n - offsetof(struct mm_anon_vma_chain, rb)) : NULL;
}

struct mm_vma *mm_anon_vma_kin_iter_first(const struct mm_anon_vma *av, uint64_t first, uint64_t last, struct mm_anon_vma_chain **at)
{
	*at = av->kin ? avc_of(mm_interval_tree_iter_first(&av->kin->rb_root, first, last)) : NULL;
	return *at ? (*at)->vma : NULL;
}

struct mm_vma *mm_anon_vma_interval_tree_iter_next(struct mm_anon_vma_chain **at, uint64_t first, uint64_t last)
{
	if (*at)
		*at = avc_of(mm_interval_tree_iter_next(&(*at)->rb, first, last));
	return *at ? (*at)->vma : NULL;
}

void mm_anon_vma_interval_tree_pre_update_vma(struct mm_vma *vma)
{
	for (struct mm_anon_vma_chain *avc = vma->anon_vma_chain; avc; avc = avc->same_next)
		mm_interval_tree_remove(&avc->anon_vma->kin->rb_root, &avc->rb);
}

void mm_anon_vma_interval_tree_post_update_vma(struct mm_vma *vma)
{
	for (struct mm_anon_vma_chain *avc = vma->anon_vma_chain; avc; avc = avc->same_next)
		rb_insert(avc);
}

/* Could @a and @b, in order, share an anon_vma so that mprotect can join them later? */
static bool anon_vma_compatible(const struct mm_vma *a, const struct mm_vma *b)
{
	return a->vm_end == b->vm_start && a->extra->vm_policy == b->extra->vm_policy && a->vm_file == b->vm_file &&
	       !((a->vm_flags ^ b->vm_flags) & ~(MM_VM_ACCESS_FLAGS | (uint64_t)MM_VM_SOFTDIRTY)) &&
	       b->vm_pgoff == a->vm_pgoff + mm_vma_pages(a);
}

static struct mm_anon_vma *reusable_anon_vma(const struct mm_vma *old, const struct mm_vma *a, const struct mm_vma *b)
{
	return anon_vma_compatible(a, b) && old->anon_vma && mm_anon_vma_chain_is_singular(old) ? old->anon_vma : NULL;
}

/* Source: mm/mmap.c find_mergeable_anon_vma(): the next neighbour is asked first. */
static struct mm_anon_vma *find_mergeable_anon_vma(struct mm_vma *vma)
{
	struct mm_struct *mm = vma->vm_mm;
	struct mm_vma *next = mm_vma_lookup(mm, vma->vm_end);
	struct mm_vma *prev = mm_mt_prev(&mm->mm_mt, vma->vm_start);
	struct mm_anon_vma *av = next ? reusable_anon_vma(next, vma, next) : NULL;

	if (!av && prev)
		av = reusable_anon_vma(prev, prev, vma);
	return av;
}

/* It and what would link it to @vma are charged; that is not made until there is a third. */
static struct mm_anon_vma *anon_vma_alloc_alone(struct mm_vma *vma)
{
	struct mm_virt *virt = vma->vm_mm->virt;
	struct mm_anon_vma *av;
	uint16_t payer;

	if (mm_memcg_obj_alloc(virt->cache, vma->vm_mm->memcg, MM_CHARGE_AVC, MM_GFP_KERNEL, &payer))
		return NULL;
	av = anon_vma_alloc(virt, vma->vm_mm->memcg);
	if (!av) {
		mm_virt_uncharge(virt, payer, MM_CHARGE_AVC);
		return NULL;
	}
	av->avc_payer = payer;
	av->alone = true;
	av->only = vma;
	return av;
}

int mm_anon_vma_prepare(struct mm_vma *vma)
{
	struct mm_virt *virt = vma->vm_mm->virt;
	struct mm_anon_vma_chain *avc;
	struct mm_anon_vma *av;

	if (vma->anon_vma)
		return 0;
	av = find_mergeable_anon_vma(vma);
	if (av) {
		avc = avc_alloc(virt, vma->vm_mm->memcg, MM_GFP_KERNEL);
		if (!avc)
			return -ENOMEM;
		if (av->alone && spell_out(virt, av)) {
			avc_free(virt, avc);
			return -ENOMEM;
		}
		anon_vma_chain_link(vma, avc, av);
		av->kin->num_active_vmas++;
	} else {
		av = anon_vma_alloc_alone(vma);
		if (!av)
			return -ENOMEM;
	}
	vma->anon_vma = av;
	return 0;
}

static struct mm_anon_vma_chain *chain_last(const struct mm_vma *vma)
{
	struct mm_anon_vma_chain *avc = vma->anon_vma_chain;

	while (avc && avc->same_next)
		avc = avc->same_next;
	return avc;
}

/*
 * Link @dst to every anon_vma of @src.  When @dst has none of its own though
 * @src has (a fork), an anon_vma that no VMA uses any more and that has one
 * child at most becomes it.
 */
int mm_anon_vma_clone(struct mm_vma *dst, struct mm_vma *src)
{
	struct mm_virt *virt = dst->vm_mm->virt;

	if (mm_vma_is_alone(src) && spell_out(virt, src->anon_vma)) {
		dst->anon_vma = NULL;	/* it was not counted yet */
		return -ENOMEM;
	}
	for (struct mm_anon_vma_chain *pavc = chain_last(src); pavc; pavc = pavc->same_prev) {
		struct mm_anon_vma_chain *avc = avc_alloc(virt, src->vm_mm->memcg, MM_GFP_NOWAIT | __MM_GFP_NOWARN);
		struct mm_anon_vma *av = pavc->anon_vma;

		if (!avc)			/* outside the lock */
			avc = avc_alloc(virt, src->vm_mm->memcg, MM_GFP_KERNEL);
		if (!avc) {
			dst->anon_vma = NULL;
			mm_unlink_anon_vmas(dst);
			return -ENOMEM;
		}
		anon_vma_chain_link(dst, avc, av);
		if (!dst->anon_vma && src->anon_vma && av->kin->num_children < 2 && !av->kin->num_active_vmas)
			dst->anon_vma = av;
	}
	if (dst->anon_vma)
		dst->anon_vma->kin->num_active_vmas++;
	return 0;
}

int mm_anon_vma_fork(struct mm_vma *vma, struct mm_vma *pvma)
{
	struct mm_virt *virt = vma->vm_mm->virt;
	struct mm_anon_vma_chain *avc;
	struct mm_anon_vma_kin *kin;
	struct mm_anon_vma *av;
	int e;

	if (!pvma->anon_vma)
		return 0;
	vma->anon_vma = NULL;
	e = mm_anon_vma_clone(vma, pvma);
	if (e || vma->anon_vma)
		return e;
	kin = mm_pool_alloc(&virt->anon_vma_kin_pool, sizeof(*kin));
	av = kin ? anon_vma_alloc(virt, pvma->vm_mm->memcg) : NULL;
	avc = av ? avc_alloc(virt, pvma->vm_mm->memcg, MM_GFP_KERNEL) : NULL;
	if (!avc) {
		mm_pool_free(&virt->anon_vma_kin_pool, kin, sizeof(*kin));
		if (av)
			mm_put_anon_vma(virt, av);
		mm_unlink_anon_vmas(vma);
		return -ENOMEM;
	}
	*kin = (struct mm_anon_vma_kin){ .root = pvma->anon_vma->kin->root, .parent = pvma->anon_vma, .num_active_vmas = 1 };
	av->kin = kin;
	kin->root->refcount++;
	vma->anon_vma = av;
	anon_vma_chain_link(vma, avc, av);
	kin->parent->kin->num_children++;
	return 0;
}

/* Source: mm/rmap.c unlink_anon_vmas(): first out of every list, then the empty ones go, newest first. */
void mm_unlink_anon_vmas(struct mm_vma *vma)
{
	struct mm_virt *virt = vma->vm_mm->virt;
	struct mm_anon_vma_chain *avc, *next, *empty = NULL, **tail = &empty;

	if (mm_vma_is_alone(vma)) {
		struct mm_anon_vma *av = vma->anon_vma;

		av->alone = false;
		av->kin = NULL;
		vma->anon_vma = NULL;
		mm_virt_uncharge(virt, av->avc_payer, MM_CHARGE_AVC);
		av->avc_payer = 0;
		mm_put_anon_vma(virt, av);
		return;
	}
	for (avc = vma->anon_vma_chain; avc; avc = next) {
		struct mm_anon_vma *av = avc->anon_vma;

		next = avc->same_next;
		mm_interval_tree_remove(&av->kin->rb_root, &avc->rb);
		if (av->kin->rb_root.node) {
			avc_free(virt, avc);
			continue;
		}
		av->kin->parent->kin->num_children--;
		avc->same_next = NULL;
		*tail = avc;
		tail = &avc->same_next;
	}
	vma->anon_vma_chain = NULL;
	if (vma->anon_vma)
		vma->anon_vma->kin->num_active_vmas--;
	vma->anon_vma = NULL;
	for (avc = empty; avc; avc = next) {
		next = avc->same_next;
		mm_put_anon_vma(virt, avc->anon_vma);
		avc_free(virt, avc);
	}
}
