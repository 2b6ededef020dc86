# The lab for two agents that meet: sourced by tools/lab in each lab that tests/interop/run starts.
#
#     client 10.0.1.2 ── nat ══ wire ══ server 203.0.113.2 (coturn), .3 ── router ── peer 10.0.2.2
#     2001:db8:1::2                     2001:db8:2::2                               2001:db8:9::2
#
# The near agent is on the client's side, behind each of nats.sh's NATs; the far one is the peer, behind the router,
# which is a NAT of another kind, or none.
set +e +o pipefail
LAB_HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../lab" && pwd)
# shellcheck source=tests/lab/nats.sh
. "$LAB_HERE/nats.sh"

# A link of the server's to a router that is not there: 192.0.2.2, 2001:db8:a::2.
interop_void() {
    local end address
    lab_in server ip link add void type veth peer name void-end
    for end in void void-end; do lab_in server ip link set "$end" up; done
    lab_in server ip addr add 192.0.2.1/24 dev void
    lab_in server ip addr add 2001:db8:a::1/64 dev void nodad
    for address in 192.0.2.2 2001:db8:a::2; do
        lab_in server ip neigh replace "$address" lladdr 02:00:00:00:00:01 dev void nud permanent
    done
}

interop_up() {
    local ns
    for ns in peer router; do
        ip netns add "$ns"
        lab_in "$ns" ip link set lo up
        lab_in "$ns" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
            net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
    done
    lab_in server sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
    interop_void
    lab_link peer eth0 router inside
    lab_link router outside server eth1
    lab_in peer ip addr add 10.0.2.2/24 dev eth0
    lab_in peer ip addr add 2001:db8:9::2/64 dev eth0 nodad
    lab_in peer ip route add default via 10.0.2.1
    lab_in peer ip route add default via 2001:db8:9::1
    lab_in router ip addr add 10.0.2.1/24 dev inside
    lab_in router ip addr add 2001:db8:9::1/64 dev inside nodad
    lab_in router ip addr add 198.51.100.2/24 dev outside
    lab_in router ip addr add 2001:db8:8::2/64 dev outside nodad
    lab_in router ip route add default via 198.51.100.1
    lab_in router ip route add default via 2001:db8:8::1
    lab_in server ip addr add 198.51.100.1/24 dev eth1
    lab_in server ip addr add 2001:db8:8::1/64 dev eth1 nodad
    lab_in nat ip route add default via "$LAB_SERVER"
    lab_in nat ip route add default via "$LAB_SERVER6"
    nats_host inner 3
    nats_home
    lab_coturn 1 "$LAB_SERVER $LAB_SERVER6"
    lab_coturn 2 "$LAB_SERVER2 2001:db8:2::3"
    LAB_AT=inner lab_coturn 3 '10.0.3.2 2001:db8:3::2' --external-ip 203.0.113.1/10.0.3.2 \
        --external-ip 2001:db8:2::1/2001:db8:3::2
}

# What is behind a NAT has no way to it from outside but the NAT's. What is sent there is lost in silence, as it is beyond
# a provider's router: of a route that is none coturn would hear, and close what it had sent by.
interop_route() { # NAT NETWORK GATEWAY
    if [ "$1" = none ]; then
        lab_in server ip route replace "$2" via "$3"
    else
        lab_in server ip route replace "$2" via "$([ "${2%%:*}" = "$2" ] && echo 192.0.2.2 || echo 2001:db8:a::2)"
    fi
}

interop_near() { # NAT
    interop_route "$1" 10.0.1.0/24 203.0.113.1
    interop_route "$1" 2001:db8:1::/64 2001:db8:2::1
    nats_set "$1"
}

interop_far() { # none | port | symmetric
    local out=accept in=drop
    case $1 in none) in=accept ;; port) out=masquerade ;; symmetric) out='masquerade fully-random' ;; esac
    interop_route "$1" 10.0.2.0/24 198.51.100.2
    interop_route "$1" 2001:db8:9::/64 2001:db8:8::2
    lab_in router nft -f - <<NFT && lab_in router conntrack -F 2>/dev/null
table inet nat
delete table inet nat
table inet nat {
    chain out { type nat hook postrouting priority 100; oifname outside $out; }
    chain self { type filter hook input priority 0; iifname outside ct state new drop; }
    chain through { type filter hook forward priority 0; iifname outside ct state new $in; }
}
NFT
}

interop_test() { # NAME NEAR FAR JSON
    local far=peer
    [ "$2" != hairpin ] || far=inner # both are behind the same NAT
    interop_near "$2"
    interop_far "$3"
    INTEROP_NEAR=$NATS_FROM INTEROP_FAR=$far INTEROP_SERVER=$NATS_SERVER INTEROP_PORTS=$NATS_PORT-$((NATS_PORT + 9)) \
        INTEROP_USER=$LAB_USER INTEROP_SECRET=$LAB_SECRET python3 "$LAB_HERE/../interop/meet.py" "$1" "$4"
}

interop_up
while read -r name near far json <&3; do
    ! mkdir "$INTEROP_TAKEN/$name" 2>/dev/null || interop_test "$name" "$near" "$far" "$json"
done 3<"$INTEROP_TESTS"
for server in 1 2 3; do lab_coturn_stop $server; done
