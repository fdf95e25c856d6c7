#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Who asks how much memory a program needs is told where the trace cannot say: it has calls alone, or page faults and no other access.
. "${srcdir:-.}/tests/lib.sh"
cd "$tmp" || exit 99

cat > calls.log << 'END'
100 mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000
100 munmap(0x7f0000001000, 4096) = 0
100 exit_group(0) = ?
END
cat > faults.txt << 'END'
p 100/100 1.000001: page-faults: 7f0000000000 401000
p 100/100 1.000002: page-faults: 7f0000001000 401000
p 100/100 1.000003: page-faults: 7f0000002000 401000
END
cat > accesses.csv << 'END'
pid,event,addr,flags
100,exec,,AUTOMAP
100,load,0x7f0000000000,FAULT
100,store,0x7f0000000000,
END
echo pid,event > nothing.csv

# each WANTED FILE: what is said of FILE's accesses, whatever is asked of mm-reclaim
each() {
	for what in '-t summary' '-t lru' '' '--sweep=memory-max=1M..2M:2 --strict' '--policy=lru --memory-max=1M'; do
		mm-reclaim $what "$2" > out 2> err || fail "$what $2: $(cat err)"
		same "$2, '$what'" "$1" "$(sed -n "s/^mm-reclaim: $2: \(.*\), and no .*access is recorded: .* told here$/\1/p" err)"
	done
}
each '2 calls' calls.log
each '3 page faults' faults.txt
each '' accesses.csv
each '' nothing.csv
same "behind another command" 1 "$(mm-vma calls.log | mm-reclaim 2>&1 | grep -c ': 2 calls, and no access')"
same "others do not answer that" 0 "$(for c in mm-vma mm-fault mm-top; do $c calls.log; done 2>&1 | grep -c 'no access')"
exit $failed
