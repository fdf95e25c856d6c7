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

/* Effects of the cause being replayed, in order. */
struct mm_effects {
	struct mm_event *v;
	size_t nr, cap;
	bool nomem;			/* one was dropped for lack of host memory: the run fails */
};

struct mm_ctx {
	struct mm_vmstat stat;
	struct mm_sysctls sysctl;
	struct mm_rng rng;
	uint64_t now_ns;		/* simulated time: of the row being replayed */
	uint32_t cpu, pid;		/* of the row being replayed */
	uint32_t nr_cpus;
	struct mm_effects *fx;		/* NULL: nobody listens */
};

static inline void mm_count(struct mm_ctx *ctx, enum mm_counter c, int64_t n) { ctx->stat.v[c] += n; }
static inline int64_t mm_sysctl(const struct mm_ctx *ctx, enum mm_sysctl_id id) { return ctx->sysctl.v[id]; }

/* Append an effect; its time, cpu and pid default to the cause's. Returns NULL when nobody listens. */
struct mm_event *mm_effect(struct mm_ctx *ctx, enum mm_by by, enum mm_event_type type);

#endif /* PHYS_CTX_H */
