// Package function is the HTTP side of codecell: one HTTP function, Execute, in
// which all routes live. It reads requests, decides who is let in, hands
// programs to package sandbox and writes what came of them. It makes no system
// call and starts no process; what it holds in memory is bounded (Config.doors)
// and paid for in the sandbox's budget.
//
// Read service.execute first: it is the way of one request.
//
// # Routes
//
//	POST /execute, /                   run a program
//	GET  /livez, /health, /healthz     200 while the process serves, busy or not
//	GET  /readyz, /ready               200 when warm, busy or not; else 503 with the reason
//	GET  /profile                      what programs may do, and how full the container is
//	GET  /openapi.yaml, /openapi.json  the contract in full
//	GET  /metrics                      for Prometheus, where it was asked for; else 404
//
// HEAD is answered where GET is. A POST that prefers text/event-stream is answered in
// events while its program runs (events.go).
//
// # Order of checks
//
// The first check that fails answers. Those before the body cost nothing but the
// connection, and their answers do not wait for a body that is still on its way.
//
//	404, 405   route and method
//	403        cross-origin (http.CrossOriginProtection)
//	421        a foreign Host, when bound to the loopback interface
//	401        no valid token, where tokens are configured; health routes stay open
//	503        draining, or no warm interpreter
//	415        not application/json in UTF-8, or encoded
//	413        Content-Length over 1 MiB
//	429        no slot (gate.Join), or too many bodies and replies (intake.Enter)
//	           --- the body is read from here on ---
//	408        not there within 10 s
//	413, 400   over 1 MiB after all; cut off
//	400        not one JSON object: syntax, duplicate names, invalid UTF-8, more after it
//	422        fields missing, of the wrong type, out of bounds or unknown: all of them
//	400        blank code
//	429        no slot or not enough memory after all (place.Reserve)
//	400        the policy refuses the program
//	200        whatever the program did
//	500, 503   what we failed to do; the run was lost
//
// # Statuses
//
// problemOf is the one place that maps errors to statuses. Everything but 200 is
// application/problem+json with the type urn:codecell:problem:SLUG:
//
//	400  policy, no-code, malformed-json, incomplete-body, malformed-chunks
//	401  unauthorized         403  cross-origin
//	404  not-found            405  method-not-allowed
//	408  body-timeout         413  too-large
//	415  unsupported-media-type
//	421  misdirected          422  invalid-fields
//	429  at-capacity (Retry-After, latest_free_ms)
//	500  internal
//	503  draining, not-ready, run-lost (Retry-After; safe to retry)
//
// Who leaves has its run killed. So has who closes only the sending side, as "nc -N"
// does: net/http can't tell the two apart. It may still read its 503, run-lost.
//
// # Environment
//
// ParseConfig reads it once, through a function that is given to it.
//
//	PORT                     8080     0 is any free port
//	LOCAL_ONLY               false    true: 127.0.0.1 only, and its names only
//	SANDBOX_PROFILE          minimal  a name, or the path of a YAML file
//	SANDBOX_MAX_CONCURRENCY  1        runs at once, 1 to 1024; auto: what fits
//	SANDBOX_MEMORY_LIMIT     measured for example 704Mi
//	SANDBOX_MEMORY_RESERVE   measured
//	SANDBOX_MAX_WAIT         0s       how long a request may wait for a slot, to 1h; 4 per slot may
//	SANDBOX_MAX_CONNECTIONS  128      8 to 4096
//	SANDBOX_DRAIN_TIMEOUT    8s       to 1h
//	SANDBOX_REQUIRE          the profile's   isolation layers, with commas
//	SANDBOX_PYTHON           found    the interpreter
//	SANDBOX_WORKSPACE        mounted  a volume in which programs with files work
//	SANDBOX_TOKENS_FILE      none     bearer tokens, one a line; read again when it changes
//	SANDBOX_LOG_LEVEL        info     debug, info, warn, error
//	OTEL_*                   none     traces and metrics: package telemetry
//	K_SERVICE, GOOGLE_CLOUD_PROJECT   where the platform sets them, names for both
//
// # Seen from outside
//
// A request is one line in the log (record.go), one trace (spans.go) and some counts
// (meters.go). None has anything of a program or its output but the SHA-256 of the
// code. Package telemetry takes traces and counts where they are wanted.
//
// # What is not protected
//
//   - Execute can't bound what comes before a handler: headers, the time they
//     take, idle connections and socket buffers are the server's in front of it.
//     Config.doors counts on MaxConnections and SocketBuffer being kept, which
//     funcframework's own server does not do.
//   - Answers that net/http gives by itself, to what is no HTTP request, have
//     neither our body nor our headers.
//   - A client that sends its next request before it has read the answer to this
//     one (pipelining) is not noticed when it leaves; its run ends at its deadline.
//     One that ends its sending side and still listens counts as having left.
//   - An answer in events has its status before its end is known: what fails after the
//     first event or heartbeat is the event "problem" of an answer with status 200.
//   - Tokens tell callers from strangers, not from each other, and need TLS in
//     front to stay secret.
package function
