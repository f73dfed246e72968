/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What may come next on a command line, for shells: `thag __complete WORD…`, of which the last is
 * the one that is being typed. A line each: the word, a tab, and what it is. ":files" asks the
 * shell for names of files. Options are read off the commands' own help, so none can be missing.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "complete.h"
#include "sessions.h"
#include "thag/frames.h"
#include "thag_text.h"

#define OPTION_BYTES 32
#define ASK_MS 500 /* nobody waits for a shell */
#define FILES ":files"
#define PALETTES "aqua blue green hot mem orange purple red yellow rust colour-blind"

/** An option as a command's help has it. */
struct option_of {
	char name[OPTION_BYTES]; /* with its dashes */
	bool has_value;
	const char *about; /* to the end of its line */
	size_t about_bytes;
};

static void put(const char *word, const char *about, size_t about_bytes)
{
	printf("%s\t%.*s\n", word, (int)about_bytes, about);
}

static bool begins(const char *word, const char *with)
{
	return strncmp(word, with, strlen(with)) == 0;
}

/* --- options, from the help --- */

static size_t name_bytes(const char *text)
{
	return strspn(text, "-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
}

/** What follows two spaces is about the option; without them nothing is. */
static void find_about(const char *line, size_t bytes, struct option_of *option)
{
	const char *gap = memmem(line, bytes, "  ", 2);

	option->about = "";
	option->about_bytes = 0;
	if (!gap)
		return;
	while (gap < line + bytes && *gap == ' ')
		gap++;
	option->about = gap;
	option->about_bytes = (size_t)(line + bytes - gap);
}

/** Reads the option at `*at`, and moves on behind it; false: there is none. */
static bool read_option(const char **at, const char *end, struct option_of *option)
{
	const char *text = *at;
	size_t bytes = name_bytes(text);

	if (text >= end || *text != '-' || bytes < 2 || bytes >= OPTION_BYTES)
		return false;
	snprintf(option->name, sizeof(option->name), "%.*s", (int)bytes, text);
	text += bytes;
	/* "-f, --format FORMAT": the value's name stands behind one space, or "=" */
	option->has_value =
		text + 1 < end && (text[0] == '=' || text[0] == '[' ||
				   (text[0] == ' ' && text[1] != ' ' && text[1] != '-'));
	if (option->has_value)
		text += 1 + strcspn(text + 1, ", \n");
	while (text < end && (*text == ',' || *text == ' '))
		text++;
	*at = text;
	return true;
}

typedef bool option_fn(void *context, const struct option_of *option);

/** "-f, --format FORMAT": the value is both's. Until a function has enough; whether one had. */
static bool each_option_of_line(const char *line, const char *end, option_fn *fn, void *context)
{
	struct option_of options[8];
	size_t count = 0;
	const char *at = line;

	while (count < sizeof(options) / sizeof(options[0]) &&
	       read_option(&at, end, &options[count]))
		count++;
	for (size_t i = 0; i < count; i++) {
		bool is_short = options[i].name[1] != '-';

		if (is_short && i + 1 < count)
			options[i].has_value = options[i + 1].has_value;
		find_about(line, (size_t)(end - line), &options[i]);
		if (fn(context, &options[i]))
			return true;
	}
	return false;
}

static bool each_option(const struct thag_command *command, option_fn *fn, void *context)
{
	for (const char *line = command->help; line && *line;) {
		const char *end = strchr(line, '\n');
		const char *start = line + strspn(line, " ");

		end = end ? end : line + strlen(line);
		if (start > line && *start == '-' && each_option_of_line(start, end, fn, context))
			return true;
		line = *end ? end + 1 : NULL;
	}
	return false;
}

static bool put_option(void *context, const struct option_of *option)
{
	if (begins(option->name, context))
		put(option->name, option->about, option->about_bytes);
	return false;
}

static bool takes_value(void *context, const struct option_of *option)
{
	return strcmp(option->name, context) == 0 && option->has_value;
}

/* --- values --- */

#define EXPORT_FORMATS "folded speedscope pprof firefox csv chrome perfetto svg events memory"

/** Words of an option's value, or of an argument, with spaces between them. */
static const struct values {
	const char *command; /* NULL: of all */
	const char *option;
	const char *words;
} values[] = {
	{ NULL, "--metric", "time allocated allocations live peak leaked temporary freed" },
	{ "export", "-m", "time allocated allocations live peak leaked temporary freed" },
	{ NULL, "--by", "calls traces" },
	{ "export", "--format", EXPORT_FORMATS },
	{ "export", "-f", EXPORT_FORMATS },
	{ "import", "--from", "folded chrome pprof perf" },
	{ "import", "-f", "folded chrome pprof perf" },
	{ "import", "--to", "folded speedscope pprof firefox csv" },
	{ "import", "-t", "folded speedscope pprof firefox csv" },
	{ "import", "--value", "period samples" },
	{ "diff", "--format", "table json csv folded svg" },
	{ "diff", "-f", "table json csv folded svg" },
	{ "diff", "--measure", "self total calls" },
	{ "diff", "-m", "self total calls" },
	{ "diff", "--sort", "change relative before after name" },
	{ "diff", "-s", "change relative before after name" },
	{ "svg", "--type", "flamegraph icicle flamechart" },
	{ "svg", "-t", "flamegraph icicle flamechart" },
	{ "svg", "--palette", PALETTES },
	{ "svg", "-p", PALETTES },
	{ "svg", "--theme", "auto light dark" },
	{ "svg", "--count-name", "ns bytes samples" },
	{ NULL, "--sort",
	  "self total calls mean min p50 p90 p99 max name allocated allocations live peak leaked "
	  "temporary" },
	{ NULL, "-s",
	  "self total calls mean min p50 p90 p99 max name allocated allocations live peak leaked "
	  "temporary" },
	{ NULL, "--output", FILES },
	{ NULL, "-o", FILES },
};

static void put_words(const char *words, const char *typed)
{
	char *copy = strdup(words), *rest = copy, *word;

	while (copy && (word = strsep(&rest, " ")))
		if (begins(word, typed) || strcmp(word, FILES) == 0)
			puts(word);
	free(copy);
}

static void put_values(const struct thag_command *command, const char *option, const char *typed)
{
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		const struct values *entry = &values[i];

		if ((entry->command && strcmp(entry->command, command->name) != 0) ||
		    strcmp(entry->option, option) != 0)
			continue;
		put_words(entry->words, typed);
		return;
	}
}

/* --- arguments --- */

static void put_session(const json_t *session, const char *typed)
{
	const char *id = thag_session_text(session, "id");
	struct thag_buffer about = { 0 };
	char text[300];

	snprintf(text, sizeof(text), "%s, %s", thag_session_text(session, "program"),
		 thag_session_text(session, "state"));
	if (begins(id, typed) && thag_text_append_terminal(&about, text, strlen(text)) == 0)
		put(id, (const char *)about.data, about.bytes);
	thag_buffer_fini(&about);
}

/** Sessions of a thagd that runs; of one that doesn't, nothing, and no word. */
static void put_sessions(const char *typed)
{
	struct thag_reply reply;
	const json_t *session;
	json_t *list;
	size_t i;

	if (thag_client_ask(json_pack("{s:s}", "op", "list"), ASK_MS, &reply))
		return;
	list = thag_reply_take_list(&reply);
	json_array_foreach(json_object_get(list, "sessions"), i, session)
		put_session(session, typed);
	if (json_array_size(json_object_get(list, "sessions")) && begins("latest", typed))
		puts("latest\tthe newest session");
	json_decref(list);
	thag_reply_fini(&reply);
}

static bool is_one_of(const char *name, const char *const *names)
{
	while (*names && strcmp(name, *names) != 0)
		names++;
	return *names != NULL;
}

static void put_arguments(const struct thag_command *command, const char *typed,
			  const struct thag_command *const *commands, size_t count)
{
	static const char *const of_sessions[] = { "export", "enable", "disable", "record",
						   "end",    "forget", "top",	  NULL };
	static const char *const of_both[] = { "stat", "diff", "memory", "svg", NULL };
	static const char *const of_none[] = { "list", "stop", NULL };

	if (strcmp(command->name, "help") == 0) {
		for (size_t i = 0; i < count; i++)
			if (begins(commands[i]->name, typed))
				puts(commands[i]->name);
	} else if (strcmp(command->name, "completion") == 0) {
		put_words("bash zsh fish", typed);
	} else if (is_one_of(command->name, of_sessions)) {
		put_sessions(typed);
	} else if (is_one_of(command->name, of_both)) {
		put_sessions(typed);
		puts(FILES);
	} else if (!is_one_of(command->name, of_none)) {
		puts(FILES);
	}
}

static void complete_command(const struct thag_command *command, int argc, char **argv,
			     const struct thag_command *const *commands, size_t count)
{
	char *typed = argv[argc - 1], *before = argv[argc - 2];
	char *equals = begins(typed, "--") ? strchr(typed, '=') : NULL;

	if (equals) {
		*equals = '\0';
		put_values(command, typed, equals + 1);
	} else if (argc > 2 && each_option(command, takes_value, before)) {
		put_values(command, before, typed);
	} else if (typed[0] == '-') {
		each_option(command, put_option, typed);
	} else {
		put_arguments(command, typed, commands, count);
	}
}

int thag_complete(int argc, char **argv, const struct thag_command *const *commands, size_t count)
{
	const char *typed = argc ? argv[argc - 1] : "";

	if (argc <= 1) {
		for (size_t i = 0; i < count; i++)
			if (begins(commands[i]->name, typed))
				puts(commands[i]->name);
		if (typed[0] == '-')
			put_words("--help --version", typed);
		return THAG_EXIT_OK;
	}
	for (size_t i = 0; i < count; i++)
		if (strcmp(commands[i]->name, argv[0]) == 0)
			complete_command(commands[i], argc, argv, commands, count);
	return THAG_EXIT_OK;
}
