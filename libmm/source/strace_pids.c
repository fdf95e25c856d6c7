/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which place of an array a task's record has, by its pid: open addressing, half full at most; a pid that goes
 * leaves no hole, those behind it move up.
 */
#include <errno.h>
#include <stdlib.h>

#include "source/strace.h"

static size_t home_of(const struct strace_pids *p, uint32_t pid)
{
	return pid * 2654435761u & (p->nr_slots - 1);
}

/* The slot that holds @pid, or the empty one where it belongs. */
static size_t slot_of(const struct strace_pids *p, uint32_t pid)
{
	size_t i = home_of(p, pid);

	while (p->slot[i].place && p->slot[i].pid != pid)
		i = (i + 1) & (p->nr_slots - 1);
	return i;
}

bool strace_pids_find(const struct strace_pids *p, uint32_t pid, size_t *place)
{
	size_t i = p->nr_slots ? slot_of(p, pid) : 0;

	if (!p->nr_slots || !p->slot[i].place)
		return false;
	*place = p->slot[i].place - 1;
	return true;
}

static int grow(struct strace_pids *p)
{
	struct strace_pids larger = { .nr_slots = p->nr_slots ? 2 * p->nr_slots : 64, .nr = p->nr };

	larger.slot = calloc(larger.nr_slots, sizeof(*larger.slot));
	if (!larger.slot)
		return -ENOMEM;
	for (size_t i = 0; i < p->nr_slots; i++)
		if (p->slot[i].place)
			larger.slot[slot_of(&larger, p->slot[i].pid)] = p->slot[i];
	free(p->slot);
	*p = larger;
	return 0;
}

int strace_pids_add(struct strace_pids *p, uint32_t pid, size_t place)
{
	size_t i;

	if (2 * (p->nr + 1) > p->nr_slots && grow(p))
		return -ENOMEM;
	i = slot_of(p, pid);
	p->nr += !p->slot[i].place;
	p->slot[i].pid = pid;
	p->slot[i].place = (uint32_t)place + 1;
	return 0;
}

void strace_pids_del(struct strace_pids *p, uint32_t pid)
{
	size_t i = p->nr_slots ? slot_of(p, pid) : 0, mask = p->nr_slots - 1;

	if (!p->nr_slots || !p->slot[i].place)
		return;
	p->nr--;
	for (size_t k = (i + 1) & mask; p->slot[k].place; k = (k + 1) & mask) {
		size_t home = home_of(p, p->slot[k].pid);

		if (((k - home) & mask) < ((k - i) & mask))
			continue;	/* it would come before its home */
		p->slot[i] = p->slot[k];
		i = k;
	}
	p->slot[i].place = 0;
}

void strace_pids_free(struct strace_pids *p)
{
	free(p->slot);
}
