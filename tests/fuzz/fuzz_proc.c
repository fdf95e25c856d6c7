/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libFuzzer target: any bytes as each file below /proc that mm-top and mm-vmstat read, in a directory of its own,
 * and as a program file (ELF). The first byte chooses which.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libmm/proc.h>

#include "source/elf.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const unsigned char *p, size_t n);

static char root[64];
static const char *const names[] = {
	"proc/meminfo", "proc/stat", "proc/vmstat", "proc/diskstats", "proc/uptime", "proc/loadavg", "etc/passwd",
	"proc/7/stat", "proc/7/status", "proc/7/statm", "proc/7/smaps_rollup", "proc/7/cmdline", "bin/elf",
	"free", "ps", "proc/7/cgroup", "proc/7/environ",
};
enum { NR_NAMES = sizeof(names) / sizeof(names[0]), OF_TASKS = 7, ELF = 12 };	/* places of the first of them */

static void path_of(const char *name, char path[128]) { snprintf(path, 128, "%s/%s", root, name); }

static void put(const char *name, const void *p, size_t n)
{
	char path[128];
	int fd;

	path_of(name, path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || (n && write(fd, p, n) != (ssize_t)n))
		abort();
	close(fd);
}

static void remove_root(void)
{
	static const char *const dirs[] = { "proc/7", "proc", "etc", "sys/block/sda", "sys/block", "sys", "bin", "" };
	char path[128];

	for (size_t i = 0; i < NR_NAMES; i++) {
		path_of(names[i], path);
		unlink(path);
	}
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		path_of(dirs[i], path);
		rmdir(path);
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char *const dirs[] = { "proc", "proc/7", "etc", "sys", "sys/block", "sys/block/sda", "bin" };
	char path[128];

	(void)argc, (void)argv;
	snprintf(root, sizeof(root), "fuzz-proc.%d", (int)getpid());
	if (mkdir(root, 0700))
		abort();
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		path_of(dirs[i], path);
		mkdir(path, 0700);
	}
	put("proc/7/stat", "7 (x) S 1 7 7 0 -1 0 0 0 0 0 1 2 0 0 20 0 1 0 5 8192 3\n", 55);
	atexit(remove_root);
	return 0;
}

static void read_system(struct mm_proc *p)
{
	struct mm_proc_meminfo mi;
	struct mm_proc_stat st = { 0 };
	struct mm_proc_vmstat vs = { 0 };
	struct mm_proc_disks ds = { 0 };
	struct mm_users *users = NULL;
	struct mm_error err;
	uint32_t centi[3];
	uint64_t up;

	(void)mm_proc_meminfo(p, &mi, &err);
	(void)mm_proc_meminfo_by_free(p, &mi);
	(void)mm_proc_stat(p, &st, &err);
	mm_proc_stat_free(&st);
	(void)mm_proc_vmstat(p, &vs, &err);
	mm_proc_vmstat_free(&vs);
	(void)mm_proc_disks(p, &ds, &err);
	mm_proc_disks_free(&ds);
	(void)mm_proc_uptime(p, &up, &err);
	(void)mm_proc_loadavg(p, centi, &err);
	if (!mm_users_new(&users, p))
		(void)mm_users_name(users, 0);
	mm_users_free(users);
}

static void read_tasks(struct mm_proc *p)
{
	const struct mm_pid_options opt = { .want = MM_PID_STATUS | MM_PID_STATM | MM_PID_OOM };
	struct mm_pid_table *t;
	struct mm_error err;
	char text[300];

	if (mm_pid_table_new(&t, p))
		return;
	for (int i = 0; i < 2; i++) {
		struct mm_pid_row *v;
		size_t nr;

		if (mm_pid_table_refresh(t, &opt, &err))
			break;
		v = mm_pid_table_rows(t, &nr);
		for (size_t k = 0; k < nr; k++) {
			(void)mm_pid_smaps(p, &v[k]);
			for (int f = MM_PID_CMDLINE; f <= MM_PID_WCHAN; f++)
				if (mm_pid_text(p, &v[k], (enum mm_pid_text)f, text, sizeof(text)) >= sizeof(text))
					abort();
		}
		if (!mm_pid_table_is_consistent(t))
			abort();
	}
	mm_pid_table_free(t);
}

int LLVMFuzzerTestOneInput(const unsigned char *p, size_t n)
{
	static struct mm_elf elf;
	struct mm_proc *proc;
	struct mm_error err;
	char path[128];
	size_t which;

	if (!n)
		return 0;
	which = p[0] % NR_NAMES;
	put(names[which], p + 1, n - 1);
	if (which == ELF) {
		path_of(names[which], path);
		(void)mm_elf_read(path, &elf);
		return 0;
	}
	if (mm_proc_new(&proc, root, &err))
		return 0;
	if (which < OF_TASKS || which > ELF)
		read_system(proc);
	if (which >= OF_TASKS)
		read_tasks(proc);
	mm_proc_free(proc);
	return 0;
}
