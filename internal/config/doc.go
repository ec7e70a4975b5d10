// Package config holds the settings of the posthaste program: groups of flags with their environment variables, the YAML
// file that can replace both, and the checks. Flags win over the environment, the environment over the file, and the file
// over the defaults written here.
//
// It is the only package that reads the environment. Only cmd imports it.
package config
