/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "recording_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/stat.h>

#include "format.h"
#include "log.h"
#include "proc.h"

#define SUFFIX ".thag"
#define JOURNAL_SUFFIX ".open"
#define VARIABLE "THAG_RECORD"
#define OWN_FLAGS (O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)

/* --- chunks --- */

static int add_part(struct thag_recording_pack *pack, enum thag_recording_kind kind,
		    const struct thag_buffer *part)
{
	int ret = part->bytes ? thag_recording_pack_part(pack, kind, part->data, part->bytes) : 0;

	/* words can do without a summary that is too large */
	return ret == -E2BIG && kind >= THAG_RECORDING_TREE ? 0 : ret;
}

int thag_recording_file_pack(struct thag_recording_pack *pack, const struct thag_chunk *chunk)
{
	const struct thag_chunk_head *head = &chunk->head;
	struct thag_recording_chunk info = {
		.first_pos = head->first_pos,
		.first_ticks = head->first_ticks,
		.last_ticks = head->last_ticks,
		.words = head->words,
		.events = head->events,
		.ring = head->ring,
		.tid = head->tid,
		.flags = head->flags,
	};
	int ret = thag_recording_pack_begin(pack, THAG_RECORDING_CHUNK, &info, sizeof(info));

	if (ret == 0)
		ret = thag_recording_pack_part(pack, THAG_RECORDING_CHUNK_HEAD, head,
					       sizeof(*head));
	for (uint32_t i = 0; ret == 0 && i < THAG_PART_COUNT; i++)
		ret = add_part(pack, thag_recording_kind_of(i), &chunk->parts[i]);
	return ret;
}

static int encode(struct thag_chunk *chunk, const struct thag_chunk_raw *raw)
{
	int ret = thag_chunk_encode(chunk, raw);

	return ret ? ret : thag_chunk_summarise(chunk, raw);
}

/* --- new files --- */

static int journal_path(char out[static THAG_PATH_BYTES], const char *path)
{
	int bytes = snprintf(out, THAG_PATH_BYTES, "%s" JOURNAL_SUFFIX, path);

	return bytes < THAG_PATH_BYTES ? 0 : -ENAMETOOLONG;
}

int thag_recording_file_open_journal(const char *path, int flags)
{
	char journal[THAG_PATH_BYTES];
	int fd, ret = journal_path(journal, path);
	struct stat st;

	if (ret != 0)
		return ret;
	fd = (int)TEMP_FAILURE_RETRY(open(journal, flags | OWN_FLAGS, 0600));
	if (fd < 0)
		return -errno;
	if (flags == O_RDONLY || (fstat(fd, &st) == 0 && st.st_uid == geteuid()))
		return fd;
	close(fd);
	return -EPERM; /* whoever can cut it short could kill us */
}

void thag_recording_file_drop_journal(const char *path)
{
	char journal[THAG_PATH_BYTES];

	if (journal_path(journal, path) == 0)
		unlink(journal);
}

/* `base` without SUFFIX is what all names begin with. */
static int candidate(char out[static THAG_PATH_BYTES], const char *base, int pid, int attempt)
{
	int bytes;

	if (attempt == 0)
		bytes = snprintf(out, THAG_PATH_BYTES, "%s" SUFFIX, base);
	else if (attempt == 1)
		bytes = snprintf(out, THAG_PATH_BYTES, "%s-%d" SUFFIX, base, pid);
	else
		bytes = snprintf(out, THAG_PATH_BYTES, "%s-%d-%d" SUFFIX, base, pid, attempt);
	return bytes < THAG_PATH_BYTES ? 0 : -ENAMETOOLONG;
}

static int create(struct thag_recorder_file *file)
{
	file->fd = (int)TEMP_FAILURE_RETRY(
		open(file->path, O_RDWR | O_CREAT | O_EXCL | OWN_FLAGS, 0666));
	return file->fd < 0 ? -errno : 0;
}

static int create_any(struct thag_recorder_file *file, const char *base, int pid)
{
	int ret = -EEXIST;

	for (int i = 0; i < THAG_STEM_TRIES && ret == -EEXIST; i++) {
		ret = candidate(file->path, base, pid, i);
		if (ret == 0)
			ret = create(file);
	}
	return ret;
}

void thag_recording_file_close(struct thag_recorder_file *file)
{
	thag_recording_writer_destroy(file->writer);
	if (file->fd >= 0)
		close(file->fd);
	if (file->journal_fd >= 0)
		close(file->journal_fd);
	json_decref(file->before);
	*file = (struct thag_recorder_file){ .fd = -1, .journal_fd = -1 };
}

/* What belongs to a file that was created: its journal, and its writer. */
static int complete(struct thag_recorder_file *file, const struct thag_session *session)
{
	struct thag_recording_identity identity = { .session = session->id,
						    .start_real_ns = thag_clock_real_ns() };
	int ret;

	/* what is left of a recording that was removed; another user's stays, and is in the way */
	thag_recording_file_drop_journal(file->path);
	ret = thag_recording_file_open_journal(file->path, O_RDWR | O_CREAT | O_EXCL);
	if (ret < 0)
		return ret;
	file->journal_fd = ret;
	memcpy(identity.nonce, session->header.nonce, sizeof(identity.nonce));
	return thag_recording_writer_create(&file->writer, file->fd, &identity, NULL);
}

static void remove_files(const char *path)
{
	thag_recording_file_drop_journal(path);
	unlink(path);
}

static int begin_at(struct thag_session *session, struct thag_clock_rate *clock, const char *base)
{
	struct thag_recorder_file file = { .fd = -1, .journal_fd = -1 };
	int ret = create_any(&file, base, (int)session->pid);

	if (ret != 0)
		return ret;
	ret = complete(&file, session);
	if (ret == 0)
		ret = thag_recorder_begin(session, clock, &file);
	if (ret == 0)
		return 0;
	remove_files(file.path);
	thag_recording_file_close(&file);
	return ret;
}

/* "DIRECTORY/PROGRAM-stamp" */
static int make_base(const struct thag_session *session, const char *directory, uint64_t real_ns,
		     char out[static THAG_PATH_BYTES])
{
	char stamp[16];
	int used;

	thag_format_stamp(stamp, real_ns);
	used = snprintf(out, THAG_PATH_BYTES, "%s/%s-%s", directory, session->program, stamp);
	return used < THAG_PATH_BYTES ? 0 : -ENAMETOOLONG;
}

static int create_wished(struct thag_recorder_file *file, const struct thag_session *session,
			 const char *path, bool is_directory)
{
	char base[THAG_PATH_BYTES];
	int ret;

	if (!is_directory) {
		snprintf(file->path, sizeof(file->path), "%s", path);
		return create(file);
	}
	ret = make_base(session, path, thag_clock_real_ns(), base);
	return ret ? ret : create_any(file, base, (int)session->pid);
}

int thag_recording_file_join(struct thag_session *session, struct thag_clock_rate *clock,
			     const char *path, bool is_directory)
{
	struct thag_recorder_file file = { .fd = -1, .journal_fd = -1 };
	bool taken = false;
	int ret = create_wished(&file, session, path, is_directory);

	if (ret != 0)
		return ret;
	ret = complete(&file, session);
	if (ret == 0)
		ret = thag_recorder_join(session, clock, &file, &taken);
	if (ret == 0)
		return 0;
	/* nothing is in it; but who ends the session now tells of it */
	if (!taken || thag_recorder_leave(session) != -ESRCH)
		remove_files(file.path);
	if (!taken)
		thag_recording_file_close(&file);
	return ret;
}

/* Where the session is to be recorded, without SUFFIX; "" when it isn't. */
static int find_base(const struct thag_session *session, const char *directory,
		     char out[static THAG_PATH_BYTES])
{
	size_t bytes;

	if (thag_proc_environ(session->pid, VARIABLE, out, THAG_PATH_BYTES) == 0 && out[0] == '/') {
		bytes = strlen(out);
		if (bytes > strlen(SUFFIX) && strcmp(out + bytes - strlen(SUFFIX), SUFFIX) == 0)
			out[bytes - strlen(SUFFIX)] = '\0';
		return 0;
	}
	out[0] = '\0';
	if (!directory[0])
		return 0;
	return make_base(session, directory, session->start_real_ns, out);
}

void thag_recording_file_begin(struct thag_session *session, struct thag_clock_rate *clock,
			       const char *directory)
{
	char base[THAG_PATH_BYTES];
	int ret = find_base(session, directory, base);

	if (ret == 0 && !base[0])
		return;
	if (ret == 0)
		ret = begin_at(session, clock, base);
	if (ret == 0)
		return;
	thag_session_say(session, "can't record to %.160s" SUFFIX ": %s", base, strerror(-ret));
	thag_log_write(THAG_LOG_ERROR, "session %llu (%s): %s", (unsigned long long)session->id,
		       session->program, session->message);
}

/* --- going on --- */

/* What a slot's side holds: see write_side in chunks.c. False: it makes no sense. */
static bool read_side(const struct thag_recording_remains *remains, const uint8_t *side,
		      struct thag_chunk_raw *raw)
{
	struct thag_chunk_head *head = &raw->head;

	if (remains->side_bytes < sizeof(*head))
		return false;
	memcpy(head, side, sizeof(*head));
	head->words = remains->words;
	head->events = 0;
	head->first_ticks = head->last_ticks = head->base_ticks;
	if (head->first_pos != remains->first_pos || head->ring != remains->ring ||
	    head->level != 0 || !thag_chunk_head_check(head))
		return false;
	if (thag_openings_decode(&raw->openings, side + sizeof(*head),
				 remains->side_bytes - sizeof(*head)) != 0)
		head->flags |= THAG_CHUNK_RESUMED;
	return true;
}

int thag_recording_file_read_remains(const struct thag_recording_remainder *remainder, uint32_t i,
				     struct thag_chunk_raw *raw)
{
	uint8_t *side = malloc(THAG_RECORDING_SIDE_BYTES);
	int ret = side ? thag_recording_remains_read(remainder, i, raw->words, side) : -ENOMEM;

	if (ret == 0 && !read_side(&remainder->remains[i], side, raw))
		ret = -EBADMSG;
	free(side);
	return ret;
}

static int put_remains(struct thag_recording_writer *writer,
		       const struct thag_recording_remainder *remainder, uint32_t i,
		       struct thag_recording_pack *pack, uint64_t *words)
{
	const struct thag_recording_remains *remains = &remainder->remains[i];
	struct thag_chunk_raw raw = { .words = words };
	struct thag_chunk chunk = { 0 };
	uint64_t next = writer->next_pos[remains->ring];
	int ret = thag_recording_file_read_remains(remainder, i, &raw);

	if (ret == 0 && next && remains->first_pos > next)
		raw.head.flags |= THAG_CHUNK_GAP;
	if (ret == 0)
		ret = encode(&chunk, &raw);
	if (ret == 0)
		ret = thag_recording_file_pack(pack, &chunk);
	if (ret == 0)
		ret = thag_recording_writer_put(writer, pack, NULL);
	thag_chunk_fini(&chunk);
	thag_openings_fini(&raw.openings);
	return ret;
}

static int put_journal(struct thag_recorder_file *file,
		       const uint8_t nonce[static THAG_RECORDING_NONCE_BYTES])
{
	struct thag_recording_pack pack = { .level = THAG_RECORDING_PACK_LEVEL };
	uint64_t *words = malloc(THAG_RECORDING_CHUNK_WORDS * sizeof(*words));
	struct thag_recording_remainder remainder;
	int ret = words ? 0 : -ENOMEM;

	if (ret == 0)
		ret = thag_recording_remains_open(&remainder, file->journal_fd, nonce,
						  file->writer->next_pos);
	if (ret == 0) {
		for (uint32_t i = 0; ret == 0 && i < remainder.count; i++)
			ret = put_remains(file->writer, &remainder, i, &pack, words);
		thag_recording_remains_fini(&remainder);
	}
	thag_recording_pack_fini(&pack);
	free(words);
	return ret;
}

int thag_recording_file_resume(struct thag_recorder_file *out, const char *path,
			       const uint8_t nonce[static THAG_RECORDING_NONCE_BYTES])
{
	struct thag_recorder_file file = { .fd = -1, .journal_fd = -1 };
	struct thag_recording_resumed resumed;
	int ret;

	snprintf(file.path, sizeof(file.path), "%s", path);
	file.fd = (int)TEMP_FAILURE_RETRY(open(path, O_RDWR | OWN_FLAGS));
	ret = file.fd < 0 ? -errno : 0;
	if (ret == 0)
		ret = thag_recording_resume(&file.writer, file.fd, nonce, NULL, &resumed);
	if (ret == 0)
		ret = file.journal_fd = thag_recording_file_open_journal(path, O_RDWR | O_CREAT);
	if (ret >= 0)
		ret = resumed.missing ? -ENODATA : put_journal(&file, nonce);
	if (ret == 0)
		*out = file;
	else
		thag_recording_file_close(&file);
	return ret;
}

void thag_recording_file_salvage(const char *path,
				 const uint8_t nonce[static THAG_RECORDING_NONCE_BYTES])
{
	struct thag_recorder_file file;

	if (thag_recording_file_resume(&file, path, nonce) != 0)
		return;
	thag_recording_file_drop_journal(path);
	thag_recording_file_close(&file);
}
