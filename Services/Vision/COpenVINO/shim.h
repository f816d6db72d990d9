#pragma once
#include <openvino/c/openvino.h>
#include <stdbool.h>

#if defined(__x86_64__)
#include <cpuid.h>

// Whether the processor says that it has AMX tiles (leaf 7) and then describes none (leaf 0x1D), as some virtual machines do.
// oneDNN believes the first and executes an illegal instruction.
static inline bool cpu_hides_amx_palette(void) {
    unsigned int a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d & (1u << 24))) return false;
    return !__get_cpuid_count(0x1D, 0, &a, &b, &c, &d) || a == 0;
}
#else
static inline bool cpu_hides_amx_palette(void) { return false; }
#endif
