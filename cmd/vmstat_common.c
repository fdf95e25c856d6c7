/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the modes of mm-vmstat share: units, time, the pause between samples.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "vmstat.h"

uint64_t vmstat_unit(const struct vmstat_args *v, uint64_t kib)
{
	float scaled = (float)kib / (float)v->unit * 1024;

	if (kib == MM_MISSING_U64)
		return kib;
	return scaled >= (float)UINT64_MAX ? UINT64_MAX : (uint64_t)scaled;
}

uint64_t vmstat_delta(uint64_t now, uint64_t before)
{
	if (now == MM_MISSING_U64 || before == MM_MISSING_U64)
		return MM_MISSING_U64;
	if (now >= before)
		return now - before;
	if (before <= UINT32_MAX && before > UINT32_MAX / 2)
		return now + (UINT32_MAX - before) + 1;		/* a counter of a 32-bit kernel went round */
	return 0;
}

void vmstat_pick_columns(struct vmstat_columns *to, const struct mm_table *from, uint32_t without)
{
	to->table = *from;
	to->table.columns = to->columns;
	to->table.nr_columns = 0;
	for (size_t i = 0; i < from->nr_columns && i < 24; i++)
		if (!(without >> i & 1))
			to->columns[to->table.nr_columns++] = from->columns[i];
}

uint64_t vmstat_clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);	/* stands still while the machine is suspended, as the counters do */
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The local time. */
static void time_text(char *buf, size_t size, const char *format)
{
	time_t now = time(NULL);
	struct tm tm;

	if (!localtime_r(&now, &tm) || !strftime(buf, size, format, &tm))
		buf[0] = 0;
}

void vmstat_stamp(char stamp[VMSTAT_STAMP])
{
	time_text(stamp, VMSTAT_STAMP, "%Y-%m-%d %H:%M:%S");
}

void vmstat_end_header(struct cmd_args *a, const struct vmstat_args *v)
{
	char zone[32];

	if (v->timestamp) {
		time_text(zone, sizeof(zone), "%Z");
		mm_output_printf(&a->out, " %19s", zone);
	}
	mm_output_bytes(&a->out, "\n", 1);
}

bool vmstat_next(struct cmd_args *a, const struct vmstat_args *v, uint64_t n)
{
	struct timespec pause = { .tv_sec = (time_t)v->delay };

	if (mm_output_flush(&a->out))
		return false;
	if (v->count && n >= v->count)
		return false;
	while (nanosleep(&pause, &pause) && errno == EINTR)
		;
	return true;
}
