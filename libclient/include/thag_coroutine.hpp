/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file thag_coroutine.hpp
 * Tasks for C++20 coroutines: a base for promise types.
 *
 *     struct job {
 *             struct promise_type : thag::task_promise {
 *                     promise_type() : task_promise("job") {}         // a task of its own
 *                     job get_return_object() { … }
 *                     auto initial_suspend() { return start(std::suspend_always{}); }
 *                     auto final_suspend() noexcept { return finish(std::suspend_always{}); }
 *                     void return_void() {}
 *                     void unhandled_exception() { … }
 *             };
 *             …
 *     };
 *
 * The task is created with the coroutine, runs while the coroutine does, on whatever thread, and
 * ends when it finishes or is destroyed. It stops before an awaiter's await_suspend is called,
 * since from there on another thread may go on with the coroutine, and runs again before its
 * await_resume: so what await_suspend does is not the task's. Awaiters that don't suspend,
 * symmetric transfer and exceptions are as in the language.
 *
 * A coroutine that another one awaits is part of the awaiting task, as a function is part of its
 * caller: give its promise no name, and have its awaiter say who awaits.
 *
 *     std::coroutine_handle<> await_suspend(std::coroutine_handle<P> awaiting)
 *     {
 *             child.promise().join(awaiting.promise());
 *             …
 *     }
 *
 * One that has a name stays a task of its own, whoever awaits it: work that runs beside its
 * parent. A coroutine without a name that nobody joined belongs to the thread that runs it.
 *
 * Declare marks and sections in the body as anywhere else. A coroutine that is destroyed while it
 * is suspended closes them in its task. A promise type with an await_transform of its own returns
 * watch(…) from it. Needs gcc ≥ 10.3 with -std=c++20, or clang ≥ 14; where profiling is compiled
 * out, nothing of it is left but empty functions.
 *
 * Thread: a promise's functions are called by its coroutine, on any thread.
 */
#ifndef THAG_COROUTINE_HPP
#define THAG_COROUTINE_HPP

#include <coroutine>
#include <type_traits>
#include <utility>

#include "thag.h"

namespace thag
{

#if !defined(THAG_TIME_PROFILING) && !defined(THAG_FULL_PROFILING)

class task_promise
{
      public:
	task_promise() = default;
	explicit task_promise(const char *)
	{
	}
	void join(const task_promise &)
	{
	}
	template <class A>
	static A &&await_transform(A &&awaitable)
	{
		return static_cast<A &&>(awaitable);
	}
	template <class A>
	static A watch(A &&awaitable)
	{
		return static_cast<A &&>(awaitable);
	}
	template <class A>
	static A start(A awaiter)
	{
		return awaiter;
	}
	template <class A>
	static A finish(A awaiter) noexcept
	{
		return awaiter;
	}
};

#else

class task_promise;

/* Not instrumented itself: it begins on one stack, and ends on another. */
#define THAG_SWITCHES __attribute__((no_instrument_function))

namespace detail
{

/* What `co_await x` awaits: the result of operator co_await where there is one, else x itself. */
template <class A>
decltype(auto) awaiter_of(A &&awaitable)
{
	if constexpr (requires { static_cast<A &&>(awaitable).operator co_await(); })
		return static_cast<A &&>(awaitable).operator co_await();
	else if constexpr (requires { operator co_await(static_cast<A &&>(awaitable)); })
		return operator co_await(static_cast<A &&>(awaitable));
	else
		return static_cast<A &&>(awaitable);
}

/** An awaiter, and the task around it. `A` is a reference, or the awaiter itself. */
template <class A>
class watched
{
      public:
	template <class B>
	watched(task_promise &promise, B &&awaitable)
	    : promise_(promise), awaiter_(awaiter_of(static_cast<B &&>(awaitable)))
	{
	}
	watched(const watched &) = delete;
	watched &operator=(const watched &) = delete;
	THAG_SWITCHES ~watched();

	bool await_ready() noexcept(noexcept(std::declval<A &>().await_ready()))
	{
		return awaiter_.await_ready();
	}
	template <class P>
	THAG_SWITCHES auto await_suspend(std::coroutine_handle<P> coroutine) noexcept(
		noexcept(std::declval<A &>().await_suspend(coroutine)));
	THAG_SWITCHES decltype(auto)
	await_resume() noexcept(noexcept(std::declval<A &>().await_resume()));

      private:
	task_promise &promise_;
	A awaiter_;
	bool suspended_ = false;
};

/** The awaiter of final_suspend: the task is over before anybody hears of it. */
template <class A>
class finishing
{
      public:
	finishing(task_promise &promise, A &&awaiter) noexcept
	    : promise_(promise), awaiter_(static_cast<A &&>(awaiter))
	{
	}
	THAG_SWITCHES bool await_ready() noexcept;
	template <class P>
	auto await_suspend(std::coroutine_handle<P> coroutine) noexcept
	{
		return awaiter_.await_suspend(coroutine);
	}
	void await_resume() noexcept
	{
		awaiter_.await_resume();
	}

      private:
	task_promise &promise_;
	A awaiter_;
};

} // namespace detail

/** The base of a promise type whose coroutine is a task, or a part of one. */
class task_promise
{
      public:
	/** Part of the task of whoever awaits it. */
	task_promise() = default;
	/** A task of its own, with this name. */
	explicit task_promise(const char *name) : task_(thag_task_create(name)), owner_(true)
	{
	}
	task_promise(const task_promise &) = delete;
	task_promise &operator=(const task_promise &) = delete;
	THAG_SWITCHES ~task_promise()
	{
		end();
	}

	/** `awaiting` awaits this coroutine, which is part of its task unless it has its own. */
	void join(const task_promise &awaiting) noexcept
	{
		if (!owner_)
			task_ = awaiting.task_;
	}

	/** What a promise type with an await_transform of its own returns from it. */
	template <class A>
	auto watch(A &&awaitable)
	{
		using found = decltype(detail::awaiter_of(static_cast<A &&>(awaitable)));
		/* a temporary of its caller's will be gone when it is awaited */
		using awaiter = std::conditional_t<std::is_rvalue_reference_v<found>,
						   std::remove_reference_t<found>, found>;

		return detail::watched<awaiter>(*this, static_cast<A &&>(awaitable));
	}
	template <class A>
	auto await_transform(A &&awaitable)
	{
		using awaiter = decltype(detail::awaiter_of(static_cast<A &&>(awaitable)));

		return detail::watched<awaiter>(*this, static_cast<A &&>(awaitable));
	}

	/** For initial_suspend to return: the task runs from when the body does. */
	template <class A>
	auto start(A awaiter)
	{
		return starting<A>(*this, std::move(awaiter));
	}

	/** For final_suspend to return: the task ends here. */
	template <class A>
	auto finish(A awaiter) noexcept
	{
		return detail::finishing<A>(*this, std::move(awaiter));
	}

      private:
	template <class>
	friend class detail::watched;
	template <class>
	friend class detail::finishing;

	THAG_SWITCHES void suspend() noexcept
	{
		runs_ = false;
		thag_task_suspend(task_);
	}
	THAG_SWITCHES void resume() noexcept
	{
		thag_task_resume(task_);
		runs_ = true;
	}
	/*
	 * The coroutine is destroyed where it waits: its marks are still to be closed. A part of a
	 * coroutine that is destroyed, too, finds the task running already.
	 */
	THAG_SWITCHES void close() noexcept
	{
		runs_ = thag_task_try_resume(task_) == 0;
	}
	THAG_SWITCHES void end() noexcept
	{
		if (owner_)
			thag_task_destroy(task_);
		else if (runs_)
			thag_task_suspend(task_);
		task_ = {};
		owner_ = runs_ = false;
	}

	/* The initial awaiter: await_resume comes first of all, suspended or not. */
	template <class A>
	class starting
	{
	      public:
		starting(task_promise &promise, A &&awaiter)
		    : promise_(promise), awaiter_(std::move(awaiter))
		{
		}
		bool await_ready()
		{
			return awaiter_.await_ready();
		}
		template <class P>
		auto await_suspend(std::coroutine_handle<P> coroutine)
		{
			return awaiter_.await_suspend(coroutine);
		}
		THAG_SWITCHES void await_resume()
		{
			promise_.resume();
			awaiter_.await_resume();
		}

	      private:
		task_promise &promise_;
		A awaiter_;
	};

	struct thag_task task_ = {};
	bool owner_ = false;
	bool runs_ = false;
};

namespace detail
{

template <class A>
watched<A>::~watched()
{
	if (suspended_)
		promise_.close();
}

template <class A>
template <class P>
auto watched<A>::await_suspend(std::coroutine_handle<P> coroutine) noexcept(
	noexcept(std::declval<A &>().await_suspend(coroutine)))
{
	suspended_ = true;
	promise_.suspend();
	/* from here on another thread may have the coroutine, and with it this object */
	if constexpr (noexcept(awaiter_.await_suspend(coroutine))) {
		return awaiter_.await_suspend(coroutine);
	} else {
		try {
			return awaiter_.await_suspend(coroutine);
		} catch (...) {
			/* not suspended, then: the coroutine goes on with the exception */
			suspended_ = false;
			promise_.resume();
			throw;
		}
	}
}

template <class A>
decltype(auto) watched<A>::await_resume() noexcept(noexcept(std::declval<A &>().await_resume()))
{
	if (suspended_) {
		suspended_ = false;
		promise_.resume();
	}
	return awaiter_.await_resume();
}

template <class A>
bool finishing<A>::await_ready() noexcept
{
	promise_.end();
	return awaiter_.await_ready();
}

} // namespace detail

#undef THAG_SWITCHES
#endif
} // namespace thag
#endif
