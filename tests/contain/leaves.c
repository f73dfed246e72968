/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Tests that leave something behind, by the stand-in for Criterion: see run.sh. */
#include <fcntl.h>
#include <unistd.h>

#include <criterion/criterion.h>

Test(leaves, nothing)
{
	int fd = open("/dev/null", O_RDONLY);

	cr_assert(fd >= 0);
	close(fd);
}

Test(leaves, a_descriptor)
{
	cr_assert(open("/dev/null", O_RDONLY) >= 0);
}

Test(leaves, a_child)
{
	if (fork() == 0)
		_exit(0);
}
