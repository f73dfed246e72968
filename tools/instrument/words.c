/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "words.h"

#include <stddef.h>
#include <string.h>

const char *const thag_words_modes[] = { "time", "memory", "both", "yes", "no", "runtime", NULL };

static const struct ending {
	const char *text;
	enum thag_language language;
	bool header;
} endings[] = {
	{ "c", THAG_LANGUAGE_C, false },     { "h", THAG_LANGUAGE_C, true },
	{ "cc", THAG_LANGUAGE_CPP, false },  { "cpp", THAG_LANGUAGE_CPP, false },
	{ "cxx", THAG_LANGUAGE_CPP, false }, { "c++", THAG_LANGUAGE_CPP, false },
	{ "C", THAG_LANGUAGE_CPP, false },   { "hh", THAG_LANGUAGE_CPP, true },
	{ "hpp", THAG_LANGUAGE_CPP, true },  { "hxx", THAG_LANGUAGE_CPP, true },
	{ "h++", THAG_LANGUAGE_CPP, true },  { "H", THAG_LANGUAGE_CPP, true },
	{ "ipp", THAG_LANGUAGE_CPP, true },  { "tpp", THAG_LANGUAGE_CPP, true },
};

bool thag_words_is_mode(const char *word)
{
	for (size_t i = 0; thag_words_modes[i]; i++)
		if (strcmp(thag_words_modes[i], word) == 0)
			return true;
	return false;
}

enum thag_language thag_words_language(const char *path, bool *header)
{
	const char *name = strrchr(path, '/');
	const char *dot = strrchr(name ? name : path, '.');

	*header = false;
	for (size_t i = 0; dot && i < sizeof(endings) / sizeof(endings[0]); i++) {
		if (strcmp(endings[i].text, dot + 1) == 0) {
			*header = endings[i].header;
			return endings[i].language;
		}
	}
	return THAG_LANGUAGE_UNKNOWN;
}
