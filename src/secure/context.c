/* The context of associations: trust, our own certificate, and the sessions that can be resumed. */
#include "base/error.h"
#include "secure/internal.h"
#include "secure/refusal.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#define SESSIONS_MAX 64
#define SESSIONS_OF_PEER_MAX 4

typedef struct session {
    floe_list link;
    SSL_SESSION *session;
    char peer[]; /* NUL-terminated */
} session;

#define PLAIN_MAX 16

typedef struct plain_peer {
    floe_list link;
    char peer[]; /* NUL-terminated */
} plain_peer;

/* RFC 7443: the protocol is TURN, whatever else listens on port 443. */
static const uint8_t alpn[] = "\x09stun.turn";

static void session_free(floe_secure_context *context, session *kept)
{
    floe_list_remove(&kept->link);
    SSL_SESSION_free(kept->session);
    floe_deallocate(context->allocator, kept);
}

void floe_secure_session_keep(floe_secure_context *context, const char *peer, SSL_SESSION *given)
{
    size_t size = strlen(peer) + 1;
    size_t count = 0;
    size_t of_peer = 0;
    session *oldest = NULL; /* the peer's, if it has its share already */

    FLOE_LIST_EACH(other, &context->sessions, session, link)
    {
        bool same = strcmp(other->peer, peer) == 0;
        oldest = same && of_peer == 0 ? other : oldest;
        of_peer += same;
        count++;
    }
    if (of_peer >= SESSIONS_OF_PEER_MAX) {
        session_free(context, oldest);
    } else if (count >= SESSIONS_MAX) {
        session_free(context, FLOE_CONTAINER(context->sessions.next, session, link));
    }
    session *kept = floe_allocate(context->allocator, sizeof *kept + size);
    if (kept == NULL) {
        SSL_SESSION_free(given); /* costs a round trip or a few bytes only */
        return;
    }
    kept->session = given;
    memcpy(kept->peer, peer, size);
    floe_list_append(&context->sessions, &kept->link);
}

/* RFC 8446 §C.4: a ticket is used once, so that nobody can link two connections by it; the server
 * gives another. Before TLS 1.3 a session serves again and again. */
SSL_SESSION *floe_secure_session_take(floe_secure_context *context, const char *peer)
{
    session *latest = NULL;

    FLOE_LIST_EACH(kept, &context->sessions, session, link)
    {
        latest = strcmp(kept->peer, peer) == 0 ? kept : latest;
    }
    if (latest == NULL || SSL_SESSION_up_ref(latest->session) != 1) {
        return NULL;
    }
    SSL_SESSION *taken = latest->session;
    if (SSL_SESSION_get_protocol_version(taken) == TLS1_3_VERSION) {
        session_free(context, latest);
    }
    return taken;
}

bool floe_secure_is_plain(const floe_secure_context *context, const char *peer)
{
    FLOE_LIST_EACH(known, &context->plain, plain_peer, link)
    {
        if (strcmp(known->peer, peer) == 0) {
            return true;
        }
    }
    return false;
}

static void forget_plain(floe_secure_context *context, plain_peer *peer)
{
    floe_list_remove(&peer->link);
    floe_deallocate(context->allocator, peer);
}

void floe_secure_peer_is_plain(floe_secure_context *context, const char *peer)
{
    size_t size = strlen(peer) + 1;
    size_t count = 0;

    if (floe_secure_is_plain(context, peer)) {
        return;
    }
    FLOE_LIST_EACH(known, &context->plain, plain_peer, link)
    {
        count++;
    }
    if (count == PLAIN_MAX) {
        forget_plain(context, FLOE_CONTAINER(context->plain.next, plain_peer, link));
    }
    plain_peer *made = floe_allocate(context->allocator, sizeof *made + size);
    if (made != NULL) { /* else it is learned again */
        memcpy(made->peer, peer, size);
        floe_list_append(&context->plain, &made->link);
    }
}

static int on_session(SSL *ssl, SSL_SESSION *given)
{
    floe_secure *secure = SSL_get_app_data(ssl);

    floe_secure_session_keep(secure->context, secure->peer, given);
    return 1; /* it is ours now */
}

static char printable(char byte)
{
    return byte >= ' ' && byte <= '~' ? byte : '?';
}

/* What a person needs to find the certificate at fault. */
static void note_certificate(floe_secure *secure, X509 *certificate)
{
    struct tm until = {0};
    int days = 0;
    int seconds = 0;
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);

    *secure->subject = '\0';
    if (X509_NAME_oneline(X509_get_subject_name(certificate), secure->subject,
                          sizeof secure->subject) == NULL) {
        *secure->subject = '\0';
    }
    for (char *at = secure->subject; *at != '\0'; at++) {
        *at = printable(*at);
    }
    if (epoch != NULL && ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &until) == 1 &&
        ASN1_TIME_diff(&days, &seconds, epoch, X509_get0_notAfter(certificate)) == 1) {
        secure->not_after = (int64_t)days * 86400 + seconds;
    }
    ASN1_TIME_free(epoch);
}

/* One name behind the others; whole, or not at all. */
static void add_name(floe_secure *secure, const GENERAL_NAME *name)
{
    char text[FLOE_ADDRESS_TEXT_SIZE] = "";
    const ASN1_STRING *value = name->type == GEN_DNS     ? name->d.dNSName
                               : name->type == GEN_IPADD ? name->d.iPAddress
                                                         : NULL;
    size_t size = value != NULL ? (size_t)ASN1_STRING_length(value) : 0;
    const char *bytes = value != NULL ? (const char *)ASN1_STRING_get0_data(value) : "";
    size_t used = strlen(secure->names);

    if (name->type == GEN_IPADD) {
        floe_address address = {.family = size == 4 ? FLOE_FAMILY_IPV4 : FLOE_FAMILY_IPV6};
        if (size != 4 && size != sizeof address.ip) {
            return;
        }
        memcpy(address.ip, bytes, size);
        (void)floe_address_format(&address, text, sizeof text);
        bytes = text;
        size = strlen(text);
    }
    char *at = secure->names + used;
    if (size == 0 || used + size + 3 > sizeof secure->names) {
        return;
    }
    if (used > 0) {
        memcpy(at, ", ", 2);
        at += 2;
    }
    for (size_t i = 0; i < size; i++) { /* a NUL among them too (CVE-2009-2408) */
        at[i] = printable(bytes[i]);
    }
    at[size] = '\0';
}

/* RFC 9525: what the host is looked for among, for a person who has to see why it is not there. */
static void note_names(floe_secure *secure, X509 *certificate)
{
    (void)ERR_set_mark();
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);

    *secure->names = '\0';
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        add_name(secure, sk_GENERAL_NAME_value(names, i));
    }
    GENERAL_NAMES_free(names);
    (void)ERR_pop_to_mark();
}

static void date_of(const ASN1_TIME *time, char *text, size_t size)
{
    struct tm parts = {0};

    *text = '\0';
    if (ASN1_TIME_to_tm(time, &parts) == 1) {
        (void)BIO_snprintf(text, size, "%04d-%02d-%02d", parts.tm_year + 1900, parts.tm_mon + 1,
                           parts.tm_mday);
    }
}

static void refuse(floe_secure *secure, X509_STORE_CTX *store, X509 *certificate, long code)
{
    const floe_secure_refusal of = {
        .certificate = certificate, .store = store, .host = secure->host, .names = secure->names};
    char why[360];
    char from[16];
    char until[16];

    note_certificate(secure, certificate);
    date_of(X509_get0_notBefore(certificate), from, sizeof from);
    date_of(X509_get0_notAfter(certificate), until, sizeof until);
    floe_secure_refusal_text(&of, code, why, sizeof why);
    (void)BIO_snprintf(secure->failure, sizeof secure->failure,
                       "the certificate %s (valid %s to %s) is refused: %s", secure->subject, from,
                       until, why);
}

static bool is_pinned(const floe_secure_context *context, X509 *certificate)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;

    return X509_digest(certificate, EVP_sha256(), digest, &size) == 1 &&
           size == sizeof context->fingerprint &&
           CRYPTO_memcmp(digest, context->fingerprint, size) == 0;
}

/* The system's trust store: of a directory each authority is read when it is needed, which takes no
 * time; the file of all is read by floe_secure_context_read_trust. */
static X509_STORE *system_store(floe_secure_context *context)
{
    X509_STORE *store = X509_STORE_new();
    X509_LOOKUP *folder =
        store != NULL ? X509_STORE_add_lookup(store, X509_LOOKUP_hash_dir()) : NULL;
    X509_LOOKUP *file = store != NULL ? X509_STORE_add_lookup(store, X509_LOOKUP_file()) : NULL;

    if (folder == NULL || file == NULL ||
        X509_LOOKUP_add_dir(folder, NULL, X509_FILETYPE_DEFAULT) != 1) {
        X509_STORE_free(store);
        store = NULL;
    }
    context->file = store != NULL ? file : NULL;
    ERR_clear_error();
    return store;
}

void floe_secure_context_promise_trust(floe_secure_context *context)
{
    context->promised = true;
}

bool floe_secure_context_wants_trust(floe_secure_context *context)
{
    bool wanted = context->wanted;

    context->wanted = false;
    return wanted;
}

/* Of the context only the store is touched, which has a lock of its own. What cannot be read now
 * (no descriptors) may be for the next handshake. */
void floe_secure_context_read_trust(floe_secure_context *context, bool readable)
{
    bool good = readable && X509_LOOKUP_load_file(context->file, NULL, X509_FILETYPE_DEFAULT) == 1;

    ERR_clear_error();
    atomic_store(&context->has_file, good);
    atomic_fetch_add(&context->reads, 1);
}

/* Not twice at a time. */
static void ask_for_trust(floe_secure_context *context, unsigned reads)
{
    context->wanted = context->wanted || context->asked != reads + 1;
    context->asked = reads + 1;
}

/* A pinned certificate is trusted, whoever signed it; no other one is. */
static int verify(X509_STORE_CTX *store, void *given)
{
    floe_secure_context *context = given;
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    floe_secure *secure = SSL_get_app_data(ssl);
    X509 *leaf = X509_STORE_CTX_get0_cert(store);

    note_certificate(secure, leaf);
    note_names(secure, leaf);
    if (context->insecure) {
        X509_STORE_CTX_set_error(store, X509_V_OK);
        return 1;
    }
    if (context->pinned) {
        bool good = is_pinned(context, leaf);
        X509_STORE_CTX_set_error(store, good ? X509_V_OK : X509_V_ERR_APPLICATION_VERIFICATION);
        if (!good) {
            refuse(secure, store, leaf, X509_V_ERR_APPLICATION_VERIFICATION);
        }
        return good;
    }
    /* Asked before: what has been read meanwhile was not looked at. */
    unsigned reads = atomic_load(&context->reads);
    bool more = context->file != NULL && !secure->waited && !atomic_load(&context->has_file);
    int good = X509_verify_cert(store);
    if (good != 1 && more && SSL_set_retry_verify(ssl) == 1) {
        /* The handshake does not go on: it asks again. Whatever is wrong, the folder may have an
         * authority that has expired, and the file the one that took its place. */
        secure->wants_trust = true;
        secure->waits = reads;
        ask_for_trust(context, reads);
        return 1;
    }
    if (good != 1) {
        X509 *bad = X509_STORE_CTX_get_current_cert(store);
        refuse(secure, store, bad != NULL ? bad : leaf, X509_STORE_CTX_get_error(store));
    }
    return good == 1;
}

static floe_error bad_file(const char *option, const char *file)
{
    unsigned long first = ERR_peek_error(); /* the system's own, where there is no such file */
    bool absent = ERR_SYSTEM_ERROR(first) && ERR_GET_REASON(first) == ENOENT;
    const char *why = absent                    ? "there is no such file"
                      : ERR_SYSTEM_ERROR(first) ? "it cannot be read"
                      : ERR_GET_LIB(first) == ERR_LIB_PEM
                          ? "there is no PEM in it"
                          : ERR_reason_error_string(ERR_peek_last_error());

    ERR_clear_error();
    return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "settings.%s \"%.120s\": %s", option, file,
                     why != NULL ? why : "it cannot be read");
}

/* A list is of its authority's certificates; there need not be one of each. */
static int without_list(int good, X509_STORE_CTX *store)
{
    if (X509_STORE_CTX_get_error(store) != X509_V_ERR_UNABLE_TO_GET_CRL) {
        return good;
    }
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

/* RFC 5280 §6.3, by the lists that were read with the authorities. */
static void check_revocation(X509_STORE *store)
{
    const STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);

    for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
        if (X509_OBJECT_get_type(sk_X509_OBJECT_value(objects, i)) == X509_LU_CRL) {
            (void)X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
            X509_STORE_set_verify_cb(store, without_list);
            return;
        }
    }
}

static floe_error use_files(floe_secure_context *context, SSL_CTX *made)
{
    const char *own = context->certificate_file;
    const char *key = context->key_file;

    if (context->ca_file == NULL && !context->insecure && !context->pinned) {
        if (context->system == NULL) {
            context->system = system_store(context);
        }
        if (context->system == NULL) {
            return floe_fail(FLOE_ERR_NO_MEMORY, "no trust store");
        }
        SSL_CTX_set1_cert_store(made, context->system);
    } else if (context->ca_file != NULL) {
        if (SSL_CTX_load_verify_file(made, context->ca_file) != 1) {
            return bad_file("tls_ca_file", context->ca_file);
        }
        check_revocation(SSL_CTX_get_cert_store(made));
    }
    if (own != NULL && SSL_CTX_use_certificate_chain_file(made, own) != 1) {
        return bad_file("tls_certificate_file", own);
    }
    if (own != NULL && (SSL_CTX_use_PrivateKey_file(made, key, SSL_FILETYPE_PEM) != 1 ||
                        SSL_CTX_check_private_key(made) != 1)) {
        return bad_file("tls_key_file", key);
    }
    return FLOE_OK;
}

/* What the other context has read: the files may be gone by now, or be others. */
static floe_error share_files(SSL_CTX *made, SSL_CTX *other)
{
    X509 *own = SSL_CTX_get0_certificate(other);
    STACK_OF(X509) *chain = NULL;

    SSL_CTX_set1_cert_store(made, SSL_CTX_get_cert_store(other));
    if (own != NULL &&
        (SSL_CTX_get0_chain_certs(other, &chain) != 1 ||
         SSL_CTX_use_cert_and_key(made, own, SSL_CTX_get0_privatekey(other), chain, 1) != 1)) {
        ERR_clear_error();
        return floe_fail(FLOE_ERR_NO_MEMORY, "no context for TLS");
    }
    return FLOE_OK;
}

static floe_error make(floe_secure_context *context, bool datagrams, SSL_CTX **made)
{
    SSL_CTX *ctx = SSL_CTX_new(datagrams ? DTLS_client_method() : TLS_client_method());

    if (ctx == NULL) {
        ERR_clear_error();
        return floe_fail(FLOE_ERR_NO_MEMORY, "no context for TLS");
    }
    (void)SSL_CTX_set_min_proto_version(ctx, datagrams ? DTLS1_2_VERSION : TLS1_2_VERSION);
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_RENEGOTIATION |
                                       SSL_OP_IGNORE_UNEXPECTED_EOF);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_security_level(ctx, 2); /* keys of 112 bits: RSA from 2048 on */
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_verify_depth(ctx, 10);
    SSL_CTX_set_cert_verify_callback(ctx, verify, context);
    (void)SSL_CTX_set_alpn_protos(ctx, alpn, sizeof alpn - 1);
    (void)SSL_CTX_set_session_cache_mode(ctx,
                                         SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_new_cb(ctx, on_session);
    SSL_CTX *other = datagrams ? context->stream : context->datagram;
    floe_error error = other != NULL ? share_files(ctx, other) : use_files(context, ctx);
    if (error != FLOE_OK) {
        SSL_CTX_free(ctx);
        return error;
    }
    *made = ctx;
    return FLOE_OK;
}

SSL *floe_secure_ssl_new(floe_secure_context *context, bool datagrams)
{
    SSL_CTX **of = datagrams ? &context->datagram : &context->stream;

    if (*of == NULL && make(context, datagrams, of) != FLOE_OK) {
        return NULL;
    }
    return SSL_new(*of);
}

static int digit_of(char character)
{
    if (character >= '0' && character <= '9') {
        return character - '0';
    }
    if (character >= 'a' && character <= 'f') {
        return character - 'a' + 10;
    }
    return character >= 'A' && character <= 'F' ? character - 'A' + 10 : -1;
}

static bool read_fingerprint(const char *text, uint8_t *bytes)
{
    size_t digits = 0;

    for (; *text != '\0'; text++) {
        int digit = digit_of(*text);
        if (*text == ':' && digits % 2 == 0) {
            continue;
        }
        if (digit < 0 || digits == 2 * FLOE_SECURE_FINGERPRINT_SIZE) {
            return false;
        }
        bytes[digits / 2] = (uint8_t)(bytes[digits / 2] << 4 | digit);
        digits++;
    }
    return digits == 2 * FLOE_SECURE_FINGERPRINT_SIZE;
}

static bool copy_option(const floe_allocator *allocator, const char *given, char **copy)
{
    *copy = given != NULL ? floe_copy_text(allocator, given, strlen(given)) : NULL;
    return given == NULL || *copy != NULL;
}

floe_error floe_secure_context_new(const floe_allocator *allocator,
                                   const floe_secure_options *options,
                                   floe_secure_context **context)
{
    if ((options->certificate_file == NULL) != (options->key_file == NULL)) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT,
                         "settings.tls_certificate_file and tls_key_file go together");
    }
    floe_secure_context *made = floe_allocate(allocator, sizeof *made);
    if (made == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    made->allocator = allocator;
    made->insecure = options->insecure;
    made->pinned = options->fingerprint != NULL;
    floe_list_init(&made->sessions);
    floe_list_init(&made->plain);
    floe_error error = FLOE_OK;
    if (made->pinned && !read_fingerprint(options->fingerprint, made->fingerprint)) {
        error = floe_fail(FLOE_ERR_INVALID_ARGUMENT,
                          "settings.tls_fingerprint \"%.100s\" is no SHA-256 in hex",
                          options->fingerprint);
    } else if (!copy_option(allocator, options->ca_file, &made->ca_file) ||
               !copy_option(allocator, options->certificate_file, &made->certificate_file) ||
               !copy_option(allocator, options->key_file, &made->key_file)) {
        error = FLOE_ERR_NO_MEMORY;
    } else if (made->ca_file != NULL || made->certificate_file != NULL) {
        error = make(made, false, &made->stream); /* what cannot be read is known at once */
    }
    if (error != FLOE_OK) {
        floe_secure_context_free(made);
        return error;
    }
    *context = made;
    return FLOE_OK;
}

void floe_secure_context_free(floe_secure_context *context)
{
    if (context == NULL) {
        return;
    }
    FLOE_LIST_EACH_SAFE(kept, &context->sessions, session, link)
    {
        session_free(context, kept);
    }
    FLOE_LIST_EACH_SAFE(known, &context->plain, plain_peer, link)
    {
        forget_plain(context, known);
    }
    SSL_CTX_free(context->stream);
    SSL_CTX_free(context->datagram);
    X509_STORE_free(context->system);
    BIO_meth_free(context->method);
    floe_deallocate(context->allocator, context->ca_file);
    floe_deallocate(context->allocator, context->certificate_file);
    floe_deallocate(context->allocator, context->key_file);
    floe_deallocate(context->allocator, context);
}
