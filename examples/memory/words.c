/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * words: the commonest words of some files. Nothing of thag is in it.
 *
 * It does its work, and deals badly with memory in ways that are easily written:
 *
 *   lower()      copies each word, for as long as it takes to look it up: temporary memory
 *   add_place()  makes room for one more number each time: reallocations
 *   read_line()  gives out a buffer that one of its callers forgets: a leak
 *   find_word()  keeps every word that was ever seen: all of it is live at the peak
 *
 *     thag run --memory -- words /usr/share/common-licenses/GPL-2
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 4096
#define SHOWN 10

struct word {
	struct word *next;
	char *text;
	long *places; /* lines it is in, counted over all files */
	size_t place_count;
};

static struct word *buckets[BUCKETS];
static size_t word_count;

static void *check(void *memory)
{
	if (!memory) {
		perror("words");
		exit(EXIT_FAILURE);
	}
	return memory;
}

static char *lower(const char *text, size_t bytes)
{
	char *copy = check(malloc(bytes + 1));

	for (size_t i = 0; i < bytes; i++)
		copy[i] = (char)tolower((unsigned char)text[i]);
	copy[bytes] = '\0';
	return copy;
}

static unsigned hash(const char *text)
{
	unsigned sum = 5381;

	for (; *text; text++)
		sum = sum * 33 + (unsigned char)*text;
	return sum % BUCKETS;
}

static struct word *find_word(const char *text)
{
	struct word **bucket = &buckets[hash(text)], *word;

	for (word = *bucket; word; word = word->next)
		if (strcmp(word->text, text) == 0)
			return word;
	word = check(calloc(1, sizeof(*word)));
	word->text = check(strdup(text));
	word->next = *bucket;
	*bucket = word;
	word_count++;
	return word;
}

static void add_place(struct word *word, long line)
{
	word->places =
		check(realloc(word->places, (word->place_count + 1) * sizeof(*word->places)));
	word->places[word->place_count++] = line;
}

static void add_words(const char *line, long number)
{
	while (*line) {
		size_t bytes = 0;

		while (isalpha((unsigned char)line[bytes]))
			bytes++;
		if (bytes) {
			char *text = lower(line, bytes);
			struct word *word = find_word(text);

			free(text);
			add_place(word, number);
		}
		line += bytes ? bytes : 1;
	}
}

/** A line for the caller to free; NULL at the end. */
static char *read_line(FILE *file)
{
	char *line = NULL;
	size_t size = 0;

	if (getline(&line, &size, file) >= 0)
		return line;
	free(line);
	return NULL;
}

/** The lines before the first empty one are a header: they are not counted. */
static void skip_header(FILE *file)
{
	char *line = read_line(file);

	while (line && line[0] != '\n')
		line = read_line(file);
}

static void add_file(const char *name)
{
	static long number;
	FILE *file = fopen(name, "r");
	char *line;

	if (!file) {
		fprintf(stderr, "words: %s: %s\n", name, strerror(errno));
		return;
	}
	skip_header(file);
	while ((line = read_line(file))) {
		add_words(line, ++number);
		free(line);
	}
	fclose(file);
}

static int by_count(const void *a, const void *b)
{
	const struct word *x = *(struct word *const *)a, *y = *(struct word *const *)b;

	if (x->place_count != y->place_count)
		return x->place_count < y->place_count ? 1 : -1;
	return strcmp(x->text, y->text);
}

static void show(void)
{
	struct word **all = check(malloc((word_count + 1) * sizeof(struct word *)));
	size_t count = 0;

	for (size_t i = 0; i < BUCKETS; i++)
		for (struct word *word = buckets[i]; word; word = word->next)
			all[count++] = word;
	qsort(all, count, sizeof(struct word *), by_count);
	for (size_t i = 0; i < count && i < SHOWN; i++)
		printf("%7zu %s\n", all[i]->place_count, all[i]->text);
	free(all);
}

static void forget_words(void)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		while (buckets[i]) {
			struct word *word = buckets[i];

			buckets[i] = word->next;
			free(word->places);
			free(word->text);
			free(word);
		}
	}
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fputs("Usage: words FILE…\nThe commonest words of files that begin with a header "
		      "and an empty line.\n",
		      stderr);
		return EXIT_FAILURE;
	}
	for (int i = 1; i < argc; i++)
		add_file(argv[i]);
	show();
	forget_words();
	return EXIT_SUCCESS;
}
