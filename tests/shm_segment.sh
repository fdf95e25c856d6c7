#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# System V segments: of huge pages, and removed. Expected results follow ipc/shm.c and hugetlb_file_setup() of Linux 6.6.
. "${srcdir:-.}/tests/lib.sh"
cd "$tmp" || exit 99
results() { mm-fault --csv --check "$@" | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
	$c["by"] == "" && $c["event"] ~ /shm|load|store/ { printf "%s%s", n++ ? " " : "", $c["result"] }'; }
pool() { mm-fault --csv -n -S vm.nr_hugepages=3 -t hugetlb -o nr_hugepages,free_hugepages,resv_hugepages "$@" | head -n 1; }

# A pool of three pages: a segment of 3000000 bytes takes the promise of two at once, another of three gets ENOMEM, one of
# pages of 1 GiB or of 16 MiB ENOMEM and EINVAL. It is there: EEXIST, and EINVAL for more than was asked for at first. It is
# attached where 2 MiB begin, whole (4 MiB), and faults in huge pages. Removed while attached it lives on; with the last
# mapping its pages and promises go back. Its name is nobody's as soon as it is removed: another of two pages is asked for then.
cat > huge.csv <<'END'
pid,event,addr,size,flags,name,result
1,shmget,,3000000,SHM_HUGETLB|IPC_CREAT,/SYSV00000001,
1,shmget,,3000000,SHM_HUGETLB|IPC_CREAT|IPC_EXCL,/SYSV00000001,
1,shmget,,3000001,SHM_HUGETLB|IPC_CREAT,/SYSV00000001,
1,shmget,,1,SHM_HUGETLB|SHM_HUGE_1GB,/SYSV00000002,
1,shmget,,1,SHM_HUGETLB|24<<SHM_HUGE_SHIFT,/SYSV00000003,
1,shmget,,4194305,SHM_HUGETLB,/SYSV00000004,
1,shmget,,0,,/SYSV00000005,
1,shmat,0x100000001000,,,/SYSV00000001,
1,shmat,0x100000000000,,,/SYSV00000001,
1,store,0x1000003fffff,1,,,
1,fork,,,,,2
1,shm_rmid,,,,/SYSV00000001,
1,shmdt,0x100000000000,,,,
2,load,0x100000000000,1,,,
2,shmget,,3000000,SHM_HUGETLB|IPC_CREAT,/SYSV00000001,
2,shmdt,0x100000000000,,,,
2,shmat,0x100000000000,,,/SYSV00000001,
2,shmat,0x100000000000,8192,,/SYSV00000001,
2,store,0x100000001000,1,,,
2,shm_rmid,,,,/SYSV00000001,
2,store,0x100000000000,1,,,
2,shmdt,0x100000000000,,,,
2,shm_rmid,,,,/SYSV00000001,
END
same "results" \
	"0 EEXIST EINVAL ENOMEM EINVAL ENOMEM EINVAL EINVAL 0x100000000000 ok 0 0 ok ENOMEM 0 EINVAL 0x100000000000 ok 0 ok 0 EINVAL" \
	"$(results -S vm.nr_hugepages=3 huge.csv)"
for want in 2:3,3,2 11:3,2,1 14:3,2,1 16:3,1,0 17:3,3,0; do
	same "the pool after ${want%:*} lines" "${want#*:}" "$(head -n "${want%:*}" huge.csv | pool)"
done
same "its mapping" "rd wr sh mr mw me ms de ht sd,2097152" \
	"$(head -n 11 huge.csv | mm-fault --csv -n -t smaps -S vm.nr_hugepages=3 -o vm_flags,shared_hugetlb_bytes,private_hugetlb_bytes |
	cut -d, -f1,3)"
# pages of an ordinary segment go with it, and what was committed for it
tail -n 7 huge.csv | sed '1,1d' | { echo 'pid,event,addr,size,flags,name,result'; cat; } > plain.csv
same "an ordinary one" "0 0" \
	"$(mm-fault --csv -t counters plain.csv |
	awk -F, '$1 == "nr_shmem" || $1 == "nr_file_pages" { printf "%s%s", n++ ? " " : "", $2 }')"
# who may not lock memory may not have it, however much the limit would allow: the kernel calls that obsolete and refuses it; mappings
# of the pool are for everybody
printf '%s\n' pid,event,size,flags,name 1,setrlimit,65536,,RLIMIT_MEMLOCK 1,shmget,2097152,SHM_HUGETLB,/SYSV00000001 \
	1,setrlimit,8388608,,RLIMIT_MEMLOCK 1,shmget,2097152,SHM_HUGETLB,/SYSV00000002 1,shmget,2097152,,/SYSV00000003 \
	2,shmget,2097152,SHM_HUGETLB,/SYSV00000004 > limit.csv
same "RLIMIT_MEMLOCK" "EPERM EPERM 0 0" "$(results -S vm.nr_hugepages=3 limit.csv)"
# strace tells of both
printf '%s\n' '1 shmget(IPC_PRIVATE, 3000000, IPC_CREAT|SHM_HUGETLB|0600) = 5' '1 shmat(5, NULL, 0) = 0x7f0000000000' \
	'1 shmctl(5, IPC_RMID, NULL) = 0' > st.txt
same "strace" "0 0x7f0000000000 0" \
	"$(mm-fault --csv -S vm.nr_hugepages=3 st.txt 2> err | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
	$c["by"] == "" && $c["event"] ~ /^shm/ { printf "%s%s", n++ ? " " : "", $c["result"] }')"
# their names are of their keys, where a shmget tells one; two without are two. The key of one that is attached already comes too late
printf '%s\n' '1 shmget(0xa72071, 56, IPC_CREAT|IPC_EXCL|0600) = 30' '1 shmget(IPC_PRIVATE, 4096, IPC_CREAT|0600) = 31' \
	'1 shmat(30, NULL, 0) = 0x7f0000009000' '1 shmat(31, NULL, 0) = 0x7f0000007000' '1 shmat(32, NULL, 0) = 0x7f0000005000' \
	'1 shmget(0x20, 4096, 0) = 32' '1 shmat(32, NULL, 0) = 0x7f0000003000' '1 shmctl(30, IPC_RMID, NULL) = 0' > st.txt
zero="/SYSV00000000 (deleted)"
same "names of segments" "$zero|$zero|$zero|/SYSV00a72071 (deleted)" \
	"$(mm-vma --csv -n -t maps -o name st.txt 2> err | paste -sd'|')"
same "segments that they are" "30 30 31 32 32" \
	"$(mm-vma --csv st.txt 2> err | sed -n 's/.*,shm[a-z_]*,.*(id \([0-9]*\)).*/\1/p' | sort | paste -sd' ')"
exit $failed
