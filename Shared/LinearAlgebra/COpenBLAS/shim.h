#pragma once
#include <cblas.h>

/// LAPACK's Cholesky factorisation and solve, which Debian's libopenblas exports by their Fortran names only.
void spotrf_(const char *uplo, const int *n, float *a, const int *lda, int *info);
void spotrs_(
    const char *uplo, const int *n, const int *nrhs, const float *a, const int *lda, float *b, const int *ldb, int *info);
/// Both at once, in double precision.
void dposv_(
    const char *uplo, const int *n, const int *nrhs, double *a, const int *lda, double *b, const int *ldb, int *info);
