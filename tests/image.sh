#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The program of a lackey recording, whose execve() is not in it: what its pages are is told by how they are first used. Each case is a
# few accesses; what they make is worked out beside them.
. "${srcdir:-.}/tests/lib.sh"
cd "$tmp" || exit 99

# log LINE...: a recording of these lines; S and R of a call in one: "SYS brk ( 0x0 ) 0x5000"
log() {
	printf '==9== Lackey, an example Valgrind tool\n==9== Command: dir/prog x\n==9== Parent PID: 8\n==9== \n'
	printf '%s\n' "$@" | sed 's/^SYS \([a-z]*\) (\(.*\)) \(0x[0-9a-f]*\)$/SYSCALL[9,1](9) sys_\1 (\2) --> [pre-success] Success(\3) /'
}
maps() { log "$@" | mm-vma -t maps -o start,end,perms,offset,name -n 2> err | paste -sd' '; }
faults() { log "$@" | mm-fault -t faults -n -o "$columns" 2> err; }
summary() { log "$@" | mm-reclaim -t summary 2> err | sed -n "s/^$counter,//p"; }

stack=" S 1ffeffe010,8"
kept="0x1ffeffe000,0x1ffefff000,rwxp,0x0,[stack]"

# fetched first: 64 KiB of the loader's file, which begins where valgrind puts it
same "fetched" "0x4010000,0x4020000,r-xp,0x10000,ld.so $kept" "$(maps "I  0401ab70,3" "$stack")"
same "told" "mm-vma: standard input: 1 parts of programs that execve() had mapped, taken for those of a file
mm-vma: standard input: 1 accesses outside any mapping, mapped for them" "$(cat err)"
# a major fault, and the neighbours with it; the first store finds nothing
columns=minflt,majflt,kind_file_read,kind_anon,kind_zero,kind_file_cow
same "its faults" "1,1,1,1,0,0" "$(faults "I  0401ab70,3" "$stack" "I  04010000,3" "I  0401ffff,1")"
# read around it: from 16 pages before; where the file ends is not known
counter=pgpgin
same "kibibytes read" 128 "$(summary "I  0401ab70,3" "$stack")"

# read before written: the same, not to be run, nor written to; a write makes its page another segment's, and a copy of the file's
same "read" "0x120000,0x130000,r--p,0x120000,prog 0x4010000,0x4020000,r-xp,0x10000,ld.so $kept" \
	"$(maps "I  0401ab70,3" "$stack" "SYS brk ( 0x0 ) 0x5000000" " L 00123000,8")"
same "written later" "0x120000,0x123000,r--p,0x120000,prog 0x123000,0x124000,rw-p,0x123000,prog 0x124000,0x130000,r--p,0x124000,prog \
0x4010000,0x4020000,r-xp,0x10000,ld.so $kept" \
	"$(maps "I  0401ab70,3" "$stack" "SYS brk ( 0x0 ) 0x5000000" " L 00123000,8" " S 00123008,8" " L 00123000,8")"
columns=kind_file_read,kind_anon,kind_zero,kind_file_cow,segv
same "is copied" "2,1,0,1,0" "$(faults "I  0401ab70,3" "$stack" "SYS brk ( 0x0 ) 0x5000000" " L 00123000,8" " S 00123008,8")"
same "modified first" "1,1,0,1,0" "$(faults "I  0401ab70,3" "$stack" "SYS brk ( 0x0 ) 0x5000000" " M 00123000,8")"
same "run where it was read" "2,1,0,0,0" \
	"$(faults "I  0401ab70,3" "$stack" "SYS brk ( 0x0 ) 0x5000000" " L 00123000,8" "I  00124000,8")"
# written first: anonymous
same "written first" "1,2,0,0,0" "$(faults "I  0401ab70,3" "$stack" "SYS brk ( 0x0 ) 0x5000000" " S 00123000,8" " L 00123000,8")"

# the program begins at its header, which the loader reads before anything else of it: its file is another
begun=("I  0401ab70,3" "$stack" "SYS brk ( 0x0 ) 0x5000000")
same "header" "0x108000,0x110000,r--p,0x0,prog 0x120000,0x130000,r-xp,0x18000,prog 0x4010000,0x4020000,r-xp,0x10000,ld.so $kept" \
	"$(maps "${begun[@]}" " L 00108040,8" "I  00123000,3")"
same "header of a program that cannot move" "0x400000,0x410000,r--p,0x0,prog 0x4010000,0x4020000,r-xp,0x10000,ld.so $kept" \
	"$(maps "${begun[@]}" " L 00400040,8")"
same "no loader" "0x400000,0x410000,r-xp,0x0,prog 0x4a0000,0x4b0000,r--p,0xa0000,prog $kept" \
	"$(maps "I  00401000,3" "$stack" "SYS brk ( 0x0 ) 0x5000000" " L 004a0000,8")"
same "elsewhere" "0x5550000,0x5560000,r--p,0x5550000,prog 0x7ff00000,0x7ff10000,r-xp,0x7ff00000,prog $kept" \
	"$(maps "I  7ff01000,3" "$stack" "SYS brk ( 0x0 ) 0x80000000" " L 05550000,8")"
# where they end: the loader at the break, the program behind what is read-only or was written to before; no page is there behind that
file_kib() { log "$@" | mm-reclaim -t memcg -n -o file_bytes --memory-max=1G 2> err | tail -n 1 | awk '{ print $1 / 1024 }'; }
same "before the break" 128 "$(file_kib "I  0401ab70,3" "$stack")"
same "the loader's end" $(((0x22 - 0xa) * 4)) "$(file_kib "I  0401ab70,3" "$stack" "SYS brk ( 0x0 ) 0x4022000")"
loader=$(((0x2a - 0xa) * 4))
same "the program's begin" $((loader + 32 * 4)) "$(file_kib "${begun[@]}" " L 00108040,8")"
same "the program's end" $((loader + 0x19 * 4)) "$(file_kib "${begun[@]}" " L 00108040,8" "SYS mprotect ( 0x120000, 4096, 1 ) 0x0")"
same "data behind it" "0x108000,0x110000,r--p,0x0,prog 0x120000,0x123000,r--p,0x18000,prog \
0x123000,0x124000,rw-p,0x1b000,prog 0x4010000,0x4020000,r-xp,0x10000,ld.so $kept" "$(maps "${begun[@]}" " L 00108040,8" " L 00120000,8" \
	" M 00123000,8" "SYS mprotect ( 0x120000, 4096, 1 ) 0x0")"

# the stack is where the first store went: what is read there comes from no file
same "the stack is read" "1,1,2,0,0" "$(faults "I  0401ab70,3" "$stack" "SYS brk ( 0x0 ) 0x5000000" " L 1ffefff010,8" " L 1ffeffd000,8")"
# the bss: behind what became read-only after relocation, as far as nothing is run there
relro="SYS mprotect ( 0x11f000, 4096, 1 ) 0x0"
begun=("I  0401ab70,3" "$stack" "SYS brk ( 0x0 ) 0x5000000" "I  00110000,3" "$relro")
same "bss" "2,1,1,0,0" "$(faults "${begun[@]}" " L 00200000,8")"
same "constants before it" "3,1,0,0,0" "$(faults "${begun[@]}" " L 0010ff00,8")"
same "the next image" "3,1,0,0,0" "$(faults "${begun[@]}" " L 04030000,8")"

# where the break and mappings turn out to be the image is not
same "the break" "0x4030000,0x4035000,r--p,0x4030000,prog 0x4035000,0x4036000,rw-p,0x0,[heap] $kept" \
	"$(maps " L 04031000,8" "$stack" "SYS brk ( 0x0 ) 0x4035000" "SYS brk ( 0x4036000 ) 0x4036000")"
grep -q mismatch err && fail "the break: $(cat err)"
same "a mapping" "0x4030000,0x4038000,r--p,0x4030000,prog 0x4038000,0x4039000,rw-p,0x0, 0x4039000,0x4040000,r--p,0x4039000,prog $kept" \
	"$(maps " L 04031000,8" "$stack" "SYS mmap ( 0x0, 4096, 3, 34, 4294967295, 0 ) 0x4038000")"
grep -q mismatch err && fail "a mapping: $(cat err)"

# what is mapped over a part of what is mapped already, beyond the image, ends
same "over a mapping" "0x4010000,0x4020000,r-xp,0x10000,ld.so 0x6000000,0x6004000,rw-p,0x0, $kept" \
	"$(maps "I  0401ab70,3" "$stack" "SYS mmap ( 0x0, 16384, 3, 34, 4294967295, 0 ) 0x6000000" \
		"SYS mmap ( 0x0, 4096, 3, 34, 4294967295, 0 ) 0x6001000")"

# no system calls in the recording: what is read is of the image if that is near
same "no calls, near" "2,1,0,0,0" "$(faults "I  0401ab70,3" "$stack" " L 04100000,8")"
same "no calls, far" "1,1,1,0,0" "$(faults "I  0401ab70,3" "$stack" " L 05000000,8")"

# a child has its parent's, a program that it runs its own
printf '%s\n' pid,event,addr,size,flags,name,result 9,exec,,,'AUTOMAP|IMAGE',dir/prog, 9,fetch,0x10000,1,,, 9,fork,,,,,10 \
	10,fetch,0x20000,1,,, 10,exec,,,'AUTOMAP|IMAGE',other, 10,fetch,0x30000,1,,, 9,exec,,,AUTOMAP,x, 9,fetch,0x40000,1,,, > tree.csv
maps_of() { mm-vma -t maps -o pid,start,end,perms,name -n "$1" 2> err | paste -sd' '; }
same "processes" "9,0x40000,0x41000,rwxp, 10,0x30000,0x40000,r-xp,other" "$(maps_of tree.csv)"
sed 5q tree.csv > child.csv
same "a child's" "9,0x10000,0x20000,r-xp,prog 10,0x10000,0x30000,r-xp,prog" "$(maps_of child.csv)"
# a library is mapped with its bss first: the file ends where memory is put over that, unless its size is known
library() {
	echo pid,event,addr,size,flags,name,offset,result
	[ -z "$1" ] || echo "1,file,,$1,O_RDONLY,/lib/x,,"
	p=MAP_PRIVATE f=MAP_PRIVATE\|MAP_FIXED
	printf '%s\n' "1,mmap,0,163840,PROT_READ|$p|MAP_DENYWRITE,/lib/x,0,0x7f0000000000" \
		"1,mmap,0x7f000000a000,40960,PROT_READ|PROT_EXEC|$f|MAP_DENYWRITE,/lib/x,0xa000,0x7f000000a000" \
		"1,mmap,0x7f0000014000,32768,PROT_READ|PROT_WRITE|$f|MAP_DENYWRITE,/lib/x,0x14000,0x7f0000014000" \
		"1,mmap,0x7f000001c000,49152,PROT_READ|PROT_WRITE|$f|MAP_ANONYMOUS,,,0x7f000001c000" 1,load,0x7f000001b000,8,,,,
}
read_kib() { mm-reclaim -t summary 2> err | sed -n 's/^pgpgin,//p'; }
same "a library's end" $(((28 - 11) * 4)) "$(library "" | read_kib)"
same "a library's size" 128 "$(library 204800 | read_kib)"
same "a library as long as its span" $(((40 - 11) * 4)) "$(library "" | sed 's/|MAP_DENYWRITE//' | read_kib)"

# two that run one program: where it ends one tells before the other has used what it mapped
{
	echo pid,event,addr,size,flags,name,result
	for pid in 9 10; do
		printf '%s\n' "$pid,exec,,,AUTOMAP|IMAGE,dir/prog," "$pid,fetch,0x401ab70,3,,," "$pid,store,0x1ffeffe010,8,,," \
			"$pid,brk,0,,,,0x5000000" "$pid,load,0x108040,8,,," "$pid,load,0x120000,8,,,"
	done
	printf '%s\n' 9,mprotect,0x120000,4096,PROT_READ,,0 10,load,0x12f000,8,,, 10,load,0x12f000,8,,,
} > two.csv
same "another's end" "9,0,0 10,0,0" "$(mm-fault -t faults -n -o pid,segv,sigbus --check two.csv 2> err | paste -sd' ')"

# addresses at the ends of what a process has, and beyond
for a in 0 fff 7fffffffefff 7ffffffff000 ffffffffffffffff; do
	for k in "I " " L" " S" " M"; do
		log "$k $a,16" | mm-fault -t faults -n --check --ram=256M > out 2> err || fail "$k $a: $(cat err)"
		same "$k $a: a row" 1 "$(wc -l < out)"
	done
done
exit $failed
