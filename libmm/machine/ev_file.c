/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events of files: reads, writes and what the page cache is told.
 *
 * A file is made by its file row; a row that names another gets EBADF, as a bad
 * descriptor would, and so does a write to a file that is O_RDONLY or a read of one that is O_WRONLY (a file has one mode at a
 * time: that of its last file row). Where no pages are kept only sizes change.
 */
#include <errno.h>
#include <string.h>

#include <libmm/flags.h>
#include "base/str.h"
#include "cache/contents.h"
#include "cache/filemap.h"
#include "cache/readahead.h"
#include "fault/fallocate.h"
#include "machine/machine.h"
#include "machine/vma_call.h"
#include "reclaim/reclaim.h"
#include "virt/vma.h"

static int word(struct mm_event *ev, struct mm_str w)
{
	mm_event_set_word(ev, w.p, w.len);
	return 0;
}

static int done(struct mm_event *ev, int64_t rc)
{
	const char *name = rc < 0 ? mm_errno_name((unsigned int)-rc) : NULL;

	if (name)
		mm_event_set_word(ev, name, strlen(name));
	else
		mm_event_set_result(ev, MM_RESULT_DEC, (uint64_t)rc);
	return 0;
}

static struct mm_memcg *memcg_of(const struct mm_task *task) { return task ? task->memcg : NULL; }

/* The file a row names; NULL with the result filled in. */
static struct mm_file *file_of(struct mm_machine *m, struct mm_event *ev)
{
	struct mm_file *f = m->inodes ? mm_file_lookup(m->inodes, ev->name) : NULL;

	if (!f && m->inodes)
		word(ev, MM_STR("EBADF"));
	return f;
}

/* The same for a call that needs @mode of its descriptor: that of the file's last file row. */
static struct mm_file *open_for(struct mm_machine *m, struct mm_event *ev, uint32_t mode)
{
	struct mm_file *f = file_of(m, ev);

	if (!f || f->f_mode & mode)
		return f;
	word(ev, MM_STR("EBADF"));
	return NULL;
}

int mm_ev_file(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	uint64_t mask = mm_hugetlb_mask_of_name(ev->name, ev->flags);
	enum mm_inode_type type = mm_inode_type_of_name(ev->name);
	uint32_t mode = MM_FMODE_READ | MM_FMODE_WRITE;
	struct mm_file *f;

	(void)task;
	if (!m->inodes)
		return 0;
	if (mask)
		type = MM_INODE_HUGETLB;
	else if (mm_has_word(ev->flags, "S_IFDIR"))
		type = MM_INODE_DIR;
	else if (mm_has_word(ev->flags, "S_IFCHR"))
		type = MM_INODE_CHR;
	if (mm_has_word(ev->flags, "O_RDONLY"))
		mode = MM_FMODE_READ;
	else if (mm_has_word(ev->flags, "O_WRONLY"))
		mode = MM_FMODE_WRITE;
	f = mm_file_create(m->inodes, ev->name, type, ev->size, mode);
	if (!f || (mask && !f->inode->hugetlb && mm_hugetlb_file_init(&m->virt, f, mask)))
		return mm_error_set(err, -ENOMEM, "out of memory for files");
	if (ev->present & MM_TC_BIT(SIZE) && ev->size > f->inode->size && ev->size <= INT64_MAX) {
		/* a recording tells sizes as far as its calls prove them */
		f->inode->size = f->inode->blocks_end = f->inode->disk_end = ev->size;
		f->inode->size_with_bss = false;
	}
	/* Nobody must write into a huge page of a file on disk (do_dentry_open()). */
	if (mode & MM_FMODE_WRITE && m->cache && f->inode->mapping.nr_thps && !mm_inode_is_shmem(f->inode)) {
		mm_unmap_mapping_pages(&m->virt, &f->inode->mapping, 0, 0, false);
		mm_truncate_range(m->cache, &f->inode->mapping, 0, UINT64_MAX);
	}
	/* opened anew, with the old read-ahead state */
	f->f_mode = (f->f_mode & ~(uint32_t)(MM_FMODE_READ | MM_FMODE_WRITE)) | mode;
	return 0;
}

/* The recording tells the task's buffer, at addr, and @bytes go there or come from it. */
static bool has_buffer(const struct mm_task *task, const struct mm_event *ev, int64_t bytes)
{
	return task && bytes > 0 && ev->present & MM_TC_BIT(ADDR);
}

/* rw_verify_area(), and as many bytes as one call moves at most: MAX_RW_COUNT; -EINVAL. */
static int64_t rw_count(const struct mm_event *ev)
{
	const uint64_t max = INT32_MAX & ~(uint64_t)(MM_PAGE_SIZE - 1);

	if (ev->offset > INT64_MAX || ev->size > INT64_MAX || ev->offset + ev->size > INT64_MAX)
		return -EINVAL;
	return (int64_t)(ev->size < max ? ev->size : max);
}

int mm_ev_read(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_file *f = open_for(m, ev, MM_FMODE_READ);
	uint64_t left;
	int64_t n;

	if (!f)
		return 0;
	n = rw_count(ev);
	if (n < 0)
		return done(ev, n);
	left = ev->offset < f->inode->size ? f->inode->size - ev->offset : 0;
	if (m->cache && !f->inode->hugetlb)
		n = mm_filemap_read(m->cache, f, ev->offset, (uint64_t)n, memcg_of(task));
	else
		n = (uint64_t)n < left ? n : (int64_t)left;
	done(ev, n);
	return has_buffer(task, ev, n) ? mm_task_copy_to_user(m, task, ev->addr, (uint64_t)n, err) : 0;
}

int mm_ev_write(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_file *f = open_for(m, ev, MM_FMODE_WRITE);
	int64_t n;
	int e;

	if (!f)
		return 0;
	n = f->inode->hugetlb ? -EINVAL : rw_count(ev);		/* no write() there */
	if (n < 0)
		return done(ev, n);
	e = has_buffer(task, ev, n) ? mm_task_copy_from_user(m, task, ev->addr, (uint64_t)n, err) : 0;
	if (e)
		return e;
	if (m->cache)
		return done(ev, mm_filemap_write(m->cache, f, ev->offset, (uint64_t)n, memcg_of(task)));
	if (ev->offset + (uint64_t)n > f->inode->size)
		f->inode->size = ev->offset + (uint64_t)n;
	return done(ev, n);
}

/* POSIX_FADV_DONTNEED: write what is dirty, drop whole pages that nobody holds. */
static void fadvise_dontneed(struct mm_cache *c, struct mm_file *f, uint64_t offset, uint64_t endbyte)
{
	struct mm_address_space *as = &f->inode->mapping;
	uint64_t first = offset / MM_PAGE_SIZE + (offset % MM_PAGE_SIZE != 0), last = endbyte / MM_PAGE_SIZE;

	mm_filemap_writeback(c, as, offset / MM_PAGE_SIZE, last);
	if (endbyte % MM_PAGE_SIZE != MM_PAGE_SIZE - 1 && endbyte != f->inode->size - 1) {
		if (!last)
			return;
		last--;
	}
	if (last < first)
		return;
	mm_lru_add_drain(c);
	mm_invalidate_mapping_pages(c, as, first, last);
	mm_lru_add_drain_all(c);
	mm_invalidate_mapping_pages(c, as, first, last);
}

/* Source: Linux 6.6 mm/fadvise.c generic_fadvise(). */
static int fadvise(struct mm_machine *m, struct mm_task *task, struct mm_file *f, const struct mm_event *ev)
{
	uint64_t endbyte = INT64_MAX;

	if (ev->offset > INT64_MAX || ev->size > INT64_MAX)
		return -EINVAL;
	if (ev->size && ev->offset + ev->size <= INT64_MAX)
		endbyte = ev->offset + ev->size - 1;
	if (mm_inode_is_shmem(f->inode) || f->inode->hugetlb)
		return 0;
	if (mm_has_word(ev->flags, "POSIX_FADV_NORMAL")) {
		mm_file_ra_state_init(m->cache, &f->ra);
		f->f_mode &= ~(uint32_t)(MM_FMODE_RANDOM | MM_FMODE_NOREUSE);
	} else if (mm_has_word(ev->flags, "POSIX_FADV_RANDOM")) {
		f->f_mode |= MM_FMODE_RANDOM;
	} else if (mm_has_word(ev->flags, "POSIX_FADV_SEQUENTIAL")) {
		f->ra.ra_pages = (uint32_t)(mm_sysctl(&m->ctx, MM_SYSCTL_READ_AHEAD_KB) >> (MM_PAGE_SHIFT - 10)) * 2;
		f->f_mode &= ~(uint32_t)MM_FMODE_RANDOM;
	} else if (mm_has_word(ev->flags, "POSIX_FADV_WILLNEED")) {
		mm_force_page_cache_ra(m->cache, f, ev->offset / MM_PAGE_SIZE,
				       endbyte / MM_PAGE_SIZE - ev->offset / MM_PAGE_SIZE + 1, memcg_of(task));
	} else if (mm_has_word(ev->flags, "POSIX_FADV_NOREUSE")) {
		f->f_mode |= MM_FMODE_NOREUSE;
	} else if (mm_has_word(ev->flags, "POSIX_FADV_DONTNEED")) {
		fadvise_dontneed(m->cache, f, ev->offset, endbyte);
	} else {
		return -EINVAL;
	}
	return 0;
}

int mm_ev_fadvise(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_file *f = file_of(m, ev);

	(void)err;
	if (!f)
		return 0;
	return done(ev, m->cache ? fadvise(m, task, f, ev) : 0);
}

int mm_ev_fsync(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_file *f = file_of(m, ev);

	(void)task, (void)err;
	if (f && m->cache && !f->inode->hugetlb)
		mm_filemap_writeback(m->cache, &f->inode->mapping, 0, UINT64_MAX);
	return f ? done(ev, 0) : 0;
}

/* Source: Linux 6.6 fs/hugetlbfs/inode.c hugetlbfs_setattr(), hugetlb_vmtruncate(). */
static int64_t truncate_hugetlb(struct mm_machine *m, struct mm_inode *inode, uint64_t size)
{
	uint64_t old = inode->size;

	if (size & inode->huge_mask)
		return -EINVAL;
	inode->size = size;
	if (size >= old)
		return 0;
	if (m->cache)
		mm_unmap_mapping_pages(&m->virt, &inode->mapping, size >> MM_PAGE_SHIFT, 0, true);
	mm_hugetlb_remove_pages(&m->virt, inode, size >> MM_PAGE_SHIFT >> inode->hugetlb->h->order, UINT64_MAX);
	return 0;
}

/* Source: Linux 6.6 mm/truncate.c truncate_pagecache(), fs/ext4/inode.c ext4_setattr(), mm/shmem.c shmem_setattr(). */
int mm_ev_truncate(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_file *f = file_of(m, ev);
	uint64_t old;

	(void)err;
	if (!f)
		return 0;
	if (ev->size > INT64_MAX || !(f->f_mode & MM_FMODE_WRITE))
		return done(ev, -EINVAL);
	old = f->inode->size;
	if (f->inode->hugetlb)
		return done(ev, truncate_hugetlb(m, f->inode, ev->size));
	if (m->cache && ev->size > old)
		mm_block_truncate_page(m->cache, &f->inode->mapping, old, memcg_of(task));
	f->inode->size = ev->size;
	if (m->cache && ev->size < old) {
		uint64_t first = ev->size / MM_PAGE_SIZE + (ev->size % MM_PAGE_SIZE != 0);

		mm_unmap_mapping_pages(&m->virt, &f->inode->mapping, first, 0, true);
		mm_truncate_pages(m->cache, &f->inode->mapping, ev->size);
		mm_block_truncate_page(m->cache, &f->inode->mapping, ev->size, memcg_of(task));
		mm_contents_cut(m->cache, &f->inode->mapping, ev->size);
		if (f->inode->blocks_end > ev->size)
			f->inode->blocks_end = mm_page_align(ev->size);
	}
	return done(ev, 0);
}

/* Source: Linux 6.6 fs/open.c vfs_fallocate(), which sees the mode before the file. */
int mm_ev_fallocate(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_file *f = file_of(m, ev);
	struct mm_struct *mm = task ? mm_task_mm(m, task) : NULL;
	uint64_t mode;
	int e;

	if (!f)
		return 0;
	mode = mm_vma_flags(m, MM_FLAG_FALLOC, ev->flags);
	e = mm_fallocate_check(mode, ev->offset, ev->size);
	if (!e && !(f->f_mode & MM_FMODE_WRITE))
		e = -EBADF;
	if (!e)
		e = mm_fallocate_check_file(f->inode, mode, ev->offset, ev->size);
	if (!e && f->inode->hugetlb && !mm)
		return mm_error_set(err, -ENOMEM, "out of memory");
	return done(ev, e ? e : mm_fallocate(m->fault, mm, f, (unsigned int)mode, ev->offset, ev->size));
}

/* 1 the page cache, 2 what shrinkers have (huge pages to split: a machine here has no dentries and inodes to drop), 3 both */
int mm_ev_drop_caches(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	uint64_t what = ev->result_kind == MM_RESULT_DEC || ev->result_kind == MM_RESULT_HEX ? ev->result : 0;

	(void)task, (void)err;
	if (what < 1 || what > 7) {
		mm_machine_loss(m, "drop_caches without a value of 1 to 7");
		return 0;
	}
	if (what & 1 && m->cache)
		mm_drop_pagecache(m->cache);
	if (what & 2 && m->reclaim)
		mm_drop_slab(m->reclaim);
	if (what & 2)
		mm_count(&m->ctx, MM_DROP_SLAB, 1);
	return 0;
}
