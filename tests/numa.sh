#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Memory policies, numa_maps and hint faults against a real Linux 6.6 with two nodes (tests/data/numa/README).
. "${srcdir:-.}/tests/lib.sh"

check=--check
[ -z "${MM_RUN-}" ] || check=		# a machine that is checked after every row takes a quarter of an hour behind valgrind
fault() { mm-fault --csv $check "${opt[@]}" "$@" || fail "mm-fault $*"; }

# awk: the fields of a CSV line, f[1] ..., with their quotes
csv='function csv(line, f, n) {
	delete f
	for (n = 1; line != ""; n++) {
		if (match(line, /^"[^"]*"/) || match(line, /^[^,]*/)) f[n] = substr(line, 1, RLENGTH)
		line = substr(line, RLENGTH + 2)
	}
}
{ sub(/\r$/, ""); csv($0, f) }
FNR == 1 { for (i in col) delete col[i]; for (i in f) col[f[i]] = i }
'

# the results of the rows that ask the kernel, "row,result"
answers() {
	awk "$csv"'NR == 1 || ("by" in col && f[col["by"]] != "") { next }
		f[col["event"]] ~ /^(mbind|[gs]et_mempolicy|move_pages|set_mempolicy_home_node)$/ {
		print ++n "," f[col["event"]] "," f[col["result"]] }' "$1"
}

# what numa_maps prints of a row of the table
numa_maps_text() {
	awk -v OFS=, "$csv"'
		function word(name, n, always) { if (n + 0 || always) text = text " " name "=" n }
		NR > 1 && length(f[col["start"]]) == 14 {
			text = f[col["policy"]]; gsub(/"/, "", text)
			pages = 0 + f[col["pages"]]; anon = 0 + f[col["anon_pages"]]
			dirty = 0 + f[col["dirty_pages"]]; active = 0 + f[col["active_pages"]]
			if (pages) {
				word("anon", anon); word("dirty", dirty)
				if (pages != anon && pages != dirty) word("mapped", pages)
				if (0 + f[col["mapmax"]] > 1) word("mapmax", 0 + f[col["mapmax"]])
				word("swapcache", 0 + f[col["swapcache_pages"]])
				if (active < pages) word("active", active, 1)
				word("writeback", 0 + f[col["writeback_pages"]])
				n = split(f[col["node_pages"]], node, "|")
				for (i = 1; i <= n; i++) word("N" i - 1, node[i])
				word("kernelpagesize_kB", f[col["kernel_page_size_bytes"]] / 1024)
			}
			print f[col["mark"]], f[col["pid"]], f[col["start"]], text
		}' "$1"
}

for trace in "$src"/tests/data/numa/*.trace.csv; do
	case=${trace%.trace.csv} name=$(basename "${trace%.trace.csv}")
	read -ra opt < "$case.options"
	# predicted: the answers are taken out of the trace
	awk "$csv"'NR > 1 && f[col["event"]] !~ /^(region|cpus|sysctl|fork)$/ && f[col["result"]] != "" {
		$0 = substr($0, 1, length($0) - length(f[col["result"]])) } { print }' "$trace" > "$tmp/asked.csv"
	fault "$tmp/asked.csv" > "$tmp/told.csv"
	answers "$trace" > "$tmp/expected"; answers "$tmp/told.csv" > "$tmp/got"
	[ -s "$tmp/expected" ] || fail "$name: no answers"
	cmp -s "$tmp/expected" "$tmp/got" || fail "$name: $(diff "$tmp/expected" "$tmp/got" | head -6)"
	# compared: the recording agrees with the model
	[ "$(fault -t mismatches "$trace" | wc -l)" = 1 ] || fail "$name: mismatches"
	fault --every=mark -t numa_maps "$tmp/asked.csv" > "$tmp/maps.csv"
	numa_maps_text "$tmp/maps.csv" > "$tmp/texts"
	# a step without lines of its own is as the one before
	awk -F, -v name="$name" '
		FNR == NR { key = $1; sub(/^[^,]*,/, ""); got[key] = got[key] $0 "\n"; next }
		FNR == 1 { next }
		{ key = $1; if (!(key in want)) step[++n] = key; gsub(/"/, ""); sub(/^[^,]*,/, ""); want[key] = want[key] $0 "\n" }
		END {
			for (i = 1; i <= n; i++) if (want[step[i]] != got[step[i]]) {
				print "FAIL: " name " at " step[i] ": numa_maps was\n" want[step[i]] "found\n" got[step[i]]; exit 1
			}
			exit !n
		}' "$tmp/texts" "$case.numa_maps.csv" || failed=1
done
# strace's form of the calls: masks are lists, one row a page of move_pages, "?" a mask at a bad address
opt=()
fault "$src/tests/data/numa/calls.strace" 2>/dev/null | awk "$csv"'NR > 1 && f[col["by"]] == "" && f[col["event"]] != "mmap" {
	printf "%s,%s,%s,", f[col["event"]], f[col["size"]], f[col["flags"]]
	print f[col["name"]] "," f[col["offset"]] "," f[col["size2"]] "," f[col["result"]] }' > "$tmp/got"
cat > "$tmp/expected" << 'END'
set_mempolicy,,MPOL_INTERLEAVE|MPOL_F_STATIC_NODES,0,,65,0
set_mempolicy,,MPOL_BIND,?,,65,EFAULT
set_mempolicy,,MPOL_DEFAULT,,,0,0
mbind,8192,MPOL_BIND|MPOL_MF_STRICT|MPOL_MF_MOVE,0,,129,0
mbind,4096,MPOL_PREFERRED|MPOL_F_RELATIVE_NODES|0x10,0,,64,EINVAL
get_mempolicy,,MPOL_F_ADDR,,,,bind:0
get_mempolicy,,,,,,default
get_mempolicy,,MPOL_F_NODE|MPOL_F_ADDR,,,,0
migrate_pages,,,0:0,,65,0
move_pages,,MPOL_MF_MOVE,,0x0,,0
move_pages,,MPOL_MF_MOVE,,0x0,,ENOENT
move_pages,,MPOL_MF_MOVE,,0x0,,EFAULT
move_pages,,,,,,0
move_pages,,,,,,ENOENT
move_pages,,,,,,EFAULT
set_mempolicy_home_node,4096,0,,0x0,,0
set_mempolicy,,0x4d,0,,65,EINVAL
END
cmp -s "$tmp/expected" "$tmp/got" || fail "calls.strace: $(diff "$tmp/expected" "$tmp/got" | head -6)"

# What 512 pages become lies where most of them lay, or, of as many on both nodes, on the first; wherever the call or khugepaged runs
# (hpage_collapse_find_target_node()).
A=0x100000000000
collapsed() {	# PAGES of CPU 0, the others of CPU 2; ROW
	printf '%s\n' cpu,pid,event,addr,size,flags,name,result ,,region,0x1000,650240,ram,System\ RAM,0 \
		,,region,0x100000,535822336,ram,System\ RAM,0 \
		,,region,0x20000000,536715264,ram,System\ RAM,1 ,,cpus,,,,,4 ,1,file,,2097152,O_RDWR,/memfd:x, \
		"0,1,mmap,$A,2097152,$3|PROT_READ|PROT_WRITE|MAP_FIXED,$4," \
		"0,1,store,$A,$(($1 * 4096)),,," "2,1,store,$(printf '0x%x' $((A + $1 * 4096))),$(((512 - $1) * 4096)),,," \
		"0,1,madvise,$A,2097152,MADV_HUGEPAGE,," "$2" "0,1,load,$A,1,,," |
		mm-fault --csv --check -n -S thp=madvise -S shmem_enabled=advise -t numa_maps -o node_pages
}
for what in 'MAP_PRIVATE|MAP_ANONYMOUS ' 'MAP_SHARED /memfd:x'; do
	same "collapsed, $what" "0|512 512|0 512|0" \
		"$(for n in 200 256 300; do collapsed $n "0,1,madvise,$A,2097152,MADV_COLLAPSE,," "${what% *}" "${what#* }"; done |
		paste -sd' ')"
	same "by khugepaged, $what" "0|512 512|0 512|0" \
		"$(for n in 200 256 300; do collapsed $n "0,1,khugepaged_scan,,,,," "${what% *}" "${what#* }"; done | paste -sd' ')"
done

# bad rows: one line, with the row's place
bad() {
	printf 'pid,event,addr,size,flags,name,result\n1,%s,0x1000,4096,MPOL_BIND,%s,\n' "$1" "$2" > "$tmp/bad.csv"
	mm-fault --csv "$tmp/bad.csv" > /dev/null 2> "$tmp/err" && fail "$1 of nodes '$2' was taken"
	[ "$(wc -l < "$tmp/err")" = 1 ] && grep -q 'bad.csv:2: .*expected nodes' "$tmp/err" || fail "$1 $2: $(cat "$tmp/err")"
}
bad mbind x
bad mbind 3-1
bad set_mempolicy 1-
bad migrate_pages 0:-
bad set_mempolicy 99999999999

# A call has as many rows as pages, however many more than fit in what is read at once; those of the next call follow.
{
	echo '1 mmap(NULL, 40960000, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000'
	for n in 32 3000 32 1; do
		awk -v n=$n 'BEGIN { for (i = 0; i < n; i++) { p = p sprintf("%s0x7f%010x", i ? ", " : "", i * 4096);
			s = s (i ? ", -ENOENT" : "-ENOENT") }
			printf "1 move_pages(0, %d, [%s], NULL, [%s], MPOL_MF_MOVE) = 0\n", n, p, s }'
	done
	echo '1 munmap(0x7f0000000000, 40960000) = 0'
} > "$tmp/pages.strace"
for c in mm-fault mm-vma; do
	$c --csv --from=strace -o event,addr,flags,result -n "$tmp/pages.strace" 2> "$tmp/err" |
		grep -E '^(move_pages|munmap)' > "$tmp/out" || fail "$c: pages of move_pages: $(cat "$tmp/err")"
	same "pages of move_pages, $c" \
		"$({ for n in 32 3000 32 1; do awk -v n=$n \
		'BEGIN { for (i = 0; i < n; i++) printf "move_pages,0x7f%010x,MPOL_MF_MOVE,ENOENT\n", i * 4096 }'; done
		echo munmap,0x7f0000000000,,0; } | md5sum)" "$(md5sum < "$tmp/out")"
done
exit $failed
