# floe turn check, against servers that are configured as operators do, well and badly. Sourced by suite.

# Checks from the client; $OUT has the events, the exit status is floe's.
check_turn() {
    lab_client timeout 120 "$FLOE" turn check --json "${CREDENTIALS[@]}" "$@" >"$OUT" 2>"$LAB_DIR/err"
}

# The exit status of the check before, and how many of its rows the condition holds for.
checked() { # STATUS-WAS STATUS ROWS CONDITION
    expect "$1" "$2" 'exit status' && expect "$(events ".event == \"check\" and ($4)")" "$3" "checks for which $4" ||
        { cat "$OUT" "$LAB_DIR/err" >&2; return 1; }
}

# What the server's firewall drops, as most do: what comes from itself passes.
server_drops() { # MATCH…
    lab_in server nft -f - <<EOF
table inet firewall {
    chain in { type filter hook input priority 0; iifname lo accept; $*; }
}
EOF
}

server_drops_nothing() {
    lab_in server nft delete table inet firewall
}

# Relay ports that the world cannot reach: data from the relay to itself does not show that.
lab_test_check_closed_relay_ports() {
    local good=0
    lab_coturn 1 "$LAB_SERVER"
    server_drops udp dport 30000-60000 drop
    check_turn -4 "turn:$LAB_SERVER"
    checked $? 3 2 '.result == "failed" and .reason == "relay-closed" and .outside == "closed" and .loop == "passes"' &&
        expect "$(events '.causes == 1')" 1 'one cause' && follows_schema &&
        expect "$(events '.error // "" | test("relay ports .* open in the server.s firewall")')" 2 'sentences' || good=1
    server_drops_nothing
    # A firewall that refuses says so.
    server_drops udp dport 30000-60000 reject
    check_turn -4 "turn:$LAB_SERVER?transport=udp"
    checked $? 3 1 '.reason == "relay-closed" and (.error | test("ICMP: port unreachable"))' || good=1
    server_drops_nothing
    return $good
}

# What the relay sends does not get out, and what is sent to it gets in: one cause, whoever drops it. coturn ends a relay
# whose packets its own machine refuses to send, and then its port refuses what comes: that does not count as closed.
lab_test_check_a_relay_that_cannot_send_out() {
    local good=0 url
    local mute='.reason == "relay-outward" and .outward == "closed" and (.error | test("what the relay sends out does not get out"))'
    lab_coturn 1 "$LAB_SERVER"
    lab_in server nft 'table inet firewall { chain out { type filter hook output priority 0; oifname eth0 udp sport 30000-60000 drop; }; }'
    check_turn -4 "turn:$LAB_SERVER"
    checked $? 3 2 "$mute and .loop == \"passes\"" && expect "$(events '.causes == 1')" 1 'one cause' && follows_schema || good=1
    check_turn -4 --load 0 "turn:$LAB_SERVER?transport=udp"
    checked $? 3 1 "$mute" || good=1
    lab_in server nft delete table inet firewall
    lab_in nat nft 'table inet block { chain through { type filter hook forward priority -5; iifname outside udp sport 30000-60000 drop; }; }'
    lab_coturn 1 "$LAB_SERVER"
    check_turn -4 "turn:$LAB_SERVER"
    checked $? 3 2 "$mute and .outside == \"open\" and .packets_received > 90" || good=1
    lab_in nat nft delete table inet block
    check_turn -4 "turn:$LAB_SERVER"
    checked $? 0 2 '.ok and .outside == "open" and .outward == "open" and .warnings == []' || good=1
    return $good
}

# Small packets pass, and none of the size of video's does: such a relay carries no call. By UDP, by TCP, by the server.
lab_test_check_nothing_large_comes() {
    local good=0
    local narrow='.reason == "no-data" and .loop == "silent" and .outside == "open" and .packets_sent > 3 and .packets_received == 0
        and (.error | test("drop large packets .*max-bps"))'
    lab_coturn 1 "$LAB_SERVER"
    lab_in nat nft 'table inet block { chain through { type filter hook forward priority -5; meta length > 700 drop; }; }'
    check_turn -4 "turn:$LAB_SERVER"
    checked $? 3 2 "$narrow" && follows_schema || good=1
    lab_client "$FLOE" turn check -4 "${CREDENTIALS[@]}" --load 0 "turn:$LAB_SERVER?transport=udp" >"$OUT"
    grep -qE '^ +data +0 of [0-9]+ packets came back from outside$' "$OUT" || { cat "$OUT" >&2; good=1; }
    lab_in nat nft delete table inet block
    lab_coturn 1 "$LAB_SERVER" --max-bps 1000
    check_turn -4 "turn:$LAB_SERVER?transport=udp"
    checked $? 3 1 "$narrow" || good=1
    return $good
}

# One relay port: the row that had to wait for it works, and that nobody else can have a relay meanwhile is told.
lab_test_check_one_relay_port() {
    local good=0
    lab_coturn 1 "$LAB_SERVER" --min-port 30000 --max-port 30000
    check_turn -4 --load 0 "turn:$LAB_SERVER"
    checked $? 0 2 .ok && expect "$(events '.warnings == 1 and .failed == 0')" 1 'one warning' && follows_schema &&
        expect "$(jq -s '[.[].attempts | select(. != null)] | sort | tostring' "$OUT")" '"[1,2]"' attempts &&
        expect "$(events '.warnings[0]?.warning == "crowded" and (.warnings[0].text | test("refused a second relay meanwhile .508.: are its relay ports so few"))' | grep -c '[12]')" 1 'told' ||
        { cat "$OUT" >&2; good=1; }
    return $good
}

# A server that answers, but not this, may have lost it: it is asked twice, and the row says so, with the time of both.
lab_test_check_a_row_that_is_tried_twice() {
    local good=0
    lab_coturn 1 "$LAB_SERVER" --stun-only
    check_turn -4 --load 0 --timeout 2 "turn:$LAB_SERVER?transport=udp"
    checked $? 3 1 '.reason == "timeout" and .attempts == 2 and .ms > 3900' && follows_schema || good=1
    lab_client "$FLOE" turn check -4 "${CREDENTIALS[@]}" --load 0 --timeout 2 "turn:$LAB_SERVER?transport=udp" >"$OUT"
    grep -qE '^ +tried +twice, in [4-9]\.[0-9] s$' "$OUT" || { cat "$OUT" >&2; good=1; }
    return $good
}

# Whether a server has relays for TCP is asked over TCP alone: what was not asked is not "no".
lab_test_check_tcp_relays_not_asked() {
    local good=0
    lab_coturn 1 "$LAB_SERVER"
    check_turn -4 --load 0 "turn:$LAB_SERVER"
    checked $? 0 1 '.transport == "udp" and .tcp_allocations == null' && checked 0 0 1 '.transport == "tcp" and .tcp_allocations == true' || good=1
    lab_client "$FLOE" turn check -4 "${CREDENTIALS[@]}" --load 0 "turn:$LAB_SERVER?transport=udp" >"$OUT"
    grep -q 'TCP allocations: not asked over UDP$' "$OUT" || { cat "$OUT" >&2; good=1; }
    lab_coturn 1 "$LAB_SERVER" --no-tcp-relay
    check_turn -4 --load 0 "turn:$LAB_SERVER"
    checked $? 0 1 '.transport == "tcp" and .tcp_allocations == false' || good=1
    check_turn -4 --load 0 "turn:$LAB_SERVER:9?transport=tcp"
    checked $? 3 1 '.reason == "refused" and .tcp_allocations == null' || good=1
    return $good
}

# Where UDP does not get out of here, that is no fault of the relay's.
lab_test_check_without_udp() {
    local good=0
    lab_coturn 1 "$LAB_SERVER"
    lab_client nft 'add table inet only; add chain inet only out { type filter hook output priority 0; }; add rule inet only out meta l4proto udp drop'
    check_turn -4 --timeout 2 "turn:$LAB_SERVER"
    checked $? 1 1 '.transport == "tcp" and .ok and .outside == "not-tried" and (.outside_why | test("UDP"))' || good=1
    lab_client nft delete table inet only
    return $good
}

lab_test_check_external_ip() {
    local good=0 given
    for given in 198.51.100.77 "198.51.100.77/$LAB_SERVER"; do
        lab_coturn 1 "$LAB_SERVER" --external-ip "$given"
        check_turn "turn:$LAB_SERVER?transport=udp"
        checked $? 3 1 '.reason == "relay-closed" and (.error | test("198.51.100.77 do not arrive.*is external-ip right"))' || good=1
    done
    return $good
}

# What hardening guides say: the server is no peer of its own. That is no failure, and the data comes from outside.
lab_test_check_denied_peers() {
    local good=0
    lab_coturn 1 "$LAB_SERVER" --denied-peer-ip "$LAB_SERVER"
    check_turn -4 "turn:$LAB_SERVER"
    checked $? 0 2 '.ok and .loop == "refused" and .outside == "open" and .packets_received > 90 and .warnings == []' || good=1
    lab_coturn 1 "$LAB_SERVER" --denied-peer-ip 203.0.113.0-203.0.113.255
    check_turn -4 --strict "turn:$LAB_SERVER?transport=udp"
    checked $? 4 1 '.ok and .loop == "refused" and .outside == "not-tried" and .warnings[0].warning == "data-not-tested"
        and (.warnings[0].text | test("denied-peer-ip forbid more"))' || good=1
    return $good
}

# What is known of a 401: the realm, and when a user of an API for TURN has ended.
lab_test_check_wrong_credentials() {
    local good=0
    lab_coturn 1 "$LAB_SERVER"
    lab_client timeout 60 "$FLOE" turn check --json -u 1700000000:floe -c wrong "turn:$LAB_SERVER?transport=udp" >"$OUT" 2>"$LAB_DIR/err"
    checked $? 3 1 '.code == 401 and .reason == "credentials" and .realm == "floe.test"
        and (.error | test("realm \"floe.test\".*time ended [0-9]+ (minute|hour|day)s? ago"))' || good=1
    return $good
}

lab_test_check_slow_and_lossy_ways() {
    local good=0
    lab_coturn 1 "$LAB_SERVER"
    lab_wire 1500 0
    check_turn --load 0 "turn:$LAB_SERVER?transport=udp"
    checked $? 0 1 '.ok and .outside == "open"' || good=1
    lab_wire 50 30
    check_turn --timeout 20 --network-types udp4 "turn:$LAB_SERVER?transport=udp"
    checked $? 3 1 '.reason == "loss" and .loss_percent > 5 and (.error | test("lost"))' || good=1
    check_turn --timeout 20 --network-types udp4 --max-loss 95 "turn:$LAB_SERVER?transport=udp"
    checked $? 0 1 '.ok and .loss_percent > 5' || good=1
    lab_wire 50 0
    return $good
}

# Each address of a name is a row, and one of them can be chosen.
lab_test_check_each_address_of_a_name() {
    local good=0
    lab_coturn 1 "$LAB_SERVER" $(lab_tls)
    hosts_are "$LAB_SERVER $TURN_NAME" "$LAB_SERVER2 $TURN_NAME" "$LAB_SILENT $TURN_NAME"
    check_turn --load 0 --timeout 2 "turn:$TURN_NAME?transport=udp"
    checked $? 1 2 '.ok and (.address | test("^203.0.113.[23]$"))' && checked 1 1 1 ".address == \"$LAB_SILENT\" and .reason == \"timeout\"" || good=1
    check_turn --load 0 --ca-file "$LAB_DIR/ca.pem" --resolve "$TURN_NAME:$LAB_SERVER" "turn:$TURN_NAME" "turns:$TURN_NAME"
    checked $? 0 4 ".ok and .address == \"$LAB_SERVER\"" || good=1
    hosts_restore
    return $good
}

lab_test_check_warnings() {
    local good=0
    lab_coturn 1 "$LAB_SERVER" --no-auth
    check_turn --load 0 "turn:$LAB_SERVER?transport=udp"
    checked $? 0 1 '.ok and .warnings[0].warning == "open-relay" and (.warnings[0].text | test("OPEN RELAY"))' || good=1
    check_turn --load 0 --strict "turn:$LAB_SERVER?transport=udp"
    checked $? 4 1 .ok || good=1
    lab_coturn 1 "$LAB_SERVER" $(lab_tls)
    check_turn --load 0 --ca-file "$LAB_DIR/ca.pem" --min-days 60 "turns:$LAB_SERVER"
    checked $? 0 2 '.ok and .warnings[0].warning == "certificate-ends" and .certificate_verified == null' || good=1
    check_turn --load 0 --insecure "turns:$LAB_SERVER"
    checked $? 0 2 '.ok and .certificate_verified == false and (.certificate_doubt | test("issuer \"Lab Authority\" is not trusted here"))
        and .warnings[0].warning == "not-verified"' && follows_schema || good=1
    check_turn --load 0 --insecure --ca-file "$LAB_DIR/ca.pem" "turns:$LAB_SERVER"
    checked $? 0 2 '.ok and .certificate_verified == true' || good=1
    return $good
}

# The commonest mistakes of certificates, each by its own words.
lab_test_check_certificates() {
    local good=0 name words
    hosts_are "$LAB_SERVER $TURN_NAME"
    (
        cd "$LAB_DIR" || exit 1
        openssl req -newkey rsa:2048 -nodes -keyout middle.key -out middle.csr -subj '/CN=Lab Intermediate'
        printf 'basicConstraints=critical,CA:TRUE\n' >middle.ext
        openssl x509 -req -in middle.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile middle.ext -out middle.pem -days 30
        openssl x509 -req -in turn.csr -CA middle.pem -CAkey middle.key -CAcreateserial -extfile turn.ext -out chainless.pem -days 30
        cp turn.key chainless.key
        cp turn.key stranger-chain.key
        openssl x509 -req -in turn.csr -CA stranger.pem -CAkey stranger.key -CAcreateserial -extfile turn.ext -out stranger-chain.pem -days 30
        cat stranger.pem >>stranger-chain.pem
    ) >/dev/null 2>&1
    while read -r name words; do
        lab_coturn 1 "$LAB_SERVER" $(lab_tls "$name")
        check_turn --load 0 --ca-file "$LAB_DIR/ca.pem" "turns:$TURN_NAME?transport=tcp"
        checked $? 3 1 ".reason == \"tls\" and (.error | test(\"$words\"))" || good=1
    done <<'END'
chainless issuer .Lab Intermediate. is not trusted here, and the server sent no certificate of it: does the server use its full chain
stranger-chain the authority .Lab Authority., which its chain ends with, is not trusted here: --ca-file
wrong-name not for this host, turn.floe.test, but for other.floe.test
expired has expired [12] days? ago
END
    hosts_restore
    return $good
}

# Where a web server has the port, its certificate shows whose that is.
lab_test_check_a_web_server() {
    local good=0 web
    ip netns exec server openssl s_server -quiet -accept 5350 -cert "$LAB_DIR/turn.pem" -key "$LAB_DIR/turn.key" -www >/dev/null 2>&1 &
    web=$!
    lab_wait sh -c "ip netns exec server ss -ltn | grep -q :5350"
    check_turn --timeout 2 --ca-file "$LAB_DIR/ca.pem" "turns:$LAB_SERVER:5350?transport=tcp"
    checked $? 3 1 '.reason == "timeout" and (.tls_version | test("TLS")) and (.tls_detail | test("CN=turn.floe.test .its names: turn.floe.test"))' || good=1
    kill $web
    wait $web 2>/dev/null
    return $good
}

# IPv6 without a way out fails, and can be left out.
lab_test_check_one_family() {
    local good=0
    lab_coturn 1 "$LAB_SERVER $LAB_SERVER6"
    hosts_are "$LAB_SERVER $TURN_NAME" "$LAB_SERVER6 $TURN_NAME"
    lab_client ip -6 route del default
    check_turn --load 0 "turn:$TURN_NAME?transport=udp"
    checked $? 1 1 '.family == "ipv6" and .reason == "unreachable"' && follows_schema || good=1
    check_turn --load 0 -4 "turn:$TURN_NAME?transport=udp"
    checked $? 0 1 '.family == "ipv4" and .ok' && expect "$(events '.checks == 1')" 1 'summaries' || good=1
    check_turn --load 0 -4 "turn:$LAB_SERVER?transport=udp" "turn:[$LAB_SERVER6]?transport=udp"
    checked $? 0 1 '.family == "ipv6" and .result == "skipped"' || good=1
    lab_client ip -6 route add default via 2001:db8:1::1
    hosts_restore
    return $good
}

# coturn on IPv6 alone gives 0.0.0.0 for IPv4 beside its relay.
lab_test_check_a_server_on_ipv6_alone() {
    local good=0
    lab_coturn 1 "$LAB_SERVER6"
    check_turn "turn:[$LAB_SERVER6]"
    checked $? 0 2 ".ok and .family == \"ipv6\" and .relays == [\"$LAB_SERVER6\"] and .packets_received > 90" || good=1
    return $good
}

# What a router forbids (ICMPv6: EACCES, as this machine's own rules have it) is told as that, by TCP as by UDP.
lab_test_check_a_router_forbids() {
    local good=0
    lab_coturn 1 "$LAB_SERVER6"
    lab_in nat nft 'table ip6 block { chain through { type filter hook forward priority -5; iifname inside reject with icmpv6 type admin-prohibited; }; }'
    check_turn --timeout 2 "turn:[$LAB_SERVER6]"
    checked $? 3 2 '.reason == "unreachable" and (.error | test("^a firewall on the way to .* forbids .*ICMP prohibited"))' || good=1
    lab_in nat nft delete table ip6 block
    lab_client ip -6 route add prohibit "$LAB_SERVER6/128"
    check_turn --timeout 2 "turn:[$LAB_SERVER6]?transport=tcp"
    checked $? 3 1 '.reason == "local-firewall"' || good=1
    lab_client ip -6 route del prohibit "$LAB_SERVER6/128"
    return $good
}

# An address that nobody reaches is the server's mistake, and no option of ours.
lab_test_check_an_impossible_relay() {
    local good=0
    lab_coturn 1 "$LAB_SERVER" --external-ip 127.0.0.1
    check_turn -4 "turn:$LAB_SERVER?transport=udp"
    checked $? 3 1 '.reason == "bad-answer" and (.error | test("127.0.0.1: are the server.s relay-ip and external-ip right.$"))' || good=1
    return $good
}

# A balancer behind which UDP and TCP have two servers: each relayed address is shown.
lab_test_check_two_servers_behind_one_address() {
    local good=0 screen
    lab_terminal || return
    lab_coturn 1 "$LAB_SERVER"
    lab_coturn 2 "$LAB_SERVER2"
    lab_in server nft 'table ip balance { chain in { type nat hook prerouting priority dstnat; ip daddr 203.0.113.2 udp dport 3478 dnat to 203.0.113.3; }; }'
    terminal_begin check 80 "FLOE_USERNAME=$LAB_USER FLOE_CREDENTIAL=$LAB_SECRET ip netns exec client $FLOE turn check -4 --load 0 turn:$LAB_SERVER"
    terminal_over check || good=1
    screen=$(terminal_screen check)
    terminal_end check
    lab_in server nft delete table ip balance
    grep -q '^relays .*203.0.113.[23] ' <<<"$screen" && grep -qE '^ +by (udp|tcp) 203.0.113.[23]: is there another server' <<<"$screen" ||
        { echo "$screen" >&2; good=1; }
    return $good
}

# Interrupted: what has ended is told, and what has not is named.
lab_test_check_interrupted() {
    local good=0 check
    lab_coturn 1 "$LAB_SERVER"
    rm -f "$OUT" "$LAB_DIR/err"
    ip netns exec client "$FLOE" turn check --json "${CREDENTIALS[@]}" --load 0 --timeout 60 "turn:$LAB_SERVER?transport=udp" \
        "turn:$LAB_SILENT?transport=udp" >"$OUT" 2>"$LAB_DIR/err" &
    check=$!
    lab_wait grep -q '"ok":true' "$OUT"
    kill $check
    wait $check
    expect $? 130 'exit status' && expect "$(events '.event == "summary" and .stopped == 1 and .ok == 1')" 1 'summaries' &&
        grep -qF "interrupted; not finished: turn:$LAB_SILENT?transport=udp" "$LAB_DIR/err" || { cat "$OUT" "$LAB_DIR/err" >&2; good=1; }
    lab_wait released || good=1
    return $good
}

# The grid and the table, as a terminal shows them.
lab_test_check_on_a_terminal() {
    local good=0 width screen
    lab_terminal || return
    lab_coturn 1 "$LAB_SERVER $LAB_SERVER6" $(lab_tls)
    for width in 60 80 132; do
        terminal_begin check $width "FLOE_USERNAME=$LAB_USER FLOE_CREDENTIAL=$LAB_SECRET ip netns exec client $FLOE turn check --ca-file $LAB_DIR/ca.pem turn:$LAB_SERVER turns:$LAB_SERVER 'turn:$LAB_SERVER2?transport=tcp' turns:$LAB_SILENT --timeout 2"
        terminal_shows check '[0-9] s \.\.\.' || good=1 # while it works
        [ $width != 80 ] || terminal_resize check 70
        terminal_over check || good=1
        screen=$(terminal_screen check)
        terminal_end check
        grep -qE '^ +udp +tcp +tls +dtls$|^server +by .*outside' <<<"$screen" &&
            grep -qE "^$LAB_SERVER +ok .*ok .*ok .*ok|^$LAB_SERVER:5349 +dtls .*open +ok" <<<"$screen" &&
            grep -qE "^\\(1\\) " <<<"$screen" &&
            grep -qE '^5 of 7 work, [0-9] causes? to look at; exit 1' <<<"$screen" &&
            ! grep -q ' s \.\.\.' <<<"$screen" &&
            expect "$(grep -c '203.0.113.2 *ok\|^203.0.113.2:5349 *dtls' <<<"$screen")" 1 "grids at $width columns" ||
            { echo "    at $width columns:" >&2; echo "$screen" >&2; good=1; }
    done
    return $good
}
