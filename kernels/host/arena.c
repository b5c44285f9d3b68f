// One arena for all buffers. Without huge pages the placement of small pages makes one binary's L1-sized store pass take
// 0.167 to 0.39 ns/element from process to process; with them 16 of 16 processes fell within 0.166-0.168.
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include "kernel.h"
#include "host/host.h"

enum { HUGE_PAGE = 2 << 20, SMALL_PAGE = 4096 };

static size_t whole_huge_pages(size_t bytes) { return (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE; }

void *arena_map(size_t bytes) {
  bytes = whole_huge_pages(bytes);
  char *map = mmap(NULL, bytes + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (map == MAP_FAILED) return NULL;
  size_t before = -(uintptr_t) map % HUGE_PAGE;
  if (before) munmap(map, before);
  munmap(map + before + bytes, HUGE_PAGE - before);
  madvise(map + before, bytes, MADV_HUGEPAGE);
  for (size_t i = 0; i < bytes; i += SMALL_PAGE) ((volatile char *) map)[before + i] = 0;
  return map + before;
}

void arena_unmap(void *arena, size_t bytes) { munmap(arena, whole_huge_pages(bytes)); }
