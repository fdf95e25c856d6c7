#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Hostile recordings of DAMON, libCacheSim, MSR Cambridge, CloudPhysics and other forms of references: what cannot be read is counted with
# its first line, refused with file and line under --strict, and what can be read is read; none ends by a signal or takes long.
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
big=99999999999999999999
printf '%s\n' 7,W,0,512,1577808144360767 7,W,0 7,W,$big,512,1577808144360767 7,W,0,2147483648,1577808144360767 7,W,,512,1577808144360767 |
	hostile references 2 "$cut" 1008:store:0x0:512
printf '%s\n' 1538323200,8,16,0,0 1538323200,8 1538323200,$big,16,0,0 1538323200,274877906944,1,0,0 1538323200,8,2097153,0,0 \
	1538323200,8,,0,0 1538323200,8,1,0 | hostile references 2 "$cut" 1001:load:0x1000:8192
printf '%s\n' 0,8,512,R,0.5 0,8,512,X,0.5 0,8,512,,0.5 0,8,512 |
	hostile references 2 'requests of which it is not known whether they read or write' 1001:load:0x1000:512
md5=0123456789abcdef0123456789abcdef
printf '%s\n' "1 2 x 8 8 R 6 0 $md5" "1 2 two words 8 8 R 6 0 $md5" '1 2 x 8' "1 2 x 8 $big R 6 0 $md5" '' '1 2 x 8 8 R 6' |
	hostile references 2 "$cut" 1257:load:0x1000:4096
printf '%s\n' key,op,op_count 1,GET,1 2,GET,0 3,GET,1000001 4,GET,x 5,GET,$big 6,GET, 7,GET |
	hostile references 3 "$cut" 1000:load:0x1000:1
printf '%s\n' '# block_id io_offset io_size op_time op_name' '7 0 512 1 1' '7 33554432 1 1 1' '7 33554431 2 1 1' "7 $big 1 1 1" '7 0' |
	hostile references 3 "$cut" 1001:load:0x0:512
printf '%s\n' '8,0 3 1 0.5 697 Q R 8 + 8 [x]' '8,0 3 1 0.5 697 Q R 8' '8,0 3 1 0.5 697 Q R x + 8 [x]' \
	"8,0 3 1 0.5 697 Q R 8 + $big [x]" '8,0 3' | hostile references 2 "$cut" 1257:load:0x1000:4096
printf '%s\n' 'fio version 3 iolog' '1 f add' '1 f read 0 512' '1 f read 0' '1 f read x 512' "1 f read 0 $big" '1 f' 'f' |
	hostile references 4 "$cut" 1257:load:0x0:512
printf '8,0 3 1 0.5 697 Q R 8 + 8 [x]\n8,0 3 2 0.6 697 Q R 80 + 8' > in
mm-vma -n -o event in > out 2> err
same "a last line that does not end" 1 "$(grep -c 'left out 1 lines cut short at the end of the file (first in line 2)' err)"
{ echo time,disk,lbn,size; for d in {1..8193}; do echo "0,vol$d,8,512"; done; } > in
mm-vma -n -o event in 2> err | sort | uniq -c | awk '{ print $1 ":" $2 }' | grep -E 'exec|load' | paste -sd' ' > out
same "8191 disks with names" "8191:exec 8191:load" "$(cat out)"
grep -q 'left out 2 references to disks beyond the 8447th (first in line 8193)' err || fail "many disks: $(cat err)"

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
printf '7,W,8192,8192,1577808144360767\n300,R,4096,512,1577808144360867\n' > alibaba
printf '1538323200,8,16,0,63\n1538323201,17,1,1,64\n' > tencent
printf '8,0 3 1 0.5 697 Q R 8 + 8 [x]\n8,0 3 2 0.5 697 Q W 80 + 16 [x]\n' > blkparse
printf 'fio version 2 iolog\nf add\nf read 0 512\nf write 4096 512\n' > fio
printf "${head}1000-2000 (4 KiB): 1\n4000-6000 (8 KiB): 12\n" > damo
printf '%s\n' "$event target_id=0 nr_regions=2 4096-8192: 1 0" "$event target_id=1 nr_regions=2 8192-16384: 1 0" > ftrace
for f in lcs msr blocks alibaba tencent blkparse fio damo ftrace; do
	format=$f
	case $f in lcs|msr|blocks|alibaba|tencent|blkparse|fio) format=references ;; esac
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
