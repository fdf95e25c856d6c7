#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# mm-fault's own options. Expected figures are counted by hand from the traces below: one fault a page and no more.
set -u
PATH=$PWD:$PATH
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 99
failed=0

same() {	# WHAT EXPECTED FOUND
	[ "$2" = "$3" ] || { echo "FAIL: $1: expected $2, found $3"; failed=1; }
}
faults() { mm-fault --csv -t faults -o minflt,majflt,segv,sigbus -n "$@"; }

# a process that begins with four pages of memory and one that may only be read
cat > seed.maps <<'END'
7f0000000000-7f0000004000 rw-p 00000000 00:00 0
7f0000004000-7f0000005000 r--p 00000000 00:00 0
END
cat > seeded.csv <<'END'
pid,event,addr,size,flags
100,store,0x7f0000000000,8,
100,store,0x7f0000003000,8,
100,store,0x7f0000003ff8,8,
100,store,0x7f0000004000,8,
100,load,0x7f0000005000,8,
100,mmap,,4096,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS
100,store,0x7fffffffe000,8,
END
seed="--seed=100:seed.maps --mmap-base=0x7ffffffff000"
# shellcheck disable=SC2086
{
same "faults of a seeded process" 3,0,2,0 "$(faults $seed seeded.csv)"
same "mm-vma | mm-fault" 3,0,2,0 "$(mm-vma --csv $seed seeded.csv | faults $seed)"
}
mm-fault --seed=100 seeded.csv 2> err; same "a seed without a file" 2 $?
mm-fault --seed=100:missing seeded.csv > out 2> err; same "a seed that is not there" 1 $?

exit $failed
