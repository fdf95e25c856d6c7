/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmm/error.h - how the library tells what went wrong
 *
 * Actions return 0 or -errno.  Where a person will read the reason, they take
 * a struct mm_error too and leave one line in it: file, line, what was
 * expected, what was found.  The library never prints.
 */
#ifndef LIBMM_ERROR_H
#define LIBMM_ERROR_H

enum { MM_ERROR_TEXT = 512 };

struct mm_error {
	int code;			/* 0 or -errno */
	char text[MM_ERROR_TEXT];	/* one line, no newline; control bytes escaped */
};

/**
 * mm_error_set() - record an error
 * @err:	where; NULL is allowed
 * @code:	-errno
 * @fmt:	printf format of the one-line reason
 *
 * Bytes below 0x20, 0x7f and above are written as \xNN (UTF-8 letters are
 * kept), so that hostile input cannot drive a terminal.
 *
 * Return: @code.
 */
int mm_error_set(struct mm_error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif /* LIBMM_ERROR_H */
