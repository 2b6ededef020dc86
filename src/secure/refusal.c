#include "secure/refusal.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

static void today(char *text, size_t size)
{
    ASN1_TIME *now = X509_gmtime_adj(NULL, 0);
    struct tm parts = {0};

    *text = '\0';
    if (now != NULL && ASN1_TIME_to_tm(now, &parts) == 1) {
        (void)BIO_snprintf(text, size, "%04d-%02d-%02d", parts.tm_year + 1900, parts.tm_mon + 1,
                           parts.tm_mday);
    }
    ASN1_TIME_free(now);
}

static void say_expired(const floe_secure_refusal *of, char *text, size_t size)
{
    int days = 0;
    int seconds = 0;
    char date[16];

    today(date, sizeof date);
    (void)ASN1_TIME_diff(&days, &seconds, X509_get0_notAfter(of->certificate), NULL);
    (void)snprintf(text, size, "it has expired %d day%s ago (this machine's clock says %s)", days,
                   days == 1 ? "" : "s", date);
}

static void say_early(char *text, size_t size)
{
    char date[16];

    today(date, sizeof date);
    (void)snprintf(text, size, "it is not yet valid (this machine's clock says %s)", date);
}

/* Others' bytes as text for people. */
static void issuer_of(X509 *certificate, char *text, size_t size)
{
    *text = '\0';
    (void)X509_NAME_get_text_by_NID(X509_get_issuer_name(certificate), NID_commonName, text,
                                    (int)size);
    if (*text == '\0' &&
        X509_NAME_oneline(X509_get_issuer_name(certificate), text, (int)size) == NULL) {
        *text = '\0';
    }
    for (char *at = text; *at != '\0'; at++) {
        *at = *at >= ' ' && *at <= '~' ? *at : '?';
    }
}

/* One certificate alone: the commonest mistake is to serve the file of that in place of the one of the whole chain. */
static void say_issuer(const floe_secure_refusal *of, char *text, size_t size)
{
    STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(of->store);
    char issuer[80];

    issuer_of(of->certificate, issuer, sizeof issuer);
    if (sk_X509_num(sent) <= 1) {
        (void)snprintf(text, size,
                       "its issuer \"%s\" is not trusted here, and the server sent no certificate "
                       "of it: does the server use its full chain (fullchain.pem), or is "
                       "settings.tls_ca_file missing?",
                       issuer);
    } else {
        (void)snprintf(text, size,
                       "the authority \"%s\", which its chain ends with, is not trusted here: "
                       "settings.tls_ca_file",
                       issuer);
    }
}

static void say_host(const floe_secure_refusal *of, char *text, size_t size)
{
    if (*of->names != '\0') {
        (void)snprintf(text, size, "it is not for this host, %s, but for %s", of->host, of->names);
    } else {
        (void)snprintf(text, size, "it is not for this host, %s: it has no alternative names",
                       of->host);
    }
}

void floe_secure_refusal_text(const floe_secure_refusal *of, long code, char *text, size_t size)
{
    switch (code) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        say_host(of, text, size);
        break;
    case X509_V_ERR_APPLICATION_VERIFICATION:
        (void)snprintf(text, size, "its fingerprint is not the pinned one");
        break;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        say_expired(of, text, size);
        break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        say_early(text, size);
        break;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        say_issuer(of, text, size);
        break;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        (void)snprintf(text, size,
                       "it is self-signed, and not trusted here: settings.tls_ca_file, or "
                       "settings.tls_fingerprint");
        break;
    default:
        (void)snprintf(text, size, "%s", X509_verify_cert_error_string(code));
        break;
    }
}
