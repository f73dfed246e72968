/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Writers that find no room, or can't write, or are two.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "recording_sample.h"
#include "thag_recording_resume.h"

/* What the system is made to do: fail once so many bytes were written. */
static struct {
	uint64_t room;	     /* bytes that can still be written */
	int error;	     /* then; 0: nothing is written and nothing said */
	size_t most;	     /* bytes that one call writes */
	uint32_t interrupts; /* calls out of four that are interrupted */
	bool no_truncate;
	uint32_t calls;
} faults;

static ssize_t faulty_pwrite(int fd, const void *data, size_t bytes, off_t offset)
{
	if (faults.calls++ % 4 < faults.interrupts) {
		errno = EINTR;
		return -1;
	}
	if (bytes > faults.most)
		bytes = faults.most;
	if (bytes > faults.room)
		bytes = faults.room;
	if (bytes == 0) {
		errno = faults.error;
		return faults.error ? -1 : 0;
	}
	faults.room -= bytes;
	return pwrite(fd, data, bytes, offset);
}

static int faulty_ftruncate(int fd, off_t bytes)
{
	if (!faults.no_truncate)
		return ftruncate(fd, bytes);
	errno = EIO;
	return -1;
}

static const struct thag_recording_calls faulty = { faulty_pwrite, faulty_ftruncate };
static const struct thag_recording_end ended = { .ending = THAG_RECORDING_PROGRAM_ENDED };

/* Writes chunks until it fails, and returns what it said. */
static int write_until_it_fails(struct thag_recording_writer *writer, uint32_t words, uint32_t most)
{
	struct thag_recording_pack pack = { 0 };
	int ret = 0;

	for (uint32_t i = 0; ret == 0 && i < most; i++)
		ret = sample_put_chunks(writer, &pack, 1, 1, words);
	thag_recording_pack_fini(&pack);
	return ret;
}

/* The file has all chunks that the writer took, and nothing of the one that it didn't. */
static void expect_whole(int fd, const struct thag_recording_writer *writer, uint32_t damages)
{
	struct thag_recording_reader reader;

	cr_assert_eq(thag_recording_reader_open(&reader, fd), 0);
	cr_assert_eq(reader.damage_count, damages);
	cr_assert_eq(reader.chunks, writer->chunks);
	cr_assert_eq(reader.words, writer->words);
	for (uint32_t i = 0; i < reader.entry_count; i++)
		cr_assert_eq(sample_check_entry(&reader, i), 0);
	if (reader.ended) {
		cr_expect_eq(reader.end.ending, THAG_RECORDING_FAILED);
		cr_expect_eq(reader.end.error, (uint32_t)-writer->error);
	}
	thag_recording_reader_fini(&reader);
}

static void fail_after(uint64_t room, int error, int expected)
{
	struct thag_recording_writer *writer;
	int fd = sample_file(), ret;

	faults.room = room;
	faults.error = error;
	ret = thag_recording_writer_create(&writer, fd, &sample_identity, &faulty);
	if (room < sizeof(struct thag_recording_header)) {
		cr_assert_eq(ret, expected);
		close(fd);
		return;
	}
	cr_assert_eq(ret, 0);
	cr_assert_eq(write_until_it_fails(writer, 20, 1000), expected);
	cr_assert_eq(writer->error, expected);
	cr_assert_eq(write_until_it_fails(writer, 20, 1), expected);
	expect_whole(fd, writer, 0);
	cr_assert_eq(thag_recording_writer_finish(writer, &ended), expected);
	expect_whole(fd, writer, 0);
	thag_recording_writer_destroy(writer);
	close(fd);
}

Test(recording_faults, a_full_disk_ends_it_at_the_last_whole_block)
{
	faults.most = SIZE_MAX;
	for (uint64_t room = 0; room < 3000; room += 7)
		fail_after(room, ENOSPC, -ENOSPC);
	/* an INDEX that doesn't fit, too */
	for (uint64_t room = 23000; room < 30000; room += 37)
		fail_after(room, ENOSPC, -ENOSPC);
}

Test(recording_faults, an_error_of_the_disk_ends_it_at_the_last_whole_block)
{
	faults.most = SIZE_MAX;
	fail_after(1000, EIO, -EIO);
	fail_after(1000, EDQUOT, -EDQUOT);
	fail_after(1000, 0, -EIO);
}

Test(recording_faults, short_and_interrupted_writes_are_no_faults)
{
	struct thag_recording_writer *writer;
	struct thag_recording_reader reader;
	int fd = sample_file();

	faults.room = UINT64_MAX;
	faults.most = 13;
	faults.interrupts = 3;
	cr_assert_eq(thag_recording_writer_create(&writer, fd, &sample_identity, &faulty), 0);
	cr_assert_eq(write_until_it_fails(writer, 20, 100), 0);
	cr_assert_eq(thag_recording_writer_finish(writer, &ended), 0);
	cr_assert_eq(thag_recording_reader_open(&reader, fd), 0);
	cr_expect_eq(reader.damage_count, 0);
	cr_expect_eq(reader.chunks, 100);
	cr_expect(reader.ended);
	thag_recording_reader_fini(&reader);
	thag_recording_writer_destroy(writer);
	close(fd);
}

Test(recording_faults, a_half_block_that_cannot_be_cut_off_is_left_alone)
{
	struct thag_recording_writer *writer;
	int fd = sample_file();

	faults.most = SIZE_MAX;
	faults.room = 1000;
	faults.error = EIO;
	faults.no_truncate = true;
	cr_assert_eq(thag_recording_writer_create(&writer, fd, &sample_identity, &faulty), 0);
	cr_assert_eq(write_until_it_fails(writer, 20, 1000), -EIO);
	expect_whole(fd, writer, 1);
	thag_recording_writer_destroy(writer);
	close(fd);
}

/* When room comes back, the END says why the rest is missing. */
Test(recording_faults, what_failed_is_said_at_the_end)
{
	struct thag_recording_writer *writer;
	struct thag_recording_reader reader;
	int fd = sample_file();

	faults.most = SIZE_MAX;
	faults.room = 3000;
	faults.error = ENOSPC;
	cr_assert_eq(thag_recording_writer_create(&writer, fd, &sample_identity, &faulty), 0);
	cr_assert_eq(write_until_it_fails(writer, 20, 1000), -ENOSPC);
	faults.room = UINT64_MAX;
	cr_assert_eq(thag_recording_writer_finish(writer, &ended), -ENOSPC);
	cr_assert_eq(thag_recording_reader_open(&reader, fd), 0);
	cr_assert(reader.ended);
	cr_expect_eq(reader.end.ending, THAG_RECORDING_FAILED);
	cr_expect_eq(reader.end.error, ENOSPC);
	cr_expect_eq(reader.chunks, writer->chunks);
	cr_expect_gt(reader.last_index, 0);
	thag_recording_reader_fini(&reader);
	thag_recording_writer_destroy(writer);
	close(fd);
}

Test(recording_faults, a_limit_on_file_sizes_ends_it_at_the_last_whole_block)
{
	const struct rlimit limit = { 100000, 100000 };
	struct thag_recording_writer *writer;
	int fd = sample_file();

	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	cr_assert_eq(thag_recording_writer_create(&writer, fd, &sample_identity, NULL), 0);
	cr_assert_eq(write_until_it_fails(writer, 1000, 1000), -EFBIG);
	cr_expect_eq(writer->chunks, 12);
	expect_whole(fd, writer, 0);
	cr_assert_eq(thag_recording_writer_finish(writer, &ended), -EFBIG);
	expect_whole(fd, writer, 0);
	thag_recording_writer_destroy(writer);
	close(fd);
}

static bool write_line(const char *path, const char *line)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, line, strlen(line)) == (ssize_t)strlen(line);

	if (fd >= 0)
		close(fd);
	return done;
}

/* A file system of our own with room for 256 KiB, where the kernel lets us have one. */
static bool mount_small(const char *path)
{
	char line[32];
	uid_t uid = getuid();

	if (unshare(uid == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) != 0)
		return false;
	snprintf(line, sizeof(line), "0 %d 1", (int)uid);
	return (uid == 0 || write_line("/proc/self/uid_map", line)) &&
	       mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("small", path, "tmpfs", 0, "size=256k") == 0;
}

Test(recording_faults, a_full_file_system_ends_recording_and_journal)
{
	char path[] = "/tmp/thag-recording.XXXXXX";
	struct thag_recording_journal *journal;
	struct thag_recording_writer *writer;
	struct thag_recording_slot *slot;

	cr_assert_not_null(mkdtemp(path));
	if (!mount_small(path)) {
		rmdir(path);
		cr_skip_test("no file system can be mounted here");
	}
	int dir = open(path, O_PATH | O_CLOEXEC);
	int fd = openat(dir, "a.thag", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int journal_fd = openat(dir, "a.thag.open", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	cr_assert_eq(thag_recording_writer_create(&writer, fd, &sample_identity, NULL), 0);
	cr_assert_eq(thag_recording_journal_create(&journal, journal_fd, sample_identity.nonce), 0);
	cr_expect_eq(thag_recording_journal_take(journal, 0, 1, &slot), -ENOSPC);
	cr_assert_eq(write_until_it_fails(writer, 1000, 1000), -ENOSPC);
	cr_expect_geq(writer->chunks, 20);
	expect_whole(fd, writer, 0);
	cr_assert_eq(thag_recording_writer_finish(writer, &ended), -ENOSPC);
	expect_whole(fd, writer, 0);
	thag_recording_writer_destroy(writer);
	thag_recording_journal_destroy(journal);
	close(fd);
	close(journal_fd);
	close(dir);
	umount(path);
	rmdir(path);
}

Test(recording_faults, a_second_writer_is_refused)
{
	struct thag_recording_writer *writer, *second;
	struct thag_recording_resumed resumed;
	int fd = sample_file(), other = sample_open_again(fd);

	cr_assert_eq(thag_recording_writer_create(&writer, fd, &sample_identity, NULL), 0);
	cr_expect_eq(thag_recording_writer_create(&second, other, &sample_identity, NULL), -EBUSY);
	cr_expect_eq(thag_recording_resume(&second, other, sample_identity.nonce, NULL, &resumed),
		     -EBUSY);
	thag_recording_writer_destroy(writer);
	close(fd);
	cr_expect_eq(thag_recording_resume(&second, other, sample_identity.nonce, NULL, &resumed),
		     0);
	thag_recording_writer_destroy(second);
	close(other);
}

Test(recording_faults, what_is_there_is_not_overwritten)
{
	struct thag_recording_writer *writer;
	int fd = sample_file_of("precious", 8), dir = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	cr_expect_eq(thag_recording_writer_create(&writer, fd, &sample_identity, NULL), -EINVAL);
	cr_expect_eq(thag_recording_writer_create(&writer, dir, &sample_identity, NULL), -EINVAL);
	close(fd);
	close(dir);
}
