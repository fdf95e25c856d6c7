/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tests/small_machine.h - what a machine of a test is made of: RAM as a small PC has it, and tunables */
#ifndef TESTS_SMALL_MACHINE_H
#define TESTS_SMALL_MACHINE_H

#include <check.h>
#include <string.h>

#include "machine/machine.h"

static inline void small_machine_ram(struct mm_machine_config *cfg, uint64_t start, uint64_t end, uint32_t node)
{
	const struct mm_region r = { .start = start, .end = end - 1, .node = node };

	ck_assert_int_eq(mm_region_list_add(&cfg->regions, &r, MM_STR("System RAM")), 0);
}

/* All layers, with RAM up to @end but for the BIOS's. */
static inline void small_machine_config(struct mm_machine_config *cfg, uint64_t end)
{
	mm_machine_config_init(cfg);
	small_machine_ram(cfg, 0x1000, 0x9fc00, 0);
	small_machine_ram(cfg, 1 << 20, end, 0);
	cfg->depth = MM_DEPTH_FULL;
}

static inline void small_machine_set(struct mm_machine_config *cfg, const char *name, const char *value)
{
	struct mm_error why = { 0 };

	ck_assert_msg(mm_sysctls_set(&cfg->sysctl, (struct mm_str){ name, strlen(name) }, (struct mm_str){ value, strlen(value) },
				     &why) == 0, "%s", why.text);
}

/* The lists that @cfg owns are freed. */
static inline struct mm_machine *small_machine_new(struct mm_machine_config *cfg)
{
	struct mm_machine *m = NULL;
	struct mm_error why = { 0 };

	ck_assert_msg(mm_machine_new(&m, cfg, &why) == 0, "%s", why.text);
	mm_region_list_free(&cfg->regions);
	return m;
}

#endif /* TESTS_SMALL_MACHINE_H */
