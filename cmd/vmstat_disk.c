/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disks: -d a line each, -D their sums, -p one disk or partition.
 *
 * "cur", "sec" and three lines of -D are divided by 1000 as procps 4.0.2 does,
 * in its text only; CSV has the kernel's own numbers.
 */
#include <errno.h>
#include <string.h>

#include "vmstat.h"

#define DISK(field, help) MM_COLUMN(struct disk_row, field, MM_COL_U64, help)
struct disk_row {
	const char *disk, *time;
#define X(field) uint64_t field;
	MM_DISK_FIELDS(X)
#undef X
};

enum { COL_TIME = 12 };
static const struct mm_column columns[] = {
	MM_COLUMN(struct disk_row, disk, MM_COL_STR, "name in /sys/block"),
	DISK(reads, "reads completed"),
	DISK(reads_merged, "reads merged into others"),
	DISK(read_sectors, "sectors of 512 bytes read"),
	DISK(read_ms, "milliseconds spent reading"),
	DISK(writes, "writes completed"),
	DISK(writes_merged, "writes merged into others"),
	DISK(written_sectors, "sectors of 512 bytes written"),
	DISK(write_ms, "milliseconds spent writing"),
	DISK(in_flight, "requests in progress"),
	DISK(io_ms, "milliseconds with requests in progress"),
	DISK(weighted_ms, "the same, times the requests"),
	MM_COLUMN(struct disk_row, time, MM_COL_STR, "local time of the sample (with -t)"),
};
const struct mm_table vmstat_disk_table = MM_TABLE("disks", columns, "statistics of disks since boot");

static const struct mm_column partition_columns[] = {
	MM_COLUMN(struct disk_row, disk, MM_COL_STR, "name"),
	DISK(reads, "reads completed"),
	DISK(read_sectors, "sectors of 512 bytes read"),
	DISK(writes, "writes completed"),
	DISK(written_sectors, "sectors of 512 bytes written"),
};
const struct mm_table vmstat_partition_table = MM_TABLE("partition", partition_columns,
							"one disk or partition since boot");

static void header(struct cmd_args *a, const struct vmstat_args *v)
{
	const char *stamp = v->timestamp ? VMSTAT_STAMP_HEADER : "";

	if (a->noheadings)
		return;
	if (v->wide)
		mm_output_printf(&a->out, "disk- -------------------reads------------------- "
				 "-------------------writes------------------ ------IO-------%s\n"
				 "%5s %9s %9s %11s %11s %9s %9s %11s %11s %7s %7s", stamp, " ", "total", "merged",
				 "sectors", "ms", "total", "merged", "sectors", "ms", "cur", "sec");
	else
		mm_output_printf(&a->out, "disk- ------------reads------------ ------------writes----------- "
				 "-----IO------%s\n"
				 "%5s %6s %6s %7s %7s %6s %6s %7s %7s %6s %6s", stamp, " ", "total", "merged",
				 "sectors", "ms", "total", "merged", "sectors", "ms", "cur", "sec");
	vmstat_end_header(a, v);
}

/* Kernels have counted below none, and written that without its sign. */
int64_t vmstat_in_flight(const struct mm_proc_disk *d)
{
	return (int32_t)d->in_flight / 1000;
}

static void line(struct cmd_args *a, const struct vmstat_args *v, const struct mm_proc_disk *d, const char *stamp)
{
	static const uint8_t widths[2][10] = { { 6, 6, 7, 7, 6, 6, 7, 7, 6, 6 }, { 9, 9, 11, 11, 9, 9, 11, 11, 7, 7 } };
	const uint64_t values[] = {
		d->reads, d->reads_merged, d->read_sectors, d->read_ms, d->writes, d->writes_merged, d->written_sectors,
		d->write_ms, (uint64_t)vmstat_in_flight(d), d->io_ms / 1000,
	};

	mm_output_printf(&a->out, "%-5s", d->name);
	for (size_t i = 0; i < 10; i++)
		mm_output_printf(&a->out, i == 8 ? " %*lld" : " %*llu", widths[v->wide][i], (unsigned long long)values[i]);
	mm_output_printf(&a->out, v->timestamp ? " %s\n" : "\n", stamp);
}

static struct disk_row row_of(const struct mm_proc_disk *d, const char *stamp)
{
	struct disk_row row = { .disk = d->name, .time = stamp };

#define X(field) row.field = d->field;
	MM_DISK_FIELDS(X)
#undef X
	return row;
}

static void one_sample(struct cmd_args *a, struct vmstat_args *v, const struct mm_proc_disks *ds,
		       struct mm_table_writer *w)
{
	char stamp[VMSTAT_STAMP];

	if (v->timestamp)
		vmstat_stamp(stamp);
	for (size_t i = 0; i < ds->nr; i++) {
		struct disk_row row;

		if (!ds->v[i].whole)
			continue;
		if (!w && v->height && i % v->height == 0)
			header(a, v);
		if (!w) {
			line(a, v, &ds->v[i], stamp);
			continue;
		}
		row = row_of(&ds->v[i], stamp);
		mm_table_writer_row(w, &row);
	}
}

static void note_bad(const struct cmd_args *a, const struct mm_proc_disks *ds)
{
	if (ds->nr_bad)
		cmd_note(a, "diskstats: %llu lines are no disk's", (unsigned long long)ds->nr_bad);
}

int vmstat_disks(struct cmd_args *a, struct vmstat_args *v)
{
	struct mm_table_writer *w = NULL;
	struct mm_proc_disks ds = { 0 };
	struct vmstat_columns c;
	uint64_t n = 0;
	int err = 0;

	vmstat_pick_columns(&c, &vmstat_disk_table, v->timestamp ? 0 : 1u << COL_TIME);
	if (!cmd_is_human(a))
		err = cmd_table(a, &c.table, &w);
	else if (!v->height)
		header(a, v);
	while (!err) {
		err = mm_proc_disks(v->proc, &ds, &a->err);
		if (err)
			break;
		one_sample(a, v, &ds, w);
		if (!vmstat_next(a, v, ++n))
			break;
	}
	note_bad(a, &ds);
	mm_proc_disks_free(&ds);
	return w ? cmd_table_end(a, w, err) : err;
}

static const struct mm_proc_disk *find(const struct mm_proc_disks *ds, const char *name)
{
	for (size_t i = 0; i < ds->nr; i++)
		if (!strcmp(ds->v[i].name, name))
			return &ds->v[i];
	return NULL;
}

int vmstat_partition(struct cmd_args *a, struct vmstat_args *v)
{
	struct mm_table_writer *w = NULL;
	struct mm_proc_disks ds = { 0 };
	int err = mm_proc_disks(v->proc, &ds, &a->err);
	uint64_t n = 0;

	if (!err && find(&ds, v->partition) && !cmd_is_human(a))
		err = cmd_table(a, &vmstat_partition_table, &w);
	while (!err) {
		const struct mm_proc_disk *d = find(&ds, v->partition);
		struct disk_row row;

		if (!d) {
			err = mm_error_set(&a->err, -ENODEV, "Disk/Partition %s not found", v->partition);
			break;
		}
		if (!w && !n && !a->noheadings)
			mm_output_printf(&a->out, "%-10s %10s  %16s  %10s  %16s\n", v->partition, "reads",
					 "read sectors", "writes", "requested writes");
		row = row_of(d, NULL);
		if (w)
			mm_table_writer_row(w, &row);
		else
			mm_output_printf(&a->out, "%21llu  %16llu  %10llu  %16llu\n", (unsigned long long)row.reads,
					 (unsigned long long)row.read_sectors, (unsigned long long)row.writes,
					 (unsigned long long)row.written_sectors);
		if (!vmstat_next(a, v, ++n))
			break;
		err = mm_proc_disks(v->proc, &ds, &a->err);
	}
	mm_proc_disks_free(&ds);
	return w ? cmd_table_end(a, w, err) : err;
}
