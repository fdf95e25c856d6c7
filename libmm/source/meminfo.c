/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /proc/meminfo: lines "Key:   number kB", in an order that has changed between
 * kernels, so every line is looked up by its key.  Source: Linux 6.6
 * fs/proc/meminfo.c; the derived sums are those of procps-ng 4.0.2.
 *
 * Where a sosreport lacks it there is what free(1) printed, in KiB:
 *
 *	               total        used        free      shared  buff/cache   available
 *	Mem:         1018596      300000      500000       10000      218596      718596
 *	Swap:         524284       10240      514044
 *
 * (older ones have "buffers" and "cached" in place of the last two).
 */
#include <errno.h>

#include "base/minmax.h"
#include "base/str.h"
#include "source/proc.h"
#include "source/scan.h"

static const struct { const char *key; uint8_t len; uint8_t slot; } keys[] = {
#define X(field, word) { word, sizeof(word) - 1, offsetof(struct mm_proc_meminfo, field##_kib) / sizeof(uint64_t) },
	MM_MEMINFO_FIELDS(X)
#undef X
};
enum { NR_KEYS = sizeof(keys) / sizeof(keys[0]) };

/* A line that was cut off has no unit any more. */
static void parse_line(struct mm_str line, struct mm_proc_meminfo *mi, uint32_t *seen)
{
	for (size_t k = 0; k < NR_KEYS; k++) {
		uint64_t v;

		if (line.len <= keys[k].len || line.p[keys[k].len] != ':' || memcmp(line.p, keys[k].key, keys[k].len))
			continue;
		line.p += keys[k].len + 1;
		line.len -= keys[k].len + 1u;
		if (!scan_u64(&line, &v))
			return;
		scan_blanks(&line);
		if (!scan_word(&line, "kB"))
			return;
		((uint64_t *)mi)[keys[k].slot] = v;
		*seen |= 1u << k;
		return;
	}
}

static void derive(struct mm_proc_meminfo *mi)
{
	if (!mi->available_kib || mi->available_kib > mi->total_kib)
		mi->available_kib = mi->free_kib;
	mi->used_kib = mi->total_kib >= mi->available_kib ? mi->total_kib - mi->available_kib : 0;
	mi->cache_kib = mm_add_saturated(mi->cached_kib, mi->s_reclaimable_kib);
	mi->buff_cache_kib = mm_add_saturated(mi->buffers_kib, mi->cache_kib);
	mi->swap_used_kib = mi->swap_total_kib >= mi->swap_free_kib ? mi->swap_total_kib - mi->swap_free_kib : 0;
}

/* A line that every kernel writes and that is not there; NULL: all are. */
static const char *missing(uint32_t seen)
{
	static const char *const always[] = { "MemTotal", "MemFree", "Buffers", "Cached", "SwapTotal", "SwapFree" };

	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		for (size_t k = 0; k < NR_KEYS; k++)
			if (!strcmp(keys[k].key, always[i]) && !(seen >> k & 1))
				return always[i];
	return NULL;
}

int mm_proc_meminfo(struct mm_proc *p, struct mm_proc_meminfo *mi, struct mm_error *err)
{
	struct mm_proc_meminfo got = { 0 };
	const char *absent;
	uint32_t seen = 0;
	struct mm_str text, line;
	int code = mm_proc_read(p, "proc/meminfo", &text, err);

	if (code)
		return code;
	while (scan_line(&text, &line))
		parse_line(line, &got, &seen);
	absent = got.total_kib ? missing(seen) : "MemTotal";
	if (absent)
		return mm_error_set(err, -EINVAL, "%s/proc/meminfo: no line %s", p->name, absent);
	derive(&got);
	*mi = got;
	return 0;
}

/* The numbers of a line of free, by the words of its headings; what is no column of ours is passed over. */
static bool parse_free(struct mm_str headings, struct mm_str line, bool swap, struct mm_proc_meminfo *mi)
{
	const struct { const char *word; uint64_t *to; } to[] = {
		{ "total", swap ? &mi->swap_total_kib : &mi->total_kib }, { "free", swap ? &mi->swap_free_kib : &mi->free_kib },
		{ "shared", &mi->shmem_kib }, { "buffers", &mi->buffers_kib }, { "cached", &mi->cached_kib },
		{ "buff/cache", &mi->cached_kib }, { "available", &mi->available_kib },
	};
	struct mm_str word, number;

	while (scan_next_word(&headings, &word) && scan_next_word(&line, &number)) {
		uint64_t v;

		if (!scan_u64(&number, &v) || number.len)
			return false;		/* "1.0Gi" */
		for (size_t i = 0; i < sizeof(to) / sizeof(to[0]); i++)
			if (mm_str_is(word, to[i].word))
				*to[i].to = v;
	}
	return true;
}

int mm_proc_meminfo_by_free(struct mm_proc *p, struct mm_proc_meminfo *mi)
{
	static const char *const files[] = { "sos_commands/memory/free", "free" };
	struct mm_proc_meminfo got = { 0 };
	struct mm_str text, line, headings = { "", 0 };
	bool good = true;

	if (p->live || (mm_proc_read(p, files[0], &text, NULL) && mm_proc_read(p, files[1], &text, NULL)))
		return -ENOENT;
	while (good && scan_line(&text, &line)) {
		if (scan_word(&line, "Mem:"))
			good = parse_free(headings, line, false, &got);
		else if (scan_word(&line, "Swap:"))
			good = parse_free(headings, line, true, &got);
		else if (!headings.len)
			headings = line;
	}
	if (!good || !got.total_kib)
		return -EINVAL;
	derive(&got);
	*mi = got;
	return 0;
}
