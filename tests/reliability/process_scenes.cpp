/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Scenes of processes, threads and stacks; see scenes.cpp. */
#include <cerrno>
#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scenes.hpp"
#include "thag.h"
#include "thag_coroutine.h"

/* --- threads --- */

/* What a process has of its own, in KiB; pid 0: this one. */
static long anonymous_kb(int pid)
{
	char line[256];
	long kb = 0;
	FILE *status;

	snprintf(line, sizeof(line), "/proc/%d/status", pid ? pid : static_cast<int>(getpid()));
	status = fopen(line, "re");
	need(status != nullptr);
	while (fgets(line, sizeof(line), status))
		if (strncmp(line, "RssAnon:", 8) == 0)
			kb = strtol(line + 8, nullptr, 10);
	fclose(status);
	return kb;
}

static void *one_leaf(void *)
{
	leaf();
	return nullptr;
}

/* THREADS of them; from the tenth part on neither this process nor thagd (DAEMON) grows. */
static void short_threads()
{
	int count = number_of("THREADS", 10000), daemon = number_of("DAEMON", 0);
	long own = 0, its = 0;

	for (int i = 0; i < count; i++) {
		if (daemon && i == count / 10) {
			own = anonymous_kb(0);
			its = anonymous_kb(daemon);
		}
		run_thread(one_leaf);
	}
	if (daemon) {
		fprintf(stderr, "grown by %ld KiB, thagd by %ld KiB\n", anonymous_kb(0) - own,
			anonymous_kb(daemon) - its);
		if (anonymous_kb(0) - own > 1024 || anonymous_kb(daemon) - its > 2048)
			_exit(1);
	}
	expect(1 + count);
}

/* No destructor, no handler, no clean-up runs. */
static void *end_by_system_call(void *)
{
	THAG_PROFILED();
	leaves(3);
	syscall(SYS_exit, 0);
	return nullptr;
}

/* More of them than there are rings. */
static void raw_exits()
{
	for (int i = 0; i < 3000; i++)
		run_thread(end_by_system_call);
	expect(1 + 3 * 3000);
}

/* --- processes --- */

static int go_on = 1;

static void *use_heap(void *made)
{
	int *count = static_cast<int *>(made);

	for (; __atomic_load_n(&go_on, __ATOMIC_RELAXED); ++*count) {
		free(malloc(static_cast<size_t>(*count) % 5000));
		leaf();
	}
	return nullptr;
}

static void child_with_heap()
{
	for (int i = 0; i < 50; i++) {
		free(malloc(100));
		leaf();
	}
	expect(50);
	exit(0);
}

/* malloc's locks are held, for its fork handlers didn't run: only marks are safe here. */
static void child_without_heap()
{
	char line[32];
	int bytes;

	leaves(50);
	bytes = snprintf(line, sizeof(line), "%d 50\n", static_cast<int>(syscall(SYS_getpid)));
	_exit(write(STDOUT_FILENO, line, static_cast<size_t>(bytes)) != bytes);
}

/* Children of a process whose other threads are in malloc; one that hangs is ended by its alarm. */
static void fork_under_malloc(pid_t (*forked)(), void (*child)())
{
	pthread_t threads[3];
	int made[3] = { 0, 0, 0 }, status;

	need(thag_enable(THAG_BOTH) == 0);
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], nullptr, use_heap, &made[i]);
	for (int i = 0; i < 20; i++) {
		pid_t pid = forked();

		if (pid == 0) {
			alarm(30);
			child();
		}
		need(waitpid(pid, &status, 0) == pid);
		need(status == 0);
	}
	__atomic_store_n(&go_on, 0, __ATOMIC_RELAXED);
	for (pthread_t thread : threads)
		pthread_join(thread, nullptr);
	expect(1 + made[0] + made[1] + made[2]);
}

static pid_t raw_fork()
{
	return static_cast<pid_t>(syscall(SYS_fork));
}

static void fork_malloc()
{
	fork_under_malloc(fork, child_with_heap);
}

static void fork_raw_malloc()
{
	fork_under_malloc(raw_fork, child_without_heap);
}

/* The child runs on its parent's stack, and with its ring: its calls are the parent's. */
static void vforks()
{
	for (volatile int i = 0; i < 20; i = i + 1) {
		pid_t child = vfork();

		if (child == 0) {
			leaf();
			execl("/bin/true", "true", static_cast<char *>(nullptr));
			_exit(1);
		}
		need(waitpid(child, nullptr, 0) == child);
		leaf();
	}
	expect(1 + 40);
}

#define LINKS 10

static void *next_program(void *)
{
	int link = number_of("LINK", 0) + 1;
	char text[16];

	leaves(5);
	expect(5); /* main never returns */
	snprintf(text, sizeof(text), "%d", link);
	setenv("LINK", text, 1);
	execl(self, self, "exec", static_cast<char *>(nullptr));
	_exit(1);
}

/* One process, ten programs in turn; every other one's last act is another thread's. */
static void exec_chain()
{
	int link = number_of("LINK", 0);

	if (link + 1 == LINKS) {
		leaves(5);
		expect(1 + 5);
	} else if (link % 2) {
		run_thread(next_program);
	} else {
		next_program(nullptr);
	}
}

/* --- descriptors --- */

static void close_by(void (*close_them)())
{
	leaves(10);
	close_them();
	leaves(100000);
	expect(1 + 100010);
}

static void close_all()
{
	close_by([] { syscall(SYS_close_range, 3u, ~0u, 0u); });
}

static void close_from()
{
	close_by([] { closefrom(3); });
}

static void close_each()
{
	close_by([] {
		for (int fd = 3; fd < 1024; fd++)
			close(fd);
	});
}

/* The parent is over at once, without a word; the child has no terminal, and none of its files. */
static void become_daemon()
{
	int out = fcntl(STDOUT_FILENO, F_DUPFD, 10);

	leaves(10);
	expect(10);
	need(daemon(0, 0) == 0);
	dup2(out, STDOUT_FILENO);
	leaves(20);
	expect(20);
	closefrom(3);
	exit(0);
}

static bool is_null(int fd)
{
	struct stat null, other;

	return stat("/dev/null", &null) == 0 && fstat(fd, &other) == 0 &&
	       other.st_rdev == null.st_rdev;
}

/* Descriptors of its own where ours were: they stay open, in its children, too. */
static void reuse_descriptors()
{
	int status;

	leaf();
	closefrom(3);
	for (int fd = 3; fd < 300; fd++)
		need(open("/dev/null", O_RDONLY | O_CLOEXEC) == fd);
	leaf();
	for (int i = 0; i < 2; i++) {
		pid_t child = fork();

		if (child == 0) {
			leaves(10);
			for (int fd = 3; fd < 300; fd++)
				need(is_null(fd));
			expect(10);
			exit(0);
		}
		need(waitpid(child, &status, 0) == child);
		need(status == 0);
	}
	expect(1 + 2);
}

static int take_all_descriptors()
{
	int last = -1;

	limit(RLIMIT_NOFILE, 64);
	for (int fd; (fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;)
		last = fd;
	need(errno == EMFILE);
	return last;
}

static int last_taken;

static void no_descriptors()
{
	last_taken = take_all_descriptors();
}

/* Unprofiled, until there are some, and somebody asks for it. */
static void some_descriptors()
{
	leaves(100);
	for (int fd = last_taken; fd > last_taken - 10; fd--)
		close(fd);
	need(thag_enable(THAG_TIME) == 0);
	leaves(50);
	expect(50); /* main was entered unprofiled */
}

/* The child can't introduce itself, and the parent goes on. */
static void no_descriptors_for_a_child()
{
	int status;
	pid_t child;

	leaves(10);
	take_all_descriptors();
	child = fork();
	if (child == 0) {
		leaves(1000);
		_exit(0);
	}
	need(waitpid(child, &status, 0) == child);
	need(status == 0);
	leaves(10);
	expect(1 + 20);
}

/* --- what is said where nobody can hear it --- */

static void say_to_closed_pipe()
{
	int ends[2];

	need(pipe(ends) == 0);
	close(ends[0]);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
}

static void say_to_full_file()
{
	char path[] = "/tmp/thag-full-XXXXXX";
	int fd = mkstemp(path);

	need(fd >= 0);
	unlink(path);
	dup2(fd, STDERR_FILENO);
	close(fd);
	limit(RLIMIT_FSIZE, 0);
}

static void some_calls()
{
	leaves(1000);
}

/* --- libraries --- */

/* Calls it so often, and returns where it was. */
static const void *use_plugin(const char *name, int calls)
{
	char path[4096];
	const link_map *map = nullptr;
	const void *base;
	void *library;
	void (*entry)();

	snprintf(path, sizeof(path), "%s", self);
	snprintf(strrchr(path, '/'), 64, "/libplugin_%s.so", name);
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	need(library != nullptr);
	entry = reinterpret_cast<void (*)()>(dlsym(library, "plugin_entry"));
	need(entry != nullptr);
	need(dlinfo(library, RTLD_DI_LINKMAP, static_cast<void *>(&map)) == 0);
	base = reinterpret_cast<const void *>(map->l_addr);
	while (calls--)
		entry();
	dlclose(library);
	return base;
}

/* Each lies where the other was. */
static void reload()
{
	const void *first = use_plugin("first", 100);

	for (int i = 0; i < 10; i++) {
		need(use_plugin("other", 3) == first);
		need(use_plugin("first", 20) == first);
	}
	expect(1 + 100 + 10 * 23);
}

/* --- stacks --- */

static jmp_buf landing;

static __attribute__((noinline)) void jump_from(int depth)
{
	THAG_PROFILED();
	THAG_SECTION(section, "before the jump");
	if (depth > 0)
		jump_from(depth - 1);
	else if (depth == 0)
		longjmp(landing, 1);
}

static void jumps()
{
	for (volatile int i = 0; i < 1000; i = i + 1) {
		if (setjmp(landing) == 0)
			jump_from(9);
		leaf();
	}
	/* one end closes all that a jump leaves */
	expect(1 + 2 * 1000);
}

#define COROUTINES 10
#define TURNS 100

static ucontext_t scheduler, contexts[COROUTINES];
static struct thag_task tasks[COROUTINES];

/* As deep as its number; it yields at the bottom, with all of it open. */
static __attribute__((noinline)) void descend(int which, int depth)
{
	THAG_PROFILED();
	if (depth) {
		descend(which, depth - 1);
		return;
	}
	for (int i = 0; i < TURNS; i++) {
		leaf();
		swapcontext(&contexts[which], &scheduler);
	}
}

static void coroutine(int which)
{
	descend(which, which);
}

static void make_coroutine(int which)
{
	ucontext_t *context = &contexts[which];

	getcontext(context);
	context->uc_stack.ss_size = 256 << 10;
	context->uc_stack.ss_sp = malloc(context->uc_stack.ss_size);
	context->uc_link = &scheduler;
	makecontext(context, reinterpret_cast<void (*)()>(coroutine), 1, which);
}

static void coroutines()
{
	int opened = 0;

	for (int i = 0; i < COROUTINES; i++) {
		make_coroutine(i);
		tasks[i] = thag_task_create("coroutine");
		opened += i + 1;
	}
	for (int turn = 0; turn <= TURNS; turn++)
		for (int i = 0; i < COROUTINES; i++)
			thag_swapcontext(&scheduler, &contexts[i], tasks[i]);
	for (struct thag_task task : tasks)
		thag_task_destroy(task);
	expect(1 + opened + COROUTINES * TURNS);
}

/* thag isn't told: which stack a call is on can't be known, but nothing comes to harm. */
static void bare_coroutines()
{
	for (int i = 0; i < COROUTINES; i++)
		make_coroutine(i);
	for (int turn = 0; turn <= TURNS; turn++)
		for (int i = 0; i < COROUTINES; i++)
			swapcontext(&scheduler, &contexts[i]);
}

const scene process_scenes[] = {
	{ "short-threads", short_threads, nullptr },
	{ "raw-exits", raw_exits, nullptr },
	{ "fork-malloc", fork_malloc, nullptr },
	{ "fork-raw-malloc", fork_raw_malloc, nullptr },
	{ "vfork", vforks, nullptr },
	{ "exec", exec_chain, nullptr },
	{ "close-all", close_all, nullptr },
	{ "closefrom", close_from, nullptr },
	{ "close-each", close_each, nullptr },
	{ "daemon", become_daemon, nullptr },
	{ "reuse-descriptors", reuse_descriptors, nullptr },
	{ "emfile", some_descriptors, no_descriptors },
	{ "emfile-fork", no_descriptors_for_a_child, nullptr },
	{ "calls", some_calls, nullptr },
	{ "closed-pipe", some_calls, say_to_closed_pipe },
	{ "full-file", some_calls, say_to_full_file },
	{ "reload", reload, nullptr },
	{ "longjmp", jumps, nullptr },
	{ "coroutines", coroutines, nullptr },
	{ "bare-coroutines", bare_coroutines, nullptr },
	{ nullptr, nullptr, nullptr },
};
