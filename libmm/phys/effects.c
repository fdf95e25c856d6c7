/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Effects: what the machine did for the cause being replayed, in order.  The
 * buffer is emptied before each cause and grows to the largest cause seen; one
 * cause has no more effects than the machine has pages and VMAs to touch.
 */
#include "base/host_memory.h"
#include "phys/ctx.h"

struct mm_event *mm_effect_add(struct mm_ctx *ctx, enum mm_by by, enum mm_event_type type)
{
	struct mm_effects *fx = ctx->fx;
	struct mm_event *ev;

	if (mm_host_grow(&fx->v, fx->nr, &fx->cap, sizeof(*fx->v)))
		return NULL;
	ev = &fx->v[fx->nr++];
	mm_event_clear(ev);
	ev->type = (uint16_t)type;
	ev->by = (uint8_t)by;
	ev->pid = ctx->pid;
	ev->cpu = ctx->cpu;
	ev->present = MM_TC_BIT(EVENT) | MM_TC_BIT(PID) | MM_TC_BIT(BY);
	return ev;
}
