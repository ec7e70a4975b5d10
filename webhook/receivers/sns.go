package receivers

import (
	"encoding/json"
	"strings"
)

// snsLines are what Amazon SNS signs before the lines of TopicArn and Type: of
// each of these members that is there its name and its value, in this order,
// which is that of the names (Amazon SNS, "Verifying the signatures of Amazon
// SNS messages"). It gives none for a document that is not of SNS. Unlike
// other values of the document, these may be of any length.
func (q *request) snsLines() []string {
	// A map, because a struct would take members whose names differ in case,
	// and what was verified would not be what others read.
	var members map[string]json.RawMessage
	if json.Unmarshal(q.document.get(q.findDocument), &members) != nil {
		return nil
	}
	var kind string
	if json.Unmarshal(members["Type"], &kind) != nil {
		return nil
	}
	var lines strings.Builder
	for _, name := range []string{"Message", "MessageId", "SubscribeURL", "Subject", "Timestamp", "Token"} {
		var value *string
		raw, ok := members[name]
		if ok && json.Unmarshal(raw, &value) != nil {
			return nil
		}
		if value != nil && signs(kind, name) {
			lines.WriteString(name + "\n" + *value + "\n")
		}
	}
	return nonEmpty([]string{lines.String()})
}

// signs tells whether a member is signed in messages of the type: notifications
// have a subject, others a URL and a token.
func signs(kind, name string) bool {
	switch name {
	case "Subject":
		return kind == "Notification"
	case "SubscribeURL", "Token":
		return kind != "Notification"
	}
	return true
}
