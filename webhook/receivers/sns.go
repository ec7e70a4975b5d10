package receivers

import (
	"encoding/json"
	"strings"
)

// snsLines returns the lines that Amazon SNS signs before the lines of TopicArn
// and Type: the name and the value of each of these members that is there, in
// the order of the names (Amazon SNS, "Verifying the signatures of Amazon SNS
// messages"). It returns none for a document that is not from SNS. Unlike other
// values of the document, these may be of any length.
func (q *request) snsLines() []string {
	// members is a map, because a struct would match names that differ in case,
	// and the verified values would differ from the values that others read.
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

// signs reports whether SNS signs a member in messages of the type:
// notifications have a subject, others a URL and a token.
func signs(kind, name string) bool {
	switch name {
	case "Subject":
		return kind == "Notification"
	case "SubscribeURL", "Token":
		return kind != "Notification"
	}
	return true
}
