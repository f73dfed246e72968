/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The wire format of Protocol Buffers: fields of a message, one after another, each a key (its
 * number and how it is written) and a value.
 *
 * The writer remembers its first error and does nothing after it, so that a message is written
 * without asking after each field. The reader is for bytes that nobody vouches for: it never looks
 * beyond them, and what it can't read ends it.
 *
 * Source: Protocol Buffers, "Encoding". Groups, which nothing here needs, are an error.
 *
 * Thread: owner. The writer allocates.
 */
#ifndef THAG_PROTOBUF_H
#define THAG_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "thag_buffer.h"
#include "thag_varint.h"

enum thag_protobuf_wire {
	THAG_PROTOBUF_VARINT = 0,
	THAG_PROTOBUF_FIXED64 = 1,
	THAG_PROTOBUF_BYTES = 2,
	THAG_PROTOBUF_FIXED32 = 5,
};

struct thag_protobuf_writer {
	struct thag_buffer *out;
	int error; /* 0 or -ENOMEM */
};

/** Appends a number without a key: of a packed list. */
static inline void thag_protobuf_put(struct thag_protobuf_writer *writer, uint64_t value)
{
	if (!writer->error)
		writer->error = thag_buffer_reserve(writer->out, THAG_VARINT_MAX);
	if (writer->error)
		return;
	uint8_t *at = writer->out->data + writer->out->bytes;

	writer->out->bytes += (size_t)(thag_varint_put(at, value) - at);
}

static inline void thag_protobuf_put_key(struct thag_protobuf_writer *writer, uint32_t field,
					 enum thag_protobuf_wire wire)
{
	thag_protobuf_put(writer, (uint64_t)field << 3 | wire);
}

static inline void thag_protobuf_put_varint(struct thag_protobuf_writer *writer, uint32_t field,
					    uint64_t value)
{
	thag_protobuf_put_key(writer, field, THAG_PROTOBUF_VARINT);
	thag_protobuf_put(writer, value);
}

static inline void thag_protobuf_put_bytes(struct thag_protobuf_writer *writer, uint32_t field,
					   const void *data, size_t bytes)
{
	thag_protobuf_put_key(writer, field, THAG_PROTOBUF_BYTES);
	thag_protobuf_put(writer, bytes);
	if (!writer->error)
		writer->error = thag_buffer_append(writer->out, data, bytes);
}

static inline void thag_protobuf_put_text(struct thag_protobuf_writer *writer, uint32_t field,
					  const char *text)
{
	thag_protobuf_put_bytes(writer, field, text, strlen(text));
}

/** Begins a message in the message, or a packed list. Returns what thag_protobuf_end takes. */
static inline size_t thag_protobuf_begin(struct thag_protobuf_writer *writer, uint32_t field)
{
	thag_protobuf_put_key(writer, field, THAG_PROTOBUF_BYTES);
	thag_protobuf_put(writer, 0); /* its length, in one byte so far */
	return writer->out->bytes;
}

static inline void thag_protobuf_end(struct thag_protobuf_writer *writer, size_t begin)
{
	uint8_t length[THAG_VARINT_MAX];

	if (writer->error)
		return;
	size_t bytes = writer->out->bytes - begin;
	size_t more = (size_t)(thag_varint_put(length, bytes) - length) - 1;

	writer->error = thag_buffer_reserve(writer->out, more);
	if (writer->error)
		return;
	uint8_t *data = writer->out->data + begin;

	if (more)
		memmove(data + more, data, bytes);
	memcpy(data - 1, length, more + 1);
	writer->out->bytes += more;
}

struct thag_protobuf_field {
	uint32_t number;
	enum thag_protobuf_wire wire;
	uint64_t value;		 /* of a number */
	struct thag_cursor data; /* of THAG_PROTOBUF_BYTES; borrowed */
};

static inline uint64_t thag_protobuf_get_fixed(struct thag_cursor *from, size_t bytes)
{
	uint64_t value = 0;

	if ((size_t)(from->end - from->at) < bytes) {
		from->bad = true;
		return 0;
	}
	for (size_t i = 0; i < bytes; i++)
		value |= (uint64_t)from->at[i] << (8 * i);
	from->at += bytes;
	return value;
}

static inline struct thag_cursor thag_protobuf_get_bytes(struct thag_cursor *from)
{
	uint64_t bytes = thag_varint_get(from);
	struct thag_cursor data = { .at = from->at, .end = from->at };

	if (bytes > (uint64_t)(from->end - from->at)) {
		from->bad = true;
		return data;
	}
	from->at += bytes;
	data.end = from->at;
	return data;
}

/** Reads the next field; false at the end, and at what can't be read, which sets `bad`. */
static inline bool thag_protobuf_next(struct thag_cursor *from, struct thag_protobuf_field *field)
{
	if (from->bad || from->at == from->end)
		return false;
	uint64_t key = thag_varint_get(from);

	*field = (struct thag_protobuf_field){ .number = (uint32_t)(key >> 3),
					       .wire = (enum thag_protobuf_wire)(key & 7) };
	from->bad |= key > UINT32_MAX || field->number == 0;
	if (field->wire == THAG_PROTOBUF_VARINT)
		field->value = thag_varint_get(from);
	else if (field->wire == THAG_PROTOBUF_FIXED64)
		field->value = thag_protobuf_get_fixed(from, 8);
	else if (field->wire == THAG_PROTOBUF_FIXED32)
		field->value = thag_protobuf_get_fixed(from, 4);
	else if (field->wire == THAG_PROTOBUF_BYTES)
		field->data = thag_protobuf_get_bytes(from);
	else
		from->bad = true;
	return !from->bad;
}

#endif
