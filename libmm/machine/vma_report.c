/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is told about calls: results, contradictions of a recording, merges summed up.
 *
 * Both lists are bounded whatever the length of the trace: contradictions are
 * kept up to a number and counted beyond; merges are summed by process, call and
 * outcome.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/host_memory.h"
#include "machine/vma_call.h"

int mm_vma_report_new(struct mm_machine *m)
{
	m->vma_report = mm_host_calloc(1, sizeof(*m->vma_report));
	if (!m->vma_report)
		return -ENOMEM;
	m->virt.journal = &m->vma_report->journal;
	return 0;
}

void mm_vma_report_free(struct mm_vma_report *r)
{
	if (!r)
		return;
	free(r->merges);
	free(r->merge_slots);
	free(r->mismatches);
	mm_ended_maps_free(r->ended);
	free(r);
}

void mm_vma_report_begin(struct mm_machine *m)
{
	m->vma_report->journal.nr = 0;
}

static bool alike(const struct mm_vma_merge_sum *s, uint32_t pid, uint16_t event, const struct mm_vma_note *n)
{
	return s->pid == pid && s->event == event && s->last.deed == n->deed && s->last.merge_case == n->merge_case &&
	       s->last.prev == n->prev && s->last.next == n->next;
}

static size_t hash_of(uint32_t pid, uint16_t event, const struct mm_vma_note *n)
{
	uint64_t h = pid * UINT64_C(0x9e3779b97f4a7c15);

	h ^= (uint64_t)event << 32 | (uint64_t)n->deed << 24 | (uint64_t)n->merge_case << 16 | (uint64_t)n->prev << 8 | n->next;
	return (size_t)(h * UINT64_C(0xbf58476d1ce4e5b9) >> 20);
}

/* The slot of the sum alike, or the empty one where it belongs. */
static uint32_t *merge_slot(struct mm_vma_report *r, uint32_t pid, uint16_t event, const struct mm_vma_note *n)
{
	size_t mask = 2 * r->cap_merges - 1, i = hash_of(pid, event, n) & mask;

	while (r->merge_slots[i] && !alike(&r->merges[r->merge_slots[i] - 1], pid, event, n))
		i = (i + 1) & mask;
	return &r->merge_slots[i];
}

static int grow_merges(struct mm_vma_report *r)
{
	size_t cap = r->cap_merges ? 2 * r->cap_merges : 32;
	struct mm_vma_merge_sum *v = mm_host_realloc(r->merges, cap * sizeof(*v));
	uint32_t *slots;

	if (!v)
		return -ENOMEM;
	r->merges = v;
	slots = mm_host_calloc(2 * cap, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(r->merge_slots);
	r->merge_slots = slots;
	r->cap_merges = cap;
	for (size_t i = 0; i < r->nr_merges; i++)
		*merge_slot(r, v[i].pid, v[i].event, &v[i].last) = (uint32_t)i + 1;
	return 0;
}

static int sum_up(struct mm_vma_report *r, uint32_t pid, uint16_t event, const struct mm_vma_note *n)
{
	struct mm_vma_merge_sum *s;
	uint32_t *slot;

	if (r->nr_merges == r->cap_merges && grow_merges(r))
		return -ENOMEM;
	slot = merge_slot(r, pid, event, n);
	if (!*slot) {
		r->merges[r->nr_merges] = (struct mm_vma_merge_sum){ .pid = pid, .event = event };
		*slot = (uint32_t)++r->nr_merges;
	}
	s = &r->merges[*slot - 1];
	s->last = *n;
	s->count++;
	s->pages += (n->end - n->start) >> MM_PAGE_SHIFT;
	return 0;
}

int mm_vma_report_end(struct mm_machine *m, const struct mm_task *task, const struct mm_event *ev)
{
	const struct mm_vma_journal *j = &m->vma_report->journal;
	uint32_t nr = j->nr < MM_VMA_MAX_NOTES ? j->nr : MM_VMA_MAX_NOTES;
	int e = 0;

	for (uint32_t i = 0; !e && i < nr; i++)
		e = sum_up(m->vma_report, task->tgid, ev->type, &j->v[i]);
	return e;
}

static void result_text(char *text, size_t size, int e, uint64_t value)
{
	const char *word = e ? mm_errno_name((unsigned int)-e) : NULL;

	if (word)
		snprintf(text, size, "%s", word);
	else if (e)
		snprintf(text, size, "errno %d", -e);
	else
		snprintf(text, size, value ? "0x%" PRIx64 : "%" PRIu64, value);
}

/* One more, counted; *@added is NULL when there are too many to keep. */
static int add_mismatch(struct mm_machine *m, const struct mm_task *task, const struct mm_event *ev,
			enum mm_mismatch_kind kind, struct mm_vma_mismatch **added)
{
	struct mm_vma_report *r = m->vma_report;
	struct mm_vma_mismatch *mis;

	*added = NULL;
	r->count[kind]++;
	mm_machine_note(m, kind == MM_MISMATCH_FAULT ?
			"recorded page faults that Linux 6.6 would not have taken so (-t mismatches)" :
			"recorded results that Linux 6.6 would not have given (-t mismatches)");
	if (r->nr_mismatches == MM_MAX_MISMATCHES)
		return 0;
	if (mm_host_grow(&r->mismatches, r->nr_mismatches, &r->cap_mismatches, sizeof(*r->mismatches)))
		return -ENOMEM;
	mis = &r->mismatches[r->nr_mismatches++];
	*mis = (struct mm_vma_mismatch){
		.seq = m->nr_events - 1, .pid = task->pid, .addr = ev->addr, .size = ev->size, .event = ev->type,
		.kind = (uint8_t)kind,
	};
	*added = mis;
	return 0;
}

static int mismatch_words(struct mm_machine *m, const struct mm_task *task, const struct mm_event *ev, enum mm_mismatch_kind kind,
			  struct mm_str recorded, struct mm_str model)
{
	struct mm_vma_mismatch *mis;
	int e = add_mismatch(m, task, ev, kind, &mis);

	if (e || !mis)
		return e;
	snprintf(mis->recorded, sizeof(mis->recorded), "%.*s", (int)(recorded.len < 19 ? recorded.len : 19),
		 recorded.p);
	snprintf(mis->model, sizeof(mis->model), "%.*s", (int)(model.len < 19 ? model.len : 19), model.p);
	return 0;
}

int mm_fault_mismatch(struct mm_machine *m, const struct mm_task *task, const struct mm_event *ev,
		      struct mm_str recorded, struct mm_str model)
{
	return mismatch_words(m, task, ev, MM_MISMATCH_FAULT, recorded, model);
}

int mm_vma_mismatch_words(struct mm_machine *m, const struct mm_task *task, const struct mm_event *ev, struct mm_str recorded,
			  struct mm_str model)
{
	return mismatch_words(m, task, ev, MM_MISMATCH_RESULT, recorded, model);
}

int mm_vma_mismatch(struct mm_machine *m, const struct mm_task *task, const struct mm_event *ev,
		    enum mm_mismatch_kind kind, int e, uint64_t value)
{
	struct mm_recorded rec = mm_vma_recorded(ev);
	struct mm_vma_mismatch *mis;
	int err = add_mismatch(m, task, ev, kind, &mis);

	if (err || !mis)
		return err;
	if (rec.failed)
		snprintf(mis->recorded, sizeof(mis->recorded), "%.*s", (int)(rec.word.len < 19 ? rec.word.len : 19),
			 rec.word.p);
	else
		result_text(mis->recorded, sizeof(mis->recorded), 0, rec.value);
	result_text(mis->model, sizeof(mis->model), e, value);
	return 0;
}

struct mm_recorded mm_vma_recorded(const struct mm_event *ev)
{
	return (struct mm_recorded){
		.there = ev->present & MM_TC_BIT(RESULT) && ev->result_kind != MM_RESULT_NONE,
		.failed = ev->result_kind == MM_RESULT_WORD, .value = ev->result, .word = ev->result_word,
	};
}

void mm_vma_refused(struct mm_machine *m, struct mm_struct *mm)
{
	mm->refused = true;
	mm_machine_note(m, "mappings that got ENOMEM; what they were for is not in the figures");
}

int mm_vma_result(struct mm_machine *m, const struct mm_task *task, struct mm_event *ev, int e, uint64_t value,
		  bool value_matters)
{
	struct mm_recorded rec = mm_vma_recorded(ev);
	const char *word = e ? mm_errno_name((unsigned int)-e) : NULL;

	if (rec.there) {
		if (rec.failed != (e != 0) ||
		    (e && (!word || rec.word.len != strlen(word) || memcmp(rec.word.p, word, rec.word.len))))
			return mm_vma_mismatch(m, task, ev, MM_MISMATCH_RESULT, e, value);
		if (!e && value_matters && rec.value != value)
			return mm_vma_mismatch(m, task, ev, MM_MISMATCH_ADDRESS, e, value);
		return 0;
	}
	if (e == -ENOMEM && (ev->type == MM_EV_MMAP || ev->type == MM_EV_MREMAP))
		mm_vma_refused(m, task->mm);
	if (!e)
		mm_event_set_result(ev, value_matters ? MM_RESULT_HEX : MM_RESULT_DEC, value);
	else if (word)
		mm_event_set_word(ev, word, strlen(word));
	else
		mm_event_set_result(ev, MM_RESULT_DEC, (uint64_t)e);
	return 0;
}

struct mm_struct *mm_vma_call_begin(struct mm_machine *m, struct mm_task *task, struct mm_error *err)
{
	struct mm_struct *mm = mm_task_mm(m, task);

	if (mm)
		mm->beginning = false;
	else
		mm_error_set(err, -ENOMEM, "out of memory");
	mm_vma_report_begin(m);
	return mm;
}

int mm_vma_call_end(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, int e, struct mm_error *err)
{
	int r = mm_vma_result(m, task, ev, e, 0, false);

	if (!r)
		r = mm_vma_report_end(m, task, ev);
	return r ? mm_error_set(err, -ENOMEM, "out of memory") : 0;
}
