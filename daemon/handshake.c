/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "handshake.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

#define PROGRAM_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL)
#define CONSUMER_SEALS (F_SEAL_SHRINK | F_SEAL_GROW)

static int refuse(char *why, const char *text)
{
	snprintf(why, THAG_WHY_BYTES, "%s", text);
	return -EPROTO;
}

/* A regular file in memory whose size is `*bytes` for ever. */
static int check_sealed(int fd, int seals, uint64_t *bytes, char *why)
{
	struct stat st;
	struct statfs fs;
	int have;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size < 0)
		return refuse(why, "the descriptor is not a memfd");
	/* a huge page that can't be had faults where the page of a tmpfs never does */
	if (fstatfs(fd, &fs) != 0 || fs.f_type != TMPFS_MAGIC)
		return refuse(why, "the descriptor is not a memfd of ordinary pages");
	have = fcntl(fd, F_GET_SEALS);
	if (have < 0 || (have & seals) != seals)
		return refuse(why, "the memfd is not sealed");
	/* the size is asked for again, now that it can't change */
	if (fstat(fd, &st) != 0)
		return refuse(why, "the descriptor is not a memfd");
	*bytes = (uint64_t)st.st_size;
	return 0;
}

int thag_handshake_check_fd(int fd, uint64_t *bytes, char why[static THAG_WHY_BYTES])
{
	uint64_t size;
	int ret = check_sealed(fd, PROGRAM_SEALS, &size, why);

	if (ret != 0)
		return ret;
	if (size < thag_shm_bytes(1) || size > thag_shm_bytes(THAG_SLOTS_MAX))
		return refuse(why, "the memfd has a wrong size");
	*bytes = size;
	return 0;
}

static int check_texts(const struct thag_shm_header *header, char *why)
{
	for (int i = 0; i < 4; i++)
		if (header->text_bytes[i] > THAG_TEXT_BYTES)
			return refuse(why, "the header has a text that is too long");
	return 0;
}

/* A program may not claim a clock whose ticks we could not tell the length of. */
static int check_clock(uint32_t clock, char *why)
{
	if (clock == THAG_CLOCK_MONOTONIC)
		return 0;
#if defined(__x86_64__)
	if (clock == THAG_CLOCK_TSC)
		return 0;
#elif defined(__aarch64__)
	if (clock == THAG_CLOCK_CNTVCT)
		return 0;
#endif
	return refuse(why, "the header names an unknown clock");
}

int thag_handshake_check_header(const struct thag_shm_header *header, uint64_t bytes,
				char why[static THAG_WHY_BYTES])
{
	if (header->magic != THAG_SHM_MAGIC)
		return refuse(why, "the memfd is not thag's");
	if (header->byte_order != THAG_SHM_BYTE_ORDER)
		return refuse(why, "the program has another byte order");
	if (header->version != THAG_SHM_VERSION) {
		snprintf(why, THAG_WHY_BYTES,
			 "libthag speaks version %u of the shared memory, this thagd version %d: "
			 "install matching ones",
			 header->version, THAG_SHM_VERSION);
		return -EPROTONOSUPPORT;
	}
	if (header->header_bytes != sizeof(*header) || header->sites != THAG_SITES_MAX ||
	    header->ring_words != THAG_RING_WORDS)
		return refuse(why, "the header has wrong sizes");
	if (header->slots < 1 || header->slots > THAG_SLOTS_MAX ||
	    thag_shm_bytes(header->slots) != bytes)
		return refuse(why, "the number of rings does not match the memfd's size");
	if (header->modes & ~(uint32_t)(THAG_MODE_TIME | THAG_MODE_MEMORY))
		return refuse(why, "the header asks for an unknown mode");
	if (check_clock(header->clock, why) != 0)
		return -EPROTO;
	return check_texts(header, why);
}

int thag_handshake_check_consumer_fd(int fd, uint32_t slots, char why[static THAG_WHY_BYTES])
{
	uint64_t bytes;
	int ret = check_sealed(fd, CONSUMER_SEALS, &bytes, why);

	if (ret == 0 && bytes != thag_shm_consumer_bytes(slots))
		ret = refuse(why, "thagd's own memfd has a wrong size");
	return ret;
}

static int is_inside(uint32_t offset, uint32_t bytes, uint32_t limit)
{
	return offset <= limit && bytes <= limit - offset;
}

int thag_handshake_read_site(const void *shm, uint32_t index, struct thag_shm_site *out)
{
	const struct thag_shm_site *entry;
	struct thag_shm_site site;

	if (index >= THAG_SITES_MAX)
		return -EPROTO;
	entry = (const struct thag_shm_site *)((const char *)shm + THAG_SHM_SITES_OFFSET) + index;
	/* acquire: pairs with the release store that ends the registration; the fields and the
	 * names below would otherwise be read before they are written */
	if (__atomic_load_n(&entry->ready, __ATOMIC_ACQUIRE) != 1)
		return 0;
	/* each field once, into a place the program can't change */
	memcpy(&site, entry, sizeof(site));
	__asm__ volatile("" ::: "memory");
	if (site.name_bytes > THAG_SITE_NAME_MAX || site.file_bytes > THAG_SITE_NAME_MAX ||
	    !is_inside(site.name_offset, site.name_bytes, THAG_STRINGS_BYTES) ||
	    !is_inside(site.file_offset, site.file_bytes, THAG_STRINGS_BYTES))
		return -EPROTO;
	*out = site;
	return 1;
}

int thag_handshake_read_module(const void *shm, uint32_t index, struct thag_shm_module *out)
{
	const struct thag_shm_module *entry;
	struct thag_shm_module module;

	if (index >= THAG_MODULES_MAX)
		return -EPROTO;
	entry = (const struct thag_shm_module *)((const char *)shm + THAG_SHM_MODULES_OFFSET) +
		index;
	/* acquire, and each field once: as for a site */
	if (__atomic_load_n(&entry->ready, __ATOMIC_ACQUIRE) != 1)
		return 0;
	memcpy(&module, entry, sizeof(module));
	__asm__ volatile("" ::: "memory");
	if (module.build_id_bytes > THAG_BUILD_ID_MAX || module.path_bytes > THAG_TEXT_BYTES ||
	    !is_inside(module.path_offset, module.path_bytes, THAG_STRINGS_BYTES))
		return -EPROTO;
	*out = module;
	return 1;
}

int thag_handshake_read_trace(const void *shm, uint32_t index, struct thag_shm_trace *out)
{
	const uint64_t *entries = (const uint64_t *)((const char *)shm + THAG_SHM_TRACES_OFFSET);
	struct thag_shm_trace trace;
	uint64_t entry;

	if (index == 0 || index >= THAG_TRACES_MAX)
		return -EPROTO;
	/* acquire: its parent's entry and its site were written before */
	entry = __atomic_load_n(&entries[index], __ATOMIC_ACQUIRE);
	if (entry == 0)
		return 0;
	memcpy(&trace, &entry, sizeof(trace));
	if (trace.parent >= index || trace.site == 0 || trace.site >= THAG_SITES_MAX)
		return -EPROTO;
	*out = trace;
	return 1;
}
