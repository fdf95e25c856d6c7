#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Files of memory cgroups against Linux 6.6.87 in QEMU (384 MiB, 128 MiB swap, no MGLRU): a program that touches its
# memory once, then the bytes of memory.current, memory.swap.current and anon of memory.stat.
. "${srcdir:-.}/tests/lib.sh"
cd "$tmp" || exit 99

# CGROUP CURRENT SWAP: what the kernel said. Batches of 64 pages a CPU make a difference: 5 % or 64 pages more are let pass.
near() {
	mm-reclaim --ram=384M --swap=128M -t memcg -o memcg,current_bytes,swap_current_bytes -n trace.csv 2> err > out
	awk -F, -v want="$1 $2 $3" 'BEGIN { split(want, w, " ") }
		function off(a, b) { d = a > b ? a - b : b - a; return d > b * 0.05 + 262144 }
		$1 == w[1] { seen = 1; if (off($2, w[2]) || off($3, w[3])) { print "FAIL: expected " want ", found " $0; exit 1 } }
		END { if (!seen) { print "FAIL: no cgroup " w[1]; exit 1 } }' out || failed=1
}
trace() { { echo pid,event,addr,size,flags,name,result; cat; } > trace.csv; }
pair() {	# two programs of 12 and 24 MiB in /p/a and /p/b, 24 MiB for both
	trace <<END
,cgroup,,,memory.max,/p,25165824
$1
10,exec,,,AUTOMAP,m,
10,cgroup,,,,/p/a,
10,store,0x10000000,12582912,,,
11,exec,,,AUTOMAP,m,
11,cgroup,,,,/p/b,
11,store,0x10000000,25165824,,,
END
}

trace <<'END'
,cgroup,,,memory.high,/h,8388608
10,exec,,,AUTOMAP,m,
10,cgroup,,,,/h,
10,store,0x10000000,20971520,,,
END
near /h 8290304 13283328

pair ",cgroup,,,memory.low,/p,10485760
,cgroup,,,memory.low,/p/a,10485760"
near /p 24989696 13615104
near /p/a 12632064 0
near /p/b 12357632 13615104

pair ",cgroup,,,memory.min,/p,10485760
,cgroup,,,memory.min,/p/a,10485760"
near /p/a 12627968 0
near /p/b 12353536 13729792

pair ",cgroup,,,memory.low,/p,0"
near /p 25071616 13213696
near /p/a 7540736 5206016
near /p/b 17530880 8007680

trace <<'END'
,cgroup,,,memory.max,/s,10485760
,cgroup,,,memory.swap.max,/s,4194304
10,exec,,,AUTOMAP,m,
10,cgroup,,,,/s,
10,store,0x10000000,13631488,,,
END
near /s 10432512 3379200

trace <<'END'
10,exec,,,AUTOMAP,m,
10,cgroup,,,,/r,
10,store,0x10000000,16777216,,,
,cgroup,,,memory.reclaim,/r,6291456
END
near /r 10735616 6385664

# no limit at all, and one that is none
trace <<'END'
,cgroup,,,memory.max,/u,max
10,exec,,,AUTOMAP,m,
10,cgroup,,,,/u,
10,store,0x10000000,1048576,,,
END
[ "$(mm-reclaim -t memcg -o memcg,anon_bytes,max_bytes -n trace.csv 2> err | grep ^/u)" = /u,1048576, ] || {
	echo "FAIL: a cgroup without limit"; failed=1; }
echo 'event,flags,name,result
cgroup,memory.high,/a,many' | mm-reclaim > out 2> err
[ $? = 1 ] || { echo "FAIL: a limit that is no number"; failed=1; }

# The files line by line. The names of memory.stat are those of a 6.6.87 that was built without zswap.
trace <<'END'
,cgroup,,,memory.max,/f,20971520
,cgroup,,,memory.max,/f/g,8388608
10,exec,,,AUTOMAP,m,
10,cgroup,,,,/f/g,
10,store,0x10000000,6291456,,,
10,store,0x10000000,12582912,,,
END
mm-reclaim --ram=384M --swap=128M -t memory_files -n trace.csv 2> err > files
names="anon file kernel kernel_stack pagetables sec_pagetables percpu sock vmalloc shmem zswap zswapped file_mapped file_dirty
file_writeback swapcached anon_thp file_thp shmem_thp inactive_anon active_anon inactive_file active_file unevictable
slab_reclaimable slab_unreclaimable slab workingset_refault_anon workingset_refault_file workingset_activate_anon
workingset_activate_file workingset_restore_anon workingset_restore_file workingset_nodereclaim pgscan pgsteal pgscan_kswapd
pgscan_direct pgscan_khugepaged pgsteal_kswapd pgsteal_direct pgsteal_khugepaged pgfault pgmajfault pgrefill pgactivate
pgdeactivate pglazyfree pglazyfreed zswpin zswpout thp_fault_alloc thp_collapse_alloc"
same "lines of memory.stat" "$(echo $names)" "$(awk -F, '$1 == "/f/g" && $2 == "memory.stat" { print $3 }' files | paste -sd' ')"
value() { awk -F, -v g="$1" -v f="$2" -v n="${3-}" '$1 == g && $2 == f && $3 == n { print $4 }' files; }
same "the most it held is its limit, 8 MiB" 8388608 "$(value /f/g memory.peak)"
same "no limit on swap" max "$(value /f/g memory.swap.max)"
[ "$(value /f/g memory.swap.peak)" -ge "$(value /f/g memory.swap.current)" ] || fail "memory.swap.peak below memory.swap.current"
same "no limit was met by /f itself" 0 "$(value /f memory.events.local max)"
same "but below it" "$(value /f/g memory.events max)" "$(value /f memory.events max)"
[ "$(value /f memory.events max)" -gt 0 ] || fail "a program beyond its limit met none"
for n in pgfault pgscan pgsteal anon workingset_refault_anon inactive_anon; do
	same "$n of /f is that of /f/g" "$(value /f/g memory.stat $n)" "$(value /f memory.stat $n)"
done
# each page once, then the 1536 of the beginning again as far as they were swapped out: those and the first touches are all there is
same "faults: 3072 pages and those that came back" $((3072 + $(value /f/g memory.stat pgmajfault))) "$(value /f/g memory.stat pgfault)"
same "what is not modelled is empty" "" "$(value /f/g memory.stat sock)"
same "the root has memory.stat and no limits" "memory.stat" "$(awk -F, '$1 == "/" { print $2 }' files | sort -u)"

# Files alone: each page that is read ahead, dropped and counted; the memcg's scans are not kswapd's.
same "pgscan is both" "$(value /f/g memory.stat pgscan)" \
	$(($(value /f/g memory.stat pgscan_direct) + $(value /f/g memory.stat pgscan_kswapd)))
same "nobody but the program reclaims for its limit" 0 "$(value /f/g memory.stat pgscan_kswapd)"

# memory.high with nothing to reclaim: 8 MiB beyond 8 MiB is an overage of 1, so each batch of 64 pages sleeps
# 2^20 * 2^20 * 250 >> 34 jiffies = 16000, cut to 500 = two seconds (calculate_high_delay())
trace <<'END'
,cgroup,,,memory.high,/h,8388608
10,exec,,,AUTOMAP,m,
10,cgroup,,,,/h,
10,store,0x10000000,16777216,,,
10,store,0x10ffffff,1,,,
END
delay=$(mm-reclaim --ram=384M -t memcg -o memcg,high_delay_s,events_high -n trace.csv 2> err | awk -F, '$1 == "/h" && $3 > 0 { print $2 }')
awk -v d="$delay" 'BEGIN { exit !(d > 0 && d <= 2 * 33) }' || fail "sleep beyond memory.high: found '$delay' s"

# memory.oom.group: both of its programs die, counted once as a group
trace <<'END'
,cgroup,,,memory.max,/k,8388608
,cgroup,,,memory.oom.group,/k,1
10,exec,,,AUTOMAP,m,
10,cgroup,,,,/k,
10,store,0x10000000,1048576,,,
11,exec,,,AUTOMAP,m,
11,cgroup,,,,/k,
11,store,0x10000000,16777216,,,
END
mm-reclaim --ram=384M -t memory_files -n trace.csv 2> err > files
same "memory.events oom_group_kill" 1 "$(value /k memory.events oom_group_kill)"
[ "$(value /k memory.events oom_kill)" -ge 2 ] || fail "oom_kill of a group of two: $(value /k memory.events oom_kill)"

# memory.swap.max: what did not fit is told
trace <<'END'
,cgroup,,,memory.max,/s,8388608
,cgroup,,,memory.swap.max,/s,2097152
10,exec,,,AUTOMAP,m,
10,cgroup,,,,/s,
10,store,0x10000000,12582912,,,
END
mm-reclaim --ram=384M --swap=64M -t memory_files -n trace.csv 2> err > files
same "memory.swap.peak is the limit" 2097152 "$(value /s memory.swap.peak)"
[ "$(value /s memory.swap.events max)" -gt 0 ] && [ "$(value /s memory.swap.events fail)" -ge "$(value /s memory.swap.events max)" ] ||
	fail "memory.swap.events: $(value /s memory.swap.events max) max, $(value /s memory.swap.events fail) fail"
# memory.swappiness of cgroup v1, Linux 6.6.87 in QEMU (512 MiB, 128 MiB swap), dd bs=30M in a cgroup of 20 MiB: with 0 "Memory cgroup out
# of memory: Killed process 63 (dd)" and nothing swapped; with 60 2722 pages are swapped, with 200 2641, and nobody is killed. A cgroup
# made below before the write keeps 60, one made after it takes what was written; 201 is EINVAL.
swappy() {	# CGROUP ROW
	trace <<END
63,exec,,,AUTOMAP,dd,
,cgroup,,,memory.max,/t/early,20971520
,cgroup,,,memory.swappiness,/t,$2
,cgroup,,,memory.max,/t/late,20971520
63,cgroup,,,,$1,
63,store,0x10000000,31457280,,,
END
	mm-reclaim --ram=512M --swap=128M -S lru_gen=$3 -t summary -n trace.csv 2> err |
		awk -F, '{ v[$1] = $2 } END { print v["oom_kill"], (v["pswpout"] > 2000) }'
}
for gen in 0 1; do
	same "swappiness 0, lru_gen $gen" "1 0" "$(swappy /t/late 0 $gen)"
	same "of an earlier child" "0 1" "$(swappy /t/early 0 $gen)"
	same "swappiness 60" "0 1" "$(swappy /t/late 60 $gen)"
	same "swappiness 200" "0 1" "$(swappy /t/late 200 $gen)"
done
swappy /t/late 201 0 > /dev/null
grep -q 'trace.csv:4: cgroup: expected memory.swappiness from 0 to 200, found 201' err || fail "swappiness 201: $(cat err)"
swappy /t/late max 0 > /dev/null
grep -q 'trace.csv:4: cgroup: expected memory.swappiness from 0 to 200, found ' err || fail "swappiness max: $(cat err)"

# Half of swap.max is used: pages that come back give up their slots (mem_cgroup_swap_full()). Linux 6.6.87 in QEMU (192 MiB, 384 MiB swap,
# vm.page-cluster 0), 20 MiB of memory and 20 of swap: 30 MiB are stored once and read three times, 7680 major faults each time (MGLRU:
# exactly; classic 7669, 15360 and 23027 in all), memory.swap.current is from 10.9 to 12 MB throughout, and no slot is refused.
for gen in 0 1; do
	trace <<'END'
,cgroup,,,memory.max,/w,20971520
,cgroup,,,memory.swap.max,/w,20971520
10,exec,,,AUTOMAP,m,
10,cgroup,,,,/w,
10,store,0x10000000000,31457280,,,
10,load,0x10000000000,31457280,,,
10,load,0x10000000000,31457280,,,
10,load,0x10000000000,31457280,,,
END
	mm-reclaim --ram=192M --swap=384M -S vm.page-cluster=0 -S thp=never -S lru_gen=$gen -t memory_files -n trace.csv 2> err > files
	same "swap.max is not met, lru_gen $gen" "23040 0 0 0" \
		"$({ value /w memory.stat pgmajfault; value /w memory.swap.events fail; value /w memory.swap.events max
			value /w memory.events oom_kill; } | paste -sd' ')"
	[ $gen = 1 ] || [ "$(value /w memory.swap.current)" -lt 12500000 ] ||
		fail "slots that are kept: $(value /w memory.swap.current) bytes"
done

# A cgroup that is removed: its 100 pages stay charged above it until they go, its name is free for another, which begins with nothing.
trace <<'END'
10,mark,,,,there,
10,exec,,,AUTOMAP,m,
10,cgroup,,,,/p/a,
10,store,0x10000000,409600,,,
10,cgroup,,,,/q,
,cgroup,,,rmdir,/p/a/,
,cgroup,,,memory.max,/p/a,409600
10,mark,,,,gone,
10,exit,,,,,
END
mm-reclaim --every=mark -t memcg -o memcg,anon_bytes,max_bytes -n trace.csv 2> err > files
same "removed" "there,/,409600, there,/p,409600, there,/p/a,0,409600 there,/q,0, gone,/,0, gone,/p,0, gone,/p/a,0,409600 gone,/q,0," \
	"$(grep -v '^,' files | paste -sd' ')"
# its page tables too (three pages), which go past the stock of the CPU; a page of objects is left, as in Linux 6.6.87 in QEMU: 4096 bytes
same "a removed cgroup's page tables" "there,/p,425984 gone,/p,4096" \
	"$(mm-reclaim --every=mark -t memcg -o memcg,current_bytes -n trace.csv 2> err | grep '/p,' | paste -sd' ')"
busy() {	# ROW MESSAGE
	trace <<END
10,exec,,,AUTOMAP,m,
10,cgroup,,,,/p/a,
,cgroup,,,rmdir,$1,
END
	mm-reclaim trace.csv 2> err > /dev/null
	[ $? = 1 ] && grep -q "trace.csv:4: cgroup: rmdir $1: $2" err || fail "rmdir $1: $(cat err)"
}
busy /p "it has tasks or cgroups in it"
busy /p/a "it has tasks or cgroups in it"
busy /x "no such cgroup"
# What was swapped out from a removed cgroup is charged to the task that brings it back.
for gen in 0 1; do
	trace <<'END'
,cgroup,,,memory.max,/a,8388608
10,exec,,,AUTOMAP,m,
10,cgroup,,,,/a,
10,store,0x10000000,16777216,,,
10,cgroup,,,,/b,
,cgroup,,,rmdir,/a,
10,load,0x10000000,16777216,,,
END
	mm-reclaim --ram=384M --swap=128M -S lru_gen=$gen -S vm.page-cluster=0 -t memory_files -n trace.csv 2> err > files
	same "no files of a removed cgroup" "" "$(awk -F, '$1 == "/a"' files)"
	[ "$(value /b memory.stat anon)" = $(($(value /b memory.stat pgmajfault) * 4096)) ] &&
		[ "$(value /b memory.stat pgmajfault)" -gt 2000 ] ||
		fail "pages back from swap: $(value /b memory.stat anon) bytes, $(value /b memory.stat pgmajfault) faults"
done

# The cgroups of a captured machine: who is in which, and the limits of each level, of cgroup v2 and v1. What a capture says wrongly
# is counted; a path that leads out of it is not followed.
root=$tmp/captured
mkdir -p "$root/proc/10" "$root/sys/fs/cgroup/a/b" "$root/sys/fs/cgroup/memory/j"
cp "$data/reclaim/cgroups/proc/"* "$root/proc/"
echo 0::/a/b > "$root/proc/10/cgroup"
echo 8388608 > "$root/sys/fs/cgroup/a/memory.max"
echo max > "$root/sys/fs/cgroup/a/b/memory.max"
echo 4194304 > "$root/sys/fs/cgroup/a/b/memory.low"
echo 16777216 > "$root/sys/fs/cgroup/memory/j/memory.limit_in_bytes"
echo 0 > "$root/sys/fs/cgroup/memory/j/memory.swappiness"
trace <<'END'
10,exec,,,AUTOMAP,m,
10,store,0x10000000,12582912,,,
END
captured() { mm-reclaim -M "$root" --swap=64M -t memcg -o memcg,max_bytes,low_bytes,events_oom_kill -n "$@" trace.csv 2> err |
	paste -sd' '; }
same "captured v2" "/,,0,0 /a,8388608,0,0 /a/b,,4194304,0" "$(captured)"
[ "$(mm-reclaim -M "$root" --swap=64M -t memcg -o memcg,current_bytes -n trace.csv 2> err |
	awk -F, '$1 == "/a/b" { print ($2 > 7340032 && $2 <= 8388608) }')" = 1 ] ||
	fail "a captured limit holds: $(cat err)"
same "the command line wins" "/,,0,0 /workload,33554432,0,0" "$(captured --memory-max=32M)"
printf '7:cpu,memory:/j\n0::/a/b\n' > "$root/proc/10/cgroup"
same "captured v1" "/,,0,0 /j,16777216,0,0" "$(captured)"
sed -i 's/12582912/25165824/' trace.csv
same "with its swappiness of 0: killed" "/,,0,0 /j,16777216,0,1" "$(captured)"
echo '0::/' > "$root/proc/10/cgroup"
same "the root" "/,,0,0" "$(captured)"
echo '0::/../../a' > "$root/proc/10/cgroup"
same "a path out of it" "/,,0,0" "$(captured)"
grep -q 'files of captured cgroups that cannot be read' err || fail "a path out of the capture: $(cat err)"
echo '0::/a/b' > "$root/proc/10/cgroup"
echo 12x > "$root/sys/fs/cgroup/a/memory.max"
same "no number" "/,,0,0 /a,,0,0 /a/b,,4194304,0" "$(captured)"
grep -q 'files of captured cgroups that cannot be read' err || fail "a limit that is no number: $(cat err)"
exit $failed
