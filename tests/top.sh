#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# mm-top -b on a capture prints what procps 4.0.2's top printed on it (tests/data/procps), and fails well.
. "${srcdir:-.}/tests/lib.sh"
cd "$src" || exit 99
top=$bin/mm-top
TZ=UTC LC_ALL=C.UTF-8 TERM=dumb HOME=/nonexistent XDG_CONFIG_HOME=$tmp/xdg
export TZ LC_ALL TERM HOME XDG_CONFIG_HOME
unset COLUMNS
names=--sysroot=tests/data/proc-names

# The time of day, and the line %Cpu(s), whose spacing depends on the kernel procps thinks it runs on, are left out.
plain() { sed -e '3d' -e 's/ *$//' -e '1s/^top - [0-9#:]*/top -/' "$1"; }
# sorted: the table's rows by pid
same() {
	want=tests/data/procps/$1 how=$2
	shift 2
	"$top" -b -n1 -w200 --human $names "$@" > "$tmp/out" 2> "$tmp/err" || fail "mm-top $*: status $?: $(cat "$tmp/err")"
	plain "$tmp/out" > "$tmp/got"
	plain "$want" > "$tmp/want"
	if [ "$how" = ordered ]; then	# of two without memory either may come first
		for f in got want; do grep -v '^ *14 ' "$tmp/$f" > "$tmp/x"; mv "$tmp/x" "$tmp/$f"; done
	else
		for f in got want; do { head -6 "$tmp/$f"; tail -n +7 "$tmp/$f" | sort; } > "$tmp/x" && mv "$tmp/x" "$tmp/$f"; done
	fi
	diff "$tmp/want" "$tmp/got" > "$tmp/diff" || { fail "mm-top $*:"; cat "$tmp/diff"; }
}
same names.top.txt any

# a capture without pid_max: its processes' numbers are not cut
mkdir -p "$tmp/wide/proc/2149876"
cp tests/data/proc-names/proc/{stat,meminfo} "$tmp/wide/proc/"
sed 's/^[0-9]*/2149876/' "$(ls -d tests/data/proc-names/proc/[0-9]*/stat | head -1)" > "$tmp/wide/proc/2149876/stat"
"$top" -b -n1 --human --sysroot="$tmp/wide" 2> "$tmp/err" | grep -q '^2149876 ' || fail "mm-top: a number of 7 digits is cut"

same names.top_o_MEM.txt ordered -o %MEM
# nothing moves in a capture: 191829 of 527826 ticks since boot were in user space
"$top" -b -n1 -w80 --human $names | grep -q '^%Cpu(s): 36.3 us, 14.2 sy, 14.7 ni, 33.9 id,  0.3 wa,  0.0 hi,  0.4 si,  0.1 st$' ||
	fail "CPUs of a capture: $("$top" -b -n1 -w80 --human $names | sed -n 3p)"
same names.top_o_PID.txt ordered -o -PID
same names.top_E_g_e_m.txt any -E g -e m

# CSV: mem_pct has fewer decimals here, so it is left out
csv_of() { awk -F, -v OFS=, '{ $9 = ""; print }'; }
"$top" -b -n1 --csv $names --output=pid,user,pr,ni,virt_kib,res_kib,shr_kib,state,mem_pct,time_s,command > "$tmp/out" ||
	fail "csv: status $?"
csv_of < tests/data/procps/names.top_csv.csv > "$tmp/want"
{ head -1 "$tmp/out"; tail -n +2 "$tmp/out" | sort -n; } | csv_of | diff "$tmp/want" - || fail "csv differs"
"$top" -b -n1 --csv $names > "$tmp/out" || fail "csv: status $?"
[ "$(head -1 "$tmp/out")" = "pid,user,pr,ni,virt_kib,res_kib,shr_kib,state,cpu_pct,mem_pct,time_s,command" ] ||
	fail "csv header: $(head -1 "$tmp/out")"
[ "$("$top" -b -n1 --csv $names --output=pid,pss_kib -p 200 | tail -1)" = "200," ] || fail "pss without smaps_rollup is not empty"

# swapped out as a whole: smaps_rollup says so
cp -r tests/data/proc-names "$tmp/out-of" && chmod -R u+w "$tmp/out-of"
sed -i 's/^\([0-9]*\) [0-9]* [0-9]*/\1 0 0/' "$tmp/out-of/proc/200/statm"
printf '00400000-7ffe [rollup]\nRss: 0 kB\nPss: 0 kB\nPrivate_Clean: 0 kB\nPrivate_Dirty: 0 kB\nSwap: 4000 kB\n' \
	> "$tmp/out-of/proc/200/smaps_rollup"
[ "$("$top" -b -n1 --csv --sysroot="$tmp/out-of" --output=pid,res_kib,pss_kib,uss_kib -p 200 | tail -1)" = 200,0,0,0 ] ||
	fail "pss of one swapped out"

# selection
pids() { "$top" -b -n1 --csv $names --output=pid "$@" | tail -n +2 | sort -n | tr '\n' ' '; }
[ "$(pids -p 301,200,9)" = "200 301 " ] || fail "-p: $(pids -p 301,200,9)"
[ "$(pids -u postgres)" = "207 " ] || fail "-u: $(pids -u postgres)"
[ "$(pids -u 4242)" = "206 " ] || fail "-u number: $(pids -u 4242)"
[ "$(pids -U '!root')" = "203 206 207 212 " ] || fail "-U !root: $(pids -U '!root')"
[ "$(pids -i)" = "" ] || fail "-i: $(pids -i)"
"$top" -O | grep -qx 'RSsh' || fail "-O lists no RSsh"

# names cannot drive a terminal
mkdir -p "$tmp/evil/proc/7"
for f in stat meminfo uptime loadavg; do cp tests/data/proc-names/proc/$f "$tmp/evil/proc/"; done
printf '7 (\033[31m\001\302\233x\377) S 1 7 7 0 -1 0 1 0 0 0 0 0 0 0 20 0 1 0 1 4096 1 0 0 0 0' > "$tmp/evil/proc/7/stat"
"$top" -b -n1 -w80 --human --sysroot="$tmp/evil" > "$tmp/out" || fail "evil: status $?"
LC_ALL=C grep -q "$(printf '[\001-\010\013-\037\177-\377]')" "$tmp/out" && fail "a control byte came through"
grep -q '?\[31m???*x?$' "$tmp/out" || fail "evil: $(tail -1 "$tmp/out")"
grep -q '^ *7 ? ' "$tmp/out" || fail "a user without status is not '?'"
# a process that ended between listing and reading, a truncated stat
mkdir "$tmp/evil/proc/8" "$tmp/evil/proc/9"
echo '9 (cut) S 1 9' > "$tmp/evil/proc/9/stat"
[ "$("$top" -b -n1 --csv --output=pid --sysroot="$tmp/evil" 2> "$tmp/err" | tail -n +2)" = 7 ] || fail "a process too many"
grep -q '^mm-top: 1 processes have a stat file or a line of ps that cannot be understood$' "$tmp/err" || fail "stderr: $(cat "$tmp/err")"

# a trace: its tasks at the end; three accesses to two pages, one page never touched
printf '%s\n' pid,event,addr,size,flags \
	'7,mmap,0x10000000,0x3000,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED' \
	7,store,0x10000000,8, 7,load,0x10000008,8, 7,store,0x10001000,8, > "$tmp/trace.csv"
"$top" --csv --output=pid,virt_kib,res_kib,shr_kib,swap_kib,accesses,minflt,majflt "$tmp/trace.csv" > "$tmp/out" || fail "trace: status $?"
printf '%s\n' pid,virt_kib,res_kib,shr_kib,swap_kib,accesses,minflt,majflt 7,12,8,0,0,3,2,0 | diff - "$tmp/out" || fail "trace"

# a container: lxcfs gives it 512 MiB and the one CPU it may use, which keeps its number, while processes are the host's
mkdir -p "$tmp/lxc/proc"
cp -r tests/data/proc-names/proc/1 "$tmp/lxc/proc/"
for f in uptime loadavg; do cp tests/data/proc-names/proc/$f "$tmp/lxc/proc/"; done
printf '%s\n' 'MemTotal: 524288 kB' 'MemFree: 262144 kB' 'MemAvailable: 393216 kB' 'Buffers: 0 kB' 'Cached: 131072 kB' \
	'SwapTotal: 0 kB' 'SwapFree: 0 kB' 'SReclaimable: 0 kB' > "$tmp/lxc/proc/meminfo"
printf '%s\n' 'cpu  30 0 10 60 0 0 0 0 0 0' 'cpu5 30 0 10 60 0 0 0 0 0 0' 'intr 0' 'ctxt 0' 'btime 1' 'processes 1' \
	'procs_running 1' 'procs_blocked 0' > "$tmp/lxc/proc/stat"
"$top" -b -n1 -1 -w100 --human --sysroot="$tmp/lxc" > "$tmp/out" || fail "lxcfs: status $?"
grep -q '^%Cpu5 ' "$tmp/out" || fail "lxcfs: no line of CPU 5"
grep -q '^MiB Mem :    512.0 total,    256.0 free,    128.0 used,    128.0 buff/cache' "$tmp/out" || fail "lxcfs: $(grep Mem "$tmp/out")"
# systemd has 12000 KiB: 12000 / 524288 = 2.29 %
[ "$("$top" -b -n1 --csv --sysroot="$tmp/lxc" --output=pid,res_kib,mem_pct | tail -1)" = 1,12000,2.289 ] || fail "lxcfs: %MEM"

"$top" -b -n1 -d .5 --csv $names > /dev/null || fail "-d .5: status $?"

# each CPU of many has its line, and memory comes after them
mkdir -p "$tmp/cpus/proc"
for f in meminfo uptime loadavg; do cp tests/data/proc-names/proc/$f "$tmp/cpus/proc/"; done
cpus() {	# FIRST LAST SYSTEM IDLE: /proc/stat of these CPUs, each as many ticks in the kernel and idle
	awk -v a="$1" -v b="$2" -v s="$3" -v i="$4" 'BEGIN { n = b - a + 1; print "cpu  0 0 " n * s " " n * i " 0 0 0 0 0 0"
		for (k = a; k <= b; k++) print "cpu" k " 0 0 " s " " i " 0 0 0 0 0 0" }'
}
cpus 0 1023 500 500 > "$tmp/cpus/proc/stat"
"$top" -b -n1 -1 -w80 --human --sysroot="$tmp/cpus" > "$tmp/out" || fail "1024 CPUs: status $?"
[ "$(grep -c '^%Cpu' "$tmp/out")" = 1024 ] || fail "1024 CPUs: $(grep -c '^%Cpu' "$tmp/out") lines"
grep -A 2 '^%Cpu1023:' "$tmp/out" | grep -q '^MiB Swap:' || fail "1024 CPUs: no memory after them"
# CPU 1 goes between two samples: the others' shares are theirs
cpus 0 3 500 500 > "$tmp/cpus/proc/stat"
cpus 0 3 580 520 | grep -v cpu1 > "$tmp/later"
rm "$tmp/out"
"$top" -b -n2 -d2 -1 -w80 --human --sysroot="$tmp/cpus" > "$tmp/out" &
for _ in $(seq 50); do grep -qs "^MiB Swap" "$tmp/out" && break; sleep 0.1; done
mv "$tmp/later" "$tmp/cpus/proc/stat"
wait $! || fail "a CPU that goes: status $?"
[ "$(grep '^%Cpu' "$tmp/out" | tail -n +5 | grep -c ' 80.0 sy, ')" = 3 ] || fail "a CPU that goes: $(grep '^%Cpu' "$tmp/out")"

# control groups, as top of procps 4.0.2 showed them of these files (each laid over a /proc/PID/cgroup)
mkdir -p "$tmp/cg/proc"
for f in stat meminfo uptime loadavg; do cp tests/data/proc-names/proc/$f "$tmp/cg/proc/"; done
cgroup() {	# PID TEXT: a process with that file
	mkdir -p "$tmp/cg/proc/$1"
	sed "s/^1 /$1 /" tests/data/proc-names/proc/1/stat > "$tmp/cg/proc/$1/stat"
	printf "$2" > "$tmp/cg/proc/$1/cgroup"
}
cgroup 1 '12:pids:/user.slice/a\n11:memory:/user.slice\n1:name=systemd:/user.slice/s.scope\n0::/x\n'
cgroup 2 '1:name=systemd:/\n0::/\n'
cgroup 3 '0::/user.slice/user-1000.slice/session-2.scope\n'
cgroup 4 '1:name=systemd:/user.slice/s.scope\n0::/\n'
cgroup 5 '3:cpu,cpuacct:/a b/\\134x\n2:name=foo:/q\n1:name=systemd:/z\n'
cgroup 6 '0::/../other\n'
cgroup 7 'garbage\n'
cgroup 8 '0::/unterminated'
cat > "$tmp/expected" << 'EOF'
  PID CGROUPS                                                                                CGNAME
    1 12:pids:/user.slice/a,11:memory:/user.slice,1:name=systemd:/user.slice/s.scope,0::/x   systemd:/user.slice/s.scope,0::/x
    2 -                                                                                      -
    3 0::/user.slice/user-1000.slice/session-2.scope                                         0::/user.slice/user-1000.slice/session-2.scope
    4 1:name=systemd:/user.slice/s.scope                                                     systemd:/user.slice/s.scope
    5 3:cpu,cpuacct:/a b/\134x,2:name=foo:/q,1:name=systemd:/z                               foo:/q,1:name=systemd:/z
    6 0::/../other                                                                           0::/../other
    7 garbage                                                                                garbage
    8 0::/unterminated                                                                       0::/unterminated
EOF
"$top" -b -n1 --human -w180 --sysroot="$tmp/cg" -o -PID --output=PID,CGROUPS,CGNAME | tail -n 9 | diff "$tmp/expected" - || fail "cgroups"
"$top" -b -n1 --csv --sysroot="$tmp/cg" -o -CGNAME --output=pid | tr '\n' ' ' | grep -q '^pid 2 6 8 3 5 7 4 1 $' || fail "sorted by cgroups"

# names and command lines that are no text, as top of procps 4.0.2 showed these files; what it sorts by is what it shows
mkdir -p "$tmp/odd/proc"
for f in stat meminfo uptime loadavg; do cp tests/data/proc-names/proc/$f "$tmp/odd/proc/"; done
odd() {	# PID COMM CMDLINE
	mkdir -p "$tmp/odd/proc/$1"
	printf "$1 ($2) S 1 1 1 0 -1 0 1 0 0 0 0 0 0 0 20 0 1 0 1 4096 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n" \
		> "$tmp/odd/proc/$1/stat"
	printf "$3" > "$tmp/odd/proc/$1/cmdline"
}
odd 1 'a\\\\nb' '\0\0'
odd 2 'x\377n\303\244\001y' 'run\0\377\0\001\303\244\0'
odd 3 'a\303\244\303' 'a\001\0b \0'
odd 4 '\001\303\244\342\200' '\n\0x\0'
odd 5 zz ''
commands() { "$top" -b -n1 -w100 --human --sysroot="$tmp/odd" "$@" | sed -e '1,7d' -e 's/ *$//' | cut -c70-; }
[ "$(commands -o -PID)" = "$(printf '%s\n' 'a\\nb' 'x?n??.y' 'aä?' '?ä??' zz)" ] || fail "odd names: $(commands -o -PID)"
[ "$(commands -o -PID -c)" = "$(printf '%s\n' '?' 'run ? .??' 'a? b' '  x' '[zz]')" ] || fail "odd command lines: $(commands -o -PID -c)"
[ "$(commands -o COMMAND)" = "$(printf '%s\n' zz 'x?n??.y' 'aä?' 'a\\nb' '?ä??')" ] || fail "sorted by odd names: $(commands -o COMMAND)"
# a running process that used nothing is as idle as any
sed -i 's/) S/) R/' "$tmp/odd/proc/5/stat"
[ -z "$(commands -i)" ] || fail "-i: $(commands -i)"

# what it takes itself does not grow from the tenth sample to the two thousandth
if [ -z "${SANITIZERS:-}" ] && [ -r /proc/self/stat ]; then
	"$top" -b -d 0 -n 2000 -p 0 --csv --noheadings --output=res_kib > "$tmp/out" || fail "2000 samples: status $?"
	[ "$(wc -l < "$tmp/out")" = 2000 ] || fail "2000 samples: $(wc -l < "$tmp/out")"
	awk 'NR == 10 { least = $1 } NR > 10 && $1 > least + 64 { exit 1 }' "$tmp/out" ||
		fail "it grew: $(sort -u "$tmp/out" | tr '\n' ' ')"
fi

# fails STATUS TEXT WORD...
fails() {
	status=$1 text=$2
	shift 2
	"$top" "$@" > "$tmp/out" 2> "$tmp/err" < /dev/null
	got=$?
	[ "$got" = "$status" ] || fail "mm-top $*: status $got, expected $status"
	grep -qF -- "$text" "$tmp/err" || fail "mm-top $*: expected '$text', found: $(cat "$tmp/err")"
}
fails 1 "proc/meminfo: No such file or directory" -b -n1 --sysroot="$tmp"
fails 1 "no user is called 'nosuch'" -b -n1 $names -u nosuch
fails 2 "unknown field 'X'" -b -n1 -o X
fails 2 "none of the letters" -E x
fails 2 "no list of process ids" -p 1,x
fails 2 "conflict" -p 1 -u root
fails 2 "expected seconds, found '.'" -d .
fails 2 "up to 1000000 seconds, found '18446744073'" -d 18446744073
fails 2 "not allowed in secure mode" -s -d 1
fails 2 "-n" -n 0
fails 2 "--every needs a trace" -b --every=1
fails 1 "unknown field 'nope'" -b -n1 --human $names --output=nope
"$top" -b -n1 $names > /dev/full 2> "$tmp/err"
[ $? = 1 ] || fail "a full disk: $(cat "$tmp/err")"

# a file whose last line does not end may be cut: told, an error under --strict
cp -r tests/data/proc-names "$tmp/cut"
head -c -1 tests/data/proc-names/proc/meminfo > "$tmp/cut/proc/meminfo"
"$top" -b -n1 --csv --sysroot="$tmp/cut" > "$tmp/out" 2> "$tmp/err" || fail "cut: status $?"
grep -qx 'mm-top: proc/meminfo: its last line is cut off' "$tmp/err" || fail "cut: $(cat "$tmp/err")"
"$top" -b -n1 --csv --strict --sysroot="$tmp/cut" > "$tmp/out" 2> "$tmp/err" && fail "cut: no error under --strict"
grep -qx 'mm-top: proc/meminfo: its last line is cut off, an error under --strict' "$tmp/err" || fail "cut: $(cat "$tmp/err")"

# the live system: this shell is in it, with what status says of it
"$top" -b -n1 --csv --output=pid,ppid,user,command -p $$ > "$tmp/out" || fail "live: status $?"
grep -q "^$$,$PPID,$(id -un)," "$tmp/out" || fail "live: $(cat "$tmp/out")"
exit $failed
