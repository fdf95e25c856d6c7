/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source/oom_procs.c - the tasks of a machine as the OOM killer would weigh them now
 *
 * From proc/PID/status and oom_score_adj, measured against MemTotal and
 * SwapTotal.  Tasks without memory of their own (kernel threads) are left out;
 * init is shown but never killed.
 */
#include <libmm/oom.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/csv.h>

#include "base/grow.h"
#include "source/oom.h"
#include "source/pid.h"

struct scan {
	const struct mm_sysroot *root;
	struct mm_oom_report *r;
};

/* "Key:   123 kB" of a status or meminfo text: the number; @missing when there is no such line. */
static uint64_t field(const char *text, const char *key, uint64_t missing)
{
	size_t n = strlen(key);
	uint64_t v;

	for (const char *p = text; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL) {
		const char *d;
		size_t len;

		if (strncmp(p, key, n) || p[n] != ':')
			continue;
		d = p + n + 1 + strspn(p + n + 1, " \t");
		len = strspn(d, "0123456789");
		return mm_parse_u64((struct mm_str){ d, len }, &v) || v > UINT64_C(1) << 48 ? missing : v;
	}
	return missing;
}

/* "Name:" and "Uid:" are no plain numbers. */
static struct mm_str name_of(const char *text)
{
	const char *p = !strncmp(text, "Name:", 5) ? text + 5 + strspn(text + 5, " \t") : "";

	return (struct mm_str){ p, strcspn(p, "\n") };
}

static int keep_name(struct mm_oom_report *r, struct mm_str s, struct mm_str *out)
{
	char *p = realloc(r->text, r->text_len + s.len + 1);
	size_t n;

	if (!p)
		return -ENOMEM;
	r->text = p;
	n = mm_pid_unescape(p + r->text_len, s.len + 1, s.p, s.len);
	*out = (struct mm_str){ (const char *)(uintptr_t)r->text_len, n };
	r->text_len += n;
	return 0;
}

static int add_row(struct mm_oom_report *r, const struct mm_oom_row *row, struct mm_str name)
{
	if (mm_grow(&r->rows, r->nr_rows, &r->cap_rows, sizeof(*r->rows)))
		return -ENOMEM;
	r->rows[r->nr_rows] = *row;
	return keep_name(r, name, &r->rows[r->nr_rows++].name);
}

/* One entry of proc; a process that is gone meanwhile is passed over. */
static int one_process(void *arg, const char *name)
{
	struct scan *s = arg;
	char path[64], text[8192], adj[32];
	struct mm_oom_row row = { 0 };
	uint64_t pid, page_kib = s->r->page_size / 1024;
	int64_t v = 0;
	long n;

	if (mm_parse_u64((struct mm_str){ name, strlen(name) }, &pid) || !pid || pid > UINT32_MAX || strchr(name, 'x'))
		return 0;
	snprintf(path, sizeof(path), "proc/%s/status", name);
	n = mm_sysroot_text(s->root, path, text, sizeof(text));
	if (n < 0 || field(text, "VmRSS", UINT64_MAX) == UINT64_MAX)
		return 0;
	row.pid = (uint32_t)pid;
	row.tgid = (uint32_t)field(text, "Tgid", pid);
	row.uid = (uint32_t)field(text, "Uid", 0);
	row.total_vm_pages = field(text, "VmSize", 0) / page_kib;
	row.rss_pages = field(text, "VmRSS", 0) / page_kib;
	row.swapents_pages = field(text, "VmSwap", 0) / page_kib;
	row.pgtables_bytes = (field(text, "VmPTE", 0) + field(text, "VmPMD", 0)) << 10;
	snprintf(path, sizeof(path), "proc/%s/oom_score_adj", name);
	n = mm_sysroot_text(s->root, path, adj, sizeof(adj));
	if (n > 0 && !mm_parse_i64((struct mm_str){ adj, (size_t)n }, &v) && v >= MM_OOM_SCORE_ADJ_MIN &&
	    v <= MM_OOM_SCORE_ADJ_MAX)
		row.oom_score_adj = (int32_t)v;
	return add_row(s->r, &row, name_of(text));
}

static int by_pid(const void *a, const void *b)
{
	const struct mm_oom_row *x = a, *y = b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

int mm_oom_procs_read(struct mm_oom_log *log, const struct mm_sysroot *root, uint32_t page_size, struct mm_error *err)
{
	struct mm_oom_report *r, *v;
	char meminfo[8192];
	int rc;

	*log = (struct mm_oom_log){ 0 };
	if (mm_sysroot_text(root, "proc/meminfo", meminfo, sizeof(meminfo)) < 0)
		return mm_error_set(err, -ENOENT, "%s: no proc/meminfo", mm_sysroot_name(root));
	v = calloc(1, sizeof(*v));
	if (!v)
		return mm_error_set(err, -ENOMEM, "out of memory");
	*log = (struct mm_oom_log){ .v = v, .nr = 1, .cap = 1 };
	r = v;
	r->page_size = page_size;
	r->ram_pages = field(meminfo, "MemTotal", 0) / (r->page_size / 1024);
	r->swap_pages = field(meminfo, "SwapTotal", 0) / (r->page_size / 1024);
	r->usage_pages = r->limit_pages = UINT64_MAX;
	r->total_pages = r->ram_pages + r->swap_pages ? r->ram_pages + r->swap_pages : 1;
	r->complete = true;
	rc = mm_sysroot_each(root, "proc", one_process, &(struct scan){ root, r });
	if (rc) {
		mm_oom_log_free(log);
		return mm_error_set(err, rc, "%s/proc: %s", mm_sysroot_name(root), strerror(-rc));
	}
	if (r->nr_rows)
		qsort(r->rows, r->nr_rows, sizeof(*r->rows), by_pid);
	for (size_t i = 0; i < r->nr_rows; i++)
		r->rows[i].name.p = r->rows[i].name.len ? r->text + (uintptr_t)r->rows[i].name.p : "";
	rc = mm_oom_judge(log, NULL);
	if (rc) {
		mm_oom_log_free(log);
		return mm_error_set(err, rc, "out of memory");
	}
	return 0;
}
