#include "secure/reason.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>

static const char no_tls[] = "no TLS is spoken on this port: is it turn: in place of turns:, or is "
                             "it another service?";
static const char too_old[] = "the server offers only versions that are older than 1.2";

/* What OpenSSL finds in the server's bytes. */
static const struct {
    int reason;
    const char *words;
} reasons[] = {
    {SSL_R_WRONG_VERSION_NUMBER, no_tls},
    {SSL_R_HTTP_REQUEST, no_tls},
    {SSL_R_HTTPS_PROXY_REQUEST, no_tls},
    {SSL_R_UNKNOWN_PROTOCOL, no_tls},
    {SSL_R_PACKET_LENGTH_TOO_LONG, no_tls},
    {SSL_R_UNSUPPORTED_PROTOCOL, too_old},
    {SSL_R_VERSION_TOO_LOW, too_old},
    {SSL_R_WRONG_SSL_VERSION, too_old},
    {SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED,
     "the server's TLS is too old: it has no secure renegotiation (RFC 5746)"},
    {SSL_R_DH_KEY_TOO_SMALL, "the server's Diffie-Hellman key is too short to be safe"},
};

static const char not_ours[] = "it does not accept our certificate (settings.tls_certificate_file)";

/* What the server finds in ours. */
static const struct {
    int alert;
    const char *name; /* that OpenSSL 3.0 has none for; NULL: it has */
    const char *words;
} alerts[] = {
    {SSL_AD_HANDSHAKE_FAILURE, NULL,
     "the two have no cipher, curve or signature in common, or it wants a certificate of ours"},
    {SSL_AD_BAD_CERTIFICATE, NULL, not_ours},
    {SSL_AD_UNSUPPORTED_CERTIFICATE, NULL, not_ours},
    {SSL_AD_CERTIFICATE_REVOKED, NULL, not_ours},
    {SSL_AD_CERTIFICATE_EXPIRED, NULL, not_ours},
    {SSL_AD_CERTIFICATE_UNKNOWN, NULL, not_ours},
    {SSL_AD_UNKNOWN_CA, NULL, not_ours},
    {SSL_AD_ACCESS_DENIED, NULL, not_ours},
    {SSL_AD_PROTOCOL_VERSION, NULL, "it takes none of our versions, 1.2 and newer"},
    {SSL_AD_INSUFFICIENT_SECURITY, NULL, "it wants stronger ciphers than ours"},
    {SSL_AD_INTERNAL_ERROR, NULL, "look into the server's log"},
    {SSL_AD_UNRECOGNIZED_NAME, NULL,
     "it does not know the host of the URL: is that spelled right?"},
    {SSL_AD_CERTIFICATE_REQUIRED, "certificate required",
     "it wants one of ours, settings.tls_certificate_file"},
};

const char *floe_secure_reason(unsigned long code)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == reasons[i].reason) {
            return reasons[i].words;
        }
    }
    return ERR_reason_error_string(code);
}

void floe_secure_alert(int alert, char *text, size_t size)
{
    const char *name = SSL_alert_desc_string_long(alert);

    for (size_t i = 0; i < sizeof alerts / sizeof *alerts; i++) {
        if (alert == alerts[i].alert) {
            (void)snprintf(text, size, "%s: %s", alerts[i].name != NULL ? alerts[i].name : name,
                           alerts[i].words);
            return;
        }
    }
    (void)snprintf(text, size, "%s", name);
}
