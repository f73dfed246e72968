/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Any bytes as a compiler's name of a function: nothing is read or written out of bounds. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "thag_pretty.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	char *out = take(bytes + 1), *again = take(bytes + 1);
	size_t made = thag_pretty((const char *)data, bytes, out);

	if (made > bytes || (made == 0 && bytes != 0))
		abort();
	if (thag_pretty((const char *)data, bytes, again) != made || memcmp(out, again, made) != 0)
		abort();
	free(out);
	free(again);
	return 0;
}
