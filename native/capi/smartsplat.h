/*
 * smartsplat.h: decodes .ssplat files. C11, no global state of the caller's concern, no other library needed.
 *
 *   smartsplat_error error;
 *   smartsplat_file *file;
 *   smartsplat_view view;
 *   if (smartsplat_open_memory(bytes, size, &file, &error)) die(error.text);
 *   if (smartsplat_make_view(file, NULL, 0.5, &view, &error)) die(error.text);
 *   uint8_t *pixels = malloc((size_t)3 * view.width * view.height);
 *   if (smartsplat_decode(file, &view, SMARTSPLAT_RGB8, pixels, (size_t)3 * view.width, NULL, &error)) die(error.text);
 *   smartsplat_close(file);
 *
 * Every function that can fail returns a smartsplat_status, 0 if it went well, and describes a failure in `error`,
 * which may be NULL. After a failure the outputs hold nothing of use, and nothing needs to be freed.
 *
 * A file may be used by any number of threads at once; only smartsplat_close needs it to be idle. Coordinates are px of
 * the picture, x to the right and y down from its upper left corner; the centres of pixels are at integer + 0.5.
 */
#ifndef SMARTSPLAT_H
#define SMARTSPLAT_H

#include <stddef.h>
#include <stdint.h>

#if defined(SMARTSPLAT_SHARED) && defined(_WIN32)
#ifdef SMARTSPLAT_BUILD
#define SMARTSPLAT_API __declspec(dllexport)
#else
#define SMARTSPLAT_API __declspec(dllimport)
#endif
#elif defined(__GNUC__)
#define SMARTSPLAT_API __attribute__((visibility("default")))
#else
#define SMARTSPLAT_API
#endif

#ifdef __cplusplus
extern "C" {
#define SMARTSPLAT_NOEXCEPT noexcept
#define SMARTSPLAT_INT : int /* any number may come from C, and is refused if it has no name */
#else
#define SMARTSPLAT_NOEXCEPT
#define SMARTSPLAT_INT
#endif

/* Grows when something is added or changed. Structures may have become longer then: a program is compiled with the
   header of the library that it is linked with. */
#define SMARTSPLAT_API_VERSION 4

typedef enum smartsplat_status SMARTSPLAT_INT {
  SMARTSPLAT_OK = 0,
  SMARTSPLAT_BAD_ARGUMENT = 1, /* a null pointer, a size, format or option out of its range */
  SMARTSPLAT_BAD_FILE = 2,     /* not an .ssplat file, damaged, or of a later version */
  SMARTSPLAT_BAD_VIEW = 3,     /* a region that is empty or not within the picture, or an impossible scale */
  SMARTSPLAT_TOO_LARGE = 4,    /* more than the options allow, or than can be done */
  SMARTSPLAT_NO_MEMORY = 5,
  SMARTSPLAT_READ_FAILED = 6, /* the read callback said so */
  SMARTSPLAT_INTERRUPTED = 7, /* the interrupt callback said so */
  SMARTSPLAT_FAILED = 8       /* anything else; a defect of the library */
} smartsplat_status;

typedef struct smartsplat_error {
  smartsplat_status status;
  char text[240]; /* one line of UTF-8 for a person, ended by a zero */
} smartsplat_error;

/* An open file. It holds a copy of the bytes that were read, and the decoded picture once that has been asked for. */
typedef struct smartsplat_file smartsplat_file;

/* Gives bytes of a file that the caller keeps. */
typedef struct smartsplat_source {
  void* context; /* passed on to `read` */
  uint64_t size; /* of the file */
  /* Writes exactly `count` bytes from `offset` on to `buffer`; returns 0, or anything else if it cannot. It is called
     on the thread that calls the library: while smartsplat_open_source opens a file, and not afterwards; and whenever
     something is asked of a file of smartsplat_open_ranges, by several threads at once if several use the file. */
  int (*read)(void* context, uint64_t offset, void* buffer, size_t count);
} smartsplat_source;

/* Bytes of a file. */
typedef struct smartsplat_range {
  uint64_t offset, size;
} smartsplat_range;

typedef struct smartsplat_info {
  uint32_t width, height;   /* of the picture, px */
  uint32_t channels;        /* 1 (grey) or 3 (RGB) */
  uint32_t lattice_spacing; /* px; 0: there is no lattice */
  uint64_t splats;          /* how many */
  uint64_t bytes;           /* of the file */
  uint32_t bits;            /* of a sample of the picture that was encoded, 8 to 16 */
  uint32_t alpha;           /* 1: the picture has an alpha, which formats with four channels show; 0: it is opaque */
} smartsplat_info;

typedef enum smartsplat_metadata_kind SMARTSPLAT_INT {
  SMARTSPLAT_ICC = 0,         /* ICC profile; without one the colours are sRGB */
  SMARTSPLAT_EXIF = 1,        /* EXIF block: a TIFF structure, without the prefix that JPEG files put before it */
  SMARTSPLAT_XMP = 2,         /* XMP packet, as UTF-8 */
  SMARTSPLAT_RESOLUTION = 3,  /* two integers of 4 bytes, the lowest first: px in 1000 m along x and y */
  SMARTSPLAT_COLOUR_CODE = 4, /* colours by H.273, as in PNG's chunk cICP: primaries, transfer, 0, full range */
  /* The picture reduced: log2 of how many px of the picture are one of its own, one byte, and an .ssplat file. */
  SMARTSPLAT_OVERVIEW = 5
} smartsplat_metadata_kind;

typedef struct smartsplat_region {
  double x, y, width, height;
} smartsplat_region;

/* What will be decoded: `width` x `height` pixels that show a region. Made by smartsplat_make_view; views of the
   caller's own may also lie beyond the picture, at zooms (along y: times the aspect) of 2^-32 to 2^32. */
typedef struct smartsplat_view {
  int32_t width, height;
  double zoom, left, top, blur, aspect; /* see section 10 of the format's specification */
  /* 0, as smartsplat_make_view has it: exact. 1: a view of a file of smartsplat_open_ranges that shows it small may be
     a draft, from about a fourth of the lattice. What it leaves out are waves shorter than half a pixel. 2: a sketch,
     for the moment until a draft is there: waves shorter than 2 to 4 pixels may be left out. */
  uint32_t draft;
} smartsplat_view;

/* Samples of a pixel, in its order in memory. Grey formats give the first channel of an RGB picture; RGB formats repeat
   the channel of a grey one. Alpha is not multiplied with the colours; that of a picture without one is opaque, the
   greatest value. Integers of 16 bits are in the machine's order; floats are of the picture before it is rounded, in
   [0, 1]. */
typedef enum smartsplat_format SMARTSPLAT_INT {
  SMARTSPLAT_GREY8 = 0,
  SMARTSPLAT_RGB8 = 1,
  SMARTSPLAT_RGBA8 = 2,
  SMARTSPLAT_GREY_F32 = 3,
  SMARTSPLAT_RGB_F32 = 4,
  SMARTSPLAT_GREY16 = 5,
  SMARTSPLAT_RGB16 = 6,
  SMARTSPLAT_RGBA16 = 7,
  SMARTSPLAT_RGBA_F32 = 8
} smartsplat_format;

/* NULL, or all zeros, stands for the defaults. */
typedef struct smartsplat_options {
  uint32_t threads;    /* of this call; 0: one for each processor */
  uint64_t max_pixels; /* of the view, and of a picture with a lattice, which is decoded whole; 0: 400 million */
  /* Asked about every 20 ms on the calling thread; anything but 0 calls the decoding off. May be NULL. */
  int (*interrupt)(void* context);
  void* context;
  /* What decoding may cost, times what a view and a file of such sizes should at most; beyond it is
     SMARTSPLAT_TOO_LARGE, at once. 0: 1, which no encoder's file needs; infinity: whatever it takes. */
  double max_work;
} smartsplat_options;

/* SMARTSPLAT_API_VERSION of the library. */
SMARTSPLAT_API int smartsplat_api_version(void) SMARTSPLAT_NOEXCEPT;

/* Opens a file of `size` bytes, which are copied. The header, the table of contents and all checksums are verified;
   streams are decoded when they are needed, and a stream that is not valid is SMARTSPLAT_BAD_FILE then. */
SMARTSPLAT_API smartsplat_status smartsplat_open_memory(const void* bytes, size_t size, smartsplat_file** file,
                                                        smartsplat_error* error) SMARTSPLAT_NOEXCEPT;

/* The same for bytes that a callback gives. What does not begin as an .ssplat file is not read further. */
SMARTSPLAT_API smartsplat_status smartsplat_open_source(const smartsplat_source* source, smartsplat_file** file,
                                                        smartsplat_error* error) SMARTSPLAT_NOEXCEPT;

/* The same, but only header and index are read now. Each decoding reads the parts that its view needs, and keeps what
   was decoded last, see smartsplat_keep; integers and splats need the whole file. `source` is copied. For files that
   are far away, or too large to be read whole. */
SMARTSPLAT_API smartsplat_status smartsplat_open_ranges(const smartsplat_source* source, smartsplat_file** file,
                                                        smartsplat_error* error) SMARTSPLAT_NOEXCEPT;

/* How many bytes of decoded parts a file of smartsplat_open_ranges keeps at most, 64 MB at first. */
SMARTSPLAT_API void smartsplat_keep(smartsplat_file* file, size_t bytes) SMARTSPLAT_NOEXCEPT;

/* What a decoding of a view reads beside header and index, in order; ranges that touch are read at once. So that it can
   be fetched beforehand for a file of smartsplat_open_ranges. `*count` gets the number of ranges; they are written if
   `capacity` is not less. */
SMARTSPLAT_API smartsplat_status smartsplat_get_ranges(const smartsplat_file* file, const smartsplat_view* view,
                                                       smartsplat_range* ranges, size_t capacity, size_t* count,
                                                       smartsplat_error* error) SMARTSPLAT_NOEXCEPT;

/* Frees everything; NULL is allowed. */
SMARTSPLAT_API void smartsplat_close(smartsplat_file* file) SMARTSPLAT_NOEXCEPT;

/* What the file says of itself; nothing is decoded. */
SMARTSPLAT_API smartsplat_status smartsplat_get_info(const smartsplat_file* file, smartsplat_info* info,
                                                     smartsplat_error* error) SMARTSPLAT_NOEXCEPT;

/* Metadata as it stands in the file: the first three kinds as a zlib stream (RFC 1950). `*bytes` stays valid until the
   file is closed; it is NULL and `*size` 0 if there is none of that kind. */
SMARTSPLAT_API smartsplat_status smartsplat_get_metadata(const smartsplat_file* file, smartsplat_metadata_kind kind,
                                                         const void** bytes, size_t* size,
                                                         smartsplat_error* error) SMARTSPLAT_NOEXCEPT;

/* Where its bytes stand in the file; a size of 0 if there is none of that kind. */
SMARTSPLAT_API smartsplat_status smartsplat_get_metadata_range(const smartsplat_file* file,
                                                               smartsplat_metadata_kind kind, smartsplat_range* range,
                                                               smartsplat_error* error) SMARTSPLAT_NOEXCEPT;

/* The view of a region, NULL for the whole picture, with `scale` pixels for each px: its sides are the region's times
   the scale, rounded, at least 1. */
SMARTSPLAT_API smartsplat_status smartsplat_make_view(const smartsplat_file* file, const smartsplat_region* region,
                                                      double scale, smartsplat_view* view,
                                                      smartsplat_error* error) SMARTSPLAT_NOEXCEPT;

/* Decodes a view into `pixels`, whose rows are `stride` bytes apart (at least a row's length; a multiple of
   a sample's, as the address of the pixels). The first call decodes the streams and keeps the result, so that further
   views cost what they show. Of a file of smartsplat_open_ranges each call decodes what its view needs and is not kept,
   and the view has to lie within the picture. */
SMARTSPLAT_API smartsplat_status smartsplat_decode(smartsplat_file* file, const smartsplat_view* view,
                                                   smartsplat_format format, void* pixels, size_t stride,
                                                   const smartsplat_options* options,
                                                   smartsplat_error* error) SMARTSPLAT_NOEXCEPT;

/* The splats as floats, for renderers of the caller's own: `splats` rows of eight (see smartsplat_info): x, y, both
   standard deviations [px], the angle of the first axis [radians], red, green, blue (1.0 is 255). `capacity`: floats in
   `rows`. Their sum, over the lattice, is the picture. */
SMARTSPLAT_API smartsplat_status smartsplat_get_splats(smartsplat_file* file, float* rows, size_t capacity,
                                                       const smartsplat_options* options,
                                                       smartsplat_error* error) SMARTSPLAT_NOEXCEPT;

/* All integers that the streams decode to, for tests of a decoder: first nine for each splat in the stream's order (x,
   y, energy, size, ratio, turn, three colours; section 5 of the specification), then the lattice's coefficients plane
   by plane in rows (section 7), then for each chunk of blocks that is not empty the indices of its pixels in rows, and
   its palette, three samples a colour (section 12). `*count` gets their number; they are written if `capacity` is not
   less. With `integers` NULL only the number is told. */
SMARTSPLAT_API smartsplat_status smartsplat_get_integers(const smartsplat_file* file, int32_t* integers,
                                                         size_t capacity, size_t* count,
                                                         smartsplat_error* error) SMARTSPLAT_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif
