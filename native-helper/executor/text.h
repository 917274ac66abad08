/* Bounded text: strings, numbers and JSON into a buffer of fixed size, without stdio and without allocation. */
#ifndef JOBLET_TEXT_H
#define JOBLET_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What doesn't fit goes to `fd` when the buffer is full; with fd −1 it is dropped and `overflow` is set.
 * An error of write(2) is kept in `error` (errno), and nothing more is written.
 */
struct text {
	char *buffer;
	size_t capacity, length;
	int fd, error;
	bool overflow;
	char last; /* byte that was added, wherever it is now */
};

#define TEXT_IN(array) ((struct text){.buffer = (array), .capacity = sizeof(array), .fd = -1})

void text_add(struct text *text, const char *string);
void text_add_bytes(struct text *text, const char *bytes, size_t count);
void text_add_unsigned(struct text *text, uint64_t value);
void text_add_signed(struct text *text, int64_t value);
/* In the given base, at least `width` digits, zeroes in front. */
void text_add_digits(struct text *text, uint64_t value, unsigned base, unsigned width);
/* Ends the text with a NUL in place, and returns it. Of an overflowing text the end is missing. */
const char *text_string(struct text *text);
/* Writes what is left to `fd`. False when this or an earlier write failed. */
bool text_flush(struct text *text);

/* A JSON string with its quotes (RFC 8259); bytes that are not UTF-8 become U+FFFD. NULL becomes null. */
void json_string(struct text *text, const char *string);
/* `"name":`, with a comma before it unless the object has just been opened. */
void json_name(struct text *text, const char *name);
void json_string_field(struct text *text, const char *name, const char *value);
void json_number_field(struct text *text, const char *name, int64_t value);

#endif
