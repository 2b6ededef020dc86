# The lab's tests of addresses: odd interfaces, RFC 8828's modes, rewrite rules on real interfaces,
# and what docs/behind-nat.md promises.

# A namespace of its own, without any interface but lo.
bare_up() {
    ip netns add bare
    lab_in bare sysctl -qw net.ipv6.conf.all.accept_dad=1 net.ipv6.conf.default.accept_dad=1
    lab_in bare ip link set lo up
}

bare_down() {
    ip netns del bare
}

bare_interface() { # NAME ADDRESS…
    interface_in bare "$@"
}

interface_in() { # NAMESPACE NAME ADDRESS…: a wire's end; nobody has an address at the other
    local ns=$1 name=$2
    shift 2
    lab_in "$ns" ip link show "$name" >/dev/null 2>&1 || {
        lab_in "$ns" ip link add "$name" type veth peer name "far-$name"
        lab_in "$ns" ip link set "far-$name" up
        lab_in "$ns" ip link set "$name" up
        lab_settled "$ns"
    }
    local address
    for address in "$@"; do
        case $address in
        *:*) lab_in "$ns" ip addr add "$address/64" dev "$name" nodad ;;
        *) lab_in "$ns" ip addr add "$address/24" dev "$name" ;;
        esac
    done
}

# The candidates in order: "host 10.0.0.2 | srflx 203.0.113.5 for 10.0.0.2".
bare_gathers() { # OPTION…
    ip netns exec bare "$FLOE" gather --json "$@" 2>&1 | jq -rs '[.[] | select(.event == "candidate") |
        .type + " " + .address + (if .related_address then " for " + .related_address else "" end)] |
        if length == 0 then "nothing" else join(" | ") end'
}

# P3, P4, P7: the list is right on a machine like those that people have.
# P3: addresses on the loopback interface, as WSL and routers have them, come last and cost nothing.
lab_test_p3_addresses_on_lo() {
    local good=0 status=0
    lab_coturn 1 "$LAB_SERVER"
    lab_client ip addr add 10.255.255.254/32 dev lo
    lab_client ip addr add 198.18.7.7/32 dev lo scope host
    gather --network-types udp4 -s "stun:$LAB_SERVER" || status=$?
    expect "$status" 0 'exit status' || good=1
    expect "$(events '.event == "error"')" 0 'errors' || good=1
    expect "$(jq -r 'select(.type == "host" and .interface == "lo") | .address' "$OUT" | sort | xargs)" \
        '10.255.255.254 198.18.7.7' 'on lo' || good=1
    expect "$(jq -rs 'map(select(.type == "host")) | max_by(.priority) | .interface != "lo"' "$OUT")" true \
        'the best is another' || good=1
    lab_client ip addr del 10.255.255.254/32 dev lo
    lab_client ip addr del 198.18.7.7/32 dev lo
    return $good
}

lab_test_p4_odd_interfaces() {
    local good=0 got i
    bare_up
    expect "$(bare_gathers)" nothing 'no network' || good=1
    bare_interface eth0 10.1.0.2
    expect "$(bare_gathers)" 'host 10.1.0.2' 'IPv4 alone' || good=1
    lab_in bare ip addr flush dev eth0
    bare_interface eth0 2a00:1::2
    expect "$(bare_gathers)" 'host 2a00:1::2' 'IPv6 alone' || good=1
    lab_in bare ip link del eth0
    # A bridge as docker has it, with a container's veth; its other end stands elsewhere.
    lab_in bare ip link add docker0 type bridge
    lab_in bare ip addr add 172.17.0.1/16 dev docker0
    lab_in bare ip link add veth0 type veth peer name veth1
    lab_in bare ip link set veth0 master docker0 up
    lab_in bare ip link set veth1 up
    lab_in bare ip link set docker0 up
    lab_wait sh -c 'ip netns exec bare ip link show docker0 | grep -q "state UP"'
    # A tunnel, a point-to-point link, an interface without carrier.
    lab_in bare ip link add tun9 type ipip local 10.1.0.2 remote 10.1.0.3 2>/dev/null &&
        lab_in bare ip addr add 10.9.0.2/32 dev tun9 && lab_in bare ip link set tun9 up
    bare_interface ptp0
    lab_in bare ip addr add 10.8.0.1 peer 10.8.0.2 dev ptp0
    lab_in bare ip link add idle0 type veth peer name idle1
    lab_in bare ip addr add 10.7.0.2/24 dev idle0
    lab_in bare ip link set idle0 up
    got=$(bare_gathers --network-types udp4)
    case $got in *'host 172.17.0.1'*) ;; *) echo "    no bridge: $got" >&2; good=1 ;; esac
    case $got in *'host 10.8.0.1'*) ;; *) echo "    no point-to-point link: $got" >&2; good=1 ;; esac
    case $got in *10.8.0.2* | *10.7.0.2*) echo "    too much: $got" >&2; good=1 ;; esac
    if lab_in bare ip link show tun9 >/dev/null 2>&1; then
        case $got in *'host 10.9.0.2') ;; *) echo "    the tunnel is not last: $got" >&2; good=1 ;; esac
    fi
    expect "$(bare_gathers --network-types udp4 --exclude-interface docker0 --exclude-interface 'tun*')" 'host 10.8.0.1' 'filtered' || good=1
    bare_down
    # Many addresses: the cap keeps 16 of each family.
    bare_up
    bare_interface eth0
    for i in $(seq 60); do
        lab_in bare ip addr add "10.2.0.$i/24" dev eth0
        lab_in bare ip addr add "2a00:2::$i/64" dev eth0 nodad
    done
    expect "$(bare_gathers | tr '|' '\n' | wc -l)" 32 'candidates under the cap' || good=1
    expect "$(bare_gathers --max-addresses 0 | tr '|' '\n' | wc -l)" 120 'candidates without cap' || good=1
    ip netns exec bare "$FLOE" gather --trace "$LAB_DIR/trace" -q >/dev/null
    expect "$(grep -c '"left out"' "$LAB_DIR/trace")" 88 'left out' || good=1
    bare_down
    return $good
}

# P4: temporary, deprecated, tentative addresses, and those whose duplicate was found.
lab_test_p4_states_of_ipv6_addresses() {
    local good=0 temporary
    bare_up
    lab_in bare ip link add a0 type veth peer name b0
    ip netns add other
    lab_in bare ip link set b0 netns other
    lab_in other ip link set b0 up
    lab_in other ip addr add 2a00:3::dd/64 dev b0 nodad
    lab_in bare sysctl -qw net.ipv6.conf.a0.use_tempaddr=2 net.ipv6.conf.a0.dad_transmits=1
    lab_in bare ip link set a0 up
    lab_in bare ip addr add 2a00:3::10/64 dev a0 nodad preferred_lft 0
    lab_in bare ip addr add 2a00:3::dd/64 dev a0 # the other end has it
    lab_in bare ip addr add 2a00:4::1:2:3:4/64 dev a0 mngtmpaddr nodad valid_lft 9000 preferred_lft 8000
    lab_wait sh -c 'ip netns exec bare ip -6 addr show dev a0 | grep -q dadfailed'
    lab_wait sh -c 'ip netns exec bare ip -6 addr show dev a0 temporary | grep "2a00:4:" | grep -qv tentative'
    temporary=$(lab_in bare ip -6 -o addr show dev a0 temporary | sed -n 's|.*inet6 \(2a00:4:[^/]*\)/.*|\1|p' | head -1)
    expect "$(bare_gathers)" "host $temporary" 'the temporary one alone' || good=1
    # Under way for long: tentative.
    lab_in bare sysctl -qw net.ipv6.conf.a0.dad_transmits=60
    lab_in bare ip addr add 2a00:5::7/64 dev a0
    expect "$(bare_gathers)" "host $temporary" 'without the tentative one' || good=1
    ip netns del other
    bare_down
    return $good
}

# P6: by the kernel's routes, and not the first interface.
lab_test_p6_rfc_8828_modes() {
    local good=0
    lab_coturn 1 "$LAB_SERVER $LAB_SERVER6"
    interface_in client x0 10.0.9.2
    gather --network-types udp4 "stun:$LAB_SERVER" --straggler-grace 0 --timeout 5
    candidates 2 1 0 || good=1
    gather --network-types udp4 --ip-handling default-and-local "stun:$LAB_SERVER" && candidates 1 1 0 &&
        expect "$(events '.address == "10.0.1.2"')" 1 'the default route' || good=1
    gather --ip-handling default "stun:$LAB_SERVER" "stun:[$LAB_SERVER6]" && candidates 0 2 0 || good=1
    grep -E '"10\.0\.[19]\.2|2001:db8:1::2' "$OUT" && good=1
    gather --ip-handling proxy "stun:$LAB_SERVER"
    [ $? = 3 ] && candidates 0 0 0 && expect "$(events '.event == "error"')" 1 errors || good=1
    lab_client ip route replace default via 10.0.9.1 dev x0
    gather --network-types udp4 --ip-handling default-and-local && expect "$(events '.address == "10.0.9.2"')" 1 'another default route' || good=1
    lab_client ip link del x0
    lab_client ip route replace default via 10.0.1.1
    return $good
}

# Every row of the rewrite table that needs nothing but rules and interfaces, on real interfaces.
lab_test_w_rewrite_rules_on_real_interfaces() {
    local good=0 rows=0 line given wanted options part parts got
    while IFS= read -r line; do
        case $line in '' | '#'* | *server:* | *policy:* | *set:* | *nat*:* | *show:* | *'=> error'* | *'on: - '* | *'=external= '* | *external=' '*) continue ;; esac
        given=${line%% =>*} wanted=${line##*=> }
        bare_up
        options=() parts=()
        IFS='|' read -ra parts <<<"$given"
        for part in "${parts[@]}"; do
            read -r key name address <<<"$part"
            case $key in
            rule:) options+=(--rewrite "$name") ;;
            on:) bare_interface "$name" "$address" ;;
            esac
        done
        got=$(bare_gathers "${options[@]}")
        rows=$((rows + 1))
        expect "$got" "$wanted" "$given" || good=1
        bare_down
    done <"$LAB_HERE/../conformance/rewrite.table"
    [ $rows -ge 20 ] || { echo "    only $rows rows" >&2; good=1; }
    return $good
}

# A page's commands, and the candidates that it shows, one after another.
page_with_candidates() { # PAGE SECTIONS
    local good=0 n blocks="$LAB_DIR/blocks" type address rest
    mkdir -p "$blocks"
    rm -f "$blocks"/*
    awk -v dir="$blocks" '/^```/ { if (kind) { kind = ""; next } kind = substr($0, 4); if (kind == "setup") n++; next }
        kind { print > (dir "/" n "." kind) }' "$LAB_HERE/../../docs/$1"
    for n in $(seq "$2"); do
        [ -s "$blocks/$n.setup" ] && [ -s "$blocks/$n.sh" ] && [ -s "$blocks/$n.candidates" ] || return 1
        ip netns add bare
        lab_in bare ip link set lo up
        lab_in bare bash -e "$blocks/$n.setup" && lab_settled bare || good=1
        PATH=$FLOE_BUILD:$PATH lab_in bare bash "$blocks/$n.sh" >"$OUT" 2>"$LAB_DIR/err"
        while read -r type address rest; do
            case $address in *.*:*) ;; *) address="\\[?$address\\]?:[0-9]+" ;; esac
            grep -qE "^$type +$address +\\[?${rest:- }" "$OUT" || {
                echo "    $n: no $type $address $rest in:" >&2
                cat "$OUT" "$LAB_DIR/err" >&2
                good=1
            }
        done <"$blocks/$n.candidates"
        expect "$(grep -cE '^(host|srflx|relay) ' "$OUT")" "$(wc -l <"$blocks/$n.candidates")" "candidates of $n" || good=1
        ip netns del bare
    done
    [ ! -e "$blocks/$(($2 + 1)).setup" ] || { echo "    $1 has more sections" >&2; good=1; }
    return $good
}

lab_test_docs_behind_nat() { page_with_candidates behind-nat.md 4; }

lab_test_docs_one_port() { page_with_candidates one-port.md 4; }

# ── The network changes ──

# The command follows the network in the client's, and writes what it sees to $OUT.
continual_begins() { # OPTION…
    : >"$OUT"
    ip netns exec client "$FLOE" gather --continual --json --hold inf --network-types udp4,udp6 "$@" >"$OUT" &
    CONTINUAL_PID=$!
    lab_wait continual_has '.event == "end"'
}

continual_has() { # CONDITION
    [ "$(jq "select($1)" "$OUT" | wc -l)" -gt 0 ]
}

continual_ended() { # HOW OFTEN
    [ "$(jq -s 'map(select(.event == "end")) | length' "$OUT")" -ge "$1" ]
}

continual_ends() {
    kill -TERM $CONTINUAL_PID
    wait $CONTINUAL_PID
}

# N1, N2: addresses, links, names, routes and duplicate detection of the kernel's; what is not concerned sends and tells nothing.
lab_test_n1_a_gatherer_follows_the_network() {
    local good=0
    lab_coturn 1 "$LAB_SERVER"
    continual_begins -4 "${CREDENTIALS[@]}" "turn:$LAB_SERVER" || { continual_ends; return 1; }
    lab_client ip addr add 10.0.1.7/24 dev eth0
    lab_wait continual_has '.event == "candidate" and .type == "host" and .address == "10.0.1.7"' || good=1
    lab_wait continual_ended 2 || good=1
    lab_client ip addr del 10.0.1.7/24 dev eth0
    lab_wait continual_has '.event == "withdrawn" and .type == "host" and .address == "10.0.1.7"' || good=1
    lab_wait continual_has '.event == "withdrawn" and .type == "relay"' || good=1
    expect "$(jq -rs 'map(select(.event == "withdrawn")) | length' "$OUT")" 3 'withdrawn' || good=1
    expect "$(jq -rs 'map(select(.event == "candidate" and .type == "host")) | length' "$OUT")" 2 'hosts' || good=1
    expect "$(jq -rs 'map(select(.event == "error")) | length' "$OUT")" 0 'errors' || good=1
    # A bridge that comes and goes, twenty times in a second, and is none of ours.
    local states
    states=$(jq -rs 'map(select(.event == "state")) | length' "$OUT")
    local i
    for i in $(seq 20); do
        lab_client ip link add "br$i" type bridge
        lab_client ip link del "br$i"
    done
    sleep 1.5
    expect "$(jq -rs 'map(select(.event == "state")) | length' "$OUT")" "$states" 'states after bridges' || good=1
    continual_ends
    expect $? 130 'status' && return $good # what the address that went had cannot be released by it
}

# N2: an IPv6 address counts once duplicate detection is done; an interface that is renamed is the same.
lab_test_n2_duplicate_detection_and_names() {
    local good=0
    bare_up
    bare_interface wan0 10.6.0.1
    : >"$OUT"
    ip netns exec bare "$FLOE" gather --continual --json --hold inf >"$OUT" &
    CONTINUAL_PID=$!
    lab_wait continual_has '.event == "end"' || good=1
    lab_in bare ip addr add 2001:db8:6::1/64 dev wan0
    lab_wait continual_has '.event == "candidate" and .address == "2001:db8:6::1"' || good=1
    continual_has '.event == "network" and .address == "2001:db8:6::1" and .tentative' || good=1
    expect "$(jq -rs '(map(select(.change == "changed" and .address == "2001:db8:6::1" and (.tentative | not))) | first.ms) < (map(select(.event == "candidate" and .address == "2001:db8:6::1")) | first.ms)' "$OUT")" \
        true 'it is gathered on when it is no longer tentative' || good=1
    local states
    states=$(jq -rs 'map(select(.event == "state")) | length' "$OUT")
    lab_in bare ip link set wan0 down
    lab_in bare ip link set wan0 name lan0
    lab_in bare ip addr add 2001:db8:6::1/64 dev lan0 nodad
    lab_in bare ip link set lan0 up
    lab_wait continual_has '.event == "network" and .interface == "lan0" and .up' || good=1
    sleep 1
    continual_ends
    bare_down
    return $good
}
