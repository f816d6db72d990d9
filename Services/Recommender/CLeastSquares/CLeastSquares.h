#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// What a row of vectors is rounded up to, in numbers: a cache line.
#define LS_ALIGNMENT 16

/// Instructions that a kernel is compiled for.
enum ls_instructions { LS_PORTABLE, LS_AVX2, LS_AVX512 };

/// Whether this processor and this build have them.
bool ls_available(enum ls_instructions instructions);

/// One least-squares problem a row: minimise xᵀGx + Σ w (1 - yᵀx)² + Σ (t - w)(1 - 2 yᵀx) + lambda |x|² over x, where the sums
/// run over the row's ratings r with their vectors y, w = scale · r and t = offset + w. Its equations are
/// (G + Σ w y yᵀ + lambda I) x = Σ t y.
struct ls_rows {
    /// Where each row begins in `columns` and `ratings`, and after the last row where they end.
    const intptr_t *offsets;
    /// Which of `vectors` each rating belongs to.
    const int32_t *columns;
    const float *ratings;
    /// `width` numbers each, beginning at a multiple of 64 bytes.
    const float *vectors;
    /// A multiple of LS_ALIGNMENT.
    size_t width;
    /// G: width × width numbers, both triangles, aligned as the vectors.
    const float *gram;
    float scale;
    float offset;
};

/// Improves `solution` by `steps` steps of conjugate gradients and returns the minimised sum at the result.
///
/// Each step visits the row's vectors once: G and the vectors are multiplied with as they are, no matrix is built.
/// `solution` holds `width` numbers, zero or an earlier solution; `scratch` three times as many; both aligned as the vectors.
double ls_conjugate_gradient(
    enum ls_instructions instructions, const struct ls_rows *rows, size_t row, float lambda, int steps, float *solution,
    float *scratch);
