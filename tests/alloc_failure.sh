#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Host memory that runs out under a whole command (tests/fail_alloc.c): one allocation fails, alone and with all that follow. The command
# then says so and ends with status 1, or it could do without and prints what it prints otherwise; it never crashes, hangs or prints
# something else, and what it holds at its end is no more than without a failure; what malloc() leaves in errno is no failure. Of many
# allocations some are taken (ALLOC_POINTS=1000000: all), which ones says ALLOC_SEED.
. "${srcdir:-.}/tests/lib.sh"
points=${ALLOC_POINTS:-12}
seed=${ALLOC_SEED:-1}
[ -z "${SANITIZERS-}${MM_RUN-}" ] || { echo "these bring an allocator of their own"; exit 77; }
${CC:-cc} -shared -fPIC -O1 -D_GNU_SOURCE -o "$tmp/fail.so" "$src/tests/fail_alloc.c" -ldl 2> "$tmp/err" || { cat "$tmp/err"; exit 77; }
cd "$src" || exit 99
export LC_ALL=C TZ=UTC HOME=$tmp XDG_CONFIG_HOME=$tmp
manual=tests/data/manual
corpus=tests/fuzz/corpus
runs=0

# ended HOW AT COMMAND...: what it printed is in $out and $err
ended() {
	local status
	: > "$tmp/log"
	timeout 60 env FAIL_HOW="$1" FAIL_AT="$2" FAIL_LOG="$tmp/log" LD_PRELOAD="$tmp/fail.so" "$bin/$3" "${@:4}" \
		< "${input:-/dev/null}" > "$tmp/out" 2> "$tmp/err"
	status=$?
	[ $3 != mm-top ] || sed -i '/^top - /d' "$tmp/out"	# the time of day
	IFS= read -r -d '' out < "$tmp/out"
	IFS= read -r -d '' err < "$tmp/err"
	return $status
}

ended alone 0 mm-iomem --version && [ -s "$tmp/log" ] && [ ! -s "$tmp/err" ] || { cat "$tmp/err"; exit 77; }

# places ALL: of that many the first, the last, some of any, and some near the end, where the machine is booted and rows are replayed; of a
# few, as where a capture's files are read, all
places() {
	local n few=$((points / 4))
	[ "$1" -gt $((3 * points)) ] || { seq "$1"; return; }
	RANDOM=$((seed + runs))
	{
		seq $few
		for ((n = 0; n < few; n++)); do
			echo $((1 + (RANDOM * 32768 + RANDOM) % $1)) $(($1 - RANDOM % ($1 / 8)))
		done
		seq $(($1 - few + 1)) "$1"
	} | tr ' ' '\n' | sort -nu
}

# job COMMAND...: with the file $input as its standard input
job() {
	local all held left n status how want
	ended alone 0 "$@"
	status=$? want=$out
	[ $status = 0 ] && read -r all held < "$tmp/log" || { fail "$*: status $status: ${err:0:200}"; return; }
	ended noise 0 "$@" || fail "errno alone: $*: status $?: ${err:0:200}"
	[ "$out" = "$want" ] || fail "errno alone: $*: another output: $(diff <(printf %s "$want") "$tmp/out" | head -3)"
	for n in $(places "$all"); do
		for how in alone on; do
			runs=$((runs + 1))
			ended $how "$n" "$@"
			status=$?
			case $status in
			0) [ "$out" = "$want" ] || fail "$how $n of $all: $*: status 0, and another output:" \
				"$(diff <(printf %s "$want") "$tmp/out" | head -3)" ;;
			1) [[ $err == "$1: "* || $err == *$'\n'"$1: "* ]] || fail "$how $n of $all: $*: no word of it: ${err:0:200}" ;;
			*) fail "$how $n of $all: $*: status $status: ${err:0:200}" ;;
			esac
			read -r _ left < "$tmp/log" && [ "$left" -gt "$held" ] &&
				fail "$how $n of $all: $*: $left blocks were not freed, $held without a failure"
		done
	done
}

job mm-iomem -M pc-4g -t summary
job mm-iomem tests/data/zones/6.1-6G.dmesg -t zones
job mm-iomem "$corpus/dmesg" -t regions
job mm-iomem --sysroot="$manual/guest" -t nodes
job mm-iomem --sysroot=tests/data/captures/sos -t zones
job mm-iomem --sysroot=tests/data/captures/ppc64-64k -t summary
job mm-iomem -M pc-4g --lookup=0x117800123
job mm-iomem -M pc-4g --map
job mm-buddy -M pc-4g
job mm-buddy -t frag tests/data/numa.buddyinfo
job mm-buddy tests/data/numa.pagetypeinfo
job mm-buddy --sysroot="$manual/guest"
job mm-buddy -M tests/data/captures/6.18 -t free
job mm-buddy --explain "$manual/oom.dmesg"
job mm-buddy --ram=64M "$manual/pages.csv"
job mm-buddy -M "$manual/guest" "$corpus/trace-zones"
job mm-vma -M tests/data/boots/n2mc.dmesg "$corpus/trace-boot"
input=$corpus/ftrace-pages job mm-buddy --ram=64M -t types
job mm-slab --before="$manual/before.slabinfo" "$manual/after.slabinfo"
job mm-slab -t layout --cpus=4 tests/data/slub/6.6-cpus4/caches.csv
job mm-slab -t slabs "$corpus/trace-slab"
job mm-slab -t compare "$corpus/trace-slab"
input=$corpus/ftrace job mm-slab --ram=64M -S slab=slab -t caches
job mm-vma --from=strace --seed="18764:$manual/dash.maps" -t merges "$manual/dash.strace"
job mm-vma "$manual/join.csv"
job mm-vma --sysroot=tests/data/captures/6.18 -t maps
job mm-vma -t limits "$manual/dash.strace"
job mm-fault "$manual/fork.csv"
job mm-fault -t smaps --seed="7:$manual/dash.maps" "$manual/first.csv"
job mm-fault --explain=1000:0x100000001000 "$manual/first.csv"
job mm-fault -t numa_maps tests/data/numa/basic.trace.csv
job mm-fault --automap -t faults "$corpus/lackey"
job mm-fault "$manual/uffd.csv"
job mm-fault --ram=96M -S thp=madvise --swap=256M -t trace tests/data/lab/swap8.trace.csv
job mm-reclaim -S captured_lists=1 -t summary "$corpus/trace-zones"
job mm-reclaim --ram=64M --swap=16M -t summary tests/data/faults/random.trace.csv
job mm-reclaim --memory-max=1M --swap=16M -S lru_gen=1 -t lru "$manual/fork.csv"
job mm-reclaim --ram=64M --swap=16M --memory-max=600K -S lru_gen=1 -t memcg "$manual/hog.csv"
job mm-reclaim --sweep=memory-max=1M..2M:2 --swap=16M "$manual/first.csv"
job mm-reclaim --policy=lru,opt --memory-max=64K "$manual/fork.csv"
job mm-reclaim --explain-oom="$manual/oom.dmesg"
job mm-reclaim --sysroot=tests/data/proc-names -t oom
job mm-reclaim --ram=128M --oom-report="$tmp/report" -t memory_files "$manual/hog.csv"
job mm-top -b -n1 --csv --sysroot=tests/data/proc-names
mkdir "$tmp/mm-tools" && printf 'fields=PID,COMMAND\n' > "$tmp/mm-tools/toprc"
job mm-top -b -n1 --human -c --sysroot=tests/data/proc-names -o RES
job mm-top -b -n1 --csv --sysroot=tests/data/captures/sos-ps
job mm-top -b -n1 --csv "$manual/fork.csv"
job mm-vmstat --sysroot=tests/data/proc-old
job mm-vmstat -d --sysroot=tests/data/proc-old
job mm-vmstat -d --csv --sysroot=tests/data/proc-names
job mm-vmstat --csv --sysroot=tests/data/captures/arm64-64k
job mm-vmstat -s --sysroot=tests/data/proc-names
job mm-vmstat --csv "$manual/fork.csv"
echo "$runs runs"
exit $failed
