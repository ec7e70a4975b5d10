package models

import (
	"bytes"
	"encoding/json"
)

// TimeFormat is how times are written on the wire: RFC 3339 in UTC with milliseconds.
const TimeFormat = "2006-01-02T15:04:05.000Z07:00"

// Body makes the bytes that every attempt of the delivery sends. It is a pure function of an event, which never
// changes, and of what the delivery fixed when it was planned, so the bytes are the same each time.
func Body(e *Event, d *Delivery) []byte {
	switch d.Payload {
	case RemovedPayload:
		return nil
	case PayloadData:
		return e.Data
	case PayloadCloudEvents:
		return cloudEvent(e)
	default:
		return envelope(e, d)
	}
}

// ContentType is the media type of a body form.
func ContentType(p Payload) string {
	if p == PayloadCloudEvents {
		return "application/cloudevents+json"
	}
	return "application/json"
}

func envelope(e *Event, d *Delivery) []byte {
	var b bytes.Buffer
	b.WriteString(`{"type":`)
	b.Write(quote(e.Type))
	b.WriteString(`,"timestamp":`)
	b.Write(quote(e.CreatedAt.UTC().Format(TimeFormat)))
	b.WriteString(`,"data":`)
	b.Write(e.Data) // not through json.Marshal, which would rewrite the publisher's bytes
	if len(d.Properties) > 0 {
		b.WriteString(`,"properties":`)
		b.Write(d.Properties)
	}
	b.WriteByte('}')
	return b.Bytes()
}

// cloudEvent is the structured form of CloudEvents 1.0 (JSON Event Format, section 3).
func cloudEvent(e *Event) []byte {
	var b bytes.Buffer
	b.WriteString(`{"specversion":"1.0","id":`)
	b.Write(quote(e.ID))
	b.WriteString(`,"source":`)
	b.Write(quote("/tenants/" + e.Tenant))
	b.WriteString(`,"type":`)
	b.Write(quote(e.Type))
	b.WriteString(`,"time":`)
	b.Write(quote(e.CreatedAt.UTC().Format(TimeFormat)))
	b.WriteString(`,"datacontenttype":"application/json","data":`)
	b.Write(e.Data)
	b.WriteByte('}')
	return b.Bytes()
}

func quote(s string) []byte {
	quoted, _ := json.Marshal(s) // a string always marshals
	return quoted
}
