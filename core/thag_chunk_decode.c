/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_chunk_words.h"

#include <errno.h>
#include <string.h>

#include "thag_varint.h"

static const uint8_t kind_of_op[OP_HOLE] = { THAG_KIND_EXIT,	    THAG_KIND_EXIT,
					     THAG_KIND_ENTER,	    THAG_KIND_SECTION_BEGIN,
					     THAG_KIND_SECTION_END, THAG_KIND_TIME,
					     THAG_KIND_EXT,	    THAG_KIND_ALLOC,
					     THAG_KIND_FREE };

/* The bits of what is in `more`, by size. */
static const uint32_t more_mask[4] = { 0, 0xff, 0xffff, 0xffffffff };

/* Where times come from. */
struct times {
	const uint8_t *sizes, *low, *more;
	uint32_t count;
};

struct decoder {
	struct state state;
	const uint8_t *ops, *ops_end;
	struct times times;
	uint32_t times_end;
	struct thag_cursor args, payload;
	uint64_t *words;
	uint64_t count, end;	 /* of words */
	uint64_t pos;		 /* of the first */
	uint32_t sites[OPS_MAX]; /* by op: kind and site */
};

/* Whether the sizes say that `more` has as many bytes as it has. */
static bool check_sizes(const struct decoder *from, uint32_t bytes)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < from->times_end; i++)
		sum += more_bytes[from->times.sizes[i / 4] >> i % 4 * 2 & 3];
	return sum == bytes;
}

static bool place_decoder(struct decoder *from, const uint8_t *data, size_t bytes)
{
	uint32_t lengths[5];
	uint64_t sizes, sum = sizeof(lengths) + PADDING;

	if (bytes < sum)
		return false;
	memcpy(lengths, data, sizeof(lengths));
	sizes = ((uint64_t)lengths[1] + 3) / 4;
	for (uint32_t i = 0; i < 5; i++)
		sum += lengths[i];
	if (sum + sizes != bytes)
		return false;
	from->ops = data + sizeof(lengths);
	from->ops_end = from->times.sizes = from->ops + lengths[0];
	from->times_end = lengths[1];
	from->times.low = from->times.sizes + sizes;
	from->times.more = from->times.low + lengths[1];
	from->args.at = from->times.more + lengths[2];
	from->args.end = from->payload.at = from->args.at + lengths[3];
	from->payload.end = from->payload.at + lengths[4];
	return check_sizes(from, lengths[2]);
}

/* The next event's time since the one before; one must be left. */
static inline uint64_t get_ahead(struct times *from)
{
	uint32_t size = from->sizes[from->count / 4] >> from->count % 4 * 2 & 3;
	uint64_t ahead = from->low[from->count++];
	uint32_t rest;

	memcpy(&rest, from->more, sizeof(rest));
	from->more += more_bytes[size];
	return (ahead | (uint64_t)(rest & more_mask[size]) << 8) & TIME_MASK;
}

static uint32_t get_arg(struct decoder *from)
{
	struct thag_cursor *args = &from->args;
	uint32_t arg;

	if (args->end - args->at < ARG_BYTES) {
		args->bad = true;
		return 0;
	}
	arg = (uint32_t)args->at[0] | (uint32_t)args->at[1] << 8 | (uint32_t)args->at[2] << 16;
	args->at += ARG_BYTES;
	args->bad |= arg > THAG_WORD_ARG_MASK;
	return arg & (uint32_t)THAG_WORD_ARG_MASK;
}

static void add_word(struct decoder *from, uint64_t word)
{
	from->words[from->count] = word | ((from->pos + from->count) & THAG_WORD_PHASE);
	from->count++;
}

static void add_hole(struct decoder *from)
{
	from->words[from->count] = thag_chunk_hole(from->pos + from->count);
	from->count++;
}

static void get_payload(struct decoder *from, uint32_t kind, uint32_t arg, uint32_t holes)
{
	uint32_t count = payload_words(kind, arg);
	uint64_t *before = count ? payload_before(&from->state, kind, arg) : NULL;

	for (uint32_t i = 0; i < count && from->count < from->end; i++) {
		if (holes >> i & 1) {
			add_hole(from);
			continue;
		}
		before[i] =
			(before[i] + thag_unzigzag(thag_varint_get(&from->payload))) & VALUE_MASK;
		add_word(from, thag_payload_pack(before[i]));
	}
}

/* An event of an op that isn't of calls alone; there is one more word, and one more time. */
static void get_event(struct decoder *from, uint32_t op, uint32_t holes)
{
	uint32_t kind = kind_of_op[op], arg = get_arg(from);
	uint64_t ahead = get_ahead(&from->times), time = (from->state.last + ahead) & TIME_MASK;

	if (kind == THAG_KIND_ENTER || kind == THAG_KIND_SECTION_BEGIN) {
		from->state.next++;
		if (from->state.known < SITES_KNOWN)
			from->sites[OP_SITES + from->state.known++] =
				(uint32_t)THAG_WORD(kind, arg);
	} else if (kind == THAG_KIND_EXIT) {
		from->state.next = arg;
	}
	pass_event(&from->state, kind, arg, ahead);
	add_word(from, THAG_WORD(kind, arg) | time << THAG_WORD_TIME_SHIFT);
	get_payload(from, kind, arg, holes);
}

/* False: it makes no sense. */
static bool get_other(struct decoder *from)
{
	uint32_t op = *from->ops++, holes = 0;

	if (op == OP_HOLE) {
		add_hole(from);
		return true;
	}
	if (op == OP_BROKEN) {
		if (from->ops == from->ops_end || from->args.at == from->args.end)
			return false;
		op = *from->ops++;
		holes = *from->args.at++;
	}
	if (op == OP_EXIT_TOP || op >= OP_HOLE || from->times.count == from->times_end)
		return false;
	get_event(from, op, holes);
	return !from->args.bad && !from->payload.bad;
}

/* Calls, as long as there are any, with copies of what no store can change. */
static void get_calls(struct decoder *from)
{
	struct times times = from->times;
	const uint8_t *ops = from->ops;
	uint64_t last = from->state.last, count = from->count;
	uint32_t next = from->state.next;

	while (ops < from->ops_end && count < from->end && times.count < from->times_end) {
		uint32_t op = *ops;
		/* without a branch, as nothing can predict which it is; sites[OP_EXIT_TOP] is 0 */
		uint32_t is_exit = (uint32_t)(((uint64_t)op - 1) >> 63);
		uint64_t top = THAG_WORD(THAG_KIND_EXIT, 0) | ((next - 1) & THAG_WORD_ARG_MASK);
		uint64_t word = from->sites[op] | (top & (0 - (uint64_t)is_exit));
		uint64_t ahead;

		if (word == 0)
			break;
		ops++;
		next += 1 - 2 * is_exit;
		ahead = get_ahead(&times);
		from->words[count] = word | ((last + ahead) & TIME_MASK) << THAG_WORD_TIME_SHIFT |
				     ((from->pos + count) & THAG_WORD_PHASE);
		last += ahead < TIME_BACK ? ahead : 0;
		count++;
	}
	from->times = times;
	from->ops = ops;
	from->state.last = last;
	from->state.next = next;
	from->count = count;
}

int thag_chunk_decode_words(uint64_t *words, const struct thag_chunk_head *head,
			    const uint8_t *data, size_t bytes)
{
	struct decoder from = { .state.last = head->base_ticks,
				.words = words,
				.end = head->words,
				.pos = head->first_pos };
	bool good = place_decoder(&from, data, bytes);

	while (good && from.count < from.end) {
		get_calls(&from);
		if (from.count == from.end)
			break;
		good = from.ops < from.ops_end && get_other(&from);
	}
	if (!good || from.ops != from.ops_end || from.times.count != from.times_end ||
	    from.args.at != from.args.end || from.payload.at != from.payload.end ||
	    from.state.last != head->last_ticks)
		return -EBADMSG;
	return 0;
}
