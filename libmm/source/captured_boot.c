/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is known of a machine's boot beside its map, as rows "boot" of a trace, and from these.
 *
 *	managed_bytes			a number
 *	1/cpus				CPUs of node 1, with blanks between them
 *	1/distance			from node 1 to the nodes 0, 1, ... likewise; what is not told is 20, to itself 10
 */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <libmm/captured.h>
#include <libmm/csv.h>

#include "base/minmax.h"
#include "base/str.h"
#include "source/captured.h"
#include "source/topology.h"

/* Numbers, 0 where nothing is known. */
static const struct {
	const char *name;
	size_t member;
	uint64_t most;			/* 1: a flag */
} numbers[] = {
#define NUMBER(member, most) { #member, offsetof(struct mm_boot_facts, member), most }
	NUMBER(kernelcore_bytes, UINT64_MAX), NUMBER(movablecore_bytes, UINT64_MAX), NUMBER(kernelcore_percent, 100),
	NUMBER(movablecore_percent, 100), NUMBER(kernelcore_mirror, 1), NUMBER(movable_node, 1), NUMBER(ramdisk_addr, UINT64_MAX),
	NUMBER(managed_bytes, UINT64_MAX), NUMBER(kernel_bytes, UINT64_MAX), NUMBER(node_data_bytes, UINT64_MAX),
	NUMBER(percpu_bytes, UINT64_MAX),
#undef NUMBER
};
enum { NR_NUMBERS = sizeof(numbers) / sizeof(numbers[0]), LIST_ROOM = MM_MAX_CPUS * 4 + 1 };

/* @value NULL: what it is now */
static uint64_t number(struct mm_boot_facts *f, size_t i, const uint64_t *value)
{
	void *at = (char *)f + numbers[i].member;

	if (numbers[i].most == 1) {
		if (value)
			*(bool *)at = *value != 0;
		return *(bool *)at;
	}
	if (value)
		*(uint64_t *)at = *value;
	return *(uint64_t *)at;
}

/* ---- to rows ---- */

struct writer {
	void (*row)(const struct mm_event *ev, void *arg);
	void *arg;
};

static struct mm_event named(const char *name)
{
	return (struct mm_event){ .type = MM_EV_BOOT, .name = { name, strlen(name) }, .present = MM_TC_BIT(EVENT) | MM_TC_BIT(NAME) };
}

static void list_row(const struct writer *w, uint32_t node, const char *fact, const char *text, size_t len)
{
	char name[32];
	struct mm_event ev;

	if (!len)
		return;
	snprintf(name, sizeof(name), "%" PRIu32 "/%s", node, fact);
	ev = named(name);
	mm_event_set_word(&ev, text, len);
	w->row(&ev, w->arg);
}

static void cpus_row(const struct writer *w, const struct mm_boot_facts *f, uint32_t node)
{
	char text[LIST_ROOM];
	size_t len = 0;

	for (uint32_t c = 0; c < f->nr_cpus; c++)
		if (f->cpu_node[c] == node)
			len += (size_t)sprintf(text + len, len ? " %" PRIu32 : "%" PRIu32, c);
	list_row(w, node, "cpus", text, len);
}

/* Nodes up to the last one from or to which it is not as far as is taken anyway. */
static uint32_t nodes_of_distances(const struct mm_boot_facts *f)
{
	uint32_t nr = f->nr_distance ? 1 : 0;		/* that they are told is told too */

	for (uint32_t i = 0; i < f->nr_distance; i++)
		for (uint32_t j = 0; j < f->nr_distance; j++)
			if (f->node_distance[i * f->nr_distance + j] != mm_default_distance(i, j))
				nr = mm_max_u32(nr, mm_max_u32(i, j) + 1);
	return nr;
}

static void distance_row(const struct writer *w, const struct mm_boot_facts *f, uint32_t node, uint32_t nr)
{
	char text[LIST_ROOM];
	size_t len = 0;

	for (uint32_t n = 0; n < nr; n++)
		len += (size_t)sprintf(text + len, n ? " %d" : "%d", f->node_distance[node * f->nr_distance + n]);
	list_row(w, node, "distance", text, len);
}

void mm_captured_boot_rows(const struct mm_boot_facts *f, void (*row)(const struct mm_event *ev, void *arg), void *arg)
{
	const struct writer w = { row, arg };
	const uint32_t nr = nodes_of_distances(f);
	struct mm_boot_facts facts = *f;

	for (size_t i = 0; i < NR_NUMBERS; i++) {
		struct mm_event ev = named(numbers[i].name);
		uint64_t value = number(&facts, i, NULL);

		if (!value)
			continue;
		mm_event_set_result(&ev, MM_RESULT_DEC, value);
		row(&ev, arg);
	}
	for (uint32_t n = 0; n < MM_MAX_NODES; n++)
		cpus_row(&w, f, n);
	for (uint32_t n = 0; n < nr; n++)
		distance_row(&w, f, n, nr);
}

/* ---- from rows ---- */

static int bad(const struct mm_event *ev, struct mm_error *err, const char *expected)
{
	return mm_error_set(err, -EINVAL, "boot: %.*s: expected %s as result", (int)ev->name.len, ev->name.p, expected);
}

static int add_cpus(struct mm_boot_facts *f, uint32_t node, const struct mm_event *ev, struct mm_error *err)
{
	uint64_t cpus[MM_MAX_CPUS];
	uint32_t nr;

	if (mm_result_numbers(ev, cpus, MM_MAX_CPUS, &nr))
		return bad(ev, err, "numbers of CPUs, with blanks between them,");
	for (uint32_t i = 0; i < nr; i++)
		if (cpus[i] >= MM_MAX_CPUS)
			return mm_error_set(err, -EINVAL, "boot: %.*s: expected CPUs below %d, found %" PRIu64, (int)ev->name.len,
					    ev->name.p, (int)MM_MAX_CPUS, cpus[i]);
	for (uint32_t i = 0; i < nr; i++) {
		f->cpu_node[cpus[i]] = (uint8_t)node;
		if (f->nr_cpus <= cpus[i])
			f->nr_cpus = (uint32_t)cpus[i] + 1;
	}
	return 0;
}

static int add_distance(struct mm_boot_facts *f, uint32_t node, const struct mm_event *ev, struct mm_error *err)
{
	uint64_t row[MM_MAX_NODES];
	uint32_t nr, good = 0;

	if (mm_result_numbers(ev, row, MM_MAX_NODES, &nr))
		return bad(ev, err, "distances of nodes, with blanks between them,");
	while (good < nr && row[good] <= UINT8_MAX)
		good++;
	if (good < nr)
		return bad(ev, err, "distances below 256");
	if (!f->nr_distance)
		mm_default_distances(f);
	for (uint32_t n = 0; n < nr; n++)
		f->node_distance[node * MM_MAX_NODES + n] = (uint8_t)row[n];
	return 0;
}

/* "1/cpus", "1/distance"; 1: it is another fact */
static int add_of_node(struct mm_boot_facts *f, const struct mm_event *ev, struct mm_error *err)
{
	struct mm_str fact = ev->name, word;
	bool cpus, distance;
	uint64_t node;

	if (!mm_next_item(&fact, '/', &word) || !fact.p)
		return 1;
	cpus = mm_str_is(fact, "cpus");
	distance = mm_str_is(fact, "distance");
	if (!cpus && !distance)
		return 1;
	if (mm_parse_u64(word, &node) || node >= MM_MAX_NODES)
		return mm_error_set(err, -EINVAL, "boot: %.*s: expected a node below %d", (int)ev->name.len, ev->name.p,
				    (int)MM_MAX_NODES);
	return cpus ? add_cpus(f, (uint32_t)node, ev, err) : add_distance(f, (uint32_t)node, ev, err);
}

int mm_captured_add_boot(struct mm_boot_facts *f, const struct mm_event *ev, struct mm_error *err)
{
	for (size_t i = 0; i < NR_NUMBERS; i++) {
		if (!mm_str_is(ev->name, numbers[i].name))
			continue;
		if ((ev->result_kind != MM_RESULT_DEC && ev->result_kind != MM_RESULT_HEX) || ev->result > numbers[i].most)
			return bad(ev, err, numbers[i].most == 1 ? "0 or 1" : numbers[i].most == 100 ? "percent" : "a number of bytes");
		number(f, i, &ev->result);
		return 0;
	}
	return add_of_node(f, ev, err);
}
