/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* thag.hpp in a real child process: what is counted, and what it is called. */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector.h"
#include "cpp_scenes.h"
#include "thag_pretty.h"

#define PATH_BYTES 4096

static size_t read_name(const struct collector *collector, uint32_t site, char *out)
{
	const struct thag_shm_site *entry = &collector->sites[site];
	const char *name = collector->strings + entry->name_offset;

	if (entry->flags & THAG_SITE_PRETTY)
		return thag_pretty(name, entry->name_bytes, out);
	memcpy(out, name, entry->name_bytes);
	return entry->name_bytes;
}

/* The readable names from the root to the node, with a ';' before each. */
static size_t write_path(const struct collector *collector, const struct thag_tree *tree,
			 uint32_t node, char *path)
{
	size_t bytes;

	if (node == THAG_TREE_ROOT)
		return 0;
	bytes = write_path(collector, tree, tree->nodes[node].parent, path);
	path[bytes++] = ';';
	bytes += read_name(collector, tree->nodes[node].site, path + bytes);
	path[bytes] = '\0';
	return bytes;
}

/* Finished calls at the stacks that are `path`. */
static uint64_t calls_at(const struct collector *collector, const char *path)
{
	char found[PATH_BYTES];
	uint64_t calls = 0;

	for (uint32_t i = 0; i < collector->thread_count; i++) {
		const struct thag_tree *tree = &collector->threads[i]->tree;

		for (uint32_t n = 1; n < tree->count; n++) {
			write_path(collector, tree, n, found);
			if (strcmp(found, path) == 0)
				calls += tree->nodes[n].calls;
		}
	}
	return calls;
}

static void expect_calls(const struct collector *collector, const char *path, uint64_t calls)
{
	uint64_t found = calls_at(collector, path);

	cr_expect_eq(found, calls, "%s: %ju calls", path, (uintmax_t)found);
}

static struct collector *run(void (*scene)(void *))
{
	struct collector *collector = collector_start();
	struct collector_counts counts;

	cr_assert_eq(collector_run(collector, scene, NULL), 0);
	counts = collector_counts(collector);
	cr_expect_eq(counts.open, 0);
	cr_expect_eq(counts.unmatched, 0);
	cr_expect_eq(counts.unwound, 0);
	cr_expect_eq(counts.invalid, 0);
	cr_expect_eq(collector->header->misuses[THAG_MISUSE_SECTION], 0);
	return collector;
}

#define AN "{anonymous}::"

Test(cpp, tells_templates_members_and_operators_apart)
{
	struct collector *collector = run(scene_templates);

	expect_calls(collector, ";scene_templates", 1);
	expect_calls(collector, ";scene_templates;" AN "twice<int>", 3);
	expect_calls(collector, ";scene_templates;" AN "twice<std::string>", 1);
	expect_calls(collector, ";scene_templates;" AN "box<int>::box", 2);
	expect_calls(collector, ";scene_templates;" AN "box<int>::~box", 2);
	expect_calls(collector, ";scene_templates;" AN "box<int>::operator<", 1);
	expect_calls(collector, ";scene_templates;" AN "box<int>::as<long>", 1);
	collector_stop(collector);
}

#define LAMBDA(argument) ";scene_lambdas;scene_lambdas::{lambda}<" argument ">"

Test(cpp, counts_lambdas)
{
	struct collector *collector = run(scene_lambdas);
	uint64_t calls = 0;

	expect_calls(collector, LAMBDA("int"), 2);
	expect_calls(collector, LAMBDA("double"), 1);
	for (uint32_t n = 2; n < collector->threads[0]->tree.count; n++)
		calls += collector->threads[0]->tree.nodes[n].calls;
	cr_expect_eq(calls, 3 + 6, "the lambdas in the lambda, whatever they are called");
	collector_stop(collector);
}

Test(cpp, closes_frames_as_exceptions_pass)
{
	struct collector *collector = run(scene_exceptions);

#define RETHROWER ";scene_exceptions;" AN "rethrower"
#define THROWER RETHROWER ";" AN "thrower"
#define SECOND THROWER ";part;" AN "thrower;part"
	expect_calls(collector, RETHROWER, 100);
	expect_calls(collector, THROWER, 100);
	expect_calls(collector, SECOND, 100);
	expect_calls(collector, SECOND ";" AN "noisy::~noisy;caught", 100);
	expect_calls(collector, THROWER ";part;" AN "noisy::~noisy;caught", 100);
	expect_calls(collector, RETHROWER ";" AN "twice<int>", 100);
	expect_calls(collector, ";scene_exceptions;" AN "twice<long>", 100);
	collector_stop(collector);
}

Test(cpp, moves_sections)
{
	static const char *const names[] = { "made", "open", "assigned", "maybe" };
	struct collector *collector = run(scene_moves);

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		cr_expect_eq(collector_calls(collector, names[i]), 1, "%s", names[i]);
	expect_calls(collector, ";scene_moves;made;" AN "twice<int>", 1);
	expect_calls(collector, ";scene_moves;made;open;" AN "twice<int>", 1);
	expect_calls(collector, ";scene_moves;assigned;" AN "twice<int>", 1);
	expect_calls(collector, ";scene_moves;maybe;" AN "twice<int>", 1);
	expect_calls(collector, ";scene_moves;" AN "twice<int>", 1);
	collector_stop(collector);
}

Test(cpp, owns_tasks)
{
	struct collector *collector = collector_start();

	cr_expect_eq(collector_run(collector, scene_tasks, NULL), 0);
	cr_expect_eq(collector->header->misuses[THAG_MISUSE_TASK], 0);
	collector_stop(collector);
}

static uint64_t waits(const struct collector *collector)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < collector->header->slots; i++)
		sum += __atomic_load_n(&collector->slots[i].waits, __ATOMIC_RELAXED);
	return sum;
}

/*
 * A thread that waits for room is cancelled: it goes on to a point of cancellation of its own. In
 * the library, in the constructor of an object, it would have ended the program.
 */
Test(cpp, cancels_no_thread_within_the_library)
{
	struct collector *collector = collector_start();
	int pair[2], status = -1;
	char byte = 0;
	pid_t child;

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	child = fork();
	if (child == 0) {
		scene_cancelled(&pair[1]);
		exit(0);
	}
	collector_accept(collector);
	while (waits(collector) == 0)
		usleep(1000);
	usleep(10000); /* by now it sleeps */
	cr_assert_eq(write(pair[0], &byte, 1), 1);
	cr_assert_eq(read(pair[0], &byte, 1), 1);
	while (waitpid(child, &status, WNOHANG) == 0)
		collector_drain(collector, false);
	cr_expect_eq(status, 0);
	collector_drain(collector, true);
	cr_expect_eq(collector_counts(collector).open, 0);
	cr_expect_gt(collector_calls(collector, "section"), THAG_RING_WORDS / 4);
	close(pair[0]);
	close(pair[1]);
	collector_stop(collector);
}
