/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The leaf of bench_emit's mode cpp: marked by thag.hpp, in a template. */
#include "cpp_leaf.h"

#include "thag.hpp"

template <typename T>
static __attribute__((noinline)) void leaf()
{
	THAG_PROFILED();
	__asm__ volatile("");
}

void run_cpp_leaves(uint64_t pairs)
{
	while (pairs--)
		leaf<int>();
}
