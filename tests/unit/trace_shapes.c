/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "trace_shapes.h"

#include <alloca.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#define NOINLINE __attribute__((noinline, noclone))

/* What must not be left out, nor the call before it made a jump. */
static inline void use(volatile void *what)
{
	__asm__ volatile("" : : "r"(what) : "memory");
}

static inline long next(struct trace_plan *plan)
{
	if (plan->left == 0) {
		plan->leaf();
		return 1;
	}
	plan->left--;
	return trace_shapes[*plan->steps++](plan);
}

static NOINLINE long plain(struct trace_plan *plan)
{
	long result = next(plan);

	use(plan);
	return result + 1;
}

/* Ends in a jump where the compiler optimizes. */
static NOINLINE long tail(struct trace_plan *plan)
{
	return next(plan);
}

static NOINLINE long saves_registers(struct trace_plan *plan)
{
	long a = plan->left, b = a * 3, c = b ^ 5, d = c + a, e = d * 7, f = e - b, g = f ^ a;

	__asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f), "+r"(g));
	long result = next(plan);

	__asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f), "+r"(g));
	return result + a + b + c + d + e + f + g;
}

static NOINLINE long big_frame(struct trace_plan *plan)
{
	volatile char buffer[100000];
	long result;

	buffer[plan->left] = 1;
	use(buffer);
	result = next(plan);
	use(buffer);
	return result + buffer[0];
}

static NOINLINE long takes_room(struct trace_plan *plan)
{
	char *room = alloca(16 + plan->left * 24);
	long result;

	use(room);
	result = next(plan);
	use(room);
	return result;
}

/* The stack pointer is aligned to more than the ABI asks for. */
static NOINLINE long aligned(struct trace_plan *plan)
{
	_Alignas(64) volatile char buffer[64 + 64];
	long result;

	use(buffer);
	result = next(plan);
	use(buffer);
	return result;
}

static NOINLINE long aligned_with_room(struct trace_plan *plan)
{
	_Alignas(64) volatile char buffer[64];
	char *room = alloca(8 + plan->left * 8);
	long result;

	use(buffer);
	use(room);
	result = next(plan);
	use(buffer);
	use(room);
	return result;
}

static NOINLINE long variadic(struct trace_plan *plan, int count, ...)
{
	va_list list;
	long result;

	va_start(list, count);
	result = next(plan) + va_arg(list, int);
	va_end(list);
	use(plan);
	return result;
}

static NOINLINE long calls_variadic(struct trace_plan *plan)
{
	return variadic(plan, 3, 1, 2.0, 3) + 1;
}

static NOINLINE long may_return_twice(struct trace_plan *plan)
{
	jmp_buf buffer;
	volatile long result = 0;

	if (setjmp(buffer) == 0) {
		result = next(plan);
		longjmp(buffer, 1);
	}
	return result;
}

static __thread struct trace_plan *sorting;

static int compare(const void *a, const void *b)
{
	struct trace_plan *plan = sorting;

	sorting = NULL;
	if (plan)
		next(plan);
	use(plan);
	return *(const char *)a - *(const char *)b;
}

/* Comes back by a function of the C library. */
static NOINLINE long through_library(struct trace_plan *plan)
{
	char some[4] = "dab";

	sorting = plan;
	qsort(some, 3, 1, compare);
	return some[0];
}

static NOINLINE long recursive(struct trace_plan *plan)
{
	long result;

	if (plan->left % 3) {
		plan->left--;
		plan->steps++;
		result = recursive(plan);
	} else {
		result = next(plan);
	}
	use(plan);
	return result + 1;
}

trace_shape *const SHAPES[TRACE_SHAPES] = {
	plain,
	tail,
	saves_registers,
	big_frame,
	takes_room,
	aligned,
	aligned_with_room,
	calls_variadic,
	may_return_twice,
	through_library,
	recursive,
};
