#pragma once
#include <openvino/c/openvino.h>
#include <stdbool.h>

#if defined(__x86_64__)
#include <cpuid.h>

enum cpu_feature { CPU_AMX_BF16 = 22, CPU_AMX_TILE = 24 };

/// Whether the processor says that it has a feature (leaf 7).
static inline bool cpu_claims(enum cpu_feature feature) {
    unsigned int a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && d & 1u << feature;
}

/// Whether it claims AMX tiles and then describes none (leaf 0x1D), as some virtual machines do. oneDNN believes the first and executes an
/// illegal instruction.
static inline bool cpu_hides_amx_palette(void) {
    unsigned int a, b, c, d;
    return cpu_claims(CPU_AMX_TILE) && (!__get_cpuid_count(0x1D, 0, &a, &b, &c, &d) || a == 0);
}

/// Whether it multiplies tiles of bfloat16.
static inline bool cpu_has_amx_bfloat16(void) {
    return cpu_claims(CPU_AMX_TILE) && cpu_claims(CPU_AMX_BF16) && !cpu_hides_amx_palette();
}

/// Whether it multiplies vectors of bfloat16, and the system keeps such vectors.
static inline bool cpu_has_bfloat16(void) { return __builtin_cpu_supports("avx512bf16"); }

static inline bool cpu_is_amd(void) { return __builtin_cpu_is("amd"); }
#else
static inline bool cpu_hides_amx_palette(void) { return false; }
static inline bool cpu_has_amx_bfloat16(void) { return false; }
static inline bool cpu_has_bfloat16(void) { return false; }
static inline bool cpu_is_amd(void) { return false; }
#endif
