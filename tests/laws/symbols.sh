#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Law: what the shared library exports is what libmm/libmm.map lists, and each of those is declared in an installed header.
set -u
src=${srcdir:-.}
lib=.libs/libmm-tools.so
[ -f "$lib" ] || { echo "no shared library was built"; exit 77; }
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
sed -n 's/^[ \t]*\(mm_[a-z0-9_]*\);$/\1/p' "$src/libmm/libmm.map" | sort > "$tmp/map"
nm -D --defined-only "$lib" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort > "$tmp/exported"
bad=0
[ -s "$tmp/map" ] || { echo "the symbol map is empty"; bad=1; }
diff "$tmp/map" "$tmp/exported" > "$tmp/diff" || { echo "libmm.map (<) and what is exported (>) differ:"; cat "$tmp/diff"; bad=1; }
while read -r sym; do
	grep -qw "$sym" "$src"/libmm/include/libmm/*.h || { echo "$sym is exported but in no installed header"; bad=1; }
done < "$tmp/map"
exit $bad
