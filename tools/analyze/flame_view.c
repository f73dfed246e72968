/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "flame_view.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../numbers.h"
#include "../stat_rows.h"
#include "flame.h"
#include "pager.h"
#include "thag_search.h"
#include "thag_text.h"

static const char help[] =
	"Each frame is as wide as what was spent in it and in what it calls; below\n"
	"a frame lies what it calls. Frames too narrow for a column aren't drawn:\n"
	"zoom in on their caller. + marks what a search has found.\n"
	"\n"
	"  arrows, h j k l  go to the caller, a callee, a neighbour\n"
	"  Enter, z         zoom in on the frame\n"
	"  u, Backspace     zoom out by one caller;  0  zoom out all the way\n"
	"  /                search: text, or an expression\n"
	"  n, N             the next, or the last, frame that was found\n"
	"  i                all about the frame: numbers, and who calls it\n"
	"  f                filters\n"
	"  r                read it again\n"
	"  y                the command line that draws the same\n"
	"  q, Esc           back\n";

struct viewing {
	struct thag_screen *screen;
	const struct thag_flame_source *source;
	const char *title, *twin;
	struct thag_flame flame;
	uint32_t columns; /* that it is laid out for */
	uint32_t focus;	  /* a node */
	uint32_t at, top; /* a cell, a row */
	char *searched;
	unsigned char *found; /* by name; NULL: nothing is searched */
	uint64_t found_total;
};

static const struct thag_profile_node *node_of(const struct viewing *viewing, uint32_t node)
{
	uint32_t count;

	return &thag_profile_nodes(viewing->source->profile, &count)[node];
}

static const struct thag_profile_node *node_at(const struct viewing *viewing, uint32_t cell)
{
	return node_of(viewing, viewing->flame.cells[cell].node);
}

/** Lays out what is looked at, and stays at `node` where it is drawn. */
static int lay_out(struct viewing *viewing, uint32_t node)
{
	struct thag_flame flame;
	uint32_t columns = thag_screen_columns() ? thag_screen_columns() : 1;
	int ret = thag_flame_layout(&flame, viewing->source->profile, viewing->focus, columns);

	if (ret)
		return ret;
	thag_flame_fini(&viewing->flame);
	viewing->flame = flame;
	viewing->columns = columns;
	viewing->at = thag_flame_find(&flame, node);
	return 0;
}

/* --- search --- */

static bool is_found(const struct viewing *viewing, uint32_t cell)
{
	return viewing->found && viewing->flame.cells[cell].node != 0 &&
	       viewing->found[node_at(viewing, cell)->name];
}

/** What is in frames that were found, below each other or not, counted once. */
static void sum_found(struct viewing *viewing)
{
	uint32_t count, node = 0;
	const struct thag_profile_node *nodes =
		thag_profile_nodes(viewing->source->profile, &count);

	viewing->found_total = 0;
	for (;;) {
		bool found = node && viewing->found[nodes[node].name];

		if (found)
			viewing->found_total += nodes[node].total_ns;
		if (!found && nodes[node].first_child) {
			node = nodes[node].first_child;
			continue;
		}
		while (node && !nodes[node].next_sibling)
			node = nodes[node].parent;
		if (!node)
			return;
		node = nodes[node].next_sibling;
	}
}

static uint32_t names_of(const struct thag_profile *profile)
{
	uint32_t count, most = 0;
	const struct thag_profile_node *nodes = thag_profile_nodes(profile, &count);

	for (uint32_t i = 0; i < count; i++)
		most = nodes[i].name > most ? nodes[i].name : most;
	return most + 1;
}

static void forget_search(struct viewing *viewing)
{
	free(viewing->found);
	viewing->found = NULL;
}

static int find_all(struct viewing *viewing, struct thag_search *search)
{
	uint32_t names = names_of(viewing->source->profile), hits = 0;
	char share[THAG_NUMBER_BYTES];

	viewing->found = calloc(names, 1);
	if (!viewing->found)
		return -ENOMEM;
	for (uint32_t i = 0; i < names; i++) {
		size_t bytes;
		const char *name = thag_profile_name(viewing->source->profile, i, &bytes);

		viewing->found[i] = thag_search_finds(search, name, bytes);
		hits += viewing->found[i];
	}
	sum_found(viewing);
	thag_number_share(share, (double)viewing->found_total,
			  (double)node_of(viewing, 0)->total_ns);
	thag_screen_say(viewing->screen, "'%s': %s of all, functions: %" PRIu32, viewing->searched,
			share, hits);
	return 0;
}

static void search(struct viewing *viewing)
{
	struct thag_search_error error;
	struct thag_search *search = NULL;
	int ret;

	if (!thag_screen_ask(viewing->screen, "search: ", &viewing->searched))
		return;
	forget_search(viewing);
	if (!viewing->searched[0])
		return;
	ret = thag_search_create(&search, viewing->searched, &error);
	if (!ret)
		ret = find_all(viewing, search);
	if (ret == -EINVAL)
		thag_screen_say(viewing->screen, "'%s': %s, behind its byte %u", viewing->searched,
				error.why, error.at);
	else if (ret)
		thag_screen_say(viewing->screen, "%s", strerror(-ret));
	thag_search_destroy(search);
}

static void go_to_found(struct viewing *viewing, bool forwards)
{
	uint32_t count = viewing->flame.count;

	for (uint32_t i = 1; i <= count; i++) {
		uint32_t cell = (forwards ? viewing->at + i : viewing->at + count - i) % count;

		if (is_found(viewing, cell)) {
			viewing->at = cell;
			return;
		}
	}
	thag_screen_say(viewing->screen, "nothing that was found is drawn here");
}

/* --- pictures --- */

static char *name_at(const struct viewing *viewing, uint32_t cell)
{
	size_t bytes;
	const char *name =
		thag_profile_name(viewing->source->profile, node_at(viewing, cell)->name, &bytes);
	struct thag_buffer shown = { 0 };

	if (thag_text_append_terminal(&shown, name, bytes) == 0 &&
	    thag_buffer_append(&shown, "", 1) == 0)
		return (char *)shown.data;
	thag_buffer_fini(&shown);
	return NULL;
}

/** "45% of all, 12ms (12345678 ns)  self …  calls", the most important first. */
static char *describe(const struct viewing *viewing)
{
	const struct thag_profile_node *node = node_at(viewing, viewing->at);
	const char *unit = viewing->source->unit;
	char total[THAG_NUMBER_BYTES], self[THAG_NUMBER_BYTES], share[THAG_NUMBER_BYTES];
	char own[THAG_NUMBER_BYTES], calls[64] = "", *text = NULL;
	double all = (double)node_of(viewing, 0)->total_ns;

	thag_number_of_unit(total, unit, (double)node->total_ns);
	thag_number_of_unit(self, unit, (double)node->self_ns);
	thag_number_share(share, (double)node->total_ns, all);
	thag_number_share(own, (double)node->self_ns, all);
	if (node->calls)
		snprintf(calls, sizeof(calls), "  %" PRIu64 " calls", node->calls);
	if (asprintf(&text, "%s of all, %s (%" PRIu64 "%s%s)  self %s, %s (%" PRIu64 ")%s", share,
		     total, node->total_ns, unit[0] ? " " : "", unit, own, self, node->self_ns,
		     calls) < 0)
		return NULL;
	return text;
}

/** Of what is narrow, the bar has the name. */
static char *entitle(const struct viewing *viewing)
{
	char *name = name_at(viewing, viewing->at), *text = NULL;

	if (asprintf(&text, " %s  \xe2\x80\x93 %s", name ? name : "", viewing->title) < 0)
		text = NULL;
	free(name);
	return text;
}

/** All of it, whatever is cut elsewhere: the numbers, then who calls whom. */
static void show_details(const struct viewing *viewing)
{
	char *details = describe(viewing), *all = NULL;
	const struct thag_stat_row row = { .profile = viewing->source->profile,
					   .name = node_at(viewing, viewing->at)->name,
					   .node = viewing->flame.cells[viewing->at].node };
	struct thag_buffer path = { 0 }, shown = { 0 };

	if (thag_stat_row_name(&row, &path) == 0 &&
	    thag_text_append_terminal(&shown, (const char *)path.data, path.bytes) == 0 &&
	    asprintf(&all, "%s  %.*s", details ? details : "", (int)shown.bytes,
		     (const char *)shown.data) >= 0) {
		thag_pager_wrap(viewing->screen, " Frame", all);
		free(all);
	}
	thag_buffer_fini(&path);
	thag_buffer_fini(&shown);
	free(details);
}

/** Without colours, brackets say where a frame begins and ends; braces, which one is chosen. */
static int write_cell(const struct viewing *viewing, uint32_t cell, struct thag_buffer *out)
{
	const struct thag_flame_cell *frame = &viewing->flame.cells[cell];
	const char *marks = cell == viewing->at ? "{}" : is_found(viewing, cell) ? "+]" : "[]";
	struct thag_buffer name = { 0 };
	size_t room = frame->width > 2 ? frame->width - 2 : 0, used = 0, at = 0, bytes;
	const char *text =
		thag_profile_name(viewing->source->profile, node_at(viewing, cell)->name, &bytes);
	int ret = thag_text_append_terminal(&name, text, bytes);

	if (!ret)
		ret = thag_buffer_append(out,
					 frame->width > 1	   ? marks
					 : cell == viewing->at	   ? "#"
					 : is_found(viewing, cell) ? "+"
								   : "|",
					 1);
	while (!ret && at < name.bytes) {
		uint32_t point;
		char one[8] = "";
		size_t next =
			thag_text_decode((const char *)name.data + at, name.bytes - at, &point);

		memcpy(one, name.data + at, next);
		if (used + thag_screen_width_of(one) > room)
			break;
		used += thag_screen_width_of(one);
		ret = thag_buffer_append(out, one, next);
		at += next;
	}
	for (; used < room && !ret; used++)
		ret = thag_buffer_append(out, " ", 1);
	if (frame->width > 1 && !ret)
		ret = thag_buffer_append(out, marks + 1, 1);
	thag_buffer_fini(&name);
	return ret ? ret : thag_buffer_append(out, "", 1);
}

static uint32_t hue_of(const struct viewing *viewing, uint32_t cell)
{
	size_t bytes;
	const char *name =
		thag_profile_name(viewing->source->profile, node_at(viewing, cell)->name, &bytes);

	return (uint32_t)(thag_profile_function_id(name, bytes) % THAG_SCREEN_HUES);
}

static void put_cell(const struct viewing *viewing, uint32_t cell)
{
	const struct thag_flame_cell *frame = &viewing->flame.cells[cell];
	enum thag_style style = cell == viewing->at	  ? THAG_STYLE_CHOSEN
				: is_found(viewing, cell) ? THAG_STYLE_FOUND
							  : THAG_STYLE_HUE;
	struct thag_buffer text = { 0 };

	if (write_cell(viewing, cell, &text) == 0)
		thag_screen_put(viewing->screen, frame->row - viewing->top, frame->column,
				frame->width, style, hue_of(viewing, cell),
				(const char *)text.data);
	thag_buffer_fini(&text);
}

static void scroll(struct viewing *viewing)
{
	uint32_t row = viewing->flame.cells[viewing->at].row, room = thag_screen_body_lines();

	if (row < viewing->top)
		viewing->top = row;
	if (room && row >= viewing->top + room)
		viewing->top = row - room + 1;
}

static void show(struct viewing *viewing)
{
	char *details = describe(viewing), *title = entitle(viewing);
	const struct thag_surround around = {
		.title = title ? title : viewing->title,
		.keys = "q back  ? help  Enter zoom  u out  / search  n next  f filters  y command",
		.details = details,
		.twin = viewing->twin,
	};

	scroll(viewing);
	if (thag_screen_surround(viewing->screen, &around)) {
		for (uint32_t i = 0; i < viewing->flame.count; i++) {
			uint32_t row = viewing->flame.cells[i].row;

			if (row >= viewing->top + thag_screen_body_lines())
				break;
			if (row >= viewing->top)
				put_cell(viewing, i);
		}
		thag_screen_show();
	}
	free(details);
	free(title);
}

/* --- keys --- */

static int zoom(struct viewing *viewing, uint32_t focus, uint32_t stay)
{
	viewing->focus = focus;
	viewing->top = 0;
	return lay_out(viewing, stay);
}

static int zoom_out(struct viewing *viewing)
{
	const struct thag_profile_node *node = node_of(viewing, viewing->focus);

	return viewing->focus ? zoom(viewing, node->parent, viewing->focus) : 0;
}

static void move_to(struct viewing *viewing, enum thag_flame_way way)
{
	viewing->at = thag_flame_neighbour(&viewing->flame, viewing->at, way);
}

/** 0 or -ENOMEM. */
static int obey(struct viewing *viewing, int key)
{
	uint32_t node = viewing->flame.cells[viewing->at].node;

	if (key == THAG_KEY_UP || key == 'k')
		move_to(viewing, THAG_FLAME_UP);
	else if (key == THAG_KEY_DOWN || key == 'j')
		move_to(viewing, THAG_FLAME_DOWN);
	else if (key == THAG_KEY_LEFT || key == 'h')
		move_to(viewing, THAG_FLAME_LEFT);
	else if (key == THAG_KEY_RIGHT || key == 'l')
		move_to(viewing, THAG_FLAME_RIGHT);
	else if (key == THAG_KEY_ENTER || key == 'z')
		return zoom(viewing, node, node);
	else if (key == 'u' || key == THAG_KEY_BACKSPACE)
		return zoom_out(viewing);
	else if (key == '0' || key == THAG_KEY_HOME)
		return zoom(viewing, 0, node);
	else if (key == '/')
		search(viewing);
	else if (key == 'i')
		show_details(viewing);
	else if (key == 'n' || key == 'N')
		go_to_found(viewing, key == 'n');
	else if (key == 'y')
		thag_pager_wrap(viewing->screen, THAG_PAGER_TWIN, viewing->twin);
	else if (key == '?')
		thag_pager_help(viewing->screen, help);
	return 0;
}

int thag_flame_show(struct thag_screen *screen, const struct thag_flame_source *source,
		    const char *title, const char *twin)
{
	struct viewing viewing = {
		.screen = screen, .source = source, .title = title, .twin = twin
	};
	int key = 'q', ret = lay_out(&viewing, 0);

	while (!ret) {
		if (viewing.columns != thag_screen_columns() && thag_screen_columns())
			ret = lay_out(&viewing, viewing.flame.cells[viewing.at].node);
		if (ret)
			break;
		show(&viewing);
		key = thag_screen_key(screen, -1, -1);
		if (key == 'q' || key == 'f' || key == 'r' || key == THAG_KEY_ESCAPE ||
		    key == THAG_KEY_LEAVE)
			break;
		if (key != THAG_KEY_RESIZE)
			thag_screen_say(screen, "%s", "");
		ret = obey(&viewing, key);
	}
	if (ret)
		thag_screen_say(screen, "%s", strerror(-ret));
	thag_flame_fini(&viewing.flame);
	forget_search(&viewing);
	free(viewing.searched);
	return key == 'f' || key == 'r' ? key : 'q';
}
