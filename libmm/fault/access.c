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

enum { MAX_FAULTS_OF_AN_ACCESS = 64 };

/* Where a walk ended. */
struct hit {
	mm_pte_t *leaf;			/* NULL: a table is missing */
	mm_pte_t *pmd;			/* the entry above a leaf of level 1, else NULL */
	mm_pte_t p;			/* what is at the leaf, 0 where there is none */
	uint8_t level;			/* of the leaf */
};

/* Bits of the error code that the kind of access gives; the processor tells fetches apart only where they can be refused. */
static unsigned int error_of(const struct mm_fault *f, unsigned int kind)
{
	unsigned int err = (f->mode == MM_MODE_USER ? (unsigned int)MM_PF_USER : 0) | (kind == MM_TLB_W ? (unsigned int)MM_PF_WRITE : 0);

	return kind == MM_TLB_X && (mm_sysctl(f->ctx, MM_SYSCTL_NX) || mm_sysctl(f->ctx, MM_SYSCTL_SMEP)) ? err | MM_PF_INSTR : err;
}

/* The kernel's accesses to a program's pages: SMEP refuses fetches, SMAP what is made without EFLAGS.AC. */
static bool mode_refuses(const struct mm_fault *f, unsigned int kind)
{
	if (f->mode == MM_MODE_USER)
		return false;
	return kind == MM_TLB_X ? mm_sysctl(f->ctx, MM_SYSCTL_SMEP) : f->mode == MM_MODE_KERNEL_DIRECT && mm_sysctl(f->ctx, MM_SYSCTL_SMAP);
}

static bool pkru_refuses(const struct mm_fault *f, unsigned int pkey, unsigned int kind)
{
	return f->virt->pkeys_used && kind != MM_TLB_X && f->task && !mm_pkru_allows(f->task->pkru, pkey, kind == MM_TLB_W);
}

static inline struct hit hit_at(mm_pte_t *leaf, mm_pte_t *pmd, uint8_t level) { return (struct hit){ leaf, pmd, *leaf, level }; }

static inline struct hit walk(const struct mm_struct *mm, uint64_t vaddr)
{
	mm_pte_t *e = mm_pmd_offset(mm, vaddr);

	if (e && mm_pmd_is_table(*e))
		return hit_at(mm_pte_of(mm, e, vaddr), e, 1);
	if (e)
		return hit_at(e, NULL, 2);
	e = mm_entry_at(mm, vaddr, 3);
	if (e && (*e & (MM_PTE_P | MM_PTE_PSE)) == (MM_PTE_P | MM_PTE_PSE))
		return hit_at(e, NULL, 3);
	return (struct hit){ 0 };
}

/* The entry as the processor leaves it if the access is allowed. */
static inline mm_pte_t marked(mm_pte_t p, unsigned int kind)
{
	_Static_assert(MM_TLB_W == 1 && MM_PTE_D == 1 << 6, "a write sets D");
	return p | MM_PTE_A | (mm_pte_t)(kind & MM_TLB_W) << 6;
}

/* Rights that the TLB remembers of a marked entry, as MM_TLB_WRITABLE and MM_TLB_EXEC. */
static inline uint64_t rights(mm_pte_t p)
{
	return (p & MM_PTE_RW && p & MM_PTE_D ? MM_TLB_WRITABLE : 0) | (p & MM_PTE_NX ? 0 : MM_TLB_EXEC);
}

/* The entry allows it: all there is to ask for a program while no protection keys are in use. */
static inline bool entry_allows(mm_pte_t p, unsigned int kind) { return p & MM_PTE_P && !(kind & ~rights(marked(p, kind))); }

static bool allows(const struct mm_fault *f, mm_pte_t p, unsigned int kind)
{
	return entry_allows(p, kind) && !mode_refuses(f, kind) && !pkru_refuses(f, mm_pte_pkey(p), kind);
}

/* Why not, as MM_PF_*; 0 is the kernel's read of nothing. */
static unsigned int refusal(const struct mm_fault *f, const struct hit *h, unsigned int kind)
{
	unsigned int err = error_of(f, kind);

	if (!(h->p & MM_PTE_P))
		return err;
	return err | MM_PF_PROT | (pkru_refuses(f, mm_pte_pkey(h->p), kind) ? (unsigned int)MM_PF_PK : 0);
}

/* The walk succeeded: the processor marks the entry and remembers it. */
static inline __attribute__((always_inline)) void fill(struct mm_tlb_cpu *c, uint32_t id, uint64_t vaddr, unsigned int kind, struct hit h,
						       bool absent)
{
	mm_pte_t p = marked(h.p, kind);
	uint64_t leaf = (p & (MM_PTE_PFN_MASK | MM_PTE_PKEY)) | rights(p);

	*h.leaf = p;
	if (h.pmd)
		*h.pmd |= MM_PTE_A;
	else
		leaf |= h.level == 3 ? MM_TLB_HUGE | MM_TLB_GIGA : MM_TLB_HUGE;
	mm_tlb_fill(c, id, vaddr, kind, leaf, absent);
}

/* A fetch from memory that is not executable brings the page in; it is refused when it is tried again. */
static bool access_error(const struct mm_fault *f, unsigned int error, const struct mm_vma *vma)
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

static void fault_row(struct mm_fault *f, uint64_t vaddr, unsigned int error, bool major)
{
	struct mm_event *ev = mm_effect(f->ctx, MM_BY_FAULT, MM_EV_FAULT);
	const char *word = mm_fault_kind_word(f->kind);

	if (f->task)
		f->task->kind[f->kind]++;
	if (!ev)
		return;
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

	if (vma && !(mm_vma_is_anonymous(vma) && !vma->anon_vma))
		return vma;
	mm_count(f->ctx, MM_VMA_LOCK_ABORT, 1);
	return NULL;
}

static enum mm_access_result fault_end(struct mm_fault *f, uint64_t vaddr, unsigned int error, unsigned int flags,
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
		struct hit h = walk(mm, vaddr);
		enum mm_access_result r;

		mm_tlb_walked(c, mm, vaddr, h.leaf ? h.level : first_level(mm, vaddr));
		if (allows(f, h.p, kind)) {
			fill(c, mm->id, vaddr, kind, h, absent);
			return MM_ACCESS_OK;
		}
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

/* The walk failed. @absent: so did the look-up. */
static bool missed(struct mm_fault *f, const struct mm_struct *mm, const struct mm_tlb_cpu *c, uint64_t vaddr, unsigned int kind,
		   bool absent)
{
	if (absent)
		f->missed = (struct mm_tlb_miss){ c, vaddr, mm->id, kind };
	return false;
}

/* For any page. */
static bool serve_any(struct mm_fault *f, struct mm_struct *mm, struct mm_tlb_cpu *c, uint64_t vaddr, unsigned int kind,
		      const struct mm_tlb_entry *e)
{
	struct hit h;

	if (!e)
		e = mm_tlb_lookup_more(c, mm->id, vaddr, kind);
	if (mm_tlb_serves(e, kind))
		return true;
	h = walk(mm, vaddr);
	if (!entry_allows(h.p, kind))
		return missed(f, mm, c, vaddr, kind, !e);
	c->walks++;
	mm_tlb_walked(c, mm, vaddr, h.level);
	fill(c, mm->id, vaddr, kind, h, !e);
	return true;
}

/* Most often the page is one of 4K, and there are no larger ones. */
bool mm_access_without_fault(struct mm_fault *f, struct mm_struct *mm, struct mm_tlb_cpu *c, uint64_t vaddr, unsigned int kind,
			     const struct mm_tlb_entry *e)
{
	const uint32_t id = mm->id;
	mm_pte_t *pmd;
	struct hit h;

	f->missed.cpu = NULL;
	if (e || c->has_large)
		return serve_any(f, mm, c, vaddr, kind, e);
	e = mm_tlb_lookup_l2(c, id, vaddr, kind);
	if (e)
		return mm_tlb_serves(e, kind) || serve_any(f, mm, c, vaddr, kind, e);
	pmd = mm_pmd_offset(mm, vaddr);
	if (!pmd || !mm_pmd_is_table(*pmd))
		return serve_any(f, mm, c, vaddr, kind, NULL);
	h = hit_at(mm_pte_of(mm, pmd, vaddr), pmd, 1);
	if (!entry_allows(h.p, kind))
		return missed(f, mm, c, vaddr, kind, true);
	c->walks++;
	if (mm_tlb_is_below_pde(c, id, vaddr))
		mm_tlb_walked_near(c);
	else
		mm_tlb_walked_below(c, mm, vaddr);
	fill(c, id, vaddr, kind, h, true);
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
	struct hit h = walk(mm, vaddr);

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
		left -= here;
		at += here;
	}
}
