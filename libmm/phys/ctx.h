/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * phys/ctx.h - what every floor of one machine shares
 *
 * One struct mm_ctx a machine, no globals: counters, tunables, the simulated
 * clock, and the buffer that effects go to.  Owned by struct mm_machine.
 */
#ifndef PHYS_CTX_H
#define PHYS_CTX_H

#include <libmm/sysctl.h>
#include <libmm/trace.h>
#include <libmm/types.h>
#include <libmm/vmstat.h>
#include "base/rng.h"

struct mm_mempolicy;
struct mm_task_numa;

/* A set of nodes of the machine, a bit each. */
typedef uint64_t mm_nodes_t;
#define MM_NODES_ALL	UINT64_MAX
_Static_assert(MM_MAX_NODES <= 64, "a set of nodes is one word");

/* Nodes that have memory, that are there; policies that were asked for (phys/mempolicy.h). */
struct mm_numa {
	mm_nodes_t memory, online;
	struct mm_mempolicy *policies;
};

/* Effects of the cause being replayed, in order. */
struct mm_effects {
	struct mm_event *v;
	size_t nr, cap;
};

/* Bytes of a cache line, and of an element of an array by CPU that a CPU finds its own in at once. */
enum { MM_CPU_LINE = 64 };

/* CONFIG_HZ, and the nanoseconds of a jiffy. */
enum { MM_HZ = 250, MM_JIFFY_NS = 1000000000 / MM_HZ };

struct mm_ctx {
	struct mm_vmstat stat;
	struct mm_sysctls sysctl;
	struct mm_rng rng;
	uint64_t now_ns;		/* simulated time: of the row being replayed */
	uint32_t cpu, pid;		/* of the row being replayed; the CPU is set by mm_set_cpu() */
	uint32_t nr_cpus;
	uint32_t cpu_offset;		/* of the CPU's line in an array of lines by CPU, in bytes */
	/* memcg_rstat_updated(): changes of memcgs' counters since 64 were last gathered, and gathers since the last flush */
	uint32_t stats_updates, stats_flush_threshold;
	struct mm_numa numa;
	const struct mm_mempolicy *mempolicy;	/* of the running task; NULL: the default */
	mm_nodes_t mems_allowed;	/* nodes that its cpuset lets it have; 0: all */
	struct mm_task_numa *task_numa;	/* its own; NULL: none runs */
	struct mm_effects *fx;		/* NULL: nobody listens */
};

/* Counters that memcgs keep too (memory.stat). */
static inline bool mm_counter_is_of_memcg(enum mm_counter c)
{
	switch (c) {
	case MM_NR_INACTIVE_ANON: case MM_NR_ACTIVE_ANON: case MM_NR_INACTIVE_FILE: case MM_NR_ACTIVE_FILE:
	case MM_NR_UNEVICTABLE: case MM_WORKINGSET_REFAULT_ANON: case MM_WORKINGSET_REFAULT_FILE:
	case MM_WORKINGSET_ACTIVATE_ANON: case MM_WORKINGSET_ACTIVATE_FILE: case MM_WORKINGSET_RESTORE_ANON:
	case MM_WORKINGSET_RESTORE_FILE: case MM_NR_ANON_PAGES: case MM_NR_MAPPED: case MM_NR_FILE_PAGES: case MM_NR_DIRTY:
	case MM_NR_WRITEBACK: case MM_NR_SHMEM: case MM_NR_PAGE_TABLE_PAGES: case MM_NR_SWAPCACHED: case MM_PGACTIVATE:
	case MM_PGDEACTIVATE: case MM_PGLAZYFREE: case MM_PGLAZYFREED: case MM_PGFAULT: case MM_PGMAJFAULT: case MM_PGREFILL:
	case MM_PGSCAN_ANON: case MM_PGSCAN_FILE: case MM_PGSTEAL_ANON: case MM_PGSTEAL_FILE:
		return true;
	default:
		return false;
	}
}
static inline void mm_memcg_rstat_updated(struct mm_ctx *ctx, int64_t n)
{
	ctx->stats_updates += (uint32_t)(n < 0 ? -n : n);
	if (ctx->stats_updates > 64) {
		ctx->stats_flush_threshold += ctx->stats_updates / 64;
		ctx->stats_updates = 0;
	}
}
static inline void mm_count(struct mm_ctx *ctx, enum mm_counter c, int64_t n)
{
	ctx->stat.v[c] += n;
	if (mm_counter_is_of_memcg(c))
		mm_memcg_rstat_updated(ctx, n);
}
/* The same of counters that are told apart as the program runs: all of those that memcgs keep, or none. */
static inline void mm_count_memcg_too(struct mm_ctx *ctx, enum mm_counter c, int64_t n)
{
	ctx->stat.v[c] += n;
	mm_memcg_rstat_updated(ctx, n);
}
static inline void mm_count_node_only(struct mm_ctx *ctx, enum mm_counter c, int64_t n) { ctx->stat.v[c] += n; }

static inline void mm_set_cpu(struct mm_ctx *ctx, uint32_t cpu)
{
	ctx->cpu = cpu;
	ctx->cpu_offset = cpu * MM_CPU_LINE;
}

static inline int64_t mm_sysctl(const struct mm_ctx *ctx, enum mm_sysctl_id id) { return ctx->sysctl.v[id]; }

/* Append an effect; its time, cpu and pid default to the cause's. Returns NULL when nobody listens. */
struct mm_event *mm_effect_add(struct mm_ctx *ctx, enum mm_by by, enum mm_event_type type);
static inline struct mm_event *mm_effect(struct mm_ctx *ctx, enum mm_by by, enum mm_event_type type)
{
	return ctx->fx ? mm_effect_add(ctx, by, type) : NULL;
}

#endif /* PHYS_CTX_H */
