/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cost.h - what a command of the shell costs: for the benchmarks of whole programs
 */
#ifndef BENCH_COST_H
#define BENCH_COST_H

#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct cost {
	double cpu_s, wall_s;		/* the least of all times; < 0: it failed */
	double peak_bytes;		/* of host memory, the last time */
};

static inline double seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* What @command costs in folder @dir, run @times; of what it says nothing is shown. */
static inline struct cost cost_of(const char *dir, const char *command, int times)
{
	struct cost least = { -1, -1, -1 }, failed = least;

	for (int i = 0; i < times; i++) {
		double began = seconds_now(), s, wall;
		struct rusage r;
		int status;
		pid_t pid;

		fflush(stdout);
		pid = fork();
		if (!pid) {
			if (chdir(dir) || !freopen("/dev/null", "r", stdin) || !freopen("/dev/null", "w", stdout) ||
			    !freopen("/dev/null", "w", stderr))
				_exit(127);
			execl("/bin/sh", "sh", "-c", command, (char *)NULL);
			_exit(127);
		}
		if (wait4(pid, &status, 0, &r) < 0 || status)
			return failed;
		wall = seconds_now() - began;
		s = (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
		if (!i || s < least.cpu_s)
			least.cpu_s = s;
		if (!i || wall < least.wall_s)
			least.wall_s = wall;
		least.peak_bytes = (double)r.ru_maxrss * 1024;
	}
	return least;
}

#endif
