/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What formula and its plugins agree on. */
#ifndef PLUGIN_H
#define PLUGIN_H

#ifdef __cplusplus
extern "C" {
#endif

/** Calls the function called `name`. 0, or -1 when there is none, or it doesn't like its argument.
 */
typedef int formula_call_fn(const char *name, double argument, double *result);

/** The one symbol that a plugin has to export. */
formula_call_fn formula_call;

#ifdef __cplusplus
}
#endif
#endif
