/* secure: which certificates are taken and which are refused, and how; sessions; bytes cut
 * anywhere; peers that mean ill. */
#include "support.h"
#include "tls.h"

#include "base/error.h"
#include "base/memory.h"
#include "secure/internal.h"
#include "secure/reason.h"
#include "secure/secure.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define FLIGHT 262144

static atomic_int set_back; /* the clock of the day, in seconds */
static atomic_bool stands;  /* it goes by what it is set to alone */

#pragma GCC visibility push(default)

/* In the place of the C library's, for OpenSSL. */
int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec time;

    (void)zone;
    int result = clock_gettime(CLOCK_REALTIME, &time);
    if (atomic_load(&stands)) {
        time = (struct timespec){.tv_sec = 2000000000};
    }
    now->tv_sec = time.tv_sec - atomic_load(&set_back);
    now->tv_usec = time.tv_nsec / 1000;
    return result;
}

#pragma GCC visibility pop

/* A client and a server, and what became of them. */
typedef struct pair {
    tls_server *server;
    tls_connection *connection;
    floe_secure *client;
    floe_secure_result result; /* the client's last that is not "waits" */
    bool ready;
    size_t largest; /* what the client sent at once */
    unsigned flights;
    char plain[256]; /* that the client got */
    size_t plain_size;
    uint8_t served[256]; /* that the server got */
    size_t served_size;
} pair;

static floe_secure_context *context_of(const floe_secure_options *options)
{
    floe_secure_context *context = NULL;

    assert_int_equal(floe_secure_context_new(&floe_default_allocator, options, &context), FLOE_OK);
    return context;
}

static const floe_secure_options *trusting(void)
{
    static floe_secure_options options;

    options = (floe_secure_options){.ca_file = tls_ca_file()};
    return &options;
}

static void client_read(pair *with, floe_span input)
{
    for (;;) {
        size_t size;
        floe_secure_result result =
            floe_secure_read(with->client, &input, with->plain + with->plain_size,
                             sizeof with->plain - with->plain_size, &size);
        assert_int_equal(ERR_peek_error(), 0); /* the application may use OpenSSL as well */
        with->plain_size += size;
        with->ready = with->ready || result == FLOE_SECURE_READY;
        if (result == FLOE_SECURE_WAITS) {
            return;
        }
        with->result = result;
        if (result == FLOE_SECURE_FAILED || result == FLOE_SECURE_CLOSED) {
            return;
        }
    }
}

/* The server's bytes reach the client `piece` at a time; a datagram is never cut. */
static void exchange(pair *with, size_t piece)
{
    static uint8_t bytes[FLIGHT];
    size_t size;

    client_read(with, (floe_span){0});
    for (unsigned i = 0; i < 100; i++) {
        bool moved = false;
        floe_span sent;
        while ((sent = floe_secure_take(with->client, bytes, sizeof bytes)).size > 0) {
            size_t got;
            with->largest = sent.size > with->largest ? sent.size : with->largest;
            (void)tls_feed(with->connection, sent, with->served + with->served_size,
                           sizeof with->served - with->served_size, &got);
            with->served_size += got;
            moved = true;
        }
        while ((size = tls_take(with->connection, bytes, sizeof bytes)) > 0) {
            for (size_t at = 0; at < size; at += piece) {
                size_t left = size - at;
                uint8_t *copy = exact_copy(bytes + at, left < piece ? left : piece, 0);
                client_read(with, floe_span_of(copy, left < piece ? left : piece));
                exact_free(copy, 0);
            }
            moved = true;
        }
        with->flights += moved;
        if (!moved) {
            return;
        }
    }
    fail_msg("they never stop talking");
}

static void begin(pair *with, tls_server *server, floe_secure_context *context, const char *host,
                  bool datagrams)
{
    *with = (pair){.server = server};
    with->connection = tls_accept(server);
    with->client = floe_secure_new(context, host, host, datagrams);
    assert_non_null(with->client);
    assert_int_equal(ERR_peek_error(), 0);
}

static void end(pair *with)
{
    floe_secure_free(with->client);
    tls_connection_free(with->connection);
}

typedef struct check {
    tls_certificate certificate;
    const char *host;
    const char *refused; /* part of the text; NULL: it is taken */
} check;

static const check checks[] = {
    {TLS_RIGHT, "turn.example", NULL},
    {TLS_RIGHT, "TURN.Example", NULL},
    {TLS_RIGHT, "turn.example.", NULL},
    {TLS_RIGHT, "192.0.2.1", NULL},
    {TLS_RIGHT, "2001:db8::1", NULL},
    {TLS_RIGHT, "2001:DB8:0::1", NULL},
    {TLS_RIGHT, "a.wild.example", NULL},
    {TLS_RIGHT, "wild.example", "not for this host"},
    {TLS_RIGHT, "a.b.wild.example", "not for this host"},
    {TLS_RIGHT, "turn.example.org", "not for this host"},
    {TLS_RIGHT, "192.0.2.2", "not for this host"},
    {TLS_RIGHT, "2001:db8::2", "not for this host"},
    {TLS_WRONG_NAME, "turn.example", "not for this host, turn.example, but for "},
    {TLS_COMMON_NAME_ONLY, "turn.example",
     "not for this host, turn.example: it has no alternative"},
    {TLS_WRONG_CA, "turn.example", "signature failure"},
    {TLS_SELF_SIGNED, "turn.example",
     "it is self-signed, and not trusted here: settings.tls_ca_file"},
    {TLS_EXPIRED, "turn.example", "it has expired "},
    {TLS_EXPIRED, "turn.example", " ago (this machine's clock says 20"},
    {TLS_NOT_YET_VALID, "turn.example", "not yet valid"},
    {TLS_EMBEDDED_NUL, "turn.example", "not for this host"},
    {TLS_WEAK_KEY, "turn.example", "key too weak"},
};

static void t8_certificates(void **state)
{
    (void)state;
    for (int datagrams = 0; datagrams < 2; datagrams++) {
        for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
            const check *one = &checks[i];
            tls_options options = {.certificate = one->certificate, .datagrams = datagrams == 1};
            tls_server *server = tls_server_new(&options);
            floe_secure_context *context = context_of(trusting());
            pair with;
            begin(&with, server, context, one->host, datagrams == 1);
            exchange(&with, FLIGHT);
            const char *text = floe_secure_failure(with.client);
            assert_int_equal(with.ready, one->refused == NULL);
            if (one->refused != NULL) {
                assert_int_equal(with.result, FLOE_SECURE_FAILED);
                assert_non_null(strstr(text, one->refused));
                assert_non_null(strstr(text, "/CN="));
                assert_non_null(strstr(text, "valid 20"));
            }
            end(&with);
            floe_secure_context_free(context);
            tls_server_free(server);
        }
    }
}

#ifndef _WIN32
/* Whether the server's certificate is believed by what the system trusts. */
static bool believed(bool datagrams)
{
    const floe_secure_options options = {0};
    tls_options right = {.certificate = TLS_RIGHT, .datagrams = datagrams};
    tls_server *server = tls_server_new(&right);
    floe_secure_context *context = context_of(&options);
    pair with;

    begin(&with, server, context, "turn.example", datagrams);
    exchange(&with, FLIGHT);
    bool ready = with.ready;
    assert_int_equal(floe_secure_over(with.client), !ready); /* nothing is waited for any more */
    end(&with);
    floe_secure_context_free(context);
    tls_server_free(server);
    return ready;
}

/* The system's authorities: the directory's are enough, where the one that is wanted is there, and
 * the file of all, whose reading takes long, is left alone; where it is not, the file is read. */
static void t8_the_systems_authorities_by_directory_then_by_file(void **state)
{
    char folder[] = "/tmp/floe-trust-XXXXXX";
    char authority[128];
    char fifo[128];
    FILE *file = fopen(tls_ca_file(), "r");
    X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(authority, sizeof authority, "%s/%08lx.0", folder,
                   X509_subject_name_hash(certificate));
    (void)snprintf(fifo, sizeof fifo, "%s/all", folder);
    assert_int_equal(mkfifo(fifo, 0600), 0); /* who reads it waits for ever */
    X509_free(certificate);
    (void)fclose(file);
    assert_int_equal(setenv("SSL_CERT_DIR", folder, 1), 0);
    for (int datagrams = 0; datagrams < 2; datagrams++) {
        assert_int_equal(setenv("SSL_CERT_FILE", tls_ca_file(), 1), 0);
        assert_true(believed(datagrams == 1));
        assert_int_equal(setenv("SSL_CERT_FILE", "/no/such/file", 1), 0);
        assert_false(believed(datagrams == 1));
        assert_int_equal(symlink(tls_ca_file(), authority), 0);
        assert_true(believed(datagrams == 1));
        assert_int_equal(setenv("SSL_CERT_FILE", fifo, 1), 0);
        (void)alarm(60);
        assert_true(believed(datagrams == 1));
        (void)alarm(0);
        assert_int_equal(unlink(authority), 0);
    }
    assert_int_equal(unlink(fifo), 0);
    assert_int_equal(rmdir(folder), 0);
    (void)unsetenv("SSL_CERT_DIR");
    (void)unsetenv("SSL_CERT_FILE");
}

/* Somebody else reads the file: the handshake stands until that is done, and loses nothing of what
 * comes meanwhile, however it is cut. The file is wanted once, for all handshakes. */
static void t8_the_systems_authorities_are_waited_for(void **state)
{
    static const floe_secure_options defaults;

    (void)state;
    assert_int_equal(setenv("SSL_CERT_DIR", "/no/such/folder", 1), 0);
    for (size_t i = 0; i < 6; i++) {
        tls_options options = {.certificate = TLS_RIGHT, .datagrams = i % 2 == 1};
        size_t piece = options.datagrams || i < 2 ? FLIGHT : i < 4 ? 1 : 1000;
        floe_secure_context *context = context_of(&defaults);
        tls_server *server = tls_server_new(&options);
        bool good = i < 4;
        pair first;
        pair second;

        assert_int_equal(setenv("SSL_CERT_FILE", good ? tls_ca_file() : "/no/such/file", 1), 0);
        floe_secure_context_promise_trust(context);
        begin(&first, server, context, "turn.example", options.datagrams);
        begin(&second, server, context, "turn.example", options.datagrams);
        assert_false(floe_secure_context_wants_trust(context));
        exchange(&first, piece);
        assert_true(floe_secure_context_wants_trust(context));
        exchange(&second, piece);
        assert_false(floe_secure_context_wants_trust(context));
        assert_false(first.ready || second.ready);
        assert_false(floe_secure_over(first.client) || floe_secure_over(second.client));
        ERR_clear_error();
        floe_secure_context_read_trust(context, true);
        assert_int_equal(ERR_peek_error(), 0);
        exchange(&first, piece);
        exchange(&second, piece);
        assert_int_equal(first.ready, good);
        assert_int_equal(second.ready, good);
        assert_int_equal(floe_secure_over(first.client), !good);
        assert_false(floe_secure_context_wants_trust(context));
        if (!good) { /* what could not be read may be there for the next one */
            pair third;
            assert_int_equal(setenv("SSL_CERT_FILE", tls_ca_file(), 1), 0);
            begin(&third, server, context, "turn.example", options.datagrams);
            exchange(&third, piece);
            assert_true(floe_secure_context_wants_trust(context));
            floe_secure_context_read_trust(context, true);
            exchange(&third, piece);
            assert_true(third.ready);
            end(&third);
        } else { /* and one that was read has all that there is */
            tls_server *other = tls_server_new(
                &(tls_options){.certificate = TLS_SELF_SIGNED, .datagrams = options.datagrams});
            pair third;
            begin(&third, other, context, "turn.example", options.datagrams);
            exchange(&third, piece);
            assert_int_equal(third.result, FLOE_SECURE_FAILED);
            assert_false(floe_secure_context_wants_trust(context));
            end(&third);
            tls_server_free(other);
        }
        end(&first);
        end(&second);
        tls_server_free(server);
        floe_secure_context_free(context);
    }
    (void)unsetenv("SSL_CERT_DIR");
    (void)unsetenv("SSL_CERT_FILE");
}

#endif

static void t8_a_name_is_told_and_an_address_is_not(void **state)
{
    static const char *const hosts[][2] = {{"turn.example", "turn.example"},
                                           {"turn.example.", "turn.example"},
                                           {"192.0.2.1", ""},
                                           {"2001:db8::1", ""}};
    floe_secure_context *context = context_of(trusting());
    tls_server *server = tls_server_new(&(tls_options){.certificate = TLS_RIGHT});

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        pair with;
        begin(&with, server, context, hosts[i][0], false);
        exchange(&with, FLIGHT);
        assert_true(with.ready);
        assert_string_equal(tls_server_name(with.connection), hosts[i][1]);
        assert_true(tls_speaks_turn(with.connection));
        end(&with);
    }
    floe_secure_context_free(context);
    tls_server_free(server);
}

static void t8_old_versions_are_refused(void **state)
{
    static const struct {
        int version;
        bool datagrams;
        const char *taken; /* NULL: refused */
    } cases[] = {{TLS1_VERSION, false, NULL},        {TLS1_1_VERSION, false, NULL},
                 {TLS1_2_VERSION, false, "TLSv1.2"}, {TLS1_3_VERSION, false, "TLSv1.3"},
                 {DTLS1_VERSION, true, NULL},        {DTLS1_2_VERSION, true, "DTLSv1.2"}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        floe_secure_context *context = context_of(trusting());
        tls_server *server = tls_server_new(&(tls_options){
            .certificate = TLS_RIGHT, .datagrams = cases[i].datagrams, .newest = cases[i].version});
        pair with;
        begin(&with, server, context, "turn.example", cases[i].datagrams);
        exchange(&with, FLIGHT);
        assert_int_equal(with.ready, cases[i].taken != NULL);
        assert_string_equal(floe_secure_version(with.client),
                            cases[i].taken != NULL ? cases[i].taken : "");
        if (cases[i].taken == NULL) {
            assert_int_equal(with.result, FLOE_SECURE_FAILED);
            assert_non_null(strstr(floe_secure_failure(with.client), "1.2"));
        }
        end(&with);
        floe_secure_context_free(context);
        tls_server_free(server);
    }
}

static void t8_a_pinned_certificate_alone_is_trusted(void **state)
{
    char pin[128];

    (void)state;
    tls_fingerprint(TLS_SELF_SIGNED, pin, sizeof pin);
    const floe_secure_options options = {.fingerprint = pin};
    for (int right = 0; right < 2; right++) {
        floe_secure_context *context = context_of(&options);
        tls_server *server =
            tls_server_new(&(tls_options){.certificate = right == 1 ? TLS_SELF_SIGNED : TLS_RIGHT});
        pair with;
        begin(&with, server, context, "whatever.example", false);
        exchange(&with, FLIGHT);
        assert_int_equal(with.ready, right);
        if (right == 0) {
            assert_non_null(strstr(floe_secure_failure(with.client), "not the pinned one"));
        } else {
            assert_string_equal(floe_secure_failure(with.client), "");
        }
        end(&with);
        floe_secure_context_free(context);
        tls_server_free(server);
    }
}

static void t8_insecure_takes_all_but_only_when_told(void **state)
{
    const floe_secure_options options = {.insecure = true};

    (void)state;
    for (int kind = 0; kind < TLS_WEAK_KEY; kind++) {
        floe_secure_context *context = context_of(&options);
        tls_server *server = tls_server_new(&(tls_options){.certificate = (tls_certificate)kind});
        pair with;
        char subject[64];
        int64_t until;
        begin(&with, server, context, "turn.example", false);
        exchange(&with, FLIGHT);
        assert_true(with.ready);
        assert_true(floe_secure_certificate(with.client, subject, sizeof subject, &until));
        assert_true(until > 1700000000);
        end(&with);
        floe_secure_context_free(context);
        tls_server_free(server);
    }
}

static void t8_our_own_certificate(void **state)
{
    const floe_secure_options both[] = {
        {.ca_file = tls_ca_file()},
        {.ca_file = tls_ca_file(),
         .certificate_file = tls_client_file(),
         .key_file = tls_client_file()},
    };

    (void)state;
    for (int has = 0; has < 2; has++) {
        floe_secure_context *context = context_of(&both[has]);
        tls_server *server = tls_server_new(&(tls_options){
            .certificate = TLS_RIGHT, .newest = TLS1_2_VERSION, .wants_certificate = true});
        pair with;
        begin(&with, server, context, "turn.example", false);
        exchange(&with, FLIGHT);
        assert_int_equal(with.ready, has);
        assert_int_equal(tls_has_client_certificate(with.connection), has);
        end(&with);
        floe_secure_context_free(context);
        tls_server_free(server);
    }
}

/* By TLS 1.3 the server says so behind our handshake's end (RFC 8446 §6.2). */
static void t8_a_server_that_wants_our_certificate(void **state)
{
    const floe_secure_options none = {.ca_file = tls_ca_file()};

    (void)state;
    floe_secure_context *context = context_of(&none);
    tls_server *server =
        tls_server_new(&(tls_options){.certificate = TLS_RIGHT, .wants_certificate = true});
    pair with;
    begin(&with, server, context, "turn.example", false);
    exchange(&with, FLIGHT);
    assert_non_null(strstr(floe_secure_failure(with.client), "settings.tls_certificate_file"));
    end(&with);
    floe_secure_context_free(context);
    tls_server_free(server);
}

/* RFC 7443 §2: who insists on a protocol of its own has us come again without any; for as long as the
 * context lives, and of that peer alone. */
static void t8_a_server_with_a_protocol_of_its_own(void **state)
{
    (void)state;
    for (int datagrams = 0; datagrams < 2; datagrams++) {
        const tls_options options = {
            .certificate = TLS_RIGHT, .datagrams = datagrams == 1, .other_protocol = true};
        floe_secure_context *context = context_of(trusting());
        tls_server *server = tls_server_new(&options);
        pair with;
        begin(&with, server, context, "turn.example", datagrams == 1);
        exchange(&with, FLIGHT);
        if (datagrams == 1) { /* its alert is in clear: believed when nothing else comes */
            assert_false(with.ready);
        } else {
            assert_non_null(strstr(floe_secure_failure(with.client), "no application protocol"));
            assert_true(floe_secure_goes_without_protocol(with.client));
        }
        end(&with);
        if (datagrams == 0) {
            begin(&with, server, context, "turn.example", false);
            exchange(&with, FLIGHT);
            assert_true(with.ready);
            assert_false(floe_secure_goes_without_protocol(with.client));
            end(&with);
        }
        for (int i = 0; i < 40; i++) { /* bounded */
            char peer[16];
            (void)snprintf(peer, sizeof peer, "%d", i);
            floe_secure_peer_is_plain(context, peer);
        }
        assert_false(floe_secure_is_plain(context, "0"));
        assert_true(floe_secure_is_plain(context, "39"));
        floe_secure_context_free(context);
        tls_server_free(server);
    }
}

static void copy_file(const char *from, const char *to)
{
    char bytes[32768];
    FILE *in = fopen(from, "r");
    FILE *out = fopen(to, "w");

    assert_true(in != NULL && out != NULL);
    size_t size = fread(bytes, 1, sizeof bytes, in);
    assert_true(size > 0 && size < sizeof bytes);
    assert_int_equal(fwrite(bytes, 1, size, out), size);
    (void)fclose(in);
    assert_int_equal(fclose(out), 0);
}

/* Files are read when the api is made: they may be gone by the first association, of either kind.
 */
static void t8_files_are_read_once(void **state)
{
    char authority[] = "/tmp/floe-authority-XXXXXX";
    char own[] = "/tmp/floe-own-XXXXXX";
    floe_secure_options options = {.ca_file = authority, .certificate_file = own, .key_file = own};

    (void)state;
    (void)close(mkstemp(authority));
    (void)close(mkstemp(own));
    copy_file(tls_ca_file(), authority);
    copy_file(tls_client_file(), own);
    floe_secure_context *context = context_of(&options);
    assert_int_equal(unlink(authority), 0);
    assert_int_equal(unlink(own), 0);
    for (int datagrams = 0; datagrams < 2; datagrams++) {
        tls_server *server =
            tls_server_new(&(tls_options){.certificate = TLS_RIGHT,
                                          .newest = datagrams == 1 ? DTLS1_2_VERSION : 0,
                                          .datagrams = datagrams == 1,
                                          .wants_certificate = true});
        pair with;
        begin(&with, server, context, "turn.example", datagrams == 1);
        exchange(&with, FLIGHT);
        assert_true(with.ready);
        assert_true(tls_has_client_certificate(with.connection));
        end(&with);
        tls_server_free(server);
    }
    floe_secure_context_free(context);
}

/* RFC 5280 §6.3: where the file of authorities has lists of revoked certificates, what is of such an
 * authority is checked against its list, which has to be of our time; what is of others is not. */
static void t8_lists_of_revoked_certificates(void **state)
{
    static const struct {
        bool of_the_authority;
        tls_certificate revoked;
        long next;
        const char *refused;
    } rows[] = {
        {true, TLS_RIGHT, 86400, "certificate revoked"},
        {true, TLS_WRONG_NAME, 86400, NULL},
        {true, TLS_WRONG_NAME, -3600, "CRL has expired"},
        {false, TLS_RIGHT, 86400, NULL},
    };

    (void)state;
    for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
        char file[] = "/tmp/floe-authority-XXXXXX";
        bool datagrams = i % 2 == 1;
        (void)close(mkstemp(file));
        copy_file(tls_ca_file(), file);
        assert_true(
            tls_add_crl(file, rows[i / 2].of_the_authority, rows[i / 2].revoked, rows[i / 2].next));
        floe_secure_context *context = context_of(&(floe_secure_options){.ca_file = file});
        assert_int_equal(unlink(file), 0);
        tls_server *server =
            tls_server_new(&(tls_options){.certificate = TLS_RIGHT, .datagrams = datagrams});
        pair with;
        begin(&with, server, context, "turn.example", datagrams);
        exchange(&with, FLIGHT);
        assert_int_equal(with.ready, rows[i / 2].refused == NULL);
        if (!with.ready) {
            assert_non_null(strstr(floe_secure_failure(with.client), rows[i / 2].refused));
        }
        end(&with);
        tls_server_free(server);
        floe_secure_context_free(context);
    }
}

#define HALF_A_PIN "0123456789abcdef0123456789abcdef"

/* A fingerprint in either case, with colons between its bytes or without. */
static void t8_a_pin_however_it_is_spelt(void **state)
{
    static const char *const spelt[] = {
        HALF_A_PIN HALF_A_PIN, HALF_A_PIN "0123456789ABCDEF0123456789ABCDEF",
        HALF_A_PIN "01:23:45:67:89:aB:Cd:Ef:01:23:45:67:89:AB:CD:EF"};
    static const uint8_t bytes[] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};

    (void)state;
    for (size_t i = 0; i < sizeof spelt / sizeof *spelt; i++) {
        const floe_secure_options options = {.fingerprint = spelt[i]};
        floe_secure_context *context = context_of(&options);
        for (size_t k = 0; k < FLOE_SECURE_FINGERPRINT_SIZE; k++) {
            assert_int_equal(context->fingerprint[k], bytes[k % sizeof bytes]);
        }
        floe_secure_context_free(context);
    }
}

static void files_that_cannot_be_used_are_told(void **state)
{
    static const struct {
        floe_secure_options options;
        const char *text;
    } cases[] = {
        {{.ca_file = "/no/such/file"}, "tls_ca_file \"/no/such/file\""},
        {{.ca_file = "/dev/null"}, "tls_ca_file"},
        {{.certificate_file = "/no/such", .key_file = "/no/such"}, "tls_certificate_file"},
        {{.certificate_file = "/no/such"}, "go together"},
        {{.key_file = "/no/such"}, "go together"},
        {{.fingerprint = ""}, "no SHA-256"},
        {{.fingerprint = "00:11"}, "no SHA-256"},
        {{.fingerprint = "zz"}, "no SHA-256"},
        {{.fingerprint = HALF_A_PIN HALF_A_PIN "0"}, "no SHA-256"},
        {{.fingerprint = HALF_A_PIN "0123456789abcdef0123456789abcde"}, "no SHA-256"},
        {{.fingerprint = "0:1" HALF_A_PIN "23456789abcdef0123456789abcdef"}, "no SHA-256"},
        {{.fingerprint = HALF_A_PIN "/123456789abcdef0123456789abcdef"}, "no SHA-256"},
        {{.fingerprint = HALF_A_PIN "012345678g9abcdef0123456789abcde"}, "no SHA-256"},
        {{.fingerprint = HALF_A_PIN "`123456789abcdef0123456789abcdef"}, "no SHA-256"},
        {{.fingerprint = HALF_A_PIN "@123456789abcdef0123456789abcdef"}, "no SHA-256"},
        {{.fingerprint = HALF_A_PIN "G123456789abcdef0123456789abcdef"}, "no SHA-256"},
        {{.fingerprint = HALF_A_PIN "g123456789abcdef0123456789abcdef"}, "no SHA-256"},
    };
    floe_secure_context *context = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(
            floe_secure_context_new(&floe_default_allocator, &cases[i].options, &context),
            FLOE_ERR_INVALID_ARGUMENT);
        assert_non_null(strstr(floe_last_error(), cases[i].text));
        assert_int_equal(ERR_peek_error(), 0); /* the application may use OpenSSL as well */
    }
}

static void add_dates(time_t now, char *text, size_t size)
{
    time_t from = now - 10L * 86400;
    time_t until = now - 86400;
    struct tm parts;
    char one[16];
    char other[16];

    (void)strftime(one, sizeof one, "%Y-%m-%d", gmtime_r(&from, &parts));
    (void)strftime(other, sizeof other, "%Y-%m-%d", gmtime_r(&until, &parts));
    (void)snprintf(text, size, "(valid %s to %s)", one, other);
}

/* From when and until when a certificate is valid is told as it is written in it. */
/* The certificates are made once in a process, by the first test that wants them. */
static time_t began;

static void t8_the_dates_of_a_certificate(void **state)
{
    floe_secure_context *context = context_of(trusting());
    char dates[2][64];
    char subject[128];
    int64_t not_after = 0;
    pair with;

    (void)state;
    tls_server *server = tls_server_new(&(tls_options){.certificate = TLS_EXPIRED});
    begin(&with, server, context, "turn.example", false);
    exchange(&with, FLIGHT);
    time_t after = time(NULL);
    add_dates(began, dates[0], sizeof dates[0]);
    add_dates(after, dates[1], sizeof dates[1]); /* a day may have begun meanwhile */
    const char *text = floe_secure_failure(with.client);
    assert_true(strstr(text, dates[0]) != NULL || strstr(text, dates[1]) != NULL);
    assert_true(floe_secure_certificate(with.client, subject, sizeof subject, &not_after));
    assert_in_range(not_after, began - 86400, after - 86400);
    end(&with);
    floe_secure_context_free(context);
    tls_server_free(server);
}

/* The second association resumes, over TLS 1.2, 1.3 and DTLS; the ticket is used once. */
static void t8_sessions_are_resumed(void **state)
{
    static const struct {
        int version;
        bool datagrams;
    } kinds[] = {{TLS1_2_VERSION, false}, {TLS1_3_VERSION, false}, {DTLS1_2_VERSION, true}};

    (void)state;
    for (size_t kind = 0; kind < 3; kind++) {
        floe_secure_context *context = context_of(trusting());
        tls_server *server = tls_server_new(&(tls_options){.certificate = TLS_RIGHT,
                                                           .datagrams = kinds[kind].datagrams,
                                                           .newest = kinds[kind].version});
        for (int i = 0; i < 4; i++) {
            pair with;
            const char *host = i < 3 ? "turn.example" : "192.0.2.1"; /* another peer */
            begin(&with, server, context, host, kinds[kind].datagrams);
            exchange(&with, FLIGHT);
            assert_true(with.ready);
            assert_int_equal(floe_secure_resumed(with.client), i == 1 || i == 2);
            floe_secure_close(with.client);
            exchange(&with, FLIGHT);
            end(&with);
        }
        floe_secure_context_free(context);
        tls_server_free(server);
    }
}

static void data_goes_both_ways_however_it_is_cut(void **state)
{
    static const size_t pieces[] = {1, 2, 3, 5, 7, 100, FLIGHT};

    (void)state;
    for (int datagrams = 0; datagrams < 2; datagrams++) {
        floe_secure_context *context = context_of(trusting());
        tls_server *server =
            tls_server_new(&(tls_options){.certificate = TLS_RIGHT, .datagrams = datagrams == 1});
        for (size_t i = 0; i < (datagrams == 1 ? 1 : sizeof pieces / sizeof *pieces); i++) {
            pair with;
            size_t piece = datagrams == 1 ? FLIGHT : pieces[i];
            begin(&with, server, context, "turn.example", datagrams == 1);
            assert_false(floe_secure_write(with.client, floe_span_text("too early")));
            exchange(&with, piece);
            assert_true(with.ready);
            assert_true(floe_secure_write(with.client, floe_span_text("ping")));
            assert_true(floe_secure_waiting(with.client) > 4);
            exchange(&with, piece);
            assert_int_equal(floe_secure_waiting(with.client), 0);
            assert_true(tls_write(with.connection, floe_span_text("po")));
            assert_true(tls_write(with.connection, floe_span_text("ng")));
            exchange(&with, piece);
            assert_true(floe_span_equal(floe_span_of(with.served, with.served_size),
                                        floe_span_text("ping")));
            assert_true(
                floe_span_equal(floe_span_of(with.plain, with.plain_size), floe_span_text("pong")));
            assert_true(datagrams == 0 || with.largest <= FLOE_SECURE_MTU);
            tls_say_goodbye(with.connection);
            exchange(&with, piece);
            assert_int_equal(with.result, FLOE_SECURE_CLOSED);
            end(&with);
        }
        floe_secure_context_free(context);
        tls_server_free(server);
    }
}

/* It says goodbye once, and not before there is anything to take leave of: a handshake goes on for who
 * reads on, and who was left himself has nothing to say. */
static void a_goodbye_is_said_once(void **state)
{
    (void)state;
    for (int datagrams = 0; datagrams < 2; datagrams++) {
        floe_secure_context *context = context_of(trusting());
        tls_server *server =
            tls_server_new(&(tls_options){.certificate = TLS_RIGHT, .datagrams = datagrams == 1});
        for (int left = 0; left < 2; left++) {
            pair with;
            begin(&with, server, context, "turn.example", datagrams == 1);
            floe_secure_close(with.client);
            assert_false(floe_secure_over(with.client));
            exchange(&with, FLIGHT);
            assert_true(with.ready);
            if (left == 1) {
                tls_say_goodbye(with.connection);
                exchange(&with, FLIGHT);
                assert_int_equal(with.result, FLOE_SECURE_CLOSED);
            }
            assert_int_equal(floe_secure_waiting(with.client), 0);
            floe_secure_close(with.client);
            assert_int_equal(floe_secure_waiting(with.client) > 0, left == 0);
            assert_true(floe_secure_over(with.client));
            size_t waiting = floe_secure_waiting(with.client);
            floe_secure_close(with.client);
            assert_int_equal(floe_secure_waiting(with.client), waiting);
            end(&with);
        }
        floe_secure_context_free(context);
        tls_server_free(server);
    }
}

/* Of one peer four are kept, of all together 64. */
static void sessions_are_kept_within_bounds(void **state)
{
    counting_allocator memory;
    floe_secure_context *context = NULL;
    tls_server *server = tls_server_new(&(tls_options){.certificate = TLS_RIGHT});

    (void)state;
    for (int many = 0; many < 2; many++) {
        size_t most = 0;
        size_t bound = many ? 64 : 4;
        counting_init(&memory);
        assert_int_equal(floe_secure_context_new(&memory.table, trusting(), &context), FLOE_OK);
        size_t none = memory.live;
        for (int i = 0; i < (many ? 80 : 12); i++) {
            pair with = {.server = server, .connection = tls_accept(server)};
            char peer[32] = "the peer";
            if (many) {
                (void)snprintf(peer, sizeof peer, "peer %d", i);
            }
            /* TLS 1.3 gives two tickets: more come than one handshake takes. */
            with.client = floe_secure_new(context, "turn.example", peer, false);
            exchange(&with, FLIGHT);
            assert_true(with.ready);
            end(&with);
            most = memory.live - none > most ? memory.live - none : most;
        }
        assert_in_range(most, bound / 2, bound);
        floe_secure_context_free(context);
        assert_int_equal(memory.live, 0);
    }
    tls_server_free(server);
}

static SSL_SESSION *session_of(int version)
{
    SSL_SESSION *made = SSL_SESSION_new();

    assert_non_null(made);
    assert_int_equal(SSL_SESSION_set_protocol_version(made, version), 1);
    return made;
}

static void is_taken(floe_secure_context *context, const char *peer, const SSL_SESSION *expected)
{
    SSL_SESSION *taken = floe_secure_session_take(context, peer);

    assert_ptr_equal(taken, expected);
    SSL_SESSION_free(taken);
}

/* Of a peer's the latest serves, a ticket of TLS 1.3 once; of each peer four are kept, of all 64,
 * and the oldest goes first. */
static void t8_which_sessions_are_kept(void **state)
{
    floe_secure_context *context = context_of(trusting());
    SSL_SESSION *made[70];
    char peer[32];

    (void)state;
    floe_secure_session_keep(context, "other", made[0] = session_of(TLS1_2_VERSION));
    for (int i = 1; i < 7; i++) {
        floe_secure_session_keep(context, "peer", made[i] = session_of(TLS1_3_VERSION));
    }
    for (int i = 6; i > 2; i--) {
        is_taken(context, "peer", made[i]);
    }
    is_taken(context, "peer", NULL);
    is_taken(context, "other", made[0]);
    is_taken(context, "other", made[0]);
    is_taken(context, "pee", NULL);
    for (int i = 1; i < 67; i++) {
        (void)snprintf(peer, sizeof peer, "peer %d", i);
        floe_secure_session_keep(context, peer, made[i] = session_of(TLS1_3_VERSION));
    }
    is_taken(context, "other", NULL);
    for (int i = 1; i < 67; i++) {
        (void)snprintf(peer, sizeof peer, "peer %d", i);
        is_taken(context, peer, i > 2 ? made[i] : NULL);
    }
    assert_true(floe_list_empty(&context->sessions));
    floe_secure_context_free(context);
}

static size_t served(pair *with, uint8_t *room, size_t size, bool datagrams)
{
    static uint8_t small[1000];
    size_t all = 0;
    floe_span sent;

    while ((sent = floe_secure_take(with->client, small, sizeof small)).size > 0) {
        size_t got = 0;
        assert_true(datagrams || sent.size <= sizeof small);
        (void)tls_feed(with->connection, sent, &room[all], size - all, &got);
        all += got;
    }
    return all;
}

/* K1: up to 16,000 bytes go in one record, which for DTLS is one datagram; and of a stream as much
 * waits as its owner lets wait. */
static void k1_large_records_and_many(void **state)
{
    static uint8_t data[16000];
    static uint8_t room[4 * 1024 * 1024 + sizeof data];

    (void)state;
    memset(data, 'd', sizeof data);
    for (int datagrams = 0; datagrams < 2; datagrams++) {
        floe_secure_context *context = context_of(trusting());
        tls_server *server =
            tls_server_new(&(tls_options){.certificate = TLS_RIGHT, .datagrams = datagrams == 1});
        pair with;
        size_t written = 0;
        begin(&with, server, context, "turn.example", datagrams == 1);
        exchange(&with, FLIGHT);
        assert_true(with.ready);
        for (size_t size = 4500; size <= sizeof data; size += 100) {
            assert_true(floe_secure_write(with.client, floe_span_of(data, size)));
            assert_int_equal(served(&with, room, sizeof room, datagrams == 1), size);
        }
        while (written < sizeof room - sizeof data) {
            assert_true(floe_secure_write(with.client, floe_span_of(data, sizeof data)));
            written += sizeof data;
        }
        assert_true(floe_secure_waiting(with.client) > written);
        assert_int_equal(served(&with, room, sizeof room, datagrams == 1), written);
        assert_int_equal(floe_secure_waiting(with.client), 0);
        assert_true(tls_write(with.connection, floe_span_text("pong")));
        exchange(&with, FLIGHT);
        assert_true(
            floe_span_equal(floe_span_of(with.plain, with.plain_size), floe_span_text("pong")));
        end(&with);
        floe_secure_context_free(context);
        tls_server_free(server);
    }
}

/* What has lost a record's bytes is no stream any more, and says so; a datagram may be lost. */
static void a_record_without_memory(void **state)
{
    (void)state;
    for (int datagrams = 0; datagrams < 2; datagrams++) {
        counting_allocator memory;
        floe_secure_context *context = NULL;
        tls_server *server =
            tls_server_new(&(tls_options){.certificate = TLS_RIGHT, .datagrams = datagrams == 1});
        pair with;
        counting_init(&memory);
        assert_int_equal(floe_secure_context_new(&memory.table, trusting(), &context), FLOE_OK);
        begin(&with, server, context, "turn.example", datagrams == 1);
        exchange(&with, FLIGHT);
        assert_true(with.ready);
        memory.fail_at = memory.calls + 1;
        assert_int_equal(floe_secure_write(with.client, floe_span_text("lost")), datagrams == 1);
        memory.fail_at = 0;
        assert_int_equal(floe_secure_over(with.client), datagrams == 0);
        assert_string_equal(floe_secure_failure(with.client),
                            datagrams == 0 ? "the connection broke: malloc failure" : "");
        assert_int_equal(floe_secure_write(with.client, floe_span_text("ping")), datagrams == 1);
        exchange(&with, FLIGHT);
        assert_int_equal(with.served_size, datagrams == 1 ? 4 : 0);
        end(&with);
        floe_secure_context_free(context);
        assert_int_equal(memory.live, 0);
        tls_server_free(server);
    }
}

/* Noise, records that lie about their length, and every byte of the server's first flight changed
 * in turn: an end in bounded time, never ready by a lie. */
static void bytes_that_lie(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
    } lies[] = {
        {"HTTP/1.1 400 Bad Request\r\n\r\n", 28},
        {"\x16\x03\x03\xff\xff", 5},
        {"\x16\x03\x03\x40\x01", 5},
        {"\x16\x03\x03\0\x04\x02\xff\xff\xff", 9}, /* a handshake message of 16 MB */
        {"\x15\x03\x03\0\x02\x02\x28", 7},         /* an alert */
        {"\x17\x03\x03\0\x04garb", 9},
        {"\x80\x2e\x01\0\x02", 5}, /* SSL 2 */
    };
    floe_secure_context *context = context_of(trusting());
    tls_server *server = tls_server_new(&(tls_options){.certificate = TLS_RIGHT});

    (void)state;
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        static uint8_t rest[70000];
        pair with;
        begin(&with, server, context, "turn.example", false);
        client_read(&with, (floe_span){0});
        client_read(&with, floe_span_of(lies[i].bytes, lies[i].size));
        client_read(&with, floe_span_of(rest, sizeof rest));
        assert_false(with.ready);
        assert_int_equal(with.result, FLOE_SECURE_FAILED);
        assert_true(floe_secure_over(with.client));
        assert_true(strlen(floe_secure_failure(with.client)) > 20);
        end(&with);
    }
    tls_server_free(server);
    floe_secure_context_free(context);
}

static void a_flight_changed_anywhere_is_no_loss(void **state)
{
    static uint8_t bytes[FLIGHT];
    floe_secure_context *context = context_of(trusting());

    (void)state;
    for (int datagrams = 0; datagrams < 2; datagrams++) {
        tls_server *server =
            tls_server_new(&(tls_options){.certificate = TLS_RIGHT, .datagrams = datagrams == 1});
        size_t all = 1;
        for (size_t at = 0; at < all; at += 1 + at / 64) {
            pair with;
            size_t got;
            size_t size;
            begin(&with, server, context, "turn.example", datagrams == 1);
            client_read(&with, (floe_span){0});
            (void)tls_feed(with.connection, floe_secure_take(with.client, bytes, sizeof bytes),
                           with.served, sizeof with.served, &got);
            size = tls_take(with.connection, bytes, sizeof bytes);
            all = size;
            if (at < size) {
                bytes[at] ^= 0x55;
            }
            client_read(&with, floe_span_of(bytes, size));
            exchange(&with, FLIGHT);
            end(&with);
        }
        tls_server_free(server);
    }
    floe_secure_context_free(context);
}

static void a_thousand_certificates_are_refused(void **state)
{
    (void)state;
    for (int datagrams = 0; datagrams < 2; datagrams++) {
        floe_secure_context *context = context_of(trusting());
        tls_server *server = tls_server_new(
            &(tls_options){.certificate = TLS_LONG_CHAIN, .datagrams = datagrams == 1});
        pair with;
        begin(&with, server, context, "turn.example", datagrams == 1);
        exchange(&with, FLIGHT);
        assert_false(with.ready);
        assert_int_equal(with.result, FLOE_SECURE_FAILED);
        end(&with);
        floe_secure_context_free(context);
        tls_server_free(server);
    }
}

static void t9_a_lost_flight_is_sent_again(void **state)
{
    static uint8_t bytes[FLIGHT];
    floe_secure_context *context = context_of(trusting());
    tls_server *server =
        tls_server_new(&(tls_options){.certificate = TLS_RIGHT, .datagrams = true});
    floe_duration left;
    pair with;

    (void)state;
    begin(&with, server, context, "turn.example", true);
    assert_false(floe_secure_timeout(with.client, &left));
    client_read(&with, (floe_span){0});
    assert_true(floe_secure_take(with.client, bytes, sizeof bytes).size > 0); /* lost */
    assert_true(floe_secure_timeout(with.client, &left));
    assert_true(left.ns > 0 && left.ns <= 1000000000U);
    assert_true(floe_secure_time(with.client)); /* not yet */
    end(&with);
    tls_server_free(server);
    floe_secure_context_free(context);
}

/* RFC 6347 §4.2.4.1: a second, and then twice as long each time, a minute at most. */
static void t9_each_flight_waits_twice_as_long(void **state)
{
    static const int seconds[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};
    static uint8_t bytes[FLIGHT];
    floe_secure_context *context = context_of(trusting());
    tls_server *server =
        tls_server_new(&(tls_options){.certificate = TLS_RIGHT, .datagrams = true});
    int before = atomic_load(&set_back);
    floe_duration left;
    pair with;

    (void)state;
    atomic_store(&stands, true);
    begin(&with, server, context, "turn.example", true);
    client_read(&with, (floe_span){0});
    assert_true(floe_secure_take(with.client, bytes, sizeof bytes).size > 0);
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
        assert_true(floe_secure_timeout(with.client, &left));
        assert_int_equal(left.ns, floe_seconds((uint64_t)seconds[i]).ns);
        atomic_fetch_sub(&set_back, seconds[i] - 1);
        assert_true(floe_secure_time(with.client));
        assert_int_equal(floe_secure_waiting(with.client), 0);
        assert_true(floe_secure_timeout(with.client, &left));
        assert_int_equal(left.ns, floe_seconds(1).ns);
        atomic_fetch_sub(&set_back, 1);
        assert_true(floe_secure_time(with.client));
        assert_true(floe_secure_take(with.client, bytes, sizeof bytes).size > 0);
        assert_int_equal(floe_secure_waiting(with.client), 0);
    }
    atomic_store(&stands, false);
    atomic_store(&set_back, before);
    end(&with);
    tls_server_free(server);
    floe_secure_context_free(context);
}

/* OpenSSL's timer is the clock of the day's: that it is set back stops no flight, neither the first
 * nor one that the server has not answered yet. */
static void t9_a_clock_that_is_set_back_stops_no_flight(void **state)
{
    static uint8_t bytes[FLIGHT];
    floe_secure_context *context = context_of(trusting());
    tls_server *server =
        tls_server_new(&(tls_options){.certificate = TLS_RIGHT, .datagrams = true});
    floe_duration left;

    (void)state;
    for (int answered = 0; answered < 2; answered++) {
        pair with;
        size_t got;
        begin(&with, server, context, "turn.example", true);
        client_read(&with, (floe_span){0});
        floe_span hello = floe_secure_take(with.client, bytes, sizeof bytes);
        assert_true(hello.size > 0);
        if (answered == 1) {
            (void)tls_feed(with.connection, hello, with.served, sizeof with.served, &got);
            assert_true(tls_take(with.connection, bytes, sizeof bytes) > 0);
        } /* all that is lost */
        atomic_fetch_add(&set_back, 3600);
        assert_true(floe_secure_timeout(with.client, &left));
        assert_true(left.ns > 0 && left.ns <= 1000000000U);
        assert_true(floe_secure_time(with.client));
        assert_true(floe_secure_waiting(with.client) > 0);
        if (answered == 0) {
            exchange(&with, FLIGHT);
            assert_true(with.ready);
        }
        end(&with);
    }
    tls_server_free(server);
    floe_secure_context_free(context);
}

/* In the handshake an alert of DTLS comes in clear, and anybody's: alone, or behind a record of the
 * server's. It ends nothing while better comes, and is the reason when nothing does. */
static void t9_an_alert_in_clear_waits_to_be_believed(void **state)
{
    static const uint8_t alert[] = {21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40};
    static uint8_t bytes[FLIGHT];
    floe_secure_context *context = context_of(trusting());
    tls_server *server =
        tls_server_new(&(tls_options){.certificate = TLS_RIGHT, .datagrams = true});

    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        pair with;
        size_t got;
        begin(&with, server, context, "turn.example", true);
        client_read(&with, (floe_span){0});
        (void)tls_feed(with.connection, floe_secure_take(with.client, bytes, sizeof bytes),
                       with.served, sizeof with.served, &got);
        size_t size = kind == 1 ? tls_take(with.connection, bytes, sizeof bytes) : 0;
        memcpy(bytes + size, alert, sizeof alert);
        client_read(&with, floe_span_of(bytes, size + sizeof alert));
        assert_int_equal(with.result, FLOE_SECURE_WAITS);
        if (kind == 3) { /* what comes behind it is better, and the flight is sent again */
            client_read(&with, floe_span_of(bytes, tls_take(with.connection, bytes, sizeof bytes)));
            assert_true(floe_secure_time(with.client));
        }
        if (kind != 2) {
            exchange(&with, FLIGHT);
            assert_true(with.ready);
        } else {
            assert_false(floe_secure_time(with.client));
            assert_true(floe_secure_over(with.client));
            assert_string_equal(
                floe_secure_failure(with.client),
                "the handshake failed: the server says handshake failure: the two have no "
                "cipher, curve or signature in common, or it wants a certificate of ours");
        }
        end(&with);
    }
    tls_server_free(server);
    floe_secure_context_free(context);
}

typedef struct reason_row {
    const char *name;
    size_t size;
    uint8_t bytes[64];
    const char *words; /* of the failure, somewhere in it */
} reason_row;

#define ALERT(number)                                                                              \
    7,                                                                                             \
    {                                                                                              \
        21, 3, 3, 0, 2, 2, number                                                                  \
    }
#define NO_TLS "the handshake failed: no TLS is spoken on this port: is it turn: in place of turns:"
#define OURS "it does not accept our certificate (settings.tls_certificate_file)"

/* E1: why a handshake fails is told in words that do not take an expert of OpenSSL's: what the server's first bytes
 * are, and what an alert of its own says. */
static void e1_why_a_handshake_fails(void **state)
{
    static const reason_row rows[] = {
        {"a plain answer of STUN", 20, {1, 17, 0, 0, 0x21, 0x12, 0xa4, 0x42}, NO_TLS},
        {"HTTP", 12, "HTTP/1.1 400", NO_TLS},
        {"a request of HTTP", 16, "GET / HTTP/1.1\r\n", NO_TLS},
        {"another proxy's client", 16, "CONNECT a:1 HTTP", NO_TLS},
        {"SSH", 12, "SSH-2.0-Open", NO_TLS},
        {"a length that can't be", 5, {22, 3, 3, 0xff, 0xff}, NO_TLS},
        {"TLS 1.0 alone",
         47,
         {22, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1, [44] = 0x2f},
         "the handshake failed: the server offers only versions that are older than 1.2"},
        {"RFC 5746 is not known",
         47,
         {22, 3, 3, 0, 42, 2, 0, 0, 38, 3, 3, [44] = 0xc0, 0x2f},
         "the server's TLS is too old: it has no secure renegotiation (RFC 5746)"},
        {"handshake failure", ALERT(40), "says handshake failure: the two have no cipher, curve"},
        {"bad certificate", ALERT(42), "the server says bad certificate: " OURS},
        {"unsupported certificate", ALERT(43), "unsupported certificate: " OURS},
        {"certificate revoked", ALERT(44), "certificate revoked: " OURS},
        {"certificate expired", ALERT(45), "certificate expired: " OURS},
        {"certificate unknown", ALERT(46), "certificate unknown: " OURS},
        {"unknown CA", ALERT(48), "unknown CA: " OURS},
        {"access denied", ALERT(49), "access denied: " OURS},
        {"protocol version", ALERT(70), "protocol version: it takes none of our versions, 1.2 and"},
        {"insufficient security", ALERT(71), "insufficient security: it wants stronger ciphers"},
        {"internal error", ALERT(80), "internal error: look into the server's log"},
        {"unrecognized name", ALERT(112),
         "unrecognized name: it does not know the host of the URL"},
        {"certificate required", ALERT(116),
         "certificate required: it wants one of ours, settings."},
        {"an alert without advice", ALERT(50), "the server says decode error"},
    };
    floe_secure_context *context = context_of(trusting());
    tls_server *server = tls_server_new(&(tls_options){.certificate = TLS_RIGHT});

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        pair with;
        begin(&with, server, context, "turn.example", false);
        client_read(&with, (floe_span){0});
        client_read(&with, floe_span_of(rows[i].bytes, rows[i].size));
        assert_int_equal(with.result, FLOE_SECURE_FAILED);
        if (strstr(floe_secure_failure(with.client), rows[i].words) == NULL) {
            fail_msg("%s: %s", rows[i].name, floe_secure_failure(with.client));
        }
        end(&with);
    }
    tls_server_free(server);
    floe_secure_context_free(context);

    static const int kinds[] = {SSL_R_UNKNOWN_PROTOCOL, SSL_R_VERSION_TOO_LOW,
                                SSL_R_WRONG_SSL_VERSION, SSL_R_DH_KEY_TOO_SMALL,
                                SSL_R_BAD_SIGNATURE};
    static const char *const words[] = {"no TLS is spoken", "older than 1.2", "older than 1.2",
                                        "Diffie-Hellman key is too short", "bad signature"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) { /* that a server must be made for */
        assert_non_null(strstr(floe_secure_reason(ERR_PACK(ERR_LIB_SSL, 0, kinds[i])), words[i]));
    }
    assert_null(floe_secure_reason(ERR_PACK(ERR_LIB_X509, 0, SSL_R_UNKNOWN_PROTOCOL)));
}

/* OpenSSL's first object in a process takes long to make, and the first host candidates do not wait for that. */
static void nothing_of_openssl_is_made_before_the_first_read(void **state)
{
    floe_secure_context *context = context_of(trusting());
    uint8_t buffer[64];
    floe_span nothing = {0};
    size_t size;

    (void)state;
    floe_secure *client = floe_secure_new(context, "turn.example", "turn.example", true);
    assert_non_null(client);
    assert_null(client->ssl);
    floe_duration left;
    assert_false(floe_secure_timeout(client, &left));
    assert_true(floe_secure_time(client));
    assert_int_equal(floe_secure_take(client, buffer, sizeof buffer).size, 0);
    assert_int_equal(floe_secure_read(client, &nothing, buffer, sizeof buffer, &size),
                     FLOE_SECURE_WAITS);
    assert_non_null(client->ssl);
    assert_true(floe_secure_timeout(client, &left));
    floe_secure_free(client);
    floe_secure_context_free(context);
}

static void every_allocation_may_fail(void **state)
{
    tls_server *server = tls_server_new(&(tls_options){.certificate = TLS_RIGHT});

    (void)state;
    for (size_t n = 1;; n++) {
        counting_allocator memory;
        floe_secure_context *context = NULL;
        bool failed = false;
        counting_init(&memory);
        memory.fail_at = n;
        memory.fail_count = 1;
        if (floe_secure_context_new(&memory.table, trusting(), &context) == FLOE_OK) {
            pair with = {.server = server, .connection = tls_accept(server)};
            with.client = floe_secure_new(context, "turn.example", "turn.example", false);
            if (with.client != NULL) {
                exchange(&with, FLIGHT);
                failed = !with.ready;
            }
            failed = failed || with.client == NULL;
            end(&with);
        }
        floe_secure_context_free(context);
        assert_int_equal(memory.live, 0);
        if (memory.calls < n) {
            assert_false(failed);
            break;
        }
    }
    tls_server_free(server);
}

/* ── OpenSSL's own memory: the client's, so it is paused while the server's calls run ── */

/* Whether the handshake came to its end; if not, the client has said so. */
static bool shakes_hands(tls_server *server, floe_secure_context *context)
{
    static uint8_t bytes[FLIGHT];
    pair with = {.server = server, .connection = tls_accept(server)};
    bool good = false;

    memory_pause(false);
    with.client = floe_secure_new(context, "turn.example", "turn.example", false);
    if (with.client != NULL) {
        client_read(&with, (floe_span){0});
    }
    for (int i = 0; with.client != NULL && i < 10 && !with.ready; i++) {
        size_t size;
        floe_span sent;
        while ((sent = floe_secure_take(with.client, bytes, sizeof bytes)).size > 0) {
            size_t got;
            memory_pause(true);
            (void)tls_feed(with.connection, sent, with.served, sizeof with.served, &got);
            memory_pause(false);
        }
        memory_pause(true);
        size = tls_take(with.connection, bytes, sizeof bytes);
        memory_pause(false);
        client_read(&with, floe_span_of(bytes, size));
    }
    good = with.ready;
    assert_true(good || with.client == NULL || with.result == FLOE_SECURE_FAILED);
    end(&with);
    memory_pause(true);
    return good;
}

/* Whether there was such an allocation. A context may be spoilt by it: OpenSSL remembers of an
 * authority's certificate that it could not take it apart (docs/reliability.md). */
static bool try_without(size_t n, tls_server *server, const floe_secure_options *options)
{
    floe_secure_context *context = NULL;

    memory_fail(n);
    memory_pause(false);
    bool made = floe_secure_context_new(&floe_default_allocator, options, &context) == FLOE_OK;
    memory_pause(true);
    assert_true(made || (memory_failed() && *floe_last_error() != '\0'));
    bool good = made && shakes_hands(server, context);
    bool failed = memory_failed();
    assert_true(good || failed);
    memory_fail(0);
    floe_secure_context_free(context);
    return failed;
}

/* The authorities are a file's, or the system's. */
static void every_allocation_of_openssl_may_fail(void **state)
{
    static const floe_secure_options defaults;
    const floe_secure_options *const both[] = {trusting(), &defaults};
    tls_server *server = tls_server_new(&(tls_options){.certificate = TLS_RIGHT});

    (void)state;
    assert_int_equal(setenv("SSL_CERT_DIR", "/no/such/folder", 1), 0);
    assert_int_equal(setenv("SSL_CERT_FILE", tls_ca_file(), 1), 0);
    for (size_t i = 0; i < 2; i++) {
        size_t n = 1;
        (void)try_without(0, server, both[i]);
        while (try_without(n, server, both[i])) {
            n++;
        }
        assert_false(try_without(0, server, both[i])); /* all is as before */
        print_message("%u allocations\n", (unsigned)n - 1);
    }
    tls_server_free(server);
    (void)unsetenv("SSL_CERT_DIR");
    (void)unsetenv("SSL_CERT_FILE");
}

#ifndef _WIN32
/* A system whose OpenSSL takes weaker keys than we do: Debian's takes none itself. Before its first
 * use. */
static void weaken_the_system(void)
{
    static const char text[] =
        "openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\n"
        "system_default = weak\n[weak]\nCipherString = DEFAULT:@SECLEVEL=0\n";
    static char name[] = "/tmp/floe-openssl-XXXXXX";
    int fd = mkstemp(name);

    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    (void)close(fd);
    assert_int_equal(setenv("OPENSSL_CONF", name, 1), 0);
    assert_int_equal(OPENSSL_init_ssl(0, NULL), 1);
    (void)unlink(name);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(t8_certificates),
#ifndef _WIN32
        cmocka_unit_test(t8_the_systems_authorities_by_directory_then_by_file),
        cmocka_unit_test(t8_the_systems_authorities_are_waited_for),
#endif
        cmocka_unit_test(t8_a_name_is_told_and_an_address_is_not),
        cmocka_unit_test(t8_old_versions_are_refused),
        cmocka_unit_test(t8_a_pinned_certificate_alone_is_trusted),
        cmocka_unit_test(t8_insecure_takes_all_but_only_when_told),
        cmocka_unit_test(t8_our_own_certificate),
        cmocka_unit_test(t8_files_are_read_once),
        cmocka_unit_test(t8_lists_of_revoked_certificates),
        cmocka_unit_test(t8_a_server_that_wants_our_certificate),
        cmocka_unit_test(t8_a_server_with_a_protocol_of_its_own),
        cmocka_unit_test(t8_a_pin_however_it_is_spelt),
        cmocka_unit_test(t8_which_sessions_are_kept),
        cmocka_unit_test(t8_the_dates_of_a_certificate),
        cmocka_unit_test(t9_each_flight_waits_twice_as_long),
        cmocka_unit_test(files_that_cannot_be_used_are_told),
        cmocka_unit_test(t8_sessions_are_resumed),
        cmocka_unit_test(sessions_are_kept_within_bounds),
        cmocka_unit_test(data_goes_both_ways_however_it_is_cut),
        cmocka_unit_test(a_goodbye_is_said_once),
        cmocka_unit_test(k1_large_records_and_many),
        cmocka_unit_test(a_record_without_memory),
        cmocka_unit_test(bytes_that_lie),
        cmocka_unit_test(a_flight_changed_anywhere_is_no_loss),
        cmocka_unit_test(a_thousand_certificates_are_refused),
        cmocka_unit_test(t9_a_lost_flight_is_sent_again),
        cmocka_unit_test(t9_a_clock_that_is_set_back_stops_no_flight),
        cmocka_unit_test(t9_an_alert_in_clear_waits_to_be_believed),
        cmocka_unit_test(e1_why_a_handshake_fails),
        cmocka_unit_test(nothing_of_openssl_is_made_before_the_first_read),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(every_allocation_of_openssl_may_fail),
    };

    began = time(NULL);
    if (!LEAKS_ARE_SEEN && !memory_watch_openssl()) {
        return 1;
    }
#ifndef _WIN32
    weaken_the_system();
#endif
    return cmocka_run_group_tests_name("secure", tests, NULL, NULL);
}
