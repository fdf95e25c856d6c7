/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A process that begins with the mappings of a /proc/PID/maps (or smaps) text.
 *
 * What maps does not tell is taken as it usually is: private writable memory
 * is charged and was written to, files are open for what their mappings do, the break is the
 * end of the last [heap] row.  Of two neighbours that look alike the upper was writable once (what is
 * read-only after relocation), else they would be one.  smaps tells the flags (VmFlags), which are then
 * taken as they are, and what was written to.
 *
 * In a trace each of its lines is a row "seed" by vma (the workload did not ask for it), upwards, right after one another:
 *
 *	addr, size	the range		flags	PROT_*, MAP_SHARED or MAP_PRIVATE, and VmFlags as a number
 *	offset, name	as maps has them	addr2	device (major << 20 | minor)
 *	result		inode			size2	bytes that smaps calls Anonymous
 *
 * and one without a size, flags "mmap_base", says where mappings are placed below.  Behind an exec row with AUTOMAP, which lays
 * nothing out, rows may come in any order, until the process maps something itself.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <libmm/csv.h>
#include <libmm/maps.h>

#include "base/host_memory.h"
#include "base/str.h"
#include "machine/vma_call.h"
#include "virt/userfaultfd.h"

enum { MAX_HEAPS = 2 };

struct mm_seeding {
	struct mm_machine *m;
	uint32_t pid;
	uint64_t end;			/* of the last row */
	struct mm_struct *mm;
	bool fresh;			/* of a program that has just begun: nothing was written to, rows come in any order */
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
	if (mm_str_starts(row->name, "[vvar"))
		flags = (flags & ~(uint64_t)(MM_VM_MAYWRITE | MM_VM_MAYEXEC)) | MM_VM_IO | MM_VM_DONTDUMP | MM_VM_PFNMAP;
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
static struct mm_file *attached(const struct mm_seeding *s, const struct mm_maps_row *row, struct mm_str name)
{
	const struct mm_vma *prev = s->prev;
	struct mm_file *seg = mm_file_create(s->m->inodes, name, MM_INODE_SHM, row->offset + (row->end - row->start),
					     MM_FMODE_READ | MM_FMODE_WRITE);

	if (!seg)
		return NULL;
	if (prev && prev->extra->vm_ops_close && prev->vm_file->inode == seg->inode &&
	    row->start - prev->vm_start == row->offset - (prev->vm_pgoff << MM_PAGE_SHIFT))
		return prev->vm_file;
	return mm_file_attach(seg, seg->f_mode);
}

static struct mm_file *file_of(struct mm_seeding *s, const struct mm_maps_row *row)
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

static void note_heap(struct mm_seeding *s, const struct mm_maps_row *row)
{
	if (!s->nr_heaps)
		s->heap_after_file = s->prev && s->prev->vm_file && s->prev->vm_end == row->start;
	if (s->nr_heaps < MAX_HEAPS)
		s->heap_start[s->nr_heaps++] = row->start;
	s->heap_end = row->end;
}

static const char *anon_name_of(struct mm_seeding *s, const struct mm_maps_row *row)
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
	       a->extra->anon_name == b->extra->anon_name && a->vm_pgoff + mm_vma_pages(a) == b->vm_pgoff;
}

/* Was a page of it written to? */
static bool was_written(struct mm_seeding *s, const struct mm_maps_row *row, struct mm_vma *vma)
{
	if (vma->vm_flags & MM_VM_SHARED || vma->extra->special || s->fresh)
		return false;
	if (row->vm_flags)
		return row->anonymous_kib;
	if (!(vma->vm_flags & (MM_VM_WRITE | MM_VM_MAYSHARE)) && looks_joined(s->prev, vma))
		vma->vm_flags |= MM_VM_ACCOUNT;
	return vma->vm_flags & MM_VM_ACCOUNT;
}

/* smaps tells that userfaultfd watches it, not which: one does, without features. */
static int watched(struct mm_seeding *s, struct mm_vma *vma)
{
	struct mm_str name = MM_STR("userfaultfd");
	struct mm_uffd *uffd;

	if (!(vma->vm_flags & MM_VM_UFFD_FLAGS))
		return 0;
	uffd = mm_uffd_find(s->mm, name);
	if (!uffd)
		uffd = mm_uffd_open(s->mm, name, 0);
	return uffd ? mm_vma_set_uffd(vma, uffd) : -ENOMEM;
}

/* The names that maps shows and VMAs keep. */
static int set_names(struct mm_seeding *s, const struct mm_maps_row *row, struct mm_vma *vma, bool file)
{
	const char *special = special_name(row);
	struct mm_vma_extra *extra = special ? mm_vma_own_extra(vma) : NULL;

	if (extra)
		extra->special = special;
	else if (special)
		return -ENOMEM;
	return file ? 0 : mm_vma_set_anon_name(vma, anon_name_of(s, row));
}

/* A VMA as the row has it, in no tree yet; NULL: host memory. */
static struct mm_vma *vma_of(struct mm_seeding *s, const struct mm_maps_row *row)
{
	bool file = row->name.len && row->name.p[0] != '[';
	struct mm_vma *vma = mm_vm_area_alloc(s->mm, row->start, row->end, row->vm_flags ? row->vm_flags : guess_flags(row, file),
					      (file ? row->offset : row->start) >> MM_PAGE_SHIFT);
	int e;

	if (!vma)
		return NULL;
	e = set_names(s, row, vma, file);
	if (file)
		vma->vm_file = file_of(s, row);
	if (vma->vm_flags & MM_VM_HUGETLB && !(vma->vm_file && vma->vm_file->inode->hugetlb))
		vma->vm_flags &= ~(uint64_t)MM_VM_HUGETLB;
	if (!e)
		e = watched(s, vma);
	if (!e && (!file || vma->vm_file))
		return vma;
	mm_vm_area_free(vma);
	return NULL;
}

/* Of a stack that has just been made all but what it was made larger by is full. */
static void fill_stack(struct mm_struct *mm, const struct mm_maps_row *row)
{
	uint64_t size = row->end - row->start, args = size > MM_STACK_EXPAND ? size - MM_STACK_EXPAND : MM_PAGE_SIZE;

	mm_vma_fill_arg_pages(mm, row->end - args, row->end);
}

static int seed_row(const struct mm_maps_row *row, void *arg)
{
	struct mm_seeding *s = arg;
	struct mm_struct *mm = s->mm;
	struct mm_vma *vma;
	bool written;

	if (row->end > mm->task_size_max)
		return 0;		/* [vsyscall] */
	if (s->fresh && mm_find_vma_intersection(mm, row->start, row->end) && mm_do_munmap(mm, row->start, row->end - row->start))
		return -ENOMEM;
	vma = vma_of(s, row);
	if (!vma)
		return -ENOMEM;
	written = was_written(s, row, vma);
	if (mm_vma_link(mm, vma)) {
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
	if (s->fresh && name_is(row, "[stack]"))
		fill_stack(mm, row);
	if (s->fresh && vma->vm_file && !row->offset)
		mm_vma_read_head(s->m, mm, vma->vm_file);
	return written ? mm_anon_vma_prepare(vma) : 0;
}

static void finish(struct mm_seeding *s)
{
	struct mm_struct *mm = s->mm;
	struct mm_vma *below;

	if (s->fresh && mm->start_stack && mm_find_vma_prev(mm, mm->start_stack, &below) && below)
		s->top = below->vm_end;
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

/* A process that has nothing yet begins. */
static int begin(struct mm_machine *m, struct mm_task *task, uint32_t pid, struct mm_error *err)
{
	if (!m->seeding)
		m->seeding = mm_host_malloc(sizeof(*m->seeding));
	if (!m->seeding)
		return mm_error_set(err, -ENOMEM, "out of memory");
	*m->seeding = (struct mm_seeding){ .m = m, .pid = pid, .fresh = task->mm && task->mm->beginning, .mm = mm_task_mm(m, task) };
	return m->seeding->mm ? 0 : mm_error_set(err, -ENOMEM, "out of memory");
}

static int add_row(struct mm_machine *m, struct mm_task *task, const struct mm_maps_row *row)
{
	struct mm_seeding *s = m->seeding;
	int e = seed_row(row, s);

	if (e)
		return e;
	s->end = row->end;
	finish(s);
	mm_task_began(m, task);
	m->seeded_committed = (uint64_t)m->virt.vm_committed_as;
	return 0;
}

static void perms_of(struct mm_str words, struct mm_maps_row *row)
{
	row->perms[0] = mm_has_word(words, "PROT_READ") ? 'r' : '-';
	row->perms[1] = mm_has_word(words, "PROT_WRITE") ? 'w' : '-';
	row->perms[2] = mm_has_word(words, "PROT_EXEC") ? 'x' : '-';
	row->perms[3] = mm_has_word(words, "MAP_SHARED") ? 's' : 'p';
}

static uint64_t number_among(struct mm_str words)
{
	struct mm_str w;
	uint64_t v;

	while (mm_next_word(&words, &w))
		if (!mm_parse_u64(w, &v))
			return v;
	return 0;
}

int mm_ev_seed(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	static const char deleted[] = " (deleted)";
	size_t n = sizeof(deleted) - 1;
	struct mm_maps_row row = {
		.start = ev->addr, .end = ev->addr + ev->size, .offset = ev->offset, .inode = ev->result, .name = ev->name,
		.dev_major = (uint32_t)(ev->addr2 >> 20), .dev_minor = (uint32_t)ev->addr2 & 0xfffff,
		.anonymous_kib = ev->size2 >> 10, .vm_flags = number_among(ev->flags),
	};
	bool goes_on = m->seeding && m->seeding->pid == ev->pid && m->seeding->mm == task->mm && ev->addr >= m->seeding->end;
	int e;

	if (!ev->size && mm_has_word(ev->flags, "mmap_base")) {
		m->cfg.mmap_base = m->cfg.mmap_base ? m->cfg.mmap_base : ev->addr;
		return 0;
	}
	if (mm_offset_in_page(ev->addr | ev->size | ev->offset) || row.end <= row.start)
		return mm_error_set(err, -EINVAL, "seed: expected whole pages, found 0x%" PRIx64 " bytes at 0x%" PRIx64, ev->size,
				    ev->addr);
	if (task->mm && !goes_on && !task->mm->beginning) {
		if (m->seeding && m->seeding->pid == ev->pid)
			m->seeding->end = UINT64_MAX;	/* of another seed; so are those that follow */
		mm_machine_note(m, "seed rows of processes that have begun");
		return 0;
	}
	if (!goes_on && begin(m, task, ev->pid, err))
		return err->code;
	perms_of(ev->flags, &row);
	row.deleted = row.name.len > n && !memcmp(row.name.p + row.name.len - n, deleted, n);
	row.name.len -= row.deleted ? n : 0;
	e = add_row(m, task, &row);
	return e ? mm_error_set(err, e, "out of memory") : 0;
}

/* Rows of a maps text on their way to a process, and to who wants to see them. */
struct feed {
	struct mm_machine *m;
	struct mm_task *task;
	uint32_t pid;
	void (*note)(const struct mm_event *ev, void *arg);
	void *arg;
};

/* @flags: 128 bytes, @name: PATH_MAX + 16 */
static struct mm_event event_of(const struct mm_maps_row *row, uint32_t pid, char *flags, char *name)
{
	struct mm_event ev = {
		.pid = pid, .type = MM_EV_SEED, .by = MM_BY_VMA, .addr = row->start, .size = row->end - row->start, .offset = row->offset,
		.addr2 = (uint64_t)row->dev_major << 20 | row->dev_minor, .size2 = row->anonymous_kib << 10,
		.flags.p = flags, .name.p = name,
		.present = MM_TC_BIT(PID) | MM_TC_BIT(EVENT) | MM_TC_BIT(ADDR) | MM_TC_BIT(SIZE) | MM_TC_BIT(FLAGS) | MM_TC_BIT(OFFSET) |
			   MM_TC_BIT(BY),
	};
	int n = snprintf(flags, 128, "%s%s%s%s", row->perms[0] == 'r' ? "PROT_READ|" : "", row->perms[1] == 'w' ? "PROT_WRITE|" : "",
			 row->perms[2] == 'x' ? "PROT_EXEC|" : "", row->perms[3] == 's' ? "MAP_SHARED" : "MAP_PRIVATE");

	if (row->vm_flags) {
		n += snprintf(flags + n, 128 - (size_t)n, "|0x%" PRIx64, row->vm_flags);
		ev.present |= MM_TC_BIT(SIZE2);
	}
	ev.flags.len = (size_t)n;
	n = snprintf(name, PATH_MAX + 16, "%.*s%s", (int)row->name.len, row->name.p, row->deleted ? " (deleted)" : "");
	ev.name.len = n < PATH_MAX + 16 ? (size_t)n : PATH_MAX + 15;
	ev.present |= n ? MM_TC_BIT(NAME) : 0;
	if (row->inode) {
		ev.present |= MM_TC_BIT(ADDR2);
		mm_event_set_result(&ev, MM_RESULT_DEC, row->inode);
	}
	return ev;
}

static int feed_row(const struct mm_maps_row *row, void *arg)
{
	struct feed *f = arg;
	char flags[128], name[PATH_MAX + 16];
	struct mm_event ev;

	if (row->end > f->m->seeding->mm->task_size_max)
		return 0;		/* [vsyscall] */
	if (f->note) {
		ev = event_of(row, f->pid, flags, name);
		f->note(&ev, f->arg);
	}
	return add_row(f->m, f->task, row);
}

static void note_base(const struct feed *f)
{
	struct mm_event ev = {
		.pid = f->pid, .type = MM_EV_SEED, .by = MM_BY_VMA, .addr = f->m->cfg.mmap_base, .flags = MM_STR("mmap_base"),
		.present = MM_TC_BIT(PID) | MM_TC_BIT(EVENT) | MM_TC_BIT(ADDR) | MM_TC_BIT(FLAGS) | MM_TC_BIT(BY),
	};

	if (f->note && f->m->cfg.mmap_base)
		f->note(&ev, f->arg);
}

static int seed_task(struct feed *f, struct mm_input *maps, struct mm_error *err)
{
	int e;

	f->task = mm_task_get(f->m, f->pid);
	if (!f->task)
		return mm_error_set(err, -ERANGE, "--seed: no room for task %u", f->pid);
	mm_mmput(f->task->mm);
	f->task->mm = NULL;
	e = begin(f->m, f->task, f->pid, err);
	if (e)
		return e;
	note_base(f);
	e = mm_maps_read(maps, feed_row, f, err);
	return e == -ENOMEM ? mm_error_set(err, e, "out of memory") : e;
}

int mm_machine_seed(struct mm_machine *m, uint32_t pid, struct mm_input *maps,
		    void (*note)(const struct mm_event *ev, void *arg), void *arg, struct mm_error *err)
{
	struct feed f = { .m = m, .pid = pid, .note = note, .arg = arg };
	int e = mm_machine_start(m, err);

	if (e)
		return e;
	mm_host_memory_begin();
	return mm_host_memory_end(seed_task(&f, maps, err), err);
}
