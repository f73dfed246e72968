/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_chunk_words.h"

#include <errno.h>
#include <string.h>

#include "thag_varint.h"

static const uint8_t op_of_kind[8] = { OP_EXT,	       OP_ENTER, OP_EXIT,  OP_SECTION_BEGIN,
				       OP_SECTION_END, OP_TIME,	 OP_ALLOC, OP_FREE };
static bool is_event(uint32_t kind, uint32_t arg)
{
	uint32_t ext = arg >> THAG_EXT_SHIFT;

	if (kind != THAG_KIND_EXT)
		return kind != THAG_KIND_TIME;
	return ext == THAG_EXT_REALLOC || ext == THAG_EXT_MAP || ext == THAG_EXT_MARK ||
	       ext == THAG_EXT_VALUE || ext == THAG_EXT_THREAD_NAME;
}

#define SITE_SLOTS 2048
#define NO_SITE UINT32_MAX

struct site_slot {
	uint32_t bits; /* kind and site of a word that opens a frame, NO_SITE: none */
	uint32_t op;
};

/* Where times go. */
struct times {
	uint8_t *sizes, *low, *more;
	uint32_t count;
	uint32_t size_bits; /* of the byte of sizes that isn't full yet */
};

struct encoder {
	struct state state;
	struct times times;
	uint8_t *ops, *args, *payload;
	uint64_t events;
	struct site_slot sites[SITE_SLOTS];
};

/* How a time is stored, by how many of its 64 bits are 0 at the top. */
static const uint8_t size_of_zeros[64] = {
	[0 ... 39] = 3, [40 ... 47] = 2, [48 ... 55] = 1, [56 ... 63] = 0
};
static const uint8_t more_of_zeros[64] = {
	[0 ... 39] = 4, [40 ... 47] = 2, [48 ... 55] = 1, [56 ... 63] = 0
};

/* All of a time but its size, which it returns. */
static inline uint32_t put_bytes(struct times *to, uint64_t ahead)
{
	uint32_t zeros = (uint32_t)__builtin_clzll(ahead | 1), rest = (uint32_t)(ahead >> 8);

	*to->low++ = (uint8_t)ahead;
	memcpy(to->more, &rest, sizeof(rest));
	to->more += more_of_zeros[zeros];
	to->count++;
	return size_of_zeros[zeros];
}

static inline void put_ahead(struct times *to, uint64_t ahead)
{
	uint32_t at = to->count % 4, size = put_bytes(to, ahead);

	to->size_bits = (at ? to->size_bits : 0) | size << at * 2;
	to->sizes[(to->count - 1) / 4] = (uint8_t)to->size_bits;
}

static void put_arg(struct encoder *to, uint32_t arg)
{
	memcpy(to->args, &arg, sizeof(arg));
	to->args += ARG_BYTES;
}

static inline struct site_slot *find_site(struct encoder *to, uint32_t bits)
{
	return &to->sites[(bits * UINT32_C(2654435769)) >> 21];
}

/* What an event is: its kind and arg, and where its phase is. */
#define WORD_BITS ((UINT32_C(1) << THAG_WORD_TIME_SHIFT) - 1)

/* Whether it opens a frame; `bits` of one that isn't a hole have no phase. */
static inline bool is_opening(uint32_t bits)
{
	return (bits >> THAG_RING_LOG2 & (5 << 2 | 3)) == THAG_KIND_ENTER << 2;
}

_Static_assert((THAG_KIND_ENTER & 5) == (THAG_KIND_SECTION_BEGIN & 5) &&
		       THAG_WORD_KIND_SHIFT == THAG_RING_LOG2 + 2,
	       "what is_opening looks at");

/* An event that opens a frame of a site that has no op. */
static void put_site(struct encoder *to, uint64_t word)
{
	uint32_t bits = (uint32_t)(word & ~THAG_WORD_PHASE) & WORD_BITS;

	*to->ops++ = op_of_kind[thag_word_kind(word)];
	put_arg(to, thag_word_arg(word));
	if (to->state.known == SITES_KNOWN)
		return;
	*find_site(to, bits) = (struct site_slot){ bits, OP_SITES + to->state.known++ };
}

/* The arg of an event, and its payload, at the head of `words`; returns how many it took. */
static size_t put_payload(struct encoder *to, uint64_t event, const uint64_t *words, size_t left,
			  uint64_t pos)
{
	uint32_t kind = thag_word_kind(event), arg = thag_word_arg(event);
	uint32_t count = payload_words(kind, arg);
	uint32_t holes = 0;
	uint64_t *before;

	if (count > left)
		count = (uint32_t)left;
	for (uint32_t i = 0; i < count; i++)
		holes |= (uint32_t)!thag_word_is_at(words[i], pos + i) << i;
	if (holes) {
		to->ops[0] = to->ops[-1];
		to->ops++ [-1] = OP_BROKEN;
		*to->args++ = (uint8_t)holes;
	}
	put_arg(to, arg);
	if (count == 0)
		return 0;
	before = payload_before(&to->state, kind, arg);
	for (uint32_t i = 0; i < count; i++) {
		uint64_t value = thag_payload_unpack(words[i]);

		if (holes >> i & 1)
			continue;
		/* of 62 bits, the highest of which is its sign */
		int64_t more = (int64_t)((value - before[i]) << 2) >> 2;

		to->payload = thag_varint_put(to->payload, thag_zigzag((uint64_t)more));
		before[i] = value;
	}
	return count;
}

/* An event that is no call of a known site and no exit from the top. As put_payload. */
static size_t put_other(struct encoder *to, uint64_t word, const uint64_t *words, size_t left,
			uint64_t pos)
{
	uint32_t kind = thag_word_kind(word), arg = thag_word_arg(word);
	uint64_t ahead = (thag_word_time(word) - to->state.last) & TIME_MASK;

	pass_event(&to->state, kind, arg, ahead);
	put_ahead(&to->times, ahead);
	to->events += is_event(kind, arg);
	if (kind == THAG_KIND_ENTER || kind == THAG_KIND_SECTION_BEGIN) {
		put_site(to, word);
		to->state.next++;
		return 0;
	}
	*to->ops++ = op_of_kind[kind];
	if (kind == THAG_KIND_EXIT)
		to->state.next = arg;
	return put_payload(to, word, words, left, pos);
}

/* 1 or 0, in a way that compilers don't take for a branch. */
static inline uint32_t is_equal(uint32_t a, uint32_t b)
{
	return (uint32_t)(((uint64_t)(a ^ b) - 1) >> 63);
}

/*
 * What calls at the head of `words` are, as long as there are no others than exits from the top;
 * returns how many. Without branches on what they are, which nothing can predict. While the encoder
 * `learns` sites, it stops at those that it doesn't know.
 */
static inline __attribute__((always_inline)) size_t
put_ops(struct encoder *to, const uint64_t *words, size_t count, uint64_t phase, bool learns)
{
	const uint32_t exit = THAG_WORD(THAG_KIND_EXIT, 0);
	uint8_t *ops = to->ops, *args = to->args;
	uint32_t next = to->state.next;
	size_t i = 0;

	for (; i < count; i++) {
		/* 0 where the phase is, unless the word is a hole */
		uint32_t bits = (uint32_t)(words[i] ^ phase) & WORD_BITS;
		uint32_t top = exit | (uint32_t)((next - 1) & THAG_WORD_ARG_MASK);
		const struct site_slot *slot = find_site(to, bits);
		uint32_t is_exit = is_equal(bits, top), is_known = is_equal(slot->bits, bits);
		uint32_t op = slot->op & (is_exit - 1);

		if (learns && !(is_exit | is_known))
			break;
		if (!learns) {
			uint32_t is_new = (is_exit | is_known) ^ 1, arg = thag_word_arg(words[i]);

			if (is_new & (uint32_t)!is_opening(bits))
				break;
			/* the two kinds that open frames follow each other as ops, too */
			op = (op & (is_new - 1)) |
			     ((OP_ENTER + (bits >> (THAG_WORD_KIND_SHIFT + 1) & 1)) & (0 - is_new));
			memcpy(args, &arg, sizeof(arg));
			args += ARG_BYTES * is_new;
		}
		*ops++ = (uint8_t)op;
		next += 1 - 2 * is_exit;
	}
	to->ops = ops;
	to->args = args;
	to->state.next = next;
	return i;
}

static inline uint64_t ahead_of(uint64_t word, uint64_t *last)
{
	uint64_t ahead = (thag_word_time(word) - *last) & TIME_MASK;

	*last += ahead < TIME_BACK ? ahead : 0;
	return ahead;
}

/* When they are, with copies of what no store can change. */
static void put_times(struct encoder *to, const uint64_t *words, size_t count)
{
	struct times times = to->times;
	uint64_t last = to->state.last;
	size_t i = 0;

	for (; i < count && times.count % 4; i++)
		put_ahead(&times, ahead_of(words[i], &last));
	for (; i + 4 <= count; i += 4) {
		uint32_t sizes = put_bytes(&times, ahead_of(words[i], &last));

		sizes |= put_bytes(&times, ahead_of(words[i + 1], &last)) << 2;
		sizes |= put_bytes(&times, ahead_of(words[i + 2], &last)) << 4;
		sizes |= put_bytes(&times, ahead_of(words[i + 3], &last)) << 6;
		times.sizes[times.count / 4 - 1] = (uint8_t)sizes;
	}
	for (; i < count; i++)
		put_ahead(&times, ahead_of(words[i], &last));
	to->times = times;
	to->state.last = last;
}

static size_t put_calls(struct encoder *to, const uint64_t *words, size_t count, uint64_t phase)
{
	bool learns = to->state.known < SITES_KNOWN;
	size_t calls = learns ? put_ops(to, words, count, phase, true)
			      : put_ops(to, words, count, phase, false);

	put_times(to, words, calls);
	to->events += calls;
	return calls;
}

static void put_words(struct encoder *to, const uint64_t *words, size_t count, uint64_t pos)
{
	size_t i = 0;

	while (i < count) {
		uint64_t lap = THAG_RING_WORDS - (pos + i) % THAG_RING_WORDS;
		size_t run = count - i < lap ? count - i : (size_t)lap;

		i += put_calls(to, words + i, run, (pos + i) & THAG_WORD_PHASE);
		if (i == count)
			break;
		if (!thag_word_is_at(words[i], pos + i)) {
			*to->ops++ = OP_HOLE;
			i++;
			continue;
		}
		i++;
		i += put_other(to, words[i - 1], words + i, count - i, pos + i);
	}
}

/* Where each stream is put together, and room for the most it may take. */
struct streams {
	uint8_t *ops, *sizes, *low, *more, *args, *payload;
};

/* Of `count` words each is an event, which may have an op before it, or a payload. */
static int place_streams(struct streams *streams, struct thag_buffer *memory, size_t count)
{
	size_t ops = 2 * count, sizes = count / 4 + 1, more = 4 * count + PADDING;
	size_t args = (ARG_BYTES + 1) * count + PADDING, payload = THAG_VARINT_MAX * count;
	if (thag_buffer_reserve(memory, ops + sizes + count + more + args + payload) != 0)
		return -ENOMEM;
	streams->ops = memory->data;
	streams->sizes = streams->ops + ops;
	streams->low = streams->sizes + sizes;
	streams->more = streams->low + count;
	streams->args = streams->more + more;
	streams->payload = streams->args + args;
	return 0;
}

static int join_streams(const struct streams *streams, const struct encoder *from,
			struct thag_buffer *out)
{
	uint32_t lengths[5] = { (uint32_t)(from->ops - streams->ops), from->times.count,
				(uint32_t)(from->times.more - streams->more),
				(uint32_t)(from->args - streams->args),
				(uint32_t)(from->payload - streams->payload) };
	static const uint8_t padding[PADDING];

	if (thag_buffer_append(out, lengths, sizeof(lengths)) != 0 ||
	    thag_buffer_append(out, streams->ops, lengths[0]) != 0 ||
	    thag_buffer_append(out, streams->sizes, (from->times.count + 3) / 4) != 0 ||
	    thag_buffer_append(out, streams->low, lengths[1]) != 0 ||
	    thag_buffer_append(out, streams->more, lengths[2]) != 0 ||
	    thag_buffer_append(out, streams->args, lengths[3]) != 0 ||
	    thag_buffer_append(out, streams->payload, lengths[4]) != 0)
		return -ENOMEM;
	return thag_buffer_append(out, padding, PADDING);
}

/* When the first event was. */
static uint64_t find_first(const struct thag_chunk_raw *raw)
{
	struct state state = { .last = raw->head.base_ticks };
	uint64_t i = 0;

	while (i < raw->head.words && !thag_word_is_at(raw->words[i], raw->head.first_pos + i))
		i++;
	if (i < raw->head.words)
		pass_event(&state, thag_word_kind(raw->words[i]), thag_word_arg(raw->words[i]),
			   (thag_word_time(raw->words[i]) - state.last) & TIME_MASK);
	return state.last;
}

int thag_chunk_encode_words(struct thag_buffer *memory, const struct thag_chunk_raw *raw,
			    struct thag_chunk_head *head, struct thag_buffer *out)
{
	struct encoder to = { .state.last = raw->head.base_ticks };
	struct streams streams;
	int error = place_streams(&streams, memory, raw->head.words);

	if (error != 0)
		return error;
	for (uint32_t i = 0; i < SITE_SLOTS; i++)
		to.sites[i].bits = NO_SITE;
	to.ops = streams.ops;
	to.times.sizes = streams.sizes;
	to.times.low = streams.low;
	to.times.more = streams.more;
	to.args = streams.args;
	to.payload = streams.payload;
	put_words(&to, raw->words, raw->head.words, raw->head.first_pos);
	error = join_streams(&streams, &to, out);
	head->events = to.events;
	head->first_ticks = find_first(raw);
	head->last_ticks = to.state.last;
	if (error == 0 &&
	    (to.state.last < head->base_ticks || to.state.last > THAG_CHUNK_TICKS_MAX))
		error = -ERANGE;
	return error;
}
