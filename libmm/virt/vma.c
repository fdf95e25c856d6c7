/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One VMA: made, linked to its file and into the tree, split, expanded.
 *
 * A VMA is in three structures at once: the maple tree of its address space
 * under [vm_start, vm_end), the interval tree of its file's mappings, and those of
 * its anon_vmas.  A change of its borders is a store over the new range: the maple tree
 * cuts whatever lay there; out of the others it is taken for the while.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/filemap.h"
#include "cache/shmem.h"
#include "virt/hugetlb.h"
#include "virt/numab.h"
#include "virt/shm_segment.h"
#include "virt/vma.h"

const struct mm_vma_extra mm_vma_plain;

/* It and its lock, each an object of its own. 0 or -ENOMEM. */
static int charge(struct mm_vma *vma)
{
	struct mm_cache *c = vma->vm_mm->virt->cache;
	int rc = mm_memcg_obj_alloc(c, vma->vm_mm->memcg, MM_CHARGE_VMA, MM_GFP_KERNEL, &vma->payer);

	if (!rc)
		rc = mm_memcg_obj_alloc(c, vma->vm_mm->memcg, MM_CHARGE_VMA_LOCK, MM_GFP_KERNEL, &vma->lock_payer);
	if (rc)
		mm_virt_uncharge(vma->vm_mm->virt, vma->payer, MM_CHARGE_VMA);
	return rc;
}

static void uncharge(struct mm_vma *vma)
{
	mm_virt_uncharge(vma->vm_mm->virt, vma->lock_payer, MM_CHARGE_VMA_LOCK);
	mm_virt_uncharge(vma->vm_mm->virt, vma->payer, MM_CHARGE_VMA);
}

struct mm_vma *mm_vm_area_alloc(struct mm_struct *mm, uint64_t start, uint64_t end, uint64_t vm_flags, uint64_t pgoff)
{
	struct mm_vma *vma = mm_pool_alloc(&mm->virt->vma_pool, sizeof(*vma));

	if (!vma)
		return NULL;
	*vma = (struct mm_vma){ .vm_mm = mm, .vm_start = start, .vm_end = end, .vm_flags = vm_flags, .vm_pgoff = pgoff,
				.extra = &mm_vma_plain };
	if (!charge(vma))
		return vma;
	mm_pool_free(&mm->virt->vma_pool, vma, sizeof(*vma));
	return NULL;
}

struct mm_vma_extra *mm_vma_own_extra(struct mm_vma *vma)
{
	struct mm_vma_extra *x = (struct mm_vma_extra *)(uintptr_t)vma->extra;

	if (x != &mm_vma_plain)
		return x;
	x = mm_pool_alloc(&vma->vm_mm->virt->vma_extra_pool, sizeof(*x));
	if (!x)
		return NULL;
	*x = (struct mm_vma_extra){ .vma = vma };
	vma->extra = x;
	return x;
}

int mm_vma_set_anon_name(struct mm_vma *vma, const char *name)
{
	struct mm_vma_extra *x = vma->extra->anon_name == name ? NULL : mm_vma_own_extra(vma);

	if (x)
		x->anon_name = name;
	return vma->extra->anon_name == name ? 0 : -ENOMEM;
}

int mm_vma_set_policy(struct mm_vma *vma, const struct mm_mempolicy *pol)
{
	struct mm_vma_extra *x = vma->extra->vm_policy == pol ? NULL : mm_vma_own_extra(vma);

	if (x)
		x->vm_policy = pol;
	return vma->extra->vm_policy == pol ? 0 : -ENOMEM;
}

int mm_vma_set_uffd(struct mm_vma *vma, struct mm_uffd *uffd)
{
	struct mm_vma_extra *x = vma->extra->uffd == uffd ? NULL : mm_vma_own_extra(vma);

	if (x)
		x->uffd = uffd;
	return vma->extra->uffd == uffd ? 0 : -ENOMEM;
}

struct mm_vma *mm_vm_area_dup(const struct mm_vma *vma)
{
	struct mm_virt *virt = vma->vm_mm->virt;
	struct mm_vma *new = mm_pool_alloc(&virt->vma_pool, sizeof(*new));
	struct mm_vma_extra *x;

	if (!new)
		return NULL;
	*new = *vma;
	new->anon_vma_chain = NULL;
	new->payer = new->lock_payer = 0;
	if (charge(new)) {
		mm_pool_free(&virt->vma_pool, new, sizeof(*new));
		return NULL;
	}
	if (vma->extra == &mm_vma_plain)
		return new;
	new->extra = &mm_vma_plain;
	x = mm_vma_own_extra(new);
	if (!x) {
		uncharge(new);
		mm_pool_free(&virt->vma_pool, new, sizeof(*new));
		return NULL;
	}
	*x = *vma->extra;
	x->vma = new;
	x->numab = NULL;
	if (x->hugetlb_resv)
		x->hugetlb_resv->refs++;
	return new;
}

void mm_vm_area_free(struct mm_vma *vma)
{
	struct mm_virt *virt;

	if (!vma)
		return;
	virt = vma->vm_mm->virt;
	if (vma->extra != &mm_vma_plain) {
		struct mm_vma_extra *x = mm_vma_own_extra(vma);

		mm_resv_map_put(x->hugetlb_resv);
		mm_pool_free(&virt->numab_pool, x->numab, sizeof(*x->numab));
		mm_pool_free(&virt->vma_extra_pool, x, sizeof(*x));
	}
	uncharge(vma);
	mm_pool_free(&virt->vma_pool, vma, sizeof(*vma));
}

/* Its place among the mappings of its file, which gave it an extra of its own. */
static struct mm_interval_node *shared_of(struct mm_vma *vma) { return &mm_vma_own_extra(vma)->shared; }

static void interval_insert(struct mm_vma *vma, struct mm_vma *prev)
{
	struct mm_interval_root *root = &vma->vm_file->inode->mapping.i_mmap;
	uint64_t first = vma->vm_pgoff, last = first + mm_vma_pages(vma) - 1;

	if (prev)
		mm_interval_tree_insert_after(root, shared_of(vma), shared_of(prev), last);
	else
		mm_interval_tree_insert(root, shared_of(vma), first, last);
}

static void link_file(struct mm_vma *vma, struct mm_vma *prev)
{
	struct mm_address_space *mapping;

	if (!vma->vm_file)
		return;
	mapping = &vma->vm_file->inode->mapping;
	interval_insert(vma, prev);
	mm_file_get_vma(vma->vm_file);
	mapping->nr_i_mmap++;
}

void mm_vma_put_file(struct mm_struct *mm, struct mm_file *file)
{
	bool last = file->nr_vmas == 1 && !file->attachment;

	if (file->nr_vmas == 1 && file->inode->acct_pages) {
		mm_vm_unacct_memory(mm, (int64_t)file->inode->acct_pages);
		file->inode->acct_pages = 0;
	}
	mm_file_put_vma(file);
	if (!last || !mm_file_is_orphan(file))
		return;
	if (file->inode->hugetlb) {
		mm_hugetlb_put_orphan(mm->virt, file);
		return;
	}
	if (mm->virt->cache) {
		mm_shmem_evict_inode(mm->virt->cache, file->inode);
		mm_truncate_range(mm->virt->cache, &file->inode->mapping, 0, UINT64_MAX);
	}
	mm_inode_evict(mm->virt->inodes, file);
}

void mm_unlink_file_vma(struct mm_vma *vma)
{
	struct mm_address_space *mapping;

	if (!vma->vm_file)
		return;
	mapping = &vma->vm_file->inode->mapping;
	mm_interval_tree_remove(&mapping->i_mmap, shared_of(vma));
	mapping->nr_i_mmap--;
	if (vma->extra->vm_ops_close)
		mm_shm_put(vma->vm_mm->virt, mapping->host);
	mm_vma_put_file(vma->vm_mm, vma->vm_file);
}

static struct mm_vma *vma_of(struct mm_interval_node *n)
{
	return n ? ((struct mm_vma_extra *)(void *)((char *)n - offsetof(struct mm_vma_extra, shared)))->vma : NULL;
}

struct mm_vma *mm_vma_interval_tree_iter_first(const struct mm_address_space *mapping, uint64_t first, uint64_t last)
{
	return vma_of(mm_interval_tree_iter_first(&mapping->i_mmap, first, last));
}

struct mm_vma *mm_vma_interval_tree_iter_next(struct mm_vma *vma, uint64_t first, uint64_t last)
{
	return vma_of(mm_interval_tree_iter_next(&vma->extra->shared, first, last));
}

void mm_vma_prepare(struct mm_vma *vma, struct mm_vma *adj_next)
{
	struct mm_vma *v[] = { vma, adj_next };

	for (int i = 0; i < 2 && v[i]; i++) {
		mm_anon_vma_interval_tree_pre_update_vma(v[i]);
		if (v[i]->vm_file)
			mm_interval_tree_remove(&v[i]->vm_file->inode->mapping.i_mmap, shared_of(v[i]));
	}
}

void mm_vma_complete(struct mm_vma *vma, struct mm_vma *adj_next)
{
	if (adj_next && adj_next->vm_file)
		interval_insert(adj_next, NULL);
	if (vma->vm_file)
		interval_insert(vma, NULL);
	mm_anon_vma_interval_tree_post_update_vma(vma);
	if (adj_next)
		mm_anon_vma_interval_tree_post_update_vma(adj_next);
}

int mm_vma_link_after(struct mm_struct *mm, struct mm_vma *vma, struct mm_vma *prev)
{
	if ((vma->vm_file && !mm_vma_own_extra(vma)) || mm_mtree_store_range(&mm->mm_mt, vma->vm_start, vma->vm_end - 1, vma))
		return -ENOMEM;
	link_file(vma, prev);
	mm->map_count++;
	return 0;
}

int mm_vma_link(struct mm_struct *mm, struct mm_vma *vma)
{
	return mm_vma_link_after(mm, vma, NULL);
}

/* vma_adjust_trans_huge(): huge mappings that the new borders would cut are split first. */
static void adjust_trans_huge(struct mm_vma *vma, uint64_t start, uint64_t end)
{
	if (vma->vm_mm->virt->phys)
		mm_vma_adjust_trans_huge(vma, start, end, NULL, 0);
}

int mm_vma_split_unchecked(struct mm_vma *vma, uint64_t addr, bool new_below)
{
	struct mm_struct *mm = vma->vm_mm;
	struct mm_vma *new;

	if (vma->extra->special)
		return -EINVAL;		/* special_mapping_split() */
	if (vma->vm_flags & MM_VM_HUGETLB) {	/* hugetlb_vm_op_split() */
		if (addr & mm_hugetlb_mask(vma))
			return -EINVAL;
		mm_hugetlb_unshare_split(vma, addr);
	}
	new = mm_vm_area_dup(vma);
	if (!new)
		return -ENOMEM;
	if (new_below) {
		new->vm_end = addr;
	} else {
		new->vm_start = addr;
		new->vm_pgoff += (addr - vma->vm_start) >> MM_PAGE_SHIFT;
	}
	if (mm_mt_reserve(&mm->mm_mt) || mm_anon_vma_clone(new, vma)) {
		mm_vm_area_free(new);
		return -ENOMEM;
	}
	mm_vma_prepare(vma, NULL);
	adjust_trans_huge(vma, vma->vm_start, addr);
	if (new_below) {
		vma->vm_start = addr;
		vma->vm_pgoff += (addr - new->vm_start) >> MM_PAGE_SHIFT;
	} else {
		vma->vm_end = addr;
	}
	mm_vma_complete(vma, NULL);
	mm_vma_link(mm, new);
	mm_vma_note(mm->virt->journal, (struct mm_vma_note){
		.start = addr, .end = addr, .deed = MM_VMA_DID_SPLIT });
	return 0;
}

int mm_split_vma(struct mm_vma *vma, uint64_t addr, bool new_below)
{
	if (vma->vm_mm->map_count >= (uint64_t)mm_sysctl(vma->vm_mm->virt->ctx, MM_SYSCTL_MAX_MAP_COUNT))
		return -ENOMEM;
	return mm_vma_split_unchecked(vma, addr, new_below);
}

int mm_vma_expand(struct mm_vma *vma, uint64_t start, uint64_t end, uint64_t pgoff, struct mm_vma *next)
{
	struct mm_struct *mm = vma->vm_mm;
	bool remove_next = next && next != vma && end == next->vm_end;

	if (mm_mt_reserve(&mm->mm_mt))
		return -ENOMEM;
	if (remove_next && next->anon_vma && !vma->anon_vma) {
		vma->anon_vma = next->anon_vma;
		if (mm_anon_vma_clone(vma, next))
			return -ENOMEM;
	}
	mm_vma_prepare(vma, NULL);
	adjust_trans_huge(vma, start, end);
	vma->vm_start = start;
	vma->vm_end = end;
	vma->vm_pgoff = pgoff;
	mm_vma_complete(vma, NULL);
	mm_mtree_store_range(&mm->mm_mt, start, end - 1, vma);
	if (remove_next) {
		mm_unlink_file_vma(next);
		mm_unlink_anon_vmas(next);
		mm->map_count--;
		mm_vm_area_free(next);
	}
	return 0;
}

static bool is_initial_heap(const struct mm_vma *vma)
{
	return vma->vm_mm->start_brk && vma->vm_start <= vma->vm_mm->brk && vma->vm_end >= vma->vm_mm->start_brk;
}

static bool is_initial_stack(const struct mm_vma *vma)
{
	return vma->vm_mm->start_stack && vma->vm_start <= vma->vm_mm->start_stack &&
	       vma->vm_end >= vma->vm_mm->start_stack;
}

/* Source: fs/proc/task_mmu.c show_map_vma(). */
const char *mm_vma_name(const struct mm_vma *vma, char *buf, size_t size)
{
	if (vma->vm_file && vma->extra->anon_name) {
		snprintf(buf, size, "[anon_shmem:%s]", vma->extra->anon_name);
		return buf;
	}
	if (vma->extra->vm_ops_close) {	/* a recording's segments are told apart: "/SYSV00a72071 (id 3)" */
		const char *path = vma->vm_file->inode->name, *id = strstr(path, " (id ");

		if (!id)
			return path;
		snprintf(buf, size, "%.*s (deleted)", (int)(id - path), path);
		return buf;
	}
	if (vma->vm_file && (vma->vm_file->inode->type == MM_INODE_MEMFD ||
			     (vma->vm_file->inode->hugetlb && !strncmp(vma->vm_file->inode->name, "/memfd:", 7)))) {
		snprintf(buf, size, "%.*s (deleted)", (int)vma->vm_file->inode->shown_len, vma->vm_file->inode->name);
		return buf;
	}
	if (vma->vm_file) {
		if (!vma->vm_file->inode->name[vma->vm_file->inode->shown_len])
			return vma->vm_file->inode->name;
		snprintf(buf, size, "%.*s", (int)vma->vm_file->inode->shown_len, vma->vm_file->inode->name);
		return buf;
	}
	if (vma->extra->special)
		return vma->extra->special;
	if (is_initial_heap(vma))
		return "[heap]";
	if (is_initial_stack(vma))
		return "[stack]";
	if (!vma->extra->anon_name)
		return "";
	snprintf(buf, size, "[anon:%s]", vma->extra->anon_name);
	return buf;
}

void mm_vma_perms(const struct mm_vma *vma, char perms[5])
{
	uint64_t f = vma->vm_flags;

	perms[0] = f & MM_VM_READ ? 'r' : '-';
	perms[1] = f & MM_VM_WRITE ? 'w' : '-';
	perms[2] = f & MM_VM_EXEC ? 'x' : '-';
	perms[3] = f & MM_VM_MAYSHARE ? 's' : 'p';
	perms[4] = '\0';
}

void mm_vma_effect(const struct mm_struct *mm, enum mm_event_type type, uint64_t start, uint64_t end)
{
	struct mm_event *ev = mm_effect(mm->virt->ctx, MM_BY_VMA, type);

	if (!ev)
		return;
	ev->addr = start;
	ev->size = end - start;
	ev->present |= MM_TC_BIT(ADDR) | MM_TC_BIT(SIZE);
}
