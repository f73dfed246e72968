/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* NAME is what tells two plugins apart, that are otherwise the same. */
void plugin_work(void);

static __attribute__((noinline)) void NAME(void)
{
	__asm__ volatile("");
}

void plugin_work(void)
{
	NAME();
}
