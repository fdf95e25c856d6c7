/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source/folder.h - what lies in a folder
 */
#ifndef SOURCE_FOLDER_H
#define SOURCE_FOLDER_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>

/* @path below the open folder @at; NULL: errno tells why. The caller closes it with closedir(). */
DIR *mm_folder_open(int at, const char *path);
/* The next name that is not . or .., valid until the next call; NULL: there is none, or errno is not 0. */
const char *mm_folder_next(DIR *dir);

/* Names, sorted by their bytes; zeroes are an empty list. */
struct mm_names {
	char **v;
	size_t nr, cap;
};

/*
 * Add to @n what @path below the open folder @at holds; @folders: only what is a folder itself.
 * Return: 0, -ENOMEM, or another -errno: it cannot be read. @n has what was read before then, and is the caller's to free.
 */
int mm_names_read(struct mm_names *n, int at, const char *path, bool folders);
bool mm_names_has(const struct mm_names *n, const char *name);
void mm_names_free(struct mm_names *n);

#endif /* SOURCE_FOLDER_H */
