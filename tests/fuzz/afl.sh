#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# AFL++ on what the commands read from standard input: afl.sh SOURCES [SECONDS [JOB...]], in a folder where it may build. Each job is one
# command with one kind of seed; the findings of all stay in afl/out/JOB. Status 1: there is one. Without AFL++ it says so and is done.
set -eu
src=$(cd "${1:?usage: afl.sh SOURCES [SECONDS [JOB...]]}" && pwd)
seconds=${2:-60}
[ $# -gt 2 ] && shift 2 || shift $#
wanted=" $* "
for tool in afl-clang-fast afl-fuzz; do
	command -v $tool > /dev/null || { echo "SKIP: $tool is not there (Debian: afl++)"; exit 0; }
done

# No core handler, no fixed clock rate, no terminal: none of this is to stop a run in a container. Seeds are short: trimming them would take
# most of a run of minutes
AFL_DISABLE_TRIM=1 AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_UI=1 AFL_NO_AFFINITY=1 AFL_QUIET=1
AFL_AUTORESUME=1 AFL_IGNORE_TIMEOUTS=0 AFL_USE_ASAN=1 AFL_USE_UBSAN=1
ASAN_OPTIONS=abort_on_error=1:symbolize=0:detect_leaks=0:allocator_may_return_null=1
UBSAN_OPTIONS=abort_on_error=1:halt_on_error=1:symbolize=0
export AFL_DISABLE_TRIM AFL_SKIP_CPUFREQ AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES AFL_NO_UI AFL_NO_AFFINITY AFL_QUIET AFL_AUTORESUME
export AFL_USE_ASAN AFL_USE_UBSAN ASAN_OPTIONS UBSAN_OPTIONS

mkdir -p afl/build afl/out
(cd afl/build && { [ -f Makefile ] || "$src/configure" --quiet CC=afl-clang-fast CFLAGS='-O1 -g' --disable-shared --disable-tests; } &&
	make -s)

# seed JOB FILE...: what AFL begins with; longer files only by their first 8 KiB, which is quicker
seed() {
	into=afl/in/$1
	shift
	mkdir -p "$into"
	for f in "$@"; do
		case $f in
		*.gz) gzip -dc "$f" ;;
		*) cat "$f" ;;
		esac 2> /dev/null | head -c 8192 > "$into/$(basename "$f" .gz)"
	done
}

findings=0
# job NAME COMMAND...
job() {
	name=$1
	shift
	case $wanted in
	'  ' | *" $name "*) ;;
	*) return 0 ;;
	esac
	echo "== $name: $*"
	program=afl/build/$1
	shift
	afl-fuzz -i "afl/in/$name" -o "afl/out/$name" -V "$seconds" -t 3000 -m none -- "$program" "$@" > "afl/out/$name.log" 2>&1 || {
		tail -n 15 "afl/out/$name.log"
		exit 1
	}
	for f in "afl/out/$name"/default/crashes/id* "afl/out/$name"/default/hangs/id*; do
		[ -f "$f" ] || continue
		echo "finding: $program $* < $f"
		findings=$((findings + 1))
	done
	sed -n 's/^\(execs_done\|corpus_count\|edges_found\) *: /\1 /p' "afl/out/$name/default/fuzzer_stats" | paste -s -d ' '
}

corpus=$src/tests/fuzz/corpus
manual=$src/tests/data/manual
printf 'pid,event,addr\n7,mark,\n' > afl/one.csv
small='--ram=64M --swap=16M'
seed csv "$corpus/trace"* "$manual/first.csv" "$manual/fork.csv" "$manual/merge.csv" "$src"/tests/data/faults/*.trace.csv
seed kernel-csv "$src"/tests/data/lab/ksm-*.trace.csv "$src"/tests/data/lab/hugetlb.trace.csv "$corpus/trace"*
seed lackey "$corpus/lackey" "$src/tests/data/sort.lackey.gz"
seed strace "$corpus/strace" "$manual/dash.strace"
seed perf "$corpus/perf"
seed pages "$corpus/ftrace-pages" "$manual/kmem.txt.gz"
seed objects "$corpus/ftrace" "$corpus/trace-slab"
seed oom "$corpus/oom" "$src"/tests/data/oom/*.dmesg
seed explain "$corpus/oom" "$src"/tests/data/oom/6.6-basic.dmesg "$manual/oom.dmesg"
seed maps "$corpus/maps" "$manual/dash.maps"
seed map "$corpus/iomem" "$corpus/dmesg" "$src"/tests/data/boots/n*.dmesg
seed buddyinfo "$corpus/buddyinfo" "$corpus/pagetypeinfo" "$src/tests/data/numa.buddyinfo"
seed slabinfo "$corpus/slabinfo" "$manual/before.slabinfo"
seed policy "$corpus/trace" "$manual/first.csv"
seed vmstat "$corpus/trace-swap" "$manual/hog.csv"
seed top "$corpus/trace-fork" "$manual/fork.csv"

job csv mm-fault --csv $small --memory-max=2M --check
job kernel-csv mm-fault --csv $small -t smaps
job lackey mm-fault --csv $small --from=lackey -t faults
job strace mm-vma --csv $small --from=strace -t maps
job perf mm-fault --csv $small --check -t faults
job pages mm-buddy --csv $small -t free
job objects mm-slab --csv $small -t caches
job oom mm-reclaim --csv --explain-oom=-
job explain mm-buddy --csv --explain -
job maps mm-vma --csv -t maps --seed=7:/dev/stdin afl/one.csv
job map mm-iomem --csv -t zones -
job buddyinfo mm-buddy --csv -t frag
job slabinfo mm-slab --csv
job policy mm-reclaim --csv --policy=lru,clock,opt --memory-max=64K
job top mm-top -b -n 1 --csv $small -
job vmstat mm-vmstat --csv $small -
echo "$findings findings"
[ $findings = 0 ]
