/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "sites.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "handshake.h"
#include "thag_pretty.h"

#define BITS 64
#define BAD_NAME "<invalid name>"

static bool is_named(const struct thag_session *session, uint32_t site)
{
	return session->sites_named[site / BITS] >> (site % BITS) & 1;
}

static void mark_named(struct thag_session *session, uint32_t site)
{
	session->sites_named[site / BITS] |= UINT64_C(1) << (site % BITS);
}

uint32_t thag_sites_next(const struct thag_session *session, uint32_t site)
{
	while (site < THAG_SITES_MAX) {
		uint64_t rest = session->sites_named[site / BITS] >> (site % BITS);

		if (rest)
			return site + (uint32_t)__builtin_ctzll(rest);
		site = (site / BITS + 1) * BITS;
	}
	return THAG_SITES_MAX;
}

/* The names' own limit answers -E2BIG: the site then has a name that says so. */
static int put(struct thag_session *session, uint32_t index, const struct thag_shm_site *site,
	       const char *name, const char *file)
{
	int ret = thag_names_put(session->names, index, site->kind, name, site->name_bytes, file,
				 site->file_bytes, site->line);

	if (ret == -ENOMEM)
		return ret;
	mark_named(session, index);
	return 0;
}

/* Copies the texts first: the program may change them under whoever reads them. */
static int put_copied(struct thag_session *session, uint32_t index,
		      const struct thag_shm_site *site)
{
	const char *strings = (const char *)session->memory.shm + THAG_SHM_STRINGS_OFFSET;
	char *copy = malloc(2 * (size_t)site->name_bytes + site->file_bytes + 1);
	struct thag_shm_site named = *site;
	int ret;

	if (!copy)
		return -ENOMEM;
	char *file = copy + site->name_bytes, *pretty = file + site->file_bytes;

	memcpy(copy, strings + site->name_offset, site->name_bytes);
	memcpy(file, strings + site->file_offset, site->file_bytes);
	if (site->flags & THAG_SITE_PRETTY)
		named.name_bytes = (uint32_t)thag_pretty(copy, site->name_bytes, pretty);
	ret = put(session, index, &named, site->flags & THAG_SITE_PRETTY ? pretty : copy, file);
	free(copy);
	return ret;
}

static int import_site(struct thag_session *session, uint32_t index)
{
	static const struct thag_shm_site bad = { .kind = THAG_SITE_FUNCTION,
						  .name_bytes = sizeof(BAD_NAME) - 1 };
	struct thag_shm_site site;
	int ret = thag_handshake_read_site(session->memory.shm, index, &site);

	if (ret == 0)
		return 0;
	if (ret < 0)
		return put(session, index, &bad, BAD_NAME, "");
	if (!(site.flags & THAG_SITE_ADDRESS))
		return put_copied(session, index, &site);
	ret = thag_naming_add(session, index, &site);
	if (ret == 0)
		mark_named(session, index);
	return ret;
}

int thag_sites_import(struct thag_session *session)
{
	int ret = 0;

	if (!session->memory.shm)
		return 0;
	uint32_t count = thag_session_sites(session);

	for (uint32_t i = session->sites_first; i < count && ret == 0; i++)
		if (!is_named(session, i))
			ret = import_site(session, i);
	while (session->sites_first < count && is_named(session, session->sites_first))
		session->sites_first++;
	return ret;
}
