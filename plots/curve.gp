# SPDX-License-Identifier: GPL-2.0-or-later
# Faults and swap traffic against the parameter of a sweep; of a sweep over two, major faults, a line for each value of the second:
#   mm-reclaim --sweep=memory-max=256K..2M:8 --swap=64M -t curve RECORDING | gnuplot -c curve.gp curve.svg
tall = 520; to = ARGC > 0 ? ARG1 : ""; more = ARGC > 1 ? ARG2 : ""
here = system("dirname '".ARG0."'")."/"
load here."common.gp"
if (strlen(need("majflt")) || rows < 1) { system("rm -f ".data); system("echo 'curve.gp: expected the table curve of mm-reclaim' >&2"); exit status 1 }
x = system("head -n 1 ".data." | cut -d, -f 1")
is_bytes = strstrt(x, "_bytes") > 0
y = system("head -n 1 ".data." | cut -d, -f 2")		# the second parameter of a sweep over two
two = !strstrt(",minflt,majflt,pswpin,pswpout,refaults,oom_kill,", ",".y.",")
set title is_bytes ? "Cost of a limit" : "Cost of ".x noenhanced
set xlabel is_bytes ? x[:strlen(x) - 6]." (MiB)" : x noenhanced
set ylabel two ? "major faults" : "events"
set yrange [0:*]
if (is_bytes) { set logscale x 2 }
set key outside right top
scale = is_bytes ? 1048576. : 1.
named(v) = strstrt(y, "_bytes") > 0 ? sprintf("%s %g MiB", y[:strlen(y) - 6], v / 1048576.) : y." ".v
drawn = "majflt".(has("pswpout") ? " pswpout" : "").(has("pswpin") ? " pswpin" : "")
words_of(c) = c eq "majflt" ? "major faults" : c eq "pswpout" ? "pages swapped out" : "pages swapped in"
color(c) = c eq "majflt" ? red : c eq "pswpout" ? blue : green
shape(c) = c eq "majflt" ? 7 : c eq "pswpout" ? 5 : 9
values = two ? distinct(y) : ""
if (two) {
	plot for [i = 1:words(values)] data using (column(1) / scale):(strcol(2) eq word(values, i) ? column("majflt") : NaN) \
		with linespoints lw 2 pt 7 lc i title named(word(values, i)) noenhanced
} else {
	plot for [c in drawn] data using (column(1) / scale):(column(c)) with linespoints lw 2 pt shape(c) lc rgb color(c) title words_of(c)
}
load here."finish.gp"
