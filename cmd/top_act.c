/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signals and nice values.  Only top_act() touches a process, and only after a
 * question that named it was answered with y.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>

#include "top_act.h"

static const struct { const char *name; int number; } signals[] = {
#define X(name) { #name, SIG##name },
	X(HUP) X(INT) X(QUIT) X(ILL) X(TRAP) X(ABRT) X(BUS) X(FPE) X(KILL) X(USR1) X(SEGV) X(USR2) X(PIPE) X(ALRM)
	X(TERM) X(CHLD) X(CONT) X(STOP) X(TSTP) X(TTIN) X(TTOU) X(URG) X(XCPU) X(XFSZ) X(VTALRM) X(PROF) X(WINCH)
	X(IO) X(SYS)
#undef X
};
enum { NR_SIGNALS = sizeof(signals) / sizeof(signals[0]) };

static int number(const char *text, long least, long most, int *out)
{
	char *end;
	long v;

	errno = 0;
	v = strtol(text, &end, 10);
	if (errno || end == text || *end || v < least || v > most)
		return -EINVAL;
	*out = (int)v;
	return 0;
}

int top_parse_signal(const char *text, int *signal)
{
	if (!*text) {
		*signal = SIGTERM;
		return 0;
	}
	if (!number(text, 0, 64, signal))
		return 0;
	if (!strncasecmp(text, "sig", 3))
		text += 3;
	for (size_t i = 0; i < NR_SIGNALS; i++)
		if (!strcasecmp(text, signals[i].name)) {
			*signal = signals[i].number;
			return 0;
		}
	return -EINVAL;
}

int top_parse_nice(const char *text, int *value)
{
	return number(text, -20, 19, value);
}

static const char *name_of(struct top *t, uint32_t pid, char *clean)
{
	for (size_t i = 0; i < t->nr_items; i++)
		if (t->items[i].row->pid == pid) {
			top_clean(t, clean, t->items[i].row->comm, 40);
			return clean;
		}
	return "not shown";
}

void top_act_question(struct top *t, uint32_t pid, int value, bool signal, char *buf, size_t size)
{
	char clean[TOP_MAX_LINE], what[32];

	snprintf(what, sizeof(what), "signal %d", value);
	for (size_t i = 0; i < NR_SIGNALS; i++)
		if (signals[i].number == value)
			snprintf(what, sizeof(what), "SIG%s", signals[i].name);
	if (signal)
		snprintf(buf, size, "Send %s to %u (%s)? [y/N] ", what, pid, name_of(t, pid, clean));
	else
		snprintf(buf, size, "Renice %u (%s) to %d? [y/N] ", pid, name_of(t, pid, clean), value);
}

void top_act(uint32_t pid, int value, bool signal, char *message, size_t size)
{
	int failed = signal ? kill((pid_t)pid, value) : setpriority(PRIO_PROCESS, pid, value);

	if (failed)
		snprintf(message, size, "Failed %s of PID %u: %s", signal ? "signal" : "renice", pid, strerror(errno));
	else if (signal)
		snprintf(message, size, "Sent signal %d to %u", value, pid);
	else
		snprintf(message, size, "Reniced %u to %d", pid, value);
}
