package function

import "codecell/sandbox"

// SocketBuffer is the SO_SNDBUF and the SO_RCVBUF that a server in front of
// Execute must ask for on each connection, in bytes: connectionBytes counts on
// it. The kernel doubles it for its own bookkeeping (socket(7)).
const SocketBuffer = 32 << 10

// Lobby is how many connections a server in front of Execute may have accepted for
// which it has no place yet, and one more that it has just accepted: they hold what has
// arrived for them, and nothing else.
const Lobby = 64

// HealthChecks is how many connections more than its cap such a server may have, all
// of them health checks (see IsHealthCheck).
const HealthChecks = 4

// What the memory of one client can be, in bytes, each at its worst.
const (
	// connectionBytes: 21 KiB for an idle connection (measured: goroutine,
	// buffers, kernel socket), 16 KiB of headers, and both socket buffers full.
	connectionBytes = 21<<10 + 16<<10 + 2*2*SocketBuffer
	// visitorBytes: a kernel socket with its file (3 KiB) and a full receive buffer.
	visitorBytes = 4<<10 + 2*SocketBuffer
	// intakeBytes: a request is its raw body, then the decoded program, then the
	// encoded reply. At most one of them is alive outside of decoding, and each
	// is at most MaxBody. An answer in events has beside it, for a reader that
	// stops, two marks lists, an event, and what of the captures has been
	// outgrown; the captures themselves are in the run's weight until it ends, and
	// then beside a reply of at most 620 KiB. TestIntakeBytes measures all this.
	intakeBytes = MaxBody + 256<<10
	// decodeBytes: one request is decoded at a time, and while it is, the
	// decoded program (or, instead, the names seen so far, to find duplicates: a
	// MiB of tiny names takes 10 MiB, and more while a map grows) is alive beside
	// the body.
	// TestDecodeBytes measures it.
	decodeBytes = 14 << 20
	// handoverBytes: the program on its way to the run.
	handoverBytes = MaxBody
	// filesReplyBytes: the files of an encoded reply, in base64 and with all that is said of
	// them. It is there from the run's end until it is written.
	filesReplyBytes = sandbox.MaxOutputBytes/3*4 + 256<<10
	// filesBytes: the files of a run before they are encoded.
	filesBytes = sandbox.MaxOutputBytes + 64<<10
)

// doors is what the service may hold on behalf of its clients, where programs have files
// or not.
func (c Config) doors(files bool) sandbox.Doors {
	doors := c.plainDoors()
	if files {
		doors.Fixed += intakeBase * filesReplyBytes
		doors.PerSlot += int64(intakeOfSlot(c.MaxWait > 0))*filesReplyBytes + filesBytes
	}
	return doors
}

func (c Config) plainDoors() sandbox.Doors {
	return sandbox.Doors{
		Fixed:   int64(c.MaxConnections+HealthChecks)*connectionBytes + (Lobby+1)*visitorBytes + intakeBase*intakeBytes + decodeBytes,
		PerSlot: int64(intakeOfSlot(c.MaxWait > 0))*intakeBytes + handoverBytes,
		Clients: c.MaxConnections + HealthChecks + Lobby + 1,

		Telemetry: c.Telemetry.Bytes(),
	}
}
