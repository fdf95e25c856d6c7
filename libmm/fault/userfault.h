/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fault/userfault.h - faults that a program handles itself, and the pages it gives
 */
#ifndef FAULT_USERFAULT_H
#define FAULT_USERFAULT_H

#include "fault/internal.h"
#include "virt/userfaultfd.h"

/*
 * The fault is @kind's: MM_FAULT_KIND_UFFD_*. RETRY, and f->uffd_waits is set: the task waits; SIGBUS where the
 * descriptor was opened with UFFD_FEATURE_SIGBUS (handle_userfault()).
 */
unsigned int mm_handle_userfault(struct mm_vm_fault *v, enum mm_fault_kind kind);

enum mm_mfill { MM_MFILL_COPY, MM_MFILL_ZEROPAGE, MM_MFILL_CONTINUE, MM_MFILL_POISON };
/**
 * mm_mfill_atomic() - a page for each page of [start, start + len) that has none; POISON: a mark that makes access SIGBUS
 * @wp:		and write-protected
 *
 * Return: bytes filled, or -errno when there are none. Source: Linux 6.6 mm/userfaultfd.c mfill_atomic().
 */
int64_t mm_mfill_atomic(struct mm_fault *f, struct mm_struct *mm, uint64_t start, uint64_t len, enum mm_mfill how, bool wp);

#endif /* FAULT_USERFAULT_H */
