#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Captures as support desks get them (tests/data/captures): other page sizes, other layouts, newer kernels, files missing.
. "${srcdir:-.}/tests/lib.sh"
cap=$data/captures
TZ=UTC LC_ALL=C.UTF-8
export TZ LC_ALL

# field CSV-COMMAND... : a row that begins with $key, column $col
cell() {
	local key=$1 col=$2
	shift 2
	"$@" 2> "$tmp/err" < /dev/null | awk -F, -v k="$key" -v c="$col" 'index($0, k) == 1 { print $c; exit }'
}

# ---- arm64, pages of 64 KiB: told by MemTotal (8128000 KiB) and 127000 managed pages ----
arm=$cap/arm64-64k
# order 13 of Normal: 7 blocks of 8192 pages of 64 KiB are 7 * 512 MiB
same "arm64 free" $((7 * 512 * 1024 * 1024)) "$(cell 0,Normal,13 4 mm-buddy --sysroot="$arm" -o node,zone,order,free_bytes)"
same "arm64 order 0" $((5 * 65536)) "$(cell 0,DMA,0 4 mm-buddy --sysroot="$arm" -o node,zone,order,free_bytes)"
# the file alone: 14 orders are as arm64 has them with such pages, which is said
same "arm64 file" $((5 * 65536)) "$(cell 0,DMA,0 4 mm-buddy -o node,zone,order,free_bytes "$arm/proc/buddyinfo")"
grep -q '14 orders: pages of 64 KiB' "$tmp/err" || fail "arm64 file: the guess is not said"
same "arm64 --page-size" $((5 * 4096)) "$(cell 0,DMA,0 4 mm-buddy --page-size=4K -o node,zone,order,free_bytes "$arm/proc/buddyinfo")"
# pageblocks of 2^9 pages below larger blocks are huge pages of 2 MiB: 12 orders are a kernel's own choice, not pages of 16 KiB
cat > "$tmp/twelve" << 'END'
Page block order: 9
Pages per block:  512

Free pages count per migrate type at order       0      1      2      3      4      5      6      7      8      9     10     11
Node    0, zone   Normal, type      Movable      5      0      0      0      0      0      0      0      0      0      0      1

Number of blocks type     Unmovable      Movable  Reclaimable   HighAtomic          CMA      Isolate
Node 0, zone   Normal             0           10            0            0            0            0
END
same "12 orders, pageblocks of 2^9" $((5 * 4096)) "$(cell 0,Normal,0 4 mm-buddy -o node,zone,order,free_bytes "$tmp/twelve")"
[ ! -s "$tmp/err" ] || fail "12 orders, pageblocks of 2^9: $(cat "$tmp/err")"
sed 's/order: 9/order: 11/' "$tmp/twelve" > "$tmp/twelve.16k"
same "12 orders, pageblocks of 2^11" $((5 * 16384)) "$(cell 0,Normal,0 4 mm-buddy -o node,zone,order,free_bytes "$tmp/twelve.16k")"
# 1024 objects of 64 bytes fill one page of 64 KiB: 270 slabs of dentry are 270 pages
same "arm64 slabs" $((270 * 65536)) "$(cell dentry 2 mm-slab -o name,size_bytes "$arm/proc/slabinfo")"
same "arm64 slabs, sysroot" $((270 * 65536)) "$(cell dentry 2 mm-slab --sysroot="$arm" -o name,size_bytes)"
# 18 objects of 448 bytes are a slab of two pages of 4 KiB; what the kernel cannot have written does not make pages larger
printf 'slabinfo - version: 2.1\n# name <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit> %s\n' \
	'<batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>' > "$tmp/slabs"
printf '%s : tunables 0 0 0 : slabdata 3 3 0\n' 'bio 54 54 448 18 2' > "$tmp/slabs.4k"
printf '%s : tunables 0 0 0 : slabdata 1 1 0\n' 'bad 1 1 4294967295 1 1' > "$tmp/slabs.bad"
cat "$tmp/slabs" "$tmp/slabs.4k" "$tmp/slabs.bad" > "$tmp/slabs.all"
same "slabs that cannot be" $((3 * 2 * 4096)) "$(cell bio 2 mm-slab -o name,size_bytes "$tmp/slabs.all")"
# a sysroot tells of its pages where no slab does
mkdir -p "$tmp/slabs.d/proc" && cp "$tmp/slabs.all" "$tmp/slabs.d/proc/slabinfo"
cp "$arm/proc/meminfo" "$arm/proc/zoneinfo" "$tmp/slabs.d/proc"
same "slabs of few pages" $((3 * 2 * 65536)) "$(cell bio 2 mm-slab --sysroot="$tmp/slabs.d" -o name,size_bytes)"
same "arm64 slabs, told" $((270 * 16384)) "$(cell dentry 2 mm-slab --page-size=16K --sysroot="$arm" -o name,size_bytes)"
same "arm64 present" $((131072 * 65536)) "$(cell present 2 mm-iomem --sysroot="$arm" -t summary)"
same "arm64 pfn" 557057 "$(cell pfn 2 mm-iomem --sysroot="$arm" --lookup=0x880010000)"
same "arm64 zone" 0x880000000,0x9ffffffff "$(mm-iomem --sysroot="$arm" --lookup=0x880010000 -o item,start,end | sed -n 's/^zone,//p')"
# the node spans the gap between its zones: from 2 GiB to 40 GiB
same "arm64 node" 0x80000000,0x9ffffffff "$(mm-iomem --sysroot="$arm" --lookup=0x880010000 -o item,start,end | sed -n 's/^node,//p')"
# 304 and 256 pages, 160 of them shared
same "arm64 top" 19456,16384,10240 "$(mm-top -b -n1 --csv --sysroot="$arm" --output=virt_kib,res_kib,shr_kib | tail -1)"
# 10 and 20 pages in 100 seconds of 1 CPU: 640 and 1280 KiB, rounded
same "arm64 vmstat" 6,13 "$(mm-vmstat --csv --sysroot="$arm" --output=si_kib_s,so_kib_s | tail -1)"
# such a machine is inspected, not driven
printf 'pid,event,addr\n7,load,0x1000\n' > "$tmp/access.csv"
refused 1 "a machine with pages of 64 KiB: only one with pages of 4 KiB can be driven" mm-reclaim -M "$arm" "$tmp/access.csv"
refused 1 "arm64-64k: a machine with pages of 64 KiB" mm-buddy -M "$arm" -t zones
mkdir -p "$tmp/map/proc" && cp "$arm/proc/iomem" "$tmp/map/proc/"
refused 1 "zones of a machine with pages of 64 KiB: expected its zoneinfo" mm-iomem --sysroot="$tmp/map" --page-size=64K -t zones
refused 2 "--page-size: expected a power of two in 4K..1M" mm-iomem --page-size=5K

# a row a list on a terminal; orders that have no column are told by free
same "orders" "0,DMA32,2,490,$((2 * 4096 + 8192 + 3 * 16384 + (2 * 16 + 2 * 32 + 64 + 128 + 4 * 256 + 3 * 512 + 490 * 1024) * 4096))" \
	"$(mm-buddy -t orders -o node,zone,order0,order10,free_bytes "$data/numa.buddyinfo" | sed -n 3p)"
same "orders for people" "$(mm-buddy --human -t orders "$data/numa.buddyinfo")" "$(mm-buddy --human "$data/numa.buddyinfo")"
refused 1 "table orders has 11 orders, found 14" mm-buddy -t orders --sysroot="$arm"
same "14 orders for people" "$(mm-buddy --human -t free --sysroot="$arm")" "$(mm-buddy --human --sysroot="$arm")"

# what else tells it: one source after the other is taken away
rest() {
	rm -rf "$tmp/rest"
	mkdir -p "$tmp/rest/proc/1"
	for f in "$@"; do cp -f "$arm/proc/$f" "$tmp/rest/proc/$f"; done
	cell 0,DMA,0 4 mm-buddy --sysroot="$tmp/rest" -o node,zone,order,free_bytes
	[ -s "$tmp/err" ] && echo "said: $(cat "$tmp/err")"
}
same "LRU lists" $((5 * 65536)) "$(rest buddyinfo meminfo vmstat)"
same "free blocks" $((5 * 65536)) "$(rest buddyinfo meminfo)"
same "zones" $((5 * 65536)) "$(rest buddyinfo meminfo zoneinfo)"
same "nothing but orders" "$((5 * 65536))
said: mm-buddy: 14 orders: pages of 64 KiB, it seems (--page-size tells)" "$(rest buddyinfo)"
# smaps: 64 kB beside a huge page's 2048 kB
for order in 2048,64 64,2048; do
	mkdir -p "$tmp/smaps/proc/7"
	# 11 orders, as x86 has
	sed 's/ 7 *$//; s/ 0 *1 *0 *7$//' "$arm/proc/buddyinfo" | awk '{ NF = 15; print }' > "$tmp/smaps/proc/buddyinfo"
	printf '10000-20000 rw-p 00000000 00:00 0\nKernelPageSize: %7d kB\n20000-30000 rw-p 00000000 00:00 0\nKernelPageSize: %7d kB\n' \
		"${order%,*}" "${order#*,}" > "$tmp/smaps/proc/7/smaps"
	same "smaps $order" $((5 * 65536)) "$(cell 0,DMA,0 4 mm-buddy --sysroot="$tmp/smaps" -o node,zone,order,free_bytes)"
done

# x86 has but one size, whatever the rest of a capture that was put together says
mkdir -p "$tmp/x86/proc"
cp -f "$arm/proc/"* "$tmp/x86/proc" 2> /dev/null
printf 'processor\t: 0\nvendor_id\t: GenuineIntel\n' > "$tmp/x86/proc/cpuinfo"
same "x86" $((5 * 4096)) "$(cell 0,DMA,0 4 mm-buddy --sysroot="$tmp/x86" -o node,zone,order,free_bytes)"

# so do DirectMap4k without DirectMap64k (ppc64 has both), and a process's bytes beside its pages: 40960000 of 10000
sed -i /vendor_id/d "$tmp/x86/proc/cpuinfo"
same "arm64 after all" $((5 * 65536)) "$(cell 0,DMA,0 4 mm-buddy --sysroot="$tmp/x86" -o node,zone,order,free_bytes)"
echo 'DirectMap4k:       30720 kB' >> "$tmp/x86/proc/meminfo"
same "DirectMap4k" $((5 * 4096)) "$(cell 0,DMA,0 4 mm-buddy --sysroot="$tmp/x86" -o node,zone,order,free_bytes)"
echo 'DirectMap64k:          0 kB' >> "$tmp/x86/proc/meminfo"
same "DirectMap64k" $((5 * 65536)) "$(cell 0,DMA,0 4 mm-buddy --sysroot="$tmp/x86" -o node,zone,order,free_bytes)"
mkdir "$tmp/x86/proc/2" "$tmp/x86/proc/7"
echo '2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 7 0 0 18446744073709551615' > "$tmp/x86/proc/2/stat"
echo '0 0 0 0 0 0 0' > "$tmp/x86/proc/2/statm"
echo '7 (cat) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 7 40960000 1000 18446744073709551615' > "$tmp/x86/proc/7/stat"
echo '10000 1000 500 1 0 9 0' > "$tmp/x86/proc/7/statm"
same "stat beside statm" $((5 * 4096)) "$(cell 0,DMA,0 4 mm-buddy --sysroot="$tmp/x86" -o node,zone,order,free_bytes)"

# ---- ppc64: a bare copy; auxv of the other byte order tells its pages ----
ppc=$cap/ppc64-64k
same "ppc64 free" $((200 * 256 * 65536)) "$(cell 0,Normal,8 4 mm-buddy --sysroot="$ppc" -o node,zone,order,free_bytes)"
[ -s "$tmp/err" ] && fail "ppc64: $(cat "$tmp/err")"
same "ppc64 zones" 1,Normal,65536,65536 "$(mm-iomem --sysroot="$ppc" -t zones -o node,zone,start_pfn,present_pages | tail -1)"
same "ppc64 present" $((131072 * 65536)) "$(cell present 2 mm-iomem --sysroot="$ppc" -t summary)"
refused 1 "ppc64-64k/meminfo: No such file|ppc64-64k/stat: No such file" mm-top -b -n1 --sysroot="$ppc"
refused 1 "ppc64-64k/slabinfo: No such file" mm-slab --sysroot="$ppc"
# its directory of PID 1 has no maps: that is said, not an empty table
fails 1 "expected maps or smaps of a process, found none" mm-vma --sysroot="$ppc"
# the other three forms of auxv: little-endian, and 32 bits of either order
auxv() {
	mkdir -p "$tmp/auxv/1"
	cp -f "$ppc/buddyinfo" "$tmp/auxv/"
	printf "$1" > "$tmp/auxv/1/auxv"
	same "auxv $1" $((4 * 16384)) "$(cell 0,Normal,0 4 mm-buddy --sysroot="$tmp/auxv" -o node,zone,order,free_bytes)"
}
auxv '\x10\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\6\0\0\0\0\0\0\0\0\x40\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'
auxv '\x10\0\0\0\1\0\0\0\6\0\0\0\0\x40\0\0\0\0\0\0\0\0\0\0'
auxv '\0\0\0\x10\0\0\0\1\0\0\0\6\0\0\x40\0\0\0\0\0\0\0\0\0'

# ---- a newer kernel ----
new=$cap/6.18
same "6.18 present" $(((3998 + 782336 + 5505024) * 4096)) "$(cell present 2 mm-iomem --sysroot="$new" -t summary)"
same "6.18 boot" 0 "$(mm-iomem --sysroot="$new" -t zones 2>&1 > /dev/null | wc -l)"
# no maps, but smaps: as many rows as it has mappings
same "6.18 smaps" "$(grep -c '^[0-9a-f]*-[0-9a-f]* ' "$new/proc/200/smaps")" "$(mm-vma --sysroot="$new" | tail -n +2 | wc -l)"
same "6.18 top" 200,bash,3092 "$(mm-top -b -n1 --csv --sysroot="$new" --output=pid,command,res_kib | tail -1)"
mm-vmstat --sysroot="$new" > "$tmp/out" || fail "6.18: mm-vmstat"
same "6.18 -s" "$(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' "$new/proc/meminfo")" \
	"$(cell 'total memory' 2 mm-vmstat -s --csv --sysroot="$new")"
mm-vma -M "$new" "$data/manual/first.csv" > "$tmp/out" 2> "$tmp/err" || fail "6.18: as a machine: $(cat "$tmp/err")"

# ---- a sosreport: no iomem, but a log; no uptime, but what uptime(1) said; of processes status alone ----
sos=$cap/sos
same "sos map" "0x100000,0x3fffffff" "$(mm-iomem --sysroot="$sos" -o start,end | tail -1)"
same "sos min_free" $((8192 * 1024)) "$(cell min_free 2 mm-iomem --sysroot="$sos" -t summary)"
same "sos top" "300,postgres,,,900000,204800,24800,D,,20.106,,postgres: writer" "$(mm-top -b -n1 --csv --sysroot="$sos" | tail -1)"
same "sos top, more" "300,1,4096,20132,1000,300,-900" \
	"$(mm-top -b -n1 --csv --sysroot="$sos" --output=pid,threads,swap_kib,data_kib,code_kib | tail -1),$(
	mm-top -b -n1 --csv --sysroot="$sos" --output=oom_score,oom_score_adj | tail -1)"
mm-top -b -n1 --human -w120 --sysroot="$sos" > "$tmp/out" || fail "sos top"
grep -q '^top - ..:..:.. up 3 days,  4:05,  2 users,  load average: 0.10, 0.20, 0.30$' "$tmp/out" || fail "sos top: $(head -1 "$tmp/out")"
# what ps told beside: the time, the share of its life
grep -q '^    1 root       -   -  100000  10240   6144 S   0.0   1.0   0:05.00 systemd$' "$tmp/out" ||
	fail "sos top: $(sed -n 8p "$tmp/out")"
up() {
	mkdir -p "$tmp/up/proc" "$tmp/up/sos_commands/host"
	cp -f "$sos/proc/meminfo" "$sos/proc/stat" "$tmp/up/proc"
	echo "$1" > "$tmp/up/sos_commands/host/uptime"
	mm-top -b -n1 --human --sysroot="$tmp/up" | sed -n '1s/^top - ..:..:.. up \(.*\)/\1/p'
}
same "up minutes" "5 min,  1 user,  load average: 1.00, 2.00, 3.00" "$(up ' 10:00:00 up 5 min,  1 user,  load average: 1.00, 2.00, 3.00')"
same "up hours" "23:59,  0 user,  load average: 0.00, 0.01, 0.05" "$(up ' 10:00:00 up 23:59,  0 users,  load average: 0.00, 0.01, 0.05')"
same "up a day" "1 day, 7 min,  3 users,  load average: 0.00, 0.00, 0.00" \
	"$(up ' 10:00:00 up 1 day, 7 min,  3 users,  load average: 0.00, 0.00, 0.00')"
same "up nothing" "?,  0 user,  load average: ?" "$(up 'uptime: not found')"
# ---- a sosreport without the files of processes: what five outputs of ps told, together ----
ps=$cap/sos-ps
mm-top -b -n1 --human -w120 --sysroot="$ps" > "$tmp/out" 2> "$tmp/err" || fail "sos ps: $(cat "$tmp/err")"
same "sos ps" "Tasks:   9 total,   3 running,   5 sleeping,   0 stopped,   1 zombie" "$(sed -n 2p "$tmp/out")"
# users: of etc/passwd, only told by ps, cut by ps but numbered elsewhere; names of comm, or of the program; the others' columns stay
# unknown
same "sos ps rows" "    1 root      20   0  101964  10240      - S   0.7   1.0   1:31.00 systemd
    2 root      20   0       0      0      - S   0.0   0.0   0:00.00 kthreadd
  812 systemd+  20   0   90000   7000      - S   0.0   0.7   0:03.00 systemd-timesyn
  900 root     -91   0       -      -      - S     -     -     26,03 watchdogd
 1203 postgres  30  10  900000 204800      - R  99.9  20.1     10,12 postgres: write
31337 builder   20   0   12000   4096      - S   2.5   0.4   0:00.00 bash
31400 root      20   0       0      0      - Z   0.0   0.0   0:00.00 sh
31401 root     -51   -   10100   3000      - R     -   0.3   0:00.00 ps
31402 root       -   -   10100   3100      - R   0.0   0.3   0:00.00 ps" "$(sed 1,7d "$tmp/out" | sort -n)"
same "sos ps, whose" "mm-top: processes as ps told, too: sos_commands/process/ps_auxwwwm and 4 more" "$(cat "$tmp/err")"
same "sos ps csv" "pid,ppid,uid,user,threads,time_s,shr_kib,maj_faults,command
812,1,997,systemd-timesync,2,3.00,,,/lib/systemd/systemd-timesyncd
900,1,0,root,2,93784.00,,,/usr/sbin/watchdogd --a b" \
	"$(mm-top -b -n1 -c --csv -p 812,900 --sysroot="$ps" \
	--output=pid,ppid,uid,user,threads,time_s,shr_kib,maj_faults,command 2> /dev/null)"
same "sos ps cgroups" "pid,cgroups
812,0::/system.slice/systemd-timesyncd.service
1203,0::/system.slice/postgresql.service
1,0::/init.scope
2," "$(mm-top -b -n1 --csv -o CGROUPS -p 1,2,812,1203 --sysroot="$ps" --output=pid,cgroups 2> /dev/null)"
same "sos ps -u" 1203 "$(mm-top -b -n1 --csv -u postgres --sysroot="$ps" --output=pid 2> /dev/null | tail -n +2)"
# no meminfo, but what free printed: the same numbers; newer and older forms, and one that is not in KiB
rm -rf "$tmp/free" && cp -r "$ps" "$tmp/free" && chmod -R u+w "$tmp/free" && rm "$tmp/free/proc/meminfo" &&
	mkdir "$tmp/free/sos_commands/memory"
printf '%s\n' '               total        used        free      shared  buff/cache   available' \
	'Mem:         1018596      300000      500000       10000      218596      718596' \
	'Swap:         524284       10240      514044' > "$tmp/free/sos_commands/memory/free"
mm-top -b -n1 --human -w100 --sysroot="$tmp/free" 2> /dev/null | sed -n 4,5p > "$tmp/out"
mm-top -b -n1 --human -w100 --sysroot="$ps" 2> /dev/null | sed -n 4,5p | diff - "$tmp/out" || fail "free"
printf '%s\n' '             total       used       free     shared    buffers     cached' \
	'Mem:       1018596     518596     500000      10000      18596     200000' '-/+ buffers/cache:     300000     718596' \
	'Swap:       524284      10240     514044' > "$tmp/free/sos_commands/memory/free"
same "free of old" "MiB Mem :    994.7 total,    488.3 free,    506.4 used,    213.5 buff/cache" \
	"$(mm-top -b -n1 --human -w100 --sysroot="$tmp/free" 2> /dev/null | sed -n 4p)"
sed -i 's/1018596 /994Mi /' "$tmp/free/sos_commands/memory/free"
refused 1 'proc/meminfo: No such file' mm-top -b -n1 --sysroot="$tmp/free"
# one output in a capture's top, the tree of "ps f", a line cut in its middle
mkdir -p "$tmp/tree/proc" && cp -f "$ps/proc/meminfo" "$ps/proc/stat" "$tmp/tree/proc"
printf '%s\n' 'USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND' 'root 7 0.0 0.0 10 20 ? Ss 10:00 0:01 sshd: a [priv]' \
	'root 8 0.0 0.0 10 20 ? S 10:00 59:59  |   \_ /bin/x  y' 'root 9 0.0' > "$tmp/tree/ps"
same "ps f" "7,1.00,sshd
8,3599.00,x" "$(mm-top -b -n1 --csv --sysroot="$tmp/tree" --output=pid,time_s,command 2> "$tmp/err" | sort -n | tail -n +2)"
same "ps f, args" "/bin/x  y" "$(mm-top -b -n1 -c --csv -p 8 --sysroot="$tmp/tree" --output=command 2> /dev/null | tail -n 1)"
grep -q '^mm-top: 1 processes have .* or a line of ps that cannot' "$tmp/err" || fail "ps f: $(cat "$tmp/err")"

# MGLRU as the captured kernel had it, unless the command line says; newer kernels may have more bits
mkdir -p "$tmp/mglru/sys/kernel/mm/lru_gen" && cp -r "$data/captures/woken/two/proc" "$tmp/mglru"
gen() {
	echo event | mm-vma -M "$tmp/mglru" -o event,name,result -n "$@" 2> "$tmp/err" | sed -n 's/^sysctl,lru_gen/lru_gen/p' | paste -sd' '
}
same "no lru_gen" "" "$(gen)"
echo 0x000f > "$tmp/mglru/sys/kernel/mm/lru_gen/enabled"
echo 1000 > "$tmp/mglru/sys/kernel/mm/lru_gen/min_ttl_ms"
same "lru_gen" "lru_gen,7 lru_gen.min_ttl_ms,1000" "$(gen)"
same "lru_gen, told" "lru_gen,0 lru_gen.min_ttl_ms,1000" "$(gen -S lru_gen=0)"
echo 0x000g > "$tmp/mglru/sys/kernel/mm/lru_gen/enabled"
refused 1 "lru_gen/enabled: expected a number, found '0x000g'" mm-vma -M "$tmp/mglru" /dev/null

# a tunable of sysctl -a: of a file below proc/sys that is there first
cp -r "$sos" "$tmp/sysctl" && chmod -R u+w "$tmp/sysctl" && mkdir -p "$tmp/sysctl/proc/sys/vm" &&
	echo 4096 > "$tmp/sysctl/proc/sys/vm/min_free_kbytes"
same "sos sysctl" $((4096 * 1024)) "$(cell min_free 2 mm-iomem --sysroot="$tmp/sysctl" -t summary)"
echo 'vm.swappiness = many' > "$tmp/sysctl/sos_commands/kernel/sysctl_-a"
refused 1 'sysctl_-a:1: .*many' mm-iomem --sysroot="$tmp/sysctl"
same "sos used swap" 10240,500000 "$(mm-vmstat --csv --sysroot="$sos" --output=swpd_kib,free_kib | tail -1)"
mm-reclaim --sysroot="$sos" -t oom > "$tmp/out" || fail "sos oom"
same "sos oom" 300,1 "$(cut -d, -f2,10 "$tmp/out" | tail -1)"
refused 1 'sos/proc/zoneinfo: No such file' mm-buddy --sysroot="$sos" --explain=3
refused 1 'can show nothing of a system.s files here' mm-fault --sysroot="$sos"
refused 1 'can show nothing of a system.s files here' mm-reclaim --live -t lru
# as a machine: its map and its tunables
mm-reclaim -M "$sos" -t summary "$data/manual/hog.csv" > "$tmp/out" 2> "$tmp/err" || fail "sos as a machine: $(cat "$tmp/err")"

# A pageblock that the captured kernel had reserved for atomic requests is of no use to others: 512 pages (zone_watermark_ok()).
mkdir -p "$tmp/reserved/proc"
zone DMA32 5376 331 36823 31491 4096 > "$tmp/reserved/proc/zoneinfo"
cat > "$tmp/reserved/proc/pagetypeinfo" <<'EOF'
Page block order: 9
Pages per block:  512

Free pages count per migrate type at order       0      1      2      3      4      5      6      7      8      9     10
Node    0, zone    DMA32, type      Movable      0      0      0      0      0      0      0      0      0      0      5
Node    0, zone    DMA32, type   HighAtomic      0      0      0      0      0      0      0      2      0      0      0

Number of blocks type     Unmovable      Movable  Reclaimable   HighAtomic      Isolate
Node 0, zone    DMA32            0           71            0            1            0
EOF
same "reserved pageblock" 5376,512 "$(mm-buddy -M "$tmp/reserved" --explain=0,GFP_KERNEL -o free_pages,unusable_pages | tail -n 1)"
# kpageflags beside it tells which frames are free, so where blocks may be reserved; pagetypeinfo how many are: here a block of 1024 pages
# and two of 128 in two pageblocks, of which one is reserved; or three are, of two of which nothing is free
nothing() { head -c $((8 * $1)) /dev/zero; }
buddies() { local i; for ((i = 0; i < $1; i++)); do printf '\0\4\0\0\0\0\0\0'; done; }
{ nothing 8192; buddies 1024; nothing $((14336 - 9216)); buddies 128; nothing $((15360 - 14464)); buddies 128; } \
	> "$tmp/reserved/proc/kpageflags"
sed -i '/ Movable /s/5$/1/' "$tmp/reserved/proc/pagetypeinfo"
reserved() { mm-buddy -M "$tmp/reserved" --explain=0,GFP_KERNEL -o free_pages,unusable_pages 2>&1 | tail -n 1; }
same "reserved pageblock, kpageflags" 1280,512 "$(reserved)"
sed -i '$s/71            0            1/69            0            3/' "$tmp/reserved/proc/pagetypeinfo"
same "three reserved pageblocks, kpageflags" 1280,1536 "$(reserved)"

# ---- root-only files absent, or there and not readable ----
if [ "$(id -u)" != 0 ]; then
	chmod 0 "$tmp/sysctl/proc/slabinfo"
	refused 1 'slabinfo: Permission denied' mm-slab --sysroot="$tmp/sysctl"
fi
exit $failed
