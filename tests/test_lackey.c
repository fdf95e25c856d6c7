/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lackey recordings: the lines below are valgrind 3.19's own, of small programs; the rows are what they say.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "source/fds.h"
#include "source/trace_source.h"

static struct mm_error err;

/* The rows of @text as CSV into @out; the error of the reader. */
static int rows_of(const char *text, size_t len, size_t max, bool strict, struct mm_output *out, struct mm_skip *skips)
{
	struct mm_trace_options opt = { .from = "lackey", .strict = strict };
	struct mm_trace_writer w = { out, 0 };
	struct mm_trace_reader *r;
	struct mm_event ev[400];
	struct mm_input *in;
	size_t nr;
	long n;

	err = (struct mm_error){ 0 };
	ck_assert_int_eq(mm_output_init(out, -1), 0);
	ck_assert_int_eq(mm_input_open_memory(&in, "f", text, len), 0);
	ck_assert_int_eq(mm_trace_reader_new(&r, in, &opt, &err), 0);
	w.columns = mm_trace_columns(r);
	while ((n = mm_trace_read(r, ev, max, &err)) > 0)
		for (long i = 0; i < n; i++)
			mm_trace_writer_row(&w, &ev[i]);
	if (skips) {
		const struct mm_skip *v = mm_trace_skips(r, &nr);

		memset(skips, 0, MM_MAX_SKIPS * sizeof(*skips));
		memcpy(skips, v, nr * sizeof(*skips));
	}
	mm_trace_reader_free(r);
	mm_input_free(in);
	return (int)n;
}

#define HEAD "==9== Lackey, an example Valgrind tool\n==9== Command: ./p -x\n==9== Parent PID: 8\n==9== \n"
#define EXEC "9,exec,,,AUTOMAP|IMAGE,./p,,,,\n"

/* Columns: pid,event,addr,size,flags,name,offset,addr2,size2,result */
static const struct line_case {
	const char *why, *text, *rows;
	uint64_t skips;
} line_cases[] = {
	{ "accesses of the four kinds", HEAD "I  0401ab70,3\n S 1ffeffede8,8\n L 04032d38,4\n M 0421c7cc,1\n",
	  EXEC "9,fetch,0x401ab70,3,,,,,,\n9,store,0x1ffeffede8,8,,,,,,\n9,load,0x4032d38,4,,,,,,\n9,modify,0x421c7cc,1,,,,,,\n", 0 },
	{ "superblocks", HEAD "SB 0401ab70\nI  0401ab70,3\nSB 0401ab7z\n", EXEC "9,fetch,0x401ab70,3,,,,,,\n", 1 },
	{ "addresses of all lengths", HEAD " L 00000000,1\n L ffffffffffffffff,16\n L 7f3a5c001000,32\n",
	  EXEC "9,load,0x0,1,,,,,,\n9,load,0xffffffffffffffff,16,,,,,,\n9,load,0x7f3a5c001000,32,,,,,,\n", 0 },
	{ "no header: process 1", "I  0401ab70,3\n", "1,exec,,,AUTOMAP|IMAGE,,,,,\n1,fetch,0x401ab70,3,,,,,,\n", 0 },
	{ "break", HEAD "SYSCALL[9,1](12) sys_brk ( 0x0 ) --> [pre-success] Success(0x4035000) \n",
	  EXEC "9,brk,0x0,,,,,,,0x4035000\n", 0 },
	{ "anonymous mapping", HEAD "SYSCALL[9,1](9) sys_mmap ( 0x0, 8192, 3, 34, 4294967295, 0 ) --> [pre-success] Success(0x4835000) \n",
	  EXEC "9,mmap,0x0,8192,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS,,,,,0x4835000\n", 0 },
	{ "a mapping that failed",
	  HEAD "SYSCALL[9,1](9) sys_mmap ( 0x123000, 18446744073709551615, 1, 34, 4294967295, 0 ) --> [pre-fail] Failure(0x16) \n",
	  EXEC "9,mmap,0x123000,18446744073709551615,PROT_READ|MAP_PRIVATE|MAP_ANONYMOUS,,,,,EINVAL\n", 0 },
	{ "a file is opened, read and mapped", HEAD
	  "SYSCALL[9,1](257) sys_openat ( 4294967196, 0x4835540(/lib/libc.so.6), 524288 ) --> [async] ... \n"
	  "SYSCALL[9,1](257) ... [async] --> Success(0x4) \n"
	  "SYSCALL[9,1](0) sys_read ( 4, 0x1ffefff928, 832 ) --> [async] ... \n"
	  "SYSCALL[9,1](0) ... [async] --> Success(0x340) \n"
	  "SYSCALL[9,1](17) sys_pread64 ( 4, 0x1ffefff540, 784, 64 ) --> [async] ... \n"
	  "SYSCALL[9,1](17) ... [async] --> Success(0x310) \n"
	  "SYSCALL[9,1](9) sys_mmap ( 0x0, 1974096, 1, 2050, 4, 0 ) --> [pre-success] Success(0x4848000) \n"
	  "SYSCALL[9,1](3) sys_close ( 4 )[sync] --> Success(0x0) \n",
	  EXEC "9,file,,832,O_RDONLY|S_IFREG,/lib/libc.so.6,,,,\n9,read,0x1ffefff928,832,,/lib/libc.so.6,0x0,,,832\n"
	  "9,file,,848,O_RDONLY|S_IFREG,/lib/libc.so.6,,,,\n9,read,0x1ffefff540,784,,/lib/libc.so.6,0x40,,,784\n"
	  "9,file,,1974096,O_RDONLY|S_IFREG,/lib/libc.so.6,,,,\n"
	  "9,mmap,0x0,1974096,PROT_READ|MAP_PRIVATE|MAP_DENYWRITE,/lib/libc.so.6,0x0,,,0x4848000\n", 0 },
	{ "the rest of the family", HEAD
	  "SYSCALL[9,1](25) sys_mremap ( 0x4a2d000, 65536, 1048576, 0x1 ) --> [pre-success] Success(0x4b00000) \n"
	  "SYSCALL[9,1](10) sys_mprotect ( 0x4a2d000, 4096, 0 )[sync] --> Success(0x0) \n"
	  "SYSCALL[9,1](28) sys_madvise ( 0x4a2e000, 4096, 4 ) --> [async] ... \n"
	  "SYSCALL[9,1](28) ... [async] --> Success(0x0) \n"
	  "SYSCALL[9,1](149) sys_mlock ( 0x4a2d000, 4096 ) --> [async] ... \n"
	  "SYSCALL[9,1](149) ... [async] --> Failure(0xc) \n"
	  "SYSCALL[9,1](152) sys_munlockall ( ) --> [async] ... \n"
	  "SYSCALL[9,1](152) ... [async] --> Success(0x0) \n"
	  "SYSCALL[9,1](11) sys_munmap ( 0x4a2d000, 1048576 )[sync] --> Success(0x0) \n",
	  EXEC "9,mremap,0x4a2d000,65536,MREMAP_MAYMOVE,,,,1048576,0x4b00000\n9,mprotect,0x4a2d000,4096,PROT_NONE,,,,,0\n"
	  "9,madvise,0x4a2e000,4096,MADV_DONTNEED,,,,,0\n9,mlock,0x4a2d000,4096,,,,,,ENOMEM\n9,munlockall,,,,,,,,0\n"
	  "9,munmap,0x4a2d000,1048576,,,,,,0\n", 0 },
	{ "positions are kept by descriptor, through dup and lseek", HEAD
	  "SYSCALL[9,1](2) sys_open ( 0x10(/f), 66, 384 ) --> [async] ... \nSYSCALL[9,1](2) ... [async] --> Success(0x4) \n"
	  "SYSCALL[9,1](1) sys_write ( 4, 0x1, 5000 ) --> [async] ... \nSYSCALL[9,1](1) ... [async] --> Success(0x1388) \n"
	  "SYSCALL[9,1](8) sys_lseek ( 4, 100, 0 )[sync] --> Success(0x64) \n"
	  "SYSCALL[9,1](32) sys_dup ( 4 )[sync] --> Success(0x5) \n"
	  "SYSCALL[9,1](0) sys_read ( 5, 0x1, 10 ) --> [async] ... \nSYSCALL[9,1](0) ... [async] --> Success(0xa) \n"
	  "SYSCALL[9,1](3) sys_close ( 5 )[sync] --> Success(0x0) \n"
	  "SYSCALL[9,1](0) sys_read ( 4, 0x1, 9999 ) --> [async] ... \nSYSCALL[9,1](0) ... [async] --> Success(0x131a) \n",
	  EXEC "9,file,,0,O_RDWR|S_IFREG,/f,,,,\n9,write,0x1,5000,,/f,0x0,,,5000\n9,read,0x1,10,,/f,0x64,,,10\n"
	  "9,read,0x1,9999,,/f,0x6e,,,4890\n", 0 },
	/* valgrind 3.19 prints copy_file_range without a blank behind the parenthesis */
	{ "copies are a read and a write, but where offsets lie in memory", HEAD
	  "SYSCALL[9,1](2) sys_open ( 0x10(/f), 0, 0 ) --> [async] ... \nSYSCALL[9,1](2) ... [async] --> Success(0x4) \n"
	  "SYSCALL[9,1](2) sys_open ( 0x10(/g), 65, 384 ) --> [async] ... \nSYSCALL[9,1](2) ... [async] --> Success(0x5) \n"
	  "SYSCALL[9,1](326) sys_copy_file_range (4, 0, 5, 0, 9223372035781033984, 0)[sync] --> Success(0x1388) \n"
	  "SYSCALL[9,1](326) sys_copy_file_range (4, 0, 5, 0, 9223372035781033984, 0)[sync] --> Success(0x0) \n"
	  "SYSCALL[9,1](40) sys_sendfile ( 5, 4, 0x0, 10 ) --> [async] ... \nSYSCALL[9,1](40) ... [async] --> Success(0xa) \n"
	  "SYSCALL[9,1](40) sys_sendfile ( 5, 4, 0x1fff000508, 9 ) --> [async] ... \nSYSCALL[9,1](40) ... [async] --> Success(0x9) \n"
	  "SYSCALL[9,1](326) sys_copy_file_range (4, 0, 5, 0, 9, 1)[sync] --> Failure(0x16) \n",
	  EXEC "9,file,,5000,O_RDONLY|S_IFREG,/f,,,,\n9,read,,5000,,/f,0x0,,,5000\n9,file,,0,O_RDWR|S_IFREG,/g,,,,\n"
	  "9,write,,5000,,/g,0x0,,,5000\n9,file,,5010,O_RDONLY|S_IFREG,/f,,,,\n9,read,,10,,/f,0x1388,,,10\n9,write,,10,,/g,0x1388,,,10\n"
	  "9,write,,9,,/g,0x1392,,,9\n", 1 },
	{ "what is not in the page cache makes no row", HEAD
	  "SYSCALL[9,1](1) sys_write ( 1, 0x1, 5 ) --> [async] ... \nSYSCALL[9,1](1) ... [async] --> Success(0x5) \n"
	  "SYSCALL[9,1](257) sys_openat ( 4294967196, 0x1(/proc/meminfo), 0 ) --> [async] ... \n"
	  "SYSCALL[9,1](257) ... [async] --> Success(0x4) \n"
	  "SYSCALL[9,1](0) sys_read ( 4, 0x1, 10 ) --> [async] ... \nSYSCALL[9,1](0) ... [async] --> Success(0xa) \n", EXEC, 2 },
	{ "a thread", HEAD
	  "SYSCALL[9,1](56) sys_clone ( 3d0f00, 0x522cf70, 0x522d990, 0x522d990, 0x522d6c0 ) --> [pre-success] Success(0x6faf) "
	  "I  04950b42,3\n"
	  "SYSCALL[9,2](24) sched_yield() --> [async] ... \nSYSCALL[9,2](24) ... [async] --> Success(0x0) \n"
	  "SYSCALL[9,2](60) exit( 0 ) --> [pre-success] Success(0x0) \nSYSCALL[9,1](231) exit_group( 0 ) --> [pre-success] Success(0x0) \n",
	  EXEC "9,thread,,,,,,,,28591\n9,fetch,0x4950b42,3,,,,,,\n28591,exit,,,,,,,,\n9,exit,,,,,,,,\n", 0 },
	{ "a fork, its pieces between the lines of both", HEAD
	  "SYSCALL[9,1](56) sys_clone ( 1200011, 0x0, 0x0, 0x4a2aa10, 0x0 )   clone(fork): process 9 created child 28593\n"
	  "SYSCALL[28593,1](273) I  040090a4,5\n --> [pre-success] Success(0x6fb1) \n --> [pre-success] Success(0x0) L 1ffeffede8,4\n"
	  "  S 1ffeffeda0,8\nI  040090a4,5\n\nsys_set_robust_list ( 0x4a2aa20, 24 ) S 1ffeffecf8,8\n"
	  "[sync] --> Success(0x0)I  040090a9,5\n  S 1ffeffed00,4\n"
	  "SYSCALL[28593,1](231) exit_group( 3 ) --> [pre-success] Success(0x0) \nI  040090b0,5\n",
	  EXEC "9,fork,,,,,,,,28593\n28593,fetch,0x40090a4,5,,,,,,\n28593,load,0x1ffeffede8,4,,,,,,\n28593,store,0x1ffeffeda0,8,,,,,,\n"
	  "28593,fetch,0x40090a4,5,,,,,,\n28593,store,0x1ffeffecf8,8,,,,,,\n28593,fetch,0x40090a9,5,,,,,,\n"
	  "28593,store,0x1ffeffed00,4,,,,,,\n28593,exit,,,,,,,,\n9,fetch,0x40090b0,5,,,,,,\n", 0 },
	{ "a child that comes back from clone() before its parent names it, twice", HEAD
	  "SYSCALL[9,1](56) sys_clone ( 1200011, 0x0, 0x0, 0x4a2aa10, 0x0 ) --> [pre-success] Success(0x0) \n"
	  "SYSCALL[28593,1](273) sys_set_robust_list ( 0x4a2aa20, 24 )[sync] --> Success(0x0) \nI  040090a4,5\n"
	  "   clone(fork): process 9 created child 28593\n --> [pre-success] Success(0x6fb1) \n"
	  "SYSCALL[28593,1](231) exit_group( 3 ) --> [pre-success] Success(0x0) \n"
	  "SYSCALL[9,1](56) sys_clone ( 1200011, 0x0, 0x0, 0x4a2aa10, 0x0 ) --> [pre-success] Success(0x0) \n"
	  "SYSCALL[10,1](231) exit_group( 3 ) --> [pre-success] Success(0x0) \n   clone(fork): process 9 created child 10\n"
	  "I  040090b0,5\n",
	  EXEC "9,fork,,,,,,,,28593\n28593,fetch,0x40090a4,5,,,,,,\n28593,exit,,,,,,,,\n9,fork,,,,,,,,10\n10,exit,,,,,,,,\n"
	  "9,fetch,0x40090b0,5,,,,,,\n", 0 },
	{ "a child that is named later but has called nothing yet", HEAD
	  "SYSCALL[9,1](57) sys_fork ( ) --> [pre-success] Success(0x0) \n   fork: process 9 created child 10\n"
	  "SYSCALL[10,1](231) exit_group( 3 ) --> [pre-success] Success(0x0) \n",
	  EXEC "9,fork,,,,,,,,10\n10,exit,,,,,,,,\n", 0 },
	{ "execve: its result is never printed, another line follows at once", HEAD
	  "SYSCALL[9,1](58) sys_fork ( )   fork: process 9 created child 10\n"
	  "SYSCALL[9,1](61) sys_wait4 ( 10, 0x0, 0, 0x0 ) --> [async] ... \n"
	  "SYSCALL[10,1](59) sys_execve ( 0x10a00e(/bin/true), 0x1ffefff1f0, 0x1fff000738 )SYSCALL[9,1](61) ... [async] --> "
	  "Success(0x6fb2) \n",
	  EXEC "9,fork,,,,,,,,10\n10,exec,,,AUTOMAP|IMAGE,/bin/true,,,,\n", 0 },
	{ "calls that valgrind does not know", HEAD
	  "SYSCALL[9,1](334) unimplemented (by the kernel) syscall: 334! (ni_syscall)\n --> [pre-fail] Failure(0x26) \n"
	  "SYSCALL[9,1](325) --9-- WARNING: unhandled amd64-linux syscall: 325\n--9-- You may be able to write your own handler.\n"
	  " --> [pre-fail] Failure(0x26) \nI  00001000,1\n", EXEC "9,fetch,0x1000,1,,,,,,\n", 0 },
	{ "each memfd is a file of its own", HEAD "SYSCALL[9,1](319) sys_memfd_create ( 0x10a004, 0 )[sync] --> Success(0x3) \n"
	  "SYSCALL[9,1](319) sys_memfd_create ( 0x10a004, 0 )[sync] --> Success(0x4) \n"
	  "SYSCALL[9,1](9) sys_mmap ( 0x0, 4096, 3, 1, 3, 0 ) --> [pre-success] Success(0x4a2d000) \n"
	  "SYSCALL[9,1](9) sys_mmap ( 0x0, 4096, 3, 1, 4, 0 ) --> [pre-success] Success(0x4a3d000) \n",
	  EXEC "9,file,,4096,O_RDWR|S_IFREG,/memfd:,,,,\n9,mmap,0x0,4096,PROT_READ|PROT_WRITE|MAP_SHARED,/memfd:,0x0,,,0x4a2d000\n"
	  "9,file,,4096,O_RDWR|S_IFREG,/memfd: (2),,,,\n9,mmap,0x0,4096,PROT_READ|PROT_WRITE|MAP_SHARED,/memfd: (2),0x0,,,0x4a3d000\n", 0 },
	{ "an escaped name", "==9== Command: ./my\\ prog a\n", "9,exec,,,AUTOMAP|IMAGE,./my prog,,,,\n", 0 },
	{ "the program's own words between the lines", HEAD "hello world\nI  00001000,1\nI  xyz,1\nI  1000,\n L 12345678901234567,1\n",
	  EXEC "9,fetch,0x1000,1,,,,,,\n", 4 },
	{ "cut short at the end", HEAD "I  00001000,1\nI  0000200", EXEC "9,fetch,0x1000,1,,,,,,\n", 1 },
	{ "CR LF", "==9== Command: ./p\r\nI  00001000,1\r\nI  00002000,1\r\n", EXEC "9,fetch,0x1000,1,,,,,,\n9,fetch,0x2000,1,,,,,,\n", 0 },
};

START_TEST(lines)
{
	const struct line_case *c = &line_cases[_i];
	static const size_t room[] = { 1, 7, 400 };

	for (int i = 0; i < 3; i++) {
		struct mm_skip skips[MM_MAX_SKIPS];
		struct mm_output out;
		uint64_t skipped = 0;

		ck_assert_msg(!rows_of(c->text, strlen(c->text), room[i], false, &out, skips), "%s", err.text);
		ck_assert_msg(out.len == strlen(c->rows) && !memcmp(out.buf, c->rows, out.len), "%s: %.*s", c->why,
			      (int)out.len, out.buf);
		for (int k = 0; k < MM_MAX_SKIPS; k++)
			if (skips[k].what && !strstr(skips[k].what, "several processes"))
				skipped += skips[k].count;
		ck_assert_msg(skipped == c->skips, "%s: %llu skipped", c->why, (unsigned long long)skipped);
		mm_output_finish(&out);
	}
}
END_TEST

START_TEST(strict)
{
	const char text[] = HEAD "I  00001000,1\nhello\nI  00001000,1\n";
	struct mm_output out;

	ck_assert_int_eq(rows_of(text, strlen(text), 400, true, &out, NULL), -EINVAL);
	ck_assert_str_eq(err.text, "f:6: lines that are not lackey's are an error under --strict");
	ck_assert_uint_eq(out.len, strlen(EXEC "9,fetch,0x1000,1,,,,,,\n"));
	mm_output_finish(&out);
}
END_TEST

START_TEST(known_by_content)
{
	static const struct { const char *text; const char *format; } texts[] = {
		{ HEAD "I  00001000,1\n", "lackey" }, { "I  0401ab70,3\n S 1ffeffede8,8\n", "lackey" }, { "pid,event\n", "trace" },
	};

	for (size_t i = 0; i < 3; i++) {
		struct mm_trace_reader *r;
		struct mm_input *in;

		ck_assert_int_eq(mm_input_open_memory(&in, "f", texts[i].text, strlen(texts[i].text)), 0);
		ck_assert_int_eq(mm_trace_reader_new(&r, in, NULL, &err), 0);
		ck_assert_str_eq(mm_trace_format(r), texts[i].format);
		mm_trace_reader_free(r);
		mm_input_free(in);
	}
}
END_TEST

/*
 * Lines put together at random from pieces of real ones: never a crash, and as many accesses as complete lines
 * of them.
 */
START_TEST(random_pieces)
{
	static const char *const pieces[] = {
		"I  0401ab70,3\n", " L 04032d38,4\n", "I  0401a", "b70,3\n", "SYSCALL[9,1](9) ",
		"sys_mmap ( 0x0, 8192, 3, 34, 4294967295, 0 )",
		" --> [pre-success] Success(0x4835000) \n", "[sync] --> Success(0x0) \n", " --> [async] ... \n",
		"SYSCALL[9,1](0) ... [async] --> Success(0x340) \n",
		"sys_openat ( 4294967196, 0x1(/a), 0 )", "SYSCALL[9,2](56) sys_clone ( 3d0f00, 0x5 )", "\n", "(", ")", " )", "\"", "\377",
		"==9== Command: x\n",
		"   clone(fork): process 9 created child 10", "SYSCALL[10,1](231) exit_group( 3 ) --> [pre-success] Success(0x0) \n",
		"SYSCALL[",
		"sys_fcntl[ARG3=='arg'] ( 4, 1030, 20 )", "sys_dup2 ( 4, 30 )", "sys_close ( 4 )", "4294967295", ",", "--9-- x\n",
		"sys_execve ( 0x1(/b) )",
	};
	struct mm_rng rng = { (uint64_t)_i + 1 };
	static char text[20000];

	for (int round = 0; round < 200; round++) {
		struct mm_output out;
		size_t n = 0;

		while (n < 3000) {
			const char *p = pieces[mm_rng_below(&rng, sizeof(pieces) / sizeof(pieces[0]))];

			memcpy(text + n, p, strlen(p));
			n += strlen(p);
		}
		if (!mm_rng_below(&rng, 4))
			text[mm_rng_below(&rng, n)] = 0;
		ck_assert_msg(!rows_of(text, n, 1 + mm_rng_below(&rng, 399), false, &out, NULL), "%s", err.text);
		mm_output_finish(&out);
	}
}
END_TEST

/* ---- descriptors against the naive table ---- */

START_TEST(descriptors)
{
	enum { PIDS = 4, FDS = 40 };
	int model[PIDS][FDS] = { { 0 } };	/* 0: closed, else number of the file */
	bool cloexec[PIDS][FDS] = { { 0 } };
	struct mm_rng rng = { (uint64_t)_i + 3 };
	struct mm_fds *t = mm_fds_new();

	ck_assert_ptr_nonnull(t);
	for (int step = 0; step < 20000; step++) {
		uint32_t pid = (uint32_t)mm_rng_below(&rng, PIDS), fd = (uint32_t)mm_rng_below(&rng, FDS),
			other = (uint32_t)mm_rng_below(&rng, FDS);
		uint32_t child = (uint32_t)mm_rng_below(&rng, PIDS);
		bool ce = mm_rng_below(&rng, 2);
		char name[16];

		switch (mm_rng_below(&rng, 12)) {
		case 0: case 1: case 2: case 3: case 4:
			snprintf(name, sizeof(name), "/f%u", (unsigned)(step % 50));
			ck_assert_int_eq(mm_fds_open(t, pid, fd, (struct mm_str){ name, strlen(name) },
						     ce ? 02000000 : 0), 0);
			model[pid][fd] = step % 50 + 1;
			cloexec[pid][fd] = ce;
			break;
		case 5: case 6:
			ck_assert_int_eq(mm_fds_dup(t, pid, fd, other, ce), 0);
			if (fd != other) {
				model[pid][other] = model[pid][fd];
				cloexec[pid][other] = ce;
			}
			break;
		case 7: case 8: case 9:
			mm_fds_close(t, pid, fd);
			model[pid][fd] = 0;
			break;
		case 10:
			if (child == pid)
				break;
			ck_assert_int_eq(mm_fds_fork(t, pid, child), 0);
			memcpy(model[child], model[pid], sizeof(model[0]));
			memcpy(cloexec[child], cloexec[pid], sizeof(cloexec[0]));
			break;
		default:
			for (int i = 0; i < FDS; i++)
				if (cloexec[pid][i] || step % 2)
					model[pid][i] = 0;
			if (step % 2)
				mm_fds_exit(t, pid);
			else
				mm_fds_exec(t, pid);
		}
		pid = (uint32_t)mm_rng_below(&rng, PIDS);
		for (uint32_t i = 0; i < FDS; i++) {
			struct mm_fd_open *o = mm_fds_get(t, pid, i);

			snprintf(name, sizeof(name), "/f%d", model[pid][i] - 1);
			ck_assert_msg(!o == !model[pid][i], "step %d: pid %u fd %u", step, pid, i);
			ck_assert(!o || (o->file->name.len == strlen(name) &&
					 !memcmp(o->file->name.p, name, strlen(name))));
		}
	}
	mm_fds_free(t);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("lackey");
	TCase *tc = tcase_create("recording");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, lines, 0, sizeof(line_cases) / sizeof(line_cases[0]));
	tcase_add_test(tc, strict);
	tcase_add_test(tc, known_by_content);
	tcase_add_loop_test(tc, random_pieces, 0, 4);
	tcase_add_loop_test(tc, descriptors, 0, 3);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
