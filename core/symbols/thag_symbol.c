/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_symbol.h"

#include <errno.h>
#include <string.h>

struct record_head {
	uint32_t bytes;
	uint16_t status;
	uint16_t frame_count;
	uint64_t address;
};

struct frame_head {
	uint32_t line;
	uint16_t name_bytes;
	uint16_t file_bytes;
};

#define RECORD_MAX \
	(sizeof(struct record_head) + \
	 (1 + THAG_SYMBOL_FRAMES_MAX) * (sizeof(struct frame_head) + 2 * THAG_SYMBOL_TEXT_MAX))

static uint16_t cut(uint32_t bytes)
{
	return (uint16_t)(bytes < THAG_SYMBOL_TEXT_MAX ? bytes : THAG_SYMBOL_TEXT_MAX);
}

static int append_frame(struct thag_buffer *out, const struct thag_symbol_frame *frame)
{
	struct frame_head head = { frame->line, cut(frame->name_bytes), cut(frame->file_bytes) };
	int ret = thag_buffer_append(out, &head, sizeof(head));

	if (ret == 0)
		ret = thag_buffer_append(out, frame->name, head.name_bytes);
	if (ret == 0)
		ret = thag_buffer_append(out, frame->file, head.file_bytes);
	return ret;
}

int thag_symbol_append(struct thag_buffer *out, const struct thag_symbol *symbol)
{
	struct record_head head = { 0, (uint16_t)symbol->status, 0, symbol->address };
	size_t start = out->bytes;

	if (symbol->status == THAG_SYMBOL_FOUND)
		head.frame_count = (uint16_t)symbol->frame_count;
	int ret = thag_buffer_append(out, &head, sizeof(head));

	if (ret == 0 && symbol->status == THAG_SYMBOL_FOUND)
		ret = append_frame(out, &symbol->function);
	for (uint32_t i = 0; i < head.frame_count && ret == 0; i++)
		ret = append_frame(out, &symbol->frames[i]);
	if (ret != 0) {
		out->bytes = start;
		return ret;
	}
	head.bytes = (uint32_t)(out->bytes - start);
	memcpy(out->data + start, &head, sizeof(head));
	return 0;
}

/* The bytes it took, 0 when it makes no sense. */
static size_t read_frame(const uint8_t *data, size_t bytes, struct thag_symbol_frame *frame)
{
	struct frame_head head;
	size_t took;

	if (bytes < sizeof(head))
		return 0;
	memcpy(&head, data, sizeof(head));
	took = sizeof(head) + head.name_bytes + head.file_bytes;
	if (took > bytes || head.name_bytes == 0 || head.name_bytes > THAG_SYMBOL_TEXT_MAX ||
	    head.file_bytes > THAG_SYMBOL_TEXT_MAX)
		return 0;
	frame->name = (const char *)data + sizeof(head);
	frame->file = frame->name + head.name_bytes;
	frame->name_bytes = head.name_bytes;
	frame->file_bytes = head.file_bytes;
	frame->line = head.line;
	return took;
}

static int read_frames(const uint8_t *data, size_t bytes, struct thag_symbol *out)
{
	size_t took = read_frame(data, bytes, &out->function);

	for (uint32_t i = 0; i < out->frame_count && took; i++) {
		size_t more = read_frame(data + took, bytes - took, &out->frames[i]);

		took = more ? took + more : 0;
	}
	return took && took == bytes ? 0 : -EPROTO;
}

static int is_sensible(const struct record_head *head)
{
	if (head->bytes < sizeof(*head) || head->bytes > RECORD_MAX ||
	    head->status >= THAG_SYMBOL_STATUS_COUNT)
		return 0;
	if (head->status != THAG_SYMBOL_FOUND)
		return head->bytes == sizeof(*head) && head->frame_count == 0;
	return head->frame_count >= 1 && head->frame_count <= THAG_SYMBOL_FRAMES_MAX;
}

long thag_symbol_read(const uint8_t *data, size_t bytes, struct thag_symbol *out)
{
	struct record_head head;

	if (bytes < sizeof(head))
		return 0;
	memcpy(&head, data, sizeof(head));
	if (!is_sensible(&head))
		return -EPROTO;
	if (head.bytes > bytes)
		return 0;
	out->address = head.address;
	out->status = head.status;
	out->frame_count = head.frame_count;
	if (head.status == THAG_SYMBOL_FOUND &&
	    read_frames(data + sizeof(head), head.bytes - sizeof(head), out) != 0)
		return -EPROTO;
	return (long)head.bytes;
}

const char *thag_symbol_status_name(uint32_t status)
{
	static const char *const names[THAG_SYMBOL_STATUS_COUNT] = {
		"found",   "stripped",	 "unknown",   "missing",
		"changed", "unreadable", "no_module", "late",
	};

	return status < THAG_SYMBOL_STATUS_COUNT ? names[status] : "";
}
