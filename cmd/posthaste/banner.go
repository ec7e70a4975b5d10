package main

import (
	"fmt"
	"io"
	"net/url"
)

// printBanner prints the addresses of dev and the next steps.
func printBanner(w io.Writer, n *node, c *devCmd) {
	key := ""
	if c.APIKey != "" {
		key = ` -H "Authorization: Bearer $POSTHASTE_API_KEY"`
	}
	fmt.Fprintf(w, `Posthaste %s is up.

  API       %s
            %s/docs/ shows its calls, to read and to try
  Web UI    %s/namespaces/%s/workflows
  Temporal  %s (namespace %s)
  Data      %s
%s%s
Subscribe:  curl %s/v1/subscriptions%s -H 'Content-Type: application/json' \
              -d '{"url":"http://127.0.0.1:9000/hook","event_types":["order.*"]}'
Publish:    curl %s/v1/events%s -H 'Content-Type: application/json' \
              -d '{"type":"order.paid","data":{"order":42}}'

Press Ctrl-C to stop.
`, version(), n.apiURL(), n.apiURL(), n.uiURL(), n.namespace, n.engine.Address(), n.namespace, c.Data, databaseLine(c.DatabaseURL),
		metricsLine(n.metricsURL()), n.apiURL(), key, n.apiURL(), key)
}

// databaseLine names the Postgres database that dev was told to use, without the password; empty without one.
func databaseLine(databaseURL string) string {
	if databaseURL == "" {
		return ""
	}
	return "  Database  " + databaseName(databaseURL) + "\n"
}

// metricsLine names the address of the metrics; empty without one.
func metricsLine(url string) string {
	if url == "" {
		return ""
	}
	return "  Metrics   " + url + "\n"
}

// databaseName returns a database's URL without its password and parameters, which may be secret. The user stays.
func databaseName(databaseURL string) string {
	u, err := url.Parse(databaseURL)
	if err != nil {
		return "Postgres"
	}
	name := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	if user := u.User.Username(); user != "" {
		name.User = url.User(user)
	}
	return name.String()
}
