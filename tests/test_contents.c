/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whatever memory is made of, it must read back what was put there: a whole machine replays random rows against one number a
 * page, the version of what it holds. Each store and each page of a write(2) makes a version that nothing had before, so
 * one that is lost, or a copy of the wrong page, shows. Beside anonymous memory (huge pages, swap, same-page merging, filled by
 * userfaultfd) there are files on disk (written back, dropped, truncated, with holes), files in memory in huge pages,
 * and pools of huge pages, private and shared (with the PMD table in common), in processes that fork. Pages move between two nodes.
 */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "cache/contents.h"
#include "cache/filemap.h"
#include "small_machine.h"
#include "virt/rmap.h"
#include "virt/vma.h"

enum { PAGE = MM_PAGE_SIZE, NR_PROCS = 3, FIRST_PID = 100, MAX_PAGES = 1024, STEPS = 6000 };
enum area { ANON, UFFD, DISK, DISK_PRIVATE, SHM, SHM_PRIVATE, POOL, POOL_SHARED, NR_AREAS };

enum { GIB_PAGES = 1 << 18 };

/* @file: whose pages it shows until it has copies of its own; -1 none. @mapped: pages, 0: those alone that are used */
static const struct {
	const char *what, *flags;
	uint64_t addr, pages;
	int file;
	bool shared, pool;
	uint64_t mapped;
} areas[NR_AREAS] = {
	{ "anonymous", "PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED", 0x100000000000, 1024, -1, false, false, 0 },
	{ "userfaultfd", "PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED", 0x110000000000, 64, -1, false, false, 0 },
	{ "file", "PROT_READ|PROT_WRITE|MAP_SHARED|MAP_FIXED", 0x120000000000, 96, 0, true, false, 0 },
	{ "file, private", "PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_FIXED", 0x130000000000, 96, 0, false, false, 0 },
	{ "shared memory", "PROT_READ|PROT_WRITE|MAP_SHARED|MAP_FIXED", 0x140000000000, 1024, 1, true, false, 0 },
	{ "shared memory, private", "PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_FIXED", 0x150000000000, 1024, 1, false, false, 0 },
	{ "pool", "PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_HUGETLB|MAP_FIXED", 0x160000000000, 1024, -1, false, true, 0 },
	{ "pool, shared", "PROT_READ|PROT_WRITE|MAP_SHARED|MAP_NORESERVE|MAP_FIXED", 0x170000000000, 1024, 2, true, true, GIB_PAGES },
};

enum { NR_FILES = 3 };
static struct model_file {
	const char *name;
	uint64_t size, max_pages;
	uint64_t value[MAX_PAGES];
} files[NR_FILES] = { { .name = "/disk", .max_pages = 96 }, { .name = "/memfd:m", .max_pages = 1024 },
		      { .name = "/dev/hugepages/h", .max_pages = 1024 } };

struct page { uint64_t value; bool own, stored; };	/* stored: since the last clear_refs */
static struct proc {
	bool alive, uffd;
	struct page page[NR_AREAS][MAX_PAGES];
	bool missing[MAX_PAGES], wp[MAX_PAGES];		/* of UFFD */
} *procs;

static struct mm_machine *machine;
static struct mm_error err;
static struct mm_rng rng;
static uint64_t now_ns, checked[NR_AREAS], shared_tables;
static bool merging;			/* ksmd runs: it loses soft-dirty bits of what it merges (replace_page()) */

static uint64_t span(int a) { return areas[a].mapped ? areas[a].mapped : areas[a].pages; }
static uint64_t below(uint64_t n) { return mm_rng_below(&rng, n); }
static struct mm_str str(const char *s) { return (struct mm_str){ s, strlen(s) }; }
static uint64_t versions(void) { return machine->cache->contents_made; }
static uint64_t newest(void) { return UINT64_C(1) << 63 | versions(); }

static const char *row(struct mm_event ev)
{
	static char number[32];

	ev.present |= MM_TC_BIT(EVENT) | MM_TC_BIT(PID) | MM_TC_BIT(TIME_S) | (ev.addr ? MM_TC_BIT(ADDR) : 0) |
		      (ev.size ? MM_TC_BIT(SIZE) : 0) | (ev.flags.p ? MM_TC_BIT(FLAGS) : 0) | (ev.name.p ? MM_TC_BIT(NAME) : 0) |
		      (ev.result_kind ? MM_TC_BIT(RESULT) : 0);
	ev.time_ns = now_ns += 100000;
	ck_assert_msg(mm_machine_event(machine, &ev, &err) == 0, "%s of %u: %s", mm_event_word(ev.type), ev.pid, err.text);
	if (ev.result_kind == MM_RESULT_WORD) {
		snprintf(number, sizeof(number), "%.*s", (int)ev.result_word.len, ev.result_word.p);
		return number;
	}
	snprintf(number, sizeof(number), "%" PRIu64, ev.result);
	return number;
}

static uint32_t pid_of(const struct proc *p) { return FIRST_PID + (uint32_t)(p - procs); }
static struct mm_struct *mm_of(const struct proc *p) { return mm_task_find(machine, pid_of(p))->mm; }

static struct proc *some_proc(void)
{
	struct proc *p = &procs[below(NR_PROCS)];

	return p->alive ? p : &procs[0];	/* which never ends */
}

/* What the page that is mapped at @vaddr holds; false: none is. */
static bool held(const struct proc *p, uint64_t vaddr, uint64_t *v)
{
	struct mm_walk_record rec;

	mm_walk_explain(mm_of(p), vaddr, &rec);
	if (rec.end != MM_WALK_MAPPED)
		return false;
	*v = machine->cache->contents[rec.pfn];
	return true;
}

static uint64_t *value_of(struct proc *p, enum area a, uint64_t page)
{
	return areas[a].file >= 0 && !p->page[a][page].own ? &files[areas[a].file].value[page] : &p->page[a][page].value;
}

/*
 * Beyond the end of the file there is no page. But a huge page of shared memory in which the file ends may be mapped whole, or page
 * by page around a fault (filemap_map_folio_range()): what is there then reads zeroes and can be written.
 */
static bool is_beyond(enum area a, uint64_t page, const char *got)
{
	const struct model_file *f = areas[a].file >= 0 ? &files[areas[a].file] : NULL;
	mm_pfn_t head;

	if (!f || page * PAGE < f->size)
		return false;
	head = mm_filemap_get_folio(machine->cache, &mm_file_lookup(machine->inodes, str(f->name))->inode->mapping, page);
	if (areas[a].file == 1 && head != MM_PFN_NONE && mm_folio_is_large(machine->phys, head) && !strcmp(got, "ok"))
		return false;
	ck_assert_msg(!strcmp(got, "sigbus"), "%s, page %" PRIu64 ", beyond %" PRIu64 " bytes: %s", areas[a].what, page, f->size, got);
	return true;
}

static const char *access_row(struct proc *p, enum mm_event_type type, enum area a, uint64_t page, struct mm_str name)
{
	return row((struct mm_event){ .type = (uint16_t)type, .pid = pid_of(p), .addr = areas[a].addr + page * PAGE + below(512) * 8,
				      .size = 8, .name = name });
}

/* Who waits for userfaultfd gets its page, or its right to write. */
static void answer(struct proc *p, uint64_t page)
{
	uint64_t addr = areas[UFFD].addr + page * PAGE, v;
	bool copy = below(2);

	if (p->missing[page]) {
		ck_assert_str_eq(row((struct mm_event){ .type = copy ? MM_EV_UFFD_COPY : MM_EV_UFFD_ZEROPAGE, .pid = pid_of(p),
							.addr = addr, .size = PAGE }), "0");
		p->missing[page] = false;
		ck_assert(held(p, addr, &v));
		ck_assert_uint_eq(v, copy ? newest() : 0);
		p->page[UFFD][page].value = v;
	} else {
		ck_assert(p->wp[page]);
		ck_assert_str_eq(row((struct mm_event){ .type = MM_EV_UFFD_WRITEPROTECT, .pid = pid_of(p),
							.addr = addr, .size = PAGE }), "0");
		p->wp[page] = false;
	}
}

/* The access, answered as often as it waits. */
static const char *access_page(struct proc *p, enum mm_event_type type, enum area a, uint64_t page, struct mm_str name)
{
	const char *got = access_row(p, type, a, page, name);

	for (int i = 0; i < 2 && !strcmp(got, "uffd"); i++) {
		ck_assert(a == UFFD && p->uffd);
		answer(p, page);
		got = access_row(p, type, a, page, name);
	}
	return got;
}

/* What it holds after an access. The next access finds the page again when khugepaged, at the end of the row, took it away. */
static uint64_t accessed(struct proc *p, enum area a, uint64_t page)
{
	uint64_t v = 0;

	for (int i = 0; i < 2 && !held(p, areas[a].addr + page * PAGE, &v); i++)
		ck_assert_msg(i == 0 && !strcmp(access_page(p, MM_EV_LOAD, a, page, (struct mm_str){ 0 }), "ok"),
			      "%s, page %" PRIu64 ": nothing is mapped after an access", areas[a].what, page);
	return v;
}

static void load(struct proc *p, enum area a, uint64_t page)
{
	const char *got = access_page(p, MM_EV_LOAD, a, page, (struct mm_str){ 0 });
	uint64_t v;

	if (is_beyond(a, page, got))
		return;
	ck_assert_msg(!strcmp(got, "ok"), "load of %s, page %" PRIu64 ": %s", areas[a].what, page, got);
	v = accessed(p, a, page);
	ck_assert_msg(v == *value_of(p, a, page), "%s, page %" PRIu64 " of %u: expected %" PRIx64 ", found %" PRIx64, areas[a].what, page,
		      pid_of(p), *value_of(p, a, page), v);
	checked[a]++;
}

/* Some have a name: pages of few contents, to be merged. */
static void store(struct proc *p, enum area a, uint64_t page)
{
	static const char *const names[] = { "0", "1", "2" };
	struct mm_str name = { 0 };
	uint64_t v, before = versions();
	const char *got;

	if (!below(3)) {
		v = below(3);
		name = str(names[v]);
	}
	got = access_page(p, MM_EV_STORE, a, page, name);
	if (is_beyond(a, page, got))
		return;
	ck_assert_msg(!strcmp(got, "ok"), "store to %s, page %" PRIu64 ": %s", areas[a].what, page, got);
	if (!name.p) {
		ck_assert_uint_gt(versions(), before);
		v = newest();
	}
	if (!areas[a].shared)
		p->page[a][page].own = true;
	p->page[a][page].stored = true;
	*value_of(p, a, page) = v;
	ck_assert_uint_eq(accessed(p, a, page), v);
}

/* The number that the page cache has, which write(2) or the cut of a file has just made; 0: no page. */
static uint64_t cached(const struct model_file *f, uint64_t page)
{
	const struct mm_address_space *as = &mm_file_lookup(machine->inodes, str(f->name))->inode->mapping;
	mm_pfn_t head = mm_filemap_get_folio(machine->cache, as, page);

	return head == MM_PFN_NONE ? 0 : machine->cache->contents[mm_folio_file_page(machine->cache, head, page)];
}

static void op_write(void)
{
	struct model_file *f = &files[below(2)];	/* a pool's files have no write(2) */
	uint64_t offset = below(f->max_pages * PAGE), size = 1 + below(5 * PAGE), before = versions(), made = 0;
	char want[32];

	if (offset + size > f->max_pages * PAGE)
		size = f->max_pages * PAGE - offset;
	snprintf(want, sizeof(want), "%" PRIu64, size);
	ck_assert_str_eq(row((struct mm_event){ .type = MM_EV_WRITE, .pid = FIRST_PID, .name = str(f->name), .offset = offset, .size = size,
						.present = MM_TC_BIT(OFFSET) }), want);
	for (uint64_t i = offset / PAGE; i <= (offset + size - 1) / PAGE; i++) {
		uint64_t v = cached(f, i);

		ck_assert_msg((v & ~(UINT64_C(1) << 63)) > before, "%s, page %" PRIu64 ": the write is lost", f->name, i);
		f->value[i] = v;
		made++;
	}
	ck_assert_uint_le(made, versions() - before);
	if (f->size < offset + size)
		f->size = offset + size;
}

static void op_truncate(void)
{
	unsigned int n = (unsigned int)below(NR_FILES);
	struct model_file *f = &files[n];
	uint64_t size = n == 2 ? below(3) << 21 : below(3) ? below(f->max_pages * PAGE) : f->max_pages * PAGE, before = versions(), v;

	ck_assert_str_eq(row((struct mm_event){ .type = MM_EV_TRUNCATE, .pid = FIRST_PID, .name = str(f->name), .size = size,
						.present = MM_TC_BIT(SIZE) }), "0");
	if (size < f->size && size % PAGE && f->value[size / PAGE]) {
		v = cached(f, size / PAGE);
		ck_assert_msg((v & ~(UINT64_C(1) << 63)) > before, "%s: the last page is not cut", f->name);
		f->value[size / PAGE] = v;
	}
	for (uint64_t i = (size + PAGE - 1) / PAGE; size < f->size && i < f->max_pages; i++) {
		f->value[i] = 0;
		for (struct proc *p = procs; p < procs + NR_PROCS; p++)
			for (int a = 0; a < NR_AREAS; a++)
				if (areas[a].file == (int)n)
					p->page[a][i].own = false;
	}
	f->size = size;
}

/* In @area: whole huge pages of a pool. */
static void some_range(enum area a, uint64_t *first, uint64_t *nr)
{
	uint64_t unit = areas[a].pool ? 512 : 1, units = areas[a].pages / unit;

	*first = below(units);
	*nr = 1 + below(units - *first < 32 || !below(8) ? units - *first : 32);
	*first *= unit;
	*nr *= unit;
}

static const char *advise(struct proc *p, enum area a, uint64_t first, uint64_t nr, const char *advice)
{
	return row((struct mm_event){ .type = MM_EV_MADVISE, .pid = pid_of(p), .addr = areas[a].addr + first * PAGE, .size = nr * PAGE,
				      .flags = str(advice) });
}

/* Pages of this process go, or of the file. */
static void op_drop(struct proc *p)
{
	enum area a = (enum area)below(NR_AREAS);
	bool hole = areas[a].shared && below(2);
	uint64_t first, nr;

	some_range(a, &first, &nr);
	ck_assert_str_eq(advise(p, a, first, nr, hole ? "MADV_REMOVE" : "MADV_DONTNEED"), "0");
	for (uint64_t i = first; i < first + nr; i++) {
		p->page[a][i].stored = false;
		if (hole)
			files[areas[a].file].value[i] = 0;
		else if (!areas[a].shared)
			p->page[a][i] = (struct page){ 0 };
		if (a == UFFD && p->uffd) {
			p->missing[i] = true;
			p->wp[i] = false;
		}
	}
}

static void op_advise(struct proc *p)
{
	static const char *const advice[] = { "MADV_PAGEOUT", "MADV_COLD", "MADV_COLLAPSE", "MADV_HUGEPAGE", "MADV_NOHUGEPAGE",
					      "MADV_MERGEABLE", "MADV_UNMERGEABLE", "MADV_WILLNEED" };
	enum area a = (enum area)below(POOL);
	uint64_t first, nr;

	some_range(a, &first, &nr);
	if (areas[a].pages >= 512 && below(2)) {
		first = below(areas[a].pages / 512) * 512;
		nr = 512;
	}
	advise(p, a, first, nr, advice[below(sizeof(advice) / sizeof(advice[0]))]);
}

static void op_protect_uffd(struct proc *p)
{
	uint64_t first, nr;

	some_range(UFFD, &first, &nr);
	if (!p->uffd)
		return;
	ck_assert_str_eq(row((struct mm_event){ .type = MM_EV_UFFD_WRITEPROTECT, .pid = pid_of(p), .addr = areas[UFFD].addr + first * PAGE,
						.size = nr * PAGE, .flags = str("UFFDIO_WRITEPROTECT_MODE_WP") }), "0");
	for (uint64_t i = first; i < first + nr; i++)
		p->wp[i] |= !p->missing[i];
}

/* A child is not registered with userfaultfd. */
static void op_fork(struct proc *p)
{
	struct proc *child = &procs[1 + below(NR_PROCS - 1)];

	if (child == p)
		return;
	if (child->alive) {
		row((struct mm_event){ .type = MM_EV_EXIT, .pid = pid_of(child) });
		child->alive = false;
		if (below(2))
			return;
	}
	row((struct mm_event){ .type = MM_EV_FORK, .pid = pid_of(p), .result = pid_of(child), .result_kind = MM_RESULT_DEC });
	*child = *p;
	child->uffd = false;
	memset(child->missing, 0, sizeof(child->missing));
	memset(child->wp, 0, sizeof(child->wp));
}

/* A store since the last clear_refs shows in the page's entry, wherever it has gone. */
static void check_soft_dirty(const struct proc *p)
{
	for (uint64_t i = 0; i < areas[ANON].pages; i++) {
		uint64_t vaddr = areas[ANON].addr + i * PAGE;
		const struct mm_vma *vma = mm_find_vma(mm_of(p), vaddr);
		const mm_pte_t *pmd = mm_pmd_offset(mm_of(p), vaddr), *pte = mm_pte_offset(mm_of(p), vaddr);
		mm_pte_t e = pte ? *pte : pmd ? *pmd : 0;
		bool dirty = vma->vm_flags & MM_VM_SOFTDIRTY || e & (mm_pte_present(e) ? MM_PTE_SOFT_DIRTY : MM_SWP_SOFT_DIRTY);

		ck_assert_msg(merging || !p->page[ANON][i].stored || dirty, "page %" PRIu64 " of %u was written and is not soft-dirty", i,
			      pid_of(p));
	}
}

static void op_clear_refs(struct proc *p)
{
	check_soft_dirty(p);
	row((struct mm_event){ .type = MM_EV_CLEAR_REFS, .pid = pid_of(p), .result = 4, .result_kind = MM_RESULT_DEC });
	for (int a = 0; a < NR_AREAS; a++)
		for (uint64_t i = 0; i < areas[a].pages; i++)
			p->page[a][i].stored = false;
}

static void op_file(void)
{
	struct model_file *f = &files[below(2)];

	switch (below(4)) {
	case 0:
		row((struct mm_event){ .type = MM_EV_DROP_CACHES, .pid = FIRST_PID, .result = 3, .result_kind = MM_RESULT_DEC });
		break;
	case 1:
		ck_assert_str_eq(row((struct mm_event){ .type = MM_EV_FSYNC, .pid = FIRST_PID, .name = str(f->name) }), "0");
		break;
	default:
		row((struct mm_event){ .type = MM_EV_READ, .pid = FIRST_PID, .name = str(f->name), .offset = below(f->max_pages) * PAGE,
				       .size = 1 + below(20 * PAGE), .present = MM_TC_BIT(OFFSET) });
	}
}

/* Moves of the whole GiB there and back, and rights that go and come: what is shared of it may not be afterwards. */
static void op_gib(struct proc *p)
{
	const uint64_t there = areas[POOL_SHARED].addr, away = there + (UINT64_C(1) << 40), size = (uint64_t)GIB_PAGES * PAGE;

	bool move = below(2);

	shared_tables += mm_hugetlb_pmd_shared(mm_find_vma(mm_of(p), there), there);
	for (unsigned int back = 0; back < 2; back++)
		if (move)
			row((struct mm_event){ .type = MM_EV_MREMAP, .pid = pid_of(p), .addr = back ? away : there, .size = size,
					       .addr2 = back ? there : away, .size2 = size, .flags = str("MREMAP_MAYMOVE|MREMAP_FIXED"),
					       .present = MM_TC_BIT(ADDR2) | MM_TC_BIT(SIZE2) });
		else
			ck_assert_str_eq(row((struct mm_event){ .type = MM_EV_MPROTECT, .pid = pid_of(p), .addr = there, .size = size,
								.flags = str(back ? "PROT_READ|PROT_WRITE" : "PROT_READ") }), "0");
}

/* Pages of the file on disk become zeroes, or are taken out or put in: nobody keeps copies of those from there on. */
static void op_fallocate(void)
{
	static const char *const modes[] = { "FALLOC_FL_COLLAPSE_RANGE", "FALLOC_FL_INSERT_RANGE", "FALLOC_FL_ZERO_RANGE" };
	struct model_file *f = &files[0];
	uint64_t first = below(f->max_pages), nr = 1 + below(4), end = (f->size + PAGE - 1) / PAGE;
	unsigned int mode = (unsigned int)below(3);

	if (first + nr >= end || (mode == 1 && end + nr > f->max_pages))
		return;
	ck_assert_str_eq(row((struct mm_event){ .type = MM_EV_FALLOCATE, .pid = FIRST_PID, .name = str(f->name), .offset = first * PAGE,
						.size = nr * PAGE, .present = MM_TC_BIT(OFFSET), .flags = str(modes[mode]) }), "0");
	if (mode == 0) {
		memmove(&f->value[first], &f->value[first + nr], (f->max_pages - first - nr) * sizeof(f->value[0]));
		memset(&f->value[f->max_pages - nr], 0, nr * sizeof(f->value[0]));
		f->size -= nr * PAGE;
	} else if (mode == 1) {
		memmove(&f->value[first + nr], &f->value[first], (f->max_pages - first - nr) * sizeof(f->value[0]));
		f->size += nr * PAGE;
	}
	if (mode)
		memset(&f->value[first], 0, nr * sizeof(f->value[0]));
	for (struct proc *p = procs; mode < 2 && p < procs + NR_PROCS; p++)
		for (uint64_t i = first; i < f->max_pages; i++)
			p->page[DISK_PRIVATE][i].own = false;
}

/* All pages of a process, or those of one mapping, go to another node. */
static void op_move(struct proc *p)
{
	enum area a = (enum area)below(NR_AREAS);
	bool to = below(2);

	if (below(2))
		row((struct mm_event){ .type = MM_EV_MIGRATE_PAGES, .pid = pid_of(p), .name = str(to ? "0:1" : "1:0") });
	else
		row((struct mm_event){ .type = MM_EV_MBIND, .pid = pid_of(p), .addr = areas[a].addr, .size = span(a) * PAGE,
				       .flags = str("MPOL_PREFERRED|MPOL_MF_MOVE_ALL"), .name = str(to ? "1" : "0") });
}

static uint64_t some_page(enum area a) { return below(2) ? below(16) : below(areas[a].pages); }

static void one_op(void)
{
	struct proc *p = some_proc();
	enum area a = (enum area)below(NR_AREAS);

	switch (below(43)) {
	case 0: op_drop(p); break;
	case 1: case 2: op_advise(p); break;
	case 3: op_protect_uffd(p); break;
	case 4: op_fork(p); break;
	case 5: op_clear_refs(p); break;
	case 6: case 7: op_file(); break;
	case 8: op_truncate(); break;
	case 40: op_gib(p); break;
	case 41: op_fallocate(); break;
	case 42: op_move(p); break;
	case 9: case 10: case 11: op_write(); break;
	case 12: case 13: case 14: case 15: case 16: case 17: case 18: case 19: load(p, a, some_page(a)); break;
	default: store(p, a, some_page(a)); break;
	}
}

/* Every page of everybody; missing ones of userfaultfd as they are asked for. */
static void check_all(void)
{
	for (struct proc *p = procs; p < procs + NR_PROCS; p++) {
		if (!p->alive)
			continue;
		check_soft_dirty(p);
		for (int a = 0; a < NR_AREAS; a++)
			for (uint64_t i = 0; i < areas[a].pages; i++)
				load(p, (enum area)a, i);
	}
	ck_assert_msg(mm_machine_check(machine, &err) == 0, "%s", err.text);
}

/* The first row that stores by name makes the machine keep contents: before it nothing is there. */
static void start(uint64_t seed)
{
	struct mm_machine_config cfg;

	rng.state = seed;
	now_ns = shared_tables = 0;
	memset(checked, 0, sizeof(checked));
	small_machine_config(&cfg, 80 << 20);
	small_machine_ram(&cfg, 80 << 20, 160 << 20, 1);
	cfg.swap_bytes = 64 << 20;
	cfg.memory_max_bytes = seed % 2 ? 12 << 20 : 0;	/* reclaim takes part, or does not */
	small_machine_set(&cfg, "thp", "always");
	small_machine_set(&cfg, "shmem_enabled", "always");
	small_machine_set(&cfg, "vm.nr_hugepages", "16");
	small_machine_set(&cfg, "hugetlb_pmd_page_table_sharing", "1");
	merging = seed / 2 % 2;
	small_machine_set(&cfg, "ksm.run", merging ? "1" : "0");
	small_machine_set(&cfg, "ksm.pages_to_scan", "200");
	machine = small_machine_new(&cfg);
	procs = calloc(NR_PROCS, sizeof(*procs));
	for (int i = 0; i < NR_FILES; i++) {
		files[i].size = files[i].max_pages * PAGE;
		memset(files[i].value, 0, sizeof(files[i].value));
		row((struct mm_event){ .type = MM_EV_FILE, .pid = FIRST_PID, .name = str(files[i].name), .size = files[i].size,
				       .flags = str("O_RDWR") });
	}
	procs[0].alive = true;
	for (int a = 0; a < NR_AREAS; a++)
		row((struct mm_event){ .type = MM_EV_MMAP, .pid = FIRST_PID, .addr = areas[a].addr,
				       .size = span(a) * PAGE, .flags = str(areas[a].flags),
				       .name = areas[a].file >= 0 ? str(files[areas[a].file].name) : (struct mm_str){ 0 } });
	ck_assert_int_eq(mm_contents_keep(machine->cache), 0);
	for (uint64_t i = 0; i < files[0].max_pages; i++)	/* as it is on disk: of its own */
		files[0].value[i] = mm_contents_on_disk(&mm_file_lookup(machine->inodes, str("/disk"))->inode->mapping, i);
	ck_assert_uint_ne(files[0].value[0], files[0].value[1]);
	ck_assert_str_eq(row((struct mm_event){ .type = MM_EV_UFFD_REGISTER, .pid = FIRST_PID, .addr = areas[UFFD].addr,
						.size = areas[UFFD].pages * PAGE,
						.flags = str("UFFDIO_REGISTER_MODE_MISSING|UFFDIO_REGISTER_MODE_WP") }), "0");
	procs[0].uffd = true;
	for (uint64_t i = 0; i < areas[UFFD].pages; i++)
		procs[0].missing[i] = true;
}

START_TEST(random_against_versions)
{
	const struct mm_vmstat *v;

	start((uint64_t)_i + 1);
	for (unsigned int n = 0; n < STEPS; n++) {
		one_op();
		if (n % 1000 == 999)
			check_all();
	}
	v = mm_machine_vmstat(machine);
	if ((_i + 1) % 2)
		ck_assert_msg(v->v[MM_PSWPOUT] > 0, "the limit never bit");
	ck_assert_msg(v->v[MM_THP_FILE_ALLOC] + v->v[MM_THP_FAULT_ALLOC] > 0, "no huge pages");
	ck_assert_msg(shared_tables > 0, "no PMD table was ever shared");
	ck_assert_msg(v->v[MM_PGMIGRATE_SUCCESS] > 0, "no page ever moved");
	for (int a = 0; a < NR_AREAS; a++)
		ck_assert_msg(checked[a] > areas[a].pages, "%s: only %" PRIu64 " loads were checked", areas[a].what, checked[a]);
	mm_machine_free(machine);
	free(procs);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("contents");
	TCase *tc = tcase_create("random");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, random_against_versions, 0, 6);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
