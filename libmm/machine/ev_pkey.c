/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events of protection keys. The name of pkey_free and pkey_mprotect is the key's number.
 *
 * pkru is no system call but the instruction WRPKRU, which recordings of calls do not show; pkey_alloc and mappings that
 * are executed only change the register too.
 */
#include <errno.h>

#include <libmm/csv.h>

#include "base/str.h"
#include "machine/machine.h"
#include "machine/vma_call.h"
#include "virt/mman.h"
#include "virt/pkeys.h"

/* The key that the row names, -1 where it names none. */
static int key_of(const struct mm_event *ev, int64_t *pkey, struct mm_error *err)
{
	struct mm_str name = ev->present & MM_TC_BIT(NAME) ? ev->name : (struct mm_str){ "", 0 };
	uint64_t v;

	*pkey = -1;
	if (!name.len || mm_str_is(name, "-1"))
		return 0;
	if (mm_parse_u64(name, &v))
		return mm_error_set(err, -EINVAL, "%s: expected a protection key as name, found '%.*s'",
				    mm_event_word((enum mm_event_type)ev->type), (int)name.len, name.p);
	*pkey = v > INT32_MAX ? INT32_MAX : (int64_t)v;
	return 0;
}

static void no_keys(struct mm_machine *m)
{
	mm_machine_loss(m, "protection keys of a recording that the machine has not (-S pku=1)");
}

/* The recorded call had a key where this machine has none: counted. */
static bool lacks_keys(struct mm_machine *m, const struct mm_struct *mm, const struct mm_event *ev)
{
	struct mm_recorded rec = mm_vma_recorded(ev);

	if (!rec.there || rec.failed || mm_arch_pkeys_enabled(mm->virt))
		return false;
	no_keys(m);
	return true;
}

int mm_ev_pkey_alloc(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);
	struct mm_recorded rec = mm_vma_recorded(ev);
	uint64_t rights = (mm_has_word(ev->flags, "PKEY_DISABLE_ACCESS") ? (uint64_t)MM_PKEY_DISABLE_ACCESS : 0) |
			  (mm_has_word(ev->flags, "PKEY_DISABLE_WRITE") ? (uint64_t)MM_PKEY_DISABLE_WRITE : 0);
	int key;

	if (!mm)
		return -ENOMEM;
	if (lacks_keys(m, mm, ev))
		return 0;
	key = mm_sys_pkey_alloc(mm, 0, rights, &task->faults.pkru);
	if (mm_vma_result(m, task, ev, key < 0 ? key : 0, key < 0 ? 0 : (uint64_t)key, true) || mm_vma_report_end(m, task, ev))
		return mm_error_set(err, -ENOMEM, "out of memory");
	if (!rec.there && key >= 0)
		mm_event_set_result(ev, MM_RESULT_DEC, (uint64_t)key);
	return 0;
}

int mm_ev_pkey_free(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);
	int64_t key;

	if (!mm)
		return -ENOMEM;
	if (key_of(ev, &key, err))
		return err->code;
	if (lacks_keys(m, mm, ev))
		return 0;
	return mm_vma_call_end(m, task, ev, mm_sys_pkey_free(mm, key), err);
}

int mm_ev_pkey_mprotect(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	struct mm_struct *mm = mm_vma_call_begin(m, task, err);
	int64_t key;

	if (!mm)
		return -ENOMEM;
	if (key_of(ev, &key, err))
		return err->code;
	if (key >= 0 && lacks_keys(m, mm, ev))
		key = -1;
	return mm_vma_call(m, task, ev, mm_vma_flags(m, MM_FLAG_PROT, ev->flags), key, err);
}

int mm_ev_pkru(struct mm_machine *m, struct mm_task *task, struct mm_event *ev, struct mm_error *err)
{
	if (ev->result_kind != MM_RESULT_DEC && ev->result_kind != MM_RESULT_HEX)
		return mm_error_set(err, -EINVAL, "pkru: expected the register's value as result");
	if (ev->result > UINT32_MAX)
		return mm_error_set(err, -ERANGE, "pkru: expected 32 bits, found 0x%llx", (unsigned long long)ev->result);
	if (!mm_sysctl(&m->ctx, MM_SYSCTL_PKU)) {
		no_keys(m);
		return 0;
	}
	task->faults.pkru = (uint32_t)ev->result;
	return 0;
}
