/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What was found about one build of a file, and the bytes that keep it for later:
 *
 *   0 magic 8 | 8 build_id_bytes 4, 0 | 16 build_id 32 | 48 records of thag_symbol.h, FOUND ones
 *
 * Thread: owner. Allocates; no I/O.
 */
#ifndef THAG_SYMBOL_STORE_H
#define THAG_SYMBOL_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thag_buffer.h"
#include "thag_symbol.h"

#define THAG_SYMBOL_STORE_MAGIC UINT64_C(0x0a31424d59534754) /* "TGSYMB1\n" */
#define THAG_SYMBOL_STORE_BYTES_MAX (UINT32_C(16) << 20)

/** All zero is empty and must be begun first. */
struct thag_symbol_store {
	struct thag_buffer bytes; /* as in a file */
	uint32_t *slots;	  /* open addressing: where a record begins, 0 for free */
	uint32_t slot_mask;
	uint32_t count;
	uint64_t seed; /* so that a program can't choose addresses that collide */
	bool changed;  /* since it was begun, or read */
};

/** An empty store for a build. 0 or -ENOMEM. */
int thag_symbol_store_begin(struct thag_symbol_store *store, const uint8_t *build_id,
			    uint32_t build_id_bytes);

/**
 * Takes over what a file held. What is whole and makes sense is kept up to the first record that
 * doesn't; a file of another build or another format is -EPROTO. 0 or -ENOMEM otherwise.
 */
int thag_symbol_store_read(struct thag_symbol_store *store, const uint8_t *data, size_t bytes,
			   const uint8_t *build_id, uint32_t build_id_bytes);

void thag_symbol_store_fini(struct thag_symbol_store *store);

/** Whether `address` is known; its texts are borrowed until the next put. */
bool thag_symbol_store_find(const struct thag_symbol_store *store, uint64_t address,
			    struct thag_symbol *out);

/** Adds what was found, or what is known better now. 0, -ENOMEM, or -E2BIG when it is full. */
int thag_symbol_store_put(struct thag_symbol_store *store, const struct thag_symbol *symbol);

#endif
