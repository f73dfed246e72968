/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bodies.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <clang-c/Index.h>

#include "attributes.h"
#include "scan.h"

/* Where the source has marks, it parses without libthag's headers, too. */
#define HEADERS "/thag-instrument-headers"

static const char marks_header[] = "#define THAG_PROFILED(...)\n"
				   "#define THAG_PROFILED_AS(...)\n"
				   "#define THAG_ENABLE_PROFILING(...)\n";

struct finder {
	const struct thag_bodies_job *job;
	struct thag_bodies *bodies;
	struct thag_attributes attributes;
	CXTranslationUnit unit;
	CXFile file;
	unsigned *declared; /* the hash of each body's first declaration */
	size_t *errors;	    /* where in the file there are some, in order */
	size_t error_count;
	int ret;
};

/** Where a location is in the source; SIZE_MAX: elsewhere. */
static size_t place_of(const struct finder *finder, CXSourceLocation location, unsigned *line)
{
	CXFile file;
	unsigned offset;

	clang_getExpansionLocation(location, &file, line, NULL, &offset);
	return file && clang_File_isEqual(file, finder->file) ? offset : SIZE_MAX;
}

static char *copy_string(CXString string)
{
	const char *text = clang_getCString(string);
	char *copy = strdup(text ? text : "");

	clang_disposeString(string);
	return copy;
}

static bool names_scope(enum CXCursorKind kind)
{
	return kind == CXCursor_Namespace || kind == CXCursor_ClassDecl ||
	       kind == CXCursor_StructDecl || kind == CXCursor_UnionDecl ||
	       kind == CXCursor_ClassTemplate ||
	       kind == CXCursor_ClassTemplatePartialSpecialization;
}

/** The function's name behind those of what it is in; NULL without memory. */
static char *full_name(CXCursor cursor)
{
	char *name = clang_getCursorKind(cursor) == CXCursor_LambdaExpr
			     ? strdup("lambda")
			     : copy_string(clang_getCursorSpelling(cursor));
	CXCursor scope = clang_getCursorSemanticParent(cursor);

	for (; name && !clang_Cursor_isNull(scope) &&
	       clang_getCursorKind(scope) != CXCursor_TranslationUnit;
	     scope = clang_getCursorSemanticParent(scope)) {
		char *outer, *both = NULL;

		if (!names_scope(clang_getCursorKind(scope)))
			continue;
		outer = copy_string(clang_getCursorSpelling(scope));
		if (outer && outer[0] && asprintf(&both, "%s::%s", outer, name) >= 0) {
			free(name);
			name = both;
		}
		free(outer);
	}
	return name;
}

static enum CXChildVisitResult find_compound(CXCursor cursor, CXCursor parent, CXClientData data)
{
	enum CXCursorKind kind = clang_getCursorKind(cursor);

	(void)parent;
	if (kind == CXCursor_CXXTryStmt)
		return CXChildVisit_Recurse;
	if (kind != CXCursor_CompoundStmt)
		return CXChildVisit_Continue;
	*(CXCursor *)data = cursor;
	return CXChildVisit_Break;
}

/** Whether an error lies between two places. */
static bool has_error(const struct finder *finder, size_t from, size_t to)
{
	size_t low = 0, high = finder->error_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (finder->errors[middle] < from)
			low = middle + 1;
		else
			high = middle;
	}
	return low < finder->error_count && finder->errors[low] <= to;
}

/** Where what leads to the declaration at `at` may begin: behind what ends the one before it. */
static size_t header_start(const struct finder *finder, size_t at)
{
	while (at > 0 && !memchr(";{}", finder->job->source[at - 1], 3))
		at--;
	return at;
}

/** Whether one of the words before a body makes it a constant's. */
static bool is_constant(const struct finder *finder, size_t from, size_t to)
{
	struct thag_scan scan;
	struct thag_token token;

	thag_scan_begin(&scan, finder->job->source, to, from);
	do {
		thag_scan_next_code(&scan, &token);
		if (thag_token_is(finder->job->source, &token, "constexpr") ||
		    thag_token_is(finder->job->source, &token, "consteval"))
			return true;
	} while (token.kind != THAG_TOKEN_END);
	return false;
}

/** Whether the bytes at a body's ends are its braces: those of a macro are elsewhere. */
static bool has_braces(const struct finder *finder, const struct thag_body *body)
{
	const char *source = finder->job->source;

	if (body->at >= finder->job->bytes || body->end > finder->job->bytes ||
	    body->end <= body->at + 1)
		return false;
	if (source[body->at] != '{' && memcmp(source + body->at, "<%", 2) != 0)
		return false;
	return source[body->end - 1] == '}' || memcmp(source + body->end - 2, "%>", 2) == 0;
}

static const char *why_skipped(const struct finder *finder, CXCursor cursor,
			       const struct thag_body *body)
{
	unsigned line;
	size_t from = place_of(finder, clang_getRangeStart(clang_getCursorExtent(cursor)), &line);
	const char *why;

	if (!has_braces(finder, body))
		return "its body comes from a macro";
	if (from > body->at)
		return "it begins in another file";
	if (has_error(finder, header_start(finder, from), body->at))
		return "what comes before its body isn't understood";
	if (finder->job->cpp && is_constant(finder, from, body->at))
		return "constexpr";
	why = thag_attributes_of(cursor);
	if (why)
		return why;
	if (!finder->job->cpp && clang_Cursor_isFunctionInlined(cursor) &&
	    clang_Cursor_getStorageClass(cursor) != CX_SC_Static)
		return "inline but not static: C wants no static object in it";
	return NULL;
}

static struct thag_body *new_body(struct finder *finder)
{
	struct thag_bodies *bodies = finder->bodies;

	if (bodies->count == bodies->capacity) {
		size_t capacity = bodies->capacity ? bodies->capacity * 2 : 64;
		struct thag_body *list = reallocarray(bodies->list, capacity, sizeof(*list));
		unsigned *declared;

		if (list)
			bodies->list = list;
		declared = reallocarray(finder->declared, capacity, sizeof(*declared));
		if (declared)
			finder->declared = declared;
		if (!list || !declared) {
			finder->ret = -ENOMEM;
			return NULL;
		}
		bodies->capacity = capacity;
	}
	bodies->list[bodies->count] = (struct thag_body){ .at = SIZE_MAX };
	finder->declared[bodies->count] = 0;
	return &bodies->list[bodies->count++];
}

static bool is_main(CXCursor cursor, const char *name)
{
	return clang_getCursorKind(cursor) == CXCursor_FunctionDecl && strcmp(name, "main") == 0;
}

static void take_compound(struct finder *finder, CXCursor cursor, struct thag_body *body)
{
	CXCursor compound = clang_getNullCursor();
	CXSourceRange range;
	unsigned first, last;

	clang_visitChildren(cursor, find_compound, &compound);
	if (clang_Cursor_isNull(compound)) {
		body->skip = clang_isCursorDefinition(cursor) ? "it has no body of its own"
							      : "a prototype";
		return;
	}
	range = clang_getCursorExtent(compound);
	body->at = place_of(finder, clang_getRangeStart(range), &first);
	body->end = place_of(finder, clang_getRangeEnd(range), &last);
	body->lines = last - first + 1;
	body->skip = why_skipped(finder, cursor, body);
	if (body->at >= finder->job->bytes)
		body->at = SIZE_MAX;
}

static void take_function(struct finder *finder, CXCursor cursor, unsigned line)
{
	struct thag_body *body = new_body(finder);

	if (!body)
		return;
	body->line = line;
	body->name = full_name(cursor);
	if (!body->name) {
		finder->ret = -ENOMEM;
		return;
	}
	body->is_lambda = clang_getCursorKind(cursor) == CXCursor_LambdaExpr;
	body->is_main = is_main(cursor, body->name);
	finder->declared[finder->bodies->count - 1] =
		clang_hashCursor(clang_getCanonicalCursor(cursor));
	take_compound(finder, cursor, body);
}

static bool is_function(enum CXCursorKind kind)
{
	return kind == CXCursor_FunctionDecl || kind == CXCursor_CXXMethod ||
	       kind == CXCursor_Constructor || kind == CXCursor_Destructor ||
	       kind == CXCursor_ConversionFunction || kind == CXCursor_FunctionTemplate ||
	       kind == CXCursor_LambdaExpr;
}

static enum CXChildVisitResult visit(CXCursor cursor, CXCursor parent, CXClientData data)
{
	struct finder *finder = data;
	enum CXCursorKind kind = clang_getCursorKind(cursor);
	CXSourceLocation location;
	unsigned line;
	size_t at;

	(void)parent;
	/* where an expression begins takes as long to find as it is deep */
	if (!clang_isDeclaration(kind) && kind != CXCursor_LambdaExpr)
		return CXChildVisit_Recurse;
	location = clang_getCursorLocation(cursor);
	at = place_of(finder, location, &line);
	if (is_function(kind) && kind != CXCursor_LambdaExpr &&
	    !clang_Location_isInSystemHeader(location))
		finder->ret = thag_attributes_note(&finder->attributes, cursor);
	if (!finder->ret && at != SIZE_MAX && is_function(kind))
		take_function(finder, cursor, line);
	if (finder->ret)
		return CXChildVisit_Break;
	return at != SIZE_MAX ? CXChildVisit_Recurse : CXChildVisit_Continue;
}

static int compare_places(const void *a, const void *b)
{
	size_t left = *(const size_t *)a, right = *(const size_t *)b;

	return (left > right) - (left < right);
}

static int compare_bodies(const void *a, const void *b)
{
	const struct thag_body *left = a, *right = b;

	if (left->at != right->at)
		return left->at < right->at ? -1 : 1;
	return (left->line > right->line) - (left->line < right->line);
}

/** Keeps the text of a problem, if it is one of the first. */
static int note_problem(struct finder *finder, CXDiagnostic diagnostic)
{
	struct thag_bodies *bodies = finder->bodies;
	char *text;

	bodies->problems_in_all++;
	if (bodies->problem_count == THAG_BODIES_PROBLEMS_MAX)
		return 0;
	if (!bodies->problems)
		bodies->problems = calloc(THAG_BODIES_PROBLEMS_MAX, sizeof(bodies->problems[0]));
	text = copy_string(clang_formatDiagnostic(diagnostic, CXDiagnostic_DisplaySourceLocation));
	if (!text || !bodies->problems) {
		free(text);
		return -ENOMEM;
	}
	bodies->problems[bodies->problem_count++].text = text;
	return 0;
}

/** A missing header says nothing of the function behind it. */
static bool is_of_directive(CXDiagnostic diagnostic)
{
	CXString category = clang_getDiagnosticCategoryText(diagnostic);
	const char *text = clang_getCString(category);
	bool is = text && strcmp(text, "Lexical or Preprocessor Issue") == 0;

	clang_disposeString(category);
	return is;
}

/** A function in another one, which GNU C has and libclang doesn't. */
static int note_nested(struct finder *finder, CXDiagnostic diagnostic, unsigned line)
{
	char *text = copy_string(clang_getDiagnosticSpelling(diagnostic));
	bool nested = text && strstr(text, "function definition is not allowed here");
	struct thag_body *body = nested ? new_body(finder) : NULL;

	if (body) {
		body->line = line;
		body->skip = "a function in a function, which libclang doesn't read";
		body->name = strdup("nested");
	}
	free(text);
	return !text || (body && !body->name) ? -ENOMEM : finder->ret;
}

/** Those without one are of options that gcc knows and clang doesn't. */
static bool has_file(CXDiagnostic diagnostic)
{
	CXFile file;

	clang_getExpansionLocation(clang_getDiagnosticLocation(diagnostic), &file, NULL, NULL,
				   NULL);
	return file != NULL;
}

static int take_problems(struct finder *finder)
{
	unsigned count = clang_getNumDiagnostics(finder->unit), line;
	int ret = 0;

	finder->errors = calloc((size_t)count + 1, sizeof(finder->errors[0]));
	if (!finder->errors)
		return -ENOMEM;
	for (unsigned i = 0; !ret && i < count; i++) {
		CXDiagnostic diagnostic = clang_getDiagnostic(finder->unit, i);

		if (clang_getDiagnosticSeverity(diagnostic) >= CXDiagnostic_Error &&
		    has_file(diagnostic)) {
			size_t at =
				place_of(finder, clang_getDiagnosticLocation(diagnostic), &line);

			if (!is_of_directive(diagnostic))
				finder->errors[finder->error_count++] = at;
			ret = note_problem(finder, diagnostic);
			if (!ret && at != SIZE_MAX)
				ret = note_nested(finder, diagnostic, line);
		}
		clang_disposeDiagnostic(diagnostic);
	}
	qsort(finder->errors, finder->error_count, sizeof(finder->errors[0]), compare_places);
	return ret;
}

/** What other declarations of a function say of it. */
static void apply_attributes(struct finder *finder)
{
	struct thag_bodies *bodies = finder->bodies;

	for (size_t i = 0; i < bodies->count; i++)
		if (!bodies->list[i].skip)
			bodies->list[i].skip = thag_attributes_find(
				&finder->attributes, finder->declared[i], bodies->list[i].name);
}

/** Puts them in order; those of a class in a function were visited twice. */
static void sort_bodies(struct thag_bodies *bodies)
{
	size_t kept = 0;

	if (bodies->count)
		qsort(bodies->list, bodies->count, sizeof(bodies->list[0]), compare_bodies);
	for (size_t i = 0; i < bodies->count; i++) {
		struct thag_body *body = &bodies->list[i],
				 *before = kept ? &bodies->list[kept - 1] : NULL;

		if (before && before->at == body->at && before->line == body->line &&
		    strcmp(before->name, body->name) == 0)
			free(body->name);
		else
			bodies->list[kept++] = *body;
	}
	bodies->count = kept;
}

static int read_unit(struct finder *finder)
{
	int ret;

	finder->file = clang_getFile(finder->unit, finder->job->path);
	if (!finder->file)
		return -EINVAL;
	ret = take_problems(finder);
	if (ret)
		return ret;
	clang_visitChildren(clang_getTranslationUnitCursor(finder->unit), visit, finder);
	if (finder->ret)
		return finder->ret;
	apply_attributes(finder);
	sort_bodies(finder->bodies);
	return 0;
}

/** The words of the command, and ours: all errors but those of newer Cs, headers of thag's. */
static const char **all_words(const struct thag_arguments *arguments, size_t *count)
{
	static const char *const ours[] = {
		"-w",
		"-ferror-limit=0",
		"-Wno-error",
		"-Wno-implicit-function-declaration",
		"-Wno-int-conversion",
		"-Wno-incompatible-function-pointer-types",
		"-Wno-return-mismatch",
		"-idirafter",
		THAG_INCLUDEDIR,
		"-idirafter",
		HEADERS,
	};
	size_t ours_count = sizeof(ours) / sizeof(ours[0]);
	const char **words = calloc(arguments->count + ours_count, sizeof(*words));

	if (!words)
		return NULL;
	*count = 0;
	for (size_t i = 0; i < arguments->count; i++)
		words[(*count)++] = arguments->list[i];
	for (size_t i = 0; i < ours_count; i++)
		words[(*count)++] = ours[i];
	return words;
}

static int parse(struct finder *finder, CXIndex index)
{
	const struct thag_bodies_job *job = finder->job;
	struct CXUnsavedFile files[] = {
		{ job->path, job->source, job->bytes },
		{ HEADERS "/thag.h", marks_header, sizeof(marks_header) - 1 },
		{ HEADERS "/thag.hpp", marks_header, sizeof(marks_header) - 1 },
	};
	size_t count;
	const char **words = all_words(job->arguments, &count);
	enum CXErrorCode error;

	if (!words)
		return -ENOMEM;
	error = clang_parseTranslationUnit2FullArgv(index, job->path, words, (int)count, files, 3,
						    CXTranslationUnit_KeepGoing, &finder->unit);
	free(words);
	return error == CXError_Success ? 0 : -EINVAL;
}

int thag_bodies_find(struct thag_bodies *bodies, const struct thag_bodies_job *job)
{
	struct finder finder = { .job = job, .bodies = bodies };
	CXIndex index = clang_createIndex(0, 0);
	int ret = index ? parse(&finder, index) : -ENOMEM;

	if (!ret)
		ret = read_unit(&finder);
	if (finder.unit)
		clang_disposeTranslationUnit(finder.unit);
	if (index)
		clang_disposeIndex(index);
	thag_attributes_fini(&finder.attributes);
	free(finder.declared);
	free(finder.errors);
	return ret;
}

void thag_bodies_fini(struct thag_bodies *bodies)
{
	for (size_t i = 0; i < bodies->count; i++)
		free(bodies->list[i].name);
	for (size_t i = 0; i < bodies->problem_count; i++)
		free(bodies->problems[i].text);
	free(bodies->problems);
	free(bodies->list);
	*bodies = (struct thag_bodies){ 0 };
}
