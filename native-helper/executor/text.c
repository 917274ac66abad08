#include "text.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

bool text_flush(struct text *text)
{
	size_t written = 0;

	while (text->error == 0 && written < text->length) {
		ssize_t count = write(text->fd, text->buffer + written, text->length - written);

		if (count > 0)
			written += (size_t)count;
		else if (errno != EINTR)
			text->error = errno;
	}
	text->length = 0;
	return text->error == 0;
}

void text_add_bytes(struct text *text, const char *bytes, size_t count)
{
	if (count > 0)
		text->last = bytes[count - 1];
	while (count > 0) {
		size_t room = text->capacity - text->length;
		size_t part = count < room ? count : room;

		memcpy(text->buffer + text->length, bytes, part);
		text->length += part;
		bytes += part;
		count -= part;
		if (count == 0)
			return;
		if (text->fd < 0) {
			text->overflow = true;
			return;
		}
		text_flush(text);
	}
}

void text_add(struct text *text, const char *string)
{
	text_add_bytes(text, string, strlen(string));
}

void text_add_digits(struct text *text, uint64_t value, unsigned base, unsigned width)
{
	char digits[64]; /* of 2⁶⁴ in base 2 */
	size_t at = sizeof digits;

	do {
		digits[--at] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value > 0 || sizeof digits - at < width);
	text_add_bytes(text, digits + at, sizeof digits - at);
}

void text_add_unsigned(struct text *text, uint64_t value)
{
	text_add_digits(text, value, 10, 1);
}

void text_add_signed(struct text *text, int64_t value)
{
	if (value < 0)
		text_add(text, "-");
	text_add_unsigned(text, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

const char *text_string(struct text *text)
{
	if (text->length == text->capacity) {
		text->overflow = true;
		text->length--;
	}
	text->buffer[text->length] = '\0';
	return text->buffer;
}

/* The length of the well-formed UTF-8 sequence at `bytes` (Unicode, table 3-7), 0 when there is none. The NUL at the end stops it. */
static size_t utf8_length(const unsigned char *bytes)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t length;

	if (bytes[0] < 0x80)
		return 1;
	if (bytes[0] < 0xc2 || bytes[0] > 0xf4)
		return 0;
	length = bytes[0] < 0xe0 ? 2 : bytes[0] < 0xf0 ? 3 : 4;
	if (bytes[0] == 0xe0)
		low = 0xa0;
	else if (bytes[0] == 0xed)
		high = 0x9f;
	else if (bytes[0] == 0xf0)
		low = 0x90;
	else if (bytes[0] == 0xf4)
		high = 0x8f;
	for (size_t i = 1; i < length; i++, low = 0x80, high = 0xbf)
		if (bytes[i] < low || bytes[i] > high)
			return 0;
	return length;
}

/* The length of what a JSON string holds as it is (RFC 8259, section 7), up to the first byte that must be written otherwise. */
static size_t plain_length(const unsigned char *bytes)
{
	size_t length = 0;

	while (bytes[length] >= 0x20 && bytes[length] < 0x7f && bytes[length] != '"' && bytes[length] != '\\')
		length++;
	return length;
}

/* Returns how many of the bytes it wrote; each that is no UTF-8 becomes U+FFFD. */
static size_t add_escaped(struct text *text, const unsigned char *bytes)
{
	size_t length = utf8_length(bytes);

	if (length == 0) {
		text_add(text, "\xef\xbf\xbd");
		return 1;
	}
	if (*bytes < 0x20 || *bytes == 0x7f) {
		text_add(text, "\\u");
		text_add_digits(text, *bytes, 16, 4);
		return 1;
	}
	if (*bytes == '"' || *bytes == '\\')
		text_add(text, "\\");
	text_add_bytes(text, (const char *)bytes, length);
	return length;
}

void json_string(struct text *text, const char *string)
{
	if (!string) {
		text_add(text, "null");
		return;
	}
	text_add(text, "\"");
	for (const unsigned char *at = (const unsigned char *)string; *at;) {
		size_t plain = plain_length(at);

		text_add_bytes(text, (const char *)at, plain);
		at += plain;
		if (*at)
			at += add_escaped(text, at);
	}
	text_add(text, "\"");
}

void json_name(struct text *text, const char *name)
{
	if (text->last != '{')
		text_add(text, ",");
	json_string(text, name);
	text_add(text, ":");
}

void json_string_field(struct text *text, const char *name, const char *value)
{
	json_name(text, name);
	json_string(text, value);
}

void json_number_field(struct text *text, const char *name, int64_t value)
{
	json_name(text, name);
	text_add_signed(text, value);
}
