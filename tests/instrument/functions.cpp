/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Not to be run: what thag instrument makes of each function is in its name. */
#include <coroutine>
#include <csignal>
#include <stdexcept>
#include <string>

extern "C" {
int yes_in_c(int a)
{
	return a;
}
}

namespace
{
int yes_in_namespace()
{
	return 1;
}
} // namespace

namespace outer::inner
{
class yes_constructed
{
      public:
	yes_constructed() : text_{ "}" }, number_{ 1 }
	{
	}
	explicit yes_constructed(int number)
	try : number_(number) {
		if (!number)
			throw std::runtime_error("{");
	} catch (...) {
	}
	yes_constructed(const yes_constructed &) = default;
	yes_constructed &operator=(const yes_constructed &) = delete;
	virtual ~yes_constructed() { text_.clear(); }
	virtual int yes_virtual() const noexcept { return number_; }
	static int yes_static();
	template <typename T> T yes_template(T value) const { return value + T(number_); }
	constexpr int no_constexpr_member() const { return 2; }

      private:
	std::string text_;
	int number_ = 0;
};

int yes_constructed::yes_static()
{
	return 3;
}
} // namespace outer::inner

template <typename T> class box
{
      public:
	T yes_get() const;
	auto yes_trailing() const -> T { return value_; }

      private:
	T value_{};
};

template <typename T> T box<T>::yes_get() const
{
	return value_;
}

template <typename T>
	requires(sizeof(T) > 1)
T yes_constrained(T value)
{
	return value;
}

#define MY_CONSTEXPR constexpr
MY_CONSTEXPR int no_constexpr_by_macro()
{
	return 4;
}

consteval int no_consteval()
{
	return 5;
}

[[gnu::constructor]] static void no_standard_attribute()
{
}

struct task {
	struct promise_type {
		task get_return_object() { yes_in_namespace(); return {}; }
		std::suspend_never initial_suspend() noexcept { return {}; }
		std::suspend_never final_suspend() noexcept { return {}; }
		void return_void() {}
		void unhandled_exception() {}
	};
};

task no_coroutine()
{
	co_return;
}

int yes_with_raw_string()
{
	return R"x({ THAG_PROFILED(); )")x"[0] + 1'000;
}

int yes_with_local_class()
{
	struct local {
		int yes_local() { return 6; }
	};
	auto no_lambda = [](int a) { return a; };
	auto constant = [](int a) constexpr { return a; };
	return local().yes_local() + no_lambda(1) + constant(2);
}

namespace signals
{
static void no_handler(int)
{
}
} // namespace signals

int main()
{
	std::signal(SIGINT, signals::no_handler);
	outer::inner::yes_constructed one(1);
	return one.yes_virtual() + yes_with_local_class() + no_constexpr_by_macro() + no_consteval() +
	       box<int>().yes_get() + yes_constrained(1) + yes_in_c(1) + one.yes_template(1);
}
