/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAG_STANDIN_REDIRECT_H
#define THAG_STANDIN_REDIRECT_H

#include "criterion.h"

#endif
