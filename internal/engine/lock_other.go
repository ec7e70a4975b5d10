//go:build !unix

package engine

// lockFolder does nothing where there is no flock: there a second engine on the
// same folder is only stopped by the ports being taken.
func lockFolder(string) (unlock func() error, err error) {
	return func() error { return nil }, nil
}
