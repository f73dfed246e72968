/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Names of functions from bytes that nobody vouches for. The first byte says what the rest is:
 *
 *   0, 1  what the process that reads symbols answers: parsed here, as thagd parses it
 *   2, 3  a file of the cache: the same
 *   else  an ELF file with DWARF. libdw and libelf stop at some of these by assertions of their
 *         own, and leak at others, which is why thagd reads files in a process of its own. So does
 *         this: a child reads the file as the process would, and whatever becomes of the child,
 *         what it has written is answers, in order, and within their limits. A child that ends by
 *         itself has to do so without memory, too.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "fuzz.h"
#include "thag_symbol_reader.h"
#include "thag_symbol_store.h"

#define ADDRESSES 24
/* where linkers put the code of small libraries, as of those in the corpus */
#define FIRST_ADDRESS 0x2a0
#define OTHER_ADDRESS 0xff0
#define CHILD_CPU_S 5

static void touch(const struct thag_symbol_frame *frame, const uint8_t *data, size_t size)
{
	const char *start = (const char *)data, *end = start + size;

	check(frame->name_bytes >= 1 && frame->name_bytes <= THAG_SYMBOL_TEXT_MAX);
	check(frame->file_bytes <= THAG_SYMBOL_TEXT_MAX);
	check(frame->name >= start && frame->name + frame->name_bytes <= end);
	check(frame->file >= start && frame->file + frame->file_bytes <= end);
}

static void check_symbol(const struct thag_symbol *symbol, const uint8_t *data, size_t size)
{
	check(symbol->status < THAG_SYMBOL_STATUS_COUNT);
	if (symbol->status != THAG_SYMBOL_FOUND) {
		check(symbol->frame_count == 0);
		return;
	}
	check(symbol->frame_count >= 1 && symbol->frame_count <= THAG_SYMBOL_FRAMES_MAX);
	touch(&symbol->function, data, size);
	for (uint32_t i = 0; i < symbol->frame_count; i++)
		touch(&symbol->frames[i], data, size);
}

/* Returns how many answers were whole. */
static uint32_t read_answers(const uint8_t *data, size_t size)
{
	static struct thag_symbol symbol;
	struct thag_buffer again = { 0 };
	uint32_t count = 0;
	size_t at = 0;

	for (;;) {
		long took = thag_symbol_read(data + at, size - at, &symbol);

		check(took <= (long)(size - at));
		if (took <= 0)
			break;
		check_symbol(&symbol, data + at, (size_t)took);
		again.bytes = 0;
		check(thag_symbol_append(&again, &symbol) == 0);
		check(again.bytes == (size_t)took &&
		      memcmp(again.data, data + at, again.bytes) == 0);
		at += (size_t)took;
		count++;
	}
	thag_buffer_fini(&again);
	return count;
}

static void try_store(const uint8_t *data, size_t size)
{
	static const uint8_t build_id[8] = "buildid";
	static struct thag_symbol symbol, other;
	struct thag_symbol_store store;
	uint64_t address;

	if (thag_symbol_store_read(&store, data, size, build_id, sizeof(build_id)) != 0)
		return;
	check(store.bytes.bytes <= size);
	for (size_t at = 0; at + sizeof(address) <= size; at += 16) {
		memcpy(&address, data + at, sizeof(address));
		if (!thag_symbol_store_find(&store, address, &symbol))
			continue;
		check(symbol.address == address && symbol.status == THAG_SYMBOL_FOUND);
		check_symbol(&symbol, store.bytes.data, store.bytes.bytes);
	}
	other = (struct thag_symbol){ .address = 42,
				      .frame_count = 1,
				      .function = { .name = "f", .name_bytes = 1, .line = 3 },
				      .frames = { { .name = "f", .name_bytes = 1 } } };
	check(thag_symbol_store_put(&store, &other) == 0);
	check(thag_symbol_store_find(&store, 42, &symbol) && symbol.function.line == 3);
	thag_symbol_store_fini(&store);
}

static void write_answer(int fd, const struct thag_symbol *symbol)
{
	struct thag_buffer out = { 0 };

	if (is_done(thag_symbol_append(&out, symbol)) &&
	    write(fd, out.data, out.bytes) != (ssize_t)out.bytes)
		_exit(1);
	thag_buffer_fini(&out);
}

/* What the process does; a crash of a library's ends the child, a crash of ours as well. */
static void read_file(const char *path, int fd)
{
	static struct thag_symbol symbol;
	struct thag_symbol_reader_options options = { 0 };
	struct thag_object_query query = { .path = path, .debug_dirs = "/nowhere" };
	struct thag_symbol_reader *reader;

	if (thag_symbol_reader_open(&reader, &query, &options) != THAG_SYMBOL_FOUND)
		_exit(0);
	for (uint64_t i = 0; i < ADDRESSES; i++) {
		thag_symbol_reader_find(reader, (i % 2 ? FIRST_ADDRESS : OTHER_ADDRESS) + i * 3,
					&symbol);
		write_answer(fd, &symbol);
	}
	thag_symbol_reader_close(reader);
	_exit(0);
}

static void confine(void)
{
	const struct rlimit cpu = { CHILD_CPU_S, CHILD_CPU_S }, core = { 0, 0 };

	setrlimit(RLIMIT_CPU, &cpu);
	setrlimit(RLIMIT_CORE, &core);
	/* the fuzzer's own handlers would report an end that is no finding */
	for (int i = 1; i < 32; i++)
		signal(i, SIG_DFL);
	if (!freopen("/dev/null", "w", stderr))
		_exit(1);
}

/* A child ends well when memory is short, if it does else; the signal tells of it as of a crash. */
static void expect_end(int status)
{
	static int with_memory;

	if (!is_short())
		with_memory = status;
	else if (status != 0 && with_memory == 0)
		raise(SIGABRT);
}

static void try_elf(const uint8_t *data, size_t size)
{
	int status, file = memfd_create("elf", 0), answers = memfd_create("answers", 0);
	char path[32];
	pid_t child;

	check(file >= 0 && answers >= 0);
	check(write(file, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	child = fork();
	check(child >= 0);
	if (child == 0) {
		confine();
		read_file(path, answers);
	}
	/* the fuzzer's timer interrupts */
	while (waitpid(child, &status, 0) != child)
		check(errno == EINTR);
	expect_end(status);
	off_t bytes = lseek(answers, 0, SEEK_END);
	uint8_t *got =
		bytes > 0 ? mmap(NULL, (size_t)bytes, PROT_READ, MAP_PRIVATE, answers, 0) : NULL;

	check(got != MAP_FAILED);
	check(!got || read_answers(got, (size_t)bytes) <= ADDRESSES);
	if (got)
		munmap(got, (size_t)bytes);
	close(file);
	close(answers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	if (data[0] < 2)
		read_answers(data + 1, size - 1);
	else if (data[0] < 4)
		try_store(data + 1, size - 1);
	else
		try_elf(data + 1, size - 1);
	return 0;
}
