/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "task_model.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TASK_ENTRIES (UINT32_C(1) << 22) /* a power of two above the tasks of any test */

struct node {
	uint32_t parent, first_child, next_sibling;
	uint32_t site;
	uint64_t calls, total, children;
};

struct frame {
	uint32_t node;
	uint64_t start;
};

struct stack {
	uint32_t root;
	uint32_t depth, capacity;
	struct frame *frames;
	uint64_t open_since;   /* when its lowest frame was opened */
	uint64_t paused_since; /* when it ran last, while it doesn't */
};

struct task {
	uint64_t id;
	uint64_t step; /* the next one */
	uint64_t created, ran_since;
	struct stack stack;
};

struct ring {
	uint64_t *words;
	size_t count, capacity, next;
	uint64_t time_high;
	struct stack own;
	struct task *task;
};

struct root {
	uint32_t node;
	struct task_model_times times;
};

struct task_model {
	struct collector *collector;
	struct node *nodes;
	uint32_t node_count, node_capacity;
	struct root roots[64];
	uint32_t root_count;
	struct task *tasks;
	struct ring rings[THAG_SLOTS_MAX];
	struct task_model_counts counts;
	char *text;
};

static void *need(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

static uint32_t add_node(struct task_model *model, uint32_t parent, uint32_t site)
{
	uint32_t n = model->node_count++;

	if (n == model->node_capacity) {
		model->node_capacity = 2 * n + 64;
		model->nodes =
			need(realloc(model->nodes, model->node_capacity * sizeof(*model->nodes)));
	}
	model->nodes[n] = (struct node){ .parent = parent, .site = site };
	if (n && parent != n) {
		model->nodes[n].next_sibling = model->nodes[parent].first_child;
		model->nodes[parent].first_child = n;
	}
	return n;
}

static uint32_t child_of(struct task_model *model, uint32_t parent, uint32_t site)
{
	uint32_t n = model->nodes[parent].first_child;

	while (n && model->nodes[n].site != site)
		n = model->nodes[n].next_sibling;
	return n ? n : add_node(model, parent, site);
}

/* The root of the stacks of tasks with that site; site 0: of threads' own. */
static struct root *root_of(struct task_model *model, uint32_t site)
{
	for (uint32_t i = 0; i < model->root_count; i++)
		if (model->nodes[model->roots[i].node].site == site)
			return &model->roots[i];
	if (model->root_count == sizeof(model->roots) / sizeof(*model->roots))
		abort();
	model->roots[model->root_count].node = add_node(model, model->node_count, site);
	return &model->roots[model->root_count++];
}

static struct root *root_at(struct task_model *model, uint32_t node)
{
	return root_of(model, model->nodes[node].site);
}

static struct task *task_of(struct task_model *model, uint64_t id)
{
	uint64_t at = id * UINT64_C(0x9e3779b97f4a7c15) >> 40;

	while (model->tasks[at % TASK_ENTRIES].id && model->tasks[at % TASK_ENTRIES].id != id)
		at++;
	return &model->tasks[at % TASK_ENTRIES];
}

static void open_frame(struct task_model *model, struct stack *stack, uint32_t site, uint64_t now)
{
	uint32_t parent = stack->depth ? stack->frames[stack->depth - 1].node : stack->root;

	if (stack->depth == stack->capacity) {
		stack->capacity = 2 * stack->capacity + 8;
		stack->frames =
			need(realloc(stack->frames, stack->capacity * sizeof(*stack->frames)));
	}
	if (stack->depth == 0)
		stack->open_since = now;
	stack->frames[stack->depth++] = (struct frame){ child_of(model, parent, site), now };
}

static void close_frame(struct task_model *model, struct stack *stack, uint64_t now)
{
	struct frame *frame = &stack->frames[--stack->depth];
	struct node *node = &model->nodes[frame->node];

	node->calls++;
	node->total += now - frame->start;
	model->nodes[node->parent].children += now - frame->start;
	if (stack->depth == 0)
		root_at(model, stack->root)->times.open += now - stack->open_since;
}

static void close_from(struct task_model *model, struct stack *stack, uint32_t index, uint64_t now)
{
	if (index >= stack->depth) {
		model->counts.unmatched++;
		return;
	}
	while (stack->depth > index + 1) {
		model->counts.unwound++;
		close_frame(model, stack, now);
	}
	close_frame(model, stack, now);
}

static void cut_off(struct task_model *model, struct stack *stack, uint64_t now)
{
	model->counts.truncated += stack->depth;
	if (stack->depth)
		close_from(model, stack, 0, now);
}

/* A stack's clock stands still while it doesn't run: then its frames have begun that much later. */
static void go_on(struct stack *stack, uint64_t now)
{
	uint64_t pause = now - stack->paused_since;

	for (uint32_t i = 0; i < stack->depth; i++)
		stack->frames[i].start += pause;
	stack->open_since += pause;
}

/* What runs on the ring stops: for a task that is the end of a step. */
static void stop(struct task_model *model, struct ring *ring, uint64_t now)
{
	struct task *task = ring->task;

	ring->task = NULL;
	if (!task) {
		ring->own.paused_since = now;
		return;
	}
	task->stack.paused_since = now;
	root_at(model, task->stack.root)->times.running += now - task->ran_since;
	task->step++;
}

static void create(struct task_model *model, struct task *task, uint64_t id, uint32_t site,
		   uint64_t now)
{
	*task = (struct task){ .id = id, .step = 1, .created = now };
	task->stack.root = root_of(model, site)->node;
	task->stack.paused_since = now;
	model->counts.created++;
}

static void destroy(struct task_model *model, struct task *task, uint64_t now)
{
	cut_off(model, &task->stack, task->stack.paused_since);
	root_at(model, task->stack.root)->times.wall += now - task->created;
	free(task->stack.frames);
	task->stack.frames = NULL;
	task->step = UINT64_MAX / 2;
	model->counts.destroyed++;
}

static void run(struct task_model *model, struct ring *ring, struct task *task, uint64_t depth,
		uint64_t now)
{
	stop(model, ring, now);
	ring->task = task;
	if (!task) {
		go_on(&ring->own, now);
		return;
	}
	model->counts.invalid += task->stack.depth != depth;
	go_on(&task->stack, now);
	task->ran_since = now;
	model->counts.steps++;
}

/* Returns whether the step's turn has come. */
static bool take_step(struct task_model *model, struct ring *ring, uint32_t op,
		      const uint64_t payload[3], uint64_t now)
{
	struct task *task = payload[0] ? task_of(model, payload[0]) : NULL;
	uint64_t number = payload[1] >> 20;

	if (op == THAG_TASK_CREATE) {
		create(model, task, payload[0], (uint32_t)payload[1] & 0xfffff, now);
		return true;
	}
	/* a task that is run again right after itself ends a step by that */
	if (task && (!task->id || task->step + (task == ring->task) != number))
		return false;
	if (op == THAG_TASK_DESTROY)
		destroy(model, task, now);
	else
		run(model, ring, task, payload[2], now);
	return true;
}

static bool play_ext(struct task_model *model, struct ring *ring, uint32_t arg, uint64_t now)
{
	uint32_t ext = arg >> THAG_EXT_SHIFT;
	int count = thag_ext_payload_words(ext);
	uint64_t payload[3];

	if (count < 0 || ring->next + 1 + (size_t)count > ring->count) {
		model->counts.invalid++;
		ring->next++;
		return true;
	}
	for (int i = 0; i < count; i++)
		payload[i] = thag_payload_unpack(ring->words[ring->next + 1 + (size_t)i]);
	if (ext == THAG_EXT_TASK && !take_step(model, ring, arg & 0xfff, payload, now))
		return false;
	if (ext == THAG_EXT_THREAD_START) {
		ring->own.root = root_of(model, 0)->node;
		ring->own.depth = 0;
	} else if (ext == THAG_EXT_THREAD_END) {
		if (ring->task)
			run(model, ring, NULL, 0, now);
		cut_off(model, &ring->own, now);
	}
	ring->next += 1 + (size_t)count;
	return true;
}

static void play_frame(struct task_model *model, struct ring *ring, uint64_t word, uint64_t now)
{
	struct stack *stack = ring->task ? &ring->task->stack : &ring->own;
	uint32_t base = ring->task ? THAG_TASK_BASE : 0, arg = thag_word_arg(word);

	switch (thag_word_kind(word)) {
	case THAG_KIND_ENTER:
	case THAG_KIND_SECTION_BEGIN:
		open_frame(model, stack, arg, now);
		break;
	case THAG_KIND_SECTION_END:
		model->counts.invalid += arg - base + 1 != stack->depth;
		close_from(model, stack, arg - base, now);
		break;
	case THAG_KIND_EXIT:
		close_from(model, stack, arg - base, now);
		break;
	default:
		model->counts.invalid++;
	}
}

/* Plays one event. False: it must wait for another ring. */
static bool play(struct task_model *model, struct ring *ring)
{
	uint64_t word = ring->words[ring->next];
	uint64_t now = ring->time_high << THAG_WORD_TIME_BITS | thag_word_time(word);

	if (thag_word_kind(word) == THAG_KIND_EXT)
		return play_ext(model, ring, thag_word_arg(word), now);
	if (thag_word_kind(word) == THAG_KIND_TIME)
		ring->time_high = thag_word_arg(word);
	else
		play_frame(model, ring, word, now);
	ring->next++;
	return true;
}

static void play_all(struct task_model *model)
{
	bool moved = true;

	while (moved) {
		moved = false;
		for (uint32_t i = 0; i < THAG_SLOTS_MAX; i++)
			while (model->rings[i].next < model->rings[i].count &&
			       play(model, &model->rings[i]))
				moved = true;
	}
	for (uint32_t i = 0; i < THAG_SLOTS_MAX; i++) {
		model->counts.invalid += model->rings[i].count - model->rings[i].next;
		model->counts.open += model->rings[i].own.depth;
	}
	for (uint32_t i = 0; i < TASK_ENTRIES; i++)
		if (model->tasks[i].stack.frames)
			model->counts.open += model->tasks[i].stack.depth;
}

static uint64_t read_ring(struct collector_ring *from, struct ring *to, bool writer_dead)
{
	uint64_t all = 0;
	size_t count;

	do {
		if (to->capacity - to->count < THAG_RING_BATCH) {
			to->capacity = 2 * to->capacity + THAG_RING_BATCH;
			to->words = need(realloc(to->words, to->capacity * sizeof(*to->words)));
		}
		count = thag_ring_read(&from->reader, to->words + to->count, THAG_RING_BATCH);
		thag_ring_release(&from->reader);
		to->count += count;
		all += count;
	} while (count || thag_ring_skip_hole(&from->reader, 0, writer_dead));
	return all;
}

static uint64_t read_all(struct task_model *model, bool writer_dead)
{
	uint32_t used = __atomic_load_n(&model->collector->header->slots_used, __ATOMIC_ACQUIRE);
	uint64_t all = 0;

	for (uint32_t i = 0; i < used; i++)
		all += read_ring(&model->collector->rings[i], &model->rings[i], writer_dead);
	return all;
}

struct task_model *task_model_run(struct collector *collector, void (*program)(void *),
				  void *argument, int *status)
{
	struct task_model *model = need(calloc(1, sizeof(*model)));
	pid_t child;

	/* first: meson's MALLOC_PERTURB_ writes all of it, and the program doesn't wait for long */
	model->tasks = need(calloc(TASK_ENTRIES, sizeof(*model->tasks)));
	child = fork();
	if (child == 0) {
		program(argument);
		exit(0);
	}
	model->collector = collector;
	root_of(model, 0);
	collector_accept(collector);
	while (waitpid(child, status, WNOHANG) == 0)
		if (read_all(model, false) == 0)
			usleep(100);
	while (read_all(model, true))
		;
	play_all(model);
	return model;
}

void task_model_destroy(struct task_model *model)
{
	for (uint32_t i = 0; i < THAG_SLOTS_MAX; i++) {
		free(model->rings[i].words);
		free(model->rings[i].own.frames);
	}
	for (uint32_t i = 0; i < TASK_ENTRIES; i++)
		free(model->tasks[i].stack.frames);
	free(model->tasks);
	free(model->nodes);
	free(model->text);
	free(model);
}

/* "NAME;a;b" of node `n`. */
static void write_path(const struct task_model *model, uint32_t n, FILE *out)
{
	const struct thag_shm_site *site = &model->collector->sites[model->nodes[n].site];
	uint32_t parent = model->nodes[n].parent;

	if (parent != n) {
		write_path(model, parent, out);
		fputc(';', out);
	}
	if (model->nodes[n].site)
		fwrite(model->collector->strings + site->name_offset, 1, site->name_bytes, out);
}

static char *path_of(const struct task_model *model, uint32_t n)
{
	char *path;
	size_t size;
	FILE *out = need(open_memstream(&path, &size));

	write_path(model, n, out);
	fclose(out);
	return path;
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

const char *task_model_text(struct task_model *model)
{
	char **lines = need(calloc(model->node_count, sizeof(*lines)));
	uint32_t count = 0;
	size_t size;
	FILE *out;

	free(model->text);
	out = need(open_memstream(&model->text, &size));
	for (uint32_t n = 0; n < model->node_count; n++) {
		char *path = path_of(model, n);

		if (model->nodes[n].calls &&
		    asprintf(&lines[count++], "%s %llu", path,
			     (unsigned long long)model->nodes[n].calls) < 0)
			abort();
		free(path);
	}
	qsort(lines, count, sizeof(*lines), compare_lines);
	for (uint32_t i = 0; i < count; i++) {
		fprintf(out, "%s\n", lines[i]);
		free(lines[i]);
	}
	fclose(out);
	free(lines);
	return model->text;
}

uint64_t task_model_calls(const struct task_model *model, const char *path)
{
	uint64_t calls = 0;

	for (uint32_t n = 0; n < model->node_count; n++) {
		char *own = path_of(model, n);

		if (strcmp(own, path) == 0)
			calls += model->nodes[n].calls;
		free(own);
	}
	return calls;
}

struct task_model_counts task_model_counts(const struct task_model *model)
{
	return model->counts;
}

static uint32_t root_above(const struct task_model *model, uint32_t n)
{
	while (model->nodes[n].parent != n)
		n = model->nodes[n].parent;
	return n;
}

struct task_model_times task_model_times(const struct task_model *model, const char *name)
{
	struct task_model_times sum = { 0 };

	for (uint32_t i = 0; i < model->root_count; i++) {
		uint32_t root = model->roots[i].node;
		char *own = path_of(model, root);

		if (strcmp(own, name) == 0) {
			sum.running += model->roots[i].times.running;
			sum.wall += model->roots[i].times.wall;
			sum.open += model->roots[i].times.open;
			for (uint32_t n = 0; n < model->node_count; n++)
				if (n != root && root_above(model, n) == root)
					sum.self +=
						model->nodes[n].total - model->nodes[n].children;
		}
		free(own);
	}
	return sum;
}
