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
exit $failed
