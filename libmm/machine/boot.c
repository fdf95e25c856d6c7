/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Booting: each floor on the ones below it, as far up as the depth asks for,
 * then the upward hooks.  Shutting down goes the other way.
 */
#include <errno.h>

#include "machine/machine.h"

static void boot_ctx(struct mm_machine *m)
{
	m->ctx = (struct mm_ctx){
		.sysctl = m->cfg.sysctl,
		.rng = { m->cfg.random_seed },
		.nr_cpus = m->cfg.nr_cpus ? m->cfg.nr_cpus : 1,
		.fx = m->cfg.effects ? &m->effects : NULL,
	};
}

int mm_machine_boot(struct mm_machine *m, struct mm_error *err)
{
	(void)err;
	boot_ctx(m);
	return 0;
}

void mm_machine_shutdown(struct mm_machine *m)
{
	m->booted = false;
}

void mm_machine_sysctl_changed(struct mm_machine *m)
{
	m->ctx.sysctl = m->cfg.sysctl;
}

int mm_machine_check(struct mm_machine *m, struct mm_error *err)
{
	(void)m, (void)err;
	return 0;
}
