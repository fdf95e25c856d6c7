#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The main job: a machine from its /proc/iomem, and a recorded program through all floors, in one pipeline and in a sweep.
# Expected figures come from the inputs themselves (shell arithmetic on the iomem) or from one command held against another.
. "${srcdir:-.}/tests/lib.sh"
cd "$tmp" || exit 99
iomem=$data/pc-4g.iomem
recording=$data/sort.lackey.gz

# run COMMAND...: must succeed
run() { "$@" || fail "$*: status $?"; }
counter() { sed -n "s/^$1,//p" "$2"; }

# 1. the machine
ram=0
while read -r range; do
	ram=$((ram + 16#${range#*-} - 16#${range%-*} + 1))
done < <(sed -n 's/^\([0-9a-f]*-[0-9a-f]*\) : System RAM$/\1/p' "$iomem")
run mm-iomem "$iomem" -t summary --csv > summary.csv
same "RAM in the summary" "$ram" "$(sed -n 's/^ram,\([0-9]*\).*/\1/p' summary.csv)"
run mm-iomem "$iomem" --csv > regions.csv
run mm-buddy --csv regions.csv > free.csv
run mm-iomem "$iomem" -t zones -o node,zone,managed_pages --csv > zones.csv
free=0
while IFS=, read -r node zone type order blocks; do
	[ "$order" = order ] || free=$((free + (blocks << order)))
done < free.csv
managed=$(awk -F, 'NR > 1 { n += $3 } END { print n }' zones.csv)
same "free pages after the boot against managed pages" "$managed" "$free"

# 2. the pipeline
zcat "$recording" > rec
run mm-vma rec > vma.csv 2> /dev/null
run mm-vma vma.csv 2> /dev/null | cmp - vma.csv || { echo "FAIL: mm-vma | mm-vma is not mm-vma"; failed=1; }
run mm-fault vma.csv > fault.csv 2> /dev/null
run mm-reclaim --memory-max=640K --swap=64M fault.csv > reclaim.csv 2> /dev/null
mm-vma rec 2> /dev/null | mm-fault 2> /dev/null | mm-reclaim --memory-max=640K --swap=64M 2> /dev/null | cmp - reclaim.csv ||
	{ echo "FAIL: the pipeline and its steps differ"; failed=1; }
same "accesses that go in and come out" "$(grep -cE '^(I | S| L| M)' rec)" "$(grep -cE ',(load|store|modify|fetch),' reclaim.csv)"
run mm-vmstat --csv - < reclaim.csv > vmstat.csv 2> /dev/null
run mm-reclaim -t summary --csv --memory-max=640K --swap=64M vma.csv > counters.csv 2> /dev/null
run mm-reclaim --memory-max=640K --swap=64M rec > direct.csv 2> /dev/null
run mm-reclaim direct.csv 2> /dev/null | cmp - direct.csv || { echo "FAIL: mm-reclaim | mm-reclaim is not mm-reclaim"; failed=1; }
same "swapped out: rows of the recording's replay against the counters" "$(counter pswpout counters.csv)" \
	"$(grep -c ',swap_out,.*,reclaim$' direct.csv)"
column() { awk -F, -v name="$1" \
	'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i } NR > 1 { n += $c } END { print n }' vmstat.csv; }
same "major faults: vmstat against the counters" "$(counter pgmajfault counters.csv)" "$(column majflt)"
same "faults: rows of the trace against the counters" "$(counter pgfault counters.csv)" "$(grep -c ',fault,.*,fault$' reclaim.csv)"
same "swapped in: rows of the trace against the counters" "$(counter pswpin counters.csv)" "$(grep -c ',swap_in,' reclaim.csv)"
[ "$(counter pswpout counters.csv)" -gt 0 ] || { echo "FAIL: the limit never bit"; failed=1; }
# a table every so often: what is looked at in between changes nothing
for lru_gen in 0 7; do
	run mm-reclaim -t summary --csv --memory-max=800K --swap=64M -S lru_gen=$lru_gen rec > whole.csv 2> /dev/null
	mm-reclaim -t summary --csv --memory-max=800K --swap=64M -S lru_gen=$lru_gen --every=1000000ev rec 2> /dev/null |
		awk -F, 'NR == 1 || $1 != seq { n = 0 } { seq = $1; row[n++] = $2 "," $3 } END { for (i = 0; i < n; i++) print row[i] }' |
		diff <(sed 1d whole.csv) - > differs || fail "lru_gen=$lru_gen: blocks change what happens: $(head -n 3 differs)"
done

# a machine without address spaces passes their rows on; the recording holds calls, accesses and files
for command in mm-buddy mm-slab; do
	run "$command" vma.csv > passed.csv 2> /dev/null
	same "rows of address spaces through $command" "$(grep -cE ',(mmap|brk|exec|load|store|file|read|exit|map|unmap),' vma.csv)" \
		"$(grep -cE ',(mmap|brk|exec|load|store|file|read|exit|map|unmap),' passed.csv)"
done

# 3. the sweep
run mm-reclaim --sweep=memory-max=640K..4M:8 --swap=64M -t curve --csv rec > curve.csv 2> /dev/null
same "points" 9 "$(wc -l < curve.csv)"
awk -F, 'NR > 2 && $3 > last { bad = 1 } NR > 1 { last = $3 } END { exit bad }' curve.csv ||
	{ echo "FAIL: more memory gave more major faults:"; cat curve.csv; failed=1; }
same "swapped out with 4 MiB" 0 "$(tail -1 curve.csv | cut -d, -f5)"
run mm-reclaim -t summary --csv --memory-max=640K --swap=64M rec > single.csv 2> /dev/null
same "a point of the sweep against the same run alone" "$(counter pgmajfault single.csv)" "$(sed -n 2p curve.csv | cut -d, -f3)"
zcat "$recording" | run mm-reclaim --sweep=memory-max=640K..4M:8 --swap=64M -t curve --csv 2> /dev/null | cmp - curve.csv ||
	{ echo "FAIL: the sweep through a pipe differs"; failed=1; }
exit $failed
