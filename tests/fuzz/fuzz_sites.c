/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Any table of sites and modules, changed between two looks at it: each site that thagd takes over
 * has a name within its limits, and keeps it. 4 bytes, how many sites the program says there are,
 * 4, how many bytes of texts come next, these, and entries of 48 bytes: the first half of them is
 * what thagd sees first, the second half takes their place. Modules are of the same bytes.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>

#include "fuzz.h"
#include "budget.h"
#include "sites.h"
#include "thag_names.h"

#define ENTRIES_MAX 256
#define TEXTS_MAX 4096

static char *shm, *consumer;

int LLVMFuzzerInitialize(int *argc, char ***argv);

static char *make_memory(size_t bytes)
{
	char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	check(memory != MAP_FAILED);
	return memory;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	shm = make_memory(thag_shm_bytes(1));
	consumer = make_memory(thag_shm_consumer_bytes(1));
	return 0;
}

static void put_table(const uint8_t *data, size_t size)
{
	char *sites = shm + THAG_SHM_SITES_OFFSET + THAG_SITE_FIRST * sizeof(struct thag_shm_site);

	memset(sites, 0, ENTRIES_MAX * sizeof(struct thag_shm_site));
	memcpy(sites, data, size);
	memset(shm + THAG_SHM_MODULES_OFFSET, 0, ENTRIES_MAX * sizeof(struct thag_shm_site));
	memcpy(shm + THAG_SHM_MODULES_OFFSET, data, size);
}

/* Names that are taken over stay where they are. */
static void import(struct thag_session *session, uint64_t *named)
{
	uint32_t site = 0;

	check(thag_sites_import(session) == 0);
	while ((site = thag_sites_next(session, site)) < THAG_SITES_MAX) {
		struct thag_name name = thag_names_get(session->names, site);

		check(site >= THAG_SITE_FIRST && name.name_bytes <= THAG_SITE_NAME_MAX);
		if (name.name_bytes)
			(void)*(const volatile char *)(name.name + name.name_bytes - 1);
		if (site < ENTRIES_MAX)
			named[site / 64] |= UINT64_C(1) << site % 64;
		site++;
	}
	for (site = 0; site < ENTRIES_MAX; site++)
		check(!(named[site / 64] >> site % 64 & 1) ||
		      thag_sites_next(session, site) == site);
}

static void run(uint32_t count, const uint8_t *data, size_t size)
{
	struct thag_shm_header header = { .slots = 1, .clock = THAG_CLOCK_MONOTONIC };
	struct thag_budget budget;
	struct thag_session_origin origin = {
		.budget = &budget,
		.id = 1,
		.pid = 1,
		.header = &header,
		.memory = { .shm = shm, .consumer = consumer },
	};
	uint64_t named[ENTRIES_MAX / 64] = { 0 };
	struct thag_session *session;
	size_t half = size / 2 / sizeof(struct thag_shm_site) * sizeof(struct thag_shm_site);

	thag_budget_init(&budget, 0);
	((struct thag_shm_header *)shm)->site_count = count;
	((struct thag_shm_header *)shm)->module_count = count;
	check(thag_session_create(&session, &origin) == 0);
	put_table(data, half);
	import(session, named);
	put_table(data + half, size - half);
	import(session, named);
	session->memory = (struct thag_session_memory){ 0 }; /* not to be unmapped */
	thag_session_unref(session);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t head[2];

	if (size < sizeof(head))
		return 0;
	memcpy(head, data, sizeof(head));
	data += sizeof(head);
	size -= sizeof(head);
	/* the rest of the table is empty, and takes long to look at */
	head[0] = head[0] % 4 ? head[0] % (2 * ENTRIES_MAX) : head[0];
	head[1] %= TEXTS_MAX + 1;
	head[1] = head[1] > size ? (uint32_t)size : head[1];
	memcpy(shm + THAG_SHM_STRINGS_OFFSET, data, head[1]);
	data += head[1];
	size -= head[1];
	if (size > ENTRIES_MAX * sizeof(struct thag_shm_site))
		size = ENTRIES_MAX * sizeof(struct thag_shm_site);
	run(head[0], data, size);
	return 0;
}
