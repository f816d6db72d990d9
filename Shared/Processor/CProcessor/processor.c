#include "CProcessor.h"

#ifdef __x86_64__
#include <cpuid.h>

bool processor_has(enum processor_instructions instructions) {
    switch (instructions) {
    case PROCESSOR_PORTABLE: return true;
    case PROCESSOR_AVX2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case PROCESSOR_AVX512:
        return processor_has(PROCESSOR_AVX2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")
            && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
    }
    return false;
}

bool processor_has_byte_products(enum processor_byte_products instructions) {
    switch (instructions) {
    case PROCESSOR_BYTES_PORTABLE: return true;
    case PROCESSOR_BYTES_AVX2: return processor_has(PROCESSOR_AVX2);
    case PROCESSOR_BYTES_AVX_VNNI: return processor_has(PROCESSOR_AVX2) && __builtin_cpu_supports("avxvnni");
    case PROCESSOR_BYTES_AVX512_VNNI: return processor_has(PROCESSOR_AVX512) && __builtin_cpu_supports("avx512vnni");
    }
    return false;
}

/// Whether the processor says that it has a feature (leaf 7, EDX).
static bool claims(unsigned int bit) {
    unsigned int a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && d & 1u << bit;
}

enum { AMX_BF16 = 22, AMX_TILE = 24 };

bool processor_hides_tiles(void) {
    unsigned int palettes, b, c, d;
    return claims(AMX_TILE) && (!__get_cpuid_count(0x1D, 0, &palettes, &b, &c, &d) || palettes == 0);
}

bool processor_has_bfloat16_tiles(void) { return claims(AMX_TILE) && claims(AMX_BF16) && !processor_hides_tiles(); }

bool processor_has_bfloat16_vectors(void) { return __builtin_cpu_supports("avx512bf16"); }

bool processor_is_amd(void) { return __builtin_cpu_is("amd"); }
#else
bool processor_has(enum processor_instructions instructions) { return instructions == PROCESSOR_PORTABLE; }
bool processor_has_byte_products(enum processor_byte_products instructions) {
    return instructions == PROCESSOR_BYTES_PORTABLE;
}
bool processor_hides_tiles(void) { return false; }
bool processor_has_bfloat16_tiles(void) { return false; }
bool processor_has_bfloat16_vectors(void) { return false; }
bool processor_is_amd(void) { return false; }
#endif
