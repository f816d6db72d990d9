#pragma once
#include "CLeastSquares.h"

double ls_conjugate_gradient_portable(
    const struct ls_rows *rows, size_t row, float lambda, int steps, float *solution, float *scratch);

#ifdef __x86_64__
double ls_conjugate_gradient_avx2(
    const struct ls_rows *rows, size_t row, float lambda, int steps, float *solution, float *scratch);
double ls_conjugate_gradient_avx512(
    const struct ls_rows *rows, size_t row, float lambda, int steps, float *solution, float *scratch);
#endif
