#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a real Linux 6.6 said about the calls and stores of a trace, key by key (tests/data/lab/README).
. "${srcdir:-.}/tests/lib.sh"

fault() { mm-fault --csv --every=mark "${opt[@]}" "$@" "$trace" || fail "mm-fault $*"; }

for trace in "$src"/tests/data/lab/*.trace.csv; do
	case=${trace%.trace.csv}
	opt=(-S thp=always)
	[ -f "$case.options" ] && read -ra opt < "$case.options"
	opt+=(-S read_ahead_wait=1)		# after each row the guest waited until its disks were idle
	has() { grep -q "^[^,]*,$1:" "$case.kernel.csv"; }
	{
		! has faults || fault -t faults -o pid,minflt,majflt,segv,sigbus | awk -F, -v OFS=, '
			NR == 1 { for (i = 1; i <= NF; i++) name[i] = $i; next }
			{ for (i = 3; i <= NF; i++) print $1, "faults:" $2 ":" name[i], $i }'
		! has ksm || fault -t ksm | awk -F, -v OFS=, 'NR > 1 { print $1, "ksm:" ($2 == "" ? "" : $2 ":") $3, $4 }'
		! has vmstat || fault -t counters | awk -F, -v OFS=, 'NR > 1 { print $1, "vmstat:" $2, $3 }'
		! has status || fault -t status | awk -F, -v OFS=, 'NR == 1 { for (i = 1; i <= NF; i++) name[i] = $i; next }
			{ for (i = 1; i <= NF; i++) if (name[i] ~ /_bytes$/) print $1, "status:" $2 ":" name[i], $i }'
		! has pagemap || fault -t pagemap -n -o pid,start,end,present,swapped,file,uffd_wp,exclusive,soft_dirty | awk -F, -v OFS=, '
			function hex(s, i, v) {
				for (i = 3; i <= length(s); i++) v = v * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1
				return v }
			FNR == NR {
				if (split($2, w, ":") == 3 && w[1] == "pagemap" && !($2 in at)) { at[$2] = hex(w[3]); pid[$2] = w[2] }
				next }
			{ from = hex($3); to = hex($4); for (k in at) if (pid[k] == $2 && at[k] >= from && at[k] < to)
				print $1, k, $5 * 256 + $6 * 128 + $7 * 64 + $8 * 4 + $9 * 2 + $10 }' "$case.kernel.csv" -
		! has meminfo || fault -t hugetlb -n | awk -F, -v OFS=, '$2 == 2097152 && !$3 {
			print $1, "meminfo:HugePages_Total", $4; print $1, "meminfo:HugePages_Free", $5
			print $1, "meminfo:HugePages_Rsvd", $6; print $1, "meminfo:HugePages_Surp", $7 }'
		! has flags || fault -t smaps -o pid,start,vm_flags | awk -F, -v OFS=, 'NR > 1 { n = split($4, w, " ")
			for (i = 1; i <= n; i++) print $1, "flags:" $2 ":" $3 ":" w[i], 1 }'
		fault -t smaps | awk -F, -v OFS=, 'NR == 1 { for (i = 1; i <= NF; i++) name[i] = $i; next }
			{ for (i = 1; i <= NF; i++) if (name[i] ~ /_bytes$|^protection_key$/)
				print $1, "smaps:" $2 ":" $3 ":" name[i], $i }'
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
			if (k ~ /^smaps:.*_bytes$/ ? int(m / 1024) * 1024 != now[k] + 0 : m + 0 != now[k] + 0) {
				if (bad++ < 10) print "FAIL: " what " at " step[i] ": " k ": the kernel said " now[k] + 0 ", found " m
			}
		}
		if (!n) { print "FAIL: nothing compared in " what; exit 1 }
		exit bad != 0
	}' "$tmp/model" "$case.kernel.csv" || failed=1
done
exit $failed
