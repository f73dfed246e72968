/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file nothing.hpp
 * What thag.hpp comes to in programs that are built without profiling.
 */
#ifndef THAG_NOTHING_HPP
#define THAG_NOTHING_HPP

#include "thag.h"

#define THAG_SITE(name) \
	::thag::site \
	{ \
	}

#define THAG_HPP_INLINE constexpr __attribute__((always_inline)) inline

namespace thag
{

struct site {
};

class [[nodiscard, maybe_unused]] span
{
      public:
	[[nodiscard]] THAG_HPP_INLINE explicit span(site) noexcept
	{
	}

	span(const span &) = delete;
	span &operator=(const span &) = delete;
};

class [[nodiscard, maybe_unused]] section
{
      public:
	THAG_HPP_INLINE section() noexcept
	{
	}

	[[nodiscard]] THAG_HPP_INLINE explicit section(site) noexcept
	{
	}

	section(section &&) noexcept = default;
	section &operator=(section &&) noexcept = default;

	THAG_HPP_INLINE void end() noexcept
	{
	}
};

class [[nodiscard, maybe_unused]] task
{
      public:
	THAG_HPP_INLINE task() noexcept
	{
	}

	[[nodiscard]] THAG_HPP_INLINE explicit task(const char *) noexcept
	{
	}

	task(task &&) noexcept = default;
	task &operator=(task &&) noexcept = default;

	[[nodiscard]] THAG_HPP_INLINE ::thag_task get() const noexcept
	{
		return {};
	}

	[[nodiscard]] THAG_HPP_INLINE ::thag_task release() noexcept
	{
		return {};
	}
};

class [[nodiscard, maybe_unused]] task_scope
{
      public:
	[[nodiscard]] THAG_HPP_INLINE explicit task_scope(::thag_task) noexcept
	{
	}

	[[nodiscard]] THAG_HPP_INLINE explicit task_scope(const task &) noexcept
	{
	}

	task_scope(const task_scope &) = delete;
	task_scope &operator=(const task_scope &) = delete;
};

} // namespace thag

#undef THAG_HPP_INLINE
#endif
