/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Tokens to a value, by any type of number. */
#ifndef EVALUATOR_HPP
#define EVALUATOR_HPP

#include <cmath>
#include <functional>
#include <map>

#include "tokens.hpp"

namespace calc
{

template <typename Number>
class evaluator
{
      public:
	using function = std::function<Number(Number)>;

	evaluator()
	{
		functions_["sqrt"] = [](Number x) {
			THAG_PROFILED(); /* "calc::evaluator<double>::evaluator::{lambda}" */
			if (x < 0)
				throw std::domain_error("the root of a negative number");
			return static_cast<Number>(std::sqrt(x));
		};
		functions_["sin"] = [](Number x) { return static_cast<Number>(std::sin(x)); };
	}

	Number operator()(const std::vector<token> &tokens)
	{
		THAG_PROFILED();
		next_ = tokens.data();
		Number value = sum();

		if (next_->is != token::kind::end)
			throw syntax_error("nothing fits before " + next_->text);
		return value;
	}

      private:
	bool take(const char *sign)
	{
		if (next_->is != token::kind::sign || next_->text != sign)
			return false;
		next_++;
		return true;
	}

	Number sum()
	{
		THAG_PROFILED();
		Number value = product();

		for (;;) {
			if (take("+"))
				value += product();
			else if (take("-"))
				value -= product();
			else
				return value;
		}
	}

	Number product()
	{
		THAG_PROFILED();
		Number value = power();

		for (;;) {
			if (take("*"))
				value *= power();
			else if (take("/"))
				value = divide(value, power());
			else
				return value;
		}
	}

	static Number divide(Number dividend, Number divisor)
	{
		if (divisor == 0)
			throw std::domain_error("a division by zero");
		return dividend / divisor;
	}

	Number power()
	{
		Number base = operand();

		return take("^") ? static_cast<Number>(std::pow(base, power())) : base;
	}

	Number operand()
	{
		if (next_->is == token::kind::number)
			return static_cast<Number>((next_++)->value);
		if (next_->is == token::kind::name)
			return call();
		if (take("-"))
			return -operand();
		return in_parentheses();
	}

	Number call()
	{
		auto found = functions_.find(next_->text);

		if (found == functions_.end())
			throw syntax_error("no function is called " + next_->text);
		next_++;
		return found->second(in_parentheses());
	}

	Number in_parentheses()
	{
		if (!take("("))
			throw syntax_error("a number is missing");
		Number value = sum();

		if (!take(")"))
			throw syntax_error("a parenthesis is missing");
		return value;
	}

	std::map<std::string, function> functions_;
	const token *next_ = nullptr;
};

} // namespace calc

#endif
