package operator

import (
	"context"
	"strconv"
	"strings"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/internal/terminal"
)

// sourcesCmd lists and manages sources.
type sourcesCmd struct {
	Remote `group:"Server"`

	List   sourcesListCmd   `cmd:"" help:"List sources, newest first."`
	Get    sourcesGetCmd    `cmd:"" help:"Show a source."`
	Create sourcesCreateCmd `cmd:"" help:"Create a source for a provider's webhooks; prints the URL to give to the provider."`
	Update sourcesUpdateCmd `cmd:"" help:"Change a source."`
	Delete sourcesDeleteCmd `cmd:"" help:"Delete sources; keeps their events."`
}

type sourcesListCmd struct {
	Limited

	Tenant string `name:"tenant" placeholder:"NAME" help:"Only for this tenant."`
}

// Run implements the command.
func (c *sourcesListCmd) Run(ctx context.Context, o *operator) error {
	return printList(o, c.Limit, o.Sources(ctx, client.SourceFilter{Tenant: c.Tenant, PageSize: c.pageSize()}), sourceLayout)
}

type sourcesGetCmd struct {
	ID string `arg:"" help:"Id of the source."`
}

// Run implements the command.
func (c *sourcesGetCmd) Run(ctx context.Context, o *operator) error {
	source, err := o.Source(ctx, c.ID)
	if err != nil {
		return err
	}
	return sourceLayout.print(o, *source)
}

// SourceFlags are the flags that set the fields of a source.
type SourceFlags struct {
	Name       *string             `name:"name" placeholder:"WORDS" help:"Name for people."`
	Credential []string            `name:"credential" sep:"none" placeholder:"[SCHEME:][ID=]@FILE" help:"Secret with which the provider signs, or which it sends: @FILE, or - for standard input; ID=@FILE if the provider names the secret it uses, SCHEME:@FILE for a named scheme, for example verify_token:@FILE. May be repeated: any of the secrets fits.${replaces}"`
	PublicURL  string              `name:"public-url" placeholder:"URL" help:"Part before /in/… of the URL that the provider calls."`
	Status     client.SourceStatus `name:"status" enum:",active,disabled" default:"" placeholder:"STATUS" help:"Status: active or disabled."`
	From       string              `name:"from" placeholder:"@FILE" help:"JSON with any fields of the API, for example settings: @FILE, or - for standard input. Flags override it."`
}

// fields returns the fields of --from, with the values of the flags over them.
func (f *SourceFlags) fields(s terminal.Streams) (client.SourceFields, error) {
	fields, err := from[client.SourceFields](s, f.From)
	if err != nil {
		return fields, err
	}
	if f.Name != nil {
		fields.Name = f.Name
	}
	fill(&fields.PublicURL, f.PublicURL)
	fill(&fields.Status, f.Status)
	if len(f.Credential) == 0 {
		return fields, nil
	}
	fields.Credentials, err = readCredentials(s, f.Credential)
	return fields, err
}

func readCredentials(s terminal.Streams, given []string) ([]client.Credential, error) {
	all := make([]client.Credential, len(given))
	for i, text := range given {
		credential, where := splitCredential(text)
		secret, err := argument(s, where)
		if err != nil {
			return nil, err
		}
		credential.Secret = strings.TrimSpace(string(secret))
		all[i] = credential
	}
	return all, nil
}

// splitCredential splits SCHEME:ID=@FILE. A secret that has a = or a : in it stays whole.
func splitCredential(text string) (named client.Credential, where string) {
	isFile := func(text string) bool { return text == "-" || strings.HasPrefix(text, "@") }
	if scheme, rest, ok := strings.Cut(text, ":"); ok && isFile(rest) {
		return client.Credential{Scheme: scheme}, rest
	}
	before, rest, ok := strings.Cut(text, "=")
	if !ok || !isFile(rest) {
		return client.Credential{}, text
	}
	scheme, id, ok := strings.Cut(before, ":")
	if !ok {
		return client.Credential{ID: before}, rest
	}
	return client.Credential{Scheme: scheme, ID: id}, rest
}

type sourcesCreateCmd struct {
	SourceFlags `set:"replaces="`

	Provider string `arg:"" complete:"providers" help:"Provider that sends the webhooks; posthaste providers lists all."`
	Tenant   string `name:"tenant" placeholder:"NAME" help:"Tenant of the events (default: default)."`
}

// Run implements the command.
func (c *sourcesCreateCmd) Run(ctx context.Context, o *operator) error {
	fields, err := c.fields(o.s)
	if err != nil {
		return err
	}
	fields.Provider = c.Provider
	fill(&fields.Tenant, c.Tenant)
	source, err := o.CreateSource(ctx, fields)
	if err != nil {
		return err
	}
	return sourceLayout.print(o, *source)
}

type sourcesUpdateCmd struct {
	SourceFlags `set:"replaces= Replaces all existing ones."`

	ID    string   `arg:"" help:"Id of the source."`
	Reset []string `name:"reset" placeholder:"FIELD" help:"Field to empty: public_url, settings, or credentials, if the provider is to send a new secret."`
}

// Run implements the command.
func (c *sourcesUpdateCmd) Run(ctx context.Context, o *operator) error {
	fields, err := c.fields(o.s)
	if err != nil {
		return err
	}
	source, err := o.UpdateSource(ctx, c.ID, fields, c.Reset...)
	if err != nil {
		return err
	}
	return sourceLayout.print(o, *source)
}

type sourcesDeleteCmd struct {
	IDs []string `arg:"" name:"id" help:"Ids of the sources."`
}

// Run implements the command.
func (c *sourcesDeleteCmd) Run(ctx context.Context, o *operator) error {
	type deleted struct {
		ID string `json:"id"`
	}
	return each(o, c.IDs, func(id string) (*deleted, error) { return &deleted{id}, o.DeleteSource(ctx, id) },
		func(d deleted) string { return d.ID + " is deleted" })
}

var sourceLayout = layout[client.Source]{
	columns: []string{"id", "tenant", "status", "provider", "name", "url"},
	fields: func(s client.Source) []field {
		return []field{
			{"id", s.ID},
			{"tenant", s.Tenant},
			{"name", s.Name},
			{"provider", s.Provider},
			{"url", s.URL},
			{"status", string(s.Status)},
			{"credentials", strconv.Itoa(s.Credentials.Count)},
			{"credential_ids", strings.Join(s.Credentials.IDs, " ")},
			{"credential_schemes", strings.Join(s.Credentials.Schemes, " ")},
			{"settings", string(s.Settings)},
			{"created_at", clock(s.CreatedAt)},
			{"updated_at", clock(s.UpdatedAt)},
		}
	},
}

// providersCmd lists the providers whose webhooks a source can take.
type providersCmd struct {
	Remote `group:"Server"`
}

// Run implements the command.
func (c *providersCmd) Run(ctx context.Context, o *operator) error {
	providers, err := o.Providers(ctx)
	if err != nil {
		return err
	}
	return providerLayout.printAll(o, providers)
}

var providerLayout = layout[client.Provider]{
	columns: []string{"provider", "credentials", "besides", "repetitions"},
	fields: func(p client.Provider) []field {
		return []field{
			{"provider", p.Name},
			{"credentials", strings.Join(p.Credentials, "; or ")},
			{"besides", needs(p)},
			{"repetitions", repetitions(p)},
		}
	},
}

func repetitions(p client.Provider) string {
	switch {
	case p.SignsDeliveryID:
		return "recognised"
	case p.SendsDeliveryID:
		return "by an unsigned id"
	}
	return "not recognised"
}

func needs(p client.Provider) string {
	var all []string
	if p.NeedsCredentialIDs {
		all = append(all, "an id for each")
	}
	if p.BringsSecret {
		all = append(all, "no credential: the provider brings it")
	}
	if p.NeedsPublicURL {
		all = append(all, "--public-url")
	}
	return strings.Join(all, ", ")
}
