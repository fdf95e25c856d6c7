#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A machine of -M that is driven begins with the capture's free blocks and types of pageblocks (proc/pagetypeinfo, proc/buddyinfo), not
# with the number of free pages alone. What the blocks are is test_captured_blocks'.
. "${srcdir:-.}/tests/lib.sh"

# 160 MiB: 31491 pages are managed; of 36823 pages in 72 pageblocks 5 * 1024 + 2 * 512 + 256 are free
m=$tmp/m
mkdir -p "$m/proc"
zones() {	# FREE
	zone DMA32 "$1" 331 36823 31491 4096 'nr_zone_inactive_anon 2000' 'nr_zone_active_anon 3000' 'nr_zone_inactive_file 10000' \
		'nr_zone_active_file 8000' pagesets 'cpu: 0' 'count: 0' 'high:  413' 'batch: 7' > "$m/proc/zoneinfo"
}
types() {	# MOVABLE-9 HIGHATOMIC-9 MOVABLE-BLOCKS HIGHATOMIC-BLOCKS
	cat > "$m/proc/pagetypeinfo" <<-END
	Page block order: 9
	Pages per block:  512

	Free pages count per migrate type at order       0      1      2      3      4      5      6      7      8      9     10
	Node    0, zone    DMA32, type    Unmovable      0      0      0      0      0      0      0      0      1      0      0
	Node    0, zone    DMA32, type      Movable      0      0      0      0      0      0      0      0      0     $1      5
	Node    0, zone    DMA32, type  Reclaimable      0      0      0      0      0      0      0      0      0      0      0
	Node    0, zone    DMA32, type   HighAtomic      0      0      0      0      0      0      0      0      0     $2      0
	Node    0, zone    DMA32, type      Isolate      0      0      0      0      0      0      0      0      0      0      0

	Number of blocks type     Unmovable      Movable  Reclaimable   HighAtomic      Isolate
	Node 0, zone    DMA32           10           $3            2            $4            0
	END
}
zones 6400
{
	echo pid,event,addr,size,flags
	echo '7,mmap,0x100000000000,81920000,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE|MAP_FIXED'
	awk 'BEGIN { for (i = 0; i < 6400; i++) printf "7,store,0x1000%08x,1,\n", i * 4096 }'
} > "$tmp/store.csv"
head -2 "$tmp/store.csv" > "$tmp/begin.csv"
sed '3,$s/,1,$/,1024000,/; 63q' "$tmp/store.csv" |
	awk -F, -v OFS=, 'NR > 2 { $3 = sprintf("0x1000%08x", (NR - 3) * 1024000) } { print }' > "$tmp/large.csv"
model() { mm-reclaim --csv -M "$m" --swap=256M -S thp=never "$@" 2> "$tmp/err"; }
wakes() { model "$@" "$tmp/store.csv" | awk -F, '$2 == "store" { n++ } $2 == "kswapd_wake" { print n; exit }'; }

# The kernel takes what it has reserved for requests that cannot wait from what is free, whether it is free or not: kswapd wakes two
# pageblocks earlier, which are 1022 pages of the task and two page tables for them.
for lists in 0 1; do
	types 2 0 60 0; none=$(wakes -S captured_lists=$lists)
	types 0 2 58 2; free=$(wakes -S captured_lists=$lists)
	types 2 0 58 2; used=$(wakes -S captured_lists=$lists)
	grep -q guessed "$tmp/err" && fail "captured_lists=$lists: $(cat "$tmp/err")"
	((none > 5000)) || fail "captured_lists=$lists: expected kswapd to sleep for most of 6400 - 413 pages, found $none"
	same "captured_lists=$lists: two pageblocks reserved, free" 1022 $((none - free))
	same "captured_lists=$lists: two pageblocks reserved, in use" 1022 $((none - used))
done

# what kernels' own files tell is what the machine then has
echo event,size,flags > "$tmp/nothing.csv"
for d in manual/guest captures/woken/fresh captures/woken/one captures/woken/two; do
	for t in types free; do
		o=node,zone,migratetype,$([ $t = types ] && echo pageblocks || echo order,blocks)
		mm-buddy -M "$data/$d" --check -n -t $t -o "$o" "$tmp/nothing.csv" 2> "$tmp/err" | grep -v CMA | sort > "$tmp/got"
		[ -s "$tmp/err" ] && fail "$d: $(cat "$tmp/err")"
		mm-buddy -n -t $t -o "$o" "$data/$d/proc/pagetypeinfo" | grep -v CMA | sort | diff - "$tmp/got" > "$tmp/diff" ||
			fail "$d: $t differ from the kernel's: $(head -5 "$tmp/diff")"
	done
done

# As Linux 6.6 did: by the number of free pages alone it is up to 1000 pages later.  Within 64 pages: some the kernel took for itself.
{
	sed 's/81920000/146800640/' "$tmp/begin.csv"
	awk 'BEGIN { for (i = 0; i < 35840; i++) printf "7,store,0x1000%08x,1,\n", i * 4096 }'
} > "$tmp/long.csv"
while IFS=, read -r capture want; do
	got=$(mm-reclaim --csv -M "$data/captures/woken/$capture" -S thp=never -S captured_lists=1 "$tmp/long.csv" 2> "$tmp/err" |
		awk -F, '$2 == "store" { n++ } $2 == "kswapd_wake" { printf "%d,", n; if (++k == 3) exit }')
	echo "$want,$got" | awk -F, '{ for (i = 1; i <= 3; i++) if ($i != "" && ($i - $(i + 3))^2 > 64^2) exit 1 }' ||
		fail "captures/woken/$capture: the kernel woke kswapd after $want pages, the model after $got"
done < <(sed 1d "$data/captures/woken/wakes.csv")

# they are given back before anybody is killed, and reports of that time tell
types 0 2 58 2
mm-reclaim --csv -M "$m" --swap=0 -S thp=never --check -t summary --oom-report="$tmp/report" "$tmp/large.csv" > "$tmp/out" 2> "$tmp/err"
grep -q '^oom_kill,1' "$tmp/out" || fail "expected one kill, found: $(grep oom "$tmp/out") $(cat "$tmp/err")"
grep -q 'Node 0 DMA32 free:.*reserved_highatomic:0KB' "$tmp/report" ||
	fail "expected a zone without a reserve, found: $(grep reserved "$tmp/report")"
# as many free pages as zoneinfo says, but for those of the address space, whatever pagetypeinfo says within an eighth
for n in 6400 6300 6500 5800 7000; do
	zones $n
	for lists in 0 1; do
		got=$(model -S captured_lists=$lists --check -t counters "$tmp/begin.csv" | awk -F, '$1 == "nr_free_pages" { print $2 }')
		((got <= n && got > n - 32)) || fail "captured_lists=$lists: expected $n free pages, found $got"
		[ $n != 6400 ] || [ $lists = 1 ] || ((got > 6380)) ||
			fail "expected few pages taken by the address space, found $((n - got))"
		grep -q guessed "$tmp/err" && fail "$n: $(cat "$tmp/err")"
	done
done
zones 9000
model -t counters "$tmp/begin.csv" > "$tmp/out"
grep -q '1 counts of free blocks that do not agree with zoneinfo: blocks at the start are guessed' "$tmp/err" ||
	fail "9000: $(cat "$tmp/err")"
zones 6400

# with captured_lists=1 the lists have the pages of zoneinfo and are reclaimed, in what movable pageblocks have taken
for gen in 0 1; do
	got=$(model -S captured_lists=1 -S lru_gen=$gen --check -t lru "$tmp/begin.csv" | awk -F, '{ all += $5 } END { print all }')
	same "lru_gen=$gen: pages of lists" 23000 "$got"
	model -S captured_lists=1 -S lru_gen=$gen --check -t summary "$tmp/large.csv" |
		awk -F, '{ v[$1] = $2 } END { exit !(v["pgsteal_file"] + v["pgsteal_anon"] > 7000 && v["oom_kill"] == 0) }' ||
		fail "lru_gen=$gen: the lists were not reclaimed: $(cat "$tmp/err")"
done
# beside kpageflags, which tells which pages are taken but not whose, the lists have the blocks too
: > "$m/proc/kpageflags"
same "kpageflags" 23000 "$(model -S captured_lists=1 --check -t lru "$tmp/begin.csv" | awk -F, '{ all += $5 } END { print all }')"
grep -q guessed "$tmp/err" && fail "kpageflags: $(cat "$tmp/err")"
rm "$m/proc/kpageflags"
# another size of RAM is another machine
model --ram=100M -t counters "$tmp/begin.csv" > "$tmp/out"
grep -q 'only zoneinfo' "$tmp/err" || fail "--ram: $(cat "$tmp/err")"

# buddyinfo alone
rm "$m/proc/pagetypeinfo"
echo 'Node 0, zone    DMA32      0      0      0      0      0      0      0      0      1      2      5' > "$m/proc/buddyinfo"
got=$(wakes)		# somewhat earlier: page tables take a whole block, and movable pages fall back to what they leave of it
((got > 5500 && got <= none)) || fail "buddyinfo: expected kswapd to wake after some 5900 pages, found $got"
grep -q guessed "$tmp/err" && fail "buddyinfo: $(cat "$tmp/err")"

# what is no table of free blocks
bad() { refused 1 "$1" mm-reclaim --csv -M "$m" -t summary "$tmp/begin.csv"; }
echo 'Node 0, zone    DMA32      0      0      many' > "$m/proc/buddyinfo"
bad 'proc/buddyinfo:1: expected a count of free blocks for order 2'
echo nothing > "$m/proc/buddyinfo"
bad 'proc/buddyinfo:1: expected "Node N, zone NAME" and counts of free blocks'
types 0 2 58 2
sed -i '$s/ 0$//' "$m/proc/pagetypeinfo"
bad 'proc/pagetypeinfo:12: expected 5 counts of pageblocks, found 4'
# cut off before the pageblocks: as many as the free blocks need
sed -i 11,12d "$m/proc/pagetypeinfo"
same "no pageblocks" 1022 $((none - $(wakes)))
# of other zones, of more pageblocks than there are, of more pages than fit singly
guessed() {
	model -t counters "$tmp/begin.csv" > "$tmp/out"
	grep -q "$1: blocks at the start are guessed" "$tmp/err" || fail "$1: $(cat "$tmp/err")"
}
types 0 2 58 2; sed -i 's/DMA32/Movable/' "$m/proc/pagetypeinfo"
guessed 'do not agree with zoneinfo'
types 0 2 58 9999999999999999999
guessed 'have no room in their zones'
types 0 2 58 2; sed -i '/^Node.*type/s/Movable .*/Movable 99999999999 0 0 0 0 0 0 0 0 0 0/' "$m/proc/pagetypeinfo"
guessed 'do not agree with zoneinfo'
zones 30000
types 0 2 58 2; sed -i '/^Node.*type/s/Movable .*/Movable 28720 0 0 0 0 0 0 0 0 0 0/' "$m/proc/pagetypeinfo"
guessed 'have no room in their zones'
# copies of what is root's alone are empty: the other file tells, or nothing does
zones 6400
: > "$m/proc/pagetypeinfo"
: > "$m/proc/buddyinfo"
guessed '1 files of free blocks that are empty'
echo 'Node 0, zone    DMA32 0 0 0 0 0 0 0 0 0 1 6' > "$m/proc/buddyinfo"
same "an empty pagetypeinfo" 6 "$(mm-buddy --csv -M "$m" -t free | awk -F, '$4 == 10 { n += $5 } END { print n + 0 }')"
# --explain of a capture: what is set aside for high-order atomic requests is not free for others, as on the machine made of it; of the
# two pageblocks one is DMA's
unusable() { mm-buddy --explain=$1 $2"$data/captures/woken/two" -n -o path,zone,verdict,unusable_pages,mark_pages 2> "$tmp/err"; }
for request in 0 3 0,GFP_ATOMIC 2,GFP_ATOMIC; do
	same "--explain=$request" "$(unusable $request -M)" "$(unusable $request --sysroot=)"
done
same "set aside" "512 0" "$(echo $(unusable 0 -M | sed -n 's/^fast,DMA,ok,\([0-9]*\),.*/\1/p') \
	$(mm-buddy --explain=0,GFP_ATOMIC --sysroot="$data/captures/woken/two" -n -o path,zone,unusable_pages | sed -n 's/^slow,DMA,//p'))"
# since 6.12 those of them that are free count: zoneinfo tells of them in kernels after 6.18; not for high-order atomic requests
cp -r "$data/captures/woken/two" "$tmp/tells"
sed -i '0,/^  start_pfn: .*/s//&\n  reserved_highatomic: 512\n  free_highatomic:     37/' "$tmp/tells/proc/zoneinfo"
for path in fast:0:37 fast:3:44 slow:0,GFP_ATOMIC:0; do
	IFS=: read -r path request pages <<< "$path"
	same "free of those set aside, $path $request" "$pages" \
		"$(mm-buddy --explain="$request" --sysroot="$tmp/tells" -n -o path,zone,unusable_pages | sed -n "s/^$path,DMA,//p")"
done
# before that pagetypeinfo does, here 32 pages of DMA's 512: what kernel it is of decides
cp -r "$data/captures/woken/two" "$tmp/version"
sed -i '/DMA, type   HighAtomic/s/HighAtomic.*/HighAtomic 0 0 0 0 0 1 0 0 0 0 0/' "$tmp/version/proc/pagetypeinfo"
of_version() {	# VERSION: pages of DMA that do not count, and whether a note says that the kernel is not told
	rm -f "$tmp/version/proc/version"
	if [ "$1" ]; then echo "Linux version $1 (gcc) #1 SMP" > "$tmp/version/proc/version"; fi
	mm-buddy --explain=0 --sysroot="$tmp/version" -n -o path,zone,unusable_pages 2> "$tmp/err" | sed -n "s/^fast,DMA,//p"
	grep -c 'HighAtomic pageblocks count whole as unusable, as before Linux 6.12' "$tmp/err"
}
same "free of those set aside, of 6.6" "512 0" "$(of_version 6.6.87 | paste -sd' ')"
same "free of those set aside, of 6.11" "512 0" "$(of_version 6.11.0-8-generic | paste -sd' ')"
same "free of those set aside, of 6.12" "32 0" "$(of_version 6.12.3 | paste -sd' ')"
same "free of those set aside, of 7.0" "32 0" "$(of_version 7.0.0-rc1 | paste -sd' ')"
same "free of those set aside, of a kernel not told" "512 1" "$(of_version '' | paste -sd' ')"
mkdir -p "$tmp/version/proc/sys/kernel"
echo 6.18.2 > "$tmp/version/proc/sys/kernel/osrelease"
same "free of those set aside, by osrelease" "32 0" "$(of_version '' | paste -sd' ')"
# A report tells its kernel in the line of the CPU, and types of blocks by letters alone: of 4*32kB (UH) one is U's
in_report() {	# LINE: pages that do not count
	cat > "$tmp/report" <<END
eater: page allocation failure: order:0, mode:0xcc0(GFP_KERNEL), nodemask=(null)
$1
Node 0 Normal free:40000kB min:100kB low:120kB high:140kB reserved_highatomic:2048KB managed:409600kB
lowmem_reserve[]: 0 0 0 0
Node 0 Normal: 9936*4kB (U) 0*8kB 0*16kB 4*32kB (UH) 2*64kB (H) = 40000kB
END
	mm-buddy --explain -n -o path,unusable_pages "$tmp/report" 2> "$tmp/err" | sed -n "s/^fast,//p"
}
same "a report of 6.6" 512 "$(in_report 'CPU: 0 PID: 7 Comm: eater Not tainted 6.6.87 #1')"
same "a report of 6.12" 56 "$(in_report 'CPU: 0 UID: 0 PID: 7 Comm: eater Tainted: G        W          6.12.3-1-amd64 #1 Debian')"
grep -q 'how much of HighAtomic pageblocks is free is not told' "$tmp/err" || fail "the most it can be: $(cat "$tmp/err")"
same "a report that tells no kernel" 512 "$(in_report 'Call Trace:')"
grep -q 'as before Linux 6.12' "$tmp/err" || fail "no kernel: $(cat "$tmp/err")"
# Lines of zoneinfo of a kind that is not known are counted and told.
cp -r "$data/captures/woken/two" "$tmp/odd"
printf '  something_new\n  something else again\n' >> "$tmp/odd/proc/zoneinfo"
echo pid,event > "$tmp/odd.csv"
for told in "--explain=0 --sysroot=$tmp/odd" "-t free -M $tmp/odd $tmp/odd.csv"; do
	mm-buddy $told > "$tmp/out" 2> "$tmp/err" || fail "$told: $(cat "$tmp/err")"
	grep -q '2 lines of \(zoneinfo of \)\?a kind that is not known' "$tmp/err" || fail "$told: lines not told: $(cat "$tmp/err")"
done
# old kernels do not tell what is managed of a zone: the zones that have memory are asked, by hand 100 - 3 > 20 + 40
mkdir -p "$tmp/old/proc"
old_zone() { printf 'Node 0, zone %8s\n  pages free     %s\n        min      15\n        low      20\n        high     25\n' "$1" "$2"
	printf '        spanned  %s\n        present  %s\n        protection: (%s)\n' "$3" "$3" "$4"; }
{ old_zone Normal 100 8192 '0, 40, 40'; old_zone HighMem 0 0 '0, 0, 0'; } > "$tmp/old/proc/zoneinfo"
{ echo 'Node 0, zone   Normal 96 0 1 0 0 0 0 0 0 0 0'; echo 'Node 0, zone  HighMem 0 0 0 0 0 0 0 0 0 0 0'; } > "$tmp/old/proc/buddyinfo"
same "zones of old kernels" "fast,Normal,ok,100,3,20,40 slow,Normal,ok,100,3,15,40" \
	"$(mm-buddy --explain=2,GFP_HIGHUSER --sysroot="$tmp/old" -n \
		-o path,zone,verdict,free_pages,unusable_pages,mark_pages,reserve_pages | xargs)"
# a kernel without ZONE_DEVICE tells of four types what a zone keeps from them
same "four numbers" "0|122|122|122|122 0|0|0|0|0" \
	"$(mm-buddy -M "$data/captures/woken/two" -n -t zones -o protection_pages 2> "$tmp/err" | paste -sd' ')"
mkdir -p "$tmp/types/proc"
reserves() {	# WHY EXPECTED SED-SCRIPT
	sed "$3" "$data/captures/woken/two/proc/zoneinfo" > "$tmp/types/proc/zoneinfo"
	same "$1" "$2" "$(mm-buddy -M "$tmp/types" -n -t zones -o protection_pages 2> "$tmp/err" | paste -sd' ')"
}
reserves "one without ZONE_DMA tells of four others" "0|0|122|122|130 0|0|0|0|0" \
	's/zone  Movable/zone Device/; s/zone   Normal/zone Movable/; s/zone    DMA32/zone Normal/; s/zone      DMA/zone DMA32/
	s/protection: (0, 122, 122, 122)/protection: (0, 122, 122, 130)/'
# kernels before 4.12 list zones with pages alone; Movable, which all have, makes up the number. Where more is missing nobody knows what:
# they are computed
reserves "Movable is not listed" "0|122|122|122|122 0|0|0|0|0" '/zone  Movable/,$d'
reserves "not all zones" "0|125|125|125|125 0|0|0|0|0" '/zone   Normal/,$d'
exit $failed
