/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Names of symbols as their language writes them: C++ and Rust, by libiberty.
 *
 * Thread: any. Allocates.
 */
#ifndef THAG_DEMANGLE_H
#define THAG_DEMANGLE_H

/**
 * The name that was mangled into `symbol`, to be freed; NULL when it is not a mangled name or there
 * is no memory. Return types and Rust's hashes are left out: they tell no functions apart that a
 * reader would want apart.
 */
char *thag_demangle(const char *symbol);

#endif
