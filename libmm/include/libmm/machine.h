/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmm/machine.h - one simulated machine: boot it, replay a trace on it, ask it for tables
 *
 * A machine is single-threaded, seeded and has no clock of the host: the same
 * configuration and the same rows give the same effects on any host.  Machines
 * share no state; several may run in several threads.
 */
#ifndef LIBMM_MACHINE_H
#define LIBMM_MACHINE_H

#include <libmm/error.h>
#include <libmm/region.h>
#include <libmm/sysctl.h>
#include <libmm/table.h>
#include <libmm/trace.h>
#include <libmm/types.h>
#include <libmm/vmstat.h>

struct mm_machine;

/* How deep rows are simulated: a command needs its own floor and those below. */
enum mm_depth {
	MM_DEPTH_PHYS,		/* page_alloc, page_free: mm-buddy */
	MM_DEPTH_SLAB,		/* and kmalloc, cache_alloc: mm-slab */
	MM_DEPTH_VMA,		/* address spaces only, no page behind them: mm-vma */
	MM_DEPTH_FULL,		/* everything: mm-fault, mm-reclaim, mm-vmstat, mm-top */
};

struct mm_seed {		/* --seed=PID:FILE */
	uint32_t pid;
	char *path;
};

struct mm_machine_config {
	enum mm_depth depth;
	struct mm_region_list regions;	/* of the firmware's map; empty: the built-in pc-4g */
	/* a capture (-M DIR): its zoneinfo gives the zones and their free pages; NULL none */
	const char *sysroot;
	uint64_t ram_bytes;		/* --ram, 0 all */
	uint64_t swap_bytes;		/* --swap, 0 none */
	uint64_t swap_used_bytes;	/* of these, in use when the machine starts, by nobody of the workload */
	uint64_t memory_max_bytes;	/* --memory-max, 0 none */
	uint32_t nr_cpus;		/* --cpus, 0: 1 */
	struct mm_sysctls sysctl;
	uint64_t mmap_base;		/* of seeded processes, 0: computed */
	bool automap;			/* --automap */
	bool check;			/* verify every structure after every event */
	bool effects;			/* keep effects for the trace */
	bool tells_need;		/* who runs it tells how much memory programs need: mm_machine_end() */
	uint64_t random_seed;
	uint32_t explain_gfp, explain_order;	/* what table explain asks for; gfp 0: GFP_KERNEL */
	const char *tlb;		/* geometry of the TLBs: one of mm_tlb_name(), NULL the default; static text */
	bool only_pid, find;		/* the table maps: only this process, only what holds this address */
	uint32_t maps_pid;
	uint64_t find_vaddr;
	bool keep_ended;		/* the table maps: if no process lives, the last maps of that one, or the first */
	bool tlb_misses;		/* a tlb_miss effect for each walk */
	uint64_t pages_start_pfn, pages_end_pfn;	/* what tables pages and pageflags show; end 0: to the last */
	bool pages_raw;
	/* Told what the simulated kernel's log says when memory ran out, a row at a time; NULL: nobody wants it. */
	void (*oom_report)(void *arg, const char *text, size_t len);
	void *oom_report_arg;
	uint32_t explain_pid;		/* the walk that the table "walk" shows */
	uint64_t explain_vaddr;
};

/* The machine that no option describes; nothing in it is owned. */
void mm_machine_config_init(struct mm_machine_config *cfg);

/* 0 or -errno with @err; the caller frees with mm_machine_free().  @cfg is copied, its lists stay the caller's. */
int mm_machine_new(struct mm_machine **mp, const struct mm_machine_config *cfg, struct mm_error *err);
void mm_machine_free(struct mm_machine *m);

/**
 * mm_machine_seed() - start process @pid with the mappings of a /proc/PID/maps or smaps text
 * @maps:	read to its end; stays the caller's
 * @note:	given each mapping as a row of a trace, which is valid during the call; NULL: nobody is told
 *
 * A machine that has not booted does so first.  Return: 0, or -errno with @err (what mm_maps_read() refuses, the boot, host memory).
 */
int mm_machine_seed(struct mm_machine *m, uint32_t pid, struct mm_input *maps,
		    void (*note)(const struct mm_event *ev, void *arg), void *arg, struct mm_error *err);

/*
 * The zones of a captured machine (config's sysroot) as rows of a trace, before it boots: whoever replays them first boots the same
 * zones without its files.  None of any other machine.  0 or -errno with @err.
 */
int mm_machine_captured_rows(struct mm_machine *m, void (*row)(const struct mm_event *ev, void *arg), void *arg, struct mm_error *err);

/* Boot now rather than at the first row of the workload (for a table without a trace). 0 or -errno with @err. */
int mm_machine_start(struct mm_machine *m, struct mm_error *err);

/*
 * The trace is over: a machine that none of its rows has booted boots now, and with config's tells_need a note tells what
 * mm_trace_lacks_accesses() says of the rows.  0 or -errno with @err.
 */
int mm_machine_end(struct mm_machine *m, struct mm_error *err);

/**
 * mm_machine_event() - replay one cause
 * @ev:	the row; its result is filled in where the machine says what came of it
 *
 * Effects are read with mm_machine_effects() until the next call.
 * Return: 0, or -errno when the run cannot go on (host memory, a failed
 * consistency check), with @err.
 */
int mm_machine_event(struct mm_machine *m, struct mm_event *ev, struct mm_error *err);
/**
 * mm_machine_hits() - replay accesses as long as the processor serves them: TLB or walk, no fault; where effects are not asked for
 *	faults too
 * @ev:	@nr rows; each one replayed gets its result
 *
 * The same as mm_machine_event() for each of them in turn, at a third of its cost or less.  Only the last one may have
 * effects: those of a daemon that its time wakes.  What goes wrong mm_machine_event() tells of the row that comes next.
 * Return: how many rows were replayed, from the first on.  The next one (if any) is for mm_machine_event().
 */
size_t mm_machine_hits(struct mm_machine *m, struct mm_event *ev, size_t nr);
/* What followed from the last row, *@nr rows in their order: the machine's, until the next one is replayed. */
const struct mm_event *mm_machine_effects(const struct mm_machine *m, size_t *nr);

/* The geometries that config's tlb may name: number @i with what it is; NULL past the end. */
const char *mm_tlb_name(size_t i, const char **help);
/* Its counters: the machine's, always up to date. */
const struct mm_vmstat *mm_machine_vmstat(const struct mm_machine *m);
const struct mm_vmstat *mm_machine_boot_vmstat(const struct mm_machine *m);	/* as booting left them */
/* What a machine does beside its counters. */
struct mm_machine_load {
	uint32_t tasks;			/* alive */
	uint64_t accesses;		/* loads, stores and fetches replayed, of ended tasks too */
	uint64_t swap_pages, swap_used_pages;
	uint64_t total_pages;		/* given to the page allocator; 0 where the machine has none */
	uint64_t available_pages;	/* as MemAvailable has it */
};
/* Into @load as it is now; all 0 before the boot.  Source: Linux 6.6 mm/show_mem.c si_mem_available(). */
void mm_machine_load(const struct mm_machine *m, struct mm_machine_load *load);

/* A task as /proc would tell of it; sizes in pages. */
struct mm_machine_task {
	uint32_t pid, tgid, ppid;
	bool alive;
	const char *comm;		/* NUL-terminated; valid until the next event */
	int32_t oom_score_adj;
	uint64_t total_vm, exec_vm, data_vm, stack_vm, locked_vm;
	uint64_t anon_pages, file_pages, shmem_pages, swap_entries;
	uint64_t min_flt, maj_flt, accesses;
};
/* Number @i of the tasks, in the order they appeared, ended ones too, into @t; false past the last. */
bool mm_machine_task(const struct mm_machine *m, size_t i, struct mm_machine_task *t);
/* What a machine's slab allocator holds, and what the trace asked of it. */
struct mm_slab_use {
	uint64_t pages, pages_peak;	/* of slabs and of large kmalloc()s */
	uint64_t live_objects, requested_bytes;	/* bytes as asked for */
	uint64_t laid_out_bytes;	/* of these objects as they lie in slabs or blocks */
	uint64_t allocs, frees, slow_allocs, slow_frees, failed;	/* slow: left the fast path */
};
/* 0; -EINVAL: it has no slab allocator; -ENOMEM */
int mm_machine_slab_use(struct mm_machine *m, struct mm_slab_use *use);

/* What the machine met that no floor could use, counted: for the end of the run. */
const struct mm_skip *mm_machine_skips(const struct mm_machine *m, size_t *nr);
/* A file of the captured machine that was read and whose last line does not end; NULL: none. */
const struct mm_input_cut *mm_machine_cut(const struct mm_machine *m);
int mm_machine_check(struct mm_machine *m, struct mm_error *err);	/* 0 or -EUCLEAN: which invariant broke */

#endif /* LIBMM_MACHINE_H */
