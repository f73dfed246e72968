// SPDX-License-Identifier: MIT OR Apache-2.0
// C++'s operators, for a program in C.
#include <cstddef>
#include <new>

extern "C" {
void *exact_new(int kind, std::size_t size);
void exact_delete(int kind, void *block, std::size_t size);
}

static const std::align_val_t wide{ 128 };

void *exact_new(int kind, std::size_t size)
{
	switch (kind) {
	case 0:
		return ::operator new(size);
	case 1:
		return ::operator new[](size);
	case 2:
		return ::operator new(size, std::nothrow);
	default:
		return ::operator new(size, wide);
	}
}

void exact_delete(int kind, void *block, std::size_t size)
{
	switch (kind) {
	case 0:
		return ::operator delete(block, size);
	case 1:
		return ::operator delete[](block);
	case 2:
		return ::operator delete(block, std::nothrow);
	default:
		return ::operator delete(block, size, wide);
	}
}
