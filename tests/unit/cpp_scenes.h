/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Programs in C++ for test_cpp.c: what thag.hpp is for, one thing each. */
#ifndef CPP_SCENES_H
#define CPP_SCENES_H

#ifdef __cplusplus
extern "C" {
#endif

void scene_templates(void *argument);
void scene_lambdas(void *argument);
void scene_exceptions(void *argument);
void scene_moves(void *argument);
void scene_tasks(void *argument);

/** A thread makes events for ever, and is cancelled when a byte comes by the socket (int *). */
void scene_cancelled(void *socket);

#ifdef __cplusplus
}
#endif
#endif
