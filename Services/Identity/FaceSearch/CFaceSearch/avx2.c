#ifdef __x86_64__
#include "kernels.h"
#include "vectors.h"
#include <immintrin.h>
#include <string.h>
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)

/// Sums of sixteen products stay within 16 bits, four instructions deep: `faces_pack_panel` sees to that.
static void multiply(const int8_t *panel, const uint8_t *levels, size_t width, size_t probes, int32_t *dots) {
    const __m256i ones = _mm256_set1_epi16(1);
    memset(dots, 0, probes * FACES_PANEL * sizeof *dots);
    for (size_t k = 0; k < width; k += FACES_STEP, panel += FACES_STEP * FACES_PANEL) {
        __m256i low[4], high[4];
        for (int group = 0; group < 4; group++) {
            low[group] = _mm256_loadu_si256((const __m256i *)(panel + 64 * group));
            high[group] = _mm256_loadu_si256((const __m256i *)(panel + 64 * group + 32));
        }
        for (size_t probe = 0; probe < probes; probe++, levels += FACES_STEP) {
            __m256i four = _mm256_set1_epi32(four_of(levels));
            __m256i first = _mm256_maddubs_epi16(four, low[0]), second = _mm256_maddubs_epi16(four, high[0]);
            for (int group = 1; group < 4; group++) {
                four = _mm256_set1_epi32(four_of(levels + 4 * group));
                first = _mm256_add_epi16(first, _mm256_maddubs_epi16(four, low[group]));
                second = _mm256_add_epi16(second, _mm256_maddubs_epi16(four, high[group]));
            }
            __m256i *sums = (__m256i *)(dots + probe * FACES_PANEL);
            sums[0] = _mm256_add_epi32(sums[0], _mm256_madd_epi16(first, ones));
            sums[1] = _mm256_add_epi32(sums[1], _mm256_madd_epi16(second, ones));
        }
    }
}

#define KERNEL(name) name##_avx2
#include "scan.h"
#pragma clang attribute pop
#endif
