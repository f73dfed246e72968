/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Files of pictures, and the user's browser.
 *
 * Thread: any. Never waits for the browser.
 */
#ifndef THAG_ANALYZE_BROWSER_H
#define THAG_ANALYZE_BROWSER_H

/**
 * Makes an empty file of a new name, that only its owner reads, for a picture that is looked at
 * once: in $XDG_RUNTIME_DIR, or /tmp. `*path` is for the caller to free. 0 or a negative errno.
 */
int thag_browser_make_file(const char *kind, char **path);

/** Has xdg-open open it. 0; -ENOENT where there is none, or no display; or a negative errno. */
int thag_browser_open(const char *path);

#endif
