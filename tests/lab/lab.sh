# The lab, as shell functions: sourced by tools/lab and by the lab's tests, inside the namespaces
# that tools/lab has made for them (network, mount and process ids of their own).
#
#     client 10.0.1.2 ── nat ══ wire (delay, loss) ══ server 203.0.113.2, .3 (coturn), .99 (silent)
#     2001:db8:1::2       2001:db8:2::1               2001:db8:2::2, ::3
#
# The namespace in which this runs is the wire's; `ip netns exec client …` enters the client.

LAB_SERVER=203.0.113.2
LAB_SERVER2=203.0.113.3
LAB_SILENT=203.0.113.99
LAB_SERVER6=2001:db8:2::2
LAB_USER=floe
LAB_SECRET=iceberg

lab_in() { # NAMESPACE COMMAND…
    ip netns exec "$@"
}

lab_client() {
    ip netns exec client "$@"
}

# The kernel calls an interface running some time after it has its carrier: waits for that.
lab_settled() { # NAMESPACE
    lab_wait sh -c "! ip netns exec $1 ip -o link | grep LOWER_UP | grep -Ev 'state (UP|UNKNOWN)'"
}

# A veth pair with one end in each of two namespaces; "wire" is here.
lab_link() { # NAMESPACE INTERFACE NAMESPACE INTERFACE
    ip link add "lab-a" type veth peer name "lab-b"
    local end ns name ends="$1 $3"
    for end in "lab-a $1 $2" "lab-b $3 $4"; do
        # shellcheck disable=SC2086
        set -- $end
        ns=$2 name=$3
        if [ "$ns" = wire ]; then
            ip link set "$1" name "$name"
            sysctl -qw "net.ipv6.conf.$name.disable_ipv6=1"
            ip link set "$name" up promisc on
        else
            ip link set "$1" netns "$ns" name "$name"
            lab_in "$ns" ip link set "$name" up
        fi
    done
    for ns in $ends; do
        [ "$ns" = wire ] || lab_settled "$ns"
    done
}

lab_up() {
    local ns
    mkdir -p /run/netns
    ip link set lo up
    for ns in client nat server; do
        ip netns add "$ns"
        lab_in "$ns" ip link set lo up
        lab_in "$ns" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
            net.ipv4.ip_forward=$([ $ns = nat ] && echo 1 || echo 0) \
            net.ipv6.conf.all.forwarding=$([ $ns = nat ] && echo 1 || echo 0) \
            net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
    done
    lab_link client eth0 nat inside
    lab_link nat outside wire near
    lab_link wire far server eth0

    lab_in client ip addr add 10.0.1.2/24 dev eth0
    lab_in client ip addr add 2001:db8:1::2/64 dev eth0 nodad
    lab_in client ip route add default via 10.0.1.1
    lab_in nat ip addr add 10.0.1.1/24 dev inside
    lab_in nat ip addr add 2001:db8:1::1/64 dev inside nodad
    lab_in client ip route add default via 2001:db8:1::1
    lab_in nat ip addr add 203.0.113.1/24 dev outside
    lab_in nat ip addr add 2001:db8:2::1/64 dev outside nodad
    local address
    for address in $LAB_SERVER $LAB_SERVER2 $LAB_SILENT; do
        lab_in server ip addr add "$address/24" dev eth0
    done
    lab_in server ip addr add "$LAB_SERVER6/64" dev eth0 nodad
    lab_in server ip addr add "2001:db8:2::3/64" dev eth0 nodad
    # Neighbours know each other, so that the first packet costs one round trip like any other.
    local near far
    near=$(lab_in nat cat /sys/class/net/outside/address)
    far=$(lab_in server cat /sys/class/net/eth0/address)
    for address in $LAB_SERVER $LAB_SERVER2 $LAB_SILENT $LAB_SERVER6 2001:db8:2::3; do
        lab_in nat ip neigh replace "$address" lladdr "$far" dev outside nud permanent
    done
    for address in 203.0.113.1 2001:db8:2::1; do
        lab_in server ip neigh replace "$address" lladdr "$near" dev eth0 nud permanent
    done
    # For the lab without NAT: the way back.
    lab_in server ip route add 10.0.1.0/24 via 203.0.113.1
    lab_in server ip route add 2001:db8:1::/64 via 2001:db8:2::1
    lab_in server nft -f - <<EOF
table ip silence { chain in { type filter hook input priority 0; ip daddr $LAB_SILENT meta l4proto udp drop; }; }
EOF
}

# Another client 10.0.2.2 behind a symmetric NAT of its own, beside the wire: it reaches the server without
# delay. (A NAT that lets in whom it knows alone, and takes another port for each of them.)
lab_second_client() {
    local ns
    for ns in client2 nat2; do
        ip netns add "$ns"
        lab_in "$ns" ip link set lo up
        lab_in "$ns" sysctl -qw net.ipv4.ip_forward=1
    done
    lab_link client2 eth0 nat2 inside
    lab_link nat2 outside server eth1
    lab_in client2 ip addr add 10.0.2.2/24 dev eth0
    lab_in client2 ip route add default via 10.0.2.1
    lab_in nat2 ip addr add 10.0.2.1/24 dev inside
    lab_in nat2 ip addr add 198.51.100.2/24 dev outside
    lab_in nat2 ip route add default via 198.51.100.1
    lab_in server ip addr add 198.51.100.1/24 dev eth1
    lab_in nat2 nft -f - <<EOF
table ip nat {
    chain out { type nat hook postrouting priority 100; oifname outside masquerade fully-random; }
    chain through { type filter hook forward priority 0; iifname outside ct state new drop; }
}
EOF
}

lab_second_client_gone() {
    ip netns del client2
    ip netns del nat2
}

# The NAT's rules become those on standard input, and it forgets whom it had given which port: it would go on
# giving them for minutes. What comes from outside for the NAT itself is dropped, as a server's late answer would
# take that port.
lab_nat_table() {
    lab_in nat nft -f - <<EOF && lab_in nat conntrack -F 2>/dev/null
table inet nat
delete table inet nat
table inet nat {
    chain self { type filter hook input priority 0; iifname outside ct state new drop; }
$(cat)
}
EOF
}

lab_nat() { # masquerade | preserving | symmetric | none
    local rule4 rule6
    case $1 in
    masquerade) rule4=masquerade rule6=masquerade ;;
    preserving) rule4='snat ip to 203.0.113.1' rule6='snat ip6 to 2001:db8:2::1' ;;
    symmetric) rule4='masquerade fully-random' rule6='masquerade fully-random' ;;
    none) rule4=accept rule6=accept ;;
    *) echo "lab: no such NAT: $1" >&2; return 2 ;;
    esac
    lab_nat_table <<EOF
    chain out {
        type nat hook postrouting priority 100;
        oifname outside meta nfproto ipv4 $rule4
        oifname outside meta nfproto ipv6 $rule6
    }
    # As a home router does: nothing comes in that was not asked for.
    chain through {
        type filter hook forward priority 0;
        iifname outside ct state new $([ "$1" = none ] && echo accept || echo drop)
    }
EOF
}

# The client counts what passes it and matches, until lab_count_no_more.
lab_count() { # input | output, MATCH…
    lab_client nft "add table inet count; add counter inet count seen;
        add chain inet count passing { type filter hook $1 priority 0; }; add rule inet count passing ${*:2} counter name seen"
}

lab_counted() {
    lab_client nft list counter inet count seen | sed -n 's/.*packets \([0-9]*\).*/\1/p'
}

lab_count_no_more() {
    lab_client nft delete table inet count
}

lab_wire() { # ROUND-TRIP-MS [LOSS [TWICE [LATE]]], in percent
    [ -z "${LAB_WIRE_PID:-}" ] || kill "$LAB_WIRE_PID"
    rm -f "$LAB_DIR/wire"
    "$LAB_WIRE" near far "$(awk "BEGIN { print $1 / 2 }")" "${@:2}" >"$LAB_DIR/wire" &
    LAB_WIRE_PID=$!
    lab_wait grep -q ready "$LAB_DIR/wire"
}

# Repeats a command until it succeeds: waits for a fact, not for time. What never comes is noted: it fails the test
# that waited, though that may pass over it.
lab_wait() {
    local i
    for i in $(seq 800); do
        if "$@" >/dev/null 2>&1; then
            return 0
        fi
        sleep 0.05
    done
    lab_in_vain "$*"
}

lab_in_vain() { # WHAT
    echo "lab: waited in vain for: $*" | tee -a "$LAB_DIR/in-vain" >&2
    return 1
}

lab_answers() { # ADDRESS
    lab_in "${LAB_AT:-server}" timeout 1 turnutils_stunclient -p 3478 "$1" 2>&1 | grep -q 'reflexive addr'
}

lab_listens() { # ADDRESS [PORT]: UDP
    lab_in "${LAB_AT:-server}" ss -Hlnu | awk '{ print $4 }' | grep -qxF "$(case $1 in *:*) echo "[$1]" ;; *) echo "$1" ;; esac):${2:-3478}"
}

lab_coturn_stop() { # [NAME]
    local pid=$LAB_DIR/coturn-${1:-1}.pid
    if [ -e "$pid" ]; then
        kill "$(cat "$pid")" 2>/dev/null || true
        while kill -0 "$(cat "$pid")" 2>/dev/null; do sleep 0.02; done
        rm -f "$pid"
    fi
}

# Certificates: an authority's in ca.pem; turn.pem and turn.key for turn.floe.test and the server's
# addresses; and NAME.pem, NAME.key of every kind that is to be refused.
lab_certificates() {
    local names='DNS:turn.floe.test,IP:203.0.113.2,IP:203.0.113.3,IP:2001:db8:2::2,IP:2001:db8:2::3'
    names+=,IP:203.0.113.1,IP:2001:db8:2::1
    [ ! -e "$LAB_DIR/ca.pem" ] || return 0
    (
        cd "$LAB_DIR" || exit 1
        authority() { # NAME
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" \
                -out "$1.pem" -days 30 -subj '/CN=Lab Authority'
        }
        certificate() { # NAME AUTHORITY SUBJECT NAMES KEY OPTION…
            local name=$1 by=$2 subject=$3 alternative=$4 key=$5
            shift 5
            # shellcheck disable=SC2086
            openssl req -newkey $key -nodes -keyout "$name.key" -out "$name.csr" -subj "/CN=$subject"
            printf 'subjectAltName=%s\n' "$alternative" >"$name.ext"
            openssl x509 -req -in "$name.csr" -CA "$by.pem" -CAkey "$by.key" -CAcreateserial \
                -extfile "$name.ext" -out "$name.pem" "$@"
        }
        ec='ec -pkeyopt ec_paramgen_curve:P-256'
        authority ca
        authority stranger
        certificate turn ca turn.floe.test "$names" "$ec" -days 30
        certificate wrong-name ca other.floe.test 'DNS:other.floe.test' "$ec" -days 30
        certificate wrong-ca stranger turn.floe.test "$names" "$ec" -days 30
        certificate weak ca turn.floe.test "$names" rsa:1024 -days 30
        certificate expired ca turn.floe.test "$names" "$ec" -days -1
        certificate client ca client.floe.test 'DNS:client.floe.test' "$ec" -days 30
        # A name that ends before it seems to: turn.floe.test, NUL, .evil.example.
        certificate nul ca other.floe.test "DER:30:1e:82:1c:$(printf 'turn.floe.test\0.evil.example' |
            od -An -tx1 -v | tr -d '\n' | sed 's/^ //; s/ /:/g')" "$ec" -days 30
        printf '%s\n' '[ca]' 'default_ca=lab' '[lab]' 'database=index.txt' 'serial=serial' 'new_certs_dir=.' \
            'default_md=sha256' 'policy=any' '[any]' 'commonName=supplied' >ca.cnf
        : >index.txt
        echo 77 >serial
        openssl req -newkey $ec -nodes -keyout future.key -out future.csr -subj /CN=turn.floe.test
        openssl ca -batch -config ca.cnf -startdate 20400101000000Z -enddate 20410101000000Z -in future.csr \
            -cert ca.pem -keyfile ca.key -extfile turn.ext -notext -out future.pem
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout self.key \
            -out self.pem -days 30 -subj /CN=turn.floe.test -addext "subjectAltName=$names"
    ) >"$LAB_DIR/certificates.log" 2>&1 || { cat "$LAB_DIR/certificates.log" >&2; return 1; }
}

# The options that give coturn TLS and DTLS with a certificate.
lab_tls() { # [NAME]
    lab_certificates
    echo "--cert $LAB_DIR/${1:-turn}.pem --pkey $LAB_DIR/${1:-turn}.key --tls-listening-port 5349"
}

# Starts coturn afresh on the server (or in LAB_AT): it knows nothing of earlier allocations.
lab_coturn() { # NAME "ADDRESS…" [OPTION…]
    local name=$1 addresses=$2 address listen=() auth=(--lt-cred-mech --user "$LAB_USER:$LAB_SECRET")
    shift 2
    lab_coturn_stop "$name"
    for address in $addresses; do
        listen+=(--listening-ip "$address" --relay-ip "$address")
    done
    rm -f "$LAB_DIR/coturn-$name.db"
    case " $* " in *' --cert '*) ;; *) set -- "$@" --no-tls --no-dtls ;; esac
    case " $* " in *' --no-auth '*) auth=() ;; esac
    # Not by lab_in: $! is to be coturn's own process.
    ip netns exec "${LAB_AT:-server}" turnserver -n "${auth[@]}" --realm floe.test \
        "${listen[@]}" --no-cli --min-port 30000 --max-port 60000 \
        --userdb "$LAB_DIR/coturn-$name.db" --pidfile "$LAB_DIR/coturn-$name.file" \
        --log-file "$LAB_DIR/coturn-$name.log" --simple-log "$@" >/dev/null 2>&1 &
    echo $! >"$LAB_DIR/coturn-$name.pid"
    # One that is told to answer no Binding, or not without a user, listens at least.
    case " $* " in
    *' --no-stun '* | *' --secure-stun '*) lab_wait lab_listens "${addresses%% *}" ;;
    *) lab_wait lab_answers "${addresses%% *}" ;;
    esac
    kill -0 "$(cat "$LAB_DIR/coturn-$name.pid")" 2>/dev/null || lab_in_vain "coturn $name"
}
