#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Law: what counters.def says that nothing counts is counted nowhere, and the others are: by name, or as a zone's or list's of a family.
set -u
src=${srcdir:-.}
failed=0
find "$src/libmm" -name '*.[ch]' ! -name 'table_*' -exec grep -ohE '\<MM_[A-Z0-9_]+\>' {} + | sort -u > named.$$

# From a family's first member the others are reached by adding a zone or a list.
families='PG(ALLOC|SKIP)_(DMA32|NORMAL|MOVABLE)|ALLOCSTALL_(DMA32|NORMAL|MOVABLE)|NR_ZONE_(ACTIVE_ANON|UNEVICTABLE)'
single='VMA_LOCK_MISS'	# a fault that meets another CPU's change: events happen one after another here, so never

sed -n 's/^X(\([A-Z0-9_]*\),[^,]*,[[:space:]]*\([A-Z_]*\))$/\1 \2/p' "$src/libmm/include/libmm/counters.def" > counters.$$
awk -v families="^($families|$single)\$" '
	FNR == NR { named[$1] = 1; next }
	$2 ~ /^NO_/ { if ("MM_" $1 in named) { print "FAIL: " $1 " is said not to be modelled, but libmm names it"; failed = 1 } next }
	!("MM_" $1 in named) && $1 !~ families { print "FAIL: " $1 " is said to be modelled, but nothing counts it"; failed = 1 }
	END { exit failed }' named.$$ counters.$$ || failed=1
[ "$(wc -l < counters.$$)" -gt 150 ] || { echo "FAIL: counters.def was not understood"; failed=1; }
rm -f counters.$$ named.$$
exit $failed
