/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * base/grow.c - arrays that grow to twice their room, from FIRST elements on
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"

enum { FIRST = 8 };

int mm_grow_array(void *vp, size_t *cap, size_t size)
{
	size_t more = *cap ? *cap : FIRST;
	void *v;

	if (more > SIZE_MAX / 4 / size)
		return -ENOMEM;
	more = *cap + more;
	memcpy(&v, vp, sizeof(v));	/* a pointer of whatever type */
	v = realloc(v, more * size);
	if (!v)
		return -ENOMEM;
	memcpy(vp, &v, sizeof(v));
	*cap = more;
	return 0;
}
