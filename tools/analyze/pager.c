/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "pager.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "thag_text.h"

#define SHIFT_COLUMNS 8

struct paging {
	struct thag_screen *screen;
	const struct thag_pager *pager;
	struct thag_pager_place *place;
	char **lines;
	size_t count;
	size_t head;  /* lines that stay on top */
	size_t fixed; /* columns before the last one */
};

/** Cuts the text into lines. 0 or -ENOMEM. */
static int split(struct paging *paging)
{
	char *text = paging->pager->text;
	size_t count = 1;

	for (const char *at = text; *at; at++)
		count += *at == '\n';
	paging->lines = calloc(count, sizeof(*paging->lines));
	if (!paging->lines)
		return -ENOMEM;
	while (*text) {
		paging->lines[paging->count++] = text;
		text += strcspn(text, "\n");
		if (*text)
			*text++ = '\0';
	}
	return 0;
}

/** The first line that ends with the title of the last column ends the head. */
static void find_head(struct paging *paging)
{
	const char *title = paging->pager->last_column;

	for (size_t i = 0; title && i < paging->count && paging->head == 0; i++) {
		if (!thag_text_ends_with(paging->lines[i], title))
			continue;
		paging->head = i + 1;
		paging->fixed = strlen(paging->lines[i]) - strlen(title);
	}
}

/** The last column of a line in `room` columns, moved, with a sign where something is cut. */
static void put_last(const struct paging *paging, uint32_t line, const char *text,
		     enum thag_style style)
{
	const size_t fixed = paging->fixed, room = thag_screen_columns() - fixed;
	const size_t width = thag_screen_width_of(text);
	size_t shift = paging->place->shift, most = width > room ? width - room : 0, taken;
	size_t at;

	shift = shift < most ? shift : most;
	if (paging->pager->shows_ends)
		shift = most - shift;
	at = thag_screen_bytes_of(text, shift, &taken);
	thag_screen_put(paging->screen, line, (uint32_t)fixed, (uint32_t)room, style, 0, text + at);
	if (shift > 0)
		thag_screen_put(paging->screen, line, (uint32_t)fixed, 1, style, 0,
				THAG_TEXT_ELLIPSIS);
	if (width > shift + room)
		thag_screen_put(paging->screen, line, thag_screen_columns() - 1, 1, style, 0,
				THAG_TEXT_ELLIPSIS);
}

static void put_line(const struct paging *paging, uint32_t line, const char *text,
		     enum thag_style style)
{
	size_t taken, fixed = paging->fixed;

	if (fixed + 8 > thag_screen_columns() || strlen(text) < fixed) {
		size_t at = thag_screen_bytes_of(text, paging->place->shift, &taken);

		thag_screen_put(paging->screen, line, 0, thag_screen_columns(), style, 0,
				text + (fixed ? at : 0));
		return;
	}
	thag_screen_put(paging->screen, line, 0, (uint32_t)fixed, style, 0, text);
	put_last(paging, line, text + thag_screen_bytes_of(text, fixed, &taken), style);
}

static size_t room_of(const struct paging *paging)
{
	size_t lines = thag_screen_body_lines();

	return lines > paging->head ? lines - paging->head : 1;
}

static void put_lines(const struct paging *paging)
{
	size_t head = paging->head, room = room_of(paging);
	const struct thag_pager_place *place = paging->place;

	for (size_t i = 0; i < head && i < paging->count; i++)
		/* the first lines of a head are of all, and have no columns */
		if (i + 1 < head || !paging->fixed)
			thag_screen_put(paging->screen, (uint32_t)i, 0, thag_screen_columns(),
					THAG_STYLE_HEAD, 0, paging->lines[i]);
		else
			put_line(paging, (uint32_t)i, paging->lines[i], THAG_STYLE_HEAD);
	for (size_t i = 0; i < room && head + place->top + i < paging->count; i++)
		put_line(paging, (uint32_t)(head + i), paging->lines[head + place->top + i],
			 head && place->top + i == place->at ? THAG_STYLE_CHOSEN
							     : THAG_STYLE_PLAIN);
}

static void show(struct paging *paging)
{
	const struct thag_pager *pager = paging->pager;
	char keys[256];
	struct thag_surround around = { .title = pager->title, .keys = keys, .twin = pager->twin };

	snprintf(keys, sizeof(keys), "q back%s%s%s%s", pager->help ? "  ? help" : "",
		 pager->twin ? "  y command" : "", pager->keys[0] ? "  " : "", pager->keys);
	if (!thag_screen_surround(paging->screen, &around))
		return;
	put_lines(paging);
	thag_screen_show();
}

/** Moves the last column, no further than there is something of it. */
static void shift(const struct paging *paging, bool further)
{
	size_t *columns = &paging->place->shift, room = thag_screen_columns(), most = 0;

	for (size_t i = 0; i < paging->count; i++) {
		size_t width = thag_screen_width_of(paging->lines[i]);

		most = width > most ? width : most;
	}
	if (further && *columns + room < most + SHIFT_COLUMNS)
		*columns += SHIFT_COLUMNS;
	else if (!further)
		*columns -= *columns ? SHIFT_COLUMNS : 0;
}

/** The rows that a head has below it are gone through one by one; plain text is scrolled. */
static void move_to(struct paging *paging, int key)
{
	struct thag_pager_place *place = paging->place;
	size_t head = paging->head, room = room_of(paging);
	size_t rows = paging->count > head ? paging->count - head : 0;
	size_t last = head ? (rows ? rows - 1 : 0) : (rows > room ? rows - room : 0);
	size_t *at = head ? &place->at : &place->top;

	if (key == THAG_KEY_UP || key == 'k')
		*at -= *at > 0;
	else if (key == THAG_KEY_DOWN || key == 'j')
		*at += 1;
	else if (key == THAG_KEY_PAGE_UP)
		*at -= *at < room ? *at : room;
	else if (key == THAG_KEY_PAGE_DOWN || key == ' ')
		*at += room;
	else if (key == THAG_KEY_HOME || key == 'g')
		*at = 0;
	else if (key == THAG_KEY_END || key == 'G')
		*at = last;
	else if (key == THAG_KEY_RIGHT || key == THAG_KEY_LEFT)
		shift(paging, (key == THAG_KEY_RIGHT) != paging->pager->shows_ends);
	*at = *at < last ? *at : last;
	if (!head)
		return;
	if (place->at < place->top)
		place->top = place->at;
	if (place->at >= place->top + room)
		place->top = place->at - room + 1;
}

int thag_pager_show(struct thag_screen *screen, const struct thag_pager *pager,
		    struct thag_pager_place *place)
{
	struct paging paging = { .screen = screen, .pager = pager, .place = place };
	int key = 'q';

	if (split(&paging)) {
		thag_screen_say(screen, "%s", strerror(ENOMEM));
		return key;
	}
	find_head(&paging);
	move_to(&paging, THAG_KEY_NONE);
	for (;;) {
		show(&paging);
		key = thag_screen_key(screen, -1, -1);
		if (key == 'q' || key == THAG_KEY_ESCAPE || key == THAG_KEY_LEAVE ||
		    key == THAG_KEY_BACKSPACE)
			break;
		if (key > ' ' && key < 0x7f && strchr(pager->accept, key))
			break;
		if (key != THAG_KEY_RESIZE)
			thag_screen_say(screen, "%s", "");
		if (key == '?' && pager->help)
			thag_pager_help(screen, pager->help);
		if (key == 'y' && pager->twin)
			thag_pager_wrap(screen, THAG_PAGER_TWIN, pager->twin);
		move_to(&paging, key);
	}
	free(paging.lines);
	return strchr(pager->accept, key) && key < 0x7f && key > ' ' ? key : 'q';
}

static void show_text(struct thag_screen *screen, const char *title, char *text)
{
	struct thag_pager_place place = { 0 };
	const struct thag_pager pager = { .title = title, .keys = "", .accept = "", .text = text };

	if (text)
		thag_pager_show(screen, &pager, &place);
	else
		thag_screen_say(screen, "%s", strerror(ENOMEM));
	free(text);
}

void thag_pager_help(struct thag_screen *screen, const char *help)
{
	show_text(screen, " Help", strdup(help));
}

void thag_pager_wrap(struct thag_screen *screen, const char *title, const char *line)
{
	size_t columns = thag_screen_columns(), at = 0, bytes = strlen(line), taken;
	struct thag_buffer text = { 0 };
	int ret = 0;

	while (at < bytes && !ret) {
		size_t piece = thag_screen_bytes_of(line + at, columns > 8 ? columns : 8, &taken);

		ret = thag_buffer_append(&text, line + at, piece);
		if (!ret)
			ret = thag_buffer_append(&text, "\n", 1);
		at += piece;
	}
	if (!ret)
		ret = thag_buffer_append(&text, "", 1);
	if (ret)
		thag_buffer_fini(&text);
	show_text(screen, title, (char *)text.data);
}
