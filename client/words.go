package client

// DeliveryStatus is the state of a delivery.
type DeliveryStatus string

// The statuses of a delivery.
const (
	Pending   DeliveryStatus = "pending"   // an attempt is due, waiting or running
	Held      DeliveryStatus = "held"      // kept while its subscription is paused
	Delivered DeliveryStatus = "delivered" // an attempt was answered 2xx
	Exhausted DeliveryStatus = "exhausted" // every attempt of the retry schedule failed
	Cancelled DeliveryStatus = "cancelled" // stopped by hand, or its subscription was deleted or disabled
)

// EventStatus is the state of an event.
type EventStatus string

// The statuses of an event.
const (
	EventAccepted EventStatus = "accepted" // stored; its deliveries are not planned yet
	EventPlanned  EventStatus = "planned"  // its deliveries are stored too
)

// SubscriptionStatus says whether a subscription receives events.
type SubscriptionStatus string

// The statuses of a subscription.
const (
	SubscriptionActive   SubscriptionStatus = "active"
	SubscriptionPaused   SubscriptionStatus = "paused"   // its deliveries, new ones too, are held until it is resumed
	SubscriptionDisabled SubscriptionStatus = "disabled" // it gets no new deliveries; waiting ones are cancelled
)

// Signature names the scheme that signs the requests of a subscription. Package webhook has a profile of the same name
// for each, and docs/wire-format.md has the rules.
type Signature string

// The signatures.
const (
	SignatureStandard     Signature = "standard"         // Standard Webhooks 1.0 with HMAC-SHA256; the default
	SignatureEd25519      Signature = "standard-ed25519" // Standard Webhooks 1.0 with Ed25519
	SignatureGitHub       Signature = "github"
	SignatureStripe       Signature = "stripe"
	SignatureASPNet       Signature = "aspnet"
	SignatureServiceStack Signature = "servicestack"
)

// Payload is the format of the body of a subscription's requests.
type Payload string

// The payloads.
const (
	PayloadEnvelope    Payload = "envelope"    // JSON with type, timestamp, data and properties; the default
	PayloadData        Payload = "data"        // the data of the event, byte for byte
	PayloadCloudEvents Payload = "cloudevents" // a CloudEvents 1.0 event in structured JSON
)

// AuthType says how requests authenticate to the receiver, besides the signature.
type AuthType string

// The kinds of authentication.
const (
	AuthNone   AuthType = "none"
	AuthBasic  AuthType = "basic"  // user name and password, RFC 7617
	AuthBearer AuthType = "bearer" // a fixed token, RFC 6750
	AuthOAuth2 AuthType = "oauth2" // a token fetched with client credentials, RFC 6749, section 4.4
)

// ErrorClass says why an attempt failed.
type ErrorClass string

// The classes of failed attempts.
const (
	ErrorStatus   ErrorClass = "status"              // answered, but not 2xx
	ErrorRedirect ErrorClass = "redirect"            // answered 3xx; redirects are not followed
	ErrorTimeout  ErrorClass = "timeout"             // no whole answer in time
	ErrorDNS      ErrorClass = "dns"                 // the host name does not resolve
	ErrorConnect  ErrorClass = "connect"             // no connection: refused, unreachable or reset
	ErrorTLS      ErrorClass = "tls"                 // no trusted connection
	ErrorProtocol ErrorClass = "protocol"            // the answer is not HTTP
	ErrorBlocked  ErrorClass = "blocked_destination" // the server does not call this address
	ErrorAuth     ErrorClass = "auth"                // the subscriber's token endpoint gave no access token
)

// RecoveryOf selects the deliveries of a subscription that a recovery makes again.
type RecoveryOf string

// The selections of a recovery.
const (
	RecoverExhausted RecoveryOf = "exhausted" // the default
	RecoverCancelled RecoveryOf = "cancelled"
	RecoverDelivered RecoveryOf = "delivered"
	RecoverMissing   RecoveryOf = "missing" // events older than the subscription, which had no delivery
)

// RecoveryStatus is the state of a recovery.
type RecoveryStatus string

// The statuses of a recovery.
const (
	RecoveryRunning   RecoveryStatus = "running"
	RecoveryCompleted RecoveryStatus = "completed"
	RecoveryCancelled RecoveryStatus = "cancelled"
)

// SourceStatus says whether a source accepts webhooks.
type SourceStatus string

// The statuses of a source.
const (
	SourceActive   SourceStatus = "active"
	SourceDisabled SourceStatus = "disabled" // it answers as if it did not exist
)

// Code is the name of a problem in an [Error]. It does not change from version to version.
type Code string

// The codes that the server has.
const (
	CodeInvalid          Code = "invalid"      // the request breaks a rule; Field says which part
	CodeUnauthorized     Code = "unauthorized" // no API key, or a wrong one
	CodeForbidden        Code = "forbidden"    // the API key does not hold the scope, or the sender of a webhook may not do this
	CodeNotFound         Code = "not_found"
	CodeConflict         Code = "conflict"  // impossible in the current state
	CodeTooLarge         Code = "too_large" // the request is over its size limit
	CodeBusy             Code = "busy"      // more requests at once than the server takes; try again
	CodeUnavailable      Code = "unavailable"
	CodeInternal         Code = "internal"
	CodeMethodNotAllowed Code = "method_not_allowed"
	CodeMediaType        Code = "unsupported_media_type"
	CodeHost             Code = "misdirected_request" // the request names a host that the server does not serve
	CodeCrossOrigin      Code = "cross_origin"        // a web page of another origin asked a browser to send the request
)
