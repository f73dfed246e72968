/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What `thag help instrument` and `thag help remove` print. */
#ifndef THAG_INSTRUMENT_HELP_H
#define THAG_INSTRUMENT_HELP_H

extern const char thag_help_instrument[];
extern const char thag_help_remove[];

#endif
