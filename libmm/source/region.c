/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Regions of the physical address space: plain rows in the order of their
 * source. What is nested follows its parent with a greater depth.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libmm/region.h>
#include "base/grow.h"
#include "base/str.h"

static const char *const kind_words[MM_NR_REGION_KINDS] = {
	[MM_REGION_RAM] = "ram", [MM_REGION_RESERVED] = "reserved", [MM_REGION_ACPI] = "acpi", [MM_REGION_NVS] = "nvs",
	[MM_REGION_PMEM] = "pmem", [MM_REGION_UNUSABLE] = "unusable", [MM_REGION_ROM] = "rom",
	[MM_REGION_MMIO] = "mmio",
	[MM_REGION_KERNEL] = "kernel", [MM_REGION_OTHER] = "other",
};

/* How names in /proc/iomem and sys/firmware/memmap begin; the first that fits decides. */
static const struct {
	const char *prefix;
	enum mm_region_kind kind;
} kind_names[] = {
	{ "System RAM", MM_REGION_RAM },
	{ "Reserved", MM_REGION_RESERVED },
	{ "reserved", MM_REGION_RESERVED },
	{ "Soft Reserved", MM_REGION_RESERVED },
	{ "Crash kernel", MM_REGION_RESERVED },
	{ "RAM buffer", MM_REGION_RESERVED },
	{ "ACPI Tables", MM_REGION_ACPI },
	{ "ACPI Non-volatile Storage", MM_REGION_NVS },
	{ "Persistent Memory", MM_REGION_PMEM },
	{ "Unusable memory", MM_REGION_UNUSABLE },
	{ "Kernel code", MM_REGION_KERNEL },
	{ "Kernel rodata", MM_REGION_KERNEL },
	{ "Kernel data", MM_REGION_KERNEL },
	{ "Kernel bss", MM_REGION_KERNEL },
	{ "System ROM", MM_REGION_ROM },
	{ "Video ROM", MM_REGION_ROM },
	{ "Adapter ROM", MM_REGION_ROM },
	{ "Extension ROM", MM_REGION_ROM },
	{ "Unknown E820 type", MM_REGION_OTHER },
};

const char *mm_region_kind_word(enum mm_region_kind kind)
{
	return (unsigned int)kind < MM_NR_REGION_KINDS ? kind_words[kind] : "?";
}

int mm_region_kind_parse(struct mm_str word)
{
	for (int i = 0; i < MM_NR_REGION_KINDS; i++)
		if (mm_str_is(word, kind_words[i]))
			return i;
	return -EINVAL;
}

enum mm_region_kind mm_region_kind_of_name(struct mm_str name)
{
	for (size_t i = 0; i < sizeof(kind_names) / sizeof(kind_names[0]); i++)
		if (mm_str_starts(name, kind_names[i].prefix))
			return kind_names[i].kind;
	return name.len ? MM_REGION_MMIO : MM_REGION_OTHER;
}

int mm_region_list_add(struct mm_region_list *l, const struct mm_region *r, struct mm_str name)
{
	struct mm_region copy = *r;

	if (mm_grow(&l->v, l->nr, &l->cap, sizeof(*l->v)))
		return -ENOMEM;
	copy.name = malloc(name.len + 1);
	if (!copy.name)
		return -ENOMEM;
	if (name.len)
		memcpy(copy.name, name.p, name.len);
	copy.name[name.len] = 0;
	l->v[l->nr++] = copy;
	return 0;
}

struct mm_boot_facts *mm_region_list_boot(struct mm_region_list *l)
{
	if (!l->boot)
		l->boot = calloc(1, sizeof(*l->boot));
	return l->boot;
}

void mm_region_list_free(struct mm_region_list *l)
{
	for (size_t i = 0; i < l->nr; i++)
		free(l->v[i].name);
	free(l->v);
	free(l->boot);
	*l = (struct mm_region_list){ 0 };
}
