/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Functions to be found by their addresses: templates, lambdas, and calls inlined into calls. */
#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

namespace outer
{
namespace
{
template <typename T>
inline T twice(T value)
{
	return value + value;
}

inline int third(int x)
{
	return x * 3 + (x >> 2);
}

inline int second(int x)
{
	return third(x) + third(x + 1);
}

inline int first(int x)
{
	return second(x) - twice(x);
}
} // namespace

struct shape {
	virtual ~shape() = default;
	virtual int area(int x) const = 0;
};

template <int N>
struct box : shape {
	int area(int x) const override
	{
		return first(x) * N;
	}
};
} // namespace outer

template <typename F>
__attribute__((noinline)) int apply(F function, int x)
{
	return function(x);
}

__attribute__((noinline)) static int local_only(int x)
{
	return x ^ 0x55;
}

__attribute__((noinline)) int run(int n)
{
	std::map<std::string, std::vector<int>> lists;
	outer::box<3> small;
	outer::box<7> large;
	int sum = 0;

	for (int i = 0; i < n; i++) {
		lists[std::to_string(i % 10)].push_back(small.area(i));
		sum += large.area(local_only(i));
	}
	for (auto &one : lists) {
		std::sort(one.second.begin(), one.second.end(), [](int a, int b) { return a > b; });
		sum += apply([&](int x) { return x + (int)one.second.size(); }, sum);
	}
	return sum;
}

#ifndef LIBRARY
int main(int argc, char **)
{
	std::printf("%d\n", run(argc * 100));
}
#endif
