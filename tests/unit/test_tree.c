/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "thag_tree.h"

Test(tree, finds_the_child_it_made_among_few_and_many)
{
	struct thag_tree tree;
	uint32_t children[1000];

	cr_assert_eq(thag_tree_init(&tree, 1 << 20), 0);
	for (uint32_t site = 0; site < 1000; site++)
		children[site] = thag_tree_child(&tree, THAG_TREE_ROOT, site + 2);
	for (uint32_t i = 0; i < 5000; i++) {
		uint32_t site = i * 7919 % 1000;

		cr_assert_eq(thag_tree_child(&tree, THAG_TREE_ROOT, site + 2), children[site]);
	}
	cr_expect_eq(tree.count, 1001);
	thag_tree_fini(&tree);
}

Test(tree, agrees_with_a_naive_one_on_random_stacks)
{
	static uint32_t naive[3000][64]; /* child by node and site */
	struct thag_tree tree;
	unsigned seed = 1;

	cr_assert_eq(thag_tree_init(&tree, 3000), 0);
	for (int walk = 0; walk < 4000; walk++) {
		uint32_t node = THAG_TREE_ROOT;

		for (int step = 0; step < 6 && tree.count < 3000; step++) {
			uint32_t site = (uint32_t)rand_r(&seed) % 64;
			uint32_t child = thag_tree_child(&tree, node, site);

			if (naive[node][site])
				cr_assert_eq(child, naive[node][site]);
			cr_assert_eq(tree.nodes[child].site, site);
			cr_assert_eq(tree.nodes[child].parent, node);
			naive[node][site] = child;
			node = child;
		}
	}
	thag_tree_fini(&tree);
}

Test(tree, answers_with_the_caller_itself_when_full)
{
	struct thag_tree tree;

	thag_tree_init(&tree, 3);
	uint32_t a = thag_tree_child(&tree, THAG_TREE_ROOT, 10);
	uint32_t b = thag_tree_child(&tree, a, 11);

	cr_expect_eq(thag_tree_child(&tree, b, 12), b);
	cr_expect_eq(thag_tree_child(&tree, a, 11), b);
	cr_expect_eq(tree.overflowed, 1);
	thag_tree_fini(&tree);
}

static void sum_durations(const struct thag_tree *tree, uint32_t node,
			  uint64_t counts[static THAG_HIST_BUCKETS])
{
	memset(counts, 0, THAG_HIST_BUCKETS * sizeof(*counts));
	thag_hist_sum(&tree->hists, tree->nodes[node].hist, counts);
	if (tree->nodes[node].calls == 1)
		counts[thag_hist_bucket(tree->nodes[node].min)]++;
}

Test(tree, keeps_every_duration)
{
	struct thag_tree tree;
	uint64_t counts[THAG_HIST_BUCKETS], expected[THAG_HIST_BUCKETS] = { 0 }, total = 0;
	unsigned seed = 5;

	thag_tree_init(&tree, 100);
	uint32_t node = thag_tree_child(&tree, THAG_TREE_ROOT, 2);

	for (uint64_t calls = 1; calls <= 3000; calls++) {
		uint64_t duration = (uint64_t)rand_r(&seed) >> (rand_r(&seed) % 30);

		thag_tree_add_call(&tree, node, duration, duration);
		expected[thag_hist_bucket(duration)]++;
		total += duration;
		sum_durations(&tree, node, counts);
		cr_assert_arr_eq(counts, expected, sizeof(counts));
		cr_assert_eq(tree.nodes[node].calls, calls);
		cr_assert_eq(tree.nodes[node].total, total);
	}
	thag_tree_fini(&tree);
}

static void fill(struct thag_tree *tree, unsigned seed, int calls)
{
	for (int i = 0; i < calls; i++) {
		uint32_t node = THAG_TREE_ROOT;

		for (int depth = rand_r(&seed) % 4; depth >= 0; depth--)
			node = thag_tree_child(tree, node, 2 + (uint32_t)rand_r(&seed) % 5);
		thag_tree_add_call(tree, node, (uint64_t)rand_r(&seed) % 100000, 1);
	}
}

Test(tree, merges_to_what_one_tree_would_hold)
{
	struct thag_tree whole, a, b;
	uint64_t x[THAG_HIST_BUCKETS], y[THAG_HIST_BUCKETS];

	thag_tree_init(&whole, 10000);
	thag_tree_init(&a, 10000);
	thag_tree_init(&b, 10000);
	fill(&whole, 1, 700);
	fill(&whole, 2, 900);
	fill(&a, 1, 700);
	fill(&b, 2, 900);
	cr_assert_eq(thag_tree_merge(&a, &b), 0);
	cr_assert_eq(a.count, whole.count);
	for (uint32_t i = 0; i < whole.count; i++) {
		cr_assert_eq(a.nodes[i].site, whole.nodes[i].site);
		cr_assert_eq(a.nodes[i].calls, whole.nodes[i].calls);
		cr_assert_eq(a.nodes[i].total, whole.nodes[i].total);
		cr_assert_eq(a.nodes[i].min, whole.nodes[i].min);
		cr_assert_eq(a.nodes[i].max, whole.nodes[i].max);
		sum_durations(&a, i, x);
		sum_durations(&whole, i, y);
		cr_assert_arr_eq(x, y, sizeof(x));
	}
	thag_tree_fini(&whole);
	thag_tree_fini(&a);
	thag_tree_fini(&b);
}

/* Of all nodes of a site. */
static void sum_site(const struct thag_tree *tree, uint32_t site,
		     uint64_t counts[static THAG_HIST_BUCKETS])
{
	uint64_t more[THAG_HIST_BUCKETS];

	memset(counts, 0, THAG_HIST_BUCKETS * sizeof(*counts));
	for (uint32_t i = 1; i < tree->count; i++) {
		if (tree->nodes[i].site != site)
			continue;
		sum_durations(tree, i, more);
		for (uint32_t bucket = 0; bucket < THAG_HIST_BUCKETS; bucket++)
			counts[bucket] += more[bucket];
	}
}

Test(tree, pools_durations_by_site)
{
	for (int calls = 1; calls < 3000; calls = calls * 3 + 1) {
		uint64_t x[THAG_HIST_BUCKETS], y[THAG_HIST_BUCKETS];
		struct thag_tree by_node, pooled, more;

		thag_tree_init(&by_node, 10000);
		thag_tree_init(&pooled, 10000);
		thag_tree_init(&more, 10000);
		thag_tree_pool_durations(&pooled);
		fill(&by_node, 1, calls);
		fill(&pooled, 1, calls);
		for (unsigned seed = 2; seed < 5; seed++) {
			thag_tree_clear(&more);
			fill(&more, seed, calls);
			cr_assert_eq(thag_tree_merge(&by_node, &more), 0);
			cr_assert_eq(thag_tree_merge(&pooled, &more), 0);
		}
		thag_tree_place_durations(&pooled);
		cr_assert_eq(pooled.count, by_node.count);
		for (uint32_t i = 0; i < pooled.count; i++) {
			cr_assert_eq(pooled.nodes[i].calls, by_node.nodes[i].calls);
			cr_assert_eq(pooled.nodes[i].total, by_node.nodes[i].total);
			cr_assert_eq(pooled.nodes[i].min, by_node.nodes[i].min);
			cr_assert_eq(pooled.nodes[i].max, by_node.nodes[i].max);
		}
		for (uint32_t site = 2; site < 7; site++) {
			sum_site(&pooled, site, x);
			sum_site(&by_node, site, y);
			cr_assert_arr_eq(x, y, sizeof(x), "site %u, %d calls", site, calls);
		}
		thag_tree_fini(&by_node);
		thag_tree_fini(&pooled);
		thag_tree_fini(&more);
	}
}

Test(tree, copies_itself_whole)
{
	struct thag_tree tree, copy;

	thag_tree_init(&tree, 1000);
	fill(&tree, 3, 500);
	cr_assert_eq(thag_tree_copy(&copy, &tree), 0);
	cr_assert_eq(copy.count, tree.count);
	cr_expect_arr_eq(copy.nodes, tree.nodes, tree.count * sizeof(*tree.nodes));
	thag_tree_fini(&tree);
	thag_tree_fini(&copy);
}
