/* An association: the handshake, and what goes through it. */
#include "secure/secure.h"

#include "secure/internal.h"
#include "secure/reason.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

/* Which names the certificate must have: RFC 8489 §6.2.3, RFC 9525. The host's address among its
 * addresses, or its name among its DNS names; never the common name, and a "*" stands for one whole
 * label. */
static bool expect_host(SSL *ssl, const char *host)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

    if (X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1) {
        return true;
    }
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
                                               X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    /* RFC 6066 §3: a name, without the dot that may end it; an address is not sent. */
    char name[256];
    int size = snprintf(name, sizeof name, "%s", host);
    if (size > 1 && (size_t)size < sizeof name && name[size - 1] == '.') {
        name[size - 1] = '\0';
    }
    return X509_VERIFY_PARAM_set1_host(param, name, 0) == 1 &&
           SSL_set_tlsext_host_name(ssl, name) == 1;
}

static void resume(floe_secure *secure)
{
    if (secure->session != NULL) {
        (void)SSL_set_session(secure->ssl, secure->session);
        SSL_SESSION_free(secure->session);
        secure->session = NULL;
    }
}

/* RFC 6347 §4.2.4.1: a second at first, then twice as long each time, to a minute. */
static unsigned on_flight(SSL *ssl, unsigned before)
{
    floe_secure *secure = SSL_get_app_data(ssl);

    secure->pause = before == 0 ? 1000000 : before < 30000000 ? 2 * before : 60000000;
    return secure->pause;
}

/* OpenSSL's part comes with the first read: its first object in a process takes it two milliseconds, and who has
 * more to do before the connection is open does not wait for that. */
static bool begin(floe_secure *secure)
{
    secure->ssl = floe_secure_ssl_new(secure->context, secure->datagrams);
    BIO *bio = secure->ssl != NULL ? floe_secure_bio_new(secure) : NULL;
    bool known = false; /* to the callbacks */
    if (bio != NULL) {
        SSL_set_bio(secure->ssl, bio, bio);
        known = SSL_set_app_data(secure->ssl, secure) == 1;
        if (secure->datagrams) {
            DTLS_set_timer_cb(secure->ssl, on_flight);
        }
        SSL_set_connect_state(secure->ssl);
        if (secure->datagrams) {
            (void)DTLS_set_link_mtu(secure->ssl, FLOE_SECURE_MTU);
        }
    }
    ERR_clear_error();
    if (known && !secure->protocolled) {
        (void)SSL_set_alpn_protos(secure->ssl, NULL, 0);
    }
    if (!known || !expect_host(secure->ssl, secure->host)) {
        return false;
    }
    ERR_clear_error();
    resume(secure);
    return true;
}

floe_secure *floe_secure_new(floe_secure_context *context, const char *host, const char *peer,
                             bool datagrams)
{
    floe_secure *made = floe_allocate(context->allocator, sizeof *made);

    if (made == NULL) {
        return NULL;
    }
    made->context = context;
    made->datagrams = datagrams;
    made->alert = -1;
    floe_list_init(&made->outgoing);
    size_t size = strlen(peer) + 1;
    made->peer = floe_allocate(context->allocator, size + strlen(host) + 1);
    if (made->peer == NULL) {
        floe_secure_free(made);
        return NULL;
    }
    memcpy(made->peer, peer, size);
    made->protocolled = !floe_secure_is_plain(context, peer);
    made->session = floe_secure_session_take(context, peer);
    made->host = memcpy(made->peer + size, host, strlen(host) + 1);
    return made;
}

void floe_secure_free(floe_secure *secure)
{
    if (secure == NULL) {
        return;
    }
    SSL_free(secure->ssl);
    SSL_SESSION_free(secure->session);
    floe_secure_drop_outgoing(secure);
    floe_queue_release(secure->context->allocator, &secure->kept);
    floe_deallocate(secure->context->allocator, secure->peer);
    floe_deallocate(secure->context->allocator, secure);
}

/* What is known of an error of OpenSSL's, or of an alert; -1: there was none. */
static void explain(floe_secure *secure, unsigned long code, int alert)
{
    char said[160] = "";
    const char *why = secure->ready ? ERR_reason_error_string(code) : floe_secure_reason(code);

    if (alert >= 0) {
        floe_secure_alert(alert, said, sizeof said);
    }
    (void)snprintf(secure->failure, sizeof secure->failure, "%s: %s%s",
                   secure->ready ? "the connection broke" : "the handshake failed",
                   alert >= 0 ? "the server says " : "",
                   alert >= 0    ? said
                   : why != NULL ? why
                                 : "the bytes are no TLS");
}

/* Unless the certificate was refused, of which more is known. */
static floe_secure_result fail(floe_secure *secure)
{
    unsigned long code = ERR_peek_error();
    int alert = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) - SSL_AD_REASON_OFFSET
                                                 : secure->alert;

    secure->over = true;
    if (alert == SSL_AD_NO_APPLICATION_PROTOCOL && !secure->ready && secure->protocolled) {
        floe_secure_peer_is_plain(secure->context, secure->peer);
        secure->unprotocolled = floe_secure_is_plain(secure->context, secure->peer);
    }
    if (*secure->failure == '\0') {
        explain(secure, code, alert);
    }
    ERR_clear_error();
    return FLOE_SECURE_FAILED;
}

static floe_secure_result result_of(floe_secure *secure, int returned)
{
    switch (SSL_get_error(secure->ssl, returned)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
    case SSL_ERROR_WANT_RETRY_VERIFY:
        return FLOE_SECURE_WAITS;
    case SSL_ERROR_ZERO_RETURN:
        secure->over = true;
        return FLOE_SECURE_CLOSED;
    default:
        return fail(secure);
    }
}

/* RFC 6347 §4.1.2.7. During the handshake an alert comes in clear, so that whoever knows the
 * server's address can send one, 15 bytes that would end it. It does not reach OpenSSL: it is
 * believed when nothing better has come by the time that our flight would be sent again. */
static void take_alert(floe_secure *secure, floe_span *input)
{
    enum { ALERT = 21, FATAL = 2 };
    floe_reader reader = floe_reader_of(input->data, input->size);

    while (floe_reader_left(&reader) > 0) {
        size_t at = reader.at;
        uint8_t type = floe_read_u8(&reader);
        floe_read_skip(&reader, 2);
        uint16_t epoch = floe_read_u16(&reader);
        floe_read_skip(&reader, 6);
        uint16_t size = floe_read_u16(&reader);
        floe_span body = floe_read_span(&reader, size);
        if (reader.failed) {
            return;
        }
        if (type == ALERT && epoch == 0) {
            secure->alert = body.size == 2 && body.data[0] == FATAL ? body.data[1] : secure->alert;
            input->size = at;
            return;
        }
        secure->alert = -1;
    }
}

/* More than a server says before it has heard our Finished. */
#define KEPT_MAX ((size_t)262144)

/* While the handshake stands; a datagram may be lost. */
static floe_secure_result keep(floe_secure *secure, floe_span *input)
{
    static const floe_address nobody;
    bool kept = input->size == 0 || floe_queue_push(secure->context->allocator, &secure->kept,
                                                    KEPT_MAX, &nobody, input, 1) == FLOE_OK;

    *input = (floe_span){0};
    return kept || secure->datagrams ? FLOE_SECURE_WAITS : fail(secure);
}

/* Until it is done, or wants more than it has. */
static int shake_hands(floe_secure *secure)
{
    int returned = SSL_do_handshake(secure->ssl);

    if (secure->wants_trust && !secure->context->promised) {
        secure->wants_trust = false;
        secure->waited = true;
        floe_secure_context_read_trust(secure->context, true);
        returned = SSL_do_handshake(secure->ssl);
    }
    return returned;
}

floe_secure_result floe_secure_read(floe_secure *secure, floe_span *input, void *buffer,
                                    size_t room, size_t *size)
{
    floe_secure_result result;

    *size = 0;
    if (secure->over) {
        return FLOE_SECURE_WAITS;
    }
    if (secure->datagrams && !secure->ready) {
        take_alert(secure, input);
    }
    ERR_clear_error();
    if (secure->ssl == NULL && !begin(secure)) {
        (void)snprintf(secure->failure, sizeof secure->failure,
                       "the handshake failed: no memory for it");
        return fail(secure);
    }
    if (secure->wants_trust && atomic_load(&secure->context->reads) == secure->waits) {
        return keep(secure, input);
    }
    secure->waited = secure->waited || secure->wants_trust;
    secure->wants_trust = false;
    secure->input = input;
    if (!secure->ready) {
        int returned = shake_hands(secure);
        secure->ready = returned == 1;
        result = secure->ready ? FLOE_SECURE_READY : result_of(secure, returned);
        if (secure->wants_trust && result == FLOE_SECURE_WAITS) {
            result = keep(secure, input);
        }
    } else {
        int returned = SSL_read(secure->ssl, buffer, room < 65536 ? (int)room : 65536);
        *size = returned > 0 ? (size_t)returned : 0;
        result = returned > 0 ? FLOE_SECURE_DATA : result_of(secure, returned);
    }
    secure->input = NULL;
    return result;
}

bool floe_secure_write(floe_secure *secure, floe_span data)
{
    if (secure->over || !secure->ready || data.size == 0 || data.size > 65536) {
        return false;
    }
    ERR_clear_error();
    int returned = SSL_write(secure->ssl, data.data, (int)data.size);
    if (returned > 0) {
        return true;
    }
    (void)result_of(secure, returned);
    secure->over = secure->over || !secure->datagrams; /* a part of it may have gone */
    return false;
}

void floe_secure_close(floe_secure *secure)
{
    if (secure->ready && !secure->over) {
        ERR_clear_error();
        (void)SSL_shutdown(secure->ssl);
        secure->over = true;
        ERR_clear_error();
    }
}

/* As OpenSSL has it, which looks at the clock of the day. */
static bool time_left(const floe_secure *secure, uint64_t *microseconds)
{
    struct timeval time;

    if (!secure->datagrams || secure->over || secure->ssl == NULL ||
        DTLSv1_get_timeout(secure->ssl, &time) != 1) {
        return false;
    }
    *microseconds = (uint64_t)time.tv_sec * 1000000U + (uint64_t)time.tv_usec;
    return true;
}

bool floe_secure_timeout(const floe_secure *secure, floe_duration *left)
{
    uint64_t microseconds;

    if (!time_left(secure, &microseconds)) {
        return false;
    }
    *left = (floe_duration){1000U * (microseconds < secure->pause ? microseconds : secure->pause)};
    return true;
}

/* The clock of the day was set back: OpenSSL would wait until it is again where it was. There is no
 * word by which it would not, so the handshake begins anew. */
static void begin_anew_if_set_back(floe_secure *secure)
{
    uint64_t microseconds;

    if (time_left(secure, &microseconds) && microseconds > secure->pause &&
        SSL_clear(secure->ssl) == 1) {
        (void)SSL_do_handshake(secure->ssl);
        ERR_clear_error();
    }
}

bool floe_secure_time(floe_secure *secure)
{
    if (!secure->datagrams || secure->over || secure->ssl == NULL) {
        return true;
    }
    ERR_clear_error();
    if (secure->alert < 0 && DTLSv1_handle_timeout(secure->ssl) >= 0) {
        begin_anew_if_set_back(secure);
        return true;
    }
    (void)fail(secure);
    return false;
}

bool floe_secure_over(const floe_secure *secure)
{
    return secure->over;
}

bool floe_secure_goes_without_protocol(const floe_secure *secure)
{
    return secure->unprotocolled;
}

const char *floe_secure_failure(const floe_secure *secure)
{
    return secure->failure;
}

const char *floe_secure_version(const floe_secure *secure)
{
    return secure->ready ? SSL_get_version(secure->ssl) : "";
}

bool floe_secure_resumed(const floe_secure *secure)
{
    return secure->ready && SSL_session_reused(secure->ssl) == 1;
}

bool floe_secure_certificate(const floe_secure *secure, char *subject, size_t size,
                             int64_t *not_after)
{
    (void)snprintf(subject, size, "%s", secure->subject);
    *not_after = secure->not_after;
    return *secure->subject != '\0';
}

const char *floe_secure_names(const floe_secure *secure)
{
    return secure->names;
}

const char *floe_secure_check(const floe_secure *secure)
{
    return secure->context->insecure ? "not checked"
           : secure->context->pinned ? "known by its fingerprint"
                                     : "checked for the host";
}
