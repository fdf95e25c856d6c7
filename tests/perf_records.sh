#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What perf recorded of mappings and tasks, beside page faults. What is expected was read in /proc/self/maps by the recorded programs;
# the faults of the recording are the kernel's own word for what was in memory.
. "${srcdir:-.}/tests/lib.sh"
cd "$tmp" || exit 99

# maps NAME [WITHOUT]: as the table maps has them, PID,START,END,PERMS,OFFSET,NAME; names like WITHOUT are not asked for
maps() {
	gzip -dc "$data/perf/$1.txt.gz" > "$1.txt" || exit 99
	awk '{ name = $7; for (i = 8; i <= NF; i++) name = name " " $i
		split($2, a, "-"); sub(/^0+/, "", $4); print $1 ",0x" a[1] ",0x" a[2] "," $3 ",0x" ($4 == "" ? "0" : $4) "," name }' \
		"$data/perf/$1.maps" > "$1.csv"
	pids=$(cut -d, -f1 "$1.csv" | sort -u)
	same "$1: processes" 3 "$(echo "$pids" | wc -l)"
	for pid in $pids; do
		mm-vma --csv -n -t maps --pid="$pid" -o pid,start,end,perms,offset,name "$1.txt" 2> err | grep -v "${2:-^$}" > got.csv
		grep "^$pid," "$1.csv" | diff - got.csv > diffs || fail "$1: maps of $pid: $(cat diffs)"
	done
	grep -q 'left out' err && fail "$1: left out: $(cat err)"
}
maps calls
# munmap() is not among records of mappings: the loader's cache of names seems to be there still
maps acts /etc/ld.so.cache

# Each page fault of the recordings is one here, for the same reason, and there is a mapping for it.
for name in acts calls; do
	same "$name: faults" "" "$(mm-fault --csv -n -t mismatches $name.txt 2> err)"
	grep -q 'outside any mapping' err && fail "$name: faults: $(cat err)"
done
# Beside them a program that begins has a page of arguments, which get_user_pages() brought in: a minor fault, but no exception.
same "their number" "$(grep -c -e exceptions:page_fault -e 'COMM exec' acts.txt)" \
	"$(mm-fault --csv -n -t faults -o minflt,majflt,segv,sigbus acts.txt 2> err | awk -F, '{ n += $1 + $2 + $3 + $4 } END { print n }')"

# The trace that comes out has the same maps, by what it says of a program's beginning.
mm-vma acts.txt > acts.csv 2> err
for pid in $pids; do
	mm-vma --csv -n -t maps --pid="$pid" acts.txt > a 2> err
	mm-vma --csv -n -t maps --pid="$pid" acts.csv > b 2> err
	cmp -s a b || fail "maps of $pid from the trace: $(diff a b)"
done
mm-vma acts.csv > again.csv 2> err
cmp -s acts.csv again.csv || fail "the trace once more: $(diff acts.csv again.csv | head -4)"

# Of a page fault without a code a write is known where the page is there already, and supposed in pages of one's own.
cat > codes.txt <<'END'
prog 100 1.000000: PERF_RECORD_COMM exec: prog:100/100
prog 100 1.000001: PERF_RECORD_MMAP2 100/100: [0x10000000(0x4000) @ 0 08:01 12 0]: rw-p /bin/prog
prog 100 1.000002: PERF_RECORD_MMAP2 100/100: [0x20000000(0x4000) @ 0x20000000 00:00 0 0]: rw-p //anon
prog 100 1.000003:          1 page-faults:     10000010 main+0x10 (/bin/prog)     10000000 main+0x0 (/bin/prog)
prog 100 1.000004:          1 page-faults:     10000018 operator()(int) const+0x10 (/bin/prog)     10000000 main+0x0 (/bin/prog)
prog 100 1.000005:          1 page-faults:     20000018 [unknown] (//anon)     10000000 main+0x0 (/bin/prog)
END
same "a read, then a write; a write" "file_read file_cow anon" \
	"$(mm-fault --csv codes.txt 2> err | awk -F, '
	NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i } $c["event"] == "fault" { print $c["name"] }' | paste -sd' ')"
same "all as recorded" "" "$(mm-fault --csv -n -t mismatches codes.txt 2> err)"


# [vdso] is of pages that are mapped as a file's, and count; frames are inserted into [vvar], which do not. A child has the latter
# from its parent (vma_needs_copy()), the former by a fault of its own. Nobody may write to either.
cat > special.txt <<'END'
prog 100 1.000000: PERF_RECORD_COMM exec: prog:100/100
prog 100 1.000001: PERF_RECORD_MMAP2 100/100: [0x10000000(0x2000) @ 0 00:00 0 0]: r-xp [vdso]
prog 100 1.000002: PERF_RECORD_MMAP2 100/100: [0x10002000(0x4000) @ 0 00:00 0 0]: r--p [vvar]
prog 100 1.000003: exceptions:page_fault_user: address=0x10000010 ip=0x1 error_code=0x4
prog 100 1.000004: exceptions:page_fault_user: address=0x10001010 ip=0x1 error_code=0x14
prog 100 1.000005: exceptions:page_fault_user: address=0x10002010 ip=0x1 error_code=0x4
prog 100 1.000006: PERF_RECORD_FORK(101:101):(100:100)
prog 101 1.000007: exceptions:page_fault_user: address=0x10000010 ip=0x1 error_code=0x4
prog 101 1.000008: exceptions:page_fault_user: address=0x10001010 ip=0x1 error_code=0x6
END
same "[vdso] and [vvar]" "0 0" "$(mm-fault --csv --check -n -t mismatches special.txt 2> err | wc -l) $(wc -l < err)"
same "and their faults" "100,3,0,0 101,1,1,0" \
	"$(mm-fault --csv -n -t faults -o pid,minflt,segv,sigbus special.txt 2> err | paste -sd' ')"
same "and what they count" "[vdso],8192,8192 [vvar],0,0 [vdso],4096,4096 [vvar],0,0" \
	"$(mm-fault --csv -n -t smaps -o name,rss_bytes,referenced_bytes special.txt 2> err | paste -sd' ')"

# execve() reads the beginning of the program: four pages come into the page cache, the second marks where the next read-ahead begins.
# Faults map what is there around them, but no page that is marked (filemap_map_pages()); its own fault begins to read and is retried,
# which makes it a major one (mm_account_fault()).
cat > head.txt <<'END'
prog 100 1.000000: PERF_RECORD_COMM exec: prog:100/100
prog 100 1.000001: PERF_RECORD_MMAP2 100/100: [0x10000000(0x10000) @ 0 08:01 12 0]: r--p /bin/prog
prog 100 1.000003: exceptions:page_fault_user: address=0x10000010 ip=0x1 error_code=0x4
prog 100 1.000004: exceptions:page_fault_user: address=0x10001010 ip=0x1 error_code=0x4
prog 100 1.000005: exceptions:page_fault_user: address=0x10002010 ip=0x1 error_code=0x4
END
same "the head of a program" "load,0x10002010,no fault" "$(mm-fault --csv -n -t mismatches -o call,addr,model head.txt 2> err)"
same "and its faults" 1,1 "$(mm-fault --csv -n -t faults -o minflt,majflt head.txt 2> err)"

# With page faults disabled the kernel's first try ends in nothing, and the second is told too (copy_fpstate_to_sigframe()); a third, or
# one of the program itself, is none.
cat > twice.txt <<'END'
prog 100 1.000000: PERF_RECORD_COMM exec: prog:100/100
prog 100 1.000001: PERF_RECORD_MMAP2 100/100: [0x10000000(0x4000) @ 0x10000000 00:00 0 0]: rw-p //anon
prog 100 1.000002: exceptions:page_fault_kernel: address=0x10000fc0 ip=copy_fpstate_to_sigframe error_code=0x2
prog 100 1.000003: exceptions:page_fault_kernel: address=0x10000fc0 ip=copy_fpstate_to_sigframe error_code=0x2
prog 100 1.000004: exceptions:page_fault_kernel: address=0x10000fc0 ip=copy_fpstate_to_sigframe error_code=0x2
prog 100 1.000005: exceptions:page_fault_user: address=0x10001fc0 ip=0x1 error_code=0x6
prog 100 1.000006: exceptions:page_fault_user: address=0x10001fc0 ip=0x1 error_code=0x6
END
same "told twice" "store,0x10000fc0,no fault store,0x10001fc0,no fault" \
	"$(mm-fault --csv -n -t mismatches -o call,addr,model twice.txt 2> err | paste -sd' ')"
grep -q '1 page faults told twice' err || fail "told twice: $(cat err)"

# The tracepoint right after FORK, or the call before it, tells that the child shares its parent's memory until it runs a program. A thread
# that runs one has the number of its process by then, and its own is gone.
cat > tasks.txt <<'END'
prog 100/100 [000] 1.000000: PERF_RECORD_COMM exec: prog:100/100
prog 100/100 [000] 1.000001: PERF_RECORD_MMAP2 100/100: [0x10000000(0x4000) @ 0x10000000 00:00 0 0]: rw-p //anon
prog 100/100 [000] 1.000002: PERF_RECORD_MMAP2 100/100: [0x7f0000000000(0x1000) @ 0 00:00 0 0]: r-xp [vdso]
prog 100/100 [000] 1.000003: PERF_RECORD_FORK(101:101):(100:100)
prog 100/100 [000] 1.000004: task:task_newtask: pid=101 comm=prog clone_flags=4100 oom_score_adj=0
prog 101/101 [000] 1.000005: PERF_RECORD_MMAP2 101/101: [0x20000000(0x1000) @ 0x20000000 00:00 0 0]: rw-p //anon
prog 101/101 [000] 1.000006: PERF_RECORD_COMM exec: child:101/101
prog 101/101 [000] 1.000007: PERF_RECORD_EXIT(101:101):(100:100)
prog 100/100 [000] 1.000008: syscalls:sys_enter_vfork:
prog 100/100 [000] 1.000009: PERF_RECORD_FORK(102:102):(100:100)
prog 102/102 [000] 1.000010: PERF_RECORD_MMAP2 102/102: [0x30000000(0x1000) @ 0x30000000 00:00 0 0]: rw-p //anon
prog 102/102 [000] 1.000011: PERF_RECORD_EXIT(102:102):(100:100)
prog 100/100 [000] 1.000012: syscalls:sys_exit_vfork: 0x66
prog 100/100 [000] 1.000013: PERF_RECORD_FORK(103:103):(100:100)
prog 103/103 [000] 1.000014: PERF_RECORD_MMAP2 103/103: [0x40000000(0x1000) @ 0x40000000 00:00 0 0]: rw-p //anon
prog 103/103 [000] 1.000015: PERF_RECORD_EXIT(103:103):(100:100)
prog 100/100 [000] 1.000016: PERF_RECORD_FORK(100:104):(100:100)
END
starts() { mm-vma --csv -n -t maps -o pid,start "$@" 2> err | paste -sd' '; }
same "children that share, one that does not" \
	"100,0x10000000 100,0x20000000 100,0x30000000 100,0x7f0000000000" "$(starts --pid=100 tasks.txt)"
cat tasks.txt - > thread.txt <<'END'
prog 100/100 [000] 1.000017: PERF_RECORD_EXIT(100:100):(1:1)
prog 100/100 [000] 1.000018: PERF_RECORD_COMM exec: again:100/100
prog 100/100 [000] 1.000019: PERF_RECORD_MMAP2 100/100: [0x50000000(0x1000) @ 0x50000000 00:00 0 0]: rw-p //anon
END
same "exec of a thread" 100,0x50000000 "$(starts thread.txt)"

# What ftrace itself prints of system calls (trace_syscalls.c print_syscall_enter(), _exit()), also with the option verbose.
cat > own.txt <<'END'
# tracer: nop
#
            prog-100     [000] .....     1.000001: sys_mmap(addr: 10000000, len: 4000, prot: 3, flags: 32, fd: ffffffff, off: 0)
            prog-100     [000] .....     1.000002: sys_mmap -> 0x10000000
            prog-100     [000] .....     1.000003: sys_munmap(unsigned long addr: 10001000, size_t len: 1000)
            prog-100     [000] .....     1.000004: sys_munmap -> 0x0
            prog-100     [000] .....     1.000005: sys_munmap(addr: 1, len: 1000)
            prog-100     [000] .....     1.000006: sys_munmap -> 0xffffffffffffffea
            prog-100     [000] .....     1.000007: task_newtask: pid=101 comm=a clone_flags=9 b clone_flags=4111 oom_score_adj=0
            prog-101     [001] .....     1.000008: sys_brk(brk: 0)
            prog-101     [001] .....     1.000009: sys_brk -> 0x55000000
            prog-101     [001] .....     1.000010: sys_munmap(addr: 10003000, len: 1000)
            prog-101     [001] .....     1.000011: sys_munmap -> 0x0
            prog-100     [000] .....     1.000012: sys_munlockall()
            prog-100     [000] .....     1.000013: sys_munlockall -> 0x0
            prog-100     [000] .....     1.000014: task_newtask: pid=102 comm=prog clone_flags=1200011 oom_score_adj=0
            prog-100     [000] .....     1.000015: sys_munmap(addr: 10002000, len: 1000)
            prog-100     [000] .....     1.000016: sys_munmap -> 0x0
END
same "ftrace's own text" \
	"100,0x10000000,0x10001000 101,0x10000000,0x10001000 102,0x10000000,0x10001000 102,0x10002000,0x10003000" \
	"$(mm-vma --csv --strict -n -t maps -o pid,start,end own.txt 2> err | paste -sd' ')"
grep -q 'left out' err && fail "ftrace's own text: $(cat err)"
same "and its results" "" "$(mm-vma --csv -n -t mismatches own.txt 2> err)"

exit $failed
