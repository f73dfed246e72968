/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "flame.h"

#include <errno.h>
#include <stdlib.h>

struct laying {
	struct thag_flame *flame;
	const struct thag_profile_node *nodes;
	uint64_t total; /* of the focus */
	uint32_t columns;
	uint32_t capacity;
};

void thag_flame_fini(struct thag_flame *flame)
{
	free(flame->cells);
	*flame = (struct thag_flame){ 0 };
}

static uint32_t column_of(const struct laying *laying, uint64_t at)
{
	if (laying->total == 0)
		return 0;
	return (uint32_t)((unsigned __int128)at * laying->columns / laying->total);
}

static int add(struct laying *laying, const struct thag_flame_cell *cell)
{
	struct thag_flame *flame = laying->flame;

	if (flame->count == laying->capacity) {
		uint32_t capacity = laying->capacity ? 2 * laying->capacity : 256;
		struct thag_flame_cell *cells =
			reallocarray(flame->cells, capacity, sizeof(*cells));

		if (!cells)
			return -ENOMEM;
		flame->cells = cells;
		laying->capacity = capacity;
	}
	flame->cells[flame->count++] = *cell;
	if (cell->row >= flame->rows)
		flame->rows = cell->row + 1;
	return 0;
}

/** Lays out what a cell calls. A profile's frames fit into their caller; a wider one is cut. */
static int add_children(struct laying *laying, uint32_t index)
{
	const struct thag_flame_cell parent = laying->flame->cells[index];
	const uint64_t end = parent.start + laying->nodes[parent.node].total_ns;
	uint64_t start = parent.start;
	int ret = 0;

	for (uint32_t node = laying->nodes[parent.node].first_child; node && !ret;
	     node = laying->nodes[node].next_sibling) {
		uint64_t total = laying->nodes[node].total_ns;
		uint64_t next = total < end - start ? start + total : end;
		uint32_t column = column_of(laying, start),
			 width = column_of(laying, next) - column;
		const struct thag_flame_cell cell = { .node = node,
						      .row = parent.row + 1,
						      .column = column,
						      .width = width,
						      .parent = index,
						      .start = start };

		if (width == 0 || laying->flame->count == THAG_FLAME_CELLS_MAX)
			laying->flame->hidden++;
		else
			ret = add(laying, &cell);
		start = next;
	}
	return ret;
}

int thag_flame_layout(struct thag_flame *flame, const struct thag_profile *profile, uint32_t focus,
		      uint32_t columns)
{
	uint32_t count;
	struct laying laying = { .flame = flame,
				 .nodes = thag_profile_nodes(profile, &count),
				 .columns = columns };
	const struct thag_flame_cell root = { .node = focus, .width = columns };
	int ret;

	*flame = (struct thag_flame){ 0 };
	laying.total = laying.nodes[focus].total_ns;
	ret = add(&laying, &root);
	/* cells that are there wait for their turn: row by row, from the left */
	for (uint32_t i = 0; i < flame->count && !ret; i++)
		ret = add_children(&laying, i);
	if (ret)
		thag_flame_fini(flame);
	return ret;
}

uint32_t thag_flame_find(const struct thag_flame *flame, uint32_t node)
{
	for (uint32_t i = 0; i < flame->count; i++)
		if (flame->cells[i].node == node)
			return i;
	return 0;
}

/** The widest of what it calls. */
static uint32_t widest_below(const struct thag_flame *flame, uint32_t cell)
{
	uint32_t found = cell;

	for (uint32_t i = cell + 1; i < flame->count; i++) {
		if (flame->cells[i].row > flame->cells[cell].row + 1)
			break;
		if (flame->cells[i].parent == cell &&
		    (found == cell || flame->cells[i].width > flame->cells[found].width))
			found = i;
	}
	return found;
}

uint32_t thag_flame_neighbour(const struct thag_flame *flame, uint32_t cell,
			      enum thag_flame_way way)
{
	const struct thag_flame_cell *cells = flame->cells;

	switch (way) {
	case THAG_FLAME_UP:
		return cells[cell].parent;
	case THAG_FLAME_DOWN:
		return widest_below(flame, cell);
	case THAG_FLAME_LEFT:
		return cell > 0 && cells[cell - 1].row == cells[cell].row ? cell - 1 : cell;
	case THAG_FLAME_RIGHT:
		return cell + 1 < flame->count && cells[cell + 1].row == cells[cell].row ? cell + 1
											 : cell;
	}
	return cell;
}
