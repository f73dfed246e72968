/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "thag_pages.h"

#define FIRST_CAPACITY 256

void thag_buffer_fini(struct thag_buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct thag_buffer){ 0 };
}

int thag_buffer_reserve(struct thag_buffer *buffer, size_t more)
{
	size_t capacity = buffer->capacity ? buffer->capacity : FIRST_CAPACITY;

	if (more <= buffer->capacity - buffer->bytes)
		return 0;
	if (more > PTRDIFF_MAX - buffer->bytes)
		return -ENOMEM;
	while (capacity - buffer->bytes < more)
		capacity *= 2;
	uint8_t *data = realloc(buffer->data, capacity);
	if (!data)
		return -ENOMEM;
	thag_pages_make(data + buffer->bytes, capacity - buffer->bytes);
	buffer->data = data;
	buffer->capacity = capacity;
	return 0;
}

int thag_buffer_append(struct thag_buffer *buffer, const void *data, size_t bytes)
{
	int ret = thag_buffer_reserve(buffer, bytes);

	if (ret || bytes == 0)
		return ret;
	memcpy(buffer->data + buffer->bytes, data, bytes);
	buffer->bytes += bytes;
	return 0;
}

void thag_buffer_fit(struct thag_buffer *buffer)
{
	uint8_t *data;

	if (buffer->bytes == 0) {
		thag_buffer_fini(buffer);
		return;
	}
	data = realloc(buffer->data, buffer->bytes);
	if (!data)
		return;
	buffer->data = data;
	buffer->capacity = buffer->bytes;
}

int thag_buffer_append_decimal(struct thag_buffer *buffer, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	return thag_buffer_append(buffer, digits + at, sizeof(digits) - at);
}
