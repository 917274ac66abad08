#include "session-order.h"

#include "plan-cursor.h"

enum { REQUEST_TERMINAL = 1, REQUEST_INPUT = 2, REQUEST_FLAGS = REQUEST_TERMINAL | REQUEST_INPUT };
enum { SIZE_BYTES = 8, REQUEST_BYTES_MINIMUM = 4 + SIZE_BYTES + 5 + 4 + 6 };

static const struct {
	uint32_t minimum, maximum;
} PAYLOADS[SESSION_ORDERS_END] = {
	[SESSION_ATTACH] = {0, 0},
	[SESSION_EXEC] = {REQUEST_BYTES_MINIMUM, SESSION_PAYLOAD_MAXIMUM},
	[SESSION_INPUT] = {1, SESSION_PAYLOAD_MAXIMUM},
	[SESSION_END_OF_INPUT] = {0, 0},
	[SESSION_RESIZE] = {SIZE_BYTES, SIZE_BYTES},
};

bool session_order_fits(const struct session_header *header)
{
	return header->type >= SESSION_ATTACH && header->type < SESSION_ORDERS_END && header->size >= PAYLOADS[header->type].minimum &&
	       header->size <= PAYLOADS[header->type].maximum;
}

static struct terminal_size take_size(struct cursor *cursor)
{
	struct terminal_size size = {.columns = take_u32(cursor)};

	size.rows = take_u32(cursor);
	require(cursor, size.columns <= TERMINAL_CELLS_MAXIMUM && size.rows <= TERMINAL_CELLS_MAXIMUM, PLAN_VALUE);
	return size;
}

bool session_read_size(const uint8_t *payload, size_t size, struct terminal_size *cells)
{
	struct cursor cursor = {.at = payload, .end = payload + size};

	*cells = take_size(&cursor);
	require(&cursor, left(&cursor) == 0, PLAN_TRAILING);
	return cursor.fault == 0;
}

/* Names of terminals are names of files of terminfo(5). */
static const char *take_term(struct cursor *cursor)
{
	static const char ALLOWED[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+.-";
	const char *term = take_string(cursor, 0, REQUEST_TERM_MAXIMUM);

	require(cursor, term[0] != '.' && term[strspn(term, ALLOWED)] == '\0', PLAN_VALUE);
	return term;
}

bool session_read_request(const uint8_t *payload, size_t size, struct exec_request *request)
{
	struct cursor cursor = {.at = payload, .end = payload + size};
	uint32_t flags = take_u32(&cursor);

	request->has_terminal = flags & REQUEST_TERMINAL;
	request->has_input = flags & REQUEST_INPUT;
	request->size = take_size(&cursor);
	request->term = take_term(&cursor);
	request->argument_count = take_u32(&cursor);
	require(&cursor, (flags & ~(uint32_t)REQUEST_FLAGS) == 0, PLAN_VALUE);
	require(&cursor, request->has_terminal || (request->size.columns == 0 && request->size.rows == 0), PLAN_COMBINATION);
	require(&cursor, request->argument_count >= 1 && request->argument_count <= REQUEST_ARGUMENTS_MAXIMUM, PLAN_TOO_MANY);
	if (cursor.fault != 0)
		return false;
	for (uint32_t i = 0; i < request->argument_count; i++)
		request->arguments[i] = take_string(&cursor, i == 0 ? 1 : 0, PLAN_STRING_MAXIMUM);
	request->arguments[request->argument_count] = NULL;
	require(&cursor, left(&cursor) == 0, PLAN_TRAILING);
	return cursor.fault == 0;
}
