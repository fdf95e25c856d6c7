/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mm-reclaim --sweep: one row a point, and on a terminal a bar beside the
 * numbers, as long as the point's major faults are many.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libmm/sweep.h>
#include <libmm/wide.h>

#include "cmd.h"
#include "cmd_internal.h"
#include "reclaim.h"

enum { COPY = 1 << 18 };

struct curve_row {
	uint64_t value, value2;
	uint64_t minflt, majflt, pswpin, pswpout, refaults, oom_kill;
	char chart[RECLAIM_BAR_BYTES];
	const char *chart_text;
};

/* The first two columns are renamed after the parameters; the chart is for people. */
static const struct mm_column curve_columns[] = {
	MM_COLUMN(struct curve_row, value, MM_COL_U64,
		  "the parameter that is swept: memory_max_bytes, ram_bytes, swap_bytes or a tunable"),
	MM_COLUMN(struct curve_row, value2, MM_COL_U64, "the second parameter, if two are swept"),
	MM_COLUMN(struct curve_row, minflt, MM_COL_U64, "faults that needed no read"),
	MM_COLUMN(struct curve_row, majflt, MM_COL_U64, "faults that had to read"),
	MM_COLUMN(struct curve_row, pswpin, MM_COL_U64, "pages read from swap"),
	MM_COLUMN(struct curve_row, pswpout, MM_COL_U64, "pages written to swap"),
	MM_COLUMN(struct curve_row, refaults, MM_COL_U64, "pages that came back after they were reclaimed"),
	MM_COLUMN(struct curve_row, oom_kill, MM_COL_U64, "tasks the OOM killer took"),
	{ "chart", "MAJOR FAULTS", MM_COL_STR, offsetof(struct curve_row, chart_text), false,
		"major faults as a bar (terminal only)" },
};
enum { NR_CURVE = sizeof(curve_columns) / sizeof(curve_columns[0]) };
const struct mm_table reclaim_curve_table = MM_TABLE("curve", curve_columns,
						     "--sweep: what one trace costs at each point of a parameter");

/* Eighths of a character cell: U+258F is one eighth, U+2588 eight. */
void reclaim_bar(char *text, uint64_t n, uint64_t most)
{
	uint64_t eighths = most ? mm_mul_div(n, 8 * RECLAIM_BAR, most - 1, most) : 0;
	char *p = text;

	for (; eighths >= 8; eighths -= 8, p += 3)
		memcpy(p, "\u2588", 3);
	if (eighths) {
		memcpy(p, "\u2588", 3);
		p[2] = (char)((unsigned char)p[2] + (8 - eighths));
		p += 3;
	}
	*p = 0;
}

static struct curve_row row_of(const struct mm_sweep_point *p)
{
	const int64_t *v = p->stat.v;
	uint64_t faults = (uint64_t)v[MM_PGFAULT], major = (uint64_t)v[MM_PGMAJFAULT];

	return (struct curve_row){
		.value = p->value[0], .value2 = p->value[1], .minflt = faults > major ? faults - major : 0, .majflt = major,
		.pswpin = (uint64_t)v[MM_PSWPIN], .pswpout = (uint64_t)v[MM_PSWPOUT],
		.refaults = (uint64_t)(v[MM_WORKINGSET_REFAULT_ANON] + v[MM_WORKINGSET_REFAULT_FILE]),
		.oom_kill = (uint64_t)v[MM_OOM_KILL],
	};
}

/* A column of a parameter: "vm.swappiness" is vm_swappiness, "ram" ram_bytes. */
static void name_column(struct mm_column *column, char name[80], const struct mm_sweep *s, size_t k)
{
	snprintf(name, 80, "%s%s", s->parameter[k], mm_sweep_is_size(s, k) ? "_bytes" : "");
	for (char *p = name; *p; p++)
		if (*p == '-' || *p == '.')
			*p = '_';
	column->name = name;
	column->type = mm_sweep_is_size(s, k) ? MM_COL_BYTES : MM_COL_U64;
}

static int print_curve(struct cmd_args *a, const struct mm_sweep *s)
{
	size_t nr = s->nr_parameters, others = NR_CURVE - MM_SWEEP_MAX_PARAMETERS;
	struct mm_column columns[NR_CURVE];
	struct mm_table table = { "curve", reclaim_curve_table.help, columns, nr + others - !cmd_is_human(a), NULL };
	struct mm_table_writer *w;
	char names[MM_SWEEP_MAX_PARAMETERS][80];
	struct mm_column *chart = &columns[table.nr_columns - 1];
	uint64_t most = 0, most_refaults = 0;
	int e;

	memcpy(columns, curve_columns, nr * sizeof(columns[0]));
	memcpy(columns + nr, curve_columns + MM_SWEEP_MAX_PARAMETERS, others * sizeof(columns[0]));
	for (size_t k = 0; k < nr; k++)
		name_column(&columns[k], names[k], s, k);
	for (size_t i = 0; i < s->nr_points; i++) {
		struct curve_row row = row_of(&s->points[i]);

		most = !row.oom_kill && row.majflt > most ? row.majflt : most;
		most_refaults = !row.oom_kill && row.refaults > most_refaults ? row.refaults : most_refaults;
	}
	if (cmd_is_human(a) && !most && most_refaults)	/* what is read again by read(2) takes no fault */
		chart->heading = "REFAULTED PAGES";
	e = cmd_table(a, &table, &w);
	for (size_t i = 0; !e && i < s->nr_points; i++) {
		struct curve_row row = row_of(&s->points[i]);

		if (row.oom_kill)		/* a bar would stand for a part of the program */
			strcpy(row.chart, "killed, out of memory");
		else
			reclaim_bar(row.chart, most ? row.majflt : row.refaults, most ? most : most_refaults);
		row.chart_text = row.chart;
		mm_table_writer_row(w, &row);
	}
	return cmd_table_end(a, w, e);
}

/* Every point reads the trace anew, so what comes through a pipe goes to a file without a name first. */
static int spool(struct cmd_args *a, int *fd)
{
	FILE *f = tmpfile();
	char *buf = malloc(COPY);
	ssize_t n = -1;

	if (!f || !buf) {
		int e = f ? -ENOMEM : -errno;

		free(buf);
		if (f)
			fclose(f);
		return mm_error_set(&a->err, e, "a temporary file for the trace: %s", strerror(-e));
	}
	while ((n = read(STDIN_FILENO, buf, COPY)) > 0 || (n < 0 && errno == EINTR))
		if (n > 0 && fwrite(buf, 1, (size_t)n, f) != (size_t)n)
			break;
	*fd = !n && !fflush(f) ? dup(fileno(f)) : -1;
	n = *fd < 0 ? errno : 0;
	free(buf);
	fclose(f);
	return *fd < 0 ? mm_error_set(&a->err, n ? -(int)n : -EIO, "a temporary file for the trace: %s",
				      strerror(n ? (int)n : EIO)) : 0;
}

static bool overridden(const void *arg, const struct mm_event *ev) { return cmd_overrides(arg, ev); }

static int tell_skips(struct cmd_args *a, const struct mm_sweep *s)
{
	return cmd_tell_skips(a, s->name, s->skips, s->nr_skips);
}

int reclaim_sweep(struct cmd_args *a, const char *const *texts, size_t nr)
{
	struct mm_sweep s = { .trace = { .from = a->from, .strict = a->strict }, .overridden = overridden, .arg = a };
	bool from_stdin = !a->file || !strcmp(a->file, "-");
	char path[40];
	int fd = -1, e;

	e = cmd_configure(a);
	if (!e)
		cmd_uses(a, CMD_FORM | CMD_BIT(MACHINE) | CMD_BIT(FROM) | CMD_BIT(AUTOMAP) |
			 (a->config.sysroot ? CMD_BIT(PAGE_SIZE) : 0), "--sweep");
	s.config = a->config;
	for (size_t i = 0; !e && i < nr; i++) {
		e = mm_sweep_parse(&s, texts[i], &a->err);
		if (e && e != -ENOMEM)
			cmd_usage(a, "--sweep: %s", a->err.text);
	}
	if (!e && from_stdin)
		e = spool(a, &fd);
	if (fd >= 0)
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	s.path = from_stdin ? path : a->file;
	s.name = from_stdin ? "standard input" : a->file;
	if (!e)
		e = mm_sweep_run(&s, &a->err);
	if (!e && s.first_cpus)
		cmd_tell_first_cpus(a, s.name, s.first_cpus);
	if (!e)
		e = print_curve(a, &s);
	if (!e)
		e = tell_skips(a, &s);
	if (fd >= 0)
		close(fd);
	free(s.points);
	return e;
}
