/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Calls that are the last thing their function does, which compilers make jumps of; with marks
 * (MARKED) or -finstrument-functions. Says "PID CALLS". Nor do hooks change errno or rounding.
 */
#include "kept.h"

#include <unistd.h>

#if defined(MARKED)
#include "thag.h"
#define BEGIN() THAG_ENABLE_PROFILING(time)
#define MARK() THAG_PROFILED()
#else
#define BEGIN()
#define MARK()
#endif

/* a jump for certain */
#if defined(__clang__) && !defined(MARKED)
#define TAIL __attribute__((musttail))
#else
#define TAIL
#endif

#define DEPTH 300

static __attribute__((noinline)) int odd(int n);

static __attribute__((noinline)) int even(int n)
{
	MARK();
	if (n == 0)
		return 1;
	TAIL return odd(n - 1);
}

static __attribute__((noinline)) int odd(int n)
{
	MARK();
	if (n == 0)
		return 0;
	TAIL return even(n - 1);
}

static volatile int sum;

/* its exit's hook is jumped to */
static __attribute__((noinline)) void add(int n)
{
	MARK();
	sum += n;
}

/* of which thag knows nothing: its call is as if its caller had made it */
static __attribute__((noinline)) KEPT_UNSEEN void pass_on(int n)
{
	add(n + 1);
}

int main(void)
{
	BEGIN();
	for (int i = 0; i < 10; i++) {
		add(even(DEPTH) + odd(DEPTH));
		pass_on(i);
	}
	KEPT(add(1));
	KEPT(pass_on(1));
	if (sum != 10 + 55 + 3)
		return 1;
	printf("%d %d\n", (int)getpid(), 1 + 10 * (2 * (DEPTH + 1) + 2) + 2);
	return 0;
}
