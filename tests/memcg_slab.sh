#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Objects of slab caches that are charged to memory cgroups: slab_unreclaimable, kernel and memory.current by hand from Linux 6.6's
# obj_cgroup_charge() and mod_objcg_state(). An object is charged with its bytes and 8 for the pointer to its payer:
# vm_area_struct 192, vma_lock 48, anon_vma 112, anon_vma_chain 72, mm_struct 1352.
. "${srcdir:-.}/tests/lib.sh"

# CGROUP OPTION...: current kernel pagetables slab_unreclaimable of it at the end of the trace on standard input
files() {
	{ echo pid,event,addr,size,flags,name,offset,result,cpu; sed 's/^\([^,]*,\)\{7\}[^,]*$/&,/'; } > "$tmp/trace.csv"
	mm-reclaim --csv --ram=320M --swap=0 -S thp=never -t memory_files "${@:2}" "$tmp/trace.csv" 2> "$tmp/err" > "$tmp/out" ||
		cat "$tmp/err"
	awk -F, -v g="$1" '$1 == g && $2 == "memory.current" { a = $4 }
		$1 == g && $2 == "memory.stat" && $3 ~ /^(kernel|pagetables|slab_unreclaimable|slab)$/ { v[$3] = $4 }
		END { print a, v["kernel"], v["pagetables"], v["slab_unreclaimable"], v["slab"] }' "$tmp/out"
}
anon='PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED'
begin() {	# PID CGROUP: a process that maps and joins it then: what it had before is the root's
	echo "$1,mmap,0x100000000000,1048576,$anon,,0x0,"
	echo "$1,cgroup,,,,$2,,"
}
vmas() {	# PID COUNT EVENT: so many mappings that do not touch one another
	for ((i = 0; i < $2; i++)); do
		case $3 in
		mmap) printf '%s,mmap,0x%x,4096,%s,,0x0,\n' "$1" $((0x200000000000 + i * 8192)) "$anon" ;;
		munmap) printf '%s,munmap,0x%x,4096,,,,\n' "$1" $((0x200000000000 + i * 8192)) ;;
		esac
	done
}
store() { echo "$1,store,0x100000000000,8,,,,"; }

# The first access makes an anon_vma and its link, 184 bytes: one page of kernel memory beside tables of three levels and the page. The
# CPU keeps what it has to tell of it ...
same "one page of objects" "262144 16384 8192 0 0" "$({ begin 1000 /a; store 1000; } | files /a)"
# ... until an object of another cgroup is made there (a guest answered 0 and 184 of such cgroups: tests/data/memcg)
two() { begin 1000 /a; begin 1001 /b; store 1000; store 1001; }
same "told when another comes" "20480 16384 8192 184 184" "$(two | files /a)"
same "not yet told" "262144 16384 8192 0 0" "$(two | files /b)"
# on another CPU there is another stock
two | sed '/store/!s/$/,/; /1000,store/s/$/,0/; /1001,store/s/$/,1/' > "$tmp/rows"
same "CPUs have stocks of their own" "262144 16384 8192 0 0" "$(files /a --cpus=2 < "$tmp/rows")"

# 40 mappings: 40 * 240 = 9600 bytes, three pages. What there is to tell is told when it is more than a page: with the 18th VMA, before its
# lock, 17 * 240 + 192 = 4272, and then 48 + 17 * 240 = 4128.
same "mappings" "262144 12288 0 8400 8400" "$({ begin 1000 /a; vmas 1000 40 mmap; } | files /a)"
# given back: the page that is left is the CPU's, and all that was told of objects was told to be gone
same "mappings that are gone" "262144 4096 0 0 0" "$({ begin 1000 /a; vmas 1000 40 mmap; vmas 1000 40 munmap; } | files /a)"
# a fork copies them, their links and mm_struct, paid by the cgroup of the parent
same "a fork" "1" "$({ begin 1000 /a; vmas 1000 40 mmap; echo '1000,fork,,,,,,1002'; begin 1001 /b; store 1001; } | files /a |
	awk '{ print $4 == 9600 + 1352 + 41 * 240 }')"
# Removed: what is left of its objects is its parent's
same "rmdir" "184" "$({ echo ',cgroup,,,memory.max,/p,,max'; begin 1000 /p/a; store 1000
	echo '1000,cgroup,,,,/p,,'; echo ',cgroup,,,rmdir,/p/a,,'; } |
	files /p | cut -d' ' -f4)"
exit $failed
