#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# mm-iomem as it is used: captures against what their kernels said, messages and exit statuses.
. "${srcdir:-.}/tests/lib.sh"

zones='node,zone,start_pfn,spanned_pages,present_pages'
prints 'two nodes out of a log' "$zones
0,DMA,1,4095,3998
0,DMA32,4096,520192,520192
1,DMA32,524288,524288,262109
1,Normal,1048576,262144,262144" "$bin/mm-iomem" -t zones -o $zones "$data/zones/6.6-numa.dmesg"
prints 'a log through a pipe, its table through another' "$zones
0,DMA,1,4095,3998
0,DMA32,4096,520192,520192
1,DMA32,524288,524288,262109
1,Normal,1048576,262144,262144" sh -c "$bin/mm-iomem - < $data/zones/6.6-numa.dmesg | $bin/mm-iomem - -t zones -o $zones"
# before 3.10: no managed pages, and more free than "present", which was counted before the last of them were given back
cat > "$tmp/old.zoneinfo" << 'END'
Node 0, zone      DMA
  pages free     2855
        min      3
        low      3
        high     4
        spanned  4096
        present  2761
        protection: (0, 0, 0, 0)
  pagesets
  start_pfn:         0
END
prints 'zones before 3.10' "node,zone,spanned_pages,present_pages,managed_pages
0,DMA,4096,2855,2855" "$bin/mm-iomem" -t zones -o node,zone,spanned_pages,present_pages,managed_pages "$tmp/old.zoneinfo"
# a log of such a kernel, without time stamps
cat > "$tmp/old.dmesg" << 'END'
BIOS-provided physical RAM map:
 BIOS-e820: 0000000000000000 - 000000000009fc00 (usable)
 BIOS-e820: 000000000009fc00 - 00000000000a0000 (reserved)
 BIOS-e820: 0000000000100000 - 000000000c000000 (usable)
END
prints 'a log before 3.5' "start,end,name
0x0,0x9fbff,System RAM
0x9fc00,0x9ffff,Reserved
0x100000,0xbffffff,System RAM" "$bin/mm-iomem" -o start,end,name "$tmp/old.dmesg"
# arm64: 0x6d0000 + 1 GiB for kdump (once, what is reserved in it is not more) + 64 MiB; 13b600000 lies outside of RAM
cat > "$tmp/arm.iomem" << 'END'
09000000-09000fff : pl011@9000000
40000000-13b5fffff : System RAM
  40210000-4159ffff : Kernel code
  415a0000-41c6ffff : reserved
  7c000000-bbffffff : Crash kernel
    80000000-8fffffff : reserved
13b600000-13b71ffff : reserved
13b720000-13fffffff : System RAM
  13bc00000-13fbfffff : reserved
4010000000-401fffffff : PCI ECAM
  4010000000-401fffffff : reserved
END
prints 'what is kept in the midst of RAM' "kernel_image,20512768
kept_in_ram,$((0x6d0000 + (1 << 30) + (64 << 20)))" \
	sh -c "$bin/mm-iomem -n -t summary -o item,size_bytes $tmp/arm.iomem | grep -E 'kernel_image|kept_in_ram'"
# 3 of 4 GiB of CXL and 1 of 2 GiB of persistent memory were plugged in as RAM (drivers/dax/kmem.c): each byte counts once
cat > "$tmp/kmem.iomem" << 'END'
00100000-3fffffff : System RAM
100000000-1ffffffff : Soft Reserved
  100000000-1ffffffff : CXL Window 0
    140000000-1ffffffff : dax0.0
      140000000-1ffffffff : System RAM (kmem)
200000000-27fffffff : Persistent Memory
  240000000-27fffffff : dax1.0
    240000000-27fffffff : System RAM (kmem)
END
prints "memory that was plugged in" "ram,$((5 * (1 << 30) - (1 << 20)))
reserved,$((1 << 30))
pmem,$((1 << 30))" sh -c "$bin/mm-iomem -n -t summary -o item,size_bytes $tmp/kmem.iomem | grep -E '^(ram|reserved|pmem),'"
prints 'a directory with the firmware map only' "$zones
0,DMA,1,4095,3998
0,DMA32,4096,258013,258013" "$bin/mm-iomem" -t zones -o $zones --sysroot="$data/memmap"
prints 'mem= cuts by address' "$zones
0,DMA,1,4095,3998
0,DMA32,4096,61440,61440" "$bin/mm-iomem" -t zones -o $zones --ram=256M "$data/zones/6.6-3G.iomem"
prints 'holes' 'start,end,size_bytes
0xc0600,0xeffff,195072
0xfec00400,0xfecfffff,1047552
0xfed00400,0xfffbffff,19659776
0x180000000,0xfcffffffff,1080184274944' "$bin/mm-iomem" -t holes "$data/zones/6.6-3G.iomem"

# Odd boots: zones as the kernel had them, of its log and of the firmware's map with its command line; the sum of managed pages.
for log in "$data"/boots/*.dmesg; do
	name=$(basename "$log" .dmesg)
	prints "$name, of the log" "$(grep -v managed "$data/boots/$name.zones")" "$bin/mm-iomem" -t zones -o $zones "$log"
	got=$("$bin/mm-iomem" -t zones -o managed_pages -n --csv "$log" | awk '{ sum += $1 } END { print "managed", sum }')
	want=$(grep managed "$data/boots/$name.zones")
	[ "$got" = "$want" ] || fail "$name: expected $want, found $got"
	grep -q "SRAT\|Faking node " "$log" && continue	# the firmware's map alone tells no nodes
	rm -rf "$tmp/firmware"
	mkdir -p "$tmp/firmware/proc"
	sed -n 's/.*Command line: //p' "$log" > "$tmp/firmware/proc/cmdline"
	i=0
	sed -n 's/.*BIOS-e820: \[mem \(0x[0-9a-f]*\)-\(0x[0-9a-f]*\)\] \(.*\)/\1 \2 \3/p' "$log" | while read -r start end type; do
		entry=$tmp/firmware/sys/firmware/memmap/$i
		mkdir -p "$entry"
		echo "$start" > "$entry/start"
		echo "$end" > "$entry/end"
		[ "$type" = usable ] && type='System RAM' || type=Reserved
		echo "$type" > "$entry/type"
		i=$((i + 1))
	done
	prints "$name, of the firmware's map" "$(grep -v managed "$data/boots/$name.zones")" \
		"$bin/mm-iomem" -t zones -o $zones --sysroot="$tmp/firmware"
done
# "Fallback order for Node N" of this machine's log
mkdir -p "$tmp/numa/sys/devices/system/node"
cp -r "$data/boots/distances/." "$tmp/numa/sys/devices/system/node/"
mkdir -p "$tmp/numa/proc"
cp "$data/boots/distances/zoneinfo" "$tmp/numa/proc/"
prints 'fallback by distance' 'node,cpus,distances,zonelist
0,0,10|15|25|35,0|1|2|3
1,1,15|10|25|30,1|0|2|3
2,2,25|25|10|12,2|3|0|1
3,3,35|30|12|10,3|2|1|0' "$bin/mm-iomem" -t nodes -o node,cpus,distances,zonelist --sysroot="$tmp/numa"
prints 'kernelcore= in percent' "$zones
0,DMA,1,4095,3998
0,DMA32,4096,782301,782301" "$bin/mm-iomem" -t zones -o $zones --kernelcore=100% "$data/zones/6.6-3G.iomem"
# A node of removable RAM: with movable_node all of it is movable, unless the kernel lies in it.
printf '%s\n' 'Command line: movable_node' 'BIOS-e820: [mem 0x100000-0x3fffffff] usable' \
	'BIOS-e820: [mem 0x100000000-0x17fffffff] usable' 'ACPI: SRAT: Node 0 PXM 0 [mem 0x0-0x3fffffff] hotplug' \
	'ACPI: SRAT: Node 1 PXM 1 [mem 0x100000000-0x17fffffff] hotplug' > "$tmp/removable"
prints 'movable_node' "$zones
0,DMA,256,3840,3840
0,DMA32,4096,258048,258048
1,Movable,1048576,524288,524288" "$bin/mm-iomem" -t zones -o $zones "$tmp/removable"

mkdir -p "$tmp/hidden/proc" "$tmp/both/proc"
printf '00000000-00000000 : Reserved\n00000000-00000000 : System RAM\n' > "$tmp/hidden/proc/iomem"
cp "$tmp/hidden/proc/iomem" "$tmp/both/proc/"
cp -r "$data/memmap/sys" "$tmp/both/"
refused 1 'addresses are hidden' "$bin/mm-iomem" "$tmp/hidden/proc/iomem"
refused 1 'addresses are hidden' "$bin/mm-iomem" --sysroot="$tmp/hidden"
"$bin/mm-iomem" --sysroot="$tmp/both" > "$tmp/out" 2> "$tmp/err" || fail "hidden iomem beside memmap: $(cat "$tmp/err")"
grep -q 'hides its addresses' "$tmp/err" || fail "hidden iomem is not told"
[ "$(wc -l < "$tmp/out")" = 8 ] || fail "hidden iomem does not fall back to memmap"

printf '00001000-00000fff : System RAM\n' > "$tmp/reversed"
printf 'Node 0, zone DMA\n  pages free 5\n' > "$tmp/zones"
refused 1 'mm-iomem: .*/reversed:1: expected a region that ends' "$bin/mm-iomem" "$tmp/reversed"
refused 1 'expected a zone with pages, found none' "$bin/mm-iomem" "$tmp/zones" -t zones
refused 1 'expected a map .*found only zones' "$bin/mm-iomem" "$tmp/zones"
refused 1 'found an empty file' "$bin/mm-iomem" /dev/null
refused 1 'No such file' "$bin/mm-iomem" "$tmp/nothing"
refused 1 'found none that tells a map' "$bin/mm-iomem" "$tmp"
refused 1 'DIMMs of at least 4294967296 bytes' "$bin/mm-iomem" -M pc-4g -t dimms --dimm=1G
refused 2 "no table is called 'ramm'" "$bin/mm-iomem" -t ramm
refused 2 'expected a power of two' "$bin/mm-iomem" --interleave=300
refused 2 'expected a number' "$bin/mm-iomem" --lookup=here
printf '00001000-0fffffff : System RAM\n00002000-1fffffff : System RAM\n' > "$tmp/overlap"
prints 'overlapping RAM counts once' "$zones
0,DMA,1,4095,3999
0,DMA32,4096,126976,126976" "$bin/mm-iomem" -t zones -o $zones "$tmp/overlap"
grep -q 'region 0x2000-0x1fffffff (System RAM) overlaps 0x1000-0xfffffff (System RAM)' "$tmp/err" ||
	fail "overlapping regions are not told: $(cat "$tmp/err")"
for f in "$data"/pc-4g.iomem "$data"/zones/*.iomem "$data"/zones/*.dmesg; do
	"$bin/mm-iomem" "$f" 2>&1 > "$tmp/out" | grep overlap && fail "$f: overlaps"
done
# zones alone, by hand: lowmem_reserve of DMA is the managed pages above it by 256: 51200 / 256 = 200.
# A kernel without CONFIG_ZONE_DEVICE lists four types; where Movable is not listed the list is not known to be whole.
zone_text() { zone "$1" 0 0 "$2" "$2" "$3"; }	# NAME PAGES START
some=$(zone_text DMA 2048 1; zone_text DMA32 51200 4096)
echo "$some" > "$tmp/some"
{ echo "$some"; zone_text Normal 0 0; zone_text Movable 0 0; } > "$tmp/four"
{ echo "$some"; zone_text Normal 0 0; zone_text Movable 0 0; zone_text Device 0 0; } > "$tmp/five"
{ echo "$some"; zone_text Normal 2560 55296; zone_text Movable 5120 57856; } > "$tmp/full"
for f in full:'0|200|210|230' some:'0|200|200|200|200' four:'0|200|200|200' five:'0|200|200|200|200'; do
	same "reserve, ${f%%:*}" "${f#*:}" "$("$bin/mm-iomem" -t zones -n -o protection_pages "$tmp/${f%%:*}" | head -1)"
done

# zones with more CPUs than there can be: as many as where they tell of none
per_cpu() { zone DMA32 40000 300 50000 50000 4096; echo '  pagesets'; seq 0 $(($1 - 1)) | sed 's/.*/    cpu: &\n              count: 0/'; }
one=$(per_cpu 1 | mm-iomem -t zones -n - | cksum)
for n in 1025 5000 70000; do
	per_cpu $n > "$tmp/cpus"
	same "$n CPUs" "$one" "$(timeout 20 mm-iomem -t zones -n "$tmp/cpus" | cksum)"
done

# a map of another architecture: the zones are said to be guesses, those of zoneinfo and a PC's are none
foreign() { "$bin/mm-iomem" -t zones "$1" 2>&1 > /dev/null | sed "s,^mm-iomem: ,,"; }
as='zones and what is managed are as x86-64 would have them'
printf '%s\n' '40000000-5fffffff : System RAM' '  40210000-41e0ffff : Kernel code' > "$tmp/arm64"
printf '%s\n' '00000000-3fffffff : System RAM' '  00100000-00e43b7b : Kernel code' > "$tmp/s390"
same 'a map of arm64' "expected a map of x86-64, found no RAM below 1 MiB: $as" "$(foreign "$tmp/arm64")"
printf '[    0.000000] %s\n' 'Early memory node ranges' '  node   0: [mem 0x0000000000000000-0x000000003b3fffff]' > "$tmp/pi"
same 'a log of arm64' "expected a map of x86-64, found RAM at 0xa0000: $as" "$(foreign "$tmp/pi")"
same 'a log of a PC' '' "$(foreign "$data/zones/6.6-numa.dmesg")"
same 'a map of s390' "expected a map of x86-64, found RAM at 0xa0000: $as" "$(foreign "$tmp/s390")"
same 'a map of a PC' '' "$(foreign "$data/pc-4g.iomem")"
same 'regions of any map are as they stand' '' "$("$bin/mm-iomem" "$tmp/arm64" 2>&1 > /dev/null)"

if [ -w /dev/full ]; then
	"$bin/mm-iomem" -M pc-4g > /dev/full 2> "$tmp/err"
	[ $? = 1 ] && grep -q 'No space left' "$tmp/err" || fail "a full disk: $(cat "$tmp/err")"
fi
exit $failed
