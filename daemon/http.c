/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "http.h"
#include <stddef.h>
#include "daemon.h"
int thag_http_start(struct thag_daemon *daemon) { (void)daemon; return 0; }
void thag_http_stop(struct thag_http *http) { (void)http; }
void thag_http_destroy(struct thag_http *http) { (void)http; }
