/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Reads the boxes of a picture back, for tests: as core/svg/thag_svg.c writes them, a line each
 * after their title.
 */
#ifndef SVG_BOXES_H
#define SVG_BOXES_H

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "thag_buffer.h"

struct svg_box {
	char *name, *facts, *label; /* as XML; a label that isn't there is "" */
	uint64_t start, width;
	double x, across; /* percent */
	unsigned depth, fill, y;
};

struct svg_boxes {
	char *text;
	struct svg_box *list;
	size_t count;
};

static inline void svg_boxes_fini(struct svg_boxes *boxes)
{
	free(boxes->text);
	free(boxes->list);
}

/** Ends the text at `end`, and returns what comes after it. */
static inline char *svg_split(char *text, const char *end)
{
	char *at = strstr(text, end);

	cr_assert_not_null(at, "no %s in %.200s", end, text);
	*at = '\0';
	return at + strlen(end);
}

static inline char *svg_read_box(char *at, struct svg_box *box)
{
	char *rest = svg_split(at, "</g>\n"), *title, *shape;

	cr_assert_eq(sscanf(at, "c%u\" data-s=\"%" SCNu64 "\" data-w=\"%" SCNu64 "\" data-d=\"%u\"",
			    &box->fill, &box->start, &box->width, &box->depth),
		     4, "%s", at);
	title = svg_split(at, "<title>");
	shape = svg_split(title, "</title>");
	box->name = title;
	box->facts = svg_split(title, "\n");
	cr_assert_eq(sscanf(shape, "<rect x=\"%lf%%\" width=\"%lf%%\" y=\"%u\"", &box->x,
			    &box->across, &box->y),
		     3, "%s", shape);
	box->label = strstr(shape, "<text");
	if (!box->label)
		box->label = shape + strlen(shape);
	else
		box->label = svg_split(box->label, "\">"), svg_split(box->label, "</text>");
	return rest;
}

static inline struct svg_boxes svg_boxes_read(const struct thag_buffer *out)
{
	struct svg_boxes boxes = { .text = strndup((const char *)out->data, out->bytes) };
	char *at = svg_split(boxes.text, "<g id=\"frames\">\n");

	cr_assert_eq(strlen(boxes.text) < out->bytes, true);
	while (strncmp(at, "<g class=\"", 10) == 0) {
		boxes.list = reallocarray(boxes.list, boxes.count + 1, sizeof(*boxes.list));
		at = svg_read_box(at + 10, &boxes.list[boxes.count++]);
	}
	cr_assert_eq(strncmp(at, "</g>\n", 5), 0, "%.100s", at);
	return boxes;
}

#endif
