/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What today's compilers call functions, and what that should become: lines of a readable name, a
 * tab, and a __PRETTY_FUNCTION__. The readable names are the same whichever compiler this is.
 */
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

static const char *wanted;

static void say(const char *name)
{
	if (wanted)
		std::printf("%s\t%s\n", wanted, name);
	wanted = nullptr; /* once: what else runs is not asked for */
}

#define SAY() say(__PRETTY_FUNCTION__)

#define WANT(name, ...) \
	do { \
		wanted = name; \
		__VA_ARGS__; \
		if (wanted) \
			std::printf("%s\tnot called\n", wanted); \
		wanted = nullptr; \
	} while (0)

namespace app
{

namespace
{
void hidden()
{
	SAY();
}
struct secret {
	static void keep()
	{
		SAY();
	}
};
} // namespace

enum class color { red, green };
enum size { small_one, large_one };

struct plain {
	plain() noexcept
	{
		SAY();
	}
	virtual ~plain()
	{
		SAY();
	}
	virtual int method(int) const noexcept
	{
		SAY();
		return 0;
	}
	int qualified() volatile &&
	{
		SAY();
		return 0;
	}
	static constexpr std::size_t bytes = 8;
	void *operator new(std::size_t count)
	{
		SAY();
		return ::operator new(count);
	}
	void operator delete(void *memory)
	{
		SAY();
		::operator delete(memory);
	}
	void *operator new[](std::size_t count)
	{
		SAY();
		return ::operator new[](count);
	}
	int operator->*(int)
	{
		SAY();
		return 0;
	}
	int operator,(int)
	{
		SAY();
		return 0;
	}
	bool operator!()
	{
		SAY();
		return true;
	}
	plain &operator++()
	{
		SAY();
		return *this;
	}
	plain &operator+=(int)
	{
		SAY();
		return *this;
	}
};

template <typename T>
struct box {
	box()
	{
		SAY();
	}
	~box()
	{
		SAY();
	}
	void put(T)
	{
		SAY();
	}
	static void make()
	{
		SAY();
	}
	template <typename U>
	void convert(U, T)
	{
		SAY();
	}
	struct inner {
		void run()
		{
			SAY();
		}
		template <typename V>
		void deep(V)
		{
			SAY();
		}
	};
	T &operator[](std::size_t)
	{
		static T value;

		SAY();
		return value;
	}
	T *operator->()
	{
		static T value;

		SAY();
		return &value;
	}
	bool operator<(const box &) const
	{
		SAY();
		return true;
	}
	box &operator<<(int)
	{
		SAY();
		return *this;
	}
	bool operator()(int) const
	{
		SAY();
		return true;
	}
	operator bool() const
	{
		SAY();
		return true;
	}
	operator const char *() const
	{
		SAY();
		return nullptr;
	}
	template <typename U>
	bool operator==(const U &) const
	{
		SAY();
		return true;
	}
	friend bool operator+(const box &, const box &)
	{
		SAY();
		return true;
	}
	void with_lambda()
	{
		[this](int) { SAY(); }(1);
	}
};

template <>
struct box<std::map<std::string, std::vector<int>>> {
	void put()
	{
		SAY();
	}
};

template <typename T, typename U>
T add(T value, U)
{
	SAY();
	return value;
}
template <typename... Ts>
void many(Ts...)
{
	SAY();
}
template <int N, bool B, char C>
void values()
{
	SAY();
}
template <color C, size S>
void enums()
{
	SAY();
}
template <template <typename...> class C>
void templates()
{
	SAY();
}
template <typename F>
void apply(F)
{
	SAY();
}
template <typename T>
std::enable_if_t<std::is_integral_v<T>, T> only_int(T value)
{
	SAY();
	return value;
}
template <typename T>
typename std::enable_if<std::is_integral<T>::value, T>::type old_only_int(T value)
{
	SAY();
	return value;
}
template <typename T>
auto trailing(T value) -> decltype(value + 1)
{
	SAY();
	return value;
}
decltype(auto) deduced()
{
	SAY();
	return 1;
}
std::string text(const std::string &)
{
	SAY();
	return {};
}
template <typename T>
std::string texts(std::size_t, std::string, uint64_t)
{
	SAY();
	return {};
}
void (*function_pointer(int))(double)
{
	SAY();
	return nullptr;
}
int (&array_reference())[3]
{
	static int array[3];

	SAY();
	return array;
}
int (plain::*member_pointer(int))(int) const noexcept
{
	SAY();
	return nullptr;
}
long double operator""_km(long double value)
{
	SAY();
	return value;
}
static inline unsigned long long widest(unsigned long long value)
{
	SAY();
	return value;
}

template <typename T, typename Allocator = std::allocator<T>>
struct sequence {
	void push()
	{
		SAY();
	}
};
template <typename... Ts>
struct tuple {
	void one()
	{
		SAY();
	}
	template <typename... Us>
	void two(Us...)
	{
		SAY();
	}
};
template <std::size_t N>
struct array {
	void fill()
	{
		SAY();
	}
};
struct converts {
	template <typename T>
	converts(T)
	{
		SAY();
	}
};
template <auto V>
void automatic()
{
	SAY();
}
template <typename T>
T *pointer(T *value)
{
	SAY();
	return value;
}

} // namespace app

static void global(int, char **)
{
	struct local {
		void method() const
		{
			WANT("global::local::method::{lambda}", [] { SAY(); }());
		}
	};
	auto outer = [] {
		WANT("global::{lambda}::{lambda}", [](int, std::string) { SAY(); }(1, ""));
	};

	SAY();
	outer();
	local().method();
}

extern "C" void c_function(int)
{
	SAY();
}

static void (*const global_lambda)(int) = [](int) { SAY(); };

struct with_member {
	std::function<void()> call = [] { SAY(); };
};

static void want_members()
{
	using app::box;

	{
		wanted = "app::box<int>::box";
		box<int> it;

		WANT("app::box<int>::put", it.put(1));
		WANT("app::box<int>::convert<char>", it.convert('c', 1));
		WANT("app::box<int>::operator[]", it[0] = 1);
		WANT("app::box<int>::operator->", it.operator->());
		WANT("app::box<int>::operator<", (void)(it < it));
		WANT("app::box<int>::operator<<", it << 1);
		WANT("app::box<int>::operator()", it(1));
		WANT("app::box<int>::operator bool", (void)static_cast<bool>(it));
		WANT("app::box<int>::operator const char*", (void)static_cast<const char *>(it));
		WANT("app::box<int>::operator==<long>", (void)(it == 3L));
		WANT("app::operator+", (void)(it + it));
		WANT("app::box<int>::with_lambda::{lambda}", it.with_lambda());
		wanted = "app::box<int>::~box";
	}
	WANT("app::box<int>::inner::run", box<int>::inner().run());
	WANT("app::box<int>::inner::deep<double>", box<int>::inner().deep(1.5));
	WANT("app::box<std::map<std::string, std::vector<int>>>::put",
	     box<std::map<std::string, std::vector<int>>>().put());
	WANT("app::sequence<int>::push", app::sequence<int>().push());
	WANT("app::tuple<int, char>::one", app::tuple<int, char>().one());
	WANT("app::tuple<int, char>::two<long>", app::tuple<int, char>().two(1L));
	WANT("app::tuple<>::two", app::tuple<>().two());
	WANT("app::array<7>::fill", app::array<7>().fill());
	WANT("app::converts::converts<int>", app::converts(5));
}

static void want_types()
{
	using app::box;

	WANT("app::box<std::vector<std::vector<const char*>>>::make",
	     box<std::vector<std::vector<const char *>>>::make());
	WANT("app::box<std::map<std::string, unsigned long>>::make",
	     box<std::map<std::string, unsigned long>>::make());
	WANT("app::box<std::function<void(int, long)>>::make",
	     box<std::function<void(int, long)>>::make());
	WANT("app::box<void (*)(int)>::make", box<void (*)(int)>::make());
	WANT("app::box<int[3]>::make", box<int[3]>::make());
	WANT("app::box<std::unique_ptr<app::plain>>::make",
	     box<std::unique_ptr<app::plain>>::make());
	WANT("app::box<short>::make", box<short>::make());
	WANT("app::box<unsigned short>::make", box<unsigned short>::make());
	WANT("app::box<unsigned int>::make", box<unsigned>::make());
	WANT("app::box<long long>::make", box<long long>::make());
	WANT("app::box<unsigned long long>::make", box<unsigned long long>::make());
	WANT("app::box<signed char>::make", box<signed char>::make());
	WANT("app::box<long double>::make", box<long double>::make());
	WANT("app::box<const volatile int* const*>::make",
	     box<const volatile int *const *>::make());
	WANT("app::box<int app::plain::*>::make", box<int app::plain::*>::make());
	WANT("app::box<int (app::plain::*)(int)>::make", box<int (app::plain::*)(int)>::make());
	WANT("app::box<void() noexcept>::make", box<void() noexcept>::make());
}

static void want_functions()
{
	WANT("app::{anonymous}::hidden", app::hidden());
	WANT("app::{anonymous}::secret::keep", app::secret::keep());
	WANT("app::add<int, unsigned long>", app::add(1, 2UL));
	WANT("app::many", app::many());
	WANT("app::many<int, char, const char*>", app::many(1, 'c', "s"));
	WANT("app::values<-3, true, '<'>", app::values<-3, true, '<'>());
	WANT("app::values<3, false, ']'>", app::values<3, false, ']'>());
	WANT("app::enums<app::color::green, app::large_one>",
	     app::enums<app::color::green, app::large_one>());
	WANT("app::templates<std::vector>", app::templates<std::vector>());
	WANT("app::apply<{lambda}>", app::apply([](int) {}));
	WANT("app::only_int<int>", app::only_int(1));
	WANT("app::old_only_int<long>", app::old_only_int(1L));
	WANT("app::trailing<double>", app::trailing(1.0));
	WANT("app::deduced", app::deduced());
	WANT("app::text", app::text(""));
	WANT("app::texts<short>", app::texts<short>(1, "", 2));
	WANT("app::function_pointer", app::function_pointer(1));
	WANT("app::array_reference", app::array_reference());
	WANT("app::member_pointer", app::member_pointer(1));
	WANT("app::operator\"\"_km", app::operator""_km(1.0L));
	WANT("app::widest", app::widest(1));
	WANT("app::automatic<3>", app::automatic<3>());
	WANT("app::automatic<'x'>", app::automatic<'x'>());
	WANT("app::pointer<const char>", app::pointer("s"));
	WANT("global", global(1, nullptr));
	WANT("c_function", c_function(1));
	WANT("{lambda}", global_lambda(1));
	WANT("with_member::{lambda}", with_member().call());
}

static void want_operators()
{
	app::plain it;

	WANT("app::plain::plain", app::plain());
	WANT("app::plain::method", it.method(1));
	WANT("app::plain::qualified", static_cast<app::plain &&>(it).qualified());
	WANT("app::plain::operator->*", (void)(it->*1));
	WANT("app::plain::operator,", (void)(it, 1));
	WANT("app::plain::operator!", (void)!it);
	WANT("app::plain::operator++", ++it);
	WANT("app::plain::operator+=", it += 1);
	WANT("app::plain::operator new", it.operator delete(it.operator new(1)));
	WANT("app::plain::operator new[]", it.operator delete(it.operator new[](1)));
	wanted = "app::plain::~plain";
}

int main()
{
	want_functions();
	want_members();
	want_types();
	want_operators();
}
