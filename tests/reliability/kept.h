/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* errno and the floating-point state, which are the program's: nobody else may change them. */
#ifndef KEPT_H
#define KEPT_H

#include <errno.h>
#include <fenv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_ERRNO 77

/* These aren't calls of the program's that hooks see. */
#define KEPT_UNSEEN __attribute__((no_instrument_function))

static fenv_t kept_state;

/** A state that nobody would set by accident: it rounds down, and has divided by zero. */
static inline KEPT_UNSEEN void kept_begin(void)
{
	feclearexcept(FE_ALL_EXCEPT);
	fesetround(FE_DOWNWARD);
	feraiseexcept(FE_DIVBYZERO);
	fegetenv(&kept_state);
	/* fegetenv masks what it reads */
	fesetenv(&kept_state);
	errno = KEPT_ERRNO;
}

/** Ends the program, which says after what, if the state is another than kept_begin's. */
static inline KEPT_UNSEEN void kept_check(const char *after)
{
	int number = errno, flags = fetestexcept(FE_ALL_EXCEPT), round = fegetround();
	fenv_t now;

	fegetenv(&now);
	if (number == KEPT_ERRNO && flags == FE_DIVBYZERO && round == FE_DOWNWARD &&
	    memcmp(&now, &kept_state, sizeof(now)) == 0) {
		fesetenv(&now);
		return;
	}
	fesetenv(FE_DFL_ENV);
	fprintf(stderr, "after %s: errno %d, flags %x, rounding %x\n", after, number,
		(unsigned)flags, (unsigned)round);
	_Exit(3);
}

#define KEPT(action) \
	do { \
		kept_begin(); \
		action; \
		kept_check(#action); \
	} while (0)

#endif
