/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Recordings and journals where the system fails, or the libraries have no memory. Linked with
 * --wrap for what is called.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <sys/mman.h>

#include "recording_base.h"
#include "thag_recording_journal.h"

enum call { OPEN, PREAD, PWRITE, FTRUNCATE, FALLOCATE, MMAP, CREATE, CALLS };

/* What calls do: so many go well, so many fail then; the rest goes well. */
static struct {
	uint32_t after, times;
	int error;
} faults[CALLS];
static size_t most; /* bytes that one call reads; 0: any */
static bool writes_nothing;
static struct thag_recording_slot *restless; /* is taken anew before each read */
static bool is_sparse;			     /* room is promised, but not taken */

int __real_open64(const char *path, int flags, ...);
ssize_t __real_pread64(int fd, void *data, size_t bytes, off_t offset);
ssize_t __real_pwrite64(int fd, const void *data, size_t bytes, off_t offset);
int __real_ftruncate64(int fd, off_t bytes);
int __real_posix_fallocate64(int fd, off_t offset, off_t bytes);
void *__real_mmap64(void *at, size_t bytes, int prot, int flags, int fd, off_t offset);
void *__real_ZSTD_createCCtx(void);
void *__real_ZSTD_createDCtx(void);
void *__real_XXH3_createState(void);
int __wrap_open64(const char *path, int flags, ...);
ssize_t __wrap_pread64(int fd, void *data, size_t bytes, off_t offset);
ssize_t __wrap_pwrite64(int fd, const void *data, size_t bytes, off_t offset);
int __wrap_ftruncate64(int fd, off_t bytes);
int __wrap_posix_fallocate64(int fd, off_t offset, off_t bytes);
void *__wrap_mmap64(void *at, size_t bytes, int prot, int flags, int fd, off_t offset);
void *__wrap_ZSTD_createCCtx(void);
void *__wrap_ZSTD_createDCtx(void);
void *__wrap_XXH3_createState(void);

static void fail(enum call call, uint32_t after, uint32_t times, int error)
{
	faults[call].after = after;
	faults[call].times = times;
	faults[call].error = error;
}

static bool fails(enum call call)
{
	if (faults[call].times == 0)
		return false;
	if (faults[call].after) {
		faults[call].after--;
		return false;
	}
	faults[call].times--;
	errno = faults[call].error;
	return true;
}

int __wrap_open64(const char *path, int flags, ...)
{
	return fails(OPEN) ? -1 : __real_open64(path, flags);
}

ssize_t __wrap_pread64(int fd, void *data, size_t bytes, off_t offset)
{
	if (restless)
		restless->head.generation++;
	return fails(PREAD) ? -1
			    : __real_pread64(fd, data, most && bytes > most ? most : bytes, offset);
}

ssize_t __wrap_pwrite64(int fd, const void *data, size_t bytes, off_t offset)
{
	if (writes_nothing)
		return 0;
	return fails(PWRITE) ? -1 : __real_pwrite64(fd, data, bytes, offset);
}

int __wrap_ftruncate64(int fd, off_t bytes)
{
	return fails(FTRUNCATE) ? -1 : __real_ftruncate64(fd, bytes);
}

int __wrap_posix_fallocate64(int fd, off_t offset, off_t bytes)
{
	if (fails(FALLOCATE))
		return faults[FALLOCATE].error;
	return is_sparse ? __real_ftruncate64(fd, offset + bytes)
			 : __real_posix_fallocate64(fd, offset, bytes);
}

void *__wrap_mmap64(void *at, size_t bytes, int prot, int flags, int fd, off_t offset)
{
	return fails(MMAP) ? MAP_FAILED : __real_mmap64(at, bytes, prot, flags, fd, offset);
}

void *__wrap_ZSTD_createCCtx(void)
{
	return fails(CREATE) ? NULL : __real_ZSTD_createCCtx();
}

void *__wrap_ZSTD_createDCtx(void)
{
	return fails(CREATE) ? NULL : __real_ZSTD_createDCtx();
}

void *__wrap_XXH3_createState(void)
{
	return fails(CREATE) ? NULL : __real_XXH3_createState();
}

/* All of `base` is there. */
static void expect_all(const struct base *base, const struct thag_recording_reader *reader)
{
	cr_assert_eq(reader->damage_count, 0);
	cr_assert_eq(reader->ended, base->reader.ended);
	cr_assert_eq(reader->entry_count, base->reader.entry_count);
	for (uint32_t i = 0; i < reader->entry_count; i++)
		cr_assert_eq(sample_check_entry(reader, i), 0);
}

Test(recording_reads, short_and_interrupted_reads_go_on)
{
	struct thag_recording_reader reader;
	struct base base;

	make_base(&base, SMALL, false);
	most = 13;
	for (uint32_t after = 0; after < 30; after++) {
		fail(PREAD, after, 3, EINTR);
		cr_assert_eq(thag_recording_reader_open(&reader, base.fd), 0);
		cr_assert_eq(faults[PREAD].times, 0);
		expect_all(&base, &reader);
		thag_recording_reader_fini(&reader);
	}
	drop_base(&base);
}

/* Whichever reads fail, nobody says that the file is damaged. */
static void expect_disk_error(const struct base *base, uint32_t after, uint32_t times)
{
	struct thag_recording_reader reader;
	int ret;

	fail(PREAD, after, times, EIO);
	ret = thag_recording_reader_open(&reader, base->fd);
	cr_assert(ret == 0 || ret == -EIO, "read %u: %d", after, ret);
	if (ret != 0)
		return;
	for (uint32_t i = 0; i < reader.damage_count; i++)
		cr_assert_eq(reader.damages[i].fault, THAG_RECORDING_IO, "read %u: %s", after,
			     thag_recording_fault_text(reader.damages[i].fault));
	fail(PREAD, 0, 0, 0);
	for (uint32_t i = 0; i < reader.entry_count; i++)
		cr_assert_eq(sample_check_entry(&reader, i), 0);
	cr_assert(reader.damage_count || reader.entry_count == base->reader.entry_count);
	thag_recording_reader_fini(&reader);
}

static void fail_reads(uint32_t chunks, bool ended)
{
	struct base base;

	make_base(&base, chunks, ended);
	for (uint32_t after = 0; after < 60; after++) {
		expect_disk_error(&base, after, 1);
		expect_disk_error(&base, after, UINT32_MAX);
	}
	drop_base(&base);
}

Test(recording_reads, an_error_of_the_disk_is_no_damage)
{
	fail_reads(SMALL, false);
	fail_reads(SMALL, true);
	fail_reads(LARGE, false);
	fail_reads(LARGE, true);
}

Test(recording_reads, an_error_of_the_disk_is_told_where_a_block_is_read)
{
	struct thag_recording_unpacker unpacker = { 0 };
	struct thag_recording_front front;
	struct thag_buffer part = { 0 };
	struct base base;

	make_base(&base, SMALL, true);
	cr_assert_eq(thag_recording_reader_front(&base.reader, SMALL, &front), 0);
	fail(PREAD, 0, 1, EIO);
	cr_expect_eq(thag_recording_parts_check(&base.reader.file, &front, &unpacker),
		     THAG_RECORDING_IO);
	fail(PREAD, 0, 1, EIO);
	cr_expect_eq(thag_recording_part_read(&base.reader.file, &front.parts[0], 1 << 20,
					      &unpacker, &part),
		     -EIO);
	fail(PREAD, 0, 1, EIO);
	cr_expect_eq(thag_recording_reader_front(&base.reader, SMALL, &front), -EIO);
	cr_expect_eq(thag_recording_reader_front(&base.reader, SMALL, &front), 0);
	thag_recording_unpacker_fini(&unpacker);
	thag_buffer_fini(&part);
	drop_base(&base);
}

Test(recording_reads, parts_that_end_early_are_cut)
{
	struct thag_recording_unpacker unpacker = { 0 };
	struct thag_recording_front front;
	struct thag_buffer part = { 0 };
	struct base base;

	make_base(&base, SMALL, false);
	cr_assert_eq(thag_recording_reader_front(&base.reader, SMALL, &front), 0);
	cr_assert_eq(ftruncate(base.fd, (off_t)front.parts[0].offset + 1), 0);
	cr_expect_eq(thag_recording_parts_check(&base.reader.file, &front, &unpacker),
		     THAG_RECORDING_CUT);
	cr_expect_eq(thag_recording_part_read(&base.reader.file, &front.parts[0], 1 << 20,
					      &unpacker, &part),
		     -EBADMSG);
	cr_expect_eq(part.bytes, 0);
	thag_buffer_fini(&part);
	thag_recording_unpacker_fini(&unpacker);
	drop_base(&base);
}

static const uint64_t nothing[THAG_RECORDING_RINGS_MAX];

static int open_remains(int fd)
{
	struct thag_recording_remainder remainder;
	int ret = thag_recording_remains_open(&remainder, fd, sample_identity.nonce, nothing);

	if (ret == 0)
		thag_recording_remains_fini(&remainder);
	return ret;
}

Test(recording_reads, what_is_no_file_is_refused)
{
	struct thag_recording_reader reader;
	struct thag_recording_writer *writer;
	int pipes[2];

	cr_expect_eq(thag_recording_writer_create(&writer, -1, &sample_identity, NULL), -EBADF);
	cr_expect_eq(thag_recording_reader_open(&reader, -1), -EBADF);
	cr_expect_eq(open_remains(-1), -EBADF);
	cr_assert_eq(pipe(pipes), 0);
	cr_expect_eq(open_remains(pipes[0]), -EINVAL);
	close(pipes[0]);
	close(pipes[1]);
}

Test(recording_reads, without_memory_a_block_is_not_called_damaged)
{
	struct thag_recording_unpacker unpacker = { 0 };
	struct thag_recording_front front;
	struct thag_buffer part = { 0 };
	struct base base;

	make_base(&base, SMALL, true);
	cr_assert_eq(thag_recording_reader_front(&base.reader, SMALL + 1, &front), 0);
	cr_assert_eq(front.parts[0].part.codec, THAG_RECORDING_ZSTD);
	fail(CREATE, 0, 1, ENOMEM);
	cr_expect_eq(thag_recording_parts_check(&base.reader.file, &front, &unpacker),
		     THAG_RECORDING_NO_MEMORY);
	fail(CREATE, 0, 1, ENOMEM);
	cr_expect_eq(thag_recording_part_read(&base.reader.file, &front.parts[0], 1 << 20,
					      &unpacker, &part),
		     -ENOMEM);
	cr_expect_eq(part.bytes, 0);
	cr_expect_eq(thag_recording_part_read(&base.reader.file, &front.parts[0], 1 << 20,
					      &unpacker, &part),
		     0);
	thag_recording_unpacker_fini(&unpacker);
	thag_buffer_fini(&part);
	drop_base(&base);
}

Test(recording_reads, without_memory_for_a_compressor_parts_are_stored_as_they_are)
{
	struct thag_recording_pack pack = { .level = 1 };
	uint32_t bytes, packed;

	fail(CREATE, 0, 2, ENOMEM); /* its head and its words are worth compressing */
	cr_assert_eq(sample_pack_chunk(&pack, 1, 100, 4000, 0), 0);
	cr_expect_eq(pack.parts[2].codec, THAG_RECORDING_RAW);
	thag_recording_pack_end(&pack, 1, 2, &bytes);
	cr_assert_eq(sample_pack_chunk(&pack, 1, 100, 4000, 0), 0);
	cr_expect_eq(pack.parts[2].codec, THAG_RECORDING_ZSTD);
	thag_recording_pack_end(&pack, 1, 2, &packed);
	cr_expect_lt(packed, bytes);
	thag_recording_pack_fini(&pack);
}

static int create_journal(int fd)
{
	struct thag_recording_journal *journal;
	int ret = thag_recording_journal_create(&journal, fd, sample_identity.nonce);

	if (ret == 0)
		thag_recording_journal_destroy(journal);
	return ret;
}

Test(recording_reads, a_journal_that_cannot_be_begun_says_why)
{
	int fd = sample_file();

	fail(OPEN, 0, 1, EACCES);
	cr_expect_eq(create_journal(fd), -EACCES);
	fail(PREAD, 0, 1, EIO);
	cr_expect_eq(create_journal(fd), -EIO);
	fail(FTRUNCATE, 0, 1, EPERM);
	cr_expect_eq(create_journal(fd), -EPERM);
	fail(PWRITE, 0, 1, ENOSPC);
	cr_expect_eq(create_journal(fd), -ENOSPC);
	writes_nothing = true;
	cr_expect_eq(create_journal(fd), -ENOSPC);
	writes_nothing = false;
	cr_expect_eq(open_remains(fd), 0);
	/* interrupted, it goes on */
	fail(OPEN, 0, 2, EINTR);
	fail(FTRUNCATE, 0, 2, EINTR);
	fail(PWRITE, 0, 2, EINTR);
	cr_expect_eq(create_journal(fd), 0);
	cr_expect_eq(faults[OPEN].times + faults[FTRUNCATE].times + faults[PWRITE].times, 0);
	cr_expect_eq(open_remains(fd), 0);
	close(fd);
}

Test(recording_reads, a_slot_that_cannot_be_had_says_why_and_costs_none)
{
	struct thag_recording_journal *journal;
	struct thag_recording_slot *slot;
	int fd = sample_file();

	cr_assert_eq(thag_recording_journal_create(&journal, fd, sample_identity.nonce), 0);
	fail(FALLOCATE, 0, 1, ENOSPC);
	cr_expect_eq(thag_recording_journal_take(journal, 1, 5, &slot), -ENOSPC);
	fail(MMAP, 0, 1, ENOMEM);
	cr_expect_eq(thag_recording_journal_take(journal, 1, 5, &slot), -ENOMEM);
	fail(FALLOCATE, 0, 2, EINTR);
	is_sparse = true;
	for (uint32_t i = 0; i < THAG_RECORDING_JOURNAL_SLOTS_MAX; i++)
		cr_assert_eq(thag_recording_journal_take(journal, 1, 5 + i, &slot), 0);
	cr_expect_eq(faults[FALLOCATE].times, 0);
	cr_expect_eq(thag_recording_journal_take(journal, 1, 1, &slot), -EMFILE);
	thag_recording_slot_publish(slot, 3, 0);
	thag_recording_journal_destroy(journal);
	close(fd);
}

/* A journal of three slots, with a chunk in each. */
static int make_journal(void)
{
	struct thag_recording_journal *journal;
	struct thag_recording_slot *slot;
	int fd = sample_file();

	cr_assert_eq(thag_recording_journal_create(&journal, fd, sample_identity.nonce), 0);
	for (uint32_t i = 0; i < 3; i++) {
		cr_assert_eq(thag_recording_journal_take(journal, i, 5, &slot), 0);
		thag_recording_slot_publish(slot, 10, 7);
	}
	thag_recording_journal_destroy(journal);
	return fd;
}

Test(recording_reads, a_journal_on_a_bad_disk_is_not_read_in_part)
{
	struct thag_recording_remainder remainder;
	static uint64_t words[10];
	uint8_t side[7];
	int fd = make_journal();
	uint32_t reads = 0;

	fail(OPEN, 0, 1, EMFILE);
	cr_expect_eq(open_remains(fd), -EMFILE);
	/* its head, which boot this is, and two looks at each slot */
	for (; reads < 2 + 2 * 3; reads++) {
		fail(PREAD, reads, 1, EIO);
		cr_expect_eq(open_remains(fd), -EIO, "read %u", reads);
	}
	fail(PREAD, reads, 1, EIO);
	cr_assert_eq(thag_recording_remains_open(&remainder, fd, sample_identity.nonce, nothing),
		     0);
	cr_assert_eq(remainder.count, 3);
	cr_expect_eq(faults[PREAD].times, 1);
	for (reads = 0; reads < 3; reads++) {
		fail(PREAD, reads, 1, EIO);
		cr_expect_eq(thag_recording_remains_read(&remainder, 1, words, side), -EIO);
	}
	cr_expect_eq(thag_recording_remains_read(&remainder, 1, words, side), 0);
	thag_recording_remains_fini(&remainder);
	close(fd);
}

/* As of a writer that is faster than its reader. */
Test(recording_reads, a_slot_that_is_another_at_each_look_is_left_out)
{
	struct thag_recording_remainder remainder;
	struct thag_recording_journal *journal;
	struct thag_recording_slot *slots[2];
	int fd = sample_file();

	cr_assert_eq(thag_recording_journal_create(&journal, fd, sample_identity.nonce), 0);
	for (uint32_t i = 0; i < 2; i++) {
		cr_assert_eq(thag_recording_journal_take(journal, i, 5, &slots[i]), 0);
		thag_recording_slot_publish(slots[i], 10, 7);
	}
	restless = slots[0];
	cr_assert_eq(thag_recording_remains_open(&remainder, fd, sample_identity.nonce, nothing),
		     0);
	restless = NULL;
	cr_expect_eq(remainder.refused, 1);
	cr_assert_eq(remainder.count, 1);
	cr_expect_eq(remainder.remains[0].ring, 1);
	thag_recording_remains_fini(&remainder);
	thag_recording_journal_destroy(journal);
	close(fd);
}

Test(recording_reads, a_journal_has_no_more_slots_than_a_writer_makes)
{
	struct thag_recording_slot_head head = { .published = 10, .first_pos = 5, .ring = 3 };
	struct thag_recording_remainder remainder;
	int fd = make_journal();

	for (uint32_t i = THAG_RECORDING_JOURNAL_SLOTS_MAX - 1;
	     i <= THAG_RECORDING_JOURNAL_SLOTS_MAX; i++, head.ring++) {
		off_t at = (off_t)(THAG_RECORDING_JOURNAL_SLOTS_OFFSET +
				   i * THAG_RECORDING_SLOT_BYTES);

		cr_assert_eq(ftruncate(fd, at + (off_t)THAG_RECORDING_SLOT_BYTES), 0);
		cr_assert_eq(pwrite(fd, &head, sizeof(head), at), (ssize_t)sizeof(head));
	}
	cr_assert_eq(thag_recording_remains_open(&remainder, fd, sample_identity.nonce, nothing),
		     0);
	cr_assert_eq(remainder.count, 4);
	cr_expect_eq(remainder.remains[3].ring, 3);
	cr_expect_eq(remainder.refused, 0);
	thag_recording_remains_fini(&remainder);
	close(fd);
}
