package models

import (
	"slices"
	"time"
)

// Bounds of a rotation.
const (
	DefaultGrace   = 24 * time.Hour
	MaxGrace       = 30 * 24 * time.Hour
	MaxLiveSecrets = 5 // all that a signature with room for several has to hold
)

// Secret is one signing secret of a subscription.
type Secret struct {
	Value     string    `json:"value"` // whsec_…
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// Signs makes an older secret sign in place of the newest until it expires, where one secret has to be chosen.
	Signs bool `json:"signs,omitempty"`
}

// SignWith says which secret signs while the ones before it are in their grace, where the header of the signature has
// room for one. The empty value of an answer means that no grace is running.
type SignWith string

// The choices.
const (
	SignWithPrevious SignWith = "previous" // the one that signed before the rotation; the default
	SignWithNew      SignWith = "new"
)

func (w SignWith) validate() error {
	return oneOf("sign_with", w, SignWithPrevious, SignWithNew)
}

// LiveSecrets lists the values of the secrets that are in use at the given time, newest first. A signature with room for
// several holds one by each.
func (s *Subscription) LiveSecrets(now time.Time) []string {
	var live []string
	for _, secret := range s.live(now) {
		live = append(live, secret.Value)
	}
	return live
}

// SigningSecret is the value of the one secret that signs at the given time where there is no room for several: the one
// that was chosen for the grace of a rotation, else the newest. It is empty without a secret.
func (s *Subscription) SigningSecret(now time.Time) string {
	live := s.live(now)
	if len(live) == 0 {
		return ""
	}
	return live[signer(live)].Value
}

// SignWith tells which secret SigningSecret gives while a grace is running, and is empty when none is.
func (s *Subscription) SignWith(now time.Time) SignWith {
	live := s.live(now)
	switch {
	case len(live) < 2:
		return ""
	case signer(live) == 0:
		return SignWithNew
	}
	return SignWithPrevious
}

// ChooseSigner changes which secret signs for the rest of the grace. The previous one is the newest of those before the
// new one. It gives a CodeConflict *Error when no grace is running.
func (s *Subscription) ChooseSigner(with SignWith, now time.Time) error {
	if err := with.validate(); err != nil {
		return err
	}
	live := s.live(now)
	if len(live) < 2 {
		return Errorf(CodeConflict, "no secret is in its grace, so there is none to choose from")
	}
	for i := range live {
		live[i].Signs = with == SignWithPrevious && i == 1
	}
	s.Secrets = live
	return nil
}

// Rotate makes the value the newest secret. The ones before it stay in use for the grace, or until they expire anyway. An
// empty with is SignWithPrevious: the secret that signed so far goes on signing where there is room for one, until it
// expires, because the receiver cannot know the new one yet.
func (s *Subscription) Rotate(value string, grace time.Duration, with SignWith, now time.Time) error {
	if err := validateRotation(grace, with); err != nil {
		return err
	}
	live, end := s.live(now), now.Add(grace)
	signs := signer(live)
	secrets := []Secret{{Value: value}}
	for i, old := range live {
		if old.ExpiresAt.IsZero() || old.ExpiresAt.After(end) {
			old.ExpiresAt = end
		}
		old.Signs = with != SignWithNew && i == signs
		if old.ExpiresAt.After(now) {
			secrets = append(secrets, old)
		}
	}
	if len(secrets) > MaxLiveSecrets {
		return Errorf(CodeConflict, "%d secrets are in their grace already; wait until one expires, or rotate without grace",
			MaxLiveSecrets-1)
	}
	s.Secrets = secrets
	return nil
}

func validateRotation(grace time.Duration, with SignWith) error {
	switch {
	case grace < 0 || grace > MaxGrace:
		return Invalid("grace", "%s is not between 0s and %s", grace, MaxGrace)
	case grace == 0 && with == SignWithPrevious:
		return Invalid("sign_with", "%q needs a grace above 0s", with)
	case with == "":
		return nil
	}
	return with.validate()
}

// live copies the secrets that have not expired, newest first.
func (s *Subscription) live(now time.Time) []Secret {
	return slices.DeleteFunc(slices.Clone(s.Secrets), func(secret Secret) bool {
		return !secret.ExpiresAt.IsZero() && !now.Before(secret.ExpiresAt)
	})
}

// signer is the place of the secret that signs: the newest, unless an older one was chosen.
func signer(live []Secret) int {
	return max(0, slices.IndexFunc(live, func(secret Secret) bool { return secret.Signs }))
}
