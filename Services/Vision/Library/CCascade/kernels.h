#pragma once
#include "CCascade.h"

/// Rows of one stage: channel c of row y begins at values + (y % height) · row + c · plane.
struct cascade_rows {
    float *values;
    size_t height;
    size_t row;
    size_t plane;
};

/// Numbers in the widest vector.
#define CASCADE_WIDEST 16

/// How many numbers a row of `numbers` takes: kernels write whole vectors, and read some of the next one.
static inline size_t cascade_padded(size_t numbers) {
    return (numbers + CASCADE_WIDEST - 1) / CASCADE_WIDEST * CASCADE_WIDEST + CASCADE_SLACK;
}

/// Pictures that lie side by side at most for `cascade_convolve_pair`.
#define CASCADE_PAIR_PICTURES 16
/// Numbers of one input channel that it transforms at a time: three vectors, and what a window of 3 sees beyond them.
#define CASCADE_PAIR_WIDTH (3 * CASCADE_WIDEST + 2 * CASCADE_PAIR_PICTURES)

/// Declares one instruction set's kernels, which `chain.c` chooses from.
#define DECLARE_KERNELS(set) \
    void cascade_convolve_##set( \
        const struct cascade_layer *layer, const struct cascade_rows *input, size_t y, size_t step, size_t numbers, float *output, \
        size_t output_plane); \
    void cascade_convolve_pair_##set( \
        const struct cascade_layer *layer, const struct cascade_rows *input, size_t y, size_t step, size_t numbers, float *seen, \
        float *upper, float *lower, size_t output_plane); \
    void cascade_maximum_##set( \
        const struct cascade_layer *layer, const struct cascade_rows *input, size_t y, size_t height, size_t columns, \
        size_t step, float *line, float *output, size_t output_plane);

DECLARE_KERNELS(portable)
#ifdef __x86_64__
DECLARE_KERNELS(avx2)
DECLARE_KERNELS(avx512)
#endif
