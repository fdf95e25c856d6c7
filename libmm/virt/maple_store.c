/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The maple tree: storing over a range.
 *
 * A store touches the leaf of its first index (left), the leaf of its last
 * (right) and everything between.  The slots that stay, left of it and right of
 * it, and the new one make a list; the list becomes leaves again, evenly
 * filled, and those replace the children from left to right in the level above,
 * where the same happens, until both paths meet in one node that can hold what
 * comes.  One leaf with room is the common case and is written in place.
 *
 *	      P                          P'
 *	 /  |   |   \		     /   |   \
 *	A  [L   M   R]  B	->  A   L'R'  B		M is gone
 *
 * A list too short for a node takes in the neighbour; one too long is split
 * into nodes so that none but the last leaf ends in NULL.  Clearing up to the
 * end of a leaf takes in the next leaf, for the same reason.
 *
 * Nodes are taken before anything changes, so a store that fails changed nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/host_memory.h"
#include "virt/maple_node.h"

enum { LIST_MAX = 3 * MM_MAPLE_RANGE64_SLOTS + 4, CHUNK_NODES = 15 };

/* Nodes come from the host by the chunk, a page or so. */
struct mm_maple_chunk {
	struct mm_maple_chunk *next;
	_Alignas(64) struct mm_maple_node node[CHUNK_NODES];
};

struct item {
	uint64_t last, gap;
	void *p;
};

struct list {
	uint32_t nr;
	struct item v[LIST_MAX];
};

struct step {
	struct mm_maple_node *node;
	uint64_t min, max;
	uint32_t offset;		/* the outermost child that is replaced */
	uint32_t own;			/* the child that the path goes through */
};

struct store {
	struct mm_maple_tree *mt;
	uint64_t first, last;
	void *entry;
	struct step left[MM_MAPLE_HEIGHT_MAX], right[MM_MAPLE_HEIGHT_MAX];
	struct list list;
	bool has_short;			/* a node with too few slots stands in the list */
};

void mm_mt_init(struct mm_maple_tree *mt)
{
	*mt = (struct mm_maple_tree){ 0 };
}

static struct mm_maple_node *take_node(struct mm_maple_tree *mt, bool leaf)
{
	struct mm_maple_node *n = mt->free;

	mt->free = n->next_free;
	mt->nr_free--;
	mt->nr_nodes++;
	n->leaf = leaf;
	n->nr = 0;
	return n;
}

static void put_node(struct mm_maple_tree *mt, struct mm_maple_node *n)
{
	mt->nr_nodes--;
	n->next_free = mt->free;
	mt->free = n;
	mt->nr_free++;
}

static void put_subtree(struct mm_maple_tree *mt, struct mm_maple_node *n)
{
	for (uint32_t i = 0; !n->leaf && i < n->nr; i++)
		put_subtree(mt, n->ma64.slot[i]);
	put_node(mt, n);
}

void mm_mt_destroy(struct mm_maple_tree *mt)
{
	while (mt->chunks) {
		struct mm_maple_chunk *c = mt->chunks;

		mt->chunks = c->next;
		free(c);
	}
	mm_mt_init(mt);
}

/* Enough free nodes for any one store: those built, those mended, a new root.  Cf. mas_preallocate(). */
int mm_mt_reserve(struct mm_maple_tree *mt)
{
	uint64_t want = 5u * (mt->height + 1u) + 4u;

	while (mt->nr_free < want) {
		struct mm_maple_chunk *c = mm_host_aligned_alloc(_Alignof(struct mm_maple_chunk), sizeof(*c));

		if (!c)
			return -ENOMEM;
		c->next = mt->chunks;
		mt->chunks = c;
		for (int i = CHUNK_NODES; i-- > 0;) {
			c->node[i].next_free = mt->free;
			mt->free = &c->node[i];
		}
		mt->nr_free += CHUNK_NODES;
	}
	return 0;
}

static void walk_path(const struct mm_maple_tree *mt, struct step *path, uint64_t index)
{
	struct mm_maple_node *n = mt->ma_root;
	uint64_t min = 0, max = UINT64_MAX;

	for (uint32_t d = 0;; d++) {
		uint32_t i = slot_of_index(n, index);

		path[d] = (struct step){ n, min, max, i, i };
		if (n->leaf)
			return;
		max = slot_last(n, i, max);
		min = slot_first(n, i, min);
		n = n->ma64.slot[i];
	}
}

/* Add a range of a leaf; a NULL after a NULL, or the same range going on, joins the one before. */
static void add_range(struct list *l, uint64_t last, void *p)
{
	if (l->nr && !p && !l->v[l->nr - 1].p) {
		l->v[l->nr - 1].last = last;
		return;
	}
	l->v[l->nr++] = (struct item){ .last = last, .p = p };
}

static void add_child(struct list *l, const struct step *s, uint32_t i)
{
	l->v[l->nr++] = (struct item){
		.last = slot_last(s->node, i, s->max), .p = s->node->ma64.slot[i], .gap = s->node->ma64.gap[i],
	};
}

static void fill_leaf(struct mm_maple_node *n, const struct item *v, uint32_t nr)
{
	for (uint32_t i = 0; i < nr - 1; i++) {
		n->mr64.slot[i] = v[i].p;
		n->mr64.pivot[i] = v[i].last;
	}
	n->mr64.slot[nr - 1] = v[nr - 1].p;
	for (uint32_t i = nr - 1; i < MM_MAPLE_RANGE64_SLOTS - 1; i++)
		n->mr64.pivot[i] = UINT64_MAX;
}

static void fill_arange(struct mm_maple_node *n, const struct item *v, uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i++) {
		n->ma64.slot[i] = v[i].p;
		n->ma64.gap[i] = v[i].gap;
	}
	for (uint32_t i = 0; i < MM_MAPLE_ARANGE64_SLOTS - 1; i++)
		n->ma64.pivot[i] = i + 1 < nr ? v[i].last : UINT64_MAX;
}

static void fill_node(struct mm_maple_node *n, const struct item *v, uint32_t nr)
{
	n->nr = (uint8_t)nr;
	if (n->leaf)
		fill_leaf(n, v, nr);
	else
		fill_arange(n, v, nr);
}

/* The ranges of the leaves from left to right with [first, last] replaced. */
static void list_leaf_ranges(struct store *st, uint32_t leaf)
{
	const struct step *l = &st->left[leaf], *r = &st->right[leaf];
	struct list *list = &st->list;

	list->nr = 0;
	for (uint32_t i = 0; i <= l->offset; i++) {
		uint64_t end = slot_last(l->node, i, l->max);

		if (slot_first(l->node, i, l->min) >= st->first)
			break;
		add_range(list, end < st->first ? end : st->first - 1, l->node->mr64.slot[i]);
	}
	add_range(list, st->last, st->entry);
	for (uint32_t i = 0; i < r->node->nr; i++) {
		uint64_t end = slot_last(r->node, i, r->max);

		if (end > st->last)
			add_range(list, end, r->node->mr64.slot[i]);
	}
}

/* Bring gaps up to date from the node at @depth to the root. */
static void update_gaps(struct step *path, uint32_t depth)
{
	while (depth) {
		uint64_t gap = mm_maple_node_gap(path[depth].node, path[depth].min, path[depth].max);
		struct step *up = &path[depth - 1];

		if (up->node->ma64.gap[up->offset] == gap)
			return;
		up->node->ma64.gap[up->offset] = gap;
		depth--;
	}
}

static uint32_t least_slots(bool leaf) { return leaf ? MAPLE_LEAF_MIN : MAPLE_ARANGE_MIN; }
static uint32_t most_slots(bool leaf) { return leaf ? MM_MAPLE_RANGE64_SLOTS : MM_MAPLE_ARANGE64_SLOTS; }

static void add_all(struct list *l, const struct step *s)
{
	const struct mm_maple_node *n = s->node;

	for (uint32_t i = 0; !n->leaf && i < n->nr; i++)
		add_child(l, s, i);
	for (uint32_t i = 0; n->leaf && i + 1u < n->nr; i++)
		add_range(l, n->mr64.pivot[i], n->mr64.slot[i]);
	if (n->leaf)
		add_range(l, s->max, n->mr64.slot[n->nr - 1]);
}

/* Child @i of the node of @up, as a step. */
static struct step child_step(const struct step *up, uint32_t i)
{
	return (struct step){
		.node = up->node->ma64.slot[i],
		.min = slot_first(up->node, i, up->min), .max = slot_last(up->node, i, up->max),
	};
}

/* Slots of the child right of those that are replaced at @depth, or left of them; 0: there is none. */
static uint32_t neighbour_slots(const struct store *st, uint32_t depth, bool right)
{
	const struct step *up = right ? &st->right[depth - 1] : &st->left[depth - 1];

	if (right)
		return up->offset + 1u < up->node->nr ? up->node->ma64.slot[up->offset + 1]->nr : 0;
	return up->offset ? up->node->ma64.slot[up->offset - 1]->nr : 0;
}

/* The list at @depth takes in that neighbour, which there is. */
static void take_in_neighbour(struct store *st, uint32_t depth, bool right)
{
	struct step *up = right ? &st->right[depth - 1] : &st->left[depth - 1];
	struct step s = child_step(up, right ? ++up->offset : --up->offset);
	struct list *list = &st->list;

	if (right) {
		add_all(list, &s);
		st->right[depth].max = s.max;
	} else {
		struct list mine = *list;

		list->nr = 0;
		add_all(list, &s);
		st->left[depth].min = s.min;
		for (uint32_t i = 0; i < mine.nr; i++)
			list->v[list->nr++] = mine.v[i];
	}
	put_node(st->mt, s.node);
}

/*
 * A list too long for a node goes to two with what the neighbour holds, where that leaves both some room;
 * else three nodes are made of the two.  So nodes are four fifths full, not two thirds.  Cf. mas_push_data().
 */
static void share_with_neighbour(struct store *st, uint32_t depth, bool leaf)
{
	uint32_t r = neighbour_slots(st, depth, true), l = neighbour_slots(st, depth, false);

	if (st->list.nr > most_slots(leaf) + 3 || (!r && !l))
		return;
	take_in_neighbour(st, depth, r && (!l || r <= l));
}

/* Make nodes of the list; the list becomes those nodes, as slots of the level above. */
static void build_nodes(struct mm_maple_tree *mt, struct list *list, bool leaf, uint64_t min)
{
	uint32_t most = most_slots(leaf), room = most - 1;
	uint32_t k = list->nr <= most ? 1 : (list->nr + room - 1) / room;
	uint32_t from = 0, made = 0;
	struct item up[4];

	while (made < k) {
		uint32_t nr = (list->nr - from + (k - made) - 1) / (k - made);
		struct mm_maple_node *n = take_node(mt, leaf);
		uint64_t last;

		if (leaf && made + 1 < k && !list->v[from + nr - 1].p)
			nr--;
		fill_node(n, &list->v[from], nr);
		last = list->v[from + nr - 1].last;
		up[made++] = (struct item){ .last = last, .p = n, .gap = mm_maple_node_gap(n, min, last) };
		from += nr;
		min = last + 1;
	}
	for (uint32_t i = 0; i < k; i++)
		list->v[i] = up[i];
	list->nr = k;
}

/*
 * One child in a list of children has too few slots because its parent had no
 * other: join it with the child beside it, and likewise below.
 */
static void mend_short(struct mm_maple_tree *mt, struct list *list, uint64_t min)
{
	struct list both = { 0 };
	struct mm_maple_node *n = NULL;
	uint32_t i = 0;
	bool leaf;

	if (list->nr < 2)
		return;
	for (; i < list->nr; i++) {
		n = list->v[i].p;
		if (n->nr < least_slots(n->leaf))
			break;
	}
	if (i == list->nr)
		return;
	leaf = n->leaf;
	if (i + 1 == list->nr)
		i--;
	if (i)
		min = list->v[i - 1].last + 1;
	for (uint32_t k = i; k < i + 2; k++) {
		struct step s = { .node = list->v[k].p, .min = k > i ? list->v[i].last + 1 : min,
			.max = list->v[k].last };

		add_all(&both, &s);
		put_node(mt, s.node);
	}
	if (!leaf)
		mend_short(mt, &both, min);
	build_nodes(mt, &both, leaf, min);
	list->v[i] = both.v[0];
	if (both.nr > 1) {
		list->v[i + 1] = both.v[1];
		return;
	}
	list->nr--;
	for (uint32_t k = i + 1; k < list->nr; k++)
		list->v[k] = list->v[k + 1];
}

/* Free what lies between the two paths at @depth, and the path's nodes themselves. */
static void put_replaced(struct store *st, uint32_t depth, bool keep_left)
{
	struct mm_maple_node *l = st->left[depth].node, *r = st->right[depth].node;

	if (!l->leaf) {
		uint32_t to = l == r ? st->right[depth].own : l->nr;

		for (uint32_t i = st->left[depth].own + 1; i < to; i++)
			put_subtree(st->mt, l->ma64.slot[i]);
		for (uint32_t i = 0; l != r && i < st->right[depth].own; i++)
			put_subtree(st->mt, r->ma64.slot[i]);
	}
	if (l != r)
		put_node(st->mt, r);
	if (!keep_left)
		put_node(st->mt, l);
}

/* The children at @depth with those from left to right replaced by the nodes that the list holds. */
static void list_children(struct store *st, uint32_t depth)
{
	struct list new_ones = st->list, *list = &st->list;
	const struct step *l = &st->left[depth], *r = &st->right[depth];

	list->nr = 0;
	for (uint32_t i = 0; i < l->offset; i++)
		add_child(list, l, i);
	for (uint32_t i = 0; i < new_ones.nr; i++)
		list->v[list->nr++] = new_ones.v[i];
	for (uint32_t i = r->offset + 1; i < r->node->nr; i++)
		add_child(list, r, i);
}

static void drop_root(struct mm_maple_tree *mt)
{
	put_node(mt, mt->ma_root);
	mt->ma_root = NULL;
	mt->height = 0;
}

/* The list is what the root holds. */
static void set_root(struct store *st, bool leaf)
{
	struct mm_maple_tree *mt = st->mt;
	struct list *list = &st->list;

	if (leaf || list->nr > 1) {
		build_nodes(mt, list, leaf, 0);
		mt->height++;
		if (list->nr > 1) {
			build_nodes(mt, list, false, 0);
			mt->height++;
		}
	}
	mt->ma_root = list->v[0].p;
	while (!mt->ma_root->leaf && mt->ma_root->nr == 1) {	/* an only child becomes the root */
		struct mm_maple_node *n = mt->ma_root;

		mt->ma_root = n->ma64.slot[0];
		mt->height--;
		put_node(mt, n);
	}
	if (mt->ma_root->leaf && mt->ma_root->nr == 1 && !mt->ma_root->mr64.slot[0])
		drop_root(mt);
}

/* From the leaves up, until the paths have met in a node that holds the list. */
static void rebuild(struct store *st, uint32_t depth)
{
	for (;; depth--) {
		struct mm_maple_node *l = st->left[depth].node;
		bool leaf = l->leaf, met = l == st->right[depth].node;

		if (st->has_short)
			mend_short(st->mt, &st->list, st->left[depth].min);
		if (!depth) {
			put_replaced(st, 0, false);
			st->mt->height--;
			set_root(st, leaf);
			return;
		}
		if (met && st->list.nr <= most_slots(leaf) && st->list.nr >= least_slots(leaf)) {
			put_replaced(st, depth, true);
			fill_node(l, st->list.v, st->list.nr);
			update_gaps(st->left, depth);
			return;
		}
		put_replaced(st, depth, false);
		if (st->list.nr < least_slots(leaf)) {
			bool right = neighbour_slots(st, depth, true), alone = !right && !neighbour_slots(st, depth, false);

			if (!alone)
				take_in_neighbour(st, depth, right);
			if (st->has_short && !alone)
				mend_short(st->mt, &st->list, st->left[depth].min);
			st->has_short = alone || st->has_short;
		} else if (st->list.nr > most_slots(leaf)) {
			share_with_neighbour(st, depth, leaf);
		}
		build_nodes(st->mt, &st->list, leaf, st->left[depth].min);
		list_children(st, depth - 1);
	}
}

static void store_first(struct mm_maple_tree *mt, uint64_t first, uint64_t last, void *entry)
{
	struct store st = { .mt = mt };

	if (!entry)
		return;
	if (first)
		add_range(&st.list, first - 1, NULL);
	add_range(&st.list, last, entry);
	if (last < UINT64_MAX)
		add_range(&st.list, UINT64_MAX, NULL);
	set_root(&st, true);
}

int mm_mtree_store_range(struct mm_maple_tree *mt, uint64_t first, uint64_t last, void *entry)
{
	struct store st;
	uint32_t leaf;
	uint64_t right_index = last;

	if (first > last)
		return -EINVAL;
	if (mm_mt_reserve(mt))
		return -ENOMEM;
	if (!mt->ma_root) {
		store_first(mt, first, last, entry);
		return 0;
	}
	if (mm_maple_store_in_leaf(mt, first, last, entry))
		return 0;
	mt->last = NULL;
	st.mt = mt;
	st.first = first;
	st.last = last;
	st.entry = entry;
	st.has_short = false;
	leaf = mt->height - 1;
	walk_path(mt, st.left, first);
	if (!entry && last < UINT64_MAX)
		right_index = last + 1;
	if (right_index <= st.left[leaf].max) {
		memcpy(st.right, st.left, mt->height * sizeof(st.left[0]));
		st.right[leaf].offset = st.right[leaf].own = slot_of_index(st.left[leaf].node, right_index);
	} else {
		walk_path(mt, st.right, right_index);
	}
	list_leaf_ranges(&st, leaf);
	rebuild(&st, leaf);
	return 0;
}
