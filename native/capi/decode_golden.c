/*
 * Decodes golden files through the C face and says what comes out, for a comparison with what should.
 *
 *   decode_golden FOLDER NAME[:X,Y,WIDTH,HEIGHT]...
 *
 * decodes FOLDER/NAME.ssplat, compares that part of it (all, if none is named) with FOLDER/NAME.raw, the pixels
 * expected, and prints for each name one line: NAME, count of integers, their hash, samples that differ, the greatest
 * difference. It opens files both from memory and by a callback, decodes them in parts with a stride of its own, and
 * checks that wrong use is refused. Exit status 0 if nothing failed; whether the figures are right is for the caller to
 * say.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capi/smartsplat.h"

#define CHECK(condition)                                              \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                        \
    }                                                                 \
  } while (0)

typedef struct {
  unsigned char* data;
  size_t size;
} buffer;

static buffer read_file(const char* folder, const char* name, const char* ending) {
  char path[1024];
  buffer b = {NULL, 0};
  snprintf(path, sizeof path, "%s/%s%s", folder, name, ending);
  FILE* file = fopen(path, "rb");
  if (!file) {
    fprintf(stderr, "%s: cannot be opened\n", path);
    exit(1);
  }
  CHECK(fseek(file, 0, SEEK_END) == 0);
  b.size = (size_t)ftell(file);
  rewind(file);
  b.data = malloc(b.size + 1);
  CHECK(b.data && fread(b.data, 1, b.size, file) == b.size);
  fclose(file);
  return b;
}

static int read_part(void* context, uint64_t offset, void* to, size_t count) {
  const buffer* b = context;
  if (offset > b->size || count > b->size - offset) return 1;
  memcpy(to, b->data + offset, count);
  return 0;
}

static int refuse_to_read(void* context, uint64_t offset, void* to, size_t count) {
  (void)context, (void)offset, (void)to, (void)count;
  return 1;
}

/* FNV-1a over 32-bit words. */
static uint64_t hash(const int32_t* values, size_t count) {
  uint64_t h = UINT64_C(0xcbf29ce484222325);
  for (size_t i = 0; i < count; ++i) h = (h ^ (uint32_t)values[i]) * UINT64_C(0x100000001b3);
  return h;
}

static smartsplat_file* open_both_ways(buffer* bytes) {
  smartsplat_error error;
  smartsplat_file *first, *second;
  const smartsplat_source source = {bytes, bytes->size, read_part};
  smartsplat_info a, b;
  if (smartsplat_open_memory(bytes->data, bytes->size, &first, &error)) {
    fprintf(stderr, "%s\n", error.text);
    exit(1);
  }
  CHECK(smartsplat_open_source(&source, &second, &error) == SMARTSPLAT_OK && error.text[0] == 0);
  CHECK(smartsplat_get_info(first, &a, NULL) == SMARTSPLAT_OK &&
        smartsplat_get_info(second, &b, NULL) == SMARTSPLAT_OK);
  CHECK(a.width == b.width && a.height == b.height && a.splats == b.splats && a.bytes == bytes->size);
  smartsplat_close(first);
  return second;
}

/* The upper half of a part and the lower half, each decoded by itself between bytes that must not change. */
static unsigned char* decode_in_halves(smartsplat_file* file, const smartsplat_region* part, size_t channels) {
  const size_t width = (size_t)part->width, height = (size_t)part->height;
  const size_t row = channels * width, stride = row + 5;
  unsigned char *rows = malloc(stride * height + 1), *pixels = malloc(row * height + 1);
  const smartsplat_format format = channels == 1   ? SMARTSPLAT_GREY8
                                   : channels == 3 ? SMARTSPLAT_RGB8
                                                   : SMARTSPLAT_RGBA8;
  const size_t ends[2] = {height / 2, height};
  size_t top = 0;
  CHECK(rows && pixels);
  memset(rows, 0xA5, stride * height + 1);
  for (int half = 0; half < 2; top = ends[half++]) {
    const smartsplat_region region = {part->x, part->y + (double)top, part->width, (double)(ends[half] - top)};
    const smartsplat_options options = {2, 0, NULL, NULL, 0};
    smartsplat_view view;
    smartsplat_error error;
    if (top == ends[half]) continue; /* a picture of one row has no upper half */
    CHECK(smartsplat_make_view(file, &region, 1, &view, &error) == SMARTSPLAT_OK);
    CHECK((size_t)view.width == width && (size_t)view.height == ends[half] - top);
    if (smartsplat_decode(file, &view, format, rows + top * stride, stride, &options, &error)) {
      fprintf(stderr, "%s\n", error.text);
      exit(1);
    }
  }
  for (size_t y = 0; y < height; ++y) {
    memcpy(pixels + y * row, rows + y * stride, row);
    for (size_t x = row; x < stride; ++x) CHECK(rows[y * stride + x] == 0xA5);
  }
  free(rows);
  return pixels;
}

/* Grey and alpha of pixels that have red, green and blue. */
static size_t keep_grey_and_alpha(unsigned char* pixels, size_t size) {
  for (size_t i = 0; i < size / 4; ++i) {
    CHECK(pixels[4 * i] == pixels[4 * i + 1] && pixels[4 * i] == pixels[4 * i + 2]);
    pixels[2 * i] = pixels[4 * i];
    pixels[2 * i + 1] = pixels[4 * i + 3];
  }
  return size / 2;
}

/* The same part in 16 bits and as floats: they say the same as the bytes, with more digits. */
static void check_words(smartsplat_file* file, const smartsplat_region* part, const unsigned char* bytes,
                        size_t channels) {
  const size_t size = channels * (size_t)part->width * (size_t)part->height;
  const size_t row = channels * (size_t)part->width;
  const smartsplat_format words = channels == 1   ? SMARTSPLAT_GREY16
                                  : channels == 3 ? SMARTSPLAT_RGB16
                                                  : SMARTSPLAT_RGBA16;
  const smartsplat_format floats = channels == 1   ? SMARTSPLAT_GREY_F32
                                   : channels == 3 ? SMARTSPLAT_RGB_F32
                                                   : SMARTSPLAT_RGBA_F32;
  uint16_t* deep = malloc(size * sizeof(uint16_t) + 1);
  float* exact = malloc(size * sizeof(float) + 1);
  smartsplat_view view;
  CHECK(deep && exact);
  CHECK(smartsplat_make_view(file, part, 1, &view, NULL) == SMARTSPLAT_OK);
  CHECK(smartsplat_decode(file, &view, words, deep, row * sizeof(uint16_t), NULL, NULL) == SMARTSPLAT_OK);
  CHECK(smartsplat_decode(file, &view, floats, exact, row * sizeof(float), NULL, NULL) == SMARTSPLAT_OK);
  for (size_t i = 0; i < size; ++i) {
    CHECK(abs((int)(exact[i] * 65535 + 0.5f) - (int)deep[i]) <= 1);
    CHECK(abs((int)(exact[i] * 255 + 0.5f) - (int)bytes[i]) <= 1);
  }
  CHECK(smartsplat_decode(file, &view, words, deep, row * sizeof(uint16_t) + 1, NULL, NULL) == SMARTSPLAT_BAD_ARGUMENT);
  free(deep), free(exact);
}

static int stop(void* context) {
  ++*(int*)context;
  return 1;
}

static void check_wrong_use(smartsplat_file* file, const buffer* bytes) {
  smartsplat_error error;
  smartsplat_file* other = file;
  smartsplat_view view;
  smartsplat_info info;
  unsigned char pixel[16];
  const void* other_bytes = NULL;
  size_t count = 0;
  const smartsplat_source failing = {NULL, 100, refuse_to_read};
  const smartsplat_region outside = {-1, 0, 1, 1}, one = {0, 0, 1, 1};
  const smartsplat_options tiny = {1, 1, NULL, NULL, 0}, negative = {1, 0, NULL, NULL, -1};
  CHECK(smartsplat_open_memory(bytes->data, bytes->size - 1, &other, &error) == SMARTSPLAT_BAD_FILE && !other);
  CHECK(error.status == SMARTSPLAT_BAD_FILE && error.text[0] != 0 && !strchr(error.text, '\n'));
  CHECK(smartsplat_open_memory("GIF89a", 6, &other, NULL) == SMARTSPLAT_BAD_FILE);
  CHECK(smartsplat_open_memory(NULL, 0, &other, NULL) == SMARTSPLAT_BAD_FILE);
  CHECK(smartsplat_open_memory(NULL, 5, &other, NULL) == SMARTSPLAT_BAD_ARGUMENT);
  CHECK(smartsplat_open_source(&failing, &other, NULL) == SMARTSPLAT_READ_FAILED && !other);
  CHECK(smartsplat_get_info(NULL, &info, &error) == SMARTSPLAT_BAD_ARGUMENT);
  CHECK(smartsplat_make_view(file, &outside, 1, &view, &error) == SMARTSPLAT_BAD_VIEW);
  CHECK(smartsplat_make_view(file, NULL, 0, &view, &error) == SMARTSPLAT_BAD_VIEW);
  CHECK(smartsplat_make_view(file, NULL, 1e300, &view, &error) == SMARTSPLAT_BAD_VIEW);
  CHECK(smartsplat_make_view(file, &one, 4, &view, &error) == SMARTSPLAT_OK && view.width == 4);
  CHECK(smartsplat_decode(file, &view, SMARTSPLAT_RGB8, pixel, 11, NULL, &error) == SMARTSPLAT_BAD_ARGUMENT);
  CHECK(smartsplat_decode(file, &view, (smartsplat_format)9, pixel, 16, NULL, &error) == SMARTSPLAT_BAD_ARGUMENT);
  CHECK(smartsplat_get_metadata(file, (smartsplat_metadata_kind)-1, &other_bytes, &count, &error) ==
        SMARTSPLAT_BAD_ARGUMENT);
  CHECK(smartsplat_decode(file, &view, SMARTSPLAT_GREY8, pixel, 4, &tiny, &error) == SMARTSPLAT_TOO_LARGE);
  CHECK(smartsplat_decode(file, &view, SMARTSPLAT_GREY8, pixel, 4, &negative, &error) == SMARTSPLAT_BAD_ARGUMENT);
  CHECK(smartsplat_get_integers(file, NULL, 0, &count, &error) == SMARTSPLAT_OK);
  CHECK(count == 0 || smartsplat_get_integers(file, (int32_t*)pixel, 0, &count, &error) == SMARTSPLAT_BAD_ARGUMENT);
  smartsplat_close(NULL);
}

/* Views of one's own may lie anywhere, but not beyond what can be computed. */
static void check_own_views(smartsplat_file* file) {
  const smartsplat_view right[] = {
      {2, 2, 1, 1e9, -1e9, 0, 1, 0}, {2, 2, 4e9, 0, 0, 0, 1, 1}, {2, 2, 1e-9, 0, 0, 1, 4, 0}};
  const smartsplat_view wrong[] = {{2, 2, 1, 0, 0, 0, 1.7e308, 0}, {2, 2, 1e-300, 0, 0, 0, 1, 0},
                                   {2, 2, 1e300, 0, 0, 0, 1, 0},   {2, 2, 1, 1.7e308, 0, 0, 1, 0},
                                   {2, 2, 1, 0, -1e300, 0, 1, 0},  {2, 2, 1, 0, 0, -1, 1, 0},
                                   {2, 2, 1, 0, 0, 0, -1, 0},      {2, 2, 1, 0, 0, 2, 1, 0},
                                   {0, 2, 1, 0, 0, 0, 1, 0},       {2, 2, 1, 0.0 / 0.0, 0, 0, 1, 0}};
  unsigned char pixels[4];
  for (size_t i = 0; i < sizeof right / sizeof *right; ++i) {
    CHECK(smartsplat_decode(file, &right[i], SMARTSPLAT_GREY8, pixels, 2, NULL, NULL) == SMARTSPLAT_OK);
    CHECK(i > 0 || (pixels[0] == 0 && pixels[3] == 0));
  }
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
    CHECK(smartsplat_decode(file, &wrong[i], SMARTSPLAT_GREY8, pixels, 2, NULL, NULL) == SMARTSPLAT_BAD_VIEW);
  }
}

/* A picture large enough to take longer than the interrupt is asked about. */
static void check_interrupt(smartsplat_file* file) {
  smartsplat_view view;
  smartsplat_info info;
  int calls = 0;
  const smartsplat_options options = {1, 0, stop, &calls, 0};
  CHECK(smartsplat_get_info(file, &info, NULL) == SMARTSPLAT_OK);
  const double side = info.width > info.height ? info.width : info.height;
  CHECK(smartsplat_make_view(file, NULL, 6000 / side, &view, NULL) == SMARTSPLAT_OK);
  unsigned char* pixels = malloc((size_t)view.width * (size_t)view.height);
  CHECK(pixels);
  const smartsplat_status status =
      smartsplat_decode(file, &view, SMARTSPLAT_GREY8, pixels, (size_t)view.width, &options, NULL);
  CHECK(status == SMARTSPLAT_INTERRUPTED ? calls > 0 : status == SMARTSPLAT_OK && calls == 0);
  free(pixels);
}

/* Splits NAME:X,Y,WIDTH,HEIGHT. */
static int read_argument(const char* argument, char name[256], smartsplat_region* part) {
  const size_t length = strcspn(argument, ":");
  CHECK(length < 256);
  memcpy(name, argument, length);
  name[length] = 0;
  return argument[length] &&
         sscanf(argument + length, ":%lf,%lf,%lf,%lf", &part->x, &part->y, &part->width, &part->height) == 4;
}

static void decode(const char* folder, const char* argument, int thoroughly) {
  char name[256];
  smartsplat_region part;
  const int named = read_argument(argument, name, &part);
  buffer bytes = read_file(folder, name, ".ssplat"), expected = read_file(folder, name, ".raw");
  smartsplat_file* file = open_both_ways(&bytes);
  smartsplat_info info;
  smartsplat_error error;
  size_t count = 0, different = 0;
  int greatest = 0;
  CHECK(smartsplat_get_info(file, &info, &error) == SMARTSPLAT_OK);
  CHECK(smartsplat_get_integers(file, NULL, 0, &count, &error) == SMARTSPLAT_OK);
  int32_t* integers = malloc((count + 1) * sizeof(int32_t));
  CHECK(integers && smartsplat_get_integers(file, integers, count, &count, &error) == SMARTSPLAT_OK);
  if (!named) part = (smartsplat_region){0, 0, info.width, info.height};
  const size_t drawn = info.alpha ? 4 : info.channels;
  unsigned char* pixels = decode_in_halves(file, &part, drawn);
  check_words(file, &part, pixels, drawn);
  size_t size = drawn * (size_t)part.width * (size_t)part.height;
  if (info.alpha && info.channels == 1) size = keep_grey_and_alpha(pixels, size);
  CHECK(size == expected.size);
  for (size_t i = 0; i < size; ++i) {
    const int difference = abs(pixels[i] - expected.data[i]);
    different += difference > 0;
    if (difference > greatest) greatest = difference;
  }
  printf("%s %zu %016llx %zu %d\n", name, count, (unsigned long long)hash(integers, count), different, greatest);
  if (thoroughly) {
    check_wrong_use(file, &bytes);
    check_own_views(file);
    check_interrupt(file);
  }
  smartsplat_close(file);
  free(integers), free(pixels), free(bytes.data), free(expected.data);
}

int main(int count, char** arguments) {
  if (count < 3) {
    fprintf(stderr, "use: decode_golden FOLDER NAME[:X,Y,WIDTH,HEIGHT]...\n");
    return 2;
  }
  CHECK(smartsplat_api_version() == SMARTSPLAT_API_VERSION);
  for (int i = 2; i < count; ++i) decode(arguments[1], arguments[i], i == 2);
  return 0;
}
