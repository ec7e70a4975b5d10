module github.com/posthaste/posthaste/internal/interop

go 1.26.8

require (
	github.com/google/go-github/v89 v89.0.0
	github.com/posthaste/posthaste v0.0.0
	github.com/standard-webhooks/standard-webhooks/libraries v0.0.1
	github.com/stretchr/testify v1.12.1
	github.com/stripe/stripe-go/v85 v85.0.0
)

require (
	github.com/google/go-querystring v1.2.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
)

replace github.com/posthaste/posthaste => ../..
