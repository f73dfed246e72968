/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What an expression is compiled to; for thag_regex*.c only.
 *
 * Jumps are relative, so that a piece of the program can be moved and copied as it is.
 */
#ifndef THAG_REGEX_PRIVATE_H
#define THAG_REGEX_PRIVATE_H

#include "thag_regex.h"

enum thag_regex_op {
	THAG_REGEX_SET,	  /* takes a character in (or not in) `count` ranges from `first` on */
	THAG_REGEX_SPLIT, /* goes on at the next one, and `jump` away */
	THAG_REGEX_JUMP,
	THAG_REGEX_BEGIN, /* at the beginning of the text only … */
	THAG_REGEX_END,
	THAG_REGEX_EDGE, /* at the edge of a word, or not there when `negated` */
	THAG_REGEX_MATCH,
};

struct thag_regex_instruction {
	uint8_t op; /* enum thag_regex_op */
	bool negated;
	uint16_t first, count; /* of the ranges */
	int32_t jump;
};

struct thag_regex_range {
	uint32_t low, high; /* lower case, where they are letters of ASCII */
};

struct thag_regex_program {
	struct thag_regex_instruction code[THAG_REGEX_INSTRUCTIONS_MAX];
	struct thag_regex_range ranges[THAG_REGEX_RANGES_MAX];
	uint32_t length;
	uint32_t range_count;
};

/** Compiles into the zeroed `program`. 0, or -EINVAL with `*error` set. */
int thag_regex_compile(struct thag_regex_program *program, const char *pattern, size_t bytes,
		       struct thag_regex_error *error);

/** Whether a character is part of a word, as `\w` has it. */
static inline bool thag_regex_is_word(uint32_t point)
{
	return (point >= '0' && point <= '9') || (point >= 'a' && point <= 'z') ||
	       (point >= 'A' && point <= 'Z') || point == '_';
}

#endif
