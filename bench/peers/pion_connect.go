// pion/ice beside bench/connect.c: the same by the same lines.
//
//	peer_pion_connect listen|dial SOCKET N
package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/pion/ice/v2"
)

type one struct {
	agent           *ice.Agent
	lines           []string
	ufrag, pwd      string
	connected, came float64
	started         time.Time
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func cpu() float64 {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return float64(usage.Utime.Sec+usage.Stime.Sec)*1e3 + float64(usage.Utime.Usec+usage.Stime.Usec)/1e3
}

func say(to *bufio.Writer, all []*one) {
	for i, o := range all {
		ufrag, pwd, err := o.agent.GetLocalUserCredentials()
		must(err)
		fmt.Fprintf(to, "P %d %s %s\n", i, ufrag, pwd)
		for _, line := range o.lines {
			fmt.Fprintf(to, "C %d %s\n", i, line)
		}
		fmt.Fprintf(to, "E %d\n", i)
	}
	must(to.Flush())
}

func hear(from *bufio.Reader, all []*one) {
	for ends := 0; ends < len(all); {
		line, err := from.ReadString('\n')
		must(err)
		words := strings.SplitN(strings.TrimSpace(line), " ", 3)
		i, _ := strconv.Atoi(words[1])
		switch words[0] {
		case "P":
			both := strings.Split(words[2], " ")
			all[i].ufrag, all[i].pwd = both[0], both[1]
		case "C":
			candidate, err := ice.UnmarshalCandidate(strings.TrimPrefix(words[2], "candidate:"))
			must(err)
			must(all[i].agent.AddRemoteCandidate(candidate))
		case "E":
			ends++
		}
	}
}

func print(name string, times []float64) {
	sort.Float64s(times)
	fmt.Printf("\"%s_ms\":%.1f,\"%s_worst_ms\":%.1f,", name, times[len(times)/2], name, times[len(times)-1])
}

func main() {
	listens := os.Args[1] == "listen"
	n, _ := strconv.Atoi(os.Args[3])
	var conn net.Conn
	if listens {
		_ = os.Remove(os.Args[2])
		listener, err := net.Listen("unix", os.Args[2])
		must(err)
		conn, err = listener.Accept()
		must(err)
	} else {
		var err error
		for i := 0; i < 1000; i++ {
			if conn, err = net.Dial("unix", os.Args[2]); err == nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		must(err)
	}
	var gathered sync.WaitGroup
	all := make([]*one, n)
	for i := range all {
		o := &one{}
		all[i] = o
		agent, err := ice.NewAgent(&ice.AgentConfig{NetworkTypes: []ice.NetworkType{ice.NetworkTypeUDP4},
			IncludeLoopback: os.Getenv("LOOPBACK") != ""})
		must(err)
		o.agent = agent
		gathered.Add(1)
		must(agent.OnCandidate(func(c ice.Candidate) {
			if c == nil {
				gathered.Done()
			} else {
				o.lines = append(o.lines, "candidate:"+c.Marshal())
			}
		}))
		must(agent.GatherCandidates())
	}
	gathered.Wait()
	reader, writer := bufio.NewReader(conn), bufio.NewWriter(conn)
	if listens {
		say(writer, all)
		hear(reader, all)
		fmt.Fprintln(writer, "go")
		must(writer.Flush())
	} else {
		hear(reader, all)
		say(writer, all)
		_, _ = reader.ReadString('\n')
	}
	before := cpu()
	began := time.Now()
	var done sync.WaitGroup
	for _, o := range all {
		done.Add(1)
		go func(o *one) {
			var c *ice.Conn
			var err error
			o.started = time.Now()
			if listens {
				c, err = o.agent.Dial(context.Background(), o.ufrag, o.pwd)
			} else {
				c, err = o.agent.Accept(context.Background(), o.ufrag, o.pwd)
			}
			must(err)
			o.connected = float64(time.Since(o.started).Microseconds()) / 1000
			go func() {
				for i := 0; i < 100; i++ {
					_, _ = c.Write([]byte("first"))
					time.Sleep(500 * time.Millisecond)
				}
			}()
			buffer := make([]byte, 1500)
			_, err = c.Read(buffer)
			must(err)
			o.came = float64(time.Since(o.started).Microseconds()) / 1000
			done.Done()
		}(o)
	}
	done.Wait()
	wall := float64(time.Since(began).Microseconds()) / 1000
	spent := cpu() - before
	var connected, came []float64
	for _, o := range all {
		connected, came = append(connected, o.connected), append(came, o.came)
	}
	fmt.Printf("{\"side\":\"%s\",\"transports\":%d,", os.Args[1], n)
	print("connected", connected)
	print("came", came)
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	fmt.Printf("\"ms\":%.1f,\"cpu_ms\":%.1f,\"rss_kb\":%d}\n", wall, spent, usage.Maxrss)
	time.Sleep(600 * time.Millisecond)
	fmt.Fprintln(writer, "bye")
	_ = writer.Flush()
	_, _ = reader.ReadString('\n')
}
