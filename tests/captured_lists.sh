#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# captured_lists=1: a machine of -M has on its LRU lists what the capture has, and its CPU's lists; they can be reclaimed.
. "${srcdir:-.}/tests/lib.sh"

# 160 MiB: of 31491 managed pages 4000 are free, 23000 on lists (18000 of files), 93 hold slabs, 343 are the CPU's
mkdir -p "$tmp/m/proc"
zone DMA32 4000 331 36823 31491 4096 'nr_free_pages 4000' 'nr_zone_inactive_anon 2000' 'nr_zone_active_anon 3000' \
	'nr_zone_inactive_file 10000' 'nr_zone_active_file 8000' pagesets 'cpu: 0' 'count: 343' 'high:  413' 'batch: 7' |
	sed 's|^  pages free|  per-node stats\n      nr_inactive_anon 2000\n      nr_slab_reclaimable 93\n&|' > "$tmp/m/proc/zoneinfo"
{
	echo pid,event,addr,size,flags
	echo '1,mmap,0x100000000000,81920000,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE|MAP_FIXED'
} > "$tmp/begin.csv"
cp "$tmp/begin.csv" "$tmp/store.csv"
awk 'BEGIN { for (i = 0; i < 15000; i++) printf "1,store,0x1000%08x,1,\n", i * 4096 }' >> "$tmp/store.csv"
model() { mm-reclaim --csv -M "$tmp/m" --swap=256M -S thp=never "$@" 2> "$tmp/err"; }

for gen in 0 1; do
	got=$(model -S captured_lists=1 -S lru_gen=$gen --check -t lru "$tmp/begin.csv" | awk -F, '
		{ v[$3] += $5; all += $5 }
		END { print v["inactive_anon"] + 0, v["active_anon"] + 0, v["inactive_file"] + 0, v["active_file"] + 0, all }')
	if [ $gen = 0 ]; then want='2000 3000 10000 8000 23000'; else want=${got% *}' 23000'; fi
	[ "$got" = "$want" ] || fail "lru_gen=$gen: expected lists of $want pages, found $got"
	got=$(model -S captured_lists=1 -S lru_gen=$gen -t counters "$tmp/begin.csv" | awk -F, '
		$1 == "nr_free_pages" { f = $2 } $1 == "nr_file_pages" { n = $2 } END { print (f > 3980 && f <= 4000), n, f }')
	[ "${got% *}" = '1 23000' ] ||		# the address space has taken a few
		fail "lru_gen=$gen: expected 4000 free pages but for page tables and 23000 of files, found $got"
	grep -q cgroups "$tmp/err" && fail "lru_gen=$gen: a capture without cgroups is no unreadable one: $(cat "$tmp/err")"
	# 15000 pages, 4000 free: two thirds of them come from the lists
	model -S captured_lists=1 -S lru_gen=$gen -t summary "$tmp/store.csv" |
		awk -F, '{ v[$1] = $2 } END { exit !(v["pgsteal_file"] + v["pgsteal_anon"] > 10000 && v["oom_kill"] == 0) }' ||
		fail "lru_gen=$gen: the lists were not reclaimed: $(cat "$tmp/err")"
done
got=$(model -t lru "$tmp/begin.csv" | awk -F, '$5 > 0 { all += $5 } END { print all + 0 }')
[ "$got" = 0 ] || fail "without the tunable: expected empty lists, found $got pages"
exit $failed
