/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file nothing.h
 * What thag.h comes to in programs that are built without profiling.
 */
#ifndef THAG_NOTHING_H
#define THAG_NOTHING_H

#include <errno.h>
#include <stdint.h>

#include "thag.h"

#define THAG_ENABLE_PROFILING(mode)
#define THAG_PROFILED(...)
#define THAG_SECTION(var, name)
#define THAG_BEGIN(name) thag_section_nothing()
#define THAG_END(var)

#define THAG_NOTHING static inline __attribute__((always_inline, unused))

__extension__ struct thag_section {
};

THAG_NOTHING struct thag_section thag_section_nothing(void)
{
	__extension__ struct thag_section none = {};

	return none;
}

THAG_NOTHING int thag_enable(unsigned kinds)
{
	(void)kinds;
	return -ECANCELED;
}

THAG_NOTHING void thag_disable(void)
{
}

THAG_NOTHING void thag_mark(const char *name)
{
	(void)name;
}

THAG_NOTHING void thag_frame(const char *name)
{
	(void)name;
}

THAG_NOTHING void thag_value(const char *name, int64_t value)
{
	(void)name;
	(void)value;
}

THAG_NOTHING void thag_thread_name(const char *name)
{
	(void)name;
}

THAG_NOTHING struct thag_task thag_task_create(const char *name)
{
	struct thag_task none = { 0 };

	(void)name;
	return none;
}

THAG_NOTHING void thag_task_resume(struct thag_task task)
{
	(void)task;
}

THAG_NOTHING int thag_task_try_resume(struct thag_task task)
{
	(void)task;
	return -ECANCELED;
}

THAG_NOTHING void thag_task_suspend(struct thag_task task)
{
	(void)task;
}

THAG_NOTHING void thag_task_destroy(struct thag_task task)
{
	(void)task;
}

THAG_NOTHING struct thag_task thag_task_current(void)
{
	return thag_task_create("");
}

#undef THAG_NOTHING
#endif
