/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source/ref_forms.h - how the rows of a list of references are laid out: which field is what, in which unit
 */
#ifndef SOURCE_REF_FORMS_H
#define SOURCE_REF_FORMS_H

#include <string.h>

#include <libmm/types.h>

enum mm_ref_field {
	REF_TIME, REF_KEY, REF_BLOCK, REF_OFFSET, REF_SIZE, REF_OP, REF_DISK,
	REF_COUNT,			/* so many references the row stands for */
	REF_CHUNK, REF_SHARD, REF_HOST,	/* Tectonic: the offset is in the chunk of this name, or in its shard */
	REF_ACTION,			/* blkparse: what happened to the request */
	NR_REF_FIELDS
};

enum { REF_MOST_FIELDS = 32, REF_SECTOR = 512 };

enum mm_ref_kind {
	REF_NAMED,			/* columns go by their names: operations that are not known are reads */
	REF_FORM,			/* a publisher's, in which each request has its operation */
	REF_TECTONIC, REF_BLKPARSE, REF_FIO,	/* the same, with words of their own */
};

struct mm_ref_layout {
	int column[NR_REF_FIELDS];	/* -1: none */
	uint32_t block_bytes, size_bytes;	/* units of REF_BLOCK and REF_SIZE */
	uint32_t tick_ns;		/* of REF_TIME, which is whole ticks then, counted from the first row; 0: seconds */
	uint8_t disk_fields;		/* that name the disk, side by side */
	char separator;			/* of the fields: a comma, a tab, or a blank for any number of blanks and tabs */
	enum mm_ref_kind kind;
	char action;			/* of REF_BLKPARSE: the one that counts */
	uint64_t heading;		/* lines up to the names of columns, or a title; of commas: one that is not blank, or none */
};

enum mm_ref_op { REF_READ, REF_WRITE, REF_NEITHER, REF_NO_REQUEST, REF_UNKNOWN };

/*
 * What the first bytes say: how sure it is that they are references, 0 to 100, and their layout.  Of those at 0 it is taken when the
 * user says that they are.  *@why is NULL, or tells what was expected of what cannot be read.
 */
int mm_ref_layout(struct mm_str head, struct mm_ref_layout *l, const char **why);

/* The fields of a line, at most @max, stripped of blanks and quotes around them. */
size_t mm_ref_split(struct mm_str line, char separator, struct mm_str *v, size_t max);
static inline struct mm_str mm_ref_strip(struct mm_str s)
{
	if (s.len && s.p[0] > '#' && s.p[s.len - 1] > '#')
		return s;
	while (s.len && (*s.p == ' ' || *s.p == '\t' || *s.p == '#' || *s.p == '"'))
		s = (struct mm_str){ s.p + 1, s.len - 1 };
	while (s.len && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t' || s.p[s.len - 1] == '"' || s.p[s.len - 1] == '\r'))
		s.len--;
	return s;
}

/* Capital letters are as small ones; @word has none. */
static inline bool mm_ref_is(struct mm_str s, const char *word)
{
	if (s.len != strlen(word))
		return false;
	for (size_t i = 0; i < s.len; i++)
		if ((s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] | 0x20 : s.p[i]) != word[i])
			return false;
	return true;
}

enum mm_ref_op mm_ref_op(const struct mm_ref_layout *l, struct mm_str field);

#endif /* SOURCE_REF_FORMS_H */
