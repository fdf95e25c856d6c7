/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the recordings here are of: its mappings change in every way that perf tells of; it and its children print their maps. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/wait.h>
static void maps(void)
{
	char line[512];
	FILE *f = fopen("/proc/self/maps", "r");
	while (fgets(line, sizeof(line), f)) printf("%d %s", getpid(), line);
	fclose(f); fflush(stdout);
}
static int deep(int n) { volatile char a[65536]; a[0] = (char)n; return n ? deep(n - 1) + a[0] : 0; }
int main(int argc, char **argv)
{
	char *a, *s, *sh;
	int fd, id;
	setvbuf(stdout, malloc(1 << 16), _IOFBF, 1 << 16);
	a = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(a, 1, 1 << 16);
	mprotect(a + 4096, 8192, PROT_READ);
	mprotect(a + 16384, 4096, PROT_NONE);
	mprotect(a + 4096, 4096, PROT_READ | PROT_WRITE);
	s = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	memset(s, 1, 1 << 16);
	fd = memfd_create("some", 0);
	ftruncate(fd, 1 << 16);
	s = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096);
	s[0] = 1;
	id = shmget(IPC_PRIVATE, 1 << 16, 0600);
	sh = shmat(id, NULL, 0);
	sh[0] = 1;
	shmctl(id, IPC_RMID, NULL);
	fd = open(argv[0], O_RDONLY);
	s = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, fd, 4096);
	mmap(s + 4096, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	sbrk(1 << 18);
	memset(sbrk(0) - 4096, 1, 4096);
	deep(8);
	if (argc > 1) {		/* what records of mappings do not tell */
		char *m = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		memset(m, 1, 1 << 16);
		m = mremap(m, 1 << 16, 1 << 20, MREMAP_MAYMOVE);
		munmap(m + 8192, 4096);
		madvise(m + 16384, 8192, MADV_DONTNEED);
		m[16384] = 1;
		mprotect(m + 32768, 4096, PROT_READ);
		munmap(mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1 << 20);
		sbrk(-(1 << 16));
	}
	if (!fork()) {
		a[0] = 2;
		sbrk(1 << 16);
		mprotect(a + 32768, 4096, PROT_READ);
		maps();
		if (!fork()) { execl("/bin/cat", "cat", "/proc/self/maps", NULL); }
		wait(NULL);
		_exit(0);
	}
	wait(NULL);
	maps();
	return argc > 5;
}
