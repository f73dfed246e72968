/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Random programs with tasks against a naive model, which knows at each tick what runs and what
 * waits. Rings are read cut anywhere, in any order.
 */
#include "task_rings.h"

/*
 * The model. A tree of paths, over all threads: what ran there, what waited there, and how often.
 */
#define PATHS_MAX 60000
#define DEPTH_MAX 8
#define TASKS_MAX 7
#define SITES 4

static struct path {
	uint32_t site, parent, first_child, next;
	uint64_t calls, self, wait, max;
} paths[PATHS_MAX];
static uint32_t path_count;

static uint32_t path_child(uint32_t parent, uint32_t site)
{
	uint32_t at = paths[parent].first_child;

	while (at && paths[at].site != site)
		at = paths[at].next;
	if (at)
		return at;
	cr_assert_lt(path_count, PATHS_MAX);
	paths[path_count] =
		(struct path){ .site = site, .parent = parent, .next = paths[parent].first_child };
	paths[parent].first_child = path_count;
	return path_count++;
}

/* Frames as the program sees them: site 0 is a section that ended below the top. */
struct model_stack {
	uint32_t name; /* of a task, 0 for a thread's own */
	uint64_t id, step;
	uint32_t depth;
	uint32_t sites[DEPTH_MAX];
	uint64_t ran[DEPTH_MAX];
	uint64_t ran_in_all;
	bool runs;
};

static struct model_stack own[RINGS], model_tasks[TASKS_MAX];
static struct model_stack *running[RINGS];
static uint64_t open_ticks[RINGS];

static uint32_t path_of(const struct model_stack *stack, uint32_t depth)
{
	uint32_t path = stack->name ? path_child(0, stack->name) : 0;

	for (uint32_t i = 0; i < depth; i++)
		if (stack->sites[i])
			path = path_child(path, stack->sites[i]);
	return path;
}

static void model_run(struct model_stack *stack, uint32_t ring, uint64_t ticks)
{
	uint32_t path = path_of(stack, stack->depth);

	stack->ran_in_all += ticks;
	for (uint32_t i = 0; i < stack->depth; i++)
		stack->ran[i] += ticks;
	if (path == 0)
		return;
	paths[path].self += ticks;
	open_ticks[ring] += ticks;
}

static void model_wait(const struct model_stack *stack, uint64_t ticks)
{
	if (stack->name)
		paths[path_of(stack, 0)].wait += ticks;
	for (uint32_t i = 0; i < stack->depth; i++)
		if (stack->sites[i])
			paths[path_of(stack, i + 1)].wait += ticks;
}

static void model_pass(uint64_t ticks)
{
	for (uint32_t i = 0; i < RINGS; i++) {
		model_run(running[i], i, ticks);
		if (running[i] != &own[i])
			model_wait(&own[i], ticks);
	}
	for (uint32_t i = 0; i < TASKS_MAX; i++)
		if (model_tasks[i].id && !model_tasks[i].runs)
			model_wait(&model_tasks[i], ticks);
}

static void model_call(const struct model_stack *stack, uint32_t index)
{
	struct path *path = &paths[path_of(stack, index + 1)];

	if (!stack->sites[index])
		return;
	path->calls++;
	if (stack->ran[index] > path->max)
		path->max = stack->ran[index];
}

static void model_close(struct model_stack *stack, uint32_t depth)
{
	while (stack->depth > depth) {
		model_call(stack, stack->depth - 1);
		stack->depth--;
	}
}

static void model_end_task(struct model_stack *task)
{
	struct path *path = &paths[path_of(task, 0)];

	model_close(task, 0);
	path->calls++;
	if (task->ran_in_all > path->max)
		path->max = task->ran_in_all;
	*task = (struct model_stack){ 0 };
}

static uint32_t base_of(const struct model_stack *stack)
{
	return stack->name ? THAG_TASK_BASE : 0;
}

/* A call or a section begins or ends on `stack`. */
static void random_call(uint32_t ring, struct model_stack *stack, unsigned *seed, uint64_t now)
{
	uint32_t index = stack->depth ? (uint32_t)rand_r(seed) % stack->depth : 0;
	uint32_t site = 10 + (uint32_t)rand_r(seed) % SITES;
	int what = rand_r(seed) % 8;

	if (stack == running[ring] && stack->depth < DEPTH_MAX && (what < 4 || stack->depth == 0)) {
		stack->sites[stack->depth] = site;
		stack->ran[stack->depth++] = 0;
		put(ring, what & 1 ? THAG_KIND_ENTER : THAG_KIND_SECTION_BEGIN, site, now);
	} else if (stack->depth == 0) {
		return;
	} else if (what < 6 && index + 1 < stack->depth) {
		model_call(stack, index);
		stack->sites[index] = 0;
		put(ring, THAG_KIND_SECTION_END, base_of(stack) + index, now);
	} else {
		index = what < 7 ? stack->depth - 1 : index;
		model_close(stack, index);
		put(ring, THAG_KIND_EXIT, base_of(stack) + index, now);
	}
}

static void switch_to(uint32_t ring, struct model_stack *to, uint64_t now)
{
	running[ring]->runs = false;
	running[ring] = to;
	to->runs = true;
	put_step(ring, THAG_TASK_RUN, to->id, to->id ? to->step++ : 0, to->name,
		 to->id ? to->depth : 0, now);
}

static void create_task(uint32_t ring, struct model_stack *task, uint64_t id, unsigned *seed,
			uint64_t now)
{
	*task = (struct model_stack){ .name = NAME + (uint32_t)rand_r(seed) % 2,
				      .id = id,
				      .step = 1 };
	put_step(ring, THAG_TASK_CREATE, id, 0, task->name, 0, now);
}

/* Ends a task: one that runs here with the switch back said before, after or not at all. */
static void destroy_task(uint32_t ring, struct model_stack *task, unsigned *seed, uint64_t now)
{
	bool before = rand_r(seed) & 1;

	if (task == running[ring] && before)
		switch_to(ring, &own[ring], now);
	put_step(ring, THAG_TASK_DESTROY, task->id, task->step, task->name, task->depth, now);
	if (task == running[ring]) {
		running[ring] = &own[ring];
		own[ring].runs = true;
		if (rand_r(seed) & 1)
			switch_to(ring, &own[ring], now);
	}
	model_end_task(task);
}

static void random_step(unsigned *seed, uint64_t now)
{
	static uint64_t uses;
	uint32_t ring = (uint32_t)rand_r(seed) % RINGS;
	uint32_t slot = (uint32_t)rand_r(seed) % TASKS_MAX;
	struct model_stack *task = &model_tasks[slot];
	int what = rand_r(seed) % 16;

	if (what < 9)
		random_call(ring, running[ring], seed, now);
	else if (what == 9)
		random_call(ring, &own[ring], seed, now);
	else if (what < 12 && !task->id)
		create_task(ring, task, ++uses << THAG_TASK_SLOT_BITS | (slot + 1), seed, now);
	else if (what < 14 && task->id && !task->runs)
		switch_to(ring, task, now);
	else if (what == 14)
		switch_to(ring, &own[ring], now);
	else if (task->id && rand_r(seed) % 3 == 0 && (!task->runs || task == running[ring]))
		destroy_task(ring, task, seed, now);
}

static uint64_t make_program(unsigned *seed, int steps)
{
	uint64_t now = 0;

	path_count = 1;
	memset(&paths[0], 0, sizeof(paths[0]));
	memset(model_tasks, 0, sizeof(model_tasks));
	memset(own, 0, sizeof(own));
	memset(open_ticks, 0, sizeof(open_ticks));
	for (uint32_t i = 0; i < RINGS; i++)
		running[i] = &own[i];
	for (int step = 0; step < steps; step++) {
		uint64_t passed = (uint64_t)rand_r(seed) % 50;

		model_pass(passed);
		now += passed;
		random_step(seed, now);
	}
	/* all know that it is this late */
	for (uint32_t i = 0; i < RINGS; i++)
		switch_to(i, &own[i], now);
	for (uint32_t i = 0; i < RINGS; i++)
		model_close(&own[i], 0);
	for (uint32_t i = 0; i < TASKS_MAX; i++) {
		/* what never ran is in no thread's tree, unless it is destroyed */
		if (model_tasks[i].step == 1)
			destroy_task(0, &model_tasks[i], seed, now);
		else if (model_tasks[i].id)
			model_end_task(&model_tasks[i]);
	}
	return now;
}

static void read_in_any_order(unsigned *seed)
{
	uint32_t stuck = 0;

	while (rings[0].read < rings[0].count || rings[1].read < rings[1].count ||
	       rings[2].read < rings[2].count || rings[0].stream.blocked ||
	       rings[1].stream.blocked || rings[2].stream.blocked) {
		uint32_t ring = (uint32_t)rand_r(seed) % RINGS;

		stuck = read_ring(ring, 1 + (size_t)rand_r(seed) % 30) ? 0 : stuck + 1;
		cr_assert_lt(stuck, 1000, "rings wait for each other");
	}
}

/* What a tree has at a path's nodes. */
struct sums {
	uint64_t calls, total, wait, max;
};

static void add_sums(struct sums *sums, const struct thag_tree *tree)
{
	uint32_t *map = calloc(tree->count, sizeof(*map));

	for (uint32_t i = 1; i < tree->count; i++) {
		const struct thag_node *node = &tree->nodes[i];

		map[i] = path_child(map[node->parent], node->site);
		sums[map[i]].calls += node->calls;
		sums[map[i]].total += node->total;
		sums[map[i]].wait += thag_tree_wait(tree, i);
		if (node->max > sums[map[i]].max)
			sums[map[i]].max = node->max;
	}
	free(map);
}

static void check_against_model(unsigned round)
{
	struct sums *sums = calloc(PATHS_MAX, sizeof(*sums));

	for (uint32_t i = 0; i < RINGS; i++)
		add_sums(sums, &rings[i].thread.tree);
	for (uint32_t i = path_count - 1; i > 0; i--) {
		const struct path *path = &paths[i];

		cr_assert_eq(sums[i].calls, path->calls, "calls, round %u, path %u: %lu, not %lu",
			     round, i, sums[i].calls, path->calls);
		cr_assert_eq(sums[i].max, path->max, "max, round %u, path %u", round, i);
		cr_assert_eq(sums[i].wait, path->wait, "wait, round %u, path %u: %lu, not %lu",
			     round, i, sums[i].wait, path->wait);
		cr_assert_eq(sums[i].total, path->self, "total, round %u, path %u", round, i);
		paths[path->parent].self += path->self; /* its total, once all its children came */
	}
	free(sums);
}

static void check_threads(unsigned round)
{
	for (uint32_t i = 0; i < RINGS; i++) {
		const struct thag_tree *tree = &rings[i].thread.tree;
		uint64_t sum = 0;

		for (uint32_t n = 1; n < tree->count; n++)
			if (tree->nodes[n].parent == THAG_TREE_ROOT)
				sum += tree->nodes[n].total;
		cr_assert_eq(sum, open_ticks[i], "round %u, thread %u", round, i);
	}
}

Test(task_random, random_programs_give_exactly_what_the_model_does)
{
	for (unsigned round = 1; round <= 150; round++) {
		unsigned seed = round;
		uint64_t now;

		begin();
		now = make_program(&seed, round < 130 ? 400 : 4000);
		read_in_any_order(&seed);
		for (uint32_t i = 0; i < RINGS; i++)
			thag_thread_close(&rings[i].thread);
		thag_tasks_end(&tasks, now);
		cr_assert_eq(tasks.gaps, 0);
		check_against_model(round);
		check_threads(round);
		for (uint32_t i = 0; i < RINGS; i++)
			cr_assert_eq(rings[i].thread.unmatched, 0);
		end();
	}
}
