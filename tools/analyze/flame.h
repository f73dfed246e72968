/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A flamegraph in cells of a terminal, the root on top: where each frame lies.
 *
 * A frame's ends are those of its share of the frame that is looked at, rounded down to columns, so
 * that frames beside each other neither overlap nor leave what is none's. What comes to no column
 * isn't drawn, nor anything in it.
 *
 * Thread: owner. Allocates; no I/O. Nothing here recurses.
 */
#ifndef THAG_ANALYZE_FLAME_H
#define THAG_ANALYZE_FLAME_H

#include <stddef.h>
#include <stdint.h>

#include "thag_profile.h"

#define THAG_FLAME_CELLS_MAX 1000000

struct thag_flame_cell {
	uint32_t node;
	uint32_t row, column, width;
	uint32_t parent; /* a cell; its own number: it has none */
	uint64_t start;	 /* from the left edge, as the profile counts */
};

/** Rows from the top; in each, cells from the left. */
struct thag_flame {
	struct thag_flame_cell *cells;
	uint32_t count;
	uint32_t rows;
	uint64_t hidden; /* frames that came to no column, whose callers' cells are there */
};

/**
 * Lays out what is below `focus`, a node of a finished profile, in `columns` columns, at least 1.
 * 0 or -ENOMEM.
 */
int thag_flame_layout(struct thag_flame *flame, const struct thag_profile *profile, uint32_t focus,
		      uint32_t columns);
void thag_flame_fini(struct thag_flame *flame);

enum thag_flame_way { THAG_FLAME_UP, THAG_FLAME_DOWN, THAG_FLAME_LEFT, THAG_FLAME_RIGHT };

/** The cell that is next to one in a direction; the same one where there is none. */
uint32_t thag_flame_neighbour(const struct thag_flame *flame, uint32_t cell,
			      enum thag_flame_way way);

/** The cell of a node, or 0. */
uint32_t thag_flame_find(const struct thag_flame *flame, uint32_t node);

#endif
