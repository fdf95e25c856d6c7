/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines of the table: the headings and a task each.
 *
 * Columns have their width and a blank behind it; as many are shown as fit.  The command and the texts of files (control groups,
 * the program, the environment) have no width of their own: they share evenly what the line has left, as in procps 4.0.2.
 */
#include <string.h>

#include "top.h"

static bool is_text(enum top_field f)
{
	return top_fields[f].kind == TOP_CMD || top_fields[f].kind == TOP_LINE;
}

static bool is_wide(enum top_field f)
{
	return is_text(f) && !top_fields[f].width;
}

static bool left_aligned(const struct top *t, enum top_field f)
{
	if (is_text(f))
		return true;
	return top_fields[f].kind == TOP_USER_NAME ? !t->c.right_texts : t->c.left_numbers;
}

/* Columns a field asks for: a wide one its heading, the others their width. */
static size_t asked_width(const struct top *t, enum top_field f)
{
	return is_wide(f) ? strlen(top_fields[f].heading) : top_field_width(t, f);
}

/* Columns a field has: a wide one its even share of what is left. */
static size_t given_width(const struct top *t, enum top_field f)
{
	if (!is_wide(f))
		return top_field_width(t, f);
	if (t->width)
		return t->wide_share;
	if (t->c.shown[t->nr_fit - 1] == f)
		return 0;
	return f == TOP_COMMAND ? 15 : 31;
}

/*
 * How many fields fit in the line, each with a blank behind it.  Without an end of the line a wide field takes all it wants,
 * or a few columns where others follow.
 */
void top_layout(struct top *t)
{
	size_t used = 0, n = 0, wide = 0, left = 0;

	for (; n < t->c.nr_shown; n++) {
		size_t asked = asked_width(t, t->c.shown[n]) + 1;

		if (t->width && used + asked > t->width)
			break;
		used += asked;
		if (is_wide(t->c.shown[n])) {
			left += asked - 1;
			wide++;
		}
	}
	t->nr_fit = n;
	t->wide_share = t->width && wide ? (left + t->width - used) / wide : 0;
}

/* Append @text of @len bytes in its column of @width and a blank. */
static char *put_column(const struct top *t, char *p, enum top_field f, const char *text, size_t len, size_t width)
{
	bool left = left_aligned(t, f);
	size_t columns = top_fields[f].kind == TOP_USER_NAME || is_text(f) ? top_columns(text) : len;
	size_t pad = columns < width ? width - columns : 0;

	if (pad > 512)
		pad = 512;
	if (!left) {
		memset(p, ' ', pad);
		p += pad;
		pad = 0;
	}
	memcpy(p, text, len);
	p += len;
	memset(p, ' ', pad + 1);
	return p + pad + 1;
}

static size_t finish_line(char *buf, char *end)
{
	while (end > buf && end[-1] == ' ')
		end--;
	*end = 0;
	return (size_t)(end - buf);
}

size_t top_header(struct top *t, char *buf)
{
	char *p = buf;

	top_layout(t);
	for (size_t i = 0; i < t->nr_fit; i++) {
		enum top_field f = t->c.shown[i];
		size_t width = given_width(t, f), len = strlen(top_fields[f].heading);

		p = put_column(t, p, f, top_fields[f].heading, width && width < len ? width : len, width);
	}
	return finish_line(buf, p);
}

/* What does not fit ends with a '+'. */
static void cut_text(const struct top *t, char *text, size_t room)
{
	char whole[TOP_MAX_LINE];

	if (!room || top_columns(text) <= room)
		return;
	strcpy(whole, text);
	strcpy(text + top_clean(t, text, whole, room - 1), "+");
}

size_t top_task_line(struct top *t, const struct top_item *it, char *buf)
{
	char text[TOP_MAX_LINE], *p = buf;

	for (size_t i = 0; i < t->nr_fit; i++) {
		enum top_field f = t->c.shown[i];
		size_t room = TOP_MAX_LINE - (size_t)(p - buf), width = given_width(t, f), len;

		if (room < 700)
			break;
		top_field_text(t, it, f, text);
		if (is_text(f))
			cut_text(t, text, width);
		len = strlen(text);
		p = put_column(t, p, f, text, len + 600 > room ? room - 600 : len, width);
	}
	return finish_line(buf, p);
}
