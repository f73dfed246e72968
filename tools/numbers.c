/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "numbers.h"

#include <stdio.h>
#include <string.h>

#define LEAST_SHARE 0.05 /* percent: less would be shown as 0.0 */

/** Three digits, of which as many behind the point as are left, and the name of the power. */
static void put_scaled(char out[static THAG_NUMBER_BYTES], double value, double base,
		       const char *const *powers, size_t count)
{
	size_t power = 0;

	/* what would be rounded up to a fourth digit is of the next power already */
	while (power + 1 < count && value >= (base == 1000 ? 999.5 : 1023.5)) {
		value /= base;
		power++;
	}
	int places = power == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;

	snprintf(out, THAG_NUMBER_BYTES, "%.*f%s", places, value, powers[power]);
}

void thag_number_ns(char out[static THAG_NUMBER_BYTES], double ns)
{
	static const char *const powers[] = { "ns", "us", "ms", "s" };

	if (ns == 0)
		snprintf(out, THAG_NUMBER_BYTES, "0");
	else
		put_scaled(out, ns, 1000, powers, sizeof(powers) / sizeof(powers[0]));
}

void thag_number_bytes(char out[static THAG_NUMBER_BYTES], double bytes)
{
	static const char *const powers[] = { "B", "K", "M", "G", "T", "P", "E" };

	if (bytes == 0)
		snprintf(out, THAG_NUMBER_BYTES, "0");
	else
		put_scaled(out, bytes, 1024, powers, sizeof(powers) / sizeof(powers[0]));
}

void thag_number_count(char out[static THAG_NUMBER_BYTES], double count)
{
	static const char *const powers[] = { "", "K", "M", "G", "T", "P", "E" };

	if (count < 999999.5)
		snprintf(out, THAG_NUMBER_BYTES, "%.0f", count);
	else
		put_scaled(out, count, 1000, powers, sizeof(powers) / sizeof(powers[0]));
}

void thag_number_of_unit(char out[static THAG_NUMBER_BYTES], const char *unit, double value)
{
	if (strcmp(unit, "ns") == 0)
		thag_number_ns(out, value);
	else if (strcmp(unit, "bytes") == 0)
		thag_number_bytes(out, value);
	else
		thag_number_count(out, value);
}

void thag_number_share(char out[static THAG_NUMBER_BYTES], double part, double all)
{
	double percent = all > 0 ? 100 * part / all : 0;

	if (part <= 0 || all <= 0)
		snprintf(out, THAG_NUMBER_BYTES, "-");
	else if (percent < LEAST_SHARE)
		snprintf(out, THAG_NUMBER_BYTES, "<0.1%%");
	else
		snprintf(out, THAG_NUMBER_BYTES, "%.1f%%", percent);
}
