#include "kernels.h"
#include "vectors.h"

/// Half the bytes of four values of a panel, each as 16 bits, and sums of two products.
typedef int16_t shorts __attribute__((vector_size(32)));
typedef int32_t pairs __attribute__((vector_size(32)));
typedef int8_t bytes __attribute__((vector_size(16), aligned(1)));

static void multiply(const int8_t *panel, const uint8_t *levels, size_t width, size_t probes, int32_t *dots) {
    __builtin_memset(dots, 0, probes * FACES_PANEL * sizeof *dots);
    for (size_t k = 0; k < width; k += FACES_STEP, panel += FACES_STEP * FACES_PANEL)
        for (size_t probe = 0; probe < probes; probe++, levels += FACES_STEP)
            for (size_t quarter = 0; quarter < 4; quarter++) {
                pairs sum = {0};
                for (size_t group = 0; group < 4; group++) {
                    const uint8_t *four = levels + 4 * group;
                    const shorts probe_levels = {
                        four[0], four[1], four[2], four[3], four[0], four[1], four[2], four[3],
                        four[0], four[1], four[2], four[3], four[0], four[1], four[2], four[3]};
                    const bytes row_levels = *(const bytes *)(panel + 64 * group + 16 * quarter);
                    const pairs products = (pairs)(probe_levels * __builtin_convertvector(row_levels, shorts));
                    sum += (products << 16 >> 16) + (products >> 16);
                }
                for (size_t row = 0; row < 4; row++)
                    dots[probe * FACES_PANEL + quarter * 4 + row] += sum[2 * row] + sum[2 * row + 1];
            }
}

#define KERNEL(name) name##_portable
#include "scan.h"
