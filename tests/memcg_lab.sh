#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Files of memory cgroups that compete are within the run-to-run spread of a real Linux 6.6 (tests/data/memcg/README).
. "${srcdir:-.}/tests/lib.sh"
dir=$src/tests/data/memcg

# CASE VARIANT OPTION...: a value may be as far from the smallest and the largest run as half their distance, 2 %, or 10
# (pages, where it is bytes)
lab() {
	local trace=$dir/$1.trace.csv kernel=$dir/$1$2.kernel.csv
	awk -F, -v OFS=, '$2 != "reads" { print; next }
		{ for (at = $7; at < $7 + $4; at += 4096) print $1, "read", "", 4096, "", $6, at, "" }' \
		"$trace" > "$tmp/trace.csv"
	mm-reclaim --csv --ram=320M --swap=262140K -S vm.page-cluster=0 -S thp=never -S read_ahead_kb=128 -t memory_files \
		"${@:3}" "$tmp/trace.csv" > "$tmp/model" 2> "$tmp/err" || { fail "$1$2: $(cat "$tmp/err")"; return; }
	awk -F, -v case="$1$2" '
		FNR == 1 { file++; next }
		file == 1 { model[$1, $2, $3] = $4; next }
		{
			n++
			s = ($5 - $4) / 2
			if (s < $5 * 0.02) s = $5 * 0.02
			least = $3 !~ /^pg/ && $5 >= 4096 && $4 % 4096 == 0 && $5 % 4096 == 0 ? 40960 : 10
			if (s < least) s = least
			v = model[$1, $2, $3]
			if (v == "" || v < $4 - s || v > $5 + s) {
				print "FAIL: " case ": " $1 " " $2 " " $3 ": the kernel had " $4 " to " $5 ", found " v
				bad = 1
			}
		}
		END { exit bad || !n }' "$tmp/model" "$kernel" || failed=1
}

# An address space that has not run since the last walk of MGLRU is left out by the next; who reclaims is walked each time
# only when others run too.
lab mindeep -mglru -S lru_gen=1
lab mindeep -mglru-alone -S lru_gen=1 -S lru_gen.switched=0
lab low2 -mglru-alone -S lru_gen=1 -S lru_gen.switched=0
# What a cgroup held that was removed goes first: 32 pages of each list at any priority.
lab offline -alone
lab offfile -alone
# memory.high with and without something to reclaim; kernel memory: tables of PTEs and PMDs, nodes of files' trees as far as counters know.
lab highthr ""
lab highfile -alone
lab filews -alone
lab filews -mglru-alone -S lru_gen=1 -S lru_gen.switched=0
# memory.reclaim of the root
lab rootrec -alone
# Page tables are uncharged past the stock of the CPU.
lab dontneed -mglru -S lru_gen=1

# Who is killed, and how far a program came that is one of them.
lab minoom -alone
lab oomadj -alone
lab oomgroup2 -alone

# Two of 6 MiB are equal, a third asks for 5 more within 16: Linux 6.6.87 in that guest killed the one of the later cgroup, of one cgroup
# that which joined it later, whatever their pids; with memory.oom.group then the others, cgroup by cgroup.
tie() {	# GROUP CGROUP_OF_FIRST CGROUP_OF_SECOND PID_OF_FIRST: who dies, in order
	local second=$((2001 - $4))
	mm-reclaim --ram=320M --swap=0 -S thp=never - > "$tmp/out" 2> "$tmp/err" <<END
pid,event,addr,size,flags,name,result
,cgroup,,,memory.max,/p/a,max
,cgroup,,,memory.max,/p/b,max
,cgroup,,,memory.max,/p,16777216
,cgroup,,,memory.oom.group,/p,$1
1000,exec,,,AUTOMAP,m,
1001,exec,,,AUTOMAP,m,
1002,exec,,,AUTOMAP,m,
$4,cgroup,,,,$2,
$second,cgroup,,,,$3,
1002,cgroup,,,,/p/a,
1000,store,0x100000000000,6291456,,,
1001,store,0x100000000000,6291456,,,
1002,store,0x100000000000,5242880,,,
END
	awk -F, '$2 == "oom_kill" { print $1 }' "$tmp/out" | paste -sd' '
}
same "of the later cgroup" 1000 "$(tie 0 /p/b /p/a 1000)"
same "of the later cgroup, which is the second's" 1001 "$(tie 0 /p/a /p/b 1000)"
same "who joined later" 1000 "$(tie 0 /p/a /p/a 1001)"
same "who joined later, which is the second" 1001 "$(tie 0 /p/a /p/a 1000)"
same "all of them" "1000 1001 1002" "$(tie 1 /p/b /p/a 1000)"

# Who dies with the worst of a cgroup comes in the order in which they joined it (css_task_iter), whatever their pids.
mm-reclaim --ram=320M --swap=0 -S thp=never - > "$tmp/out" 2> "$tmp/err" <<END
pid,event,addr,size,flags,name,result
,cgroup,,,memory.max,/p,16777216
,cgroup,,,memory.oom.group,/p,1
1000,exec,,,AUTOMAP,m,
1001,exec,,,AUTOMAP,m,
1002,exec,,,AUTOMAP,m,
1001,cgroup,,,,/p,
1000,cgroup,,,,/p,
1002,cgroup,,,,/p,
1000,store,0x100000000000,1048576,,,
1001,store,0x100000000000,1048576,,,
1002,store,0x100000000000,16777216,,,
END
same "a group, as they joined it" "1002 1001 1000" "$(awk -F, '$2 == "oom_kill" { print $1 }' "$tmp/out" | paste -sd' ')"

# What children do not claim of a parent's protection is theirs only where cgroup2 is mounted with memory_recursiveprot.
lab rec1 -alone -S cgroup.memory_recursiveprot=1
lab rec1 -mglru-alone -S lru_gen=1 -S lru_gen.switched=0 -S cgroup.memory_recursiveprot=1

# A captured machine has it as its proc/mounts says, the command line wins.
mkdir -p "$tmp/cap"
cp -r "$src/tests/data/reclaim/cgroups/proc" "$tmp/cap"
chmod -R u+w "$tmp/cap"
echo pid,event > "$tmp/nothing.csv"
mounted() {	# OPTIONS [OPTION...]: what the trace says of it
	printf 'proc /proc proc rw,memory_recursiveprot 0 0\ncgroup2 /sys/fs/cgroup cgroup2 %s 0 0\n' "$1" > "$tmp/cap/proc/mounts"
	mm-reclaim -M "$tmp/cap" "${@:2}" "$tmp/nothing.csv" 2> "$tmp/err" | sed -n 's/.*cgroup.memory_recursiveprot,\([01]\),.*/\1/p'
}
same "mounted with it" 1 "$(mounted rw,nosuid,nsdelegate,memory_recursiveprot)"
same "mounted without" "" "$(mounted rw,nsdelegate)"
same "mounted with it, but" 0 "$(mounted rw,memory_recursiveprot -S cgroup.memory_recursiveprot=0)"
exit $failed
