/*
 * Renders views of files from many threads at once, for ThreadSanitizer and for its own checks.
 *
 *   render_threads FILE...
 *
 * Of each file, several threads share what was opened, which nobody has decoded yet. Each decodes the same views in an
 * order of its own, with one or two threads of the library's, asks all other questions in between, and calls some
 * decodings off. What comes out must be what one thread alone gets. Exit status 0 if it is.
 */
#include <pthread.h>
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

enum { THREADS = 6, ROUNDS = 3, VIEWS = 5, LONGEST = 96 };

typedef struct {
  smartsplat_view view;
  smartsplat_format format;
  size_t stride, size;
  unsigned char* pixels;
} picture;

typedef struct {
  smartsplat_file* file;
  const picture* expected;
  pthread_barrier_t* start;
  int number;
} job;

static smartsplat_file* open_file(const char* path) {
  FILE* stream = fopen(path, "rb");
  smartsplat_file* file = NULL;
  smartsplat_error error;
  CHECK(stream && fseek(stream, 0, SEEK_END) == 0);
  const size_t size = (size_t)ftell(stream);
  unsigned char* bytes = malloc(size + 1);
  rewind(stream);
  CHECK(bytes && fread(bytes, 1, size, stream) == size);
  fclose(stream);
  if (smartsplat_open_memory(bytes, size, &file, &error)) {
    fprintf(stderr, "%s: %s\n", path, error.text);
    exit(1);
  }
  free(bytes);
  return file;
}

/* All of it or a part, larger or smaller, in every format. */
static picture make_view(const smartsplat_file* file, int number) {
  static const size_t sizes[] = {1, 3, 4, 4, 12};
  smartsplat_info info;
  picture p = {.format = (smartsplat_format)(number % 5)};
  CHECK(smartsplat_get_info(file, &info, NULL) == SMARTSPLAT_OK);
  const double width = info.width, height = info.height, share = 1.0 / (1 + number);
  const smartsplat_region part = {width * (1 - share) / 2, height * (1 - share) / 3, width * share, height * share};
  const double side = (width > height ? width : height) * share;
  CHECK(smartsplat_make_view(file, &part, (LONGEST - 10 * number) / side, &p.view, NULL) == SMARTSPLAT_OK);
  p.stride = sizes[p.format] * (size_t)p.view.width;
  p.size = p.stride * (size_t)p.view.height;
  return p;
}

static unsigned char* decode(smartsplat_file* file, const picture* p, unsigned threads) {
  const smartsplat_options options = {.threads = threads};
  smartsplat_error error;
  unsigned char* pixels = malloc(p->size);
  CHECK(pixels);
  if (smartsplat_decode(file, &p->view, p->format, pixels, p->stride, &options, &error)) {
    fprintf(stderr, "%s\n", error.text);
    exit(1);
  }
  return pixels;
}

static int stop(void* calls) { return ++*(int*)calls > 1; }

static void call_off(smartsplat_file* file, const picture* p) {
  int calls = 0;
  const smartsplat_options options = {.threads = 2, .interrupt = stop, .context = &calls};
  unsigned char* pixels = malloc(p->size);
  CHECK(pixels);
  const smartsplat_status status = smartsplat_decode(file, &p->view, p->format, pixels, p->stride, &options, NULL);
  CHECK(status == SMARTSPLAT_OK || (status == SMARTSPLAT_INTERRUPTED && calls > 1));
  free(pixels);
}

static void ask(smartsplat_file* file) {
  smartsplat_info info;
  const void* bytes;
  size_t size, count;
  CHECK(smartsplat_get_info(file, &info, NULL) == SMARTSPLAT_OK);
  CHECK(smartsplat_get_metadata(file, SMARTSPLAT_ICC, &bytes, &size, NULL) == SMARTSPLAT_OK);
  CHECK(smartsplat_get_integers(file, NULL, 0, &count, NULL) == SMARTSPLAT_OK && count >= 9 * info.splats);
  float* rows = malloc((8 * (size_t)info.splats + 1) * sizeof(float));
  CHECK(rows && smartsplat_get_splats(file, rows, 8 * (size_t)info.splats, NULL, NULL) == SMARTSPLAT_OK);
  free(rows);
}

static void* work(void* context) {
  const job* j = context;
  pthread_barrier_wait(j->start);
  for (int i = 0; i < VIEWS; ++i) {
    const picture* p = &j->expected[(i + j->number) % VIEWS];
    unsigned char* pixels = decode(j->file, p, 1 + (unsigned)(i + j->number) % 2);
    CHECK(memcmp(pixels, p->pixels, p->size) == 0);
    free(pixels);
    if (j->number == 0) call_off(j->file, p);
    if (i == j->number) ask(j->file);
  }
  return NULL;
}

static void run_together(smartsplat_file* file, const picture* expected) {
  pthread_t threads[THREADS];
  pthread_barrier_t start;
  job jobs[THREADS];
  CHECK(pthread_barrier_init(&start, NULL, THREADS) == 0);
  for (int i = 0; i < THREADS; ++i) {
    jobs[i] = (job){file, expected, &start, i};
    CHECK(pthread_create(&threads[i], NULL, work, &jobs[i]) == 0);
  }
  for (int i = 0; i < THREADS; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
  pthread_barrier_destroy(&start);
}

int main(int count, char** arguments) {
  if (count < 2) {
    fprintf(stderr, "use: render_threads FILE...\n");
    return 2;
  }
  for (int i = 1; i < count; ++i) {
    picture expected[VIEWS];
    smartsplat_file* alone = open_file(arguments[i]);
    for (int k = 0; k < VIEWS; ++k) {
      expected[k] = make_view(alone, k);
      expected[k].pixels = decode(alone, &expected[k], 1);
    }
    smartsplat_close(alone);
    for (int round = 0; round < ROUNDS; ++round) {
      smartsplat_file* file = open_file(arguments[i]);
      run_together(file, expected);
      smartsplat_close(file);
    }
    for (int k = 0; k < VIEWS; ++k) free(expected[k].pixels);
  }
  printf("%d files, %d threads: the same pixels\n", count - 1, THREADS);
  return 0;
}
