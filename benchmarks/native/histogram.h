/* A log-linear histogram of nanoseconds: 128 steps for each power of two, error under 0.8 %. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>

#define HIST_STEPS 128
#define HIST_CELLS (64 * HIST_STEPS)

typedef struct {
  uint64_t cells[HIST_CELLS], count, max;
  double sum;
} Histogram;

static inline int hist_cell(uint64_t ns) {
  if (ns < HIST_STEPS) return (int)ns;
  int power = 63 - __builtin_clzll(ns);
  return (power - 6) * HIST_STEPS + (int)((ns >> (power - 7)) & (HIST_STEPS - 1));
}

/* The middle of a cell. */
static inline double hist_value(int cell) {
  if (cell < HIST_STEPS) return cell;
  int power = cell / HIST_STEPS + 6;
  uint64_t low = (uint64_t)(HIST_STEPS + cell % HIST_STEPS) << (power - 7);
  return (double)low + (double)(1ull << (power - 7)) / 2;
}

static inline void hist_add(Histogram *h, uint64_t ns) {
  h->cells[hist_cell(ns)]++;
  h->count++;
  h->sum += (double)ns;
  if (ns > h->max) h->max = ns;
}

static inline double hist_quantile_us(const Histogram *h, double q) {
  uint64_t wanted = (uint64_t)ceil(q * (double)h->count), seen = 0;
  if (wanted < 1) wanted = 1;
  for (int cell = 0; cell < HIST_CELLS; cell++) {
    seen += h->cells[cell];
    if (seen >= wanted) return hist_value(cell) / 1e3;
  }
  return (double)h->max / 1e3;
}

/* As a member of a JSON object, leading comma included; null when empty. */
static inline void hist_print(const char *name, const Histogram *h) {
  if (!h->count) {
    printf(",\"%s\":null", name);
    return;
  }
  printf(",\"%s\":{\"n\":%lu,\"mean\":%.1f,\"p50\":%.1f,\"p90\":%.1f,\"p95\":%.1f,\"p99\":%.1f,"
         "\"p999\":%.1f,\"max\":%.1f}",
         name, h->count, h->sum / (double)h->count / 1e3, hist_quantile_us(h, .5),
         hist_quantile_us(h, .9), hist_quantile_us(h, .95), hist_quantile_us(h, .99),
         hist_quantile_us(h, .999), (double)h->max / 1e3);
}

#endif
