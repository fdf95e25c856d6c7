/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /proc/swaps: a heading, then a line a device; sizes in KiB, the device's header left out.
 *
 *	Filename				Type		Size		Used		Priority
 *	/dev/zram0                              partition	4194300		1024		100
 *	/swap\040file                           file		2097148		0		-2
 *
 * Blanks in a name are written as \040, so a line has five words.  Where the file is not there, SwapTotal and SwapFree of
 * /proc/meminfo are the sums.  Source: Linux 6.6 mm/swapfile.c swap_show(), si_swapinfo().
 */
#include <errno.h>
#include <inttypes.h>

#include <libmm/csv.h>
#include <libmm/source.h>

#include "base/str.h"
#include "source/scan.h"

#define MAX_KIB (UINT64_MAX >> 10)

/* In KiB. */
struct sums {
	uint64_t size, used;
	bool waits;			/* for a disk: a device is no memory */
};

/* Of devices that end a read or write before it returns (SWP_SYNCHRONOUS_IO). */
static bool is_synchronous(struct mm_str name)
{
	return scan_word(&name, "/dev/zram") || scan_word(&name, "/dev/ram") || scan_word(&name, "/dev/pmem");
}

/* The next word as a number of KiB. */
static bool scan_kib(struct mm_str *line, uint64_t *kib)
{
	struct mm_str word;

	return scan_next_word(line, &word) && !mm_parse_u64(word, kib);
}

static int read_device(struct sums *sums, struct mm_str line, const struct mm_input *in, struct mm_error *err)
{
	struct mm_str name, type, priority, more;
	uint64_t size, used;
	int64_t number;

	if (!scan_next_word(&line, &name) || !scan_next_word(&line, &type) || !scan_kib(&line, &size) || !scan_kib(&line, &used) ||
	    !scan_next_word(&line, &priority) || mm_parse_i64(priority, &number) || scan_next_word(&line, &more))
		return mm_input_error(in, err, -EINVAL, "expected a swap device's name, type, size, use and priority");
	if (used > size)
		return mm_input_error(in, err, -EINVAL, "expected at most %" PRIu64 " KiB of the swap device in use, found %" PRIu64,
				      size, used);
	if (size > MAX_KIB - sums->size)
		return mm_input_error(in, err, -EINVAL, "expected swap devices of less than 2^64 bytes together");
	sums->size += size;
	sums->used += used;
	sums->waits |= !is_synchronous(name);
	return 0;
}

static int read_swaps(struct sums *sums, struct mm_input *in, struct mm_error *err)
{
	struct mm_str line, word;
	int e;

	while ((e = mm_input_line(in, &line, err)) > 0) {
		if (in->line == 1 && !(scan_next_word(&line, &word) && mm_str_is(word, "Filename")))
			break;
		scan_blanks(&line);
		e = in->line > 1 && line.len ? read_device(sums, line, in, err) : 0;
		if (e)
			return e;
	}
	if (e >= 0 && (e > 0 || !in->line))
		return mm_input_error(in, err, -EINVAL, "expected the heading \"Filename Type Size Used Priority\"");
	return e;
}

/* Of lines "SwapTotal:  524284 kB"; a file without them is of a kernel without swap. */
static int read_meminfo(struct sums *sums, struct mm_input *in, struct mm_error *err)
{
	uint64_t total = 0, left = 0;
	bool has_total = false, has_left = false;
	struct mm_str line;
	int e;

	while ((e = mm_input_line(in, &line, err)) > 0) {
		bool is_total = scan_word(&line, "SwapTotal:"), is_left = !is_total && scan_word(&line, "SwapFree:");

		if ((is_total || is_left) && (!scan_kib(&line, is_total ? &total : &left) || total > MAX_KIB))
			return mm_input_error(in, err, -EINVAL, "expected a number of KiB");
		has_total |= is_total;
		has_left |= is_left;
	}
	if (e < 0)
		return e;
	if (has_total != has_left || left > total)
		return mm_error_set(err, -EINVAL, "%s: expected SwapTotal, and SwapFree that is no more", in->name);
	*sums = (struct sums){ total, total - left, true };
	return 0;
}

int mm_sysroot_swap(const struct mm_sysroot *r, struct mm_captured_swap *swap, struct mm_error *err)
{
	static const struct {
		const char *path;
		int (*read)(struct sums *sums, struct mm_input *in, struct mm_error *err);
	} files[] = { { "proc/swaps", read_swaps }, { "proc/meminfo", read_meminfo } };
	struct sums sums = { 0 };
	struct mm_input *in;
	size_t i = 0;
	int e;

	while (i < 2 && !mm_sysroot_has(r, files[i].path))
		i++;
	if (i < 2) {
		e = mm_sysroot_input(r, files[i].path, &in, err);
		if (e)
			return e;
		e = files[i].read(&sums, in, err);
		mm_input_free(in);
		if (e)
			return e;
	}
	*swap = (struct mm_captured_swap){ sums.size << 10, sums.used << 10, sums.size && !sums.waits };
	return 0;
}
