/* CRC-32 of IEEE 802.3, which zlib, gzip and Node's zlib.crc32() have: of each chunk in the log's index. */
#ifndef JOBLET_CRC32_H
#define JOBLET_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* From one thread at a time. */
uint32_t crc32_of(const uint8_t *bytes, size_t count);

#endif
