/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_tasks.h"

#include <errno.h>
#include <stdlib.h>

#include "thag/shm.h"

#define SLOT_MASK ((UINT64_C(1) << THAG_TASK_SLOT_BITS) - 1)
#define STEP_BITS 42
#define STEP_MASK ((UINT64_C(1) << STEP_BITS) - 1)
#define FIRST_SLOTS 64
#define FIRST_FRAMES 8

int thag_tasks_init(struct thag_tasks *tasks)
{
	*tasks = (struct thag_tasks){ .bytes_max = THAG_TASKS_BYTES_MAX };
	tasks->names = calloc(THAG_TASK_NAMES_MAX, sizeof(*tasks->names));
	if (!tasks->names)
		return -ENOMEM;
	pthread_mutex_init(&tasks->lock, NULL);
	return 0;
}

static void free_task(struct thag_task_state *task)
{
	thag_stack_fini(&task->stack);
	free(task);
}

void thag_tasks_fini(struct thag_tasks *tasks)
{
	struct thag_task_state *task;

	if (!tasks->names)
		return;
	while ((task = tasks->newest)) {
		tasks->newest = task->older;
		free_task(task);
	}
	while ((task = tasks->spare)) {
		tasks->spare = task->next_in_slot;
		free_task(task);
	}
	free(tasks->slots);
	free(tasks->names);
	pthread_mutex_destroy(&tasks->lock);
	*tasks = (struct thag_tasks){ 0 };
}

/* A task in no table, its stack empty, its clock standing still since `ticks`. */
static struct thag_task_state *make_task(struct thag_tasks *tasks,
					 const struct thag_task_event *event)
{
	struct thag_task_state *task = tasks->spare;
	struct thag_stack stack = { 0 };

	if (task) {
		tasks->spare = task->next_in_slot;
		tasks->spare_count--;
		stack = task->stack;
	} else {
		task = malloc(sizeof(*task));
		if (!task || thag_stack_init(&stack, THAG_TASK_BASE, FIRST_FRAMES) != 0) {
			free(task);
			return NULL;
		}
	}
	stack.depth = stack.marked = 0;
	stack.base = THAG_TASK_BASE;
	stack.paused = 0;
	stack.paused_since = event->ticks;
	stack.is_paused = true;
	stack.late = false;
	stack.frames[0] = (struct thag_frame){ .start = event->ticks };
	*task = (struct thag_task_state){
		.id = event->id, .site = event->site, .created_ticks = event->ticks, .stack = stack
	};
	return task;
}

/* Few tasks are deep, and a deep one's memory is not kept for the others. */
static void spare_task(struct thag_tasks *tasks, struct thag_task_state *task)
{
	if (tasks->spare_count == THAG_TASKS_SPARE_MAX || task->stack.capacity > 8 * FIRST_FRAMES) {
		free_task(task);
		return;
	}
	task->next_in_slot = tasks->spare;
	tasks->spare = task;
	tasks->spare_count++;
}

static struct thag_task_state *make_stray(struct thag_tasks *tasks,
					  const struct thag_task_event *event)
{
	struct thag_task_state *task = make_task(tasks, event);

	tasks->gaps++;
	if (task)
		task->stray = task->runs = true;
	return task;
}

static uint32_t slot_of(uint64_t id)
{
	return (uint32_t)(id & SLOT_MASK);
}

static struct thag_task_state *find(const struct thag_tasks *tasks, uint64_t id)
{
	struct thag_task_state *task = NULL;

	if (slot_of(id) < tasks->slot_capacity)
		task = tasks->slots[slot_of(id)];
	while (task && task->id != id)
		task = task->next_in_slot;
	return task;
}

static int reserve_slot(struct thag_tasks *tasks, uint32_t slot)
{
	uint32_t capacity = tasks->slot_capacity ? tasks->slot_capacity : FIRST_SLOTS;
	struct thag_task_state **grown;

	if (tasks->bytes > tasks->bytes_max)
		return -E2BIG;
	if (slot < tasks->slot_capacity)
		return 0;
	while (capacity <= slot)
		capacity *= 2;
	grown = reallocarray(tasks->slots, capacity, sizeof(struct thag_task_state *));
	if (!grown)
		return -ENOMEM;
	for (uint32_t i = tasks->slot_capacity; i < capacity; i++)
		grown[i] = NULL;
	tasks->slots = grown;
	tasks->slot_capacity = capacity;
	return 0;
}

/* The numbers of a name; the last ones are those of all further names. */
static uint32_t find_name(struct thag_tasks *tasks, uint32_t site)
{
	uint32_t i = 0;

	while (i < tasks->name_count && tasks->names[i].site != site)
		i++;
	if (i < tasks->name_count)
		return i;
	if (i == THAG_TASK_NAMES_MAX)
		return i - 1;
	if (i == THAG_TASK_NAMES_MAX - 1)
		site = THAG_SITE_OVERFLOW;
	tasks->names[i] = (struct thag_task_name){ .site = site };
	return tasks->name_count++;
}

static uint64_t task_bytes(const struct thag_task_state *task)
{
	return sizeof(*task) + thag_stack_bytes(&task->stack);
}

/* A new task in the table; `next_step`: the first that may come. NULL without room. */
static struct thag_task_state *add_task(struct thag_tasks *tasks,
					const struct thag_task_event *event, uint64_t next_step)
{
	uint32_t slot = slot_of(event->id);
	struct thag_task_state *task = NULL;

	if (reserve_slot(tasks, slot) == 0)
		task = make_task(tasks, event);
	if (!task) {
		tasks->refused++;
		return NULL;
	}
	task->next_step = next_step & STEP_MASK;
	task->next_in_slot = tasks->slots[slot];
	tasks->slots[slot] = task;
	task->older = tasks->newest;
	if (task->older)
		task->older->newer = task;
	tasks->newest = task;
	task->bytes = task_bytes(task);
	tasks->bytes += task->bytes;
	task->name = find_name(tasks, event->site);
	tasks->names[task->name].created++;
	tasks->names[task->name].live_since += event->ticks;
	return task;
}

static void unlink_suspended(struct thag_task_state *task)
{
	if (!task->suspended_link)
		return;
	*task->suspended_link = task->next_suspended;
	if (task->next_suspended)
		task->next_suspended->suspended_link = task->suspended_link;
	task->suspended_link = NULL;
	task->next_suspended = NULL;
}

static void link_suspended(struct thag_task_state *task, struct thag_thread *thread)
{
	task->thread = thread;
	task->next_suspended = thread->suspended;
	if (task->next_suspended)
		task->next_suspended->suspended_link = &task->next_suspended;
	thread->suspended = task;
	task->suspended_link = &thread->suspended;
}

static void remove_task(struct thag_tasks *tasks, struct thag_task_state *task)
{
	struct thag_task_state **link = &tasks->slots[slot_of(task->id)];

	while (*link != task)
		link = &(*link)->next_in_slot;
	*link = task->next_in_slot;
	if (task->newer)
		task->newer->older = task->older;
	else
		tasks->newest = task->older;
	if (task->older)
		task->older->newer = task->newer;
	unlink_suspended(task);
	tasks->bytes -= task->bytes;
	spare_task(tasks, task);
}

static void count_finished(struct thag_tasks *tasks, const struct thag_task_state *task,
			   uint64_t now)
{
	struct thag_task_name *name = &tasks->names[task->name];
	uint64_t wall = now > task->created_ticks ? now - task->created_ticks : 0;

	name->finished++;
	name->wall += wall;
	if (wall > name->longest_wall)
		name->longest_wall = wall;
	name->live_since -= task->created_ticks;
}

/* Whether so many tasks had the slot that most of them must be gone. */
static bool is_crowded(const struct thag_tasks *tasks, uint64_t id)
{
	const struct thag_task_state *task = NULL;
	uint32_t count = 0;

	if (slot_of(id) < tasks->slot_capacity)
		task = tasks->slots[slot_of(id)];
	for (; task; task = task->next_in_slot)
		count += !task->ends;
	return count >= THAG_TASKS_IN_SLOT_MAX;
}

/* The program gave the slot away: whoever had it is gone, and the word that said so was lost. */
static void vacate(struct thag_tasks *tasks, uint64_t id, uint64_t now)
{
	struct thag_task_state *next, *task = tasks->slots[slot_of(id)];

	for (; task; task = next) {
		next = task->next_in_slot;
		tasks->gaps++;
		task->ends = true;
		if (task->runs)
			continue;
		count_finished(tasks, task, now);
		remove_task(tasks, task);
	}
}

bool thag_tasks_create(struct thag_tasks *tasks, const struct thag_task_event *event, bool force)
{
	bool done = true;

	pthread_mutex_lock(&tasks->lock);
	if (find(tasks, event->id)) {
		tasks->gaps += !tasks->joined_late;
	} else if (is_crowded(tasks, event->id) && !force) {
		done = false;
	} else {
		if (is_crowded(tasks, event->id))
			vacate(tasks, event->id, event->ticks);
		add_task(tasks, event, event->step + 1);
	}
	pthread_mutex_unlock(&tasks->lock);
	return done;
}

/* How far `step` lies ahead of the task's next one; less than 0: it is of the past. */
static int64_t steps_ahead(const struct thag_task_state *task, uint64_t step)
{
	return (int64_t)((step - task->next_step) << (64 - STEP_BITS));
}

/*
 * Sets `*out` to the task of a step, NULL for none that could do it. False: not yet. Tasks that
 * were refused, or were there before we came, are not waited for.
 */
static bool find_step(struct thag_tasks *tasks, const struct thag_task_event *event, bool force,
		      struct thag_task_state **out)
{
	struct thag_task_state *task = find(tasks, event->id);

	*out = NULL;
	if (!task) {
		if (!force && !tasks->joined_late && !tasks->refused)
			return false;
		task = add_task(tasks, event, event->step);
		tasks->gaps += task != NULL;
		*out = task;
		return true;
	}
	if (steps_ahead(task, event->step) < 0)
		return true;
	if (task->runs || steps_ahead(task, event->step) > 0) {
		if (!force)
			return false;
		if (!task->runs)
			tasks->gaps++;
	}
	task->next_step = (event->step + 1) & STEP_MASK;
	if (!task->runs)
		*out = task;
	return true;
}

static void enter(struct thag_thread *thread, struct thag_task_state *task,
		  const struct thag_task_event *event)
{
	thag_stack_pause(&thread->own, event->ticks);
	if (task->thread != thread)
		thag_stack_move(&task->stack, &thread->tree, task->site);
	task->thread = thread;
	thag_stack_go_on(&task->stack, event->ticks);
	task->step = event->step;
	thread->task = task;
	thread->stack = &task->stack;
}

bool thag_tasks_run(struct thag_tasks *tasks, struct thag_thread *thread,
		    const struct thag_task_event *event, bool force)
{
	struct thag_task_state *task;
	bool found;

	pthread_mutex_lock(&tasks->lock);
	found = find_step(tasks, event, force, &task);
	if (found && !task) {
		task = make_stray(tasks, event);
	} else if (found) {
		unlink_suspended(task);
		task->next_step = (event->step + 1) & STEP_MASK;
		task->runs = true;
		tasks->names[task->name].steps++;
	}
	pthread_mutex_unlock(&tasks->lock);
	if (found && task)
		enter(thread, task, event);
	else if (found)
		thag_stack_go_on(&thread->own, event->ticks);
	return found;
}

void thag_tasks_resume(struct thag_tasks *tasks, struct thag_thread *thread,
		       const struct thag_task_event *event)
{
	thag_tasks_run(tasks, thread, event, true);
	if (thread->task)
		thag_stack_adjust(thread, thread->stack, event->open, event->ticks);
}

/* What has no room beside all the others loses its open frames. */
static void limit_bytes(struct thag_tasks *tasks, struct thag_thread *thread,
			struct thag_task_state *task, uint64_t now)
{
	uint64_t bytes = task_bytes(task);

	if (bytes > task->bytes && tasks->bytes + (bytes - task->bytes) > tasks->bytes_max) {
		struct thag_frame bottom = task->stack.frames[0];
		struct thag_stack small;

		thag_stack_close(thread, &task->stack, now);
		if (thag_stack_init(&small, THAG_TASK_BASE, FIRST_FRAMES) == 0) {
			small.frames[0] = bottom;
			small.paused = task->stack.paused;
			small.paused_since = task->stack.paused_since;
			small.is_paused = true;
			thag_stack_fini(&task->stack);
			task->stack = small;
		}
		bytes = task_bytes(task);
	}
	tasks->bytes += bytes - task->bytes;
	task->bytes = bytes;
}

static struct thag_task_state *
add_adopted(struct thag_tasks *tasks, const struct thag_task_event *event, bool runs, bool stray)
{
	struct thag_task_state *task;

	if (stray)
		task = make_task(tasks, event);
	else if (find(tasks, event->id))
		return NULL;
	else
		task = add_task(tasks, event, event->step + (runs ? 1 : 0));
	if (!task)
		return NULL;
	task->runs = runs;
	task->stray = stray;
	task->step = event->step;
	return task;
}

struct thag_task_state *thag_tasks_adopt(struct thag_tasks *tasks, struct thag_thread *thread,
					 const struct thag_task_event *event, bool runs, bool stray)
{
	struct thag_task_state *task;

	if (!thread && (runs || stray))
		return NULL;
	pthread_mutex_lock(&tasks->lock);
	task = add_adopted(tasks, event, runs, stray);
	pthread_mutex_unlock(&tasks->lock);
	if (!task || !thread)
		return NULL;
	thag_stack_move(&task->stack, &thread->tree, task->site);
	task->thread = thread;
	thag_stack_go_on(&task->stack, event->ticks);
	return task;
}

void thag_tasks_adopted(struct thag_tasks *tasks, struct thag_thread *thread,
			struct thag_task_state *task, uint64_t now)
{
	if (task->runs) {
		thag_stack_pause(&thread->own, now);
		thread->task = task;
		thread->stack = &task->stack;
		return;
	}
	thag_stack_pause(&task->stack, now);
	pthread_mutex_lock(&tasks->lock);
	limit_bytes(tasks, thread, task, now);
	link_suspended(task, thread);
	pthread_mutex_unlock(&tasks->lock);
}

/* The task's own call, and what it still has open, end; its nodes are of the thread's tree. */
static void close_task(struct thag_thread *thread, struct thag_task_state *task, uint64_t now)
{
	struct thag_stack *stack = &task->stack;
	struct thag_frame *bottom = &stack->frames[0];

	thag_stack_close(thread, stack, now);
	if (bottom->node == THAG_TREE_ROOT)
		return;
	thag_tree_add_wait(&thread->tree, bottom->node, thag_stack_wait(stack, 0, now));
	thag_tree_add_call(&thread->tree, bottom->node, bottom->carried, 0);
}

void thag_tasks_finish(struct thag_tasks *tasks, struct thag_thread *thread,
		       struct thag_task_state *task, uint64_t now)
{
	if (thread) {
		if (task->thread != thread)
			thag_stack_move(&task->stack, &thread->tree, task->site);
		close_task(thread, task, now);
	}
	pthread_mutex_lock(&tasks->lock);
	count_finished(tasks, task, now);
	remove_task(tasks, task);
	pthread_mutex_unlock(&tasks->lock);
}

void thag_tasks_leave(struct thag_tasks *tasks, struct thag_thread *thread, uint64_t now)
{
	struct thag_task_state *task = thread->task;
	struct thag_stack *stack = &task->stack;
	uint64_t clock = thag_stack_clock(stack, now);
	uint64_t ran = clock - stack->frames[0].start;
	bool ends;

	thag_stack_flush(stack, &thread->tree, clock);
	thag_stack_pause(stack, now);
	thread->task = NULL;
	thread->stack = &thread->own;
	if (task->stray)
		thag_stack_close(thread, stack, now);
	pthread_mutex_lock(&tasks->lock);
	if (task->stray) {
		spare_task(tasks, task);
		pthread_mutex_unlock(&tasks->lock);
		return;
	}
	tasks->names[task->name].running += ran;
	limit_bytes(tasks, thread, task, now);
	ends = task->ends;
	task->runs = ends;
	if (!ends)
		link_suspended(task, thread);
	pthread_mutex_unlock(&tasks->lock);
	if (ends)
		thag_tasks_finish(tasks, thread, task, now);
}

bool thag_tasks_destroy(struct thag_tasks *tasks, const struct thag_task_event *event, bool force,
			struct thag_task_state **out)
{
	struct thag_task_state *task;
	bool found;

	pthread_mutex_lock(&tasks->lock);
	found = find_step(tasks, event, force, &task);
	if (found && task) {
		unlink_suspended(task);
		task->runs = true; /* ours, until it is gone */
	} else if (found) {
		task = find(tasks, event->id);
		if (task)
			task->ends = true;
		tasks->gaps++;
		task = NULL;
	}
	pthread_mutex_unlock(&tasks->lock);
	*out = task;
	return found;
}

void thag_tasks_move(struct thag_tasks *tasks, struct thag_thread *from, struct thag_thread *to)
{
	struct thag_task_state *task;

	pthread_mutex_lock(&tasks->lock);
	while ((task = from->suspended)) {
		unlink_suspended(task);
		thag_stack_move(&task->stack, &to->tree, task->site);
		link_suspended(task, to);
	}
	pthread_mutex_unlock(&tasks->lock);
}

void thag_tasks_end(struct thag_tasks *tasks, uint64_t now)
{
	tasks->end_ticks = now;
	for (struct thag_task_state *task = tasks->newest; task; task = task->older) {
		struct thag_thread *thread = task->thread;

		if (!thread)
			continue;
		close_task(thread, task, now);
		thread->truncated++;
		unlink_suspended(task);
		task->thread = NULL;
	}
}
