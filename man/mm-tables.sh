#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Writes mm-tables.5 from what the commands themselves say of their tables (--table=help).
# The commands must be on PATH.  tests/manuals.sh holds the page in man/ against this.
set -eu
commands='mm-iomem mm-buddy mm-slab mm-vma mm-fault mm-reclaim mm-vmstat mm-top'

cat << 'EOF'
.\" SPDX-License-Identifier: GPL-2.0-or-later
.\" Made by man/mm-tables.sh from the commands' own help; edit that, or the tables.
.Dd November 22, 2026
.Dt MM-TABLES 5
.Os
.Sh NAME
.Nm mm-tables
.Nd the tables that the mm commands print, with their columns
.Sh DESCRIPTION
A table is the state of one part of memory management, one row a thing: a zone, a
mapping, a cache, a process.
.Fl t Ar NAME
.Po Fl -table Ns = Ns Ar NAME
in
.Xr mm-top 1
and
.Xr mm-vmstat 1 Pc
chooses one,
.Fl o Ar LIST
.Pq Fl -output Ns = Ns Ar LIST
its columns and their order;
.Ql + Ns Ar column
adds one to those that are printed anyway.
Columns marked
.Dq only with --output
are printed only when they are asked for.
.Pp
Into a pipe or file a table is CSV (RFC 4180) with one header row of the names below; on a
terminal it is aligned, and sizes are shown with units unless
.Fl b
is given.
Where the terminal is too narrow, columns that were not asked for with
.Fl o
and are empty in all rows are left out, then headings are broken, then columns that are 0 in all rows go too.
An empty field is a value that is not known or does not apply, never 0.
.Pp
Names end in their unit:
.Li _bytes , _kib , _pages
(of 4096 bytes; of a capture the pages of its machine),
.Li _pfn
(page frames),
.Li _pct , _s .
Addresses are hexadecimal with
.Li 0x .
.Li end
is the last byte, inclusive, of physical ranges
.Pq as in Pa /proc/iomem
and the first byte past a virtual range
.Pq as in Pa /proc/PID/maps .
.Pp
With
.Fl -every
the table is printed again and again, led by a column that is not listed here:
.Li time_s
.Pq Fl -every Ns =0.5 ,
.Li seq
(the number of the cause row, from 0;
.Fl -every Ns =100ev )
or
.Li mark
.Pq Fl -every Ns =mark .
EOF
for command in $commands; do
	printf '.Sh TABLES OF %s\n' "$(tr a-z A-Z <<< "$command")"
	"$command" --table=help < /dev/null | sed "s/^/$command /"
	printf '%s \n' "$command"
done | awk '
function flush() {
	if (name == "")
		return
	printf ".Ss %s\n%s\n", name, sentence(help)
	if (body in seen) {
		printf "The columns are those of\n.Li %s\nof\n.Xr %s 1 .\n", name, seen[body]
	} else {
		seen[body] = command
		printf ".Bl -tag -width \"fragmentation_index\" -compact\n%s.El\n", body
	}
	name = body = ""
}
function sentence(s) { return text(toupper(substr(s, 1, 1)) substr(s, 2)) "." }
function text(s) { gsub(/\\/, "\\e", s); return s ~ /^[.\047]/ ? "\\\\&" s : s }
/^\.Sh/ { print; next }
{ command = $1; line = substr($0, length($1) + 2) }
line == "" { flush(); next }
line ~ /^  / {
	column = line; sub(/^  /, "", column); sub(/ .*/, "", column)
	what = line; sub(/^  [^ ]+ */, "", what)
	body = body ".It Li " column "\n" text(what) "\n"
	next
}
{ name = line; sub(/: .*/, "", name); help = line; sub(/^[^:]*: /, "", help) }'
cat << 'EOF'
.Sh SEE ALSO
.Xr mm-trace 5 ,
.Xr mm-tools 7
EOF
