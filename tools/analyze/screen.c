/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#define NCURSES_WIDECHAR 1
#include "screen.h"

#include <curses.h>
#include <errno.h>
#include <langinfo.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <wchar.h>

#include "thag_text.h"

#define ESCAPE_MS 100 /* a key's bytes may come one by one over a slow line */
#define LINES_AROUND 4
#define LINE_COLUMNS_MAX 4096

static void define_colours(struct thag_screen *screen)
{
	static const short hues[THAG_SCREEN_HUES] = { COLOR_CYAN,  COLOR_GREEN,	  COLOR_YELLOW,
						      COLOR_WHITE, COLOR_MAGENTA, COLOR_BLUE };
	const char *no_color = getenv("NO_COLOR");

	if ((no_color && no_color[0]) || !has_colors() || start_color() == ERR)
		return;
	use_default_colors();
	for (short i = 0; i < THAG_SCREEN_HUES; i++)
		init_pair((short)(i + 1), COLOR_BLACK, hues[i]);
	screen->has_colours = COLOR_PAIRS > THAG_SCREEN_HUES;
}

/** Those that end it, and that of another size. */
static int read_signals(struct thag_screen *screen)
{
	sigset_t read;

	sigemptyset(&read);
	sigaddset(&read, SIGINT);
	sigaddset(&read, SIGTERM);
	sigaddset(&read, SIGHUP);
	sigaddset(&read, SIGQUIT);
	sigaddset(&read, SIGWINCH);
	sigprocmask(SIG_BLOCK, &read, &screen->before);
	screen->signals = signalfd(-1, &read, SFD_CLOEXEC | SFD_NONBLOCK);
	return screen->signals < 0 ? -errno : 0;
}

int thag_screen_begin(struct thag_screen *screen)
{
	int ret;

	*screen = (struct thag_screen){ .signals = -1 };
	screen->is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	ret = read_signals(screen);
	if (!ret && !newterm(NULL, stdout, stdin))
		ret = -ENOTTY;
	if (!ret && !tigetstr("cup")) {
		endwin(); /* it can't go to a place: a printer, an editor's window */
		ret = -ENOTTY;
	}
	if (ret) {
		thag_screen_leave_child(screen);
		return ret;
	}
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(ESCAPE_MS);
	curs_set(0);
	define_colours(screen);
	return 0;
}

void thag_screen_leave_child(const struct thag_screen *screen)
{
	if (screen->signals >= 0)
		close(screen->signals);
	sigprocmask(SIG_SETMASK, &screen->before, NULL);
}

void thag_screen_end(struct thag_screen *screen)
{
	endwin();
	thag_screen_leave_child(screen);
	free(screen->message);
	screen->message = NULL;
}

/* --- keys --- */

static int take_signal(struct thag_screen *screen)
{
	struct signalfd_siginfo info;
	struct winsize size;

	if (read(screen->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return THAG_KEY_NONE;
	if (info.ssi_signo != SIGWINCH) {
		screen->signal = (int)info.ssi_signo;
		screen->is_over = true;
		return THAG_KEY_LEAVE;
	}
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col)
		resizeterm(size.ws_row, size.ws_col);
	return THAG_KEY_RESIZE;
}

static int translate(int status, wint_t got)
{
	static const struct {
		wint_t curses;
		enum thag_key key;
	} keys[] = {
		{ KEY_UP, THAG_KEY_UP },	 { KEY_DOWN, THAG_KEY_DOWN },
		{ KEY_LEFT, THAG_KEY_LEFT },	 { KEY_RIGHT, THAG_KEY_RIGHT },
		{ KEY_PPAGE, THAG_KEY_PAGE_UP }, { KEY_NPAGE, THAG_KEY_PAGE_DOWN },
		{ KEY_HOME, THAG_KEY_HOME },	 { KEY_END, THAG_KEY_END },
		{ KEY_ENTER, THAG_KEY_ENTER },	 { KEY_BACKSPACE, THAG_KEY_BACKSPACE },
		{ KEY_DC, THAG_KEY_DELETE },	 { KEY_RESIZE, THAG_KEY_RESIZE },
	};

	if (status == KEY_CODE_YES) {
		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
			if (keys[i].curses == got)
				return keys[i].key;
		return THAG_KEY_OTHER;
	}
	if (got == '\n' || got == '\r')
		return THAG_KEY_ENTER;
	if (got == 0x7f || got == '\b')
		return THAG_KEY_BACKSPACE;
	return got ? (int)got : THAG_KEY_OTHER;
}

int thag_screen_key(struct thag_screen *screen, int timeout_ms, int watched)
{
	struct pollfd polled[] = { { .fd = STDIN_FILENO, .events = POLLIN },
				   { .fd = screen->signals, .events = POLLIN },
				   { .fd = watched, .events = POLLIN } };

	while (!screen->is_over) {
		wint_t got;
		int status = wget_wch(stdscr, &got), count;

		if (status != ERR)
			return translate(status, got);
		count = poll(polled, 3, timeout_ms);
		if (count < 0 && errno == EINTR) {
			redrawwin(stdscr); /* it goes on after a stop */
			return THAG_KEY_RESIZE;
		}
		if (count > 0 && polled[1].revents)
			return take_signal(screen);
		if (count > 0 && (polled[0].revents & (POLLHUP | POLLERR | POLLNVAL)))
			screen->is_over = true; /* no terminal any more */
		else if (count <= 0 || polled[2].revents)
			return THAG_KEY_NONE;
	}
	return THAG_KEY_LEAVE;
}

void thag_screen_wait(struct thag_screen *screen, int timeout_ms, int watched)
{
	struct pollfd polled[] = { { .fd = screen->signals, .events = POLLIN },
				   { .fd = watched, .events = POLLIN } };

	if (poll(polled, 2, timeout_ms) > 0 && polled[0].revents)
		take_signal(screen);
}

/* --- text --- */

/** A character as this terminal can have it, and the columns it takes. */
static uint32_t show_point(bool is_utf8, uint32_t point, size_t *columns)
{
	int width;

	if (!is_utf8 && point >= 0x80)
		point = point == 0x2026 ? '~' : point == 0x2013 || point == 0x2192 ? '-' : '?';
	width = wcwidth((wchar_t)point);
	if (width < 0 || point < ' ') {
		point = '?';
		width = 1;
	}
	*columns = (size_t)width;
	return point;
}

size_t thag_screen_width_of(const char *text)
{
	size_t bytes = strlen(text), width = 0, columns;

	for (size_t at = 0; at < bytes;) {
		uint32_t point;

		at += thag_text_decode(text + at, bytes - at, &point);
		show_point(true, point, &columns);
		width += columns;
	}
	return width;
}

static void style_on(const struct thag_screen *screen, enum thag_style style, uint32_t hue)
{
	static const attr_t looks[] = {
		[THAG_STYLE_PLAIN] = A_NORMAL,
		[THAG_STYLE_BAR] = A_REVERSE,
		[THAG_STYLE_HEAD] = A_BOLD,
		[THAG_STYLE_CHOSEN] = A_REVERSE | A_BOLD,
		[THAG_STYLE_FOUND] = A_UNDERLINE | A_BOLD,
		[THAG_STYLE_FAINT] = A_NORMAL,
		[THAG_STYLE_HUE] = A_NORMAL,
	};
	bool coloured = style == THAG_STYLE_HUE && screen->has_colours;

	attr_set(looks[style], coloured ? (short)(1 + hue % THAG_SCREEN_HUES) : 0, NULL);
}

static void put_at(const struct thag_screen *screen, uint32_t line, uint32_t column, uint32_t width,
		   const char *text)
{
	wchar_t shown[LINE_COLUMNS_MAX];
	size_t bytes = strlen(text), used = 0, count = 0, columns;

	if (width > LINE_COLUMNS_MAX / 2)
		width = LINE_COLUMNS_MAX / 2;
	for (size_t at = 0; at < bytes && count < LINE_COLUMNS_MAX / 2;) {
		uint32_t point;

		at += thag_text_decode(text + at, bytes - at, &point);
		point = show_point(screen->is_utf8, point, &columns);
		if (used + columns > width)
			break;
		used += columns;
		shown[count++] = (wchar_t)point;
	}
	for (; used < width; used++)
		shown[count++] = L' ';
	mvaddnwstr((int)line, (int)column, shown, (int)count);
}

uint32_t thag_screen_body_lines(void)
{
	return LINES > LINES_AROUND ? (uint32_t)LINES - LINES_AROUND : 0;
}

uint32_t thag_screen_columns(void)
{
	return COLS > 0 ? (uint32_t)COLS : 0;
}

void thag_screen_put(const struct thag_screen *screen, uint32_t line, uint32_t column,
		     uint32_t width, enum thag_style style, uint32_t hue, const char *text)
{
	if (line >= thag_screen_body_lines() || column >= thag_screen_columns())
		return;
	if (width > thag_screen_columns() - column)
		width = thag_screen_columns() - column;
	style_on(screen, style, hue);
	put_at(screen, line + 1, column, width, text);
	style_on(screen, THAG_STYLE_PLAIN, 0);
}

size_t thag_screen_bytes_of(const char *text, size_t columns, size_t *taken)
{
	size_t bytes = strlen(text), at = 0;

	*taken = 0;
	while (at < bytes) {
		size_t next, width;
		uint32_t point;

		next = thag_text_decode(text + at, bytes - at, &point);
		show_point(true, point, &width);
		if (*taken + width > columns)
			break;
		*taken += width;
		at += next;
	}
	return at;
}

void thag_screen_put_wrapped(const struct thag_screen *screen, uint32_t line, uint32_t column,
			     enum thag_style style, const char *text)
{
	uint32_t room = thag_screen_columns() > column + 2 ? thag_screen_columns() - column : 2;
	size_t taken;

	for (; *text && line < thag_screen_body_lines(); line++) {
		thag_screen_put(screen, line, column, room, style, 0, text);
		text += thag_screen_bytes_of(text, room, &taken);
	}
}

void thag_screen_show(void)
{
	refresh();
}

void thag_screen_say(struct thag_screen *screen, const char *format, ...)
{
	struct thag_buffer shown = { 0 };
	char *text = NULL;
	va_list args;
	int bytes;

	va_start(args, format);
	bytes = vasprintf(&text, format, args);
	va_end(args);
	free(screen->message);
	screen->message = NULL;
	if (bytes > 0 && thag_text_append_terminal(&shown, text, (size_t)bytes) == 0 &&
	    thag_buffer_append(&shown, "", 1) == 0)
		screen->message = (char *)shown.data;
	else
		thag_buffer_fini(&shown);
	if (bytes >= 0)
		free(text);
}

/* --- pictures --- */

static bool say_too_small(void)
{
	char text[96];

	erase();
	snprintf(text, sizeof(text), "%dx%d is too small: %dx%d is needed; q leaves", COLS, LINES,
		 THAG_SCREEN_COLUMNS_MIN, THAG_SCREEN_LINES_MIN);
	mvaddnstr(0, 0, text, COLS);
	refresh();
	return false;
}

static void put_line(const struct thag_screen *screen, int line, enum thag_style style,
		     const char *text)
{
	style_on(screen, style, 0);
	/* the last column of the last line would scroll some terminals */
	put_at(screen, (uint32_t)line, 0, (uint32_t)(line == LINES - 1 ? COLS - 1 : COLS), text);
	style_on(screen, THAG_STYLE_PLAIN, 0);
}

bool thag_screen_surround(struct thag_screen *screen, const struct thag_surround *around)
{
	const char *line = screen->message ? screen->message : around->details;
	char *twin = NULL;

	if (LINES < THAG_SCREEN_LINES_MIN || COLS < THAG_SCREEN_COLUMNS_MIN)
		return say_too_small();
	erase();
	put_line(screen, 0, THAG_STYLE_BAR, around->title);
	put_line(screen, LINES - 3, screen->message ? THAG_STYLE_HEAD : THAG_STYLE_PLAIN,
		 line ? line : "");
	put_line(screen, LINES - 2, THAG_STYLE_BAR, around->keys);
	if (around->twin && asprintf(&twin, "$ %s", around->twin) < 0)
		twin = NULL;
	put_line(screen, LINES - 1, THAG_STYLE_PLAIN, twin ? twin : "");
	free(twin);
	return true;
}

/* --- typing --- */

static int append_point(struct thag_buffer *text, uint32_t point)
{
	char bytes[4];
	size_t count = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
	static const uint8_t marks[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = count; i-- > 1; point >>= 6)
		bytes[i] = (char)(0x80 | (point & 0x3f));
	bytes[0] = (char)(marks[count] | point);
	return thag_buffer_append(text, bytes, count);
}

static void drop_point(struct thag_buffer *text)
{
	while (text->bytes && (text->data[text->bytes - 1] & 0xc0) == 0x80)
		text->bytes--;
	if (text->bytes)
		text->bytes--;
}

/** The end of what was typed, with the cursor behind it. */
static void show_typed(const struct thag_screen *screen, const char *question,
		       const struct thag_buffer *typed)
{
	struct thag_buffer shown = { 0 };
	size_t room, width, skip = 0;

	if (LINES < 3 || COLS < 8)
		return;
	if (thag_text_append_terminal(&shown, (const char *)typed->data, typed->bytes) ||
	    thag_buffer_append(&shown, "", 1))
		goto out;
	room = (size_t)COLS - 2;
	width = strlen(question);
	room = room > width ? room - width : 1;
	while (thag_screen_width_of((const char *)shown.data + skip) > room) {
		uint32_t point;

		skip += thag_text_decode((const char *)shown.data + skip, shown.bytes - skip,
					 &point);
	}
	style_on(screen, THAG_STYLE_HEAD, 0);
	put_at(screen, (uint32_t)LINES - 3, 0, (uint32_t)COLS, question);
	put_at(screen, (uint32_t)LINES - 3, (uint32_t)width, (uint32_t)COLS - (uint32_t)width,
	       (const char *)shown.data + skip);
	style_on(screen, THAG_STYLE_PLAIN, 0);
	put_line(screen, LINES - 2, THAG_STYLE_BAR, "Enter done  ^U clear  Esc back");
	move(LINES - 3, (int)(width + thag_screen_width_of((const char *)shown.data + skip)));
	refresh();
out:
	thag_buffer_fini(&shown);
}

/** Takes keys until one ends it, which it returns. */
static int type(struct thag_screen *screen, const char *question, struct thag_buffer *typed)
{
	for (;;) {
		show_typed(screen, question, typed);
		int key = thag_screen_key(screen, -1, -1);

		if (key == THAG_KEY_ENTER || key == THAG_KEY_ESCAPE || key == THAG_KEY_LEAVE)
			return key;
		if (key == THAG_KEY_BACKSPACE)
			drop_point(typed);
		else if (key == ('U' & 0x1f))
			typed->bytes = 0;
		else if (key >= ' ' && key < THAG_KEY_FIRST && append_point(typed, (uint32_t)key))
			return THAG_KEY_ESCAPE;
	}
}

bool thag_screen_ask(struct thag_screen *screen, const char *question, char **text)
{
	struct thag_buffer typed = { 0 };
	int key = THAG_KEY_ESCAPE;

	if (!*text || thag_buffer_append(&typed, *text, strlen(*text)) == 0) {
		curs_set(1);
		key = type(screen, question, &typed);
		curs_set(0);
	}
	if (key != THAG_KEY_ENTER || thag_buffer_append(&typed, "", 1)) {
		thag_buffer_fini(&typed);
		return false;
	}
	free(*text);
	*text = (char *)typed.data;
	return true;
}
