/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Machines that are always there, as their /proc/iomem.
 */
#include <errno.h>
#include <string.h>

#include <libmm/source.h>

static const char pc_4g[] =
	"00000000-00000fff : Reserved\n"
	"00001000-0002ffff : System RAM\n"
	"00030000-0004ffff : Reserved\n"
	"00050000-0009efff : System RAM\n"
	"0009f000-0009ffff : Reserved\n"
	"000a0000-000bffff : PCI Bus 0000:00\n"
	"000f0000-000fffff : System ROM\n"
	"00100000-7d143017 : System RAM\n"
	"7d143018-7d178c57 : System RAM\n"
	"7d178c58-7d179017 : System RAM\n"
	"7d179018-7d182a57 : System RAM\n"
	"7d182a58-7d1a7fff : System RAM\n"
	"7d1a8000-7d1b0fff : Reserved\n"
	"7d1b1000-7e8ecfff : System RAM\n"
	"7e8ed000-7eb6cfff : Reserved\n"
	"7eb6d000-7eb7efff : ACPI Tables\n"
	"7eb7f000-7ebfefff : ACPI Non-volatile Storage\n"
	"7ebff000-7efb1fff : System RAM\n"
	"7efb2000-7efb5fff : Reserved\n"
	"7efb6000-7efb7fff : ACPI Non-volatile Storage\n"
	"7efb8000-7effffff : System RAM\n"
	"7f000000-7fffffff : Reserved\n"
	"80000000-dfffffff : PCI Bus 0000:00\n"
	"  80000000-83ffffff : 0000:00:01.0\n"
	"  84000000-87ffffff : 0000:00:01.0\n"
	"  88000000-881fffff : PCI Bus 0000:0e\n"
	"  88200000-883fffff : PCI Bus 0000:0d\n"
	"  88400000-885fffff : PCI Bus 0000:0c\n"
	"  88600000-887fffff : PCI Bus 0000:0b\n"
	"  88800000-889fffff : PCI Bus 0000:0a\n"
	"  88a00000-88bfffff : PCI Bus 0000:09\n"
	"  88c00000-88dfffff : PCI Bus 0000:08\n"
	"  88e00000-88ffffff : PCI Bus 0000:07\n"
	"  89000000-891fffff : PCI Bus 0000:06\n"
	"    89000000-89000fff : 0000:06:00.0\n"
	"  89200000-893fffff : PCI Bus 0000:05\n"
	"  89400000-895fffff : PCI Bus 0000:04\n"
	"    89400000-89400fff : 0000:04:00.0\n"
	"  89600000-897fffff : PCI Bus 0000:03\n"
	"    89600000-89600fff : 0000:03:00.0\n"
	"  89800000-899fffff : PCI Bus 0000:02\n"
	"    89800000-89803fff : 0000:02:00.0\n"
	"      89800000-89803fff : xhci-hcd\n"
	"  89a00000-89bfffff : PCI Bus 0000:01\n"
	"    89a00000-89a00fff : 0000:01:00.0\n"
	"    89a80000-89afffff : 0000:01:00.0\n"
	"  89c80000-89c83fff : 0000:00:1b.0\n"
	"    89c80000-89c83fff : ICH HD audio\n"
	"  89c84000-89c85fff : 0000:00:01.0\n"
	"  89c86000-89c86fff : 0000:00:1f.2\n"
	"    89c86000-89c86fff : ahci\n"
	"  89c87000-89c87fff : 0000:00:03.5\n"
	"  89c88000-89c88fff : 0000:00:03.4\n"
	"  89c89000-89c89fff : 0000:00:03.3\n"
	"  89c8a000-89c8afff : 0000:00:03.2\n"
	"  89c8b000-89c8bfff : 0000:00:03.1\n"
	"  89c8c000-89c8cfff : 0000:00:03.0\n"
	"  89c8d000-89c8dfff : 0000:00:02.7\n"
	"  89c8e000-89c8efff : 0000:00:02.6\n"
	"  89c8f000-89c8ffff : 0000:00:02.5\n"
	"  89c90000-89c90fff : 0000:00:02.4\n"
	"  89c91000-89c91fff : 0000:00:02.3\n"
	"  89c92000-89c92fff : 0000:00:02.2\n"
	"  89c93000-89c93fff : 0000:00:02.1\n"
	"  89c94000-89c94fff : 0000:00:02.0\n"
	"e0000000-efffffff : PCI ECAM 0000 [bus 00-ff]\n"
	"  e0000000-efffffff : Reserved\n"
	"    e0000000-efffffff : pnp 00:04\n"
	"f0000000-febfffff : PCI Bus 0000:00\n"
	"fec00000-fec003ff : IOAPIC 0\n"
	"fed1f410-fed1f414 : iTCO_wdt.1.auto\n"
	"feffc000-feffffff : Reserved\n"
	"100000000-17fffffff : System RAM\n"
	"  117800000-118dfffff : Kernel code\n"
	"  118e00000-119bfefff : Kernel rodata\n"
	"  119c00000-11a056aff : Kernel data\n"
	"  11a561000-11a9fffff : Kernel bss\n"
	"7000000000-77ffffffff : PCI Bus 0000:00\n"
	"  7000000000-700fffffff : PCI Bus 0000:01\n"
	"    7000000000-7000003fff : 0000:01:00.0\n"
	"      7000000000-7000003fff : virtio-pci-modern\n"
	"  7010000000-701fffffff : PCI Bus 0000:02\n"
	"  7020000000-702fffffff : PCI Bus 0000:03\n"
	"    7020000000-7020003fff : 0000:03:00.0\n"
	"      7020000000-7020003fff : virtio-pci-modern\n"
	"  7030000000-703fffffff : PCI Bus 0000:04\n"
	"    7030000000-7030003fff : 0000:04:00.0\n"
	"      7030000000-7030003fff : virtio-pci-modern\n"
	"  7040000000-704fffffff : PCI Bus 0000:05\n"
	"    7040000000-7040003fff : 0000:05:00.0\n"
	"      7040000000-7040003fff : virtio-pci-modern\n"
	"  7050000000-705fffffff : PCI Bus 0000:06\n"
	"    7050000000-7050003fff : 0000:06:00.0\n"
	"      7050000000-7050003fff : virtio-pci-modern\n"
	"  7060000000-706fffffff : PCI Bus 0000:07\n"
	"  7070000000-707fffffff : PCI Bus 0000:08\n"
	"  7080000000-708fffffff : PCI Bus 0000:09\n"
	"  7090000000-709fffffff : PCI Bus 0000:0a\n"
	"  70a0000000-70afffffff : PCI Bus 0000:0b\n"
	"  70b0000000-70bfffffff : PCI Bus 0000:0c\n"
	"  70c0000000-70cfffffff : PCI Bus 0000:0d\n"
	"  70d0000000-70dfffffff : PCI Bus 0000:0e\n";

const struct mm_builtin_machine mm_builtin_machines[] = {
	{ "pc-4g", "a PC with 4 GiB, 2 of them above the PCI hole, UEFI firmware, one node", pc_4g },
	{ NULL, NULL, NULL },
};

int mm_builtin_machine(const char *name, struct mm_region_list *l)
{
	for (const struct mm_builtin_machine *b = mm_builtin_machines; b->name; b++) {
		struct mm_input *in;
		int e;

		if (strcmp(b->name, name))
			continue;
		e = mm_input_open_memory(&in, b->name, b->iomem, strlen(b->iomem));
		if (e)
			return e;
		e = mm_iomem_read(l, in, NULL);
		mm_input_free(in);
		return e;
	}
	return -ENOENT;
}
