package config_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/config"
)

func TestReadTraces(t *testing.T) { //nolint:paralleltest // it sets the environment
	const general, own = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	for name, tc := range map[string]struct {
		variables map[string]string
		want      config.Traces
		err       string
	}{
		"nothing":            {nil, config.Traces{}, ""},
		"a collector":        {map[string]string{general: "http://otel:4318"}, config.Traces{Collector: "otel:4318"}, ""},
		"one for traces":     {map[string]string{general: "http://otel:4318", own: "https://t.example/x"}, config.Traces{Collector: "t.example"}, ""},
		"disabled":           {map[string]string{general: "http://otel:4318", "OTEL_SDK_DISABLED": "TRUE"}, config.Traces{}, ""},
		"no exporter":        {map[string]string{general: "http://otel:4318", "OTEL_TRACES_EXPORTER": "none"}, config.Traces{}, ""},
		"the exporter":       {map[string]string{general: "http://otel:4318", "OTEL_TRACES_EXPORTER": "otlp"}, config.Traces{Collector: "otel:4318"}, ""},
		"a queue":            {map[string]string{general: "http://otel:4318", "OTEL_BSP_MAX_QUEUE_SIZE": "7"}, config.Traces{Collector: "otel:4318", Queue: 7}, ""},
		"another exporter":   {map[string]string{general: "http://otel:4318", "OTEL_TRACES_EXPORTER": "zipkin"}, config.Traces{}, "OTEL_TRACES_EXPORTER=zipkin"},
		"another protocol":   {map[string]string{general: "http://otel:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, config.Traces{}, "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"},
		"no number":          {map[string]string{general: "http://otel:4318", "OTEL_BSP_MAX_QUEUE_SIZE": "many"}, config.Traces{}, "OTEL_BSP_MAX_QUEUE_SIZE=many"},
		"no URL":             {map[string]string{own: "jo:hunter2@otel:4317"}, config.Traces{}, own},
		"protocol of others": {map[string]string{"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, config.Traces{}, ""},
	} {
		t.Run(name, func(t *testing.T) { //nolint:paralleltest // as above
			for variable, value := range tc.variables {
				t.Setenv(variable, value)
			}
			got, err := config.ReadTraces()
			require.Empty(t, os.Getenv("OTEL_TRACES_EXPORTER"), "Temporal would take it for itself")
			if tc.err != "" {
				require.ErrorContains(t, err, tc.err)
				require.NotContains(t, err.Error(), "hunter2")
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.want, got)
		})
	}
}
