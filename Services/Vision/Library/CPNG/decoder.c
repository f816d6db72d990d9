#include "CPNG.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

enum {
    /// Pixels between two questions whether to go on: a question costs as much as some hundred.
    PIXELS_A_QUESTION = 1 << 16,
    /// The most that a chunk may unpack to, of which a colour profile is the only one that is read.
    LARGEST_CHUNK = 1 << 20,
};

struct cpng {
    png_structp library;
    png_infop info;
    png_infop end;
    jmp_buf escape;
    enum cpng_outcome outcome;
    struct cpng_permit permit;
    size_t rows;
    size_t rows_a_question;
    const uint8_t *next;
    size_t remaining;
    int passes;
    bool is_transparent;
    /// Rows with transparency: one, or all of a picture in passes.
    uint8_t *working;
};

_Noreturn static void give_up(struct cpng *decoder, enum cpng_outcome outcome) {
    decoder->outcome = outcome;
    longjmp(decoder->escape, 1);
}

_Noreturn static void on_error(png_structp library, png_const_charp message) {
    (void)message;
    give_up(png_get_error_ptr(library), CPNG_DAMAGED);
}

static void on_warning(png_structp library, png_const_charp message) {
    (void)library;
    (void)message;
}

static void ask(struct cpng *decoder) {
    if (decoder->permit.may_go_on && decoder->rows++ % decoder->rows_a_question == 0 &&
        !decoder->permit.may_go_on(decoder->permit.context))
        give_up(decoder, CPNG_STOPPED);
}

static void on_read(png_structp library, png_bytep target, size_t count) {
    struct cpng *decoder = png_get_io_ptr(library);
    if (count > decoder->remaining) png_error(library, "cut short");
    memcpy(target, decoder->next, count);
    decoder->next += count;
    decoder->remaining -= count;
}

struct cpng *cpng_open(const uint8_t *bytes, size_t count, struct cpng_permit permit) {
    // Chunks that change no pixel: not unpacked, so that none of them is a bomb.
    static const png_byte unread[] = "hIST\0iTXt\0oFFs\0pCAL\0pHYs\0sCAL\0sPLT\0tEXt\0tIME\0zTXt";
    struct cpng *const decoder = calloc(1, sizeof *decoder);
    if (!decoder) return NULL;
    decoder->next = bytes;
    decoder->remaining = count;
    decoder->permit = permit;
    decoder->rows_a_question = 1;
    if (setjmp(decoder->escape) != 0) {
        cpng_close(decoder);
        return NULL;
    }
    decoder->library = png_create_read_struct(PNG_LIBPNG_VER_STRING, decoder, on_error, on_warning);
    if (!decoder->library) longjmp(decoder->escape, 1);
    decoder->info = png_create_info_struct(decoder->library);
    decoder->end = png_create_info_struct(decoder->library);
    if (!decoder->info || !decoder->end) longjmp(decoder->escape, 1);
    png_set_read_fn(decoder->library, decoder, on_read);
    png_set_benign_errors(decoder->library, 1);
    png_set_chunk_malloc_max(decoder->library, LARGEST_CHUNK);
    // Pixels are counted by whoever reads the header.
    png_set_user_limits(decoder->library, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_keep_unknown_chunks(decoder->library, PNG_HANDLE_CHUNK_NEVER, unread, sizeof unread / 5);
    return decoder;
}

/// What turns every kind of pixel into eight bits of red, green and blue, and perhaps of opacity.
static void transform(struct cpng *decoder, bool has_profile) {
    png_structp library = decoder->library;
    png_fixed_point gamma;
    png_set_expand(library);
    png_set_scale_16(library);
    png_set_gray_to_rgb(library);
    // What says nothing of its gamma is sRGB, 16 bits or not. A profile says it better.
    if (!has_profile && png_get_gAMA_fixed(library, decoder->info, &gamma) != 0)
        png_set_gamma_fixed(library, PNG_DEFAULT_sRGB, gamma);
    decoder->passes = png_set_interlace_handling(library);
    png_read_update_info(library, decoder->info);
    decoder->is_transparent = png_get_channels(library, decoder->info) == 4;
}

enum cpng_outcome cpng_read_header(struct cpng *decoder, struct cpng_header *header) {
    png_structp library = decoder->library;
    memset(header, 0, sizeof *header);
    if (setjmp(decoder->escape) == 0) {
        decoder->outcome = CPNG_DONE;
        ask(decoder);
        png_read_info(library, decoder->info);
        png_charp name;
        int compression;
        png_bytep profile;
        png_uint_32 count;
        if (png_get_iCCP(library, decoder->info, &name, &compression, &profile, &count) != 0) {
            header->profile = profile;
            header->profile_count = count;
        }
    }
    header->width = png_get_image_width(library, decoder->info);
    header->height = png_get_image_height(library, decoder->info);
    if (decoder->outcome == CPNG_DONE) {
        bool may_be_transparent = (png_get_color_type(library, decoder->info) & PNG_COLOR_MASK_ALPHA) != 0 ||
            png_get_valid(library, decoder->info, PNG_INFO_tRNS) != 0;
        bool has_passes = png_get_interlace_type(library, decoder->info) != PNG_INTERLACE_NONE;
        // Two rows of the library's own, of eight bytes a pixel at most.
        header->working = header->width * (may_be_transparent && has_passes ? 16 + 4 * header->height : 20);
    }
    return decoder->outcome;
}

/// A row on white: as browsers show it, in the encoding that the file has.
static void put_on_white(const uint8_t *row, size_t width, uint8_t *rgb) {
    for (size_t pixel = 0; pixel < width; pixel++) {
        unsigned opacity = row[4 * pixel + 3];
        for (size_t channel = 0; channel < 3; channel++)
            rgb[3 * pixel + channel] = (uint8_t)((row[4 * pixel + channel] * opacity + 255 * (255 - opacity) + 127) / 255);
    }
}

static void read_rows(struct cpng *decoder, size_t width, size_t height, uint8_t *rgb) {
    decoder->rows_a_question = 1 + PIXELS_A_QUESTION / width;
    // Passes write into the rows that they find.
    if (!decoder->is_transparent) {
        for (int pass = 0; pass < decoder->passes; pass++) {
            for (size_t row = 0; row < height; row++) {
                ask(decoder);
                png_read_row(decoder->library, rgb + 3 * width * row, NULL);
            }
        }
        return;
    }
    bool holds_all = decoder->passes > 1;
    decoder->working = malloc(4 * width * (holds_all ? height : 1));
    if (!decoder->working) give_up(decoder, CPNG_TOO_LARGE);
    for (int pass = 0; pass < decoder->passes; pass++) {
        for (size_t row = 0; row < height; row++) {
            uint8_t *target = decoder->working + (holds_all ? 4 * width * row : 0);
            ask(decoder);
            png_read_row(decoder->library, target, NULL);
            if (pass == decoder->passes - 1) put_on_white(target, width, rgb + 3 * width * row);
        }
    }
}

enum cpng_outcome cpng_decode(struct cpng *decoder, uint8_t *rgb) {
    png_structp library = decoder->library;
    if (setjmp(decoder->escape) == 0) {
        decoder->outcome = CPNG_DONE;
        transform(decoder, png_get_valid(library, decoder->info, PNG_INFO_iCCP) != 0);
        read_rows(
            decoder, png_get_image_width(library, decoder->info), png_get_image_height(library, decoder->info), rgb);
    }
    return decoder->outcome;
}

const uint8_t *cpng_exif(struct cpng *decoder, size_t *count) {
    png_bytep exif;
    png_uint_32 length;
    *count = 0;
    bool is_found = png_get_eXIf_1(decoder->library, decoder->info, &length, &exif) != 0;
    // What stands behind the pixels may be damaged or missing: no pixel is.
    if (!is_found && setjmp(decoder->escape) == 0) {
        png_read_end(decoder->library, decoder->end);
    }
    is_found = is_found || png_get_eXIf_1(decoder->library, decoder->end, &length, &exif) != 0;
    if (!is_found) return NULL;
    *count = length;
    return exif;
}

void cpng_close(struct cpng *decoder) {
    if (!decoder) return;
    if (decoder->library) png_destroy_read_struct(&decoder->library, &decoder->info, &decoder->end);
    free(decoder->working);
    free(decoder);
}
