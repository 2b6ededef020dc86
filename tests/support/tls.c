#include "tls.h"

#include "support.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHAIN 1000

/* Certificates. */

typedef struct identity {
    EVP_PKEY *key;
    X509 *certificate;
} identity;

static struct {
    EVP_PKEY *key;
    identity authority;
    identity stranger; /* another authority of the same name */
    identity client;
    identity of[TLS_CERTIFICATES];
    char ca_file[64];
    char client_file[64];
} made;

static void add_extension(X509 *certificate, int kind, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, kind, value);

    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

/* OpenSSL's own texts cannot spell a NUL. */
static void add_name_with_nul(X509 *certificate)
{
    static const char bytes[] = "turn.example\0.evil.example";
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();

    assert_int_equal(ASN1_STRING_set(text, bytes, sizeof bytes - 1), 1);
    GENERAL_NAME_set0_value(name, GEN_DNS, text);
    (void)sk_GENERAL_NAME_push(names, name);
    assert_int_equal(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, 0), 1);
    GENERAL_NAMES_free(names);
}

static identity make(EVP_PKEY *key, const char *common_name, const identity *issuer, bool authority)
{
    identity one = {.key = key, .certificate = X509_new()};
    X509_NAME *name = X509_get_subject_name(one.certificate);
    static long serial;

    assert_non_null(key);
    assert_int_equal(X509_set_version(one.certificate, 2), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(one.certificate), ++serial), 1);
    (void)X509_gmtime_adj(X509_getm_notBefore(one.certificate), -86400);
    (void)X509_gmtime_adj(X509_getm_notAfter(one.certificate), 30L * 86400);
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                                (const unsigned char *)common_name, -1, -1, 0),
                     1);
    (void)X509_set_issuer_name(one.certificate,
                               issuer != NULL ? X509_get_subject_name(issuer->certificate) : name);
    (void)X509_set_pubkey(one.certificate, key);
    if (authority) {
        add_extension(one.certificate, NID_basic_constraints, "critical,CA:TRUE");
    }
    return one;
}

/* One for all, as it costs a while. RSA, whose signatures have always the same size. */
static EVP_PKEY *make_key(void)
{
    if (made.key == NULL) {
        made.key = EVP_RSA_gen(2048);
    }
    (void)EVP_PKEY_up_ref(made.key);
    return made.key;
}

static void sign(identity *one, const identity *issuer)
{
    assert_true(X509_sign(one->certificate, issuer->key, EVP_sha256()) > 0);
}

#define NAMES                                                                                      \
    "DNS:turn.example,DNS:*.wild.example,IP:192.0.2.1,IP:2001:db8::1,DNS:*.sim.example,"           \
    "IP:203.0.113.1,IP:203.0.113.2,IP:203.0.113.3,IP:203.0.113.4,IP:203.0.113.5,IP:203.0.113.6,"   \
    "IP:203.0.113.7,IP:203.0.113.8,IP:203.0.113.9,IP:203.0.113.10,"                                \
    "IP:2a00:ffff::1,IP:2a00:ffff::2,IP:2a00:ffff::3,IP:2a00:ffff::4,IP:2a00:ffff::5,"             \
    "IP:2a00:ffff::6,IP:2a00:ffff::7,IP:2a00:ffff::8,IP:2a00:ffff::9,IP:2a00:ffff::10"

static void make_one(tls_certificate kind)
{
    const identity *issuer = kind == TLS_WRONG_CA      ? &made.stranger
                             : kind == TLS_SELF_SIGNED ? NULL
                                                       : &made.authority;
    EVP_PKEY *key = kind == TLS_WEAK_KEY ? EVP_RSA_gen(1024) : make_key();
    identity one =
        make(key, kind == TLS_WRONG_NAME ? "other.example" : "turn.example", issuer, false);

    if (kind == TLS_EMBEDDED_NUL) {
        add_name_with_nul(one.certificate);
    } else if (kind == TLS_WRONG_NAME) {
        add_extension(one.certificate, NID_subject_alt_name, "DNS:other.example,IP:192.0.2.99");
    } else if (kind != TLS_COMMON_NAME_ONLY) {
        add_extension(one.certificate, NID_subject_alt_name, NAMES);
    }
    if (kind == TLS_EXPIRED) {
        (void)X509_gmtime_adj(X509_getm_notBefore(one.certificate), -10L * 86400);
        (void)X509_gmtime_adj(X509_getm_notAfter(one.certificate), -86400);
    } else if (kind == TLS_NOT_YET_VALID) {
        (void)X509_gmtime_adj(X509_getm_notBefore(one.certificate), 86400);
    }
    sign(&one, issuer != NULL ? issuer : &one);
    made.of[kind] = one;
}

static void write_file(char *path, const identity *one, bool with_key)
{
    (void)strcpy(path, "/tmp/floe-test-XXXXXX");
    int descriptor = mkstemp(path);
    FILE *file = fdopen(descriptor, "w");

    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, one->certificate), 1);
    if (with_key) {
        assert_int_equal(PEM_write_PrivateKey(file, one->key, NULL, NULL, 0, NULL, NULL), 1);
    }
    (void)fclose(file);
}

static void forget(identity *one)
{
    X509_free(one->certificate);
    EVP_PKEY_free(one->key);
}

static void forget_all(void)
{
    (void)unlink(made.ca_file);
    (void)unlink(made.client_file);
    EVP_PKEY_free(made.key);
    forget(&made.authority);
    forget(&made.stranger);
    forget(&made.client);
    for (int i = 0; i < TLS_CERTIFICATES; i++) {
        forget(&made.of[i]);
    }
}

static void make_all(void)
{
    if (made.authority.key != NULL) {
        return;
    }
    made.authority = make(make_key(), "Test Authority", NULL, true);
    sign(&made.authority, &made.authority);
    made.stranger = make(EVP_RSA_gen(2048), "Test Authority", NULL, true);
    sign(&made.stranger, &made.stranger);
    made.client = make(make_key(), "client.example", &made.authority, false);
    sign(&made.client, &made.authority);
    for (int i = 0; i < TLS_CERTIFICATES; i++) {
        make_one((tls_certificate)i);
    }
    write_file(made.ca_file, &made.authority, false);
    write_file(made.client_file, &made.client, true);
    (void)atexit(forget_all);
}

const char *tls_ca_file(void)
{
    make_all();
    return made.ca_file;
}

const char *tls_client_file(void)
{
    make_all();
    return made.client_file;
}

void tls_fingerprint(tls_certificate certificate, char *text, size_t size)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned digest_size = 0;
    size_t at = 0;

    make_all();
    (void)X509_digest(made.of[certificate].certificate, EVP_sha256(), digest, &digest_size);
    for (unsigned i = 0; i < digest_size && at < size; i++) {
        at += (size_t)snprintf(text + at, size - at, "%s%02X", i > 0 ? ":" : "", digest[i]);
    }
}

bool tls_write_files(tls_certificate certificate, const char *certificate_file,
                     const char *key_file)
{
    make_all();
    FILE *one = fopen(certificate_file, "w");
    FILE *two = fopen(key_file, "w");
    const identity *of = &made.of[certificate];
    bool good = one != NULL && two != NULL && PEM_write_X509(one, of->certificate) == 1 &&
                PEM_write_PrivateKey(two, of->key, NULL, NULL, 0, NULL, NULL) == 1;

    for (int i = 0; good && certificate == TLS_LONG_CHAIN && i < CHAIN; i++) {
        good = PEM_write_X509(one, made.authority.certificate) == 1;
    }
    if (one != NULL) {
        good = fclose(one) == 0 && good;
    }
    if (two != NULL) {
        good = fclose(two) == 0 && good;
    }
    return good;
}

bool tls_add_crl(const char *file, bool of_the_authority, tls_certificate revoked, long next)
{
    make_all();
    const identity *issuer = of_the_authority ? &made.authority : &made.client;
    X509_CRL *list = X509_CRL_new();
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_TIME *from = X509_gmtime_adj(NULL, -86400);
    ASN1_TIME *until = X509_gmtime_adj(NULL, next);
    FILE *to = fopen(file, "a");
    bool good =
        to != NULL && X509_CRL_set_version(list, 1) == 1 &&
        X509_CRL_set_issuer_name(list, X509_get_subject_name(issuer->certificate)) == 1 &&
        X509_CRL_set1_lastUpdate(list, from) == 1 && X509_CRL_set1_nextUpdate(list, until) == 1 &&
        X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(made.of[revoked].certificate)) ==
            1 &&
        X509_REVOKED_set_revocationDate(entry, from) == 1 &&
        X509_CRL_add0_revoked(list, entry) == 1 &&
        X509_CRL_sign(list, issuer->key, EVP_sha256()) > 0 && PEM_write_X509_CRL(to, list) == 1;

    if (to != NULL) {
        good = fclose(to) == 0 && good;
    }
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    X509_CRL_free(list);
    return good;
}

/* The server. */

struct tls_server {
    SSL_CTX *context;
    BIO_METHOD *method;
    tls_options options;
};

typedef struct piece {
    struct piece *next;
    size_t size;
    size_t at;
    uint8_t data[];
} piece;

struct tls_connection {
    SSL *ssl;
    bool datagrams;
    bool turn; /* ALPN */
    bool over;
    char name[256];
    floe_span input;
    piece *first;
    piece **last;
};

static int on_write(BIO *bio, const char *data, int size)
{
    tls_connection *connection = BIO_get_data(bio);
    piece *one = malloc(sizeof *one + (size_t)size);

    *one = (piece){.size = (size_t)size};
    memcpy(one->data, data, one->size);
    *connection->last = one;
    connection->last = &one->next;
    return size;
}

static int on_read(BIO *bio, char *data, int room)
{
    tls_connection *connection = BIO_get_data(bio);
    size_t left = connection->input.size;
    size_t size = (size_t)room < left ? (size_t)room : left;

    BIO_clear_retry_flags(bio);
    if (size == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(data, connection->input.data, size);
    connection->input = connection->datagrams
                            ? (floe_span){0}
                            : floe_span_of(connection->input.data + size, left - size);
    return (int)size;
}

static long on_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : command == BIO_CTRL_DGRAM_QUERY_MTU ? 1200 : 0;
}

static int on_protocols(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_size,
                        const unsigned char *offered, unsigned offered_size, void *user)
{
    static const unsigned char turn[] = "\x09stun.turn";
    tls_connection *connection = SSL_get_app_data(ssl);
    const bool *other = user;

    connection->turn =
        SSL_select_next_proto((unsigned char **)(uintptr_t)chosen, chosen_size, turn,
                              sizeof turn - 1, offered, offered_size) == OPENSSL_NPN_NEGOTIATED;
    return *other             ? SSL_TLSEXT_ERR_ALERT_FATAL
           : connection->turn ? SSL_TLSEXT_ERR_OK
                              : SSL_TLSEXT_ERR_NOACK;
}

static int on_name(SSL *ssl, int *alert, void *user)
{
    tls_connection *connection = SSL_get_app_data(ssl);
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

    (void)alert;
    (void)user;
    (void)snprintf(connection->name, sizeof connection->name, "%s", name != NULL ? name : "");
    return SSL_TLSEXT_ERR_OK;
}

static int make_cookie(SSL *ssl, unsigned char *cookie, unsigned *size)
{
    (void)ssl;
    memset(cookie, 'c', 20);
    *size = 20;
    return 1;
}

static int check_cookie(SSL *ssl, const unsigned char *cookie, unsigned size)
{
    (void)ssl;
    return size == 20 && cookie[0] == 'c' && cookie[19] == 'c';
}

static int take_any(X509_STORE_CTX *store, void *user)
{
    (void)user;
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

tls_server *tls_server_new(const tls_options *options)
{
    tls_server *server = calloc(1, sizeof *server);

    make_all();
    const identity *of = &made.of[options->certificate];
    server->options = *options;
    server->context = SSL_CTX_new(options->datagrams ? DTLS_server_method() : TLS_server_method());
    SSL_CTX *context = server->context;
    (void)SSL_CTX_set_min_proto_version(context, 0);
    (void)SSL_CTX_set_max_proto_version(context, options->newest);
    SSL_CTX_set_security_level(context, 0);
    assert_int_equal(SSL_CTX_use_certificate(context, of->certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(context, of->key), 1);
    for (int i = 0; options->certificate == TLS_LONG_CHAIN && i < CHAIN; i++) {
        assert_int_equal(SSL_CTX_add1_chain_cert(context, made.authority.certificate), 1);
    }
    if (options->no_tickets) {
        (void)SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
        (void)SSL_CTX_sess_set_cache_size(context, 256);
    }
    SSL_CTX_set_alpn_select_cb(context, on_protocols, &server->options.other_protocol);
    (void)SSL_CTX_set_tlsext_servername_callback(context, on_name);
    (void)SSL_CTX_set_session_id_context(context, (const unsigned char *)"floe", 4);
    (void)SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU);
    if (options->wants_certificate) {
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        SSL_CTX_set_cert_verify_callback(context, take_any, NULL);
    }
    if (options->datagrams) {
        (void)SSL_CTX_set_options(context, SSL_OP_COOKIE_EXCHANGE);
        SSL_CTX_set_cookie_generate_cb(context, make_cookie);
        SSL_CTX_set_cookie_verify_cb(context, check_cookie);
    }
    server->method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "test");
    (void)BIO_meth_set_write(server->method, on_write);
    (void)BIO_meth_set_read(server->method, on_read);
    (void)BIO_meth_set_ctrl(server->method, on_control);
    ERR_clear_error();
    return server;
}

void tls_server_free(tls_server *server)
{
    SSL_CTX_free(server->context);
    BIO_meth_free(server->method);
    free(server);
}

tls_connection *tls_accept(tls_server *server)
{
    tls_connection *connection = calloc(1, sizeof *connection);
    BIO *bio = BIO_new(server->method);

    connection->ssl = SSL_new(server->context);
    connection->datagrams = server->options.datagrams;
    connection->last = &connection->first;
    BIO_set_data(bio, connection);
    BIO_set_init(bio, 1);
    SSL_set_bio(connection->ssl, bio, bio);
    (void)SSL_set_app_data(connection->ssl, connection);
    SSL_set_accept_state(connection->ssl);
    if (connection->datagrams) {
        (void)DTLS_set_link_mtu(connection->ssl, 1200);
    }
    return connection;
}

void tls_connection_free(tls_connection *connection)
{
    uint8_t rest[4096];

    if (connection == NULL) {
        return;
    }
    SSL_free(connection->ssl);
    while (tls_take(connection, rest, sizeof rest) > 0) {
    }
    free(connection);
}

bool tls_feed(tls_connection *connection, floe_span bytes, void *plain, size_t room, size_t *size)
{
    *size = 0;
    connection->input = bytes;
    ERR_clear_error();
    while (!connection->over && *size < room) {
        int got = SSL_read(connection->ssl, (uint8_t *)plain + *size, (int)(room - *size));
        if (got > 0) {
            *size += (size_t)got;
            if (connection->datagrams) {
                break;
            }
            continue;
        }
        if (SSL_get_error(connection->ssl, got) != SSL_ERROR_WANT_READ) {
            connection->over = true;
        }
        break;
    }
    ERR_clear_error();
    return !connection->over;
}

bool tls_write(tls_connection *connection, floe_span plain)
{
    return SSL_write(connection->ssl, plain.data, (int)plain.size) > 0;
}

size_t tls_take(tls_connection *connection, void *buffer, size_t room)
{
    size_t taken = 0;

    while (connection->first != NULL && taken < room) {
        piece *one = connection->first;
        size_t left = one->size - one->at;
        size_t size = left < room - taken ? left : room - taken;
        memcpy((uint8_t *)buffer + taken, one->data + one->at, size);
        taken += size;
        one->at += size;
        if (one->at < one->size) {
            break;
        }
        connection->first = one->next;
        if (one->next == NULL) {
            connection->last = &connection->first;
        }
        free(one);
        if (connection->datagrams) {
            break;
        }
    }
    return taken;
}

void tls_tick(tls_connection *connection)
{
    (void)DTLSv1_handle_timeout(connection->ssl);
    ERR_clear_error();
}

const char *tls_server_name(const tls_connection *connection)
{
    return connection->name;
}

bool tls_speaks_turn(const tls_connection *connection)
{
    return connection->turn;
}

bool tls_has_client_certificate(const tls_connection *connection)
{
    return SSL_get0_peer_certificate(connection->ssl) != NULL;
}

void tls_say_goodbye(tls_connection *connection)
{
    (void)SSL_shutdown(connection->ssl);
}
