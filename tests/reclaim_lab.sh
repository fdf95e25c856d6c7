#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Counters of reclaim in a memcg lie within the run-to-run spread of a real Linux 6.6 (tests/data/reclaim/README).
. "${srcdir:-.}/tests/lib.sh"

# the next page of 9000, seven in ten times one of 2000
next_page='function next_page(hot) {
	x = x * 16807 % 2147483647
	hot = x % 10 < 7
	x = x * 16807 % 2147483647
	return hot ? x % 2000 * 4 : x % 9000
}'

# 60000 accesses
awk "$next_page"' BEGIN {
	print "pid,event,addr,size,flags"
	print "1000,mmap,0x100000000000,36864000,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE|MAP_FIXED"
	x = 1
	for (i = 0; i < 60000; i++)
		printf "1000,%s,0x1000%08x,1,\n", (i % 3 == 2 && i > 20000) ? "load" : "store", next_page() * 4096
}' > "$tmp/trace.csv"

for lru in classic mglru; do
	[ $lru = mglru ] && gen=1 || gen=0
	mm-reclaim --csv --swap=262140K -S vm.page-cluster=0 -S lru_gen=$gen -S thp=never --memory-max=24M -t summary \
		"$tmp/trace.csv" > "$tmp/model" || { fail "mm-reclaim, $lru"; continue; }
	# as far from the smallest and the largest run as half their distance, 2 % of the median, or 10
	awk -F, -v lru=$lru '
		FNR == 1 { file++; next }
		file == 1 { model[$1] = $2; next }
		{
			s = ($4 - $2) / 2
			if (s < $3 * 0.02) s = $3 * 0.02
			if (s < 10) s = 10
			n++
			if (!($1 in model) || model[$1] < $2 - s || model[$1] > $4 + s) {
				print "FAIL: " lru ": " $1 ": the kernel had " $2 " to " $4 ", found " model[$1]
				bad = 1
			}
		}
		END { exit bad || n != 11 }' "$tmp/model" "$src/tests/data/reclaim/hot-$lru.csv" || failed=1
done

# 60000 reads of a file: equal, when the kernel's objects take as many pages of the limit
# (one more than the model knows of; two more or fewer are tried)
awk "$next_page"' BEGIN {
	print "pid,event,addr,size,flags,name,offset"
	print "1000,file,,36864000,O_RDONLY|S_IFREG,/srv/f/rfile,"
	print "1000,fadvise,,0,POSIX_FADV_RANDOM,/srv/f/rfile,0x0"
	x = 1
	for (i = 0; i < 60000; i++)
		printf "1000,read,,4096,,/srv/f/rfile,0x%x\n", next_page() * 4096
}' > "$tmp/reads.csv"

for lru in classic mglru; do
	[ $lru = mglru ] && gen=1 || gen=0
	for pages in -1 0 1 -2 2; do
		mm-reclaim --csv --swap=262140K -S lru_gen=$gen --memory-max=$((25165824 + pages * 4096)) -t summary \
			"$tmp/reads.csv" > "$tmp/model" ||
			fail "mm-reclaim, reads, $lru"
		awk -F, 'FNR == NR { model[$1] = $2; next } model[$1] != $2 { exit 1 }' "$tmp/model" \
			"$data/reclaim/reads-$lru.csv" && continue 2
		[ $pages = -1 ] && paste -sd' ' "$tmp/model" > "$tmp/nearest"
	done
	fail "reads, $lru: the kernel had $(paste -sd' ' "$data/reclaim/reads-$lru.csv"), found $(cat "$tmp/nearest")"
done
exit $failed
