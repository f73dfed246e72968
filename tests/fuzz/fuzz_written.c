/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A recording of any size: what was written is read, word by word. The bytes say how many chunks it
 * has, of how many words, how hard they are compressed, and whether it was ended.
 */
#include <unistd.h>

#include "fuzz.h"
#include "recording_sample.h"

static void read_all(int fd)
{
	struct thag_recording_reader reader;

	if (!is_done(thag_recording_reader_open(&reader, fd)))
		return;
	check(reader.damage_count == 0 || is_short());
	for (uint32_t i = 0; i < reader.entry_count; i++)
		is_done(sample_check_entry(&reader, i));
	thag_recording_reader_fini(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	int fd;

	if (bytes < 4)
		return 0;
	fd = sample_recording(data[0] % 100, 1 + data[1], data[2] % 4, data[3] % 2);
	if (!is_done(fd < 0 ? fd : 0))
		return 0;
	read_all(fd);
	close(fd);
	return 0;
}
