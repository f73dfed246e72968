/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "trace_full.h"

#include <stddef.h>
#include <string.h>
#include <ucontext.h>

#include "trace_code.h"

/* --- expressions --- */

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
	thag_full_load *load;
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

bool thag_full_evaluate(const uint8_t *code, uint32_t bytes,
			const uintptr_t registers[THAG_CFI_REGISTERS], const uintptr_t *cfa,
			thag_full_load *load, void *context, uintptr_t *result)
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

/* --- frames --- */

#if defined(__x86_64__)
#define RBP THAG_CFI_RBP
#define RSP THAG_CFI_RSP
#define RA THAG_CFI_RA

struct full {
	struct thag_walk walk; /* says what can be read */
	struct thag_walk_stack *stack;
	uintptr_t registers[THAG_CFI_REGISTERS]; /* RA: as struct thag_walk's */
};

static bool load(void *context, uintptr_t at, uintptr_t *value)
{
	struct full *full = context;

	if (!thag_walk_can_read(&full->walk, at, 8) && !thag_walk_is_red(&full->walk, at))
		return false;
	*value = thag_walk_load(at);
	return true;
}

static bool evaluate(struct full *full, const struct thag_cfi_section *section, int32_t expression,
		     const uintptr_t *cfa, uintptr_t *result)
{
	uint32_t bytes;
	const uint8_t *code = thag_cfi_expression(section, expression, &bytes);
	uintptr_t registers[THAG_CFI_REGISTERS];

	memcpy(registers, full->registers, sizeof(registers));
	registers[RA]--;
	return code && thag_full_evaluate(code, bytes, registers, cfa, load, full, result);
}

static bool find_cfa(struct full *full, const struct thag_cfi_section *section,
		     const struct thag_cfi_row *row, uintptr_t *cfa)
{
	if (row->cfa.how == THAG_CFI_IS_RESULT)
		return evaluate(full, section, row->cfa.value, NULL, cfa);
	if (row->cfa.how != THAG_CFI_REGISTER)
		return false;
	*cfa = full->registers[row->cfa.value] + (uintptr_t)(intptr_t)row->cfa_offset;
	return true;
}

static bool find_register(struct full *full, const struct thag_cfi_section *section,
			  const struct thag_cfi_place *place, uintptr_t cfa, uintptr_t *value)
{
	uintptr_t at = cfa + (uintptr_t)(intptr_t)place->value;

	switch (place->how) {
	case THAG_CFI_SAME:
	case THAG_CFI_UNDEFINED:
		return true;
	case THAG_CFI_AT:
		return load(full, at, value);
	case THAG_CFI_IS:
		*value = at;
		return true;
	case THAG_CFI_REGISTER:
		if (place->value < 0 || place->value >= THAG_CFI_REGISTERS)
			return false;
		*value = full->registers[place->value];
		return true;
	case THAG_CFI_AT_RESULT:
		return evaluate(full, section, place->value, &cfa, &at) && load(full, at, value);
	case THAG_CFI_IS_RESULT:
		return evaluate(full, section, place->value, &cfa, value);
	}
	return false;
}

/* All that the kernel saved. */
static bool step_signal(struct full *full)
{
	static const uint8_t from[THAG_CFI_REGISTERS] = {
		REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8,
		REG_R9,	 REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP,
	};
	const ucontext_t *context = (const ucontext_t *)full->registers[RSP];

	if (!thag_walk_can_read(&full->walk, full->registers[RSP], sizeof(*context)))
		return false;
	for (uint32_t i = 0; i < THAG_CFI_REGISTERS; i++)
		full->registers[i] = (uintptr_t)context->uc_mcontext.gregs[from[i]];
	full->registers[RA]++;
	full->walk.sp = full->registers[RSP];
	return thag_walk_find_end(&full->walk, full->stack);
}

static bool step(struct full *full)
{
	struct thag_cfi_section section;
	struct thag_cfi_row row;
	uintptr_t cfa, registers[THAG_CFI_REGISTERS];

	if (!thag_code_row(full->registers[RA] - 1, &section, &row))
		return false;
	if (row.is_signal)
		return step_signal(full);
	if (row.registers[RA].how == THAG_CFI_UNDEFINED || !find_cfa(full, &section, &row, &cfa))
		return false;
	memcpy(registers, full->registers, sizeof(registers));
	registers[RSP] = cfa;
	for (uint32_t i = 0; i < THAG_CFI_REGISTERS; i++)
		if (!find_register(full, &section, &row.registers[i], cfa, &registers[i]))
			return false;
	if (registers[RSP] <= full->registers[RSP] || registers[RA] == 0)
		return false;
	memcpy(full->registers, registers, sizeof(registers));
	full->walk.sp = registers[RSP];
	return true;
}

/* The registers that calls keep, as they are in the function that this is expanded in. */
#define SAVE_REGISTERS(registers) \
	__asm__ volatile("movq %%rbx, 24(%0)\n\tmovq %%rbp, 48(%0)\n\tmovq %%rsp, 56(%0)\n\t" \
			 "movq %%r12, 96(%0)\n\tmovq %%r13, 104(%0)\n\tmovq %%r14, 112(%0)\n\t" \
			 "movq %%r15, 120(%0)\n\tleaq 1f(%%rip), %%rax\n1:\tmovq %%rax, 128(%0)" \
			 : \
			 : "r"(registers) \
			 : "rax", "memory")

__attribute__((noinline)) bool thag_walk_step_full(struct thag_walk *walk,
						   struct thag_walk_stack *stack)
{
	struct full full = { .walk.is_own = true, .stack = stack };

	SAVE_REGISTERS(full.registers);
	full.registers[RA]++;
	full.walk.sp = full.registers[RSP];
	if (!thag_walk_find_end(&full.walk, stack))
		return false;
	while (full.registers[RSP] != walk->sp || full.registers[RA] != walk->ra)
		if (!step(&full))
			return false;
	if (!step(&full))
		return false;
	*walk = (struct thag_walk){ .ra = full.registers[RA],
				    .sp = full.registers[RSP],
				    .fp = full.registers[RBP],
				    .high = full.walk.high };
	return true;
}
#endif
