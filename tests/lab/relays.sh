# The lab's tests of relays: every transport and family to real servers, what they refuse, their
# certificates, the way through proxies, `floe turn`.

TURN_NAME=turn.floe.test

relays() { # COUNT
    expect "$(events '.type == "relay"')" "$1" 'relay candidates'
}

relays_by() { # TRANSPORT COUNT
    expect "$(events ".type == \"relay\" and .relay_protocol == \"$1\"")" "$2" "relays by $1"
}

# One error event, by an error text that matches.
one_error() { # PATTERN
    expect "$(events '.event == "error"')" 1 'errors' || return 1
    jq -r 'select(.event == "error") | .text' "$OUT" | grep -Eq "$1" ||
        { jq -r 'select(.event == "error") | .text' "$OUT" | sed 's/^/    not like '"${1//\//.}"': /' >&2; return 1; }
}

# Names for the whole lab: "ADDRESS NAME" each.
hosts_are() {
    mkdir -p "$LAB_DIR/etc"
    printf '%s\n' '127.0.0.1 localhost' "$@" >"$LAB_DIR/etc/hosts"
    umount /etc/hosts 2>/dev/null
    mount --bind "$LAB_DIR/etc/hosts" /etc/hosts
}

hosts_restore() {
    umount /etc/hosts
}

relay_gather() {
    gather --policy relay --ca-file "$LAB_DIR/ca.pem" "${CREDENTIALS[@]}" "$@"
}

lab_test_t1_every_transport_and_family() {
    local host url good=0
    lab_coturn 1 "$LAB_SERVER $LAB_SERVER6" $(lab_tls)
    for host in "$LAB_SERVER" "[$LAB_SERVER6]"; do
        for url in "udp turn:$host" "tcp turn:$host?transport=tcp" "tls turns:$host" "dtls turns:$host?transport=udp"; do
            relay_gather "${url#* }" && relays 2 && relays_by "${url%% *}" 2 &&
                expect "$(jq -r 'select(.type == "relay") | .address' "$OUT" | sort | tr '\n' ' ')" \
                    "$LAB_SERVER6 $LAB_SERVER " "families by $url" || good=1
        done
    done
    # By name, with addresses of both families: one allocation a transport, nothing left of the other.
    hosts_are "$LAB_SERVER $TURN_NAME" "$LAB_SERVER6 $TURN_NAME"
    relay_gather turn:$TURN_NAME turn:$TURN_NAME?transport=tcp turns:$TURN_NAME 'turns:turn.floe.test?transport=udp' &&
        relays 8 && for url in udp tcp tls dtls; do relays_by $url 2 || good=1; done || good=1
    hosts_restore
    lab_wait released || good=1
    return $good
}

# T11: UDP before DTLS before TCP before TLS, all side by side.
lab_test_t11_transports_differ_in_priority() {
    lab_coturn 1 "$LAB_SERVER" $(lab_tls)
    relay_gather "turns:$LAB_SERVER" "turn:$LAB_SERVER?transport=tcp" "turns:$LAB_SERVER?transport=udp" "turn:$LAB_SERVER" &&
        expect "$(jq -s -r 'map(select(.type == "relay")) | sort_by(-.priority) | map(.relay_protocol) | join(" ")' "$OUT")" \
            'udp dtls tcp tls' 'by priority'
}

# T5: a server with one family alone; T5, 440: one with the other alone.
lab_test_t5_one_family_of_relays() {
    lab_coturn 1 "$LAB_SERVER" && relay_gather "turn:$LAB_SERVER" && relays 1 || return 1
    relay_gather --network-types udp4 "turn:$LAB_SERVER" && relays 1 || return 1
    lab_coturn 1 "$LAB_SERVER6" && relay_gather "turn:[$LAB_SERVER6]" && relays 1 &&
        expect "$(jq -r 'select(.type == "relay") | .address' "$OUT")" "$LAB_SERVER6" 'relay'
}

# RFC 7635, with the token that coturn's own tool makes. coturn 4.6.1 wants a MAC key of 20 bytes in the
# token, and uses the first 16 of them.
lab_test_s3_oauth() {
    local key half mac token transport now good=0
    key=$(head -c 32 /dev/urandom | base64 -w0) half=$(openssl rand -hex 8) now=$(date +%s)
    mac=$(printf %s "$half" | base64 -w0)
    lab_coturn 1 "$LAB_SERVER" $(lab_tls) --oauth --server-name $TURN_NAME
    sqlite3 "$LAB_DIR/coturn-1.db" "insert into oauth_key values ('north', '$key', $now, 86400, 'A256GCM', '')"
    oauth_token() { # SERVER
        turnutils_oauth -e -i "$1" -j north -k "$key" -l "$now" -m 86400 -n A256GCM \
            -o "$(head -c 12 /dev/urandom | base64 -w0)" -p "$(printf '%sfour' "$half" | base64 -w0)" -r 3600 |
            sed -n 's/.*"access_token":"\([^"]*\)".*/\1/p'
    }
    token=$(oauth_token $TURN_NAME)
    for transport in turn:$LAB_SERVER "turn:$LAB_SERVER?transport=tcp" turns:$LAB_SERVER; do
        gather --policy relay --ca-file "$LAB_DIR/ca.pem" -u north --access-token "$token" --mac-key "$mac" "$transport" &&
            relays 1 || good=1
    done
    gather --policy relay -u north --access-token "$(oauth_token another.server)" --mac-key "$mac" "turn:$LAB_SERVER"
    relays 0 && expect "$(events '.event == "error" and .code == 401')" 1 '401 events' || good=1
    lab_wait released || good=1
    return $good
}

# T6: a quota of two; the third is told so, and nobody asks again.
lab_test_t6_a_quota() {
    lab_coturn 1 "$LAB_SERVER" --user-quota 2
    lab_client ip addr add 10.0.1.7/24 dev eth0
    lab_client ip addr add 10.0.1.8/24 dev eth0
    relay_gather --network-types udp4 "turn:$LAB_SERVER"
    relays 2 && expect "$(events '.event == "error" and .code == 486')" 1 '486 events'
    local good=$?
    lab_client ip addr del 10.0.1.7/24 dev eth0
    lab_client ip addr del 10.0.1.8/24 dev eth0
    return $good
}

# A server that does not listen on a transport, or gives no relay of a kind.
lab_test_what_a_server_does_not_offer() {
    lab_coturn 1 "$LAB_SERVER" --no-tcp
    relay_gather "turn:$LAB_SERVER" "turn:$LAB_SERVER?transport=tcp"
    relays 1 && one_error 'refused by TCP port' || return 1
    lab_coturn 1 "$LAB_SERVER" --no-udp-relay
    relay_gather "turn:$LAB_SERVER"
    relays 0 && one_error '442|Transport' || return 1
    lab_coturn 1 "$LAB_SERVER" --stale-nonce=1
    relay_gather --hold 3 "turn:$LAB_SERVER" && relays 1 && expect "$(events '.event == "error"')" 0 errors
}

# T7: a server that was restarted knows nothing of the allocation: it is withdrawn, and another is asked for.
lab_test_t7_a_restarted_server() {
    local pid url good=0
    for url in "turn:$LAB_SERVER?transport=tcp" "turns:$LAB_SERVER"; do
        lab_coturn 1 "$LAB_SERVER" $(lab_tls)
        : >"$OUT"
        ip netns exec client "$FLOE" gather --json --hold inf --policy relay --ca-file "$LAB_DIR/ca.pem" "${CREDENTIALS[@]}" "$url" >"$OUT" &
        pid=$!
        lab_wait test_events end 1
        lab_coturn 1 "$LAB_SERVER" $(lab_tls)
        lab_wait test_relays 2 && test_events withdrawn 1 || good=1
        kill -TERM $pid
        wait $pid
        expect "$(events '.event == "summary" and .relay == 1')" 1 'summary of the relay that stands' || good=1
    done
    return $good
}

# Fifty at once, and none is forgotten.
lab_test_t7_restarted_under_load() {
    local pid good=0
    lab_coturn 1 "$LAB_SERVER" $(lab_tls)
    rm -f "$OUT"
    ip netns exec client "$FLOE" gather --json --gatherers 50 --hold inf --policy relay --network-types udp4 \
        --ca-file "$LAB_DIR/ca.pem" "${CREDENTIALS[@]}" "turns:$LAB_SERVER" >"$OUT" &
    pid=$!
    lab_wait test_events end 50
    lab_coturn 1 "$LAB_SERVER" $(lab_tls)
    lab_wait test_relays 100 && test_events withdrawn 50 || good=1
    kill -TERM $pid
    wait $pid
    lab_wait released || good=1
    return $good
}
# As many, and no more.
test_events() { [ "$(grep -c "\"event\":\"$1\"" "$OUT")" = "$2" ]; } # EVENT COUNT
test_relays() { [ "$(grep -c '"event":"candidate".*"type":"relay"' "$OUT")" = "$1" ]; } # COUNT

# T4: two coturns, the first of which sends everybody to the second; behind DNS SRV too.
lab_test_t4_alternate_server() {
    local good=0 three=203.0.113.3
    lab_coturn_stop 2
    lab_coturn 2 "$three" $(lab_tls)
    lab_coturn 1 "$LAB_SERVER" $(lab_tls) --alternate-server "$three:3478" --tls-alternate-server "$three:5349"
    for url in "udp turn:$LAB_SERVER" "tcp turn:$LAB_SERVER?transport=tcp" "tls turns:$LAB_SERVER" "dtls turns:$LAB_SERVER?transport=udp"; do
        relay_gather "${url#* }" && relays 1 &&
            expect "$(jq -r 'select(.type == "relay") | .address' "$OUT")" $three "relay by ${url%% *}" || good=1
    done
    dns_up
    relay_gather --srv 'turn:service.example?transport=udp' && relays 1 &&
        expect "$(jq -r 'select(.type == "relay") | .address' "$OUT")" $three "relay behind SRV" || good=1
    dns_down
    # To and fro: each sends to the other.
    lab_coturn 2 "$three" --alternate-server "$LAB_SERVER:3478"
    relay_gather "turn:$LAB_SERVER"
    relays 0 && one_error 'points back' || good=1
    lab_coturn 2 "$three"
    return $good
}

# Pion's server, where Go is there: one nonce for all its clients (R2), TLS 1.3. In coturn's place.
PION=203.0.113.3
pion_there() {
    command -v go >/dev/null && [ -d /usr/share/gocode/src/github.com/pion/turn/v2 ] ||
        { lab_skip 'go and golang-github-pion-turn.v2-dev are not installed'; return; }
    [ -e "$LAB_DIR/pion" ] ||
        GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$LAB_DIR/go GOFLAGS= go build -o "$LAB_DIR/pion" "$LAB_HERE/pion_server.go"
}

pion_begins() {
    lab_coturn_stop 2
    rm -f "$LAB_DIR/pion.out"
    ip netns exec server "$LAB_DIR/pion" $PION 3478 "$LAB_USER" "$LAB_SECRET" pion.test "$LAB_DIR/turn.pem" "$LAB_DIR/turn.key" 5349 >"$LAB_DIR/pion.out" 2>&1 &
    PION_PID=$!
    lab_wait grep -q ready "$LAB_DIR/pion.out"
}

pion_ends() {
    kill $PION_PID
    wait $PION_PID 2>/dev/null
    lab_coturn 2 "$LAB_SERVER2"
}

lab_test_a_second_implementation() {
    local good=0 at=$PION
    pion_there || return
    pion_begins
    for url in "udp turn:$at" "tcp turn:$at?transport=tcp" "tls turns:$at"; do
        relay_gather "${url#* }" && relays 1 && relays_by "${url%% *}" 1 || good=1
    done
    gather --repeat 3 "${CREDENTIALS[@]}" "turn:$at" && candidates 6 3 3 || good=1
    lab_client "$FLOE" turn check --json --load 1 --address 0.0.0.0/0 --ca-file "$LAB_DIR/ca.pem" "${CREDENTIALS[@]}" "turn:$at" "turns:$at?transport=tcp" >"$OUT"
    expect $? 0 'exit status of turn check' && expect "$(events '.event == "check" and .ok and .packets_received > 0')" 3 'checks' &&
        expect "$(events '.tls_version == "TLSv1.3"')" 1 'over TLS 1.3' || good=1
    pion_ends
    return $good
}

# Each certificate that is not to be trusted, over TLS and over DTLS, with its own text; and the ways to
# trust one all the same.
lab_test_t8_certificates() {
    local name pattern good=0 url print
    hosts_are "$LAB_SERVER $TURN_NAME"
    tls_server() { # CERTIFICATE [OPTION…]: a handshake is all that is needed of it
        local name=$1
        shift
        ip netns exec server openssl s_server -quiet -accept 5350 -cert "$LAB_DIR/$name.pem" -key "$LAB_DIR/$name.key" \
            -cipher ALL:@SECLEVEL=0 "$@" </dev/zero >/dev/null 2>&1 &
        TLS_PID=$!
        case "$*" in
        *-dtls*) lab_wait sh -c "ip netns exec server ss -lun | grep -q :5350" ;;
        *) lab_wait sh -c "ip netns exec server ss -ltn | grep -q :5350" ;;
        esac
    }
    while read -r name pattern; do
        for url in "tls turns:$TURN_NAME:5350" "dtls turns:$TURN_NAME:5350?transport=udp"; do
            # shellcheck disable=SC2046
            tls_server "$name" $([ "${url%% *}" = dtls ] && echo -dtls -listen)
            relay_gather --address 0.0.0.0/0 --timeout 10 "${url#* }"
            relays 0 && one_error "$pattern" && grep -q '"address":null' "$OUT" || {
                echo "    with $name over ${url%% *}" >&2
                good=1
            }
            kill $TLS_PID
            wait $TLS_PID 2>/dev/null
        done
    done <<EOF
wrong-name CN=other.floe.test .* is refused: .*not for this host
wrong-ca CN=turn.floe.test .* is refused: .*(issuer|authority)
self CN=turn.floe.test .* is refused: it is self-signed
expired CN=turn.floe.test .* is refused: it has expired [12] days? ago .this machine.s clock says 20
future CN=turn.floe.test .* is refused: it is not yet valid .this machine.s clock
nul CN=other.floe.test .* is refused: .*not for this host
weak CN=turn.floe.test .* is refused: .*key too weak
EOF
    # A pinned fingerprint, and the switch that checks nothing.
    lab_coturn 1 "$LAB_SERVER" $(lab_tls self)
    print=$(openssl x509 -in "$LAB_DIR/self.pem" -noout -fingerprint -sha256 | cut -d= -f2)
    gather --policy relay --fingerprint "$print" "${CREDENTIALS[@]}" "turns:$LAB_SERVER" && relays 1 || good=1
    gather --policy relay --insecure --trace "$LAB_DIR/trace" "${CREDENTIALS[@]}" "turns:$LAB_SERVER" && relays 1 &&
        expect "$(jq -s '[.[] | select(.event == "warning")] | length' "$LAB_DIR/trace")" 1 'warnings' &&
        expect "$(jq -s '[.[] | select(.event == "secured" and .method == "TLS" and (.detail | test("not checked")))] | length' "$LAB_DIR/trace")" 1 'secured' || good=1
    # Another one: one print in 256 begins with 00.
    gather --policy relay --fingerprint "$([ "${print%%:*}" = 00 ] && echo 01 || echo 00)${print#??}" "${CREDENTIALS[@]}" "turns:$LAB_SERVER"
    relays 0 && one_error 'fingerprint' || { echo "    with another fingerprint" >&2; good=1; }
    # A client's certificate where the server wants one; TLS below 1.2.
    lab_coturn 1 "$LAB_SERVER" $(lab_tls) --CA-file "$LAB_DIR/ca.pem"
    relay_gather --certificate "$LAB_DIR/client.pem" --key "$LAB_DIR/client.key" "turns:$LAB_SERVER" && relays 1 || good=1
    relay_gather "turns:$LAB_SERVER"
    relays 0 && expect "$(events '.event == "error"')" 1 'errors' || { echo "    without a certificate of ours" >&2; good=1; }
    tls_server turn -tls1_1
    relay_gather --address 0.0.0.0/0 "turns:$LAB_SERVER:5350"
    relays 0 && one_error 'TLS|protocol' || good=1
    kill $TLS_PID
    wait $TLS_PID 2>/dev/null
    hosts_restore
    return $good
}

# Proxies on the NAT's inside; the server's name is known to them alone.
lab_test_t8_proxies() {
    local good=0 url proxy user
    lab_coturn 1 "$LAB_SERVER" $(lab_tls)
    printf '127.0.0.1 localhost\n%s only.floe.test\n%s %s\n' "$LAB_SERVER" "$LAB_SERVER" $TURN_NAME >"$LAB_DIR/proxy-hosts"
    in_proxy() {
        ip netns exec nat unshare --mount sh -c "mount --bind $LAB_DIR/proxy-hosts /etc/hosts && exec \"\$@\"" sh "$@"
    }
    printf '%s\n' 'Port 8888' 'Listen 10.0.1.1' 'Timeout 60' 'BasicAuth courier secret' 'ConnectPort 3478' 'ConnectPort 5349' \
        "LogFile \"$LAB_DIR/tinyproxy.log\"" >"$LAB_DIR/tinyproxy.conf"
    in_proxy tinyproxy -d -c "$LAB_DIR/tinyproxy.conf" >/dev/null 2>&1 &
    local tiny=$!
    # dante's users are the system's: a copy of them with one more.
    cp /etc/passwd "$LAB_DIR/passwd" && cp /etc/shadow "$LAB_DIR/shadow"
    echo 'courier:x:4242:4242::/:/bin/false' >>"$LAB_DIR/passwd"
    echo "courier:$(openssl passwd -6 secret):19000:0:99999:7:::" >>"$LAB_DIR/shadow"
    cat >"$LAB_DIR/danted.conf" <<EOF
logoutput: $LAB_DIR/danted.log
internal: 10.0.1.1 port = 1080
external: outside
socksmethod: username
user.privileged: root
user.unprivileged: root
client pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }
socks pass { from: 0.0.0.0/0 to: 0.0.0.0/0 command: connect }
EOF
    in_proxy sh -c "mount --bind $LAB_DIR/passwd /etc/passwd && mount --bind $LAB_DIR/shadow /etc/shadow && exec danted -f $LAB_DIR/danted.conf -p $LAB_DIR/danted.pid" >/dev/null 2>&1 &
    local dante=$!
    lab_wait sh -c 'ip netns exec nat ss -ltn | grep -q :8888' && lab_wait sh -c 'ip netns exec nat ss -ltn | grep -q :1080' || good=1
    for proxy in http://courier:secret@10.0.1.1:8888 socks5://courier:secret@10.0.1.1:1080; do
        for url in "turn:$LAB_SERVER?transport=tcp" "turns:$LAB_SERVER" 'turn:only.floe.test?transport=tcp' turns:$TURN_NAME; do
            relay_gather --proxy "$proxy" "$url" && relays 1 || { echo "    $url by $proxy" >&2; good=1; }
        done
        # A wrong password is one error; so is a place that the proxy cannot reach.
        relay_gather --proxy "${proxy/secret/wrong}" "turn:$LAB_SERVER?transport=tcp"
        relays 0 && one_error 'password|credentials' || good=1
        relay_gather --proxy "$proxy" "turn:$LAB_SERVER:5349?transport=tcp" "turn:nowhere.floe.test?transport=tcp"
        expect "$(events '.event == "error"')" 1 "errors by $proxy" || good=1
    done
    relay_gather --proxy http://10.0.1.1:8888 "turn:$LAB_SERVER?transport=tcp"
    relays 0 && one_error 'password|credentials' || good=1
    relay_gather --proxy http://10.0.1.1:9 "turn:$LAB_SERVER?transport=tcp"
    relays 0 && one_error 'refused by TCP port [0-9]* of the proxy 10.0.1.1: nothing listens there, or a firewall rejects' || good=1
    # UDP does not go by it.
    relay_gather --proxy http://courier:secret@10.0.1.1:8888 "turn:$LAB_SERVER" && relays 1 || good=1
    pkill -P $dante # its children outlive it
    kill $tiny $dante
    wait $tiny $dante 2>/dev/null
    lab_wait released || good=1
    return $good
}

lab_test_turn_check() {
    local good=0
    lab_coturn 1 "$LAB_SERVER $LAB_SERVER6" $(lab_tls)
    hosts_are "$LAB_SERVER $TURN_NAME" "$LAB_SERVER6 $TURN_NAME"
    lab_client "$FLOE" turn check --json --ca-file "$LAB_DIR/ca.pem" "${CREDENTIALS[@]}" turn:$TURN_NAME turns:$TURN_NAME >"$OUT"
    expect $? 0 'exit status' && expect "$(events '.event == "check" and .ok and (.relays | length == 2) and .packets_received > 0 and .lifetime == 600')" 8 'checks' &&
        expect "$(events '.tls_version != null and .certificate_days == 29')" 4 'with TLS' &&
        expect "$(events '.event == "check" and (.software | test("Coturn")) and .authentication == "MESSAGE-INTEGRITY"')" 8 'that say who they are' || good=1
    lab_client "$FLOE" turn check -u "$LAB_USER" -c wrong "turn:$LAB_SERVER?transport=udp" >"$OUT"
    expect $? 3 'exit status with a wrong password' && grep -q 'what is wrong.*credential' "$OUT" || good=1
    lab_client "$FLOE" turn check --ca-file "$LAB_DIR/ca.pem" "${CREDENTIALS[@]}" turns:$TURN_NAME >"$OUT"
    expect $? 0 'exit status' && grep -q 'certificate .*29 days left' "$OUT" && grep -q 'packets came back' "$OUT" || good=1
    expect "$(grep -c 'mobility: no, TCP allocations: yes' "$OUT")" 2 'offers' || good=1
    # What was not asked for is not said to be missing.
    lab_client "$FLOE" turn check --network-types udp4 "${CREDENTIALS[@]}" "turn:$LAB_SERVER?transport=tcp" >"$OUT"
    expect $? 0 'exit status for UDP alone' && grep -q 'TCP allocations: not asked for' "$OUT" || good=1
    # A server that is hardened: it does not relay to itself, but from outside.
    lab_coturn 1 "$LAB_SERVER" --denied-peer-ip "$LAB_SERVER"
    lab_client "$FLOE" turn check "${CREDENTIALS[@]}" "turn:$LAB_SERVER?transport=udp" >"$OUT"
    expect $? 0 'exit status by another way' && grep -q 'came back from outside.*it denies itself as a peer: 403' "$OUT" || { cat "$OUT"; good=1; }
    hosts_restore
    return $good
}

# By a satellite each request is sent again before it is answered, and the first packet too: nothing is lost by that,
# and nothing counts twice, also where the network brings packets twice.
lab_test_turn_check_of_a_long_way() {
    local good=0 ms
    lab_coturn 1 "$LAB_SERVER"
    for ms in 600 1000 50; do
        lab_wire $ms 0 $((ms == 50 ? 20 : 0))
        lab_client "$FLOE" turn check --json --network-types udp4 "${CREDENTIALS[@]}" "turn:$LAB_SERVER?transport=udp" >"$OUT"
        expect $? 0 "exit status, $ms ms" &&
            expect "$(events '.event == "check" and .ok and .packets_received > 1 and .packets_received <= .packets_sent')" 1 'checks' || { cat "$OUT"; good=1; }
    done
    # What it had no time to say of relays for TCP is not known.
    lab_wire 1000 0
    lab_client "$FLOE" turn check --json "${CREDENTIALS[@]}" "turn:$LAB_SERVER?transport=tcp" >"$OUT"
    expect "$(events '.event == "check" and .ok and .tcp_allocations == null')" 1 'checks by TCP' || { cat "$OUT"; good=1; }
    lab_wire 50 0
    return $good
}

# What turn check says beside ok: a relayed address that nobody out there can reach; each of them once, however many local
# addresses asked; and its own allocation of the row before, which the server counts for a second more, is no fault of the user's.
lab_test_turn_check_says_what_is_there() {
    local good=0
    lab_coturn 1 "$LAB_SERVER" --external-ip 192.168.50.2
    lab_client "$FLOE" turn check --json "${CREDENTIALS[@]}" "turn:$LAB_SERVER?transport=udp" >"$OUT"
    expect "$(events '.event == "check" and (.warnings[0].text // "" | test("address 192.168.50.2 is private: does the server lack --external-ip"))')" 1 'warnings' || { cat "$OUT" >&2; good=1; }
    lab_client ip addr add 10.0.1.77/24 dev eth0
    lab_coturn 1 "$LAB_SERVER"
    lab_client "$FLOE" turn check --json "${CREDENTIALS[@]}" "turn:$LAB_SERVER?transport=udp" >"$OUT"
    expect $? 0 'exit status by two addresses' && expect "$(events '.relays == ["'"$LAB_SERVER"'"] and .warnings == []')" 1 'relays told once' || { cat "$OUT" >&2; good=1; }
    lab_client ip addr del 10.0.1.77/24 dev eth0
    lab_coturn 1 "$LAB_SERVER" --user-quota=1
    lab_client "$FLOE" turn check --json --network-types udp4 "${CREDENTIALS[@]}" "turn:$LAB_SERVER" >"$OUT"
    expect $? 0 'exit status by a quota of one' && expect "$(events '.event == "check" and .ok')" 2 'checks' || { cat "$OUT" >&2; good=1; }
    # A server that was not asked does not lack a relay.
    lab_client "$FLOE" turn pipe "${CREDENTIALS[@]}" --network-types udp4 --peer 203.0.113.3:7 "turn:[$LAB_SERVER6]" </dev/null >"$OUT" 2>&1
    expect $? 1 'exit status of turn pipe' && grep -Fq "turn:[$LAB_SERVER6]: it was not asked" "$OUT" || { cat "$OUT" >&2; good=1; }
    return $good
}

# A peer that gives everything back: port 7 of the second server's address, or of another.
echo_begins() { # tcp | udp [ADDRESS]
    local at=${2:-$LAB_SERVER2} socket
    socket=(-b 2000 "UDP4-RECVFROM:7,bind=$at,fork")
    [ "$1" = udp ] || socket=("TCP4-LISTEN:7,bind=$at,fork,reuseaddr")
    # Not by lab_in: $! is to be socat's own process.
    ip netns exec server socat "${socket[@]}" PIPE &
    ECHO_PID=$!
    lab_wait sh -c "ip netns exec server ss -ln --$1 | grep -q '$at:7 '"
}

echo_ends() {
    kill "$ECHO_PID"
    wait "$ECHO_PID" 2>/dev/null
}

# What does not come back is no success, and each packet can be seen.
lab_test_turn_check_counts_what_is_lost() {
    local good=0
    lab_coturn 1 "$LAB_SERVER" --max-bps 2000
    lab_client "$FLOE" turn check --trace "$LAB_DIR/trace" -v "${CREDENTIALS[@]}" "turn:$LAB_SERVER?transport=udp" >"$OUT" 2>"$LAB_DIR/err"
    expect $? 3 'exit status' && grep -q 'only [0-9]* of [0-9]* packets came back' "$OUT" || good=1
    grep -q '"method":"Allocate"' "$LAB_DIR/trace" && grep -q 'Allocate' "$LAB_DIR/err" || good=1
    return $good
}

# Though nobody types, a pipe whose relay is lost ends; and an interrupted one releases it.
lab_test_a_pipe_ends_with_its_relay() {
    local good=0 pipe
    lab_coturn 1 "$LAB_SERVER"
    mkfifo "$LAB_DIR/idle"
    exec 7<>"$LAB_DIR/idle"
    rm -f "$OUT" "$LAB_DIR/err"
    lab_client timeout -s KILL 60 "$FLOE" turn pipe "${CREDENTIALS[@]}" --peer "$LAB_SERVER2:7" "turn:$LAB_SERVER?transport=tcp" \
        <"$LAB_DIR/idle" >"$OUT" 2>"$LAB_DIR/err" &
    pipe=$!
    lab_wait grep -q '^floe: relay' "$LAB_DIR/err"
    kill -9 "$(cat "$LAB_DIR/coturn-1.pid")"
    wait $pipe
    expect $? 1 'exit status' && grep -q 'the relay was lost' "$LAB_DIR/err" || good=1
    lab_coturn 1 "$LAB_SERVER"
    rm -f "$OUT" "$LAB_DIR/err"
    ip netns exec client "$FLOE" turn pipe "${CREDENTIALS[@]}" --peer "$LAB_SERVER2:7" "turn:$LAB_SERVER" \
        <"$LAB_DIR/idle" >"$OUT" 2>"$LAB_DIR/err" &
    pipe=$!
    lab_wait grep -q '^floe: relay' "$LAB_DIR/err"
    kill -TERM $pipe
    wait $pipe
    expect $? 130 'exit status when interrupted' || good=1
    lab_wait released || good=1
    exec 7>&-
    rm "$LAB_DIR/idle"
    return $good
}

# Who reads what the peer sends stands still: an interrupt releases the relay all the same. A device that is full is told.
lab_test_a_pipe_that_nobody_reads() {
    local good=0 pipe
    lab_coturn 1 "$LAB_SERVER"
    echo_begins udp
    mkfifo "$LAB_DIR/idle" "$LAB_DIR/unread"
    exec 7<>"$LAB_DIR/idle" 8<>"$LAB_DIR/unread"
    rm -f "$LAB_DIR/err"
    timeout --foreground -s KILL 90 ip netns exec client "$FLOE" turn pipe "${CREDENTIALS[@]}" --peer "$LAB_SERVER2:7" "turn:$LAB_SERVER" \
        <"$LAB_DIR/idle" >"$LAB_DIR/unread" 2>"$LAB_DIR/err" &
    pipe=$!
    head -c 200000 /dev/zero >&7 # three times what the output holds
    lab_wait grep -q '^floe: relay' "$LAB_DIR/err"
    sleep 1
    kill -TERM $pipe # timeout hands it on
    wait $pipe
    expect $? 130 'exit status when interrupted' || good=1
    lab_wait released || good=1
    exec 7>&- 8>&-
    rm "$LAB_DIR/idle" "$LAB_DIR/unread"
    echo hello | lab_client timeout 90 "$FLOE" turn pipe "${CREDENTIALS[@]}" --peer "$LAB_SERVER2:7" "turn:$LAB_SERVER" \
        >/dev/full 2>"$LAB_DIR/err"
    expect $? 1 'exit status on a full device' && grep -q 'standard output: No space left' "$LAB_DIR/err" || good=1
    echo_ends
    return $good
}

# Of two connections at once the second's first packet is lost, and comes again a second later.
lab_test_turn_check_and_pipe_wait_for_what_is_slow() {
    local good=0
    lab_coturn 1 "$LAB_SERVER"
    echo_begins tcp
    lab_in nat nft -f - <<EOF
table inet slow { chain through { type filter hook forward priority -1; tcp dport 3478 tcp flags & (syn | ack) == syn limit rate over 1/second burst 1 packets drop; }; }
EOF
    lab_client "$FLOE" turn check --json "${CREDENTIALS[@]}" "turn:$LAB_SERVER?transport=tcp" >"$OUT"
    expect $? 0 'exit status' && expect "$(events '.tcp_allocations')" 1 'with TCP allocations' || good=1
    sleep 1 # the limit's second
    echo 'by TCP' | lab_client timeout 90 "$FLOE" turn pipe --tcp "${CREDENTIALS[@]}" --peer "$LAB_SERVER2:7" \
        "turn:$LAB_SERVER?transport=tcp" >"$OUT" 2>"$LAB_DIR/err"
    expect $? 0 'exit status' && expect "$(cat "$OUT")" 'by TCP' 'what came back' || { good=1; }; cat "$LAB_DIR/err"
    echo_ends
    lab_in nat nft delete table inet slow
    return $good
}

# A peer by TCP that greets, and at the end says how much it has taken. In the background, that $! is its own.
greeting_peer() {
    exec ip netns exec server python3 -u - "$LAB_SERVER2" <<'EOF'
import socket, sys
listener = socket.create_server((sys.argv[1], 7))
print('listens')
peer, _ = listener.accept()
peer.sendall(b'\0\5hello')
taken = 0
try:
    while data := peer.recv(65536):
        taken += len(data)
except ConnectionResetError:
    pass
print(taken)
EOF
}

# What waits still at the end of the input goes before the pipe does, though an answer has come: by a way of
# 800 kB a second. (Framed, each 1200 bytes have two more.)
lab_test_a_pipe_ends_when_all_has_gone() {
    local good=0 peer
    lab_coturn 1 "$LAB_SERVER"
    rm -f "$LAB_DIR/taken"
    greeting_peer >"$LAB_DIR/taken" &
    peer=$!
    lab_wait grep -q listens "$LAB_DIR/taken"
    head -c 3000000 /dev/zero >"$LAB_DIR/input"
    lab_in nat nft -f - <<EOF
table inet slow { chain through { type filter hook forward priority -1; tcp dport 3478 limit rate over 800 kbytes/second burst 50 kbytes drop; }; }
EOF
    lab_client timeout 90 "$FLOE" turn pipe --tcp "${CREDENTIALS[@]}" --peer "$LAB_SERVER2:7" \
        "turn:$LAB_SERVER?transport=tcp" <"$LAB_DIR/input" >"$OUT" 2>"$LAB_DIR/err"
    expect $? 0 'exit status' && expect "$(cat "$OUT")" hello 'what the peer said' || { good=1; cat "$LAB_DIR/err"; }
    wait $peer
    expect "$(tail -n 1 "$LAB_DIR/taken")" 3005000 'bytes at the peer' || good=1
    lab_in nat nft delete table inet slow
    return $good
}

# A way by which nothing goes any more is told at the end; so is an input that cannot be read.
lab_test_a_pipe_tells_what_does_not_go() {
    local good=0 peer pipe
    lab_coturn 1 "$LAB_SERVER"
    rm -f "$LAB_DIR/taken"
    greeting_peer >"$LAB_DIR/taken" &
    peer=$!
    lab_wait grep -q listens "$LAB_DIR/taken"
    mkfifo "$LAB_DIR/idle"
    rm -f "$OUT" "$LAB_DIR/err"
    lab_client timeout 90 "$FLOE" turn pipe --tcp "${CREDENTIALS[@]}" --peer "$LAB_SERVER2:7" \
        "turn:$LAB_SERVER?transport=tcp" <"$LAB_DIR/idle" >"$OUT" 2>"$LAB_DIR/err" &
    pipe=$!
    exec 7>"$LAB_DIR/idle"
    echo first >&7
    lab_wait grep -q hello "$OUT"
    lab_in nat nft -f - <<EOF
table inet shut { chain through { type filter hook forward priority -1; tcp dport 3478 drop; }; }
EOF
    echo last >&7
    exec 7>&-
    wait $pipe
    expect $? 1 'exit status' && grep -q 'nothing has gone of what waits' "$LAB_DIR/err" || { good=1; cat "$LAB_DIR/err"; }
    lab_in nat nft delete table inet shut
    kill $peer 2>/dev/null
    wait $peer 2>/dev/null
    rm "$LAB_DIR/idle"
    lab_client timeout 90 "$FLOE" turn pipe "${CREDENTIALS[@]}" --peer "$LAB_SERVER2:7" "turn:$LAB_SERVER" \
        </ >"$OUT" 2>"$LAB_DIR/err"
    expect $? 1 'exit status with a folder' && grep -q 'standard input' "$LAB_DIR/err" || { good=1; cat "$LAB_DIR/err"; }
    return $good
}

# That nothing has reached the peer is told, though all of the input has gone: one that the server refuses, one where
# nobody listens.
lab_test_a_pipe_tells_that_the_peer_is_not_reached() {
    local good=0 pipe
    lab_coturn 1 "$LAB_SERVER" --denied-peer-ip="$LAB_SERVER2"
    echo 'a line' | lab_client timeout 90 "$FLOE" turn pipe "${CREDENTIALS[@]}" --peer "$LAB_SERVER2:7" \
        "turn:$LAB_SERVER" >"$OUT" 2>"$LAB_DIR/err"
    expect $? 1 'exit status, refused' && grep -q 'refuses this peer' "$LAB_DIR/err" || { good=1; cat "$LAB_DIR/err"; }
    echo 'a line' | lab_client timeout 90 "$FLOE" turn pipe --tcp "${CREDENTIALS[@]}" --peer "$LAB_SERVER2:7" \
        "turn:$LAB_SERVER?transport=tcp" >"$OUT" 2>"$LAB_DIR/err"
    expect $? 1 'exit status, refused by TCP' && grep -q 'refuses this peer' "$LAB_DIR/err" || { good=1; cat "$LAB_DIR/err"; }
    lab_coturn 1 "$LAB_SERVER"
    echo 'a line' | lab_client timeout 90 "$FLOE" turn pipe --tcp "${CREDENTIALS[@]}" --peer "$LAB_SERVER2:7" \
        "turn:$LAB_SERVER?transport=tcp" >"$OUT" 2>"$LAB_DIR/err"
    expect $? 1 'exit status, nobody there' && grep -q "can't connect" "$LAB_DIR/err" || { good=1; cat "$LAB_DIR/err"; }
    # The server's own port, once it is down, is not the peer's.
    rm -f "$OUT" "$LAB_DIR/err"
    (while echo 'a line'; do sleep 0.5; done) | lab_client timeout 20 "$FLOE" turn pipe "${CREDENTIALS[@]}" \
        --peer "$LAB_SERVER2:7" "turn:$LAB_SERVER" >"$OUT" 2>"$LAB_DIR/err" &
    pipe=$!
    lab_wait grep -q '^floe: relay' "$LAB_DIR/err"
    sleep 1 # the permission
    kill -9 "$(cat "$LAB_DIR/coturn-1.pid")"
    wait $pipe
    grep -q "the relay's server can't be reached (is it running?)" "$LAB_DIR/err" &&
        ! grep -q 'nothing listens on that port of the peer' "$LAB_DIR/err" || { good=1; cat "$LAB_DIR/err"; }
    return $good
}

# Standard input to a peer and back, through a relay; the peer is an echo.
lab_test_turn_pipe() {
    local good=0 url
    lab_coturn 1 "$LAB_SERVER" $(lab_tls)
    echo_begins udp
    for url in "turn:$LAB_SERVER" "turns:$LAB_SERVER"; do
        echo 'through the relay' | lab_client timeout 90 "$FLOE" turn pipe --ca-file "$LAB_DIR/ca.pem" "${CREDENTIALS[@]}" \
            --peer "$LAB_SERVER2:7" "$url" >"$OUT" 2>"$LAB_DIR/err"
        expect $? 0 'exit status' && expect "$(cat "$OUT")" 'through the relay' 'what came back' &&
            grep -q "^floe: relay $LAB_SERVER:" "$LAB_DIR/err" || good=1
    done
    echo_ends
    lab_wait released || good=1
    return $good
}

# Datagrams that the kernel has thrown away for want of room, in all of the lab.
udp_dropped() {
    local ns
    for ns in client client2 server; do
        ip netns exec $ns cat /proc/net/snmp /proc/net/snmp6
    done | awk '/^Udp:/ && $2 ~ /[0-9]/ { n += $6 + $7 } /^Udp6(RcvbufErrors|SndbufErrors)/ { n += $2 } END { print n + 0 }'
}

# K1, and what an ICE transport will stand on: two processes behind two symmetric NATs, brought together
# by their relays alone, give each other 100 MB at the same time. What is lost, the kernel has lost.
lab_test_k1_a_hundred_megabytes_each_way() {
    local good=0 urls first second window one two before lost megabytes=${LAB_MEGABYTES:-100}
    lab_nat symmetric
    lab_wire 10
    lab_second_client
    lab_coturn 1 "$LAB_SERVER" $(lab_tls)
    export LAB_CA=$LAB_DIR/ca.pem
    # coturn throws away what waits for a TCP client beyond 32 KB.
    for urls in "turn:$LAB_SERVER turn:$LAB_SERVER 48" "turn:$LAB_SERVER?transport=tcp turns:$LAB_SERVER 16"; do
        read -r first second window <<<"$urls"
        rm -f "$LAB_DIR"/to1 "$LAB_DIR"/to2 "$LAB_DIR"/one "$LAB_DIR"/two
        mkfifo "$LAB_DIR/to1" "$LAB_DIR/to2"
        before=$(udp_dropped)
        timeout 200 ip netns exec client "$FLOE_BUILD/tests/lab-exchange" "$first" "$LAB_USER" "$LAB_SECRET" "$megabytes" "$window" \
            <"$LAB_DIR/to1" >"$LAB_DIR/one" &
        one=$!
        timeout 200 ip netns exec client2 "$FLOE_BUILD/tests/lab-exchange" "$second" "$LAB_USER" "$LAB_SECRET" "$megabytes" "$window" \
            <"$LAB_DIR/to2" >"$LAB_DIR/two" &
        two=$!
        exec 8>"$LAB_DIR/to1" 9>"$LAB_DIR/to2"
        lab_wait grep -q relay "$LAB_DIR/one" && lab_wait grep -q relay "$LAB_DIR/two" || good=1
        sed -n 's/^relay //p' "$LAB_DIR/two" >&8
        sed -n 's/^relay //p' "$LAB_DIR/one" >&9
        exec 8>&- 9>&-
        wait $one || good=1
        wait $two || good=1
        cat "$LAB_DIR/one" "$LAB_DIR/two" | grep '^{' >"$OUT"
        lost=$(jq -s 'map(.sent - .received) | add' "$OUT")
        [ "$(jq -s 'map(.twice) | add' "$OUT")" = 0 ] && [ "${lost:-1}" -le $(($(udp_dropped) - before)) ] || {
            echo "    lost $lost, of which the kernel dropped $(($(udp_dropped) - before))" >&2
            cat "$OUT" >&2
            good=1
        }
        megabytes=$((megabytes / 10))
    done
    lab_second_client_gone
    lab_wire 50
    return $good
}

lab_test_the_example_over_two_relays() {
    local good=0 echo
    lab_coturn 1 "$LAB_SERVER"
    rm -f "$LAB_DIR/to1" "$LAB_DIR/one" "$OUT"
    mkfifo "$LAB_DIR/to1"
    ip netns exec client "$FLOE_BUILD/examples/echo_over_relay" "turn:$LAB_SERVER" "$LAB_USER" "$LAB_SECRET" <"$LAB_DIR/to1" >"$LAB_DIR/one" &
    echo=$!
    exec 8>"$LAB_DIR/to1"
    lab_wait grep -q relay "$LAB_DIR/one"
    rm -f "$OUT"
    lab_client timeout 90 "$FLOE_BUILD/examples/echo_over_relay" "turn:$LAB_SERVER" "$LAB_USER" "$LAB_SECRET" "$(sed -n 's/^relay //p' "$LAB_DIR/one")" >"$OUT" &
    local other=$!
    lab_wait grep -q relay "$OUT"
    sed -n 's/^relay //p' "$OUT" >&8
    wait $other || good=1
    exec 8>&-
    wait $echo || good=1
    grep -q 'through two relays' "$OUT" || good=1
    return $good
}

# RFC 6062 on coturn, by TCP and TLS: the peer is an echo to which the relay connects; then one that connects
# to the relay, once it has been let in, and says hello in a frame.
# The peer connects until it has been heard. (It speaks half a second later, and stays: what is said before it
# was bound coturn 4.6.1 may lose by TLS, and one that has gone by then it forgets.)
say_hello() { # PORT
    local i
    for i in $(seq 20); do
        { sleep 0.5; printf '\000\005hello'; sleep 0.5; } |
            ip netns exec server socat - "TCP4:$LAB_SERVER:$1,bind=$LAB_SERVER2" 2>/dev/null
        grep -q hello "$OUT" && return 0
    done
    return 1
}

lab_test_t12_relays_for_tcp() {
    local good=0 url port
    lab_coturn 1 "$LAB_SERVER" $(lab_tls)
    echo_begins tcp
    for url in "turn:$LAB_SERVER?transport=tcp" "turns:$LAB_SERVER"; do
        relay_gather --network-types udp4,tcp4 "$url"
        expect $? 0 'exit status' && expect "$(events '.type == "relay" and .protocol == "udp"')" 1 'for UDP' &&
            expect "$(events '.tcp_type == "active" and .port == 9')" 1 'active' &&
            expect "$(events '.tcp_type == "passive" and .port > 1023')" 1 'passive' || good=1
        lab_wait released || good=1
        echo 'by TCP' | lab_client timeout 90 "$FLOE" turn pipe --tcp --ca-file "$LAB_DIR/ca.pem" "${CREDENTIALS[@]}" \
            --peer "$LAB_SERVER2:7" "$url" >"$OUT" 2>"$LAB_DIR/err"
        expect $? 0 'exit status' && expect "$(cat "$OUT")" 'by TCP' 'what came back' || good=1
        rm -f "$LAB_DIR/to1" "$LAB_DIR/err" "$OUT"
        mkfifo "$LAB_DIR/to1"
        lab_client timeout 60 "$FLOE" turn pipe --tcp --ca-file "$LAB_DIR/ca.pem" "${CREDENTIALS[@]}" --peer "$LAB_SERVER2:9" "$url" \
            <"$LAB_DIR/to1" >"$OUT" 2>"$LAB_DIR/err" &
        local pipe=$!
        exec 8>"$LAB_DIR/to1"
        lab_wait grep -q '^floe: relay' "$LAB_DIR/err" || good=1
        port=$(sed -n "s/^floe: relay $LAB_SERVER://p" "$LAB_DIR/err")
        say_hello "$port" || good=1
        exec 8>&-
        wait $pipe || good=1
    done
    # A server that has none: its relay for UDP is all.
    lab_coturn 1 "$LAB_SERVER" --no-tcp-relay
    relay_gather --network-types udp4,tcp4 "turn:$LAB_SERVER?transport=tcp"
    expect $? 0 'exit status' && relays 1 && expect "$(events '.event == "error"')" 0 'errors' || good=1
    echo_ends
    return $good
}

# RFC 8016: the client's address is taken away and another given; the relay stays, and data goes through
# it. (By TCP coturn 4.6.1 moves the allocation and ends the new connection without an answer; that is in
# the simulation.)
lab_test_t10_the_address_changes() {
    local good=0 pid url
    lab_coturn 1 "$LAB_SERVER" $(lab_tls) --mobility
    echo_begins udp
    for url in "turn:$LAB_SERVER" "turns:$LAB_SERVER?transport=udp"; do
        rm -f "$LAB_DIR/to1" "$OUT"
        mkfifo "$LAB_DIR/to1"
        LAB_CA=$LAB_DIR/ca.pem ip netns exec client "$FLOE_BUILD/tests/lab-roam" "$url" "$LAB_USER" "$LAB_SECRET" "$LAB_SERVER2" 7 <"$LAB_DIR/to1" >"$OUT" &
        pid=$!
        exec 8>"$LAB_DIR/to1"
        lab_wait grep -q echo "$OUT" || good=1
        lab_client ip addr add 10.0.1.7/24 dev eth0
        lab_client ip addr del 10.0.1.2/24 dev eth0
        lab_client ip addr add 10.0.1.7/24 dev eth0 2>/dev/null # where it was a secondary one, it went too
        lab_client ip route replace default via 10.0.1.1
        echo again >&8
        lab_wait sh -c "[ \$(grep -c echo '$OUT') = 2 ]" || good=1
        exec 8>&-
        wait $pid
        expect "$(grep -c '^relay' "$OUT")" 1 "relays by $url" && expect "$(grep -c '^withdrawn' "$OUT")" 0 "withdrawn by $url" &&
            expect "$(grep -c '^error' "$OUT")" 0 "errors by $url" || { cat "$OUT" >&2; good=1; }
        lab_client ip addr del 10.0.1.7/24 dev eth0
        lab_client ip addr add 10.0.1.2/24 dev eth0
        lab_client ip route replace default via 10.0.1.1
    done
    echo_ends
    lab_wait released || good=1
    return $good
}
