/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A profile of pprof's, from bytes that nobody vouches for. */
#include "fuzz.h"
#include "fuzz_import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	read_and_use(thag_pprof_read, data, bytes);
	return 0;
}
