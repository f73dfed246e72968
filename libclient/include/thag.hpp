/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file thag.hpp
 * thag.h for C++: readable names, and sections and tasks as objects.
 *
 *     #include <thag.hpp>
 *
 *     template <typename T> void queue<T>::push(T value)
 *     {
 *             THAG_PROFILED();                         // "queue<int>::push"
 *             …
 *     }
 *
 *     class connection {
 *             thag::section open{ THAG_SITE("open") }; // as long as the object lives
 *             …
 *     };
 *
 * Everything of thag.h is here as well. THAG_PROFILED() names its function by
 * __PRETTY_FUNCTION__, so member functions, templates, lambdas and operators can be told apart;
 * thagd makes that readable. It works wherever a local static variable may stand: not in a
 * constexpr function. Without THAG_TIME_PROFILING and THAG_FULL_PROFILING the macros expand to
 * nothing, and the classes are empty and do nothing.
 *
 * Nothing here throws, allocates or has virtual functions; each member costs what the C call it
 * stands for does. Thread, context: as in thag.h. Needs C++17, gcc ≥ 10 or clang ≥ 14.
 */
#ifndef THAG_HPP
#define THAG_HPP

#include "thag.h"

#if !defined(THAG_TIME_PROFILING) && !defined(THAG_FULL_PROFILING)
#include "thag/nothing.hpp"
#else

#undef THAG_PROFILED
#undef THAG_PROFILED_AS

/** First statement of a function, a member function, a lambda: see thag.h. */
#define THAG_PROFILED(...) \
	THAG_PROFILED_AS(THAG_KINDS_##__VA_ARGS__, THAG_SITE_PRETTY, __PRETTY_FUNCTION__)

/** The same with a name of your own. Named by its line: a lambda's doesn't shadow its function's.
 */
#define THAG_PROFILED_AS(kinds, flags, name) THAG_PROFILED_ON_(kinds, flags, name, __LINE__)
#define THAG_PROFILED_ON_(kinds, flags, name, line) THAG_PROFILED_AT_(kinds, flags, name, line)
#define THAG_PROFILED_AT_(kinds, flags, name, line) \
	static ::thag::site thag_site_##line = { \
		0, THAG_SITE_FUNCTION, kinds, flags, line, 0, name, __FILE__ \
	}; \
	__attribute__((cleanup(thag_span_exit), unused)) ::thag_span thag_span_##line = \
		::thag_span_enter(&thag_site_##line)

/**
 * A place in the source, called `name` (a literal): a static object, one for each place this
 * stands at, for thag::section and thag::span.
 */
#define THAG_SITE(name) \
	([]() noexcept -> ::thag::site & { \
		static ::thag::site here = { 0,	   THAG_SITE_SECTION, THAG_BOTH, 0, __LINE__, 0, \
					     name, __FILE__ }; \
		return here; \
	}())

#define THAG_HPP_INLINE __attribute__((always_inline)) inline

namespace thag
{

using site = ::thag_site;

/**
 * A part of a function, up to the end of the scope. Cheaper than a section: as a call. In return
 * it ends whatever was begun after it, so it stays where it is: neither copied nor moved.
 */
class [[nodiscard]] span
{
      public:
	[[nodiscard]] THAG_HPP_INLINE explicit span(site &where) noexcept
	    : span_(::thag_span_enter(&where))
	{
	}

	THAG_HPP_INLINE ~span()
	{
		::thag_span_exit(&span_);
	}

	span(const span &) = delete;
	span &operator=(const span &) = delete;

      private:
	::thag_span span_;
};

/**
 * Recorded from its construction to end(), or its destruction. Sections may nest and overlap, and
 * be moved: to a member, to a container, out of a function. One that was moved from, or made
 * without a site, is none. It ends on the thread, or in the task, it was begun on.
 */
class [[nodiscard]] section
{
      public:
	section() noexcept = default;

	[[nodiscard]] THAG_HPP_INLINE explicit section(site &where) noexcept
	    : section_(::thag_section_begin(&where))
	{
	}

	THAG_HPP_INLINE section(section &&other) noexcept : section_(other.section_)
	{
		other.section_ = none();
	}

	/** Ends the section that this was. */
	THAG_HPP_INLINE section &operator=(section &&other) noexcept
	{
		if (this != &other) {
			::thag_section_end(&section_);
			section_ = other.section_;
			other.section_ = none();
		}
		return *this;
	}

	THAG_HPP_INLINE ~section()
	{
		::thag_section_end(&section_);
	}

	/** Ends it now. Once more is harmless, and counted as a mistake. */
	THAG_HPP_INLINE void end() noexcept
	{
		::thag_section_end_early(&section_);
	}

      private:
	static constexpr ::thag_section none() noexcept
	{
		return { THAG_SPAN_OFF, 0, 0, 0 };
	}

	::thag_section section_ = none();
};

/** Owns a task: it ends with this object. See thag_task_create. */
class [[nodiscard]] task
{
      public:
	task() noexcept = default;

	[[nodiscard]] explicit task(const char *name) noexcept : task_(::thag_task_create(name))
	{
	}

	task(task &&other) noexcept : task_(other.release())
	{
	}

	/** Destroys the task that this owned. */
	task &operator=(task &&other) noexcept
	{
		if (this != &other) {
			destroy();
			task_ = other.release();
		}
		return *this;
	}

	~task()
	{
		destroy();
	}

	/** The task, still owned by this object. */
	[[nodiscard]] ::thag_task get() const noexcept
	{
		return task_;
	}

	/** The task, which whoever calls this destroys by thag_task_destroy. */
	[[nodiscard]] ::thag_task release() noexcept
	{
		::thag_task released = task_;

		task_ = ::thag_task{ 0 };
		return released;
	}

      private:
	void destroy() noexcept
	{
		if (task_.id)
			::thag_task_destroy(task_);
	}

	::thag_task task_ = { 0 };
};

/** Runs a task on this thread, to the end of the scope. */
class [[nodiscard]] task_scope
{
      public:
	/* not instrumented itself: it begins on one stack, and ends on another */
	[[nodiscard]] __attribute__((no_instrument_function)) explicit task_scope(
		::thag_task which) noexcept
	    : task_(which)
	{
		::thag_task_resume(task_);
	}

	[[nodiscard]] explicit task_scope(const task &owner) noexcept : task_scope(owner.get())
	{
	}

	__attribute__((no_instrument_function)) ~task_scope()
	{
		::thag_task_suspend(task_);
	}

	task_scope(const task_scope &) = delete;
	task_scope &operator=(const task_scope &) = delete;

      private:
	::thag_task task_;
};

} // namespace thag

#undef THAG_HPP_INLINE
#endif
#endif
