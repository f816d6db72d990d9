#pragma once
#include "CFaceSearch.h"

/// Probes whose products with a panel are kept at a time.
enum { FACES_PROBES = 32 };

/// Declares one instruction set's kernels, which `dispatch.c` chooses from.
#define DECLARE_KERNELS(set) \
    size_t faces_scan_##set( \
        const struct faces_panels *panels, size_t first_panel, size_t end_panel, const struct faces_probes *probes, \
        const float *bars, struct faces_candidate *found); \
    double faces_product_##set(const float *left, const float *right, size_t width);

DECLARE_KERNELS(portable)
#ifdef __x86_64__
DECLARE_KERNELS(avx2)
DECLARE_KERNELS(avx_vnni)
DECLARE_KERNELS(avx512_vnni)
#endif
