/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* source/captured.h - what the readers of rows of captured machines have in common */
#ifndef SOURCE_CAPTURED_H
#define SOURCE_CAPTURED_H

#include <libmm/captured.h>

/* The result is one number or several with blanks between them: *@nr, up to @max, into @v. 0 or -EINVAL. */
int mm_result_numbers(const struct mm_event *ev, uint64_t *v, uint32_t max, uint32_t *nr);

#endif /* SOURCE_CAPTURED_H */
