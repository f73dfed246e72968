/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Fills of boxes: what a palette gives to names, and what a difference gives to more and less, on
 * light and on dark. They are the hues of the page's (web/src/palettes.ts), worked out in OKLCH,
 * where equal lightness looks equal: text is legible on each of them.
 *
 * Thread: any. No allocation.
 */
#ifndef THAG_SVG_COLORS_H
#define THAG_SVG_COLORS_H

#include <stdbool.h>
#include <stdint.h>

#define THAG_SVG_FILLS 24      /* for names */
#define THAG_SVG_DIFF_STEPS 10 /* to either side of unchanged */
#define THAG_SVG_DIFF_FILLS (2 * THAG_SVG_DIFF_STEPS + 1)

enum thag_svg_palette {
	THAG_SVG_AQUA,
	THAG_SVG_BLUE,
	THAG_SVG_GREEN,
	THAG_SVG_HOT,
	THAG_SVG_MEM,
	THAG_SVG_ORANGE,
	THAG_SVG_PURPLE,
	THAG_SVG_RED,
	THAG_SVG_YELLOW,
	THAG_SVG_RUST,
	THAG_SVG_COLOUR_BLIND, /* of a difference: orange and blue instead of red and blue */
	THAG_SVG_PALETTES,
};

enum thag_svg_theme {
	THAG_SVG_AUTO, /* as the viewer prefers */
	THAG_SVG_LIGHT,
	THAG_SVG_DARK,
};

/** What it is called: "aqua" … "colour-blind"; NULL past the last. */
const char *thag_svg_palette_name(enum thag_svg_palette palette);

/** Which palette is called so, in either case; "color-blind" is one, too. 0 or -EINVAL. */
int thag_svg_palette_find(const char *name, enum thag_svg_palette *palette);

/** Fill `index` of a palette as 0xrrggbb. */
uint32_t thag_svg_fill(enum thag_svg_palette palette, bool dark, unsigned index);

/** The fill of a difference, from 0, all less, to THAG_SVG_DIFF_FILLS - 1, all more. */
uint32_t thag_svg_diff_fill(enum thag_svg_palette palette, bool dark, unsigned index);

/** Which fill a name gets: the same everywhere. */
unsigned thag_svg_fill_of(const char *name, uint64_t bytes);

/** Which fill a difference gets; `whole` is the larger of both totals. */
unsigned thag_svg_diff_fill_of(uint64_t before, uint64_t after, uint64_t whole);

#endif
