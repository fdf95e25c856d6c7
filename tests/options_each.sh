#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Each option that all commands share, with each way of working: it works, or it is refused in one line that names it. One that is new must
# be told of here. Passed over is alone what the commands of a pipeline are given alike.
. "${srcdir:-.}/tests/lib.sh"
export HOME=$tmp XDG_CONFIG_HOME=$tmp TERM=dumb
cd "$tmp" || exit 99
system=$data/captures/arm64-64k guest=$data/manual/guest names=$data/proc-names
commands='mm-iomem mm-buddy mm-slab mm-vma mm-fault mm-reclaim mm-top mm-vmstat'
cat > trace.csv <<'END'
time_s,pid,event,addr,size,flags,result
0.5,7,mmap,0,16384,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS,0x7f0000000000
0.6,7,store,0x7f0000000000,8,,
0.7,7,load,0x7f0000001000,8,,
END
cat > kmem.csv <<'END'
time_s,event,addr,size,flags,result
0.5,page_alloc,,4096,GFP_KERNEL,
0.6,kmalloc,0xffff888000000000,64,GFP_KERNEL,
0.7,kfree,0xffff888000000000,,,
END
printf 'name,object_size\na,64\n' > layout.csv
slabinfo=$(ls "$data"/manual/*.slabinfo | head -n 1)
log=$(ls "$data"/oom/*.dmesg | head -n 1)

# The shared options: those that every command lists.
for c in $commands; do
	$c --list-options | cut -f 1
done | sort | uniq -c | awk '$1 == 8 { print $2 }' > shared
known='--automap --bytes --check --cpus --csv --every --from --human --live --machine --memory-max --noheadings --output --page-size
	--progress --ram --strict --swap --sysctl --sysroot --table'
same "the shared options" "$(echo $known)" "$(paste -sd' ' shared)"
for c in $commands; do
	same "options of $c that are the shared ones" 21 "$($c --list-options | cut -f 1 | grep -cxFf shared)"
done

# each WORKS TABLE COLUMN FROM COMMAND...: the options of WORKS work, and those given alike (tried once a command); all others are refused
alike='--ram --memory-max --swap --sysctl --cpus --strict --progress --check'
declare -A tried
each() {
	local works=" $1 $alike " table=$2 column=$3 from=$4 option value got
	shift 4
	[ "${tried[$1]-}" ] && works="${works% "$alike" } ${alike// /? }? "
	tried[$1]=1
	for option in $(cat shared); do
		case $option in
		--table) value==$table ;;
		--output) value==$column ;;
		--from) value==$from ;;
		--every) value==1ev ;;
		--sysroot) value==$guest ;;
		--page-size) value==4096 ;;
		--machine) value==pc-4g ;;
		--ram) value==1G ;;
		--memory-max | --swap) value==64M ;;
		--sysctl) value==vm.min_free_kbytes=8192 ;;
		--cpus) value==2 ;;
		*) value= ;;
		esac
		case $works in *" $option?"*) continue ;; esac		# works, and has its test elsewhere
		timeout 20 "$@" "$option$value" > out 2> err < "${input:-/dev/null}"
		got=$?
		case $works in
		*" $option "*)
			[ $got = 0 ] || fail "$* $option$value: expected it to work, found status $got: $(cat err)" ;;
		*)
			[ $got = 1 ] || [ $got = 2 ] || fail "$* $option$value: expected it to be refused, found status $got"
			[ -s out ] && fail "$* $option$value: is refused and prints: $(head -n 2 out)"
			got=$(< err)
			[[ $got == *"$option"* && $got != *$'\n'* ]] ||
				fail "$* $option$value: expected a line with its name, found: $got" ;;
		esac
	done
}
form='--table --output --noheadings --bytes --csv --human'

each "$form --page-size" regions start iomem mm-iomem "$data/pc-4g.iomem"
each "$form --page-size --live --sysroot? --ram?" zones node iomem mm-iomem --sysroot="$guest" -t zones
each "--human --page-size" regions start iomem mm-iomem --map "$data/pc-4g.iomem"
each "$form --page-size --from" free zone buddyinfo mm-buddy "$data/numa.buddyinfo"
each "$form --page-size --live --sysroot? --every?" free zone buddyinfo mm-buddy --sysroot="$system"
each "$form --machine" free zone buddyinfo mm-buddy -M pc-4g
each "$form --machine" explain zone buddyinfo mm-buddy -M pc-4g --explain=3
each "$form --machine --from" trace event trace mm-buddy kmem.csv
each "$form --machine --from --every" free zone trace mm-buddy -t free kmem.csv
each "$form --page-size --from" caches name slabinfo mm-slab "$slabinfo"
each "$form --machine" layout name - mm-slab -t layout layout.csv
each "$form --machine --from --every" compare allocator trace mm-slab -t compare kmem.csv
each "$form --machine --from" trace event trace mm-slab kmem.csv
each "$form --machine --from --every" caches name trace mm-slab -t caches kmem.csv
each "$form --live --sysroot?" maps pid maps mm-vma --sysroot="$data/captures/6.18"
each "$form --machine --from --automap" trace event trace mm-vma trace.csv
each "$form --machine --from --automap --every" maps pid trace mm-vma -t maps trace.csv
for c in mm-fault mm-reclaim; do
	each "$form --machine --from --automap" trace event trace $c trace.csv
	each "$form --machine --from --automap --every" counters counter trace $c -t counters trace.csv
done
each "$form --machine --from --automap" curve minflt trace \
	mm-reclaim --sweep=memory-max=1M..2M:2 trace.csv
each "$form --from" policy faults trace mm-reclaim --policy=lru --memory-max=64K trace.csv
each "$form --page-size" oom pid dmesg mm-reclaim --explain-oom="$log"
each "$form --page-size --live --sysroot?" oom pid dmesg mm-reclaim -t oom --sysroot="$data/captures/6.18"
each "${form/--human} --page-size --live --sysroot?" tasks pid trace mm-top -n 1 --sysroot="$data/captures/6.18" --csv
each "--table --noheadings --output --human --page-size --live --sysroot?" tasks pid trace \
	mm-top -n 1 --sysroot="$data/captures/6.18" --human
each "$form --machine --from --automap --every" simulated pid trace mm-top trace.csv
each "${form/--human} --page-size --live --sysroot?" vmstat r trace mm-vmstat --sysroot="$names" --csv
each "--table --noheadings --bytes --human --page-size --live --sysroot?" vmstat r trace mm-vmstat --sysroot="$names" --human
each "$form --machine --from --automap --every" machine r trace mm-vmstat trace.csv

# What contradicts, of any command.
for c in $commands; do
	refused 2 '^mm-[a-z]*: --csv and --human contradict' $c --csv --human /dev/null
	refused 2 'choose one' $c --live trace.csv
done
same "--live beside --sysroot" "$(mm-buddy --sysroot="$system")" "$(mm-buddy --live --sysroot="$system")"
refused 2 'is a machine, and so is --machine' mm-buddy -M pc-4g "$data/pc-4g.iomem"
refused 2 'of process 7 once' mm-vma --seed=7:a --seed=7:b trace.csv
refused 2 '--seed has no meaning' mm-fault --seed=7:/dev/null -t faults "$data/pc-4g.iomem"
refused 2 '--bytes and -S contradict' mm-vmstat --bytes -S M --sysroot="$guest"
refused 2 'asked for twice' mm-vma -t maps -o pid,pid trace.csv
refused 2 "no column 'nosuch'; the nearest is" mm-vma -t maps -o nosuch trace.csv
refused 2 'slab= too' mm-slab -t compare -S slab=slob kmem.csv
refused 2 '--oom-score-adj needs' mm-reclaim --oom-score-adj=1:0 trace.csv
same "'+NAME' of one that is there" "$(mm-vma -t maps trace.csv)" "$(mm-vma -t maps -o +pid trace.csv)"

# --bytes: what is in KiB becomes bytes, and its name tells so.
vm() { mm-vmstat --csv --sysroot="$names" "$@" | tail -n 1; }
same "--bytes of mm-vmstat" $((1024 * $(vm --output=free_kib))) "$(vm --bytes --output=free_bytes)"
same "and its name" swpd_bytes "$(mm-vmstat --csv --bytes --output=swpd_kib --sysroot="$names" | head -n 1)"
same "--bytes of -s" "$(mm-vmstat --csv -s --sysroot="$names" |
	awk -F, -v OFS=, '$3 == "KiB" { $2 = sprintf("%.0f", $2 * 1024); $3 = "bytes" } { print }')" \
	"$(mm-vmstat --csv -s --bytes --sysroot="$names")"
same "--bytes of vmstat's form" "$(mm-vmstat --human -w --sysroot="$names" |
	awk 'END { printf "%.0f %.0f %d\n", 1024 * $4, 1024 * $9, $11 }')" \
	"$(mm-vmstat --human -w --bytes --sysroot="$names" | awk 'END { print $4, $9 - $9 % 1024, $11 }')"
same "--bytes of mm-top" "$(mm-top -b -n 1 --csv --output=pid,res_kib,code_kib --sysroot="$data/captures/6.18" |
	awk -F, 'NR == 1 { print "pid,res_bytes,code_bytes"; next } { print $1 "," $2 * 1024 "," ($3 == "" ? "" : $3 * 1024) }')" \
	"$(mm-top -b -n 1 --csv --bytes --output=pid,res_bytes,code_bytes --sysroot="$data/captures/6.18")"
same "--bytes of a trace" "virt_bytes 16384 virt_kib 16" \
	"$(echo $(mm-top --csv --bytes --output=virt_bytes trace.csv; mm-top --csv --output=virt_kib trace.csv))"

# Numbers at the edges.
for bad in -1 1e999 18446744073709551616 ' 5' '5 ' '' 0x 1KiBs 1.5.5K; do
	for option in --swap --ram --memory-max --page-size; do
		refused 2 "$option: expected" mm-reclaim "$option=$bad" trace.csv
	done
	refused 2 '--cpus: expected' mm-reclaim --cpus="$bad" trace.csv
	refused 2 '--every: expected' mm-reclaim -t summary --every="$bad" trace.csv
done
swap() {
	mm-reclaim --swap="$1" trace.csv |
		awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i } $c["name"] == "swap" { print $c["result"] }'
}
for size in 64K 64k 64KiB 65536 0x10000; do
	same "--swap=$size" 65536 "$(swap $size)"
done

# What 'help' lists is what is offered and what is taken.
for c in $commands; do
	$c --table=help | sed -n 's/^\([a-z_]*\): .*/\1/p' | sort > help
	$c --list-values=table | cut -f 1 | grep -v '^trace$' | sort > offered
	cmp -s help offered || fail "$c: tables: $(diff help offered)"
	for list in machine from sysctl; do
		[ $c--$list = mm-iomem--from ] && continue
		$c --$list=help | awk '{ print $1 }' | sort > help
		$c --list-values=$list | cut -f 1 | sed 's/=$//' | sort > offered
		cmp -s help offered || fail "$c: --$list: $(diff help offered)"
	done
done
for c in mm-buddy mm-slab mm-vma; do
	for format in $($c --list-values=from | cut -f 1); do
		[ "$format" = dmesg ] && explain=--explain || explain=
		$c --from="$format" $explain /dev/null > out 2> err
		grep -q 'is no format' err && fail "$c --from=$format: $(cat err)"
	done
done
for name in $(mm-vma --list-values=machine | cut -f 1 | grep -v live); do
	mm-buddy -M "$name" -t zones > out 2> err || fail "-M $name: $(cat err)"
done
exit $failed
