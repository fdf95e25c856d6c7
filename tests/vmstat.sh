#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# mm-vmstat on two captures prints what procps 4.0.2's vmstat printed on them (tests/data/procps), and fails well.
. "${srcdir:-.}/tests/lib.sh"
cd "$src" || exit 99
vm=$bin/mm-vmstat
TZ=UTC LC_ALL=C.UTF-8 TERM=dumb
export TZ LC_ALL TERM

# same EXPECTED WORD...: the text, blanks at line ends apart
same() {
	want=tests/data/procps/$1
	shift
	"$vm" "$@" > "$tmp/out" 2> "$tmp/err" || { echo "mm-vmstat $*: status $?: $(cat "$tmp/err")"; failed=1; return; }
	sed 's/ *$//' "$tmp/out" > "$tmp/got"
	sed 's/ *$//' "$want" | diff - "$tmp/got" > "$tmp/diff" || { echo "mm-vmstat $*:"; cat "$tmp/diff"; failed=1; }
}
names=--sysroot=tests/data/proc-names
old=--sysroot=tests/data/proc-old
same names.vmstat.txt --human $names
same names.vmstat_s.txt --human $names -s
same names.vmstat_f.txt --human $names -f
same old.vmstat.txt --human $old
same old.vmstat_w.txt --human $old -w
same old.vmstat_a.txt --human $old -a
same old.vmstat_S_m.txt --human $old -S m
same old.vmstat_s.txt --human $old -s
same old.vmstat_d.txt --human $old -d
same old.vmstat_D.txt --human $old -D

# what vmstat of procps 4.0.2 printed of numbers of more bits than it has: rates and slabs are 32 bits wide, requests in progress signed
mkdir -p "$tmp/wide/proc" "$tmp/wide/sys/block/sda"
for f in meminfo vmstat; do cp tests/data/proc-names/proc/$f "$tmp/wide/proc/"; done
printf '%s\n' 'cpu  0 0 0 0 0 0 0 0 0 0' 'intr 50000000 1' 'ctxt 12' 'btime 1' 'processes 1' 'procs_running 1' \
	'procs_blocked 0' > "$tmp/wide/proc/stat"
printf '%s\n' '   8       0 sda 1 0 2 3 4 0 5 6 4294967295 7 8' \
	'   8       1 sda1 1 0 2 3 4 0 5 6 4294960000 7 8' > "$tmp/wide/proc/diskstats"
{
	printf 'slabinfo - version: 2.1\n# name <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables '
	printf '<limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>\n'
	printf 'dentry 4294967299 4294967300 192 21 1 : tunables 0 0 0 : slabdata 9 9 0\n'
} > "$tmp/wide/proc/slabinfo"
wide() {	# LINE OPTION...: that line of the text
	want=$1
	shift
	"$vm" --human --sysroot="$tmp/wide" "$@" > "$tmp/out" || bad=1
	grep -qxF "$want" "$tmp/out" || { echo "mm-vmstat $*: no line '$want':"; cat "$tmp/out"; bad=1; }
}
wide ' 1  0      0 3145728     16  13176    0    0  2500   400 705032704 1200  0  0 100  0  0'
wide 'sda        1      0       2       3      4      0       5       6      0      0' -d
wide '            0 inprogress IO' -D
wide 'dentry                        3      4    192     21' -m
[ "$("$vm" --csv --noheadings --sysroot="$tmp/wide" -m --output=objects)" = 4294967300 ] || { echo "CSV: not the kernel's number"; bad=1; }

# without sys/block partitions are known by their names: sda1 of sda, nvme0n1p1 of nvme0n1; an sdc1 without sdc is a disk
mkdir -p "$tmp/names/proc"
cp "$tmp"/wide/proc/* "$tmp/names/proc/"
printf ' 8 %s 1 2 3 4 5 6 7 8 9 10 11\n' '0 sda' '1 sda1' '2 sda12' '3 nvme0n1' '4 nvme0n1p1' '5 mmcblk0' '6 mmcblk0p2' \
	'7 mmcblk0boot0' '8 sdc1' '9 loop1' '10 loop11' > "$tmp/names/proc/diskstats"
"$vm" --csv --noheadings --sysroot="$tmp/names" -D --output=value | head -3 | tr '\n' ' ' > "$tmp/out"
[ "$(cat "$tmp/out")" = '7 4 7 ' ] ||
	{ echo "partitions by name: expected 7 disks, 4 partitions, 7 reads, found $(cat "$tmp/out")"; bad=1; }

# CSV: the columns of the capture, gu_pct and weighted_ms behind them
csv() {
	want=tests/data/procps/$1
	shift
	"$vm" --csv "$@" > "$tmp/out" 2> "$tmp/err" || { echo "mm-vmstat --csv $*: status $?: $(cat "$tmp/err")"; failed=1; return; }
	n=$(head -1 "$want" | tr ',' '\n' | wc -l)
	cut -d, -f1-"$n" "$tmp/out" | diff "$want" - > "$tmp/diff" || { echo "mm-vmstat --csv $*:"; cat "$tmp/diff"; failed=1; }
}
csv names.vmstat_csv.csv $names
csv names.vmstat_csv_a.csv $names -a
csv names.vmstat_csv_d.csv $names -d
csv old.vmstat_csv.csv $old

# every counter, one sample: no delta yet; two samples of a capture: nothing moved
"$vm" --csv $names --table=counters > "$tmp/out" || failed=1
[ "$(head -2 "$tmp/out" | tail -1)" = "nr_free_pages,51328," ] || { echo "counters: $(head -2 "$tmp/out")"; failed=1; }
"$vm" --csv $names --table=counters 1 2 > "$tmp/out" || failed=1
[ "$(grep -c '^nr_free_pages,51328,0,' "$tmp/out")" = 1 ] || { echo "counters twice: no delta of 0"; failed=1; }

# changes TEXT: in the background, the capture's vmstat once the first sample is there
changes() {
	rm -f "$tmp/out"
	{ for _ in $(seq 600); do [ -s "$tmp/out" ] && break; sleep 0.05; done; printf "$1" > "$tmp/change/proc/new" &&
		mv "$tmp/change/proc/new" "$tmp/change/proc/vmstat"; } &
}

# counters that vanish, appear, fall and rise between two samples
mkdir -p "$tmp/change/proc"
printf 'nr_free_pages 10\nnr_gone 3\npgfault 5\n' > "$tmp/change/proc/vmstat"
changes 'nr_free_pages 4\nnr_new 7\npgfault 9\n'
"$vm" --csv --sysroot="$tmp/change" --table=counters --output=counter,value,delta 1 2 > "$tmp/out" || failed=1
wait
printf '%s\n' counter,value,delta nr_free_pages,10, nr_gone,3, pgfault,5, nr_free_pages,4,-6 nr_new,7, pgfault,9,4 |
	diff - "$tmp/out" || { echo "counters that change"; failed=1; }

# a 32-bit counter that went round: 4294967290 to 1194 is 1200 KiB, in a second or a little more; one that fell: nothing
for f in stat meminfo; do cp tests/data/proc-old/proc/$f "$tmp/change/proc/"; done
printf 'pgpgin 4294967290\npgpgout 500\npswpin 0\npswpout 0\n' > "$tmp/change/proc/vmstat"
changes 'pgpgin 1194\npgpgout 20\npswpin 0\npswpout 0\n'
"$vm" --csv --noheadings --sysroot="$tmp/change" --output=bi_kib_s,bo_kib_s 1 2 > "$tmp/out" || failed=1
wait
tail -n 1 "$tmp/out" | awk -F, '$1 < 400 || $1 > 1200 || $2 != 0 { exit 1 }' || { echo "wrapped: $(cat "$tmp/out")"; failed=1; }

# a disk whose name has a slash has a folder with '!' in place of it
mkdir -p "$tmp/cciss/proc" "$tmp/cciss/sys/block/cciss!c0d0" "$tmp/cciss/sys/block/sda"
printf ' 104 %s 1 2 3 4 5 6 7 8 9 10 11\n' '0 cciss/c0d0' '1 cciss/c0d0p1' > "$tmp/cciss/proc/diskstats"
[ "$("$vm" --csv --noheadings -d --sysroot="$tmp/cciss" --output=disk)" = cciss/c0d0 ] || { echo "cciss: not one disk"; failed=1; }

# files that were cut off: what is not there is not 0, a number without an end is none, and both are said
mkdir -p "$tmp/cut/proc"
cp tests/data/proc-old/proc/meminfo "$tmp/cut/proc/"
printf 'pgpgin 4000\npswpin 0\npswpout 0\npgpgout 77' > "$tmp/cut/proc/vmstat"
printf 'cpu 0 0 0 200 0 0 0 0\nintr 8\nctxt 1846' > "$tmp/cut/proc/stat"
"$vm" --csv --noheadings --sysroot="$tmp/cut" --output=r,b,si_kib_s,bi_kib_s,bo_kib_s,in_s,cs_s > "$tmp/out" 2> "$tmp/err" || failed=1
[ "$(cat "$tmp/out" "$tmp/err")" = ",,0,2000,,4,
mm-vmstat: proc/vmstat: its last line is cut off" ] || { echo "cut off: $(cat "$tmp/out" "$tmp/err")"; failed=1; }
"$vm" --human --sysroot="$tmp/cut" 2> /dev/null | tail -n 1 | grep -q '^ -  - .* 2000     -    4    -  0  0 100  0  0$' ||
	{ echo "cut off: $("$vm" --human --sysroot="$tmp/cut")"; failed=1; }
"$vm" --human -s --sysroot="$tmp/cut" 2> /dev/null | grep -qx '            - CPU context switches' || { echo "cut off: -s"; failed=1; }
"$vm" --csv --strict --sysroot="$tmp/cut" > "$tmp/out" 2> "$tmp/err" && { echo "cut off: no error under --strict"; failed=1; }
grep -qx 'mm-vmstat: proc/vmstat: its last line is cut off, an error under --strict' "$tmp/err" || { cat "$tmp/err"; failed=1; }
# what kernels have counted below 0 is shown as it stands there, and makes nobody else's share wrong
printf 'cpu 0 0 0 50 0 0 0 18446744073709551000 0 0\nintr 8\nctxt 9\nprocs_running 1\n' > "$tmp/cut/proc/stat"
"$vm" --csv -s --sysroot="$tmp/cut" 2> /dev/null | grep -qx 'stolen cpu ticks,18446744073709551000,ticks' ||
	{ echo "stolen ticks"; failed=1; }
[ "$("$vm" --csv --noheadings --sysroot="$tmp/cut" --output=us_pct,st_pct 2> /dev/null)" = 0,100 ] || { echo "stolen share"; failed=1; }

# a trace: two intervals of a second; three accesses in the first, two after; every first touch of a page is a fault
printf '%s\n' time_s,pid,event,addr,size,flags \
	'0,7,mmap,0x10000000,0x10000,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED' \
	0.1,7,store,0x10000000,8, 0.2,7,load,0x10000008,8, 0.9,7,store,0x10001000,8, \
	1.0,7,store,0x10002000,8, 1.5,7,store,0x10003000,8, > "$tmp/trace.csv"
"$vm" --csv --output=r,accesses,minflt,majflt,so_kib "$tmp/trace.csv" > "$tmp/out" 2> "$tmp/err" || failed=1
printf '%s\n' time_s,r,accesses,minflt,majflt,so_kib 1,1,3,2,0,0 2,1,2,2,0,0 | diff - "$tmp/out" || { cat "$tmp/err"; failed=1; }
"$vm" --csv --every=0.5 --output=accesses - < "$tmp/trace.csv" > "$tmp/out" || failed=1
printf '%s\n' time_s,accesses 0.5,2 1,1 1.5,1 2,1 | diff - "$tmp/out" || failed=1

# fails STATUS TEXT WORD...
fails() {
	status=$1 text=$2
	shift 2
	"$vm" "$@" > "$tmp/out" 2> "$tmp/err"
	got=$?
	[ "$got" = "$status" ] || { echo "mm-vmstat $*: status $got, expected $status"; failed=1; }
	grep -qF -- "$text" "$tmp/err" || { echo "mm-vmstat $*: expected '$text', found: $(cat "$tmp/err")"; failed=1; }
	[ ! -s "$tmp/out" ] || { echo "mm-vmstat $*: printed something"; failed=1; }
}
mkdir -p "$tmp/empty/proc"
fails 1 "No such file or directory" --sysroot="$tmp/nowhere"
fails 1 "proc/vmstat: No such file or directory" --human --sysroot="$tmp/empty"
fails 1 "Disk/Partition sdz not found" $names -p sdz
fails 2 "none of k, K, m, M" -S x
fails 2 "one of -f -m -s -d -D -p" -s -d
fails 2 "one argument too many" 1 2 3
fails 2 "delay" 0
fails 2 "whole numbers, found '0.5'" 0.5 1
fails 2 "whole numbers, found '1x'" 1 1x
fails 2 "needs -p" --table=partition
fails 2 "--every needs a trace" --every=1
"$vm" --human $names > /dev/full 2> "$tmp/err"
[ $? = 1 ] && grep -q "No space left" "$tmp/err" || { echo "a full disk: $(cat "$tmp/err")"; failed=1; }

# the live system: two samples, one header, no first line with -y
"$vm" --csv -y 1 1 > "$tmp/out" || { echo "live: status $?"; failed=1; }
[ "$(wc -l < "$tmp/out")" = 2 ] || { echo "live -y 1 1: $(cat "$tmp/out")"; failed=1; }
exit $failed
