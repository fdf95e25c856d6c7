#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Several userfaultfds, and what they are told beside faults. Expected results follow fs/userfaultfd.c of Linux 6.6 row by row.
. "${srcdir:-.}/tests/lib.sh"
cd "$tmp" || exit 99
results() { mm-fault --csv "$@" | awk -F, \
	'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next } $c["by"] == "" && /uffd_/ { printf "%s%s", n++ ? " " : "", $c["result"] }'; }
told() { mm-fault --csv "$@" | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next } $c["event"] == "uffd_event" {
	print $c["pid"], $c["name"], substr($c["flags"], 12), $c["addr"], $c["size"], $c["addr2"] }'; }

# Who registered first has the VMA: EBUSY for another, also where only a part of the range is taken, and nothing changes.
# A name that is not open is EBADF; opening twice EEXIST. Anybody may unregister (6.6 does not ask whose it is).
# After b's close its part is nobody's, so a may have all of it.
cat > owners.csv <<'END'
pid,event,addr,size,flags,name
1,mmap,0x100000000000,16384,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED,
1,uffd_open,,,UFFD_FEATURE_SIGBUS,a
1,uffd_open,,,,a
1,uffd_open,,,,b
1,uffd_register,0x100000000000,8192,UFFDIO_REGISTER_MODE_MISSING,a
1,uffd_register,0x100000001000,8192,UFFDIO_REGISTER_MODE_MISSING,b
1,uffd_register,0x100000002000,8192,UFFDIO_REGISTER_MODE_MISSING,b
1,uffd_zeropage,0x100000000000,4096,,c
1,load,0x100000000000,8,,
1,load,0x100000002000,8,,
1,uffd_unregister,0x100000000000,4096,,b
1,load,0x100000000000,8,,
1,uffd_close,,,,b
1,load,0x100000002000,8,,
1,uffd_register,0x100000000000,16384,UFFDIO_REGISTER_MODE_MISSING,a
1,uffd_close,,,,b
END
same "owners" "0 EEXIST 0 0 EBUSY 0 EBADF 0 0 0 EBADF" "$(results owners.csv)"
same "whose fault it is" "sigbus uffd ok ok" "$(mm-fault --csv owners.csv 2> err | awk -F, '$2 == "load" { print $7 }' | paste -sd' ')"
# the same modes of two descriptors do not make one VMA; of one they do
same "VMAs of two" "2" "$(head -n 8 owners.csv | mm-fault --csv -n -t smaps | grep -c .)"
same "a field of its own forbids the merge" "userfaultfd" "$(head -n 8 owners.csv | mm-vma --csv -n -t merges -o below | tail -n 1)"
same "VMAs of one" "1" "$(mm-fault --csv -n -t smaps owners.csv | grep -c .)"

# a asks for all, b for nothing. A child has ranges of a's alone, by a descriptor of its own with the same name; what mremap
# moves stays a's. The range that makes room is told of before the move, the old place after it; madvise before it acts.
cat > events.csv <<'END'
pid,event,addr,size,flags,name,addr2,size2,result
1,mmap,0x100000000000,65536,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED,,,,
1,uffd_open,,,UFFD_FEATURE_SIGBUS|UFFD_FEATURE_EVENT_FORK|UFFD_FEATURE_EVENT_REMAP|UFFD_FEATURE_EVENT_REMOVE|UFFD_FEATURE_EVENT_UNMAP,a,,,
1,uffd_open,,,UFFD_FEATURE_SIGBUS,b,,,
1,uffd_register,0x100000000000,32768,UFFDIO_REGISTER_MODE_MISSING,a,,,
1,uffd_register,0x100000008000,32768,UFFDIO_REGISTER_MODE_MISSING,b,,,
1,fork,,,,,,,2
2,load,0x100000000000,8,,,,,
2,load,0x100000008000,8,,,,,
2,uffd_copy,0x100000000000,4096,,a,,,
2,load,0x100000000000,8,,,,,
2,uffd_zeropage,0x100000001000,4096,,b,,,
1,madvise,0x100000007000,8192,MADV_DONTNEED,,,,
1,mremap,0x100000000000,8192,MREMAP_MAYMOVE|MREMAP_FIXED,,0x100000004000,8192,
1,load,0x100000004000,8,,,,,
1,mremap,0x100000008000,4096,MREMAP_MAYMOVE|MREMAP_FIXED,,0x100000020000,4096,
1,load,0x100000020000,8,,,,,
1,munmap,0x100000002000,32768,,,,,
1,mmap,0x100000000000,65536,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED,,,,
2,munmap,0x100000000000,4096,,,,,
END
same "accesses under two" "sigbus ok ok sigbus ok" \
	"$(mm-fault --csv events.csv 2> err | awk -F, '$2 == "load" { print $9 }' | paste -sd' ')"
same "answers for the child" "0 EBADF" "$(results events.csv | cut -d' ' -f5-)"
same "what they are told" "1 a FORK   
1 a REMOVE 0x100000007000 4096 
1 a UNMAP 0x100000004000 8192 
1 a REMAP 0x100000000000 8192 0x100000004000
1 a UNMAP 0x100000000000 8192 
1 a UNMAP 0x100000002000 32768 
2 a UNMAP 0x100000000000 4096 " "$(told events.csv)"

# UFFD_FEATURE_WP_UNPOPULATED: a page that is not there can be write-protected. A read maps the zero page, a write makes the
# page, both write-protected; the write then is told of. Without the feature nothing holds the mark.
cat > unpopulated.csv <<'END'
pid,event,addr,size,flags,name
1,mmap,0x100000000000,12288,PROT_READ|PROT_WRITE|MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED,
1,uffd_open,,,UFFD_FEATURE_WP_UNPOPULATED,a
1,uffd_register,0x100000000000,12288,UFFDIO_REGISTER_MODE_WP,a
1,uffd_writeprotect,0x100000000000,8192,UFFDIO_WRITEPROTECT_MODE_WP,a
1,load,0x100000000000,8,,
1,store,0x100000000000,8,,
1,store,0x100000001000,8,,
1,store,0x100000002000,8,,
END
same "of pages that are not there" "ok uffd uffd ok" \
	"$(mm-fault --csv unpopulated.csv 2> err | awk -F, '$2 == "load" || $2 == "store" { print $7 }' | paste -sd' ')"
same "and without" "ok ok ok ok" \
	"$(sed 's/UFFD_FEATURE_WP_UNPOPULATED//' unpopulated.csv | mm-fault --csv 2> err |
	awk -F, '$2 == "load" || $2 == "store" { print $7 }' | paste -sd' ')"
exit $failed
