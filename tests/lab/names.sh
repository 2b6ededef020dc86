# The lab's tests of names: a real DNS server (dnsmasq), and multicast DNS beside avahi.

# A name server at the server's address; records live a minute, unless they say otherwise.
dns_up() { # [SECONDS]
    ip netns exec server dnsmasq --keep-in-foreground --no-resolv --no-hosts --conf-file=/dev/null \
        --listen-address="$LAB_SERVER" --bind-interfaces --local=/example/ --local-ttl="${1:-60}" \
        --log-queries --log-facility="$LAB_DIR/dns.log" --pid-file="$LAB_DIR/dns.pid" --user=root \
        --host-record=relay.example,"$LAB_SERVER","$LAB_SERVER6",60 \
        --host-record=four.example,"$LAB_SERVER" \
        --address=/many.example/"$LAB_SERVER" \
        --host-record=short.example,"$LAB_SERVER",1 \
        --cname=alias.example,four.example \
        --srv-host=_stun._udp.service.example,four.example,3478,10,5 \
        --srv-host=_turn._udp.service.example,four.example,3478,10,5 \
        --naptr-record=natural.example,10,10,s,RELAY:turn.udp,,_turn._udp.service.example \
        >/dev/null 2>&1 &
    DNS_PID=$!
    dns_asks "nameserver $LAB_SERVER"
    lab_wait test -s "$LAB_DIR/dns.log"
}

dns_asks() { # RESOLV.CONF
    mkdir -p "$LAB_DIR/etc"
    printf '%s\n' "$@" >"$LAB_DIR/etc/resolv.conf"
    umount /etc/resolv.conf 2>/dev/null
    touch /etc/resolv.conf
    mount --bind "$LAB_DIR/etc/resolv.conf" /etc/resolv.conf
}

dns_down() {
    umount /etc/resolv.conf
    kill "$DNS_PID"
    wait "$DNS_PID" 2>/dev/null
    rm -f "$LAB_DIR/dns.log"
}

dns_queries() { # KIND NAME
    grep -c "query\[$1\] $2 from" "$LAB_DIR/dns.log"
}

# N2: an address comes, and its name servers are known some time later; those of before refuse.
lab_test_n2_name_servers_come_later_than_the_address() {
    local good=0
    lab_coturn 1 "$LAB_SERVER"
    dns_up
    dns_asks 'nameserver 127.0.0.1'
    lab_in client ip -4 addr flush dev eth0
    lab_in client ip -6 addr flush dev eth0
    rm -f "$OUT"
    ip netns exec client "$FLOE" gather --json --continual --hold 8s -u "$LAB_USER" -c "$LAB_SECRET" turn:four.example >"$OUT" &
    lab_wait grep -q '"event":"end"' "$OUT" || good=1
    lab_in client ip addr add 10.0.1.2/24 dev eth0
    lab_in client ip route add default via 10.0.1.1
    lab_wait grep -q '"event":"candidate".*"10.0.1.2"' "$OUT" || good=1
    sleep 0.5
    dns_asks "nameserver $LAB_SERVER"
    wait $! || true
    expect "$(events '.event == "candidate" and .type == "relay"')" 1 'a relay, by the name' || good=1
    dns_down
    return $good
}

# S6: both families, an alias, SRV and S-NAPTR when asked for, and not when not.
lab_test_s6_names_by_dns() {
    local good=0
    lab_coturn 1 "$LAB_SERVER $LAB_SERVER6"
    dns_up
    gather "${CREDENTIALS[@]}" turn:relay.example && candidates 2 2 2 || good=1
    gather stun:alias.example && candidates 2 1 0 || good=1
    gather stun:service.example
    [ $? = 1 ] && expect "$(dns_queries SRV _stun._udp.service.example)" 0 'SRV queries' || good=1
    gather --srv stun:service.example && candidates 2 1 0 || good=1
    gather --srv "${CREDENTIALS[@]}" 'turn:service.example?transport=udp' && candidates 2 1 2 || good=1
    gather --srv "${CREDENTIALS[@]}" turn:natural.example && candidates 2 1 2 || good=1
    gather --srv stun:four.example && candidates 2 1 0 || good=1 # no SRV: its own addresses
    gather --srv stun:missing.example
    expect $? 1 'exit status' || good=1
    dns_down
    return $good
}

# S7: a name server of the link alone, as a router announces it; and one beside another that is dead.
lab_test_s7_a_name_server_of_the_link() {
    local good=0 address pid
    lab_coturn 1 "$LAB_SERVER"
    ip netns exec nat dnsmasq --keep-in-foreground --no-resolv --no-hosts --conf-file=/dev/null \
        --interface=inside --bind-dynamic --local=/example/ --pid-file= --user=root \
        --host-record=four.example,"$LAB_SERVER" --log-queries --log-facility="$LAB_DIR/dns.log" \
        >/dev/null 2>&1 &
    pid=$!
    lab_wait test -s "$LAB_DIR/dns.log"
    address=$(ip -n nat -6 -o address show dev inside scope link | sed 's/.*inet6 \([^/]*\).*/\1/')
    dns_asks "nameserver $address%eth0"
    gather stun:four.example && candidates 2 1 0 || good=1
    dns_asks "nameserver 203.0.113.99" "nameserver $address%eth0"
    gather stun:four.example && candidates 2 1 0 || good=1
    umount /etc/resolv.conf
    kill "$pid"
    wait "$pid" 2>/dev/null
    rm -f "$LAB_DIR/dns.log"
    return $good
}

# S7: looked up once for all that ask at the same time, kept for its TTL, and that there is none too.
lab_test_s7_names_are_kept_and_shared() {
    local good=0
    lab_coturn 1 "$LAB_SERVER $LAB_SERVER6"
    dns_up
    gather --gatherers 50 stun:four.example && expect "$(dns_queries A four.example)" 1 'queries of 50' || good=1
    gather --repeat 5 stun:relay.example && expect "$(dns_queries A relay.example)" 1 'queries of 5 in turn' || good=1
    gather --repeat 2 --timeout 1.5 --straggler-grace 0 -s "stun:$LAB_SILENT" stun:short.example
    expect "$(dns_queries A short.example)" 2 'queries when a second is over' || good=1
    gather --repeat 5 stun:missing.example
    expect "$(dns_queries A missing.example)" 1 'queries for nothing' || good=1
    gather --srv --repeat 5 stun:service.example
    expect "$(dns_queries SRV _stun._udp.service.example)" 1 'queries for a service' || good=1
    dns_down
    dns_up 1
    gather --srv --repeat 2 --timeout 1.5 --straggler-grace 0 -s "stun:$LAB_SILENT" stun:service.example
    expect "$(dns_queries SRV _stun._udp.service.example)" 2 'queries for a service when a second is over' || good=1
    dns_down
    return $good
}

# Ever new names fill no memory: 256 of them are kept, a minute each.
lab_test_s7_names_are_kept_within_bounds() {
    local good=0 counts
    lab_coturn 1 "$LAB_SERVER"
    dns_up
    counts=($(timeout 60 ip netns exec client "$FLOE_BUILD/tests/lab-names" 8 50 many.example)) || good=1
    expect ${#counts[@]} 8 rounds || good=1
    # Five pieces or so for each name that is kept; 100 look-ups more a round would be 200.
    [ $((counts[7] - counts[5])) -lt 150 ] || { good=1; echo "    pieces of memory: ${counts[*]}"; }
    dns_down
    return $good
}

lab_test_s7_a_silent_name_server_costs_the_others_nothing() {
    local good=0
    lab_coturn 1 "$LAB_SERVER"
    dns_up
    dns_asks "nameserver $LAB_SILENT"
    gather --straggler-grace 500 "${CREDENTIALS[@]}" "turn:$LAB_SERVER" stun:four.example
    [ $? = 1 ] && candidates 2 1 1 &&
        expect "$(events '.event == "error" and (.text | test("still being looked up when gathering ended"))')" 1 errors || good=1
    # turn check waits for it once, however many rows the name would have.
    check_turn -4 --timeout 2 --trace "$LAB_DIR/trace" turn:four.example
    checked $? 3 2 '.reason == "dns" and (.error | test("still being looked up"))' &&
        expect "$(grep -c '"event":"looks up"' "$LAB_DIR/trace")" 1 'look-ups' || good=1
    dns_asks "nameserver $LAB_SILENT" "nameserver $LAB_SERVER"
    gather stun:four.example && candidates 2 1 0 || good=1
    dns_down
    return $good
}

# A second machine on the client's link that answers: avahi, on the NAT's inside.
avahi_up() {
    cat >"$LAB_DIR/dbus.conf" <<END
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=$LAB_DIR/bus</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/></policy></busconfig>
END
    printf '[server]\nhost-name=neighbour\nallow-interfaces=inside\n[publish]\npublish-workstation=no\n' >"$LAB_DIR/avahi.conf"
    export DBUS_SYSTEM_BUS_ADDRESS=unix:path=$LAB_DIR/bus
    mkdir -p /run/avahi-daemon
    dbus-daemon --config-file="$LAB_DIR/dbus.conf" --nofork --nopidfile >/dev/null 2>&1 &
    DBUS_PID=$!
    lab_wait test -S "$LAB_DIR/bus"
    rm -f "$LAB_DIR/avahi.log"
    ip netns exec nat avahi-daemon -f "$LAB_DIR/avahi.conf" --no-drop-root --no-rlimits --no-chroot >"$LAB_DIR/avahi.log" 2>&1 &
    AVAHI_PID=$!
    lab_wait grep -q 'Server startup complete' "$LAB_DIR/avahi.log"
}

avahi_down() {
    kill "$AVAHI_PID" "$DBUS_PID"
    wait "$AVAHI_PID" "$DBUS_PID" 2>/dev/null
}

# Whether avahi finds this address, and no other, by the name.
avahi_finds() { # NAME FAMILY ADDRESS
    [ "$(timeout 10 avahi-resolve "-$2" -n "$1" 2>/dev/null | cut -f 2)" = "$3" ]
}

# RFC 6762 10.1: a second after the goodbye, and not only when the TTL is over.
avahi_forgets() { # NAME
    ! timeout 90 avahi-resolve -4 -n "$1" 2>/dev/null | grep -q "$1"
}

local_finds() { # NAME ADDRESS
    lab_client timeout 90 "$FLOE_BUILD/examples/local_names" "$1" | grep -qx "$1 $2"
}

# H2: a name for each address, nothing else in what is told; avahi and another process of
# this machine find the addresses by them, until the gatherer is closed.
lab_test_h2_mdns_names() {
    local good=0 name4 name6 pid
    lab_coturn 1 "$LAB_SERVER"
    avahi_up
    rm -f "$OUT"
    ip netns exec client "$FLOE" gather --mdns gather --json --hold inf "stun:$LAB_SERVER" >"$OUT" 2>&1 &
    pid=$!
    lab_wait grep -q '"event":"end"' "$OUT"
    candidates 2 1 0 || good=1
    grep -q '"event":"parameters"' "$OUT" && ! grep -E '10\.0\.1\.2|2001:db8:1::2' "$OUT" >&2 || good=1
    expect "$(events '.type == "srflx" and .related_address == "0.0.0.0" and .related_port == 9')" 1 'hidden related address' || good=1
    name6=$(jq -r 'select(.type == "host") | .address' "$OUT" | sed -n 1p)
    name4=$(jq -r 'select(.type == "host") | .address' "$OUT" | sed -n 2p)
    avahi_finds "$name4" 4 10.0.1.2 || { echo "    avahi does not find $name4" >&2; good=1; }
    avahi_finds "$name6" 6 2001:db8:1::2 || { echo "    avahi does not find $name6" >&2; good=1; }
    local_finds "$name4" 10.0.1.2 || { echo "    $name4 is not found on its own machine" >&2; good=1; }
    kill -TERM $pid
    wait $pid
    expect $? 130 'interrupted' || good=1
    # The goodbye: what avahi kept of the name is gone.
    lab_wait avahi_forgets "$name4" || { echo "    $name4 is found after the goodbye" >&2; good=1; }
    avahi_down
    return $good
}

lab_test_h2_the_other_sides_names() {
    local good=0
    avahi_up
    lab_client timeout 90 "$FLOE_BUILD/examples/local_names" neighbour.local nobody.local >"$OUT"
    expect $? 1 'exit status' || good=1
    grep -qE '^neighbour.local (10\.0\.1\.1|2001:db8:1::1|fe80:[^ ]*)' "$OUT" && grep -q '^nobody.local: timed out$' "$OUT" || good=1
    # A server's name may be such a one.
    gather stun:nowhere.local
    expect $? 1 'exit status for nowhere.local' || good=1
    avahi_down
    return $good
}

# A Chromium on the NAT's inside that runs a script, whose console goes to $LAB_DIR/chromium.log. It
# gathers where its default route goes, so it gets one for as long.
chromium_up() { # SCRIPT
    printf '<script>\n%s\n</script>\n' "$1" >"$LAB_DIR/page.html"
    ip netns exec nat ip route add default via 10.0.1.2
    rm -f "$LAB_DIR/chromium.log"
    HOME=$LAB_DIR ip netns exec nat chromium-headless-shell --no-sandbox --disable-gpu --disable-dev-shm-usage \
        --user-data-dir="$LAB_DIR/chromium" --remote-debugging-port=0 --enable-logging=stderr \
        "file://$LAB_DIR/page.html" >"$LAB_DIR/chromium.log" 2>&1 &
    CHROMIUM_PID=$!
}

chromium_says() { # PATTERN
    lab_wait grep -q "CONSOLE.*$1" "$LAB_DIR/chromium.log" || { grep -E 'CONSOLE|FATAL' "$LAB_DIR/chromium.log" >&2; return 1; }
}

chromium_down() {
    kill "$CHROMIUM_PID"
    wait "$CHROMIUM_PID" 2>/dev/null
    ip netns exec nat ip route del default via 10.0.1.2
}

chromium_there() {
    command -v chromium-headless-shell >/dev/null || lab_skip 'chromium-headless-shell is not installed'
}

# H2: the names in Chromium's own candidates. Its responder passes over a query with two questions.
lab_test_h2_chromiums_names() {
    local good=0 name
    chromium_there || return
    chromium_up "
        const peer = new RTCPeerConnection();
        peer.onicecandidate = event => console.log(event.candidate ? event.candidate.candidate : 'end');
        peer.createDataChannel('floe');
        peer.createOffer().then(offer => peer.setLocalDescription(offer));"
    if chromium_says '"end"'; then
        name=$(grep -o '[0-9a-f-]*\.local' "$LAB_DIR/chromium.log" | head -n 1)
        local_finds "$name" 10.0.1.1 || { echo "    $name is not found" >&2; good=1; }
    else
        good=1
    fi
    chromium_down
    return $good
}

was_checked() {
    [ "$(lab_counted)" -gt 0 ]
}

# And the other way: Chromium finds ours, and sends its checks to where we are.
lab_test_h2_chromium_finds_our_name() {
    local good=0 candidate pid
    chromium_there || return
    rm -f "$OUT"
    ip netns exec client "$FLOE" gather --mdns gather --json --hold inf --network-types udp4 >"$OUT" 2>&1 &
    pid=$!
    lab_wait grep -q '"event":"end"' "$OUT"
    candidate=$(jq -r 'select(.type == "host") | .candidate' "$OUT")
    lab_count input ip saddr 10.0.1.1 udp dport "$(jq -r 'select(.type == "host") | .port' "$OUT")"
    chromium_up "
        (async () => {
            const near = new RTCPeerConnection(), far = new RTCPeerConnection();
            near.createDataChannel('floe');
            await near.setLocalDescription(await near.createOffer());
            await far.setRemoteDescription(near.localDescription);
            await far.setLocalDescription(await far.createAnswer());
            const sdp = far.localDescription.sdp.replace(/a=candidate.*\r\n/g, '');
            await near.setRemoteDescription({ type: 'answer', sdp });
            await near.addIceCandidate({ candidate: '$candidate', sdpMLineIndex: 0 });
            console.log('added');
        })().catch(error => console.log('failed: ' + error));"
    chromium_says '"added"' && lab_wait was_checked || good=1
    chromium_down
    lab_count_no_more
    kill -TERM $pid
    wait $pid
    return $good
}

# H2: of addresses that names stand for it is not known whether a NAT maps them.
lab_test_h2_no_verdict_by_names() {
    local good=0
    lab_coturn 1 "$LAB_SERVER"
    gather -4 --mdns gather "stun:$LAB_SERVER"
    expect "$(events '.event == "network" and .nat == "none"')" 0 'a NAT that is none' || good=1
    gather -4 "stun:$LAB_SERVER"
    expect "$(events '.event == "network" and .nat == "one-server"')" 1 'a NAT' || good=1
    return $good
}

# H1, with Chromium as the peer: it connects to our passive candidate, and nominates it; and by UDP likewise.
lab_test_h1_chromium_connects_to_us() {
    local good=0 pid kind ufrag password candidate
    chromium_there || return
    for kind in tcp udp; do
        rm -f "$OUT"
        ip netns exec client "$FLOE_BUILD/tests/lab-answerer" ${kind}4 >"$OUT" 2>&1 &
        pid=$!
        lab_wait grep -q '^end$' "$OUT"
        ufrag=$(sed -n 's/^ufrag //p' "$OUT")
        password=$(sed -n 's/^password //p' "$OUT")
        candidate=$(grep '^candidate:' "$OUT" | grep -v ' tcptype active' | sed -n 1p)
        chromium_up "
            (async () => {
                const near = new RTCPeerConnection(), far = new RTCPeerConnection();
                near.oniceconnectionstatechange = () => console.log(near.iceConnectionState);
                near.createDataChannel('floe');
                await near.setLocalDescription(await near.createOffer());
                await far.setRemoteDescription(near.localDescription);
                await far.setLocalDescription(await far.createAnswer());
                const sdp = far.localDescription.sdp.replace(/a=candidate.*\\r\\n/g, '')
                    .replace(/a=ice-ufrag:.*/, 'a=ice-ufrag:$ufrag').replace(/a=ice-pwd:.*/, 'a=ice-pwd:$password');
                await near.setRemoteDescription({ type: 'answer', sdp });
                await near.addIceCandidate({ candidate: '$candidate', sdpMLineIndex: 0 });
            })().catch(error => console.log('failed: ' + error));"
        chromium_says '"connected"' && lab_wait grep -q "^check $kind nominated" "$OUT" || { cat "$OUT" >&2; good=1; }
        chromium_down
        kill -TERM $pid
        wait $pid || good=1
    done
    return $good
}
