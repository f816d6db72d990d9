#include "kernels.h"

bool ls_available(enum ls_instructions instructions) {
    switch (instructions) {
    case LS_PORTABLE: return true;
#ifdef __x86_64__
    case LS_AVX2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case LS_AVX512:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")
            && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
#endif
    default: return false;
    }
}

double ls_conjugate_gradient(
    enum ls_instructions instructions, const struct ls_rows *rows, size_t row, float lambda, int steps, float *solution,
    float *scratch) {
    switch (instructions) {
#ifdef __x86_64__
    case LS_AVX512: return ls_conjugate_gradient_avx512(rows, row, lambda, steps, solution, scratch);
    case LS_AVX2: return ls_conjugate_gradient_avx2(rows, row, lambda, steps, solution, scratch);
#endif
    default: return ls_conjugate_gradient_portable(rows, row, lambda, steps, solution, scratch);
    }
}
