#include "vectors.h"
#include <math.h>

/// What bounds are wider by than their exact values. The rounding of a bound in `faces_scan` and of a cosine in float64 is less: six
/// operations in float32 on numbers below 1.5.
static const double slack = 0x1p-19;

/// 16 bits hold 2 · FACES_PROBE_LEVELS + 1 times this sum of levels. Rounding adds half a level to each of eight.
static const float sum_limit = INT16_MAX / (2 * FACES_PROBE_LEVELS + 1) - 4;

/// The next number in float32 that is not below.
static float at_least(double value) {
    const float rounded = (float)value;
    return rounded < value ? nextafterf(rounded, INFINITY) : rounded;
}

static float greatest(const float *vector, size_t width) {
    values most = {0};
    for (size_t k = 0; k < width; k += FACES_STEP)
        most = __builtin_elementwise_max(most, __builtin_elementwise_abs(LOAD(vector + k)));
    float result = 0;
    for (size_t lane = 0; lane < FACES_STEP; lane++) result = fmaxf(result, most[lane]);
    return result;
}

/// The most that one of the sums within 16 bits can become: of eight values, two of each group of four, those of one sign.
static float greatest_sum(const float *vector, size_t width) {
    float most = 0;
    for (size_t k = 0; k < width; k += FACES_STEP) {
        const values signs[2] = {LOAD(vector + k), -LOAD(vector + k)};
        for (size_t sign = 0; sign < 2; sign++) {
            const values each = __builtin_elementwise_max(signs[sign], (values){0});
            for (size_t half = 0; half < 4; half += 2) {
                float sum = 0;
                for (size_t group = half; group < FACES_STEP; group += 4) sum += each[group] + each[group + 1];
                most = sum > most ? sum : most;
            }
        }
    }
    return most;
}

struct lengths {
    /// At least those of what the levels leave out, of their own vector, and of the vector itself.
    double error, levels, vector;
};

/// Writes the levels next to the values, at that scale.
static struct lengths quantise(const float *vector, size_t width, float scale, int8_t *levels) {
    // Added and taken away again, it rounds a float32 to a whole number.
    const float rounding = 0x1.8p23f;
    const float inverse = scale > 0 ? 1 / scale : 0;
    sums error = {0}, whole = {0}, length = {0};
    for (size_t k = 0; k < width; k += FACES_STEP) {
        const values x = LOAD(vector + k), level = (x * inverse + rounding) - rounding;
        const wholes numbers = __builtin_convertvector(level, wholes);
        for (size_t lane = 0; lane < FACES_STEP; lane++) levels[k + lane] = (int8_t)numbers[lane];
        const sums exact = IN_FLOAT64(x), value = IN_FLOAT64(level) * scale, rest = exact - value;
        error += rest * rest;
        whole += value * value;
        length += exact * exact;
    }
    // Sums of so few squares in float64 are right to 2^-40 of themselves.
    const double margin = 1 + 0x1p-40;
    return (struct lengths){sqrt(sum_of(&error)) * margin, sqrt(sum_of(&whole)) * margin, sqrt(sum_of(&length)) * margin};
}

void faces_pack_panel(const struct faces_panels *panels, size_t panel, const float *vectors) {
    const size_t width = panels->width;
    for (size_t row = 0; row < FACES_PANEL; row++) {
        const float *vector = vectors + row * width;
        const size_t place = panel * FACES_PANEL + row;
        int8_t levels[width];
        // A little more than the limits ask for, so that no rounding passes them.
        const float scale = 1.0001f * fmaxf(greatest(vector, width) / FACES_ROW_LEVELS, greatest_sum(vector, width) / sum_limit);
        const struct lengths exact = quantise(vector, width, scale, levels);
        int8_t *packed = panels->levels + panel * FACES_PANEL * width + row * 4;
        int32_t sum = 0;
        for (size_t k = 0; k < width; k++) sum += levels[k];
        for (size_t k = 0; k < width; k += 4, packed += 4 * FACES_PANEL) __builtin_memcpy(packed, levels + k, 4);
        panels->offset[place] = sum * (FACES_PROBE_LEVELS + 1);
        panels->scale[place] = scale;
        panels->error[place] = at_least(exact.error + slack);
        panels->length[place] = at_least(exact.levels);
    }
}

void faces_pack_probe(const struct faces_probes *probes, size_t probe, const float *vector) {
    const size_t width = probes->width;
    int8_t levels[width];
    const float scale = 1.0001f * greatest(vector, width) / FACES_PROBE_LEVELS;
    const struct lengths exact = quantise(vector, width, scale, levels);
    for (size_t k = 0; k < width; k++)
        probes->levels[(k / FACES_STEP * probes->count + probe) * FACES_STEP + k % FACES_STEP] =
            (uint8_t)(levels[k] + FACES_PROBE_LEVELS + 1);
    probes->scale[probe] = scale;
    probes->error[probe] = at_least(exact.error);
    probes->length[probe] = at_least(exact.vector);
}
