/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Text to tokens. */
#ifndef TOKENS_HPP
#define TOKENS_HPP

#include <cctype>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include <thag.hpp>

namespace calc
{

struct syntax_error : std::runtime_error {
	using std::runtime_error::runtime_error;
};

struct token {
	enum class kind { number, name, sign, end };

	kind is;
	std::string text;
	double value;
};

class tokenizer
{
      public:
	explicit tokenizer(const std::string &text) : text_(text)
	{
	}

	std::vector<token> all()
	{
		THAG_PROFILED();
		std::vector<token> tokens;

		do
			tokens.push_back(next());
		while (tokens.back().is != token::kind::end);
		return tokens;
	}

      private:
	template <typename Test>
	std::string take_while(Test test)
	{
		std::size_t start = at_;

		while (at_ < text_.size() && test(static_cast<unsigned char>(text_[at_])))
			at_++;
		return text_.substr(start, at_ - start);
	}

	token next()
	{
		take_while([](int c) { return std::isspace(c); });
		if (at_ == text_.size())
			return { token::kind::end, "", 0 };
		unsigned char c = static_cast<unsigned char>(text_[at_]);

		if (std::isdigit(c)) {
			std::string digits =
				take_while([](int d) { return std::isdigit(d) || d == '.'; });

			return { token::kind::number, digits,
				 std::strtod(digits.c_str(), nullptr) };
		}
		if (std::isalpha(c))
			return { token::kind::name,
				 take_while([](int d) { return std::isalnum(d); }), 0 };
		if (!std::strchr("+-*/^()", c))
			throw syntax_error(std::string("what is '") + text_[at_] + "'?");
		return { token::kind::sign, std::string(1, text_[at_++]), 0 };
	}

	const std::string &text_;
	std::size_t at_ = 0;
};

} // namespace calc

#endif
