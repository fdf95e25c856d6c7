#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What shrinkers give back beside pages: nodes of shadow entries, the huge zero page.
. "${srcdir:-.}/tests/lib.sh"
cd "$tmp" || exit 99

# A file of 768 MiB is read once in a cgroup of 16 MiB: 3072 nodes of 64 entries, those behind the reader hold shadows alone.
# Linux 6.6.87 in QEMU had nodes of 16 entries (CONFIG_BASE_SMALL; a node for two pages is kept), 12288 of them: reclaimed 9856, kept 2186
# (MGLRU 9852, 2181), slabs_scanned the same 9856. With XA_SHIFT 4 this model had 9856, 2184 and 9856.
# Here one node for eight pages is kept; half of what is beyond goes as soon as that is 128, in batches of 128.
{
	echo pid,event,addr,size,flags,name,offset,result
	echo ',file,,805306368,O_RDONLY|S_IFREG,/srv/f,,'
	echo ,cgroup,,,memory.max,/s,,16777216
	echo 10,exec,,,AUTOMAP,dd,,
	echo 10,cgroup,,,,/s,,
	for ((i = 0; i < 12288; i++)); do echo "10,read,,65536,,/srv/f,$((i * 65536)),"; done
} > read.csv
for gen in 0 1; do
	mm-fault --ram=768M -S lru_gen=$gen -t counters -n read.csv 2> err > counters || fail "mm-fault: $(cat err)"
	mm-reclaim --ram=768M -S lru_gen=$gen -t memory_files -n read.csv 2> err > files || fail "mm-reclaim: $(cat err)"
	awk -F, -v gen=$gen '
		NR == FNR { c[$1] = $2; next }
		$1 == "/s" && $2 == "memory.stat" { m[$3] = $4 }
		END {
			pages = m["file"] / 4096
			keep = (pages + int(m["slab_reclaimable"] / 4096)) / 8
			nodes = c["workingset_nodes"]; gone = c["workingset_nodereclaim"]
			if (gone % 128 || gone != c["slabs_scanned"] || gone != m["workingset_nodereclaim"]) bad = 1
			if (nodes < keep || nodes >= keep + 256) bad = 1		# less than 256 beyond: half is no batch
			with_pages = 3072 - nodes - gone				# the last ones; 64 pages each but the first
			if (with_pages * 64 < pages || (with_pages - 1) * 64 > pages) bad = 1
			if (bad) print "FAIL: lru_gen " gen ": " nodes " nodes, " gone " reclaimed, " c["slabs_scanned"] " scanned, " \
				pages " pages"
			exit bad
		}' counters files || failed=1
done

# The same program reads one page of 4 MiB with THP on, seven times, and shrinkers are asked in between (drop_caches 2): Linux
# 6.6.87's thp_zero_page_alloc after each. While one lives that has had the page, it stays.
{
	echo pid,event,addr,size,flags,name,result
	pid=10
	hz() { pid=$((pid + 1)); echo "$pid,mmap,0x100000000000,4194304,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED,,";
		echo "$pid,load,0x100000000000,1,,,"; }
	ends() { echo "$1,exit,,,,,"; }
	drop() { echo ",drop_caches,,,,,2"; }
	mark() { echo ",mark,,,,$1,"; }
	mark 1; hz; ends $pid
	mark 2; hz; ends $pid
	mark 3; drop; hz; ends $pid
	mark 4; hz; long=$pid; drop; hz; ends $pid
	mark 5; ends $long; hz; ends $pid
	mark 6; drop; hz; ends $pid
} > zero.csv
mm-fault -S thp=always --every=mark -t counters -n zero.csv 2> err > out || fail "mm-fault: $(cat err)"
same "huge zero pages made" "1 1 2 2 2 3" "$(awk -F, '$2 == "thp_zero_page_alloc" { print $3 }' out | paste -sd' ')"
exit $failed
