/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The machine: rows in, effects out.
 *
 * Rows that describe the machine (region, boot, zone, sysctl, cpus, node, cgroup before
 * any task) configure it; the first row of the workload boots it.  Every row is
 * one call of the handler that events.def names; nothing here knows what it does.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/host_memory.h"
#include "cache/cache.h"
#include "cache/readahead.h"
#include "fault/fault.h"
#include "fault/khugepaged.h"
#include "fault/ksm.h"
#include "cache/memcg.h"
#include "machine/machine.h"
#include "virt/numab.h"
#include "phys/compaction.h"
#include "reclaim/reclaim.h"
#include "table/trace_row.h"

void mm_machine_config_init(struct mm_machine_config *cfg)
{
	*cfg = (struct mm_machine_config){ .depth = MM_DEPTH_FULL, .nr_cpus = 1, .random_seed = 1 };
	mm_sysctls_init(&cfg->sysctl);
}

static int copy_regions(struct mm_region_list *to, const struct mm_region_list *from)
{
	for (size_t i = 0; i < from->nr; i++) {
		const struct mm_region *r = &from->v[i];
		int e = mm_region_list_add(to, r, (struct mm_str){ r->name, r->name ? strlen(r->name) : 0 });

		if (e)
			return e;
	}
	if (from->boot) {
		if (!mm_region_list_boot(to))
			return -ENOMEM;
		*to->boot = *from->boot;
	}
	return 0;
}

static int copy_sysroot(const char **to, const char *from)
{
	char *copy = from ? mm_host_malloc(strlen(from) + 1) : NULL;

	*to = copy ? strcpy(copy, from) : NULL;
	return copy || !from ? 0 : -ENOMEM;
}

int mm_machine_new(struct mm_machine **mp, const struct mm_machine_config *cfg, struct mm_error *err)
{
	struct mm_machine *m = mm_host_calloc(1, sizeof(*m));

	if (!m)
		return mm_error_set(err, -ENOMEM, "out of memory");
	m->cfg = *cfg;
	m->cfg.regions = (struct mm_region_list){ 0 };
	m->cfg.sysroot = NULL;
	if (copy_regions(&m->cfg.regions, &cfg->regions) || copy_sysroot(&m->cfg.sysroot, cfg->sysroot)) {
		mm_machine_free(m);
		return mm_error_set(err, -ENOMEM, "out of memory");
	}
	*mp = m;
	return 0;
}

void mm_machine_free(struct mm_machine *m)
{
	if (!m)
		return;
	mm_machine_shutdown(m);
	for (size_t i = 0; i < m->tasks.nr; i++) {
		mm_task_numa_free(&m->tasks.v[i]->numa);
		free(m->tasks.v[i]);
	}
	free(m->tasks.v);
	free(m->tasks.hash);
	free(m->effects.v);
	mm_region_list_free(&m->cfg.regions);
	mm_captured_free(&m->captured);
	free((char *)(uintptr_t)m->cfg.sysroot);
	free(m);
}

int mm_machine_start(struct mm_machine *m, struct mm_error *err)
{
	int e;

	if (m->booted)
		return 0;
	mm_host_memory_begin();
	e = mm_host_memory_end(mm_machine_boot(m, err), err);
	m->booted = e == 0;
	return e;
}

int mm_machine_end(struct mm_machine *m, struct mm_error *err)
{
	int e = mm_machine_start(m, err);
	uint64_t n;
	const char *lacks = m->cfg.tells_need ? mm_trace_lacks_accesses(&m->told, &n) : NULL;

	if (!e && lacks)
		mm_machine_notes(m, lacks, n);
	return e;
}

/* The one that was counted under this text, or a new one; NULL: there are too many. */
static struct mm_skip *skip_of(struct mm_machine *m, const char *what, bool harmless)
{
	size_t i = 0;

	while (i < m->nr_skips && strcmp(m->skips[i].what, what))
		i++;
	if (i == MM_MAX_SKIPS)
		return NULL;
	if (i == m->nr_skips)
		m->skips[m->nr_skips++] = (struct mm_skip){ .what = what, .harmless = harmless };
	return &m->skips[i];
}

static void count_skips(struct mm_machine *m, const char *what, bool harmless, uint64_t n)
{
	struct mm_skip *s = m->last_skip;

	if (!n)
		return;
	if (!s || s->what != what)
		s = skip_of(m, what, harmless);
	if (!s)
		return;
	s->count += n;
	m->last_skip = s;
}

void mm_machine_note(struct mm_machine *m, const char *what) { count_skips(m, what, true, 1); }
void mm_machine_notes(struct mm_machine *m, const char *what, uint64_t n) { count_skips(m, what, true, n); }
void mm_machine_loss(struct mm_machine *m, const char *what) { count_skips(m, what, false, 1); }
void mm_machine_losses(struct mm_machine *m, const char *what, uint64_t n) { count_skips(m, what, false, n); }

bool mm_machine_row_is_late(struct mm_machine *m)
{
	if (m->booted)
		mm_machine_loss(m, "rows that describe the machine after its first use");
	return m->booted;
}

void mm_machine_close_root(struct mm_machine *m, struct mm_sysroot *root)
{
	const struct mm_input_cut *cut = mm_sysroot_cut(root);

	if (cut && !m->cut.line)
		m->cut = *cut;
	mm_sysroot_free(root);
}

const struct mm_input_cut *mm_machine_cut(const struct mm_machine *m) { return m->cut.line ? &m->cut : NULL; }

const struct mm_skip *mm_machine_skips(const struct mm_machine *m, size_t *nr)
{
	*nr = m->nr_skips;
	return m->skips;
}

const struct mm_event *mm_machine_effects(const struct mm_machine *m, size_t *nr)
{
	*nr = m->effects.nr;
	return m->effects.v;
}

const struct mm_vmstat *mm_machine_vmstat(const struct mm_machine *m) { return &m->ctx.stat; }
const struct mm_vmstat *mm_machine_boot_vmstat(const struct mm_machine *m) { return &m->boot_stat; }

/* An empty text is "", so that handlers may hand it to memcpy() and the like. */
static void no_null_texts(struct mm_event *ev)
{
	ev->flags.p = ev->flags.p ? ev->flags.p : "";
	ev->name.p = ev->name.p ? ev->name.p : "";
	ev->result_word.p = ev->result_word.p ? ev->result_word.p : "";
}

/* A cgroup row that names no task is the limit of the workload: it describes the machine. */
static inline bool describes_machine(const struct mm_event *ev)
{
	return mm_event_classes[ev->type] == MM_CLASS_MACHINE || mm_event_limits_workload(ev);
}

/* Rows of floors that this machine does not have are passed on as they are. */
static inline bool is_above(const struct mm_machine *m, const struct mm_event *ev)
{
	switch (mm_event_classes[ev->type]) {
	case MM_CLASS_TASK:
	case MM_CLASS_VMA:
	case MM_CLASS_ACCESS:
	case MM_CLASS_FILE:
		return m->cfg.depth < MM_DEPTH_VMA && !describes_machine(ev);
	default:
		return false;
	}
}

/*
 * Kswapd works on beside it.  Before others it finishes: they change what a pass of it relies on, such as which lists there are, or nobody
 * knows how long the program was away before them, as they have no time.
 */
static bool is_beside_kswapd(const struct mm_event *ev)
{
	enum mm_event_class class = mm_event_classes[ev->type];

	if (class == MM_CLASS_ACCESS || ev->type == MM_EV_READ || ev->type == MM_EV_WRITE)
		return true;
	return class != MM_CLASS_MACHINE && ev->present & MM_TC_BIT(TIME_S);
}

/* Before it is carried out. */
static void begin_row(struct mm_machine *m, struct mm_event *ev)
{
	no_null_texts(ev);
	if (!m->cache)
		return;
	if (ev->type != MM_EV_READ)
		mm_readahead_end(m->cache);
	if (!is_beside_kswapd(ev))
		mm_reclaim_settle(m->reclaim);
}

static int dispatch(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	if (is_above(m, ev))
		return 0;
	if (mm_event_classes[ev->type] != MM_CLASS_ACCESS)
		begin_row(m, ev);
	switch (ev->type) {
#define X(sym, word, class, help) HANDLE_##class(sym, word)
#define HANDLE(sym, word) case MM_EV_##sym: return mm_ev_##word(m, task, ev, err);
#define HANDLE_MACHINE(sym, word) HANDLE(sym, word)
#define HANDLE_TASK(sym, word) HANDLE(sym, word)
#define HANDLE_VMA(sym, word) HANDLE(sym, word)
#define HANDLE_ACCESS(sym, word) HANDLE(sym, word)
#define HANDLE_FILE(sym, word) HANDLE(sym, word)
#define HANDLE_KERNEL(sym, word) HANDLE(sym, word)
#define HANDLE_STEP(sym, word) HANDLE(sym, word)
#define HANDLE_EFFECT(sym, word)	/* of itself nothing happens */
#include <libmm/events.def>
#undef X
	default:
		mm_machine_note(m, "effects that stand as causes");
		return 0;
	}
}

static inline bool needs_task(const struct mm_event *ev)
{
	switch (mm_event_classes[ev->type]) {
	case MM_CLASS_TASK:
		return ev->type != MM_EV_CGROUP || ev->present & MM_TC_BIT(PID);
	case MM_CLASS_VMA:
	case MM_CLASS_ACCESS:
		return true;
	case MM_CLASS_FILE:
		return ev->present & MM_TC_BIT(PID);
	default:
		return false;
	}
}

/* Tasks that the OOM killer chose while they ran end now. */
static void bury(struct mm_machine *m)
{
	m->someone_dies = false;
	m->running_mm = NULL;
	for (size_t i = 0; i < m->tasks.nr; i++)
		if (m->tasks.v[i]->dying)
			mm_task_end(m, m->tasks.v[i], MM_TASK_KILLED);
}

void mm_machine_run_daemons(struct mm_machine *m, bool beside)
{
	if (m->reclaim && beside)
		mm_reclaim_elapse(m->reclaim);
	else if (m->reclaim)
		mm_reclaim_settle(m->reclaim);
	if (m->phys)
		mm_kcompactd_run(m->phys);
	if (m->fault && m->ctx.now_ns) {
		if (m->running_mm && m->ctx.task_numa && mm_numa_balancing(&m->ctx))
			mm_task_tick_numa(m->running_mm, m->ctx.task_numa);
		m->daemons_run = true;
		mm_mpol_run_task(&m->ctx, NULL);
		mm_ksmd_run(m->fault);
		mm_khugepaged_run(m->fault);
		m->daemons_run = false;
	}
}

/* What follows every row, of which @e came. */
static inline int end_event(struct mm_machine *m, const struct mm_event *ev, int e, struct mm_error *err)
{
	if (!e && m->cache && m->cache->nr_pages_over_high && m->running_mm)	/* a call returns to the program */
		mm_mem_cgroup_handle_over_high(m->cache, m->running_mm->memcg, MM_GFP_KERNEL);
	if (!e)
		mm_machine_run_daemons(m, is_beside_kswapd(ev));
	if (m->someone_dies)
		bury(m);
	if (m->oom_report.len) {
		m->cfg.oom_report(m->cfg.oom_report_arg, m->oom_report.buf, m->oom_report.len);
		m->oom_report.len = 0;
	}
	if (!e && m->cfg.check)
		e = mm_machine_check(m, err);
	return e;
}

/* The recording goes on with a task that was killed here: nothing of it happens. */
static int row_of_the_dead(struct mm_machine *m, struct mm_event *ev, struct mm_error *err)
{
	mm_machine_note(m, "rows of tasks that the OOM killer had killed");
	if (mm_event_classes[ev->type] == MM_CLASS_ACCESS)
		mm_event_set_word(ev, "ESRCH", 5);
	if (ev->present & MM_TC_BIT(TIME_S))
		m->ctx.now_ns = ev->time_ns;
	m->nr_events++;
	return end_event(m, ev, 0, err);
}

/* A recording of a larger machine: its CPUs take turns on those there are. */
static uint32_t cpu_of_row(struct mm_machine *m, const struct mm_event *ev)
{
	if (ev->cpu < m->ctx.nr_cpus || !m->booted)
		return ev->cpu;
	mm_machine_loss(m, "rows of CPUs beyond the machine's ran on CPU n modulo their number (--cpus=N makes more)");
	return ev->cpu % m->ctx.nr_cpus;
}

/* Of a task that is there, or of none. */
static inline int run_row(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	if (m->reclaim && m->cache->hits)
		mm_reclaim_elapse_hits(m->reclaim);
	if (ev->present & MM_TC_BIT(TIME_S))
		m->ctx.now_ns = ev->time_ns;
	mm_set_cpu(&m->ctx, cpu_of_row(m, ev));
	m->nr_events++;
	mm_trace_tell(&m->told, ev);
	mm_task_run(m, task, ev->pid);
	return end_event(m, ev, dispatch(m, task, ev, err), err);
}

static int one_row(struct mm_machine *m, struct mm_event *ev, struct mm_error *err)
{
	struct mm_task *task = NULL;

	m->effects.nr = 0;
	if (m->panicked) {
		mm_machine_note(m, "rows after the kernel panicked, out of memory");
		return 0;
	}
	if (!m->booted && !describes_machine(ev)) {
		int e = mm_machine_start(m, err);

		if (e)
			return e;
	}
	if (ev->type == MM_EV_MARK && !(ev->present & MM_TC_BIT(TIME_S))) {	/* nothing: no task changes, no time passes */
		m->nr_events++;
		return mm_ev_mark(m, NULL, ev, err);
	}
	if (needs_task(ev) && !describes_machine(ev)) {
		if (ev->pid > MM_PID_MAX)
			return mm_error_set(err, -ERANGE, "expected a pid up to %d, found %u", (int)MM_PID_MAX, ev->pid);
		if (mm_task_was_killed(m, ev->pid))
			return row_of_the_dead(m, ev, err);
		task = mm_task_get(m, ev->pid);
		if (!task)
			return mm_error_set(err, -ENOMEM, "out of memory");
	}
	return run_row(m, task, ev, err);
}

bool mm_machine_row_of_run(struct mm_machine *m, struct mm_task *task, struct mm_event *ev)
{
	int e;

	mm_host_memory_begin();
	e = mm_host_memory_end(run_row(m, task, ev, &m->failed), &m->failed);
	if (e && !m->failed.code)
		mm_error_set(&m->failed, e, "%s", strerror(-e));
	return !e;
}

int mm_machine_event(struct mm_machine *m, struct mm_event *ev, struct mm_error *err)
{
	if (m->failed.code)
		return mm_error_set(err, m->failed.code, "%s", m->failed.text);
	mm_host_memory_begin();
	return mm_host_memory_end(one_row(m, ev, err), err);
}
