/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* source/input.h - between readers: an input over what is open already */
#ifndef SOURCE_INPUT_H
#define SOURCE_INPUT_H

#include <libmm/input.h>

/* Over the descriptor @fd, which is the input's, after an error closed; @name, for messages, is copied.  0 or -errno with @err. */
int mm_input_open_fd(struct mm_input **inp, int fd, const char *name, struct mm_error *err);

#endif /* SOURCE_INPUT_H */
