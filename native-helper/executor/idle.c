#define _GNU_SOURCE
#include "idle.h"

#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static int release(struct dl_phdr_info *object, size_t size, void *page)
{
	(void)size;
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
		uintptr_t start = object->dlpi_addr + segment->p_vaddr;
		uintptr_t first = start & -*(const uintptr_t *)page;

		/* Never a segment that can be written: MADV_DONTNEED would put the file's content back. */
		if (segment->p_type == PT_LOAD && !(segment->p_flags & PF_W))
			madvise((void *)first, start + segment->p_memsz - first, MADV_DONTNEED);
	}
	return 1; /* the executable is the first object, and a static one has no other */
}

void idle_release_code(void)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	dl_iterate_phdr(release, &page);
}
