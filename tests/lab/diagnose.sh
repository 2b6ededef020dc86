# docs/diagnose.md: each of its commands, in the network that the complaint is of, on a terminal of 80 columns; its
# screen has to be the page's. Sourced by suite.
#
# LAB_DIAGNOSE=FOLDER keeps the screens there as they are now, by their number on the page.
#
# On the page a comment before each screen names its network: <!-- lab: NAME -->. Here diagnose_NAME makes it, and
# diagnose_NAME_over takes away what the next test would trip over. Networks that need one server as it is share it.

DIAGNOSE_PAGE=${LAB_HERE%/tests/lab}/docs/diagnose.md

# The page's names, and a coturn with a certificate for its own one.
diagnose_begin() { # [CERTIFICATE [OPTION…]]
    diagnose_certificates
    mkdir -p "$LAB_DIR/page"
    [ -n "${DIAGNOSE_DNS:-}" ] || diagnose_names "$LAB_SERVER"
    # shellcheck disable=SC2046
    lab_coturn 1 "$LAB_SERVER" $(lab_tls "${1:-example}") "${@:2}"
}

# The router is the name server, as at home: what is blocked behind it does not block that.
diagnose_names() { # ADDRESS-OF-TURN-SERVER…
    local address records=()
    diagnose_nameless
    for address in "$@"; do
        records+=(--host-record="turn.example.org,$address")
    done
    ip netns exec nat dnsmasq --keep-in-foreground --no-resolv --no-hosts --conf-file=/dev/null --listen-address=10.0.1.1 \
        --bind-interfaces --local=/org/ --no-round-robin --user=root --pid-file= --log-queries --log-facility="$LAB_DIR/diagnose-dns.log" \
        "${records[@]}" --host-record=stun.example.org,"$LAB_SERVER2" --host-record=old.example.org,"$LAB_SILENT" \
        --host-record=proxy.example.org,10.0.1.1 >/dev/null 2>&1 &
    DIAGNOSE_DNS=$!
    dns_asks 'nameserver 10.0.1.1'
    lab_wait test -s "$LAB_DIR/diagnose-dns.log"
}

diagnose_nameless() {
    [ -n "${DIAGNOSE_DNS:-}" ] || return 0
    umount /etc/resolv.conf
    kill "$DIAGNOSE_DNS"
    wait "$DIAGNOSE_DNS" 2>/dev/null
    DIAGNOSE_DNS=
    rm -f "$LAB_DIR/diagnose-dns.log"
}

# In the manner of lab_certificates: example (good), chainless (by an intermediate that is not sent), example-old.
diagnose_certificates() {
    [ ! -e "$LAB_DIR/chainless-example.pem" ] || return 0
    (
        cd "$LAB_DIR" || exit 1
        sign() { # NAME BY OPTION…
            openssl x509 -req -in example.csr -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -extfile example.ext -out "$1.pem" "${@:3}"
            [ "$1" = example ] || cp example.key "$1.key"
        }
        printf 'subjectAltName=DNS:turn.example.org\n' >example.ext
        openssl req -newkey rsa:2048 -nodes -keyout example.key -out example.csr -subj /CN=turn.example.org
        openssl req -newkey rsa:2048 -nodes -keyout between.key -out between.csr -subj '/CN=Lab Intermediate'
        printf 'basicConstraints=critical,CA:TRUE\n' >between.ext
        openssl x509 -req -in between.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile between.ext -out between.pem -days 30
        sign example ca -days 30
        sign example-old ca -days -1
        sign chainless-example between -days 30
    ) >"$LAB_DIR/diagnose.log" 2>&1 || cat "$LAB_DIR/diagnose.log" >&2
}

# What this network does not let through, until diagnose_opens.
diagnose_blocks() { # RULE…
    lab_in nat nft "table inet block { chain through { type filter hook forward priority -5; $*; }; }"
}

diagnose_opens() {
    lab_in nat nft delete table inet block
}

diagnose_plain() { :; }

diagnose_closed_relay_ports() { server_drops udp dport 30000-60000 drop; }
diagnose_closed_relay_ports_over() { server_drops_nothing; }

diagnose_mute_relay() { diagnose_blocks iifname outside udp sport 30000-60000 drop; }
diagnose_mute_relay_over() { diagnose_opens; }

diagnose_external_ip() { diagnose_begin example --external-ip "198.51.100.77/$LAB_SERVER"; }

diagnose_no_udp() { diagnose_blocks meta l4proto udp drop; }
diagnose_no_udp_over() { diagnose_opens; }

diagnose_some_port() { diagnose_blocks tcp dport 5349 reject with tcp reset\; udp dport 5349 drop; }
diagnose_some_port_over() { diagnose_opens; }

# Nothing leaves but by the proxy, which is the router itself.
diagnose_proxy() {
    diagnose_blocks drop
    printf '%s\n' 'Port 8888' 'Listen 10.0.1.1' 'Timeout 60' 'MaxClients 20' 'ConnectPort 3478' 'ConnectPort 5349' \
        "LogFile \"$LAB_DIR/tinyproxy.log\"" >"$LAB_DIR/diagnose-proxy.conf"
    ip netns exec nat tinyproxy -d -c "$LAB_DIR/diagnose-proxy.conf" >/dev/null 2>&1 &
    DIAGNOSE_PROXY=$!
    lab_wait sh -c 'ip netns exec nat ss -ltn | grep -q :8888'
}
diagnose_proxy_over() {
    kill "$DIAGNOSE_PROXY"
    wait "$DIAGNOSE_PROXY" 2>/dev/null
    diagnose_opens
}

diagnose_symmetric() { lab_nat symmetric; }
diagnose_symmetric_over() { lab_nat masquerade; }

# What two sides behind such a NAT would send each other, without a relay.
diagnose_two_sides() {
    cat >"$LAB_DIR/page/offer.sdp" <<'END'
a=candidate:1 1 udp 2130706431 10.0.1.2 50000 typ host
a=candidate:2 1 udp 1694498815 203.0.113.1 61001 typ srflx raddr 10.0.1.2 rport 50000
a=candidate:3 1 udp 1694498559 203.0.113.1 61002 typ srflx raddr 10.0.1.2 rport 50000
END
    cat >"$LAB_DIR/page/answer.sdp" <<'END'
a=candidate:1 1 udp 2130706431 192.168.7.7 40000 typ host
a=candidate:2 1 udp 1694498815 198.51.100.9 42001 typ srflx raddr 192.168.7.7 rport 40000
a=candidate:3 1 udp 1694498559 198.51.100.9 42002 typ srflx raddr 192.168.7.7 rport 40000
END
}

diagnose_mdns() {
    cat >"$LAB_DIR/page/offer.sdp" <<'END'
v=0
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=candidate:1 1 udp 2113937151 8d6b3c1e-3a52-4a1c-9f0e-1b6f6b1c2d3e.local 51472 typ host generation 0
a=end-of-candidates
END
}

diagnose_old_certificate() { diagnose_begin example-old; }
diagnose_wrong_name() { diagnose_begin wrong-name; }
diagnose_chainless() { diagnose_begin chainless-example; }

diagnose_web_server() {
    ip netns exec server openssl s_server -quiet -accept 443 -cert "$LAB_DIR/example.pem" -key "$LAB_DIR/example.key" -www >/dev/null 2>&1 &
    DIAGNOSE_WEB=$!
    lab_wait sh -c 'ip netns exec server ss -ltn | grep -q :443'
}
diagnose_web_server_over() {
    kill "$DIAGNOSE_WEB"
    wait "$DIAGNOSE_WEB" 2>/dev/null
}

# Another client has the one relay that the user may have.
diagnose_quota() {
    diagnose_begin example --user-quota 1
    : >"$LAB_DIR/held"
    ip netns exec client "$FLOE" gather --json -4 --policy relay --hold inf "${CREDENTIALS[@]}" "turn:$LAB_SERVER" >"$LAB_DIR/held" &
    DIAGNOSE_HELD=$!
    lab_wait grep -q '"event":"end"' "$LAB_DIR/held"
}
diagnose_quota_over() {
    kill "$DIAGNOSE_HELD"
    wait "$DIAGNOSE_HELD"
}

diagnose_denied() { diagnose_begin example "--denied-peer-ip=10.0.0.0-10.255.255.255"; }
diagnose_open_relay() { diagnose_begin example --no-auth; }
diagnose_loss() { lab_wire 50 20; }
diagnose_loss_over() { lab_wire 50 0; }

# A name with two addresses, of which one is dead.
diagnose_dead_node() { diagnose_names "$LAB_SERVER" "$LAB_SILENT"; }
diagnose_dead_node_over() { diagnose_names "$LAB_SERVER"; }

# An address of IPv6, and no way out from it. The server has both families.
diagnose_half_ipv6() {
    lab_coturn 1 "$LAB_SERVER $LAB_SERVER6"
    diagnose_names "$LAB_SERVER" "$LAB_SERVER6"
    diagnose_blocks meta nfproto ipv6 drop
}
diagnose_half_ipv6_over() {
    diagnose_opens
    diagnose_names "$LAB_SERVER"
}

# A VPN that takes everything in, and nothing comes out.
diagnose_vpn() {
    lab_client ip link add tun0 type veth peer name tun1
    lab_client ip addr add 10.8.0.6/24 dev tun0
    lab_client ip link set tun0 up
    lab_client ip link set tun1 up
    lab_settled client
}
diagnose_vpn_over() { lab_client ip link del tun0; }

diagnose_local_firewall() {
    lab_client nft 'table inet only { chain out { type filter hook output priority 0; udp dport 3478 drop; }; }'
}
diagnose_local_firewall_over() { lab_client nft delete table inet only; }

# The ports that it may use are in use.
diagnose_ports() {
    : >"$LAB_DIR/held"
    ip netns exec client "$FLOE" gather --json -4 --port-range 50000-50000 --hold inf >"$LAB_DIR/held" &
    DIAGNOSE_HELD=$!
    lab_wait grep -q '"event":"end"' "$LAB_DIR/held"
}
diagnose_ports_over() { diagnose_quota_over; }

# The words of a screen, one a line, with the numbers masked: where it breaks lines depends on these. Of two servers that
# see the same address, the first to answer gives it, and the other nothing new: which is a matter of time.
diagnose_words() {
    sed -E '/^\[[0-9]+\]/ { s/srflx, relay/relay/; s/(srflx|nothing new)$/an answer/; }' | sed -E 's/[0-9]+/9/g; s/9(\.9)+/9/g; s/\b9 (ms|s)\b/9 ms/g; s/\b9 (packet|day|hour|minute)s?\b/9 \1s/g' | tr -s '[:space:]' '\n' | sed '/^$/d'
}

# The nth screen of the page: its command, or what follows that.
diagnose_of_page() { # N command | screen
    awk -v wanted="$1" -v what="$2" '/^<!-- lab: / { n++ } /^```/ { inside = /^```text/; next }
        inside && n == wanted { if (/^\$ /) { if (what == "command") print substr($0, 3) } else if (what == "screen") print }' "$DIAGNOSE_PAGE"
}

diagnose_can() {
    local name
    for name in dnsmasq tinyproxy; do
        type $name >/dev/null 2>&1 || lab_skip "no $name" || return
    done
    lab_terminal
}

# Runs the page's commands in these networks, each once or more often.
diagnose() { # NETWORK…
    local n name network good=0 ran
    diagnose_can || return
    diagnose_begin
    for network in "$@"; do
        ran=0 n=0
        "diagnose_$network"
        while read -r name; do
            n=$((n + 1))
            [ "$name" = "$network" ] || continue
            ran=$((ran + 1))
            diagnose_screen $n "$network" || good=1
        done < <(sed -n 's/^<!-- lab: \(.*\) -->$/\1/p' "$DIAGNOSE_PAGE")
        if declare -F "diagnose_${network}_over" >/dev/null; then
            "diagnose_${network}_over"
        fi
        [ $ran -gt 0 ] || { echo "    no screen of $network on the page" >&2; good=1; }
    done
    diagnose_nameless
    return $good
}

# Runs page/command on the client, in a terminal; page/screen has what it shows.
diagnose_run() { # [OPTION-OF-CAPTURE…]
    local good=0
    (
        cd "$LAB_DIR/page" || exit 1
        export PATH=$FLOE_BUILD:$PATH FLOE_USERNAME=$LAB_USER FLOE_CREDENTIAL=$LAB_SECRET SSL_CERT_FILE=$LAB_DIR/ca.pem
        unset NO_COLOR
        terminal_begin page 80 "ip netns exec client bash ./command"
    )
    terminal_over page || good=1
    terminal_screen page "$@" >"$LAB_DIR/page/screen"
    terminal_end page
    return $good
}

diagnose_screen() { # N NETWORK
    local good=0
    diagnose_of_page "$1" command >"$LAB_DIR/page/command"
    diagnose_run || good=1
    [ -z "${LAB_DIAGNOSE:-}" ] || cp "$LAB_DIR/page/screen" "$LAB_DIAGNOSE/$1"
    if ! diff <(diagnose_of_page "$1" screen | diagnose_words) <(diagnose_words <"$LAB_DIR/page/screen") >"$LAB_DIR/page/diff"; then
        echo "    $2: $(cat "$LAB_DIR/page/command") does not print what the page has:" >&2
        cat "$LAB_DIR/page/screen" "$LAB_DIR/page/diff" >&2
        good=1
    fi
    return $good
}

DIAGNOSE_RELAYS='plain closed_relay_ports mute_relay loss open_relay external_ip denied quota'
DIAGNOSE_NETWORKS='no_udp some_port proxy symmetric two_sides mdns local_firewall ports'
DIAGNOSE_ADDRESSES='dead_node vpn half_ipv6'
DIAGNOSE_TLS='chainless old_certificate wrong_name web_server'

lab_test_diagnose_relays() {
    diagnose $DIAGNOSE_RELAYS
}

lab_test_diagnose_networks() {
    diagnose $DIAGNOSE_NETWORKS
}

lab_test_diagnose_addresses() {
    diagnose $DIAGNOSE_ADDRESSES
}

lab_test_diagnose_certificates() {
    diagnose $DIAGNOSE_TLS
}

# No screen of the page is left out, and there is a heading for each of twenty complaints or more.
lab_test_diagnose_whole_page() {
    local network good=0
    while read -r network; do
        [[ " $DIAGNOSE_RELAYS $DIAGNOSE_NETWORKS $DIAGNOSE_ADDRESSES $DIAGNOSE_TLS " == *" $network "* ]] || { echo "    $network is run by no test" >&2; good=1; }
    done < <(sed -n 's/^<!-- lab: \(.*\) -->$/\1/p' "$DIAGNOSE_PAGE")
    expect "$(grep -c '^```text' "$DIAGNOSE_PAGE")" "$(grep -c '^<!-- lab: ' "$DIAGNOSE_PAGE")" 'screens with a network' || good=1
    [ "$(grep -c '^## "' "$DIAGNOSE_PAGE")" -ge 20 ] || { echo '    fewer than twenty complaints' >&2; good=1; }
    return $good
}

# README's picture is of this screen, but for its numbers.
lab_test_diagnose_picture() {
    local good=0 picture=${LAB_HERE%/tests/lab}/docs/gather.svg
    diagnose_can || return
    diagnose_begin
    echo 'floe gather turn:turn.example.org stun:stun.example.org stun:old.example.org' >"$LAB_DIR/page/command"
    diagnose_run -e || good=1
    [ -z "${LAB_DIAGNOSE:-}" ] || { cp "$LAB_DIR/page/screen" "$LAB_DIAGNOSE/picture" && cp "$LAB_DIR/page/command" "$LAB_DIAGNOSE/picture.command"; }
    "${LAB_HERE%/tests/lab}/tools/picture" "$(cat "$LAB_DIR/page/command")" <"$LAB_DIR/page/screen" >"$LAB_DIR/page/svg"
    texts() { sed -n 's/^<text [^>]*>\(.*\)<.text>$/\1/p' "$1" | diagnose_words; }
    [ "$(texts "$picture" | wc -l)" -gt 50 ] && diff <(texts "$picture") <(texts "$LAB_DIR/page/svg") >&2 || good=1
    diagnose_nameless
    return $good
}
