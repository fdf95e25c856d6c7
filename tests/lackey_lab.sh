#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A program's recording under limits beside the program in a real Linux 6.6 under the same (tests/data/lackey/README): how often it waits
# for a page is told within a fifth of the kernel's smallest and largest run. The limits are 480 KiB to 1 MiB, of which the kernel charges
# 24 KiB for inodes and directory entries that a recording does not tell of: so much less is there for the model.
. "${srcdir:-.}/tests/lib.sh"
cd "$tmp" || exit 99
zcat "$data/lackey/sort-empty.lackey.gz" > rec

# compare FILE TENTHS ROWS OPTION...: the ROWS values of a guest in FILE, and the model's with OPTION, TENTHS of them off at most
compare() {
	for limit in $(sed 1d "$1" | cut -d, -f1 | uniq); do
		mm-reclaim --csv --memory-max=$((limit - (24 << 10))) --swap=64M -S thp=never -t summary "${@:4}" rec 2> err |
			awk -F, -v limit="$limit" '/^workingset_refault_/ { refaults += $2 } { print limit "," $0 }
				END { print limit ",refaults," refaults }' || fail "$limit: $(cat err)"
	done > model
	awk -F, -v tenths="$2" -v rows="$3" 'NR == FNR { model[$1, $2] = $3; next }
		FNR > 1 {
			v = model[$1, $2]
			n++
			if (v == "" || v < (1 - tenths / 10) * $3 || v > (1 + tenths / 10) * $4) {
				print "FAIL: " $1 ": " $2 ": the kernel had " $3 " to " $4 ", found " v
				bad = 1
			}
		}
		END { exit bad || n != rows }' model "$1" || fail "${1##*/}"
}
compare "$data/lackey/sort-empty.kernel.csv" 2 21
compare "$data/lackey/sort-empty.mglru.csv" 2 21 -S lru_gen=7
# swap on a synchronous device: fewer runs, within three tenths
compare "$data/lackey/sort-empty.sync.csv" 3 28 -S swap.synchronous=1
# Without a limit: 495 pages of files there, of the program, its loader, the C library and the loader's list of libraries. A recording
# has 5 of a library of valgrind's besides.
pages=$(($(mm-reclaim --csv --memory-max=32M -S thp=never -t memcg -o file_bytes rec 2> err | tail -n 1) / 4096 - 5))
[ $pages -ge 490 ] && [ $pages -le 500 ] || fail "pages of files: the kernel had 495, found $pages"
exit $failed
