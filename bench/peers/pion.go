// pion/ice beside floe: N agents at once, each with a STUN and a TURN server.
//
//	peer_pion N STUN TURN USERNAME PASSWORD
package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/pion/ice/v2"
)

func main() {
	n, _ := strconv.Atoi(os.Args[1])
	var urls []*ice.URL
	if os.Args[2] != "-" {
		urls = append(urls, &ice.URL{Scheme: ice.SchemeTypeSTUN, Host: os.Args[2], Port: 3478, Proto: ice.ProtoTypeUDP})
	}
	if os.Args[3] != "-" {
		urls = append(urls, &ice.URL{Scheme: ice.SchemeTypeTURN, Host: os.Args[3], Port: 3478, Proto: ice.ProtoTypeUDP,
			Username: os.Args[4], Password: os.Args[5]})
	}
	var lock sync.Mutex
	var done sync.WaitGroup
	var srflx, relay float64
	started := time.Now()
	since := func() float64 { return float64(time.Since(started).Microseconds()) / 1000 }
	for i := 0; i < n; i++ {
		done.Add(1)
		agent, err := ice.NewAgent(&ice.AgentConfig{Urls: urls,
			NetworkTypes: []ice.NetworkType{ice.NetworkTypeUDP4, ice.NetworkTypeUDP6}})
		if err != nil {
			panic(err)
		}
		if err = agent.OnCandidate(func(c ice.Candidate) {
			lock.Lock()
			defer lock.Unlock()
			switch {
			case c == nil:
				done.Done()
			case c.Type() == ice.CandidateTypeServerReflexive && srflx == 0:
				srflx = since()
			case c.Type() == ice.CandidateTypeRelay && relay == 0:
				relay = since()
			}
		}); err != nil {
			panic(err)
		}
		if err = agent.GatherCandidates(); err != nil {
			panic(err)
		}
	}
	done.Wait()
	ms := since()
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	cpu := float64(usage.Utime.Sec+usage.Stime.Sec)*1e3 + float64(usage.Utime.Usec+usage.Stime.Usec)/1e3
	fmt.Printf("{\"first_srflx\":%.1f,\"first_relay\":%.1f,\"ms\":%.1f,\"cpu_ms\":%.1f,\"peak_rss_kb\":%d}\n",
		srflx, relay, ms, cpu, usage.Maxrss)
}
