/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cache/inode.h - files as the memory system sees them: a size, a mode, a page cache
 *
 * A struct mm_file is one open file (its read-ahead state); a name is opened
 * once per machine unless a source says otherwise.  Inodes live until the machine goes.
 */
#ifndef CACHE_INODE_H
#define CACHE_INODE_H

#include <libmm/types.h>
#include "base/interval_tree.h"
#include "base/xarray.h"

struct mm_vma;
struct mm_hugetlb_inode;
struct mm_inode;
struct mm_mempolicy;

enum mm_inode_type { MM_INODE_REG, MM_INODE_DIR, MM_INODE_CHR, MM_INODE_MEMFD, MM_INODE_SHM, MM_INODE_TMPFS, MM_INODE_HUGETLB };
/* On the kernel's own mount of tmpfs, the first without a disk: device 00:01 (fs/namespace.c mnt_init(), mm/shmem.c shmem_init()). */
static inline bool mm_inode_is_internal(enum mm_inode_type type) { return type == MM_INODE_MEMFD || type == MM_INODE_SHM; }
enum { MM_FMODE_READ = 1, MM_FMODE_WRITE = 2, MM_FMODE_NOREUSE = 4, MM_FMODE_RANDOM = 8 };

struct mm_address_space {
	struct mm_inode *host;
	uint32_t id;			/* in struct mm_page.mapping; never 0 */
	struct mm_xarray i_pages;	/* index -> PFN, shadow or swap slot */
	uint64_t nrpages;
	uint64_t nr_thps;		/* huge folios among its pages */
	uint64_t nr_swapped;		/* of a file in memory: pages on the swap device */
	uint64_t nr_dirty, dirty_from;	/* of a file on disk: dirty pages, none of them below this index */
	struct mm_xarray written;	/* of a file on disk, where contents are kept: those of pages that were written there, and 1 */
	struct mm_interval_root i_mmap;	/* the VMAs that map it, by the pages of it that they map */
	uint64_t nr_i_mmap;
};

/* A memory policy for pages [start, end) of a file in memory (cache/shared_policy.h). */
struct mm_sp_range {
	uint64_t start, end;
	const struct mm_mempolicy *pol;
};

/* Where pages of a file on disk were when contents began to be kept (cache/contents_disk.c). */
#define MM_DISK_HOLE UINT64_MAX
struct mm_disk_run {
	uint64_t first, native;
};

struct mm_inode {
	char *name;			/* owned */
	uint32_t shown_len;		/* of it in maps: of "PATH (2)", another file of a path, that of PATH */
	uint64_t size;			/* bytes */
	uint64_t blocks_end;		/* byte up to which the disk has blocks for it; what a truncation adds behind is a hole */
	uint64_t disk_end;		/* byte up to which the disk holds what it held when contents began to be kept; zeroes behind */
	struct mm_disk_run *disk_runs;	/* in order; none: every page is where it was */
	size_t nr_disk_runs, cap_disk_runs;
	uint64_t ino;
	uint32_t dev_major, dev_minor;
	uint8_t type;			/* enum mm_inode_type */
	struct mm_hugetlb_inode *hugetlb;	/* MM_INODE_HUGETLB: its huge pages; virt/hugetlb.h */
	uint64_t huge_mask;		/* MM_INODE_HUGETLB: page size less 1 */
	uint64_t acct_pages;		/* of memory promised for it (shmem_acct_size()), given back with its last VMA */
	bool on_shrinklist;		/* of a file in memory: its last huge page may reach beyond its end (cache/shmem.h) */
	struct mm_inode *shrink_next;
	struct mm_sp_range *policies;	/* of a file in memory, in order */
	size_t nr_policies, cap_policies;
	uint64_t il_bias;		/* where its pages begin among interleaved nodes: the kernel's inode number */
	uint64_t shm_segsz;		/* of a System V segment: the size asked for; 0 it is none, or gone (virt/shm_segment.h) */
	uint64_t shm_acct;		/* pages that it committed */
	bool shm_dest;			/* it goes with its last mapping */
	bool captured_anon;		/* stands for anonymous memory of a captured machine (machine/boot_lru.c) */
	bool dev_zero;			/* /dev/zero: mappings are anonymous memory */
	bool size_with_bss;		/* the size is what a loader mapped, which knows of memory behind the file (machine/ev_vma.c) */
	struct mm_address_space mapping;
};

/* Its pages live in memory and swap. */
static inline bool mm_inode_is_shmem(const struct mm_inode *i)
{
	return i->type == MM_INODE_MEMFD || i->type == MM_INODE_SHM || i->type == MM_INODE_TMPFS;
}

/* The largest size, in bytes: that of ext4 with blocks of 4096 bytes and extents, else MAX_LFS_FILESIZE. */
static inline uint64_t mm_inode_maxbytes(const struct mm_inode *i)
{
	return i->type == MM_INODE_REG ? UINT64_C(0xffffffff000) : INT64_MAX;
}

/* What a file of this name is when nothing but the name tells: a memfd, a file of the tmpfs at /dev/shm, or one on disk. */
enum mm_inode_type mm_inode_type_of_name(struct mm_str name);

/* struct file_ra_state */
struct mm_file_ra_state {
	uint64_t start;			/* page where the window began */
	uint32_t size, async_size;
	uint32_t ra_pages;		/* UINT32_MAX: the disk's, not looked up yet */
	uint32_t mmap_miss;
	int64_t prev_pos;		/* byte position of the last read, -1 none */
};

struct mm_file {
	struct mm_inode *inode;
	uint32_t f_mode;		/* MM_FMODE_* */
	struct mm_file_ra_state ra;
	uint32_t nr_vmas;		/* an attachment's: VMAs that map it */
	bool attachment;		/* of a System V segment: goes with its last VMA */
};

struct mm_inode_table;
int mm_inode_table_new(struct mm_inode_table **tp);
void mm_inode_table_free(struct mm_inode_table *t);
struct mm_file *mm_file_lookup(struct mm_inode_table *t, struct mm_str name);	/* NULL: no such file */
/* Find or make; the size is left alone when it exists. NULL: no host memory. */
struct mm_file *mm_file_create(struct mm_inode_table *t, struct mm_str name, enum mm_inode_type type,
			       uint64_t size, uint32_t f_mode);
void mm_file_unlink(struct mm_inode_table *t, struct mm_inode *inode);	/* no name finds it any more */
/* A file that no name finds (shared anonymous memory); @name is what maps shows. NULL: no host memory. */
struct mm_file *mm_file_create_unlinked(struct mm_inode_table *t, struct mm_str name, enum mm_inode_type type,
					uint64_t size, uint32_t f_mode);
/* shmat(): a file of its own for the segment @seg, opened with @f_mode. NULL: no host memory. */
struct mm_file *mm_file_attach(const struct mm_file *seg, uint32_t f_mode);
void mm_file_get_vma(struct mm_file *f);	/* a VMA maps it */
void mm_file_put_vma(struct mm_file *f);	/* one no longer does; frees an attachment that none maps */
/* No name finds it and nothing maps it: nobody can reach its pages any more. */
bool mm_file_is_orphan(const struct mm_file *f);
/* An orphan goes, and its id with it; its mapping holds no pages any more.  Source: mm/shmem.c shmem_evict_inode(). */
void mm_inode_evict(struct mm_inode_table *t, struct mm_file *f);
size_t mm_inode_table_nr(const struct mm_inode_table *t);	/* ids are 1 .. nr */
struct mm_address_space *mm_address_space_of(struct mm_inode_table *t, uint32_t id);	/* NULL: no inode has the id */

#endif /* CACHE_INODE_H */
