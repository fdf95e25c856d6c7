/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory policies: made, compared, and pages given by them.
 *
 *	DEFAULT, LOCAL	the CPU's node, then the others by distance
 *	PREFERRED	one node, then the others by distance from it
 *	PREFERRED_MANY	only these nodes, without reclaim; failing that any node
 *	BIND		only these nodes, with reclaim and OOM; nearest first, or from the home node on
 *	INTERLEAVE	the n-th page from the n-th node, where the number is a page's place in its mapping or
 *			file, or the task's counter for pages that belong to no mapping
 *
 * Equal policies are one object, so that a VMA holds a pointer and compares pointers.
 *
 * A cpuset bounds them all: a policy gets those of its nodes that the task is allowed, and changes with them (mm_mpol_rebind()).
 *
 * Left out: policies of mounts.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/host_memory.h"
#include "phys/internal.h"
#include "phys/mempolicy.h"

static uint32_t weight(mm_nodes_t nodes) { return (uint32_t)__builtin_popcountll(nodes); }

/* The n-th set node, from 0; there are more than n. */
static uint32_t nth_node(mm_nodes_t nodes, uint32_t n)
{
	while (n--)
		nodes &= nodes - 1;
	return mm_first_node(nodes);
}

/* Numbers that count within the nodes there are. */
static mm_nodes_t mpol_relative_nodemask(const struct mm_nodemask *user, mm_nodes_t rel)
{
	mm_nodes_t nodes = 0;

	for (uint32_t n = 0; rel && n < MM_MAX_NUMNODES; n++)
		if (mm_node_isset(user, n))
			nodes |= mm_node_bit(nth_node(rel, n % weight(rel)));
	return nodes;
}

static bool equal(const struct mm_mempolicy *a, const struct mm_mempolicy *b)
{
	return a->mode == b->mode && a->flags == b->flags && a->home_node == b->home_node && a->nodes == b->nodes && a->mems == b->mems &&
	       !memcmp(&a->user_nodemask, &b->user_nodemask, sizeof(a->user_nodemask));
}

/* The one object of this value; NULL: no host memory. */
static const struct mm_mempolicy *intern(struct mm_ctx *ctx, const struct mm_mempolicy *value)
{
	struct mm_mempolicy **link = &ctx->numa.policies, *pol;

	for (; *link; link = &(*link)->next)
		if (equal(*link, value)) {	/* to the front: programs ask for the same ones again */
			pol = *link;
			*link = pol->next;
			pol->next = ctx->numa.policies;
			return ctx->numa.policies = pol;
		}
	pol = mm_host_malloc(sizeof(*pol));
	if (!pol)
		return NULL;
	*pol = *value;
	pol->next = ctx->numa.policies;
	return ctx->numa.policies = pol;
}

void mm_mpol_free_all(struct mm_ctx *ctx)
{
	struct mm_mempolicy *pol, *next;

	for (pol = ctx->numa.policies; pol; pol = next) {
		next = pol->next;
		free(pol);
	}
	ctx->numa.policies = NULL;
}

/* Source: sanitize_mpol_flags(). */
bool mm_mpol_flags_are_sane(uint32_t mode)
{
	uint32_t flags = mode & MM_MPOL_MODE_FLAGS;

	mode &= ~(uint32_t)MM_MPOL_MODE_FLAGS;
	if (mode >= MM_MPOL_MAX || (flags & MM_MPOL_USER_NODEMASK_FLAGS) == MM_MPOL_USER_NODEMASK_FLAGS)
		return false;
	return !(flags & MM_MPOL_F_NUMA_BALANCING) || mode == MM_MPOL_BIND;
}

int mm_mpol_new(struct mm_ctx *ctx, uint32_t mode, const struct mm_nodemask *nodes, const struct mm_mempolicy **polp)
{
	uint32_t flags = mode & MM_MPOL_MODE_FLAGS;
	bool empty = mm_nodemask_is_empty(nodes), by_place = flags & MM_MPOL_USER_NODEMASK_FLAGS;
	struct mm_mempolicy pol = { .home_node = -1 };

	if (!mm_mpol_flags_are_sane(mode))
		return -EINVAL;
	mode &= ~(uint32_t)MM_MPOL_MODE_FLAGS;
	if (mode == MM_MPOL_DEFAULT) {
		if (!empty)
			return -EINVAL;
		*polp = NULL;
		return 0;
	}
	if (mode == MM_MPOL_LOCAL ? !empty || by_place : empty && (mode != MM_MPOL_PREFERRED || by_place))
		return -EINVAL;
	if (mode == MM_MPOL_PREFERRED && empty)
		mode = MM_MPOL_LOCAL;
	if (flags & MM_MPOL_F_NUMA_BALANCING)
		flags |= MM_MPOL_F_MOF | MM_MPOL_F_MORON;
	pol.mode = (uint16_t)mode;
	pol.flags = (uint16_t)flags;
	if (mode != MM_MPOL_LOCAL) {
		pol.nodes = flags & MM_MPOL_F_RELATIVE_NODES ? mpol_relative_nodemask(nodes, mm_mems_allowed(ctx))
							     : nodes->w[0] & mm_mems_allowed(ctx);
		if (!pol.nodes)
			return -EINVAL;
		if (mode == MM_MPOL_PREFERRED)
			pol.nodes = mm_node_bit(mm_first_node(pol.nodes));
		if (by_place)
			pol.user_nodemask = *nodes;
		else
			pol.mems = mm_mems_allowed(ctx);
	}
	*polp = intern(ctx, &pol);
	return *polp ? 0 : -ENOMEM;
}

const struct mm_mempolicy *mm_mpol_with_home_node(struct mm_ctx *ctx, const struct mm_mempolicy *pol, int32_t home_node)
{
	struct mm_mempolicy new = *pol;

	new.home_node = home_node;
	return intern(ctx, &new);
}

/* Each of @nodes by its place among @from becomes the one at this place of @to, round and round. */
static mm_nodes_t nodes_remap(mm_nodes_t nodes, mm_nodes_t from, mm_nodes_t to)
{
	mm_nodes_t out = 0;

	for (; nodes; nodes &= nodes - 1) {
		mm_nodes_t bit = nodes & -nodes;

		out |= from & bit && to ? mm_node_bit(nth_node(to, weight(from & (bit - 1)) % weight(to))) : bit;
	}
	return out;
}

const struct mm_mempolicy *mm_mpol_rebind(struct mm_ctx *ctx, const struct mm_mempolicy *pol, mm_nodes_t mems)
{
	bool by_place = pol && pol->flags & MM_MPOL_USER_NODEMASK_FLAGS;
	struct mm_mempolicy new;

	if (!pol || pol->mode == MM_MPOL_LOCAL || (!by_place && pol->mems == mems))
		return pol;
	new = *pol;
	if (pol->mode == MM_MPOL_PREFERRED || pol->mode == MM_MPOL_PREFERRED_MANY) {
		if (by_place)		/* the two lie in one place in the kernel */
			new.user_nodemask = (struct mm_nodemask){ { mems } };
	} else if (pol->flags & MM_MPOL_F_STATIC_NODES) {
		new.nodes = pol->user_nodemask.w[0] & mems;
	} else if (pol->flags & MM_MPOL_F_RELATIVE_NODES) {
		new.nodes = mpol_relative_nodemask(&pol->user_nodemask, mems);
	} else {
		new.nodes = nodes_remap(pol->nodes, pol->mems, mems);
	}
	if (!by_place)
		new.mems = mems;
	if (!new.nodes)
		new.nodes = mems;
	return intern(ctx, &new);
}

int mm_sys_set_mempolicy(struct mm_ctx *ctx, struct mm_task_numa *task, uint32_t mode, const struct mm_nodemask *nodes)
{
	const struct mm_mempolicy *pol;
	int e = mm_mpol_new(ctx, mode, nodes, &pol);

	if (e)
		return e;
	task->mempolicy = pol;
	if (pol && pol->mode == MM_MPOL_INTERLEAVE)
		task->il_prev = MM_MAX_NUMNODES - 1;
	if (ctx->task_numa == task)
		ctx->mempolicy = pol;
	return 0;
}

/* ---- pages ---- */

uint32_t mm_offset_il_node(const struct mm_mempolicy *pol, uint64_t n)
{
	return nth_node(pol->nodes, (uint32_t)n % weight(pol->nodes));
}

uint32_t mm_interleave_next(const struct mm_task_numa *task, const struct mm_mempolicy *pol)
{
	mm_nodes_t above = task->il_prev < MM_MAX_NODES - 1 ? pol->nodes & (MM_NODES_ALL << (task->il_prev + 1)) : 0;

	return mm_first_node(above ? above : pol->nodes);
}

/* Source: interleave_nodes(). */
static uint32_t interleave_nodes(struct mm_ctx *ctx, const struct mm_mempolicy *pol)
{
	uint32_t n;

	if (!ctx->task_numa)
		return mm_first_node(pol->nodes);
	n = mm_interleave_next(ctx->task_numa, pol);
	ctx->task_numa->il_prev = n;
	return n;
}

mm_nodes_t mm_policy_nodemask(const struct mm_mempolicy *pol)
{
	return pol && (pol->mode == MM_MPOL_BIND || pol->mode == MM_MPOL_PREFERRED_MANY) ? pol->nodes : MM_NODES_ALL;
}

/* Lower zones are not bound: there is one Normal zone on x86-64 or none (apply_policy_zone()). */
static mm_nodes_t nodemask_for(const struct mm_phys *phys, const struct mm_mempolicy *pol, mm_gfp_t gfp)
{
	enum mm_zone_type policy_zone = MM_ZONE_DMA;
	bool movable_only = true;

	if (!pol || pol->mode != MM_MPOL_BIND)
		return mm_policy_nodemask(pol);
	if (!(pol->nodes & mm_mems_allowed(phys->ctx)))		/* the cpuset alone decides */
		return MM_NODES_ALL;
	for (uint32_t i = 0; i < phys->nr_zones; i++) {
		const struct mm_zone *z = phys->zone_table[i];

		if (!z->managed_pages || z->type == MM_ZONE_MOVABLE)
			continue;
		if (z->type > policy_zone)
			policy_zone = (enum mm_zone_type)z->type;
		if (pol->nodes >> z->node & 1)
			movable_only = false;
	}
	return mm_gfp_zone(gfp) >= (movable_only ? MM_ZONE_MOVABLE : policy_zone) ? pol->nodes : MM_NODES_ALL;
}

uint32_t mm_policy_node(const struct mm_mempolicy *pol, uint32_t nid)
{
	if (!pol)
		return nid;
	if (pol->mode == MM_MPOL_PREFERRED)
		return mm_first_node(pol->nodes);
	return (pol->mode == MM_MPOL_BIND || pol->mode == MM_MPOL_PREFERRED_MANY) && pol->home_node >= 0 ? (uint32_t)pol->home_node : nid;
}

static mm_pfn_t alloc_interleaved(struct mm_phys *phys, mm_gfp_t gfp, unsigned int order, struct mm_mpol_place place)
{
	uint32_t nid = place.off == MM_MPOL_BY_TASK ? interleave_nodes(phys->ctx, place.pol)
						    : mm_offset_il_node(place.pol, place.off);
	mm_pfn_t pfn = mm_alloc_pages_nodemask(phys, nid, MM_NODES_ALL, gfp, order);
	struct mm_zone *zone = pfn != MM_PFN_NONE ? mm_page_zone(phys, pfn) : NULL;

	if (zone && zone->node == nid)
		mm_count_numa(phys->ctx, zone, MM_NUMA_INTERLEAVE);
	return pfn;
}

static mm_pfn_t alloc_preferred_many(struct mm_phys *phys, mm_gfp_t gfp, unsigned int order, uint32_t nid, mm_nodes_t nodes)
{
	mm_gfp_t light = (gfp | __MM_GFP_NOWARN) & ~(mm_gfp_t)(__MM_GFP_DIRECT_RECLAIM | __MM_GFP_NOFAIL);
	mm_pfn_t pfn = mm_alloc_pages_nodemask(phys, nid, nodes, light, order);

	return pfn != MM_PFN_NONE ? pfn : mm_alloc_pages_nodemask(phys, nid, MM_NODES_ALL, gfp, order);
}

mm_pfn_t mm_alloc_pages_placed(struct mm_phys *phys, mm_gfp_t gfp, unsigned int order, struct mm_mpol_place place, bool hugepage)
{
	uint32_t local = phys->cpu_node[phys->ctx->cpu], nid = mm_policy_node(place.pol, local);
	mm_nodes_t nodes;
	mm_pfn_t pfn;

	if (place.pol && place.pol->mode == MM_MPOL_INTERLEAVE)
		return alloc_interleaved(phys, gfp, order, place);
	if (place.pol && place.pol->mode == MM_MPOL_PREFERRED_MANY)
		return alloc_preferred_many(phys, gfp, order, nid, place.pol->nodes);
	nodes = nodemask_for(phys, place.pol, gfp);
	if (hugepage) {
		/* Near by, with what compaction does without reclaim; from elsewhere only where it may take its time. */
		uint32_t near = place.pol && place.pol->mode == MM_MPOL_PREFERRED ? mm_first_node(place.pol->nodes) : local;

		if (nodes >> near & 1) {
			pfn = mm_alloc_pages_nodemask(phys, near, MM_NODES_ALL, gfp | __MM_GFP_THISNODE | __MM_GFP_NORETRY, order);
			if (pfn == MM_PFN_NONE && gfp & __MM_GFP_DIRECT_RECLAIM)
				pfn = mm_alloc_pages_nodemask(phys, near, nodes, gfp, order);
			return pfn;
		}
	}
	return mm_alloc_pages_nodemask(phys, nid, nodes, gfp, order);
}

mm_pfn_t mm_alloc_pages_task_policy(struct mm_phys *phys, mm_gfp_t gfp, unsigned int order)
{
	return mm_alloc_pages_placed(phys, gfp, order, (struct mm_mpol_place){ phys->ctx->mempolicy, MM_MPOL_BY_TASK }, false);
}

uint32_t mm_mempolicy_slab_node(struct mm_phys *phys)
{
	const struct mm_mempolicy *pol = phys->ctx->mempolicy;
	uint32_t local = phys->cpu_node[phys->ctx->cpu];

	if (!pol || pol->mode == MM_MPOL_LOCAL)
		return local;
	if (pol->mode == MM_MPOL_PREFERRED)
		return mm_first_node(pol->nodes);
	if (pol->mode == MM_MPOL_INTERLEAVE)
		return interleave_nodes(phys->ctx, pol);
	for (struct mm_zone *const *z = phys->nodes[local]->zonerefs[MM_ZONE_NORMAL]; z && *z; z++)
		if (pol->nodes >> (*z)->node & 1)
			return (*z)->node;
	return local;
}

/* ---- in words ---- */

size_t mm_nodes_to_str(mm_nodes_t nodes, char *buf, size_t room)
{
	size_t n = 0;

	buf[0] = 0;
	while (nodes && n < room) {
		uint32_t first = mm_first_node(nodes), last = first;

		while (last + 1 < MM_MAX_NODES && nodes >> (last + 1) & 1)
			last++;
		nodes &= last + 1 < MM_MAX_NODES ? MM_NODES_ALL << (last + 1) : 0;
		n += (size_t)snprintf(buf + n, room - n, "%s%" PRIu32, n ? "," : "", first);
		if (last > first && n < room)
			n += (size_t)snprintf(buf + n, room - n, "-%" PRIu32, last);
	}
	return n < room ? n : room - 1;
}

size_t mm_mpol_to_str(const struct mm_mempolicy *pol, bool asked, char *buf, size_t room)
{
	static const char *const modes[MM_MPOL_MAX] = { "default", "prefer", "bind", "interleave", "local", "prefer (many)" };
	uint32_t flags = pol ? pol->flags & MM_MPOL_MODE_FLAGS : 0;
	char nodes[MM_NODES_TEXT];
	int n;

	mm_nodes_to_str(!pol ? 0 : asked && flags & MM_MPOL_USER_NODEMASK_FLAGS ? pol->user_nodemask.w[0] : pol->nodes,
			nodes, sizeof(nodes));
	n = snprintf(buf, room, "%s%s%s%s%s%s%s", modes[pol ? pol->mode : MM_MPOL_DEFAULT], flags ? "=" : "",
		     flags & MM_MPOL_F_STATIC_NODES ? "static" : flags & MM_MPOL_F_RELATIVE_NODES ? "relative" : "",
		     flags & MM_MPOL_USER_NODEMASK_FLAGS && flags & MM_MPOL_F_NUMA_BALANCING ? "|" : "",
		     flags & MM_MPOL_F_NUMA_BALANCING ? "balancing" : "", nodes[0] ? ":" : "", nodes);
	return (size_t)n < room ? (size_t)n : room - 1;
}
