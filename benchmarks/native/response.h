/* Reads one HTTP/1.1 reply, however it is cut, and finds the send times inside its content. */
#ifndef BENCH_RESPONSE_H
#define BENCH_RESPONSE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clock.h"

typedef struct {
  char head[8192];
  int head_len, in_body, status;
  int is_chunked, ends_with_close;
  long content_len; /* -1: not said */
  long body_len;    /* content read so far */
  enum { SIZE_LINE, DATA, DATA_END, TRAILER } part;
  long part_left;
  int trailer_line_len;
  int stamp_digits; /* -1: outside a stamp */
  uint64_t stamp;
  long stamps;
  char tail[2048]; /* the last bytes of the content */
  int tail_len;
} Response;

typedef struct {
  void (*call)(void *context, uint64_t sent, uint64_t read); /* NULL: nobody asks */
  void *context;
} ChunkSeen;

static inline void response_reset(Response *r) {
  r->head_len = r->in_body = r->status = r->is_chunked = r->ends_with_close = 0;
  r->content_len = -1;
  r->body_len = r->part_left = r->stamps = 0;
  r->part = SIZE_LINE;
  r->trailer_line_len = r->tail_len = 0;
  r->stamp_digits = -1;
}

static inline int tail_has(const Response *r, const char *text) {
  return memmem(r->tail, (size_t)r->tail_len, text, strlen(text)) != NULL;
}

/* Whether the server's hanging up is the proper end of this reply. */
static inline int response_ends_at_close(const Response *r) {
  return r->in_body && r->ends_with_close && !r->is_chunked && r->content_len < 0;
}

static inline void keep_tail(Response *r, const char *bytes, long n) {
  long size = (long)sizeof r->tail;
  if (n >= size) {
    memcpy(r->tail, bytes + n - size, (size_t)size);
    r->tail_len = (int)size;
    return;
  }
  long drop = r->tail_len + n - size;
  if (drop > 0) {
    memmove(r->tail, r->tail + drop, (size_t)(r->tail_len - drop));
    r->tail_len -= (int)drop;
  }
  memcpy(r->tail + r->tail_len, bytes, (size_t)n);
  r->tail_len += (int)n;
}

/* Find "@<digits>@", also when it is cut by the end of a read. */
static inline void find_stamps(Response *r, const char *bytes, long n, const ChunkSeen *seen) {
  uint64_t read = 0;
  for (const char *at = bytes, *end = bytes + n; at < end; at++) {
    if (r->stamp_digits < 0) {
      at = memchr(at, '@', (size_t)(end - at));
      if (!at) return;
      r->stamp_digits = 0;
      r->stamp = 0;
    } else if (r->stamp_digits < STAMP_DIGITS && *at >= '0' && *at <= '9') {
      r->stamp = r->stamp * 10 + (uint64_t)(*at - '0');
      r->stamp_digits++;
    } else {
      if (r->stamp_digits == STAMP_DIGITS && *at == '@') {
        if (!read) read = now_ns();
        r->stamps++;
        seen->call(seen->context, r->stamp, read);
      }
      r->stamp_digits = -1;
    }
  }
}

static inline void content(Response *r, const char *bytes, long n, const ChunkSeen *seen) {
  if (n <= 0) return;
  r->body_len += n;
  if (!seen->call) return;
  find_stamps(r, bytes, n, seen);
  keep_tail(r, bytes, n);
}

static inline void read_headers(Response *r, const char *end) {
  r->status = atoi(r->head + 9);
  for (const char *line = strstr(r->head, "\r\n"); line && line < end;
       line = strstr(line + 2, "\r\n")) {
    const char *header = line + 2, *eol = strstr(header, "\r\n");
    const char *chunked = strcasestr(header, "chunked");
    if (!strncasecmp(header, "content-length:", 15)) r->content_len = atol(header + 15);
    if (!strncasecmp(header, "transfer-encoding:", 18) && chunked && chunked < eol)
      r->is_chunked = 1;
    if (!strncasecmp(header, "connection: close", 17)) r->ends_with_close = 1;
  }
  if (!r->is_chunked && r->content_len < 0) r->ends_with_close = 1;
}

static inline int hex(char x) {
  if (x >= '0' && x <= '9') return x - '0';
  x |= 32;
  return x >= 'a' && x <= 'f' ? x - 'a' + 10 : -1;
}

/* Chunked content; 1 when the last chunk and its trailer are in. */
static inline int read_chunks(Response *r, const char *bytes, long n, const ChunkSeen *seen) {
  while (n > 0) {
    if (r->part == DATA) {
      long take = n < r->part_left ? n : r->part_left;
      content(r, bytes, take, seen);
      bytes += take;
      n -= take;
      r->part_left -= take;
      if (!r->part_left) r->part = DATA_END;
      continue;
    }
    char x = *bytes++;
    n--;
    if (r->part == SIZE_LINE) {
      if (x == '\n') r->part = r->part_left ? DATA : TRAILER;
      else if (hex(x) >= 0) r->part_left = r->part_left * 16 + hex(x);
    } else if (r->part == DATA_END) {
      if (x == '\n') r->part = SIZE_LINE;
    } else if (x == '\n') {
      if (!r->trailer_line_len) return 1;
      r->trailer_line_len = 0;
    } else if (x != '\r') {
      r->trailer_line_len++;
    }
  }
  return 0;
}

/* Take the next bytes; 1 when the reply is complete. */
static inline int response_feed(Response *r, const char *bytes, long n, const ChunkSeen *seen) {
  if (!r->in_body) {
    long room = (long)sizeof r->head - 1 - r->head_len, take = n < room ? n : room;
    int before = r->head_len;
    memcpy(r->head + r->head_len, bytes, (size_t)take);
    r->head_len += (int)take;
    r->head[r->head_len] = 0;
    char *end = strstr(r->head, "\r\n\r\n");
    if (!end) return 0;
    int used = (int)(end - r->head) + 4 - before;
    read_headers(r, end);
    if (r->status == 100) {
      response_reset(r);
      return response_feed(r, bytes + used, n - used, seen);
    }
    r->in_body = 1;
    bytes += used;
    n -= used;
  }
  if (r->is_chunked) return read_chunks(r, bytes, n, seen);
  content(r, bytes, n, seen);
  return r->content_len >= 0 && r->body_len >= r->content_len;
}

#endif
