#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Memory cgroups of a captured machine as a table, without a simulation. Expected values are those that are written to the files, and
# arithmetic with them.
. "${srcdir:-.}/tests/lib.sh"
cd "$tmp" || exit 99

put() { mkdir -p "$(dirname "$1")" && printf '%b\n' "$2" > "$1"; }	# FILE TEXT
table() { mm-reclaim -n -t memcg --sysroot="$1" "${@:2}" 2> err; }

# v2: 768 of 1024 MiB, below it 100 of no limit and 300 of 400 MiB; the root has memory.stat alone
top=v2/sys/fs/cgroup a=v2/sys/fs/cgroup/a.slice
put $top/cgroup.controllers 'cpu memory'
put $top/memory.stat 'anon 900000\nfile 1200000\nkernel 5'
put $a/memory.current 805306368
put $a/memory.max 1073741824
put $a/memory.high max
put $a/memory.peak 905306368
put $a/memory.stat 'anon 400000000\nfile 300000000\nkernel 90000000\npagetables 40960\nshmem 8192\nsomething_new 7\nunevictable 4096'
put $a/memory.events 'low 1\nhigh 2\nmax 3\noom 4\noom_kill 5\noom_group_kill 0'
put $a/b.service/memory.current 104857600
put $a/b.service/memory.max max
put $a/b.service/memory.swap.current 12288
put $a/a.service/memory.current 314572800
put $a/a.service/memory.max 419430400
put $a/a.service/memory.low max
mkdir -p $top/empty/deeper $top/dev-mqueue.mount
put $top/empty/deeper/memory.current 4096
same "v2" "/,,,900000,1200000,5,,,,,,,,,,,,
/a.slice,805306368,,400000000,300000000,90000000,1073741824,,,,,2,3,4,5,,75.00,268435456
/a.slice/a.service,314572800,,,,,419430400,,,,,,,,,,75.00,104857600
/a.slice/b.service,104857600,12288,,,,,,,,,,,,,,,268435456
/empty/deeper,4096,,,,,,,,,,,,,,,," "$(table v2)"
[ -s err ] && fail "v2: $(cat err)"
same "columns with -o" "/a.slice,40960,8192,1,905306368" \
	"$(table v2 -o memcg,pagetables_bytes,shmem_bytes,events_low,peak_bytes | grep '^/a.slice,')"
mm-reclaim --human -t memcg --sysroot=v2 2> err | grep -Eq '^/a.slice +768M .* 75\.00 +256M' ||
	fail "for people: $(mm-reclaim --human -t memcg --sysroot=v2)"
# Linux before 5.18 has no line kernel: its parts
put $a/b.service/memory.stat 'kernel_stack 1000\nslab_reclaimable 100\nslab_unreclaimable 200\nslab 300\npagetables 4096\npercpu 50'
same "kernel in parts" "/a.slice/b.service,5446" "$(table v2 -o memcg,kernel_bytes | grep b.service)"

# v1: totals, where the kernel has them; its number for no limit. The other controllers' trees are no cgroups of memory's.
m=v1/sys/fs/cgroup/memory
mkdir -p v1/sys/fs/cgroup/cpu/x v1/sys/fs/cgroup/systemd
put $m/memory.usage_in_bytes 1000000
put $m/memory.limit_in_bytes 9223372036854771712
put $m/memory.stat 'cache 1\nrss 2\nswap 3\ntotal_cache 10\ntotal_rss 20\ntotal_swap 30'
put $m/j/memory.usage_in_bytes 900000
put $m/j/memory.limit_in_bytes 1800000
put $m/j/memory.memsw.usage_in_bytes 1000000
put $m/j/memory.memsw.limit_in_bytes 1400000
put $m/j/memory.kmem.usage_in_bytes 4096
put $m/j/memory.max_usage_in_bytes 1700000
put $m/j/memory.stat 'cache 7\nrss 8\nshmem 6'
put $m/j/memory.oom_control 'oom_kill_disable 0\nunder_oom 0\noom_kill 9'
same "v1" "/,1000000,30,20,10,,,,,,,,,,,,,
/j,900000,,8,7,4096,1800000,,,,,,,,9,,50.00,400000" "$(table v1)"

# What is no number is empty, told and with --strict an error.
cp -r v2 bad
put bad/sys/fs/cgroup/a.slice/memory.current -4096
put bad/sys/fs/cgroup/a.slice/memory.max 99999999999999999999
put bad/sys/fs/cgroup/a.slice/memory.stat 'anon 4000\nfile'
: > bad/sys/fs/cgroup/a.slice/memory.events
put bad/sys/fs/cgroup/a.slice/a.service/memory.current max
same "bad numbers" "/a.slice,,,4000,,,,,,,,,,,,,, /a.slice/a.service,,,,,,419430400,,,,,,,,,,," \
	"$(table bad | grep -e '^/a.slice,' -e a.service | paste -sd' ')"
grep -q ' bad: left out 5 files and lines of cgroups that cannot be read' err || fail "bad numbers: $(cat err)"
refused 1 'bad: expected none of these under --strict, found 5' mm-reclaim --strict -t memcg --sysroot=bad
mkdir none
refused 1 'none/sys/fs/cgroup: expected files of memory cgroups, found none' mm-reclaim -t memcg --sysroot=none
ln -s . $top/loop
same "a link is not followed" 5 "$(table v2 | wc -l)"

# Thousands of them, and one a thousand levels deep
mkdir -p many/sys/fs/cgroup
(cd many/sys/fs/cgroup && mkdir c{1..3000} && for i in {1..3000}; do echo $((i * 4096)) > c$i/memory.current; done)
deep=many/sys/fs/cgroup/d$(printf '/d%.0s' $(seq 999))
mkdir -p "$deep" && echo 4096 > "$deep/memory.current"
same "thousands" "3001 $((3000 * 3001 / 2 * 4096 + 4096))" "$(table many | awk -F, '{ n++; s += $2 } END { printf "%d %.0f", n, s }')"
exit $failed
