#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Calls of address spaces as a real Linux 6.6.87 answered them (tests/data/vma/README): the result of every call and
# the mappings of the process that made it, after each.
. "${srcdir:-.}/tests/lib.sh"
data=$data/vma

model() {	# CASE OPTION... : mm-vma on its trace
	local name=$1
	shift
	mm-vma --csv --seed=1000:"$data/seed.maps" --mmap-base=0x7ffff7fff000 -S anon_vma_name=1 -S thp=never \
		--ram=1014968K "$@" "$tmp/$name.csv" 2> "$tmp/err" || { cat "$tmp/err" >&2; return 1; }
}

same() {	# WHAT KERNEL MODEL
	cmp -s "$2" "$3" && return
	echo "FAIL: $1: the kernel <, mm-vma >"
	diff "$2" "$3" | head -6
	failed=1
}

calls=0
for trace in "$data"/*.csv.gz; do
	name=$(basename "$trace" .csv.gz)
	for f in csv results maps; do
		gzip -dc "$data/$name.$f.gz" > "$tmp/$name.$f" || exit 99
	done
	rows=$(($(wc -l < "$tmp/$name.csv") - 1))
	# the sysctl rows of the command line come before the trace's
	model "$name" -o event,result,by -t trace | awk -F, 'NR > 1 && $3 == "" { print $1 "," $2 }' | tail -n "$rows" |
		awk -F, '$1 !~ /^(file|sysctl|mark|fork|exit)$/ { print NR - 1 "," $2 }' > "$tmp/got"
	same "$name, results" "$tmp/$name.results" "$tmp/got"
	# the rows of the process that made the call
	model "$name" -t maps --every=1ev -n -o pid,start,end,perms,offset,name |
		awk -F, 'NR == FNR { if (FNR > 1 && $2 != "exit") pid[FNR - 2] = $1; next } pid[$1] == $2 { sub(/\[heap\]$/, ""); print }' \
		"$tmp/$name.csv" - > "$tmp/got"
	same "$name, maps" "$tmp/$name.maps" "$tmp/got"
	calls=$((calls + $(wc -l < "$tmp/$name.results")))
done
# five levels of page tables: hints around and above the first 47 bits, on a machine with a pool of eight huge pages
for trace in "$data"/la57/*.csv.gz; do
	name=$(basename "$trace" .csv.gz)
	gzip -dc "$trace" > "$tmp/$name.csv" && gzip -dc "$data/la57/$name.results.gz" > "$tmp/$name.results" || exit 99
	mm-fault --csv -n --seed=1000:"$data/la57/seed.maps" --mmap-base=0x7ffff7fff000 --ram=786052K -S la57=1 -S thp=never \
		-S vm.nr_hugepages=8 -o event,result,by "$tmp/$name.csv" 2> "$tmp/err" |
		awk -F, '$3 == "" && $1 !~ /^(sysctl|file|region)$/ { print $2 == "ok" || $2 == "0" ? "0x0" : $2 }' > "$tmp/got"
	same "la57 $name, results" "$tmp/$name.results" "$tmp/got"
	calls=$((calls + $(wc -l < "$tmp/$name.results")))
done
[ $calls -ge 10000 ] || { echo "FAIL: expected 10000 calls at least, found $calls"; failed=1; }
exit $failed
