/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * machine/machine.h - the whole machine: contexts of every floor, tasks, and the handler of each event
 */
#ifndef MACHINE_MACHINE_H
#define MACHINE_MACHINE_H

#include <errno.h>

#include <libmm/captured.h>
#include <libmm/machine.h>
#include <libmm/output.h>
#include <libmm/source.h>
#include "cache/inode.h"
#include "fault/fault.h"
#include "phys/mempolicy.h"
#include "virt/mm.h"

struct mm_phys;
struct mm_slab;
struct mm_cache;
struct mm_fault;
struct mm_reclaim;
struct mm_memcg;
struct mm_vma_report;
struct mm_page_replay;

enum { MM_PID_MAX = 4194304 };		/* the kernel's PID_MAX_LIMIT on 64 bits */

enum mm_task_state { MM_TASK_RUNNING, MM_TASK_EXITED, MM_TASK_KILLED };

/* What an address space had when a seed, a program or a fork began it, and the number of that row. */
struct mm_began {
	uint64_t nr_events, map_count, total_vm, data_vm, stack_vm, locked_vm;
};

struct mm_task {
	uint32_t pid, tgid, ppid;
	uint8_t state;			/* enum mm_task_state */
	char comm[64];
	struct mm_struct *mm;		/* NULL: none yet (no seed, no exec) or gone */
	struct mm_memcg *memcg;
	uint64_t joined;		/* its place among those of the memcg: m->nr_joins when it came there */
	int32_t oom_score_adj;
	bool in_vfork;			/* made with CLONE_VFORK and has not run a program yet */
	struct mm_task_numa numa;
	bool dying;			/* the OOM killer chose it; it ends after the running event */
	bool automap;			/* accesses outside any VMA map anonymous memory */
	bool filled;			/* in which something was when the recording began */
	struct mm_file *image;		/* of a program whose beginning was not recorded: its file (vma_image.c); else NULL */
	struct mm_task_faults faults;
	uint64_t kernel_fault_vaddr;	/* of the last recorded page fault, if the kernel took it for the task, and its error code */
	unsigned int kernel_fault_code;
	struct mm_began began;
	uint64_t accesses;
};

struct mm_task_table {
	struct mm_task **v;		/* in order of first appearance; ended ones stay */
	size_t nr, cap;
	uint32_t *hash;			/* index + 1 by pid */
	size_t hash_size;
	struct mm_task *last;		/* the one of the last row */
};

struct mm_machine {
	struct mm_machine_config cfg;
	struct mm_ctx ctx;
	struct mm_effects effects;
	struct mm_inode_table *inodes;
	struct mm_phys *phys;		/* from here on by cfg.depth, else NULL */
	struct mm_slab *slab;
	struct mm_cache *cache;
	struct mm_virt virt;
	struct mm_fault *fault;
	struct mm_reclaim *reclaim;
	struct mm_task_table tasks;
	uint64_t nr_joins;		/* tasks that have come to be, or to another memcg, so far */
	struct mm_memcg *workload_memcg;	/* the cgroup of --memory-max; NULL none */
	bool someone_dies;		/* a task has .dying set */
	struct mm_captured captured;	/* what files or rows told of zones; empty when it has booted */
	bool captured_zones_read, captured_blocks_read;
	bool captured_pages;		/* a capture's kpageflags told which pages are taken */
	bool captured_blocks;		/* its pagetypeinfo or buddyinfo told in what blocks the free ones lie */
	struct mm_error failed;		/* what mm_machine_event() is to tell of the row after a run */
	bool panicked;			/* out of memory for good: nothing is replayed any more */
	char result_text[MM_MPOL_TEXT];	/* of the running row */
	struct mm_output oom_report;	/* lines of the kernel's log that the running row brought */
	bool daemons_run;		/* ksmd, khugepaged: they may be in any address space, so nobody goes at once */
	bool someone_died;		/* of an OOM: its later rows are left out */
	struct mm_struct *running_mm;	/* of the event being replayed */
	struct mm_vmstat boot_stat;	/* counters when booting was done */
	struct mm_vma_report *vma_report;	/* merges and mismatches; machine/vma_call.h */
	bool booted;			/* the first workload row boots it: machine rows before that configure */
	struct mm_skip skips[MM_MAX_SKIPS];
	size_t nr_skips;
	struct mm_skip *last_skip;	/* the one that was counted last; most are again */
	uint64_t nr_events;		/* causes replayed */
	struct mm_trace_told told;	/* by them */
	uint64_t seeded_committed;	/* pages that seeds committed */
	struct mm_seeding *seeding;	/* the process that rows of a maps text began last (vma_seed.c) */
	struct mm_slab_replay *slab_replay;	/* objects of the recording (slab_replay.h); NULL until a slab event */
	struct mm_page_replay *pages;	/* frames of the recording (buddy_replay.h); NULL until a page event */
	struct mm_input_cut cut;	/* mm_machine_cut() */
};

/* The task @pid, made (without an address space) when it is new; NULL: host memory. */
struct mm_task *mm_task_get(struct mm_machine *m, uint32_t pid);
/* The task's address space, made empty on first use (no seed, no exec); NULL: host or simulated memory. */
struct mm_struct *mm_task_mm(struct mm_machine *m, struct mm_task *task);
/* Its address space has just been filled by a seed, a program or a fork. */
void mm_task_began(struct mm_machine *m, struct mm_task *task);
/*
 * An empty address space, had from the reserves when there is no other memory: a recorded task ran, so it begins, and
 * what follows from the shortage shows in its accesses.  NULL: not even there.
 */
struct mm_struct *mm_machine_new_mm(struct mm_machine *m, struct mm_memcg *memcg);
struct mm_task *mm_task_find(const struct mm_machine *m, uint32_t pid);	/* NULL: no such living task */
/* The OOM killer killed @pid, and no fork or thread row made it anew. */
bool mm_task_was_killed(const struct mm_machine *m, uint32_t pid);
/* Each process with an address space once: by its first living task. NULL at the end; *@i is where to go on, 0 at first. */
struct mm_task *mm_next_process(const struct mm_machine *m, size_t *i);
/* The task ends: its part of the address space goes; the record stays. */
void mm_task_end(struct mm_machine *m, struct mm_task *t, enum mm_task_state state);

/* From here on @task runs (NULL: none), as the floors below must know; @pid is the one that rows of effects carry. */
void mm_task_run(struct mm_machine *m, struct mm_task *task, uint32_t pid);

/*
 * What copying to or from a buffer of the task does to its pages; faults are the task's.  0 or -ENOMEM with @err.
 * Source: copy_to_user(), copy_from_user().  Deviation: the error code says user mode; a bad buffer ends in a
 * signal's count.
 */
int mm_task_copy_to_user(struct mm_machine *m, struct mm_task *task, uint64_t addr, uint64_t size, struct mm_error *err);
int mm_task_copy_from_user(struct mm_machine *m, struct mm_task *task, uint64_t addr, uint64_t size, struct mm_error *err);

/*
 * What ran in the background up to now and in the time of this row: kswapd, kcompactd, ksmd, khugepaged.  Kswapd works on @beside what
 * follows, or finishes.
 */
void mm_machine_run_daemons(struct mm_machine *m, bool beside);

/* A row of @task, the last that there was one of: it goes without mm_machine_event(). False: an error, which that tells of the row. */
bool mm_machine_row_of_run(struct mm_machine *m, struct mm_task *task, struct mm_event *ev);

void mm_machine_close_root(struct mm_machine *m, struct mm_sysroot *root);	/* the captured machine's; it may have files that are cut */

/*
 * What is counted, one or @n (0: none), and told once at the end; @what must be static text.  A note tells how the input was taken; a loss
 * is something of it that no floor could use, under --strict an error.
 */
void mm_machine_note(struct mm_machine *m, const char *what);
void mm_machine_notes(struct mm_machine *m, const char *what, uint64_t n);
void mm_machine_loss(struct mm_machine *m, const char *what);
void mm_machine_losses(struct mm_machine *m, const char *what, uint64_t n);
/* A row that describes the machine comes after its first use, and is counted as such. */
bool mm_machine_row_is_late(struct mm_machine *m);
/* boot_cgroups.c: the cgroup that a captured machine says @pid is in, made with those above it; NULL: it says nothing, or the root. */
struct mm_memcg *mm_captured_cgroup(struct mm_machine *m, uint32_t pid);
mm_nodes_t mm_captured_mems(struct mm_machine *m, uint32_t pid);	/* nodes of its cpuset; 0: all, or not told */
/* A cgroup that has just come to be gets the limits that the captured one of its path has, if there is one. */
void mm_captured_limits(struct mm_machine *m, struct mm_memcg *g);
struct mm_cgroup_row;
void mm_captured_limits_of(struct mm_machine *m, struct mm_memcg *g, const struct mm_cgroup_row *row);	/* those that @row tells */
extern const char mm_captured_unreadable[];	/* a loss */
/* ev_cgroup.c: the cgroup of that path, made with what is missing above it. 0 or -errno. */
int mm_cgroup_find_or_make(struct mm_machine *m, struct mm_str path, struct mm_memcg **gp);

static inline int mm_no_memory(struct mm_error *err) { return mm_error_set(err, -ENOMEM, "out of memory"); }

/* Boot with m->cfg as it stands: every floor that cfg.depth asks for.  0 or -errno with @err. */
int mm_machine_boot(struct mm_machine *m, struct mm_error *err);
int mm_machine_boot_lru(struct mm_machine *m);	/* 0 or -ENOMEM */
void mm_machine_shutdown(struct mm_machine *m);
void mm_machine_install_oom(struct mm_machine *m);
/* What a memcg and those below it hold, in pages, as memory.stat counts it. */
struct mm_memcg_pages {
	uint64_t anon, file, shmem, file_mapped, file_dirty, file_writeback, swapcached, anon_thp, file_thp, shmem_thp, pagetables, kernel;
	uint64_t slab_reclaimable_bytes, slab_unreclaimable_bytes;
};
/* That of each memcg, by id - 1, for the caller to free; looks at every page. NULL: host memory. */
struct mm_memcg_pages *mm_memcg_count_all(const struct mm_machine *m);
/* memory_stat.c: @line gets each line of memory.stat, MM_MISSING_U64 where the model has no figure; @all is of mm_memcg_count_all() */
void mm_memory_stat(const struct mm_memcg_pages *all, struct mm_memcg *memcg, void *arg,
		    void (*line)(void *arg, const char *name, uint64_t value));
const char *mm_oom_comm(const struct mm_task *task);	/* never empty */
/* oom_report.c: the hooks of struct mm_oom_ops that write the log */
struct mm_oom_case;
void mm_oom_report_header(void *arg, const struct mm_oom_case *oc);
void mm_oom_report_line(void *arg, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* cpuset.c: the task is in another cgroup, or its nodes changed: policies and pages follow. 0 or -ENOMEM. */
int mm_cpuset_update_task(struct mm_machine *m, struct mm_task *task);
int mm_cpuset_write_mems(struct mm_machine *m, struct mm_memcg *g, mm_nodes_t mems);	/* 0, -EINVAL, -ENOMEM; 0 nodes: as the parent's */
const char *mm_cpuset_name(const struct mm_memcg *g);	/* as an OOM report has it */
bool mm_nodes_of_list(struct mm_str list, mm_nodes_t *nodes);	/* "0-1,3" or nothing */
void mm_machine_sysctl_changed(struct mm_machine *m, int id);	/* after the boot: what follows from m->cfg.sysctl, where @id was written */

/*
 * One handler an event: mm_ev_WORD().  They fill @ev's result and append effects.
 * 0, or -errno with @err when the run cannot go on.
 */
#define X(sym, word, class, help) DECLARE_##class(word)
#define DECLARE(word) \
	int mm_ev_##word(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err);
#define DECLARE_MACHINE(word) DECLARE(word)
#define DECLARE_TASK(word) DECLARE(word)
#define DECLARE_VMA(word) DECLARE(word)
#define DECLARE_ACCESS(word) DECLARE(word)
#define DECLARE_FILE(word) DECLARE(word)
#define DECLARE_KERNEL(word) DECLARE(word)
#define DECLARE_STEP(word) DECLARE(word)
#define DECLARE_EFFECT(word)
#include <libmm/events.def>
#undef X

#endif /* MACHINE_MACHINE_H */
