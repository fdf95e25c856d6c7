#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A machine of -M has the swap of the capture: proc/swaps, else proc/meminfo; the command line says otherwise, then the trace.
. "${srcdir:-.}/tests/lib.sh"

# 160 MiB: of 31491 managed pages 4000 are free; swap on two devices, 128 + 64 MiB, 40 + 1 MiB of them in use
m=$tmp/m
mkdir -p "$m/proc"
cat > "$m/proc/zoneinfo" <<'END'
Node 0, zone    DMA32
  pages free     4000
        min      331
        low      413
        high     495
        spanned  36823
        present  36823
        managed  31491
  pagesets
    cpu: 0
              count: 0
              high:  413
              batch: 7
  start_pfn:           4096
END
head='Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n'
zram='/dev/zram0                              partition\t131072\t\t40960\t\t100\n'
swaps() { printf "$head$1" > "$m/proc/swaps"; }
swaps "$zram"'/var/my\\040swap\\040(deleted)              file\t\t65536\t\t1024\t\t-2\n'

{
	echo pid,event,addr,size,flags
	echo '7,mmap,0x100000000000,81920000,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE|MAP_FIXED'
} > "$tmp/begin.csv"
cp "$tmp/begin.csv" "$tmp/store.csv"
awk 'BEGIN { for (i = 0; i < 60; i++) printf "7,store,0x1000%08x,1024000,\n", i * 1024000 }' >> "$tmp/store.csv"
sed '1s/$/,name,result/; 1a ,sysctl,,,,swap,4194304
2s/$/,,/' "$tmp/begin.csv" > "$tmp/row.csv"

# has WHY SIZE-KiB USED-KiB [OPTION|FILE ...]: what the machine's row says, and mm-vmstat before anything is swapped
used() { mm-vmstat --csv --machine="$m" --output=swpd_kib "$@" 2> "$tmp/err" | awk -F, 'END { print $NF }'; }
size() { mm-vma --csv -M "$m" "$@" 2> "$tmp/err" | awk -F, '$6 == "swap" { v = $7 } END { print v / 1024 }'; }
has() { same "$1: size" "$2" "$(size "${@:4}")"; same "$1: used" "$3" "$(used "${@:4}")"; }

has "two devices" 196608 41984 "$tmp/begin.csv"
has "--swap is another device" 8192 0 --swap=8M "$tmp/begin.csv"
has "--swap=0" 0 0 --swap=0 "$tmp/begin.csv"
has "the trace's row" 4096 0 "$tmp/row.csv"
has "--swap before the trace's row" 8192 0 --swap=8M "$tmp/row.csv"
# a command further down has a machine of the same size
same "through a pipe" 196608 "$(mm-vma --csv -M "$m" "$tmp/begin.csv" | mm-fault --csv | awk -F, '$6 == "swap" { print $7 / 1024 }')"
# the slots in use are counted as used, nothing of them as the workload's; what is needed beyond the free pages goes to the others
for gen in 0 1; do
	got=$(mm-reclaim --csv -M "$m" --check -S thp=never -S lru_gen=$gen -t counters "$tmp/begin.csv" | awk -F, '
		$1 ~ /^pswp|^swap_ra|^nr_swapcached/ { n += $2 } END { print n + 0 }')
	same "lru_gen=$gen: counters of swap before anything happens" 0 "$got"
	mm-reclaim --csv -M "$m" --check -S thp=never -S lru_gen=$gen -t summary "$tmp/store.csv" 2> "$tmp/err" |
		awk -F, '{ v[$1] = $2 } END { exit !(v["pswpout"] > 11000 && v["oom_kill"] == 0) }' ||
		fail "lru_gen=$gen: expected swapping, found: $(mm-reclaim --csv -M "$m" -S thp=never -t summary "$tmp/store.csv" |
			paste -sd' ')"
done
# 40 of 48 MiB are in use: what is left is too little for 15000 pages, all of it would not be
swaps '/dev/sda2                               partition\t61440\t\t53248\t\t-2\n'
killed() {
	mm-reclaim --csv -M "$m" -S thp=never -t summary "$@" "$tmp/store.csv" 2> "$tmp/err" | awk -F, '$1 == "oom_kill" { print $2 }'
}
same "slots in use are not to be had" 1 "$(killed)"
same "a new device of that size is empty" 0 "$(killed --swap=61440K)"
swaps '/dev/sda2                               partition\t61440\t\t61440\t\t-2\n'
has "all in use" 61440 61440 "$tmp/begin.csv"
same "all in use" 1 "$(killed)"
# points of a sweep are sizes of new devices
same "sweep" "61440,0" "$(mm-reclaim --csv -M "$m" -S thp=never --sweep=swap=60M..60M:1 -o swap_bytes,oom_kill "$tmp/store.csv" \
	2> "$tmp/err" | awk -F, 'NR == 2 { print $1 / 1024 "," $2 }')"

# memory as the swap device: no page is in it and in memory, what goes is written each time; what a fork shares comes through the cache
{
	echo pid,event,addr,size,flags,result
	echo '1,mmap,0,1638400,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS,0x100000000000'
	for turn in store load load; do
		for ((i = 0; i < 400; i++)); do printf '1,%s,0x%x,8,,\n' $turn $((0x100000000000 + i * 4096)); done
	done
} > "$tmp/turns.csv"
{
	sed '$d' "$tmp/turns.csv"
	echo 1,fork,,,,2
	for pid in 2 1; do
		for ((i = 0; i < 400; i++)); do printf '%s,load,0x%x,8,,\n' $pid $((0x100000000000 + i * 4096)); done
	done
} > "$tmp/forked.csv"
# sums OPTION...: pages in both, pages written less pages taken, pages read ahead, pages rotated
sums() {
	mm-reclaim --csv --swap=64M --memory-max=1M -S thp=never --check -t memcg -n -o swapcached_bytes "$@" 2> "$tmp/err" |
		awk 'NR == 2 { printf "%d,", $1 / 4096 }'
	mm-reclaim --csv --swap=64M --memory-max=1M -S thp=never -t summary "$@" 2> "$tmp/err" |
		awk -F, '{ v[$1] = $2 } END { print v["pswpout"] - v["pgsteal_anon"] "," v["swap_ra"] "," v["pgrotated"] }'
}
same "memory as swap" 0,0,0,0 "$(sums -S swap.synchronous=1 "$tmp/turns.csv")"
case $(sums "$tmp/turns.csv") in
0,* | *,0) fail "a disk as swap: $(sums "$tmp/turns.csv")" ;;
esac
mm-reclaim --csv --swap=64M --memory-max=1M -S thp=never -S swap.synchronous=1 --check -t memcg "$tmp/forked.csv" > "$tmp/out" \
	2> "$tmp/err" ||
	fail "memory as swap, forked: $(cat "$tmp/err")"
# as the capture has it
synchronous() { mm-vma --csv -M "$m" "$@" "$tmp/begin.csv" 2> "$tmp/err" | awk -F, '$6 == "swap.synchronous" { print $7 }'; }
swaps "$zram"
same "zram" 1 "$(synchronous)"
grep -q 'swap in memory (zram)' "$tmp/err" || fail "zram is not told"
same "zram, overridden" 0 "$(synchronous -S swap.synchronous=0)"
swaps "$zram"'/dev/sda2                               partition\t61440\t\t53248\t\t-2\n'
same "zram and a disk" "" "$(synchronous)"

# captured_lists=1: what cgroups have on swap is of it, and beside it what nobody has
put() { mkdir -p "$(dirname "$1")" && printf '%b\n' "$2" > "$1"; }
swaps "$zram"
cg=$m/sys/fs/cgroup
put "$cg/cgroup.controllers" memory
put "$cg/a/memory.current" 0
put "$cg/a/memory.swap.current" 10485760
got=$(mm-reclaim --csv -M "$m" --check -S captured_lists=1 -t memcg -o memcg,swap_current_bytes "$tmp/begin.csv" | grep ^/a)
same "captured_lists: the cgroup's" /a,10485760 "$got"
same "captured_lists: all" 40960 "$(used --sysctl=captured_lists=1 "$tmp/begin.csv")"
put "$cg/a/memory.swap.current" 62914560
# what a CPU has taken for its next pages is not free either
got=$(used --sysctl=captured_lists=1 "$tmp/begin.csv")
((got >= 61440 && got < 61440 + 64 * 4)) ||
	fail "captured_lists: more than swaps tells: expected 61440 KiB and less than 64 pages, found $got"
rm -r "$m/sys"

# without the file: sums of meminfo; without both: none
rm "$m/proc/swaps"
has "neither file" 0 0 "$tmp/begin.csv"
printf 'MemTotal:  157640 kB\nSwapCached:  4 kB\nSwapTotal:  524284 kB\nSwapFree:  500000 kB\n' > "$m/proc/meminfo"
has "meminfo" 524284 24284 "$tmp/begin.csv"
printf 'MemTotal:  157640 kB\n' > "$m/proc/meminfo"
has "a kernel without swap" 0 0 "$tmp/begin.csv"
swaps ''
has "the heading alone" 0 0 "$tmp/begin.csv"
printf 'SwapTotal:  8 kB\nSwapFree:  8 kB\n' > "$m/proc/meminfo"
has "swaps is asked first" 0 0 "$tmp/begin.csv"
swaps '\n'"$zram"
has "a blank line" 131072 40960 "$tmp/begin.csv"

# as Linux 6.6.87 writes it: 256 MiB without the header, of which programs that ended have left some in use
rm "$m/proc/swaps" "$m/proc/meminfo"
for capture in fresh,0 one,552 two,640; do
	cp "$data/captures/woken/${capture%,*}/proc/swaps" "$m/proc/"
	has "woken/$capture" 262140 "${capture#*,}" "$tmp/begin.csv"
done

# seeded lists of devices beside sums of awk's
RANDOM=66
for i in $(seq 12); do
	rows= want=0 wantused=0
	for d in $(seq $((RANDOM % 5))); do
		size=$((RANDOM % 4000 * 4)) used=$((RANDOM % (size / 4 + 1) * 4))
		rows+="/s$d $((RANDOM % 2))"$'\t\t'"$size $used "$((RANDOM - 16384))'\n'
		want=$((want + size)) wantused=$((wantused + used))
	done
	swaps "$rows"
	has "list $i: $rows" $want $wantused "$tmp/begin.csv"
done

# what is no table of swap devices
bad() { swaps "$1"; refused 1 "proc/swaps:$2" mm-reclaim --csv -M "$m" -t summary "$tmp/begin.csv"; }
five="3: expected a swap device's name, type, size, use and priority"
bad "$zram/dev/sda2 part" "$five"
bad "$zram/dev/sda2 partition 838" "$five"
bad "$zram/dev/sda2 partition 8388 0 -" "$five"
bad "$zram/a b partition 8388 0 -2\n" "$five"
bad "$zram/dev/sda2 partition -8388 0 -2\n" "$five"
bad "$zram/dev/sda2 partition 8388 -4 -2\n" "$five"
bad "$zram/dev/sda2 partition 8388kB 0 -2\n" "$five"
bad "$zram/dev/sda2 partition 99999999999999999999 0 -2\n" "$five"
bad "$zram/dev/sda2 partition 18014398509481983 0 -2\n" "3: expected swap devices of less than 2\^64 bytes together"
bad "$zram/dev/sda2 partition 8388 8392 -2\n" "3: expected at most 8388 KiB of the swap device in use, found 8392"
: > "$m/proc/swaps"
refused 1 'proc/swaps: expected the heading "Filename Type Size Used Priority"' mm-reclaim --csv -M "$m" -t summary "$tmp/begin.csv"
printf "$zram" > "$m/proc/swaps"
refused 1 'proc/swaps:1: expected the heading' mm-reclaim --csv -M "$m" -t summary "$tmp/begin.csv"
# a command in which nothing swaps writes a trace without it, and says so
alloc=$'cpu,pid,event,addr,size,flags\n0,1,page_alloc,,4096,GFP_KERNEL'
swaps "$zram/dev/sda2 part"
mm-buddy --csv -M "$m" <<< "$alloc" > "$tmp/out" 2> "$tmp/err" || fail "mm-buddy stops at swaps: $(cat "$tmp/err")"
grep -q "proc/swaps:3: expected a swap device's name.*; the machine's swap is left out of the trace" "$tmp/err" ||
	fail "mm-buddy does not tell of swaps: $(cat "$tmp/err")"
grep -q page_alloc "$tmp/out" && ! grep -q ',swap,' "$tmp/out" || fail "mm-buddy: expected a trace without swap, found $(cat "$tmp/out")"
mm-buddy --strict --csv -M "$m" <<< "$alloc" > "$tmp/out" 2> "$tmp/err" && fail "mm-buddy --strict goes on"
swaps "$zram"
mm-buddy --csv -M "$m" <<< "$alloc" 2> "$tmp/err" | grep -q ',swap,.*134217728' ||
	fail "mm-buddy: expected the swap, found $(cat "$tmp/err")"
printf "$zram" > "$m/proc/swaps"
# it is not read where nothing swaps, nor where the command line says how much there is
mm-buddy --csv -M "$m" -t zones > "$tmp/out" 2> "$tmp/err" < /dev/null || fail "mm-buddy reads swaps: $(cat "$tmp/err")"
mm-reclaim --csv -M "$m" --swap=1M -t summary "$tmp/begin.csv" > "$tmp/out" 2> "$tmp/err" || fail "--swap: $(cat "$tmp/err")"
swaps '/dev/sda2 partition 9000000000000 0 -2\n'
refused 1 'swap: expected at most 8 TiB, found 9216000000000000 bytes' mm-reclaim --csv -M "$m" -t summary "$tmp/begin.csv"
rm "$m/proc/swaps"
printf 'SwapTotal:  8 kB\n' > "$m/proc/meminfo"
refused 1 'proc/meminfo: expected SwapTotal, and SwapFree that is no more' mm-reclaim --csv -M "$m" -t summary "$tmp/begin.csv"
printf 'SwapTotal:  8 kB\nSwapFree:  12 kB\n' > "$m/proc/meminfo"
refused 1 'proc/meminfo: expected SwapTotal, and SwapFree that is no more' mm-reclaim --csv -M "$m" -t summary "$tmp/begin.csv"
printf 'SwapTotal:  8 kB\nSwapFree:  many kB\n' > "$m/proc/meminfo"
refused 1 'proc/meminfo:2: expected a number of KiB' mm-reclaim --csv -M "$m" -t summary "$tmp/begin.csv"
exit $failed
