/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Numbers in as few bytes as they need: 7 bits a byte, the lowest first, the top bit set in all but
 * the last one. Signed ones fold their sign into the lowest bit.
 *
 * Thread: any. Nothing here allocates.
 */
#ifndef THAG_VARINT_H
#define THAG_VARINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define THAG_VARINT_MAX 10 /* bytes of one number */

/** Where bytes are read that nobody vouches for. What can't be read is 0, and sets `bad`. */
struct thag_cursor {
	const uint8_t *at;
	const uint8_t *end;
	bool bad;
};

/** Writes `value` at `at`, which has room for THAG_VARINT_MAX bytes. Returns where it ends. */
static inline uint8_t *thag_varint_put(uint8_t *at, uint64_t value)
{
	while (value >= 0x80) {
		*at++ = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	*at++ = (uint8_t)value;
	return at;
}

static inline uint64_t thag_varint_get_slow(struct thag_cursor *from)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64 && from->at < from->end; shift += 7) {
		uint8_t byte = *from->at++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return value;
	}
	from->bad = true;
	from->at = from->end;
	return 0;
}

/* Where eight bytes can be read at once there is no loop, whose end nothing could predict. */
static inline uint64_t thag_varint_get(struct thag_cursor *from)
{
	uint64_t word, ends;

	if (from->end - from->at < (ptrdiff_t)sizeof(word))
		return thag_varint_get_slow(from);
	memcpy(&word, from->at, sizeof(word));
	ends = ~word & UINT64_C(0x8080808080808080);
	if (__builtin_expect(ends == 0, 0))
		return thag_varint_get_slow(from);
	from->at += (__builtin_ctzll(ends) + 1) / 8;
	word &= ends ^ (ends - 1); /* up to the last byte's top bit */
	word &= UINT64_C(0x7f7f7f7f7f7f7f7f);
	word = (word & UINT64_C(0x007f007f007f007f)) | (word & UINT64_C(0x7f007f007f007f00)) >> 1;
	word = (word & UINT64_C(0x00003fff00003fff)) | (word & UINT64_C(0x3fff00003fff0000)) >> 2;
	return (word & UINT64_C(0x0fffffff)) | (word & UINT64_C(0x0fffffff00000000)) >> 4;
}

/** A number of which 32 bits are kept; more are bad. */
static inline uint32_t thag_varint_get32(struct thag_cursor *from)
{
	uint64_t value = thag_varint_get(from);

	if (value > UINT32_MAX)
		from->bad = true;
	return (uint32_t)value;
}

static inline uint64_t thag_zigzag(uint64_t value)
{
	return value << 1 ^ (0 - (value >> 63));
}

static inline uint64_t thag_unzigzag(uint64_t value)
{
	return value >> 1 ^ (0 - (value & 1));
}

#endif
