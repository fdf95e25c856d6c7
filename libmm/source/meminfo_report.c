/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The Mem-Info block of a kernel log: what the kernel prints when an
 * allocation fails or the OOM killer runs.
 *
 *	dd: page allocation failure: order:4, mode:0x40cc0(GFP_KERNEL|__GFP_COMP), ...
 *	bpf: vmalloc error: size 4194304, page order 9, failed to allocate pages, mode:0xdc2(...), nodemask=(null)
 *	sh invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP), order=0, ...
 *	Node 0 DMA free:13312kB boost:0kB min:28kB low:35kB high:42kB reserved_highatomic:0KB ... managed:15360kB ... free_cma:0kB
 *	lowmem_reserve[]: 0 276 276 276 276
 *	Node 0 DMA: 0*4kB 1*8kB (U) ... 3*4096kB (M) = 13312kB
 *	816128 pages HighMem/MovableOnly
 *
 * Anything may stand before these words in a line (time, host). A kernel without NUMA writes no "Node 0 ". Blocks of order 0 are pages.
 * Letters: U unmovable, M movable, E reclaimable, H high-order atomic, C CMA, I isolated.
 * Source: Linux 6.6 mm/show_mem.c show_free_areas(), mm/page_alloc.c warn_alloc(), mm/oom_kill.c dump_header().
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <libmm/explain.h>

#include "base/grow.h"
#include "base/minmax.h"
#include "base/str.h"
#include "source/log_plain.h"
#include "source/meminfo_report.h"
#include "source/oom.h"
#include "source/scan.h"

enum { MAX_ZONES = MM_MAX_NODES * 8 };

struct mm_explain_zone *mm_explain_add(struct mm_explain_list *l)
{
	if (mm_grow(&l->v, l->nr, &l->cap, sizeof(*l->v)))
		return NULL;
	l->v[l->nr] = (struct mm_explain_zone){ 0 };
	return &l->v[l->nr++];
}

void mm_explain_free(struct mm_explain_list *l)
{
	free(l->v);
	*l = (struct mm_explain_list){ 0 };
}

/* A size in kB under a key, in units of 4 KiB; false when the key is not there. */
static bool kib_of(struct mm_str line, const char *key, uint64_t *pages)
{
	struct mm_str rest;
	uint64_t v;

	if (!mm_str_after(line, key, &rest) || !scan_u64(&rest, &v))
		return false;
	*pages = v / 4;
	return true;
}

/* Bits of a request before Linux 4.6, whose reports give the number alone: up to 4.3, and in 4.4 and 4.5. */
static const struct {
	uint32_t bit;
	const char *to_4_3, *from_4_4;
} old_bits[] = {
	{ 0x1, "__GFP_DMA", "__GFP_DMA" }, { 0x2, "__GFP_HIGHMEM", "__GFP_HIGHMEM" }, { 0x4, "__GFP_DMA32", "__GFP_DMA32" },
	{ 0x8, "__GFP_MOVABLE", "__GFP_MOVABLE" }, { 0x10, "__GFP_RECLAIM", "__GFP_RECLAIMABLE" },
	{ 0x20, "__GFP_HIGH", "__GFP_HIGH" }, { 0x40, "__GFP_IO", "__GFP_IO" }, { 0x80, "__GFP_FS", "__GFP_FS" },
	{ 0x200, "__GFP_NOWARN", "__GFP_NOWARN" }, { 0x400, "__GFP_RETRY_MAYFAIL", "__GFP_RETRY_MAYFAIL" },
	{ 0x800, "__GFP_NOFAIL", "__GFP_NOFAIL" }, { 0x1000, "__GFP_NORETRY", "__GFP_NORETRY" },
	{ 0x2000, "__GFP_MEMALLOC", "__GFP_MEMALLOC" }, { 0x4000, "__GFP_COMP", "__GFP_COMP" },
	{ 0x8000, "__GFP_ZERO", "__GFP_ZERO" }, { 0x10000, "__GFP_NOMEMALLOC", "__GFP_NOMEMALLOC" },
	{ 0x20000, "__GFP_HARDWALL", "__GFP_HARDWALL" }, { 0x40000, "__GFP_THISNODE", "__GFP_THISNODE" },
	{ 0x80000, "__GFP_RECLAIMABLE", NULL }, { 0x400000, NULL, "__GFP_DIRECT_RECLAIM" },
	{ 0x1000000, "__GFP_WRITE", "__GFP_WRITE" }, { 0x2000000, NULL, "__GFP_KSWAPD_RECLAIM" },
};
enum { OLD_WAIT = 0x10, OLD_NO_KSWAPD = 0x400000, KSWAPD_4_4 = 0x2000000 };
enum { OLD_HIGHMEM = 0x2, OLD_MOVABLE = 0x100000 };	/* movable up to 2.6.30; later of kernel memory, which is not high */

/*
 * The words of such a number.  Nearly every request of 4.4 wakes kswapd, which
 * has a bit there; before, all do that are not told not to.
 */
static bool words_of_old_mask(struct mm_str number, struct mm_report_request *rq)
{
	uint64_t mask;
	bool is_4_4;
	size_t n = 0;

	if (!scan_hex(&number, &mask) || number.len)
		return false;
	is_4_4 = mask & KSWAPD_4_4;
	rq->gfp[0] = 0;
	for (size_t i = 0; i < sizeof(old_bits) / sizeof(old_bits[0]); i++) {
		const char *word = is_4_4 ? old_bits[i].from_4_4 : old_bits[i].to_4_3;

		if (word && mask & old_bits[i].bit)
			n += (size_t)snprintf(rq->gfp + n, sizeof(rq->gfp) - n, "%s%s", n ? "|" : "", word);
	}
	if (!is_4_4 && mask & OLD_HIGHMEM && mask & OLD_MOVABLE)
		n += (size_t)snprintf(rq->gfp + n, sizeof(rq->gfp) - n, "%s__GFP_MOVABLE", n ? "|" : "");
	if (!is_4_4 && !(mask & (OLD_WAIT | OLD_NO_KSWAPD)))
		n += (size_t)snprintf(rq->gfp + n, sizeof(rq->gfp) - n, "%s__GFP_KSWAPD_RECLAIM", n ? "|" : "");
	if (!n)
		memcpy(rq->gfp, "0", 2);
	return true;
}

/* Of vmalloc(): how much; the oldest form does not tell whether pages were asked for. */
static void vmalloc_size(struct mm_str line, struct mm_report_request *rq)
{
	struct mm_str size;

	rq->vmalloc_bytes = 0;
	rq->no_page_asked = mm_str_after(line, ", exceeds total pages", &size) ||
		mm_str_after(line, ", vm_struct allocation failed", &size);
	if (mm_str_after(line, "vmalloc error: size ", &size) || mm_str_after(line, "vmalloc: allocation failure: ", &size) ||
	    (mm_str_after(line, "vmalloc: allocation failure, allocated ", &size) && mm_str_after(size, " of ", &size)))
		(void)scan_u64(&size, &rq->vmalloc_bytes);
}

/* Its order and GFP words ("0x40cc0(GFP_KERNEL|...)" or the mask alone). */
bool mm_report_request_line(struct mm_str line, struct mm_report_request *rq)
{
	struct mm_str order = { "0", 1 }, gfp;
	uint64_t v;
	const char *open, *end;

	if (mm_str_after(line, "page allocation failure: order:", &order) ||	/* before 3.1 with a full stop */
	    mm_str_after(line, "page allocation failure. order:", &order)) {
		if (!mm_str_after(line, "mode:", &gfp))
			return false;
	} else if (mm_str_after(line, ", mode:", &gfp) && mm_str_after(line, "nodemask=", &order)) {	/* of vmalloc(), and stalls */
		if (!mm_str_after(line, "page order ", &order) && !mm_str_after(line, ", order:", &order))
			order = (struct mm_str){ "0", 1 };
	} else if (!mm_str_after(line, "oom-killer: gfp_mask=", &gfp) || !mm_str_after(line, "order=", &order)) {
		return false;
	}
	if (!scan_u64(&order, &v) || v > UINT32_MAX)
		return false;
	rq->order = (uint32_t)v;
	vmalloc_size(line, rq);
	open = memchr(gfp.p, '(', gfp.len);
	end = memchr(gfp.p, ',', gfp.len);
	if (open && (!end || open < end)) {
		gfp.len -= (size_t)(open + 1 - gfp.p);
		gfp.p = open + 1;
		end = memchr(gfp.p, ')', gfp.len);
	} else if (!open) {
		gfp.len = end ? (size_t)(end - gfp.p) : gfp.len;
		while (gfp.len && gfp.p[gfp.len - 1] == ' ')
			gfp.len--;
		return words_of_old_mask(gfp, rq);
	}
	if (end)
		gfp.len = (size_t)(end - gfp.p);
	if (!gfp.len || gfp.len >= sizeof(rq->gfp))
		return false;
	memcpy(rq->gfp, gfp.p, gfp.len);
	rq->gfp[gfp.len] = 0;
	return true;
}

/* "Node 0 DMA32", or "DMA32" alone, before @rest's line; cuts it off. */
static bool read_zone_name(struct mm_str *s, uint32_t *node, char *zone)
{
	uint64_t n = 0;
	size_t len = 0;

	if (mm_str_after(*s, "Node ", s) && (!scan_u64(s, &n) || n >= MM_MAX_NODES))
		return false;
	*node = (uint32_t)n;
	scan_blanks(s);
	while (len < s->len && s->p[len] != ' ' && s->p[len] != ':')
		len++;
	if (!len || *s->p < 'A' || *s->p > 'Z' || len >= MM_BUDDYINFO_NAME)
		return false;
	memcpy(zone, s->p, len);
	zone[len] = 0;
	s->p += len;
	s->len -= len;
	return true;
}

static struct mm_explain_zone *find_zone(struct mm_explain_list *l, uint32_t node, const char *zone)
{
	for (size_t i = 0; i < l->nr; i++)
		if (l->v[i].node == node && !strcmp(l->v[i].zone, zone))
			return &l->v[i];
	return NULL;
}

/* "Node 0 DMA free:13312kB boost:0kB min:28kB ...": 1, 0 it is none, -ENOMEM. */
static int read_zone(struct mm_explain_list *l, struct mm_str line)
{
	struct mm_explain_zone *z;
	char zone[MM_BUDDYINFO_NAME];
	uint32_t node;
	uint64_t free_pages;

	if (!read_zone_name(&line, &node, zone) || !scan_word(&line, " free:") || !scan_u64(&line, &free_pages))
		return 0;
	if (find_zone(l, node, zone) || l->nr == MAX_ZONES)
		return 1;
	z = mm_explain_add(l);
	if (!z)
		return -ENOMEM;
	z->node = node;
	memcpy(z->zone, zone, sizeof(zone));
	z->free_pages = free_pages / 4;
	kib_of(line, " boost:", &z->boost_pages);
	kib_of(line, " min:", &z->min_pages);
	kib_of(line, " low:", &z->low_pages);
	kib_of(line, " high:", &z->high_pages);
	z->highatomic_is_free = kib_of(line, " free_highatomic:", &z->highatomic_pages);
	if (!z->highatomic_is_free)
		kib_of(line, " reserved_highatomic:", &z->highatomic_pages);
	kib_of(line, " present:", &z->present_pages);
	kib_of(line, " managed:", &z->managed_pages);
	kib_of(line, " free_cma:", &z->cma_pages);
	return 1;
}

static void read_reserve(struct mm_explain_list *l, struct mm_str rest)
{
	struct mm_explain_zone *z = l->nr ? &l->v[l->nr - 1] : NULL;

	while (z && z->nr_reserve < MM_EXPLAIN_RESERVES && scan_u64(&rest, &z->reserve[z->nr_reserve]))
		z->nr_reserve++;
}

/* "(UME)" */
static uint8_t read_letters(struct mm_str *s)
{
	uint8_t types = 0;

	scan_blanks(s);
	if (!s->len || *s->p != '(')
		return 0;
	for (s->p++, s->len--; s->len && *s->p != ')'; s->p++, s->len--) {
		const char *at = strchr("UMEHCI", *s->p);

		if (at && *at)
			types |= (uint8_t)(1u << (at - "UMEHCI"));
	}
	s->p += s->len != 0;
	s->len -= s->len != 0;
	return types;
}

/* "Node 0 DMA: 0*4kB 1*8kB (U) ... = 13312kB" of a zone that was told of; false: it is none. Blocks are told of all zones that are. */
static bool read_blocks(struct mm_explain_list *l, struct mm_str line)
{
	struct mm_explain_zone *z;
	char zone[MM_BUDDYINFO_NAME];
	uint64_t nr, kib;
	uint32_t node;

	if (!read_zone_name(&line, &node, zone) || !scan_word(&line, ":"))
		return false;
	z = find_zone(l, node, zone);
	if (!z) {
		l->lost_zones |= scan_u64(&line, &nr) && scan_word(&line, "*");
		return false;
	}
	if (z->nr_orders)
		return true;
	while (z->nr_orders < MM_BUDDYINFO_MAX_ORDERS && scan_u64(&line, &nr) && scan_word(&line, "*") &&
	       scan_u64(&line, &kib) && scan_word(&line, "kB")) {
		if (!z->nr_orders && !l->page_size && kib >= 4 && kib <= 1024 && !(kib & (kib - 1)))
			l->page_size = (uint32_t)kib * 1024;
		z->blocks[z->nr_orders] = nr;
		z->types[z->nr_orders] = read_letters(&line);
		if (nr && !z->types[z->nr_orders])
			z->types[z->nr_orders] = 7;	/* kernels that print no letters */
		z->nr_orders++;
	}
	z->types_known = true;
	return true;
}

uint32_t mm_kernel_of_release(struct mm_str s)
{
	uint64_t major, minor;

	if (!scan_u64(&s, &major) || !scan_word(&s, ".") || !scan_u64(&s, &minor) || !major || major > 1000 || minor > 999)
		return 0;
	return (uint32_t)(major * 1000 + minor);
}

uint32_t mm_kernel_of_banner(struct mm_str line)
{
	return mm_str_after(line, "Linux version ", &line) ? mm_kernel_of_release(line) : 0;
}

/* "CPU: 0 PID: 17 Comm: eater Not tainted 6.12.3-1 #1 ...", once "Pid: 17, comm: ...": the release is the word before the build's. */
static uint32_t kernel_of_cpu_line(struct mm_str line)
{
	struct mm_str build;
	size_t n;

	if (!(scan_word(&line, "CPU: ") || scan_word(&line, "Pid: ")) || !mm_str_after(line, "ainted", &line) ||
	    !mm_str_after(line, " #", &build))
		return 0;
	n = (size_t)(build.p - line.p) - 2;
	while (n && line.p[n - 1] != ' ' && line.p[n - 1] != '(')	/* "Not tainted (2.6.24-19-server #1)" */
		n--;
	return mm_kernel_of_release((struct mm_str){ line.p + n, (size_t)(build.p - line.p) - 2 - n });
}

int mm_report_zone_line(struct mm_explain_list *l, struct mm_str line)
{
	uint32_t kernel = kernel_of_cpu_line(line);
	struct mm_str rest, high = line;
	uint64_t nr;

	if (kernel)
		l->kernel = kernel;
	if (scan_u64(&high, &nr) && (scan_word(&high, " pages HighMem") || scan_word(&high, " pages of HIGHMEM")))
		l->high_pages |= nr != 0;
	if (mm_str_after(line, "lowmem_reserve[]:", &rest)) {
		read_reserve(l, rest);
		return 1;
	}
	if (mm_str_after(line, " free:", &rest))
		return read_zone(l, line);
	return line.len && memchr(line.p, '*', line.len) ? read_blocks(l, line) : 0;
}

/*
 * What is set aside is told, what is free of it counts: blocks of no other type are, of those that may be of others at most all but one of
 * each. In units of pages.
 */
static void free_of_highatomic(struct mm_explain_list *l, struct mm_explain_zone *z)
{
	enum { H = 1 << 3 };			/* of the letters */
	uint64_t least = 0, most = z->nr_orders ? 0 : z->highatomic_pages;

	for (uint32_t o = 0; o < z->nr_orders; o++) {
		uint64_t others = (uint64_t)__builtin_popcount(z->types[o] & ~(unsigned int)H);
		uint64_t blocks = mm_min_u64(z->blocks[o], MM_BUDDYINFO_MAX_PAGES >> o);

		if (!(z->types[o] & H))
			continue;
		least += (others ? 1 : blocks) << o;
		most += (blocks > others ? blocks - others : 1) << o;
	}
	if (least < most && least < z->highatomic_pages)
		l->highatomic = MM_HIGHATOMIC_AT_MOST;
	z->highatomic_pages = mm_min_u64(most, z->highatomic_pages);
}

static void settle_highatomic(struct mm_explain_list *l)
{
	for (size_t i = 0; i < l->nr; i++) {
		if (l->v[i].highatomic_is_free || !l->v[i].highatomic_pages)
			continue;
		if (l->kernel >= MM_KERNEL_FREE_HIGHATOMIC)
			free_of_highatomic(l, &l->v[i]);
		else if (!l->kernel)
			l->highatomic = MM_HIGHATOMIC_RESERVED;
	}
}

void mm_report_zones_end(struct mm_explain_list *l)
{
	uint64_t k = l->page_size / 4096;
	uint32_t orders = 0;

	for (size_t i = 0; i < l->nr; i++)
		orders |= l->v[i].nr_orders;
	l->lost_zones |= l->nr && !orders;	/* it ends before the blocks */
	for (size_t i = 0; k > 1 && i < l->nr; i++) {
		struct mm_explain_zone *z = &l->v[i];

		z->free_pages /= k;
		z->min_pages /= k;
		z->low_pages /= k;
		z->high_pages /= k;
		z->boost_pages /= k;
		z->managed_pages /= k;
		z->present_pages /= k;
		z->cma_pages /= k;
		z->highatomic_pages /= k;
	}
	settle_highatomic(l);
}

int mm_meminfo_report_read(struct mm_explain_list *l, struct mm_report_request *rq, struct mm_input *in, uint32_t nth,
			   struct mm_error *err)
{
	struct mm_log_plain plain = { 0 };
	struct mm_oom_prefix prefix = { 0 };
	int64_t report = -1;
	struct mm_str line;
	int e, rc = 0;

	while (!rc && (e = mm_log_plain_next(&plain, in, &line, err)) > 0) {
		struct mm_report_request next;

		if (mm_report_request_line(line, &next) && ++report == nth)
			*rq = next;
		if (report < (int64_t)nth && mm_kernel_of_banner(line))
			l->kernel = mm_kernel_of_banner(line);
		if (report == nth)
			rc = mm_report_zone_line(l, mm_oom_prefix_line(&prefix, line));
		rc = rc < 0 ? mm_error_set(err, rc, "out of memory") : 0;
	}
	mm_log_plain_free(&plain);
	if (rc)
		return rc;
	if (e < 0)
		return e;
	if (report < nth)
		return mm_error_set(err, -ENOENT, "%s: expected a page allocation failure or OOM report, found %lld",
				    in->name,
				    (long long)report + 1);
	l->nr_reports = (uint32_t)(report + 1 < UINT32_MAX ? report + 1 : UINT32_MAX);
	if (!l->nr)
		return mm_error_set(err, -EINVAL, "%s: report %u of %u has no lines \"Node N ZONE free:...\"", in->name, nth,
				    l->nr_reports);
	mm_report_zones_end(l);
	return 0;
}
