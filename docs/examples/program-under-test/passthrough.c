/* The smallest program under test: what the microphone hears goes to the network, what the network sends goes to the
 * loudspeaker. No echo is cancelled, so its coupling loss is that of the cabin.
 *
 *     cc -O2 -o passthrough passthrough.c
 *     lombard run quick-wb --car passthrough-c.toml
 *
 * The contract stands in docs/program-under-test.md. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#endif

/* The whole number behind an argument such as --block. */
static long told(int count, char **words, const char *name, long otherwise) {
    for (int at = 1; at + 1 < count; at++)
        if (strcmp(words[at], name) == 0) return atol(words[at + 1]);
    return otherwise;
}

int main(int count, char **words) {
    long contract = told(count, words, "--contract", 0);
    long block = told(count, words, "--block", 0);
    long inputs = told(count, words, "--inputs", 0); /* microphones, then receive */
    if (contract != 1 || block < 1 || inputs < 2) {
        fprintf(stderr, "contract %ld, blocks of %ld frames and %ld channels: not what I know\n", contract, block, inputs);
        return 2;
    }
#ifdef _WIN32
    _setmode(_fileno(stdin), _O_BINARY); /* samples are no text */
    _setmode(_fileno(stdout), _O_BINARY);
#endif
    float *in = malloc(sizeof(float) * (size_t)(block * inputs));
    float *out = malloc(sizeof(float) * (size_t)(block * 2));
    if (!in || !out) return 3;
    /* Until standard input ends: the call is over. */
    while (fread(in, sizeof(float) * (size_t)inputs, (size_t)block, stdin) == (size_t)block) {
        for (long at = 0; at < block; at++) {
            out[2 * at] = in[inputs * at];                  /* send */
            out[2 * at + 1] = in[inputs * at + inputs - 1]; /* loudspeaker */
        }
        if (fwrite(out, sizeof(float) * 2, (size_t)block, stdout) != (size_t)block) return 4;
        fflush(stdout); /* the bench waits for it */
    }
    free(in);
    free(out);
    return 0;
}
