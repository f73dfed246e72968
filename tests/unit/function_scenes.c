/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "function_scenes.h"

#include <alloca.h>
#include <setjmp.h>
#include <stdlib.h>
#include <stdbool.h>
#include <string.h>

#include "thag.h"

#define NOINLINE __attribute__((noinline))
#define PLAIN __attribute__((no_instrument_function))

static NOINLINE void leaf(void)
{
	__asm__ volatile("");
}

void scene_flat(int calls)
{
	while (calls--)
		leaf();
}

int scene_fib(int n)
{
	return n < 2 ? n : scene_fib(n - 1) + scene_fib(n - 2);
}

int scene_deep(int n)
{
	return n == 0 ? 0 : scene_deep(n - 1) + 1;
}

void scene_nest(int depth)
{
	if (depth)
		scene_nest(depth - 1);
	leaf();
}

volatile int scene_handled;
sigjmp_buf scene_target;

void scene_handler(int number)
{
	scene_handled += number > 0;
	scene_fib(3);
}

void scene_leave(int number)
{
	scene_handled += number > 0;
	siglongjmp(scene_target, 1);
}

static jmp_buf jump_target;
static volatile int jumps = 1; /* unknown to the compiler, which would see that nothing returns */

static NOINLINE void jump_on(int depth)
{
	if (depth > 0)
		jump_on(depth - 1);
	else if (jumps)
		longjmp(jump_target, 1);
	leaf();
}

void scene_jump(int depth)
{
	if (setjmp(jump_target) == 0)
		jump_on(depth);
	leaf();
}

/* --- the walk --- */

#define DEPTH_MAX 4

struct frame {
	const char *name;
	bool recorded;
	jmp_buf target;
};

static struct {
	struct scene_model *model;
	uint32_t random;
	uint32_t steps;
	bool on;
	uint32_t depth;
	struct frame frames[4 * DEPTH_MAX];
} walk;

PLAIN static uint32_t pick(uint32_t below)
{
	walk.random = walk.random * 1664525 + 1013904223;
	return (walk.random >> 16) % below;
}

PLAIN static void count_stack(void)
{
	struct scene_model *model = walk.model;
	char path[256] = "";
	uint32_t i;

	for (i = 0; i < walk.depth; i++) {
		if (!walk.frames[i].recorded)
			continue;
		if (path[0])
			strcat(path, ";");
		strcat(path, walk.frames[i].name);
	}
	for (i = 0; i < model->count && strcmp(model->stacks[i].path, path) != 0; i++)
		;
	if (i == sizeof(model->stacks) / sizeof(*model->stacks))
		abort();
	strcpy(model->stacks[i].path, path);
	model->stacks[i].calls++;
	model->count += i == model->count;
}

PLAIN static void push(const char *name)
{
	struct frame *frame = &walk.frames[walk.depth++];

	frame->name = name;
	frame->recorded = walk.on;
	if (walk.on)
		count_stack();
}

PLAIN static void pop(void)
{
	walk.depth--;
}

static void go(int depth);

static NOINLINE void ping(int depth)
{
	push("ping");
	go(depth - 1);
	pop();
}

static NOINLINE int pong(int depth)
{
	char *block = alloca((size_t)depth * 64 + 64);

	push("pong");
	memset(block, depth, 64);
	go(depth - 1);
	pop();
	return block[pick(64)];
}

/* Twice in the profile: instrumented, and marked. */
static NOINLINE void both(int depth)
{
	push("both");
	THAG_PROFILED();
	push("both");
	go(depth - 1);
	pop();
	pop();
}

PLAIN static NOINLINE void section(int depth)
{
	THAG_SECTION(part, "section");
	push("section");
	go(depth - 1);
	pop();
}

/* A jump into the middle of this function, from what it calls. */
static NOINLINE void jumper(int depth)
{
	uint32_t at;

	push("jumper");
	at = walk.depth;
	if (setjmp(walk.frames[at - 1].target) == 0)
		go(depth - 1);
	walk.depth = at;
	pop();
}

PLAIN static void jump_back(void)
{
	for (uint32_t i = walk.depth; i-- > 0;)
		if (strcmp(walk.frames[i].name, "jumper") == 0)
			longjmp(walk.frames[i].target, 1);
}

PLAIN static void toggle(void)
{
	walk.on = !walk.on;
	if (!walk.on)
		thag_disable();
	else if (thag_enable(THAG_TIME) != 0)
		abort();
}

PLAIN static NOINLINE void go(int depth)
{
	for (uint32_t calls = pick(4); calls && depth > 0 && walk.steps; calls--, walk.steps--) {
		switch (pick(9)) {
		case 0:
		case 1:
			ping(depth);
			break;
		case 2:
		case 3:
			pong(depth);
			break;
		case 4:
			both(depth);
			break;
		case 5:
			section(depth);
			break;
		case 6:
			jumper(depth);
			break;
		case 7:
			toggle();
			break;
		default:
			if (pick(2))
				jump_back();
		}
	}
}

void scene_walk(uint32_t seed, struct scene_model *model)
{
	walk.random = seed;
	walk.model = model;
	walk.on = true;
	walk.depth = 0;
	push("scene_walk");
	for (int i = 0; i < 200; i++) {
		walk.steps = 40;
		go(DEPTH_MAX);
	}
	pop();
	if (!walk.on)
		toggle();
}

#define NAMED(function) \
	{ \
		(uintptr_t)(function), #function \
	}

PLAIN const char *scene_name(uintptr_t address)
{
	static const struct {
		uintptr_t address;
		const char *name;
	} names[] = { NAMED(leaf),	  NAMED(scene_flat), NAMED(scene_fib),
		      NAMED(scene_deep),  NAMED(scene_nest), NAMED(scene_handler),
		      NAMED(scene_leave), NAMED(jump_on),    NAMED(scene_jump),
		      NAMED(ping),	  NAMED(pong),	     NAMED(both),
		      NAMED(jumper),	  NAMED(scene_walk) };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (names[i].address == address)
			return names[i].name;
	return NULL;
}
