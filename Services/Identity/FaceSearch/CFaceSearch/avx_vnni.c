#ifdef __x86_64__
#include "kernels.h"
#include "vectors.h"
#include <immintrin.h>
#include <string.h>
#pragma clang attribute push(__attribute__((target("avx2,fma,avxvnni"))), apply_to = function)

static void multiply(const int8_t *panel, const uint8_t *levels, size_t width, size_t probes, int32_t *dots) {
    memset(dots, 0, probes * FACES_PANEL * sizeof *dots);
    for (size_t k = 0; k < width; k += FACES_STEP, panel += FACES_STEP * FACES_PANEL) {
        __m256i low[4], high[4];
        for (int group = 0; group < 4; group++) {
            low[group] = _mm256_loadu_si256((const __m256i *)(panel + 64 * group));
            high[group] = _mm256_loadu_si256((const __m256i *)(panel + 64 * group + 32));
        }
        for (size_t probe = 0; probe < probes; probe++, levels += FACES_STEP) {
            __m256i *sums = (__m256i *)(dots + probe * FACES_PANEL);
            __m256i first = sums[0], second = sums[1];
            for (int group = 0; group < 4; group++) {
                const __m256i four = _mm256_set1_epi32(four_of(levels + 4 * group));
                first = _mm256_dpbusd_avx_epi32(first, four, low[group]);
                second = _mm256_dpbusd_avx_epi32(second, four, high[group]);
            }
            sums[0] = first;
            sums[1] = second;
        }
    }
}

#define KERNEL(name) name##_avx_vnni
#include "scan.h"
#pragma clang attribute pop
#endif
