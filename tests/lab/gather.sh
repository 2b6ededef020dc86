# The lab's tests of what `floe gather` tells: servers, the network, what is held; sourced by suite.

# What the server event of this URL (and address) says of a field.
server_says() { # FIELD URL [ADDRESS]
    jq -r --arg url "$2" --arg address "${3:-}" \
        "select(.event == \"server\" and .url == \$url and (\$address == \"\" or .address == \$address)) | .$1" "$OUT"
}

# Each line is what the schema and floe-json(5) say.
follows_schema() {
    "${LAB_HERE%/tests/lab}/tests/cli/schema" "${LAB_HERE%/tests/lab}/docs/floe.schema.json" "$OUT"
}

lab_test_gather_tells_each_server() {
    lab_coturn 1 "$LAB_SERVER $LAB_SERVER2 $LAB_SERVER6"
    gather --network-types udp4 --straggler-grace 500 "${CREDENTIALS[@]}" "turn:$LAB_SERVER" "stun:$LAB_SERVER" \
        "stun:$LAB_SERVER2" "stun:$LAB_SILENT" "stun:[$LAB_SERVER6]" "stun:$LAB_SERVER:9"
    expect $? 1 'exit status' && follows_schema &&
        expect "$(server_says result "turn:$LAB_SERVER")" answered 'the TURN server' &&
        expect "$(server_says relay "turn:$LAB_SERVER")" 1 'its relays' &&
        expect "$(server_says 'round_trip_ms > 45' "turn:$LAB_SERVER")" true 'its round trip is known' &&
        expect "$(server_says result "stun:$LAB_SERVER")" redundant 'the same server' &&
        expect "$(server_says result "stun:$LAB_SERVER2")" answered 'the one that shows nothing new' &&
        expect "$(jq -s 'map(select(.event == "server") | .srflx) | add' "$OUT")" 1 'what all of them show' &&
        expect "$(server_says 'round_trip_ms > 45' "stun:$LAB_SERVER2")" true 'its round trip' &&
        expect "$(server_says 'result + " " + .reason' "stun:$LAB_SILENT")" 'failed timeout' 'the silent one' &&
        expect "$(server_says 'result + " " + .reason' "stun:[$LAB_SERVER6]")" 'not-asked family' 'of the other family' &&
        expect "$(server_says 'result + " " + .reason' "stun:$LAB_SERVER:9")" 'failed refused' 'the closed port' &&
        expect "$(jq -r 'select(.event == "summary") | "\(.servers) \(.servers_answered) \(.servers_failed) \(.servers_not_asked)"' "$OUT")" \
            '6 3 2 1' 'the summary' || return 1
    # A server that was never asked is no success (A5); one from which nothing is to be had is no failure.
    gather --network-types udp4 "stun:[$LAB_SERVER6]"
    expect $? 1 'exit status of a server that was not asked' || return 1
    gather --policy relay "${CREDENTIALS[@]}" "turn:$LAB_SERVER" "stun:$LAB_SERVER2"
    expect $? 0 'exit status of a server that has nothing to give' &&
        expect "$(server_says 'result + " " + .reason' "stun:$LAB_SERVER2")" 'not-asked policy' 'which' && follows_schema
}

# What floe-json(5) gives as examples can be asked of a stream.
lab_test_gather_examples_of_json() {
    local command got count=0 good=0
    lab_coturn 1 "$LAB_SERVER $LAB_SERVER6" $(lab_tls)
    gather --straggler-grace 500 --ca-file "$LAB_DIR/ca.pem" "${CREDENTIALS[@]}" "turn:$LAB_SERVER" "turns:$LAB_SERVER" "stun:$LAB_SILENT"
    cp "$OUT" "$LAB_DIR/g.json"
    while IFS= read -r command; do
        count=$((count + 1))
        got=$(cd "$LAB_DIR" && bash -c "$command") || [ "$got" = false ] || { echo "    $command: status $?" >&2; good=1; }
        [ -n "$got" ] && [ "$got" != null ] || { echo "    $command: nothing" >&2; good=1; }
        echo "$got" >>"$LAB_DIR/examples"
    done < <(sed -n 's/^\.Dl \(jq .*\)/\1/p' "${LAB_HERE%/tests/lab}/docs/man/floe-json.5" | sed 's/\\e/\\/g')
    [ $count -ge 10 ] || { echo "    $count examples" >&2; return 1; }
    grep -qx "stun:$LAB_SILENT: timeout" "$LAB_DIR/examples" && grep -qx '{"timeout":[12]}' "$LAB_DIR/examples" &&
        grep -qx 203.0.113.1 "$LAB_DIR/examples" && grep -qx 'a=candidate:.* typ relay .*' "$LAB_DIR/examples" || { cat "$LAB_DIR/examples" >&2; good=1; }
    return $good
}

lab_test_gather_tells_what_blocks() {
    local good=0
    lab_coturn 1 "$LAB_SERVER" $(lab_tls)
    block() { # RULE…
        lab_in nat nft "table inet block { chain through { type filter hook forward priority -5; $*; }; }"
    }
    # A10: not one packet of DTLS comes back, and TLS passes.
    block udp dport 5349 drop
    gather --straggler-grace 500 --network-types udp4 --ca-file "$LAB_DIR/ca.pem" "${CREDENTIALS[@]}" "turns:$LAB_SERVER?transport=udp" "turns:$LAB_SERVER"
    lab_in nat nft delete table inet block
    server_says text "turns:$LAB_SERVER?transport=udp" | grep -q 'not one packet came back from UDP port 5349' &&
        expect "$(server_says reason "turns:$LAB_SERVER?transport=udp")" timeout 'of DTLS' &&
        expect "$(jq -r 'select(.event == "network") | "\(.udp) \(.tcp)"' "$OUT")" 'false true' 'the network' &&
        expect "$(server_says result "turns:$LAB_SERVER")" answered TLS || good=1
    # A11: what rejects may be a firewall.
    block 'udp dport 3478 reject with icmpx port-unreachable; tcp dport 3478 reject with tcp reset'
    gather --network-types udp4 "${CREDENTIALS[@]}" "turn:$LAB_SERVER" "turn:$LAB_SERVER?transport=tcp"
    lab_in nat nft delete table inet block
    for url in "turn:$LAB_SERVER" "turn:$LAB_SERVER?transport=tcp"; do
        expect "$(server_says reason "$url")" refused "$url" &&
            server_says text "$url" | grep -q 'nothing listens there, or a firewall rejects$' || good=1
    done
    expect "$(jq -r 'select(.event == "network") | "\(.udp) \(.nat)"' "$OUT")" 'false null' 'the network' || good=1
    # All UDP blocked: calls go by the relay over TCP.
    block 'meta l4proto udp drop'
    gather --straggler-grace 500 --network-types udp4 "${CREDENTIALS[@]}" "stun:$LAB_SERVER" "turn:$LAB_SERVER?transport=tcp"
    lab_in nat nft delete table inet block
    expect "$(jq -r 'select(.event == "network") | "\(.udp) \(.tcp)"' "$OUT")" 'false true' 'the network' &&
        jq -r 'select(.event == "network") | .text' "$OUT" | grep -q '^UDP is blocked here.* only by the relay over TCP' || good=1
    return $good
}

# What answers is another service: the network and the verdict say so as the server's own line does. coturn counts the
# padding into the length of its reasons, and nobody sees it.
lab_test_gather_meets_another_service() {
    local good=0 http url text
    ip netns exec server python3 - "$LAB_SERVER" >/dev/null 2>&1 <<'EOF' &
import socketserver, sys
class Web(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.recv(4096)
        self.request.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer((sys.argv[1], 8080), Web).serve_forever()
EOF
    http=$!
    lab_wait sh -c 'ip netns exec server ss -ltn | grep -q :8080'
    for url in "turn:$LAB_SERVER:8080?transport=tcp" "turns:$LAB_SERVER:8080?transport=tcp"; do
        gather --network-types udp4 "${CREDENTIALS[@]}" "$url"
        expect "$(jq -r 'select(.event == "network") | "\(.udp) \(.tcp)"' "$OUT")" 'null false' 'the network' &&
            jq -r 'select(.event == "network") | .text' "$OUT" | grep -q '^something answers, but no usable server' && follows_schema || good=1
        lab_client "$FLOE" gather --network-types udp4 "${CREDENTIALS[@]}" "$url" >"$OUT"
        grep -q '^network   over TCP something answers that is no usable server' "$OUT" && ! grep -q 'no answer' "$OUT" || { cat "$OUT" >&2; good=1; }
    done
    gather --network-types udp4 "${CREDENTIALS[@]}" "turn:$LAB_SERVER:8080?transport=tcp"
    server_says text "turn:$LAB_SERVER:8080?transport=tcp" | grep -qF ', but "HTTP/1.1 400 Bad Request": is it a TURN server?' || good=1
    kill $http
    wait $http 2>/dev/null
    lab_coturn 1 "$LAB_SERVER" --no-udp-relay
    gather --network-types udp4 "${CREDENTIALS[@]}" "turn:$LAB_SERVER"
    server_says text "turn:$LAB_SERVER" | grep -q '442 [A-Za-z ]*configuration: it does not relay UDP$' || good=1
    return $good
}

# Each address of a name has a number of its own.
lab_test_gather_numbers_each_address() {
    local good=0
    lab_coturn 1 "$LAB_SERVER $LAB_SERVER6"
    hosts_are "$LAB_SERVER $TURN_NAME" "$LAB_SERVER6 $TURN_NAME"
    lab_client "$FLOE" gather "${CREDENTIALS[@]}" "turn:$TURN_NAME?transport=udp" "stun:$LAB_SERVER2" >"$OUT"
    expect "$(grep -oE '^\[[0-9.]+\]' "$OUT" | tr -d '\n')" '[1.1][1.2][2]' 'the numbers' || { cat "$OUT" >&2; good=1; }
    hosts_restore
    return $good
}

# A relay that the world cannot reach is no way for a call; and one that may be is not tried here.
lab_test_gather_promises_no_relay_that_it_cannot_know() {
    local good=0
    lab_coturn 1 "$LAB_SERVER" --external-ip 192.168.50.2
    gather --network-types udp4 "${CREDENTIALS[@]}" "turn:$LAB_SERVER"
    expect "$(events '.event == "network" and .private_relay == "192.168.50.2" and (.text | test("relay") | not)')" 1 'the network' && follows_schema || good=1
    lab_client "$FLOE" gather --network-types udp4 "${CREDENTIALS[@]}" "turn:$LAB_SERVER" >"$OUT"
    grep -q '^warning   relayed address 192.168.50.2 is private: does the server lack --external-ip?$' "$OUT" || { cat "$OUT" >&2; good=1; }
    lab_coturn 1 "$LAB_SERVER"
    gather --network-types udp4 "${CREDENTIALS[@]}" "turn:$LAB_SERVER"
    expect "$(events '.event == "network" and .private_relay == null and (.text | test("by the relay .not tried: floe turn check does.$"))')" 1 'the network' || good=1
    return $good
}

# A 401 says of which realm, and that a user name of the REST kind has ended.
lab_test_gather_tells_why_a_user_is_refused() {
    local past=$(($(date +%s) - 630))
    lab_coturn 1 "$LAB_SERVER"
    gather --network-types udp4 -u "$past:alice" -c wrong "turn:$LAB_SERVER"
    expect "$(server_says reason "turn:$LAB_SERVER")" credentials 'of an old user' &&
        server_says text "turn:$LAB_SERVER" | grep -q "(401), realm \"floe.test\": .* (the user name's time ended 10 minutes ago)$" || return 1
    gather --network-types udp4 -u floe -c wrong "turn:$LAB_SERVER"
    server_says text "turn:$LAB_SERVER" | grep -q '(401), realm "floe.test": are they right, and not expired?$'
}

# A9: it is the local addresses that have no way; B: equal failures are one line.
lab_test_gather_many_local_addresses() {
    local i
    lab_coturn 1 "$LAB_SERVER"
    for i in 1 2 3 4 5 6; do
        lab_client ip link add d$i type veth peer name p$i
        lab_client ip addr add 10.9.$i.1/24 dev d$i
        lab_client ip link set d$i up
        lab_client ip link set p$i up
    done
    lab_settled client
    lab_client "$FLOE" gather --network-types udp4 "${CREDENTIALS[@]}" "turn:$LAB_SERVER" "stun:$LAB_SILENT" >"$OUT"
    for i in 1 2 3 4 5 6; do lab_client ip link del d$i; done
    grep -q '^ *from 6 local addresses (10\.9\.[1-6]\.1 \.\.\. 10\.9\.[1-6]\.1): no packet of .* answers another address of ours' "$OUT" &&
        grep -q '^ *from 7 local addresses (' "$OUT" && expect "$(grep -c "$LAB_SILENT" "$OUT")" 1 'lines about the silent one' || { cat "$OUT" >&2; return 1; }
}

# One local address that answers is enough for a server, wherever it stands among them.
lab_test_gather_one_local_address_of_two() {
    local good=0
    lab_coturn 1 "$LAB_SERVER6"
    lab_client ip -6 addr add 2001:db8:1:1234:abcd:1234:abcd:1234/64 dev eth0 nodad
    gather --straggler-grace 500 "stun:[$LAB_SERVER6]" && expect "$(server_says 'result + " " + (.srflx | tostring)' "stun:[$LAB_SERVER6]")" 'answered 1' 'the server' &&
        expect "$(events '.event == "error"')" 1 'errors' || good=1
    lab_client ip -6 addr del 2001:db8:1:1234:abcd:1234:abcd:1234/64 dev eth0
    return $good
}

lab_test_gather_names_the_nat() {
    local nat good=0
    lab_coturn 1 "$LAB_SERVER $LAB_SERVER2"
    for nat in 'preserving keeps-port' 'masquerade keeps-port' 'symmetric changes-port' 'none none'; do
        lab_nat "${nat% *}"
        gather --network-types udp4 "stun:$LAB_SERVER" "stun:$LAB_SERVER2"
        expect "$(jq -r 'select(.event == "network") | .nat' "$OUT")" "${nat#* }" "the NAT ${nat% *}" && follows_schema || good=1
    done
    lab_nat masquerade
    gather --network-types udp4 "stun:$LAB_SERVER"
    expect "$(jq -r 'select(.event == "network") | .nat' "$OUT")" one-server 'the NAT by one server' && return $good
}

# Each address of a name has the sentence that is its own.
lab_test_gather_tells_each_address_its_own_failure() {
    local good=0 address
    hosts_are "$LAB_SERVER $TURN_NAME" "$LAB_SERVER6 $TURN_NAME"
    gather "${CREDENTIALS[@]}" "turn:$TURN_NAME"
    expect "$(events '.event == "server"')" 2 'rows' && follows_schema || good=1
    for address in "$LAB_SERVER" "$LAB_SERVER6"; do
        expect "$(server_says 'text // "" | test("203.0.113.2|2001:db8:2::2")' "turn:$TURN_NAME" "$address")" true "a sentence of $address" &&
            expect "$(server_says "text | contains(\"$address\")" "turn:$TURN_NAME" "$address")" true "which names $address" || good=1
    done
    # One that refuses, where the other answers: that is no silence.
    lab_coturn 1 "$LAB_SERVER"
    gather "${CREDENTIALS[@]}" "turn:$TURN_NAME"
    expect $? 0 'exit status' && follows_schema &&
        expect "$(server_says 'result + " " + .reason' "turn:$TURN_NAME" "$LAB_SERVER6")" 'failed unreachable' 'the one that refuses' &&
        expect "$(server_says result "turn:$TURN_NAME" "$LAB_SERVER")" answered 'the other' || good=1
    [ $good = 0 ] || cat "$OUT" >&2
    hosts_restore
    return $good
}

# What a server has not shown is not known: one that answers by an error, none at all, or from this side of the NAT. What
# another URL has shown of the same server is no answer of its own.
lab_test_gather_takes_no_error_for_a_view() {
    local good=0 nat
    says_nat() { expect "$(jq -r 'select(.event == "network") | .nat' "$OUT")" "$1" "the NAT, $2"; }
    lab_coturn 1 "$LAB_SERVER" --secure-stun
    gather --network-types udp4 "stun:$LAB_SERVER"
    expect $? 1 'exit status' && says_nat null 'by 401' || good=1
    gather --network-types udp4 "${CREDENTIALS[@]}" "stun:$LAB_SERVER" "turn:$LAB_SERVER"
    expect $? 1 'exit status beside turn:' && says_nat one-server 'by an Allocate' &&
        expect "$(server_says 'result + " " + .reason' "stun:$LAB_SERVER")" 'failed credentials' 'that answers 401' &&
        expect "$(server_says 'srflx + .relay' "turn:$LAB_SERVER")" 2 'what turn: has shown' &&
        expect "$(events '.event == "summary" and .servers_failed == 1 and .servers_answered == 1')" 1 'counts' && follows_schema || good=1
    lab_coturn 1 "$LAB_SERVER" --no-stun
    gather --network-types udp4 "${CREDENTIALS[@]}" "stun:$LAB_SERVER" "turn:$LAB_SERVER"
    expect $? 0 'exit status, no Binding' && says_nat one-server 'by an Allocate alone' &&
        expect "$(server_says 'result + " " + (.srflx | tostring)' "stun:$LAB_SERVER")" 'asked 0' 'that is silent' &&
        expect "$(server_says 'result + " " + (.srflx | tostring)' "turn:$LAB_SERVER")" 'answered 1' 'that is not' &&
        expect "$(events '.event == "summary" and .servers_failed == 0 and .servers_answered == 1')" 1 'counts, no Binding' || good=1
    lab_client "$FLOE" gather -4 "${CREDENTIALS[@]}" "stun:$LAB_SERVER" "turn:$LAB_SERVER" >"$LAB_DIR/screen"
    grep -q '^\[1\] silent ' "$LAB_DIR/screen" && grep -q '; 1 of 2 servers silent; ' "$LAB_DIR/screen" || { cat "$LAB_DIR/screen" >&2; good=1; }
    lab_coturn 1 "$LAB_SERVER"
    LAB_AT=nat lab_coturn 2 10.0.1.1
    for nat in masquerade symmetric; do
        lab_nat $nat
        gather --network-types udp4 "stun:10.0.1.1"
        says_nat null "by a server inside, $nat" || good=1
        gather --network-types udp4 "stun:$LAB_SERVER" "stun:10.0.1.1"
        says_nat one-server "by one outside and one inside, $nat" || good=1
    done
    lab_nat masquerade
    return $good
}

# A7: what dies while it is held is told, and why; the summary counts what stands. A23: SIGHUP releases relays.
lab_test_gather_holds_and_tells() {
    local floe good=0
    lab_coturn 1 "$LAB_SERVER"
    : >"$OUT"
    ip netns exec client env --default-signal=HUP "$FLOE" gather --json --hold inf --network-types udp4 "${CREDENTIALS[@]}" "turn:$LAB_SERVER" "turn:$LAB_SERVER?transport=tcp" >"$OUT" &
    floe=$!
    lab_wait grep -q '"event":"end"' "$OUT"
    lab_coturn_stop 1
    lab_wait grep -q '"event":"withdrawn".*"reason":"relay-lost".*"relay_protocol":"tcp"' "$OUT" || good=1
    lab_coturn 1 "$LAB_SERVER"
    lab_client ip addr del 10.0.1.2/24 dev eth0
    lab_wait grep -q '"event":"withdrawn".*"reason":"address-gone".*"type":"host"' "$OUT" || good=1
    lab_wait grep -q '"event":"withdrawn".*"reason":"address-gone".*"type":"srflx"' "$OUT" || good=1
    lab_client ip addr add 10.0.1.2/24 dev eth0
    lab_client ip route add default via 10.0.1.1
    relays_stand() { [ "$(jq -s '[.[] | select(.type == "relay") | if .event == "withdrawn" then -1 else 1 end] | add' "$OUT" 2>/dev/null)" = 2 ]; }
    lab_wait relays_stand || good=1
    kill -HUP $floe
    wait $floe
    expect $? 130 'exit status' && lab_wait released || good=1
    expect "$(jq -c 'select(.event == "summary") | [.interrupted, .host, (.withdrawn > 2), (.ms > 0)]' "$OUT")" '[true,1,true,true]' 'the summary' || good=1
    follows_schema && return $good
}

# README's sample is what is printed, but for its numbers.
lab_test_gather_readme() {
    local sample="$LAB_DIR/sample" got="$LAB_DIR/got"
    lab_coturn 1 "$LAB_SERVER $LAB_SERVER6"
    alike() { sed -E 's/[0-9]+/9/g; s/9(\.9)+/9/g; s/ +/ /g; s/ +$//'; }
    sed -n '/^\$ floe gather /,/^```/p' "${LAB_HERE%/tests/lab}/README.md" | sed '/^```/d' >"$sample"
    lab_client bash -c "PATH=$FLOE_BUILD:\$PATH; $(sed -n '1s/^\$ //p' "$sample")" | alike >"$got"
    sed 1d "$sample" | alike | diff - "$got" >&2
}

# Screens of a real gathering, at widths that people have.
lab_test_gather_fits_its_terminal() {
    local width good=0
    lab_terminal || return
    lab_coturn 1 "$LAB_SERVER $LAB_SERVER6" $(lab_tls)
    for width in 60 80 132 200; do
        terminal_begin g$width $width "ip netns exec client $FLOE gather --ca-file $LAB_DIR/ca.pem -u $LAB_USER -c $LAB_SECRET turn:$LAB_SERVER turns:$LAB_SERVER stun:$LAB_SILENT"
        terminal_over g$width && terminal_is_unbroken g$width && terminal_shows g$width '^\[3\] FAILED +stun:203.0.113.99' &&
            terminal_shows g$width '^relay +203\.0\.113\.2:[0-9]+ .*\[2\]' && terminal_shows g$width '^verdict ' || good=1
        terminal_end g$width
    done
    return $good
}
