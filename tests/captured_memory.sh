#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# captured_lists=1: memory cgroups of a captured machine begin with what they held. Expected values are what the files say, by the rules of
# machine/boot_memcg.c: what a file tells less what the files of the cgroups below tell is the cgroup's own.
. "${srcdir:-.}/tests/lib.sh"
cd "$tmp" || exit 99

put() { mkdir -p "$(dirname "$1")" && printf '%b\n' "$2" > "$1"; }	# FILE TEXT
# zones DIR LIST... : two zones of 3000 and 31491 managed pages, 100 and 4000 free; a tenth of each list of LIST is in the first
zones() {
	local dir=$1 l first=() second=()
	mkdir -p "$dir/proc"
	shift
	for l; do
		first+=("nr_zone_${l%=*} $((${l#*=} / 10))")
		second+=("nr_zone_${l%=*} $((${l#*=} - ${l#*=} / 10))")
	done
	{ zone DMA 100 20 3095 3000 1 "${first[@]}"; zone DMA32 4000 331 36823 31491 4096 "${second[@]}"; } > "$dir/proc/zoneinfo"
}
begin() {	# the workload of pid $1: $2 bytes
	echo pid,event,addr,size,flags
	echo "$1,exec,,,AUTOMAP"
	[ "$2" = 0 ] || echo "$1,store,0x10000000,$2,"
}
model() { mm-reclaim --csv -n -M "$@" -S captured_lists=1 -S thp=never 2> err; }

# ---- two cgroups, all that there is of them ----
zones m inactive_anon=2000 active_anon=3000 inactive_file=10000 active_file=8000 unevictable=600
c=m/sys/fs/cgroup
put $c/memory.stat "anon $((3500 * 4096))\nshmem $((1700 * 4096))\nfile $((19700 * 4096))"
put $c/a/memory.current $((5000 * 4096))
put $c/a/memory.max $((10000 * 4096))
put $c/a/memory.peak $((7000 * 4096))
put $c/a/memory.stat "anon $((2000 * 4096))\nfile $((2500 * 4096))\nshmem $((200 * 4096))\ninactive_anon $((1000 * 4096))
active_anon $((1000 * 4096))\ninactive_file $((2000 * 4096))\nactive_file $((300 * 4096))\nunevictable $((200 * 4096))
kernel $((400 * 4096))\npagetables $((10 * 4096))\nfile_dirty $((100 * 4096))\nslab_reclaimable 100000\nslab 105000"
put $c/a/memory.swap.current $((200 * 4096))
put $c/a/memory.events 'low 1\nhigh 2\nmax 7\noom 3\noom_kill 2'
put $c/a/b/memory.current $((1000 * 4096))
put $c/a/b/memory.stat "anon $((500 * 4096))\nfile $((300 * 4096))\ninactive_anon $((250 * 4096))\nactive_anon $((250 * 4096))
inactive_file $((200 * 4096))\nactive_file $((100 * 4096))\nkernel $((100 * 4096))"
put m/proc/10/cgroup 0::/a/b
begin 1 0 > begin.csv
kib() { awk -F, 'BEGIN { OFS = "," } { for (i = 2; i <= NF; i++) if ($i ~ /^[0-9]+$/) $i /= 4096 } 1' | paste -sd' '; }
columns=memcg,current_bytes,swap_current_bytes,anon_bytes,file_bytes,shmem_bytes,kernel_bytes,pagetables_bytes,peak_bytes
for gen in 0 1; do
	# of /a/b 1000 are charged, 900 known; of the 4900 of /a 5000 are charged. The root has the rest of the lists: 23600 pages are on
	# them, 21000 not those of /a, and 500 of the 600 that are locked, of which 100 are of files: 19700 + 1200 less 19700 of shmem and
	# lists
	want="/a,5000,200,2000,2500,200,400,10,7000 /a/b,1000,0,500,300,0,100,0,1000"
	same "pages of cgroups, lru_gen=$gen" "$want" \
		"$(model m --swap=64M -S lru_gen=$gen --check -t memcg -o $columns begin.csv | grep ^/a | kib)"
	same "told, lru_gen=$gen" "97 KiB of dentries, inodes and the like of captured cgroups that the kernel may reclaim: they stay" \
		"$(sed 's/.*begin.csv: //' err)"
	same "used, headroom, events" "/a,7,3,2,50.00,20480000 /a/b,0,0,0,,20480000" \
		"$(model m --swap=64M -t memcg -o memcg,events_max,events_oom,events_oom_kill,used_pct,headroom_bytes begin.csv | grep ^/a |
		paste -sd' ')"
	got=$(model m --swap=64M -S lru_gen=$gen -t lru begin.csv | awk -F, '{ t = $3; sub(/.*active_/, "", t); n[$1 " " t] += $5 }
		END { for (g = 0; g < 3; g++) { c = substr("/    /a   /a/b ", 5 * g + 1, 5); gsub(/ /, "", c)
			printf "%s %d %d %d;", c, n[c " anon"], n[c " file"], n[c " unevictable"] } }')
	same "lists, lru_gen=$gen" "/ 3000 15700 400;/a 1500 2000 200;/a/b 500 300 0;" "$got"
done
same "classic lists" "/a,750,750,1800,200,200" \
	"$(model m --swap=64M -t lru begin.csv | awk -F, '$1 == "/a" { l = l "," $5 } END { print "/a" l }')"
model m --swap=64M -t memory_files begin.csv > files
same "dirty pages" $((100 * 4096)) "$(awk -F, '$1 == "/a" && $3 == "file_dirty" { print $4 }' files)"
same "objects that can be reclaimed" 100000 "$(awk -F, '$1 == "/a" && $3 == "slab_reclaimable" { print $4 }' files)"
same "free pages stay" 4100 \
	"$(model m --swap=64M -t counters begin.csv | awk -F, '$1 == "nr_free_pages" { print ($2 > 4080 && $2 <= 4100) ? 4100 : $2 }')"
same "without the tunable" "/,0" "$(mm-reclaim -n -M m -t memcg -o memcg,current_bytes begin.csv 2> err)"
model m -t memcg begin.csv > out
grep -q '200 pages that captured cgroups have on swap, for which the swap device has no room' err || fail "no swap: $(cat err)"

# Would so much more be killed? 5000 pages fit, 2200 of files are clean and unlocked and no swap: up to 7200 and no more. The first 400 of
# the machine's free pages are above the watermarks; the rest is had from the root's page cache.
killed() { begin 10 $(($1 * 4096)) > more.csv; model m "${@:2}" -t memcg -o memcg,events_oom_kill more.csv |
	awk -F, '$1 == "/a" { print $2 - 2 }'; }
for gen in 0 1; do
	same "fits, lru_gen=$gen" 0 "$(killed 4800 -S lru_gen=$gen)"
	same "after reclaim, lru_gen=$gen" 0 "$(killed 6800 -S lru_gen=$gen)"
	same "too much, lru_gen=$gen" 1 "$(killed 7500 -S lru_gen=$gen)"
	same "but not with swap, lru_gen=$gen" 0 "$(killed 7500 -S lru_gen=$gen --swap=64M)"
	same "what may go: 2000 anonymous pages of before, lru_gen=$gen" 0 "$(killed 10500 -S lru_gen=$gen --swap=64M)"
done
# the oom report has what the capture had
killed 7500 --oom-report=oom.log > out
grep -q 'oom-kill:constraint=CONSTRAINT_MEMCG.*oom_memcg=/a,task_memcg=/a/b,' oom.log || fail "no report of /a: $(grep oom-kill oom.log)"
grep -q 'memory: usage 40000kB, limit 40000kB' oom.log || fail "usage at the limit: $(grep 'memory: usage' oom.log)"
awk '/\] shmem / { s = $NF } /\] unevictable / { u = $NF } /\] pagetables / { p = $NF }
	END { exit !(s == 819200 && u == 819200 && p > 40960) }' oom.log ||
	fail "memory.stat of the report: $(grep -E 'shmem|unevict|pagetables' oom.log | paste -sd' ')"
# what was locked stays, also when page caches are dropped
printf '%s\n' pid,event,flags,result 1,exec,AUTOMAP, ,drop_caches,,3 > drop.csv
same "locked and dirty pages stay" "/a,100,200" "$(model m --swap=64M --check -t lru drop.csv | awk -F, '
	$1 == "/a" { n[$3] = $5 } END { print "/a," n["inactive_file"] + n["active_file"] "," n["unevictable"] }')"

# Which pages are taken is of no use to lists: where kpageflags tells it, their number counts.
cp -r m flags && head -c 320000 /dev/zero > flags/proc/kpageflags
same "with kpageflags" "/a,5000 /a/b,1000" "$(model flags --swap=64M --check -t memcg -o memcg,current_bytes begin.csv | grep ^/a | kib)"

# ---- a capture without zones: from what is free ----
cp -r m nozones && mv nozones/proc/zoneinfo . && cp "$data/pc-4g.iomem" nozones/proc/iomem
same "without zones" "/a,5000,200,2000,2500,200,400,10,7000 /a/b,1000,0,500,300,0,100,0,1000" \
	"$(model nozones --ram=256M --swap=64M --check -t memcg -o $columns begin.csv | grep ^/a | kib)"
free() { model "$@" -t counters begin.csv | awk -F, '$1 == "nr_free_pages" { print $2 }'; }
mkdir -p empty/proc && cp "$data/pc-4g.iomem" empty/proc/iomem
d=$(($(free empty --ram=256M) - $(free nozones --ram=256M)))
[ $d -ge 5000 ] && [ $d -le 5040 ] || fail "without zones: 5000 pages and nodes of trees are taken, found $d"
same "too small a machine" 1 \
	"$(model nozones --ram=16M --check -t memcg -o memcg,current_bytes begin.csv |
	awk -F, '$1 == "/a" { print ($2 < 5000 * 4096 && $2 > 0) }')"
grep -q 'pages of captured cgroups that are more than the machine has: not charged' err || fail "too small: $(cat err)"

# ---- cgroup v1 ----
zones v1 inactive_anon=2000 active_anon=3000 inactive_file=10000 active_file=8000
c=v1/sys/fs/cgroup/memory
put $c/memory.usage_in_bytes $((20000 * 4096))
put $c/j/memory.usage_in_bytes $((1000 * 4096))
put $c/j/memory.limit_in_bytes $((2000 * 4096))
put $c/j/memory.kmem.usage_in_bytes $((50 * 4096))
put $c/j/memory.stat "cache 1\nrss 1\ninactive_file 4096\ntotal_cache $((500 * 4096))\ntotal_rss $((400 * 4096))\ntotal_swap $((30 * 4096))
total_inactive_anon $((100 * 4096))\ntotal_active_anon $((300 * 4096))\ntotal_inactive_file $((450 * 4096))
total_active_file $((50 * 4096))"
same "v1" "/j,1000,30,400,500,0,50,0,1000" "$(model v1 --swap=64M --check -t memcg -o $columns begin.csv | grep ^/j | kib)"

# ---- what is not consistent ----
cp -r m odd
c=odd/sys/fs/cgroup/a
put $c/b/memory.current $((6000 * 4096))		# more than /a
put $c/b/memory.stat "inactive_file $((9000 * 4096))\nactive_file 18446744073709551615\nunevictable -1\nanon"
# /a itself: 2000 anonymous pages, 300 active ones of files, 200 locked and 400 of the kernel
same "more below" "/a,11900 /a/b,9000" "$(model odd --swap=64M --check -t memcg -o memcg,current_bytes begin.csv | grep ^/a | kib)"
grep -q 'figures of captured cgroups are less than those of the cgroups below them' err || fail "more below: $(cat err)"
grep -q 'captured cgroups whose memory.stat tells of more than memory.current' err || fail "memory.stat: $(cat err)"
grep -q '3 files of captured cgroups that cannot be read' err || fail "lines: $(cat err)"
put $c/memory.current 9223372036854771000
put $c/b/memory.stat "inactive_anon $((1 << 62))\nkernel 9223372036854771000\nslab_reclaimable 9223372036854771000"
put $c/b/memory.swap.current $((1 << 62))
same "beyond all" 1 \
	"$(model odd --swap=64M --check -t memcg -o memcg,current_bytes begin.csv | awk -F, '$1 == "/a" { print ($2 < 31491 * 4096) }')"
fails 1 'expected none of these under --strict' mm-reclaim --strict -M odd -S captured_lists=1 -t memcg begin.csv

# ---- trees drawn at random: each figure of each cgroup is that of its files, each list has its own pages ----
draw() {	# SEED CGROUPS
	rm -rf r && mkdir r
	awk -v seed="$1" -v nr="$2" '
	function pages(most) { return int(rand() * (most + 1)) }
	BEGIN {
		srand(seed)
		split("inactive_anon active_anon inactive_file active_file unevictable", name)
		for (i = 1; i <= nr; i++) {
			up[i] = rand() < 0.3 ? 0 : int(rand() * i)
			path[i] = path[up[i]] "/c" i
			for (l = 1; l <= 5; l++)
				v[i, l] = pages(l == 5 ? 2 : 9)
			v[i, 6] = pages(4)			# kernel
			v[i, 7] = pages(3)			# known to nobody
			v[i, 8] = pages(3)			# on swap
			own[i] = path[i]
			for (l = 1; l <= 5; l++)
				own[i] = own[i] " " v[i, l]
		}
		for (i = nr; i; i--)
			for (f = 1; f <= 8; f++)
				v[up[i], f] += v[i, f]
		for (i = 1; i <= nr; i++) {
			dir = "r/sys/fs/cgroup" path[i]
			print "mkdir -p " dir
			all = 0
			for (f = 1; f <= 7; f++)
				all += v[i, f]
			print "echo " all * 4096 " > " dir "/memory.current"
			print "echo " v[i, 8] * 4096 " > " dir "/memory.swap.current"
			print "{"
			for (l = 1; l <= 5; l++)
				print "echo " name[l] " " v[i, l] * 4096
			print "echo file " (v[i, 3] + v[i, 4]) * 4096
			print "echo kernel " v[i, 6] * 4096
			print "} > " dir "/memory.stat"
			anon = v[i, 1] + v[i, 2] + v[i, 5]
			print "echo " path[i] "," all "," v[i, 8] "," anon "," v[i, 3] + v[i, 4] "," v[i, 6] " >> r/want"
			print "echo " own[i] " >> r/lists"
		}
		for (l = 1; l <= 5; l++)
			print "echo " name[l] "=" v[0, l] + pages(50) " >> r/zones"
	}' | bash
	zones r $(cat r/zones)
}
for seed in 1 2 3 4; do
	draw $seed $((60 * seed))
	model r --swap=64M --check -S lru_gen=0 -t memcg \
		-o memcg,current_bytes,swap_current_bytes,anon_bytes,file_bytes,kernel_bytes begin.csv |
		grep -v '^/,' | awk -F, -v OFS=, '{ for (i = 2; i <= 6; i++) $i /= 4096 } 1' > got
	diff <(sort r/want) <(sort got) > diff || fail "seed $seed: $(head -3 diff)"
	[ -s err ] && grep -v CPUs err && fail "seed $seed: $(cat err)"
	model r --swap=64M -S lru_gen=0 -t lru begin.csv |
		awk -F, '$1 != "/" { n[$1] = n[$1] " " $5 } END { for (c in n) print c n[c] }' > got
	diff <(sort r/lists) <(sort got) > diff || fail "seed $seed, lists: $(head -3 diff)"
done
exit $failed
