package operator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/internal/terminal"
)

// subscriptionsCmd lists and manages subscriptions.
type subscriptionsCmd struct {
	Remote `group:"Server"`

	List         subscriptionsListCmd   `cmd:"" help:"List subscriptions, newest first."`
	Get          subscriptionsGetCmd    `cmd:"" help:"Show a subscription."`
	Stats        subscriptionsStatsCmd  `cmd:"" help:"List subscriptions with the figures of their attempts, the worst first."`
	Create       subscriptionsCreateCmd `cmd:"" help:"Create a subscription; prints the receiver's secret or public key."`
	Update       subscriptionsUpdateCmd `cmd:"" help:"Change a subscription."`
	Delete       subscriptionsDeleteCmd `cmd:"" help:"Delete subscriptions; their waiting deliveries are cancelled."`
	Pause        subscriptionsPauseCmd  `cmd:"" help:"Hold the deliveries of subscriptions until they are resumed."`
	Resume       subscriptionsResumeCmd `cmd:"" help:"Resume subscriptions: release their held deliveries."`
	Cancel       subscriptionsCancelCmd `cmd:"" help:"Stop all deliveries that were accepted for subscriptions until now."`
	RotateSecret subscriptionsRotateCmd `cmd:"" help:"Replace the secret of a subscription."`
	Secret       subscriptionsSecretCmd `cmd:"" help:"Print the secret of a subscription, for its receiver."`

	PublicKey subscriptionsPublicKeyCmd `cmd:"" help:"Print the public key for the receiver of an Ed25519 subscription."`
}

type subscriptionsListCmd struct {
	Limited

	Tenant string                    `name:"tenant" placeholder:"NAME" help:"Only for this tenant."`
	Status client.SubscriptionStatus `name:"status" enum:",active,paused,disabled" default:"" placeholder:"STATUS" help:"Only in this status: active, paused or disabled."`
}

// Run implements the command.
func (c *subscriptionsListCmd) Run(ctx context.Context, o *operator) error {
	return printList(o, c.Limit, o.Subscriptions(ctx, client.SubscriptionFilter{
		Tenant: c.Tenant, Status: c.Status, PageSize: c.pageSize(),
	}), subscriptionLayout)
}

type subscriptionsGetCmd struct {
	ID string `arg:"" help:"Id of the subscription."`
}

// Run implements the command.
func (c *subscriptionsGetCmd) Run(ctx context.Context, o *operator) error {
	sub, err := o.Subscription(ctx, c.ID)
	if err != nil {
		return err
	}
	return subscriptionLayout.print(o, *sub)
}

type subscriptionsDeleteCmd struct {
	IDs []string `arg:"" name:"id" help:"Ids of the subscriptions."`
}

// Run implements the command.
func (c *subscriptionsDeleteCmd) Run(ctx context.Context, o *operator) error {
	type deleted struct {
		ID string `json:"id"`
	}
	return each(o, c.IDs, func(id string) (*deleted, error) { return &deleted{id}, o.DeleteSubscription(ctx, id) },
		func(d deleted) string { return d.ID + " is deleted" })
}

type subscriptionsPauseCmd struct {
	IDs    []string `arg:"" name:"id" help:"Ids of the subscriptions."`
	Reason string   `name:"reason" placeholder:"WORDS" help:"Reason, for the audit."`
}

// Run implements the command.
func (c *subscriptionsPauseCmd) Run(ctx context.Context, o *operator) error {
	return each(o, c.IDs, func(id string) (*client.Subscription, error) { return o.PauseSubscription(ctx, id, c.Reason) },
		func(s client.Subscription) string { return fmt.Sprint(s.ID, " is ", s.Status) })
}

type subscriptionsResumeCmd struct {
	IDs    []string `arg:"" name:"id" help:"Ids of the subscriptions."`
	Rate   int      `name:"rate" placeholder:"N" help:"Held deliveries to release in a second (default: the server's, 50)."`
	Reason string   `name:"reason" placeholder:"WORDS" help:"Reason, for the audit."`
}

// Run implements the command.
func (c *subscriptionsResumeCmd) Run(ctx context.Context, o *operator) error {
	return each(o, c.IDs, func(id string) (*client.Subscription, error) {
		return o.ResumeSubscription(ctx, id, c.Rate, c.Reason)
	}, sayResumed)
}

func sayResumed(s client.Subscription) string {
	if s.ResumeRate == 0 {
		return fmt.Sprint(s.ID, " is ", s.Status)
	}
	return fmt.Sprintf("%s is %s; what was held goes at %d a second", s.ID, s.Status, s.ResumeRate)
}

type subscriptionsCancelCmd struct {
	IDs    []string `arg:"" name:"id" help:"Ids of the subscriptions."`
	Reason string   `name:"reason" placeholder:"WORDS" help:"Reason, for the deliveries and the audit."`
}

// Run implements the command.
func (c *subscriptionsCancelCmd) Run(ctx context.Context, o *operator) error {
	return each(o, c.IDs, func(id string) (*client.Cancellation, error) { return o.CancelWaiting(ctx, id, c.Reason) }, sayCancelled)
}

type subscriptionsSecretCmd struct {
	ID      string `arg:"" help:"Id of the subscription."`
	Private bool   `name:"private" help:"Print the private key of an Ed25519 subscription, for a backup. Never give it to a receiver."`
}

// Run implements the command.
func (c *subscriptionsSecretCmd) Run(ctx context.Context, o *operator) error {
	if c.Private {
		key, err := o.PrivateKey(ctx, c.ID)
		if err != nil {
			return err
		}
		return printKeys(o, key)
	}
	secret, err := o.Secret(ctx, c.ID)
	if errors.Is(err, client.ErrConflict) {
		return fmt.Errorf("%w: posthaste subscriptions public-key %s prints it, and --private the private key", err, c.ID)
	}
	if err != nil {
		return err
	}
	return printKeys(o, secret)
}

type subscriptionsPublicKeyCmd struct {
	ID string `arg:"" help:"Id of the subscription."`
}

// Run implements the command. It prints one key a line, the newest first: while keys are rotated there are several.
func (c *subscriptionsPublicKeyCmd) Run(ctx context.Context, o *operator) error {
	keys, err := o.PublicKeys(ctx, c.ID)
	if err != nil {
		return err
	}
	return printKeys(o, keys...)
}

// printKeys prints keys alone, so that they can be put into a variable; in JSON, the whole answer.
func printKeys(o *operator, keys ...string) error {
	if o.json {
		return terminal.PrintJSON(o.s.Out, o.answers.json())
	}
	_, err := fmt.Fprintln(o.s.Out, strings.Join(keys, "\n"))
	return err
}

type subscriptionsRotateCmd struct {
	ID     string         `arg:"" help:"Id of the subscription."`
	Grace  *time.Duration `name:"grace" placeholder:"DURATION" help:"Time for which the older secrets stay in use, for example 2h or 3d (default: 24h)."`
	Secret string         `name:"secret" placeholder:"@FILE" help:"New secret: @FILE, or - for standard input (default: the server creates one)."`

	SignWith string `name:"sign-with" enum:",previous,new" default:"" placeholder:"WHICH" help:"Secret that signs during the grace, if the signature header holds only one (github, aspnet, servicestack): previous or new (default: previous)."`
}

// Run implements the command.
func (c *subscriptionsRotateCmd) Run(ctx context.Context, o *operator) error {
	secret, err := argument(o.s, c.Secret)
	if err != nil {
		return err
	}
	rotated, err := o.RotateSecret(ctx, c.ID, client.Rotation{
		Secret: strings.TrimSpace(string(secret)), Grace: (*client.Duration)(c.Grace), SignWith: c.SignWith,
	})
	if err != nil {
		return err
	}
	if !o.json {
		for _, at := range rotated.PreviousExpiresAt {
			fmt.Fprintln(o.s.Err, "a secret before it ends", clock(at))
		}
		if rotated.SignWith != "" {
			fmt.Fprintln(o.s.Err, "until then, these sign:", rotated.SignWith)
		}
	}
	return printKeys(o, cmp.Or(rotated.Secret, rotated.PublicKey))
}
