/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_recording_boot.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "thag_recording_block.h"

#define BOOT_FILE "/proc/sys/kernel/random/boot_id"

int thag_recording_boot(char out[static THAG_RECORDING_BOOT_BYTES])
{
	int fd = (int)TEMP_FAILURE_RETRY(open(BOOT_FILE, O_RDONLY | O_CLOEXEC));
	int ret;

	if (fd < 0)
		return -errno;
	ret = thag_recording_read(fd, out, THAG_RECORDING_BOOT_BYTES, 0);
	close(fd);
	return ret;
}
