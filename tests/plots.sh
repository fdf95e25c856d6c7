#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Each plot is drawn from the pipeline that its head shows; what it must hold is looked for in the SVG. Wrong tables are refused.
. "${srcdir:-.}/tests/lib.sh"
command -v gnuplot > /dev/null || { echo "no gnuplot here"; exit 77; }
top=$src out=$tmp
# kept as a file: most of what follows is at the end of a pipeline, in a shell of its own
fail() { echo "$*"; : > "$out/failed"; }
zcat "$top/tests/data/sort.lackey.gz" | head -n 400000 > "$out/rec"

# drawn PLOT WORD...: the SVG is whole, has a line or box for the data, and these words
drawn() {
	svg=$out/$1.svg
	gnuplot -c "$top/plots/$1.gp" "$svg" 2> "$out/err" || { fail "$1: gnuplot failed: $(cat "$out/err")"; return; }
	grep -v "^Warning: empty" "$out/err" | grep -q . && fail "$1: gnuplot said: $(cat "$out/err")"
	tail -n 3 "$svg" | grep -q '</svg>' || fail "$1: the picture is not whole"
	shift
	for word; do
		grep -qF -- "$word" "$svg" || fail "$svg: expected '$word' in the picture"
	done
}

mm-reclaim --sweep=memory-max=256K..2M:3 --swap=64M -t curve "$out/rec" 2> /dev/null |
	drawn curve 'Cost of a limit' 'memory_max (MiB)' 'major faults'
mm-reclaim --sweep=memory-max=512K..2M:2 --swap=64M -t curve -o memory_max_bytes,majflt "$out/rec" 2> /dev/null | drawn curve 'major faults'
# of two parameters: a line for each value of the second
mm-reclaim --sweep=memory-max=512K..1M:2 --sweep=vm.swappiness=0..100:2 --swap=64M -t curve "$out/rec" 2> /dev/null |
	drawn curve 'memory_max (MiB)' 'vm_swappiness 0' 'vm_swappiness 100'
[ "$(grep -c '<g id="gnuplot_plot_' "$out/curve.svg")" = 2 ] || fail "curve of two parameters: expected 2 lines"
mm-reclaim --sweep=vm.swappiness=0..100:2 --sweep=swap=1M..2M:2 --memory-max=512K -t curve "$out/rec" 2> /dev/null |
	drawn curve 'Cost of vm_swappiness' 'swap 1 MiB' 'swap 2 MiB'
mm-reclaim --memory-max=640K --swap=64M -t lru --every=50000ev "$out/rec" 2> /dev/null |
	drawn lru 'LRU lists of /workload' inactive_anon active_file
mm-reclaim --memory-max=640K --swap=64M -S lru_gen=7 -t lru --every=50000ev "$out/rec" 2> /dev/null | drawn lru anon file
mm-iomem "$top/tests/data/pc-4g.iomem" -t regions | drawn memory-map 'Physical address space' mmio kernel
zcat "$top/tests/data/manual/kmem.txt.gz" | mm-buddy -t frag --every=200ev 2> /dev/null | drawn fragmentation 'zone Normal' 'order 10'
mm-reclaim --memory-max=640K --swap=64M "$out/rec" 2> /dev/null | mm-vmstat --csv --every=50000ev - 2> /dev/null |
	drawn vmstat 'The simulated machine' 'major faults'
mm-vmstat --csv --sysroot="$top/tests/data/proc-old" | drawn vmstat vmstat 'I/O wait'

# a picture follows its data: the curve of another limit is another picture, the same again is the same
for to in 2M 4M 2M; do
	mm-reclaim --sweep=memory-max=256K..$to:3 --swap=64M -t curve "$out/rec" 2> /dev/null |
		gnuplot -c "$top/plots/curve.gp" "$out/c.$to.svg"
	cksum < "$out/c.$to.svg" >> "$out/sums"
done
[ "$(sed -n 1p "$out/sums")" = "$(sed -n 3p "$out/sums")" ] && [ "$(sed -n 1p "$out/sums")" != "$(sed -n 2p "$out/sums")" ] ||
	fail "curve: pictures of 2M 4M 2M: $(cat "$out/sums")"

for plot in curve lru fragmentation memory-map vmstat; do
	for bad in 'a,b' 'a,b\n1,2' ''; do
		printf "$bad\n" | gnuplot -c "$top/plots/$plot.gp" "$out/bad.svg" 2> "$out/err" && fail "$plot: '$bad' was drawn"
		grep -q expected "$out/err" || fail "$plot: '$bad': no word of what was expected: $(cat "$out/err")"
	done
done
mm-iomem "$top/tests/data/pc-4g.iomem" -t regions | gnuplot -c "$top/plots/memory-map.gp" "$out/map.png" &&
	head -c 4 "$out/map.png" | od -An -tx1 | grep -q '89 50 4e 47' || fail "memory-map: expected a PNG"
[ ! -e "$out/failed" ]
