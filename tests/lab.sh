#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a real Linux 6.6 said about the calls and stores of a trace, key by key (tests/data/lab/README).
set -u
src=$(cd "${srcdir:-.}" && pwd)
PATH=$PWD:$PATH
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
failed=0

fault() { mm-fault --csv --every=mark "${opt[@]}" "$@" "$trace" || { echo "FAIL: mm-fault $*"; failed=1; }; }

for trace in "$src"/tests/data/lab/*.trace.csv; do
	case=${trace%.trace.csv}
	opt=(-S thp=always)
	[ -f "$case.options" ] && read -ra opt < "$case.options"
	has() { grep -q "^[^,]*,$1:" "$case.kernel.csv"; }
	{
		! has faults || fault -t faults -o pid,minflt,majflt,segv,sigbus | awk -F, -v OFS=, '
			NR == 1 { for (i = 1; i <= NF; i++) name[i] = $i; next }
			{ for (i = 3; i <= NF; i++) print $1, "faults:" $2 ":" name[i], $i }'
		! has ksm || fault -t ksm | awk -F, -v OFS=, 'NR > 1 { print $1, "ksm:" ($2 == "" ? "" : $2 ":") $3, $4 }'
		! has vmstat || fault -t counters | awk -F, -v OFS=, 'NR > 1 { print $1, "vmstat:" $2, $3 }'
		! has status || fault -t status | awk -F, -v OFS=, 'NR == 1 { for (i = 1; i <= NF; i++) name[i] = $i; next }
			{ for (i = 1; i <= NF; i++) if (name[i] ~ /_bytes$/) print $1, "status:" $2 ":" name[i], $i }'
		! has pagemap || fault -t pagemap -n -o pid,start,pages,present,swapped,file,exclusive,soft_dirty,uffd_wp |
			while IFS=, read -r step pid start pages bits; do
				IFS=, read -r p s f x d u <<< "$bits"
				for ((i = 0; i < pages; i++)); do
					printf '%s,pagemap:%d:%#x,%d\n' "$step" "$pid" $((start + 4096 * i)) \
						$((p << 8 | s << 7 | f << 6 | u << 2 | x << 1 | d))
				done
			done
		! has flags || fault -t smaps -o pid,start,vm_flags | awk -F, -v OFS=, 'NR > 1 { n = split($4, w, " ")
			for (i = 1; i <= n; i++) print $1, "flags:" $2 ":" $3 ":" w[i], 1 }'
		fault -t smaps | awk -F, -v OFS=, 'NR == 1 { for (i = 1; i <= NF; i++) name[i] = $i; next }
			{ for (i = 1; i <= NF; i++) if (name[i] ~ /_bytes$/) print $1, "smaps:" $2 ":" $3 ":" name[i], $i }'
	} > "$tmp/model"
	awk -F, -v what="$(basename "$case")" '
	FNR == 1 { file++ }
	file == 1 { model[$1, $2] = $3; next }
	FNR == 1 { next }
	!($1 in seen) { seen[$1] = ++steps; step[steps] = $1 }
	{ change[$1, $2] = $3; keys[$2] = 1 }
	END {
		for (i = 1; i <= steps; i++) for (k in keys) {
			if ((step[i], k) in change) now[k] = change[step[i], k]
			m = model[step[i], k]
			if (k ~ /^vmstat:/) m -= model[step[1], k]
			n++
			if (k ~ /^smaps:/ ? int(m / 1024) * 1024 != now[k] + 0 : m + 0 != now[k] + 0) {
				if (bad++ < 10) print "FAIL: " what " at " step[i] ": " k ": the kernel said " now[k] + 0 ", found " m
			}
		}
		if (!n) { print "FAIL: nothing compared in " what; exit 1 }
		exit bad != 0
	}' "$tmp/model" "$case.kernel.csv" || failed=1
done
exit $failed
