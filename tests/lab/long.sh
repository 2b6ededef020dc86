# What the lab does for longer than CI has: LAB_KIND=long, as tools/check-long has it.

lab_coturn_kill() { # NAME
    kill -KILL "$(cat "$LAB_DIR/coturn-$1.pid")"
    rm -f "$LAB_DIR/coturn-$1.pid"
}

soak_disturb() { # SECONDS: until then, each minute in turn
    local end=$((SECONDS + $1))
    while [ $SECONDS -lt $end ]; do
        sleep 15
        lab_coturn_kill 1
        sleep 3
        lab_coturn 1 "$LAB_SERVER" $(lab_tls)
        sleep 12
        lab_in nat conntrack -F 2>/dev/null
        sleep 10
        lab_client ip addr del 10.0.9.2/24 dev eth1
        lab_client ip link set eth1 down
        sleep 10
        lab_client ip link set eth1 up
        lab_client ip addr add 10.0.9.2/24 dev eth1
        sleep 10
    done
}

# LAB_SOAK seconds: gatherers on a wire with 5 % loss, 2 % twice, 5 % late; coturn is killed and started
# again each minute, the NAT's table flushed, an interface goes and comes. The last sixth, five minutes at
# most, only the wire disturbs.
lab_long_soak() {
    local length=${LAB_SOAK:-1800} calm disturber status
    calm=$((length / 6))
    [ $calm -le 300 ] || calm=300
    lab_link client eth1 nat inside2
    lab_in nat ip addr add 10.0.9.1/24 dev inside2
    lab_client ip addr add 10.0.9.2/24 dev eth1
    lab_wire 20 5 2 5
    lab_coturn 1 "$LAB_SERVER" $(lab_tls)
    lab_coturn 2 "$LAB_SERVER2"
    lab_in server turnutils_peer -L "$LAB_SERVER2" -p 3490 >/dev/null 2>&1 &
    soak_disturb $((length - calm)) 2>/dev/null & # where the shell tells of who was killed
    disturber=$!
    LAB_CA=$LAB_DIR/ca.pem lab_client "$FLOE_BUILD/tests/lab-soak" "$length" "$LAB_USER" "$LAB_SECRET" "$LAB_SERVER2" 3490 \
        "10.0.1.2 10.0.9.2 203.0.113.1 $LAB_SERVER" "turn:$LAB_SERVER" "turns:$LAB_SERVER" \
        "turns:$LAB_SERVER?transport=udp" "stun:$LAB_SERVER2"
    status=$?
    kill $disturber 2>/dev/null
    lab_client ip link del eth1
    return $status
}

# LAB_LOAD gatherers at once in one process, against four coturns.
lab_long_load() {
    local count=${LAB_LOAD:-10000} start end urls=() i relays released
    lab_wire 0
    lab_in nat sysctl -qw net.netfilter.nf_conntrack_max=1000000 2>/dev/null
    lab_in server ip addr add 203.0.113.4/24 dev eth0
    lab_in server ip addr add 203.0.113.5/24 dev eth0
    for i in 2 3 4 5; do
        lab_coturn "$i" "203.0.113.$i"
        urls+=("turn:203.0.113.$i")
    done
    lab_count output udp dport 3478 @th,64,16 0x0004 # Refresh requests (RFC 8656 section 18)
    ulimit -n "$(ulimit -Hn)"
    start=$(date +%s%N)
    rm -f "$LAB_DIR/load.json" "$LAB_DIR/load.err"
    lab_client "$FLOE" gather --json --network-types udp4 --gatherers "$count" --timeout 60 --straggler-grace 60000 \
        --pacing 20 "${CREDENTIALS[@]}" "${urls[@]}" >"$LAB_DIR/load.json" 2>"$LAB_DIR/load.err" &
    local client=$! peak=0
    while kill -0 $client 2>/dev/null; do
        i=$(ps -o rss= -C floe | sort -n | tail -1)
        [ "${i:-0}" -le $peak ] || peak=$i
        sleep 0.2
    done
    wait $client
    end=$(date +%s%N)
    relays=$(grep -c '"type":"relay"' "$LAB_DIR/load.json")
    released=$(lab_counted)
    lab_count_no_more
    echo "load: $count gatherers, $(grep -c '"type":"host"' "$LAB_DIR/load.json") host, $(grep -c '"type":"srflx"' "$LAB_DIR/load.json") srflx," \
        "$relays relay, $released released, $(grep -c '"error"' "$LAB_DIR/load.json") errors;" \
        "$(((end - start) / 1000000)) ms, at most $peak KB"
    jq -r 'select(.event == "error") | .text' "$LAB_DIR/load.json" | sort | uniq -c | sort -rn | head -5
    for i in 2 3 4 5; do
        lab_coturn_stop "$i"
    done
    # A release is one packet (L7), and a slow server that gets ten thousand at once loses some: that each was
    # sent is what counts.
    [ "$relays" = $((count * 4)) ] && [ "$released" -ge "$relays" ]
}

lab_long_flood() {
    local rate status=0
    lab_nat none
    lab_wire 20
    lab_coturn 1 "$LAB_SERVER"
    for rate in 0 20000 50000 100000; do
        flood_at 10 $rate || status=1
    done
    lab_wire 50
    return $status
}
