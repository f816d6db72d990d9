// Included once for each instruction set, with LANES, the floats of a vector, and KERNEL(name) defined.
#include "kernels.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

typedef float lanes __attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float))));

ALWAYS_INLINE lanes load(const float *numbers) { return *(const lanes *)numbers; }
ALWAYS_INLINE void store(float *numbers, lanes values) { *(lanes *)numbers = values; }

enum {
    /// Output channels and vectors of neighbours whose sums stay in registers together.
    BLOCK = LANES == 16 ? 8 : 4,
    VECTORS = 3,
};

/// Output channels first ..< first + channels of `vectors` vectors from number x on.
ALWAYS_INLINE void convolve_block(
    const struct cascade_layer *layer, size_t first, int channels, const float *const *rows, size_t plane, size_t step, size_t x,
    int vectors, float *output, size_t output_plane) {
    const size_t kernel = layer->kernel, group = first / CASCADE_GROUP * CASCADE_GROUP;
    const size_t packed = layer->outputs - group < CASCADE_GROUP ? layer->outputs - group : CASCADE_GROUP;
    const float *weights = layer->weights + group * layer->inputs * kernel * kernel + first - group;
    lanes sums[BLOCK][VECTORS];
    UNROLL for (int channel = 0; channel < channels; channel++)
        UNROLL for (int v = 0; v < vectors; v++) sums[channel][v] = (lanes){} + layer->bias[first + channel];
    for (size_t in = 0; in < layer->inputs; in++)
        for (size_t ky = 0; ky < kernel; ky++) {
            const float *values = rows[ky] + in * plane + x;
            for (size_t kx = 0; kx < kernel; kx++, values += step, weights += packed) {
                lanes seen[VECTORS];
                UNROLL for (int v = 0; v < vectors; v++) seen[v] = load(values + v * LANES);
                UNROLL for (int channel = 0; channel < channels; channel++)
                    UNROLL for (int v = 0; v < vectors; v++) sums[channel][v] += weights[channel] * seen[v];
            }
        }
    UNROLL for (int channel = 0; channel < channels; channel++)
        UNROLL for (int v = 0; v < vectors; v++) {
            lanes sum = sums[channel][v];
            if (layer->slopes)
                sum = __builtin_elementwise_max(sum, (lanes){})
                    + layer->slopes[first + channel] * __builtin_elementwise_min(sum, (lanes){});
            store(output + (first + channel) * output_plane + x + v * LANES, sum);
        }
}

/// Row y of a layer's convolution with PReLU: `numbers` numbers of every channel, and some more to fill a vector. Neighbouring
/// columns lie `step` numbers apart.
void KERNEL(cascade_convolve)(
    const struct cascade_layer *layer, const struct cascade_rows *input, size_t y, size_t step, size_t numbers, float *output,
    size_t output_plane) {
    const float *rows[3];
    for (size_t ky = 0; ky < layer->kernel; ky++) rows[ky] = input->values + (y + ky) % input->height * input->row;
    for (size_t x = 0; x < numbers; x += VECTORS * LANES) {
        const size_t left = (numbers - x + LANES - 1) / LANES;
        for (size_t first = 0; first < layer->outputs; first += BLOCK) {
            const size_t channels = layer->outputs - first;
// Sums stay in registers only where their number is a constant.
#define BLOCK_OF(channels, vectors) \
    convolve_block(layer, first, channels, rows, input->plane, step, x, vectors, output, output_plane)
#define CASE(channels) \
    case channels: \
        left >= 3 ? BLOCK_OF(channels, 3) : left == 2 ? BLOCK_OF(channels, 2) : BLOCK_OF(channels, 1); \
        break;
            switch (channels < BLOCK ? channels : BLOCK) {
                CASE(1) CASE(2) CASE(3) CASE(4)
#if LANES == 16
                CASE(5) CASE(6) CASE(7) CASE(8)
#endif
            }
#undef CASE
#undef BLOCK_OF
        }
    }
}

/// The larger one, without a branch.
ALWAYS_INLINE float larger(float a, float b) { return a > b ? a : b; }

/// The maximum over `width` columns from each second column on. (For constant arguments the loops become vectors.)
ALWAYS_INLINE void maximum_of_columns(const float *line, size_t columns, size_t width, size_t step, float *output) {
    const size_t whole = columns < width ? 0 : (columns - width) / 2 + 1;
    for (size_t x = 0; x < whole; x++)
        for (size_t picture = 0; picture < step; picture++) {
            const float *window = line + 2 * x * step + picture;
            float most = larger(window[0], window[step]);
            if (width == 3) most = larger(most, window[2 * step]);
            output[x * step + picture] = most;
        }
    // The window that is cut off.
    if (columns < width || (columns - width) % 2)
        for (size_t picture = 0; picture < step; picture++) {
            float most = line[2 * whole * step + picture];
            for (size_t column = 2 * whole + 1; column < columns; column++)
                most = larger(most, line[column * step + picture]);
            output[whole * step + picture] = most;
        }
}

/// The maximum of rows y ..< y + height in the windows of every channel; `line` is room for one row.
void KERNEL(cascade_maximum)(
    const struct cascade_layer *layer, const struct cascade_rows *input, size_t y, size_t height, size_t columns, size_t step,
    float *line, float *output, size_t output_plane) {
    for (size_t channel = 0; channel < layer->outputs; channel++) {
        const float *rows[3];
        for (size_t row = 0; row < 3; row++) {
            const size_t existing = row < height ? row : height - 1;
            rows[row] = input->values + (y + existing) % input->height * input->row + channel * input->plane;
        }
        for (size_t x = 0; x < columns * step; x += LANES) {
            lanes most = __builtin_elementwise_max(load(rows[0] + x), load(rows[1] + x));
            store(line + x, __builtin_elementwise_max(most, load(rows[2] + x)));
        }
        float *target = output + channel * output_plane;
        if (step == 1 && layer->pool == 2) maximum_of_columns(line, columns, 2, 1, target);
        else if (step == 16 && layer->pool == 3) maximum_of_columns(line, columns, 3, 16, target);
        else maximum_of_columns(line, columns, layer->pool, step, target);
    }
}
