/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A profile from the child that read it: what it is of, and the profile itself.
 */
#ifndef THAG_ANALYZE_FLAME_LOAD_H
#define THAG_ANALYZE_FLAME_LOAD_H

#include "../source.h"
#include "thag_buffer.h"
#include "thag_profile.h"

#define THAG_FLAME_UNIT_BYTES 8

struct thag_flame_source {
	struct thag_profile *profile; /* finished */
	char unit[THAG_FLAME_UNIT_BYTES];
};

/** Loads what `thag svg` would draw with these arguments. As thag_look_load. */
int thag_flame_open(int argc, char **argv, struct thag_source *source);

/**
 * For struct thag_job: loads what `thag svg` would draw with these arguments, and writes it to
 * stdout. Errors are lines on stderr.
 */
int thag_flame_send(int argc, char **argv);

/** Reads what that wrote. 0, -EBADMSG or -ENOMEM. */
int thag_flame_receive(struct thag_flame_source *source, const struct thag_buffer *data);
void thag_flame_source_fini(struct thag_flame_source *source);

#endif
