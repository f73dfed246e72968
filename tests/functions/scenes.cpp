/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * scenes SCENE: things that programs do to a profiler that sees every function. Nothing of thag is
 * in here; run.sh knows how often each function is called.
 */
#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <thread>
#include <vector>

#include <dlfcn.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))

extern char **environ;

extern "C" NOINLINE void leaf(void)
{
	__asm__ volatile("");
}

/* --- C++ --- */

struct Early {
	NOINLINE Early()
	{
		leaf();
	}
	NOINLINE ~Early()
	{
		leaf();
	}
};

static Early early; /* constructed before main, destroyed after it */

struct Shape {
	virtual ~Shape() = default;
	virtual int area() const = 0;
};

struct Square final : Shape {
	explicit Square(int side) : side(side)
	{
	}
	NOINLINE int area() const override
	{
		return side * side;
	}
	int side;
};

template <typename T>
NOINLINE T twice(T value)
{
	return value + value;
}

static NOINLINE int thrower(int depth)
{
	if (depth == 0)
		throw std::runtime_error("as planned");
	return thrower(depth - 1) + 1;
}

static NOINLINE void catcher(void)
{
	try {
		thrower(9);
	} catch (const std::runtime_error &) {
		leaf();
	}
}

static int cpp(void)
{
	auto lambda = [](int x) NOINLINE { return x + 1; };
	std::vector<Square> squares(3, Square(2));
	int sum = 0;

	for (int i = 0; i < 1000; i++) {
		const Shape &shape = squares[static_cast<size_t>(i) % 3];

		sum += shape.area() + twice(i) + static_cast<int>(twice(0.5)) + lambda(i);
		catcher();
	}
	return sum == 1504500 ? 0 : 1;
}

/* --- stacks --- */

static NOINLINE int deep(int n)
{
	return n == 0 ? 0 : deep(n - 1) + 1;
}

static void *deep_thread(void *depth)
{
	return deep(*static_cast<int *>(depth)) < 0 ? depth : nullptr;
}

static int recursion(void)
{
	int depth = 1000000;
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, size_t{ 1 } << 30);
	return pthread_create(&thread, &attributes, deep_thread, &depth) ||
	       pthread_join(thread, nullptr);
}

static jmp_buf target;

static NOINLINE void jumper(int depth)
{
	if (depth > 0)
		jumper(depth - 1);
	else
		std::longjmp(target, 1);
	leaf();
}

static NOINLINE void landing(void)
{
	if (setjmp(target) == 0)
		jumper(4);
	leaf();
}

static int jumps(void)
{
	for (int i = 0; i < 1000; i++)
		landing();
	return 0;
}

static volatile sig_atomic_t handled;

static NOINLINE void handler(int number)
{
	handled = handled + number / number;
	leaf();
}

/* A handler on a stack of its own, which lies above or below the thread's as it happens. */
static int alternate(void)
{
	static char memory[2][65536];
	stack_t stack = {};
	struct sigaction action = {};

	action.sa_handler = handler;
	action.sa_flags = SA_ONSTACK;
	sigaction(SIGUSR1, &action, nullptr);
	for (int i = 0; i < 1000; i++) {
		stack.ss_sp = memory[i % 2];
		stack.ss_size = sizeof(memory[0]);
		sigaltstack(&stack, nullptr);
		raise(SIGUSR1);
		leaf();
	}
	return handled == 1000 ? 0 : 1;
}

/* --- threads and processes --- */

static NOINLINE void worker(void)
{
	for (int i = 0; i < 100000; i++)
		leaf();
}

static int threads(void)
{
	for (int round = 0; round < 10; round++) {
		std::vector<std::thread> all;

		for (int i = 0; i < 4; i++)
			all.emplace_back(worker);
		for (std::thread &thread : all)
			thread.join();
	}
	return 0;
}

static NOINLINE void child_work(void)
{
	for (int i = 0; i < 1000; i++)
		leaf();
}

static int wait_for(pid_t child)
{
	int status = 1;

	return waitpid(child, &status, 0) == child ? status : 1;
}

static int forks(void)
{
	int failed = 0;

	for (int i = 0; i < 3; i++) {
		pid_t child = fork();

		if (child == 0) {
			child_work();
			exit(0);
		}
		failed |= wait_for(child);
	}
	return failed;
}

/* The child runs on our stack until it is another program: what it calls counts as ours. */
static NOINLINE int vforks(void)
{
	int failed = 0;

	for (int i = 0; i < 100; i++) {
		pid_t child = vfork();

		if (child == 0) {
			leaf();
			execl("/bin/true", "true", nullptr);
			_exit(1);
		}
		failed |= wait_for(child);
		leaf();
	}
	return failed;
}

static int spawns(void)
{
	char name[] = "true", *arguments[] = { name, nullptr };
	int failed = 0;

	for (int i = 0; i < 20; i++) {
		pid_t child;

		failed |= posix_spawn(&child, "/bin/true", nullptr, nullptr, arguments, environ) ||
			  wait_for(child);
		leaf();
	}
	return failed;
}

/* --- plugins --- */

/* Two files, one after the other at the same address: PLUGIN_A and PLUGIN_B of the environment. */
static NOINLINE void *use_plugin(const char *variable, int calls)
{
	void *plugin = dlopen(std::getenv(variable), RTLD_NOW);
	auto work =
		plugin ? reinterpret_cast<void (*)(void)>(dlsym(plugin, "plugin_work")) : nullptr;

	for (int i = 0; work && i < calls; i++)
		work();
	if (plugin)
		dlclose(plugin);
	return reinterpret_cast<void *>(work);
}

static int plugins(void)
{
	void *first = use_plugin("PLUGIN_A", 1000);

	for (int i = 0; i < 3; i++)
		if (use_plugin("PLUGIN_B", 10) != first || use_plugin("PLUGIN_A", 100) != first)
			return 1;
	return first ? 0 : 1;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(void);
	} scenes[] = { { "cpp", cpp },	       { "recursion", recursion },
		       { "jumps", jumps },     { "alternate", alternate },
		       { "threads", threads }, { "forks", forks },
		       { "vforks", vforks },   { "spawns", spawns },
		       { "plugins", plugins } };

	for (const auto &scene : scenes)
		if (argc > 1 && std::strcmp(argv[1], scene.name) == 0)
			return scene.run();
	return 2;
}
