#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Nodes that a cgroup lets its tasks have (cpuset.mems). Expected results follow update_nodemasks_hier(), update_tasks_nodemask() and
# cpuset_attach() in kernel/cgroup/cpuset.c, mpol_set_nodemask() and mpol_rebind_policy() in mm/mempolicy.c, cpuset_node_allowed() and
# constrained_alloc() of Linux 6.6.
. "${srcdir:-.}/tests/lib.sh"
cd "$tmp" || exit 99

A=0x100000000000 P='PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED'
# two nodes of 512 MiB and four CPUs, the first two of node 0
machine=(,,region,0x1000,650240,ram,System\ RAM,,,0 ,,region,0x100000,535822336,ram,System\ RAM,,,0 \
	,,region,0x20000000,536715264,ram,System\ RAM,,,1 ,,cpus,,,,,,,4)
rows() { echo cpu,pid,event,addr,size,flags,name,offset,size2,result; for row; do printf '%s,,,,,,,,,\n' "$row" | cut -d, -f1-10; done; }
# told WHY RESULTS MAPS ROW...: results of the calls; policy and pages of each mapping on the nodes
told() {
	local why=$1 results=$2 maps=$3
	shift 3
	rows "${machine[@]}" "$@" > in.csv
	same "$why: results" "$results" "$(mm-fault --csv --check -S thp=never in.csv 2> err | awk -F, '
		NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
		$c["by"] == "" && $c["event"] !~ /region|cpus|sysctl|fork|mark|cgroup|mmap|store/ { print $c["result"] }' | paste -sd' ')"
	same "$why: mappings" "$maps" \
		"$(mm-fault --csv -n -t numa_maps -o policy,node_pages -S thp=never in.csv 2> err | tr ',' ' ' | paste -sd';')"
}
mems() { echo ",,cgroup,,,cpuset.mems,$1,,,$2"; }		# CGROUP NODES
join() { echo "0,$1,cgroup,,,,$2"; }			# TASK CGROUP
map="0,1,mmap,$A,16384,$P"

# Pages of who is allowed node 1 alone come from there, wherever the CPU is; a child is allowed no more.
told "bound" "nodes:1" "default 0|4" "$(mems /a 1)" "$(join 1 /a)" "$map" "0,1,store,$A,16384" 0,1,get_mempolicy,,,MPOL_F_MEMS_ALLOWED
told "a child" "" "default 0|0;default 0|4" "$(mems /a 1)" "$(join 1 /a)" "$map" 0,1,fork,,,,,,,2 "0,2,store,$A,16384"
# A cgroup has of its parent's nodes what it asks for, and all of those if it asks for nothing, or for none of them.
told "below" "nodes:1" "" "$(mems /a 1)" "$(join 1 /a/b)" 0,1,get_mempolicy,,,MPOL_F_MEMS_ALLOWED
told "below, others" "nodes:1" "" "$(mems /a 1)" "$(mems /a/b 0)" "$(join 1 /a/b)" 0,1,get_mempolicy,,,MPOL_F_MEMS_ALLOWED
told "below, all again" "nodes:1 nodes:0-1" "" "$(mems /a 1)" "$(join 1 /a/b)" 0,1,get_mempolicy,,,MPOL_F_MEMS_ALLOWED \
	',,cgroup,,,cpuset.mems,/a,,,nodes:0-1' \
	0,1,get_mempolicy,,,MPOL_F_MEMS_ALLOWED
# Policies get what is left of their nodes, or count among the allowed ones.
told "policies" "EINVAL 0 bind:1 0 bind=static:0-1 0 interleave=relative:0 0 prefer:1 EINVAL" "" "$(mems /a 1)" \
	"$(join 1 /a)" 0,1,set_mempolicy,,,MPOL_BIND,0 \
	0,1,set_mempolicy,,,MPOL_BIND,0-1 0,1,get_mempolicy '0,1,set_mempolicy,,,MPOL_BIND|MPOL_F_STATIC_NODES,0-1' 0,1,get_mempolicy \
	'0,1,set_mempolicy,,,MPOL_INTERLEAVE|MPOL_F_RELATIVE_NODES,0' 0,1,get_mempolicy \
	'0,1,set_mempolicy,,,MPOL_PREFERRED,0-1' 0,1,get_mempolicy \
	'0,1,set_mempolicy,,,MPOL_PREFERRED,0'
told "moves" "EACCES EINVAL" "default 0|4" "$(mems /a 1)" "$(join 1 /a)" "$map" "0,1,store,$A,16384" \
	"0,1,move_pages,$A,,MPOL_MF_MOVE,,0" 0,1,migrate_pages,,,,1:0

# The nodes change from both to node 0: the place among them says what a node becomes; MPOL_F_STATIC_NODES gets what it asked for, or all
# when that is nothing; MPOL_F_RELATIVE_NODES counts anew; a preferred node stays. Pages move.
each() {	# each MODE NODES: the policy of a mapping with one page on each node, all nodes allowed, then node 0, then node 1
	told "$1" "" "$3 1|1" "$(mems /a nodes:0-1)" "$(join 1 /a)" "0,1,mmap,$A,8192,$P" "0,1,store,$A,1" 2,1,store,0x100000001000,1 \
		"0,1,mbind,$A,8192,$1,$2,,,0"
	told "$1 on node 0" "" "$4 2|0" "$(mems /a nodes:0-1)" "$(join 1 /a)" "0,1,mmap,$A,8192,$P" \
		"0,1,store,$A,1" 2,1,store,0x100000001000,1 "0,1,mbind,$A,8192,$1,$2" "$(mems /a 0)"
	told "$1 on node 1" "" "$5 0|2" "$(mems /a nodes:0-1)" "$(join 1 /a)" "0,1,mmap,$A,8192,$P" \
		"0,1,store,$A,1" 2,1,store,0x100000001000,1 "0,1,mbind,$A,8192,$1,$2" "$(mems /a 0)" "$(mems /a 1)"
}
told() {
	local why=$1 maps=$3
	shift 3
	rows "${machine[@]}" "$@" > in.csv
	same "$why" "$maps" \
		"$(mm-fault --csv --check -n -t numa_maps -o policy,node_pages -S thp=never in.csv 2> err | tr ',' ' ' | paste -sd';')"
}
each MPOL_BIND 1 bind:1 bind:0 bind:1
each MPOL_INTERLEAVE 0-1 interleave:0-1 interleave:0 interleave:1
each 'MPOL_BIND|MPOL_F_STATIC_NODES' 1 bind=static:1 bind=static:0 bind=static:1
each 'MPOL_BIND|MPOL_F_RELATIVE_NODES' 1 bind=relative:1 bind=relative:0 bind=relative:1
each MPOL_PREFERRED 1 prefer:1 prefer:1 prefer:1
# a task that comes to a cgroup brings its pages along
told "who joins" "" "default 0|4" "$(mems /a 1)" "$map" "0,1,store,$A,16384" "$(join 1 /a)"
told "who leaves" "" "default 0|4" "$(mems /a 1)" "$(join 1 /a)" "$map" "0,1,store,$A,16384" "$(join 1 /b)"

# Node 1 is 48 MiB. Who is allowed it alone fills it, while node 0 has room: that one dies, not who has more and is allowed node 0 alone;
# who is allowed both may die for it. Points are counted against node 1.
machine=(,,region,0x1000,650240,ram,System\ RAM,,,0 ,,region,0x100000,133169152,ram,System\ RAM,,,0 \
	,,region,0x8000000,50331648,ram,System\ RAM,,,1)
oom() {	# CGROUP of the large one
	rows "${machine[@]}" "$(mems /a/one 1)" "$(mems /b 0)" "$(join 11 "$1")" "0,11,mmap,$A,62914560,$P" "0,11,store,$A,62914560" \
		"$(join 12 /a/one)" \
		"0,12,mmap,$A,62914560,$P" "0,12,store,$A,62914560" > oom.csv
	mm-reclaim --csv -n --oom-report=log -S thp=never -o event,pid oom.csv 2> err | sed -n 's/^oom_kill,//p' | paste -sd' '
}
same "allowed other nodes" 12 "$(oom /b)"
same "its line" \
	"oom-kill:constraint=CONSTRAINT_CPUSET,nodemask=(null),cpuset=one,mems_allowed=1,global_oom,task_memcg=/a/one,task=,pid=12,uid=0" \
	"$(grep -o 'oom-kill:.*' log | sed 's/task=[^,]*/task=/')"
same "nodes and tasks shown" "0 1 12" \
	"$({ grep -c '\] Node 0 active_anon' log; grep -c '\] Node 1 active_anon' log
		sed -n '/\[  pid  \]/,/oom-kill:/s/.*\] *\[ *\([0-9]*\)\].*/\1/p' log; } | paste -sd' ')"
same "allowed both" 11 "$(oom /c | cut -d' ' -f1)"
# A captured machine's tasks have the nodes of their cgroups, or those that status tells.
root=$tmp/captured
mkdir -p "$root/proc/5" "$root/proc/6" "$root/sys/devices/system/node" "$root/sys/fs/cgroup/a"
cp -r "$data/boots/distances/." "$root/sys/devices/system/node/"
mv "$root/sys/devices/system/node/zoneinfo" "$root/proc/"
echo 1 > "$root/sys/fs/cgroup/a/cpuset.mems"
echo 0::/a > "$root/proc/5/cgroup"
printf 'Name:\tx\nMems_allowed:\t00000000,00000006\nMems_allowed_list:\t1-2\n' > "$root/proc/6/status"
for pid in 5 6 7; do
	rows "0,$pid,get_mempolicy,,,MPOL_F_MEMS_ALLOWED" | mm-fault --csv -M "$root" -o event,result 2> err | sed -n 's/^get_mempolicy,//p'
done > found
same "captured tasks" "nodes:1 nodes:1-2 nodes:0-3" "$(paste -sd' ' < found)"
for row in "$(mems /a 2)" "$(mems /a x)" "$(mems / 1)"; do
	rows "${machine[@]}" 0,1,mmap,"$A,4096,$P" "$row" > bad.csv
	fails 1 'bad.csv:6: cgroup: ' mm-fault --csv bad.csv
done
exit $failed
