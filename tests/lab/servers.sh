# The lab's tests of servers as people run them: coturn with the options that are in use, restarted, with credentials
# that end; and servers of others: Vovida's stund, ProcessOne's (of ejabberd and eturnal), Pion's.

# ADDRESSES of relay candidates, in order.
relay_addresses() { # WHAT-SHOULD-BE TEXT
    expect "$(jq -rs '[.[] | select(.type == "relay") | .address] | sort | join(" ")' "$OUT")" "$1" "$2"
}

no_error() {
    expect "$(jq -r 'select(.event == "error") | .text' "$OUT")" '' "errors${1:+ with $1}"
}

# T5: coturn with one external address relays for that family alone. The wish for both is answered 440 (in later
# versions 508): it never costs the relay. With addresses of both families to relay from it gives that one address for
# the other family too (which is no relay), with one it gives none: who then asks for IPv6 alone has nothing.
lab_test_t5_one_external_address() {
    local from url types good=0
    for from in "$LAB_SERVER" "$LAB_SERVER $LAB_SERVER6"; do
        lab_coturn 1 "$from" $(lab_tls) --external-ip 203.0.113.7
        for url in "turn:$LAB_SERVER" "turn:$LAB_SERVER?transport=tcp" "turns:$LAB_SERVER"; do
            for types in udp4 udp4,udp6; do
                relay_gather --network-types $types "$url"
                expect $? 0 "exit status by $url, $types, from $from" &&
                    relay_addresses 203.0.113.7 "relays by $url, $types, from $from" && no_error "$url, $types" || good=1
            done
        done
        lab_wait released || good=1
    done
    return $good
}

# RFC 8656 7.3: that coturn gives its IPv4 address for IPv6 relays too, which nobody asked for: no candidate, and the
# allocation is given back.
lab_test_t5_a_family_that_nobody_asked_for() {
    local good=0
    lab_coturn 1 "$LAB_SERVER $LAB_SERVER6" --external-ip 203.0.113.7
    relay_gather --network-types udp6 "turn:[$LAB_SERVER6]"
    relays 0 && expect "$(events '.event == "error" and .url_failed')" 1 'errors' || good=1
    lab_wait released || good=1
    # It has IPv4 as well: whoever comes by IPv6 has that, by whatever transport, and is told of no earlier allocation.
    local url
    lab_coturn 1 "$LAB_SERVER $LAB_SERVER6" $(lab_tls) --external-ip 203.0.113.7
    for url in "turn:[$LAB_SERVER6]" "turn:[$LAB_SERVER6]?transport=tcp" "turns:[$LAB_SERVER6]" "turns:[$LAB_SERVER6]?transport=udp"; do
        relay_gather --insecure "$url"
        expect $? 0 "exit status by $url" && relay_addresses 203.0.113.7 "relays by $url" && no_error "$url" || good=1
    done
    lab_wait released || good=1
    lab_coturn 1 "$LAB_SERVER $LAB_SERVER6" --external-ip 203.0.113.7 --user-quota=1 # what is given back takes room for a second
    relay_gather "turn:[$LAB_SERVER6]"
    expect $? 0 "exit status with a quota of one" && relay_addresses 203.0.113.7 "relays with a quota of one" || good=1
    lab_wait released || good=1
    return $good
}

# An address of a cloud: the server has another of its own (1:1), tells the outer one, and relays.
lab_test_t1_an_external_address_for_each() {
    local good=0 host
    lab_coturn 1 "$LAB_SERVER $LAB_SERVER6" --external-ip 203.0.113.7/$LAB_SERVER --external-ip 2001:db8:2::7/$LAB_SERVER6
    echo_begins udp
    for host in "$LAB_SERVER" "[$LAB_SERVER6]"; do
        relay_gather "turn:$host" && relay_addresses '2001:db8:2::7 203.0.113.7' "relays by $host" && no_error "$host" || good=1
    done
    echo 'through the relay' | lab_client timeout 90 "$FLOE" turn pipe "${CREDENTIALS[@]}" --peer "$LAB_SERVER2:7" "turn:$LAB_SERVER" \
        >"$OUT" 2>"$LAB_DIR/err"
    expect "$(cat "$OUT")" 'through the relay' 'what came back' || good=1
    echo_ends
    lab_wait released || good=1
    return $good
}

# A server that answers no Binding, or none without a user, has the reflexive candidate in its Allocate answer (R2).
lab_test_r2_a_server_that_answers_no_binding() {
    local option good=0
    for option in --no-stun --secure-stun; do
        lab_coturn 1 "$LAB_SERVER" $option
        gather --network-types udp4 "${CREDENTIALS[@]}" "turn:$LAB_SERVER"
        expect $? 0 "exit status, $option" && candidates 1 1 1 && no_error $option || good=1
        gather --network-types udp4 --timeout 2 "stun:$LAB_SERVER"
        expect $? 1 "exit status by stun:, $option" && expect "$(events '.event == "error" and .url_failed')" 1 "errors by stun:, $option" || good=1
    done
    return $good
}

# Most of the data lost is not well.
lab_test_turn_check_says_that_data_is_lost() {
    local good=0
    lab_coturn 1 "$LAB_SERVER" --max-bps=2000
    lab_client "$FLOE" turn check --json "${CREDENTIALS[@]}" "turn:$LAB_SERVER?transport=udp" >"$OUT"
    [ $? != 0 ] || { echo "    exit status 0" >&2; good=1; }
    expect "$(events '.ok == false')" 1 'checks that failed' || good=1
    return $good
}

# A gatherer at $2 that sends to the echo by its relay each $1 ms (-1: never); reads $LAB_DIR/to1, prints to $OUT.
roam_begins() { # INTERVAL-MS URL USERNAME CREDENTIAL [KEEPALIVE-MS]
    rm -f "$LAB_DIR/to1" "$OUT"
    mkfifo "$LAB_DIR/to1"
    LAB_CA=$LAB_DIR/ca.pem ip netns exec client "$FLOE_BUILD/tests/lab-roam" "$2" "$3" "$4" "$LAB_SERVER2" 7 "$1" ${5:+"$5"} <"$LAB_DIR/to1" >"$OUT" &
    ROAM_PID=$!
    exec 8>"$LAB_DIR/to1"
    lab_wait grep -q '^complete' "$OUT"
}

roam_again() {
    echo again >&8
}

roam_ends() { # by a word: what has been started meanwhile has the pipe open too
    echo end >&8
    exec 8>&-
    wait $ROAM_PID
}

# The way to the server is cut until the relay is lost; meanwhile, what COMMAND prints is told the gatherer.
roam_in_an_outage() { # [COMMAND…]
    ip netns exec server nft -f - <<<'table ip away { chain in { type filter hook input priority 0; udp dport 3478 drop; }; }'
    [ $# = 0 ] || "$@" >&8
    for _ in $(seq 120); do # all sends of a Refresh run out: 39.5 s
        roam_has 1 '^withdrawn' && break
        sleep 0.5
    done
    ip netns exec server nft delete table ip away
}

# Behind the last relay's line there is an echo.
roam_has_data() {
    tac "$OUT" | sed '/^relay/q' | grep -q '^echo'
}

roam_has() { # COUNT PATTERN: lines
    [ "$(grep -c "$2" "$OUT")" = "$1" ]
}

# T7b: by UDP nothing breaks when a server is started anew; that the allocation is gone is noticed all the same,
# whether data goes or not, and then there is another.
lab_test_t7_a_server_restarted_under_udp() {
    local interval url good=0
    echo_begins udp
    for url in "turn:$LAB_SERVER" "turns:$LAB_SERVER?transport=udp"; do
        for interval in 200 -1; do
            lab_coturn 1 "$LAB_SERVER" $(lab_tls)
            roam_begins $interval "$url" "$LAB_USER" "$LAB_SECRET"
            lab_wait roam_has 1 '^relay' || good=1
            [ $interval = -1 ] || lab_wait roam_has_data || good=1
            lab_coturn 1 "$LAB_SERVER" $(lab_tls)
            lab_wait roam_has 2 '^relay' && roam_has 1 '^withdrawn' && roam_has 0 '^error' || good=1
            [ $interval = -1 ] || lab_wait roam_has_data || good=1
            # Nobody is told that the peer is refused: it is not.
            roam_has 0 '^refused.*peer' || good=1
            [ $good = 0 ] || { echo "    $url, a packet each $interval ms:" >&2; uniq -c "$OUT" >&2; }
            roam_ends
        done
    done
    echo_ends
    return $good
}

# T2: the new process has another realm, so it says 437 to who signs by the one of before, and signs that not. One
# gatherer is all that this api has: nobody else has learned of it.
lab_test_t2_a_server_restarted_with_another_realm() {
    local transport good=0
    for transport in udp tcp; do
        lab_coturn 1 "$LAB_SERVER"
        roam_begins -1 "turn:$LAB_SERVER?transport=$transport" "$LAB_USER" "$LAB_SECRET"
        lab_wait roam_has 1 '^relay' || good=1
        lab_coturn 1 "$LAB_SERVER" --realm other.floe.test
        lab_wait roam_has 2 '^relay' && roam_has 1 '^withdrawn' && roam_has 0 '^error 4' || good=1
        [ $good = 0 ] || { echo "    by $transport:" >&2; uniq -c "$OUT" >&2; }
        roam_ends
    done
    return $good
}

# The same of Pion's, whose new process leaves a Refresh of what it does not have unanswered, and answers Bindings.
lab_test_t7_a_server_restarted_that_answers_no_refresh() {
    local interval good=0
    pion_there || return
    echo_begins udp
    for interval in 200 -1; do
        pion_begins
        roam_begins $interval "turn:$PION" "$LAB_USER" "$LAB_SECRET"
        lab_wait roam_has 1 '^relay' || good=1
        [ $interval = -1 ] || lab_wait roam_has_data || good=1
        pion_ends
        pion_begins
        lab_wait roam_has 2 '^relay' && roam_has 1 '^withdrawn' && roam_has 0 '^error' || good=1
        [ $interval = -1 ] || lab_wait roam_has_data || good=1
        [ $good = 0 ] || { echo "    a packet each $interval ms:" >&2; uniq -c "$OUT" >&2; }
        roam_ends
        pion_ends
    done
    echo_ends
    return $good
}

# The same where coturn stays away for a while: what it refuses meanwhile is said once, and the relay comes back.
lab_test_t7_a_server_that_was_away_under_udp() {
    local good=0
    lab_coturn 1 "$LAB_SERVER"
    roam_begins 200 "turn:$LAB_SERVER" "$LAB_USER" "$LAB_SECRET"
    lab_wait roam_has 1 '^relay' || good=1
    lab_coturn_stop 1
    lab_wait roam_has 1 '^withdrawn' || good=1
    lab_coturn 1 "$LAB_SERVER"
    lab_wait roam_has 2 '^relay' && roam_has 1 '^withdrawn' || good=1
    [ $good = 0 ] || uniq -c "$OUT" >&2
    roam_ends
    return $good
}

# T6: the way to a server that is well is cut for so long that the relay is lost, while the server keeps its allocation:
# it says 437 to the Allocate that asks anew, unsigned; the relay comes back by another port at once, not in ten minutes.
lab_test_t6_an_outage_on_the_way() {
    local good=0
    lab_coturn 1 "$LAB_SERVER"
    roam_begins 200 "turn:$LAB_SERVER" "$LAB_USER" "$LAB_SECRET"
    lab_wait roam_has 1 '^relay' || good=1
    roam_in_an_outage
    lab_wait roam_has 2 '^relay' && roam_has 1 '^withdrawn' || good=1
    [ $good = 0 ] || uniq -c "$OUT" >&2
    roam_ends
    lab_coturn_stop 1
    return $good
}

# S5: credentials that hold until a time (draft-uberti-behave-turn-rest). One that has ended is a 401 that says so;
# one that ends in use is told with the server's code when it is needed again.
rest_user() { # SECONDS FROM NOW
    REST_USER="$(($(date +%s) + $1)):floe"
    REST_SECRET=$(printf %s "$REST_USER" | openssl dgst -sha1 -hmac north -binary | base64)
}

rest_coturn() {
    lab_coturn 1 "$LAB_SERVER" --use-auth-secret --static-auth-secret north
}

lab_test_s5_credentials_that_end() {
    local good=0 pid ends
    rest_coturn
    rest_user 60
    gather --policy relay --network-types udp4 -u "$REST_USER" -c "$REST_SECRET" "turn:$LAB_SERVER" && relays 1 && no_error || good=1
    rest_user -60
    gather --policy relay --network-types udp4 -u "$REST_USER" -c "$REST_SECRET" "turn:$LAB_SERVER"
    relays 0 && expect "$(events '.event == "error" and .code == 401 and .url_failed')" 1 '401 events' && one_error 'expired' || good=1
    rest_user 3
    ends=${REST_USER%:*}
    roam_begins 200 "turn:$LAB_SERVER" "$REST_USER" "$REST_SECRET"
    lab_wait roam_has 1 '^relay' || good=1
    lab_wait sh -c "[ \$(date +%s) -gt $ends ]"
    rest_coturn
    lab_wait roam_has 1 '^withdrawn' && lab_wait roam_has 1 '^error 401' && roam_has 1 '^relay' || { uniq -c "$OUT" >&2; good=1; }
    roam_ends
    return $good
}

# L12: credentials that are renewed while the server is away, at one that gives a user one relay: what it still holds by
# the former ones is in the way of any other, and the server has not heard that it is to go.
lab_test_l12_credentials_renewed_in_an_outage() {
    local good=0
    lab_coturn 1 "$LAB_SERVER" --use-auth-secret --static-auth-secret north --user-quota=1
    rest_user 600
    roam_begins 200 "turn:$LAB_SERVER" "$REST_USER" "$REST_SECRET"
    lab_wait roam_has 1 '^relay' || good=1
    rest_user 700
    roam_in_an_outage echo "user $REST_USER $REST_SECRET"
    lab_wait roam_has 2 '^relay' && roam_has 1 '^withdrawn' || good=1
    [ $good = 0 ] || uniq -c "$OUT" >&2
    roam_ends
    lab_coturn_stop 1
    return $good
}

# RFC 3489's server, which is still in use: its answers have attributes that RFC 8489 does not know and forgives.
lab_test_r6_a_server_of_rfc_3489() {
    local good=0
    lab_coturn_stop 2
    ip netns exec server stund -h "$LAB_SERVER" -a "$LAB_SERVER2" >/dev/null 2>&1 &
    local pid=$!
    lab_wait lab_listens "$LAB_SERVER"
    gather --network-types udp4 "stun:$LAB_SERVER" "stun:$LAB_SERVER2:3479"
    expect $? 0 'exit status' && candidates 1 1 0 && no_error &&
        expect "$(jq -r 'select(.type == "srflx") | .address' "$OUT")" 203.0.113.1 'mapped address' || good=1
    kill $pid
    wait $pid 2>/dev/null
    lab_coturn 2 "$LAB_SERVER2"
    return $good
}

# ProcessOne's server, of which ejabberd and eturnal are made: one nonce for each client, RFC 6156's families.
processone_begins() {
    lab_coturn_stop 2
    rm -f "$LAB_DIR/processone.out"
    ip netns exec server erl -noshell -pa /usr/lib/erlang/lib/p1_stun-*/ebin /usr/lib/erlang/lib/fast_tls-*/ebin \
        /usr/lib/erlang/lib/p1_utils-*/ebin -eval '
        {ok, _} = application:ensure_all_started(stun),
        Four = {203,0,113,3}, Six = {16#2001,16#db8,2,0,0,0,0,3},
        Auth = fun(<<"floe">>, _) -> <<"iceberg">>; (_, _) -> <<>> end,
        Options = [use_turn, {auth_type, user}, {auth_realm, <<"floe.test">>}, {auth_fun, Auth},
            {turn_ipv4_address, Four}, {turn_ipv6_address, Six}, {turn_min_port, 30000}, {turn_max_port, 60000}],
        [ok = stun_listener:add_listener(Ip, 3478, By, Options) || Ip <- [Four, Six], By <- [udp, tcp]],
        io:format("ready~n").' </dev/null >"$LAB_DIR/processone.out" 2>&1 &
    PROCESSONE_PID=$!
    lab_wait grep -q ready "$LAB_DIR/processone.out" || cat "$LAB_DIR/processone.out" >&2
}

processone_ends() {
    kill $PROCESSONE_PID
    wait $PROCESSONE_PID 2>/dev/null
}

lab_test_processones_server() {
    local good=0 url
    processone_begins
    echo_begins udp "$LAB_SERVER"
    for url in "turn:$LAB_SERVER2" "turn:$LAB_SERVER2?transport=tcp"; do
        relay_gather --network-types udp4 "$url"
        expect $? 0 "exit status by $url" && relay_addresses "$LAB_SERVER2" "relays by $url" && no_error "$url" || good=1
        echo 'through the relay' | lab_client timeout 90 "$FLOE" turn pipe "${CREDENTIALS[@]}" --peer "$LAB_SERVER:7" "$url" >"$OUT" 2>"$LAB_DIR/err"
        expect "$(cat "$OUT")" 'through the relay' "what came back by $url" || good=1
    done
    # The server knows REQUESTED-ADDRESS-FAMILY alone.
    relay_gather --network-types udp6 'turn:[2001:db8:2::3]' && relay_addresses 2001:db8:2::3 'IPv6 relays' && no_error IPv6 || good=1
    gather --policy relay -u "$LAB_USER" -c wrong "turn:$LAB_SERVER2"
    relays 0 && expect "$(events '.event == "error" and .code == 401')" 1 '401 events' || good=1
    echo_ends
    processone_ends
    lab_coturn 2 "$LAB_SERVER2"
    return $good
}

# The same restarted: it says 437, as RFC 8656 has it.
lab_test_t7_processones_server_restarted_under_udp() {
    local good=0 interval
    echo_begins udp "$LAB_SERVER"
    for interval in 200 -1; do
        processone_begins
        roam_begins $interval "turn:$LAB_SERVER2" "$LAB_USER" "$LAB_SECRET"
        lab_wait roam_has 1 '^relay' || good=1
        processone_ends
        processone_begins
        lab_wait roam_has 2 '^relay' && roam_has 1 '^withdrawn' || { uniq -c "$OUT" >&2; good=1; }
        roam_ends
        processone_ends
    done
    echo_ends
    lab_coturn 2 "$LAB_SERVER2"
    return $good
}


# Pion's with a user base that is slow: it is waited for, and data goes.
lab_test_a_server_whose_authentication_is_slow() {
    local good=0
    pion_there || return
    PION_DELAY=900 pion_begins
    lab_client "$FLOE" turn check --json --load 0 --timeout 30 --address 0.0.0.0/0 "${CREDENTIALS[@]}" "turn:$PION?transport=udp" >"$OUT"
    expect $? 0 'exit status of turn check' && expect "$(events '.event == "check" and .ok and .packets_received > 0')" 1 'checks' || { cat "$OUT" >&2; good=1; }
    pion_ends
    return $good
}

# Pion's with its ports used up: 508 without MESSAGE-INTEGRITY, which must not be believed. That the server answers is
# said all the same.
lab_test_t6_no_port_left_at_pions() {
    local good=0
    pion_there || return
    PION_PORT=50000 pion_begins
    gather --network-types udp4 --gatherers 2 --timeout 5 --policy relay "${CREDENTIALS[@]}" "turn:$PION"
    relays 1 && expect "$(events '.event == "error"')" 1 errors || good=1
    ! grep -q 'is UDP port 3478 open' "$OUT" || { jq -r 'select(.event == "error") | .text' "$OUT" >&2; good=1; }
    pion_ends
    return $good
}

# R5, E1: a server of two addresses that answers by the other one: nothing of it is believed, and it is said that answers
# come.
lab_test_r5_answers_from_elsewhere() {
    local good=0 port=3490
    nats_cone 'iifname outside accept'
    ip netns exec server perl -MIO::Socket::IP -e '
        my ($in, $out) = map { IO::Socket::IP->new(Proto => "udp", LocalHost => $_, LocalPort => $ARGV[2]) or die "$!" } @ARGV[0, 1];
        while (defined(my $from = $in->recv(my $request, 2048))) {
            send($out, pack("n n a16", 0x101, 0, substr($request, 4, 16)), 0, $from);
        }' "$LAB_SERVER" "$LAB_SERVER2" $port &
    local pid=$!
    lab_wait lab_listens "$LAB_SERVER" $port
    gather --network-types udp4 --timeout 2 "stun:$LAB_SERVER:$port"
    candidates 1 0 0 && expect "$(events '.event == "error" and .url_failed')" 1 errors || good=1
    grep -q "answers came, but not from $LAB_SERVER port $port" "$OUT" || { jq -r 'select(.event == "error") | .text' "$OUT" >&2; good=1; }
    kill $pid
    wait $pid 2>/dev/null
    lab_nat masquerade
    return $good
}

# E1: a server of STUN alone that is offered as turn: has its reflexive candidate, and the sentence does not doubt the port.
lab_test_e1_a_stun_server_offered_as_turn() {
    local good=0
    lab_coturn 1 "$LAB_SERVER" --stun-only
    gather --network-types udp4 --timeout 3 "${CREDENTIALS[@]}" "turn:$LAB_SERVER"
    candidates 1 1 0 && expect "$(events '.event == "error" and .url_failed')" 1 errors || good=1
    grep -q "$LAB_SERVER answers other requests .*: is it a TURN server" "$OUT" || { jq -r 'select(.event == "error") | .text' "$OUT" >&2; good=1; }
    lab_client "$FLOE" turn check "${CREDENTIALS[@]}" --network-types udp4 --timeout 3 "turn:$LAB_SERVER?transport=udp" >"$OUT" 2>&1
    grep -q "$LAB_SERVER answers other requests .*: is it a TURN server" "$OUT" || { cat "$OUT" >&2; good=1; }
    lab_coturn 1 "$LAB_SERVER"
    return $good
}

# S7: the network's name servers are others now; a gatherer that goes on asks those.
lab_test_s7_resolv_conf_is_replaced() {
    local good=0
    lab_coturn 1 "$LAB_SERVER"
    dns_up 1
    roam_begins -1 turn:four.example "$LAB_USER" "$LAB_SECRET"
    lab_wait roam_has 1 '^relay' || good=1
    ip netns exec server dnsmasq --keep-in-foreground --no-resolv --no-hosts --conf-file=/dev/null --listen-address="$LAB_SERVER2" \
        --bind-interfaces --local=/example/ --local-ttl=1 --log-queries --log-facility="$LAB_DIR/dns2.log" --pid-file= --user=root \
        --host-record=four.example,"$LAB_SERVER" >/dev/null 2>&1 &
    local pid=$!
    lab_wait test -s "$LAB_DIR/dns2.log"
    kill "$DNS_PID"
    wait "$DNS_PID" 2>/dev/null
    sleep 1.5 # the name is kept for a second
    # As a DHCP client does it: another file in the place of the one that was.
    dns_asks "nameserver $LAB_SERVER2"
    roam_again
    lab_wait roam_has 2 '^complete' || good=1
    grep -q 'query\[A\] four.example from' "$LAB_DIR/dns2.log" && roam_has 0 '^error' || { cat "$OUT" >&2; good=1; }
    roam_ends
    kill $pid
    wait $pid 2>/dev/null
    umount /etc/resolv.conf
    rm -f "$LAB_DIR"/dns*.log
    return $good
}

# N4: the machine has slept for ten minutes, in which coturn was started anew: that its allocation is gone is noticed.
lab_test_n4_after_sleep_a_lost_relay_is_noticed() {
    local good=0
    lab_coturn 1 "$LAB_SERVER"
    rm -f "$LAB_DIR/asleep"
    LAB_ASLEEP=$LAB_DIR/asleep LD_PRELOAD=$FLOE_BUILD/tests/lab-asleep.so roam_begins -1 "turn:$LAB_SERVER" "$LAB_USER" "$LAB_SECRET" 1000
    kill -STOP $ROAM_PID
    lab_coturn 1 "$LAB_SERVER"
    echo 600 >"$LAB_DIR/asleep"
    kill -CONT $ROAM_PID
    lab_wait roam_has 2 '^relay' && roam_has 1 '^withdrawn' || { cat "$OUT" >&2; good=1; }
    roam_ends
    rm -f "$LAB_DIR/asleep"
    return $good
}
