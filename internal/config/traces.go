package config

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
)

// Traces says where traces go. The variables OTEL_… are those of all programs with OpenTelemetry. The exporter itself reads the
// rest of them: headers, certificates, sampler and so on.
type Traces struct {
	Collector string // host and port; empty: nowhere
	Queue     int    // spans that wait for the collector at most; 0: OpenTelemetry's default
}

// ReadTraces reads the environment. Traces are exported if it names a collector, and does not disable them.
func ReadTraces() (Traces, error) {
	exporter := takeExporter()
	name, endpoint := either("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
	if endpoint == "" || exporter == "none" || strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") {
		return Traces{}, nil
	}
	collector, err := url.Parse(endpoint)
	if err != nil || collector.Host == "" || collector.Scheme != "http" && collector.Scheme != "https" {
		err = fmt.Errorf("%s is not a URL with http or https, such as http://localhost:4318", name)
		collector = &url.URL{}
	}
	queue, badQueue := queueSize()
	return Traces{Collector: collector.Host, Queue: queue}, errors.Join(err, checkExporter(exporter), checkProtocol(), badQueue)
}

// takeExporter takes the variable out of the environment: a Temporal server in this process would export its own spans.
func takeExporter() string {
	const name = "OTEL_TRACES_EXPORTER"
	exporter := os.Getenv(name)
	_ = os.Unsetenv(name) // the name is valid
	return exporter
}

func checkExporter(exporter string) error {
	if exporter != "" && exporter != "otlp" {
		return fmt.Errorf("OTEL_TRACES_EXPORTER=%s: traces are exported by otlp; none disables them", exporter)
	}
	return nil
}

func checkProtocol() error {
	name, protocol := either("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
	if cmp.Or(protocol, "http/protobuf") != "http/protobuf" {
		return fmt.Errorf("%s=%s: traces are exported by http/protobuf, which collectors take on port 4318", name, protocol)
	}
	return nil
}

func queueSize() (int, error) {
	const name = "OTEL_BSP_MAX_QUEUE_SIZE"
	text := os.Getenv(name)
	if text == "" {
		return 0, nil
	}
	size, err := strconv.Atoi(text)
	if err != nil || size <= 0 {
		return 0, fmt.Errorf("%s=%s is not a number of spans", name, text)
	}
	return size, nil
}

// either returns the first of the variables that has a value.
func either(names ...string) (name, value string) {
	for _, name := range names {
		if value := os.Getenv(name); value != "" {
			return name, value
		}
	}
	return "", ""
}
