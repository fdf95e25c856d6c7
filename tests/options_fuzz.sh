#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Random combinations of every command's options with values that they take, and with values that they do not: each run ends with
# status 0, 1 or 2, in time, and says why when it is not 0. Which options there are the commands tell (--list-options).
# OPTION_FUZZ_RUNS (25): runs of each command; OPTION_FUZZ_SEED (1): which.
. "${srcdir:-.}/tests/lib.sh"
runs=${OPTION_FUZZ_RUNS:-25}
RANDOM=${OPTION_FUZZ_SEED:-1}
ASAN_OPTIONS=exitcode=99:${ASAN_OPTIONS-} UBSAN_OPTIONS=exitcode=99:${UBSAN_OPTIONS-}
export ASAN_OPTIONS UBSAN_OPTIONS
export HOME=$tmp XDG_CONFIG_HOME=$tmp TERM=dumb
# a copy: --oom-report writes a file
mkdir "$tmp/data" || exit 99
cp -r "$data/captures" "$data/manual" "$data/proc-names" "$data/proc-old" "$data/pc-4g.iomem" "$data"/numa.* "$data/oom" "$data/zones" \
	"$data/boots" "$data/memmap" "$data/slub" "$data/faults" "$src/tests/fuzz/corpus" "$tmp/data" || exit 99
cp "$data"/numa/{basic,hint1}.trace.csv "$data"/lab/{devshm,hugetlb,ksm-steps,mix1}.trace.csv "$tmp/data/faults" || exit 99
chmod -R u+w "$tmp/data"
cd "$tmp/data" || exit 99
gunzip -c "$data/kmem/two-nodes.tar.gz" | tar -xf - || exit 99

files=(- /nonexistent . manual/*.csv manual/*.maps manual/*.strace manual/*.slabinfo manual/*.dmesg pc-4g.iomem numa.* corpus/*
	captures/*/proc/zoneinfo captures/*/proc/buddyinfo captures/6.18/proc/200/smaps oom/*.dmesg zones/*.dmesg boots/*.dmesg
	slub/*/caches.csv faults/*.trace.csv trace.txt machine/proc/*)
dirs=(captures/arm64-64k captures/ppc64-64k captures/6.18 captures/sos captures/sos-ps proc-names proc-old manual/guest machine memmap /
	/nonexistent manual)
sizes=(0 1 4096 64K 640K 1M 12M 64M 1G 1.5G 16T 18446744073709551615 -1 1Q '' 5K)
numbers=(0 1 2 3 7 64 100 4096 65536 4294967295 18446744073709551616 -1 0x10 '' x)
words=(help trace '' nosuch , + +pid pid all '%' $'\n' "$(printf 'x%.0s' {1..300})")

pick() { local -n from=$1; picked=${from[RANDOM % ${#from[@]}]}; }

# value OPTION ARGUMENT: one of those that the command tells, or one of that kind, or any word
value() {
	local known
	mapfile -t known <<< "${values[$1]}"
	case $((RANDOM % 8)) in
	0) pick words; return ;;
	1 | 2 | 3 | 4) if [ -n "${known[0]}" ]; then
			pick known
			[[ $picked == *= ]] && picked+=$((RANDOM % 200))
			[[ $2 == PARAM* ]] && picked+=..$((RANDOM % 900)):2
			return
		fi ;;
	esac
	case $2 in
	*SIZE*) pick sizes ;;
	DIR | dir) pick dirs ;;
	*FILE | SRC) pick files; [[ $2 == PID:* ]] && picked=$((RANDOM % 9)):$picked ;;
	INTERVAL) words2=(mark 1ev 100ev 0.5 0 -1 ev); pick words2 ;;
	PARAM*) words2=(ram=8M..64M:2 memory-max=64K..1M:3 swap=0..1M:2 ram=1..2 vm.swappiness=0..200:2 =..: memory-max=1M..64K:2 x=1..2:2)
	pick words2 ;;
	*ADDR*) words2=(0 0x1000 100000000000 7:100000000000 1:0 :: 7:x 0xffffffffffffffff); pick words2 ;;
	SECS) picked=0.0$((RANDOM % 3)) ;;
	*) pick numbers ;;
	esac
}

declare -A values
for c in mm-iomem mm-buddy mm-slab mm-vma mm-fault mm-reclaim mm-top mm-vmstat; do
	mapfile -t options < <($c --list-options)
	values=()
	for line in "${options[@]}"; do
		IFS=$'\t' read -r name _ arg _ <<< "$line"
		[ -n "$arg" ] && values[$name]=$($c --list-values="${name#--}" 2> /dev/null < /dev/null | cut -f 1)
	done
	for ((run = 0; run < runs; run++)); do
		args=()
		for ((n = RANDOM % 5; n > 0; n--)); do
			IFS=$'\t' read -r name letter arg _ <<< "${options[RANDOM % ${#options[@]}]}"
			case $name in
			--check) continue ;;				# slow by design
			--every) [ $c = mm-buddy ] && continue ;;	# of the live system it goes on until it is ended
			--iterations | --delay) continue ;;		# below
			esac
			if [ -z "$arg" ]; then
				[ "$letter" != - ] && ((RANDOM % 2)) && name=-$letter
				args+=("$name")
			else
				value "$name" "$arg"
				args+=("$name=$picked")
			fi
		done
		[ $c = mm-top ] && args+=(-b --iterations=$((1 + RANDOM % 2)) --delay=0.01)
		if ((RANDOM % 3)); then
			pick files
			args+=("$picked")
		fi
		timeout -k 5 60 $c "${args[@]}" > "$tmp/out" 2> "$tmp/err" < /dev/null
		got=$?
		case $got in
		0) ;;
		1 | 2) [ -s "$tmp/err" ] || fail "$c ${args[*]@Q}: status $got, and not a word" ;;
		*) fail "$c ${args[*]@Q}: status $got: $(head -c 300 "$tmp/err")" ;;
		esac
		grep -aq 'runtime error:\|Sanitizer' "$tmp/err" && fail "$c ${args[*]@Q}: $(head -c 600 "$tmp/err")"
	done
done
exit $failed
