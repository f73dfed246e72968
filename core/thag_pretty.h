/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A compiler's __PRETTY_FUNCTION__ made readable, the same for gcc and clang where both say
 * enough:
 *
 *   static void app::box<T>::put(T) [with T = int]           app::box<int>::put
 *   void app::add(T, U) [T = int, U = unsigned long]         app::add<int, unsigned long>
 *   void (* app::table(int))(double)                         app::table
 *   main(int, char**)::<lambda(int)>                         main::{lambda}
 *   auto main()::(anonymous class)::operator()(int) const    main::{lambda}
 *   bool app::{anonymous}::key::operator<(const key&) const  app::{anonymous}::key::operator<
 *
 * Kept: scopes, template arguments, operators. Left out: the return type, parameters, words such
 * as static, const and noexcept, requires-clauses, ABI tags, library-internal inline namespaces,
 * std::allocator as a last argument. So overloads share a name.
 *
 * Thread: any. Pure: no state, no heap.
 */
#ifndef THAG_PRETTY_H
#define THAG_PRETTY_H

#include <stddef.h>

#define THAG_PRETTY_BYTES_MAX 16384 /* longer names stay as they are */

/**
 * Writes the readable form of `name` to `out`, which has room for `bytes`, and returns its length.
 * A name that makes no sense, or whose readable form were longer, is copied as it is. Any bytes
 * will do; nothing is terminated.
 */
size_t thag_pretty(const char *name, size_t bytes, char *out);

#endif
