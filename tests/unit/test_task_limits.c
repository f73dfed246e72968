/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Tasks at their limits, and those that were there before anything was read. */
#include "task_rings.h"

#include "thag_thread.h"

#define ID(generation, slot) ((uint64_t)(generation) << THAG_TASK_SLOT_BITS | (slot))

static struct thag_task_event event_of(uint64_t id, uint64_t step, uint64_t ticks)
{
	return (struct thag_task_event){ .id = id, .step = step, .site = NAME, .ticks = ticks };
}

Test(task_limits, further_names_share_the_last_ones_numbers)
{
	begin();
	for (uint32_t i = 0; i < THAG_TASK_NAMES_MAX + 10; i++) {
		struct thag_task_event event = event_of(ID(1, i + 1), 0, 100 + i);

		event.site = NAME + i;
		cr_assert(thag_tasks_create(&tasks, &event, false));
	}
	cr_expect_eq(tasks.name_count, THAG_TASK_NAMES_MAX);
	cr_expect_eq(tasks.names[0].created, 1);
	cr_expect_eq(tasks.names[THAG_TASK_NAMES_MAX - 1].site, THAG_SITE_OVERFLOW);
	cr_expect_eq(tasks.names[THAG_TASK_NAMES_MAX - 1].created, 11);
	end();
}

Test(task_limits, a_slot_waits_for_the_ends_of_those_that_had_it)
{
	struct thag_task_event event;

	begin();
	for (uint32_t i = 1; i <= THAG_TASKS_IN_SLOT_MAX; i++) {
		event = event_of(ID(i, 5), 0, 100 + i);
		cr_assert(thag_tasks_create(&tasks, &event, false));
	}
	event = event_of(ID(99, 5), 0, 200);
	cr_expect_not(thag_tasks_create(&tasks, &event, false), "their ends may be read yet");
	cr_expect_eq(tasks.gaps, 0);
	/* one of them runs, and ends when its step does */
	event = event_of(ID(1, 5), 1, 210);
	cr_assert(thag_tasks_run(&tasks, &rings[0].thread, &event, false));
	event = event_of(ID(99, 5), 0, 220);
	cr_expect(thag_tasks_create(&tasks, &event, true), "they count as lost");
	cr_expect_eq(tasks.gaps, THAG_TASKS_IN_SLOT_MAX);
	cr_expect_eq(tasks.names[0].finished, THAG_TASKS_IN_SLOT_MAX - 1);
	thag_tasks_leave(&tasks, &rings[0].thread, 230);
	cr_expect_eq(tasks.names[0].finished, THAG_TASKS_IN_SLOT_MAX);
	cr_expect_eq(tasks.newest->id, ID(99, 5));
	cr_expect_null(tasks.newest->older);
	end();
}

Test(task_limits, what_has_no_room_loses_its_open_frames)
{
	begin();
	put_step(0, THAG_TASK_CREATE, ID(1, 1), 0, NAME, 0, 100);
	put_step(0, THAG_TASK_RUN, ID(1, 1), 1, NAME, 0, 110);
	for (uint32_t i = 0; i < 200; i++)
		put(0, THAG_KIND_ENTER, 10, 120 + i);
	read_all();
	tasks.bytes_max = tasks.bytes;
	put_step(0, THAG_TASK_RUN, 0, 0, 0, 0, 400);
	/* nor is there room for another */
	put_step(0, THAG_TASK_CREATE, ID(1, 2), 0, NAME, 0, 410);
	tasks.bytes_max--;
	read_all();
	cr_expect_eq(tasks.newest->stack.depth, 0);
	cr_expect_lt(tasks.newest->stack.capacity, 200);
	cr_expect_eq(tasks.refused, 1);
	tasks.bytes_max = THAG_TASKS_BYTES_MAX;
	put_step(0, THAG_TASK_RUN, ID(1, 1), 2, NAME, 200, 420);
	put_step(0, THAG_TASK_RUN, 0, 0, 0, 0, 430);
	put_step(0, THAG_TASK_DESTROY, ID(1, 1), 3, NAME, 0, 440);
	read_all();
	cr_expect_eq(tasks.names[0].finished, 1, "and goes on");
	cr_expect_null(tasks.newest);
	end();
}

Test(task_limits, a_deep_tasks_memory_is_not_kept)
{
	begin();
	put_step(0, THAG_TASK_CREATE, ID(1, 1), 0, NAME, 0, 100);
	put_step(0, THAG_TASK_RUN, ID(1, 1), 1, NAME, 0, 110);
	for (uint32_t i = 0; i < 200; i++)
		put(0, THAG_KIND_ENTER, 10, 120 + i);
	put_step(0, THAG_TASK_RUN, 0, 0, 0, 0, 400);
	put_step(0, THAG_TASK_DESTROY, ID(1, 1), 2, NAME, 0, 410);
	read_all();
	cr_expect_eq(tasks.spare_count, 0);
	put_step(0, THAG_TASK_CREATE, ID(2, 1), 0, NAME, 0, 500);
	put_step(0, THAG_TASK_DESTROY, ID(2, 1), 1, NAME, 0, 510);
	read_all();
	cr_expect_eq(tasks.spare_count, 1);
	end();
}

Test(task_limits, those_that_were_there_before_are_adopted_once)
{
	struct thag_task_event event = event_of(ID(1, 1), 4, 100);
	struct thag_thread *thread = &rings[0].thread;
	struct thag_task_state *task;

	begin();
	cr_expect_null(thag_tasks_adopt(&tasks, NULL, &event, true, false), "it runs nowhere");
	cr_expect_null(thag_tasks_adopt(&tasks, NULL, &event, false, true));
	task = thag_tasks_adopt(&tasks, thread, &event, false, false);
	cr_assert_not_null(task);
	thag_tasks_adopted(&tasks, thread, task, 110);
	cr_expect_eq(thread->suspended, task);
	cr_expect_null(thag_tasks_adopt(&tasks, thread, &event, false, false), "known already");
	thag_tasks_move(&tasks, thread, &rings[1].thread);
	cr_expect_null(thread->suspended);
	cr_expect_eq(rings[1].thread.suspended, task);
	/* one that stands in for a task, which is in no table */
	event = event_of(ID(1, 2), 7, 120);
	task = thag_tasks_adopt(&tasks, thread, &event, true, true);
	cr_assert_not_null(task);
	thag_tasks_adopted(&tasks, thread, task, 130);
	cr_expect_eq(thread->task, task);
	cr_expect_null(tasks.newest->older, "the first one alone is in the table");
	thag_tasks_leave(&tasks, thread, 140);
	cr_expect_null(thread->task);
	tasks.bytes_max = 0;
	event = event_of(ID(1, 3), 0, 150);
	cr_expect_null(thag_tasks_adopt(&tasks, thread, &event, false, false), "no room");
	cr_expect_eq(tasks.refused, 1);
	end();
}
