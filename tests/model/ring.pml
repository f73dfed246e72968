/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The ring's protocol (docs/ring.md), small enough that every order of its steps can be tried.
 *
 * Who takes part:
 *   program   a thread that calls functions and writes events of several words. Its steps are those
 *             of thag_open, thag_close (emit.h), cold.c and room.c
 *   handler   a signal handler that interrupts it between any two steps, emits itself, and returns
 *             or leaves by siglongjmp; another may interrupt it
 *   memory    lets stores become visible, those of different slots in any order
 *   daemon    reads as thag_ring.c, rings.c, thag_checkpoint.c and session.c do; where it is killed
 *             between any two steps, another goes on by what the first one noted
 *   fate      kills the program, kills or stops the daemon
 *
 * Positions count from RING on, as they do in the ring. A slot holds the position that its word was
 * written for, of which the daemon may look at the lap modulo 4 only: the rest is there for the
 * assertions. Names of steps are those of the code.
 *
 * What is taken for granted: a store is visible before 100 ms have passed and before half a ring was
 * written after it, and all of a dead program's are; loads and stores of one word are whole; the
 * daemon's index is stored with release and loaded with acquire, so the daemon's loads come before
 * the producer's stores over the same words. Nothing else orders the words between them.
 *
 * -D chooses how much of each there is; -DMUTATION_… breaks the protocol, and must be found.
 */
#ifndef RING
#define RING 8 /* words */
#endif
#ifndef CALLS
#define CALLS 1 /* what the program does in its outermost call */
#endif
#ifndef HANDLERS
#define HANDLERS 1 /* one may interrupt the other */
#endif
#ifndef SIGNALS
#define SIGNALS 1 /* for each of them */
#endif
#ifndef JUMPS
#define JUMPS 0 /* handlers that leave by siglongjmp */
#endif
#ifndef DAEMON_KILLS
#define DAEMON_KILLS 0
#endif
#ifndef TIMES
#define TIMES 0 /* events before which a TIME word is due */
#endif
#define BATCH 2 /* words that the daemon copies before it decodes them */

/* Each handler that interrupts a check of room may go two words beyond it; TIME words may, too. */
#if TIMES > 0
#define TIME_SLACK 1
#else
#define TIME_SLACK 0
#endif
#ifdef MUTATION_LIMIT_OFF_BY_ONE
#define SLACK (2 * HANDLERS + TIME_SLACK)
#else
#define SLACK (2 * HANDLERS + 1 + TIME_SLACK)
#endif

#ifdef MUTATION_ONE_PHASE_BIT
#define PHASES 2
#else
#define PHASES 4
#endif

/* words: kind * 16 + arg */
#define ENTER 16   /* arg: the index of its frame */
#define EXIT 32	   /* arg: index */
#define EXT 48	   /* arg: number of the event; a payload word follows */
#define PAYLOAD 64 /* arg: number of its event */
#define TIME 80
#define KIND(what) ((what) & 240)
#define ARG(what) ((what) & 15)

/* results of an open that are no index */
#define DROP_ROOT 15
#define DROPPED 14

#define NOWHERE 255
#define LEVELS 3
#define SLOT(at) ((at) % RING)
#define LAP(at) (((at) / RING) % PHASES)
#ifdef MUTATION_NO_PHASE
#define IS_THERE(at) (slot[SLOT(at)] != 0)
#else
#define IS_THERE(at) (LAP(slot[SLOT(at)]) == LAP(at))
#endif

/* --- shared memory --- */

byte slot[RING];      /* the position for which its word was written, 0: none yet */
byte slot_what[RING]; /* and the word */
byte published = RING; /* the consumer's index */
byte saved_tail;       /* struct thag_shm_stack: 0 while it is being written */
byte saved_depth;
byte recorded = RING; /* the recording has all words before it */
byte recorded_depth;
byte lost; /* lost_calls */

/* stores on their way, one a slot */
byte buffer[RING];
byte buffer_what[RING];

/* --- the producer --- */

byte pos = RING; /* the two halves of head: pos, and pos + depth */
byte depth;
byte limit;
bool dropping;
byte drop_depth;
byte target_depth = NOWHERE; /* where siglongjmp leads to: so many frames are open there */

/* --- who runs --- */

bool alive = true; /* the program */
bool done;	   /* it has ended by itself */
byte level;	   /* 0: the thread; 1, 2: a handler that interrupted it, another that interrupted that */
bool jumped;
bool kill_daemon;
bool stop_daemon;

/* --- for the assertions --- */

byte in_from[LEVELS]; /* words that are reserved, and will be stored: from here */
byte in_to[LEVELS];   /* … to here */
byte stored;	      /* words */
byte late;	      /* of which the daemon had stepped over so many */
byte dropped;	      /* calls whose loss was counted */
byte open_drops;      /* dropped calls that haven't returned */
bool outer_dropped;   /* the outermost one is such */
bool outer_is_root;   /* and it is why `dropping` is set */
byte tail = RING;     /* the daemon's struct thag_ring_reader */
byte holes;
byte delivered;
byte events; /* numbers of those of several words */
byte times_left = TIMES;
byte jumps_left = JUMPS;
bool over; /* the daemon has read all, or was stopped */

/* No word that is to be read may be overwritten, nor one that a later daemon is to read. */
inline make_visible(at)
{
	d_step {
		assert(slot[at] == 0 || slot[at] < published);
		slot[at] = buffer[at];
		slot_what[at] = buffer_what[at];
		late = late + (slot[at] < tail -> 1 : 0);
		buffer[at] = 0;
		buffer_what[at] = 0
	}
}

inline put(at, what)
{
	atomic {
		if
		:: buffer[SLOT(at)] -> make_visible(SLOT(at))
		:: else
		fi;
		buffer[SLOT(at)] = at;
		buffer_what[SLOT(at)] = what;
		stored++;
		in_from[me] = at + 1;
#ifndef WEAK
		make_visible(SLOT(at))
#endif
	}
}

/* xadd: a place for each word, and the depth changes in the same moment */
#ifdef MUTATION_SPLIT_RESERVE
inline reserve(words, next_depth)
{
	atomic { place = pos; index = depth };
	atomic {
		pos = place + words;
		depth = next_depth;
		in_from[me] = place;
		in_to[me] = place + words
	}
}
#else
inline reserve(words, next_depth)
{
	atomic {
		place = pos;
		index = depth;
		pos = pos + words;
		depth = next_depth;
		in_from[me] = place;
		in_to[me] = place + words
	}
}
#endif

/* --- room.c --- */

#ifdef MUTATION_NO_ROOM_FOR_EXITS
#define USED pos
#else
#define USED (pos + depth)
#endif

inline room_find()
{
	turn = 0;
	do
	:: true ->
		seen = published; /* acquire */
		limit = (dropping -> 0 : seen + RING - SLACK);
		if
		:: USED < seen + RING - SLACK -> ok = true; break
		:: else
		fi;
#ifdef MUTATION_WAIT_WITHOUT_END
		(published != seen)
#else
		if
		:: turn == 0 -> turn = 1 /* a nap, and looks again */
		:: true -> break	 /* its patience is over */
		fi
#endif
	od;
	turn = 0;
	seen = 0
}

/* --- cold.c --- */

inline time_put()
{
	if
	:: times_left > 0 -> times_left--;
#ifndef MUTATION_TIME_UNCHECKED
		seen = published;
		if
		:: pos + depth >= seen + RING - SLACK + TIME_SLACK -> skip
		:: else ->
#endif
			reserve(1, depth);
			put(place, TIME);
#ifndef MUTATION_TIME_UNCHECKED
		fi;
		seen = 0
#endif
	:: true
	fi
}

#ifdef MUTATION_LOST_COUNT_SPLIT
inline lost_count(open)
{
	seen = lost;
	atomic {
		lost = seen + 1;
		seen = 0;
		dropped++;
		open_drops = open_drops + open
	}
}
#else
inline lost_count(open)
{
	atomic {
		lost++;
		dropped++;
		open_drops = open_drops + open
	}
}
#endif

inline drop_begin(result)
{
#ifdef MUTATION_DROP_HALF_SAID
	dropping = true;
	drop_depth = depth;
#else
	drop_depth = depth;
#ifndef MUTATION_CHILDREN_NOT_DROPPED
	dropping = true;
#endif
#endif
	limit = 0;
	lost_count(1);
	result = DROP_ROOT
}

inline open_frame(result)
{
	atomic { assert(open_drops == 0); reserve(1, depth + 1) };
	result = index;
	put(place, ENTER + index)
}

inline open_slow(result)
{
	if
	:: dropping && depth < drop_depth -> dropping = false
	:: else
	fi;
	if
	:: dropping -> lost_count(1); result = DROPPED
	:: else ->
		ok = false;
		if
		:: USED < limit -> ok = true
		:: else -> room_find()
		fi;
		if
		:: ok -> ok = false; time_put(); open_frame(result)
		:: else -> drop_begin(result)
		fi
	fi
}

/* --- emit.h --- */

inline open(result)
{
	if
	:: USED < limit ->
		if
		:: true -> open_frame(result)
		:: times_left > 0 -> open_slow(result)
		fi
	:: else -> open_slow(result)
	fi
}

inline close_slow(from)
{
	if
	:: from < depth -> time_put(); reserve(1, from); put(place, EXIT + from)
	:: else
	fi
}

inline close(result)
{
	if
	:: result == DROP_ROOT -> atomic { dropping = false; open_drops-- }
	:: result == DROPPED -> open_drops--
	:: else ->
		if
		:: depth == result + 1 ->
			if
			:: true -> reserve(1, depth - 1); put(place, EXIT + result)
			:: times_left > 0 -> close_slow(result)
			fi
		:: else -> close_slow(result)
		fi
	fi;
	atomic { result = 0; place = 0; index = 0; in_from[me] = 0; in_to[me] = 0 }
}

/* A mark, of two words: neither without room for both. */
inline mark()
{
	if
	:: !dropping ->
		seen = published;
		if
		:: pos + depth + 1 < seen + RING - SLACK ->
			seen = 0;
			atomic { events++; number = events };
			reserve(2, depth);
			put(place, EXT + number);
			put(place + 1, PAYLOAD + number);
			number = 0
		:: else -> seen = 0
		fi
	:: else
	fi
}

/* --- the program --- */

inline body(times, result, nested)
{
	do
	:: times > 0 -> times--;
		if
		:: true -> open(result);
			if
			:: true -> open(nested); close(nested)
			:: true
			fi;
			close(result)
#ifdef MARKS
		:: true -> mark()
#endif
		fi
	:: else -> break
	od
}

active proctype program() provided (alive && level == 0)
{
	byte outer, result, nested, place, index, seen, turn, number, times = CALLS;
	bool ok;
	byte me = 0;

	open(outer);
	atomic {
		outer_dropped = (outer >= DROPPED);
		outer_is_root = (outer == DROP_ROOT);
		target_depth = depth
	};
	do
	:: true ->
		{
			body(times, result, nested);
			break
		} unless {
			jumped ->
			atomic {
				jumped = false;
				result = 0; nested = 0; place = 0; index = 0;
				seen = 0; turn = 0; ok = false; number = 0
			}
		}
	od;
	atomic { in_from[0] = 0; in_to[0] = 0 };
	/* signals come no more: where they would jump to is gone */
	atomic { outer_is_root = false; target_depth = NOWHERE };
	close(outer);
#ifndef STATIC /* there only the exit of a frame below ends what a handler's jump left */
	assert(!dropping);
#endif
	done = true
}

/* What the library does in front of siglongjmp (unwind.c). */
inline unwind()
{
	if
	:: dropping && !outer_is_root -> dropping = false
	:: else
	fi;
	close_slow(target_depth)
}

inline handle()
{
	do
	:: atomic { times > 0 && level == me - 1 && !done && (JUMPS == 0 || target_depth != NOWHERE) ->
			times--; level = me };
		{
			if
			:: true -> open(result);
				if
				:: close(result)
				:: atomic { jumps_left > 0 -> jumps_left-- };
#ifndef STATIC
					unwind();
#endif
					/* siglongjmp */
					atomic {
						result = 0; place = 0; index = 0;
						in_from[0] = 0; in_from[1] = 0; in_from[2] = 0;
						in_to[0] = 0; in_to[1] = 0; in_to[2] = 0;
						open_drops = (outer_dropped -> 1 : 0);
						jumped = true;
						level = 0
					}
				fi
#ifdef MARKS
			:: true -> mark()
#endif
			fi;
			atomic {
				result = 0; place = 0; index = 0;
				if
				:: level == me ->
					in_from[me] = 0; in_to[me] = 0;
					level = me - 1
				:: else
				fi
			}
		} unless {
			level < me -> atomic { /* it, or one that interrupted it, has jumped away */
				result = 0; place = 0; index = 0; seen = 0; turn = 0; number = 0; ok = false
			}
		}
	od
}

#if HANDLERS > 0
active proctype handler1() provided (alive && level <= 1)
{
	byte result, place, index, seen, turn, number, me = 1, times = SIGNALS;
	bool ok;

	handle()
}
#endif

#if HANDLERS > 1
active proctype handler2() provided (alive && level <= 2)
{
	byte result, place, index, seen, turn, number, me = 2, times = SIGNALS;
	bool ok;

	handle()
}
#endif

/* --- memory --- */

#define MAY_STORE(at) buffer[at] -> make_visible(at)

active proctype memory()
{
	do
	:: MAY_STORE(0)
	:: MAY_STORE(1)
	:: MAY_STORE(2)
	:: MAY_STORE(3)
#if RING > 4
	:: MAY_STORE(4)
	:: MAY_STORE(5)
	:: MAY_STORE(6)
	:: MAY_STORE(7)
#endif
	od
}

#if RING > 4
#define BUFFERED (buffer[0] || buffer[1] || buffer[2] || buffer[3] || buffer[4] || buffer[5] || \
		  buffer[6] || buffer[7])
#define BEHIND (IS_THERE(tail + 1) || IS_THERE(tail + 2) || IS_THERE(tail + 3) || \
		IS_THERE(tail + 4) || IS_THERE(tail + 5) || IS_THERE(tail + 6) || IS_THERE(tail + 7))
#define CROWDED (IS_THERE(tail + 4) || IS_THERE(tail + 5))
#else
#define BUFFERED (buffer[0] || buffer[1] || buffer[2] || buffer[3])
#define BEHIND (IS_THERE(tail + 1) || IS_THERE(tail + 2) || IS_THERE(tail + 3))
#define CROWDED IS_THERE(tail + 2)
#endif

/* --- the daemon --- */

#define OVER ((done || !alive) && !BUFFERED)
#define IS_OWN(level_, at) (in_from[level_] <= (at) && (at) < in_to[level_])
#define WILL_COME(at) (alive && (IS_OWN(0, at) || IS_OWN(1, at) || IS_OWN(2, at)))

/*
 * When 100 ms have passed at a hole: its word was stored by then, if it ever is; but where a handler
 * takes its time.
 */
#ifdef SLOW
#define TIMER(at) (buffer[SLOT(at)] != (at))
#else
#define TIMER(at) (buffer[SLOT(at)] != (at) && !WILL_COME(at))
#endif
#define MAY_CROWD(at) (CROWDED && buffer[SLOT(at)] != (at))

#ifdef MUTATION_SKIP_AT_ONCE
#define MAY_SKIP true
#else
#define MAY_SKIP (OVER || TIMER(tail) || MAY_CROWD(tail))
#endif

/* thag_stream.c: the outcome of a word. What a hole has taken away may leave frames out of step. */
inline decode(what)
{
	if
	:: KIND(what) == ENTER ->
		assert(pending == 0);
		assert(!known || ARG(what) == frames);
		frames = ARG(what) + 1
	:: KIND(what) == EXIT ->
		assert(pending == 0);
		assert(!known || ARG(what) < frames);
		frames = ARG(what)
	:: KIND(what) == EXT ->
		assert(pending == 0);
		pending = ARG(what);
	:: KIND(what) == PAYLOAD ->
		assert(gap || pending == ARG(what));
		pending = 0;
		gap = false
	:: else -> assert(KIND(what) == TIME && pending == 0)
	fi
}

/* thag_session_ring_commit: the note first, then what is recorded, then the producer's room */
inline commit()
{
#ifdef MUTATION_COMMIT_IN_EVENT
	if
	:: true ->
#else
	if
	:: pending == 0 ->
#endif
#ifdef MUTATION_RELEASE_BEFORE_NOTE
		published = tail;
#endif
		saved_tail = 0;
		saved_depth = frames;
		saved_tail = (known -> tail : 0);
#ifdef MUTATION_RELEASE_BEFORE_RECORDING
		published = tail;
#endif
#ifdef RECORDING
		d_step {
			total = total + (tail - recorded) - skipped;
			skipped = 0;
			recorded = tail;
			recorded_depth = frames
		};
#endif
		published = tail
	:: else
	fi
}

inline read_batch()
{
	count = 0;
#ifdef MUTATION_RELEASE_BEFORE_READ
	published = (IS_THERE(tail + 1) -> tail + 2 : tail + 1);
#endif
	do
	:: count < BATCH && IS_THERE(tail + count) ->
		d_step {
			/* whole, of this lap, the next one */
			assert(slot[SLOT(tail + count)] == tail + count);
			out[count] = slot_what[SLOT(tail + count)];
			count++
		}
	:: else -> break
	od;
	i = 0;
	d_step {
		do
		:: i < count -> decode(out[i]); out[i] = 0; i++
		:: else -> break
		od;
		tail = tail + count;
		delivered = delivered + count;
		count = 0;
		i = 0
	};
	commit()
}

inline skip_hole()
{
	if
	:: IS_THERE(tail) /* filled by now */
	:: else ->
		d_step {
			assert(OVER || TIMER(tail) || MAY_CROWD(tail));
			holes++;
			late = late + (IS_THERE(tail) -> 1 : 0); /* stored since we looked */
#ifdef RECORDING
			skipped++;
#endif
			tail++;
			if
			:: pending -> pending = 0
			:: else -> gap = true
			fi;
			known = false
		}
	fi
}

/* session.c, resume_ring; resume.c where there is a recording */
inline go_on()
{
	d_step {
		tail = published;
		pending = 0;
		gap = false;
		known = true;
#ifdef RECORDING
		assert(recorded >= published);
		tail = recorded;
		frames = recorded_depth;
		skipped = 0;
#else
#ifdef MUTATION_RESTART_AT_INDEX
		frames = saved_depth;
#else
		if
		:: saved_tail >= published && saved_tail - published <= RING ->
#ifdef MUTATION_RESTART_BEHIND
			tail = saved_tail + (saved_tail < pos -> 1 : 0);
#else
			tail = saved_tail;
#endif
			frames = saved_depth
		:: else ->
			/* killed while it made the note, or before the first */
			assert(saved_tail == 0);
			known = (tail == RING);
			frames = 0
		fi;
#endif
#endif
		i = 0;
		count = 0;
		holes = 0;
		delivered = 0
	}
}

/* Whether a word was stored that nobody was given. */
inline expect_all_read()
{
	i = 0;
	do
	:: i < RING -> assert(slot[i] < tail); i++
	:: else -> break
	od;
	i = 0
}

active proctype daemon()
{
	byte out[BATCH], count, i, frames, pending, total, skipped, kills;
	bool known = true, gap;

begin:
	{
		do
		:: IS_THERE(tail) -> read_batch()
		:: !IS_THERE(tail) && BEHIND && MAY_SKIP -> skip_hole()
		:: OVER && !IS_THERE(tail) && !BEHIND -> break
		od
	} unless {
		kill_daemon || stop_daemon
	};
	if
	:: stop_daemon -> goto stopped
	:: kill_daemon -> kill_daemon = false; kills++; go_on(); goto begin
	:: else
	fi;
	d_step {
		expect_all_read();
		assert(kills || delivered + late == stored);
#ifdef RECORDING
		assert(total == stored || pending);
#endif
		assert(!alive || !done || lost == dropped);
		assert(!done || !known || frames == 0);
		assert(!done || !known || tail == pos);
	}
stopped:
	over = true
}

active proctype fate()
{
#if DAEMON_KILLS > 0
	byte left = DAEMON_KILLS;
#endif

	do
#ifdef KILL
	:: atomic { alive && !done -> alive = false }
#endif
#ifdef STOP
	:: atomic { !stop_daemon -> stop_daemon = true }
#endif
#if DAEMON_KILLS > 0
	:: atomic { left > 0 && !kill_daemon -> left--; kill_daemon = true }
#endif
	:: false
	od
}

/* Nothing can happen any more: nobody may be left waiting. */
active proctype progress()
{
	timeout ->
	assert(done || !alive);
	assert(over)
}
