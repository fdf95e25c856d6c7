#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# mm-buddy -t pages and -t pageflags: words decoded as tools/mm/page-types decodes them, and a machine without a trace.
. "${srcdir:-.}/tests/lib.sh"

# word HEX...: 64-bit words, little endian
word() {
	local w
	for w; do
		w=$(printf %016x "$w")
		printf "\\x${w:14:2}\\x${w:12:2}\\x${w:10:2}\\x${w:8:2}\\x${w:6:2}\\x${w:4:2}\\x${w:2:2}\\x${w:0:2}"
	done
}

mkdir -p "$tmp/root/proc"
# Reserved twice; a free block of two; an anonymous exclusive page; a slab that is frozen; read-ahead; a hole.
word 0x100000000 0x100000000 0x400 0x400 0x400005828 0x180 0x280 0x180 0x100000 > "$tmp/root/proc/kpageflags"
word 0 0 0 0 1 0 0 0 0 > "$tmp/root/proc/kpagecount"
# By the rules of tools/mm/page-types.c: what is for hackers is hidden (bits 32 to 47), so the reserved pages look plain.
prints 'runs of well known flags' 'pfn,pages,flags,symbolic,names,mapcount
0,2,0x0,____________________________________________,,0
2,2,0x400,__________B_________________________________,buddy,0
4,1,0x5828,___U_l_____Ma_b_____________________________,uptodate|lru|mmap|anonymous|swapbacked,1
5,1,0x180,_______SW___________________________________,slab|writeback,0
6,1,0x280,_______S_I__________________________________,slab|reclaim,0
7,1,0x180,_______SW___________________________________,slab|writeback,0
8,1,0x100000,____________________n_______________________,nopage,0' "$bin/mm-buddy" -t pages --sysroot="$tmp/root"
prints 'raw: flags that share a bit' 'pfn,names
0,reserved
4,uptodate|lru|mmap|anonymous|swapbacked|anon_exclusive
5,slab|writeback
6,slab|readahead' sh -c "'$bin/mm-buddy' -t pages --raw -o pfn,names --sysroot='$tmp/root' | grep -v -e buddy -e ^7 -e ^8"
prints 'summary of some frames' 'flags,pages,size_bytes,symbolic,names
0x400,2,8192,__________B_________________________________,buddy
0x5828,1,4096,___U_l_____Ma_b_____________________________,uptodate|lru|mmap|anonymous|swapbacked' \
	"$bin/mm-buddy" -t pageflags --pfn=2..5 "$tmp/root/proc/kpageflags"
prints 'N+M' 'pfn,pages
3,1
4,1' "$bin/mm-buddy" -t pages --pfn=3+2 -o pfn,pages "$tmp/root/proc/kpageflags"
# Files of 1 TiB of frames that take no room: from the first block on all between is left out, here and in kpagecount; through a pipe
# it is read. Frame 2^27: a buddy, mapped 7 times, then the end.
mkdir -p "$tmp/large/proc"
for file in kpageflags kpagecount; do
	word 0x400 0 > "$tmp/large/proc/$file"
	truncate -s $((8 << 27)) "$tmp/large/proc/$file"
done
word 0x400 0x100000000 >> "$tmp/large/proc/kpageflags"
word 7 0 >> "$tmp/large/proc/kpagecount"
prints 'a frame far in' "pfn,names,mapcount
$((1 << 27)),buddy,7" "$bin/mm-buddy" -t pages --pfn=$((1 << 27)) -o pfn,names,mapcount --sysroot="$tmp/large"
strace -f -e trace=read -o "$tmp/trace" true 2> "$tmp/err" && [ -z "${MM_RUN-}" ] && {
	strace -f -e trace=read -o "$tmp/trace" "$bin/mm-buddy" -t pages --pfn=$((1 << 27)) --sysroot="$tmp/large" > "$tmp/out" 2>&1
	[ "$(wc -l < "$tmp/trace")" -lt 200 ] || fail "a frame far in: $(wc -l < "$tmp/trace") reads"
}
word 0x400 0 0 0 0 0x400 > "$tmp/six"
prints 'the same through a pipe' "pfn,names
2,
5,buddy" sh -c "cat $tmp/six | '$bin/mm-buddy' -t pages --pfn=2.. -o pfn,names"
prints 'beyond the end' pfn,names "$bin/mm-buddy" -t pages --pfn=$((1 << 40)) -o pfn,names --sysroot="$tmp/large"
truncate -s $((8 << 26)) "$tmp/large/proc/kpagecount"
refused 1 "expected a count for each page of kpageflags, found the end" \
	"$bin/mm-buddy" -t pages --pfn=$((1 << 27)) --sysroot="$tmp/large"
# a machine of the other byte order: the same table
big() {
	local w
	for w; do
		w=$(printf %016x "$w")
		printf "\\x${w:0:2}\\x${w:2:2}\\x${w:4:2}\\x${w:6:2}\\x${w:8:2}\\x${w:10:2}\\x${w:12:2}\\x${w:14:2}"
	done
}
mkdir -p "$tmp/big/proc"
big 0x100000000 0x100000000 0x400 0x400 0x400005828 0x180 0x280 0x180 0x100000 > "$tmp/big/proc/kpageflags"
big 0 0 0 0 1 0 0 0 0 > "$tmp/big/proc/kpagecount"
prints 'the other byte order' "$("$bin/mm-buddy" -t pages --raw --sysroot="$tmp/root")" "$bin/mm-buddy" -t pages --raw --sysroot="$tmp/big"
# bits that are no flags yet do not turn it round
word 0x40000000000 0x40000000400 0x400 0x400 > "$tmp/new"
prints 'new flags' 'pfn,names
0,0x40000000000
1,buddy|0x40000000000
2,buddy' "$bin/mm-buddy" -t pages --raw -o pfn,names "$tmp/new"
# told too late: 4 MiB of words that are the same either way were given out already. One of both is this machine's own order.
mkfifo "$tmp/pipe"
for order in word big; do
	{ head -c 4194304 /dev/zero; $order 0x400; } > "$tmp/late"
	cat "$tmp/late" > "$tmp/pipe" &
	"$bin/mm-buddy" -t pages -n -o pfn,names "$tmp/pipe" > "$tmp/out" 2> "$tmp/err"
	echo "status $?: $(grep -c '^524288,buddy$' "$tmp/out") $(grep -cE \
		'pipe: words of the other byte order from page frame [0-9]+ on' "$tmp/err")"
done | sort > "$tmp/told"
same 'told too late' 'status 0: 1 0 status 1: 0 1' "$(paste -sd' ' "$tmp/told")"

word 0 0 > "$tmp/root/proc/kpagecount"
fails 1 'kpagecount: expected a count for each page of kpageflags, found the end at page frame 2' \
	"$bin/mm-buddy" -t pages --sysroot="$tmp/root"
printf 'abc' >> "$tmp/root/proc/kpageflags"
fails 1 'words of 8 bytes, found 3 bytes more' "$bin/mm-buddy" -t pages "$tmp/root/proc/kpageflags"
fails 1 'No such file' "$bin/mm-buddy" -t pages --sysroot="$tmp"
fails 2 'expected N, N\+M or N..M' "$bin/mm-buddy" -M pc-4g -t pages --pfn=5..5
fails 2 'expected N, N\+M or N..M' "$bin/mm-buddy" -M pc-4g -t pages --pfn=zone

# The machine of -M, with nothing to replay.  pc-4g has 1048157 pages of RAM (its iomem) in 8 + 32768 * 7 ... sections.
"$bin/mm-buddy" -M pc-4g -t pages -n -o pages,use,zone < /dev/null > "$tmp/out" || fail 'pages of a machine'
present=$("$bin/mm-iomem" -M pc-4g -t zones -n -o present_pages | awk '{ n += $1 } END { print n }')
managed=$("$bin/mm-buddy" -M pc-4g -t zones -n -o managed_pages < /dev/null | awk '{ n += $1 } END { print n }')
[ "$(awk -F, '$2 != "hole" { n += $1 } END { print n }' "$tmp/out")" = "$present" ] ||
	fail 'frames that are no hole are not the present ones'
[ "$(awk -F, '$2 == "buddy" { n += $1 } END { print n }' "$tmp/out")" = "$managed" ] ||
	fail 'free frames are not the managed ones after boot'
# node << 54 | zone << 51 | last cpupid (21 ones from bit 30): DMA32 is zone 1
prints 'flags word of DMA32' '0xfffffc0000000' "$bin/mm-buddy" -M pc-4g -t pages --pfn=4096 -n -o page_flags
prints 'flags word of Normal' '0x17ffffc0000000' "$bin/mm-buddy" -M pc-4g -t pages --pfn=1048576 -n -o page_flags
for table in free frag types zones pcp; do
	[ "$("$bin/mm-buddy" -M pc-4g -t $table < /dev/null | wc -l)" -gt 1 ] || fail "-M without input: table $table"
	[ "$(true | "$bin/mm-buddy" -M pc-4g -t $table | wc -l)" -gt 1 ] || fail "-M with an empty pipe: table $table"
done
# What a trace took: a compound page of four on its head and tails, a plain one of two on its first page.
printf 'event,addr,size,flags\npage_alloc,1,16384,GFP_KERNEL|__GFP_COMP\npage_alloc,2,8192,GFP_KERNEL\n' > "$tmp/trace"
prints 'pages after a trace' 'pages,flags,names,use,refcount,order
3,0x10000,compound_tail,compound,0,2
1,0x8000,compound_head,compound,1,2
1,0x0,,page,1,1
1,0x0,,page,0,1' sh -c "'$bin/mm-buddy' -M pc-4g -t pages --raw -o pages,flags,names,use,refcount,order '$tmp/trace' |
	grep -e ^pages -e compound -e ,page, | sort -r"
exit $failed
