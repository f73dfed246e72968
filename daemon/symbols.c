/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "symbols.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <pthread.h>

#include "clock.h"
#include "log.h"
#include "registry.h"
#include "sites.h"
#include "symbol_cache.h"
#include "symbol_helper.h"

/* A file that ended the reading process. */
struct bad_file {
	uint64_t hash;	 /* of its path and build */
	bool unreadable; /* else: without DWARF it may work */
};

struct thag_symbols {
	pthread_t thread;
	pthread_mutex_t lock; /* of the queue, and of each session's naming_wanted and _served */
	pthread_cond_t wake;  /* the thread */
	pthread_cond_t done;  /* those who wait */
	struct thag_session *queue[THAG_REGISTRY_MAX]; /* a reference each; each once */
	uint32_t count;
	bool stopping;
	uv_async_t *served;

	/* the thread's alone */
	struct thag_symbol_helper helper;
	struct thag_symbol_cache cache;
	bool cache_is_open;
	uint64_t used_ns;
	uint64_t flushed_ns;
	struct bad_file bad[THAG_SYMBOLS_BAD_MAX];
	uint32_t bad_count;
	struct thag_symbol known;
};

/* Sites of one module of one session that are looked for together. */
struct batch {
	struct thag_symbols *symbols;
	struct thag_session *session;
	const struct thag_naming_module *module; /* NULL: none */
	struct thag_symbol_store *store;	 /* NULL: none */
	uint32_t count;
	uint32_t ask_count;
	uint32_t asked_from; /* of the request under way */
	struct thag_naming_site sites[THAG_SYMBOL_ADDRESSES_MAX];
	uint32_t ask[THAG_SYMBOL_ADDRESSES_MAX]; /* sites to ask the process about */
	uint64_t addresses[THAG_SYMBOL_ADDRESSES_MAX];
};

static void put(struct batch *batch, const struct thag_naming_site *site,
		const struct thag_symbol *symbol)
{
	pthread_mutex_lock(&batch->session->names_lock);
	thag_naming_put(batch->session, site, symbol);
	pthread_mutex_unlock(&batch->session->names_lock);
}

static void put_status(struct batch *batch, const struct thag_naming_site *site, uint32_t status)
{
	struct thag_symbol *symbol = &batch->symbols->known;

	if (batch->store && thag_symbol_store_find(batch->store, site->address, symbol)) {
		put(batch, site, symbol);
		return;
	}
	symbol->address = site->address;
	symbol->status = status;
	symbol->frame_count = 0;
	put(batch, site, symbol);
}

/* The sites of the module that has waited for longest leave the list. */
static void take_sites(struct thag_naming *naming, struct batch *batch)
{
	uint32_t module = naming->pending[0].module, kept = 0;

	for (uint32_t i = 0; i < naming->pending_count; i++) {
		if (naming->pending[i].module == module && batch->count < THAG_SYMBOL_ADDRESSES_MAX)
			batch->sites[batch->count++] = naming->pending[i];
		else
			naming->pending[kept++] = naming->pending[i];
	}
	naming->pending_count = kept;
	batch->module = module < THAG_MODULES_MAX ? naming->modules[module] : NULL;
}

static void take_batch(struct batch *batch)
{
	struct thag_session *session = batch->session;

	pthread_mutex_lock(&session->names_lock);
	thag_sites_import(session);
	if (thag_naming_is_pending(session))
		take_sites(session->naming, batch);
	pthread_mutex_unlock(&session->names_lock);
}

/* FNV-1a. */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		hash = (hash ^ ((const uint8_t *)bytes)[i]) * UINT64_C(0x100000001b3);
	return hash;
}

static uint64_t hash_module(const struct thag_naming_module *module)
{
	uint64_t hash = hash_bytes(UINT64_C(0xcbf29ce484222325), module->path, module->path_bytes);

	return hash_bytes(hash, module->build_id, module->build_id_bytes);
}

static struct bad_file *find_bad(struct thag_symbols *symbols, uint64_t hash)
{
	uint32_t count = symbols->bad_count < THAG_SYMBOLS_BAD_MAX ? symbols->bad_count
								   : THAG_SYMBOLS_BAD_MAX;

	for (uint32_t i = 0; i < count; i++)
		if (symbols->bad[i].hash == hash)
			return &symbols->bad[i];
	return NULL;
}

/* At first its DWARF is not read any more, then nothing of it. */
static void note_bad(struct batch *batch, int err)
{
	struct thag_symbols *symbols = batch->symbols;
	uint64_t hash = hash_module(batch->module);
	struct bad_file *bad = find_bad(symbols, hash);

	if (bad) {
		bad->unreadable = true;
	} else {
		bad = &symbols->bad[symbols->bad_count++ % THAG_SYMBOLS_BAD_MAX];
		*bad = (struct bad_file){ .hash = hash };
	}
	atomic_fetch_add_explicit(&batch->session->naming_counts.helper_deaths, 1,
				  memory_order_relaxed);
	thag_log_write(THAG_LOG_WARN, "session %llu: reading the symbols of %s %s; %s",
		       (unsigned long long)batch->session->id, batch->module->path,
		       err == -ETIMEDOUT ? "took too long" : "failed",
		       bad->unreadable ? "not tried again" : "now without its DWARF");
}

static void on_answer(void *context, uint32_t index, const struct thag_symbol *symbol)
{
	struct batch *batch = context;
	const struct thag_naming_site *site = &batch->sites[batch->ask[batch->asked_from + index]];

	if (symbol->status != THAG_SYMBOL_FOUND) {
		put_status(batch, site, symbol->status);
		return;
	}
	if (batch->store)
		thag_symbol_store_put(batch->store, symbol);
	put(batch, site, symbol);
}

/* One request for what is left. 0 when all was answered, -EAGAIN when the rest may be asked. */
static int ask_once(struct batch *batch)
{
	const struct thag_naming_module *module = batch->module;
	const struct bad_file *bad = find_bad(batch->symbols, hash_module(module));
	const char *dirs = getenv("THAG_DEBUG_DIRS");
	struct thag_symbol_request_head head = {
		.magic = THAG_SYMBOL_REQUEST_MAGIC,
		.flags = bad ? THAG_SYMBOL_NO_DWARF : 0,
		.pid = batch->session->pid,
		.path_bytes = module->path_bytes,
		.dirs_bytes = dirs ? (uint32_t)strnlen(dirs, THAG_SYMBOL_DIRS_MAX) : 0,
		.build_id_bytes = module->build_id_bytes,
		.address_count = batch->ask_count - batch->asked_from,
	};
	uint32_t answered;
	int ret;

	if (bad && bad->unreadable)
		return -EIO;
	if (atomic_load_explicit(&batch->session->naming_counts.helper_deaths,
				 memory_order_relaxed) >= THAG_SYMBOLS_DEATHS_MAX)
		return -EIO;
	memcpy(head.build_id, module->build_id, sizeof(head.build_id));
	ret = thag_symbol_helper_ask(&batch->symbols->helper, &head, module->path, dirs,
				     batch->addresses + batch->asked_from, THAG_SYMBOLS_REQUEST_NS,
				     on_answer, batch, &answered);
	batch->asked_from += answered;
	if (ret != -ETIMEDOUT && ret != -EPIPE && ret != -EPROTO)
		return ret;
	note_bad(batch, ret);
	return -EAGAIN;
}

static void ask(struct batch *batch)
{
	int ret = batch->ask_count ? -EAGAIN : 0;

	while (ret == -EAGAIN && batch->asked_from < batch->ask_count)
		ret = ask_once(batch);
	for (uint32_t i = batch->asked_from; i < batch->ask_count; i++)
		put_status(batch, &batch->sites[batch->ask[i]], THAG_SYMBOL_UNREADABLE);
}

/* What the cache knows with its line can't become better. */
static bool is_known(struct batch *batch, const struct thag_naming_site *site)
{
	struct thag_symbol *known = &batch->symbols->known;

	if (!batch->store || !thag_symbol_store_find(batch->store, site->address, known) ||
	    !known->function.line)
		return false;
	put(batch, site, known);
	return true;
}

static void resolve(struct batch *batch)
{
	struct thag_symbols *symbols = batch->symbols;

	if (!symbols->cache_is_open) {
		thag_symbol_cache_open(&symbols->cache);
		symbols->cache_is_open = true;
	}
	if (batch->module && batch->module->build_id_bytes)
		batch->store = thag_symbol_cache_get(&symbols->cache, batch->module->build_id,
						     batch->module->build_id_bytes);
	for (uint32_t i = 0; i < batch->count; i++) {
		/* the kernel's own page has a name, but no path */
		if (!batch->module || batch->module->path[0] != '/') {
			put_status(batch, &batch->sites[i], THAG_SYMBOL_NO_MODULE);
		} else if (!is_known(batch, &batch->sites[i])) {
			batch->addresses[batch->ask_count] = batch->sites[i].address;
			batch->ask[batch->ask_count++] = i;
		}
	}
	ask(batch);
	symbols->used_ns = thag_clock_mono_ns();
}

/* A turn of one session. Whether it needs another. */
static bool take_turn(struct thag_symbols *symbols, struct thag_session *session)
{
	struct batch *batch = calloc(1, sizeof(*batch));
	bool more = false;

	if (!batch)
		return false;
	batch->symbols = symbols;
	batch->session = session;
	take_batch(batch);
	if (batch->count) {
		resolve(batch);
		more = true;
	}
	free(batch);
	return more;
}

/* Under the lock. */
static void enqueue(struct thag_symbols *symbols, struct thag_session *session)
{
	symbols->queue[symbols->count++] = session;
}

static struct thag_session *dequeue(struct thag_symbols *symbols)
{
	struct thag_session *session = symbols->queue[0];

	memmove(symbols->queue, symbols->queue + 1, --symbols->count * sizeof(symbols->queue[0]));
	return session;
}

/* Under the lock, which is released meanwhile. */
static void serve_one(struct thag_symbols *symbols)
{
	struct thag_session *session = dequeue(symbols);
	uint32_t wanted = session->naming_wanted;
	bool more;

	pthread_mutex_unlock(&symbols->lock);
	more = take_turn(symbols, session);
	pthread_mutex_lock(&symbols->lock);
	if (more || session->naming_wanted != wanted) {
		enqueue(symbols, session);
		return;
	}
	session->naming_served = wanted;
	pthread_cond_broadcast(&symbols->done);
	uv_async_send(symbols->served);
	pthread_mutex_unlock(&symbols->lock);
	thag_session_unref(session);
	pthread_mutex_lock(&symbols->lock);
}

/* What is not needed for a while goes: unsaved names to their files, the process to its end. */
static void tidy(struct thag_symbols *symbols, bool now)
{
	uint64_t ns = thag_clock_mono_ns();

	if (symbols->cache_is_open && (now || ns - symbols->flushed_ns > THAG_SYMBOLS_FLUSH_NS)) {
		thag_symbol_cache_flush(&symbols->cache);
		symbols->flushed_ns = ns;
	}
	if (symbols->helper.pid && (now || ns - symbols->used_ns > THAG_SYMBOLS_IDLE_NS))
		thag_symbol_helper_stop(&symbols->helper);
}

/* Under the lock. */
static void nap(struct thag_symbols *symbols)
{
	struct timespec until;

	if (!symbols->cache_is_open) {
		pthread_cond_wait(&symbols->wake, &symbols->lock);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec++;
	pthread_cond_timedwait(&symbols->wake, &symbols->lock, &until);
}

static void *run(void *arg)
{
	struct thag_symbols *symbols = arg;

	pthread_mutex_lock(&symbols->lock);
	while (!symbols->stopping) {
		if (symbols->count)
			serve_one(symbols);
		else
			nap(symbols);
		pthread_mutex_unlock(&symbols->lock);
		tidy(symbols, false);
		pthread_mutex_lock(&symbols->lock);
	}
	pthread_mutex_unlock(&symbols->lock);
	tidy(symbols, true);
	return NULL;
}

int thag_symbols_start(struct thag_symbols **out, uv_async_t *served)
{
	struct thag_symbols *symbols = calloc(1, sizeof(*symbols));
	pthread_condattr_t attr;
	int ret;

	if (!symbols)
		return -ENOMEM;
	symbols->helper = (struct thag_symbol_helper)THAG_SYMBOL_HELPER_NONE;
	symbols->cache.dir_fd = -1;
	symbols->served = served;
	pthread_mutex_init(&symbols->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&symbols->wake, &attr);
	pthread_cond_init(&symbols->done, &attr);
	pthread_condattr_destroy(&attr);
	ret = -pthread_create(&symbols->thread, NULL, run, symbols);
	if (ret == 0)
		*out = symbols;
	else
		free(symbols);
	return ret;
}

void thag_symbols_stop(struct thag_symbols *symbols)
{
	if (!symbols)
		return;
	pthread_mutex_lock(&symbols->lock);
	symbols->stopping = true;
	pthread_cond_signal(&symbols->wake);
	pthread_mutex_unlock(&symbols->lock);
	pthread_join(symbols->thread, NULL);
	while (symbols->count)
		thag_session_unref(dequeue(symbols));
	thag_symbol_cache_close(&symbols->cache);
	pthread_cond_destroy(&symbols->wake);
	pthread_cond_destroy(&symbols->done);
	pthread_mutex_destroy(&symbols->lock);
	free(symbols);
}

/* Under the lock. The number to wait for. */
static uint32_t request(struct thag_symbols *symbols, struct thag_session *session)
{
	bool idle = session->naming_wanted == session->naming_served;

	/* a session in its turn is put back by the thread */
	if (idle && symbols->count < THAG_REGISTRY_MAX) {
		enqueue(symbols, thag_session_ref(session));
		pthread_cond_signal(&symbols->wake);
	} else if (idle) {
		return session->naming_served;
	}
	return ++session->naming_wanted;
}

void thag_symbols_request(struct thag_symbols *symbols, struct thag_session *session)
{
	pthread_mutex_lock(&symbols->lock);
	request(symbols, session);
	pthread_mutex_unlock(&symbols->lock);
}

bool thag_symbols_is_done(struct thag_symbols *symbols, const struct thag_session *session)
{
	bool done;

	pthread_mutex_lock(&symbols->lock);
	done = session->naming_wanted == session->naming_served;
	pthread_mutex_unlock(&symbols->lock);
	return done;
}

void thag_symbols_wait(struct thag_symbols *symbols, struct thag_session *session,
		       uint64_t until_ns)
{
	struct timespec until = { .tv_sec = (time_t)(until_ns / 1000000000),
				  .tv_nsec = (long)(until_ns % 1000000000) };
	uint32_t wanted;
	int ret = 0;

	pthread_mutex_lock(&symbols->lock);
	wanted = request(symbols, session);
	while (ret == 0 && (int32_t)(session->naming_served - wanted) < 0)
		ret = pthread_cond_timedwait(&symbols->done, &symbols->lock, &until);
	pthread_mutex_unlock(&symbols->lock);
}
