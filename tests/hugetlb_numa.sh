#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Huge pages of pools on two nodes: which node they come from, and that they move. Expected figures follow dequeue_hugetlb_folio_vma(),
# alloc_buddy_hugetlb_folio_with_mpol(), gather_surplus_pages(), allowed_mems_nr() in mm/hugetlb.c, queue_folios_hugetlb() in
# mm/mempolicy.c and unmap_and_move_huge_page() in mm/migrate.c of Linux 6.6.
. "${srcdir:-.}/tests/lib.sh"
cd "$tmp" || exit 99

A=0x100000000000 P='PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_HUGETLB|MAP_FIXED'
page() { printf '0x%x' $((A + $1 * 2097152)); }
# two nodes of 512 MiB and four CPUs, the first two of node 0
machine=(,,region,0x1000,650240,ram,System\ RAM,,,0 ,,region,0x100000,535822336,ram,System\ RAM,,,0 \
	,,region,0x20000000,536715264,ram,System\ RAM,,,1 ,,cpus,,,,,,,4)
rows() { echo cpu,pid,event,addr,size,flags,name,offset,size2,result; for row; do printf '%s,,,,,,,,,\n' "$row" | cut -d, -f1-10; done; }
# told WHY RESULTS NODES POOL ROW...: results of the calls and accesses after the first mmap; pages of each mapping on the nodes; of the
# pool on each node all, free and surplus ones
told() {
	local why=$1 results=$2 nodes=$3 pool=$4
	shift 4
	rows "${machine[@]}" "$@" > in.csv
	same "$why: results" "$results" "$(mm-fault --csv --check "${opt[@]}" in.csv 2> err | awk -F, '
		NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
		$c["by"] == "" && $c["event"] !~ /region|cpus|sysctl|fork|mark/ { print $c["result"] }' | tail -n +2 | paste -sd' ')"
	same "$why: nodes" "$nodes" "$(mm-fault --csv -n -t numa_maps -o node_pages "${opt[@]}" in.csv | paste -sd' ')"
	same "$why: pool" "$pool" \
		"$(mm-fault --csv -n -t hugetlb -o page_bytes,node,nr_hugepages,free_hugepages,surplus_hugepages "${opt[@]}" in.csv |
		awk -F, -v size="${size:-2097152}" '$1 == size && $2 != "" { print $3 "," $4 "," $5 }' | paste -sd' ')"
}
map() { echo "0,1,mmap,$A,$(($1 * 2097152)),$P"; }
store() { echo "${2:-0},1,store,$(page "$1"),1"; }

opt=(-S vm.nr_hugepages=4)		# two on each node
# The default: of the CPU's node, then of the other.
told "CPU 0" "ok ok ok" "2|1" "2,0,0 2,1,0" "$(map 3)" "$(store 0)" "$(store 1)" "$(store 2)"
told "CPU 2" "ok ok ok" "1|2" "2,1,0 2,0,0" "$(map 3)" "$(store 0 2)" "$(store 1 2)" "$(store 2 2)"
# Bound to node 1: a third page is promised, but not there.
told "bound" "0 ok ok sigbus" "0|2" "2,2,0 2,0,0" "$(map 3)" "0,1,mbind,$A,6291456,MPOL_BIND,1" "$(store 0)" "$(store 1)" "$(store 2)"
# One more may be taken on demand, of that node.
opt+=(-S vm.nr_overcommit_hugepages=1)
told "bound, one more" "0 ok ok ok" "0|3" "2,2,0 3,0,1" "$(map 3)" "0,1,mbind,$A,6291456,MPOL_BIND,1" "$(store 0)" "$(store 1)" "$(store 2)"
opt=(-S vm.nr_hugepages=4)
# By number of the huge page in the mapping; the fifth wants node 0, which has none.
opt=(-S vm.nr_hugepages=6)
told "interleaved" "0 ok ok ok" "1|2" "3,2,0 3,1,0" "$(map 6)" "0,1,mbind,$A,12582912,MPOL_INTERLEAVE,0-1" "$(store 1)" "$(store 2)" \
	"$(store 5)"
told "preferred" "0 ok ok ok ok" "1|3" "3,2,0 3,0,0" "$(map 4)" "0,1,mbind,$A,8388608,MPOL_PREFERRED,1" "$(store 0)" "$(store 1)" \
	"$(store 2)" "$(store 3)"
told "preferred, many" "0 ok ok ok ok" "1|3" "3,2,0 3,0,0" "$(map 4)" "0,1,mbind,$A,8388608,MPOL_PREFERRED_MANY,1" "$(store 0)" \
	"$(store 1)" "$(store 2)" "$(store 3)"
# The task's policy, where the mapping has none. A task bound to node 1 is promised no more than is free there.
told "a task's policy" "$A ok" "0|1" "3,3,0 3,2,0" 0,1,set_mempolicy,,,MPOL_BIND,1 "$(map 3)" "$(store 0)"
told "a task's policy, four" "ENOMEM" "" "3,3,0 3,3,0" 0,1,set_mempolicy,,,MPOL_BIND,1 "$(map 4)"
told "a task that prefers" "$A ok" "0|1" "3,3,0 3,2,0" 0,1,set_mempolicy,,,MPOL_PREFERRED,1 "$(map 4)" "$(store 0)"
# What a promise takes on demand comes from the lowest node on, wherever the CPU is, or of those it is bound to.
opt=(-S vm.nr_overcommit_hugepages=4)
told "promised on demand" "ok" "1|0" "2,1,2 0,0,0" "$(map 2)" "$(store 0 2)"
told "promised on demand, bound" "$A ok" "0|1" "0,0,0 2,1,2" 0,1,set_mempolicy,,,MPOL_BIND,1 "$(map 2)" "$(store 0)"

# The pool by node: one node's number, or as the policy of the task says that writes. Pages in use become surplus, and the first to be the
# pool's again when it may have more.
opt=()
pages_of() { echo ",1,sysctl,,,,$1,,,$2"; }
small="0,1,mmap,$A,4096,PROT_READ|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED"
told "a node's pool" "" "0|0" "0,0,0 3,3,0" "$(pages_of node1.hugepages-2048kB.nr_hugepages 3)" "$small"
told "by policy" "0 0" "0|0" "4,4,0 3,3,0" "$small" 0,1,set_mempolicy,,,MPOL_BIND,1 \
	"$(pages_of vm.nr_hugepages_mempolicy 3)" 0,1,set_mempolicy,,,MPOL_PREFERRED,0 \
	"$(pages_of hugepages-2048kB.nr_hugepages_mempolicy 7)"
used=("$(map 2)" "0,1,mbind,$A,4194304,MPOL_BIND,1" "$(store 0)" "$(store 1)")
told "less than are in use" "0 ok ok" "0|2" "3,3,0 2,0,1" "$(pages_of vm.nr_hugepages 6)" "${used[@]}" \
	"$(pages_of node1.hugepages-2048kB.nr_hugepages 1)"
told "and more again" "0 ok ok" "0|2" "4,4,0 2,0,0" "$(pages_of vm.nr_hugepages 6)" "${used[@]}" \
	"$(pages_of node1.hugepages-2048kB.nr_hugepages 1)" "$(pages_of vm.nr_hugepages 6)"
told "another tunable" "0 ok ok" "0|2" "3,3,0 2,0,1" "$(pages_of vm.nr_hugepages 6)" "${used[@]}" \
	"$(pages_of node1.hugepages-2048kB.nr_hugepages 1)" "$(pages_of vm.swappiness 10)"
for row in "$(pages_of node2.hugepages-2048kB.nr_hugepages 1)" "$(pages_of node1.hugepages-2048kB.nr_hugepages x)" \
	"$(pages_of node1.hugepages-4kB.nr_hugepages 1)"; do
	rows "${machine[@]}" "$row" > bad.csv
	refused 1 'bad.csv:6: ' mm-fault --csv -t hugetlb bad.csv
done

# Moves. Free pages of the pool are taken, the old ones become free.
opt=(-S vm.nr_hugepages=4)
bound=("$(map 2)" "0,1,mbind,$A,4194304,MPOL_BIND,1" "$(store 0)" "$(store 1)")
told "mbind" "0 ok ok 0" "2|0" "2,0,0 2,2,0" "${bound[@]}" "0,1,mbind,$A,4194304,MPOL_BIND|MPOL_MF_MOVE,0"
told "mbind, strictly" "0 ok ok EIO" "0|2" "2,2,0 2,0,0" "${bound[@]}" "0,1,mbind,$A,4194304,MPOL_BIND|MPOL_MF_STRICT,0"
told "migrate_pages" "0 ok ok 0" "2|0" "2,0,0 2,2,0" "${bound[@]}" 0,1,migrate_pages,,,,1:0
# by the first 4 KiB of a page alone, and not what others map
told "move_pages" "0 ok ok 1 0 EACCES 1" "1|1" "2,1,0 2,1,0" "${bound[@]}" "0,1,move_pages,$A" "0,1,move_pages,$A,,MPOL_MF_MOVE,,0" \
	"0,1,move_pages,0x100000201000,,MPOL_MF_MOVE,,0" "0,1,move_pages,$(page 1)"
told "move_pages of a child" "0 ok ok EACCES 0" "1|1 1|1" "2,1,0 2,1,0" "${bound[@]}" 0,1,fork,,,,,,,2 \
	"0,2,move_pages,$A,,MPOL_MF_MOVE,,0" \
	"0,2,move_pages,$A,,MPOL_MF_MOVE_ALL,,0"
# what others map is left where it is, which is no failure
told "mbind of a child" "0 ok ok 0" "0|2 0|2" "2,2,0 2,0,0" "${bound[@]}" 0,1,fork,,,,,,,2 \
	"0,2,mbind,$A,4194304,MPOL_BIND|MPOL_MF_MOVE|MPOL_MF_STRICT,0"
# The copy that a child has written moves for itself: node 1 has no free page, so that one of the page allocator's comes instead.
told "written by a child" "0 ok ok 0 ok 0 ok" "0|2 0|2" "1,1,0 3,0,0" "${bound[@]}" 0,1,fork,,,,,,,2 "0,2,mbind,$A,4194304,MPOL_DEFAULT" \
	"0,2,store,$A,1" \
	0,2,migrate_pages,,,,0:1 "0,2,load,$A,1"
# All of the pool in use, or promised: a page from the page allocator takes its place, and the old one goes back there.
used=("$(map 4)" "0,1,mbind,$A,8388608,MPOL_INTERLEAVE,0-1" "$(store 0)" "$(store 1)" "$(store 2)" "$(store 3)")
told "a pool in use" "0 ok ok ok ok 0" "4|0" "4,0,0 0,0,0" "${used[@]}" "0,1,mbind,$A,8388608,MPOL_BIND|MPOL_MF_MOVE,0"
same "counted (four pages at the boot)" "pgmigrate_success,1024 pgmigrate_fail,0 thp_migration_success,0 htlb_buddy_alloc_success,6" \
	"$(mm-fault --csv -t counters "${opt[@]}" in.csv | grep -E '^(pgmigrate_|thp_migration_success|htlb_buddy_alloc_success)' |
	paste -sd' ')"
told "a pool promised" "0 ok ok 0" "2|0" "4,2,0 0,0,0" "$(map 4)" "0,1,mbind,$A,8388608,MPOL_BIND,1" "$(store 0)" "$(store 1)" \
	"0,1,mbind,$A,8388608,MPOL_BIND|MPOL_MF_MOVE,0"
# The place of a surplus page moves with it.
opt=(-S vm.nr_overcommit_hugepages=4)
told "surplus" "$A ok 0" "0|1" "0,0,0 1,0,1" "0,1,set_mempolicy,,,MPOL_BIND,0" "$(map 1)" "$(store 0)" 0,1,migrate_pages,,,,0:1
# A file's page moves for who maps it and for who does not. Of two that share a PMD table the first loses it, and shares again.
opt=(-S vm.nr_hugepages=4 -S hugetlb_pmd_page_table_sharing=1)
gib='1073741824,PROT_READ|PROT_WRITE|MAP_SHARED|MAP_ANONYMOUS|MAP_HUGETLB|MAP_FIXED|MAP_NORESERVE'
shared=("0,1,mmap,$A,$gib" "$(store 0)" 0,1,fork,,,,,,,2 "0,2,load,$A,1")
told "a shared table" "ok ok 0" "1|0 1|0" "2,1,0 2,2,0" "${shared[@]}" "0,1,mbind,$A,1073741824,MPOL_BIND|MPOL_MF_MOVE,1"
told "a shared table, all" "ok ok 0" "0|0 0|1" "2,2,0 2,1,0" "${shared[@]}" "0,1,mbind,$A,1073741824,MPOL_BIND|MPOL_MF_MOVE_ALL,1"
told "and loaded" "ok ok 0 ok" "0|1 0|1" "2,2,0 2,1,0" "${shared[@]}" "0,1,mbind,$A,1073741824,MPOL_BIND|MPOL_MF_MOVE_ALL,1" "0,1,load,$A,1"
# Pages of 1 GiB move as long as there is one: the only one of a pool stays, and the call tells.
machine=(,,region,0x1000,650240,ram,System\ RAM,,,0 ,,region,0x100000,3220176896,ram,System\ RAM,,,0 \
	,,region,0x100000000,3221225472,ram,System\ RAM,,,1 ,,cpus,,,,,,,4)
giga="0,1,mmap,$A,1073741824,$P|MAP_HUGE_1GB"
opt=(-S hugepages-1048576kB.nr_hugepages=2) size=1073741824
told "1 GiB" "ok 0" "0|1" "1,1,0 1,0,0" "$giga" "$(store 0)" 0,1,migrate_pages,,,,0:1
opt=(-S hugepages-1048576kB.nr_hugepages=1)
told "1 GiB, no other" "ok ENOMEM EIO" "1|0" "1,0,0 0,0,0" "$giga" "$(store 0)" 0,1,migrate_pages,,,,0:1 \
	"0,1,mbind,$A,1073741824,MPOL_BIND|MPOL_MF_MOVE|MPOL_MF_STRICT,1"
exit $failed
