/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The physical address space, looked at: what the map says, what lies between,
 * and the zones that a kernel makes of it. Nothing is simulated: a map of any
 * size costs what its regions cost.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/host_memory.h"
#include "base/minmax.h"
#include "machine/physmap.h"

/* What is nested in a region follows it with a greater depth. */
static int find_ram(struct mm_physmap *pm)
{
	const struct mm_region_list *l = pm->cfg.regions;
	uint32_t inside = UINT32_MAX;	/* depth of the RAM that we are in */

	pm->ram = mm_host_calloc(l->nr + 1, sizeof(*pm->ram));
	if (!pm->ram)
		return -ENOMEM;
	for (size_t i = 0; i < l->nr; i++) {
		if (l->v[i].depth > inside)
			continue;
		inside = l->v[i].kind == MM_REGION_RAM ? l->v[i].depth : UINT32_MAX;
		if (l->v[i].kind == MM_REGION_RAM)
			pm->ram[pm->nr_ram++] = i;
	}
	return 0;
}

static int add_range(struct mm_ranges *l, uint64_t start, uint64_t end)
{
	if (mm_host_grow(&l->v, l->nr, &l->cap, sizeof(*l->v)))
		return -ENOMEM;
	l->v[l->nr++] = (struct mm_range){ start, end };
	return 0;
}

static int by_start(const void *a, const void *b)
{
	const struct mm_range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* What top-level regions cover, and the gaps from 0 to the end of the last. */
static int find_holes(struct mm_physmap *pm)
{
	struct mm_ranges *c = &pm->covered;
	uint64_t next = 0;		/* first byte not yet known to be covered */
	size_t nr = 0;

	for (size_t i = 0; i < pm->cfg.regions->nr; i++) {
		const struct mm_region *r = &pm->cfg.regions->v[i];

		if (!r->depth && r->end >= r->start && add_range(c, r->start, r->end))
			return -ENOMEM;
	}
	if (c->nr)
		qsort(c->v, c->nr, sizeof(c->v[0]), by_start);
	for (size_t i = 0; i < c->nr; i++) {
		struct mm_range r = c->v[i];

		if (nr && r.start <= (c->v[nr - 1].end == UINT64_MAX ? UINT64_MAX : c->v[nr - 1].end + 1))
			c->v[nr - 1].end = mm_max_u64(r.end, c->v[nr - 1].end);
		else
			c->v[nr++] = r;
	}
	c->nr = nr;
	for (size_t i = 0; i < nr; i++) {
		if (c->v[i].start > next && add_range(&pm->holes, next, c->v[i].start - 1))
			return -ENOMEM;
		next = c->v[i].end + 1;
	}
	return 0;
}

/*
 * The zones; why there are none is told when they are asked for, but that the host's memory is out at once: -ENOMEM.  What counts
 * in pages of another size than the model's is what the capture says: its map, in bytes, has no part in it.
 */
static int make_zones(struct mm_physmap *pm, struct mm_phys_config *phys)
{
	static const struct mm_region_list no_map;

	if (!pm->cfg.page_size)
		pm->cfg.page_size = MM_PAGE_SIZE;
	if (pm->cfg.page_size != MM_PAGE_SIZE) {
		phys->regions = &no_map;
		if (!pm->cfg.zoneinfo) {
			mm_error_set(&pm->phys_err, -EINVAL, "zones of a machine with pages of %u KiB: expected its zoneinfo, found none",
				     pm->cfg.page_size / 1024);
			return 0;
		}
	}
	return mm_phys_new(&pm->phys, &pm->ctx, phys, &pm->phys_err) == -ENOMEM ? -ENOMEM : 0;
}

int mm_physmap_new(struct mm_physmap **pmp, const struct mm_physmap_config *cfg, struct mm_error *err)
{
	struct mm_physmap *pm = mm_host_calloc(1, sizeof(*pm));
	struct mm_phys_config phys = {
		.regions = cfg->regions, .zoneinfo = cfg->zoneinfo, .sizes_only = true,
		.mem_limit_bytes = cfg->mem_limit_bytes,
		.kernelcore_bytes = cfg->kernelcore_bytes, .movablecore_bytes = cfg->movablecore_bytes,
		.kernelcore_percent = cfg->kernelcore_percent, .movablecore_percent = cfg->movablecore_percent,
		.movable_node = cfg->movable_node, .nr_cpus = cfg->nr_cpus,
	};

	if (!pm)
		return mm_error_set(err, -ENOMEM, "out of memory");
	pm->cfg = *cfg;
	pm->ctx.sysctl = cfg->sysctl;
	pm->ctx.nr_cpus = cfg->nr_cpus;
	if (cfg->mem_limit_bytes || cfg->kernelcore_bytes || cfg->movablecore_bytes || cfg->kernelcore_percent ||
	    cfg->movablecore_percent || cfg->movable_node)
		pm->cfg.zoneinfo = NULL;	/* another machine than the captured one */
	if (find_ram(pm) || find_holes(pm) || make_zones(pm, &phys)) {
		mm_physmap_free(pm);
		return mm_error_set(err, -ENOMEM, "out of memory");
	}
	*pmp = pm;
	return 0;
}

void mm_physmap_free(struct mm_physmap *pm)
{
	if (!pm)
		return;
	mm_phys_free(pm->phys);
	free(pm->ram);
	free(pm->covered.v);
	free(pm->holes.v);
	free(pm);
}
