/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* formula's plugin: some functions, in the ways of C++. */
#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>

#include "plugin.h"

namespace
{

class Function
{
      public:
	virtual ~Function() = default;
	virtual double call(double argument) const = 0;
};

class Root : public Function
{
      public:
	double call(double argument) const override
	{
		if (argument < 0)
			throw std::domain_error("a root of less than nothing");
		return std::sqrt(argument);
	}
};

template <typename Number>
Number power_of(Number base, unsigned exponent)
{
	return exponent ? base * power_of(base, exponent - 1) : 1;
}

class Wrapped : public Function
{
      public:
	explicit Wrapped(std::function<double(double)> wrapped) : wrapped_(std::move(wrapped))
	{
	}
	double call(double argument) const override
	{
		return wrapped_(argument);
	}

      private:
	std::function<double(double)> wrapped_;
};

using Functions = std::map<std::string, std::unique_ptr<Function>>;

Functions make_functions()
{
	Functions functions;

	functions["sqrt"] = std::make_unique<Root>();
	functions["cube"] = std::make_unique<Wrapped>([](double x) { return power_of(x, 3); });
	functions["fact"] = std::make_unique<Wrapped>([](double x) { return std::tgamma(x + 1); });
	return functions;
}

const Functions functions = make_functions();

} // namespace

int formula_call(const char *name, double argument, double *result)
try {
	*result = functions.at(name)->call(argument);
	return 0;
} catch (const std::exception &) {
	return -1;
}
