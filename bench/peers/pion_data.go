// Pion's TURN client beside floe: packets through one relay over UDP, by a channel.
//
//	peer_pion_data SERVER USERNAME PASSWORD REALM PEER PACKETS
package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/pion/logging"
	"github.com/pion/turn/v2"
)

func cpu() float64 {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return float64(usage.Utime.Sec+usage.Stime.Sec)*1e6 + float64(usage.Utime.Usec+usage.Stime.Usec)
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func main() {
	packets := must(strconv.Atoi(os.Args[6]))
	conn := must(net.ListenPacket("udp4", "0.0.0.0:0"))
	client := must(turn.NewClient(&turn.ClientConfig{STUNServerAddr: os.Args[1], TURNServerAddr: os.Args[1],
		Conn: conn, Username: os.Args[2], Password: os.Args[3], Realm: os.Args[4],
		LoggerFactory: logging.NewDefaultLoggerFactory()}))
	if err := client.Listen(); err != nil {
		panic(err)
	}
	relay := must(client.Allocate())
	peer := must(net.ResolveUDPAddr("udp4", os.Args[5]))
	payload := make([]byte, 1200)
	for i := 0; i < 3; i++ { // the permission, then the channel
		must(relay.WriteTo(payload, peer))
		time.Sleep(500 * time.Millisecond)
	}
	began, before := time.Now(), cpu()
	for i := 0; i < packets; i++ {
		must(relay.WriteTo(payload, peer))
	}
	fmt.Printf("{\"packets\":%d,\"ms\":%.1f,\"cpu_us\":%.3f}\n", packets,
		float64(time.Since(began).Microseconds())/1000, (cpu()-before)/float64(packets))
}
