/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Folders below an open one: entry by entry, or their names as a sorted list.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/grow.h"
#include "source/folder.h"

DIR *mm_folder_open(int at, const char *path)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), e;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0) {
		e = errno;
		close(fd);
		errno = e;
	}
	return dir;
}

const char *mm_folder_next(DIR *dir)
{
	const struct dirent *d;

	do {
		errno = 0;
		d = readdir(dir);
	} while (d && (!strcmp(d->d_name, ".") || !strcmp(d->d_name, "..")));
	return d ? d->d_name : NULL;
}

static int by_name(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

int mm_names_read(struct mm_names *n, int at, const char *path, bool folders)
{
	DIR *dir = mm_folder_open(at, path);
	const char *name;
	struct stat st;
	int e = 0;

	if (!dir)
		return -errno;
	while (!e && (name = mm_folder_next(dir))) {
		if (folders && (fstatat(dirfd(dir), name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISDIR(st.st_mode)))
			continue;
		if (mm_grow(&n->v, n->nr, &n->cap, sizeof(*n->v)) || !(n->v[n->nr] = strdup(name)))
			e = -ENOMEM;
		else
			n->nr++;
	}
	if (!e && errno)
		e = -errno;
	closedir(dir);
	if (n->nr)
		qsort(n->v, n->nr, sizeof(*n->v), by_name);
	return e;
}

bool mm_names_has(const struct mm_names *n, const char *name)
{
	return n->nr && bsearch(&name, n->v, n->nr, sizeof(*n->v), by_name);
}

void mm_names_free(struct mm_names *n)
{
	for (size_t i = 0; i < n->nr; i++)
		free(n->v[i]);
	free(n->v);
	*n = (struct mm_names){ 0 };
}
