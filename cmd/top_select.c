/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which processes are shown, and their tree.
 *
 * A filter is FIELD=TEXT (the shown text holds TEXT), FIELD<TEXT or FIELD>TEXT
 * (the numbers are compared where both are numbers, suffixes k..e counted, else
 * the texts, of any case or not); '!' before it turns it round.  All filters must hold.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "top.h"

int top_parse_filter(struct top_filter *f, const char *text, bool any_case)
{
	struct top_filter got = { .any_case = any_case };
	size_t n;
	char name[32];
	int field;

	if (*text == '!') {
		got.exclude = true;
		text++;
	}
	n = strcspn(text, "=<>");
	if (!text[n] || !n || n >= sizeof(name) || !text[n + 1] || strlen(text + n + 1) >= sizeof(got.text))
		return -EINVAL;
	memcpy(name, text, n);
	name[n] = 0;
	field = top_field_find(name);
	if (field < 0)
		return -EINVAL;
	got.field = (enum top_field)field;
	got.op = text[n] == '=' ? TOP_EQ : text[n] == '<' ? TOP_LT : TOP_GT;
	strcpy(got.text, text + n + 1);
	*f = got;
	return 0;
}

/* "1.5g" as a number; false for other texts. */
static bool number(const char *s, double *v)
{
	static const char suffixes[] = "kmgtpe";
	const char *suffix;
	char *end;

	*v = strtod(s, &end);
	if (end == s)
		return false;
	suffix = *end ? strchr(suffixes, *end) : NULL;
	if (suffix) {
		for (const char *p = suffixes; p < suffix; p++)
			*v *= 1024;
		end++;
	}
	return !*end;
}

static bool passes(struct top *t, const struct mm_pid_row *r, const struct top_filter *f)
{
	struct top_item it = { .row = (struct mm_pid_row *)(uintptr_t)r };
	char text[TOP_MAX_LINE];
	double a, b;
	int order;
	bool yes;

	top_field_text(t, &it, f->field, text);
	if (f->op == TOP_EQ) {
		yes = (f->any_case ? strcasestr : strstr)(text, f->text) != NULL;
	} else {
		if (number(text, &a) && number(f->text, &b))
			order = a < b ? -1 : a > b;
		else
			order = (f->any_case ? strcasecmp : strcmp)(text, f->text);
		yes = f->op == TOP_LT ? order < 0 : order > 0;
	}
	return yes != f->exclude;
}

static bool of_user(const struct top_select *s, const struct mm_pid_row *r)
{
	bool yes = top_euid_known(r) && (r->euid == s->uid ||
		(s->any_user && r->status_seen && (r->ruid == s->uid || r->suid == s->uid || r->fsuid == s->uid)));

	return yes != s->not_user;
}

bool top_selected(struct top *t, const struct mm_pid_row *r)
{
	if (t->c.hide_idle && !r->ticks_delta)
		return false;
	if (t->select.by_user && !of_user(&t->select, r))
		return false;
	for (size_t i = 0; i < t->select.nr_filters; i++)
		if (!passes(t, r, &t->select.filters[i]))
			return false;
	return true;
}

/* ---- forest ------------------------------------------------------------------ */

/*
 * Parents before children, children by age.  Links are indices of items sorted
 * by (start, pid); NONE ends a list.  A pid that is its own ancestor (a capture
 * put together from two moments) becomes a root.
 */
#define NONE UINT32_MAX

struct node {
	struct top_item item;
	uint32_t child, sibling, last;	/* of children: first, next, and where the next one is hung */
	uint32_t parent;
	bool placed;
};

static int by_age(const void *a, const void *b)
{
	const struct mm_pid_row *x = ((const struct node *)a)->item.row, *y = ((const struct node *)b)->item.row;

	if (x->start_ticks != y->start_ticks)
		return x->start_ticks < y->start_ticks ? -1 : 1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

struct by_pid {
	uint32_t pid, node;
};

static int pid_order(const void *a, const void *b)
{
	const struct by_pid *x = a, *y = b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static uint32_t find(const struct by_pid *v, size_t n, uint32_t pid)
{
	struct by_pid key = { pid, 0 }, *hit = bsearch(&key, v, n, sizeof(*v), pid_order);

	return hit ? hit->node : NONE;
}

static void hang(struct node *v, uint32_t parent, uint32_t i)
{
	v[i].parent = parent;
	if (v[parent].child == NONE)
		v[parent].child = i;
	else
		v[v[parent].last].sibling = i;
	v[parent].last = i;
}

static bool is_collapsed(const struct top_select *s, uint32_t pid)
{
	for (size_t i = 0; i < s->nr_collapsed; i++)
		if (s->collapsed[i] == pid)
			return true;
	return false;
}

/* The walk over a tree stands on a node: its item goes to t->items, unless it lies below a collapsed one. */
static size_t place_node(struct top *t, struct node *node, uint32_t level, uint32_t *hidden_below, size_t n)
{
	node->placed = true;
	node->item.level = (uint16_t)(level > 101 ? 101 : level);
	if (level > *hidden_below)
		return n;
	node->item.collapsed = node->child != NONE && is_collapsed(&t->select, node->item.row->pid);
	*hidden_below = node->item.collapsed ? level : NONE;
	t->items[n++] = node->item;
	return n;
}

/* Is there such a node, and has the walk not been there? */
static bool is_to_come(const struct node *nodes, uint32_t i) { return i != NONE && !nodes[i].placed; }

/* Walk the tree below @root, without recursion; items in order to t->items from @n on. Returns how many stand there then. */
static size_t place_tree(struct top *t, struct node *nodes, uint32_t root, size_t n)
{
	uint32_t at = root, level = 0, hidden_below = NONE;	/* a level */

	while (at != NONE) {
		if (!nodes[at].placed) {
			n = place_node(t, &nodes[at], level, &hidden_below, n);
			if (is_to_come(nodes, nodes[at].child)) {
				at = nodes[at].child;
				level++;
				continue;
			}
		}
		while (at != root && !is_to_come(nodes, nodes[at].sibling)) {
			at = nodes[at].parent;
			level--;
		}
		at = at == root ? NONE : nodes[at].sibling;
	}
	return n;
}

int top_forest(struct top *t)
{
	size_t n = t->nr_items, placed = 0, need = n * (sizeof(struct node) + sizeof(struct by_pid));
	struct by_pid *index;
	struct node *v;

	if (t->cap_forest < need) {
		void *p = realloc(t->forest, need);

		if (!p)
			return -ENOMEM;
		t->forest = p;
		t->cap_forest = need;
	}
	v = t->forest;
	index = (struct by_pid *)(void *)(v + n);
	for (size_t i = 0; i < n; i++)
		v[i] = (struct node){ t->items[i], NONE, NONE, NONE, NONE, false };
	qsort(v, n, sizeof(*v), by_age);
	for (size_t i = 0; i < n; i++)
		index[i] = (struct by_pid){ v[i].item.row->pid, (uint32_t)i };
	qsort(index, n, sizeof(*index), pid_order);
	for (size_t i = 0; i < n; i++) {
		const struct mm_pid_row *r = v[i].item.row;
		uint32_t parent = find(index, n, r->tgid != r->pid ? r->tgid : r->ppid);

		if (parent != NONE && parent != i)
			hang(v, parent, (uint32_t)i);
	}
	for (size_t i = 0; i < n; i++)
		if (v[i].parent == NONE)
			placed = place_tree(t, v, (uint32_t)i, placed);
	for (size_t i = 0; i < n; i++)		/* circles, which have no root */
		if (!v[i].placed)
			placed = place_tree(t, v, (uint32_t)i, placed);
	t->nr_items = placed;
	return 0;
}
