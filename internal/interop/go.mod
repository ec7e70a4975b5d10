module github.com/posthaste/posthaste/internal/interop

go 1.26.8

require (
	github.com/bold-commerce/go-shopify/v4 v4.7.0
	github.com/google/go-github/v89 v89.0.0
	github.com/posthaste/posthaste/webhook v0.1.0
	github.com/pusher/pusher-http-go/v5 v5.1.1
	github.com/slack-go/slack v0.17.3
	github.com/standard-webhooks/standard-webhooks/libraries v0.0.1
	github.com/stretchr/testify v1.12.1
	github.com/stripe/stripe-go/v85 v85.0.0
	github.com/svix/svix-webhooks v1.44.0
	github.com/twilio/twilio-go v1.31.0
	golang.org/x/mod v0.40.0
)

require (
	github.com/golang/mock v1.6.0 // indirect
	github.com/google/go-querystring v1.2.0 // indirect
	github.com/gorilla/websocket v1.5.3 // indirect
	github.com/pkg/errors v0.9.1 // indirect
	github.com/shopspring/decimal v1.4.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/crypto v0.56.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
	gopkg.in/validator.v2 v2.0.1 // indirect
)

replace github.com/posthaste/posthaste/webhook => ../../webhook
