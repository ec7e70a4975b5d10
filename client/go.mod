module github.com/posthaste/posthaste/client

go 1.24
