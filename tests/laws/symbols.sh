#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Law: what the shared library exports is what libmm/libmm.map lists and what the installed headers declare: no less, no more.
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
# The other way: what the headers declare, without what they define themselves.
for h in "$src"/libmm/include/libmm/*.h; do
	echo "#include <libmm/${h##*/}>"
done | ${CC:-cc} -std=gnu11 -E -P -I"$src/libmm/include" -x c - | tr '\n;}' ' \n\n' | grep -v '{' |
	sed -n 's/.*[ *]\(mm_[a-z0-9_]*\)(.*/\1/p' | sort -u > "$tmp/declared"
[ "$(wc -l < "$tmp/declared")" -gt 100 ] || { echo "the declarations of the headers were not found"; bad=1; }
comm -13 "$tmp/map" "$tmp/declared" > "$tmp/more"
while read -r sym; do
	echo "$sym is declared in an installed header but not in libmm.map"
	bad=1
done < "$tmp/more"
exit $bad
