/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Maps and zoneinfo out of captures; what the sniffer makes of them; hostile ones */
#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libmm/physmap.h>
#include <libmm/source.h>
#include <libmm/zoneinfo.h>

static struct mm_region_list l;
static struct mm_zoneinfo zi;
static struct mm_error err;

static void setup(void)
{
	l = (struct mm_region_list){ 0 };
	zi = (struct mm_zoneinfo){ 0 };
	err = (struct mm_error){ 0 };
}

static void teardown(void)
{
	mm_region_list_free(&l);
	mm_zoneinfo_free(&zi);
}

static const char *data(const char *name)
{
	static char path[512];
	const char *srcdir = getenv("srcdir");

	snprintf(path, sizeof(path), "%s/tests/data/%s", srcdir ? srcdir : ".", name);
	return path;
}

/* Read @len bytes of @text with @read into @to. */
static int read_text(int (*read)(struct mm_region_list *, struct mm_input *, struct mm_error *), const char *text,
		     size_t len)
{
	struct mm_input *in;
	int e;

	ck_assert_int_eq(mm_input_open_memory(&in, "capture", text, len), 0);
	e = read(&l, in, &err);
	mm_input_free(in);
	return e;
}

static int read_zones(const char *text)
{
	struct mm_input *in;
	int e;

	ck_assert_int_eq(mm_input_open_memory(&in, "zoneinfo", text, strlen(text)), 0);
	e = mm_zoneinfo_read(&zi, in, &err);
	mm_input_free(in);
	return e;
}

/* "start-end:node:name;" of each region, to compare lists at a glance. */
static char *told(void)
{
	static char text[8192];
	size_t n = 0;

	text[0] = 0;
	for (size_t i = 0; i < l.nr && n < sizeof(text); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%" PRIx64 "-%" PRIx64 ":%u:%s;", l.v[i].start,
				      l.v[i].end, l.v[i].node,
				      l.v[i].name);
	return text;
}

/* The reader against sscanf on every line of a real file. */
START_TEST(iomem_against_sscanf)
{
	struct mm_input *in;
	FILE *f = fopen(data("pc-4g.iomem"), "r");
	char line[256];
	size_t i = 0;

	ck_assert_int_eq(mm_input_open(&in, data("pc-4g.iomem"), &err), 0);
	ck_assert_int_eq(mm_iomem_read(&l, in, &err), 0);
	mm_input_free(in);
	for (; fgets(line, sizeof(line), f); i++) {
		uint64_t start, end;
		char name[256];

		ck_assert_int_eq(sscanf(line, "%" SCNx64 "-%" SCNx64 " : %255[^\n]", &start, &end, name), 3);
		ck_assert_uint_lt(i, l.nr);
		ck_assert_uint_eq(l.v[i].start, start);
		ck_assert_uint_eq(l.v[i].end, end);
		ck_assert_uint_eq(l.v[i].depth, strspn(line, " ") / 2);
		ck_assert_str_eq(l.v[i].name, name);
	}
	ck_assert_uint_eq(i, l.nr);
	fclose(f);
}
END_TEST

START_TEST(builtin_is_the_file)
{
	char text[8192];
	FILE *f = fopen(data("pc-4g.iomem"), "r");
	size_t n = fread(text, 1, sizeof(text), f);

	fclose(f);
	ck_assert_str_eq(mm_builtin_machines[0].name, "pc-4g");
	ck_assert_uint_eq(n, strlen(mm_builtin_machines[0].iomem));
	ck_assert_mem_eq(text, mm_builtin_machines[0].iomem, n);
	ck_assert_int_eq(mm_builtin_machine("pc-5g", &l), -ENOENT);
}
END_TEST

/* A machine travels as its regions table: written, read back, the same. */
START_TEST(regions_table_round_trip)
{
	struct mm_region_list first;
	struct mm_physmap_config cfg = { .regions = &first, .nr_cpus = 1 };
	struct mm_table_options opt = { .format = MM_TABLE_CSV };
	struct mm_table_writer *w;
	struct mm_physmap *pm;
	struct mm_output out;

	ck_assert_int_eq(mm_builtin_machine("pc-4g", &l), 0);
	mm_region_list_add(&l, &(struct mm_region){ .start = 1ull << 40, .end = UINT64_MAX, .node = 3, .depth = 9,
		.kind = MM_REGION_RAM },
			   MM_STR("odd, \"name\""));
	mm_region_list_add(&l, &(struct mm_region){ .end = UINT64_MAX, .kind = MM_REGION_OTHER }, MM_STR("everything"));
	first = l;
	l = (struct mm_region_list){ 0 };
	mm_sysctls_init(&cfg.sysctl);
	ck_assert_int_eq(mm_physmap_new(&pm, &cfg, &err), 0);
	ck_assert_int_eq(mm_output_init(&out, -1), 0);
	ck_assert_int_eq(mm_table_writer_new(&w, &out, &mm_physmap_regions.table, &opt, &err), 0);
	ck_assert_int_eq(mm_physmap_regions.rows(pm, w, &err), 0);
	ck_assert_int_eq(mm_table_writer_finish(w), 0);
	mm_table_writer_free(w);
	ck_assert_msg(!read_text(mm_regions_read, out.buf, out.len), "%s", err.text);
	ck_assert_uint_eq(l.nr, first.nr);
	for (size_t i = 0; i < l.nr; i++) {
		ck_assert_uint_eq(l.v[i].start, first.v[i].start);
		ck_assert_uint_eq(l.v[i].end, first.v[i].end);
		ck_assert_uint_eq(l.v[i].depth, first.v[i].depth);
		ck_assert_uint_eq(l.v[i].node, first.v[i].node);
		ck_assert_uint_eq(l.v[i].kind, first.v[i].kind);
		ck_assert_str_eq(l.v[i].name, first.v[i].name);
	}
	mm_output_finish(&out);
	mm_physmap_free(pm);
	mm_region_list_free(&first);
}
END_TEST

/* ---- kernel logs ---- */

#define E820(range, type)	"BIOS-e820: [mem " range "] " type "\n"
static const struct log_case {
	const char *why, *log, *want;
} log_cases[] = {
	{ "the kernel's own changes",
	  "[    0.000000] " E820("0x0000000000000000-0x000000000009fbff", "usable")
	  "[    0.000000] " E820("0x0000000000100000-0x000000000fffffff", "usable")
	  "[    0.000000] e820: update [mem 0x00000000-0x00000fff] usable ==> reserved\n"
	  "[    0.000000] e820: remove [mem 0x000a0000-0x000fffff] usable\n",
	  "0-fff:0:Reserved;1000-9fbff:0:System RAM;100000-fffffff:0:System RAM;" },
	{ "without time stamps", E820("0x0-0xffff", "usable") E820("0x10000-0x1ffff", "ACPI NVS"),
	  "0-ffff:0:System RAM;10000-1ffff:0:ACPI Non-volatile Storage;" },
	{ "through a log daemon", "Nov 22 13:58:04 host kernel: [    0.000000] " E820("0x0-0xffff", "usable"), "0-ffff:0:System RAM;" },
	{ "with level and caller", "<6>[    0.000000][    T0] " E820("0x0-0xffff", "usable"), "0-ffff:0:System RAM;" },
	{ "every type", E820("0x0-0xf", "soft reserved") E820("0x10-0x1f", "ACPI data") E820("0x20-0x2f", "unusable")
	  E820("0x30-0x3f", "persistent (type 7)") E820("0x40-0x4f", "persistent (type 12)") E820("0x50-0x5f",
												  "type 77")
	  E820("0x60-0x6f", "usable"),
	  "0-f:0:Soft Reserved;10-1f:0:ACPI Tables;20-2f:0:Unusable memory;30-3f:0:Persistent Memory;"
	  "40-4f:0:Persistent Memory (legacy);50-5f:0:Unknown E820 type;60-6f:0:System RAM;" },
	{ "mem=: the user's map takes the place of the firmware's",
	  E820("0x0-0x3fffffff", "usable") "e820: remove [mem 0x20000000-0xfffffffffffffffe] usable\n"
	  "NX (Execute Disable) protection: active\nuser-defined physical RAM map:\n"
	  "user: [mem 0x0000000000000000-0x000000001fffffff] usable\n",
	  "0-1fffffff:0:System RAM;" },
	{ "modified: likewise",
	  E820("0x0-0xffff", "usable") E820("0x10000-0x1ffff",
					    "usable") "modified physical RAM map:\nmodified: [mem 0x0-0xfff] reserved\n"
	  "modified: [mem 0x1000-0x1ffff] usable\n", "0-fff:0:Reserved;1000-1ffff:0:System RAM;" },
	{ "setup data is RAM: usable ==> usable changes nothing",
	  E820("0x0-0xffff", "usable") "e820: update [mem 0x1000-0x1fff] usable ==> usable\n", "0-ffff:0:System RAM;" },
	{ "two boots in one log: the last counts",
	  "Linux version 6.1\n" E820("0x0-0xffff", "usable") "Linux version 6.6\n" E820("0x0-0x1ffff", "usable"), "0-1ffff:0:System RAM;" },
	{ "two nodes, joined over a hole, split where they meet",
	  E820("0x0-0x9ffff", "usable") E820("0x100000-0xffffff", "usable")
	  "ACPI: SRAT: Node 0 PXM 0 [mem 0x00000000-0x0009ffff]\nACPI: SRAT: Node 0 PXM 0 [mem 0x00100000-0x7fffff]\n"
	  "ACPI: SRAT: Node 1 PXM 1 [mem 0x00800000-0xffffffff]\n",
	  "0-9ffff:0:System RAM;100000-7fffff:0:System RAM;800000-ffffff:1:System RAM;" },
	{ "overlapping nodes: the kernel falls back to one",
	  E820("0x0-0xffffff",
	       "usable") "SRAT: Node 0 PXM 0 [mem 0x0-0x8fffff]\nSRAT: Node 1 PXM 1 [mem 0x800000-0xffffff]\n",
	  "0-ffffff:0:System RAM;" },
	{ "a MiB of RAM in no node: likewise",
	  E820("0x0-0xffffff", "usable") "SRAT: Node 1 PXM 1 [mem 0x100000-0xffffff]\n", "0-ffffff:0:System RAM;" },
	{ "early ranges where there is no SRAT line",
	  E820("0x0-0xffffff", "usable")
	  "Early memory node ranges\n  node   0: [mem 0x1000-0x7fffff]\n  node   1: [mem 0x800000-0xffffff]\n",
	  "0-fff:0:System RAM;1000-7fffff:0:System RAM;800000-ffffff:1:System RAM;" },
	{ "a machine without e820",
	  "[    0.000000]   node   0: [mem 0x0000000040000000-0x000000007fffffff]\n"
	  "[    0.000000]   node   1: [mem 0x80000000-0xbfffffff]\n",
	  "40000000-7fffffff:0:System RAM;80000000-bfffffff:1:System RAM;" },
	{ "kernels before 3.5: the end is the first byte behind the range",
	  " BIOS-e820: 0000000000000000 - 000000000009fc00 (usable)\n BIOS-e820: 000000000009fc00 - 00000000000a0000 (reserved)\n"
	  " BIOS-e820: 0000000000100000 - 000000000c000000 (usable)\n BIOS-e820: 000000000c000000 - 000000000c001000 (ACPI NVS)\n"
	  "e820 update range: 0000000000000000 - 0000000000010000 (usable) ==> (reserved)\n"
	  "e820 remove range: 0000000000090000 - 0000000000100000 (usable)\n",
	  "0-ffff:0:Reserved;10000-8ffff:0:System RAM;9fc00-9ffff:0:Reserved;100000-bffffff:0:System RAM;"
	  "c000000-c000fff:0:ACPI Non-volatile Storage;" },
	{ "mem= of such a kernel",
	  " BIOS-e820: 0000000000000000 - 000000000c000000 (usable)\nuser-defined physical RAM map:\n"
	  " user: 0000000000000000 - 0000000008000000 (usable)\n", "0-7ffffff:0:System RAM;" },
	{ "and its nodes",
	  " BIOS-e820: 0000000000000000 - 0000000002000000 (usable)\nSRAT: Node 0 PXM 0 0-a0000\n"
	  "SRAT: Node 0 PXM 0 100000-1000000\nSRAT: Node 1 PXM 1 1000000-2000000\n",
	  "0-ffffff:0:System RAM;1000000-1ffffff:1:System RAM;" },
	{ "no nodes, whatever the firmware says",
	  " BIOS-e820: 0000000000000000 - 0000000002000000 (usable)\nSRAT: Node 1 PXM 1 1000000-2000000\n"
	  "Faking a node at 0000000000000000-0000000002000000\n", "0-1ffffff:0:System RAM;" },
	{ "without SRAT lines, of the page frames",
	  "[    0.000000]  BIOS-e820: 0000000000000000 - 0000000002000000 (usable)\n"
	  "[    0.000000] early_node_map[2] active PFN ranges\n[    0.000000]     0: 0x00000000 -> 0x00001000\n"
	  "[    0.000000]     1:     4096 ->     8192\n[    0.000000] On node 0 totalpages: 4096\n",
	  "0-ffffff:0:System RAM;1000000-1ffffff:1:System RAM;" },
	{ "no ranges of memory: a date, and what another program says",
	  E820("0x0-0xffff", "usable") "app: user: a-b\napp: modified: 2019-08-06 - 2019-08-05 (x)\n", "0-ffff:0:System RAM;" },
	{ "memblock=debug",
	  "MEMBLOCK configuration:\n memory[0x0]\t[0x0000000040000000-0x000000007fffffff], 0x40000000 bytes on node 2 flags: 0x0\n",
	  "40000000-7fffffff:2:System RAM;" },
};

START_TEST(logs)
{
	const struct log_case *c = &log_cases[_i];

	ck_assert_msg(!read_text(mm_dmesg_regions_read, c->log, strlen(c->log)), "%s: %s", c->why, err.text);
	ck_assert_msg(!strcmp(told(), c->want), "%s:\n%s\nexpected\n%s", c->why, told(), c->want);
}
END_TEST

/* ---- zoneinfo ---- */

static const char zone_head[] = "Node 0, zone      DMA\n  per-node stats\n      nr_inactive_anon 10\n  pages free     3840\n"
	"        boost    0\n";

START_TEST(zoneinfo_of_6_6)
{
	const struct mm_zoneinfo_row *z;

	ck_assert_msg(!read_zones("Node 0, zone      DMA\n  pages free     3840\n        boost    1\n        min      85\n"
				  "        low      106\n"
		"        high     127\n        spanned  4095\n        present  3998\n        managed  3840\n        cma      0\n"
		"        protection: (0, 1983, 1983, 1983, 1983)\n      nr_free_pages 3840\n  pagesets\n    cpu: 0\n"
		"              count: 5\n"
		"              high:  1414\n              batch: 63\n  vm stats threshold: 6\n    cpu: 1\n              count: 0\n"
		"              high:  1414\n              batch: 63\n  vm stats threshold: 6\n  node_unreclaimable:  0\n"
		"  start_pfn:           1\n"
		"  something_new\n  later_counter: 5\nNode 1, zone  Movable\n  pages free     0\n"), "%s", err.text);
	ck_assert_uint_eq(zi.nr, 2);
	z = mm_zoneinfo_find(&zi, 0, "DMA");
	ck_assert_ptr_nonnull(z);
	ck_assert(z->free_pages == 3840 && z->boost_pages == 1 && z->min_pages == 85 && z->low_pages == 106 &&
		  z->high_pages == 127);
	ck_assert(z->spanned_pages == 4095 && z->present_pages == 3998 && z->managed_pages == 3840 &&
		  z->cma_pages == 0);
	ck_assert(z->nr_protection == 5 && z->protection[0] == 0 && z->protection[4] == 1983);
	ck_assert(z->nr_pagesets == 2 && z->pcp_high == 1414 && z->pcp_batch == 63 && z->start_pfn == 1);
	ck_assert_uint_eq(zi.unknown_lines, 1);
	z = mm_zoneinfo_find(&zi, 1, "Movable");
	ck_assert(z && z->free_pages == 0 && z->managed_pages == MM_MISSING_U64 && z->start_pfn == MM_MISSING_U64);
}
END_TEST

/* Two lists a CPU: hot pages, then cold ones. */
START_TEST(zoneinfo_before_2_6_25)
{
	ck_assert_msg(!read_zones("Node 0, zone   Normal\n  pages free     4435\n        scanned  0 (a: 24 i: 4)\n"
		"    cpu: 0 pcp: 0\n              count: 156\n              high:  186\n              batch: 31\n"
		"    cpu: 0 pcp: 1\n              count: 9\n              high:  62\n              batch: 15\n"
		"  vm stats threshold: 20\n    cpu: 1 pcp: 0\n              count: 1\n    cpu: 1 pcp: 1\n              count: 2\n"
		"  temp_priority:     12\n  start_pfn:         0\n"), "%s", err.text);
	ck_assert(zi.v[0].nr_pagesets == 2 && zi.v[0].pcp_count == 168 && zi.v[0].pcp_high == 186 && zi.v[0].pcp_batch == 31);
	ck_assert_uint_eq(zi.unknown_lines, 0);
}
END_TEST

static const struct {
	const char *why, *text, *says;
} bad_zoneinfo[] = {
	{ "empty", "", "no zone" },
	{ "only blank lines", "\n\n\n", "no zone" },
	{ "something else", "MemTotal: 5 kB\n", "zoneinfo:1: expected 'Node N, zone NAME'" },
	{ "no name", "Node 0, zone\n", "zoneinfo:1:" },
	{ "no number", "Node x, zone DMA\n", "zoneinfo:1:" },
	{ "too long a name", "Node 0, zone AAAAAAAAAAAAAAAAAAAAAAAA\n", "zoneinfo:1:" },
	{ "node beyond all", "Node 64, zone DMA\n", "zoneinfo:1: expected a node below 64" },
	{ "node of 2^64", "Node 18446744073709551616, zone DMA\n", "zoneinfo:1:" },
	{ "the same zone twice", "Node 0, zone DMA\nNode 0, zone DMA\n", "zoneinfo:2: expected each zone once" },
	{ "a count of 2^70", "Node 0, zone DMA\n  pages free 1180591620717411303424\n", "zoneinfo:2: expected a number of pages" },
	{ "a number cut by letters", "Node 0, zone DMA\n        min      8x\n", "zoneinfo:2: expected a number of pages" },
	{ "two values of one mark", "Node 0, zone DMA\n        min      8\n        min      9\n", "zoneinfo:3: expected each number" },
	{ "protection without end", "Node 0, zone DMA\n        protection: (0, 1", "zoneinfo:2: expected ')'" },
	{ "protection of nine", "Node 0, zone DMA\n protection: (0, 1, 2, 3, 4, 5, 6, 7, 8)", "zoneinfo:2: expected at most eight" },
};

START_TEST(zoneinfo_that_is_none)
{
	ck_assert_msg(read_zones(bad_zoneinfo[_i].text) == -EINVAL, "%s", bad_zoneinfo[_i].why);
	ck_assert_msg(strstr(err.text, bad_zoneinfo[_i].says), "%s: %s", bad_zoneinfo[_i].why, err.text);
}
END_TEST

/* ---- maps that are none ---- */

static const struct {
	const char *why, *text;
	int code;
	const char *says;
} bad_maps[] = {
	{ "empty", "", -EINVAL, "an empty file" },
	{ "hidden", "00000000-00000000 : Reserved\n00000000-00000000 : System RAM\n", -EPERM, "hidden" },
	{ "reversed", "00001000-00000fff : System RAM\n", -EINVAL, "capture:1: expected a region that ends after" },
	{ "cut in the middle", "00000000-00000fff : Reserved\n00001000-000", -EINVAL, "capture:2: expected 'START-END : NAME'" },
	{ "more than 64 bits", "00000000-00000fff : Reserved\n0-10000000000000000 : System RAM\n", -EINVAL, "capture:2:" },
	{ "nested deeper than any kernel does", "00000000-00000fff : Reserved\n%3000s0-f : x\n", -EFBIG, "capture:2: expected at most" },
	{ "a log without its beginning", "[   17.123456] usb 1-1: new device\n", -EINVAL, "expected lines 'BIOS-e820:" },
	{ "a reversed range in a log", "BIOS-e820: [mem 0x2000-0x1fff] usable\n", -EINVAL, "capture:1: expected a range" },
	{ "another capture", "Page block order: 9\n", -EINVAL, "found pagetypeinfo" },
	{ "bytes", "\x01\x02\x03\xff\xfe", -EINVAL, "something else" },
	{ "another table", "pid,event,addr\n1,load,0x0\n", -EINVAL, "" },
	{ "start without end", "start,kind\n0,ram\n", -EINVAL, "start and end" },
	{ "no address", "start,end,kind\n,5,ram\n", -EINVAL, "capture:2: column start: expected an address" },
	{ "a word for a number", "start,end,kind\n0,abc,ram\n", -EINVAL, "capture:2: column end: expected a number" },
	{ "table: reversed", "start,end,kind\n5,4,ram\n", -EINVAL, "capture:2: column end: expected an address not below start" },
	{ "table: no such kind", "start,end,kind\n0,4,rum\n", -EINVAL, "capture:2: column kind: expected ram," },
	{ "table: node 64", "start,end,node\n0,4,64\n", -EINVAL, "capture:2: column node" },
	{ "table: 2^64", "start,end\n0,18446744073709551616\n", -EINVAL, "capture:2: column end" },
};

START_TEST(maps_that_are_none)
{
	char text[4096];

	snprintf(text, sizeof(text), bad_maps[_i].text, "");	/* one of them is widened by blanks */
	ck_assert_msg(read_text(mm_regions_read, text, strlen(text)) == bad_maps[_i].code, "%s: %s", bad_maps[_i].why,
		      err.text);
	ck_assert_msg(strstr(err.text, bad_maps[_i].says), "%s: %s", bad_maps[_i].why, err.text);
}
END_TEST

START_TEST(ends_of_the_address_space)
{
	static const char text[] =
		"00000000-ffffffffffffffff : everything\n  ffffffffffffffff-ffffffffffffffff : the last byte\n";

	ck_assert_int_eq(read_text(mm_regions_read, text, sizeof(text) - 1), 0);
	ck_assert_str_eq(told(), "0-ffffffffffffffff:0:everything;ffffffffffffffff-ffffffffffffffff:0:the last byte;");
	ck_assert_uint_eq(l.v[1].depth, 1);
}
END_TEST

/* ---- directories ---- */

START_TEST(memmap_without_root)
{
	struct mm_sysroot *root;
	bool hidden = true;

	ck_assert_int_eq(mm_sysroot_open(&root, data("memmap"), &err), 0);
	ck_assert_msg(!mm_sysroot_regions(root, &l, &hidden, &err), "%s", err.text);
	mm_sysroot_free(root);
	ck_assert(!hidden);
	ck_assert_str_eq(told(), "0-9fbff:0:System RAM;9fc00-9ffff:0:Reserved;f0000-fffff:0:Reserved;100000-3ffdcfff:0:System RAM;"
			 "3ffdd000-3fffffff:0:Reserved;fffc0000-ffffffff:0:Reserved;fd00000000-ffffffffff:0:Reserved;");
}
END_TEST

static void put(const char *dir, const char *path, const char *text)
{
	char full[512];
	FILE *f;

	snprintf(full, sizeof(full), "%s/%s", dir, path);
	for (char *p = full + strlen(dir) + 1; (p = strchr(p, '/')); p++) {
		*p = 0;
		mkdir(full, 0700);
		*p = '/';
	}
	f = fopen(full, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

START_TEST(hidden_iomem_falls_back)
{
	char dir[] = "/tmp/mm-test-XXXXXX", cmd[64];
	struct mm_sysroot *root;
	bool hidden = false;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	put(dir, "proc/iomem", "00000000-00000000 : System RAM\n");
	ck_assert_int_eq(mm_sysroot_open(&root, dir, &err), 0);
	ck_assert_int_eq(mm_sysroot_regions(root, &l, &hidden, &err), -EPERM);
	ck_assert(hidden && strstr(err.text, "hidden"));
	put(dir, "sys/firmware/memmap/0/start", "0x0\n");
	put(dir, "sys/firmware/memmap/0/end", "0xfff\n");
	ck_assert_int_eq(mm_sysroot_regions(root, &l, &hidden, &err), -EINVAL);	/* no type yet */
	mm_region_list_free(&l);
	put(dir, "sys/firmware/memmap/0/type", "System RAM\n");
	ck_assert_msg(!mm_sysroot_regions(root, &l, &hidden, &err), "%s", err.text);
	ck_assert_str_eq(told(), "0-fff:0:System RAM;");
	put(dir, "proc/sys/vm/min_free_kbytes", "12345\n");
	put(dir, "proc/sys/vm/lowmem_reserve_ratio", "1\t2\t3\t4\t0\n");
	put(dir, "proc/sys/vm/swappiness", "77\n");
	{
		struct mm_sysctls s;

		mm_sysctls_init(&s);
		ck_assert_int_eq(mm_sysctls_set(&s, MM_STR("vm.swappiness"), MM_STR("5"), &err), 0);
		ck_assert_msg(!mm_sysroot_sysctls(root, &s, &err), "%s", err.text);
		ck_assert_int_eq(s.v[MM_SYSCTL_MIN_FREE_KBYTES], 12345);
		ck_assert_int_eq(s.v[MM_SYSCTL_SWAPPINESS], 5);		/* given by hand: stands */
		ck_assert_int_eq(s.lowmem_reserve_ratio[3], 4);
	}
	mm_sysroot_free(root);
	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	ck_assert_int_eq(system(cmd), 0);
}
END_TEST

/* ---- telling captures apart ---- */

static const struct {
	enum mm_source_kind kind;
	const char *head;
} heads[] = {
	{ MM_SOURCE_UNKNOWN, "" },
	{ MM_SOURCE_UNKNOWN, "\n\n" },
	{ MM_SOURCE_UNKNOWN, "hello world, this is a letter.\n" },
	{ MM_SOURCE_ZONEINFO, zone_head },
	{ MM_SOURCE_BUDDYINFO, "Node 0, zone      DMA      0      0      0      0      0      0      0      0      1      1      3 \n" },
	{ MM_SOURCE_PAGETYPEINFO, "Page block order: 9\nPages per block:  512\n" },
	{ MM_SOURCE_SLABINFO, "slabinfo - version: 2.1\n# name            <active_objs>\n" },
	{ MM_SOURCE_IOMEM, "00000000-00000fff : Reserved\n" },
	{ MM_SOURCE_MAPS, "555555554000-555555556000 r--p 00000000 fe:01 1234                       /usr/bin/cat\n" },
	{ MM_SOURCE_SMAPS, "555555554000-555555556000 r--p 00000000 fe:01 1234 /usr/bin/cat\nSize:                  8 kB\nRss:   8 kB\n" },
	{ MM_SOURCE_DISKSTATS, " 253       0 vda 1 2 3 4 5 6 7 8 9 10 11 0 0 0 0\n" },
	{ MM_SOURCE_MEMINFO, "MemTotal:        4028436 kB\n" },
	{ MM_SOURCE_VMSTAT, "nr_free_pages 989611\nnr_zone_inactive_anon 5\n" },
	{ MM_SOURCE_FTRACE, "# tracer: nop\n#\n" },
	{ MM_SOURCE_FTRACE, "            bash-1234    [001] d..2.   123.456789: mm_page_free: page=0x1 pfn=0x1 order=0\n" },
	{ MM_SOURCE_PERF, "bash  1234 [001]   123.456789: kmem:mm_page_alloc: page=0x1 pfn=0x1 order=0\n" },
	{ MM_SOURCE_STRACE, "1234  12:00:00.123456 mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, 3, 0) = 0x7f0000000000\n" },
	{ MM_SOURCE_STRACE, "execve(\"/bin/true\", [\"true\"], 0x7ffd /* 1 var */) = 0\n" },
	{ MM_SOURCE_LACKEY, "I  04001000,3\n L 1ffeffe7e0,8\n" },
	{ MM_SOURCE_LACKEY, "==123== Lackey, an example Valgrind tool\n" },
	{ MM_SOURCE_DMESG, "[    0.000000] Linux version 6.6.87\n" },
	{ MM_SOURCE_DMESG, "BIOS-e820: [mem 0x0-0xfff] usable\n" },
	{ MM_SOURCE_DMESG, "BIOS-provided physical RAM map:\n BIOS-e820: 0000000000000000 - 000000000009fc00 (usable)\n" },
	{ MM_SOURCE_DMESG, "Zone ranges:\n  DMA      [mem 0x0-0x7fffffff]\nEarly memory node ranges\n" },
	{ MM_SOURCE_DMESG, "Nov 22 13:58:04 host kernel: [    0.000000] Command line: quiet\n" },
	{ MM_SOURCE_CSV, "start,end,size_bytes\n0,1,2\n" },
	{ MM_SOURCE_CSV, "pid,event,addr\r\n" },
	{ MM_SOURCE_CSV, "\xef\xbb\xbf\"pid\",event\n" },
};

START_TEST(sniffs)
{
	struct mm_str head = { heads[_i].head, strlen(heads[_i].head) };

	ck_assert_msg(mm_source_sniff(head) == heads[_i].kind, "'%s' is taken for %s", heads[_i].head,
		      mm_source_kind_word(mm_source_sniff(head)));
	for (size_t n = 0; n <= head.len; n++)		/* cut anywhere: no read beyond the end (sanitizers) */
		(void)mm_source_sniff((struct mm_str){ head.p, n });
}
END_TEST

START_TEST(kind_words)
{
	for (int i = 0; i < MM_NR_REGION_KINDS; i++) {
		const char *word = mm_region_kind_word((enum mm_region_kind)i);

		ck_assert_int_eq(mm_region_kind_parse((struct mm_str){ word, strlen(word) }), i);
	}
	for (int i = 1; i < MM_NR_SOURCE_KINDS; i++) {
		const char *word = mm_source_kind_word((enum mm_source_kind)i);

		ck_assert_int_eq(mm_source_kind_parse((struct mm_str){ word, strlen(word) }), i);
	}
	ck_assert_int_eq(mm_region_kind_parse(MM_STR("")), -EINVAL);
	ck_assert_int_eq(mm_source_kind_parse(MM_STR("unknown")), -EINVAL);
}
END_TEST

#define NR(a)	((int)(sizeof(a) / sizeof((a)[0])))

int main(void)
{
	Suite *s = suite_create("region");
	TCase *tc = tcase_create("region");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, iomem_against_sscanf);
	tcase_add_test(tc, builtin_is_the_file);
	tcase_add_test(tc, regions_table_round_trip);
	tcase_add_loop_test(tc, logs, 0, NR(log_cases));
	tcase_add_test(tc, zoneinfo_of_6_6);
	tcase_add_test(tc, zoneinfo_before_2_6_25);
	tcase_add_loop_test(tc, zoneinfo_that_is_none, 0, NR(bad_zoneinfo));
	tcase_add_loop_test(tc, maps_that_are_none, 0, NR(bad_maps));
	tcase_add_test(tc, ends_of_the_address_space);
	tcase_add_test(tc, memmap_without_root);
	tcase_add_test(tc, hidden_iomem_falls_back);
	tcase_add_loop_test(tc, sniffs, 0, NR(heads));
	tcase_add_test(tc, kind_words);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
