/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_folded_pair.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "thag_folded_read.h"
#include "thag_lines.h"
#include "thag_strings.h"
#include "thag_text.h"

struct counts {
	uint64_t sides[THAG_FOLDED_SIDES];
};

/** A text that is being read. */
struct side {
	struct thag_folded_pair *pair;
	enum thag_folded_side which;
	struct thag_lines lines;
	uint64_t line;
	uint64_t total;
};

struct thag_folded_pair {
	struct thag_folded_pair_options options;
	struct side sides[THAG_FOLDED_SIDES];
	struct thag_strings stacks;
	struct counts *counts; /* by stack */
	uint32_t capacity;
	struct thag_buffer scratch; /* a stack as it will be written */
};

static int read_line(void *context, const char *text, size_t bytes);

void thag_folded_pair_destroy(struct thag_folded_pair *pair)
{
	if (!pair)
		return;
	for (int side = 0; side < THAG_FOLDED_SIDES; side++)
		thag_lines_fini(&pair->sides[side].lines);
	thag_strings_fini(&pair->stacks);
	free(pair->counts);
	thag_buffer_fini(&pair->scratch);
	free(pair);
}

int thag_folded_pair_create(struct thag_folded_pair **out,
			    const struct thag_folded_pair_options *options)
{
	struct thag_folded_pair *pair = calloc(1, sizeof(*pair));

	if (!pair)
		return -ENOMEM;
	pair->options = *options;
	for (int i = 0; i < THAG_FOLDED_SIDES; i++) {
		struct side *side = &pair->sides[i];

		side->pair = pair;
		side->which = i == 0 ? THAG_FOLDED_BEFORE : THAG_FOLDED_AFTER;
		side->lines = (struct thag_lines){ .line = read_line,
						   .context = side,
						   .most = THAG_FOLDED_LINE_MAX };
	}
	*out = pair;
	return 0;
}

static int refuse(const struct side *side, const char *what)
{
	const struct thag_folded_pair_options *options = &side->pair->options;

	if (options->malformed)
		options->malformed(options->context, side->which, side->line, what);
	return options->strict ? -EBADMSG : 0;
}

static bool are_digits(const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (text[i] < '0' || text[i] > '9')
			return false;
	return true;
}

static size_t trim_end(const char *text, size_t bytes)
{
	while (bytes && isspace((unsigned char)text[bytes - 1]))
		bytes--;
	return bytes;
}

/** Reads digits, with a fraction or a plus. */
static bool read_number(const char *text, size_t bytes, uint64_t *value)
{
	const char *point = bytes ? memchr(text, '.', bytes) : NULL;
	size_t whole = point ? (size_t)(point - text) : bytes;

	if (!point && bytes > 1 && text[0] == '+') {
		text++;
		whole--;
	}
	if (whole == 0 || !are_digits(text, whole) ||
	    (point && !are_digits(point + 1, bytes - whole - 1)))
		return false;
	*value = 0;
	for (size_t i = 0; i < whole; i++)
		if (__builtin_mul_overflow(*value, 10, value) ||
		    __builtin_add_overflow(*value, (uint64_t)(text[i] - '0'), value))
			return false;
	return true;
}

/** Appends a stack with its addresses left out. */
static int append_stripped(struct thag_buffer *out, const char *text, size_t bytes)
{
	size_t at = 0;
	int ret = 0;

	while (at < bytes && !ret) {
		const char *found = memmem(text + at, bytes - at, "0x", 2);
		size_t next = found ? (size_t)(found - text) + 2 : bytes;
		size_t digits = next;

		while (found && digits < bytes && isxdigit((unsigned char)text[digits]))
			digits++;
		ret = thag_buffer_append(out, text + at, next - at);
		if (!ret && digits > next)
			ret = thag_buffer_append(out, "...", 3);
		at = digits;
	}
	return ret;
}

/** The stack as it will be written, in the scratch buffer. */
static int make_stack(struct thag_folded_pair *pair, const char *text, size_t bytes)
{
	struct thag_buffer valid = { 0 };
	int ret;

	pair->scratch.bytes = 0;
	if (!pair->options.strip_hex)
		return thag_text_append_utf8(&pair->scratch, text, bytes, SIZE_MAX);
	ret = thag_text_append_utf8(&valid, text, bytes, SIZE_MAX);
	if (!ret)
		ret = append_stripped(&pair->scratch, (const char *)valid.data, valid.bytes);
	thag_buffer_fini(&valid);
	return ret;
}

static int reserve_counts(struct thag_folded_pair *pair, uint32_t count)
{
	uint32_t capacity = pair->capacity ? pair->capacity : 64;
	struct counts *grown;

	if (count <= pair->capacity)
		return 0;
	while (capacity < count)
		capacity *= 2;
	grown = reallocarray(pair->counts, capacity, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	memset(grown + pair->capacity, 0, (capacity - pair->capacity) * sizeof(*grown));
	pair->counts = grown;
	pair->capacity = capacity;
	return 0;
}

static int add(struct side *side, const char *text, size_t bytes, uint64_t value)
{
	struct thag_folded_pair *pair = side->pair;
	uint32_t number;
	int ret = make_stack(pair, text, bytes);

	if (!ret)
		ret = thag_strings_put(&pair->stacks, (const char *)pair->scratch.data,
				       (uint32_t)pair->scratch.bytes, &number);
	if (!ret)
		ret = reserve_counts(pair, number + 1);
	if (ret)
		return ret;
	if (__builtin_add_overflow(side->total, value, &side->total))
		return -EOVERFLOW;
	pair->counts[number].sides[side->which] += value;
	return 0;
}

static int read_line(void *context, const char *text, size_t bytes)
{
	struct side *side = context;
	size_t end = text ? trim_end(text, bytes) : 0;
	uint64_t value;

	side->line++;
	if (!text)
		return refuse(side, "longer than 256 MiB");
	if (end == 0)
		return 0;
	const char *space = memrchr(text, ' ', bytes);
	size_t start = space ? (size_t)(space - text) + 1 : 0;

	/* a space behind the number hides it, as from inferno */
	if (!space || start >= end || !read_number(text + start, end - start, &value))
		return refuse(side, "no number behind a space at its end");
	return add(side, text, trim_end(text, start - 1), value);
}

int thag_folded_pair_feed(struct thag_folded_pair *pair, enum thag_folded_side side,
			  const void *text, size_t bytes)
{
	return thag_lines_feed(&pair->sides[side].lines, text, bytes);
}

int thag_folded_pair_finish(struct thag_folded_pair *pair, enum thag_folded_side side)
{
	return thag_lines_finish(&pair->sides[side].lines);
}

/** In binary floating point of 64 bits, cut to whole numbers, as inferno does it. */
static uint64_t scale(const struct thag_folded_pair *pair, uint64_t value)
{
	uint64_t before = pair->sides[THAG_FOLDED_BEFORE].total;
	uint64_t after = pair->sides[THAG_FOLDED_AFTER].total;
	double scaled;

	if (before == after || before == 0)
		return value;
	scaled = (double)value * (double)after / (double)before;
	return scaled < 0x1p64 ? (uint64_t)scaled : UINT64_MAX;
}

static int write_line(const struct thag_folded_pair *pair, uint32_t stack, bool normalise,
		      struct thag_buffer *out)
{
	const struct counts *counts = &pair->counts[stack];
	uint64_t before = counts->sides[THAG_FOLDED_BEFORE];
	size_t bytes;
	const char *text = thag_strings_get(&pair->stacks, stack, &bytes);
	int ret = thag_buffer_append(out, text, bytes);

	if (!ret)
		ret = thag_buffer_append(out, " ", 1);
	if (!ret)
		ret = thag_buffer_append_decimal(out, normalise ? scale(pair, before) : before);
	if (!ret)
		ret = thag_buffer_append(out, " ", 1);
	if (!ret)
		ret = thag_buffer_append_decimal(out, counts->sides[THAG_FOLDED_AFTER]);
	return ret ? ret : thag_buffer_append(out, "\n", 1);
}

/** A line in the text it was written to, with its end. */
struct written {
	const char *text;
	size_t bytes;
};

static int compare_lines(const void *a, const void *b)
{
	const struct written *x = a, *y = b;
	int order = memcmp(x->text, y->text, x->bytes < y->bytes ? x->bytes : y->bytes);

	return order ? order : (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

/** Appends the lines of `text` in order. */
static int append_sorted(struct thag_buffer *out, const struct thag_buffer *text, uint32_t count)
{
	struct written *lines = malloc(((size_t)count + 1) * sizeof(*lines));
	const char *at = (const char *)text->data;
	int ret = lines ? thag_buffer_reserve(out, text->bytes) : -ENOMEM;

	for (uint32_t i = 0; lines && i < count; i++) {
		lines[i].text = at;
		at = (const char *)rawmemchr(at, '\n') + 1;
		lines[i].bytes = (size_t)(at - lines[i].text);
	}
	if (lines)
		qsort(lines, count, sizeof(*lines), compare_lines);
	for (uint32_t i = 0; i < count && !ret; i++)
		ret = thag_buffer_append(out, lines[i].text, lines[i].bytes);
	free(lines);
	return ret;
}

int thag_folded_pair_write(const struct thag_folded_pair *pair, bool normalise,
			   struct thag_buffer *out)
{
	struct thag_buffer text = { 0 };
	int ret = 0;

	for (uint32_t i = 0; i < pair->stacks.count && !ret; i++)
		ret = write_line(pair, i, normalise, &text);
	if (!ret)
		ret = append_sorted(out, &text, pair->stacks.count);
	thag_buffer_fini(&text);
	return ret;
}
