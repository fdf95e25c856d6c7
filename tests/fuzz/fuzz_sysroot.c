/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libFuzzer target: a captured system of several files at a time: page size, map, topology, tunables, slab caches, memory
 * cgroups, processes without PID/stat.  The input is a row of chunks: which file, its length in two bytes, its bytes.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libmm/cgroup.h>
#include <libmm/proc.h>
#include <libmm/slabinfo.h>
#include <libmm/source.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const unsigned char *p, size_t n);

static char root[64];
/* Directories stand before what is in them. */
static const char *const dirs[] = {
	"", "proc", "proc/7", "proc/sys", "proc/sys/vm", "sys", "sys/firmware", "sys/firmware/memmap", "sys/firmware/memmap/0",
	"sys/devices", "sys/devices/system", "sys/devices/system/node", "sys/devices/system/node/node0", "sys/kernel",
	"sys/kernel/slab", "sys/kernel/slab/x", "sos_commands", "sos_commands/kernel", "sos_commands/host",
	"sos_commands/process", "sys/fs", "sys/fs/cgroup", "sys/fs/cgroup/a", "sys/fs/cgroup/memory", "sys/fs/cgroup/memory/a",
};
static const char *const names[] = {
	"proc/zoneinfo", "proc/buddyinfo", "proc/meminfo", "proc/vmstat", "proc/cpuinfo", "proc/cmdline", "proc/slabinfo",
	"proc/iomem", "proc/7/auxv", "proc/7/smaps", "proc/7/status", "proc/7/oom_score", "proc/sys/vm/min_free_kbytes",
	"sys/firmware/memmap/0/start", "sys/firmware/memmap/0/end", "sys/firmware/memmap/0/type",
	"sys/devices/system/node/online", "sys/devices/system/node/node0/cpulist", "sys/devices/system/node/node0/distance",
	"sys/kernel/slab/x/order", "sys/kernel/slab/x/objs_per_slab", "sys/kernel/slab/x/slab_size", "sys/kernel/slab/x/object_size",
	"sys/kernel/slab/x/slabs", "sys/kernel/slab/x/ctor", "sos_commands/kernel/sysctl_-a", "sos_commands/kernel/dmesg",
	"sos_commands/host/uptime", "sos_commands/process/ps_auxwwwm", "sos_commands/process/ps_alxwww", "ps",
	"sys/fs/cgroup/a/memory.current", "sys/fs/cgroup/a/memory.max", "sys/fs/cgroup/a/memory.stat", "sys/fs/cgroup/a/memory.events",
	"sys/fs/cgroup/memory/memory.usage_in_bytes", "sys/fs/cgroup/memory/a/memory.limit_in_bytes", "sys/fs/cgroup/memory/a/memory.stat",
	"sys/fs/cgroup/memory/a/memory.memsw.usage_in_bytes", "proc/swaps",
};
enum { NR_DIRS = sizeof(dirs) / sizeof(dirs[0]), NR_NAMES = sizeof(names) / sizeof(names[0]) };

static const char *path_of(const char *name)
{
	static char path[160];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	return path;
}

static void remove_files(void)
{
	for (size_t i = 0; i < NR_NAMES; i++)
		unlink(path_of(names[i]));
}

static void remove_root(void)
{
	remove_files();
	for (size_t i = NR_DIRS; i--;)
		rmdir(path_of(dirs[i]));
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	snprintf(root, sizeof(root), "fuzz-sysroot.%d", (int)getpid());
	for (size_t i = 0; i < NR_DIRS; i++)
		if (mkdir(path_of(dirs[i]), 0700))
			abort();
	atexit(remove_root);
	return 0;
}

static void put(const char *name, const void *p, size_t n)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || (n && write(fd, p, n) != (ssize_t)n))
		abort();
	close(fd);
}

/* What fails says why. */
static void told(int e, const struct mm_error *err)
{
	if (e && !err->text[0])
		abort();
}

/* All cgroups of v1, and what either version tells of one. */
static void read_cgroups(const struct mm_sysroot *r)
{
	struct mm_cgroup_list l = { 0 };
	struct mm_cgroup_row row;
	struct mm_error err = { 0 };

	told(mm_cgroups_read(&l, r, &err), &err);
	for (size_t i = 0; i < l.nr; i++)
		if (!l.v[i].memcg || (l.v[i].parent != SIZE_MAX && l.v[i].parent >= i))
			abort();
	mm_cgroups_free(&l);
	(void)mm_cgroup_read(&row, r, "/a");
}

static void read_sysroot(void)
{
	struct mm_region_list regions = { 0 };
	struct mm_slabinfo slabs = { 0 };
	struct mm_sysctls sysctls;
	struct mm_error err = { 0 };
	struct mm_sysroot *r;
	struct mm_captured_swap swap = { 0 };
	uint32_t page = 0;

	if (mm_sysroot_open(&r, root, &err))
		abort();
	if (mm_sysroot_page_size(r, &page))
		abort();
	if (page && (page < 4096 || page > 1 << 20 || page & (page - 1)))
		abort();
	told(mm_sysroot_regions(r, &regions, NULL, &err), &err);
	mm_sysctls_init(&sysctls);
	err = (struct mm_error){ 0 };
	told(mm_sysroot_sysctls(r, &sysctls, &err), &err);
	err = (struct mm_error){ 0 };
	told(mm_sysroot_swap(r, &swap, &err), &err);
	if (swap.used_bytes > swap.bytes)
		abort();
	err = (struct mm_error){ 0 };
	told(mm_sysroot_slabinfo(&slabs, r, NULL, &err), &err);
	mm_slabinfo_free(&slabs);
	mm_region_list_free(&regions);
	read_cgroups(r);
	mm_sysroot_free(r);
}

static void read_processes(void)
{
	const struct mm_pid_options opt = { .want = MM_PID_STATUS | MM_PID_STATM | MM_PID_OOM };
	struct mm_pid_table *t;
	struct mm_proc *p;
	uint32_t centi[3];
	uint64_t up;

	if (mm_proc_new(&p, root, NULL))
		abort();
	(void)mm_proc_uptime(p, &up, NULL);
	(void)mm_proc_loadavg(p, centi, NULL);
	if (!mm_pid_table_new(&t, p)) {
		for (int i = 0; i < 2; i++)
			(void)mm_pid_table_refresh(t, &opt, NULL);
		if (!mm_pid_table_is_consistent(t))
			abort();
		mm_pid_table_free(t);
	}
	mm_proc_free(p);
}

int LLVMFuzzerTestOneInput(const unsigned char *p, size_t n)
{
	remove_files();
	while (n >= 3) {
		size_t len = p[1] | (size_t)p[2] << 8;

		len = len < n - 3 ? len : n - 3;
		put(names[p[0] % NR_NAMES], p + 3, len);
		p += 3 + len;
		n -= 3 + len;
	}
	read_sysroot();
	read_processes();
	return 0;
}
