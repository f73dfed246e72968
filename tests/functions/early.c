/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A library whose instrumented functions run before anything else: a resolver, which the loader
 * calls, and a constructor.
 */
static int answer(void)
{
	return 42;
}

static int (*resolve(void))(void)
{
	return answer;
}

int early_answer(void) __attribute__((ifunc("resolve")));

__attribute__((constructor)) static void construct(void)
{
	early_answer();
}

int early_call(void)
{
	return early_answer();
}
