#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Room on /dev/shm and fallocate(). Expected results follow mm/shmem.c and fs/hugetlbfs/inode.c of Linux 6.6; pages are counted by hand.
. "${srcdir:-.}/tests/lib.sh"
cd "$tmp" || exit 99
# results of the rows named, in order
results() { awk -F, -v e="^($1)\$" 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
	$c["by"] == "" && $c["event"] ~ e { printf "%s%s", n++ ? " " : "", $c["result"] }'; }

# A mount of 17 pages (66000 bytes, rounded up): 16 are set aside, 16 more do not fit and leave nothing behind. Two go by a
# hole and one comes back with a fault; two more go to new places, so all 17 are there: a fault elsewhere is SIGBUS, one on
# a page that is there is not, a write is cut short, and the next fails.
cat > full.csv <<'END'
pid,event,addr,size,flags,name,offset
1,file,,16384,O_RDWR|S_IFREG,/dev/shm/x,
1,file,,1048576,O_RDWR|S_IFREG,/dev/shm/y,
1,mmap,0x100000000000,65536,PROT_READ|PROT_WRITE|MAP_SHARED|MAP_FIXED,/dev/shm/x,0
1,mmap,0x100000100000,1048576,PROT_READ|PROT_WRITE|MAP_SHARED|MAP_FIXED,/dev/shm/y,0
1,fallocate,,65536,0,/dev/shm/x,0
1,fallocate,,65536,0,/dev/shm/x,65536
1,fallocate,,71680,FALLOC_FL_KEEP_SIZE,/dev/shm/x,0
1,fallocate,,8192,FALLOC_FL_KEEP_SIZE|FALLOC_FL_PUNCH_HOLE,/dev/shm/x,4096
1,store,0x100000001000,8,,,
1,write,,8192,,/dev/shm/y,0
1,load,0x100000110000,8,,,
1,load,0x10000000f000,8,,,
1,write,,4096,,/dev/shm/y,131072
1,fallocate,,4096,FALLOC_FL_KEEP_SIZE|FALLOC_FL_PUNCH_HOLE,/dev/shm/x,0
1,write,,12288,,/dev/shm/y,131072
END
mm-fault --csv -S dev_shm.size=66000 full.csv > out
same "a full mount: fallocate" "0 ENOSPC ENOSPC 0 0" "$(results fallocate < out)"
same "a full mount: accesses" "ok sigbus ok" "$(results 'load|store' < out)"
same "a full mount: writes" "8192 ENOSPC 4096" "$(results write < out)"
same "no limit" "0 0 0 0 0" "$(mm-fault --csv -S dev_shm.size=0 full.csv | results fallocate)"
same "no limit of memfds" "0 0 0 0 0" \
	"$(sed 's#/dev/shm/\([xy]\)#/memfd:\1#' full.csv | mm-fault --csv -S dev_shm.size=66000 | results fallocate)"
# half of what a machine of 64 MiB manages fits, all of it does not
printf '%s\n' pid,event,size,flags,name,offset 1,file,0,O_RDWR,/dev/shm/x, 1,fallocate,67108864,0,/dev/shm/x,0 \
	1,fallocate,16777216,0,/dev/shm/x,0 > half.csv
same "the default" "ENOSPC 0" "$(mm-fault --csv --ram=64M half.csv | results fallocate)"

# Pages set aside are not up to date: fault-around passes over them, so each of 16 takes a fault of its own, where 16 pages
# that were written take one. They read as holes: read() finds zeroes without them.
for how in fallocate,,65536,0 write,,65536,; do
	printf 'pid,event,addr,size,flags,name,offset\n1,file,,65536,O_RDWR|S_IFREG,/memfd:x,\n1,%s,/memfd:x,0\n' "$how"
	echo '1,mmap,0x100000000000,65536,PROT_READ|MAP_SHARED|MAP_FIXED,/memfd:x,0'
	for i in {0..15}; do printf '1,load,0x%x,8,,,\n' $((0x100000000000 + i * 4096)); done
done > both.csv
same "faults of pages set aside" 16 "$(head -n 20 both.csv | mm-fault --csv -n -t faults -o minflt)"
same "faults of pages written" 1 "$({ head -n 1 both.csv; tail -n 19 both.csv; } | mm-fault --csv -n -t faults -o minflt)"

# What the file systems refuse, before anything happens; no flags are none of it.
cat > refused.csv <<'END'
pid,event,size,flags,name,offset
1,file,4096,O_RDWR,/dev/shm/x,
1,file,4096,O_RDONLY,/dev/shm/r,
1,fallocate,0,0,/dev/shm/x,0
1,fallocate,4096,FALLOC_FL_PUNCH_HOLE,/dev/shm/x,0
1,fallocate,4096,FALLOC_FL_ZERO_RANGE,/dev/shm/x,0
1,fallocate,4096,0x40,/dev/shm/x,0
1,fallocate,4096,0,/dev/shm/r,0
1,fallocate,4096,0,/dev/shm/none,0
1,fallocate,9223372036854775807,0,/dev/shm/x,4096
1,fallocate,18446744073709551615,0,/dev/shm/x,4096
1,fallocate,4096,,/dev/shm/x,0
END
same "refused" "EINVAL EOPNOTSUPP EOPNOTSUPP EOPNOTSUPP EBADF EBADF EFBIG EINVAL 0" "$(mm-fault --csv refused.csv | results fallocate)"
same "refused where no pages are kept" "EINVAL EOPNOTSUPP EOPNOTSUPP EOPNOTSUPP EBADF EBADF EFBIG EINVAL 0" \
	"$(mm-vma --csv refused.csv | results fallocate)"

# A pool of three: two are taken at once, the third of the next two is there when they run out, and a hole gives one back.
cat > huge.csv <<'END'
pid,event,addr,size,flags,name,offset
1,file,,0,O_RDWR,/dev/hugepages/x,
1,fallocate,,4194304,0,/dev/hugepages/x,0
1,fallocate,,4194304,0,/dev/hugepages/x,4194304
1,mark,,,,full,
1,fallocate,,4194303,FALLOC_FL_KEEP_SIZE|FALLOC_FL_PUNCH_HOLE,/dev/hugepages/x,1
END
same "a pool" "0 ENOSPC 0" "$(mm-fault --csv -S vm.nr_hugepages=3 --check huge.csv | results fallocate)"
same "pages left of it" "0 1" \
	"$(for n in 5 6; do head -n $n huge.csv | mm-fault --csv -S vm.nr_hugepages=3 -n -t hugetlb -o free_hugepages | head -n 1; done |
	paste -sd' ')"

# What ext4 takes: parts are taken out and put in by whole blocks, below the end of the file and below 16 TiB less a block, and
# alone; zeroes may lie anywhere; nothing can be unshared. The order in which vfs_fallocate() and ext4 look decides which error it is.
n=0
{
	echo pid,event,size,flags,name,offset
	while read -r offset size flags; do
		printf '1,file,65536,O_RDWR,/f%d,\n1,fallocate,%s,%s,/f%d,%s\n' $((++n)) "$size" "$flags" $n "$offset"
	done <<-'END'
		1 4096 FALLOC_FL_COLLAPSE_RANGE
		0 1 FALLOC_FL_COLLAPSE_RANGE
		0 65536 FALLOC_FL_COLLAPSE_RANGE
		61440 4096 FALLOC_FL_COLLAPSE_RANGE
		57344 4096 FALLOC_FL_COLLAPSE_RANGE
		61440 4096 FALLOC_FL_INSERT_RANGE
		65536 4096 FALLOC_FL_INSERT_RANGE
		57344 100 FALLOC_FL_INSERT_RANGE
		4096 17592186036224 FALLOC_FL_INSERT_RANGE
		4096 17592185978880 FALLOC_FL_INSERT_RANGE
		4096 17592185974784 FALLOC_FL_INSERT_RANGE
		0 4096 FALLOC_FL_UNSHARE_RANGE
		0 4096 FALLOC_FL_UNSHARE_RANGE|FALLOC_FL_KEEP_SIZE
		0 4096 FALLOC_FL_UNSHARE_RANGE|FALLOC_FL_ZERO_RANGE
		0 4096 FALLOC_FL_COLLAPSE_RANGE|FALLOC_FL_KEEP_SIZE
		0 4096 FALLOC_FL_INSERT_RANGE|FALLOC_FL_ZERO_RANGE
		0 4096 FALLOC_FL_PUNCH_HOLE|FALLOC_FL_ZERO_RANGE|FALLOC_FL_KEEP_SIZE
		0 4096 0x80
		1 100 FALLOC_FL_ZERO_RANGE
		65000 1000 0x11
		0 17592186044416 0
	END
	printf '%s\n' 1,file,65536,O_RDONLY,/r, 1,fallocate,4096,FALLOC_FL_ZERO_RANGE,/r,0 1,fallocate,4096,FALLOC_FL_PUNCH_HOLE,/r,0 \
		1,file,65536,O_RDWR,/memfd:m, 1,fallocate,1,FALLOC_FL_COLLAPSE_RANGE,/memfd:m,0 \
		1,fallocate,4096,FALLOC_FL_ZERO_RANGE,/memfd:m,0
} > ext4.csv
want="EINVAL EINVAL EINVAL EINVAL 0 0 EINVAL EINVAL EFBIG EFBIG 0 EOPNOTSUPP EOPNOTSUPP EINVAL EINVAL EINVAL EOPNOTSUPP EOPNOTSUPP"
want="$want 0 0 EFBIG EBADF EOPNOTSUPP EOPNOTSUPP EOPNOTSUPP"
same "ext4" "$want" "$(mm-fault --csv ext4.csv | results fallocate)"
same "ext4 where no pages are kept" "$want" "$(mm-vma --csv ext4.csv | results fallocate)"

# 16 pages of a file are in the page cache and in a shared and a private mapping, which has a copy of page 12; pages 2 and 10 are dirty.
# Bytes of each mapping afterwards, and of them private copies; KiB that are cached, and dirty, and were written:
# - two pages are taken out, or put in, from page 8 on: the pages from there on are gone, copies too; what is dirty behind was written,
#   and page 2 was not. So is page 8 itself, which comes to nothing: it is clean here;
# - zeroes over pages 8, 9, 10 and the half of 11: three pages are gone, unwritten, page 11 is dirty;
# - a hole there: the same, but page 10 was written first.
# Sizes: 14 pages, of which the next load sees the end; 18; 16.
after() {
	printf '%s\n' pid,event,addr,size,flags,name,offset 1,file,,65536,O_RDWR,/x, \
		'1,mmap,0x100000000000,81920,PROT_READ|PROT_WRITE|MAP_SHARED|MAP_FIXED,/x,0' \
		'1,mmap,0x200000000000,81920,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_FIXED,/x,0' 1,read,,65536,,/x,0 \
		1,load,0x100000000000,65536,,, 1,load,0x200000000000,65536,,, 1,store,0x20000000c000,8,,, \
		1,store,0x100000002000,8,,, 1,store,0x10000000a000,8,,, "1,fallocate,,$3,$1,/x,$2" > after.csv
	mm-fault --csv --check -n -t smaps -o rss_bytes,anonymous_bytes after.csv > out || fail "$*: --check"
	mm-reclaim -n -t counters --csv after.csv |
		awk -F, \
		'{ v[$1] = $2 } END { print "cached", 4 * v["nr_file_pages"] " dirty", 4 * v["nr_dirty"] " written", v["pgpgout"] }' >> out
	for i in 13 14 15 17 18; do printf '1,load,0x%x,8,,,\n' $((0x100000000000 + i * 4096)); done | cat after.csv - |
		mm-fault --csv | results load | cut -d' ' -f3- >> out
	sed 's/,/ copies /' out | paste -sd' '
}
same "a part taken out" "32768 copies 0 32768 copies 0 cached 32 dirty 4 written 4 ok sigbus sigbus sigbus sigbus" \
	"$(after FALLOC_FL_COLLAPSE_RANGE 32768 8192)"
same "a part put in" "32768 copies 0 32768 copies 0 cached 32 dirty 4 written 4 ok ok ok ok sigbus" \
	"$(after FALLOC_FL_INSERT_RANGE 32768 8192)"
same "zeroes" "53248 copies 0 53248 copies 4096 cached 52 dirty 8 written 0 ok ok ok sigbus sigbus" \
	"$(after FALLOC_FL_ZERO_RANGE 32768 14336)"
same "a hole" "53248 copies 0 53248 copies 4096 cached 52 dirty 8 written 4 ok ok ok sigbus sigbus" \
	"$(after 'FALLOC_FL_PUNCH_HOLE|FALLOC_FL_KEEP_SIZE' 32768 14336)"

# strace and lackey tell of it too
printf '%s\n' '1 openat(AT_FDCWD, "/dev/shm/x", O_RDWR|O_CREAT, 0600) = 3' '1 fallocate(3, 0, 0, 8192) = 0' \
	'1 mmap(NULL, 8192, PROT_READ, MAP_SHARED, 3, 0) = 0x7f0000000000' \
	'1 fallocate(3, FALLOC_FL_KEEP_SIZE|FALLOC_FL_PUNCH_HOLE, 0, 4096) = 0' > st.txt
mm-fault --csv st.txt > out 2> err
grep -q 'fallocate,.*FALLOC_FL_KEEP_SIZE|FALLOC_FL_PUNCH_HOLE' out || fail "fallocate of strace: $(cat out err)"
# A part that was taken out lay within the file, one was put in before its end: the recording proves as much, and goes on from there.
printf '%s\n' '1 openat(AT_FDCWD, "/data/x", O_RDWR) = 3' '1 pread64(3, "x", 100, 0) = 100' \
	'1 fallocate(3, FALLOC_FL_COLLAPSE_RANGE, 4096, 8192) = 0' \
	'1 fallocate(3, FALLOC_FL_INSERT_RANGE, 8192, 4096) = 0' '1 fallocate(3, FALLOC_FL_ZERO_RANGE, 12288, 3) = 0' \
	'1 pread64(3, "x", 100, 20480) = 100' > st.txt
cat > lk.txt <<'END'
==7== Lackey, an example Valgrind tool
SYSCALL[7,1](257) sys_openat ( 4294967196, 0x4034bb0(/data/x), 2 ) --> [async] ...
SYSCALL[7,1](257) ... [async] --> Success(0x3)
SYSCALL[7,1](17) sys_pread64 ( 3, 0x1ffe, 100, 0 ) --> [async] ...
SYSCALL[7,1](17) ... [async] --> Success(0x64)
SYSCALL[7,1](285) sys_fallocate ( 3, 8, 4096, 8192 )[sync] --> Success(0x0)
SYSCALL[7,1](285) sys_fallocate ( 3, 32, 8192, 4096 )[sync] --> Success(0x0)
SYSCALL[7,1](285) sys_fallocate ( 3, 16, 12288, 3 )[sync] --> Success(0x0)
SYSCALL[7,1](17) sys_pread64 ( 3, 0x1ffe, 100, 20480 ) --> [async] ...
SYSCALL[7,1](17) ... [async] --> Success(0x64)
 L 1ffe,8
END
for log in st lk; do
	mm-fault --csv $log.txt > out 2> err || fail "$log: $(cat err)"
	same "fallocate of $log" "FALLOC_FL_COLLAPSE_RANGE=0 FALLOC_FL_INSERT_RANGE=0 FALLOC_FL_ZERO_RANGE=0" \
		"$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i }
		$c["event"] == "fallocate" { print $c["flags"] "=" $c["result"] }' out | paste -sd' ')"
	same "reads of $log" "100 100" "$(results read < out)"
done
exit $failed
