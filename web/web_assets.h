/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The user interface, built into the program that serves it. web_assets.c is written by
 * build.mjs.
 */
#ifndef THAG_WEB_ASSETS_H
#define THAG_WEB_ASSETS_H

#include <stddef.h>

/** A file of the UI. All of it is constant and lives as long as the program. */
struct thag_web_asset {
	const char *path;	  /* as requested, such as "/app.js" */
	const char *content_type; /* with its charset */
	const char *etag;	  /* quoted, as it goes into the header */
	const unsigned char *bytes;
	size_t size;
};

extern const struct thag_web_asset thag_web_assets[];
extern const size_t thag_web_asset_count;

#endif
