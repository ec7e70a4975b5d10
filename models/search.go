package models

// MaxSearch is how many bytes a text has at most that is looked for: as many as the longest text that is found.
const MaxSearch = MaxMetadataValue

// ValidateSearch returns a CodeInvalid *Error for a text that cannot be looked for.
func ValidateSearch(text string) error { return validateText("q", text, MaxSearch) }

// HitKind is what a search finds.
type HitKind string

// The kinds.
const (
	HitEvent        HitKind = "event"
	HitDelivery     HitKind = "delivery"
	HitSubscription HitKind = "subscription"
	HitSource       HitKind = "source"
	HitRecovery     HitKind = "recovery"
	HitKey          HitKind = "key"
	HitErasure      HitKind = "erasure"
	HitEventType    HitKind = "event_type"
)

// HitField is by what a search finds something.
type HitField string

// The fields.
const (
	HitByID             HitField = "id"
	HitByIdempotencyKey HitField = "idempotency_key"
	HitByMetadata       HitField = "metadata" // a whole value; the delivery id of a provider is one
	HitByName           HitField = "name"
	HitByReceiver       HitField = "receiver"
	HitByType           HitField = "type"
)

// Hit is a thing that a search found.
type Hit struct {
	Kind   HitKind
	ID     string // empty: it is an event type
	Tenant string // empty: it is of no tenant, or of any
	By     HitField
	Value  string // of that field
	Exact  bool   // the value is what was looked for, and does not just begin with it
}

// Search says what to look for.
type Search struct {
	Text   string // not empty
	Tenant string // empty: any
	Kinds  []HitKind
	Limit  int // of hits of each kind
}
