#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The program of libmm(3), taken out of the manual, compiled against the headers, linked with the library, and run:
# its counters are those that mm-reclaim prints for the same recording.
. "${srcdir:-.}/tests/lib.sh"
top=$src out=$tmp
sed -n '/^\.\\" program begins/,/^\.\\" program ends/p' "$top/man/libmm.3" | sed '/^\.\\"/d; s/\\e/\\/g' > "$out/program.c"
[ "$(wc -l < "$out/program.c")" -gt 30 ] || { echo "no program in libmm(3)"; exit 1; }
# shellcheck disable=SC2086
${LIBTOOL:-./libtool} --silent --tag=CC --mode=link ${CC:-cc} ${SANITIZERS:-} -std=c11 -Wall -Wextra -Werror -I"$top/libmm/include" \
	-o "$out/program" \
	"$out/program.c" libmm-tools.la || exit 1
zcat "$top/tests/data/sort.lackey.gz" | head -n 300000 > "$out/rec"
"$out/program" "$out/rec" > "$out/said" || exit 1
counter() { sed -n "s/^$1,//p" "$out/counters"; }
mm-reclaim --memory-max=640K --swap=64M -t counters "$out/rec" > "$out/counters" 2> /dev/null
expected="faults $(counter pgfault), of them with I/O $(counter pgmajfault); pages swapped out $(counter pswpout)"
[ "$(cat "$out/said")" = "$expected" ] || { echo "expected '$expected', the program said '$(cat "$out/said")'"; exit 1; }
[ "$(counter pgmajfault)" -gt 0 ] || { echo "nothing was counted"; exit 1; }
"$out/program" /nonexistent 2> "$out/err" && { echo "a file that is not there was read"; exit 1; }
grep -q nonexistent "$out/err" || { echo "no word of the file: $(cat "$out/err")"; exit 1; }
