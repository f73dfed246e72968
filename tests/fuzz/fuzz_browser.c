/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Any messages of the page, through thagd's own WebSocket: each is answered, if at all, by JSON or
 * by a frame with our mark. Each line of the input is a message. One that begins with a byte 1 is
 * sent as the bytes of the connection that it is; behind a byte 2 the message is binary.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>
#include <sys/socket.h>

#include "whole.h"
#include "thag/frames.h"
#include "ws.h"

#define ROOM (1 << 20)
#define MESSAGE_MAX 60000
#define TEXT_FRAME 0x81
#define BINARY_FRAME 0x82

static int web = -1;
static uint8_t *room;

/* What comes, until nothing more does; false: the connection was closed. */
static bool receive(size_t *bytes)
{
	ssize_t got = 1;

	*bytes = 0;
	while (*bytes < ROOM && got > 0) {
		fuzz_settle();
		got = recv(web, room + *bytes, ROOM - *bytes, 0);
		*bytes += got > 0 ? (size_t)got : 0;
	}
	return got != 0;
}

static void leave(void)
{
	close(web);
	web = -1;
	fuzz_settle();
}

static void enter(void)
{
	static const char hello[] =
		"GET /ws HTTP/1.1\r\nHost: localhost:7777\r\nOrigin: http://localhost:7777\r\n"
		"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
		"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
		"Sec-WebSocket-Protocol: " THAG_WS_PROTOCOL "\r\n\r\n";
	size_t bytes;

	if (!room)
		room = malloc(ROOM);
	web = fuzz_connect_web();
	fuzz_check(room && send(web, hello, sizeof(hello) - 1, MSG_NOSIGNAL) > 0);
	fuzz_check(receive(&bytes) && bytes > 12 && memcmp(room, "HTTP/1.1 101", 12) == 0);
}

static bool send_message(uint8_t kind, const uint8_t *data, size_t size)
{
	static uint8_t frame[MESSAGE_MAX + 8]; /* masked with zeroes, which changes nothing */
	size_t head = 2;

	size = size > MESSAGE_MAX ? MESSAGE_MAX : size;
	frame[0] = kind;
	frame[1] = (uint8_t)(0x80 | (size < 126 ? size : 126));
	if (size >= 126) {
		frame[2] = (uint8_t)(size >> 8);
		frame[3] = (uint8_t)size;
		head = 4;
	}
	memset(frame + head, 0, 4);
	if (size)
		memcpy(frame + head + 4, data, size);
	return send(web, frame, head + 4 + size, MSG_NOSIGNAL) > 0;
}

static bool send_line(const uint8_t *data, size_t size)
{
	if (size > 1 && data[0] == 1)
		return send(web, data + 1, size - 1, MSG_NOSIGNAL) > 0;
	if (size && data[0] == 2)
		return send_message(BINARY_FRAME, data + 1, size - 1);
	return send_message(TEXT_FRAME, data, size);
}

static void check_message(uint8_t kind, const uint8_t *data, size_t size)
{
	uint32_t magic = 0;
	json_t *json;

	if (kind == TEXT_FRAME) {
		json = json_loadb((const char *)data, size, 0, NULL);
		fuzz_check(json_is_string(json_object_get(json, "op")));
		json_decref(json);
	} else if (kind == BINARY_FRAME) {
		fuzz_check(size >= sizeof(struct thag_frame_header));
		memcpy(&magic, data, sizeof(magic));
		fuzz_check(magic == THAG_FRAME_MAGIC);
	}
}

/* Those that are whole: a server's are not masked. */
static void check_answers(size_t bytes)
{
	size_t at = 0;

	while (at + 10 <= bytes) {
		size_t size = room[at + 1], head = 2;

		if (size == 126) {
			size = (size_t)room[at + 2] << 8 | room[at + 3];
			head = 4;
		} else if (size == 127) {
			size = (size_t)room[at + 6] << 24 | (size_t)room[at + 7] << 16 |
			       (size_t)room[at + 8] << 8 | room[at + 9];
			head = 10;
		}
		if (size > bytes - at - head)
			return;
		check_message(room[at], room + at + head, size);
		at += head + size;
	}
}

int fuzz_try(const uint8_t *data, size_t size)
{
	bool raw = false, open = true;
	size_t at = 0, bytes;

	if (web < 0)
		enter();
	while (at < size && open) {
		const uint8_t *end = memchr(data + at, '\n', size - at);
		size_t line = end ? (size_t)(end - data) - at : size - at;

		raw |= line && data[at] == 1;
		open = send_line(data + at, line) && receive(&bytes);
		if (open)
			check_answers(bytes);
		at += line + 1;
	}
	/* the middle of a frame is no place to begin the next input at */
	if (raw || !open)
		leave();
	return 0;
}
