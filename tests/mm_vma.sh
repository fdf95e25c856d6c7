#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# mm-vma's tables over recorded calls. What the model answers is worked out beside each call.
. "${srcdir:-.}/tests/lib.sh"
cd "$tmp" || exit 99

# ---- every recorded result is compared ------------------------------------------
# The process begins with a page; what it maps goes below. 1: right below. 2: elsewhere than right below that. 3: where
# something lies already. 4: 6.6 maps what was refused, and takes it back. 6: an old size of 0 needs a shared mapping
# (EINVAL). 7: an odd address. 9: 6.6 does it. 11: the break is free to move, and stays where the recording has it. 12: the next
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
# they are followed: what was refused is not done, the break is where it was
cat > expected <<'END'
0x7efffff00000,0x7efffff02000,r--p
0x7f0000000000,0x7f0000002000,r--p
END
# shellcheck disable=SC2086
mm-vma --csv -n -t maps -o start,end,perms $seed calls.csv > found 2> err
diff -u expected found || { echo "FAIL: maps after calls that contradict"; failed=1; }
# of strace -e trace=memory, where no execve tells what the program began with: what the loader makes read-only lies there; the
# second is known, and no hole
cat > begun.strace <<'END'
brk(NULL) = 0x55a000000000
mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000
mprotect(0x55a5c8364000, 8192, PROT_READ) = 0
mprotect(0x7f0000000000, 8192, PROT_READ) = 0
madvise(0x7effff800000, 4096, MADV_DONTNEED) = 0
END
same "calls on what is not known" "mm-vma: begun.strace: 2 calls on memory that was mapped before the recording began" \
	"$(mm-vma --csv -n -t mismatches begun.strace 2>&1)"
same "and maps" 0x7f0000000000,0x7f0000002000,r--p "$(mm-vma --csv -n -t maps -o start,end,perms begun.strace 2> err)"

# strace was attached to a process with threads: they have its memory and its descriptors. Who begins with execve is another process,
# and with two seeds nobody knows whose a thread is.
cat > attached.strace <<'END'
102 restart_syscall(<... resuming interrupted read ...> <unfinished ...>
101 openat(AT_FDCWD, "/srv/f", O_RDONLY) = 5
101 mmap(NULL, 8192, PROT_READ, MAP_SHARED, 5, 0) = 0x7efffffff000
100 mmap(NULL, 4096, PROT_READ, MAP_SHARED, 5, 8192) = 0x7effffffe000
102 <... restart_syscall resumed>) = 0
102 munmap(0x7f0000001000, 4096) = 0
103 execve("/nowhere/app", ["app"], 0x7ffe /* 3 vars */) = 0
103 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000100000
END
printf '7f0000001000-7f0000002000 rw-p 00000000 00:00 0\n' > thread.maps
maps_of() { mm-vma --csv -n -t maps -o pid,start,name "$@" 2> err | grep -v stack | paste -sd' '; }
same "threads of before the log" "100,0x7effffffe000,/srv/f 100,0x7efffffff000,/srv/f 103,0x7f0000100000," \
	"$(maps_of --seed=100:thread.maps --mmap-base=0x7f0000001000 attached.strace)"
grep -q 'left out 2 births of tasks that the seeded process had before the log: taken for its threads (first in line 1)' err ||
	fail "threads of before the log: $(cat err)"
same "whose is not known" "100,0x7effffffe000,(a file opened before the log) 100,0x7f0000001000, 200,0x7f0000001000, \
101,0x7efffffff000,/srv/f 103,0x7f0000100000," \
	"$(maps_of --seed=100:thread.maps --seed=200:thread.maps attached.strace)"
# without -f no line has a pid
sed -n 's/^100 //p' attached.strace > alone.strace
same "lines without a pid" "77,0x7effffffe000,(a file opened before the log) 77,0x7f0000001000," \
	"$(maps_of --seed=77:thread.maps alone.strace)"

# /proc/self is the recorded task and not who reads of it: exe is its program, also of a child; what lies behind fd is not known
sh=$(realpath "$(command -v sh)")
printf '%s\n' "7 execve(\"$sh\", [\"sh\"], 0x7ffe /* 3 vars */) = 0" '7 fork() = 8' \
	'8 execve("/proc/self/exe", ["sh"], 0x7ffe /* 3 vars */) = 0' \
	'7 execve("/proc/self/fd/3", ["sh"], 0x7ffe /* 3 vars */) = 0' > self.strace
same "programs by /proc/self" "7,[stack] 8,$sh" \
	"$(mm-vma --csv -n -t maps -o pid,name self.strace 2> err | grep -E '^7|/' | grep -v /ld | sort -u | paste -sd' ')"
same "which is told" "mm-vma: self.strace: 1 programs that are not there to be laid out" "$(cat err)"

# MAP_32BIT begins to look at any page of 32 MiB, each time; the last has a gap below it that is behind them all
printf '1,mmap,,4096,PROT_READ|MAP_PRIVATE|MAP_ANONYMOUS|MAP_32BIT,%s\n' 0x41b2a000 0x40000000 0x41b2b000 0x41fff000 0x42000000 0x42002000 |
	sed 1i'pid,event,addr,size,flags,result' > low.csv
same "places of MAP_32BIT" "5,address,0x42002000,0x42001000" "$(mm-vma --csv -n -t mismatches -o seq,kind,recorded,model low.csv 2> err)"
same "and without a recording" "0x40000000 0x40001000" \
	"$(cut -d, -f1-5 low.csv | head -3 | mm-vma --csv - | grep ,mmap, | cut -d, -f6 | paste -sd' ')"

# whatever refused it, security module, seccomp or a limit of before the log: nothing of the call is done. A: one that 6.6
# refuses too, behind the first page: ENOMEM for the hole, and the first page has it. B: 6.6's own reason, and nothing is left.
A=0x100000000000 B=0x200000000000 anon="PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED"
{
	echo pid,event,addr,size,flags,result
	echo "7,mmap,$B,65536,$anon,$B"
	echo "7,mprotect,0x200000001000,4096,PROT_READ|PROT_EXEC,EACCES"
	echo "7,munmap,0x200000003000,4096,,EPERM"
	echo "7,madvise,0x200000005000,4096,MADV_HUGEPAGE,EINVAL"
	echo "7,madvise,0x200000006000,4096,MADV_DONTFORK,EINVAL"
	echo "7,mlock,0x200000007000,4096,,ENOMEM"
	echo "7,mmap,0x200000009000,4096,PROT_READ|PROT_EXEC|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED,EACCES"
	echo "7,mlockall,,,MCL_FUTURE,EPERM"
	echo "7,mlockall,,,MCL_CURRENT,ENOMEM"
	echo "7,mmap,$A,4096,$anon,$A"
	echo "7,mprotect,$A,8192,PROT_READ,ENOMEM"
	echo "7,mprotect,0x200000001001,4096,PROT_NONE,EINVAL"
	echo "7,mmap,0x200000100000,4096,PROT_READ|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED|MAP_SHARED_VALIDATE,EINVAL"
} > refused.csv
same "maps after refused calls" "$A,0x100000001000,r--p $B,0x200000010000,rw-p" \
	"$(mm-vma --csv -n -t maps -o start,end,perms refused.csv 2> err | paste -sd' ')"
same "refused calls that 6.6 would have done" \
	"mm-vma: refused.csv: 8 recorded results that Linux 6.6 would not have given (-t mismatches)" "$(cat err)"
same "what refused calls lock" 0,0x0 "$(mm-vma --csv -n -t mm -o locked_vm_bytes,def_flags refused.csv 2> err)"
for w in munmap,$B,4096, mprotect,$B,4096,PROT_READ madvise,$B,4096,MADV_DONTNEED madvise,$B,4096,MADV_POPULATE_WRITE; do
	printf '%s\n' pid,event,addr,size,flags,result "1,mmap,$B,8192,$anon,$B" "1,store,$B,4," "1,$w,EPERM" "1,store,$B,4," |
		sed '3s/$/,/;5s/$/,/' > pages.csv
	same "pages after a refused ${w%%,*}" 4096 "$(mm-fault --csv -n -t smaps -o rss_bytes pages.csv 2> err)"
done

# a process that is not known from its beginning may have something in the higher place
same "a hole in what is not known" "" "$(sed -n '1p;3,4p' calls.csv | mm-vma --csv -n -t mismatches - 2>&1)"

# a log that began when the program had run for long: its heap begins below what the first brk() tells
printf '12 brk(%s) = %s\n' 0x91a000 0x91a000 0x919000 0x919000 0x91c000 0x91c000 0x911000 0x911000 0x912000 0x912000 > attached.strace
same "heap of a log that began late" "12,0x911000,0x912000,[heap]" \
	"$(mm-vma -n -t maps -o pid,start,end,name attached.strace 2> err; cat err)"

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

# ---- strace: a thread other than the first runs a program, and has its process's number from then on (de_thread()) ------
cat > threads.strace <<'END'
100 mmap(0x10000000, 4096, PROT_READ, MAP_PRIVATE|MAP_FIXED|MAP_ANONYMOUS, -1, 0) = 0x10000000
100 clone3({flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD, stack_size=0x7fff80} => {parent_tid=[101]}, 88) = 101
100 pause( <unfinished ...>
101 execve("/nonexistent", ["again"], 0x7ffe /* 1 var */ <unfinished ...>
100 <... pause resumed>)                    = ?
100 +++ superseded by execve in pid 101 +++
100 <... execve resumed>)                   = 0
100 mmap(0x20000000, 4096, PROT_READ, MAP_PRIVATE|MAP_FIXED|MAP_ANONYMOUS, -1, 0) = 0x20000000
END
same "exec of a thread" "100,0x20000000 100,0x7ffffffde000 " "$(mm-vma --csv -n -t maps -o pid,start threads.strace 2> err | tr '\n' ' ')"

# ---- strace: descriptors of processes, devices with -yy, what -e raw and -e trace leave out ------
cat > told.strace <<'END'
100 mmap(0x10000000, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_FIXED|MAP_ANONYMOUS, -1, 0) = 0x10000000
100 clone3({flags=CLONE_PIDFD, pidfd=0x7ffc, exit_signal=SIGCHLD, stack=NULL, stack_size=0} => {pidfd=[6]}, 88) = 101
100 process_madvise(6<anon_inode:[pidfd]>, [{iov_base=0x10000000, iov_len=4096}], 1, MADV_COLD, 0) = 4096
100 process_madvise(9<pid:101>, [{iov_base=0x10001000, iov_len=4096}], 1, MADV_PAGEOUT, 0) = 4096
100 mmap(0x20000000, 4096, PROT_READ, MAP_PRIVATE|MAP_FIXED, 3</dev/zero<char 1:5>>, 0) = 0x20000000
100 mbind(0x10000000, 4096, MPOL_PREFERRED, [], 0, 0) = -1 EINVAL (Invalid argument)
END
mm-vma --csv --strict told.strace > out 2> err || fail "told: $(cat err)"
same "process_madvise() of a clone's descriptor, and of -yy" "101 MADV_COLD 101 MADV_PAGEOUT" "$(awk -F, '
	NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i } $c["event"] == "madvise" { print $c["pid"], $c["flags"] }' out | paste -sd' ')"
same "a device of -yy" /dev/zero "$(mm-vma --csv -n -t maps -o name --pid=100 told.strace 2> err | grep /)"
same "a mask without a number of bits" "" "$(mm-vma --csv -n -t mismatches told.strace 2> err)"
cat > untold.strace <<'END'
100 shmat(5, NULL, 0) = 0x7f0000000000
100 clone3(0x7ffc, 0x58) = 0x65
101 execve(0x7ffd, 0x7ffe, 0x7fff) = 0
END
mm-vma -t maps untold.strace > out 2> err
for what in '1 segments attached whose size' '1 clones whose flags' '1 programs whose names'; do
	grep -q "$what" err || fail "untold: expected '$what', found: $(cat err)"
done
refused 1 'untold.strace:1: segments attached whose size .* under --strict' mm-vma --strict -t maps untold.strace

# ---- limits: 3 mappings at the beginning, 2 more in 4 rows: 65525 are left, which takes twice as many rows ------
for i in 0 1 2 3; do echo "100,mmap,0x10$((i / 2 * 2))00000,$((4096 * (i % 2 + 1))),PROT_READ|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED"; done |
	sed '1i pid,event,addr,size,flags' > grow.csv
sed 2d known.maps > three.maps
same "rows left" "5,65530,65525,131050" \
	"$(mm-vma --csv -n -t limits -o used,max,left,rows_left --seed=100:three.maps grow.csv | head -1)"
exit $failed
