# SPDX-License-Identifier: GPL-2.0-or-later
# Unusable free space of a zone over time, one line an order (0: all that is free would serve; 1: nothing would):
#   mm-buddy -t frag --every=1000ev KMEM-RECORDING | gnuplot -c fragmentation.gp frag.svg [ZONE]
tall = 520; to = ARGC > 0 ? ARG1 : ""; more = ARGC > 1 ? ARG2 : ""
here = system("dirname '".ARG0."'")."/"
load here."common.gp"
if (strlen(need("zone order unusable_index"))) { system("rm -f ".data); system("echo 'fragmentation.gp: expected the table frag of mm-buddy --every=INTERVAL' >&2"); exit status 1 }
time = system("head -n 1 ".data." | cut -d, -f 1")
zone_ = strlen(more) ? more : last("zone")
set title "Free memory of zone ".zone_." that does not serve an order"
set format x tics_of(time)
set xlabel time noenhanced
set ylabel "unusable free space index"
set yrange [0:1.02]
set key outside right
set palette defined (1 "#74b3e0", 5 "#8a63b5", 10 "#c43a3a")
unset colorbox
plot for [o = 1:10] data using (strcol("zone") eq zone_ && column("order") == o ? column(time) : NaN):(column("unusable_index")) \
	with lines lw 2 lc palette frac (o - 1) / 9. title sprintf("order %d", o)
load here."finish.gp"
