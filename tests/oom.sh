#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Memory that runs out: what the simulated kernel does and logs, and that --explain-oom reads the log back whole.
. "${srcdir:-.}/tests/lib.sh"
cd "$tmp" || exit 99
run() {		# ARGUMENTS: killed tasks as "pid pid"
	mm-reclaim --oom-report=log -o event,pid -n "$@" 2> err | grep ^oom_kill | cut -d, -f2 | paste -sd' '
}
read_back() {	# victims of the log as mm-reclaim understands it
	mm-reclaim --explain-oom=log -t oom -o victim,pid -n "$@" | grep ^1 | cut -d, -f2 | paste -sd' '
}

# hold has 20 MiB, eat wants 160 MiB
cat > hog.csv <<'END'
time_s,pid,event,addr,size,flags,name,result
0.1,10,exec,,,AUTOMAP,hold,
0.2,10,store,0x10000000,20971520,,,
0.3,10,oom_score_adj,,,,,200
0.4,11,exec,,,AUTOMAP,eat,
0.5,11,store,0x20000000,41943040,,,
0.6,11,store,0x30000000,41943040,,,
0.7,11,store,0x40000000,41943040,,,
0.8,11,store,0x50000000,41943040,,,
0.9,12,exec,,,AUTOMAP,late,
1.0,12,store,0x50000000,4194304,,,
END
same "machine: the larger one goes" 11 "$(run --ram=128M hog.csv)"
same "the log says the same" 11 "$(read_back)"
same "its limit is RAM" 1 "$(mm-reclaim --human --explain-oom=log | grep -c 'node 0 DMA32: .* short by')"
same "its kill line" 1 "$(grep -c 'Out of memory: Killed process 11 (eat) total-vm:122880kB' log)"

# measured in 58 MiB, 200 thousandths are 11.6 MiB: 20 + 11.6 < 40
same "cgroup: the larger one goes" 11 "$(run --memory-max=50M --swap=8M hog.csv)"
same "the log of a cgroup" 11 "$(read_back --swap=8M)"
same "it names the cgroup" 1 "$(grep -c 'oom-kill:constraint=CONSTRAINT_MEMCG,.*,oom_memcg=/workload,.*,task=eat,pid=11' log)"
same "its usage" 1 "$(grep -c 'memory: usage 51200kB, limit 51200kB' log)"
sed 's/,200$/,600/' hog.csv > adj.csv
same "with 600 thousandths the other" "10 11" "$(run --memory-max=50M --swap=8M adj.csv)"
same "both reports" "10 11" "$(read_back --swap=8M)"

same "vm.oom_kill_allocating_task" 11 "$(run --ram=128M -S vm.oom_kill_allocating_task=1 adj.csv)"
same "the log says who asked" 11 "$(read_back)"

same "vm.panic_on_oom kills nobody" "" "$(run --ram=128M -S vm.panic_on_oom=1 hog.csv)"
same "nor does the log" "" "$(read_back)"
same "rows after the panic" 1 "$(grep -c '3 rows after the kernel panicked' err)"
same "vm.panic_on_oom=1 is not for a cgroup" 11 "$(run --memory-max=50M -S vm.panic_on_oom=1 hog.csv)"
same "vm.panic_on_oom=2 is" "" "$(run --memory-max=50M -S vm.panic_on_oom=2 hog.csv)"

# nobody may be killed: the machine ends, a cgroup does not
sed -e 's/^0.3.*/0.3,10,oom_score_adj,,,,,-1000/' -e '/^0.4/a 0.45,11,oom_score_adj,,,,,-1000' hog.csv > unkillable.csv
same "a machine of unkillable tasks" "" "$(run --ram=128M unkillable.csv)"
same "it is deadlocked" 1 "$(grep -c 'Kernel panic - not syncing: System is deadlocked on memory' log)"
same "a cgroup of unkillable tasks" 12 "$(run --memory-max=50M unkillable.csv)"
same "no killable processes" yes "$(grep -q 'Out of memory and no killable processes' log && echo yes)"
same "who was killed was the only one" 12 "$(read_back)"

# memory.oom.group: x1 and x2 die together, x3 is protected; a vfork's child is not weighed, another sharer is
cat > group.csv <<'END'
pid,event,addr,size,flags,name,result
1,exec,,,AUTOMAP,init,
,cgroup,,,memory.max,/c,41943040
,cgroup,,,memory.oom.group,/c/x,1
10,exec,,,AUTOMAP,x1,
10,cgroup,,,,/c/x,
10,store,0x10000000,12582912,,,
11,exec,,,AUTOMAP,x2,
11,cgroup,,,,/c/x,
11,store,0x10000000,3145728,,,
12,exec,,,AUTOMAP,x3,
12,cgroup,,,,/c/x,
12,oom_score_adj,,,,,-1000
12,store,0x10000000,2097152,,,
13,exec,,,AUTOMAP,y,
13,cgroup,,,,/c/y,
13,oom_score_adj,,,,,-900
13,store,0x10000000,31457280,,,
END
same "memory.oom.group" "10 11" "$(run group.csv)"
same "its line" 1 "$(grep -c 'Tasks in /c/x are going to be killed due to memory.oom.group set' log)"
same "three kills are counted: the victim twice" 3 "$(mm-reclaim -t summary group.csv | grep ^oom_kill | cut -d, -f2)"
same "the first is explained" 10 "$(read_back)"
same "why the other died, too" 1 \
	"$(mm-reclaim --human --explain-oom=log | grep -c '11 x2 was killed: its cgroup dies as a whole, by memory.oom.group')"
cat > vfork.csv <<'END'
pid,event,addr,size,flags,name,result
10,exec,,,AUTOMAP,parent,
10,cgroup,,,memory.max,/c,20971520
10,store,0x10000000,8388608,,,
10,fork,,,CLONE_VM|CLONE_VFORK,,20
11,exec,,,AUTOMAP,other,
11,oom_score_adj,,,,,-500
11,cgroup,,,,/c,
11,store,0x10000000,6291456,,,
11,store,0x20000000,8388608,,,
END
same "not the child of a vfork, but its parent" 10 "$(run vfork.csv)"
sed 's/|CLONE_VFORK//' vfork.csv > share.csv
same "of two that share memory the later" 20 "$(run share.csv)"

# less than any task needs is a result, not an error
for max in 4K 64K 256K; do
	mm-reclaim --memory-max=$max --oom-report=log hog.csv > out 2> err
	same "--memory-max=$max: exit status" 0 $?
	same "--memory-max=$max: all rows are there" 10 "$(grep -c '^[0-9.]' out)"
	same "--memory-max=$max: killed" yes "$(grep -q ',oom_kill,' out && echo yes)"
done
# the report is whole or what was there before: after a bad row, and after a kill in the middle; two at a time do not mix
echo before > kept
{ cat hog.csv; echo 10,nosuch; } > bad.csv
mm-reclaim --memory-max=4K --oom-report=kept bad.csv > out 2> err; same "a run that fails: status" 1 $?
same "a run that fails keeps the old report" before "$(cat kept)"
{ cat hog.csv; sleep 10; } | mm-reclaim --memory-max=4K --oom-report=kept - > out 2> err &
for _ in $(seq 50); do ls kept.?????? > name 2> /dev/null && break; sleep 0.1; done
[ -s name ] || { echo "FAIL: no report is being written"; failed=1; }
kill -9 $!
wait $! 2> /dev/null
same "a run that is killed keeps the old report" before "$(cat kept)"
rm -f kept.??????
mm-reclaim --memory-max=4K --oom-report=kept hog.csv > out 2> err & mm-reclaim --memory-max=4K --oom-report=kept hog.csv > out2 2> err2
wait $!
mm-reclaim --memory-max=4K --oom-report=log hog.csv > out 2> err
same "two runs at a time" "$(md5sum < log)" "$(md5sum < kept)"
same "nothing is left" "" "$(ls kept.?????? 2> /dev/null)"
mm-reclaim --oom-report=/nonexistent/x hog.csv > out 2> err; same "a report that cannot be written" 1 $?
same "a cgroup file that is none" 1 "$(printf 'event,flags,name,result\ncgroup,memory.odd,/a,1\n' | mm-reclaim > out 2> err; echo $?)"

# rows of refaults and writeback say what the counters say
cat > again.csv <<'END'
pid,event,addr,size,flags,name,offset,result
10,exec,,,AUTOMAP,again,,
10,store,0x10000000,12582912,,,,
10,load,0x10000000,12582912,,,,
,file,,8388608,O_RDWR|S_IFREG,/f,,
10,write,,1048576,,/f,0,
10,fsync,,,,/f,,
END
for lru_gen in 0 1; do
	args="--memory-max=8M --swap=64M -S lru_gen=$lru_gen again.csv"
	# shellcheck disable=SC2086
	{
	pages=$(mm-reclaim -o event,size -n $args 2> err | awk -F, '$1 == "refault" { n += $2 / 4096 } END { print n + 0 }')
	count=$(mm-reclaim -t summary $args 2> err | awk -F, '/^workingset_refault_/ { n += $2 } END { print n + 0 }')
	same "refaults with lru_gen=$lru_gen" "$count yes" "$pages $([ "$count" -gt 0 ] && echo yes)"
	same "writeback" 1048576 \
		"$(mm-reclaim -o event,name,size -n $args 2> err | awk -F, '/^writeback,\/f,/ { n += $3 } END { print n }')"
	}
done
mm-reclaim -S vm.vfs_cache_pressure=200 again.csv > out 2> err
same "a tunable without effect is told" 1 "$(grep -c 'tunable without effect: vm.vfs_cache_pressure' err)"

# What log daemons and dmesg put before a line, in their own options' forms.
report=$data/oom/6.1-basic.dmesg
plain=$(mm-reclaim --human --explain-oom="$report" | sed 's/(line [0-9]*)//')
# dressed WHAT SED-EXPRESSION
dressed() {
	sed -E "$2" "$report" > dressed.dmesg
	cmp -s "$report" dressed.dmesg && fail "$1: the report was not changed"
	[ "$plain" = "$(mm-reclaim --human --explain-oom=dressed.dmesg 2>&1 | sed 's/(line [0-9]*)//')" ] ||
		fail "a report in the form of $1 reads otherwise"
}
stamp='^\[ *[0-9]+\.[0-9]+\] '
dressed "dmesg -T" "s/$stamp/[Sun Nov 29 14:21:26 2026] /"
dressed "dmesg -e, a new minute" "s/$stamp/[Nov29 14:21] /"
dressed "dmesg -d" "s/$stamp/[  +0.000012] /"
dressed "dmesg -d, with times" "s/$stamp/[    5.156675 <    0.000012>] /"
dressed "dmesg -T -d" "s/$stamp/[Sun Nov 29 14:21:26 2026 <    0.000012>] /"
dressed "dmesg --color=always" 's/^(\[[^]]*\] )([^:]*:)/\x1b[32m\1\x1b[0m\x1b[33m\2\x1b[0m/'
dressed "Docker's JSON" 's/["\\]/\\&/g;s/</\\u003c/g;s/.*/{"log":"&\\n","stream":"stdout","time":"2026-11-29T14:21:26.1Z"}/'
dressed "journalctl -o json" "s/$stamp//;"'s/["\\]/\\&/g;s/.*/{"__CURSOR":"s=1","MESSAGE":"&","PRIORITY":"4"}/'
dressed "a container runtime's log of dmesg -T" \
	"s/$stamp/2026-11-29T14:21:26.123456789Z stdout F [Sun Nov 29 14:21:26 2026] /"
dressed "netconsole" "s/$stamp/6.1.0-56-cloud-amd64,4,1234,5156675,-;/"
dressed "dmesg --time-format=iso" "s/$stamp/2026-11-29T14:21:26,123456+00:00 /"
dressed "dmesg -t" "s/$stamp//"
dressed "dmesg -x" 's/^/kern  :warn  : /'
dressed "dmesg -r" 's/^/<4>/'
dressed "printk.caller" 's/^(\[[^]]*\]) /\1[  T448] /'
dressed "syslog" 's/^/Nov 29 14:21:26 host kernel: /'
dressed "syslog of RFC 5424" "s/$stamp/<4>1 2026-11-29T14:21:26.123456+00:00 host kernel - - - /"
dressed "journalctl -o short-iso" "s/$stamp/2026-11-29T14:21:26+0000 host kernel: /"
dressed "a quotation" 's/^/\t/'
dressed "a DOS file" 's/$/\r/'
dressed "a record of /dev/kmsg" "s/$stamp/4,1234,5156675,-;/"
dressed "a record of /dev/kmsg with its caller" "s/$stamp/4,1234,5156675,-,caller=T448;/"
dressed "a hypervisor's log of the console" 's/^/2026-11-29T14:21:26.127Z In(05) vcpu-5 - Guest: <6>/'
dressed "logs of containers" 's/^/node1-1  | /'
dressed "rsyslog, lines of one record" \
	':a;$!N;s/\n\[[^]]*\] ( (active_file|unevictable|slab_reclaimable|mapped|kernel_misc|free):)/#012\1/;ta;P;D'
dressed "records of /dev/kmsg of several lines" \
	':a;$!N;s/\n\[[^]]*\] ( (active_file|unevictable|slab_reclaimable|mapped|kernel_misc|free):)/\\x0a\1/;ta;P;D'
dressed "grep -n" 's/^/1234:/'
dressed "a mail" 's/^/> /'

# A captured machine of 100000 pages and 25000 of swap, by hand. 7: 12500 resident, 500 swapped, 100 of tables and 100 * 125 are
# 25600 points, and (1000 + 25600 * 1000 / 125000) * 2 / 3 = 802; 9: 25 - 500 * 125 = -62475, (1000 - 499) * 2 / 3 = 334. status escapes
# names.
captured() {	# PID NAME RSS SWAP TABLES ADJ
	mkdir -p captured/proc/$1
	printf 'Name:\t%s\nTgid:\t%d\nUid:\t0\t0\t0\t0\nVmSize:\t90000 kB\nVmRSS:\t%d kB\nVmPTE:\t%d kB\nVmSwap:\t%d kB\n' \
		"$2" "$1" "$3" "$5" "$4" > captured/proc/$1/status
	echo "$6" > captured/proc/$1/oom_score_adj
}
captured 1 init 400 0 0 0
captured 7 'a\\b' 50000 2000 400 100
captured 9 low 100 0 0 -500
printf 'MemTotal: 400000 kB\nSwapTotal: 100000 kB\n' > captured/proc/meminfo
same "scores of a captured machine" '1,init,0,0 7,a\b,100,802 9,low,-500,334' \
	"$(mm-reclaim --csv -n -t oom --sysroot=captured -o pid,name,oom_score_adj,oom_score | tr '\n' ' ' | sed 's/ $//')"
# of pages of 64 KiB: 6250 and 1562 are in all; 7 has 781, 31 swapped, 6 of tables and 100 * 7; (1000 + 1518 * 1000 / 7812) * 2 / 3
same "of pages of 64 KiB" 7,781,31,1518,796 \
	"$(mm-reclaim --csv -n -t oom --page-size=64K --sysroot=captured -o pid,rss_pages,swapents_pages,points,oom_score | sed -n 2p)"

# A cgroup's name may hold colons, as those of container runtimes do, before the statistics and with them in the line.
long=/system.slice/containerd.service/kubepods-burstable.slice:cri-containerd:0a1b
sed "s#stats for /a:#stats for $long:#" "$data/oom/6.6-memcg.dmesg" > colon.dmesg
same "colons in a name" 2 "$(mm-reclaim --human --explain-oom=colon.dmesg | grep -c "limit of cgroup $long ran out")"
sed "s#stats for /a:#& cache:0KB rss:39416KB rss_huge:0KB shmem:0KB#; s#stats for /a:#stats for $long:#" \
	"$data/oom/6.6-memcg.dmesg" > colon.dmesg
same "colons in a name before statistics" 2 "$(mm-reclaim --human --explain-oom=colon.dmesg | grep -c "limit of cgroup $long ran out")"

# a log of another trouble
printf '[    1.5] dd: page allocation failure: order:4, mode:0xcc0(GFP_KERNEL)\n' > other.dmesg
refused 1 "no OOM report in this log, but a failed allocation: mm-buddy --explain tells of it" mm-reclaim --explain-oom=other.dmesg

# A zone as the request sees it. DMA: 892 KiB free, 256 of them CMA, which GFP_KERNEL may not use, and 28 of the block of order 3 itself.
# Its reserve is kept from requests that may use DMA32, 193 pages. A boost of 1024 KiB in a mark is not of vm.min_free_kbytes: 128 - 0 and
# 1744 - 1024 KiB are its 848; DMA32 has 1744 - 1024 - 4 = 716 where 720 would be too little, 848 * 716 / 720 = 843, DMA 848 * 116 / 128.
says() { mm-reclaim --human --explain-oom=seen.dmesg | grep -cF -- "$1"; }
sed -E 's/0x140dca\(GFP_HIGH[^)]*\), order=0/0xcc0(GFP_KERNEL), order=3/; s/(DMA free.*)free_cma:0/\1free_cma:256/' "$report" > seen.dmesg
same "CMA and the block itself" 1 "$(says 'DMA: 892 KiB free less 284 KiB unusable must be above min 128 KiB and the reserve for '\
'lower zones'\'' requests 772 KiB: short by 296 KiB')"
sed -E 's/0x140dca\(GFP_HIGH[^)]*\)/0xcc1(GFP_KERNEL|GFP_DMA)/' "$report" > seen.dmesg
same "a zone that is not asked" "1 1" \
	"$(says 'DMA32: the request may use zones up to DMA only') $(says 'DMA: 892 KiB free must be above min 128 KiB: it is by 764 KiB')"
same "what was not short is no matter of min_free_kbytes" 0 "$(says min_free_kbytes)"
sed -E 's/(DMA32 free:1744kB boost:)0/\11024/' "$report" > seen.dmesg
same "a boosted mark" 1 "$(says 'with vm.min_free_kbytes 843 (now about 848) this request had been let through')"
grep -E '\[  pid  \]|\[    105\]' "$report" > seen.dmesg
echo 'Out of memory: Killed process 12 (e) total-vm:9kB, anon-rss:8kB, file-rss:2kB' >> seen.dmesg
same "a kill that is not in the table" \
	"kill without a report (line 3): 12 e: anonymous memory 8 KiB, files' pages 2 KiB, shared memory and tmpfs 0 KiB" \
	"$(mm-reclaim --human --explain-oom=seen.dmesg | tail -n 1)"
same "no memory is told" 1 "$(mm-reclaim --explain-oom=seen.dmesg 2>&1 > out | grep -c '1 reports do not say how much memory there is')"
same "so no score" 0,,105, "$(mm-reclaim --explain-oom=seen.dmesg -o report,oom_score,pid,adj_flips 2> err | sed -n 2p)"

# Linux 3.10 gives the number of what was asked for alone, counts page tables, and kills a child of whom it chose.
cat > 3.10.dmesg <<'END'
java invoked oom-killer: gfp_mask=0x201da, order=0, oom_score_adj=0
CPU: 3 PID: 12345 Comm: java Tainted: G           OE  ------------   3.10.0-1160.el7.x86_64 #1
16384 pages RAM
[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name
[12300]  1000 12300    50000    10000     100        0             0 java
[12400]  1000 12400    50000     1000      10        0             0 node
Out of memory: Kill process 12300 (java) score 616 or sacrifice child
Killed process 12400 (node), UID 1000, total-vm:200000kB, anon-rss:4000kB, file-rss:0kB, shmem-rss:0kB
END
mm-reclaim --human --explain-oom=3.10.dmesg > out
same "words of a number" "report 0 (line 1): java asked for 4 KiB (order 0, GFP_HIGHUSER_MOVABLE)" "$(head -n 1 out)"
same "a child is sacrificed" "  the log says that 12400 node was killed: a child of the victim, as kernels before 5.1 do" "$(tail -n 1 out)"
same "for its parent" "  victim: 12300 java, 10100 points" "$(grep victim: out | cut -d: -f1-2)"

# Linux 2.6.37, quoted: who asked is told by "Pid:", pages that describe pages are in no zone, so no node is left out.
cat > old.mail <<'END'
> a b invoked oom-killer: gfp_mask=0xd0, order=0, oom_adj=0, oom_score_adj=0
> Pid: 20, comm: a b Not tainted 2.6.37 #1
> Node 0 DMA free:400kB min:400kB low:500kB high:600kB present:3900kB
> 1000 pages of RAM
> 10 reserved pages
> [ pid ]   uid  tgid total_vm      rss cpu oom_adj oom_score_adj name
> [   20]  1000    20     1290      100   1       0             0 a b
> [   30]     0    30     1290      102   1       0             0 c
> Out of memory: Kill process 20 (a b) score 1 or sacrifice child
> Killed process 20 (a b) total-vm:5160kB, anon-rss:392kB, file-rss:1068kB
END
mm-reclaim --human --explain-oom=old.mail > out
same "a quotation" "report 0 (line 1): a b asked for 4 KiB (order 0, GFP_KERNEL)" "$(head -n 1 out)"
# root has 3 % less before 4.17: 102 - 3 = 99
same "root's rule of 2.6.37" "  victim: 20 a b, 100 points" "$(grep victim: out | cut -d: -f1-2)"
same "pages of RAM" "  3960 KiB of RAM" "$(grep 'of RAM' out)"
same "no node is left out" 0 "$(grep -c 'these nodes only' out)"

# Kills of old kernels have a name alone; 5.0 says CONSTRAINT_NONE of a cgroup; stamps of other kernels have the CPU in them.
cat > stamps <<'END'
[    1.5@1] x invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0
[    1.5,0] CPU: 0 PID: 20 Comm: x Not tainted 5.0.0 #1
[2-1.5] memory: usage 40kB, limit 40kB, failcnt 5
[    1.5@0] [  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name
[    1.5@0] [     20]     0    20     1290        9     4096        0             0 x
kern:    info: [2026-07-25T14:23:17.5Z]: oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),oom_memcg=/a,task_memcg=/a,task=x,pid=20,uid=0
h kernel: Out of Memory: Killed process 2592 (mysql).
END
mm-reclaim --human --explain-oom=stamps > out
same "a cgroup's limit of 5.0" "  the limit of cgroup /a ran out: 40 KiB of 40 KiB used" "$(sed -n 2p out)"
same "the rule of 5.0" "CONSTRAINT_MEMCG" "$(mm-reclaim --explain-oom=stamps -n -o constraint 2> err)"
same "a name alone" "kill without a report (line 7): 2592 mysql" "$(tail -n 1 out)"

# Without a task table (vm.oom_dump_tasks=0, or cut off) nobody can be chosen; all else is told, and whom the log names.
cat > tableless <<'END'
[1.5] a invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0
[1.5] CPU: 0 PID: 20 Comm: a Not tainted 6.6.87 #1
[1.5] Mem-Info:
[1.5] Node 0 DMA32 free:1600kB boost:0kB min:1744kB low:2180kB high:2616kB managed:222208kB
[1.5] lowmem_reserve[]: 0 0 0 0
[1.5] Node 0 DMA32: 400*4kB (U) 0*8kB = 1600kB
[1.5] 0 pages in swap cache
[1.5] Free swap  = 40kB
[1.5] Total swap = 80kB
[1.5] 65400 pages RAM
[1.5] oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/,task=a,pid=20,uid=0
[1.5] Out of memory: Killed process 20 (a) total-vm:5160kB, anon-rss:392kB, file-rss:4kB, shmem-rss:0kB, UID:0 oom_score_adj:7
[2.5] Memory cgroup out of memory: Killed process 30 (b) total-vm:5160kB, anon-rss:8kB, file-rss:0kB, shmem-rss:0kB
END
mm-reclaim --human --explain-oom=tableless > out 2> err
want="report 0 (line 1): a asked for 4 KiB (order 0, GFP_KERNEL)
  node 0 DMA32: 1600 KiB free must be above min 1744 KiB: short by 148 KiB
  261600 KiB of RAM, 40 KiB of 80 KiB swap free
  its task table is not in the log (cut off, or vm.oom_dump_tasks is 0)
  the log says that this was killed: 20 a: anonymous memory 392 KiB, files' pages 4 KiB, shared memory and tmpfs 0 KiB, oom_score_adj 7
kill without a report (line 13): 30 b: anonymous memory 8 KiB, files' pages 0 KiB, shared memory and tmpfs 0 KiB, in a cgroup at its limit"
same "without tasks" "$want" "$(grep -v 'held by' out)"
grep -q 'tableless: 1 reports have no task table' err || fail "without tasks: $(cat err)"

# Lines of zones that a log has lost are no zones that the request may not use, and what they say is not 0: DMA keeps 1884 KiB.
cat > whole <<'END'
[1.5] a invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0
[1.5] CPU: 0 PID: 20 Comm: a Not tainted 6.6.87 #1
[1.5] Mem-Info:
[1.5] Node 0 DMA free:1968kB boost:0kB min:88kB low:108kB high:132kB present:15992kB managed:15908kB kernel_stack:24kB
[1.5] lowmem_reserve[]: 0 471 471 471
[1.5] Node 0 DMA32 free:2652kB boost:0kB min:2732kB low:3412kB high:4096kB present:507896kB managed:485968kB kernel_stack:760kB
[1.5] lowmem_reserve[]: 0 0 0 0
[1.5] Node 0 DMA: 492*4kB (U) 0*8kB = 1968kB
[1.5] Node 0 DMA32: 663*4kB (U) 0*8kB = 2652kB
[1.5] Free swap  = 0kB
[1.5] Total swap = 0kB
[1.5] 130972 pages RAM
[1.5] 5503 pages reserved
[1.5] [  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name
[1.5] [     20]     0    20     1290       99    12288        0           100 a
[1.5] Out of memory: Killed process 20 (a) total-vm:5160kB, anon-rss:392kB, file-rss:4kB, shmem-rss:0kB, UID:0 oom_score_adj:100
END
said() { mm-reclaim --human --explain-oom="$1" 2> err | grep -E "$2" | sed 's/^ *//'; }
lines='lacks lines|nodes only|min_free'
same "all zones" "with vm.min_free_kbytes 2733 (now about 2820) this request had been let through" "$(said whole "$lines")"
grep -v 'DMA free:' whole > cut
same "a zone lost" "the report is cut off or lacks lines: zones may be missing" "$(said cut "$lines")"
same "a zone lost, points" "$(said whole victim:)" "$(said cut victim:)"
head -n 5 whole > cut
same "zones lost" "the report is cut off or lacks lines: zones may be missing" "$(said cut "$lines")"
grep -v 'reserve.* 471' whole > cut
lost="and the reserve for lower zones' requests, which is not in the log:"
same "a reserve lost" "node 0 DMA: 1968 KiB free must be above min 88 KiB $lost it is by 1880 KiB without it" "$(said cut "DMA:|$lines")"
grep -v 'reserve.* 0 0' whole > cut
same "the last reserve lost" "node 0 DMA32: 2652 KiB free must be above min 2732 KiB $lost short by 84 KiB at least" \
	"$(said cut "DMA32:|$lines")"
# A log that ends in the task table: who is chosen of those that are there may not be whom the kernel chose.
head -n 15 whole > cut
end="the log ends before it says who was killed: its task table may be cut off too"
same "who was killed is told" "" "$(said whole 'who was killed')"
same "who was killed is not" "$end" "$(said cut 'who was killed')"
mm-reclaim -n --explain-oom=whole 2>&1 > rows | grep . && fail "a whole report: $(cat rows)"
same "as rows" "mm-reclaim: cut: 1 reports do not say who was killed: their task tables may be cut off" \
	"$(mm-reclaim -n --explain-oom=cut 2>&1 > rows)"
{ cat cut; echo '[1.5] Out of memory and no killable processes...'; } > nobody
same "nobody was killed" "" "$(said nobody 'who was killed')"
# Another CPU's failed allocation in the midst of a report: what it tells again is no second pool, and no second stacks
node() { echo "[$1] Node 0 active_anon:0kB kernel_stack:$2kB pagetables:0kB all_unreclaimable? no"; }
pool() { echo "[$1] Node 0 hugepages_total=4 hugepages_free=0 hugepages_surp=0 hugepages_size=$2kB"; }
sed 's/ kernel_stack:[0-9]*kB//' whole > plain
{ sed 3q plain; node 1.5 784; sed 1,3d plain | sed '/DMA32: /q'; pool 1.5 2048; pool 1.5 64; sed '1,/DMA32: /d' plain; } > one
{ sed 3q plain; node 1.5 784; echo '[1.51] b: page allocation failure: order:0, mode:0x820(GFP_ATOMIC), nodemask=(null)'; node 1.51 788
	sed 1,3d plain | sed '/DMA32: /q'; pool 1.5 2048; pool 1.51 2048; pool 1.51 64; pool 1.5 64; sed '1,/DMA32: /d' plain; } > mixed
same "what nodes hold" "held by: the pool of huge pages 8448 KiB, kernel stacks 784 KiB, not accounted for 492644 KiB" \
	"$(said one 'held by')"
same "mixed" "$(mm-reclaim --human --explain-oom=one)" "$(mm-reclaim --human --explain-oom=mixed)"
# vmalloc() asks page by page, and may fail before it does
{ echo '[1.5] x: vmalloc error: size 8192, exceeds total pages, mode:0xcc0(GFP_KERNEL), nodemask=(null)'; sed 1,3d whole; } > vmalloc
mm-buddy --explain vmalloc 2>&1 > rows |
	grep -q "vmalloc()'s for 8192 bytes, which failed before a page was asked for: no zone stopped it" ||
	fail "vmalloc that asks for no page"
{ sed 's/exceeds total pages/failed to map pages/; 2,$d' vmalloc; sed 1d vmalloc; } > mapped
mm-buddy --explain mapped 2>&1 > rows | grep -q "vmalloc()'s for 8192 bytes, page by page: zones are asked for one of them" ||
	fail "vmalloc that asks for pages"
head -n 1 vmalloc > cut
fails 1 'no OOM report in this log, but a failed allocation: mm-buddy --explain tells of it' mm-reclaim --explain-oom=cut
# Lines that stand twice are no more memory, tasks or kills; requests without the kernel's stamp may be two.
sed p whole > twice
same "lines twice" "$(mm-reclaim --human --explain-oom=whole)" "$(mm-reclaim --human --explain-oom=twice 2>&1)"
sed 's/^\[1.5\] /Jul 25 14:23:17 h kernel: /; p' whole > twice
same "lines twice, stamped by a daemon" "$(mm-reclaim --human --explain-oom=whole | sed 1d)" \
	"$(mm-reclaim --human --explain-oom=twice 2> err | sed 1,3d)"
rows() { mm-buddy --explain${2:+=$2} "$1" -n -o path,zone,verdict,reserve_pages,short_pages 2> err | xargs; }
grep -v 'reserve.* 471' whole > cut
same "a reserve lost, in rows" "fast,DMA32,watermark,0,191 fast,DMA,unknown,,0 slow,DMA32,watermark,0,21 slow,DMA,unknown,,0" "$(rows cut)"
sed '/DMA: /d; s/free:1968kB/free:9968kB/' whole > cut
same "blocks lost" "fast,DMA32,watermark,0,198 fast,DMA,unknown,471,0 slow,DMA32,watermark,0,28 slow,DMA,unknown,471,0" "$(rows cut 3)"
head -n 5 whole > cut
same "zones lost, in rows" "fast,DMA,watermark,471,7 slow,DMA,watermark,471,2" "$(rows cut)"
grep -q 'cut: the report is cut off or lacks lines: zones may be missing' err || fail "zones lost: $(cat err)"
same "as a table" 0 "$(mm-reclaim -n --explain-oom=tableless 2> err | wc -l)"
grep -q ': 1 kills without a report, the first in line 13' err || fail "without tasks: $(cat err)"
head -n 9 tableless > cut
fails 1 '^mm-reclaim: cut:1: the OOM report ends before its task table' mm-reclaim --explain-oom=cut
# the next report goes by its own tasks; its number is the next
{ cat tableless; sed -n '/invoked oom-killer/,$p' "$report"; } > both
same "the report behind it" "0 1" "$(mm-reclaim --explain-oom=both --human 2> err | sed -n 's/^report \([0-9]*\) .*/\1/p' | paste -sd' ')"
same "its tasks" "$(mm-reclaim -n --explain-oom="$report" -o pid,points,victim)" \
	"$(mm-reclaim -n --explain-oom=both -o pid,points,victim 2> err)"

# A kill that somebody asked for met no watermark.
sed 's/order=0,/order=-1,/' "$report" > sysrq.dmesg
mm-reclaim --human --explain-oom=sysrq.dmesg > out
same "a kill by sysrq" "1 0" "$(grep -c 'asked for a kill by sysrq' out) $(grep -cE 'must be above|vm.min_free_kbytes' out)"

# a report that is cut anywhere is read or refused
run --ram=128M hog.csv > out
size=$(wc -c < log)
for ((n = 0; n < size; n += 211)); do
	head -c $n log > cut
	mm-reclaim --human --explain-oom=cut > out 2> err
	case $? in
	0 | 1) ;;
	*) echo "FAIL: cut after $n bytes"; failed=1 ;;
	esac
done
# MGLRU's min_ttl_ms: the working set of that time is kept, and who does not fit dies although swap is free. Linux 6.6.87 in QEMU (192 MiB,
# 256 MiB swap, lru_gen y) with dd bs=220M count=1: min_ttl_ms 0 swaps 15526 pages and kills nobody; with 1000000 "kswapd0 invoked
# oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0", "Out of memory: Killed process 63 (dd) total-vm:227536kB".
{
	echo time_s,pid,event,addr,size,flags,name
	echo 1,63,exec,,,AUTOMAP,dd
	for ((i = 0; i < 220; i++)); do printf '1.%03d,63,store,0x%x,1048576,,\n' $i $((0x10000000 + i * 1048576)); done
} > dd.csv
ttl() { mm-reclaim --ram=192M --swap=256M -S lru_gen=1 -S lru_gen.min_ttl_ms=$1 --oom-report=log -t summary -n dd.csv 2> err; }
same "min_ttl 0" "oom_kill,0" "$(ttl 0 | grep ^oom_kill,)"
ttl 0 | awk -F, '$1 == "pswpout" && $2 < 10000 { exit 1 }' || fail "min_ttl 0: nothing to swap"
same "min_ttl 1000 s" "oom_kill,1" "$(ttl 1000000 | grep ^oom_kill,)"
same "who asks" 1 "$(grep -c 'kswapd0 invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0$' log)"
same "who dies" 1 "$(grep -c 'Out of memory: Killed process 63 (dd) ' log)"
grep -q ' Free swap *= *0kB' log && fail "min_ttl: swap was full"
same "not by the classic lists" "oom_kill,0" \
	"$(mm-reclaim --ram=192M --swap=256M -S lru_gen=0 -S lru_gen.min_ttl_ms=1000000 -t summary -n dd.csv 2> err | grep ^oom_kill,)"
mm-reclaim --ram=192M --swap=256M -S lru_gen=1 -S lru_gen.min_ttl_ms=1000000 -S vm.oom_kill_allocating_task=1 --oom-report=log -t summary \
	-n dd.csv > out 2> err
same "vm.oom_kill_allocating_task is not for kswapd" 1 "$(grep -c 'Out of memory: Killed process 63 (dd) ' log)"

# a process whose first thread has ended is one still: the other tables of processes have it too
cat > left.csv <<'END'
pid,event,addr,size,flags,result
10,mmap,0x100000000000,409600,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED,
10,store,0x100000000000,409600,,
10,thread,,,,11
10,exit,,,,
END
same "the first thread has ended: oom" 10,100,1 "$(mm-reclaim -t oom -o pid,rss_pages,victim -n left.csv)"
same "smaps" 10,409600 "$(mm-fault -t smaps -o pid,rss_bytes -n left.csv)"
same "pagetable" 10,100 "$(mm-fault -t pagetable -o pid,pages -n left.csv)"
same "limits" 10,1 "$(mm-vma -t limits -o pid,used -n left.csv | head -n 1)"
same "maple" 10 "$(mm-vma -t maple -o pid -n left.csv)"
same "ksm" 10 "$(mm-fault -t ksm -o pid -n left.csv | sort -u | grep -x 10)"
exit $failed
