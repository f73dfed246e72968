/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Recordings for tests: small ones with a block of each type, and chunks whose every word follows
 * from its ring and position, so that one that is lost, torn or there twice can't hide.
 */
#ifndef RECORDING_SAMPLE_H
#define RECORDING_SAMPLE_H

#include "thag_recording_reader.h"
#include "thag_recording_writer.h"

#define SAMPLE_SESSION 7
#define SAMPLE_START UINT64_C(1700000000000000000)
#define SAMPLE_FIRST_POS (UINT64_C(1) << 20)

extern const struct thag_recording_identity sample_identity;

/** An empty file without a name. */
int sample_file(void);

/** A file without a name that holds `bytes` bytes of `data`. */
int sample_file_of(const void *data, size_t bytes);

/** The same file, opened anew: a lock that this one takes is another. */
int sample_open_again(int fd);

/** All that `fd` holds, to be freed. */
uint8_t *sample_bytes(int fd, size_t *bytes);

/** What `ring` has at `pos`. */
uint64_t sample_word(uint32_t ring, uint64_t pos);

/** Packs the words of `ring` from `first_pos` on as a CHUNK. */
int sample_pack_chunk(struct thag_recording_pack *pack, uint32_t ring, uint64_t first_pos,
		      uint32_t words, uint32_t flags);

/** The same of words that lie somewhere. */
int sample_pack_words(struct thag_recording_pack *pack, uint32_t ring, uint64_t first_pos,
		      const uint64_t *words, uint32_t count);

/** Appends a block of each type of table, texts and clock. 0 or what the writer says. */
int sample_put_tables(struct thag_recording_writer *writer, struct thag_recording_pack *pack);

/** Appends `chunks` chunks of `words` words to the rings 0 … rings - 1 in turn. */
int sample_put_chunks(struct thag_recording_writer *writer, struct thag_recording_pack *pack,
		      uint32_t rings, uint32_t chunks, uint32_t words);

/** A whole recording of tables and chunks, ended or not. `level` of compression. */
int sample_recording(uint32_t chunks, uint32_t words, int level, bool ended);

/**
 * Reads all parts of entry `i`; those of a chunk must hold what sample_pack_chunk put there. 0,
 * -EBADMSG when they don't, or what reading says.
 */
int sample_check_entry(const struct thag_recording_reader *reader, uint32_t i);

#endif
