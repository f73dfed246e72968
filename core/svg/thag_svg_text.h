/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The words of a picture: text that is XML whatever bytes it comes from, and numbers as people
 * read them. For thag_svg*.c only.
 *
 * Thread: owner.
 */
#ifndef THAG_SVG_TEXT_H
#define THAG_SVG_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "thag_buffer.h"

/** Where things are written; after an error nothing is any more. */
struct thag_svg_sink {
	struct thag_buffer *out;
	int ret; /* 0 or -ENOMEM */
};

enum thag_svg_unit { THAG_SVG_NS, THAG_SVG_BYTES, THAG_SVG_COUNT };

void thag_svg_put(struct thag_svg_sink *sink, const char *text);
void thag_svg_put_bytes(struct thag_svg_sink *sink, const void *data, size_t bytes);
void thag_svg_put_decimal(struct thag_svg_sink *sink, uint64_t value);

/** `value`, 0 or more and below 2^63 / 10^digits, with so many digits after the point. */
void thag_svg_put_fixed(struct thag_svg_sink *sink, double value, unsigned digits);

/**
 * Any bytes, at most THAG_FRAME_NAME_MAX of them, as text or an attribute's value: white space and
 * what ends a line become spaces, what XML can't hold U+FFFD, and nothing is markup.
 */
void thag_svg_put_text(struct thag_svg_sink *sink, const char *text, size_t bytes);

/**
 * The same in a row of `cells`, each as wide as a letter: cut, with two dots at its end, when it
 * doesn't fit; nothing when there is no room for a letter and the dots. How many bytes it took.
 */
size_t thag_svg_put_fitted(struct thag_svg_sink *sink, const char *text, size_t bytes,
			   size_t cells);

/** What `count_name` is measured in. */
enum thag_svg_unit thag_svg_unit_of(const char *count_name);

/** "1.234 ms (1 234 567 ns)", "5 ns", "12 345 samples". */
void thag_svg_put_amount(struct thag_svg_sink *sink, uint64_t value, const char *count_name);

/** A whole number in groups of three digits. */
void thag_svg_put_count(struct thag_svg_sink *sink, uint64_t value);

/** `part` of `whole` in percent: "12.34 %", "100 %"; "0 %" of nothing. */
void thag_svg_put_share(struct thag_svg_sink *sink, uint64_t part, uint64_t whole);

#endif
