/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each key of the screen does.  Nothing here knows of a terminal: a key
 * changes the configuration, the selection or the view, or begins a question
 * whose answer comes back as a line of text.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <libmm/csv.h>

#include "top.h"
#include "top_act.h"

const char *const top_help_lines[] = {		/* 80 columns, 22 lines */
	"Sort     M memory  P CPU  T time  N pid  < > column left, right  R turn round",
	"         x mark the column",
	"Show     V forest  v its children or not  c command line  i idle tasks",
	"         H threads  S time with children  I Irix mode  0 no zeros",
	"         J numbers left  j texts right  f fields  n number of tasks",
	"         C coordinates  y running tasks  b bold or reverse  z colours",
	"Select   u user  U any user  = all again  L find  & next",
	"         o O filter: FIELD=text, FIELD>n, FIELD<n, ! turns round; O by case",
	"         ^O which filters there are",
	"Summary  l load  t tasks and CPU  1 each CPU  m memory",
	"         e E unit of tasks, of the summary",
	"Act      k signal  r renice: both ask before they act",
	"Move     arrows, page up and down, home, end",
	"Trace    . forward  , back  ( begin  ) end  space play, pause",
	"         D interval of its time  d pace",
	"Other    d delay  space now  W save this configuration  h this help  q quit",
	NULL
};

static void ask(struct top_view *v, int key, const char *question)
{
	v->asking = key;
	snprintf(v->question, sizeof(v->question), "%.255s", question);
}

static void say(struct top_view *v, const char *text)
{
	snprintf(v->message, sizeof(v->message), "%.255s", text);
}

/* Sort by the shown column to the left or right of the present one. */
static void move_sort(struct top *t, int step)
{
	struct top_config *c = &t->c;

	for (size_t i = 0; i < c->nr_shown; i++)
		if (c->shown[i] == c->sort) {
			if ((step < 0 && i) || (step > 0 && i + 1 < c->nr_shown))
				c->sort = c->shown[i + (size_t)step];
			return;
		}
	c->sort = c->shown[0];
}

static bool key_sort(struct top *t, int key)
{
	static const struct { int key; enum top_field field; } sorts[] = {
		{ 'M', TOP_MEM }, { 'P', TOP_CPU }, { 'T', TOP_TIME2 }, { 'N', TOP_PID },
	};
	static const enum top_field traced[] = { TOP_RES, TOP_ACCP, TOP_ACC, TOP_PID };

	for (size_t i = 0; i < sizeof(sorts) / sizeof(sorts[0]); i++)
		if (key == sorts[i].key) {
			t->c.sort = t->trace ? traced[i] : sorts[i].field;
			t->c.forest = false;
			return true;
		}
	switch (key) {
	case '<': move_sort(t, -1); break;
	case '>': move_sort(t, 1); break;
	case 'R': t->c.ascending = !t->c.ascending; break;
	default: return false;
	}
	t->c.forest = false;
	return true;
}

static bool key_toggle(struct top *t, int key)
{
	struct top_config *c = &t->c;

	switch (key) {
	case 'V': c->forest = !c->forest; return true;
	case 'c': c->cmdline = !c->cmdline; return true;
	case 'i': c->hide_idle = !c->hide_idle; return true;
	case 'H': c->threads = !c->threads; return true;
	case 'S': c->cumulative = !c->cumulative; return true;
	case 'I': c->irix = !c->irix; return true;
	case 'z': c->colour = !c->colour; return true;
	case 'b': c->reverse = !c->reverse; return true;
	case '0': c->no_zeros = !c->no_zeros; return true;
	case 'J': c->left_numbers = !c->left_numbers; return true;
	case 'j': c->right_texts = !c->right_texts; return true;
	case 'x': c->highlight_sort = !c->highlight_sort; return true;
	case 'y': c->bold_running = !c->bold_running; return true;
	case 'l': c->load_line = !c->load_line; return true;
	case 't': c->cpu_mode = (c->cpu_mode + 1) % 4; return true;
	case 'm': c->mem_mode = (c->mem_mode + 1) % 4; return true;
	case '1': c->per_cpu = !c->per_cpu; return true;
	case 'e': c->scale_tasks = (c->scale_tasks + 1) % 5; return true;
	case 'E': c->scale_summary = (c->scale_summary + 1) % 6; return true;
	default: return false;
	}
}

static bool key_move(struct top *t, struct top_view *v, int key)
{
	size_t page = v->page ? v->page : 1, last = t->nr_items > page ? t->nr_items - page : 0;

	switch (key) {
	case TOP_KEY_UP: v->first -= v->first > 0; return true;
	case TOP_KEY_DOWN: v->first += v->first + 1 < t->nr_items; return true;
	case TOP_KEY_PGUP: v->first = v->first > page ? v->first - page : 0; return true;
	case TOP_KEY_PGDN: v->first = v->first + page < t->nr_items ? v->first + page : last; return true;
	case TOP_KEY_LEFT: v->left = v->left > 8 ? v->left - 8 : 0; return true;
	case TOP_KEY_RIGHT: v->left += v->left < TOP_MAX_LINE - 512 ? 8 : 0; return true;
	case TOP_KEY_HOME: v->first = v->left = 0; return true;
	case TOP_KEY_END: v->first = last; return true;
	default: return false;
	}
}

static void toggle_field(struct top_config *c, enum top_field f)
{
	for (size_t i = 0; i < c->nr_shown; i++)
		if (c->shown[i] == f) {
			if (c->nr_shown > 1)
				memmove(&c->shown[i], &c->shown[i + 1], --c->nr_shown - i);
			return;
		}
	/* before the command, which takes the rest of the line */
	if (c->nr_shown && c->shown[c->nr_shown - 1] == TOP_COMMAND) {
		c->shown[c->nr_shown - 1] = (uint8_t)f;
		f = TOP_COMMAND;
	}
	c->shown[c->nr_shown++] = (uint8_t)f;
}

/* Change places with the shown field to the left or right. */
static void move_field(struct top_config *c, enum top_field f, int step)
{
	for (size_t i = 0; i < c->nr_shown; i++) {
		if (c->shown[i] != f)
			continue;
		if ((step < 0 && i) || (step > 0 && i + 1 < c->nr_shown)) {
			c->shown[i] = c->shown[i + (size_t)step];
			c->shown[i + (size_t)step] = (uint8_t)f;
		}
		return;
	}
}

static enum top_action key_fields(struct top *t, struct top_view *v, int key)
{
	switch (key) {
	case TOP_KEY_UP: v->cursor -= v->cursor > 0; break;
	case TOP_KEY_DOWN: v->cursor += v->cursor + 1 < TOP_NR_FIELDS; break;
	case TOP_KEY_HOME: v->cursor = 0; break;
	case TOP_KEY_END: v->cursor = TOP_NR_FIELDS - 1; break;
	case 'd': case ' ': toggle_field(&t->c, (enum top_field)v->cursor); break;
	case 's': t->c.sort = (enum top_field)v->cursor; break;
	case TOP_KEY_LEFT: move_field(&t->c, (enum top_field)v->cursor, -1); break;
	case TOP_KEY_RIGHT: move_field(&t->c, (enum top_field)v->cursor, 1); break;
	case 'q': case '\n': case '\r': case TOP_KEY_ESC:
		v->mode = TOP_TABLE;
		return TOP_RESAMPLE;
	}
	return TOP_REDRAW;
}

static uint32_t first_pid(const struct top *t, const struct top_view *v)
{
	return v->first < t->nr_items ? t->items[v->first].row->pid : 0;
}

static void ask_pid(struct top *t, struct top_view *v, int key, const char *what)
{
	char text[128];

	if (t->secure) {
		say(v, "Unavailable in secure mode");
	} else if (!top_is_live(t)) {
		say(v, t->trace ? "These are tasks of a simulated machine" :
		    "These are the processes of a capture, not of this machine");
	} else {
		v->pid = first_pid(t, v);
		snprintf(text, sizeof(text), "PID to %s [default pid = %u] ", what, v->pid);
		ask(v, key, text);
	}
}

/* Keys of a trace; false: another key. */
static bool key_step(struct top *t, struct top_view *v, int key)
{
	struct top_trace *tr = t->trace;
	char text[128];

	switch (tr ? key : 0) {
	case '.': case '\n': case '\r': tr->step = TOP_STEP_FORWARD; break;
	case ',': tr->step = TOP_STEP_BACK; break;
	case '(': tr->step = TOP_STEP_BEGIN; break;
	case ')': tr->step = TOP_STEP_END; break;
	case ' ':
		tr->playing = !tr->playing;
		return true;
	case 'D':
		if (t->a->every == CMD_EVERY_MARK) {
			say(v, "Steps are the marks of the trace");
			return true;
		}
		if (t->a->every == CMD_EVERY_SECONDS)
			snprintf(text, sizeof(text), "Change interval from %g s to ", (double)t->a->interval / 1e9);
		else
			snprintf(text, sizeof(text), "Change interval from %llu events to ",
				 (unsigned long long)t->a->interval);
		ask(v, 'D', text);
		return true;
	default: return false;
	}
	tr->playing = false;
	return true;
}

/* Scroll to the first task from @from on whose line holds v->locate. */
static void locate(struct top *t, struct top_view *v, size_t from)
{
	char line[TOP_MAX_LINE];

	for (size_t i = from; *v->locate && i < t->nr_items; i++) {
		top_task_line(t, &t->items[i], line);
		if (strstr(line, v->locate)) {
			v->first = i;
			return;
		}
	}
	say(v, *v->locate ? "Locate string not found" : "No locate string: L asks for one");
}

static enum top_action answer_locate(struct top *t, struct top_view *v, const char *text)
{
	snprintf(v->locate, sizeof(v->locate), "%.63s", text);
	if (*text)
		locate(t, v, v->first);
	return TOP_REDRAW;
}

/* Hide or show the children of the first task on the screen. */
static enum top_action collapse(struct top *t, struct top_view *v)
{
	struct top_select *s = &t->select;
	uint32_t pid = first_pid(t, v);

	if (!t->c.forest || !pid) {
		say(v, "That is for the forest: V shows it");
		return TOP_REDRAW;
	}
	for (size_t i = 0; i < s->nr_collapsed; i++)
		if (s->collapsed[i] == pid) {
			s->collapsed[i] = s->collapsed[--s->nr_collapsed];
			return TOP_RESAMPLE;
		}
	if (s->nr_collapsed == TOP_MAX_COLLAPSED) {
		say(v, "That is one too many; = takes all away");
		return TOP_REDRAW;
	}
	s->collapsed[s->nr_collapsed++] = pid;
	return TOP_RESAMPLE;
}

static void show_filters(const struct top *t, struct top_view *v)
{
	static const char ops[] = { [TOP_EQ] = '=', [TOP_LT] = '<', [TOP_GT] = '>' };
	char text[sizeof(v->message)] = "";
	size_t n = 0;

	for (size_t i = 0; i < t->select.nr_filters && n < sizeof(text) - 1; i++) {
		const struct top_filter *f = &t->select.filters[i];

		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s'%s%s%c%s'", i ? " + " : "", f->exclude ? "!" : "",
				      top_fields[f->field].heading, ops[f->op], f->text);
	}
	say(v, n ? text : "No filter");
}

enum { CTRL_O = 'O' & 0x1f };

/* Keys of top that do something else there. */
static const struct { const char *keys, *text; } absent[] = {
	{ "AGagw-_", "There is one window: alternate displays are not there" },
	{ "2345!", "NUMA nodes and CPUs side by side are not there; 1 shows each CPU" },
	{ "ZB", "Colours are fixed: z switches them off, b is reverse in place of bold" },
	{ "XYK", "Wider columns, inspection and the bottom window are not there" },
};

static enum top_action key_other(struct top *t, struct top_view *v, int key)
{
	struct mm_error err = { 0 };
	char text[64];

	switch (key) {
	case 'q': return TOP_QUIT;
	case 'h': case '?': v->mode = TOP_HELP; return TOP_REDRAW;
	case 'f': case 'F': v->mode = TOP_FIELD_LIST; return TOP_REDRAW;
	case 'k': ask_pid(t, v, 'k', "signal/kill"); return TOP_REDRAW;
	case 'r': ask_pid(t, v, 'r', "renice"); return TOP_REDRAW;
	case 'u': ask(v, 'u', "Which user (blank for all) "); return TOP_REDRAW;
	case 'U': ask(v, 'U', "Which user, real, effective, saved or filesystem (blank for all) "); return TOP_REDRAW;
	case 'o': case 'O': ask(v, key, "add filter as: [!]FIELD?VALUE, with ? one of = < > "); return TOP_REDRAW;
	case 'n': case '#': ask(v, 'n', "Number of tasks, 0 for as many as fit "); return TOP_REDRAW;
	case 'd': case 's':
		if (t->secure) {
			say(v, "Unavailable in secure mode");
			return TOP_REDRAW;
		}
		snprintf(text, sizeof(text), "Change delay from %.1f to ", (double)t->c.delay_ms / 1000);
		ask(v, 'd', text);
		return TOP_REDRAW;
	case '=': case '+':
		t->select.nr_filters = t->select.nr_pids = t->select.nr_collapsed = 0;
		v->locate[0] = 0;
		t->select.by_user = t->c.hide_idle = false;
		t->c.max_tasks = 0;
		v->first = 0;
		return TOP_RESAMPLE;
	case 'W':
		if (t->trace) {
			say(v, "The configuration is that of processes; a trace has its own columns");
			return TOP_REDRAW;
		}
		top_config_save(&t->c, &err);
		say(v, err.text);
		return TOP_REDRAW;
	case ' ': case '\n': case '\r': return TOP_RESAMPLE;
	case TOP_KEY_ESC: return TOP_REDRAW;
	case 'L': ask(v, 'L', "Locate string "); return TOP_REDRAW;
	case '&': locate(t, v, v->first + 1); return TOP_REDRAW;
	case 'v': return collapse(t, v);
	case 'C': v->coordinates = !v->coordinates; return TOP_REDRAW;
	case CTRL_O: show_filters(t, v); return TOP_REDRAW;
	default:
		for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
			if (key > 0 && key < 128 && strchr(absent[i].keys, key)) {
				say(v, absent[i].text);
				return TOP_REDRAW;
			}
		say(v, "Unknown command - try 'h' for help");
		return TOP_REDRAW;
	}
}

enum top_action top_key(struct top *t, struct top_view *v, int key)
{
	v->message[0] = 0;
	if (v->mode == TOP_HELP) {
		v->mode = TOP_TABLE;
		return TOP_REDRAW;
	}
	if (v->mode == TOP_FIELD_LIST)
		return key_fields(t, v, key);
	if (key_move(t, v, key))
		return TOP_REDRAW;
	if (key_step(t, v, key))
		return v->asking ? TOP_REDRAW : TOP_RESAMPLE;
	if (key_sort(t, key) || key_toggle(t, key))
		return TOP_RESAMPLE;
	return key_other(t, v, key);
}

/* ---- answers -------------------------------------------------------------- */

static enum top_action answer_user(struct top *t, struct top_view *v, const char *text, bool any)
{
	const char *name = text + (*text == '!');
	uint64_t uid;

	if (t->trace) {
		say(v, "Tasks of a simulated machine have no users");
		return TOP_REDRAW;
	}
	if (!*text) {
		t->select.by_user = false;
		return TOP_RESAMPLE;
	}
	if (top_user_id(t, name, &t->select.uid)) {
		if (mm_parse_u64((struct mm_str){ name, strlen(name) }, &uid) || uid > UINT32_MAX) {
			say(v, "Invalid user");
			return TOP_REDRAW;
		}
		t->select.uid = (uint32_t)uid;
	}
	t->select.by_user = true;
	t->select.any_user = any;
	t->select.not_user = *text == '!';
	t->select.nr_pids = 0;
	v->first = 0;
	return TOP_RESAMPLE;
}

static enum top_action answer_filter(struct top *t, struct top_view *v, const char *text, bool any_case)
{
	if (!*text)
		return TOP_REDRAW;
	if (t->select.nr_filters == TOP_MAX_FILTERS) {
		say(v, "That is one filter too many; = takes all away");
		return TOP_REDRAW;
	}
	if (top_parse_filter(&t->select.filters[t->select.nr_filters], text, any_case)) {
		say(v, "A filter is FIELD=TEXT, FIELD<VALUE or FIELD>VALUE with a known FIELD");
		return TOP_REDRAW;
	}
	t->select.nr_filters++;
	v->first = 0;
	return TOP_RESAMPLE;
}

int top_parse_delay(const char *text, uint64_t *ns)
{
	char with_nought[32] = "0";

	if (*text == '.' && text[1] && strlen(text) + 1 < sizeof(with_nought))
		text = strcat(with_nought, text);
	return mm_parse_seconds((struct mm_str){ text, strlen(text) }, ns);
}

static enum top_action answer_delay(struct top *t, struct top_view *v, const char *text)
{
	uint64_t ns;

	if (!*text)
		return TOP_REDRAW;
	if (top_parse_delay(text, &ns) || ns > 86400000000000) {
		say(v, "Expected seconds");
		return TOP_REDRAW;
	}
	t->c.delay_ms = ns / 1000000 < 100 ? 100 : ns / 1000000;
	return TOP_RESAMPLE;
}

static enum top_action answer_count(struct top *t, struct top_view *v, const char *text)
{
	uint64_t n;

	if (!*text)
		return TOP_REDRAW;
	if (mm_parse_u64((struct mm_str){ text, strlen(text) }, &n) || n > 100000) {
		say(v, "Expected a number of tasks");
		return TOP_REDRAW;
	}
	t->c.max_tasks = (uint32_t)n;
	return TOP_REDRAW;
}

/* First answer of k and r: the process. */
static enum top_action answer_pid(struct top_view *v, const char *text, int next)
{
	char question[128];
	uint64_t pid = v->pid;

	if (*text && (mm_parse_u64((struct mm_str){ text, strlen(text) }, &pid) || pid > INT32_MAX))
		pid = 0;
	if (!pid) {
		say(v, "Expected a process id");
		return TOP_REDRAW;
	}
	v->pid = (uint32_t)pid;
	if (next == TOP_ASK_SIGNAL)
		snprintf(question, sizeof(question), "Send pid %u signal [15/sigterm] ", v->pid);
	else
		snprintf(question, sizeof(question), "Renice PID %u to value ", v->pid);
	ask(v, next, question);
	return TOP_REDRAW;
}

/* Second answer: what to do; the third asks whether it is meant. */
static enum top_action answer_what(struct top *t, struct top_view *v, const char *text, int next)
{
	bool signal = next == TOP_ASK_KILL_SURE;
	char question[256];

	if (!*text && !signal)
		return TOP_REDRAW;
	if (signal ? top_parse_signal(text, &v->number) : top_parse_nice(text, &v->number)) {
		say(v, signal ? "Unknown signal" : "A nice value lies in -20..19");
		return TOP_REDRAW;
	}
	top_act_question(t, v->pid, v->number, signal, question, sizeof(question));
	ask(v, next, question);
	return TOP_REDRAW;
}

static enum top_action answer_sure(struct top_view *v, const char *text, bool signal)
{
	if ((text[0] | 0x20) != 'y' || text[1]) {
		say(v, "Nothing was done");
		return TOP_REDRAW;
	}
	top_act(v->pid, v->number, signal, v->message, sizeof(v->message));
	return TOP_RESAMPLE;
}

enum top_action top_answer(struct top *t, struct top_view *v, const char *text)
{
	int asking = v->asking;

	v->asking = 0;
	if (!text)
		return TOP_REDRAW;
	switch (asking) {
	case 'u': case 'U': return answer_user(t, v, text, asking == 'U');
	case 'o': case 'O': return answer_filter(t, v, text, asking == 'o');
	case 'L': return answer_locate(t, v, text);
	case 'd': return answer_delay(t, v, text);
	case 'D':
		if (*text && top_trace_interval(t, text))
			say(v, t->a->every == CMD_EVERY_SECONDS ? "Expected seconds" : "Expected a number of events");
		return TOP_REDRAW;
	case 'n': return answer_count(t, v, text);
	case 'k': return answer_pid(v, text, TOP_ASK_SIGNAL);
	case 'r': return answer_pid(v, text, TOP_ASK_NICE);
	case TOP_ASK_SIGNAL: return answer_what(t, v, text, TOP_ASK_KILL_SURE);
	case TOP_ASK_NICE: return answer_what(t, v, text, TOP_ASK_NICE_SURE);
	case TOP_ASK_KILL_SURE: return answer_sure(v, text, true);
	case TOP_ASK_NICE_SURE: return answer_sure(v, text, false);
	default: return TOP_REDRAW;
	}
}
