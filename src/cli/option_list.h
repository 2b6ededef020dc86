/* The options of the commands, one a row, in groups as the help shows them. Who includes this has
 * defined GROUP(the head of the rows behind it) and OPTION(the commands that take it, its letter or
 * 0, its name, what the help calls its value or NULL, what it does, its help). A value of words is
 * written a|b|c, a list of words a,b,c. S and MS are times: 500ms,
 * 5s, 2m, 1h, or a number of seconds or milliseconds. */
GROUP("Common options")
OPTION(GATHERERS, 's', "server", "URL", SET(set_server),
       "an ICE server: stun:HOST, turn:HOST, turns:HOST; repeatable")
OPTION(EVERY, 'u', "username", "NAME", SET(set_username),
       "user name for the turn URLs; also FLOE_USERNAME")
OPTION(EVERY, 'c', "credential", "SECRET", SECRET(set_credential),
       "password for the turn URLs; also FLOE_CREDENTIAL; without it, a terminal is asked")
OPTION(EVERY, 0, "ice-servers", "FILE", SET(set_ice_servers),
       "the servers and their credentials, as the JSON that an RTCConfiguration has; -: standard "
       "input, but in connect")
OPTION(COMMAND_TURN_PIPE, 'p', "peer", "ADDRESS:PORT", TEXT(peer),
       "the peer to exchange packets with")
OPTION(COMMAND_TURN_PIPE, 0, "tcp", NULL, SET(set_tcp),
       "reach the peer over TCP (RFC 6062), and let it connect; packets are framed (RFC 4571)")
OPTION(GATHERERS, 0, "policy", "all|nohost|relay", SET(set_policy),
       "which candidates to gather (all)")
OPTION(GATHERERS, 0, "types", "host,srflx,relay", SET(set_types),
       "gather only these types of candidates, joined by commas")
OPTION(GATHERERS, 0, "relay-transports", "udp,tcp,tls,dtls", SET(set_relay_transports),
       "ask turn servers only over these, joined by commas")
OPTION(EVERY, 0, "timeout", "S", SET(set_timeout), "give up after S seconds (5; 0: never)")
OPTION(COMMAND_GATHER, 0, "hold", "S", SET(set_hold),
       "keep the candidates alive for S seconds; inf: until interrupted (0)")
OPTION(COMMAND_CONNECT, 0, "hold", "S", SET(set_hold),
       "once connected, stay for S seconds behind the end of the input, but with --pipe no longer "
       "than the other side's; inf: until interrupted (until the other side has ended; with --json "
       "0)")
OPTION(COMMAND_CONNECT, 0, "pipe", NULL, SET(set_pipe),
       "send standard input as it is, and write what comes to standard output; the ticket goes to "
       "standard error")
OPTION(COMMAND_CONNECT, 0, "remote", "TICKET", SECRET(set_remote), "the other side's ticket")
OPTION(COMMAND_CONNECT, 0, "remote-file", "FILE", TEXT(remote_file),
       "read the other side's ticket from FILE, which may be a pipe that it comes by later")
OPTION(
    COMMAND_CONNECT, 0, "role", "controlling|controlled", SET(set_role),
    "the ICE role (controlled for the side that has the other's ticket before it has printed its "
    "own; if both have one role, they mend it)")
OPTION(COMMAND_CONNECT, 0, "ice-lite", NULL, SET(set_ice_lite),
       "be an ICE-lite agent: host candidates alone, and checks are answered and not sent")
OPTION(COMMAND_CONNECT, 0, "give-up", "S", SET(set_patience),
       "fail if it is not connected S seconds after the other side is known (when all checks have "
       "ended, after 39.5 s or more)")
OPTION(COMMAND_CONNECT, 0, "rate", "MBIT", SET(set_rate),
       "with --pipe, send at most MBIT megabits per second (10; 0: no limit)")
OPTION(GATHERERS, 0, "continual", NULL, SET(set_continual),
       "follow the network: gather on new addresses at once, withdraw those that are gone; of "
       "gather, with --hold")
OPTION(GATHERERS | COMMAND_TURN_CHECK | READERS, 0, "json", NULL, SET(set_json),
       "print JSON lines instead of a table")
OPTION(EVERY, 'v', "verbose", NULL, SET(set_verbose),
       "print names, connections, TLS and packets on standard error")
OPTION(ALL, 'h', "help", NULL, SET(set_help), "print this help")
GROUP("Output")
OPTION(COMMAND_GATHER | COMMAND_PARSE, 0, "format", "w3c|ortc|sdp", SET(set_format),
       "print only candidates: as RTCIceCandidateInit, ORTC's RTCIceCandidate, or SDP")
OPTION(GATHERERS | COMMAND_TURN_CHECK | COMMAND_PAIR, 0, "color", "auto|always|never",
       SET(set_colour), "colours; auto: on a terminal, unless NO_COLOR is set (auto)")
OPTION(COMMAND_GATHER, 'q', "quiet", NULL, SET(set_quiet),
       "print only failed servers and the summary")
OPTION(EVERY, 0, "trace", "FILE", TEXT(trace_file),
       "write what -v prints to FILE as JSON lines; -: standard output")
GROUP("Credentials")
OPTION(EVERY, 0, "credential-file", "FILE", SET(set_credential_file),
       "read the credential from the first line of FILE; -: standard input, but in connect")
OPTION(EVERY, 0, "rest-secret-file", "FILE", SET(set_rest_secret_file),
       "make a user for a day from the server's secret (coturn's static-auth-secret), the first "
       "line of FILE")
OPTION(EVERY, 0, "access-token", "BASE64", SECRET(set_access_token),
       "OAuth (RFC 7635) instead of a password; also FLOE_ACCESS_TOKEN; the username is the key id")
OPTION(EVERY, 0, "mac-key", "BASE64", SECRET(set_mac_key),
       "key of --access-token; also FLOE_MAC_KEY")
GROUP("Network")
OPTION(EVERY, 0, "interface", "NAME", SET(add_interface),
       "use only this interface; repeatable, * matches anything")
OPTION(EVERY, 0, "exclude-interface", "NAME", SET(add_not_interface),
       "do not use this interface; repeatable")
OPTION(EVERY, 0, "address", "CIDR", SET(add_address),
       "use only local addresses in this range; repeatable")
OPTION(EVERY, 0, "exclude-address", "CIDR", SET(add_not_address),
       "do not use local addresses in this range; repeatable")
OPTION(EVERY, 0, "network-types", "udp4,udp6,tcp4,tcp6", SET(set_network_types),
       "some of these, joined by commas; tcp is for host candidates and relays for TCP (udp4,udp6)")
OPTION(EVERY, '4', "ipv4", NULL, SET(set_ipv4), "use only local addresses of IPv4")
OPTION(EVERY, '6', "ipv6", NULL, SET(set_ipv6), "use only local addresses of IPv6")
OPTION(EVERY, 0, "resolve", "NAME:ADDRESS", SET(add_resolved),
       "do not look NAME up: its server is at ADDRESS; repeatable")
OPTION(GATHERERS, 0, "ufrag", "TEXT", TEXT(username_fragment),
       "ICE username fragment to use: 4 to 256 letters, digits, + and / (made at random)")
OPTION(GATHERERS, 0, "password", "TEXT", SECRET(set_password),
       "ICE password to use: 22 to 256 of these (made at random)")
OPTION(GATHERERS, 0, "rewrite", "RULE", SET(add_rule),
       "show another address: external=IP,local=IP and more, see floe-gather(1); repeatable")
OPTION(GATHERERS, 0, "ip-handling", "all|default-and-local|default|proxy", SET(set_ip_handling),
       "mode of RFC 8828 (all)")
OPTION(GATHERERS, 0, "max-addresses", "N", SET(set_max_addresses),
       "use at most N local addresses of each family (16; 0: all)")
OPTION(GATHERERS, 0, "mdns", "off|query|gather", SET(set_mdns),
       "multicast DNS; gather: show names instead of host addresses (query)")
OPTION(GATHERERS, 0, "srv", NULL, SET(set_srv),
       "look for SRV and NAPTR records if a URL has no port")
OPTION(GATHERERS, 0, "port-range", "MIN-MAX", SET(set_port_range), "local UDP ports to use")
OPTION(GATHERERS, 0, "udp-mux", "PORT", SET(set_udp_mux),
       "all gatherers share one UDP port (0: any)")
OPTION(GATHERERS, 0, "tcp-mux", "PORT", SET(set_tcp_mux),
       "all gatherers share one TCP port, with --network-types tcp4 (0: any)")
OPTION(GATHERERS, 0, "tcp-reflexive", NULL, SET(set_tcp_reflexive),
       "with --network-types tcp4: ask stun servers over TCP too, for candidates for TCP")
OPTION(GATHERERS, 0, "loopback", NULL, SET(set_loopback), "gather on loopback addresses too")
OPTION(GATHERERS, 0, "link-local", NULL, SET(set_link_local),
       "gather on link-local IPv6 addresses too")
OPTION(GATHERERS, 0, "refuse-low-ports", NULL, SET(set_safe_ports),
       "refuse turn servers on ports below 1024 other than 53, 80, 443")
OPTION(GATHERERS, 0, "straggler-grace", "MS", SET(set_straggler_grace),
       "how long to wait for silent servers once others have answered (500; 0: until the timeout)")
OPTION(GATHERERS, 0, "pacing", "MS", SET(set_pacing), "milliseconds between two new requests (5)")
GROUP("TLS and proxies")
OPTION(EVERY, 0, "ca-file", "FILE", SET(set_ca_file),
       "trust these authorities (PEM) for TLS and DTLS instead of the system's")
OPTION(EVERY, 0, "certificate", "FILE", SET(set_certificate),
       "client certificate (PEM); needs --key")
OPTION(EVERY, 0, "key", "FILE", SET(set_key), "key of --certificate (PEM)")
OPTION(EVERY, 0, "fingerprint", "SHA256", TEXT(settings.tls_fingerprint),
       "trust only the server certificate with this SHA-256")
OPTION(EVERY, 0, "insecure", NULL, SET(set_insecure), "do not check certificates")
OPTION(EVERY, 0, "proxy", "URL", SECRET(set_proxy),
       "proxy for turn over TCP and TLS: http://[USER:PASSWORD@]HOST[:PORT] or socks5://...")
GROUP("Testing")
OPTION(COMMAND_TURN_CHECK, 0, "load", "MBIT", SET(set_load),
       "send MBIT megabits per second through the relay, for one second (1; 0: none)")
OPTION(COMMAND_TURN_CHECK, 0, "max-loss", "PERCENT", SET(set_max_loss),
       "fail if more than PERCENT of the packets are lost (5)")
OPTION(COMMAND_TURN_CHECK, 0, "min-days", "DAYS", SET(set_min_days),
       "warn of a certificate that ends within DAYS days (14)")
OPTION(COMMAND_TURN_CHECK, 0, "strict", NULL, SET(set_strict),
       "exit with 4 if everything works, but there are warnings")
OPTION(COMMAND_TURN_CHECK, 'j', "jobs", "N", SET(set_jobs), "check N rows side by side (8)")
OPTION(COMMAND_GATHER, 0, "gatherers", "N", SET(set_gatherers), "run N gatherers at once (1)")
OPTION(COMMAND_GATHER, 0, "repeat", "N", SET(set_repeat),
       "gather N times, one after another, in one api (1)")
