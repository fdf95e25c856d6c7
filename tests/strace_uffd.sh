#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# userfaultfd in an strace log: rows of its calls, in each of the forms that strace has (-X, -y), and whose they are.
. "${srcdir:-.}/tests/lib.sh"
cd "$tmp" || exit 99
rows() { mm-vma --csv -t trace "$1" 2> err | cut -d, -f2-7,11 | grep uffd; }

words=$data/vma/uffd.strace
cat > want << 'EOF'
100,uffd_open,,,UFFD_USER_MODE_ONLY|UFFD_FEATURE_EVENT_REMAP|UFFD_FEATURE_EVENT_UNMAP,userfaultfd:100:3,0
100,uffd_register,0x7f0000008000,65536,UFFDIO_REGISTER_MODE_MISSING,userfaultfd:100:3,0
100,uffd_register,0x7f0000020000,65536,UFFDIO_REGISTER_MODE_MISSING|UFFDIO_REGISTER_MODE_WP,userfaultfd:100:3,0
100,uffd_copy,0x7f0000008000,16384,,userfaultfd:100:3,0
100,uffd_copy,0x7f0000020000,8192,UFFDIO_COPY_MODE_WP,userfaultfd:100:3,0
100,uffd_copy,0x7f0000008000,4096,,userfaultfd:100:3,EEXIST
100,uffd_zeropage,0x7f000000c000,8192,,userfaultfd:100:3,0
100,uffd_unregister,0x7f0000014000,16384,,userfaultfd:100:3,0
100,uffd_wake,0x7f0000008000,16384,,userfaultfd:100:3,0
100,uffd_close,,,,userfaultfd:100:3,0
EOF
rows "$words" > got
diff want got || fail "rows of ${words##*/}"
grep -q 'left out 1 calls of userfaultfd whose addresses the log does not tell (first in line 11)' err ||
	fail "a call of an address alone: $(cat err)"
grep -q 'does not show whole' err && fail "a line was not understood: $(cat err)"

# What is registered does not merge with what is not; closed, nothing of it is left.
spans() { mm-vma --csv -t maps "$1" 2> err | grep 0x7f0000 | cut -d, -f2,3; }
sed '/ dup(3)/,$d' "$words" > open.strace
printf '0x7f00000%s\n' 00000,0x7f0000008000 08000,0x7f0000014000 14000,0x7f0000020000 20000,0x7f0000030000 30000,0x7f0000040000 > want
spans open.strace > got
diff want got || fail "mappings of open.strace"
echo 0x7f0000000000,0x7f0000040000 > want
spans "$words" > got
diff want got || fail "mappings of ${words##*/}"

# -X raw, -X verbose and -y say the same.
sed -e 's/UFFD_USER_MODE_ONLY|O_CLOEXEC/0x80001/; s/UFFDIO_API/0xc018aa3f/; s/UFFDIO_REGISTER,/0xc020aa00,/; s/UFFDIO_COPY,/0xc028aa03,/
	s/UFFDIO_ZEROPAGE,/0xc020aa04,/; s/UFFDIO_WRITEPROTECT,/0xc018aa06,/; s/UFFDIO_UNREGISTER,/0x8010aa01,/; s/UFFDIO_WAKE,/0x8010aa02,/
	s/UFFD_FEATURE_EVENT_REMAP|UFFD_FEATURE_EVENT_UNMAP/0x44/; s/UFFDIO_REGISTER_MODE_MISSING|UFFDIO_REGISTER_MODE_WP/0x3/
	s/UFFDIO_REGISTER_MODE_MISSING/0x1/; s/UFFDIO_COPY_MODE_WP/0x2/' "$words" > raw.strace
sed -e 's/UFFD_USER_MODE_ONLY|O_CLOEXEC/0x80001 \/* & *\//; s/UFFDIO_API/0xc018aa3f \/* & *\//
	s/UFFD_FEATURE_EVENT_REMAP|UFFD_FEATURE_EVENT_UNMAP/0x44 \/* & *\//; s/mode=\(UFFDIO_REGISTER[A-Z_|]*\)/mode=0x9 \/* \1 *\//' \
	-e 's/ioctl(3/&<anon_inode:[userfaultfd]>/; s/ = 3$/&<anon_inode:[userfaultfd]>/; s/close(3/&<anon_inode:[userfaultfd]>/' \
	"$words" > verbose.strace
rows "$words" > want
for log in raw verbose; do
	cmp -s "$words" $log.strace && fail "$log.strace: nothing was replaced"
	rows $log.strace > got
	diff want got || fail "rows of $log.strace"
done

# A child has the descriptor too: what it does with it is of its parent's memory. One of before the log has no name.
cat > tasks.strace << 'EOF'
100 execve("/bin/app", ["app"], 0x7ffc0000 /* 1 vars */) = 0
100 mmap(NULL, 65536, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000
100 openat(AT_FDCWD, "/dev/userfaultfd", O_RDWR|O_CLOEXEC) = 5
100 ioctl(5, USERFAULTFD_IOC_NEW, O_CLOEXEC) = 6
100 ioctl(6, UFFDIO_API, {api=0xaa, features=0 => features=0x1ffff, ioctls=0x8000000000000003}) = 0
100 ioctl(6, UFFDIO_REGISTER, {range={start=0x7f0000000000, len=0x10000}, mode=UFFDIO_REGISTER_MODE_MISSING, ioctls=0x13c}) = 0
100 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f11) = 101
101 ioctl(6, UFFDIO_COPY, {dst=0x7f0000000000, src=0x55b953e26000, len=0x1000, mode=0, copy=0x1000}) = 0
101 ioctl(9, UFFDIO_API, {api=0xaa, features=UFFD_FEATURE_SIGBUS => features=0x1ffff, ioctls=0x3}) = 0
101 ioctl(9, UFFDIO_WAKE, {start=0x7f0000000000, len=0x4000}) = 0
101 close(6) = 0
EOF
cat > want << 'EOF'
100,uffd_open,,,,userfaultfd:100:4,0
100,uffd_register,0x7f0000000000,65536,UFFDIO_REGISTER_MODE_MISSING,userfaultfd:100:4,0
100,uffd_copy,0x7f0000000000,4096,,userfaultfd:100:4,0
101,uffd_open,,,UFFD_FEATURE_SIGBUS,,0
101,uffd_wake,0x7f0000000000,16384,,,0
EOF
rows tasks.strace > got
diff want got || fail "rows of tasks.strace"

# "21<<MAP_HUGE_SHIFT" begins no path.
cat > huge.strace << 'EOF'
100 execve("/bin/app", ["app"], 0x7ffc0000 /* 1 vars */) = 0
100 mmap(NULL, 4194304, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_HUGETLB|21<<MAP_HUGE_SHIFT, -1, 0) = 0x7f0000c00000
EOF
[ "$(spans huge.strace)" = 0x7f0000c00000,0x7f0001000000 ] || fail "a mapping of 2M pages: $(cat err)"
exit $failed
