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

/// A channel's PReLU.
ALWAYS_INLINE lanes prelu(const struct cascade_layer *layer, size_t channel, lanes sum) {
    if (!layer->slopes) return sum;
    return __builtin_elementwise_max(sum, (lanes){}) + layer->slopes[channel] * __builtin_elementwise_min(sum, (lanes){});
}

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
        UNROLL for (int v = 0; v < vectors; v++)
            store(output + (first + channel) * output_plane + x + v * LANES, prelu(layer, first + channel, sums[channel][v]));
}

// Sums stay in registers only where their number is a constant.
#define CASE(channels) \
    case channels: \
        left >= 3 ? BLOCK_OF(channels, 3) : left == 2 ? BLOCK_OF(channels, 2) : BLOCK_OF(channels, 1); \
        break;
#if LANES == 16
#define CASES CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8)
#else
#define CASES CASE(1) CASE(2) CASE(3) CASE(4)
#endif

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
#define BLOCK_OF(channels, vectors) \
    convolve_block(layer, first, channels, rows, input->plane, step, x, vectors, output, output_plane)
            switch (channels < BLOCK ? channels : BLOCK) { CASES }
#undef BLOCK_OF
        }
    }
}

/// Two rows' sums of output channels first ..< first + channels, `vectors` vectors from number x on, of the transformed input `seen`.
ALWAYS_INLINE void convolve_pair_block(
    const struct cascade_layer *layer, size_t first, int channels, const float *seen, size_t step, size_t x, int vectors,
    float *upper, float *lower, size_t output_plane) {
    const size_t group = first / CASCADE_GROUP * CASCADE_GROUP;
    const size_t packed = layer->outputs - group < CASCADE_GROUP ? layer->outputs - group : CASCADE_GROUP;
    const float *weights = layer->transformed + group * layer->inputs * 12 + first - group;
    upper += first * output_plane + x;
    lower += first * output_plane + x;
    for (int part = 0; part < 4; part++) {
        lanes sums[BLOCK][VECTORS];
        UNROLL for (int channel = 0; channel < channels; channel++)
            UNROLL for (int v = 0; v < vectors; v++) {
                const size_t place = channel * output_plane + v * LANES;
                sums[channel][v] = part == 0 ? (lanes){} + layer->bias[first + channel]
                    : part == 1              ? (lanes){}
                    : part == 2              ? load(upper + place)
                                             : load(lower + place);
            }
        for (size_t in = 0; in < layer->inputs; in++, seen += CASCADE_PAIR_WIDTH) {
            const float *values = seen;
            for (size_t kx = 0; kx < 3; kx++, values += step, weights += packed) {
                lanes now[VECTORS];
                UNROLL for (int v = 0; v < vectors; v++) now[v] = load(values + v * LANES);
                UNROLL for (int channel = 0; channel < channels; channel++)
                    UNROLL for (int v = 0; v < vectors; v++) sums[channel][v] += weights[channel] * now[v];
            }
        }
        UNROLL for (int channel = 0; channel < channels; channel++)
            UNROLL for (int v = 0; v < vectors; v++) {
                const size_t place = channel * output_plane + v * LANES;
                const lanes sum = sums[channel][v];
                if (part == 0) {
                    store(upper + place, sum);
                    store(lower + place, sum);
                } else if (part == 1) {
                    store(upper + place, load(upper + place) + sum);
                    store(lower + place, load(lower + place) - sum);
                } else {
                    store((part == 2 ? upper : lower) + place, prelu(layer, first + channel, sum));
                }
            }
    }
}

/// Rows y and y + 1 as `cascade_convolve` makes them, of transformed weights; `seen` is room for the transformed input: 4 x inputs x
/// CASCADE_PAIR_WIDTH numbers.
void KERNEL(cascade_convolve_pair)(
    const struct cascade_layer *layer, const struct cascade_rows *input, size_t y, size_t step, size_t numbers, float *seen,
    float *upper, float *lower, size_t output_plane) {
    const float *rows[4];
    for (size_t ky = 0; ky < 4; ky++) rows[ky] = input->values + (y + ky) % input->height * input->row;
    const size_t part = layer->inputs * CASCADE_PAIR_WIDTH;
    for (size_t x = 0; x < numbers; x += VECTORS * LANES) {
        const size_t left = (numbers - x + LANES - 1) / LANES, vectors = left < VECTORS ? left : VECTORS;
        for (size_t in = 0; in < layer->inputs; in++)
            for (size_t number = 0; number < vectors * LANES + 2 * step; number += LANES) {
                const size_t from = in * input->plane + x + number;
                const lanes a = load(rows[0] + from), b = load(rows[1] + from), c = load(rows[2] + from);
                float *to = seen + in * CASCADE_PAIR_WIDTH + number;
                store(to, b + c);
                store(to + part, c - b);
                store(to + 2 * part, a - c);
                store(to + 3 * part, b - load(rows[3] + from));
            }
        for (size_t first = 0; first < layer->outputs; first += BLOCK) {
            const size_t channels = layer->outputs - first;
#define BLOCK_OF(channels, vectors) \
    convolve_pair_block(layer, first, channels, seen, step, x, vectors, upper, lower, output_plane)
            switch (channels < BLOCK ? channels : BLOCK) { CASES }
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
