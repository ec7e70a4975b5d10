package config

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
)

// TemporalAddress returns the address of the external Temporal that the environment names; empty for none.
func TemporalAddress() string { return os.Getenv("TEMPORAL_ADDRESS") }

// TemporalClient reads how to reach an external Temporal from the environment and the profile file that all of
// Temporal's tools share: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS_…, TEMPORAL_CONFIG_FILE.
// The given namespace is the default. named reports whether an address is set; without one the options have the address
// of a Temporal on this machine.
func TemporalClient(namespace string) (options client.Options, named bool, err error) {
	options, err = envconfig.LoadDefaultClientOptions()
	if err != nil {
		return options, false, fmt.Errorf("read the TEMPORAL_… settings: %w", withoutValues(err))
	}
	named = options.HostPort != ""
	options.HostPort = cmp.Or(options.HostPort, client.DefaultHostPort)
	options.Namespace = cmp.Or(options.Namespace, namespace)
	return options, named, nil
}

var lineInTOML = regexp.MustCompile(`line \d+`)

// withoutValues returns err, unless err quotes a settings file: the quoted text may be the API key.
func withoutValues(err error) error {
	_, quoting, parsing := strings.Cut(err.Error(), "failed parsing config: ")
	if !parsing {
		return err
	}
	if line := lineInTOML.FindString(quoting); line != "" {
		return errors.New("the profile file is not TOML that Temporal's tools understand: " + line)
	}
	return errors.New("the profile file is not TOML that Temporal's tools understand")
}
