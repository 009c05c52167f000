//go:build linux

package contract

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"

	"codecell/test/rawhttp"
)

// document reads the contract as it stands in the repository; TestServedDocument
// proves that it is the one that is served. Each caller gets a document of its
// own: building the model writes to it, and tests run at the same time.
func document() (libopenapi.Document, error) {
	text, err := os.ReadFile("../../function/openapi.yaml")
	if err != nil {
		return nil, err
	}
	return libopenapi.NewDocument(text)
}

var documentValidator = sync.OnceValues(func() (validator.Validator, error) {
	doc, err := document()
	if err != nil {
		return nil, err
	}
	v, errs := validator.NewValidator(doc)
	if len(errs) > 0 {
		return nil, errs[0]
	}
	return v, nil
})

// validating guards the validator, whose caches are not meant for two tests at once.
var validating sync.Mutex

// wantValid holds an answer against the document and against what is true of
// every answer, and notes that it was met.
func wantValid(t *testing.T, bin binary, r request, resp rawhttp.Response) {
	t.Helper()
	for name, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%v: %s is %q, want %q", r, name, got, want)
		}
	}
	if resp.Status >= 400 {
		wantProblem(t, r, resp)
	}
	path, _, _ := strings.Cut(r.target, "?")
	if r.method == http.MethodHead || !documented(t, r.method, path) {
		return // nothing to hold it against: 404, 405
	}
	note(bin, r.method, path, resp.Status)
	v, err := documentValidator()
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(r.method, "http://localhost"+r.target, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	validating.Lock()
	defer validating.Unlock()
	ok, errs := v.ValidateHttpResponse(req, &http.Response{
		StatusCode: resp.Status,
		Header:     resp.Header,
		Body:       io.NopCloser(bytes.NewReader(resp.Body)),
		Request:    req,
	})
	if !ok {
		t.Errorf("%v: %v is not what the document says:", r, resp)
		for _, err := range errs {
			t.Errorf("  %s: %s", err.Message, err.Reason)
			for _, deeper := range err.SchemaValidationErrors {
				t.Errorf("    %s: %s", deeper.FieldPath, deeper.Reason)
			}
		}
	}
}

// documented says whether the document has an operation for method and path.
func documented(t *testing.T, method, path string) bool {
	t.Helper()
	return slices.Contains(operations(t), method+" "+path)
}

// operations lists the document's operations, as "GET /livez".
func operations(t *testing.T) []string {
	t.Helper()
	all, err := statuses()
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, met := range all {
		operation, _, _ := cutLast(met)
		if !slices.Contains(list, operation) {
			list = append(list, operation)
		}
	}
	return list
}

// statuses lists what the document has an answer for, as "GET /livez 200".
var statuses = sync.OnceValues(func() ([]string, error) {
	doc, err := document()
	if err != nil {
		return nil, err
	}
	model, err := doc.BuildV3Model()
	if err != nil {
		return nil, err
	}
	var list []string
	for path, item := range model.Model.Paths.PathItems.FromOldest() {
		for method, operation := range item.GetOperations().FromOldest() {
			for status := range operation.Responses.Codes.FromOldest() {
				list = append(list, strings.ToUpper(method)+" "+path+" "+status)
			}
		}
	}
	return list, nil
})

// met are the documented answers that were given, as "serve: GET /livez 200".
var met sync.Map

func note(bin binary, method, path string, status int) {
	met.Store(answerKey(bin, method+" "+path+" "+itoa(status)), nil)
}

func answerKey(bin binary, answer string) string { return bin.name + ": " + answer }

// sameAs are routes that differ in nothing but their path. Each must be seen to
// work; its refusals are those of the other.
var sameAs = map[string]string{
	"POST /":       "POST /execute",
	"GET /health":  "GET /livez",
	"GET /healthz": "GET /livez",
	"GET /ready":   "GET /readyz",
}

// unreachable are documented answers that no test can bring about from outside.
var unreachable = map[string]string{
	"500": "it takes a bug of ours",
}

// unreached lists the documented answers that no test has met.
func unreached() []string {
	all, err := statuses()
	if err != nil {
		return []string{err.Error()}
	}
	var list []string
	for _, bin := range both {
		for _, answer := range all {
			operation, status, _ := cutLast(answer)
			if same := sameAs[operation]; same != "" && status != "200" {
				answer = same + " " + status
			}
			if _, seen := met.Load(answerKey(bin, answer)); !seen && unreachable[status] == "" && !strings.HasPrefix(answer, "HEAD ") {
				list = append(list, answerKey(bin, answer))
			}
		}
	}
	return list
}
