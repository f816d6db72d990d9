#pragma once
#include "CProcessor.h"
#include <stddef.h>
#include <stdint.h>

/// Rows whose levels lie interleaved, in one panel.
#define FACES_PANEL 16
/// Widths are whole multiples of it.
#define FACES_STEP 16
/// Levels of a probe are -FACES_PROBE_LEVELS...FACES_PROBE_LEVELS, those of a row FACES_ROW_LEVELS likewise.
#define FACES_PROBE_LEVELS 63
#define FACES_ROW_LEVELS 127

/// The rows of a chunk that make whole panels, as vectors of whole levels: x ≈ scale · levels.
struct faces_panels {
    /// Panel by panel, groups of four values: 16 rows × 4 bytes each.
    int8_t *levels;
    float *scale;
    /// At least |x - scale · levels|.
    float *error;
    /// At least |scale · levels|.
    float *length;
    /// What a product of levels is too large by, since a probe's are stored from 0 on.
    int32_t *offset;
    size_t width;
};

/// Probes as vectors of whole levels.
struct faces_probes {
    /// Each 1 + FACES_PROBE_LEVELS more than it is, in groups of FACES_STEP values: probe × 16 bytes each.
    uint8_t *levels;
    float *scale;
    /// At least |x - scale · levels|.
    float *error;
    /// At least |x|.
    float *length;
    size_t width;
    size_t count;
};

/// A row that may be alike enough to a probe.
struct faces_candidate {
    uint32_t probe;
    uint32_t row;
    /// What the cosine is at most.
    float bound;
};

/// Puts 16 vectors into a panel; `vectors` is FACES_PANEL × width.
void faces_pack_panel(const struct faces_panels *panels, size_t panel, const float *vectors);

/// Puts a vector of `width` in as the probe of that number.
void faces_pack_probe(const struct faces_probes *probes, size_t probe, const float *vector);

/// Finds the rows of whole panels whose cosine to a probe may be `bars[probe]` or more, and returns how many there are.
/// `found` has room for FACES_PANEL × panels × probes.
size_t faces_scan(
    enum processor_byte_products kernel, const struct faces_panels *panels, size_t first_panel, size_t end_panel,
    const struct faces_probes *probes, const float *bars, struct faces_candidate *found);

/// The product of two vectors of float32 in float64, the same bits with every kernel: a product of two float32 is exact in
/// float64, and the order of the sums is fixed.
double faces_product(enum processor_byte_products kernel, const float *left, const float *right, size_t width);

/// Has a vector fetched into the processor's memory.
void faces_prefetch(const float *vector, size_t width);
