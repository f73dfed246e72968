/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "flame.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "thag_folded_read.h"

static struct thag_profile *read_folded(const char *text)
{
	const struct thag_folded_options options = { .root_name = "all", .stacks_most = 1000000 };
	struct thag_profile *profiles[THAG_FOLDED_SIDES];
	struct thag_folded_reader *reader;

	cr_assert_eq(thag_folded_reader_create(&reader, &options), 0);
	cr_assert_eq(thag_folded_reader_feed(reader, text, strlen(text)), 0);
	cr_assert_eq(thag_folded_reader_finish(reader, profiles), 0);
	thag_folded_reader_destroy(reader);
	return profiles[0];
}

static const char *name_of(const struct thag_profile *profile, const struct thag_flame *flame,
			   uint32_t cell)
{
	uint32_t count;
	size_t bytes;

	return thag_profile_name(
		profile, thag_profile_nodes(profile, &count)[flame->cells[cell].node].name, &bytes);
}

static void expect_cell(const struct thag_profile *profile, const struct thag_flame *flame,
			uint32_t cell, const char *name, uint32_t row, uint32_t column,
			uint32_t width)
{
	cr_assert_lt(cell, flame->count);
	cr_expect_str_eq(name_of(profile, flame, cell), name);
	cr_expect_eq(flame->cells[cell].row, row, "%s", name);
	cr_expect_eq(flame->cells[cell].column, column, "%s", name);
	cr_expect_eq(flame->cells[cell].width, width, "%s", name);
}

Test(flame_cells, lie_below_their_callers_by_name)
{
	struct thag_profile *profile = read_folded("m;b 30\nm;a 50\nm 20\n");
	struct thag_flame flame;

	cr_assert_eq(thag_flame_layout(&flame, profile, 0, 10), 0);
	cr_assert_eq(flame.count, 4);
	cr_expect_eq(flame.rows, 3);
	expect_cell(profile, &flame, 0, "all", 0, 0, 10);
	expect_cell(profile, &flame, 1, "m", 1, 0, 10);
	expect_cell(profile, &flame, 2, "a", 2, 0, 5);
	expect_cell(profile, &flame, 3, "b", 2, 5, 3);
	thag_flame_fini(&flame);
	thag_profile_destroy(profile);
}

Test(flame_cells, keep_recursion)
{
	struct thag_profile *profile = read_folded("f;f;f;g;f 7\nf;f 7\n");
	struct thag_flame flame;

	cr_assert_eq(thag_flame_layout(&flame, profile, 0, 14), 0);
	cr_assert_eq(flame.count, 6);
	cr_expect_eq(flame.rows, 6);
	expect_cell(profile, &flame, 2, "f", 2, 0, 14);
	expect_cell(profile, &flame, 3, "f", 3, 0, 7);
	expect_cell(profile, &flame, 4, "g", 4, 0, 7);
	expect_cell(profile, &flame, 5, "f", 5, 0, 7);
	thag_flame_fini(&flame);
	thag_profile_destroy(profile);
}

Test(flame_cells, are_of_the_frame_that_is_looked_at)
{
	struct thag_profile *profile = read_folded("m;a;x 1\nm;a;y 1\nm;b 998\n");
	struct thag_flame flame;
	uint32_t a = 0, count;

	cr_assert_eq(thag_flame_layout(&flame, profile, 0, 100), 0);
	cr_expect_eq(flame.hidden, 1, "a is too narrow");
	thag_flame_fini(&flame);

	thag_profile_nodes(profile, &count);
	for (uint32_t i = 0; i < count; i++) {
		size_t bytes;

		if (strcmp(thag_profile_name(profile, thag_profile_nodes(profile, &count)[i].name,
					     &bytes),
			   "a") == 0)
			a = i;
	}
	cr_assert_eq(thag_flame_layout(&flame, profile, a, 100), 0);
	cr_assert_eq(flame.count, 3);
	expect_cell(profile, &flame, 0, "a", 0, 0, 100);
	expect_cell(profile, &flame, 1, "x", 1, 0, 50);
	expect_cell(profile, &flame, 2, "y", 1, 50, 50);
	cr_expect_eq(thag_flame_find(&flame, flame.cells[2].node), 2);
	cr_expect_eq(thag_flame_find(&flame, 0), 0, "what isn't drawn is at the top");
	thag_flame_fini(&flame);
	thag_profile_destroy(profile);
}

/** What is narrower than a column has room in no other's: gaps are where it is. */
Test(flame_cells, neither_overlap_nor_leave_their_caller_whatever_the_profile)
{
	srand(7);
	for (int round = 0; round < 200; round++) {
		char text[4096] = "";
		uint32_t columns = 1 + (uint32_t)rand() % 200, count;
		const struct thag_profile_node *nodes;
		struct thag_profile *profile;
		struct thag_flame flame;

		for (int line = 0; line < 30; line++) {
			size_t at = strlen(text);
			int depth = 1 + rand() % 6;

			for (int i = 0; i < depth; i++)
				at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%c",
						       i ? ";" : "", 'a' + rand() % 4);
			snprintf(text + at, sizeof(text) - at, " %d\n",
				 rand() % (rand() % 2 ? 10 : 100000));
		}
		profile = read_folded(text);
		nodes = thag_profile_nodes(profile, &count);
		cr_assert_eq(thag_flame_layout(&flame, profile, 0, columns), 0);
		for (uint32_t i = 1; i < flame.count; i++) {
			const struct thag_flame_cell *cell = &flame.cells[i];
			const struct thag_flame_cell *parent = &flame.cells[cell->parent];
			const struct thag_flame_cell *last = &flame.cells[i - 1];
			double exact = (double)nodes[cell->node].total_ns * columns /
				       (double)nodes[0].total_ns;

			cr_assert_gt(cell->width, 0);
			cr_assert_lt(cell->parent, i);
			cr_assert_eq(nodes[cell->node].parent, parent->node);
			cr_assert_eq(cell->row, parent->row + 1);
			cr_assert_geq(cell->column, parent->column);
			cr_assert_leq(cell->column + cell->width, parent->column + parent->width);
			cr_assert(last->row < cell->row ||
				  (last->row == cell->row &&
				   last->column + last->width <= cell->column));
			cr_assert_lt(cell->width, exact + 1);
			cr_assert_gt(cell->width, exact - 1);
		}
		thag_flame_fini(&flame);
		thag_profile_destroy(profile);
	}
}

Test(flame_cells, have_neighbours)
{
	struct thag_profile *profile = read_folded("m;a 1\nm;b;c 2\nm;b;d 5\n");
	struct thag_flame flame;

	cr_assert_eq(thag_flame_layout(&flame, profile, 0, 80), 0);
	/* all, m, a, b, c, d */
	cr_assert_eq(flame.count, 6);
	cr_expect_eq(thag_flame_neighbour(&flame, 0, THAG_FLAME_UP), 0);
	cr_expect_eq(thag_flame_neighbour(&flame, 0, THAG_FLAME_DOWN), 1);
	cr_expect_eq(thag_flame_neighbour(&flame, 1, THAG_FLAME_DOWN), 3, "the widest");
	cr_expect_eq(thag_flame_neighbour(&flame, 3, THAG_FLAME_DOWN), 5);
	cr_expect_eq(thag_flame_neighbour(&flame, 5, THAG_FLAME_DOWN), 5);
	cr_expect_eq(thag_flame_neighbour(&flame, 5, THAG_FLAME_UP), 3);
	cr_expect_eq(thag_flame_neighbour(&flame, 3, THAG_FLAME_LEFT), 2);
	cr_expect_eq(thag_flame_neighbour(&flame, 2, THAG_FLAME_LEFT), 2);
	cr_expect_eq(thag_flame_neighbour(&flame, 2, THAG_FLAME_RIGHT), 3);
	cr_expect_eq(thag_flame_neighbour(&flame, 3, THAG_FLAME_RIGHT), 3);
	thag_flame_fini(&flame);
	thag_profile_destroy(profile);
}

Test(flame_cells, are_few_however_deep_or_empty_a_profile_is)
{
	struct thag_profile *profile = read_folded("");
	struct thag_flame flame;
	char *deep;

	cr_assert_eq(thag_flame_layout(&flame, profile, 0, 80), 0);
	cr_expect_eq(flame.count, 1);
	thag_flame_fini(&flame);
	thag_profile_destroy(profile);

	deep = malloc(2 * 100000 + 32);
	cr_assert(deep);
	for (size_t i = 0; i < 100000; i++)
		memcpy(deep + 2 * i, "f;", 2);
	strcpy(deep + 2 * 100000 - 1, " 18446744073709551615\n");
	profile = read_folded(deep);
	cr_assert_eq(thag_flame_layout(&flame, profile, 0, 80), 0);
	cr_expect_eq(flame.count, 100001);
	cr_expect_eq(flame.cells[100000].width, 80, "as wide as the largest value is");
	thag_flame_fini(&flame);
	thag_profile_destroy(profile);
	free(deep);
}
