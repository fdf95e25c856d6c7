#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Hostile input to every driving command: the exact exit status, and the exact words or their pattern on stderr.
. "${srcdir:-.}/tests/lib.sh"
cd "$tmp" || exit 99
count=0

# expect STATUS PATTERN COMMAND...: run it (stdout dropped); stderr must match the extended regular expression
expect() {
	local want=$1 pattern=$2 got
	shift 2
	count=$((count + 1))
	timeout "${MM_TIMEOUT:-60}" "$@" > out 2> err
	got=$?
	if [ "$got" != "$want" ]; then
		echo "FAIL: $*: expected status $want, found $got: $(head -c 300 err)"
		failed=1
	elif [ -n "$pattern" ] && ! grep -qE -- "$pattern" err; then
		echo "FAIL: $*: expected /$pattern/ on stderr, found: $(head -c 300 err)"
		failed=1
	elif [ "$want" != 0 ] && [ "$(wc -l < err)" != 1 ]; then
		echo "FAIL: $*: expected one line on stderr, found: $(head -c 400 err)"
		failed=1
	fi
}

head='pid,event,addr,size,flags'
mmap='1000,mmap,0x100000000000,4096,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED'

printf '' > empty.csv
printf '%s\n%s\n1000,load,0x1000' "$head" "$mmap" > truncated.csv
head -c 65536 /dev/zero | tr '\0' '\377' > binary.bin
printf '%s\n1000,load,0x10\00000,8,\n' "$head" > nul.csv
printf 'pid,evnt,addr\n1000,load,0x1000\n' > header.csv
printf 'time_s,%s\n2,%s\n1.5,1000,load,0x100000000000,8,\n' "$head" "$mmap" > back.csv
printf '%s\n1000,laod,0x100000000000,8,\n' "$head" > unknown.csv
printf '%s\n1000,load,0x1000000000000000000,8,\n' "$head" > range.csv
printf '%s\n1000,load,0x100000000000,-8,\n' "$head" > negative.csv
printf '%s\n%s\n1000,load,0x200000000000000,8,\n' "$head" "$mmap" > beyond57.csv
printf '%s\n%s\n1000,load,"0x1000' "$head" "$mmap" > quote.csv
printf '%s\n%s\n1000,load,0x100000000000,8,,extra,fields\n' "$head" "$mmap" > fields.csv

for cmd in mm-vma mm-fault mm-reclaim; do
	expect 1 "^$cmd: empty.csv: " "$bin/$cmd" empty.csv
	expect 1 "^$cmd: binary.bin" "$bin/$cmd" binary.bin
	expect 1 "^$cmd: nul.csv:2: " "$bin/$cmd" nul.csv
	expect 1 "^$cmd: header.csv:1: .*event" "$bin/$cmd" header.csv
	expect 1 "^$cmd: back.csv:3: .*time_s" "$bin/$cmd" back.csv
	expect 1 "^$cmd: unknown.csv:2: .*laod.*load" "$bin/$cmd" unknown.csv
	expect 1 "^$cmd: range.csv:2: .*addr" "$bin/$cmd" range.csv
	expect 1 "^$cmd: negative.csv:2: .*size.*-8" "$bin/$cmd" negative.csv
	expect 1 "^$cmd: quote.csv:3: " "$bin/$cmd" quote.csv
	expect 1 "^$cmd: nothere.csv: No such file" "$bin/$cmd" nothere.csv
	expect 1 "^$cmd: /: " "$bin/$cmd" /
	# an access anywhere is a result, not an error
	expect 0 "" "$bin/$cmd" beyond57.csv
	# one line of a GiB, without a file of that size
	count=$((count + 1))
	# (in an address space that could not hold it; a sanitizer, or what MM_RUN runs it behind, needs all of it for itself)
	head -c 1G /dev/zero | tr '\0' x | ([ -n "${SANITIZERS-}${MM_RUN-}" ] || ulimit -v 500000; "$bin/$cmd" - > out 2> err)
	[ $? = 1 ] && grep -qE "^$cmd: standard input" err || { echo "FAIL: $cmd: a line of 1 GiB: $(head -c 300 err)"; failed=1; }
	# the command line
	expect 2 "no table is called" "$bin/$cmd" -t nosuch truncated.csv
	count=$((count + 1))
	for bad in --every=never --ram=lots --ram=0 --memory-max=0 --cpus=0 --sysctl=vm.swappiness=many --nosuch; do
		count=$((count + 1))
		"$bin/$cmd" "$bad" truncated.csv > out 2> err
		[ $? = 2 ] && [ -s err ] && [ ! -s out ] || { echo "FAIL: $cmd $bad: $(head -c 200 err)"; failed=1; }
	done
done

# a table that an option prints, without it, and another beside it; one that a trace has not
small=$src/tests/data/manual/first.csv
oom=$src/tests/data/manual/oom.dmesg
slabs=$src/tests/data/manual/before.slabinfo
expect 2 "the table lookup needs --lookup" "$bin"/mm-iomem -M pc-4g -t lookup
expect 2 "--lookup=ADDR prints the table lookup: found -t zones" "$bin"/mm-iomem -M pc-4g -t zones --lookup=0x1000
expect 2 "--map draws .*found --table=zones" "$bin"/mm-iomem -M pc-4g -t zones --map
expect 2 "the table walk needs --explain" "$bin"/mm-fault -t walk "$small"
expect 2 "--explain=PID:ADDR prints the table walk: found -t smaps" "$bin"/mm-fault --explain=1:2 -t smaps "$small"
expect 2 "--explain prints the table explain: found -t free" "$bin"/mm-buddy --explain=0 -M pc-4g -t free
expect 2 "the table curve needs --sweep" "$bin"/mm-reclaim -t curve "$small"
expect 2 "the table policy needs --policy" "$bin"/mm-reclaim -t policy "$small"
expect 2 "--sweep=.* prints the table curve: found -t lru" "$bin"/mm-reclaim -t lru --sweep=memory-max=1M..2M:2 "$small"
expect 2 "--policy=LIST prints the table policy: found -t curve" "$bin"/mm-reclaim -t curve --policy=lru --memory-max=64K "$small"
expect 2 "--explain-oom=FILE prints the table oom: found -t lru" "$bin"/mm-reclaim -t lru --explain-oom="$oom"
expect 2 "the table diff needs --before" "$bin"/mm-slab -t diff "$slabs"
expect 2 "--before=FILE prints the table diff: found -t caches" "$bin"/mm-slab -t caches --before="$slabs" "$slabs"
expect 1 "table diff: expected a slabinfo" "$bin"/mm-slab --before="$slabs" "$small"
expect 2 "--table=sums is not one of a trace" "$bin"/mm-vmstat --table=sums "$small"

# a full disk on standard output
if [ -w /dev/full ]; then
	count=$((count + 1))
	zcat "$src/tests/data/sort.lackey.gz" | head -200000 | "$bin/mm-vma" > /dev/full 2> err
	[ $? = 1 ] && grep -q "^mm-vma: standard output: No space left on device" err || { echo "FAIL: full disk: $(cat err)"; failed=1; }
fi

# a closed pipe ends the command quietly, as SIGPIPE does
count=$((count + 1))
{ zcat "$src/tests/data/sort.lackey.gz" | { "$bin/mm-vma" 2> err; echo $? > status; } | head -1 > /dev/null; } 2> /dev/null
case $(cat status) in
141 | 0) ;;
*) echo "FAIL: closed pipe: status $(cat status)"; failed=1 ;;
esac
[ ! -s err ] || { echo "FAIL: closed pipe: $(head -1 err)"; failed=1; }

# ^C in the middle
count=$((count + 1))
{ zcat "$src/tests/data/sort.lackey.gz" | head -100000; sleep 5; } | timeout --preserve-status -s INT 2 "$bin/mm-fault" > out 2> err
[ $? = 130 ] || { echo "FAIL: ^C"; failed=1; }

# sizes that no loop over pages ends with: a row ends when the kernel ends it (rw_verify_area(), MAX_RW_COUNT), or steps over what is alike
printf '%s\n' pid,event,addr,size,flags,name,offset '7,file,,9223372036854775807,O_RDWR|S_IFREG,/d,' 7,read,,9223372036854775807,,/d,0 \
	7,read,,9223372036854775807,,/d,4096 7,read,,8,,/d,9223372036854775808 7,read,,9223372036854775808,,/d,0 \
	7,write,,9223372036854775807,,/d,1 > "$tmp/sizes.csv"
for c in mm-vma mm-fault; do
	prints "$c: bytes of one call" \
		'2147479552 EINVAL EINVAL EINVAL EINVAL' bash -c "$c --csv -n -o event,result '$tmp/sizes.csv' 2> /dev/null |
		sed -n 's/^\(read\|write\),//p' | xargs"
done
printf '%s\n' pid,event,addr,size,flags \
	'7,mmap,0x100000000000,70368744177664,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED|MAP_NORESERVE' \
	7,store,0x100000000000,70368744177664, > "$tmp/sizes.csv"
prints "a store of 64 TiB" 'mmap,0x100000000000 map, store,ok' bash -c \
	"timeout ${MM_TIMEOUT:-20} mm-vma --csv -n -o event,result '$tmp/sizes.csv' | xargs"

# what somebody packed is named, with what unpacks it, whatever was to be read
printf 'x invoked oom-killer: order=0\n' | gzip > log.gz
printf '\xfd7zXZ\0' > log.xz
printf '\x28\xb5\x2f\xfd' > log.zst
printf 'BZh91AY' > log.bz2
printf 'LPKSHHRH\0\0' > system.journal
for c in "mm-reclaim --explain-oom=log" "mm-buddy --explain log" "mm-iomem log" "mm-slab --before=$data/manual/before.slabinfo log" \
	"mm-vma --seed=1:log $small"; do
	# shellcheck disable=SC2086
	expect 1 "log.gz: expected text, found gzip data: pipe it through zcat" ${c/log/log.gz}
done
for c in xz zst:zstd bz2:bzip2; do
	expect 1 "found ${c#*:} data: pipe it through ${c#*:}*cat|bzcat" mm-reclaim --explain-oom=log.${c%:*}
done
for c in LE:'\xff\xfe' BE:'\xfe\xff'; do
	{ printf "${c#*:}"; iconv -f UTF-8 -t "UTF-16${c%%:*}" <<< 'x invoked oom-killer: order=0'; } > wide
	expect 1 "wide: expected text, found UTF-16: pipe it through iconv -f UTF-16 -t UTF-8" mm-reclaim --explain-oom=wide
	expect 1 "wide: expected text, found UTF-16: pipe it through iconv -f UTF-16 -t UTF-8" mm-buddy wide
done
expect 1 "found a journal of systemd: pipe it through journalctl -k --file" mm-reclaim --explain-oom=system.journal

# A recording of which nothing is understood is none: what came of it would be told of a machine that did nothing.
printf 'This is prose.\nIt tells: nothing 7 at 1.5: all.\n' > prose
printf 'prog %skmem:kmalloc: call_site=ffffffff81234567 ptr=0xffff888001 bytes_req=64 bytes_alloc=64 gfp_flags=GFP_KERNEL\n' \
	'' 7 > fields.txt
for f in strace lackey damo ftrace perf; do
	expect 1 "^mm-vma: prose:1: expected .*, found nothing but " mm-vma --from=$f prose
	expect 1 "^mm-reclaim: prose:1: expected .*, found nothing but " mm-reclaim --from=$f -t summary prose
done
for f in '' --from=ftrace --from=perf; do
	expect 1 "^mm-slab: fields.txt:1: expected .* nothing but events without a time or a task" mm-slab $f -t compare fields.txt
done
printf '# tracer: nop\n#\n' > none.txt
expect 0 "" mm-vma none.txt
{ sed -n 1p fields.txt; echo 'prog 7 [000] 1.5: kmem:kfree: call_site=1 ptr=0xffff888001'; } > partly.txt
expect 0 "left out 1 events without a time or a task" mm-vma partly.txt
printf '%s\n' 'a  5 8.464930:          1 page-faults: ' '	46c57c f+0x11c (/a)' '' > chain
cat chain chain > chains
expect 1 "^mm-fault: chains:1: expected .*, found nothing but page faults without an address .perf record -d" mm-fault chains
printf '%s\n' 'Node 0, zone      DMA' '  pages free     3840' > zones
expect 1 "^mm-buddy: zones:1: expected a trace, a recording, pagetypeinfo, buddyinfo or a kernel log, found zoneinfo" mm-buddy zones
expect 1 "^mm-slab: zones:1: expected a trace, a recording or slabinfo, found zoneinfo" mm-slab zones
printf '%s\n' '00008000-00050000 r-xp 00000000 1f:0a 28         /bin/busybox' > process
expect 1 "^mm-vma: process:1: expected a trace or a recording, found maps .mm-vma --seed=PID:FILE takes it.$" mm-vma process
printf '%s\n' 'nr_free_pages 615337' 'nr_zone_inactive_anon 39' > counters
expect 1 "^mm-vmstat: counters:1: expected a trace or a recording, found vmstat" mm-vmstat counters

# Page faults of perf without addresses: perf is named, and what would tell them.
said='expected a recording as perf has it, found nothing but page faults without an address '
said+='\(perf record -d and perf script -F \+addr tell it\)'
printf 'ls 7 [000] 1.%d: 1 page-faults:u: ffffffff81000 main+0x12 (/bin/ls)\n' 1 2 > faults.txt
printf 'ls 7 [000] 1.%d: 1 page-faults:u: \n\tffffffff81000 main+0x12 (/bin/ls)\n\n' 1 2 > stacks.txt
for f in faults stacks; do
	expect 1 "^mm-fault: $f.txt:1: $said\$" mm-fault $f.txt
	expect 1 "^mm-vma: $f.txt:1: $said\$" mm-vma --from=perf $f.txt
done

# A last line without an end may be cut within a number.
printf '%s\n%s' 'Node 0, zone DMA 1 2 3' 'Node 0, zone DMA32 4 5 66' > cut.buddyinfo
expect 0 "^mm-buddy: cut.buddyinfo:2: the last line does not end" mm-buddy cut.buddyinfo
expect 1 "^mm-buddy: cut.buddyinfo:2: .*under --strict" mm-buddy --strict cut.buddyinfo
expect 0 "^mm-iomem: standard input:1: the last line does not end" bash -c "printf '00001000-0009ffff : System RA' | mm-iomem -"
# So may that of a file that is read below a directory, by the command or when the machine boots, and the last row of CSV.
ends='the last line does not end: it may be cut$'
cp -r "$data/captures/woken/one" cutdir
mkdir -p cutdir/proc/sys/vm cutdir/proc/7
echo 60 > cutdir/proc/sys/vm/swappiness
echo '00001000-0009ffff r--p 00000000 00:00 0' > cutdir/proc/7/maps
printf '%s\n' 'slabinfo - version: 2.1' '# name <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>' \
	'a 1 64 64 64 1 : tunables 0 0 0 : slabdata 1 1 0' > cutdir/proc/slabinfo
tell() {	# FILE COMMAND...: nothing of it while it ends, then a note, an error under --strict
	local f=$1
	shift
	expect 0 "" "$@"
	grep -q 'does not end' err && fail "$*: $f ends: $(cat err)"
	cp "cutdir/$f" whole
	head -c -1 whole > "cutdir/$f"
	expect 0 "^$1: cutdir/$f:$(wc -l < whole): $ends" "$@"
	[ "$(grep -c 'does not end' err)" = 1 ] || fail "$*: told more than once: $(cat err)"
	expect 1 "^$1: cutdir/$f:$(wc -l < whole): .*under --strict" "$@" --strict
	cp whole "cutdir/$f"
}
printf 'event,flags,pid,addr,size\nmmap,PROT_READ|MAP_PRIVATE|MAP_ANONYMOUS,12,,4096\n' > row.csv
for f in zoneinfo swaps pagetypeinfo sys/vm/swappiness; do
	tell proc/$f mm-reclaim -M cutdir -t summary row.csv
done
tell proc/zoneinfo mm-buddy --sysroot=cutdir --explain=0
tell proc/pagetypeinfo mm-buddy --sysroot=cutdir
tell proc/pagetypeinfo mm-buddy -M cutdir -t free
tell proc/zoneinfo mm-iomem cutdir -t zones
tell proc/7/maps mm-vma --sysroot=cutdir
tell proc/slabinfo mm-slab --sysroot=cutdir
printf 'munmap,,12,0x1000,40' > last.csv
cat row.csv last.csv > cut.csv
expect 0 "^mm-vma: cut.csv:3: $ends" mm-vma cut.csv
expect 1 "^mm-vma: cut.csv:3: .*under --strict" mm-vma --strict cut.csv
expect 0 "^mm-vma: standard input:3: $ends" bash -c 'cat cut.csv | mm-vma'
expect 0 "" mm-vma row.csv
[ -s err ] && fail "row.csv: $(cat err)"
printf '12 munmap(0x1000, 4096) = 0\n12 munmap(0x1, 4096) = -1 EINVAL (Invalid argument)' > whole.strace
expect 0 "" mm-vma whole.strace
[ -s err ] && fail "whole.strace: $(cat err)"
echo "$count cases"
exit $failed
