/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_symbol_reader.h"

#include <stdlib.h>
#include <string.h>

#include "thag_demangle.h"
#include "thag_dwarf.h"
#include "thag_symbol_table.h"

struct thag_symbol_reader {
	struct thag_symbol_reader_options options;
	struct thag_object file;
	struct thag_object debug;
	bool has_symbols;
	struct thag_symbol_table table;
	struct thag_dwarf *dwarf; /* NULL: none */
	/* texts made for the latest answer, one a frame at most */
	char *texts[THAG_SYMBOL_FRAMES_MAX];
	uint32_t text_count;
	struct thag_dwarf_place place;
};

static void free_texts(struct thag_symbol_reader *reader)
{
	while (reader->text_count)
		free(reader->texts[--reader->text_count]);
}

void thag_symbol_reader_close(struct thag_symbol_reader *reader)
{
	if (!reader)
		return;
	free_texts(reader);
	thag_dwarf_close(reader->dwarf);
	thag_symbol_table_fini(&reader->table);
	thag_object_close(&reader->debug);
	thag_object_close(&reader->file);
	free(reader);
}

static bool is_open(const struct thag_object *object)
{
	return object->fd >= 0;
}

/* The debug file is looked for where the file itself lacks something. */
static void find_debug(struct thag_symbol_reader *reader, const struct thag_object_query *query)
{
	const struct thag_object *file = is_open(&reader->file) ? &reader->file : NULL;

	if (file && thag_object_has_dwarf(file) && thag_object_has_type(file, SHT_SYMTAB))
		return;
	if (thag_object_find_debug(&reader->debug, file, query) != 0)
		reader->debug = (struct thag_object)THAG_OBJECT_EMPTY;
}

/* Addresses of the two files are the same: the debug file was made from the other. */
static int read_symbols(struct thag_symbol_reader *reader)
{
	const struct thag_object *first = is_open(&reader->file) ? &reader->file : &reader->debug;
	int ret = thag_symbol_table_read_code(&reader->table, first);

	if (ret == 0)
		ret = thag_symbol_table_add(&reader->table, first, SHT_SYMTAB);
	if (ret == 0 && !reader->table.count && is_open(&reader->debug))
		ret = thag_symbol_table_add(&reader->table, &reader->debug, SHT_SYMTAB);
	reader->has_symbols = reader->table.count > 0;
	if (ret == 0 && !reader->table.count)
		ret = thag_symbol_table_add(&reader->table, first, SHT_DYNSYM);
	thag_symbol_table_sort(&reader->table);
	return ret;
}

static void read_dwarf(struct thag_symbol_reader *reader)
{
	struct thag_object *from = &reader->file;

	if (reader->options.no_dwarf)
		return;
	if (!is_open(from) || !thag_object_has_dwarf(from))
		from = &reader->debug;
	if (is_open(from) && thag_dwarf_open(&reader->dwarf, from->elf, &reader->table) != 0)
		reader->dwarf = NULL;
}

static uint32_t open_files(struct thag_symbol_reader *reader, const struct thag_object_query *query)
{
	uint32_t status = thag_object_find(&reader->file, query);

	if (status == THAG_SYMBOL_FOUND && !thag_object_is_linked(&reader->file))
		return THAG_SYMBOL_UNREADABLE;
	find_debug(reader, query);
	if (!is_open(&reader->file) && !is_open(&reader->debug))
		return status;
	return THAG_SYMBOL_FOUND;
}

uint32_t thag_symbol_reader_open(struct thag_symbol_reader **out,
				 const struct thag_object_query *query,
				 const struct thag_symbol_reader_options *options)
{
	struct thag_symbol_reader *reader = calloc(1, sizeof(*reader));
	uint32_t status;

	if (!reader)
		return THAG_SYMBOL_UNREADABLE;
	reader->options = *options;
	reader->file = reader->debug = (struct thag_object)THAG_OBJECT_EMPTY;
	status = open_files(reader, query);
	if (status == THAG_SYMBOL_FOUND && read_symbols(reader) != 0)
		status = THAG_SYMBOL_UNREADABLE;
	if (status != THAG_SYMBOL_FOUND) {
		thag_symbol_reader_close(reader);
		return status;
	}
	read_dwarf(reader);
	*out = reader;
	return status;
}

void thag_symbol_reader_describe(const struct thag_symbol_reader *reader,
				 struct thag_symbol_source *out)
{
	*out = (struct thag_symbol_source){
		.path = is_open(&reader->file) ? reader->file.path : NULL,
		.debug_path = is_open(&reader->debug) ? reader->debug.path : NULL,
		.has_dwarf = reader->dwarf != NULL,
		.has_symbols = reader->has_symbols,
		.function_count = (uint32_t)reader->table.count,
	};
}

bool thag_symbol_reader_is_code(const struct thag_symbol_reader *reader, uint64_t address)
{
	return thag_symbol_table_is_code(&reader->table, address);
}

static void set_name(struct thag_symbol_frame *frame, const char *name)
{
	frame->name = name;
	frame->name_bytes = (uint32_t)strnlen(name, THAG_SYMBOL_TEXT_MAX);
}

static void set_file(struct thag_symbol_frame *frame, const char *file)
{
	/* libdw's for none */
	bool is_known = file && strcmp(file, "???") != 0;

	frame->file = is_known ? file : NULL;
	frame->file_bytes = is_known ? (uint32_t)strnlen(file, THAG_SYMBOL_TEXT_MAX) : 0;
}

/* What a compiler appends to a copy of a function it made, such as .cold, is not its name. */
static char *without_suffix(const char *symbol)
{
	return strncmp(symbol, "_Z", 2) == 0 ? strndup(symbol, strcspn(symbol, ".")) : NULL;
}

/* A symbol's name as its language writes it; the text lives until the next answer. */
static void set_symbol(struct thag_symbol_reader *reader, struct thag_symbol_frame *frame,
		       const char *symbol)
{
	char *readable = reader->options.no_demangle ? NULL : thag_demangle(symbol);

	if (readable && readable[0]) {
		reader->texts[reader->text_count++] = readable;
		set_name(frame, readable);
		return;
	}
	free(readable);
	set_name(frame, symbol);
}

/* A function of C++ without a linkage name has its scope and parameters in its symbol. */
static void set_by_symbol(struct thag_symbol_reader *reader, struct thag_symbol_frame *frame,
			  const char *symbol)
{
	char *plain = without_suffix(symbol);

	set_symbol(reader, frame, plain ? plain : symbol);
	if (plain && frame->name == plain)
		set_name(frame, symbol);
	free(plain);
}

static void set_frame(struct thag_symbol_reader *reader, struct thag_symbol_frame *frame,
		      const struct thag_dwarf_frame *from, const char *symbol)
{
	bool wants_symbol = reader->place.is_cplusplus || reader->options.no_demangle;

	*frame = (struct thag_symbol_frame){ .line = from->line };
	if (from->linkage && from->linkage[0])
		set_symbol(reader, frame, from->linkage);
	else if (symbol && (wants_symbol || !from->name))
		set_by_symbol(reader, frame, symbol);
	else
		set_name(frame, from->name && from->name[0] ? from->name : "??");
	set_file(frame, from->file);
}

static void set_place(struct thag_symbol_reader *reader, const char *symbol,
		      struct thag_symbol *out)
{
	const struct thag_dwarf_place *place = &reader->place;
	uint32_t last = place->frame_count - 1;

	out->status = THAG_SYMBOL_FOUND;
	out->frame_count = place->frame_count;
	for (uint32_t i = 0; i <= last; i++)
		set_frame(reader, &out->frames[i], &place->frames[i], i == last ? symbol : NULL);
	out->function = out->frames[last];
	out->function.line = place->function.line;
	set_file(&out->function, place->function.file);
}

/* Nothing tells the name: because nothing tells any, or not this one's. */
static uint32_t why_unnamed(const struct thag_symbol_reader *reader)
{
	return reader->has_symbols || reader->dwarf ? THAG_SYMBOL_UNKNOWN : THAG_SYMBOL_STRIPPED;
}

void thag_symbol_reader_find(struct thag_symbol_reader *reader, uint64_t address,
			     struct thag_symbol *out)
{
	const struct thag_table_symbol *symbol = thag_symbol_table_find(&reader->table, address);
	const char *name = symbol ? symbol->name : NULL;

	free_texts(reader);
	out->address = address;
	out->frame_count = 0;
	if (reader->dwarf && thag_dwarf_find(reader->dwarf, address, &reader->place) == 0 &&
	    (name || reader->place.function.name || reader->place.function.linkage)) {
		set_place(reader, name, out);
		return;
	}
	if (!name) {
		out->status = why_unnamed(reader);
		return;
	}
	out->status = THAG_SYMBOL_FOUND;
	out->frame_count = 1;
	out->frames[0] = (struct thag_symbol_frame){ 0 };
	set_symbol(reader, &out->frames[0], name);
	out->function = out->frames[0];
}
