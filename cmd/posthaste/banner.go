package main

import (
	"fmt"
	"io"
)

// printBanner says where dev listens and what to do next.
func printBanner(w io.Writer, n *node, data string) {
	fmt.Fprintf(w, `Posthaste %s is up.

  API       %s
  Web UI    %s/namespaces/%s/workflows
  Temporal  %s (namespace %s)
  Data      %s

Subscribe:  curl %s/v1/subscriptions -H 'Content-Type: application/json' \
              -d '{"url":"http://127.0.0.1:9000/hook","event_types":["order.*"]}'
Publish:    curl %s/v1/events -H 'Content-Type: application/json' \
              -d '{"type":"order.paid","data":{"order":42}}'

Press Ctrl-C to stop.
`, version(), n.apiURL(), n.uiURL(), n.namespace, n.engine.Address(), n.namespace, data, n.apiURL(), n.apiURL())
}
