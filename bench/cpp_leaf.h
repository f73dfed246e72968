/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CPP_LEAF_H
#define CPP_LEAF_H

#include <stdint.h>

#ifdef __cplusplus
extern "C"
#endif
	void
	run_cpp_leaves(uint64_t pairs);

#endif
