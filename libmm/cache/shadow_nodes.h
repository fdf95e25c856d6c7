/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cache/shadow_nodes.h - nodes of page cache and swap cache that hold nothing but shadow entries, and their shrinker */
#ifndef CACHE_SHADOW_NODES_H
#define CACHE_SHADOW_NODES_H

#include "cache/lru.h"

/* struct mm_xa_nodes.update of the cache @arg */
void mm_workingset_update_node(void *arg, struct mm_xa_link *link);
/* Nodes of @v's list that may go: those beyond one for eight pages that @v has. */
uint64_t mm_count_shadow_nodes(struct mm_cache *c, const struct mm_lruvec *v);
/* The @nr oldest of @v go, with the entries in them: how many did. */
uint64_t mm_scan_shadow_nodes(struct mm_cache *c, struct mm_lruvec *v, uint64_t nr);
/* @v's memcg is removed: its nodes go before those of its parent's (memcg_reparent_list_lru_node()). */
void mm_reparent_shadow_nodes(struct mm_lruvec *v, struct mm_lruvec *parent);

#endif /* CACHE_SHADOW_NODES_H */
