/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Perf's records of mappings and tasks, as rows. The lines are those of perf script 6.1; what they are made of follows what the
 * kernel tells when (perf_event_mmap() in mm/mmap.c and mm/mprotect.c, Linux 6.6). Then lines that nobody printed.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/trace.h>

static struct mm_error err;

/* Rows of @text without heading, time and CPU; what was left out goes to *@skips. NULL with err: an error. */
static const char *convert(const char *text, size_t len, bool strict, struct mm_output *out, uint64_t *skips)
{
	struct mm_trace_options opt = { .strict = strict };
	struct mm_trace_writer w = { .out = out };
	struct mm_trace_reader *r;
	const struct mm_skip *skip;
	struct mm_event ev[64];
	struct mm_input *in;
	size_t nr;
	long n;

	ck_assert_int_eq(mm_output_init(out, -1), 0);
	ck_assert_int_eq(mm_input_open_memory(&in, "t", text, len), 0);
	ck_assert_msg(!mm_trace_reader_new(&r, in, &opt, &err), "%s", err.text);
	ck_assert_str_eq(mm_trace_format(r), "ftrace");
	w.columns = mm_trace_columns(r) & ~(MM_TC_BIT(TIME_S) | MM_TC_BIT(CPU) | MM_TC_BIT(SIZE2));
	while ((n = mm_trace_read(r, ev, 64, &err)) > 0)
		for (long i = 0; i < n; i++)
			mm_trace_writer_row(&w, &ev[i]);
	mm_output_bytes(out, "", 1);
	skip = mm_trace_skips(r, &nr);
	*skips = 0;
	for (size_t i = 0; i < nr; i++)
		*skips += skip[i].count;
	mm_trace_reader_free(r);
	mm_input_free(in);
	return n < 0 ? NULL : out->buf;
}

#define BEGIN "ls 7 1.000001: PERF_RECORD_COMM exec: ls:7/7\n" \
	"ls 7 1.000002: PERF_RECORD_MMAP2 7/7: [0x7ffc69167000(0x21000) @ 0x7ffffffde000 00:00 0 0]: rw-p [stack]\n" \
	"ls 7 1.000003: PERF_RECORD_MMAP2 7/7: [0x560000000000(0x4000) @ 0 fe:01 12 0]: r-xp /bin/ls\n" \
	"ls 7 1.000004: PERF_RECORD_MMAP2 7/7: [0x7faaafb1c000(0x2000) @ 0 00:00 0 0]: r-xp [vdso]\n" \
	"ls 7 1.000005: PERF_RECORD_MMAP2 7/7: [0x7faaafb16000(0x4000) @ 0 00:00 0 0]: r--p [vvar]\n"
#define BEGUN "7,exec,,,AUTOMAP,ls,,,,\n" \
	"7,seed,0x7ffc69167000,135168,PROT_READ|PROT_WRITE|MAP_PRIVATE,[stack],,,,vma\n" \
	"7,seed,0x560000000000,16384,PROT_READ|PROT_EXEC|MAP_PRIVATE,/bin/ls,0x0,0xfe00001,12,vma\n" \
	"7,seed,0x7faaafb1c000,8192,PROT_READ|PROT_EXEC|MAP_PRIVATE,[vdso],,,,vma\n" \
	"7,seed,0x7faaafb16000,16384,PROT_READ|MAP_PRIVATE,[vvar],,,,vma\n"
#define VMA(what) "ls 7 2.5: PERF_RECORD_MMAP2 7/7: [" what "\n"
#define CALL(name, args, result) \
	"ls 7 2.5: syscalls:sys_enter_" name ": " args "\nls 7 2.5: syscalls:sys_exit_" name ": " result "\n"
#define ANON "|MAP_PRIVATE|MAP_FIXED|MAP_ANONYMOUS,,,,"
#define RW "PROT_READ|PROT_WRITE"

/* Columns: pid,event,addr,size,flags,name,offset,addr2,result,by */
static const struct record_case {
	const char *why, *text, *rows;
	uint64_t skips;
} records[] = {
	{ "a program begins: what the kernel maps", BEGIN, BEGUN, 0 },
	{ "and what it maps then", BEGIN VMA("0x7f0000000000(0x2000) @ 0x7f0000000000 00:00 0 0]: rw-p //anon"),
	  BEGUN "7,mmap,0x7f0000000000,8192," RW ANON "0x7f0000000000,\n", 0 },
	{ "with CPU, of a task whose name is one of perf's", "a: PERF_RECORD_X 7 [001] 1.5: PERF_RECORD_COMM exec: a: PERF_RECORD_X:7/7\n",
	  "7,exec,,,AUTOMAP,a: PERF_RECORD_X,,,,\n", 0 },
	{ "a file, by build id", BEGIN VMA("0x7f0000000000(0x2000) @ 0x1000 <48dc54>]: r--p /lib/a b.so"),
	  BEGUN "7,file,,12288,O_RDWR|S_IFREG,/lib/a b.so,,,,\n"
	  "7,mmap,0x7f0000000000,8192,PROT_READ|MAP_PRIVATE|MAP_FIXED,/lib/a b.so,0x1000,,0x7f0000000000,\n", 0 },
	/* brk(2) is told after it; the kernel calls the first one //anon, what grew [heap] */
	{ "the break", BEGIN VMA("0x560000100000(0x21000) @ 0x560000100000 00:00 0 0]: rw-p //anon")
	  VMA("0x560000100000(0x42000) @ 0x560000100000 00:00 0 0]: rw-p [heap]")
	  VMA("0x560000100000(0x22000) @ 0x560000100000 00:00 0 0]: rw-p [heap]"),
	  BEGUN "7,brk,0x0,,,,,,0x560000100000,\n7,brk,0x560000121000,,,,,,0x560000121000,\n7,brk,0x560000142000,,,,,,0x560000142000,\n"
	  "7,brk,0x560000122000,,,,,,0x560000122000,\n", 0 },
	/* mprotect_fixup(): the whole VMA, joined with its neighbours */
	{ "rights of a part", BEGIN VMA("0x7f0000000000(0x5000) @ 0 00:00 0 0]: rw-p //anon")
	  VMA("0x7f0000001000(0x2000) @ 0 00:00 0 0]: r--p //anon")
	  VMA("0x7f0000000000(0x2000) @ 0 00:00 0 0]: rw-p //anon"),
	  BEGUN "7,mmap,0x7f0000000000,20480," RW ANON "0x7f0000000000,\n7,mprotect,0x7f0000001000,8192,PROT_READ,,,,0,\n"
	  "7,mprotect,0x7f0000001000,4096," RW ",,,,0,\n", 0 },
	{ "what is joined stays, holes and other files are mapped", BEGIN VMA("0x7f0000000000(0x1000) @ 0 00:00 0 0]: rw-p //anon")
	  VMA("0x7f0000002000(0x1000) @ 0 00:00 0 0]: rw-p //anon") VMA("0x7f0000003000(0x1000) @ 0 08:01 5 0]: rw-p /a")
	  VMA("0x7f0000000000(0x5000) @ 0 00:00 0 0]: rw-p //anon"),
	  BEGUN "7,mmap,0x7f0000000000,4096," RW ANON "0x7f0000000000,\n7,mmap,0x7f0000002000,4096," RW ANON "0x7f0000002000,\n"
	  "7,file,,4096,O_RDWR|S_IFREG,/a,,,,\n7,mmap,0x7f0000003000,4096," RW "|MAP_PRIVATE|MAP_FIXED,/a,0x0,,0x7f0000003000,\n"
	  "7,mmap,0x7f0000001000,4096," RW ANON "0x7f0000001000,\n7,mmap,0x7f0000003000,8192," RW ANON "0x7f0000003000,\n", 0 },
	/* malloc(), free(), malloc() of much: munmap() is not told */
	{ "the same once more is new", BEGIN VMA("0x7f0000000000(0x5000) @ 0 00:00 0 0]: rw-p //anon")
	  VMA("0x7f0000000000(0x5000) @ 0 00:00 0 0]: rw-p //anon")
	  VMA("0x7f0000001000(0x1000) @ 0 00:00 0 0]: rw-p //anon"),
	  BEGUN "7,mmap,0x7f0000000000,20480," RW ANON "0x7f0000000000,\n7,mmap,0x7f0000000000,20480," RW ANON "0x7f0000000000,\n"
	  "7,mmap,0x7f0000001000,4096," RW ANON "0x7f0000001000,\n", 0 },
	{ "unless it had joined others: which part?", BEGIN VMA("0x7f0000000000(0x1000) @ 0 00:00 0 0]: rw-p //anon")
	  VMA("0x7f0000000000(0x2000) @ 0 00:00 0 0]: rw-p //anon") VMA("0x7f0000000000(0x2000) @ 0 00:00 0 0]: rw-p //anon"),
	  BEGUN "7,mmap,0x7f0000000000,4096," RW ANON "0x7f0000000000,\n7,mmap,0x7f0000001000,4096," RW ANON "0x7f0000001000,\n", 1 },
	{ "another place of the same file", BEGIN VMA("0x7f0000000000(0x1000) @ 0 08:01 5 0]: r--s /a")
	  VMA("0x7f0000000000(0x1000) @ 0x1000 08:01 5 0]: r--s /a"),
	  BEGUN "7,file,,4096,O_RDWR|S_IFREG,/a,,,,\n7,mmap,0x7f0000000000,4096,PROT_READ|MAP_SHARED|MAP_FIXED,/a,0x0,,0x7f0000000000,\n"
	  "7,truncate,,8192,,/a,,,,\n7,mmap,0x7f0000000000,4096,PROT_READ|MAP_SHARED|MAP_FIXED,/a,0x1000,,0x7f0000000000,\n", 0 },
	{ "memory that is shared", BEGIN VMA("0x7f0000000000(0x1000) @ 0 00:01 9 0]: rw-s /dev/zero (deleted)")
	  VMA("0x7f0000001000(0x1000) @ 0 00:01 9 0]: rw-s /memfd:x (deleted)")
	  VMA("0x7f0000002000(0x1000) @ 0 00:01 32768 0]: r--s /SYSV00a72071 (deleted)")
	  VMA("0x7f0000200000(0x200000) @ 0 00:0f 9 0]: rw-p /anon_hugepage (deleted)"),
	  BEGUN "7,mmap,0x7f0000000000,4096," RW "|MAP_SHARED|MAP_FIXED|MAP_ANONYMOUS,,,,0x7f0000000000,\n"
	  "7,file,,4096,O_RDWR|S_IFREG,/memfd:x,,,,\n7,mmap,0x7f0000001000,4096," RW "|MAP_SHARED|MAP_FIXED,/memfd:x,0x0,,0x7f0000001000,\n"
	  "7,shmat,0x7f0000002000,4096,SHM_RDONLY|SHM_REMAP,/SYSV00a72071 (id 32768),,,0x7f0000002000,\n"
	  "7,mmap,0x7f0000200000,2097152," RW "|MAP_PRIVATE|MAP_FIXED|MAP_ANONYMOUS|MAP_HUGETLB,,,,0x7f0000200000,\n", 0 },
	{ "a stack grows by itself", BEGIN VMA("0x7ffc69157000(0x31000) @ 0 00:00 0 0]: rw-p [stack]"), BEGUN, 0 },
	{ "threads, a child with its parent's mappings, their ends", BEGIN VMA("0x7f0000000000(0x2000) @ 0 00:00 0 0]: rw-p //anon")
	  "ls 7 3.0: PERF_RECORD_FORK(7:8):(7:7)\nls 8 3.1: PERF_RECORD_FORK(9:9):(7:8)\n"
	  "ls 9 3.2: PERF_RECORD_MMAP2 9/9: [0x7f0000000000(0x1000) @ 0 00:00 0 0]: r--p //anon\n"
	  "ls 7 3.3: PERF_RECORD_MMAP2 7/10: [0x7f0000000000(0x1000) @ 0 00:00 0 0]: r-xp //anon\n"
	  "ls 9 3.4: PERF_RECORD_EXIT(9:9):(7:7)\nls 8 3.5: PERF_RECORD_EXIT(7:8):(1:1)\nls 7 3.6: PERF_RECORD_COMM: new name:7/7\n",
	  BEGUN "7,mmap,0x7f0000000000,8192," RW ANON "0x7f0000000000,\n7,thread,,,,,,,8,\n8,fork,,,,,,,9,\n"
	  "9,mprotect,0x7f0000000000,4096,PROT_READ,,,,0,\n7,thread,,,,,,,10,\n10,mprotect,0x7f0000000000,4096,PROT_READ|PROT_EXEC,,,,0,\n"
	  "9,exit,,,,,,,,\n8,exit,,,,,,,,\n", 1 },
	/* perf's own, of what ran when it started, and of the kernel */
	{ "processes that ran",
	  "swapper 0 0.000000: PERF_RECORD_MMAP -1/0: [0xffffffff81000000(0x1209988) @ 0xffffffff81000000]: x [kernel.kallsyms]_text\n"
	  "swapper 0 0.000000: PERF_RECORD_FORK(7:7):(1:1)\nsh 0 0.000000: PERF_RECORD_COMM: sh:7/7\n"
	  "sh 0 0.000000: PERF_RECORD_MMAP2 7/7: [0x558ee29a0000(0x2000) @ 0 fe:00 248056 0]: r--p /bin/sh\n"
	  "sh 0 0.000000: PERF_RECORD_MMAP2 7/7: [0x558f219a0000(0x21000) @ 0 00:00 0 0]: rw-p [heap]\n"
	  "sh 0 0.000000: PERF_RECORD_COMM: sh:7/8\n"
	  "sh 7 1.0: PERF_RECORD_MMAP2 7/7: [0x558f219a0000(0x42000) @ 0 00:00 0 0]: rw-p [heap]\n",
	  "7,seed,0x558ee29a0000,8192,PROT_READ|MAP_PRIVATE,/bin/sh,0x0,0xfe00000,248056,vma\n"
	  "7,seed,0x558f219a0000,135168," RW
	  "|MAP_PRIVATE,[heap],,,,vma\n7,thread,,,,,,,8,\n7,brk,0x558f219e2000,,,,,,0x558f219e2000,\n", 0 },
	{ "a process whose beginning was not shown", "x 7 1.0: PERF_RECORD_MMAP2 7/7: [0x1000(0x1000) @ 0 00:00 0 0]: rw-p //anon\n",
	  "7,exec,,,AUTOMAP,,,,,\n7,seed,0x1000,4096," RW "|MAP_PRIVATE,,,,,vma\n", 0 },
	{ "before 3.12", BEGIN "ls 7 3.0: PERF_RECORD_MMAP 7/7: [0x7f0000000000(0x1000) @ 0x3000]: x /a\n",
	  BEGUN
	  "7,file,,16384,O_RDWR|S_IFREG,/a,,,,\n"
	  "7,mmap,0x7f0000000000,4096,PROT_READ|PROT_EXEC|MAP_PRIVATE|MAP_FIXED,/a,0x3000,,0x7f0000000000,\n", 0 },
	/* calls: what records do not tell */
	{ "what was unmapped is new", BEGIN VMA("0x7f0000000000(0x3000) @ 0 00:00 0 0]: rw-p //anon")
	  CALL("munmap", "addr: 0x7f0000001000, len: 0x00001000", "0x0")
	  VMA("0x7f0000000000(0x3000) @ 0 00:00 0 0]: rw-p //anon"),
	  BEGUN "7,mmap,0x7f0000000000,12288," RW ANON "0x7f0000000000,\n7,munmap,0x7f0000001000,4096,,,,,0,\n"
	  "7,mmap,0x7f0000001000,4096," RW ANON "0x7f0000001000,\n", 0 },
	{ "what is moved is known", BEGIN VMA("0x7f0000000000(0x3000) @ 0x1000 08:01 5 0]: rw-s /a")
	  CALL("mremap", "addr: 0x7f0000001000, old_len: 0x1000, new_len: 0x2000, flags: 0x3, new_addr: 0x7f0000010000", "0x7f0000010000")
	  VMA("0x7f0000010000(0x2000) @ 0x2000 08:01 5 0]: r--s /a"),
	  BEGUN "7,file,,16384,O_RDWR|S_IFREG,/a,,,,\n7,mmap,0x7f0000000000,12288," RW "|MAP_SHARED|MAP_FIXED,/a,0x1000,,0x7f0000000000,\n"
	  "7,mremap,0x7f0000001000,4096,MREMAP_MAYMOVE|MREMAP_FIXED,,,0x7f0000010000,0x7f0000010000,\n"
	  "7,mprotect,0x7f0000010000,8192,PROT_READ,,,,0,\n", 0 },
	{ "what both tell is told once", BEGIN
	  "ls 7 2.5: syscalls:sys_enter_brk: brk: 0x0\nls 7 2.5: syscalls:sys_exit_brk: 0x560000100000\n"
	  "ls 7 2.5: syscalls:sys_enter_brk: brk: 0x560000121000\n" VMA("0x560000100000(0x21000) @ 0 00:00 0 0]: rw-p //anon")
	  "ls 7 2.5: syscalls:sys_exit_brk: 0x560000121000\n" CALL("brk", "brk: 0x560000101000", "0x560000101000")
	  "ls 7 2.5: syscalls:sys_enter_mmap: addr: 0x0, len: 0x1000, prot: 0x3, flags: 0x22, fd: 0xffffffff, off: 0x0\n"
	  VMA("0x7f0000000000(0x1000) @ 0 00:00 0 0]: rw-p //anon") "ls 7 2.5: syscalls:sys_exit_mmap: 0x7f0000000000\n",
	  BEGUN "7,brk,0x0,,,,,,0x560000100000,\n7,brk,0x560000121000,,,,,,0x560000121000,\n7,brk,0x560000101000,,,,,,0x560000101000,\n"
	  "7,mmap,0x7f0000000000,4096," RW ANON "0x7f0000000000,\n", 0 },
	{ "calls alone; failures; ends without a beginning, calls of other kinds",
	  CALL("mmap", "addr: 0x0, len: 0x1000, prot: 0x3, flags: 0x22, fd: 0xffffffff, off: 0x0", "0x7f0000000000")
	  CALL("mmap", "addr: 0x0, len: 0x1000, prot: 0x1, flags: 0x2, fd: 0x3, off: 0x1000", "0x7f0000001000")
	  CALL("madvise", "start: 0x7f0000000000, len_in: 0x1000, behavior: 0x4", "0x0")
	  CALL("munmap", "addr: 0x1, len: 0x1000", "0xffffffffffffffea")
	  "ls 7 2.5: syscalls:sys_exit_munmap: 0x0\n" CALL("close", "fd: 0x3", "0x0"),
	  "7,mmap,0x0,4096," RW "|MAP_PRIVATE|MAP_ANONYMOUS,,0x0,,0x7f0000000000,\n"
	  "7,mmap,0x0,4096,PROT_READ|MAP_PRIVATE,(a file opened before the log),0x1000,,0x7f0000001000,\n"
	  "7,madvise,0x7f0000000000,4096,MADV_DONTNEED,,,,0,\n7,munmap,0x1,4096,,,,,EINVAL,\n", 3 },
	{ "records of other things",
	  "ls 7 1.0: PERF_RECORD_SWITCH OUT\nls 7 1.0: PERF_RECORD_KSYMBOL addr 0 len 1 type 1 flags 0x0 name x\n", "", 2 },
};

/* Without the heading. */
static const char *rows_of(const char *csv)
{
	const char *nl = strchr(csv, '\n');

	return nl && !strncmp(csv, "pid,", 4) ? nl + 1 : csv;
}

START_TEST(known_records)
{
	const struct record_case *c = &records[_i];
	struct mm_output out;
	uint64_t skips;
	const char *got = convert(c->text, strlen(c->text), false, &out, &skips);

	ck_assert_msg(got != NULL, "%s: %s", c->why, err.text);
	ck_assert_msg(!strcmp(rows_of(got), c->rows), "%s: expected\n%s found\n%s", c->why, c->rows, rows_of(got));
	ck_assert_msg(skips == c->skips, "%s: %llu left out", c->why, (unsigned long long)skips);
	mm_output_finish(&out);
}
END_TEST

/* Counted, an error under --strict, and nothing is made of them. */
static const char *const unreadable[] = {
	"PERF_RECORD_MMAP2 7/7: [0x1000(0x1000) @ 0 00:00 0 0]: rw-", "PERF_RECORD_MMAP2 7/7: [0x1000(0) @ 0 00:00 0 0]: rw-p //anon",
	"PERF_RECORD_MMAP2 7/7: [0x1001(0x1000) @ 0 00:00 0 0]: rw-p //anon",
	"PERF_RECORD_MMAP2 7/7: [0x1000(0x1000) @ 0 00:00 0 0]: rwzp //anon",
	"PERF_RECORD_MMAP2 7/7: [0xfffffffffffff000(0x2000) @ 0 00:00 0 0]: rw-p //anon",
	"PERF_RECORD_MMAP2 7/7: [0x1000(0x1000) @ 0 <12]: rw-p /a",
	"PERF_RECORD_MMAP2 7/7: [0x11111111111111111(0x1000) @ 0 00:00 0 0]: rw-p /a",
	"PERF_RECORD_MMAP2 99999999999/7: [0x1000(0x1000) @ 0 00:00 0 0]: rw-p /a",
	"PERF_RECORD_FORK(7:7):(7", "PERF_RECORD_FORK(0:0):(7:7)", "PERF_RECORD_EXIT", "PERF_RECORD_COMM exec: ls", "PERF_RECORD_COMM",
	"PERF_RECORD_MMAP 7/7: [0x1000(0x1000) @ 0]: q /a",
};
START_TEST(unreadable_records)
{
	struct mm_output out;
	char text[1024];
	uint64_t skips;

	snprintf(text, sizeof(text), BEGIN "ls 7 3.0: PERF_RECORD_SWITCH OUT\nls 7 3.0: %s\n", unreadable[_i]);
	ck_assert_str_eq(rows_of(convert(text, strlen(text), false, &out, &skips)), BEGUN);
	ck_assert_uint_eq(skips, 2);
	mm_output_finish(&out);
	ck_assert_ptr_null(convert(text, strlen(text), true, &out, &skips));
	mm_output_finish(&out);
}
END_TEST

static uint64_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return *seed >> 33;
}

/*
 * Calls of one process on twelve pages, and what the kernel would have told of each: the pages that the rows leave are those that
 * the calls left.  What a call unmaps is told by nobody, so pages that are gone may still be there: not asked.
 */
enum { PAGES = 12, BASE = 0x10000 };
START_TEST(random_calls)
{
	uint64_t seed = (uint64_t)_i + 1;
	char model[PAGES] = "", rows[PAGES] = "", text[65536] = BEGIN;
	size_t len = strlen(text);
	struct mm_output out;
	uint64_t skips;
	const char *csv;

	for (int n = 0; n < 200; n++) {
		unsigned int op = (unsigned int)next_random(&seed) % 3, first = (unsigned int)next_random(&seed) % PAGES;
		unsigned int end = first + 1 + (unsigned int)next_random(&seed) % (PAGES - first);
		char prot = (char)('1' + next_random(&seed) % 3);

		if (op == 2) {
			memset(model + first, 0, end - first);
			continue;
		}
		/* mprotect() ends at a hole, and tells nothing where nothing changes */
		for (unsigned int i = first; op == 1 && i < end; i++)
			end = model[i] && model[i] != prot ? end : i;
		if (end == first)
			continue;
		memset(model + first, prot, end - first);
		while (first && model[first - 1] == prot)
			first--;
		while (end < PAGES && model[end] == prot)
			end++;
		len += (size_t)sprintf(text + len, VMA("0x%x(0x%x) @ 0 00:00 0 0]: r%c%cp //anon"), BASE + first * 4096, (end - first) *
		  4096,
				       prot & 1 ? 'w' : '-', prot & 2 ? 'x' : '-');
	}
	csv = convert(text, len, false, &out, &skips);
	ck_assert_ptr_nonnull(csv);
	for (const char *p = csv; (p = strchr(p, '\n')) != NULL;) {
		unsigned int addr, size;
		char event[16], flags[80];

		p++;
		if (sscanf(p, "7,%15[^,],%x,%u,%79[^,]", event, &addr, &size, flags) != 4 ||
		    (strcmp(event, "mmap") && strcmp(event, "mprotect")))
			continue;
		for (unsigned int i = (addr - BASE) / 4096; i < (addr - BASE + size) / 4096; i++) {
			ck_assert_msg(strcmp(event, "mprotect") || rows[i], "seed %d: mprotect of what is not there: %.80s", _i, p);
			rows[i] = (char)('0' + !!strstr(flags, "WRITE") + 2 * !!strstr(flags, "EXEC"));
		}
	}
	for (unsigned int i = 0; i < PAGES; i++)
		ck_assert_msg(!model[i] || model[i] == rows[i], "seed %d: page %u is %c, expected %c", _i, i, rows[i], model[i]);
	mm_output_finish(&out);
}
END_TEST

/* Records cut, spliced and with bytes changed: no crash, the reader comes to the end. */
START_TEST(mutated_records)
{
	uint64_t seed = (uint64_t)_i * 7919 + 1, skips;
	static char text[65536];

	for (int round = 0; round < 200; round++) {
		static const char head[] = "ls 7 1.0: PERF_RECORD_SWITCH OUT\n";
		struct mm_output out;
		size_t len = (size_t)sprintf(text, "%s", head);

		for (int l = 0; l < 6; l++)
			len += (size_t)sprintf(text + len, "%s", records[next_random(&seed) % (sizeof(records) / sizeof(records[0]))].text);
		for (int m = 0; m < 12; m++)
			text[sizeof(head) + next_random(&seed) % (len - sizeof(head))] = (char)next_random(&seed);
		ck_assert_msg(convert(text, len, false, &out, &skips) != NULL, "seed %d: %s", _i, err.text);
		mm_output_finish(&out);
	}
}
END_TEST

/* One record that says more than a batch has room for: a VMA over two thousand holes. */
START_TEST(many_holes)
{
	enum { HOLES = 2000 };
	size_t room = HOLES * 120 + 4096, len;
	char *text = malloc(room);
	struct mm_output out;
	uint64_t skips, rows = 0;
	const char *csv;

	ck_assert_ptr_nonnull(text);
	len = (size_t)sprintf(text, "%s", BEGIN);
	for (int i = 0; i < HOLES; i++)
		len += (size_t)sprintf(text + len, VMA("0x%x(0x1000) @ 0 00:00 0 0]: rw-p //anon"), 0x100000 + i * 0x2000);
	len += (size_t)sprintf(text + len, VMA("0x100000(0x%x) @ 0 00:00 0 0]: rw-p //anon"), HOLES * 0x2000);
	csv = convert(text, len, true, &out, &skips);
	ck_assert_ptr_nonnull(csv);
	for (const char *p = csv; (p = strstr(p, "7,mmap,")) != NULL; p++)
		rows++;
	ck_assert_uint_eq(rows, 2 * HOLES);
	mm_output_finish(&out);
	free(text);
}
END_TEST

#define NR(a) ((int)(sizeof(a) / sizeof((a)[0])))
int main(void)
{
	Suite *suite = suite_create("perf");
	TCase *tc = tcase_create("records");
	SRunner *sr = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tc, known_records, 0, NR(records));
	tcase_add_loop_test(tc, unreadable_records, 0, NR(unreadable));
	tcase_add_loop_test(tc, random_calls, 0, 50);
	tcase_add_loop_test(tc, mutated_records, 0, 4);
	tcase_add_test(tc, many_holes);
	suite_add_tcase(suite, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
