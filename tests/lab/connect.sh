# floe connect, two of them through NATs, by addresses that they share, by what NATs show, and by relays. Sourced by suite.

# One side, in a namespace: it reads what the other prints, and what connect_asks.
connect_begins() { # NAME OTHER NAMESPACE WORDS…
    local name=$1 other=$2 ns=$3
    shift 3
    rm -f "$LAB_DIR/$name.in"
    mkfifo "$LAB_DIR/$name.in"
    : >>"$LAB_DIR/$name.out"
    : >>"$LAB_DIR/$other.out"
    tail -n +1 -f "$LAB_DIR/$other.out" >"$LAB_DIR/$name.in" 2>/dev/null &
    echo $! >"$LAB_DIR/$name.crossing"
    timeout 200 ip netns exec "$ns" "$FLOE" connect --json "${CREDENTIALS[@]}" "$@" \
        <"$LAB_DIR/$name.in" >"$LAB_DIR/$name.out" 2>"$LAB_DIR/$name.err" &
    echo $! >"$LAB_DIR/$name.pid"
}

connect_asks() { # NAME LINE
    echo "$2" >"$LAB_DIR/$1.in"
}

connect_says() { # NAME CONDITION [HOW OFTEN]
    [ "$(jq -s "[.[] | select($2)] | length" "$LAB_DIR/$1.out")" -ge "${3:-1}" ]
}

# Packets go both ways, and arrive; so many times as it was asked, as one may be lost.
connect_talks() { # WORD
    local name other
    for name in a b; do
        other=$([ $name = a ] && echo b || echo a)
        lab_wait connect_passes $name $other "$1" || return 1
    done
}
connect_passes() { # FROM TO WORD
    connect_asks "$1" "{\"send\":\"$(echo -n "$3" | base64)\"}"
    sleep 0.2
    connect_says "$2" ".event == \"packet\" and .data == \"$(echo -n "$3" | base64)\""
}

# Each ends when its input does, and it was connected.
connect_ends() {
    local name status
    for name in a b; do
        kill "$(cat "$LAB_DIR/$name.crossing")"
    done
    for name in a b; do
        wait "$(cat "$LAB_DIR/$name.pid")"
        status=$?
        expect $status 0 "exit status of $name" || {
            cat "$LAB_DIR/$name.err" >&2
            cut -c1-300 "$LAB_DIR/$name.out" | tail -n 40 >&2
            return 1
        }
    done
}

connect_chosen() { # NAME: the types of the two candidates of the pair in use, as "host srflx"
    jq -rs 'map(select(.event == "pair" and .selected)) | last | [.local, .remote] | map(capture("typ (?<type>[a-z]+)").type) | join(" ")' "$LAB_DIR/$1.out"
}

connect_fresh() {
    rm -f "$LAB_DIR"/[ab].out
}

# The second client's NAT gives one port to all destinations, and the two NATs reach each other by the server.
# The second client's own addresses are lost in silence, as behind a router of the server's. Without a route coturn 4.6.1 ends an
# allocation with the first packet to one of them, and keeps its relay socket.
connect_second_client() { # masquerade | symmetric
    local device
    lab_second_client
    lab_in server sysctl -qw net.ipv4.ip_forward=1
    device=$(lab_in server ip -o route get 203.0.113.1 | sed 's/.* dev \([^ ]*\).*/\1/')
    lab_in server ip neigh replace 203.0.113.98 lladdr 02:00:00:00:00:01 dev "$device" nud permanent
    lab_in server ip route replace 10.0.2.0/24 via 203.0.113.98
    lab_in nat ip route replace 198.51.100.0/24 via "$LAB_SERVER"
    [ "$1" = symmetric ] || lab_in nat2 nft -f - <<END
flush ruleset
table ip nat {
    chain self { type filter hook input priority 0; iifname outside ct state new drop; }
    chain out { type nat hook postrouting priority 100; oifname outside masquerade; }
    chain through { type filter hook forward priority 0; iifname outside ct state new drop; }
}
END
}

connect_second_client_gone() {
    lab_second_client_gone
    lab_in server sysctl -qw net.ipv4.ip_forward=0
    lab_in server ip route del 10.0.2.0/24
    lab_in nat ip route del 198.51.100.0/24
}

lab_test_connect_by_host_candidates() {
    connect_fresh
    connect_begins a b client -4
    connect_begins b a client -4
    lab_wait connect_says a '.event == "pair" and .selected' && connect_talks hello && connect_ends &&
        expect "$(connect_chosen a)" 'host host' 'the pair'
}

# Both NATs let in only whom they know: each side's checks open its own. A restart changes nothing of what passes.
lab_test_connect_through_two_nats() {
    local good=0
    connect_second_client masquerade
    connect_fresh
    connect_begins a b client -4 "stun:$LAB_SERVER2"
    connect_begins b a client2 -4 "stun:$LAB_SERVER2"
    lab_wait connect_says a '.event == "pair" and .selected' && connect_talks hello || good=1
    expect "$(connect_chosen a)" 'srflx srflx' 'the pair' || good=1
    connect_asks b '{"restart":true}'
    lab_wait connect_says a '.event == "parameters"' 2 && lab_wait connect_says b '.event == "parameters"' 2 && connect_talks again || good=1
    lab_wait connect_says a '.event == "end"' 2 && lab_wait connect_says b '.event == "end"' 2 &&
        lab_wait connect_says a '.event == "transport" and .state == "completed"' || good=1
    connect_ends || good=1
    connect_second_client_gone
    return $good
}

lab_test_connect_by_relays() {
    local good=0
    lab_nat symmetric
    connect_second_client symmetric
    lab_coturn 1 "$LAB_SERVER"
    connect_fresh
    connect_begins a b client -4 "turn:$LAB_SERVER"
    connect_begins b a client2 -4 "turn:$LAB_SERVER"
    lab_wait connect_says a '.event == "pair" and .selected' && connect_talks hello || good=1
    case $(connect_chosen a) in *relay*) ;; *) expect "$(connect_chosen a)" 'one with a relay' 'the pair' || good=1 ;; esac
    connect_ends || good=1
    lab_wait released || good=1
    connect_second_client_gone
    return $good
}

# Of two addresses the one in use goes: the pair by the other one takes over, and what is said passes.
lab_test_connect_the_address_goes() {
    local good=0 used
    lab_client sysctl -qw net.ipv4.conf.eth0.promote_secondaries=1 # else the second goes with the first
    lab_client ip addr add 10.0.1.3/24 dev eth0
    connect_fresh
    connect_begins a b client -4 --continual
    connect_begins b a nat --interface inside -4
    lab_wait connect_says a '.event == "pair" and .selected' && connect_talks hello || good=1
    lab_wait connect_says a '.event == "end" or (.event == "state" and .state == "complete")' || good=1
    used=$(jq -rs 'map(select(.event == "pair" and .selected)) | last | .local | split(" ")[4]' "$LAB_DIR/a.out")
    lab_client ip addr del "$used/24" dev eth0
    lab_wait connect_says a ".event == \"pair\" and .selected and (.local | contains(\" $used \") | not)" && connect_talks again || good=1
    connect_ends || good=1
    lab_client ip addr replace 10.0.1.2/24 dev eth0
    lab_client ip addr del 10.0.1.3/24 dev eth0
    lab_client ip route replace default via 10.0.1.1
    return $good
}

# What nobody reads from is no fault of the sender's: a directory goes from one machine to another as it is.
lab_test_connect_pipe_through_two_nats() {
    local good=0 one
    connect_second_client masquerade
    lab_wire 10
    rm -f "$LAB_DIR/to-a" "$LAB_DIR/to-b" "$LAB_DIR/a.err" "$LAB_DIR/b.err"
    mkfifo "$LAB_DIR/to-a" "$LAB_DIR/to-b"
    head -c 300000 /dev/urandom >"$LAB_DIR/there"
    timeout 100 ip netns exec client "$FLOE" connect --pipe --rate 2 -4 --remote-file "$LAB_DIR/to-a" "stun:$LAB_SERVER2" \
        <"$LAB_DIR/there" 2>"$LAB_DIR/a.err" >/dev/null &
    one=$!
    (lab_wait grep -q '^floe[A-Z]' "$LAB_DIR/a.err" && grep -m 1 '^floe[A-Z]' "$LAB_DIR/a.err" >"$LAB_DIR/to-b") &
    (lab_wait grep -q '^floe[A-Z]' "$LAB_DIR/b.err" && grep -m 1 '^floe[A-Z]' "$LAB_DIR/b.err" >"$LAB_DIR/to-a") &
    timeout 100 ip netns exec client2 "$FLOE" connect --pipe -4 --remote-file "$LAB_DIR/to-b" "stun:$LAB_SERVER2" \
        </dev/null 2>"$LAB_DIR/b.err" >"$LAB_DIR/got"
    expect $? 0 'exit status of the reader' && wait $one && cmp "$LAB_DIR/there" "$LAB_DIR/got" || good=1
    [ $good = 0 ] || cat "$LAB_DIR/a.err" "$LAB_DIR/b.err" >&2
    connect_second_client_gone
    lab_wire 50
    return $good
}

# One that is interrupted releases its relay, and one that finds no way says why.
lab_test_connect_interrupted_and_in_vain() {
    local good=0 ticket
    lab_coturn 1 "$LAB_SERVER"
    rm -f "$LAB_DIR/a.out" "$LAB_DIR/a.err"
    mkfifo "$LAB_DIR/quiet" 2>/dev/null
    exec 7<>"$LAB_DIR/quiet"
    ip netns exec client "$FLOE" connect --policy relay "${CREDENTIALS[@]}" -4 "turn:$LAB_SERVER" <&7 >"$LAB_DIR/a.out" 2>"$LAB_DIR/a.err" &
    lab_wait grep -q '^floe[A-Z]' "$LAB_DIR/a.out" || good=1
    ticket=$(grep -m 1 '^floe[A-Z]' "$LAB_DIR/a.out")
    kill $!
    wait $!
    expect $? 130 'exit status of one that is interrupted' || good=1
    exec 7>&-
    lab_wait released || good=1
    lab_client "$FLOE" connect -4 --give-up 3 --remote "$ticket" </dev/null >"$OUT" 2>"$LAB_DIR/err"
    expect $? 1 'exit status in vain' && grep -qE '^(failed|trying) +host 10\.0\.1\.2:[0-9]+ +relay 203\.0\.113\.2' "$OUT" &&
        grep -q '^floe: connect: [A-Z]' "$LAB_DIR/err" || good=1
    [ $good = 0 ] || cat "$OUT" "$LAB_DIR/err" "$LAB_DIR/a.err" >&2
    return $good
}
