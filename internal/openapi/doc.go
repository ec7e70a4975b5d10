// Package openapi describes an HTTP API as an OpenAPI 3.1 document (https://spec.openapis.org/oas/v3.1.1), made of the Go
// types that its handlers read and write.
//
// Schemas come from the types by reflection. Descriptions come from the comments in package client, which go generate writes
// to words.json: a program does not have its own comments at run time.
package openapi

//go:generate go test -run TestWords -update .
