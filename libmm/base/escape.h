/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* base/escape.h - bytes of unknown origin made safe for a terminal */
#ifndef BASE_ESCAPE_H
#define BASE_ESCAPE_H

#include <libmm/types.h>

/**
 * mm_escape() - copy text, control bytes as \xNN
 * @dst:	receives at most @room - 1 bytes and a NUL; @room > 0
 *
 * Well-formed UTF-8 is kept, other bytes from 0x80 on are written as \xNN;
 * a character is never cut in two.  Return: bytes written without the NUL.
 */
size_t mm_escape(char *dst, size_t room, struct mm_str src);

/* Terminal columns that well-formed UTF-8 text takes: 2 for wide letters, 0 for combining marks. */
size_t mm_text_width(struct mm_str s);

/* Bytes of @s that fit @width terminal columns. */
size_t mm_text_fit(struct mm_str s, size_t width);

#endif /* BASE_ESCAPE_H */
