/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "trace_expression.h"

#include <stddef.h>
#include <string.h>

/* DW_OP: operations. */
enum {
	OP_DEREF = 0x06,
	OP_CONST1U = 0x08,
	OP_CONST1S = 0x09,
	OP_CONST2U = 0x0a,
	OP_CONST2S = 0x0b,
	OP_CONST4U = 0x0c,
	OP_CONST4S = 0x0d,
	OP_CONST8U = 0x0e,
	OP_CONST8S = 0x0f,
	OP_CONSTU = 0x10,
	OP_CONSTS = 0x11,
	OP_DUP = 0x12,
	OP_DROP = 0x13,
	OP_SWAP = 0x16,
	OP_AND = 0x1a,
	OP_MINUS = 0x1c,
	OP_NEG = 0x1f,
	OP_NOT = 0x20,
	OP_OR = 0x21,
	OP_PLUS = 0x22,
	OP_PLUS_UCONST = 0x23,
	OP_SHL = 0x24,
	OP_SHR = 0x25,
	OP_EQ = 0x29,
	OP_GE = 0x2a,
	OP_GT = 0x2b,
	OP_LE = 0x2c,
	OP_LT = 0x2d,
	OP_NE = 0x2e,
	OP_LIT0 = 0x30,
	OP_BREG0 = 0x70,
	OP_BREG16 = 0x80,
};

#define VALUES_MAX 8

struct expression {
	const uint8_t *at;
	const uint8_t *end;
	const uintptr_t *registers;
	thag_expression_load *load;
	void *context;
	bool bad;
	uint32_t count;
	uintptr_t values[VALUES_MAX];
};

static void push(struct expression *expression, uintptr_t value)
{
	if (expression->count == VALUES_MAX)
		expression->bad = true;
	else
		expression->values[expression->count++] = value;
}

static uintptr_t pop(struct expression *expression)
{
	if (expression->count == 0) {
		expression->bad = true;
		return 0;
	}
	return expression->values[--expression->count];
}

static uint64_t read_fixed(struct expression *expression, uint32_t bytes)
{
	uint64_t value = 0;

	if ((size_t)(expression->end - expression->at) < bytes) {
		expression->bad = true;
		return 0;
	}
	memcpy(&value, expression->at, bytes);
	expression->at += bytes;
	return value;
}

static uint64_t extend(uint64_t value, uint32_t bits)
{
	return bits < 64 && value >> (bits - 1) & 1 ? value | ~UINT64_C(0) << bits : value;
}

static uint64_t read_leb(struct expression *expression, bool is_signed)
{
	uint64_t value = 0, byte;
	uint32_t shift = 0;

	do {
		byte = read_fixed(expression, 1);
		value |= (byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80 && shift < 63 && !expression->bad);
	expression->bad |= byte >> 7;
	return is_signed ? extend(value, shift) : value;
}

static bool run_constant(struct expression *expression, uint8_t op)
{
	if (op >= OP_CONST1U && op <= OP_CONST8S) {
		uint32_t bytes = 1u << ((op - OP_CONST1U) / 2);
		uint64_t value = read_fixed(expression, bytes);

		push(expression, op & 1 ? extend(value, bytes * 8) : value);
	} else if (op == OP_CONSTU || op == OP_CONSTS) {
		push(expression, read_leb(expression, op == OP_CONSTS));
	} else if (op >= OP_LIT0 && op < OP_LIT0 + 32) {
		push(expression, op - OP_LIT0);
	} else if (op >= OP_BREG0 && op <= OP_BREG16) {
		uint64_t offset = read_leb(expression, true);

		push(expression, expression->registers[op - OP_BREG0] + offset);
	} else {
		return false;
	}
	return true;
}

static bool run_unary(struct expression *expression, uint8_t op)
{
	uintptr_t a, value = 0;

	if (op != OP_DEREF && op != OP_DUP && op != OP_DROP && op != OP_NEG && op != OP_NOT &&
	    op != OP_PLUS_UCONST)
		return false;
	a = pop(expression);
	switch (op) {
	case OP_DEREF:
		expression->bad |=
			expression->bad || !expression->load(expression->context, a, &value);
		push(expression, value);
		break;
	case OP_DUP:
		push(expression, a);
		push(expression, a);
		break;
	case OP_NEG:
		push(expression, ~a + 1);
		break;
	case OP_NOT:
		push(expression, ~a);
		break;
	case OP_PLUS_UCONST:
		push(expression, a + read_leb(expression, false));
		break;
	default:
		break;
	}
	return true;
}

static void run_binary(struct expression *expression, uint8_t op)
{
	uintptr_t b = pop(expression), a = pop(expression);
	intptr_t sb = (intptr_t)b, sa = (intptr_t)a;

	switch (op) {
	case OP_SWAP:
		push(expression, b);
		push(expression, a);
		return;
	case OP_AND:
		push(expression, a & b);
		return;
	case OP_OR:
		push(expression, a | b);
		return;
	case OP_PLUS:
		push(expression, a + b);
		return;
	case OP_MINUS:
		push(expression, a - b);
		return;
	case OP_SHL:
		push(expression, b < 64 ? a << b : 0);
		return;
	case OP_SHR:
		push(expression, b < 64 ? a >> b : 0);
		return;
	case OP_EQ:
		push(expression, a == b);
		return;
	case OP_NE:
		push(expression, a != b);
		return;
	case OP_GE:
		push(expression, sa >= sb);
		return;
	case OP_GT:
		push(expression, sa > sb);
		return;
	case OP_LE:
		push(expression, sa <= sb);
		return;
	case OP_LT:
		push(expression, sa < sb);
		return;
	}
	expression->bad = true;
}

bool thag_expression_evaluate(const uint8_t *code, uint32_t bytes,
			      const uintptr_t registers[THAG_CFI_REGISTERS], const uintptr_t *cfa,
			      thag_expression_load *load, void *context, uintptr_t *result)
{
	struct expression expression = { .at = code,
					 .end = code + bytes,
					 .registers = registers,
					 .load = load,
					 .context = context };

	if (cfa)
		push(&expression, *cfa);
	while (expression.at < expression.end && !expression.bad) {
		uint8_t op = *expression.at++;

		if (!run_constant(&expression, op) && !run_unary(&expression, op))
			run_binary(&expression, op);
	}
	*result = pop(&expression);
	return !expression.bad;
}
