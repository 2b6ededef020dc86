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
# versions 508): it never costs the relay.
lab_test_t5_one_external_address() {
    local url types good=0
    lab_coturn 1 "$LAB_SERVER $LAB_SERVER6" $(lab_tls) --external-ip 203.0.113.7
    for url in "turn:$LAB_SERVER" "turn:$LAB_SERVER?transport=tcp" "turns:$LAB_SERVER"; do
        for types in udp4 udp4,udp6; do
            relay_gather --network-types $types "$url"
            expect $? 0 'exit status' && relay_addresses 203.0.113.7 "relays by $url, $types" && no_error "$url, $types" || good=1
        done
    done
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

# ProcessOne's server, of which ejabberd and eturnal are made: one nonce for each client, RFC 6156's families.
processone_begins() {
    lab_coturn_stop 2
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
    relay_gather -c wrong "turn:$LAB_SERVER2"
    relays 0 && expect "$(events '.event == "error" and .code == 401')" 1 '401 events' || good=1
    echo_ends
    processone_ends
    lab_coturn 2 "$LAB_SERVER2"
    return $good
}
