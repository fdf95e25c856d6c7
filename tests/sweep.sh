#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Sweeps over one parameter and two: every point is what the same machine does alone, and what cannot be swept is told.
. "${srcdir:-.}/tests/lib.sh"
cd "$tmp" || exit 99

# A program that goes through 3 MiB of its memory and a file of 2 MiB three times.
{
	echo pid,event,addr,size,name
	echo 7,exec,,,/bin/p
	echo ,file,,2097152,/f
	echo 7,mmap,0x10000000,3145728,
	for i in 1 2 3; do
		echo 7,store,0x10000000,3145728,
		echo 7,read,0,2097152,/f
	done
} > rows.csv
awk -F, 'BEGIN { flags["mmap"] = "PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED"; flags["exec"] = "AUTOMAP" }
	{ print $0 "," (NR == 1 ? "flags" : flags[$2]) }' rows.csv > t.csv

columns=minflt,majflt,pswpin,pswpout,oom_kill
# alone OPTIONS...: the same columns of one run, from its summary
alone() {
	mm-reclaim "$@" -t summary -n t.csv 2> /dev/null | awk -F, '{ v[$1] = $2 }
		END { print v["pgfault"] - v["pgmajfault"] "," v["pgmajfault"] "," v["pswpin"] "," v["pswpout"] "," v["oom_kill"] }'
}
# points SWEEP OPTION VALUES...: each point against a run of its own
points() {
	local sweep=$1 option=$2 want
	shift 2
	want=$(for v; do alone --memory-max=2M --swap=16M "$option$v"; done)
	same "--sweep=$sweep" "$want" "$(mm-reclaim --memory-max=2M --swap=16M --sweep="$sweep" -o $columns -n t.csv 2> err)"
}
points memory-max=1M..4M:3 --memory-max= 1M 2M 4M
points ram=32M..128M:3 --ram= 32M 64M 128M
points swap=0..8M:3 --swap= 0 4M 8M
points swap=1M..16M:3 --swap= 1M 4M 16M
points vm.swappiness=0..200:3 -Svm.swappiness= 0 100 200
points lru_gen=0..1:2 -Slru_gen= 0 1
points vm.page-cluster=0..4:3 -Svm.page-cluster= 0 2 4

# two: the second changes fastest, one thread or more the same
want=$(for m in 1M 2M; do for s in 0 100 200; do alone --memory-max=$m --swap=16M -Svm.swappiness=$s; done; done)
grid="--swap=16M --sweep=memory-max=1M..2M:2 --sweep=vm.swappiness=0..200:3"
same "a grid" "$want" "$(mm-reclaim $grid -o $columns -n t.csv 2> err)"
same "its values" "memory_max_bytes,vm_swappiness 1048576,0 1048576,100 1048576,200 2097152,0 2097152,100 2097152,200" \
	"$(mm-reclaim $grid -o memory_max_bytes,vm_swappiness t.csv 2> err | paste -sd' ')"
[ "$(printf '%s\n' "$want" | sort -u | wc -l)" -gt 3 ] || fail "the points of the grid do not differ: it shows nothing"
same "a machine that the trace carries gives way to the sweep" "$want" \
	"$({ head -1 t.csv; echo ,sysctl,,,vm.swappiness,5; sed 1d t.csv; } | mm-reclaim $grid -o $columns -n 2> err)"

# Nobody says how many CPUs there are: as many as the first rows name, for each point as for one run, from a file or a pipe,
# one point or several, and where the shared rows have no room.
awk -F, -v OFS=, 'NR == 1 { print "cpu", $0; next } { print NR % 3, $0 }' t.csv > t3.csv
alone3() { mm-reclaim --memory-max=2M --swap=16M "$@" -t summary -n t3.csv 2> err | awk -F, '{ v[$1] = $2 }
	END { print v["pgfault"] - v["pgmajfault"] "," v["pgmajfault"] "," v["pswpin"] "," v["pswpout"] "," v["oom_kill"] }'; }
said() { [ "$(grep -c 'a machine of 3 CPUs, by its first rows' err)" = "$1" ] || fail "$2: what is said of the CPUs"; }
want=$(for v in 0 100 200; do alone3 -Svm.swappiness=$v; done)
said 1 "one run"
[ "$want" != "$(for v in 0 100 200; do alone3 --cpus=1 -Svm.swappiness=$v; done)" ] || fail "CPUs make no difference: it shows nothing"
said 0 "one run with --cpus"
same "CPUs of the first rows" "$want" "$(mm-reclaim --memory-max=2M --swap=16M --sweep=vm.swappiness=0..200:3 -o $columns -n t3.csv 2> err)"
said 1 "a sweep"
same "CPUs of the first rows of a pipe" "$want" \
	"$(mm-reclaim --memory-max=2M --swap=16M --sweep=vm.swappiness=0..200:3 -o $columns -n < t3.csv 2> err)"
same "CPUs, one point" "$(sed -n 2p <<< "$want")" \
	"$(mm-reclaim --memory-max=2M --swap=16M --sweep=vm.swappiness=100..100:1 -o $columns -n t3.csv 2> err)"
said 1 "one point"
same "--cpus wins over rows" "$(alone3 --cpus=2 -Svm.swappiness=100)" \
	"$(mm-reclaim --cpus=2 --memory-max=2M --swap=16M --sweep=vm.swappiness=100..200:2 -o $columns -n t3.csv 2> err | head -n 1)"
said 0 "a sweep with --cpus"

# a point at which the program was killed has the figures of a part of it: no bar beside them
printf '%s\n' pid,event,addr,size,flags 9,exec,,,AUTOMAP 9,store,0x10000000,4194304, 9,load,0x10000000,4194304, > kill.csv
mm-reclaim --human --memory-max=2M --swap=64M --sweep=vm.swappiness=0..60:2 kill.csv > out 2> err
grep -q ' 1  killed, out of memory$' out && grep -q ' 0  █' out || fail "a killed program's bar: $(cat out)"
# who reads a file twice has no major faults, but refaults: pages 256 of 512 do not hold them
printf '%s\n' pid,event,size,name,offset ,file,2097152,/f, 9,read,2097152,/f,0 9,read,2097152,/f,0 > twice.csv
mm-reclaim --human --sweep=memory-max=1M..8M:2 twice.csv > out 2> err
grep -q 'REFAULTED PAGES$' out && grep -q '█$' out &&
	[ "$(awk 'NR == 2 { print $3, ($6 > 0) } NR == 3 { print $6 }' out | paste -sd' ')" = '0 1 0' ] ||
	fail "a curve of reads: $(cat out err)"
sed 's/^9/1/' kill.csv > init.csv
mm-reclaim --memory-max=2M --swap=64M --sweep=vm.swappiness=0..60:2 init.csv > out 2> err
grep -q '2 accesses that got no memory, with nobody to be killed for it (process 1 never is)' err || fail "init: $(cat err)"

# refused WHY OPTIONS...: exit 2 and a line that says it
refused() {
	local why=$1
	shift
	mm-reclaim "$@" t.csv > out 2> err
	[ $? = 2 ] || fail "$why: exit status"
	[ -s err ] && [ ! -s out ] || fail "$why: expected nothing but a message"
}
refused "the same parameter twice" --sweep=swappiness=0..2:2 --sweep=vm.swappiness=0..2:2
refused "three parameters" --sweep=ram=1G..2G:2 --sweep=swap=1G..2G:2 --sweep=memory-max=1G..2G:2
refused "more points than 1024" --sweep=vm.swappiness=0..100:33 --sweep=vm.page-cluster=0..8:32
refused "no memory at all" --sweep=ram=0..1G:2
refused "beyond its bounds" --sweep=vm.swappiness=0..201:2
refused "negative" --sweep=vm.swappiness=-1..5:2
refused "from high to low" --sweep=ram=2G..1G:2
refused "no such parameter" --sweep=vm.swapiness=0..5:2
refused "textbook policies in a grid" --policy=lru --sweep=memory-max=1M..2M:2 --sweep=swap=1M..2M:2

# RAM that booting takes whole is no lack of the host's memory
mm-reclaim --ram=1M -t summary t.csv > out 2> err
[ $? = 1 ] && grep -q 'expected a machine with RAM beyond the first MiB' err || fail "1 MiB of RAM: $(cat err)"
exit $failed
