#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# mm-vma's tables over recorded calls. What the model answers is worked out beside each call.
. "${srcdir:-.}/tests/lib.sh"
cd "$tmp" || exit 99

# ---- every recorded result is compared ------------------------------------------
# The process begins with a page; what it maps goes below. 1: right below. 2: elsewhere than right below that. 3: where
# something lies already. 4: 6.6 maps what was refused, and takes it back. 6: an old size of 0 needs a shared mapping
# (EINVAL). 7: an odd address. 9: done. 11: the break is free to move, and stays where the recording has it. 12: the next
# page is free, so that it need not move.
cat > seed.maps <<'END'
7f0000001000-7f0000002000 r--p 00000000 00:00 0
END
cat > calls.csv <<'END'
pid,event,addr,size,flags,addr2,size2,result
100,brk,,,,,,0x1000000
100,mmap,,4096,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS,,,0x7f0000000000
100,mmap,,4096,PROT_READ|MAP_PRIVATE|MAP_ANONYMOUS,,,0x7effffff0000
100,mmap,,4096,PROT_READ|MAP_PRIVATE|MAP_ANONYMOUS,,,0x7f0000000000
100,mmap,,4096,PROT_READ|MAP_PRIVATE|MAP_ANONYMOUS,,,ENOMEM
100,mmap,,0,PROT_READ|MAP_PRIVATE|MAP_ANONYMOUS,,,EINVAL
100,mremap,0x7f0000001000,0,MREMAP_MAYMOVE,,4096,ENOMEM
100,munmap,0x7f0000001001,4096,,,,0
100,mprotect,0x7f0000001001,4096,PROT_READ,,,EINVAL
100,mprotect,0x7effffff0000,4096,PROT_READ|PROT_WRITE,,,EACCES
100,brk,,,,,,0x1000000
100,brk,0x1001000,,,,,0x1000000
100,mremap,0x7effffff0000,4096,MREMAP_MAYMOVE,,8192,0x7efffff00000
END
cat > expected <<'END'
2,100,mmap,0x0,4096,address,0x7effffff0000,0x7efffffff000
3,100,mmap,0x0,4096,occupied,0x7f0000000000,EEXIST
4,100,mmap,0x0,4096,result,ENOMEM,0x7efffffff000
6,100,mremap,0x7f0000001000,0,result,ENOMEM,EINVAL
7,100,munmap,0x7f0000001001,4096,result,0,EINVAL
9,100,mprotect,0x7effffff0000,4096,result,EACCES,0
11,100,brk,0x1001000,0,address,0x1000000,0x1001000
12,100,mremap,0x7effffff0000,4096,address,0x7efffff00000,0x7effffff0000
END
seed="--seed=100:seed.maps --mmap-base=0x7f0000002000"
# shellcheck disable=SC2086
mm-vma --csv -n -t mismatches -o seq,pid,call,addr,size,kind,recorded,model $seed calls.csv > found 2> err
diff -u expected found || { echo "FAIL: recorded results"; failed=1; }
same "told on standard error" "mm-vma: calls.csv: 8 recorded results that Linux 6.6 would not have given (-t mismatches)" \
	"$(grep recorded err)"
# they are followed: what was refused and done here is gone, the break is where it was
cat > expected <<'END'
0x7efffff00000,0x7efffff02000,rw-p
0x7f0000000000,0x7f0000002000,r--p
END
# shellcheck disable=SC2086
mm-vma --csv -n -t maps -o start,end,perms $seed calls.csv > found 2> err
diff -u expected found || { echo "FAIL: maps after calls that contradict"; failed=1; }
# a process that is not known from its beginning may have something in the higher place
same "a hole in what is not known" "" "$(sed -n '1p;3,4p' calls.csv | mm-vma --csv -n -t mismatches - 2>&1)"

# ---- memory that is shared lies on the kernel's own tmpfs, whose device is the first without a disk ----
R='PROT_READ|MAP_SHARED|MAP_FIXED'
printf '%s\n' pid,event,addr,size,flags,name 7,file,,8192,O_RDWR,/memfd:m 7,file,,8192,O_RDWR,/f \
	"7,mmap,0x10000000,4096,$R|MAP_ANONYMOUS," "7,mmap,0x20000000,4096,$R,/memfd:m" 7,shmat,0x30000000,4096,,segment \
	"7,mmap,0x40000000,4096,$R,/f" |
	mm-vma -t maps -n -o dev,name - > shared
same "devices" \
	'00:01,/dev/zero (deleted) 00:01,/memfd:m (deleted) 00:01,segment 08:01,/f' \
	"$(sed 's/segment.*/segment/' shared | paste -sd' ')"

# ---- maps as people know them --------------------------------------------------
# Without rows a seed's maps come out as they went in, byte by byte; the blank behind the inode is the kernel's.
cat > known.maps <<'END'
00400000-00401000 r-xp 00000000 08:01 12                                 /srv/a b
00401000-00402000 rw-p 00001000 08:01 12                                 /srv/a b
7f0000001000-7f0000002000 r--p 00000000 00:00 0 
7ffffffde000-7ffffffff000 rw-p 00000000 00:00 0                          [stack]
END
echo pid,event > none.csv
mm-vma --human -n -t maps --seed=100:known.maps none.csv | diff -u known.maps - || { echo "FAIL: maps"; failed=1; }
same "the process before its maps" 100: "$(mm-vma --human -t maps --seed=100:known.maps none.csv | head -1)"
# all have ended: the first one's maps, or those of --pid; while one lives the ended ones are not shown
cat > ended.csv <<'END'
pid,event,addr,size,flags,result
100,munmap,0x401000,4096,,0
100,fork,,,,101
101,munmap,0x400000,4096,,0
101,exit,,,,
100,exit,,,,
END
starts() { mm-vma --csv -n -t maps -o pid,start --seed=100:known.maps "$@" 2> err | tr '\n' ' '; }
same "ended" "100,0x400000 100,0x7f0000001000 100,0x7ffffffde000 " "$(starts ended.csv)"
same "and told" "mm-vma: ended.csv: 1 process has ended: the maps are those before it did" "$(cat err)"
same "ended, --pid" "101,0x7f0000001000 101,0x7ffffffde000 " "$(starts --pid=101 ended.csv)"
sed 4,5d ended.csv | sed 3,3s/400000/402000/ > living.csv
echo 100,exit,,,, >> living.csv
same "one lives" 101 "$(starts living.csv | cut -d, -f1)"

# ---- limits: 3 mappings at the beginning, 2 more in 4 rows: 65525 are left, which takes twice as many rows ------
for i in 0 1 2 3; do echo "100,mmap,0x10$((i / 2 * 2))00000,$((4096 * (i % 2 + 1))),PROT_READ|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED"; done |
	sed '1i pid,event,addr,size,flags' > grow.csv
sed 2d known.maps > three.maps
same "rows left" "5,65530,65525,131050" \
	"$(mm-vma --csv -n -t limits -o used,max,left,rows_left --seed=100:three.maps grow.csv | head -1)"
exit $failed
