/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Any header, any site table, any size and seals: what the handshake accepts keeps its promises.
 *
 *   0 the header up to its texts, 256 bytes | 256 size of the file 8, seals 4, sites 4 | 272
 *   entries of the site table, 32 bytes each
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/mman.h>

#include "fuzz.h"
#include "handshake.h"

#define HEAD_BYTES 256
#define SITES_MAX 64

struct setup {
	uint64_t bytes;
	uint32_t seals;
	uint32_t first_site;
};

/* The memory of a program with one ring; pages that are never written cost nothing. */
static char *shm;

static void try_fd(const struct setup *setup)
{
	char why[THAG_WHY_BYTES] = "";
	uint64_t bytes = 0;
	int wanted = F_SEAL_SHRINK | F_SEAL_GROW | 0x10 /* FUTURE_WRITE */ | F_SEAL_SEAL;
	int seals = (int)(setup->seals & 0x1f);
	int fd = memfd_create("fuzz", MFD_ALLOW_SEALING);
	int accepted;

	check(fd >= 0);
	if (ftruncate(fd, (off_t)(setup->bytes & ((UINT64_C(1) << 40) - 1))) == 0 &&
	    fcntl(fd, F_ADD_SEALS, seals) == 0) {
		accepted = thag_handshake_check_fd(fd, &bytes, why) == 0;
		check(!accepted || ((seals & wanted) == wanted && bytes >= thag_shm_bytes(1) &&
				    bytes <= thag_shm_bytes(THAG_SLOTS_MAX)));
		check(accepted || (why[0] && !strchr(why, '\n')));
		thag_handshake_check_consumer_fd(fd, 1, why);
	}
	close(fd);
}

static void try_header(const struct setup *setup)
{
	char why[THAG_WHY_BYTES] = "";
	const struct thag_shm_header *header = (const struct thag_shm_header *)shm;
	int accepted = thag_handshake_check_header(header, setup->bytes, why) == 0;

	check(accepted || (why[0] && !strchr(why, '\n')));
	if (!accepted)
		return;
	check(header->slots >= 1 && header->slots <= THAG_SLOTS_MAX);
	check(setup->bytes == thag_shm_bytes(header->slots));
	for (int i = 0; i < 4; i++)
		check(header->text_bytes[i] <= sizeof(header->text[i]));
}

static void touch(uint32_t offset, uint32_t bytes)
{
	const volatile char *strings = shm + THAG_SHM_STRINGS_OFFSET;

	check(bytes <= THAG_STRINGS_BYTES && offset <= THAG_STRINGS_BYTES - bytes);
	if (bytes)
		(void)(strings[offset] + strings[offset + bytes - 1]);
}

static void try_sites(uint32_t first)
{
	struct thag_shm_site site;

	for (uint32_t i = first; i < first + SITES_MAX + 1; i++) {
		if (thag_handshake_read_site(shm, i, &site) != 1)
			continue;
		check(i < THAG_SITES_MAX && site.name_bytes <= THAG_SITE_NAME_MAX);
		touch(site.name_offset, site.name_bytes);
		touch(site.file_offset, site.file_bytes);
	}
}

/* The same bytes as entries of the table of modules. */
static void try_modules(const uint8_t *data, size_t size)
{
	char *modules = shm + THAG_SHM_MODULES_OFFSET;
	struct thag_shm_module module;
	uint32_t count = (uint32_t)(size / sizeof(module));

	memcpy(modules, data, size);
	for (uint32_t i = 0; i <= count; i++) {
		if (thag_handshake_read_module(shm, i, &module) != 1)
			continue;
		check(module.build_id_bytes <= THAG_BUILD_ID_MAX);
		check(module.path_bytes <= THAG_TEXT_BYTES);
		touch(module.path_offset, module.path_bytes);
	}
	check(thag_handshake_read_module(shm, THAG_MODULES_MAX, &module) < 0);
	memset(modules, 0, size);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	shm = mmap(NULL, thag_shm_bytes(1), PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	check(shm != MAP_FAILED);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct setup setup;
	char *sites;

	if (size < HEAD_BYTES + sizeof(setup))
		return 0;
	memcpy(shm, data, HEAD_BYTES);
	memcpy(&setup, data + HEAD_BYTES, sizeof(setup));
	data += HEAD_BYTES + sizeof(setup);
	size -= HEAD_BYTES + sizeof(setup);
	if (size > SITES_MAX * sizeof(struct thag_shm_site))
		size = SITES_MAX * sizeof(struct thag_shm_site);
	setup.first_site %= THAG_SITES_MAX - SITES_MAX + 1;
	sites = shm + THAG_SHM_SITES_OFFSET + setup.first_site * sizeof(struct thag_shm_site);
	memcpy(sites, data, size);
	try_header(&setup);
	try_fd(&setup);
	try_sites(setup.first_site);
	memset(sites, 0, size);
	try_modules(data, size);
	return 0;
}
