/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lines above the table: uptime and load, tasks, CPU states, memory and swap.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "top.h"

enum { LINE = TOP_SUMMARY_LINE };

static void uptime_line(const struct top *t, char *line)
{
	uint64_t secs = t->uptime_cs / 100;
	unsigned int days = (unsigned int)(secs / 86400), hours = (unsigned int)(secs / 3600 % 24);
	unsigned int minutes = (unsigned int)(secs / 60 % 60);
	char clock[16] = "", up[64];
	time_t now = time(NULL);
	struct tm tm;
	int n = 0;

	if (localtime_r(&now, &tm))
		strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	if (t->no_uptime)
		snprintf(up, sizeof(up), "?");
	else if (days)
		n = snprintf(up, sizeof(up), "%u %s, ", days, days > 1 ? "days" : "day");
	if (t->no_uptime)
		;
	else if (hours)
		snprintf(up + n, sizeof(up) - (size_t)n, "%2u:%02u", hours, minutes);
	else
		snprintf(up + n, sizeof(up) - (size_t)n, "%u min", minutes);
	n = snprintf(line, LINE, "top - %s up %s, %2u %s,  load average: ", clock, up, t->nr_users,
		     t->nr_users > 1 ? "users" : "user");
	if (t->no_load)
		snprintf(line + n, LINE - (size_t)n, "?");
	else
		snprintf(line + n, LINE - (size_t)n, "%u.%02u, %u.%02u, %u.%02u", t->load_centi[0] / 100,
			 t->load_centi[0] % 100, t->load_centi[1] / 100, t->load_centi[1] % 100, t->load_centi[2] / 100,
			 t->load_centi[2] % 100);
}

static void tasks_line(const struct top *t, char *line)
{
	snprintf(line, LINE, "%s: %3zu total, %3zu running, %3zu sleeping, %3zu stopped, %3zu zombie",
		 t->c.threads ? "Threads" : "Tasks", t->nr_tasks, t->nr_running, t->nr_sleeping, t->nr_stopped,
		 t->nr_zombie);
}

/* "[|||||      ]" with @columns inside: two shares of 100. */
static void bar(char *p, size_t columns, int mode, double one, double two)
{
	size_t a, b;

	if (one < 0 || one > 100)
		one = one < 0 ? 0 : 100;
	if (two < 0 || one + two > 100)
		two = two < 0 ? 0 : 100 - one;
	a = (size_t)(one * (double)columns / 100 + 0.5);
	b = (size_t)(two * (double)columns / 100 + 0.5);
	if (a + b > columns)
		b = columns - a;
	*p++ = '[';
	memset(p, mode == 1 ? '|' : '#', a);
	memset(p + a, mode == 1 ? '/' : '=', b);
	memset(p + a + b, ' ', columns - a - b);
	strcpy(p + columns, "]");
}

static size_t bar_columns(const struct top *t, size_t before)
{
	size_t width = t->width && t->width < 132 ? t->width : 132;

	return width > before + 12 ? (width - before - 2 < 100 ? width - before - 2 : 100) : 10;
}

static double since(uint64_t now, uint64_t before)
{
	return now > before ? (double)(now - before) : 0;
}

/* @name is as wide as "%Cpu(s):".  In a capture, where nothing moved, the states are those since boot. */
static void cpu_line(const struct top *t, const struct mm_proc_ticks *now, const struct mm_proc_ticks *then,
		     const char *name, char *line)
{
	static const struct mm_proc_ticks boot;
	const struct mm_proc_ticks *b = top_is_live(t) || memcmp(now, then, sizeof(*now)) ? then : &boot;
	double v[8] = {
		since(now->user, b->user), since(now->system, b->system), since(now->nice, b->nice),
		since(now->idle, b->idle), since(now->iowait, b->iowait), since(now->irq, b->irq),
		since(now->softirq, b->softirq), since(now->steal, b->steal),
	}, all = 0, user, kernel;
	int n;

	for (size_t i = 0; i < 8; i++)
		all += v[i];
	if (all < 1)
		all = v[3] = 1;
	for (size_t i = 0; i < 8; i++)
		v[i] = 100 * v[i] / all;
	if (t->c.cpu_mode == 0) {
		snprintf(line, LINE,
			 "%s%#5.1f us,%#5.1f sy,%#5.1f ni,%#5.1f id,%#5.1f wa,%#5.1f hi,%#5.1f si,%#5.1f st",
			 name, v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]);
		return;
	}
	user = v[0] + v[2];
	kernel = v[1] + v[5] + v[6];
	n = snprintf(line, LINE, "%s %#5.1f/%-#5.1f %3.0f", name, user, kernel, user + kernel);
	bar(line + n, bar_columns(t, (size_t)n), t->c.cpu_mode, user, kernel);
}

static size_t cpu_lines(struct top *t, char (*lines)[LINE], size_t max)
{
	const struct mm_proc_stat *now = &t->stat[t->now], *then = &t->stat[!t->now];
	size_t n = 0, k = 0;
	char name[32];

	if (t->no_stat) {
		snprintf(lines[n++], LINE, "%%Cpu(s): not known");
		return n;
	}
	if (!t->c.per_cpu || !now->nr_cpus) {
		cpu_line(t, &now->all, &then->all, "%Cpu(s):", lines[n++]);
		return n;
	}
	for (size_t i = 0; i < now->nr_cpus && n < max; i++) {
		while (k < then->nr_cpus && then->cpu_id[k] < now->cpu_id[i])
			k++;		/* one that went */
		snprintf(name, sizeof(name), "%%Cpu%-3u:", now->cpu_id[i]);
		/* one that came between the samples begins anew */
		cpu_line(t, &now->cpu[i], k < then->nr_cpus && then->cpu_id[k] == now->cpu_id[i] ? &then->cpu[k] : &now->cpu[i],
			 name, lines[n++]);
	}
	return n;
}

/* A size in the unit of the summary: eight columns and a blank, or cut with '+'. */
static void amount(const struct top *t, uint64_t kib, char buf[10])
{
	float num = (float)kib;
	char text[64];

	for (int i = 0; i < t->c.scale_summary; i++)
		num = (float)((double)num / 1024.0);
	if (snprintf(text, sizeof(text), t->c.scale_summary ? "%#.1f " : "%.0f ", (double)num) > 9)
		text[8] = '+';
	text[9] = 0;
	memcpy(buf, text, strlen(text) + 1);
}

static void memory_bars(const struct top *t, const char *unit, char (*lines)[LINE])
{
	const struct mm_proc_meminfo *m = &t->mem;
	double total = m->total_kib ? (double)m->total_kib : 1,
		swap = m->swap_total_kib ? (double)m->swap_total_kib : 1;
	uint64_t in_use = m->total_kib > m->free_kib ? m->total_kib - m->free_kib : 0;
	uint64_t used = in_use > m->buff_cache_kib ? in_use - m->buff_cache_kib : 0;
	double one = 100 * (double)used / total, both = 100 * ((double)m->total_kib - (double)m->available_kib) / total;
	char a[10];
	int n;

	amount(t, m->total_kib, a);
	n = snprintf(lines[0], LINE, "%s Mem :%#5.1f/%-9.9s", unit, both > one ? both : one, a);
	bar(lines[0] + n, bar_columns(t, (size_t)n), t->c.mem_mode, one, both - one);
	amount(t, m->swap_total_kib, a);
	one = 100 * (double)m->swap_used_kib / swap;
	n = snprintf(lines[1], LINE, "%s Swap:%#5.1f/%-9.9s", unit, one, a);
	bar(lines[1] + n, bar_columns(t, (size_t)n), t->c.mem_mode, 0, one);
}

static void memory_lines(const struct top *t, char (*lines)[LINE])
{
	static const char units[][4] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	const struct mm_proc_meminfo *m = &t->mem;
	const char *unit = units[t->c.scale_summary];
	char a[8][10];

	if (t->c.mem_mode) {
		memory_bars(t, unit, lines);
		return;
	}
	amount(t, m->total_kib, a[0]);
	amount(t, m->free_kib, a[1]);
	amount(t, m->used_kib, a[2]);
	amount(t, m->buff_cache_kib, a[3]);
	amount(t, m->swap_total_kib, a[4]);
	amount(t, m->swap_free_kib, a[5]);
	amount(t, m->swap_used_kib, a[6]);
	amount(t, m->available_kib, a[7]);
	snprintf(lines[0], LINE, "%s Mem : %9.9stotal, %9.9sfree, %9.9sused, %9.9sbuff/cache", unit, a[0], a[1], a[2],
		 a[3]);
	snprintf(lines[1], LINE, "%s Swap: %9.9stotal, %9.9sfree, %9.9sused. %9.9savail Mem ", unit, a[4], a[5], a[6],
		 a[7]);
}

static void trace_line(const struct top *t, char *line)
{
	top_trace_where(t, line, LINE);
}

/* In place of the states of CPUs, which a simulated machine has not. */
static void moved_line(const struct top *t, char *line)
{
	const struct top_moved *m = &t->trace->moved;

	snprintf(line, LINE, "Moved: %llu accesses, %llu minor, %llu major faults, swap %llu in, %llu out, reclaim %llu of "
		 "%llu, %llu killed", (unsigned long long)m->accesses,
		 (unsigned long long)(m->faults > m->major ? m->faults - m->major : 0), (unsigned long long)m->major,
		 (unsigned long long)m->swapin, (unsigned long long)m->swapout, (unsigned long long)m->reclaimed,
		 (unsigned long long)m->scanned, (unsigned long long)m->oom_kills);
}

size_t top_summary(struct top *t, size_t room)
{
	size_t n = 0, max = room < t->cap_summary ? room : t->cap_summary;
	char (*lines)[LINE] = t->summary;

	if (t->c.load_line && n < max)
		(t->trace ? trace_line : uptime_line)(t, lines[n++]);
	if (t->c.cpu_mode != 3 && n + 2 <= max) {
		tasks_line(t, lines[n++]);
		if (t->trace)
			moved_line(t, lines[n++]);
		else
			n += cpu_lines(t, lines + n, max - n);
	}
	if (t->c.mem_mode != 3 && n + 2 <= max) {
		memory_lines(t, lines + n);
		n += 2;
	}
	return n;
}
