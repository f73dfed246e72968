/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "twin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "thag_text.h"

#define PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-"

void thag_twin_fini(struct thag_twin *twin)
{
	for (size_t i = 0; i < twin->count; i++)
		free(twin->words[i]);
	free(twin->words);
	*twin = (struct thag_twin){ 0 };
}

/** Takes the word over; NULL: there was no memory for it. */
static void take(struct thag_twin *twin, char *word)
{
	if (twin->count + 1 >= twin->capacity) {
		size_t capacity = twin->capacity ? 2 * twin->capacity : 16;
		char **words = reallocarray(twin->words, capacity, sizeof(*words));

		if (!words) {
			free(word);
			twin->failed = true;
			return;
		}
		twin->words = words;
		twin->capacity = capacity;
	}
	if (!word)
		twin->failed = true;
	else
		twin->words[twin->count++] = word;
	twin->words[twin->count] = NULL;
}

void thag_twin_add(struct thag_twin *twin, const char *word)
{
	take(twin, strdup(word));
}

void thag_twin_add_input(struct thag_twin *twin, const char *input)
{
	char *word = NULL;

	if (input[0] != '-')
		thag_twin_add(twin, input);
	else
		take(twin, asprintf(&word, "./%s", input) < 0 ? NULL : word);
}

/** Whether a terminal shows it as it is. */
static bool is_printable(const char *word)
{
	struct thag_buffer shown = { 0 };
	size_t bytes = strlen(word), backslashes = 0;
	bool same;

	for (const char *at = word; *at; at++)
		backslashes += *at == '\\';
	same = thag_text_append_terminal(&shown, word, bytes) == 0 &&
	       shown.bytes == bytes + backslashes;
	thag_buffer_fini(&shown);
	return same;
}

/** In single quotes, of which those in it are outside. */
static int write_quoted(const char *word, struct thag_buffer *out)
{
	int ret = thag_buffer_append(out, "'", 1);

	for (const char *at = word; *at && !ret; at++)
		ret = *at == '\'' ? thag_buffer_append(out, "'\\''", 4)
				  : thag_buffer_append(out, at, 1);
	return ret ? ret : thag_buffer_append(out, "'", 1);
}

/** As bash, ksh and zsh have it: what can't be shown by numbers, of three digits each. */
static int write_escaped(const char *word, struct thag_buffer *out)
{
	int ret = thag_buffer_append(out, "$'", 2);

	for (const char *at = word; *at && !ret; at++) {
		unsigned char byte = (unsigned char)*at;
		char text[8];

		if (byte < ' ' || byte >= 0x7f || byte == '\'' || byte == '\\')
			snprintf(text, sizeof(text), "\\%03o", byte);
		else
			snprintf(text, sizeof(text), "%c", byte);
		ret = thag_buffer_append(out, text, strlen(text));
	}
	return ret ? ret : thag_buffer_append(out, "'", 1);
}

static int write_word(const char *word, struct thag_buffer *out)
{
	if (word[0] && word[strspn(word, PLAIN)] == '\0')
		return thag_buffer_append(out, word, strlen(word));
	return is_printable(word) ? write_quoted(word, out) : write_escaped(word, out);
}

int thag_twin_write(const struct thag_twin *twin, struct thag_buffer *out)
{
	int ret = thag_buffer_append(out, "thag", 4);

	for (size_t i = 0; i < twin->count && !ret; i++) {
		ret = thag_buffer_append(out, " ", 1);
		if (!ret)
			ret = write_word(twin->words[i], out);
	}
	return ret;
}
