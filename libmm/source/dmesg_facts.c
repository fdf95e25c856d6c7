/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lines of a kernel log that say how memory was shared out at boot:
 *
 *   Command line: kernelcore=512M ...
 *   Memory: 244468K/523756K available (8192K kernel code, 1749K rwdata, 1996K rodata, 2288K init, 2016K bss,
 *           28552K reserved, 0K cma-reserved)
 *   Freeing initrd memory: 1072K			from then on the page allocator's too
 *   NODE_DATA(0) allocated [mem 0x1fe99000-0x1fec3fff]
 *   percpu: Embedded 51 pages/cpu s177856 r0 d31040 u2097152
 *   SRAT: PXM 1 -> APIC 0x02 -> Node 1		one line a CPU
 *
 * What is managed in the end is the size of RAM, less reserved, plus all that
 * was freed later.  The first number of "Memory:" is not it: with deferred
 * initialisation of the page map it leaves out what comes later.
 */
#include "base/str.h"
#include "source/cmdline.h"
#include "source/dmesg_facts.h"
#include "source/scan.h"

static uint64_t kilobytes(uint64_t k) { return k > UINT64_MAX >> 10 ? UINT64_MAX : k << 10; }

/* "8192K" before @what; 0 when the line does not say it. */
static uint64_t bytes_before(struct mm_str line, const char *what)
{
	const char *p = memmem(line.p, line.len, what, strlen(what));
	struct mm_str s;
	uint64_t v;

	if (!p)
		return 0;
	s.p = p;
	while (s.p > line.p && (s.p[-1] == 'K' || (unsigned char)(s.p[-1] - '0') < 10))
		s.p--;
	s.len = (size_t)(p - s.p);
	return scan_u64(&s, &v) && scan_word(&s, "K") ? kilobytes(v) : 0;
}

static void memory_line(struct mm_boot_facts *f, struct mm_str s)
{
	uint64_t available, ram, reserved = bytes_before(s, " reserved");

	if (!scan_u64(&s, &available) || !(scan_word(&s, "K/") || scan_word(&s, "k/")) || !scan_u64(&s, &ram))
		return;
	ram = kilobytes(ram);
	f->managed_bytes = reserved && reserved < ram ? ram - reserved : 0;
	f->kernel_bytes = bytes_before(s, " kernel code") + bytes_before(s, " rwdata") + bytes_before(s, " rodata") +
		bytes_before(s, " bss");
}

static void freeing_line(struct mm_boot_facts *f, struct mm_str s)
{
	uint64_t v;

	if (f->managed_bytes && mm_str_after(s, "memory: ", &s) && scan_u64(&s, &v) && scan_word(&s, "K") && !s.len &&
	    kilobytes(v) <= UINT64_MAX - f->managed_bytes)
		f->managed_bytes += kilobytes(v);
}

static void node_data_line(struct mm_boot_facts *f, struct mm_str s)
{
	uint64_t start, end;

	if (mm_str_after(s, "[mem ", &s) && scan_hex(&s, &start) && scan_word(&s, "-") && scan_hex(&s, &end) && end >= start)
		f->node_data_bytes = end - start + (end - start != UINT64_MAX);
}

static void ramdisk_line(struct mm_boot_facts *f, struct mm_str s)
{
	uint64_t start;

	if (scan_word(&s, "[mem ") && scan_hex(&s, &start))
		f->ramdisk_addr = start;
}

static void percpu_line(struct mm_boot_facts *f, struct mm_str s)
{
	uint64_t pages;

	if (scan_u64(&s, &pages) && scan_word(&s, " pages/cpu") && pages < UINT64_C(1) << 40)
		f->percpu_bytes = pages * MM_PAGE_SIZE;
}

/* A machine without nodes: "setup_percpu: NR_CPUS:8192 nr_cpumask_bits:4 nr_cpu_ids:4 nr_node_ids:1" */
static void nr_cpus_line(struct mm_boot_facts *f, struct mm_str s)
{
	uint64_t v;

	if (!f->nr_cpus && scan_u64(&s, &v) && v <= MM_MAX_CPUS)
		f->nr_cpus = (uint32_t)v;
}

static void cpu_line(struct mm_boot_facts *f, struct mm_str s)
{
	uint64_t node;

	if (mm_str_after(s, "-> Node ", &s) && scan_u64(&s, &node) && node < MM_MAX_NODES && f->nr_cpus < MM_MAX_CPUS)
		f->cpu_node[f->nr_cpus++] = (uint8_t)node;
}

void mm_dmesg_facts_line(struct mm_boot_facts *f, struct mm_str line)
{
	struct mm_str rest;

	if (mm_str_after(line, "Kernel command line: ", &rest))
		return;		/* the same again */
	if (mm_str_after(line, "Command line: ", &rest))
		mm_cmdline_facts(rest, f);
	else if (mm_str_after(line, "Memory: ", &rest))
		memory_line(f, rest);
	else if (mm_str_after(line, "Freeing ", &rest))
		freeing_line(f, rest);
	else if (mm_str_after(line, "NODE_DATA(", &rest))
		node_data_line(f, rest);
	else if (mm_str_after(line, "RAMDISK: ", &rest))
		ramdisk_line(f, rest);
	else if (mm_str_after(line, "percpu: Embedded ", &rest))
		percpu_line(f, rest);
	else if (mm_str_after(line, " nr_cpu_ids:", &rest))
		nr_cpus_line(f, rest);
	else if (mm_str_after(line, "SRAT: PXM ", &rest))
		cpu_line(f, rest);
}
