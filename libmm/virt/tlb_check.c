/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * TLBs recounted: every set has its entries by use, each where it belongs and once; the paging-structure caches are of whom they
 * say.
 */
#include "virt/tlb.h"

static bool entry_fits(const struct mm_tlb_entry *e, uint32_t set, uint32_t set_mask)
{
	return e->tag & 1 && (e->tag >> MM_TLB_PAGE_SHIFT & set_mask) == set && (e->tag >> 1 & 1) == (e->leaf & MM_TLB_HUGE ? 1u : 0u);
}

/* The entries of a set by use: what is empty is last, no tag is there twice. */
static bool set_is_consistent(const struct mm_tlb_entry *const *by_use, uint32_t ways, uint32_t set, uint32_t set_mask)
{
	for (uint32_t w = 0; w < ways; w++) {
		if (!by_use[w]->tag ? w + 1 < ways && by_use[w + 1]->tag : !entry_fits(by_use[w], set, set_mask))
			return false;
		for (uint32_t other = w + 1; by_use[w]->tag && other < ways; other++)
			if (by_use[other]->tag == by_use[w]->tag)
				return false;
	}
	return true;
}

static bool l2_is_consistent(const struct mm_tlb_l2 *l)
{
	for (uint32_t i = 0; l->ways && i <= l->set_mask; i++) {
		const struct mm_tlb_set *s = &l->set[i];
		const struct mm_tlb_entry *by_use[MM_TLB_L2_WAYS];
		uint32_t seen = 0;

		for (uint32_t w = 0; w < l->ways; w++) {
			uint32_t place = s->order >> 4 * w & 15;

			seen |= 1u << place;
			by_use[w] = &s->e[place];
			if (by_use[w]->tag && s->print[place] != (uint8_t)(by_use[w]->tag >> MM_TLB_PRINT_SHIFT))
				return false;
		}
		if (seen != (1u << l->ways) - 1 || !set_is_consistent(by_use, l->ways, i, l->set_mask))
			return false;
	}
	return true;
}

/* psc_of names whom all entries are of; the ring by use has each of them once. */
static bool psc_is_consistent(const struct mm_tlb_cpu *c)
{
	for (unsigned int k = 0; k < MM_PSC_LEVELS; k++) {
		const struct mm_psc *p = &c->psc[k];
		unsigned int nr = 0;

		for (uint8_t i = p->next[0]; i && nr <= p->nr; i = p->next[i], nr++)
			if (p->prev[p->next[i]] != i || (c->psc_of && !mm_entry_tag_is_of(p->tag[i], c->psc_of, k + 2)))
				return false;
		if (nr != p->nr || nr > c->psc_entries[k])
			return false;
	}
	return true;
}

bool mm_tlb_is_consistent(const struct mm_tlb *t)
{
	const struct mm_tlb_entry *by_use[64];

	for (uint32_t i = 0; i < t->nr_cpus; i++) {
		for (unsigned int k = 0; k < MM_NR_TLB_KINDS; k++) {
			const struct mm_tlb_array *a = &t->cpu[i].a[k];

			for (uint32_t set = 0; a->ways && set <= a->set_mask; set++) {
				for (uint32_t w = 0; w < a->ways; w++)
					by_use[w] = &a->e[set * a->ways + w];
				if (!set_is_consistent(by_use, a->ways, set, a->set_mask))
					return false;
			}
		}
		if (!l2_is_consistent(&t->cpu[i].l2) || !psc_is_consistent(&t->cpu[i]))
			return false;
	}
	return true;
}
