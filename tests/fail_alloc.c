/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loaded before the C library (LD_PRELOAD): the allocation FAIL_AT of a command fails (0: none), with FAIL_HOW "on" and those after it.
 * With "noise" none does, but each leaves ENOMEM in errno, as those of the C library do where mmap() gave what brk() could not.
 * At the end the file FAIL_LOG gets "allocations blocks": how many were asked for, and how many blocks nobody freed.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);
void __libc_free(void *p);

static atomic_long nr_allocs, nr_live;
static long fail_at;
static bool fail_on, noise, begun;

static bool fails(void)
{
	long n = begun ? atomic_fetch_add(&nr_allocs, 1) + 1 : 0;

	bool failed = n && fail_at && (fail_on ? n >= fail_at : n == fail_at);

	if (failed || (n && noise))
		errno = ENOMEM;
	return failed;
}

static void *counted(void *p)
{
	if (p && begun)
		atomic_fetch_add(&nr_live, 1);
	return p;
}

void *malloc(size_t n) { return fails() ? NULL : counted(__libc_malloc(n)); }
void *calloc(size_t n, size_t size) { return fails() ? NULL : counted(__libc_calloc(n, size)); }
void *aligned_alloc(size_t align, size_t n) { return fails() ? NULL : counted(__libc_memalign(align, n)); }

void *realloc(void *old, size_t n)
{
	void *p = fails() ? NULL : __libc_realloc(old, n);

	return old ? p : counted(p);
}

void free(void *p)
{
	if (p && begun)
		atomic_fetch_sub(&nr_live, 1);
	__libc_free(p);
}

/* What a command maps without a file is memory that it asks for. */
void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)
{
	static void *(*real)(void *, size_t, int, int, int, off_t);

	if (flags & MAP_ANONYMOUS && fails())
		return MAP_FAILED;
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "mmap");
	return real(addr, length, prot, flags, fd, offset);
}

__attribute__((constructor)) static void begin(void)
{
	const char *at = getenv("FAIL_AT"), *how = getenv("FAIL_HOW");

	fail_at = at ? atol(at) : 0;
	fail_on = how && strcmp(how, "on") == 0;
	noise = how && strcmp(how, "noise") == 0;
	begun = true;
}

__attribute__((destructor)) static void end(void)
{
	const char *path = getenv("FAIL_LOG");
	FILE *f;

	begun = false;
	f = path ? fopen(path, "w") : NULL;
	if (f) {
		fprintf(f, "%ld %ld\n", (long)nr_allocs, (long)nr_live);
		fclose(f);
	}
}
