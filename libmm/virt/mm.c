/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An address space: its making, its copy by fork, its end; and a check of everything in it.
 *
 * The tasks of a thread group share one, counted in mm_users; the last to
 * leave unmaps all.  Source: kernel/fork.c mm_init(), dup_mm(), dup_mmap(), mmput().
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/host_memory.h"
#include "base/str.h"
#include "virt/hugetlb.h"
#include "virt/khugepaged.h"
#include "virt/ksm.h"
#include "virt/pgtable.h"
#include "virt/pkeys.h"
#include "virt/tlb.h"
#include "virt/userfaultfd.h"
#include "virt/vma.h"

int mm_anon_vma_table_new(struct mm_anon_vma_table **tp);
void mm_anon_vma_table_free(struct mm_anon_vma_table *t);

/* DEFAULT_MAP_WINDOW, TASK_SIZE_MAX: the lower half of the addresses less a page */
static uint64_t lower_half(unsigned int bits) { return (UINT64_C(1) << bits) - MM_PAGE_SIZE; }

/* Names of anonymous memory: one copy each, found by hash, kept to the end. */
struct mm_intern_name {
	struct mm_intern_name *next;
	uint64_t hash;
	char text[];
};

struct mm_intern {
	size_t nr, nr_buckets;
	struct mm_intern_name *bucket[];
};

static struct mm_intern *grow_names(struct mm_intern *old)
{
	size_t nr = old ? 2 * old->nr_buckets : 64;
	struct mm_intern *t = mm_host_calloc(1, sizeof(*t) + nr * sizeof(t->bucket[0]));

	if (!t)
		return old;		/* slower, not wrong */
	t->nr_buckets = nr;
	for (size_t i = 0; old && i < old->nr_buckets; i++)
		for (struct mm_intern_name *in = old->bucket[i], *next; in; in = next) {
			next = in->next;
			in->next = t->bucket[in->hash & (nr - 1)];
			t->bucket[in->hash & (nr - 1)] = in;
			t->nr++;
		}
	free(old);
	return t;
}

static void free_names(struct mm_intern *t)
{
	for (size_t i = 0; t && i < t->nr_buckets; i++)
		while (t->bucket[i]) {
			struct mm_intern_name *next = t->bucket[i]->next;

			free(t->bucket[i]);
			t->bucket[i] = next;
		}
	free(t);
}

const char *mm_virt_intern(struct mm_virt *virt, struct mm_str name)
{
	struct mm_intern_name *in, **slot;
	uint64_t h = mm_str_hash(name);

	if (!virt->names || virt->names->nr >= virt->names->nr_buckets)
		virt->names = grow_names(virt->names);
	if (!virt->names)
		return NULL;
	slot = &virt->names->bucket[h & (virt->names->nr_buckets - 1)];
	for (in = *slot; in; in = in->next)
		if (in->hash == h && mm_str_is(name, in->text))
			return in->text;
	in = mm_host_malloc(sizeof(*in) + name.len + 1);
	if (!in)
		return NULL;
	if (name.len)
		memcpy(in->text, name.p, name.len);
	in->text[name.len] = 0;
	in->hash = h;
	in->next = *slot;
	*slot = in;
	virt->names->nr++;
	return in->text;
}

int mm_virt_init(struct mm_virt *virt)
{
	if (!virt->next_mm_id)
		virt->next_mm_id = 1;
	virt->live_ids = mm_host_calloc((MM_TLB_ID_MASK + 1) / 64, sizeof(*virt->live_ids));
	return !virt->live_ids || mm_hugetlb_new(virt) ? -ENOMEM : mm_anon_vma_table_new(&virt->anon_vmas);
}

void mm_virt_destroy(struct mm_virt *virt)
{
	mm_pool_destroy(&virt->vma_pool);
	mm_pool_destroy(&virt->vma_extra_pool);
	mm_pool_destroy(&virt->anon_vma_pool);
	mm_pool_destroy(&virt->anon_vma_kin_pool);
	mm_pool_destroy(&virt->avc_pool);
	mm_pool_destroy(&virt->numab_pool);
	free_names(virt->names);
	virt->names = NULL;
	mm_hugetlb_free(virt);
	mm_anon_vma_table_free(virt->anon_vmas);
	virt->anon_vmas = NULL;
	free(virt->live_ids);
	virt->live_ids = NULL;
}

static uint64_t *id_word(const struct mm_virt *virt, uint32_t id) { return &virt->live_ids[(id & MM_TLB_ID_MASK) / 64]; }

/* A number never used before; its low bits, by which TLBs know an address space, are nobody else's that lives. */
static uint32_t new_id(struct mm_virt *virt)
{
	uint32_t id;

	do
		id = virt->next_mm_id++;
	while (*id_word(virt, id) >> id % 64 & 1);
	*id_word(virt, id) |= UINT64_C(1) << id % 64;
	return id;
}

static void release_id(const struct mm_struct *mm)
{
	*id_word(mm->virt, mm->id) &= ~(UINT64_C(1) << mm->id % 64);
}

static struct mm_struct *mm_init(struct mm_struct *mm, struct mm_virt *virt)
{
	mm->virt = virt;
	mm->id = new_id(virt);
	mm->pmd_tag = mm_entry_tag(mm->id, 0, 2);
	mm->mm_users = mm->mm_count = 1;
	mm_mt_init(&mm->mm_mt);
	mm->map_count = 0;
	mm->locked_vm = mm->pinned_vm = 0;
	memset(mm->rss, 0, sizeof(mm->rss));
	mm->pgtables_bytes = 0;
	mm->hugetlb_usage = 0;
	mm->uffds = NULL;
	mm->uffd_unmaps = NULL;
	mm->ksm_slot = NULL;
	mm->ksm_merge_any = false;
	mm->khugepaged_slot = NULL;
	mm->huge_zero = false;
	mm->pgd = MM_PFN_NONE;
	if (!virt->phys || !mm_pgd_alloc(mm))
		return mm;
	release_id(mm);
	mm_virt_uncharge(virt, mm->payer, MM_CHARGE_MM);
	free(mm);
	return NULL;
}

static int charge(struct mm_struct *mm, const struct mm_virt *virt)
{
	return mm_memcg_obj_alloc(virt->cache, mm->memcg, MM_CHARGE_MM, MM_GFP_KERNEL, &mm->payer);
}

struct mm_struct *mm_mm_alloc(struct mm_virt *virt, struct mm_memcg *memcg)
{
	struct mm_struct *mm = mm_host_calloc(1, sizeof(*mm));

	if (!mm)
		return NULL;
	mm->memcg = memcg;
	if (charge(mm, virt)) {
		free(mm);
		return NULL;
	}
	mm->task_size = lower_half(47);
	mm->task_size_max = lower_half(virt->la57 ? 56 : 47);
	for (int i = 0; i < MM_NR_RLIMITS; i++)
		mm->rlimit[i] = MM_RLIM_INFINITY;
	mm->rlimit[MM_RLIMIT_STACK] = UINT64_C(8) << 20;
	mm->rlimit[MM_RLIMIT_MEMLOCK] = MM_RLIM_INFINITY;	/* CAP_IPC_LOCK, until a setrlimit row says otherwise */
	mm = mm_init(mm, virt);
	if (!mm)
		return NULL;
	mm_pkeys_init(mm);
	mm_arch_pick_mmap_layout(mm);
	return mm;
}

void mm_mmget(struct mm_struct *mm)
{
	mm->mm_users++;
}

void mm_mmput(struct mm_struct *mm)
{
	if (!mm || --mm->mm_users)
		return;
	mm_ksm_exit(mm);
	mm_khugepaged_exit(mm);
	mm_exit_mmap(mm);
	mm_put_huge_zero_page(mm);
	mm_mmdrop(mm);
}

void mm_mmdrop(struct mm_struct *mm)
{
	if (--mm->mm_count)
		return;
	if (mm->virt->phys)
		mm_pgd_free(mm);
	mm_uffd_exit(mm);
	release_id(mm);
	mm_virt_uncharge(mm->virt, mm->payer, MM_CHARGE_MM);
	free(mm);
}

/* One VMA of the parent into the child.  0 or -ENOMEM. */
static int dup_vma(struct mm_struct *mm, struct mm_vma *mpnt)
{
	int64_t pages = mpnt->vm_flags & MM_VM_ACCOUNT ? (int64_t)mm_vma_pages(mpnt) : 0;
	struct mm_vma *tmp;
	int e = -ENOMEM;

	if (pages && mm_vm_enough_memory(mpnt->vm_mm, pages))
		return -ENOMEM;
	tmp = mm_vm_area_dup(mpnt);
	if (!tmp)
		goto unacct;
	tmp->vm_mm = mm;
	if (tmp->extra->hugetlb_resv)
		mm_clear_vma_resv_huge_pages(tmp);
	if (tmp->extra->hugetlb_flags)
		mm_vma_own_extra(tmp)->hugetlb_flags = 0;
	if (mm_uffd_dup(tmp))
		goto free_vma;
	if (tmp->vm_flags & MM_VM_WIPEONFORK)
		tmp->anon_vma = NULL;
	else if (mm_anon_vma_fork(tmp, mpnt))
		goto free_vma;
	tmp->vm_flags &= ~MM_VM_LOCKED_MASK;
	if (mm_vma_link_after(mm, tmp, mpnt)) {
		mm_unlink_anon_vmas(tmp);
		goto free_vma;
	}
	e = 0;
	if (mm->virt->phys && !(tmp->vm_flags & MM_VM_WIPEONFORK))
		e = mm_copy_page_range(tmp, mpnt);
	return e;
free_vma:
	mm_vm_area_free(tmp);
unacct:
	mm_vm_unacct_memory(mm, pages);
	return e;
}

static int dup_mmap(struct mm_struct *mm, struct mm_struct *oldmm)
{
	struct mm_ma_state mas = { .tree = &oldmm->mm_mt };

	for (struct mm_vma *v = mm_mas_find(&mas, UINT64_MAX); v; v = mm_mas_next(&mas, UINT64_MAX)) {
		int e;

		if (v->vm_flags & MM_VM_DONTCOPY) {
			mm_vm_stat_account(mm, v->vm_flags, -(int64_t)mm_vma_pages(v));
			continue;
		}
		e = dup_vma(mm, v);
		if (e)
			return e;
	}
	return 0;
}

int mm_dup_mm(struct mm_struct **mmp, struct mm_struct *oldmm)
{
	struct mm_struct *mm = mm_host_malloc(sizeof(*mm));
	int e;

	if (!mm)
		return -ENOMEM;
	*mm = *oldmm;
	mm->def_flags &= MM_VM_NOHUGEPAGE;
	if (charge(mm, oldmm->virt)) {
		free(mm);
		return -ENOMEM;
	}
	mm = mm_init(mm, oldmm->virt);
	if (!mm)
		return -ENOMEM;
	mm->hiwater_vm = mm->total_vm;
	e = mm_ksm_fork(mm, oldmm);
	mm_khugepaged_fork(mm, oldmm);
	if (!e)
		e = dup_mmap(mm, oldmm);
	mm_uffd_dup_complete(mm, oldmm);
	if (e) {
		mm_mmput(mm);
		return e;
	}
	mm->hiwater_rss = (uint64_t)(mm->rss[MM_FILEPAGES] + mm->rss[MM_ANONPAGES] + mm->rss[MM_SHMEMPAGES]);
	*mmp = mm;
	return 0;
}

/* In the tree, under the page offsets that the VMA covers now. */
static bool is_linked(const struct mm_interval_root *root, const struct mm_interval_node *n, const struct mm_vma *vma)
{
	const struct mm_interval_node *top = n;

	while (top->parent)
		top = top->parent;
	return top == root->node && n->start == vma->vm_pgoff && n->last == n->start + mm_vma_pages(vma) - 1;
}

static const char *check_vma(const struct mm_struct *mm, const struct mm_vma *vma, const struct mm_ma_state *mas)
{
	const struct mm_anon_vma_chain *avc;
	bool own = !vma->anon_vma || mm_vma_is_alone(vma);

	if (vma->vm_start != mas->index || vma->vm_end - 1 != mas->last)
		return "a VMA lies elsewhere in the tree";
	if (vma->vm_start >= vma->vm_end || mm_offset_in_page(vma->vm_start | vma->vm_end))
		return "borders of a VMA";
	if (vma->vm_mm != mm)
		return "a VMA of another address space";
	if (vma->vm_file && !is_linked(&vma->vm_file->inode->mapping.i_mmap, &vma->extra->shared, vma))
		return "a VMA is not in its file's tree";
	if (mm_vma_is_alone(vma) && vma->anon_vma_chain)
		return "a VMA with more than its only anon_vma";
	for (avc = vma->anon_vma_chain; avc; avc = avc->same_next) {
		if (avc->anon_vma->alone || avc->vma != vma || (avc->same_next && avc->same_next->same_prev != avc))
			return "a chain of anon_vmas is broken";
		if (!is_linked(&avc->anon_vma->kin->rb_root, &avc->rb, vma))
			return "a VMA is not in the tree of its anon_vma";
		own = own || avc->anon_vma == vma->anon_vma;
	}
	return own ? NULL : "anon_vma is not in the VMA's chain";
}

bool mm_mm_is_consistent(const struct mm_struct *mm, const char **what)
{
	struct mm_ma_state mas = { .tree = (struct mm_maple_tree *)(uintptr_t)&mm->mm_mt };
	uint64_t total = 0, nr = 0;
	const char *bad = NULL;

	if (!mm_mt_is_consistent(&mm->mm_mt, what))
		return false;
	for (struct mm_vma *v = mm_mas_find(&mas, UINT64_MAX); v && !bad; v = mm_mas_next(&mas, UINT64_MAX)) {
		bad = check_vma(mm, v, &mas);
		total += mm_vma_pages(v);
		nr++;
	}
	if (!bad && nr != mm->map_count)
		bad = "map_count";
	if (!bad && total != mm->total_vm)
		bad = "total_vm";
	if (bad && what)
		*what = bad;
	return !bad;
}
