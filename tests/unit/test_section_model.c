/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Random calls and sections, ended in any order, through the decoder and through a naive model. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "section_model.h"
#include "thag_stream.h"
#include "thag/words.h"

#define EVENTS 1200

static struct thag_thread thread;

static struct thag_thread *start_thread(void *context, uint32_t tid)
{
	(void)context;
	(void)tid;
	return NULL; /* the one thread is there from the start */
}

static void end_thread(void *context, struct thag_thread *ended)
{
	(void)context;
	(void)ended;
}

/* How a round goes: how deep, of how many sites, and how often (of 100) what happens. */
struct manner {
	uint32_t depth, sites;
	int opens, exits_top, ends_any, exits_any, ends_nothing; /* the rest ends once more */
};

static const struct manner manners[] = {
	{ 3, 2, 45, 25, 20, 3, 4 },  { 12, 4, 45, 20, 25, 4, 3 },
	{ 40, 3, 55, 15, 25, 1, 2 }, /* deep, recursive */
	{ 60, 9, 52, 5, 40, 1, 1 },  /* sections mostly, that overlap */
	{ 20, 5, 50, 48, 0, 2, 0 },  /* calls only */
};

struct round {
	struct section_model model;
	uint64_t words[EVENTS + 1];
	uint32_t count;
	unsigned seed;
};

static uint32_t below(struct round *round, uint32_t limit)
{
	return (uint32_t)rand_r(&round->seed) % limit;
}

/* Mostly short, often none, now and then days. */
static uint64_t some_ticks(struct round *round)
{
	uint64_t ticks = (uint64_t)rand_r(&round->seed);

	switch (below(round, 20)) {
	case 0:
		return ticks << 7; /* 2^38 is as far as a word can tell */
	case 1:
	case 2:
		return 0;
	default:
		return ticks % 1000;
	}
}

static void say(struct round *round, enum thag_kind kind, uint32_t arg)
{
	round->words[round->count++] = THAG_WORD(kind, arg) | round->model.now
								      << THAG_WORD_TIME_SHIFT;
}

static void open_one(struct round *round, const struct manner *manner)
{
	uint32_t site = 2 + below(round, manner->sites);

	model_open(&round->model, site);
	say(round, below(round, 2) ? THAG_KIND_ENTER : THAG_KIND_SECTION_BEGIN, site);
}

static void exit_one(struct round *round, uint32_t index)
{
	model_exit(&round->model, index);
	say(round, THAG_KIND_EXIT, index);
}

static void end_one(struct round *round, uint32_t index)
{
	model_end(&round->model, index);
	say(round, THAG_KIND_SECTION_END, index);
}

/* The index of a frame that has ended, if there is one. */
static uint32_t ended_index(struct round *round)
{
	for (uint32_t i = 0; i < round->model.depth; i++)
		if (round->model.frames[i].site == 0)
			return i;
	return round->model.depth;
}

static void step(struct round *round, const struct manner *manner)
{
	uint32_t depth = round->model.depth;
	int what = (int)below(round, 100);

	model_pass(&round->model, round->model.now + some_ticks(round));
	if (depth == 0 || (what < manner->opens && depth < manner->depth))
		open_one(round, manner);
	else if ((what -= manner->opens) < manner->exits_top)
		exit_one(round, depth - 1);
	else if ((what -= manner->exits_top) < manner->ends_any)
		end_one(round, below(round, depth));
	else if ((what -= manner->ends_any) < manner->exits_any)
		exit_one(round, below(round, depth));
	else if (what - manner->exits_any < manner->ends_nothing)
		end_one(round, depth + below(round, 1000));
	else
		end_one(round, ended_index(round));
}

static void make_round(struct round *round, const struct manner *manner, unsigned seed)
{
	round->seed = seed;
	round->count = 0;
	model_init(&round->model, 0);
	while (round->count < EVENTS)
		step(round, manner);
	if (round->model.depth) {
		model_pass(&round->model, round->model.now + some_ticks(round));
		exit_one(round, 0);
	}
}

/* Decodes the words in pieces of random sizes, at most `piece`. */
static void decode(struct round *round, uint32_t piece)
{
	struct thag_stream stream = { .thread_start = start_thread,
				      .thread_end = end_thread,
				      .thread = &thread };

	cr_assert_eq(thag_thread_init(&thread, 1, 1 << 20), 0);
	for (uint32_t at = 0, count; at < round->count; at += count) {
		count = 1 + below(round, piece);
		if (count > round->count - at)
			count = round->count - at;
		thag_stream_feed(&stream, round->words + at, count);
	}
	cr_assert_eq(thread.own.depth, 0);
	cr_assert_eq(thread.unmatched, round->model.unmatched);
	cr_assert_eq(stream.invalid + stream.skewed + stream.orphans, 0);
	cr_assert_eq(stream.last_ticks, round->model.now);
	model_compare(&round->model, &thread.tree);
	thag_thread_fini(&thread);
}

Test(section_model, agrees_with_the_decoder_to_the_tick)
{
	static struct round round;

	for (unsigned seed = 1; seed <= 300; seed++) {
		make_round(&round, &manners[seed % (sizeof(manners) / sizeof(*manners))], seed);
		decode(&round, 1);
		decode(&round, 7);
		decode(&round, EVENTS + 1);
		model_fini(&round.model);
	}
}

/* The model itself, by hand: the picture in docs/sections.md. */
Test(section_model, says_what_the_page_says)
{
	const uint32_t site = 10, prepare = 11, compute = 12;
	const uint32_t both[] = { site, prepare, compute }, late[] = { site, compute };
	struct section_model model;

	model_init(&model, 0);
	model_open(&model, site);
	model_pass(&model, 10);
	model_open(&model, prepare);
	model_pass(&model, 30);
	model_open(&model, compute);
	model_pass(&model, 70);
	model_end(&model, 1);
	model_pass(&model, 100);
	model_end(&model, 2);
	model_pass(&model, 110);
	model_exit(&model, 0);
	cr_expect_eq(model_find(&model, &site, 1)->self, 20);
	cr_expect_eq(model_find(&model, both, 2)->self, 20);
	cr_expect_eq(model_find(&model, both, 2)->max, 60);
	cr_expect_eq(model_find(&model, both, 3)->self, 40);
	cr_expect_eq(model_find(&model, late, 2)->self, 30);
	cr_expect_eq(model_find(&model, late, 2)->calls, 1);
	cr_expect_eq(model_find(&model, late, 2)->max, 70);
	cr_expect_eq(model.open_ticks, 110);
	model_fini(&model);
}
