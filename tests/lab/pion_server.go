// A second implementation of a TURN server, beside coturn: Pion's, on one address, over UDP, TCP and TLS.
// Its nonces hold for all its clients.
//
//	pion_server ADDRESS PORT USERNAME PASSWORD REALM [CERTIFICATE KEY TLS-PORT]
//
// In the environment: PION_DELAY, milliseconds that it takes to look a user up; PION_PORT, the only port that it
// relays from.
package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/pion/turn/v2"
)

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func main() {
	address, port := os.Args[1], os.Args[2]
	username, password, realm := os.Args[3], os.Args[4], os.Args[5]
	at := net.JoinHostPort(address, port)
	number := func(name string) int {
		if os.Getenv(name) == "" {
			return 0
		}
		return must(strconv.Atoi(os.Getenv(name)))
	}
	port16, delay := uint16(number("PION_PORT")), time.Duration(number("PION_DELAY"))*time.Millisecond
	relays := func() turn.RelayAddressGenerator {
		if port16 != 0 {
			return &turn.RelayAddressGeneratorPortRange{RelayAddress: net.ParseIP(address), Address: address,
				MinPort: port16, MaxPort: port16}
		}
		return &turn.RelayAddressGeneratorStatic{RelayAddress: net.ParseIP(address), Address: address}
	}
	config := turn.ServerConfig{
		Realm: realm,
		AuthHandler: func(name, realm string, _ net.Addr) ([]byte, bool) {
			time.Sleep(delay)
			return turn.GenerateAuthKey(name, realm, password), name == username
		},
		PacketConnConfigs: []turn.PacketConnConfig{{
			PacketConn: must(net.ListenPacket("udp", at)), RelayAddressGenerator: relays()}},
		ListenerConfigs: []turn.ListenerConfig{{
			Listener: must(net.Listen("tcp", at)), RelayAddressGenerator: relays()}},
	}
	if len(os.Args) > 8 {
		pair := must(tls.LoadX509KeyPair(os.Args[6], os.Args[7]))
		config.ListenerConfigs = append(config.ListenerConfigs, turn.ListenerConfig{
			Listener: must(tls.Listen("tcp", net.JoinHostPort(address, os.Args[8]),
				&tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"stun.turn"}})),
			RelayAddressGenerator: relays()})
	}
	must(turn.NewServer(config))
	fmt.Println("ready")
	select {}
}
