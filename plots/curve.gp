# SPDX-License-Identifier: GPL-2.0-or-later
# Faults and swap traffic against the parameter of a sweep:
#   mm-reclaim --sweep=memory-max=256K..2M:8 --swap=64M -t curve RECORDING | gnuplot -c curve.gp curve.svg
tall = 520; to = ARGC > 0 ? ARG1 : ""; more = ARGC > 1 ? ARG2 : ""
here = system("dirname '".ARG0."'")."/"
load here."common.gp"
if (strlen(need("majflt")) || rows < 1) { system("rm -f ".data); system("echo 'curve.gp: expected the table curve of mm-reclaim' >&2"); exit status 1 }
x = system("head -n 1 ".data." | cut -d, -f 1")
is_bytes = strstrt(x, "_bytes") > 0
set title "Cost of a limit"
set xlabel is_bytes ? x[:strlen(x) - 6]." (MiB)" : x noenhanced
set ylabel "events"
set yrange [0:*]
if (is_bytes) { set logscale x 2 }
set key top right
scale = is_bytes ? 1048576. : 1.
plot data using (column(1) / scale):(column("majflt")) with linespoints lw 2 pt 7 lc rgb red title "major faults", \
	"" using (column(1) / scale):(has("pswpout") ? column("pswpout") : NaN) with linespoints lw 2 pt 5 lc rgb blue title "pages swapped out", \
	"" using (column(1) / scale):(has("pswpin") ? column("pswpin") : NaN) with linespoints lw 2 pt 9 lc rgb green title "pages swapped in"
load here."finish.gp"
