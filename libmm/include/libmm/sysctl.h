/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libmm/sysctl.h - tunables under their kernel names; one table, sysctl.def */
#ifndef LIBMM_SYSCTL_H
#define LIBMM_SYSCTL_H

#include <libmm/error.h>
#include <libmm/types.h>

enum mm_sysctl_id {
#define X(sym, name, def, min, max, help) MM_SYSCTL_##sym,
#include <libmm/sysctl.def>
#undef X
	MM_SYSCTL_LOWMEM_RESERVE_RATIO,		/* a list, see struct mm_sysctls */
	MM_SYSCTL_SLUB_DEBUG,			/* a text */
	MM_NR_SYSCTLS
};

enum { MM_SLUB_DEBUG_SIZE = 512 };

struct mm_sysctls {
	int64_t v[MM_NR_SYSCTLS];		/* by enum mm_sysctl_id */
	int32_t lowmem_reserve_ratio[4];	/* DMA, DMA32, Normal, Movable: 256 256 32 0 */
	int32_t shm_mnt_huge;			/* the last shmem_enabled but deny and force: what the kernel's own tmpfs has */
	char slub_debug[MM_SLUB_DEBUG_SIZE];	/* as on the kernel's command line, behind the = */
	bool set[MM_NR_SYSCTLS];		/* given, not the default */
};

/* Every tunable at its default, none given. */
void mm_sysctls_init(struct mm_sysctls *s);
/* "vm.swappiness" (also without "vm."), value as text; 0 or -EINVAL/-ERANGE with the nearest name in @err. */
int mm_sysctls_set(struct mm_sysctls *s, struct mm_str name, struct mm_str value, struct mm_error *err);
const char *mm_sysctl_name(enum mm_sysctl_id id);
/* The tunable of that name (also without "vm."), or -ENOENT. */
int mm_sysctl_find(struct mm_str name);
/* A parameter of the kernel's command line or its configuration: nothing changes it once the machine has booted. */
bool mm_sysctl_is_boot(enum mm_sysctl_id id);

/* A tunable as "-S help" tells it. */
struct mm_sysctl_info {
	const char *name, *help;
	int64_t def, min, max;		/* @def -1: computed when the machine boots */
};
/*
 * The tunable of index @i in sysctl.def's order; false past the last one. vm.lowmem_reserve_ratio and slub_debug, which are no
 * numbers, are not among them.
 */
bool mm_sysctl_info(size_t i, struct mm_sysctl_info *info);

#endif /* LIBMM_SYSCTL_H */
