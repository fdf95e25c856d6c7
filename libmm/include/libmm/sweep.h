/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmm/sweep.h - the same trace on many machines that differ in one parameter, or two
 *
 * One machine a point, run in as many threads as there are CPUs; they share
 * nothing but the rows of the trace, so a point's figures do not depend on the number of threads.
 */
#ifndef LIBMM_SWEEP_H
#define LIBMM_SWEEP_H

#include <libmm/machine.h>

enum { MM_SWEEP_MAX_POINTS = 1024, MM_SWEEP_MAX_PARAMETERS = 2 };

/* What came of one point. */
struct mm_sweep_point {
	uint64_t value[MM_SWEEP_MAX_PARAMETERS];	/* of each parameter: bytes, or the tunable's number */
	int code;			/* 0 or -errno of the run */
	struct mm_vmstat stat;		/* counters at the end, less those of booting */
	char error[MM_ERROR_TEXT];
};

struct mm_sweep {
	struct mm_machine_config config;	/* what all points share; its lists stay the caller's */
	struct mm_trace_options trace;
	const char *path;		/* of the trace: read once, and by every point again where it is too large to be kept */
	const char *name;		/* of it in messages */
	/* "memory-max", "ram", "swap", or a tunable's name; @nr_parameters of them */
	char parameter[MM_SWEEP_MAX_PARAMETERS][64];
	size_t nr_parameters;
	struct mm_sweep_point *points;	/* the caller's, .value filled in; the last parameter changes fastest */
	size_t nr_points;
	uint32_t nr_threads;		/* 0: one a CPU of the host */
	size_t tape_bytes;		/* host memory for the rows that points share, 0: 256 MiB (some 60 million accesses) */
	/* Rows of the trace that describe the machine and are not to be heard; NULL: all are. */
	bool (*overridden)(const void *arg, const struct mm_event *ev);
	const void *arg;
	uint32_t first_cpus;		/* filled in: CPUs that the first rows name, as the machines have; 0: somebody said how many */
	struct mm_skip skips[2 * MM_MAX_SKIPS];	/* filled in: of the first point */
	size_t nr_skips;
};

/**
 * mm_sweep_parse() - "memory-max=256K..2M:8"
 * @text:	PARAMETER=LO..HI:N; N points from LO to HI, 1 .. MM_SWEEP_MAX_POINTS
 *
 * Called for @s with no parameter @s->points becomes a new array, the caller's
 * to free(), also when a later call fails; called again the points are those of the grid of both.
 *
 * Sizes grow by a constant factor (swap from 0: a constant step) and are rounded
 * to pages, tunables by a constant step.  Return: 0, -EINVAL with @err, -ENOMEM.
 */
int mm_sweep_parse(struct mm_sweep *s, const char *text, struct mm_error *err);
bool mm_sweep_is_size(const struct mm_sweep *s, size_t parameter);	/* that one is in bytes */

/* Run all points.  0; -errno with @err when one failed: which, and why. */
int mm_sweep_run(struct mm_sweep *s, struct mm_error *err);

#endif /* LIBMM_SWEEP_H */
