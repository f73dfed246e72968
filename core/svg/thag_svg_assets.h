/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What every picture holds beside its boxes, from web/src/svg; thag_svg_assets.c is written by
 * web/build_svg.mjs. Nothing in them can end the element they are put in.
 */
#ifndef THAG_SVG_ASSETS_H
#define THAG_SVG_ASSETS_H

extern const char thag_svg_style[];
extern const char thag_svg_dark_style[]; /* what is different on dark */
extern const char thag_svg_script[];	 /* for a CDATA section */

#endif
