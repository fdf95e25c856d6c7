#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs at the same time share nothing; a run that is killed at any moment leaves its input and the file that it was to write as they were.
. "${srcdir:-.}/tests/lib.sh"
cd "$tmp" || exit 99
zcat "$data/sort.lackey.gz" | head -n 200000 > rec
sum=$(cksum < rec)

# run N: one of four commands
run() {
	case $(($1 % 4)) in
	0) mm-fault --csv -t faults rec ;;
	1) mm-reclaim --csv --memory-max=512K --swap=64M -t summary rec ;;
	2) mm-vma --csv -t maps rec ;;
	3) mm-reclaim --csv --sweep=memory-max=256K..1M:2 --swap=64M rec ;;
	esac 2>&1
}
for i in 0 1 2 3; do run $i > "alone.$i"; done
for i in 0 1 2 3 4 5 6 7; do run $i > "together.$i" & done
wait
for i in 0 1 2 3 4 5 6 7; do
	cmp -s "alone.$((i % 4))" "together.$i" ||
		fail "run $i differs from the one alone: $(diff "alone.$((i % 4))" "together.$i" | head -n 3)"
done

# killed after 0 to 0.19 s, then at its end: the report is the old one or all of the new one
report() { exec mm-reclaim --ram=128M --oom-report=report -t summary "$data/manual/hog.csv" > out 2> err; }
(report)
cp report whole
[ -s whole ] || fail "no report: $(cat err)"
old=0 new=0
for i in $(seq 0 19) end; do
	echo old > report
	report & pid=$!		# which becomes the command
	[ $i = end ] || { sleep "0.$(printf %02d "$i")" && kill -9 $pid 2> /dev/null; }
	wait $pid 2> /dev/null
	if [ "$(cat report)" = old ]; then
		old=$((old + 1))
	elif cmp -s report whole; then
		new=$((new + 1))
	else
		fail "killed at 0.0$i s: neither the old report nor the new one, but $(wc -c < report) bytes"
	fi
done
[ $old -gt 0 ] && [ $new -gt 0 ] || fail "killed before the end $old times, after it $new times"
# a command cannot remove what it began when it is killed; the next run does not trip over it
(report)
cmp -s report whole || fail "after a killed run: $(cat err)"
same "input" "$sum" "$(cksum < rec)"
exit $failed
