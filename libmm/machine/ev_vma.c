/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events of address spaces: one call of the mmap family each.
 *
 * mmap, mremap and brk of a recording go where it says; what it saw refused is
 * not done (mmap, mremap, brk) or done as far as the kernel does before it refuses
 * (mprotect and the others, which stop half-way).
 */
#include <errno.h>

#include "base/str.h"
#include "fault/ksm.h"
#include "machine/vma_call.h"

static int no_memory(struct mm_error *err) { return mm_error_set(err, -ENOMEM, "out of memory"); }

/* A call begins: the address space, or NULL with @err. */
static struct mm_struct *begin(struct mm_machine *m, struct mm_task *task, struct mm_error *err)
{
	struct mm_struct *mm = mm_task_mm(m, task);

	if (!mm)
		no_memory(err);
	mm_vma_report_begin(m);
	return mm;
}

/* It ends with @e, and on success @value. */
static int end(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, int e, struct mm_error *err)
{
	int r = mm_vma_result(m, task, ev, e, 0, false);

	if (!r)
		r = mm_vma_report_end(m, task, ev);
	return r ? no_memory(err) : 0;
}

static int end_at(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, int e, uint64_t value,
		  struct mm_error *err)
{
	int r = mm_vma_result(m, task, ev, e, value, true);

	if (!r)
		r = mm_vma_report_end(m, task, ev);
	return r ? no_memory(err) : 0;
}

/* The file of a mapping; a recording that mapped one that no row told of makes it. */
static int mapped_file(struct mm_machine *m, const struct mm_event *ev, const struct mm_recorded *rec,
		       struct mm_file **fp)
{
	uint64_t size;

	*fp = NULL;
	if (!(ev->present & MM_TC_BIT(NAME)) || !ev->name.len)
		return 0;
	*fp = mm_file_lookup(m->inodes, ev->name);
	if (*fp || !rec->there || rec->failed)
		return 0;
	if (__builtin_add_overflow(ev->offset, ev->size, &size))
		size = ev->size;
	*fp = mm_file_create(m->inodes, ev->name, MM_INODE_REG, size, MM_FMODE_READ | MM_FMODE_WRITE);
	return *fp ? 0 : -ENOMEM;
}

/* It is placed over something that the model still has there. */
static int check_occupied(struct mm_machine *m, struct mm_task *task, const struct mm_event *ev, uint64_t addr,
			  uint64_t len)
{
	uint64_t last;

	if (!len || __builtin_add_overflow(addr, len - 1, &last) || !mm_mt_find(&task->mm->mm_mt, addr, last))
		return 0;
	return mm_vma_mismatch(m, task, ev, MM_MISMATCH_OCCUPIED, -EEXIST, 0);
}

/* The recording mapped it though the model refuses: put it there all the same, over what there is. */
static int force_mmap(struct mm_struct *mm, const struct mm_mmap_args *a, uint64_t *addr)
{
	struct mm_mmap_args f = *a;

	f.flags = (f.flags & ~MM_MAP_FIXED_NOREPLACE) | MM_MAP_FIXED;
	f.addr = a->placed_addr;
	f.place = false;
	return mm_sys_mmap(mm, &f, addr);
}

int mm_ev_mmap(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = begin(m, task, err);
	struct mm_recorded rec = mm_vma_recorded(ev);
	struct mm_mmap_args a = { .addr = ev->addr, .len = ev->size, .offset = ev->offset };
	uint64_t addr = 0;
	int e;

	if (!mm)
		return -ENOMEM;
	mm_vma_mmap_flags(m, ev->flags, &a.prot, &a.flags);
	if (rec.there && rec.failed && !(a.flags & MM_MAP_FIXED))
		return 0;
	if (mapped_file(m, ev, &rec, &a.file))
		return no_memory(err);
	a.place = rec.there && !rec.failed;
	a.placed_addr = rec.value;
	if (a.place && !(a.flags & MM_MAP_FIXED) && check_occupied(m, task, ev, rec.value, ev->size))
		return no_memory(err);
	e = mm_sys_mmap(mm, &a, &addr);
	if (e && a.place) {
		if (mm_vma_result(m, task, ev, e, 0, true))
			return no_memory(err);
		force_mmap(mm, &a, &addr);
		return mm_vma_report_end(m, task, ev) ? no_memory(err) : 0;
	}
	return end_at(m, task, ev, e, addr, err);
}

int mm_ev_munmap(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = begin(m, task, err);

	return mm ? end(m, task, ev, mm_sys_munmap(mm, ev->addr, ev->size), err) : -ENOMEM;
}

int mm_ev_mprotect(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = begin(m, task, err);
	uint64_t prot = mm_vma_flags(m, MM_FLAG_PROT, ev->flags);
	struct mm_recorded rec = mm_vma_recorded(ev);

	if (mm && rec.there && !rec.failed && prot == MM_PROT_READ)
		mm_vma_learn_image(mm, ev->addr, ev->size);
	return mm ? end(m, task, ev, mm_sys_mprotect(mm, ev->addr, ev->size, prot), err) : -ENOMEM;
}

int mm_ev_mremap(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = begin(m, task, err);
	struct mm_recorded rec = mm_vma_recorded(ev);
	struct mm_mremap_args a = {
		.addr = ev->addr, .old_len = ev->size, .new_len = ev->size2, .new_addr = ev->addr2,
		.flags = mm_vma_flags(m, MM_FLAG_MREMAP, ev->flags),
		.place = rec.there && !rec.failed, .placed_addr = rec.value,
	};
	uint64_t addr = 0;
	int e;

	if (!mm)
		return -ENOMEM;
	if (rec.there && rec.failed)
		return 0;
	if (a.place && rec.value != ev->addr && !(a.flags & MM_MREMAP_FIXED) &&
	    check_occupied(m, task, ev, rec.value, ev->size2))
		return no_memory(err);
	e = mm_sys_mremap(mm, &a, &addr);
	return end_at(m, task, ev, e, addr, err);
}

/* A recording's first brk() tells where the data segment begins, if no exec or seed did. */
static bool learn_brk(struct mm_struct *mm, const struct mm_recorded *rec, uint64_t asked)
{
	if (!rec->there || rec->failed || mm->brk != mm->start_brk || rec->value == mm->brk)
		return false;
	if (asked && mm->start_brk)
		return false;
	mm->start_brk = mm->brk = rec->value;
	return true;
}

int mm_ev_brk(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = begin(m, task, err);
	struct mm_recorded rec = mm_vma_recorded(ev);

	if (!mm)
		return -ENOMEM;
	if (learn_brk(mm, &rec, ev->addr))
		return end_at(m, task, ev, 0, mm->brk, err);
	return end_at(m, task, ev, 0, mm_sys_brk(mm, ev->addr), err);
}

int mm_ev_madvise(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = begin(m, task, err);
	uint64_t advice = mm_vma_flags(m, MM_FLAG_MADV, ev->flags);

	if (!mm)
		return -ENOMEM;
	return end(m, task, ev, mm_sys_madvise(mm, ev->addr, ev->size, advice > INT32_MAX ? -1 : (int)advice), err);
}

int mm_ev_mlock(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = begin(m, task, err);
	uint64_t flags = mm_vma_flags(m, MM_FLAG_MLOCK, ev->flags);

	return mm ? end(m, task, ev, mm_sys_mlock(mm, ev->addr, ev->size, flags), err) : -ENOMEM;
}

int mm_ev_munlock(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = begin(m, task, err);

	return mm ? end(m, task, ev, mm_sys_munlock(mm, ev->addr, ev->size), err) : -ENOMEM;
}

int mm_ev_mlockall(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = begin(m, task, err);

	return mm ? end(m, task, ev, mm_sys_mlockall(mm, mm_vma_flags(m, MM_FLAG_MCL, ev->flags)), err) : -ENOMEM;
}

int mm_ev_munlockall(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = begin(m, task, err);

	return mm ? end(m, task, ev, mm_sys_munlockall(mm), err) : -ENOMEM;
}

int mm_ev_msync(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = begin(m, task, err);
	uint64_t flags = mm_vma_flags(m, MM_FLAG_MS, ev->flags);

	return mm ? end(m, task, ev, mm_sys_msync(mm, ev->addr, ev->size, flags), err) : -ENOMEM;
}

int mm_ev_prctl(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = begin(m, task, err);
	struct mm_recorded rec = mm_vma_recorded(ev);

	if (!mm)
		return -ENOMEM;
	if (mm_has_word(ev->flags, "PR_SET_MEMORY_MERGE")) {
		if (rec.there && rec.failed)
			return 0;
		return end(m, task, ev, ev->addr ? mm_ksm_enable_merge_any(mm) : mm_ksm_disable_merge_any(m->fault, mm), err);
	}
	if (!mm_has_word(ev->flags, "PR_SET_VMA_ANON_NAME")) {
		mm_machine_skip(m, "prctl options that do not touch memory", true);
		return 0;
	}
	if (rec.there ? rec.failed : !mm_sysctl(&m->ctx, MM_SYSCTL_ANON_VMA_NAME))
		return end(m, task, ev, -EINVAL, err);
	return end(m, task, ev, mm_sys_set_anon_name(mm, ev->addr, ev->size, &ev->name), err);
}

int mm_ev_setrlimit(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	static const char *const names[MM_NR_RLIMITS] = {
		[MM_RLIMIT_DATA] = "RLIMIT_DATA", [MM_RLIMIT_STACK] = "RLIMIT_STACK",
		[MM_RLIMIT_MEMLOCK] = "RLIMIT_MEMLOCK", [MM_RLIMIT_AS] = "RLIMIT_AS",
	};
	struct mm_struct *mm = begin(m, task, err);
	struct mm_recorded rec = mm_vma_recorded(ev);

	if (!mm)
		return -ENOMEM;
	if (rec.there && rec.failed)
		return 0;
	for (int i = 0; i < MM_NR_RLIMITS; i++)
		if (mm_has_word(ev->name, names[i]))
			mm->rlimit[i] = ev->present & MM_TC_BIT(SIZE) ? ev->size : MM_RLIM_INFINITY;
	return end(m, task, ev, 0, err);
}

int mm_ev_shmat(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = begin(m, task, err);
	struct mm_recorded rec = mm_vma_recorded(ev);
	uint64_t flags = mm_vma_flags(m, MM_FLAG_SHM, ev->flags), at = rec.value;
	struct mm_file *seg;
	int e;

	if (!mm)
		return -ENOMEM;
	if (rec.there && rec.failed)
		return 0;
	seg = mm_file_lookup(m->inodes, ev->name);
	if (!seg && ev->size) {
		seg = mm_file_create(m->inodes, ev->name, MM_INODE_SHM, ev->size, MM_FMODE_READ | MM_FMODE_WRITE);
		if (!seg)
			return no_memory(err);
	}
	e = mm_sys_shmat(mm, seg, ev->addr, flags, rec.there, &at);
	return end_at(m, task, ev, e, at, err);
}

int mm_ev_shmdt(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = begin(m, task, err);

	return mm ? end(m, task, ev, mm_sys_shmdt(mm, ev->addr), err) : -ENOMEM;
}

int mm_ev_remap_file_pages(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = begin(m, task, err);
	uint64_t prot, flags;

	if (!mm)
		return -ENOMEM;
	mm_vma_mmap_flags(m, ev->flags, &prot, &flags);
	return end(m, task, ev,
		   mm_sys_remap_file_pages(mm, ev->addr, ev->size, prot, ev->offset >> MM_PAGE_SHIFT, flags), err);
}
