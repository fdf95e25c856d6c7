/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Accesses: loads, stores, modifies and instruction fetches.
 *
 * Where pages are kept an access goes to the fault floor, page by page; where only
 * address spaces are, it can do no more than make a VMA grow or end in a signal. A modify is one
 * instruction that reads and writes: the processor asks for the right to write at once, so
 * it takes one fault, not two.
 */
#include <errno.h>

#include "base/minmax.h"
#include "base/str.h"
#include "cache/contents.h"
#include "fault/walk.h"
#include "machine/machine.h"
#include "machine/vma_call.h"
#include "virt/numab.h"
#include "phys/compaction.h"
#include "reclaim/reclaim.h"

static const struct mm_str ok = { "ok", 2 }, segv = { "segv", 4 }, sigbus = { "sigbus", 6 }, enomem = { "ENOMEM", 6 }, uffd = { "uffd", 4 };
static const struct mm_str efault = { "EFAULT", 6 }, oops = { "oops", 4 };

static int result(struct mm_event *ev, struct mm_str word)
{
	mm_event_set_word(ev, word.p, word.len);
	return 0;
}

/* A trace of accesses alone is no program: it wants --automap. */
static int no_mapping(struct mm_machine *m, const struct mm_task *task, struct mm_event *ev)
{
	if (!task->mm->map_count && !task->mm->refused)
		mm_machine_note(m, "accesses of processes without any mapping got SIGSEGV; --automap gives them memory");
	return result(ev, segv);
}

static int vma_access(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, uint64_t size, uint32_t kind)
{
	switch (mm_vma_access(task->mm, ev->addr, size, kind)) {
	case MM_VMA_OK:
		return result(ev, ok);
	case MM_VMA_SEGV:
		task->faults.segv++;
		return no_mapping(m, task, ev);
	case MM_VMA_SIGBUS:
		task->faults.sigbus++;
		return result(ev, sigbus);
	default:
		return result(ev, enomem);
	}
}

/* KERNEL: made by the kernel for the task; KERNEL|DIRECT: by mistake, as no copy_to_user(). A recorded code without USER too. */
static enum mm_access_mode mode_of_flags(const struct mm_event *ev, bool recorded)
{
	if (mm_has_word(ev->flags, "KERNEL"))
		return mm_has_word(ev->flags, "DIRECT") ? MM_MODE_KERNEL_DIRECT : MM_MODE_KERNEL;
	return recorded && ev->flags.len > sizeof("FAULT|") - 1 && !mm_has_word(ev->flags, "USER") ? MM_MODE_KERNEL : MM_MODE_USER;
}

static inline enum mm_access_mode mode_of(const struct mm_event *ev, bool recorded)
{
	return ev->present & MM_TC_BIT(FLAGS) ? mode_of_flags(ev, recorded) : MM_MODE_USER;
}

/*
 * Where the kernel must not sleep (signal frames, futexes, write()) it tries with page faults disabled first: the exception is told,
 * nothing comes of it (faulthandler_disabled()), and then told again.
 */
static bool is_told_again(struct mm_task *task, const struct mm_event *ev, unsigned int recorded)
{
	bool by_kernel = mode_of(ev, true) == MM_MODE_KERNEL;
	bool again = by_kernel && task->kernel_fault_vaddr == ev->addr && task->kernel_fault_code == recorded;

	task->kernel_fault_vaddr = by_kernel && !again ? ev->addr : UINT64_MAX;
	task->kernel_fault_code = recorded;
	return again;
}

/* Was there one, and for the same reason? The kernel may have taken it for the task: USER does not count. */
static int compare_fault(struct mm_machine *m, struct mm_task *task, const struct mm_event *ev, struct mm_error *err)
{
	static const size_t head = sizeof("FAULT|") - 1;
	unsigned int error = m->fault->first_error, recorded;
	struct mm_str text = ev->flags, model = { "no fault", 8 };

	recorded = (mm_has_word(text, "PROT") ? (unsigned int)MM_PF_PROT : 0) |
		   (mm_has_word(text, "WRITE") ? (unsigned int)MM_PF_WRITE : 0) |
		   (mm_has_word(text, "INSTR") ? (unsigned int)MM_PF_INSTR : 0) |
		   (mm_has_word(text, "PK") ? (unsigned int)MM_PF_PK : 0);
	if (is_told_again(task, ev, recorded) && error == MM_PF_NONE) {
		mm_machine_note(m, "page faults told twice: the kernel tried without sleeping first");
		return 0;
	}
	if (error != MM_PF_NONE) {
		if (text.len <= head || recorded == (error & ~(unsigned int)MM_PF_USER))
			return 0;
		model = mm_fault_flags_text(error, false);
	}
	if (text.len > head)
		text = (struct mm_str){ text.p + head, text.len - head };
	return mm_fault_mismatch(m, task, ev, text, model) ? mm_error_set(err, -ENOMEM, "out of memory") : 0;
}

/* The entry of the one page of it, if something is or was there: then it is mapped. */
static inline const mm_pte_t *entry_of(const struct mm_machine *m, const struct mm_struct *mm, uint64_t addr, uint64_t size)
{
	const mm_pte_t *pmd, *pte;

	if (!m->fault || addr >= mm->task_size_max || size - 1 >= MM_PAGE_SIZE - addr % MM_PAGE_SIZE)
		return NULL;
	pmd = mm_pmd_offset(mm, addr);
	if (!pmd || !mm_pmd_is_table(*pmd))
		return NULL;
	pte = mm_pte_of(mm, pmd, addr);
	return *pte ? pte : NULL;
}

static bool allows(mm_pte_t pte, uint32_t kind)
{
	return (!(kind & MM_VMA_WRITE) || mm_pte_write(pte)) && (!(kind & MM_VMA_FETCH) || !(pte & MM_PTE_NX));
}

/* What the task accesses is mapped for it, if nothing is. 0 or -errno. */
static inline int map_for(struct mm_machine *m, struct mm_task *task, uint64_t addr, uint64_t size, uint32_t kind)
{
	const mm_pte_t *pte = entry_of(m, task->mm, addr, size);
	int mapped = pte != NULL;

	if (pte && (!task->image || (mm_pte_present(*pte) && allows(*pte, kind))))
		return 0;
	if (task->image)
		mapped = mm_vma_image(m, task, addr, size, kind);
	if (mapped)
		return mapped < 0 ? mapped : 0;
	return mm_vma_automap(m, task, addr, size);
}

/*
 * A fault of which only the address is known ("FAULT" alone): was it of a write?  Surely where the page is there and a read
 * would find it.  Pages of one's own without a file behind them are seldom read before they are written.
 */
static bool was_write(const struct mm_machine *m, const struct mm_struct *mm, uint64_t addr)
{
	const struct mm_vma *vma = mm_find_vma_intersection(mm, addr, addr + 1);
	const mm_pte_t *pte = m->fault && addr < mm->task_size_max ? mm_pte_offset(mm, addr) : NULL;

	if (!vma)
		return true;
	if (!(vma->vm_flags & MM_VM_WRITE))
		return false;
	if (pte && *pte)
		return mm_pte_present(*pte) && !mm_pte_write(*pte);
	return mm_vma_is_anonymous(vma);
}

static int access(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err,
		  uint32_t vma_kind, unsigned int tlb_kind)
{
	uint64_t size = ev->present & MM_TC_BIT(SIZE) ? ev->size : 1;
	enum mm_access_result r;
	bool recorded;

	if (m->cfg.depth < MM_DEPTH_VMA)
		return 0;
	if (!mm_task_mm(m, task))
		return mm_error_set(err, -ENOMEM, "no memory for the address space of task %u", task->pid);
	task->accesses++;
	if (!size)
		return result(ev, ok);
	recorded = mm_event_is_recorded_fault(ev);
	if (task->automap && map_for(m, task, ev->addr, size, vma_kind))
		return mm_error_set(err, -ENOMEM, "out of memory");
	if (recorded && mm_str_is(ev->flags, "FAULT") && was_write(m, task->mm, ev->addr)) {
		vma_kind = MM_VMA_WRITE;
		tlb_kind = MM_TLB_W;
	}
	if (!m->fault)
		return vma_access(m, task, ev, size, vma_kind);
	if (recorded)
		m->fault->first_error = MM_PF_NONE;
	if (tlb_kind == MM_TLB_W && ev->present & MM_TC_BIT(NAME)) {
		if (mm_contents_keep(m->cache))
			return mm_error_set(err, -ENOMEM, "out of memory");
		m->fault->store_contents = mm_contents_of_name(ev->name);
	}
	m->fault->mode = mode_of(ev, recorded);
	r = mm_access(m->fault, task->mm, ev->addr, size, tlb_kind);
	m->fault->mode = MM_MODE_USER;
	m->fault->store_contents = UINT64_MAX;
	if (recorded && compare_fault(m, task, ev, err))
		return err->code;
	switch (r) {
	case MM_ACCESS_OK:
		return result(ev, ok);
	case MM_ACCESS_SEGV:
		return no_mapping(m, task, ev);
	case MM_ACCESS_SIGBUS:
		return result(ev, sigbus);
	case MM_ACCESS_UFFD:
		return result(ev, uffd);
	case MM_ACCESS_EFAULT:
		return result(ev, efault);
	case MM_ACCESS_OOPS:
		return result(ev, oops);
	default:
		if (!m->someone_dies)
			mm_machine_note(m, "accesses that got no memory, with nobody to be killed for it (process 1 never is)");
		return result(ev, enomem);
	}
}

static int copy_user(struct mm_machine *m, struct mm_task *task, uint64_t addr, uint64_t size, struct mm_error *err,
		     uint32_t vma_kind, unsigned int tlb_kind)
{
	if (!mm_task_mm(m, task) || (task->automap && map_for(m, task, addr, size, vma_kind)))
		return mm_error_set(err, -ENOMEM, "out of memory");
	if (m->fault) {
		m->fault->mode = MM_MODE_KERNEL;
		mm_access(m->fault, task->mm, addr, size, tlb_kind);
		m->fault->mode = MM_MODE_USER;
	} else {
		mm_vma_access(task->mm, addr, size, vma_kind);
	}
	return 0;
}

int mm_task_copy_to_user(struct mm_machine *m, struct mm_task *task, uint64_t addr, uint64_t size, struct mm_error *err)
{
	return copy_user(m, task, addr, size, err, MM_VMA_WRITE, MM_TLB_W);
}

int mm_task_copy_from_user(struct mm_machine *m, struct mm_task *task, uint64_t addr, uint64_t size, struct mm_error *err)
{
	return copy_user(m, task, addr, size, err, MM_VMA_READ, MM_TLB_R);
}

int mm_ev_load(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	return access(m, task, ev, err, MM_VMA_READ, MM_TLB_R);
}

int mm_ev_store(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	return access(m, task, ev, err, MM_VMA_WRITE, MM_TLB_W);
}

int mm_ev_modify(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	return access(m, task, ev, err, MM_VMA_READ | MM_VMA_WRITE, MM_TLB_W);
}

int mm_ev_fetch(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	return access(m, task, ev, err, MM_VMA_FETCH, MM_TLB_X);
}

/* ---- the way most rows go --------------------------------------------------- */

/* How the processor is asked for an access, by the type of its row. */
static inline unsigned int kind_of(unsigned int type)
{
	static const uint8_t kinds[] = {
		[MM_EV_LOAD - MM_EV_LOAD] = MM_TLB_R, [MM_EV_STORE - MM_EV_LOAD] = MM_TLB_W,
		[MM_EV_MODIFY - MM_EV_LOAD] = MM_TLB_W, [MM_EV_FETCH - MM_EV_LOAD] = MM_TLB_X,
	};

	return kinds[type - MM_EV_LOAD];
}

static inline uint64_t whose(const struct mm_event *ev) { return (uint64_t)ev->cpu << 32 | ev->pid; }

static inline bool is_within_page(const struct mm_event *ev)
{
	return !(ev->present & MM_TC_BIT(SIZE)) || ev->size - 1 < MM_PAGE_SIZE - ev->addr % MM_PAGE_SIZE;
}

/* The row is one access to one page, by the task and CPU that are asked for, no recorded fault and no effect. */
static inline bool is_plain(const struct mm_event *ev, uint64_t by)
{
	return (unsigned int)ev->type - MM_EV_LOAD <= MM_EV_FETCH - MM_EV_LOAD && whose(ev) == by && ev->by == MM_BY_NONE &&
	       !(ev->present & (MM_TC_BIT(FLAGS) | MM_TC_BIT(NAME))) && is_within_page(ev);
}

/* Rows of one task on one CPU, as the processor is asked for them. */
struct run {
	struct mm_task *task;
	struct mm_tlb_cpu *c;
	uint64_t by, end, own;		/* whose they are; above all their addresses; the tag of page 0 */
	uint64_t due_ns;		/* when the next daemon wakes */
	bool due, missed;		/* it ended for that; with an access that neither the TLB nor a walk serves */
};

/* A run begins with @ev; false: that is for mm_machine_event(). */
static bool begin_run(struct mm_machine *m, const struct mm_event *ev, struct run *r)
{
	struct mm_task *task = m->tasks.last;
	struct mm_tlb_cpu *c;

	if (!m->fault || m->fault->tlb_miss_rows || m->cache->contents || !task || !task->mm ||
	    ev->pid != task->pid || m->someone_dies || m->panicked ||
	    task->faults.uffd_vaddr || m->cfg.check || m->virt.pkeys_used || ev->cpu >= m->ctx.nr_cpus ||
	    mm_kswapd_is_woken(m->reclaim) || mm_kcompactd_is_due(m->phys))
		return false;
	r->task = task;
	r->c = c = &m->fault->virt->tlb->cpu[ev->cpu];
	r->by = whose(ev);
	r->own = mm_tlb_tag(0, task->mm->id, 0);
	r->end = task->mm->task_size_max;
	r->due_ns = mm_min_u64(m->phys->proactive_ns, m->fault->khugepaged_ns);
	r->due_ns = mm_min_u64(mm_task_numa_due_ns(&m->ctx, &task->numa), r->due_ns);
	return true;
}

/* How many of the @nr rows TLB and walks serve, from the first on, as far as they are of the run. */
static size_t serve(struct mm_machine *m, struct run *r, struct mm_event *ev, size_t nr)
{
	struct mm_struct *mm = r->task->mm;
	struct mm_tlb_cpu *c = r->c;
	size_t n = 0;

	r->due = r->missed = false;
	while (n < nr && is_plain(&ev[n], r->by) && ev[n].addr < r->end) {
		struct mm_event *at = &ev[n];
		unsigned int kind = kind_of(at->type);
		uint64_t page = at->addr >> MM_PAGE_SHIFT, tag = r->own + (page << MM_TLB_PAGE_SHIFT);
		const struct mm_tlb_entry *e = mm_tlb_find(&c->a[mm_tlb_l1(kind)], page, tag);

		if (!mm_tlb_serves(e, kind) && !mm_access_without_fault(m->fault, mm, c, at->addr, tag, kind, e)) {
			r->missed = true;
			break;
		}
		result(at, ok);
		n++;
		if (at->present & MM_TC_BIT(TIME_S)) {
			m->ctx.now_ns = at->time_ns;
			if (at->time_ns >= r->due_ns) {
				r->due = true;
				break;
			}
		}
	}
	return n;
}

/* @n rows were served. */
static void served(struct mm_machine *m, const struct run *r, uint32_t cpu, size_t n)
{
	m->effects.nr = 0;
	mm_set_cpu(&m->ctx, cpu);
	mm_task_run(m, r->task, r->task->pid);
	m->nr_events += n;
	m->told.accesses += n;
	r->task->accesses += n;
	r->c->accesses += n;
	r->c->mm_id = r->task->mm->id;
	m->cache->hits += n;
	if (r->due)
		mm_machine_run_daemons(m, true);
}

/*
 * A page in the page tables is mapped and nothing is to be done for --automap. A run ends with the access after which
 * a daemon wakes, and before a fault: with that if nobody listens to effects, and then the next one may begin.
 */
size_t mm_machine_hits(struct mm_machine *m, struct mm_event *ev, size_t nr)
{
	struct run r;
	size_t n = 0;

	while (n < nr && begin_run(m, &ev[n], &r)) {
		size_t hits = serve(m, &r, &ev[n], nr - n);

		if (hits)
			served(m, &r, ev[n].cpu, hits);
		n += hits;
		if (!r.missed || m->ctx.fx || !mm_machine_row_of_run(m, r.task, &ev[n]))
			break;
		n++;
	}
	return n;
}
