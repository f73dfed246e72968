/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "blob.h"

#include <stdlib.h>
#include <string.h>

#include <libwebsockets.h>

struct thag_blob *thag_blob_create(const void *data, size_t bytes)
{
	struct thag_blob *blob = malloc(sizeof(*blob) + LWS_PRE + bytes);

	if (!blob)
		return NULL;
	blob->refs = 1;
	blob->bytes = bytes;
	blob->data = (unsigned char *)(blob + 1) + LWS_PRE;
	memcpy(blob->data, data, bytes);
	return blob;
}

struct thag_blob *thag_blob_ref(struct thag_blob *blob)
{
	blob->refs++;
	return blob;
}

void thag_blob_unref(struct thag_blob *blob)
{
	if (blob && --blob->refs == 0)
		free(blob);
}

void thag_blob_set(struct thag_blob **place, struct thag_blob *blob)
{
	if (blob)
		thag_blob_ref(blob);
	thag_blob_unref(*place);
	*place = blob;
}
