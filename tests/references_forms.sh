#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# References as those who recorded them publish them: what a few rows of each form become, by hand. Times are those of the rows, or of
# the first one on; disks are tasks.
. "${srcdir:-.}/tests/lib.sh"
cd "$tmp" || exit 99
# form WHAT EXPECTED LINE...: the accesses of these lines, as pid:event:addr:size, with @time where there are times
form() {
	local what=$1 want=$2 got columns=by,pid,event,addr,size
	shift 2
	printf '%s\n' "$@" > in
	[[ $want = *@* ]] && columns=$columns,time_s
	got=$(mm-vma -o $columns -n in 2> err |
		awk -F, '$1 == "" && $3 ~ /load|store/ { print $2 ":" $3 ":" $4 ":" $5 (NF > 5 ? "@" $6 : "") }' | paste -sd' ')
	same "$what" "$want" "$got"
}
told() { same "$1 is told" 1 "$(grep -cF "$2" err)"; }
quiet() { same "$1: nothing on stderr" "" "$(cat err)"; }

# Alibaba: device, operation, bytes, microseconds; names above are the same
rows=(7,W,8192,8192,1577808144360767 300,R,4096,512,1577808144360867 7,R,0,4096,1577808145360767)
want="1008:store:0x2000:8192@0 1257:load:0x1000:512@0.0001 1008:load:0x0:4096@1"
form Alibaba "$want" "${rows[@]}"
quiet Alibaba
form "Alibaba with names" "$want" device_id,opcode,offset,length,timestamp "${rows[@]}"
same "three disks' pages" "lru,4" "$(mm-reclaim --policy=lru --memory-max=1M -o policy,faults -n in)"

# K5cloud: volume, seconds, operation, bytes
form K5cloud "1008:load:0x1000:8192@0 1009:store:0x0:512@0.5" 7,0.000000,R,4096,8192 8,0.5,W,0,512
form "K5cloud with names: ID is no key" "1008:load:0x1000:8192@0" "ID, Timestamp, Type, Offset, Length" "7, 0, R, 4096, 8192"

# SYSTOR '17: what has no operation was not answered
rows=(1456135200.013118000,0.000806000,R,0,8192,4096 1456135200.113118000,,,0,8192,4096 1456135201.013118000,0.1,W,3,0,512)
want="1001:load:0x2000:4096@1456135200.013118 1004:store:0x0:512@1456135201.013118"
form "SYSTOR '17" "$want" Timestamp,Response,IOType,LUN,Offset,Size "${rows[@]}"
told "no operation" "left out 1 requests of which it is not known whether they read or write (first in line 3)"
form "SYSTOR '17 without names" "$want" "${rows[@]}"

# Tencent CBS: all in sectors. Bytes would be multiples of 512 throughout: which of them is then asked for
rows=(1538323200,8,16,0,63 1538323201,17,1,1,64)
want="1064:load:0x1000:8192@0 1065:store:0x2200:512@1"
form "Tencent CBS" "$want" "${rows[@]}"
form "Tencent CBS with names" "$want" Timestamp,Offset,Size,IOType,VolumeID "${rows[@]}"
for i in {1..20}; do echo "1538323200,$((i * 4096)),8,0,5"; done > round.csv
refused 1 '^mm-vma: round.csv:1: expected offsets in sectors, not all of them multiples of 512 .*, found "1538323200,4096,8,0,5"$' \
	mm-vma round.csv
{ echo timestamp,offset,sectors,op,disk; cat round.csv; } > named.csv
same "which are named" 0x1000,4096 "$(mm-vma -o event,addr,size -n named.csv 2> err | sed -n 's/^load,//p' | head -n 1)"

# SPC (UMass): ASU, blocks of 512 bytes, bytes, operation, seconds, and what a user adds
form SPC "1001:store:0x1000:8192@0.5 1002:load:0x2000:512@1.25" 0,8,8192,W,0.500000 1,16,512,r,1.25,more
form "SPC with blanks" "1001:store:0x1000:8192@0.5" "0, 8, 8192, w, 0.5"

# FIU: nanoseconds, process, sectors, operation, MAJOR MINOR, digests
md5=0123456789abcdef0123456789abcdef
form FIU "1257:load:0x1000:4096@0 1257:store:0x2000:4096@0.000001 1258:store:0x2000:8192@0.000001" \
	"89966226 2078 gzip 8 8 R 6 0 $md5" "89967226 69 kjournald 16 8 W 6 0 $md5" "89967226 69 x 16 16 W 6 1 $md5 $md5"

# Meta's kvcache: a row is op_count operations
form kvcache "1000:load:0x5000:1 1000:load:0x5000:1 1000:load:0x5000:1 1000:store:0x6000:1 1000:load:0x5000:1 1000:store:0x7000:1" \
	key,op,size,op_count,key_size,ttl 5,GET,82,3,40,0 6,SET,82,1,40,0 5,GET_LEASE,0,1,40,0 7,SET_LEASE,1,1,4,0
form "kvcache with times" "1000:load:0x400000000000:1@604" \
	op_time,key,key_size,op,op_count,size,cache_hits,ttl,usecase,sub_usecase 604,82131353f9ddc8c6,48,GET,1,87,1,0,3,3
printf '%s\n' key,op,size,op_count,key_size 1,GET,1,2500,1 2,SET,1,1,1 1,GET,1,1000000,1 > many.csv
same "more operations than a batch has room for" 1002501,2 \
	"$(mm-reclaim --policy=lru --memory-max=8K -o references,faults -n many.csv)"
# Meta's CDN: milliseconds are told, objects are keys, and the OpType 1 of all rows does not write
form CDN "1000:load:0xc000:1@" timestamp,cacheKey,OpType,objectSize,responseSize 1679000000000,12,1,100,100
told "a time in milliseconds" "1 times that are too large for seconds"

# Meta's Tectonic: bytes of a block's shard, 32 MiB apart; numbers or words of operations
names="# block_id io_offset io_size op_time op_name user_namespace user_name rs_shard_id op_count host_name"
form Tectonic "1001:load:0x0:4096@10.5 1001:load:0x0:4096@10.5 1001:store:0x1000:8192@10.6 1001:load:0x2000000:4096@11" \
	"# a comment" "$names" "77 0 4096 10.5 1 1 1 3 2 9" "77 4096 8192 10.6 6 1 1 3 1 8" "78 0 4096 11 2 1 1 3 1 9"
form "Tectonic as CSV" "1001:load:0x2000:4096@100 1001:store:0x2002000:4096@101" \
	op_time,block_id,block_id_size,io_size,io_offset,user_name,user_namespace,op_name,op_count,host_name,rs_shard_id \
	100,abc,40,4096,8192,u,n,getChunkData.NotInitialized,1,h,2 101,abc,40,4096,8192,u,n,putChunk.Permanent,1,h,3

# Wikimedia's CDN: tabs, of which fields may be empty
form Wikimedia "1000:load:0x31b501c5000:1@0 1000:load:0x400000000000:1@1" \
	$'relative_unix\thashed_path_query\timage_type\tresponse_size\ttime_firstbyte' $'0\t833946053\tjpeg\t100\t0.1' $'1\t-83\t\t100\t0.1'
quiet Wikimedia

# blkparse: a request when it is queued; where only others were recorded, when it is issued, or completed
form blkparse "1257:load:0x1000:4096@0.000000001 1258:store:0x2000:4096@0.1" \
	"  8,0    3        1     0.000000000   697  A   R 8 + 8 <- (8,1) 0" \
	"  8,0    3        2     0.000000001   697  Q   R 8 + 8 [kjournald]" \
	"  8,0    3        3     0.000000002   697  P   N [kjournald]" \
	"  8,0    3        4     0.000000003   697  D   R 8 + 8 [kjournald]" "  8,16   3        5     0.100000000   697  Q WFS 16 + 8 [x]" \
	"  8,0    3        6     0.200000003   697  Q FWS [x]" "  8,0    3        7     0.200000003   697  Q   D 16 + 8 [x]" \
	"  8,0    3        8     0.300000003   697  C   R 8 + 8 [0]" "CPU3 (8,0):" " Reads Queued:           1,        4KiB"
told "a flush and a discard" "2 requests that neither read nor write (first in line 6)"
told "the summary" "2 lines that are no events of blkparse (first in line 9)"
form "blkparse -a issue, -a complete" "1257:load:0x1000:4096@0.1" "8,0 3 1 0.1 697 D R 8 + 8 [x]" "8,0 3 2 0.2 0 C R 8 + 8 [0]"

# fio: a file is a disk, microseconds
form "fio version 2" "1257:load:0x1000:4096 1258:store:0x0:512" "fio version 2 iolog" "/dev/sda add" "/dev/sda open" \
	"/dev/sda read 4096 4096" "/dev/sdb write 0 512" "/dev/sda trim 0 4096" "/dev/sda datasync 0 0" "/dev/sda close"
told "a trim and a sync" "2 requests that neither read nor write (first in line 6)"
form "fio version 3" "1257:load:0x1000:4096@0 1257:store:0x0:512@1" "fio version 3 iolog" "2 /dev/sda add" "10 /dev/sda open" \
	"20 /dev/sda read 4096 4096" "1000020 /dev/sda write 0 512"
quiet "fio version 3"

# names that tell units
form "sectors and microseconds" "1006:load:0x1000:4096@0 1006:store:0x0:512@0.5" time_us,lbn,sectors,op,disk \
	1577808144000000,8,8,0,5 1577808144500000,0,1,1,5

# rows that have no names: time and key, of which key is no operation; else they are not guessed
form_of() { printf '%s\n' "${@:2}" > in; mm-vma --from=references -o event,addr -n in 2> err | sed -n 's/^load,//p' | paste -sd' '; }
same "time,key" "0x5000 0x400000000000" "$(form_of - 0,5 1,word)"
same "time,key,size,next" "0x5000 0x6000" "$(form_of - 0,5,43,4 0,6,43,-1)"
same "one key of many that is a word of operations" "0x400000000000 0x400000001000" "$(form_of - 0,r,1 1,s,1)"
for row in 0,R,5 0,get,5 0,5,R 0,5,512,write 1,2,3,4,5 419,W,8792731648,16384,15; do
	echo $row > in
	refused 1 "^mm-vma: in:1: expected time,key,size, or a line above the rows that names the columns, as time,disk,op,offset,size, \
found \"$row\"$" mm-vma --from=references in
	refused 1 "^mm-vma: in:1: expected a trace or references, whose header has a column event, key, lbn or offset, found \"$row\"$" \
		mm-vma in
done
exit $failed
