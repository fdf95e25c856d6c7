/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A process that begins with the mappings of a /proc/PID/maps (or smaps) text.
 *
 * What maps does not tell is taken as it usually is: private writable memory
 * is charged and was written to, files are open for what their mappings do, the break is the
 * end of the last [heap] row.  Of two neighbours that look alike the upper was writable once (what is
 * read-only after relocation), else they would be one.  smaps tells the flags (VmFlags), which are then
 * taken as they are, and what was written to.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <libmm/maps.h>

#include "base/str.h"
#include "machine/vma_call.h"

enum { MAX_HEAPS = 2 };

struct seed {
	struct mm_machine *m;
	struct mm_struct *mm;
	struct mm_vma *prev;		/* the row before */
	uint64_t heap_start[MAX_HEAPS], heap_end;
	uint32_t nr_heaps;
	bool heap_after_file;		/* the first [heap] row follows a file at once: it may be bss */
	uint64_t top;			/* end of the highest mapping below the stack */
};

static bool name_is(const struct mm_maps_row *row, const char *name)
{
	return mm_str_is(row->name, name);
}

static const char *special_name(const struct mm_maps_row *row)
{
	static const char *const names[] = { "[vdso]", "[vvar]", "[vvar_vclock]", "[uprobes]" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (name_is(row, names[i]))
			return names[i];
	return NULL;
}

static uint64_t guess_flags(const struct mm_maps_row *row, bool file)
{
	uint64_t flags = MM_VM_MAYREAD | MM_VM_MAYWRITE | MM_VM_MAYEXEC | MM_VM_SOFTDIRTY;
	bool shared = row->perms[3] == 's', writable = row->perms[1] == 'w';

	flags |= row->perms[0] == 'r' ? (uint64_t)MM_VM_READ : 0;
	flags |= writable ? (uint64_t)MM_VM_WRITE : 0;
	flags |= row->perms[2] == 'x' ? (uint64_t)MM_VM_EXEC : 0;
	if (special_name(row))
		return flags | MM_VM_DONTEXPAND;
	if (name_is(row, "[stack]"))
		flags |= MM_VM_GROWSDOWN;
	if (!shared)
		return flags | (writable ? (uint64_t)MM_VM_ACCOUNT : 0);
	flags |= MM_VM_SHARED | MM_VM_MAYSHARE;
	return file && !writable && !row->deleted ? flags & ~(uint64_t)(MM_VM_SHARED | MM_VM_MAYWRITE) : flags;
}

/* An attached System V segment; its parts side by side are one attachment. */
static struct mm_file *attached(const struct seed *s, const struct mm_maps_row *row, struct mm_str name)
{
	const struct mm_vma *prev = s->prev;
	struct mm_file *seg = mm_file_create(s->m->inodes, name, MM_INODE_SHM, row->offset + (row->end - row->start),
					     MM_FMODE_READ | MM_FMODE_WRITE);

	if (!seg)
		return NULL;
	if (prev && prev->vm_ops_close && prev->vm_file->inode == seg->inode &&
	    row->start - prev->vm_start == row->offset - (prev->vm_pgoff << MM_PAGE_SHIFT))
		return prev->vm_file;
	return mm_file_attach(seg, seg->f_mode);
}

static struct mm_file *file_of(struct seed *s, const struct mm_maps_row *row)
{
	bool shared = row->perms[3] == 's';
	uint64_t size = row->offset + (row->end - row->start);
	bool memfd = mm_str_starts(row->name, "/memfd:");
	char text[PATH_MAX + 16];
	struct mm_str name = row->name;
	struct mm_file *f;

	if (shared && row->deleted && name_is(row, "/dev/zero"))
		return mm_shmem_zero_setup(s->mm, row->end - row->start, 0, &f) ? NULL : f;
	if (row->deleted && !memfd) {
		int n = snprintf(text, sizeof(text), "%.*s (deleted)", (int)name.len, name.p);

		name = (struct mm_str){ text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1 };
		if (mm_str_starts(name, "/SYSV"))
			return attached(s, row, name);
	}
	f = mm_file_create(s->m->inodes, name, mm_inode_type_of_name(row->name), size, MM_FMODE_READ | MM_FMODE_WRITE);
	if (!f)
		return NULL;
	if (f->inode->size < size)
		f->inode->size = size;
	f->inode->ino = row->inode;
	f->inode->dev_major = row->dev_major;
	f->inode->dev_minor = row->dev_minor;
	return f;
}

static void note_heap(struct seed *s, const struct mm_maps_row *row)
{
	if (!s->nr_heaps)
		s->heap_after_file = s->prev && s->prev->vm_file && s->prev->vm_end == row->start;
	if (s->nr_heaps < MAX_HEAPS)
		s->heap_start[s->nr_heaps++] = row->start;
	s->heap_end = row->end;
}

static const char *anon_name_of(struct seed *s, const struct mm_maps_row *row)
{
	static const char head[] = "[anon:";
	size_t n = sizeof(head) - 1;

	if (row->name.len < n + 1 || memcmp(row->name.p, head, n))
		return NULL;
	return mm_virt_intern(&s->m->virt, (struct mm_str){ row->name.p + n, row->name.len - n - 1 });
}

/* Neighbours that nothing seen keeps apart. */
static bool looks_joined(const struct mm_vma *a, const struct mm_vma *b)
{
	return a && a->vm_end == b->vm_start && a->vm_flags == b->vm_flags && a->vm_file == b->vm_file &&
	       a->anon_name == b->anon_name && a->vm_pgoff + mm_vma_pages(a) == b->vm_pgoff;
}

/* Was a page of it written to? */
static bool was_written(struct seed *s, const struct mm_maps_row *row, struct mm_vma *vma)
{
	if (vma->vm_flags & MM_VM_SHARED || vma->special)
		return false;
	if (row->vm_flags)
		return row->anonymous_kib;
	if (!(vma->vm_flags & (MM_VM_WRITE | MM_VM_MAYSHARE)) && looks_joined(s->prev, vma))
		vma->vm_flags |= MM_VM_ACCOUNT;
	return vma->vm_flags & MM_VM_ACCOUNT;
}

static int seed_row(const struct mm_maps_row *row, void *arg)
{
	struct seed *s = arg;
	bool file = row->name.len && row->name.p[0] != '[', written;
	struct mm_struct *mm = s->mm;
	struct mm_vma *vma;

	if (row->end > mm->task_size_max)
		return 0;		/* [vsyscall] */
	vma = mm_vm_area_alloc(mm, row->start, row->end, row->vm_flags ? row->vm_flags : guess_flags(row, file),
			       file ? row->offset >> MM_PAGE_SHIFT : row->start >> MM_PAGE_SHIFT);
	if (!vma)
		return -ENOMEM;
	vma->special = special_name(row);
	vma->anon_name = file ? NULL : anon_name_of(s, row);
	if (file)
		vma->vm_file = file_of(s, row);
	written = was_written(s, row, vma);
	if ((file && !vma->vm_file) || mm_vma_link(mm, vma)) {
		mm_vm_area_free(vma);
		return -ENOMEM;
	}
	mm_vm_stat_account(mm, vma->vm_flags, (int64_t)mm_vma_pages(vma));
	if (vma->vm_flags & MM_VM_ACCOUNT)
		mm->virt->vm_committed_as += (int64_t)mm_vma_pages(vma);
	if (vma->vm_flags & MM_VM_LOCKED)
		mm->locked_vm += mm_vma_pages(vma);
	if (name_is(row, "[heap]"))
		note_heap(s, row);
	if (name_is(row, "[stack]"))
		mm->start_stack = row->end - 8;
	else if (!mm->start_stack)
		s->top = row->end;
	s->prev = vma;
	return written ? mm_anon_vma_prepare(vma) : 0;
}

static void finish(struct seed *s)
{
	struct mm_struct *mm = s->mm;

	mm->whole = true;
	mm->base_known = s->m->cfg.mmap_base != 0;
	if (s->nr_heaps) {
		mm->start_brk = s->heap_start[s->nr_heaps == MAX_HEAPS && s->heap_after_file ? 1 : 0];
		mm->brk = s->heap_end;
	}
	if (s->m->cfg.mmap_base)
		mm->mmap_base = s->m->cfg.mmap_base;
	else if (mm->start_stack && mm->start_stack + 8 != mm->task_size && s->top > mm->task_size / 2)
		mm->mmap_base = s->top;		/* randomised: what was mapped first lies right below */
}

int mm_machine_seed(struct mm_machine *m, uint32_t pid, struct mm_input *maps, struct mm_error *err)
{
	struct seed s = { .m = m };
	struct mm_task *task;
	int e = mm_machine_start(m, err);

	if (e)
		return e;
	task = mm_task_get(m, pid);
	if (!task)
		return mm_error_set(err, -ERANGE, "--seed: no room for task %u", pid);
	mm_mmput(task->mm);
	task->mm = NULL;
	s.mm = mm_task_mm(m, task);
	if (!s.mm)
		return mm_error_set(err, -ENOMEM, "out of memory");
	e = mm_maps_read(maps, seed_row, &s, err);
	if (e == -ENOMEM)
		return mm_error_set(err, e, "out of memory");
	if (e)
		return e;
	finish(&s);
	mm_task_began(m, task);
	m->seeded_committed = (uint64_t)m->virt.vm_committed_as;
	return 0;
}
