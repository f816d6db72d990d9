#pragma once
#include "CProcessor.h"
#include <stddef.h>
#include <stdint.h>

/// What a row of vectors is rounded up to, in numbers: a cache line.
#define FACTORS_ALIGNMENT 16

/// One least-squares problem a row: minimise |x|² + surplus · xᵀPx + Σ w (1 - yᵀx)² + Σ (t - w)(1 - 2 yᵀx) over x, where the
/// sums run over the row's ratings r with their vectors y, w = scale · r and t = offset + w. Its equations are
/// (I + surplus · P + Σ w y yᵀ) x = Σ t y.
///
/// That is alternating least squares in a basis in which what all rows share, YᵀY + lambda I, is the identity.
struct factors_rows {
    /// Where each row begins in `columns` and `ratings`, and after the last row where they end.
    const intptr_t *offsets;
    /// Which of `vectors` each rating belongs to.
    const int32_t *columns;
    const float *ratings;
    /// `width` numbers each, beginning at a multiple of 64 bytes.
    const float *vectors;
    /// A multiple of FACTORS_ALIGNMENT.
    size_t width;
    /// P: width × width numbers, both triangles, aligned as the vectors. Is not read where a row's surplus is zero.
    const float *penalty;
    float scale;
    float offset;
};

/// Improves `solution` by conjugate gradients and returns the minimised sum at the result.
///
/// Takes a step, and further ones, `steps` at most, until residual² is at most `tolerance` times the sum. With I below the
/// row's matrix the sum then lies no further above its minimum than that: r = Ae gives eᵀAe = rᵀA⁻¹r ≤ rᵀr. Each step visits
/// the row's vectors once: no matrix is built. `solution` holds `width` numbers, zero or an earlier solution; `scratch`
/// three times as many; both aligned as the vectors.
double factors_conjugate_gradient(
    enum processor_instructions instructions, const struct factors_rows *rows, size_t row, float surplus, float tolerance, int steps,
    float *solution, float *scratch);

/// Items whose numbers lie side by side in packed items.
#define FACTORS_PANEL 32
/// Users ranked in one call at most.
#define FACTORS_RANKED_USERS 64
/// Lists of seen items at most.
#define FACTORS_SEEN_LISTS 4

/// What users have seen: ascending columns by row, as in `factors_rows`.
struct factors_seen {
    const intptr_t *offsets;
    const int32_t *columns;
};

/// A ranking of all items for each user.
struct factors_ranking {
    /// `width` numbers a user, aligned as the vectors of `factors_rows`.
    const float *users;
    /// As `factors_pack` wrote them.
    const float *packed_items;
    size_t item_count;
    size_t width;
    const struct factors_seen *seen;
    /// 0...FACTORS_SEEN_LISTS
    size_t seen_count;
    size_t limit;
    /// The best items of each user, best first, then -1; `limit` a user.
    int32_t *best_items;
    /// Their scores, then -infinity.
    float *best_scores;
};

/// How many numbers `factors_pack` writes.
size_t factors_packed_size(size_t item_count, size_t width);

/// Turns every FACTORS_PANEL items round: the first number of each, then the second of each, and so on.
void factors_pack(const float *items, size_t item_count, size_t width, float *packed);

/// Finds the `limit` best unseen items of `users` users, at most FACTORS_RANKED_USERS, from `first_user` on: by score, and of
/// equal ones the lower item first. Scores never leave the registers unless one beats the user's last. A user whose vector is
/// zero gets none.
void factors_rank(
    enum processor_instructions instructions, const struct factors_ranking *ranking, size_t first_user, size_t users);
