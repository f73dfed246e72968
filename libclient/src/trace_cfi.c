/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "trace_cfi.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* DW_EH_PE: how a pointer is written, and what it counts from. */
enum {
	PE_ABSPTR = 0x00,
	PE_UDATA2 = 0x02,
	PE_UDATA4 = 0x03,
	PE_UDATA8 = 0x04,
	PE_SDATA2 = 0x0a,
	PE_SDATA4 = 0x0b,
	PE_SDATA8 = 0x0c,
	PE_FORMAT = 0x0f,
	PE_PCREL = 0x10,
	PE_DATAREL = 0x30,
	PE_BASE = 0x70,
	PE_INDIRECT = 0x80,
};

/* DW_CFA: instructions. */
enum {
	CFA_NOP = 0x00,
	CFA_SET_LOC = 0x01,
	CFA_ADVANCE_LOC1 = 0x02,
	CFA_ADVANCE_LOC2 = 0x03,
	CFA_ADVANCE_LOC4 = 0x04,
	CFA_OFFSET_EXTENDED = 0x05,
	CFA_RESTORE_EXTENDED = 0x06,
	CFA_UNDEFINED = 0x07,
	CFA_SAME_VALUE = 0x08,
	CFA_REGISTER = 0x09,
	CFA_REMEMBER_STATE = 0x0a,
	CFA_RESTORE_STATE = 0x0b,
	CFA_DEF_CFA = 0x0c,
	CFA_DEF_CFA_REGISTER = 0x0d,
	CFA_DEF_CFA_OFFSET = 0x0e,
	CFA_DEF_CFA_EXPRESSION = 0x0f,
	CFA_EXPRESSION = 0x10,
	CFA_OFFSET_EXTENDED_SF = 0x11,
	CFA_DEF_CFA_SF = 0x12,
	CFA_DEF_CFA_OFFSET_SF = 0x13,
	CFA_VAL_OFFSET = 0x14,
	CFA_VAL_OFFSET_SF = 0x15,
	CFA_VAL_EXPRESSION = 0x16,
	CFA_GNU_ARGS_SIZE = 0x2e,
	CFA_ADVANCE_LOC = 0x40,
	CFA_OFFSET = 0x80,
	CFA_RESTORE = 0xc0,
};

/* --- bytes --- */

struct reader {
	const uint8_t *at;
	const uint8_t *end;
	bool bad; /* it ended too early, or made no sense; all that is read then is 0 */
};

static void fail(struct reader *reader)
{
	reader->bad = true;
	reader->at = reader->end;
}

static void read_bytes(struct reader *reader, void *to, size_t bytes)
{
	memset(to, 0, bytes);
	if ((size_t)(reader->end - reader->at) < bytes) {
		fail(reader);
		return;
	}
	memcpy(to, reader->at, bytes);
	reader->at += bytes;
}

#define READ(type) \
	static type read_##type(struct reader *reader) \
	{ \
		type value; \
\
		read_bytes(reader, &value, sizeof(value)); \
		return value; \
	}

READ(uint8_t)
READ(uint16_t)
READ(uint32_t)
READ(uint64_t)

static void skip(struct reader *reader, uint64_t bytes)
{
	if ((uint64_t)(reader->end - reader->at) < bytes)
		fail(reader);
	else
		reader->at += bytes;
}

static uint64_t read_leb(struct reader *reader, uint32_t *shift, uint8_t *last)
{
	uint64_t value = 0;

	*shift = 0;
	do {
		*last = read_uint8_t(reader);
		if (*shift < 64)
			value |= (uint64_t)(*last & 0x7f) << *shift;
		*shift += 7;
	} while (*last & 0x80 && *shift < 70);
	if (*last & 0x80)
		fail(reader);
	return value;
}

static uint64_t read_unsigned(struct reader *reader)
{
	uint32_t shift;
	uint8_t last;

	return read_leb(reader, &shift, &last);
}

static int64_t read_signed(struct reader *reader)
{
	uint32_t shift;
	uint8_t last;
	uint64_t value = read_leb(reader, &shift, &last);

	if (shift < 64 && last & 0x40)
		value |= ~UINT64_C(0) << shift;
	return (int64_t)value;
}

static uint64_t read_format(struct reader *reader, uint8_t encoding)
{
	switch (encoding & PE_FORMAT) {
	case PE_ABSPTR:
	case PE_UDATA8:
	case PE_SDATA8:
		return read_uint64_t(reader);
	case PE_UDATA2:
		return read_uint16_t(reader);
	case PE_UDATA4:
		return read_uint32_t(reader);
	case PE_SDATA2:
		return (uint64_t)(int16_t)read_uint16_t(reader);
	case PE_SDATA4:
		return (uint64_t)(int32_t)read_uint32_t(reader);
	}
	fail(reader);
	return 0;
}

static uintptr_t read_pointer(struct reader *reader, uint8_t encoding)
{
	uintptr_t base = (encoding & PE_BASE) == PE_PCREL ? (uintptr_t)reader->at : 0;

	if (encoding & PE_INDIRECT || ((encoding & PE_BASE) && !base))
		fail(reader);
	return base + (uintptr_t)read_format(reader, encoding);
}

/* --- entries --- */

struct cie {
	uint64_t code_align;
	int64_t data_align;
	uint8_t encoding; /* of addresses in its FDEs */
	bool has_data;	  /* FDEs say how much augmentation data they have */
	bool is_signal;
	struct reader program;
};

/* The body of the entry at `at`, behind its length. */
static struct reader open_entry(const struct thag_cfi_section *section, const uint8_t *at)
{
	struct reader reader = { at, section->end, false };
	uint32_t bytes;

	if (at < section->start || at >= section->end) {
		reader.at = section->end;
		reader.bad = true;
		return reader;
	}
	bytes = read_uint32_t(&reader);
	/* 0 ends the section; 64-bit lengths aren't used in .eh_frame */
	if (bytes == 0 || bytes > (uint64_t)(reader.end - reader.at))
		fail(&reader);
	else
		reader.end = reader.at + bytes;
	return reader;
}

static void read_augmentation(struct reader *reader, const uint8_t *text, struct cie *cie)
{
	uint64_t bytes = read_unsigned(reader);
	struct reader data = *reader;

	skip(reader, bytes);
	data.end = reader->at;
	for (text++; *text && !data.bad; text++) {
		uint8_t encoding =
			*text == 'P' || *text == 'L' || *text == 'R' ? read_uint8_t(&data) : 0;

		if (*text == 'R')
			cie->encoding = encoding;
		else if (*text == 'P')
			read_format(&data, encoding);
		else if (*text == 'S')
			cie->is_signal = true;
	}
	reader->bad |= data.bad;
}

static bool read_cie(const struct thag_cfi_section *section, const uint8_t *at, struct cie *cie)
{
	struct reader reader = open_entry(section, at);
	uint32_t id = read_uint32_t(&reader);
	uint8_t version = read_uint8_t(&reader);
	const uint8_t *text = reader.at;
	uint64_t return_register;

	if (id != 0 || (version != 1 && version != 3))
		return false;
	while (read_uint8_t(&reader) && !reader.bad)
		;
	*cie = (struct cie){ .code_align = read_unsigned(&reader) };
	cie->data_align = read_signed(&reader);
	return_register = version == 1 ? read_uint8_t(&reader) : read_unsigned(&reader);
	if (reader.bad || return_register != THAG_CFI_RA)
		return false;
	cie->has_data = *text == 'z';
	if (cie->has_data)
		read_augmentation(&reader, text, cie);
	cie->program = reader;
	/* other augmentations than none ("") say nothing that can be skipped */
	return !reader.bad && (cie->has_data || !*text);
}

/* Reads the FDE at `at` and its CIE. Which addresses it is for: [*from, *from + *count). */
static bool read_fde(const struct thag_cfi_section *section, const uint8_t *at, struct cie *cie,
		     struct reader *program, uintptr_t *from, uintptr_t *count)
{
	struct reader reader = open_entry(section, at);
	const uint8_t *field = reader.at;
	uint32_t back = read_uint32_t(&reader);

	if (reader.bad || back == 0 || back > (uintptr_t)(field - section->start) ||
	    !read_cie(section, field - back, cie))
		return false;
	*from = read_pointer(&reader, cie->encoding);
	*count = (uintptr_t)read_format(&reader, cie->encoding);
	if (cie->has_data)
		skip(&reader, read_unsigned(&reader));
	*program = reader;
	return !reader.bad;
}

/* --- programs --- */

/* Compilers nest them one deep. */
#define REMEMBERED_MAX 4

struct machine {
	const struct thag_cfi_section *section;
	const struct cie *cie;
	uintptr_t target;
	uintptr_t location;
	struct thag_cfi_row row;
	struct thag_cfi_row initial;
	struct thag_cfi_row remembered[REMEMBERED_MAX];
	uint32_t remembered_count;
};

static void set(struct machine *machine, uint64_t number, uint32_t how, int64_t value)
{
	/* of vector registers and the like we need nothing */
	if (number >= THAG_CFI_REGISTERS)
		return;
	if (value != (int32_t)value)
		how = THAG_CFI_UNSUPPORTED;
	machine->row.registers[number] = (struct thag_cfi_place){ how, (int32_t)value };
}

static void set_cfa(struct machine *machine, uint64_t number, int64_t offset)
{
	uint32_t how = THAG_CFI_REGISTER;

	if (number >= THAG_CFI_REGISTERS || offset != (int32_t)offset)
		how = THAG_CFI_UNSUPPORTED;
	machine->row.cfa = (struct thag_cfi_place){ how, (int32_t)(number & 31) };
	machine->row.cfa_offset = (int32_t)offset;
}

static int64_t scaled(const struct machine *machine, int64_t factor)
{
	return (int64_t)((uint64_t)machine->cie->data_align * (uint64_t)factor);
}

static int64_t read_scaled(const struct machine *machine, struct reader *reader)
{
	return scaled(machine, (int64_t)read_unsigned(reader));
}

static int64_t read_scaled_signed(const struct machine *machine, struct reader *reader)
{
	return scaled(machine, read_signed(reader));
}

/* Where an expression begins; the reader goes on behind it. */
static int64_t read_expression(const struct machine *machine, struct reader *reader)
{
	int64_t value = reader->at - machine->section->start;

	skip(reader, read_unsigned(reader));
	return value;
}

static void restore(struct machine *machine, uint64_t number)
{
	if (number < THAG_CFI_REGISTERS)
		machine->row.registers[number] = machine->initial.registers[number];
}

/* Whether the row is complete: the next one begins behind the target. */
static bool advance(struct machine *machine, uint64_t delta)
{
	uintptr_t next = machine->location + (uintptr_t)(delta * machine->cie->code_align);

	if (next < machine->location || next > machine->target)
		return true;
	machine->location = next;
	return false;
}

static void remember(struct machine *machine, struct reader *reader)
{
	if (machine->remembered_count == REMEMBERED_MAX)
		fail(reader);
	else
		machine->remembered[machine->remembered_count++] = machine->row;
}

static void recall(struct machine *machine, struct reader *reader)
{
	if (machine->remembered_count == 0)
		fail(reader);
	else
		machine->row = machine->remembered[--machine->remembered_count];
}

/* Instructions that say where the CFA is. */
static bool run_cfa(struct machine *machine, struct reader *reader, uint8_t op)
{
	struct thag_cfi_row *row = &machine->row;
	uint64_t number;

	switch (op) {
	case CFA_DEF_CFA:
		number = read_unsigned(reader);
		set_cfa(machine, number, (int64_t)read_unsigned(reader));
		return true;
	case CFA_DEF_CFA_SF:
		number = read_unsigned(reader);
		set_cfa(machine, number, read_scaled_signed(machine, reader));
		return true;
	case CFA_DEF_CFA_REGISTER:
		set_cfa(machine, read_unsigned(reader), row->cfa_offset);
		return true;
	case CFA_DEF_CFA_OFFSET:
		set_cfa(machine, (uint64_t)row->cfa.value, (int64_t)read_unsigned(reader));
		return true;
	case CFA_DEF_CFA_OFFSET_SF:
		set_cfa(machine, (uint64_t)row->cfa.value, read_scaled_signed(machine, reader));
		return true;
	case CFA_DEF_CFA_EXPRESSION:
		row->cfa.how = THAG_CFI_IS_RESULT;
		row->cfa.value = (int32_t)read_expression(machine, reader);
		return true;
	}
	return false;
}

/* Instructions that say where a register is. */
static bool run_register(struct machine *machine, struct reader *reader, uint8_t op)
{
	uint64_t number;

	if (op < CFA_OFFSET_EXTENDED || op > CFA_VAL_EXPRESSION)
		return false;
	number = read_unsigned(reader);
	switch (op) {
	case CFA_OFFSET_EXTENDED:
		set(machine, number, THAG_CFI_AT, read_scaled(machine, reader));
		return true;
	case CFA_OFFSET_EXTENDED_SF:
		set(machine, number, THAG_CFI_AT, read_scaled_signed(machine, reader));
		return true;
	case CFA_VAL_OFFSET:
		set(machine, number, THAG_CFI_IS, read_scaled(machine, reader));
		return true;
	case CFA_VAL_OFFSET_SF:
		set(machine, number, THAG_CFI_IS, read_scaled_signed(machine, reader));
		return true;
	case CFA_RESTORE_EXTENDED:
		restore(machine, number);
		return true;
	case CFA_UNDEFINED:
		set(machine, number, THAG_CFI_UNDEFINED, 0);
		return true;
	case CFA_SAME_VALUE:
		set(machine, number, THAG_CFI_SAME, 0);
		return true;
	case CFA_REGISTER:
		set(machine, number, THAG_CFI_REGISTER, (int64_t)(read_unsigned(reader) & 0xff));
		return true;
	case CFA_EXPRESSION:
		set(machine, number, THAG_CFI_AT_RESULT, read_expression(machine, reader));
		return true;
	case CFA_VAL_EXPRESSION:
		set(machine, number, THAG_CFI_IS_RESULT, read_expression(machine, reader));
		return true;
	}
	return false;
}

/* The rest. Whether the row is complete. */
static bool run_other(struct machine *machine, struct reader *reader, uint8_t op)
{
	switch (op) {
	case CFA_NOP:
		return false;
	case CFA_SET_LOC:
		machine->location = 0;
		return advance(machine, read_pointer(reader, machine->cie->encoding));
	case CFA_ADVANCE_LOC1:
		return advance(machine, read_uint8_t(reader));
	case CFA_ADVANCE_LOC2:
		return advance(machine, read_uint16_t(reader));
	case CFA_ADVANCE_LOC4:
		return advance(machine, read_uint32_t(reader));
	case CFA_REMEMBER_STATE:
		remember(machine, reader);
		return false;
	case CFA_RESTORE_STATE:
		recall(machine, reader);
		return false;
	case CFA_GNU_ARGS_SIZE:
		read_unsigned(reader);
		return false;
	}
	fail(reader);
	return false;
}

static bool run_one(struct machine *machine, struct reader *reader)
{
	uint8_t op = read_uint8_t(reader), operand = op & 0x3f;

	switch (op & 0xc0) {
	case CFA_ADVANCE_LOC:
		return advance(machine, operand);
	case CFA_OFFSET:
		set(machine, operand, THAG_CFI_AT, read_scaled(machine, reader));
		return false;
	case CFA_RESTORE:
		restore(machine, operand);
		return false;
	}
	/* instructions of the CFA lie among those of registers */
	if (op >= CFA_REMEMBER_STATE && op <= CFA_RESTORE_STATE)
		return run_other(machine, reader, op);
	if (run_cfa(machine, reader, op) || run_register(machine, reader, op))
		return false;
	return run_other(machine, reader, op);
}

static bool run(struct machine *machine, struct reader program)
{
	while (program.at < program.end && !run_one(machine, &program))
		;
	return !program.bad;
}

/* --- the table of .eh_frame_hdr --- */

struct table {
	const uint8_t *entries; /* pairs of int32_t: a function's address, its FDE's */
	uint32_t count;
};

static bool read_table(const struct thag_cfi_section *section, struct table *table)
{
	struct reader reader = { section->header, section->end, false };
	uint8_t version = read_uint8_t(&reader);
	uint8_t frame_encoding = read_uint8_t(&reader);
	uint8_t count_encoding = read_uint8_t(&reader);
	uint8_t table_encoding = read_uint8_t(&reader);
	uint64_t count;

	if (version != 1 || table_encoding != (PE_DATAREL | PE_SDATA4) ||
	    count_encoding != PE_UDATA4)
		return false;
	read_format(&reader, frame_encoding);
	count = read_uint32_t(&reader);
	if (reader.bad || count > (uint64_t)(reader.end - reader.at) / 8)
		return false;
	table->entries = reader.at;
	table->count = (uint32_t)count;
	return true;
}

static int64_t table_value(const struct table *table, uint32_t index, uint32_t which)
{
	int32_t value;

	memcpy(&value, table->entries + index * UINT64_C(8) + which * 4, sizeof(value));
	return value;
}

/* The FDE of the last function that begins at or before the address; NULL: none does. */
static const uint8_t *find_fde(const struct thag_cfi_section *section, uintptr_t address)
{
	struct table table;
	int64_t wanted = (int64_t)(address - (uintptr_t)section->header), at;
	uint32_t low = 0, high;

	if (!read_table(section, &table))
		return NULL;
	for (high = table.count; low < high;) {
		uint32_t middle = low + (high - low) / 2;

		if (table_value(&table, middle, 0) <= wanted)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return NULL;
	at = table_value(&table, low - 1, 1);
	if (at < section->start - section->header || at >= section->end - section->header)
		return NULL;
	return section->header + at;
}

int thag_cfi_find(const struct thag_cfi_section *section, uintptr_t address,
		  struct thag_cfi_row *row)
{
	const uint8_t *fde = find_fde(section, address);
	struct reader program;
	uintptr_t from, count;
	struct cie cie;
	struct machine machine;

	if (!fde)
		return -ENOENT;
	if (!read_fde(section, fde, &cie, &program, &from, &count))
		return -EINVAL;
	if (address - from >= count)
		return -ENOENT;
	machine.section = section;
	machine.cie = &cie;
	machine.target = address;
	machine.location = from;
	machine.remembered_count = 0;
	machine.row = (struct thag_cfi_row){ .is_signal = cie.is_signal,
					     .cfa.how = THAG_CFI_UNSUPPORTED };
	machine.initial = machine.row;
	if (!run(&machine, cie.program))
		return -EINVAL;
	machine.initial = machine.row;
	if (!run(&machine, program))
		return -EINVAL;
	*row = machine.row;
	return 0;
}

const uint8_t *thag_cfi_expression(const struct thag_cfi_section *section, int32_t value,
				   uint32_t *bytes)
{
	struct reader reader = { section->start, section->end, false };
	uint64_t count;

	if (value < 0 || value > section->end - section->start)
		return NULL;
	reader.at += value;
	count = read_unsigned(&reader);
	if (reader.bad || count > (uint64_t)(reader.end - reader.at))
		return NULL;
	*bytes = (uint32_t)count;
	return reader.at;
}
