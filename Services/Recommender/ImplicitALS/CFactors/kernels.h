#pragma once
#include "CFactors.h"

/// Declares one instruction set's kernels, which `dispatch.c` chooses from.
#define DECLARE_KERNELS(set) \
    double factors_conjugate_gradient_##set( \
        const struct factors_rows *rows, size_t row, float surplus, float tolerance, int steps, float *solution, \
        float *scratch); \
    void factors_rank_##set(const struct factors_ranking *ranking, size_t first_user, size_t users);

DECLARE_KERNELS(portable)
#ifdef __x86_64__
DECLARE_KERNELS(avx2)
DECLARE_KERNELS(avx512)
#endif
