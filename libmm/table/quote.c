/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One CSV field.  A comma, a quote, a line break anywhere and a blank or tab at either end need quotes.
 */
#include <string.h>

#include "table/quote.h"

bool mm_field_needs_quotes(struct mm_str s)
{
	if (!s.len)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] == ',' || s.p[i] == '"' || s.p[i] == '\n' || s.p[i] == '\r')
			return true;
	return s.p[0] == ' ' || s.p[0] == '\t' || s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t';
}

void mm_output_field(struct mm_output *out, struct mm_str s)
{
	if (!mm_field_needs_quotes(s)) {
		mm_output_bytes(out, s.p, s.len);
		return;
	}
	mm_output_bytes(out, "\"", 1);
	while (s.len) {
		const char *q = memchr(s.p, '"', s.len);
		size_t n = q ? (size_t)(q - s.p) + 1 : s.len;

		mm_output_bytes(out, s.p, n);
		if (q)
			mm_output_bytes(out, "\"", 1);
		s.p += n;
		s.len -= n;
	}
	mm_output_bytes(out, "\"", 1);
}
