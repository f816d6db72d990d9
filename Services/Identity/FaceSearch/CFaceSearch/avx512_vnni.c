#ifdef __x86_64__
#include "kernels.h"
#include "vectors.h"
#include <immintrin.h>
#include <string.h>
#pragma clang attribute push( \
    __attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"))), apply_to = function)

static void multiply(const int8_t *panel, const uint8_t *levels, size_t width, size_t probes, int32_t *dots) {
    memset(dots, 0, probes * FACES_PANEL * sizeof *dots);
    for (size_t k = 0; k < width; k += FACES_STEP, panel += FACES_STEP * FACES_PANEL) {
        __m512i rows[4];
        for (int group = 0; group < 4; group++) rows[group] = _mm512_loadu_si512(panel + 64 * group);
        for (size_t probe = 0; probe < probes; probe++, levels += FACES_STEP) {
            __m512i sums = _mm512_load_si512(dots + probe * FACES_PANEL);
            for (int group = 0; group < 4; group++)
                sums = _mm512_dpbusd_epi32(sums, _mm512_set1_epi32(four_of(levels + 4 * group)), rows[group]);
            _mm512_store_si512(dots + probe * FACES_PANEL, sums);
        }
    }
}

#define KERNEL(name) name##_avx512_vnni
#include "scan.h"
#pragma clang attribute pop
#endif
