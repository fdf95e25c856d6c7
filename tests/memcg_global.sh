#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Four memory cgroups on a machine that is short of memory, two of them protected (memory.low 36 MiB, memory.min 24 MiB), against one run
# of Linux 6.6.87 in QEMU (tests/data/reclaim/README): what global reclaim takes from each.
. "${srcdir:-.}/tests/lib.sh"
cd "$tmp" || exit 99

{
	echo pid,event,addr,size,flags,name,result
	echo ',cgroup,,,memory.low,/c3,37748736'
	echo ',cgroup,,,memory.min,/c2,25165824'
	for i in 0 1 2 3; do
		echo "100$i,cgroup,,,,/c$i,"
		echo "100$i,mmap,0x100000000000,49152000,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE|MAP_FIXED,,"
	done
	# each touches its 12000 pages by turns; then 1500 times 16 pages of one of them, seven in ten in its first 3000
	awk '
		function row(i, page, n, op) { printf "%d,%s,0x1000%08x,%d,,,\n", 1000 + i, op, page * 4096, n * 4096 }
		BEGIN {
			for (page = 0; page < 12000; page += 60)
				for (i = 0; i < 4; i++)
					row(i, page, 60, "store")
			x = 1
			for (k = 0; k < 1500; k++) {
				x = x * 16807 % 2147483647
				i = substr("0000112233", x % 10 + 1, 1)
				x = x * 16807 % 2147483647
				hot = x % 10 < 7
				x = x * 16807 % 2147483647
				row(i, hot ? x % 3000 : x % 11984, 16, k % 2 ? "store" : "load")
			}
		}'
} > trace.csv

run() { mm-reclaim -M "$data/reclaim/cgroups" --swap=256M -S vm.page-cluster=0 -S thp=never -S lru_gen=$1 -t memory_files \
	-n trace.csv 2> err > files || fail "mm-reclaim: $(cat err)"; }
value() { awk -F, -v g="/$1" -v n="$2" '$1 == g && $2 == "memory.stat" && $3 == n { print $4 }' files; }
# CGROUP NAME KERNEL PERCENT: as near as that
near() {
	local v
	v=$(value "$1" "$2")
	[ $(((v > $3 ? v - $3 : $3 - v) * 100)) -le $(($3 * $4)) ] || fail "$1 $2: the kernel had $3, found $v, further than $4 %"
}

run 0
near c0 pgfault 16581 1; near c0 pgmajfault 3752 3; near c0 pgsteal 9740 6; near c0 pgscan 33888 4; near c0 anon 24522752 10
near c1 pgfault 15169 1; near c1 pgmajfault 2748 3; near c1 pgsteal 9560 6; near c1 pgscan 32665 4; near c1 anon 21123072 10
# of the protected ones the kernel took a little from /c3 (299 pages), here none, and 4026 from /c2: both together are compared
near c2 pgfault 14022 2; near c2 anon 39976960 5
near c3 pgfault 12094 1; near c3 anon 48279552 3
both=$(($(value c2 pgsteal) + $(value c3 pgsteal)))
[ $both -ge 4109 ] && [ $both -le 4541 ] || fail "c2 and c3 pgsteal: the kernel had 4325, found $both, further than 5 %"
for gen in 0 1; do
	run $gen
	[ "$(value c2 anon)" -ge 25165824 ] || fail "lru_gen $gen: /c2 fell below memory.min: $(value c2 anon)"
	# memory.low holds while others have memory; MGLRU of 6.6 passes over it once a walk and says so in memory.events
	low=$(awk -F, '$1 == "/c3" && $2 == "memory.events" && $3 == "low" { print $4 }' files)
	[ "$(value c3 anon)" -ge 37748736 ] || { [ $gen = 1 ] && [ "$low" -gt 0 ]; } ||
		fail "lru_gen $gen: /c3 fell below memory.low: $(value c3 anon), $low times"
	[ "$(value c0 pgsteal)" -gt 3000 ] && [ "$(value c1 pgsteal)" -gt 3000 ] ||
		fail "lru_gen $gen: nothing is taken from those without protection"
done
exit $failed
