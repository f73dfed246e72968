/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Tasks over several rings, case by case. */
#include "task_rings.h"

static const struct thag_node *node_at(uint32_t ring, const uint32_t *sites, int count)
{
	struct thag_tree *tree = &rings[ring].thread.tree;
	uint32_t node = THAG_TREE_ROOT;

	for (int i = 0; i < count; i++)
		node = thag_tree_child(tree, node, sites[i]);
	return &tree->nodes[node];
}

#define AT(ring, ...) \
	node_at(ring, (const uint32_t[]){ __VA_ARGS__ }, sizeof((uint32_t[]){ __VA_ARGS__ }) / 4)

static uint64_t wait_at(uint32_t ring, const struct thag_node *node)
{
	const struct thag_tree *tree = &rings[ring].thread.tree;

	return thag_tree_wait(tree, (uint32_t)(node - tree->nodes));
}

#define ID(slot) (UINT64_C(1) << THAG_TASK_SLOT_BITS | (slot))

Test(task_steps, gives_a_task_a_stack_of_its_own)
{
	begin();
	put(0, THAG_KIND_ENTER, 10, 100);
	put_step(0, THAG_TASK_CREATE, ID(1), 0, NAME, 0, 110);
	put_step(0, THAG_TASK_RUN, ID(1), 1, NAME, 0, 120);
	put(0, THAG_KIND_ENTER, 11, 130);
	put_step(0, THAG_TASK_RUN, 0, 0, 0, 0, 150);
	put(0, THAG_KIND_EXIT, 0, 180);
	put_step(0, THAG_TASK_RUN, ID(1), 2, NAME, 1, 200);
	put(0, THAG_KIND_EXIT, THAG_TASK_BASE, 205);
	put_step(0, THAG_TASK_RUN, 0, 0, 0, 0, 210);
	put_step(0, THAG_TASK_DESTROY, ID(1), 3, NAME, 0, 250);
	read_all();
	cr_expect_eq(AT(0, 10)->total, 50);
	cr_expect_eq(wait_at(0, AT(0, 10)), 30);
	cr_expect_eq(AT(0, NAME, 11)->total, 25);
	cr_expect_eq(AT(0, NAME, 11)->calls, 1);
	cr_expect_eq(AT(0, NAME, 11)->max, 25);
	cr_expect_eq(wait_at(0, AT(0, NAME, 11)), 50);
	cr_expect_eq(AT(0, NAME)->calls, 1);
	cr_expect_eq(AT(0, NAME)->total, 40);
	cr_expect_eq(AT(0, NAME)->min, 40);
	cr_expect_eq(wait_at(0, AT(0, NAME)), 100);
	cr_expect_eq(tasks.names[0].finished, 1);
	cr_expect_eq(tasks.names[0].wall, 140);
	cr_expect_eq(tasks.names[0].running, 40);
	cr_expect_eq(tasks.names[0].steps, 2);
	end();
}

Test(task_steps, waits_for_the_step_before_in_another_ring)
{
	begin();
	put_step(0, THAG_TASK_CREATE, ID(1), 0, NAME, 0, 100);
	put_step(0, THAG_TASK_RUN, ID(1), 1, NAME, 0, 110);
	put(0, THAG_KIND_ENTER, 10, 120);
	put_step(0, THAG_TASK_RUN, 0, 0, 0, 0, 130);
	put_step(1, THAG_TASK_RUN, ID(1), 2, NAME, 1, 140);
	put(1, THAG_KIND_EXIT, THAG_TASK_BASE, 150);
	put_step(1, THAG_TASK_RUN, 0, 0, 0, 0, 160);
	cr_expect_eq(read_ring(1, SIZE_MAX), 4, "the step, and no more");
	cr_expect(rings[1].stream.blocked);
	cr_expect_eq(read_ring(1, SIZE_MAX), 0);
	read_all();
	cr_expect_eq(AT(0, NAME, 10)->total, 10);
	cr_expect_eq(AT(0, NAME, 10)->calls, 0);
	cr_expect_eq(AT(1, NAME, 10)->total, 10);
	cr_expect_eq(AT(1, NAME, 10)->calls, 1, "it counts where it ends");
	cr_expect_eq(AT(1, NAME, 10)->max, 20, "with its whole duration");
	cr_expect_eq(tasks.gaps, 0);
	end();
}

Test(task_steps, takes_a_lost_step_as_lost_when_told_to)
{
	begin();
	put_step(0, THAG_TASK_CREATE, ID(1), 0, NAME, 0, 100);
	put_step(0, THAG_TASK_RUN, ID(1), 5, NAME, 3, 110); /* 1 to 4 are lost */
	put(0, THAG_KIND_ENTER, 10, 120);
	put(0, THAG_KIND_EXIT, THAG_TASK_BASE + 3, 130);
	put_step(0, THAG_TASK_RUN, 0, 0, 0, 0, 140);
	read_all();
	cr_assert(rings[0].stream.blocked);
	cr_expect(thag_stream_retry(&rings[0].stream, true));
	read_all();
	cr_expect_eq(AT(0, NAME, 10)->calls, 1);
	cr_expect_eq(rings[0].thread.unmatched, 0);
	cr_expect_eq(tasks.gaps, 1);
	end();
}

Test(task_steps, a_forced_step_of_a_running_task_has_a_stack_of_its_own)
{
	begin();
	put_step(0, THAG_TASK_CREATE, ID(1), 0, NAME, 0, 100);
	put_step(0, THAG_TASK_RUN, ID(1), 1, NAME, 0, 110);
	put(0, THAG_KIND_ENTER, 10, 120);
	put_step(1, THAG_TASK_RUN, ID(1), 2, NAME, 1, 130);
	put(1, THAG_KIND_ENTER, 11, 140);
	put(1, THAG_KIND_EXIT, THAG_TASK_BASE + 1, 150);
	put_step(1, THAG_TASK_RUN, 0, 0, 0, 0, 160);
	read_all();
	cr_assert(thag_stream_retry(&rings[1].stream, true));
	read_all();
	put(0, THAG_KIND_EXIT, THAG_TASK_BASE, 170);
	put_step(0, THAG_TASK_DESTROY, ID(1), 3, NAME, 0, 180);
	read_all();
	cr_expect_eq(AT(0, NAME, 10)->total, 50);
	cr_expect_eq(AT(1, NAME, 11)->total, 10);
	cr_expect_eq(AT(0, NAME)->calls, 1);
	cr_expect_eq(tasks.gaps, 1);
	end();
}

Test(task_steps, accepts_what_it_meets_first_when_it_joins_late)
{
	begin();
	tasks.joined_late = true;
	put_step(0, THAG_TASK_RUN, ID(1), 77, NAME, 2, 100);
	put(0, THAG_KIND_ENTER, 10, 110);
	put(0, THAG_KIND_EXIT, THAG_TASK_BASE + 2, 120);
	put(0, THAG_KIND_EXIT, THAG_TASK_BASE + 1, 130); /* opened before we came */
	put_step(0, THAG_TASK_RUN, 0, 0, 0, 0, 140);
	read_all();
	cr_expect_eq(AT(0, NAME, 10)->total, 10);
	cr_expect_eq(AT(0, NAME)->total, 40);
	cr_expect_eq(rings[0].thread.unmatched, 1);
	cr_expect_eq(tasks.gaps, 1);
	end();
}

Test(task_steps, closes_frames_the_program_knows_nothing_of)
{
	begin();
	put_step(0, THAG_TASK_CREATE, ID(1), 0, NAME, 0, 100);
	put_step(0, THAG_TASK_RUN, ID(1), 1, NAME, 0, 100);
	put(0, THAG_KIND_ENTER, 10, 100);
	put(0, THAG_KIND_ENTER, 11, 100);
	put_step(0, THAG_TASK_RUN, 0, 0, 0, 0, 150);
	put_step(0, THAG_TASK_RUN, ID(1), 2, NAME, 1, 200);
	put(0, THAG_KIND_EXIT, THAG_TASK_BASE, 210);
	read_all();
	cr_expect_eq(rings[0].thread.unwound, 1);
	cr_expect_eq(AT(0, NAME, 10, 11)->total, 50);
	cr_expect_eq(AT(0, NAME, 10)->max, 60);
	end();
}

Test(task_steps, a_frame_of_the_thread_may_end_while_a_task_runs)
{
	begin();
	put(0, THAG_KIND_ENTER, 10, 100);
	put_step(0, THAG_TASK_CREATE, ID(1), 0, NAME, 0, 110);
	put_step(0, THAG_TASK_RUN, ID(1), 1, NAME, 0, 120);
	put(0, THAG_KIND_EXIT, 0, 150);
	put_step(0, THAG_TASK_RUN, 0, 0, 0, 0, 200);
	read_all();
	cr_expect_eq(AT(0, 10)->total, 20);
	cr_expect_eq(AT(0, 10)->calls, 1);
	cr_expect_eq(wait_at(0, AT(0, 10)), 30);
	cr_expect_eq(rings[0].thread.unmatched, 0);
	end();
}

Test(task_steps, shows_what_is_open_though_it_stands_still)
{
	struct thag_tree copy;
	struct thag_open open[8];

	begin();
	put(0, THAG_KIND_ENTER, 10, 100);
	put_step(0, THAG_TASK_CREATE, ID(1), 0, NAME, 0, 110);
	put_step(0, THAG_TASK_CREATE, ID(2), 0, NAME, 0, 110);
	put_step(0, THAG_TASK_RUN, ID(1), 1, NAME, 0, 120);
	put(0, THAG_KIND_ENTER, 11, 130);
	put_step(0, THAG_TASK_RUN, ID(2), 1, NAME, 0, 140);
	read_all();
	cr_assert_eq(thag_tree_copy(&copy, &rings[0].thread.tree), 0);
	cr_expect_eq(thag_tasks_count_open(&rings[0].thread), 4);
	cr_expect_eq(thag_tasks_add_open(&rings[0].thread, &copy, 200, open, 8), 4);
	uint32_t own = (uint32_t)(AT(0, 10) - rings[0].thread.tree.nodes);
	uint32_t task = (uint32_t)(AT(0, NAME) - rings[0].thread.tree.nodes);
	uint32_t inner = (uint32_t)(AT(0, NAME, 11) - rings[0].thread.tree.nodes);

	cr_expect_eq(copy.nodes[own].total, 20);
	cr_expect_eq(thag_tree_wait(&copy, own), 80);
	cr_expect_eq(copy.nodes[task].total, 20 + 60);
	cr_expect_eq(thag_tree_wait(&copy, task), 10 + 60 + 30);
	cr_expect_eq(copy.nodes[inner].total, 10);
	cr_expect_eq(thag_tree_wait(&copy, inner), 60);
	thag_tree_fini(&copy);
	end();
}

Test(task_steps, counts_what_makes_no_sense)
{
	begin();
	put_step(0, 3, ID(1), 0, NAME, 0, 100);
	put_step(0, THAG_TASK_CREATE, ID(1), 0, 0, 0, 100);
	put_step(0, THAG_TASK_CREATE, 0, 0, NAME, 0, 100);
	put_step(0, THAG_TASK_RUN, ID(1), 1, NAME, THAG_TASK_BASE + 1, 100);
	read_all();
	cr_expect_eq(rings[0].stream.invalid, 4);
	cr_expect_null(tasks.newest);
	end();
}

Test(task_steps, many_that_seem_to_live_in_one_slot_wait_for_their_ends)
{
	begin();
	for (uint64_t i = 1; i <= THAG_TASKS_IN_SLOT_MAX + 1; i++)
		put_step(0, THAG_TASK_CREATE, i << THAG_TASK_SLOT_BITS | 7, 0, NAME, 0, 100);
	read_all();
	cr_assert(rings[0].stream.blocked);
	cr_expect_eq(tasks.names[0].created, THAG_TASKS_IN_SLOT_MAX);
	put_step(1, THAG_TASK_DESTROY, UINT64_C(1) << THAG_TASK_SLOT_BITS | 7, 1, NAME, 0, 100);
	read_all();
	cr_expect_not(rings[0].stream.blocked);
	cr_expect_eq(tasks.gaps, 0);
	end();
}

static void take_end(void *context, struct thag_thread *thread)
{
	(void)context;
	(void)thread;
}

static struct thag_thread *take_no_start(void *context, uint32_t tid)
{
	(void)context;
	(void)tid;
	return NULL;
}

Test(task_steps, a_thread_whose_end_was_lost_while_a_task_ran_ends_when_the_next_begins)
{
	begin();
	rings[0].stream.thread_start = take_no_start;
	rings[0].stream.thread_end = take_end;
	put(0, THAG_KIND_ENTER, 10, 100);
	put_step(0, THAG_TASK_CREATE, ID(1), 0, NAME, 0, 150);
	put_step(0, THAG_TASK_RUN, ID(1), 1, NAME, 0, 200);
	put(0, THAG_KIND_EXT, THAG_EXT_THREAD_START << THAG_EXT_SHIFT, 400);
	put_word(0, 7);
	read_all();
	cr_expect_eq(AT(0, 10)->calls, 1);
	cr_expect_eq(AT(0, 10)->total, 100);
	cr_expect_eq(wait_at(0, AT(0, 10)), 200);
	cr_expect_eq(AT(0, NAME)->total, 200);
	end();
}
