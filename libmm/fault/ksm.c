/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ksmd: one page after another of every address space that asked for it.
 *
 *	page -> in the stable tree? ---- merged with what is there
 *	     -> changed since the last scan? ---- let it settle
 *	     -> zero, and use_zero_pages? ---- the zero page
 *	     -> in the unstable tree? ---- both become one merged page, a new stable node
 *	     -> else into the unstable tree
 *
 * A wake looks at ksm.pages_to_scan pages and ends early at the end of a full scan. It happens by itself every
 * ksm.sleep_millisecs of a trace that tells the time, and at every ksm_scan row.
 * Model: Linux 6.6 mm/ksm.c ksm_do_scan(), cmp_and_merge_page(), scan_get_next_rmap_item(). Deviation: a checksum is
 * the contents themselves, so two different pages never share one.
 */
#include <errno.h>

#include "cache/contents.h"
#include "fault/internal.h"
#include "fault/ksm.h"

enum { SEQNR_ROUND = 256 };

/* Goes into the unstable tree, or finds one of the same contents there (whose page has a reference in *@tree_pfn). */
static struct mm_ksm_item *unstable_search_insert(struct mm_fault *f, struct mm_ksm_item *item, mm_pfn_t pfn, mm_pfn_t *tree_pfn)
{
	struct mm_ksm *k = f->virt->ksm;
	uint32_t nid = mm_ksm_nid(k, pfn);
	struct mm_rb_node *parent = NULL, **link = &k->unstable[nid].node;
	uint64_t mine = mm_contents_of(f->cache, pfn);

	while (*link) {
		struct mm_ksm_item *other = mm_rb_entry(*link, struct mm_ksm_item, node);
		mm_pfn_t there = mm_ksm_mergeable_page(f, other);
		uint64_t theirs;

		if (there == MM_PFN_NONE)
			return NULL;
		theirs = mm_contents_of(f->cache, there);
		if (there != pfn && mine == theirs && mm_ksm_nid(k, there) == nid) {
			*tree_pfn = there;
			return other;
		}
		mm_folio_put(f->cache, mm_page_head(f->phys, there));
		if (there == pfn || mine == theirs)
			return NULL;		/* forked, or moved to another node */
		parent = *link;
		link = mine < theirs ? &parent->left : &parent->right;
	}
	item->unstable = true;
	item->seqnr = (uint8_t)k->seqnr;
	item->nid = nid;
	mm_rb_insert(&k->unstable[nid], &item->node, parent, link);
	k->pages_unshared++;
	return NULL;
}

/* Two pages of the unstable tree's become one: @pfn. */
static void merge_two(struct mm_fault *f, struct mm_ksm_item *item, mm_pfn_t pfn, struct mm_ksm_item *tree_item, mm_pfn_t tree_pfn)
{
	struct mm_ksm *k = f->virt->ksm;
	int err = mm_ksm_merge_with(f, item, pfn, MM_PFN_NONE);
	struct mm_ksm_node *n;
	mm_pfn_t head;
	bool split;

	if (!err) {
		err = mm_ksm_merge_with(f, tree_item, tree_pfn, pfn);
		if (err)
			mm_ksm_break_cow(f, item);	/* a merged page with one mapping only */
	}
	head = mm_page_head(f->phys, pfn);
	split = mm_folio_is_large(f->phys, head) && head == mm_page_head(f->phys, tree_pfn);
	mm_folio_put(f->cache, mm_page_head(f->phys, tree_pfn));
	if (!err) {
		n = mm_ksm_stable_insert(k, pfn);
		if (n) {
			mm_ksm_stable_append(k, tree_item, n);
			mm_ksm_stable_append(k, item, n);
		} else {
			mm_ksm_break_cow(f, tree_item);
			mm_ksm_break_cow(f, item);
		}
	} else if (split && !mm_split_folio(f->virt, head) && head != pfn) {
		mm_folio_get(f->cache, pfn);
		mm_folio_put(f->cache, head);
	}
}

/* A page that is in the stable tree as @item knows it; a merged page on another node leaves its tree first. */
static bool is_settled(struct mm_ksm *k, const struct mm_ksm_item *item, struct mm_ksm_node *n)
{
	if (n && n->place != MM_KSM_MIGRATED && mm_ksm_nid(k, n->kpfn) != n->nid)
		mm_ksm_node_migrated(k, n);
	return n && n->place != MM_KSM_MIGRATED && item->stable && item->head == n;
}

static void cmp_and_merge_page(struct mm_fault *f, mm_pfn_t pfn, struct mm_ksm_item *item)
{
	struct mm_ksm *k = f->virt->ksm;
	struct mm_ksm_node *n = mm_ksm_page_node(f->virt, pfn);
	struct mm_ksm_item *tree_item;
	mm_pfn_t kpfn, tree_pfn;
	uint64_t checksum;

	if (is_settled(k, item, n))
		return;
	kpfn = mm_ksm_stable_search(k, pfn);
	if (kpfn == pfn && item->stable && item->head == n) {
		mm_folio_put(f->cache, kpfn);
		return;
	}
	mm_ksm_item_remove(k, item);
	if (kpfn != MM_PFN_NONE) {
		if (!mm_ksm_merge_with(f, item, pfn, kpfn))
			mm_ksm_stable_append(k, item, mm_ksm_page_node(f->virt, kpfn));
		mm_folio_put(f->cache, kpfn);
		return;
	}
	checksum = mm_contents_of(f->cache, pfn) + 1;
	if (item->oldchecksum != checksum) {
		item->oldchecksum = checksum;
		return;
	}
	if (checksum == 1 && mm_sysctl(f->ctx, MM_SYSCTL_KSM_USE_ZERO_PAGES) && mm_get_zero_page(f) != MM_PFN_NONE &&
	    !mm_ksm_merge_one(f, item, pfn, f->virt->zero_pfn))
		return;
	tree_item = unstable_search_insert(f, item, pfn, &tree_pfn);
	if (tree_item)
		merge_two(f, item, pfn, tree_item, tree_pfn);
}

/* ---- the cursor ---- */

static struct mm_ksm_item *next_item(struct mm_ksm *k, struct mm_struct *mm, uint64_t vaddr)
{
	struct mm_ksm_item **list = k->rmap_list, *item;

	while (*list && (*list)->address <= vaddr) {
		item = *list;
		if (item->address == vaddr)
			return item;
		*list = item->rmap_list;
		mm_ksm_item_remove(k, item);
		mm_ksm_item_free(k, item);
	}
	item = mm_ksm_item_alloc(k, mm, vaddr);
	if (item) {
		item->rmap_list = *list;
		*list = item;
	}
	return item;
}

/* The next page of @vma from the cursor on, with a reference; MM_PFN_NONE: none, and the cursor is at its end. */
static mm_pfn_t next_page(struct mm_fault *f, const struct mm_vma *vma)
{
	struct mm_ksm *k = f->virt->ksm;

	if (k->address < vma->vm_start)
		k->address = vma->vm_start;
	while (vma->anon_vma && k->address < vma->vm_end) {
		uint64_t at = k->address;
		mm_pfn_t pfn;

		if (!mm_next_pmd(vma->vm_mm, &at, vma->vm_end))
			break;
		k->address = at;
		pfn = mm_ksm_follow_page(f, vma, at);
		if (pfn != MM_PFN_NONE)
			return pfn;
		k->address += MM_PAGE_SIZE;
	}
	k->address = vma->vm_end;
	return MM_PFN_NONE;
}

/* A full scan begins. */
static void start_scan(struct mm_fault *f)
{
	struct mm_ksm *k = f->virt->ksm;

	mm_lru_add_drain_all(f->cache);
	for (struct mm_ksm_node *n = k->migrated, *next; !k->merge_across_nodes && n; n = next) {
		mm_pfn_t pfn;

		next = n->next;
		pfn = mm_ksm_get_page(k, n);
		if (pfn != MM_PFN_NONE)
			mm_folio_put(f->cache, pfn);
	}
	for (unsigned int nid = 0; nid < MM_MAX_NODES; nid++)
		k->unstable[nid].node = NULL;
	k->cursor = k->head.next;
}

static void begin_mm(struct mm_ksm *k)
{
	k->address = 0;
	k->rmap_list = &k->cursor->rmap_list;
}

/* The address space of the cursor is done: on to the next one, and out with one that has nothing to merge. */
static void end_mm(struct mm_ksm *k)
{
	struct mm_ksm_slot *slot = k->cursor;

	mm_ksm_trailing_remove(k, k->rmap_list);
	k->cursor = slot->next;
	if (!k->address)
		mm_ksm_slot_free(k, slot);
}

static struct mm_ksm_item *scan_get_next_rmap_item(struct mm_fault *f, mm_pfn_t *pfn)
{
	struct mm_ksm *k = f->virt->ksm;

	if (k->head.next == &k->head)
		return NULL;
	if (k->cursor == &k->head) {
		start_scan(f);
		begin_mm(k);
	}
	while (k->cursor != &k->head) {
		struct mm_struct *mm = k->cursor->mm;
		struct mm_vma *vma = mm->mm_users ? mm_find_vma(mm, k->address) : NULL;

		for (; vma; vma = mm_find_vma(mm, vma->vm_end)) {
			struct mm_ksm_item *item;

			if (!(vma->vm_flags & MM_VM_MERGEABLE))
				continue;
			*pfn = next_page(f, vma);
			if (*pfn == MM_PFN_NONE)
				continue;
			item = next_item(k, mm, k->address);
			if (item) {
				k->rmap_list = &item->rmap_list;
				k->address += MM_PAGE_SIZE;
			} else {
				mm_folio_put(f->cache, mm_page_head(f->phys, *pfn));
			}
			return item;
		}
		if (!mm->mm_users)
			begin_mm(k);
		end_mm(k);
		if (k->cursor != &k->head)
			begin_mm(k);
	}
	k->seqnr++;
	return NULL;
}

uint64_t mm_ksm_do_scan(struct mm_fault *f, uint64_t nr_pages)
{
	struct mm_task_faults *task = f->task;
	uint64_t done = 0;

	if (!f->virt->ksm || mm_contents_keep(f->cache))
		return 0;
	f->task = NULL;			/* its faults are nobody's */
	for (; done < nr_pages; done++) {
		mm_pfn_t pfn = MM_PFN_NONE;
		struct mm_ksm_item *item = scan_get_next_rmap_item(f, &pfn);

		if (!item)
			break;
		cmp_and_merge_page(f, pfn, item);
		mm_folio_put(f->cache, mm_page_head(f->phys, pfn));
		f->virt->ksm->pages_scanned++;
	}
	f->task = task;
	return done;
}

bool mm_ksmd_should_run(const struct mm_fault *f)
{
	const struct mm_ksm *k = f->virt->ksm;

	return k && k->run & MM_KSM_RUN_MERGE && k->head.next != &k->head;
}

/* Everything that a full scan may change. */
struct state { uint64_t shared, sharing, unshared, items, nodes, scans; int64_t zero; };

static struct state state_of(const struct mm_ksm *k)
{
	return (struct state){ k->pages_shared, k->pages_sharing, k->pages_unshared, k->rmap_items, k->node_chains + k->node_dups,
			       k->pages_scanned, k->zero_pages };
}

/*
 * Full scans that change nothing are counted, not done; not so many that items of the last one would look as if the
 * next had put them into the unstable tree. @before: at the begin of the last one, which took @wakes.
 */
static void skip_idle(struct mm_fault *f, const struct state *before, uint64_t wakes, uint64_t sleep_ns)
{
	struct mm_ksm *k = f->virt->ksm;
	struct state now = state_of(k);
	uint64_t pages = now.scans - before->scans, round, times;

	if (now.shared != before->shared || now.sharing != before->sharing || now.unshared != before->unshared ||
	    now.items != before->items || now.nodes != before->nodes || now.zero != before->zero ||
	    f->ctx->now_ns <= f->ksmd_ns || __builtin_mul_overflow(wakes, sleep_ns, &round))
		return;
	times = (f->ctx->now_ns - f->ksmd_ns) / round;
	times -= (times + 1) % SEQNR_ROUND == 0;
	k->seqnr += times;
	k->pages_scanned += times * pages;
	f->ksmd_ns += times * round;
}

static __attribute__((noinline)) void ksmd_wakes(struct mm_fault *f)
{
	uint64_t sleep_ns = (uint64_t)mm_sysctl(f->ctx, MM_SYSCTL_KSM_SLEEP_MILLISECS) * 1000000, wakes = 0, idle = 0;
	uint64_t pages = (uint64_t)mm_sysctl(f->ctx, MM_SYSCTL_KSM_PAGES_TO_SCAN);
	struct state before = { 0 };

	if (f->ksmd_ns == UINT64_MAX)
		f->ksmd_ns = f->ctx->now_ns;
	sleep_ns = sleep_ns ? sleep_ns : 1000000;	/* it never sleeps: about as long as a wake takes */
	if (!pages) {
		f->ksmd_ns = f->ctx->now_ns + sleep_ns;
		return;
	}
	while (f->ksmd_ns <= f->ctx->now_ns && mm_ksmd_should_run(f)) {
		uint64_t seqnr = f->virt->ksm->seqnr;

		if (f->virt->ksm->cursor == &f->virt->ksm->head)
			before = state_of(f->virt->ksm);
		mm_ksm_do_scan(f, pages);
		f->ksmd_ns += sleep_ns;
		wakes++;
		if (f->virt->ksm->seqnr == seqnr)
			continue;
		if (++idle > 3)			/* two scans let every page settle */
			skip_idle(f, &before, wakes, sleep_ns);
		wakes = 0;
	}
}

/* After every event: most often it does not run at all. */
void mm_ksmd_run(struct mm_fault *f)
{
	if (mm_ksmd_should_run(f))
		ksmd_wakes(f);
	else
		f->ksmd_ns = UINT64_MAX;
}

/* ---- tunables, prctl ---- */

static int unmerge_and_remove_all(struct mm_fault *f)
{
	struct mm_ksm *k = f->virt->ksm;

	k->cursor = k->head.next;
	while (k->cursor != &k->head) {
		struct mm_ksm_slot *slot = k->cursor;
		struct mm_struct *mm = slot->mm;

		for (struct mm_vma *vma = mm->mm_users ? mm_find_vma(mm, 0) : NULL; vma; vma = mm_find_vma(mm, vma->vm_end))
			if (vma->vm_flags & MM_VM_MERGEABLE && vma->anon_vma &&
			    mm_unmerge_ksm_pages(f, vma, vma->vm_start, vma->vm_end)) {
				k->cursor = &k->head;
				return -ENOMEM;
			}
		mm_ksm_trailing_remove(k, &slot->rmap_list);
		k->cursor = slot->next;
		if (!mm->mm_users)
			mm_ksm_slot_free(k, slot);
	}
	mm_ksm_remove_all_nodes(k);
	for (unsigned int nid = 0; nid < MM_MAX_NODES; nid++)
		k->unstable[nid].node = NULL;	/* its items are gone */
	k->seqnr = 0;
	return 0;
}

/* What may change only while nothing is merged: -EBUSY, and @value is as it was. */
static int change_idle(struct mm_ksm *k, int64_t *in_force, int64_t *value)
{
	if (*in_force == *value)
		return 0;
	if (k->pages_shared || mm_ksm_remove_all_nodes(k)) {
		*value = *in_force;
		return -EBUSY;
	}
	*in_force = *value;
	return 0;
}

int mm_ksm_sysctl_changed(struct mm_fault *f, struct mm_sysctls *s)
{
	struct mm_ksm *k = f->virt->ksm;
	int64_t run = s->v[MM_SYSCTL_KSM_RUN];
	int err, err2;

	if (!k)
		return 0;
	err = change_idle(k, &k->max_page_sharing, &s->v[MM_SYSCTL_KSM_MAX_PAGE_SHARING]);
	err2 = change_idle(k, &k->merge_across_nodes, &s->v[MM_SYSCTL_KSM_MERGE_ACROSS_NODES]);
	err = err ? err : err2;
	if (k->run == run)
		return err;
	k->run = run;
	if (run & MM_KSM_RUN_UNMERGE && unmerge_and_remove_all(f)) {
		k->run = s->v[MM_SYSCTL_KSM_RUN] = MM_KSM_RUN_STOP;
		return -ENOMEM;
	}
	return err;
}

int mm_ksm_enable_merge_any(struct mm_struct *mm)
{
	if (mm->ksm_merge_any)
		return 0;
	if (mm_ksm_enter(mm))
		return -ENOMEM;
	mm->ksm_merge_any = true;
	for (struct mm_vma *vma = mm_find_vma(mm, 0); vma; vma = mm_find_vma(mm, vma->vm_end))
		mm_ksm_add_vma(vma);
	return 0;
}

int mm_ksm_disable_merge_any(struct mm_fault *f, struct mm_struct *mm)
{
	if (!mm->ksm_merge_any)
		return 0;
	for (struct mm_vma *vma = mm_find_vma(mm, 0); vma; vma = mm_find_vma(mm, vma->vm_end)) {
		if (!(vma->vm_flags & MM_VM_MERGEABLE))
			continue;
		if (f && vma->anon_vma && mm_unmerge_ksm_pages(f, vma, vma->vm_start, vma->vm_end)) {
			for (vma = mm_find_vma(mm, 0); vma; vma = mm_find_vma(mm, vma->vm_end))
				mm_ksm_add_vma(vma);
			return -ENOMEM;
		}
		vma->vm_flags &= ~(uint64_t)MM_VM_MERGEABLE;
	}
	mm->ksm_merge_any = false;
	return 0;
}
