//go:build linux

package chart

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"

	"codecell/test/e2e/cell"
)

var (
	ink   = color.NRGBA{0xd6, 0x27, 0x28, 0xff}
	paper = color.NRGBA{0xff, 0xff, 0xff, 0xff}
)

// Check says what is wrong with the answer to Request: nil, if nothing.
func Check(a cell.Answer) error {
	total, peak, day := 0, 0, 0
	for i, n := range visitors {
		total += n
		if n > peak {
			peak, day = n, i+1
		}
	}
	if said := fmt.Sprintf("%d days, %d visitors, most of them on day %d\n", len(visitors), total, day); !a.OK(said) || a.Stderr != "" {
		return fmt.Errorf("want 200 ok with %q, got %s", said, a)
	}
	// By name, as they come.
	if len(a.Files) != 2 || a.Files[0].Name != figure || a.Files[1].Name != summary {
		return fmt.Errorf("want %s and %s, got %v", figure, summary, a.Files)
	}
	for _, f := range a.Files {
		if err := whole(f); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	if a.Files[0].MediaType != "image/png" || a.Files[1].MediaType != "application/json" {
		return fmt.Errorf("want a picture and JSON, got %v", a.Files)
	}
	var sums struct {
		Days, Peak int
		Mean       float64
	}
	if err := json.Unmarshal(a.Files[1].Content, &sums); err != nil {
		return fmt.Errorf("%s: %w", summary, err)
	}
	if sums.Days != len(visitors) || sums.Peak != peak || math.Abs(sums.Mean-float64(total)/float64(len(visitors))) > 1e-9 {
		return fmt.Errorf("%s: got %s", summary, a.Files[1].Content)
	}
	picture, err := png.Decode(bytes.NewReader(a.Files[0].Content))
	if err != nil {
		return fmt.Errorf("%s: %w", figure, err)
	}
	if err := drawn(picture); err != nil {
		return fmt.Errorf("%s: %w", figure, err)
	}
	return nil
}

// whole says whether a file is all there.
func whole(f cell.OutputFile) error {
	sum := sha256.Sum256(f.Content)
	switch {
	case f.Omitted != "":
		return fmt.Errorf("left out: %s", f.Omitted)
	case f.Size != int64(len(f.Content)) || f.Size == 0:
		return fmt.Errorf("said to have %d bytes, has %d", f.Size, len(f.Content))
	case f.SHA256 != hex.EncodeToString(sum[:]):
		return errors.New("its SHA-256 is another's")
	}
	return nil
}

// drawn looks at every pixel: near the line through the data it has the line's colour,
// far from it the paper's. Between them is the line's edge, which is of both.
func drawn(picture image.Image) error {
	if size := picture.Bounds().Size(); size != image.Pt(width, height) {
		return fmt.Errorf("want %d by %d pixels, got %v", width, height, size)
	}
	const (
		half = float64(stroke) * dpi / 72 / 2 // of the line's width, in pixels
		near = half - 1                       // an edge's pixel is partly in the line
		far  = half*math.Sqrt2 + 1            // its ends are square
	)
	inked := 0
	for y := range height {
		for x := range width {
			distance := fromLine(float64(x)+0.5, float64(y)+0.5)
			is := color.NRGBAModel.Convert(picture.At(x, y))
			switch {
			case distance < near && is != ink:
				return fmt.Errorf("the pixel at %d, %d is %v, where the data has the line", x, y, is)
			case distance > far && is != paper:
				return fmt.Errorf("the pixel at %d, %d is %v, %.0f pixels away from the data", x, y, is, distance)
			case distance < near:
				inked++
			}
		}
	}
	if inked < width { // it goes from left to right, and is wider than a pixel
		return fmt.Errorf("only %d pixels were looked at for the line", inked)
	}
	return nil
}

// fromLine is how many pixels a point of the picture is away from the line through the data.
func fromLine(x, y float64) float64 {
	nearest := math.Inf(1)
	for i := range visitors[1:] {
		x0, y0 := place(i)
		x1, y1 := place(i + 1)
		// The foot of the perpendicular, or the end of this part that is nearer.
		along := ((x-x0)*(x1-x0) + (y-y0)*(y1-y0)) / ((x1-x0)*(x1-x0) + (y1-y0)*(y1-y0))
		along = min(max(along, 0), 1)
		nearest = min(nearest, math.Hypot(x-x0-along*(x1-x0), y-y0-along*(y1-y0)))
	}
	return nearest
}

// place is where the i-th number is in the picture.
func place(i int) (x, y float64) {
	return float64(i+1) / days * width, height - float64(visitors[i])/most*height
}
