/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Ways of events that test_instructions.c steps through, as other compilers' flags make them. */
#ifndef STEPPED_H
#define STEPPED_H

#ifdef __cplusplus
extern "C" {
#endif

/** Calls of functions that the compiler has instrumented. */
void stepped_functions(void);

/** A guard and a section of C++, left by a return from within. */
void stepped_guards(void);

#ifdef __cplusplus
}
#endif
#endif
