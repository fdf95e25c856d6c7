/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * KSM's stable tree: one place for each contents that were found twice.
 *
 *	tree node = stable node			its page may be mapped max_page_sharing times
 *	tree node = chain -> dup -> dup ...	several pages of the same contents, each a stable node
 *
 * Contents are compared as numbers (cache/contents.h), where the kernel compares bytes: equal contents are equal, the
 * order among others is another, so that a walk may meet other stale nodes. Model: Linux 6.6 mm/ksm.c.
 */
#include "cache/contents.h"
#include "cache/lru.h"
#include "virt/ksm.h"

static int compare(const struct mm_ksm *k, mm_pfn_t a, mm_pfn_t b)
{
	uint64_t x = mm_contents_of(k->virt->cache, a), y = mm_contents_of(k->virt->cache, b);

	return x < y ? -1 : x > y;
}

static void chain_add_dup(struct mm_ksm *k, struct mm_ksm_node *dup, struct mm_ksm_node *chain)
{
	dup->place = MM_KSM_DUP;
	mm_ksm_node_link(&chain->dups, dup);
	k->node_dups++;
}

/* @n's place in the tree goes to a new chain, of which @n is the first dup; NULL: host memory. */
static struct mm_ksm_node *alloc_chain(struct mm_ksm *k, struct mm_ksm_node *n)
{
	struct mm_ksm_node *chain = mm_ksm_node_alloc(k);

	if (!chain)
		return NULL;
	chain->chain = true;
	chain->kpfn = MM_PFN_NONE;
	chain->nid = n->nid;
	chain->prune_ns = k->virt->ctx->now_ns;
	k->node_chains++;
	mm_rb_replace(&k->stable[n->nid], &n->node, &chain->node);
	chain_add_dup(k, n, chain);
	return chain;
}

static void free_chain(struct mm_ksm *k, struct mm_ksm_node *chain)
{
	mm_rb_erase(&k->stable[chain->nid], &chain->node);
	mm_ksm_node_free(k, chain);
	k->node_chains--;
}

static void unlink_dup(struct mm_ksm *k, struct mm_ksm_node *dup)
{
	mm_ksm_node_unlink(dup);
	k->node_dups--;
}

/* What is found of a node of the tree: @dup may take one more mapping, and its page @pfn has a reference. */
struct found {
	struct mm_ksm_node *node;	/* in the tree; another when a chain collapsed */
	struct mm_ksm_node *dup;	/* NULL: all are full */
	mm_pfn_t pfn;
};

/* The fullest dup that may take one more; pruning asks every one, else the first will do. */
static void choose_dup(struct mm_ksm *k, struct found *f, bool prune, uint32_t *nr)
{
	for (struct mm_ksm_node *dup = f->node->dups, *next; dup; dup = next) {
		mm_pfn_t pfn;

		next = dup->next;
		pfn = mm_ksm_get_page(k, dup);
		if (pfn == MM_PFN_NONE)
			continue;
		++*nr;
		if (mm_ksm_is_candidate(k, dup, 0) && (!f->dup || dup->rmap_len > f->dup->rmap_len)) {
			if (f->dup)
				mm_folio_put(k->virt->cache, f->pfn);
			f->dup = dup;
			f->pfn = pfn;
			if (!prune)
				return;
			continue;
		}
		mm_folio_put(k->virt->cache, pfn);
	}
}

/* Source: stable_node_dup() */
static void search_dups(struct mm_ksm *k, struct found *f, bool prune)
{
	uint64_t now = k->virt->ctx->now_ns, wait = (uint64_t)mm_sysctl(k->virt->ctx, MM_SYSCTL_KSM_CHAINS_PRUNE_MS) * 1000000;
	struct mm_ksm_node *chain = f->node;
	uint32_t nr = 0;

	prune = prune && now >= chain->prune_ns + wait;
	if (prune)
		chain->prune_ns = now;
	choose_dup(k, f, prune, &nr);
	if (!f->dup)
		return;
	if (prune && nr == 1) {		/* a chain for one: it stands for itself again */
		unlink_dup(k, f->dup);
		f->dup->place = MM_KSM_IN_TREE;
		mm_rb_replace(&k->stable[chain->nid], &chain->node, &f->dup->node);
		mm_ksm_node_free(k, chain);
		k->node_chains--;
		f->node = f->dup;
	} else if (chain->dups != f->dup && mm_ksm_is_candidate(k, f->dup, 1)) {
		unlink_dup(k, f->dup);
		chain_add_dup(k, f->dup, chain);
	}
}

/*
 * A node met on the way down; false: a stale one went and the walk begins again. In @f->pfn is a page to compare
 * with. Source: chain_prune(), chain().
 */
static bool look(struct mm_ksm *k, struct found *f, bool prune)
{
	struct mm_ksm_node *any = f->node;

	f->dup = NULL;
	f->pfn = MM_PFN_NONE;
	if (f->node->chain) {
		search_dups(k, f, prune);
		any = f->node->chain ? f->node->dups : f->node;
		if (!f->dup && !any) {
			free_chain(k, f->node);
			return false;
		}
	} else if (mm_ksm_is_candidate(k, f->node, 0)) {
		f->dup = f->node;
		f->pfn = mm_ksm_get_page(k, f->node);
		return f->pfn != MM_PFN_NONE;
	}
	if (!f->dup)
		f->pfn = mm_ksm_get_page(k, any);
	return f->pfn != MM_PFN_NONE;
}

struct place {
	struct mm_rb_node *parent, **link;
	struct found f;
	bool equal;
};

/* Down to the node with the contents of @pfn, or to where it would be. A found dup's page keeps its reference. */
static void walk(struct mm_ksm *k, uint32_t nid, mm_pfn_t pfn, bool prune, struct place *at)
{
again:
	*at = (struct place){ .link = &k->stable[nid].node };
	while (*at->link) {
		int order;

		at->f.node = mm_rb_entry(*at->link, struct mm_ksm_node, node);
		if (!look(k, &at->f, prune))
			goto again;
		order = compare(k, pfn, at->f.pfn);
		if (!order) {
			at->equal = true;
			if (!at->f.dup)
				mm_folio_put(k->virt->cache, at->f.pfn);
			return;
		}
		mm_folio_put(k->virt->cache, at->f.pfn);
		at->parent = &at->f.node->node;
		at->link = order < 0 ? &at->parent->left : &at->parent->right;
	}
}

/* A merged page that moved to another node comes into that node's tree, as it may. */
static mm_pfn_t place_migrated(struct mm_ksm *k, struct mm_ksm_node *own, mm_pfn_t pfn, struct place *at, uint32_t nid)
{
	struct mm_ksm_node *chain = at->f.node;

	mm_ksm_node_unlink(own);
	own->nid = nid;
	own->place = MM_KSM_IN_TREE;
	if (!at->equal)
		mm_rb_insert(&k->stable[nid], &own->node, at->parent, at->link);
	else if (chain->chain || (chain = alloc_chain(k, chain)))
		chain_add_dup(k, own, chain);
	if (!mm_ksm_is_candidate(k, own, 0))
		return MM_PFN_NONE;
	mm_folio_get(k->virt->cache, pfn);
	return pfn;
}

/* The found node's page lies on another node now: it goes to the migrated, @own (or nobody) takes its place. */
static mm_pfn_t replace_moved(struct mm_ksm *k, struct mm_ksm_node *own, mm_pfn_t pfn, struct place *at, uint32_t nid)
{
	struct mm_ksm_node *dup = at->f.dup;

	mm_folio_put(k->virt->cache, at->f.pfn);
	mm_ksm_node_migrated(k, dup);
	if (!own)
		return MM_PFN_NONE;
	if (at->f.node == dup)		/* its place in the tree is empty now: find it again */
		walk(k, nid, pfn, false, at);
	return place_migrated(k, own, pfn, at, nid);
}

mm_pfn_t mm_ksm_stable_search(struct mm_ksm *k, mm_pfn_t pfn)
{
	struct mm_ksm_node *own = mm_ksm_page_node(k->virt, pfn);
	uint32_t nid = mm_ksm_nid(k, pfn);
	struct place at;

	if (own && own->place != MM_KSM_MIGRATED) {	/* a merged page that was forked */
		mm_folio_get(k->virt->cache, pfn);
		return pfn;
	}
	walk(k, nid, pfn, true, &at);
	if (!at.equal)
		return own ? place_migrated(k, own, pfn, &at, nid) : MM_PFN_NONE;
	if (own && mm_page(k->virt->phys, pfn)->mapcount > 1) {
		if (at.f.dup)
			mm_folio_put(k->virt->cache, at.f.pfn);
		return place_migrated(k, own, pfn, &at, nid);
	}
	if (!at.f.dup)
		return MM_PFN_NONE;
	if (mm_ksm_nid(k, at.f.pfn) != at.f.dup->nid)
		return replace_moved(k, own, pfn, &at, nid);
	return at.f.pfn;
}

struct mm_ksm_node *mm_ksm_stable_insert(struct mm_ksm *k, mm_pfn_t kpfn)
{
	uint32_t nid = mm_ksm_nid(k, kpfn);
	struct mm_ksm_node *n, *chain;
	struct place at;

	walk(k, nid, kpfn, false, &at);
	if (at.equal && at.f.dup)
		mm_folio_put(k->virt->cache, at.f.pfn);
	n = mm_ksm_node_alloc(k);
	if (!n)
		return NULL;
	n->kpfn = kpfn;
	n->nid = nid;
	chain = at.equal ? at.f.node : NULL;
	if (chain && !chain->chain)
		chain = alloc_chain(k, chain);
	if (at.equal && !chain) {
		mm_ksm_node_free(k, n);
		return NULL;
	}
	if (chain)
		chain_add_dup(k, n, chain);
	else
		mm_rb_insert(&k->stable[nid], &n->node, at.parent, at.link);
	mm_page(k->virt->phys, kpfn)->mapping = n->id;
	return n;
}

void mm_ksm_stable_append(struct mm_ksm *k, struct mm_ksm_item *item, struct mm_ksm_node *n)
{
	n->rmap_len++;
	item->head = n;
	item->stable = true;
	item->next = n->items;
	item->pprev = &n->items;
	if (item->next)
		item->next->pprev = &item->next;
	n->items = item;
	if (item->next)
		k->pages_sharing++;
	else
		k->pages_shared++;
	item->mm->ksm_merging_pages++;
}

/* ---- check --------------------------------------------------------------------- */

struct sums { uint64_t shared, sharing, chains, dups; };

static bool check_node(const struct mm_ksm *k, const struct mm_ksm_node *n, struct sums *s)
{
	int32_t len = 0;

	if (k->by_id[n->id - 1] != n)
		return false;
	for (const struct mm_ksm_item *i = n->items; i; i = i->next, len++)
		if (i->head != n || !i->stable || *i->pprev != i)
			return false;
	s->shared += len > 0;
	s->sharing += len > 0 ? (uint64_t)len - 1 : 0;
	if (len != n->rmap_len || n->chain != (n->kpfn == MM_PFN_NONE))
		return false;
	s->chains += n->chain;
	for (const struct mm_ksm_node *d = n->dups; d; d = d->next)
		if (d->place != MM_KSM_DUP || d->chain || *d->pprev != d || !n->chain)
			return false;
	s->dups += n->place == MM_KSM_DUP;
	return true;
}

bool mm_ksm_is_consistent(const struct mm_ksm *k)
{
	uint64_t items = 0, unshared = 0;
	struct sums s = { 0 };

	for (uint32_t i = 0; i < k->nr_ids; i++)
		if (k->by_id[i] && !check_node(k, k->by_id[i], &s))
			return false;
	for (const struct mm_ksm_slot *slot = k->head.next; slot != &k->head; slot = slot->next) {
		if (slot->mm->ksm_slot != slot || slot->next->prev != slot)
			return false;
		for (const struct mm_ksm_item *i = slot->rmap_list; i; i = i->rmap_list, items++) {
			if (i->mm != slot->mm || (i->rmap_list && i->rmap_list->address <= i->address))
				return false;
			unshared += i->unstable;
		}
	}
	for (unsigned int nid = 0; nid < MM_MAX_NODES; nid++)
		if (!mm_rb_is_consistent(&k->stable[nid]) || !mm_rb_is_consistent(&k->unstable[nid]))
			return false;
	return items == k->rmap_items && unshared == k->pages_unshared && s.shared == k->pages_shared &&
	       s.sharing == k->pages_sharing && s.chains == k->node_chains && s.dups == k->node_dups;
}
