// The xDS server that `xds.ts` measures ours beside: go-control-plane with its simple snapshot cache. It is told what to
// do on stdin and answers on stdout, a line of JSON each, as `test/fleet/xds-process.ts` does.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// Any messages, each in base64 (encoding/json does that to bytes).
type snapshot struct {
	Clusters  [][]byte `json:"clusters"`
	Listeners [][]byte `json:"listeners"`
}

type command struct {
	Do          string `json:"do"`
	Proxies     int    `json:"proxies"`
	Credentials struct {
		Certificate string `json:"certificate"`
		Key         string `json:"key"`
		Authorities string `json:"authorities"`
	} `json:"credentials"`
	Open       snapshot `json:"open"`
	Restricted snapshot `json:"restricted"`
}

type plane struct {
	cache   cache.SnapshotCache
	proxies int
	told    command
	version int
	taken   atomic.Int64
	all     chan struct{}
	want    atomic.Int64
}

func main() {
	lines := bufio.NewReader(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	p := &plane{cache: cache.NewSnapshotCache(true, cache.IDHash{}, nil), all: make(chan struct{}, 1)}
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return // who asked is gone
		}
		answer, err := p.obey(line)
		if err != nil {
			fmt.Fprintln(os.Stderr, "go-control-plane:", err)
			os.Exit(1)
		}
		if err := out.Encode(answer); err != nil {
			return
		}
	}
}

func (p *plane) obey(line []byte) (any, error) {
	var c command
	if err := json.Unmarshal(line, &c); err != nil {
		return nil, err
	}
	switch c.Do {
	case "start":
		p.told, p.proxies = c, c.Proxies
		if err := p.set(c.Open); err != nil {
			return nil, err
		}
		port, err := p.serve()
		return map[string]int{"port": port}, err
	case "settle":
		started := time.Now()
		p.await(int64(c.Proxies))
		return map[string]float64{"ms": ms(started)}, nil
	case "restrict":
		return p.push(p.told.Restricted)
	case "lift":
		return p.push(p.told.Open)
	case "memory":
		debug.FreeOSMemory()
		return map[string]int64{"rssBytes": resident()}, nil
	}
	return nil, errors.New("unknown command " + c.Do)
}

func ms(since time.Time) float64 { return float64(time.Since(since).Microseconds()) / 1000 }

// Time from the change to the answer of the last proxy to the listener.
func (p *plane) push(to snapshot) (any, error) {
	p.taken.Store(0)
	started := time.Now()
	if err := p.set(to); err != nil {
		return nil, err
	}
	p.await(int64(p.proxies))
	return map[string]float64{"ms": ms(started)}, nil
}

func (p *plane) await(count int64) {
	p.want.Store(count)
	for p.taken.Load() < count {
		<-p.all
	}
	p.want.Store(0)
	p.taken.Store(0)
}

// The resources are decoded once for all proxies, as our server builds them once for all that are told the same; the
// snapshot itself is each proxy's own, which is how this cache knows them.
func (p *plane) set(to snapshot) error {
	p.version++
	clusters, err := decoded(to.Clusters)
	if err != nil {
		return err
	}
	listeners, err := decoded(to.Listeners)
	if err != nil {
		return err
	}
	for i := range p.proxies {
		s, err := cache.NewSnapshot(strconv.Itoa(p.version), map[resource.Type][]types.Resource{resource.ClusterType: clusters, resource.ListenerType: listeners})
		if err != nil {
			return err
		}
		if err := p.cache.SetSnapshot(context.Background(), "pod-"+strconv.Itoa(i), s); err != nil {
			return err
		}
	}
	return nil
}

func decoded(bodies [][]byte) ([]types.Resource, error) {
	resources := make([]types.Resource, 0, len(bodies))
	for _, body := range bodies {
		var wrapped anypb.Any
		if err := proto.Unmarshal(body, &wrapped); err != nil {
			return nil, err
		}
		message, err := wrapped.UnmarshalNew()
		if err != nil {
			return nil, err
		}
		resources = append(resources, message)
	}
	return resources, nil
}

func (p *plane) serve() (int, error) {
	told := p.told.Credentials
	pair, err := tls.X509KeyPair([]byte(told.Certificate), []byte(told.Key))
	if err != nil {
		return 0, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(told.Authorities))
	mutual := credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: roots, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	g := grpc.NewServer(grpc.Creds(mutual))
	discovery.RegisterAggregatedDiscoveryServiceServer(g, server.NewServer(context.Background(), p.cache, server.CallbackFuncs{
		StreamDeltaRequestFunc: func(_ int64, request *discovery.DeltaDiscoveryRequest) error { p.heard(request); return nil },
		DeltaStreamClosedFunc:  func(int64, *core.Node) {},
	}))
	go g.Serve(listener)
	return listener.Addr().(*net.TCPAddr).Port, nil
}

func (p *plane) heard(request *discovery.DeltaDiscoveryRequest) {
	if request.TypeUrl != resource.ListenerType || request.ResponseNonce == "" {
		return
	}
	if request.ErrorDetail != nil {
		fmt.Fprintln(os.Stderr, "go-control-plane: refused:", request.ErrorDetail.Message)
		os.Exit(1)
	}
	if want := p.want.Load(); p.taken.Add(1) >= want && want > 0 {
		select {
		case p.all <- struct{}{}:
		default:
		}
	}
}

func resident() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for _, line := range strings.Split(string(status), "\n") {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "VmRSS:" {
			kib, _ := strconv.ParseInt(fields[1], 10, 64)
			return kib << 10
		}
	}
	return 0
}
