/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What mm-top keeps between runs: $XDG_CONFIG_HOME/mm-tools/toprc (else
 * ~/.config/...), lines of "name=value".  Names that are unknown and values out of
 * range are passed over, so that a file of another version does no harm.  It is
 * written to a new file that then takes the old one's place.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "top.h"

static const uint8_t default_fields[] = {
	TOP_PID, TOP_USER, TOP_PR, TOP_NI, TOP_VIRT, TOP_RES, TOP_SHR, TOP_S, TOP_CPU, TOP_MEM, TOP_TIME2, TOP_COMMAND,
};

void top_config_default(struct top_config *c)
{
	*c = (struct top_config){ .sort = TOP_CPU, .delay_ms = 3000, .scale_summary = 1, .irix = true,
		.load_line = true, .bold_running = true, .colour = true };
	memcpy(c->shown, default_fields, sizeof(default_fields));
	c->nr_shown = sizeof(default_fields);
}

/* X(name, least, most): the numbers. */
#define NUMBERS(X) \
	X(ascending, 0, 1) X(delay_ms, 100, 86400000) X(scale_summary, 0, 5) X(scale_tasks, 0, 4) X(cmdline, 0, 1) \
	X(forest, 0, 1) X(hide_idle, 0, 1) X(cumulative, 0, 1) X(irix, 0, 1) X(threads, 0, 1) X(load_line, 0, 1) \
	X(per_cpu, 0, 1) X(highlight_sort, 0, 1) X(bold_running, 0, 1) X(cpu_mode, 0, 3) X(mem_mode, 0, 3) \
	X(max_tasks, 0, 100000) X(colour, 0, 1) X(reverse, 0, 1) X(no_zeros, 0, 1) X(left_numbers, 0, 1) \
	X(right_texts, 0, 1)

/* DIR or DIR/file; false when neither variable is set or the path is too long. */
static bool config_path(char *buf, size_t size, const char *file)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	int n;

	if (xdg && *xdg == '/')
		n = snprintf(buf, size, "%s/mm-tools%s", xdg, file);
	else if (home && *home == '/')
		n = snprintf(buf, size, "%s/.config/mm-tools%s", home, file);
	else
		return false;
	return n > 0 && (size_t)n < size;
}

static void load_fields(struct top_config *c, char *list)
{
	struct top_config got = { .nr_shown = 0 };
	char *save = NULL;

	for (char *word = strtok_r(list, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		int f = top_field_find(word);

		if (f >= 0 && !top_field_shown(&got, (enum top_field)f))
			got.shown[got.nr_shown++] = (uint8_t)f;
	}
	if (!got.nr_shown)
		return;
	memcpy(c->shown, got.shown, sizeof(c->shown));
	c->nr_shown = got.nr_shown;
}

static void load_line(struct top_config *c, char *line)
{
	char *eq = strchr(line, '='), *end;
	unsigned long long v;
	int f;

	if (!eq || *line == '#')
		return;
	*eq++ = 0;
	eq[strcspn(eq, "\r\n")] = 0;
	if (!strcmp(line, "fields")) {
		load_fields(c, eq);
		return;
	}
	if (!strcmp(line, "sort")) {
		f = top_field_find(eq);
		if (f >= 0)
			c->sort = (enum top_field)f;
		return;
	}
	v = strtoull(eq, &end, 10);
	if (end == eq || *end)
		return;
#define X(name, least, most) \
	if (!strcmp(line, #name) && v + 1 > (least) && v <= (most)) c->name = (__typeof__(c->name))v;
	NUMBERS(X)
#undef X
}

int top_config_load(struct top_config *c)
{
	char path[4096], line[1024];
	FILE *f;

	if (!config_path(path, sizeof(path), "/toprc"))
		return 0;
	f = fopen(path, "re");
	if (!f)
		return errno == ENOMEM ? -ENOMEM : 0;
	for (int n = 0; n < 256 && fgets(line, sizeof(line), f); n++)
		load_line(c, line);
	fclose(f);
	return 0;
}

static void make_dirs(char *path)
{
	for (char *p = path + 1; (p = strchr(p, '/')); p++) {
		*p = 0;
		mkdir(path, 0700);
		*p = '/';
	}
}

static void write_config(FILE *f, const struct top_config *c)
{
	fprintf(f, "# written by mm-top (key W)\nfields=");
	for (size_t i = 0; i < c->nr_shown; i++)
		fprintf(f, "%s%s", i ? "," : "", top_fields[c->shown[i]].heading);
	fprintf(f, "\nsort=%s\n", top_fields[c->sort].heading);
#define X(name, least, most) fprintf(f, #name "=%llu\n", (unsigned long long)c->name);
	NUMBERS(X)
#undef X
}

int top_config_save(const struct top_config *c, struct mm_error *err)
{
	struct cmd_file f;
	char path[4096];
	int e;

	if (!config_path(path, sizeof(path), "/toprc"))
		return mm_error_set(err, -ENOENT, "neither XDG_CONFIG_HOME nor HOME is set");
	make_dirs(path);
	e = cmd_file_begin(&f, path, err);
	if (e)
		return e;
	write_config(f.out, c);
	e = cmd_file_end(&f, 0, err);
	return e ? e : mm_error_set(err, 0, "wrote configuration to '%s'", path);
}
