/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An access: TLB, walk, and the way into the kernel when the walk fails.
 *
 *	access -> TLB hit: done
 *	       -> walk: rights fit -> set A and D, fill the TLB: done
 *	                they do not -> error code -> do_user_addr_fault() -> again
 *
 * A fault first runs under the lock of its VMA alone, then under the lock of the
 * address space, and once more (TRIED) when that was dropped for I/O; the last round decides what is
 * counted. Model: Linux 6.6 arch/x86/mm/fault.c do_user_addr_fault(), mm/memory.c lock_vma_under_rcu(),
 * mm_account_fault(). Left out: shadow stacks, the kernel's own memory.
 */
#include <errno.h>

#include "cache/contents.h"
#include "cache/memcg.h"
#include "fault/internal.h"
#include "fault/walk.h"

enum { MAX_FAULTS_OF_AN_ACCESS = 64 };

/* Bits of the error code that the kind of access gives; the processor tells fetches apart only where they can be refused. */
static unsigned int error_of(const struct mm_fault *f, unsigned int kind)
{
	unsigned int err = (f->mode == MM_MODE_USER ? (unsigned int)MM_PF_USER : 0) | (kind == MM_TLB_W ? (unsigned int)MM_PF_WRITE : 0);

	return kind == MM_TLB_X && (mm_sysctl(f->ctx, MM_SYSCTL_NX) || mm_sysctl(f->ctx, MM_SYSCTL_SMEP)) ? err | MM_PF_INSTR : err;
}

/* The kernel's accesses to a program's pages: SMEP refuses fetches, SMAP what is made without EFLAGS.AC. */
static inline bool mode_refuses(const struct mm_fault *f, unsigned int kind)
{
	if (f->mode == MM_MODE_USER)
		return false;
	return kind == MM_TLB_X ? mm_sysctl(f->ctx, MM_SYSCTL_SMEP) : f->mode == MM_MODE_KERNEL_DIRECT && mm_sysctl(f->ctx, MM_SYSCTL_SMAP);
}

static inline bool pkru_refuses(const struct mm_fault *f, unsigned int pkey, unsigned int kind)
{
	return f->virt->pkeys_used && kind != MM_TLB_X && f->task && !mm_pkru_allows(f->task->pkru, pkey, kind == MM_TLB_W);
}

static inline bool allows(const struct mm_fault *f, mm_pte_t p, unsigned int kind)
{
	return mm_entry_allows(p, kind) && !mode_refuses(f, kind) && !pkru_refuses(f, mm_pte_pkey(p), kind);
}

/* Why not, as MM_PF_*; 0 is the kernel's read of nothing. */
static unsigned int refusal(const struct mm_fault *f, const struct mm_walk_leaf *h, unsigned int kind)
{
	unsigned int err = error_of(f, kind);

	if (!(h->p & MM_PTE_P))
		return err;
	return err | MM_PF_PROT | (pkru_refuses(f, mm_pte_pkey(h->p), kind) ? (unsigned int)MM_PF_PK : 0);
}

/* A fetch from memory that is not executable brings the page in; it is refused when it is tried again. */
static inline bool access_error(const struct mm_fault *f, unsigned int error, const struct mm_vma *vma)
{
	if (error & MM_PF_PK || (!(error & MM_PF_INSTR) && !mm_vma_access_permitted(f, vma, error & MM_PF_WRITE)))
		return true;
	if (error & MM_PF_WRITE)
		return !(vma->vm_flags & MM_VM_WRITE);
	if (error & MM_PF_PROT)
		return true;		/* a read of a page that is there and not readable */
	return !(vma->vm_flags & (MM_VM_READ | MM_VM_WRITE | MM_VM_EXEC));
}

/* "PROT|WRITE|USER|INSTR|PK|MAJOR" as static text, by bit */
struct mm_str mm_fault_flags_text(unsigned int error, bool major)
{
#define COMBO(bits) { bits, sizeof(bits) - 1 }, { bits "|MAJOR", sizeof(bits "|MAJOR") - 1 }
	static const struct mm_str text[] = {
		{ "", 0 }, { "MAJOR", 5 }, COMBO("PROT"), COMBO("WRITE"), COMBO("PROT|WRITE"), COMBO("USER"), COMBO("PROT|USER"),
		COMBO("WRITE|USER"), COMBO("PROT|WRITE|USER"), COMBO("INSTR"), COMBO("PROT|INSTR"), COMBO("USER|INSTR"),
		COMBO("PROT|USER|INSTR"), COMBO("PROT|PK"), COMBO("PROT|WRITE|PK"), COMBO("PROT|USER|PK"), COMBO("PROT|WRITE|USER|PK"),
	};
#undef COMBO
	unsigned int prot = error & MM_PF_PROT ? 1 : 0, i;

	if (error & MM_PF_INSTR)	/* no write; no key */
		i = 8 + prot + (error & MM_PF_USER ? 2 : 0);
	else if (error & MM_PF_PK)	/* of a page that is there */
		i = 12 + (error & MM_PF_WRITE ? 1 : 0) + (error & MM_PF_USER ? 2 : 0);
	else
		i = prot | (error & (MM_PF_WRITE | MM_PF_USER));
	return text[2 * i + major];
}

static inline void fault_row(struct mm_fault *f, uint64_t vaddr, unsigned int error, bool major)
{
	struct mm_event *ev = mm_effect(f->ctx, MM_BY_FAULT, MM_EV_FAULT);
	const char *word;

	if (f->task)
		f->task->kind[f->kind]++;
	if (!ev)
		return;
	word = mm_fault_kind_word(f->kind);
	ev->addr = vaddr;
	ev->size = (uint64_t)MM_PAGE_SIZE << f->order;
	ev->name = (struct mm_str){ word, __builtin_strlen(word) };
	ev->flags = mm_fault_flags_text(error, major);
	ev->present |= MM_TC_BIT(ADDR) | MM_TC_BIT(SIZE) | MM_TC_BIT(NAME) | MM_TC_BIT(FLAGS);
	if (f->pfn != MM_PFN_NONE)
		mm_event_set_result(ev, MM_RESULT_DEC, f->pfn);
}

static void signal_row(struct mm_fault *f, uint64_t vaddr, enum mm_event_type type)
{
	struct mm_event *ev = mm_effect(f->ctx, MM_BY_FAULT, type);

	if (ev) {
		ev->addr = vaddr;
		ev->present |= MM_TC_BIT(ADDR);
	}
}

static enum mm_access_result segv(struct mm_fault *f, uint64_t vaddr)
{
	if (f->mode != MM_MODE_USER)	/* the kernel's own: copy_to_user() ends, anything else is a bug */
		return f->mode == MM_MODE_KERNEL ? MM_ACCESS_EFAULT : MM_ACCESS_OOPS;
	if (f->task) {
		f->task->segv++;
		f->task->kind[MM_FAULT_KIND_SEGV]++;
	}
	signal_row(f, vaddr, MM_EV_SEGV);
	return MM_ACCESS_SEGV;
}

/* Under the VMA's own lock: the VMA, or NULL when the address space's lock is needed. */
static struct mm_vma *lock_vma_under_rcu(struct mm_fault *f, struct mm_struct *mm, uint64_t vaddr)
{
	struct mm_vma *vma = mm_vma_lookup(mm, vaddr);

	if (vma && (vma->anon_vma || !mm_vma_is_anonymous(vma)))
		return vma;
	mm_count(f->ctx, MM_VMA_LOCK_ABORT, 1);
	return NULL;
}

static inline enum mm_access_result fault_end(struct mm_fault *f, uint64_t vaddr, unsigned int error, unsigned int flags,
					      unsigned int ret)
{
	if (ret & MM_VM_FAULT_OOM) {
		f->kind = MM_FAULT_KIND_OOM;
		fault_row(f, vaddr, error, false);
		signal_row(f, vaddr, MM_EV_ENOMEM);
		return MM_ACCESS_OOM;
	}
	if (ret & (MM_VM_FAULT_SIGBUS | MM_VM_FAULT_HWPOISON) && f->mode == MM_MODE_USER) {
		f->kind = MM_FAULT_KIND_SIGBUS;
		if (f->task) {
			f->task->sigbus++;
			f->task->kind[MM_FAULT_KIND_SIGBUS]++;
		}
		signal_row(f, vaddr, MM_EV_SIGBUS);
		return MM_ACCESS_SIGBUS;
	}
	if (ret & MM_VM_FAULT_ERROR)
		return segv(f, vaddr);
	fault_row(f, vaddr, error, ret & MM_VM_FAULT_MAJOR || flags & MM_FAULT_FLAG_TRIED);
	return MM_ACCESS_OK;
}

/* The program is told, and the task waits until its next try. Not counted: the last round is. */
static enum mm_access_result uffd_wait(struct mm_fault *f, uint64_t vaddr, unsigned int error, bool tried)
{
	f->uffd_waits = false;
	if (f->task) {
		f->task->uffd_vaddr = vaddr & ~(uint64_t)(MM_PAGE_SIZE - 1);
		f->task->uffd_error = (uint8_t)error;
		f->task->uffd_tried = tried;
	}
	fault_row(f, vaddr, error, false);
	return MM_ACCESS_UFFD;
}

/* @round: 0, or MM_FAULT_FLAG_TRIED: a fault goes on that waited under the lock of the address space */
static enum mm_access_result do_user_addr_fault(struct mm_fault *f, struct mm_struct *mm, uint64_t vaddr, unsigned int error,
						bool again, unsigned int round)
{
	unsigned int flags = MM_FAULT_FLAG_ALLOW_RETRY | round, ret;
	struct mm_vma *vma;

	if (f->mode == MM_MODE_USER)
		flags |= MM_FAULT_FLAG_USER;
	if (error & MM_PF_WRITE)
		flags |= MM_FAULT_FLAG_WRITE;
	if (error & MM_PF_INSTR)
		flags |= MM_FAULT_FLAG_INSTRUCTION;
	if (f->first_error == MM_PF_NONE)
		f->first_error = (uint8_t)error;
	f->kind = MM_FAULT_KIND_SPURIOUS;
	f->pfn = MM_PFN_NONE;
	f->order = 0;
	if ((error & (MM_PF_USER | MM_PF_INSTR)) == MM_PF_INSTR || (f->mode == MM_MODE_KERNEL_DIRECT && mm_sysctl(f->ctx, MM_SYSCTL_SMAP)))
		return MM_ACCESS_OOPS;
	vma = again || f->mode != MM_MODE_USER ? NULL : lock_vma_under_rcu(f, mm, vaddr);
	if (vma && !access_error(f, error, vma)) {
		ret = mm_handle_mm_fault(f, vma, vaddr, flags | MM_FAULT_FLAG_VMA_LOCK);
		if (!(ret & MM_VM_FAULT_RETRY)) {
			mm_count(f->ctx, MM_VMA_LOCK_SUCCESS, 1);
			return fault_end(f, vaddr, error, flags, ret);
		}
		mm_count(f->ctx, MM_VMA_LOCK_RETRY, 1);
		if (f->uffd_waits)
			return uffd_wait(f, vaddr, error, false);
	}
	for (;;) {
		vma = mm_find_vma(mm, vaddr);
		if (!vma || vma->vm_start > vaddr)
			vma = mm_expand_stack(mm, vaddr);
		if (!vma || access_error(f, error, vma))
			return segv(f, vaddr);
		ret = mm_handle_mm_fault(f, vma, vaddr, flags);
		if (!(ret & MM_VM_FAULT_RETRY))
			return fault_end(f, vaddr, error, flags, ret);
		if (f->uffd_waits)
			return uffd_wait(f, vaddr, error, true);
		flags |= MM_FAULT_FLAG_TRIED;
	}
}

/*
 * An address that no program may use. The kernel's half looks protected, whatever is there (sanitize_error_code()); between
 * the halves there is no page fault but a general protection fault. Source: arch/x86/mm/fault.c bad_area_nosemaphore().
 */
static enum mm_access_result not_user(struct mm_fault *f, const struct mm_struct *mm, uint64_t vaddr, unsigned int kind)
{
	unsigned int spare = 64 - (MM_PAGE_SHIFT + 9 * mm_nr_levels(mm->virt));

	if (f->first_error == MM_PF_NONE && (int64_t)(vaddr << spare) >> spare == (int64_t)vaddr)
		f->first_error = (uint8_t)(MM_PF_PROT | error_of(f, kind));
	return segv(f, vaddr);
}

/* Where a walk ends that finds no PMD. */
static unsigned int first_level(const struct mm_struct *mm, uint64_t vaddr)
{
	unsigned int level = 3;

	while (level < mm_nr_levels(mm->virt) && !mm_entry_at(mm, vaddr, level))
		level++;
	return level;
}

/* @absent: the TLB has nothing of the page. */
static enum mm_access_result access_slow(struct mm_fault *f, struct mm_struct *mm, struct mm_tlb_cpu *c, uint64_t vaddr,
					 unsigned int kind, bool absent)
{
	c->walks++;
	if (f->tlb_miss_rows)
		signal_row(f, vaddr, MM_EV_TLB_MISS);
	if (vaddr >= mm->task_size_max)
		return not_user(f, mm, vaddr, kind);
	if (f->task && f->task->uffd_vaddr && f->task->uffd_vaddr == (vaddr & ~(uint64_t)(MM_PAGE_SIZE - 1))) {
		enum mm_access_result r;

		if (!f->task->uffd_woken)
			return MM_ACCESS_UFFD;		/* it sleeps still */
		f->task->uffd_vaddr = 0;
		r = do_user_addr_fault(f, mm, vaddr, f->task->uffd_error, true, f->task->uffd_tried ? MM_FAULT_FLAG_TRIED : 0);
		if (r != MM_ACCESS_OK)
			return r;
	}
	for (unsigned int i = 0; i < MAX_FAULTS_OF_AN_ACCESS; i++) {
		struct mm_walk_leaf h = mm_walk(mm, vaddr);
		enum mm_access_result r;

		mm_tlb_walked(c, mm, vaddr, h.leaf ? h.level : first_level(mm, vaddr));
		if (allows(f, h.p, kind)) {
			mm_walk_fill(c, mm->id, vaddr, kind, h, absent);
			return MM_ACCESS_OK;
		}
		mm->lru_gen_used = true;
		r = do_user_addr_fault(f, mm, vaddr, refusal(f, &h, kind), false, 0);
		if (f->cache->nr_pages_over_high)
			mm_mem_cgroup_handle_over_high(f->cache, mm->memcg, MM_GFP_KERNEL);
		if (r != MM_ACCESS_OK)
			return r;
	}
	return MM_ACCESS_OOM;
}

/* The TLB was just asked for this in vain, and nothing has been filled since. */
static bool was_missed(struct mm_fault *f, const struct mm_struct *mm, const struct mm_tlb_cpu *c, uint64_t vaddr, unsigned int kind)
{
	bool same = f->missed.cpu == c && f->missed.vaddr == vaddr && f->missed.mm_id == mm->id && f->missed.kind == kind;

	f->missed.cpu = NULL;
	return same;
}

bool mm_access_any_without_fault(struct mm_fault *f, struct mm_struct *mm, struct mm_tlb_cpu *c, uint64_t vaddr, unsigned int kind,
				 const struct mm_tlb_entry *e)
{
	struct mm_walk_leaf h;

	if (!e)
		e = mm_tlb_lookup_more(c, mm->id, vaddr, kind);
	if (mm_tlb_serves(e, kind))
		return true;
	h = mm_walk(mm, vaddr);
	if (!mm_entry_allows(h.p, kind))
		return mm_access_missed(f, mm, c, vaddr, kind, !e);
	c->walks++;
	mm_tlb_walked(c, mm, vaddr, h.level);
	mm_walk_fill(c, mm->id, vaddr, kind, h, !e);
	return true;
}

static enum mm_access_result access_page(struct mm_fault *f, struct mm_struct *mm, struct mm_tlb_cpu *c, uint64_t vaddr,
					 unsigned int kind)
{
	const struct mm_tlb_entry *e;

	c->accesses++;
	c->mm_id = mm->id;
	e = vaddr < mm->task_size_max && !was_missed(f, mm, c, vaddr, kind) ? mm_tlb_lookup(c, mm->id, vaddr, kind) : NULL;
	if (mm_tlb_serves(e, kind) && !mode_refuses(f, kind) && !pkru_refuses(f, mm_pte_pkey(e->leaf), kind))
		return MM_ACCESS_OK;
	return access_slow(f, mm, c, vaddr, kind, !e);
}

/* After a store: the page holds something else. */
static void note_store(struct mm_fault *f, const struct mm_struct *mm, uint64_t vaddr)
{
	struct mm_walk_leaf h = mm_walk(mm, vaddr);

	if (!allows(f, h.p, MM_TLB_W))
		return;
	f->cache->contents[mm_pte_pfn(*h.leaf) + (vaddr >> MM_PAGE_SHIFT) % (UINT64_C(1) << 9 * (h.level - 1))] =
		f->store_contents == UINT64_MAX ? mm_contents_unique(f->cache) : f->store_contents;
}

enum mm_access_result mm_access(struct mm_fault *f, struct mm_struct *mm, uint64_t vaddr, uint64_t size, unsigned int kind)
{
	struct mm_tlb_cpu *c = &f->virt->tlb->cpu[f->ctx->cpu];
	uint64_t left = size;

	if (!size)
		return MM_ACCESS_OK;
	for (uint64_t at = vaddr;;) {
		uint64_t here = MM_PAGE_SIZE - at % MM_PAGE_SIZE;
		enum mm_access_result r = access_page(f, mm, c, at, kind);

		if (kind == MM_TLB_W && f->cache->contents_mapped && r == MM_ACCESS_OK)
			note_store(f, mm, at);
		if (r != MM_ACCESS_OK || left <= here)
			return r;
		if (f->cache->dying && f->mode == MM_MODE_USER)		/* it does not come back from the fault */
			return MM_ACCESS_OOM;
		left -= here;
		at += here;
	}
}
