/* OpenSSL's I/O in memory: it reads from the input at hand, and what it writes waits in pieces to
 * be taken, datagrams whole. */
#include "secure/internal.h"

#include <openssl/err.h>
#include <string.h>

/* A handshake's flight and a few records; a peer that makes us write more is not worth it. What the
 * owner writes he bounds himself. */
#define UNASKED_MAX ((size_t)1024 * 1024)

typedef struct piece {
    floe_list link;
    size_t size;
    size_t at;
    bool unasked; /* written while something was read */
    uint8_t data[];
} piece;

static int bio_write(BIO *bio, const char *data, int size)
{
    floe_secure *secure = BIO_get_data(bio);
    bool unasked = secure->input != NULL;

    BIO_clear_retry_flags(bio); /* a read's before: what is not written now never is */
    if (size <= 0 || (unasked && secure->unasked > UNASKED_MAX)) {
        return -1;
    }
    piece *made = floe_allocate(secure->context->allocator, sizeof *made + (size_t)size);
    if (made == NULL && secure->datagrams) {
        return size; /* a datagram may be lost, a record may not */
    }
    if (made == NULL) {
        ERR_raise(ERR_LIB_BIO, ERR_R_MALLOC_FAILURE);
        return -1;
    }
    made->size = (size_t)size;
    made->unasked = unasked;
    secure->unasked += unasked ? made->size : 0;
    memcpy(made->data, data, made->size);
    floe_list_append(&secure->outgoing, &made->link);
    secure->waiting += made->size;
    return size;
}

/* What was kept comes before what is at hand. */
static floe_span *next_input(floe_secure *secure)
{
    floe_address nobody;

    if (secure->input != NULL && secure->rest.size == 0 &&
        !floe_queue_take(&secure->kept, &nobody, &secure->rest)) {
        return secure->input;
    }
    return secure->input != NULL ? &secure->rest : NULL;
}

static int bio_read(BIO *bio, char *data, int room)
{
    floe_secure *secure = BIO_get_data(bio);
    floe_span *input = next_input(secure);

    BIO_clear_retry_flags(bio);
    if (input == NULL || input->size == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t size = (size_t)room < input->size ? (size_t)room : input->size;
    floe_reader reader = floe_reader_of(input->data, input->size);
    memcpy(data, floe_read_span(&reader, size).data, size);
    /* What of a datagram does not fit is gone, as it is with a socket. */
    *input = secure->datagrams ? (floe_span){0} : floe_read_span(&reader, input->size - size);
    return (int)size;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    switch (command) {
    case BIO_CTRL_FLUSH:
    case BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT:
        return 1;
    case BIO_CTRL_DGRAM_QUERY_MTU:
        return FLOE_SECURE_MTU;
    default:
        return 0;
    }
}

static BIO_METHOD *method_new(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "floe");

    if (method != NULL) {
        (void)BIO_meth_set_write(method, bio_write);
        (void)BIO_meth_set_read(method, bio_read);
        (void)BIO_meth_set_ctrl(method, bio_ctrl);
    }
    return method;
}

BIO *floe_secure_bio_new(floe_secure *secure)
{
    if (secure->context->method == NULL) {
        secure->context->method = method_new();
    }
    if (secure->context->method == NULL) {
        return NULL;
    }
    BIO *bio = BIO_new(secure->context->method);
    if (bio != NULL) {
        BIO_set_data(bio, secure);
        BIO_set_init(bio, 1);
    }
    return bio;
}

size_t floe_secure_waiting(const floe_secure *secure)
{
    return secure->waiting;
}

/* It does not wait any more. */
static void unlink_piece(floe_secure *secure, piece *taken)
{
    floe_list_remove(&taken->link);
    secure->waiting -= taken->size - taken->at;
    secure->unasked -= taken->unasked ? taken->size : 0;
}

static void drop_taken(floe_secure *secure)
{
    floe_deallocate(secure->context->allocator, secure->taken);
    secure->taken = NULL;
}

static floe_span take_datagram(floe_secure *secure)
{
    piece *first = FLOE_CONTAINER(secure->outgoing.next, piece, link);

    unlink_piece(secure, first);
    secure->taken = first;
    return floe_span_of(first->data, first->size);
}

static floe_span take_stream(floe_secure *secure, void *buffer, size_t room)
{
    floe_writer writer = floe_writer_of(buffer, room);

    while (!floe_list_empty(&secure->outgoing)) {
        piece *first = FLOE_CONTAINER(secure->outgoing.next, piece, link);
        size_t left = first->size - first->at;
        size_t free = room - writer.at;
        size_t size = left < free ? left : free;
        floe_write_bytes(&writer, &first->data[first->at], size);
        if (size < left) {
            first->at += size;
            secure->waiting -= size;
            break;
        }
        unlink_piece(secure, first);
        floe_deallocate(secure->context->allocator, first);
    }
    return floe_span_of(buffer, writer.at);
}

floe_span floe_secure_take(floe_secure *secure, void *buffer, size_t room)
{
    drop_taken(secure);
    if (floe_list_empty(&secure->outgoing)) {
        return (floe_span){0};
    }
    return secure->datagrams ? take_datagram(secure) : take_stream(secure, buffer, room);
}

void floe_secure_drop_outgoing(floe_secure *secure)
{
    drop_taken(secure);
    FLOE_LIST_EACH_SAFE(one, &secure->outgoing, piece, link)
    {
        unlink_piece(secure, one);
        floe_deallocate(secure->context->allocator, one);
    }
}
