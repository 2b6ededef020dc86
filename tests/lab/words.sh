# The command's words against real servers: users from files and secrets, and what `floe turn pipe` says of a peer.

# Two servers, each with a user of its own.
two_users() {
    lab_coturn 1 "$LAB_SERVER"
    LAB_USER=bob LAB_SECRET=builder lab_coturn 2 "$LAB_SERVER2"
    cat >"$LAB_DIR/servers" <<JSON
{"iceServers": [
    {"urls": ["stun:$LAB_SERVER", "turn:$LAB_SERVER"], "username": "$LAB_USER", "credential": "$LAB_SECRET"},
    {"urls": "turn:$LAB_SERVER2?transport=udp", "username": "bob", "credential": "builder"}
]}
JSON
}

lab_test_ice_servers_have_each_its_user() {
    local good=0
    two_users
    gather --network-types udp4 --ice-servers "$LAB_DIR/servers"
    expect $? 0 'exit status' && relays 2 && expect "$(events '.event == "error"')" 0 errors || { cat "$OUT" >&2; good=1; }
    # The server on the line has the user of the line.
    gather --network-types udp4 --ice-servers "$LAB_DIR/servers" "${CREDENTIALS[@]}" "turn:$LAB_SERVER?transport=tcp"
    expect $? 0 'exit status with one on the line' && relays 3 || { cat "$OUT" >&2; good=1; }
    lab_client "$FLOE" turn check --json --network-types udp4 --load 0 --ice-servers "$LAB_DIR/servers" >"$OUT"
    expect $? 0 'exit status of turn check' && expect "$(events '.event == "check" and .ok')" 3 'checks' || { cat "$OUT" >&2; good=1; }
    echo hello | lab_client timeout 60 "$FLOE" turn pipe --network-types udp4 --ice-servers "$LAB_DIR/servers" --peer "$LAB_SILENT:7" 2>"$LAB_DIR/err"
    grep -q '^floe: relay ' "$LAB_DIR/err" && ! grep -q 'turn pipe' "$LAB_DIR/err" || { cat "$LAB_DIR/err" >&2; good=1; }
    # The other way round both are refused.
    sed -i 's/builder/iceberg/' "$LAB_DIR/servers"
    gather --network-types udp4 --ice-servers "$LAB_DIR/servers"
    expect $? 1 'exit status with a wrong password' && relays 1 || { cat "$OUT" >&2; good=1; }
    return $good
}

# draft-uberti-behave-turn-rest-00 §2.2, as coturn has it.
lab_test_a_user_of_the_shared_secret() {
    local good=0
    lab_coturn 1 "$LAB_SERVER" --use-auth-secret --static-auth-secret=icecube --verbose
    echo icecube >"$LAB_DIR/secret"
    gather --policy relay --network-types udp4 --rest-secret-file "$LAB_DIR/secret" "turn:$LAB_SERVER"
    expect $? 0 'exit status' && relays 1 || { cat "$OUT" "$LAB_DIR/err" >&2; good=1; }
    gather --policy relay --network-types udp4 -u alice --rest-secret-file - "turn:$LAB_SERVER" <"$LAB_DIR/secret"
    expect $? 0 'exit status for a name' && relays 1 || { cat "$OUT" "$LAB_DIR/err" >&2; good=1; }
    grep -Eq 'user <[0-9]{10}:alice>' "$LAB_DIR/coturn-1.log" && grep -Eq 'user <[0-9]{10}:floe>' "$LAB_DIR/coturn-1.log" ||
        { grep 'user <' "$LAB_DIR/coturn-1.log" | tail -n 3 >&2; good=1; }
    echo wrong >"$LAB_DIR/secret"
    gather --policy relay --network-types udp4 --rest-secret-file "$LAB_DIR/secret" "turn:$LAB_SERVER"
    expect $? 3 'exit status with another secret' || good=1
    return $good
}

# What is refused is told, and ends the pipe with 1, though nothing has come back and nothing will.
lab_test_a_pipe_tells_a_refused_peer() {
    local good=0 transport
    lab_coturn 1 "$LAB_SERVER" "--denied-peer-ip=$LAB_SERVER2"
    for transport in '' '?transport=tcp'; do
        echo hello | lab_client timeout 60 "$FLOE" turn pipe "${CREDENTIALS[@]}" --peer "$LAB_SERVER2:7" "turn:$LAB_SERVER$transport" 2>"$LAB_DIR/err"
        expect $? 1 "exit status by a relay over UDP$transport" && grep -q "refuses this peer" "$LAB_DIR/err" || { cat "$LAB_DIR/err" >&2; good=1; }
    done
    echo hello | lab_client timeout 60 "$FLOE" turn pipe --tcp "${CREDENTIALS[@]}" --peer "$LAB_SERVER2:7" "turn:$LAB_SERVER?transport=tcp" 2>"$LAB_DIR/err"
    expect $? 1 'exit status by TCP' && grep -q "refuses this peer" "$LAB_DIR/err" || { cat "$LAB_DIR/err" >&2; good=1; }
    lab_coturn 1 "$LAB_SERVER"
    echo hello | lab_client timeout 60 "$FLOE" turn pipe --tcp "${CREDENTIALS[@]}" --peer "$LAB_SERVER2:7" "turn:$LAB_SERVER?transport=tcp" 2>"$LAB_DIR/err"
    expect $? 1 'exit status by TCP to a closed port' && grep -q "can't connect to the peer" "$LAB_DIR/err" || { cat "$LAB_DIR/err" >&2; good=1; }
    lab_client "$FLOE" turn pipe "${CREDENTIALS[@]}" --peer "[$LAB_SERVER6]:7" "turn:$LAB_SERVER" </dev/null 2>"$LAB_DIR/err"
    expect $? 1 'exit status without a relay of the family' && grep -q 'no server gave an IPv6 relay' "$LAB_DIR/err" || { cat "$LAB_DIR/err" >&2; good=1; }
    return $good
}

# The terminal goes (SIGHUP, which who runs this may have asked to be ignored): what was allocated is released.
lab_test_a_hang_up_releases_relays() {
    local good=0 held
    lab_coturn 1 "$LAB_SERVER"
    mkfifo "$LAB_DIR/idle"
    exec 7<>"$LAB_DIR/idle"
    rm -f "$OUT" "$LAB_DIR/err"
    ip netns exec client env --default-signal=HUP "$FLOE" turn pipe "${CREDENTIALS[@]}" --peer "$LAB_SERVER2:7" "turn:$LAB_SERVER" <"$LAB_DIR/idle" >"$OUT" 2>"$LAB_DIR/err" &
    held=$!
    lab_wait grep -q '^floe: relay' "$LAB_DIR/err"
    kill -HUP $held
    wait $held
    expect $? 130 'exit status of a pipe' && lab_wait released || good=1
    rm -f "$OUT" "$LAB_DIR/err"
    ip netns exec client env --default-signal=HUP "$FLOE" gather --json --hold inf "${CREDENTIALS[@]}" "turn:$LAB_SERVER" >"$OUT" 2>"$LAB_DIR/err" &
    held=$!
    lab_wait grep -q '"event":"end"' "$OUT"
    kill -HUP $held
    wait $held
    expect $? 130 'exit status of gather' && lab_wait released || good=1
    exec 7>&-
    rm "$LAB_DIR/idle"
    return $good
}

# Can these two connect? What two machines gather says it.
lab_test_pairs_of_what_was_gathered() {
    local good=0
    two_users
    gather --network-types udp4 "${CREDENTIALS[@]}" "turn:$LAB_SERVER" "stun:$LAB_SERVER2"
    cp "$OUT" "$LAB_DIR/a"
    "$FLOE" pair --json "$LAB_DIR/a" "$LAB_DIR/a" >"$LAB_DIR/pairs"
    expect "$(jq -r 'select(.event == "summary") | .a_symmetric_nat' "$LAB_DIR/pairs")" false 'one port for all' || good=1
    lab_nat symmetric
    gather --network-types udp4 "${CREDENTIALS[@]}" "turn:$LAB_SERVER" "stun:$LAB_SERVER2"
    "$FLOE" pair --json "$OUT" "$LAB_DIR/a" >"$LAB_DIR/pairs"
    expect "$(jq -r 'select(.event == "summary") | .a_symmetric_nat' "$LAB_DIR/pairs")" true 'a port for each' || { cat "$OUT" >&2; good=1; }
    lab_nat masquerade
    return $good
}
