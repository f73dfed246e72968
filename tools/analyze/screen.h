/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The terminal as a screen: a bar on top, a body, and below it a line of messages, one of keys and
 * one that says how a shell does the same. ncurses' own state is all that is global of it.
 *
 * Signals that end the program are read like keys, so that every way out leads through
 * thag_screen_end, which leaves the terminal as it was. ^Z is ncurses' affair.
 *
 * Thread: main.
 */
#ifndef THAG_ANALYZE_SCREEN_H
#define THAG_ANALYZE_SCREEN_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define THAG_SCREEN_LINES_MIN 10
#define THAG_SCREEN_COLUMNS_MIN 40
#define THAG_SCREEN_HUES 6

/** Keys: characters of Unicode, and from THAG_KEY_FIRST on these. */
enum thag_key {
	THAG_KEY_NONE = 0, /* time is up, or what was watched has happened */
	THAG_KEY_ESCAPE = 27,
	THAG_KEY_FIRST = 0x110000,
	THAG_KEY_UP = THAG_KEY_FIRST,
	THAG_KEY_DOWN,
	THAG_KEY_LEFT,
	THAG_KEY_RIGHT,
	THAG_KEY_PAGE_UP,
	THAG_KEY_PAGE_DOWN,
	THAG_KEY_HOME,
	THAG_KEY_END,
	THAG_KEY_ENTER,
	THAG_KEY_BACKSPACE,
	THAG_KEY_DELETE,
	THAG_KEY_RESIZE,
	THAG_KEY_OTHER,
	THAG_KEY_LEAVE, /* a signal: go back, all the way */
};

enum thag_style {
	THAG_STYLE_PLAIN,
	THAG_STYLE_BAR,
	THAG_STYLE_HEAD,
	THAG_STYLE_CHOSEN,
	THAG_STYLE_FOUND,
	THAG_STYLE_FAINT,
	THAG_STYLE_HUE, /* the first of THAG_SCREEN_HUES; where there are no colours, plain */
};

struct thag_screen {
	int signals;	 /* a descriptor of them */
	int signal;	 /* that ended it; 0: none */
	sigset_t before; /* what was blocked */
	bool has_colours, is_utf8;
	bool is_over;  /* every key is THAG_KEY_LEAVE from now on */
	char *message; /* on its line until it is replaced; or NULL */
};

/** 0; -ENOTTY when the terminal can't be one; or a negative errno. */
int thag_screen_begin(struct thag_screen *screen);
void thag_screen_end(struct thag_screen *screen);

/** Undoes in a child, which leaves the screen alone, what was done to signals. */
void thag_screen_leave_child(const struct thag_screen *screen);

/** The next key; after `timeout_ms`, -1: never, or when `watched`, -1: none, is readable, none. */
int thag_screen_key(struct thag_screen *screen, int timeout_ms, int watched);

/** Waits likewise, but for keys, which stay for later. */
void thag_screen_wait(struct thag_screen *screen, int timeout_ms, int watched);

/** Says something on the line of messages; fit for a terminal whatever bytes it is of. */
void thag_screen_say(struct thag_screen *screen, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** What stands around a body. */
struct thag_surround {
	const char *title;
	const char *keys;
	const char *details; /* on the line of messages, when there is none; or NULL */
	const char *twin;    /* NULL: none */
};

/**
 * Begins a picture. False when the terminal is too small for one, which it says then; the body is
 * left alone then.
 */
bool thag_screen_surround(struct thag_screen *screen, const struct thag_surround *around);

/** Lines and columns of the body, whose first line is 1 of the screen. */
uint32_t thag_screen_body_lines(void);
uint32_t thag_screen_columns(void);

/**
 * Writes `text`, UTF-8, at a place, cut to `width` columns or filled up with blanks, a line of the
 * body being counted from 0. `hue` is one of THAG_SCREEN_HUES for THAG_STYLE_HUE.
 */
void thag_screen_put(const struct thag_screen *screen, uint32_t line, uint32_t column,
		     uint32_t width, enum thag_style style, uint32_t hue, const char *text);

/** Writes a text over as many lines as it takes. */
void thag_screen_put_wrapped(const struct thag_screen *screen, uint32_t line, uint32_t column,
			     enum thag_style style, const char *text);

/** Where `columns` columns of a text, UTF-8, end, in bytes; `*taken` may be one less. */
size_t thag_screen_bytes_of(const char *text, size_t columns, size_t *taken);

/** Shows what was put. */
void thag_screen_show(void);

/** Columns that a text, UTF-8, takes. */
size_t thag_screen_width_of(const char *text);

/**
 * A line is typed on the line of messages, after `question`, beginning with what `*text` is. True
 * with `*text`, which the caller frees, replaced; false when it was left with Esc.
 */
bool thag_screen_ask(struct thag_screen *screen, const char *question, char **text);

#endif
