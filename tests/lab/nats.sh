# The lab's NAT matrix: each kind of NAT × each family × each transport to the server, and what has to
# come of it, in one table.


# host/reflexive/relay. A relay is for both families (T5), so `both`, which asks the server at both of its
# addresses, has four. By a connection the base's socket never speaks to the TURN server: what NAT shows
# to the STUN server alone is left, which is how often a symmetric NAT shows another port.
#
#   NAT         family  UDP    TCP    TLS    DTLS
NATS_TABLE='
    none        4       1/0/2  1/0/2  1/0/2  1/0/2
    none        6       1/0/2  1/0/2  1/0/2  1/0/2
    none        both    2/0/4  2/0/4  2/0/4  2/0/4
    cone        4       1/1/2  1/1/2  1/1/2  1/1/2
    cone        6       1/1/2  1/1/2  1/1/2  1/1/2
    cone        both    2/2/4  2/2/4  2/2/4  2/2/4
    restricted  4       1/1/2  1/1/2  1/1/2  1/1/2
    restricted  6       1/1/2  1/1/2  1/1/2  1/1/2
    restricted  both    2/2/4  2/2/4  2/2/4  2/2/4
    port        4       1/1/2  1/1/2  1/1/2  1/1/2
    port        6       1/1/2  1/1/2  1/1/2  1/1/2
    port        both    2/2/4  2/2/4  2/2/4  2/2/4
    symmetric   4       1/2/2  1/1/2  1/1/2  1/1/2
    symmetric   6       1/2/2  1/1/2  1/1/2  1/1/2
    symmetric   both    2/4/4  2/2/4  2/2/4  2/2/4
    cgn         4       1/1/2  1/1/2  1/1/2  1/1/2
    cgn         6       1/1/2  1/1/2  1/1/2  1/1/2
    cgn         both    2/2/4  2/2/4  2/2/4  2/2/4
    hairpin     4       1/1/2  1/1/2  1/1/2  1/1/2
    hairpin     6       1/1/2  1/1/2  1/1/2  1/1/2
    hairpin     both    2/2/4  2/2/4  2/2/4  2/2/4
    clash       4       1/1/2  1/1/2  1/1/2  1/1/2
    clash       6       1/1/2  1/1/2  1/1/2  1/1/2
    clash       both    2/2/4  2/2/4  2/2/4  2/2/4
'

# A namespace with an interface to the NAT: NAME and the third number of its network.
nats_host() { # NAMESPACE NUMBER
    ip netns add "$1"
    lab_in "$1" ip link set lo up
    lab_in "$1" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
    lab_link "$1" eth0 nat "to-$1"
    lab_in "$1" ip addr add "10.0.$2.2/24" dev eth0
    lab_in "$1" ip addr add "2001:db8:$2::2/64" dev eth0 nodad
    lab_in nat ip addr add "10.0.$2.1/24" dev "to-$1"
    lab_in nat ip addr add "2001:db8:$2::1/64" dev "to-$1" nodad
    lab_in "$1" ip route add default via "10.0.$2.1"
    lab_in "$1" ip route add default via "2001:db8:$2::1"
}

# A provider's NAT has a customer's NAT behind it: home 10.0.6.2 … 10.0.5.2 ── nat.
nats_home() {
    nats_host customer 5
    ip netns add home
    lab_in home ip link set lo up
    lab_in home sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
    lab_in customer sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
    lab_link home eth0 customer inside
    lab_in home ip addr add 10.0.6.2/24 dev eth0
    lab_in home ip addr add 2001:db8:6::2/64 dev eth0 nodad
    lab_in customer ip addr add 10.0.6.1/24 dev inside
    lab_in customer ip addr add 2001:db8:6::1/64 dev inside nodad
    lab_in home ip route add default via 10.0.6.1
    lab_in home ip route add default via 2001:db8:6::1
    lab_in customer nft -f - <<NFT
table inet nat {
    chain out { type nat hook postrouting priority 100; oifname eth0 masquerade; }
    chain through { type filter hook forward priority 0; iifname eth0 ct state new drop; }
}
NFT
}

nats_send() { # NAMESPACE SOURCE PORT PORTS DESTINATION PORT: a datagram from each of so many ports
    lab_in "$1" perl -MIO::Socket::IP -e '
        for (0 .. $ARGV[2] - 1) {
            my $s = IO::Socket::IP->new(Proto => "udp", LocalHost => $ARGV[0], LocalPort => $ARGV[1] + $_,
                PeerHost => $ARGV[3], PeerPort => $ARGV[4]) or die "$!";
            send($s, "x", 0);
        }' "$2" "$3" "$4" "$5" "$6"
}

# As a home router's NATs are spoken of (RFC 3489): ports are kept, and what comes in differs.
nats_cone() { # RULE: which new flows from outside are let in
    lab_nat_table <<NFT
    set asked { type ipv4_addr; flags dynamic; timeout 60s; }
    set asked6 { type ipv6_addr; flags dynamic; timeout 60s; }
    chain in {
        type nat hook prerouting priority -100;
        iifname outside meta nfproto ipv4 udp dport 1024-65535 dnat ip to 10.0.1.2
        iifname outside meta nfproto ipv6 udp dport 1024-65535 dnat ip6 to 2001:db8:1::2
    }
    chain out { type nat hook postrouting priority 100; oifname outside masquerade; }
    chain through {
        type filter hook forward priority 0;
        oifname outside update @asked { ip daddr }
        oifname outside update @asked6 { ip6 daddr }
        ct state established,related accept
        $1
        iifname outside drop
    }
NFT
}

# Another host behind the same NAT has the ports that the client will ask for: Linux takes
# another, the same one for each server.
nats_clash() {
    local address
    lab_nat masquerade
    for address in $LAB_SERVER $LAB_SERVER2; do
        nats_send inner 10.0.3.2 "$NATS_PORT" 10 "$address" 3478
    done
    for address in $LAB_SERVER6 2001:db8:2::3; do
        nats_send inner 2001:db8:3::2 "$NATS_PORT" 10 "$address" 3478
    done
}

# The TURN server stands behind the same NAT, and is reached by the NAT's outer address.
nats_hairpin() {
    lab_nat_table <<NFT
    chain in {
        type nat hook prerouting priority -100;
        iifname != outside ip daddr 203.0.113.1 meta l4proto { tcp, udp } dnat ip to 10.0.3.2
        iifname != outside ip6 daddr 2001:db8:2::1 meta l4proto { tcp, udp } dnat ip6 to 2001:db8:3::2
    }
    chain out {
        type nat hook postrouting priority 100;
        oifname outside masquerade
        oifname to-inner snat ip to 203.0.113.1
        oifname to-inner snat ip6 to 2001:db8:2::1
    }
    chain through { type filter hook forward priority 0; iifname outside ct state new drop; }
NFT
}

NATS_PORT=45000 # the first of ten, for which the client asks
nats_set() { # NAT
    NATS_FROM=client NATS_SERVER=$LAB_SERVER NATS_SERVER6=$LAB_SERVER6
    case $1 in
    none | symmetric) lab_nat "$1" ;;
    cone) nats_cone 'iifname outside accept' ;;
    restricted) nats_cone 'ip saddr @asked accept; ip6 saddr @asked6 accept' ;;
    port) lab_nat masquerade ;;
    cgn) lab_nat masquerade && NATS_FROM=home ;;
    clash) nats_clash ;;
    hairpin) nats_hairpin && NATS_SERVER=203.0.113.1 NATS_SERVER6=2001:db8:2::1 ;;
    esac
}

nats_gather() { # FAMILY TRANSPORT
    local scheme=turn options='' urls=() types=udp4,udp6 address
    case $2 in
    TCP) options='?transport=tcp' ;;
    TLS) scheme=turns ;;
    DTLS) scheme=turns options='?transport=udp' ;;
    esac
    [ "$1" = 6 ] || urls+=("$scheme:$NATS_SERVER$options" "stun:$LAB_SERVER2")
    [ "$1" = 4 ] || urls+=("$scheme:[$NATS_SERVER6]$options" "stun:[2001:db8:2::3]")
    case $1 in
    4) address=10.0.0.0/8 ;;
    6) address=2001:db8::/32 ;;
    both) address=0.0.0.0/0 types+=' --address ::/0' ;;
    esac
    # shellcheck disable=SC2086
    LAB_FROM=$NATS_FROM gather --port-range "$NATS_PORT-$((NATS_PORT + 9))" --address $address --network-types $types \
        --ca-file "$LAB_DIR/ca.pem" "${CREDENTIALS[@]}" "${urls[@]}"
}

# One line for what came: kinds, then what is not where it must be.
nats_seen() {
    jq -rs --arg outside '203.0.113.1 2001:db8:2::1' --arg servers "$NATS_SERVER $NATS_SERVER6" '
        def kind($k): map(select(.type == $k));
        def elsewhere($k; $at): kind($k) | map(.address) - ($at | split(" ")) | map(" \($k) \(.)") | add // "";
        "\(kind("host") | length)/\(kind("srflx") | length)/\(kind("relay") | length)" +
        elsewhere("srflx"; $outside) + elsewhere("relay"; $servers) +
        (map(select(.event == "error") | " " + .text) | add // "")' "$OUT"
}

lab_test_nat_matrix() {
    local nat family expected transport good=0 cells
    lab_coturn 1 "$LAB_SERVER $LAB_SERVER6" $(lab_tls)
    lab_coturn 2 "$LAB_SERVER2 2001:db8:2::3"
    nats_host inner 3
    nats_home
    LAB_AT=inner lab_coturn 3 '10.0.3.2 2001:db8:3::2' $(lab_tls) --external-ip 203.0.113.1/10.0.3.2 \
        --external-ip 2001:db8:2::1/2001:db8:3::2
    while read -r nat family cells; do
        [ -n "$nat" ] || continue
        nats_set "$nat"
        # shellcheck disable=SC2086
        set -- $cells
        for transport in UDP TCP TLS DTLS; do
            expected=$1
            shift
            nats_gather "$family" $transport
            expect "$(nats_seen)" "$expected" "$nat, IPv$family, $transport" || {
                jq -r 'select(.candidate).candidate' "$OUT" && lab_in nat conntrack -L
                good=1
            }
            if [ "$nat" = clash ]; then
                expect "$(events '.type == "srflx" and .port == .related_port')" 0 "ports kept, IPv$family, $transport" || good=1
            fi
        done
    done <<<"$NATS_TABLE"
    lab_coturn_stop 3
    ip netns del inner
    ip netns del home
    ip netns del customer
    return $good
}

# H1: a NAT forwards no port to who listens behind it: a passive candidate is a host candidate alone.
lab_test_h1_tcp_hosts_behind_each_nat() {
    local nat good=0
    lab_coturn 1 "$LAB_SERVER"
    for nat in none cone restricted port symmetric; do
        nats_set $nat
        gather --network-types udp4,tcp4 "stun:$LAB_SERVER"
        expect "$(events '.protocol == "tcp" and .type == "host" and .tcp_type == "active" and .port == 9')" 1 "active, $nat" || good=1
        expect "$(events '.protocol == "tcp" and .type == "host" and .tcp_type == "passive"')" 1 "passive, $nat" || good=1
        expect "$(events '.protocol == "tcp" and .type != "host"')" 0 "others for TCP, $nat" || good=1
    done
    return $good
}

# R4: what each NAT shows of the port that listens, by a server that speaks TCP; of one that does not nobody hears.
lab_test_r4_what_each_nat_shows_of_a_tcp_port() {
    local nat good=0 mapped
    lab_coturn 1 "$LAB_SERVER"
    lab_coturn 2 "$LAB_SERVER2" --no-tcp
    for nat in none cone restricted port symmetric; do
        nats_set $nat
        gather --network-types udp4,tcp4 --tcp-reflexive "stun:$LAB_SERVER2" "stun:$LAB_SERVER"
        mapped=$(events '.protocol == "tcp" and .type == "srflx" and .tcp_type == "passive" and .url == "stun:203.0.113.2" and .address == "203.0.113.1" and .related_port > 0')
        if [ $nat = none ]; then
            expect "$(events '.protocol == "tcp" and .type == "srflx"')" 0 'without a NAT' || good=1
        else
            expect "$mapped" 1 "behind $nat" || good=1
        fi
        expect "$(events '.event == "error"')" 0 "errors, $nat" || good=1
    done
    return $good
}

r4_connected() { # COUNT
    [ "$(lab_in server ss -Htn state established '( sport = :3478 )' | wc -l)" = "$1" ]
}

# The connection is kept, and made anew where the server ends it (coturn does so after 3 s with --stun-only): the candidate
# stays. With a server that is away for good it goes.
lab_test_r4_the_connection_is_kept() {
    local good=0 pid
    lab_coturn 1 "$LAB_SERVER" --stun-only
    rm -f "$OUT"
    ip netns exec client "$FLOE" gather --json --network-types tcp4 --tcp-reflexive --hold 30s "stun:$LAB_SERVER" >"$OUT" &
    pid=$!
    lab_wait grep -q '"event":"end"' "$OUT"
    lab_wait r4_connected 0
    lab_wait r4_connected 1
    lab_wait r4_connected 0
    expect "$(events '.event == "withdrawn"')" 0 withdrawn || good=1
    expect "$(events '.event == "candidate" and .type == "srflx"')" 1 'told once' || good=1
    lab_coturn_stop 1
    lab_wait grep -q '"event":"withdrawn".*"reason":"mapping-changed"' "$OUT" || good=1
    kill -TERM $pid
    wait $pid
    return $good
}

# Another NAT knows nothing of the mappings of the one before.
lab_test_a_nat_begins_anew() {
    local nat
    lab_coturn 1 "$LAB_SERVER"
    for nat in symmetric preserving; do
        lab_nat $nat
        gather --network-types udp4 --port-range 46000-46000 "stun:$LAB_SERVER"
    done
    expect "$(jq -r 'select(.type == "srflx") | .port' "$OUT")" 46000 'the mapped port'
}

# That the table's NATs are what they are called: who can send to the client's port, when it has spoken to
# the server's 3478?
nats_lets_in() { # SOURCE PORT DESTINATION-PORT
    local before after
    before=$(lab_counted)
    nats_send server "$1" "$2" 1 203.0.113.1 "$3"
    # What is asked and answered after it comes after it, on the same wire.
    lab_wait lab_client timeout 5 turnutils_stunclient -p 3478 $LAB_SERVER
    after=$(lab_counted)
    [ "$after" -gt "$before" ] && echo yes || echo no
}

lab_test_the_nats_are_what_they_are_called() {
    local nat server_port stranger expected seen port good=0
    lab_coturn 1 "$LAB_SERVER"
    lab_count input udp sport 9999 # what nats_lets_in sends, and not what mDNS says meanwhile
    while read -r nat server_port stranger; do
        nats_set "$nat"
        LAB_FROM=client gather --network-types udp4 --port-range "$NATS_PORT-$((NATS_PORT + 9))" "stun:$LAB_SERVER"
        port=$(jq -r 'select(.type == "srflx") | .port' "$OUT")
        expected="$server_port $stranger"
        seen="$(nats_lets_in $LAB_SERVER 9999 "$port") $(nats_lets_in $LAB_SILENT 9999 "$port")"
        expect "$seen" "$expected" "$nat lets in another port of the server, and a stranger" || good=1
    done <<'NATS'
cone        yes yes
restricted  yes no
port        no  no
symmetric   no  no
NATS
    lab_count_no_more
    return $good
}
