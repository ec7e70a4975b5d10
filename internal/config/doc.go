// Package config holds the settings of the posthaste program: groups of flags with their environment twins, the YAML
// file that can stand in for both, and what makes them valid. Flags win over the environment, the environment over the
// file, the file over the defaults written here.
//
// It is the only package that reads the environment. Only cmd imports it.
package config
