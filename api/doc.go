// Package api is the front door of Posthaste: the HTTP API that publishers and operators call, built on Gin.
//
// # What lives here
//
// [New] builds the handler from [Deps]. routes.go is the table of everything that can be called, with the types of requests
// and answers. The files of a resource begin with its name. json.go decodes requests. An answer is a type of package client,
// which declares the JSON of the API for both sides; a function of the resource's file, such as showDelivery, makes it of a
// models value.
//
//	request ─▶ request id ─▶ access log ─▶ problems ─▶ catch panics ─▶ key ─▶ query check ─▶ handler
//	                                          ▲                                                │ error
//	                                          └────────────────────────────────────────────────┘
//
// # What it promises
//
//   - 202 for an event means that the store has committed it. The dispatcher is woken afterwards and may lose that
//     wake-up: the stored row is what counts.
//   - Input is strict: an unknown or repeated field, query parameter or wrong type is refused by name, and a refused
//     request has changed nothing.
//   - 202 for a cancellation or redelivery means that it was asked for. For a resumption or recovery it means that the
//     store has it: its job is started here if Temporal answers, and by a sweep if not.
//   - An operator's action is in the audit by the time it has taken effect.
//   - An event's data reaches the store byte for byte as the publisher wrote it.
//   - Every refusal is an application/problem+json. The cause of an internal failure goes to the log with the request
//     id, never to the caller. Bodies, headers and query values go to neither.
//   - A signing secret is in three answers only: of creating its subscription, of rotate-secret, and of GET …/secret. The
//     credentials of a source are in none.
//   - 200 for a webhook of another provider means that its event is committed, as 202 does for a publisher. Why a webhook
//     was refused is in the log and not in the answer.
//
// # Who may import it
//
// Only cmd. It imports models, client, webhook and webhook/receivers, and declares the interfaces it needs of everything else.
package api
