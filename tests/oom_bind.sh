#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Memory that runs out on the nodes that a task is bound to: who is spared, what points are measured against, what the log says.
. "${srcdir:-.}/tests/lib.sh"
cd "$tmp" || exit 99

# Node 0 is 632 KiB and 63 MiB, 158 + 16128 = 16286 pages; node 1 is 192 MiB, 49152 pages.
head='time_s,pid,event,addr,size,flags,name,offset,result
,,region,0x1000,647168,ram,System RAM,,0
,,region,0x100000,66060288,ram,System RAM,,0
,,region,0x4000000,201326592,ram,System RAM,,1'
trace() { { echo "$head"; cat; } > "$1"; }
run() {		# ARGUMENTS: killed tasks as "pid:points ..."
	mm-reclaim --oom-report=log -S thp=never -o event,pid,result -n "$@" 2> err | awk -F, '$1 == "oom_kill" { print $2 ":" $3 }' |
		paste -sd' '
}
read_back() { mm-reclaim --explain-oom=log -t oom -o victim,pid,points -n | awk -F, '$1 { print $2 ":" $3 }' | paste -sd' '; }
line() { grep -o "oom-kill:.*" log | head -1; }
listed() { sed -n '/\[  pid  \]/,/oom-kill:/s/.*\] *\[ *\([0-9]*\)\].*/\1/p' log | paste -sd' '; }

# large has 100 MiB of node 1 and is bound to it, small 12 MiB of node 0; eat wants 80 MiB of node 0
trace bound.csv <<'END'
0.1,10,exec,,,AUTOMAP,large,,
0.2,10,set_mempolicy,,,MPOL_BIND,1,,
0.3,10,store,0x10000000,104857600,,,,
0.4,11,exec,,,AUTOMAP,small,,
0.5,11,set_mempolicy,,,MPOL_BIND,0,,
0.6,11,store,0x10000000,12582912,,,,
0.7,12,exec,,,AUTOMAP,eat,,
0.8,12,set_mempolicy,,,MPOL_BIND,0,,
0.9,12,store,0x10000000,83886080,,,,
END
run bound.csv > killed
same "who is bound to the node dies, not who is larger" 12 "$(cut -d: -f1 killed)"
same "its line" \
	"oom-kill:constraint=CONSTRAINT_MEMORY_POLICY,nodemask=0,cpuset=/,mems_allowed=0-1,global_oom,task_memcg=/,task=eat,pid=12,uid=0" \
	"$(line)"
same "tasks of other nodes are not listed" "11 12" "$(listed)"
same "other nodes are not shown" "yes 0" "$(grep -q '\] Node 0 DMA32 free:' log && echo yes) $(grep -c '\] Node 1 ' log)"
same "the log says the same" "$(cat killed)" "$(read_back)"

# small: 12 MiB are 3072 pages, with 6 + 1 + 1 of page tables. A thousandth of 16286 pages is 16: 3080 + 300 * 16 = 7880, less than eat has;
# of the machine's 65438 it would be 65, and 22580 more than node 0 has at all. 3080 + 900 * 16 = 17480 are more than that too.
adj() { sed "/^0.6/a 0.65,11,oom_score_adj,,,,,,$1" bound.csv > adj.csv; }
adj 300
same "300 thousandths of the node" 12 "$(run adj.csv | cut -d: -f1)"
adj 900
same "900 thousandths of the node" 11:17480 "$(run adj.csv | cut -d' ' -f1)"
same "the log's points" 11:17480 "$(read_back | cut -d' ' -f1)"
# 8 MiB of swap without its first page: 16286 + 2047 = 18333, 3080 + 900 * 18 = 19280, swapped or not
same "900 thousandths of the node and swap" 11:19280 "$(run --swap=8M adj.csv | cut -d' ' -f1)"

# Only the task's own policy counts: large's memory lies on node 1 because its mapping is bound; 25600 pages and 50 + 1 + 1 of tables.
sed -e 's/^0.2,.*/0.2,10,mmap,0x10000000,104857600,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED,,,\n&/' \
    -e 's/0.2,10,set_mempolicy,,/0.2,10,mbind,0x10000000,104857600/' bound.csv > mapping.csv
same "a mapping's policy spares nobody" 10:25652 "$(run mapping.csv | cut -d' ' -f1)"
same "nor does interleaving" 10:25652 \
	"$(sed 's/^0.3,/0.25,10,set_mempolicy,,,MPOL_INTERLEAVE,1,,\n&/' mapping.csv > i.csv; run i.csv | cut -d' ' -f1)"
same "bound to both it is eligible" 10:25652 \
	"$(sed 's/^0.3,/0.25,10,set_mempolicy,,,MPOL_BIND,0-1,,\n&/' mapping.csv > i.csv; run i.csv | cut -d' ' -f1)"

# any thread makes the process eligible; one that has ended has no policy
thread() { sed "s/^0.4,/0.35,10,thread,,,,,,20\n$1&/" bound.csv > thread.csv; }
thread ''
same "a thread inherits the policy" 12 "$(run thread.csv | cut -d: -f1)"
thread '0.36,20,set_mempolicy,,,MPOL_DEFAULT,,,\n'
same "a thread that is not bound" 10:25652 "$(run thread.csv | cut -d' ' -f1)"
thread '0.36,10,exit,,,,,,\n'
same "a leader that has ended" 20:25652 "$(run thread.csv | cut -d' ' -f1)"

# vm.oom_kill_allocating_task takes who asks, unless its own policy says that its death gives nothing back
same "who asks" 12:0 "$(run -S vm.oom_kill_allocating_task=1 adj.csv | cut -d' ' -f1)"
map='0.81,12,mmap,0x10000000,83886080,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED,,,'
sed -e "s/^0.8,.*/0.8,12,set_mempolicy,,,MPOL_BIND,1,,\n$map\n0.82,12,mbind,0x10000000,83886080,MPOL_BIND,0,,/" \
    bound.csv > elsewhere.csv
same "who asks is bound elsewhere" 11:3080 "$(run -S vm.oom_kill_allocating_task=1 elsewhere.csv)"
same "then nobody is left" 1 "$(grep -c 'Kernel panic - not syncing: System is deadlocked on memory' log)"

# not all memory ran out
same "vm.panic_on_oom=1 is not for a policy" 12 "$(run -S vm.panic_on_oom=1 bound.csv | cut -d: -f1)"
same "vm.panic_on_oom=2 is" "" "$(run -S vm.panic_on_oom=2 bound.csv)"
same "it says so" 1 "$(grep -c 'Out of memory: compulsory panic_on_oom is enabled' log)"

# bound to all nodes is not bound: eat wants 320 MiB
sed -e '/^0.8/s/,0,,$/,0-1,,/' -e 's/83886080/335544320/' bound.csv > all.csv
run all.csv > killed
same "all nodes" "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0-1,global_oom" "$(line | cut -d, -f1-5)"
same "all tasks are listed" "10 11 12" "$(listed | cut -d' ' -f1-3)"
exit $failed
