/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * strace logs: every form of prefix and time stamp, interrupted calls, children, descriptors, bad input.
 * The lines are strace's own; the rows beside them are read off by hand.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libmm/source.h>
#include <libmm/trace.h>

/* One row a line: "pid event addr size flags name result" with - for what is not there. */
static void describe(const struct mm_event *ev, char *text, size_t size)
{
	char result[64] = "-";

	if (ev->result_kind == MM_RESULT_WORD)
		snprintf(result, sizeof(result), "%.*s", (int)ev->result_word.len, ev->result_word.p);
	else if (ev->result_kind != MM_RESULT_NONE)
		snprintf(result, sizeof(result), "%llx", (unsigned long long)ev->result);
	snprintf(text, size, "%u %s %llx %llu %.*s %.*s %s", ev->pid, mm_event_word((enum mm_event_type)ev->type),
		 (unsigned long long)ev->addr, (unsigned long long)ev->size,
		 ev->flags.len ? (int)ev->flags.len : 1, ev->flags.len ? ev->flags.p : "-",
		 ev->name.len ? (int)ev->name.len : 1, ev->name.len ? ev->name.p : "-", result);
}

static void check_log(const char *what, const char *log, const char *want)
{
	struct mm_trace_options opt = { .from = "strace" };
	struct mm_trace_reader *r;
	struct mm_error err = { 0 };
	struct mm_event ev[64];
	struct mm_input *in;
	char got[8192] = "", row[512];
	long n;

	ck_assert_int_eq(mm_input_open_memory(&in, "log", log, strlen(log)), 0);
	ck_assert_int_eq(mm_trace_reader_new(&r, in, &opt, &err), 0);
	while ((n = mm_trace_read(r, ev, 64, &err)) > 0)
		for (long i = 0; i < n; i++) {
			describe(&ev[i], row, sizeof(row));
			ck_assert_uint_lt(strlen(got) + strlen(row) + 2, sizeof(got));
			strcat(got, row);
			strcat(got, "\n");
		}
	ck_assert_msg(n == 0, "%s: %s", what, err.text);
	ck_assert_msg(!strcmp(got, want), "%s:\n%s\nexpected:\n%s", what, got, want);
	mm_trace_reader_free(r);
	mm_input_free(in);
}

#define ROW_LINE "12 munmap(0x1000, 4096) = 0\n"
#define ROW(pid) #pid " munmap 1000 4096 - - 0\n"
static const struct {
	const char *what, *log, *want;
} rows[] = {
	{ "pid of -o", "12 munmap(0x1000, 4096) = 0\n", ROW(12) },
	{ "pid in brackets", "[pid    12] munmap(0x1000, 4096)      = 0\n", ROW(12) },
	{ "no pid: the first process is 1000", "munmap(0x1000, 4096) = 0\n", ROW(1000) },
	{ "no pid, and a child that has its number", "fork() = 1000\n[pid  1000] munmap(0x1000, 4096) = 0\nmunmap(0x1000, 4096) = 0\n",
	  "1000 fork 0 0 - - 400000\n" ROW(4194304) ROW(1000) },
	{ "no pid, and then its own, which is that",
	  "munmap(0x1000, 4096) = 0\n[pid  1000] munmap(0x1000, 4096) = 0\n", ROW(1000) ROW(1000) },
	{ "-t", "12 10:00:01 munmap(0x1000, 4096) = 0\n", ROW(12) },
	{ "-tt -T", "12 10:00:01.000002 munmap(0x1000, 4096) = 0 <0.000011>\n", ROW(12) },
	{ "-ttt", "12 1700000000.123456 munmap(0x1000, 4096) = 0\n", ROW(12) },
	{ "-r without pid", "     0.000012 munmap(0x1000, 4096) = 0\n", ROW(1000) },
	{ "last line without LF: 0 may be the beginning of more", ROW_LINE "12 munmap(0x1000, 4096) = 0", ROW(12) },
	{ "one whose end says that it is whole", "12 brk(NULL) = 0x1000\n12 +++ exited with 0 +++",
	  "12 brk 0 0 - - 1000\n12 exit 0 0 - - -\n" },
	{ "CR LF", "12 munmap(0x1000, 4096) = 0\r\n", ROW(12) },
	{ "an error", "12 munmap(0x1001, 4096) = -1 EINVAL (Invalid argument)\n", "12 munmap 1001 4096 - - EINVAL\n" },
	{ "never returned", "12 munmap(0x1000, 4096) = ?\n", "" },
	{ "a signal is no call", "12 --- SIGSEGV {si_signo=SIGSEGV, si_addr=0x8} ---\n", "" },
	{ "the end", "12 +++ killed by SIGSEGV (core dumped) +++\n", "12 exit 0 0 - - -\n" },
	{ "exit_group ends a process, whether or not strace says so behind it (-qq: it does not)",
	  "12 exit_group(0)                           = ?\n12 +++ exited with 0 +++\n13 exit_group(3) = ?\n" ROW_LINE,
	  "12 exit 0 0 - - -\n13 exit 0 0 - - -\n" ROW(12) },
	{ "_exit of old straces, and a signal and the end of what waits behind it",
	  "12 _exit(0) = ?\n12 --- SIGCONT {si_signo=SIGCONT} ---\n12 +++ killed by SIGKILL +++\n", "12 exit 0 0 - - -\n" },
	{ "exit_group is the end of all threads, but of no other process with the same memory",
	  "12 clone(flags=CLONE_VM|CLONE_THREAD) = 13\n13 clone(flags=CLONE_VM|CLONE_THREAD) = 14\n12 vfork( <unfinished ...>\n"
	  "15 brk(NULL) = 0x5000\n13 futex(0x10, FUTEX_WAIT, 0, NULL <unfinished ...>\n14 exit_group(0) = ?\n"
	  "13 <... futex resumed>) = ?\n13 +++ exited with 0 +++\n15 exit_group(0) = ?\n",
	  "12 thread 0 0 - - d\n13 thread 0 0 - - e\n12 fork 0 0 CLONE_VM|CLONE_VFORK - f\n15 brk 0 0 - - 5000\n"
	  "12 exit 0 0 - - -\n13 exit 0 0 - - -\n14 exit 0 0 - - -\n15 exit 0 0 - - -\n" },
	{ "exit is the end of one thread: the others go on without the first",
	  "12 clone(flags=CLONE_VM|CLONE_THREAD) = 13\n12 exit(0) = ?\n13 munmap(0x1000, 4096) = 0\n13 exit(0) = ?\n"
	  "13 +++ exited with 0 +++\n12 +++ exited with 0 +++\n",
	  "12 thread 0 0 - - d\n12 exit 0 0 - - -\n" ROW(13) "13 exit 0 0 - - -\n" },
	{ "an exit that failed is none", "12 exit_group(0) = -1 ENOSYS (Function not implemented)\n" ROW_LINE, ROW(12) },
	{ "a number that is given again", "12 fork() = 13\n13 exit_group(0) = ?\n12 fork() = 13\n13 munmap(0x1000, 4096) = 0\n"
	  "13 exit_group(0) = ?\n13 +++ exited with 0 +++\n",
	  "12 fork 0 0 - - d\n13 exit 0 0 - - -\n12 fork 0 0 - - d\n" ROW(13) "13 exit 0 0 - - -\n" },
	{ "a program ends the other threads",
	  "12 clone(flags=CLONE_VM|CLONE_THREAD) = 13\n12 execve(\"/a\", [\"a\"], 0x7 /* 1 var */) = 0\n12 exit_group(0) = ?\n",
	  "12 thread 0 0 - - d\n12 exec 0 0 - /a -\n13 exit 0 0 - - -\n12 exit 0 0 - - -\n" },
	{ "a thread that runs a program when the first one has ended",
	  "12 clone(flags=CLONE_VM|CLONE_THREAD) = 13\n12 exit(0) = ?\n13 execve(\"/a\", [\"a\"], 0x7 /* 1 var */ <unfinished ...>\n"
	  "12 +++ superseded by execve in pid 13 +++\n12 <... execve resumed>) = 0\n" ROW_LINE "12 exit_group(0) = ?\n",
	  "12 thread 0 0 - - d\n12 exit 0 0 - - -\n13 exit 0 0 - - -\n12 exec 0 0 - /a -\n" ROW(12) "12 exit 0 0 - - -\n" },
	{ "killed by a signal that the log does not show: who waits for it is told",
	  "12 fork() = 13\n12 fork() = 14\n12 fork() = 15\n12 wait4(-1, [{WIFSIGNALED(s) && WTERMSIG(s) == SIGKILL}], 0, NULL) = 13\n"
	  "12 waitid(P_PID, 14, {si_signo=SIGCHLD, si_code=CLD_KILLED, si_pid=14, si_uid=0}, WEXITED, NULL) = 0\n"
	  "12 wait4(15, [{WIFSTOPPED(s) && WSTOPSIG(s) == SIGSTOP}], WSTOPPED, NULL) = 15\n13 +++ killed by SIGKILL +++\n",
	  "12 fork 0 0 - - d\n12 fork 0 0 - - e\n12 fork 0 0 - - f\n13 exit 0 0 - - -\n14 exit 0 0 - - -\n" },
	{ "interrupted in the log",
	  "12 munmap(0x1000,  <unfinished ...>\n13 brk(NULL) = 0x5000\n12 <... munmap resumed>4096) = 0\n",
	  "13 brk 0 0 - - 5000\n" ROW(12) },
	{ "room that an unfinished munmap gave back",
	  "12 munmap(0x5000, 8192 <unfinished ...>\n13 mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x6000\n"
	  "12 <... munmap resumed>) = 0\n",
	  "12 munmap 5000 8192 - - 0\n13 mmap 0 4096 PROT_NONE|MAP_PRIVATE|MAP_ANONYMOUS - 6000\n" },
	{ "resumed without a beginning", "12 <... read resumed>\"\", 10) = 0\n", "" },
	{ "-y names the file, commas and parentheses in it",
	  "12 mmap(NULL, 100, PROT_READ, MAP_PRIVATE, 3</a (1), b>, 0) = 0x7000\n",
	  "12 file 0 100 O_RDWR|S_IFREG /a (1), b -\n"
	  "12 mmap 0 100 PROT_READ|MAP_PRIVATE /a (1), b 7000\n" },
	{ "without -y: the open is remembered, dup too, and its mode",
	  "12 openat(AT_FDCWD, \"/lib/x.so\", O_RDONLY|O_CLOEXEC) = 3\n12 fstat(3, {st_mode=S_IFREG|0755, st_size=5000, ...}) = 0\n"
	  "12 dup2(3, 9) = 9\n12 mmap(NULL, 9000, PROT_READ, MAP_PRIVATE, 9, 0) = 0x7000\n",
	  "12 file 0 5000 O_RDONLY|S_IFREG /lib/x.so -\n12 mmap 0 9000 PROT_READ|MAP_PRIVATE /lib/x.so 7000\n" },
	{ "a name in UTF-8, escaped by strace",
	  "12 mmap(NULL, 1, PROT_READ, MAP_SHARED, 3</\\303\\244>, 0) = 0x7000\n",
	  "12 file 0 1 O_RDWR|S_IFREG /\303\244 -\n12 mmap 0 1 PROT_READ|MAP_SHARED /\303\244 7000\n" },
	{ "flags that strace explains",
	  "12 mmap(NULL, 1, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS|0x8000000 /* MAP_??? */, -1, 0) = 0x7000\n",
	  "12 mmap 0 1 PROT_READ|MAP_PRIVATE|MAP_ANONYMOUS|0x8000000 - 7000\n" },
	{ "fork", "12 clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f) = 13\n",
	  "12 fork 0 0 - - d\n" },
	{ "a child speaks before its clone returns, and is born once",
	  "12 clone3({flags=CLONE_VM|CLONE_THREAD|CLONE_FILES, stack=0x7}, 88 <unfinished ...>\n13 brk(NULL) = 0x5000\n"
	  "12 <... clone3 resumed> => {parent_tid=[13]}, 88) = 13\n",
	  "12 thread 0 0 - - d\n13 brk 0 0 - - 5000\n" },
	{ "vfork shares the address space", "12 vfork( <unfinished ...>\n13 execve(\"/bin/ls\", [\"ls\"], 0x7ffe /* 9 vars */) = 0\n"
	  "12 <... vfork resumed>) = 13\n", "12 fork 0 0 CLONE_VM|CLONE_VFORK - d\n13 exec 0 0 - /bin/ls -\n" },
	{ "-z: a clone's line comes behind the child's first ones; the row of its birth does not",
	  "12 execve(\"/a\", [\"a\"], 0x7 /* 1 var */) = 0\n13 munmap(0x1000, 4096) = 0\n13 +++ exited with 0 +++\n"
	  "12 clone(child_stack=NULL, flags=SIGCHLD)    = 13\n15 munmap(0x1000, 4096) = 0\n14 munmap(0x1000, 4096) = 0\n"
	  "12 clone3({flags=CLONE_VM|CLONE_THREAD, stack=0x7} => {parent_tid=[14]}, 88) = 14\n14 vfork() = 15\n",
	  "12 exec 0 0 - /a -\n12 fork 0 0 - - d\n" ROW(13) "13 exit 0 0 - - -\n12 thread 0 0 - - e\n"
	  "14 fork 0 0 CLONE_VM|CLONE_VFORK - f\n" ROW(15) ROW(14) },
	{ "-z: half of a line in the next one, which nothing tells whose it is",
	  "12 munmap(0x1000,  <unfinished ...>\n4096)     = 0\n12 munmap(0x1000,  <unfinished ...>\nhello (world) = 3\n"
	  "12 <... munmap resumed>4096) = 0\n", ROW(12) ROW(12) },
	{ "-z on standard error: the first task is not its child",
	  "execve(\"/a\", [\"a\"], 0x7 /* 1 var */) = 0\n[pid    13] execve(\"/b\", [\"b\"], 0x7 /* 1 var */) = 0\n"
	  "[pid    12] vfork() = 13\n[pid    12] munmap(0x1000, 4096) = 0\n[pid    13] munmap(0x1000, 4096) = 0\n",
	  "1000 exec 0 0 - /a -\n1000 fork 0 0 CLONE_VM|CLONE_VFORK - d\n13 exec 0 0 - /b -\n" ROW(1000) ROW(13) },
	{ "two in a clone: whose child it is is told by whose clone returns with it",
	  "12 fork() = 13\n12 clone(flags=CLONE_VM <unfinished ...>\n13 clone(flags=SIGCHLD <unfinished ...>\n15 munmap(0x1000, 4096) = 0\n"
	  "14 munmap(0x1000, 4096) = 0\n12 <... clone resumed>) = 14\n13 <... clone resumed>) = 15\n",
	  "12 fork 0 0 - - d\n13 fork 0 0 - - f\n" ROW(15) "12 fork 0 0 CLONE_VM|CLONE_VFORK - e\n" ROW(14) },
	{ "each made by the other", "12 munmap(0x1000, 4096) = 0\n13 munmap(0x1000, 4096) = 0\n14 fork() = 13\n13 fork() = 14\n",
	  ROW(12) "13 fork 0 0 - - e\n14 fork 0 0 - - d\n" ROW(13) },
	{ "a failed execve", "12 execve(\"/x\", [\"x\"], 0x7 /* 1 var */) = -1 ENOENT (No such file or directory)\n", "" },
	{ "reads with the offset of the descriptor",
	  "12 openat(AT_FDCWD, \"/f\", O_RDONLY) = 3\n12 read(3, \"ab\"..., 10) = 2\n12 pread64(3, \"x\", 1, 7) = 1\n",
	  "12 file 0 2 O_RDONLY|S_IFREG /f -\n12 read 0 2 - /f 2\n12 truncate 0 8 - /f -\n12 read 0 1 - /f 1\n" },
	{ "a file by a relative name, read with vectors, at offsets and where the last call ended",
	  "12 openat(AT_FDCWD, \"f\", O_RDWR) = 3\n12 newfstatat(3, \"\", {st_mode=S_IFREG|0600, st_size=900, ...}, AT_EMPTY_PATH) = 0\n"
	  "12 readv(3, [{iov_base=\"ab\", iov_len=2}, {iov_base=\"c\", iov_len=1}], 2) = 3\n"
	  "12 preadv(3, [{iov_base=\"a\", iov_len=1}], 1, 70) = 1\n"
	  "12 pwritev2(3, [{iov_base=\"a\", iov_len=1}], 1, -1, 0) = 1\n"
	  "12 writev(3, [{iov_base=\"ab\", iov_len=2}], 1) = 2\n",
	  "12 file 0 900 O_RDWR|S_IFREG f -\n12 read 0 3 - f 3\n12 read 0 1 - f 1\n12 write 0 1 - f 1\n12 write 0 2 - f 2\n" },
	{ "statx", "12 openat(AT_FDCWD, \"/f\", O_RDONLY) = 3\n"
	  "12 statx(3, \"\", AT_STATX_SYNC_AS_STAT|AT_EMPTY_PATH, STATX_ALL, {stx_mask=STATX_ALL, stx_size=700, ...}) = 0\n"
	  "12 read(3, \"a\", 1) = 1\n",
	  "12 file 0 700 O_RDONLY|S_IFREG /f -\n12 read 0 1 - /f 1\n" },
	{ "O_TRUNC", "12 openat(AT_FDCWD, \"/f\", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 3\n12 write(3, \"abc\", 3) = 3\n"
	  "12 creat(\"/f\", 0666) = 4\n12 write(4, \"a\", 1) = 1\n12 truncate(\"/f\", 0) = 0\n",
	  "12 file 0 0 O_WRONLY|S_IFREG /f -\n12 write 0 3 - /f 3\n12 truncate 0 0 - /f -\n12 write 0 1 - /f 1\n"
	  "12 truncate 0 0 - /f -\n" },
	{ "fsync and fadvise", "12 openat(AT_FDCWD, \"/f\", O_WRONLY) = 3\n12 fsync(3) = 0\n"
	  "12 fadvise64(3, 0, 0, POSIX_FADV_SEQUENTIAL) = 0\n"
	  "12 fdatasync(3) = 0\n12 fadvise64(3, 0, 4096, 0x4) = 0\n",
	  "12 file 0 0 O_WRONLY|S_IFREG /f -\n12 fadvise 0 0 POSIX_FADV_SEQUENTIAL /f 0\n12 fsync 0 0 - /f 0\n"
	  "12 fadvise 0 4096 POSIX_FADV_DONTNEED /f 0\n" },
	{ "copies are a read and a write", "12 openat(AT_FDCWD, \"/a\", O_RDONLY) = 3\n12 openat(AT_FDCWD, \"/b\", O_WRONLY|O_TRUNC) = 4\n"
	  "12 sendfile(4, 3, [0] => [5], 99) = 5\n12 copy_file_range(3, NULL, 4, [7], 3, 0) = 3\n12 sendfile(1, 3, NULL, 9) = 2\n",
	  "12 file 0 5 O_RDONLY|S_IFREG /a -\n12 read 0 5 - /a 5\n12 file 0 0 O_WRONLY|S_IFREG /b -\n12 write 0 5 - /b 5\n"
	  "12 read 0 3 - /a 3\n12 write 0 3 - /b 3\n12 read 0 2 - /a 2\n" },
	{ "each memfd is a file of its own", "12 memfd_create(\"m\", 0) = 3\n12 memfd_create(\"m\", 0) = 4\n"
	  "12 mmap(NULL, 1, PROT_READ, MAP_SHARED, 3, 0) = 0x7000\n"
	  "12 mmap(NULL, 1, PROT_READ, MAP_SHARED, 4</memfd:m>(deleted), 0) = 0x8000\n",
	  "12 file 0 1 O_RDWR|S_IFREG /memfd:m -\n12 mmap 0 1 PROT_READ|MAP_SHARED /memfd:m 7000\n"
	  "12 file 0 1 O_RDWR|S_IFREG /memfd:m (2) -\n12 mmap 0 1 PROT_READ|MAP_SHARED /memfd:m (2) 8000\n" },
	{ "a limit", "12 prlimit64(0, RLIMIT_STACK, {rlim_cur=8192*1024, rlim_max=RLIM64_INFINITY}, NULL) = 0\n",
	  "12 setrlimit 0 8388608 - RLIMIT_STACK -\n" },
	{ "-Y names the task", "12<a b> munmap(0x1000, 4096) = 0\n13<x> +++ exited with 0 +++\n",
	  ROW(12) "13 exit 0 0 - - -\n" },
	{ "-Y in brackets", "[pid    12<sh>] munmap(0x1000, 4096)      = 0\n", ROW(12) },
	{ "-t -r", "12 10:00:01 (+     0.000223) munmap(0x1000, 4096) = 0\n", ROW(12) },
	{ "-n", "12 [  11] munmap(0x1000, 4096) = 0\n", ROW(12) },
	{ "-i", "12 [00007ffff7fe9c47] munmap(0x1000, 4096) = 0\n[????????????????] +++ exited with 0 +++\n",
	  ROW(12) "1000 exit 0 0 - - -\n" },
	{ "all of them",
	  "12<sh> 10:00:01.000002 (+     0.000223) [  11] [00007ffff7fe9c47] munmap(0x1000, 4096) = 0 <0.000011>\n", ROW(12) },
	{ "-k: a stack is no task's call, nor a child's first word",
	  "12 clone(flags=SIGCHLD <unfinished ...>\n > /lib/libc.so.6(fork+0x2b) [0xd0d9b]\n13 brk(NULL) = 0x5000\n"
	  " > /lib/libc.so.6(brk+0x7) [0x10b697]\n12 <... clone resumed>) = 13\n",
	  "12 fork 0 0 - - d\n13 brk 0 0 - - 5000\n" },
	{ "-e write=all", "12 write(1, \"ab\", 2) = 2\n | 00000  61 62                        ab               |\n", "" },
	{ "text of the program between the lines is no child",
	  "12 clone(flags=SIGCHLD <unfinished ...>\nhello (world)\n12 <... clone resumed>) = 13\n", "12 fork 0 0 - - d\n" },
	{ "a notice in the middle of a line, twice",
	  "munmap(0x1000,strace: Process 8 attached\nstrace: Process 9 attached\n 4096) = 0\n"
	  "clone(flags=SIGCHLDstrace: Process 13 attached\n) = 13\n[pid    13] munmap(0x1000, 4096) = 0\n",
	  ROW(1000) "1000 fork 0 0 - - d\n" ROW(13) },
	{ "a notice before unfinished", "vfork(strace: Process 13 attached\n <unfinished ...>\n[pid    13] brk(NULL) = 0x5000\n"
	  "[pid    12] <... vfork resumed>) = 13\n", "1000 fork 0 0 CLONE_VM|CLONE_VFORK - d\n13 brk 0 0 - - 5000\n" },
	{ "notices of old straces",
	  "Process 12 attached - interrupt to quit\n[ Process PID=12 runs in 32 bit mode. ]\n"
	  "clone(Process 13 attached (waiting for parent)\nProcess 13 resumed (parent 12 ready)\nchild_stack=0, flags=SIGCHLD) = 13\n"
	  "[pid    13] munmap(0x1000, 4096) = 0\nProcess 13 detached\n", "1000 fork 0 0 - - d\n" ROW(13) },
	{ "mmap2 and old_mmap of a 32-bit process",
	  "12 open(\"/a\", O_RDONLY) = 3\n12 old_mmap(NULL, 1, PROT_READ, MAP_PRIVATE, 3, 0x1000) = 0x4000\n"
	  "12 mmap2(NULL, 1, PROT_READ, MAP_PRIVATE, 3, 0) = 0xfffffffff7fdd000\n",
	  "12 file 0 4097 O_RDONLY|S_IFREG /a -\n12 mmap 0 1 PROT_READ|MAP_PRIVATE /a 4000\n"
	  "12 mmap 0 1 PROT_READ|MAP_PRIVATE /a f7fdd000\n" },
	{ "-X verbose", "12 mmap(NULL, 1, 0x3 /* PROT_READ|PROT_WRITE */, 0x22 /* MAP_PRIVATE|MAP_ANONYMOUS */, -1, 0) = 0x7000\n"
	  "12 mprotect(0x7000, 4096, 0 /* PROT_NONE */) = 0\n12 madvise(0x7000, 4096, 0x4 /* MADV_DONTNEED */) = 0\n"
	  "12 openat(-100 /* AT_FDCWD */</a, b>, \"c\", 0x80001 /* O_WRONLY|O_CLOEXEC */) = 3</a, b/c>\n"
	  "12 mmap(NULL, 1, 0x1 /* PROT_READ */, 0x2 /* MAP_PRIVATE */, 3</a, b/c>, 0) = 0x8000\n"
	  "12 clone(child_stack=NULL, flags=0x1200000 /* CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID */|17 /* SIGCHLD */) = 13\n",
	  "12 mmap 0 1 PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS - 7000\n12 mprotect 7000 4096 PROT_NONE - 0\n"
	  "12 madvise 7000 4096 MADV_DONTNEED - 0\n12 file 0 1 O_WRONLY|S_IFREG /a, b/c -\n"
	  "12 mmap 0 1 PROT_READ|MAP_PRIVATE /a, b/c 8000\n12 fork 0 0 - - d\n" },
	{ "-X raw: prot 3 and flags 0x22 are not one number", "12 mmap(NULL, 1, 0x3, 0x22, -1, 0) = 0x7000\n"
	  "12 mmap(NULL, 1, 0, 0x20022, -1, 0) = 0x6000\n12 mprotect(0x7000, 4096, 0x5) = 0\n12 madvise(0x7000, 4096, 0x8) = 0\n"
	  "12 mremap(0x7000, 4096, 8192, 0x1) = 0x9000\n12 prlimit64(0, 0x3, {rlim_cur=18446744073709551615, rlim_max=1}, NULL) = 0\n",
	  "12 mmap 0 1 PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS - 7000\n"
	  "12 mmap 0 1 PROT_NONE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_STACK - 6000\n12 mprotect 7000 4096 PROT_READ|PROT_EXEC - 0\n"
	  "12 madvise 7000 4096 MADV_FREE - 0\n12 mremap 7000 4096 MREMAP_MAYMOVE - 9000\n12 setrlimit 0 0 - RLIMIT_STACK -\n" },
	{ "-X raw: files and tasks", "12 openat(-100, \"/f\", 0x80000) = 3\n12 openat(-100, \"/g\", 0x241, 0600) = 4\n"
	  "12 fcntl(3, 0x406, 0) = 5\n12 mmap(NULL, 1, 0x1, 0x2, 5, 0) = 0x7000\n"
	  "12 mmap(NULL, 1, 0x1, 0x2, 4, 0) = -1 EACCES (Permission denied)\n"
	  "12 clone3({flags=0x3d0f00, stack=0x7, stack_size=0x7fff80} => {parent_tid=[13]}, 88) = 13\n"
	  "12 clone(child_stack=NULL, flags=0x1200000|17, child_tidptr=0x7) = 14\n",
	  "12 file 0 1 O_RDONLY|S_IFREG /f -\n12 mmap 0 1 PROT_READ|MAP_PRIVATE /f 7000\n12 mmap 0 1 PROT_READ|MAP_PRIVATE /g EACCES\n"
	  "12 thread 0 0 - - d\n12 fork 0 0 - - e\n" },
	{ "-e raw=all", "12 mmap(0, 0x1000, 0x3, 0x22, 0xffffffff, 0) = 0x7000\n12 clone(0x1200011, 0, 0, 0x7) = 0xd\n",
	  "12 mmap 0 4096 PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS - 7000\n12 fork 0 0 - - d\n" },
	{ "protection bits that mmap does not look at are no flags",
	  "12 mmap(NULL, 1, PROT_READ|0x40 /* PROT_??? */, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7000\n",
	  "12 mmap 0 1 PROT_READ|MAP_PRIVATE|MAP_ANONYMOUS - 7000\n" },
	{ "-xx: names in hex", "12 execve(\"\\x2f\\x61\", [\"\\x61\"], 0x7 /* 1 var */) = 0\n"
	  "12 mmap(NULL, 1, PROT_READ, MAP_SHARED, 3<\\x2f\\xc3\\xa4>, 0) = 0x7000\n",
	  "12 exec 0 0 - /a -\n12 file 0 1 O_RDWR|S_IFREG /\303\244 -\n12 mmap 0 1 PROT_READ|MAP_SHARED /\303\244 7000\n" },
	{ "a program with a name in UTF-8", "12 execve(\"/\\303\\244\", [\"a\"], 0x7 /* 1 var */) = 0\n", "12 exec 0 0 - /\303\244 -\n" },
	{ "garbage, and a call cut off", "\001\377\376\n12 munmap(0x1000, 40\n99999999999999999999 x\n[pid\n" ROW_LINE, ROW(12) },
};

/*
 * Where transfers begin: parent, child and what dup() made go on where the other stopped; O_APPEND at the end. Of
 * mmap2 the offset is in units of 4096 bytes (0x123) or, since strace 4.10, in bytes (0x124000).
 */
START_TEST(positions)
{
	static const char log[] = "12 openat(AT_FDCWD, \"/f\", O_RDWR) = 3\n12 read(3, \"a\", 10) = 10\n12 dup2(3, 9) = 9\n"
		"12 clone(flags=SIGCHLD) = 13\n13 read(9, \"a\", 7) = 7\n13 lseek(9, 100, SEEK_SET) = 100\n12 read(3, \"a\", 5) = 5\n"
		"12 close(3) = 0\n12 sendfile(1, 9, NULL, 4) = 4\n12 sendfile(1, 9, [50], 4) = 4\n12 read(9, \"\", 1) = 1\n"
		"12 openat(AT_FDCWD, \"/f\", O_WRONLY|O_APPEND) = 4\n12 write(4, \"a\", 1) = 1\n12 write(4, \"a\", 1) = 1\n"
		"12 fcntl64(9, F_DUPFD, 5) = 5\n12 _llseek(5, 70, [70], SEEK_SET) = 0\n12 read(9, \"a\", 1) = 1\n"
		"12 pread(9, \"a\", 1, 30) = 1\n12 mmap2(NULL, 1, PROT_READ, MAP_PRIVATE, 9, 0x123) = 0x5000\n"
		"12 mmap2(NULL, 1, PROT_READ, MAP_PRIVATE, 9, 0x124000) = 0x6000\n";
	static const uint64_t want[] = { 0, 10, 100, 105, 50, 109, 110, 111, 70, 30, 0x123000, 0x124000 };
	struct mm_trace_options opt = { .from = "strace" };
	struct mm_trace_reader *r;
	struct mm_error err;
	struct mm_event ev[64];
	struct mm_input *in;
	size_t nr = 0;
	long n;

	ck_assert_int_eq(mm_input_open_memory(&in, "log", log, strlen(log)), 0);
	ck_assert_int_eq(mm_trace_reader_new(&r, in, &opt, &err), 0);
	while ((n = mm_trace_read(r, ev, 64, &err)) > 0)
		for (long i = 0; i < n; i++)
			if (ev[i].type == MM_EV_READ || ev[i].type == MM_EV_WRITE || ev[i].type == MM_EV_MMAP) {
				ck_assert_uint_lt(nr, sizeof(want) / sizeof(want[0]));
				ck_assert_uint_eq(ev[i].offset, want[nr++]);
			}
	ck_assert_uint_eq(nr, sizeof(want) / sizeof(want[0]));
	mm_trace_reader_free(r);
	mm_input_free(in);
}
END_TEST

START_TEST(log_lines) { check_log(rows[_i].what, rows[_i].log, rows[_i].want); }
END_TEST

/* More threads than one line has rows, all of them at once; then more processes than are remembered, each told of twice. */
START_TEST(many_ends)
{
	enum { THREADS = 3000, PROCESSES = 5000 };
	static char log[(PROCESSES + THREADS) * 120];
	struct mm_trace_options opt = { .from = "strace", .strict = true };
	struct mm_trace_reader *r;
	struct mm_error err = { 0 };
	struct mm_event ev[20];
	struct mm_input *in;
	size_t len = 0, nr = 0;
	long n;

	for (int i = 0; i < THREADS; i++)
		len += (size_t)sprintf(log + len, "12 clone(flags=CLONE_VM|CLONE_THREAD) = %d\n", 10000 + i);
	len += (size_t)sprintf(log + len, "12 fork() = 2\n10000 exit_group(0) = ?\n");
	for (int i = 0; i < THREADS; i++)
		len += (size_t)sprintf(log + len, "%d +++ exited with 0 +++\n", 10000 + i);
	for (int i = 20000; i < 20000 + PROCESSES; i++)
		len += (size_t)sprintf(log + len, "2 fork() = %d\n%d exit_group(0) = ?\n%d +++ exited with 0 +++\n", i, i, i);
	ck_assert_int_eq(mm_input_open_memory(&in, "log", log, len), 0);
	ck_assert_int_eq(mm_trace_reader_new(&r, in, &opt, &err), 0);
	while ((n = mm_trace_read(r, ev, 20, &err)) > 0)
		for (long i = 0; i < n; i++)
			nr += ev[i].type == MM_EV_EXIT;
	ck_assert_msg(n == 0, "%s", err.text);
	ck_assert_uint_eq(nr, THREADS + 1 + PROCESSES);
	mm_trace_skips(r, &nr);
	ck_assert_uint_eq(nr, 0);
	mm_trace_reader_free(r);
	mm_input_free(in);
}
END_TEST

/* Of a file: a line does not stay where it was when others are read. */
static struct mm_input *open_as_file(const char *log, size_t len)
{
	char path[] = "strace.XXXXXX";
	struct mm_error err = { 0 };
	struct mm_input *in;
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, log, len), (ssize_t)len);
	close(fd);
	ck_assert_int_eq(mm_input_open(&in, path, &err), 0);
	unlink(path);
	return in;
}

/* A clone further behind its child's first line than is looked: a loss. No clone at all: told. */
START_TEST(clone_far_behind)
{
	enum { LINES = 5000 };
	static char log[(LINES + 4) * 256];
	struct mm_trace_options opt = { .from = "strace" };
	const struct mm_skip *skips;
	struct mm_trace_reader *r;
	struct mm_error err = { 0 };
	struct mm_event ev[64];
	struct mm_input *in;
	size_t len = 0, nr;
	long n, nr_rows = 0;

	len += (size_t)sprintf(log, "12 munmap(0x1000, 4096) = 0\n");
	for (int i = 0; i < LINES; i++)
		len += (size_t)sprintf(log + len, "13 munmap(0x%x000, 4096)%200s= 0\n", i, "");
	len += (size_t)sprintf(log + len, "12 fork() = 13\n14 munmap(0x1000, 4096) = 0\n");
	for (int strict = 0; strict < 2; strict++, nr_rows = 0) {
		opt.strict = strict;
		in = open_as_file(log, len);
		ck_assert_int_eq(mm_trace_reader_new(&r, in, &opt, &err), 0);
		while ((n = mm_trace_read(r, ev, 64, &err)) > 0)
			for (long i = 0; i < n; i++, nr_rows++)
				ck_assert(ev[i].pid != 13 || ev[i].addr == (uint64_t)(nr_rows - 1) << 12);
		ck_assert_int_eq(n, strict ? -EINVAL : 0);
		ck_assert_int_eq(nr_rows, LINES + (strict ? 1 : 3));
		skips = mm_trace_skips(r, &nr);
		ck_assert_uint_eq(nr, strict ? 1 : 2);
		ck_assert(skips[0].harmless && skips[0].count == (strict ? 1 : 2));
		ck_assert(strict || (!skips[1].harmless && skips[1].count == 1 && skips[1].first_line == LINES + 2));
		mm_trace_reader_free(r);
		mm_input_free(in);
	}
}
END_TEST

/* What the first lines look like in each form of head. */
START_TEST(told_by_content)
{
	static const char *const heads[] = {
		"12<sh> execve(\"./a\", [\"./a\"], 0x7 /* 41 vars */) = 0\n12<a> brk(NULL) = 0x5000\n",
		"12 [  59] execve(\"./a\", [\"./a\"], 0x7 /* 41 vars */) = 0\n12 [  12] brk(NULL) = 0x5000\n",
		"[00007ffff7e83ad7] execve(\"./a\", [\"./a\"], 0x7 /* 41 vars */) = 0\n[00007ffff7fe9c47] brk(NULL) = 0x5000\n",
		"12 10:00:01 (+     0.000000) execve(\"./a\", [\"./a\"], 0x7 /* 41 vars */) = 0\n",
		"12 brk(NULL) = 0x5000\n > /lib/ld.so(a+0x77c7) [0x1fc47]\n > /lib/ld.so(b+0x1e7f) [0x1a2ff]\n > /lib/ld.so(c+0x1) [0x2]\n",
		("strace: Process 12 attached\n[pid    12] mmap(NULL, 4096, 0strace: Process 13 attached\n) = 0x7000\nhello\n"
		 "[pid    13] brk(NULL) = 0x5000\n"),
		"Process 12 attached - interrupt to quit\nread(0, \"\", 1) = 0\n",
	};
	struct mm_trace_options opt = { 0 };
	struct mm_trace_reader *r;
	struct mm_error err = { 0 };
	struct mm_input *in;

	ck_assert_int_eq(mm_source_sniff((struct mm_str){ heads[_i], strlen(heads[_i]) }), MM_SOURCE_STRACE);
	ck_assert_int_eq(mm_input_open_memory(&in, "log", heads[_i], strlen(heads[_i])), 0);
	ck_assert_msg(!mm_trace_reader_new(&r, in, &opt, &err), "%s: %s", heads[_i], err.text);
	ck_assert_str_eq(mm_trace_format(r), "strace");
	mm_trace_reader_free(r);
	mm_input_free(in);
}
END_TEST

/* Any beginning of a log, any byte of it changed: rows or none, never a crash. */
START_TEST(cut_anywhere)
{
	static const char log[] = "12 10:00:01.5 mmap(NULL, 100, PROT_READ, MAP_PRIVATE, 3</a>, 0) = 0x7000 <0.1>\n"
		"12 clone(flags=CLONE_VM <unfinished ...>\n13 +++ exited with 0 +++\n12 <... clone resumed>) = 13\n";
	struct mm_trace_options opt = { .from = "strace" };
	char text[sizeof(log)];

	for (size_t i = 0; i < 3 * sizeof(log); i++) {
		size_t len = i < sizeof(log) ? i : sizeof(log) - 1;
		struct mm_trace_reader *r;
		struct mm_error err;
		struct mm_event ev[64];
		struct mm_input *in;

		memcpy(text, log, sizeof(log));
		if (i >= sizeof(log))
			text[i % (sizeof(log) - 1)] = i < 2 * sizeof(log) ? '<' : '(';
		ck_assert_int_eq(mm_input_open_memory(&in, "log", text, len), 0);
		if (!mm_trace_reader_new(&r, in, &opt, &err)) {
			while (mm_trace_read(r, ev, 64, &err) > 0)
				;
			mm_trace_reader_free(r);
		}
		mm_input_free(in);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("strace");
	TCase *t = tcase_create("strace");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_loop_test(t, log_lines, 0, (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_loop_test(t, told_by_content, 0, 7);
	tcase_add_test(t, positions);
	tcase_add_test(t, many_ends);
	tcase_add_test(t, clone_far_behind);
	tcase_add_test(t, cut_anywhere);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
