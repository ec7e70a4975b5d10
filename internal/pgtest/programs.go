package pgtest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// programsPattern is where Debian and its relatives keep the server's programs,
// which they leave off PATH.
const programsPattern = "/usr/lib/postgresql/*/bin"

// findPrograms returns the folder that holds initdb and its companions: the one
// on PATH, or else the one of the newest version under [programsPattern].
func findPrograms() (string, error) {
	if initdb, err := exec.LookPath("initdb"); err == nil {
		// initdb may be a lone link into the real folder.
		if initdb, err = filepath.EvalSymlinks(initdb); err == nil {
			return filepath.Dir(initdb), nil
		}
	}
	var newest string
	dirs, _ := filepath.Glob(programsPattern) // the pattern is a valid constant
	for _, dir := range dirs {
		if isProgram(filepath.Join(dir, "initdb")) && version(dir) > version(newest) {
			newest = dir
		}
	}
	if newest == "" {
		return "", errors.New("initdb is neither on PATH nor under " + programsPattern)
	}
	return newest, nil
}

// version reads 15 out of /usr/lib/postgresql/15/bin, and zero out of anything
// else: as text, 9 would come after 15.
func version(dir string) float64 {
	v, _ := strconv.ParseFloat(filepath.Base(filepath.Dir(dir)), 64)
	return v
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}
