# SPDX-License-Identifier: GPL-2.0-or-later
# Pages on the LRU lists over time, of the last memory cgroup of the table:
#   mm-reclaim --memory-max=640K --swap=64M -t lru --every=100000ev RECORDING | gnuplot -c lru.gp lru.svg
tall = 520; to = ARGC > 0 ? ARG1 : ""; more = ARGC > 1 ? ARG2 : ""
here = system("dirname '".ARG0."'")."/"
load here."common.gp"
if (strlen(need("list pages memcg"))) { system("rm -f ".data); system("echo 'lru.gp: expected the table lru of mm-reclaim --every=INTERVAL' >&2"); exit status 1 }
time = system("head -n 1 ".data." | cut -d, -f 1")
group = last("memcg")
lists = distinct("list")
color(name) = name eq "active_anon" || name eq "anon" ? red : name eq "inactive_anon" ? orange : \
	name eq "active_file" || name eq "file" ? blue : name eq "inactive_file" ? 0x74b3e0 : grey
set title "Pages on the LRU lists of ".group noenhanced
set format x tics_of(time)
set xlabel time noenhanced
set ylabel "pages of 4 KiB"
set yrange [0:*]
set key outside right
plot for [l in lists] data using (column(time)):(strcol("memcg") eq group && strcol("list") eq l ? column("pages") : 0) \
	smooth frequency with lines lw 2 lc rgb color(l) title l noenhanced
load here."finish.gp"
