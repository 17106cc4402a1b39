/* What the stand-in model says: whole answers and the events of a stream, in three protocols. */
#ifndef BENCH_REPLIES_H
#define BENCH_REPLIES_H

#include <stdio.h>
#include <string.h>

#include "clock.h"

enum protocol { OPENAI, ANTHROPIC, COMPLETIONS };

#define OPENAI_ID "\"id\":\"chatcmpl-mock000000000000000000001\""
#define OPENAI_CHUNK                                                                        \
  "data: {" OPENAI_ID ",\"object\":\"chat.completion.chunk\",\"created\":1760000000,"       \
  "\"model\":\"mock-model\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_mock\"," \
  "\"choices\":"
#define COMPLETION_ID "\"id\":\"cmpl-mock000000000000000000001\",\"object\":\"text_completion\""
#define COMPLETION_CHUNK \
  "data: {" COMPLETION_ID ",\"created\":1760000000,\"model\":\"mock-model\",\"choices\":"
#define ANTHROPIC_MESSAGE                                                                   \
  "\"id\":\"msg_mock0000000000000001\",\"type\":\"message\",\"role\":\"assistant\","        \
  "\"model\":\"mock-model\""
#define ANTHROPIC_INPUT \
  "\"input_tokens\":123,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0"

static char answers[3][4096];
static size_t answer_len[3];

/* By the request line alone: a body may hold any path. */
static enum protocol protocol_of(const char *request) {
  size_t line = strcspn(request, "\r");
  if (memmem(request, line, "/messages", 9)) return ANTHROPIC;
  return memmem(request, line, "/v1/completions", 15) ? COMPLETIONS : OPENAI;
}

static void prepare_answers(void) {
  char text[1200] = "";
  const char *sentence = "The function parses the header, checks the bounds and returns an error "
                         "when the buffer is short. ";
  while (strlen(text) + strlen(sentence) < 1080) strcat(text, sentence);
  answer_len[OPENAI] = (size_t)snprintf(
      answers[OPENAI], sizeof answers[OPENAI],
      "{" OPENAI_ID ",\"object\":\"chat.completion\",\"created\":1760000000,"
      "\"model\":\"mock-model\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
      "\"content\":\"%s\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}],"
      "\"usage\":{\"prompt_tokens\":123,\"completion_tokens\":210,\"total_tokens\":333,"
      "\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},"
      "\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0}},"
      "\"system_fingerprint\":\"fp_mock\"}",
      text);
  answer_len[ANTHROPIC] = (size_t)snprintf(
      answers[ANTHROPIC], sizeof answers[ANTHROPIC],
      "{" ANTHROPIC_MESSAGE ",\"content\":[{\"type\":\"text\",\"text\":\"%s\"}],"
      "\"stop_reason\":\"end_turn\",\"stop_sequence\":null,"
      "\"usage\":{" ANTHROPIC_INPUT ",\"output_tokens\":210}}",
      text);
  answer_len[COMPLETIONS] = (size_t)snprintf(
      answers[COMPLETIONS], sizeof answers[COMPLETIONS],
      "{" COMPLETION_ID ",\"created\":1760000000,\"model\":\"mock-model\",\"choices\":[{\"index\":0,"
      "\"text\":\"return a + b\",\"logprobs\":null,\"finish_reason\":\"stop\"}],"
      "\"usage\":{\"prompt_tokens\":1123,\"completion_tokens\":5,\"total_tokens\":1128}}");
}

/* One HTTP chunk around a piece of text; its length. */
static int wrap(char *out, const char *text, int n) {
  int k = sprintf(out, "%x\r\n", n);
  memcpy(out + k, text, (size_t)n);
  memcpy(out + k + n, "\r\n", 2);
  return k + n + 2;
}

/* The head of a streamed reply and its first events. */
static int wrap_opening(enum protocol protocol, char *out) {
  static const char head[] =
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
      "Cache-Control: no-cache\r\nx-request-id: req_mock\r\nTransfer-Encoding: chunked\r\n\r\n";
  static const char *const first[] = {
      [OPENAI] = OPENAI_CHUNK "[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\","
                              "\"refusal\":null},\"logprobs\":null,\"finish_reason\":null}],"
                              "\"usage\":null}\n\n",
      [ANTHROPIC] = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":"
                    "{" ANTHROPIC_MESSAGE ",\"content\":[],\"stop_reason\":null,"
                    "\"stop_sequence\":null,\"usage\":{" ANTHROPIC_INPUT
                    ",\"output_tokens\":1}}}\n\n"
                    "event: content_block_start\ndata: {\"type\":\"content_block_start\","
                    "\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
      [COMPLETIONS] = COMPLETION_CHUNK "[{\"index\":0,\"text\":\"\",\"logprobs\":null,"
                                       "\"finish_reason\":null}]}\n\n",
  };
  memcpy(out, head, sizeof head - 1);
  const char *text = first[protocol];
  return (int)(sizeof head - 1) + wrap(out + sizeof head - 1, text, (int)strlen(text));
}

/* One piece of content, stamped with its send time. */
static int wrap_delta(enum protocol protocol, char *out) {
  static const char *const delta[] = {
      [OPENAI] = OPENAI_CHUNK "[{\"index\":0,\"delta\":{\"content\":\"@%0*llu@\"},"
                              "\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}\n\n",
      [ANTHROPIC] = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\","
                    "\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"@%0*llu@\"}}\n\n",
      [COMPLETIONS] = COMPLETION_CHUNK "[{\"index\":0,\"text\":\"@%0*llu@\",\"logprobs\":null,"
                                       "\"finish_reason\":null}]}\n\n",
  };
  char text[1024];
  unsigned long long stamp = now_ns();
  return wrap(out, text, snprintf(text, sizeof text, delta[protocol], STAMP_DIGITS, stamp));
}

/* Stop reason, usage, end marker and the last HTTP chunk. */
static int wrap_ending(enum protocol protocol, int chunks, char *out) {
  char text[1024];
  int on = 0;
  if (protocol == OPENAI) {
    on += wrap(out + on, text,
               sprintf(text, OPENAI_CHUNK "[{\"index\":0,\"delta\":{},\"logprobs\":null,"
                                          "\"finish_reason\":\"stop\"}],\"usage\":null}\n\n"));
    on += wrap(out + on, text,
               sprintf(text,
                       OPENAI_CHUNK "[],\"usage\":{\"prompt_tokens\":123,"
                                    "\"completion_tokens\":%d,\"total_tokens\":%d,"
                                    "\"prompt_tokens_details\":{\"cached_tokens\":0},"
                                    "\"completion_tokens_details\":{\"reasoning_tokens\":0}}}\n\n",
                       chunks, 123 + chunks));
    on += wrap(out + on, "data: [DONE]\n\n", 14);
  } else if (protocol == COMPLETIONS) {
    on += wrap(out + on, text,
               sprintf(text, COMPLETION_CHUNK "[{\"index\":0,\"text\":\"\",\"logprobs\":null,"
                                              "\"finish_reason\":\"stop\"}]}\n\n"));
    on += wrap(out + on, text,
               sprintf(text,
                       COMPLETION_CHUNK "[],\"usage\":{\"prompt_tokens\":1123,"
                                        "\"completion_tokens\":%d,\"total_tokens\":%d}}\n\n",
                       chunks, 1123 + chunks));
    on += wrap(out + on, "data: [DONE]\n\n", 14);
  } else {
    on += wrap(out + on, text,
               sprintf(text,
                       "event: content_block_stop\ndata: {\"type\":\"content_block_stop\","
                       "\"index\":0}\n\n"
                       "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":"
                       "{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},"
                       "\"usage\":{\"output_tokens\":%d}}\n\n"
                       "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
                       chunks));
  }
  memcpy(out + on, "0\r\n\r\n", 5);
  return on + 5;
}

#endif
