#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A recording of the page allocator, replayed from the recorded free pages, ends in the very lists the kernel ended with:
# as ftrace text, as text of perf script, as a trace in CSV.  What the recording does not say is inferred or told.
. "${srcdir:-.}/tests/lib.sh"
export LC_ALL=C
gunzip -c "$data/kmem/two-nodes.tar.gz" | tar -C "$tmp" -xf - || exit 99
cd "$tmp" || exit 99

# the kernel's answer, in the columns of the table
mm-buddy --csv -t free after.pagetypeinfo | sort > kernel.csv

# replayed FILE [OPTION...]: the free table at the end, without the rows of types the kernel does not list
replayed() {
	mm-buddy --csv -M machine -t free "$@" 2> err | sort
}

same() {
	replayed "$2" > got.csv
	cmp -s kernel.csv got.csv || {
		fail "$1: the lists are not the kernel's"
		diff kernel.csv got.csv | head -5
	}
	[ ! -s err ] || fail "$1: $(cat err)"
}

sed -E 's/^ *(.*)-([0-9]+) +(\[[0-9]+\]) [^ ]+ +([0-9.]+): (mm_)/\1 \2 \3 \4: kmem:\5/; /^#/d' trace.txt > perf.txt
mm-buddy --csv -M machine -t trace trace.txt > trace.csv || fail "-t trace: exit status $?"
same 'ftrace text' trace.txt
same 'perf script' perf.txt
same 'CSV' trace.csv

# by order of all types
pages() {
	replayed "$1" | awk -F, 'NR > 1 { n += $5 * 2 ^ $4 } END { print n }'
}

# lines EVENT...: a short recording; the pages are free at the start (the kernel's list of order 10 of node 1)
free=$(mm-buddy --csv -M machine -t pageblocks trace.csv | awk -F, 'NR > 1 && $2 == 1 && $5 == 512 && $6 == 10 { print $1; exit }')
pfn=$(printf '%#x' $((free / 4096)))
next=$(printf '%#x' $((pfn + 1)))
line() {
	echo "sh-1 [000] $1 $2: $3"
}
{
	line ..... 1.0 "mm_page_alloc_zone_locked: pfn=$pfn order=0 migratetype=1 percpu_refill=1"
	line ..... 1.1 "mm_page_alloc: pfn=$pfn order=0 migratetype=1 gfp_flags=GFP_KERNEL"
	line ..... 1.2 "mm_page_alloc_zone_locked: pfn=$next order=0 migratetype=1 percpu_refill=1"
} > two.txt
two=$(pages two.txt)
# freed where an interrupt meets its CPU's lists locked: at once free; not locked: it waits in them
{ cat two.txt; line ..s2. 1.3 "mm_page_free: pfn=$pfn order=0"; } > locked.txt
{ cat two.txt; line ..s1. 1.3 "mm_page_free: pfn=$pfn order=0"; } > waits.txt
{ cat two.txt; line ..... 1.3 "mm_page_alloc: pfn=$next order=0 migratetype=1 gfp_flags=GFP_KERNEL"
  line ..s2. 1.4 "mm_page_free: pfn=$pfn order=0"; } > done.txt
[ "$(pages locked.txt)" = $((two + 1)) ] || fail "a page freed over the lock of the lists: expected it free"
[ "$(pages waits.txt)" = "$two" ] || fail "a page freed in an interrupt: expected it in the CPU's list"
[ "$(pages done.txt)" = "$two" ] || fail "a page freed when the lock is gone: expected it in the CPU's list"

# impossible: each is told, and the state stays what the facts say
{ cat two.txt; line ..... 1.3 "mm_page_alloc: pfn=$pfn order=0 migratetype=1 gfp_flags=GFP_KERNEL"; } > twice.txt
pages twice.txt > /dev/null
grep -q '1 pages allocated twice without a free between' err || fail "a page allocated twice: $(cat err)"
{ cat two.txt; line ..... 1.3 "mm_page_pcpu_drain: pfn=$pfn order=0 migratetype=1"
  line ..... 1.4 "mm_page_pcpu_drain: pfn=$pfn order=0 migratetype=1"; } > drained.txt
[ "$(pages drained.txt)" = $((two + 1)) ] || fail "a page drained twice is free once"
grep -q '1 frees of free pages' err || fail "a page drained twice: $(cat err)"
# a block of which one page is known to be gone: the rest is taken
{ cat two.txt; line ..... 1.3 "mm_page_alloc_zone_locked: pfn=$(printf '%#x' $((pfn))) order=2 migratetype=1 percpu_refill=0"; } > part.txt
[ "$(pages part.txt)" = $((two - 2)) ] || fail "a block of which two pages are gone: expected the other two taken"
grep -q '1 pages that left the free lists without being on them' err || fail "a block partly free: $(cat err)"

# without kpageflags: as many free blocks of each order and type, in frames of the machine's own choosing
rm machine/proc/kpageflags
echo event,size,flags > nothing.csv
mm-buddy --csv -t free machine/proc/pagetypeinfo | sort > kernel.csv
same 'counts by type' nothing.csv
replayed trace.txt > got.csv
grep -q 'blocks that got another page frame than recorded' err || fail "a replay from counts: $(cat err)"
sed -i 's/^\(Node .*type .*Movable\) .*$/\1 90000 90000 90000 90000 90000 90000 90000 90000 90000 90000 90000/' machine/proc/pagetypeinfo
replayed nothing.csv > got.csv
grep -q 'do not agree with zoneinfo' err || fail "more free blocks than memory: $(cat err)"

exit $failed
