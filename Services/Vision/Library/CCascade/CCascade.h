#pragma once
#include "CProcessor.h"
#include <stddef.h>

/// Output channels whose weights lie side by side in packed weights.
#define CASCADE_GROUP 8
/// Layers of a network at most.
#define CASCADE_LAYERS 8
/// Numbers behind an input that are read, though they change nothing.
#define CASCADE_SLACK 32

/// A valid convolution of stride 1, PReLU, and a maximum over windows that stand 2 apart; a last window that is cut off
/// counts.
struct cascade_layer {
    size_t inputs;
    size_t outputs;
    /// Side of the convolution's window, 1...3.
    size_t kernel;
    /// Side of the maximum's window, 2 or 3; 0 for no maximum.
    size_t pool;
    /// As `cascade_pack` wrote them.
    const float *weights;
    /// As `cascade_transform` wrote them, for a kernel of 3; null to do without.
    const float *transformed;
    const float *bias;
    /// What negative values are multiplied by; null to leave them.
    const float *slopes;
};

/// Turns weights, outputs × inputs × kernel × kernel, into groups of CASCADE_GROUP output channels that lie innermost.
void cascade_pack(const float *weights, size_t outputs, size_t inputs, size_t kernel, float *packed);

/// Turns weights, outputs × inputs × 3 × 3, into those of Winograd's F(2, 3) down the columns (Lavin and Gray 2016, "Fast algorithms
/// for convolutional neural networks"), which gives two rows for four thirds of the work of one: 4 × inputs × 3 for each output
/// channel, in groups as of `cascade_pack`. The four are in the order in which the kernels add them up: (a + b + c) / 2,
/// (a - b + c) / 2, a, and -c, of rows a, b and c.
void cascade_transform(const float *weights, size_t outputs, size_t inputs, float *transformed);

/// Side of what a layer makes of a side of `size`.
size_t cascade_output_size(const struct cascade_layer *layer, size_t size);

/// How many numbers of scratch memory `cascade_run` wants.
size_t cascade_scratch_size(const struct cascade_layer *layers, size_t count, size_t columns, size_t pictures);

/// Runs `count` layers over pictures of one size.
///
/// The pictures' values lie side by side: channel × row × column × picture, in `input` (with CASCADE_SLACK numbers behind it) as
/// in `output`. Each layer keeps only the rows that the next one is about to see, so that everything between input and output
/// stays in the processor's nearest memory. Neighbouring numbers, of columns and pictures alike, share a vector. Every size on
/// the way must be at least the next layer's kernel.
void cascade_run(
    enum processor_instructions instructions, const struct cascade_layer *layers, size_t count, const float *input, size_t rows,
    size_t columns, size_t pictures, float *scratch, float *output);
