// Included once for each instruction set, with LANES, the floats of a vector, and KERNEL(name) defined.
#include <math.h>

#include "kernels.h"
#include "lanes.h"

enum {
    /// Users whose scores are computed together, two vectors of items each: the sums stay in registers.
    TILE = LANES == 16 ? 8 : 4,
    /// Users that an item's numbers are read from the second-level cache for.
    BLOCK_USERS = FACTORS_RANKED_USERS,
    /// Bytes of items that stay in the second-level cache meanwhile.
    BLOCK_BYTES = 1 << 18,
};

/// The first position of the row's columns, from `position` on, whose column is at least `item`.
ALWAYS_INLINE intptr_t advance(const struct factors_seen *seen, intptr_t position, intptr_t end, int32_t item) {
    while (position < end && seen->columns[position] < item) position++;
    return position;
}

/// Puts an item in its place among the user's best; it comes after those with the same score. Returns the score to beat.
ALWAYS_INLINE float insert(int32_t item, float score, size_t limit, int32_t *items, float *scores) {
    size_t place = limit - 1;
    for (; place > 0 && scores[place - 1] < score; place--) {
        items[place] = items[place - 1];
        scores[place] = scores[place - 1];
    }
    items[place] = item;
    scores[place] = score;
    return scores[limit - 1];
}

void KERNEL(factors_rank)(const struct factors_ranking *ranking, size_t first_user, size_t users) {
    const size_t width = ranking->width, limit = ranking->limit, panel_size = FACTORS_PANEL * width;
    const size_t panels = (ranking->item_count + FACTORS_PANEL - 1) / FACTORS_PANEL;
    const size_t block_panels = BLOCK_BYTES / (panel_size * sizeof(float)) + 1;
    float thresholds[BLOCK_USERS];
    intptr_t seen_positions[BLOCK_USERS][FACTORS_SEEN_LISTS];
    for (size_t user = 0; user < BLOCK_USERS; user++) {
        const float *vector = ranking->users + (first_user + user) * width;
        bool is_ranked = false;
        if (user < users && limit > 0)
            for (size_t k = 0; k < width; k++) is_ranked |= vector[k] != 0;
        // Nothing beats infinity.
        thresholds[user] = is_ranked ? -INFINITY : INFINITY;
        if (user >= users) continue;
        for (size_t place = 0; place < limit; place++) {
            ranking->best_items[(first_user + user) * limit + place] = -1;
            ranking->best_scores[(first_user + user) * limit + place] = -INFINITY;
        }
        for (size_t list = 0; list < ranking->seen_count; list++)
            seen_positions[user][list] = ranking->seen[list].offsets[first_user + user];
    }
    for (size_t block = 0; block < panels; block += block_panels) {
        const size_t block_end = block + block_panels < panels ? block + block_panels : panels;
        for (size_t tile = 0; tile < users; tile += TILE) {
            const float *vectors[TILE];
            UNROLL for (size_t user = 0; user < TILE; user++)
                vectors[user] = ranking->users + (first_user + (tile + user < users ? tile + user : tile)) * width;
            for (size_t part = block * (FACTORS_PANEL / (2 * LANES)); part < block_end * (FACTORS_PANEL / (2 * LANES));
                 part++) {
                const size_t first_item = part * 2 * LANES;
                const float *items = ranking->packed_items + first_item / FACTORS_PANEL * panel_size
                    + first_item % FACTORS_PANEL;
                lanes sums[TILE][2] = {};
                for (size_t k = 0; k < width; k++) {
                    const lanes low = load(items + k * FACTORS_PANEL);
                    const lanes high = load(items + k * FACTORS_PANEL + LANES);
                    UNROLL for (int user = 0; user < TILE; user++) {
                        sums[user][0] += vectors[user][k] * low;
                        sums[user][1] += vectors[user][k] * high;
                    }
                }
                UNROLL for (int index = 0; index < TILE; index++) {
                    const size_t user = tile + index;
                    float threshold = thresholds[user];
                    if (!__builtin_reduce_or((sums[index][0] > threshold) | (sums[index][1] > threshold))) continue;
                    _Alignas(64) float scores[2 * LANES];
                    store(scores, sums[index][0]);
                    store(scores + LANES, sums[index][1]);
                    for (size_t lane = 0; lane < 2 * LANES; lane++) {
                        if (!(scores[lane] > threshold) || first_item + lane >= ranking->item_count) continue;
                        const int32_t item = (int32_t)(first_item + lane);
                        const size_t row = first_user + user;
                        bool is_seen = false;
                        for (size_t list = 0; list < ranking->seen_count; list++) {
                            const struct factors_seen *seen = &ranking->seen[list];
                            intptr_t position = advance(
                                seen, seen_positions[user][list], seen->offsets[row + 1], item);
                            seen_positions[user][list] = position;
                            is_seen |= position < seen->offsets[row + 1] && seen->columns[position] == item;
                        }
                        if (is_seen) continue;
                        threshold = insert(
                            item, scores[lane], limit, ranking->best_items + row * limit,
                            ranking->best_scores + row * limit);
                    }
                    thresholds[user] = threshold;
                }
            }
        }
    }
}
