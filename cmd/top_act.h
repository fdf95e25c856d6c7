/* SPDX-License-Identifier: GPL-2.0-or-later */
/* top_act.h - the two things mm-top does to a process: a signal, a nice value */
#ifndef TOP_ACT_H
#define TOP_ACT_H

#include "top.h"

enum { TOP_ASK_SIGNAL = 0x20000, TOP_ASK_NICE, TOP_ASK_KILL_SURE, TOP_ASK_NICE_SURE };

/* "15", "TERM", "sigterm", "" (SIGTERM); "-5".  0 or -EINVAL. */
int top_parse_signal(const char *text, int *signal);
int top_parse_nice(const char *text, int *value);

/* "Send SIGTERM to 1234 (name)? [y/N] " */
void top_act_question(struct top *t, uint32_t pid, int number, bool signal, char *buf, size_t size);

/* Do it; @message tells what came of it. */
void top_act(uint32_t pid, int number, bool signal, char *message, size_t size);

#endif /* TOP_ACT_H */
