#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Hostile recordings of DAMON, libCacheSim, MSR Cambridge and CloudPhysics: what cannot be read is counted with its first line, refused
# with file and line under --strict, and what can be read is read; none ends by a signal or takes long.
. "${srcdir:-.}/tests/lib.sh"
cd "$tmp" || exit 99

# hostile FORMAT LINE WORDS ACCESSES: standard input is a recording of which LINE is the first that cannot be read, for WORDS
hostile() {
	local got
	cat > in
	got=$(timeout ${MM_TIMEOUT:-20} mm-vma --from="$1" -o by,pid,event,addr,size -n in 2> err |
		awk -F, '$1 == "" && $3 ~ /load|store/ { print $2 ":" $3 ":" $4 ":" $5 }' | paste -sd' ')
	same "$3: what can be read" "$4" "$got"
	grep -q "^mm-vma: in: left out [0-9]* $3 (first in line $2)" err || fail "$3: found $(cat err)"
	refused_or_partly 1 "^mm-vma: in:$2: $3 are an error under --strict" mm-vma --strict --from="$1" in
	timeout ${MM_TIMEOUT:-20} mm-reclaim --policy=lru --memory-max=1M --from="$1" in > out 2> err || fail "$3: --policy: status $?"
	timeout ${MM_TIMEOUT:-20} mm-reclaim -t summary --from="$1" in > out 2> err || fail "$3: the kernel's policy: status $?"
}
refused_or_partly() { fails "$@"; same "one line on stderr" 1 "$(wc -l < err)"; }

head='monitoring_start: 0 ns\nmonitoring_end: 1 s\ntarget_id: 7\nnr_regions: 2\n'
cut='lines of damo that are cut or not understood'
printf "${head}1000-2000 (4 KiB): 1\n1000-20" | hostile damo 6 "$cut" 1001:load:0x1000:4096
printf "${head}1000-2000 (4 KiB): 1\n3000-4000 (4 KiB): 1" | hostile damo 6 "$cut" 1001:load:0x1000:4096
printf "${head}1000-20000000000000000 (4 KiB): 1\n1000-2000 (4 KiB): 1\n" | hostile damo 5 "$cut" 1001:load:0x1000:4096
printf "${head}\0\1\377\n1000-2000 (4 KiB): 1\n" | hostile damo 5 "$cut" 1001:load:0x1000:4096
printf 'monitoring_start: 0 ns\nmonitoring_end: 99999999999 h\ntarget_id: 7\n1000-2000 (4 KiB): 1\n' |
	hostile damo 2 "$cut" 1001:load:0x1000:4096
printf "${head}0-ffffffffffffffff (16 EiB): 5\n1000-2000 (4 KiB): 99999999999999999999\n" |
	hostile damo 5 'regions of DAMON of more than 1 TiB' 1001:load:0x1000:4096
printf "${head}2000-1000 (4 KiB): 5\n1000-2000 (4 KiB): 1\n" |
	hostile damo 5 'regions of DAMON that end before they begin' 1001:load:0x1000:4096
{ for t in {1..65}; do printf "monitoring_start: 0 ns\ntarget_id: $t\n1000-2000 (4 KiB): 1\n"; done; } |
	hostile damo 195 'regions of DAMON targets beyond the 64th' \
	"$(for t in {1001..1064}; do echo $t:load:0x1000:4096; done | paste -sd' ')"

event=' kdamond.0-9 [001] ..... 100.5: damon_aggregated:'
printf '%s\n' "$event target_id=0 nr_regions=1 4096-8192: 1 0" "$event target_id=0 nr_regions=1 4096-" |
	hostile ftrace 2 'events with fields that cannot be read' 1001:load:0x1000:4096
printf '%s\n' "$event target_id=0 nr_regions=1 4096-8192: 1 0" "$event nr_regions=1 4096-8192: 1 0" |
	hostile ftrace 2 'events with fields that cannot be read' 1001:load:0x1000:4096
printf '%s\n' "$event target_id=0 nr_regions=1 4096-99999999999999999999999: 1" "$event target_id=0 nr_regions=1 4096-8192: 1" |
	hostile ftrace 1 'regions of DAMON of more than 1 TiB' 1001:load:0x1000:4096

cut='references that are cut or not understood'
printf '# time, object, size\n0, 1, 1\n\n,,\n0\n99999999999999999999999, 2, 99999999999999999999999\n' |
	hostile references 4 "$cut" "1000:load:0x1000:1 1000:load:0x2000:1"
printf '%s\n' 1,h,0,Read,4096,8192,1 1,h,0,Read,99999999999999999999,8192,1 1,h,0,Read,4096,99999999999999999999,1 1,h,0 1,h,0,Read,x,y,z |
	hostile references 2 "$cut" 1001:load:0x1000:8192
printf '%s\n' 1,h,0,Read,4096,512,1 1,h,0,Write,140737488355328,512,1 1,h,0,Write,140737488354816,1024,1 1,h,0,Write,0,2147483648,1 |
	hostile references 2 "$cut" 1001:load:0x1000:512
printf '%s\n' timestamp,cmd,lbn,size 0,R,-8,4096 0,R,8,-1 0,R,0x8,4096 0,R,1e3,4096 0,R,8,4k 0,R,99999999999999999999,1 |
	hostile references 2 "$cut" 1001:load:0x1000:4096
{ echo time,disk,lbn,size; for d in {1..4097}; do echo "0,vol$d,8,512"; done; } > in
mm-vma -n -o event in 2> err | sort | uniq -c | awk '{ print $1 ":" $2 }' | grep -E 'exec|load' | paste -sd' ' > out
same "4095 disks with names" "4095:exec 4095:load" "$(cat out)"
grep -q 'left out 2 references to disks beyond the 4351st (first in line 4097)' err || fail "many disks: $(cat err)"

# refused by the reader of CSV or before a row is read, with file and line
printf '# time, object, size\n0, 1, 1\n0, \0\1\377, 1\n' > nul.csv
fails 1 '^mm-vma: nul.csv:3: field 2: expected text, found a NUL byte' mm-vma nul.csv
printf 'time,key\n0,1\n0,"2\n' > quote.csv; fails 1 '^mm-vma: quote.csv:3: expected a quote that ends' mm-vma quote.csv
printf 'timestamp,cmd,size\n0,R,8\n' > none.csv
fails 1 '^mm-vma: none.csv:1: expected a column object, obj_id, key, lbn or offset, found "timestamp,cmd,size"' \
	mm-vma --from=references none.csv
head -c 4000 /dev/zero | tr '\0' '\377' > binary
fails 1 '^mm-vma: binary:1: expected' mm-vma --from=references binary
fails 1 '^mm-vma: binary:1: expected' mm-vma binary

# cut anywhere: status 0 or 1, whole lines on stderr, and never more accesses than in the whole
printf '# time, object, size\n0, word, 43\n1, 17179869185, 43\n2, "3", 43\n' > lcs
printf '128166372003061629,usr,0,Read,4096,8192,41286\n128166372013061629,usr,1,Write,512,512,100\n' > msr
printf 'timestamp,cmd,lbn,size,vm\n0,R,8,4096,w1\n1,W,16,512,w2\n' > blocks
printf "${head}1000-2000 (4 KiB): 1\n4000-6000 (8 KiB): 12\n" > damo
printf '%s\n' "$event target_id=0 nr_regions=2 4096-8192: 1 0" "$event target_id=1 nr_regions=2 8192-16384: 1 0" > ftrace
for f in lcs msr blocks damo ftrace; do
	format=$f
	case $f in lcs|msr|blocks) format=references ;; esac
	whole=$(mm-vma --from=$format -n -o event $f 2> /dev/null | grep -cE '^(load|store)')
	[ "$whole" -gt 1 ] || fail "$f: no accesses"
	for ((n = 1; n < $(wc -c < $f); n += 3)); do
		head -c $n $f > cut
		timeout ${MM_TIMEOUT:-20} mm-vma --from=$format -n -o event cut > out 2> err
		[ $? -le 1 ] || fail "$f cut at $n: status"
		grep -qv '^mm-vma: cut' err && fail "$f cut at $n: $(cat err)"
		[ "$(grep -cE '^(load|store)' out)" -le "$whole" ] || fail "$f cut at $n: more than the whole"
	done
done
# one row that is hours of references
printf 'pid,event,addr,size\n7,load,0x1000,4096\n7,load,0x100000009000,844444444444444\n' > huge.csv
refused 1 '^mm-reclaim: huge.csv:3: expected an access of at most [0-9]* pages$' mm-reclaim --policy=lru,clock --memory-max=1M huge.csv
exit $failed
