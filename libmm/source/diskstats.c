/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /proc/diskstats: "major minor name" and up to 17 numbers; kernels before
 * 4.18 write eleven, of which all are read here.  What has a folder in
 * /sys/block is a disk, the rest are partitions; without /sys/block every line
 * is a disk.  Source: Linux 6.6 block/genhd.c diskstats_show().
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

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

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names in sys/block, sorted; the caller frees, whatever comes of it.  0, or -errno without them. */
static int block_names(struct mm_proc *p, char ***vp, size_t *nrp)
{
	int fd = openat(p->root_fd, "sys/block", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	size_t nr = 0, cap = 0;
	struct dirent *e;
	char **v = NULL;
	int err = 0;

	if (!dir) {
		err = errno == ENOMEM ? -ENOMEM : -ENOENT;
		if (fd >= 0)
			close(fd);
		return err;
	}
	while ((e = readdir(dir)) && nr < MAX_DISKS) {
		if (e->d_name[0] == '.')
			continue;
		if (mm_proc_grow(&v, nr, &cap, sizeof(*v)) || !(v[nr] = strdup(e->d_name))) {
			err = -ENOMEM;
			break;
		}
		nr++;
	}
	closedir(dir);
	if (v)
		qsort(v, nr, sizeof(*v), by_name);
	*vp = v;
	*nrp = nr;
	return err;
}

static int classify(struct mm_proc *p, struct mm_proc_disks *ds)
{
	char **names = NULL;
	size_t nr = 0;
	int e = block_names(p, &names, &nr);

	for (size_t i = 0; i < ds->nr; i++) {
		const char *name = ds->v[i].name;

		ds->v[i].whole = e || (nr && bsearch(&name, names, nr, sizeof(*names), by_name));
	}
	while (nr)
		free(names[--nr]);
	free(names);
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
	while (scan_line(&text, &line)) {
		if (!line.len)
			continue;
		if (ds->nr >= MAX_DISKS || mm_proc_grow(&ds->v, ds->nr, &ds->cap, sizeof(*ds->v)))
			return mm_error_set(err, -ENOMEM, "out of memory");
		if (parse_line(line, &ds->v[ds->nr]))
			ds->nr++;
		else
			ds->nr_bad++;
	}
	return classify(p, ds) ? mm_error_set(err, -ENOMEM, "out of memory") : 0;
}

void mm_proc_disks_free(struct mm_proc_disks *ds)
{
	free(ds->v);
	*ds = (struct mm_proc_disks){ 0 };
}
