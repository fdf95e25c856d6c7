/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which byte of which DIMM a physical address is.
 *
 *   physical   0 .......... top_low |  hole: PCI, firmware  | 4 GiB ............ end
 *   DRAM       0 .......... top_low | top_low .............. total
 *                                     \\___ remapped: seen above 4 GiB
 *
 * A memory controller fills physical addresses from 0 with DRAM; the part that
 * the hole below 4 GiB would hide is seen from 4 GiB on. So with @total bytes in
 * the DIMMs and @high bytes of RAM above 4 GiB, top_low is total - high.
 * DRAM is laid over the DIMMs one after the other, or by turns of a granule:
 * as far as all of them reach, then as far as all but the smallest do ("flex").
 * Left out: ranks, banks and the hashes of addresses that vendors keep to themselves.
 */
#include <errno.h>
#include <inttypes.h>

#include "machine/physmap.h"

static const uint64_t FOUR_G = 1ull << 32;

/* A piece of DRAM that @ways DIMMs share, by turns of @granule. */
struct segment {
	uint64_t dram_start, bytes;
	uint64_t dimm_start;				/* byte of each DIMM where it begins */
	uint64_t granule;
	uint32_t ways;
	uint32_t dimm[MM_PHYSMAP_MAX_DIMMS];
};

struct layout {
	struct segment seg[MM_PHYSMAP_MAX_DIMMS];
	size_t nr_segs;
	uint64_t total, top_low;
	uint64_t dimm_bytes[MM_PHYSMAP_MAX_DIMMS];
	size_t nr_dimms;
};

static void lay_out_in_turn(struct layout *l)
{
	uint64_t at = 0;

	for (size_t i = 0; i < l->nr_dimms; i++) {
		l->seg[l->nr_segs] = (struct segment){ .dram_start = at, .bytes = l->dimm_bytes[i], .ways = 1,
			.dimm = { (uint32_t)i } };
		l->nr_segs += l->dimm_bytes[i] > 0;
		at += l->dimm_bytes[i];
	}
}

static void lay_out_interleaved(struct layout *l, uint64_t granule)
{
	uint64_t done = 0, at = 0;	/* bytes of each DIMM used, of DRAM used */

	for (;;) {
		struct segment s = { .dram_start = at, .dimm_start = done, .granule = granule };
		uint64_t least = UINT64_MAX;

		for (size_t i = 0; i < l->nr_dimms; i++)
			if (l->dimm_bytes[i] > done) {
				s.dimm[s.ways++] = (uint32_t)i;
				least = l->dimm_bytes[i] < least ? l->dimm_bytes[i] : least;
			}
		if (!s.ways)
			return;
		s.bytes = (least - done) * s.ways;
		l->seg[l->nr_segs++] = s;
		at += s.bytes;
		done = least;
	}
}

/*
 * End of what belongs to DRAM below 4 GiB: the highest firmware entry of memory below the lowest bus window
 * above 1 MiB.
 */
static uint64_t low_dram_end(const struct mm_physmap *pm)
{
	const struct mm_region_list *l = pm->cfg.regions;
	uint64_t window = FOUR_G, end = 0;

	for (size_t i = 0; i < l->nr; i++)
		if (!l->v[i].depth && l->v[i].kind == MM_REGION_MMIO && l->v[i].start >= 1 << 20 &&
		    l->v[i].start < window)
			window = l->v[i].start;
	for (size_t i = 0; i < l->nr; i++) {
		const struct mm_region *r = &l->v[i];
		bool memory = r->kind == MM_REGION_RAM || r->kind == MM_REGION_ACPI || r->kind == MM_REGION_NVS;

		if (r->depth || r->start >= window || r->end >= window)
			continue;
		/* what the firmware keeps counts when it goes on where memory ends, not high up beside the ROM */
		if (memory || (r->kind == MM_REGION_RESERVED && r->start <= end))
			end = r->end + 1 > end ? r->end + 1 : end;
	}
	return end;
}

/* End of RAM above 4 GiB less 4 GiB. */
static uint64_t high_ram_bytes(const struct mm_physmap *pm)
{
	uint64_t end = FOUR_G;

	for (size_t i = 0; i < pm->nr_ram; i++) {
		const struct mm_region *r = &pm->cfg.regions->v[pm->ram[i]];

		end = r->end >= end && r->end != UINT64_MAX ? r->end + 1 : end;
	}
	return end - FOUR_G;
}

static int make_layout(const struct mm_physmap *pm, struct layout *l, struct mm_error *err)
{
	uint64_t low = low_dram_end(pm), high = high_ram_bytes(pm);

	*l = (struct layout){ .nr_dimms = pm->cfg.nr_dimms };
	if (!pm->nr_ram)
		return mm_error_set(err, -EINVAL, "expected a region of RAM, found none");
	for (size_t i = 0; i < l->nr_dimms; i++) {
		l->dimm_bytes[i] = pm->cfg.dimm_bytes[i];
		if (l->dimm_bytes[i] > UINT64_MAX / 2 / MM_PHYSMAP_MAX_DIMMS)
			return mm_error_set(err, -ERANGE, "expected DIMMs below 2^57 bytes, found %" PRIu64,
					    l->dimm_bytes[i]);
		l->total += l->dimm_bytes[i];
	}
	if (!l->nr_dimms) {
		l->nr_dimms = 1;
		l->total = l->dimm_bytes[0] = low + high;
	}
	if (l->total < low + high)
		return mm_error_set(err, -EINVAL,
				    "expected DIMMs of at least %" PRIu64 " bytes, which the map shows, found %" PRIu64,
				    low + high, l->total);
	l->top_low = l->total - high < FOUR_G ? l->total - high : FOUR_G;
	if (pm->cfg.interleave_bytes && l->nr_dimms > 1)
		lay_out_interleaved(l, pm->cfg.interleave_bytes);
	else
		lay_out_in_turn(l);
	return 0;
}

/* Address in DRAM of a physical address; false: none. */
static bool dram_of(const struct layout *l, uint64_t addr, uint64_t *dram)
{
	if (addr < l->top_low)
		*dram = addr;
	else if (addr >= FOUR_G && addr - FOUR_G < l->total - l->top_low)
		*dram = l->top_low + (addr - FOUR_G);
	else
		return false;
	return true;
}

static const struct segment *segment_of(const struct layout *l, uint64_t dram)
{
	for (size_t i = 0; i < l->nr_segs; i++)
		if (dram - l->seg[i].dram_start < l->seg[i].bytes)
			return &l->seg[i];
	return NULL;
}

static void dimm_of_dram(const struct segment *s, uint64_t dram, uint64_t *dimm, uint64_t *offset)
{
	uint64_t at = dram - s->dram_start, turn;

	if (s->ways == 1) {
		*dimm = s->dimm[0];
		*offset = s->dimm_start + at;
		return;
	}
	turn = at / s->granule;
	*dimm = s->dimm[turn % s->ways];
	*offset = s->dimm_start + turn / s->ways * s->granule + at % s->granule;
}

bool mm_physmap_dimm_of(const struct mm_physmap *pm, uint64_t addr, uint64_t *dimm, uint64_t *offset)
{
	const struct segment *s;
	struct layout l;
	uint64_t dram;

	if (make_layout(pm, &l, NULL) || !dram_of(&l, addr, &dram))
		return false;
	s = segment_of(&l, dram);
	if (!s)
		return false;
	dimm_of_dram(s, dram, dimm, offset);
	return true;
}

/* Bytes of the segment's DIMM number @way below @at bytes of the segment. */
static uint64_t way_bytes(const struct segment *s, uint32_t way, uint64_t at)
{
	uint64_t round, rest;

	if (s->ways == 1)
		return at;
	round = at / (s->granule * s->ways) * s->granule;
	rest = at % (s->granule * s->ways);
	if (rest <= way * s->granule)
		return round;
	rest -= way * s->granule;
	return round + (rest < s->granule ? rest : s->granule);
}

/* The places of [start, end], which is one stretch of DRAM from @dram on, inside one segment. */
static int places_of(const struct segment *s, uint64_t dram, uint64_t start, uint64_t end,
		     int (*fn)(void *arg, const struct mm_dimm_place *p), void *arg)
{
	uint64_t from = dram - s->dram_start, to = from + (end - start) + 1;
	int e = 0;

	for (uint32_t way = 0; way < s->ways && !e; way++) {
		uint64_t first = way_bytes(s, way, from), last = way_bytes(s, way, to);
		struct mm_dimm_place p = {
			.dimm = s->dimm[way], .start = start, .end = end, .ways = s->ways,
			.granule_bytes = s->ways > 1 ? s->granule : 0,
			.dimm_start = s->dimm_start + first, .dimm_end = s->dimm_start + last - 1,
			.remapped = start >= FOUR_G,
		};

		if (last > first)
			e = fn(arg, &p);
	}
	return e;
}

int mm_physmap_each_place(const struct mm_physmap *pm, int (*fn)(void *arg, const struct mm_dimm_place *p), void *arg,
			  struct mm_error *err)
{
	struct layout l;
	int e = make_layout(pm, &l, err);

	for (size_t i = 0; i < pm->nr_ram && !e; i++) {
		const struct mm_region *r = &pm->cfg.regions->v[pm->ram[i]];
		uint64_t at = r->start, dram, left;

		while (!e && at <= r->end && dram_of(&l, at, &dram)) {
			const struct segment *s = segment_of(&l, dram);

			if (!s)
				break;
			/* of the segment, of this side of the hole, of the region */
			left = s->bytes - (dram - s->dram_start);
			left = at < l.top_low && l.top_low - at < left ? l.top_low - at : left;
			left = r->end - at < left ? r->end - at + 1 : left;
			e = places_of(s, dram, at, at + left - 1, fn, arg);
			at += left;
		}
	}
	return e;
}

/* ---- the table ---------------------------------------------------------- */

struct dimm_row {
	uint64_t start, end, size_bytes, dimm, dimm_start, dimm_end, interleave_ways, interleave_bytes;
	const char *remapped;
};

#define COL(field, type, help)	MM_COLUMN(struct dimm_row, field, type, help)
static const struct mm_column columns[] = {
	COL(start, MM_COL_HEX, "first physical address of a range of RAM"),
	COL(end, MM_COL_HEX, "last physical address, inclusive"),
	COL(size_bytes, MM_COL_BYTES, "bytes of it that lie in this DIMM"),
	COL(dimm, MM_COL_U64, "number of the DIMM, in the order of --dimm"),
	COL(dimm_start, MM_COL_HEX, "first byte of the DIMM"),
	COL(dimm_end, MM_COL_HEX, "last byte of the DIMM, inclusive"),
	COL(interleave_ways, MM_COL_U64, "DIMMs that serve the range by turns"),
	COL(interleave_bytes, MM_COL_BYTES, "size of a turn, 0 without interleave"),
	COL(remapped, MM_COL_STR, "yes: RAM that the hole below 4 GiB hides, seen above it"),
};

static int dimm_row(void *arg, const struct mm_dimm_place *p)
{
	struct dimm_row row = {
		.start = p->start, .end = p->end, .size_bytes = mm_range_bytes(p->dimm_start, p->dimm_end),
		.dimm = p->dimm,
		.dimm_start = p->dimm_start, .dimm_end = p->dimm_end, .interleave_ways = p->ways,
		.interleave_bytes = p->granule_bytes, .remapped = p->remapped ? "yes" : "no",
	};

	mm_table_writer_row(arg, &row);
	return 0;
}

static int rows(const struct mm_physmap *pm, struct mm_table_writer *w, struct mm_error *err)
{
	return mm_physmap_each_place(pm, dimm_row, w, err);
}

const struct mm_physmap_table mm_physmap_dimms = {
	MM_TABLE("dimms", columns, "which bytes of which DIMM each range of RAM is (--dimm, --interleave)"), rows,
};
