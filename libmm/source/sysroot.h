/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source/sysroot.h - layouts of captures, between readers
 */
#ifndef SOURCE_SYSROOT_H
#define SOURCE_SYSROOT_H

#include <stdbool.h>

/* Does the open directory @fd hold files of /proc itself, and no proc/? */
bool mm_sysroot_fd_is_bare(int fd);

#endif /* SOURCE_SYSROOT_H */
