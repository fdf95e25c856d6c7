/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmm/source.h - captures: told apart by content, and read below a directory
 *
 * A sysroot is a directory that holds the files of a machine as its own root
 * would: proc/iomem, proc/zoneinfo, sys/firmware/memmap ...  "/" is the
 * machine this program runs on.  A directory without proc/ in which files of
 * /proc lie themselves is read as if it were that proc/; of an unpacked
 * sosreport the output of commands stands in for files that are missing.
 */
#ifndef LIBMM_SOURCE_H
#define LIBMM_SOURCE_H

#include <libmm/error.h>
#include <libmm/input.h>
#include <libmm/region.h>
#include <libmm/sysctl.h>
#include <libmm/types.h>

/*
 * X(suffix, word, help): every capture that is told by content.  The order is
 * that in which they are tried: the more particular first.
 */
#define MM_SOURCE_KINDS(X) \
	X(ZONEINFO,	"zoneinfo",	"/proc/zoneinfo") \
	X(PAGETYPEINFO,	"pagetypeinfo",	"/proc/pagetypeinfo") \
	X(BUDDYINFO,	"buddyinfo",	"/proc/buddyinfo") \
	X(SLABINFO,	"slabinfo",	"/proc/slabinfo") \
	X(IOMEM,	"iomem",	"/proc/iomem") \
	X(SMAPS,	"smaps",	"/proc/PID/smaps") \
	X(MAPS,		"maps",		"/proc/PID/maps") \
	X(DISKSTATS,	"diskstats",	"/proc/diskstats") \
	X(MEMINFO,	"meminfo",	"/proc/meminfo") \
	X(VMSTAT,	"vmstat",	"/proc/vmstat") \
	X(FTRACE,	"ftrace",	"text of /sys/kernel/tracing/trace") \
	X(PERF,		"perf",		"text of perf script") \
	X(STRACE,	"strace",	"strace log") \
	X(LACKEY,	"lackey",	"valgrind lackey recording") \
	X(DMESG,	"dmesg",	"kernel log") \
	X(CSV,		"csv",		"a table or trace with a header row")

enum mm_source_kind {
	MM_SOURCE_UNKNOWN,
#define X(sym, word, help) MM_SOURCE_##sym,
	MM_SOURCE_KINDS(X)
#undef X
	MM_NR_SOURCE_KINDS
};

/* What the first bytes of a file (mm_input_peek()) are. */
enum mm_source_kind mm_source_sniff(struct mm_str head);
const char *mm_source_kind_word(enum mm_source_kind kind);	/* "unknown" for MM_SOURCE_UNKNOWN */
int mm_source_kind_parse(struct mm_str word);			/* enum or -EINVAL */

/* ---- a directory with the files of a machine ---- */

struct mm_sysroot;

/* @dir NULL or "live" is "/".  0 or -errno with @err; the caller frees. */
int mm_sysroot_open(struct mm_sysroot **rp, const char *dir, struct mm_error *err);
void mm_sysroot_free(struct mm_sysroot *r);
const char *mm_sysroot_name(const struct mm_sysroot *r);	/* as it was given, for messages */
int mm_sysroot_dirfd(const struct mm_sysroot *r);		/* stays the sysroot's */
/* Of a capture: the first file read so far whose last line does not end; NULL: none. It lives as long as the sysroot. */
const struct mm_input_cut *mm_sysroot_cut(const struct mm_sysroot *r);

/* Paths are below the sysroot, without a leading slash: "proc/zoneinfo". */
bool mm_sysroot_has(const struct mm_sysroot *r, const char *path);
int mm_sysroot_input(const struct mm_sysroot *r, const char *path, struct mm_input **inp, struct mm_error *err);
/* A whole small file as text, cut at @size - 1 bytes, last newline dropped.  Its length or -errno. */
long mm_sysroot_text(const struct mm_sysroot *r, const char *path, char *text, size_t size);
/* A file that holds one decimal or 0x number.  0, -errno, -EINVAL. */
int mm_sysroot_u64(const struct mm_sysroot *r, const char *path, uint64_t *value);
/* Call @fn for every entry of a directory but . and .., in no order, until it is not 0; that value, 0 or -errno. */
int mm_sysroot_each(const struct mm_sysroot *r, const char *path, int (*fn)(void *arg, const char *name), void *arg);

/*
 * Tunables that we know and the sysroot has, into @s.  One that is set already stands; a file that cannot be
 * read changes nothing.
 */
int mm_sysroot_sysctls(const struct mm_sysroot *r, struct mm_sysctls *s, struct mm_error *err);

/*
 * Bytes of a page of the captured machine into @bytes, found out of what its files count in pages and in KiB (cpuinfo, PID/auxv,
 * PID/smaps, zoneinfo, vmstat, buddyinfo, meminfo); 0 when they do not tell it.  Return: 0 or -ENOMEM.
 */
int mm_sysroot_page_size(const struct mm_sysroot *r, uint32_t *bytes);
/* The same out of the number of orders in buddyinfo alone: 0 where several have as many (4K pages are then likely). */
uint32_t mm_orders_page_size(uint32_t nr_orders);

/* All swap devices of a captured machine together. */
struct mm_captured_swap {
	uint64_t bytes, used_bytes;
	bool synchronous;		/* all are zram or other memory: the tunable swap.synchronous */
};

/*
 * The swap devices as proc/swaps has them, or where it is not there SwapTotal and SwapFree of proc/meminfo; zeros where neither
 * tells.  Source: Linux 6.6 mm/swapfile.c swap_show(), si_swapinfo().
 * Return: 0; -EINVAL with @err naming file and line (no heading, no number, more in use than there is, 2^64 bytes or
 * more), -ENOMEM, or a read error: then *@swap is untouched.
 */
int mm_sysroot_swap(const struct mm_sysroot *r, struct mm_captured_swap *swap, struct mm_error *err);

/* ---- the physical map ---- */

/*
 * All read to the end of @in and append to @l, which the caller frees, after
 * an error too.  0; -EINVAL with @err naming file and line; -ENOMEM.
 */

/* /proc/iomem, any depth.  -EPERM with @err when every address is zero: the kernel hides them from all but root. */
int mm_iomem_read(struct mm_region_list *l, struct mm_input *in, struct mm_error *err);
/* The firmware's map as a kernel log tells it: e820 and NUMA lines.  Regions are split where the node changes. */
int mm_dmesg_regions_read(struct mm_region_list *l, struct mm_input *in, struct mm_error *err);
/* The regions table of mm-iomem as CSV: start, end, and if there: depth, node, kind, name. */
int mm_regions_csv_read(struct mm_region_list *l, struct mm_input *in, struct mm_error *err);
/* sys/firmware/memmap of a sysroot: needs no root. */
int mm_firmware_memmap_read(struct mm_region_list *l, const struct mm_sysroot *r, struct mm_error *err);
/* One of the above by content. */
int mm_regions_read(struct mm_region_list *l, struct mm_input *in, struct mm_error *err);

/*
 * What a sysroot tells of its map: proc/iomem, or where that is hidden or
 * missing sys/firmware/memmap, or of a capture its kernel log.  *@hidden (may be NULL) tells that iomem was hidden.
 */
int mm_sysroot_regions(const struct mm_sysroot *r, struct mm_region_list *l, bool *hidden, struct mm_error *err);

/* ---- machines that are built in ---- */

struct mm_builtin_machine {
	const char *name;
	const char *help;
	const char *iomem;		/* its /proc/iomem */
};
extern const struct mm_builtin_machine mm_builtin_machines[];	/* ends with a NULL name */

/* Regions of a built-in machine.  0, -ENOENT (no such name) or -ENOMEM. */
int mm_builtin_machine(const char *name, struct mm_region_list *l);

#endif /* LIBMM_SOURCE_H */
