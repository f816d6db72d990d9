#include "kernels.h"

size_t faces_scan(
    enum processor_byte_products kernel, const struct faces_panels *panels, size_t first_panel, size_t end_panel,
    const struct faces_probes *probes, const float *bars, struct faces_candidate *found) {
    switch (kernel) {
#ifdef __x86_64__
    case PROCESSOR_BYTES_AVX512_VNNI: return faces_scan_avx512_vnni(panels, first_panel, end_panel, probes, bars, found);
    case PROCESSOR_BYTES_AVX_VNNI: return faces_scan_avx_vnni(panels, first_panel, end_panel, probes, bars, found);
    case PROCESSOR_BYTES_AVX2: return faces_scan_avx2(panels, first_panel, end_panel, probes, bars, found);
#endif
    default: return faces_scan_portable(panels, first_panel, end_panel, probes, bars, found);
    }
}

double faces_product(enum processor_byte_products kernel, const float *left, const float *right, size_t width) {
    switch (kernel) {
#ifdef __x86_64__
    case PROCESSOR_BYTES_AVX512_VNNI: return faces_product_avx512_vnni(left, right, width);
    case PROCESSOR_BYTES_AVX_VNNI: return faces_product_avx_vnni(left, right, width);
    case PROCESSOR_BYTES_AVX2: return faces_product_avx2(left, right, width);
#endif
    default: return faces_product_portable(left, right, width);
    }
}

void faces_prefetch(const float *vector, size_t width) {
    for (size_t k = 0; k < width; k += 64 / sizeof *vector) __builtin_prefetch(vector + k);
}
