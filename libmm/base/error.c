/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Error texts: one line, safe to print on a terminal whatever bytes the input held.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <libmm/error.h>
#include "base/escape.h"

int mm_error_set(struct mm_error *err, int code, const char *fmt, ...)
{
	char text[MM_ERROR_TEXT];
	va_list ap;

	if (!err)
		return code;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err->code = code;
	mm_escape(err->text, sizeof(err->text), (struct mm_str){ text, strlen(text) });
	return code;
}
