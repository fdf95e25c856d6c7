#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Whether kswapd or the task itself reclaims follows from the time that each has (libmm/reclaim/turns.c).
. "${srcdir:-.}/tests/lib.sh"

# Two rounds of stores to 30000 pages, more than 64 MiB of RAM have: the second round reads from swap.  $1: seconds between rows
trace() {
	awk -v step="$1" 'BEGIN {
		print "time_s,pid,event,addr,size,flags"
		print "0,1,mmap,0x100000000000,122880000,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE|MAP_FIXED"
		for (i = 0; i < 60000; i++)
			printf "%s,1,store,0x1000%08x,1,\n", step ? i * step : "", i % 30000 * 4096
	}'
}
trace 0 > "$tmp/at_once.csv"
trace 1 > "$tmp/timed.csv"

# expect WHY TRACE KSWAPD DIRECT OPTIONS...: how many of the pages that were looked at were so by each: "0" not one in a
# thousand (a pageblock set aside for atomic requests makes memory short at once), "+" more
expect() {
	local why=$1 trace=$2 k=$3 d=$4 got
	shift 4
	got=$(mm-reclaim --csv --ram=64M --swap=256M -S thp=never -S vm.page-cluster=0 -S vm.watermark_boost_factor=0 "$@" \
		-t summary "$tmp/$trace.csv" |
		awk -F, '{ v[$1] = $2 } END { all = v["pgscan_kswapd"] + v["pgscan_direct"]
			print (v["pgscan_kswapd"] * 1000 > all ? "+" : "0") " " (v["pgscan_direct"] * 1000 > all ? "+" : "0") }')
	[ "$got" = "$k $d" ] || { echo "FAIL: $why: expected $k $d, found $got"; failed=1; }
}

never=2147483647	# ns, longer than all that the task runs on end
alone=(-S cost.other_sleep_ns=0)
free=(-S cost.access_ns=0 -S cost.fault_ns=0 -S cost.io_ns=0 -S cost.fill_ns=0 -S cost.copy_ns=0 -S cost.dispatch_ns=0 -S cost.read_ns=0)
expect 'a task that never leaves the CPU reclaims itself' at_once 0 + \
	"${alone[@]}" "${free[@]}" -S cost.sched_slice_ns=$never
awk -F, -v OFS=, 'NR > 2 { print "0,1,munmap,0x500000000000,4096," } NR > 1 { $1 = 0 } { print }' "$tmp/at_once.csv" > "$tmp/calls.csv"
sed 's/^0,/,/' "$tmp/calls.csv" > "$tmp/untimed.csv"
expect 'kswapd is done before a call of which nobody knows when it was' untimed + 0 "${alone[@]}" "${free[@]}" -S cost.sched_slice_ns=$never
expect 'calls at the same time do not leave the CPU either' calls 0 + "${alone[@]}" "${free[@]}" -S cost.sched_slice_ns=$never
expect 'but take their time' calls + + "${alone[@]}" "${free[@]}" -S cost.sched_slice_ns=3000000 -S cost.access_ns=50000
expect 'kswapd works while the task waits for reads' at_once + + \
	"${alone[@]}" "${free[@]}" -S cost.sched_slice_ns=$never -S cost.read_ns=$never
expect 'while a worker gives a read to the disk' at_once + + \
	"${alone[@]}" "${free[@]}" -S cost.sched_slice_ns=$never -S cost.dispatch_ns=100000
expect 'when its slice is over' at_once + + "${alone[@]}" -S cost.dispatch_ns=0 -S cost.read_ns=0
expect 'and after others ran' at_once + + -S cost.other_sleep_ns=350000 "${free[@]}" -S cost.access_ns=600 -S cost.sched_slice_ns=$never
expect 'on a CPU of its own it is done before the next fault' at_once + 0 --cpus=2 -S cost.fault_ns=$never
expect 'rows that lie a second apart leave it all the time it needs' timed + 0 -S cost.sched_slice_ns=$never

# Years in which nobody but other tasks runs take no time here, even where kswapd has not finished when they begin.
awk 'BEGIN { OFS = FS = "," } NR > 14000 { $1 = sprintf("%.0f", 1000000000 + NR * 200000) } { print } NR > 20000 { exit }' \
	"$tmp/at_once.csv" > "$tmp/years.csv"
for sleep in 0 350000; do
	timeout ${MM_TIMEOUT:-20} mm-reclaim --csv --ram=64M --swap=256M -S thp=never -S cost.other_sleep_ns=$sleep -t counters \
		"$tmp/years.csv" > "$tmp/counters" || fail "years do not pass with cost.other_sleep_ns=$sleep"
done

# All pages are marked as used when memory gets short for the first time, so the first direct reclaim goes through all of them:
# batch by batch (some 50 us each), between which kswapd has its turns.
cheap=("${alone[@]}" "${free[@]}" -S cost.sched_slice_ns=100000)
mm-reclaim --csv --ram=64M --swap=256M -S thp=never -S vm.page-cluster=0 -S vm.watermark_boost_factor=0 "${cheap[@]}" -t trace \
	"$tmp/at_once.csv" > "$tmp/effects.csv"
awk -F, '$3 == "mmap" || $3 == "store" { n++ } $3 == "direct_reclaim" { print n; exit }' "$tmp/effects.csv" > "$tmp/rows"
head -n $(($(cat "$tmp/rows") + 1)) "$tmp/at_once.csv" > "$tmp/first.csv"
expect 'kswapd has its turns between the batches of one direct reclaim' first + + "${cheap[@]}"

# A mark is nothing between two rows: neither kswapd nor the disk gets time by it.
awk -F, 'NR == 1 { print $0 ",name"; next } { print $0 "," } NR % 500 == 0 { print ",1,mark,,,,step" }' \
	"$tmp/at_once.csv" > "$tmp/marked.csv"
for machine in --ram=64M --memory-max=64M; do
	for trace in at_once marked; do
		mm-reclaim --csv $machine --swap=256M -S thp=never -t counters "$tmp/$trace.csv" > "$tmp/of.$trace"
	done
	cmp -s "$tmp/of.at_once" "$tmp/of.marked" || fail "marks change what happens with $machine"
done

# A file is read from its beginning to its end: each window but the first is read ahead, and still the program is there before the disk.
awk 'BEGIN {
	print "pid,event,size,flags,name,offset"
	print "1,file,122880000,O_RDONLY|S_IFREG,/file,"
	for (i = 0; i < 30000; i++)
		printf "1,read,4096,,/file,%d\n", i * 4096
}' > "$tmp/stream.csv"
expect 'kswapd works while the task waits for what it reads ahead' stream + + \
	"${alone[@]}" "${free[@]}" -S cost.sched_slice_ns=$never -S cost.read_ns=$never
# slower than the disk, or quicker: does it matter how long that takes?
for copy in 50000 0; do
	for read in 1000 40000; do
		mm-reclaim --csv --ram=64M --swap=256M -S thp=never "${alone[@]}" "${free[@]}" -S cost.copy_ns=$copy -S cost.read_ns=$read \
			-S cost.sched_slice_ns=$never -t summary "$tmp/stream.csv" > "$tmp/$copy.$read"
	done
done
cmp -s "$tmp/50000.1000" "$tmp/50000.40000" || fail 'who is slower than the disk waits for nothing, but its time mattered'
cmp -s "$tmp/0.1000" "$tmp/0.40000" && fail 'who is quicker than the disk waits for it, but its time did not matter'
exit $failed
