/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file uv_all.h
 * From here on the calls of libuv are those of thag_uv.h: what THAG_UV_ALL asks for.
 */
#ifndef THAG_UV_ALL_H
#define THAG_UV_ALL_H

#define uv_read_start thag_uv_read_start
#define uv_write thag_uv_write
#define uv_write2 thag_uv_write2
#define uv_shutdown thag_uv_shutdown
#define uv_tcp_connect thag_uv_tcp_connect
#define uv_pipe_connect thag_uv_pipe_connect
#define uv_udp_send thag_uv_udp_send
#define uv_udp_recv_start thag_uv_udp_recv_start
#define uv_timer_start thag_uv_timer_start
#define uv_idle_start thag_uv_idle_start
#define uv_check_start thag_uv_check_start
#define uv_prepare_start thag_uv_prepare_start
#define uv_async_init thag_uv_async_init
#define uv_poll_start thag_uv_poll_start
#define uv_signal_start thag_uv_signal_start
#define uv_signal_start_oneshot thag_uv_signal_start_oneshot
#define uv_fs_event_start thag_uv_fs_event_start
#define uv_fs_poll_start thag_uv_fs_poll_start
#define uv_spawn thag_uv_spawn
#define uv_close thag_uv_close
#define uv_tcp_close_reset thag_uv_tcp_close_reset
#define uv_queue_work thag_uv_queue_work
#define uv_getaddrinfo thag_uv_getaddrinfo
#define uv_getnameinfo thag_uv_getnameinfo
#define uv_random thag_uv_random
#define uv_fs_close thag_uv_fs_close
#define uv_fs_open thag_uv_fs_open
#define uv_fs_read thag_uv_fs_read
#define uv_fs_write thag_uv_fs_write
#define uv_fs_unlink thag_uv_fs_unlink
#define uv_fs_copyfile thag_uv_fs_copyfile
#define uv_fs_mkdir thag_uv_fs_mkdir
#define uv_fs_mkdtemp thag_uv_fs_mkdtemp
#define uv_fs_mkstemp thag_uv_fs_mkstemp
#define uv_fs_rmdir thag_uv_fs_rmdir
#define uv_fs_scandir thag_uv_fs_scandir
#define uv_fs_opendir thag_uv_fs_opendir
#define uv_fs_readdir thag_uv_fs_readdir
#define uv_fs_closedir thag_uv_fs_closedir
#define uv_fs_stat thag_uv_fs_stat
#define uv_fs_lstat thag_uv_fs_lstat
#define uv_fs_fstat thag_uv_fs_fstat
#define uv_fs_statfs thag_uv_fs_statfs
#define uv_fs_rename thag_uv_fs_rename
#define uv_fs_fsync thag_uv_fs_fsync
#define uv_fs_fdatasync thag_uv_fs_fdatasync
#define uv_fs_ftruncate thag_uv_fs_ftruncate
#define uv_fs_sendfile thag_uv_fs_sendfile
#define uv_fs_access thag_uv_fs_access
#define uv_fs_chmod thag_uv_fs_chmod
#define uv_fs_fchmod thag_uv_fs_fchmod
#define uv_fs_utime thag_uv_fs_utime
#define uv_fs_futime thag_uv_fs_futime
#define uv_fs_lutime thag_uv_fs_lutime
#define uv_fs_link thag_uv_fs_link
#define uv_fs_symlink thag_uv_fs_symlink
#define uv_fs_readlink thag_uv_fs_readlink
#define uv_fs_realpath thag_uv_fs_realpath
#define uv_fs_chown thag_uv_fs_chown
#define uv_fs_fchown thag_uv_fs_fchown
#define uv_fs_lchown thag_uv_fs_lchown

#endif
