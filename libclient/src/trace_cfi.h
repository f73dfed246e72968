/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * .eh_frame: how the caller's registers are found at an address of code. Read as bytes that nobody
 * vouches for: nothing outside of the section's bounds is looked at.
 */
#ifndef THAG_TRACE_CFI_H
#define THAG_TRACE_CFI_H

#include <stdbool.h>
#include <stdint.h>

/** DWARF's numbers of x86-64's registers; the return address counts as one. */
enum thag_cfi_register {
	THAG_CFI_RBP = 6,
	THAG_CFI_RSP = 7,
	THAG_CFI_RA = 16,
	THAG_CFI_REGISTERS = 17,
};

/** Memory that holds .eh_frame_hdr and .eh_frame: a loaded segment of a file of code. */
struct thag_cfi_section {
	const uint8_t *start;
	const uint8_t *end;
	const uint8_t *header; /* .eh_frame_hdr, in there */
};

enum thag_cfi_how {
	THAG_CFI_SAME = 0,    /* as it is */
	THAG_CFI_UNDEFINED,   /* lost; for the return address: there is no caller */
	THAG_CFI_AT,	      /* in memory at CFA + value */
	THAG_CFI_IS,	      /* CFA + value */
	THAG_CFI_REGISTER,    /* in the register `value` */
	THAG_CFI_AT_RESULT,   /* in memory where the expression says */
	THAG_CFI_IS_RESULT,   /* what the expression says */
	THAG_CFI_UNSUPPORTED, /* none of these */
};

/** `value` of an expression: where its length and then its code begin, in bytes from the start. */
struct thag_cfi_place {
	uint32_t how; /* enum thag_cfi_how */
	int32_t value;
};

/** What holds at one address. */
struct thag_cfi_row {
	struct thag_cfi_place cfa; /* REGISTER: that one + cfa_offset; or IS_RESULT */
	int32_t cfa_offset;
	bool is_signal; /* the frame of a signal handler's caller, which was interrupted anywhere */
	struct thag_cfi_place registers[THAG_CFI_REGISTERS];
};

/**
 * Reads what holds at `address`. 0; -ENOENT when nothing is said about it; -EINVAL for what is
 * malformed, or not used on Linux. Signal-safe, takes about a kilobyte of the stack.
 */
int thag_cfi_find(const struct thag_cfi_section *section, uintptr_t address,
		  struct thag_cfi_row *row);

/** The code of an expression and its bytes; NULL when it isn't in the section. */
const uint8_t *thag_cfi_expression(const struct thag_cfi_section *section, int32_t value,
				   uint32_t *bytes);

#endif
