/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_demangle.h"

#include <stddef.h>
#include <string.h>

#include <libiberty/demangle.h>

#define SYMBOL_BYTES_MAX 65536

static int is_mangled(const char *symbol)
{
	return strncmp(symbol, "_Z", 2) == 0 || strncmp(symbol, "_R", 2) == 0 ||
	       strncmp(symbol, "_GLOBAL_", 8) == 0;
}

char *thag_demangle(const char *symbol)
{
	if (!is_mangled(symbol) || strnlen(symbol, SYMBOL_BYTES_MAX) == SYMBOL_BYTES_MAX)
		return NULL;
	return cplus_demangle(symbol, DMGL_PARAMS | DMGL_ANSI | DMGL_RET_DROP | DMGL_AUTO);
}
