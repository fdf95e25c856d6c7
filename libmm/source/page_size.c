/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The page size of the machine that a capture was taken on.  The kernel writes
 * it nowhere in so many words, but files of /proc count the same memory in
 * pages and in KiB:
 *
 *	cpuinfo		vendor_id: x86 and s390, which have pages of 4K alone
 *	PID/auxv	AT_PAGESZ itself, as that machine's programs see it
 *	PID/smaps	KernelPageSize of a mapping that is not of huge pages
 *	PID/stat	the address space in bytes, which statm has in pages
 *	meminfo		DirectMap4k, which x86 and s390 write without DirectMap64k
 *	vmstat		pages on LRU lists are meminfo's Active and Inactive,
 *			free pages its MemFree: at two moments, so about
 *	zoneinfo	managed pages of all zones are meminfo's MemTotal
 *	buddyinfo	free blocks are MemFree, about
 *
 * The first that tells is believed.  Sizes of one architecture differ by 4 (4K, 16K, 64K), so "about" is enough.
 * Source: Linux 6.6 fs/proc/meminfo.c, mm/show_mem.c si_meminfo(), fs/proc/task_mmu.c, fs/proc/array.c do_task_stat(),
 * arch_report_meminfo() of the architectures.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libmm/buddyinfo.h>
#include <libmm/source.h>
#include <libmm/zoneinfo.h>
#include "source/pid.h"
#include "source/scan.h"

enum { MIN_PAGE = 1 << 12, MAX_PAGE = 1 << 20, AT_PAGE_SIZE = 6, TEXT = 1 << 16, MAX_PIDS_ASKED = 64 };

static bool is_page_size(uint64_t v)
{
	return v >= MIN_PAGE && v <= MAX_PAGE && !(v & (v - 1));
}

/* ---- what programs were told ---- */

static uint64_t word_at(const unsigned char *p, size_t size, bool big)
{
	uint64_t v = 0;

	for (size_t i = 0; i < size; i++)
		v = v << 8 | p[big ? i : size - 1 - i];
	return v;
}

/* Pairs of words of 4 or 8 bytes, of either byte order; the last pair is AT_NULL. */
static uint32_t of_auxv(const unsigned char *p, size_t len)
{
	for (int how = 0; how < 4; how++) {
		size_t size = how & 1 ? 4 : 8;

		for (size_t at = 0; at + 2 * size <= len; at += 2 * size) {
			uint64_t key = word_at(p + at, size, how & 2), value = word_at(p + at + size, size, how & 2);

			if (key == AT_PAGE_SIZE && is_page_size(value))
				return (uint32_t)value;
		}
	}
	return 0;
}

/* The smallest KernelPageSize: huge pages have their own, larger one. */
static uint32_t of_smaps(struct mm_str text)
{
	uint64_t min = 0, kib;
	struct mm_str line;

	while (scan_line(&text, &line))
		if (scan_word(&line, "KernelPageSize:") && scan_u64(&line, &kib) && kib <= MAX_PAGE / 1024 &&
		    is_page_size(kib * 1024) && (!min || kib < min))
			min = kib;
	return (uint32_t)min * 1024;
}

/* bytes of PID/stat by pages of PID/statm, where one is a multiple of the other; 0: it is none, or has no memory. */
static uint32_t of_vsize(struct mm_str stat, uint64_t pages)
{
	struct mm_pid_row row = { 0 };

	if (mm_pid_parse_stat(stat, 4, &row) || !pages || row.virt_kib % pages || row.virt_kib / pages > MAX_PAGE / 1024 ||
	    !is_page_size(row.virt_kib / pages * 1024))
		return 0;
	return (uint32_t)(row.virt_kib / pages * 1024);
}

struct search {
	const struct mm_sysroot *root;
	char *text;
	uint32_t found;
	unsigned int nr;
	int err;			/* -ENOMEM: what a file tells is not known */
};

static int of_process(void *arg, const char *name)
{
	struct search *s = arg;
	struct mm_str statm;
	uint64_t pages;
	char path[64];
	long n;

	if (strspn(name, "0123456789") != strlen(name) || strlen(name) > 10)
		return 0;
	if (++s->nr > MAX_PIDS_ASKED)
		return 1;
	snprintf(path, sizeof(path), "proc/%s/auxv", name);
	n = mm_sysroot_text(s->root, path, s->text, TEXT);
	s->found = n > 0 ? of_auxv((const unsigned char *)s->text, (size_t)n) : 0;
	if (s->found)
		return 1;
	snprintf(path, sizeof(path), "proc/%s/smaps", name);
	n = mm_sysroot_text(s->root, path, s->text, TEXT);
	s->found = n > 0 ? of_smaps((struct mm_str){ s->text, (size_t)n }) : 0;
	if (s->found)
		return 1;
	snprintf(path, sizeof(path), "proc/%s/statm", name);
	n = mm_sysroot_text(s->root, path, s->text, TEXT);
	statm = (struct mm_str){ s->text, n > 0 ? (size_t)n : 0 };
	if (!scan_u64(&statm, &pages))
		return 0;
	snprintf(path, sizeof(path), "proc/%s/stat", name);
	n = mm_sysroot_text(s->root, path, s->text, TEXT);
	s->found = n > 0 ? of_vsize((struct mm_str){ s->text, (size_t)n }, pages) : 0;
	return s->found != 0;
}

/* ---- the same memory in pages and in KiB ---- */

/* The sum of the lines "KEY: N" or "KEY N" of the @nr @keys; false: one is missing. */
static bool sum_of(struct mm_str text, const char *const *keys, size_t nr, uint64_t *sum)
{
	struct mm_str line;
	uint64_t v;
	size_t seen = 0;

	*sum = 0;
	while (scan_line(&text, &line))
		for (size_t i = 0; i < nr; i++) {
			struct mm_str s = line;

			if (!scan_prefix(&s, keys[i], strlen(keys[i])) || !s.len || !(*s.p == ' ' || scan_word(&s, ":")))
				continue;
			if (!scan_u64(&s, &v) || __builtin_add_overflow(*sum, v, sum))
				return false;
			seen++;
		}
	return seen == nr;
}

/* The size, 4K, 16K or 64K, that is about @kib / @pages; 0: none is near, or there are too few pages to tell. */
static uint32_t nearest(uint64_t kib, uint64_t pages)
{
	if (pages < 64 || kib > UINT64_MAX / 4096)
		return 0;
	for (uint32_t size = MIN_PAGE; size <= 1 << 16; size *= 4) {
		uint64_t want = kib * 1024 / size;

		if (want >= pages - pages / 4 && want <= pages + pages / 4)
			return size;
	}
	return 0;
}

static bool open_file(struct search *s, const char *path, struct mm_input **in)
{
	int e = mm_sysroot_input(s->root, path, in, NULL);

	if (e == -ENOMEM)
		s->err = e;
	return !e;
}

static uint32_t of_zones(struct search *s, struct mm_str meminfo)
{
	static const char *const total[] = { "MemTotal" };
	struct mm_zoneinfo zi = { 0 };
	struct mm_input *in;
	uint64_t kib, pages = 0;
	int e;

	if (!sum_of(meminfo, total, 1, &kib) || !open_file(s, "proc/zoneinfo", &in))
		return 0;
	e = mm_zoneinfo_read(&zi, in, NULL);
	if (e == -ENOMEM)
		s->err = e;
	if (!e)
		for (size_t i = 0; i < zi.nr; i++)
			if (zi.v[i].managed_pages < UINT64_C(1) << 52)
				pages += zi.v[i].managed_pages;
	mm_input_free(in);
	mm_zoneinfo_free(&zi);
	return nearest(kib, pages);
}

static uint32_t of_counters(struct mm_str meminfo, struct mm_str vmstat)
{
	static const char *const lru_kib[] = { "Active(anon)", "Inactive(anon)", "Active(file)", "Inactive(file)" };
	static const char *const lru[] = { "nr_active_anon", "nr_inactive_anon", "nr_active_file", "nr_inactive_file" };
	static const char *const free_kib[] = { "MemFree" }, *const nr_free[] = { "nr_free_pages" };
	uint64_t kib, pages;
	uint32_t size = 0;

	if (sum_of(meminfo, lru_kib, 4, &kib) && sum_of(vmstat, lru, 4, &pages))
		size = nearest(kib, pages);
	if (!size && sum_of(meminfo, free_kib, 1, &kib) && sum_of(vmstat, nr_free, 1, &pages))
		size = nearest(kib, pages);
	return size;
}

static uint32_t of_blocks(struct search *s, struct mm_str meminfo)
{
	static const char *const free_kib[] = { "MemFree" };
	struct mm_buddyinfo bi = { 0 };
	struct mm_input *in;
	uint64_t kib, pages = 0;
	int e;

	if (!sum_of(meminfo, free_kib, 1, &kib) || !open_file(s, "proc/buddyinfo", &in))
		return 0;
	e = mm_buddyinfo_read(&bi, in, NULL);
	if (e == -ENOMEM)
		s->err = e;
	if (!e)
		for (size_t i = 0; i < bi.nr; i++)
			for (uint32_t o = 0; o < bi.v[i].nr_orders; o++)
				if (__builtin_add_overflow(pages, bi.v[i].blocks[o] << o, &pages))
					pages = UINT64_MAX;
	mm_input_free(in);
	mm_buddyinfo_free(&bi);
	return nearest(kib, pages);
}

static uint32_t of_memory(struct search *s)
{
	static const char *const direct[] = { "DirectMap4k", "DirectMap64k" };
	uint64_t kib;
	char meminfo[8192];
	long n = mm_sysroot_text(s->root, "proc/meminfo", meminfo, sizeof(meminfo)), m;
	struct mm_str mem = { meminfo, n > 0 ? (size_t)n : 0 };
	uint32_t size = 0;

	if (n <= 0)
		return 0;
	if (sum_of(mem, direct, 1, &kib) && !sum_of(mem, direct + 1, 1, &kib))
		return MM_PAGE_SIZE;
	m = mm_sysroot_text(s->root, "proc/vmstat", s->text, TEXT);
	if (m > 0)
		size = of_counters(mem, (struct mm_str){ s->text, (size_t)m });
	if (!size)
		size = of_zones(s, mem);
	return size ? size : of_blocks(s, mem);
}

static uint32_t of_processor(const struct mm_sysroot *root, char *text)
{
	long n = mm_sysroot_text(root, "proc/cpuinfo", text, TEXT);
	struct mm_str s = { text, n > 0 ? (size_t)n : 0 }, line;

	while (scan_line(&s, &line))
		if (scan_word(&line, "vendor_id"))
			return MM_PAGE_SIZE;
	return 0;
}

int mm_sysroot_page_size(const struct mm_sysroot *r, uint32_t *bytes)
{
	struct search s = { .root = r };

	if (!*mm_sysroot_name(r)) {
		*bytes = (uint32_t)sysconf(_SC_PAGESIZE);
		return 0;
	}
	s.text = malloc(TEXT);
	if (!s.text)
		return -ENOMEM;
	s.found = of_processor(r, s.text);
	if (!s.found && mm_sysroot_each(r, "proc", of_process, &s) == -ENOMEM)
		s.err = -ENOMEM;
	if (!s.found && !s.err)
		s.found = of_memory(&s);
	free(s.text);
	if (!s.err)
		*bytes = s.found;
	return s.err;
}

uint32_t mm_orders_page_size(uint32_t nr_orders)
{
	switch (nr_orders) {
	case 9: return 1 << 16;		/* powerpc: MAX_ORDER 8 with 64K pages */
	case 12: return 1 << 14;	/* arm64: 11 with 16K pages */
	case 14: return 1 << 16;	/* arm64: 13 with 64K pages */
	default: return 0;
	}
}
