/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "budget.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <sys/stat.h>

#include "thag_tree.h"
#include "thagd_limits.h"

static char root[64];

static void begin(void)
{
	strcpy(root, "/tmp/thag-budget.XXXXXX");
	cr_assert(mkdtemp(root));
}

static void end(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	cr_assert_eq(system(command), 0);
}

static void make_dir(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	cr_assert_eq(mkdir(path, 0700), 0);
}

static void put(const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	file = fopen(path, "w");
	cr_assert(file);
	fputs(text, file);
	fclose(file);
}

static uint64_t look(const char *list)
{
	char path[256];

	put("list", list);
	snprintf(path, sizeof(path), "%s/list", root);
	return thag_budget_cgroup(path, root);
}

Test(budget, takes_the_least_of_a_cgroup_and_those_above, .init = begin, .fini = end)
{
	make_dir("user");
	make_dir("user/app");
	put("user/app/memory.max", "max\n");
	put("user/memory.max", "268435456\n");
	cr_assert_eq(look("0::/user/app\n"), 268435456);
	put("user/app/memory.max", "1048576\n");
	cr_assert_eq(look("0::/user/app\n"), 1048576);
	/* what a container sees as its root */
	put("memory.max", "4096000\n");
	cr_assert_eq(look("0::/elsewhere\n"), 4096000);
	cr_assert_eq(look("0::/\n"), 4096000);
}

Test(budget, knows_cgroups_of_version_1, .init = begin, .fini = end)
{
	make_dir("memory");
	make_dir("memory/a");
	put("memory/memory.limit_in_bytes", "9223372036854771712\n");
	put("memory/a/memory.limit_in_bytes", "300000000\n");
	cr_assert_eq(look("9:name=systemd:/a\n4:cpu,memory:/a\n0::/\n"), 300000000);
	cr_assert_eq(look("4:memory:/\n"), UINT64_MAX);
	cr_assert_eq(look("4:cpuset:/a\nnonsense\n:\n::\n0:\n"), UINT64_MAX);
	cr_assert_eq(thag_budget_cgroup("/nowhere/list", root), UINT64_MAX);
}

Test(budget, keeps_all_that_grows_within_the_limit)
{
	const uint64_t limit = UINT64_C(256) << 20;
	struct thag_budget budget;

	thag_budget_init(&budget, UINT64_C(1) << 30);
	cr_assert_eq(budget.memory_bytes, 0);
	cr_assert_eq(budget.trees_bytes, THAG_TREES_BYTES_MAX);
	thag_budget_limit(&budget, limit, "a test");
	cr_assert_lt(budget.timeline_bytes + budget.trees_bytes + budget.finished_bytes +
			     budget.heaps_bytes + budget.heap_ended_bytes + budget.names_bytes +
			     budget.pool_chunks * THAG_POOL_CHUNK_BYTES,
		     limit * 3 / 4);
	cr_assert_leq(budget.tree_nodes * THAG_TREE_NODE_COST, budget.trees_bytes + 1024);
}

Test(budget, trees_share_an_allowance_and_give_it_back)
{
	const uint64_t bytes = UINT64_C(1000) * THAG_TREE_NODE_COST;
	atomic_uint_least64_t left;
	struct thag_tree trees[2];
	uint32_t count;

	atomic_init(&left, bytes);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(thag_tree_init(&trees[i], 1000000), 0);
		thag_tree_limit(&trees[i], &left);
	}
	for (uint32_t site = 1; site <= 5000; site++)
		for (int i = 0; i < 2; i++)
			thag_tree_child(&trees[i], THAG_TREE_ROOT, site);
	count = trees[0].count + trees[1].count;
	cr_assert_gt(count, 500);
	cr_assert_lt(count, 1200, "%u nodes", count);
	cr_assert_eq(trees[0].overflowed + trees[1].overflowed, 10000 + 2 - count);
	for (int i = 0; i < 2; i++)
		thag_tree_fini(&trees[i]);
	cr_assert_eq(atomic_load(&left), bytes);
}
