/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * userfaultfds of an address space: their making and closing, and what they are told beside faults.
 *
 *	fork	the child's ranges belong to a descriptor of its own, like the parent's
 *	remap	the ranges that moved stay the descriptor's
 *	remove	pages are about to go (madvise)
 *	unmap	a range went
 *
 * Each only where the descriptor asked for it (UFFD_FEATURE_EVENT_*); without, a child and what moved are nobody's. The
 * task of the kernel waits until the event was read; here a row tells of it. A descriptor's name is its own in its
 * address space: a child's has the parent's. What went is told at the end of a call, as in the kernel, so it is kept in
 * a list until then. Model: Linux 6.6 fs/userfaultfd.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/host_memory.h"
#include "base/str.h"
#include "virt/userfaultfd.h"
#include "virt/vma.h"

struct mm_uffd_unmap {
	struct mm_uffd_unmap *next;
	struct mm_uffd *uffd;
	uint64_t start, end;
};

struct mm_uffd *mm_uffd_find(const struct mm_struct *mm, struct mm_str name)
{
	for (struct mm_uffd *u = mm->uffds; u; u = u->next)
		if (mm_str_is(name, u->name))
			return u;
	return NULL;
}

/* Those made first come first. */
static struct mm_uffd *add(struct mm_struct *mm, const char *name)
{
	struct mm_uffd *u = mm_host_calloc(1, sizeof(*u)), **at = &mm->uffds;

	if (!u)
		return NULL;
	while (*at)
		at = &(*at)->next;
	u->name = name;
	*at = u;
	return u;
}

struct mm_uffd *mm_uffd_open(struct mm_struct *mm, struct mm_str name, uint32_t features)
{
	const char *own = mm_virt_intern(mm->virt, name);
	struct mm_uffd *u = own ? add(mm, own) : NULL;

	if (u)
		u->features = features;
	return u;
}

int mm_uffd_close(struct mm_struct *mm, struct mm_uffd *uffd)
{
	struct mm_vma *prev = NULL, *vma = mm_find_vma(mm, 0);
	struct mm_uffd **at = &mm->uffds;

	for (; vma; vma = mm_find_vma(mm, vma->vm_end)) {
		if (vma->extra->uffd == uffd && mm_uffd_set(&vma, &prev, vma->vm_start, vma->vm_end, 0, NULL))
			return -ENOMEM;
		prev = vma;
	}
	while (*at != uffd)
		at = &(*at)->next;
	*at = uffd->next;
	free(uffd);
	return 0;
}

void mm_uffd_exit(struct mm_struct *mm)
{
	struct mm_uffd *next;

	mm_uffd_unmap_forget(mm);
	for (struct mm_uffd *u = mm->uffds; u; u = next) {
		next = u->next;
		free(u);
	}
	mm->uffds = NULL;
}

static struct mm_str str(const char *s) { return (struct mm_str){ s, strlen(s) }; }

static struct mm_event *tell(const struct mm_struct *mm, const struct mm_uffd *uffd, const char *what)
{
	struct mm_event *ev = mm_effect(mm->virt->ctx, MM_BY_VMA, MM_EV_UFFD_EVENT);

	if (!ev)
		return NULL;
	ev->name = str(uffd->name);
	ev->flags = str(what);
	ev->present |= MM_TC_BIT(NAME) | MM_TC_BIT(FLAGS);
	return ev;
}

static void tell_range(const struct mm_struct *mm, const struct mm_uffd *uffd, const char *what, uint64_t start, uint64_t end)
{
	struct mm_event *ev = tell(mm, uffd, what);

	if (!ev)
		return;
	ev->addr = start;
	ev->size = end - start;
	ev->present |= MM_TC_BIT(ADDR) | MM_TC_BIT(SIZE);
}

int mm_uffd_dup(struct mm_vma *vma)
{
	struct mm_uffd *old = vma->extra->uffd, *new;

	if (!old || !(old->features & MM_UFFD_FEATURE_EVENT_FORK)) {
		vma->vm_flags &= ~MM_VM_UFFD_FLAGS;
		return mm_vma_set_uffd(vma, NULL);
	}
	new = mm_uffd_find(vma->vm_mm, str(old->name));
	if (!new)
		new = add(vma->vm_mm, old->name);
	if (!new)
		return -ENOMEM;
	new->features = old->features;
	return mm_vma_set_uffd(vma, new);
}

void mm_uffd_dup_complete(const struct mm_struct *child, struct mm_struct *parent)
{
	for (const struct mm_uffd *u = child->uffds; u; u = u->next)
		tell(parent, u, "UFFD_EVENT_FORK");
}

struct mm_uffd *mm_uffd_remap_prep(struct mm_vma *vma)
{
	if (vma->extra->uffd && vma->extra->uffd->features & MM_UFFD_FEATURE_EVENT_REMAP)
		return vma->extra->uffd;
	mm_vma_set_uffd(vma, NULL);
	vma->vm_flags &= ~MM_VM_UFFD_FLAGS;
	return NULL;
}

void mm_uffd_remap_complete(struct mm_struct *mm, const struct mm_uffd *uffd, uint64_t from, uint64_t to, uint64_t len)
{
	struct mm_event *ev = uffd ? tell(mm, uffd, "UFFD_EVENT_REMAP") : NULL;

	if (!ev)
		return;
	ev->addr = from;
	ev->addr2 = to;
	ev->size = len;
	ev->present |= MM_TC_BIT(ADDR) | MM_TC_BIT(ADDR2) | MM_TC_BIT(SIZE);
}

void mm_uffd_remove(struct mm_vma *vma, uint64_t start, uint64_t end)
{
	if (vma->extra->uffd && vma->extra->uffd->features & MM_UFFD_FEATURE_EVENT_REMOVE)
		tell_range(vma->vm_mm, vma->extra->uffd, "UFFD_EVENT_REMOVE", start, end);
}

int mm_uffd_unmap_prep(const struct mm_vma *vma, uint64_t start, uint64_t end)
{
	struct mm_uffd_unmap **at = &vma->vm_mm->uffd_unmaps, *u;

	if (!vma->extra->uffd || !(vma->extra->uffd->features & MM_UFFD_FEATURE_EVENT_UNMAP))
		return 0;
	for (; *at; at = &(*at)->next)
		if ((*at)->uffd == vma->extra->uffd && (*at)->start == start && (*at)->end == end)
			return 0;
	u = mm_host_malloc(sizeof(*u));
	if (!u)
		return -ENOMEM;
	*u = (struct mm_uffd_unmap){ .uffd = vma->extra->uffd, .start = start, .end = end };
	*at = u;
	return 0;
}

static void finish(struct mm_struct *mm, struct mm_uffd_unmap *list, bool told)
{
	struct mm_uffd_unmap *next;

	for (struct mm_uffd_unmap *u = list; u; u = next) {
		next = u->next;
		if (told)
			tell_range(mm, u->uffd, "UFFD_EVENT_UNMAP", u->start, u->end);
		free(u);
	}
}

struct mm_uffd_unmap *mm_uffd_unmap_take(struct mm_struct *mm)
{
	struct mm_uffd_unmap *list = mm->uffd_unmaps;

	mm->uffd_unmaps = NULL;
	return list;
}

void mm_uffd_unmap_tell(struct mm_struct *mm, struct mm_uffd_unmap *list) { finish(mm, list, true); }
void mm_uffd_unmap_complete(struct mm_struct *mm) { finish(mm, mm_uffd_unmap_take(mm), true); }
void mm_uffd_unmap_forget(struct mm_struct *mm) { finish(mm, mm_uffd_unmap_take(mm), false); }
