/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "arguments.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void thag_arguments_fini(struct thag_arguments *arguments)
{
	for (size_t i = 0; i < arguments->count; i++)
		free(arguments->list[i]);
	free(arguments->list);
	*arguments = (struct thag_arguments){ 0 };
}

int thag_arguments_add(struct thag_arguments *arguments, const char *word)
{
	char *copy = strdup(word);

	if (copy && arguments->count == arguments->capacity) {
		size_t capacity = arguments->capacity ? arguments->capacity * 2 : 32;
		char **list = reallocarray(arguments->list, capacity, sizeof(*list));

		if (!list) {
			free(copy);
			return -ENOMEM;
		}
		arguments->list = list;
		arguments->capacity = capacity;
	}
	if (!copy)
		return -ENOMEM;
	arguments->list[arguments->count++] = copy;
	return 0;
}

int thag_arguments_add_default(struct thag_arguments *arguments, enum thag_language language)
{
	bool cpp = language == THAG_LANGUAGE_CPP;
	const char *const words[] = { cpp ? "c++" : "cc", "-x", cpp ? "c++" : "c",
				      cpp ? "-std=gnu++20" : "-std=gnu17" };
	int ret = 0;

	for (size_t i = 0; !ret && i < sizeof(words) / sizeof(words[0]); i++)
		ret = thag_arguments_add(arguments, words[i]);
	return ret;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_one_of(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

/** How many words from `words[0]` on say nothing of what the source means. */
static size_t idle_words(const char *const *words, size_t count)
{
	static const char *const alone[] = { "-c",
					     "-S",
					     "-E",
					     "-MD",
					     "-MMD",
					     "-MP",
					     "-M",
					     "-MM",
					     "-MG",
					     "--",
					     "-pedantic-errors",
					     "-pipe",
					     NULL };
	static const char *const pairs[] = { "-o", "-MF", "-MT", "-MQ", NULL };

	if (is_one_of(words[0], alone) || strncmp(words[0], "-Werror", 7) == 0)
		return 1;
	if (is_one_of(words[0], pairs))
		return count > 1 ? 2 : 1;
	if (strncmp(words[0], "-o", 2) == 0 || strncmp(words[0], "-MF", 3) == 0)
		return 1;
	return 0;
}

/** Whether a word of a command names the source. */
static bool is_source(const char *word, const char *directory, const char *path)
{
	char *joined = NULL, *real;
	bool same;

	if (strcmp(word, path) == 0)
		return true;
	if (word[0] == '-' || strcmp(base_name(word), base_name(path)) != 0)
		return false;
	if (word[0] != '/' && asprintf(&joined, "%s/%s", directory, word) < 0)
		return false;
	real = realpath(joined ? joined : word, NULL);
	same = real && strcmp(real, path) == 0;
	free(real);
	free(joined);
	return same;
}

int thag_arguments_add_command(struct thag_arguments *arguments, const char *directory,
			       const char *path, const char *const *words, size_t count)
{
	static const char *const wrappers[] = { "ccache", "sccache", "distcc", "icecc", NULL };
	size_t i = 0, idle;
	int ret = 0;

	while (i + 1 < count && is_one_of(base_name(words[i]), wrappers) && words[i + 1][0] != '-')
		i++;
	for (bool compiler = true; !ret && i < count; compiler = false) {
		idle = compiler ? 0 : idle_words(words + i, count - i);
		if (!idle && (compiler || !is_source(words[i], directory, path)))
			ret = thag_arguments_add(arguments, words[i]);
		i += idle ? idle : 1;
	}
	if (!ret)
		ret = thag_arguments_add(arguments, "-working-directory");
	return ret ? ret : thag_arguments_add(arguments, directory);
}

static enum thag_language language_of(const char *word)
{
	return strncmp(word, "c++", 3) == 0 ? THAG_LANGUAGE_CPP : THAG_LANGUAGE_C;
}

enum thag_language thag_arguments_language(const struct thag_arguments *arguments,
					   enum thag_language language)
{
	size_t length = arguments->count ? strlen(arguments->list[0]) : 0;

	if (length >= 2 && strcmp(arguments->list[0] + length - 2, "++") == 0)
		language = THAG_LANGUAGE_CPP;
	for (size_t i = 1; i < arguments->count; i++) {
		const char *word = arguments->list[i];

		if (strcmp(word, "-x") == 0 && i + 1 < arguments->count)
			language = language_of(arguments->list[i + 1]);
		else if (strncmp(word, "-x", 2) == 0 && word[2])
			language = language_of(word + 2);
	}
	return language;
}

bool thag_arguments_is_old(const struct thag_arguments *arguments)
{
	static const char *const old[] = { "98", "03", "0x", "11", "1y", "14", NULL };
	bool is_old = false;

	for (size_t i = 1; i < arguments->count; i++) {
		const char *word = arguments->list[i];

		if (strncmp(word, "-std=", 5) == 0 && strstr(word, "++"))
			is_old = is_one_of(strstr(word, "++") + 2, old);
	}
	return is_old;
}
