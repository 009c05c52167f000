package function

import (
	"encoding/base64"
	"path"
	"strconv"
	"strings"

	"codecell/sandbox"
)

// appendFiles appends the files of a result as an array of objects.
func appendFiles(b []byte, files []sandbox.OutputFile) []byte {
	b = append(b, '[')
	for i, file := range files {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"name":`...)
		b = appendText(b, []byte(file.Name))
		b = append(b, `,"media_type":`...)
		b = appendText(b, []byte(mediaTypeOf(file.Name)))
		b = append(b, `,"size":`...)
		b = strconv.AppendInt(b, file.Size, 10)
		if file.Omitted != "" {
			b = append(b, `,"omitted":`...)
			b = appendText(b, []byte(file.Omitted))
		} else {
			b = append(b, `,"sha256":"`...)
			b = append(b, file.SHA256...)
			b = append(b, `","content_base64":"`...)
			b = base64.StdEncoding.AppendEncode(b, file.Data)
			b = append(b, '"')
		}
		b = append(b, '}')
	}
	return append(b, ']')
}

// filesLength is how long appendFiles makes these files at most, in bytes.
func filesLength(files []sandbox.OutputFile) int {
	const others = 256 // of one file, everything but its name and its content
	n := len("[]")
	for _, file := range files {
		n += others + 6*len(file.Name) + base64.StdEncoding.EncodedLen(len(file.Data))
	}
	return n
}

// mediaTypes are those of what programs write who work with data.
var mediaTypes = map[string]string{
	".csv": "text/csv", ".gif": "image/gif", ".gz": "application/gzip", ".htm": "text/html", ".html": "text/html",
	".jpeg": "image/jpeg", ".jpg": "image/jpeg", ".json": "application/json", ".md": "text/markdown", ".pdf": "application/pdf",
	".png": "image/png", ".py": "text/x-python", ".svg": "image/svg+xml", ".tsv": "text/tab-separated-values", ".txt": "text/plain",
	".webp": "image/webp", ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xml": "application/xml",
	".zip": "application/zip",
}

// mediaTypeOf is a guess by the name's end: the content is a program's, and whatever it
// claims to be is not looked into.
func mediaTypeOf(name string) string {
	if known, ok := mediaTypes[strings.ToLower(path.Ext(name))]; ok {
		return known
	}
	return "application/octet-stream"
}
