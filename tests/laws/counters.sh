#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Law: what counters.def says that nothing counts is counted nowhere, and the others are: by name, or as a zone's or list's of a family.
set -u
src=${srcdir:-.}
failed=0
code=$(find "$src/libmm" -name '*.[ch]' ! -name 'table_*' -exec cat {} +)

# From a family's first member the others are reached by adding a zone or a list.
families='PG(ALLOC|SKIP)_(DMA32|NORMAL|MOVABLE)|ALLOCSTALL_(DMA32|NORMAL|MOVABLE)|NR_ZONE_(ACTIVE_ANON|UNEVICTABLE)'
single='VMA_LOCK_MISS'	# a fault that meets another CPU's change: events happen one after another here, so never

sed -n 's/^X(\([A-Z0-9_]*\),[^,]*,[[:space:]]*\([A-Z_]*\))$/\1 \2/p' "$src/libmm/include/libmm/counters.def" > counters.$$
while read -r name kind; do
	if printf '%s\n' "$code" | grep -qw "MM_$name"; then counted=1; else counted=0; fi
	case $kind in
	NO_*)	[ $counted = 0 ] || { echo "FAIL: $name is said not to be modelled, but libmm names it"; failed=1; } ;;
	*)	[ $counted = 1 ] || printf '%s\n' "$name" | grep -qxE "$families|$single" ||
			{ echo "FAIL: $name is said to be modelled, but nothing counts it"; failed=1; } ;;
	esac
done < counters.$$
[ "$(wc -l < counters.$$)" -gt 150 ] || { echo "FAIL: counters.def was not understood"; failed=1; }
rm -f counters.$$
exit $failed
