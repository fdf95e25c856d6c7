/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_top - what mm-top, mm-vmstat and the start of each command cost, held against their peers where installed
 *
 * System calls are counted by ptrace's stops, instructions by single steps (an
 * instruction of the repeating kind counts each turn), both from the first one
 * of the dynamic loader.  Sleeping children make up the processes; what a
 * refresh costs is the difference between runs of more and fewer samples.  With
 * BENCH_SLOW in the environment vmstat's instructions are counted too.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_LINE = 256, MAX_WORDS = 16, MAX_SLEEPERS = 5000 };

static pid_t sleepers[MAX_SLEEPERS];
static int nr_sleepers;

static void sleep_more(int n)
{
	while (nr_sleepers < n) {
		pid_t pid = fork();

		if (pid < 0) {
			perror("bench_top: fork");
			return;
		}
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				pause();
		}
		sleepers[nr_sleepers++] = pid;
	}
}

static void wake_all(void)
{
	for (int i = 0; i < nr_sleepers; i++)
		kill(sleepers[i], SIGKILL);
	for (int i = 0; i < nr_sleepers; i++)
		waitpid(sleepers[i], NULL, 0);
	nr_sleepers = 0;
}

static int nr_processes(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;
	int n = 0;

	while (dir && (e = readdir(dir)))
		n += e->d_name[0] >= '1' && e->d_name[0] <= '9';
	if (dir)
		closedir(dir);
	return n;
}

/* Run the words of @command with nothing said; the child, stopped at exec when @traced. */
static pid_t start(const char *command, int traced)
{
	static char line[MAX_LINE];
	char *words[MAX_WORDS] = { NULL };
	int n = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid)
		return pid;
	snprintf(line, sizeof(line), "%s", command);
	for (char *w = strtok(line, " "); w && n < MAX_WORDS - 1; w = strtok(NULL, " "))
		words[n++] = w;
	if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
		_exit(127);
	if (!strncmp(command, ".libs/", 6))	/* elsewhere it would only make the loader search */
		setenv("LD_LIBRARY_PATH", ".libs", 1);
	if (traced)
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	execvp(words[0], words);
	_exit(127);
}

/* How often the child stops until it ends under @request; -1: it could not be run. */
static long count_stops(const char *command, enum __ptrace_request request)
{
	pid_t pid = start(command, 1);
	long n = 0;
	int status;

	if (waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status))
		return -1;
	ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)PTRACE_O_TRACESYSGOOD);
	for (;;) {
		int sig = WSTOPSIG(status) & 0x7f;

		if (ptrace(request, pid, NULL, (void *)(long)(sig == SIGTRAP ? 0 : sig)) ||
		    waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status))
			break;
		n++;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 127 ? -1 : n;
}

static long instructions(const char *command) { return count_stops(command, PTRACE_SINGLESTEP); }

static long system_calls(const char *command)
{
	long n = count_stops(command, PTRACE_SYSCALL);

	return n < 0 ? n : (n + 1) / 2;		/* a stop when it begins and when it ends; the last one does not end */
}

/* CPU milliseconds, the least of three runs. */
static double cpu_ms(const char *command)
{
	double least = -1;

	for (int i = 0; i < 3; i++) {
		pid_t pid = start(command, 0);
		struct rusage r;
		int status;
		double ms;

		if (wait4(pid, &status, 0, &r) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) == 127)
			return -1;
		ms = (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e3 +
		     (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e3;
		least = least < 0 || ms < least ? ms : least;
	}
	return least;
}

static void tell(const char *what, long n, const char *unit, const char *target)
{
	if (n >= 0)
		printf("%-44s %9ld %s%s%s\n", what, n, unit, *target ? ", at most " : "", target);
}

/* ./mm-NAME, or the program behind it where that is libtool's script. */
static void find_command(char *path, size_t size, const char *name)
{
	char magic[4] = "";
	FILE *f;

	snprintf(path, size, "./mm-%s", name);
	f = fopen(path, "r");
	if (f && fread(magic, 1, 4, f) == 4 && memcmp(magic, "\177ELF", 4))
		snprintf(path, size, ".libs/mm-%s", name);
	if (f)
		fclose(f);
}

static void starts(void)
{
	static const char *const names[] = { "buddy", "fault", "iomem", "reclaim", "slab", "top", "vma", "vmstat" };
	char path[32], command[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		find_command(path, sizeof(path), names[i]);
		snprintf(command, sizeof(command), "%s --version", path);
		tell(command, instructions(command), "instructions", "250,000");
	}
}

static void samples(void)
{
	tell("mm-vmstat", instructions("./mm-vmstat"), "instructions", "half of vmstat's");
	tell("mm-vmstat --human", instructions("./mm-vmstat --human"), "instructions", "half of vmstat's");
	if (getenv("BENCH_SLOW"))	/* two million single steps: minutes where each is an exit to a hypervisor */
		tell("vmstat", instructions("vmstat"), "instructions", "");
	tell("mm-vmstat", system_calls("./mm-vmstat"), "system calls", "60");
	tell("vmstat", system_calls("vmstat"), "system calls", "");
}

/* Instructions of @refreshes refreshes of @nr chosen processes, what is done once a refresh in them. */
static long steps_of(int nr, int refreshes)
{
	char command[MAX_LINE];
	int n = snprintf(command, sizeof(command), "./mm-top -b -d 0.05 -n %d -p %d", refreshes, (int)sleepers[0]);

	for (int i = 1; i < nr; i++)
		n += snprintf(command + n, sizeof(command) - (size_t)n, ",%d", (int)sleepers[i]);
	return instructions(command);
}

static void refreshes(const char *top)
{
	char one[64], six[64];
	int procs;
	long n;

	snprintf(one, sizeof(one), "%s -b -n 1", top);
	snprintf(six, sizeof(six), "%s -b -n 6 -d 0.1", top);
	procs = nr_processes();
	printf("%s, %d processes, each and refresh:\n", top, procs);
	n = system_calls(one);
	if (n >= 0) {
		printf("%44s %9.2f system calls (the first two), at most 3\n", "", (double)n / 2 / procs);
		n = system_calls(six) - n;
		printf("%44s %9.2f system calls (later ones), at most 3\n", "", (double)n / 5 / procs);
		printf("%44s %9.2f us of CPU time\n", "", (cpu_ms(six) - cpu_ms(one)) * 1e3 / 5 / procs);
	}
}

int main(void)
{
	static const int counts[] = { 10, 1000, MAX_SLEEPERS };

	setenv("TERM", "dumb", 1);
	starts();
	samples();
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		sleep_more(counts[i]);
		if (!i)
			tell("mm-top, a process and refresh",
			     (steps_of(10, 3) - steps_of(10, 1) - steps_of(2, 3) + steps_of(2, 1)) / 2 / 8, "instructions",
			     "8,000");
		refreshes("./mm-top");
		refreshes("top");
		if (counts[i] == 1000) {
			double ours = cpu_ms("./mm-top -b -n 1 --output=pid,pss_kib,uss_kib"), peer = cpu_ms("smem");

			printf("PSS and USS: %.0f ms of CPU time", ours);
			if (peer > 0)
				printf(", smem %.0f ms: 1/%.1f, at most 1/6", peer, peer / ours);
			putchar('\n');
		}
		fflush(stdout);
	}
	wake_all();
	return 0;
}
