//go:build linux

package chart

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"strings"
	"testing"

	"codecell/test/e2e/cell"
)

// draw makes the picture by itself; shift is by how many pixels the line is too low.
func draw(t *testing.T, ink color.Color, shift float64) []byte {
	t.Helper()
	picture := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			picture.Set(x, y, paper)
			if fromLine(float64(x)+0.5, float64(y)+0.5-shift) < 2.5 {
				picture.Set(x, y, ink)
			}
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func file(name, media string, content []byte) cell.OutputFile {
	sum := sha256.Sum256(content)
	return cell.OutputFile{Name: name, MediaType: media, Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:]), Content: content}
}

// right is an answer as it must be.
func right(t *testing.T) cell.Answer {
	t.Helper()
	return cell.Answer{
		Status: http.StatusOK, Outcome: "ok", Stdout: "9 days, 358 visitors, most of them on day 8\n",
		Files: []cell.OutputFile{
			file(figure, "image/png", draw(t, ink, 0)),
			file(summary, "application/json", []byte(`{"days": 9, "mean": 39.77777777777778, "peak": 71}`)),
		},
	}
}

// A check that takes everything proves nothing.
func TestCheck(t *testing.T) {
	t.Parallel()
	if err := Check(right(t)); err != nil {
		t.Fatalf("what is right: %v", err)
	}
	for _, test := range []struct {
		name  string
		wrong func(*cell.Answer)
		want  string
	}{
		{"another colour", func(a *cell.Answer) {
			a.Files[0] = file(figure, "image/png", draw(t, color.NRGBA{0xd6, 0x27, 0x29, 0xff}, 0))
		}, "where the data has the line"},
		{"a line that is too low", func(a *cell.Answer) { a.Files[0] = file(figure, "image/png", draw(t, ink, 4)) }, "figure-1.png: the pixel at"},
		{"an empty picture", func(a *cell.Answer) { a.Files[0] = file(figure, "image/png", draw(t, paper, 0)) }, "where the data has the line"},
		{"a red picture", func(a *cell.Answer) { a.Files[0] = file(figure, "image/png", draw(t, ink, 0)); paint(t, &a.Files[0]) }, "pixels away from the data"},
		{"no picture", func(a *cell.Answer) { a.Files[0] = file(figure, "image/png", []byte("no picture")) }, "not a PNG file"},
		{"another's hash", func(a *cell.Answer) { a.Files[1].SHA256 = a.Files[0].SHA256 }, "summary.json: its SHA-256 is another's"},
		{"a file that is cut off", func(a *cell.Answer) { a.Files[0].Content = a.Files[0].Content[:100] }, "has 100"},
		{"a file that is left out", func(a *cell.Answer) { a.Files[0].Omitted = "size" }, "left out: size"},
		{"no figure", func(a *cell.Answer) { a.Files = a.Files[1:] }, "want figure-1.png and summary.json"},
		{"another sum", func(a *cell.Answer) {
			a.Files[1] = file(summary, "application/json", []byte(`{"days": 9, "mean": 39.7, "peak": 71}`))
		}, "summary.json: got"},
		{"another text", func(a *cell.Answer) { a.Stdout = "8" + a.Stdout[1:] }, "want 200 ok with"},
		{"a warning", func(a *cell.Answer) { a.Stderr = "UserWarning" }, "want 200 ok with"},
		{"a failure", func(a *cell.Answer) { a.ExitCode, a.Outcome = 1, "failed" }, "want 200 ok with"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a := right(t)
			test.wrong(&a)
			if err := Check(a); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}

// paint makes all of the picture as the line is.
func paint(t *testing.T, f *cell.OutputFile) {
	t.Helper()
	picture := image.NewNRGBA(image.Rect(0, 0, width, height))
	for i := range width * height {
		picture.SetNRGBA(i%width, i/width, ink)
	}
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		t.Fatal(err)
	}
	*f = file(f.Name, f.MediaType, out.Bytes())
}

// The colour in the program is the one that is looked for, and it is complete.
func TestRequest(t *testing.T) {
	t.Parallel()
	r := Request()
	if shade := fmt.Sprintf("%q", fmt.Sprintf("#%02x%02x%02x", ink.R, ink.G, ink.B)); !strings.Contains(r.Code, "color="+shade) {
		t.Errorf("no colour %s in:\n%s", shade, r.Code)
	}
	for _, name := range []string{table, summary} {
		if !strings.Contains(r.Code, `"`+name+`"`) {
			t.Errorf("no %s in:\n%s", name, r.Code)
		}
	}
	if strings.Contains(r.Code, "%!") {
		t.Errorf("not filled in:\n%s", r.Code)
	}
}
