/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded by tests/soak.sh: time stands still but for sleeps, which end at once and move it.  Each SOAK_EVERY-th sleep
 * appends "sleeps resident-pages" to the file SOAK_LOG.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const long long began_ns = 1750000000LL * 1000000000;	/* 2025-06-15 15:06:40 UTC */
static long long slept_ns;

static void note(void)
{
	static long nr, every;
	char text[256], line[64];
	const char *log = getenv("SOAK_LOG");
	long pages = 0;
	ssize_t n;
	int fd;

	if (!every)
		every = getenv("SOAK_EVERY") ? atol(getenv("SOAK_EVERY")) : 1000;
	if (++nr % every || !log)
		return;
	fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return;
	text[n] = 0;
	(void)sscanf(text, "%*d %ld", &pages);
	fd = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	n = snprintf(line, sizeof(line), "%ld %ld\n", nr, pages);
	if (fd < 0 || write(fd, line, (size_t)n) != n)
		abort();
	close(fd);
}

static int sleep_ns(long long ns)
{
	slept_ns += ns > 0 ? ns : 0;
	note();
	return 0;
}

int nanosleep(const struct timespec *want, struct timespec *left)
{
	(void)left;
	return sleep_ns(want->tv_sec * 1000000000LL + want->tv_nsec);
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *want, struct timespec *left)
{
	long long ns = want->tv_sec * 1000000000LL + want->tv_nsec;

	(void)clock, (void)left;
	return sleep_ns(flags & TIMER_ABSTIME ? ns - began_ns - slept_ns : ns);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	(void)clock;
	now->tv_sec = (time_t)((began_ns + slept_ns) / 1000000000);
	now->tv_nsec = (long)((began_ns + slept_ns) % 1000000000);
	return 0;
}

time_t time(time_t *out)
{
	time_t now = (time_t)((began_ns + slept_ns) / 1000000000);

	if (out)
		*out = now;
	return now;
}
