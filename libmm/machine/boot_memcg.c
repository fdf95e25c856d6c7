/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What memory cgroups of a captured machine held, by the tunable captured_lists.
 *
 *	/a		memory.current 300, of it anon 200, kernel 60
 *	  /a/b		memory.current 180, of it anon 150, kernel 20
 *
 * Files tell of a cgroup and those below it, so /a itself has 120: 50 anonymous pages, 40 of the kernel, and 30 that memory.stat does
 * not tell of: sockets, and what CPUs charge ahead.  Pages of lists are made by boot_lru.c, each charged to whom it belongs; kernel
 * memory lies in frames that are taken anyway; what is on swap is on the machine's swap device.
 *
 * A capture is no snapshot: where those below hold more than a cgroup says, it is taken to hold that much and nothing itself; pages that
 * the zones' lists have no room for are charged as if they were the kernel's.  Both are counted.
 *
 * Deviation: on which node a cgroup's pages lie (memory.numa_stat) is not used: on each as many of its pages as of all.  Mapped ones are
 * not mapped, those under writeback are clean.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/cgroup.h>

#include "base/host_memory.h"
#include "base/minmax.h"
#include "cache/filemap.h"
#include "cache/memcg_v1.h"
#include "cache/swap_impl.h"
#include "machine/boot_memcg.h"

static uint64_t less(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }

/* Figures that are of a cgroup and those below it, in bytes, and where those of its own go, in pages. */
static const struct figure {
	size_t row, own;
	unsigned int shift;
} figures[] = {
#define FIGURE(row, own, shift) { offsetof(struct mm_cgroup_row, row), offsetof(struct mm_captured_memcg, own), shift }
	FIGURE(lists[0], lists[0], MM_PAGE_SHIFT), FIGURE(lists[1], lists[1], MM_PAGE_SHIFT), FIGURE(lists[2], lists[2], MM_PAGE_SHIFT),
	FIGURE(lists[3], lists[3], MM_PAGE_SHIFT), FIGURE(lists[4], lists[4], MM_PAGE_SHIFT), FIGURE(shmem, shmem, MM_PAGE_SHIFT),
	FIGURE(file, file, MM_PAGE_SHIFT), FIGURE(file_dirty, dirty, MM_PAGE_SHIFT), FIGURE(current, current, MM_PAGE_SHIFT),
	FIGURE(kernel, kernel, MM_PAGE_SHIFT), FIGURE(pagetables, pagetables, MM_PAGE_SHIFT),
	FIGURE(slab_reclaimable, slab_reclaimable_bytes, 0), FIGURE(slab, slab_bytes, 0), FIGURE(swap_current, swap, MM_PAGE_SHIFT),
#undef FIGURE
};

/* Row @i of the capture's list is this one of ours; the root comes first, whether it has a row or not. */
static size_t place_of(const struct mm_cgroup_list *l, size_t i)
{
	bool has_root = l->nr && !strcmp(l->v[0].memcg, "/");

	return i == SIZE_MAX ? 0 : has_root ? i : i + 1;
}

/* @f of each cgroup itself; more than any machine has is as much as the largest. */
static int own_shares(struct mm_captured_memcgs *cap, struct mm_machine *m, const struct mm_cgroup_list *l, const struct figure *f)
{
	uint64_t *below = mm_host_calloc(cap->nr, sizeof(*below));

	if (!below)
		return -ENOMEM;
	for (size_t i = l->nr; i-- > 0; ) {		/* those below come behind */
		size_t at = place_of(l, i);
		uint64_t told = *(const uint64_t *)(const void *)((const char *)&l->v[i] + f->row), all;

		all = told == MM_MISSING_U64 ? 0 : mm_min_u64(told >> f->shift, (uint64_t)UINT32_MAX << (MM_PAGE_SHIFT - f->shift));
		if (told != MM_MISSING_U64 && all < below[at])
			mm_machine_note(m, "figures of captured cgroups are less than those of the cgroups below them, whose are taken");
		*(uint64_t *)(void *)((char *)&cap->v[at] + f->own) = less(all, below[at]);
		if (at)
			below[place_of(l, l->v[i].parent)] += all > below[at] ? all : below[at];
	}
	free(below);
	return 0;
}

/* The cgroup of a row, below that of its parent's row or of the folders between. 0 or -errno. */
static int make_memcg(struct mm_machine *m, const struct mm_cgroup_row *row, struct mm_memcg *parent, struct mm_memcg **gp)
{
	struct mm_str path = { row->memcg, strlen(row->memcg) };
	const char *slash = strrchr(row->memcg, '/');

	if ((size_t)(slash - row->memcg) == (parent->parent ? strlen(parent->name) : 0))
		return mm_memcg_new(m->cache, parent, path, gp);
	return mm_cgroup_find_or_make(m, path, gp);
}

/* As many as there can be; the rest is its parents'. */
static int make_memcgs(struct mm_captured_memcgs *cap, struct mm_machine *m, struct mm_cgroup_list *l)
{
	for (size_t i = 0; i < l->nr; i++) {
		size_t at = place_of(l, i);
		struct mm_memcg **g = &cap->v[at].memcg;
		int e = at ? make_memcg(m, &l->v[i], cap->v[place_of(l, l->v[i].parent)].memcg, g) : 0;

		if (e == -ENOSPC) {
			mm_machine_losses(m, "captured cgroups beyond 65535 are not there, what they hold is their parents'",
					  l->nr - i);
			for (size_t k = i; k < l->nr; k++)
				free((char *)(uintptr_t)l->v[k].memcg);
			l->nr = i;
			cap->nr = place_of(l, i);
			return 0;
		}
		if (e)
			return e;
		if (at)
			mm_captured_limits_of(m, *g, &l->v[i]);
	}
	return 0;
}

static void note_events(struct mm_captured_memcg *c, const struct mm_cgroup_row *row)
{
	const uint64_t told[] = { row->events_low, row->events_high, row->events_max, row->events_oom, row->events_oom_kill };
	struct mm_memcg *g = c->memcg;

	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
		g->events[MM_MEMCG_EV_LOW + i] = mm_or_else(told[i], 0);
	if (row->peak != MM_MISSING_U64)
		g->peak = row->peak >> MM_PAGE_SHIFT;
}

static int read_capture(struct mm_machine *m, struct mm_cgroup_list *l)
{
	struct mm_sysroot *root;
	struct mm_error ignored;
	int e;

	if (!m->cfg.sysroot || mm_sysroot_open(&root, m->cfg.sysroot, &ignored))
		return 0;
	e = mm_cgroups_read(l, root, &ignored);
	mm_machine_close_root(m, root);
	mm_machine_losses(m, mm_captured_unreadable, l->unreadable);
	return e == -ENOMEM ? e : 0;
}

int mm_captured_memcgs_new(struct mm_captured_memcgs *cap, struct mm_machine *m)
{
	struct mm_cgroup_list l = { 0 };
	int e = read_capture(m, &l);

	*cap = (struct mm_captured_memcgs){ mm_host_calloc(l.nr + 1, sizeof(*cap->v)), place_of(&l, l.nr), l.nr != 0 };
	cap->nr = cap->nr ? cap->nr : 1;
	if (!cap->v)
		e = -ENOMEM;
	if (!e) {
		cap->v[0].memcg = m->cache->root_mem_cgroup;
		e = make_memcgs(cap, m, &l);
	}
	for (size_t i = 0; !e && i < sizeof(figures) / sizeof(figures[0]); i++)
		e = own_shares(cap, m, &l, &figures[i]);
	for (size_t i = 0; !e && i < l.nr; i++) {
		struct mm_captured_memcg *c = &cap->v[place_of(&l, i)];

		if (l.v[i].current == MM_MISSING_U64)
			c->current = UINT64_MAX;
		if (c->memcg->parent)
			note_events(c, &l.v[i]);
		c->file_locked = mm_min_u64(less(c->file, c->shmem + c->lists[MM_LRU_INACTIVE_FILE] + c->lists[MM_LRU_ACTIVE_FILE]),
					    c->lists[MM_LRU_UNEVICTABLE]);
	}
	mm_cgroups_free(&l);
	return e;
}

void mm_captured_memcgs_free(struct mm_captured_memcgs *cap)
{
	free(cap->v);
	*cap = (struct mm_captured_memcgs){ 0 };
}

/* Of memory.current what is neither on a list nor told as the kernel's; pages of lists that had no room too. */
static uint64_t other_pages(const struct mm_captured_memcg *c)
{
	uint64_t known = c->made + c->kernel, left = 0;

	if (c->current != UINT64_MAX)
		return less(c->current, known);
	for (unsigned int l = 0; l < MM_NR_LRU_LISTS; l++)
		left += c->lists[l];
	return left;
}

uint64_t mm_captured_memcgs_kernel(const struct mm_captured_memcgs *cap)
{
	uint64_t nr = 0;

	for (size_t i = 1; i < cap->nr; i++)
		nr += cap->v[i].kernel + other_pages(&cap->v[i]);
	return nr;
}

static void charge_kernel(struct mm_machine *m, struct mm_captured_memcg *c, uint64_t *room)
{
	uint64_t kernel = mm_min_u64(c->kernel, *room), other, left = 0;

	mm_memcg_force_charge_kmem(c->memcg, kernel);
	*room -= kernel;
	c->memcg->captured_pagetables = mm_min_u64(c->pagetables, kernel);
	c->memcg->slab_bytes[MM_MEMCG_SLAB_RECLAIMABLE] = mm_min_u64(c->slab_reclaimable_bytes, kernel << MM_PAGE_SHIFT);
	c->memcg->slab_bytes[MM_MEMCG_SLAB_UNRECLAIMABLE] =
		mm_min_u64(less(c->slab_bytes, c->slab_reclaimable_bytes),
			   (kernel << MM_PAGE_SHIFT) - c->memcg->slab_bytes[MM_MEMCG_SLAB_RECLAIMABLE]);
	mm_machine_notes(m, "KiB of dentries, inodes and the like of captured cgroups that the kernel may reclaim: they stay",
			 c->memcg->slab_bytes[MM_MEMCG_SLAB_RECLAIMABLE] >> 10);
	for (unsigned int l = 0; l < MM_NR_LRU_LISTS; l++)
		left += c->lists[l];
	other = mm_min_u64(other_pages(c), *room);
	mm_memcg_force_charge_other(c->memcg, other);
	*room -= other;
	mm_machine_losses(m, "pages of captured cgroups for which the lists of captured zones have no room: they cannot be reclaimed",
			  left);
	mm_machine_losses(m, "pages of captured cgroups that are more than the machine has: not charged",
			  c->kernel + other_pages(c) - kernel - other);
	if (c->current != UINT64_MAX && c->made + kernel > c->current)
		mm_machine_note(m, "captured cgroups whose memory.stat tells of more than memory.current: they begin with that");
}

/* Pages that are on swap: slots that pages of @as have. */
static int fill_swap(struct mm_machine *m, struct mm_captured_memcg *c, struct mm_address_space *as)
{
	struct mm_cache *cache = m->cache;

	for (; c->swap; c->swap--) {
		mm_swp_t entry = mm_get_swap_slot(cache);

		if (!entry)
			break;
		if (mm_xa_store(&as->i_pages, as->host->size / MM_PAGE_SIZE, mm_xa_mk_swap(entry), NULL))
			return -ENOMEM;
		as->host->size += MM_PAGE_SIZE;
		mm_mapping_add_pages(cache, as, 0, 1);
		mm_swap_duplicate(cache, entry);
		mm_swap_entry_free(cache, entry, MM_SWAP_HAS_CACHE);
		cache->swap->cgroup[entry] = (uint16_t)c->memcg->id;
		mm_mem_cgroup_force_charge_swap(c->memcg, 1);
	}
	mm_machine_losses(m, "pages that captured cgroups have on swap, for which the swap device has no room (--swap)", c->swap);
	return 0;
}

/* Whoever is beyond its soft limit has been noticed long since. */
static void enter_soft_limits(const struct mm_captured_memcgs *cap, struct mm_cache *c)
{
	for (size_t i = 1; i < cap->nr; i++)
		for (uint32_t node = 0; node < MM_MAX_NODES; node++)
			if (cap->v[i].memcg->lruvec[node])
				mm_mem_cgroup_update_tree(c, cap->v[i].memcg, node);
}

int mm_captured_memcgs_end(struct mm_captured_memcgs *cap, struct mm_machine *m, uint64_t kernel_pages, struct mm_address_space *anon)
{
	for (size_t i = 1; i < cap->nr; i++) {
		charge_kernel(m, &cap->v[i], &kernel_pages);
		if (fill_swap(m, &cap->v[i], anon))
			return -ENOMEM;
	}
	mm_mem_cgroup_do_flush_stats(m->cache);
	if (m->cache->cgroup_v1)
		enter_soft_limits(cap, m->cache);
	return 0;
}
