/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * .eh_frame_hdr and .eh_frame from bytes that nobody vouches for: the first two say where in the
 * others the header begins. Looks up the functions that its table names, and computes what their
 * expressions give.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "trace_cfi.h"
#include "trace_expression.h"

#define FUNCTIONS_MAX 32

/* A stack that holds its addresses, mixed. */
static bool load(void *context, uintptr_t at, uintptr_t *value)
{
	uint32_t *count = context;

	check(++*count < 100000);
	*value = at * 31 + 7;
	return at % 5 != 0;
}

static void evaluate(const struct thag_cfi_section *section, const struct thag_cfi_place *place)
{
	uintptr_t registers[THAG_CFI_REGISTERS], result, cfa = 4096;
	uint32_t bytes, loads = 0;
	const uint8_t *code = thag_cfi_expression(section, place->value, &bytes);

	if (!code)
		return;
	check(code >= section->start && bytes <= (size_t)(section->end - code));
	for (uintptr_t i = 0; i < THAG_CFI_REGISTERS; i++)
		registers[i] = i << 40 | (i + 1);
	thag_expression_evaluate(code, bytes, registers, &cfa, load, &loads, &result);
	thag_expression_evaluate(code, bytes, registers, NULL, load, &loads, &result);
}

static void look_up(const struct thag_cfi_section *section, uintptr_t address)
{
	struct thag_cfi_row row;

	if (thag_cfi_find(section, address, &row) != 0)
		return;
	check(row.cfa.how <= THAG_CFI_UNSUPPORTED);
	if (row.cfa.how == THAG_CFI_REGISTER)
		check(row.cfa.value >= 0 && row.cfa.value < THAG_CFI_REGISTERS);
	if (row.cfa.how == THAG_CFI_IS_RESULT)
		evaluate(section, &row.cfa);
	for (int i = 0; i < THAG_CFI_REGISTERS; i++) {
		check(row.registers[i].how <= THAG_CFI_UNSUPPORTED);
		if (row.registers[i].how == THAG_CFI_AT_RESULT ||
		    row.registers[i].how == THAG_CFI_IS_RESULT)
			evaluate(section, &row.registers[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uintptr_t into[] = { 0, 1, 4, 5, 11, 20, 50, 200, 5000 };
	struct thag_cfi_section section = { data + 2, data + size, NULL };
	uint16_t at;

	if (size < 3)
		return 0;
	memcpy(&at, data, sizeof(at));
	section.header = section.start + at % (size - 2);
	for (uint32_t i = 0; i < FUNCTIONS_MAX; i++) {
		int32_t offset;

		if ((size_t)(section.end - section.header) < 16 + i * 8)
			break;
		memcpy(&offset, section.header + 12 + i * 8, sizeof(offset));
		for (uint32_t j = 0; j < sizeof(into) / sizeof(into[0]); j++)
			look_up(&section,
				(uintptr_t)section.header + (uintptr_t)(intptr_t)offset + into[j]);
	}
	return 0;
}
