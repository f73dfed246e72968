/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_recording_table.h"

#include <errno.h>
#include <string.h>

#include "thag_recording_format.h"

static int check_room(const struct thag_recording_table *table, size_t more)
{
	size_t bytes = sizeof(struct thag_recording_table_head) + table->records.bytes +
		       table->strings.bytes;

	return more <= THAG_RECORDING_PART_MAX - bytes ? 0 : -E2BIG;
}

int thag_recording_table_text(struct thag_recording_table *table, struct thag_recording_text text,
			      struct thag_recording_span *out)
{
	uint32_t offset = (uint32_t)table->strings.bytes;
	int ret = check_room(table, text.bytes);

	if (ret == 0)
		ret = thag_buffer_append(&table->strings, text.text, text.bytes);
	if (ret != 0)
		return ret;
	*out = (struct thag_recording_span){ offset, text.bytes };
	return 0;
}

int thag_recording_table_record(struct thag_recording_table *table, const void *record)
{
	int ret = check_room(table, table->record_bytes);

	if (ret == 0)
		ret = thag_buffer_append(&table->records, record, table->record_bytes);
	if (ret == 0)
		table->count++;
	return ret;
}

int thag_recording_table_write(const struct thag_recording_table *table, struct thag_buffer *out)
{
	struct thag_recording_table_head head = {
		.count = table->count,
		.record_bytes = table->record_bytes,
		.strings_bytes = (uint32_t)table->strings.bytes,
	};
	int ret;

	out->bytes = 0;
	ret = thag_buffer_append(out, &head, sizeof(head));
	if (ret == 0)
		ret = thag_buffer_append(out, table->records.data, table->records.bytes);
	if (ret == 0)
		ret = thag_buffer_append(out, table->strings.data, table->strings.bytes);
	return ret;
}

void thag_recording_table_clear(struct thag_recording_table *table)
{
	table->count = 0;
	table->records.bytes = 0;
	table->strings.bytes = 0;
}

void thag_recording_table_fini(struct thag_recording_table *table)
{
	thag_buffer_fini(&table->records);
	thag_buffer_fini(&table->strings);
	table->count = 0;
}

int thag_recording_rows_open(struct thag_recording_rows *out, const uint8_t *data, size_t bytes,
			     uint32_t record_bytes)
{
	struct thag_recording_table_head head;

	if (bytes < sizeof(head))
		return -EBADMSG;
	memcpy(&head, data, sizeof(head));
	if (head.record_bytes < record_bytes || head.record_bytes > THAG_RECORDING_RECORD_MAX ||
	    head.record_bytes % 8 ||
	    bytes - sizeof(head) != (uint64_t)head.count * head.record_bytes + head.strings_bytes)
		return -EBADMSG;
	*out = (struct thag_recording_rows){
		.count = head.count,
		.record_bytes = head.record_bytes,
		.strings_bytes = head.strings_bytes,
		.records = data + sizeof(head),
		.strings = (const char *)data + bytes - head.strings_bytes,
	};
	return 0;
}

void thag_recording_rows_get(const struct thag_recording_rows *rows, uint32_t i, void *record,
			     size_t bytes)
{
	memcpy(record, rows->records + (size_t)i * rows->record_bytes, bytes);
}

int thag_recording_rows_text(const struct thag_recording_rows *rows,
			     struct thag_recording_span span, struct thag_recording_text *out)
{
	if (span.offset > rows->strings_bytes || span.bytes > rows->strings_bytes - span.offset)
		return -EBADMSG;
	*out = (struct thag_recording_text){ rows->strings + span.offset, span.bytes };
	return 0;
}
