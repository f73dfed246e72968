/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "thag_pretty.h"

struct pair {
	const char *name, *readable;
};

/* What gcc 12 and clang 14 say, and what is made of it; tests/cpp has many more, from today's
 * compilers. */
static const struct pair pairs[] = {
	{ "main", "main" },
	{ "int main(int, char**)", "main" },
	{ "void app::{anonymous}::hidden()", "app::{anonymous}::hidden" },
	{ "void app::(anonymous namespace)::hidden()", "app::{anonymous}::hidden" },
	{ "static void app::box<T>::put(T) [with T = int]", "app::box<int>::put" },
	{ "static void app::box<int>::put(T) [T = int]", "app::box<int>::put" },
	{ "T app::add(T, U) [with T = int; U = long unsigned int]",
	  "app::add<int, unsigned long>" },
	{ "T app::add(T, U) [T = int, U = unsigned long]", "app::add<int, unsigned long>" },
	{ "void app::box<T>::convert(U, T) [with U = char; T = int]",
	  "app::box<int>::convert<char>" },
	{ "void app::box<int>::convert(U, T) [T = int, U = char]", "app::box<int>::convert<char>" },
	{ "void tup<Ts>::g(Us ...) [with Us = {long int}; Ts = {int, char}]",
	  "tup<int, char>::g<long>" },
	{ "void tup<int, char>::g(Us...) [Ts = <int, char>, Us = <long>]",
	  "tup<int, char>::g<long>" },
	{ "void f() [with char C = ']'; bool B = true]", "f<']', true>" },
	{ "void f() [C = ']', B = true]", "f<']', true>" },
	{ "main()::<lambda(int)>", "main::{lambda}" },
	{ "auto main()::(anonymous class)::operator()(int) const", "main::{lambda}" },
	{ "auto main()::(lambda)::operator()(int) const", "main::{lambda}" },
	{ "main(int, char**)::{lambda(int)#1}::operator()(int) const", "main::{lambda}" },
	{ "void f() const::<lambda(auto:1)> mutable [with auto:1 = char]", "f::{lambda}<char>" },
	{ "auto f()::(anonymous class)::operator()(auto) const [x:auto = char]",
	  "f::{lambda}<char>" },
	{ "void (* app::table(int))(double)", "app::table" },
	{ "int (A::*m(int))(int) const noexcept", "m" },
	{ "int (&f())[3]", "f" },
	{ "std::string text[abi:cxx11](const string&)", "text" },
	{ "std::string std::__cxx11::text()", "std::text" },
	{ "bool app::box<T>::operator<(const app::box<T>&) const [with T = int]",
	  "app::box<int>::operator<" },
	{ "A& A::operator<<(int)", "A::operator<<" },
	{ "bool A::operator()(int) const", "A::operator()" },
	{ "T *A::operator->()", "A::operator->" },
	{ "A::operator const char*() const", "A::operator const char*" },
	{ "const char *A::operator const char *() const", "A::operator const char*" },
	{ "A::operator void (*)(int)()", "A::operator void (*)(int)" },
	{ "static void* A::operator new [](std::size_t)", "A::operator new[]" },
	{ "long double operator\"\"_km(long double)", "operator\"\"_km" },
	{ "void f(T) requires C<T> [with T = int]", "f<int>" },
	{ "decltype ((t + 1)) f(T) [with T = double; decltype ((t + 1)) = double]", "f<double>" },
	{ "constexpr auto f(T) [with T = int; std::size_t = long unsigned int]", "f<int>" },
	{ "void f() [with T = std::map<std::__cxx11::basic_string<char>, std::vector<int> >]",
	  "f<std::map<std::string, std::vector<int>>>" },
	{ "void seq<T, Alloc>::push() [with T = int; Alloc = std::allocator<int>]",
	  "seq<int>::push" },
	{ "void seq<int>::push() [T = int, Alloc = std::allocator<int>]", "seq<int>::push" },
	{ "void run(F) [F = (lambda at /a dir/file.cpp:81:144)]", "run<{lambda}>" },
	{ "void run(F) [with F = main()::<lambda(int, char)>]", "run<{lambda}>" },
	{ "app::A::~A()", "app::A::~A" },
};

static void expect_readable(const char *name, const char *readable)
{
	char out[512];
	size_t bytes = thag_pretty(name, strlen(name), out);

	cr_expect(bytes == strlen(readable) && memcmp(out, readable, bytes) == 0,
		  "%s became %.*s, not %s", name, (int)bytes, out, readable);
}

Test(pretty, makes_both_compilers_names_readable)
{
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
		expect_readable(pairs[i].name, pairs[i].readable);
}

Test(pretty, leaves_readable_names_as_they_are)
{
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
		if (!strstr(pairs[i].readable, "operator"))
			expect_readable(pairs[i].readable, pairs[i].readable);
}

Test(pretty, leaves_what_makes_no_sense_as_it_is)
{
	static const char *const names[] = {
		"",
		" ",
		"f(",
		"f)",
		"void f(int",
		"f<int(",
		"void f<>>()",
		"a b",
		"(((",
		"f() [with T = int",
		"[T = int]",
		"\"",
		"'('",
		"operator",
		"A::operator bool",
		"f\ng()",
		"f() [with T = {",
		"1 + 2 = 3()",
		"{",
		"void f(int) [T = (]",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		expect_readable(names[i], names[i]);
}

Test(pretty, leaves_names_that_would_grow)
{
	expect_readable("x<T, T, T, T, T>::f() [with T = a_long_name]",
			"x<T, T, T, T, T>::f() [with T = a_long_name]");
}

static void check_bounds(const char *name, size_t bytes)
{
	char *in = malloc(bytes ? bytes : 1), *out = malloc(bytes + 8);

	/* of just this size: a sanitizer, or malloc's own checks, see what goes beyond */
	memcpy(in, name, bytes);
	memset(out, 0x5a, bytes + 8);
	size_t made = thag_pretty(in, bytes, out);

	cr_assert_leq(made, bytes);
	cr_assert(made > 0 || bytes == 0);
	for (int i = 0; i < 8; i++)
		cr_assert_eq(out[bytes + (size_t)i], 0x5a);
	cr_assert_eq(memcmp(in, name, bytes), 0);
	free(in);
	free(out);
}

/* Real names with bytes changed, left out, said twice, or cut. */
static size_t spoil(char *text, size_t bytes, unsigned *seed)
{
	static const char signs[] = "<>()[]{}'\"\\:;,*& =~-\0operatorwith";

	for (int change = rand_r(seed) % 6; change > 0 && bytes > 2; change--) {
		size_t at = (size_t)rand_r(seed) % bytes;

		switch (rand_r(seed) % 3) {
		case 0:
			text[at] = signs[(size_t)rand_r(seed) % sizeof(signs)];
			break;
		case 1:
			memmove(text + at, text + at + 1, --bytes - at);
			break;
		default:
			bytes -= (size_t)rand_r(seed) % (bytes / 4 + 1);
		}
	}
	return bytes;
}

Test(pretty, stays_within_bounds_whatever_the_name)
{
	char text[1024];
	unsigned seed = 1;

	for (int round = 0; round < 300000; round++) {
		const struct pair *one =
			&pairs[(size_t)rand_r(&seed) % (sizeof(pairs) / sizeof(*pairs))];
		size_t bytes = strlen(one->name);

		memcpy(text, one->name, bytes);
		check_bounds(text, spoil(text, bytes, &seed));
	}
}

/* Long names of one or two bytes, as a hostile program would make them, take no long time. */
Test(pretty, is_soon_done_with_long_names)
{
	static const char *const parts[] = { "(",	 "<",	      "[",	 " [",
					     "(((x",	 "operator ", "f()::",	 "T,",
					     "decltype", "'",	      " [T = [", "x<" };
	static char text[THAG_PRETTY_BYTES_MAX + 1];
	clock_t start = clock();

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		size_t bytes = 0;

		while (bytes + strlen(parts[i]) < sizeof(text)) {
			memcpy(text + bytes, parts[i], strlen(parts[i]));
			bytes += strlen(parts[i]);
		}
		check_bounds(text, bytes);
		text[bytes - 1] = ']';
		check_bounds(text, bytes);
		check_bounds(text, sizeof(text));
	}
	cr_expect_lt(clock() - start, 20 * CLOCKS_PER_SEC, "it is linear, all but");
}
