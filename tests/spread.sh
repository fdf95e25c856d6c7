#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The recipe of mm-reclaim(1) that spreads a sweep over machines: with GNU parallel on this machine alone.
. "${srcdir:-.}/tests/lib.sh"
parallel --version 2> /dev/null | grep -q 'GNU parallel' || { echo "SKIP: GNU parallel is not installed"; exit 77; }
cd "$tmp" || exit 99
cp "$src/tests/data/manual/hog.csv" app.trace || exit 99
export PARALLEL_HOME=$tmp

parallel --sshlogin : --transferfile app.trace --keep-order \
	"mm-reclaim --swap=64M --sweep=memory-max={}..{}:1 app.trace -n 2> /dev/null" ::: 32M 64M 128M 256M > spread
mm-reclaim --swap=64M --sweep=memory-max=32M..256M:4 app.trace -n > whole 2> /dev/null
cmp spread whole || { echo "FAIL: the points of a sweep that is spread are not those of the sweep"; exit 1; }
[ "$(wc -l < whole)" = 4 ] || { echo "FAIL: expected 4 points"; exit 1; }
