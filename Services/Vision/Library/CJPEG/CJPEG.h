#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// What came of a call.
enum cjpeg_outcome {
    CJPEG_DONE,
    /// The header makes no sense, or pixels are missing or made up.
    CJPEG_DAMAGED,
    /// Whole, as far as is known, and of a kind that libjpeg does not decode: the header says which.
    CJPEG_UNSUPPORTED,
    /// Takes more memory than was given, or has a side that libjpeg does not count to.
    CJPEG_TOO_LARGE,
    /// Has more scans than were given.
    CJPEG_TOO_MANY_SCANS,
    /// `may_go_on` said no.
    CJPEG_STOPPED,
};

/// What a file says before its pixels.
struct cjpeg_header {
    size_t width;
    size_t height;
    /// Planes: 1 grey, 3 colours, 4 inks.
    int planes;
    /// Bits of a value; 0 where that is not what is wrong.
    int precision;
    /// The marker that names a kind that is not decoded, of a frame (0xC3 lossless) or of one before it; else 0.
    int unsupported;
    /// One scan of all planes after another, Huffman-coded, with nothing held but some rows: what TurboJPEG decodes as well.
    bool is_plain;
    /// Bytes that are held until the last scan has come; 0 for a picture in one scan.
    size_t coefficients;
    /// The first EXIF block, in the file's own bytes, from its TIFF header on; null where there is none.
    const uint8_t *exif;
    size_t exif_count;
    /// An ICC profile that stands in one segment, in the file's own bytes; null where there is none.
    const uint8_t *profile;
    size_t profile_count;
};

/// One file in memory, being decoded. No `longjmp` leaves these calls.
struct cjpeg;

/// Starts on a file, whose bytes must stay where they are. Null when memory is out.
struct cjpeg *cjpeg_open(const uint8_t *bytes, size_t count);

/// Reads up to the first scan. Comes first, and once.
enum cjpeg_outcome cjpeg_read_header(struct cjpeg *decoder, struct cjpeg_header *header);

/// What decoding may take.
struct cjpeg_limits {
    /// Bytes held for coefficients.
    size_t memory;
    int scans;
    /// Asked again and again, with the context; null for always.
    bool (*may_go_on)(void *context);
    void *context;
};

/// Decodes at 1 / 2^`shift` of the size, at most three times halved and rounded up, into rows of three bytes a pixel. Comes
/// after the header, and once.
enum cjpeg_outcome cjpeg_decode(struct cjpeg *decoder, int shift, const struct cjpeg_limits *limits, uint8_t *rgb);

void cjpeg_close(struct cjpeg *decoder);
