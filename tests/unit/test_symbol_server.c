/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The process that reads symbols, by its standard input and output. */
#include "thag_symbol_server.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "elf_sample.h"
#include "thag_symbol_request.h"

#define PATH_BYTES 256
#define INTERRUPTED_TIMES 20

static const uint8_t build_id[20] = "twenty bytes of one";
static char directory[] = "/tmp/thag-server.XXXXXX";
static char app[PATH_BYTES];
static int to = -1, from = -1; /* the process's input and output */
static pid_t server;
static _Atomic uint32_t *interrupted;
static const struct rlimit few_files = { 100, 200 };

static void on_alarm(int signal)
{
	(void)signal;
	atomic_fetch_add(interrupted, 1);
}

/* Whatever it does is interrupted again and again, and it has been given less than it may take. */
static void prepare(void)
{
	const struct itimerval often = { { 0, 1000 }, { 0, 1000 } };
	const struct sigaction action = { .sa_handler = on_alarm };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	signal(SIGPIPE, SIG_IGN);
	setrlimit(RLIMIT_NOFILE, &few_files);
}

static pid_t run(int in, int out)
{
	pid_t child = fork();

	cr_assert_geq(child, 0);
	if (child == 0) {
		dup2(in, STDIN_FILENO);
		dup2(out, STDOUT_FILENO);
		prepare();
		_exit(thag_symbol_server_run());
	}
	return child;
}

static void start(void)
{
	int in[2], out[2];

	cr_assert(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
	server = run(in[0], out[1]);
	close(in[0]);
	close(out[1]);
	to = in[1];
	from = out[0];
}

static void begin(void)
{
	cr_assert(mkdtemp(directory));
	snprintf(app, sizeof(app), "%s/app", directory);
	interrupted = mmap(NULL, sizeof(*interrupted), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(interrupted, MAP_FAILED);
	start();
}

/* Ends with its input, and well whatever that was. */
static void expect_end(void)
{
	int status;

	close(to);
	to = -1;
	cr_assert_eq(waitpid(server, &status, 0), server);
	cr_expect_eq(status, 0);
}

static void end(void)
{
	char command[PATH_BYTES];

	if (to >= 0)
		expect_end();
	close(from);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	cr_assert_eq(system(command), 0);
}

TestSuite(symbol_server, .init = begin, .fini = end);

/* It is where it waits, and was interrupted there. */
static void wait_for_interruptions(void)
{
	uint32_t before = atomic_load(interrupted);

	while (atomic_load(interrupted) - before < INTERRUPTED_TIMES)
		sched_yield();
}

/* A program, and a debug file of it, with a function of that name. */
static void write_app(const char *path, const char *function)
{
	const struct elf_sample_symbol symbol = { function, STB_GLOBAL, STT_FUNC, 0x1000, 16 };
	struct elf_sample *elf = elf_sample_create();

	elf_sample_add_code(elf, ELF_SAMPLE_CODE);
	elf_sample_add_id(elf, build_id, sizeof(build_id));
	if (function)
		elf_sample_add_symbols(elf, &symbol, 1);
	/* another file at its path, as a linker leaves */
	unlink(path);
	elf_sample_write(elf, path);
	free(elf);
}

static struct thag_symbol_request_head head_for(const char *path, const char *dirs, uint32_t count)
{
	return (struct thag_symbol_request_head){ .magic = THAG_SYMBOL_REQUEST_MAGIC,
						  .path_bytes = (uint32_t)strlen(path),
						  .dirs_bytes = (uint32_t)strlen(dirs),
						  .address_count = count };
}

/* Sends the request but for its last bytes. */
static void send_but(const struct thag_symbol_request_head *head, const char *dirs, size_t missing)
{
	static uint64_t addresses[THAG_SYMBOL_ADDRESSES_MAX];
	struct thag_buffer out = { 0 };

	for (size_t i = 0; i < THAG_SYMBOL_ADDRESSES_MAX; i++)
		addresses[i] = ELF_SAMPLE_CODE;
	cr_assert_eq(thag_symbol_request_append(&out, head, app, dirs, addresses), 0);
	cr_assert_eq(write(to, out.data, out.bytes - missing), (ssize_t)(out.bytes - missing));
	thag_buffer_fini(&out);
}

/* Reads an answer; its texts stay until the next. */
static void receive(struct thag_symbol *symbol)
{
	static uint8_t bytes[1024];
	size_t got = 0;

	while (thag_symbol_read(bytes, got, symbol) == 0)
		cr_assert_eq(read(from, bytes + got++, 1), 1);
	cr_assert_eq(thag_symbol_read(bytes, got, symbol), (long)got);
}

static void expect_answer(const char *name)
{
	struct thag_symbol symbol;

	receive(&symbol);
	cr_assert_eq(symbol.status, THAG_SYMBOL_FOUND);
	cr_assert_eq(symbol.function.name_bytes, strlen(name));
	cr_expect_arr_eq(symbol.function.name, name, strlen(name));
}

static void expect_status(uint32_t status)
{
	struct thag_symbol symbol;

	receive(&symbol);
	cr_expect_eq(symbol.status, status);
}

Test(symbol_server, a_request_that_is_late_is_waited_for)
{
	struct thag_symbol_request_head head = head_for(app, "", 1);

	write_app(app, "one");
	wait_for_interruptions();
	send_but(&head, "", 0);
	expect_answer("one");
}

Test(symbol_server, answers_that_nobody_takes_yet_are_kept)
{
	struct thag_symbol_request_head head = head_for(app, "", THAG_SYMBOL_ADDRESSES_MAX);

	write_app(app, "a_name_longer_than_most");
	send_but(&head, "", 0);
	wait_for_interruptions();
	for (uint32_t i = 0; i < head.address_count; i++)
		expect_answer("a_name_longer_than_most");
}

Test(symbol_server, ends_when_nobody_takes_its_answers)
{
	struct thag_symbol_request_head head = head_for(app, "", THAG_SYMBOL_ADDRESSES_MAX);
	int status;

	write_app(app, "a_name_longer_than_most");
	close(from);
	from = open("/dev/null", O_RDONLY | O_CLOEXEC);
	send_but(&head, "", 0);
	/* not with its input, which goes on */
	cr_assert_eq(waitpid(server, &status, 0), server);
	cr_expect_eq(status, 0);
	close(to);
	to = -1;
}

/* A byte short: of the head, of the path, of the directories, of the addresses. */
Test(symbol_server, what_is_cut_is_no_request)
{
	struct thag_symbol_request_head head = head_for(app, "/nowhere", 1);
	const size_t rest = thag_symbol_request_rest(&head);
	const size_t missing[] = { rest + 1, rest - head.path_bytes + 1, 1 + 8, 1 };
	char byte;

	write_app(app, "one");
	for (size_t i = 0; i < sizeof(missing) / sizeof(*missing); i++) {
		send_but(&head, "/nowhere", missing[i]);
		expect_end();
		cr_expect_eq(read(from, &byte, 1), 0, "case %zu", i);
		close(from);
		start();
	}
}

Test(symbol_server, ends_at_what_is_no_request)
{
	struct thag_symbol_request_head head = head_for(app, "", 0);
	int status;

	head.magic++;
	cr_assert_eq(write(to, &head, sizeof(head)), (ssize_t)sizeof(head));
	cr_assert_eq(waitpid(server, &status, 0), server);
	cr_expect_eq(status, 0);
	close(to);
	to = -1;
}

Test(symbol_server, ends_when_its_input_cannot_be_read)
{
	int status, in = open(directory, O_RDONLY | O_CLOEXEC);
	pid_t child = run(in, STDOUT_FILENO);

	close(in);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_expect_eq(status, 0);
}

Test(symbol_server, debug_files_are_looked_for_where_the_request_says)
{
	struct thag_symbol_request_head head = head_for(app, directory, 1);
	char path[PATH_BYTES];
	int used;

	write_app(app, NULL);
	used = snprintf(path, sizeof(path), "%s/.build-id", directory);
	mkdir(path, 0700);
	used += snprintf(path + used, sizeof(path) - (size_t)used, "/%02x", build_id[0]);
	mkdir(path, 0700);
	path[used++] = '/';
	for (size_t i = 1; i < sizeof(build_id); i++, used += 2)
		sprintf(path + used, "%02x", build_id[i]);
	strcpy(path + used, ".debug");
	write_app(path, "of_the_debug_file");
	send_but(&head, directory, 0);
	expect_answer("of_the_debug_file");
	head.dirs_bytes = 0;
	send_but(&head, "", 0);
	expect_status(THAG_SYMBOL_STRIPPED);
}

/* Nothing says that it is still the same. */
Test(symbol_server, a_file_without_a_wanted_build_is_opened_anew)
{
	struct thag_symbol_request_head head = head_for(app, "", 1);

	write_app(app, "before");
	send_but(&head, "", 0);
	expect_answer("before");
	write_app(app, "after");
	send_but(&head, "", 0);
	expect_answer("after");
}

Test(symbol_server, a_build_stays_open)
{
	struct thag_symbol_request_head head = head_for(app, "", 1);

	head.build_id_bytes = sizeof(build_id);
	memcpy(head.build_id, build_id, sizeof(build_id));
	send_but(&head, "", 0);
	expect_status(THAG_SYMBOL_MISSING);
	write_app(app, "before");
	send_but(&head, "", 0);
	expect_answer("before");
	unlink(app);
	send_but(&head, "", 0);
	expect_answer("before");
}

Test(symbol_server, limits_that_are_lower_stay)
{
	struct thag_symbol_request_head head = head_for(app, "", 1);
	struct rlimit files, core;

	send_but(&head, "", 0);
	expect_status(THAG_SYMBOL_MISSING);
	cr_assert_eq(prlimit(server, RLIMIT_NOFILE, NULL, &files), 0);
	cr_expect_eq(files.rlim_cur, few_files.rlim_cur);
	cr_expect_eq(files.rlim_max, few_files.rlim_cur);
	cr_assert_eq(prlimit(server, RLIMIT_CORE, NULL, &core), 0);
	cr_expect_eq(core.rlim_max, 0);
}
