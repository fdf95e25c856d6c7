/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recording ends after its program did, and then no process has anything left to show.  So before the last living one ends
 * (of the table walk: the one that is asked for) its table is kept in memory; it is shown at the end, if nobody lives then.
 */
#include <errno.h>
#include <stdlib.h>

#include "cmd.h"
#include "cmd_internal.h"

struct cmd_ended {
	struct mm_output rows;
	struct mm_table_writer *w;
};

/* Does @pid live, and, with 0, does anybody?  @but: who does not count, 0 nobody. */
static bool lives(const struct mm_machine *m, uint32_t pid, uint32_t but)
{
	struct mm_machine_task t;

	for (size_t i = 0; mm_machine_task(m, i, &t); i++)
		if (t.alive && t.pid != but && (!pid || t.pid == pid))
			return true;
	return false;
}

static uint32_t asked_for(const struct cmd_args *a, const struct mm_machine_table *t)
{
	return t == &mm_table_walk ? a->config.explain_pid : 0;
}

void cmd_ended_free(struct cmd_ended *k)
{
	if (!k)
		return;
	mm_table_writer_free(k->w);
	mm_output_finish(&k->rows);
	free(k);
}

int cmd_ended_keep(struct cmd_ended **kp, struct cmd_args *a, struct mm_machine *m, const struct mm_machine_table *t,
		   const struct mm_event *ev)
{
	uint32_t pid = ev->type == MM_EV_KILL ? (uint32_t)ev->result : ev->pid, asked = asked_for(a, t);
	struct mm_table_options opt;
	struct cmd_ended *k;
	int e;

	if (!t->of_processes || a->every != CMD_EVERY_END || a->on_block || !lives(m, pid, 0) || (asked ? asked != pid : lives(m, 0, pid)))
		return 0;
	opt = cmd_table_options(a);
	cmd_ended_free(*kp);
	*kp = NULL;
	k = calloc(1, sizeof(*k));
	if (!k || mm_output_init(&k->rows, -1)) {
		free(k);
		return mm_error_set(&a->err, -ENOMEM, "out of memory");
	}
	e = cmd_writer(a, &k->rows, &t->table, &opt, &k->w);
	if (!e)
		e = t->rows(m, k->w);
	*kp = k;
	return e;
}

int cmd_ended_show(struct cmd_ended *k, struct cmd_args *a, struct mm_machine *m, const struct mm_machine_table *t, const char *name)
{
	int e;

	if (!k || lives(m, asked_for(a, t), 0))
		return 0;
	e = mm_table_writer_finish(k->w);
	if (e)
		return e;
	mm_output_bytes(&a->out, k->rows.buf, k->rows.len);
	if (t == &mm_table_walk)
		cmd_note(a, "%s: process %u has ended: the walk is one before it did", name, asked_for(a, t));
	else
		cmd_note(a, "%s: no process lives at the end: the table is that before the last one ended", name);
	return 1;
}
