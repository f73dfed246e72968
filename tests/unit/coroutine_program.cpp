/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What test_coroutines.c runs: C++20 coroutines in every way they go on, or don't. */
#include <coroutine>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <type_traits>
#include <unistd.h>
#include <utility>

#include "thag.h"
#include "thag_coroutine.hpp"

namespace
{

void need(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "%s\n", what);
	_exit(1);
}

bool none_runs()
{
	return thag_task_current().id == 0;
}

__attribute__((noinline)) void leaf()
{
	THAG_PROFILED();
	__asm__ volatile("");
}

/* The coroutine that waits, when that is not the one its owner knows. */
std::coroutine_handle<> waiting;

struct pause : std::suspend_always {
	void await_suspend(std::coroutine_handle<> coroutine) const
	{
		waiting = coroutine;
	}
};

struct back {
	bool await_ready() const noexcept
	{
		return false;
	}
	template <class P>
	std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) noexcept
	{
		return self.promise().awaiting;
	}
	void await_resume() const noexcept
	{
	}
};

/** A coroutine that whoever has it resumes, or another one awaits. */
class routine
{
      public:
	struct promise_type : thag::task_promise {
		promise_type() = default;
		template <class... Rest>
		explicit promise_type(const char *name, Rest &&...) : task_promise(name)
		{
		}
		routine get_return_object()
		{
			return routine(std::coroutine_handle<promise_type>::from_promise(*this));
		}
		auto initial_suspend()
		{
			return start(std::suspend_always{});
		}
		auto final_suspend() noexcept
		{
			return finish(back{});
		}
		void return_void()
		{
		}
		void unhandled_exception()
		{
			thrown = std::current_exception();
		}

		std::exception_ptr thrown;
		std::coroutine_handle<> awaiting = std::noop_coroutine();
	};

	explicit routine(std::coroutine_handle<promise_type> self) : self_(self)
	{
	}
	routine(routine &&from) noexcept : self_(std::exchange(from.self_, nullptr))
	{
	}
	routine &operator=(routine &&) = delete;
	~routine()
	{
		if (self_)
			self_.destroy();
	}
	bool step()
	{
		(waiting ? std::exchange(waiting, nullptr) : self_).resume();
		need(none_runs(), "the task stops with the coroutine");
		return !self_.done();
	}
	bool await_ready() const noexcept
	{
		return false;
	}
	template <class P>
	std::coroutine_handle<> await_suspend(std::coroutine_handle<P> awaiting)
	{
		self_.promise().join(awaiting.promise());
		self_.promise().awaiting = awaiting;
		return self_;
	}
	void await_resume()
	{
		if (self_.promise().thrown)
			std::rethrow_exception(self_.promise().thrown);
	}

      private:
	std::coroutine_handle<promise_type> self_;
};

struct refuses {
	bool await_ready() const noexcept
	{
		return false;
	}
	bool await_suspend(std::coroutine_handle<>) const
	{
		need(none_runs(), "await_suspend is not the task's");
		return false;
	}
	int await_resume() const
	{
		need(!none_runs(), "await_resume is");
		return 7;
	}
};

struct throws_in_suspend : std::suspend_always {
	void await_suspend(std::coroutine_handle<>) const
	{
		throw std::runtime_error("suspend");
	}
};

struct throws_in_resume : std::suspend_always {
	void await_resume() const
	{
		throw std::runtime_error("resume");
	}
};

/* Resumed before its await_suspend returns. */
struct at_once : std::suspend_always {
	void await_suspend(std::coroutine_handle<> coroutine) const
	{
		coroutine.resume();
	}
};

struct immovable : std::suspend_always {
	immovable() = default;
	immovable(const immovable &) = delete;
};

struct by_member {
	immovable operator co_await() const
	{
		return {};
	}
};

struct by_function {
};

immovable operator co_await(by_function)
{
	return {};
}

routine awaits(const char *)
{
	THAG_PROFILED();
	std::suspend_always again;
	int thrown = 0;

	co_await std::suspend_never{};
	leaf();
	need(co_await refuses{} == 7, "its value");
	leaf();
	co_await again;
	leaf();
	co_await immovable{};
	leaf();
	co_await by_member{};
	leaf();
	co_await by_function{};
	leaf();
	try {
		co_await throws_in_suspend{};
	} catch (const std::runtime_error &) {
		thrown++;
	}
	leaf();
	try {
		co_await throws_in_resume{};
	} catch (const std::runtime_error &) {
		thrown++;
	}
	leaf();
	co_await at_once{};
	leaf();
	need(thrown == 2, "both");
}

routine counts_down(int depth)
{
	THAG_PROFILED();
	if (depth > 0)
		co_await counts_down(depth - 1);
	else
		co_await pause{};
	leaf();
}

routine throws()
{
	THAG_PROFILED();
	co_await pause{};
	throw std::runtime_error("child");
}

routine own_task(const char *)
{
	THAG_PROFILED();
	leaf();
	co_await pause{};
	leaf();
}

routine parent(const char *)
{
	THAG_PROFILED();
	bool caught = false;

	co_await counts_down(2);
	leaf();
	try {
		co_await throws();
	} catch (const std::runtime_error &) {
		caught = true;
	}
	need(caught, "a child's exception");
	co_await own_task("child");
	leaf();
}

/* Leaves a call when it is destroyed. */
struct guard {
	~guard()
	{
		leaf();
	}
};

routine waits()
{
	THAG_PROFILED();
	guard second;

	co_await std::suspend_always{};
}

routine abandoned(const char *)
{
	THAG_PROFILED();
	guard first;

	co_await waits();
}

/** A promise type with an await_transform of its own. */
struct chooser {
	struct promise_type : thag::task_promise {
		promise_type() : task_promise("chooser")
		{
		}
		chooser get_return_object()
		{
			return { std::coroutine_handle<promise_type>::from_promise(*this) };
		}
		auto initial_suspend()
		{
			return start(std::suspend_never{});
		}
		auto final_suspend() noexcept
		{
			return finish(std::suspend_never{});
		}
		auto await_transform(int)
		{
			return watch(std::suspend_always{});
		}
		void return_void()
		{
		}
		void unhandled_exception()
		{
			std::terminate();
		}
	};
	std::coroutine_handle<promise_type> self;
};

chooser chooses()
{
	THAG_PROFILED();
	co_await 1;
	leaf();
}

} // namespace

extern "C" {

void program_awaits(void *);
void program_nested(void *);
void program_abandoned(void *);
void program_unnamed(void *);

void program_awaits(void *)
{
	thag_start("time");
	routine all = awaits("awaits");
	chooser other = chooses();

	while (all.step())
		;
	need(none_runs(), "nothing runs");
	other.self.resume();
	need(none_runs(), "nothing runs");
}

void program_nested(void *)
{
	thag_start("time");
	routine all = parent("parent");

	while (all.step())
		;
}

void program_abandoned(void *)
{
	thag_start("time");
	{
		routine never_started = abandoned("unstarted");
		routine started = abandoned("waiting");
		routine child = waits();

		started.step();
		child.step();
	}
	need(none_runs(), "nothing runs");
	leaf();
}

void program_unnamed(void *)
{
	thag_start("time");
	routine all = counts_down(1);

	while (all.step())
		;
}
}
