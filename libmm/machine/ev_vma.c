/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events of address spaces: one call of the mmap family each.
 *
 * mmap, mremap and brk of a recording go where it says.  Every recorded result is
 * compared with what the model answers, an address with what its own search finds;
 * a call that the recording saw refused and the model does is undone.
 */
#include <errno.h>

#include "base/str.h"
#include "fault/ksm.h"
#include "machine/vma_call.h"
#include "virt/shm_segment.h"

static int end_at(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, int e, uint64_t value,
		  struct mm_error *err)
{
	int r = mm_vma_result(m, task, ev, e, value, true);

	if (!r)
		r = mm_vma_report_end(m, task, ev);
	return r ? mm_no_memory(err) : 0;
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
	*fp = mm_file_create(m->inodes, ev->name, mm_inode_type_of_name(ev->name), size, MM_FMODE_READ | MM_FMODE_WRITE);
	return *fp ? 0 : -ENOMEM;
}

/* Does the model still have something there? */
static bool is_occupied(const struct mm_struct *mm, uint64_t addr, uint64_t len)
{
	uint64_t last;

	return len && !__builtin_add_overflow(addr, len - 1, &last) && mm_mt_find(&mm->mm_mt, addr, last);
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

/*
 * The recording placed it elsewhere than the search would have.  Where an address space is not known from its
 * beginning something may lie in the higher place, of which the recording says nothing.
 */
static int compare_place(struct mm_machine *m, struct mm_task *task, const struct mm_event *ev, uint64_t recorded)
{
	struct mm_struct *mm = task->mm;

	if (mm->unplaced_addr == recorded || (!mm->whole && recorded < mm->unplaced_addr))
		return 0;
	return mm_vma_mismatch(m, task, ev, MM_MISMATCH_ADDRESS, mm->unplaced_addr ? 0 : -ENOMEM, mm->unplaced_addr);
}

/* The first mapping of an address space that names no address shows where the area begins that mmap fills. */
static void learn_base(struct mm_struct *mm, const struct mm_mmap_args *a)
{
	struct mm_unmapped_args u = {
		.file = a->file, .len = mm_page_align(a->len), .pgoff = a->offset >> MM_PAGE_SHIFT, .flags = a->flags,
	};
	uint64_t at;

	if (mm->base_known || a->addr || !u.len || !mm->topdown || (a->flags & (MM_MAP_32BIT | MM_MAP_HUGETLB)))
		return;
	if (!mm_get_unmapped_area(mm, &u, &at) && at == a->placed_addr)
		mm->base_known = true;
	else
		mm_vma_learn_base(mm, a->placed_addr, a->len);
}

/* What was tried and undone leaves no trace in the tables, and no effects beyond the first @nr_effects. */
static void forget_trial(struct mm_machine *m, size_t nr_effects)
{
	m->effects.nr = nr_effects;
	mm_vma_report_begin(m);
}

/* The recording saw it refused: would the model refuse it, and so? */
static int mmap_refused(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, const struct mm_mmap_args *a,
			struct mm_error *err)
{
	size_t nr_effects = m->effects.nr;
	uint64_t addr = 0;
	int e;

	if (!(a->flags & MM_MAP_ANONYMOUS) && !a->file && ev->present & MM_TC_BIT(NAME) && ev->name.len) {
		mm_machine_note(m, "refused mappings of files that nothing is known of");
		return 0;
	}
	task->mm->trial = a->flags & MM_MAP_FIXED;
	e = mm_sys_mmap(task->mm, a, &addr);
	task->mm->trial = false;
	if (e && a->flags & MM_MAP_FIXED) {
		e = mm_sys_mmap(task->mm, a, &addr);	/* what was there may be gone */
	} else if (!e && !(a->flags & MM_MAP_FIXED)) {
		mm_sys_munmap(task->mm, addr, a->len);
		forget_trial(m, nr_effects);
	}
	return end_at(m, task, ev, e, addr, err);
}

/*
 * A loader maps a library with its bss first, then its segments, and memory over what is left: the file, of whose size no other call
 * told, ends with the segment before.
 */
static void learn_file_end(struct mm_machine *m, struct mm_struct *mm, const struct mm_mmap_args *a)
{
	struct mm_vma *prev, *vma = mm_find_vma_prev(mm, a->addr, &prev);
	struct mm_inode *inode;

	if (!vma || vma->vm_start > a->addr || !vma->vm_file || !vma->vm_file->inode->size_with_bss)
		return;
	inode = vma->vm_file->inode;
	if (mm_page_align(inode->size) != (vma->vm_pgoff << MM_PAGE_SHIFT) + (vma->vm_end - vma->vm_start))
		return;
	inode->size_with_bss = false;
	if (prev && prev->vm_file == vma->vm_file && prev->vm_end == a->addr)
		mm_vma_cut_file(m, inode, (prev->vm_pgoff << MM_PAGE_SHIFT) + (prev->vm_end - prev->vm_start));
}

int mm_ev_mmap(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);
	struct mm_recorded rec = mm_vma_recorded(ev);
	struct mm_mmap_args a = { .addr = ev->addr, .len = ev->size, .offset = ev->offset };
	bool occupied = false;
	uint64_t addr = 0;
	int e;

	if (!mm)
		return -ENOMEM;
	mm_vma_mmap_flags(m, ev->flags, &a.prot, &a.flags);
	if (mapped_file(m, ev, &rec, &a.file))
		return mm_no_memory(err);
	if (rec.there && rec.failed)
		return mmap_refused(m, task, ev, &a, err);
	a.place = rec.there && !rec.failed;
	a.placed_addr = rec.value;
	if (a.place && !(a.flags & (MM_MAP_FIXED | MM_MAP_FIXED_NOREPLACE))) {
		learn_base(mm, &a);
		mm_vma_image_give_way(task, rec.value, ev->size);
		occupied = is_occupied(mm, rec.value, ev->size);
		if (occupied && mm_vma_mismatch(m, task, ev, MM_MISMATCH_OCCUPIED, -EEXIST, 0))
			return mm_no_memory(err);
	}
	if (a.place && a.file && a.flags & MM_MAP_DENYWRITE && !(a.flags & MM_MAP_FIXED))
		a.file->inode->size_with_bss = a.file->inode->size == a.offset + a.len;
	if (a.place && a.flags & MM_MAP_FIXED && a.flags & MM_MAP_ANONYMOUS)
		learn_file_end(m, mm, &a);
	mm->unplaced_addr = rec.value;
	e = mm_sys_mmap(mm, &a, &addr);
	if (!e && a.place && !occupied && compare_place(m, task, ev, rec.value))
		return mm_no_memory(err);
	if (e && a.place) {
		if (mm_vma_result(m, task, ev, e, 0, true))
			return mm_no_memory(err);
		force_mmap(mm, &a, &addr);
		return mm_vma_report_end(m, task, ev) ? mm_no_memory(err) : 0;
	}
	return end_at(m, task, ev, e, addr, err);
}

/* One of the calls that give no address. 0 or -errno. */
static int do_call(struct mm_struct *mm, const struct mm_event *ev, uint64_t flags, int64_t key)
{
	switch (ev->type) {
	case MM_EV_MUNMAP:
		return mm_sys_munmap(mm, ev->addr, ev->size);
	case MM_EV_MPROTECT:
	case MM_EV_PKEY_MPROTECT:
		return mm_sys_pkey_mprotect(mm, ev->addr, ev->size, flags, key);
	case MM_EV_MADVISE:
		return mm_sys_madvise(mm, ev->addr, ev->size, flags > INT32_MAX ? -1 : (int)flags);
	case MM_EV_MLOCK:
		return mm_sys_mlock(mm, ev->addr, ev->size, flags);
	default:
		return mm_sys_mlockall(mm, flags);
	}
}

/* May something of which the recording says nothing lie in a hole of [addr, addr + len)? */
static bool has_unknown(const struct mm_struct *mm, uint64_t addr, uint64_t len)
{
	const struct mm_vma *vma;
	uint64_t end;

	if (mm->whole || __builtin_add_overflow(addr, len, &end))
		return false;
	for (; addr < end; addr = vma->vm_end) {
		vma = mm_vma_lookup(mm, addr);
		if (!vma)
			return true;
	}
	return false;
}

/*
 * What a recording saw refused is not done, unless the model refuses it as well: that may be in the midst.  Where the map
 * count comes into it, and whether a huge page can be made, only the call itself finds out.
 */
int mm_vma_call(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, uint64_t flags, int64_t key, struct mm_error *err)
{
	struct mm_struct *mm = task->mm;
	struct mm_recorded rec = mm_vma_recorded(ev);
	bool refused = rec.there && rec.failed && !mm_map_count_full(mm, 2) &&
		       !(ev->type == MM_EV_MADVISE && flags == MM_MADV_COLLAPSE);
	int e = 0;

	if (refused) {
		mm->trial = true;
		e = do_call(mm, ev, flags, key);
		mm->trial = false;
	}
	if (e || !refused)
		e = do_call(mm, ev, flags, key);
	if (e == -ENOMEM && rec.there && !rec.failed && has_unknown(mm, ev->addr, ev->size)) {
		mm_machine_note(m, "calls on memory that was mapped before the recording began");
		e = 0;
	}
	return mm_vma_call_end(m, task, ev, e, err);
}

int mm_ev_munmap(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);

	return mm ? mm_vma_call(m, task, ev, 0, -1, err) : -ENOMEM;
}

int mm_ev_mprotect(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);
	uint64_t prot = mm_vma_flags(m, MM_FLAG_PROT, ev->flags);
	struct mm_recorded rec = mm_vma_recorded(ev);

	if (mm && rec.there && !rec.failed && prot == MM_PROT_READ) {
		mm_vma_learn_image(mm, ev->addr, ev->size);
		mm_vma_image_relro(m, task, ev->addr, ev->size);
	}
	return mm ? mm_vma_call(m, task, ev, prot, -1, err) : -ENOMEM;
}

/* A move or growth that the recording saw refused is taken back.  What was cut off at the end is lost. */
static void undo_mremap(struct mm_struct *mm, const struct mm_mremap_args *a, uint64_t addr)
{
	uint64_t old_len = mm_page_align(a->old_len), new_len = mm_page_align(a->new_len);
	struct mm_mremap_args back = {
		.addr = addr, .old_len = new_len, .new_len = old_len, .new_addr = a->addr,
		.flags = MM_MREMAP_MAYMOVE | MM_MREMAP_FIXED,
	};

	if (a->flags & MM_MREMAP_DONTUNMAP || !old_len)
		mm_sys_munmap(mm, addr, new_len);
	else if (addr != a->addr)
		mm_sys_mremap(mm, &back, &addr);
	else if (new_len > old_len)
		mm_sys_munmap(mm, addr + old_len, new_len - old_len);
}

int mm_ev_mremap(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);
	struct mm_recorded rec = mm_vma_recorded(ev);
	struct mm_mremap_args a = {
		.addr = ev->addr, .old_len = ev->size, .new_len = ev->size2, .new_addr = ev->addr2,
		.flags = mm_vma_flags(m, MM_FLAG_MREMAP, ev->flags),
		.place = rec.there && !rec.failed, .placed_addr = rec.value,
	};
	size_t nr_effects = m->effects.nr;
	bool occupied = false;
	uint64_t addr = 0;
	int e;

	if (!mm)
		return -ENOMEM;
	if (a.place && rec.value != ev->addr && !(a.flags & MM_MREMAP_FIXED)) {
		mm_vma_image_give_way(task, rec.value, ev->size2);
		occupied = is_occupied(mm, rec.value, ev->size2);
		if (occupied && mm_vma_mismatch(m, task, ev, MM_MISMATCH_OCCUPIED, -EEXIST, 0))
			return mm_no_memory(err);
	}
	mm->unplaced_addr = rec.value;
	e = mm_sys_mremap(mm, &a, &addr);
	if (!e && rec.there && rec.failed) {
		undo_mremap(mm, &a, addr);
		forget_trial(m, nr_effects);
	} else if (!e && a.place && !occupied && compare_place(m, task, ev, rec.value)) {
		return mm_no_memory(err);
	}
	return end_at(m, task, ev, e, addr, err);
}

/*
 * A recording's first brk() tells where the data segment begins, if no exec or seed did. One that began in the
 * midst of the program may have it shrink below that: then it begins further down.
 */
static bool learn_brk(struct mm_struct *mm, const struct mm_recorded *rec, uint64_t asked)
{
	if (rec->there && !rec->failed && asked && rec->value == asked && asked < mm->start_brk) {
		mm_sys_brk(mm, mm->start_brk);
		mm->start_brk = mm->brk = asked;
		return true;
	}
	if (!rec->there || rec->failed || mm->brk != mm->start_brk || rec->value == mm->brk)
		return false;
	if (asked && mm->start_brk)
		return false;
	mm->start_brk = mm->brk = rec->value;
	return true;
}

int mm_ev_brk(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);
	struct mm_recorded rec = mm_vma_recorded(ev);
	uint64_t brk;

	if (!mm)
		return -ENOMEM;
	if (rec.there && !rec.failed && !mm->start_brk)
		mm_vma_image_break(m, task, rec.value);
	if (learn_brk(mm, &rec, ev->addr))
		return end_at(m, task, ev, 0, mm->brk, err);
	brk = mm_sys_brk(mm, ev->addr);
	if (rec.there && !rec.failed && brk != rec.value)
		mm_sys_brk(mm, rec.value);	/* follow it, as far as that can be */
	else if (!rec.there && mm->start_brk && ev->addr > brk)
		mm_vma_refused(m, mm);
	return end_at(m, task, ev, 0, brk, err);
}

int mm_ev_madvise(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);
	uint64_t advice = mm_vma_flags(m, MM_FLAG_MADV, ev->flags);

	return mm ? mm_vma_call(m, task, ev, advice, -1, err) : -ENOMEM;
}

int mm_ev_mlock(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);
	uint64_t flags = mm_vma_flags(m, MM_FLAG_MLOCK, ev->flags);

	return mm ? mm_vma_call(m, task, ev, flags, -1, err) : -ENOMEM;
}

int mm_ev_munlock(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);

	return mm ? mm_vma_call_end(m, task, ev, mm_sys_munlock(mm, ev->addr, ev->size), err) : -ENOMEM;
}

int mm_ev_mlockall(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);

	return mm ? mm_vma_call(m, task, ev, mm_vma_flags(m, MM_FLAG_MCL, ev->flags), -1, err) : -ENOMEM;
}

int mm_ev_munlockall(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);

	return mm ? mm_vma_call_end(m, task, ev, mm_sys_munlockall(mm), err) : -ENOMEM;
}

int mm_ev_msync(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);
	uint64_t flags = mm_vma_flags(m, MM_FLAG_MS, ev->flags);

	return mm ? mm_vma_call_end(m, task, ev, mm_sys_msync(mm, ev->addr, ev->size, flags), err) : -ENOMEM;
}

int mm_ev_prctl(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);
	struct mm_recorded rec = mm_vma_recorded(ev);

	if (!mm)
		return -ENOMEM;
	if (mm_has_word(ev->flags, "PR_SET_THP_DISABLE")) {
		mm->thp_disabled = rec.there && rec.failed ? mm->thp_disabled : ev->addr != 0;
		return mm_vma_call_end(m, task, ev, 0, err);
	}
	if (mm_has_word(ev->flags, "PR_SET_MEMORY_MERGE")) {
		if (rec.there && rec.failed)
			return 0;
		return mm_vma_call_end(m, task, ev, ev->addr ? mm_ksm_enable_merge_any(mm) : mm_ksm_disable_merge_any(m->fault, mm), err);
	}
	if (!mm_has_word(ev->flags, "PR_SET_VMA_ANON_NAME")) {
		mm_machine_note(m, "prctl options that do not touch memory");
		return 0;
	}
	if (rec.there ? rec.failed && mm_str_is(rec.word, "EINVAL") : !mm_sysctl(&m->ctx, MM_SYSCTL_ANON_VMA_NAME))
		return mm_vma_call_end(m, task, ev, -EINVAL, err);
	return mm_vma_call_end(m, task, ev, mm_sys_set_anon_name(mm, ev->addr, ev->size, &ev->name), err);
}

int mm_ev_setrlimit(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	static const char *const names[MM_NR_RLIMITS] = {
		[MM_RLIMIT_DATA] = "RLIMIT_DATA", [MM_RLIMIT_STACK] = "RLIMIT_STACK",
		[MM_RLIMIT_MEMLOCK] = "RLIMIT_MEMLOCK", [MM_RLIMIT_AS] = "RLIMIT_AS",
	};
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);
	struct mm_recorded rec = mm_vma_recorded(ev);

	if (!mm)
		return -ENOMEM;
	if (rec.there && rec.failed) {
		mm_machine_note(m, "limits that were refused: hard limits are not known");
		return 0;
	}
	for (int i = 0; i < MM_NR_RLIMITS; i++)
		if (mm_has_word(ev->name, names[i]))
			mm->rlimit[i] = ev->present & MM_TC_BIT(SIZE) ? ev->size : MM_RLIM_INFINITY;
	return mm_vma_call_end(m, task, ev, 0, err);
}

int mm_ev_shmat(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);
	struct mm_recorded rec = mm_vma_recorded(ev);
	uint64_t flags = mm_vma_flags(m, MM_FLAG_SHM, ev->flags), at = rec.value;
	size_t nr_effects = m->effects.nr;
	struct mm_file *seg;
	int e;

	if (!mm)
		return -ENOMEM;
	seg = mm_file_lookup(m->inodes, ev->name);
	if (seg && !seg->inode->size)
		seg = NULL;		/* removed */
	if (!seg && ev->size && ev->name.len && !(rec.there && rec.failed)) {
		struct mm_shmget a = { .name = ev->name, .size = ev->size, .let_through = true };

		if (mm_shmget(mm, &a, &seg) == -ENOMEM)
			return mm_no_memory(err);
	}
	mm->unplaced_addr = rec.value;
	e = mm_sys_shmat(mm, seg, ev->addr, flags, rec.there && !rec.failed, &at);
	if (!e && rec.there && rec.failed) {
		mm_sys_shmdt(mm, at);
		forget_trial(m, nr_effects);
	} else if (!e && rec.there && compare_place(m, task, ev, rec.value)) {
		return mm_no_memory(err);
	}
	return end_at(m, task, ev, e, at, err);
}

int mm_ev_shmdt(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);

	return mm ? mm_vma_call_end(m, task, ev, mm_sys_shmdt(mm, ev->addr), err) : -ENOMEM;
}

/* The value stays as the row's result. */
int mm_ev_clear_refs(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);

	if (!mm)
		return -ENOMEM;
	if (ev->result_kind != MM_RESULT_DEC || mm_clear_refs(mm, ev->result))
		mm_machine_loss(m, "clear_refs without a value of 1 to 5");
	return 0;
}

int mm_ev_remap_file_pages(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);
	struct mm_recorded rec = mm_vma_recorded(ev);
	uint64_t prot, flags;
	int e;

	if (!mm)
		return -ENOMEM;
	mm_vma_mmap_flags(m, ev->flags, &prot, &flags);
	mm->trial = rec.there && rec.failed;
	e = mm_sys_remap_file_pages(mm, ev->addr, ev->size, prot, ev->offset >> MM_PAGE_SHIFT, flags);
	mm->trial = false;
	return mm_vma_call_end(m, task, ev, e, err);
}
