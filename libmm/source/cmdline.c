/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's command line: words apart by blanks, a word with blanks in
 * double quotes; what stands behind "--" is for init.
 *
 *   mem=SIZE			no RAM from this address on
 *   memmap=SIZE[@#$!]START	RAM, ACPI, reserved, protected; several with commas
 *   memmap=SIZE		as mem=
 *   memmap=SIZE%START-FROM+TO	another type
 *   memmap=exactmap		begin with an empty map
 *   kernelcore=SIZE|NN%|mirror, movablecore=SIZE|NN%, movable_node
 *   slub_debug[=TEXT], slub_min_order=, slub_max_order=, slub_min_objects=, slab_max_order=, slab_nomerge, noaliencache,
 *   cgroup.memory=nokmem
 */
#include <errno.h>
#include <stdio.h>

#include "base/str.h"
#include "source/cmdline.h"
#include "source/scan.h"

static const char *const type_words[] = {	/* by number of enum e820_type */
	NULL, "usable", "reserved", "ACPI data", "ACPI NVS", "unusable", NULL, "persistent (type 7)",
	[12] = "persistent (type 12)",
};

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n'; }

/* The next parameter of @line; false at the end. */
static bool next_parameter(struct mm_str *line, struct mm_str *param)
{
	bool quoted = false;
	size_t n = 0;

	while (line->len && is_blank(*line->p))
		*line = (struct mm_str){ line->p + 1, line->len - 1 };
	while (n < line->len && (quoted || !is_blank(line->p[n])))
		quoted ^= line->p[n++] == '"';
	*param = (struct mm_str){ line->p, n };
	*line = (struct mm_str){ line->p + n, line->len - n };
	return n && !mm_str_is(*param, "--");
}

/* "movable_node" and "NAME=VALUE": cut the name and the = off. */
static bool take(struct mm_str *param, const char *name)
{
	if (!mm_str_starts(*param, name))
		return false;
	param->p += strlen(name);
	param->len -= strlen(name);
	return true;
}

/* memparse(): decimal, 0x or octal, and a letter of K M G T P E; what is too large is UINT64_MAX. */
static uint64_t memparse(struct mm_str *s)
{
	static const char units[] = "kmgtpe";
	const char *unit;
	uint64_t v = 0;

	if (s->len > 1 && s->p[0] == '0' && (s->p[1] | 0x20) == 'x') {
		if (!scan_hex(s, &v))
			return 0;
	} else if (s->len > 1 && s->p[0] == '0') {
		for (; s->len && *s->p >= '0' && *s->p < '8'; s->p++, s->len--)
			v = v >> 61 ? UINT64_MAX : v << 3 | (uint64_t)(*s->p - '0');
	} else if (!s->len || is_blank(*s->p) || !scan_u64(s, &v)) {
		return 0;
	}
	unit = s->len && *s->p ? strchr(units, *s->p | 0x20) : NULL;
	if (unit) {
		unsigned int shift = 10 * (unsigned int)(unit - units + 1);

		v = v > UINT64_MAX >> shift ? UINT64_MAX : v << shift;
		s->p++;
		s->len--;
	}
	return v;
}

static void cmdline_parse_core(struct mm_str value, uint64_t *bytes, uint64_t *percent)
{
	uint64_t v = memparse(&value);

	*percent = 0;
	if (value.len && *value.p == '%') {
		*percent = v > 100 ? 100 : v;
		return;
	}
	*bytes = v;
}

void mm_cmdline_facts(struct mm_str line, struct mm_boot_facts *boot)
{
	struct mm_str p;

	while (next_parameter(&line, &p)) {
		if (mm_str_is(p, "movable_node"))
			boot->movable_node = true;
		else if (mm_str_starts(p, "kernelcore=mirror"))
			boot->kernelcore_mirror = true;
		else if (take(&p, "kernelcore="))
			cmdline_parse_core(p, &boot->kernelcore_bytes, &boot->kernelcore_percent);
		else if (take(&p, "movablecore="))
			cmdline_parse_core(p, &boot->movablecore_bytes, &boot->movablecore_percent);
	}
}

/* ---- tunables of the slab allocators ---- */

static void set(struct mm_sysctls *s, enum mm_sysctl_id id, struct mm_str value)
{
	const char *name = mm_sysctl_name(id);
	struct mm_error ignored;

	mm_sysctls_set(s, (struct mm_str){ name, strlen(name) }, value, &ignored);
}

/* Letters that the kernel does not know are passed over. */
static void set_slub_debug(struct mm_sysctls *s, struct mm_str value)
{
	char text[MM_SLUB_DEBUG_SIZE];
	bool letters = true;
	size_t n = 0;

	for (size_t i = 0; i < value.len && n < sizeof(text); i++) {
		char c = value.p[i];

		if (c == ';' || c == ',')
			letters = c == ';';
		else if (letters && (!c || !strchr("FZPUTAOfzputao-", c)))
			continue;
		text[n++] = c;
	}
	if (value.len && !n)
		text[n++] = '-';		/* something was asked for, and nothing known */
	set(s, MM_SYSCTL_SLUB_DEBUG, (struct mm_str){ text, n });
}

/* Flags without a value, which a later word may take back. */
static bool set_flag(struct mm_sysctls *s, struct mm_str p)
{
	static const struct {
		const char *word;
		enum mm_sysctl_id id;
		const char *value;
	} flags[] = {
		{ "slab_nomerge", MM_SYSCTL_SLAB_NOMERGE, "1" }, { "slub_nomerge", MM_SYSCTL_SLAB_NOMERGE, "1" },
		{ "slab_merge", MM_SYSCTL_SLAB_NOMERGE, "0" }, { "slub_merge", MM_SYSCTL_SLAB_NOMERGE, "0" },
		{ "noaliencache", MM_SYSCTL_NOALIENCACHE, "1" }, { "slub_debug", MM_SYSCTL_SLUB_DEBUG, "" },
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (mm_str_is(p, flags[i].word)) {
			set(s, flags[i].id, (struct mm_str){ flags[i].value, strlen(flags[i].value) });
			return true;
		}
	return false;
}

/* get_option(): a number, from which what follows is cut; orders beyond the largest are that. */
static void set_number(struct mm_sysctls *s, enum mm_sysctl_id id, struct mm_str value)
{
	char text[24];
	uint64_t v;

	if (!scan_u64(&value, &v))
		return;
	if (id != MM_SYSCTL_SLUB_MIN_OBJECTS && v > 10)
		v = 10;
	set(s, id, (struct mm_str){ text, (size_t)snprintf(text, sizeof(text), "%llu", (unsigned long long)v) });
}

void mm_cmdline_sysctls(struct mm_str line, struct mm_sysctls *s)
{
	static const enum mm_sysctl_id numbers[] = {
		MM_SYSCTL_SLUB_MIN_ORDER, MM_SYSCTL_SLUB_MAX_ORDER, MM_SYSCTL_SLUB_MIN_OBJECTS, MM_SYSCTL_SLAB_MAX_ORDER,
	};
	struct mm_sysctls found = { .set = { false } };
	struct mm_str p;

	while (next_parameter(&line, &p)) {
		if (set_flag(&found, p))
			continue;
		if (take(&p, "slub_debug="))
			set_slub_debug(&found, p);
		else if (take(&p, "cgroup.memory=") && mm_has_item(p, ',', "nokmem"))
			set(&found, MM_SYSCTL_CGROUP_MEMORY, MM_STR("nokmem"));
		for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
			const char *name = mm_sysctl_name(numbers[i]);

			if (mm_str_starts(p, name) && p.len > strlen(name) && p.p[strlen(name)] == '=')
				set_number(&found, numbers[i], (struct mm_str){ p.p + strlen(name) + 1, p.len - strlen(name) - 1 });
		}
	}
	if (found.set[MM_SYSCTL_SLUB_DEBUG] && !s->set[MM_SYSCTL_SLUB_DEBUG])
		memcpy(s->slub_debug, found.slub_debug, sizeof(s->slub_debug));
	for (int i = 0; i < MM_NR_SYSCTLS; i++)
		if (found.set[i] && !s->set[i]) {
			s->v[i] = found.v[i];
			s->set[i] = true;
		}
}

static struct mm_str type_word(uint64_t type)
{
	const char *word = type < sizeof(type_words) / sizeof(type_words[0]) ? type_words[type] : NULL;

	return word ? (struct mm_str){ word, strlen(word) } : MM_STR("unknown");
}

/* memmap=nn%ss-from+to, @s is what follows nn%ss: what is of type from (of any, if not given) becomes to (or goes, if not given). */
static int change_type(struct mm_e820 *map, uint64_t start, uint64_t end, struct mm_str s)
{
	struct mm_str from = { "", 0 }, to = { "", 0 };

	if (scan_word(&s, "-"))
		from = type_word(memparse(&s));
	if (scan_word(&s, "+"))
		to = type_word(memparse(&s));
	return mm_e820_change(map, start, end, from, to);
}

static int memmap_one(struct mm_e820 *map, struct mm_str s)
{
	uint64_t size, start, end;
	char how;

	if (mm_str_starts(s, "exactmap")) {
		map->nr = 0;
		return 0;
	}
	size = memparse(&s);
	if (!size)
		return 0;
	if (!s.len || !strchr("@#$!%", *s.p))
		return mm_e820_change(map, size, UINT64_MAX, MM_STR("usable"), (struct mm_str){ "", 0 });
	how = *s.p++;
	s.len--;
	start = memparse(&s);
	end = size - 1 > UINT64_MAX - start ? UINT64_MAX : start + size - 1;
	if (how == '%')
		return change_type(map, start, end, s);
	return mm_e820_overlay(map, start, end, type_word(how == '@' ? 1 : how == '#' ? 3 : how == '$' ? 2 : 12));
}

static int memmap(struct mm_e820 *map, struct mm_str s)
{
	int e = 0;

	while (s.len && !e) {
		const char *comma = memchr(s.p, ',', s.len);
		size_t n = comma ? (size_t)(comma - s.p) : s.len;

		e = memmap_one(map, (struct mm_str){ s.p, n });
		s.p += n + !!comma;
		s.len -= n + !!comma;
	}
	return e;
}

int mm_cmdline_e820(struct mm_str line, struct mm_e820 *map)
{
	struct mm_str p;
	int e = 0;

	while (!e && next_parameter(&line, &p)) {
		if (take(&p, "mem=")) {
			uint64_t size = memparse(&p);

			if (size)
				e = mm_e820_change(map, size, UINT64_MAX, MM_STR("usable"), (struct mm_str){ "", 0 });
		} else if (take(&p, "memmap=")) {
			e = memmap(map, p);
		}
	}
	return e;
}
