/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libFuzzer target: any bytes as a map (iomem, kernel log, regions table) and
 * as zoneinfo, and a machine made of what they say.
 */
#include <stdlib.h>

#include <libmm/physmap.h>
#include <libmm/source.h>

int LLVMFuzzerTestOneInput(const unsigned char *p, size_t n);

static void look_at(const struct mm_region_list *l, const struct mm_zoneinfo *zi)
{
	struct mm_physmap_config cfg = { .regions = l, .zoneinfo = zi->nr ? zi : NULL, .nr_cpus = 2,
		.interleave_bytes = 256,
					 .nr_dimms = 2, .dimm_bytes = { 1ull << 32, 1ull << 31 } };
	static const struct mm_physmap_table *const tables[] = {
		&mm_physmap_regions, &mm_physmap_ram, &mm_physmap_holes, &mm_physmap_zones, &mm_physmap_summary,
		&mm_physmap_dimms,
	};
	struct mm_table_options opt = { .format = MM_TABLE_CSV };
	struct mm_table_writer *w;
	struct mm_physmap *pm;
	struct mm_output out;
	struct mm_error err;

	mm_sysctls_init(&cfg.sysctl);
	if (mm_physmap_new(&pm, &cfg, &err))
		abort();
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		if (mm_output_init(&out, -1) || mm_table_writer_new(&w, &out, &tables[i]->table, &opt, &err))
			abort();
		(void)tables[i]->rows(pm, w, &err);
		if (mm_table_writer_finish(w))
			abort();
		mm_table_writer_free(w);
		mm_output_finish(&out);
	}
	mm_physmap_free(pm);
}

int LLVMFuzzerTestOneInput(const unsigned char *p, size_t n)
{
	int (*const readers[])(struct mm_region_list *, struct mm_input *, struct mm_error *) = {
		mm_regions_read, mm_iomem_read, mm_dmesg_regions_read, mm_regions_csv_read,
	};
	struct mm_zoneinfo zi = { 0 };
	struct mm_error err = { 0 };
	struct mm_input *in;

	if (mm_input_open_memory(&in, "input", p, n))
		return 0;
	if (mm_zoneinfo_read(&zi, in, &err) && !err.text[0])
		abort();
	mm_input_free(in);
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
		struct mm_region_list l = { 0 };

		err = (struct mm_error){ 0 };
		if (mm_input_open_memory(&in, "input", p, n))
			return 0;
		if (!readers[i](&l, in, &err))
			look_at(&l, &zi);
		else if (!err.text[0])
			abort();	/* an error without a reason */
		mm_input_free(in);
		mm_region_list_free(&l);
	}
	mm_zoneinfo_free(&zi);
	return 0;
}
