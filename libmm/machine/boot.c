/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Booting: each floor on the ones below it, as far up as the depth asks for,
 * then the upward hooks.  Shutting down goes the other way.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/slab.h>
#include <libmm/source.h>
#include <libmm/zoneinfo.h>

#include "cache/cache.h"
#include "cache/contents.h"
#include "cache/memcg.h"
#include "cache/swap_impl.h"
#include "fault/fault.h"
#include "fault/ksm.h"
#include "machine/boot_blocks.h"
#include "machine/buddy_replay.h"
#include "machine/machine.h"
#include "machine/slab_replay.h"
#include "machine/vma_call.h"
#include "phys/phys.h"
#include "reclaim/reclaim.h"
#include "virt/hugetlb.h"
#include "virt/tlb.h"

static const char default_machine[] = "pc-4g";

static void boot_ctx(struct mm_machine *m)
{
	m->ctx = (struct mm_ctx){
		.sysctl = m->cfg.sysctl,
		.rng = { m->cfg.random_seed },
		.nr_cpus = m->cfg.nr_cpus ? m->cfg.nr_cpus : 1,
		.fx = m->cfg.effects ? &m->effects : NULL,
	};
}

/* What a machine takes from a capture of its free pages: their number, in what blocks they lie, or which they are. */
enum start { START_NUMBER, START_BLOCKS, START_PAGES };

static int boot_kpageflags(struct mm_machine *m, struct mm_error *err)
{
	struct mm_sysroot *root;
	int e = mm_sysroot_open(&root, m->cfg.sysroot, err);

	if (e)
		return e;
	e = mm_machine_boot_kpageflags(m, root, err);
	mm_machine_close_root(m, root);
	return e;
}

/* Of the capture's files each is read once. */
static int read_zones(struct mm_machine *m, const struct mm_sysroot *root, struct mm_error *err)
{
	int e = m->captured_zones_read ? 0 : mm_captured_read_zones(&m->captured, root, err);

	m->captured_zones_read = true;
	return e;
}

static int read_blocks(struct mm_machine *m, const struct mm_sysroot *root, struct mm_error *err)
{
	int e = m->captured_blocks_read || !m->captured.zones.nr ? 0 : mm_captured_read_blocks(&m->captured, root, err);

	m->captured_blocks_read = true;
	return e;
}

int mm_machine_captured_rows(struct mm_machine *m, void (*row)(const struct mm_event *ev, void *arg), void *arg, struct mm_error *err)
{
	struct mm_sysroot *root;
	int e = m->cfg.sysroot ? mm_sysroot_open(&root, m->cfg.sysroot, err) : 0;

	if (e || !m->cfg.sysroot)
		return e;
	e = read_zones(m, root, err);
	if (!e)
		e = read_blocks(m, root, err);
	mm_machine_close_root(m, root);
	if (!e)
		mm_captured_rows(&m->captured, row, arg);
	return e;
}

/* The zones of a capture, none when it has no zoneinfo; and how the machine is to start. */
static int read_captured(struct mm_machine *m, enum start *start, struct mm_error *err)
{
	bool lists = m->cfg.depth == MM_DEPTH_FULL && mm_sysctl(&m->ctx, MM_SYSCTL_CAPTURED_LISTS);
	struct mm_sysroot *root;
	int e = mm_sysroot_open(&root, m->cfg.sysroot, err);

	if (e)
		return e;
	e = read_zones(m, root, err);
	/* lists can be made without knowing which are taken */
	if (mm_sysroot_has(root, "proc/kpageflags") && !(lists && m->captured.zones.nr))
		*start = START_PAGES;
	else if (!e && !m->cfg.ram_bytes)
		e = read_blocks(m, root, err);
	mm_machine_close_root(m, root);
	return e;
}

static int boot_phys(struct mm_machine *m, struct mm_error *err)
{
	struct mm_zoneinfo *zi = &m->captured.zones;
	struct mm_phys_config cfg = {
		.regions = &m->cfg.regions, .mem_limit_bytes = m->cfg.ram_bytes, .nr_cpus = m->ctx.nr_cpus,
	};
	enum start start = START_NUMBER;
	int e = m->cfg.sysroot ? read_captured(m, &start, err) : 0;

	if (start == START_NUMBER && m->captured.has_blocks && !m->cfg.ram_bytes)
		start = START_BLOCKS;
	if (!e && !zi->nr && !m->cfg.regions.nr)
		e = mm_builtin_machine(default_machine, &m->cfg.regions);
	if (zi->nr)
		cfg.zoneinfo = zi;
	if (zi->unknown_lines)
		mm_machine_notes(m, "lines of zoneinfo of a kind that is not known", zi->unknown_lines);
	cfg.no_free = zi->nr && start != START_NUMBER;
	if (!e)
		e = mm_phys_new(&m->phys, &m->ctx, &cfg, err);
	if (!e && cfg.no_free && start == START_PAGES)
		e = boot_kpageflags(m, err);
	if (!e && cfg.no_free && start == START_BLOCKS && !mm_machine_boot_blocks(m)) {
		mm_phys_free(m->phys);
		m->phys = NULL;
		m->ctx.stat = (struct mm_vmstat){ 0 };
		cfg.no_free = false;
		e = mm_phys_new(&m->phys, &m->ctx, &cfg, err);
	}
	m->captured_pages = start == START_PAGES;
	m->captured_blocks = start == START_BLOCKS && cfg.no_free;
	if (m->captured_pages)			/* which pages are taken is known, but not what they are */
		mm_zoneinfo_free(zi);
	if (!e)
		m->phys->trace_drain = m->cfg.depth == MM_DEPTH_PHYS;
	return e;
}

/* Without page frames: the RAM that promises of memory are measured by. */
static int promised_ram(struct mm_machine *m)
{
	uint64_t bytes = 0;
	int e = m->cfg.regions.nr ? 0 : mm_builtin_machine(default_machine, &m->cfg.regions);

	for (size_t i = 0; i < m->cfg.regions.nr; i++)
		if (m->cfg.regions.v[i].kind == MM_REGION_RAM && !m->cfg.regions.v[i].depth)
			bytes += m->cfg.regions.v[i].end - m->cfg.regions.v[i].start + 1;
	if (m->cfg.ram_bytes && m->cfg.ram_bytes < bytes)
		bytes = m->cfg.ram_bytes;
	m->virt.totalram_pages = bytes >> MM_PAGE_SHIFT;
	m->virt.total_swap_pages = m->cfg.swap_bytes >> MM_PAGE_SHIFT;
	return e;
}

/* Pages move after those who use them where there are several nodes, unless the tunable says otherwise. */
static void default_numa_balancing(struct mm_machine *m)
{
	if (m->ctx.sysctl.v[MM_SYSCTL_NUMA_BALANCING] < 0)
		m->ctx.sysctl.v[MM_SYSCTL_NUMA_BALANCING] = m->phys && m->phys->nr_nodes > 1;
}

/* Nodes by the regions alone, where no memory is set up: policies are checked against them. */
static void nodes_of_regions(struct mm_machine *m)
{
	for (size_t i = 0; i < m->cfg.regions.nr; i++)
		if (m->cfg.regions.v[i].kind == MM_REGION_RAM && m->cfg.regions.v[i].node < MM_MAX_NODES)
			m->ctx.numa.memory |= (mm_nodes_t)1 << m->cfg.regions.v[i].node;
	if (!m->ctx.numa.memory)
		m->ctx.numa.memory = 1;
	m->ctx.numa.online = m->ctx.numa.memory;
}

static int boot_virt(struct mm_machine *m, struct mm_error *err)
{
	if (mm_inode_table_new(&m->inodes) || mm_virt_init(&m->virt))
		return mm_no_memory(err);
	m->virt.ctx = &m->ctx;
	m->virt.inodes = m->inodes;
	m->virt.la57 = mm_sysctl(&m->ctx, MM_SYSCTL_LA57);
	if (!m->phys && promised_ram(m))
		return mm_no_memory(err);
	if (!m->phys)
		nodes_of_regions(m);
	return mm_vma_report_new(m) ? mm_no_memory(err) : 0;
}

/* Pages behind address spaces: caches, page tables, faults, reclaim. */
static int boot_pages(struct mm_machine *m, struct mm_error *err)
{
	int e = mm_cache_new(&m->cache, &m->ctx, m->phys, m->inodes, m->cfg.swap_bytes);

	if (e == -EINVAL)
		return mm_error_set(err, e, "swap: expected at most 8 TiB, found %llu bytes",
				    (unsigned long long)m->cfg.swap_bytes);
	if (!e)
		e = mm_tlb_new(&m->virt.tlb, &m->ctx, m->cfg.tlb
			       ? mm_tlb_preset((struct mm_str){ m->cfg.tlb, strlen(m->cfg.tlb) }) : NULL,
			       m->ctx.nr_cpus);
	if (!e && m->slab)
		e = mm_cache_set_slab(m->cache, m->slab);
	if (e)
		return mm_no_memory(err);
	m->virt.phys = m->phys;
	m->virt.slab = m->slab;
	m->virt.cache = m->cache;
	m->virt.totalram_pages = m->phys->totalram_pages;
	m->virt.total_swap_pages = m->cfg.swap_bytes >> MM_PAGE_SHIFT;
	if (mm_pgtables_new(&m->virt) || mm_fault_new(&m->fault, &m->ctx, m->phys, m->cache, &m->virt) ||
	    mm_reclaim_new(&m->reclaim, &m->ctx, m->phys, m->cache, &m->virt))
		return mm_no_memory(err);
	if (mm_sysctl(&m->ctx, MM_SYSCTL_KSM_RUN) & MM_KSM_RUN_MERGE && mm_contents_keep(m->cache))
		return mm_no_memory(err);
	m->fault->tlb_miss_rows = m->cfg.tlb_misses;
	m->fault->reclaim_pages = mm_reclaim_pages;
	m->fault->reclaim_arg = m->reclaim;
	if (m->cfg.oom_report && mm_output_init(&m->oom_report, -1))
		return mm_no_memory(err);
	mm_machine_install_oom(m);
	return 0;
}

/* Who had swapped before the workload began has it still. */
static void occupy_swap(struct mm_machine *m)
{
	uint64_t used = mm_total_swap_pages(m->cache) - (uint64_t)mm_nr_swap_pages(m->cache);
	uint64_t wanted = m->cfg.swap_used_bytes >> MM_PAGE_SHIFT;

	if (wanted > used)		/* captured cgroups have some of it */
		mm_swap_occupy(m->cache, wanted - used);
}

static int boot_workload_memcg(struct mm_machine *m, struct mm_error *err)
{
	if (!m->cfg.memory_max_bytes)
		return 0;
	if (mm_memcg_new(m->cache, NULL, MM_STR("/workload"), &m->workload_memcg))
		return mm_no_memory(err);
	m->workload_memcg->max = m->cfg.memory_max_bytes >> MM_PAGE_SHIFT;
	return 0;
}

/* Tunables of what is not modelled are taken, and said to change nothing. */
static void tell_idle_sysctls(struct mm_machine *m)
{
	if (m->cfg.sysctl.set[MM_SYSCTL_VFS_CACHE_PRESSURE])
		mm_machine_note(m, "tunable without effect: vm.vfs_cache_pressure, there are no dentries and inodes to reclaim");
	if (m->cfg.sysctl.set[MM_SYSCTL_ADMIN_RESERVE_KBYTES])
		mm_machine_note(m, "tunable without effect: vm.admin_reserve_kbytes, all tasks here are root's");
}

int mm_machine_boot(struct mm_machine *m, struct mm_error *err)
{
	int e = 0;

	boot_ctx(m);
	if (m->cfg.depth != MM_DEPTH_VMA)
		e = boot_phys(m, err);
	if (!e && m->phys && !m->phys->totalram_pages)
		e = mm_error_set(err, -EINVAL, "expected a machine with RAM beyond the first MiB, which booting takes");
	if (!e && (m->cfg.depth == MM_DEPTH_SLAB || m->cfg.depth == MM_DEPTH_FULL))
		e = mm_slab_new(&m->slab, &m->ctx, m->phys, (enum mm_slab_kind)mm_sysctl(&m->ctx, MM_SYSCTL_SLAB));
	if (!e && m->cfg.depth >= MM_DEPTH_VMA)
		e = boot_virt(m, err);
	if (!e && m->cfg.depth == MM_DEPTH_FULL)
		e = boot_pages(m, err);
	if (!e && m->cfg.depth == MM_DEPTH_FULL && mm_sysctl(&m->ctx, MM_SYSCTL_CAPTURED_LISTS) && mm_machine_boot_lru(m))
		e = mm_no_memory(err);
	if (!e && m->cfg.depth == MM_DEPTH_FULL)
		occupy_swap(m);
	if (!e)
		mm_captured_free(&m->captured);
	default_numa_balancing(m);
	if (!e && m->cfg.depth == MM_DEPTH_FULL)
		e = boot_workload_memcg(m, err);
	if (!e && m->virt.hugetlb)
		mm_hugetlb_boot(&m->virt);
	tell_idle_sysctls(m);
	/* What booting did is not the workload's. */
	m->boot_stat = m->ctx.stat;
	for (uint32_t i = 0; m->phys && i < m->phys->nr_zones; i++)
		memset(m->phys->zone_table[i]->numa_events, 0, sizeof(m->phys->zone_table[i]->numa_events));
	return e;
}

void mm_machine_shutdown(struct mm_machine *m)
{
	m->virt.goes = true;
	for (size_t i = 0; i < m->tasks.nr; i++) {
		mm_mmput(m->tasks.v[i]->mm);
		m->tasks.v[i]->mm = NULL;
	}
	mm_reclaim_free(m->reclaim);
	mm_fault_free(m->fault);
	if (m->cache)
		mm_pgtables_free(&m->virt);
	mm_tlb_free(m->virt.tlb);
	mm_cache_free(m->cache);
	mm_virt_destroy(&m->virt);
	mm_vma_report_free(m->vma_report);
	free(m->seeding);
	mm_inode_table_free(m->inodes);
	mm_slab_replay_free(m->slab_replay);
	mm_slab_free(m->slab);
	mm_page_replay_free(m->pages);
	if (m->oom_report.buf)
		mm_output_finish(&m->oom_report);
	mm_phys_free(m->phys);
	mm_mpol_free_all(&m->ctx);
}

/* Watermarks and pools follow from tunables; everything else reads its tunable when it needs it. */
void mm_machine_sysctl_changed(struct mm_machine *m, int id)
{
	m->daemons_run = true;
	if (m->fault && mm_ksm_sysctl_changed(m->fault, &m->cfg.sysctl))
		mm_machine_loss(m, "changes of ksm tunables that the kernel refuses while pages are merged");
	m->daemons_run = false;
	m->ctx.sysctl = m->cfg.sysctl;
	default_numa_balancing(m);
	if (m->phys)
		mm_setup_per_zone_wmarks(m->phys);
	if (m->virt.hugetlb && (id == MM_SYSCTL_NR_HUGEPAGES || id == MM_SYSCTL_NR_GIGANTIC))
		mm_hugetlb_set_pool(&m->virt, id == MM_SYSCTL_NR_HUGEPAGES ? 9 : 18, (uint64_t)mm_sysctl(&m->ctx, (enum mm_sysctl_id)id),
				    MM_NODES_ALL);
}

int mm_machine_check(struct mm_machine *m, struct mm_error *err)
{
	const char *what = NULL;

	if (m->phys && !mm_phys_is_consistent(m->phys))
		what = "page allocator";
	else if (m->slab && !mm_slab_is_consistent(m->slab))
		what = "slab allocator";
	else if (m->cache && !mm_cache_is_consistent(m->cache))
		what = "page cache and LRU lists";
	else if (m->virt.tlb && !mm_tlb_is_consistent(m->virt.tlb))
		what = "TLB";
	else if (m->fault && !mm_fault_is_consistent(m->fault))
		what = "page faults";
	else if (m->reclaim && !mm_reclaim_is_consistent(m->reclaim))
		what = "reclaim";
	for (size_t i = 0; !what && i < m->tasks.nr; i++)
		if (m->tasks.v[i]->mm && mm_mm_is_consistent(m->tasks.v[i]->mm, &what) && m->virt.phys &&
		    !mm_pgtables_are_consistent(m->tasks.v[i]->mm))
			what = "page tables";
	return what ? mm_error_set(err, -EUCLEAN, "--check: the %s broke an invariant", what) : 0;
}
