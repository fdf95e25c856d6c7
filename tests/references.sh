#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# References as other tools keep them: what a small file in each format becomes, by hand; and the policies on it.
. "${srcdir:-.}/tests/lib.sh"
cd "$tmp" || exit 99
rows() {	# the accesses, as pid:event:addr:size
	mm-vma -o by,pid,event,addr,size -n "$@" 2> err | awk -F, '$1 == "" && $3 ~ /load|store/ { print $2 ":" $3 ":" $4 ":" $5 }' |
		paste -sd' '
}
faults() { mm-reclaim -o policy,faults -n "$@" 2> err | paste -sd' '; }

# damo report raw, from its USAGE.md; a second record of the newer form
cat > damo.txt <<'END'
base_time_absolute: 8 m 59.809 s

monitoring_start:                0 ns
monitoring_end:            104.599 ms
monitoring_duration:       104.599 ms
target_id: 18446623438842320000
nr_regions: 3
563ebaa00000-563ebc99e000(  31.617 MiB):        1
7f938d7e1000-7f938ddfc000(   6.105 MiB):        0
7fff66b0a000-7fff66bb2000( 672.000 KiB):        0

monitoring_start:          104.599 ms
monitoring_end:              1.208 s
monitoring_duration:       103.991 ms
target_id: 18446623438842320000
nr_regions: 1
# start_addr     end_addr        length  nr_accesses   age
7fff66b0a000-7fff66bb2000 (     672.000 KiB)           5    17
END
same "damo report raw" "1001:load:0x563ebaa00000:33153024 1001:load:0x7fff66b0a000:688128" "$(rows damo.txt)"
same "damo says what is sampled" 1 "$(grep -c "2 accesses are DAMON's samples" err)"
same "and what it did not see" 1 "$(grep -c '2 regions that DAMON saw no access to' err)"
same "times of damo" "0.104599 1.208" "$(mm-vma -o event,time_s -n damo.txt 2> err | grep ^load | cut -d, -f2 | paste -sd' ')"

# the tracepoint, as ftrace and perf script print it (with the age, and as before 5.17)
cat > damon.ftrace <<'END'
# tracer: nop
       kdamond.0-1234    [001] .....   100.500000: damon_aggregated: target_id=0 nr_regions=2 4096000-4104192: 5 100
       kdamond.0-1234    [001] .....   100.500001: damon_aggregated: target_id=0 nr_regions=2 8192000-8196096: 0 3
       kdamond.0-1234    [001] .....   100.600000: damon_aggregated: target_id=1 nr_regions=1 4096000-4100096: 1
END
same "damon_aggregated of ftrace" "1001:load:0x3e8000:8192 1002:load:0x3e8000:4096" "$(rows damon.ftrace)"
echo '       kdamond.0  1234 [001]   100.500000: damon:damon_aggregated: target_id=7 nr_regions=1 4096000-4104192: 5 100' > damon.perf
same "damon_aggregated of perf" "1001:load:0x3e8000:8192" "$(rows damon.perf)"

# libCacheSim: a comment as header; numbers beyond 2^52 are hashed but stay apart
cat > lcs.csv <<'END'
# time, object, size, next_access_vtime
0, 1, 43, 4
0, 2, 43, -1
1, 17446744073709551615, 43, -1
2, 1, 43, -1
END
same "libCacheSim: a key is a page" "1000:load:0x1000:1 1000:load:0x2000:1" "$(rows lcs.csv | cut -d' ' -f1,2)"
# words, and numbers beyond what a process may address, get pages of the upper half in order of first appearance
printf '%s\n' time,key 0,b 0,a 1,17179869184 1,0x400000000 2,b 2,17179869183 3,0 > keys.csv
page() { printf '0x%x' $(( (1 << 46) + $1 * 4096 )); }
same "word keys" "$(for p in $(page 0) $(page 1) $(page 2) $(page 2) $(page 0) 0x3ffffffff000 0x0; do
	echo "1000:load:$p:1"; done | paste -sd' ')" "$(rows keys.csv)"
# eight digits are judged at once: a neighbour of 0 or of 9 in any place makes a word; and what follows them counts
printf '%s\n' time,key 0,12345678 0,99999999 0,00000042 0,123456789 0,1234567: 0,/2345678 0,1234/678 0,12345678: \
	0,123456789012345678 > digits.csv
same "keys of eight digits and more" "$(for p in $((12345678 * 4096)) $((99999999 * 4096)) $((42 * 4096)) $((123456789 * 4096)) \
	"$(page 0)" "$(page 1)" "$(page 2)" "$(page 3)" "$(page 4)"; do
	printf '1000:load:0x%x:1\n' "$p"; done | paste -sd' ')" "$(rows digits.csv)"
same "they are on the machine" "$(printf 'pgfault,5\nsegv,0')" \
	"$(mm-reclaim -t summary -o counter,value keys.csv 2> err | grep '^pgfault,'; mm-fault -t faults -o segv -n keys.csv 2> err |
	sed 's/^/segv,/')"
same "and pages of the policies" "lru,5" "$(faults --policy=lru --memory-max=64K keys.csv)"
printf '%s\n' time,lbn,size 0,274877906944,512 0,274877906943,512 0,0,1073741825 0,8,0x10000000000000000 0,8, > far.csv
same "blocks beyond a process and requests of more than 1 GiB" "1001:load:0x7ffffffffe00:512 1001:load:0x1000:1" "$(rows far.csv)"
same "are counted" 1 "$(grep -c 'left out 3 references that are cut' err)"
printf '%s\n' time,disk,lbn,size 0,255,8,512 0,511,8,512 0,sda,8,512 0,511,16,512 0,,8,512 > disks.csv
same "disks keep apart" "1256:load:0x1000:512 1257:load:0x1000:512 1258:load:0x1000:512 1257:load:0x2000:512 1001:load:0x1000:512" \
	"$(rows disks.csv)"
same "libCacheSim: lru in two frames" "lru,4" "$(faults --policy=lru --memory-max=8K lcs.csv)"
same "in three" "lru,3" "$(faults --policy=lru --memory-max=12K lcs.csv)"

# Belady's string (1966) as libCacheSim's txt: fifo has 9 faults in three frames and 10 in four
printf '%s\n' 1 2 3 4 1 2 5 1 2 3 4 5 > belady.txt
same "Belady's anomaly, three frames" "lru,10 fifo,9 opt,7" "$(faults --policy=lru,fifo,opt --memory-max=12K belady.txt)"
same "Belady's anomaly, four frames" "lru,8 fifo,10 opt,6" "$(faults --policy=lru,fifo,opt --memory-max=16K belady.txt)"
# Silberschatz, Galvin, Gagne: Operating System Concepts, chapter on virtual memory, three frames: fifo 15, opt 9, lru 12
printf '%s\n' 7 0 1 2 0 3 0 4 2 3 0 3 2 1 2 0 1 7 0 1 > silberschatz.txt
same "Silberschatz' string" "lru,12 fifo,15 opt,9" "$(faults --policy=lru,fifo,opt --memory-max=12K silberschatz.txt)"

# one pass for all sizes says what each size says by itself; opt is below all, more frames never hurt lru and opt
seq 1 2000 | awk 'BEGIN { x = 7 } { x = (x * 1103515245 + 12345) % 2147483648; print int((x / 2147483648) ^ 3 * 300) }' > skew.txt
each=
for frames in 4 8 16 32 64 128; do
	each="$each $(mm-reclaim --policy=lru,clock,opt --memory-max=$((frames * 4))K -o policy,frames,faults -n skew.txt | paste -sd' ')"
done
same "--sweep with --policy" "$(echo "$each" | tr ' ' '\n' | grep . | sort)" \
	"$(mm-reclaim --policy=lru,clock,opt --sweep=memory-max=16K..512K:6 -o policy,frames,faults -n skew.txt | sort)"
same "Belady's anomaly, swept" "9 10" "$(mm-reclaim --policy=fifo --sweep=memory-max=12K..16K:2 -o faults -n belady.txt | paste -sd' ')"

# ratios are rounded, and small ones are not nothing: 2 of 3, 1 of 5000
same "a ratio of 2 to 3" 0.666667 "$(printf '%s\n' 1 2 1 | mm-reclaim --from=references --policy=lru --memory-max=8K -o fault_ratio -n)"
same "a ratio of 1 to 5000" 0.000200 "$(yes 1 | head -n 5000 | mm-reclaim --policy=opt --memory-max=8K -o fault_ratio -n)"

# SHARDS: 20000 references to 8000 pages, a tenth of the pages; the estimates lie within 4 standard errors
seq 1 20000 | awk 'BEGIN { x = 7 } { x = (x * 1103515245 + 12345) % 2147483648; print int((x / 2147483648) ^ 2 * 8000) }' > big.txt
mm-reclaim --policy=lru,clock --sweep=memory-max=1M..16M:4 -o fault_ratio -n big.txt > exact
mm-reclaim --policy=lru,clock --sweep=memory-max=1M..16M:4 --sample=10% -o fault_ratio,error_ratio -n big.txt > sampled 2> err
same "a sample's estimates" "" "$(paste -d, exact sampled | awk -F, '{ d = $1 - $2; if (d < 0) d = -d; if (d > 4 * $3 + 0.01) print }')"
same "every one has its error" 8 "$(grep -c ',0\.[0-9]' sampled)"
same "the sample is told" 1 "$(grep -c 'sampled [0-9]* of 20000 references by a hash of their page' err)"
same "a sample of all is exact" "$(cat exact)" \
	"$(mm-reclaim --policy=lru,clock --sweep=memory-max=1M..16M:4 --sample=1 -o fault_ratio -n big.txt)"
seq 1 5 | mm-reclaim --policy=lru --memory-max=1M --sample=0.0000001 > out 2> err; same "a sample of nothing" 1 $?
same "is told" 1 "$(grep -c 'expected a larger share: --sample took none of 5 references' err)"
mm-reclaim --policy=lru --sweep=memory-max=4K..1M:3 --sample=10% big.txt > out 2> err
same "sizes below a frame of the sample" 1 "$(grep -c '1 sizes of less than 10 frames are estimated as that many' err)"
mm-reclaim --sample=0 big.txt > out 2> err; same "--sample=0" 2 $?
mm-reclaim --sample=10% -t summary big.txt > out 2> err; same "--sample without --policy" 2 $?

# MSR Cambridge: 8 KiB read from byte 4096 are pages 1 and 2; the write is to another disk
cat > msr.csv <<'END'
128166372003061629,usr,0,Read,4096,8192,41286
128166372013061629,usr,1,Write,512,512,100
128166372003061629,usr,0,Read,8192,4096,100
END
same "MSR Cambridge" "1001:load:0x1000:8192 1002:store:0x200:512 1001:load:0x2000:4096" "$(rows msr.csv)"
same "its times: tenths of microseconds, never back" "0 1 1" \
	"$(mm-vma -o event,time_s -n msr.csv 2> err | grep -E '^(load|store)' | cut -d, -f2 | paste -sd' ')"
printf '%s\n' timestamp,lbn,len 5633898611441,8,512 | mm-vma > out 2> err
same "a time in other units" 1 \
	"$(grep -c '1 times that are too large for seconds, or none; their references are kept (first in line 2)' err)"
{ echo Timestamp,Hostname,DiskNumber,Type,Offset,Size,ResponseTime; cat msr.csv; } > named.csv
same "MSR Cambridge below its names" "$(mm-vma msr.csv)" "$(mm-vma named.csv)"
same "its pages" "lru,3" "$(faults --policy=lru --memory-max=16K msr.csv)"

# Twitter's cache-trace: keys by their second column, what changes one by the sixth
printf '%s\n' 0,a:1,17,213,4,get,0 0,7,1,5,5,set,60 1,a:1,17,213,4,incr,0 1,7,1,5,5,delete,0 > twitter.csv
same "Twitter" "1000:load:0x400000000000:1 1000:store:0x7000:1 1000:store:0x400000000000:1 1000:load:0x7000:1" "$(rows twitter.csv)"
# tasks 4096 apart have address spaces of their own
printf '%s\n' pid,event,addr,size,flags,name 1000,exec,,,AUTOMAP,a 5096,exec,,,AUTOMAP,b 1000,load,0x1000,1,, \
	5096,load,0x1000,1,, > apart.csv
same "two tasks, one address" "lru,2" "$(faults --policy=lru --memory-max=16K apart.csv)"

# blocks of 512 bytes
printf 'timestamp,cmd,lbn,size\n0,R,8,4096\n1,W,16,512\n' > blocks.csv
same "blocks" "1001:load:0x1000:4096 1001:store:0x2000:512" "$(rows blocks.csv)"

# operation codes of SCSI: 28 is READ(10), 2a WRITE(10), 8A WRITE(16)
printf 'version,time,op,size,lbn\n1,5,28,512,8\n1,6,2a,512,16\n1,6,0x2a,512,16\n1,7,8A,512,24\n1,8,88,512,32\n' > scsi.csv
same "operation codes of SCSI" \
	"1001:load:0x1000:512 1001:store:0x2000:512 1001:store:0x2000:512 1001:store:0x3000:512 1001:load:0x4000:512" "$(rows scsi.csv)"

# the same on the kernel's own policy: three pages, of which each is read once
same "on a machine" 3 "$(mm-reclaim -t summary --memory-max=1M msr.csv 2> err | grep '^pgfault,' | cut -d, -f2)"

# keys that are only read are of something all the same: 600 of them, three times, do not fit into 1 MiB
for i in 1 2 3; do seq 1000 1599; done > reads.txt
mm-reclaim --sweep=memory-max=1M..8M:2 --swap=64M -o minflt,majflt,pswpin -n reads.txt > sweep 2> err
same "reads in enough memory" 600,0,0 "$(sed -n 2p sweep)"
same "reads in too little" 1 "$(sed -n 1p sweep | awk -F, '{ print ($1 + $2 == 1800 && $2 > 100 && $3 >= 1200) }')"
same "they are in memory" 2457600 "$(mm-fault -t smaps -o rss_bytes -n reads.txt 2> err)"
printf '%s\n' 'monitoring_start: 0 ns' 'monitoring_end: 1 s' 'target_id: 1' 'nr_regions: 1' \
	'7f0000000000-7f0000400000(4.000 MiB): 3' '' > heat.txt
same "a region that was used" 4194304 "$(mm-fault --from=damo -t smaps -o rss_bytes -n heat.txt 2> err)"

# they are mapped by the GiB, as far as limits let them be; what is in swap is not filled again
refs() { mm-"$1" --from=references "${@:2}" 2> err | paste -sd' '; }
printf '%s\n' 5 700000 300000 > far.txt
same "the GiBs around three keys" "0x0,0xc0000000" "$(refs vma -t maps -o start,end -n far.txt)"
printf '%s\n' pid,event,addr,size,flags 1000,exec,,,'AUTOMAP|FILLED' 1000,load,0x7fffffffe000,1, > last.csv
same "the last of user space" "0x7fffc0000000,0x7ffffffff000" "$(mm-vma -t maps -o start,end -n last.csv)"
same "as much memory as may be promised" "0x5000,0x6000 0x493e0000,0x493e1000 0xaae60000,0xaae61000" \
	"$(refs vma -S vm.overcommit_memory=2 --ram=512M -t maps -o start,end -n far.txt)"
same "each needs memory there too" "3,0" "$(refs fault -S vm.overcommit_memory=2 --ram=512M -t faults -o minflt,segv -n far.txt)"
for i in 1 2 3; do seq 2000; done > often.txt
same "one write to swap is enough" "2000" \
	"$(mm-reclaim --from=references --memory-max=2M --swap=1G -t summary often.txt | sed -n 's/^pswpout,//p')"
same "in huge pages" 8388608,8388608 "$(refs fault -S thp=always -t smaps -o rss_bytes,anonhugepages_bytes -n often.txt)"

# accesses that keep apart have VMAs of their own: more of them than vm.max_map_count lets a program ask for
{ echo pid,event,addr; seq 1 2 133001 | awk '{ printf "1,load,0x%x000\n", $1 }'; } > apart.csv
same "66501 pages apart" 66501 "$(mm-reclaim --automap -t summary apart.csv 2> err | grep '^pgfault,' | cut -d, -f2)"

# a column alone, with its name
same "keys alone" "1000:load:0x5000:1 1000:load:0x9000:1" "$(printf '%s\n' page 5 9 > alone.csv; rows alone.csv)"
same "blocks alone" "1001:load:0x1000:1" "$(printf '%s\n' lba 8 > alone.csv; rows alone.csv)"

# operations that have no word are reads, and that is told; the id of a request or disk is no key where blocks are named
same "an operation without a word" "1001:load:0x1000:512 1001:store:0x2000:512" \
	"$(printf '%s\n' id,time,lbn,size,op 7,0,8,512,X 8,1,16,512,W > odd.csv; rows odd.csv)"
same "is told" 1 "$(grep -c '1 operations that are not known, taken for reads (first in line 2)' err)"

# broken lines are counted, --strict refuses them
printf '# time, object, size\n0, 1, 4\n1\n2, 3, 4\n' > cut.csv
same "a cut line" "1000:load:0x1000:1 1000:load:0x3000:1" "$(rows cut.csv)"
same "is counted" 1 "$(grep -c 'left out 1 references that are cut or not understood (first in line 3)' err)"
mm-vma --strict cut.csv > out 2> err; same "--strict" 1 $?
head -c 330 damo.txt | mm-vma > out 2> err; same "damo, cut" 0 $?
mm-vma --from=references damo.txt > out 2> err; same "damo is no list of references" 1 $?
exit $failed
