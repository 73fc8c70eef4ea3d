// Command pause holds namespaces open and buries the orphans in them: the first process of a pod and, in a PID namespace of its own, of a
// whole cluster. When it ends, the kernel ends every other process in there. Static and small, because it is all of a pod's first image.
package main

import (
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	go endWithStandardInput()
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCHLD)
	for received := range signals {
		if received != syscall.SIGCHLD {
			return
		}
		for {
			if child, _ := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); child <= 0 {
				break
			}
		}
	}
}

// endWithStandardInput ends this process when whoever holds the other end of its standard input (a pipe or a pair of sockets) is gone, however that happened.
func endWithStandardInput() {
	if from, err := os.Stdin.Stat(); err != nil || from.Mode()&(os.ModeNamedPipe|os.ModeSocket) == 0 {
		return // nobody holds it: a pod's, or that of a cluster that outlives the command that started it
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}
