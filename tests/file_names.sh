#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Files of an strace log that come to have, lose or pass on a name: what is one file in the kernel is one here, and two are two. The
# expected mappings and sizes are worked out from the calls.
. "${srcdir:-.}/tests/lib.sh"
cd "$tmp" || exit 99

files() { mm-vma --csv -n "$@" log 2> err | awk -F, '$3 ~ /^(file|truncate|mmap)$/ { print $3 "," $7 "," $5 }' | paste -sd' '; }
names() { mm-vma --csv -n -t maps -o name log 2> err | sort | paste -sd,; }
inodes() { mm-vma --csv -n -t maps -o name,inode log 2> err | sort | paste -sd' '; }
read_kib() { mm-reclaim --csv -t summary log 2> err | sed -n 's/^pgpgin,//p'; }

# two files without a name in one directory; the second of a name that was removed
cat > log << 'END'
openat(AT_FDCWD, "/tmp", O_RDWR|O_EXCL|O_TMPFILE, 0600) = 3
ftruncate(3, 8192) = 0
openat(AT_FDCWD, "/tmp", O_RDWR|O_TMPFILE, 0600) = 4
ftruncate(4, 4096) = 0
mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_SHARED, 3, 0) = 0x7f0000004000
mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 4, 0) = 0x7f0000003000
openat(AT_FDCWD, "/dev/shm/x", O_RDWR|O_CREAT, 0600) = 5
ftruncate(5, 8192) = 0
mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_SHARED, 5, 0) = 0x7f0000001000
unlink("/dev/shm/x") = 0
openat(AT_FDCWD, "/dev/shm/x", O_RDWR|O_CREAT, 0600) = 6
ftruncate(6, 4096) = 0
mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 6, 0) = 0x7f0000000000
ftruncate(5, 12288) = 0
openat(AT_FDCWD, "/dev/shm/x", O_RDWR) = 7
ftruncate(7, 16384) = 0
END
same "names" "/dev/shm/x,/dev/shm/x,/tmp/#,/tmp/#" "$(names)"
same "sizes" "file,/tmp/#,8192 mmap,/tmp/#,8192 file,/tmp/# (2),4096 mmap,/tmp/# (2),4096 file,/dev/shm/x,8192 mmap,/dev/shm/x,8192 \
file,/dev/shm/x (2),4096 mmap,/dev/shm/x (2),4096 truncate,/dev/shm/x,12288 truncate,/dev/shm/x (2),16384" "$(files)"
# the same where descriptors are shown with their paths, as new and old straces do
for gone in '>(deleted)' ' (deleted)>'; do
	sed -i 's/unlink.*/unlinkat(AT_FDCWD<\/>, "\/dev\/shm\/x", 0) = 0/; s/= \([567]\)$/= \1<\/dev\/shm\/x>/
		s/\([(,] *\)\([67]\)<*[^,]*,/\1\2<\/dev\/shm\/x>,/; s/ftruncate(5.*, 12288/ftruncate(5<\/dev\/shm\/x'"$gone"', 12288/' log
	same "shown$gone" "file,/dev/shm/x (2),4096 mmap,/dev/shm/x (2),4096 truncate,/dev/shm/x,12288 truncate,/dev/shm/x (2),16384" \
		"$(files | grep -o 'file,/dev/shm/x (2).*')"
done
# O_EXCL succeeds: who removed the old one is not in the log; a directory's removal is no file's, nor one that failed
cat > log << 'END'
openat(AT_FDCWD, "/dev/shm/x", O_RDWR|O_CREAT|O_EXCL, 0600) = 3
mmap(NULL, 4096, PROT_READ, MAP_SHARED, 3, 0) = 0x7f0000001000
openat(AT_FDCWD, "/dev/shm/x", O_RDWR|O_CREAT|O_EXCL, 0600) = 4
mmap(NULL, 4096, PROT_READ, MAP_SHARED, 4, 0) = 0x7f0000000000
unlink("/dev/shm/x") = -1 EACCES (Permission denied)
unlinkat(AT_FDCWD, "/dev/shm/x", AT_REMOVEDIR) = -1 ENOTDIR (Not a directory)
open("/dev/shm/x", O_RDONLY) = 5
mmap(NULL, 4096, PROT_READ, MAP_SHARED, 5, 0) = 0x7effffff0000
END
same "O_EXCL" "/dev/shm/x,1 /dev/shm/x,2 /dev/shm/x,2" "$(inodes)"

# names as long as the kernel lets them be are told whole
long=$(printf '%0240d' 1)
printf '%s\n' "memfd_create(\"$long\", 0) = 3" 'ftruncate(3, 8192) = 0' \
	'mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_SHARED, 3, 0) = 0x7f0000004000' > log
same "a long name" "/memfd:$long (deleted)" "$(names)"
same "a long name in smaps" "/memfd:$long (deleted)" "$(mm-fault --csv -n -t smaps -o name log 2> err)"

# written under one name and read under another: it is in memory; what had that name is another file
cat > log << 'END'
openat(AT_FDCWD, "new", O_WRONLY|O_CREAT|O_TRUNC, 0600) = 3
write(3, "x"..., 8192) = 8192
close(3) = 0
rename("new", "there") = 0
openat(AT_FDCWD, "there", O_RDONLY) = 3
read(3, "x"..., 8192) = 8192
read(3, "", 8192) = 0
END
same "renamed" 0 "$(read_kib)"
sed 's/rename("new", "there")/renameat2(AT_FDCWD, "new", AT_FDCWD, "there", RENAME_NOREPLACE)/' log > l && mv l log
same "renameat2" 0 "$(read_kib)"
sed '/^rename/d' log > l && mv l log
same "not renamed" 8 "$(read_kib)"
cat > log << 'END'
open("/dev/shm/a", O_RDWR|O_CREAT, 0600) = 3
open("/dev/shm/b", O_RDWR|O_CREAT, 0600) = 4
renameat2(AT_FDCWD, "/dev/shm/a", AT_FDCWD, "/dev/shm/b", RENAME_EXCHANGE) = 0
open("/dev/shm/a", O_RDWR) = 5
mmap(NULL, 4096, PROT_READ, MAP_SHARED, 5, 0) = 0x7f0000001000
rename("/dev/shm/a", "/dev/shm/c") = 0
open("/dev/shm/a", O_RDWR|O_CREAT, 0600) = 6
mmap(NULL, 4096, PROT_READ, MAP_SHARED, 6, 0) = 0x7f0000000000
open("/dev/shm/c", O_RDWR) = 7
mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, 7, 0) = 0x7effffff0000
rename("/dev/shm/elsewhere", "/dev/shm/c") = 0
open("/dev/shm/c", O_RDWR) = 8
mmap(NULL, 4096, PROT_READ, MAP_SHARED, 8, 0) = 0x7efffffe0000
END
same "exchanged and passed on" "/dev/shm/a (2),/dev/shm/b,/dev/shm/b,/dev/shm/c (2)" "$(names)"
exit $failed
