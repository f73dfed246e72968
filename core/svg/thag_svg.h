/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Pictures of profiles: flamegraphs, icicles, flamecharts and differences, each one SVG file that
 * needs nothing else. A browser zooms and searches in it by the script it holds; anything else
 * shows it as it is written, with the names that fit into their boxes.
 *
 * In layers: what is to be drawn becomes boxes, the root first and each before those within it
 * (thag_svg_write_profile, thag_svg_chart.h); thag_svg_write draws boxes, whatever they are of.
 *
 * The same input gives the same bytes. What is narrower than the least width isn't drawn, so a
 * file is small whatever the size of the profile: a note in it says how much that is.
 *
 * Thread: any, each with its own output. Allocates; no I/O.
 */
#ifndef THAG_SVG_H
#define THAG_SVG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thag/frames.h"
#include "thag_buffer.h"
#include "thag_profile.h"
#include "thag_svg_colors.h"

#define THAG_SVG_BOXES_MAX 200000 /* when there are more, the narrowest are left out */
#define THAG_SVG_DEPTH_MAX 4096	  /* levels below the root */
#define THAG_SVG_WIDTH_MIN 200	  /* pixels */
#define THAG_SVG_WIDTH_MAX 100000

enum thag_svg_kind {
	THAG_SVG_FLAMEGRAPH, /* the root at the bottom */
	THAG_SVG_ICICLE,     /* the root at the top */
	THAG_SVG_FLAMECHART, /* the same; from left to right is time */
};

struct thag_svg_options {
	enum thag_svg_kind kind;
	enum thag_svg_palette palette;
	enum thag_svg_theme theme;
	const char *title;	/* any bytes; NULL: by the kind */
	const char *subtitle;	/* NULL: none */
	const char *count_name; /* "ns" and "bytes" are written with units, others as they are */
	const char *search;	/* what it is opened with; NULL: nothing */
	bool normalise;		/* a difference's colours are of totals made equal */
	double min_width_px;	/* where the picture is `width_px` wide; 0: all are drawn */
	uint32_t width_px;	/* as an image; in a browser it is as wide as its window */
	uint32_t font_px;
};

#define THAG_SVG_DEFAULTS \
	((struct thag_svg_options){ \
		.count_name = "ns", .min_width_px = 0.1, .width_px = 1200, .font_px = 12 })

struct thag_svg_box {
	uint64_t start, width; /* from the root's left edge; as the profile counts */
	uint64_t self;	       /* of the width, what is in none of the boxes within */
	uint64_t calls;	       /* 0: not known */
	const struct thag_frame_sides *sides; /* of a difference; NULL: there is one side only */
	const char *name;		      /* any bytes; borrowed */
	size_t name_bytes;
	uint32_t depth; /* the root's is 0 */
};

/** What is drawn. */
struct thag_svg_picture {
	const struct thag_svg_box *boxes;
	size_t count;	 /* at least the root */
	uint64_t hidden; /* how many boxes were left out */
};

/** Whether a box of that width is wide enough to be drawn in a picture of `total`. */
bool thag_svg_is_drawn(const struct thag_svg_options *options, uint64_t width, uint64_t total);

/** Appends the file. 0, or -ENOMEM with nothing appended. */
int thag_svg_write(const struct thag_svg_picture *picture, const struct thag_svg_options *options,
		   struct thag_buffer *out);

/**
 * Appends the file of a finished profile, siblings in its order; of a profile of thag_diff.h it is
 * a difference. 0, or -ENOMEM with nothing appended.
 */
int thag_svg_write_profile(const struct thag_profile *profile,
			   const struct thag_svg_options *options, struct thag_buffer *out);

#endif
