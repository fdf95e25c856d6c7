/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The terminal of mm-top: the one file that knows ncurses.
 *
 *	summary lines (as many as fit)
 *	message or question
 *	header
 *	tasks
 *
 * Every frame is drawn whole into ncurses' window, which sends only what
 * differs, so nothing flickers.  Text reaches it clean (top_clean()).
 */
#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "top.h"

#include <term.h>	/* last: it has macros of the commonest words */
#undef columns
#undef lines

enum { PAIR_RUNNING = 1, PAIR_ZOMBIE, PAIR_STOPPED, SMAPS_BUDGET_NS = 300000000, SOON_NS = 300000000 };

struct screen {
	struct top *t;
	struct top_view v;
	SCREEN *term;
	FILE *keys;			/* standard input, or the terminal where that is the trace */
	bool colour;
	char typed[128];		/* the answer so far */
	size_t nr_typed;
};

/* ---- drawing ---------------------------------------------------------------- */

/* @text from column @left on, cut to the window; blanks fill the line when it is @full. */
static void put_line(const struct screen *s, int y, const char *text, size_t left, int attr, bool full)
{
	char cut[TOP_MAX_LINE];
	const char *p = text;

	if (y < 0 || y >= LINES)
		return;
	while (left && *p) {		/* by characters: a column more or less at a wide one */
		p++;
		left -= ((unsigned char)*p & 0xc0) != 0x80;
	}
	top_clean(s->t, cut, p, (size_t)COLS);
	attrset((attr_t)attr);
	move(y, 0);
	if (full)
		for (int x = 0; x < COLS; x++)
			addch(' ');
	mvaddstr(y, 0, cut);
	attrset(A_NORMAL);
}

static int row_attr(const struct screen *s, const struct mm_pid_row *r)
{
	int attr = r->state != 'R' || !s->t->c.bold_running ? A_NORMAL : s->t->c.reverse ? A_REVERSE : A_BOLD;

	if (!s->colour || !s->t->c.colour)
		return attr;
	switch (r->state) {
	case 'R': return attr | COLOR_PAIR(PAIR_RUNNING);
	case 'Z': return attr | COLOR_PAIR(PAIR_ZOMBIE);
	case 'T': case 't': return attr | COLOR_PAIR(PAIR_STOPPED);
	default: return attr;
	}
}

/* Where the sort column stands in the lines: underline its heading. */
static void mark_sort_column(const struct screen *s, int y)
{
	const char *heading = top_fields[s->t->c.sort].heading;
	char line[TOP_MAX_LINE];
	const char *at;

	top_header(s->t, line);
	for (at = line; (at = strstr(at, heading)); at++) {
		char after = at[strlen(heading)];
		size_t x = (size_t)(at - line);

		if ((at == line || at[-1] == ' ') && (after == ' ' || !after)) {
			if (x >= s->v.left && x - s->v.left < (size_t)COLS)
				mvchgat(y, (int)(x - s->v.left), (int)strlen(heading), A_REVERSE | A_UNDERLINE | A_BOLD,
					0, NULL);
			return;
		}
	}
}

static void draw_tasks(struct screen *s, int y)
{
	struct top *t = s->t;
	size_t rows = LINES > y ? (size_t)(LINES - y) : 0;
	char line[TOP_MAX_LINE];

	if (t->c.max_tasks && rows > t->c.max_tasks)
		rows = t->c.max_tasks;
	s->v.page = rows;
	if (s->v.first >= t->nr_items)
		s->v.first = t->nr_items ? t->nr_items - 1 : 0;
	for (size_t i = 0; i < rows && s->v.first + i < t->nr_items; i++) {
		const struct top_item *it = &t->items[s->v.first + i];

		top_task_line(t, it, line);
		put_line(s, y + (int)i, line, s->v.left, row_attr(s, it->row), false);
	}
}

static void draw_message(const struct screen *s, int y)
{
	char line[512];

	if (s->v.asking)
		snprintf(line, sizeof(line), "%s%s", s->v.question, s->typed);
	else
		snprintf(line, sizeof(line), "%s", s->v.message);
	if (!*line && s->v.coordinates)
		snprintf(line, sizeof(line), "scroll coordinates: y = %zu/%zu (tasks), x = %zu (columns)",
			 s->t->nr_items ? s->v.first + 1 : 0, s->t->nr_items, s->v.left + 1);
	put_line(s, y, line, 0, s->v.asking ? A_BOLD : A_STANDOUT, false);
}

static void draw_table(struct screen *s)
{
	size_t room = LINES > 3 ? (size_t)LINES - 3 : 0, nr;
	char line[TOP_MAX_LINE];
	int y;

	s->t->width = (uint32_t)COLS;
	nr = top_summary(s->t, room);
	s->t->width = 0;		/* whole lines: they scroll sideways */
	for (y = 0; (size_t)y < nr; y++)
		put_line(s, y, s->t->summary[y], 0, A_NORMAL, false);
	draw_message(s, y++);
	top_header(s->t, line);
	put_line(s, y, line, s->v.left, A_REVERSE, true);
	if (s->t->c.highlight_sort)
		mark_sort_column(s, y);
	draw_tasks(s, y + 1);
	if (s->v.asking) {
		curs_set(1);
		move(y - 1, (int)(top_columns(s->v.question) + s->nr_typed) % COLS);
	} else {
		curs_set(0);
	}
}

static void draw_help(const struct screen *s)
{
	int y = 0;

	put_line(s, y++, "mm-top: keys", 0, A_REVERSE, true);
	for (size_t i = 0; top_help_lines[i]; i++)
		put_line(s, y++, top_help_lines[i], 0, A_NORMAL, false);
	put_line(s, y, "Any key goes back.", 0, A_BOLD, false);
}

static void draw_fields(const struct screen *s)
{
	size_t rows = LINES > 2 ? (size_t)LINES - 1 : 1, first = s->v.cursor >= rows ? s->v.cursor - rows + 1 : 0;
	char line[256], place[24];

	put_line(s, 0, "Fields  up, down choose  d shows, hides  left, right move  s sorts by  q back", 0, A_REVERSE, true);
	for (size_t i = first; i < TOP_NR_FIELDS && i - first < rows; i++) {
		place[0] = 0;
		for (size_t k = 0; k < s->t->c.nr_shown; k++)
			if (s->t->c.shown[k] == i)
				snprintf(place, sizeof(place), "%zu", k + 1);
		snprintf(line, sizeof(line), "%3s%c %-8s %s", place, s->t->c.sort == i ? 's' : ' ', top_fields[i].heading,
			 top_fields[i].help);
		put_line(s, 1 + (int)(i - first), line, 0, i == s->v.cursor ? A_REVERSE : A_NORMAL, false);
	}
}

static void draw(struct screen *s)
{
	erase();
	if (s->v.mode == TOP_HELP)
		draw_help(s);
	else if (s->v.mode == TOP_FIELD_LIST)
		draw_fields(s);
	else
		draw_table(s);
	refresh();
}

/* ---- keys -------------------------------------------------------------------- */

static int translate(int key)
{
	switch (key) {
	case KEY_UP: return TOP_KEY_UP;
	case KEY_DOWN: return TOP_KEY_DOWN;
	case KEY_LEFT: return TOP_KEY_LEFT;
	case KEY_RIGHT: return TOP_KEY_RIGHT;
	case KEY_PPAGE: return TOP_KEY_PGUP;
	case KEY_NPAGE: return TOP_KEY_PGDN;
	case KEY_HOME: return TOP_KEY_HOME;
	case KEY_END: return TOP_KEY_END;
	case KEY_ENTER: return '\n';
	case 27: return TOP_KEY_ESC;
	default: return key;
	}
}

/* A key while a question stands: edit the answer. */
static enum top_action type_key(struct screen *s, int key)
{
	enum top_action action = TOP_REDRAW;

	if (key == '\n' || key == '\r') {
		s->typed[s->nr_typed] = 0;
		action = top_answer(s->t, &s->v, s->typed);
		s->nr_typed = 0;
	} else if (key == TOP_KEY_ESC) {
		action = top_answer(s->t, &s->v, NULL);
		s->nr_typed = 0;
	} else if (key == KEY_BACKSPACE || key == 127 || key == 8) {
		s->nr_typed -= s->nr_typed > 0;
	} else if (key >= ' ' && key < 127 && s->nr_typed + 1 < sizeof(s->typed)) {
		s->typed[s->nr_typed++] = (char)key;
	}
	s->typed[s->nr_typed] = 0;
	return action;
}

static int open_screen(struct screen *s)
{
	const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");
	struct mm_error *err = &s->t->a->err;
	bool draws = false;
	int known;

	s->keys = stdin;
	if (!isatty(STDIN_FILENO) && s->t->trace && !strcmp(s->t->a->file, "-"))
		s->keys = fopen("/dev/tty", "r+e");
	if (!s->keys || !isatty(fileno(s->keys)))
		return mm_error_set(err, -ENOTTY, "standard input is not a terminal; -b needs none");
	if (!term || !*term)
		return mm_error_set(err, -ENOTTY, "TERM is not set; -b needs no terminal");
	setlocale(LC_CTYPE, "");
	/* newterm() would leak on a terminal it does not know */
	if (setupterm(term, STDOUT_FILENO, &known) == OK) {
		draws = cursor_address;
		del_curterm(cur_term);
		if (!draws)
			return mm_error_set(err, -ENOTTY, "terminal '%s' cannot move its cursor; -b needs none that can", term);
		s->term = newterm(NULL, stdout, s->keys);
	}
	if (!s->term)
		return mm_error_set(err, -ENOTTY, "terminal '%s' is not known; -b needs none", term);
	set_term(s->term);
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	set_escdelay(50);
	leaveok(stdscr, FALSE);
	s->colour = !(no_colour && *no_colour) && has_colors() && start_color() == OK;
	if (s->colour) {
		use_default_colors();
		init_pair(PAIR_RUNNING, COLOR_GREEN, -1);
		init_pair(PAIR_ZOMBIE, COLOR_RED, -1);
		init_pair(PAIR_STOPPED, COLOR_YELLOW, -1);
	}
	return 0;
}

/*
 * After a key that changes what is shown.  Right after a sample the same rows
 * serve: over a few milliseconds %CPU would be noise.
 */
static bool enough(struct screen *s)
{
	struct top *t = s->t;

	return !t->trace && top_clock_ns() - t->ns < SOON_NS && !(top_wants(t) & ~t->wanted) && !top_lists_others(t) &&
	       !top_select_again(t, SMAPS_BUDGET_NS);
}

/* Keys until the next sample is due or asked for, or the end. */
static enum top_action keys_until(struct screen *s, uint64_t due_ns)
{
	for (;;) {
		uint64_t now = top_clock_ns();
		enum top_action action;
		int key;

		draw(s);
		if (now >= due_ns && !s->v.asking)
			return TOP_DUE;
		timeout(s->v.asking || due_ns == UINT64_MAX ? -1 : (int)((due_ns - now) / 1000000 + 1));
		errno = 0;
		key = getch();
		if (key == ERR) {
			if (!isatty(fileno(s->keys)) || errno == EIO)
				return TOP_QUIT;	/* the terminal is gone */
			continue;
		}
		if (key == KEY_RESIZE)
			continue;
		key = translate(key);
		action = s->v.asking ? type_key(s, key) : top_key(s->t, &s->v, key);
		if (action == TOP_QUIT || (action == TOP_RESAMPLE && !enough(s)))
			return action;
	}
}

static struct screen the_screen;	/* a process has one terminal */

int top_screen_open(struct top *t)
{
	the_screen = (struct screen){ .t = t };
	return open_screen(&the_screen);
}

enum top_action top_screen_keys(struct top *t, uint64_t due_ns)
{
	the_screen.t = t;
	return keys_until(&the_screen, due_ns);
}

void top_screen_close(struct top *t)
{
	struct screen *s = &the_screen;

	s->t = t;
	endwin();
	delscreen(s->term);
	if (s->keys != stdin)
		fclose(s->keys);
}

/* What comes to the list would else have used all the CPU time of its life since the last sample. */
static int prime_anew(struct top *t)
{
	int err = top_prime(t);

	if (!err && top_is_live(t))
		napms(100);
	return err;
}

int top_screen(struct top *t)
{
	int err = top_prime(t);

	if (!err)
		err = top_screen_open(t);
	if (err)
		return err;
	if (top_is_live(t))
		napms(100);
	for (uint64_t n = 1; !err; n++) {
		err = top_lists_others(t) ? prime_anew(t) : 0;
		if (!err)
			err = top_sample(t, SMAPS_BUDGET_NS);
		if (err || (t->iterations && n > t->iterations))
			break;
		if (n == 1 && mm_pid_table_ps(t->table))
			snprintf(the_screen.v.message, sizeof(the_screen.v.message), "processes as ps told, too: %s",
				 mm_pid_table_ps(t->table));
		if (top_screen_keys(t, top_clock_ns() + t->c.delay_ms * 1000000) == TOP_QUIT)
			break;
	}
	top_screen_close(t);
	return err;
}
