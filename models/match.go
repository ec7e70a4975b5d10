package models

import "strings"

// MatchAll is the pattern that matches every event type.
const MatchAll = "*"

// Patterns lists every pattern that matches the event type: itself, each of its prefixes (order.* for order.paid) and
// "*". Looking these up in an index finds the subscribers of an event without reading anybody else's.
func Patterns(eventType string) []string {
	patterns := []string{eventType, MatchAll}
	for i, r := range eventType {
		if r == '.' {
			patterns = append(patterns, eventType[:i]+".*")
		}
	}
	return patterns
}

// Matches reports whether the pattern matches the event type: exactly, by a prefix that ends in ".*", or "*" for all.
// The prefix pattern order.* matches order.paid and order.paid.late, not order itself.
func Matches(pattern, eventType string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok && (prefix == "" || strings.HasSuffix(prefix, ".")) {
		return strings.HasPrefix(eventType, prefix)
	}
	return pattern == eventType
}
