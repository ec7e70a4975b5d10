// Package series shows what Temporal's client and server measure as Prometheus metrics. Both measure several hundred things, many
// of them with tags whose values nobody bounds. A Set shows those that its list names, with the tags that the list names; the rest
// costs a lookup. So the number of series is bounded by the list and the code that measures, and no id becomes a label.
package series
