#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A process alone on a machine of which it has locked two thirds, MGLRU: what kswapd and what the process itself reclaims is within the
# run-to-run spread of Linux 6.6.87 in QEMU (tests/data/reclaim/README).
. "${srcdir:-.}/tests/lib.sh"
cd "$tmp" || exit 99

# 60000 accesses to 12000 pages, about as many as there is memory for
awk 'BEGIN {
	print "pid,event,addr,size,flags"
	print "1000,mmap,0x300000000000,94617600,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED|MAP_LOCKED"
	print "1000,mmap,0x100000000000,49152000,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE|MAP_FIXED"
	x = 1
	for (i = 0; i < 60000; i++) {
		x = x * 16807 % 2147483647
		x = x * 16807 % 2147483647
		printf "1000,%s,0x1000%08x,1,\n", (i % 3 == 2 && i > 20000) ? "load" : "store", x % 12000 * 4096
	}
}' > trace.csv

# Runs of the kernel differ in when a pageblock is taken by another type of pages, which raises the watermarks, and in what the task
# then has to reclaim itself: each bound may be passed by half the range.  Others wake a little earlier or later: the model is such
# a run each time.
for sleep in 300000 310000 320000 330000 340000 350000 360000 370000 380000 390000 400000; do
	mm-reclaim --csv -M "$data/reclaim/alone" --swap=262140K -S vm.page-cluster=0 -S lru_gen=7 -S thp=never \
		-S cost.other_sleep_ns=$sleep \
		-t summary trace.csv > model 2> err || fail "mm-reclaim: $(cat err)"
	awk -F, '
		FNR == NR { v[$1] = $2; next }
		$1 != "counter" { n++; s = ($4 - $2) / 2; ok = (v[$1] >= $2 - s && v[$1] <= $4 + s); print $1, ok, v[$1], $2, $4 }
		END { exit n != 10 }' model "$data/reclaim/global-mglru.csv" >> all || fail "global-mglru.csv: not the 10 counters"
done
# two of three within, of each
awk '{ n[$1]++; ok[$1] += $2; seen[$1] = seen[$1] " " $3; range[$1] = $4 " to " $5 }
	END {
		for (c in n)
			if (ok[c] * 3 < n[c] * 2) {
				print "FAIL: " c ": the kernel had " range[c] ", found" seen[c]
				bad = 1
			}
		exit bad
	}' all || failed=1
exit $failed
