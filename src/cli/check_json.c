/* `floe turn check --json`: start, a check for each row, summary (floe-json(5)). */
#include "cli/check.h"

#include "cli/output.h"

#include <string.h>

static const char *const warning_words[WARNINGS] = {
    [WARNING_OPEN_RELAY] = "open-relay",           [WARNING_CERTIFICATE_ENDS] = "certificate-ends",
    [WARNING_NOT_VERIFIED] = "not-verified",       [WARNING_PRIVATE_RELAY] = "private-relay",
    [WARNING_DATA_NOT_TESTED] = "data-not-tested", [WARNING_CROWDED] = "crowded",
};

static void set(json_t *line, const char *name, json_t *value)
{
    (void)json_object_set_new(line, name, value);
}

static void set_text(json_t *line, const char *name, const char *text)
{
    set(line, name, json_text_or_null(text));
}

/* Two decimals; null where nothing is known. */
static json_t *rounded(bool known, double number)
{
    return known ? json_real((double)(int64_t)(number * 100 + 0.5) / 100) : json_null();
}

static json_t *flag(bool known, bool value)
{
    return known ? json_boolean(value) : json_null();
}

static void add_connection(json_t *line, const check_row *row)
{
    bool has = *row->certificate != '\0';

    set(line, "connect_ms", rounded(row->connect_ms > 0, row->connect_ms));
    set(line, "round_trip_ms", rounded(row->round_trip_ms > 0, row->round_trip_ms));
    set_text(line, "tls_version", row->tls);
    set(line, "tls_resumed", flag(*row->tls != '\0', row->resumed));
    set_text(line, "tls_detail", row->secured);
    set_text(line, "certificate", row->certificate);
    set(line, "certificate_days", has ? json_integer(check_days_left(row)) : json_null());
    set(line, "certificate_verified", flag(row->verified >= 0, row->verified == 1));
    set_text(line, "certificate_doubt", row->doubt);
}

static void add_relay(json_t *line, const check_row *row)
{
    json_t *relays = json_array();
    bool relayed = row->relay_count > 0;

    for (size_t i = 0; i < row->relay_count; i++) {
        (void)json_array_append_new(relays, json_text(row->relays[i]));
    }
    set_text(line, "authentication", row->authentication);
    set_text(line, "realm", row->realm);
    set_text(line, "software", row->software);
    set(line, "relays", relays);
    set(line, "lifetime", relayed ? json_integer(row->lifetime) : json_null());
    set(line, "family_error",
        row->family_error != 0 ? json_integer(row->family_error) : json_null());
    set(line, "mobility", flag(relayed, row->mobility));
    set(line, "tcp_allocations", flag(row->tcp_known, row->tcp_relay));
}

static void add_data(json_t *line, const check_row *row)
{
    static const char *const loops[] = {"unknown", "passes", "refused", "silent"};
    static const char *const outsides[] = {"not-tried", "open", "closed"};
    bool any = row->received > 0;

    set_text(line, "loop", row->relay_count > 0 ? loops[row->loop] : NULL);
    set(line, "packets_sent", any || row->sent > 0 ? json_integer(row->sent) : json_null());
    set(line, "packets_received", any || row->sent > 0 ? json_integer(row->received) : json_null());
    set(line, "loss_percent", rounded(row->sent > 0, check_loss(row)));
    set(line, "data_round_trip_ms", rounded(any, row->data_round_trip_ms));
    set(line, "mbit_per_second", rounded(row->mbit > 0, row->mbit));
    set_text(line, "outside", row->relay_count > 0 ? outsides[row->outside] : NULL);
    set_text(line, "outward", row->outward != OUTSIDE_NOT_TRIED ? outsides[row->outward] : NULL);
    set_text(line, "outside_why", row->outside_why);
    set_text(line, "outside_from", row->outside_from);
    set_text(line, "outside_to", row->outside_to);
}

static json_t *warnings_of(const check_row *row)
{
    json_t *all = json_array();

    for (int kind = 0; kind < WARNINGS; kind++) {
        if (*row->warnings[kind] != '\0') {
            json_t *one = json_object();
            set(one, "warning", json_text(warning_words[kind]));
            set(one, "text", json_text(row->warnings[kind]));
            (void)json_array_append_new(all, one);
        }
    }
    return all;
}

void check_json_row(const check_row *row)
{
    static const char *const results[] = {"stopped", "stopped", "ok",
                                          "failed",  "skipped", "stopped"};
    json_t *line = json_object();

    set(line, "event", json_text("check"));
    set(line, "url", json_text(row->url));
    set(line, "transport", json_text(check_transport_name(row->transport)));
    set_text(line, "family",
             row->family == FLOE_FAMILY_IPV4   ? "ipv4"
             : row->family == FLOE_FAMILY_IPV6 ? "ipv6"
                                               : NULL);
    set_text(line, "address", row->address);
    set(line, "port", json_integer(row->port));
    set(line, "result", json_text(results[row->state]));
    set(line, "ok", json_boolean(row->state == CHECK_OK));
    set_text(line, "error", row->error);
    set_text(line, "reason", row->reason);
    set(line, "code", row->code != 0 ? json_integer(row->code) : json_null());
    set(line, "warnings", warnings_of(row));
    set_text(line, "server", row->server);
    add_connection(line, row);
    add_relay(line, row);
    add_data(line, row);
    set(line, "attempts", json_integer(row->again ? 2 : 1));
    set(line, "ms", rounded(row->took_ms > 0, row->took_ms));
    json_write_line(standard_output, line);
}

void check_json_summary(const turn_checker *checker, int status)
{
    check_counts counts = check_count(checker);
    json_t *line = json_object();

    set(line, "event", json_text("summary"));
    set(line, "checks", json_integer((json_int_t)checker->row_count));
    set(line, "ok", json_integer((json_int_t)counts.ok));
    set(line, "failed", json_integer((json_int_t)counts.failed));
    set(line, "skipped", json_integer((json_int_t)counts.skipped));
    set(line, "stopped", json_integer((json_int_t)counts.stopped));
    set(line, "warnings", json_integer((json_int_t)counts.warnings));
    set(line, "causes", json_integer((json_int_t)counts.causes));
    set(line, "exit", json_integer(status));
    set(line, "ms", rounded(true, (double)(uv_hrtime() - checker->began) / 1e6));
    json_write_line(standard_output, line);
}
