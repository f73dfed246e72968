/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "internal.h"
#include "symtab.h"

/* --- patterns --- */

/* The byte behind a set that opens at `at`, and whether `byte` is in it; NULL when it doesn't
 * close. */
static const char *match_set(const char *at, unsigned char byte, bool *matches)
{
	bool negated = at[1] == '!' || at[1] == '^', in = false;

	at += 1 + negated;
	do {
		unsigned char from, to;

		if (*at == '\\' && at[1])
			at++;
		if (*at == '\0')
			return NULL;
		from = to = (unsigned char)*at++;
		if (*at == '-' && at[1] && at[1] != ']') {
			to = (unsigned char)at[1];
			at += 2;
		}
		in = in || (from <= byte && byte <= to);
	} while (*at != ']');
	*matches = in != negated;
	return at + 1;
}

/* Whether `byte` is what the pattern asks for next; `*after` is what it asks for then. */
static bool match_one(const char *pattern, unsigned char byte, const char **after)
{
	bool matches;

	if (*pattern == '[') {
		*after = match_set(pattern, byte, &matches);
		return matches;
	}
	matches = *pattern == '?';
	if (*pattern == '\\' && pattern[1])
		pattern++;
	*after = pattern + 1;
	return matches || (unsigned char)*pattern == byte;
}

/* Goes back to the last star only: what an earlier one could do more, that one can. */
static bool match(const char *pattern, const char *name, size_t bytes)
{
	const char *star = NULL, *after;
	size_t at = 0, star_at = 0;

	while (at < bytes || *pattern) {
		if (*pattern == '*') {
			star = ++pattern;
			star_at = at;
		} else if (at < bytes && *pattern &&
			   match_one(pattern, (unsigned char)name[at], &after)) {
			pattern = after;
			at++;
		} else if (star && star_at < bytes) {
			pattern = star;
			at = ++star_at;
		} else {
			return false;
		}
	}
	return true;
}

static bool is_sound(const char *pattern)
{
	bool matches;

	for (pattern += *pattern == '!' || *pattern == '-'; *pattern; pattern++) {
		if (*pattern == '\\' && !*++pattern)
			return false;
		if (*pattern != '[')
			continue;
		pattern = match_set(pattern, 0, &matches);
		if (!pattern)
			return false;
		pattern--;
	}
	return true;
}

int thag_patterns_parse(const char *text, struct thag_patterns *patterns)
{
	char *to = patterns->text;

	memset(patterns, 0, sizeof(*patterns));
	if (strlen(text) + 2 > sizeof(patterns->text))
		return -EINVAL;
	while (*text) {
		size_t bytes = strcspn(text, ",");
		bool excludes = *text == '!' || *text == '-';

		memcpy(to, text, bytes);
		to[bytes] = '\0';
		if ((excludes && bytes == 1) || !is_sound(to)) {
			memset(patterns, 0, sizeof(*patterns));
			return -EINVAL;
		}
		patterns->includes = patterns->includes || (bytes && !excludes);
		to += bytes + (bytes > 0);
		text += bytes + (text[bytes] == ',');
	}
	*to = '\0';
	return 0;
}

unsigned thag_patterns_match(const struct thag_patterns *patterns, const char *name, size_t bytes)
{
	const char *pattern = patterns->text;
	unsigned verdicts = 0;

	for (; *pattern; pattern += strlen(pattern) + 1) {
		bool excludes = *pattern == '!' || *pattern == '-';

		if (match(pattern + excludes, name, bytes))
			verdicts |= excludes ? THAG_VERDICT_EXCLUDED : THAG_VERDICT_INCLUDED;
	}
	return verdicts;
}

/* --- the environment --- */

static struct thag_patterns function_patterns, module_patterns;
static uint64_t min_size;
static bool reads_symbols; /* some filter needs functions' names or sizes */

static void read_patterns(const char *variable, struct thag_patterns *patterns)
{
	const char *text = getenv(variable);

	if (text && thag_patterns_parse(text, patterns) != 0)
		thag_say(variable, ": not a list of patterns; all functions are recorded", NULL,
			 NULL);
}

static uint64_t read_min_size(void)
{
	static const char variable[] = "THAG_FUNCTIONS_MIN_SIZE";
	const char *text = getenv(variable);
	unsigned long long size;
	char *end;

	if (!text || !*text)
		return 0;
	errno = 0;
	size = strtoull(text, &end, 10);
	if (*end || errno || *text < '0' || *text > '9') {
		thag_say(variable, ": not a number of bytes; functions of any size are recorded",
			 NULL, NULL);
		return 0;
	}
	return size;
}

void thag_filter_read(void)
{
	read_patterns("THAG_FUNCTIONS", &function_patterns);
	read_patterns("THAG_MODULES", &module_patterns);
	min_size = read_min_size();
	reads_symbols = function_patterns.text[0] || min_size;
}

/* --- a module's functions --- */

/* What a function is, in the low bits of its address << FACT_BITS. */
#define FACT_BITS 3
#define FACT_BIG 4 /* besides enum thag_verdict */

/** The functions of one module's file, sorted. Written once, by whoever puts it in its place. */
struct facts {
	uint64_t count;
	uint64_t capacity;
	uint64_t functions[];
};

static const struct facts *module_facts[THAG_MODULES_MAX];

static size_t facts_bytes(uint64_t capacity)
{
	return sizeof(struct facts) + capacity * sizeof(uint64_t);
}

static void *map(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

static void count_symbol(void *context, const struct thag_symbol *symbol)
{
	(void)symbol;
	++*(uint64_t *)context;
}

static void add_symbol(void *context, const struct thag_symbol *symbol)
{
	struct facts *facts = context;
	uint64_t fact = symbol->address << FACT_BITS;

	if (facts->count == facts->capacity)
		return; /* the file has changed since they were counted */
	fact |= thag_patterns_match(&function_patterns, symbol->name, strlen(symbol->name));
	if (symbol->size >= min_size)
		fact |= FACT_BIG;
	facts->functions[facts->count++] = fact;
}

static void sift(uint64_t *heap, uint64_t root, uint64_t count)
{
	uint64_t value = heap[root], child;

	while ((child = 2 * root + 1) < count) {
		child += child + 1 < count && heap[child] < heap[child + 1];
		if (heap[child] <= value)
			break;
		heap[root] = heap[child];
		root = child;
	}
	heap[root] = value;
}

/* Heapsort: in place, and no worse on sorted input than on any other. */
static void sort(uint64_t *values, uint64_t count)
{
	for (uint64_t i = count / 2; i-- > 0;)
		sift(values, i, count);
	while (count > 1) {
		uint64_t last = values[--count];

		values[count] = values[0];
		values[0] = last;
		sift(values, 0, count);
	}
}

/* Said of one file. That there are no symbols is no fault. */
static void say_unread(const char *path, int error)
{
	static int said;

	if (error != -ENOENT && !__atomic_exchange_n(&said, 1, __ATOMIC_RELAXED))
		thag_say("can't read the symbols to filter by of ", path, ": ",
			 strerrordesc_np(-error));
}

static int fill(struct facts *facts, const char *path, const struct thag_module_image *image)
{
	int result = thag_symtab_read(path, (const void *)image->start, add_symbol, facts);

	sort(facts->functions, facts->count);
	return result;
}

static struct facts *read_facts(const struct thag_module_image *image)
{
	char path[THAG_TEXT_BYTES] = "a module";
	uint64_t count = 0;
	struct facts *facts;
	int result = thag_module_path(image, path, sizeof(path));

	if (result == 0)
		result = thag_symtab_read(path, (const void *)image->start, count_symbol, &count);
	if (result)
		count = 0;
	facts = map(facts_bytes(count));
	if (!facts)
		result = -ENOMEM;
	if (facts && count) {
		facts->capacity = count;
		result = fill(facts, path, image);
	}
	if (result)
		say_unread(path, result);
	return facts;
}

static const struct facts *facts_of(uint32_t module, const struct thag_module_image *image)
{
	const struct facts *known = __atomic_load_n(&module_facts[module], __ATOMIC_ACQUIRE);
	struct facts *facts;

	if (known)
		return known;
	facts = read_facts(image);
	/* release: who finds them finds them sorted; when two threads race one's are enough */
	if (!facts || __atomic_compare_exchange_n(&module_facts[module], &known, facts, false,
						  __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return facts;
	munmap(facts, facts_bytes(facts->capacity));
	return known;
}

/* All that the file's names for the function at `address` say; -1 when it has none. */
static int find_facts(const struct facts *facts, uint64_t address)
{
	uint64_t low = 0, high = facts->count;
	int found = -1;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (facts->functions[middle] >> FACT_BITS < address)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < facts->count && facts->functions[low] >> FACT_BITS == address; low++)
		found = (found < 0 ? 0 : found) | (int)(facts->functions[low] & 7);
	return found;
}

static bool wants_module(const struct thag_module_image *image)
{
	char path[THAG_TEXT_BYTES];
	const char *name;

	if (!module_patterns.text[0])
		return true;
	if (thag_module_path(image, path, sizeof(path)) != 0)
		path[0] = '\0';
	name = strrchr(path, '/');
	name = name ? name + 1 : path;
	return thag_patterns_want(&module_patterns,
				  thag_patterns_match(&module_patterns, name, strlen(name)));
}

bool thag_filter_wants(uint32_t module, const struct thag_module_image *image, uintptr_t address)
{
	const struct facts *facts;
	int found;

	if (module == THAG_MODULE_NONE)
		return true;
	if (!wants_module(image))
		return false;
	if (!reads_symbols)
		return true;
	facts = facts_of(module, image);
	found = facts ? find_facts(facts, address - image->bias) : -1;
	if (found < 0) /* no name that a pattern could match, and no size */
		return thag_patterns_want(&function_patterns, 0);
	return found & FACT_BIG && thag_patterns_want(&function_patterns, (unsigned)found);
}
