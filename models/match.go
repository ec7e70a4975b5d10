package models

// MatchAll is the pattern that matches every event type.
const MatchAll = "*"

// Patterns lists every pattern that matches the event type: itself, each of its prefixes (order.* for order.paid, not for
// order itself) and "*". Looking these up in an index finds the subscribers of an event without reading anybody else's.
func Patterns(eventType string) []string {
	patterns := []string{eventType, MatchAll}
	for i, r := range eventType {
		if r == '.' {
			patterns = append(patterns, eventType[:i]+".*")
		}
	}
	return patterns
}
