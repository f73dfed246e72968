/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * calc [ROUNDS]: works out some formulas, ROUNDS times (1000), in two types of numbers. Some are
 * wrong: their exceptions leave several profiled functions at once.
 *
 * What thag.hpp gives to C++: names of member functions, templates and lambdas that can be read
 * (`thag export latest --format folded`), and sections as objects.
 */
#include <cstdio>
#include <cstdlib>

#include "evaluator.hpp"

namespace
{

const char *const formulas[] = {
	"1 + 2 * 3 - 4 / 5",
	"2 ^ 3 ^ 2 - (1 + (2 + (3 + (4 + 5))))",
	"sqrt(2 * sqrt(16) + 1) * sin(1)",
	"(1 + 2) * (3 + 4) * (5 + 6) * (7 + 8) - -9",
	"1 / (2 - 2)",
	"sqrt(0 - 1)",
	"(1 + 2",
	"1 # 2",
};

/* What is counted while it is open: from its construction to its end, wherever that is. */
class report
{
      public:
	void add(double value)
	{
		sum_ += value;
		worked_++;
	}

	void fail()
	{
		failed_++;
	}

	void print(const char *type)
	{
		open_.end();
		std::printf("%s: %d worked, %d failed, sum %.3f\n", type, worked_, failed_, sum_);
	}

      private:
	thag::section open_{ THAG_SITE("report") };
	double sum_ = 0;
	int worked_ = 0, failed_ = 0;
};

template <typename Number>
report work_out(int rounds)
{
	report result;
	calc::evaluator<Number> evaluate;
	auto one = [&](const std::string &text) {
		THAG_PROFILED();
		try {
			auto tokens = calc::tokenizer(text).all();

			result.add(static_cast<double>(evaluate(tokens)));
		} catch (const std::runtime_error &) { /* not a formula */
			result.fail();
		} catch (const std::logic_error &) { /* it has no value */
			thag::span span(THAG_SITE("no value"));

			result.fail();
		}
	};

	while (rounds-- > 0)
		for (const char *formula : formulas)
			one(formula);
	return result; /* and its section with it */
}

} // namespace

int main(int argc, char **argv)
{
	THAG_ENABLE_PROFILING(time);
	long rounds = argc > 1 ? std::strtol(argv[1], nullptr, 10) : 1000;

	if (argc > 2 || rounds < 1 || rounds > 1000000) {
		std::fprintf(stderr, "usage: calc [ROUNDS]   (1 to 1000000; 1000)\n");
		return 2;
	}
	work_out<double>(static_cast<int>(rounds)).print("double");
	work_out<float>(static_cast<int>(rounds)).print("float");
	return 0;
}
