#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Reports of old kernels: what they do not tell is said and left empty, no zero that is weighed or shown.
. "${srcdir:-.}/tests/lib.sh"
cd "$tmp" || exit 99
columns=pid,points,rss_pages,swapents_pages,pgtables_bytes
explain() { mm-reclaim --human --explain-oom="$@" 2> err; }

# 2.6.36 to 3.6: neither page tables nor swap in the table, oom_adj beside oom_score_adj
cat > 3.2.dmesg <<'END'
java invoked oom-killer: gfp_mask=0x201da, order=0, oom_adj=0, oom_score_adj=0
Pid: 20, comm: java Not tainted 3.2.0 #1
active_anon:900 inactive_anon:0 isolated_anon:0
Total swap = 4000kB
10000 pages RAM
1000 pages reserved
[ pid ]   uid  tgid total_vm      rss cpu oom_adj oom_score_adj name
[   20]  1000    20     1000      500   0       0             0 java
[   21]  1000    21     3000      900   1     -17         -1000 udevd
[   22]  1000    22     2000      300   1       8           500 lisp
Out of memory: Kill process 22 (lisp) score 560 or sacrifice child
END
said="swapped pages and page tables of tasks are not in this report (kernels before 3.7): the kernel weighed them, points here do not"
same "3.2: what is not weighed" 1 "$(explain 3.2.dmesg | grep -c "^  $said$")"
# 10000 - 1000 pages of RAM and 1000 of swap: 300 + 500 * 10
same "3.2: nor is it shown as 0" \
	"  victim: 22 lisp, 5300 points: 300 pages resident, oom_score_adj 500" "$(explain 3.2.dmesg | grep victim:)"
mm-reclaim --explain-oom=3.2.dmesg -o $columns,victim -n > out 2> err
same "3.2: rows, and one that may not be killed" "20,500,500,,,0 21,,900,,,0 22,5300,300,,,1" "$(paste -sd' ' out)"
same "3.2: told beside the table" 1 "$(grep -c '1 reports do not tell swapped pages or page tables of tasks' err)"

# before 3.5 whole thousandths are compared, 1004 and 1009 of 10000 pages are 100 of them, and of equals the first is taken
sed -e '/^\[ .*[0-9]/d' -e '/^Out/d' 3.2.dmesg > equals.dmesg
printf '[   %d]  1000    %d     2000     %d   1       0             0 %s\n' 30 30 1004 one 31 31 1009 two >> equals.dmesg
same "3.2: equals" "30,1000,1 31,1000,0" "$(mm-reclaim --explain-oom=equals.dmesg -o pid,points,victim -n 2> err | paste -sd' ')"
sed 's/3\.2\.0/3.6.0/' equals.dmesg > x
same "3.6: pages" "30,1004,0 31,1009,1" "$(mm-reclaim --explain-oom=x -o pid,points,victim -n 2> err | paste -sd' ')"
# before 3.14 root has 30 thousandths of all that counts less: 520 - 300 of 10000 pages; then 3 % of its own
cat > root.dmesg <<'END'
java invoked oom-killer: gfp_mask=0x201da, order=0, oom_score_adj=0
CPU: 0 PID: 20 Comm: java Not tainted 3.13.0 #1
Total swap = 4000kB
10000 pages RAM
1000 pages reserved
[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name
[   20]  1000    20     1000      300      10        0             0 java
[   21]     0    21     3000      500      10       10             0 sshd
END
same "3.13: root" "20,310,1 21,220,0" "$(mm-reclaim --explain-oom=root.dmesg -o pid,points,victim -n | paste -sd' ')"
sed 's/3\.13\.0/3.14.0/' root.dmesg > x
same "3.14: root" "20,310,0 21,505,1" "$(mm-reclaim --explain-oom=x -o pid,points,victim -n | paste -sd' ')"
# stable kernels before 3.14 have that too: the score tells, 505 of 10000 are 50 thousandths, 220 are 22
score() { { cat root.dmesg; echo "Out of memory: Kill process 21 (sshd) score $1 or sacrifice child"; } > x
	mm-reclaim --explain-oom=x -o pid,points,victim -n "${@:2}" 2> err | paste -sd' '; }
same "3.13: root by the score of 3.14" "20,310,0 21,505,1" "$(score 50)"
same "3.13: root by that score, with other memory" "20,310,0 21,505,1" "$(score 50 --ram=80M)"
same "3.13: root by the score of 3.13" "20,310,1 21,220,0" "$(score 22)"
same "3.13: root by neither" "20,310,1 21,220,0" "$(score 77)"
# and before 5.9 it is what /proc/PID/oom_score has: thousandths of 10000 pages, no 2 / 3 of 1000 more
of() { { sed "s/3\\.13\\.0/$1/" root.dmesg; echo '[   22]     0    22     3000        9       1        0          -500 low'; } > x
	mm-reclaim --explain-oom=x -o pid,points,oom_score -n 2> err | paste -sd' '; }
same "4.16: oom_score" "20,310,31 21,505,50 22,1,0" "$(of 4.16.0)"
same "3.2: oom_score" "20,310,31 21,220,22 22,10,1" "$(of 3.2.0)"
same "5.9: oom_score" "20,310,687 21,520,701 22,-4990,334" "$(of 5.9.0)"

# before 2.6.36: another rule, of whose facts the report has two
sed -e 's/, oom_score_adj=0//; s/3\.2\.0/2.6.32/; s/ oom_score_adj name/ name/' \
	-e 's/^\(\[.*\]  *[0-9 ]* [-0-9]*\)  *[-0-9]* \([a-z]*\)$/\1 \2/' \
	-e 's/^Out of.*/Out of memory: kill process 20 (java) score 123 or a child\nKilled process 20 (java)/' 3.2.dmesg > 2.6.32.dmesg
same "2.6.32: the table" "[   21]  1000    21     3000      900   1     -17 udevd" "$(grep udevd 2.6.32.dmesg)"
explain 2.6.32.dmesg > out
same "2.6.32: no choice" 1 \
	"$(grep -c '^  who would be chosen is not told: before 2.6.36 the kernel chose by size of the address space, ' out)"
same "2.6.32: whom the log names" "  the log says that 20 java was killed" "$(grep killed out)"
same "2.6.32: no points" 0 "$(grep -c 'points\|victim\|next in line' out)"
mm-reclaim --explain-oom=2.6.32.dmesg -o $columns,victim,oom_score_adj,oom_score,adj_flips -n > out 2> err
same "2.6.32: rows" "20,,500,,,,,, 21,,900,,,,,, 22,,300,,,,,," "$(paste -sd' ' out)"
same "2.6.32: told beside the table" 1 "$(grep -c 'in 1 reports nobody is chosen: before 2.6.36 the kernel chose by ' err)"
grep -v 'pages R' 2.6.32.dmesg > x
same "2.6.32: how much memory there is is not asked for" 0 "$(explain x | grep -c 'oom_score_adj is weighed')"

# a cgroup v1 of a kernel that does not account swap: 0 kB of memory and swap are less than the memory alone
cat > v1.dmesg <<'END'
java invoked oom-killer: gfp_mask=0xd0, order=0, oom_score_adj=0
CPU: 0 PID: 20 Comm: java Not tainted 3.16.0 #1
Task in /a killed as a result of limit of /a
memory: usage 40000kB, limit 40000kB, failcnt 5
memory+swap: usage 0kB, limit 18014398509481983kB, failcnt 0
[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name
[   20]  1000    20     1000      500      10        7             0 java
[   21]  1000    21     1000      300      10        7           100 lisp
Memory cgroup out of memory: Kill process 20 (java) score 500 or sacrifice child
END
same "no swap accounting" "  its memory and swap: not known, as this kernel did not account swap" \
	"$(explain v1.dmesg | grep 'memory and swap')"
same "with it" "  its memory and swap: 44000 KiB used of 80000 KiB allowed" \
	"$(sed 's/swap: usage 0kB, limit [0-9]*/swap: usage 44000kB, limit 80000/' v1.dmesg > x; explain x | grep 'memory and swap')"
# 10000 pages of memory; with as many of swap, as --swap says, lisp has 317 + 100 * 20
same "the cgroup's tasks" "20,517 21,1317" "$(mm-reclaim --explain-oom=v1.dmesg -o pid,points -n | paste -sd' ')"
same "with the machine's swap" "20,517 21,2317" "$(mm-reclaim --explain-oom=v1.dmesg --swap=40000K -o pid,points -n | paste -sd' ')"

# before 2.6.18 nobody is named, before 2.6.10 nor is the order
cat > 2.6.17.dmesg <<'END'
oom-killer: gfp_mask=0xd0, order=1
Mem-info:
DMA free:2000kB min:100kB low:124kB high:148kB active:0kB inactive:0kB present:16384kB pages_scanned:0 all_unreclaimable? no
lowmem_reserve[]: 0 0 0
10000 pages of RAM
Out of Memory: Killed process 20 (java).
END
explain 2.6.17.dmesg > out
same "2.6.17: who asked" "report 0 (line 1): a task that the log does not name asked for 8 KiB (order 1, GFP_KERNEL)" "$(head -n 1 out)"
same "2.6.17: who was killed" "  the log says that this was killed: 20 java" "$(grep killed out)"
same "2.6.9: what was asked for" \
	"report 0 (line 1): a task that the log does not name asked for pages (how many is not told, gfp_mask 0xd0)" \
	"$(sed 's/, order=1//' 2.6.17.dmesg > x; explain x | head -n 1)"

# what kind of file it is, where nothing else tells a kernel's log
printf 'dd: page allocation failure. order:4, mode:0xd0\n' > failure
fails 1 "expected lines 'BIOS-e820" mm-buddy failure
printf 'oom-killer: gfp_mask=0xd0, order=1\n' > killer
fails 1 "expected lines 'BIOS-e820" mm-buddy killer
exit $failed
