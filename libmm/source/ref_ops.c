/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source/ref_ops.c - the words of operations in lists of references: which of them write
 *
 * Sources: memcached's protocol; CacheLib's KVReplayGenerator and BlockChunkReplayGenerator; the operation codes of SCSI (CloudPhysics);
 * blkparse(1), RWBS; fio(1), trace file format.
 */
#include "base/str.h"
#include "source/ref_forms.h"

static const struct {
	const char *word;
	enum mm_ref_op op;
} ops[] = {
	{ "read", REF_READ }, { "write", REF_WRITE }, { "r", REF_READ }, { "w", REF_WRITE }, { "0", REF_READ }, { "1", REF_WRITE },
	/* memcached; what is deleted is looked up, and its memory read */
	{ "get", REF_READ }, { "gets", REF_READ }, { "delete", REF_READ }, { "set", REF_WRITE }, { "add", REF_WRITE },
	{ "replace", REF_WRITE }, { "cas", REF_WRITE }, { "append", REF_WRITE }, { "prepend", REF_WRITE }, { "incr", REF_WRITE },
	{ "decr", REF_WRITE }, { "put", REF_WRITE }, { "get_lease", REF_READ }, { "set_lease", REF_WRITE },
	/* Tectonic */
	{ "getchunkdata", REF_READ }, { "putchunk", REF_WRITE },
	/* SCSI: READ and WRITE (6), (10), (12), (16), and the writes that verify */
	{ "08", REF_READ }, { "28", REF_READ }, { "a8", REF_READ }, { "88", REF_READ },
	{ "0a", REF_WRITE }, { "2a", REF_WRITE }, { "aa", REF_WRITE }, { "8a", REF_WRITE }, { "2e", REF_WRITE }, { "ae", REF_WRITE },
	{ "8e", REF_WRITE },
	/* fio */
	{ "trim", REF_NEITHER }, { "sync", REF_NEITHER }, { "datasync", REF_NEITHER }, { "sync_file_range", REF_NEITHER },
	{ "discard", REF_NEITHER }, { "flush", REF_NEITHER },
	{ "open", REF_NO_REQUEST }, { "close", REF_NO_REQUEST }, { "wait", REF_NO_REQUEST },
};

/* RWBS: F of a flush before, then one of R, W, D (discard) and N (none of them), then how. */
static enum mm_ref_op rwbs(struct mm_str s)
{
	size_t i = 0;

	while (i < s.len && s.p[i] == 'F')
		i++;
	if (i == s.len)
		return i ? REF_NEITHER : REF_UNKNOWN;
	switch (s.p[i]) {
	case 'R':
		return REF_READ;
	case 'W':
		return REF_WRITE;
	case 'D': case 'N': case 'S':
		return REF_NEITHER;
	default:
		return REF_UNKNOWN;
	}
}

/* Gets and puts of temporary, permanent and other data, in turn: 1 GET_TEMP, 2 GET_PERM, 3 PUT_TEMP, 4 PUT_PERM, 5 GET, 6 PUT. */
static enum mm_ref_op tectonic(struct mm_str s)
{
	if (*s.p < '1' || *s.p > '6')
		return REF_UNKNOWN;
	return *s.p == '3' || *s.p == '4' || *s.p == '6' ? REF_WRITE : REF_READ;
}

enum mm_ref_op mm_ref_op(const struct mm_ref_layout *l, struct mm_str s)
{
	const char *dot;

	if (s.len == 1 && l->kind <= REF_FORM) {
		if (*s.p == 'R' || *s.p == 'r' || *s.p == '0')
			return REF_READ;
		if (*s.p == 'W' || *s.p == 'w' || *s.p == '1')
			return REF_WRITE;
	}
	s = mm_ref_strip(s);
	if (l->kind == REF_BLKPARSE)
		return rwbs(s);
	if (l->kind == REF_TECTONIC && s.len == 1)
		return tectonic(s);
	if (l->kind == REF_FIO && mm_ref_is(s, "add"))
		return REF_NO_REQUEST;
	dot = l->kind == REF_TECTONIC && s.len ? memchr(s.p, '.', s.len) : NULL;	/* getChunkData.Permanent */
	if (dot)
		s.len = (size_t)(dot - s.p);
	if (s.len == 4 && s.p[0] == '0' && s.p[1] == 'x')
		s = (struct mm_str){ s.p + 2, 2 };
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (mm_ref_is(s, ops[i].word))
			return ops[i].op;
	return REF_UNKNOWN;
}
