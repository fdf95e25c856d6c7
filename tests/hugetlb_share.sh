#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# PMD tables that mappings of huge pages share. Expected figures follow huge_pmd_share(), huge_pmd_unshare() and who calls them in
# mm/hugetlb.c of Linux 6.6, and hugetlb_count_add(), which counts for who faulted; each is worked out in the comments.
. "${srcdir:-.}/tests/lib.sh"
cd "$tmp" || exit 99

M=0x140000000000	# at a multiple of a GiB
GIB='1073741824,PROT_READ|PROT_WRITE|MAP_SHARED|MAP_ANONYMOUS|MAP_HUGETLB|MAP_FIXED|MAP_NORESERVE'
rows() { echo pid,event,addr,size,flags,name,offset,addr2,size2,result; for row; do printf '%s,,,,,,,,,\n' "$row" | cut -d, -f1-10; done; }
check=--check
[ -z "${MM_RUN-}" ] || check=		# a machine that is checked after every row takes more than twice as long behind valgrind
run() { mm-fault --csv $check --ram=128M -S vm.nr_hugepages=8 -S hugetlb_pmd_page_table_sharing=${sharing-1} "$@"; }
# told WHY EXPECTED ROW...: of each process tables, faults, MiB of HugetlbPages, Shared_Hugetlb and Private_Hugetlb; then tables of
# all, pages left
told() {
	local why=$1 want=$2 t
	shift 2
	rows "$@" > in.csv
	for t in status faults smaps; do run -t $t in.csv > $t.csv 2> err || fail "$why: $(cat err)"; done
	same "$why" "$want" "$({
		join -t, <(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next } { h = $c["hugetlb_pages_bytes"];
			if (h > 2 ^ 63) h -= 2 ^ 64; printf "%s,%d,%d\n", $c["pid"], $c["vm_pte_bytes"] / 4096, h / 1048576 }' status.csv) \
			<(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next } { print $c["pid"] "," $c["minflt"] }' faults.csv) |
			join -t, -a 1 - <(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
			{ s[$c["pid"]] += $c["shared_hugetlb_bytes"]; p[$c["pid"]] += $c["private_hugetlb_bytes"] }
				END { for (i in s) print i "," s[i] / 1048576 "," p[i] / 1048576 }' smaps.csv | sort -t, -k1,1) |
			awk -F, '{ print $1 ":" $2 "," $4 "," $3 "," $5 + 0 "," $6 + 0 }'
		run -t counters in.csv | sed -n 's/^nr_page_table_pages,//p'
		run -n -t hugetlb -o free_hugepages in.csv | head -n 1
	} | paste -sd' ')"
}

first=("1,mmap,$M,$GIB" 1,store,$M,1 1,store,0x140000200000,1)
both=("${first[@]}" 1,fork,,,,,,,,2 2,load,$M,1)
# One process: a PUD and a PMD table, two faults, two pages of its own. Its child has no table, as nothing of a shared mapping is copied.
told "one process" "1:2,2,4,0,4 1 6" "${first[@]}"
told "a child" "1:2,2,4,0,4 2:0,0,0,0,0 1 6" "${first[@]}" 1,fork,,,,,,,,2
# Its first fault finds the parent's table: its own PUD table, the PMD table counted by both, one PMD table in all. Both pages are its
# own then, though it faulted in none: HugetlbPages 0. They are mapped once, by a table that is shared: Shared_Hugetlb of both.
told "the table is shared" "1:2,2,4,4,0 2:2,1,0,4,0 1 6" "${both[@]}" 2,load,0x140000200000,1
# What the child faults in the parent has too, without a fault.
told "a page of the child's" "1:2,2,4,6,0 2:2,2,2,6,0 1 5" "${both[@]}" 2,store,0x140000400000,1 1,load,0x140000400000,1
# and what it writes where the parent has read is written in place: neither faults
told "written by the other" "1:2,2,4,4,0 2:2,1,0,4,0 1 6" "${both[@]}" 2,store,0x140000200000,1
# MADV_DONTNEED of one page takes the child's whole GiB away, and nothing else; its next access shares again.
told "DONTNEED" "1:2,2,4,0,4 2:1,1,0,0,0 1 6" "${both[@]}" 2,madvise,$M,2097152,MADV_DONTNEED
told "and again" "1:2,2,4,4,0 2:2,2,0,4,0 1 6" "${both[@]}" 2,madvise,$M,2097152,MADV_DONTNEED 2,load,0x140000200000,1
# Other rights: the child leaves the table; its next access finds no mapping with the same flags and makes a table of its own (two PMD
# tables now), in which the page is mapped a second time. With the rights back it keeps that.
told "mprotect" "1:2,2,4,0,4 2:1,1,0,0,0 1 6" "${both[@]}" 2,mprotect,$M,1073741824,PROT_READ
told "mprotect, loaded" "1:2,2,4,2,2 2:2,2,2,2,0 2 6" "${both[@]}" 2,mprotect,$M,1073741824,PROT_READ 2,load,$M,1
told "mprotect and back" "1:2,2,4,2,2 2:2,2,2,2,0 2 6" "${both[@]}" 2,mprotect,$M,1073741824,PROT_READ 2,load,$M,1 \
	"2,mprotect,$M,1073741824,PROT_READ|PROT_WRITE" 2,store,$M,1
# mlock is no other right: VM_LOCKED is not looked at
told "mlock" "1:2,2,4,4,0 2:2,1,0,4,0 1 6" "${first[@]}" 1,fork,,,,,,,,2 "2,mlock,$M,2097152"
# Cut inside of the GiB: both parts are too small to share. The child's table goes from it; what it has left it faults in alone.
told "munmap" "1:2,2,4,0,4 2:1,1,0,0,0 1 6" "${both[@]}" 2,munmap,0x140020000000,2097152
told "munmap, loaded" "1:2,2,4,2,2 2:2,2,2,2,0 2 6" "${both[@]}" 2,munmap,0x140020000000,2097152 2,load,$M,1
# The parent ends: the child has the pages without a fault, as the only one; 2 MiB of its own count less 4 of the parent's are to go.
told "the parent ends" "2:2,2,2,0,6 1 5" "${both[@]}" 2,store,0x140000400000,1 1,exit 2,load,0x140000200000,1
# When both have ended the tables are those from before the last one did; nothing is left of it.
told "both end" "2:2,2,2,0,6 0 8" "${both[@]}" 2,store,0x140000400000,1 1,exit 2,exit
# The first to unmap leaves the table, and its HugetlbPages stays; the last one unmaps two pages that it never counted.
told "munmap of all by the parent" "1:0,2,4,0,0 2:2,1,0,0,4 1 6" "${both[@]}" "1,munmap,$M,1073741824"
told "munmap of all by both" "1:0,2,4,0,0 2:0,1,-4,0,0 0 8" "${both[@]}" "1,munmap,$M,1073741824" "2,munmap,$M,1073741824"
# mremap moves the table as it is when nobody shares it: no fault in the new place, nothing left in the old (it goes with its PUD table).
there=0x150000000000
told "mremap" "1:2,2,4,0,4 1 6" "${first[@]}" "1,mremap,$M,1073741824,MREMAP_MAYMOVE|MREMAP_FIXED,,,$there,1073741824" 1,load,$there,1 \
	1,load,0x150000200000,1
# When somebody does, the parent begins anew and one fault finds the child's table.
told "mremap of a shared one" "1:2,3,4,4,0 2:2,1,0,4,0 1 6" "${both[@]}" \
	"1,mremap,$M,1073741824,MREMAP_MAYMOVE|MREMAP_FIXED,,,$there,1073741824" \
	1,load,$there,1 1,load,0x150000200000,1
# Moved to another place below a PUD entry: such tables do not fit. Each page has two entries after the loads, in two tables.
told "mremap to another offset" "1:2,4,8,4,0 2:2,1,0,4,0 2 6" "${both[@]}" \
	"1,mremap,$M,1073741824,MREMAP_MAYMOVE|MREMAP_FIXED,,,0x150000200000,1073741824" 1,load,0x150000200000,1 1,load,0x150000400000,1
# userfaultfd: write-protection and minor faults are a process's own affair, missing pages are not, but other flags make another table.
for mode in WP MINOR; do
	told "userfaultfd, $mode" "1:2,2,4,0,4 2:1,1,0,0,0 1 6" "${both[@]}" 2,uffd_register,$M,1073741824,UFFDIO_REGISTER_MODE_$mode,a
done
told "userfaultfd, MISSING" "1:2,2,4,4,0 2:2,1,0,4,0 1 6" "${both[@]}" 2,uffd_register,$M,1073741824,UFFDIO_REGISTER_MODE_MISSING,a
# A hole in the file: of two that share the first leaves the table, the other loses the page.
file=('1,file,,1073741824,O_RDWR,/dev/hugepages/h' \
	"1,mmap,$M,1073741824,PROT_READ|PROT_WRITE|MAP_SHARED|MAP_FIXED|MAP_NORESERVE,/dev/hugepages/h"
	1,store,$M,1 1,store,0x140000200000,1 1,fork,,,,,,,,2 2,load,$M,1)
told "a hole" "1:1,2,4,0,0 2:2,1,-2,0,2 1 7" "${file[@]}" "1,fallocate,,2097152,FALLOC_FL_KEEP_SIZE|FALLOC_FL_PUNCH_HOLE,/dev/hugepages/h,0"
# Two mappings of one process, of the file's same GiB, share too; one that begins 2 MiB later in the file has every page elsewhere.
told "twice in one process" "1:3,3,4,8,0 1 6" "${file[@]:0:4}" \
	"1,mmap,0x140080000000,1073741824,PROT_READ|PROT_WRITE|MAP_SHARED|MAP_FIXED|MAP_NORESERVE,/dev/hugepages/h" 1,load,0x140080000000,1
told "2 MiB later" "1:3,3,6,4,2 2 6" "${file[@]:0:4}" \
	"1,mmap,0x140080000000,1073741824,PROT_READ|PROT_WRITE|MAP_SHARED|MAP_FIXED|MAP_NORESERVE,/dev/hugepages/h,2097152" \
	1,load,0x140080000000,1
# Less than a GiB, or a private mapping: no table in common.
told "less than a GiB" "1:2,1,2,2,0 2:2,1,2,2,0 2 7" "1,mmap,$M,${GIB/1073741824/1071644672}" 1,store,$M,1 1,fork,,,,,,,,2 2,load,$M,1
told "a private one" "1:2,1,2,2,0 2:2,0,2,2,0 2 7" "1,mmap,$M,${GIB/SHARED/PRIVATE}" 1,store,$M,1 1,fork,,,,,,,,2 2,load,$M,1
# System V segments share as others do.
told "a segment" "1:2,1,2,2,0 2:2,1,0,2,0 1 7" "1,shmget,,1073741824,SHM_HUGETLB|SHM_NORESERVE|IPC_CREAT,/SYSV00000001" \
	"1,shmat,$M,,,/SYSV00000001" 1,store,$M,1 \
	"2,shmat,$there,,,/SYSV00000001" "2,load,$there,1"
# Without the kernel's option, as 6.6.87 has to be built, each has its own, and each page is mapped twice.
sharing=0
told "none in common" "1:2,2,4,4,0 2:2,2,4,4,0 2 6" "${both[@]}" 2,load,0x140000200000,1
exit $failed
