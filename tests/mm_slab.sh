#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# mm-slab's own options: captures and their names, what changed between two, tunables of the command line and in traces, wrong
# requests. Expected figures are counted by hand beside them.
. "${srcdir:-.}/tests/lib.sh"
cd "$tmp" || exit 99

# ---- a captured system: folders are caches, links are names ----

# cache DIR NAME OBJECT_SIZE OBJECTS_IN_USE OBJECTS SLABS: of one page each
cache() {
	local d=$1/sys/kernel/slab/$2
	mkdir -p "$d"
	echo "$3" > "$d/object_size"
	echo "$3" > "$d/slab_size"
	echo 0 > "$d/order"
	echo "$4 N0=$4" > "$d/objects"
	echo "$5 N0=$5" > "$d/total_objects"
	echo "$6 N0=$6" > "$d/slabs"
	echo $((4096 / $3)) > "$d/objs_per_slab"
}
name() { ln -s "$2" "$1/sys/kernel/slab/$3"; }
head='slabinfo - version: 2.1
# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>'
head="$head : tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>"
info() { mkdir -p "$1/proc"; printf '%s\n%s\n' "$head" "$2" > "$1/proc/slabinfo"; }

cache before :A-0000192 192 10 42 2; name before :A-0000192 cred_jar; name before :A-0000192 aaa_jar
cache before dentry 192 5 21 1
cache after :A-0000192 192 20 84 4; name after :A-0000192 cred_jar; name after :A-0000192 zzz_jar
cache after dentry 192 5 21 1
cache after other 64 1 64 1
prints "names of a system without slabinfo" 'name,objects,unique_id,alias_names
:A-0000192,42,:A-0000192,aaa_jar|cred_jar
dentry,21,dentry,' mm-slab --csv --sysroot=before -o name,objects,unique_id,alias_names
# 10 objects of 192 more in 2 pages more: 8192 - 1920 of waste more; other: 4096 - 64
want='name,change,active_objects,active_objects_diff,objects_diff,slabs_diff,bytes_diff,waste_diff,alias_names
:A-0000192,grown,20,10,42,2,8192,6272,cred_jar|zzz_jar
other,new,1,1,64,1,4096,4032,
dentry,same,5,0,0,0,0,0,'
prints "two systems" "$want" mm-slab --csv --sysroot=after --before=before
# until Linux 5.8 cgroups had caches of their own, which slabinfo counted with the machine's: 5 + 7 + 8 objects in 1 + 2 + 3 slabs
cache grouped dentry 192 5 21 1
cache grouped 'dentry/cgroup/dentry(41:a.service)' 192 7 42 2
cache grouped 'dentry/cgroup/dentry(42:b c)' 192 8 63 3
mkdir grouped/sys/kernel/slab/dentry/cgroup/empty
prints "caches of cgroups" 'name,active_objects,objects,slabs,size_bytes
dentry,20,126,6,24576' mm-slab --csv --sysroot=grouped -o name,active_objects,objects,slabs,size_bytes
info grouped 'dentry 20 126 192 21 1 : tunables 0 0 0 : slabdata 6 6 0'
prints "slabinfo has them" 'name,active_objects,objects,slabs,size_bytes
dentry,20,126,6,24576' mm-slab --csv --sysroot=grouped -o name,active_objects,objects,slabs,size_bytes
# each slabinfo knows the merged cache by another name: it is one cache all the same
info before 'aaa_jar 10 42 192 21 1 : tunables 0 0 0 : slabdata 2 2 0'
info after 'cred_jar 20 84 192 21 1 : tunables 0 0 0 : slabdata 4 4 0'
ln -s :A-0000192 after/sys/kernel/slab/aaa_jar
prints "a merged cache under two names" 'name,change,active_objects_diff,bytes_diff,unique_id
cred_jar,grown,10,8192,:A-0000192' mm-slab --csv --sysroot=after --before=before -o name,change,active_objects_diff,bytes_diff,unique_id
prints "slabinfo alone does not tell" 'name,change
cred_jar,new
aaa_jar,gone' mm-slab --csv --before=before/proc/slabinfo after/proc/slabinfo -o name,change
if [ "$(id -u)" != 0 ]; then
	chmod 000 before/proc/slabinfo
	mm-slab --csv -n --sysroot=before -o name > out 2> err
	same "what everybody may read" ":A-0000192,dentry," "$(tr '\n' , < out)"
	grep -q 'proc/slabinfo: permission denied (it is for root alone); the rows are those of .*sys/kernel/slab' err || fail "$(cat err)"
fi
# again and again: for people a table each time, in CSV one
same "--every for people" 3 "$(timeout 20 mm-slab --human --sysroot=after --every=0.1 -o name | grep -m 3 TIME_S | wc -l)"
timeout 20 mm-slab --csv --sysroot=after --every=0.1 -o name | head -3 > out
awk -F, 'NR == 1 && $1 != "time_s" || NR == 2 && $1 != "0.000" || NR == 3 && $1 < 0.1 { exit 1 } END { exit NR != 3 }' out ||
	fail "--every: $(cat out)"
refused 2 'a system has seconds alone' mm-slab --sysroot=after --every=mark
same "--every of mm-buddy" 3 "$(timeout 20 mm-buddy --human --sysroot="$data/captures/arm64-64k" --every=0.1 | grep -m 3 TIME_S | wc -l)"
# for people, a capture has no columns of what only a replay counts; CSV has
same "columns for people" "0 1" "$(mm-slab --human --sysroot=before | grep -c ALLOCS) $(mm-slab --csv --sysroot=before | grep -c allocs)"
# names alone, as everybody may read them on a running system, are no table
mkdir -p names/sys/kernel/slab/dentry
refused 1 'names/proc/slabinfo: No such file.*; names/sys/kernel/slab tells names alone' mm-slab --sysroot=names
mkdir nothing
refused 1 'nothing/sys/kernel/slab has no cache either' mm-slab --sysroot=nothing
refused 2 'the table diff needs --before=FILE' mm-slab -t diff --sysroot=after
refused 1 'missing' mm-slab --sysroot=after --before=missing

# ---- tunables ----

cat > caches.csv <<'END'
name,object_size,align,flags
dentry,192,0,SLAB_RECLAIM_ACCOUNT
kmalloc-64,64,64,SLAB_KMALLOC
END
# 192 + 8 + 8 + 8; 64 + 8 + 64 + 4 = 140 -> 192
prints "slub_debug= by name" 'name,slab_size,cpu_partial,flags
dentry,216,0,SLAB_RED_ZONE|SLAB_RECLAIM_ACCOUNT
kmalloc-64,192,0,SLAB_KMALLOC|SLAB_STORE_USER' \
	mm-slab --csv -t layout caches.csv -o name,slab_size,cpu_partial,flags -S 'slub_debug=Z,dentry;U,kmalloc-*'
prints "slub_min_order=" 'name,order,objects_per_slab
dentry,2,85
kmalloc-64,2,256' mm-slab --csv -t layout caches.csv -o name,order,objects_per_slab -S slub_min_order=2
# a captured system's command line; ours goes before it
mkdir -p booted/proc
cp "$data/pc-4g.iomem" booted/proc/iomem
echo 'ro quiet slub_debug=Z,dentry slub_min_order=2' > booted/proc/cmdline
prints "the command line of a capture" 'name,slab_size,order
dentry,216,2
kmalloc-64,64,2' mm-slab --csv -M booted -t layout caches.csv -o name,slab_size,order
prints "an option over a capture" 'name,slab_size,order
dentry,192,0
kmalloc-64,64,0' mm-slab --csv -M booted -S slub_debug=- -S slub_min_order=0 -t layout caches.csv -o name,slab_size,order
# the usersize of /sys/kernel/slab of a 6.6 for the first three; a region that leaves the object is none
cat > regions.csv <<'END'
name,object_size,flags,useroffset,usersize
dentry,192,SLAB_RECLAIM_ACCOUNT,56,32
names_cache,4096,,0,4096
kmalloc-96,96,SLAB_KMALLOC,,
outside,100,,90,11
none,100,,,
END
prints "usercopy regions" 'name,useroffset,usersize
dentry,56,32
names_cache,0,4096
kmalloc-96,0,96
outside,0,0
none,0,0' mm-slab --csv -t layout regions.csv -o name,useroffset,usersize
printf 'name,object_size,usersize\na,10,-1\n' > negative.csv
refused 1 "negative.csv:2: usersize: expected 0 to 4194304 bytes, found '-1'" mm-slab -t layout negative.csv
mkdir -p copied/sys/kernel/slab/dentry
echo 192 > copied/sys/kernel/slab/dentry/object_size
echo 32 > copied/sys/kernel/slab/dentry/usersize
prints "usersize of a capture" 'name,object_size,useroffset,usersize
dentry,192,,32' mm-slab --csv --sysroot=copied -o name,object_size,useroffset,usersize
prints "regions of a trace" 'event,result
cache_create,0
cache_create,0
cache_create,0' sh -c "printf '%s\n' event,size,name,offset,addr2 cache_create,64,a,, cache_create,64,b,, cache_create,64,c,8,60 |
	mm-slab --csv -o event,result"
refused 2 "slub_debug: expected letters of FZPUTAO or -" mm-slab -t layout caches.csv -S slub_debug=FX
refused 2 "slub_max_order: expected a number in 0..10" mm-slab -t layout caches.csv -S slub_max_order=11

# they travel, and what is set at boot does not change later
cat > trace.csv <<'END'
event,addr,size,flags,name
cache_create,,192,,a
cache_create,,190,,b
cache_alloc,0x1000,,,a
END
mm-slab --csv -S slab_nomerge=1 -S 'slub_debug=F,a,c*;-' trace.csv > first.csv || fail "a replay: $?"
grep -q '^sysctl,.*,slub_debug,"F,a,c\*;-",$' first.csv || fail "slub_debug in the trace: $(grep slub_debug first.csv)"
prints "mm-slab | mm-slab" "$(cat first.csv)" mm-slab --csv first.csv
tables() { mm-slab --csv -t caches "$@" -o name,unique_id,alias_names; }
# merged, the last row is that of the name that lives in another's slabs
prints "merged" 'name,unique_id,alias_names
a,:0000192,b
b,,' tables trace.csv
prints "not merged" 'name,unique_id,alias_names
a,a,
b,b,' tables first.csv
echo 'sysctl,,,,slub_debug' >> trace.csv
fails 0 '1 rows that describe the machine after its first use' mm-slab --csv trace.csv

# ---- wrong requests are results or errors, never crashes ----

cat > wrong.csv <<'END'
event,addr,size,flags,name,size2,result
cache_create,,0,,zero,,
cache_create,,4194305,,large,,
cache_create,,64,,odd,48,
cache_create,,64,SLAB_PANIC|0x02000000,flag,,
cache_create,,96,,good,,
cache_create,,96,,good,,
cache_create,,4194304,,largest,,
cache_destroy,,,,nobody,,
cache_shrink,,,,nobody,,
cache_alloc,0x1000,,,good,,
cache_destroy,,,,good,,
kmalloc,0x2000,0,,,,
kmalloc,0x3000,4194305,,,,
kmalloc,0x4000,4194304,,,,
cache_free,0x5000,,,good,,
kfree,0x1000,,,,,
kfree,0x1000,,,,,
END
results() { mm-slab --csv "$@" wrong.csv 2> err | awk -F, '$NF == "" && $1 != "sysctl" { print $7 }' | sed 's/0xffff[0-9a-f]*/OBJECT/' |
	tr '\n' ' '; }
want='EINVAL EINVAL EINVAL EINVAL 0 EEXIST 0 ENOENT ENOENT OBJECT EBUSY 0x10 ENOMEM OBJECT    '
same "SLUB" "$want" "$(results)"
grep -q '2 frees of objects that the recording did not allocate' err || fail "unknown frees: $(cat err)"
same "SLAB" "$want" "$(results -S slab=slab)"
same "SLOB" "$want" "$(results -S slab=slob)"
# checked, the second kfree() is known for what it is
same "SLUB with checks" "$want" "$(results -S slub_debug=F)"
grep -q '1 double frees, which the checks of the cache found' err || fail "double frees: $(cat err)"
mm-slab --csv -S slub_debug=F wrong.csv 2> err | grep -q '^slab_err,0xffff.*,good,.*,Object already free,slab$' ||
	fail "a double free is not told"
refused 1 'expected SLAB_ words' mm-slab --csv -t caches <(printf 'event,size,flags,name\ncache_create,64,SLAB_NONE,a\n')
refused 1 'expected GFP words' mm-slab --csv -t caches <(printf 'event,size,flags\nkmalloc,64,GFP_NONE\n')

# ---- one trace through all three, step by step ----

cat > steps.csv <<'END'
time_s,event,addr,size,name
1,mark,,,one
1.5,kmalloc,0x1000,4096,
2.5,kmalloc,0x2000,4096,
3.25,mark,,,two
3.5,kfree,0x1000,,
4.5,kfree,0x2000,,
END
live() { mm-slab --csv -n -t compare steps.csv "$@" -o allocator,live_objects | grep slub | tr '\n' ' '; }
same "compare by steps" "one,slub,2 two,slub,0 " "$(live --every=mark)"
# what happens at 2 s and later is not in the block that ends there
same "compare by seconds" "2,slub,1 3,slub,2 4,slub,1 5,slub,0 " "$(live --every=1)"
same "compare by rows" "1,slub,1 3,slub,2 5,slub,0 " "$(live --every=2ev)"
same "compare at the end" "slub,0 " "$(live)"
# a machine that the trace carries gives way to the command line, and rows say how many CPUs there are if nobody else does
{ echo cpu,event,result,addr,size; echo ,cpus,4,,; echo 3,kmalloc,,0x10,64; } > carried.csv
mm-slab --csv -n -t compare --cpus=2 carried.csv > out 2> err && grep -q 'rows of CPUs beyond' err ||
	fail "compare: --cpus gave way to the trace"
mm-slab --csv -n -t compare carried.csv > out 2> err && ! grep -q CPU err || fail "compare: the trace's CPUs"
sed /cpus/d carried.csv | mm-slab --csv -n -t compare > out 2> err && grep -q 'a machine of 4 CPUs' err &&
	! grep -q 'rows of CPUs beyond' err ||
	fail "compare: CPUs of the first rows"

# ---- pages go down to mm-buddy ----

gunzip -c "$data/manual/kmem.txt.gz" > kmem.txt || exit 99
for k in slub slab slob; do
	mm-slab --csv -S slab=$k kmem.txt 2> err > kmem.csv
	same "free pages, $k" "$(mm-slab --csv -n -t counters kmem.csv 2> err | sed -n 's/^nr_free_pages,//p')" \
		"$(mm-buddy --csv -n -t free kmem.csv 2> err | awk -F, '{ n += $5 * 2 ^ $4 } END { print n }')"
	# and those that are not free are the slabs'
	same "pages of slabs, $k" "$(mm-slab --csv -n -t compare kmem.txt -o allocator,pages 2> err | sed -n "s/^$k,//p")" \
		"$(awk -F, '$4 == "page_alloc" { n += $6 / 4096 } $4 == "page_free" { n -= $6 / 4096 } END { print n }' kmem.csv)"
done

# ---- requests for a node ----

# Pages below 32768 are of node 0, the CPU's.  SLUB's last request is served by the slab of node 1 that the CPU has, SLAB's by the
# CPU's array, whose objects are of node 0, SLOB's by the page that served last.
gunzip -c "$data/kmem/two-nodes.tar.gz" | tar -xf - || exit 99
cat > nodes.csv <<'END'
event,addr,size,flags,name,offset,result
kmalloc,0x1000,100,GFP_KERNEL,,1,
kmalloc,0x2000,100,GFP_KERNEL,,0,
kmalloc,0x3000,100,GFP_KERNEL,,1,
kmalloc,0x4000,100,GFP_KERNEL,,5,
END
for k in slub:3+1 slab:2+2 slob:3+1; do
	same "objects of node 1 and 0, $k" "${k#*:}" \
		"$(mm-slab --csv -n -S slab="${k%:*}" -M machine -t slabs -o pfn,inuse nodes.csv 2> err |
		awk -F, '{ n[$1 >= 32768] += $2 } END { print n[1] "+" n[0] }')"
	grep -q '1 requests for a node that the machine has not' err || { echo "FAIL: no word of node 5, $k"; failed=1; }
done
exit $failed
