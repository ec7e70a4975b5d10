// Package terminal is how a command of posthaste speaks to the person or the script that runs it: the grammar of command
// lines with its options and its complaints, the streams, errors as one line, and exit codes.
//
// It is apart from the commands because two groups of them share it: the operators' commands, in internal/operator, and
// the commands that run a server or measure one, in cmd/posthaste.
package terminal
