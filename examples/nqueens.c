/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * nqueens: in how many ways N queens stand on an N by N board without attacking each other.
 *
 * A recursive program: each row of the board is one more frame of place_row in the profile.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <thag.h>

#define QUEENS_MAX 16

/* Squares of this row that are attacked, one bit a column. */
struct attacks {
	uint32_t columns, left, right;
};

static inline struct attacks attacks_below(struct attacks row, uint32_t queen)
{
	return (struct attacks){
		.columns = row.columns | queen,
		.left = (row.left | queen) << 1,
		.right = (row.right | queen) >> 1,
	};
}

static uint64_t place_row(uint32_t board, struct attacks row)
{
	THAG_PROFILED();
	uint32_t free_squares = board & ~(row.columns | row.left | row.right);
	uint64_t ways = 0;

	if (row.columns == board)
		return 1;
	while (free_squares) {
		uint32_t queen = free_squares & -free_squares;

		free_squares ^= queen;
		ways += place_row(board, attacks_below(row, queen));
	}
	return ways;
}

int main(int argc, char **argv)
{
	THAG_ENABLE_PROFILING(time);
	long queens = argc > 1 ? strtol(argv[1], NULL, 10) : 10;

	if (argc > 2 || queens < 1 || queens > QUEENS_MAX) {
		fprintf(stderr, "usage: nqueens [N]   (1 to %d; 10)\n", QUEENS_MAX);
		return 2;
	}
	for (long n = 1; n <= queens; n++) {
		uint64_t ways = place_row((UINT32_C(1) << n) - 1, (struct attacks){ 0 });

		printf("%2ld queens: %" PRIu64 " ways\n", n, ways);
	}
	return 0;
}
