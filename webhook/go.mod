module github.com/posthaste/posthaste/webhook

go 1.24
