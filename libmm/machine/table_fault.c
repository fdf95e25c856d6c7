/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables of the fault floor: faults by kind, the TLBs, the page tables, one walk.
 */
#include <stdio.h>
#include <string.h>

#include <libmm/tables.h>

#include "fault/fault.h"
#include "machine/machine.h"
#include "virt/rmap.h"
#include "virt/userfaultfd.h"

/* ---- faults ---------------------------------------------------------------- */

struct faults_row {
	uint64_t pid;
	const char *comm;
	uint64_t accesses, minflt, majflt, segv, sigbus;
	uint64_t kind[MM_NR_FAULT_KINDS];
};

static const struct mm_column faults_columns[] = {
	MM_COLUMN(struct faults_row, pid, MM_COL_U64, "task"),
	MM_COLUMN_HIDDEN(struct faults_row, comm, MM_COL_STR, "its command name"),
	MM_COLUMN_HIDDEN(struct faults_row, accesses, MM_COL_U64, "accesses of the trace"),
	MM_COLUMN(struct faults_row, minflt, MM_COL_U64, "faults without I/O, as getrusage counts them"),
	MM_COLUMN(struct faults_row, majflt, MM_COL_U64, "faults with I/O, and those that were retried"),
	MM_COLUMN(struct faults_row, segv, MM_COL_U64, "accesses that got SIGSEGV"),
	MM_COLUMN(struct faults_row, sigbus, MM_COL_U64, "accesses that got SIGBUS"),
#define X(sym, word, help) \
	{ "kind_" word, NULL, MM_COL_U64, (uint32_t)(offsetof(struct faults_row, kind) + MM_FAULT_KIND_##sym * sizeof(uint64_t)), \
	  false, help },
	MM_FAULT_KINDS(X)
#undef X
};

static bool anybody_lives(const struct mm_machine *m)
{
	for (size_t i = 0; i < m->tasks.nr; i++)
		if (m->tasks.v[i]->state == MM_TASK_RUNNING)
			return true;
	return false;
}

static int faults_rows(struct mm_machine *m, struct mm_table_writer *w)
{
	bool living = anybody_lives(m);

	for (size_t i = 0; i < m->tasks.nr; i++) {
		const struct mm_task *t = m->tasks.v[i];
		struct faults_row r = {
			.pid = t->pid, .comm = t->comm, .accesses = t->accesses, .minflt = t->faults.min_flt,
			.majflt = t->faults.maj_flt, .segv = t->faults.segv, .sigbus = t->faults.sigbus,
		};

		if (living && t->state != MM_TASK_RUNNING)
			continue;
		memcpy(r.kind, t->faults.kind, sizeof(r.kind));
		mm_table_writer_row(w, &r);
	}
	return 0;
}

const struct mm_machine_table mm_table_faults = {
	MM_TABLE("faults", faults_columns, "page faults of each living task since it began, and what they were; if none lives, of all"),
	.rows = faults_rows,
};

/* ---- tlb --------------------------------------------------------------------- */

struct tlb_row {
	uint64_t cpu;
	const char *tlb;
	uint64_t accesses, l1_hits, l2_hits, walks;
	int64_t walk_pct;
	uint64_t walk_reads, pde_hits, pdpte_hits, pml4e_hits;
	uint64_t flush_page, flush_all, shootdowns;
};

static const struct mm_column tlb_columns[] = {
	MM_COLUMN(struct tlb_row, cpu, MM_COL_U64, "CPU"),
	MM_COLUMN(struct tlb_row, tlb, MM_COL_STR, "geometry, as in --tlb="),
	MM_COLUMN(struct tlb_row, accesses, MM_COL_U64, "accesses, one a page touched"),
	MM_COLUMN(struct tlb_row, l1_hits, MM_COL_U64, "served by the first level"),
	MM_COLUMN(struct tlb_row, l2_hits, MM_COL_U64, "served by the second level"),
	MM_COLUMN(struct tlb_row, walks, MM_COL_U64, "walks of the page tables"),
	MM_COLUMN(struct tlb_row, walk_pct, MM_COL_CENTI, "walks in percent of the accesses"),
	MM_COLUMN(struct tlb_row, walk_reads, MM_COL_U64, "entries that the walks read, also those that ended in a fault"),
	MM_COLUMN(struct tlb_row, pde_hits, MM_COL_U64, "walks that began at the PTE: the PDE was cached"),
	MM_COLUMN(struct tlb_row, pdpte_hits, MM_COL_U64, "walks that began at the PDE: the PDPTE was cached"),
	MM_COLUMN(struct tlb_row, pml4e_hits, MM_COL_U64, "walks that began at the PDPTE: the PML4E was cached"),
	MM_COLUMN(struct tlb_row, flush_page, MM_COL_U64, "pages flushed one by one"),
	MM_COLUMN(struct tlb_row, flush_all, MM_COL_U64, "flushes of a whole address space"),
	MM_COLUMN(struct tlb_row, shootdowns, MM_COL_U64, "flushes that another CPU asked for"),
};

static int tlb_rows(struct mm_machine *m, struct mm_table_writer *w)
{
	const struct mm_tlb *t = m->virt.tlb;

	for (uint32_t i = 0; t && i < t->nr_cpus; i++) {
		const struct mm_tlb_cpu *c = &t->cpu[i];
		struct tlb_row r = {
			i, t->geo->name, c->accesses, c->accesses - c->l2_hits - c->walks, c->l2_hits, c->walks,
			c->accesses ? (int64_t)((double)c->walks * 10000.0 / (double)c->accesses + 0.5) : 0,
			c->walk_reads, c->psc_hits[0], c->psc_hits[1], c->psc_hits[2],
			c->flush_page, c->flush_all, c->shootdowns,
		};

		mm_table_writer_row(w, &r);
	}
	return 0;
}

const struct mm_machine_table mm_table_tlb = {
	MM_TABLE("tlb", tlb_columns, "the TLB of each CPU: hits, walks, flushes"), .rows = tlb_rows,
};

/* ---- pagetable ------------------------------------------------------------------ */

struct run {
	uint64_t pid, start, end;
	const char *state, *flags;
	uint64_t page_bytes, first_pfn, pages;
};

static const struct mm_column run_columns[] = {
	MM_COLUMN(struct run, pid, MM_COL_U64, "process"),
	MM_COLUMN(struct run, start, MM_COL_HEX, "first byte of neighbouring entries that are alike"),
	MM_COLUMN(struct run, end, MM_COL_HEX, "first byte past them"),
	MM_COLUMN(struct run, state, MM_COL_STR,
		  "present, zero (the zero page), protnone, swap, or marker (userfaultfd); migration within a call alone"),
	MM_COLUMN(struct run, flags, MM_COL_STR, "bits of the entries; PROTNONE: G where P is off; PKEY and a number: protection key"),
	MM_COLUMN(struct run, page_bytes, MM_COL_BYTES, "4096, 2097152 or 1073741824"),
	MM_COLUMN(struct run, first_pfn, MM_COL_U64, "page frame (or swap slot) of the first entry"),
	MM_COLUMN(struct run, pages, MM_COL_U64, "entries"),
};

static const struct { uint64_t bit; const char *name; } pte_bits[] = {
	{ MM_PTE_P, "P" }, { MM_PTE_RW, "RW" }, { MM_PTE_US, "US" }, { MM_PTE_A, "A" }, { MM_PTE_D, "D" },
	{ MM_PTE_PSE, "PSE" }, { MM_PTE_G, "G" }, { MM_PTE_SPECIAL, "SPECIAL" }, { MM_PTE_UFFD_WP, "UFFD_WP" },
	{ MM_PTE_SOFT_DIRTY, "SOFT_DIRTY" }, { MM_PTE_SAVED_DIRTY, "SAVED_DIRTY" }, { MM_PTE_NX, "NX" },
};
static const struct { uint64_t bit; const char *name; } swp_bits[] = {
	{ MM_SWP_EXCLUSIVE, "EXCLUSIVE" }, { MM_SWP_SOFT_DIRTY, "SOFT_DIRTY" }, { MM_SWP_UFFD_WP, "UFFD_WP" },
};
enum { FLAGS_TEXT = 80 };

static const char *entry_flags(mm_pte_t e, char *buf)
{
	size_t n = 0;

	buf[0] = '\0';
	if (mm_is_swap_pte(e)) {
		for (size_t i = 0; i < sizeof(swp_bits) / sizeof(swp_bits[0]); i++)
			if (e & swp_bits[i].bit)
				n += (size_t)snprintf(buf + n, FLAGS_TEXT - n, "%s%s", n ? "|" : "", swp_bits[i].name);
		return buf;
	}
	for (size_t i = 0; i < sizeof(pte_bits) / sizeof(pte_bits[0]); i++)
		if (e & pte_bits[i].bit)
			n += (size_t)snprintf(buf + n, FLAGS_TEXT - n, "%s%s", n ? "|" : "",
					      pte_bits[i].bit == MM_PTE_PROTNONE && !(e & MM_PTE_P) ? "PROTNONE" : pte_bits[i].name);
	if (mm_pte_pkey(e))
		snprintf(buf + n, FLAGS_TEXT - n, "|PKEY%u", mm_pte_pkey(e));
	return buf;
}

static const char *entry_state(const struct mm_virt *virt, mm_pte_t e)
{
	if (mm_is_swap_pte(e))
		return mm_is_pte_marker(e) ? "marker" : mm_is_migration_pte(e) ? "migration" : "swap";
	if (!(e & MM_PTE_P))
		return "protnone";
	return e & MM_PTE_SPECIAL || mm_is_huge_zero_pmd(virt, e) ? "zero" : "present";
}

/* Bits that must be equal for two entries to stand in one row. */
static uint64_t likeness(mm_pte_t e) { return mm_is_swap_pte(e) ? e & 0xf : e & ~MM_PTE_PFN_MASK; }

struct run_state {
	struct mm_table_writer *w;
	const struct mm_virt *virt;
	struct run r;
	mm_pte_t first;
	char flags[FLAGS_TEXT];
};

static void end_run(struct run_state *s)
{
	if (s->r.pages)
		mm_table_writer_row(s->w, &s->r);
	s->r.pages = 0;
}

static void add_entry(struct run_state *s, uint64_t vaddr, mm_pte_t e, uint64_t size)
{
	if (s->r.pages && s->r.end == vaddr && s->r.page_bytes == size && likeness(e) == likeness(s->first) &&
	    entry_state(s->virt, e) == s->r.state) {
		s->r.end = vaddr + size;
		s->r.pages++;
		return;
	}
	end_run(s);
	s->first = e;
	s->r.start = vaddr;
	s->r.end = vaddr + size;
	s->r.state = entry_state(s->virt, e);
	s->r.flags = entry_flags(e, s->flags);
	s->r.page_bytes = size;
	s->r.first_pfn = mm_is_swap_pte(e) ? mm_swp_offset(e) : mm_pte_pfn(e);
	s->r.pages = 1;
}

static void add_table(struct run_state *s, mm_pfn_t table, unsigned int level, uint64_t start)
{
	uint64_t size = mm_level_size(level);

	for (unsigned int i = 0; i < MM_PTRS_PER_TABLE; i++) {
		mm_pte_t e = *mm_table_entry(s->virt, table, i);

		if (mm_pte_none(e))
			continue;
		if (level == 1 || !(e & MM_PTE_P) || e & MM_PTE_PSE)
			add_entry(s, start + i * size, e, size);
		else
			add_table(s, mm_pte_pfn(e), level - 1, start + i * size);
	}
}

static int pagetable_rows(struct mm_machine *m, struct mm_table_writer *w)
{
	size_t i = 0;

	for (const struct mm_task *t; m->virt.phys && (t = mm_next_process(m, &i));) {
		struct run_state s = { .w = w, .virt = &m->virt, .r = { .pid = t->tgid } };

		add_table(&s, t->mm->pgd, mm_nr_levels(&m->virt), 0);
		end_run(&s);
	}
	return 0;
}

const struct mm_machine_table mm_table_pagetable = {
	MM_TABLE("pagetable", run_columns, "entries of the page tables, neighbours that are alike joined"),
	.rows = pagetable_rows,
	.of_processes = true,
};

/* ---- walk ---------------------------------------------------------------------- */

struct walk_row {
	uint64_t pid, vaddr;
	const char *level;
	uint64_t index, table_pfn, entry_phys, entry;
	const char *flags, *meaning;
};

static const struct mm_column walk_columns[] = {
	MM_COLUMN(struct walk_row, pid, MM_COL_U64, "process"),
	MM_COLUMN(struct walk_row, vaddr, MM_COL_HEX, "the address that is looked up"),
	MM_COLUMN(struct walk_row, level, MM_COL_STR, "PGD, P4D (la57), PUD, PMD, PTE; then page, if it ends at one, and vma"),
	MM_COLUMN(struct walk_row, index, MM_COL_U64, "nine bits of the address: which entry of the table"),
	MM_COLUMN(struct walk_row, table_pfn, MM_COL_U64, "page frame of the table"),
	MM_COLUMN(struct walk_row, entry_phys, MM_COL_HEX, "physical address of the entry"),
	MM_COLUMN(struct walk_row, entry, MM_COL_HEX, "its 64 bits"),
	MM_COLUMN(struct walk_row, flags, MM_COL_STR, "those that are set; of vma the rights of the mapping"),
	MM_COLUMN(struct walk_row, meaning, MM_COL_STR, "where it leads, or why the processor faults here; of vma the mapping"),
};

static const char *level_name(unsigned int level, unsigned int top)
{
	static const char *const names[] = { "PTE", "PMD", "PUD", "P4D" };

	return level == top ? "PGD" : names[level - 1];
}

enum { MEANING_TEXT = 256 };

/* A page, at the end of the walk.  @vma: NULL none. */
static void page_meaning(const struct mm_virt *virt, const struct mm_vma *vma, const struct mm_walk_record *rec, mm_pte_t e, char *buf)
{
	const char *what = "";

	if (vma && vma->vm_flags & MM_VM_HUGETLB)
		what = ", of a pool of huge pages (hugetlb)";
	else if (mm_is_huge_zero_pmd(virt, e) || e & MM_PTE_SPECIAL)
		what = ", the zero page that all share";
	else if (rec->shift > MM_PAGE_SHIFT)
		what = ", a transparent huge page";
	snprintf(buf, MEANING_TEXT, "a page of %u bytes in page frame %u%s%s%s%s", 1u << rec->shift, mm_pte_pfn(e), what,
		 e & MM_PTE_RW ? "" : ", a store faults (PROT|WRITE|USER)",
		 vma && mm_userfaultfd_pte_wp(vma, e) ? ": userfaultfd write-protects it" : "",
		 e & MM_PTE_NX ? ", an instruction fetch faults (PROT|USER|INSTR)" : "");
}

/* An entry that is neither present nor empty. */
static void absent_meaning(const struct mm_vma *vma, mm_pte_t e, char *buf)
{
	if (e == MM_PTE_MARKER_POISONED)
		snprintf(buf, MEANING_TEXT, "not present: userfaultfd poisoned it, any access gets SIGBUS");
	else if (mm_is_pte_marker(e))
		snprintf(buf, MEANING_TEXT, "not present: no page, a mark that userfaultfd write-protects it, any access faults");
	else if (mm_is_migration_pte(e))
		snprintf(buf, MEANING_TEXT, "not present: page frame %u is being moved (migration), any access faults and waits",
			 mm_migration_pfn(e));
	else if (mm_is_swap_pte(e))
		snprintf(buf, MEANING_TEXT, "not present: slot %llu of the swap device, any access faults%s",
			 (unsigned long long)mm_swp_offset(e), e & MM_SWP_UFFD_WP ? "; userfaultfd write-protects what was there" : "");
	else if (vma && mm_vma_is_accessible(vma))
		snprintf(buf, MEANING_TEXT, "page frame %u, which NUMA balancing took away to see who uses it"
			 " (PROTNONE: bit 8 where P is off): any access faults and gives it back", mm_pte_pfn(e));
	else
		snprintf(buf, MEANING_TEXT, "page frame %u without any right (PROT_NONE: bit 8 where P is off), any access faults",
			 mm_pte_pfn(e));
}

static void empty_meaning(unsigned int level, uint64_t vaddr, char *buf)
{
	static const char *const sizes[] = { "2 MiB", "1 GiB", "512 GiB", "256 TiB" };

	if ((int64_t)vaddr < 0)
		snprintf(buf, MEANING_TEXT, "empty: this half is the kernel's, whose tables are not part of the model");
	else if (level == 1)
		snprintf(buf, MEANING_TEXT, "empty: no page, any access faults");
	else
		snprintf(buf, MEANING_TEXT, "empty: no page in any of the %s that it is for, any access faults", sizes[level - 2]);
}

enum { VMA_TEXT = 4096 + MEANING_TEXT };	/* with a path */

/* What the kernel goes by when the processor faults.  @vma: NULL none. */
static void vma_meaning(const struct mm_struct *mm, const struct mm_vma *vma, uint64_t vaddr, char *buf)
{
	static const struct { uint64_t flag; const char *told; } modes[] = {
		{ MM_VM_UFFD_MISSING, "missing pages" }, { MM_VM_UFFD_MINOR, "unmapped pages of the file" },
		{ MM_VM_UFFD_WP, "stores to what it protects" },
	};
	const struct mm_vma *next = mm_find_vma(mm, vaddr);
	char name[MM_VMA_NAME_SIZE];
	const char *s, *lead;
	size_t n;

	if (!vma) {
		snprintf(buf, VMA_TEXT, "no mapping%s",
			 vaddr >= mm->task_size_max ? ", nor can a program have one here: an access gets SIGSEGV" :
			 next && next->vm_flags & MM_VM_GROWSDOWN ? ", but the one above grows down to here if it may, else SIGSEGV" :
			 ": an access gets SIGSEGV");
		return;
	}
	s = mm_vma_name(vma, name, sizeof(name));
	n = (size_t)snprintf(buf, VMA_TEXT, "0x%llx-0x%llx %s%s%s", (unsigned long long)vma->vm_start, (unsigned long long)vma->vm_end,
			     *s ? s : "anonymous", vma->vm_flags & MM_VM_HUGETLB ? " (hugetlb)" : "",
			     mm_vma_is_accessible(vma) ? "" : ": an access gets SIGSEGV");
	if (!(vma->vm_flags & MM_VM_UFFD_FLAGS) || !mm_vma_is_accessible(vma) || n >= VMA_TEXT)
		return;
	lead = vma->extra->uffd->features & MM_UFFD_FEATURE_SIGBUS ? ", userfaultfd sends SIGBUS for" : ", userfaultfd is told of";
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (vma->vm_flags & modes[i].flag && n < VMA_TEXT) {
			n += (size_t)snprintf(buf + n, VMA_TEXT - n, "%s %s", lead, modes[i].told);
			lead = " and";
		}
}

/* Behind the entries: the page, or why there is no walk at all; and the mapping. */
static void end_rows(struct mm_table_writer *w, struct walk_row r, const struct mm_walk_record *rec, const struct mm_struct *mm)
{
	const struct mm_vma *vma = mm_vma_lookup(mm, r.vaddr);
	unsigned int top = mm_nr_levels(mm->virt);
	char text[VMA_TEXT], perms[5];

	r.index = r.table_pfn = r.entry_phys = r.entry = MM_MISSING_U64;
	r.flags = NULL;
	r.meaning = text;
	r.level = "page";
	if (rec->end == MM_WALK_NONCANONICAL)
		snprintf(text, sizeof(text), "not canonical: bits 63 to %u are no copies of bit %u, no table is read", 12 + 9 * top,
			 11 + 9 * top);
	else
		snprintf(text, sizeof(text), "physical address 0x%llx", (unsigned long long)rec->phys);
	if (rec->end == MM_WALK_MAPPED || rec->end == MM_WALK_NONCANONICAL)
		mm_table_writer_row(w, &r);
	r.level = "vma";
	if (vma) {
		mm_vma_perms(vma, perms);
		r.flags = perms;
	}
	vma_meaning(mm, vma, r.vaddr, text);
	mm_table_writer_row(w, &r);
}

static int walk_rows(struct mm_machine *m, struct mm_table_writer *w)
{
	const struct mm_task *t = mm_task_find(m, m->cfg.explain_pid);
	struct walk_row r = { .pid = m->cfg.explain_pid, .vaddr = m->cfg.explain_vaddr };
	char flags[FLAGS_TEXT], meaning[MEANING_TEXT];
	struct mm_walk_record rec;
	const struct mm_vma *vma;

	if (!m->virt.phys)
		return 0;
	if (!t || !t->mm) {
		r.index = r.table_pfn = r.entry_phys = r.entry = MM_MISSING_U64;
		r.meaning = "no such process: the trace has none of this number, or it is gone";
		mm_table_writer_row(w, &r);
		return 0;
	}
	vma = mm_vma_lookup(t->mm, r.vaddr);
	mm_walk_explain(t->mm, r.vaddr, &rec);
	for (unsigned int i = 0; i < rec.nr_levels; i++) {
		const struct mm_walk_level *l = &rec.level[i];

		if (i + 1u < rec.nr_levels)
			snprintf(meaning, sizeof(meaning), "table in page frame %u", mm_pte_pfn(l->entry));
		else if (rec.end == MM_WALK_MAPPED)
			page_meaning(&m->virt, vma, &rec, l->entry, meaning);
		else if (rec.end == MM_WALK_NOT_PRESENT)
			empty_meaning(l->level, r.vaddr, meaning);
		else
			absent_meaning(vma, l->entry, meaning);
		r.level = level_name(l->level, mm_nr_levels(&m->virt));
		r.index = l->index;
		r.table_pfn = l->table;
		r.entry_phys = ((uint64_t)l->table << MM_PAGE_SHIFT) + 8u * l->index;
		r.entry = l->entry;
		r.flags = entry_flags(l->entry, flags);
		r.meaning = meaning;
		mm_table_writer_row(w, &r);
	}
	end_rows(w, r, &rec, t->mm);
	return 0;
}

const struct mm_machine_table mm_table_walk = {
	MM_TABLE("walk", walk_columns, "one walk of the page tables level by level (--explain=PID:ADDR)"), .rows = walk_rows,
	.of_processes = true,
};
