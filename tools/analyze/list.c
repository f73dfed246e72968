/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pager.h"
#include "thag_text.h"

#define NUMBERS 10

static const char numbers[] = "1234567890";

struct choosing {
	struct thag_screen *screen;
	const struct thag_list *list;
	size_t *items; /* those that the filter leaves */
	size_t count, at, top;
	char *filter;
};

static const char *group_of(const struct thag_list *list, size_t item)
{
	return list->group ? list->group(list->context, item) : "";
}

/** Whether the filter leaves it: what its line, or the name of its group, holds. */
static bool is_left(const struct choosing *choosing, size_t item)
{
	const char *filter = choosing->filter;
	const char *group = group_of(choosing->list, item);
	struct thag_buffer text = { 0 };
	bool left;

	if (!filter || !filter[0])
		return true;
	left = choosing->list->write(choosing->list->context, item, &text) == 0 &&
	       (thag_text_holds((const char *)text.data, text.bytes, filter, strlen(filter)) ||
		thag_text_holds(group, strlen(group), filter, strlen(filter)));
	thag_buffer_fini(&text);
	return left;
}

static void apply_filter(struct choosing *choosing)
{
	size_t item = choosing->count ? choosing->items[choosing->at] : 0;

	choosing->count = 0;
	choosing->at = 0;
	for (size_t i = 0; i < choosing->list->count; i++) {
		if (!is_left(choosing, i))
			continue;
		if (i <= item)
			choosing->at = choosing->count;
		choosing->items[choosing->count++] = i;
	}
	choosing->top = 0;
}

/** Whether a line of its group stands above the item at `index`. */
static bool begins_group(const struct choosing *choosing, size_t index)
{
	const struct thag_list *list = choosing->list;
	const char *group = group_of(list, choosing->items[index]);

	if (!group[0])
		return false;
	return index == 0 || strcmp(group, group_of(list, choosing->items[index - 1])) != 0;
}

/** Lines that the items from `from` up to and with `to` take. */
static size_t lines_of(const struct choosing *choosing, size_t from, size_t to)
{
	size_t lines = 0;

	for (size_t i = from; i <= to; i++)
		lines += begins_group(choosing, i) ? 2 : 1;
	return lines;
}

static void scroll(struct choosing *choosing)
{
	size_t room = thag_screen_body_lines();

	if (choosing->at < choosing->top)
		choosing->top = choosing->at;
	if (choosing->at >= choosing->top + room)
		choosing->top = choosing->at - room + 1;
	while (choosing->top < choosing->at &&
	       lines_of(choosing, choosing->top, choosing->at) > room)
		choosing->top++;
}

static void put_item(const struct choosing *choosing, size_t index, uint32_t line)
{
	const struct thag_list *list = choosing->list;
	bool chosen = index == choosing->at;
	struct thag_buffer text = { 0 };
	char head[16];
	int ret;

	if (list->is_numbered)
		snprintf(head, sizeof(head), "%c %c  ", chosen ? '>' : ' ',
			 index < NUMBERS ? numbers[index] : ' ');
	else
		snprintf(head, sizeof(head), "%c %s", chosen ? '>' : ' ', list->group ? "  " : "");
	ret = thag_buffer_append(&text, head, strlen(head));
	if (!ret)
		ret = list->write(list->context, choosing->items[index], &text);
	if (!ret)
		ret = thag_buffer_append(&text, "", 1);
	if (!ret)
		thag_screen_put(choosing->screen, line, 0, thag_screen_columns(),
				chosen ? THAG_STYLE_CHOSEN : THAG_STYLE_PLAIN, 0,
				(const char *)text.data);
	thag_buffer_fini(&text);
}

static void put_items(struct choosing *choosing)
{
	uint32_t line = 0, room = thag_screen_body_lines();

	scroll(choosing);
	for (size_t i = choosing->top; i < choosing->count && line < room; i++) {
		/* a group that goes on from above keeps the line of its name when there is room */
		if (begins_group(choosing, i) && line + 1 < room)
			thag_screen_put(choosing->screen, line++, 0, thag_screen_columns(),
					THAG_STYLE_HEAD, 0,
					group_of(choosing->list, choosing->items[i]));
		put_item(choosing, i, line++);
	}
	if (choosing->count == 0)
		thag_screen_put(choosing->screen, 0, 0, thag_screen_columns(), THAG_STYLE_PLAIN, 0,
				"  none");
}

static void show(struct choosing *choosing)
{
	const struct thag_list *list = choosing->list;
	struct thag_surround around = { .title = list->title };
	char *keys = NULL, *filtered = NULL;

	if (asprintf(&keys, "q back  ? help  Enter choose  / filter%s%s", list->keys[0] ? "  " : "",
		     list->keys) < 0)
		keys = NULL;
	if (choosing->filter && choosing->filter[0] &&
	    asprintf(&filtered, "filter '%s': %zu of %zu", choosing->filter, choosing->count,
		     list->count) < 0)
		filtered = NULL;
	around.keys = keys ? keys : "";
	around.details = filtered;
	if (!filtered && list->hint && choosing->count)
		around.details = list->hint(list->context, choosing->items[choosing->at]);
	if (thag_screen_surround(choosing->screen, &around)) {
		put_items(choosing);
		thag_screen_show();
	}
	free(keys);
	free(filtered);
}

static void move_to(struct choosing *choosing, int key)
{
	size_t last = choosing->count ? choosing->count - 1 : 0, page = thag_screen_body_lines();

	switch (key) {
	case THAG_KEY_UP:
	case 'k':
		choosing->at -= choosing->at > 0;
		break;
	case THAG_KEY_DOWN:
	case 'j':
		choosing->at += choosing->at < last;
		break;
	case THAG_KEY_PAGE_UP:
		choosing->at -= choosing->at < page ? choosing->at : page;
		break;
	case THAG_KEY_PAGE_DOWN:
	case ' ':
		choosing->at = choosing->at + page < last ? choosing->at + page : last;
		break;
	case THAG_KEY_HOME:
	case 'g':
		choosing->at = 0;
		break;
	case THAG_KEY_END:
	case 'G':
		choosing->at = last;
		break;
	default:
		break;
	}
}

/** Esc takes a filter away first, then goes back. */
static bool leaves(struct choosing *choosing, int key)
{
	if (key == THAG_KEY_ESCAPE && choosing->filter && choosing->filter[0]) {
		choosing->filter[0] = '\0';
		apply_filter(choosing);
		return false;
	}
	return key == 'q' || key == THAG_KEY_ESCAPE || key == THAG_KEY_LEAVE ||
	       key == THAG_KEY_BACKSPACE;
}

/** What ended it, or THAG_KEY_NONE. */
static int obey(struct choosing *choosing, int key)
{
	const struct thag_list *list = choosing->list;
	const char *number;

	number = key > ' ' && key < 0x7f ? strchr(numbers, key) : NULL;
	if (list->is_numbered && number && (size_t)(number - numbers) < choosing->count) {
		choosing->at = (size_t)(number - numbers);
		return THAG_KEY_ENTER;
	}
	if (key > ' ' && key < 0x7f && strchr(list->accept, key))
		return key;
	if (key == THAG_KEY_ENTER && choosing->count)
		return THAG_KEY_ENTER;
	if (key == '/' && thag_screen_ask(choosing->screen, "filter: ", &choosing->filter))
		apply_filter(choosing);
	if (key == '?')
		thag_pager_help(choosing->screen, list->help);
	move_to(choosing, key);
	return leaves(choosing, key) ? THAG_LIST_LEFT : THAG_KEY_NONE;
}

int thag_list_choose(struct thag_screen *screen, const struct thag_list *list, size_t *chosen)
{
	struct choosing choosing = { .screen = screen, .list = list };
	int ended = THAG_KEY_NONE, key;

	choosing.items = calloc(list->count + 1, sizeof(*choosing.items));
	if (!choosing.items) {
		thag_screen_say(screen, "%s", strerror(ENOMEM));
		return THAG_LIST_LEFT;
	}
	apply_filter(&choosing);
	if (*chosen < choosing.count)
		choosing.at = *chosen;
	while (ended == THAG_KEY_NONE) {
		show(&choosing);
		key = thag_screen_key(screen, -1, -1);
		if (key != THAG_KEY_RESIZE)
			thag_screen_say(screen, "%s", "");
		ended = obey(&choosing, key);
	}
	if (choosing.count)
		*chosen = choosing.items[choosing.at];
	free(choosing.items);
	free(choosing.filter);
	return ended;
}
