#include "CJPEG.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

enum {
    /// Pixels between two questions whether to go on, of rows one pixel high: a question costs as much as some hundred.
    PIXELS_A_QUESTION = 1 << 16,
    MOST_PLANES = 4,
    HIERARCHICAL = 0xDE,
    JPEG_LS = 0xF7,
    NUMBER_OF_LINES = 0xDC,
};

struct cjpeg {
    // The library's structures come first, so that its callbacks find ours.
    struct jpeg_decompress_struct library;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf escape;
    enum cjpeg_outcome outcome;
    struct cjpeg_header header;
    struct cjpeg_limits limits;
    size_t rows;
    size_t rows_a_question;
    /// The file ended before its end marker.
    bool is_cut;
    /// Planes that a scan has begun to bring, a bit each.
    unsigned begun;
};

static struct cjpeg *owner(j_common_ptr library) { return (struct cjpeg *)library; }

_Noreturn static void give_up(struct cjpeg *decoder, enum cjpeg_outcome outcome) {
    decoder->outcome = outcome;
    longjmp(decoder->escape, 1);
}

/// What an error of the library means.
static enum cjpeg_outcome outcome(struct cjpeg *decoder) {
    struct cjpeg_header *header = &decoder->header;
    int parameter = decoder->errors.msg_parm.i[0];
    switch (decoder->errors.msg_code) {
    case JERR_SOF_UNSUPPORTED:
        header->unsupported = parameter;
        return CJPEG_UNSUPPORTED;
    case JERR_UNKNOWN_MARKER:
        if (parameter != HIERARCHICAL && parameter != JPEG_LS) return CJPEG_DAMAGED;
        header->unsupported = parameter;
        return CJPEG_UNSUPPORTED;
    case JERR_EMPTY_IMAGE:
        // A height of 0 means that it stands behind the first scan.
        if (decoder->library.image_height > 0 || decoder->library.image_width == 0) return CJPEG_DAMAGED;
        header->unsupported = NUMBER_OF_LINES;
        return CJPEG_UNSUPPORTED;
    case JERR_BAD_PRECISION:
        header->precision = parameter;
        return CJPEG_UNSUPPORTED;
    case JERR_CONVERSION_NOTIMPL:
    case JERR_ARITH_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_CCIR601_NOTIMPL:
        return CJPEG_UNSUPPORTED;
    case JERR_OUT_OF_MEMORY:
    case JERR_NO_BACKING_STORE:
    case JERR_IMAGE_TOO_BIG:
    case JERR_WIDTH_OVERFLOW:
        return CJPEG_TOO_LARGE;
    default:
        return CJPEG_DAMAGED;
    }
}

static void on_error(j_common_ptr library) { give_up(owner(library), outcome(owner(library))); }

/// Warnings are what damage and the manners of cameras have in common: told apart here.
static void on_message(j_common_ptr library, int level) {
    if (level >= 0) return;
    switch (library->err->msg_code) {
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_HIT_MARKER:
        // The pixels from here on would be made up.
        give_up(owner(library), CJPEG_DAMAGED);
    case JWRN_JPEG_EOF:
        // No harm by itself: where pixels are missing, JWRN_HIT_MARKER comes too, or a scan is missing. An arithmetic decoder
        // says nothing and goes on with zeros.
        owner(library)->is_cut = true;
        if (owner(library)->library.arith_code) give_up(owner(library), CJPEG_DAMAGED);
    default:
        break;
    }
}

static void print_nothing(j_common_ptr library) { (void)library; }

/// Called for every row of blocks that comes and for every row of pixels that goes.
static void on_progress(j_common_ptr library) {
    struct cjpeg *decoder = owner(library);
    for (int plane = 0; plane < decoder->library.comps_in_scan; plane++)
        decoder->begun |= 1u << decoder->library.cur_comp_info[plane]->component_index;
    if (decoder->library.input_scan_number > decoder->limits.scans) give_up(decoder, CJPEG_TOO_MANY_SCANS);
    if (decoder->limits.may_go_on && decoder->rows++ % decoder->rows_a_question == 0 &&
        !decoder->limits.may_go_on(decoder->limits.context))
        give_up(decoder, CJPEG_STOPPED);
}

/// Takes any restart marker for the one that is due: some cameras number theirs in their own way. Where a piece of the file
/// is missing, the last piece is missed at the end, which is damage.
static boolean on_odd_restart(j_decompress_ptr library, int due) {
    if (library->unread_marker < JPEG_RST0 || library->unread_marker > JPEG_RST0 + 7)
        return jpeg_resync_to_restart(library, due);
    library->unread_marker = 0;
    return TRUE;
}

/// Remembers where an EXIF block or an ICC profile stands, and skips it: the whole file is in memory.
static boolean on_application_data(j_decompress_ptr library) {
    static const char exif[] = "Exif";
    static const char profile[] = "ICC_PROFILE\0\1\1";
    struct cjpeg_header *header = &owner((j_common_ptr)library)->header;
    struct jpeg_source_mgr *source = library->src;
    if (source->bytes_in_buffer < 2) ERREXIT(library, JERR_INPUT_EOF);
    size_t length = (size_t)source->next_input_byte[0] << 8 | source->next_input_byte[1];
    if (length < 2) ERREXIT(library, JERR_BAD_LENGTH);
    if (length > source->bytes_in_buffer) ERREXIT(library, JERR_INPUT_EOF);
    const uint8_t *content = source->next_input_byte + 2;
    size_t count = length - 2;
    // "Exif", a zero, and a byte that is one more zero mostly.
    if (library->unread_marker == JPEG_APP0 + 1) {
        if (!header->exif && count >= 6 && memcmp(content, exif, 5) == 0) {
            header->exif = content + 6;
            header->exif_count = count - 6;
        }
    } else if (!header->profile && count >= 14 && memcmp(content, profile, 14) == 0) {
        header->profile = content + 14;
        header->profile_count = count - 14;
    }
    source->next_input_byte += length;
    source->bytes_in_buffer -= length;
    return TRUE;
}

struct cjpeg *cjpeg_open(const uint8_t *bytes, size_t count) {
    struct cjpeg *const decoder = calloc(1, sizeof *decoder);
    if (!decoder) return NULL;
    j_decompress_ptr library = &decoder->library;
    library->err = jpeg_std_error(&decoder->errors);
    decoder->errors.error_exit = on_error;
    decoder->errors.emit_message = on_message;
    decoder->errors.output_message = print_nothing;
    if (setjmp(decoder->escape) != 0) {
        cjpeg_close(decoder);
        return NULL;
    }
    jpeg_create_decompress(library);
    jpeg_mem_src(library, bytes, count);
    library->src->resync_to_restart = on_odd_restart;
    jpeg_set_marker_processor(library, JPEG_APP0 + 1, on_application_data);
    jpeg_set_marker_processor(library, JPEG_APP0 + 2, on_application_data);
    return decoder;
}

/// Bytes of all coefficients, in whole blocks and in rows and columns of them that scans share.
static size_t coefficients(const struct jpeg_decompress_struct *library) {
    size_t blocks = 0;
    for (int plane = 0; plane < library->num_components; plane++) {
        const jpeg_component_info *info = &library->comp_info[plane];
        size_t across = (info->width_in_blocks + info->h_samp_factor - 1) / info->h_samp_factor * info->h_samp_factor;
        size_t down = (info->height_in_blocks + info->v_samp_factor - 1) / info->v_samp_factor * info->v_samp_factor;
        blocks += across * down;
    }
    return blocks * sizeof(JBLOCK);
}

enum cjpeg_outcome cjpeg_read_header(struct cjpeg *decoder, struct cjpeg_header *header) {
    j_decompress_ptr library = &decoder->library;
    if (setjmp(decoder->escape) == 0) {
        decoder->outcome = CJPEG_DONE;
        jpeg_read_header(library, TRUE);
        boolean is_held = jpeg_has_multiple_scans(library);
        decoder->header.planes = library->num_components;
        decoder->header.precision = library->data_precision;
        decoder->header.coefficients = is_held ? coefficients(library) : 0;
        decoder->header.is_plain = !is_held && !library->arith_code && library->num_components <= 3;
        if (library->jpeg_color_space == JCS_UNKNOWN || library->data_precision != 8) decoder->outcome = CJPEG_UNSUPPORTED;
    }
    decoder->header.width = library->image_width;
    decoder->header.height = library->image_height;
    *header = decoder->header;
    return decoder->outcome;
}

/// Whether every plane came and, where the file ends before its end marker, came at full depth.
static bool is_whole(const struct cjpeg *decoder) {
    const struct jpeg_decompress_struct *library = &decoder->library;
    for (int plane = 0; plane < library->num_components; plane++) {
        if (!(decoder->begun >> plane & 1)) return false;
        if (!library->progressive_mode) continue;
        const int *missing_bits = library->coef_bits[plane];
        if (missing_bits[0] < 0) return false;
        for (int coefficient = 0; decoder->is_cut && coefficient < DCTSIZE2; coefficient++)
            if (missing_bits[coefficient] != 0) return false;
    }
    return true;
}

/// Inks to red, green, blue. Adobe stores inks inverted, and so does everybody: 255 is none.
static void paint(const uint8_t *inks, size_t width, uint8_t *rgb) {
    for (size_t pixel = 0; pixel < width; pixel++)
        for (size_t channel = 0; channel < 3; channel++)
            rgb[3 * pixel + channel] = (uint8_t)((inks[4 * pixel + channel] * inks[4 * pixel + 3] + 127) / 255);
}

static void decode(struct cjpeg *decoder, int shift, uint8_t *rgb) {
    j_decompress_ptr library = &decoder->library;
    bool has_inks = library->num_components == MOST_PLANES;
    library->out_color_space = has_inks ? JCS_CMYK : JCS_RGB;
    library->scale_num = 1;
    library->scale_denom = 1u << shift;
    library->mem->max_memory_to_use = (long)decoder->limits.memory;
    library->progress = &decoder->progress;
    decoder->progress.progress_monitor = on_progress;
    jpeg_start_decompress(library);
    if (decoder->header.coefficients > 0 && !is_whole(decoder)) give_up(decoder, CJPEG_DAMAGED);
    size_t width = library->output_width;
    JSAMPARRAY inks = NULL;
    if (has_inks) inks = library->mem->alloc_sarray((j_common_ptr)library, JPOOL_IMAGE, (JDIMENSION)(4 * width), 1);
    while (library->output_scanline < library->output_height) {
        JSAMPROW row = rgb + 3 * width * library->output_scanline;
        jpeg_read_scanlines(library, has_inks ? inks : &row, 1);
        if (has_inks) paint(inks[0], width, row);
    }
    // What stands behind the last pixel is nobody's concern, so that `jpeg_finish_decompress` is left out.
}

enum cjpeg_outcome cjpeg_decode(struct cjpeg *decoder, int shift, const struct cjpeg_limits *limits, uint8_t *rgb) {
    decoder->limits = *limits;
    if (setjmp(decoder->escape) == 0) {
        decoder->outcome = CJPEG_DONE;
        decoder->rows_a_question = 1 + PIXELS_A_QUESTION / decoder->header.width;
        decode(decoder, shift, rgb);
    }
    return decoder->outcome;
}

void cjpeg_close(struct cjpeg *decoder) {
    if (!decoder) return;
    jpeg_destroy_decompress(&decoder->library);
    free(decoder);
}
