#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# mm-fault's own options. Expected figures are counted by hand from the traces below: one fault a page and no more.
. "${srcdir:-.}/tests/lib.sh"
cd "$tmp" || exit 99
faults() { mm-fault --csv -t faults -o minflt,majflt,segv,sigbus -n "$@"; }

# a process that begins with four pages of memory and one that may only be read
cat > seed.maps <<'END'
7f0000000000-7f0000004000 rw-p 00000000 00:00 0
7f0000004000-7f0000005000 r--p 00000000 00:00 0
END
cat > seeded.csv <<'END'
pid,event,addr,size,flags
100,store,0x7f0000000000,8,
100,store,0x7f0000003000,8,
100,store,0x7f0000003ff8,8,
100,store,0x7f0000004000,8,
100,load,0x7f0000005000,8,
100,mmap,,4096,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS
100,store,0x7fffffffe000,8,
END
seed="--seed=100:seed.maps --mmap-base=0x7ffffffff000"
# shellcheck disable=SC2086
{
same "faults of a seeded process" 3,0,2,0 "$(faults $seed seeded.csv)"
same "mm-vma | mm-fault" 3,0,2,0 "$(mm-vma --csv $seed seeded.csv | faults $seed)"
}
# what a process begins with travels: nothing further down needs the seed, and what is read again comes out as it was
# shellcheck disable=SC2086
mm-vma --csv $seed seeded.csv > seeds.csv
same "mm-vma | mm-fault with one seed" 3,0,2,0 "$(faults seeds.csv)"
same "rows of it" "mmap_base PROT_READ|PROT_WRITE|MAP_PRIVATE PROT_READ|MAP_PRIVATE" \
	"$(awk -F, '$2 == "seed" { print $5 }' seeds.csv | paste -sd' ')"
mm-vma --csv seeds.csv | cmp - seeds.csv || { echo "FAIL: seed rows read again"; failed=1; }
# shellcheck disable=SC2086
mm-fault --csv -t smaps $seed seeded.csv | cmp - <(mm-fault --csv -t smaps seeds.csv) || { echo "FAIL: smaps by seed rows"; failed=1; }
# smaps: flags and what was written to
cat > seed.smaps <<'END'
7f0000000000-7f0000004000 rw-p 00001000 fd:01 77                         /lib/a b,c.so (deleted)
Size:                 16 kB
Anonymous:             8 kB
VmFlags: rd wr mr mw me lo ac
7f0000004000-7f0000005000 r--s 00000000 00:0e 99                         /dev/shm/x
Size:                  4 kB
Anonymous:             0 kB
VmFlags: rd mr me ms
END
echo 'pid,event' > none.csv
mm-vma --csv --seed=7:seed.smaps none.csv > seeds.csv
same "a seed of smaps" \
	'7,seed,0x7f0000000000,16384,PROT_READ|PROT_WRITE|MAP_PRIVATE|0x102073,"/lib/a b,c.so (deleted)",0x1000,0xfd00001,8192,77,vma
7,seed,0x7f0000004000,4096,PROT_READ|MAP_SHARED|0xd1,/dev/shm/x,0x0,0xe,0,99,vma' "$(tail -n +2 seeds.csv)"
for t in mm-vma:maps mm-fault:status; do
	${t%:*} --csv -t ${t#*:} --seed=7:seed.smaps none.csv > one; ${t%:*} --csv -t ${t#*:} seeds.csv > two
	cmp one two || { echo "FAIL: $t by seed rows"; failed=1; }
done
# the option wins, and a process that has begun is left as it is
same "seed rows and a seed" 16384 "$(mm-fault --csv -n -t smaps -o size_bytes --seed=7:<(head -n 1 seed.smaps) seeds.csv 2> err)"
grep -q 'seed rows of processes that have begun' err || fail "seed rows left out: $(cat err)"
printf 'pid,event,addr,size,flags\n1,seed,0x1000,100,PROT_READ\n' | mm-fault --csv > out 2> err
same "a seed row that is no whole page" 1 $?
printf '%s\n' pid,event,addr,size,flags,name '1,seed,0x1000,4096,PROT_READ|0xffffffffffff,' 1,load,0x1000,1,, \
	1,seed,0xfffffffffffff000,4096,PROT_READ, | mm-fault --csv > out 2> err
same "seed rows beyond reason" 1 $?
mm-fault --seed=100 seeded.csv 2> err; same "a seed without a file" 2 $?
mm-fault --seed=100:missing seeded.csv > out 2> err; same "a seed that is not there" 1 $?

# recorded faults against the model's: the first five lines agree but the fourth, whose page was writable by then; the
# last found no page where the recording had one
cat > recorded.txt <<'END'
# tracer: nop
      prog-100     [000] .....     1.000001: page_fault_user: address=0x7f0000000010 ip=0x401000 error_code=0x6
      prog-100     [000] .....     1.000002: page_fault_user: address=0x7f0000001000 ip=0x401000 error_code=0x4
      prog-100     [000] .....     1.000003: page_fault_user: address=0x7f0000001008 ip=0x401000 error_code=0x7
      prog-100     [000] .....     1.000004: page_fault_user: address=0x7f0000000018 ip=0x401000 error_code=0x7
      prog-100     [000] .....     1.000005: page_fault_kernel: address=0x7f0000002000 ip=0xffffffff81000000 error_code=0x2
      prog-100     [000] .....     1.000006: page_fault_user: address=0x7f0000003000 ip=0x401000 error_code=0x7
END
cat > expected <<'END'
3,100,store,0x7f0000000018,1,fault,PROT|WRITE|USER,no fault
5,100,store,0x7f0000003000,1,fault,PROT|WRITE|USER,WRITE|USER
END
# shellcheck disable=SC2086
mm-fault --csv -n -t mismatches $seed recorded.txt > found
diff -u expected found || { echo "FAIL: recorded faults"; failed=1; }
# perf's software event tells addresses alone: the second is no fault any more
cat > perf.txt <<'END'
prog   100  1234.567894: page-faults:      7f0000000abc
prog   100  1234.567895: page-faults:      7f0000000abc
END
# shellcheck disable=SC2086
same "faults of perf script -F comm,tid,time,event,addr" "1,100,load,0x7f0000000abc,1,fault,FAULT,no fault" \
	"$(mm-fault --csv -n -t mismatches $seed perf.txt)"

# perf script as it prints by itself: of a larger machine, with comm of two words, callchains, an instruction pointer alone
# (no -d: nothing to make an access of), a kernel address
cat > perf.txt <<'END'
Web Content   100 [002]  1234.567894:          1 page-faults:      7f0000000abc     401000 main+0x10 (/bin/prog)
	          401000 main+0x10 (/bin/prog)

Web Content   100/100 [003]  1234.567895:          1 page-faults:u:      7f0000001abc
Web Content   100 [002]  1234.567896:          1 page-faults:      7f0000002abc main+0x10 (/bin/prog)
Web Content   100 [002]  1234.567897:          1 page-faults:      7f0000002abc [unknown] (/bin/prog)
Web Content   100 [002]  1234.567898:          1 page-faults:  ffff888000000abc     401000 main (/bin/prog)
END
# shellcheck disable=SC2086
same "faults of perf script" 2,0,0,0 "$(faults $seed perf.txt 2> err)"
for what in 'a machine of 4 CPUs, by its first rows' '2 page faults without an address' '1 page faults on kernel addresses'; do
	grep -q "$what" err || fail "perf script: '$what' is not told: $(cat err)"
done
# shellcheck disable=SC2086
mm-fault --strict $seed perf.txt > out 2> err; same "faults without an address under --strict" 1 $?
# -F addr,ip,sym: symbols without files; the third is an instruction pointer alone
cat > perf.txt <<'END'
prog   100  1234.567894: page-faults:     7f0000000abc [unknown]     7f0000401000 operator new(unsigned long)
prog   100  1234.567895: page-faults:     7f0000001abc stderr@GLIBC_2.2.5 ffffffff81000000 elf_load
prog   100  1234.567896: page-faults:     7f0000002abc operator new(unsigned long)
END
# shellcheck disable=SC2086
same "faults of perf script -F addr,ip,sym" 2,0,0,0 "$(faults $seed perf.txt 2> err)"
grep -q '1 page faults without an address' err || fail "an instruction pointer alone is not told: $(cat err)"

# addresses that differ from one in the TLB in bits that no program has: none is its page; with five levels bit 47 is one
cat > canonical.csv <<'END'
pid,event,addr,size,flags
1,mmap,0x100000000000,4096,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED
1,mmap,0x900000000000,4096,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED
1,store,0x100000000000,8,
1,load,0x100000000000,8,
1,load,0x40100000000000,8,
1,store,0x8000100000000000,8,
1,load,0x900000000000,8,
END
same "addresses that are not canonical" "0x100000000000 ENOMEM ok ok segv segv segv" \
	"$(mm-fault --csv -n -o result,by canonical.csv | sed -n 's/,$//p' | xargs)"
same "and five levels (after the tunable's row)" "1 0x100000000000 0x900000000000 ok ok segv segv ok" \
	"$(mm-fault --csv -n -o result,by -S la57=1 canonical.csv | sed -n 's/,$//p' | xargs)"
mkdir -p root/proc
echo '00100000-3fffffff : System RAM' > root/proc/iomem
for flags in "fpu la57 lm:PGD P4D PUD PMD PTE page vma" "fpu la57x lm la5:PGD PUD PMD PTE page vma"; do
	printf 'processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: %s\nvmx flags\t: la57\n' "${flags%%:*}" > root/proc/cpuinfo
	same "a machine with ${flags%%:*}" "${flags#*:}" \
		"$(mm-fault --csv -n -o level -M root --explain=1:0x100000000000 canonical.csv | xargs)"
done

# The kernel's own accesses for a task: no USER in the code, EFAULT for a signal; by mistake SMAP and SMEP end them (an oops).
# A fetch from data brings the page in first and is refused then.
cat > kernel.csv <<'END'
pid,event,addr,size,flags
1,mmap,0x100000000000,12288,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED
1,store,0x100000000000,8,KERNEL
1,load,0x100000000000,8,KERNEL|DIRECT
1,load,0x100000003000,8,KERNEL
1,load,0x100000001000,8,
1,fetch,0x100000001000,8,KERNEL
1,fetch,0x100000002000,8,
END
cat > expected <<'END'
store,KERNEL,,ok
fault,WRITE,anon,
load,KERNEL|DIRECT,,oops
load,KERNEL,,EFAULT
load,,,ok
fault,USER,zero,
fetch,KERNEL,,oops
fetch,,,segv
fault,USER|INSTR,zero,
segv,,,
END
mm-fault --csv -n -o event,flags,name,result kernel.csv | sed '1,/^map/d; s/^\(fault.*,\)[0-9]*$/\1/' > found
diff -u expected found || { echo "FAIL: accesses of the kernel"; failed=1; }
same "a processor without SMAP" "ok oops" \
	"$(mm-fault --csv -n -o event,flags,result -S smap=0 kernel.csv | sed -n 's/^load,KERNEL.DIRECT,//p; s/^fetch,KERNEL,//p' | xargs)"
same "faults by the kernel count for the task" 3,0,1,0 "$(faults kernel.csv)"
# strace tells the key as the last argument
cat > pkeys.strace <<'END'
7 mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000
7 pkey_alloc(0, PKEY_DISABLE_WRITE) = 1
7 pkey_mprotect(0x7f0000000000, 4096, PROT_READ, 1) = 0
7 pkey_free(1) = 0
7 pkey_free(1) = -1 EINVAL (Invalid argument)
END
same "protection keys of strace" "1,0" "$(mm-fault --csv -n -S pku=1 -t smaps -o protection_key,rss_bytes --from=strace pkeys.strace)"
same "which the recording agrees with" "" "$(mm-fault --csv -n -S pku=1 -t mismatches --from=strace pkeys.strace)"
same "and a machine without" ",0" "$(mm-fault --csv -n -t smaps -o protection_key,rss_bytes --from=strace pkeys.strace 2> /dev/null)"

# the forms of perf script: with CPU and period, restricted to the program, minor and major alone, with a call stack
cat > forms.txt <<'END'
prog  100 [000]  1234.567894:          1 page-faults:u:      7f0000000abc      401000 main+0x10 (/usr/bin/prog)
prog  100 1234.567895: page-faults:upp:      7f0000001abc
            7f0000401000 main+0x10 (/usr/bin/prog)

prog  100 1234.567896: minor-faults:      7f0000002abc
prog  100/100 [000]  1234.567897: exceptions:page_fault_user:u: address=0x7f0000003abc ip=0x401000 error_code=0x6
prog  100/100 [000]  1234.567898: exceptions:page_fault_kernel: address=init_task ip=memcpy error_code=0x2
prog  100 [000]  1234.567899: exceptions:page_fault_user: address=0x7f0000003abc ip=0x401000 error_code=0x25
END
# shellcheck disable=SC2086
same "forms of perf script" "6,100,load,0x7f0000003abc,1,fault,PROT|USER|PK,no fault" \
	"$(mm-fault --csv -n -t mismatches $seed forms.txt 2> /dev/null | sed 's/^[0-9]*,/6,/')"
# shellcheck disable=SC2086
same "and their faults" 4,0,0,0 "$(faults $seed forms.txt 2> /dev/null)"
# it ends inside a line: what cannot be read is counted
printf '%s' 'prog  100 1234.567895: page-faults:      7f0000001abc
prog  100 [000]  1234.567899: exceptions:page_fault_user: address=0x7f0000' > cut.txt
# shellcheck disable=SC2086
same "a recording cut off" "1,0,0,0" "$(faults $seed cut.txt 2> err)"
grep -q 'left out 1 lines cut short at the end of the file (first in line 2)' err ||
	{ echo "FAIL: a recording cut off: $(cat err)"; failed=1; }

# UFFDIO_POISON: never over a page; SIGBUS for the child too, EHWPOISON for populate; a copy or DONTNEED takes it away
cat > poison.csv <<'END'
pid,event,addr,size,flags,result
1,mmap,0x100000000000,0x4000,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED,0x100000000000
1,store,0x100000000000,8,,
1,uffd_register,0x100000000000,0x4000,UFFDIO_REGISTER_MODE_MISSING,
1,uffd_poison,0x100000000000,4096,,
1,uffd_poison,0x100000001000,8192,,
1,load,0x100000001000,8,,
1,madvise,0x100000001000,4096,MADV_POPULATE_READ,
1,fork,,,,2
2,load,0x100000002000,8,,
1,uffd_copy,0x100000001000,4096,,
1,load,0x100000001000,8,,
1,madvise,0x100000002000,4096,MADV_DONTNEED,
1,uffd_zeropage,0x100000002000,4096,,
1,load,0x100000002000,8,,
END
same "poison" "ok 0 EEXIST 0 sigbus EHWPOISON 2 sigbus 0 ok 0 0 ok" \
	"$(mm-fault --csv --check -n -o result,by poison.csv | sed -n '1d; s/,$//p' | xargs)"

# a recording goes on after its task was killed for lack of memory: nothing of it happens until a fork makes the pid anew
cat > killed.csv <<'END'
pid,event,addr,size,flags,result
100,mmap,0x100000000000,67108864,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED,
100,store,0x100000000000,67108864,,
100,load,0x100000000000,8,,
100,store,0x100000001000,8,,
200,mmap,0x200000000000,4096,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED,
200,fork,,,,100
100,store,0x200000000000,8,,
END
mm-fault --csv --memory-max=16M --swap=0 killed.csv 2> err | awk -F, '$8 == "" && $2 ~ /load|store/ { print $1 $2 "=" $7 }' |
	paste -sd' ' > found
same "rows of a killed task" "100store=ENOMEM 100load=ESRCH 100store=ESRCH 100store=ok" "$(cat found)"
same "and what is said of them" "mm-fault: killed.csv: 2 rows of tasks that the OOM killer had killed" "$(cat err)"

# ksmd by the clock: 16 pages and 100 a wake are a full scan every 20 ms, also over days; the row after the merge tells of
# 1 page shared by 15 more; 10^6 s are 5 * 10^7 wakes and one more at the begin, of 16 pages each
cat > ksmd.csv <<'END'
time_s,pid,event,addr,size,flags,name
1,100,mmap,0x100000000000,65536,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED,
1,100,store,0x100000000000,65536,,same
1,100,madvise,0x100000000000,65536,MADV_MERGEABLE,
1000001,100,load,0x100000000000,8,,
END
same "ksmd by the clock" "general_profit=60416 pages_scanned=800000016 pages_shared=1 pages_sharing=15" \
	"$(mm-fault --csv -n -S ksm.run=1 -t ksm ksmd.csv | awk -F, '$1 == "" && $3 { print $2 "=" $3 }' | grep -v full_scans |
	paste -sd' ')"
same "ksmd that looks at no page" "" "$(mm-fault --csv -n -S ksm.run=1 -S ksm.pages_to_scan=0 -t ksm ksmd.csv | awk -F, '$1 == "" && $3')"

# Recordings: the calls and accesses of X.trace.csv made on a real kernel (6.18, x86-64, ext4 with 8 MiB of read-ahead;
# only what 6.6 does alike is in them), getrusage and /proc/PID/smaps after each step.
for trace in "$src"/tests/data/faults/*.trace.csv; do
	case=${trace%.trace.csv}
	mm-fault --csv -S read_ahead_kb=8192 -t faults --every=mark -o pid,minflt,majflt,segv,sigbus "$trace" > found
	diff -u "$case.faults.csv" found || { echo "FAIL: faults of $case"; failed=1; }
	mm-fault --csv -S read_ahead_kb=8192 -t smaps --every=mark -o "$(head -n1 "$case.smaps.csv" | cut -d, -f2-)" "$trace" |
		awk -F, -v OFS=, 'NR > 1 { for (i = 5; i <= NF; i++) $i -= $i % 1024 } { print }' > found	# as smaps: whole KiB
	diff -u "$case.smaps.csv" found || { echo "FAIL: smaps of $case"; failed=1; }
done
# one huge page is one, as the kernel prints it
same "anonymous huge pages" 1 \
	"$(printf '%s\n' pid,event,addr,size,flags 1,mmap,0x40000000,0x400000,'PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED' \
	1,store,0x40000000,8, |
	mm-fault -S thp=always -t counters --csv 2> err | sed -n 's/^nr_anon_transparent_hugepages,//p')"

# /proc/PID/status: a store needs a PUD, a PMD and a PTE table (12 KiB), one in the next 2M another PTE table; unmapping the
# first 2M frees its page and its PTE table, and the most that was resident stays
cat > status.csv <<'END'
pid,event,addr,size,flags
1,mmap,0x100000000000,4194304,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED
1,store,0x100000000000,8,
1,store,0x100000201000,8,
1,munmap,0x100000000000,0x200000,
END
cat > expected <<'END'
seq,pid,vm_peak_bytes,vm_size_bytes,vm_hwm_bytes,vm_rss_bytes,rss_anon_bytes,vm_pte_bytes
0,1,4194304,4194304,0,0,0,0
1,1,4194304,4194304,4096,4096,4096,12288
2,1,4194304,4194304,8192,8192,8192,16384
3,1,4194304,2097152,8192,4096,4096,12288
END
mm-fault --csv -t status --every=1ev -o "$(head -n1 expected | cut -d, -f2-)" status.csv > found
diff -u expected found || { echo "FAIL: status"; failed=1; }

# soft-dirty: a mapping is new, so all of it is, the untouched page too; clear_refs 4 forgets that, and only the page stored to
# afterwards is: its fault finds the page its own again. clear_refs 1 clears the accessed bits of the two pages (the zero
# page is none); the TLB still has the second, so a load does not set the bit again
cat > dirty.csv <<'END'
pid,event,addr,size,flags,result
1,mmap,0x100000000000,16384,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED,
1,store,0x100000000000,8192,,
1,load,0x100000002000,8,,
1,clear_refs,,,,4
1,store,0x100000001000,8,,
1,clear_refs,,,,1
1,load,0x100000001000,8,,
1,clear_refs,,,,6
END
cat > expected <<'END'
2 0x100000000000 1 1 1 1
2 0x100000001000 1 1 1 1
2 0x100000002000 1 1 0 1
2 0x100000003000 1 0 0 1
4 0x100000000000 1 1 1 0
4 0x100000001000 1 1 1 1
4 0x100000002000 1 1 0 0
END
mm-fault --csv -t pagemap --every=1ev -o start,pages,present,exclusive,soft_dirty dirty.csv 2> err | grep '^[24]' | tr , ' ' > found
diff -u expected found || { echo "FAIL: pagemap"; failed=1; }
same "clear_refs 6" "mm-fault: dirty.csv: 1 clear_refs without a value of 1 to 5" "$(cat err)"
same "Referenced and sd" "4,8192,rd wr mr mw me ac 5,0,rd wr mr mw me ac 6,0,rd wr mr mw me ac" \
	"$(mm-fault --csv -t smaps --every=1ev -o referenced_bytes,vm_flags dirty.csv 2> err | grep '^[456]' | paste -sd' ')"
same "fault that finds it" "reuse" \
	"$(mm-fault --csv dirty.csv 2> err | awk -F, '$2 == "fault" && $3 == "0x100000001000" { k = $6 } END { print k }')"

# userfaultfd: the load waits, is answered by a copy and made again: major, for the VMA had no anon_vma, so it waited under the
# lock of the address space. The store waits for a page, then, as that came write-protected, for the right to write: major too.
# Lifting the protection makes the entry of an exclusive page writable, so the fault that goes on finds nothing to do.
cat > uffd.csv <<'END'
pid,event,addr,size,flags
1,mmap,0x100000000000,16384,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED
1,uffd_register,0x100000000000,16384,UFFDIO_REGISTER_MODE_MISSING|UFFDIO_REGISTER_MODE_WP
1,load,0x100000000000,8,
1,uffd_copy,0x100000000000,4096,
1,load,0x100000000000,8,
1,store,0x100000001000,8,
1,uffd_copy,0x100000001000,4096,UFFDIO_COPY_MODE_WP
1,store,0x100000001000,8,
1,uffd_copy,0x100000001000,4096,
1,uffd_writeprotect,0x100000001000,4096,
1,store,0x100000001000,8,
1,uffd_unregister,0x100000000000,16384,
1,store,0x100000002000,8,
END
same "userfaultfd" "mmap=0x100000000000 uffd_register=0 load=uffd uffd_copy=0 load=ok store=uffd uffd_copy=0 store=uffd uffd_copy=EEXIST \
uffd_writeprotect=0 store=ok uffd_unregister=0 store=ok" \
	"$(mm-fault --csv uffd.csv | awk -F, 'NR > 1 && $8 == "" { printf "%s%s=%s", n++ ? " " : "", $2, $7 }')"
same "kinds of its faults" "uffd_missing spurious uffd_missing uffd_wp spurious anon" \
	"$(mm-fault --csv uffd.csv | awk -F, '$2 == "fault" { printf "%s%s", n++ ? " " : "", $6 }')"
same "how they count" "1,2" "$(mm-fault --csv -n -t faults -o minflt,majflt uffd.csv)"
same "its flags" "rd wr mr mw me um uw ac sd" "$(head -n 12 uffd.csv | mm-fault --csv -n -t smaps -o vm_flags | head -n1)"

# A hole under userfaultfd stays one: who handles its faults must see it touched (hpage_collapse_scan_pmd(), userfaultfd_armed()).
cat > armed.csv <<'END'
pid,event,addr,size,flags
1,mmap,0x100000000000,2097152,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED|MAP_NORESERVE
1,madvise,0x100000000000,2097152,MADV_NOHUGEPAGE
1,store,0x100000000000,8,
1,madvise,0x100000000000,2097152,MADV_HUGEPAGE
1,uffd_register,0x100000000000,2097152,UFFDIO_REGISTER_MODE_MISSING
1,madvise,0x100000000000,2097152,MADV_COLLAPSE
1,uffd_unregister,0x100000000000,2097152,
1,madvise,0x100000000000,2097152,MADV_COLLAPSE
END
same "collapse under userfaultfd" "0 0 EBUSY 0" "$(mm-fault --csv armed.csv | awk -F, '$2 == "madvise" { print $7 }' | paste -sd' ')"

# A page of a memfd that userfaultfd write-protects and the mapping drops leaves a marker (pte_install_uffd_wp_if_needed()).
cat > marker.csv <<'END'
pid,event,addr,size,flags,name
1,file,,4096,O_RDWR,/memfd:x
1,mmap,0x100000000000,4096,PROT_READ|PROT_WRITE|MAP_SHARED|MAP_FIXED,/memfd:x
1,store,0x100000000000,8,,
1,uffd_register,0x100000000000,4096,UFFDIO_REGISTER_MODE_WP,
1,uffd_writeprotect,0x100000000000,4096,UFFDIO_WRITEPROTECT_MODE_WP,
1,madvise,0x100000000000,4096,MADV_DONTNEED,
END
same "walk to a marker" "PTE,\"not present: no page, a mark that userfaultfd write-protects it, any access faults\"" \
	"$(mm-fault --csv -n --explain=1:0x100000000000 -t walk -o level,meaning marker.csv | grep ^PTE)"
same "walk to poison" 'PTE,"not present: userfaultfd poisoned it, any access gets SIGBUS"' \
	"$(head -n 6 poison.csv | mm-fault --csv -n --explain=1:0x100000001000 -o level,meaning | grep ^PTE)"

# what the last entry of a walk means and which mapping stands behind it: TRACE, ADDR, the entry's flags, parts of its meaning and of the
# vma row
explained() {
	mm-fault --csv -n --explain="1:$2" -o level,flags,meaning -S thp=always -S vm.nr_hugepages=1 "$1" > walk
	grep -v '^vma\|^page' walk | tail -n 1 > entry
	case $(cut -d, -f2 entry) in $3) ;; *) fail "walk to $2: flags $(cat entry)" ;; esac
	grep -q "$4" entry || fail "walk to $2: $(cat entry)"
	tail -n 1 walk | grep -q "$5" || fail "walk to $2: $(tail -n 1 walk)"
}
cat > explain.csv <<'END'
pid,event,addr,size,flags
1,mmap,0x100000000000,12288,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED
1,store,0x100000000000,8,
1,load,0x100000001000,8,
1,mprotect,0x100000000000,4096,PROT_NONE
1,mmap,0x200000000000,2097152,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED
1,store,0x200000000000,8,
1,mmap,0x300000000000,2097152,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_HUGETLB|MAP_FIXED
1,store,0x300000000000,8,
1,mmap,0x400000000000,8192,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED
1,store,0x400000000000,8,
1,uffd_register,0x400000000000,8192,UFFDIO_REGISTER_MODE_MISSING|UFFDIO_REGISTER_MODE_WP
1,uffd_writeprotect,0x400000000000,4096,UFFDIO_WRITEPROTECT_MODE_WP
1,mmap,0x500000100000,8192,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_GROWSDOWN|MAP_FIXED
END
explained explain.csv 0x100000000000 'A|*PROTNONE*' 'without any right (PROT_NONE: bit 8 where P is off)' \
	'^vma,---p,.*0x100000000000-0x100000001000 anonymous: an access gets SIGSEGV'
explained explain.csv 0x100000001000 'P|US|A|SPECIAL*' 'the zero page that all share, a store faults' \
	'^vma,rw-p,0x100000001000-0x100000003000 anonymous$'
explained explain.csv 0x100000002000 '' 'empty: no page, any access faults' '^vma,rw-p,0x100000001000-0x100000003000 anonymous$'
explained explain.csv 0x100000003000 '' 'empty: no page, any access faults' '^vma,,no mapping: an access gets SIGSEGV$'
explained explain.csv 0x200000000000 'P|*PSE*' 'a page of 2097152 bytes in page frame [0-9]*, a transparent huge page' \
	'^vma,rw-p,0x200000000000-0x200000200000 anonymous$'
explained explain.csv 0x300000000000 'P|*PSE*' 'a page of 2097152 bytes in page frame [0-9]*, of a pool of huge pages (hugetlb)' \
	'/anon_hugepage (deleted) (hugetlb)$'
explained explain.csv 0x400000000000 'P|US|*UFFD_WP*' 'a store faults (PROT|WRITE|USER): userfaultfd write-protects it' \
	'anonymous, userfaultfd is told of missing pages and stores to what it protects"$'
explained explain.csv 0x400000001000 '' 'empty: no page, any' '^vma,rw-p,.*told of missing pages and'
explained explain.csv 0x500000000000 '' 'empty: no page in any of the 512 GiB that it is for, any access faults' \
	'^vma,,"no mapping, but the one above grows down to here if it may, else SIGSEGV"$'
explained explain.csv 0x7ffffffff000 '' 'empty: no page in any of the 512 GiB that it is for' \
	'^vma,,"no mapping, nor can a program have one here: an access gets SIGSEGV"$'
explained explain.csv 0xffff888000000000 '' "this half is the kernel's, whose tables are not part of the model" \
	'^vma,,"no mapping, nor can a program have one here: an access gets SIGSEGV"$'
same "explain: no table is read" "page vma" "$(mm-fault --csv -n --explain=1:0x800000000000 -o level explain.csv | xargs)"
same "explain: no process" ',"no such process: the trace has none of this number, or it is gone"' \
	"$(mm-fault --csv -n --explain=7:0 -o level,meaning explain.csv)"
cat > sigbus.csv <<'END'
pid,event,addr,size,flags,name
1,uffd_open,,,UFFD_FEATURE_SIGBUS,a
1,file,,8192,O_RDWR,/memfd:x
1,mmap,0x100000000000,8192,PROT_READ|PROT_WRITE|MAP_SHARED|MAP_FIXED,/memfd:x
1,uffd_register,0x100000000000,8192,UFFDIO_REGISTER_MODE_MINOR,a
1,mprotect,0x100000001000,4096,PROT_NONE,
END
explained sigbus.csv 0x100000000000 '' 'empty: no page in any of the 512 GiB' \
	'^vma,rw-s,"0x100000000000-0x100000001000 /memfd:x (deleted), userfaultfd sends SIGBUS for unmapped pages of the file"$'
explained sigbus.csv 0x100000001000 '' 'empty: no page in any of the 512 GiB' \
	'^vma,---s,0x100000001000-0x100000002000 /memfd:x (deleted): an access gets SIGSEGV$'
# an entry that NUMA balancing took away is no PROT_NONE of the mapping's: the first scan of a kernel's recording
head -n 13 "$src/tests/data/numa/hint1.trace.csv" | mm-fault --csv -n --explain=1000:0x100000004000 -o level,flags,meaning > walk
why='which NUMA balancing took away to see who uses it (PROTNONE: bit 8 where P is off): any access faults and gives it back'
grep -q "^PTE,.*|PROTNONE.*$why\"\$" walk ||
	fail "walk to a hint: $(cat walk)"
grep -q '^vma,rw-p,' walk || fail "the mapping of a hint: $(cat walk)"

# huge pages that are mapped in part are split when memory gets short, by the classic lists and by MGLRU (shrink_one() asks the shrinkers)
{
	anon='PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED|MAP_NORESERVE'
	echo pid,event,addr,size,flags
	echo "1,mmap,0x100000000000,41943040,$anon"
	echo "1,mmap,0x200000000000,67108864,$anon"
	echo 1,madvise,0x200000000000,67108864,MADV_NOHUGEPAGE
	for ((i = 0; i < 20; i++)); do
		printf '1,store,0x%x,1,\n1,madvise,0x%x,1048576,MADV_DONTNEED\n' $((0x100000000000 + i * 2097152)) \
			$((0x100000100000 + i * 2097152))
	done
	for ((i = 0; i < 4500; i++)); do printf '1,store,0x%x,1,\n' $((0x200000000000 + i * 4096)); done
} > split.csv
for gen in 0 1; do
	counters=$(mm-fault --csv --ram=64M -S thp=always -S lru_gen=$gen -t counters split.csv 2> err)
	same "huge pages mapped in part, lru_gen=$gen" "thp_fault_alloc,20 thp_deferred_split_page,20" \
		"$(echo "$counters" | grep -E '^thp_(fault_alloc|deferred_split_page),' | xargs)"
	echo "$counters" | grep -q '^thp_split_page,[1-9]' || fail "lru_gen=$gen: none is split"
done

# A split takes the mappings away in the order of the tree, and who only then is mapped in part is queued (and counted) for it. A
# child's write leaves its parent's 2M entry, which goes first, beside 511 of the child's: queued. The other way round those 511
# go first, with no page left unmapped, and then the child's entry whole: not. Small entries alone: queued. A 2M entry alone: not.
in_part() {
	printf '%s\n' pid,event,addr,size,flags,result \
		1,mmap,0x100000000000,2097152,"PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED", \
		1,store,0x100000000000,1,, "$@" | mm-fault --csv --check -S thp=always -t counters |
		sed -n 's/^thp_\(split_page\|deferred_split_page\|split_pmd\),//p' | xargs
}
free=madvise,0x100000100000,1048576,MADV_FREE,
same "split, the child wrote" "1 1 2" "$(in_part 1,fork,,,,2 2,store,0x100000000000,1,, 1,$free)"
same "split, the parent wrote" "1 0 2" "$(in_part 1,fork,,,,2 1,store,0x100000000000,1,, 2,$free)"
same "split of small entries" "1 1 1" "$(in_part 1,mprotect,0x100000100000,1048576,PROT_READ, 1,$free)"
same "split of a 2M entry" "1 0 1" "$(in_part 1,$free)"

# descriptors have the mode of the file's last row: vfs_write() and vfs_read() refuse before anything else, also nothing of 0 bytes
cat > modes.csv <<'END'
pid,event,size,flags,name,offset
1,file,8192,O_RDONLY,/f,
1,read,4096,,/f,0
1,write,4096,,/f,0
1,write,0,,/f,0
1,file,8192,O_WRONLY,/f,
1,read,4096,,/f,0
1,write,4096,,/f,0
1,file,8192,O_RDWR,/f,
1,read,4096,,/f,0
1,write,4096,,/f,0
END
for c in mm-fault mm-vma; do
	same "read and write by mode, $c" "4096 EBADF EBADF EBADF 4096 4096 4096" \
		"$($c --csv -n -o event,result modes.csv | sed -nE 's/^(read|write),//p' | xargs)"
done
# and a recording's calls, which did succeed, all do
printf '%s\n' '1 openat(AT_FDCWD, "/f", O_RDONLY) = 3' '1 read(3, ""..., 4096) = 4096' '1 openat(AT_FDCWD, "/f", O_WRONLY) = 4' \
	'1 write(4, ""..., 4096) = 4096' '1 read(3, ""..., 4096) = 4096' '1 write(7</g>, ""..., 100) = 100' > modes.strace
same "read and write of a recording" "4096 4096 4096 100" \
	"$(mm-fault --csv -n -o event,result modes.strace | sed -nE 's/^(read|write),//p' | xargs)"

# ---- CPUs of a recording that no option names ----
printf 'cpu,pid,event,addr\n3,1,load,0x1000\n' > "$tmp/cpus.csv"
mm-fault --automap --csv "$tmp/cpus.csv" > "$tmp/out" 2> "$tmp/err" || fail "a row of CPU 3"
grep -q '^,,cpus,.*4,$' "$tmp/out" || fail "no row that says 4 CPUs: $(cat "$tmp/out")"
grep -q 'a machine of 4 CPUs, by its first rows' "$tmp/err" || fail "not told: $(cat "$tmp/err")"
mm-fault --automap --csv "$tmp/out" 2> /dev/null | cmp -s - "$tmp/out" || fail "cpus: mm-fault | mm-fault is not mm-fault"
mm-fault --automap --csv --cpus=2 "$tmp/cpus.csv" 2>&1 > /dev/null | grep -q '1 rows of CPUs beyond' || fail "CPU 3 of 2 is not told of"
mm-fault --automap --csv --cpus=2 --strict "$tmp/cpus.csv" > /dev/null 2>&1 && fail "CPU 3 of 2 under --strict"
mm-fault --automap --csv --cpus=2 -t tlb -o cpu,accesses -n "$tmp/cpus.csv" 2> /dev/null > "$tmp/out"
[ "$(sed -n 2p "$tmp/out")" = 1,1 ] || fail "CPU 3 of 2 should be CPU 1: $(cat "$tmp/out")"
cat > "$tmp/header.txt" << 'END'
# entries-in-buffer/entries-written: 1/1   #P:4
#
            bash-100     [001] .....  10.000001: page_fault_user: address=0x1000 ip=0x400000 error_code=0x4
END
mm-fault --automap --csv "$tmp/header.txt" 2> /dev/null | grep -q '^,,,cpus,.*4,$' ||
	fail "CPUs of an ftrace header: $(mm-fault --automap --csv "$tmp/header.txt" 2>&1)"
sed '1,2d' "$tmp/header.txt" > "$tmp/body.txt"
printf '%s\n' 'version = 6' 'CPU 0 is empty' cpus=8 | cat - "$tmp/body.txt" > "$tmp/trace-cmd.txt"
mm-fault --automap --csv --strict "$tmp/trace-cmd.txt" 2> "$tmp/err" | grep -q '^,,,cpus,.*8,$' ||
	fail "CPUs of trace-cmd report: $(cat "$tmp/err")"
grep -q 'no events' "$tmp/err" && fail "the head of trace-cmd report is no event that is left out"

# ---- accesses alone are no program: all of them miss, and tables would show nothing of it ----
printf 'pid,event,addr\n1,load,0x1000000\n1,store,0x2000000\n' > alone.csv
told='2 accesses of processes without any mapping got SIGSEGV; --automap gives them memory'
mm-fault -t faults alone.csv 2>&1 > /dev/null | grep -q "$told" || fail "accesses alone: nothing told"
mm-vma -t maps alone.csv 2>&1 > /dev/null | grep -q "$told" || fail "accesses alone, mm-vma: nothing told"
mm-reclaim --sweep=memory-max=1M..2M:2 alone.csv 2>&1 > /dev/null | grep -q "$told" || fail "accesses alone, a sweep: nothing told"
[ -z "$(mm-fault --automap -t faults alone.csv 2>&1 > /dev/null | grep SIGSEGV)" ] || fail "accesses alone with --automap: SIGSEGV told"

# ---- page faults of perf do not say whether they were reads: outside any mapping they are of pages of one's own ----
cat > perf.txt << 'END'
             cow 12727 36063.610258: page-faults:     55e78bc75080
             cow 12727 36063.610285: page-faults:     7efd712e8110
END
mm-fault --automap -t faults -o minflt,kind_anon,kind_zero -n perf.txt > "$tmp/out" 2> "$tmp/err"
[ "$(cat "$tmp/out")" = 2,2,0 ] || fail "perf's page faults: $(cat "$tmp/out" "$tmp/err")"
grep -q 'would not have taken' "$tmp/err" && fail "perf's page faults: $(cat "$tmp/err")"

# ---- a program that is refused what it asks for does not need nothing ----
printf '%s\n' pid,event,addr,size,flags 1,mmap,0x10000000,104857600,"PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED" \
	1,store,0x10000000,8, > refused.csv
told='1 mappings that got ENOMEM; what they were for is not in the figures'
mm-reclaim --sweep=ram=64M..256M:2 refused.csv > "$tmp/out" 2> "$tmp/err"
grep -q "$told" "$tmp/err" || fail "a refused mapping: $(cat "$tmp/err")"
[ "$(tail -n +2 "$tmp/out" | cut -d, -f2 | paste -sd' ')" = '0 1' ] || fail "a refused mapping: $(cat "$tmp/out")"
grep -q automap "$tmp/err" && fail "--automap would not help: $(cat "$tmp/err")"
mm-fault --ram=256M -t faults refused.csv 2>&1 > /dev/null | grep -q ENOMEM && fail "nothing was refused"

# ---- a recording ends after its program: what processes have is shown as it was before the last one ended ----
cat > ended.csv << 'END'
pid,event,addr,size,flags,result
1,mmap,0x100000000000,8192,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED,
1,store,0x100000000000,8,,
1,fork,,,,2
1,exit,,,,
2,store,0x100000000000,8,,
2,store,0x100000001000,8,,
2,exit,,,,
END
for t in smaps status pagemap pagetable numa_maps; do
	want=$(head -n 7 ended.csv | mm-fault --csv -t $t)
	same "$t of who has ended" "$want" "$(mm-fault --csv -t $t ended.csv 2> err)"
	grep -q 'no process lives at the end' err || fail "$t: not told: $(cat err)"
	same "$t of who has ended, for people" "$(head -n 7 ended.csv | mm-fault --human -t $t)" \
		"$(mm-fault --human -t $t ended.csv 2> err)"
	same "$t of who lives" "$want" "$(sed '$s/2,exit/3,exit/' ended.csv | mm-fault --csv -t $t 2> err)"
	grep -q 'no process' err && fail "$t: told though one lives"
done
same "a walk of who has ended" "$(head -n 4 ended.csv | mm-fault --csv --explain=1:100000000000)" \
	"$(mm-fault --csv --explain=1:100000000000 ended.csv 2> err)"
grep -q 'process 1 has ended' err || fail "a walk: not told: $(cat err)"
same "faults of all, as none lives" "1,1 2,2" "$(mm-fault --csv -n -t faults -o pid,minflt ended.csv | xargs)"
same "faults of who lives" "2,2" "$(head -n 7 ended.csv | mm-fault --csv -n -t faults -o pid,minflt | xargs)"

# process_madvise() is the other process's madvise, as far as it came; of a process that the log does not tell nothing is known
first='{iov_base=0x7f0000000000, iov_len=8192}'
printf '%s\n' '10 mmap(NULL, 1048576, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000' '11 pidfd_open(10, 0) = 3' \
	"11 process_madvise(3, [$first, {iov_base=0x7f0000004000, iov_len=4096}], 2, MADV_PAGEOUT, 0) = 12288" \
	"11 process_madvise(3, [$first, {iov_base=0x8f0000004000, iov_len=4096}], 2, MADV_COLD, 0) = 8192" \
	'11 process_madvise(4, [{iov_base=0x7f0000000000, iov_len=8192}], 1, MADV_COLD, 0) = 8192' '11 close(3) = 0' \
	'11 process_madvise(3, [{iov_base=0x7f0000000000, iov_len=8192}], 1, MADV_COLD, 0) = 8192' > advise.strace
same "process_madvise" \
	"10,0x7f0000000000,8192,MADV_PAGEOUT,0 10,0x7f0000004000,4096,MADV_PAGEOUT,0 10,0x7f0000000000,8192,MADV_COLD,0" \
	"$(mm-fault --csv -n -o pid,event,addr,size,flags,result advise.strace 2> err | sed -n 's/madvise,//p' | xargs)"
grep -q 'left out 2 calls of process_madvise' err || fail "process_madvise: not told: $(cat err)"

# steps without a mark are none
prints "no marks" mark,pid,minflt mm-fault --csv -t faults -o pid,minflt --every=mark ended.csv
grep -q 'ended.csv: no row is a mark' "$tmp/err" || fail "no marks: not told: $(cat "$tmp/err")"
exit $failed
