/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address spaces against an array of pages, under random calls; and what is easily got wrong, row by row.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "virt/vma.h"

#define BASE	UINT64_C(0x100000000000)
enum { PAGES = 96, STEPS = 4000 };

static struct mm_ctx ctx;
static struct mm_virt virt;
static struct mm_struct *mm;
static const char *why = "";

static void setup(void)
{
	memset(&ctx, 0, sizeof(ctx));
	memset(&virt, 0, sizeof(virt));
	mm_sysctls_init(&ctx.sysctl);
	ck_assert_int_eq(mm_inode_table_new(&virt.inodes), 0);
	ck_assert_int_eq(mm_virt_init(&virt), 0);
	virt.ctx = &ctx;
	virt.totalram_pages = 1 << 20;
	mm = mm_mm_alloc(&virt, NULL);
	ck_assert_ptr_nonnull(mm);
}

static void teardown(void)
{
	ck_assert_msg(mm_mm_is_consistent(mm, &why), "%s", why);
	mm_mmput(mm);
	ck_assert_int_eq(virt.vm_committed_as, 0);	/* everything that was charged was given back */
	mm_virt_destroy(&virt);
	mm_inode_table_free(virt.inodes);
}

static int map(uint64_t addr, uint64_t len, uint64_t prot, uint64_t flags, uint64_t *at)
{
	struct mm_mmap_args a = { .addr = addr, .len = len, .prot = prot, .flags = flags | MM_MAP_ANONYMOUS };

	return mm_sys_mmap(mm, &a, at);
}

/* ---- the page array ---- */

struct page {
	bool mapped, locked;
	uint8_t prot;
};

static struct page page[PAGES];

static bool all_mapped(uint64_t first, uint64_t n)
{
	for (uint64_t i = first; i < first + n; i++)
		if (!page[i].mapped)
			return false;
	return true;
}

/* mprotect and mlock stop at the first hole; what lies before it is done. */
static void until_hole(uint64_t first, uint64_t n, int prot, int lock)
{
	for (uint64_t i = first; i < first + n && page[i].mapped; i++) {
		page[i].prot = prot >= 0 ? (uint8_t)prot : page[i].prot;
		page[i].locked = lock >= 0 ? lock : page[i].locked;
	}
}

static void compare(int step)
{
	uint64_t nr = 0, locked = 0;

	for (uint64_t i = 0; i < PAGES; i++) {
		struct mm_vma *vma = mm_vma_lookup(mm, BASE + i * MM_PAGE_SIZE);

		ck_assert_msg((vma != NULL) == page[i].mapped, "step %d, page %d: mapped", step, (int)i);
		if (!vma)
			continue;
		ck_assert_msg((vma->vm_flags & MM_VM_ACCESS_FLAGS) == page[i].prot, "step %d, page %d: rights", step,
			      (int)i);
		ck_assert_msg(!(vma->vm_flags & MM_VM_LOCKED) == !page[i].locked, "step %d, page %d: locked", step,
			      (int)i);
		nr++;
		locked += page[i].locked;
	}
	ck_assert_uint_eq(mm->total_vm, nr);
	ck_assert_uint_eq(mm->locked_vm, locked);
	ck_assert_msg(mm_mm_is_consistent(mm, &why), "step %d: %s", step, why);
}

/* One page moves over another; with DONTUNMAP the place it leaves stays mapped. */
static void move_page(uint64_t from, uint64_t to, bool keep)
{
	struct mm_mremap_args a = {
		.addr = BASE + from * MM_PAGE_SIZE, .old_len = MM_PAGE_SIZE, .new_len = MM_PAGE_SIZE,
		.flags = MM_MREMAP_MAYMOVE | MM_MREMAP_FIXED | (keep ? (uint64_t)MM_MREMAP_DONTUNMAP : 0),
		.new_addr = BASE + to * MM_PAGE_SIZE,
	};
	uint64_t at = 0;
	int e = mm_sys_mremap(mm, &a, &at);

	ck_assert_int_eq(e, !page[from].mapped ? -EFAULT : from == to ? -EINVAL : 0);
	if (e)
		return;
	ck_assert_uint_eq(at, a.new_addr);
	page[to] = page[from];
	if (!keep)
		page[from] = (struct page){ 0 };
}

static void random_call(struct mm_rng *rng)
{
	uint64_t first = mm_rng_below(rng, PAGES), n = 1 + mm_rng_below(rng, 12), addr = BASE + first * MM_PAGE_SIZE,
		at;
	uint64_t prot = mm_rng_below(rng, 8), len;
	int e;

	if (first + n > PAGES)
		n = PAGES - first;
	len = n * MM_PAGE_SIZE;
	switch (mm_rng_below(rng, 8)) {
	case 0:
	case 1:
		ck_assert_int_eq(map(addr, len, prot, MM_MAP_PRIVATE | MM_MAP_FIXED, &at), 0);
		ck_assert_uint_eq(at, addr);
		for (uint64_t i = first; i < first + n; i++)
			page[i] = (struct page){ true, false, (uint8_t)prot };
		break;
	case 2:
		ck_assert_int_eq(mm_sys_munmap(mm, addr, len), 0);
		memset(&page[first], 0, n * sizeof(page[0]));
		break;
	case 3:
		e = mm_sys_mprotect(mm, addr, len, prot);
		ck_assert_int_eq(e, all_mapped(first, n) ? 0 : -ENOMEM);
		until_hole(first, n, (int)prot, -1);
		break;
	case 4:
		e = mm_sys_mlock(mm, addr, len, MM_MLOCK_ONFAULT);
		ck_assert_int_eq(e, all_mapped(first, n) ? 0 : -ENOMEM);
		until_hole(first, n, -1, 1);
		break;
	case 5:
		e = mm_sys_munlock(mm, addr, len);
		ck_assert_int_eq(e, all_mapped(first, n) ? 0 : -ENOMEM);
		until_hole(first, n, -1, 0);
		break;
	case 6:		/* a locked source that stays loses VM_LOCKED, but not its count (move_vma()) */
		move_page(first, mm_rng_below(rng, PAGES), mm_rng_below(rng, 2) && !page[first].locked);
		break;
	default:
		mm_vma_access(mm, addr, 1, MM_VMA_WRITE);	/* anon_vmas come to be */
		break;
	}
}

START_TEST(random_calls)
{
	struct mm_rng rng = { 77u + (uint64_t)_i };

	memset(page, 0, sizeof(page));
	for (int k = 0; k < STEPS; k++) {
		random_call(&rng);
		compare(k);
	}
}
END_TEST

/* A fork in the middle: the child's pages are the parent's, and each goes its own way. */
START_TEST(fork_goes_its_own_way)
{
	struct mm_rng rng = { 5 };
	struct mm_struct *child;
	struct page parent[PAGES];

	memset(page, 0, sizeof(page));
	for (int k = 0; k < 300; k++)
		random_call(&rng);
	memcpy(parent, page, sizeof(page));
	ck_assert_int_eq(mm_dup_mm(&child, mm), 0);
	for (int k = 0; k < 300; k++)
		random_call(&rng);
	compare(0);
	for (uint64_t i = 0; i < PAGES; i++)
		ck_assert_int_eq(mm_vma_lookup(child, BASE + i * MM_PAGE_SIZE) != NULL, parent[i].mapped);
	ck_assert_uint_eq(child->locked_vm, 0);
	ck_assert_msg(mm_mm_is_consistent(child, &why), "%s", why);
	mm_mmput(child);
}
END_TEST

/* Borders: 0, 2^47, 2^56, 2^64 - 1; errors as mmap(2) of an x86-64 process without 5-level tables. */
START_TEST(edges)
{
	static const struct {
		uint64_t addr, len, flags;
		int e;
	} rows[] = {
		{ 0, 0, MM_MAP_PRIVATE, -EINVAL },				/* nothing */
		{ 0, UINT64_MAX, MM_MAP_PRIVATE, -ENOMEM },			/* rounds up to 0 */
		{ 0, UINT64_C(1) << 47, MM_MAP_PRIVATE, -ENOMEM },		/* a page more than there is */
		{ UINT64_C(0x7ffffffff000), 4096, MM_MAP_PRIVATE | MM_MAP_FIXED, -ENOMEM },	/* the page that is left out */
		{ UINT64_C(1) << 56, 4096, MM_MAP_PRIVATE | MM_MAP_FIXED, -ENOMEM },
		{ UINT64_MAX - 4095, 4096, MM_MAP_PRIVATE | MM_MAP_FIXED, -ENOMEM },
		{ BASE + 1, 4096, MM_MAP_PRIVATE | MM_MAP_FIXED, -EINVAL },	/* not on a page */
		{ BASE, 4096, 0, -EINVAL },					/* neither shared nor private */
		{ BASE, 4096, MM_MAP_SHARED_VALIDATE, -EINVAL },		/* of a file only */
		{ BASE, 4096, MM_MAP_SHARED | MM_MAP_GROWSDOWN, -EINVAL },
		{ BASE, 4096, MM_MAP_PRIVATE | MM_MAP_HUGETLB, -ENOMEM },	/* the pool is empty */
	};
	uint64_t at = 7;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_msg(map(rows[i].addr, rows[i].len, 1, rows[i].flags, &at) == rows[i].e, "row %d", (int)i);
		ck_assert_uint_eq(at, 7);	/* untouched on error */
	}
	ck_assert_int_eq(mm_sys_munmap(mm, 0, 0), -EINVAL);
	ck_assert_int_eq(mm_sys_munmap(mm, UINT64_MAX - 4095, 4096), -EINVAL);
	ck_assert_int_eq(mm_sys_mprotect(mm, UINT64_MAX - 4095, 8192, 1), -ENOMEM);
	ck_assert_int_eq(mm_sys_madvise(mm, UINT64_MAX - 4095, 8192, MM_MADV_NORMAL), -EINVAL);
	ck_assert_int_eq(mm_vma_access(mm, UINT64_MAX, 1, MM_VMA_READ), MM_VMA_SEGV);
	ck_assert_int_eq(mm_vma_access(mm, UINT64_MAX, UINT64_MAX, MM_VMA_WRITE), MM_VMA_SEGV);
	ck_assert_uint_eq(mm->map_count, 0);
}
END_TEST

/* vm.max_map_count: the limit itself is still reached by mmap (map_count > limit), not by a split (>=). */
START_TEST(max_map_count)
{
	uint64_t at;

	ctx.sysctl.v[MM_SYSCTL_MAX_MAP_COUNT] = 4;
	for (uint64_t i = 0; i < 5; i++)
		ck_assert_int_eq(map(BASE + i * 16384, 8192, 1, MM_MAP_PRIVATE | MM_MAP_FIXED, &at), 0);
	ck_assert_int_eq(map(BASE + 5 * 16384, 8192, 1, MM_MAP_PRIVATE | MM_MAP_FIXED, &at), -ENOMEM);
	ck_assert_int_eq(mm_sys_mprotect(mm, BASE, 4096, 3), -ENOMEM);
	ck_assert_int_eq(mm_sys_munmap(mm, BASE, 16384 * 2), 0);
	ck_assert_int_eq(mm_sys_mprotect(mm, BASE + 2 * 16384, 4096, 3), 0);
	ck_assert_uint_eq(mm->map_count, 4);
}
END_TEST

/* Overcommit: mode 0 refuses one request beyond RAM and swap, mode 2 the sum. */
START_TEST(overcommit)
{
	uint64_t at;

	virt.totalram_pages = 1000;
	ck_assert_int_eq(map(0, 1001 * 4096, 3, MM_MAP_PRIVATE, &at), -ENOMEM);
	ck_assert_int_eq(map(0, 1001 * 4096, 3, MM_MAP_PRIVATE | MM_MAP_NORESERVE, &at), 0);
	ck_assert_int_eq(map(0, 1000 * 4096, 3, MM_MAP_PRIVATE, &at), 0);
	ck_assert_int_eq(map(0, 1000 * 4096, 3, MM_MAP_PRIVATE, &at), 0);
	ctx.sysctl.v[MM_SYSCTL_OVERCOMMIT_MEMORY] = 2;
	ck_assert_int_eq(map(0, 4096, 3, MM_MAP_PRIVATE, &at), -ENOMEM);
	ck_assert_int_eq(map(0, 4096, 1, MM_MAP_PRIVATE, &at), 0);	/* read-only memory is not charged */
	ctx.sysctl.v[MM_SYSCTL_OVERCOMMIT_MEMORY] = 1;
	ck_assert_int_eq(map(0, 100000 * 4096, 3, MM_MAP_PRIVATE, &at), 0);
}
END_TEST

/* Every other page another right: nothing merges, a million VMAs. */
START_TEST(a_million)
{
	enum { N = 1000000 };
	uint64_t at;

	ctx.sysctl.v[MM_SYSCTL_MAX_MAP_COUNT] = 2 * N;
	for (uint64_t i = 0; i < N; i++)
		ck_assert_int_eq(map(BASE + i * 4096, 4096, i & 1 ? 1 : 0, MM_MAP_PRIVATE | MM_MAP_FIXED, &at), 0);
	ck_assert_uint_eq(mm->map_count, N);
	ck_assert_int_eq(mm_sys_mprotect(mm, BASE, N * UINT64_C(4096), 1), 0);
	ck_assert_uint_eq(mm->map_count, 1);
	ck_assert_uint_eq(mm->total_vm, N);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("vma");
	TCase *t = tcase_create("vma");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, random_calls, 0, 3);
	tcase_add_test(t, fork_goes_its_own_way);
	tcase_add_test(t, edges);
	tcase_add_test(t, max_map_count);
	tcase_add_test(t, overcommit);
	tcase_add_test(t, a_million);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
