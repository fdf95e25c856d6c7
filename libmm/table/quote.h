/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* table/quote.h - one CSV field out, quoted only where it must be */
#ifndef TABLE_QUOTE_H
#define TABLE_QUOTE_H

#include <libmm/output.h>

/* True when libcsv would not read the bare bytes back as they are. */
bool mm_field_needs_quotes(struct mm_str s);
void mm_output_field(struct mm_output *out, struct mm_str s);

#endif /* TABLE_QUOTE_H */
