#ifndef SYNCNORM_BASE_AVAILABLE_MEMORY_H
#define SYNCNORM_BASE_AVAILABLE_MEMORY_H

#include <stdint.h>

/**
 * Bytes that the processes of this node may still take: what the kernel says is available, or less where a control group (version 1
 * or 2) that this process is in, or one above it, has a limit. UINT64_MAX when nothing says. `root` is the directory that /proc and
 * /sys are looked for in: "" outside of tests. Not collective.
 */
uint64_t sn_available_memory(const char *root);

#endif
