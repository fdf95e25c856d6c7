/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source/ps.h - what ps(1) printed, in an unpacked sosreport
 */
#ifndef SOURCE_PS_H
#define SOURCE_PS_H

#include "source/proc.h"

struct mm_ps_row {
	uint32_t pid, ppid, euid, nr_threads, cpu_tenths;
	uint32_t known;			/* enum mm_pid_unknown: what ps told of it */
	int32_t priority, nice;
	uint64_t seconds, virt_kib, res_kib;
	size_t file, seq;		/* of which output, which line */
	char *user, *args, *comm, *cgroup;	/* NULL: not told */
	char state;
};

struct mm_ps {
	struct mm_ps_row *v;		/* sorted by pid, a row each */
	size_t nr, cap;
	uint64_t nr_bad;		/* lines that cannot be understood */
	size_t nr_outputs;		/* that had rows */
	char first[128], from[160];	/* the first one's path; "PATH and N more" */
};

/* All outputs of ps below @p's root; 0 (there need be none) or -ENOMEM.  Free with mm_ps_free() in any case. */
int mm_ps_read(struct mm_ps *ps, struct mm_proc *p);
void mm_ps_free(struct mm_ps *ps);

const struct mm_ps_row *mm_ps_find(const struct mm_ps *ps, uint32_t pid);
/* What @r lacks and @ps has. */
void mm_ps_fill(const struct mm_ps_row *ps, struct mm_pid_row *r);

#endif /* SOURCE_PS_H */
