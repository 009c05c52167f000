package function

import (
	_ "embed"
	"fmt"
	"net/http"
	"sync"

	"github.com/goccy/go-yaml"
)

// openAPI is the contract: OpenAPI 3.1, written by hand, and what the tests hold
// every answer against.
//
//go:embed openapi.yaml
var openAPI []byte

var openAPIAsJSON = sync.OnceValues(func() ([]byte, error) {
	b, err := yaml.YAMLToJSON(openAPI)
	if err != nil {
		return nil, fmt.Errorf("function: openapi.yaml: %w", err)
	}
	return b, nil
})

func (s *Service) openAPIYAML(*exchange) (reply, error) {
	return reply{status: http.StatusOK, mediaType: "application/yaml", body: openAPI}, nil
}

func (s *Service) openAPIJSON(*exchange) (reply, error) {
	b, err := openAPIAsJSON()
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusOK, mediaType: "application/json", body: b}, nil
}
