package function

import (
	"mime"
	"net/http"
	"strings"
)

// checkMedia refuses a body that its headers say is not JSON in UTF-8, as it is:
// RFC 9110 sections 8.3.1 (types and parameter names in any case) and 8.4.
func checkMedia(h http.Header) error {
	for _, list := range h.Values("Content-Encoding") {
		for coding := range strings.SplitSeq(list, ",") {
			if coding = strings.TrimSpace(coding); coding != "" && !strings.EqualFold(coding, "identity") {
				return &mediaError{"The body must not be encoded (Content-Encoding).", "Accept-Encoding", "identity"}
			}
		}
	}
	refused := &mediaError{"The body must be application/json, in UTF-8.", "Accept", "application/json"}
	types := h.Values("Content-Type")
	if len(types) != 1 {
		return refused
	}
	mediaType, params, err := mime.ParseMediaType(types[0])
	if err != nil || mediaType != "application/json" {
		return refused
	}
	if charset, ok := params["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
		return refused
	}
	return nil
}
