/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The files of recordings: where a session's goes, and how one is gone on with whose thagd was
 * killed.
 *
 * A program whose environment names a file in THAG_RECORD is recorded there, as by `thag run -o`;
 * other programs are when thagd was told to record all of them. Nothing is ever overwritten: where
 * FILE.thag is there, it is FILE-PID.thag, then FILE-PID-2.thag, and so on.
 *
 * Thread: any; blocks on the disk.
 */
#ifndef THAG_RECORDING_FILE_H
#define THAG_RECORDING_FILE_H

#include "recorder.h"
#include "thag_chunk.h"
#include "thag_recording_resume.h"

/** Makes `pack` the block of a chunk. 0 or a negative errno. */
int thag_recording_file_pack(struct thag_recording_pack *pack, const struct thag_chunk *chunk);

/**
 * Begins to record the new session where it is to be recorded; `directory`: absolute, "" for none.
 * An error is said in its message, and in the log.
 */
void thag_recording_file_begin(struct thag_session *session, struct thag_clock_rate *clock,
			       const char *directory);

/**
 * Begins to record a session that others know, from now on, to the file `path`, which is not there;
 * or into that directory, in a file that is called as those of programs from their beginnings. 0;
 * -EEXIST; or what thag_recorder_join says. Then there is no such file.
 */
int thag_recording_file_join(struct thag_session *session, struct thag_clock_rate *clock,
			     const char *path, bool is_directory);

/**
 * Opens the recording `path` of the program with that `nonce`, which was not ended, to go on with
 * it: what its journal holds is put into it. 0; or a negative errno, see thag_recording_resume.
 */
int thag_recording_file_resume(struct thag_recorder_file *out, const char *path,
			       const uint8_t nonce[static THAG_RECORDING_NONCE_BYTES]);

/** Closes what thag_recording_file_resume opened. */
void thag_recording_file_close(struct thag_recorder_file *file);

/** The program is gone, and its recording will not go on: its journal goes into it. */
void thag_recording_file_salvage(const char *path,
				 const uint8_t nonce[static THAG_RECORDING_NONCE_BYTES]);

/**
 * Reads the words that a journal has of a ring into `raw`, whose words are for THAG_CHUNK_WORDS, to
 * be ended by thag_openings_fini. 0 or a negative errno.
 */
int thag_recording_file_read_remains(const struct thag_recording_remainder *remainder, uint32_t i,
				     struct thag_chunk_raw *raw);

/** Opens the journal of a recording: a descriptor, or a negative errno. */
int thag_recording_file_open_journal(const char *path, int flags);

void thag_recording_file_drop_journal(const char *path);

#endif
