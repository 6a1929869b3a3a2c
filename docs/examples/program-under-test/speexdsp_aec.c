/* SpeexDSP's echo canceller with its residual echo suppressor as a program under test.
 *
 *     cc -O2 -o speexdsp_aec speexdsp_aec.c $(pkg-config --cflags --libs speexdsp)
 *     lombard run quick-wb --car speexdsp.toml --junit result.xml
 *
 * Debian has the library in libspeexdsp-dev. The contract stands in docs/program-under-test.md.
 *
 * It works in frames of 10 ms, of which a block may hold several: so it is the same canceller with every block.
 * latency_send of its car file is one of them: the suppressor works on windows that overlap by half. */
#include <speex/speex_echo.h>
#include <speex/speex_preprocess.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#endif

/* What the canceller can model of the cabin, behind the audio delay. */
#define TAIL_MS 128

/* The whole number behind an argument such as --block. */
static long told(int count, char **words, const char *name, long otherwise) {
    for (int at = 1; at + 1 < count; at++)
        if (strcmp(words[at], name) == 0) return atol(words[at + 1]);
    return otherwise;
}

/* The library works on 16-bit samples. */
static spx_int16_t to_16_bit(float sample) {
    float scaled = sample * 32767.0f;
    if (scaled > 32767.0f) scaled = 32767.0f;
    if (scaled < -32768.0f) scaled = -32768.0f;
    return (spx_int16_t)(scaled < 0.0f ? scaled - 0.5f : scaled + 0.5f);
}

int main(int count, char **words) {
    int rate = (int)told(count, words, "--rate", 0);
    long block = told(count, words, "--block", 0);
    long audio_delay = told(count, words, "--audio-delay", -1);
    if (told(count, words, "--contract", 0) != 1 || told(count, words, "--inputs", 0) != 2 || rate < 8000 || block < 1 ||
        audio_delay < 0) {
        fprintf(stderr, "made for contract 1 and one microphone\n");
        return 2;
    }
#ifdef _WIN32
    _setmode(_fileno(stdin), _O_BINARY); /* samples are no text */
    _setmode(_fileno(stdout), _O_BINARY);
#endif
    long frame = rate / 100;
    if (block % frame != 0) {
        fprintf(stderr, "the block must hold whole frames of 10 ms: a multiple of %ld\n", frame);
        return 2;
    }
    SpeexEchoState *echo = speex_echo_state_init((int)frame, rate / 1000 * TAIL_MS);
    SpeexPreprocessState *suppressor = speex_preprocess_state_init((int)frame, rate);
    int off = 0;
    speex_echo_ctl(echo, SPEEX_ECHO_SET_SAMPLING_RATE, &rate);
    speex_preprocess_ctl(suppressor, SPEEX_PREPROCESS_SET_ECHO_STATE, echo);
    speex_preprocess_ctl(suppressor, SPEEX_PREPROCESS_SET_AGC, &off);

    size_t frames = (size_t)block;
    float *in = malloc(sizeof(float) * 2 * frames);
    float *out = malloc(sizeof(float) * 2 * frames);
    spx_int16_t *near = malloc(sizeof(spx_int16_t) * frames);
    spx_int16_t *clean = malloc(sizeof(spx_int16_t) * frames);
    /* What was given to the loudspeaker comes back so many frames later: the canceller gets it then. */
    spx_int16_t *played = calloc((size_t)audio_delay + frames, sizeof(spx_int16_t));
    if (!echo || !suppressor || !in || !out || !near || !clean || !played) return 3;
    while (fread(in, sizeof(float) * 2, frames, stdin) == frames) {
        for (size_t at = 0; at < frames; at++) {
            near[at] = to_16_bit(in[2 * at]);
            played[(size_t)audio_delay + at] = to_16_bit(in[2 * at + 1]);
        }
        for (long at = 0; at < block; at += frame) {
            speex_echo_cancellation(echo, near + at, played + at, clean + at);
            speex_preprocess_run(suppressor, clean + at);
        }
        memmove(played, played + frames, sizeof(spx_int16_t) * (size_t)audio_delay);
        for (size_t at = 0; at < frames; at++) {
            out[2 * at] = (float)clean[at] / 32768.0f;
            out[2 * at + 1] = in[2 * at + 1];
        }
        if (fwrite(out, sizeof(float) * 2, frames, stdout) != frames) return 4;
        fflush(stdout); /* the bench waits for it */
    }
    speex_preprocess_state_destroy(suppressor);
    speex_echo_state_destroy(echo);
    free(in), free(out), free(near), free(clean), free(played);
    return 0;
}
