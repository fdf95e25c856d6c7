#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Sampling for hours: no sample is lost and memory does not grow. The clock is a made one (tests/soak_clock.c): a second's sleep takes
# no time. SOAK_SAMPLES (1800): samples of a second each; "make soak" takes a day's 86400.
. "${srcdir:-.}/tests/lib.sh"
samples=${SOAK_SAMPLES:-1800}
[ -n "${SANITIZERS-}" ] && { echo "a sanitizer wants to be loaded first: the clock cannot be"; exit 77; }
[ -r /proc/self/statm ] || exit 77
${CC:-cc} -shared -fPIC -O1 -D_GNU_SOURCE -o "$tmp/clock.so" "$src/tests/soak_clock.c" 2> "$tmp/err" || { cat "$tmp/err"; exit 77; }
TZ=UTC LC_ALL=C.UTF-8 HOME=$tmp XDG_CONFIG_HOME=$tmp SOAK_EVERY=$((samples / 6)) SOAK_LOG=$tmp/rss
export TZ LC_ALL HOME XDG_CONFIG_HOME SOAK_EVERY SOAK_LOG

# soak WHAT COMMAND...: its output's first column is the time of the sample; each of $samples seconds must stand there.
# Of memory: after a sixth of the way it has all that it needs; a kernel's page-in of more code and a busy system's
# longer list of processes are not growth, 64 pages are.
soak() {
	local what=$1
	shift
	rm -f "$SOAK_LOG"
	LD_PRELOAD=$tmp/clock.so "$@" 2> "$tmp/err" < /dev/null | awk -F, '
		NR > 1 && $1 != last {
			last = $1
			split(last, t, /[- :]/)
			now = mktime(t[1] " " t[2] " " t[3] " " t[4] " " t[5] " " t[6])
			if (nr++ && now != before + 1)
				print "gap at " last
			before = now
		}
		END { print nr + 0 }' > "$tmp/out"
	same "$what: samples" "$samples" "$(cat "$tmp/out")"
	[ -s "$tmp/err" ] && fail "$what: $(head -1 "$tmp/err")"
	awk -v what="$what" 'NR == 1 { first = $2 } { last = $2; nr = NR } END {
		if (nr < 3 || last > first + 64) { print "FAIL: " what ": resident pages " first " -> " last " in " nr " looks";
		exit 1 } }' \
		"$SOAK_LOG" || failed=1
	[ -n "${SOAK_SAMPLES-}" ] && echo "$what: $samples samples, resident pages $(head -1 "$SOAK_LOG" |
		cut -d' ' -f2) -> $(tail -1 "$SOAK_LOG" | cut -d' ' -f2)"
}

# the first sample of mm-vmstat is that since the boot; mm-top's two first are one
soak "mm-vmstat, capture" mm-vmstat --csv --sysroot="$data/proc-names" --output=time,r,free_kib,si_kib_s -t 1 "$samples"
soak "mm-top, capture" mm-top -b --csv --sysroot="$data/proc-names" --output=time,pid,res_kib,cpu_pct -d 1 -n "$samples"
soak "mm-vmstat, live" mm-vmstat --csv --output=time,r,free_kib,si_kib_s -t 1 "$samples"
soak "mm-top, live" mm-top -b --csv --output=time,pid,res_kib,cpu_pct,oom_score -d 1 -n "$samples"
exit $failed
