package models

// Bounds of a list's page.
const (
	DefaultPageLimit = 50
	MaxPageLimit     = 200
)

// Page asks for a part of a list that is sorted newest first.
type Page struct {
	After string // the last id of the page before; empty: from the newest
	Limit int    // how many; 0: DefaultPageLimit
}

// Size is the number of rows asked for, within the bounds.
func (p Page) Size() int {
	if p.Limit <= 0 {
		return DefaultPageLimit
	}
	return min(p.Limit, MaxPageLimit)
}
