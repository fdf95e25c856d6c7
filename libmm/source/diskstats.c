/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /proc/diskstats: "major minor name" and up to 17 numbers; kernels before
 * 4.18 write eleven, of which all are read here.  What has a folder in
 * /sys/block is a disk, the rest are partitions; without /sys/block a partition
 * is known by its name.  Source: Linux 6.6 block/genhd.c diskstats_show().
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "source/folder.h"
#include "source/proc.h"
#include "source/scan.h"

enum { NR_DISK_FIELDS = 11, MAX_DISKS = 1 << 20 };

/* False for a line that is none of a disk or partition. */
static bool parse_line(struct mm_str line, struct mm_proc_disk *d)
{
	uint64_t v[NR_DISK_FIELDS], number;
	size_t len = 0, n = 0;

	if (!scan_u64(&line, &number) || !scan_u64(&line, &number))
		return false;
	scan_blanks(&line);
	while (len < line.len && line.p[len] != ' ')
		len++;
	if (!len || len >= sizeof(d->name))
		return false;
	memset(d, 0, sizeof(*d));
	memcpy(d->name, line.p, len);
	line.p += len;
	line.len -= len;
	while (n < NR_DISK_FIELDS && scan_u64(&line, &v[n]))
		n++;
	if (n < NR_DISK_FIELDS)
		return false;
	n = 0;
#define X(field) d->field = v[n++];
	MM_DISK_FIELDS(X)
#undef X
	return true;
}

/* Has it a folder in sys/block?  There cciss/c0d0 is cciss!c0d0.  Source: Linux 6.6 lib/kobject.c kobject_set_name_vargs(). */
static bool is_disk(const struct mm_names *disks, const char *name)
{
	char folder[sizeof(((struct mm_proc_disk *)0)->name)];
	size_t n = 0;

	for (; name[n]; n++)
		folder[n] = name[n] == '/' ? '!' : name[n];
	folder[n] = 0;
	return mm_names_has(disks, folder);
}

/*
 * "sda1" of "sda", "nvme0n1p1" of "nvme0n1".  A disk's partitions follow it in the file.
 * Source: Linux 6.6 block/partitions/core.c add_partition().
 */
static bool is_partition_of(const char *name, const char *disk)
{
	size_t n = strlen(disk), digits;

	if (!n || strncmp(name, disk, n))
		return false;
	name += n;
	if ((unsigned char)(disk[n - 1] - '0') < 10 && *name++ != 'p')
		return false;
	digits = strspn(name, "0123456789");
	return digits && !name[digits];
}

static int classify(struct mm_proc *p, struct mm_proc_disks *ds)
{
	struct mm_names disks = { 0 };
	int e = mm_names_read(&disks, p->root_fd, "sys/block", false);

	for (size_t i = 0, disk = 0; i < ds->nr; i++) {
		ds->v[i].whole = e ? !i || !is_partition_of(ds->v[i].name, ds->v[disk].name) : is_disk(&disks, ds->v[i].name);
		disk = ds->v[i].whole ? i : disk;
	}
	mm_names_free(&disks);
	return e == -ENOMEM ? e : 0;
}

int mm_proc_disks(struct mm_proc *p, struct mm_proc_disks *ds, struct mm_error *err)
{
	struct mm_str text, line;
	int code = mm_proc_read(p, "proc/diskstats", &text, err);

	if (code)
		return code;
	ds->nr = 0;
	ds->nr_bad = 0;
	while (scan_whole_line(&text, &line)) {
		if (!line.len)
			continue;
		if (ds->nr >= MAX_DISKS || mm_grow(&ds->v, ds->nr, &ds->cap, sizeof(*ds->v)))
			return mm_error_set(err, -ENOMEM, "out of memory");
		if (parse_line(line, &ds->v[ds->nr]))
			ds->nr++;
		else
			ds->nr_bad++;
	}
	ds->nr_bad += text.len != 0;
	return classify(p, ds) ? mm_error_set(err, -ENOMEM, "out of memory") : 0;
}

void mm_proc_disks_free(struct mm_proc_disks *ds)
{
	free(ds->v);
	*ds = (struct mm_proc_disks){ 0 };
}
