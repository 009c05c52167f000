//go:build linux

package contract

import (
	"fmt"
	"net/http"
	"strings"

	"codecell/test/rawhttp"
)

const healthy = `{"status":"ok"}`

// Headers that say something wrong of a body that is good.
func badHeaders() []badRequest {
	notJSON := wrongMedia("The body must be application/json, in UTF-8.", "Accept: application/json")
	encoded := wrongMedia("The body must not be encoded (Content-Encoding).", "Accept-Encoding: identity")
	typed := func(header ...string) request {
		r := execute(printing, header...)
		r.untyped = true
		return r
	}
	var requests []badRequest
	add := func(name string, r request, want reply) {
		requests = append(requests, badRequest{name: name, r: r, want: []reply{want}})
	}
	for _, media := range []string{
		"text/plain", "text/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonlines", "application/json-seq",
		"application/*", "*/*", "json", "", ";", "application/json; charset=latin-1", "application/json; charset=utf-16", "application/json; charset", "application/json, text/plain",
	} {
		add("Content-Type: "+media, typed("Content-Type: "+media), notJSON)
	}
	add("no Content-Type", typed(), notJSON)
	add("two of Content-Type", typed("Content-Type: application/json", "Content-Type: application/json"), notJSON)
	for _, media := range []string{"application/json; charset=utf-8", `Application/JSON; Charset="UTF-8"`, "application/json;", "application/json; x=y"} {
		add("Content-Type: "+media, typed("Content-Type: "+media), printed("42\n"))
	}
	for _, coding := range []string{"gzip", "br", "identity, gzip", "x"} {
		r := execute(gzipped(printing), "Content-Encoding: "+coding)
		add("Content-Encoding: "+coding, r, encoded)
	}
	add("Content-Encoding: identity", execute(printing, "Content-Encoding: identity"), printed("42\n"))
	add("gzip and another type", typed("Content-Type: text/plain", "Content-Encoding: gzip"), encoded)

	add("Sec-Fetch-Site: cross-site", execute(printing, "Sec-Fetch-Site: cross-site"), crossSite)
	add("a foreign Origin", execute(printing, "Origin: https://evil.example"), crossSite)
	add("Origin: null", execute(printing, "Origin: null"), crossSite)
	add("Sec-Fetch-Site: same-origin", execute(printing, "Sec-Fetch-Site: same-origin"), printed("42\n"))
	for _, host := range []string{"evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "[2001:db8::1]", "localhost:8080:8080"} {
		add("Host: "+host, execute(printing, "Host: "+host), foreign)
	}
	for _, host := range []string{"localhost:8080", "LOCALHOST", "127.0.0.1", "[::1]:1", ""} {
		add("Host: "+host, execute(printing, "Host: "+host), printed("42\n"))
	}
	for _, path := range []string{"/livez", "/readyz", "/profile", "/openapi.json", "/openapi.yaml"} {
		add("GET "+path+", foreign Host", get(path, "Host: evil.example"), foreign)
	}
	add("Upgrade: websocket", execute(printing, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Version: 13"), printed("42\n"))
	add("Upgrade: h2c", execute(printing, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"), printed("42\n"))
	add("Expect: something", execute(printing, "Expect: something"), reply{status: http.StatusExpectationFailed, closes: true})
	add("Connection: close", execute(printing, "Connection: close"), last(printed("42\n")))
	add("Range", execute(printing, "Range: bytes=0-0"), printed("42\n"))
	add("Trailer", execute(printing, "Trailer: Content-Length"), printed("42\n"))
	return requests
}

// Bytes that are no request, or one in an unusual or a broken frame.
var badFraming = []badRequest{
	{name: "TLS ClientHello", raw: "\x16\x03\x01\x00\x2e\x01\x00\x00\x2a\x03\x03" + strings.Repeat("\xaa", 32) + "\x00\x00\x02\x13\x01\x01\x00\r\n\r\n", want: []reply{noHTTP(400, "400 Bad Request")}},
	{name: "HTTP/2 preface", raw: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", want: []reply{last(notFound)}, framework: []reply{noHTTP(400, "")}},
	{name: "SSH", raw: "SSH-2.0-OpenSSH_9.2\r\n", want: []reply{noHTTP(400, "400 Bad Request")}},
	{name: "an empty line", raw: "\r\n\r\n", want: []reply{noHTTP(400, "400 Bad Request")}},
	{name: "NUL bytes", raw: strings.Repeat("\x00", 100) + "\r\n\r\n", want: []reply{noHTTP(400, "400 Bad Request")}},
	{name: "HTTP/0.9", raw: "GET /livez\r\n", want: []reply{noHTTP(400, "400 Bad Request")}},
	{name: "no version", raw: "GET /livez \r\nHost: localhost\r\n\r\n", want: []reply{noHTTP(400, "400 Bad Request")}},
	{name: "HTTP/2.0", raw: "GET /livez HTTP/2.0\r\nHost: localhost\r\n\r\n", want: []reply{noHTTP(505, "505 HTTP Version Not Supported: unsupported protocol version")}},
	{name: "HTTP/9.9", raw: "GET /livez HTTP/9.9\r\nHost: localhost\r\n\r\n", want: []reply{noHTTP(505, "505 HTTP Version Not Supported: unsupported protocol version")}},
	{name: "http/1.1", raw: "GET /livez http/1.1\r\nHost: localhost\r\n\r\n", want: []reply{noHTTP(400, "400 Bad Request")}},
	{name: "four words", raw: "GET /livez now HTTP/1.1\r\nHost: localhost\r\n\r\n", want: []reply{noHTTP(400, "400 Bad Request")}},
	{name: "a method with a NUL", raw: "GE\x00T /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", want: []reply{noHTTP(400, "400 Bad Request")}},
	{name: "a target without a slash", raw: rawhttp.Request("GET", "livez", ""), want: []reply{noHTTP(400, "400 Bad Request")}},
	{name: "a target with a broken escape", raw: rawhttp.Request("GET", "/%zz", ""), want: []reply{noHTTP(400, "400 Bad Request")}},
	{name: "a target with a control character", raw: rawhttp.Request("GET", "/\x01", ""), want: []reply{noHTTP(400, "400 Bad Request")}},
	{name: "HTTP/1.0", raw: oldPost(""), want: []reply{last(printed("42\n"))}},
	{name: "HTTP/1.0, keep-alive", raw: oldPost("Connection: keep-alive\r\n"), want: []reply{printed("42\n")}},
	{name: "HTTP/1.0 without a length", raw: "POST /execute HTTP/1.0\r\nContent-Type: application/json\r\n\r\n" + printing, want: []reply{last(malformed("The body is empty."))}},
	{name: "HTTP/1.1 without a length", raw: "POST /execute HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\r\n", want: []reply{malformed("The body is empty.")}},
	{name: "line feeds only", raw: "POST /execute HTTP/1.1\nHost: localhost\nContent-Type: application/json\nContent-Length: 20\n\n" + printing, want: []reply{printed("42\n")}},
	{name: "an empty line before it", raw: "\r\n" + good.raw(), want: []reply{noHTTP(400, "400 Bad Request")}},

	{name: "no Host", raw: "GET /livez HTTP/1.1\r\n\r\n", want: []reply{noHTTP(400, "400 Bad Request: missing required Host header")}},
	{name: "two of Host", raw: rawhttp.PostJSON("/execute", printing, 20, "Host: localhost", "Host: localhost"), want: []reply{noHTTP(400, "400 Bad Request")}},
	{name: "a malformed Host", raw: rawhttp.PostJSON("/execute", printing, 20, "Host: a/b"), want: []reply{noHTTP(400, "400 Bad Request: malformed Host header")}},
	{name: "a header without a colon", raw: rawhttp.Request("GET", "/livez", "", "X"), want: []reply{noHTTP(400, "400 Bad Request")}},
	{name: "a header without a name", raw: rawhttp.Request("GET", "/livez", "", ": x"), want: []reply{noHTTP(400, "400 Bad Request")}},
	{name: "a header with a space before its colon", raw: rawhttp.Request("GET", "/livez", "", "X : x"), want: []reply{noHTTP(400, "400 Bad Request: invalid header name")}},
	{name: "a header with a NUL", raw: rawhttp.Request("GET", "/livez", "", "X: a\x00b"), want: []reply{noHTTP(400, "400 Bad Request")}},
	{name: "a header with a carriage return", raw: rawhttp.Request("GET", "/livez", "", "X: a\rb"), want: []reply{noHTTP(400, "400 Bad Request")}},
	{name: "a folded first header", raw: "GET /livez HTTP/1.1\r\n folded\r\nHost: localhost\r\n\r\n", want: []reply{noHTTP(400, "400 Bad Request")}},
	{name: "17 KiB of one header", r: get("/livez", "X: "+strings.Repeat("x", 17<<10)), want: []reply{noHTTP(431, "431 Request Header Fields Too Large")}, framework: []reply{{status: 200, says: healthy}}},
	{name: "10,000 headers", r: get("/livez", strings.Split(strings.Repeat("X: x\n", 10_000)+"X: x", "\n")...), want: []reply{noHTTP(431, "431 Request Header Fields Too Large")}, framework: []reply{{status: 200, says: healthy}}},
	{name: "2 MiB of headers", r: get("/livez", "X: "+strings.Repeat("x", 2<<20)), want: []reply{noHTTP(431, "431 Request Header Fields Too Large")}},
	{name: "2 MiB of a target", r: get("/" + strings.Repeat("x", 2<<20)), want: []reply{noHTTP(431, "431 Request Header Fields Too Large")}},
	{name: "2 MiB of a method", raw: strings.Repeat("X", 2<<20) + " / HTTP/1.1\r\n\r\n", want: []reply{noHTTP(431, "431 Request Header Fields Too Large")}},
	{name: "8 KiB of a target", r: get("/" + strings.Repeat("x", 8<<10)), want: []reply{notFound}},

	{name: "two lengths alike", raw: rawhttp.PostJSON("/execute", printing, 20, "Content-Length: 20"), want: []reply{printed("42\n")}},
	{name: "two lengths", raw: rawhttp.PostJSON("/execute", printing, 20, "Content-Length: 21"), want: []reply{noHTTP(400, "400 Bad Request")}},
	{name: "two lengths in one", raw: untypedLength("20, 20"), want: []reply{noHTTP(400, "400 Bad Request")}},
	{name: "a negative length", raw: rawhttp.PostJSON("/execute", printing, -1), want: []reply{noHTTP(400, "400 Bad Request")}},
	{name: "a signed length", raw: untypedLength("+20"), want: []reply{noHTTP(400, "400 Bad Request")}},
	{name: "a hexadecimal length", raw: untypedLength("0x14"), want: []reply{noHTTP(400, "400 Bad Request")}},
	{name: "an empty length", raw: untypedLength(""), want: []reply{noHTTP(400, "400 Bad Request")}},
	{name: "a length of 2^63", raw: untypedLength("9223372036854775808"), want: []reply{noHTTP(400, "400 Bad Request")}},
	{name: "a length of 2^63-1", raw: untypedLength("9223372036854775807"), want: []reply{tooLarge}},
	{name: "a length of 1 TB, no body", raw: rawhttp.PostJSON("/execute", "", 1e12), want: []reply{tooLarge}},
	{name: "a length of one too many, no body", raw: rawhttp.PostJSON("/execute", "", maxBody+1), want: []reply{tooLarge}},
	{name: "a length that is too short", raw: rawhttp.PostJSON("/execute", printing, 19) + good.raw(), want: []reply{malformed("The JSON ends before the object does."), noHTTP(400, "400 Bad Request")}},
	{name: "more than its length", raw: rawhttp.PostJSON("/execute", printing+"garbage\r\n\r\n", 20), want: []reply{printed("42\n"), noHTTP(400, "400 Bad Request")}},
	{name: "a length and chunks", raw: framed("Content-Length: 20\r\nTransfer-Encoding: chunked", chunk(printing)+"0\r\n\r\n"), want: []reply{printed("42\n")}},
	{name: "a wrong length and chunks", raw: framed("Content-Length: 5\r\nTransfer-Encoding: chunked", chunk(printing)+"0\r\n\r\n"), want: []reply{printed("42\n")}},
	{name: "gzip, chunked", raw: framed("Transfer-Encoding: gzip, chunked", chunk(printing)+"0\r\n\r\n"), want: []reply{noHTTP(501, "Unsupported transfer encoding")}},
	{name: "chunked twice", raw: framed("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", chunk(printing)+"0\r\n\r\n"), want: []reply{noHTTP(501, "Unsupported transfer encoding")}},
	{name: "identity", raw: framed("Transfer-Encoding: identity", printing), want: []reply{noHTTP(501, "Unsupported transfer encoding")}},
	{name: "chunks of one byte", raw: framed("Transfer-Encoding: chunked", bytewise(printing)+"0\r\n\r\n"), want: []reply{printed("42\n")}},
	{name: "chunks with extensions", raw: framed("Transfer-Encoding: chunked", "14;x=y\r\n"+printing+"\r\n0\r\n\r\n"), want: []reply{printed("42\n")}},
	{name: "chunks with a trailer", raw: framed("Transfer-Encoding: chunked", chunk(printing)+"0\r\nX: x\r\n\r\n"), want: []reply{printed("42\n")}},
	{name: "a chunk size that is none", raw: framed("Transfer-Encoding: chunked", "zz\r\n"+printing+"\r\n0\r\n\r\n"), want: []reply{badChunks}},
	{name: "an empty chunk size", raw: framed("Transfer-Encoding: chunked", "\r\n"+printing+"\r\n0\r\n\r\n"), want: []reply{badChunks}},
	{name: "a negative chunk size", raw: framed("Transfer-Encoding: chunked", "-14\r\n"+printing+"\r\n0\r\n\r\n"), want: []reply{badChunks}},
	{name: "a chunk size of 2^68", raw: framed("Transfer-Encoding: chunked", "100000000000000014\r\n"+printing+"\r\n0\r\n\r\n"), want: []reply{badChunks}},
	{name: "a chunk size that is too short", raw: framed("Transfer-Encoding: chunked", "13\r\n"+printing+"\r\n0\r\n\r\n"), want: []reply{badChunks}},
	{name: "10 KiB of a chunk extension", raw: framed("Transfer-Encoding: chunked", "14;"+strings.Repeat("x", 10<<10)+"\r\n"+printing+"\r\n0\r\n\r\n"), want: []reply{badChunks}},
	{name: "a trailer that is none", raw: framed("Transfer-Encoding: chunked", chunk(printing)+"0\r\nX\r\n\r\n"), want: []reply{badChunks}},
}

// framed is a POST with these header lines and this body behind them.
func framed(header, body string) string {
	return rawhttp.Request(http.MethodPost, "/execute", body, "Content-Type: application/json", header)
}

func untypedLength(length string) string { return framed("Content-Length: "+length, printing) }

func oldPost(header string) string {
	return "POST /execute HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: 20\r\n" + header + "\r\n" + printing
}

func chunk(data string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(data), data) }

func bytewise(data string) string {
	var b strings.Builder
	for i := range len(data) {
		b.WriteString(chunk(data[i : i+1]))
	}
	return b.String()
}

// Methods and paths that there are not.
func badRoutes() []badRequest {
	to := func(method, target string) request { return request{method: method, target: target} }
	var requests []badRequest
	add := func(r request, want reply) {
		requests = append(requests, badRequest{name: r.String(), r: r, want: []reply{want}})
	}
	for _, path := range []string{"/execute", "/"} {
		for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "post", "BREW"} {
			add(to(method, path), wrongMethod("POST"))
		}
	}
	for _, path := range []string{"/livez", "/health", "/healthz", "/readyz", "/ready", "/profile", "/openapi.yaml", "/openapi.json"} {
		for _, method := range []string{"POST", "OPTIONS", "get"} {
			add(to(method, path), wrongMethod("GET, HEAD"))
		}
	}
	for _, path := range []string{"/nope", "/execute/", "/execute/more", "/Execute", "/execute%00", "/%2e%2e/execute", "/execute;x", "/..;/livez", "/livez%0d%0aX:x"} {
		add(to("POST", path), notFound)
	}
	add(to("HEAD", "/nope"), notFound)
	add(request{method: "POST", target: "/execute?code=1", body: printing}, printed("42\n"))
	add(request{method: "POST", target: "/%65xecute", body: printing}, printed("42\n"))
	add(request{method: "POST", target: "http://localhost/execute", body: printing}, printed("42\n"))
	add(request{method: "POST", target: "http://evil.example/execute", body: printing}, foreign)
	// What net/http, or the framework's router, answers itself.
	unrouted := func(r request, want, framework reply) {
		requests = append(requests, badRequest{name: r.String(), r: r, want: []reply{want}, framework: []reply{framework}})
	}
	unrouted(to("OPTIONS", "*"), reply{status: 200}, reply{status: 200})
	unrouted(to("POST", "*"), notFound, noHTTP(400, ""))
	unrouted(to("CONNECT", "example.org:443"), notFound, reply{status: 404, says: "404 page not found\n"})
	for _, path := range []string{"//execute", "/./execute", "/x/../execute"} {
		unrouted(to("POST", path), notFound, reply{status: 307, header: []string{"Location: /execute"}})
	}
	return requests
}
