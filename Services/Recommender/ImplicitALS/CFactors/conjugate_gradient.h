// Included once for each instruction set, with LANES, the floats of a vector, and KERNEL(name) defined.
#include "kernels.h"
#include "lanes.h"

/// Vectors visited at a time: their sums are independent, and one load of what they are multiplied with serves all.
enum { BLOCK = 8 };
/// How many vectors ahead the processor is told what will be needed.
enum { AHEAD = 16 };

typedef float block __attribute__((vector_size(BLOCK * sizeof(float))));
typedef block unaligned_block __attribute__((aligned(sizeof(float))));
typedef double block_of_doubles __attribute__((vector_size(BLOCK * sizeof(double))));

/// The sum over each vector's lanes, by a tree that halves eight vectors together.
ALWAYS_INLINE void sums_of_lanes(const lanes v[BLOCK], float *sums) {
#if LANES == 16
    typedef float lanes16 __attribute__((vector_size(64)));
    lanes16 a[4], b[2];
    UNROLL for (int i = 0; i < 4; i++)
        a[i] = __builtin_shufflevector(v[i], v[i + 4], 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23)
            + __builtin_shufflevector(v[i], v[i + 4], 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
    UNROLL for (int i = 0; i < 2; i++)
        b[i] = __builtin_shufflevector(a[i], a[i + 2], 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29)
            + __builtin_shufflevector(a[i], a[i + 2], 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
    // Each group of four lanes of b[i] holds two halves of vector i, then two of vector i + 2.
    lanes16 c = __builtin_shufflevector(b[0], b[1], 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30)
        + __builtin_shufflevector(b[0], b[1], 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31);
    *(block *)sums = __builtin_shufflevector(c, c, 0, 1, 2, 3, 8, 9, 10, 11)
        + __builtin_shufflevector(c, c, 4, 5, 6, 7, 12, 13, 14, 15);
#elif LANES == 8
    lanes a[4], b[2];
    UNROLL for (int i = 0; i < 4; i++)
        a[i] = __builtin_shufflevector(v[i], v[i + 4], 0, 1, 2, 3, 8, 9, 10, 11)
            + __builtin_shufflevector(v[i], v[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    UNROLL for (int i = 0; i < 2; i++)
        b[i] = __builtin_shufflevector(a[i], a[i + 2], 0, 1, 8, 9, 4, 5, 12, 13)
            + __builtin_shufflevector(a[i], a[i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    *(block *)sums = __builtin_shufflevector(b[0], b[1], 0, 8, 2, 10, 4, 12, 6, 14)
        + __builtin_shufflevector(b[0], b[1], 1, 9, 3, 11, 5, 13, 7, 15);
#else
    UNROLL for (int i = 0; i < BLOCK; i++) {
        float sum = 0;
        UNROLL for (int lane = 0; lane < LANES; lane++) sum += v[i][lane];
        sums[i] = sum;
    }
#endif
}

/// products[i] = rows[i] · vector.
ALWAYS_INLINE void multiply(const float *const rows[BLOCK], const float *vector, size_t width, float *products) {
    lanes sums[BLOCK] = {};
    for (size_t k = 0; k < width; k += LANES) {
        lanes part = load(vector + k);
        UNROLL for (int i = 0; i < BLOCK; i++) sums[i] += part * load(rows[i] + k);
    }
    sums_of_lanes(sums, products);
}

/// sum += Σ coefficients[i] · rows[i].
ALWAYS_INLINE void add(
    const float *const rows[BLOCK], const float *coefficients, size_t width, float *restrict sum) {
    for (size_t k = 0; k < width; k += LANES) {
        lanes part = load(sum + k);
        UNROLL for (int i = 0; i < BLOCK; i++) part += coefficients[i] * load(rows[i] + k);
        store(sum + k, part);
    }
}

/// sum += factor · matrix · vector; the matrix is symmetric.
ALWAYS_INLINE void add_product(
    const float *matrix, const float *vector, float factor, size_t width, float *restrict sum) {
    for (size_t row = 0; row < width; row += BLOCK) {
        const float *rows[BLOCK];
        _Alignas(64) float coefficients[BLOCK];
        UNROLL for (int i = 0; i < BLOCK; i++) {
            rows[i] = matrix + (row + i) * width;
            coefficients[i] = factor * vector[row + i];
        }
        add(rows, coefficients, width, sum);
    }
}

ALWAYS_INLINE float dot(const float *left, const float *right, size_t width) {
    lanes sum = {};
    for (size_t k = 0; k < width; k += LANES) sum += load(left + k) * load(right + k);
    float total = 0;
    UNROLL for (int lane = 0; lane < LANES; lane++) total += sum[lane];
    return total;
}

/// Visits each of the row's vectors y once, for the product yᵀ·direction and what is added to `sum`: w (yᵀ·direction) y.
/// As `residual` it is (t - w yᵀ·direction) y, and the vectors' share of the minimised sum is returned.
ALWAYS_INLINE double visit(
    const struct factors_rows *restrict rows, size_t row, bool residual, const float *direction, size_t width,
    float *restrict sum) {
    const intptr_t end = rows->offsets[row + 1];
    const int32_t *columns = rows->columns;
    block_of_doubles loss = {};
    for (intptr_t position = rows->offsets[row]; position < end; position += BLOCK) {
        const float *vectors[BLOCK];
        _Alignas(64) float products[BLOCK], coefficients[BLOCK];
        block weight = {}, target = {};
        if (position + BLOCK <= end) {
            UNROLL for (int i = 0; i < BLOCK; i++)
                vectors[i] = rows->vectors + (size_t)columns[position + i] * width;
            weight = rows->scale * *(const unaligned_block *)(rows->ratings + position);
            target = rows->offset + weight;
        } else {
            // The last few: what is missing repeats a vector, with a weight of zero.
            UNROLL for (int i = 0; i < BLOCK; i++) {
                intptr_t place = position + i < end ? position + i : position;
                vectors[i] = rows->vectors + (size_t)columns[place] * width;
                if (position + i < end) {
                    weight[i] = rows->scale * rows->ratings[place];
                    target[i] = rows->offset + weight[i];
                }
            }
        }
        if (position + AHEAD + BLOCK <= end) {
            UNROLL for (int i = 0; i < BLOCK; i++) {
                const float *next = rows->vectors + (size_t)columns[position + AHEAD + i] * width;
                for (size_t k = 0; k < width; k += FACTORS_ALIGNMENT) __builtin_prefetch(next + k);
            }
        }
        multiply(vectors, direction, width, products);
        block product = *(const block *)products;
        if (residual) {
            *(block *)coefficients = target - weight * product;
            loss += __builtin_convertvector(target * (1 - 2 * product) + weight * product * product, block_of_doubles);
        } else {
            *(block *)coefficients = weight * product;
        }
        add(vectors, coefficients, width, sum);
    }
    double total = 0;
    UNROLL for (int i = 0; i < BLOCK; i++) total += loss[i];
    return total;
}

/// sum = factor · (I + surplus · P) vector.
ALWAYS_INLINE void shared_product(
    const struct factors_rows *rows, float surplus, const float *vector, float factor, size_t width, float *restrict sum) {
    for (size_t k = 0; k < width; k += LANES) store(sum + k, factor * load(vector + k));
    if (surplus != 0) add_product(rows->penalty, vector, factor * surplus, width, sum);
}

ALWAYS_INLINE double solve(
    const struct factors_rows *rows, size_t row, float surplus, float tolerance, int steps, size_t width,
    float *restrict solution, float *restrict scratch) {
    float *residual = scratch, *direction = scratch + width, *image = scratch + 2 * width;
    shared_product(rows, surplus, solution, -1, width, residual);
    double loss = -(double)dot(solution, residual, width);
    loss += visit(rows, row, true, solution, width, residual);
    for (size_t k = 0; k < width; k += LANES) store(direction + k, load(residual + k));
    float square = dot(residual, residual, width);
    for (int step = 0; step < steps && square > 1e-30f; step++) {
        if (step > 0 && square <= tolerance * (float)loss) break;
        shared_product(rows, surplus, direction, 1, width, image);
        visit(rows, row, false, direction, width, image);
        float curvature = dot(direction, image, width);
        float length = square / curvature;
        loss -= (double)length * square;
        for (size_t k = 0; k < width; k += LANES) {
            store(solution + k, load(solution + k) + length * load(direction + k));
            store(residual + k, load(residual + k) - length * load(image + k));
        }
        float next = dot(residual, residual, width);
        for (size_t k = 0; k < width; k += LANES)
            store(direction + k, load(residual + k) + next / square * load(direction + k));
        square = next;
    }
    return loss;
}

double KERNEL(factors_conjugate_gradient)(
    const struct factors_rows *rows, size_t row, float surplus, float tolerance, int steps, float *solution,
    float *scratch) {
    // The usual widths as constants, so that their loops are unrolled and their sums stay in registers.
    switch (rows->width) {
    case 64: return solve(rows, row, surplus, tolerance, steps, 64, solution, scratch);
    case 128: return solve(rows, row, surplus, tolerance, steps, 128, solution, scratch);
    default: return solve(rows, row, surplus, tolerance, steps, rows->width, solution, scratch);
    }
}
