/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmstat.h - the parts of mm-vmstat: one report a mode
 */
#ifndef VMSTAT_H
#define VMSTAT_H

#include <time.h>

#include <libmm/proc.h>

#include "cmd.h"

enum vmstat_mode {
	VMSTAT_REPORT, VMSTAT_DISKS, VMSTAT_SUMS, VMSTAT_SLABS, VMSTAT_PARTITION, VMSTAT_DISK_SUMS, VMSTAT_FORKS,
	VMSTAT_COUNTERS, VMSTAT_TRACE,
};

struct vmstat_args {
	unsigned int modes;			/* bit per enum vmstat_mode that an option asked for */
	enum vmstat_mode mode;
	bool active, wide, timestamp, one_header, no_first;
	char unit_letter;			/* as given to -S, for -s */
	unsigned long unit;			/* bytes */
	bool bytes, unit_given;			/* --bytes; -S */
	const char *partition;
	unsigned int nr_words;			/* delay, count, or a file */
	uint64_t delay, count;			/* seconds; samples, 0: endless */
	unsigned int height;			/* rows between headers, 0: never */
	struct mm_proc *proc;
};

extern const struct mm_table vmstat_report_table, vmstat_disk_table, vmstat_slab_table, vmstat_sum_table,
	vmstat_partition_table, vmstat_counter_table;
extern const struct mm_machine_table vmstat_machine_table;

/* Each prints its samples: 0 or -errno with a->err. */
int vmstat_report(struct cmd_args *a, struct vmstat_args *v);
int vmstat_disks(struct cmd_args *a, struct vmstat_args *v);
int vmstat_disk_sums(struct cmd_args *a, struct vmstat_args *v);
int vmstat_partition(struct cmd_args *a, struct vmstat_args *v);
int vmstat_slabs(struct cmd_args *a, struct vmstat_args *v);
int vmstat_sums(struct cmd_args *a, struct vmstat_args *v);
int vmstat_forks(struct cmd_args *a, struct vmstat_args *v);
int vmstat_counters(struct cmd_args *a, struct vmstat_args *v);
int vmstat_trace(struct cmd_args *a, struct vmstat_args *v);

/* KiB in the unit of -S, with procps' single precision; MM_MISSING_U64 stays. */
uint64_t vmstat_unit(const struct vmstat_args *v, uint64_t kib);
/* Requests in progress as procps 4.0.2 prints them: of a signed 32-bit number, divided by 1000. */
int64_t vmstat_in_flight(const struct mm_proc_disk *d);
/* What a counter moved between two samples: over a 32-bit wrap too; 0 when it went back; MM_MISSING_U64 where one has it not. */
uint64_t vmstat_delta(uint64_t now, uint64_t before);
/* A table with some columns of another. */
struct vmstat_columns {
	struct mm_table table;
	struct mm_column columns[24];
};
/* All columns of @from but those whose bit is set in @without, by their place there. */
void vmstat_pick_columns(struct vmstat_columns *to, const struct mm_table *from, uint32_t without);

/*
 * Another sample after this one?  Flushes, sleeps the delay; @n counts samples.  False at the end or on a write
 * error.
 */
bool vmstat_next(struct cmd_args *a, const struct vmstat_args *v, uint64_t n);
uint64_t vmstat_clock_ns(void);

/* With -t each line ends with the local time, 2026-11-30 12:00:00, the first heading with dashes, the second with the time zone. */
#define VMSTAT_STAMP_HEADER " -----timestamp-----"
enum { VMSTAT_STAMP = 32 };
void vmstat_stamp(char stamp[VMSTAT_STAMP]);
void vmstat_end_header(struct cmd_args *a, const struct vmstat_args *v);

#endif /* VMSTAT_H */
