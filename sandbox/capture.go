package sandbox

import "io"

// capture keeps the first CaptureLimit bytes of a stream and counts on the rest
// being read all the same: a program must never block on a full pipe, and the
// server never hold more than it says.
type capture struct {
	out    Output
	sink   io.Writer         // instead of keeping; see Job.Stdout
	follow func(kept []byte) // see Job.Follow; may be nil
	read   int64             // bytes, kept or not
}

// drain reads r to its end. It returns when every writer is gone.
func (c *capture) drain(r io.Reader) {
	if c.sink != nil {
		// A sink that fails must not stop the program either.
		n, _ := io.Copy(c.sink, r)
		rest, _ := io.Copy(io.Discard, r)
		c.read = n + rest
		return
	}
	_, _ = io.Copy(c, r) // Write never fails; a read error means that the run is gone
}

// Write implements io.Writer; it never fails.
func (c *capture) Write(p []byte) (int, error) {
	c.read += int64(len(p))
	room := CaptureLimit - len(c.out.Data)
	if len(p) > room {
		c.out.Truncated = true
	}
	c.out.Data = append(c.out.Data, p[:min(len(p), room)]...)
	if c.follow != nil && room > 0 {
		c.follow(c.out.Data)
	}
	return len(p), nil
}
