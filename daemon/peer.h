/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Who is at the other end of a TCP connection from this machine.
 *
 * Thread: any; asks the kernel by netlink (sock_diag), else reads /proc/net.
 */
#ifndef THAG_PEER_H
#define THAG_PEER_H

#include <stdbool.h>

#include <sys/types.h>

/** The user whose socket the connected `fd` leads to. 0, -ENOENT when it isn't to be found. */
int thag_peer_uid(int fd, uid_t *uid);

/** Whether it is this user's, or root's. When in doubt it is not. */
bool thag_peer_is_ours(int fd);

#endif
