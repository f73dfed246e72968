/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "scan.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include <thag.h>

#include "memory.h"

#define SCAN_BUFFER_START ((size_t)64 << 10)
#define BATCH_WORDS 256

/* Words are found and counted by the batch: a function that takes microseconds is worth marking,
 * one that takes 50 ns would cost about as much to record as to run. */
struct batch {
	struct span words[BATCH_WORDS];
	size_t count;
};

void scan_init(struct scan *scan)
{
	*scan = (struct scan){ .buffer = NULL };
	table_init(&scan->table);
}

void scan_fini(struct scan *scan)
{
	table_fini(&scan->table);
	free(scan->buffer);
}

static bool grow_buffer(struct scan *scan)
{
	if (scan->capacity > SIZE_MAX / 2)
		return false;
	scan->capacity = scan->capacity ? scan->capacity * 2 : SCAN_BUFFER_START;
	scan->buffer = memory_resize(scan->buffer, scan->capacity);
	return true;
}

static ssize_t read_all(struct scan *scan, int fd)
{
	size_t bytes = 0;

	for (;;) {
		ssize_t got;

		if (bytes == scan->capacity && !grow_buffer(scan))
			return -1;
		got = read(fd, scan->buffer + bytes, scan->capacity - bytes);
		if (got < 0)
			return -1;
		if (got == 0)
			return (ssize_t)bytes;
		bytes += (size_t)got;
	}
}

static ssize_t read_file(struct scan *scan, const char *path)
{
	THAG_PROFILED();
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t bytes;

	if (fd < 0)
		return -1;
	bytes = read_all(scan, fd);
	close(fd);
	return bytes;
}

void scan_file(struct scan *scan, const char *path)
{
	THAG_PROFILED();
	ssize_t bytes = read_file(scan, path);

	if (bytes < 0) {
		scan->unreadable++;
		return;
	}
	scan->files++;
	scan->bytes += (uint64_t)bytes;
	scan_text(scan, (size_t)bytes);
}

static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c);
}

/* Fills the batch from `at` on; returns where it stopped. */
static size_t split_words(struct batch *batch, const char *text, size_t bytes, size_t at)
{
	THAG_PROFILED();
	batch->count = 0;
	while (at < bytes && batch->count < BATCH_WORDS) {
		size_t start = at;

		while (at < bytes && is_word(text[at]))
			at++;
		/* a word that starts with a digit is a number, its suffix too */
		if (at > start && !is_digit(text[start]))
			batch->words[batch->count++] = (struct span){ text + start, at - start };
		at += at == start;
	}
	return at;
}

void scan_text(struct scan *scan, size_t bytes)
{
	THAG_PROFILED();
	struct batch batch;

	for (size_t at = 0; at < bytes;) {
		at = split_words(&batch, scan->buffer, bytes, at);
		table_add(&scan->table, batch.words, batch.count);
	}
}
