/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_svg_colors.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <strings.h>

#define STEPS 12	 /* of hue, each light and a little darker */
#define DIFF_FULL 0.2	 /* of the whole: a change of that much has the strongest colour … */
#define DIFF_LEAST 0.002 /* … and one of less than this has none */

/** Part of the circle of hues, in degrees, and how strong its colours are beside the usual. */
struct band {
	const char *name;
	double hue, spread, strength;
};

static const struct band bands[THAG_SVG_PALETTES] = {
	[THAG_SVG_AQUA] = { "aqua", 205, 24, 1 },
	[THAG_SVG_BLUE] = { "blue", 255, 18, 1.1 },
	[THAG_SVG_GREEN] = { "green", 145, 22, 1.1 },
	[THAG_SVG_HOT] = { "hot", 55, 38, 1.3 },
	[THAG_SVG_MEM] = { "mem", 175, 40, 1 },
	[THAG_SVG_ORANGE] = { "orange", 62, 14, 1.3 },
	[THAG_SVG_PURPLE] = { "purple", 310, 22, 1.1 },
	[THAG_SVG_RED] = { "red", 24, 14, 1.2 },
	[THAG_SVG_YELLOW] = { "yellow", 102, 12, 1.3 },
	[THAG_SVG_RUST] = { "rust", 44, 16, 0.8 },
	[THAG_SVG_COLOUR_BLIND] = { "colour-blind", 0, 0, 0 },
};

_Static_assert(THAG_SVG_FILLS == 2 * STEPS, "each step twice");

struct oklch {
	double lightness, chroma, hue;
};

const char *thag_svg_palette_name(enum thag_svg_palette palette)
{
	return palette < THAG_SVG_PALETTES ? bands[palette].name : NULL;
}

int thag_svg_palette_find(const char *name, enum thag_svg_palette *palette)
{
	if (strcasecmp(name, "color-blind") == 0)
		name = bands[THAG_SVG_COLOUR_BLIND].name;
	for (unsigned i = 0; i < THAG_SVG_PALETTES; i++)
		if (strcasecmp(name, bands[i].name) == 0) {
			*palette = (enum thag_svg_palette)i;
			return 0;
		}
	return -EINVAL;
}

/** Light as it adds up to what a screen is told, sRGB. */
static uint32_t to_byte(double linear)
{
	double value = linear <= 0.0031308 ? 12.92 * linear : 1.055 * pow(linear, 1 / 2.4) - 0.055;

	return value <= 0 ? 0 : value >= 1 ? 255 : (uint32_t)(value * 255 + 0.5);
}

/* Björn Ottosson, "A perceptual color space for image processing", 2020. */
static uint32_t to_rgb(struct oklch color)
{
	double angle = color.hue * M_PI / 180;
	double a = color.chroma * cos(angle), b = color.chroma * sin(angle);
	double l = color.lightness + 0.3963377774 * a + 0.2158037573 * b;
	double m = color.lightness - 0.1055613458 * a - 0.0638541728 * b;
	double s = color.lightness - 0.0894841775 * a - 1.2914855480 * b;

	l = l * l * l;
	m = m * m * m;
	s = s * s * s;
	return to_byte(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s) << 16 |
	       to_byte(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s) << 8 |
	       to_byte(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s);
}

/** Hues of one band; lightness helps where they lie close together. */
static struct oklch band_fill(const struct band *band, bool dark, unsigned index)
{
	/* of twelve steps from one end to the other, the next is far from those before */
	static const uint8_t far_apart[STEPS] = { 0, 7, 3, 10, 5, 1, 8, 4, 11, 2, 6, 9 };
	double turn = (far_apart[index % STEPS] / (STEPS - 1.0) - 0.5) * 2 * band->spread;
	double lighter = ((int)(index % 3) - 1) * 0.035 + (index < STEPS ? -0.012 : 0.012);

	return (struct oklch){ (dark ? 0.44 : 0.845) + lighter,
			       (dark ? 0.075 : 0.085) * band->strength, band->hue + turn };
}

/** Blue, yellow and grey, which nobody mixes up, in steps of lightness that all eyes see. */
static struct oklch safe_fill(bool dark, unsigned index)
{
	static const double light_steps[] = { 0.92, 0.845, 0.77, 0.695 };
	static const double dark_steps[] = { 0.52, 0.475, 0.43, 0.39 };
	static const struct oklch colors[] = { { 0, 1, 95 }, { 0, 1, 255 }, { -0.035, 0, 0 } };
	struct oklch color = colors[index % 3];

	color.lightness += (dark ? dark_steps : light_steps)[(index / 3 + index % 3) % 4] +
			   (index < STEPS ? 0.008 : -0.008);
	color.chroma *= dark ? 0.085 : 0.1;
	return color;
}

uint32_t thag_svg_fill(enum thag_svg_palette palette, bool dark, unsigned index)
{
	return to_rgb(palette == THAG_SVG_COLOUR_BLIND ? safe_fill(dark, index)
						       : band_fill(&bands[palette], dark, index));
}

uint32_t thag_svg_diff_fill(enum thag_svg_palette palette, bool dark, unsigned index)
{
	int step = (int)index - THAG_SVG_DIFF_STEPS;
	double much = (step < 0 ? -step : step) / (double)THAG_SVG_DIFF_STEPS;
	double more = palette == THAG_SVG_COLOUR_BLIND ? 52 : 24;
	double middle = dark ? 0.33 : 0.93, end = dark ? 0.47 : 0.7;
	double chroma = dark ? 0.13 : 0.15;

	return to_rgb((struct oklch){ middle + (end - middle) * much,
				      step ? 0.025 + (chroma - 0.025) * much : 0.004,
				      step < 0 ? 255 : more });
}

/* FNV-1a */
unsigned thag_svg_fill_of(const char *name, uint64_t bytes)
{
	uint32_t hash = 0x811c9dc5;

	for (uint64_t i = 0; i < bytes; i++)
		hash = (hash ^ (uint8_t)name[i]) * 0x01000193;
	return (hash ^ hash >> 15) % THAG_SVG_FILLS;
}

unsigned thag_svg_diff_fill_of(uint64_t before, uint64_t after, uint64_t whole)
{
	double part = whole ? ((double)after - (double)before) / (double)whole : 0;
	double much = fabs(part) < DIFF_LEAST ? 0 : fmin(1, fabs(part) / DIFF_FULL);
	unsigned step = (unsigned)ceil(much * THAG_SVG_DIFF_STEPS);

	return part < 0 ? THAG_SVG_DIFF_STEPS - step : THAG_SVG_DIFF_STEPS + step;
}
