/* SPDX-License-Identifier: MIT OR Apache-2.0 */
int early_call(void);

int main(void)
{
	return early_call() - 42;
}
