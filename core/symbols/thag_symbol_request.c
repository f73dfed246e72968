/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_symbol_request.h"

#include <errno.h>

int thag_symbol_request_is_sensible(const struct thag_symbol_request_head *head)
{
	return head->magic == THAG_SYMBOL_REQUEST_MAGIC && head->path_bytes >= 1 &&
	       head->path_bytes <= THAG_SYMBOL_PATH_MAX &&
	       head->dirs_bytes <= THAG_SYMBOL_DIRS_MAX &&
	       head->build_id_bytes <= THAG_SYMBOL_BUILD_ID_MAX &&
	       head->address_count <= THAG_SYMBOL_ADDRESSES_MAX;
}

size_t thag_symbol_request_rest(const struct thag_symbol_request_head *head)
{
	return (size_t)head->path_bytes + head->dirs_bytes +
	       (size_t)head->address_count * sizeof(uint64_t);
}

int thag_symbol_request_append(struct thag_buffer *out, const struct thag_symbol_request_head *head,
			       const char *path, const char *dirs, const uint64_t *addresses)
{
	if (!thag_symbol_request_is_sensible(head))
		return -EINVAL;
	if (thag_buffer_reserve(out, sizeof(*head) + thag_symbol_request_rest(head)) != 0)
		return -ENOMEM;
	/* there is room for all of it */
	thag_buffer_append(out, head, sizeof(*head));
	thag_buffer_append(out, path, head->path_bytes);
	thag_buffer_append(out, dirs, head->dirs_bytes);
	return thag_buffer_append(out, addresses, head->address_count * sizeof(uint64_t));
}
