/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Any bytes of a browser, or of what pretends to be one, through libwebsockets and thagd's own gate
 * and routes: what doesn't name this machine as Host gets nothing, and only POST changes anything.
 * A byte 1 in the input is where one piece of it ends; thagd reads each alone.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>

#include "whole.h"

#define ANSWER_BYTES 4096 /* of each piece of an answer that is looked at */
#define PIECE 1		  /* the byte that ends one */
#define TEXT(text) text, sizeof(text) - 1

/* Whether the pieces, joined, have the text. */
static bool has(const uint8_t *data, size_t size, const char *text, size_t bytes)
{
	for (size_t i = 0; i < size; i++) {
		size_t at = i, found = 0;

		for (; at < size && found < bytes; at++) {
			if (data[at] == PIECE)
				continue;
			if (tolower(data[at]) != text[found])
				break;
			found++;
		}
		if (found == bytes)
			return true;
	}
	return false;
}

static bool names_us(const uint8_t *data, size_t size)
{
	return has(data, size, TEXT("localhost:7777")) || has(data, size, TEXT("127.0.0.1:7777")) ||
	       has(data, size, TEXT("[::1]:7777"));
}

/* Whether the connection goes on. */
static bool take_answer(int fd, bool ours)
{
	char answer[ANSWER_BYTES];
	ssize_t got;

	while ((got = recv(fd, answer, sizeof(answer), 0)) > 0)
		if (!ours && got > 12 && memcmp(answer, TEXT("HTTP/1.")) == 0)
			fuzz_check(answer[9] == '4' || answer[9] == '5');
	return got < 0;
}

int fuzz_try(const uint8_t *data, size_t size)
{
	const struct thag_registry *registry = &fuzz_daemon()->registry;
	uint64_t version = registry->version, next = registry->next_id;
	bool ours = names_us(data, size), posts = has(data, size, TEXT("post"));
	int fd = fuzz_connect_web();
	size_t at = 0;

	while (at < size) {
		const uint8_t *end = memchr(data + at, PIECE, size - at);
		size_t bytes = end ? (size_t)(end - data) - at : size - at;

		if (bytes && send(fd, data + at, bytes, MSG_NOSIGNAL) < 0)
			break;
		fuzz_settle();
		if (!take_answer(fd, ours))
			break;
		at += bytes + 1;
	}
	close(fd);
	fuzz_settle();
	fuzz_check(posts || (registry->version == version && registry->next_id == next));
	return 0;
}
