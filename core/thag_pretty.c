/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_pretty.h"

#include <string.h>

#include "thag_pretty_private.h"

/* Brackets that are looked at as the beginning of a list: hostile names have thousands. */
#define LISTS_MAX 16

/* A declaration is read once, from the left; what has been written as a name is taken back when
 * it turns out to have been a word before the name. */
struct declaration {
	struct pretty *pretty;
	struct pretty_text text;
	size_t at;
	size_t bound; /* template parameters whose arguments stand in the name */
	bool lambda;  /* the name so far ends in one */
	bool done;
};

static void start_over(struct declaration *it)
{
	it->pretty->used = 0;
	it->bound = 0;
	it->lambda = false;
	for (size_t i = 0; i < it->pretty->binding_count; i++)
		it->pretty->bindings[i].used = false;
}

static void fail(struct declaration *it)
{
	it->pretty->failed = true;
	it->done = true;
}

static bool starts(const struct declaration *it, size_t at, const char *with)
{
	return thag_pretty_starts(it->text, at, with);
}

static bool starts_word(const struct declaration *it, size_t at, const char *word)
{
	return starts(it, at, word) && thag_pretty_word(it->text, at) == strlen(word);
}

/* clang gives arguments twice, in the name and in the list after it: those are said already. */
static void match_arguments(struct declaration *it, size_t from)
{
	const struct pretty *pretty = it->pretty;
	size_t at = from, end = pretty->used, count = it->bound;

	if (pretty->substitutes || pretty->failed)
		return;
	do {
		if (count == pretty->binding_count)
			return;
		const struct pretty_text *value = &pretty->bindings[count++].value;

		if (value->bytes > end - at ||
		    memcmp(pretty->out + at, value->at, value->bytes) != 0)
			return;
		at += value->bytes;
		if (at < end && value->bytes)
			at += end - at < 2 ? end - at : 2; /* ", " */
	} while (at < end);
	it->bound = count;
}

static void take_arguments(struct declaration *it, size_t end)
{
	struct pretty_text inside = { it->text.at + it->at + 1, end - it->at - 2 };
	size_t from = it->pretty->used + 1;

	thag_pretty_say(it->pretty, "<");
	thag_pretty_types(it->pretty, inside);
	match_arguments(it, from);
	thag_pretty_say(it->pretty, ">");
	it->at = end;
}

static void take_lambda(struct declaration *it, size_t end)
{
	thag_pretty_say(it->pretty, "{lambda}");
	it->lambda = true;
	it->at = end;
	if (starts(it, end, "::operator()"))
		it->at += sizeof("::operator()") - 1;
}

/* After parameters: the function was one that encloses the name, or they were the name's own. */
static void leave_parameters(struct declaration *it, size_t end)
{
	static const char *const words[] = { " const",	  " volatile", " mutable",
					     " noexcept", " &&",       " &" };
	size_t i = 0;

	while (i < sizeof(words) / sizeof(*words)) {
		if (starts(it, end, words[i])) {
			end += strlen(words[i]);
			i = 0;
		} else {
			i++;
		}
	}
	it->done = !starts(it, end, "::");
	it->at = end;
}

static void take_parenthesis(struct declaration *it)
{
	size_t end = thag_pretty_group(it->text, it->at);

	if (end == 0) {
		fail(it);
	} else if (starts(it, it->at, "(anonymous namespace)")) {
		thag_pretty_say(it->pretty, "{anonymous}");
		it->at = end;
	} else if (starts(it, it->at, "(anonymous class)") || starts(it, it->at, "(lambda")) {
		take_lambda(it, end);
	} else if (starts(it, it->at, "(anonymous ") || starts(it, it->at, "(unnamed ")) {
		thag_pretty_say(it->pretty, "{unnamed}");
		it->at = end;
	} else if (it->pretty->used == 0) { /* it returns a function's pointer: "(* name(…))(…)" */
		it->text = (struct pretty_text){ it->text.at + it->at + 1, end - it->at - 2 };
		it->at = 0;
		start_over(it);
	} else {
		leave_parameters(it, end);
	}
}

static void take_bracket(struct declaration *it)
{
	size_t end = thag_pretty_group(it->text, it->at);
	char c = it->text.at[it->at];

	if (end == 0) {
		fail(it);
	} else if (starts(it, it->at, "<lambda") || starts(it, it->at, "{lambda")) {
		take_lambda(it, end);
	} else if (starts(it, it->at, "<unnamed") || starts(it, it->at, "{unnamed")) {
		thag_pretty_say(it->pretty, "{unnamed}");
		it->at = end;
	} else if (c == '<') {
		take_arguments(it, end);
	} else {
		if (c == '{')
			thag_pretty_put(it->pretty, it->text.at + it->at, end - it->at);
		it->at = end; /* "[abi:cxx11]" is left out */
	}
}

/* Bytes of the operator's sign at `at`: the longest there is. */
static size_t sign_bytes(const struct declaration *it, size_t at)
{
	static const char *const signs[] = { "<=>", "<<=", ">>=", "->*", "()", "[]", "<<", ">>",
					     "->",  "<=",  ">=",  "==",	 "!=", "&&", "||", "++",
					     "--",  "+=",  "-=",  "*=",	 "/=", "%=", "^=", "&=",
					     "|=",  "+",   "-",	  "*",	 "/",  "%",  "^",  "&",
					     "|",   "~",   "!",	  "=",	 "<",  ">",  "," };

	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++)
		if (starts(it, at, signs[i]))
			return strlen(signs[i]);
	return 0;
}

static void take_allocator(struct declaration *it, const char *word)
{
	size_t end = it->at + strlen(word);
	bool array = starts(it, end, "[]") || starts(it, end, " []");

	thag_pretty_say(it->pretty, word);
	if (array)
		thag_pretty_say(it->pretty, "[]");
	it->at = end + (array ? (starts(it, end, " []") ? 3 : 2) : 0);
}

/* "operator TYPE()": the type goes up to the last parentheses, which are the parameters. */
static void take_conversion(struct declaration *it)
{
	size_t at = it->at + 1, parameters = 0;

	while (at < it->text.bytes && !starts(it, at, "::<") && !starts(it, at, "::(")) {
		char c = it->text.at[at];
		size_t end =
			c == '(' || c == '<' || c == '[' ? thag_pretty_group(it->text, at) : at + 1;

		if (end == 0)
			break;
		if (c == ' ' && parameters && it->text.at[at - 1] == ')' && !starts(it, at, " ("))
			break;
		if (c == '(')
			parameters = at;
		at = end;
	}
	if (parameters == 0) {
		fail(it);
		return;
	}
	thag_pretty_say(it->pretty, " ");
	thag_pretty_types(it->pretty, (struct pretty_text){ it->text.at + it->at + 1,
							    parameters - it->at - 1 });
	it->at = parameters;
}

static void take_operator(struct declaration *it)
{
	size_t sign;

	thag_pretty_say(it->pretty, "operator");
	it->at += sizeof("operator") - 1;
	sign = sign_bytes(it, it->at);
	if (starts(it, it->at, "\"\""))
		sign = 2 + starts(it, it->at, "\"\" "); /* the suffix follows, as a word */
	if (sign) {
		thag_pretty_put(it->pretty, it->text.at + it->at, sign);
		it->at += sign;
		it->at += starts(it, it->at, " <"); /* "operator< <int>" */
	} else if (starts_word(it, it->at + 1, "new") || starts_word(it, it->at + 1, "delete")) {
		take_allocator(it, starts_word(it, it->at + 1, "new") ? " new" : " delete");
	} else if (starts(it, it->at, " co_await")) {
		thag_pretty_say(it->pretty, " co_await");
		it->at += sizeof(" co_await") - 1;
	} else {
		take_conversion(it);
	}
}

/* "decltype (a + b)" and the like: its parentheses are no parameters. */
static bool take_expression(struct declaration *it, size_t bytes)
{
	static const char *const words[] = { "decltype",   "noexcept",	    "alignas", "typeof",
					     "__typeof__", "__attribute__", "explicit" };
	size_t at = it->at + bytes, end;

	at += starts(it, at, " (");
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!starts_word(it, it->at, words[i]) || !starts(it, at, "("))
			continue;
		end = thag_pretty_group(it->text, at);
		if (end)
			it->at = end;
		else
			fail(it);
		return true;
	}
	return false;
}

static void take_word(struct declaration *it)
{
	size_t bytes = thag_pretty_word(it->text, it->at);

	if (starts_word(it, it->at, "operator")) {
		take_operator(it);
	} else if (starts(it, it->at, "__cxx11::")) {
		it->at += sizeof("__cxx11::") - 1;
	} else if (starts(it, it->at, "__1::")) {
		it->at += sizeof("__1::") - 1;
	} else if (!take_expression(it, bytes)) {
		thag_pretty_put(it->pretty, it->text.at + it->at, bytes);
		it->at += bytes;
	}
	it->lambda = false;
}

static void take_sign(struct declaration *it)
{
	char c = it->text.at[it->at++];

	if (c == ' ' && it->lambda) {
		it->done = true;
	} else if (c == ' ' || c == '*' || c == '&') {
		start_over(it);
	} else if (c == ':' || c == '~' || c == '.') {
		thag_pretty_put(it->pretty, &c, 1);
		it->lambda = false;
	} else {
		fail(it);
	}
}

/* What comes after the parameters is left out, but must make sense: the name may be cut. */
static bool is_balanced(struct pretty_text text, size_t at)
{
	while (at < text.bytes) {
		char c = text.at[at];
		size_t end = memchr("(<[{'\"", c, 6)		  ? thag_pretty_group(text, at)
			     : thag_pretty_starts(text, at, "->") ? at + 2
								  : at + 1;

		if (end == 0 || memchr(")>]}", c, 4))
			return false;
		at = end;
	}
	return true;
}

static void take_declaration(struct declaration *it)
{
	bool spaced = memchr(it->text.at, ' ', it->text.bytes) != NULL;

	while (!it->done && !it->pretty->failed && it->at < it->text.bytes) {
		char c = it->text.at[it->at];

		if (thag_pretty_is_word(c))
			take_word(it);
		else if (c == '(')
			take_parenthesis(it);
		else if (c == '<' || c == '{' || c == '[')
			take_bracket(it);
		else
			take_sign(it);
	}
	/* words, and no function among them */
	if ((!it->done && !it->lambda && spaced) || !is_balanced(it->text, it->at))
		it->pretty->failed = true;
}

/* "T", "int N", "auto:1", "x:auto"; what gcc says of other types ("std::size_t") is none. */
static bool is_parameter(struct pretty_text *key)
{
	size_t at = key->bytes;
	bool generic = key->bytes > 5 && memcmp(key->at + key->bytes - 5, ":auto", 5) == 0;

	while (at && thag_pretty_is_word(key->at[at - 1]))
		at--;
	if (at == key->bytes)
		return false;
	if (generic || (at >= 5 && memcmp(key->at + at - 5, "auto:", 5) == 0)) {
		*key = (struct pretty_text){ key->at, 0 };
		return true;
	}
	if (at && (key->at[at - 1] == ':' || memchr(key->at, '<', at)))
		return false;
	*key = (struct pretty_text){ key->at + at, key->bytes - at };
	return key->bytes < 3 || memcmp(key->at + key->bytes - 2, "_t", 2) != 0;
}

/* The first `what` outside of brackets; text.bytes where there is none. */
static size_t find_outside(struct pretty_text text, size_t at, const char *what)
{
	while (at < text.bytes && !thag_pretty_starts(text, at, what)) {
		char c = text.at[at];
		size_t end = memchr("(<[{'\"", c, 6) ? thag_pretty_group(text, at) : at + 1;

		at = end ? end : text.bytes;
	}
	return at < text.bytes ? at : text.bytes;
}

/* One of the list, "T = int"; its value is written into the room for such. */
static void add_binding(struct pretty *pretty, struct pretty *values, struct pretty_text item)
{
	size_t equals = find_outside(item, 0, " = "), start = values->used;
	struct pretty_text key = { item.at, equals }, value;
	struct pretty_binding *binding;

	if (equals == item.bytes || !is_parameter(&key))
		return;
	value = (struct pretty_text){ item.at + equals + 3, item.bytes - equals - 3 };
	if (value.bytes >= 2 && *value.at == (pretty->substitutes ? '{' : '<') &&
	    thag_pretty_group(value, 0) == value.bytes)
		value = (struct pretty_text){ value.at + 1, value.bytes - 2 }; /* a pack */
	thag_pretty_types(values, value);
	if (values->failed || pretty->binding_count == PRETTY_BINDINGS_MAX) {
		pretty->failed = true;
		return;
	}
	binding = &pretty->bindings[pretty->binding_count++];
	*binding = (struct pretty_binding){ key,
					    { values->out + start, values->used - start },
					    false };
}

static void read_bindings(struct pretty *pretty, struct pretty *values, struct pretty_text list)
{
	size_t end;

	pretty->substitutes = thag_pretty_starts(list, 0, "with ");
	for (size_t at = pretty->substitutes ? 5 : 0; at < list.bytes && !pretty->failed;
	     at = end + 2) {
		end = find_outside(list, at, pretty->substitutes ? "; " : ", ");
		add_binding(pretty, values, (struct pretty_text){ list.at + at, end - at });
	}
}

/* Splits a list of template arguments off the end of `text`: " [with …]", " [T = …]". */
static struct pretty_text split_bindings(struct pretty_text *text)
{
	struct pretty_text none = { text->at, 0 };
	unsigned tried = 0;

	if (text->bytes == 0 || text->at[text->bytes - 1] != ']')
		return none;
	for (size_t at = text->bytes - 1; at-- > 1;) {
		struct pretty_text list = { text->at + at + 1, text->bytes - at - 2 };

		if (text->at[at] != '[' || text->at[at - 1] != ' ' || ++tried > LISTS_MAX ||
		    thag_pretty_group(*text, at) != text->bytes ||
		    !(thag_pretty_starts(list, 0, "with ") ||
		      find_outside(list, 0, " = ") < list.bytes))
			continue;
		text->bytes = at - 1;
		return list;
	}
	return none;
}

/* The arguments that are not in the name yet are those of the function itself. */
static void put_own_arguments(struct pretty *pretty, size_t bound)
{
	size_t start = pretty->used;

	for (size_t i = bound; i < pretty->binding_count; i++) {
		const struct pretty_binding *binding = &pretty->bindings[i];

		if (binding->used || binding->value.bytes == 0 ||
		    thag_pretty_starts(binding->value, 0, "std::allocator<"))
			continue;
		thag_pretty_say(pretty, pretty->used == start ? "<" : ", ");
		thag_pretty_put(pretty, binding->value.at, binding->value.bytes);
	}
	if (pretty->used != start)
		thag_pretty_say(pretty, ">");
}

size_t thag_pretty(const char *name, size_t bytes, char *out)
{
	char room[THAG_PRETTY_BYTES_MAX];
	struct pretty pretty = { .out = out, .size = bytes };
	struct pretty values = { .out = room, .size = sizeof(room) };
	struct declaration it = { .pretty = &pretty, .text = { name, bytes } };

	if (bytes && bytes <= THAG_PRETTY_BYTES_MAX) {
		struct pretty_text list = split_bindings(&it.text);

		read_bindings(&pretty, &values, list);
		take_declaration(&it);
		put_own_arguments(&pretty, it.bound);
	}
	if (pretty.failed || pretty.used == 0) {
		memcpy(out, name, bytes);
		return bytes;
	}
	return pretty.used;
}
