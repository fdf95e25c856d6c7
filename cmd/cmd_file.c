/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file that a command writes: it is written beside its place under a name of its own and takes its place when it is
 * whole, so that whoever ends the command, and when, the place holds the old file or all of the new one.  What is not a
 * plain file (a terminal, a pipe, a link such as /dev/stdout) is written as it comes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"

static char *unfinished;		/* the one that is being written: where the process ends meanwhile it goes */

static void remove_unfinished(void)
{
	if (unfinished)
		unlink(unfinished);
}

static FILE *open_fresh(struct cmd_file *f)
{
	mode_t mask = umask(0);
	FILE *out;
	int fd;

	umask(mask);
	if (asprintf(&f->fresh, "%s.XXXXXX", f->path) < 0) {
		f->fresh = NULL;
		errno = ENOMEM;
		return NULL;
	}
	fd = mkostemp(f->fresh, O_CLOEXEC);
	if (fd < 0)
		return NULL;
	out = fchmod(fd, 0666 & ~mask) ? NULL : fdopen(fd, "w");
	if (!out) {
		int e = errno;

		close(fd);
		unlink(f->fresh);
		errno = e;
	}
	return out;
}

int cmd_file_begin(struct cmd_file *f, const char *path, struct mm_error *err)
{
	struct stat st;

	*f = (struct cmd_file){ .path = path };
	f->out = !lstat(path, &st) && !S_ISREG(st.st_mode) ? fopen(path, "we") : open_fresh(f);
	if (f->out && f->fresh && atexit(remove_unfinished)) {
		fclose(f->out);
		unlink(f->fresh);
		f->out = NULL;
		errno = ENOMEM;
	}
	if (f->out) {
		unfinished = f->fresh;
		return 0;
	}
	mm_error_set(err, -errno, "%s: %s", path, strerror(errno));
	free(f->fresh);
	return err->code;
}

int cmd_file_end(struct cmd_file *f, int e, struct mm_error *err)
{
	bool bad = ferror(f->out);

	unfinished = NULL;
	errno = 0;
	bad |= fclose(f->out) != 0;
	if (!e && (bad || (f->fresh && rename(f->fresh, f->path))))
		e = mm_error_set(err, errno ? -errno : -EIO, "%s: could not be written: %s", f->path,
				 strerror(errno ? errno : EIO));
	if (e && f->fresh)
		unlink(f->fresh);
	free(f->fresh);
	return e;
}
