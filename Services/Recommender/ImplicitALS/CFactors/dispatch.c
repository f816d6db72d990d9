#include "kernels.h"

double factors_conjugate_gradient(
    enum processor_instructions instructions, const struct factors_rows *rows, size_t row, float surplus, float tolerance, int steps,
    float *solution, float *scratch) {
    switch (instructions) {
#ifdef __x86_64__
    case PROCESSOR_AVX512:
        return factors_conjugate_gradient_avx512(rows, row, surplus, tolerance, steps, solution, scratch);
    case PROCESSOR_AVX2: return factors_conjugate_gradient_avx2(rows, row, surplus, tolerance, steps, solution, scratch);
#endif
    default: return factors_conjugate_gradient_portable(rows, row, surplus, tolerance, steps, solution, scratch);
    }
}

void factors_rank(
    enum processor_instructions instructions, const struct factors_ranking *ranking, size_t first_user, size_t users) {
    switch (instructions) {
#ifdef __x86_64__
    case PROCESSOR_AVX512: return factors_rank_avx512(ranking, first_user, users);
    case PROCESSOR_AVX2: return factors_rank_avx2(ranking, first_user, users);
#endif
    default: return factors_rank_portable(ranking, first_user, users);
    }
}
