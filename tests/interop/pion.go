// Pion as a peer of `floe connect --json`: it has the options of lines.h, and speaks the same lines.
// For tcp4 it listens: its candidates for TCP are passive.
package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"

	"github.com/pion/ice/v2"
)

type line struct {
	Event            string `json:"event,omitempty"`
	UsernameFragment string `json:"username_fragment,omitempty"`
	Password         string `json:"password,omitempty"`
	IceLite          bool   `json:"ice_lite,omitempty"`
	Candidate        string `json:"candidate,omitempty"`
	State            string `json:"state,omitempty"`
	Local            string `json:"local,omitempty"`
	Remote           string `json:"remote,omitempty"`
	Data             string `json:"data,omitempty"`
	Send             string `json:"send,omitempty"`
	Restart          bool   `json:"restart,omitempty"`
}

var output sync.Mutex

func say(said line) {
	text := must(json.Marshal(said))
	output.Lock()
	defer output.Unlock()
	fmt.Println(string(text))
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "pion:", err)
		os.Exit(1)
	}
}

type words []string

func (w *words) String() string        { return "" }
func (w *words) Set(word string) error { *w = append(*w, word); return nil }

var (
	servers    words
	role       = flag.String("role", "controlled", "")
	username   = flag.String("u", "", "")
	credential = flag.String("c", "", "")
	policy     = flag.String("policy", "all", "")
	types      = flag.String("network-types", "udp4,udp6", "")
	echo       = flag.Bool("echo", false, "")
	lite       = flag.Bool("ice-lite", false, "")
	_          = flag.Bool("no-trickle", false, "") // all the same to it
)

func config() *ice.AgentConfig {
	config := &ice.AgentConfig{MulticastDNSMode: ice.MulticastDNSModeDisabled}
	for _, text := range servers {
		url := must(ice.ParseURL(text))
		url.Username, url.Password = *username, *credential
		config.Urls = append(config.Urls, url)
	}
	for _, name := range strings.Split(*types, ",") {
		config.NetworkTypes = append(config.NetworkTypes, map[string]ice.NetworkType{"udp4": ice.NetworkTypeUDP4,
			"udp6": ice.NetworkTypeUDP6, "tcp4": ice.NetworkTypeTCP4, "tcp6": ice.NetworkTypeTCP6}[name])
	}
	if *lite {
		config.Lite = true
		config.CandidateTypes = []ice.CandidateType{ice.CandidateTypeHost}
	}
	if *policy == "relay" {
		config.CandidateTypes = []ice.CandidateType{ice.CandidateTypeRelay}
	}
	if strings.Contains(*types, "tcp") {
		listener := must(net.ListenTCP("tcp", &net.TCPAddr{}))
		config.TCPMux = ice.NewTCPMuxDefault(ice.TCPMuxParams{Listener: listener, ReadBufferSize: 8})
	}
	return config
}

// One agent for good; a restart makes its parameters and candidates anew.
type peer struct {
	agent   *ice.Agent
	conn    chan *ice.Conn
	sending *ice.Conn
	remote  string // its username fragment
	waits   bool   // we have restarted, and the other has not yet
}

func (p *peer) sayParameters() {
	fragment, password, err := p.agent.GetLocalUserCredentials()
	check(err)
	say(line{Event: "parameters", UsernameFragment: fragment, Password: password, IceLite: *lite})
}

func (p *peer) restart() {
	check(p.agent.Restart("", ""))
	p.sayParameters()
}

func (p *peer) connect(fragment, password string) {
	begin := p.agent.Accept
	if *role == "controlling" {
		begin = p.agent.Dial
	}
	conn, err := begin(context.Background(), fragment, password)
	if err != nil {
		return
	}
	p.conn <- conn
	for buffer := make([]byte, 2048); ; {
		size, err := conn.Read(buffer)
		if err != nil {
			return
		}
		say(line{Event: "packet", Data: base64.StdEncoding.EncodeToString(buffer[:size])})
		if *echo {
			_, _ = conn.Write(buffer[:size])
		}
	}
}

func (p *peer) parameters(fragment, password string) {
	if p.remote == "" {
		go p.connect(fragment, password)
	} else if p.remote != fragment {
		if !p.waits {
			p.restart()
			defer func() { check(p.agent.GatherCandidates()) }()
		}
		p.waits = false
		check(p.agent.SetRemoteCredentials(fragment, password))
	}
	p.remote = fragment
}

func (p *peer) candidate(text string) {
	candidate, err := ice.UnmarshalCandidate(strings.TrimPrefix(text, "candidate:"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "pion: not understood:", text, err)
		return
	}
	check(p.agent.AddRemoteCandidate(candidate))
}

func (p *peer) send(text string) {
	if p.sending == nil {
		select {
		case p.sending = <-p.conn:
		default:
			return // not connected: it is lost, as a packet may be
		}
	}
	_, _ = p.sending.Write(must(base64.StdEncoding.DecodeString(text)))
}

func (p *peer) hear(heard line) {
	switch {
	case heard.Restart:
		p.restart()
		p.waits = true
		check(p.agent.GatherCandidates())
	case heard.Send != "":
		p.send(heard.Send)
	case heard.Event == "parameters":
		p.parameters(heard.UsernameFragment, heard.Password)
	case heard.Event == "candidate":
		p.candidate(heard.Candidate)
	}
}

func main() {
	flag.Var(&servers, "server", "")
	flag.Parse()
	p := &peer{agent: must(ice.NewAgent(config())), conn: make(chan *ice.Conn, 1)}
	check(p.agent.OnCandidate(func(c ice.Candidate) {
		if c == nil {
			say(line{Event: "end"})
		} else {
			say(line{Event: "candidate", Candidate: "candidate:" + c.Marshal()})
		}
	}))
	check(p.agent.OnConnectionStateChange(func(state ice.ConnectionState) {
		say(line{Event: "transport", State: strings.ToLower(state.String())})
	}))
	check(p.agent.OnSelectedCandidatePairChange(func(local, remote ice.Candidate) {
		say(line{Event: "pair", Local: "candidate:" + local.Marshal(), Remote: "candidate:" + remote.Marshal()})
	}))
	p.sayParameters()
	check(p.agent.GatherCandidates())
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var heard line
		if json.Unmarshal(lines.Bytes(), &heard) == nil {
			p.hear(heard)
		}
	}
	_ = p.agent.Close()
}
