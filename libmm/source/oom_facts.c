/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source/oom_facts.c - what an OOM report says before its task table
 *
 *   CPU: 0 PID: 105 Comm: eater Not tainted 6.6.87 #1                who asked, and the kernel's version; before 3.11
 *   Pid: 105, comm: eater Not tainted 2.6.32 #1
 *   active_anon:422 inactive_anon:56691 isolated_anon:0 ...          Mem-Info: who holds the machine's pages
 *   Node 0 DMA32 free:1744kB ... min:1744kB low: ... high: ...       zones (meminfo_report.c)
 *   Total swap = 0kB / 65400 pages RAM / 9498 pages reserved
 *   memory: usage 49152kB, limit 49152kB, failcnt 56                 of a memcg; also memory+swap: (v1), swap: (v2)
 *   Task in /a/b killed as a result of limit of /a                   which one, before 4.20
 *   Memory cgroup stats for /a: cache:0KB rss:39416KB ...            v1 before 5.3
 *   Memory cgroup stats for /a:                                      then memory.stat, a line each, in bytes
 *   kmalloc-64   10KB   20KB                                         after "Unreclaimable slab info:"
 *
 * Source: Linux 6.6 mm/show_mem.c, mm/memcontrol.c mem_cgroup_print_oom_meminfo(); the same functions of 4.4 to 5.10.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/csv.h>

#include "base/grow.h"
#include "base/str.h"
#include "source/meminfo_report.h"
#include "source/oom.h"

#define skip		mm_oom_skip
#define find		mm_oom_find
#define trim		mm_oom_trim
#define number_after	mm_oom_number_after
#define pages_after	mm_oom_pages_after

int mm_oom_keep(struct mm_oom_report *r, struct mm_str s, struct mm_str *out)
{
	if (r->text_len + s.len > r->text_cap) {
		size_t cap = r->text_cap ? r->text_cap * 2 : 1024;
		char *p;

		while (cap < r->text_len + s.len)
			cap *= 2;
		p = realloc(r->text, cap);
		if (!p)
			return -ENOMEM;
		r->text = p;
		r->text_cap = cap;
	}
	if (s.len)
		memcpy(r->text + r->text_len, s.p, s.len);
	*out = (struct mm_str){ (const char *)(uintptr_t)r->text_len, s.len };
	r->text_len += s.len;
	return 0;
}

/* ---- who holds what ---- */

static void hold(struct mm_oom_report *r, enum mm_oom_held h, uint64_t pages)
{
	uint64_t have = r->held[h] == UINT64_MAX ? 0 : r->held[h];

	if (pages < UINT64_C(1) << 48 && have < UINT64_C(1) << 52)
		r->held[h] = have + pages;
}

static const struct {			/* words of Mem-Info, pages */
	const char *key;
	enum mm_oom_held held;
} mem_info[] = {
	{ "active_anon:", MM_OOM_HELD_ANON }, { " inactive_anon:", MM_OOM_HELD_ANON },
	{ " isolated_anon:", MM_OOM_HELD_ANON }, { "active_file:", MM_OOM_HELD_FILE },
	{ " inactive_file:", MM_OOM_HELD_FILE }, { " isolated_file:", MM_OOM_HELD_FILE },
	{ "unevictable:", MM_OOM_HELD_UNEVICTABLE }, { "slab_reclaimable:", MM_OOM_HELD_SLAB_RECLAIMABLE },
	{ " slab_unreclaimable:", MM_OOM_HELD_SLAB_UNRECLAIMABLE }, { " shmem:", MM_OOM_HELD_SHMEM },
	{ " pagetables:", MM_OOM_HELD_PAGETABLES }, { "sec_pagetables:", MM_OOM_HELD_PAGETABLES },
	{ "free:", MM_OOM_HELD_FREE }, { " free_pcp:", MM_OOM_HELD_PCP },
}, stats[] = {				/* lines of memory.stat, bytes; of v1 the total_ of the tree */
	{ "anon", MM_OOM_HELD_ANON }, { "file", MM_OOM_HELD_FILE }, { "shmem", MM_OOM_HELD_SHMEM },
	{ "kernel_stack", MM_OOM_HELD_KERNEL_STACK }, { "pagetables", MM_OOM_HELD_PAGETABLES },
	{ "slab_reclaimable", MM_OOM_HELD_SLAB_RECLAIMABLE },
	{ "slab_unreclaimable", MM_OOM_HELD_SLAB_UNRECLAIMABLE }, { "swapcached", MM_OOM_HELD_SWAPCACHE },
	{ "sec_pagetables", MM_OOM_HELD_PAGETABLES }, { "percpu", MM_OOM_HELD_PERCPU }, { "sock", MM_OOM_HELD_SOCK },
	{ "vmalloc", MM_OOM_HELD_VMALLOC }, { "zswap", MM_OOM_HELD_ZSWAP },
	{ "total_rss", MM_OOM_HELD_ANON }, { "total_cache", MM_OOM_HELD_FILE }, { "total_shmem", MM_OOM_HELD_SHMEM },
};

static bool mem_info_line(struct mm_oom_report *r, struct mm_str s)
{
	bool any = false;

	s = trim(s);
	if (!mm_str_starts(s, "active_") && !mm_str_starts(s, "unevictable:") && !mm_str_starts(s, "slab_") &&
	    !mm_str_starts(s, "mapped:") && !mm_str_starts(s, "sec_pagetables:") && !mm_str_starts(s, "free:"))
		return false;
	for (size_t i = 0; i < sizeof(mem_info) / sizeof(mem_info[0]); i++) {
		uint64_t v;

		if (mem_info[i].key[0] == ' ' ? find(s, mem_info[i].key).p != NULL : mm_str_starts(s, mem_info[i].key)) {
			any = true;
			if (!(r->mem_info_said >> i & 1) && pages_after(s, mem_info[i].key, 1, &v))
				hold(r, mem_info[i].held, v);
			r->mem_info_said |= 1u << i;	/* another CPU's failed allocation may say it again */
		}
	}
	return any;
}

/* "anon 50028544"; before 4.19 there was no such line but v1's one line of KB, which memcg_stats() reads. */
static bool stat_line(struct mm_oom_report *r, struct mm_str s)
{
	const char *sp = s.len ? memchr(s.p, ' ', s.len) : NULL;
	struct mm_str word = { s.p, sp ? (size_t)(sp - s.p) : 0 };
	uint64_t bytes;

	if (!sp || mm_parse_u64(trim(skip(s, word.len)), &bytes))
		return false;
	for (size_t i = 0; i < sizeof(stats) / sizeof(stats[0]); i++)
		if (mm_str_is(word, stats[i].key))
			hold(r, stats[i].held, bytes / MM_PAGE_SIZE);
	return true;
}

/*
 * "Memory cgroup stats for /a: cache:0KB rss:39416KB rss_huge:0KB shmem:0KB ...", or the name and a colon alone. A name may hold
 * colons: those that container runtimes give do.
 */
static int memcg_stats(struct mm_oom_report *r, struct mm_str s)
{
	struct mm_str at = find(s, ": cache:"), name = { s.p, at.p ? (size_t)(at.p - s.p) : s.len };
	uint64_t v;

	if (!at.p && name.len && name.p[name.len - 1] == ':')
		name.len--;
	if (at.p) {
		if (pages_after(at, " rss:", 4, &v))
			hold(r, MM_OOM_HELD_ANON, v);
		if (pages_after(at, " cache:", 4, &v))
			hold(r, MM_OOM_HELD_FILE, v);
		if (pages_after(at, " shmem:", 4, &v))
			hold(r, MM_OOM_HELD_SHMEM, v);
	}
	return r->memcg.len ? 0 : mm_oom_keep(r, name, &r->memcg);	/* descendants have lines too */
}

/* "kmalloc-64          10KB         20KB" or "...kB": the largest few by what they hold */
static int slab_line(struct mm_oom_report *r, struct mm_str s)
{
	const char *sp = s.len ? memchr(s.p, ' ', s.len) : NULL;
	struct mm_oom_slab row;
	struct mm_str total;
	size_t at;

	if (!sp || !find(s, "KB").p)
		return 0;
	total = skip(find(s, "KB"), 2);
	if (!pages_after(total, "", 4, &row.pages) || !row.pages)
		return 0;
	for (at = r->nr_slabs; at && r->slabs[at - 1].pages < row.pages; at--)
		;
	if (at == MM_OOM_SLABS)
		return 0;
	if (mm_oom_keep(r, (struct mm_str){ s.p, (size_t)(sp - s.p) }, &row.name))
		return -ENOMEM;
	if (r->nr_slabs < MM_OOM_SLABS)
		r->nr_slabs++;
	memmove(&r->slabs[at + 1], &r->slabs[at], (r->nr_slabs - 1 - at) * sizeof(r->slabs[0]));
	r->slabs[at] = row;
	return 0;
}

/* Is it the first time that this is told of the line's node?  Another CPU's failed allocation may tell it again. */
static bool node_first(struct mm_oom_report *r, struct mm_str s, uint32_t what)
{
	int64_t node = 0;
	bool said;

	if ((number_after(s, "Node ", &node) && node < 0) || node >= MM_MAX_NODES)
		return false;
	said = r->nodes_said[node] & what;
	r->nodes_said[node] |= what;
	return !said;
}

enum { STACKS = 1 };			/* bits of nodes_said: this one, and above it a pool's by its size */

static void hugepages_line(struct mm_oom_report *r, struct mm_str s)
{
	uint64_t nr, pages;

	if (pages_after(s, "hugepages_total=", 1, &nr) && pages_after(s, "hugepages_size=", 4, &pages) && nr < 1u << 30 &&
	    pages < 1u << 20 && node_first(r, s, (uint32_t)pages << 1))
		hold(r, MM_OOM_HELD_HUGETLB, nr * pages);
}

/* A node's line, or in older kernels a zone's: kB */
static void stack_line(struct mm_oom_report *r, struct mm_str s)
{
	uint64_t pages;

	if (pages_after(s, " kernel_stack:", 4, &pages))
		hold(r, MM_OOM_HELD_KERNEL_STACK, pages);
}

uint32_t mm_oom_guess_page_size(const struct mm_oom_report *r)
{
	uint64_t rss = 0, tables = 0, anon = r->held[MM_OOM_HELD_ANON];
	uint32_t size = MM_PAGE_SIZE;

	if (r->constraint != MM_OOM_MEMCG || anon == UINT64_MAX || r->counts_tables)
		return size;
	for (size_t i = 0; i < r->nr_rows; i++) {
		rss += r->rows[i].rss_pages < UINT64_C(1) << 40 ? r->rows[i].rss_pages : UINT64_C(1) << 40;
		tables |= r->rows[i].pgtables_bytes;
	}
	/* its anonymous pages are its tasks', who have more besides; page tables are whole pages */
	for (uint32_t next = size * 4; next <= 64 * 1024; next *= 4)
		if (rss && anon / (size / MM_PAGE_SIZE) > rss * 2 && !(tables & (next - 1)))
			size = next;
	return size;
}

static void scale(uint64_t *pages, uint64_t k)
{
	if (*pages != UINT64_MAX)
		*pages /= k;
}

static void scale_all(struct mm_oom_report *r, uint64_t k)
{
	uint64_t *const sizes[] = {
		&r->usage_pages, &r->limit_pages, &r->swap_usage_pages, &r->swap_limit_pages, &r->memsw_usage_pages,
		&r->memsw_limit_pages, &r->swap_pages, &r->free_swap_pages,
		&r->held[MM_OOM_HELD_KERNEL_STACK], &r->held[MM_OOM_HELD_HUGETLB],
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		scale(sizes[i], k);
	for (int h = 0; h < MM_OOM_NR_HELD && r->constraint == MM_OOM_MEMCG; h++)	/* Mem-Info counts in pages */
		if (h != MM_OOM_HELD_KERNEL_STACK && h != MM_OOM_HELD_HUGETLB)
			scale(&r->held[h], k);
	for (size_t i = 0; i < r->nr_slabs; i++)
		scale(&r->slabs[i].pages, k);
	for (size_t i = 0; i < r->nr_rows && r->counts_tables; i++)
		r->rows[i].pgtables_bytes *= k;
}

/* Memory and swap together are no less than memory; 0 is of a kernel that does not account swap (swapaccount=0). */
static void check_memsw(struct mm_oom_report *r)
{
	if (r->memsw_usage_pages || !r->usage_pages || r->usage_pages == UINT64_MAX)
		return;
	r->memsw_not_counted = true;
	r->memsw_usage_pages = r->memsw_limit_pages = UINT64_MAX;
}

void mm_oom_facts_end(struct mm_oom_report *r)
{
	uint64_t shmem;
	/* the anonymous lists hold shared memory; a memcg's files count it */
	enum mm_oom_held twice = r->constraint == MM_OOM_MEMCG ? MM_OOM_HELD_FILE : MM_OOM_HELD_ANON;

	if (r->page_size > MM_PAGE_SIZE)
		scale_all(r, r->page_size / MM_PAGE_SIZE);
	check_memsw(r);
	r->zones.page_size = r->page_size;
	mm_report_zones_end(&r->zones);
	shmem = r->held[MM_OOM_HELD_SHMEM];
	if (shmem != UINT64_MAX && r->held[twice] != UINT64_MAX)
		r->held[twice] -= shmem < r->held[twice] ? shmem : r->held[twice];
}

/* ---- the rest ---- */

static void limits_line(struct mm_str s, uint64_t *usage, uint64_t *limit)
{
	pages_after(s, "usage ", 4, usage);
	if (pages_after(s, "limit ", 4, limit) && *limit >= UINT64_C(1) << 48)
		*limit = UINT64_MAX;		/* "max" */
}

static void pages_before(struct mm_str s, const char *word, uint64_t *out)
{
	struct mm_str at = find(s, word);
	uint64_t v;

	if (at.p && !mm_parse_u64(trim((struct mm_str){ s.p, (size_t)(at.p - s.p) }), &v) && v < UINT64_C(1) << 48)
		*out = v;
}

/* "CPU: 0 PID: 105 Comm: eater Not tainted 6.6.87 #1", "Pid: 105, comm: eater ..."; the kernel there is read with the zones. */
static void cpu_line(struct mm_oom_report *r, struct mm_str s)
{
	int64_t v;

	if ((number_after(s, " PID: ", &v) || number_after(s, "Pid: ", &v)) && v > 0 && v <= UINT32_MAX)
		r->invoker_pid = (uint32_t)v;
}

int mm_oom_fact_line(struct mm_oom_report *r, struct mm_str s)
{
	static const char stats_for[] = "Memory cgroup stats for ", limit_of[] = " killed as a result of limit of ";
	struct mm_str at;
	size_t nr_zones = r->zones.nr;
	int rc = mm_report_zone_line(&r->zones, s);

	if (r->zones.nr > nr_zones || (!rc && find(s, " kernel_stack:").p && node_first(r, s, STACKS)))
		stack_line(r, s);
	if (rc)
		return rc < 0 ? rc : 0;
	if (mm_str_starts(s, "CPU: ") || mm_str_starts(s, "Pid: ")) {
		cpu_line(r, s);
	} else if (mm_str_starts(s, "memory: usage ")) {
		r->constraint = MM_OOM_MEMCG;
		limits_line(s, &r->usage_pages, &r->limit_pages);
	} else if (mm_str_starts(s, "memory+swap: usage ")) {
		limits_line(s, &r->memsw_usage_pages, &r->memsw_limit_pages);
	} else if (mm_str_starts(s, "swap: usage ")) {
		limits_line(s, &r->swap_usage_pages, &r->swap_limit_pages);
	} else if ((at = find(s, limit_of)).p) {
		return mm_oom_keep(r, trim(skip(at, sizeof(limit_of) - 1)), &r->memcg);
	} else if (mm_str_starts(s, stats_for)) {
		return memcg_stats(r, trim(skip(s, sizeof(stats_for) - 1)));
	} else if (mm_str_starts(s, "Total swap = ")) {
		r->swap_said |= pages_after(s, "= ", 4, &r->swap_pages);
	} else if (mm_str_starts(s, "Free swap")) {
		pages_after(s, "= ", 4, &r->free_swap_pages);
	} else if (find(s, " pages RAM").p || find(s, " pages of RAM").p) {	/* "of": arm and powerpc had their own words */
		pages_before(s, " pages RAM", &r->ram_pages);
		pages_before(s, " pages of RAM", &r->ram_pages);
	} else if (find(s, " pages reserved").p || find(s, " reserved pages").p) {
		pages_before(s, " pages reserved", &r->reserved_pages);
		pages_before(s, " reserved pages", &r->reserved_pages);
	} else if (find(s, "hugepages_total=").p) {
		hugepages_line(r, s);
	} else if (!mem_info_line(r, s) && !(r->constraint == MM_OOM_MEMCG && stat_line(r, s)) && !mm_str_starts(s, "Node ")) {
		return slab_line(r, s);
	}
	return 0;
}
