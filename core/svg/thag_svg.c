/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_svg.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "thag_svg_assets.h"
#include "thag_svg_text.h"

/* Left and right of the boxes is a hundredth of the width. All that lies across is in percent, so
 * that the picture is as wide as its window without a script. */
#define MARGIN 1.0
#define ACROSS (100 - 2 * MARGIN)
#define CELL 0.602     /* the width of a letter of a monospaced font, by its size */
#define LABEL_GAP_PX 3 /* from a box's edge to its name */
#define TITLE_PX 17
#define TITLE_Y 23
#define SUBTITLE_Y 41
#define TOP_PX 38	   /* above the boxes, and … */
#define TOP_SUBTITLE_PX 54 /* … where there is a subtitle */
#define BOTTOM_PX 26	   /* below them, for the note */
#define NOTE_Y 9	   /* from the lower edge */

struct drawing {
	struct thag_svg_sink sink;
	const struct thag_svg_picture *picture;
	const struct thag_svg_options *options;
	const struct thag_svg_box *root;
	uint64_t widths[THAG_SVG_DEPTH_MAX + 2]; /* of the boxes that this one is within */
	double scale;				 /* of a difference: what is after, by that … */
	uint64_t whole;				 /* … and the larger total */
	uint32_t depth_max;
	uint32_t row_px, top_px, height_px;
};

bool thag_svg_is_drawn(const struct thag_svg_options *options, uint64_t width, uint64_t total)
{
	double px = (double)width / (double)total * options->width_px * (ACROSS / 100);

	return width > 0 && px >= options->min_width_px;
}

static void put(struct drawing *drawing, const char *text)
{
	thag_svg_put(&drawing->sink, text);
}

static void put_number(struct drawing *drawing, const char *before, uint64_t value,
		       const char *after)
{
	put(drawing, before);
	thag_svg_put_decimal(&drawing->sink, value);
	put(drawing, after);
}

static void put_percent(struct drawing *drawing, const char *before, double percent,
			const char *after)
{
	put(drawing, before);
	thag_svg_put_fixed(&drawing->sink, percent, 4);
	put(drawing, after);
}

static void put_string(struct drawing *drawing, const char *text)
{
	thag_svg_put_text(&drawing->sink, text, strlen(text));
}

/** How many letters of `font_px` fit into `width_px` pixels. */
static size_t cells_in(double width_px, double font_px)
{
	return width_px > 0 ? (size_t)(width_px / (font_px * CELL)) : 0;
}

static const char *title_of(const struct drawing *drawing)
{
	static const char *const titles[] = {
		[THAG_SVG_FLAMEGRAPH] = "Flame graph",
		[THAG_SVG_ICICLE] = "Icicle graph",
		[THAG_SVG_FLAMECHART] = "Flame chart",
	};

	if (drawing->options->title)
		return drawing->options->title;
	return drawing->root->sides ? "Differential flame graph" : titles[drawing->options->kind];
}

static bool has_subtitle(const struct drawing *drawing)
{
	return drawing->options->subtitle && drawing->options->subtitle[0];
}

static uint64_t scale_after(const struct drawing *drawing, uint64_t after)
{
	double scaled = (double)after * drawing->scale;

	if (drawing->scale == 1)
		return after;
	return scaled < 0x1p63 ? (uint64_t)(scaled + 0.5) : UINT64_MAX / 2;
}

static void measure(struct drawing *drawing)
{
	const struct thag_svg_picture *picture = drawing->picture;

	for (size_t i = 0; i < picture->count; i++)
		if (picture->boxes[i].depth > drawing->depth_max)
			drawing->depth_max = picture->boxes[i].depth;
	drawing->row_px = drawing->options->font_px + 5;
	drawing->top_px = has_subtitle(drawing) ? TOP_SUBTITLE_PX : TOP_PX;
	drawing->height_px =
		drawing->top_px + (drawing->depth_max + 1) * drawing->row_px + BOTTOM_PX;
	if (drawing->root->sides) {
		uint64_t before = drawing->root->sides->before_total_ns;
		uint64_t after = drawing->root->sides->after_total_ns;

		drawing->scale = drawing->options->normalise && before && after
					 ? (double)before / (double)after
					 : 1;
		after = scale_after(drawing, after);
		drawing->whole = before > after ? before : after;
	}
}

/** One rule for each fill. */
static void put_fills(struct drawing *drawing, bool dark)
{
	unsigned count = drawing->root->sides ? THAG_SVG_DIFF_FILLS : THAG_SVG_FILLS;

	for (unsigned i = 0; i < count; i++) {
		enum thag_svg_palette palette = drawing->options->palette;
		uint32_t fill = drawing->root->sides ? thag_svg_diff_fill(palette, dark, i)
						     : thag_svg_fill(palette, dark, i);
		char rule[64];

		snprintf(rule, sizeof(rule), ".c%u{fill:#%06x}", i, fill);
		put(drawing, rule);
	}
}

/** Paper is light: dark is for screens. */
static void put_dark(struct drawing *drawing, const char *media)
{
	put(drawing, media);
	put(drawing, thag_svg_dark_style);
	put_fills(drawing, true);
	put(drawing, "}");
}

static void put_style(struct drawing *drawing)
{
	put_number(drawing, "<style>svg{font-size:", drawing->options->font_px, "px}");
	put(drawing, thag_svg_style);
	put_fills(drawing, false);
	if (drawing->options->theme == THAG_SVG_AUTO)
		put_dark(drawing, "@media screen and (prefers-color-scheme:dark){");
	if (drawing->options->theme == THAG_SVG_DARK)
		put_dark(drawing, "@media screen{");
	put(drawing, "</style>\n");
}

/** A line of words above the boxes; all of it where it doesn't fit. */
static void put_heading(struct drawing *drawing, const char *id, const char *text, uint32_t y,
			double font_px)
{
	double room_px = drawing->options->width_px * ACROSS / 100;

	put(drawing, "<text id=\"");
	put(drawing, id);
	put_percent(drawing, "\" x=\"", MARGIN, "%\"");
	put_number(drawing, " y=\"", y, "\"><title>");
	put_string(drawing, text);
	put(drawing, "</title>");
	thag_svg_put_fitted(&drawing->sink, text, strlen(text), cells_in(room_px, font_px));
	put(drawing, "</text>\n");
}

static void put_head(struct drawing *drawing)
{
	const struct thag_svg_options *options = drawing->options;

	put(drawing, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		     "<svg xmlns=\"http://www.w3.org/2000/svg\" id=\"thag\"");
	put_number(drawing, " width=\"", options->width_px, "\"");
	put_number(drawing, " height=\"", drawing->height_px, "\"");
	put_number(drawing, " viewBox=\"0 0 ", options->width_px, " ");
	put_number(drawing, "", drawing->height_px, "\"");
	put_number(drawing, " data-font=\"", options->font_px, "\" data-root=\"");
	put(drawing, options->kind == THAG_SVG_FLAMEGRAPH ? "bottom" : "top");
	put(drawing, "\" data-search=\"");
	put_string(drawing, options->search ? options->search : "");
	put(drawing, "\" aria-label=\"");
	put_string(drawing, title_of(drawing));
	put(drawing, "\">\n");
	put_style(drawing);
	put(drawing, "<rect id=\"paper\" width=\"100%\" height=\"100%\"/>\n");
	put_heading(drawing, "title", title_of(drawing), TITLE_Y, TITLE_PX);
	if (has_subtitle(drawing))
		put_heading(drawing, "subtitle", options->subtitle, SUBTITLE_Y, options->font_px);
}

static void put_amount(struct drawing *drawing, uint64_t value)
{
	thag_svg_put_amount(&drawing->sink, value, drawing->options->count_name);
}

/** What is known of a box of one side: how much, of what, how much itself, how often called. */
static void put_facts(struct drawing *drawing, const struct thag_svg_box *box)
{
	put_amount(drawing, box->width);
	if (box->depth) {
		put(drawing, "\n");
		thag_svg_put_share(&drawing->sink, box->width, drawing->root->width);
		put(drawing, " of all, ");
		thag_svg_put_share(&drawing->sink, box->width, drawing->widths[box->depth - 1]);
		put(drawing, " of its caller");
	}
	if (box->self) {
		put(drawing, "\nitself ");
		put_amount(drawing, box->self);
	}
	if (box->calls) {
		put(drawing, "\n");
		thag_svg_put_count(&drawing->sink, box->calls);
		put(drawing, box->calls == 1 ? " call" : " calls");
	}
}

static void put_side(struct drawing *drawing, const char *word, uint64_t value, uint64_t whole)
{
	put(drawing, word);
	put_amount(drawing, value);
	put(drawing, ", ");
	thag_svg_put_share(&drawing->sink, value, whole);
	put(drawing, " of all");
}

/** What changed, and how much that is of what was before. */
static void put_change(struct drawing *drawing, uint64_t before, uint64_t after)
{
	uint64_t change = after > before ? after - before : before - after;

	put(drawing, change == 0 ? "\nunchanged" : after > before ? "\n+" : "\n\xe2\x88\x92");
	if (change)
		put_amount(drawing, change);
	if (before == 0 || after == 0) {
		put(drawing, before ? ", gone" : after ? ", new" : "");
	} else if (change) {
		put(drawing, after > before ? ", +" : ", \xe2\x88\x92");
		thag_svg_put_share(&drawing->sink, change, before);
	}
}

static void put_difference(struct drawing *drawing, const struct thag_frame_sides *sides)
{
	const struct thag_frame_sides *all = drawing->root->sides;

	put_side(drawing, "before ", sides->before_total_ns, all->before_total_ns);
	put_side(drawing, "\nafter ", sides->after_total_ns, all->after_total_ns);
	put_change(drawing, sides->before_total_ns, sides->after_total_ns);
}

static unsigned fill_of(const struct drawing *drawing, const struct thag_svg_box *box)
{
	if (!box->sides)
		return thag_svg_fill_of(box->name, box->name_bytes);
	return thag_svg_diff_fill_of(box->sides->before_total_ns,
				     scale_after(drawing, box->sides->after_total_ns),
				     drawing->whole);
}

static uint32_t row_y(const struct drawing *drawing, uint32_t depth)
{
	bool up = drawing->options->kind == THAG_SVG_FLAMEGRAPH;
	uint32_t row = up ? drawing->depth_max - depth : depth;

	return drawing->top_px + row * drawing->row_px;
}

/** The part of its name that fits. */
static void put_label(struct drawing *drawing, const struct thag_svg_box *box, double x, double w)
{
	double room_px = w / 100 * drawing->options->width_px - 2 * LABEL_GAP_PX;
	size_t cells = cells_in(room_px, drawing->options->font_px);
	size_t before = drawing->sink.out->bytes;

	put_percent(drawing, "<text x=\"", x, "%\"");
	put_number(drawing, " dx=\"", LABEL_GAP_PX, "\"");
	put_number(drawing, " y=\"", row_y(drawing, box->depth) + drawing->options->font_px, "\">");
	if (thag_svg_put_fitted(&drawing->sink, box->name, box->name_bytes, cells))
		put(drawing, "</text>");
	else if (!drawing->sink.ret)
		drawing->sink.out->bytes = before;
}

static void put_box(struct drawing *drawing, const struct thag_svg_box *box)
{
	double total = (double)drawing->root->width;
	double x = MARGIN + (total > 0 ? ACROSS * ((double)box->start / total) : 0);
	double w = total > 0 ? ACROSS * ((double)box->width / total) : ACROSS;

	drawing->widths[box->depth] = box->width;
	put_number(drawing, "<g class=\"c", fill_of(drawing, box), "\"");
	put_number(drawing, " data-s=\"", box->start, "\"");
	put_number(drawing, " data-w=\"", box->width, "\"");
	put_number(drawing, " data-d=\"", box->depth, "\"><title>");
	thag_svg_put_text(&drawing->sink, box->name, box->name_bytes);
	put(drawing, "\n");
	if (box->sides)
		put_difference(drawing, box->sides);
	else
		put_facts(drawing, box);
	put_percent(drawing, "</title><rect x=\"", x, "%\"");
	put_percent(drawing, " width=\"", w, "%\"");
	put_number(drawing, " y=\"", row_y(drawing, box->depth), "\"");
	put_number(drawing, " height=\"", drawing->row_px - 1, "\"/>");
	put_label(drawing, box, x, w);
	put(drawing, "</g>\n");
}

/** What isn't there, where something isn't. */
static void put_note(struct drawing *drawing)
{
	if (drawing->root->width == 0) {
		put_percent(drawing, "<text id=\"note\" x=\"", MARGIN, "%\"");
		put_number(drawing, " y=\"", drawing->height_px - NOTE_Y,
			   "\">The profile is empty: nothing was counted.</text>\n");
	} else if (drawing->picture->hidden) {
		put_percent(drawing, "<text id=\"note\" x=\"", MARGIN, "%\"");
		put_number(drawing, " y=\"", drawing->height_px - NOTE_Y, "\">Not drawn, as too ");
		put(drawing,
		    drawing->depth_max >= THAG_SVG_DEPTH_MAX ? "deep or too narrow: " : "narrow: ");
		thag_svg_put_count(&drawing->sink, drawing->picture->hidden);
		put(drawing, drawing->picture->hidden == 1 ? " box</text>\n" : " boxes</text>\n");
	}
}

int thag_svg_write(const struct thag_svg_picture *picture, const struct thag_svg_options *options,
		   struct thag_buffer *out)
{
	size_t start = out->bytes;
	struct drawing *drawing = calloc(1, sizeof(*drawing));

	if (!drawing)
		return -ENOMEM;
	drawing->sink.out = out;
	drawing->picture = picture;
	drawing->options = options;
	drawing->root = &picture->boxes[0];
	measure(drawing);
	put_head(drawing);
	put(drawing, "<g id=\"frames\">\n");
	for (size_t i = 0; i < picture->count; i++)
		put_box(drawing, &picture->boxes[i]);
	put(drawing, "</g>\n");
	put_note(drawing);
	put(drawing, "<script><![CDATA[");
	put(drawing, thag_svg_script);
	put(drawing, "]]></script>\n</svg>\n");
	int ret = drawing->sink.ret;

	free(drawing);
	if (ret)
		out->bytes = start;
	return ret;
}
