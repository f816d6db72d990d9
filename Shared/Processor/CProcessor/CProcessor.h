#pragma once
#include <stdbool.h>

/// Instructions that a kernel is compiled for.
enum processor_instructions {
    PROCESSOR_PORTABLE,
    /// AVX2 with fused multiply-add.
    PROCESSOR_AVX2,
    /// AVX-512 F, BW, DQ and VL, beside AVX2.
    PROCESSOR_AVX512
};

/// Whether this processor and this build have them.
bool processor_has(enum processor_instructions instructions);

/// Whether it multiplies vectors of bfloat16, and the system keeps such vectors.
bool processor_has_bfloat16_vectors(void);

/// Whether it multiplies tiles of bfloat16.
bool processor_has_bfloat16_tiles(void);

/// Whether it claims AMX tiles and then describes none, as some virtual machines do.
bool processor_hides_tiles(void);

bool processor_is_amd(void);

/// Instructions that multiply bytes, eight or sixteen rows of four at a time.
enum processor_byte_products {
    PROCESSOR_BYTES_PORTABLE,
    PROCESSOR_BYTES_AVX2,
    /// AVX-VNNI beside AVX2, which some processors without AVX-512 have.
    PROCESSOR_BYTES_AVX_VNNI,
    /// AVX-512 VNNI beside `PROCESSOR_AVX512`.
    PROCESSOR_BYTES_AVX512_VNNI
};

/// Whether this processor and this build have them.
bool processor_has_byte_products(enum processor_byte_products instructions);
