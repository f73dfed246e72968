/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * pool: C++20 coroutines on a few threads. A job hops from thread to thread between its steps, and
 * is one task all the same: what it does is found under its name, whoever ran it.
 *
 * "hashing" and "sieving" are tasks; digits() is a coroutine that they await, and part of them.
 */
#include <atomic>
#include <condition_variable>
#include <coroutine>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <thag.h>
#include <thag_coroutine.hpp>

namespace
{

constexpr long jobs_max = 1000000;

class pool
{
      public:
	explicit pool(int threads)
	{
		for (int i = 0; i < threads; i++)
			threads_.emplace_back([this] { work(); });
	}
	~pool()
	{
		{
			std::lock_guard lock(mutex_);
			closing_ = true;
		}
		changed_.notify_all();
		for (auto &thread : threads_)
			thread.join();
	}

	/** co_await pool.hop(): the coroutine goes on on a thread of the pool. */
	auto hop()
	{
		struct awaiter {
			pool &where;
			bool await_ready() const noexcept
			{
				return false;
			}
			void await_suspend(std::coroutine_handle<> coroutine)
			{
				where.add(coroutine);
			}
			void await_resume() const noexcept
			{
			}
		};
		return awaiter{ *this };
	}

      private:
	void add(std::coroutine_handle<> coroutine)
	{
		{
			std::lock_guard lock(mutex_);
			ready_.push_back(coroutine);
		}
		changed_.notify_one();
	}

	void work()
	{
		std::unique_lock lock(mutex_);

		for (;;) {
			changed_.wait(lock, [this] { return closing_ || !ready_.empty(); });
			if (ready_.empty())
				return;
			auto coroutine = ready_.front();
			ready_.pop_front();
			lock.unlock();
			coroutine.resume();
			lock.lock();
		}
	}

	std::mutex mutex_;
	std::condition_variable changed_;
	std::deque<std::coroutine_handle<>> ready_;
	std::vector<std::thread> threads_;
	bool closing_ = false;
};

/** A number that a coroutine computes when it is awaited: part of whoever awaits it. */
class number
{
      public:
	struct promise_type : thag::task_promise {
		number get_return_object()
		{
			return number(std::coroutine_handle<promise_type>::from_promise(*this));
		}
		auto initial_suspend()
		{
			return start(std::suspend_always{});
		}
		auto final_suspend() noexcept
		{
			return finish(back{});
		}
		void return_value(std::uint64_t result)
		{
			value = result;
		}
		void unhandled_exception()
		{
			std::terminate();
		}

		std::uint64_t value = 0;
		std::coroutine_handle<> awaiting;
	};

	explicit number(std::coroutine_handle<promise_type> coroutine) : coroutine_(coroutine)
	{
	}
	number(number &&other) noexcept : coroutine_(std::exchange(other.coroutine_, nullptr))
	{
	}
	number &operator=(number &&) = delete;
	~number()
	{
		if (coroutine_)
			coroutine_.destroy();
	}

	bool await_ready() const noexcept
	{
		return false;
	}
	template <class P>
	std::coroutine_handle<> await_suspend(std::coroutine_handle<P> awaiting)
	{
		coroutine_.promise().join(awaiting.promise());
		coroutine_.promise().awaiting = awaiting;
		return coroutine_;
	}
	std::uint64_t await_resume() const
	{
		return coroutine_.promise().value;
	}

      private:
	/** The end: whoever awaited it goes on. */
	struct back {
		bool await_ready() const noexcept
		{
			return false;
		}
		std::coroutine_handle<>
		await_suspend(std::coroutine_handle<promise_type> self) noexcept
		{
			return self.promise().awaiting;
		}
		void await_resume() const noexcept
		{
		}
	};

	std::coroutine_handle<promise_type> coroutine_;
};

/** A coroutine that runs by itself: a task with the name that is its first argument. */
struct job {
	struct promise_type : thag::task_promise {
		template <class... Rest>
		explicit promise_type(const char *name, Rest &&...) : task_promise(name)
		{
		}
		job get_return_object()
		{
			return {};
		}
		auto initial_suspend()
		{
			return start(std::suspend_never{});
		}
		auto final_suspend() noexcept
		{
			return finish(std::suspend_never{});
		}
		void return_void()
		{
		}
		void unhandled_exception()
		{
			std::terminate();
		}
	};
};

std::uint64_t mix(std::uint64_t x, int steps)
{
	THAG_PROFILED();
	while (steps-- > 0)
		x = (x ^ x >> 29) * UINT64_C(0x9e3779b97f4a7c15);
	return x;
}

std::uint64_t count_primes(std::uint32_t limit)
{
	THAG_PROFILED();
	std::vector<bool> composite(limit);
	std::uint64_t primes = 0;

	for (std::uint32_t i = 2; i < limit; i++) {
		primes += !composite[i];
		for (std::uint32_t k = 2 * i; k < limit && !composite[i]; k += i)
			composite[k] = true;
	}
	return primes;
}

number digits(pool &where, std::uint64_t x)
{
	THAG_PROFILED();
	std::uint64_t sum = 0;

	co_await where.hop();
	for (; x != 0; x /= 10)
		sum += x % 10;
	co_return sum;
}

job hash(const char *, pool &where, std::uint64_t seed, std::atomic<std::uint64_t> &total)
{
	THAG_PROFILED();
	for (int round = 0; round < 4; round++) {
		co_await where.hop();
		seed = mix(seed + 1, 300);
	}
	total += co_await digits(where, seed);
}

job sieve(const char *, pool &where, std::uint64_t seed, std::atomic<std::uint64_t> &total)
{
	THAG_PROFILED();
	co_await where.hop();
	std::uint64_t primes = count_primes(500 + static_cast<std::uint32_t>(seed % 500));

	co_await where.hop();
	total += co_await digits(where, primes);
}

std::uint64_t run(int threads, long jobs)
{
	THAG_PROFILED();
	std::atomic<std::uint64_t> total = 0;

	{
		pool workers(threads);

		for (long i = 0; i < jobs; i++) {
			if (i % 3 == 0)
				sieve("sieving", workers, static_cast<std::uint64_t>(i), total);
			else
				hash("hashing", workers, static_cast<std::uint64_t>(i), total);
		}
	}
	return total;
}

} // namespace

int main(int argc, char **argv)
{
	THAG_ENABLE_PROFILING(time);
	long jobs = argc > 1 ? strtol(argv[1], nullptr, 10) : 3000;
	long threads = argc > 2 ? strtol(argv[2], nullptr, 10) : 3;

	if (argc > 3 || jobs < 1 || jobs > jobs_max || threads < 1 || threads > 64) {
		fprintf(stderr, "usage: pool [JOBS [THREADS]]   (3000 jobs on 3 threads)\n");
		return 2;
	}
	printf("%llu\n", static_cast<unsigned long long>(run(static_cast<int>(threads), jobs)));
	return 0;
}
