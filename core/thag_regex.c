/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_regex.h"

#include <errno.h>
#include <stdlib.h>

#include "thag_regex_private.h"
#include "thag_text.h"

#define NOTHING UINT32_MAX /* before the first character and behind the last */

/** Instructions, each once, in any order. */
struct states {
	uint32_t count;
	uint32_t list[THAG_REGEX_INSTRUCTIONS_MAX];
	uint32_t place[THAG_REGEX_INSTRUCTIONS_MAX]; /* in the list; of members only */
};

struct thag_regex {
	struct thag_regex_program program;
	struct states sets[2];
	struct states *now, *next; /* one of those each */
	uint32_t stack[THAG_REGEX_INSTRUCTIONS_MAX];
};

/** Where in the text a step is made. */
struct spot {
	uint32_t before, after; /* the characters around it */
};

int thag_regex_create(struct thag_regex **out, const char *pattern, size_t bytes,
		      struct thag_regex_error *error)
{
	struct thag_regex *regex = calloc(1, sizeof(*regex));
	int ret = regex ? thag_regex_compile(&regex->program, pattern, bytes, error) : -ENOMEM;

	if (ret) {
		thag_regex_destroy(regex);
		return ret;
	}
	regex->now = &regex->sets[0];
	regex->next = &regex->sets[1];
	*out = regex;
	return 0;
}

void thag_regex_destroy(struct thag_regex *regex)
{
	free(regex);
}

static bool holds(const struct states *states, uint32_t at)
{
	uint32_t place = states->place[at];

	return place < states->count && states->list[place] == at;
}

static void put(struct states *states, uint32_t at)
{
	states->place[at] = states->count;
	states->list[states->count++] = at;
}

static bool passes(const struct thag_regex_instruction *code, const struct spot *spot)
{
	bool left = spot->before != NOTHING && thag_regex_is_word(spot->before);
	bool right = spot->after != NOTHING && thag_regex_is_word(spot->after);

	switch (code->op) {
	case THAG_REGEX_BEGIN:
		return spot->before == NOTHING;
	case THAG_REGEX_END:
		return spot->after == NOTHING;
	case THAG_REGEX_EDGE:
		return (left != right) != code->negated;
	default:
		return true;
	}
}

/** Enters `start` and all that is reached from there without a character; whether that matches. */
static bool enter(struct thag_regex *regex, struct states *states, uint32_t start,
		  const struct spot *spot, uint64_t *budget)
{
	uint32_t depth = 0;
	bool matched = false;

	if (!holds(states, start)) {
		put(states, start);
		regex->stack[depth++] = start;
	}
	while (depth && *budget) {
		uint32_t at = regex->stack[--depth];
		const struct thag_regex_instruction *code = &regex->program.code[at];
		uint32_t to[2] = { at + 1, (uint32_t)((int32_t)at + code->jump) };
		bool ways[2] = { code->op != THAG_REGEX_JUMP && passes(code, spot),
				 code->op == THAG_REGEX_JUMP || code->op == THAG_REGEX_SPLIT };

		--*budget;
		matched |= code->op == THAG_REGEX_MATCH;
		if (code->op == THAG_REGEX_MATCH || code->op == THAG_REGEX_SET)
			continue;
		for (int i = 0; i < 2; i++) {
			if (!ways[i] || holds(states, to[i]))
				continue;
			put(states, to[i]);
			regex->stack[depth++] = to[i];
		}
	}
	return matched;
}

static uint32_t lower(uint32_t point)
{
	return point >= 'A' && point <= 'Z' ? point - 'A' + 'a' : point;
}

static bool takes(const struct thag_regex_program *program,
		  const struct thag_regex_instruction *code, uint32_t point)
{
	bool inside = false;

	for (uint32_t i = code->first; i < (uint32_t)code->first + code->count && !inside; i++)
		inside = point >= program->ranges[i].low && point <= program->ranges[i].high;
	return inside != code->negated;
}

/** Takes the character `point`, behind which `spot` is; whether that completes a match. */
static bool step(struct thag_regex *regex, uint32_t point, const struct spot *spot,
		 uint64_t *budget)
{
	const struct thag_regex_program *program = &regex->program;
	bool matched = false;

	regex->next->count = 0;
	for (uint32_t i = 0; i < regex->now->count && *budget && !matched; i++) {
		uint32_t at = regex->now->list[i];
		const struct thag_regex_instruction *code = &program->code[at];

		if (code->op != THAG_REGEX_SET)
			continue;
		*budget -= *budget > code->count ? code->count : *budget;
		if (takes(program, code, point))
			matched = enter(regex, regex->next, at + 1, spot, budget);
	}
	return matched;
}

static void swap(struct thag_regex *regex)
{
	struct states *now = regex->now;

	regex->now = regex->next;
	regex->next = now;
}

bool thag_regex_match(struct thag_regex *regex, const char *text, size_t bytes, uint64_t *budget)
{
	struct spot spot = { NOTHING, NOTHING };
	size_t at = bytes ? thag_text_decode(text, bytes, &spot.after) : 0;
	bool matched;

	regex->now->count = 0;
	matched = enter(regex, regex->now, 0, &spot, budget);
	while (!matched && *budget && spot.after != NOTHING) {
		uint32_t point = spot.after;

		spot = (struct spot){ point, NOTHING };
		if (at < bytes)
			at += thag_text_decode(text + at, bytes - at, &spot.after);
		matched = step(regex, lower(point), &spot, budget);
		swap(regex);
		/* a match may begin anywhere */
		if (!matched)
			matched = enter(regex, regex->now, 0, &spot, budget);
	}
	return matched && *budget;
}
