/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What pages hold, wherever they go: the model is one cell a page of a window of addresses, and each call does to the cells what it
 * says. Mappings of anonymous memory and of files come, go, move, grow, shrink and leave their place behind (MREMAP_DONTUNMAP) under
 * huge pages and swap entries, in processes that fork; MADV_PAGEOUT finds swap full. Outside the window, at places of their own,
 * userfaultfd tells of pages that a file has and fills others with poison, and 1G pages are copied on write.
 */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "cache/contents.h"
#include "cache/filemap.h"
#include "cache/swap.h"
#include "small_machine.h"
#include "virt/vma.h"

enum { PAGE = MM_PAGE_SIZE, NR_PROCS = 3, FIRST_PID = 100, WINDOW = 1536, FILE_PAGES = 1024, UFFD_PAGES = 32, SAMPLES = 16, STEPS = 8000 };
enum kind { NONE, ANON, SHARED, PRIVATE };
enum where { UFFD_ANON, UFFD_FILE, GIANT, GIANT_SHARED, NR_WHERE };

#define WINDOW_ADDR	UINT64_C(0x100000000000)
static const struct {
	uint64_t addr, step, pages, size;	/* @step bytes from one sample to the next */
	const char *file, *flags;
} places[NR_WHERE] = {
	{ 0x200000000000, PAGE, UFFD_PAGES, UFFD_PAGES * PAGE, NULL, "PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED" },
	{ 0x210000000000, PAGE, UFFD_PAGES, UFFD_PAGES * PAGE, "/memfd:u", "PROT_READ|PROT_WRITE|MAP_SHARED|MAP_FIXED" },
	{ 0x220000000000, (1 << 26) + PAGE, SAMPLES - 1, 1 << 30, NULL,
	  "PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_HUGETLB|MAP_HUGE_1GB|MAP_FIXED" },
	{ 0x230000000000, (1 << 26) + PAGE, SAMPLES - 1, 1 << 30, "/dev/hugepages1G/g", "PROT_READ|PROT_WRITE|MAP_SHARED|MAP_FIXED" },
};

struct cell {
	enum kind kind;
	bool own;			/* a private copy of the file's page */
	bool poison;
	uint64_t index, value;		/* page of the file; what it holds else */
};

static struct proc {
	bool alive;
	struct cell window[WINDOW], at[NR_WHERE][UFFD_PAGES];
} *procs;

static uint64_t file_value[FILE_PAGES], shared_value[NR_WHERE][UFFD_PAGES];
static struct mm_machine *machine;
static struct mm_error err;
static struct mm_rng rng;
static uint64_t now_ns, moves, left_behind, minor, poisoned, swap_was_full;
static char word[32];

static uint64_t below(uint64_t n) { return mm_rng_below(&rng, n); }
static struct mm_str str(const char *s) { return (struct mm_str){ s, strlen(s) }; }
static uint64_t newest(void) { return UINT64_C(1) << 63 | machine->cache->contents_made; }
static uint32_t pid_of(const struct proc *p) { return FIRST_PID + (uint32_t)(p - procs); }
static struct mm_struct *mm_of(const struct proc *p) { return mm_task_find(machine, pid_of(p))->mm; }
static uint64_t addr_of(uint64_t page) { return WINDOW_ADDR + page * PAGE; }

static const char *row(struct mm_event ev)
{
	ev.present |= MM_TC_BIT(EVENT) | MM_TC_BIT(PID) | MM_TC_BIT(TIME_S) | (ev.addr ? MM_TC_BIT(ADDR) : 0) |
		      (ev.size ? MM_TC_BIT(SIZE) : 0) | (ev.flags.p ? MM_TC_BIT(FLAGS) : 0) | (ev.name.p ? MM_TC_BIT(NAME) : 0) |
		      (ev.result_kind ? MM_TC_BIT(RESULT) : 0) | (ev.addr2 ? MM_TC_BIT(ADDR2) : 0) | (ev.size2 ? MM_TC_BIT(SIZE2) : 0);
	ev.time_ns = now_ns += 100000;
	ck_assert_msg(mm_machine_event(machine, &ev, &err) == 0, "%s of %u: %s", mm_event_word(ev.type), ev.pid, err.text);
	if (ev.result_kind == MM_RESULT_WORD)
		snprintf(word, sizeof(word), "%.*s", (int)ev.result_word.len, ev.result_word.p);
	else
		snprintf(word, sizeof(word), ev.result_kind == MM_RESULT_HEX ? "0x%" PRIx64 : "%" PRIu64, ev.result);
	return word;
}

static const char *call(const struct proc *p, enum mm_event_type type, uint64_t addr, uint64_t size, const char *flags)
{
	return row((struct mm_event){ .type = (uint16_t)type, .pid = pid_of(p), .addr = addr, .size = size,
				      .flags = flags ? str(flags) : (struct mm_str){ 0 } });
}

static struct proc *some_proc(void)
{
	struct proc *p = &procs[below(NR_PROCS)];

	return p->alive ? p : &procs[0];
}

static uint64_t held(const struct proc *p, uint64_t vaddr)
{
	struct mm_walk_record rec;

	mm_walk_explain(mm_of(p), vaddr, &rec);
	ck_assert_int_eq(rec.end, MM_WALK_MAPPED);
	return machine->cache->contents[rec.pfn];
}

/* ---- the window ---- */

static uint64_t *value_of(struct cell *c) { return c->kind == ANON || c->own ? &c->value : &file_value[c->index]; }

static void access_window(struct proc *p, uint64_t page, bool store)
{
	struct cell *c = &p->window[page];
	const char *got = call(p, store ? MM_EV_STORE : MM_EV_LOAD, addr_of(page) + 8, 8, NULL);
	uint64_t v;

	if (c->kind == NONE || (c->kind != ANON && c->index >= FILE_PAGES)) {
		ck_assert_msg(!strcmp(got, c->kind == NONE ? "segv" : "sigbus"), "page %" PRIu64 " of %u, kind %d: %s", page, pid_of(p),
			      (int)c->kind, got);
		return;
	}
	ck_assert_msg(!strcmp(got, "ok"), "page %" PRIu64 " of %u, kind %d: %s", page, pid_of(p), (int)c->kind, got);
	if (store) {
		c->own |= c->kind == PRIVATE;
		*value_of(c) = newest();
	}
	v = held(p, addr_of(page));
	ck_assert_msg(v == *value_of(c), "page %" PRIu64 " of %u, kind %d: expected %" PRIx64 ", found %" PRIx64, page, pid_of(p),
		      (int)c->kind, *value_of(c), v);
}

static void access_run(struct proc *p, uint64_t first, uint64_t nr, bool store)
{
	for (uint64_t i = first; i < first + nr && i < WINDOW; i++)
		access_window(p, i, store);
}

static void clear(struct proc *p, uint64_t first, uint64_t nr) { memset(&p->window[first], 0, nr * sizeof(struct cell)); }

static void fill(struct proc *p, uint64_t first, uint64_t nr, enum kind kind, uint64_t index)
{
	for (uint64_t i = 0; i < nr; i++)
		p->window[first + i] = (struct cell){ .kind = kind, .index = kind == ANON ? 0 : index + i };
}

static void map(struct proc *p, uint64_t first, uint64_t nr, enum kind kind, uint64_t index)
{
	static const char *const flags[] = { NULL, "PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED",
					     "PROT_READ|PROT_WRITE|MAP_SHARED|MAP_FIXED", "PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_FIXED" };

	row((struct mm_event){ .type = MM_EV_MMAP, .pid = pid_of(p), .addr = addr_of(first), .size = nr * PAGE, .flags = str(flags[kind]),
			       .name = kind == ANON ? (struct mm_str){ 0 } : str("/memfd:m"), .offset = index * PAGE,
			       .present = kind == ANON ? 0 : MM_TC_BIT(OFFSET) });
	ck_assert_uint_eq(strtoull(word, NULL, 0), addr_of(first));
	fill(p, first, nr, kind, index);
}

/* A range, now and then of whole huge pages. */
static void some_range(uint64_t *first, uint64_t *nr)
{
	if (!below(3)) {
		*nr = 512 * (1 + below(2));
		*first = 512 * below(WINDOW / 512 - *nr / 512 + 1);
	} else {
		*nr = 1 + below(below(4) ? 40 : 600);
		*first = below(WINDOW - *nr + 1);
	}
}

static void op_map(struct proc *p)
{
	uint64_t first, nr;

	some_range(&first, &nr);
	map(p, first, nr, (enum kind)(ANON + below(3)), below(4) ? below(FILE_PAGES) : 0);
}

/* Does the range lie in one mapping?  Else mremap() fails, but has unmapped its destination by then, and what was to go. */
static bool is_one(const struct proc *p, uint64_t first, uint64_t nr)
{
	const struct mm_vma *vma = mm_find_vma(mm_of(p), addr_of(first));

	return vma && vma->vm_start <= addr_of(first) && vma->vm_end >= addr_of(first + nr);
}

/* Of the range what its first page's mapping has, or whatever there is. */
static void within_one(const struct proc *p, const uint64_t *first, uint64_t *nr)
{
	const struct mm_vma *vma = mm_find_vma(mm_of(p), addr_of(*first));

	if (below(8) && vma && vma->vm_start <= addr_of(*first) && vma->vm_end < addr_of(*first + *nr))
		*nr = (vma->vm_end - addr_of(*first)) / PAGE;
}

/* A few pages to another place, where they become more or fewer; nothing, or an empty copy, stays. */
static void op_move(struct proc *p)
{
	static struct cell copy[WINDOW];
	bool stays = below(2);
	uint64_t first, nr, to, want, seen;
	struct mm_event ev;
	bool one, mapped;

	some_range(&first, &nr);
	within_one(p, &first, &nr);
	want = stays || below(2) ? nr : 1 + below(nr + 20);
	if (want > WINDOW)
		return;
	to = nr >= 512 && below(2) ? 512 * below((WINDOW - want) / 512 + 1) : below(WINDOW - want + 1);
	if (to < first + nr && first < to + want)
		return;		/* they must not overlap */
	seen = first + below(nr);
	one = is_one(p, first, nr);
	mapped = p->window[first].kind != NONE;
	ev = (struct mm_event){ .type = MM_EV_MREMAP, .pid = pid_of(p), .addr = addr_of(first), .size = nr * PAGE, .addr2 = addr_of(to),
				.size2 = want * PAGE,
				.flags = str(stays ? "MREMAP_MAYMOVE|MREMAP_FIXED|MREMAP_DONTUNMAP" : "MREMAP_MAYMOVE|MREMAP_FIXED") };
	access_window(p, seen, false);		/* so that the TLB knows where it was */
	row(ev);
	if (!mapped) {
		ck_assert_str_eq(word, "EFAULT");	/* before anything is done */
		return;
	}
	clear(p, to, want);
	if (want < nr) {		/* the rest goes first, whatever it is */
		clear(p, first + want, nr - want);
		nr = want;
		one = is_one(p, first, nr) || one;
	}
	if (strtoull(word, NULL, 0) != addr_of(to)) {
		ck_assert_msg(!one && !strcmp(word, "EFAULT"), "mremap of %" PRIu64 " pages: %s", nr, word);
		return;
	}
	memcpy(copy, &p->window[first], nr * sizeof(*copy));
	memcpy(&p->window[to], copy, nr * sizeof(*copy));
	if (want > nr)
		fill(p, to + nr, want - nr, copy[nr - 1].kind, copy[nr - 1].index + 1);
	for (uint64_t i = first; i < first + nr; i++)
		p->window[i] = (struct cell){ .kind = stays ? p->window[i].kind : NONE, .index = p->window[i].index };
	access_window(p, seen, false);
	moves++;
	left_behind += stays;
}

/* In its place if nothing is in the way, else outside of the window, whence it comes back to where there is room. */
static void op_grow(struct proc *p)
{
	uint64_t nr = WINDOW, more = 1 + below(30), first = below(WINDOW), at;
	const struct cell *last;
	bool room = true;
	struct mm_event ev;

	within_one(p, &first, &nr);	/* to the end of its mapping */
	if (first + nr + more > WINDOW || !is_one(p, first, nr) || is_one(p, first, nr + 1))
		return;
	last = &p->window[first + nr - 1];
	for (uint64_t i = first + nr; i < first + nr + more; i++)
		room = room && p->window[i].kind == NONE;
	ev = (struct mm_event){ .type = MM_EV_MREMAP, .pid = pid_of(p), .addr = addr_of(first), .size = nr * PAGE,
				.size2 = (nr + more) * PAGE, .flags = str("MREMAP_MAYMOVE") };
	row(ev);
	at = strtoull(word, NULL, 0);
	ck_assert_msg(room == (at == addr_of(first)) && at, "growing by %" PRIu64 " pages: %s", more, word);
	if (!room) {
		ev = (struct mm_event){ .type = MM_EV_MREMAP, .pid = pid_of(p), .addr = at, .size = (nr + more) * PAGE,
					.size2 = (nr + more) * PAGE, .addr2 = addr_of(first), .flags = str("MREMAP_MAYMOVE|MREMAP_FIXED") };
		row(ev);
		ck_assert_uint_eq(strtoull(word, NULL, 0), addr_of(first));
	}
	fill(p, first + nr, more, last->kind, last->index + 1);
	moves++;
}

static void op_shrink(struct proc *p)
{
	uint64_t first, nr, want;

	some_range(&first, &nr);
	within_one(p, &first, &nr);
	want = 1 + below(nr);
	if (!is_one(p, first, nr))
		return;
	row((struct mm_event){ .type = MM_EV_MREMAP, .pid = pid_of(p), .addr = addr_of(first), .size = nr * PAGE, .size2 = want * PAGE });
	ck_assert_uint_eq(strtoull(word, NULL, 0), addr_of(first));
	clear(p, first + want, nr - want);
}

/* To its own pages, or as process_madvise() to another's. */
static void op_advise(struct proc *p)
{
	static const char *const advice[] = { "MADV_PAGEOUT", "MADV_PAGEOUT", "MADV_COLD", "MADV_WILLNEED", "MADV_COLLAPSE",
					      "MADV_HUGEPAGE", "MADV_NOHUGEPAGE", "MADV_DONTNEED" };
	uint64_t first, nr, k = below(sizeof(advice) / sizeof(advice[0]));
	const char *got;

	some_range(&first, &nr);
	got = call(p, MM_EV_MADVISE, addr_of(first), nr * PAGE, advice[k]);
	if (k < 2)
		swap_was_full += mm_total_swap_pages(machine->cache) && !mm_nr_swap_pages(machine->cache);
	if (k < 7 || (strcmp(got, "0") && strcmp(got, "ENOMEM")))	/* ENOMEM: a part was not mapped */
		return;
	for (uint64_t i = first; i < first + nr; i++)
		if (p->window[i].kind == ANON || p->window[i].own) {
			p->window[i].own = false;
			p->window[i].value = 0;
		}
}

static void op_unmap(struct proc *p)
{
	uint64_t first, nr;

	some_range(&first, &nr);
	ck_assert_str_eq(call(p, MM_EV_MUNMAP, addr_of(first), nr * PAGE, NULL), "0");
	clear(p, first, nr);
}

/* A child waits for no userfaultfd; what is poisoned for it too is anonymous memory alone, whose entries were copied. */
static void op_fork(struct proc *p)
{
	struct proc *child = &procs[1 + below(NR_PROCS - 1)];

	if (child == p)
		return;
	if (child->alive) {
		call(child, MM_EV_EXIT, 0, 0, NULL);
		child->alive = false;
		if (below(2))
			return;
	}
	row((struct mm_event){ .type = MM_EV_FORK, .pid = pid_of(p), .result = pid_of(child), .result_kind = MM_RESULT_DEC });
	*child = *p;
	for (uint64_t i = 0; i < UFFD_PAGES; i++)
		child->at[UFFD_FILE][i].poison = false;
}

/* ---- places of their own ---- */

static uint64_t place_addr(enum where w, uint64_t i) { return places[w].addr + i * places[w].step; }
static uint64_t *place_value(struct proc *p, enum where w, uint64_t i) { return places[w].file ? &shared_value[w][i] : &p->at[w][i].value; }

static bool file_has(uint64_t page)
{
	return mm_xa_load(&mm_file_lookup(machine->inodes, str("/memfd:u"))->inode->mapping.i_pages, page) != 0;
}

/* Who waits gets the page that the file has, or a new one. */
static void answer(struct proc *p, enum where w, uint64_t i)
{
	ck_assert(p == procs && w <= UFFD_FILE);
	if (w == UFFD_FILE && file_has(i)) {
		ck_assert_str_eq(call(p, MM_EV_UFFD_CONTINUE, place_addr(w, i), PAGE, NULL), "0");
		minor++;
		return;
	}
	ck_assert_uint_eq(*place_value(p, w, i), 0);
	ck_assert_str_eq(call(p, MM_EV_UFFD_COPY, place_addr(w, i), PAGE, NULL), "0");
	*place_value(p, w, i) = newest();
}

static void access_place(struct proc *p, enum where w, uint64_t i, bool store)
{
	enum mm_event_type type = store ? MM_EV_STORE : MM_EV_LOAD;
	const char *got = call(p, type, place_addr(w, i), 8, NULL);

	if (p->at[w][i].poison) {
		ck_assert_str_eq(got, "sigbus");
		return;
	}
	if (!strcmp(got, "uffd")) {
		answer(p, w, i);
		got = call(p, type, place_addr(w, i), 8, NULL);
	}
	ck_assert_msg(!strcmp(got, "ok"), "place %d, page %" PRIu64 " of %u: %s", (int)w, i, pid_of(p), got);
	if (store)
		*place_value(p, w, i) = newest();
	ck_assert_msg(held(p, place_addr(w, i)) == *place_value(p, w, i),
		      "place %d, page %" PRIu64 " of %u: expected %" PRIx64 ", found %" PRIx64,
		      (int)w, i, pid_of(p), *place_value(p, w, i), held(p, place_addr(w, i)));
}

/* Where there is no entry yet. */
static void op_poison(void)
{
	enum where w = (enum where)below(GIANT);
	uint64_t i = below(UFFD_PAGES);
	const char *got = call(procs, MM_EV_UFFD_POISON, place_addr(w, i), PAGE, NULL);

	if (!strcmp(got, "0")) {
		ck_assert(!procs->at[w][i].poison);
		procs->at[w][i].poison = true;
		poisoned++;
	} else {
		ck_assert_str_eq(got, "EEXIST");
	}
}

/* Entries go, of files and poison too; the page of a file stays, or goes with MADV_REMOVE, which takes no poison off. */
static void op_drop(struct proc *p)
{
	enum where w = (enum where)below(GIANT);
	uint64_t i = below(UFFD_PAGES);
	bool hole = w == UFFD_FILE && below(2);

	ck_assert_str_eq(call(p, MM_EV_MADVISE, place_addr(w, i), PAGE, hole ? "MADV_REMOVE" : "MADV_DONTNEED"), "0");
	if (!hole)
		p->at[w][i].poison = false;
	if (!places[w].file || hole)
		*place_value(p, w, i) = 0;
}

static void one_op(void)
{
	struct proc *p = some_proc();
	enum where w = (enum where)below(NR_WHERE);
	uint64_t k = below(64);

	switch (k) {
	case 0: case 1: op_map(p); break;
	case 2: case 3: case 4: op_move(p); break;
	case 5: case 6: op_grow(p); break;
	case 7: op_shrink(p); break;
	case 8: case 9: op_advise(p); break;
	case 10: op_unmap(p); break;
	case 11: op_fork(p); break;
	case 12: op_poison(); break;
	case 13: op_drop(p); break;
	default:
		if (k < 26)
			access_place(p, w, below(places[w].pages), k & 1);
		else
			access_run(p, below(WINDOW), below(4) ? 1 : 64, k % 3);
	}
}

static void check_all(void)
{
	for (struct proc *p = procs; p < procs + NR_PROCS; p++) {
		if (!p->alive)
			continue;
		for (uint64_t i = 0; i < WINDOW; i++)
			access_window(p, i, false);
		for (int w = 0; w < NR_WHERE; w++)
			for (uint64_t i = 0; i < places[w].pages; i++)
				access_place(p, (enum where)w, i, false);
	}
	ck_assert_msg(mm_machine_check(machine, &err) == 0, "%s", err.text);
}

static void make_machine(uint64_t seed)
{
	struct mm_machine_config cfg;

	small_machine_config(&cfg, UINT64_C(7) << 30);
	cfg.swap_bytes = seed % 2 ? 64 << 20 : 512 << 10;		/* no limit, then swap alone is soon full */
	cfg.memory_max_bytes = seed % 2 ? 8 << 20 : 0;
	small_machine_set(&cfg, "thp", "always");
	small_machine_set(&cfg, "hugepages-1048576kB.nr_hugepages", "4");	/* a shared one, and one for each process */
	machine = small_machine_new(&cfg);
}

static void file(const char *name, uint64_t size)
{
	row((struct mm_event){ .type = MM_EV_FILE, .pid = FIRST_PID, .name = str(name), .size = size, .flags = str("O_RDWR") });
}

static void start(uint64_t seed)
{
	rng.state = seed;
	now_ns = moves = left_behind = minor = poisoned = swap_was_full = 0;
	memset(file_value, 0, sizeof(file_value));
	memset(shared_value, 0, sizeof(shared_value));
	make_machine(seed);
	procs = calloc(NR_PROCS, sizeof(*procs));
	procs[0].alive = true;
	file("/memfd:m", FILE_PAGES * PAGE);
	for (int w = 0; w < NR_WHERE; w++) {
		if (places[w].file)
			file(places[w].file, places[w].size);
		row((struct mm_event){ .type = MM_EV_MMAP, .pid = FIRST_PID, .addr = places[w].addr, .size = places[w].size,
				       .flags = str(places[w].flags),
				       .name = places[w].file ? str(places[w].file) : (struct mm_str){ 0 } });
	}
	ck_assert_int_eq(mm_contents_keep(machine->cache), 0);
	ck_assert_str_eq(call(procs, MM_EV_UFFD_REGISTER, places[UFFD_ANON].addr, places[UFFD_ANON].size, "UFFDIO_REGISTER_MODE_MISSING"),
			 "0");
	ck_assert_str_eq(call(procs, MM_EV_UFFD_REGISTER, places[UFFD_FILE].addr, places[UFFD_FILE].size,
			      "UFFDIO_REGISTER_MODE_MISSING|UFFDIO_REGISTER_MODE_MINOR"), "0");
	map(procs, 0, WINDOW, ANON, 0);
}

START_TEST(random_against_cells)
{
	start((uint64_t)_i + 1);
	for (unsigned int n = 0; n < STEPS; n++) {
		one_op();
		if (n % 2000 == 1999)
			check_all();
	}
	ck_assert_uint_gt(moves, 100);
	ck_assert_uint_gt(left_behind, 10);
	ck_assert_uint_gt(minor, 10);
	ck_assert_uint_gt(poisoned, 5);
	ck_assert_msg((_i + 1) % 2 || swap_was_full > 2, "swap was full %" PRIu64 " times", swap_was_full);
	ck_assert_int_gt(mm_machine_vmstat(machine)->v[MM_PSWPOUT], 500);
	/* without a limit all comes back from the swap cache */
	ck_assert((_i + 1) % 2 == 0 || mm_machine_vmstat(machine)->v[MM_PSWPIN] > 50);
	ck_assert_int_gt(mm_machine_vmstat(machine)->v[MM_THP_SPLIT_PMD], 0);
	mm_machine_free(machine);
	free(procs);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("contents_moved");
	TCase *tc = tcase_create("random");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, random_against_cells, 0, 6);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
