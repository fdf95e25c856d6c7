/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ELF files: the program headers, checked, as a loader reads them; scripts: whom they name.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/elf.h"

static int read_at(int fd, void *buf, size_t n, uint64_t offset)
{
	ssize_t got;

	if (offset > INT64_MAX)
		return -ENOEXEC;
	got = pread(fd, buf, n, (off_t)offset);
	if (got < 0)
		return -errno;
	return (size_t)got == n ? 0 : -ENOEXEC;
}

static int read_interp(int fd, const Elf64_Phdr *ph, struct mm_elf *elf)
{
	int e;

	if (ph->p_filesz < 2 || ph->p_filesz > sizeof(elf->interp))
		return -ENOEXEC;
	e = read_at(fd, elf->interp, (size_t)ph->p_filesz, ph->p_offset);
	if (e || elf->interp[ph->p_filesz - 1])
		return e ? e : -ENOEXEC;
	elf->has_interp = true;
	return 0;
}

static int add_segment(const Elf64_Phdr *ph, struct mm_elf *elf)
{
	uint64_t end;

	if (elf->nr == MM_ELF_MAX_SEGMENTS || ph->p_filesz > ph->p_memsz ||
	    __builtin_add_overflow(ph->p_vaddr, ph->p_memsz, &end) || end >= UINT64_C(1) << 56 ||
	    (ph->p_vaddr - ph->p_offset) % MM_PAGE_SIZE ||
	    (elf->nr && ph->p_vaddr < elf->seg[elf->nr - 1].vaddr))
		return -ENOEXEC;
	elf->seg[elf->nr++] = (struct mm_elf_segment){
		.offset = ph->p_offset, .vaddr = ph->p_vaddr, .filesz = ph->p_filesz, .memsz = ph->p_memsz,
		.align = ph->p_align, .flags = ph->p_flags & 7,
	};
	return 0;
}

static int read_headers(int fd, struct mm_elf *elf)
{
	Elf64_Ehdr eh;
	int e = read_at(fd, &eh, sizeof(eh), 0);

	if (e)
		return e;
	if (memcmp(eh.e_ident, ELFMAG, SELFMAG) || eh.e_ident[EI_CLASS] != ELFCLASS64 || eh.e_machine != EM_X86_64 ||
	    (eh.e_type != ET_EXEC && eh.e_type != ET_DYN) || eh.e_phentsize != sizeof(Elf64_Phdr))
		return -ENOEXEC;
	elf->type = eh.e_type;
	for (uint32_t i = 0; !e && i < eh.e_phnum && i < 4096; i++) {
		Elf64_Phdr ph;

		e = read_at(fd, &ph, sizeof(ph), eh.e_phoff + i * sizeof(ph));
		if (!e && ph.p_type == PT_LOAD)
			e = add_segment(&ph, elf);
		else if (!e && ph.p_type == PT_INTERP)
			e = read_interp(fd, &ph, elf);
		else if (!e && ph.p_type == PT_GNU_RELRO) {
			elf->relro_vaddr = ph.p_vaddr;
			elf->relro_size = ph.p_memsz;
		}
	}
	return !e && !elf->nr ? -ENOEXEC : e;
}

/* "#! interpreter argument": its first word into @interp.  Source: fs/binfmt_script.c load_script(). */
static int script_interp(int fd, char *interp, size_t size)
{
	char buf[257];
	ssize_t got = pread(fd, buf, sizeof(buf) - 1, 0);
	const char *line;
	size_t n;

	if (got < 2 || buf[0] != '#' || buf[1] != '!')
		return -ENOEXEC;
	buf[got] = 0;
	line = buf + 2 + strspn(buf + 2, " \t");
	n = strcspn(line, " \t\n");
	if (!n || n >= size || (!line[n] && got == sizeof(buf) - 1))
		return -ENOEXEC;	/* none, or cut off */
	memcpy(interp, line, n);
	interp[n] = 0;
	return 0;
}

int mm_script_read(const char *path, char *interp, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), e;
	struct stat st;

	if (fd < 0)
		return -errno;
	e = fstat(fd, &st) || !S_ISREG(st.st_mode) ? -ENOEXEC : script_interp(fd, interp, size);
	close(fd);
	return e;
}

int mm_elf_read(const char *path, struct mm_elf *elf)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), e = -ENOEXEC;
	struct stat st;

	if (fd < 0)
		return -errno;
	*elf = (struct mm_elf){ 0 };
	if (!fstat(fd, &st) && S_ISREG(st.st_mode)) {
		elf->file_size = (uint64_t)st.st_size;
		e = read_headers(fd, elf);
	}
	close(fd);
	return e;
}
