package engine

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
)

// The UI keeps the columns of its workflow list in the browser, and has no setting
// for the columns of a new browser. So its page gets one more script, which writes
// our columns unless the reader has chosen some. The script depends on these
// places in this version's page.
const (
	indexFile     = "index.html"
	policyMark    = "script-src 'strict-dynamic' "
	headEnd       = "</head>"
	columnsInUI   = "namespace-workflow-table-columns"
	columnsScript = `(() => {
  const key = %q, own = %s;
  const chosen = JSON.parse(localStorage.getItem(key) || "{}");
  localStorage.setItem(key, JSON.stringify({ ...own, ...chosen }));
})();`
)

// pages are the UI's files with an index page of ours.
type pages struct {
	fs.FS
	index []byte
}

// ReadFile implements fs.ReadFileFS, by which the UI's route reads its index page.
func (p pages) ReadFile(name string) ([]byte, error) {
	if name == indexFile {
		return p.index, nil
	}
	return fs.ReadFile(p.FS, name)
}

// withColumns makes the list of workflows in the namespace start with the columns.
func withColumns(assets fs.FS, namespace string, columns []string) (fs.FS, error) {
	if len(columns) == 0 {
		return assets, nil
	}
	index, err := fs.ReadFile(assets, indexFile)
	if err != nil {
		return nil, err
	}
	if !bytes.Contains(index, []byte(policyMark)) || !bytes.Contains(index, []byte(headEnd)) {
		return nil, errors.New("the Web UI's page is not the one that its columns can be set in")
	}
	script, err := columnScript(namespace, columns)
	if err != nil {
		return nil, err
	}
	index = bytes.Replace(index, []byte(policyMark), []byte(policyMark+scriptHash(script)+" "), 1)
	index = bytes.Replace(index, []byte(headEnd), []byte("<script>"+script+"</script>"+headEnd), 1)
	return pages{FS: assets, index: index}, nil
}

func columnScript(namespace string, columns []string) (string, error) {
	type column struct {
		Label string `json:"label"`
	}
	labels := make([]column, len(columns))
	for i, name := range columns {
		labels[i] = column{Label: name}
	}
	own, err := json.Marshal(map[string][]column{namespace: labels}) // escapes < and >, so that no tag can end early
	return fmt.Sprintf(columnsScript, columnsInUI, own), err
}

// scriptHash admits an inline script under the page's content security policy
// (Content Security Policy Level 3, section 6.7.3).
func scriptHash(script string) string {
	sum := sha256.Sum256([]byte(script))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
