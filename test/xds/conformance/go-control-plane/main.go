// go-control-plane with its snapshot cache as a program that `main.ts` can play against (README.md, "Another server").
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"

	_ "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

const node = "conformance"

// All resources of one type; each is an Any message, in base64 (encoding/json does that to bytes).
type held struct {
	Version   string `json:"version"`
	Resources []struct {
		Name string `json:"name"`
		Body []byte `json:"body"`
	} `json:"resources"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "go-control-plane:", err)
		os.Exit(1)
	}
}

func run() error {
	// Not its ADS mode, which in state of the world answers nobody who has not asked for all that there is by name.
	snapshots := cache.NewSnapshotCache(false, cache.IDHash{}, nil)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	g := grpc.NewServer()
	discovery.RegisterAggregatedDiscoveryServiceServer(g, server.NewServer(context.Background(), snapshots, nil))
	go g.Serve(listener)
	fmt.Printf("{\"port\": %d}\n", listener.Addr().(*net.TCPAddr).Port)
	for lines := bufio.NewReader(os.Stdin); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return nil // who asked is gone
		}
		var told struct {
			Set map[string]held `json:"set"`
		}
		if err := json.Unmarshal(line, &told); err != nil {
			return err
		}
		snapshot, err := snapshotOf(told.Set)
		if err != nil {
			return err
		}
		if err := snapshots.SetSnapshot(context.Background(), node, snapshot); err != nil {
			return err
		}
		fmt.Println("{}")
	}
}

func snapshotOf(world map[string]held) (*cache.Snapshot, error) {
	snapshot := &cache.Snapshot{}
	for url, of := range world {
		kind := cache.GetResponseType(url)
		if kind == types.UnknownType {
			return nil, fmt.Errorf("%s is not known here", url)
		}
		resources := make([]types.Resource, 0, len(of.Resources))
		for _, each := range of.Resources {
			var wrapped anypb.Any
			if err := proto.Unmarshal(each.Body, &wrapped); err != nil {
				return nil, err
			}
			message, err := wrapped.UnmarshalNew()
			if err != nil {
				return nil, err
			}
			resources = append(resources, message)
		}
		snapshot.Resources[kind] = cache.NewResources(of.Version, resources)
	}
	return snapshot, nil
}
