// grpc-go's own xDS client against our server: it dials the xds:/// target that it is given, with what GRPC_XDS_BOOTSTRAP
// says, and for every line on stdin makes one call and answers with a line of JSON: the status code and who answered.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	_ "google.golang.org/grpc/xds"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const timeout = 10 * time.Second

func main() {
	connection, err := grpc.NewClient(os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		call, cancel := context.WithTimeout(context.Background(), timeout)
		answer := &wrapperspb.StringValue{}
		err := connection.Invoke(call, "/autoshield.test.Name/Name", &wrapperspb.StringValue{}, answer)
		cancel()
		fmt.Printf("{\"code\":%d,\"backend\":%q}\n", status.Code(err), answer.Value)
	}
}
