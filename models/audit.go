package models

import "time"

// AuditAction names what an operator did. The list only grows: readers switch on it.
type AuditAction string

// The actions.
const (
	AuditCreateSubscription  AuditAction = "subscription.create"
	AuditUpdateSubscription  AuditAction = "subscription.update"
	AuditDisableSubscription AuditAction = "subscription.disable" // by ourselves, because of its answer
	AuditDeleteSubscription  AuditAction = "subscription.delete"
	AuditRotateSecret        AuditAction = "subscription.rotate_secret"
	AuditPauseSubscription   AuditAction = "subscription.pause"
	AuditResumeSubscription  AuditAction = "subscription.resume"
	AuditCancelWaiting       AuditAction = "subscription.cancel"
	AuditCancelTenant        AuditAction = "tenant.cancel"
	AuditCancelEvent         AuditAction = "event.cancel"
	AuditRedeliverEvent      AuditAction = "event.redeliver"
	AuditCancelDelivery      AuditAction = "delivery.cancel"
	AuditHaltDelivery        AuditAction = "delivery.halt" // paused in Temporal
	AuditRedeliverDelivery   AuditAction = "delivery.redeliver"
	AuditStartRecovery       AuditAction = "recovery.start"
	AuditCancelRecovery      AuditAction = "recovery.cancel"
	AuditCreateSource        AuditAction = "source.create"
	AuditUpdateSource        AuditAction = "source.update"
	AuditDeleteSource        AuditAction = "source.delete"
	AuditKeepSecret          AuditAction = "source.keep_secret" // the provider brought it
	AuditReleaseEngine       AuditAction = "engine.release"
	AuditEraseTenant         AuditAction = "tenant.erase"
	AuditEraseEvent          AuditAction = "event.erase"
	AuditUpdateTenant        AuditAction = "tenant.update"
	AuditCreateKey           AuditAction = "key.create"
	AuditRevokeKey           AuditAction = "key.revoke"
	AuditRevealSecret        AuditAction = "secret.reveal" // the signing secret of a subscription was read
)

// AuditActions lists all of them.
func AuditActions() []AuditAction {
	return []AuditAction{
		AuditCreateSubscription, AuditUpdateSubscription, AuditDisableSubscription, AuditDeleteSubscription, AuditRotateSecret,
		AuditPauseSubscription, AuditResumeSubscription, AuditCancelWaiting, AuditCancelTenant, AuditCancelEvent, AuditRedeliverEvent,
		AuditCancelDelivery, AuditHaltDelivery, AuditRedeliverDelivery, AuditStartRecovery, AuditCancelRecovery,
		AuditCreateSource, AuditUpdateSource, AuditDeleteSource, AuditKeepSecret,
		AuditReleaseEngine, AuditEraseTenant, AuditEraseEvent, AuditUpdateTenant, AuditCreateKey, AuditRevokeKey, AuditRevealSecret,
	}
}

// AuditEntry is one line of the audit: what an operator did. Entries are added, never changed or removed.
type AuditEntry struct {
	ID      string
	At      time.Time
	Tenant  string
	Action  AuditAction
	Subject string // the id of the thing acted on
	Why
	// Origin makes writing an entry a second time, after a crash, do nothing: an entry with the same Origin is there
	// already. Empty: every write is an entry of its own.
	Origin string
}

// AuditFilter selects entries for a list. The zero value selects all.
type AuditFilter struct {
	Tenant  string
	Action  AuditAction
	Subject string
	By      string
	Key     string    // id of an API key, or RootKey
	Since   time.Time // inclusive
	Until   time.Time // exclusive
	Page    Page
}
