/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What bench_functions calls: the only part of it that is compiled with -finstrument-functions. */
#ifndef INSTRUMENTED_H
#define INSTRUMENTED_H

#define NUMBERED 500

void leaf(void);
void nest(int depth);
int fib(int n);

/* Functions that do nothing, all different. */
extern void (*const numbered[NUMBERED])(void);

#endif
