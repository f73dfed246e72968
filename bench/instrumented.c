/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "instrumented.h"

__attribute__((noinline)) void leaf(void)
{
	__asm__ volatile("");
}

__attribute__((noinline)) void nest(int depth)
{
	if (depth)
		nest(depth - 1);
	__asm__ volatile("");
}

__attribute__((noinline)) int fib(int n)
{
	return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

#define EACH_5(x, n) x(n##0) x(n##1) x(n##2) x(n##3) x(n##4)
#define EACH_10(x, n) EACH_5(x, n) x(n##5) x(n##6) x(n##7) x(n##8) x(n##9)
#define EACH_50(x, n) \
	EACH_10(x, n##0) EACH_10(x, n##1) EACH_10(x, n##2) EACH_10(x, n##3) EACH_10(x, n##4)
#define EACH_100(x, n) \
	EACH_50(x, n) \
	EACH_10(x, n##5) EACH_10(x, n##6) EACH_10(x, n##7) EACH_10(x, n##8) EACH_10(x, n##9)
#define EACH_500(x) EACH_100(x, 1) EACH_100(x, 2) EACH_100(x, 3) EACH_100(x, 4) EACH_100(x, 5)

#define DEFINE(n) \
	static __attribute__((noinline)) void f##n(void) \
	{ \
		__asm__ volatile("#" #n); \
	}
#define NAME(n) f##n,

EACH_500(DEFINE)
void (*const numbered[NUMBERED])(void) = { EACH_500(NAME) };
