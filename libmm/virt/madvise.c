/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * madvise: advice that changes the flags of VMAs, and advice about their pages.
 *
 * The range is walked VMA by VMA; holes are passed over and reported at the
 * end.  Advice that changes flags merges and splits as mprotect does.
 * Advice about pages is checked here and then handed to the floor of faults.
 * The process may not inject errors (MADV_HWPOISON).  Source: mm/madvise.c.
 */
#include <errno.h>

#include "virt/hugetlb.h"
#include "virt/khugepaged.h"
#include "virt/ksm.h"
#include "virt/userfaultfd.h"
#include "virt/vma.h"

static bool behavior_valid(int advice)
{
	return (advice >= MM_MADV_NORMAL && advice <= MM_MADV_DONTNEED) ||
	       (advice >= MM_MADV_FREE && advice <= MM_MADV_COLLAPSE) ||
	       advice == MM_MADV_HWPOISON || advice == MM_MADV_SOFT_OFFLINE;
}

static int update_vma(struct mm_vma *vma, struct mm_vma **prev, uint64_t start, uint64_t end, uint64_t flags,
		      const char *name)
{
	int e;

	if (flags == vma->vm_flags && name == vma->extra->anon_name) {
		*prev = vma;
		return 0;
	}
	e = mm_vma_modify(&vma, prev, start, end, flags, name);
	if (e)
		return e;
	vma->vm_flags = flags;
	return !vma->vm_file || mm_vma_is_anon_shmem(vma) ? mm_vma_set_anon_name(vma, name) : 0;
}

/* The pages of the range, by whoever keeps them. */
static int pages(struct mm_vma *vma, uint64_t start, uint64_t end, int advice)
{
	const struct mm_virt *virt = vma->vm_mm->virt;

	if (vma->vm_flags & MM_VM_HUGETLB && advice == MM_MADV_COLLAPSE)
		return -EINVAL;
	if (vma->vm_flags & MM_VM_HUGETLB && (advice == MM_MADV_DONTNEED || advice == MM_MADV_DONTNEED_LOCKED))
		end &= ~mm_hugetlb_mask(vma);
	if (virt->madvise_vma && !vma->vm_mm->trial)
		return virt->madvise_vma(vma, start, end, advice);
	return vma->vm_flags & MM_VM_HUGETLB && (advice == MM_MADV_POPULATE_READ || advice == MM_MADV_POPULATE_WRITE) &&
	       !mm_hugetlb_has_pages(vma) ? -EFAULT : 0;
}

static int check_remove(const struct mm_vma *vma)
{
	if ((vma->vm_flags & MM_VM_LOCKED) || !vma->vm_file)
		return -EINVAL;
	return (vma->vm_flags & (MM_VM_SHARED | MM_VM_WRITE)) == (MM_VM_SHARED | MM_VM_WRITE) ? 0 : -EACCES;
}

/*
 * Where pages are kept those who fault them in find out. Without: the rights, and beyond the end of the file it fails
 * when it gets there.
 */
static int check_populate(const struct mm_vma *vma, uint64_t end, bool write)
{
	uint64_t size = vma->vm_file ? mm_page_align(vma->vm_file->inode->size) : 0;

	if (vma->vm_mm->virt->madvise_vma && !vma->vm_mm->trial)
		return 0;
	if ((vma->vm_flags & (MM_VM_IO | MM_VM_PFNMAP)) || !(vma->vm_flags & (write ? MM_VM_WRITE : MM_VM_READ)))
		return -EINVAL;
	if (vma->vm_file && !mm_vma_is_anonymous(vma) &&
	    (vma->vm_pgoff << MM_PAGE_SHIFT) + (end - vma->vm_start) > size)
		return -EFAULT;
	return 0;
}

/* May the advice be given for the pages of this VMA? */
static int check_pages(const struct mm_vma *vma, uint64_t start, uint64_t end, int advice)
{
	uint64_t forbidden = MM_VM_PFNMAP | MM_VM_LOCKED;

	if (vma->vm_flags & MM_VM_HUGETLB && (advice == MM_MADV_DONTNEED || advice == MM_MADV_DONTNEED_LOCKED))
		return start & mm_hugetlb_mask(vma) ? -EINVAL : 0;
	switch (advice) {
	case MM_MADV_REMOVE:
		return check_remove(vma);
	case MM_MADV_COLD:
	case MM_MADV_PAGEOUT:
		return vma->vm_flags & (forbidden | MM_VM_HUGETLB) ? -EINVAL : 0;
	case MM_MADV_DONTNEED_LOCKED:
		return vma->vm_flags & MM_VM_PFNMAP ? -EINVAL : 0;
	case MM_MADV_DONTNEED:
		return vma->vm_flags & forbidden ? -EINVAL : 0;
	case MM_MADV_FREE:
		return (vma->vm_flags & forbidden) || !mm_vma_is_anonymous(vma) ? -EINVAL : 0;
	case MM_MADV_POPULATE_READ:
	case MM_MADV_POPULATE_WRITE:
		return check_populate(vma, end, advice == MM_MADV_POPULATE_WRITE);
	default:
		return 0;
	}
}

/* Whose faults these are hears that pages go; of MADV_FREE, which file pages do not take, too. */
static void tell_removal(struct mm_vma *vma, uint64_t start, uint64_t end, int advice, int e)
{
	if (advice != MM_MADV_DONTNEED && advice != MM_MADV_DONTNEED_LOCKED && advice != MM_MADV_REMOVE && advice != MM_MADV_FREE)
		return;
	if (advice == MM_MADV_FREE ? (vma->vm_flags & (MM_VM_PFNMAP | MM_VM_LOCKED | MM_VM_HUGETLB)) != 0 : e != 0)
		return;
	if (advice != MM_MADV_REMOVE)
		end &= ~mm_hugetlb_mask(vma);
	if (start != end)
		mm_uffd_remove(vma, start, end);
}

static int advise_pages(struct mm_vma *vma, struct mm_vma **prev, uint64_t start, uint64_t end, int advice)
{
	int e = check_pages(vma, start, end, advice);

	*prev = vma;
	if (vma->extra->uffd && !vma->vm_mm->trial)
		tell_removal(vma, start, end, advice, e);
	if (e)
		return e;
	if (advice == MM_MADV_POPULATE_WRITE && !vma->vm_mm->virt->madvise_vma && !vma->vm_mm->trial && !(vma->vm_flags & MM_VM_SHARED) &&
	    mm_anon_vma_prepare(vma))
		return -ENOMEM;
	return pages(vma, start, end, advice);
}

/* The flags that the advice leads to.  -EAGAIN stands for "no flags: it is about pages". */
static int new_flags(struct mm_vma *vma, int advice, uint64_t *flags)
{
	static const struct { uint64_t clear, set; } change[] = {
		[MM_MADV_NORMAL] = { MM_VM_RAND_READ | MM_VM_SEQ_READ, 0 },
		[MM_MADV_RANDOM] = { MM_VM_SEQ_READ, MM_VM_RAND_READ },
		[MM_MADV_SEQUENTIAL] = { MM_VM_RAND_READ, MM_VM_SEQ_READ },
		[MM_MADV_DONTFORK] = { 0, MM_VM_DONTCOPY },
		[MM_MADV_DOFORK] = { MM_VM_DONTCOPY, 0 },
		[MM_MADV_MERGEABLE] = { 0, MM_VM_MERGEABLE },
		[MM_MADV_UNMERGEABLE] = { MM_VM_MERGEABLE, 0 },
		[MM_MADV_HUGEPAGE] = { MM_VM_NOHUGEPAGE, MM_VM_HUGEPAGE },
		[MM_MADV_NOHUGEPAGE] = { MM_VM_HUGEPAGE, MM_VM_NOHUGEPAGE },
		[MM_MADV_DONTDUMP] = { 0, MM_VM_DONTDUMP },
		[MM_MADV_DODUMP] = { MM_VM_DONTDUMP, 0 },
		[MM_MADV_WIPEONFORK] = { 0, MM_VM_WIPEONFORK },
		[MM_MADV_KEEPONFORK] = { MM_VM_WIPEONFORK, 0 },
	};

	if (advice > MM_MADV_KEEPONFORK || !(change[advice].clear | change[advice].set))
		return -EAGAIN;
	if (advice == MM_MADV_DOFORK && (vma->vm_flags & MM_VM_IO))
		return -EINVAL;
	if (advice == MM_MADV_WIPEONFORK && (vma->vm_file || (vma->vm_flags & MM_VM_SHARED)))
		return -EINVAL;
	if (advice == MM_MADV_DODUMP && !(vma->vm_flags & MM_VM_HUGETLB) && (vma->vm_flags & MM_VM_SPECIAL))
		return -EINVAL;
	*flags = vma->vm_flags;
	if (vma->vm_mm->trial)
		return 0;
	if (advice == MM_MADV_MERGEABLE) {
		if (vma->vm_flags & MM_VM_MERGEABLE || !mm_vma_ksm_compatible(vma))
			return 0;
		if (mm_ksm_enter(vma->vm_mm))
			return -ENOMEM;
	}
	*flags = (vma->vm_flags & ~change[advice].clear) | change[advice].set;
	if (advice == MM_MADV_HUGEPAGE)
		mm_khugepaged_enter_vma(vma, *flags);
	return 0;
}

static int vma_behavior(struct mm_vma *vma, struct mm_vma **prev, uint64_t start, uint64_t end, int advice)
{
	uint64_t flags;
	int e = new_flags(vma, advice, &flags);

	if (e == -EAGAIN)
		return advise_pages(vma, prev, start, end, advice);
	if (e)
		return e;
	if (advice == MM_MADV_UNMERGEABLE && (vma->vm_flags & MM_VM_MERGEABLE) && vma->anon_vma)
		e = pages(vma, start, end, advice);
	if (!e)
		e = update_vma(vma, prev, start, end, flags, vma->extra->anon_name);
	return e == -ENOMEM ? -EAGAIN : e;
}

static int anon_name(struct mm_vma *vma, struct mm_vma **prev, uint64_t start, uint64_t end, const char *name)
{
	int e;

	if (vma->vm_file && !mm_vma_is_anon_shmem(vma))
		return -EBADF;
	e = update_vma(vma, prev, start, end, vma->vm_flags, name);
	return e == -ENOMEM ? -EAGAIN : e;
}

/* @advice < 0: set the name. */
static int walk_vmas(struct mm_struct *mm, uint64_t start, uint64_t end, int advice, const char *name)
{
	struct mm_vma *prev, *vma = mm_find_vma_prev(mm, start, &prev);
	int unmapped = 0, e;

	if (vma && start > vma->vm_start)
		prev = vma;
	for (;;) {
		uint64_t stop;

		if (!vma)
			return -ENOMEM;
		if (start < vma->vm_start) {
			unmapped = -ENOMEM;
			start = vma->vm_start;
			if (start >= end)
				return unmapped;
		}
		stop = vma->vm_end < end ? vma->vm_end : end;
		e = advice < 0 ? anon_name(vma, &prev, start, stop, name) : vma_behavior(vma, &prev, start, stop,
											 advice);
		if (e)
			return e;
		start = prev->vm_end > stop ? prev->vm_end : stop;
		if (start >= end)
			return unmapped;
		vma = mm_find_vma(mm, prev->vm_end);
	}
}

/* The range, rounded up; 1: it is empty. */
static int check_range(uint64_t start, uint64_t len_in, uint64_t *end)
{
	uint64_t len = mm_page_align(len_in);

	if (mm_offset_in_page(start) || (len_in && !len) || start + len < start)
		return -EINVAL;
	*end = start + len;
	return len == 0;
}

int mm_sys_madvise(struct mm_struct *mm, uint64_t start, uint64_t len, int advice)
{
	uint64_t end;
	int e;

	if (!behavior_valid(advice))
		return -EINVAL;
	e = check_range(start, len, &end);
	if (e)
		return e < 0 ? e : 0;
	if (advice >= MM_MADV_HWPOISON)
		return -EPERM;
	return walk_vmas(mm, start, end, advice, NULL);
}

/* Source: kernel/sys.c prctl_set_vma(), mm/madvise.c madvise_set_anon_name(). */
int mm_sys_set_anon_name(struct mm_struct *mm, uint64_t start, uint64_t len, const struct mm_str *name)
{
	const char *text = NULL;
	uint64_t end;
	int e;

	if (name && name->len) {
		if (name->len >= 80)		/* ANON_VMA_NAME_MAX_LEN with its NUL */
			return -EINVAL;
		for (size_t i = 0; i < name->len; i++) {
			unsigned char c = (unsigned char)name->p[i];

			if (c < 0x20 || c > 0x7e || c == '\\' || c == '`' || c == '$' || c == '[' || c == ']')
				return -EINVAL;
		}
		text = mm_virt_intern(mm->virt, *name);
		if (!text)
			return -ENOMEM;
	}
	e = check_range(start, len, &end);
	if (e)
		return e < 0 ? e : 0;
	return walk_vmas(mm, start, end, -1, text);
}
