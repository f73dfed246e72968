/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What C++ programs do with memory: containers, strings, exceptions, polymorphs, and some leaks. */
#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace
{

struct piece {
	virtual ~piece() = default;
	virtual size_t weight() const = 0;
};

struct text_piece : piece {
	explicit text_piece(std::string given) : text(std::move(given))
	{
	}
	size_t weight() const override
	{
		return text.size();
	}
	std::string text;
};

struct pair_piece : piece {
	pair_piece(std::unique_ptr<piece> a, std::unique_ptr<piece> b)
	    : first(std::move(a)), second(std::move(b))
	{
	}
	size_t weight() const override
	{
		return first->weight() + second->weight();
	}
	std::unique_ptr<piece> first, second;
};

std::unique_ptr<piece> build(unsigned depth)
{
	if (depth == 0)
		return std::make_unique<text_piece>(std::string(40, 'x'));
	return std::make_unique<pair_piece>(build(depth - 1), build(depth - 1));
}

int fail(int number)
{
	if (number % 3 == 0)
		throw std::runtime_error("a message that is too long to be kept in the object");
	return number;
}

/* Some of what it makes has no owner in the end. */
int *forget(int number)
{
	int *numbers = new int[size_t(number) + 1];

	numbers[number] = number;
	return number % 10 ? (delete[] numbers, nullptr) : numbers;
}

} // namespace

int main()
{
	std::map<std::string, std::vector<int>> table;
	size_t sum = build(10)->weight();

	for (int i = 0; i < 3000; i++) {
		table["a name for number " + std::to_string(i % 70)].push_back(i);
		try {
			sum += size_t(fail(i));
		} catch (const std::exception &error) {
			sum += std::string(error.what()).size();
		}
		if (int *kept = forget(i % 100))
			sum += size_t(*std::max_element(kept, kept + 1)) * 0 + 1;
	}
	std::printf("%zu %zu\n", sum, table.size());
	return 0;
}
