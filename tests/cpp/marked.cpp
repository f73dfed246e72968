/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Everything of thag.hpp, each on lines of its own: without them it is another program's source. */
#include <cstdio>
#include <stdexcept>
#include <utility>

#include <thag.hpp>

namespace
{

struct connection {
	explicit connection(int which) : number(which)
	{
		THAG_PROFILED();
	}
	~connection()
	{
		THAG_PROFILED(time);
		std::printf("%d\n", number);
	}
	int number;
};

template <typename T>
T sum(T a, T b)
{
	THAG_PROFILED(both);
	thag::span span(THAG_SITE("span"));
	auto add = [](T x, T y) {
		THAG_PROFILED();
		return x + y;
	};
	if (a == b)
		throw std::runtime_error("equal");
	return add(a, b);
}

} // namespace

int main()
{
	THAG_ENABLE_PROFILING(time);
	thag::task task("task");
	thag::task_scope scope(task);
	thag::section first(THAG_SITE("first")), second;
	second = std::move(first); // thag::section
	connection held(1);
	second.end(); // thag::section
	THAG_SECTION(third, "third");
	try {
		std::printf("%d\n", sum(1, 2) + sum(3, 3));
	} catch (const std::exception &error) {
		std::printf("%s\n", error.what());
	}
	THAG_END(third);
	return 0;
}
