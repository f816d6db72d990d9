#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// What came of a call.
enum cpng_outcome {
    CPNG_DONE,
    /// The header makes no sense, or pixels are missing or made up.
    CPNG_DAMAGED,
    /// Memory is out.
    CPNG_TOO_LARGE,
    /// `may_go_on` said no.
    CPNG_STOPPED,
};

/// What a file says before its pixels.
struct cpng_header {
    /// 0 until the file has said so.
    size_t width;
    size_t height;
    /// Bytes that are held beside the picture: a row, or all of a picture that comes in passes and is partly transparent.
    size_t working;
    /// The ICC profile, which the decoder owns; null where there is none.
    const uint8_t *profile;
    size_t profile_count;
};

/// Asked again and again while a file is decoded; null for always yes.
struct cpng_permit {
    bool (*may_go_on)(void *context);
    void *context;
};

/// One file in memory, being decoded by libpng. No `longjmp` leaves these calls.
struct cpng;

/// Starts on a file, whose bytes must stay where they are. Null when memory is out.
struct cpng *cpng_open(const uint8_t *bytes, size_t count, struct cpng_permit permit);

/// Reads up to the first pixel. Comes first, and once; says in any case what it came to know.
enum cpng_outcome cpng_read_header(struct cpng *decoder, struct cpng_header *header);

/// Decodes into rows of three bytes a pixel, encoded as sRGB unless the file has a profile; what is transparent shows white.
/// Comes after the header, and once.
enum cpng_outcome cpng_decode(struct cpng *decoder, uint8_t *rgb);

/// Where the content of the eXIf chunk stands, and its length; null where there is none. One that stands behind the pixels is
/// known once they are decoded.
const uint8_t *cpng_exif(struct cpng *decoder, size_t *count);

void cpng_close(struct cpng *decoder);
