/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events of System V segments beside attaching: shmget and IPC_RMID. A shmat row with a size makes an ordinary segment
 * by itself where no shmget row did.
 */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "machine/machine.h"
#include "machine/vma_call.h"
#include "virt/shm_segment.h"

/* "30<<SHM_HUGE_SHIFT", as strace writes it; 0: no such word */
static unsigned int huge_shift_of(struct mm_str words)
{
	static const struct mm_str tail = { "<<SHM_HUGE_SHIFT", 16 };
	struct mm_str w;

	while (mm_next_word(&words, &w))
		if (w.len > tail.len && w.len <= tail.len + 2 && !memcmp(w.p + w.len - tail.len, tail.p, tail.len)) {
			unsigned int n = 0;

			for (size_t i = 0; i < w.len - tail.len; i++)
				n = 10 * n + ((unsigned int)(unsigned char)w.p[i] - '0') % 10;
			return n ? n : 1;
		}
	return 0;
}

static unsigned int log2_of(struct mm_str words)
{
	unsigned int shift = huge_shift_of(words);

	if (!mm_has_word(words, "SHM_HUGETLB"))
		return 0;
	if (mm_has_word(words, "SHM_HUGE_1GB"))
		return 30;
	return shift ? shift : 21;
}

int mm_ev_shmget(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);
	struct mm_shmget a = {
		.name = ev->name, .size = ev->size, .log2 = log2_of(ev->flags), .noreserve = mm_has_word(ev->flags, "SHM_NORESERVE"),
		.excl = mm_has_word(ev->flags, "IPC_EXCL") && mm_has_word(ev->flags, "IPC_CREAT"),
	};
	struct mm_file *seg = NULL;

	return mm ? mm_vma_call_end(m, task, ev, ev->name.len ? mm_shmget(mm, &a, &seg) : -EINVAL, err) : -ENOMEM;
}

int mm_ev_shm_rmid(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);

	return mm ? mm_vma_call_end(m, task, ev, mm_shm_rmid(&m->virt, mm_file_lookup(m->inodes, ev->name)), err) : -ENOMEM;
}
