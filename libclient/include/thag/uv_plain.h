/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file uv_plain.h
 * What thag_uv.h comes to in programs that are built without profiling.
 */
#ifndef THAG_UV_PLAIN_H
#define THAG_UV_PLAIN_H

#define thag_uv_read_start uv_read_start
#define thag_uv_write uv_write
#define thag_uv_write2 uv_write2
#define thag_uv_shutdown uv_shutdown
#define thag_uv_tcp_connect uv_tcp_connect
#define thag_uv_pipe_connect uv_pipe_connect
#define thag_uv_udp_send uv_udp_send
#define thag_uv_udp_recv_start uv_udp_recv_start
#define thag_uv_timer_start uv_timer_start
#define thag_uv_idle_start uv_idle_start
#define thag_uv_check_start uv_check_start
#define thag_uv_prepare_start uv_prepare_start
#define thag_uv_async_init uv_async_init
#define thag_uv_poll_start uv_poll_start
#define thag_uv_signal_start uv_signal_start
#define thag_uv_signal_start_oneshot uv_signal_start_oneshot
#define thag_uv_fs_event_start uv_fs_event_start
#define thag_uv_fs_poll_start uv_fs_poll_start
#define thag_uv_spawn uv_spawn
#define thag_uv_close uv_close
#define thag_uv_tcp_close_reset uv_tcp_close_reset
#define thag_uv_queue_work uv_queue_work
#define thag_uv_getaddrinfo uv_getaddrinfo
#define thag_uv_getnameinfo uv_getnameinfo
#define thag_uv_random uv_random
#define thag_uv_fs_close uv_fs_close
#define thag_uv_fs_open uv_fs_open
#define thag_uv_fs_read uv_fs_read
#define thag_uv_fs_write uv_fs_write
#define thag_uv_fs_unlink uv_fs_unlink
#define thag_uv_fs_copyfile uv_fs_copyfile
#define thag_uv_fs_mkdir uv_fs_mkdir
#define thag_uv_fs_mkdtemp uv_fs_mkdtemp
#define thag_uv_fs_mkstemp uv_fs_mkstemp
#define thag_uv_fs_rmdir uv_fs_rmdir
#define thag_uv_fs_scandir uv_fs_scandir
#define thag_uv_fs_opendir uv_fs_opendir
#define thag_uv_fs_readdir uv_fs_readdir
#define thag_uv_fs_closedir uv_fs_closedir
#define thag_uv_fs_stat uv_fs_stat
#define thag_uv_fs_lstat uv_fs_lstat
#define thag_uv_fs_fstat uv_fs_fstat
#define thag_uv_fs_statfs uv_fs_statfs
#define thag_uv_fs_rename uv_fs_rename
#define thag_uv_fs_fsync uv_fs_fsync
#define thag_uv_fs_fdatasync uv_fs_fdatasync
#define thag_uv_fs_ftruncate uv_fs_ftruncate
#define thag_uv_fs_sendfile uv_fs_sendfile
#define thag_uv_fs_access uv_fs_access
#define thag_uv_fs_chmod uv_fs_chmod
#define thag_uv_fs_fchmod uv_fs_fchmod
#define thag_uv_fs_utime uv_fs_utime
#define thag_uv_fs_futime uv_fs_futime
#define thag_uv_fs_lutime uv_fs_lutime
#define thag_uv_fs_link uv_fs_link
#define thag_uv_fs_symlink uv_fs_symlink
#define thag_uv_fs_readlink uv_fs_readlink
#define thag_uv_fs_realpath uv_fs_realpath
#define thag_uv_fs_chown uv_fs_chown
#define thag_uv_fs_fchown uv_fs_fchown
#define thag_uv_fs_lchown uv_fs_lchown

#endif
