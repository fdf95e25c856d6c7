# SPDX-License-Identifier: GPL-2.0-or-later
# What the shell tests share: . "${srcdir:-.}/tests/lib.sh". They are run in the build directory; $tmp is theirs, $src the sources, $bin the
# commands' folder, which is in PATH. A test ends with: exit $failed
set -u
src=$(cd "${srcdir:-.}" && pwd)
bin=$PWD
data=$src/tests/data
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
# The programs themselves: libtool's script before each takes ten times as long to start.
programs=()
for c in "$bin"/mm-*; do
	[ -x "$bin/.libs/${c##*/}" ] && c=$bin/.libs/${c##*/}
	[ -f "$c" ] && programs+=("$c")
done
LD_LIBRARY_PATH=$bin/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
# MM_RUN: what each command is run behind (valgrind, an emulator)
mkdir "$tmp/bin" || exit 99
if [ -n "${MM_RUN:-}" ]; then
	for c in "${programs[@]}"; do
		printf '#!/bin/sh\nexec %s %s "$@"\n' "$MM_RUN" "$c" > "$tmp/bin/${c##*/}"
		chmod +x "$tmp/bin/${c##*/}"
	done
else
	ln -s "${programs[@]}" "$tmp/bin"
fi
bin=$tmp/bin
PATH=$bin:$PATH
failed=0

fail() { echo "FAIL: $*"; failed=1; }

# same WHAT EXPECTED FOUND
same() { [ "$2" = "$3" ] || fail "$1: expected $2, found $3"; }

# prints WHY EXPECTED COMMAND...: standard output is exactly EXPECTED
prints() {
	local why=$1 want=$2
	shift 2
	"$@" > "$tmp/out" 2> "$tmp/err" < /dev/null || fail "$why: status $?: $(cat "$tmp/err")"
	[ "$(cat "$tmp/out")" = "$want" ] || fail "$why: $(diff <(echo "$want") "$tmp/out" | head -5)"
}

# fails STATUS PATTERN COMMAND...: this status, and a line like this on stderr; what was read before may be printed
fails() {
	local want=$1 pattern=$2 got
	shift 2
	timeout ${MM_TIMEOUT:-20} "$@" > "$tmp/out" 2> "$tmp/err" < /dev/null
	got=$?
	[ "$got" = "$want" ] || fail "$*: expected status $want, found $got"
	grep -qE -- "$pattern" "$tmp/err" || fail "$*: expected /$pattern/, found: $(cat "$tmp/err")"
}

# refused STATUS PATTERN COMMAND...: the same, and nothing on stdout
refused() {
	fails "$@"
	shift 2
	[ -s "$tmp/out" ] && fail "$*: wrote to standard output: $(head -2 "$tmp/out")"
}

# zone NAME FREE MIN SPANNED MANAGED START_PFN [LINE...]: a zone of node 0 as /proc/zoneinfo has it, with other lines of it
zone() {
	printf 'Node 0, zone %8s\n  pages free     %s\n        min      %s\n' "$1" "$2" "$3"
	printf '        low      %s\n        high     %s\n' $(($3 + $3 / 4)) $(($3 + $3 / 4 * 2))
	printf '        spanned  %s\n        present  %s\n        managed  %s\n' "$4" "$4" "$5"
	[ $# = 6 ] || printf '      %s\n' "${@:7}"
	printf '  start_pfn:           %s\n' "$6"
}
