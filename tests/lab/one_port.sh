# One UDP port for all gatherers (H3), at a real coturn behind a real NAT.

lab_test_h3_a_hundred_gatherers_ask_once() {
    local good=0
    lab_coturn 1 "$LAB_SERVER"
    lab_coturn 2 "$LAB_SERVER2"
    gather --udp-mux 5000 --gatherers 100 --network-types udp4 -u "$LAB_USER" -c "$LAB_SECRET" "turn:$LAB_SERVER" "stun:$LAB_SERVER2" || good=1
    expect "$(events '.type == "host"')" 100 hosts || good=1
    expect "$(events '.type == "srflx"')" 100 'reflexive candidates' || good=1
    expect "$(events '.type == "relay"')" 100 relays || good=1
    expect "$(jq -s '[.[] | select(.event == "candidate" and .type == "host") | .port] | unique | tostring' "$OUT")" '"[5000]"' ports || good=1
    expect "$(jq -s '[.[] | select(.event == "candidate" and .type == "relay") | .port] | unique | length' "$OUT")" 1 'relayed ports' || good=1
    expect "$(jq -s '[.[] | select(.event == "summary") | .packets_sent][0] <= 10' "$OUT")" true 'packets in all: ten at most' || good=1
    expect "$(jq -s '[.[] | select(.event == "server") | .shared] | unique | tostring' "$OUT")" '"[true]"' 'servers that are shared' || good=1
    return $good
}

# Each of them reports what was asked once: it is counted once, a failure too.
lab_test_h3_what_all_share_is_counted_once() {
    local good=0
    lab_coturn 1 "$LAB_SERVER"
    lab_client "$FLOE" gather --udp-mux 5000 --gatherers 3 --network-types udp4 -u "$LAB_USER" -c "$LAB_SECRET" "turn:$LAB_SERVER" stun:198.18.77.1 >"$OUT" 2>&1
    grep -q '^3 host, 3 srflx, 3 relay, shared;' "$OUT" && ! grep -q ' 3 times' "$OUT" || { cat "$OUT" >&2; good=1; }
    gather --udp-mux 5000 --gatherers 3 --network-types udp4 -u "$LAB_USER" -c "$LAB_SECRET" "turn:$LAB_SERVER" || good=1
    expect "$(jq -s '([.[] | select(.event == "server") | .requests] | unique | length)' "$OUT")" 1 'counts of requests' || good=1
    gather --gatherers 3 --network-types udp4 -u "$LAB_USER" -c "$LAB_SECRET" "turn:$LAB_SERVER" || good=1
    expect "$(jq -s '[.[] | select(.event == "server") | .shared] | unique | tostring' "$OUT")" '"[false]"' 'servers that are shared' || good=1
    return $good
}

lab_test_h3_the_example_has_a_thousand() {
    local good=0
    lab_coturn 1 "$LAB_SERVER"
    lab_client "$FLOE_BUILD/examples/one_port" 0 1000 "turn:$LAB_SERVER" "$LAB_USER" "$LAB_SECRET" >"$OUT" || good=1
    grep -q '^1000 gatherers, 4000 candidates, [1-6] packets sent' "$OUT" || { cat "$OUT" >&2; good=1; }
    return $good
}

# Another user has a socket and an allocation of its own; both keep their host candidate on the one port.
lab_test_h3_two_users_of_one_server() {
    local good=0 file="$LAB_DIR/servers.json"
    lab_coturn 1 "$LAB_SERVER" --user=other:secret
    printf '[{"urls":"turn:%s","username":"%s","credential":"%s"},{"urls":"turn:%s","username":"other","credential":"secret"}]' \
        "$LAB_SERVER" "$LAB_USER" "$LAB_SECRET" "$LAB_SERVER" >"$file"
    gather --udp-mux 5000 --network-types udp4 --ice-servers "$file" || good=1
    expect "$(events '.type == "relay"')" 2 relays || good=1
    expect "$(events '.type == "host" and .port == 5000')" 1 hosts || good=1
    expect "$(events '.type == "srflx"')" 1 'reflexive candidates' || good=1
    return $good
}
