#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A captured machine travels: what mm-A writes of -M is to mm-B what -M is, byte for byte.
. "${srcdir:-.}/tests/lib.sh"

{
	echo pid,event,addr,size,flags
	echo '7,mmap,0x100000000000,81920000,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE|MAP_FIXED'
	awk 'BEGIN { for (i = 0; i < 60; i++) printf "7,store,0x1000%08x,102400,\n", i * 1024000 }'
} > "$tmp/store.csv"
echo event,size,flags > "$tmp/nothing.csv"
reads() { case $1 in mm-vmstat) mm-vmstat --csv --table="$2" "${@:3}" ;; *) "$1" --csv -t "$2" "${@:3}" ;; esac; }
on() { case $1 in mm-vmstat) printf '%s\n' --machine="$2" --sysctl="$3" ;; *) printf '%s\n' -M "$2" -S "$3" ;; esac; }

# travels MACHINE TUNABLE A,A,... B:TABLE ...
travels() {
	local m=$1 s=$2 a b k opt
	for b in "${@:4}"; do
		mapfile -t opt < <(on "${b%:*}" "$m" "$s")
		reads "${b%:*}" "${b#*:}" "${opt[@]}" "$tmp/store.csv" > "$tmp/want.${b#*:}" 2> "$tmp/want.err.${b#*:}" ||
			fail "$m $b: $(cat "$tmp/want.err.${b#*:}")"
	done
	for a in ${3//,/ }; do
		"$a" --csv -M "$m" -S "$s" "$tmp/store.csv" > "$tmp/trace" 2> "$tmp/err" || fail "$a -M $m: $(cat "$tmp/err")"
		grep -q ',zone,' "$tmp/trace" || fail "$a -M $m: expected rows of zones, found none"
		for k in 1 2; do	# once more through the same command, and where -M is said again
			[ $k = 1 ] && opt=() || opt=(-M "$m" -S "$s")
			"$a" --csv "${opt[@]}" "$tmp/trace" 2> "$tmp/err" | cmp - "$tmp/trace" > "$tmp/diff" 2>&1 ||
				fail "$a ${opt[*]} of what $a -M $m wrote: $(cat "$tmp/diff" "$tmp/err")"
		done
		for b in "${@:4}"; do
			reads "${b%:*}" "${b#*:}" "$tmp/trace" > "$tmp/out" 2> "$tmp/err" || fail "$a -M $m | $b: $(cat "$tmp/err")"
			diff "$tmp/out" "$tmp/want.${b#*:}" > "$tmp/diff" || fail "$a -M $m -S $s | $b: $(head -5 "$tmp/diff")"
			# what booting says too, but for the name of the input
			diff <(sed 's/^[^:]*: [^:]*: //' "$tmp/err") <(sed 's/^[^:]*: [^:]*: //' "$tmp/want.err.${b#*:}") > "$tmp/diff" ||
				fail "$a -M $m -S $s | $b says: $(head -5 "$tmp/diff")"
		done
	done
}
tables="mm-buddy:zones mm-buddy:free mm-buddy:types mm-buddy:pageblocks mm-reclaim:summary mm-reclaim:lru mm-reclaim:memcg mm-vmstat:machine
	mm-vmstat:counters mm-fault:numastat"
for m in captures/woken/one manual/guest; do
	travels "$data/$m" captured_lists=0 mm-reclaim,mm-vma,mm-buddy $tables
	travels "$data/$m" captured_lists=1 mm-vma $tables
done

# counts that the kernel stopped at, with buddyinfo beside them; two nodes, no map, swap in use, a zone that is not told of
m=$tmp/m
mkdir -p "$m/proc"
big() {
	cat > "$m/proc/zoneinfo" <<-END
	Node 0, zone      DMA
	  pages free     3840
	        min      1
	        low      1
	        high     1
	        spanned  4095
	        present  3998
	        managed  3840
	        protection: (0, 8000, 8000, 8000, 8000)
	  start_pfn:           1
	Node 0, zone    DMA32
	  pages free     190000
	        boost    64
	        min      331
	        low      413
	        high     495
	        spanned  400000
	        present  400000
	        managed  390000
	        protection: (0, 0, 0, 0, 0)
	      nr_zone_inactive_anon 4000
	      nr_zone_active_file 8000
	      nr_zone_unevictable 9
	      nr_slab_reclaimable 700
	  pagesets
	    cpu: 0
	              count: 20
	    cpu: 1
	              count: 13
	  start_pfn:           4096
	Node 1, zone   Normal
	  pages free     5000
	        min      131
	        low      163
	        high     195
	        spanned  8192
	        present  8192
	        managed  8000
	  start_pfn:           1048576
	Node 1, zone  Movable
	END
	cat > "$m/proc/pagetypeinfo" <<-END
	Page block order: 10
	Pages per block:  1024

	Free pages count per migrate type at order       0      1      2      3      4      5      6      7      8      9     10
	Node    0, zone      DMA, type      Movable      0      0      0      0      0      0      0      1      1      1      3
	Node    0, zone    DMA32, type    Unmovable      0      0      0      0      0      0      0      0      1      0      0
	Node    0, zone    DMA32, type      Movable >100000    200    300      0      0      0      0      0      0      0     80
	Node    0, zone    DMA32, type   HighAtomic      0      0      0      0      0      0      0      0      0      1      0
	Node    1, zone   Normal, type      Movable      8      0      0      1      0      0      0      0      1      1      4

	Number of blocks type     Unmovable      Movable  Reclaimable   HighAtomic
	Node 0, zone      DMA            0            4            0            0
	Node 0, zone    DMA32           10          266            4            2
	Node 1, zone   Normal            1            7            0            0

	Number of mixed blocks    Unmovable      Movable  Reclaimable   HighAtomic
	Node 0, zone      DMA            0            1            0            0
	END
	cat > "$m/proc/buddyinfo" <<-END
	Node 0, zone      DMA      0      0      0      0      0      0      0      1      1      1      3
	Node 0, zone    DMA32 105712    200    300      0      0      0      0      0      1      1     80
	Node 1, zone   Normal      8      0      0      1      0      0      0      0      1      1      4
	END
}
big
printf 'Filename\tType\tSize\tUsed\tPriority\n/dev/sda2 partition\t61440\t\t53248\t\t-2\n' > "$m/proc/swaps"
travels "$m" captured_lists=1 mm-slab $tables
travels "$m" captured_lists=0 mm-fault $tables mm-buddy:pcp
grep -q 'DMA32/free_blocks/Movable/0,>100000' "$tmp/trace" || fail "expected a count with more behind it: $(grep free_blocks "$tmp/trace")"
grep -q 'zone.*pageblock_order,10' "$tmp/trace" || fail "expected the order of pageblocks"
# there is nothing to say of what travels whole
[ -s "$tmp/err" ] && fail "said of what travels: $(cat "$tmp/err")"
same "swap in use" 54525952 "$(awk -F, '$2 == "sysctl" && $6 == "swap" { print $4 }' "$tmp/trace")"
# buddyinfo alone; neither; files that tell of other machines: the same is guessed
rm "$m/proc/pagetypeinfo"
travels "$m" captured_lists=0 mm-reclaim mm-buddy:free mm-buddy:types
sed -i 's/105712/9/' "$m/proc/buddyinfo"
travels "$m" captured_lists=0 mm-reclaim mm-buddy:free mm-buddy:types
grep -q 'blocks at the start are guessed' "$tmp/err" || fail "expected blocks to be guessed: $(cat "$tmp/err")"
rm "$m/proc/buddyinfo"
travels "$m" captured_lists=0 mm-reclaim mm-buddy:free mm-buddy:types
# orders that this machine has not, free or not
for n in 0 1; do
	printf 'Node 0, zone %s\n' "DMA 0 0 0 0 0 0 0 1 1 1 3 0" "DMA32 105712 200 300 0 0 0 0 0 1 1 80 $n" > "$m/proc/buddyinfo"
	travels "$m" captured_lists=0 mm-reclaim mm-buddy:free
	grep -q 'have no room in their zones' "$tmp/err" || fail "an order 11, $n blocks: $(cat "$tmp/err")"
done

# which CPUs are whose and how far nodes are from one another; maps and logs, with what they tell of the boot
mkdir -p "$tmp/numa/proc" "$tmp/numa/sys/devices/system/node"
cp "$data/boots/distances/zoneinfo" "$tmp/numa/proc/"
cp -r "$data/boots/distances/." "$tmp/numa/sys/devices/system/node/"
echo 1,3 > "$tmp/numa/sys/devices/system/node/node0/cpulist"
echo 2 > "$tmp/numa/sys/devices/system/node/node3/cpulist"
echo 0 > "$tmp/numa/sys/devices/system/node/node2/cpulist"
: > "$tmp/numa/sys/devices/system/node/node1/cpulist"
cp "$tmp/store.csv" "$tmp/keep"
sed -i '1s/^/cpu,/; 2,$s/^/2,/' "$tmp/store.csv"
travels "$tmp/numa" captured_lists=0 mm-vma,mm-fault mm-fault:numastat mm-reclaim:counters mm-buddy:free
mv "$tmp/keep" "$tmp/store.csv"
same "CPUs and distances" "0/cpus,1 3 2/cpus,0 3/cpus,2 \
0/distance,10 15 25 35 1/distance,15 10 25 30 2/distance,25 25 10 12 3/distance,35 30 12 10" \
	"$(mm-buddy -M "$tmp/numa" "$tmp/nothing.csv" 2>&1 | awk -F, '$1 == "boot" { print $5 "," $7 }' | paste -sd' ')"
maps() {
	local f=$1
	shift
	mm-reclaim --csv -M "$f" "$tmp/nothing.csv" > "$tmp/trace" 2> "$tmp/err" || fail "-M $f: $(cat "$tmp/err")"
	mm-reclaim --csv -M "$f" "$tmp/trace" 2> "$tmp/err" | cmp - "$tmp/trace" > "$tmp/diff" || fail "-M $f twice: $(cat "$tmp/diff")"
	mm-buddy --csv "$@" -t zones "$tmp/trace" > "$tmp/out" 2>&1
	mm-buddy --csv "$@" -t zones -M "$f" "$tmp/nothing.csv" 2>&1 | diff "$tmp/out" - > "$tmp/diff" ||
		fail "mm-reclaim -M $f | mm-buddy $*: $(head -5 "$tmp/diff")"
}
for f in "$data"/boots/{q35,n4,kc25,mc30,n2mc,pmem,nless}.dmesg "$data/pc-4g.iomem" "$data/zones/6.6-3G.iomem"; do
	maps "$f"
done
maps "$data/boots/n4.dmesg" --ram=1G
# movable_node, with memory of node 1 that may be taken out
sed '/RAMDISK/d; s/\(Command line:.*\) movablecore=1G/\1 movable_node/; s/\(SRAT: Node 1 PXM 1 .*\]\)/\1 hotplug/' \
	"$data/boots/n2mc.dmesg" > "$tmp/hotplug"
maps "$tmp/hotplug"
mm-buddy -n -t zones -o node,zone "$tmp/trace" 2> "$tmp/err" | grep -q '^1,Movable' ||
	fail "hotplug: $(cat "$tmp/err" "$tmp/trace")"

# what does not travel is said by name, once
big
said() {
	mm-reclaim --csv -M "$m" "$tmp/nothing.csv" > "$tmp/out" 2> "$tmp/err" || fail "$(cat "$tmp/err")"
	same "what is said" "mm-reclaim: $m: $1 not in the trace: commands that read it need --machine=$m too" \
		"$(grep -v nothing.csv "$tmp/err")"
}
head -c 8000000 /dev/zero > "$m/proc/kpageflags"
said 'which pages are free (kpageflags) is'
mkdir -p "$m/proc/7" "$m/sys/fs/cgroup/a"
echo 0::/ > "$m/proc/7/cgroup"
said 'which pages are free (kpageflags) is'
echo 0::/a > "$m/proc/7/cgroup"
said 'its cgroups and which pages are free (kpageflags) are'
rm "$m/proc/kpageflags" "$m/proc/7/cgroup"
echo max > "$m/sys/fs/cgroup/a/memory.max"
said 'its cgroups are'
rm -r "$m/sys" "$m/proc/7"

# seeded machines: zones whose numbers are there or not, free blocks of any types
RANDOM=66
for i in $(seq 12); do
	free=0
	{
		echo 'Page block order: 9'
		echo 'Free pages count per migrate type at order 0 1 2 3 4 5 6 7 8 9 10'
		for t in Unmovable Movable Reclaimable HighAtomic CMA Isolate; do
			printf 'Node 0, zone DMA32, type %s' $t
			for o in $(seq 0 10); do
				n=$((RANDOM % 3 ? RANDOM % (12 - o) : 0))
				[ $t = Isolate ] || free=$((free + (n << o)))
				printf ' %d' $n
			done
			echo
		done
		echo 'Number of blocks type Unmovable Movable Reclaimable HighAtomic CMA Isolate'
		((RANDOM % 4)) && echo "Node 0, zone DMA32 $((RANDOM % 30)) 9 $((RANDOM % 20)) $((RANDOM % 9)) $((RANDOM % 30)) 0"
	} > "$m/proc/pagetypeinfo"
	rm -f "$m/proc/buddyinfo"
	{
		((RANDOM % 2)) && printf 'Node 0, zone DMA\n  pages free 0\n        present 0\n'
		zone DMA32 $((free + RANDOM % 400)) $((RANDOM % 600 + 8)) 123000 122000 4096 "nr_zone_active_file $((RANDOM % 9000))"
		((RANDOM % 2)) && printf 'Node %d, zone Movable\n' $((RANDOM % 2 * 63))
	} | { ((RANDOM % 2)) && grep -v 'spanned' || cat; } > "$m/proc/zoneinfo"
	travels "$m" captured_lists=$((RANDOM % 2)) mm-buddy mm-buddy:free mm-buddy:types mm-reclaim:lru
done

# rows that are no captured machine: LINE of the row that is refused, PATTERN, rows
rows() { echo event,name,result; printf 'zone,%s\n' 0/DMA32/start_pfn,4096 "$@"; echo mark,,; }
bad() {
	local line=$1 pattern=$2
	shift 2
	rows "$@" > "$tmp/rows.csv"
	fails 1 "rows.csv:$line: (zone: [^:]*: )?$pattern" mm-buddy --csv -t zones "$tmp/rows.csv"
}
bad 3 "zone: expected NODE/ZONE/FACT as name, found 'free_pages'" free_pages,1
bad 3 "zone: expected NODE/ZONE/FACT as name, found '0/DMA32'" 0/DMA32,1
bad 3 "zone: expected NODE/ZONE/FACT as name, found ''" ,1
bad 3 'zone: expected NODE/ZONE/FACT as name' -1/DMA32/free_pages,1
bad 3 'zone: expected a node below 64, found 9999' 9999/DMA32/free_pages,1
bad 3 'zone: expected a node below 64, found 64' 64/DMA32/free_pages,1
bad 3 "zone: expected zone DMA, DMA32, Normal, Movable or Device, found 'Swamp'" 0/Swamp/free_pages,1
bad 3 'expected the name of a zone behind the node' 0//free_pages,1
bad 3 'expected the name of a zone behind the node' 0/DMA32DMA32DMA32DMA32/free_pages,1
for v in -1 many '' '1 2' 18446744073709551615; do
	bad 3 'zone: 0/DMA32/free_pages: expected a number of pages or blocks as result' "0/DMA32/free_pages,$v"
done
bad 3 'result: expected a number of at most 64 bits' 0/DMA32/free_pages,18446744073709551616
bad 3 'zone: 0/DMA32/start_pfn: expected one such row' 0/DMA32/start_pfn,4096
bad 4 'zone: 0/DMA32/free_pages: expected no more pages free than managed' 0/DMA32/managed_pages,9 0/DMA32/free_pages,10
bad 4 'expected no more pages free than managed' 0/DMA32/free_pages,10 0/DMA32/managed_pages,9
bad 4 'expected no more pages managed than present' 0/DMA32/present_pages,9 0/DMA32/managed_pages,10
bad 4 'expected no more pages present than spanned' 0/DMA32/spanned_pages,9 0/DMA32/present_pages,10
bad 4 'zone rows: node 0, zone DMA32: expected a zone below 16 TiB' 0/DMA32/present_pages,18446744073709551614
bad 4 'zone rows: node 1, zone Normal: expected its start_pfn, found none' 1/Normal/present_pages,100
bad 3 'zone rows: expected a zone with pages, found none'
bad 3 'expected up to eight numbers of pages' '0/DMA32/protection_pages,1 2 3 4 5 6 7 8 9'
bad 3 'expected up to eight numbers of pages' '0/DMA32/protection_pages,1 2 x'
bad 3 'expected up to eight numbers of pages' 0/DMA32/protection_pages,-1
bad 4 'expected one such row' '0/DMA32/protection_pages,1 2' '0/DMA32/protection_pages,1 2'
for n in free_blocks/ free_blocks/Movable free_blocks/Movable/ free_blocks/Movable/32 free_blocks/Movable/-1 free_blocks/32 \
	free_blocks//3 free_blocks/Movable/3/4 free_blocks/MovableMovableMovable/3; do
	bad 3 'expected free_blocks/TYPE/ORDER or free_blocks/ORDER behind the zone, the order below 32' 0/DMA32/$n,1
done
bad 3 'expected fewer free blocks, for no address reaches so many' 0/DMA32/free_blocks/Movable/10,17179869185
bad 3 'expected a number of pages or blocks as result' '0/DMA32/free_blocks/Movable/10,>'
bad 4 'expected one such row' 0/DMA32/free_blocks/Movable/10,4 0/DMA32/free_blocks/Movable/10,4
bad 3 'expected pageblocks/TYPE behind the zone' 0/DMA32/pageblocks/,1
bad 3 'expected pageblocks/TYPE behind the zone' 0/DMA32/pageblocks/Movable/9,1
bad 4 'expected one such row' 0/DMA32/pageblocks/Movable,4 0/DMA32/pageblocks/Movable,4
bad 3 'expected an order below 32 as result' pageblock_order,32
# more zones than there are
awk 'BEGIN { for (n = 0; n < 64; n++) for (z = 0; z < 70; z++) printf "%d/DMA32/free_blocks/T%d/0,1\n", n, z }' > "$tmp/too-many"
mapfile -t many < "$tmp/too-many"
bad 4099 'zone: 58/DMA32/free_blocks/T36/0: expected fewer zones' "${many[@]}"

# the same of the boot and of regions
bad_row() {
	printf 'event,name,size,flags,offset,result\n%s\nmark,,,,,\n' "$1" > "$tmp/rows.csv"
	fails 1 "rows.csv:2: $2" mm-buddy --csv -t zones "$tmp/rows.csv"
}
for v in -1 many '' '1 2'; do
	bad_row "boot,kernel_bytes,,,,$v" 'boot: kernel_bytes: expected a number of bytes as result'
done
bad_row boot,movable_node,,,,2 'boot: movable_node: expected 0 or 1 as result'
bad_row boot,kernelcore_percent,,,,101 'boot: kernelcore_percent: expected percent as result'
bad_row boot,64/cpus,,,,1 'boot: 64/cpus: expected a node below 64'
bad_row boot,x/distance,,,,1 'boot: x/distance: expected a node below 64'
bad_row boot,0/cpus,,,,0x1 'boot: 0/cpus: expected numbers of CPUs, with blanks between them, as result'
bad_row boot,0/cpus,,,,1-3 'result: expected a number of at most 64 bits or a word'
bad_row 'boot,0/cpus,,,,1 1024' 'boot: 0/cpus: expected CPUs below 1024, found 1024'
bad_row 'boot,0/distance,,,,10 256' 'boot: 0/distance: expected distances below 256 as result'
bad_row "boot,0/distance,,,,$(seq -s' ' 65)" 'boot: 0/distance: expected distances of nodes, with blanks between them, as result'
bad_row region,x,4096,ram,1024, 'region: expected a depth below 1024, found 1024'
bad_row region,x,4096,hotplug,, "region: no kind is called 'hotplug'"

# counted, and left out: facts of later versions, rows after the workload's first, and whatever free blocks have no room
counted() {
	mm-buddy --csv -t zones "$2" > "$tmp/out" 2> "$tmp/err" || fail "$1: $(cat "$tmp/err")"
	same "$1" "mm-buddy: $2: $1" "$(cat "$tmp/err")"
	fails 1 'under --strict' mm-buddy --csv --strict -t zones "$2"
}
rows 0/DMA32/present_pages,9000 0/DMA32/managed_pages,8000 0/DMA32/promo_pages,many 0/DMA32/free_blocks,1 > "$tmp/rows.csv"
counted '2 numbers of captured zones that are not known' "$tmp/rows.csv"
printf 'event,name,result\nboot,later_bytes,1\nboot,0/later,x\nmark,,\n' > "$tmp/rows.csv"
counted '2 facts of the boot that are not known' "$tmp/rows.csv"
printf 'event,name,result\nmark,,\nboot,kernel_bytes,1\nzone,0/DMA32/managed_pages,100\n' > "$tmp/rows.csv"
counted '2 rows that describe the machine after its first use' "$tmp/rows.csv"
rows 0/DMA32/present_pages,9000 > "$tmp/rows.csv"
echo zone,0/DMA32/managed_pages,100 >> "$tmp/rows.csv"
counted '1 rows that describe the machine after its first use' "$tmp/rows.csv"
same "pages of a zone by rows" 4096,9000,9000,9000 \
	"$(mm-buddy -n -t zones -o start_pfn,spanned_pages,present_pages,managed_pages "$tmp/rows.csv" 2> "$tmp/err")"
rows 0/DMA32/present_pages,9000 0/DMA32/free_pages,4096 0/DMA32/free_blocks/Movable/10,4 0/DMA32/pageblocks/Unmovable,9999 > "$tmp/rows.csv"
mm-buddy -n -t zones -o free_pages "$tmp/rows.csv" > "$tmp/out" 2> "$tmp/err" || fail "$(cat "$tmp/err")"
grep -q 'have no room in their zones: blocks at the start are guessed' "$tmp/err" || fail "9999 pageblocks: $(cat "$tmp/err")"
# swap in use is no more than there is, and that of --swap is another
printf 'event,name,size,result\nsysctl,swap,8192,4096\nmark,,,\n' > "$tmp/rows.csv"
fails 1 'rows.csv:2: sysctl swap: expected no more than its 4096 bytes in use, found 8192' mm-reclaim --csv -t summary "$tmp/rows.csv"
used() { mm-vmstat --csv --output=swpd_kib "$@" 2> "$tmp/err" | awk -F, 'END { print $NF }'; }
printf 'event,name,size,result\nsysctl,swap,8192,1048576\nmark,,,\n' > "$tmp/rows.csv"
same "swap in use" 8 "$(used "$tmp/rows.csv")"
same "--swap" 0 "$(used --swap=1M "$tmp/rows.csv")"
same "the row before -M" 8 "$(used --machine="$m" "$tmp/rows.csv")"
printf 'event,name,result\nsysctl,swap,62914560\nmark,,\n' > "$tmp/rows.csv"
same "a row of as much, with nothing in use" 0 "$(used --machine="$m" "$tmp/rows.csv")"
exit $failed
