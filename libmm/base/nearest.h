/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* base/nearest.h - the known word nearest to an unknown one, for messages */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <libmm/types.h>

/*
 * The one of @nr words with the least edit distance to @word, of either case, or that begins with it; NULL when @nr is 0. Words beyond
 * 63 bytes count as 63.
 */
const char *mm_nearest(struct mm_str word, const char *const *words, size_t nr);

#endif /* BASE_NEAREST_H */
