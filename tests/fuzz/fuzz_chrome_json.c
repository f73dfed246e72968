/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A trace in Chrome's JSON: nothing is read out of bounds, what is wrong is said, and a profile
 * that comes of it can be written.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "thag_import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void use(struct thag_profile *profile)
{
	struct thag_buffer out = { 0 };

	if (thag_folded_write(profile, &out))
		abort();
	thag_buffer_fini(&out);
	thag_profile_destroy(profile);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	const struct thag_import_options options = { .root_name = "all" };
	struct thag_import_report report = { 0 };
	struct thag_profile *profile;
	int ret = thag_chrome_read(data, bytes, &options, &report, &profile);

	if (ret == 0)
		use(profile);
	else if (!report.what[0] && ret != -EOVERFLOW)
		abort();
	thag_import_guess(data, bytes);
	return 0;
}
