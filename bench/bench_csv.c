/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CSV: rows a second of our reader beside a bare libcsv loop over the same
 * file, both parsing the numbers of all fields; and of writing.
 *
 *   bench_csv [ROWS]                   five fields, 25 bytes a row: time,pid,page,op,len
 *   bench_csv read|libcsv|trace|write FILE|ROWS   one of them: for valgrind --tool=callgrind
 */
#include <csv.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <libmm/csv.h>
#include <libmm/trace.h>

struct sums {
	uint64_t rows, sum;
	int col;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void die(const char *what)
{
	fprintf(stderr, "bench_csv: %s\n", what);
	exit(1);
}

/* time, pid, page (hex), op, len; as trace: pid,event,addr */
static void write_file(const char *path, uint64_t rows, bool trace)
{
	static const char *const words[] = { "load", "store", "load", "load" };
	uint64_t x = 88172645463325252u;
	FILE *f = fopen(path, "w");

	if (!f)
		die(path);
	if (trace)
		fputs("pid,event,addr\n", f);
	for (uint64_t i = 1; i <= rows; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		if (trace)
			fprintf(f, "%u,%s,0x7f%010llx\n", (unsigned)(1000 + x % 8), words[x >> 8 & 3],
				(unsigned long long)(x >> 24 & 0x3fffffff) << 3);
		else
			fprintf(f, "%llu,%u,%07llx,%c,%u\n", (unsigned long long)i, (unsigned)(1000 + x % 8),
				(unsigned long long)(0x1000000 + (x >> 20) % 1000000), x >> 8 & 3 ? 'R' : 'W', 1u << (x >> 10 & 3));
	}
	if (fclose(f))
		die(path);
}

static inline uint64_t decimal(const char *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v * 10 + (unsigned char)(p[i] - '0');
	return v;
}

static inline uint64_t hex(const char *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v * 16 + ((unsigned char)p[i] & 15) + 9 * ((unsigned char)p[i] >> 6);
	return v;
}

static inline void add_field(struct sums *s, const char *p, size_t n, int col)
{
	if (col == 2)
		s->sum += hex(p, n);
	else if (col == 3)
		s->sum += *p == 'W';
	else
		s->sum += decimal(p, n);
}

static void csv_field(void *p, size_t n, void *data)
{
	struct sums *s = data;

	add_field(s, p, n, s->col++);
}

static void csv_row(int c, void *data)
{
	struct sums *s = data;

	(void)c;
	s->rows++;
	s->col = 0;
}

static struct sums read_libcsv(const char *path)
{
	static char buf[1 << 18];
	struct csv_parser parser;
	struct sums s = { 0 };
	int fd = open(path, O_RDONLY);
	ssize_t n;

	csv_init(&parser, 0);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		csv_parse(&parser, buf, (size_t)n, csv_field, csv_row, &s);
	csv_fini(&parser, csv_field, csv_row, &s);
	csv_free(&parser);
	close(fd);
	return s;
}

static struct sums read_ours(const char *path)
{
	const struct mm_str *f;
	struct mm_input *in;
	struct mm_csv *csv = NULL;
	struct sums s = { 0 };
	size_t nr;

	if (mm_input_open(&in, path, NULL) || mm_csv_new(&csv, in, NULL))
		die(path);
	while (mm_csv_row(csv, &f, &nr, NULL) == 1) {
		if (nr != 5)
			die("a row of other than 5 fields");
		s.sum += decimal(f[0].p, f[0].len) + decimal(f[1].p, f[1].len) + hex(f[2].p, f[2].len) +
			(*f[3].p == 'W') +
			 decimal(f[4].p, f[4].len);
		s.rows++;
	}
	mm_csv_free(csv);
	mm_input_free(in);
	return s;
}

static struct sums read_trace(const char *path, struct mm_output *out)
{
	static struct mm_event ev[1024];
	struct mm_trace_reader *r = NULL;
	struct mm_trace_writer w;
	struct mm_input *in;
	struct sums s = { 0 };
	struct mm_error err;
	long n;

	if (mm_input_open(&in, path, &err) || mm_trace_reader_new(&r, in, NULL, &err))
		die(err.text);
	w = (struct mm_trace_writer){ out, mm_trace_columns(r) };
	while ((n = mm_trace_read(r, ev, 1024, &err)) > 0) {
		for (long i = 0; i < n; i++)
			s.sum += ev[i].addr + ev[i].pid + ev[i].type;
		for (long i = 0; out && i < n; i++)
			mm_trace_writer_row(&w, &ev[i]);
		s.rows += (uint64_t)n;
	}
	if (n < 0)
		die(err.text);
	mm_trace_reader_free(r);
	mm_input_free(in);
	return s;
}

/* Effects as a fault row has them, into /dev/null. */
static void write_trace(uint64_t rows)
{
	struct mm_event ev = { .pid = 1000, .type = MM_EV_FAULT, .by = MM_BY_FAULT, .size = 4096,
		.name = MM_STR("anon"),
		.flags = MM_STR("WRITE|USER"),
		.present = MM_TC_BIT(PID) | MM_TC_BIT(EVENT) | MM_TC_BIT(ADDR) | MM_TC_BIT(SIZE) |
		MM_TC_BIT(FLAGS) | MM_TC_BIT(NAME) | MM_TC_BIT(BY) };
	struct mm_trace_writer w;
	struct mm_output out;
	int fd = open("/dev/null", O_WRONLY);

	if (fd < 0 || mm_output_init(&out, fd))
		die("/dev/null");
	mm_event_set_result(&ev, MM_RESULT_DEC, 1);
	w = (struct mm_trace_writer){ &out, ev.present };
	mm_trace_writer_header(&w);
	for (uint64_t i = 0; i < rows; i++) {
		ev.addr = 0x7f0000000000 + i * 4096;
		ev.result = 1000000 + i;
		mm_trace_writer_row(&w, &ev);
	}
	mm_output_finish(&out);
	close(fd);
}

static double rate(uint64_t rows, double start)
{
	return (double)rows / (now() - start) / 1e6;
}

static int one(const char *mode, const char *arg)
{
	struct sums s = { 0 };

	if (!strcmp(mode, "write"))
		write_trace(strtoull(arg, NULL, 10));
	else
		s = !strcmp(mode, "libcsv") ? read_libcsv(arg) : !strcmp(mode, "trace") ? read_trace(arg, NULL)
		: read_ours(arg);
	printf("%llu rows, sum %llx\n", (unsigned long long)s.rows, (unsigned long long)s.sum);
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t rows = argc == 2 ? strtoull(argv[1], NULL, 10) : 5000000;
	char csv[] = "/tmp/bench_csv_XXXXXX", trace[] = "/tmp/bench_csv_XXXXXX";
	double ours = 0, bare = 0, tr = 0, start;
	struct sums a, b;

	if (argc == 3)
		return one(argv[1], argv[2]);
	close(mkstemp(csv));
	close(mkstemp(trace));
	write_file(csv, rows, false);
	write_file(trace, rows, true);
	for (int i = 0; i < 3; i++) {	/* in turn; the best of three */
		double v;

		start = now();
		a = read_libcsv(csv);
		v = rate(rows, start);
		bare = v > bare ? v : bare;
		start = now();
		b = read_ours(csv);
		v = rate(rows, start);
		ours = v > ours ? v : ours;
		if (a.rows != b.rows || a.sum != b.sum)
			die("the two readers disagree");
		start = now();
		if (read_trace(trace, NULL).rows != rows)
			die("rows of the trace were lost");
		v = rate(rows, start);
		tr = v > tr ? v : tr;
	}
	printf("csv read, numbers parsed   %8.2f Mrow/s\n", ours);
	printf("bare libcsv, the same file %8.2f Mrow/s\n", bare);
	printf("ratio                      %8.2f\n", ours / bare);
	printf("trace rows pid,event,addr  %8.2f Mrow/s\n", tr);
	start = now();
	write_trace(rows);
	printf("trace rows written         %8.2f Mrow/s\n", rate(rows, start));
	unlink(csv);
	unlink(trace);
	return 0;
}
