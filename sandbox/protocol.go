package sandbox

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// The messages between server, zygote and run. This file is their one
// definition; zygote/zygote.py and zygote/run.py are the other end.
//
//	server                         launch, then zygote                    run
//	  │  Spec (JSON)                     │                                 │
//	  ├─────────────────────────────────►│ outer jail, exec                │
//	  │  config and sources (JSON)       │                                 │
//	  ├─────────────────────────────────►│ import, seal                    │
//	  │                          H hello │                                 │
//	  │◄─────────────────────────────────┤  (or L: the step that failed)   │
//	  │                                  │                                 │
//	  │  R run + stdin stdout stderr control                               │
//	  ├─────────────────────────────────►├───────────── fork ─────────────►│ inner jail
//	  │             S started + pidfd    │                                 │
//	  │◄─────────────────────────────────┤                                 │
//	  │  control: program, args, env, files; to a parked run, later        │
//	  ├───────────────────────────────────────────────────────────────────►│
//	  │                       control: J jailed, then V M N as they come   │
//	  │◄───────────────────────────────────────────────────────────────────┤
//	  │                       stdout, stderr                               │
//	  │◄───────────────────────────────────────────────────────────────────┤
//	  │      X exited: status and usage  │◄──────────── wait4 ─────────────┘
//	  │◄─────────────────────────────────┤
//
// Server and zygote speak over a SOCK_SEQPACKET pair: a message is whole or it
// is not there. Numbers are little-endian, each at a multiple of eight bytes,
// behind a tag of one byte. A run's control socket is a stream of frames: tag,
// length in 32 bits, payload. Up to B it is our own code that speaks; from then on
// what is said there is hearsay, and M all that is listened to: it may change the
// run's own result, and nothing else. Readings are of CLOCK_MONOTONIC, in ns.
const (
	tagPing = 'P' // server -> zygote: id
	tagRun  = 'R' // server -> zygote: id, address space, CPU seconds, 1 if its program comes later; four descriptors, and a fifth of its workspace if it has one

	tagLost    = 'L' // launch or zygote -> server: JSON {step, error}; nothing follows
	tagHello   = 'H' // zygote -> server: warm and sealed
	tagListens = 'D' // launch -> server: one descriptor, on which it is asked about denied calls (listener_linux.go)
	tagFolder  = 'W' // launch -> server: one descriptor, of a mount that it has made for workspaces
	tagPong    = 'O' // zygote -> server: id
	tagStarted = 'S' // zygote -> server: id, pid; one descriptor, the run's pidfd
	tagFailed  = 'F' // zygote -> server: id, errno of fork
	tagExited  = 'X' // zygote -> server: id, wait status, user and system microseconds, max RSS in KiB, reading at its end

	frameJailed     = 'J' // run -> server: a reading; the inner jail is complete
	frameJailFailed = 'E' // run -> server: JSON {step, error}
	frameViolations = 'V' // run -> server: JSON list, the policy refused the program
	frameNoticed    = 'N' // run -> server: JSON list, what a stage in observe mode saw
	frameBegins     = 'B' // run -> server: a reading; the program is about to run
	frameMemory     = 'M' // run -> server: an uncaught MemoryError
)

const (
	maxReport  = 4 << 10  // bytes of one message from the zygote
	maxControl = 64 << 10 // bytes of everything that a run may say on its control socket
)

// A report is one message from the zygote.
type report struct {
	tag     byte
	id      uint64
	pid     int // tagStarted
	errno   int // tagFailed
	exit    exitReport
	failure stepFailure // tagLost
}

// exitReport is what wait4(2) told the zygote.
type exitReport struct {
	status uint32 // as wait(2) encodes it
	cpu    time.Duration
	maxRSS int64 // KiB
	at     uint64
}

// stepFailure is a step that could not be taken, in the words of whoever tried.
type stepFailure struct {
	Step  string `json:"step"`
	Error string `json:"error"`
}

var errProtocol = errors.New("sandbox: malformed message")

// parseReport reads one message from launch or zygote.
func parseReport(msg []byte) (report, error) {
	if len(msg) == 0 {
		return report{}, fmt.Errorf("%w: empty", errProtocol)
	}
	r := report{tag: msg[0]}
	switch r.tag {
	case tagHello, tagListens, tagFolder:
		return r, nil
	case tagLost:
		if err := json.Unmarshal(msg[1:], &r.failure); err != nil {
			return r, fmt.Errorf("%w: %w", errProtocol, err)
		}
		return r, nil
	}
	words, want := (len(msg)-8)/8, map[byte]int{tagPong: 1, tagStarted: 2, tagFailed: 2, tagExited: 6}[r.tag]
	if want == 0 || len(msg) != 8+8*words || words != want {
		return r, fmt.Errorf("%w: tag %q, %d bytes", errProtocol, r.tag, len(msg))
	}
	word := func(n int) uint64 { return binary.LittleEndian.Uint64(msg[8+8*n:]) }
	r.id = word(0)
	switch r.tag {
	case tagStarted:
		r.pid = int(int32(word(1)))
	case tagFailed:
		r.errno = int(int32(word(1)))
	case tagExited:
		const most = uint64(time.Hour / time.Microsecond) // so that no sum below overflows
		r.exit = exitReport{
			status: uint32(word(1)),
			cpu:    time.Duration(min(word(2), most)+min(word(3), most)) * time.Microsecond,
			maxRSS: int64(min(word(4), 1<<40)),
			at:     word(5),
		}
	}
	return r, nil
}

// orderPing and orderRun are the two messages to a zygote.
func orderPing(id uint64) []byte { return order(tagPing, id) }

func orderRun(id uint64, memory MiB, cpuSeconds uint64, ahead bool) []byte {
	var later uint64
	if ahead {
		later = 1
	}
	return order(tagRun, id, uint64(memory.Bytes()), cpuSeconds, later)
}

func order(tag byte, words ...uint64) []byte {
	msg := make([]byte, 8, 8+8*len(words))
	msg[0] = tag
	for _, w := range words {
		msg = binary.LittleEndian.AppendUint64(msg, w)
	}
	return msg
}

// program is what a run reads from its control socket. Six numbers of 32 bits: how long its
// source is, how long its arguments and its environment are together, how many arguments
// there are, how long its files are, how many of these there are, and 1 if figures are to be saved.
// Then the source; every argument and variable with a NUL behind it, as execve(2) lays
// them out; and for each file how long its name is and how long it is, and both.
func program(job Job) []byte {
	strings := slices.Concat(job.Args, job.Env)
	size := len(strings) // the NULs
	for _, s := range strings {
		size += len(s)
	}
	files, figures := 0, 0
	for _, f := range job.Files {
		files += 2*4 + len(f.Name) + len(f.Data)
	}
	if job.Figures {
		figures = 1
	}
	msg := make([]byte, 0, 6*4+len(job.Code)+size+files)
	for _, n := range []int{len(job.Code), size, len(job.Args), files, len(job.Files), figures} {
		msg = binary.LittleEndian.AppendUint32(msg, uint32(n))
	}
	msg = append(msg, job.Code...)
	for _, s := range strings {
		msg = append(append(msg, s...), 0)
	}
	for _, f := range job.Files {
		msg = binary.LittleEndian.AppendUint32(msg, uint32(len(f.Name)))
		msg = binary.LittleEndian.AppendUint32(msg, uint32(len(f.Data)))
		msg = append(append(msg, f.Name...), f.Data...)
	}
	return msg
}

// testimony is what a run said on its control socket.
type testimony struct {
	jailed      bool
	begun       bool // the program was let run
	jailedAt    uint64
	begunAt     uint64
	jailFailure *stepFailure
	violations  []string
	noticed     []string
	outOfMemory bool
}

// readControl reads frames until the run's end closes, or breaks the rules: what
// comes after that is drained and dropped, so that the run can't block on it.
func readControl(r io.Reader) testimony {
	var c testimony
	bounded := io.LimitReader(r, maxControl)
	var head [5]byte
	for {
		if _, err := io.ReadFull(bounded, head[:]); err != nil {
			break
		}
		size := binary.LittleEndian.Uint32(head[1:])
		if size > maxControl {
			break
		}
		payload := make([]byte, size)
		if _, err := io.ReadFull(bounded, payload); err != nil {
			break
		}
		if !c.take(head[0], payload) {
			break
		}
	}
	_, _ = io.Copy(io.Discard, r) // a read error here means what EOF does: the run is gone
	return c
}

// take records one frame; false when it is none of ours or out of place.
func (c *testimony) take(tag byte, payload []byte) bool {
	switch tag {
	case frameJailFailed:
		f := new(stepFailure)
		if c.jailed || json.Unmarshal(payload, f) != nil {
			return false
		}
		c.jailFailure = f
	case frameJailed:
		if c.jailed || len(payload) != 8 {
			return false
		}
		c.jailed, c.jailedAt = true, binary.LittleEndian.Uint64(payload)
	case frameViolations:
		return c.jailed && !c.begun && takeList(&c.violations, payload)
	case frameNoticed:
		return c.jailed && !c.begun && takeList(&c.noticed, payload)
	case frameBegins:
		if !c.jailed || c.begun || c.violations != nil || len(payload) != 8 {
			return false
		}
		c.begun, c.begunAt = true, binary.LittleEndian.Uint64(payload)
	case frameMemory:
		c.outOfMemory = true
	default:
		return false
	}
	return true
}

// takeList sets an empty list from JSON, whole or not at all.
func takeList(list *[]string, payload []byte) bool {
	var read []string
	if *list != nil || json.Unmarshal(payload, &read) != nil {
		return false
	}
	*list = read
	return true
}
