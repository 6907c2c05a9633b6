/* Between Rust and libargon2: the width of vectors and the memory of a call. One call runs on one thread. */

#include <stddef.h>
#include <stdint.h>

#include "argon2.h"
#include "core.h"

typedef void fill(const argon2_instance_t *instance, argon2_position_t position);

fill fill_segment_portable;
#ifdef __x86_64__
fill fill_segment_avx2;
fill fill_segment_avx512;
#endif

static _Thread_local fill *filling;
static _Thread_local uint8_t *lent;
static _Thread_local size_t lent_bytes;

/* What core.c calls for each segment. */
void fill_segment(const argon2_instance_t *instance, argon2_position_t position) {
    filling(instance, position);
}

static int lend(uint8_t **memory, size_t bytes) {
    *memory = bytes <= lent_bytes ? lent : NULL;
    return *memory == NULL ? ARGON2_MEMORY_ALLOCATION_ERROR : ARGON2_OK;
}

/* core.c has wiped it. */
static void take_back(uint8_t *memory, size_t bytes) {
    (void)memory;
    (void)bytes;
}

int matricula_argon2(int width, int type, argon2_context *context, uint8_t *memory, size_t bytes) {
    switch (width) {
#ifdef __x86_64__
    case 2:
        filling = fill_segment_avx512;
        break;
    case 1:
        filling = fill_segment_avx2;
        break;
#endif
    default:
        filling = fill_segment_portable;
    }
    lent = memory;
    lent_bytes = bytes;
    context->allocate_cbk = lend;
    context->free_cbk = take_back;
    int code = argon2_ctx(context, (argon2_type)type);
    lent = NULL;
    lent_bytes = 0;
    return code;
}
