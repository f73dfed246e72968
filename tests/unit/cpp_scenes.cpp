/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "cpp_scenes.h"

#include <memory>
#include <optional>
#include <pthread.h>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <unistd.h>
#include <utility>
#include <vector>

#include "thag.hpp"

static_assert(std::is_nothrow_move_constructible_v<thag::section> &&
	      std::is_nothrow_move_assignable_v<thag::section> &&
	      !std::is_copy_constructible_v<thag::section>);
static_assert(!std::is_move_constructible_v<thag::span> &&
	      !std::is_move_constructible_v<thag::task_scope>);
static_assert(std::is_nothrow_move_constructible_v<thag::task> &&
	      !std::is_copy_constructible_v<thag::task>);

namespace
{

template <typename T>
T twice(T value)
{
	THAG_PROFILED();
	return value + value;
}

template <typename T>
struct box {
	T held;

	explicit box(T value) : held(value)
	{
		THAG_PROFILED();
	}
	~box()
	{
		THAG_PROFILED();
	}
	bool operator<(const box &other) const
	{
		THAG_PROFILED();
		return held < other.held;
	}
	template <typename U>
	U as() const
	{
		THAG_PROFILED(both);
		return static_cast<U>(held);
	}
};

/* Throws, and catches, while another exception passes. */
struct noisy {
	~noisy()
	{
		THAG_PROFILED();
		try {
			throw std::logic_error("in a destructor");
		} catch (const std::exception &) {
			thag::span caught(THAG_SITE("caught"));
		}
	}
};

void thrower(int depth)
{
	THAG_PROFILED();
	thag::section part(THAG_SITE("part"));
	noisy object;

	if (depth == 0)
		throw std::runtime_error("at the bottom");
	thrower(depth - 1);
}

void rethrower()
{
	THAG_PROFILED();
	try {
		thrower(1);
	} catch (const std::exception &) {
		twice(1);
		throw;
	}
}

thag::section begin_made()
{
	thag::section made(THAG_SITE("made"));

	return made;
}

struct connection {
	thag::section open{ THAG_SITE("open") };
	std::vector<int> data;
};

void *make_events(void *)
{
	THAG_PROFILED();
	for (;;) {
		thag::section section(THAG_SITE("section"));

		pthread_testcancel();
	}
}

void need(bool right)
{
	if (!right)
		_exit(1);
}

} // namespace

void scene_templates(void *)
{
	THAG_ENABLE_PROFILING(time);
	box<int> small(1), large(2);

	for (int i = 0; i < 3; i++)
		twice(i);
	twice(std::string("a"));
	if (small < large)
		small.as<long>();
}

void scene_lambdas(void *)
{
	THAG_ENABLE_PROFILING(time);
	auto add = [](auto value) {
		THAG_PROFILED();
		auto inner = [&] {
			THAG_PROFILED();
			return value;
		};
		return inner() + inner();
	};

	add(1);
	add(2.5);
	add(3);
}

void scene_exceptions(void *)
{
	THAG_ENABLE_PROFILING(time);
	for (int i = 0; i < 100; i++) {
		try {
			rethrower();
		} catch (const std::runtime_error &) {
			twice(1L);
		}
	}
}

void scene_moves(void *)
{
	THAG_ENABLE_PROFILING(time);
	thag::section nothing, made = begin_made();

	twice(1);
	{
		auto held = std::make_unique<connection>();
		connection other = std::move(*held); /* "open" goes on, in another place */

		held.reset();
		twice(1);
	}
	made = thag::section(THAG_SITE("assigned")); /* ends "made", below "assigned" */
	twice(1);
	made.end();

	std::optional<thag::section> maybe(std::in_place, THAG_SITE("maybe"));

	nothing = std::move(*maybe);
	maybe.reset();
	twice(1);
	nothing = thag::section();
	twice(1);
}

void scene_tasks(void *)
{
	THAG_ENABLE_PROFILING(time);
	thag::task first("request"), second("request"), none;
	const uint64_t id = first.get().id;

	need(id != 0 && second.get().id != 0 && id != second.get().id && none.get().id == 0);
	for (int i = 0; i < 10; i++) {
		const thag::task &task = i % 2 ? first : second;
		thag::task_scope running(task);

		need(thag_task_current().id == task.get().id);
		twice(i);
	}
	need(thag_task_current().id == 0);
	none = std::move(first);
	need(none.get().id == id);
	thag_task_destroy(none.release());
	need(none.get().id == 0);
}

void scene_cancelled(void *argument)
{
	const int socket = *static_cast<int *>(argument);
	char byte;
	void *result;
	pthread_t thread;

	THAG_ENABLE_PROFILING(time);
	need(pthread_create(&thread, nullptr, make_events, nullptr) == 0);
	need(read(socket, &byte, 1) == 1);
	pthread_cancel(thread);
	need(write(socket, &byte, 1) == 1);
	pthread_join(thread, &result);
	need(result == PTHREAD_CANCELED);
}
