package config

import (
	"fmt"
	"os"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
)

// TemporalAddress is the external Temporal that the environment names, empty for none.
func TemporalAddress() string { return os.Getenv("TEMPORAL_ADDRESS") }

// TemporalClient reads how to reach an external Temporal from the environment and the profile file that all of
// Temporal's tools share: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS_…, TEMPORAL_CONFIG_FILE.
// Without a namespace there it is the given one.
func TemporalClient(namespace string) (client.Options, error) {
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return options, fmt.Errorf("read the TEMPORAL_… settings: %w", err)
	}
	if options.Namespace == "" {
		options.Namespace = namespace
	}
	return options, nil
}
