/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_gzip.h"

#include <errno.h>

#include <zlib.h>

#define GZIP_WINDOW (15 + 16) /* zlib's: the largest window, in a gzip wrapper */
#define MEMORY_LEVEL 8	      /* zlib's default */
#define STEP ((size_t)1 << 20)

bool thag_gzip_is(const void *data, size_t bytes)
{
	const uint8_t *magic = data;

	return bytes >= 2 && magic[0] == 0x1f && magic[1] == 0x8b;
}

/* zlib counts in 32 bits. */
static uInt step_of(size_t left)
{
	return (uInt)(left < STEP ? left : STEP);
}

static void give(z_stream *stream, const uint8_t *data, size_t left)
{
	stream->next_in = (z_const Bytef *)data;
	stream->avail_in = step_of(left);
}

/** Lets `run` write behind what is in `out`. What it returns, or Z_MEM_ERROR. */
static int write_step(z_stream *stream, struct thag_buffer *out, size_t room,
		      int (*run)(z_streamp stream, int flush), int flush)
{
	if (thag_buffer_reserve(out, room))
		return Z_MEM_ERROR;
	stream->next_out = out->data + out->bytes;
	stream->avail_out = (uInt)room;
	int ret = run(stream, flush);

	out->bytes += room - stream->avail_out;
	return ret;
}

int thag_gzip_append(struct thag_buffer *out, const void *data, size_t bytes)
{
	z_stream stream = { 0 };
	const uint8_t *at = data;
	size_t left = bytes;
	int ret = deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW,
			       MEMORY_LEVEL, Z_DEFAULT_STRATEGY);

	if (ret != Z_OK)
		return -ENOMEM;
	while (ret == Z_OK || ret == Z_BUF_ERROR) {
		give(&stream, at, left);
		uInt given = stream.avail_in;

		ret = write_step(&stream, out, STEP, deflate,
				 left == given ? Z_FINISH : Z_NO_FLUSH);
		at += given - stream.avail_in;
		left -= given - stream.avail_in;
	}
	deflateEnd(&stream);
	return ret == Z_STREAM_END ? 0 : -ENOMEM;
}

/** One member. Advances `*at`. */
static int inflate_member(z_stream *stream, struct thag_buffer *out, const uint8_t *data,
			  size_t bytes, size_t out_max, size_t *at)
{
	int ret = inflateReset(stream);

	while (ret == Z_OK) {
		size_t room = out_max - out->bytes;

		give(stream, data + *at, bytes - *at);
		uInt given = stream->avail_in;

		/* a byte more than there may be tells what is too much */
		ret = write_step(stream, out, room < STEP ? room + 1 : STEP, inflate, Z_NO_FLUSH);
		*at += given - stream->avail_in;
		if (out->bytes > out_max)
			return -EFBIG;
	}
	if (ret == Z_STREAM_END)
		return 0;
	return ret == Z_MEM_ERROR ? -ENOMEM : -EBADMSG;
}

int thag_gunzip_append(struct thag_buffer *out, const void *data, size_t bytes, size_t bytes_max,
		       size_t *at)
{
	z_stream stream = { 0 };
	size_t out_max =
		bytes_max < SIZE_MAX - out->bytes - 1 ? out->bytes + bytes_max : SIZE_MAX - 1;
	int ret = inflateInit2(&stream, GZIP_WINDOW) == Z_OK ? 0 : -ENOMEM;

	*at = 0;
	if (ret)
		return ret;
	do {
		ret = inflate_member(&stream, out, data, bytes, out_max, at);
	} while (!ret && *at < bytes);
	inflateEnd(&stream);
	return ret;
}
