/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What thagd, and its process that reads symbols, may ask the kernel for: what they need, and no
 * more, so that a fault in reading what programs, files and browsers send opens little.
 *
 * A system call that isn't on the list answers ENOSYS, as on a kernel without it, so that the C
 * library finds another way. One that only an attacker has a use for (ptrace, process_vm_writev,
 * mount, bpf, keyctl, …) ends the process. With that goes no_new_privs: no program that is started
 * gets rights by setuid or file capabilities.
 *
 * thagd may start programs, because it starts its reader of symbols when there are some to read;
 * the filter goes with it. Of sockets it may only make those of this machine (AF_UNIX, AF_NETLINK),
 * so it can connect to nobody elsewhere. The reader opens files for reading, and nothing else.
 *
 * Without libseccomp, in a build with sanitizers, or where the kernel refuses, all goes on without
 * the filter.
 */
#ifndef THAG_CONFINE_H
#define THAG_CONFINE_H

/** No rights are gained from now on. Before threads are started. */
void thag_confine_privileges(void);

/** thagd serves: all its threads are confined from now on. Logs whether it worked. */
void thag_confine_daemon(void);

/** The same for the process that reads symbols, whose every word comes from files of others. */
void thag_confine_reader(void);

#endif
