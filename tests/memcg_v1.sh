#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Memory cgroups of v1: memory.limit_in_bytes, memory.memsw.limit_in_bytes, memory.soft_limit_in_bytes. Figures of memory and swap
# together are those of Linux 6.6.87 in QEMU (192 MiB, 384 MiB swap, one CPU, vm.page-cluster 0): a program that stores to 30 MiB once.
. "${srcdir:-.}/tests/lib.sh"
cd "$tmp" || exit 99

trace() { { echo pid,event,addr,size,flags,name,result; printf '%s\n' "$@"; } > trace.csv; }
model() { mm-reclaim -n --ram=192M --swap=384M -S lru_gen=$gen -S thp=never -S vm.page-cluster=0 --check "$@" trace.csv 2> err; }
write() { echo ",cgroup,,,memory.$2,$1,$3"; }			# CGROUP FILE VALUE
program() { echo "$1,exec,,,AUTOMAP,m,"; echo "$1,cgroup,,,,$2,"; echo "$1,store,0x10000000000,$3,,,"; }	# PID CGROUP BYTES
# near WHAT KERNEL FOUND PAGES
near() { [ $(($2 > $3 ? $2 - $3 : $3 - $2)) -le $(($4 * 4096)) ] || fail "$1, lru_gen=$gen: the kernel has $2, found $3"; }
limits() { write /u limit_in_bytes 20971520; write /u memsw.limit_in_bytes $1; program 10 /u 31457280; }
u() { model -t memcg -o memcg,current_bytes,memsw_bytes,swap_current_bytes,max_bytes,memsw_max_bytes,events_oom_kill |
	grep ^/u, | tr , ' '; }

for gen in 0 1; do
	trace "$(limits 25165824)"
	read -r _ current memsw swap max memsw_max killed <<< "$(u)"
	same "24 MiB are too few, lru_gen=$gen" 1 "$killed"
	trace "$(limits 41943040)"
	read -r _ current memsw swap max memsw_max killed <<< "$(u)"
	same "40 MiB are not, lru_gen=$gen" 0 "$killed"
	near "memory" 20877312 "$current" 64
	near "memory and swap" 31535104 "$memsw" 8
	same "each page is one or the other" "$memsw" $((current + swap))
	# read back, page by page: those that come are charged to memory again, their slots no more
	trace "$(limits 41943040)" 10,load,0x10000000000,31457280,,,
	read -r _ current memsw swap max memsw_max killed <<< "$(u)"
	near "memory, read again" 20959232 "$current" 64
	near "memory and swap, read again" 31535104 "$memsw" 8
	# two writes of the next four are EINVAL, then one EBUSY: swapping does not help against it; the last one succeeds
	trace "$(limits 41943040)" 10,load,0x10000000000,31457280,,, "$(write /u limit_in_bytes 52428800)" \
		"$(write /u memsw.limit_in_bytes 10485760)" \
		"$(write /u memsw.limit_in_bytes 20971520)" "$(write /u limit_in_bytes 8388608)"
	read -r _ current memsw swap max memsw_max killed <<< "$(u)"
	same "refused, lru_gen=$gen" "8388608 41943040 0" "$max $memsw_max $killed"
	near "memory, less" 8372224 "$current" 64
	near "memory and swap, less" 31535104 "$memsw" 8
	grep -q ' 2 limits of cgroup v1 refused (EINVAL)' err || fail "EINVAL: $(cat err)"
	grep -q ' 1 limits of cgroup v1 refused (EBUSY)' err || fail "EBUSY: $(cat err)"
	# the machine becomes v1's when pages are on swap already
	trace "$(program 10 /u 31457280)" "$(write /u max 20971520)" \
		"$(write /u memsw.limit_in_bytes 41943040)" 10,load,0x10000000000,31457280,,,
	read -r _ current memsw swap max memsw_max killed <<< "$(u)"
	near "late" 31535104 "$memsw" 8
done

# What the kernel's log says of the two limits
gen=0
trace "$(limits 25165824)"
model --oom-report=log -t memcg > out
grep -Eq 'memory: usage [0-9]+kB, limit 20480kB' log && grep -Eq 'memory\+swap: usage 24[45][0-9]{2}kB, limit 24576kB, failcnt [1-9]' log ||
	fail "report: $(grep usage log)"
mm-reclaim --human --explain-oom=log 2> err | grep -q 'its memory and swap: 24[45].. KiB used of 24576 KiB allowed' ||
	fail "explained: $(mm-reclaim --human --explain-oom=log)"

# Soft limits: 40 MiB of /s, 40 of /v, then 115 more where 87044 KiB are free (that kernel again). /s is beyond 4 MiB: kswapd and direct
# reclaim take all that they want from it, more than its excess, and nothing from /v. Beyond nothing: as without. MGLRU has no tree.
soft() {
	trace ${1:+$(write /s soft_limit_in_bytes $1)} "$(program 10 /s 41943040)" \
		"$(program 11 /v 41943040)" 12,exec,,,AUTOMAP,m, 12,store,0x10000000000,120586240,,,
	mm-reclaim -n --ram=174612K --swap=384M -S lru_gen=$gen -S thp=never -S vm.page-cluster=0 --check -t memcg \
		-o memcg,current_bytes,swap_current_bytes trace.csv \
		2> err | awk -F, '{ n[$1] = $2 " " $3 } END { print n["/s"], n["/v"] }'
}
for gen in 0 1; do
	without=$(soft max)
	same "a soft limit that is not met changes nothing, lru_gen=$gen" "$without" "$(soft 52428800)"
done
gen=0
read -r s swap v rest <<< "$(soft max)"
near "/s without" 32497664 "$s" 400
near "/v without" 32518144 "$v" 400
read -r s swap v rest <<< "$(soft 4194304)"
near "/s with a soft limit" 2904064 "$s" 450
near "/s on swap" 39137280 "$swap" 450
same "/v with all its pages" "42205184 0" "$v $rest"

# bad input
trace ',cgroup,,,memory.soft_limit_in_bytes,/a,many'
refused 1 'trace.csv:2: cgroup: expected memory.soft_limit_in_bytes in bytes or max' mm-reclaim -t memcg trace.csv
trace ',cgroup,,,memory.memsw.limit_in_bytes,/,4096'
refused 1 'trace.csv:2: cgroup: the root has no memory.memsw.limit_in_bytes' mm-reclaim -t memcg trace.csv
trace "$(write /a soft_limit_in_bytes max)" "$(write /a limit_in_bytes 0)" "$(write /a memsw.limit_in_bytes 18446744073709551615)" \
	"$(program 10 /a 4096)"
gen=0
same "none at all" "/a,0,,,1" "$(model -t memcg -o memcg,max_bytes,memsw_max_bytes,soft_limit_bytes,events_oom_kill | grep ^/a)"

# The limits of a captured machine of v1
mkdir -p c/proc/10 c/sys/fs/cgroup/memory/j
cp "$data/reclaim/cgroups/proc/"* c/proc/
echo 7:memory:/j > c/proc/10/cgroup
j=c/sys/fs/cgroup/memory/j
echo 20971520 > $j/memory.limit_in_bytes
echo 25165824 > $j/memory.memsw.limit_in_bytes
echo 4194304 > $j/memory.soft_limit_in_bytes
echo 9223372036854771712 > c/sys/fs/cgroup/memory/memory.soft_limit_in_bytes
trace 10,exec,,,AUTOMAP,m, 10,store,0x10000000000,31457280,,,
captured() { mm-reclaim -n -M c --swap=64M --check \
	"$@" -t memcg -o memcg,max_bytes,memsw_max_bytes,soft_limit_bytes,events_oom_kill trace.csv 2> err | grep ^/j; }
same "captured limits" "/j,20971520,25165824,4194304,1" "$(captured)"
same "captured limits, and what they hold" "/j,20971520,25165824,4194304,1" "$(captured -S captured_lists=1)"
# 1000 pages in memory and 3000 on swap of 5120 and 6144: 2144 more
echo 4096000 > $j/memory.usage_in_bytes
printf 'total_inactive_anon 4096000\ntotal_swap 12288000\n' > $j/memory.stat
echo 16384000 > $j/memory.memsw.usage_in_bytes
for n in 2100 2200; do
	trace 10,exec,,,AUTOMAP,m, 10,store,0x10000000000,$((n * 4096)),,,
	same "$n pages more" $((n > 2144)) "$(captured -S captured_lists=1 | sed 's/.*,//')"
done
same "headroom of the capture" "/j,8781824" "$(mm-reclaim -n -t memcg --sysroot=c -o memcg,headroom_bytes 2> err | grep ^/j)"
exit $failed
